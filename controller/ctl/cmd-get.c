/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl get, hosts, apps: show objects. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/field-path.h"
#include "controller/ctl/get-output.h"
#include "controller/ctl/get-watch.h"
#include "controller/ctl/object-args.h"
#include "controller/ctl/object-types.h"
#include "controller/ctl/output.h"
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

/* Reads what is named of a type into 'objects': of several names, those that
 * are there even if others could not be read. */
static enum ctl_exit
read_named(struct ctl *ctl, const struct ctl_named *named, json_t *objects)
{
    enum ctl_exit status = CTL_DONE;

    for (size_t i = 0; i < named->names.n; i++) {
        enum ctl_exit error = get_one(ctl, named->type, named->names.names[i],
                                      objects);

        if (error) {
            status = error;
            if (error != CTL_REFUSED) {
                break;
            }
        }
    }
    return status;
}

/* Reads all objects of a type that the options select.  If they are to be
 * sorted, --limit is about the sorted ones. */
static enum ctl_exit
read_all(struct ctl *ctl, const struct schema_table *type, json_t *objects)
{
    long int limit = ctl->limit;
    enum ctl_exit status;

    if (ctl->sort_by) {
        ctl->limit = 0;
    }
    status = ctl_get_list(ctl, type->plural, objects);
    ctl->limit = limit;
    return status;
}

/* Reads into 'found' what 'args' names.  Of several types, those that the
 * account may not see are passed over. */
static enum ctl_exit
read_found(struct ctl *ctl, const struct ctl_args *args,
           struct ctl_found *found)
{
    enum ctl_exit worst = CTL_DONE;

    ctl->passes_over = args->n > 1 && !ctl_args_count(args);
    for (size_t i = 0; i < args->n && worst <= CTL_REFUSED; i++) {
        const struct ctl_named *named = &args->named[i];
        size_t n_passed_over = ctl->n_passed_over;
        enum ctl_exit status;

        status = (named->names.n
                  ? read_named(ctl, named, found[i].objects)
                  : read_all(ctl, named->type, found[i].objects));
        if (status && ctl->n_passed_over == n_passed_over) {
            worst = status;
        }
        found[i].hidden = ctl->n_passed_over > n_passed_over;
        ctl_sort_found(ctl, found[i].objects);
    }
    return worst;
}

/* Says which types the account does not see. */
static void
print_hidden(struct ctl *ctl, const struct ctl_found *found, size_t n)
{
    const char *separator = "vmnctl: not visible to this account: ";

    for (size_t i = 0; i < n; i++) {
        if (found[i].hidden) {
            fprintf(ctl->err, "%s%s", separator, found[i].type->plural);
            separator = ", ";
        }
    }
    fputc('\n', ctl->err);
}

static enum ctl_exit
get(struct ctl *ctl, const struct ctl_args *args)
{
    struct ctl_found *found = xcalloc(MAX(args->n, 1), sizeof *found);
    enum ctl_exit status;
    size_t n = 0;

    for (size_t i = 0; i < args->n; i++) {
        found[i].type = args->named[i].type;
        found[i].objects = json_array();
    }
    status = read_found(ctl, args, found);
    for (size_t i = 0; i < args->n; i++) {
        n += json_array_size(found[i].objects);
    }
    if (!status || n) {
        ctl_show_found(ctl, found, args->n, ctl_args_count(args) == 1);
    }
    if (ctl->passes_over && ctl->n_passed_over) {
        fflush(ctl->out);
        print_hidden(ctl, found, args->n);
    }
    for (size_t i = 0; i < args->n; i++) {
        json_decref(found[i].objects);
    }
    free(found);
    return status;
}

/* Options.  --------------------------------------------------------------- */

/* Checks that objects of at least one of the types have the path. */
static enum ctl_exit
check_path(struct ctl *ctl, const char *option,
           const struct ctl_field_path *path, const struct ctl_args *args)
{
    struct vmn_error why = VMN_ERROR_INIT;
    enum ctl_exit status = CTL_DONE;

    for (size_t i = 0; i < args->n; i++) {
        vmn_error_uninit(&why);
        if (!ctl_field_path_check(path, args->named[i].type, &why)) {
            return CTL_DONE;
        }
    }
    status = ctl_usage(ctl, "%s: %s", option, why.text);
    vmn_error_uninit(&why);
    return status;
}

static enum ctl_exit
check_paths(struct ctl *ctl, const struct ctl_args *args)
{
    enum ctl_exit status = CTL_DONE;

    if (ctl->sort_by) {
        status = check_path(ctl, "--sort-by", ctl->sort_by, args);
    }
    for (size_t i = 0; ctl->custom && i < ctl->custom->n && !status; i++) {
        status = check_path(ctl, "--output", &ctl->custom->paths[i], args);
    }
    return status;
}

/* Checks that options go with what is asked for, and with each other. */
static enum ctl_exit
check_options(struct ctl *ctl, const struct ctl_args *args)
{
    bool named = ctl_args_count(args) > 0;

    if (named && (ctl->selector || ctl->limit)) {
        return ctl_usage(ctl, "get: --selector and --limit cannot be "
                         "combined with names");
    }
    if (named && (ctl->host || ctl->network) && !ctl->watch) {
        return ctl_usage(ctl, "get: --host and --network cannot be combined "
                         "with names");
    }
    for (size_t i = 0; i < args->n; i++) {
        if ((ctl->host || ctl->network)
            && args->named[i].type->id != VMN_TABLE_PORT) {
            return ctl_usage(ctl, "get: --host and --network are for ports "
                             "alone, not %s", args->named[i].type->plural);
        }
    }
    if (ctl->watch && args->n > 1) {
        return ctl_usage(ctl, "get: --watch is for one type");
    }
    if (ctl->watch && ctl->sort_by) {
        return ctl_usage(ctl, "get: --sort-by cannot be combined with "
                         "--watch");
    }
    return check_paths(ctl, args);
}

enum ctl_exit
ctl_cmd_get(struct ctl *ctl, int n_args, char *const texts[])
{
    enum ctl_exit status = CTL_USAGE;
    struct ctl_args args;

    if (ctl_args_parse(ctl, "get", n_args, texts, &args)) {
        status = check_options(ctl, &args);
        if (!status) {
            status = (ctl->watch ? ctl_watch(ctl, &args.named[0])
                      : get(ctl, &args));
        }
    }
    ctl_args_uninit(&args);
    return status;
}

/* Shows all objects of a type. */
static enum ctl_exit
get_all_of(struct ctl *ctl, const char *type)
{
    char *texts[] = { CONST_CAST(char *, type) };

    return ctl_cmd_get(ctl, 1, texts);
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
ctl_cmd_hosts(struct ctl *ctl, int n_args OVS_UNUSED,
              char *const args[] OVS_UNUSED)
{
    enum ctl_exit status = get_all_of(ctl, "hosts");

    if (status || ctl->selector || ctl->no_headers
        || (ctl->output != CTL_TABLE && ctl->output != CTL_WIDE)) {
        return status;
    }
    return show_rejected(ctl);
}

enum ctl_exit
ctl_cmd_apps(struct ctl *ctl, int n_args OVS_UNUSED,
             char *const args[] OVS_UNUSED)
{
    return get_all_of(ctl, "apps");
}
