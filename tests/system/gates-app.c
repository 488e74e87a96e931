/* SPDX-License-Identifier: Apache-2.0
 *
 * An app for test_own_types.py: gates, objects of a type of its own, close
 * TCP ports of a network.  CLOSED_FIELD gives the type another field; SPIN has
 * a check that never returns. */

#include <string.h>

#include <vmn/app.h>

struct door {
    int port;
    const char *why;
};

struct gate {
    struct vmn_object object;
    const char *network;
    size_t n_doors;
    const struct door *doors;
#ifdef CLOSED_FIELD
    bool closed;
#endif
};

struct settings {
    struct vmn_object object;
    int priority;
};

enum { GATES, SETTINGS };

static void
compile(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct gate *gate = (const struct gate *) vmn_read(
        view, VMN_ROW_OWN(GATES), key);
    const struct settings *settings = (const struct settings *) vmn_read(
        view, VMN_ROW_OWN(SETTINGS), "default");
    const struct vmn_network *network
        = gate ? vmn_read_network(view, gate->network) : NULL;

    if (!network || !network->vni) {
        return;
    }
#ifdef CLOSED_FIELD
    if (!gate->closed) {
        return;
    }
#endif
    for (size_t i = 0; i < gate->n_doors; i++) {
        struct vmn_flow *flow = vmn_flow_add(
            emit, vmn_scope_network(gate->network), 0, 0,
            settings ? settings->priority : 7);

        vmn_match(flow, VMN_REG_NETWORK, network->vni);
        vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
        vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_IPV4);
        vmn_match(flow, VMN_F_TCP_DST, gate->doors[i].port);
        vmn_act_drop(vmn_flow_actions(flow), "gate");
    }
}

static void
check(const void *row, struct vmn_check *check)
{
    const struct gate *gate = (const struct gate *) row;

#ifdef SPIN
    for (volatile int i = 0; ; i++) {
        continue;
    }
#endif
    for (size_t i = 0; i < gate->n_doors; i++) {
        if (gate->doors[i].port == 22) {
            vmn_check_fail(check, "/doors", "port 22 stays open, and is shut "
                           "for %s", gate->doors[i].why);
        }
    }
}

static const struct vmn_struct_class door = {
    .name = "door", .size = sizeof(struct door),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(door, port), .type = VMN_FIELD_INT, .min = 1,
          .max = 65535, .flags = VMN_FIELD_REQUIRED | VMN_FIELD_KEY,
          .doc = "The port." },
        { VMN_FIELD(door, why), .type = VMN_FIELD_TEXT,
          .def_text = "no reason", .doc = "Why it is shut." },
        { .name = NULL },
    },
};

static const struct vmn_struct_class gate = {
    .name = "gate", .size = sizeof(struct gate),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(gate, network), .type = VMN_FIELD_REF, .ref = "networks",
          .flags = VMN_FIELD_REQUIRED, .doc = "Where it is." },
        { VMN_LIST_FIELD(gate, doors), .type = VMN_FIELD_STRUCT,
          .flags = VMN_FIELD_SET, .nested = &door, .doc = "Its doors." },
#ifdef CLOSED_FIELD
        { VMN_FIELD(gate, closed), .type = VMN_FIELD_BOOL, .def = 1,
          .doc = "Whether doors are shut." },
#endif
        { .name = NULL },
    },
};

static const struct vmn_struct_class settings = {
    .name = "settings", .size = sizeof(struct settings),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(settings, priority), .type = VMN_FIELD_INT, .min = 1,
          .max = 100, .def = 9, .doc = "The flows' priority." },
        { .name = NULL },
    },
};

static const struct vmn_type_class types[] = {
    [GATES] = { .name = "gates", .singular = "gate",
                .doc = "TCP ports that are shut.", .row = &gate,
                .check = check },
    [SETTINGS] = { .name = "gates-settings", .singular = "gates-setting",
                   .doc = "Settings of all gates.", .row = &settings,
                   .flags = VMN_TYPE_SINGLE },
    { .name = NULL },
};

static const struct vmn_stage_class stages[] = {
    { .name = "gate", .hook = VMN_HOOK_SERVICE, .order = 20, .n_tables = 1,
      .miss = VMN_MISS_NEXT },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "gate", .each = VMN_EACH_ROW, .row_type = VMN_ROW_OWN(GATES),
      .compile = compile },
    { .name = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "gates",
    .description = "Shuts TCP ports of networks",
    .stages = stages,
    .units = units,
    VMN_APP_TYPES(types),
};
