/* SPDX-License-Identifier: Apache-2.0
 *
 * Fields of a type by their names; see field-names.h. */

#include <config.h>

#include "controller/ctl/field-names.h"

const struct schema_struct *
ctl_place_fields(const struct ctl_place *place)
{
    if (place->f) {
        return place->f->type == SCHEMA_STRUCT ? place->f->nested : NULL;
    }
    return place->shown ? place->type->status : &place->type->row;
}

bool
ctl_place_step(struct ctl_place *place, const char *name)
{
    const struct schema_struct *s = ctl_place_fields(place);
    const struct schema_field *f = s ? schema_find_field(s, name) : NULL;

    if (!f && !place->f && place->shown) {
        f = schema_find_field(&place->type->row, name);
        f = f && f->flags & SCHEMA_ASSIGNED ? f : NULL;
    }
    if (f) {
        place->f = f;
    }
    return f != NULL;
}

const char *
ctl_place_name(const struct ctl_place *place, size_t i)
{
    const struct schema_struct *s = ctl_place_fields(place);

    for (const struct schema_field *f = s ? s->fields : NULL; f && f->name;
         f++) {
        if (!i--) {
            return f->name;
        }
    }
    if (place->f || !place->shown) {
        return NULL;
    }
    for (const struct schema_field *f = place->type->row.fields; f->name;
         f++) {
        if (f->flags & SCHEMA_ASSIGNED && !i--) {
            return f->name;
        }
    }
    return NULL;
}

static const char *
candidate(const void *place, size_t i)
{
    return ctl_place_name(place, i);
}

const char *
ctl_place_guess(const struct ctl_place *place, const char *name)
{
    return schema_suggest(name, candidate, place);
}
