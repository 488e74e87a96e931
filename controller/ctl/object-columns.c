/* SPDX-License-Identifier: Apache-2.0
 *
 * The columns of tables of objects, and their cells; see object-columns.h. */

#include <config.h>

#include "controller/ctl/object-columns.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

static const json_t *
spec_of(const json_t *object)
{
    return json_object_get(object, "spec");
}

/* Appends "80,443"; a port is a number or a string such as "8000-8100". */
void
ctl_print_service_entry(const json_t *entry, struct ds *ds)
{
    const char *protocol = json_string_value(
        json_object_get(entry, "protocol"));
    const json_t *ports = json_object_get(entry, "ports");
    const json_t *icmp_type = json_object_get(entry, "icmp_type");
    const json_t *icmp_code = json_object_get(entry, "icmp_code");

    ds_put_cstr(ds, protocol ? protocol : "any");
    if (json_array_size(ports)) {
        ds_put_char(ds, '/');
        ctl_path_print(ports, "/*", ds);
    } else if (json_is_integer(icmp_type)) {
        ds_put_char(ds, '/');
        ctl_path_print(icmp_type, "", ds);
        if (json_is_integer(icmp_code)) {
            ds_put_char(ds, '/');
            ctl_path_print(icmp_code, "", ds);
        }
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
        ctl_print_service_entry(entry, ds);
    }
}

/* Prints "80->8080,443,8000-8010". */
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
        ctl_path_print(port, "/port", ds);
        if (json_object_get(port, "end_port")) {
            ds_put_char(ds, '-');
            ctl_path_print(port, "/end_port", ds);
        }
        if (target && !json_equal(CONST_CAST(json_t *, target),
                                  json_object_get(port, "port"))) {
            ds_put_cstr(ds, "->");
            ctl_path_print(target, "", ds);
        }
    }
}

/* Prints "web-1,web-2*3", with weights other than 1. */
static void
print_backends(const json_t *object, struct ds *ds)
{
    const json_t *backend;
    size_t i;

    json_array_foreach (json_object_get(spec_of(object), "backends"), i,
                        backend) {
        const json_t *weight = json_object_get(backend, "weight");

        ds_put_cstr(ds, i ? "," : "");
        ctl_path_print(backend, "/port", ds);
        if (json_is_integer(weight) && json_integer_value(weight) != 1) {
            ds_put_format(ds, "*%"JSON_INTEGER_FORMAT,
                          json_integer_value(weight));
        }
    }
}

bool
ctl_port_is_quarantined(const json_t *port)
{
    const json_t *status = json_object_get(port, "status");

    return (json_is_true(json_object_get(spec_of(port), "quarantined"))
            || json_is_true(json_object_get(status, "quarantined"))
            || json_array_size(json_object_get(status, "quarantines")));
}

/* Prints "no", "yes" if the port itself says so, or by which quarantines it
 * is, as far as that is told: "by incident-7,lab". */
static void
print_quarantined(const json_t *port, struct ds *ds)
{
    const json_t *names = json_object_get(json_object_get(port, "status"),
                                          "quarantines");

    if (json_is_true(json_object_get(spec_of(port), "quarantined"))
        || !json_array_size(names)) {
        ds_put_cstr(ds, ctl_port_is_quarantined(port) ? "yes" : "no");
    }
    if (json_array_size(names)) {
        ds_put_cstr(ds, ds->length ? ",by " : "by ");
        ctl_path_print(names, "", ds);
    }
}

static void
print_port_state(const json_t *object, struct ds *ds)
{
    const json_t *spec = spec_of(object);

    ctl_path_print(object, "/status/state", ds);
    if (ctl_port_is_quarantined(object)) {
        ds_put_format(ds, "%squarantined", ds->length ? "," : "");
    }
    if (json_is_false(json_object_get(spec, "enabled"))) {
        ds_put_format(ds, "%sdisabled", ds->length ? "," : "");
    }
}

/* Prints by what a balancer's backends are probed. */
static void
print_health(const json_t *object, struct ds *ds)
{
    ctl_path_print(object, "/spec/health/type", ds);
    if (!ds->length) {
        ds_put_cstr(ds, "unprobed");
    }
}

