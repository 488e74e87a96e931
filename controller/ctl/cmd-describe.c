/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl describe: an object and what is related to it; see describe.h. */

#include <config.h>

#include "controller/ctl/describe.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/output.h"
#include "controller/ctl/object-args.h"
#include "controller/ctl/object-types.h"
#include "controller/ctl/port-moves.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Changes that are shown, and requests to find them. */
#define CHANGES_MAX 5
#define CHANGES_CALLS_MAX 20
/* So many of these for what other objects did to a port since its own last
 * change. */
#define EFFECTS_CALLS_MAX 5
/* Hosts whose flows are counted. */
#define HOSTS_MAX 8
/* Flows that are counted by app. */
#define FLOWS_MAX 2000

/* Output.  ---------------------------------------------------------------- */

void
ctl_describe_table(struct ctl *ctl, const char *title,
                   const struct ctl_column *columns, const json_t *array)
{
    if (json_array_size(array)) {
        fprintf(ctl->out, "\n%s:\n", title);
        ctl_show_table(ctl->out, columns, array);
    }
}

enum ctl_exit
ctl_describe_get(struct ctl *ctl, const char *type, const char *key,
                 const char *value, struct ctl_reply *reply)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    enum ctl_exit status;

    ctl_append_path(&path, type, NULL);
    if (key) {
        ctl_append_query(&path, key, value);
    }
    status = ctl_get(ctl, ds_cstr(&path), reply);
    ds_destroy(&path);
    return status;
}

bool
ctl_describe_continue(enum ctl_exit *worst, enum ctl_exit status)
{
    if (status && *worst != CTL_UNREACHABLE) {
        *worst = status;
    }
    return *worst != CTL_UNREACHABLE;
}

json_t *
ctl_spec(const json_t *object, const char *member)
{
    return json_object_get(json_object_get(object, "spec"), member);
}

json_t *
ctl_status(const json_t *object, const char *member)
{
    return json_object_get(json_object_get(object, "status"), member);
}

bool
ctl_has_string(const json_t *array, const char *text)
{
    const json_t *element;
    size_t i;

    json_array_foreach (array, i, element) {
        const char *s = json_string_value(element);

        if (s && !strcmp(s, text)) {
            return true;
        }
    }
    return false;
}

/* Changes.  -------------------------------------------------------------- */

/* Prints "3 of 3", "2 of 3: h3 offline", or "concerns no host's flows". */
static void
print_installed(const json_t *revision, struct ds *ds)
{
    const json_t *hosts = json_object_get(json_object_get(revision,
                                                          "receipt"),
                                          "hosts");
    size_t n_confirmed = 0, n_said = 0;
    struct ds rest = DS_EMPTY_INITIALIZER;
    const json_t *host;
    size_t i;

    if (ctl_put_taken_back(revision, ds)) {
        return;
    }
    if (!json_array_size(hosts)) {
        ds_put_cstr(ds, hosts ? "concerns no host's flows" : "");
        return;
    }
    json_array_foreach (hosts, i, host) {
        const char *state = json_string_value(json_object_get(host, "state"));

        if (state && !strcmp(state, "confirmed")) {
            n_confirmed++;
        } else if (n_said++ < 3) {
            ds_put_cstr(&rest, n_said > 1 ? ", " : ": ");
            ctl_path_print(host, "/host", &rest);
            ds_put_char(&rest, ' ');
            ctl_path_print(host, "/state", &rest);
        }
    }
    ds_put_format(ds, "%"PRIuSIZE" of %"PRIuSIZE"%s%s", n_confirmed,
                  json_array_size(hosts), ds_cstr(&rest),
                  n_said > 3 ? ", ..." : "");
    ds_destroy(&rest);
}

static void
print_took(const json_t *revision, struct ds *ds)
{
    const json_t *took = json_object_get(revision, "duration_us");
    const json_t *us = json_object_get(took, "installed");

    if (us) {
        ds_put_format(ds, "%.1f ms", json_integer_value(us) / 1000.0);
    }
}

static const struct ctl_column change_columns[] = {
    { "REVISION", "/revision", NULL },
    { "TIME", "/time", NULL },
    { "WHO", "/who", NULL },
    { "CHANGE", "/op", NULL },
    { "INSTALLED", NULL, print_installed },
    { "DURATION", NULL, print_took },
    { NULL, NULL, NULL },
};

