/* SPDX-License-Identifier: Apache-2.0
 *
 * The types that apps declare, as tables.  Each has one of the places
 * VMN_TABLE_OWN_FIRST to VMN_TABLE_OWN_LAST by its name, for as long as the
 * process lives.  What it was declared as may change (an app is upgraded), so
 * each row knows the description that it was parsed by (schema_struct_of()),
 * and a model parses by the one that its own row of VMN_TABLE_TYPE makes.
 * Descriptions are made once for what is the same, and are never freed.
 *
 * schema_tables[] has what the daemon's own model says, or the client has
 * heard of. */

#ifndef CONTROLLER_SCHEMA_SCHEMA_OWN_H
#define CONTROLLER_SCHEMA_SCHEMA_OWN_H 1

#include <jansson.h>

#include "controller/schema/schema.h"

struct arena;

/* By enum vmn_field_type; NULL ends. */
extern const char *const schema_own_type_names[];

/* Of schema_tables[], in its last VMN_OWN_TYPES_MAX places. */
extern struct schema_table schema_own_places[VMN_OWN_TYPES_MAX];

/* Returns true if it is a place for a type that an app declares. */
static inline bool
schema_is_own(enum vmn_table table)
{
    return table >= VMN_TABLE_OWN_FIRST && table <= VMN_TABLE_OWN_LAST;
}

/* Returns true if 'type' may be the name of a type of 'app': it is the app's,
 * or that and more after a hyphen. */
bool schema_own_is_name_of(const char *type, const char *app);

/* Returns true if 'name' is "APP.NAME" of 'app', as relations are called. */
bool schema_own_is_of_app(const char *name, const char *app);

/* Returns true if a field's 'ref' is a type of 'app', and none of VMN's. */
bool schema_own_is_ref(const char *ref, const char *app);

/* Calls 'cb' with each type of the app that fields of 'row' name objects of,
 * and a pointer to where it says so, until 'cb' returns false; returns what it
 * did last, or true. */
bool schema_own_each_ref(const struct vmn_type_row *row,
                         bool (*cb)(void *aux, const char *type,
                                    const char *pointer), void *aux);

/* Returns true if the status of any object may have a member of that name. */
bool schema_own_status_is_taken(const char *name);

/* Returns the relation whose values are warnings about an object of 'table',
 * a member "warnings" of its status; NULL: there is none. */
const char *schema_own_warnings(const struct schema_table *table);

/* Returns the place of type 'name', which gets one if it has none; or
 * VMN_N_TABLES: there are too many. */
enum vmn_table schema_own_place(const char *name);

/* Returns what an object of 'table' is called; where nothing is shown at an
 * own type's place, the name of that type. */
const char *schema_singular(enum vmn_table table);

/* Returns the table that 'row' describes, with a place.  NULL: its fields make
 * no sense together, which 'errors' then says, 'pointer' being the row's, or
 * there are too many types. */
const struct schema_table *schema_own_table(const struct vmn_type_row *row,
                                            const char *pointer,
                                            struct vmn_errors *errors);

/* The same of what the row's spec is. */
const struct schema_table *schema_own_parse(const char *name,
                                            const json_t *spec,
                                            struct vmn_errors *errors);

/* Returns true if 'row' describes a table; otherwise adds why not. */
bool schema_own_check(const struct vmn_type_row *row, const char *pointer,
                      struct vmn_errors *errors);

/* How many values of a list a status shows. */
#define SCHEMA_OWN_VALUES_MAX 1000

/* Has 'table', which is zeroed but for its row, describe the status of objects
 * as 'row' says, in 'arena'. */
void schema_own_make_status(const struct vmn_type_row *row,
                            struct schema_table *table, struct arena *arena);

/* Returns the columns of vmnctl's table of such objects, in 'arena'; 'field'
 * is the first of the type's own. */
const struct schema_column *schema_own_make_columns(
    const struct schema_table *table, const struct schema_field *field,
    struct arena *arena);

/* Has schema_tables[] show 'table', which schema_own_table() has returned, at
 * its place. */
void schema_own_show(const struct schema_table *table);
/* Has it show none at 'place'. */
void schema_own_hide(enum vmn_table place);

/* Returns 'row' as it is if it was parsed by the description that 'like' was
 * (any row of a type of VMN's own was), or what it has of the fields of that,
 * in 'arena'. */
const struct vmn_row *schema_own_row_as(const struct vmn_row *row,
                                        const struct vmn_row *like,
                                        struct arena *arena);

/* Returns the spec of the row of VMN_TABLE_TYPE for 'type' of 'class_'.  The
 * caller owns it.  NULL, with 'why' set: it makes none.  What is wrong with
 * its values is found where that row is parsed. */
json_t *schema_own_spec(const struct vmn_app_class *class_,
                        const struct vmn_type_class *type,
                        struct vmn_error *why);

/* Returns 0 if the C structs of 'type' are laid out as the rows of 'table', or
 * EINVAL.  Those of a script, whose size is 0, are not looked at. */
int schema_own_check_layout(const struct vmn_app_class *class_,
                            const struct vmn_type_class *type,
                            const struct schema_table *table,
                            struct vmn_error *why);

#endif /* controller/schema/schema-own.h */
