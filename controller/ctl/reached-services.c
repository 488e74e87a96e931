/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl reachability --from WHO --to WHO: all services by which somebody is
 * reached.  Not for who reaches whom on one service (cmd-reachability.c). */

#include <config.h>

#include "controller/ctl/reached-services.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/ctl.h"
#include "controller/ctl/output.h"
#include "controller/ctl/simulator-request.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static const char *
text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    return text ? text : "?";
}

/* Returns "web-1" of "port/web-1", if the part before the slash is among
 * 'types', which end with NULL; else 'who', such as a prefix. */
static const char *
name_of(const char *who, const char *const types[])
{
    size_t len = strcspn(who, "/");

    for (size_t i = 0; who[len] && types[i]; i++) {
        if (strlen(types[i]) == len && !strncmp(who, types[i], len)) {
            return &who[len + 1];
        }
    }
    return who;
}

/* The table.  ------------------------------------------------------------ */

static void
print_service(const json_t *service, struct ds *ds)
{
    const json_t *port = json_object_get(service, "port");
    const json_t *end = json_object_get(service, "end_port");
    const json_t *family = json_object_get(service, "family");

    ds_put_cstr(ds, text_of(service, "protocol"));
    if (port) {
        ds_put_format(ds, "/%"JSON_INTEGER_FORMAT, json_integer_value(port));
    }
    if (end) {
        ds_put_format(ds, "-%"JSON_INTEGER_FORMAT, json_integer_value(end));
    }
    if (family) {
        ds_put_format(ds, " (IPv%"JSON_INTEGER_FORMAT")",
                      json_integer_value(family));
    }
}

static void
print_from(const json_t *service, struct ds *ds)
{
    const json_t *sources = json_object_get(service, "sources");
    json_int_t n = json_integer_value(json_object_get(service, "n_sources"));
    json_int_t n_listed = json_array_size(sources);

    if (json_is_true(json_object_get(service, "all"))) {
        ds_put_cstr(ds, "all");
        return;
    }
    ctl_path_print(service, "/sources", ds);
    if (n > n_listed) {
        ds_put_format(ds, " and %"JSON_INTEGER_FORMAT" more", n - n_listed);
    }
}

static void
print_by(const json_t *service, struct ds *ds)
{
    const json_t *object = json_object_get(service, "object");

    if (json_is_object(object)) {
        ds_put_format(ds, "%s/%s", text_of(object, "type"),
                      text_of(object, "name"));
        if (!strcmp(text_of(object, "type"), "networks")) {
            ds_put_cstr(ds, " (default)");
        }
    }
}

static void
print_rule(const json_t *service, struct ds *ds)
{
    const json_t *rule = json_object_get(service, "rule");

    if (rule) {
        ds_put_format(ds, "%"JSON_INTEGER_FORMAT, json_integer_value(rule));
    }
}

static const struct ctl_column columns[] = {
    { "SERVICE", NULL, print_service },
    { "VERDICT", "/verdict", NULL },
    { "FROM", NULL, print_from },
    { "BY", NULL, print_by },
    { "RULE", NULL, print_rule },
    { NULL, NULL, NULL },
};

static void
show(struct ctl *ctl, const json_t *reply)
{
    const json_t *services = json_object_get(reply, "services");
    struct ds ds = DS_EMPTY_INITIALIZER;

    ctl_print_unheard(ctl, reply);
    ds_put_format(&ds, "from %s to %s (", text_of(reply, "from"),
                  text_of(reply, "to"));
    ctl_path_print(reply, "/addresses", &ds);
    ds_put_cstr(&ds, ")\n");
    ctl_print_safely(ctl->out, ds_cstr(&ds));
    if (json_array_size(services)) {
        ctl_show_table(ctl->out, columns, services);
    } else {
        fputs("nothing is let in\n", ctl->out);
    }
    ds_destroy(&ds);
}

/* The command.  ---------------------------------------------------------- */

static void
put_path(const struct ctl *ctl, struct ds *path)
{
    static const char *const groups[] = { "group", "groups", NULL };
    static const char *const ports[] = { "port", "ports", NULL };
    static const char *const ends[] = {
        "port", "ports", "loadbalancer", "loadbalancers", "lb", "floating-ip",
        "floating-ips", "fip", NULL,
    };
    const char *from = ctl->from ? ctl->from : "outside";
    const char *group = name_of(from, groups);

    ds_put_cstr(path, "/v1/open-services");
    ctl_append_query(path, group == from ? "from" : "from_group",
                     group == from ? name_of(from, ports) : group);
    ctl_append_query(path, "to", name_of(ctl->to, ends));
    if (ctl->network) {
        ctl_append_query(path, "network", ctl->network);
    }
}

enum ctl_exit
ctl_open_services(struct ctl *ctl)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;

    if (!ctl->to) {
        return ctl_usage(ctl, "reachability: give a SERVICE; or --to, and "
                         "who is let in to what is listed");
    } else if (ctl->after.n) {
        return ctl_usage(ctl, "reachability: --after takes a SERVICE");
    }
    put_path(ctl, &path);
    status = ctl_get(ctl, ds_cstr(&path), &reply);
    ds_destroy(&path);
    if (status) {
        return ctl_comparison_exit(status);
    }
    if (!ctl_show_raw(ctl, reply.body)) {
        show(ctl, reply.body);
    }
    ctl_reply_uninit(&reply);
    return CTL_DONE;
}
