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

struct ovsdb_prefixes *
table_prefixes(const struct pipeline *pipeline, size_t *n)
{
    struct ovsdb_prefixes *all = NULL;
    size_t allocated = 0;

    *n = 0;
    for (size_t i = 0; pipeline && i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];

        for (size_t j = 0; j < app->n_stages; j++) {
            const struct pipeline_stage *stage = &app->stages[j];
            const struct vmn_stage_class *class_ = stage->class_;

            for (unsigned table = 0;
                 class_->prefixes && table < class_->n_tables; table++) {
                uint32_t bits = class_->prefixes(table);
                struct ovsdb_prefixes found = {
                    .table = (uint8_t) (stage->first_table + table),
                };

                for (size_t k = 0; k < ARRAY_SIZE(fields); k++) {
                    if (bits & fields[k].bit) {
                        found.fields[found.n_fields++] = fields[k].field;
                    }
                }
                if (found.n_fields) {
                    if (*n >= allocated) {
                        all = x2nrealloc(all, &allocated, sizeof *all);
                    }
                    all[(*n)++] = found;
                }
            }
        }
    }
    return all;
}
