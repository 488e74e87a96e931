/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans: the output of --dry-run and diff. */

#ifndef CONTROLLER_CTL_OUTPUT_PLAN_H
#define CONTROLLER_CTL_OUTPUT_PLAN_H 1

#include <jansson.h>
#include <stdbool.h>

#include "controller/ctl/ctl.h"

/* Checks that the other options can be combined with --dry-run.  Returns false
 * after it has printed an error. */
bool ctl_plan_check(struct ctl *, const struct ctl_command *);

/* Prints a plan in the format of -o. */
void ctl_plan_show(struct ctl *, const json_t *plan);

/* Prints that open connections start over in 'networks', unless there are
 * none; 'verb' is "start" or "would start". */
void ctl_print_restarts(struct ctl *, const json_t *networks,
                        const char *verb);

/* Returns true if the plan changes anything. */
bool ctl_plan_changes(const json_t *plan);

#endif /* controller/ctl/output-plan.h */
