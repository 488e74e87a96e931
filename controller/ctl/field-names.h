/* SPDX-License-Identifier: Apache-2.0
 *
 * Descends through the fields of a type, name by name, as the schema has them:
 * for what explains fields, and for paths to them.  Not for values
 * (field-path.h). */

#ifndef CONTROLLER_CTL_FIELD_NAMES_H
#define CONTROLLER_CTL_FIELD_NAMES_H 1

#include <stdbool.h>
#include <stddef.h>

#include "controller/schema/schema.h"

/* What a path of names refers to. */
struct ctl_place {
    const struct schema_table *type;
    const struct schema_field *f; /* NULL: the type itself, its spec or its
                                   * status. */
    bool shown;                 /* It is part of the status. */
};

/* Returns the fields of the place, or NULL if it has none; of a status,
 * without the assigned fields of the spec. */
const struct schema_struct *ctl_place_fields(const struct ctl_place *);

/* Descends to the field 'name'.  Returns false, and stays, if there is
 * none. */
bool ctl_place_step(struct ctl_place *, const char *name);

/* Returns the name of the 'i'th field, or NULL past the last one. */
const char *ctl_place_name(const struct ctl_place *, size_t i);

/* Returns the field that 'name' is probably a slip of, or NULL. */
const char *ctl_place_guess(const struct ctl_place *, const char *name);

#endif /* controller/ctl/field-names.h */
