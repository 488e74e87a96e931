/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorted arrays of names.  Insertion moves 8 bytes a name, which at 20,000
 * names is some microseconds, and readers get them without a copy. */

#include <config.h>

#include "controller/model/name-set.h"

#include <string.h>

#include "util.h"

/* Returns the first position whose name is not less than 'name'. */
static size_t
name_set_lower(const struct name_set *set, const char *name)
{
    size_t low = 0, high = set->n;

    /* Rows are loaded in order, so compare with the last one first. */
    if (high && strcmp(set->names[high - 1], name) < 0) {
        return high;
    }
    while (low < high) {
        size_t mid = (low + high) / 2;

        if (strcmp(set->names[mid], name) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

size_t
name_set_upper(const struct name_set *set, const char *name)
{
    size_t i = name_set_lower(set, name);

    return i < set->n && !strcmp(set->names[i], name) ? i + 1 : i;
}

bool
name_set_add(struct name_set *set, const char *name)
{
    size_t i = name_set_lower(set, name);

    if (i < set->n && !strcmp(set->names[i], name)) {
        return false;
    }
    if (set->n >= set->allocated) {
        set->names = x2nrealloc(set->names, &set->allocated,
                                sizeof *set->names);
    }
    memmove(set->names + i + 1, set->names + i,
            (set->n - i) * sizeof *set->names);
    set->names[i] = name;
    set->n++;
    return true;
}

bool
name_set_remove(struct name_set *set, const char *name)
{
    size_t i = name_set_lower(set, name);

    if (i >= set->n || strcmp(set->names[i], name)) {
        return false;
    }
    set->n--;
    memmove(set->names + i, set->names + i + 1,
            (set->n - i) * sizeof *set->names);
    return true;
}
