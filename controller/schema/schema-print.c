/* SPDX-License-Identifier: Apache-2.0
 *
 * Converts rows to JSON, by the description, and lists the references of rows;
 * see schema-row.h.  May be called from the store's thread: it accesses only
 * the row.  JSON is printed as text, since most of it is sent as text, and a
 * tree is ten times as expensive to build, print and free. */

#include <config.h>

#include "controller/schema/schema-row.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Scalars.  --------------------------------------------------------------- */

static bool
get_integer(const struct schema_field *f, int64_t number,
            struct schema_scalar *scalar)
{
    scalar->number = number;
    return !((f->flags & SCHEMA_ASSIGNED && !number)
             || (f->flags & SCHEMA_HIDE_DEFAULT && number == f->def));
}

static bool
get_text(const char *text, struct schema_scalar *scalar)
{
    scalar->text = text;
    return text != NULL;
}

static const char *
format_prefix(const struct schema_field *f, const struct vmn_prefix *prefix,
              char *buf)
{
    return (!prefix->ip.family ? NULL
            : f->flags & SCHEMA_BARE_ADDRESS
              && prefix->len == value_ip_bits(prefix->ip.family)
            ? value_format_ip(&prefix->ip, buf)
            : value_format_prefix(prefix, buf));
}

/* Gets one value of 'f', which is neither a struct nor a set.  Returns false
 * if it is absent. */
static bool
get_scalar(const struct schema_field *f, const void *src,
           struct schema_scalar *scalar)
{
    char *buf = scalar->buf;

    scalar->text = NULL;
    switch (f->type) {
    case SCHEMA_BOOL:
        scalar->number = *(const bool *) src;
        return !(f->flags & SCHEMA_HIDE_DEFAULT && scalar->number == f->def);
    case SCHEMA_INT:
        return get_integer(f, *(const int *) src, scalar);
    case SCHEMA_U16:
        return get_integer(f, *(const uint16_t *) src, scalar);
    case SCHEMA_U32:
        return get_integer(f, *(const uint32_t *) src, scalar);
    case SCHEMA_U64:
        return get_integer(f, *(const uint64_t *) src, scalar);
    case SCHEMA_I64:
        return get_integer(f, *(const int64_t *) src, scalar);
    case SCHEMA_SIZE:
        return get_integer(f, *(const size_t *) src, scalar);
    case SCHEMA_ENUM:
        return !(f->flags & SCHEMA_HIDE_DEFAULT && *(const int *) src
                                                   == f->def)
               && get_text(f->names[*(const int *) src], scalar);
    case SCHEMA_STRING:
    case SCHEMA_REF:
        return get_text(*(const char *const *) src, scalar);
    case SCHEMA_MAC:
        return (!value_mac_is_none(*(const struct vmn_mac *) src)
                && get_text(value_format_mac(*(const struct vmn_mac *) src,
                                             buf), scalar));
    case SCHEMA_IP:
        return (((const struct vmn_ip *) src)->family
                && get_text(value_format_ip(src, buf), scalar));
    case SCHEMA_PREFIX:
        return get_text(format_prefix(f, src, buf), scalar);
    case SCHEMA_RANGE:
        return (((const struct vmn_port_range *) src)->last
                && get_text(value_format_range(
                    *(const struct vmn_port_range *) src, buf), scalar));
    case SCHEMA_SELECTOR:
        return get_text(((const struct vmn_selector *) src)->text, scalar);
    case SCHEMA_LABELS:
    case SCHEMA_STRUCT:
    case SCHEMA_ENUM_SET:
    case SCHEMA_DOUBLE:
        break;
    }
    OVS_NOT_REACHED();
}

bool
schema_field_get(const struct schema_field *f, const void *struct_,
                 bool given, struct schema_scalar *scalar)
{
    ovs_assert(!(f->flags & SCHEMA_LIST));
    return get_scalar(f, (const char *) struct_
                      + (given ? f->assigned_offset : f->offset), scalar);
}

/* Text.  ------------------------------------------------------------------ */

static void print_struct(const struct schema_struct *, const char *s,
                         struct ds *);

/* Returns the bytes of 'text' before the first that JSON must escape. */
static size_t
plain_len(const char *text)
{
    const unsigned char *p = (const unsigned char *) text;

    while (*p >= ' ' && *p != '"' && *p != '\\') {
        p++;
    }
    return (const char *) p - text;
}

/* Appends a text that has characters which JSON must escape. */
static void
print_escaped(struct ds *ds, const char *text)
{
    ds_put_char(ds, '"');
    for (;;) {
        size_t n = plain_len(text);

        ds_put_buffer(ds, text, n);
        text += n;
        if (!*text) {
            break;
        }
        if (*text == '"' || *text == '\\') {
            ds_put_char(ds, '\\');
            ds_put_char(ds, *text);
        } else {
            ds_put_format(ds, "\\u%04X", (unsigned char) *text);
        }
        text++;
    }
    ds_put_char(ds, '"');
}

/* Appends 'n' characters in quotes, and returns those after them, which are
 * not filled in. */
