/* SPDX-License-Identifier: Apache-2.0
 *
 * Probes that an app asks for: vmnd sends them to a port again and again, and
 * whether the port is up is a row that units read, as with the backends of a
 * balancer.  What the port answers goes to vmnd by a flow of the app's own, to
 * a handler of its own with 'to_controller': apps alone know their pipeline.
 * docs/writing-an-app.md has an example. */

#ifndef VMN_PROBES_H
#define VMN_PROBES_H 1

#include "vmn/app.h"
#include "vmn/rows-balancers.h"
#include "vmn/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Source ports of probes of TCP, HTTP and UDP, and identifiers of others: a
 * number of which these are the bits in the mask. */
#define VMN_PROBE_ID 512
#define VMN_PROBE_ID_MASK 0xfe00

/* What is probed, and how. */
struct vmn_probe_target {
    const char *port;           /* To which probes are sent.  The target is
                                 * probed while that is on a host. */
    /* TCP: a connection is opened and reset.  HTTP: GET / gets a status of 200
     * to 399.  UDP: an empty datagram, which fails if the port is unreachable.
     * PING: an echo.  THROUGH: the request of an echo, which 'port' is handed
     * and 'out' sends on as it is; 'source' and 'ip' are in
     * VMN_THROUGH_PREFIX4 or VMN_THROUGH_PREFIX6, and 'source_mac' and 'mac'
     * are VMN_THROUGH_MAC_SRC and VMN_THROUGH_MAC_DST.
     * Both ports are in VMN_REL_FUNCTION_PORTS.  NEIGHBOUR: who 'ip' is, by
     * ARP or by neighbour discovery, asked of 'mac' alone. */
    enum vmn_probe type;
    const char *out;            /* THROUGH: the port, on the same host, from
                                 * which it is to come; else NULL. */
    struct vmn_ip source, ip;   /* From and to which address: one family. */
    struct vmn_mac source_mac, mac; /* The same, of Ethernet. */
    uint16_t number;            /* Destination port of TCP, HTTP, UDP. */
    uint32_t interval_ms;       /* From one probe to the next: 100 to
                                 * 3,600,000. */
    uint32_t timeout_ms;        /* 10 to 'interval_ms'. */
    uint32_t healthy_after;     /* Successes in a row, and failures, that it
                                 * takes: 1 to 100. */
    uint32_t unhealthy_after;
};

/* Returns true if both addresses are in one subnet of the network. */
static inline bool
vmn_are_neighbours(const struct vmn_network *network, const struct vmn_ip *a,
                   const struct vmn_ip *b)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        const struct vmn_prefix *cidr = &vmn_subnet_at(network, i)->cidr;

        if (vmn_prefix_contains(cidr, a) && vmn_prefix_contains(cidr, b)) {
            return true;
        }
    }
    return false;
}

/* Sets 'source' and 'ip' of the target to an address of the router's interface
 * in 'network', and one of the port's that is its neighbour: the first of the
 * port's that has one.  Returns false if there are none. */
static inline bool
vmn_probe_from(const struct vmn_port *port, const struct vmn_network *network,
               const struct vmn_router_interface *interface,
               struct vmn_probe_target *target)
{
    struct vmn_ip addresses[VMN_ADDRESSES_MAX];
    size_t n = vmn_interface_addresses(interface, network, addresses);

    for (size_t i = 0; i < port->n_ips; i++) {
        for (size_t j = 0; j < n; j++) {
            if (vmn_are_neighbours(network, &port->ips[i], &addresses[j])) {
                target->source = addresses[j];
                target->ip = port->ips[i];
                return true;
            }
        }
    }
    return false;
}

/* Does the same by any router that has an interface in the port's network.
 * Returns that router, or NULL: none has an address in a subnet of the
 * port's. */
static inline const struct vmn_router *
vmn_probe_from_router(struct vmn_view *view, const struct vmn_port *port,
                      struct vmn_probe_target *target)
{
    const struct vmn_network *network = vmn_read_network(view, port->network);
    struct vmn_names routers = vmn_lookup(view, VMN_INDEX_ROUTER_BY_NETWORK,
                                          port->network);

    for (size_t i = 0; network && i < routers.n; i++) {
        const struct vmn_router *router = vmn_read_router(view,
                                                          routers.names[i]);

        for (size_t j = 0; router && j < router->n_interfaces; j++) {
            const struct vmn_router_interface *interface
                = vmn_router_interface_at(router, j);

            if (!strcmp(interface->network, port->network)
                && vmn_probe_from(port, network, interface, target)) {
                return router;
            }
        }
    }
    return NULL;
}

/* The value of VMN_REL_PROBE_TARGETS: PORT, TYPE (an enum vmn_probe), OUT,
 * SOURCE, IP, SOURCE-MAC, MAC, NUMBER, INTERVAL, TIMEOUT, HEALTHY-AFTER,
 * UNHEALTHY-AFTER; and, by vmn_publish_monitor(), one more,
 * VMN_PROBE_MONITORS. */
#define VMN_PROBE_TARGET_PARTS 12
#define VMN_PROBE_MONITORS "monitors"
#define VMN_PROBE_TARGETS_MAX 2000

/* Returns the value of VMN_REL_PROBE_TARGETS for 't', in the view's memory:
 * for the functions below. */
static inline const char *
vmn_probe_target_text(struct vmn_view *view, const struct vmn_probe_target *t)
{
    return vmn_printf(
        view, "%s|%d|%s|%s|%s|%s|%s|%u|%u|%u|%u|%u", t->port, (int) t->type,
        t->out ? t->out : "", vmn_ip_text(view, &t->source),
        vmn_ip_text(view, &t->ip), vmn_mac_text(view, t->source_mac),
        vmn_mac_text(view, t->mac), (unsigned) t->number,
        (unsigned) t->interval_ms, (unsigned) t->timeout_ms,
        (unsigned) t->healthy_after, (unsigned) t->unhealthy_after);
}

/* Has 'name' be probed, as long as the unit publishes it: "APP.NAME", where
 * APP is the app's, a name as objects have, and no other unit's.  An app has
 * VMN_PROBE_TARGETS_MAX probed at most; others of its targets are not. */
static inline void
vmn_publish_probe(struct vmn_view *view, struct vmn_emit *emit,
                  const char *name, const struct vmn_probe_target *t)
{
    vmn_publish(emit, VMN_REL_PROBE_TARGETS, name,
                vmn_probe_target_text(view, t));
}

/* Does the same, and has users see it as whether the guest of the target's
 * port answers: in the port's status, in events "monitor", in metrics.  Of
 * several such targets of a port, the first by name. */
static inline void
vmn_publish_monitor(struct vmn_view *view, struct vmn_emit *emit,
                    const char *name, const struct vmn_probe_target *t)
{
    vmn_publish(emit, VMN_REL_PROBE_TARGETS, name, vmn_printf(
        view, "%s|%s", vmn_probe_target_text(view, t), VMN_PROBE_MONITORS));
}

/* Returns true if 'port', that of target 'name', has answered its probes.  Of
 * one that has not been probed yet that is not known; of one on a host that is
 * not connected it is what was known before. */
static inline bool
vmn_probe_is_up(struct vmn_view *view, const char *name, const char *port)
{
    const struct vmn_health *health
        = vmn_read_health(view, vmn_printf(view, "@%s", name), port);

    return health && health->state == VMN_HEALTH_UP;
}

#ifdef __cplusplus
}
#endif

#endif /* vmn/probes.h */
