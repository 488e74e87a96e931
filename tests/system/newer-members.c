/* SPDX-License-Identifier: Apache-2.0
 *
 * What vmnd-newer says of its version in the list of a cluster's members; see
 * newer-tiers.c. */

#include <config.h>

#undef VMN_VERSION
#define VMN_VERSION "99.0.0"
#include "controller/cluster/cluster-members.c"
