/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's own flows; see builtin-app.h. */

#include <config.h>

#include "controller/engine/builtin-app.h"

#include "controller/engine/app-view.h"
#include "controller/engine/engine-private.h"
#include "controller/flow/emit.h"
#include "openvswitch/ofp-actions.h"
#include "util.h"

static void
put_miss(struct vmn_emit *emit, const struct pipeline_app *app,
         const struct pipeline_stage *stage)
{
    if (stage->class_->miss == VMN_MISS_NONE) {
        return;
    }
    for (unsigned i = 0; i < stage->class_->n_tables; i++) {
        struct vmn_flow *flow = emit_flow(emit, vmn_scope_all(), NULL,
                                          stage->first_table + i, 0);

        if (stage->class_->miss == VMN_MISS_NEXT && stage->next_table >= 0) {
            resubmit_put_next(&flow->actions.ofpacts, stage->first_table + i,
                              stage->next_table);
        } else {
            flow->actions.drop_reason = "no match";
        }
    }
}

static void
compile_pipeline(struct vmn_view *view, const char *key,
                 struct vmn_emit *emit)
{
    const struct pipeline *pipeline = view->engine->pipeline;
    int first = pipeline_table_of_hook(pipeline, 0);

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];

        for (size_t j = 0; j < app->n_stages; j++) {
            put_miss(emit, app, &app->stages[j]);
        }
    }
    if (first > 0) {
        struct vmn_flow *flow = emit_flow(emit, vmn_scope_all(), NULL, 0, 0);

        ofpact_put_GOTO_TABLE(&flow->actions.ofpacts)->table_id = first;
    }
}

static const struct vmn_unit_class units[] = {
    { .name = "pipeline", .each = VMN_EACH_ONCE,
      .compile = compile_pipeline },
    { .name = NULL },
};

static const struct vmn_app_class class_ = {
    VMN_APP_HEAD,
    .name = "vmn",
    .description = "The engine itself",
    .units = units,
};

static const struct pipeline_app app = { .class_ = &class_, .builtin = true };

const struct pipeline_app *
builtin_app(void)
{
    return &app;
}
