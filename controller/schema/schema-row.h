/* SPDX-License-Identifier: Apache-2.0
 *
 * Parses rows from JSON, prints them as JSON, and compares them; driven by the
 * description in schema.h.  Not for checks that involve other objects
 * (model/). */

#ifndef CONTROLLER_SCHEMA_SCHEMA_ROW_H
#define CONTROLLER_SCHEMA_SCHEMA_ROW_H 1

#include "controller/schema/schema.h"
#include "controller/schema/value.h"

struct arena;
struct ds;

/* Parses the object 'spec' (a user's request) into a row of 'table' that is
 * allocated in 'arena', its name included.  All errors are added to 'errors',
 * with pointers that start with 'pointer'.  Values to be assigned are left
 * empty, unless they are requested.  Returns NULL if there were errors. */
struct vmn_row *schema_row_parse(const struct schema_table *,
                                 const char *name, const json_t *spec,
                                 const char *pointer, struct arena *,
                                 struct vmn_errors *);

/* The same of what is there already, stored or come from another member:
 * texts may be shorter than their fields' 'min', which an app may have raised
 * since. */
struct vmn_row *schema_row_parse_stored(const struct schema_table *,
                                        const char *name, const json_t *spec,
                                        const char *pointer, struct arena *,
                                        struct vmn_errors *);

/* The same, of what a row of another description says: returns a row in any
 * case, without the fields that have errors. */
struct vmn_row *schema_row_parse_lenient(const struct schema_table *,
                                         const char *name, const json_t *spec,
                                         struct arena *, struct vmn_errors *);

/* Parses assigned values, as schema_row_print_status() printed them, into
 * 'row'.  Returns false if there were errors. */
bool schema_row_parse_status(const struct schema_table *, struct vmn_row *,
                             const json_t *status, const char *pointer,
                             struct arena *, struct vmn_errors *);

/* Returns the requested values, in canonical form: schema_row_parse() accepts
 * it.  The caller owns it. */
json_t *schema_row_spec(const struct vmn_row *);

/* Returns one field of a row as JSON, or NULL if it is absent.  'given'
 * selects the value in effect of a field with SCHEMA_ASSIGNED.  The caller
 * owns it. */
json_t *schema_field_to_json(const struct schema_field *, const void *struct_,
                             bool given);

/* Append the same as text. */
void schema_row_print_spec(const struct vmn_row *, struct ds *);
/* Appends the assigned values: {"mac", "ips"} and the like. */
void schema_row_print_status(const struct vmn_row *, struct ds *);
/* Returns false, and appends nothing, if the field is absent. */
bool schema_field_print(const struct schema_field *, const void *struct_,
                        bool given, struct ds *);
/* Appends one value of a field, which is at 'src'. */
bool schema_value_print(const struct schema_field *, const void *src,
                        struct ds *);
/* Appends '"NAME":', preceded by a comma unless it is the first member. */
void schema_print_name(struct ds *, const char *name);
/* Appends a text as a JSON string.  It must be UTF-8. */
void schema_print_string(struct ds *, const char *text);
/* Appends a number in decimal, with leading zeros up to 'min_digits'. */
void schema_print_number(struct ds *, uint64_t number, int min_digits);

/* Gets a field's value, of any type except lists, labels, structs and sets.
 * Returns false if it is absent. */
struct schema_scalar {
    const char *text;           /* Of the row or 'buf'; or NULL: a number. */
    int64_t number;             /* Integer, or boolean. */
    char buf[VALUE_PREFIX_SIZE];
};
bool schema_field_get(const struct schema_field *, const void *struct_,
                      bool given, struct schema_scalar *);

/* Returns true if their assigned values are equal, too. */
bool schema_row_same_spec(const struct vmn_row *, const struct vmn_row *);
/* Returns true if their assigned values are equal, too. */
bool schema_row_same(const struct vmn_row *, const struct vmn_row *);
/* Returns true if they are equal except for remarks and labels. */
bool schema_row_same_meaning(const struct vmn_row *, const struct vmn_row *);
/* Returns true if their labels are equal. */
bool schema_row_same_labels(const struct vmn_row *, const struct vmn_row *);
/* Returns the labels of a row, or NULL if its table has none. */
const struct vmn_labels *schema_row_labels(const struct vmn_row *);

/* Sorts the elements of a set in place, merges equal ones (for port ranges,
 * adjacent ones as well), and returns how many are left. */
size_t schema_set_sort(const struct schema_field *, void *elements, size_t n);

/* Returns true if the requested values of a field are equal in two structs. */
bool schema_field_same(const struct schema_field *, const void *,
                       const void *);
/* The same for the assigned values of a field with SCHEMA_ASSIGNED. */
bool schema_field_same_assigned(const struct schema_field *, const void *,
                                const void *);

/* Compares two elements of 'field'; 0: equal. */
int schema_element_compare(const struct schema_field *, const void *,
                           const void *);

/* Calls 'cb' for each reference of 'row' to another one, its name included if
 * that is one, with its field (NULL: the name) and the pointer of that
 * ("/rules/0/peers/1/group"). */
typedef void schema_ref_cb(void *aux, enum vmn_table, const char *name,
                           const struct schema_field *, const char *pointer);
void schema_row_refs(const struct vmn_row *, schema_ref_cb *, void *aux);

/* Returns how many elements all lists of the row have, those in elements of
 * other ones included. */
size_t schema_row_elements(const struct vmn_row *);

/* Returns the spec of 'row' without its references to rows for which 'is_gone'
 * returns true.  What requires a removed reference is removed with it: the
 * list element that contains it, and if too few elements are left in a list,
 * what contains the list.  Returns NULL if the row itself requires it.  The
 * caller owns it. */
typedef bool schema_is_gone_cb(void *aux, enum vmn_table, const char *name);
json_t *schema_row_strip(const struct vmn_row *, schema_is_gone_cb *,
                         void *aux);

#endif /* controller/schema/schema-row.h */
