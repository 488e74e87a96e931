/* SPDX-License-Identifier: Apache-2.0
 *
 * How machines become members of a cluster. */

#ifndef CONTROLLER_CTL_CLUSTER_JOIN_H
#define CONTROLLER_CTL_CLUSTER_JOIN_H 1

#include "controller/ctl/ctl.h"

/* Has vmn-cluster begin a cluster on this machine. */
enum ctl_exit ctl_cluster_init(struct ctl *);

/* Prints the command by which another machine joins. */
enum ctl_exit ctl_cluster_join_command(struct ctl *);

/* Returns whether there is nothing in 'text' that means something to a
 * shell between quotes, or more than an address. */
bool ctl_is_address(const char *text);

#endif /* controller/ctl/cluster-join.h */
