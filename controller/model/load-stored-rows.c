/* SPDX-License-Identifier: Apache-2.0
 *
 * Puts stored rows back at start.  The store is ours, but it may have been
 * edited or damaged: what does not fit is refused, not assumed. */

#include <config.h>

#include <errno.h>
#include <stdlib.h>

#include "controller/model/model-class.h"
#include "controller/model/row-checks.h"
#include "controller/model/txn.h"
#include "controller/model/quota-usage.h"
#include "controller/model/id-pools.h"
#include "controller/schema/schema-row.h"
#include "util.h"

/* Reports which assigned values a stored 'version' lacks.  References its
 * IDs. */
static void
check_loaded(struct model *model, struct version *version,
             const char *pointer, struct vmn_errors *errors)
{
    const struct model_class *class = model->classes[version->row->table];
    const char *fault = class->check_loaded
                        ? class->check_loaded(model, version) : NULL;

    if (fault) {
        vmn_errors_add(errors, VMN_ERR_INVALID, pointer, "%s", fault);
    }
}

struct version *
model_version_parse(struct model *model, enum vmn_table table,
                    const char *name, json_t *spec, json_t *status,
                    const struct model_meta *meta,
                    struct vmn_errors *errors)
{
    char *pointer = xasprintf("/%s/%s", schema_tables[table]->plural, name);
    const struct schema_table *as = model_table(model, table);
    struct version *version;
    size_t n_errors = errors->n;

    if (!as) {
        vmn_errors_add(errors, VMN_ERR_INVALID, pointer, "there is no such "
                       "type");
        free(pointer);
        return NULL;
    }
    version = version_create();
    version->meta = *meta;
    version->meta.set = meta->set ? arena_strdup(&version->arena, meta->set)
                                  : NULL;
    unknown_load(version, &as->row, spec, status, meta, pointer, errors);
    version->row = schema_row_parse_stored(as, name, spec, pointer,
                                           &version->arena, errors);
    if (version->row) {
        version_keep(model, version, NULL);
        schema_row_parse_status(as, version->row, status,
                                pointer, &version->arena, errors);
    }
    if (errors->n == n_errors) {
        check_loaded(model, version, pointer, errors);
    }
    free(pointer);
    if (errors->n != n_errors) {
        version_destroy(model, version);
        return NULL;
    }
    return version;
}

int
model_load_row(struct model *model, enum vmn_table table, const char *name,
               json_t *spec, json_t *status, const struct model_meta *meta,
               struct vmn_errors *errors)
{
    struct version *version = model_version_parse(model, table, name, spec,
                                                  status, meta, errors);

    if (!version) {
        return EINVAL;
    }

    struct entry *entry = model_find_or_add(model, table, name);
    struct version *former = entry->cur;
    model_set_cur(model, entry, version);
    usage_change(model->usage, former ? former->row : NULL, version->row);
    entry->durable = version;
    version_destroy(model, former);
    return 0;
}

int
model_load_done(struct model *model, uint64_t revision,
                struct vmn_errors *errors)
{
    struct txn txn = { .model = model, .errors = errors };
    size_t n_errors = errors->n;

    for (int i = 0; i < VMN_N_TABLES; i++) {
        const struct name_set *names = &model->tables[i].cur;

        for (size_t j = 0; j < names->n; j++) {
            const struct entry *entry = model_find(model, i,
                                                   names->names[j]);
            char *pointer = xasprintf("/%s/%s", schema_tables[i]->plural,
                                      entry->name);

            check_refs(&txn, entry, pointer);
            free(pointer);
        }
    }
    usage_refresh(model->usage, model);
    model->revision = revision;
    model->durable_revision = revision;
    id_pools_set_revision(model->id_pools, revision);
    return errors->n == n_errors ? 0 : EINVAL;
}
