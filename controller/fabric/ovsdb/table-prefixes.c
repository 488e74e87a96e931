/* SPDX-License-Identifier: Apache-2.0
 *
 * See table-prefixes.h. */

#include <config.h>

#include "controller/fabric/ovsdb/table-prefixes.h"

#include "controller/flow/pipeline.h"
#include "proto/ovsdb/ovsdb.h"
#include "util.h"

static const struct {
    uint32_t bit;
    const char *field;
} fields[] = {
    { VMN_PREFIX_NW_SRC, "nw_src" },
    { VMN_PREFIX_NW_DST, "nw_dst" },
    { VMN_PREFIX_IPV6_SRC, "ipv6_src" },
    { VMN_PREFIX_IPV6_DST, "ipv6_dst" },
    { VMN_PREFIX_CT_NW_SRC, "ct_nw_src" },
    { VMN_PREFIX_CT_NW_DST, "ct_nw_dst" },
    { VMN_PREFIX_CT_IPV6_SRC, "ct_ipv6_src" },
    { VMN_PREFIX_CT_IPV6_DST, "ct_ipv6_dst" },
};

struct tables {
    size_t n, allocated;
    struct ovsdb_prefixes *all;
};

static void
add_table(struct tables *tables, unsigned number, uint32_t bits)
{
    struct ovsdb_prefixes found = { .table = (uint8_t) number };

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        if (bits & fields[i].bit) {
            found.fields[found.n_fields++] = fields[i].field;
        }
    }
    if (tables->n >= tables->allocated) {
        tables->all = x2nrealloc(tables->all, &tables->allocated,
                                 sizeof *tables->all);
    }
    tables->all[tables->n++] = found;
}

static void
add_stage(struct tables *tables, const struct pipeline_stage *stage)
{
    for (unsigned i = 0; stage->prefixes && i < stage->class_->n_tables; i++) {
        uint32_t bits = stage->prefixes[i];

        if (bits) {
            add_table(tables, stage->first_table + i, bits);
        }
    }
}

struct ovsdb_prefixes *
table_prefixes(const struct pipeline *pipeline, size_t *n)
{
    struct tables tables = { 0, 0, NULL };

    for (size_t i = 0; pipeline && i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];

        for (size_t j = 0; j < app->n_stages; j++) {
            add_stage(&tables, &app->stages[j]);
        }
    }
    *n = tables.n;
    return tables.all;
}
