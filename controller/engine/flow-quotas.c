/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows and groups by quota and host; see flow-quotas.h.  Changes are
 * propagated step by step, and stop where a set stays the same: from a row's
 * labels to its units, from these to the relation values that they publish and
 * so to other units, from units to items, from items to the scope's counts for
 * a quota, and from there to the scope's hosts. */

#include <config.h>

#include "controller/engine/flow-quotas.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine-private.h"
#include "controller/engine/flow-quota-sets.h"
#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* The quotas of the units that publish a relation value at one key. */
struct publisher_quotas {
    struct relation_node *rel;
    bool changed;               /* In 'changed' of struct quotas. */
    struct ovs_list changed_node;
    size_t n, allocated;
    struct publications {
        struct flow_quota *quota; /* Referenced by the units' sets. */
        size_t n;               /* Publications; not 0. */
    } *by_quota;
};

/* Items.  ---------------------------------------------------------------- */

/* Sets the item's quotas.  Takes ownership of the reference to 'set'. */
static void
set_item(struct quotas *quotas, struct flow_item *item, struct quota_set *set)
{
    struct engine_scope *scope = CONST_CAST(struct engine_scope *,
                                            item->scope);
    struct quota_set *old = item->quotas;

    if (set != old) {
        quotas_count_items(quotas, set, scope, 1);
        quotas_count_items(quotas, old, scope, -1);
        item->quotas = set;
        set = old;
    }
    quota_set_unref(set);
}

/* Returns the quotas of all units with an entry in the item's slot and scope.
 * The caller releases the set. */
static struct quota_set *
set_of_item(struct quotas *quotas, const struct desired_state *desired,
            const struct slot *slot, const struct flow_item *item)
{
    struct quota_draft draft = { 0, 0, NULL };
    struct quota_set *first = NULL, *last = NULL;
    struct slot_range range = slot_range_of(desired, slot, item->scope);

    for (size_t i = range.first; i < range.end; i++) {
        const struct entry *entry = slot_entry(desired, slot, i);
        struct quota_set *set = entry->unit->quotas;

        if (!set || set == last || entry_scope(entry) != item->scope) {
            continue;
        }
        if (!first) {
            first = set;
        } else {
            quota_draft_add_set(&draft, set);
        }
        last = set;
    }
    if (!draft.n) {
        return quota_set_ref(first);
    }
    quota_draft_add_set(&draft, first);
    return quota_draft_finish(&draft, quotas);
}

void
quotas_update_slot(struct engine *engine, const struct slot *slot,
                   struct flow_item *const *items, size_t n)
{
    struct quotas *quotas = &engine->quotas;

    for (size_t i = 0; !hmap_is_empty(&quotas->sets) && i < n; i++) {
        set_item(quotas, items[i],
                 set_of_item(quotas, &engine->desired, slot, items[i]));
    }
}

void
quotas_remove_item(struct engine *engine, struct flow_item *item)
{
    set_item(&engine->quotas, item, NULL);
}

/* Relation values.  ------------------------------------------------------ */

static struct publications *
find_publications(const struct publisher_quotas *fq, const struct flow_quota
                  *quota)
{
    for (size_t i = 0; i < fq->n; i++) {
        if (fq->by_quota[i].quota == quota) {
            return &fq->by_quota[i];
        }
    }
    return NULL;
}

/* Counts a publication.  Returns true if that adds or removes the quota. */
static bool
count_publication(struct publisher_quotas *fq, struct flow_quota *quota, int n)
{
    struct publications *p = find_publications(fq, quota);

    if (!p) {
        if (fq->n >= fq->allocated) {
            fq->by_quota = x2nrealloc(fq->by_quota, &fq->allocated,
                                      sizeof *fq->by_quota);
        }
        fq->by_quota[fq->n++] = (struct publications) { quota, n };
        return true;
    }
    p->n += n;
    if (!p->n) {
        *p = fq->by_quota[--fq->n];
        return true;
    }
    return false;
}

static void
publish(struct quotas *quotas, const struct quota_set *set,
        struct relation_node *rel, int n)
{
    struct publisher_quotas *fq = rel->quotas;
    bool changed = false;

