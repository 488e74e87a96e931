/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows into JSON, by the description, and what rows refer to; see
 * schema-row.h.  May be called from the store's thread: it touches nothing but
 * the row. */

#include <config.h>

#include "controller/schema/schema-row.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static json_t *print_struct(const struct schema_struct *, const char *s);

static json_t *
print_labels(const struct vmn_labels *labels)
{
    json_t *json;

    if (!labels->n) {
        return NULL;
    }
    json = json_object();
    for (size_t i = 0; i < labels->n; i++) {
        json_object_set_new(json, labels->labels[i].key,
                            json_string(labels->labels[i].value));
    }
    return json;
}

static json_t *
print_enum_set(const struct schema_field *f, const bool *set)
{
    json_t *json = json_array();

    for (size_t i = 0; f->names[i]; i++) {
        if (set[i]) {
            json_array_append_new(json, json_string(f->names[i]));
        }
    }
    return json;
}

static json_t *
print_integer(const struct schema_field *f, int64_t value)
{
    bool hidden = (f->flags & SCHEMA_GIVEN && !value)
                  || (f->flags & SCHEMA_HIDE_DEFAULT && value == f->def);

    return hidden ? NULL : json_integer(value);
}

static json_t *
print_prefix(const struct schema_field *f, const struct vmn_prefix *prefix)
{
    char buf[VALUE_PREFIX_SIZE];

    if (!prefix->ip.family) {
        return NULL;
    }
    return json_string(f->flags & SCHEMA_BARE_ADDRESS && prefix->len == 32
                       ? value_format_ip(&prefix->ip, buf)
                       : value_format_prefix(prefix, buf));
}

/* Returns one value of 'f' as JSON, or NULL if it is absent. */
static json_t *
print_value(const struct schema_field *f, const void *src)
{
    char buf[VALUE_PREFIX_SIZE];

    switch (f->type) {
    case SCHEMA_BOOL:
        return json_boolean(*(const bool *) src);
    case SCHEMA_INT:
        return print_integer(f, *(const int *) src);
    case SCHEMA_U16:
        return print_integer(f, *(const uint16_t *) src);
    case SCHEMA_U32:
        return print_integer(f, *(const uint32_t *) src);
    case SCHEMA_ENUM:
        return json_string(f->names[*(const int *) src]);
    case SCHEMA_STRING:
    case SCHEMA_REF:
        return json_string(*(const char *const *) src);
    case SCHEMA_MAC:
        return value_mac_is_none(*(const struct vmn_mac *) src) ? NULL
               : json_string(value_format_mac(*(const struct vmn_mac *) src,
                                              buf));
    case SCHEMA_IP:
        return !((const struct vmn_ip *) src)->family ? NULL
               : json_string(value_format_ip(src, buf));
    case SCHEMA_PREFIX:
        return print_prefix(f, src);
    case SCHEMA_RANGE:
        return json_string(value_format_range(
                               *(const struct vmn_port_range *) src, buf));
    case SCHEMA_LABELS:
        return print_labels(src);
    case SCHEMA_SELECTOR:
        return json_string(((const struct vmn_selector *) src)->text);
    case SCHEMA_STRUCT:
        return print_struct(f->nested, src);
    case SCHEMA_ENUM_SET:
        return print_enum_set(f, src);
    }
    OVS_NOT_REACHED();
}

json_t *
schema_field_to_json(const struct schema_field *f, const void *struct_,
                     bool given)
{
    const char *s = struct_;
    size_t offset = given ? f->given_offset : f->offset;

    if (!(f->flags & SCHEMA_LIST)) {
        return print_value(f, s + offset);
    }

    size_t n_offset = given ? f->given_n_offset : f->n_offset;
    size_t n = *(const size_t *) (const void *) (s + n_offset);
    const char *elements = *(const char *const *) (const void *) (s + offset);
    size_t size = schema_element_size(f);

    if (!n) {
        return NULL;
    }
    json_t *json = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(json, print_value(f, elements + i * size));
    }
    return json;
}

/* True if the field that excludes 'f' is there. */
static bool
is_excluded(const struct schema_struct *s, const struct schema_field *f,
            const void *struct_)
{
    const struct schema_field *other = f->unless
                                       ? schema_find_field(s, f->unless)
                                       : NULL;

    if (!other || other > f) {
        return false;
    }

    json_t *json = schema_field_to_json(other, struct_, false);
    json_decref(json);
    return json != NULL;
}

static json_t *
print_struct(const struct schema_struct *s, const char *src)
{
    json_t *json = json_object();

    for (const struct schema_field *f = s->fields; f->name; f++) {
        if (!is_excluded(s, f, src)) {
            json_t *value = schema_field_to_json(f, src, false);

            if (value) {
                json_object_set_new(json, f->name, value);
            }
        }
    }
    return json;
}

json_t *
schema_row_spec(const struct vmn_row *row)
{
    return print_struct(&schema_tables[row->table].row, (const char *) row);
}

json_t *
schema_row_status(const struct vmn_row *row)
{
    const struct schema_field *f = schema_tables[row->table].row.fields;
    json_t *json = json_object();

    for (; f->name; f++) {
        if (f->flags & SCHEMA_GIVEN) {
            json_t *value = schema_field_to_json(f, row, true);

            if (value) {
                json_object_set_new(json, f->name, value);
            }
        }
    }
    return json;
}

/* What schema_row_refs() carries along. */
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
            walk->cb(walk->aux, f->ref, name, ds_cstr(&walk->pointer));
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

        ds_put_format(&walk->pointer, "/%"PRIuSIZE, i);
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
        ds_put_format(&walk->pointer, "/%s", f->name);
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
    const struct schema_table *table = &schema_tables[row->table];
    struct walk walk = { cb, aux, DS_EMPTY_INITIALIZER };

    if (table->named_as != VMN_N_TABLES) {
        cb(aux, table->named_as, row->name, "");
    }
    walk_struct(&walk, &table->row, (const char *) row);
    ds_destroy(&walk.pointer);
}
