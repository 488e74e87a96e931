/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl flows: the flows that a host should have, and how those of its switch
 * differ. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/output.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static json_int_t
get_count(const json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

/* Sorting.  --------------------------------------------------------------- */

/* Compares in the order of matching: by table, then by descending priority.
 * Groups, which have neither, come first, by number. */
static int
compare_flows(const void *a_, const void *b_)
{
    const json_t *const *a = a_;
    const json_t *const *b = b_;
    json_int_t groups = get_count(*b, "group_id") - get_count(*a, "group_id");
    json_int_t tables = get_count(*a, "table") - get_count(*b, "table");
    json_int_t priorities = (get_count(*b, "priority")
                             - get_count(*a, "priority"));
    const char *match_a = json_string_value(json_object_get(*a, "match"));
    const char *match_b = json_string_value(json_object_get(*b, "match"));

    return (groups ? (groups < 0 ? -1 : 1)
            : tables ? (tables < 0 ? -1 : 1)
            : priorities ? (priorities < 0 ? -1 : 1)
            : match_a && match_b ? strcmp(match_a, match_b) : 0);
}

static json_t *
sort_flows(const json_t *flows)
{
    size_t n = json_array_size(flows);
    json_t **sorted = xcalloc(n + 1, sizeof *sorted);
    json_t *result = json_array();

    for (size_t i = 0; i < n; i++) {
        sorted[i] = json_array_get(flows, i);
    }
    qsort(sorted, n, sizeof *sorted, compare_flows);
    for (size_t i = 0; i < n; i++) {
        json_array_append(result, sorted[i]);
    }
    free(sorted);
    return result;
}

/* Desired.  --------------------------------------------------------------- */

static const struct ctl_column flow_columns[] = {
    { "TABLE", "/table", NULL },
    { "PRIORITY", "/priority", NULL },
    { "OWNER", "/owner", NULL },
    { "MATCH", "/match", NULL },
    { "ACTIONS", "/actions", NULL },
    { NULL, NULL, NULL },
};
static const struct ctl_column group_columns[] = {
    { "GROUP", "/group_id", NULL },
    { "OWNER", "/owner", NULL },
    { "CONTENTS", "/group", NULL },
    { NULL, NULL, NULL },
};

/* Prints how many of 'what' --limit has omitted. */
static void
print_omitted(struct ctl *ctl, const json_t *body, const char *what,
              const char *total)
{
    json_int_t n = get_count(body, total);
    size_t n_shown = json_array_size(json_object_get(body, what));

    if (n > (json_int_t) n_shown) {
        fflush(ctl->out);
        fprintf(ctl->err, "%"PRIuSIZE" of %"JSON_INTEGER_FORMAT" %s\n",
                n_shown, n, what);
    }
}

static void
show_desired(struct ctl *ctl, const json_t *body)
{
    json_t *flows = sort_flows(json_object_get(body, "flows"));
    json_t *groups = sort_flows(json_object_get(body, "groups"));

    ctl_show_table(ctl->out, flow_columns, flows);
    ctl_show_nonempty_table(ctl->out, group_columns, groups);
    print_omitted(ctl, body, "flows", "n_flows");
    print_omitted(ctl, body, "groups", "n_groups");
    json_decref(flows);
    json_decref(groups);
}

/* Differences.  ---------------------------------------------------------- */

static void
print_match(const json_t *difference, struct ds *ds)
{
    const json_t *group = json_object_get(difference, "group_id");

    if (group) {
        ds_put_cstr(ds, "group ");
        ctl_path_print(group, "", ds);
    } else {
        ctl_path_print(difference, "/match", ds);
    }
}

static void
print_owner(const json_t *difference, struct ds *ds)
{
    ctl_path_print(difference, "/owner", ds);
    if (!ds->length) {
        ds_put_cstr(ds, "unknown");
    }
}

static bool
is_named(const json_t *names, const char *name)
{
    const json_t *value;
    size_t i;

    json_array_foreach (names, i, value) {
        if (!strcmp(json_string_value(value) ? : "", name)) {
            return true;
        }
    }
    return false;
}

/* Of what is desired or installed: what it does, or, if there is another side,
 * what the two differ in.  Of an unknown flow its cookie as well. */
static void
print_side(const json_t *difference, const char *name, struct ds *ds)
{
    static const char *const members[] = { "group", "actions", "cookie",
                                           "idle_timeout", "hard_timeout" };
    const json_t *side = json_object_get(difference, name);
    const json_t *differs = json_object_get(difference, "differs");
    size_t n_always = json_object_get(difference, "desired") ? 2 : 3;

    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        const json_t *value = json_object_get(side, members[i]);
        bool timeout = strstr(members[i], "timeout") != NULL;

        if (value && (differs ? is_named(differs, timeout ? "timeouts"
                                         : members[i])
                      : i < n_always)) {
            ds_put_cstr(ds, ds->length ? " " : "");
            if (i > 1) {
                ds_put_format(ds, "%s=", members[i]);
            }
            ctl_path_print(value, "", ds);
        }
    }
    if (!ds->length && side && json_array_size(differs)) {
        ctl_path_print(side, "/actions", ds);
    }
}

static void
print_desired(const json_t *difference, struct ds *ds)
{
    print_side(difference, "desired", ds);
}

static void
print_installed(const json_t *difference, struct ds *ds)
{
    print_side(difference, "installed", ds);
}

