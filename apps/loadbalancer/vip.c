/* SPDX-License-Identifier: Apache-2.0
 *
 * A virtual IP in a routing domain, whatever balancers serve there: it answers
 * ARP, neighbour discovery and pings, and drops what is for no service of
 * its. */

#include "loadbalancer.h"

#include <stdlib.h>
#include <string.h>

struct address {
    struct vmn_view *view;
    struct vmn_emit *emit;
    struct vmn_scope scope;
    uint32_t zone;              /* The domain's. */
    struct vmn_ip ip;
};

/* In the networks where it is offered.  ---------------------------------- */

static void
emit_network(const struct address *a, const char *name)
{
    const struct vmn_network *network = vmn_read_network(a->view, name);
    struct vmn_mac mac;

    if (!network || !network->vni) {
        return;
    }
    mac = vip_mac(&a->ip);
    vmn_claim_ip(a->view, a->emit, name, &a->ip);

    const struct vmn_arp_nd_responder by = {
        .scope = vmn_scope_network(name),
        .stage = STAGE_ARP,
        .priority = ARP_ND_REPLY,
        .vni = network->vni,
        .mac = mac,
        .handler = HANDLER_NEIGHBOUR,
        .arg = (uint32_t) mac.ea[3] << 16 | mac.ea[4] << 8 | mac.ea[5],
    };

    vmn_arp_nd_respond(a->emit, &by, &a->ip);
}

/* Replies to a unicast solicitation.  Its flow has matched that the target is
 * the virtual IP, and has given the number in its MAC. */
void
handle_neighbour(struct vmn_view *view, const struct vmn_packet_in *in,
                 struct vmn_packets_out *out)
{
    const struct vmn_mac mac = VMN_RESERVED_MAC(VMN_RESERVED_MAC_VIP, in->arg);

    vmn_send_nd_advert(in, mac, false, out);
}

/* Emits the MAC of replies that have got their virtual IP back: conntrack's
 * zone holds nothing but balanced connections. */
static void
emit_reply(struct vmn_emit *emit, const struct vmn_network *network,
           unsigned family, unsigned stage, unsigned table, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_network(network->row.name), stage, table, priority);

    vmn_match(flow, VMN_REG_NETWORK, network->vni);
    vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | VMN_CT_RPL,
                     VMN_CT_TRK | VMN_CT_RPL | VMN_CT_INV);
    act_set_vip_mac(vmn_flow_actions(flow), vmn_field_ip_src(family));
    if (stage == STAGE_BALANCE) {
        vmn_act_goto(vmn_flow_actions(flow), STAGE_BALANCE, BALANCE_BACKEND);
    } else {
        vmn_act_next(vmn_flow_actions(flow));
    }
}

/* Compiles what a network has in which virtual IPs are offered. */
void
compile_network(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_network *network = vmn_read_network(view, key);
    struct vmn_names families = vmn_relation_values(view, REL_NETWORK, key);

    for (size_t i = 0; network && network->vni && i < families.n; i++) {
        unsigned family = atoi(families.names[i]);

        /* Replies of a backend to itself, */
        emit_reply(emit, network, family, STAGE_BALANCE, BALANCE_SELECT,
                   SELECT_REPLY);
        /* and all others. */
        emit_reply(emit, network, family, STAGE_UNBALANCE, UNBALANCE_MAC,
                   MAC_REPLY);
    }
}

/* Of all virtual IPs.  ---------------------------------------------------- */

static struct vmn_flow *
base_add(struct vmn_emit *emit, unsigned table, uint16_t priority)
{
    return vmn_flow_add(emit, vmn_scope_all(), STAGE_BALANCE, table, priority);
}

/* Emits the reply to pings.  A sender behind a router gets the same reply,
 * from that router's MAC. */
