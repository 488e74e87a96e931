/* SPDX-License-Identifier: Apache-2.0
 *
 * Differences of objects that are JSON, and of values; see schema-diff.h.  Not
 * for those of rows (schema-diff-rows.c). */

#include <config.h>

#include "controller/schema/schema-diff.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/schema-diff-private.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/schema-shown.h"
#include "controller/schema/schema-struct.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Sets with up to this many elements are shown completely. */
#define SMALL_SET 4

const struct schema_struct schema_diff_field_shown = SHOWN_KEPT(
    "FieldChange", schema_diff_field,
    SHOWN_OF(schema_diff_field, path, STRING, ALWAYS,
             "JSON pointer (RFC 6901) into the object, such as "
             "`/spec/mode`.  An index is that in the list that has the "
             "element."),
    SHOWN_OF(schema_diff_field, before, STRING, ANY,
             "The value before; missing: there was none."),
    SHOWN_OF(schema_diff_field, after, STRING, ANY,
             "The value after; missing: there is none any more."),
    SHOWN_OF(schema_diff_field, added, STRING, ANY,
             "Of a long set, in place of these: the elements that are added."),
    SHOWN_OF(schema_diff_field, removed, STRING, ANY,
             "And the elements that are removed."),
    SHOWN_OF(schema_diff_field, left_out, ENUM, 0,
             "Why the values are not shown: they are secret, or too long.",
             SHOWN_NAMES("secret", "size")));

/* Fields.  --------------------------------------------------------------- */

size_t
differ_enter(struct differ *d, const char *step)
{
    size_t length = d->path.length;

    ds_put_char(&d->path, '/');
    for (const char *p = step; *p; p++) {
        if (*p == '~' || *p == '/') {
            ds_put_cstr(&d->path, *p == '~' ? "~0" : "~1");
        } else {
            ds_put_char(&d->path, *p);
        }
    }
    return length;
}

static size_t
enter_index(struct differ *d, size_t i)
{
    char step[24];

    snprintf(step, sizeof step, "%"PRIuSIZE, i);
    return differ_enter(d, step);
}

void
differ_leave(struct differ *d, size_t length)
{
    ds_truncate(&d->path, length);
}

struct schema_diff_field *
differ_add(struct differ *d)
{
    struct schema_diff *diff = d->diff;

    if (diff->n >= d->max) {
        diff->n_more++;
        return NULL;
    }
    if (diff->n >= d->allocated) {
        size_t n = MIN(MAX(2 * d->allocated, 4), d->max);
        struct schema_diff_field *fields
            = arena_alloc(d->arena, n * sizeof *fields);

        if (diff->n) {
            memcpy(fields, diff->fields, diff->n * sizeof *fields);
        }
        diff->fields = fields;
        d->allocated = n;
    }
    diff->fields[diff->n].path = arena_strdup(d->arena, ds_cstr(&d->path));
    return &diff->fields[diff->n++];
}

/* Returns 'value' (NULL: absent) as JSON in the arena; or NULL, with '*fits'
 * false if it is too long. */
static const char *
text_of(struct differ *d, const json_t *value, bool *fits)
{
    char buf[SCHEMA_DIFF_VALUE_MAX];
    size_t size;

    if (!value) {
        return NULL;
    }
    size = json_dumpb(value, buf, sizeof buf,
                      JSON_COMPACT | JSON_ENCODE_ANY);
    if (size > sizeof buf) {
        *fits = false;
        return NULL;
    }
    return arena_memdup0(d->arena, buf, size);
}

/* Adds the field with its two values. */
static void
add_values(struct differ *d, const json_t *before, const json_t *after)
{
    struct schema_diff_field *field = differ_add(d);
    bool fits = true;

    if (!field) {
        return;
    }
    field->before = text_of(d, before, &fits);
    field->after = text_of(d, after, &fits);
    if (!fits) {
        field->before = field->after = NULL;
        field->left_out = "size";
    }
}

/* Values.  --------------------------------------------------------------- */

/* Returns the elements of 'list' that 'other' lacks.  The caller owns it. */
static json_t *
elements_lacking(const json_t *list, const json_t *other)
{
    json_t *known = json_object(), *lacking = json_array();
    const json_t *element;
    size_t i;

    json_array_foreach (other, i, element) {
        char *text = json_dumps(element, JSON_COMPACT | JSON_ENCODE_ANY);

        json_object_set_new(known, text, json_true());
        free(text);
    }
    json_array_foreach (list, i, element) {
        char *text = json_dumps(element, JSON_COMPACT | JSON_ENCODE_ANY);

        if (!json_object_get(known, text)) {
            json_array_append(lacking, CONST_CAST(json_t *, element));
        }
        free(text);
    }
    json_decref(known);
    return lacking;
}

