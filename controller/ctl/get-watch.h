/* SPDX-License-Identifier: Apache-2.0
 *
 * `get --watch`: shows objects, and again when they change.  Not for showing
 * events (cmd-events.c). */

#ifndef CONTROLLER_CTL_GET_WATCH_H
#define CONTROLLER_CTL_GET_WATCH_H 1

#include <jansson.h>

#include "controller/ctl/ctl.h"

struct schema_table;

/* Shows objects of 'type', those with 'names' or, if there are none, those
 * that --selector matches, and then their changes until it is interrupted. */
enum ctl_exit ctl_watch(struct ctl *, const struct schema_table *type,
                        int n_names, char *const names[]);

/* cmd-get.c: returns copies of 'objects' with "type" in front, so that the
 * output can be applied.  The caller owns them. */
json_t *ctl_with_types(const json_t *objects, const struct schema_table *);

#endif /* controller/ctl/get-watch.h */
