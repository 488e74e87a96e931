/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON into rows, by the description; see schema-row.h.  All faults of an
 * object are reported, each at its place. */

#include <config.h>

#include "controller/schema/schema-row.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/selector.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

struct parse {
    struct arena *arena;
    const char *name;           /* Of the object. */
    struct vmn_errors *errors;
    struct ds pointer;          /* Of what is being parsed. */
    size_t n_faults;
};

static bool parse_value(struct parse *, const struct schema_field *,
                        const json_t *, void *dst);

/* Adds "/NAME" to the pointer; returns what pointer_pop() takes. */
static size_t
pointer_push(struct parse *p, const char *name)
{
    size_t length = p->pointer.length;

    ds_put_char(&p->pointer, '/');
    for (; *name; name++) {
        if (*name == '~') {
            ds_put_cstr(&p->pointer, "~0");
        } else if (*name == '/') {
            ds_put_cstr(&p->pointer, "~1");
        } else {
            ds_put_char(&p->pointer, *name);
        }
    }
    return length;
}

static size_t
pointer_push_index(struct parse *p, size_t index)
{
    size_t length = p->pointer.length;

    ds_put_format(&p->pointer, "/%"PRIuSIZE, index);
    return length;
}

static void
pointer_pop(struct parse *p, size_t length)
{
    ds_truncate(&p->pointer, length);
}

static bool OVS_PRINTF_FORMAT(3, 4)
fault(struct parse *p, enum vmn_error_code code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);

    vmn_errors_add(p->errors, code, ds_cstr(&p->pointer), "%s", text);
    p->n_faults++;
    free(text);
    return false;
}

/* Reports 'error', a sentence of value.h, if it is one.  Frees it. */
static bool
fault_if(struct parse *p, char *error)
{
    if (error) {
        fault(p, VMN_ERR_INVALID, "%s", error);
        free(error);
        return false;
    }
    return true;
}

/* Returns the text, or NULL with a fault. */
static const char *
get_text(struct parse *p, const json_t *json)
{
    const char *text = json_string_value(json);

    if (!text) {
        fault(p, VMN_ERR_INVALID, "must be a string");
        return NULL;
    }
    for (const char *c = text; c < text + json_string_length(json); c++) {
        if ((unsigned char) *c < 0x20 || *c == 0x7f) {
            fault(p, VMN_ERR_INVALID, "must not hold control characters");
            return NULL;
        }
    }
    return text;
}

static bool
parse_integer(struct parse *p, const struct schema_field *f,
              const json_t *json, void *dst)
{
    json_int_t value = json_integer_value(json);

    if (!json_is_integer(json) || value < f->min || value > f->max) {
        return fault(p, VMN_ERR_INVALID,
                     "must be an integer from %"PRId64" to %"PRId64,
                     f->min, f->max);
    }
    if (f->type == SCHEMA_U16) {
        *(uint16_t *) dst = value;
    } else if (f->type == SCHEMA_U32) {
        *(uint32_t *) dst = value;
    } else {
        *(int *) dst = value;
    }
    return true;
}

static const char *
enum_candidate(const void *f_, size_t i)
{
    const struct schema_field *f = f_;

    return f->names[i];
}

/* Parses the name of a value of an enum; returns the value or -1. */
static int
parse_enum(struct parse *p, const struct schema_field *f, const json_t *json)
{
    const char *text = get_text(p, json);

    if (!text) {
        return -1;
    }
    for (int i = 0; f->names[i]; i++) {
        if (!strcmp(f->names[i], text)
            && (!f->allowed || f->allowed & 1u << i)) {
            return i;
        }
    }

    struct ds ds = DS_EMPTY_INITIALIZER;
    const char *guess = schema_suggest(text, enum_candidate, f);
    for (int i = 0; f->names[i]; i++) {
        if (!f->allowed || f->allowed & 1u << i) {
            ds_put_format(&ds, "%s\"%s\"", ds.length ? ", " : "",
                          f->names[i]);
        }
    }
    if (guess && strcmp(guess, text)) {
        ds_put_format(&ds, "; did you mean \"%s\"?", guess);
    }
    fault(p, VMN_ERR_INVALID, "must be one of %s", ds_cstr(&ds));
    ds_destroy(&ds);
    return -1;
}

