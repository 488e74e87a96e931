/* SPDX-License-Identifier: Apache-2.0
 *
 * What a change would do to who can reach whom, as a table.  By
 * cmd-reachability.c, for `vmnctl draft plan` as well. */

#ifndef CONTROLLER_CTL_REACH_CHANGES_H
#define CONTROLLER_CTL_REACH_CHANGES_H 1

#include <jansson.h>

struct ctl;

/* Prints "changes" of a reply, or that there are none. */
void ctl_show_reach_changes(struct ctl *, const json_t *changes);

#endif /* controller/ctl/reach-changes.h */
