/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks for tables in the pipeline; see pipeline.h.  Not for where stages go:
 * apphost/stage-tables.c. */

#include <config.h>

#include "controller/flow/pipeline.h"

int
pipeline_table_of_hook(const struct pipeline *pipeline, enum vmn_hook hook)
{
    int first = -1;

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        for (size_t j = 0; j < pipeline->apps[i].n_stages; j++) {
            const struct pipeline_stage *s = &pipeline->apps[i].stages[j];

            if (s->class_->hook >= hook
                && (first < 0 || s->first_table < first)) {
                first = s->first_table;
            }
        }
    }
    return first;
}
