/* SPDX-License-Identifier: Apache-2.0
 *
 * What `ovs-appctl -t vmnd` shows, asked by vmnctl itself: JSON-RPC on a unix
 * socket.  Unlike libopenvswitch's own client it never waits without an
 * end. */

#ifndef CONTROLLER_CTL_UNIXCTL_H
#define CONTROLLER_CTL_UNIXCTL_H 1

struct vmn_error;

/* Returns the socket of the vmnd that runs here, as ovs-appctl finds it, which
 * the caller frees, or NULL with an error. */
char *ctl_unixctl_find(struct vmn_error *why);

/* Runs 'command' at the socket 'path'.  Returns what it says, which the caller
 * frees, or NULL with an error. */
char *ctl_unixctl_run(const char *path, const char *command,
                      struct vmn_error *why);

#endif /* controller/ctl/unixctl.h */
