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

#endif /* controller/ctl/cluster-join.h */