static bool
parse_enum_set(struct parse *p, const struct schema_field *f,
               const json_t *json, bool *set)
{
    size_t n_faults = p->n_faults;
    const json_t *element;
    size_t i;

    if (!json_is_array(json)) {
        return fault(p, VMN_ERR_INVALID, "must be a list");
    }
    if (json_array_size(json) > 64) {
        return fault(p, VMN_ERR_TOO_LARGE, "must have at most 64 elements");
    }
    json_array_foreach (json, i, element) {
        size_t length = pointer_push_index(p, i);
        int value = parse_enum(p, f, element);

        if (value >= 0) {
            set[value] = true;
        }
        pointer_pop(p, length);
    }
    return p->n_faults == n_faults;
}

static bool
parse_string(struct parse *p, const struct schema_field *f,
             const json_t *json, const char **dst)
{
    const char *text = get_text(p, json);

    if (!text) {
        return false;
    }
    if (strlen(text) > (size_t) f->max) {
        return fault(p, VMN_ERR_INVALID,
                     "must have at most %"PRId64" bytes", f->max);
    }
    if (f->check && !fault_if(p, f->check(text))) {
        return false;
    }
    /* An empty free text is none. */
    *dst = *text ? arena_strdup(p->arena, text) : NULL;
    return *text || !(f->flags & SCHEMA_REQUIRED)
           || fault(p, VMN_ERR_INVALID, "must not be empty");
}

static bool
parse_ref(struct parse *p, const struct schema_field *f, const json_t *json,
          const char **dst)
{
    const char *text = get_text(p, json);

    if (!text) {
        return false;
    }

    char *error = schema_tables[f->ref].check_name(text);
    if (error) {
        free(error);
        return fault(p, VMN_ERR_INVALID, "must be the name of a %s",
                     schema_tables[f->ref].singular);
    }
    *dst = arena_strdup(p->arena, text);
    return true;
}

static bool
parse_prefix(struct parse *p, const struct schema_field *f,
             const json_t *json, struct vmn_prefix *prefix)
{
    bool host_ok = (f->flags & SCHEMA_BARE_ADDRESS) != 0;
    const char *text = get_text(p, json);

    if (!text || !fault_if(p, value_parse_prefix(text, host_ok, prefix))) {
        return false;
    }
    if (prefix->len < f->min || prefix->len > f->max) {
        return fault(p, VMN_ERR_INVALID, "must have a length from "
                     "\"/%"PRId64"\" to \"/%"PRId64"\"", f->min, f->max);
    }
    return true;
}

static bool
parse_range(struct parse *p, const json_t *json, struct vmn_port_range *range)
{
    if (json_is_integer(json)) {
        json_int_t port = json_integer_value(json);

        if (port < 1 || port > UINT16_MAX) {
            return fault(p, VMN_ERR_INVALID, "must be a port from 1 to "
                         "65535");
        }
        range->first = range->last = port;
        return true;
    }

    const char *text = get_text(p, json);
    return text && fault_if(p, value_parse_range(text, range));
}

static int
compare_labels(const void *a_, const void *b_)
{
    const struct vmn_label *a = a_;
    const struct vmn_label *b = b_;

    return strcmp(a->key, b->key);
}

