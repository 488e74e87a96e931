/* SPDX-License-Identifier: Apache-2.0
 *
 * What concerns a backend alone, whatever balancers it serves: its MAC for
 * packets that were sent on to it, where its answers may need their virtual IP
 * back, its answers to itself, and those to probes. */

#include "loadbalancer.h"

#include <stdlib.h>
#include <string.h>

/* What the flows of a port that serves need. */
struct serving {
    struct vmn_view *view;
    struct vmn_emit *emit;
    const struct vmn_port *port;
    const struct vmn_network *network;
    const char *domain;
    uint32_t zone;              /* The domain's. */
    const struct vmn_ip *ip;
};

/* Fills in 's' for port 'name'.  Returns false if it cannot serve. */
static bool
serving_read(struct vmn_view *view, struct vmn_emit *emit, const char *name,
             unsigned family, struct serving *s)
{
    memset(s, 0, sizeof *s);
    s->view = view;
    s->emit = emit;
    s->port = vmn_read_port(view, name);
    s->network = s->port ? vmn_read_network(view, s->port->network) : NULL;
    for (size_t i = 0; s->port && !s->ip && i < s->port->n_ips; i++) {
        s->ip = s->port->ips[i].family == family ? &s->port->ips[i] : NULL;
    }
    if (!s->ip || !s->network || !s->network->vni) {
        return false;
    }
    s->domain = vmn_domain_of(view, s->network->row.name);
    s->zone = vmn_domain_zone(view, s->domain);
    return true;
}

/* Sent on to it.  --------------------------------------------------------- */

/* Adds a flow for packets to the backend, or only for resets. */
static struct vmn_flow *
forward_add(const struct serving *s, struct vmn_scope scope, uint16_t priority,
            bool resets)
{
    struct vmn_flow *flow = vmn_flow_add(s->emit, scope, STAGE_BALANCE,
                                         BALANCE_BACKEND, priority);

    vmn_match_ip(flow, vmn_field_ip_dst(s->ip->family), s->ip);
    if (resets) {
        vmn_match_masked(flow, VMN_F_TCP_FLAGS, VMN_TCP_RST, VMN_TCP_RST);
    } else {
        vmn_flow_count_part(flow, VMN_LB_PART_PACKETS);
    }
    return flow;
}

/* Emits the MAC by which packets from 'network' reach the port: its own, or a
 * router's. */
static void
emit_mac(const struct serving *s, const char *network, bool resets)
{
    const struct vmn_network *from = vmn_read_network(s->view, network);
    struct vmn_mac mac = s->port->mac;
    struct vmn_flow *flow;

    if (!from || !from->vni) {
        return;
    }
    if (strcmp(network, s->network->row.name)) {
        struct vmn_names routers = vmn_lookup(
            s->view, VMN_INDEX_ROUTER_BY_NETWORK, network);
        const struct vmn_router *router
            = routers.n ? vmn_read_router(s->view, routers.names[0]) : NULL;

        if (!router) {
            return;
        }
        mac = router->mac;
    }
    flow = forward_add(s, vmn_scope_network(network),
                       resets ? BACKEND_RESET_MAC : BACKEND_MAC, resets);
    vmn_match(flow, VMN_REG_NETWORK, from->vni);
    vmn_act_set_mac(vmn_flow_actions(flow), VMN_F_ETH_DST, mac);
    vmn_act_next(vmn_flow_actions(flow));
}

/* Emits the same for networks where the virtual IP is not on the link: the
 * packet passes a router anyway. */
static void
emit_routed(const struct serving *s, bool resets)
{
    struct vmn_flow *flow;

    if (!vmn_domain_is_routed(s->domain)) {
        return;
    }
    flow = forward_add(s, vmn_scope_domain(s->domain),
                       resets ? BACKEND_RESET_ROUTED : BACKEND_ROUTED, resets);
    vmn_match(flow, VMN_REG_ZONE, s->zone);
    vmn_act_next(vmn_flow_actions(flow));
}

/* Its answers.  ----------------------------------------------------------- */

/* Adds a flow for packets of the backend to a client on this host. */
static struct vmn_flow *
reply_add(const struct serving *s, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        s->emit, vmn_scope_domain(s->domain), STAGE_UNBALANCE, UNBALANCE_SEND,
        priority);

    vmn_match(flow, VMN_REG_ZONE, s->zone);
    vmn_match(flow, VMN_REG_DST_LOCAL, 1);
    vmn_match_ip(flow, vmn_field_ip_src(s->ip->family), s->ip);
    act_nat(vmn_flow_actions(flow), STAGE_UNBALANCE, UNBALANCE_MAC);
    return flow;
}

