/* SPDX-License-Identifier: Apache-2.0
 *
 * The desired flows and groups of a host, as text. */

#ifndef CONTROLLER_FABRIC_FABRIC_FLOWS_H
#define CONTROLLER_FABRIC_FABRIC_FLOWS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct fabric;
struct schema_struct;

/* Selects flows and groups of a host.  Strings are borrowed. */
struct fabric_filter {
    const char *app;            /* The owner's app, or NULL: any. */
    const char *object;         /* The owner's key, or a part of it between "/"
                                 * or "|"; NULL: any. */
    bool by_table;              /* Only flows in these tables; no groups. */
    int first_table, last_table;
};

/* The contents of a flow or group. */
struct fabric_contents {
    const char *actions, *cookie; /* Of a flow; else NULL. */
    const char *reason;         /* The reason of a flow that drops; or NULL. */
    const char *group;          /* Of a group; else NULL. */
    int idle_timeout, hard_timeout; /* In seconds; -1: neither is set. */
};

/* A desired flow or group.  Members are called as in JSON. */
struct fabric_flow {
    int table, priority;
    const char *match, *actions;
    const char *reason;         /* The reason of a flow that drops; or NULL. */
    const char *cookie;
    const char *owner;          /* "APP.UNIT/KEY", or NULL. */
    const char *scope;
};
extern const struct schema_struct fabric_flow_shown;

struct fabric_group {
    uint32_t group_id;
    const char *group;
    const char *owner, *scope;  /* As for a flow. */
};
extern const struct schema_struct fabric_group_shown;

/* Lists the desired flows and groups of a host: groups by ID, then flows in
 * the order of tables and priorities, at most 'limit' of each.  The list is a
 * snapshot of the moment of creation; formatting an item takes some
 * microseconds, so callers format long lists in several iterations of the
 * loop. fabric_flows_create() returns NULL for an unknown host, and sets
 * '*n_flows' and '*n_groups' to how many pass 'filter'.  The others fill in
 * the next item, in 'arena', and return false at the end. */
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
