/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections to virtual IPs whose client migrates.  Which backend each has
 * is known to the connection tracking of the client's former host alone, and
 * the weights, or the backends, may be others by now.  So the new host asks:
 * what is in the middle of a connection that it does not know it sends to the
 * other one, by the port's own VNI.  There conntrack says which backend that
 * is.  The packet comes back as it was, but for its Ethernet source, which
 * holds the number of the backend's target; the new host commits the
 * connection to that, as if it had chosen it, and goes on with the packet as
 * with one of its own port.  So it asks once for each connection, as a rule
 * with the guest's first packet, and no controller is asked at all.  What the
 * other host does not know either, it says so, and a backend is chosen.  That
 * one can be asked for a while after it has dropped the interface.
 *
 * A backend may be the first to send something after the client has migrated,
 * if only once more what the client has not acknowledged.  Put back to the
 * virtual IP it must be: the client's system resets what comes from an address
 * that it has no connection with.  So what is in the middle of a connection
 * that the new host does not know goes by the other host as well, which puts
 * the virtual IP back.  Of this nothing is committed: what the client sends
 * next is asked about.
 *
 * TCP only: of anything else nobody can tell what is in the middle.
 *
 * What a backend on one of both hosts sends to the port goes to the other one
 * as well, as any packet (apps/overlay/migration.c), but as the backend has
 * sent it: so that host judges and tracks it, and puts the virtual IP back of
 * what it knows itself. */

#include "loadbalancer.h"

#include <stdlib.h>
#include <string.h>

/* REG_BALANCER in BALANCE_ASIDE: no balancer has these numbers. */
#define ASKED (1u << 24)
#define TOLD ((1u << 24) + 1)
#define ASKED_BACK ((1u << 24) + 2)

/* REG_LIMIT from BALANCE_VIP to BALANCE_SELECT, of a packet that has come
 * back: it has a target's number in REG_BACKEND. */
#define KNOWN 1

/* The bits of an Ethernet address behind the first three bytes. */
#define MAC_NUMBER UINT64_C(0xffffff)

/* A client's port on one of its two hosts. */
struct client {
    struct vmn_view *view;
    struct vmn_emit *emit;
    const struct vmn_port *port;
    const struct vmn_network *network;
    uint32_t vni;               /* The port's own. */
    uint32_t zone;              /* The domain's. */
    const char *host;
    uint32_t ofport;
    uint32_t other;             /* The number of the other host. */
};

static struct vmn_flow *
client_flow(const struct client *c, unsigned table, uint16_t priority)
{
    return vmn_flow_add(c->emit, vmn_scope_host(c->host), STAGE_BALANCE,
                        table, priority);
}

static const uint16_t ip_types[] = { VMN_ETH_IPV4, VMN_ETH_IPV6 };

/* Sends the packet to the other host, by the tunnel that it came by or
 * another. */
static void
act_to_other(struct vmn_actions *actions)
{
    vmn_act_clear_in_port(actions);
    vmn_act_goto_hook(actions, VMN_HOOK_DELIVER);
}

/* Emits what a host does that is asked, about what the port has sent or what
 * was sent to it.  Whatever conntrack says, the packet goes back: VMN_TOLD_MAC
 * as its source says that nothing is known; as its destination, that it is the
 * port's. */
static void
emit_answer(const struct client *c)
{
    for (size_t i = 0; i < 4; i++) {
        bool back = i >= 2;
        struct vmn_flow *flow = client_flow(c, BALANCE_VIP, back
                                            ? VIP_ASKED_BACK : VIP_ASKED);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        vmn_match(flow, VMN_REG_NETWORK, c->vni);
        if (back) {
            vmn_match_mac(flow, VMN_F_ETH_DST, c->port->mac);
        }
        vmn_match(flow, VMN_F_ETH_TYPE, ip_types[i % 2]);
        vmn_match(flow, VMN_F_IP_PROTO, VMN_IP_PROTO_TCP);
        vmn_act_set_mac(actions, back ? VMN_F_ETH_DST : VMN_F_ETH_SRC,
                        VMN_TOLD_MAC);
        vmn_act_set(actions, REG_BALANCER, back ? ASKED_BACK : ASKED);
        act_nat(actions, STAGE_BALANCE, BALANCE_ASIDE);
    }
}