static void
base_ping(struct vmn_emit *emit, unsigned family)
{
    bool v6 = family == 6;
    enum vmn_field type = vmn_field_icmp_type(family);
    struct vmn_flow *flow = base_add(emit, BALANCE_SERVICE, SERVICE_PING);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
    vmn_match(flow, type, v6 ? VMN_ICMPV6_ECHO : VMN_ICMP_ECHO);
    vmn_act_swap(actions, VMN_F_ETH_SRC, VMN_F_ETH_DST);
    vmn_act_swap(actions, vmn_field_ip_src(family), vmn_field_ip_dst(family));
    vmn_act_set(actions, VMN_F_IP_TTL, 64);
    vmn_act_set(actions, type,
                v6 ? VMN_ICMPV6_ECHO_REPLY : VMN_ICMP_ECHO_REPLY);
    vmn_act_output_in_port(actions);
}

/* Emits a flow for fragments.  Conntrack reassembles them, so all must go
 * there. */
static void
base_fragment(struct vmn_emit *emit, unsigned family, unsigned ip_proto)
{
    struct vmn_flow *flow = base_add(emit, BALANCE_SERVICE,
                                     SERVICE_FRAGMENT);

    vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
    vmn_match(flow, VMN_F_IP_PROTO, ip_proto);
    vmn_match_masked(flow, VMN_F_IP_FRAG, VMN_FRAG_ANY, VMN_FRAG_ANY);
    act_nat(vmn_flow_actions(flow), STAGE_BALANCE, BALANCE_SELECT);
}

/* Emits the flow for what may open a connection and is for no service:
 * fragments, whose ports nothing has matched yet.  Conntrack calls a
 * connection new until there is an answer, so what it has translated is not
 * meant. */
static void
base_other(struct vmn_emit *emit)
{
    struct vmn_flow *flow = base_add(emit, BALANCE_SELECT, SELECT_OTHER);

    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | VMN_CT_NEW,
                     VMN_CT_TRK | VMN_CT_NEW | VMN_CT_INV | VMN_CT_DNAT);
    vmn_act_drop(vmn_flow_actions(flow), "no such service at virtual IP");
}

/* Emits the flow for what is sent to a virtual IP that is none any more: the
 * client still has its Ethernet address. */
static void
base_former(struct vmn_emit *emit, unsigned family)
{
    struct vmn_flow *flow = base_add(emit, BALANCE_VIP, VIP_FORMER);

    vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
    vmn_match_masked(flow, VMN_F_ETH_DST,
                     (uint64_t) VMN_RESERVED_MAC_VIP << 24,
                     UINT64_C(0xffffff) << 24);
    act_reject_as_sent(vmn_flow_actions(flow), "no such virtual IP");
}

void
base_vip(struct vmn_emit *emit)
{
    base_other(emit);
    for (unsigned family = 4; family <= 6; family += 2) {
        base_former(emit, family);
        base_ping(emit, family);
        base_fragment(emit, family, VMN_IP_PROTO_TCP);
        base_fragment(emit, family, VMN_IP_PROTO_UDP);
    }
    /* Later fragments of IPv6, of any protocol (ovs-fields(7), "nw_proto"). */
    base_fragment(emit, 6, VMN_IP_PROTO_FRAGMENT);
}

/* In the whole domain.  --------------------------------------------------- */

static struct vmn_flow *
flow_to_it(const struct address *a, unsigned table, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(a->emit, a->scope, STAGE_BALANCE,
                                         table, priority);

    vmn_match(flow, VMN_REG_ZONE, a->zone);
    vmn_match_ip(flow, vmn_field_ip_dst(a->ip.family), &a->ip);
    return flow;
}

/* Emits a flow for later fragments of what may open a connection.  They do not
 * name their service, so they can open one only if there is one: 'balancer' is
 * the only balancer then, with a single service. */
static void
emit_fragment(const struct address *a, unsigned ip_proto,
              const struct vmn_loadbalancer *balancer)
{
    struct vmn_flow *flow = flow_to_it(a, BALANCE_SELECT, SELECT_FRAGMENT);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | VMN_CT_NEW,
                     VMN_CT_TRK | VMN_CT_NEW | VMN_CT_INV);
    vmn_match_masked(flow, VMN_F_IP_FRAG, VMN_FRAG_LATER, VMN_FRAG_LATER);
    /* Conntrack's copy: a switch shows none of a later fragment of IPv6. */
    vmn_match(flow, VMN_F_CT_NW_PROTO, ip_proto);
    if (balancer) {
        act_choose(a->view, actions, balancer);
    } else {
        vmn_act_drop(actions, "fragment to one of several services");
    }
}

