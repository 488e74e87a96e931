/* SPDX-License-Identifier: Apache-2.0
 *
 * The model's tables: reading, notes of what changed, settling and undoing.
 * How requests change it is in transaction.c. */

#include <config.h>

#include "controller/model/model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/model-private.h"
#include "controller/model/quota-usage.h"
#include "controller/model/id-pools.h"
#include "controller/schema/schema-row.h"
#include "hash.h"
#include "util.h"

struct change_node {
    struct hmap_node node;      /* In model's 'changes'. */
    struct ovs_list list_node;  /* In model's 'change_list'. */
    struct model_change change; /* 'key' is owned. */
};

struct model *
model_create(void)
{
    struct model *model = xzalloc(sizeof *model);

    model->id_pools = id_pools_create();
    model->usage = usage_create();
    id_pools_declare(model->id_pools, "vni", 16777215);
    for (int i = 0; i < VMN_N_TABLES; i++) {
        hmap_init(&model->tables[i].entries);
    }
    hmap_init(&model->index);
    hmap_init(&model->changes);
    ovs_list_init(&model->change_list);
    builtin_add(model);
    return model;
}

struct version *
version_create(void)
{
    struct version *version = xzalloc(sizeof *version);

    arena_init(&version->arena);
    return version;
}

void
version_destroy(struct model *model, struct version *version)
{
    if (version) {
        id_pools_unref(model->id_pools, version->vni);
        arena_uninit(&version->arena);
        free(version);
    }
}

struct entry *
model_find(const struct model *model, enum vmn_table table, const char *name)
{
    struct entry *entry;

    HMAP_FOR_EACH_WITH_HASH (entry, node, hash_string(name, 0),
                             &model->tables[table].entries) {
        if (!strcmp(entry->name, name)) {
            return entry;
        }
    }
    return NULL;
}

struct entry *
model_find_or_add(struct model *model, enum vmn_table table,
                  const char *name)
{
    struct entry *entry = model_find(model, table, name);

    if (!entry) {
        entry = xzalloc(sizeof *entry);
        entry->table = table;
        entry->name = xstrdup(name);
        hmap_insert(&model->tables[table].entries, &entry->node,
                    hash_string(name, 0));
        name_set_add(&model->tables[table].all, entry->name);
    }
    return entry;
}

static void
entry_destroy(struct model *model, struct entry *entry)
{
    hmap_remove(&model->tables[entry->table].entries, &entry->node);
    free(entry->cursors);
    free(entry->name);
    free(entry);
}

void
model_drop_if_empty(struct model *model, struct entry *entry)
{
    if (!entry->cur && !entry->durable && !entry->dirty && !entry->touched) {
        name_set_remove(&model->tables[entry->table].all, entry->name);
        entry_destroy(model, entry);
    }
}

void
model_set_cur(struct model *model, struct entry *entry,
              struct version *version)
{
    struct name_set *names = &model->tables[entry->table].cur;

    if (entry->cur) {
        index_version(model, entry, entry->cur, false);
    }
    if (!entry->cur && version) {
        name_set_add(names, entry->name);
    } else if (entry->cur && !version) {
        name_set_remove(names, entry->name);
    }
    entry->cur = version;
    if (version) {
        index_version(model, entry, version, true);
    }
}

/* Reading.  --------------------------------------------------------------- */

void
model_set_yield(struct model *model, void (*yield)(void *aux), void *aux)
{
    model->yield = yield;
    model->yield_aux = aux;
}

void
model_yield(const struct model *model)
{
    if (model->yield) {
        model->yield(model->yield_aux);
    }
}

struct id_pools *
model_id_pools(struct model *model)
{
    return model->id_pools;
}

const void *
model_get(const struct model *model, enum vmn_table table, const char *name)
{
    return entry_row(model_find(model, table, name));
}

static const void *
durable_row(const struct entry *entry, struct model_meta *meta)
{
    if (!entry || !entry->durable) {
        return NULL;
    }
    if (meta) {
        *meta = entry->durable->meta;
    }
    return entry->durable->row;
}

const void *
model_get_durable(const struct model *model, enum vmn_table table,
                  const char *name, struct model_meta *meta)
{
    return durable_row(model_find(model, table, name), meta);
}

