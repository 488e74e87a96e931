/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks for apps and tables in the pipeline; see pipeline.h.  Not for where
 * stages go: apphost/stage-tables.c. */

#include <config.h>

#include "controller/flow/pipeline.h"

#include <string.h>

struct pipeline_app *
pipeline_find(const struct pipeline *pipeline, const char *name)
{
    for (size_t i = 0; i < pipeline->n_apps; i++) {
        struct pipeline_app *app = &pipeline->apps[i];

        if (!app->removed && !strcmp(app->class_->name, name)) {
            return app;
        }
    }
    return NULL;
}

int
pipeline_table_of(const struct pipeline_app *app, enum vmn_row_type type)
{
    unsigned own = (unsigned) type - VMN_ROW_OWN_FIRST;

    return app && own < app->n_types ? app->types[own].table : -1;
}

int
pipeline_type_of(const struct pipeline_app *app, int table)
{
    for (size_t i = 0; app && i < app->n_types; i++) {
        if (app->types[i].table == table) {
            return i;
        }
    }
    return -1;
}

bool
pipeline_declares(const struct pipeline_app *app, int table,
                  const void *object)
{
    int i = pipeline_type_of(app, table);

    return (i >= 0 && app->types[i].shape
            == ((const struct vmn_object *) object)->shape);
}

int
pipeline_table_of_hook(const struct pipeline *pipeline, enum vmn_hook hook)
{
    const struct pipeline_stage *first = NULL;

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        for (size_t j = 0; j < pipeline->apps[i].n_stages; j++) {
            const struct pipeline_stage *s = &pipeline->apps[i].stages[j];

            if (s->class_->hook >= hook && (!first || s->rank < first->rank)) {
                first = s;
            }
        }
    }
    return first ? first->first_table : -1;
}
