/* SPDX-License-Identifier: Apache-2.0
 *
 * Types of fields as text: `vmnctl explain` and docs/api-reference.md; see
 * schema.h. */

#include <config.h>

#include "controller/schema/schema.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/schema-own.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static void
put_names(const struct schema_field *f, struct ds *ds)
{
    const char *between = "";

    for (int i = 0; f->names[i]; i++) {
        if (!f->allowed || f->allowed & 1u << i) {
            ds_put_format(ds, "%s`%s`", between, f->names[i]);
            between = ", ";
        }
    }
}

/* Appends the type of one value of 'f'. */
static void
put_type(const struct schema_field *f, struct ds *ds)
{
    static const char *const words[] = {
        [SCHEMA_BOOL] = "boolean", [SCHEMA_INT] = "number",
        [SCHEMA_U16] = "number", [SCHEMA_U32] = "number",
        [SCHEMA_U64] = "number", [SCHEMA_I64] = "number",
        [SCHEMA_SIZE] = "number", [SCHEMA_DOUBLE] = "number",
        [SCHEMA_STRING] = "text", [SCHEMA_MAC] = "MAC",
        [SCHEMA_IP] = "address", [SCHEMA_PREFIX] = "prefix",
        [SCHEMA_RANGE] = "port or range", [SCHEMA_LABELS] = "labels",
        [SCHEMA_SELECTOR] = "selector", [SCHEMA_STRUCT] = "object",
    };

    if (f->flags & SCHEMA_ANY) {
        ds_put_cstr(ds, "any value");
    } else if (f->flags & SCHEMA_TIME) {
        ds_put_cstr(ds, "time");
    } else if (f->type == SCHEMA_ENUM || f->type == SCHEMA_ENUM_SET) {
        put_names(f, ds);
    } else if (f->type == SCHEMA_REF) {
        const char *singular = schema_singular(f->ref);

        ds_put_format(ds, "name of %s %s",
                      strchr("aeio", singular[0]) ? "an" : "a", singular);
    } else {
        ds_put_cstr(ds, words[f->type]);
    }
}

char *
schema_type_text(const struct schema_field *f)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    if ((f->flags & SCHEMA_SET) == SCHEMA_SET || f->type == SCHEMA_ENUM_SET) {
        ds_put_cstr(&ds, "set of ");
    } else if (f->flags & SCHEMA_LIST) {
        ds_put_cstr(&ds, "list of ");
    } else if (f->flags & SCHEMA_MAP) {
        ds_put_cstr(&ds, "object of ");
    }
    put_type(f, &ds);
    if (f->flags & SCHEMA_NULLABLE) {
        ds_put_cstr(&ds, ", or null");
    }
    return ds_steal_cstr(&ds);
}

static bool
is_integer(const struct schema_field *f)
{
    return (f->type == SCHEMA_INT || f->type == SCHEMA_U16
            || f->type == SCHEMA_U32);
}

bool
schema_field_has_default(const struct schema_field *f)
{
    if (f->flags & (SCHEMA_REQUIRED | SCHEMA_LIST | SCHEMA_ASSIGNED)
        || f->absent) {
        return false;
    } else if (is_integer(f)) {
        return f->def >= f->min && f->def <= f->max;
    }
    return f->type == SCHEMA_BOOL || f->type == SCHEMA_ENUM || f->def_text;
}

static void
put_default(const struct schema_field *f, struct ds *ds)
{
    if (!schema_field_has_default(f)) {
        return;
    } else if (f->type == SCHEMA_BOOL) {
        ds_put_cstr(ds, f->def ? "true" : "false");
    } else if (f->type == SCHEMA_ENUM) {
        ds_put_format(ds, "`%s`", f->names[f->def]);
    } else if (f->def_text) {
        ds_put_format(ds, "`%s`", f->def_text);
    } else {
        ds_put_format(ds, "%"PRId64, f->def);
    }
}

char *
schema_default_text(const struct schema_field *f)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&ds, "");
    if (f->flags & SCHEMA_REQUIRED) {
        ds_put_cstr(&ds, "required");
        if (f->unless) {
            ds_put_format(&ds, ", or `%s`", f->unless);
        }
        if (f->third) {
            ds_put_format(&ds, ", or `%s`", f->third);
        }
    } else if (f->flags & SCHEMA_ASSIGNED) {
        ds_put_cstr(&ds, "allocated");
    } else if (f->flags & SCHEMA_NAME_DEFAULT) {
        ds_put_cstr(&ds, "the name");
    } else if (f->absent) {
        ds_put_cstr(&ds, f->absent);
    } else {
        put_default(f, &ds);
    }
    if (is_integer(f) && f->max) {
        ds_put_format(&ds, "%s(%"PRId64" to %"PRId64")", ds.length ? " " : "",
                      f->min, f->max);
    }
    return ds_steal_cstr(&ds);
}
