/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints structs that are only shown as JSON; see schema-struct.h. */

#include <config.h>

#include "controller/schema/schema-struct.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "unicode.h"
#include "util.h"

const char schema_absent[] = "";

/* Yields while a long list is printed. */
struct pauser {
    void (*pause)(void *aux);
    void *aux;
};

void
schema_print_text(const char *text, struct ds *ds)
{
    size_t n_bytes;
    char *error = utf8_validate(text, &n_bytes);

    if (error) {
        char *copy = xstrdup(text);

        for (char *p = copy; *p; p++) {
            if ((unsigned char) *p >= 0x80) {
                *p = '?';
            }
        }
        schema_print_string(ds, copy);
        free(copy);
        free(error);
    } else {
        schema_print_string(ds, text);
    }
}

/* Appends a finite number with as many digits as restore it exactly. */
static void
print_exact(double number, struct ds *ds)
{
    json_t *json = json_real(number);
    char buf[64];               /* 17 digits, sign, point and exponent. */
    size_t n = json_dumpb(json, buf, sizeof buf, JSON_ENCODE_ANY);

    ovs_assert(n && n <= sizeof buf);
    ds_put_buffer(ds, buf, n);
    json_decref(json);
}

/* Appends a finite number that differs from an integer in its form. */
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

/* Appends a text or a time, for print_value(). */
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

    if (!text || text == schema_absent) {
        return false;
    } else if (f->flags & SCHEMA_ANY) {
        ds_put_cstr(ds, text);
    } else if (f->type == SCHEMA_REF) {
        schema_print_string(ds, text); /* A row's name, which was checked
                                        * before. */
    } else {
        schema_print_text(text, ds);
    }
    return true;
}

static bool print_value(const struct schema_field *, const void *src,
                        struct ds *);

/* Appends the values of a struct with SCHEMA_TUPLE. */
static void
print_tuple(const struct schema_struct *s, const char *struct_, struct ds *ds)
{
    ds_put_char(ds, '[');
    for (const struct schema_field *f = s->fields; f->name; f++) {
        if (f != s->fields) {
            ds_put_char(ds, ',');
        }
        if (!print_value(f, struct_ + f->offset, ds)) {
            ds_put_cstr(ds, "null");
        }
    }
    ds_put_char(ds, ']');
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
    if (f->flags & SCHEMA_POINTER) {
        src = *(const void *const *) src;
        if (!src) {
            return false;
        }
    }
    if (f->type == SCHEMA_STRUCT) {
        if (f->flags & SCHEMA_TUPLE) {
            print_tuple(f->nested, src, ds);
        } else {
            schema_struct_print(f->nested, src, ds);
        }
        return true;
    }
    if (f->type == SCHEMA_MAC && f->flags & SCHEMA_REQUIRED) {
        char buf[VALUE_MAC_SIZE];

        schema_print_string(ds, value_format_mac(
                                    *(const struct vmn_mac *) src, buf));
        return true;
    }
    if (f->type == SCHEMA_DOUBLE) {
        double number = *(const double *) src;

        if (isfinite(number)) {
            (f->flags & SCHEMA_EXACT ? print_exact : print_double)(number, ds);
        }
        return isfinite(number);
    }
    return schema_value_print(f, src, ds);
}

/* Appends the texts of a member with SCHEMA_MAP. */
static void
print_texts(const struct schema_texts *texts, struct ds *ds)
{
    ds_put_char(ds, '[');
    for (size_t i = 0; i < texts->n; i++) {
        if (i) {
            ds_put_char(ds, ',');
        }
        schema_print_text(texts->texts[i], ds);
    }
    ds_put_char(ds, ']');
}

/* Appends the members of a field with SCHEMA_MAP. */
static void
print_map(const struct schema_field *f, const char *members, size_t n,
          struct ds *ds)
{
    bool is_texts = f->flags & SCHEMA_LIST;
    bool is_entry = !is_texts && f->type != SCHEMA_STRUCT;
    size_t size = (is_texts ? sizeof(struct schema_texts)
                   : is_entry ? sizeof(struct schema_entry)
                   : schema_element_size(f));

    ds_put_char(ds, '{');
    for (size_t i = 0; i < n; i++) {
        const void *member = members + i * size;

        schema_print_name(ds, *(const char *const *) member);
        if (is_texts) {
            print_texts(member, ds);
        } else {
            print_value(f, is_entry
                        ? &((const struct schema_entry *) member)->value
                        : member, ds);
        }
    }
    ds_put_char(ds, '}');
}

/* Appends the elements of a list. */
static void
print_list(const struct schema_field *f, const char *elements, size_t n,
           struct ds *ds, const struct pauser *pauser)
{
    size_t size = schema_element_size(f);

    ds_put_char(ds, '[');
    for (size_t i = 0; i < n; i++) {
        if (i) {
            ds_put_char(ds, ',');
        }
        print_value(f, elements + i * size, ds);
        if (pauser) {
            pauser->pause(pauser->aux);
        }
    }
    ds_put_char(ds, ']');
}

/* Appends the value of field 'f' of 'struct_'; see print_value(). */
static bool
print_field(const struct schema_field *f, const char *struct_, struct ds *ds,
            const struct pauser *pauser)
{
    const void *src = struct_ + f->offset;

    if (f->flags & SCHEMA_PRINTED) {
        const char *text = *(const char *const *) src;

        ds_put_cstr(ds, text ? text : "");
        return text != NULL;
    }
    if (f->flags & (SCHEMA_LIST | SCHEMA_MAP)) {
        const char *elements = *(const char *const *) src;
        size_t n = *(const size_t *) (const void *) (struct_ + f->n_offset);

        if (!elements && !(f->flags & SCHEMA_REQUIRED)) {
            return false;
        }
        n = elements ? n : 0;
        if (f->flags & SCHEMA_MAP) {
            print_map(f, elements, n, ds);
        } else {
            print_list(f, elements, n, ds, pauser);
        }
        return true;
    }
    return print_value(f, src, ds);
}

/* Returns true if a field that is absent is shown as null. */
static bool
is_null(const struct schema_field *f, const char *struct_)
{
    if (!(f->flags & SCHEMA_NULLABLE)) {
        return false;
    }
    return f->type != SCHEMA_STRING || f->flags & SCHEMA_TIME
           || *(const char *const *) (const void *) (struct_ + f->offset)
              != schema_absent;
}

static void
print_members(const struct schema_struct *s, const char *struct_,
              struct ds *ds, const struct pauser *pauser)
{
    for (const struct schema_field *f = s->fields; f->name; f++) {
        size_t length = ds->length;

        schema_print_name(ds, f->name);
        if (!print_field(f, struct_, ds, pauser)) {
            if (is_null(f, struct_)) {
                ds_put_cstr(ds, "null");
            } else {
                ds_truncate(ds, length);
            }
        }
    }
}

void
schema_struct_print_members(const struct schema_struct *s,
                            const void *struct_, struct ds *ds)
{
    print_members(s, struct_, ds, NULL);
}

void
schema_struct_print_pausing(const struct schema_struct *s,
                            const void *struct_, struct ds *ds,
                            void (*pause)(void *aux), void *aux)
{
    const struct pauser pauser = { pause, aux };

    ds_put_char(ds, '{');
    print_members(s, struct_, ds, &pauser);
    ds_put_char(ds, '}');
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
