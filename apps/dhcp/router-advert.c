/* SPDX-License-Identifier: Apache-2.0
 *
 * Router advertisements: how a guest gets its addresses of IPv6, and what else
 * belongs to them.  RFC 4861, section 6.2, RFC 4862, RFC 8106.
 *
 * Each port hears of itself alone.  So a prefix is one to make an address of
 * exactly where the address that follows from the port's MAC is the port's
 * own: any other one would be dropped as spoofed. */

#include "dhcp-app.h"

#define PREFIXES_MAX 16         /* Subnets that a network may have at most. */
#define DNS_MAX 8

static const struct vmn_ip all_nodes = { 6, { 0xff, 2, [15] = 1 } };
static const struct vmn_mac all_nodes_mac = { { 0x33, 0x33, 0, 0, 0, 1 } };

static bool
is_gateway6(const struct vmn_network *network, const struct vmn_ip *ip)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        if (ip->family == 6 && vmn_ip_equal(&vmn_subnet_at(network,
                                                           i)->gateway,
                                            ip)) {
            return true;
        }
    }
    return false;
}

/* Returns true if the router has the gateway address of an IPv6 subnet of the
 * network, and so is advertised as default router. */
static bool
is_default_router(const struct vmn_router *router,
                  const struct vmn_network *network)
{
    for (size_t i = 0; i < router->n_interfaces; i++) {
        const struct vmn_router_interface *interface
            = vmn_router_interface_at(router, i);
        struct vmn_ip ips[VMN_ADDRESSES_MAX];
        size_t n;

        if (strcmp(interface->network, network->row.name)) {
            continue;
        }
        n = vmn_interface_addresses(interface, network, ips);
        for (size_t j = 0; j < n; j++) {
            if (is_gateway6(network, &ips[j])) {
                return true;
            }
        }
    }
    return false;
}

static bool
has_default_router(struct vmn_view *view, const struct vmn_network *network)
{
    struct vmn_names routers = vmn_lookup(view, VMN_INDEX_ROUTER_BY_NETWORK,
                                          network->row.name);

    for (size_t i = 0; i < routers.n; i++) {
        const struct vmn_router *router = vmn_read_router(view,
                                                          routers.names[i]);

        if (router && is_default_router(router, network)) {
            return true;
        }
    }
    return false;
}

bool
answers_solicitations(struct vmn_view *view,
                      const struct vmn_network *network)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        const struct vmn_subnet *subnet = vmn_subnet_at(network, i);

        if (subnet->slaac || (subnet->dhcp && subnet->cidr.ip.family == 6)) {
            return true;
        }
    }
    return has_default_router(view, network);
}

/* Returns the port's address in a subnet, or NULL. */
static const struct vmn_ip *
address_in(const struct vmn_network *network, const struct vmn_subnet *subnet,
           const struct vmn_port *port)
{
    for (size_t i = 0; i < port->n_ips; i++) {
        if (find_subnet(network, &port->ips[i]) == subnet) {
            return &port->ips[i];
        }
    }
    return NULL;
}

/* Describes how the port gets its addresses: for each subnet, whether by
 * SLAAC, and for all of them, whether DHCPv6 has some. */
static void
describe(const struct vmn_network *network, const struct vmn_port *port,
         struct vmn_ra_prefix prefixes[PREFIXES_MAX], struct vmn_ra *ra)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        const struct vmn_subnet *subnet = vmn_subnet_at(network, i);
        const struct vmn_ip *ip = address_in(network, subnet, port);
        bool slaac = ip && is_slaac(subnet, port, ip);

        if (subnet->cidr.ip.family != 6 || ra->n_prefixes >= PREFIXES_MAX) {
            continue;
        }
        prefixes[ra->n_prefixes].prefix = subnet->cidr;
        prefixes[ra->n_prefixes++].autonomous = slaac;
        ra->managed |= ip && subnet->dhcp && !slaac;
        ra->other |= subnet->dhcp;
    }
    ra->prefixes = prefixes;
}

static const struct vmn_subnet *
first_subnet(const struct vmn_network *network, const struct vmn_port *port)
{
    for (size_t i = 0; i < port->n_ips; i++) {
        if (port->ips[i].family == 6) {
            return find_subnet(network, &port->ips[i]);
        }
    }
    return NULL;
}

/* The advertisement for a port, whichever router sends it. */
struct advert {
    struct vmn_ra ra;
    struct vmn_ra_prefix prefixes[PREFIXES_MAX];
    struct vmn_ip dns[DNS_MAX];
    const char *domain;
    size_t room;
};

