/* SPDX-License-Identifier: Apache-2.0
 *
 * Applies changes that another member of a cluster has made: rows, IDs,
 * cursors and entries of the log, with the values and revisions that they have
 * there.  What is applied is pending, and is stored and settled like what
 * model_apply() changes.  Nothing is checked that the other member has checked
 * already; what does not fit is refused all the same, since it may be of
 * another version.  Not for loading at the start (load-stored-rows.c). */

#include <config.h>

#include "controller/model/replicate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/id-pools.h"
#include "controller/model/ipam.h"
#include "controller/model/model-private.h"
#include "controller/model/quota-usage.h"
#include "controller/model/request-keys.h"
#include "controller/model/row-checks.h"
#include "controller/model/txn.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/schema.h"
#include "util.h"

/* Makes 'version' (NULL: none) the current one of 'entry', as a change that is
 * to be stored. */
static void
change_entry(struct model *model, struct entry *entry,
             struct version *version, bool recreated)
{
    struct version *before = entry->cur;

    entry->was_deleted |= recreated || !version;
    model_change_cur(model, entry, version);
    usage_change(model->usage, before ? before->row : NULL,
                 version ? version->row : NULL);
    if (before && before != entry->durable) {
        model_add_garbage(model, before);
    }
    model_mark_dirty(model, entry);
}

int
model_replicate_row(struct model *model, enum vmn_table table,
                    const char *name, json_t *spec, json_t *status,
                    const struct model_meta *meta, bool recreated,
                    struct vmn_errors *errors)
{
    struct version *version = model_version_parse(model, table, name, spec,
                                                  status, meta, errors);

    if (!version) {
        return EINVAL;
    }
    change_entry(model, model_find_or_add(model, table, name), version,
                 recreated);
    return 0;
}

int
model_replicate_deletion(struct model *model, enum vmn_table table,
                         const char *name, struct vmn_errors *errors)
{
    struct entry *entry = model_find(model, table, name);

    if (!entry || !entry->cur) {
        vmn_errors_add(errors, VMN_ERR_INVALID, "",
                       "%s \"%s\" was deleted, and is not there",
                       schema_tables[table]->plural, name);
        return EINVAL;
    }
    change_entry(model, entry, NULL, false);
    return 0;
}

void
model_replicate_cursors(struct model *model,
                        const struct model_cursor *cursors, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        address_replicate(model, &cursors[i]);
    }
}

void
model_replicate_log(struct model *model, const struct model_log *from)
{
    struct model_log *log = model_add_log(model);

    *log = (struct model_log) {
        .revision = from->revision,
        .time_ms = from->time_ms,
        .who = xstrdup(from->who),
        .comment = nullable_xstrdup(from->comment),
        .undoes = from->undoes,
        .draft = nullable_xstrdup(from->draft),
        .draft_author = nullable_xstrdup(from->draft_author),
        .summary = xstrdup(from->summary),
        .set = nullable_xstrdup(from->set),
        .contents = nullable_xstrdup(from->contents),
        .key = nullable_xstrdup(from->key),
        .digest = nullable_xstrdup(from->digest),
        .stored = true,
    };
    request_keys_add(model->request_keys, log);
}

/* Reports references of what was changed to what is not there, and to what was
 * deleted. */
static void
check_references(struct model *model, struct vmn_errors *errors)
{
    struct txn txn = { .model = model, .errors = errors };

    for (size_t i = 0; i < model->n_dirty; i++) {
        const struct entry *entry = model->dirty[i];

        if (entry->cur) {
            char *pointer = xasprintf("/%s/%s",
                                      schema_tables[entry->table]->plural,
                                      entry->name);

            check_refs(&txn, entry, pointer);
            free(pointer);
            continue;
        }
        for (int j = 0; j < VMN_N_TABLES; j++) {
            struct vmn_names names = model_referrers(model, entry->table,
                                                     entry->name, j);

            if (names.n) {
                vmn_errors_add(errors, VMN_ERR_INVALID, "",
                               "%s \"%s\" was deleted, and %s \"%s\" refers "
                               "to it", schema_singular(entry->table),
                               entry->name, schema_singular(j),
                               names.names[0]);
            }
        }
    }
}

int
model_replicate_done(struct model *model, uint64_t revision,
                     struct vmn_errors *errors)
{
    check_references(model, errors);
    if (errors->n) {
        return EINVAL;
    }
    if (revision < model->revision) {
        vmn_errors_add(errors, VMN_ERR_INVALID, "",
                       "revision %"PRIu64" is older than %"PRIu64, revision,
                       model->revision);
        return EINVAL;
    }
    usage_refresh(model->usage, model);
    model->revision = revision;
    id_pools_set_revision(model->id_pools, revision);
    return 0;
}
