/* SPDX-License-Identifier: Apache-2.0
 *
 * What vmnctl knows of each type of object: its names, and its columns.  Not
 * for which fields are allowed: the server checks them. */

#ifndef CONTROLLER_CTL_TYPES_H
#define CONTROLLER_CTL_TYPES_H 1

#include "controller/ctl/table.h"

struct ctl_type {
    const char *name;           /* In API paths; NULL ends ctl_types[]. */
    const char *singular;
    const char *short_name;     /* Or NULL. */
    const struct ctl_column *columns;
};

extern const struct ctl_type ctl_types[];

/* The type by any of its names, or NULL. */
const struct ctl_type *ctl_type_find(const char *name);

#endif /* controller/ctl/types.h */