/* Emits the virtual IP's MAC address as the source of answers of backends, as
 * in the client's network, if a virtual IP is offered there (vip.c); else they
 * come from a router. */
static void
emit_answer_mac(const struct client *c)
{
    const struct vmn_names families = vmn_relation_values(
        c->view, REL_NETWORK, c->network->row.name);

    for (size_t i = 0; i < families.n; i++) {
        unsigned family = atoi(families.names[i]);
        struct vmn_flow *flow = client_flow(c, BALANCE_ASIDE, ASIDE_ANSWER);

        vmn_match(flow, REG_BALANCER, ASKED_BACK);
        vmn_match(flow, VMN_REG_NETWORK, c->vni);
        vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
        /* The zone has balanced connections only. */
        vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | VMN_CT_RPL,
                         VMN_CT_TRK | VMN_CT_RPL | VMN_CT_INV);
        act_set_vip_mac(vmn_flow_actions(flow), vmn_field_ip_src(family));
        act_to_other(vmn_flow_actions(flow));
    }
}

/* Emits what becomes of packets that have come back: those of connections
 * that the other host knows, and others. */
static void
emit_returned(const struct client *c)
{
    for (int known = 0; known < 2; known++) {
        struct vmn_flow *flow = client_flow(c, BALANCE_VIP, known ? VIP_TOLD
                                            : VIP_TOLD_NOTHING);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        vmn_match(flow, VMN_F_IN_PORT, c->ofport);
        vmn_match(flow, VMN_F_TUN_ID, c->vni);
        if (known) {
            vmn_match_masked(flow, VMN_F_ETH_SRC,
                             (uint64_t) VMN_RESERVED_MAC_SERVICE << 24,
                             ~MAC_NUMBER & UINT64_C(0xffffffffffff));
            vmn_act_set(actions, REG_BACKEND, 0);
            vmn_act_move_bits(actions, VMN_F_ETH_SRC, 0, REG_BACKEND, 0, 24);
        } else {
            vmn_match_mac(flow, VMN_F_ETH_SRC, VMN_TOLD_MAC);
        }
        vmn_act_set(actions, REG_LIMIT, known ? KNOWN : 0);
        /* It was counted as it asked. */
        vmn_act_set_masked(actions, VMN_REG_FLAGS, VMN_FLAG_LIMITED,
                           VMN_FLAG_LIMITED);
        vmn_act_set_mac(actions, VMN_F_ETH_SRC, c->port->mac);
        vmn_act_goto(actions, STAGE_BALANCE, BALANCE_SERVICE);
    }
}

/* Drops what the guest sends to a virtual IP with an Ethernet destination by
 * which the other host would take its question for another one, or for an
 * answer (overlay's asked_here() and told_here()). */
static void
emit_not_asked(const struct client *c)
{
    for (int own = 0; own < 2; own++) {
        struct vmn_flow *flow = client_flow(c, BALANCE_CHOOSE,
                                            CHOOSE_NOT_ASKED);

        vmn_match(flow, VMN_F_IN_PORT, c->ofport);
        vmn_match(flow, VMN_F_TUN_ID, 0);
        if (own) {
            vmn_match_mac(flow, VMN_F_ETH_DST, c->port->mac);
        } else {
            vmn_match_masked(flow, VMN_F_ETH_DST,
                             (uint64_t) VMN_RESERVED_MAC_SERVICE << 24,
                             ~MAC_NUMBER & UINT64_C(0xffffffffffff));
        }
        vmn_act_drop(vmn_flow_actions(flow), "spoofed");
    }
}

