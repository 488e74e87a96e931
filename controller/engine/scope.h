/* SPDX-License-Identifier: Apache-2.0
 *
 * Scopes: the hosts that a set of items is for.  A scope exists while an item
 * or an entry refers to it.  Not for the items of a host (engine.h). */

#ifndef CONTROLLER_ENGINE_SCOPE_H
#define CONTROLLER_ENGINE_SCOPE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/engine/host-scopes.h"
#include "controller/engine/host-totals.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "sset.h"
#include "vmn/flow.h"

struct engine;
struct engine_delta;
struct relation_node;
struct flow_item;
struct model;

struct engine_scope {
    struct hmap_node hmap_node; /* In table's 'scopes', by the next three. */
    struct scope_table *table;  /* NULL once the engine was destroyed. */
    unsigned n_refs;
    enum vmn_scope_kind kind;
    char *relation;             /* VMN_SCOPE_RELATION, or "". */
    char *key;                  /* Or "". */
    char *name;                 /* "all", "host:KEY", "RELATION:KEY". */
    struct relation_node *rel;  /* VMN_SCOPE_RELATION. */
    struct ovs_list groups;     /* Of struct flow_item, by scope_node. */
    struct ovs_list flows;
    uint64_t digest;            /* Sum of theirs. */
    struct sset members;        /* Hosts, as of the last delta. */
    size_t n_items;
    size_t n_groups;            /* Of these. */
    size_t n_counted;           /* Items included in the members' totals. */
    size_t n_counted_groups;
    bool recount;               /* The two may differ. */
    struct ovs_list recount_node;
    bool touched;               /* Membership may have changed. */
    struct ovs_list touched_node;
    struct ovs_list shares;     /* Of quotas' struct quota_share. */
};

struct scope_table {
    struct hmap scopes;
    struct ovs_list touched;
    struct ovs_list recount;
    struct host_scopes by_host; /* By the scopes' members. */
    struct host_totals totals;
    const struct model *model;
    /* Called when a scope of a relation is freed. */
    void (*relation_unused)(void *aux, struct relation_node *);
    void *aux;
};

void scope_table_init(struct scope_table *, const struct model *);
/* Scopes that are still referenced remain valid without it. */
void scope_table_uninit(struct scope_table *);

/* Returns the scope, created if necessary, with a reference.  'rel' is the
 * node of a VMN_SCOPE_RELATION scope. */
struct engine_scope *scope_get(struct scope_table *, const struct vmn_scope *,
                               struct relation_node *rel);
/* Returns the scope of a host alone, or NULL. */
struct engine_scope *scope_find_host(const struct scope_table *,
                                     const char *host);
void scope_ref(struct engine_scope *);
void scope_unref(struct engine_scope *);

void scope_touch(struct engine_scope *);
/* Touches the scopes that a host whose row was created or deleted may be
 * in. */
void scope_touch_host(struct scope_table *, const char *host);
/* Appends the changes of membership of all touched scopes, and updates the
 * hosts' totals. */
void scope_update(struct engine *, struct engine_delta *);

bool scope_has_host(const struct engine_scope *, const char *host);
/* Returns false if no host can ever be in both. */
bool scope_may_meet(const struct engine_scope *, const struct engine_scope *);

void scope_add_item(struct flow_item *);
void scope_remove_item(struct flow_item *);

#endif /* controller/engine/scope.h */
