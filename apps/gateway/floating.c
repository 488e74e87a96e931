/* SPDX-License-Identifier: Apache-2.0
 *
 * Floating addresses: what comes for one goes to its port, and what the port
 * sends out comes from there.  For those of virtual IPs see balanced.c. */

#include "gateway.h"

const struct vmn_ip *
first_ip(const struct vmn_port *port, uint8_t family)
{
    for (size_t i = 0; i < port->n_ips; i++) {
        if (port->ips[i].family == family) {
            return &port->ips[i];
        }
    }
    return NULL;
}

void
compile_floating(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_floating_ip *floating = vmn_read_floating_ip(view, key);
    const struct vmn_port *port;
    const struct vmn_ip *ip;
    struct vmn_flow *flow;
    struct site site;
    uint8_t family;

    if (!floating || !site_read(view, emit, floating->router, &site)) {
        return;
    }
    if (floating->load_balancer) {
        balanced(&site, floating);
        return;
    }
    port = vmn_read_port(view, floating->port);
    family = floating->ip.family;
    ip = port ? first_ip(port, family) : NULL;
    if (!ip) {
        return;
    }
    in_address(&site, &floating->ip);
    wire_address(&site, &floating->ip);

    flow = nat_new(&site, family, STAGE_IN, IN_NAT, NAT_FLOATING);
    vmn_match_ip(flow, field_dst(family), &floating->ip);
    nat_commit(flow, STAGE_IN, IN_ROUTE, NULL, ip, 0);

    flow = nat_new(&site, family, STAGE_OUT, OUT_NAT, NAT_FLOATING);
    vmn_match_ip(flow, field_src(family), ip);
    nat_commit(flow, STAGE_OUT, OUT_HOP, &floating->ip, NULL, 0);
}
