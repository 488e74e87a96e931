/* SPDX-License-Identifier: Apache-2.0
 *
 * The values of the options that a port gets, by DHCP of both families and in
 * router advertisements: from its row, its subnet's and its network's, the
 * narrowest first.  Not for options as bytes (dhcpv4-options.c,
 * dhcpv6-options.c). */

#include "dhcp-app.h"

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
    if (narrower->n_options) {
        options->n_options = narrower->n_options;
        options->options = narrower->options;
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