static json_int_t
get_count(const json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

static const json_t *
status_of(const json_t *object, const char *name)
{
    return json_object_get(json_object_get(object, "status"), name);
}

/* Appends "250ms", "12s", "3m", "5h", "9d". */
static void
put_duration(struct ds *ds, json_int_t ms)
{
    static const struct {
        json_int_t ms;
        const char *unit;
    } units[] = {
        { 86400000, "d" }, { 3600000, "h" }, { 60000, "m" }, { 1000, "s" },
        { 1, "ms" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (ms >= units[i].ms || units[i].ms == 1) {
            ds_put_format(ds, "%"JSON_INTEGER_FORMAT"%s", ms / units[i].ms,
                          units[i].unit);
            return;
        }
    }
}

void
ctl_print_lag(const json_t *lag, struct ds *ds)
{
    if (get_count(lag, "revisions")) {
        ds_put_format(ds, "%"JSON_INTEGER_FORMAT"/",
                      get_count(lag, "revisions"));
        put_duration(ds, get_count(lag, "ms"));
    }
}

/* A host that does not answer for so long, in ms, is not about to. */
#define NOT_YET_MS 1000

bool
ctl_host_is_to_hold(const json_t *host)
{
    const char *state = json_string_value(status_of(host, "state"));

    return ((state && strcmp(state, "synced"))
            || get_count(status_of(host, "lag"), "ms") >= NOT_YET_MS);
}

/* Prints 0 where it is not what all others are: of a host that is not synced,
 * as it has missed nothing that concerns it. */
static void
print_lag(const json_t *host, struct ds *ds)
{
    const json_t *lag = status_of(host, "lag");

    ctl_print_lag(lag, ds);
    if (lag && !get_count(lag, "revisions") && ctl_host_is_to_hold(host)) {
        ds_put_char(ds, '0');
    }
}

/* Prints how many a host has; "?": it is to have some, and has others. */
static void
print_held(const json_t *host, const char *name, struct ds *ds)
{
    if (ctl_host_is_to_hold(host)) {
        ds_put_char(ds, '?');
    } else {
        ctl_path_print(status_of(host, name), "", ds);
    }
}

static void
print_flows(const json_t *host, struct ds *ds)
{
    print_held(host, "flows", ds);
}

static void
print_groups(const json_t *host, struct ds *ds)
{
    print_held(host, "groups", ds);
}

/* Prints "2/1.5KiB": bundles, and their bytes. */
static void
print_outstanding(const json_t *object, struct ds *ds)
{
    const json_t *openflow = status_of(object, "openflow");
    json_int_t n = get_count(openflow, "outstanding_bundles");

    if (n) {
        ds_put_format(ds, "%"JSON_INTEGER_FORMAT"/%.1fKiB", n,
                      get_count(openflow, "outstanding_bytes") / 1024.0);
    }
}

static void
print_backlog(const json_t *object, struct ds *ds)
{
    json_int_t n = get_count(status_of(object, "openflow"), "backlog");

    if (n) {
        ds_put_format(ds, "%"JSON_INTEGER_FORMAT, n);
    }
}

/* Prints how long ago the last audit was. */
static void
print_audit_age(const json_t *object, struct ds *ds)
{
    const char *text = json_string_value(
        json_object_get(status_of(object, "audit"), "time"));
    struct tm tm = { .tm_isdst = 0 };

    if (text && strptime(text, "%Y-%m-%dT%H:%M:%S", &tm)) {
        put_duration(ds, MAX(0, time(NULL) - timegm(&tm)) * 1000LL);
        ds_put_cstr(ds, " ago");
    }
}

/* Prints "1 missing,2 unknown (repaired)". */
static void
print_drift(const json_t *object, struct ds *ds)
{
    static const char *const kinds[] = { "missing", "altered", "unknown" };
    const json_t *audit = status_of(object, "audit");

    for (size_t i = 0; audit && i < ARRAY_SIZE(kinds); i++) {
        json_int_t n = get_count(audit, kinds[i]);

        if (n) {
            ds_put_format(ds, "%s%"JSON_INTEGER_FORMAT" %s",
                          ds->length ? "," : "", n, kinds[i]);
        }
    }
    if (audit && json_is_true(json_object_get(audit, "repaired"))) {
        ds_put_cstr(ds, " (repaired)");
    }
    if (audit && !ds->length) {
        ds_put_cstr(ds, "nothing");
    }
}

/* Prints "synced", or "synced,draining" of a host in maintenance. */
static void
print_host_state(const json_t *object, struct ds *ds)
{
    ctl_path_print(object, "/status/state", ds);
    if (json_is_true(json_object_get(spec_of(object), "maintenance"))) {
        ds_put_char(ds, ',');
        ctl_path_print(object, "/status/maintenance/state", ds);
    }
}

/* Prints the operator's description of an app, or else its own. */
static void
print_app_description(const json_t *object, struct ds *ds)
{
    ctl_path_print(object, "/spec/description", ds);
    if (!ds->length) {
        ctl_path_print(object, "/status/description", ds);
    }
}

static void
print_subnets(const json_t *object, struct ds *ds)
{
    ctl_path_print(object, "/spec/subnets/*/cidr", ds);
}

static void
print_interfaces(const json_t *object, struct ds *ds)
{
    ctl_path_print(object, "/spec/interfaces/*/network", ds);
}

/* Prints "0.0.0.0/0 via 10.0.0.9,10.0.0.10; 10.9.0.0/16 from 10.0.1.0/24
 * blackhole". */
static void
print_routes(const json_t *object, struct ds *ds)
{
    const json_t *route;
    size_t i;

    json_array_foreach (json_object_get(spec_of(object), "routes"), i,
                        route) {
        ds_put_cstr(ds, i ? "; " : "");
        ctl_path_print(route, "/destination", ds);
        if (json_object_get(route, "source")) {
            ds_put_cstr(ds, " from ");
            ctl_path_print(route, "/source", ds);
        }
        if (json_object_get(route, "via")) {
            ds_put_cstr(ds, " via ");
            ctl_path_print(route, "/via", ds);
        } else {
            ds_put_cstr(ds, " blackhole");
        }
    }
}

/* Columns whose cells are more than the value at their path. */
static const struct {
    enum vmn_table table;
    const char *path;
    void (*print)(const json_t *object, struct ds *);
} cells[] = {
    { VMN_TABLE_HOST, "/status/state", print_host_state },
    { VMN_TABLE_HOST, "/status/flows", print_flows },
    { VMN_TABLE_HOST, "/status/groups", print_groups },
    { VMN_TABLE_HOST, "/status/lag", print_lag },
    { VMN_TABLE_HOST, "/status/openflow", print_outstanding },
    { VMN_TABLE_HOST, "/status/openflow/backlog", print_backlog },
    { VMN_TABLE_HOST, "/status/audit/time", print_audit_age },
    { VMN_TABLE_HOST, "/status/audit", print_drift },
    { VMN_TABLE_NETWORK, "/spec/subnets", print_subnets },
    { VMN_TABLE_PORT, "/status/state", print_port_state },
    { VMN_TABLE_PORT, "/spec/quarantined", print_quarantined },
    { VMN_TABLE_SERVICE, "/spec/entries", print_entries },
    { VMN_TABLE_LOADBALANCER, "/spec/ports", print_lb_ports },
    { VMN_TABLE_LOADBALANCER, "/spec/backends", print_backends },
    { VMN_TABLE_LOADBALANCER, "/spec/health/type", print_health },
    { VMN_TABLE_APP, "/spec/description", print_app_description },
    { VMN_TABLE_ROUTER, "/spec/interfaces", print_interfaces },
    { VMN_TABLE_ROUTER, "/spec/routes", print_routes },
};

static void
fill_column(struct ctl_column *column, const struct schema_table *type,
            const struct schema_column *from)
{
    column->heading = from->heading;
    column->path = from->path;
    for (size_t i = 0; i < ARRAY_SIZE(cells); i++) {
        if (cells[i].table == type->id
            && !strcmp(cells[i].path, from->path)) {
            column->print = cells[i].print;
        }
    }
}

struct ctl_column *
ctl_type_columns(const struct schema_table *type, bool wide)
{
    struct ctl_column *columns;
    size_t n = 0;

    while (type->columns[n].heading) {
        n++;
    }
    columns = xcalloc(n + 1, sizeof *columns);
    n = 0;
    for (const struct schema_column *from = type->columns; from->heading;
         from++) {
        if (wide || !from->wide) {
            fill_column(&columns[n++], type, from);
        }
    }
    return columns;
}
