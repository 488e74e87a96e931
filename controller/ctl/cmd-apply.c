/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl apply: creates and changes objects from files, as one transaction.
 * vmnctl diff: what that would change. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/draft-changes.h"
#include "controller/ctl/object-files.h"
#include "controller/ctl/object-types.h"
#include "controller/ctl/output-plan.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static bool
has_router(const struct ctl_input *input)
{
    const json_t *object;
    size_t i;

    json_array_foreach (input->objects, i, object) {
        const char *type = json_string_value(json_object_get(object, "type"));
        const struct schema_table *table = type ? ctl_type_find(type) : NULL;

        if (table && table->id == VMN_TABLE_ROUTER) {
            return true;
        }
    }
    return false;
}

/* Sets '*found' to whether a router belongs to the set of --prune, which may
 * delete it. */
static enum ctl_exit
find_router_of_set(struct ctl *ctl, bool *found)
{
    json_t *routers = json_array();
    enum ctl_exit status = ctl_get_list(ctl, "routers", routers);
    const json_t *router;
    size_t i;

    json_array_foreach (routers, i, router) {
        const char *set = json_string_value(json_object_get(
            json_object_get(router, "metadata"), "set"));

        *found |= set && !strcmp(set, ctl->prune);
    }
    json_decref(routers);
    return status;
}

static void
put_apply_path(const struct ctl *ctl, struct ds *path)
{
    ds_put_cstr(path, "/v1/apply");
    if (ctl->prune) {
        ctl_append_query(path, "prune", ctl->prune);
    }
}

/* Sets '*restarts' to the networks in which open connections start over, by
 * the plan of the change; owned by the caller; NULL if there is none.  That is
 * where routers join or part networks, so other changes are not planned.  A
 * change that is refused is refused so. */
static enum ctl_exit
plan_restarts(struct ctl *ctl, const struct ctl_input *input,
              const json_t *body, json_t **restarts)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status = CTL_DONE;
    bool routers = has_router(input);

    *restarts = NULL;
    if (!ctl->dry_run && !routers && ctl->prune) {
        status = find_router_of_set(ctl, &routers);
    }
    if (status || ctl->dry_run || !routers) {
        return status;
    }
    put_apply_path(ctl, &path);
    ctl_append_query(&path, "dry_run", "plan");
    status = ctl_call(ctl, "POST", ds_cstr(&path), body, input, &reply);
    if (!status) {
        *restarts = json_incref(json_object_get(reply.body, "restarts"));
        ctl_reply_uninit(&reply);
    }
    ds_destroy(&path);
    return status;
}

/* Applies the objects of 'input' as one transaction.  With --dry-run, sets
 * '*changes' to whether the plan has changes. */
static enum ctl_exit
apply_input(struct ctl *ctl, const struct ctl_input *input, bool *changes)
{
    json_t *body = json_pack("{s:O}", "objects", input->objects);
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;
    json_t *restarts;

    if (ctl->draft) {
        json_decref(body);
        return (ctl->prune
                ? ctl_usage(ctl, "apply: --prune is not for a draft: delete "
                            "objects with vmnctl delete --draft %s",
                            ctl->draft)
                : ctl_draft_add(ctl, "apply", input->objects));
    }
    status = plan_restarts(ctl, input, body, &restarts);
    if (status) {
        json_decref(body);
        return status;
    }
    put_apply_path(ctl, &path);
    ctl_append_wait(ctl, &path);
    status = ctl_call(ctl, "POST", ds_cstr(&path), body, input, &reply);
    if (!status && ctl->dry_run) {
        *changes = ctl_plan_changes(reply.body);
        ctl_plan_show(ctl, reply.body);
        ctl_reply_uninit(&reply);
    } else if (!status) {
        ctl_print_outcomes(ctl, json_object_get(reply.body, "results"));
        ctl_print_also_changed(ctl, reply.body);
        ctl_print_restarts(ctl, restarts, "start");
        ctl_print_warnings(ctl, reply.body);
        status = ctl_report_receipt(ctl, &reply);
        ctl_reply_uninit(&reply);
    }
    ds_destroy(&path);
    json_decref(restarts);
    json_decref(body);
    return status;
}

static enum ctl_exit
apply_files(struct ctl *ctl, const char *command, bool *changes)
{
    enum ctl_exit status = CTL_DONE;
    struct vmn_error why = VMN_ERROR_INIT;
    struct ctl_input input;

    if (!ctl->files.n) {
        return ctl_usage(ctl, "%s: give -f PATH, or -f - for standard "
                         "input", command);
    }
    ctl_input_init(&input);
    input.recursive = ctl->recursive;
    for (size_t i = 0; i < ctl->files.n && !status; i++) {
        if (ctl_input_load(&input, ctl->files.names[i], ctl->in, &why)) {
            status = ctl_usage(ctl, "%s", why.text);
            vmn_error_uninit(&why);
        }
    }
    if (!status && !json_array_size(input.objects) && !ctl->prune) {
        status = ctl_usage(ctl, "%s: no objects in the input",
                           command);
    }
    if (!status) {
        status = apply_input(ctl, &input, changes);
    }
    ctl_input_uninit(&input);
    return status;
}

enum ctl_exit
ctl_cmd_apply(struct ctl *ctl, int n_args OVS_UNUSED,
              char *const args[] OVS_UNUSED)
{
    bool changes;

    return apply_files(ctl, "apply", &changes);
}

enum ctl_exit
ctl_cmd_diff(struct ctl *ctl, int n_args OVS_UNUSED,
             char *const args[] OVS_UNUSED)
{
    bool changes = false;
    enum ctl_exit status = apply_files(ctl, "diff", &changes);

    return !status && changes ? CTL_DIFFERS : ctl_comparison_exit(status);
}
