/* SPDX-License-Identifier: Apache-2.0
 *
 * The types of objects as vmnctl shows them.  Names and columns come from the
 * schema; here are short names, and cells that are formatted.  Not for
 * validation: the server does that. */

#ifndef CONTROLLER_CTL_OBJECT_TYPES_H
#define CONTROLLER_CTL_OBJECT_TYPES_H 1

#include <stdbool.h>

#include "controller/ctl/output-table.h"
#include "controller/schema/schema.h"

/* Returns the type with this plural, singular or short name, or NULL. */
const struct schema_table *ctl_type_find(const char *name);

/* Returns the name of a type that 'name' is probably a slip of, or NULL. */
const char *ctl_type_guess(const char *name);

/* Returns the 'i'th type, or NULL past the last one. */
const struct schema_table *ctl_type_at(size_t i);

/* Returns the short name, or NULL if the type has none. */
const char *ctl_type_short_name(const struct schema_table *);

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

#endif /* controller/ctl/object-types.h */
