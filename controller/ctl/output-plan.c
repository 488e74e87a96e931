/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints plans; see output-plan.h. */

#include <config.h>

#include "controller/ctl/output-plan.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/output-diff.h"
#include "controller/ctl/output.h"
#include "controller/ctl/output-table.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

bool
ctl_plan_check(struct ctl *ctl, const struct ctl_command *command)
{
    bool waits_anyway = command->options & CTL_OPT_WAITS;

    if (command->options & CTL_OPT_PLAN) {
        ctl->dry_run = true;
    }
    if (!(command->options & (CTL_OPT_PLAN | CTL_OPT_DRY_RUN
                              | CTL_OPT_TRY))) {
        return true;
    }
    if (!ctl->dry_run) {
        /* A restore shows as JSON what it has done, too. */
        if (ctl->output != CTL_TABLE
            && !(command->options & (CTL_OPT_RESTORE | CTL_OPT_TRY))) {
            ctl_usage(ctl, "%s: -o requires --dry-run", command->name);
            return false;
        }
        return true;
    }
    if ((ctl->wait && !waits_anyway) || ctl->timeout_given) {
        ctl_usage(ctl, "%s: --wait and --timeout cannot be combined with "
                  "--dry-run, which changes nothing", command->name);
        return false;
    }
    ctl->wait = false;
    return true;
}

/* The most hosts that are named of those that get a change in parts. */
#define N_PARTS_NAMED 5

static const struct ctl_column app_columns[] = {
    { "APP", "/app", NULL },
    { "ADDED", "/added", NULL },
    { "CHANGED", "/changed", NULL },
    { "REMOVED", "/removed", NULL },
    { NULL, NULL, NULL },
};
static const struct ctl_column host_columns[] = {
    { "HOST", "/host", NULL },
    { "ADDED", "/added", NULL },
    { "CHANGED", "/changed", NULL },
    { "REMOVED", "/removed", NULL },
    { "TOTAL", "/total", NULL },
    { NULL, NULL, NULL },
};
static const struct ctl_column problem_columns[] = {
    { "PROBLEM", "/kind", NULL },
    { "UNITS", "/units", NULL },
    { "DETAIL", "/detail", NULL },
    { "PACKET", "/packet", NULL },
    { NULL, NULL, NULL },
};

/* Shows the fields of the objects, under the name of each. */
static void
show_fields(struct ctl *ctl, const json_t *objects)
{
    const json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        if (json_array_size(json_object_get(object, "fields"))) {
            char *name = xasprintf(
                "\n%s/%s\n",
                json_string_value(json_object_get(object, "type")),
                json_string_value(json_object_get(object, "name")));

            ctl_print_safely(ctl->out, name);
            free(name);
            ctl_print_diff(ctl, object);
        }
    }
}

/* Prints the objects that would change, and the number of the others. */
static void
show_objects(struct ctl *ctl, const json_t *objects)
{
    struct ctl_table *table = ctl_table_create(ctl_object_columns);
    const json_t *object;
    size_t n_same = 0;
    size_t i;

    json_array_foreach (objects, i, object) {
        const char *op = json_string_value(json_object_get(object, "op"));

        if (op && !strcmp(op, "unchanged")) {
            n_same++;
        } else {
            ctl_table_add(table, object);
        }
    }
    if (n_same < json_array_size(objects)) {
        ctl_table_print(table, ctl->out);
    }
    if (n_same) {
        fprintf(ctl->out, "%zu object%s would stay as %s\n", n_same,
                n_same == 1 ? "" : "s", n_same == 1 ? "it is" : "they are");
    }
    show_fields(ctl, objects);
    ctl_table_destroy(table);
}

void
ctl_print_restarts(struct ctl *ctl, const json_t *networks, const char *verb)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const json_t *network;
    size_t i;

    json_array_foreach (networks, i, network) {
        if (!i) {
            ds_put_format(&ds, "open connections %s over in", verb);
        }
        ds_put_format(&ds, "%s %s", i ? "," : ":",
                      json_string_value(network));
    }
    if (ds.length) {
        ds_put_char(&ds, '\n');
        ctl_print_safely(ctl->out, ds_cstr(&ds));
    }
    ds_destroy(&ds);
}

