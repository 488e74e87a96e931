/* SPDX-License-Identifier: Apache-2.0
 *
 * ?fields=name,spec.network,status.state: which fields of objects a read
 * shows.  A path leads through structs, and through the elements of lists; a
 * key of labels, which may have dots, is the rest of its path.  Not for which
 * fields a client may see (object-json.c). */

#ifndef CONTROLLER_NORTHBOUND_FIELD_SELECTION_H
#define CONTROLLER_NORTHBOUND_FIELD_SELECTION_H 1

#include <stdbool.h>
#include <stddef.h>

#include "controller/schema/arena.h"

struct ds;
struct http_request;
struct schema_table;

/* A member of objects. */
struct field_node {
    const char *name;
    bool whole;                     /* All of it. */
    struct field_node *in;          /* Members of it; NULL: none. */
    struct field_node *next;        /* Beside it. */
};

struct field_selection {
    struct arena arena;             /* Owns the nodes. */
    struct field_node root;         /* Whole: there is no such parameter. */
};

/* Parses the parameter "fields", of objects of this type.  Replies 400 and
 * returns false if it is invalid; else the caller must call
 * field_selection_uninit(). */
bool field_selection_init(struct field_selection *, struct http_request *,
                          const struct schema_table *);
void field_selection_uninit(struct field_selection *);

/* Removes the fields that are not selected from the object in JSON that begins
 * at 'start' and ends with 'ds'. */
void field_selection_apply(const struct field_selection *, size_t start,
                           struct ds *);

#endif /* controller/northbound/field-selection.h */
