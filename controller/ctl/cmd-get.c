/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl get, hosts, apps: show objects. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <stdlib.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/output.h"
#include "controller/ctl/object-types.h"
#include "controller/ctl/get-watch.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static enum ctl_exit
get_one(struct ctl *ctl, const struct schema_table *type, const char *name,
        json_t *objects)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;

    ctl_append_path(&path, type->plural, name);
    status = ctl_get(ctl, ds_cstr(&path), &reply);
    if (!status) {
        json_array_append(objects, reply.body);
        ctl_reply_uninit(&reply);
    }
    ds_destroy(&path);
    return status;
}

/* Output.  ---------------------------------------------------------------- */

/* Puts "type" in front of each object, so that the output can be applied. */
json_t *
ctl_with_types(const json_t *objects, const struct schema_table *type)
{
    json_t *result = json_array();
    json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        json_t *copy = json_pack("{s:s}", "type", type->plural);

        json_object_update_missing(copy, object);
        json_array_append_new(result, copy);
    }
    return result;
}

static void
show_objects(struct ctl *ctl, const struct schema_table *type,
             const json_t *objects, bool one)
{
    json_t *typed = ctl_with_types(objects, type);
    struct ctl_column *columns;
    const json_t *object;
    size_t i;

    switch (ctl->output) {
    case CTL_JSON:
        if (one) {
            ctl_show_json(ctl->out, json_array_get(typed, 0));
        } else {
            json_t *list = json_pack("{s:O}", "items", typed);

            ctl_show_json(ctl->out, list);
            json_decref(list);
        }
        break;
    case CTL_YAML:
        json_array_foreach (typed, i, object) {
            fputs(i ? "---\n" : "", ctl->out);
            ctl_show_yaml(ctl->out, object, "");
        }
        break;
    case CTL_NAME:
        json_array_foreach (objects, i, object) {
            ctl_show_name(ctl->out, object);
        }
        break;
    case CTL_TABLE:
    case CTL_WIDE:
    default:
        if (!json_array_size(objects)) {
            fprintf(ctl->err, "no %s\n", type->plural);
            break;
        }
        columns = ctl_type_columns(type, ctl->output == CTL_WIDE);
        ctl_show_table(ctl->out, columns, objects);
        free(columns);
        break;
    }
    json_decref(typed);
}

static enum ctl_exit
get(struct ctl *ctl, const struct schema_table *type, int n_names,
    char *const names[])
{
    json_t *objects = json_array();
    enum ctl_exit status = CTL_DONE;

    if (!n_names) {
        status = ctl_get_list(ctl, type->plural, objects);
    }
    for (int i = 0; i < n_names; i++) {
        enum ctl_exit error = get_one(ctl, type, names[i], objects);

        /* Objects that exist are shown even if others could not be read. */
        if (error) {
            status = error;
            if (error != CTL_REFUSED) {
                break;
            }
        }
    }
    if (!status || json_array_size(objects)) {
        show_objects(ctl, type, objects, n_names == 1);
    }
    json_decref(objects);
    return status;
}

enum ctl_exit
ctl_cmd_get(struct ctl *ctl, int n_args, char *const args[])
{
    const struct schema_table *type = ctl_get_type(ctl, args[0]);

    if (!type) {
        return CTL_USAGE;
    }
    if (n_args > 1 && (ctl->selector || ctl->limit)) {
        return ctl_usage(ctl, "get: --selector and --limit cannot be "
                         "combined with names");
    }
    return (ctl->watch ? ctl_watch(ctl, type, n_args - 1, args + 1)
            : get(ctl, type, n_args - 1, args + 1));
}

static const struct ctl_column rejected_columns[] = {
    { "ADDRESS", "/address", NULL },
    { "PROTOCOL", "/protocol", NULL },
    { "COUNT", "/count", NULL },
    { "FIRST", "/first", NULL },
    { "LAST", "/last", NULL },
    { "REASON", "/reason", NULL },
    { NULL, NULL, NULL },
};

/* Shows who wanted to be a host and was refused, if the account may see it. */
static enum ctl_exit
show_rejected(struct ctl *ctl)
{
    struct ctl_reply reply;
    enum ctl_exit status;

    ctl->passes_over = true;
    status = ctl_get(ctl, "/v1/rejected-hosts", &reply);
    if (status) {
        return status == CTL_REFUSED && !ctl->n_refused ? CTL_DONE : status;
    }
    if (json_array_size(json_object_get(reply.body, "items"))) {
        fputs("\nRejected:\n", ctl->out);
        ctl_show_table(ctl->out, rejected_columns,
                       json_object_get(reply.body, "items"));
    }
    ctl_reply_uninit(&reply);
    return CTL_DONE;
}

enum ctl_exit
ctl_cmd_hosts(struct ctl *ctl, int n_args, char *const args[])
{
    enum ctl_exit status = get(ctl, ctl_type_find("hosts"), n_args, args);

    if (status || n_args || ctl->selector
        || (ctl->output != CTL_TABLE && ctl->output != CTL_WIDE)) {
        return status;
    }
    return show_rejected(ctl);
}

enum ctl_exit
ctl_cmd_apps(struct ctl *ctl, int n_args, char *const args[])
{
    return get(ctl, ctl_type_find("apps"), n_args, args);
}
