/* SPDX-License-Identifier: Apache-2.0
 *
 * Formats flows and groups as text: desired ones, installed ones, their
 * differences, and owners.  Not for finding differences (audit.c). */

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

/* Fill in the members shown of a flow, or of a group, in 'arena'. */
void item_show_flow(const struct engine *, const struct flow_item *,
                    struct arena *arena, struct fabric_flow *);
void item_show_group(const struct engine *, const struct flow_item *,
                     struct arena *arena, struct fabric_group *);

/* Returns true if 'filter' selects items of 'owner' (NULL: unknown flows);
 * 'table' is -1 for a group. */
bool filter_passes(const struct fabric_filter *, const char *owner,
                   int table);

/* The same for a desired item. */
bool filter_passes_item(const struct fabric_filter *, const struct engine *,
                        const struct flow_item *);

enum difference_kind {
    DIFFERENCE_MISSING,         /* Desired, not installed. */
    DIFFERENCE_ALTERED,         /* Installed with other contents. */
    DIFFERENCE_UNKNOWN,        /* Installed, not desired. */
    DIFFERENCE_REFUSED,         /* Desired, not installed since the switch
                                 * rejected it. */
};

/* All members are borrowed. */
struct difference {
    enum difference_kind kind;
    const struct flow_item *desired; /* NULL of an unknown flow. */
    const struct flow_record *flow;   /* The installed flow, or NULL; */
    const struct group_record *group; /* the installed group, or NULL. */
};

/* Returns "missing" and so on. */
const char *difference_kind_name(enum difference_kind);
/* Returns "APP.UNIT/KEY", or NULL for an unknown flow. */
const char *difference_owner(const struct engine *,
                             const struct difference *);

/* "missing: flow table=3,...".  The caller frees it. */
char *difference_to_text(const struct engine *, const struct difference *);

/* Fills in the members shown of a difference, in 'arena'. */
void difference_show(const struct engine *, const struct difference *,
                     struct arena *arena, struct fabric_difference *);
bool difference_passes(const struct engine *, const struct difference *,
                       const struct fabric_filter *);

#endif /* controller/fabric/session/flow-format.h */