static void
prepare(struct vmn_view *view, const struct vmn_network *network,
        const struct vmn_port *port, const struct vmn_ip *to,
        struct advert *advert)
{
    struct vmn_dhcp_options options = dhcp_options_of(view, network,
                                                      first_subnet(network,
                                                                   port),
                                                      port);
    struct vmn_ra *ra = &advert->ra;
    uint32_t mtu = vmn_mtu_of(view, network);

    memset(advert, 0, sizeof *advert);
    advert->room = (mtu + 14 < REPLY_MAX ? mtu + 14 : REPLY_MAX);
    ra->eth_dst = to ? port->mac : all_nodes_mac;
    ra->ip_dst = to ? *to : all_nodes;
    ra->mtu = mtu;
    ra->valid_s = PREFIX_VALID;
    ra->preferred_s = PREFIX_PREFERRED;
    ra->dns_s = ROUTER_LIFETIME;
    ra->dns = advert->dns;
    for (size_t i = 0; i < options.n_dns && ra->n_dns < DNS_MAX; i++) {
        if (options.dns[i].family == 6) {
            advert->dns[ra->n_dns++] = options.dns[i];
        }
    }
    advert->domain = options.domain;
    ra->n_search = (options.n_search ? options.n_search
                    : options.domain != NULL);
    ra->search = options.n_search ? options.search : &advert->domain;
    describe(network, port, advert->prefixes, ra);
}

/* Sends it from 'mac', with 'router_s' seconds as the router's lifetime (0: no
 * default router). */
static void
send_advert(struct advert *advert, struct vmn_mac mac, uint16_t router_s,
    struct vmn_packets_out *out)
{
    uint8_t frame[REPLY_MAX];

    advert->ra.eth_src = mac;
    advert->ra.ip_src = vmn_link_local(mac);
    advert->ra.router_s = router_s;
    vmn_send_back(out, frame, vmn_ra_build(&advert->ra, frame,
                                           advert->room));
}

/* Sends an advertisement of each of the network's routers, or if there is
 * none, of the server: how addresses are assigned, and what is on the link,
 * does not depend on routers. */
static void
advertise(struct vmn_view *view, const struct vmn_network *network,
          const struct vmn_port *port, const struct vmn_ip *to,
          struct vmn_packets_out *out)
{
    struct vmn_names routers = vmn_lookup(view, VMN_INDEX_ROUTER_BY_NETWORK,
                                          network->row.name);
    struct advert advert;
    size_t n = 0;

    prepare(view, network, port, to, &advert);
    for (size_t i = 0; i < routers.n && n < VMN_SENDS_MAX; i++) {
        const struct vmn_router *router = vmn_read_router(view,
                                                          routers.names[i]);

        if (router && is_default_router(router, network)) {
            send_advert(&advert, router->mac, ROUTER_LIFETIME, out);
            n++;
        }
    }
    if (!n) {
        send_advert(&advert, server_mac, 0, out);
    }
}

/* Returns true if the port may solicit from 'ip': any link-local address,
 * since its guest chooses that, and only the guest gets the answer. */
static bool
owns(const struct vmn_port *port, const struct vmn_ip *ip)
{
    for (size_t i = 0; i < port->n_ips; i++) {
        if (vmn_ip_equal(&port->ips[i], ip)) {
            return true;
        }
    }
    return vmn_is_link_local(ip);
}

/* Sends the periodic advertisement, if the network has any. */
static void
send_unsolicited(struct vmn_view *view, const struct vmn_network *network,
                 const struct vmn_port *port, struct vmn_packets_out *out)
{
    if (answers_solicitations(view, network)) {
        advertise(view, network, port, NULL, out);
    }
}

void
handle_routers(struct vmn_view *view, const struct vmn_packet_in *in,
               struct vmn_packets_out *out)
{
    static const struct vmn_ip nobody = { .family = 6 };
    const struct vmn_network *network;
    struct vmn_rs rs;

    network = in->port ? vmn_read_network(view, in->port->network) : NULL;
    if (!network) {
        vmn_send_nothing(out, "not from a port");
    } else if (!first_subnet(network, in->port)) {
        vmn_send_nothing(out, "no IPv6 address");
    } else if (!in->size) {
        send_unsolicited(view, network, in->port, out);
    } else if (!vmn_rs_parse(in->bytes, in->size, &rs)) {
        vmn_send_nothing(out, "malformed");
    } else if (!vmn_mac_equal(rs.eth_src, in->port->mac)) {
        vmn_send_nothing(out, "not the port's MAC");
    } else if (vmn_ip_equal(&rs.ip_src, &nobody)) {
        advertise(view, network, in->port, NULL, out);
    } else if (owns(in->port, &rs.ip_src)) {
        advertise(view, network, in->port, &rs.ip_src, out);
    } else {
        vmn_send_nothing(out, "not the port's address");
    }
}
