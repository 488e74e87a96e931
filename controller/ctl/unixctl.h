/* SPDX-License-Identifier: Apache-2.0
 *
 * A client of vmnd's unixctl socket, as ovs-appctl is: JSON-RPC on a unix
 * socket.  Unlike libopenvswitch's client it has a timeout. */

#ifndef CONTROLLER_CTL_UNIXCTL_H
#define CONTROLLER_CTL_UNIXCTL_H 1

struct vmn_error;

/* Returns the path of the socket of the vmnd on this machine, as ovs-appctl
 * finds it, which the caller frees; or NULL with an error. */
char *ctl_unixctl_find(struct vmn_error *why);

/* Runs 'command', which is followed by its arguments, with spaces between
 * them, at the socket 'path'.  Returns its output, which the caller
 * frees; or NULL with an error. */
char *ctl_unixctl_run(const char *path, const char *command,
                      struct vmn_error *why);

#endif /* controller/ctl/unixctl.h */
