/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl label: sets and removes labels of objects, in one transaction. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/object-changes.h"
#include "controller/ctl/object-types.h"
#include "util.h"

/* Returns true for KEY=VALUE and KEY-, which no name looks like. */
static bool
is_label(const char *arg)
{
    size_t len = strlen(arg);

    return strchr(arg, '=') || (len && arg[len - 1] == '-');
}

/* Adds KEY=VALUE or KEY- to the merge patch. */
static enum ctl_exit
add_label(struct ctl *ctl, const char *arg, json_t *labels)
{
    const char *equals = strchr(arg, '=');
    size_t key_len = equals ? (size_t) (equals - arg) : strlen(arg) - 1;
    char *key;
    int error;

    if (!is_label(arg) || !key_len) {
        return ctl_usage(ctl, "label: want KEY=VALUE or KEY-, not \"%s\"",
                         arg);
    }
    key = xmemdup0(arg, key_len);
    error = json_object_set_new(labels, key, equals ? json_string(equals + 1)
                                                    : json_null());
    free(key);
    return error ? ctl_usage(ctl, "label: \"%s\" is not valid UTF-8", arg)
                 : CTL_DONE;
}

enum ctl_exit
ctl_cmd_label(struct ctl *ctl, int n_args, char *const args[])
{
    const struct schema_table *type = ctl_get_type(ctl, args[0]);
    json_t *labels = json_object();
    enum ctl_exit status = type ? CTL_DONE : CTL_USAGE;
    struct ctl_changes changes;
    int n_names = 1;

    while (1 + n_names < n_args && !is_label(args[1 + n_names])) {
        n_names++;
    }
    if (!status && 1 + n_names >= n_args) {
        status = ctl_usage(ctl, "label: want KEY=VALUE or KEY- behind \"%s\"",
                           args[n_args - 1]);
    }
    for (int i = 1 + n_names; i < n_args && !status; i++) {
        status = add_label(ctl, args[i], labels);
    }
    ctl_changes_init(&changes);
    for (int i = 0; i < n_names && !status; i++) {
        ctl_changes_add(&changes, "patch", type->plural, args[1 + i],
                        json_pack("{s:O}", "labels", labels), "labelled");
    }
    if (!status) {
        status = ctl_changes_send(ctl, "label", &changes);
    }
    ctl_changes_uninit(&changes);
    json_decref(labels);
    return status;
}
