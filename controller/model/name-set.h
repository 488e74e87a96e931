/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorted arrays of names.  For controller/model alone. */

#ifndef CONTROLLER_MODEL_NAME_SET_H
#define CONTROLLER_MODEL_NAME_SET_H 1

#include <stdbool.h>
#include <stddef.h>

/* A sorted array of names that belong to entries. */
struct name_set {
    size_t n, allocated;
    const char **names;
};

/* Both return false if there is nothing to do. */
bool name_set_add(struct name_set *, const char *name);
bool name_set_remove(struct name_set *, const char *name);
/* The index of the first name greater than 'name'. */
size_t name_set_upper(const struct name_set *, const char *name);

#endif /* controller/model/name-set.h */
