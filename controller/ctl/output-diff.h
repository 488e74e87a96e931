/* SPDX-License-Identifier: Apache-2.0
 *
 * The fields of an object that a change makes differ, as plans, replies and
 * the log of changes list them: "mode: enforce -> shadow". */

#ifndef CONTROLLER_CTL_OUTPUT_DIFF_H
#define CONTROLLER_CTL_OUTPUT_DIFF_H 1

#include <jansson.h>

struct ctl;

/* Prints a line for each of "fields" in 'object', indented, and how many more
 * there are; nothing if there are none. */
void ctl_print_diff(struct ctl *, const json_t *object);

#endif /* controller/ctl/output-diff.h */
