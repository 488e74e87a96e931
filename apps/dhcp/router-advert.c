/* SPDX-License-Identifier: Apache-2.0
 *
 * Router advertisements: how a guest gets its addresses of IPv6, and what else
 * belongs to them.  RFC 4861, section 6.2, RFC 4862, RFC 8106.
 *
 * Each port hears of itself alone.  So a prefix is one to make an address of
 * exactly where the address that follows from the port's MAC is the port's
 * own: any other one would be dropped as spoofed. */

#include "dhcp-app.h"

#include <stdlib.h>

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

/* Sets 'macs' to those of the network's default routers; returns how many. */
static size_t
find_routers(struct vmn_view *view, const struct vmn_network *network,
             struct vmn_mac macs[VMN_SENDS_MAX])
{
    struct vmn_names routers = vmn_lookup(view, VMN_INDEX_ROUTER_BY_NETWORK,
                                          network->row.name);
    size_t n = 0;

    for (size_t i = 0; i < routers.n && n < VMN_SENDS_MAX; i++) {
        const struct vmn_router *router = vmn_read_router(view,
                                                          routers.names[i]);

        if (router && is_default_router(router, network)) {
            macs[n++] = router->mac;
        }
    }
    return n;
}

bool
answers_solicitations(struct vmn_view *view,
                      const struct vmn_network *network)
{
    struct vmn_mac macs[VMN_SENDS_MAX];

    for (size_t i = 0; i < network->n_subnets; i++) {
        const struct vmn_subnet *subnet = vmn_subnet_at(network, i);

        if (subnet->slaac || (subnet->dhcp && subnet->cidr.ip.family == 6)) {
            return true;
        }
    }
    return find_routers(view, network, macs);
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

/* The advertisement for a port, and the routers that send it. */
struct advert {
    struct vmn_ra ra;
    struct vmn_ra_prefix prefixes[PREFIXES_MAX];
    struct vmn_ip dns[DNS_MAX];
    const char *search[DNS_MAX];
    size_t room;
    struct vmn_mac routers[VMN_SENDS_MAX];
    size_t n_routers;
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
    ra->valid_s = VMN_PREFIX_LIFETIME;
    ra->preferred_s = PREFIX_PREFERRED;
    ra->dns_s = VMN_ROUTER_LIFETIME;
    ra->dns = advert->dns;
    for (size_t i = 0; i < options.n_dns && ra->n_dns < DNS_MAX; i++) {
        if (options.dns[i].family == 6) {
            advert->dns[ra->n_dns++] = options.dns[i];
        }
    }
    ra->search = advert->search;
    for (size_t i = 0; i < options.n_search && i < DNS_MAX; i++) {
        advert->search[ra->n_search++] = options.search[i];
    }
    if (!ra->n_search && options.domain) {
        advert->search[ra->n_search++] = options.domain;
    }
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

/* Withdrawals.  ----------------------------------------------------------- */

/* Returns true if a value is advertised, and if it is a prefix, that guests
 * may form addresses of it, if 'slaac'. */
static bool
has(struct vmn_view *view, const struct advert *advert, const char *value,
    bool slaac)
{
    const struct vmn_ra *ra = &advert->ra;
    bool found = false;

    for (size_t i = 0; i < advert->n_routers; i++) {
        found |= !strcmp(vmn_mac_text(view, advert->routers[i]), value);
    }
    for (size_t i = 0; i < ra->n_prefixes; i++) {
        const struct vmn_ra_prefix *prefix = &ra->prefixes[i];

        found |= ((prefix->autonomous || !slaac)
                  && !strcmp(vmn_prefix_text(view, &prefix->prefix), value));
    }
    for (size_t i = 0; i < ra->n_dns; i++) {
        found |= !strcmp(vmn_ip_text(view, &ra->dns[i]), value);
    }
    for (size_t i = 0; i < ra->n_search; i++) {
        found |= !strcmp(ra->search[i], value);
    }
    return found;
}

static void
add_value(struct advert *advert, const char *value, bool slaac)
{
    struct vmn_ra *ra = &advert->ra;
    struct vmn_ra_prefix prefix = { .autonomous = slaac };
    struct vmn_mac mac;
    struct vmn_ip ip;

    if (vmn_mac_from_text(value, &mac)) {
        if (advert->n_routers < VMN_SENDS_MAX) {
            advert->routers[advert->n_routers++] = mac;
        }
    } else if (vmn_prefix_from_text(value, &prefix.prefix)) {
        if (ra->n_prefixes < PREFIXES_MAX) {
            advert->prefixes[ra->n_prefixes++] = prefix;
        }
    } else if (vmn_ip_from_text(value, &ip)) {
        if (ra->n_dns < DNS_MAX) {
            advert->dns[ra->n_dns++] = ip;
        }
    } else if (ra->n_search < DNS_MAX) {
        advert->search[ra->n_search++] = value;
    }
}

/* Adds to 'former' what guests may have by row "TYPE/NAME" and is not
 * advertised now. */
static void
add_former(struct vmn_view *view, const char *type, const char *name,
           int64_t now_s, const struct advert *now, struct advert *former)
{
    const struct vmn_withdrawal *row = vmn_read_withdrawal(
        view, vmn_printf(view, "%s/%s", type, name));

    for (size_t i = 0; row && i < row->n_items; i++) {
        const char *parts[3];
        size_t n = vmn_key_split(view, row->items[i], parts, 3);
        bool slaac = n == 3;

        if (n > 1 && now_s < atoll(parts[0])
            && !has(view, now, parts[1], slaac)
            && !has(view, former, parts[1], slaac)) {
            add_value(former, parts[1], slaac);
        }
    }
}

/* Advertisements.  -------------------------------------------------------- */

/* Sends it from all 'routers', as far as there is '*room'. */
static void
send_from(const struct advert *routers, struct advert *advert,
          uint16_t router_s, size_t *room, struct vmn_packets_out *out)
{
    for (size_t i = 0; i < routers->n_routers && *room; i++, --*room) {
        send_advert(advert, routers->routers[i], router_s, out);
    }
}

/* Sends an advertisement of each of the network's routers, or if there is
 * none, of the server: how addresses are assigned, and what is on the link,
 * does not depend on routers.  What is not advertised any more follows with
 * lifetimes of 0, from all that may have advertised it. */
static void
advertise(struct vmn_view *view, const struct vmn_network *network,
          const struct vmn_packet_in *in, const struct vmn_ip *to,
          struct vmn_packets_out *out)
{
    bool advertises = (first_subnet(network, in->port)
                       && answers_solicitations(view, network));
    size_t room = VMN_SENDS_MAX - 2; /* Beside the server's. */
    struct advert now, former;

    prepare(view, network, in->port, to, &now);
    prepare(view, network, in->port, to, &former);
    former.ra.n_prefixes = former.ra.n_dns = former.ra.n_search = 0;
    former.ra.valid_s = former.ra.preferred_s = former.ra.dns_s = 0;
    if (!advertises) {
        now.ra.n_prefixes = now.ra.n_dns = now.ra.n_search = 0;
    } else if (!(now.n_routers = find_routers(view, network, now.routers))) {
        send_advert(&now, server_mac, 0, out);
    }
    send_from(&now, &now, VMN_ROUTER_LIFETIME, &room, out);
    add_former(view, "networks", network->row.name, in->now_s, &now, &former);
    add_former(view, "ports", in->port->row.name, in->now_s, &now, &former);
    send_from(&former, &former, 0, &room, out);
    if (former.ra.n_prefixes || former.ra.n_dns || former.ra.n_search) {
        send_from(&now, &former, VMN_ROUTER_LIFETIME, &room, out);
        send_advert(&former, server_mac, 0, out);
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
    } else if (!in->size) {
        advertise(view, network, in, NULL, out);
    } else if (!first_subnet(network, in->port)) {
        vmn_send_nothing(out, "no IPv6 address");
    } else if (!vmn_rs_parse(in->bytes, in->size, &rs)) {
        vmn_send_nothing(out, "malformed");
    } else if (!vmn_mac_equal(rs.eth_src, in->port->mac)) {
        vmn_send_nothing(out, "not the port's MAC");
    } else if (vmn_ip_equal(&rs.ip_src, &nobody)) {
        advertise(view, network, in, NULL, out);
    } else if (owns(in->port, &rs.ip_src)) {
        advertise(view, network, in, &rs.ip_src, out);
    } else {
        vmn_send_nothing(out, "not the port's address");
    }
}
