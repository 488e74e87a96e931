/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows that are always there, whatever the store holds.  They are in every
 * model from its beginning, as of revision 0, and never change. */

#include <config.h>

#include <jansson.h>
#include <string.h>

#include "controller/model/model-private.h"
#include "controller/schema/schema.h"
#include "util.h"

bool
model_is_builtin(enum vmn_table table, const char *name)
{
    const struct schema_example *row = schema_tables[table]->builtin;

    for (; row && row->name; row++) {
        if (!strcmp(row->name, name)) {
            return true;
        }
    }
    return false;
}

void
builtin_add(struct model *model)
{
    const struct model_meta meta = { .revision = 0 };
    struct vmn_errors errors;

    vmn_errors_init(&errors);
    for (int t = 0; t < VMN_N_TABLES; t++) {
        const struct schema_example *row = schema_tables[t]->builtin;

        for (; row && row->name; row++) {
            json_t *spec = json_loads(row->spec, 0, NULL);

            model_load_row(model, t, row->name, spec, NULL, &meta, &errors);
            json_decref(spec);
        }
    }
    ovs_assert(!errors.n);
    vmn_errors_uninit(&errors);
}