/* Emits the services of each balancer; there is a value for each balancer and
 * network. */
static void
emit_services(const struct address *a, const struct vmn_names *facts)
{
    const char *only[256] = { NULL };
    bool some[256] = { false }, several[256] = { false };
    const char *before = "";

    for (size_t i = 0; i < facts->n; i++) {
        const char *parts[4];    /* NETWORK|PROTOCOL|SERVICES|BALANCER. */
        unsigned ip_proto;

        if (vmn_key_split(a->view, facts->names[i], parts, 4) < 4) {
            continue;
        }
        if (strcmp(parts[0], before)) {
            emit_network(a, parts[0]);
            before = parts[0];
        }
        ip_proto = atoi(parts[1]) & 0xff;
        if (atoi(parts[2]) > 1
            || (some[ip_proto] && strcmp(only[ip_proto], parts[3]))) {
            several[ip_proto] = true;
        }
        some[ip_proto] = true;
        only[ip_proto] = parts[3];
    }
    for (unsigned i = 0; i < 256; i++) {
        if (some[i]) {
            emit_fragment(a, i, several[i] ? NULL
                          : vmn_read_loadbalancer(a->view, only[i]));
        }
    }
}

/* Returns the least MTU of the networks in the domain that the balancers of
 * floating addresses serve, or 0. */
static uint32_t
outside_mtu(const struct address *a, const char *domain,
            const struct vmn_names *facts)
{
    uint32_t least = 0;

    for (size_t i = 0; i < facts->n; i++) {
        const char *parts[4];    /* As in emit_services(). */
        const struct vmn_loadbalancer *lb
            = (vmn_key_split(a->view, facts->names[i], parts, 4) == 4
               && !strcmp(parts[0], NO_NETWORK)
               ? vmn_read_loadbalancer(a->view, parts[3]) : NULL);

        for (size_t j = 0; lb && j < lb->n_networks; j++) {
            const struct vmn_network *network
                = (strcmp(vmn_domain_of(a->view, lb->networks[j]), domain)
                   ? NULL : vmn_read_network(a->view, lb->networks[j]));
            uint32_t mtu = network ? vmn_mtu_of(a->view, network) : 0;

            least = mtu && (!least || mtu < least) ? mtu : least;
        }
    }
    return least;
}

/* Emits the size check of what comes for a floating address from outside,
 * which no router forwards. */
static void
emit_size_check(const struct address *a, uint32_t mtu)
{
    struct vmn_flow *flow = flow_to_it(a, BALANCE_VIP, VIP_FROM_OUTSIDE);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_EXTERNAL,
                     VMN_FLAG_EXTERNAL);
    vmn_act_check_size(actions, mtu);
    vmn_act_goto(actions, STAGE_BALANCE, BALANCE_SERVICE);

    flow = flow_to_it(a, BALANCE_SERVICE, SERVICE_TOO_LARGE);
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_EXTERNAL | VMN_FLAG_LARGE,
                     VMN_FLAG_EXTERNAL | VMN_FLAG_LARGE);
    act_reject_too_large(vmn_flow_actions(flow), mtu);
}

void
compile_address(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_names facts = vmn_relation_values(view, REL_ADDRESS, key);
    struct address a = { .view = view, .emit = emit };
    const char *parts[2];        /* DOMAIN|VIP. */
    uint32_t mtu;

    if (vmn_key_split(view, key, parts, 2) < 2
        || !vmn_ip_from_text(parts[1], &a.ip)) {
        return;
    }
    a.scope = vmn_scope_domain(parts[0]);
    a.zone = vmn_domain_zone(view, parts[0]);
    vmn_act_goto(vmn_flow_actions(flow_to_it(&a, BALANCE_VIP, VIP_ONE)),
                 STAGE_BALANCE, BALANCE_SERVICE);
    act_reject_as_sent(vmn_flow_actions(flow_to_it(&a, BALANCE_SERVICE,
                                                   SERVICE_OTHER)),
                       "no such service at virtual IP");
    emit_services(&a, &facts);
    mtu = outside_mtu(&a, parts[0], &facts);
    if (mtu) {
        emit_size_check(&a, mtu);
    }
}
