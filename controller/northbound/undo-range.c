/* SPDX-License-Identifier: Apache-2.0
 *
 * Adds up the changes of several revisions: of each object what it was before
 * the first and is after the last of them.  The log has whole objects where
 * they were created or deleted, and otherwise the fields that differ, in
 * "spec", "status" and "metadata".  Not for what is then made of it
 * (api-undo.c). */

#include <config.h>

#include "controller/northbound/undo-range.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Parts of an object that are compared field by field. */
static const char *const parts[] = { "spec", "status", "metadata" };

/* Returns a part of a version, which has it from now on. */
static json_t *
part_of(json_t *version, const char *part)
{
    json_t *found = json_object_get(version, part);

    if (!json_is_object(found)) {
        json_object_set_new(version, part, json_object());
        found = json_object_get(version, part);
    }
    return found;
}

/* Sets a field to 'value', or deletes it (NULL). */
static void
set_field(json_t *fields, const char *name, json_t *value)
{
    if (value) {
        json_object_set(fields, name, value);
    } else {
        json_object_del(fields, name);
    }
}

/* Calls 'f' for each field of a part that either version has. */
static void
each_field(const json_t *one, const json_t *other, const char *part,
           void (*f)(void *aux, const char *part, const char *name,
                     json_t *in_one, json_t *in_other), void *aux)
{
    json_t *fields = json_object_get(one, part);
    json_t *others = json_object_get(other, part), *value;
    const char *name;

    json_object_foreach (fields, name, value) {
        f(aux, part, name, value, json_object_get(others, name));
    }
    json_object_foreach (others, name, value) {
        if (!json_object_get(fields, name)) {
            f(aux, part, name, NULL, value);
        }
    }
}

static void
each(const json_t *one, const json_t *other,
     void (*f)(void *aux, const char *part, const char *name, json_t *in_one,
               json_t *in_other), void *aux)
{
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        each_field(one, other, parts[i], f, aux);
    }
}

/* A later update of an object whose earlier fields, or which as a whole, is
 * known. */
struct update {
    json_t *before, *after;     /* What is known; NULL: not needed. */
};

static bool
has(const json_t *version, const char *part, const char *name)
{
    return json_object_get(json_object_get(version, part), name) != NULL;
}

/* Of a field that nobody has changed before the former value is the one before
 * all revisions. */
static void
add_update(void *update_, const char *part, const char *name, json_t *was,
           json_t *became)
{
    struct update *update = update_;

    if (update->before && !has(update->before, part, name)
        && !has(update->after, part, name)) {
        set_field(part_of(update->before, part), name, was);
    }
    set_field(part_of(update->after, part), name, became);
}

/* Has the whole object, as it was when it was deleted, be what it was before
 * the updates that are known. */
static void
take_back(void *whole, const char *part, const char *name, json_t *was,
          json_t *became OVS_UNUSED)
{
    set_field(part_of(whole, part), name, was);
}

/* Adds a later change of an object to what is known. */
static void
add_change(json_t *known, json_t *was, json_t *became)
{
    json_t *before = json_object_get(known, "before");
    json_t *after = json_object_get(known, "after");
    bool is_update = before && after
                     && !json_is_true(json_object_get(known, "is_whole"));

    if (!became) {
        if (is_update) {
            json_t *whole = json_deep_copy(was);

            each(before, after, take_back, whole);
            json_object_set_new(known, "before", whole);
        }
        json_object_del(known, "after");
    } else if (!was || !after) {
        json_object_set_new(known, "after", json_deep_copy(became));
        json_object_set_new(known, "is_whole", json_true());
    } else {
        struct update update = { .before = is_update ? before : NULL,
                                 .after = after };

        each(was, became, add_update, &update);
    }
}

void
undo_range_add(json_t *range, const json_t *contents, uint64_t revision)
{
    const json_t *object;
    size_t i;

    json_array_foreach (json_object_get(contents, "objects"), i, object) {
        const char *type = json_string_value(json_object_get(object, "type"));
        const char *name = json_string_value(json_object_get(object, "name"));
        json_t *before = json_object_get(object, "before");
        json_t *after = json_object_get(object, "after");

        if (!type || !name || (!before && !after)) {
            continue;
        }
        char *key = xasprintf("%s/%s", type, name);
        json_t *known = json_object_get(range, key);

        if (known) {
            add_change(known, before, after);
        } else {
            known = json_deep_copy(object);
            json_object_set_new(known, "is_whole",
                                json_boolean(!before || !after));
            json_object_set_new(range, key, known);
        }
        json_object_set_new(known, "revision", json_integer(revision));
        free(key);
    }
}

static void
note_difference(void *differs, const char *part OVS_UNUSED,
                const char *name OVS_UNUSED, json_t *one, json_t *other)
{
    if (!one || !other || !json_equal(one, other)) {
        *(bool *) differs = true;
    }
}

json_t *
undo_range_objects(const json_t *range)
{
    json_t *objects = json_array(), *known;
    const char *key;

    json_object_foreach (CONST_CAST(json_t *, range), key, known) {
        json_t *before = json_object_get(known, "before");
        json_t *after = json_object_get(known, "after");
        bool differs = !before != !after;

        if (before && after) {
            each(before, after, note_difference, &differs);
        }
        if (differs) {
            json_array_append(objects, known);
        }
    }
    return objects;
}