/* Emits flows for ICMP errors of the backend: to the client, they must quote
 * the virtual IP. */
static void
emit_errors(const struct serving *s)
{
    if (s->ip->family == 6) {
        vmn_match(reply_add(s, SEND_REPLY), VMN_F_ICMPV6_TYPE,
                  VMN_ICMPV6_UNREACHABLE);
        vmn_match(reply_add(s, SEND_REPLY), VMN_F_ICMPV6_TYPE,
                  VMN_ICMPV6_TOO_BIG);
    } else {
        vmn_match(reply_add(s, SEND_REPLY), VMN_F_ICMPV4_TYPE,
                  VMN_ICMP_UNREACHABLE);
    }
}

void
compile_backend(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_names networks = vmn_relation_values(view, REL_BACKEND, key);
    struct vmn_flow *flow;
    struct serving s;
    const char *parts[2];        /* PORT|FAMILY. */

    if (vmn_key_split(view, key, parts, 2) < 2
        || !serving_read(view, emit, parts[0], atoi(parts[1]), &s)) {
        return;
    }
    for (size_t i = 0; i < networks.n; i++) {
        emit_mac(&s, networks.names[i], false);
    }
    emit_routed(&s, false);

    /* All fragments of a packet must pass the same zone; only the first has
     * the port that it is from. */
    flow = reply_add(&s, SEND_FRAGMENT);
    vmn_match_masked(flow, VMN_F_IP_FRAG, VMN_FRAG_ANY, VMN_FRAG_ANY);
    emit_errors(&s);
}

/* Lets clients' resets through to a backend whose connections were cut.  A
 * client is reset by its next packet, which may be the acknowledgement of what
 * the backend still sends; whatever arrives after that, its system answers by
 * a reset, which reaches the backend. */
void
compile_reset(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_names networks = vmn_relation_values(view, REL_RESET, key);
    struct serving s;
    const char *parts[2];        /* PORT|FAMILY. */

    if (vmn_key_split(view, key, parts, 2) == 2
        && serving_read(view, emit, parts[0], atoi(parts[1]), &s)) {
        for (size_t i = 0; i < networks.n; i++) {
            emit_mac(&s, networks.names[i], true);
        }
        emit_routed(&s, true);
    }
}

/* Has the virtual IP be put back in what the backend sends, whatever service
 * it is of: an open connection goes on when the balancer has other targets. */
void
compile_replies(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct serving s;
    const char *parts[3];        /* PORT|FAMILY|PROTOCOL. */
    struct vmn_flow *flow;

    if (vmn_key_split(view, key, parts, 3) == 3
        && serving_read(view, emit, parts[0], atoi(parts[1]), &s)) {
        flow = reply_add(&s, SEND_REPLY);
        vmn_match(flow, VMN_F_IP_PROTO, atoi(parts[2]));
    }
}

void
compile_target(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct serving s;
    const char *parts[4];        /* PORT|FAMILY|VALUE|MASK. */

    if (vmn_key_split(view, key, parts, 4) == 4
        && serving_read(view, emit, parts[0], atoi(parts[1]), &s)) {
        migrating_target(view, emit, &(struct migrating_target) {
            .key = key,
            .domain = s.domain,
            .zone = s.zone,
            .ip = s.ip,
            .value = atoi(parts[2]),
            .mask = atoi(parts[3]),
        });
    }
}

/* To itself.  ------------------------------------------------------------- */

static struct vmn_flow *
own_add(const struct serving *s, const char *host, unsigned table,
        uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(s->emit, vmn_scope_host(host),
                                         STAGE_BALANCE, table, priority);

    vmn_match(flow, VMN_REG_ZONE, s->zone);
    vmn_match_ip(flow, vmn_field_ip_src(s->ip->family), s->ip);
    return flow;
}

/* Emits the flow for a backend that was selected for its own connection, by
 * whichever virtual IP: conntrack knows it. */
static void
emit_hairpin(const struct serving *s, const char *host)
{
    unsigned family = s->ip->family;
    enum vmn_field vip = family == 6 ? VMN_F_CT_IPV6_DST : VMN_F_CT_NW_DST;
    struct vmn_flow *flow = own_add(s, host, BALANCE_BACKEND,
                                    BACKEND_HAIRPIN);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_ip(flow, vmn_field_ip_dst(family), s->ip);
    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK,
                     VMN_CT_TRK | VMN_CT_INV);
    vmn_act_set_masked(actions, VMN_REG_FLAGS, VMN_FLAG_HAIRPIN,
                       VMN_FLAG_HAIRPIN);
    vmn_act_move(actions, vip, vmn_field_ip_src(family));
    act_set_vip_mac(actions, vmn_field_ip_src(family));
    vmn_act_set_mac(actions, VMN_F_ETH_DST, s->port->mac);
    vmn_act_next(actions);
}

