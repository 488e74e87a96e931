/* SPDX-License-Identifier: Apache-2.0
 *
 * Owners of the packets that guests send to vmnd: vmnd's work is shared by
 * owner. */

#ifndef CONTROLLER_MODEL_PACKET_OWNER_H
#define CONTROLLER_MODEL_PACKET_OWNER_H 1

#include <stdint.h>

#include "controller/schema/tables.h"

struct model;

/* Owner of the packets of traces, which no guest has sent. */
#define PACKET_OWNER_TRACES (UINT32_C(1) << 24)

/* Returns the owner of packets whose VMN_REG_NETWORK is 'vni': the tenant of
 * the network, router or trunk with that VNI, or 'vni' if no tenant has it.  A
 * tenant is the widest scope of an account that selects the object; its number
 * is 1 << 31 or greater, those of networks are less than 1 << 24. */
uint32_t packet_owner(const struct model *, uint32_t vni);
/* Returns the same of an object, or 0: no tenant has it. */
uint32_t packet_owner_of(const struct model *, enum vmn_table,
                         const char *name);

#endif /* controller/model/packet-owner.h */
