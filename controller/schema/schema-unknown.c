/* SPDX-License-Identifier: Apache-2.0
 *
 * Takes unknown fields out of a spec, and puts them back; see
 * schema-unknown.h. */

#include <config.h>

#include "controller/schema/schema-unknown.h"

#include <stdbool.h>
#include <stdlib.h>

#include "util.h"

/* Taking.  ---------------------------------------------------------------- */

/* Adds [element, 'unknown' of it, which is taken over]. */
static void
add_pair(json_t *pairs, const json_t *element, json_t *unknown)
{
    json_array_append_new(pairs, json_pack(
        "[o, o]", json_deep_copy(element), unknown ? unknown : json_null()));
}

/* Takes what is unknown out of each element.  All elements are returned, also
 * those without: two that differ in what is unknown are one in a set. */
static json_t *
take_list(const struct schema_struct *s, json_t *list)
{
    json_t *pairs = NULL;
    json_t *element;
    size_t i;

    json_array_foreach (list, i, element) {
        json_t *unknown = schema_unknown_take(s, element);

        if (unknown && !pairs) {
            pairs = json_array();
            for (size_t j = 0; j < i; j++) {
                add_pair(pairs, json_array_get(list, j), NULL);
            }
        }
        if (pairs) {
            add_pair(pairs, element, unknown);
        }
    }
    return pairs;
}

/* Sets a member of an object that is made with its first one. */
static void
set_member(json_t **object, const char *name, json_t *value)
{
    *object = *object ? *object : json_object();
    json_object_set(*object, name, value);
}

/* Takes what is unknown out of 'value', field 'f' of 'object', of type
 * SCHEMA_STRUCT.  A struct that has nothing else is as good as absent, so it
 * is taken itself. */
static void
take_nested(const struct schema_field *f, json_t *object, json_t *value,
            json_t **fields, json_t **in)
{
    json_t *unknown = (f->flags & SCHEMA_LIST ? take_list(f->nested, value)
                       : schema_unknown_take(f->nested, value));

    if (unknown && json_is_object(value) && !json_object_size(value)) {
        set_member(fields, f->name, json_object_get(unknown, "fields"));
        json_object_del(object, f->name);
    } else if (unknown) {
        set_member(in, f->name, unknown);
    }
    json_decref(unknown);
}

json_t *
schema_unknown_take(const struct schema_struct *s, json_t *object)
{
    json_t *unknown = NULL, *fields = NULL, *in = NULL;
    const char *name;
    json_t *value;
    void *next;

    json_object_foreach_safe (object, next, name, value) {
        const struct schema_field *f = schema_find_field(s, name);

        if (!f) {
            set_member(&fields, name, value);
            json_object_del(object, name);
        } else if (f->type == SCHEMA_STRUCT) {
            take_nested(f, object, value, &fields, &in);
        }
    }
    if (fields) {
        set_member(&unknown, "fields", fields);
    }
    if (in) {
        set_member(&unknown, "in", in);
    }
    json_decref(fields);
    json_decref(in);
    return unknown;
}

size_t
schema_unknown_size(const json_t *unknown)
{
    const json_t *fields = json_object_get(unknown, "fields");
    size_t size = fields ? json_dumpb(fields, NULL, 0, JSON_COMPACT) : 0;
    const json_t *value, *pair;
    const char *name;
    size_t i;

    json_object_foreach (json_object_get(unknown, "in"), name, value) {
        size += schema_unknown_size(value);
        json_array_foreach (value, i, pair) {
            size += schema_unknown_size(json_array_get(pair, 1));
        }
    }
    return size;
}

/* Putting back.  ---------------------------------------------------------- */

/* The elements that a list had. */
struct pairs {
    const json_t *pairs;
    bool *used;                 /* For each: it is in the list again. */
    size_t n, next;             /* Where the next one is to be expected. */
};

static const json_t *
element_of(const struct pairs *p, size_t i)
{
    return json_array_get(json_array_get(p->pairs, i), 0);
}

static const json_t *
unknown_of(const struct pairs *p, size_t i)
{
    return json_array_get(json_array_get(p->pairs, i), 1);
}

/* Finds a pair of 'element' that is used or not; returns 'n' if there is
 * none. */
static size_t
find_pair(const struct pairs *p, const json_t *element, bool used)
{
    for (size_t i = 0; i < p->n; i++) {
        size_t at = (p->next + i) % p->n;

        if (p->used[at] == used && json_equal(element_of(p, at), element)) {
            return at;
        }
    }
    return p->n;
}

static void
put_list(json_t *list, const json_t *pairs)
{
    struct pairs p = { .pairs = pairs, .n = json_array_size(pairs) };
    json_t *element;
    size_t i;

    p.used = xcalloc(MAX(p.n, 1), sizeof *p.used);
    json_array_foreach (list, i, element) {
        size_t at = find_pair(&p, element, false);

        if (at < p.n) {
            schema_unknown_put(element, unknown_of(&p, at));
            p.used[at] = true;
            p.next = at + 1;
        }
    }
    /* Elements that were one without what is unknown. */
    for (i = 0; i < p.n; i++) {
        if (!p.used[i] && json_is_array(list)
            && find_pair(&p, element_of(&p, i), true) < p.n) {
            element = json_deep_copy(element_of(&p, i));
            schema_unknown_put(element, unknown_of(&p, i));
            json_array_append_new(list, element);
        }
    }
    free(p.used);
}

void
schema_unknown_put(json_t *object, const json_t *unknown)
{
    const char *name;
    json_t *value;

    json_object_foreach (json_object_get(unknown, "fields"), name, value) {
        json_t *now = json_object_get(object, name);
        json_t *copy = json_deep_copy(value);

        if (now) {
            json_object_update_missing(now, copy);
            json_decref(copy);
        } else {
            json_object_set_new(object, name, copy);
        }
    }
    json_object_foreach (json_object_get(unknown, "in"), name, value) {
        json_t *now = json_object_get(object, name);

        if (json_is_array(value)) {
            put_list(now, value);
        } else {
            schema_unknown_put(now, value);
        }
    }
}