const void *
model_next_durable(const struct model *model, enum vmn_table table,
                   const char *after, struct model_meta *meta)
{
    const struct name_set *all = &model->tables[table].all;

    for (size_t i = name_set_upper(all, after); i < all->n; i++) {
        const void *row = durable_row(model_find(model, table,
                                                 all->names[i]), meta);
        if (row) {
            return row;
        }
    }
    return NULL;
}

static struct vmn_names
names_of(const struct name_set *set)
{
    return (struct vmn_names) { set->n, (const char *const *) set->names };
}

struct vmn_names
model_names(const struct model *model, enum vmn_table table)
{
    return names_of(&model->tables[table].cur);
}

struct vmn_names
model_lookup(const struct model *model, enum vmn_index index,
             const char *key)
{
    return names_of(index_get(model, index, key));
}

struct vmn_names
model_referrers(const struct model *model, enum vmn_table target,
                const char *name, enum vmn_table referrer)
{
    return names_of(index_get(model, index_refs(target, referrer), name));
}

const char *
model_find_address(const struct model *model, const char *network,
                   const char *ip)
{
    char *key = xasprintf("%s/%s", network, ip);
    const struct name_set *names = index_get(model, VMN_INDEX_PORT_BY_IP,
                                             key);
    const char *name = names && names->n ? names->names[0] : NULL;

    free(key);
    return name;
}

uint64_t
model_revision(const struct model *model)
{
    return model->revision;
}

uint64_t
model_durable_revision(const struct model *model)
{
    return model->durable_revision;
}

/* Notes of what changed.  ------------------------------------------------- */

static void
note(struct model *model, enum model_change_kind kind, int id,
     const char *key)
{
    uint32_t hash = hash_string(key, hash_2words(kind, id));
    struct change_node *node;

    HMAP_FOR_EACH_WITH_HASH (node, node, hash, &model->changes) {
        if (node->change.kind == kind && node->change.id == id
            && !strcmp(node->change.key, key)) {
            return;
        }
    }
    node = xmalloc(sizeof *node);
    node->change = (struct model_change) { kind, id, xstrdup(key) };
    hmap_insert(&model->changes, &node->node, hash);
    ovs_list_push_back(&model->change_list, &node->list_node);
}

/* Notes that 'entry' went from one version to another; either may be NULL. */
void
model_note_versions(struct model *model, const struct entry *entry,
                    const struct version *from, const struct version *to)
{
    if (from && to && schema_row_same(from->row, to->row)) {
        return;
    }
    if (!from || !to || !schema_row_same_meaning(from->row, to->row)) {
        note(model, MODEL_CHANGE_ROW, entry->table, entry->name);
    }
    if (from && to && !schema_row_same_labels(from->row, to->row)) {
        note(model, MODEL_CHANGE_LABELS, entry->table, entry->name);
    }
    index_note_changes(model, from, to);
}

void
model_note_index(struct model *model, int index, const char *key)
{
    note(model, MODEL_CHANGE_INDEX, index, key);
}

void
model_take_changes(struct model *model, struct model_changes *changes)
{
    struct change_node *node;

    changes->n = 0;
    changes->changes = xmalloc(MAX(hmap_count(&model->changes), 1)
                               * sizeof *changes->changes);
    LIST_FOR_EACH_POP (node, list_node, &model->change_list) {
        changes->changes[changes->n++] = node->change;
        hmap_remove(&model->changes, &node->node);
        free(node);
        model_yield(model);
    }
}

void
model_changes_uninit(struct model_changes *changes)
{
    while (changes->n) {
        free(CONST_CAST(char *, changes->changes[--changes->n].key));
    }
    free(changes->changes);
    changes->changes = NULL;
}

/* Settling and undoing.  -------------------------------------------------- */

bool
model_is_unsettled(const struct model *model)
{
    return model->revision != model->durable_revision;
}

void
model_add_garbage(struct model *model, struct version *version)
{
    if (model->n_garbage >= model->allocated_garbage) {
        model->garbage = x2nrealloc(model->garbage, &model->allocated_garbage,
                                    sizeof *model->garbage);
    }
    model->garbage[model->n_garbage++] = version;
}

/* Frees what only the unsettled state needed. */
static void
forget_unsettled(struct model *model)
{
    for (size_t i = 0; i < model->n_garbage; i++) {
        version_destroy(model, model->garbage[i]);
        model_yield(model);
    }
    for (size_t i = 0; i < model->n_logs; i++) {
        free(CONST_CAST(char *, model->logs[i].who));
        free(CONST_CAST(char *, model->logs[i].summary));
    }
    free(model->writes);
    model->writes = NULL;
    model->n_garbage = 0;
    model->n_logs = 0;
    model->n_dirty = 0;
}

