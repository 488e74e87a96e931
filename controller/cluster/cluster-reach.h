/* SPDX-License-Identifier: Apache-2.0
 *
 * Which hosts are not to be managed by which members, since these cannot reach
 * them and others can: what the writer makes of what members say.  No I/O and
 * no clock of its own.  A part of the policy of shares (cluster-shares.h). */

#ifndef CONTROLLER_CLUSTER_CLUSTER_REACH_H
#define CONTROLLER_CLUSTER_CLUSTER_REACH_H 1

#include <stddef.h>
#include <stdint.h>

#include "openvswitch/shash.h"

struct shares;
struct shares_member;

/* A member says that it cannot reach a host once that has not been connected
 * to it for so long. */
#define REACH_SAID_MS 5000
/* So long it must have said so, and another one have reached the host.  Who
 * hears of it probes its own connection, which takes up to 5 seconds, and says
 * so in turn; and a host that comes back may take up to 8 seconds longer to
 * connect to one member than to another. */
#define REACH_LOST_MS 15000
/* So long it must have been able to again. */
#define REACH_BACK_MS 60000
/* Hosts of which a member says so, at most. */
#define REACH_HOSTS_MAX 4096

struct reach {
    struct shash hosts;         /* Of struct reach_host, by name. */
    struct shash members;       /* Of struct reach_member, by name. */
};

void reach_init(struct reach *);
void reach_uninit(struct reach *);

/* Sets what is excluded of 'next', which has all shares and excludes nothing
 * yet; 'current' are those of now.  To be asked again and again. */
void reach_ask(struct reach *, const struct shares *current,
               const struct shares_member *members, size_t n, int64_t now_ms,
               struct shares *next);

#endif /* controller/cluster/cluster-reach.h */