static void
diff_set(struct differ *d, const json_t *before, const json_t *after)
{
    struct schema_diff_field *field;
    json_t *added, *removed;
    bool fits = true;

    if (MAX(json_array_size(before), json_array_size(after)) <= SMALL_SET) {
        add_values(d, before, after);
        return;
    }
    field = differ_add(d);
    if (!field) {
        return;
    }
    added = elements_lacking(after, before);
    removed = elements_lacking(before, after);
    field->added = text_of(d, added, &fits);
    field->removed = text_of(d, removed, &fits);
    if (!fits) {
        field->added = field->removed = NULL;
        field->left_out = "size";
    }
    json_decref(added);
    json_decref(removed);
}

static void
diff_members(struct differ *d, const struct schema_struct *s,
             const json_t *before, const json_t *after)
{
    for (const struct schema_field *f = s->fields; f->name; f++) {
        size_t length = differ_enter(d, f->name);

        differ_compare(d, f, json_object_get(before, f->name),
                   json_object_get(after, f->name));
        differ_leave(d, length);
    }
}

static void
diff_label(struct differ *d, const char *key, const json_t *before,
           const json_t *after)
{
    size_t length = differ_enter(d, key);

    add_values(d, before, after);
    differ_leave(d, length);
}

static void
diff_labels(struct differ *d, const json_t *before, const json_t *after)
{
    const char *key;
    json_t *value;

    json_object_foreach (CONST_CAST(json_t *, before), key, value) {
        const json_t *now = json_object_get(after, key);

        if (!now || !json_equal(value, now)) {
            diff_label(d, key, value, now);
        }
    }
    json_object_foreach (CONST_CAST(json_t *, after), key, value) {
        if (!json_object_get(before, key)) {
            diff_label(d, key, NULL, value);
        }
    }
}

/* Adds element 'i' of a list that has it alone. */
static void
diff_element(struct differ *d, const struct schema_field *f, size_t i,
             const json_t *before, const json_t *after)
{
    size_t length = enter_index(d, i);

    if (before && after) {
        if (!json_equal(before, after)) {
            diff_members(d, f->nested, before, after);
        }
    } else {
        add_values(d, before, after);
    }
    differ_leave(d, length);
}

/* Returns the key of an element as text, which the caller frees. */
static char *
key_of(const struct schema_field *f, const json_t *element)
{
    const json_t *key = json_object_get(element, f->nested->fields[0].name);

    return key ? json_dumps(key, JSON_COMPACT | JSON_ENCODE_ANY)
               : xstrdup("");
}

/* Returns where each element of 'list' is, by key.  The caller owns it. */
static json_t *
index_by_key(const struct schema_field *f, const json_t *list)
{
    json_t *index = json_object();
    const json_t *element;
    size_t i;

    json_array_foreach (list, i, element) {
        char *key = key_of(f, element);

        json_object_set_new(index, key, json_integer(i));
        free(key);
    }
    return index;
}

/* Elements of which each has a key of its own: those with one key are
 * compared. */
static void
diff_keyed(struct differ *d, const struct schema_field *f,
           const json_t *before, const json_t *after)
{
    json_t *was = index_by_key(f, before), *is = index_by_key(f, after);
    const json_t *element;
    size_t i;

    json_array_foreach (before, i, element) {
        char *key = key_of(f, element);

        if (!json_object_get(is, key)) {
            diff_element(d, f, i, element, NULL);
        }
        free(key);
    }
    json_array_foreach (after, i, element) {
        char *key = key_of(f, element);
        const json_t *at = json_object_get(was, key);

        diff_element(d, f, i, at ? json_array_get(before,
                                                  json_integer_value(at))
                                 : NULL, element);
        free(key);
    }
    json_decref(was);
    json_decref(is);
}

/* Compares elements in order.  Equal ones at both ends are skipped; between,
 * elements are compared one by one if their numbers are equal, else they are
 * removed and added. */
