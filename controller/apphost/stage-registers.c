/* SPDX-License-Identifier: Apache-2.0
 *
 * Which registers each stage may write; see stage-registers.h.  Those that
 * hold what the pipeline knows of a packet are for VMN's own apps, but for
 * where it is to go; of the scratch registers a stage has those that it
 * declares.  Not for refusing actions (flow/action.c). */

#include <config.h>

#include "controller/apphost/stage-registers.h"

#include <errno.h>

#include "controller/apphost/app-class.h"
#include "controller/flow/pipeline.h"
#include "controller/schema/error.h"
#include "util.h"

/* Registers 0 to 9. */
#define PIPELINE_REGISTERS (VMN_SCRATCH(VMN_F_REG10) - 1)

/* Where a packet goes. */
#define WHERE (VMN_SCRATCH(VMN_REG_DST_LOCAL) \
               | VMN_SCRATCH(VMN_REG_DST_HOST) | VMN_SCRATCH(VMN_REG_OUT_PORT))

/* Registers of the pipeline that apps of others may write, by hook: before
 * destinations are found, the network that they are looked for in
 * (vmn_act_send_to_port()); where they are found, and behind all policies,
 * where the packet goes, behind these also in which network
 * (vmn_act_hand_to_port()). */
static const uint32_t others_write[VMN_N_HOOKS] = {
    [VMN_HOOK_SERVICE] = VMN_SCRATCH(VMN_REG_NETWORK),
    [VMN_HOOK_BALANCE] = VMN_SCRATCH(VMN_REG_NETWORK),
    [VMN_HOOK_ROUTE] = VMN_SCRATCH(VMN_REG_NETWORK),
    [VMN_HOOK_LOCATE] = WHERE,
    [VMN_HOOK_UNBALANCE] = WHERE | VMN_SCRATCH(VMN_REG_NETWORK),
    [VMN_HOOK_DELIVER] = WHERE | VMN_SCRATCH(VMN_REG_NETWORK),
};

/* Returns the app's stage that follows 'stage' in the pipeline, or NULL. */
static const struct pipeline_stage *
next_stage(const struct pipeline_app *app, const struct pipeline_stage *stage)
{
    const struct pipeline_stage *next = NULL;

    for (size_t i = 0; i < app->n_stages; i++) {
        const struct pipeline_stage *other = &app->stages[i];

        if (other->rank > stage->rank
            && (!next || other->rank < next->rank)) {
            next = other;
        }
    }
    return next;
}

/* Removes from '*writes' what another app's stage 'keeper' keeps at 'stage';
 * if the stage has declared that, fails. */
static int
take_kept(const struct pipeline_app *app, const struct pipeline_stage *stage,
          const struct pipeline_app *other,
          const struct pipeline_stage *keeper, uint32_t *writes,
          struct vmn_error *why)
{
    const struct pipeline_stage *next = next_stage(other, keeper);
    uint32_t both = stage->class_->scratch & keeper->class_->keeps;

    if (!next || stage->rank < keeper->rank || stage->rank > next->rank) {
        return 0;
    }
    if (both && !(stage->class_->scratch & STAGE_UNDECLARED)) {
        return vmn_error_invalid(
            why, "stage %s of app %s writes register %d, which app %s keeps "
            "from its stage %s to %s", stage->class_->name,
            app->class_->name, raw_ctz(both), other->class_->name,
            keeper->class_->name, next->class_->name);
    }
    *writes &= ~both;
    return 0;
}

static int
assign_stage(const struct pipeline *pipeline, const struct pipeline_app *app,
             struct pipeline_stage *stage, struct vmn_error *why)
{
    const struct vmn_stage_class *class_ = stage->class_;

    if (class_->keeps && !next_stage(app, stage)) {
        return vmn_error_invalid(
            why, "stage %s of app %s keeps registers, but none of the app's "
            "stages follows", class_->name, app->class_->name);
    }
    stage->writes = class_->scratch & ~STAGE_UNDECLARED;
    for (size_t i = 0; i < pipeline->n_apps; i++) {
        const struct pipeline_app *other = &pipeline->apps[i];

        for (size_t j = 0; other != app && j < other->n_stages; j++) {
            if (take_kept(app, stage, other, &other->stages[j],
                          &stage->writes, why)) {
                return EINVAL;
            }
        }
    }
    stage->writes |= (app->builtin ? PIPELINE_REGISTERS
                      : others_write[class_->hook]);
    return 0;
}

int
stage_registers_assign(struct pipeline *pipeline, struct vmn_error *why)
{
    for (size_t i = 0; i < pipeline->n_apps; i++) {
        struct pipeline_app *app = &pipeline->apps[i];

        app->bucket_writes = app->builtin || !app->n_stages ? 0 : UINT32_MAX;
        for (size_t j = 0; j < app->n_stages; j++) {
            if (assign_stage(pipeline, app, &app->stages[j], why)) {
                return EINVAL;
            }
            /* A bucket may be taken in any of them. */
            if (app->builtin) {
                app->bucket_writes |= app->stages[j].writes;
            } else {
                app->bucket_writes &= app->stages[j].writes;
            }
        }
    }
    return 0;
}