static const struct ctl_column difference_columns[] = {
    { "KIND", "/kind", NULL },
    { "TABLE", "/table", NULL },
    { "PRIORITY", "/priority", NULL },
    { "OWNER", NULL, print_owner },
    { "MATCH", NULL, print_match },
    { "DESIRED", NULL, print_desired },
    { "INSTALLED", NULL, print_installed },
    { NULL, NULL, NULL },
};

static json_int_t
count_differences(const json_t *body)
{
    return (get_count(body, "missing") + get_count(body, "altered")
            + get_count(body, "unknown") + get_count(body, "rejected"));
}

static void
show_differences(struct ctl *ctl, const json_t *body)
{
    json_t *differences = sort_flows(json_object_get(body, "differences"));

    ctl_show_field(ctl->out, "Host", body, "/host");
    ctl_show_field(ctl->out, "Compared", body, "/time");
    fprintf(ctl->out, "Installed:   flows %"JSON_INTEGER_FORMAT
            ", groups %"JSON_INTEGER_FORMAT"\n",
            get_count(body, "flows"), get_count(body, "groups"));
    fprintf(ctl->out, "Differs:     missing %"JSON_INTEGER_FORMAT
            ", altered %"JSON_INTEGER_FORMAT", unknown %"
            JSON_INTEGER_FORMAT", rejected %"JSON_INTEGER_FORMAT"%s\n",
            get_count(body, "missing"), get_count(body, "altered"),
            get_count(body, "unknown"), get_count(body, "rejected"),
            json_is_true(json_object_get(body, "repairing"))
            && count_differences(body) ? "; being repaired" : "");
    if (get_count(body, "skipped")) {
        fprintf(ctl->out, "Skipped:     %"JSON_INTEGER_FORMAT", which changed "
                "meanwhile\n", get_count(body, "skipped"));
    }
    ctl_show_nonempty_table(ctl->out, difference_columns, differences);
    print_omitted(ctl, body, "differences", "matching");
    json_decref(differences);
}

/* The command.  ---------------------------------------------------------- */

static void
put_filter(const struct ctl *ctl, struct ds *path)
{
    const struct {
        const char *name;
        const char *value;
    } filters[] = {
        { "app", ctl->app }, { "stage", ctl->stage },
        { "table", ctl->table }, { "object", ctl->object },
    };

    for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
        if (filters[i].value) {
            ctl_append_query(path, filters[i].name, filters[i].value);
        }
    }
    if (ctl->limit) {
        char *limit = xasprintf("%ld", ctl->limit);

        ctl_append_query(path, "limit", limit);
        free(limit);
    }
}

static enum ctl_exit
show_diff(struct ctl *ctl, const char *path)
{
    struct ctl_reply reply;
    enum ctl_exit status = ctl_call(ctl, ctl->repair ? "POST" : "GET", path,
                                    NULL, NULL, &reply);

    if (status) {
        return ctl_comparison_exit(status);
    }
    if (!ctl_show_raw(ctl, reply.body)) {
        show_differences(ctl, reply.body);
    }
    if (count_differences(reply.body) && !ctl->repair) {
        status = CTL_DIFFERS;
    }
    ctl_reply_uninit(&reply);
    return status;
}

/* Prints that no flow and no group of the host is of --object. */
static enum ctl_exit
refuse_object(struct ctl *ctl, const char *host)
{
    char *text = xasprintf("vmnctl: no desired flow of host %s is of an "
                           "object \"%s\"%s\n", host, ctl->object,
                           ctl->app || ctl->stage || ctl->table
                           ? " there" : "");

    ctl_print_safely(ctl->err, text);
    free(text);
    return CTL_REFUSED;
}

static enum ctl_exit
show_flows(struct ctl *ctl, const char *host, const char *path)
{
    struct ctl_reply reply;
    enum ctl_exit status = ctl_get(ctl, path, &reply);

    if (!status) {
        if (ctl->object && !get_count(reply.body, "n_flows")
            && !get_count(reply.body, "n_groups")) {
            status = refuse_object(ctl, host);
        } else if (!ctl_show_raw(ctl, reply.body)) {
            show_desired(ctl, reply.body);
        }
        ctl_reply_uninit(&reply);
    }
    return status;
}

enum ctl_exit
ctl_cmd_flows(struct ctl *ctl, int n_args OVS_UNUSED, char *const args[])
{
    struct ds path = DS_EMPTY_INITIALIZER;
    enum ctl_exit status;

    if (ctl->repair && !ctl->diff) {
        return ctl_usage(ctl, "flows: --repair requires --diff");
    }
    if (ctl->repair && (ctl->app || ctl->stage || ctl->table || ctl->object)) {
        return ctl_usage(ctl,
                         "flows: --repair repairs all that differs: --app, "
                         "--stage, --table and --object cannot be combined "
                         "with it");
    }
    ctl_append_path(&path, "hosts", args[0]);
    ds_put_cstr(&path, ctl->repair ? "/audit" : "/flows");
    if (ctl->diff && !ctl->repair) {
        ctl_append_query(&path, "diff", "true");
    }
    put_filter(ctl, &path);
    status = (ctl->diff ? show_diff(ctl, ds_cstr(&path))
              : show_flows(ctl, args[0], ds_cstr(&path)));
    ds_destroy(&path);
    return status;
}