/* Emits what becomes of a connection that this host does not know: it asks, or
 * has asked. */
static void
emit_unknown(const struct client *c)
{
    struct vmn_actions *actions;
    struct vmn_flow *flow;

    for (int once = 0; once < 2; once++) {
        flow = client_flow(c, BALANCE_SELECT, once ? SELECT_TOLD
                           : SELECT_TOLD_TWICE);
        actions = vmn_flow_actions(flow);
        vmn_match(flow, VMN_F_IN_PORT, c->ofport);
        vmn_match(flow, VMN_F_TUN_ID, c->vni);
        vmn_match(flow, REG_LIMIT, KNOWN);
        if (once) {
            vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | VMN_CT_NEW,
                             VMN_CT_TRK | VMN_CT_NEW | VMN_CT_INV);
            vmn_act_set(actions, REG_BALANCER, TOLD);
            vmn_act_goto(actions, STAGE_BALANCE, BALANCE_ASIDE);
        } else {
            vmn_act_set(actions, REG_BACKEND, 0);
            vmn_act_set(actions, REG_LIMIT, 0);
            vmn_act_jump(actions, STAGE_BALANCE, BALANCE_SELECT);
        }
    }

    for (size_t i = 0; i < 2; i++) {
        flow = client_flow(c, BALANCE_CHOOSE, CHOOSE_ASK);
        actions = vmn_flow_actions(flow);
        vmn_match(flow, VMN_F_IN_PORT, c->ofport);
        vmn_match(flow, VMN_F_TUN_ID, 0);
        vmn_match(flow, VMN_REG_ZONE, c->zone);
        vmn_match_mac(flow, VMN_F_ETH_SRC, c->port->mac);
        vmn_match(flow, VMN_F_ETH_TYPE, ip_types[i]);
        vmn_match(flow, VMN_F_IP_PROTO, VMN_IP_PROTO_TCP);
        vmn_match_masked(flow, VMN_F_TCP_FLAGS, 0, VMN_TCP_SYN);
        vmn_act_set(actions, VMN_REG_NETWORK, c->vni);
        vmn_act_set(actions, VMN_REG_DST_HOST, c->other);
        vmn_act_goto_hook(actions, VMN_HOOK_DELIVER);
    }
}

static struct vmn_flow *
to_client_add(const struct client *c, unsigned table, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(c->emit, vmn_scope_host(c->host),
                                         STAGE_UNBALANCE, table, priority);

    vmn_match(flow, VMN_REG_NETWORK, c->network->vni);
    vmn_match(flow, VMN_REG_DST_LOCAL, 1);
    vmn_match(flow, VMN_REG_OUT_PORT, c->ofport);
    vmn_match_mac(flow, VMN_F_ETH_DST, c->port->mac);
    return flow;
}

/* Emits what becomes of a backend's packet of a connection that this host does
 * not know: neither as a balanced one, nor, by what conntrack had said before
 * policies (the flag), as one that the guest has opened to the backend itself.
 * It may be either, and is asked about but once, as a rule.  The host of a
 * backend knows either by the backend's own address, so each packet is asked
 * about there.  The other host says what is invalid. */
