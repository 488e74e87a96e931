/* SPDX-License-Identifier: Apache-2.0
 *
 * What a port is told, and which addresses are its own: all from its row, its
 * network's and its subnet's. */

#include "dhcp-app.h"

/* Addresses.  ------------------------------------------------------------- */

struct vmn_ip
ip_of_mac(const struct vmn_ip *prefix, struct vmn_mac mac)
{
    const uint8_t *ea = mac.ea;
    const uint8_t low[8] = { ea[0] ^ 2, ea[1], ea[2], 0xff, 0xfe, ea[3],
                             ea[4], ea[5] };
    struct vmn_ip ip = *prefix;

    memcpy(ip.addr + 8, low, sizeof low);
    return ip;
}

const struct vmn_subnet *
find_subnet(const struct vmn_network *network, const struct vmn_ip *ip)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        if (vmn_prefix_contains(&vmn_subnet_at(network, i)->cidr, ip)) {
            return vmn_subnet_at(network, i);
        }
    }
    return NULL;
}

const struct vmn_ip *
find_lease(const struct vmn_network *network, const struct vmn_port *port,
           uint8_t family, const struct vmn_ip *wanted)
{
    for (size_t i = 0; i < port->n_ips; i++) {
        const struct vmn_ip *ip = &port->ips[i];
        const struct vmn_subnet *subnet;

        if (ip->family != family || (wanted && !vmn_ip_equal(ip, wanted))) {
            continue;
        }
        subnet = find_subnet(network, ip);
        if (subnet && subnet->dhcp) {
            return ip;
        }
    }
    return NULL;
}

bool
is_slaac(const struct vmn_subnet *subnet, const struct vmn_port *port,
         const struct vmn_ip *ip)
{
    struct vmn_ip own;

    if (!subnet || !subnet->slaac) {
        return false;
    }
    own = ip_of_mac(&subnet->cidr.ip, port->mac);
    return vmn_ip_equal(&own, ip);
}

static bool
is_gateway6(const struct vmn_network *network, const struct vmn_ip *ip)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        if (ip->family == 6 && vmn_ip_equal(&vmn_subnet_at(network,
                                                           i)->gateway,
                                            ip)) {
            return true;
        }
    }
    return false;
}

bool
is_default_router(const struct vmn_router *router,
                  const struct vmn_network *network)
{
    for (size_t i = 0; i < router->n_interfaces; i++) {
        const struct vmn_router_interface *interface
            = vmn_router_interface_at(router, i);
        struct vmn_ip ips[VMN_ADDRESSES_MAX];
        size_t n;

        if (strcmp(interface->network, network->row.name)) {
            continue;
        }
        n = vmn_interface_addresses(interface, network, ips);
        for (size_t j = 0; j < n; j++) {
            if (is_gateway6(network, &ips[j])) {
                return true;
            }
        }
    }
    return false;
}

static bool
has_default_router(struct vmn_view *view, const struct vmn_network *network)
{
    struct vmn_names routers = vmn_lookup(view, VMN_INDEX_ROUTER_BY_NETWORK,
                                          network->row.name);

    for (size_t i = 0; i < routers.n; i++) {
        const struct vmn_router *router = vmn_read_router(view,
                                                          routers.names[i]);

        if (router && is_default_router(router, network)) {
            return true;
        }
    }
    return false;
}

bool
answers_solicitations(struct vmn_view *view,
                      const struct vmn_network *network)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        const struct vmn_subnet *subnet = vmn_subnet_at(network, i);

        if (subnet->slaac || (subnet->dhcp && subnet->cidr.ip.family == 6)) {
            return true;
        }
    }
    return has_default_router(view, network);
}

/* Options.  --------------------------------------------------------------- */

/* Overrides 'options' by those that are set in 'narrower'. */
static void
narrow_options(struct vmn_dhcp_options *options,
               const struct vmn_dhcp_options *narrower)
{
    if (narrower->lease_time) {
        options->lease_time = narrower->lease_time;
    }
    if (narrower->n_dns) {
        options->n_dns = narrower->n_dns;
        options->dns = narrower->dns;
    }
    if (narrower->domain) {
        options->domain = narrower->domain;
    }
    if (narrower->n_search) {
        options->n_search = narrower->n_search;
        options->search = narrower->search;
    }
    if (narrower->n_ntp) {
        options->n_ntp = narrower->n_ntp;
        options->ntp = narrower->ntp;
    }
    if (narrower->n_routes) {
        options->n_routes = narrower->n_routes;
        options->routes = narrower->routes;
    }
    if (narrower->boot_server.family) {
        options->boot_server = narrower->boot_server;
    }
    if (narrower->boot_file) {
        options->boot_file = narrower->boot_file;
    }
    if (narrower->hostname) {
        options->hostname = narrower->hostname;
    }
}

/* Adds the network's own DNS server if no resolver is configured and the
 * network has a zone. */
static void
add_own_dns(struct vmn_view *view, const struct vmn_network *network,
            struct vmn_dhcp_options *options)
{
    size_t size;
    const struct vmn_ip *ip = vmn_query(view, VMN_QUERY_DNS_SERVER,
                                        network->row.name, &size);

    if (ip && size == sizeof *ip && !options->n_dns) {
        options->dns = ip;
        options->n_dns = 1;
    }
}

struct vmn_dhcp_options
dhcp_options_of(struct vmn_view *view, const struct vmn_network *network,
                const struct vmn_subnet *subnet, const struct vmn_port *port)
{
    struct vmn_dhcp_options options = {
        .lease_time = LEASE_TIME_DEFAULT,
        .hostname = port->row.name,
    };

    narrow_options(&options, &network->dhcp_options);
    if (subnet) {
        narrow_options(&options, &subnet->dhcp_options);
    }
    narrow_options(&options, &port->dhcp_options);
    add_own_dns(view, network, &options);
    return options;
}
