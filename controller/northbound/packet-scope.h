/* SPDX-License-Identifier: Apache-2.0
 *
 * What accounts with a scope are told of packets that were dropped, or that
 * matched a rule with a log: those from and to their own ports.  Of the other
 * end they get the address that the packet had, and of all others' objects no
 * name.  Who has no scope is told everything, and needs none of this.
 *
 * For api-drops.c and guest-status.c. */

#ifndef CONTROLLER_NORTHBOUND_PACKET_SCOPE_H
#define CONTROLLER_NORTHBOUND_PACKET_SCOPE_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/engine/engine.h"
#include "controller/fabric/fabric-packet-sampling.h"
#include "controller/model/model.h"
#include "openvswitch/shash.h"

struct northbound;

/* The samples of one reply, the oldest first. */
struct packet_scope {
    const struct northbound *nb;
    const struct model_rights *rights; /* With a scope. */
    uint64_t newest;            /* The id that was given last; 0: none. */
    struct shash balanced;      /* Others' ports, by name: whether their
                                 * addresses are behind a balancer that the
                                 * account does not see. */
};

/* Returns true if 'rights' have a scope. */
bool packet_scope_applies(const struct model_rights *);

void packet_scope_init(struct packet_scope *, const struct northbound *,
                       const struct model_rights *);
void packet_scope_uninit(struct packet_scope *);

/* Replaces in 'sample', a copy, what the account does not see by
 * MODEL_OUT_OF_SCOPE, and its id by one that tells nothing of how many others
 * there are; sets '*no_src' and '*no_dst' if the address of that end is not
 * to be shown.  Returns false if the account is not told of the sample.  To be
 * called with all samples of 'kind' in turn, so that ids are the same in every
 * reply. */
bool packet_scope_restrict(struct packet_scope *, enum fabric_sample_kind kind,
                           struct fabric_sample *sample, bool *no_src,
                           bool *no_dst);

/* Returns true if 'rights' allow to see a counter of 'about' that has counted
 * at 'last_ms' for the last time: it is of a port or a policy in the scope. */
bool packet_scope_sees_counter(const struct northbound *,
                               const struct model_rights *,
                               const struct engine_flow_owner *about,
                               int64_t last_ms);

#endif /* controller/northbound/packet-scope.h */
