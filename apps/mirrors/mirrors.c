/* SPDX-License-Identifier: Apache-2.0
 *
 * The mirrors app: copies of what ports send and get, or rules decide, to
 * another port, an interface of the host, an address outside, or to who reads
 * them by the API.  This file says where in the pipeline; which ports a mirror
 * copies is in mirrored-port.c, and which rules in mirrored-rule.c, which
 * packets, and where they go, in mirror.c and, of an
 * interface on the host, in host-interface.c; and that copies that leave and
 * come back are copied no more, in copied-copies.c.
 *
 * A packet is given the number of each mirror of its port in turn, and looked
 * up by that: so a port with a mirror costs a flow for each direction, and the
 * filters of a mirror are there once, whatever ports it has.  What comes out
 * of that is a copy (vmn_act_copy()) with a limit of its own: nothing becomes
 * of the packet itself by it. */

#include "mirrors.h"

/* Emits what lets all others pass: in a table with a miss each packet that a
 * filter does not match would go on twice. */
static void
compile_base(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_flow *flow;

    (void) view;
    (void) key;
    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_EGRESS, EGRESS_SELECT,
                        PRIORITY_NONE);
    vmn_act_next(vmn_flow_actions(flow));
    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_INGRESS, INGRESS_SELECT,
                        PRIORITY_NONE);
    vmn_act_next(vmn_flow_actions(flow));
}

#define SCRATCH                                                 \
    (VMN_SCRATCH(REG_MIRROR) | VMN_SCRATCH(VMN_REG_COPIED)      \
     | VMN_SCRATCH(REG_SAMPLE))

/* Behind the guard, and before anybody answers; and right before what
 * delivers, behind limits. */
static const struct vmn_stage_class stages[] = {
    [STAGE_EGRESS] = { .name = "egress", .hook = VMN_HOOK_SERVICE,
                       .order = -1000, .n_tables = EGRESS_N_TABLES,
                       .miss = VMN_MISS_NONE, .scratch = SCRATCH },
    [STAGE_INGRESS] = { .name = "ingress", .hook = VMN_HOOK_DELIVER,
                        .order = -2, .n_tables = INGRESS_N_TABLES,
                        .miss = VMN_MISS_NONE,
                        .scratch = SCRATCH },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "base", .each = VMN_EACH_ONCE, .compile = compile_base },
    { .name = "mirror", .each = VMN_EACH_ROW, .row_type = ROW_MIRROR,
      .compile = compile_mirror },
    { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
      .compile = compile_port },
    { .name = "rule", .each = VMN_EACH_KEY, .relation = REL_DECIDED,
      .compile = compile_rule },
    { .name = "rule-group", .each = VMN_EACH_KEY,
      .relation = VMN_REL_RULE_GROUP_USES, .compile = compile_rule_group },
    { .name = "copied", .each = VMN_EACH_KEY, .relation = REL_COPIED,
      .compile = compile_copied },
    { .name = "remote", .each = VMN_EACH_KEY, .relation = REL_REMOTES,
      .compile = compile_remote },
    { .name = "at-host", .each = VMN_EACH_KEY, .relation = REL_AT_HOST,
      .compile = compile_at_host },
    { .name = "floating-ip", .each = VMN_EACH_ROW,
      .row_type = VMN_ROW_FLOATING_IP, .compile = compile_floating_ip },
    { .name = NULL },
};

static const struct vmn_id_pool_class id_pools[] = {
    { POOL_MIRROR, MIRROR_NUMBER_MAX },
    { .name = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "mirrors",
    .description = "Copies what ports send and get",
    .stages = stages,
    .units = units,
    .id_pools = id_pools,
    VMN_APP_TYPES(mirrors_types),
};