static bool
parse_labels(struct parse *p, const struct schema_field *f,
             const json_t *json, struct vmn_labels *labels)
{
    size_t n_faults = p->n_faults;

    if (!json_is_object(json)) {
        return fault(p, VMN_ERR_INVALID, "must be an object of strings");
    }
    if (json_object_size(json) > f->max_items) {
        return fault(p, VMN_ERR_TOO_LARGE, "must have at most %"PRIuSIZE
                     " labels", f->max_items);
    }

    size_t n = 0;
    struct vmn_label *array = arena_alloc(p->arena, json_object_size(json)
                                                    * sizeof *array);
    for (void *iter = json_object_iter(CONST_CAST(json_t *, json)); iter;
         iter = json_object_iter_next(CONST_CAST(json_t *, json), iter)) {
        const char *key = json_object_iter_key(iter);
        size_t length = pointer_push(p, key);
        const char *value;

        fault_if(p, value_check_label_key(key));
        value = get_text(p, json_object_iter_value(iter));
        if (value && fault_if(p, value_check_label_value(value))) {
            array[n].key = arena_strdup(p->arena, key);
            array[n++].value = arena_strdup(p->arena, value);
        }
        pointer_pop(p, length);
    }
    qsort(array, n, sizeof *array, compare_labels);
    labels->n = n;
    labels->labels = array;
    return p->n_faults == n_faults;
}

static const char *
field_candidate(const void *s_, size_t i)
{
    const struct schema_struct *s = s_;

    return s->fields[i].name;
}

/* Reports the members of 'json' that 's' does not have. */
static void
check_unknown(struct parse *p, const struct schema_struct *s,
              const json_t *json)
{
    for (void *iter = json_object_iter(CONST_CAST(json_t *, json)); iter;
         iter = json_object_iter_next(CONST_CAST(json_t *, json), iter)) {
        const char *key = json_object_iter_key(iter);
        const char *const *later = s->later;

        if (schema_find_field(s, key)) {
            continue;
        }
        while (later && *later && strcmp(*later, key)) {
            later++;
        }

        size_t length = pointer_push(p, key);
        const char *guess = schema_suggest(key, field_candidate, s);
        if (later && *later) {
            fault(p, VMN_ERR_INVALID, "field \"%s\" of a %s is not supported "
                  "yet", key, s->name);
        } else if (guess) {
            fault(p, VMN_ERR_INVALID, "unknown field \"%s\" of a %s; did you "
                  "mean \"%s\"?", key, s->name, guess);
        } else {
            fault(p, VMN_ERR_INVALID, "unknown field \"%.64s\" of a %s", key,
                  s->name);
        }
        pointer_pop(p, length);
    }
}

/* The member of 'json' for 'f', or NULL if it is absent or null. */
static const json_t *
get_member(const json_t *json, const char *name)
{
    const json_t *value = json_object_get(json, name);

    return json_is_null(value) ? NULL : value;
}

static void
set_default(struct parse *p, const struct schema_field *f, void *dst)
{
    if (f->flags & SCHEMA_LIST) {
        return;
    }
    switch (f->type) {
    case SCHEMA_BOOL: *(bool *) dst = f->def; break;
    case SCHEMA_U16: *(uint16_t *) dst = f->def; break;
    case SCHEMA_U32: *(uint32_t *) dst = f->def; break;
    case SCHEMA_INT:
    case SCHEMA_ENUM: *(int *) dst = f->def; break;
    case SCHEMA_STRING:
        if (f->flags & SCHEMA_NAME_DEFAULT) {
            *(const char **) dst = arena_strdup(p->arena, p->name);
        } else if (f->def_text) {
            *(const char **) dst = f->def_text;
        }
        break;
    case SCHEMA_REF:
    case SCHEMA_MAC:
    case SCHEMA_IP:
    case SCHEMA_PREFIX:
    case SCHEMA_RANGE:
    case SCHEMA_LABELS:
    case SCHEMA_SELECTOR:
    case SCHEMA_STRUCT:
    case SCHEMA_ENUM_SET:
        break;
    }
}

/* Reports a required field that is absent, and fields that exclude each other;
 * of such a pair the one described first speaks for both when both are absent,
 * the other when both are there. */
