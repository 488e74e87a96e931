/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether functions are up: what is known of their ports, and what vmnd probes
 * for the app (vmn/probes.h), with the flows of the answers.  Not for what
 * follows (chain-state.c, chain.c). */

#include "chains.h"

#include <string.h>

#include "vmn/probes.h"

/* Heartbeats are between addresses that are nobody's (RFC 2544, appendix
 * C.2.2). */
static const struct vmn_ip beat_from = { 4, { 198, 18, 0, 1 } };
static const struct vmn_ip beat_to = { 4, { 198, 18, 0, 2 } };

/* The longest time that an answer may take. */
#define TIMEOUT_MS 2000

/* Returns true if the guest of the port can take packets, as far as is known:
 * of a host that is not connected its links are not. */
static bool
port_is_up(struct vmn_view *view, const char *name)
{
    const struct vmn_port *port = vmn_read_port(view, name);
    const char *host = port ? vmn_host_of_port(view, name) : NULL;
    const struct vmn_vif *vif;

    if (!host || !port->enabled || vmn_is_quarantined(view, port)) {
        return false;
    }
    vif = vmn_read_vif(view, host, port->iface_id);
    return !vif || vif->link_up;
}

/* Functions are probed under their numbers. */
static const char *
target_name(struct vmn_view *view, uint32_t number)
{
    return vmn_printf(view, "chains.%u", (unsigned) number);
}

bool
function_is_up(struct vmn_view *view, const struct chain_hop *hop,
               const struct function_state *f)
{
    return port_is_up(view, f->function->in)
           && (!f->function->out || port_is_up(view, f->function->out))
           && (hop->health == CHAIN_LINK
               || vmn_probe_is_up(view, target_name(view, f->number),
                                  f->function->in));
}

/* Fills in what is probed of function 'f'.  Returns false, and fails the unit,
 * if that cannot be. */
static bool
make_target(struct vmn_view *view, struct vmn_emit *emit,
            const struct chain_hop *hop, const struct chain_function *f,
            const struct vmn_port *port, struct vmn_probe_target *target)
{
    uint32_t interval_ms = hop->health_interval_ms;

    *target = (struct vmn_probe_target) {
        .port = f->in,
        .source_mac = VMN_THROUGH_MAC_SRC,
        .interval_ms = interval_ms,
        .timeout_ms = interval_ms < TIMEOUT_MS ? interval_ms : TIMEOUT_MS,
        .healthy_after = hop->healthy_after,
        .unhealthy_after = hop->unhealthy_after,
    };
    if (hop->health == CHAIN_HEARTBEAT) {
        target->type = VMN_PROBE_THROUGH;
        target->out = f->out;
        target->source = beat_from;
        target->ip = beat_to;
        target->mac = VMN_THROUGH_MAC_DST;
        return true;
    }
    target->type = hop->health == CHAIN_PROBE_TCP ? VMN_PROBE_TCP
                   : VMN_PROBE_PING;
    target->number = hop->health_port;
    target->mac = port->mac;
    if (!vmn_probe_from_router(view, port, target)) {
        vmn_fail(emit, "port %s has no address to be probed from that of a "
                 "router", f->in);
        return false;
    }
    return true;
}

/* Matches answers.  A function has its own address, or with heartbeats sends
 * what is of others. */
static void
match_answer(struct vmn_flow *flow, const struct vmn_probe_target *t)
{
    bool through = t->type == VMN_PROBE_THROUGH;
    uint8_t family = t->ip.family;

    vmn_match(flow, VMN_REG_SRC_LOCAL, !through);
    if (through) {
        vmn_match_mac(flow, VMN_F_ETH_SRC, t->source_mac);
        vmn_match_mac(flow, VMN_F_ETH_DST, t->mac);
    }
    vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
    vmn_match_ip(flow, vmn_field_ip_src(family),
                 through ? &t->source : &t->ip);
    vmn_match_ip(flow, vmn_field_ip_dst(family),
                 through ? &t->ip : &t->source);
    if (t->type == VMN_PROBE_TCP) {
        vmn_match(flow, VMN_F_TCP_SRC, t->number);
        vmn_match_masked(flow, VMN_F_TCP_DST, VMN_PROBE_ID,
                         VMN_PROBE_ID_MASK);
    } else {
        vmn_match(flow, vmn_field_icmp_type(family),
                  family == 6 ? (through ? VMN_ICMPV6_ECHO
                                 : VMN_ICMPV6_ECHO_REPLY)
                  : through ? VMN_ICMP_ECHO : VMN_ICMP_ECHO_REPLY);
    }
}

/* Sends vmnd what comes by 'name', and answers. */
static void
emit_answers(struct vmn_view *view, struct vmn_emit *emit, const char *name,
             const struct vmn_probe_target *target)
{
    const struct vmn_port *port = vmn_read_port(view, name);
    const char *host = port ? vmn_host_of_port(view, name) : NULL;
    const struct vmn_vif *vif
        = host ? vmn_read_vif(view, host, port->iface_id) : NULL;
    struct vmn_flow *flow;

    if (!vif) {
        return;
    }
    flow = vmn_flow_add(emit, vmn_scope_host(host), STAGE_RETURN, RETURN_PORT,
                        PRIORITY_SPECIAL);
    vmn_match(flow, VMN_F_IN_PORT, vif->ofport);
    match_answer(flow, target);
    vmn_act_punt(vmn_flow_actions(flow), HANDLER_PROBE, 0, VMN_PUNT_ALL);
}

/* Finds the hop and the function of "CHAIN|HOP|PORT".  A hop's name may have
 * bars in it. */
static const struct chain_hop *
find_function(struct vmn_view *view, const char *key,
              const struct chain_function **f)
{
    const char *name, *rest, *port;
    const struct chain *chain;
    size_t len;

    if (!vmn_key_split_two(view, key, &name, &rest)
        || !(port = strrchr(rest, '|'))) {
        return NULL;
    }
    len = port++ - rest;
    chain = chain_read(view, name);
    for (size_t i = 0; chain && i < chain->n_hops; i++) {
        const struct chain_hop *hop = &chain->hops[i];

        for (size_t j = 0; j < hop->n_functions; j++) {
            if (strlen(hop->name) == len && !memcmp(hop->name, rest, len)
                && !strcmp(hop->functions[j].in, port)) {
                *f = &hop->functions[j];
                return hop;
            }
        }
    }
    return NULL;
}

/* Each function has its unit: one that cannot be probed is down, and its chain
 * goes on without it. */
void
compile_probe(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct chain_function *f;
    const struct chain_hop *hop = find_function(view, key, &f);
    const struct vmn_port *port = hop ? vmn_read_port(view, f->in) : NULL;
    struct vmn_probe_target target;

    if (port && make_target(view, emit, hop, f, port, &target)) {
        vmn_publish_probe(view, emit, target_name(view, vmn_id_of(
            view, POOL_FUNCTION, key)), &target);
        emit_answers(view, emit, target.out ? target.out : target.port,
                     &target);
    }
}

/* Answers are for vmnd itself. */
void
handle_probe(struct vmn_view *view, const struct vmn_packet_in *in,
             struct vmn_packets_out *out)
{
    (void) view;
    (void) in;
    vmn_send_nothing(out, "answer to a probe");
}
