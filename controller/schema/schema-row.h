/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows from JSON, to JSON, and compared; all of it driven by the description
 * in schema.h.  Not for what takes more than one object to check (model/). */

#ifndef CONTROLLER_SCHEMA_SCHEMA_ROW_H
#define CONTROLLER_SCHEMA_SCHEMA_ROW_H 1

#include "controller/schema/schema.h"
#include "controller/schema/value.h"

struct arena;
struct ds;

/* Parses the object 'spec' (what a user asks for) into a row of 'table' that
 * lives in 'arena', its name included.  All faults go to 'errors', with
 * pointers that start with 'pointer'.  Values to be allocated are left empty,
 * except those that were asked for.  Returns NULL if there were faults. */
struct vmn_row *schema_row_parse(const struct schema_table *,
                                 const char *name, const json_t *spec,
                                 const char *pointer, struct arena *,
                                 struct vmn_errors *);

/* Parses given-out values, as schema_row_print_status() printed them, into 'row'.
 * Returns false if there were faults. */
bool schema_row_parse_status(const struct schema_table *, struct vmn_row *,
                             const json_t *status, const char *pointer,
                             struct arena *, struct vmn_errors *);

/* What was asked for, in its canonical form: schema_row_parse() takes it.  The
 * caller owns it. */
json_t *schema_row_spec(const struct vmn_row *);

/* One field of a row as JSON, or NULL if it is absent.  'given' selects the
 * value in effect of a field with SCHEMA_ASSIGNED.  The caller owns it. */
json_t *schema_field_to_json(const struct schema_field *, const void *struct_,
                             bool given);

/* The same as texts, appended. */
void schema_row_print_spec(const struct vmn_row *, struct ds *);
/* What was allocated: {"mac", "ips"} and the like. */
void schema_row_print_status(const struct vmn_row *, struct ds *);
/* Returns false, and appends nothing, if the field is absent. */
bool schema_field_print(const struct schema_field *, const void *struct_,
                        bool given, struct ds *);
/* The same of one value of a field, which is at 'src'. */
bool schema_value_print(const struct schema_field *, const void *src,
                        struct ds *);
/* '"NAME":', behind a comma unless it is the first member. */
void schema_print_name(struct ds *, const char *name);
/* A text as a JSON string.  It must be UTF-8. */
void schema_print_string(struct ds *, const char *text);
/* A number in decimal, with zeros in front up to 'min_digits'. */
void schema_print_number(struct ds *, uint64_t number, int min_digits);

/* A field's value as it is, of all but lists, labels, structs and sets.
 * Returns false if it is absent. */
struct schema_scalar {
    const char *text;           /* Of the row or 'buf'; or NULL: a number. */
    int64_t number;             /* Integer, or boolean. */
    char buf[VALUE_PREFIX_SIZE];
};
bool schema_field_get(const struct schema_field *, const void *struct_,
                      bool given, struct schema_scalar *);

/* True if two rows of one table ask for the same. */
bool schema_row_same_spec(const struct vmn_row *, const struct vmn_row *);
/* True if they were given the same, too. */
bool schema_row_same(const struct vmn_row *, const struct vmn_row *);
/* True if they are the same but for remarks and labels. */
bool schema_row_same_meaning(const struct vmn_row *, const struct vmn_row *);
/* True if their labels are the same. */
bool schema_row_same_labels(const struct vmn_row *, const struct vmn_row *);
/* The labels of a row, or NULL if its table has none. */
const struct vmn_labels *schema_row_labels(const struct vmn_row *);

/* Sorts the elements of a set in place, merges what is equal (or, for port
 * ranges, touches), and returns how many are left. */
size_t schema_set_sort(const struct schema_field *, void *elements, size_t n);

/* True if a field is the same in two structs, as it was asked for. */
bool schema_field_same(const struct schema_field *, const void *,
                       const void *);
/* The same of a field with SCHEMA_ASSIGNED, as it was assigned. */
bool schema_field_same_assigned(const struct schema_field *, const void *,
                                const void *);

/* Orders two elements of 'field'; 0: equal. */
int schema_element_compare(const struct schema_field *, const void *,
                           const void *);

/* Calls 'cb' for each reference of 'row' to another one, its name included if
 * that is one, with its field (NULL: the name) and the pointer of that
 * ("/rules/0/peers/1/group"). */
typedef void schema_ref_cb(void *aux, enum vmn_table, const char *name,
                           const struct schema_field *, const char *pointer);
void schema_row_refs(const struct vmn_row *, schema_ref_cb *, void *aux);

/* The spec of 'row' without its references to rows for which 'is_gone' says
 * true.  With a reference goes what cannot be without it: the element of a
 * list that holds it, and where a list is left with fewer elements than it
 * must have, what holds the list.  Returns NULL if the row itself cannot be
 * without what went.  The caller owns it. */
typedef bool schema_is_gone_cb(void *aux, enum vmn_table, const char *name);
json_t *schema_row_strip(const struct vmn_row *, schema_is_gone_cb *,
                         void *aux);

#endif /* controller/schema/schema-row.h */
