/* SPDX-License-Identifier: Apache-2.0
 *
 * From an app's declaration of a type, in C, to the object of VMN_TABLE_TYPE
 * that says the same; see schema-own.h. */

#include <config.h>

#include "controller/schema/schema-own.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "util.h"

/* Structs within each other, at most. */
#define DEPTH_MAX 8

/* The flags that are known here.  One that is not may be part of the rights,
 * which are not given up in silence. */
#define FIELD_FLAGS                                                     \
    (VMN_FIELD_REQUIRED | VMN_FIELD_LIST | VMN_FIELD_SET | VMN_FIELD_KEY \
     | VMN_FIELD_MENTIONS | VMN_FIELD_SECRET | VMN_FIELD_LINES          \
     | VMN_FIELD_ADMINISTRATORS | VMN_FIELD_OR_ALL)
#define TYPE_FLAGS VMN_TYPE_SINGLE
/* Of a member of the status, which has no rights of its own; a set is a list
 * there. */
#define STATUS_FLAGS (VMN_FIELD_LIST | VMN_FIELD_SET)

struct declaring {
    const struct vmn_app_class *class_; /* For how long its structs are. */
    json_t *structs;
    struct vmn_error *why;
};

static json_t *declare_fields(struct declaring *, const void *fields,
                              int depth);

static void
put_text(json_t *object, const char *name, const char *text)
{
    if (text) {
        json_t *value = json_string(text);

        /* What is no UTF-8 is refused where the rest is checked. */
        json_object_set_new(object, name, value ? value : json_null());
    }
}

static void
put_flag(json_t *object, const char *name, bool flag)
{
    if (flag) {
        json_object_set_new(object, name, json_true());
    }
}

static void
put_number(json_t *object, const char *name, int64_t number)
{
    if (number) {
        json_object_set_new(object, name, json_integer(number));
    }
}

/* Returns true if all 'flags' are among 'known'; else that is the error. */
static bool
knows_flags(const char *of, const char *name, uint32_t flags, uint32_t known,
            struct vmn_error *why)
{
    if (flags & ~known) {
        vmn_error_invalid(why, "%s \"%s\": this vmnd does not know flags "
                          "0x%"PRIx32": the app needs a newer one", of,
                          name ? name : "", flags & ~known);
        return false;
    }
    return true;
}

static bool
has_struct(const json_t *structs, const char *name)
{
    const json_t *s;
    size_t i;

    json_array_foreach (structs, i, s) {
        if (!strcmp(json_string_value(json_object_get(s, "name")), name)) {
            return true;
        }
    }
    return false;
}

/* Declares a struct after those that it has. */
static bool
declare_struct(struct declaring *d, const struct vmn_struct_class *s,
               int depth)
{
    json_t *fields;

    if (!s || !s->name || depth > DEPTH_MAX) {
        vmn_error_invalid(d->why, "a struct of a type's fields has no name, "
                          "or more than %d are within each other", DEPTH_MAX);
        return false;
    }
    if (has_struct(d->structs, s->name)) {
        return true;
    }
    fields = declare_fields(d, s->fields, depth);
    if (fields) {
        json_array_append_new(d->structs, json_pack("{s:s, s:o}", "name",
                                                    s->name, "fields",
                                                    fields));
    }
    return fields != NULL;
}

