/* SPDX-License-Identifier: Apache-2.0
 *
 * Converts JSON to rows, by the description; see schema-row.h.  All errors of
 * an object are reported, each with its pointer. */

#include <config.h>

#include "controller/schema/schema-parse.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/schema-own.h"
#include "util.h"

static bool parse_value(struct parse *, const struct schema_field *,
                        const json_t *, void *dst);

static const char *
field_candidate(const void *s_, size_t i)
{
    const struct schema_struct *s = s_;

    return s->fields[i].name;
}

static const char *
article(const char *noun)
{
    return strchr("aeio", noun[0]) ? "an" : "a";
}

/* Reports members of 'json' that 's' does not have. */
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

        size_t length = parse_push(p, key);
        const char *guess = schema_suggest(key, field_candidate, s);
        if (later && *later) {
            parse_fault(p, VMN_ERR_INVALID, "field \"%s\" of %s %s is "
                        "not supported yet", key, article(s->name), s->name);
        } else if (guess) {
            parse_fault(p, VMN_ERR_INVALID, "unknown field \"%s\" of %s %s; "
                        "did you mean \"%s\"?", key, article(s->name),
                        s->name, guess);
        } else {
            parse_fault(p, VMN_ERR_INVALID, "unknown field \"%.64s\" of %s %s",
                        key, article(s->name), s->name);
        }
        parse_pop(p, length);
    }
}

/* Returns member 'name' of 'json', or NULL if it is absent or null. */
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
    case SCHEMA_U64: *(uint64_t *) dst = f->def; break;
    case SCHEMA_INT:
    case SCHEMA_ENUM: *(int *) dst = f->def; break;
    case SCHEMA_STRING:
        if (f->flags & SCHEMA_NAME_DEFAULT) {
            *(const char **) dst = arena_strdup(p->arena, p->name);
        } else if (f->def_text) {
            *(const char **) dst = f->def_text;
        }
        break;
    case SCHEMA_REF: *(const char **) dst = f->def_text; break;
    case SCHEMA_MAC:
    case SCHEMA_IP:
    case SCHEMA_PREFIX:
    case SCHEMA_RANGE:
    case SCHEMA_LABELS:
    case SCHEMA_SELECTOR:
    case SCHEMA_STRUCT:
    case SCHEMA_ENUM_SET:
    case SCHEMA_I64:
    case SCHEMA_SIZE:
    case SCHEMA_DOUBLE:
        break;
    }
}

/* Reports a required field that is absent, and fields that exclude each other.
 * If both of such a pair are absent, the error is at the one described first;
 * if both are present, at the other; a third one is reported if it is there
 * with one of them. */
static void
check_presence(struct parse *p, const struct schema_struct *s,
               const struct schema_field *f, const json_t *json)
{
    const struct schema_field *other = f->unless
                                       ? schema_find_field(s, f->unless)
                                       : NULL;
    bool have = get_member(json, f->name) != NULL;
    bool have_other = other && get_member(json, other->name);
    bool have_third = f->third && get_member(json, f->third);
    size_t length;

    if (have && have_third) {
        length = parse_push(p, f->third);
        parse_fault(p, VMN_ERR_INVALID, "cannot be combined with \"%s\"",
                    f->name);
        parse_pop(p, length);
    }

    if (have && have_other && other < f) {
        length = parse_push(p, f->name);
        parse_fault(p, VMN_ERR_INVALID, "cannot be combined with \"%s\"",
                    other->name);
        parse_pop(p, length);
    } else if (!have && !have_other && !have_third
               && f->flags & SCHEMA_REQUIRED) {
        if (!other) {
            length = parse_push(p, f->name);
            parse_fault(p, VMN_ERR_INVALID, "is required");
            parse_pop(p, length);
        } else if (f < other && f->third) {
            parse_fault(p, VMN_ERR_INVALID, "needs \"%s\", \"%s\" or "
                        "\"%s\"", f->name, other->name, f->third);
        } else if (f < other) {
            parse_fault(p, VMN_ERR_INVALID, "needs \"%s\" or \"%s\"", f->name,
                        other->name);
        }
    }
}

