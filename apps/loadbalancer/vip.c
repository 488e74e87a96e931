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

static struct vmn_flow *
flow_add(const struct address *a, unsigned stage, unsigned table,
         uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(a->emit, a->scope, stage, table,
                                         priority);

    vmn_match(flow, VMN_REG_ZONE, a->zone);
    return flow;
}

static struct vmn_flow *
flow_to_it(const struct address *a, unsigned table, uint16_t priority)
{
    struct vmn_flow *flow = flow_add(a, STAGE_BALANCE, table, priority);

    vmn_match_ip(flow, vmn_field_ip_dst(a->ip.family), &a->ip);
    return flow;
}

/* In the networks where it is offered.  ---------------------------------- */

static void
emit_network(const struct address *a, const char *name)
{
    const struct vmn_network *network = vmn_read_network(a->view, name);
    struct vmn_flow *flow;
    struct vmn_mac mac;

    if (!network || !network->vni) {
        return;
    }
    mac = vip_mac(a->view, name, &a->ip);
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

    /* Replies have its MAC: those of a backend to itself, */
    flow = vmn_flow_add(a->emit, by.scope, STAGE_BALANCE, BALANCE_SELECT,
                        SELECT_REPLY);
    vmn_match(flow, VMN_REG_NETWORK, network->vni);
    vmn_match_ip(flow, vmn_field_ip_src(a->ip.family), &a->ip);
    vmn_act_set_mac(vmn_flow_actions(flow), VMN_F_ETH_SRC, mac);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_BALANCE, BALANCE_BACKEND);

    /* and all others. */
    flow = vmn_flow_add(a->emit, by.scope, STAGE_UNBALANCE, UNBALANCE_MAC,
                        MAC_REPLY);
    vmn_match(flow, VMN_REG_NETWORK, network->vni);
    vmn_match_ip(flow, vmn_field_ip_src(a->ip.family), &a->ip);
    vmn_act_set_mac(vmn_flow_actions(flow), VMN_F_ETH_SRC, mac);
    vmn_act_next(vmn_flow_actions(flow));
}

/* Replies to a unicast solicitation.  Its flow has matched that the target is
 * the virtual IP, whose MAC follows from its ID. */
void
handle_neighbour(struct vmn_view *view, const struct vmn_packet_in *in,
                 struct vmn_packets_out *out)
{
    vmn_send_nd_advert(in, number_mac(in->arg), false, out);
}

/* In the whole domain.  --------------------------------------------------- */

/* Replies to pings.  A sender behind a router gets the same reply, from that
 * router's MAC. */
static void
emit_ping(const struct address *a)
{
    bool v6 = a->ip.family == 6;
    enum vmn_field type = vmn_field_icmp_type(a->ip.family);
    struct vmn_flow *flow = flow_to_it(a, BALANCE_VIP, VIP_PING);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
    vmn_match(flow, type, v6 ? VMN_ICMPV6_ECHO : VMN_ICMP_ECHO);
    vmn_act_swap(actions, VMN_F_ETH_SRC, VMN_F_ETH_DST);
    vmn_act_swap(actions, vmn_field_ip_src(a->ip.family),
                 vmn_field_ip_dst(a->ip.family));
    vmn_act_set(actions, VMN_F_IP_TTL, 64);
    vmn_act_set(actions, type,
                v6 ? VMN_ICMPV6_ECHO_REPLY : VMN_ICMP_ECHO_REPLY);
    vmn_act_output_in_port(actions);
}

static void
emit_common(const struct address *a)
{
    emit_ping(a);
    vmn_act_drop(vmn_flow_actions(flow_to_it(a, BALANCE_VIP, VIP_OTHER)),
                 "no such service at virtual IP");
}

/* Emits flows for fragments.  Conntrack reassembles them, so all must go
 * there.  A later fragment does not name its service, so it can open a
 * connection only if there is one: 'balancer' is the only balancer then, with
 * a single service. */
static void
emit_fragments(const struct address *a, unsigned ip_proto,
               const struct vmn_loadbalancer *balancer)
{
    struct vmn_flow *flow = flow_to_it(a, BALANCE_VIP, VIP_FRAGMENT);
    struct vmn_actions *actions;

    vmn_match(flow, VMN_F_IP_PROTO, ip_proto);
    vmn_match_masked(flow, VMN_F_IP_FRAG, VMN_FRAG_ANY, VMN_FRAG_ANY);
    act_nat(vmn_flow_actions(flow), STAGE_BALANCE, BALANCE_SELECT);

    flow = flow_to_it(a, BALANCE_SELECT, SELECT_FRAGMENT);
    actions = vmn_flow_actions(flow);
    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | VMN_CT_NEW,
                     VMN_CT_TRK | VMN_CT_NEW | VMN_CT_INV);
    vmn_match_masked(flow, VMN_F_IP_FRAG, VMN_FRAG_LATER, VMN_FRAG_LATER);
    vmn_match(flow, VMN_F_IP_PROTO, ip_proto);
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
            emit_fragments(a, i, several[i] ? NULL
                           : vmn_read_loadbalancer(a->view, only[i]));
        }
    }
}

void
compile_address(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_names facts = vmn_relation_values(view, REL_ADDRESS, key);
    struct address a = { .view = view, .emit = emit };
    const char *parts[2];        /* DOMAIN|VIP. */

    if (vmn_key_split(view, key, parts, 2) < 2
        || !vmn_ip_from_text(parts[1], &a.ip)) {
        return;
    }
    a.scope = vmn_scope_domain(parts[0]);
    a.zone = vmn_domain_zone(view, parts[0]);
    emit_common(&a);
    emit_services(&a, &facts);
}
