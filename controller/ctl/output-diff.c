/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects and fields that differ; see output-diff.h. */

#include <config.h>

#include "controller/ctl/output-diff.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/ctl.h"
#include "controller/ctl/output-table.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

const struct ctl_column ctl_object_columns[] = {
    { "CHANGE", "/op", NULL },
    { "TYPE", "/type", NULL },
    { "NAME", "/name", NULL },
    { NULL, NULL, NULL },
};

/* Appends "rules[0].action" for "/spec/rules/0/action". */
static void
put_path(const char *path, struct ds *ds)
{
    bool first = true;

    if (!strncmp(path, "/spec/", 6)) {
        path += 5;
    }
    while (*path == '/') {
        size_t n = strcspn(++path, "/");
        bool index = n && strspn(path, "0123456789") >= n;

        ds_put_cstr(ds, index ? "[" : first ? "" : ".");
        for (size_t i = 0; i < n; i++) {
            if (path[i] == '~' && i + 1 < n) {
                ds_put_char(ds, path[++i] == '1' ? '/' : '~');
            } else {
                ds_put_char(ds, path[i]);
            }
        }
        ds_put_cstr(ds, index ? "]" : "");
        path += n;
        first = false;
    }
}

static void
put_value(const json_t *value, struct ds *ds)
{
    const json_t *element;
    char *text;
    size_t i;

    if (!value) {
        ds_put_cstr(ds, "(none)");
    } else if (json_is_string(value)) {
        ds_put_cstr(ds, *json_string_value(value) ? json_string_value(value)
                        : "\"\"");
    } else if (json_array_size(value)
               && json_is_string(json_array_get(value, 0))) {
        json_array_foreach (value, i, element) {
            ds_put_cstr(ds, i ? ", " : "");
            put_value(element, ds);
        }
    } else {
        text = json_dumps(value, JSON_ENCODE_ANY);
        ds_put_cstr(ds, text);
        free(text);
    }
}

/* Appends " +ELEMENT" for each. */
static void
put_elements(const json_t *elements, char sign, struct ds *ds)
{
    const json_t *element;
    size_t i;

    json_array_foreach (elements, i, element) {
        ds_put_format(ds, " %c", sign);
        put_value(element, ds);
    }
}

static void
put_field(const json_t *field, struct ds *ds)
{
    const char *path = json_string_value(json_object_get(field, "path"));
    const char *left_out = json_string_value(
        json_object_get(field, "left_out"));

    ds_put_cstr(ds, "  ");
    put_path(path ? path : "", ds);
    ds_put_char(ds, ':');
    if (left_out) {
        ds_put_format(ds, " differs (%s)", !strcmp(left_out, "secret")
                      ? "secret" : "too long to show");
    } else if (json_object_get(field, "added")
               || json_object_get(field, "removed")) {
        put_elements(json_object_get(field, "added"), '+', ds);
        put_elements(json_object_get(field, "removed"), '-', ds);
    } else {
        ds_put_char(ds, ' ');
        put_value(json_object_get(field, "before"), ds);
        ds_put_cstr(ds, " -> ");
        put_value(json_object_get(field, "after"), ds);
    }
    ds_put_char(ds, '\n');
}

void
ctl_print_diff(struct ctl *ctl, const json_t *object)
{
    const json_t *more = json_object_get(object, "more_fields");
    struct ds ds = DS_EMPTY_INITIALIZER;
    const json_t *field;
    size_t i;

    json_array_foreach (json_object_get(object, "fields"), i, field) {
        put_field(field, &ds);
    }
    if (json_is_integer(more)) {
        ds_put_format(&ds, "  and %"JSON_INTEGER_FORMAT" more fields\n",
                      json_integer_value(more));
    }
    ctl_print_safely(ctl->out, ds_cstr(&ds));
    ds_destroy(&ds);
}
