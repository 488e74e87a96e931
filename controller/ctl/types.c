/* SPDX-License-Identifier: Apache-2.0
 *
 * The types of objects and their columns; see types.h.  A new type is a row
 * here. */

#include <config.h>

#include "controller/ctl/types.h"

#include <stdbool.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

static const json_t *
spec_of(const json_t *object)
{
    return json_object_get(object, "spec");
}

/* "80,443", where an entry is a number or a text such as "8000-8100". */
static void
print_service_entry(const json_t *entry, struct ds *ds)
{
    const char *protocol = json_string_value(
        json_object_get(entry, "protocol"));
    const json_t *ports = json_object_get(entry, "ports");
    const json_t *icmp_type = json_object_get(entry, "icmp_type");

    ds_put_cstr(ds, protocol ? protocol : "any");
    if (json_array_size(ports)) {
        ds_put_char(ds, '/');
        ctl_path_print(ports, "*", ds);
    } else if (json_is_integer(icmp_type)) {
        ds_put_char(ds, '/');
        ctl_path_print(icmp_type, "", ds);
    }
}

static void
print_entries(const json_t *object, struct ds *ds)
{
    const json_t *entry;
    size_t i;

    json_array_foreach (json_object_get(spec_of(object), "entries"), i,
                        entry) {
        if (i) {
            ds_put_char(ds, ' ');
        }
        print_service_entry(entry, ds);
    }
}

/* "80->8080,443". */
static void
print_lb_ports(const json_t *object, struct ds *ds)
{
    const json_t *port;
    size_t i;

    json_array_foreach (json_object_get(spec_of(object), "ports"), i, port) {
        const json_t *target = json_object_get(port, "target");

        if (i) {
            ds_put_char(ds, ',');
        }
        ctl_path_print(port, "port", ds);
        if (target && !json_equal(CONST_CAST(json_t *, target),
                                  json_object_get(port, "port"))) {
            ds_put_cstr(ds, "->");
            ctl_path_print(target, "", ds);
        }
    }
}

static void
print_backends(const json_t *object, struct ds *ds)
{
    const json_t *backends = json_object_get(spec_of(object), "backends");
    const char *selector = json_string_value(
        json_object_get(spec_of(object), "selector"));

    if (json_array_size(backends)) {
        ctl_path_print(backends, "*.port", ds);
    }
    if (selector) {
        ds_put_format(ds, "%s(%s)", ds->length ? "," : "", selector);
    }
}

static void
print_port_state(const json_t *object, struct ds *ds)
{
    const json_t *spec = spec_of(object);

    ctl_path_print(object, "status.state", ds);
    if (json_is_true(json_object_get(spec, "quarantined"))) {
        ds_put_format(ds, "%squarantined", ds->length ? "," : "");
    }
    if (json_is_false(json_object_get(spec, "enabled"))) {
        ds_put_format(ds, "%sdisabled", ds->length ? "," : "");
    }
}

static const struct ctl_column host_columns[] = {
    { "NAME", "name", NULL },
    { "STATE", "status.state", NULL },
    { "TUNNEL-IP", "spec.tunnel_ip", NULL },
    { "OVSDB", "spec.ovsdb", NULL },
    { "PORTS", "status.ports", NULL },
    { "FLOWS", "status.flows", NULL },
    { "REVISION", "status.revision", NULL },
    { "REASON", "status.reason", NULL },
    { NULL, NULL, NULL },
};
static const struct ctl_column network_columns[] = {
    { "NAME", "name", NULL },
    { "VNI", "status.vni", NULL },
    { "SUBNETS", "spec.subnets.*.cidr", NULL },
    { "DEFAULT", "spec.default", NULL },
    { "MTU", "spec.mtu", NULL },
    { "DESCRIPTION", "spec.description", NULL },
    { NULL, NULL, NULL },
};
static const struct ctl_column port_columns[] = {
    { "NAME", "name", NULL },
    { "NETWORK", "spec.network", NULL },
    { "MAC", "status.mac", NULL },
    { "IPS", "status.ips", NULL },
    { "HOST", "status.host", NULL },
    { "STATE", NULL, print_port_state },
    { "LABELS", "spec.labels", NULL },
    { NULL, NULL, NULL },
};
static const struct ctl_column group_columns[] = {
    { "NAME", "name", NULL },
    { "SELECTOR", "spec.selector", NULL },
    { "PORTS", "spec.ports", NULL },
    { "CIDRS", "spec.cidrs", NULL },
    { "DESCRIPTION", "spec.description", NULL },
    { NULL, NULL, NULL },
};
static const struct ctl_column service_columns[] = {
    { "NAME", "name", NULL },
    { "ENTRIES", NULL, print_entries },
    { "DESCRIPTION", "spec.description", NULL },
    { NULL, NULL, NULL },
};
static const struct ctl_column policy_columns[] = {
    { "NAME", "name", NULL },
    { "TIER", "spec.tier", NULL },
    { "PRIORITY", "spec.priority", NULL },
    { "APPLIES-TO", "spec.applies_to", NULL },
    { "RULES", "spec.rules.#", NULL },
    { "DESCRIPTION", "spec.description", NULL },
    { NULL, NULL, NULL },
};
static const struct ctl_column loadbalancer_columns[] = {
    { "NAME", "name", NULL },
    { "VIP", "spec.vip", NULL },
    { "PROTOCOL", "spec.protocol", NULL },
    { "PORTS", NULL, print_lb_ports },
    { "NETWORKS", "spec.networks", NULL },
    { "BACKENDS", NULL, print_backends },
    { NULL, NULL, NULL },
};
static const struct ctl_column app_columns[] = {
    { "NAME", "name", NULL },
    { "ENABLED", "spec.enabled", NULL },
    { "STAGES", "status.stages.*.name", NULL },
    { "UNITS", "status.units", NULL },
    { "FLOWS", "status.flows", NULL },
    { "GROUPS", "status.groups", NULL },
    { "PROBLEMS", "status.problems.#", NULL },
    { NULL, NULL, NULL },
};

const struct ctl_type ctl_types[] = {
    { "hosts", "host", NULL, host_columns },
    { "networks", "network", "net", network_columns },
    { "ports", "port", NULL, port_columns },
    { "groups", "group", "grp", group_columns },
    { "services", "service", "svc", service_columns },
    { "policies", "policy", "pol", policy_columns },
    { "loadbalancers", "loadbalancer", "lb", loadbalancer_columns },
    { "apps", "app", NULL, app_columns },
    { NULL, NULL, NULL, NULL },
};

const struct ctl_type *
ctl_type_find(const char *name)
{
    for (const struct ctl_type *type = ctl_types; type->name; type++) {
        if (!strcmp(name, type->name) || !strcmp(name, type->singular)
            || (type->short_name && !strcmp(name, type->short_name))) {
            return type;
        }
    }
    return NULL;
}