bool
ctl_plan_changes(const json_t *plan)
{
    return json_is_true(json_object_get(plan, "changed"));
}

/* Says what the counts by app are about: a plan for ports that run nowhere has
 * flows, and no host. */
static void
show_counted(struct ctl *ctl, const json_t *flows)
{
    if (!json_array_size(json_object_get(flows, "apps"))) {
        return;
    }
    if (json_array_size(json_object_get(flows, "hosts"))) {
        fputs("each flow counted once, on however many hosts it is; by "
              "host:\n", ctl->out);
    } else {
        fputs("each flow counted once; no host is concerned\n", ctl->out);
    }
}

/* Returns true if a port would be created.  Its interface may be there
 * already, and the port is bound right after the change, by vmnd. */
static bool
creates_port(const json_t *objects)
{
    const json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        const char *type = json_string_value(json_object_get(object, "type"));
        const char *op = json_string_value(json_object_get(object, "op"));

        if (type && op && !strcmp(type, "ports") && !strcmp(op, "created")) {
            return true;
        }
    }
    return false;
}

/* Names the hosts that would not get all of it at one moment. */
static void
show_parts(struct ctl *ctl, const json_t *hosts)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const json_t *host;
    size_t i, n = 0;

    json_array_foreach (hosts, i, host) {
        json_int_t parts = json_integer_value(json_object_get(host,
                                                              "bundles"));

        if (parts && n++ < N_PARTS_NAMED) {
            ds_put_format(&ds, "%s %s (%"JSON_INTEGER_FORMAT")",
                          n > 1 ? "," : "",
                          json_string_value(json_object_get(host, "host")),
                          parts);
        }
    }
    if (n) {
        ctl_print_safely(ctl->out, "would be sent in parts, one after the "
                         "other, to:");
        if (n > N_PARTS_NAMED) {
            ds_put_format(&ds, ", and %"PRIuSIZE" more", n - N_PARTS_NAMED);
        }
        ds_put_char(&ds, '\n');
        ctl_print_safely(ctl->out, ds_cstr(&ds));
    }
    ds_destroy(&ds);
}

void
ctl_plan_show(struct ctl *ctl, const json_t *plan)
{
    const json_t *flows = json_object_get(plan, "flows");
    json_t *others;

    if (ctl->output == CTL_JSON) {
        ctl_show_json(ctl->out, plan);
    } else if (ctl->output == CTL_YAML) {
        ctl_show_yaml(ctl->out, plan, "");
    } else if (!ctl_plan_changes(plan)) {
        fputs("nothing would change\n", ctl->out);
    } else {
        show_objects(ctl, json_object_get(plan, "objects"));
        if (!json_array_size(json_object_get(flows, "apps"))
            && !json_array_size(json_object_get(flows, "hosts"))) {
            fputs(creates_port(json_object_get(plan, "objects"))
                  ? "no flow would change; a port gets its flows when its "
                    "interface is found\n"
                  : "no flow would change\n", ctl->out);
        }
        ctl_show_nonempty_table(ctl->out, app_columns,
                                json_object_get(flows, "apps"));
        show_counted(ctl, flows);
        ctl_show_nonempty_table(ctl->out, host_columns,
                                json_object_get(flows, "hosts"));
        show_parts(ctl, json_object_get(flows, "hosts"));
        ctl_print_restarts(ctl, json_object_get(plan, "restarts"),
                           "would start");
        ctl_show_nonempty_table(ctl->out, problem_columns,
                                json_object_get(plan, "problems"));
    }
    others = (ctl->output == CTL_JSON || ctl->output == CTL_YAML
              ? json_incref(CONST_CAST(json_t *, plan))
              : ctl_print_loosened(ctl, plan));
    ctl_print_warnings(ctl, others);
    json_decref(others);
}
