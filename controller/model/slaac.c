/* SPDX-License-Identifier: Apache-2.0
 *
 * See slaac.h. */

#include <config.h>

#include "controller/model/slaac.h"

#include <string.h>

struct vmn_ip
slaac_address(const struct vmn_prefix *prefix, struct vmn_mac mac)
{
    const uint8_t *ea = mac.ea;
    const uint8_t low[8] = { ea[0] ^ 2, ea[1], ea[2], 0xff, 0xfe, ea[3],
                             ea[4], ea[5] };
    struct vmn_ip ip = prefix->ip;

    memcpy(ip.addr + 8, low, sizeof low);
    return ip;
}
