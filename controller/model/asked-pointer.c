/* SPDX-License-Identifier: Apache-2.0
 *
 * Pointers into requests; see asked-pointer.h. */

#include <config.h>

#include "controller/model/asked-pointer.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Returns true if 'kept' may be what 'asked' was parsed to: it has all of
 * that, and defaults besides.  Of lists inside it is not looked at
 * elements. */
static bool
is_made_of(const json_t *kept, const json_t *asked)
{
    const char *name;
    json_t *value;

    if (json_is_object(asked)) {
        json_object_foreach (CONST_CAST(json_t *, asked), name, value) {
            if (!json_is_null(value)
                && !is_made_of(json_object_get(kept, name), value)) {
                return false;
            }
        }
        return json_is_object(kept);
    }
    return json_is_array(asked) ? json_is_array(kept)
           : kept && json_equal(kept, asked);
}

/* The same of elements of a set, which may differ in a key. */
static bool
is_element(const struct schema_field *f, const json_t *kept,
           const json_t *asked)
{
    const struct schema_field *key = f->nested ? &f->nested->fields[0] : NULL;
    const json_t *value;

    if (!key || !(key->flags & SCHEMA_KEY)) {
        return is_made_of(kept, asked);
    }
    value = json_object_get(kept, key->name);
    return value && json_equal(value, json_object_get(asked, key->name));
}

/* Returns how many members an element has that say something, those of structs
 * in it included. */
static size_t
count_members(const json_t *asked)
{
    const char *name;
    json_t *value;
    size_t n = 0;

    json_object_foreach (CONST_CAST(json_t *, asked), name, value) {
        n += !json_is_null(value) + count_members(value);
    }
    return n;
}

/* Returns the place in 'asked', a list, of what is at 'i' of set 'kept': of
 * those that may be it the one that says most, since what says less may be
 * another one's; of several the same place, if that is one of them. */
static size_t
find_place(const struct schema_field *f, const json_t *kept, size_t i,
           const json_t *asked)
{
    const json_t *element = json_array_get(kept, i);
    size_t n = json_array_size(asked), best = i, most = 0;

    for (size_t j = 0; element && j < n; j++) {
        size_t place = (i + j) % n;
        const json_t *other = json_array_get(asked, place);

        if (is_element(f, element, other) && count_members(other) + 1 > most) {
            most = count_members(other) + 1;
            best = place;
        }
    }
    return best;
}

/* Returns the number that 'word' is, or SIZE_MAX. */
static size_t
index_of(const char *word)
{
    size_t len = strlen(word);

    return (len && len < 9 && strspn(word, "0123456789") == len
            ? strtoul(word, NULL, 10) : SIZE_MAX);
}

char *
asked_pointer(const char *pointer, const struct schema_struct *s,
              const json_t *kept, const json_t *asked)
{
    const struct schema_field *f = NULL;
    struct ds ds = DS_EMPTY_INITIALIZER;

    while (*pointer == '/') {
        size_t len = strcspn(pointer + 1, "/");
        char *word = xmemdup0(pointer + 1, len);
        size_t i = f && json_is_array(kept) ? index_of(word) : SIZE_MAX;

        if (i != SIZE_MAX) {
            size_t place = ((f->flags & SCHEMA_SET) == SCHEMA_SET
                            ? find_place(f, kept, i, asked) : i);

            ds_put_format(&ds, "/%"PRIuSIZE, place);
            kept = json_array_get(kept, i);
            asked = json_array_get(asked, place);
        } else {
            ds_put_format(&ds, "/%s", word);
            f = s ? schema_find_field(s, word) : NULL;
            s = f ? f->nested : NULL;
            kept = json_object_get(kept, word);
            asked = json_object_get(asked, word);
        }
        free(word);
        pointer += 1 + len;
    }
    ds_put_cstr(&ds, pointer);
    return ds_steal_cstr(&ds);
}
