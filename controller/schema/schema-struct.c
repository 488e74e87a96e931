/* SPDX-License-Identifier: Apache-2.0
 *
 * Structs that are only shown, as JSON; see schema-struct.h. */

#include <config.h>

#include "controller/schema/schema-struct.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "unicode.h"
#include "util.h"

/* Appends a text that need not be UTF-8. */
static void
print_text(const char *text, struct ds *ds)
{
    size_t n_bytes;
    char *fault = utf8_validate(text, &n_bytes);

    if (fault) {
        char *copy = xstrdup(text);

        for (char *p = copy; *p; p++) {
            if ((unsigned char) *p >= 0x80) {
                *p = '?';
            }
        }
        schema_print_string(ds, copy);
        free(copy);
        free(fault);
    } else {
        schema_print_string(ds, text);
    }
}

/* Appends a number that is told from an integer. */
static void
print_double(double number, struct ds *ds)
{
    size_t length = ds->length;

    ds_put_format(ds, "%.15g", number);
    if (!strpbrk(ds_cstr(ds) + length, ".e")) {
        ds_put_cstr(ds, ".0");
    }
}

static void
print_time(int64_t ms, struct ds *ds)
{
    ds_put_char(ds, '"');
    ds_put_strftime_msec(ds, "%Y-%m-%dT%H:%M:%S.###Z", ms, true);
    ds_put_char(ds, '"');
}

/* What print_value() does of a text, or a time. */
static bool
print_words(const struct schema_field *f, const void *src, struct ds *ds)
{
    if (f->flags & SCHEMA_TIME) {
        int64_t ms = *(const int64_t *) src;

        if (ms) {
            print_time(ms, ds);
        }
        return ms != 0;
    }

    const char *text = *(const char *const *) src;

    if (text) {
        print_text(text, ds);
    }
    return text != NULL;
}

/* Appends one value of 'f', which is at 'src'.  Returns false, and appends
 * nothing, if it is absent. */
static bool
print_value(const struct schema_field *f, const void *src, struct ds *ds)
{
    if (f->type == SCHEMA_STRING || f->type == SCHEMA_REF
        || f->type == SCHEMA_ENUM) {
        return print_words(f, src, ds);
    }
    if (f->type == SCHEMA_STRUCT) {
        const void *nested = (f->flags & SCHEMA_POINTER
                              ? *(const void *const *) src : src);

        if (nested) {
            schema_struct_print(f->nested, nested, ds);
        }
        return nested != NULL;
    }
    if (f->type == SCHEMA_DOUBLE) {
        double number = *(const double *) src;

        if (!isnan(number)) {
            print_double(number, ds);
        }
        return !isnan(number);
    }
    return schema_value_print(f, src, ds);
}

/* Appends the members of what has SCHEMA_MAP, or the elements of a list. */
static void
print_elements(const struct schema_field *f, const char *elements, size_t n,
               struct ds *ds)
{
    bool is_map = f->flags & SCHEMA_MAP;
    bool is_entry = is_map && f->type != SCHEMA_STRUCT;
    size_t size = (is_entry ? sizeof(struct schema_entry)
                   : schema_element_size(f));

    ds_put_char(ds, is_map ? '{' : '[');
    for (size_t i = 0; i < n; i++) {
        const char *element = elements + i * size;

        if (is_map) {
            schema_print_name(
                ds, *(const char *const *) (const void *) element);
        } else if (i) {
            ds_put_char(ds, ',');
        }
        print_value(f, element + (is_entry ? offsetof(struct schema_entry,
                                                      value) : 0), ds);
    }
    ds_put_char(ds, is_map ? '}' : ']');
}

/* Appends the value of field 'f' of 'struct_'; as print_value(). */
static bool
print_field(const struct schema_field *f, const char *struct_, struct ds *ds)
{
    const void *src = struct_ + f->offset;

    if (f->flags & (SCHEMA_LIST | SCHEMA_MAP)) {
        const char *elements = *(const char *const *) src;
        size_t n = *(const size_t *) (const void *) (struct_ + f->n_offset);

        if (!elements && !(f->flags & SCHEMA_REQUIRED)) {
            return false;
        }
        print_elements(f, elements, elements ? n : 0, ds);
        return true;
    }
    return print_value(f, src, ds);
}

void
schema_struct_print_members(const struct schema_struct *s,
                            const void *struct_, struct ds *ds)
{
    for (const struct schema_field *f = s->fields; f->name; f++) {
        size_t length = ds->length;

        schema_print_name(ds, f->name);
        if (!print_field(f, struct_, ds)) {
            if (f->flags & SCHEMA_NULLABLE) {
                ds_put_cstr(ds, "null");
            } else {
                ds_truncate(ds, length);
            }
        }
    }
}

void
schema_struct_print(const struct schema_struct *s, const void *struct_,
                    struct ds *ds)
{
    ds_put_char(ds, '{');
    schema_struct_print_members(s, struct_, ds);
    ds_put_char(ds, '}');
}

json_t *
schema_struct_to_json(const struct schema_struct *s, const void *struct_)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    json_t *json;

    schema_struct_print(s, struct_, &ds);
    json = json_loadb(ds_cstr(&ds), ds.length, JSON_ALLOW_NUL, NULL);
    ovs_assert(json);
    ds_destroy(&ds);
    return json;
}