static void
emit_unknown_back(const struct client *c)
{
    struct vmn_actions *actions;
    struct vmn_flow *flow;

    for (size_t i = 0; i < 4; i++) {
        bool local = i >= 2;

        flow = to_client_add(c, UNBALANCE_SEND, SEND_UNTRACKED);
        actions = vmn_flow_actions(flow);
        vmn_match(flow, VMN_REG_SRC_LOCAL, local);
        vmn_match_masked(flow, VMN_REG_FLAGS, 0, VMN_FLAG_UNTRACKED);
        if (!local) {
            /* Also none at all: a commit clears it. */
            vmn_match_masked(flow, VMN_F_CT_STATE, 0, VMN_CT_RPL);
        }
        vmn_match(flow, VMN_F_ETH_TYPE, ip_types[i % 2]);
        vmn_match(flow, VMN_F_IP_PROTO, VMN_IP_PROTO_TCP);
        vmn_match_masked(flow, VMN_F_TCP_FLAGS, 0, VMN_TCP_SYN);
        vmn_act_set_masked(actions, VMN_REG_FLAGS, VMN_FLAG_UNTRACKED,
                           VMN_FLAG_UNTRACKED);
        vmn_act_jump(actions, STAGE_UNBALANCE, UNBALANCE_SEND);
    }

    flow = to_client_add(c, UNBALANCE_MAC, MAC_ASK);
    actions = vmn_flow_actions(flow);
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_UNTRACKED,
                     VMN_FLAG_UNTRACKED);
    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK,
                     VMN_CT_TRK | VMN_CT_RPL);
    vmn_act_set(actions, VMN_REG_NETWORK, c->vni);
    vmn_act_set(actions, VMN_REG_DST_LOCAL, 0);
    vmn_act_set(actions, VMN_REG_OUT_PORT, 0);
    vmn_act_set(actions, VMN_REG_DST_HOST, c->other);
    vmn_forget_tunnel(c->view, actions);
    act_to_other(actions);
}

/* Emits the copy of what this host sends to the port on itself, before it gets
 * a virtual IP back: with that it would be nobody's on the other host.  What
 * comes from outside is of no backend. */
static void
emit_copy(const struct client *c)
{
    for (unsigned family = 4; family <= 6; family += 2) {
        struct vmn_flow *flow = vmn_flow_add(
            c->emit, vmn_scope_host(c->host), STAGE_UNBALANCE, UNBALANCE_SEND,
            SEND_COPY);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        vmn_match(flow, VMN_REG_NETWORK, c->network->vni);
        vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
        vmn_match(flow, VMN_REG_DST_LOCAL, 1);
        vmn_match(flow, VMN_REG_OUT_PORT, c->ofport);
        vmn_match_masked(flow, VMN_REG_FLAGS, 0,
                         VMN_FLAG_UNKNOWN | VMN_FLAG_EXTERNAL);
        vmn_match_mac(flow, VMN_F_ETH_DST, c->port->mac);
        vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
        vmn_act_set(actions, VMN_REG_DST_LOCAL, 0);
        vmn_act_set(actions, VMN_REG_DST_HOST, c->other);
        /* No more copies, of both. */
        vmn_act_set_masked(actions, VMN_REG_FLAGS, VMN_FLAG_UNKNOWN,
                           VMN_FLAG_UNKNOWN);
        vmn_act_clone(actions, STAGE_UNBALANCE, UNBALANCE_MAC);
        vmn_act_set(actions, VMN_REG_DST_LOCAL, 1);
        vmn_act_set(actions, VMN_REG_DST_HOST, 0);
        vmn_act_jump(actions, STAGE_UNBALANCE, UNBALANCE_SEND);
    }

    /* Without an input port it is not taken for what a guest behind a port has
     * sent. */
    struct vmn_flow *flow = vmn_flow_add(
        c->emit, vmn_scope_host(c->host), STAGE_UNBALANCE, UNBALANCE_MAC,
        MAC_COPY);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_REG_NETWORK, c->network->vni);
    vmn_match(flow, VMN_REG_DST_LOCAL, 0);
    vmn_match(flow, VMN_REG_OUT_PORT, c->ofport);
    vmn_match(flow, VMN_REG_DST_HOST, c->other);
    vmn_match_mac(flow, VMN_F_ETH_DST, c->port->mac);
    vmn_act_set(actions, VMN_REG_OUT_PORT, 0);
    act_to_other(actions);
}

static bool
asks(const struct vmn_names *hosts, const char *host)
{
    for (size_t i = 0; i < hosts->n; i++) {
        if (!strcmp(hosts->names[i], host)) {
            return true;
        }
    }
    return false;
}

