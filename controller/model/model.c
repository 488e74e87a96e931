/* SPDX-License-Identifier: Apache-2.0
 *
 * The model as a whole: its creation, pending writes, settling and undoing.
 * Not for applying requests (transaction.c), nor for reading (rows.c). */

#include <config.h>

#include "controller/model/model.h"

#include <stdlib.h>

#include "controller/model/changes.h"
#include "controller/model/id-pools.h"
#include "controller/model/ipam.h"
#include "controller/model/model-class.h"
#include "controller/model/model-private.h"
#include "controller/model/quota-usage.h"
#include "controller/model/request-keys.h"
#include "controller/model/row-index.h"
#include "controller/model/time-zones.h"
#include "controller/schema/schema.h"
#include "util.h"

struct model *
model_create(void)
{
    struct model *model = xzalloc(sizeof *model);

    model->id_pools = id_pools_create();
    model->classes = model_classes;
    model->usage = usage_create(model->classes);
    model->request_keys = request_keys_create();
    model->time_zones = xmalloc(sizeof *model->time_zones);
    time_zones_init(model->time_zones);
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

/* Settling and undoing.  -------------------------------------------------- */

bool
model_is_unsettled(const struct model *model)
{
    return model->revision != model->durable_revision;
}

void
model_skip_revisions(struct model *model, uint64_t revision)
{
    ovs_assert(!model_is_unsettled(model));
    if (revision > model->revision) {
        model->revision = model->durable_revision = revision;
        id_pools_set_revision(model->id_pools, revision);
    }
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
        free(CONST_CAST(char *, model->logs[i].comment));
        free(CONST_CAST(char *, model->logs[i].summary));
        free(CONST_CAST(char *, model->logs[i].set));
        free(CONST_CAST(char *, model->logs[i].contents));
        free(CONST_CAST(char *, model->logs[i].key));
        free(CONST_CAST(char *, model->logs[i].digest));
        free(CONST_CAST(char *, model->logs[i].draft));
        free(CONST_CAST(char *, model->logs[i].draft_author));
        free(model->logs[i].changes);
    }
    free(model->writes);
    model->writes = NULL;
    model->n_garbage = 0;
    model->n_logs = 0;
    model->n_dirty = 0;
}

/* Clears the dirty mark of entries, and frees those whose rows are deleted. */
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
            if (model->classes[entry->table]->settled) {
                model->classes[entry->table]->settled(model, entry);
            }
        }
    }
    /* All changes become durable at once. */
    model->durable_revision = model->revision;
    clean_dirty(model);
    forget_unsettled(model);
    address_settle(model);
    request_keys_trim(model->request_keys);
}

void
model_undo(struct model *model)
{
    for (size_t i = 0; i < model->n_dirty; i++) {
        struct entry *entry = model->dirty[i];
        struct version *version = entry->cur;

        if (version != entry->durable) {
            model_change_cur(model, entry, entry->durable);
            usage_change(model->usage, version ? version->row : NULL,
                         entry->durable ? entry->durable->row : NULL);
            version_destroy(model, version);
        }
        model_yield(model);
    }
    usage_refresh(model->usage, model);
    address_undo(model, 0);
    for (size_t i = 0; i < model->n_logs; i++) {
        request_keys_undo(model->request_keys, &model->logs[i]);
    }
    clean_dirty(model);
    forget_unsettled(model);
    model->revision = model->durable_revision;
}

/* What is to be stored.  -------------------------------------------------- */

/* Returns true if 'entry', which is dirty, must be written to the store. */
static bool
is_pending(const struct model *model, const struct entry *entry)
{
    const struct schema_table *table = schema_tables[entry->table];

    return ((table->stored || (table->replicated && model->replicated))
            && entry->cur != entry->durable);
}

bool
model_has_pending(const struct model *model)
{
    for (size_t i = 0; i < model->n_dirty; i++) {
        if (is_pending(model, model->dirty[i])) {
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

uint64_t
model_first_unsettled(const struct model *model)
{
    uint64_t first = model->revision + 1;

    for (size_t i = 0; i < model->n_dirty; i++) {
        const struct version *version = model->dirty[i]->cur;

        if (version && version != model->dirty[i]->durable) {
            first = MIN(first, version->meta.revision);
        }
    }
    for (size_t i = 0; i < model->n_logs; i++) {
        first = MIN(first, model->logs[i].revision);
    }
    return first;
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
        if (!is_pending(model, entry)) {
            continue;
        }
        write->table = entry->table;
        write->name = entry->name;
        write->row = entry_row(entry);
        write->meta = entry->cur ? entry->cur->meta
                                 : (struct model_meta) { .revision = 0 };
        write->recreated = entry->cur && entry->was_deleted;
        write->follows = entry->follows;
        n++;
    }
    *pending = (struct model_pending) {
        n, model->writes, model->n_logs, model->logs
    };
}

bool
model_pending_has(const struct model_pending *pending, enum vmn_table table)
{
    for (size_t i = 0; i < pending->n_writes; i++) {
        if (pending->writes[i].table == table) {
            return true;
        }
    }
    return false;
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
    request_keys_destroy(model->request_keys);
    time_zones_uninit(model->time_zones);
    free(model->time_zones);
    free(model->dirty);
    free(model->garbage);
    free(model->cursors);
    free(model->logs);
    free(model);
}