static json_t *
declare_field(struct declaring *d, const struct vmn_field_class *f, int depth)
{
    json_t *object;

    if ((unsigned) f->type > VMN_FIELD_STRUCT) {
        vmn_error_invalid(d->why, "field \"%s\" of a type: there is no type "
                          "%d", f->name, (int) f->type);
        return NULL;
    }
    if (!knows_flags("field", f->name, f->flags, FIELD_FLAGS, d->why)) {
        return NULL;
    }
    if (f->type == VMN_FIELD_STRUCT && !declare_struct(d, f->nested,
                                                       depth + 1)) {
        return NULL;
    }
    object = json_object();
    put_text(object, "name", f->name);
    put_text(object, "type", schema_own_type_names[f->type]);
    put_flag(object, "required", f->flags & VMN_FIELD_REQUIRED);
    put_flag(object, "list", f->flags & VMN_FIELD_LIST);
    put_flag(object, "set", f->flags & VMN_FIELD_SET);
    put_flag(object, "key", f->flags & VMN_FIELD_KEY);
    put_flag(object, "mentions", f->flags & VMN_FIELD_MENTIONS);
    put_flag(object, "secret", f->flags & VMN_FIELD_SECRET);
    put_flag(object, "lines", f->flags & VMN_FIELD_LINES);
    put_flag(object, "administrators", f->flags & VMN_FIELD_ADMINISTRATORS);
    put_flag(object, "or_all", f->flags & VMN_FIELD_OR_ALL);
    put_number(object, "min", f->min);
    put_number(object, "max", f->max);
    put_number(object, "default", f->def);
    put_number(object, "max_items", f->max_items);
    put_text(object, "default_text", f->def_text);
    put_text(object, "ref", f->ref);
    put_text(object, "doc", f->doc);
    if (f->type == VMN_FIELD_STRUCT) {
        put_text(object, "struct", f->nested->name);
    }
    if (f->values) {
        json_t *values = json_array();

        for (size_t i = 0; f->values[i]; i++) {
            json_array_append_new(values, json_string(f->values[i]));
        }
        json_object_set_new(object, "values", values);
    }
    return object;
}

/* Returns element 'i' of an app's array of fields. */
static const struct vmn_field_class *
field_at(const struct vmn_app_class *class_, const void *fields, size_t i)
{
    return (const void *) ((const char *) fields + i * class_->field_size);
}

static json_t *
declare_fields(struct declaring *d, const void *fields, int depth)
{
    json_t *array = json_array();

    for (size_t i = 0; fields && field_at(d->class_, fields, i)->name; i++) {
        const struct vmn_field_class *f = field_at(d->class_, fields, i);
        json_t *object = (i < VMN_OWN_FIELDS_MAX ? declare_field(d, f, depth)
                          : NULL);

        if (!object) {
            if (i == VMN_OWN_FIELDS_MAX) {
                vmn_error_invalid(d->why, "a type has more than %d fields",
                                  VMN_OWN_FIELDS_MAX);
            }
            json_decref(array);
            return NULL;
        }
        json_array_append_new(array, object);
    }
    return array;
}

/* Returns true if a member of the status has no flags but those that such may
 * have; else that is the error. */
static bool
has_status_flags(const struct vmn_field_class *f, struct vmn_error *why)
{
    uint32_t others = f->flags & ~STATUS_FLAGS;

    if (!knows_flags("status member", f->name, f->flags, FIELD_FLAGS, why)) {
        return false;
    } else if (others) {
        vmn_error_invalid(why, "status member \"%s\": flags 0x%"PRIx32" are "
                          "not for the status, which is shown with the object",
                          f->name, others);
    }
    return !others;
}

/* Returns what the status has of the app; NULL: the error is set. */
static json_t *
declare_status(const struct declaring *d, const struct vmn_type_class *type)
{
    json_t *array = json_array();

    for (size_t i = 0; type->status
         && field_at(d->class_, type->status, i)->name; i++) {
        const struct vmn_field_class *f = field_at(d->class_, type->status, i);
        json_t *object;

        if (!has_status_flags(f, d->why)) {
            json_decref(array);
            return NULL;
        }
        object = json_object();
        put_text(object, "name", f->name);
        put_text(object, "type", ((unsigned) f->type <= VMN_FIELD_STRUCT
                                  ? schema_own_type_names[f->type] : ""));
        put_flag(object, "list", f->flags & (VMN_FIELD_LIST | VMN_FIELD_SET));
        put_text(object, "relation", f->relation);
        put_text(object, "doc", f->doc);
        json_array_append_new(array, object);
        if (i == VMN_OWN_STATUS_MAX) {
            break;              /* One too many, as is found where the row is
                                 * parsed. */
        }
    }
    return array;
}

