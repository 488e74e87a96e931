/* SPDX-License-Identifier: Apache-2.0
 *
 * `get --watch`: shows objects, and again when they change.  Not for showing
 * events (cmd-events.c). */

#ifndef CONTROLLER_CTL_GET_WATCH_H
#define CONTROLLER_CTL_GET_WATCH_H 1

#include "controller/ctl/ctl.h"

struct ctl_named;

/* Shows the objects that are named, or those of the type that --selector,
 * --host and --network select, and then their changes until it is
 * interrupted. */
enum ctl_exit ctl_watch(struct ctl *, const struct ctl_named *);

#endif /* controller/ctl/get-watch.h */