    if (!set) {
        return;
    }
    if (!fq) {
        fq = rel->quotas = xzalloc(sizeof *fq);
        fq->rel = rel;
    }
    for (size_t i = 0; i < set->n; i++) {
        changed |= count_publication(fq, set->quotas[i], n);
    }
    if (changed && !fq->changed) {
        fq->changed = true;
        ovs_list_push_back(&quotas->changed, &fq->changed_node);
    }
}

void
quotas_publish(struct engine *engine, const struct unit_node *unit,
               struct relation_node *rel, int n)
{
    publish(&engine->quotas, unit->quotas, rel, n);
}

void
quotas_relation_destroy(struct relation_node *rel)
{
    struct publisher_quotas *fq = rel->quotas;

    if (fq) {
        if (fq->changed) {
            ovs_list_remove(&fq->changed_node);
        }
        free(fq->by_quota);
        free(fq);
        rel->quotas = NULL;
    }
}

static struct quota_set *
set_of_relation(struct quotas *quotas, const struct relation_node *rel)
{
    struct quota_draft draft = { 0, 0, NULL };

    for (size_t i = 0; rel->quotas && i < rel->quotas->n; i++) {
        quota_draft_add(&draft, rel->quotas->by_quota[i].quota);
    }
    return quota_draft_finish(&draft, quotas);
}

/* Units.  ---------------------------------------------------------------- */

static void
count_kept(const struct quota_set *set, int64_t n)
{
    for (size_t i = 0; set && i < set->n; i++) {
        set->quotas[i]->n_kept += n;
    }
}

static int64_t
kept_of(const struct unit_node *unit)
{
    return (int64_t) unit->n_entries + unit->n_values;
}

/* Returns true if the quota limits a request of the run.  One that was
 * forgotten, which units may have until the end of the run, does not. */
static bool
is_bound(const struct engine *engine, const struct flow_quota *quota)
{
    const struct quotas *quotas = &engine->quotas;
    struct vmn_quota row;
    bool bound = false;

    if (quotas->n_bound && flow_quota_find(quotas, quota->name) == quota
        && model_find_quota(engine->model, quota->name, &row)) {
        for (size_t i = 0; !bound && i < quotas->n_bound; i++) {
            bound = model_quota_binds(&row, quotas->bound[i]);
        }
    }
    return bound;
}

bool
quotas_admit(struct engine *engine, const struct unit_node *unit, uint64_t n)
{
    const struct quota_set *set = unit->quotas;
    int64_t more = (int64_t) n - kept_of(unit);
    bool ok = true;

    for (size_t i = 0; set && more > 0 && i < set->n; i++) {
        struct flow_quota *quota = set->quotas[i];

        if (quota->n_kept + more > quota->max_kept
            && is_bound(engine, quota)) {
            quota->refused = quota->n_kept + more;
            engine->quotas.refused = true;
            ok = false;
        }
    }
    if (ok) {
        count_kept(set, more);
    }
    return ok;
}

/* Sets the unit's quotas.  Takes ownership of the reference to 'set'. */
static void
set_unit(struct engine *engine, struct unit_node *unit, struct quota_set *set)
{
    struct quota_set *old = unit->quotas;

    if (set == old) {
        quota_set_unref(set);
        return;
    }
    unit->quotas = set;
    count_kept(set, kept_of(unit));
    count_kept(old, -kept_of(unit));
    for (size_t i = 0; i < unit->n_values; i++) {
        publish(&engine->quotas, set, unit->values[i].rel, 1);
        publish(&engine->quotas, old, unit->values[i].rel, -1);
    }
    for (size_t i = 0; i < unit->n_entries; i++) {
        desired_mark(engine, unit->entries[i]);
    }
    quota_set_unref(old);
}

struct row_draft {
    struct quotas *quotas;
    struct quota_draft draft;
};

static void
add_quota_of_row(void *row_, const char *name)
{
    struct row_draft *row = row_;
    struct flow_quota *quota = flow_quota_find(row->quotas, name);

    if (quota) {
        quota_draft_add(&row->draft, quota);
    }
}

static struct quota_set *
set_of_row(struct engine *engine, enum vmn_table table, const char *name)
{
    struct row_draft draft = { &engine->quotas, { 0, 0, NULL } };
    const struct vmn_row *row = model_get(engine->model, table, name);

    if (row && !hmap_is_empty(&engine->quotas.quotas)) {
        model_quotas_of(engine->model, row, add_quota_of_row, &draft);
    }
    return quota_draft_finish(&draft.draft, &engine->quotas);
}

