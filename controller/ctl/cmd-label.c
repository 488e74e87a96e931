/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl label: sets and removes labels of objects, in one transaction. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/object-args.h"
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
        return ctl_usage(ctl, "label: must be KEY=VALUE or KEY-, not \"%s\"",
                         arg);
    }
    key = xmemdup0(arg, key_len);
    error = json_object_set_new(labels, key, equals ? json_string(equals + 1)
                                                    : json_null());
    free(key);
    return error ? ctl_usage(ctl, "label: \"%s\" is not valid UTF-8", arg)
                 : CTL_DONE;
}

static void
add_patches(const struct ctl_args *objects, json_t *labels,
            struct ctl_changes *changes)
{
    for (size_t i = 0; i < objects->n; i++) {
        const struct ctl_named *named = &objects->named[i];

        for (size_t j = 0; j < named->names.n; j++) {
            ctl_changes_add(changes, "patch", named->type->plural,
                            named->names.names[j],
                            json_pack("{s:O}", "labels", labels), "labelled");
        }
    }
}

enum ctl_exit
ctl_cmd_label(struct ctl *ctl, int n_args, char *const args[])
{
    json_t *labels = json_object();
    enum ctl_exit status = CTL_DONE;
    struct ctl_changes changes;
    struct ctl_args objects;
    int n_objects = 1;

    while (n_objects < n_args && !is_label(args[n_objects])) {
        n_objects++;
    }
    if (!ctl_args_parse_named(ctl, "label", n_objects, args, &objects)) {
        status = CTL_USAGE;
    } else if (n_objects >= n_args) {
        status = ctl_usage(ctl, "label: give KEY=VALUE or KEY- after \"%s\"",
                           args[n_args - 1]);
    }
    for (int i = n_objects; i < n_args && !status; i++) {
        status = add_label(ctl, args[i], labels);
    }
    ctl_changes_init(&changes);
    if (!status) {
        add_patches(&objects, labels, &changes);
        status = ctl_changes_send(ctl, "label", &changes);
    }
    ctl_changes_uninit(&changes);
    ctl_args_uninit(&objects);
    json_decref(labels);
    return status;
}