/* Sets "op" of the revision to what it did to the object. */
static void
set_op(json_t *revision, const char *type, const char *name)
{
    const json_t *change;
    size_t i;

    json_array_foreach (json_object_get(revision, "changes"), i, change) {
        const char *t = json_string_value(json_object_get(change, "type"));
        const char *n = json_string_value(json_object_get(change, "name"));

        if (t && n && !strcmp(t, type) && !strcmp(n, name)) {
            struct ds op = DS_EMPTY_INITIALIZER;

            ctl_path_print(revision, "/op", &op);
            ds_put_cstr(&op, op.length ? ", " : "");
            ctl_path_print(change, "/op", &op);
            ctl_put_effect(change, &op);
            json_object_set_new(revision, "op", json_string(ds_cstr(&op)));
            ds_destroy(&op);
        }
    }
}

static json_int_t
revision_of(const json_t *object)
{
    return json_integer_value(json_object_get(object, "revision"));
}

/* Prepends to 'revisions' a page of those that changed the object before
 * revision '*before' (INT64_MAX: any), and sets that to where to continue, or
 * 0. */
static enum ctl_exit
get_changes_page(struct ctl *ctl, const char *type, const char *name,
                 json_int_t *before, json_t *revisions)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    char *start = xasprintf("%"JSON_INTEGER_FORMAT, *before);
    struct ctl_reply reply;
    enum ctl_exit status;

    ds_put_format(&path, "/v1/revisions?limit=%d", CHANGES_MAX);
    ctl_append_query(&path, "type", type);
    ctl_append_query(&path, "name", name);
    if (*before != INT64_MAX) {
        ctl_append_query(&path, "before", start);
    }
    free(start);
    status = ctl_get(ctl, ds_cstr(&path), &reply);
    ds_destroy(&path);
    if (!status) {
        const json_t *items = json_object_get(reply.body, "items");
        const char *next = json_string_value(json_object_get(reply.body,
                                                             "next"));

        for (size_t i = json_array_size(items); i-- > 0
             && json_array_size(revisions) < CHANGES_MAX; ) {
            json_array_append(revisions, json_array_get(items, i));
        }
        *before = next ? strtoll(next, NULL, 10) : 0;
        ctl_reply_uninit(&reply);
    }
    return status;
}

/* Adds to each of 'revisions' its receipt, of GET /v1/revisions/N.  One that a
 * restore took back has none, but an entry in the log. */
static enum ctl_exit
get_receipts(struct ctl *ctl, const char *type, const char *name,
             json_t *revisions)
{
    enum ctl_exit status = CTL_DONE;

    for (size_t i = 0; i < json_array_size(revisions) && !status; i++) {
        json_int_t n = json_integer_value(json_object_get(
            json_array_get(revisions, i), "revision"));
        char *text = xasprintf("%"JSON_INTEGER_FORMAT, n);
        struct ctl_reply reply;
        bool there;

        status = ctl_get_object(ctl, "revisions", text, &reply, &there);
        free(text);
        if (!status && there) {
            json_array_set(revisions, i, reply.body);
            ctl_reply_uninit(&reply);
        }
        set_op(json_array_get(revisions, i), type, name);
    }
    return status;
}

/* Inserts 'newest', the object's own last change, into 'revisions' if it is
 * not there, although there is room: a revision with very many changes does
 * not list them all. */
static void
insert_newest(json_int_t newest, json_t *revisions)
{
    size_t i = 0;

    while (i < json_array_size(revisions)
           && revision_of(json_array_get(revisions, i)) > newest) {
        i++;
    }
    if (i < CHANGES_MAX
        && revision_of(json_array_get(revisions, i)) != newest) {
        json_array_insert_new(revisions, i, json_pack("{s:I}", "revision",
                                                      newest));
    }
}

/* Adds the last changes of an object to 'revisions', the newest first.  A port
 * may have effects of other objects' changes since its own last change: the
 * last part of the log is searched for them. */
static enum ctl_exit
get_changes(struct ctl *ctl, const char *type, const char *name,
            const json_t *object, json_t *revisions)
{
    bool is_port = !strcmp(type, schema_tables[VMN_TABLE_PORT]->plural);
    json_int_t newest = revision_of(json_object_get(object, "metadata"));
    json_int_t before = is_port ? INT64_MAX : newest + 1;
    enum ctl_exit status = CTL_DONE;

    if (newest < 1) {
        return CTL_DONE;        /* Built-in objects have none. */
    }
    for (int i = 0; !status && before && i < CHANGES_CALLS_MAX
         && json_array_size(revisions) < CHANGES_MAX; i++) {
        if (i == EFFECTS_CALLS_MAX) {
            before = MIN(before, newest + 1);
        }
        status = get_changes_page(ctl, type, name, &before, revisions);
    }
    if (!status) {
        insert_newest(newest, revisions);
    }
    return status ? status : get_receipts(ctl, type, name, revisions);
}