void
quotas_row_changed(struct engine *engine, enum vmn_table table,
                   const char *name)
{
    struct quotas *quotas = &engine->quotas;
    struct quota_set *set;

    quotas->stale |= table == VMN_TABLE_QUOTA || table == VMN_TABLE_ACCOUNT;
    if (hmap_is_empty(&quotas->quotas) && hmap_is_empty(&quotas->sets)) {
        return;
    }
    set = set_of_row(engine, table, name);
    for (unsigned i = 0; i < engine->n_unit_classes; i++) {
        struct node *node
            = (engine->unit_classes[i].table == table
               ? graph_find(&engine->graph, NODE_UNIT, i, name) : NULL);

        if (node) {
            set_unit(engine, unit_node_cast(node), quota_set_ref(set));
        }
    }
    quota_set_unref(set);
}

void
quotas_add_unit(struct engine *engine, struct unit_node *unit)
{
    const struct unit_class *class_ = unit_class(engine, unit);
    struct quotas *quotas = &engine->quotas;

    if (hmap_is_empty(&quotas->quotas) && hmap_is_empty(&quotas->sets)) {
        return;
    }
    if (class_->class_->each == VMN_EACH_ROW) {
        unit->quotas = set_of_row(engine, class_->table,
                                  unit->node.key);
    } else if (class_->class_->each == VMN_EACH_KEY) {
        unit->quotas = set_of_relation(quotas, relation_get(
            engine, class_->relation, unit->node.key));
    }
}

void
quotas_remove_unit(struct engine *engine OVS_UNUSED, struct unit_node *unit)
{
    count_kept(unit->quotas, -kept_of(unit));
    quota_set_unref(unit->quotas);
    unit->quotas = NULL;
}

void
quotas_update_units(struct engine *engine)
{
    struct quotas *quotas = &engine->quotas;

    while (!ovs_list_is_empty(&quotas->changed)) {
        struct publisher_quotas *fq
            = CONTAINER_OF(ovs_list_pop_front(&quotas->changed),
                           struct publisher_quotas, changed_node);
        const struct node *rel = &fq->rel->node;

        fq->changed = false;
        for (unsigned i = 0; i < engine->n_unit_classes; i++) {
            const struct unit_class *class_ = &engine->unit_classes[i];
            struct node *node
                = (class_->class_->each == VMN_EACH_KEY
                   && class_->relation == rel->id
                   ? graph_find(&engine->graph, NODE_UNIT, i, rel->key)
                   : NULL);

            if (node) {
                set_unit(engine, unit_node_cast(node),
                         set_of_relation(quotas, fq->rel));
            }
        }
        engine_yield(engine);
    }
}

/* Rows of quotas.  ------------------------------------------------------- */

static void
forget_quota(struct quotas *quotas, struct flow_quota *quota)
{
    hmap_remove(&quotas->quotas, &quota->node);
    flow_quota_unref(quota);
}

/* Updates a quota from its row.  Returns true if it counts other things than
 * before. */
static bool
take_quota(struct quotas *quotas, const struct vmn_quota *row)
{
    struct flow_quota *quota = flow_quota_find(quotas, row->row.name);
    const char *scope = row->scope.text ? row->scope.text : "";
    uint64_t max = MAX(row->flows_per_host, 0);
    bool changed = !quota || strcmp(quota->scope, scope);

    if (quota && !quota->totals.max != !max) {
        /* Whether its items are counted is fixed. */
        forget_quota(quotas, quota);
        quota = NULL;
        changed = true;
    }
    if (!quota) {
        quota = flow_quota_create(quotas, row->row.name);
    }
    if (changed) {
        free(quota->scope);
        quota->scope = xstrdup(scope);
    }
    quota->totals.max = max;
    quota->max_kept = row->flows;
    quota->found = true;
    return changed;
}