void
compile_migrating_client(struct vmn_view *view, const char *key,
                         struct vmn_emit *emit)
{
    const struct vmn_names asking = vmn_relation_values(
        view, VMN_REL_ASKING_PORTS, key);
    const struct vmn_port *port = vmn_read_port(view, key);
    const struct vmn_binding *binding
        = port ? vmn_read_binding(view, key) : NULL;
    const struct vmn_network *network
        = port ? vmn_read_network(view, port->network) : NULL;
    const char *domain = port ? vmn_domain_of(view, port->network) : NULL;
    const char *second = binding ? vmn_other_host(binding) : NULL;

    if (!network || !second || !binding->host
        || (!binding->candidate && !asking.n)
        || !vmn_relation_values(view, REL_DOMAIN, domain).n) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        const char *host = i ? second : binding->host;
        const char *other = i ? binding->host : second;
        const struct vmn_vif *vif
            = (i && !binding->candidate ? NULL
               : vmn_read_vif(view, host, port->iface_id));
        struct client c = {
            .view = view,
            .emit = emit,
            .port = port,
            .network = network,
            .vni = vmn_id_of(view, VMN_ID_POOL_VNI,
                             vmn_printf(view, VMN_PORT_VNI_KEY, key)),
            .zone = vmn_domain_zone(view, domain),
            .host = host,
            .ofport = vif ? vif->ofport : 0,
            .other = vmn_id_of(view, VMN_ID_POOL_HOST, other),
        };

        vmn_publish(emit, REL_ASKING, domain, host);
        emit_answer(&c);
        emit_answer_mac(&c);
        if (c.ofport && binding->candidate) {
            emit_copy(&c);
        }
        if (c.ofport && asks(&asking, host)) {
            emit_returned(&c);
            emit_not_asked(&c);
            emit_unknown(&c);
            emit_unknown_back(&c);
        }
    }
}

/* Makes the packet's destination the virtual IP again that it was for. */
static void
act_restore(struct vmn_actions *actions, unsigned family)
{
    vmn_act_move(actions, family == 6 ? VMN_F_CT_IPV6_DST : VMN_F_CT_NW_DST,
                 vmn_field_ip_dst(family));
    vmn_act_move(actions, VMN_F_CT_TP_DST, VMN_F_TCP_DST);
}

/* Emits what becomes of the end of a connection that a backend closes, resets
 * or refuses.  If it is one to the backend itself, which nobody tracks here,
 * the kernel's conntrack takes that for invalid, as nothing begins with it,
 * however often a FIN is sent.  The client is to hear of it. */
static void
ends_base(struct vmn_emit *emit)
{
    for (size_t i = 0; i < 4; i++) {
        uint16_t end = i / 2 ? VMN_TCP_RST : VMN_TCP_FIN;
        struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(),
                                             STAGE_BALANCE, BALANCE_ASIDE,
                                             ASIDE_END);

        vmn_match(flow, REG_BALANCER, ASKED_BACK);
        vmn_match(flow, VMN_F_ETH_TYPE, ip_types[i % 2]);
        vmn_match(flow, VMN_F_IP_PROTO, VMN_IP_PROTO_TCP);
        vmn_match_masked(flow, VMN_F_TCP_FLAGS, end, end | VMN_TCP_FIN);
        vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | VMN_CT_INV,
                         VMN_CT_TRK | VMN_CT_INV);
        act_to_other(vmn_flow_actions(flow));
    }
}

/* Emits what answers of all hosts have in common.  A connection may be known
 * whose backend serves no balancer any more: as nothing that is of use to the
 * other host, its packet goes back as it came. */