/* Flows.  ---------------------------------------------------------------- */

static const struct ctl_column flow_columns[] = {
    { "HOST", "/host", NULL },
    { "APP", "/app", NULL },
    { "UNIT", "/unit", NULL },
    { "FLOWS", "/flows", NULL },
    { "GROUPS", "/groups", NULL },
    { NULL, NULL, NULL },
};
static const struct ctl_column host_flow_columns[] = {
    { "APP", "/app", NULL },
    { "FLOWS", "/flows", NULL },
    { "GROUPS", "/groups", NULL },
    { NULL, NULL, NULL },
};

/* Counts 'items' by app in 'apps', {APP: {"flows": N, "groups": N}}; with
 * 'by_unit' by app and unit, "APP.UNIT": of a router and a network of one name
 * these differ. */
static void
count_by_app(const json_t *items, const char *member, bool by_unit,
             json_t *apps)
{
    const json_t *item;
    size_t i;

    json_array_foreach (items, i, item) {
        const char *owner = json_string_value(json_object_get(item, "owner"));
        char *app = xmemdup0(owner ? owner : "vmnd",
                             owner ? strcspn(owner, by_unit ? "/" : ".") : 4);
        json_t *counts = json_object_get(apps, app);

        if (!counts) {
            counts = json_object();
            json_object_set_new(apps, app, counts);
        }
        json_object_set_new(counts, member, json_integer(
            json_integer_value(json_object_get(counts, member)) + 1));
        free(app);
    }
}

/* Adds rows of the flows that 'host' should have for 'object', or, if that is
 * NULL, for all objects. */
static enum ctl_exit
add_flows(struct ctl *ctl, const char *host, const char *object, json_t *rows)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    json_t *apps = json_object();
    struct ctl_reply reply;
    enum ctl_exit status;
    const char *app;
    json_t *counts;

    ctl_append_path(&path, "hosts", host);
    ds_put_cstr(&path, "/flows");
    if (object) {
        char *limit = xasprintf("%d", FLOWS_MAX);

        ctl_append_query(&path, "object", object);
        ctl_append_query(&path, "limit", limit);
        free(limit);
    }
    status = ctl_get(ctl, ds_cstr(&path), &reply);
    ds_destroy(&path);
    if (status) {
        json_decref(apps);
        return status;
    }

    json_t *n_flows = json_object_get(reply.body, "n_flows");

    if (object && json_integer_value(n_flows) > FLOWS_MAX) {
        json_object_set_new(apps, "(all)", json_pack(
            "{s:O, s:O*}", "flows", n_flows, "groups",
            json_object_get(reply.body, "n_groups")));
    } else {
        count_by_app(json_object_get(reply.body, "flows"), "flows",
                     object != NULL, apps);
        count_by_app(json_object_get(reply.body, "groups"), "groups",
                     object != NULL, apps);
    }
    json_object_foreach (apps, app, counts) {
        size_t len = strcspn(app, ".");

        json_object_set_new(counts, "host", json_string(host));
        json_object_set_new(counts, "app", json_stringn(app, len));
        if (app[len]) {
            json_object_set_new(counts, "unit", json_string(app + len + 1));
        }
        json_array_append(rows, counts);
    }
    json_decref(apps);
    ctl_reply_uninit(&reply);
    return CTL_DONE;
}

static bool
has_name(const struct svec *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++) {
        if (!strcmp(names->names[i], name)) {
            return true;
        }
    }
    return false;
}

/* Adds the hosts on which to count an object's flows: those that it is on,
 * then those that its last change concerned, or else all. */
static void
add_hosts(const json_t *object, const json_t *revisions, const json_t *all,
          struct svec *hosts)
{
    const char *own = json_string_value(ctl_status(object, "host"));
    const json_t *receipt = json_object_get(json_array_get(revisions, 0),
                                            "receipt");
    const json_t *more = json_object_get(receipt, "hosts");
    const json_t *host;
    size_t i;

    if (own) {
        svec_add(hosts, own);
    }
    more = json_array_size(all) <= HOSTS_MAX ? all : more;
    json_array_foreach (more, i, host) {
        const char *name = json_string_value(json_object_get(
            host, more == all ? "name" : "host"));

        if (name && !has_name(hosts, name)
            && hosts->n < HOSTS_MAX) {
            svec_add(hosts, name);
        }
    }
}

