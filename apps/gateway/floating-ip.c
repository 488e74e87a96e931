/* SPDX-License-Identifier: Apache-2.0
 *
 * Floating addresses: what comes for one goes to its port, and what the port
 * sends out comes from there.  For those of virtual IPs see floating-vip.c. */

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

/* Locally administered. */
struct vmn_mac
floating_mac(uint32_t number)
{
    return (struct vmn_mac) {
        { 0x0e, 0x56, 0x4e, number >> 16, number >> 8, number }
    };
}

/* Makes 'site' the host of 'port', if that is on the wire itself. */
static bool
go_home(struct site *site, const struct vmn_port *port, uint32_t number)
{
    const struct vmn_binding *binding = (port->external ? NULL
                                         : vmn_read_binding(site->view,
                                                            port->row.name));
    uint32_t ofport = (port->enabled && binding && binding->host
                       ? wire_ofport(site->view, site->network, binding->host)
                       : 0);

    if (!ofport) {
        return false;
    }
    site->host = binding->host;
    site->ofport = ofport;
    site->mac = floating_mac(number);
    vmn_publish(site->emit, REL_SITES, site->router->row.name, site->host);
    vmn_publish(site->emit, REL_HOSTS, "", site->host);
    wire_hears(site);
    return true;
}

/* In the external network, whether or not somebody answers for it by now. */
static void
claim(struct vmn_view *view, struct vmn_emit *emit,
      const struct vmn_floating_ip *floating)
{
    const struct vmn_router *router = vmn_read_router(view, floating->router);

    if (router && router->external.network) {
        vmn_claim_ip(view, emit, router->external.network, &floating->ip);
    }
}

void
compile_floating(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_floating_ip *floating = vmn_read_floating_ip(view, key);
    const struct vmn_port *port;
    const struct vmn_ip *ip;
    struct vmn_flow *flow;
    struct site site;
    uint32_t number;
    uint8_t family;

    if (!floating) {
        return;
    }
    claim(view, emit, floating);
    if (!site_read(view, emit, floating->router, &site)) {
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
    number = vmn_number(view, NUMBER_FLOATING, key);
    if (go_home(&site, port, number)) {
        out_home(&site, ip, &floating->ip, number);
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
