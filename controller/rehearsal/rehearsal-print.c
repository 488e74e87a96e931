/* SPDX-License-Identifier: Apache-2.0
 *
 * What a rehearsal has found, as JSON and as text; see rehearsal-print.h. */

#include <config.h>

#include "controller/rehearsal/rehearsal-print.h"

#include <inttypes.h>
#include <string.h>

#include "controller/ctl/output.h"
#include "controller/rehearsal/rehearsal-compare.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* As JSON.  --------------------------------------------------------------- */

static json_t *
hosts_json(const struct rehearsal *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->n_hosts; i++) {
        const struct rehearsal_host *host = &r->hosts[i];

        json_array_append_new(list, json_pack(
            "{s:s*, s:s*, s:I, s:I}", "before", host->before, "after",
            host->after, "flows_before", (json_int_t) host->n_before,
            "flows_after", (json_int_t) host->n_after));
    }
    return list;
}

static json_t *
problems_json(const struct rehearsal *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->n_problems; i++) {
        const struct rehearsal_problem *problem = &r->problems[i];

        json_array_append_new(list, json_pack(
            "{s:s, s:s, s:s, s:s}", "kind", problem->kind, "units",
            problem->units, "detail", problem->detail, "since",
            problem->is_gone ? "before only" : problem->is_new ? "after only"
            : "both"));
    }
    return list;
}

static json_t *
names_json(const char *const *names, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list, json_string(names[i]));
    }
    return list;
}

/* NULL: one of the ports is on no host. */
static json_t *
verdict_json(const struct reach_verdict *verdict)
{
    return (verdict ? json_pack("{s:s, s:s*}", "verdict", verdict->verdict,
                                "reason", verdict->reason)
            : json_pack("{s:s, s:s}", "verdict", "absent", "reason",
                        "on no host, or disabled"));
}

static json_t *
services_json(const struct rehearsal *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->n_services; i++) {
        const struct rehearsal_service *service = &r->services[i];
        json_t *changes = json_array();

        for (size_t j = 0; j < service->n_changes; j++) {
            const struct reach_change *change = &service->changes[j];

            json_array_append_new(changes, json_pack(
                "{s:o, s:o, s:o, s:o}",
                "from", names_json(change->from, change->n_from),
                "to", names_json(change->to, change->n_to),
                "before", verdict_json(change->before),
                "after", verdict_json(change->after)));
        }
        json_array_append_new(list, json_pack(
            "{s:s, s:o, s:s*}", "service", service->service, "changes",
            changes, "error", service->error));
    }
    return list;
}

json_t *
rehearsal_to_json(const struct rehearsal *r)
{
    return json_pack(
        "{s:b, s:o, s:{s:I, s:I, s:I, s:I}, s:o, s:o, s:I}",
        "same", rehearsal_is_same(r), "hosts", hosts_json(r), "ports",
        "on_hosts_before", (json_int_t) r->n_placed_before,
        "on_hosts_after", (json_int_t) r->n_placed_after,
        "on_none_before", (json_int_t) r->n_unplaced_before,
        "on_none_after", (json_int_t) r->n_unplaced_after,
        "problems", problems_json(r), "services", services_json(r),
        "more_services", (json_int_t) r->n_more_services);
}

/* As text.  --------------------------------------------------------------- */

static const struct ctl_column host_columns[] = {
    { "BEFORE", "/before", NULL },
    { "AFTER", "/after", NULL },
    { "FLOWS-BEFORE", "/flows_before", NULL },
    { "FLOWS-AFTER", "/flows_after", NULL },
    { NULL, NULL, NULL },
};

static const struct ctl_column problem_columns[] = {
    { "SINCE", "/since", NULL },
    { "KIND", "/kind", NULL },
    { "UNITS", "/units", NULL },
    { "DETAIL", "/detail", NULL },
    { NULL, NULL, NULL },
};

static json_int_t
number(const json_t *json, const char *member)
{
    return json_integer_value(json_object_get(json, member));
}

static const char *
text(const json_t *json, const char *member)
{
    return json_string_value(json_object_get(json, member));
}

static void
put_names(const json_t *names, struct ds *ds)
{
    const json_t *name;
    size_t i;

    json_array_foreach (names, i, name) {
        ds_put_format(ds, "%s%s", i ? ", " : "", json_string_value(name));
    }
}

static void
put_verdict(const json_t *verdict, struct ds *ds)
{
    const char *reason = text(verdict, "reason");

    ds_put_cstr(ds, text(verdict, "verdict"));
    if (reason) {
        ds_put_format(ds, " (%s)", reason);
    }
}

/* Returns true if the service differs, or could not be compared. */
static bool
print_service(FILE *out, const json_t *service)
{
    const json_t *changes = json_object_get(service, "changes"), *change;
    const char *error = text(service, "error");
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t i;

    if (error) {
        ds_put_format(&ds, "%s: not compared: %s\n", text(service, "service"),
                      error);
    }
    json_array_foreach (changes, i, change) {
        ds_put_format(&ds, "%s: ", text(service, "service"));
        put_names(json_object_get(change, "from"), &ds);
        ds_put_cstr(&ds, " -> ");
        put_names(json_object_get(change, "to"), &ds);
        ds_put_cstr(&ds, ": ");
        put_verdict(json_object_get(change, "before"), &ds);
        ds_put_cstr(&ds, "; would be: ");
        put_verdict(json_object_get(change, "after"), &ds);
        ds_put_char(&ds, '\n');
    }
    ctl_print_safely(out, ds_cstr(&ds));
    ds_destroy(&ds);
    return error || json_array_size(changes);
}

static void
print_services(FILE *out, const json_t *rehearsal)
{
    const json_t *services = json_object_get(rehearsal, "services"), *service;
    json_int_t n_more = number(rehearsal, "more_services");
    struct ds same = DS_EMPTY_INITIALIZER;
    size_t i;

    fprintf(out, "\nwho reaches whom:\n");
    json_array_foreach (services, i, service) {
        if (!print_service(out, service)) {
            ds_put_format(&same, "%s%s", same.length ? ", " : "",
                          text(service, "service"));
        }
    }
    if (same.length) {
        fprintf(out, "nothing changes: %s\n", ds_cstr(&same));
    }
    if (n_more) {
        fprintf(out, "%"JSON_INTEGER_FORMAT" more services of policies were "
                "not compared\n", n_more);
    }
    ds_destroy(&same);
}

void
rehearsal_print(FILE *out, const json_t *rehearsal)
{
    const json_t *ports = json_object_get(rehearsal, "ports");
    const json_t *problems = json_object_get(rehearsal, "problems");

    ctl_show_table(out, host_columns, json_object_get(rehearsal, "hosts"));
    fprintf(out, "\nports on a host: %"JSON_INTEGER_FORMAT", would be %"
            JSON_INTEGER_FORMAT"; on none: %"JSON_INTEGER_FORMAT
            ", would be %"JSON_INTEGER_FORMAT"\n",
            number(ports, "on_hosts_before"), number(ports, "on_hosts_after"),
            number(ports, "on_none_before"), number(ports, "on_none_after"));
    if (json_array_size(problems)) {
        fprintf(out, "\nproblems:\n");
        ctl_show_table(out, problem_columns, problems);
    } else {
        fprintf(out, "nothing fails to be computed, and nothing conflicts\n");
    }
    print_services(out, rehearsal);
}
