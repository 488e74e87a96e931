/* SPDX-License-Identifier: Apache-2.0
 *
 * The monitors app: whether the guests of a group's ports answer, asked again
 * and again by vmnd from the hosts that they are on.  It is made of what
 * include/vmn has alone, and runs in a process of its own, as any app of
 * others.  This file describes it to the engine, with its type, and finds
 * which ports have which monitor.  Not for what they are asked
 * (guest-probe.c). */

#include "monitors.h"

#include <string.h>

#include "vmn/probes.h"

/* The type.  -------------------------------------------------------------- */

static void
check_monitor(const void *row, struct vmn_check *check)
{
    const struct monitor *monitor = (const struct monitor *) row;

    if (monitor->timeout_ms > monitor->interval_ms) {
        vmn_check_fail(check, "/timeout_ms", "must be at most interval_ms, "
                       "%d: a guest is asked one question at a time",
                       monitor->interval_ms);
    }
}

static const char *const monitor_types[] = {
    [MONITOR_ARP] = "arp", [MONITOR_PING] = "ping", NULL,
};

static const struct vmn_struct_class monitor = {
    .name = "monitor", .size = sizeof(struct monitor),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(monitor, group), .type = VMN_FIELD_REF, .ref = "groups",
          .flags = VMN_FIELD_REQUIRED,
          .doc = "Whose ports' guests are asked, those of groups in it "
                 "included." },
        { VMN_FIELD(monitor, enabled), .type = VMN_FIELD_BOOL, .def = true,
          .doc = "Whether they are." },
        { VMN_FIELD(monitor, type), .type = VMN_FIELD_ENUM,
          .values = monitor_types, .def = MONITOR_ARP,
          .doc = "How: arp: whether they have their address, by ARP, or by "
                 "neighbour discovery of a port that has IPv6 alone, which no "
                 "firewall of a guest is in the way of; ping: an echo, from "
                 "the address of a router in the port's subnet." },
        { VMN_FIELD(monitor, interval_ms), .type = VMN_FIELD_INT,
          .min = 1000, .max = 3600000, .def = 10000,
          .doc = "From one question to the next, in milliseconds." },
        { VMN_FIELD(monitor, timeout_ms), .type = VMN_FIELD_INT,
          .min = 100, .max = 60000, .def = 1000,
          .doc = "How long an answer may take; it is asked for three times "
                 "in that time." },
        { VMN_FIELD(monitor, healthy_after), .type = VMN_FIELD_INT,
          .min = 1, .max = 100, .def = 1,
          .doc = "Answers in a row after which a guest that was down is "
                 "up." },
        { VMN_FIELD(monitor, unhealthy_after), .type = VMN_FIELD_INT,
          .min = 1, .max = 100, .def = 3,
          .doc = "Questions without an answer in a row after which it is "
                 "down." },
        { .name = NULL },
    },
};

static const struct vmn_field_class status[] = {
    { .name = "ports", .type = VMN_FIELD_INT, .relation = REL_N_PORTS,
      .doc = "How many ports it has: those for which no other monitor that "
             "comes first by name asks." },
    { .name = "up", .type = VMN_FIELD_INT, .relation = REL_N_UP,
      .doc = "How many of these have guests that answer." },
    { .name = "down", .type = VMN_FIELD_TEXT, .flags = VMN_FIELD_LIST,
      .relation = REL_DOWN,
      .doc = "Ports whose guests do not, or whose host has not been heard "
             "for a minute: the port's status tells which." },
    { .name = NULL },
};

static const struct vmn_type_class types[] = {
    { .name = "monitors", .singular = "monitor",
      .doc = "Whether the guests of a group's ports answer.",
      .row = &monitor, .check = check_monitor, .status = status },
    { .name = NULL },
};

/* Which ports.  ----------------------------------------------------------- */

/* Most groups that a monitor's group has inside, itself included. */
#define GROUPS_MAX 256

static bool
has_name(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(names[i], name)) {
            return true;
        }
    }
    return false;
}

