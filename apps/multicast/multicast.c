/* SPDX-License-Identifier: Apache-2.0
 *
 * The multicast app: IGMP and MLD snooping in networks, with a querier.  This
 * file describes the app and its type to vmnd.  docs/apps/multicast.md has how
 * it works. */

#include "multicast.h"

/* Type.  ------------------------------------------------------------------ */

static void
check_network(const void *row_, struct vmn_check *check)
{
    const struct multicast_network *row
        = (const struct multicast_network *) row_;

    if (row->querier_ip.family
        && (row->querier_ip.family != 4
            || (row->querier_ip.addr[0] & 0xf0) == 0xe0
            || row->querier_ip.addr[0] == 255)) {
        vmn_check_fail(check, "/querier_ip", "is an address of IPv4 that one "
                       "machine may have");
    }
}

static const struct vmn_struct_class network = {
    .name = "network", .size = sizeof(struct multicast_network),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(multicast_network, network), .type = VMN_FIELD_REF,
          .ref = "networks", .flags = VMN_FIELD_REQUIRED,
          .doc = "The network that is snooped.  Of several objects for it the "
                 "first by name counts." },
        { VMN_FIELD(multicast_network, flood_unregistered),
          .type = VMN_FIELD_BOOL,
          .doc = "Whether packets of a group that nobody has joined go to all "
                 "ports, and not only to routers." },
        { VMN_FIELD(multicast_network, idle_timeout), .type = VMN_FIELD_INT,
          .min = IDLE_MIN_S, .max = IDLE_MAX_S, .def = IDLE_MIN_S,
          .doc = "Seconds after which a member that has not reported is "
                 "forgotten." },
        { VMN_FIELD(multicast_network, querier_ip), .type = VMN_FIELD_IP,
          .doc = "From which address of IPv4 ports are asked, in place of "
                 "0.0.0.0: for guests that do not answer that." },
        { VMN_LIST_FIELD(multicast_network, routers), .type = VMN_FIELD_REF,
          .ref = "ports", .flags = VMN_FIELD_SET | VMN_FIELD_ADMINISTRATORS,
          .doc = "Ports of multicast routers: they may send queries, get all "
                 "groups, and hear all reports." },
        { VMN_FIELD(multicast_network, learn_routers),
          .type = VMN_FIELD_BOOL, .flags = VMN_FIELD_ADMINISTRATORS,
          .doc = "Whether any port whose guest sends queries is one of a "
                 "router." },
        { VMN_FIELD(multicast_network, source_filtering),
          .type = VMN_FIELD_BOOL, .flags = VMN_FIELD_ADMINISTRATORS,
          .doc = "Whether guests may say from which sources they want a "
                 "group's packets (IGMPv3, MLDv2), and get them from no "
                 "others." },
        { .name = NULL },
    },
};

static const struct vmn_type_class types[] = {
    { .name = "multicast-networks", .singular = "multicast-network",
      .doc = "Networks whose multicast goes to the members of its groups "
             "only (IGMP and MLD snooping).",
      .row = &network, .check = check_network,
      .status = (const struct vmn_field_class[]) {
          { .name = "in_effect", .type = VMN_FIELD_BOOL,
            .relation = REL_IN_EFFECT,
            .doc = "Whether it counts, and not another one of its network." },
          { .name = NULL },
      } },
    { .name = NULL },
};

/* The app.  --------------------------------------------------------------- */

static const struct vmn_stage_class stages[] = {
    /* Behind the guard, and what answers guests. */
    [STAGE_SNOOP] = { .name = "snoop", .hook = VMN_HOOK_ROUTE, .order = -100,
                      .n_tables = N_TABLES + 1, .miss = VMN_MISS_NEXT,
                      .scratch = SCRATCH },
    [STAGE_RELAY] = { .name = "relay", .hook = VMN_HOOK_LOCATE, .order = -10,
                      .n_tables = 1, .miss = VMN_MISS_NEXT,
                      .scratch = SCRATCH },
    /* Between overlay's copies and policies, and behind those. */
    [STAGE_FILTER] = { .name = "filter", .hook = VMN_HOOK_LOCATE, .order = 10,
                       .n_tables = N_TABLES, .miss = VMN_MISS_NEXT,
                       .scratch = SCRATCH },
    [STAGE_SEND] = { .name = "send", .hook = VMN_HOOK_DELIVER, .order = -3,
                     .n_tables = N_TABLES, .miss = VMN_MISS_NEXT,
                     .scratch = SCRATCH },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "settings", .each = VMN_EACH_ROW, .row_type = ROW_NETWORK,
      .compile = compile_settings },
    { .name = "routers", .each = VMN_EACH_ROW, .row_type = ROW_NETWORK,
      .compile = compile_routers },
    { .name = "network", .each = VMN_EACH_KEY, .relation = REL_SETTINGS,
      .compile = compile_network },
    { .name = "host", .each = VMN_EACH_KEY, .relation = REL_LOCAL,
      .compile = compile_host },
    { .name = "port", .each = VMN_EACH_KEY, .relation = REL_PORTS,
      .compile = compile_port },
    { .name = NULL },
};

static const struct vmn_handler_class handlers[] = {
    [HANDLER_REPORT] = { .name = "report", .handle = handle_report },
    [HANDLER_QUERIER] = { .name = "querier", .handle = handle_querier,
                          .interval_s = QUERY_S,
                          .options = VMN_HANDLER_ARRIVALS },
    { .name = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "multicast",
    .description = "IGMP and MLD snooping",
    .stages = stages,
    .units = units,
    .handlers = handlers,
    VMN_APP_TYPES(types),
};
