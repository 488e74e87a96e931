/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows and groups in words: what is desired, what a switch holds,
 * how the two differ, and of whom it is.  Not for finding what differs
 * (audit.c). */

#ifndef CONTROLLER_FABRIC_SESSION_FLOW_FORMAT_H
#define CONTROLLER_FABRIC_SESSION_FLOW_FORMAT_H 1

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct engine;
struct flow_item;
struct fabric_difference;
struct fabric_filter;
struct fabric_flow;
struct fabric_group;
struct flow_record;
struct group_record;

/* "flow table=3,priority=100,ip actions=drop of overlay.port/web-1".  The
 * caller frees it. */
char *item_describe(const struct engine *, const struct flow_item *);

/* Fill in what is shown of a flow, or of a group, in 'arena'. */
void item_show_flow(const struct engine *, const struct flow_item *,
                    struct arena *arena, struct fabric_flow *);
void item_show_group(const struct engine *, const struct flow_item *,
                     struct arena *arena, struct fabric_group *);

/* Returns true if somebody who asked for 'filter' wants to see what belongs to
 * 'owner' (NULL: an unknown flow's); 'table' is -1 of a group. */
bool filter_passes(const struct fabric_filter *, const char *owner,
                   int table);

/* The same for something desired. */
bool filter_passes_item(const struct fabric_filter *, const struct engine *,
                        const struct flow_item *);

enum difference_kind {
    DIFFERENCE_MISSING,         /* Desired, and not there. */
    DIFFERENCE_ALTERED,         /* There, but with other contents. */
    DIFFERENCE_UNKNOWN,        /* There, and not desired. */
    DIFFERENCE_REFUSED,         /* Desired, and not there as the switch has
                                 * refused it. */
};

/* Borrowed, all of it. */
struct difference {
    enum difference_kind kind;
    const struct flow_item *desired; /* NULL of an unknown flow. */
    const struct flow_record *flow;   /* What is there, of a flow, or NULL; */
    const struct group_record *group; /* of a group, or NULL. */
};

/* "missing" and so on. */
const char *difference_kind_name(enum difference_kind);
/* "APP.UNIT/KEY", or NULL of an unknown flow's. */
const char *difference_owner(const struct engine *,
                             const struct difference *);

/* "missing: flow table=3,...".  The caller frees it. */
char *difference_to_text(const struct engine *, const struct difference *);

/* Fills in what is shown of it, in 'arena'. */
void difference_show(const struct engine *, const struct difference *,
                     struct arena *arena, struct fabric_difference *);
bool difference_passes(const struct engine *, const struct difference *,
                       const struct fabric_filter *);

#endif /* controller/fabric/session/flow-format.h */