/* Publishes that the monitor is one of its group, and of all groups in it. */
static void
compile_monitor(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct monitor *row
        = (const struct monitor *) vmn_read(view, ROW_MONITOR, key);
    const char **groups;
    size_t n = 1;

    if (!row || !row->enabled) {
        return;
    }
    vmn_publish(emit, REL_ALL, "", key);
    groups = vmn_alloc(view, GROUPS_MAX * sizeof *groups);
    groups[0] = row->group;
    for (size_t i = 0; i < n; i++) {
        const struct vmn_group *group = vmn_read_group(view, groups[i]);

        vmn_publish(emit, REL_OF_GROUP, groups[i], key);
        for (size_t j = 0; group && j < group->n_groups; j++) {
            if (has_name(groups, n, group->groups[j])) {
                continue;
            }
            if (n >= GROUPS_MAX) {
                vmn_fail(emit, "group %s has more than %d groups inside",
                         row->group, GROUPS_MAX - 1);
                return;
            }
            groups[n++] = group->groups[j];
        }
    }
}

/* Returns the first by name of the monitors of 'groups', "g1,g2"; or NULL. */
static const char *
find_monitor(struct vmn_view *view, const char *groups)
{
    const char *first = NULL;
    char *group = vmn_printf(view, "%s", groups);

    while (group && *group) {
        char *comma = strchr(group, ',');
        struct vmn_names names;

        if (comma) {
            *comma++ = '\0';
        }
        names = vmn_relation_values(view, REL_OF_GROUP, group);
        for (size_t i = 0; i < names.n; i++) {
            if (!first || strcmp(names.names[i], first) < 0) {
                first = names.names[i];
            }
        }
        group = comma;
    }
    return first;
}

/* A port that is not enabled is to have no traffic, and an external one is on
 * no host. */
static void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const char *groups, *first;
    const struct vmn_port *port;
    size_t size;

    if (!vmn_relation_values(view, REL_ALL, "").n) {
        return;
    }
    port = vmn_read_port(view, key);
    if (!port || !port->enabled || port->external) {
        return;
    }
    groups = vmn_query(view, VMN_QUERY_GROUPS, key, &size);
    first = groups ? find_monitor(view, groups) : NULL;
    if (first) {
        vmn_publish(emit, REL_OF_PORT, key, first);
        vmn_publish(emit, REL_PORTS, first, key);
    }
}

static void
publish_number(struct vmn_view *view, struct vmn_emit *emit,
               const char *relation, const char *of, const char *key)
{
    vmn_publish(emit, relation, key, vmn_printf(
        view, "%u", (unsigned) vmn_relation_values(view, of, key).n));
}

static void
compile_count(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    if (vmn_read(view, ROW_MONITOR, key)) {
        publish_number(view, emit, REL_N_PORTS, REL_PORTS, key);
        publish_number(view, emit, REL_N_UP, REL_UP, key);
    }
}

/* Fails if there are more ports than vmnd asks. */
static void
compile_limit(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_names monitors = vmn_relation_values(view, REL_ALL, "");
    size_t n = 0;

    (void) key;
    for (size_t i = 0; i < monitors.n; i++) {
        n += vmn_relation_values(view, REL_PORTS, monitors.names[i]).n;
    }
    if (n > VMN_PROBE_TARGETS_MAX) {
        vmn_fail(emit, "monitors have %zu ports, of which %d are asked: the "
                 "others have no \"monitor\" in their status", n,
                 VMN_PROBE_TARGETS_MAX);
    }
}

/* The app.  --------------------------------------------------------------- */

static const struct vmn_stage_class stages[] = {
    /* Nothing else has to see an answer, nor may drop it. */
    [STAGE_ANSWER] = { .name = "answer", .hook = VMN_HOOK_SERVICE,
                       .order = -90, .n_tables = 1, .miss = VMN_MISS_NEXT },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "monitor", .each = VMN_EACH_ROW, .row_type = ROW_MONITOR,
      .compile = compile_monitor },
    { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
      .compile = compile_port },
    { .name = "probe", .each = VMN_EACH_KEY, .relation = REL_OF_PORT,
      .compile = compile_probe },
    { .name = "count", .each = VMN_EACH_ROW, .row_type = ROW_MONITOR,
      .compile = compile_count },
    { .name = "limit", .each = VMN_EACH_ONCE, .compile = compile_limit },
    { .name = NULL },
};

static const struct vmn_id_pool_class id_pools[] = {
    { POOL_PORT, 0x7fffffff },
    { .name = NULL },
};

static const struct vmn_handler_class handlers[] = {
    [HANDLER_ANSWER] = { .name = "answer", .handle = handle_answer,
                         .to_controller = true },
    { .name = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "monitors",
    .description = "Whether guests answer",
    .stages = stages,
    .units = units,
    .id_pools = id_pools,
    .handlers = handlers,
    VMN_APP_TYPES(types),
};
