/* SPDX-License-Identifier: Apache-2.0
 *
 * Which of a port's addresses are leased by DHCP, and which it configures
 * itself by SLAAC: all from its row, its network's and its subnet's. */

#include "dhcp-app.h"

/* Returns the address in a /64 that is derived from a MAC (RFC 4291, appendix
 * A). */
static struct vmn_ip
ip_of_mac(const struct vmn_ip *prefix, struct vmn_mac mac)
{
    const uint8_t *ea = mac.ea;
    const uint8_t low[8] = { ea[0] ^ 2, ea[1], ea[2], 0xff, 0xfe, ea[3],
                             ea[4], ea[5] };
    struct vmn_ip ip = *prefix;

    memcpy(ip.addr + 8, low, sizeof low);
    return ip;
}

const struct vmn_subnet *
find_subnet(const struct vmn_network *network, const struct vmn_ip *ip)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        if (vmn_prefix_contains(&vmn_subnet_at(network, i)->cidr, ip)) {
            return vmn_subnet_at(network, i);
        }
    }
    return NULL;
}

const struct vmn_ip *
find_lease(const struct vmn_network *network, const struct vmn_port *port,
           uint8_t family, const struct vmn_ip *wanted)
{
    for (size_t i = 0; i < port->n_ips; i++) {
        const struct vmn_ip *ip = &port->ips[i];
        const struct vmn_subnet *subnet;

        if (ip->family != family || (wanted && !vmn_ip_equal(ip, wanted))) {
            continue;
        }
        subnet = find_subnet(network, ip);
        if (subnet && subnet->dhcp) {
            return ip;
        }
    }
    return NULL;
}

bool
is_slaac(const struct vmn_subnet *subnet, const struct vmn_port *port,
         const struct vmn_ip *ip)
{
    struct vmn_ip own;

    if (!subnet || !subnet->slaac) {
        return false;
    }
    own = ip_of_mac(&subnet->cidr.ip, port->mac);
    return vmn_ip_equal(&own, ip);
}
