/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl label: sets and removes labels of an object. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/object-types.h"
#include "util.h"

enum ctl_exit
ctl_cmd_label(struct ctl *ctl, int n_args, char *const args[])
{
    const struct schema_table *type = ctl_get_type(ctl, args[0]);
    json_t *labels;

    if (!type) {
        return CTL_USAGE;
    }
    labels = json_object();
    for (int i = 2; i < n_args; i++) {
        const char *arg = args[i];
        const char *equals = strchr(arg, '=');
        size_t len = strlen(arg);
        json_t *value = (equals ? json_string(equals + 1)
                         : len > 1 && arg[len - 1] == '-' ? json_null()
                         : NULL);
        size_t key_len = equals ? (size_t) (equals - arg) : len - 1;
        char *key;
        int error;

        if (!value || !key_len) {
            json_decref(value);
            json_decref(labels);
            return ctl_usage(ctl, "label: want KEY=VALUE or KEY-, not "
                             "\"%s\"", arg);
        }
        key = xmemdup0(arg, key_len);
        error = json_object_set_new(labels, key, value);
        free(key);
        if (error) {
            json_decref(labels);
            return ctl_usage(ctl, "label: \"%s\" is not valid UTF-8", arg);
        }
    }
    return ctl_patch(ctl, type->plural, args[1], "labels", labels, "labelled");
}
