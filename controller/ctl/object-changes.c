/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes of several objects; see object-changes.h.  A single one is sent to
 * the object's own address. */

#include <config.h>

#include "controller/ctl/object-changes.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/draft-changes.h"
#include "controller/ctl/output-diff.h"
#include "controller/ctl/output-plan.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

void
ctl_changes_init(struct ctl_changes *changes)
{
    ctl_input_init(&changes->input);
    svec_init(&changes->outcomes);
    changes->valid = true;
    changes->print_more = NULL;
    changes->unchanged = NULL;
}

void
ctl_changes_uninit(struct ctl_changes *changes)
{
    ctl_input_uninit(&changes->input);
    svec_destroy(&changes->outcomes);
}

void
ctl_changes_add(struct ctl_changes *changes, const char *op, const char *type,
                const char *name, json_t *spec, const char *outcome)
{
    json_t *object = json_object();

    if (op) {
        json_object_set_new(object, "op", json_string(op));
    }
    json_object_set_new(object, "type", json_string(type));
    if (json_object_set_new(object, "name", json_string(name))) {
        changes->valid = false;
    }
    if (spec) {
        json_object_set_new(object, "spec", spec);
    }
    json_array_append_new(changes->input.objects, object);
    svec_add(&changes->input.origins, "");
    svec_add(&changes->outcomes, outcome ? outcome : "");
}

static const char *
text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));

    return text ? text : "?";
}

/* Prints what came of change 'i', as 'result' says. */
static void
print_result(struct ctl *ctl, const struct ctl_changes *changes, size_t i,
             const json_t *result)
{
    const json_t *object = json_array_get(changes->input.objects, i);
    const char *said = json_string_value(json_object_get(result, "outcome"));
    const char *outcome = changes->outcomes.names[i];
    bool unchanged = said && !strcmp(said, "unchanged");

    ctl_print_outcome(ctl, text_of(object, "type"), text_of(object, "name"),
                      unchanged && changes->unchanged ? changes->unchanged
                      : *outcome && !unchanged ? outcome : said ? said : "?");
    ctl_print_diff(ctl, result);
}

/* Prints the reply to one change, or to several. */
static enum ctl_exit
report(struct ctl *ctl, const struct ctl_changes *changes,
       const struct ctl_reply *reply, const json_t *restarts)
{
    const json_t *results = json_object_get(reply->body, "results");

    if (ctl->dry_run) {
        ctl_plan_show(ctl, reply->body);
        return CTL_DONE;
    }
    for (size_t i = 0; i < changes->outcomes.n; i++) {
        print_result(ctl, changes, i, changes->outcomes.n == 1 ? reply->body
                     : json_array_get(results, i));
    }
    if (changes->print_more && changes->outcomes.n == 1) {
        changes->print_more(ctl, reply->body);
    }
    ctl_print_also_changed(ctl, reply->body);
    ctl_print_restarts(ctl, restarts, "start");
    ctl_print_warnings(ctl, reply->body);
    return ctl_report_receipt(ctl, reply);
}

static enum ctl_exit
send_one(struct ctl *ctl, const struct ctl_changes *changes,
         struct ctl_reply *reply)
{
    const json_t *object = json_array_get(changes->input.objects, 0);
    const char *op = json_string_value(json_object_get(object, "op"));
    json_t *spec = json_object_get(object, "spec");
    json_t *body = spec ? json_pack("{s:O}", "spec", spec) : NULL;
    struct ds path = DS_EMPTY_INITIALIZER;
    enum ctl_exit status;

    ctl_append_path(&path, text_of(object, "type"), text_of(object, "name"));
    if (!spec && ctl->cascade) {
        ctl_append_query(&path, "cascade", "true");
    }
    ctl_append_wait(ctl, &path);
    status = ctl_call(ctl, !op ? "PUT" : spec ? "PATCH" : "DELETE",
                      ds_cstr(&path), body, NULL, reply);
    ds_destroy(&path);
    json_decref(body);
    return status;
}

static enum ctl_exit
send_all(struct ctl *ctl, const struct ctl_changes *changes,
         struct ctl_reply *reply)
{
    json_t *objects = changes->input.objects, *object;
    json_t *body = json_pack("{s:O}", "objects", objects);
    struct ds path = DS_EMPTY_INITIALIZER;
    enum ctl_exit status;
    size_t i;

    json_array_foreach (objects, i, object) {
        if (ctl->cascade && !json_object_get(object, "spec")) {
            json_object_set_new(object, "cascade", json_true());
        }
    }
    ds_put_cstr(&path, "/v1/apply");
    ctl_append_wait(ctl, &path);
    status = ctl_call(ctl, "POST", ds_cstr(&path), body, &changes->input,
                      reply);
    ds_destroy(&path);
    json_decref(body);
    return status;
}

static enum ctl_exit
send_changes(struct ctl *ctl, const struct ctl_changes *changes,
             struct ctl_reply *reply)
{
    return (changes->outcomes.n == 1 ? send_one(ctl, changes, reply)
            : send_all(ctl, changes, reply));
}

/* Returns true if a change may have open connections start over: of a router,
 * or of a network that is taken out of its routers. */
static bool
may_restart(const struct ctl *ctl, const struct ctl_changes *changes)
{
    const json_t *object;
    size_t i;

    json_array_foreach (changes->input.objects, i, object) {
        const char *type = text_of(object, "type");

        if (!strcmp(type, "routers")
            || (ctl->cascade && !strcmp(type, "networks"))) {
            return true;
        }
    }
    return false;
}

/* Sets '*restarts' to the networks in which open connections start over, by
 * the plan of the changes; owned by the caller; NULL if there is none. */
static enum ctl_exit
plan_restarts(struct ctl *ctl, const struct ctl_changes *changes,
              json_t **restarts)
{
    struct ctl_reply reply;
    enum ctl_exit status;

    *restarts = NULL;
    if (ctl->dry_run || !may_restart(ctl, changes)) {
        return CTL_DONE;
    }
    ctl->dry_run = true;
    status = send_changes(ctl, changes, &reply);
    ctl->dry_run = false;
    if (!status) {
        *restarts = json_incref(json_object_get(reply.body, "restarts"));
        ctl_reply_uninit(&reply);
    }
    return status;
}

enum ctl_exit
ctl_changes_send(struct ctl *ctl, const char *command,
                 const struct ctl_changes *changes)
{
    struct ctl_reply reply;
    enum ctl_exit status;
    json_t *restarts;

    if (!changes->valid) {
        return ctl_usage(ctl, "%s: a name is not valid UTF-8", command);
    }
    if (ctl->draft) {
        return ctl_draft_add(ctl, command, changes->input.objects);
    }
    status = plan_restarts(ctl, changes, &restarts);
    if (status) {
        return status;
    }
    status = send_changes(ctl, changes, &reply);
    if (!status) {
        status = report(ctl, changes, &reply, restarts);
        ctl_reply_uninit(&reply);
    }
    json_decref(restarts);
    return status;
}