/* Returns what the type says of objects, with these fields and members of the
 * status, of which it takes ownership. */
static json_t *
declare_type(const struct declaring *d, const struct vmn_type_class *type,
             json_t *fields, json_t *status)
{
    json_t *spec = json_object();

    put_text(spec, "app", d->class_->name);
    put_text(spec, "singular", type->singular);
    put_text(spec, "doc", type->doc);
    put_flag(spec, "single", type->flags & VMN_TYPE_SINGLE);
    put_flag(spec, "checks", type->check != NULL);
    put_number(spec, "max_objects", type->max_objects);
    json_object_set(spec, "structs", d->structs);
    json_object_set_new(spec, "fields", fields);
    if (type->status) {
        json_object_set_new(spec, "status_members", status);
    } else {
        json_decref(status);
    }
    return spec;
}

json_t *
schema_own_spec(const struct vmn_app_class *class_,
                const struct vmn_type_class *type, struct vmn_error *why)
{
    struct declaring d = { class_, json_array(), why };
    json_t *fields = NULL, *status = NULL, *spec = NULL;

    if (!type->row) {
        vmn_error_invalid(why, "type %s does not say what its rows are",
                          type->name);
    } else if (knows_flags("type", type->name, type->flags, TYPE_FLAGS,
                           why)) {
        fields = declare_fields(&d, type->row->fields, 0);
        status = fields ? declare_status(&d, type) : NULL;
    }
    if (status) {
        spec = declare_type(&d, type, fields, status);
    } else {
        json_decref(fields);
    }
    json_decref(d.structs);
    return spec;
}

/* Layout.  ---------------------------------------------------------------- */

static int
misplaced(const char *of, const char *name, size_t is, size_t expected,
          struct vmn_error *why)
{
    return vmn_error_invalid(why, "struct \"%s\": \"%s\" is at %"PRIuSIZE
                             ", and is to be at %"PRIuSIZE": members come in "
                             "the order of the fields, of a list \"n_X\" "
                             "before \"X\"", of, name, is, expected);
}

static int
check_struct(const struct vmn_app_class *class_,
             const struct vmn_struct_class *theirs,
             const struct schema_struct *ours, const struct schema_field *f,
             struct vmn_error *why)
{
    for (size_t i = 0; f->name; i++, f++) {
        const struct vmn_field_class *at = field_at(class_, theirs->fields,
                                                    i);

        if (at->offset != f->offset) {
            return misplaced(theirs->name, f->name, at->offset, f->offset,
                             why);
        }
        if (f->flags & SCHEMA_LIST && at->n_offset != f->n_offset) {
            return misplaced(theirs->name, f->name, at->n_offset,
                             f->n_offset, why);
        }
        if (f->type == SCHEMA_STRUCT
            && check_struct(class_, at->nested, f->nested, f->nested->fields,
                            why)) {
            return EINVAL;
        }
    }
    return (theirs->size == ours->size ? 0
            : vmn_error_invalid(why, "struct \"%s\" has %"PRIuSIZE" bytes, "
                                "and its fields take %"PRIuSIZE": it has "
                                "other members", theirs->name, theirs->size,
                                ours->size));
}

int
schema_own_check_layout(const struct vmn_app_class *class_,
                        const struct vmn_type_class *type,
                        const struct schema_table *table,
                        struct vmn_error *why)
{
    const struct schema_field *f = table->row.fields;

    while (f->name && f->offset < sizeof(struct vmn_object)) {
        f++;                    /* Those that each object has. */
    }
    return (type->row->size ? check_struct(class_, type->row, &table->row, f,
                                           why) : 0);
}
