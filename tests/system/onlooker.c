/* SPDX-License-Identifier: Apache-2.0
 *
 * An app for test_packets.py that has copies of packets sent up, UDP to port
 * 4343, and lets the packets go on. */

#include <vmn/app.h>

static void
compile_base(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), 0, 0, 10);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_IPV4);
    vmn_match(flow, VMN_F_UDP_DST, 4343);
    vmn_act_punt(actions, 0, 0, 64);
    vmn_act_next(actions);
}

static void
handle(struct vmn_view *view, const struct vmn_packet_in *in,
       struct vmn_packets_out *out)
{
    vmn_send_nothing(out, "seen");
}

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "onlooker",
    .description = "Looks on",
    .stages = (const struct vmn_stage_class[]) {
        { .name = "look", .hook = VMN_HOOK_SERVICE, .order = -30,
          .n_tables = 1, .miss = VMN_MISS_NEXT },
        { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "base", .each = VMN_EACH_ONCE, .compile = compile_base },
        { .name = NULL },
    },
    .handlers = (const struct vmn_handler_class[]) {
        { .name = "look", .handle = handle },
        { .name = NULL },
    },
};