static void
check_presence(struct parse *p, const struct schema_struct *s,
               const struct schema_field *f, const json_t *json)
{
    const struct schema_field *other = f->unless
                                       ? schema_find_field(s, f->unless)
                                       : NULL;
    bool have = get_member(json, f->name) != NULL;
    bool have_other = other && get_member(json, other->name);
    size_t length;

    if (have && have_other && other < f) {
        length = pointer_push(p, f->name);
        fault(p, VMN_ERR_INVALID, "cannot be combined with \"%s\"",
              other->name);
        pointer_pop(p, length);
    } else if (!have && !have_other && f->flags & SCHEMA_REQUIRED) {
        if (!other) {
            length = pointer_push(p, f->name);
            fault(p, VMN_ERR_INVALID, "is required");
            pointer_pop(p, length);
        } else if (f < other) {
            fault(p, VMN_ERR_INVALID, "needs \"%s\" or \"%s\"", f->name,
                  other->name);
        }
    }
}

/* True if the elements of a sorted list of structs differ in their key. */
static bool
check_keys(struct parse *p, const struct schema_field *f, const char *elements,
           size_t n)
{
    const struct schema_field *key;

    if (f->type != SCHEMA_STRUCT || !(f->nested->fields[0].flags
                                      & SCHEMA_KEY)) {
        return true;
    }
    key = &f->nested->fields[0];
    for (size_t i = 1; i < n; i++) {
        const char *b = elements + i * f->nested->size;
        const char *a = b - f->nested->size;

        if (!schema_element_compare(key, a + key->offset, b + key->offset)) {
            json_t *value = schema_field_to_json(key, b, false);
            char *text = json_dumps(value, JSON_ENCODE_ANY);

            fault(p, VMN_ERR_INVALID, "must name each \"%s\" once: %s is "
                  "there twice", key->name, text);
            free(text);
            json_decref(value);
            return false;
        }
    }
    return true;
}

static bool
parse_list(struct parse *p, const struct schema_field *f, const json_t *json,
           size_t *n_elements, void **elements)
{
    size_t size = schema_element_size(f);
    size_t n_faults = p->n_faults;
    size_t n = json_array_size(json);

    if (!json_is_array(json)) {
        return fault(p, VMN_ERR_INVALID, "must be a list");
    }
    if (n > f->max_items) {
        return fault(p, VMN_ERR_TOO_LARGE, "must have at most %"PRIuSIZE
                     " elements", f->max_items);
    }
    if (n < f->min_items) {
        return fault(p, VMN_ERR_INVALID, "must have at least %"PRIuSIZE
                     " element", f->min_items);
    }

    char *array = arena_alloc(p->arena, n * size);
    for (size_t i = 0; i < n; i++) {
        size_t length = pointer_push_index(p, i);

        parse_value(p, f, json_array_get(json, i), array + i * size);
        pointer_pop(p, length);
    }
    if (p->n_faults != n_faults) {
        return false;
    }
    if ((f->flags & SCHEMA_SET) == SCHEMA_SET) {
        n = schema_set_sort(f, array, n);
        if (!check_keys(p, f, array, n)) {
            return false;
        }
    }
    *n_elements = n;
    *elements = array;
    return true;
}

static bool
parse_struct(struct parse *p, const struct schema_struct *s,
             const json_t *json, char *dst)
{
    size_t n_faults = p->n_faults;

    if (!json_is_object(json)) {
        return fault(p, VMN_ERR_INVALID, "must be an object");
    }
    check_unknown(p, s, json);
    for (const struct schema_field *f = s->fields; f->name; f++) {
        const json_t *value = get_member(json, f->name);

        check_presence(p, s, f, json);
        set_default(p, f, dst + f->offset);
        if (value) {
            size_t length = pointer_push(p, f->name);

            if (f->flags & SCHEMA_LIST) {
                parse_list(p, f, value, (size_t *) (void *)
                           (dst + f->n_offset),
                           (void **) (void *) (dst + f->offset));
            } else {
                parse_value(p, f, value, dst + f->offset);
            }
            pointer_pop(p, length);
        }
    }
    if (p->n_faults == n_faults && s->finish) {
        size_t n_before = p->errors->n + p->errors->n_suppressed;

        s->finish(dst, json, ds_cstr(&p->pointer), p->errors);
        p->n_faults += p->errors->n + p->errors->n_suppressed - n_before;
    }
    return p->n_faults == n_faults;
}

