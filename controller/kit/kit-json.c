/* SPDX-License-Identifier: Apache-2.0
 *
 * What members a part of a test file may have; see kit-json.h. */

#include <config.h>

#include "controller/kit/kit-json.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/error.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static bool
is_one_of(const char *name, const char *const names[])
{
    for (size_t i = 0; names[i]; i++) {
        if (!strcmp(name, names[i])) {
            return true;
        }
    }
    return false;
}

static char *
list(const char *const names[])
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; names[i]; i++) {
        ds_put_format(&s, "%s%s", i ? ", " : "", names[i]);
    }
    return ds_steal_cstr(&s);
}

bool
kit_json_check(const json_t *json, const char *const members[],
               const char *pointer, struct vmn_errors *errors)
{
    size_t n = errors->n;
    const char *key;
    json_t *value;

    if (!json_is_object(json)) {
        char *names = list(members);

        vmn_errors_add(errors, VMN_ERR_INVALID, pointer,
                       "must be a mapping with: %s", names);
        free(names);
        return false;
    }
    json_object_foreach (CONST_CAST(json_t *, json), key, value) {
        if (!is_one_of(key, members)) {
            char *at = xasprintf("%s/%s", pointer, key);
            char *names = list(members);

            vmn_errors_add(errors, VMN_ERR_INVALID, at,
                           "is unknown; there are: %s", names);
            free(names);
            free(at);
        }
    }
    return errors->n == n;
}
