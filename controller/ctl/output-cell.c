/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints values of JSON: lists, maps and scalars; see output-cell.h. */

#include <config.h>

#include "controller/ctl/output-cell.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

static void
put_scalar(const json_t *json, struct ds *ds)
{
    switch (json_typeof(json)) {
    case JSON_STRING:
        ds_put_cstr(ds, json_string_value(json));
        break;
    case JSON_INTEGER:
        ds_put_format(ds, "%"JSON_INTEGER_FORMAT, json_integer_value(json));
        break;
    case JSON_REAL:
        ds_put_format(ds, "%g", json_real_value(json));
        break;
    case JSON_TRUE:
        ds_put_cstr(ds, "yes");
        break;
    case JSON_FALSE:
        ds_put_cstr(ds, "no");
        break;
    case JSON_ARRAY:
        if (json_is_object(json_array_get(json, 0))) {
            ds_put_format(ds, "%"PRIuSIZE, json_array_size(json));
            break;
        }
        ctl_path_print(json, "/*", ds);
        break;
    case JSON_OBJECT:
        ctl_path_print(json, "/*", ds);
        break;
    case JSON_NULL:
    default:
        break;
    }
}

static void
put_each(const json_t *json, const char *rest, struct ds *ds)
{
    const char *separator = "";

    if (json_is_array(json)) {
        const json_t *value;
        size_t i;

        json_array_foreach (json, i, value) {
            ds_put_cstr(ds, separator);
            separator = ",";
            ctl_path_print(value, rest, ds);
        }
    } else if (json_is_object(json)) {
        json_t *object = CONST_CAST(json_t *, json);
        const char *key;
        json_t *value;

        json_object_foreach (object, key, value) {
            ds_put_format(ds, "%s%s=", separator, key);
            separator = ",";
            ctl_path_print(value, rest, ds);
        }
    }
}

void
ctl_path_print(const json_t *json, const char *path, struct ds *ds)
{
    if (!json) {
        return;
    }
    if (!*path) {
        put_scalar(json, ds);
    } else {
        size_t n = strcspn(path + 1, "/");
        const char *rest = path + 1 + n;

        if (n == 1 && path[1] == '*') {
            put_each(json, rest, ds);
        } else {
            char *name = xmemdup0(path + 1, n);

            ctl_path_print(json_object_get(json, name), rest, ds);
            free(name);
        }
    }
}

json_int_t
ctl_count(const json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

void
ctl_put_bytes(struct ds *ds, json_int_t n)
{
    static const char units[] = "kMGTPE";
    double value = n / 1000.0;
    size_t i = 0;

    if (n > -1000 && n < 1000) {
        ds_put_format(ds, "%"JSON_INTEGER_FORMAT, n);
        return;
    }
    while ((value >= 999.95 || value <= -999.95)
           && i + 1 < sizeof units - 1) {
        value /= 1000;
        i++;
    }
    ds_put_format(ds, "%.1f%c", value, units[i]);
}
