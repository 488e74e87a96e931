/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes what is known of names to the model: changes are batched into one
 * request at a time.  What a row is to say is asked when its request is made.
 * Used by fqdns.c. */

#ifndef CONTROLLER_FQDN_FQDN_ROWS_H
#define CONTROLLER_FQDN_FQDN_ROWS_H 1

#include <stdbool.h>
#include <jansson.h>

struct commit;
struct event_base;
struct fqdn_rows;
struct model;

/* Sets '*spec' to what row 'name' is to say, which the caller owns, or to NULL
 * if there is to be none.  Returns false to leave it as it is. */
typedef bool fqdn_rows_cb(void *aux, const char *name, json_t **spec);

struct fqdn_rows *fqdn_rows_create(struct event_base *, struct model *,
                                   struct commit *, fqdn_rows_cb *,
                                   void *aux);
void fqdn_rows_destroy(struct fqdn_rows *);

/* Schedules an update of the row. */
void fqdn_rows_update(struct fqdn_rows *, const char *name);

/* Does the same without gathering others for it, since somebody waits; but not
 * more often than fqdn_rows_update() does. */
void fqdn_rows_update_soon(struct fqdn_rows *, const char *name);

/* Returns why the last update of the row was refused, borrowed until the next
 * turn of the loop; NULL if it was not. */
const char *fqdn_rows_fault(const struct fqdn_rows *, const char *name);

#endif /* controller/fqdn/fqdn-rows.h */
