/* SPDX-License-Identifier: Apache-2.0
 *
 * The entries of the log of changes that name an object, for vmnctl history
 * and undo. */

#ifndef CONTROLLER_CTL_OBJECT_HISTORY_H
#define CONTROLLER_CTL_OBJECT_HISTORY_H 1

#include <jansson.h>
#include <stdbool.h>

#include "controller/ctl/ctl.h"

struct schema_table;

/* What is said under a list of changes that a server restricts so. */
#define CTL_OWN_CHANGES_ONLY \
    "(changes that this account has not made are not shown)\n"

/* Splits TYPE/NAME; 'name' points into it.  NULL after it has said what is
 * wrong. */
const struct schema_table *ctl_history_parse(struct ctl *, const char *arg,
                                             const char **name);
/* Appends to 'found' the newest 'limit' entries of the log that name the
 * object, newest first; with 'contents', what became of it, too; with 'own',
 * only those that changed it itself: not effects that the changes of other
 * objects had on it.  Sets '*own_only' (unless that is NULL) if the server
 * lists this account's own changes alone. */
enum ctl_exit ctl_history_get(struct ctl *, const struct schema_table *,
                              const char *name, size_t limit, bool contents,
                              bool own, json_t *found, bool *own_only);

#endif /* controller/ctl/object-history.h */