static enum ctl_exit
describe_flows(struct ctl *ctl, const char *name, const json_t *object,
               const json_t *revisions)
{
    struct svec hosts = SVEC_EMPTY_INITIALIZER;
    char *limit = xasprintf("%d", HOSTS_MAX + 1);
    json_t *rows = json_array();
    struct ctl_reply reply;
    enum ctl_exit status = ctl_describe_get(ctl, "hosts", "limit", limit,
                                            &reply);

    free(limit);
    if (!status) {
        const json_t *all = json_object_get(reply.body, "items");
        bool few = json_array_size(all) <= HOSTS_MAX;

        add_hosts(object, revisions, all, &hosts);
        for (size_t i = 0; i < hosts.n && !status; i++) {
            status = add_flows(ctl, hosts.names[i], name, rows);
        }
        ctl_describe_table(ctl,
                           few ? "Flows of this name"
                               : "Flows of this name, on hosts that its last "
                                 "change concerned",
                           flow_columns, rows);
        ctl_reply_uninit(&reply);
    }
    json_decref(rows);
    svec_destroy(&hosts);
    return status;
}

static enum ctl_exit
describe_host_flows(struct ctl *ctl, const char *name, const json_t *host)
{
    json_t *rows = json_array();
    enum ctl_exit status = add_flows(ctl, name, NULL, rows);

    ctl_describe_table(ctl, ctl_host_is_to_hold(host)
                            ? "Flows that it is to hold, by app"
                            : "Flows, by app", host_flow_columns, rows);
    json_decref(rows);
    return status;
}

/* The command.  ---------------------------------------------------------- */

/* What is shown of a type besides the object.  'own' are members of its status
 * that are shown as tables. */
static const struct related {
    enum vmn_table table;
    enum ctl_exit (*describe)(struct ctl *, const char *name,
                              const json_t *object);
    const char *own;
    const char *drops;          /* Parameter of GET /v1/drops, or NULL. */
} abouts[] = {
    { VMN_TABLE_PORT, ctl_describe_port, NULL, "port" },
    { VMN_TABLE_HOST, ctl_describe_host, "unclaimed_interfaces", "host" },
    { VMN_TABLE_NETWORK, ctl_describe_network, "subnets", "network" },
    { VMN_TABLE_LOADBALANCER, ctl_describe_balancer, "backends", NULL },
    { VMN_TABLE_GROUP, ctl_describe_group, NULL, NULL },
    { VMN_TABLE_POLICY, ctl_describe_policy, "rules", NULL },
};

static const struct related *
find_related(const struct schema_table *type)
{
    static const struct related nothing = { 0, NULL, NULL, NULL };

    for (size_t i = 0; i < ARRAY_SIZE(abouts); i++) {
        if (abouts[i].table == type->id) {
            return &abouts[i];
        }
    }
    return &nothing;
}

/* Appends to "quarantined" in the status of a port what holds it: that in its
 * spec is only about the port itself, and may be false. */
static void
name_quarantine(const json_t *port, json_t *status)
{
    bool itself = json_is_true(ctl_spec(port, "quarantined"));
    struct ds by = DS_EMPTY_INITIALIZER;
    const json_t *name;
    size_t i;

    if (!json_is_true(json_object_get(status, "quarantined"))) {
        return;
    }
    ds_put_cstr(&by, itself ? "the port itself" : "");
    json_array_foreach (json_object_get(status, "quarantines"), i, name) {
        ds_put_format(&by, "%squarantines/", by.length ? ", " : "");
        ctl_path_print(name, "", &by);
    }
    if (json_object_get(status, "quarantined_parent")) {
        ds_put_format(&by, "%sports/", by.length ? ", " : "");
        ctl_path_print(status, "/quarantined_parent", &by);
        json_object_del(status, "quarantined_parent");
    }
    json_object_set_new(status, "quarantined", json_sprintf(
        "true, by %s", by.length ? ds_cstr(&by)
                       : "what is out of this account's scope"));
    ds_destroy(&by);
}

/* Adds how long a drain may take, where the spec does not say it. */
static void
show_drain_default(const struct schema_table *type, json_t *spec)
{
    const struct schema_field *f = schema_find_field(&type->row,
                                                     "drain_seconds");

    if (f && json_is_object(spec) && !json_object_get(spec, f->name)) {
        json_object_set_new(spec, f->name, json_sprintf(
            "%"PRId64" (default)", (int64_t) f->def));
    }
}

/* Says of a quarantine's counters that they are of what it allows: what it
 * drops is with the drops. */
