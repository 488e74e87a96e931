/* SPDX-License-Identifier: Apache-2.0
 *
 * What the guest of a port is asked, and the flow of its answer.  vmnd asks
 * (vmn/probes.h), from the host that the guest is on, and knows what follows.
 *
 * The answer is taken out of the pipeline before anything judges it, so no
 * policy, and no quarantine, stands in the way; and nothing is let in to the
 * guest, since what vmnd asks goes straight to its port.  Anti-spoofing has
 * looked at it before, and the flow is for the guest's own port: nobody else
 * can answer. */

#include "monitors.h"

#include <string.h>

#include "vmn/probes.h"

enum { PRIORITY = 100 };

/* Who asks where no router has an address: it has one in every network that is
 * nobody else's, and it is not the gateway's, which may come later and would
 * be known by the wrong MAC then.  Port 7 is that of an echo. */
static const struct vmn_mac server_mac = VMN_SERVER_MAC(7);
static const struct vmn_ip server_ip = { 4, { 169, 254, 0, 7 } };

/* Fills in what the port is asked.  Returns false, and fails the unit, if it
 * cannot be. */
static bool
make_target(struct vmn_view *view, struct vmn_emit *emit,
            const struct monitor *monitor, const struct vmn_port *port,
            struct vmn_probe_target *target)
{
    const struct vmn_router *router;

    *target = (struct vmn_probe_target) {
        .port = port->row.name,
        .type = monitor->type == MONITOR_PING ? VMN_PROBE_PING
                : VMN_PROBE_NEIGHBOUR,
        .mac = port->mac,
        .interval_ms = monitor->interval_ms,
        .timeout_ms = monitor->timeout_ms,
        .healthy_after = monitor->healthy_after,
        .unhealthy_after = monitor->unhealthy_after,
    };
    if (!port->n_ips) {
        vmn_fail(emit, "port %s has no address to be asked at",
                 port->row.name);
        return false;
    }
    router = vmn_probe_from_router(view, port, target);
    if (router) {
        target->source_mac = router->mac;
        return true;
    }
    if (monitor->type == MONITOR_PING) {
        vmn_fail(emit, "port %s is not pinged: no router has an address in "
                 "its subnet, to which its guest would reply; use type arp",
                 port->row.name);
        return false;
    }
    target->ip = port->ips[0];
    target->source_mac = server_mac;
    target->source = target->ip.family == 6 ? vmn_link_local(server_mac)
                     : server_ip;
    vmn_claim_ip(view, emit, port->network, &target->source);
    return true;
}

static void
match_answer(struct vmn_flow *flow, const struct vmn_probe_target *t)
{
    uint8_t family = t->ip.family;

    if (t->type == VMN_PROBE_NEIGHBOUR && family == 4) {
        vmn_match(flow, VMN_F_ARP_OP, 2);
        vmn_match_ip(flow, VMN_F_ARP_SPA, &t->ip);
        vmn_match_ip(flow, VMN_F_ARP_TPA, &t->source);
        return;
    }
    if (t->type == VMN_PROBE_NEIGHBOUR) {
        vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_ADVERT);
        vmn_match_ip(flow, VMN_F_ND_TARGET, &t->ip);
    } else {
        vmn_match(flow, vmn_field_icmp_type(family),
                  family == 6 ? VMN_ICMPV6_ECHO_REPLY : VMN_ICMP_ECHO_REPLY);
        vmn_match_ip(flow, vmn_field_ip_src(family), &t->ip);
    }
    vmn_match_ip(flow, vmn_field_ip_dst(family), &t->source);
}

/* Sends vmnd what the guest answers. */
static void
emit_answers(struct vmn_view *view, struct vmn_emit *emit,
             const struct vmn_port *port,
             const struct vmn_probe_target *target)
{
    const char *host = vmn_host_of_port(view, port->row.name);
    const struct vmn_vif *vif
        = host ? vmn_read_vif(view, host, port->iface_id) : NULL;
    struct vmn_flow *flow;

    if (!vif) {
        return;
    }
    flow = vmn_flow_add(emit, vmn_scope_host(host), STAGE_ANSWER, 0, PRIORITY);
    vmn_match(flow, VMN_F_IN_PORT, vif->ofport);
    match_answer(flow, target);
    vmn_act_punt(vmn_flow_actions(flow), HANDLER_ANSWER, 0, VMN_PUNT_ALL);
}

/* Publishes how the guest is, as its row says. */
static void
publish_state(struct vmn_view *view, struct vmn_emit *emit,
              const char *monitor, const char *target, const char *port)
{
    const struct vmn_health *health = vmn_read_health(
        view, vmn_printf(view, "@%s", target), port);

    if (health) {
        vmn_publish(emit, health->state == VMN_HEALTH_UP ? REL_UP : REL_DOWN,
                    monitor, port);
    }
}

void
compile_probe(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_names monitors = vmn_relation_values(view, REL_OF_PORT, key);
    const struct monitor *monitor
        = (monitors.n ? (const struct monitor *) vmn_read(view, ROW_MONITOR,
                                                          monitors.names[0])
           : NULL);
    const struct vmn_port *port = vmn_read_port(view, key);
    struct vmn_probe_target target;
    const char *name;

    if (monitor && port && vmn_read_network(view, port->network)
        && make_target(view, emit, monitor, port, &target)) {
        name = vmn_printf(view, "monitors.%u", (unsigned) vmn_id_of(
            view, POOL_PORT, key));
        vmn_publish_monitor(view, emit, name, &target);
        emit_answers(view, emit, port, &target);
        publish_state(view, emit, monitors.names[0], name, key);
    }
}

/* Answers are for vmnd itself. */
void
handle_answer(struct vmn_view *view, const struct vmn_packet_in *in,
              struct vmn_packets_out *out)
{
    (void) view;
    (void) in;
    vmn_send_nothing(out, "answer of a guest");
}
