/* SPDX-License-Identifier: Apache-2.0
 *
 * What `ovs-appctl -t vmnd` shows, asked by vmnctl itself: JSON-RPC on a unix
 * socket.  Unlike libopenvswitch's own client it never waits without an
 * end. */

#ifndef CONTROLLER_CTL_UNIXCTL_H
#define CONTROLLER_CTL_UNIXCTL_H 1

/* The socket of the vmnd that runs here, as ovs-appctl finds it, or NULL with
 * a sentence in '*error'.  The caller frees either. */
char *ctl_unixctl_find(char **error);

/* Runs 'command' at the socket 'path'.  What it says, or NULL with a sentence
 * in '*error'; the caller frees either. */
char *ctl_unixctl_run(const char *path, const char *command, char **error);

#endif /* controller/ctl/unixctl.h */
