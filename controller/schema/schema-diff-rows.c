/* SPDX-License-Identifier: Apache-2.0
 *
 * Differences of rows, as text and as lists of fields; see schema-diff.h.
 * Equal fields are detected in the rows.  Of the others only nested ones are
 * converted to JSON: every change through the API is compared here. */

#include <config.h>

#include "controller/schema/schema-diff.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/schema-diff-private.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static void
print_differing(const struct vmn_row *row, const struct vmn_row *other,
                bool given, struct ds *ds)
{
    const struct schema_field *f = schema_struct_of(row)->fields;

    ds_put_char(ds, '{');
    for (; f->name; f++) {
        size_t length = ds->length;

        if (f->flags & SCHEMA_SECRET
            || (given && !(f->flags & SCHEMA_ASSIGNED))
            || (other && (given ? schema_field_same_assigned(f, row, other)
                                : schema_field_same(f, row, other)))) {
            continue;
        }
        schema_print_name(ds, f->name);
        if (!schema_field_print(f, row, given, ds)) {
            ds_truncate(ds, length);
        }
    }
    ds_put_char(ds, '}');
}

bool
schema_version_has_secrets(const struct schema_version *before,
                           const struct schema_version *after)
{
    const struct schema_field *f;
    const struct vmn_row *row = before->row, *other = after->row;
    struct arena arena;
    bool has = false;

    if (!row || !schema_is_own(row->table)) {
        return false;
    }
    arena_init(&arena);
    if (other) {
        row = schema_own_row_as(row, other, &arena);
    }
    for (f = schema_struct_of(row)->fields; f->name; f++) {
        if (f->flags & SCHEMA_SECRET) {
            const char *at = (const char *) row + f->offset;

            has |= (other ? !schema_field_same(f, row, other)
                    : *(const char *const *) at != NULL);
        }
    }
    arena_uninit(&arena);
    return has;
}

void
schema_version_print(const struct schema_version *version,
                     const struct schema_version *other, struct ds *ds)
{
    const struct vmn_row *row = version->row;
    const struct vmn_row *other_row = other->row;
    struct arena arena;

    arena_init(&arena);
    if (other_row) {
        other_row = schema_own_row_as(other_row, row, &arena);
    }
    ds_put_cstr(ds, "{\"spec\":");
    print_differing(row, other_row, false, ds);
    ds_put_cstr(ds, ",\"status\":");
    print_differing(row, other_row, true, ds);
    arena_uninit(&arena);
    if (version->set && (!other->row
                         || !nullable_string_is_equal(version->set,
                                                      other->set))) {
        ds_put_cstr(ds, ",\"metadata\":{\"set\":");
        schema_print_string(ds, version->set);
        ds_put_char(ds, '}');
    }
    ds_put_char(ds, '}');
}

/* Sets 'ds' to a field as JSON text.  Returns it, or NULL if it is absent. */
static const char *
field_text(const struct schema_field *f, const struct vmn_row *row, bool given,
           struct ds *ds)
{
    ds_clear(ds);
    return schema_field_print(f, row, given, ds) ? ds_cstr(ds) : NULL;
}

/* Adds the field with its two values, which are JSON text or NULL. */
static void
add_texts(struct differ *d, const char *before, const char *after)
{
    struct schema_diff_field *field = differ_add(d);

    if (!field) {
        return;
    }
    if ((before && strlen(before) > SCHEMA_DIFF_VALUE_MAX)
        || (after && strlen(after) > SCHEMA_DIFF_VALUE_MAX)) {
        field->left_out = "size";
        return;
    }
    field->before = before ? arena_strdup(d->arena, before) : NULL;
    field->after = after ? arena_strdup(d->arena, after) : NULL;
}

static json_t *
parse_text(const char *text)
{
    json_t *json = text ? json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL,
                                     NULL) : NULL;

    ovs_assert(!text || json);
    return json;
}

/* Adds the differences of one field of an object.  Only a nested field is
 * converted to JSON, to be compared member by member. */
static void
diff_texts(struct differ *d, const struct schema_field *f, const char *before,
           const char *after)
{
    size_t length = differ_enter(d, f->name);

    if (f->flags & SCHEMA_LIST || f->type == SCHEMA_STRUCT) {
        json_t *a = parse_text(before);
        json_t *b = parse_text(after);

        differ_compare(d, f, a, b);
        json_decref(a);
        json_decref(b);
    } else if (!nullable_string_is_equal(before, after)) {
        add_texts(d, before, after);
    }
    differ_leave(d, length);
}

/* Adds the label with its two values, either of which may be NULL. */
static void
diff_label(struct differ *d, const char *key, const char *before,
           const char *after)
{
    size_t length = differ_enter(d, key);
    struct ds a = DS_EMPTY_INITIALIZER, b = DS_EMPTY_INITIALIZER;

    if (before) {
        schema_print_string(&a, before);
    }
    if (after) {
        schema_print_string(&b, after);
    }
    add_texts(d, before ? ds_cstr(&a) : NULL, after ? ds_cstr(&b) : NULL);
    ds_destroy(&a);
    ds_destroy(&b);
    differ_leave(d, length);
}