/* Ends what dirty entries are, and frees those that are gone. */
static void
clean_dirty(struct model *model)
{
    for (size_t i = 0; i < model->n_dirty; i++) {
        model->dirty[i]->dirty = false;
        model->dirty[i]->was_deleted = false;
        model_drop_if_empty(model, model->dirty[i]);
        model_yield(model);
    }
}

void
model_settle(struct model *model)
{
    for (size_t i = 0; i < model->n_dirty; i++) {
        struct entry *entry = model->dirty[i];

        if (entry->durable != entry->cur) {
            if (entry->durable) {
                model_add_garbage(model, entry->durable);
            }
            entry->durable = entry->cur;
            if (entry->table == VMN_TABLE_NETWORK) {
                address_forget(entry);
            }
        }
    }
    /* Readers have seen it all change at once. */
    model->durable_revision = model->revision;
    clean_dirty(model);
    forget_unsettled(model);
    address_settle(model);
}

void
model_undo(struct model *model)
{
    for (size_t i = 0; i < model->n_dirty; i++) {
        struct entry *entry = model->dirty[i];
        struct version *version = entry->cur;

        if (version != entry->durable) {
            model_set_cur(model, entry, entry->durable);
            model_note_versions(model, entry, version, entry->durable);
            usage_change(model->usage, version ? version->row : NULL,
                         entry->durable ? entry->durable->row : NULL);
            version_destroy(model, version);
        }
        model_yield(model);
    }
    usage_refresh(model->usage, model);
    address_undo(model, 0);
    clean_dirty(model);
    forget_unsettled(model);
    model->revision = model->durable_revision;
}

/* True if 'entry', which is dirty, is to be written. */
static bool
is_pending(const struct entry *entry)
{
    return (schema_tables[entry->table].stored
            && entry->cur != entry->durable);
}

bool
model_has_pending(const struct model *model)
{
    for (size_t i = 0; i < model->n_dirty; i++) {
        if (is_pending(model->dirty[i])) {
            return true;
        }
    }
    return false;
}

void
model_each_unsettled(const struct model *model, enum vmn_table table,
                     void (*cb)(void *aux, const char *name), void *aux)
{
    for (size_t i = 0; i < model->n_dirty; i++) {
        const struct entry *entry = model->dirty[i];

        if (entry->table == table && entry->cur != entry->durable) {
            cb(aux, entry->name);
        }
    }
}

void
model_get_pending(struct model *model, struct model_pending *pending)
{
    size_t n = 0;

    free(model->writes);
    model->writes = xmalloc(MAX(model->n_dirty, 1) * sizeof *model->writes);
    for (size_t i = 0; i < model->n_dirty; i++) {
        const struct entry *entry = model->dirty[i];
        struct model_write *write = &model->writes[n];

        model_yield(model);
        if (!is_pending(entry)) {
            continue;
        }
        write->table = entry->table;
        write->name = entry->name;
        write->row = entry_row(entry);
        write->meta = entry->cur ? entry->cur->meta
                                 : (struct model_meta) { .revision = 0 };
        write->anew = entry->cur && entry->was_deleted;
        n++;
    }
    *pending = (struct model_pending) {
        n, model->writes, model->n_logs, model->logs
    };
}

void
model_destroy(struct model *model)
{
    struct model_changes changes;

    if (!model) {
        return;
    }
    model_settle(model);
    model_take_changes(model, &changes);
    model_changes_uninit(&changes);
    hmap_destroy(&model->changes);
    index_destroy(model);
    for (int i = 0; i < VMN_N_TABLES; i++) {
        struct model_table *table = &model->tables[i];
        struct entry *entry;

        HMAP_FOR_EACH_SAFE (entry, node, &table->entries) {
            version_destroy(model, entry->durable);
            entry_destroy(model, entry);
        }
        hmap_destroy(&table->entries);
        free(table->all.names);
        free(table->cur.names);
    }
    id_pools_destroy(model->id_pools);
    usage_destroy(model->usage);
    free(model->dirty);
    free(model->garbage);
    free(model->cursors);
    free(model->logs);
    free(model);
}