/* Parses one value of 'f' (an element, if it is a list) into 'dst'. */
static bool
parse_value(struct parse *p, const struct schema_field *f, const json_t *json,
            void *dst)
{
    const char *text;
    int value;

    switch (f->type) {
    case SCHEMA_BOOL:
        if (!json_is_boolean(json)) {
            return fault(p, VMN_ERR_INVALID, "must be true or false");
        }
        *(bool *) dst = json_is_true(json);
        return true;
    case SCHEMA_INT:
    case SCHEMA_U16:
    case SCHEMA_U32:
        return parse_integer(p, f, json, dst);
    case SCHEMA_ENUM:
        value = parse_enum(p, f, json);
        *(int *) dst = value < 0 ? 0 : value;
        return value >= 0;
    case SCHEMA_STRING:
        return parse_string(p, f, json, dst);
    case SCHEMA_REF:
        return parse_ref(p, f, json, dst);
    case SCHEMA_MAC:
        text = get_text(p, json);
        return text && fault_if(p, value_parse_mac(text, dst));
    case SCHEMA_IP:
        text = get_text(p, json);
        return text && fault_if(p, value_parse_ip(text, dst));
    case SCHEMA_PREFIX:
        return parse_prefix(p, f, json, dst);
    case SCHEMA_RANGE:
        return parse_range(p, json, dst);
    case SCHEMA_LABELS:
        return parse_labels(p, f, json, dst);
    case SCHEMA_SELECTOR:
        text = get_text(p, json);
        return text && fault_if(p, selector_parse(text,
                                                  json_string_length(json),
                                                  p->arena, dst));
    case SCHEMA_STRUCT:
        return parse_struct(p, f->nested, json, dst);
    case SCHEMA_ENUM_SET:
        return parse_enum_set(p, f, json, dst);
    }
    OVS_NOT_REACHED();
}

static void
parse_init(struct parse *p, const char *name, const char *pointer,
           struct arena *arena, struct vmn_errors *errors)
{
    p->arena = arena;
    p->name = name;
    p->errors = errors;
    p->n_faults = 0;
    ds_init(&p->pointer);
    ds_put_cstr(&p->pointer, pointer);
}

struct vmn_row *
schema_row_parse(const struct schema_table *table, const char *name,
                 const json_t *spec, const char *pointer, struct arena *arena,
                 struct vmn_errors *errors)
{
    struct vmn_row *row = arena_alloc(arena, table->row.size);
    struct parse p;

    row->name = arena_strdup(arena, name);
    row->table = table->id;
    parse_init(&p, row->name, pointer, arena, errors);
    fault_if(&p, table->check_name(name));
    parse_struct(&p, &table->row, spec, (char *) row);
    ds_destroy(&p.pointer);
    return p.n_faults ? NULL : row;
}

bool
schema_row_parse_status(const struct schema_table *table,
                        struct vmn_row *row, const json_t *status,
                        const char *pointer, struct arena *arena,
                        struct vmn_errors *errors)
{
    char *dst = (char *) row;
    struct parse p;

    parse_init(&p, row->name, pointer, arena, errors);
    for (const struct schema_field *f = table->row.fields; f->name; f++) {
        const json_t *value = get_member(status, f->name);

        if (!(f->flags & SCHEMA_GIVEN) || !value) {
            continue;
        }

        size_t length = pointer_push(&p, f->name);
        if (f->flags & SCHEMA_LIST) {
            parse_list(&p, f, value, (size_t *) (void *)
                       (dst + f->given_n_offset),
                       (void **) (void *) (dst + f->given_offset));
        } else {
            parse_value(&p, f, value, dst + f->given_offset);
        }
        pointer_pop(&p, length);
    }
    ds_destroy(&p.pointer);
    return !p.n_faults;
}
