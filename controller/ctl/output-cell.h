/* SPDX-License-Identifier: Apache-2.0
 *
 * A value of JSON as text in a cell or a line, and the path language that
 * selects it.  Not for tables (output-table.h). */

#ifndef CONTROLLER_CTL_OUTPUT_CELL_H
#define CONTROLLER_CTL_OUTPUT_CELL_H 1

#include <jansson.h>

struct ds;

/* Appends the value at 'path' in 'json'.  'path' is a JSON pointer, extended
 * by "*": each element of an array (or each "key=value" of an object), joined
 * by ",".  Of an array of objects without "*" it appends the number of
 * elements. */
void ctl_path_print(const json_t *json, const char *path, struct ds *);

/* Returns the integer 'name' of the object, 0 if it has none. */
json_int_t ctl_count(const json_t *, const char *name);

/* Appends "1.2M": bytes in powers of 1000, as links are measured. */
void ctl_put_bytes(struct ds *, json_int_t n);

#endif /* controller/ctl/output-cell.h */