/* Emits a flow for the backend's reply to itself, by whichever virtual IP,
 * back into the connection that it opened. */
static void
emit_hairpin_reply(const struct serving *s, const char *host,
                   const char *target)
{
    const char *parts[3];        /* PROTOCOL|VALUE|MASK. */
    struct vmn_actions *actions;
    struct vmn_flow *flow;

    if (vmn_key_split(s->view, target, parts, 3) < 3) {
        return;
    }
    flow = own_add(s, host, BALANCE_SERVICE, SERVICE_HAIRPIN);
    actions = vmn_flow_actions(flow);
    vmn_match_masked(flow, field_src(atoi(parts[0])), atoi(parts[1]),
                     atoi(parts[2]));
    vmn_act_set_masked(actions, VMN_REG_FLAGS, VMN_FLAG_HAIRPIN,
                       VMN_FLAG_HAIRPIN);
    vmn_act_set_ip(actions, vmn_field_ip_dst(s->ip->family), s->ip);
    act_nat(actions, STAGE_BALANCE, BALANCE_SELECT);
}

/* Reads the port of a key PORT|FAMILY.  Returns the host that it is bound to,
 * or NULL: there is none, or the port does not serve in this family. */
static const char *
served_read(struct vmn_view *view, struct vmn_emit *emit, const char *key,
            struct serving *s)
{
    const struct vmn_binding *binding;
    const char *parts[2];

    if (vmn_key_split(view, key, parts, 2) < 2
        || !serving_read(view, emit, parts[0], atoi(parts[1]), s)) {
        return NULL;
    }
    binding = vmn_read_binding(view, parts[0]);
    return binding ? binding->host : NULL;
}

void
compile_hairpin(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_names targets = vmn_relation_values(view, REL_HAIRPIN, key);
    const char *host;
    struct serving s;

    host = served_read(view, emit, key, &s);
    if (!host) {
        return;
    }
    emit_hairpin(&s, host);
    for (size_t i = 0; i < targets.n; i++) {
        emit_hairpin_reply(&s, host, targets.names[i]);
    }
}

/* To probes.  ------------------------------------------------------------- */

/* Adds a flow for the port's packets to a virtual IP from which probes come:
 * a reply that is none is not taken by whoever probes. */
static struct vmn_flow *
probed_add(const struct serving *s, const char *host)
{
    struct vmn_flow *flow = own_add(s, host, BALANCE_SERVICE,
                                    SERVICE_PROBE_REPLY);

    vmn_act_punt(vmn_flow_actions(flow), HANDLER_PROBE, 0, VMN_PUNT_ALL);
    return flow;
}

/* Emits the flow of replies to a probe.  No service is lost by those to pings,
 * so only others are of one virtual IP. */
static void
emit_reply(const struct serving *s, const char *host, unsigned ip_proto,
           uint16_t port, const char *vip)
{
    bool v6 = s->ip->family == 6;
    struct vmn_flow *flow = probed_add(s, host);
    struct vmn_ip ip;

    if (ip_proto == VMN_IP_PROTO_ICMP) {
        vmn_match(flow, vmn_field_icmp_type(s->ip->family),
                  v6 ? VMN_ICMPV6_ECHO_REPLY : VMN_ICMP_ECHO_REPLY);
    } else {
        if (vmn_ip_from_text(vip, &ip)) {
            vmn_match_ip(flow, vmn_field_ip_dst(ip.family), &ip);
        }
        vmn_match(flow, field_src(ip_proto), port);
        vmn_match_masked(flow, field_dst(ip_proto), PROBE_PORT,
                         PROBE_PORT_MASK);
    }
}

/* Compiles the flows of replies to probes.  They go to vmnd only, and pass
 * neither conntrack nor policies. */
void
compile_probe(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_names probes = vmn_relation_values(view, REL_PROBE, key);
    const char *host;
    struct vmn_flow *flow;
    struct serving s;

    host = served_read(view, emit, key, &s);
    if (!host) {
        return;
    }
    for (size_t i = 0; i < probes.n; i++) {
        const char *what[3];     /* PROTOCOL|PORT|VIP. */

        if (vmn_key_split(view, probes.names[i], what, 3) == 3) {
            emit_reply(&s, host, atoi(what[0]), atoi(what[1]), what[2]);
        }
    }
    flow = probed_add(&s, host);
    vmn_match(flow, vmn_field_icmp_type(s.ip->family), s.ip->family == 6
              ? VMN_ICMPV6_UNREACHABLE : VMN_ICMP_UNREACHABLE);
}