static void
name_allowed(json_t *status)
{
    static const char *const names[][2] = {
        { "packets", "allowed_packets" },
        { "bytes", "allowed_bytes" },
        { "last", "last_allowed" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        json_t *value = json_object_get(status, names[i][0]);

        if (value) {
            json_object_set(status, names[i][1], value);
            json_object_del(status, names[i][0]);
        }
    }
}

static void
show_object(struct ctl *ctl, const struct schema_table *type,
            const json_t *object, const struct related *related)
{
    static const struct {
        const char *title;
        const char *path;
    } lines[] = {
        { "Name", "/name" },
        { "Description", "/spec/description" },
        { "Labels", "/spec/labels" },
        { "Revision", "/metadata/revision" },
        { "Created", "/metadata/created" },
        { "Updated", "/metadata/updated" },
        { "Set", "/metadata/set" },
    };
    json_t *spec = json_copy(json_object_get(object, "spec"));
    json_t *status = json_copy(json_object_get(object, "status"));

    fprintf(ctl->out, "%-13s%s\n", "Type:", type->plural);
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        ctl_show_field(ctl->out, lines[i].title, object, lines[i].path);
    }
    json_object_del(spec, "description");
    json_object_del(spec, "labels");
    if (type->id == VMN_TABLE_LOADBALANCER) {
        show_drain_default(type, spec);
    }
    if (type->id == VMN_TABLE_HOST && ctl_host_is_to_hold(object)) {
        /* As in lists: what it has is not known. */
        json_object_set_new(status, "flows", json_string("?"));
        json_object_set_new(status, "groups", json_string("?"));
    }
    if (related->own) {
        json_object_del(status, related->own);
    }
    if (type->id == VMN_TABLE_PORT) {
        name_quarantine(object, status);
    }
    if (type->id == VMN_TABLE_QUARANTINE) {
        name_allowed(status);
    }
    ctl_show_section(ctl->out, "Spec", spec);
    ctl_show_section(ctl->out, "Status", status);
    json_decref(spec);
    json_decref(status);
}

static enum ctl_exit
describe_drops(struct ctl *ctl, const char *parameter, const char *name)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;

    ds_put_cstr(&path, "/v1/drops?limit=10");
    ctl_append_query(&path, parameter, name);
    status = ctl_get(ctl, ds_cstr(&path), &reply);
    ds_destroy(&path);
    if (!status) {
        ctl_describe_drops(ctl, reply.body);
        ctl_reply_uninit(&reply);
    }
    return status;
}

/* Prints what is related to the object, after the object itself. */
static enum ctl_exit
describe_concerns(struct ctl *ctl, const struct schema_table *type,
                  const char *name, const json_t *object)
{
    const struct related *related = find_related(type);
    json_t *revisions = json_array();
    enum ctl_exit worst = CTL_DONE;
    bool on = true;

    if (related->describe) {
        on = ctl_describe_continue(&worst,
                                   related->describe(ctl, name, object));
    }
    on = on
         && ctl_describe_continue(
             &worst, get_changes(ctl, type->plural, name, object, revisions));
    if (on && !type->of_daemon) {
        on = ctl_describe_continue(
            &worst, type->id == VMN_TABLE_HOST
                        ? describe_host_flows(ctl, name, object)
                        : describe_flows(ctl, name, object, revisions));
    }
    ctl_name_authors(ctl, revisions);
    ctl_describe_table(ctl, "Last changes", change_columns, revisions);
    if (on && related->drops) {
        ctl_describe_continue(&worst,
                              describe_drops(ctl, related->drops, name));
    }
    json_decref(revisions);
    return worst;
}

enum ctl_exit
ctl_cmd_describe(struct ctl *ctl, int n_args, char *const args[])
{
    const char *name;
    const struct schema_table *type = ctl_args_one(ctl, "describe", n_args,
                                                   args, &name);
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;

    if (!type) {
        return CTL_USAGE;
    }
    ctl_append_path(&path, type->plural, name);
    status = ctl_get(ctl, ds_cstr(&path), &reply);
    ds_destroy(&path);
    if (!status) {
        show_object(ctl, type, reply.body, find_related(type));
        ctl_show_unread(ctl, json_object_get(reply.body, "status"));
        ctl->passes_over = true;
        status = describe_concerns(ctl, type, name, reply.body);
        ctl_reply_uninit(&reply);
        if (ctl->n_passed_over) {
            fflush(ctl->out);
            fputs("vmnctl: some of it is not visible to this account\n",
                  ctl->err);
            if (status == CTL_REFUSED && !ctl->n_refused) {
                status = CTL_DONE;
            }
        }
    }
    return status;
}
