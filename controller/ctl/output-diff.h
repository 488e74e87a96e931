/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects that a change makes differ, and their fields, as plans, replies and
 * the log of changes list them: "mode: enforce -> shadow". */

#ifndef CONTROLLER_CTL_OUTPUT_DIFF_H
#define CONTROLLER_CTL_OUTPUT_DIFF_H 1

#include <jansson.h>

#include "controller/ctl/output-table.h"

struct ctl;

/* Of a table of such objects: CHANGE, TYPE, NAME. */
extern const struct ctl_column ctl_object_columns[];

/* Prints a line for each of "fields" in 'object', indented, and how many more
 * there are; nothing if there are none. */
void ctl_print_diff(struct ctl *, const json_t *object);

#endif /* controller/ctl/output-diff.h */