/* Adds the labels that differ: the field that changes most. */
static void
diff_labels(struct differ *d, const struct schema_field *f,
            const struct vmn_row *before, const struct vmn_row *after)
{
    const struct vmn_labels *a = schema_row_labels(before);
    const struct vmn_labels *b = schema_row_labels(after);
    size_t length = differ_enter(d, f->name);

    for (size_t i = 0; i < a->n; i++) {
        const char *value = vmn_labels_get(b, a->labels[i].key);

        if (!nullable_string_is_equal(a->labels[i].value, value)) {
            diff_label(d, a->labels[i].key, a->labels[i].value, value);
        }
    }
    for (size_t i = 0; i < b->n; i++) {
        if (!vmn_labels_get(a, b->labels[i].key)) {
            diff_label(d, b->labels[i].key, NULL, b->labels[i].value);
        }
    }
    differ_leave(d, length);
}

static void
diff_spec(struct differ *d, const struct vmn_row *before,
          const struct vmn_row *after)
{
    const struct schema_field *f = schema_struct_of(after)->fields;
    struct ds a = DS_EMPTY_INITIALIZER, b = DS_EMPTY_INITIALIZER;

    for (; f->name; f++) {
        if (f->flags & SCHEMA_SECRET || schema_field_same(f, before, after)) {
            continue;
        }
        if (f->type == SCHEMA_LABELS) {
            diff_labels(d, f, before, after);
        } else {
            diff_texts(d, f, field_text(f, before, false, &a),
                       field_text(f, after, false, &b));
        }
    }
    ds_destroy(&a);
    ds_destroy(&b);
}

/* Returns true if the assigned value equals the requested one, or there is
 * none. */
static bool
is_as_asked(const struct schema_field *f, const struct vmn_row *row,
            const char *assigned)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    bool same = !assigned
                || nullable_string_is_equal(field_text(f, row, false, &ds),
                                            assigned);

    ds_destroy(&ds);
    return same;
}

/* Adds the assigned value, unless it follows from the requested one. */
static void
diff_assigned(struct differ *d, const struct vmn_row *before,
              const struct vmn_row *after)
{
    const struct schema_field *f = schema_struct_of(after)->fields;
    struct ds ds_a = DS_EMPTY_INITIALIZER, ds_b = DS_EMPTY_INITIALIZER;

    for (; f->name; f++) {
        const char *a, *b;

        if (!(f->flags & SCHEMA_ASSIGNED) || f->flags & SCHEMA_SECRET
            || schema_field_same_assigned(f, before, after)) {
            continue;
        }
        a = field_text(f, before, true, &ds_a);
        b = field_text(f, after, true, &ds_b);
        if (schema_field_same(f, before, after)
            || !is_as_asked(f, before, a) || !is_as_asked(f, after, b)) {
            diff_texts(d, f, a, b);
        }
    }
    ds_destroy(&ds_a);
    ds_destroy(&ds_b);
}

static void
diff_set_name(struct differ *d, const char *before, const char *after)
{
    struct ds a = DS_EMPTY_INITIALIZER, b = DS_EMPTY_INITIALIZER;

    if (!nullable_string_is_equal(before, after)) {
        size_t length = differ_enter(d, "set");

        if (before) {
            schema_print_string(&a, before);
        }
        if (after) {
            schema_print_string(&b, after);
        }
        add_texts(d, before ? ds_cstr(&a) : NULL, after ? ds_cstr(&b) : NULL);
        differ_leave(d, length);
    }
    ds_destroy(&a);
    ds_destroy(&b);
}

/* Adds secret fields that differ, without their values. */
static void
diff_secrets(struct differ *d, const struct vmn_row *before,
             const struct vmn_row *after)
{
    const struct schema_field *f = schema_struct_of(after)->fields;
    struct schema_diff_field *field;
    size_t length;

    for (; f->name; f++) {
        if (f->flags & SCHEMA_SECRET && !schema_field_same(f, before, after)) {
            length = differ_enter(d, f->name);
            field = differ_add(d);
            if (field) {
                field->left_out = "secret";
            }
            differ_leave(d, length);
        }
    }
}

void
schema_version_diff(const struct schema_version *before,
                    const struct schema_version *after, size_t max,
                    struct arena *arena, struct schema_diff *diff)
{
    struct differ d = { arena, diff, MIN(max, SCHEMA_DIFF_MAX), 0,
                        DS_EMPTY_INITIALIZER };
    const struct vmn_row *former = schema_own_row_as(before->row, after->row,
                                                     arena);
    size_t length;

    memset(diff, 0, sizeof *diff);
    length = differ_enter(&d, "spec");
    diff_spec(&d, former, after->row);
    differ_leave(&d, length);
    length = differ_enter(&d, "status");
    diff_assigned(&d, former, after->row);
    differ_leave(&d, length);
    length = differ_enter(&d, "metadata");
    diff_set_name(&d, before->set, after->set);
    differ_leave(&d, length);
    length = differ_enter(&d, "spec");
    diff_secrets(&d, former, after->row);
    differ_leave(&d, length);
    ds_destroy(&d.path);
}
