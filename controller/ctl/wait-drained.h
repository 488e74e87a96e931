/* SPDX-License-Identifier: Apache-2.0
 *
 * Waits until backends of a balancer, or a host, are drained.  Not for
 * revisions (cmd-revision.c). */

#ifndef CONTROLLER_CTL_WAIT_DRAINED_H
#define CONTROLLER_CTL_WAIT_DRAINED_H 1

#include "controller/ctl/ctl.h"

/* Waits until the backends of --backend, or all of the balancer's that are to
 * drain, are drained, and prints why each is: for --timeout, or 10 minutes, as
 * ctl_wait_host_drained().  Returns CTL_CUT if
 * drain_seconds ended a drain, CTL_NOT_INSTALLED if the time is over,
 * CTL_REFUSED if one does not drain. */
enum ctl_exit ctl_wait_drained(struct ctl *, const char *balancer);

/* Waits until nothing is left on a host in maintenance.  Returns
 * CTL_NOT_INSTALLED if the time is over, CTL_REFUSED if it is not in
 * maintenance. */
enum ctl_exit ctl_wait_host_drained(struct ctl *, const char *host);

/* Prints what is left on a host in maintenance, nothing if it is nothing. */
enum ctl_exit ctl_print_left_on_host(struct ctl *, const char *host);

#endif /* controller/ctl/wait-drained.h */
