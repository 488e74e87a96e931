/* SPDX-License-Identifier: Apache-2.0
 *
 * Tells a sender what became of its packet: ICMP errors as from the router
 * where it ended, or as from the address that it was for, where that is a
 * router's. They go out of the port that the packet came from; vmnd sees to it
 * that nobody has more than so many of them a second. */

#include "router.h"

#include <string.h>

const struct vmn_router *
router_of_number(struct vmn_view *view, uint32_t number)
{
    struct vmn_names names =
        vmn_relation_values(view, REL_NUMBER, vmn_printf(view, "%u", number));

    return names.n ? vmn_read_router(view, names.names[0]) : NULL;
}

/* Sets '*ip' to an address of the interface of the family of 'near': the one
 * in the same subnet, or else any. */
static void
choose(const struct vmn_router_interface *interface,
       const struct vmn_network *network, const struct vmn_ip *near,
       struct vmn_ip *chosen)
{
    struct vmn_ip own[VMN_ADDRESSES_MAX];
    size_t n = vmn_interface_addresses(interface, network, own);

    for (size_t i = 0; i < n; i++) {
        if (own[i].family != near->family) {
            continue;
        }
        if (!chosen->family) {
            *chosen = own[i];
        }
        for (size_t j = 0; j < network->n_subnets; j++) {
            if (vmn_prefix_contains(&vmn_subnet_at(network, j)->cidr, near)
                && vmn_prefix_contains(&vmn_subnet_at(network, j)->cidr,
                                       &own[i])) {
                *chosen = own[i];
                return;
            }
        }
    }
}

/* Returns the router's address in the network with 'vni', by which the packet
 * came, of the family of 'near'.  Without one there, returns another of its
 * addresses. */
static struct vmn_ip
find_address(struct vmn_view *view, const struct vmn_router *router,
             uint32_t vni, const struct vmn_ip *near)
{
    struct vmn_ip address = { .family = 0 }, other = { .family = 0 };

    for (size_t i = 0; i < router->n_interfaces && !address.family; i++) {
        const struct vmn_router_interface *interface
            = vmn_router_interface_at(router, i);
        const struct vmn_network *network = vmn_read_network(
            view, interface->network);

        if (network && network->vni == vni) {
            choose(interface, network, near, &address);
        } else if (network && !other.family) {
            choose(interface, network, near, &other);
        }
    }
    return address.family ? address : other;
}

/* Sets '*ip' to the packet's source, or to its destination. */
static bool
address_of(const struct vmn_packet_in *in, bool destination,
           struct vmn_ip *ip)
{
    uint16_t eth_type = (in->size >= 34 ? in->bytes[12] << 8 | in->bytes[13]
                         : 0);

    memset(ip, 0, sizeof *ip);
    if (eth_type == VMN_ETH_IPV4) {
        ip->family = 4;
        memcpy(ip->addr, in->bytes + (destination ? 30 : 26), 4);
    } else if (eth_type == VMN_ETH_IPV6 && in->size >= 54) {
        ip->family = 6;
        memcpy(ip->addr, in->bytes + (destination ? 38 : 22), 16);
    }
    return ip->family;
}

static enum vmn_reject_reason
reason_of(enum router_error error)
{
    switch (error) {
    case ERROR_TTL: return VMN_REJECT_TTL;
    case ERROR_NO_ROUTE: return VMN_REJECT_NO_ROUTE;
    case ERROR_NO_NEIGHBOUR: return VMN_REJECT_NO_HOST;
    case ERROR_TOO_LARGE: return VMN_REJECT_TOO_BIG;
    case ERROR_NO_SERVICE: default: return VMN_REJECT_NO_PORT;
    }
}

/* Returns the router's external address of the family of 'near'. */
static struct vmn_ip
external_address(const struct vmn_router *router, const struct vmn_ip *near)
{
    const struct vmn_external *external = &router->external;

    for (size_t i = 0; i < external->n_addresses; i++) {
        if (external->addresses[i].family == near->family) {
            return external->addresses[i];
        }
    }
    return (struct vmn_ip) { .family = 0 };
}

static bool
has_address(const struct vmn_port *port, const struct vmn_ip *ip)
{
    for (size_t i = 0; port && i < port->n_ips; i++) {
        if (vmn_ip_equal(&port->ips[i], ip)) {
            return true;
        }
    }
    return false;
}

/* Returns the address to which NAT changes the source of what the packet's
 * destination sends outside by the router: a floating one, or the router's. */
static struct vmn_ip
translated_address(struct vmn_view *view, const struct vmn_packet_in *in,
                   const struct vmn_router *router)
{
    struct vmn_names names = vmn_lookup(view, VMN_INDEX_FLOATING_BY_ROUTER,
                                        router->row.name);
    struct vmn_ip to;

    address_of(in, true, &to);
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_floating_ip *floating
            = vmn_read_floating_ip(view, names.names[i]);

        if (floating && floating->port && floating->ip.family == to.family
            && has_address(vmn_read_port(view, floating->port), &to)) {
            return floating->ip;
        }
    }
    return external_address(router, &to);
}

/* Returns the VNI of the network by which the packet came to the router. */
static uint32_t
network_of(const struct vmn_packet_in *in, enum router_error error)
{
    return vmn_packet_reg(in, error == ERROR_NO_NEIGHBOUR
                          || error == ERROR_TOO_LARGE
                          ? REG_FROM : VMN_REG_NETWORK);
}

