/* SPDX-License-Identifier: Apache-2.0
 *
 * Address resolution (RFC 826) for apps: that part of include/vmn/packet.h. */

#include <config.h>

#include "vmn/packet.h"

#include <string.h>

void
vmn_arp_request_build(struct vmn_mac mac, const struct vmn_ip *from,
                      const struct vmn_ip *to, uint8_t buffer[VMN_ARP_SIZE])
{
    static const uint8_t head[] = { 0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1 };
    uint8_t *p = buffer + 12 + sizeof head;

    memset(buffer, 0xff, 6);
    memcpy(buffer + 6, mac.ea, 6);
    memcpy(buffer + 12, head, sizeof head);
    memcpy(p, mac.ea, 6);
    memcpy(p + 6, from->addr, 4);
    memset(p + 10, 0, 6);
    memcpy(p + 16, to->addr, 4);
}
