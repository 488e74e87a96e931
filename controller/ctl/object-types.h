/* SPDX-License-Identifier: Apache-2.0
 *
 * The types of objects by their names, which come from the schema, and by
 * short ones.  Not for their columns (object-columns.h). */

#ifndef CONTROLLER_CTL_OBJECT_TYPES_H
#define CONTROLLER_CTL_OBJECT_TYPES_H 1

#include <stddef.h>

#include "controller/schema/schema.h"

/* Returns the type with this plural, singular or short name, or NULL.  If VMN
 * has none, the server is asked (server-types.h). */
const struct schema_table *ctl_type_find(const char *name);

/* Returns the name of a type that 'name' is probably a slip of, or NULL. */
const char *ctl_type_guess(const char *name);

/* Returns the 'i'th type, or NULL past the last one.  Those that apps declare
 * are the last, once they are known. */
const struct schema_table *ctl_type_at(size_t i);

/* Returns the short name, or NULL if the type has none. */
const char *ctl_type_short_name(const struct schema_table *);

#endif /* controller/ctl/object-types.h */