static char *
put_quoted(struct ds *ds, const char *text, size_t n, size_t n_more)
{
    char *p = ds_put_uninit(ds, n + 2 + n_more);

    *p++ = '"';
    memcpy(p, text, n);
    p += n;
    *p++ = '"';
    return p;
}

/* Nearly no text has anything to escape, and each object has dozens. */
void
schema_print_string(struct ds *ds, const char *text)
{
    size_t n = plain_len(text);

    if (text[n]) {
        print_escaped(ds, text);
    } else {
        put_quoted(ds, text, n, 0);
    }
}

/* Appends a number.  Each object has a dozen, and printf() would take most of
 * the time. */
void
schema_print_number(struct ds *ds, uint64_t number, int min_digits)
{
    char buf[20];               /* Digits of UINT64_MAX. */
    char *end = buf + sizeof buf;
    char *p = end;

    do {
        *--p = '0' + number % 10;
        number /= 10;
    } while (number || end - p < min_digits);
    ds_put_buffer(ds, p, end - p);
}

void
schema_print_name(struct ds *ds, const char *name)
{
    if (ds_last(ds) != '{') {
        ds_put_char(ds, ',');
    }

    size_t n = plain_len(name);

    if (name[n]) {
        print_escaped(ds, name);
        ds_put_char(ds, ':');
    } else {
        *put_quoted(ds, name, n, 1) = ':';
    }
}

static bool
print_labels(const struct vmn_labels *labels, struct ds *ds)
{
    if (!labels->n) {
        return false;
    }
    ds_put_char(ds, '{');
    for (size_t i = 0; i < labels->n; i++) {
        schema_print_name(ds, labels->labels[i].key);
        schema_print_string(ds, labels->labels[i].value);
    }
    ds_put_char(ds, '}');
    return true;
}

static bool
print_enum_set(const struct schema_field *f, const bool *set, struct ds *ds)
{
    const char *before = "[";

    for (size_t i = 0; f->names[i]; i++) {
        if (set[i]) {
            ds_put_cstr(ds, before);
            schema_print_string(ds, f->names[i]);
            before = ",";
        }
    }
    ds_put_cstr(ds, *before == '[' ? "[]" : "]");
    return true;
}

bool
schema_value_print(const struct schema_field *f, const void *src,
                   struct ds *ds)
{
    struct schema_scalar scalar;

    if (f->type == SCHEMA_LABELS) {
        return print_labels(src, ds);
    } else if (f->type == SCHEMA_STRUCT) {
        size_t length = ds->length;

        print_struct(f->nested, src, ds);
        /* An object without members is itself absent. */
        if (!(f->flags & SCHEMA_LIST) && ds->length == length + 2) {
            ds_truncate(ds, length);
            return false;
        }
        return true;
    } else if (f->type == SCHEMA_ENUM_SET) {
        return print_enum_set(f, src, ds);
    } else if (!get_scalar(f, src, &scalar)) {
        return false;
    }
    if (scalar.text && f->flags & SCHEMA_ANY) {
        ds_put_cstr(ds, scalar.text);
    } else if (scalar.text) {
        schema_print_string(ds, scalar.text);
    } else if (f->type == SCHEMA_BOOL) {
        ds_put_cstr(ds, scalar.number ? "true" : "false");
    } else {
        if (scalar.number < 0) {
            ds_put_char(ds, '-');
        }
        schema_print_number(ds, llabs(scalar.number), 1);
    }
    return true;
}

bool
schema_field_print(const struct schema_field *f, const void *struct_,
                   bool given, struct ds *ds)
{
    const char *s = struct_;
    size_t offset = given ? f->assigned_offset : f->offset;

    if (!(f->flags & SCHEMA_LIST)) {
        return schema_value_print(f, s + offset, ds);
    }

    size_t n_offset = given ? f->assigned_n_offset : f->n_offset;
    size_t n = *(const size_t *) (const void *) (s + n_offset);
    const char *elements = *(const char *const *) (const void *) (s + offset);
    size_t size = schema_element_size(f);

    for (size_t i = 0; i < n; i++) {
        ds_put_char(ds, i ? ',' : '[');
        schema_value_print(f, elements + i * size, ds);
    }
    if (n) {
        ds_put_char(ds, ']');
    }
    return n != 0;
}

/* Appends a field as a member of an object, unless it is absent. */
static void
print_member(const struct schema_field *f, const void *struct_, bool given,
             struct ds *ds)
{
    size_t length = ds->length;

    schema_print_name(ds, f->name);
    if (!schema_field_print(f, struct_, given, ds)) {
        ds_truncate(ds, length);
    }
}

/* Returns true if the field that excludes 'f' is present. */
static bool
is_excluded(const struct schema_struct *s, const struct schema_field *f,
            const void *struct_, struct ds *ds)
{
    const struct schema_field *other = f->unless
                                       ? schema_find_field(s, f->unless)
                                       : NULL;

    if (!other || other > f) {
        return false;
    }

    size_t length = ds->length;
    bool excluded = schema_field_print(other, struct_, false, ds);
    ds_truncate(ds, length);
    return excluded;
}

