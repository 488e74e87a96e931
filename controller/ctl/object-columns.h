/* SPDX-License-Identifier: Apache-2.0
 *
 * The columns of tables of objects.  They come from the schema; here are the
 * cells that are more than the value at their path. */

#ifndef CONTROLLER_CTL_OBJECT_COLUMNS_H
#define CONTROLLER_CTL_OBJECT_COLUMNS_H 1

#include <stdbool.h>

#include "controller/ctl/output-table.h"
#include "controller/schema/schema.h"

/* Appends "3/250ms" for {"revisions": 3, "ms": 250}; nothing if it is not
 * behind. */
void ctl_print_lag(const json_t *lag, struct ds *);

/* Returns true if the host is to hold other flows than those that it has
 * installed, as far as is known: their number is not. */
bool ctl_host_is_to_hold(const json_t *host);

/* Returns true if the port is quarantined, by its own row or by anything
 * else. */
bool ctl_port_is_quarantined(const json_t *port);

/* Appends "tcp/80,443" for an entry of a service, also one in a rule. */
void ctl_print_service_entry(const json_t *entry, struct ds *);

/* Returns the columns of a table; all of them if 'wide'.  The caller frees the
 * array. */
struct ctl_column *ctl_type_columns(const struct schema_table *, bool wide);

#endif /* controller/ctl/object-columns.h */
