/* SPDX-License-Identifier: Apache-2.0
 *
 * What a host is to hold, flow by flow, for people. */

#ifndef CONTROLLER_FABRIC_FABRIC_FLOWS_H
#define CONTROLLER_FABRIC_FABRIC_FLOWS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct fabric;
struct schema_struct;

/* Which flows and groups of a host somebody wants to see.  Strings are
 * borrowed. */
struct fabric_filter {
    const char *app;            /* Whose owner is of this app, or NULL. */
    const char *object;         /* Whose owner's key, or a part of it between
                                 * "/" or "|", is this, or NULL. */
    bool by_table;              /* Flows in these tables; no groups. */
    int first_table, last_table;
};

/* What a flow or a group does. */
struct fabric_contents {
    const char *actions, *cookie; /* Of a flow; else NULL. */
    const char *reason;         /* Of one that drops, why; or NULL. */
    const char *group;          /* Of a group; else NULL. */
    int idle_timeout, hard_timeout; /* In seconds; -1: neither is set. */
};

/* One that is desired.  Members are called as in JSON. */
struct fabric_flow {
    int table, priority;
    const char *match, *actions;
    const char *reason;         /* Of one that drops, why; or NULL. */
    const char *cookie;
    const char *owner;          /* "APP.UNIT/KEY", or NULL. */
    const char *scope;
};
extern const struct schema_struct fabric_flow_shown;

struct fabric_group {
    uint32_t group_id;
    const char *group;
    const char *owner, *scope;  /* As of a flow. */
};
extern const struct schema_struct fabric_group_shown;

/* What a host is to hold, for people: groups by number, then flows as packets
 * meet them, at most 'limit' of each.  What it is is decided at once; to put
 * one into words takes some microseconds, so that a caller that lists many
 * does so in several turns.
 *
 * fabric_flows_create() returns NULL for an unknown host.  '*n_flows' and
 * '*n_groups' are how many pass 'filter'.  The others fill in the next one,
 * in 'arena', and return false once there is none. */
struct fabric_flows;
struct fabric_flows *fabric_flows_create(const struct fabric *,
                                         const char *host,
                                         const struct fabric_filter *,
                                         size_t limit, size_t *n_flows,
                                         size_t *n_groups);
bool fabric_flows_next_group(struct fabric_flows *, struct arena *arena,
                             struct fabric_group *);
bool fabric_flows_next_flow(struct fabric_flows *, struct arena *arena,
                            struct fabric_flow *);
void fabric_flows_destroy(struct fabric_flows *);

#endif /* controller/fabric/fabric-flows.h */