static void
print_struct(const struct schema_struct *s, const char *src, struct ds *ds)
{
    ds_put_char(ds, '{');
    for (const struct schema_field *f = s->fields; f->name; f++) {
        if (!is_excluded(s, f, src, ds)) {
            print_member(f, src, false, ds);
        }
    }
    ds_put_char(ds, '}');
}

void
schema_row_print_spec(const struct vmn_row *row, struct ds *ds)
{
    print_struct(schema_struct_of(row), (const char *) row, ds);
}

void
schema_row_print_status(const struct vmn_row *row, struct ds *ds)
{
    const struct schema_field *f = schema_struct_of(row)->fields;

    ds_put_char(ds, '{');
    for (; f->name; f++) {
        if (f->flags & SCHEMA_ASSIGNED) {
            print_member(f, row, true, ds);
        }
    }
    ds_put_char(ds, '}');
}

/* Trees.  ----------------------------------------------------------------- */

/* Parses what was printed, and frees it. */
static json_t *
to_json(struct ds *ds)
{
    json_t *json = json_loadb(ds_cstr(ds), ds->length, JSON_DECODE_ANY,
                              NULL);

    ovs_assert(json);
    ds_destroy(ds);
    return json;
}

json_t *
schema_field_to_json(const struct schema_field *f, const void *struct_,
                     bool given)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (!schema_field_print(f, struct_, given, &ds)) {
        ds_destroy(&ds);        /* A part was printed before the struct proved
                                 * to be empty. */
        return NULL;
    }
    return to_json(&ds);
}

json_t *
schema_row_spec(const struct vmn_row *row)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    schema_row_print_spec(row, &ds);
    return to_json(&ds);
}

/* References.  ------------------------------------------------------------ */

/* What schema_row_refs() passes on. */
struct walk {
    schema_ref_cb *cb;
    void *aux;
    struct ds pointer;
};

static void walk_struct(struct walk *, const struct schema_struct *,
                        const char *s);

static void
walk_value(struct walk *walk, const struct schema_field *f, const char *src)
{
    if (f->type == SCHEMA_STRUCT) {
        walk_struct(walk, f->nested, src);
    } else if (f->type == SCHEMA_REF) {
        const char *name = *(const char *const *) (const void *) src;

        if (name) {
            walk->cb(walk->aux, f->ref, name, f, ds_cstr(&walk->pointer));
        }
    }
}

static void
walk_list(struct walk *walk, const struct schema_field *f, const char *s)
{
    size_t n = *(const size_t *) (const void *) (s + f->n_offset);
    const char *elements = *(const char *const *) (const void *)
                           (s + f->offset);
    size_t size = schema_element_size(f);

    for (size_t i = 0; i < n; i++) {
        size_t length = walk->pointer.length;

        ds_put_char(&walk->pointer, '/');
        schema_print_number(&walk->pointer, i, 1);
        walk_value(walk, f, elements + i * size);
        ds_truncate(&walk->pointer, length);
    }
}

static void
walk_struct(struct walk *walk, const struct schema_struct *s, const char *src)
{
    for (const struct schema_field *f = s->fields; f->name; f++) {
        if (f->type != SCHEMA_REF && f->type != SCHEMA_STRUCT) {
            continue;
        }

        size_t length = walk->pointer.length;
        ds_put_char(&walk->pointer, '/');
        ds_put_cstr(&walk->pointer, f->name);
        if (f->flags & SCHEMA_LIST) {
            walk_list(walk, f, src);
        } else {
            walk_value(walk, f, src + f->offset);
        }
        ds_truncate(&walk->pointer, length);
    }
}

void
schema_row_refs(const struct vmn_row *row, schema_ref_cb *cb, void *aux)
{
    const struct schema_table *table = schema_tables[row->table];
    struct walk walk = { cb, aux, DS_EMPTY_INITIALIZER };

    if (table->named_as != VMN_N_TABLES) {
        cb(aux, table->named_as, row->name, NULL, "");
    }
    walk_struct(&walk, schema_struct_of(row), (const char *) row);
    ds_destroy(&walk.pointer);
}

/* Sizes.  ----------------------------------------------------------------- */

static size_t
count_elements(const struct schema_struct *s, const char *src)
{
    size_t sum = 0;

    for (const struct schema_field *f = s->fields; f->name; f++) {
        const char *values = src + f->offset;
        size_t n = 1;

        if (f->flags & SCHEMA_LIST) {
            n = *(const size_t *) (const void *) (src + f->n_offset);
            values = *(const char *const *) (const void *) values;
            sum += n;
        }
        for (size_t i = 0; f->type == SCHEMA_STRUCT && i < n; i++) {
            sum += count_elements(f->nested, values + i * f->nested->size);
        }
    }
    return sum;
}

size_t
schema_row_elements(const struct vmn_row *row)
{
    return count_elements(schema_struct_of(row), (const char *) row);
}
