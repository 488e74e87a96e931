/* SPDX-License-Identifier: Apache-2.0
 *
 * What a host is to hold, flow by flow, for people. */

#ifndef CONTROLLER_FABRIC_FABRIC_FLOWS_H
#define CONTROLLER_FABRIC_FABRIC_FLOWS_H 1

#include <stdbool.h>
#include <stddef.h>

struct ds;
struct fabric;

/* Which flows and groups of a host somebody wants to see.  Strings are
 * borrowed. */
struct fabric_filter {
    const char *app;            /* Whose owner is of this app, or NULL. */
    const char *object;         /* Whose owner's key, or a part of it between
                                 * "/" or "|", is this, or NULL. */
    bool by_table;              /* Flows in these tables; no groups. */
    int first_table, last_table;
};

/* What a host is to hold, for people: the members of a JSON object, "n_flows",
 * "n_groups" (all that pass 'filter'), "groups": [{"group_id", "group",
 * "owner", "scope"}], "flows": [{"table", "priority", "match", "actions",
 * "cookie", "owner", "scope", "reason" (of a drop)}]}: as packets meet them,
 * at most 'limit' of each.  What it is is decided at once, but to put it into
 * words takes long, and is done in bits, perhaps in several turns.
 *
 * fabric_flows_create() returns NULL for an unknown host.  fabric_flows_put()
 * appends the next bit of the text to the 'ds', and returns false once that
 * was all. */
struct fabric_flows;
struct fabric_flows *fabric_flows_create(const struct fabric *,
                                         const char *host,
                                         const struct fabric_filter *,
                                         size_t limit);
bool fabric_flows_put(struct fabric_flows *, struct ds *);
void fabric_flows_destroy(struct fabric_flows *);

#endif /* controller/fabric/fabric-flows.h */