static bool
take_quotas(struct engine *engine)
{
    struct vmn_names names = model_names(engine->model, VMN_TABLE_QUOTA);
    struct quotas *quotas = &engine->quotas;
    char name[MODEL_DEFAULT_QUOTA_SIZE];
    struct flow_quota *quota, *next;
    struct vmn_quota row;
    bool changed = false;

    HMAP_FOR_EACH (quota, node, &quotas->quotas) {
        quota->found = false;
    }
    for (size_t i = 0; i < names.n; i++) {
        changed |= take_quota(quotas, model_get(
            engine->model, VMN_TABLE_QUOTA, names.names[i]));
    }
    names = model_names(engine->model, VMN_TABLE_ACCOUNT);
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_account *account = model_get(
            engine->model, VMN_TABLE_ACCOUNT, names.names[i]);

        if (model_default_quota(engine->model, account, &row, name)) {
            changed |= take_quota(quotas, &row);
        }
        engine_yield(engine);
    }
    HMAP_FOR_EACH_SAFE (quota, next, node, &quotas->quotas) {
        if (!quota->found) {
            forget_quota(quotas, quota);
            changed = true;
        }
    }
    return changed;
}

static void
end_refusal(struct quotas *quotas)
{
    struct flow_quota *quota;

    HMAP_FOR_EACH (quota, node, &quotas->quotas) {
        quota->refused = 0;
    }
    quotas->refused = false;
}

void
quotas_refresh(struct engine *engine)
{
    if (engine->quotas.refused) {
        end_refusal(&engine->quotas);
    }
    if (!engine->quotas.stale) {
        return;
    }
    engine->quotas.stale = false;
    if (!take_quotas(engine) || !engine->started) {
        return;                 /* There are no units yet. */
    }
    for (int t = 0; t < VMN_N_TABLES; t++) {
        struct vmn_names names = model_names(engine->model, t);

        for (size_t i = 0; !schema_tables[t]->unscoped && i < names.n; i++) {
            quotas_row_changed(engine, t, names.names[i]);
            engine_yield(engine);
        }
    }
}

/* For others.  ----------------------------------------------------------- */

bool
engine_quota_flows(const struct engine *engine, const char *name,
                   const char **host, uint64_t *n)
{
    const struct flow_quota *quota = flow_quota_find(&engine->quotas, name);

    *host = quota ? host_totals_most(&quota->totals, n) : NULL;
    *n = *host ? *n : 0;
    return quota && quota->totals.max;
}

uint64_t
engine_quota_kept(const struct engine *engine, const char *name)
{
    const struct flow_quota *quota = flow_quota_find(&engine->quotas, name);

    return quota ? quota->n_kept : 0;
}

void
engine_bind_quotas(struct engine *engine, const struct model_rights *rights)
{
    struct quotas *quotas = &engine->quotas;

    if (!rights || !rights->scope.text) {
        return;
    }
    if (quotas->n_bound >= quotas->allocated_bound) {
        quotas->bound = x2nrealloc(quotas->bound, &quotas->allocated_bound,
                                   sizeof *quotas->bound);
    }
    quotas->bound[quotas->n_bound++] = rights;
}

void
engine_exceeded_quotas(const struct engine *engine, engine_exceeded_cb *cb,
                       void *aux)
{
    const struct flow_quota *quota;

    HMAP_FOR_EACH (quota, node, &engine->quotas.quotas) {
        uint64_t n;
        const char *host = host_totals_exceeded(&quota->totals, &n);

        if (host) {
            cb(aux, quota->name, host, n, quota->totals.max);
        }
        if (quota->refused) {
            cb(aux, quota->name, NULL, quota->refused, quota->max_kept);
        }
    }
}

struct comparison_of_quota {
    const struct flow_quota *quota;
    const struct flow_quota *other; /* Or NULL. */
    struct ds *ds;
    size_t n;
};

static void
compare_host(void *cmp_, const char *host, uint64_t n)
{
    struct comparison_of_quota *cmp = cmp_;
    uint64_t other
        = cmp->other ? host_totals_get(&cmp->other->totals, host) : 0;

    if (n != other) {
        ds_put_format(cmp->ds, "quota %s on host %s: %"PRIu64" and %"PRIu64
                      "\n", cmp->quota->name, host, n, other);
        cmp->n++;
    }
}

size_t
quotas_compare(const struct engine *a, const struct engine *b, struct ds *ds)
{
    const struct flow_quota *quota;
    size_t n = 0;

    HMAP_FOR_EACH (quota, node, &a->quotas.quotas) {
        struct comparison_of_quota cmp = {
            quota, flow_quota_find(&b->quotas, quota->name), ds, 0,
        };

        host_totals_each(&quota->totals, compare_host, &cmp);
        n += cmp.n;
    }
    return n;
}