static bool
is_from_external(const struct vmn_packet_in *in)
{
    return vmn_packet_reg(in, VMN_REG_FLAGS) & VMN_FLAG_EXTERNAL;
}

/* Returns the router by whose gateway the packet came in, or NULL.  A packet
 * for a router itself has left STAGE_ROUTE, and with it its registers, and is
 * in the network of REG_ENTRY. */
static const struct vmn_router *
find_entry(struct vmn_view *view, const struct vmn_packet_in *in,
           enum router_error error)
{
    uint32_t vni = vmn_packet_reg(in, error == ERROR_NO_SERVICE
                                  ? VMN_REG_NETWORK : REG_ENTRY);
    struct vmn_names names = { 0, NULL };

    if (is_from_external(in)) {
        names = vmn_relation_values(view, REL_TRANSIT,
                                    vmn_printf(view, "%u", vni));
    }
    return names.n ? vmn_read_router(view, names.names[0]) : NULL;
}

/* Sets '*from' to the address that the router where the packet has ended has
 * in the network by which it came; to the external one of 'entry', if it came
 * there from outside.  An error about a reply from outside has the source that
 * NAT would give it, at any router: where NAT changes the source of an ICMPv6
 * error, Open vSwitch's userspace datapath changes the MTU in it, too.
 * Returns false if there is no address. */
static bool
find_sender(struct vmn_view *view, const struct vmn_packet_in *in,
            const struct vmn_router *entry, enum router_error error,
            struct vmn_ip *from)
{
    const struct vmn_router *router;
    struct vmn_ip near;

    if (error == ERROR_NO_SERVICE) {
        return true;            /* From the packet's destination. */
    }
    router = router_of_number(view, vmn_packet_reg(in, REG_ROUTER));
    if (!router || !address_of(in, false, &near)) {
        return false;
    }
    *from = (entry && !in->sent_to.family
             ? translated_address(view, in, entry)
             : entry && network_of(in, error) == vmn_packet_reg(in, REG_ENTRY)
             ? external_address(entry, &near)
             : find_address(view, router, network_of(in, error), &near));
    return from->family;
}

/* Returns the MAC address that the error has on the physical network: the
 * router's at its gateway, or else the host's own, since a physical switch
 * finds the router's in one place. */
static struct vmn_mac
external_mac(struct vmn_view *view, const struct vmn_router *router,
             const char *host)
{
    size_t size;
    const char *gateway = vmn_query(view, VMN_QUERY_GATEWAY, router->row.name,
                                    &size);

    return (gateway && !strcmp(gateway, host) ? router->mac
            : (struct vmn_mac) VMN_RESERVED_MAC(
                VMN_RESERVED_MAC_SERVICE,
                vmn_id_of(view, VMN_ID_POOL_HOST, host)));
}

/* Sends the error to the external network from this host, which is the gateway
 * or serves a distributed floating address: back to the MAC address that the
 * packet came from.  An error about a reply to a connection from inside goes
 * through NAT (app gateway), which alone knows what its sender knows. */
static void
send_external(struct vmn_view *view, const struct vmn_packet_in *in,
              const struct vmn_router *router, struct vmn_packets_out *out,
              uint8_t *answer, size_t size)
{
    const struct vmn_network *network = vmn_read_network(
        view, router->external.network);
    struct vmn_mac mac = external_mac(view, router, in->host);
    uint32_t regs[VMN_N_REGS] = { 0 };

    if (!network) {
        vmn_send_nothing(out, "router has no address to answer from");
        return;
    }
    memcpy(answer + 6, mac.ea, sizeof mac.ea);
    regs[VMN_REG_NETWORK - VMN_F_REG0]
        = (in->sent_to.family ? network->vni
           : vmn_transit_vni(view, router->row.name));
    regs[VMN_REG_ZONE - VMN_F_REG0] = vmn_packet_reg(in, VMN_REG_ZONE);
    regs[VMN_REG_DST_HOST - VMN_F_REG0] = VMN_DST_HOST_PROVIDER;
    vmn_send_to_hook(out, VMN_HOOK_DELIVER, VMN_TUNNEL_OFPORT, regs, answer,
                     size);
}

void
handle_error(struct vmn_view *view, const struct vmn_packet_in *in,
             struct vmn_packets_out *out)
{
    enum router_error error = in->arg & ((1u << ERROR_BITS) - 1);
    struct vmn_reject reject = {
        .reason = reason_of(error),
        .mtu = in->arg >> ERROR_BITS,
    };
    uint8_t answer[VMN_REJECT_SIZE_MAX];
    bool outside = is_from_external(in);
    const struct vmn_router *entry = find_entry(view, in, error);
    const char *why;
    size_t size;

    if (!outside && (!in->port || vmn_is_quarantined(view, in->port))) {
        vmn_send_nothing(out, in->port ? "sender is quarantined"
                         : "sender is not a port");
        return;
    }
    if ((outside && !entry)
        || !find_sender(view, in, entry, error, &reject.from)) {
        vmn_send_nothing(out, "router has no address to answer from");
        return;
    }
    size = vmn_reject_build_as(&reject, original_packet(view, in), in->size,
                               answer, &why);
    if (!size) {
        vmn_send_nothing(out, why);
    } else if (outside) {
        send_external(view, in, entry, out, answer, size);
    } else {
        vmn_send_back(out, answer, size);
    }
}