static void
diff_ordered(struct differ *d, const struct schema_field *f,
             const json_t *before, const json_t *after)
{
    size_t n_before = json_array_size(before);
    size_t n_after = json_array_size(after);
    size_t first = 0;

    while (first < MIN(n_before, n_after)
           && json_equal(json_array_get(before, first),
                         json_array_get(after, first))) {
        first++;
    }
    while (n_before > first && n_after > first
           && json_equal(json_array_get(before, n_before - 1),
                         json_array_get(after, n_after - 1))) {
        n_before--;
        n_after--;
    }
    if (n_before == n_after) {
        for (size_t i = first; i < n_after; i++) {
            diff_element(d, f, i, json_array_get(before, i),
                         json_array_get(after, i));
        }
        return;
    }
    for (size_t i = first; i < n_before; i++) {
        diff_element(d, f, i, json_array_get(before, i), NULL);
    }
    for (size_t i = first; i < n_after; i++) {
        diff_element(d, f, i, NULL, json_array_get(after, i));
    }
}

static void
diff_list(struct differ *d, const struct schema_field *f,
          const json_t *before, const json_t *after)
{
    if (f->type != SCHEMA_STRUCT) {
        if ((f->flags & SCHEMA_SET) == SCHEMA_SET) {
            diff_set(d, before, after);
        } else {
            add_values(d, before, after);
        }
    } else if (f->nested->fields[0].flags & SCHEMA_KEY) {
        diff_keyed(d, f, before, after);
    } else {
        diff_ordered(d, f, before, after);
    }
}

void
differ_compare(struct differ *d, const struct schema_field *f,
           const json_t *before, const json_t *after)
{
    if (before == after || (before && after && json_equal(before, after))) {
        return;
    }
    if (f->flags & SCHEMA_LIST && json_is_array(before)
        && json_is_array(after)) {
        diff_list(d, f, before, after);
    } else if (f->type == SCHEMA_LABELS
               && (!before || json_is_object(before))
               && (!after || json_is_object(after))) {
        diff_labels(d, before, after);
    } else if (f->type == SCHEMA_STRUCT && json_is_object(before)
               && json_is_object(after)) {
        diff_members(d, f->nested, before, after);
    } else {
        add_values(d, before, after);
    }
}

/* Objects.  -------------------------------------------------------------- */

/* As diff_assigned(). */
static void
diff_status(struct differ *d, const struct schema_table *table,
            const json_t *before, const json_t *after)
{
    const json_t *was = json_object_get(before, "status");
    const json_t *is = json_object_get(after, "status");
    const json_t *asked = json_object_get(before, "spec");
    const json_t *asks = json_object_get(after, "spec");

    for (const struct schema_field *f = table->row.fields; f->name; f++) {
        const json_t *a = json_object_get(was, f->name);
        const json_t *b = json_object_get(is, f->name);
        const json_t *sa = json_object_get(asked, f->name);
        const json_t *sb = json_object_get(asks, f->name);
        size_t length;

        if (!(f->flags & SCHEMA_ASSIGNED)
            || ((!a || (sa && json_equal(a, sa)))
                && (!b || (sb && json_equal(b, sb))))) {
            continue;
        }
        length = differ_enter(d, f->name);
        differ_compare(d, f, a, b);
        differ_leave(d, length);
    }
}

static void
diff_objects(struct differ *d, const struct schema_table *table,
             const json_t *before, const json_t *after)
{
    static const struct schema_field set = SHOWN(
        "set", STRING, 0, "The set that it belongs to.");
    size_t length = differ_enter(d, "spec");

    diff_members(d, &table->row, json_object_get(before, "spec"),
                 json_object_get(after, "spec"));
    differ_leave(d, length);
    length = differ_enter(d, "status");
    diff_status(d, table, before, after);
    differ_leave(d, length);
    length = differ_enter(d, "metadata");
    differ_enter(d, "set");
    differ_compare(d, &set,
               json_object_get(json_object_get(before, "metadata"), "set"),
               json_object_get(json_object_get(after, "metadata"), "set"));
    differ_leave(d, length);
}

void
schema_json_diff(const struct schema_table *table, const json_t *before,
                 const json_t *after, size_t max, struct arena *arena,
                 struct schema_diff *diff)
{
    struct differ d = { arena, diff, MIN(max, SCHEMA_DIFF_MAX), 0,
                        DS_EMPTY_INITIALIZER };

    memset(diff, 0, sizeof *diff);
    diff_objects(&d, table, before, after);
    ds_destroy(&d.path);
}