void
migrating_base(struct vmn_emit *emit)
{
    struct vmn_flow *flow;

    for (unsigned family = 4; family <= 6; family += 2) {
        flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_BALANCE,
                            BALANCE_ASIDE, ASIDE_KNOWN);
        vmn_match(flow, REG_BALANCER, ASKED);
        vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
        vmn_match(flow, VMN_F_IP_PROTO, VMN_IP_PROTO_TCP);
        vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | VMN_CT_DNAT,
                         VMN_CT_TRK | VMN_CT_DNAT | VMN_CT_INV);
        act_restore(vmn_flow_actions(flow), family);
        act_to_other(vmn_flow_actions(flow));
    }

    ends_base(emit);
    for (int back = 0; back < 2; back++) {
        uint32_t asked = back ? ASKED_BACK : ASKED;

        /* Not unknown: the next one may be valid. */
        flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_BALANCE,
                            BALANCE_ASIDE, ASIDE_INVALID);
        vmn_match(flow, REG_BALANCER, asked);
        vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | VMN_CT_INV,
                         VMN_CT_TRK | VMN_CT_INV);
        vmn_act_drop(vmn_flow_actions(flow), "invalid state");

        flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_BALANCE,
                            BALANCE_ASIDE, ASIDE_UNKNOWN);
        vmn_match(flow, REG_BALANCER, asked);
        act_to_other(vmn_flow_actions(flow));
    }

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_BALANCE, BALANCE_ASIDE,
                        ASIDE_UNKNOWN);
    vmn_match(flow, REG_BALANCER, TOLD);
    act_reject(vmn_flow_actions(flow), "backend is gone");
}

static struct vmn_flow *
aside_add(struct vmn_emit *emit, const struct migrating_target *t,
          uint32_t what)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_relation(REL_ASKING, t->domain), STAGE_BALANCE,
        BALANCE_ASIDE, t->mask == UINT16_MAX ? ASIDE_TARGET
        : ASIDE_TARGETS);

    vmn_match(flow, REG_BALANCER, what);
    vmn_match(flow, VMN_REG_ZONE, t->zone);
    return flow;
}

/* Emits, for each target of a backend, its number where hosts are asked, and
 * what it is where they have asked. */
void
migrating_target(struct vmn_view *view, struct vmn_emit *emit,
                 const struct migrating_target *t)
{
    struct vmn_actions *actions;
    struct vmn_flow *flow;
    uint32_t number;

    if (!vmn_relation_values(view, REL_ASKING, t->domain).n) {
        return;
    }
    number = vmn_id_of(view, ID_POOL_TARGET, t->key);
    flow = aside_add(emit, t, ASKED);
    actions = vmn_flow_actions(flow);
    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | VMN_CT_DNAT,
                     VMN_CT_TRK | VMN_CT_DNAT | VMN_CT_INV);
    vmn_match_ip(flow, vmn_field_ip_dst(t->ip->family), t->ip);
    vmn_match_masked(flow, VMN_F_TCP_DST, t->value, t->mask);
    vmn_act_set_masked(actions, VMN_F_ETH_SRC, number, MAC_NUMBER);
    act_restore(actions, t->ip->family);
    act_to_other(actions);

    flow = aside_add(emit, t, TOLD);
    actions = vmn_flow_actions(flow);
    vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(t->ip->family));
    vmn_match(flow, VMN_F_IP_PROTO, VMN_IP_PROTO_TCP);
    vmn_match(flow, REG_BACKEND, number);
    vmn_act_set(actions, REG_BALANCER, 0);
    vmn_act_set(actions, REG_BACKEND, 0);
    vmn_act_set(actions, REG_LIMIT, 0);
    vmn_act_ct(actions, &(struct vmn_ct) {
        .commit = true,
        .zone = VMN_REG_BALANCE_ZONE,
        .nat = true,
        .dnat = *t->ip,
        .dnat_port = t->mask == UINT16_MAX ? t->value : 0,
        .then = VMN_CT_TABLE,
        .stage = STAGE_BALANCE,
        .table = BALANCE_BACKEND,
    });
}
