/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of the model: entries, their versions, and reading them.  Not for
 * how requests change them (transaction.c), nor for what is stored
 * (model.c). */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/model/changes.h"
#include "controller/model/id-pools.h"
#include "controller/model/model-class.h"
#include "controller/model/model-private.h"
#include "controller/model/row-index.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/schema-diff.h"
#include "hash.h"
#include "util.h"

struct version *
version_create(void)
{
    struct version *version = xzalloc(sizeof *version);

    version->n_refs = 1;
    arena_init(&version->arena);
    return version;
}

struct version *
version_ref(struct version *version)
{
    version->n_refs++;
    return version;
}

void
version_unref(struct version *version)
{
    if (version && !--version->n_refs) {
        arena_uninit(&version->arena);
        free(version);
    }
}

void
version_destroy(struct model *model, struct version *version)
{
    if (version) {
        id_pools_unref(model->id_pools, version->vni);
        version->vni = NULL;
        version_unref(version);
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

void
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

static void
set_cur(struct model *model, struct entry *entry, struct version *version,
        bool note)
{
    struct name_set *names = &model->tables[entry->table].cur;
    const struct model_class *class = model->classes[entry->table];

    index_change(model, entry, entry->cur, version, note);
    if (class->current) {
        class->current(model, entry->name, version ? version->row : NULL);
    }
    if (!entry->cur && version) {
        name_set_add(names, entry->name);
    } else if (entry->cur && !version) {
        name_set_remove(names, entry->name);
    }
    entry->cur = version;
}

void
model_set_cur(struct model *model, struct entry *entry,
              struct version *version)
{
    set_cur(model, entry, version, false);
}

/* As model_note_versions(), but for indexes.  Returns false if nothing
 * differs. */
static bool
note_rows(struct model *model, const struct entry *entry,
          const struct version *from, const struct version *to)
{
    if (from && to && schema_row_same(from->row, to->row)) {
        return false;
    }
    if (!from || !to || !schema_row_same_meaning(from->row, to->row)) {
        changes_add(model, MODEL_CHANGE_ROW, entry->table, entry->name);
    }
    if (from && to && !schema_row_same_labels(from->row, to->row)) {
        changes_add(model, MODEL_CHANGE_LABELS, entry->table, entry->name);
    }
    return true;
}

/* Records that 'entry' went from one version to another; either may be
 * NULL. */
void
model_note_versions(struct model *model, const struct entry *entry,
                    const struct version *from, const struct version *to)
{
    if (note_rows(model, entry, from, to)) {
        index_note_changes(model, from, to);
    }
}

/* Makes 'version' (or NULL) current, and records that. */
void
model_change_cur(struct model *model, struct entry *entry,
                 struct version *version)
{
    note_rows(model, entry, entry->cur, version);
    set_cur(model, entry, version, true);
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

void
model_mark_dirty(struct model *model, struct entry *entry)
{
    if (!entry->dirty) {
        entry->dirty = true;
        if (model->n_dirty >= model->allocated_dirty) {
            model->dirty = x2nrealloc(model->dirty, &model->allocated_dirty,
                                      sizeof *model->dirty);
        }
        model->dirty[model->n_dirty++] = entry;
        if (entry->table == VMN_TABLE_TYPE) {
            /* Who replicates this reads objects of the type by it. */
            memmove(model->dirty + 1, model->dirty,
                    (model->n_dirty - 1) * sizeof *model->dirty);
            model->dirty[0] = entry;
        }
    }
}

struct model_log *
model_add_log(struct model *model)
{
    if (model->n_logs >= model->allocated_logs) {
        model->logs = x2nrealloc(model->logs, &model->allocated_logs,
                                 sizeof *model->logs);
    }
    return &model->logs[model->n_logs++];
}

/* Reading.  --------------------------------------------------------------- */

void
model_set_replicated(struct model *model)
{
    model->replicated = true;
}

void
model_set_no_listener(struct model *model, const char *text)
{
    model->no_listener = text;
}

const char *
model_no_listener(const struct model *model)
{
    return model->no_listener;
}

void
model_set_yield(struct model *model, void (*yield)(void *aux), void *aux)
{
    model->yield = yield;
    model->yield_aux = aux;
}

bool
model_is_put_back(const struct model *model)
{
    return model->is_put_back;
}

void
model_yield(const struct model *model)
{
    if (model->yield) {
        model->yield(model->yield_aux);
    }
}

struct time_zones *
model_time_zones(const struct model *model)
{
    return model->time_zones;
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

void
model_diff(const struct model *model, enum vmn_table table, const char *name,
           size_t max, struct arena *arena, struct schema_diff *diff)
{
    const struct entry *entry = model_find(model, table, name);
    const struct schema_version before = { entry->durable->row,
                                           entry->durable->meta.set };
    const struct schema_version after = { entry->cur->row,
                                          entry->cur->meta.set };

    schema_version_diff(&before, &after, max, arena, diff);
}

const void *
model_walk_durable(const struct model *model, enum vmn_table table,
                   const char *after, size_t *at, struct model_meta *meta)
{
    const struct name_set *all = &model->tables[table].all;
    bool known = *at && *at <= all->n && !strcmp(all->names[*at - 1], after);

    for (size_t i = known ? *at : name_set_upper(all, after); i < all->n;
         i++) {
        const void *row = durable_row(model_find(model, table,
                                                 all->names[i]), meta);
        if (row) {
            *at = i + 1;
            return row;
        }
    }
    return NULL;
}

const void *
model_next_durable(const struct model *model, enum vmn_table table,
                   const char *after, struct model_meta *meta)
{
    size_t at = 0;

    return model_walk_durable(model, table, after, &at, meta);
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