/* Returns true if the elements of a sorted list of structs have different
 * keys; otherwise reports it. */
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

            parse_fault(p, VMN_ERR_INVALID, "must name each \"%s\" once: %s "
                        "appears twice", key->name, text);
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
    size_t n_errors = p->n_errors;
    size_t n = json_array_size(json);

    if (!json_is_array(json)) {
        return parse_fault(p, VMN_ERR_INVALID, "must be a list");
    }
    if (n > f->max_items) {
        return parse_fault(p, VMN_ERR_TOO_LARGE, "must have at most %"PRIuSIZE
                           " elements", f->max_items);
    }
    if (n < f->min_items && f->absent) {
        return parse_fault(p, VMN_ERR_INVALID, "must not be empty: leave it "
                           "out for %s", f->absent);
    }
    if (n < f->min_items) {
        return parse_fault(p, VMN_ERR_INVALID, "must have at least %"PRIuSIZE
                           " element", f->min_items);
    }

    char *array = arena_alloc(p->arena, n * size);
    for (size_t i = 0; i < n; i++) {
        size_t length = parse_push_index(p, i);

        parse_value(p, f, json_array_get(json, i), array + i * size);
        parse_pop(p, length);
    }
    if (p->n_errors != n_errors) {
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
parse_fields(struct parse *p, const struct schema_struct *s,
             const json_t *json, char *dst)
{
    size_t n_errors = p->n_errors;

    check_unknown(p, s, json);
    for (const struct schema_field *f = s->fields; f->name; f++) {
        const json_t *value = get_member(json, f->name);

        check_presence(p, s, f, json);
        set_default(p, f, dst + f->offset);
        if (value) {
            size_t length = parse_push(p, f->name);

            if (f->flags & SCHEMA_LIST) {
                parse_list(p, f, value, (size_t *) (void *)
                           (dst + f->n_offset),
                           (void **) (void *) (dst + f->offset));
            } else {
                parse_value(p, f, value, dst + f->offset);
            }
            parse_pop(p, length);
        }
    }
    if (p->n_errors == n_errors && s->finish) {
        size_t n_before = p->errors->n + p->errors->n_suppressed;

        s->finish(dst, json, ds_cstr(&p->pointer), p->errors);
        p->n_errors += p->errors->n + p->errors->n_suppressed - n_before;
    }
    return p->n_errors == n_errors;
}

static bool
parse_struct(struct parse *p, const struct schema_struct *s,
             const json_t *json, char *dst)
{
    json_t *expanded = s->expand ? s->expand(json) : NULL;
    bool ok = (json_is_object(json)
               ? parse_fields(p, s, expanded ? expanded : json, dst)
               : parse_fault(p, VMN_ERR_INVALID, "must be an object"));

    json_decref(expanded);
    return ok;
}

/* Parses one value of 'f' (an element, if 'f' is a list) into 'dst'.  Returns
 * false with an error if it is invalid. */
static bool
parse_value(struct parse *p, const struct schema_field *f, const json_t *json,
            void *dst)
{
    return f->type == SCHEMA_STRUCT ? parse_struct(p, f->nested, json, dst)
                                    : parse_scalar(p, f, json, dst);
}

static void
parse_init(struct parse *p, const char *name, const char *pointer,
           struct arena *arena, struct vmn_errors *errors)
{
    p->arena = arena;
    p->name = name;
    p->errors = errors;
    p->n_errors = 0;
    p->stored = false;
    ds_init(&p->pointer);
    ds_put_cstr(&p->pointer, pointer);
}

/* Parses a row, and says in '*ok' whether there were no errors.  'stored' as
 * of struct parse. */
static struct vmn_row *
parse_row(const struct schema_table *table, const char *name,
          const json_t *spec, const char *pointer, struct arena *arena,
          struct vmn_errors *errors, bool stored, bool *ok)
{
    struct vmn_row *row = arena_alloc(arena, table->row.size);
    struct vmn_error error = VMN_ERROR_INIT;
    struct parse p;

    row->name = arena_strdup(arena, name);
    row->table = table->id;
    if (schema_is_own(row->table)) {
        ((struct vmn_object *) (void *) row)->shape = &table->lasting->row;
    }
    parse_init(&p, row->name, pointer, arena, errors);
    p.stored = stored;
    parse_check(&p, table->check_name(name, &error), &error);
    parse_struct(&p, &table->row, spec, (char *) row);
    ds_destroy(&p.pointer);
    *ok = !p.n_errors;
    return row;
}

struct vmn_row *
schema_row_parse(const struct schema_table *table, const char *name,
                 const json_t *spec, const char *pointer, struct arena *arena,
                 struct vmn_errors *errors)
{
    bool ok;
    struct vmn_row *row = parse_row(table, name, spec, pointer, arena, errors,
                                    false, &ok);

    return ok ? row : NULL;
}

struct vmn_row *
schema_row_parse_stored(const struct schema_table *table, const char *name,
                        const json_t *spec, const char *pointer,
                        struct arena *arena, struct vmn_errors *errors)
{
    bool ok;
    struct vmn_row *row = parse_row(table, name, spec, pointer, arena, errors,
                                    true, &ok);

    return ok ? row : NULL;
}

struct vmn_row *
schema_row_parse_lenient(const struct schema_table *table, const char *name,
                         const json_t *spec, struct arena *arena,
                         struct vmn_errors *errors)
{
    bool ok;

    return parse_row(table, name, spec, "", arena, errors, true, &ok);
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

        if (!(f->flags & SCHEMA_ASSIGNED) || !value) {
            continue;
        }

        size_t length = parse_push(&p, f->name);
        if (f->flags & SCHEMA_LIST) {
            parse_list(&p, f, value, (size_t *) (void *)
                       (dst + f->assigned_n_offset),
                       (void **) (void *) (dst + f->assigned_offset));
        } else {
            parse_value(&p, f, value, dst + f->assigned_offset);
        }
        parse_pop(&p, length);
    }
    ds_destroy(&p.pointer);
    return !p.n_errors;
}
