/* SPDX-License-Identifier: Apache-2.0
 *
 * A file of tests; see kit-file.h. */

#include <config.h>

#include "controller/kit/kit-file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/yaml.h"
#include "controller/kit/kit-json.h"
#include "controller/kit/kit-trace.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static const char *const members[] = {
    "name", "time", "apply", "delete", "placement", "copy_tunnels", "health",
    "refused",
    "problems", "flows", "traces", NULL
};

/* What a member must be. */
static const struct {
    const char *name;
    json_type type;
    json_type or_type;
    const char *what;
} types[] = {
    { "name", JSON_STRING, JSON_STRING, "a text" },
    { "time", JSON_STRING, JSON_STRING, "a text" },
    { "apply", JSON_ARRAY, JSON_ARRAY, "a list of objects" },
    { "delete", JSON_ARRAY, JSON_ARRAY, "a list of TYPE/NAME" },
    { "placement", JSON_OBJECT, JSON_OBJECT, "a mapping of ports to hosts" },
    { "copy_tunnels", JSON_OBJECT, JSON_OBJECT,
      "a mapping of hosts to types of tunnels" },
    { "health", JSON_OBJECT, JSON_OBJECT, "a mapping to up, down or null" },
    { "refused", JSON_STRING, JSON_STRING, "a part of an error's text" },
    { "problems", JSON_ARRAY, JSON_ARRAY, "a list of parts of texts" },
    { "flows", JSON_STRING, JSON_ARRAY, "lines, or a list of them" },
    { "traces", JSON_ARRAY, JSON_ARRAY, "a list of packets" },
};

static char *
read_text(const char *path, size_t *size, struct vmn_error *why)
{
    FILE *file = fopen(path, "r");
    struct ds text = DS_EMPTY_INITIALIZER;
    char buffer[4096];
    size_t n;

    if (!file) {
        vmn_error_errno(why, errno, "%s: %s", path, ovs_strerror(errno));
        return NULL;
    }
    while ((n = fread(buffer, 1, sizeof buffer, file)) > 0
           && text.length <= CTL_YAML_SIZE_MAX) {
        ds_put_buffer(&text, buffer, n);
    }
    if (ferror(file)) {
        vmn_error_errno(why, EIO, "%s: cannot be read", path);
        ds_destroy(&text);
        fclose(file);
        return NULL;
    }
    fclose(file);
    *size = text.length;
    return ds_steal_cstr(&text);
}

static void
check_types(const json_t *step, struct vmn_errors *errors)
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        const json_t *value = json_object_get(step, types[i].name);

        if (value && json_typeof(value) != types[i].type
            && json_typeof(value) != types[i].or_type) {
            char *pointer = xasprintf("/%s", types[i].name);

            vmn_errors_add(errors, VMN_ERR_INVALID, pointer, "must be %s",
                           types[i].what);
            free(pointer);
        }
    }
}

/* The elements of a list must be texts. */
static void
check_texts(const json_t *step, const char *name, struct vmn_errors *errors)
{
    const json_t *element;
    size_t i;

    json_array_foreach (json_object_get(step, name), i, element) {
        if (!json_is_string(element)) {
            char *pointer = xasprintf("/%s/%"PRIuSIZE, name, i);

            vmn_errors_add(errors, VMN_ERR_INVALID, pointer,
                           "must be a text");
            free(pointer);
        }
    }
}

static void
check_step(const json_t *step, struct vmn_errors *errors)
{
    const json_t *trace;
    size_t i;

    if (!kit_json_check(step, members, "", errors)) {
        return;
    }
    check_types(step, errors);
    check_texts(step, "flows", errors);
    check_texts(step, "problems", errors);
    check_texts(step, "delete", errors);
    json_array_foreach (json_object_get(step, "traces"), i, trace) {
        char *pointer = xasprintf("/traces/%"PRIuSIZE, i);

        kit_trace_check(trace, pointer, errors);
        free(pointer);
    }
}

/* Returns 0, or EINVAL with the first error. */
static int
check(const char *path, const json_t *steps, struct vmn_error *why)
{
    struct vmn_errors errors;
    const json_t *step;
    int error = 0;
    size_t i;

    vmn_errors_init(&errors);
    json_array_foreach (steps, i, step) {
        check_step(step, &errors);
        if (errors.n) {
            error = vmn_error_invalid(
                why, "%s: step %"PRIuSIZE": %s: %s", path, i + 1,
                errors.errors[0].pointer, errors.errors[0].text);
            break;
        }
    }
    vmn_errors_uninit(&errors);
    return error;
}

json_t *
kit_file_read(const char *path, struct vmn_error *why)
{
    json_t *steps = json_array();
    size_t size;
    char *text = read_text(path, &size, why);
    int error = text ? ctl_yaml_parse(text, size, steps, why) : EINVAL;

    if (text && error) {
        vmn_error_prefix(why, path);
    }
    free(text);
    error = error ? error : check(path, steps, why);
    if (!error && !json_array_size(steps)) {
        error = vmn_error_invalid(why, "%s: has no step", path);
    }
    if (error) {
        json_decref(steps);
        return NULL;
    }
    return steps;
}
