/* SPDX-License-Identifier: Apache-2.0
 *
 * The Ethernet address of a virtual IP: a reserved prefix, and the lowest
 * three bytes of the IP address.  So one flow sets that of any virtual IP.
 * Two of one network may have the same, as a router's addresses do: flows go
 * by the IP address. */

#include "loadbalancer.h"

#define N_BITS 24

struct vmn_mac
vip_mac(const struct vmn_ip *vip)
{
    const uint8_t *low = vip->addr + (vip->family == 6 ? 16 : 4) - N_BITS / 8;

    return (struct vmn_mac) VMN_RESERVED_MAC(
        VMN_RESERVED_MAC_VIP, low[0] << 16 | low[1] << 8 | low[2]);
}

void
act_set_vip_mac(struct vmn_actions *actions, enum vmn_field vip)
{
    vmn_act_move_bits(actions, vip, 0, VMN_F_ETH_SRC, 0, N_BITS);
    vmn_act_set_masked(actions, VMN_F_ETH_SRC,
                       (uint64_t) VMN_RESERVED_MAC_VIP << N_BITS,
                       UINT64_C(0xffffff) << N_BITS);
}
