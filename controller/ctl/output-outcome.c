/* SPDX-License-Identifier: Apache-2.0
 *
 * What commands print of the outcome of a change; see ctl.h.  Not for sending
 * one (object-changes.c, cmd-apply.c). */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/output-diff.h"
#include "controller/ctl/output-plan.h"
#include "controller/ctl/output-table.h"
#include "controller/ctl/output.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

void
ctl_print_outcome(struct ctl *ctl, const char *type, const char *name,
                  const char *outcome)
{
    char *object = xasprintf("%s/%s ", type, name);

    ctl_print_safely(ctl->out, object);
    ctl_print_coloured(ctl->out, "OUTCOME", outcome);
    putc('\n', ctl->out);
    free(object);
}

/* Returns the string member 'name', or "?" if it is not a string. */
static const char *
string_member(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));

    return value ? value : "?";
}

void
ctl_print_outcomes(struct ctl *ctl, const json_t *results)
{
    const json_t *result;
    size_t i;

    json_array_foreach (results, i, result) {
        ctl_print_outcome(ctl, string_member(result, "type"),
                          string_member(result, "name"),
                          string_member(result, "outcome"));
        ctl_print_diff(ctl, result);
    }
}

/* Prints "warning: policies/web: /spec/applies_to/0: ...". */
void
ctl_print_warnings(struct ctl *ctl, const json_t *reply)
{
    const json_t *warning;
    size_t i;

    json_array_foreach (json_object_get(reply, "warnings"), i, warning) {
        const char *type = json_string_value(json_object_get(warning,
                                                             "type"));
        const json_t *more = json_object_get(warning, "more");
        bool loosens = json_object_get(warning, "loosens");
        struct ds ds = DS_EMPTY_INITIALIZER;

        ds_put_cstr(&ds, loosens ? "warning: loosens: " : "warning: ");
        if (more) {
            ds_put_format(&ds, "%"JSON_INTEGER_FORMAT" more, see vmnctl "
                          "status", json_integer_value(more));
        } else if (type && !loosens) {
            ds_put_format(&ds, "%s/%s: ", type,
                          string_member(warning, "name"));
            if (json_object_get(warning, "pointer")) {
                ds_put_format(&ds, "%s: ",
                              string_member(warning, "pointer"));
            }
        }
        ctl_path_print(warning, "/text", &ds);
        ds_put_char(&ds, '\n');
        ctl_print_safely(ctl->err, ds_cstr(&ds));
        ds_destroy(&ds);
    }
}

json_t *
ctl_print_loosened(struct ctl *ctl, const json_t *plan)
{
    json_t *others = json_array(), *warning;
    bool any = false;
    size_t i;

    json_array_foreach (json_object_get(plan, "warnings"), i, warning) {
        struct ds ds = DS_EMPTY_INITIALIZER;

        if (!json_object_get(warning, "loosens")) {
            json_array_append(others, warning);
            continue;
        }
        ds_put_cstr(&ds, any ? "  " : "\nLoosens:\n  ");
        ctl_path_print(warning, "/text", &ds);
        ds_put_char(&ds, '\n');
        ctl_print_safely(ctl->out, ds_cstr(&ds));
        ds_destroy(&ds);
        any = true;
    }
    return json_pack("{s:o}", "warnings", others);
}

void
ctl_print_also_changed(struct ctl *ctl, const json_t *reply)
{
    const json_t *change;
    size_t i;

    json_array_foreach (json_object_get(reply, "also_changed"), i, change) {
        const json_t *more = json_object_get(change, "more");

        if (json_is_integer(more)) {
            char *line = xasprintf("and %"JSON_INTEGER_FORMAT" more\n",
                                   json_integer_value(more));

            ctl_print_safely(ctl->out, line);
            free(line);
        } else {
            char *outcome = xasprintf("%sd", string_member(change, "op"));

            ctl_print_outcome(ctl, string_member(change, "type"),
                              string_member(change, "name"), outcome);
            ctl_print_diff(ctl, change);
            free(outcome);
        }
    }
}
