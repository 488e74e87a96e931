/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes the replay of call logs: whatever the bytes are, the unit fails with
 * a text or emits what can be checked and encoded. */

#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "controller/apphost/app-class.h"
#include "controller/apphost/apphost.h"
#include "controller/engine/app-view.h"
#include "controller/engine/engine.h"
#include "controller/flow/emit.h"
#include "controller/model/model.h"
#include "controller/worker/replay-calls.h"
#include "hash.h"
#include "openvswitch/vlog.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
handle(struct vmn_view *view, const struct vmn_packet_in *in,
       struct vmn_packets_out *out)
{
}

static const struct vmn_app_class app_class = {
    VMN_APP_HEAD, .name = "overlay", /* It writes any register. */
    .stages = (const struct vmn_stage_class[]) {
        { .name = "first", .hook = VMN_HOOK_ADMIT, .n_tables = 2,
          .miss = VMN_MISS_DROP, .scratch = STAGE_SCRATCH_ALL },
        { .name = "second", .hook = VMN_HOOK_ROUTE, .n_tables = 2,
          .miss = VMN_MISS_DROP, .scratch = STAGE_SCRATCH_ALL },
        { .name = NULL },
    },
    .handlers = (const struct vmn_handler_class[]) {
        { .name = "handler", .handle = handle }, { .name = NULL },
    },
};

static uint32_t
number(struct vmn_view *view, const char *kind, const char *key)
{
    return hash_string(key, hash_string(kind, 0)) % 1000 + 1;
}

static bool
has_failed(const struct vmn_view *view)
{
    return view->problem != NULL;
}

static struct apphost *apphost;

static int
table_of_hook(const struct vmn_view *view OVS_UNUSED, enum vmn_hook hook)
{
    return pipeline_table_of_hook(apphost_pipeline(apphost), hook);
}

static bool
charge(struct vmn_view *view OVS_UNUSED, size_t n OVS_UNUSED)
{
    return true;
}

static const struct emit_services services = {
    .charge = charge,
    .alloc = vmn_alloc, .number = number, .fail = view_fail,
    .failed = has_failed, .table_of_hook = table_of_hook,
};

static struct engine *engine;
static struct flow_item_registry *registry;
static struct emit_pool pool;

/* Neither ends before the process. */
static void
begin(void)
{
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    apphost = apphost_create(NULL, false);
    ovs_assert(!apphost_add(apphost, &app_class, NULL));
    engine = engine_create(model_create(), apphost_pipeline(apphost));
    registry = flow_item_registry_create(NULL);
    emit_pool_init(&pool);
}

static void
check_flow(struct vmn_flow *flow)
{
    const struct ofpbuf *ofpacts = &flow->actions.ofpacts;
    struct flow_draft draft;

    if (!emit_check_flow(flow)) {
        return;
    }
    flow_draft_match(&draft, flow->table, flow->priority, &flow->match,
                     flow->matched);
    draft.log = flow->log;
    draft.limit = flow->actions.limit;
    flow_draft_actions(&draft, registry, 1, ofpacts->data, ofpacts->size);
    ovs_assert(draft.msg.size <= UINT16_MAX);
    flow_draft_uninit(&draft);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct vmn_group_msg *group;
    struct replay_texts texts;
    struct vmn_flow *flow;
    struct vmn_view view;
    struct vmn_emit emit;

    if (!engine) {
        begin();
    }
    replay_texts_init(&texts);
    view_init(&view, engine, NULL, NULL);
    emit_init(&emit, &services, &view, &apphost_pipeline(apphost)->apps[0],
              &pool);
    replay_emit(data, size, &emit, &texts, NULL, NULL);
    if (view.problem) {
        ovs_assert(view.problem[0]);
    } else {
        LIST_FOR_EACH (flow, node, &emit.flows) {
            check_flow(flow);
        }
        LIST_FOR_EACH (group, node, &emit.groups) {
            emit_check_group(group);
        }
    }
    emit_uninit(&emit);
    view_uninit(&view);
    replay_texts_uninit(&texts);
    return 0;
}
