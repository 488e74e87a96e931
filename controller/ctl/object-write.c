/* SPDX-License-Identifier: Apache-2.0
 *
 * How commands change objects: the request for one object, a merge patch of a
 * field, and what is printed of the outcome; see ctl.h. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/output-fields.h"
#include "controller/ctl/output-plan.h"
#include "controller/ctl/output-table.h"
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
        ctl_print_fields(ctl, result);
    }
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
            ctl_print_fields(ctl, change);
            free(outcome);
        }
    }
}

enum ctl_exit
ctl_write(struct ctl *ctl, const char *method, const char *type,
          const char *name, const json_t *body, const char *outcome)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;

    ctl_append_path(&path, type, name);
    ctl_append_wait(ctl, &path);
    status = ctl_call(ctl, method, ds_cstr(&path), body, NULL, &reply);
    if (!status && ctl->dry_run) {
        ctl_plan_show(ctl, reply.body);
        ctl_reply_uninit(&reply);
    } else if (!status) {
        const char *said = string_member(reply.body, "outcome");

        ctl_print_outcome(ctl, type, name,
                          outcome && strcmp(said, "unchanged") ? outcome
                                                               : said);
        ctl_print_fields(ctl, reply.body);
        status = ctl_report_receipt(ctl, &reply);
        ctl_reply_uninit(&reply);
    }
    ds_destroy(&path);
    return status;
}

enum ctl_exit
ctl_patch(struct ctl *ctl, const char *type, const char *name,
          const char *spec_member, json_t *value, const char *outcome)
{
    json_t *body = json_pack("{s:{s:o}}", "spec", spec_member, value);
    enum ctl_exit status = ctl_write(ctl, "PATCH", type, name, body, outcome);

    json_decref(body);
    return status;
}
