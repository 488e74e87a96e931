/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans: what --dry-run and diff show. */

#ifndef CONTROLLER_CTL_OUTPUT_PLAN_H
#define CONTROLLER_CTL_OUTPUT_PLAN_H 1

#include <jansson.h>
#include <stdbool.h>

#include "controller/ctl/ctl.h"

/* After the command line: checks what goes with --dry-run and what does not.
 * Returns false after it has said what is wrong. */
bool ctl_plan_check(struct ctl *, const struct ctl_command *);

/* Shows a plan as -o asks for. */
void ctl_plan_show(struct ctl *, const json_t *plan);

/* True if the plan is to change something. */
bool ctl_plan_changes(const json_t *plan);

#endif /* controller/ctl/output-plan.h */
