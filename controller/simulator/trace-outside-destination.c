/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a packet from outside is for, and by which provider network and whose
 * address there it comes in; see trace-outside.h. */

#include <config.h>

#include "controller/simulator/trace-outside-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/model.h"
#include "controller/schema/value.h"
#include "controller/simulator/trace-outside.h"
#include "controller/simulator/trace-request.h"
#include "svec.h"
#include "util.h"

static bool
is_in_network(const struct vmn_network *network, const struct vmn_ip *ip)
{
    for (size_t i = 0; network && i < network->n_subnets; i++) {
        if (value_prefix_contains(&network->subnets[i].cidr, ip)) {
            return true;
        }
    }
    return false;
}

/* Ways in.  -------------------------------------------------------------- */

/* Sets that the packet is for 'ip', comes in by 'network', and is sent to
 * whoever has 'next_hop' there. */
static bool
set_way(const struct outside *search, const struct vmn_network *network,
        const struct vmn_ip *ip, const struct vmn_ip *next_hop)
{
    struct trace_endpoints *who = search->who;

    who->from.outside = network;
    who->ends.destination_ip = *ip;
    who->next_hop = *next_hop;
    return true;
}

/* Finds the way to a floating address, whose port the packet is for. */
static bool
take_floating(const struct outside *search,
              const struct vmn_floating_ip *floating)
{
    const struct vmn_router *router = model_get(
        search->model, VMN_TABLE_ROUTER, floating->router);
    const struct vmn_network *network = outside_network_of(search, router);

    if (!network) {
        outside_refuse(search, "the external network of floating-ip \"%s\" "
                       "is %s", floating->row.name,
                       search->request->network ? "another one"
                       : "not there");
        return false;
    }
    if (floating->port) {
        endpoint_find(search->model, floating->port, &search->who->to);
    }
    return set_way(search, network, &floating->ip, &floating->ip);
}

/* Returns the floating address of one of the 'names' by which 'router', or any
 * router of the request's network, is reached; of IPv4 where there is one; or
 * NULL.  Sets '*n' to how many there are of that family. */
static const struct vmn_floating_ip *
choose_floating(const struct outside *search, struct vmn_names names,
                size_t *n)
{
    const struct vmn_floating_ip *found = NULL;

    *n = 0;
    for (size_t i = 0; !found && i < ARRAY_SIZE(outside_families); i++) {
        for (size_t j = 0; j < names.n; j++) {
            const struct vmn_floating_ip *floating = model_get(
                search->model, VMN_TABLE_FLOATING_IP, names.names[j]);

            if (floating && floating->ip.family == outside_families[i]
                && outside_is_family(search->request, outside_families[i])
                && outside_network_of(search, model_get(
                    search->model, VMN_TABLE_ROUTER, floating->router))) {
                found = floating;
                (*n)++;
            }
        }
    }
    return found;
}

/* Sets that the packet is for 'ip' behind the one of 'routers', by its own
 * address. */
static bool
take_routed(const struct outside *search, const struct svec *routers,
            const struct vmn_ip *ip)
{
    const struct vmn_router *router = model_get(
        search->model, VMN_TABLE_ROUTER, routers->names[0]);
    const struct vmn_external *external = &router->external;
    char text[VALUE_IP_SIZE];

    if (routers->n > 1) {
        outside_refuse(search, "routers \"%s\" and \"%s\" both lead to %s: "
                       "only a floating address tells which is meant%s",
                       routers->names[0], routers->names[1],
                       value_format_ip(ip, text),
                       search->request->network ? ""
                       : ", or \"network\" where their external networks "
                         "differ");
        return false;
    }
    for (size_t i = 0; i < external->n_addresses; i++) {
        if (external->addresses[i].family == ip->family) {
            return set_way(search, outside_network_of(search, router), ip,
                           &external->addresses[i]);
        }
    }
    outside_refuse(search, "router \"%s\" has no external IPv%u address, by "
                   "which it could be reached", router->row.name, ip->family);
    return false;
}

/* Destinations.  --------------------------------------------------------- */

/* Returns an address of the port that suits the request, or NULL. */
static const struct vmn_ip *
suitable_ip(const struct outside *search, const struct endpoint *to)
{
    for (size_t i = 0; i < ARRAY_SIZE(outside_families); i++) {
        const struct vmn_ip *ip = endpoint_ip(to, outside_families[i]);

        if (ip && outside_is_family(search->request, outside_families[i])) {
            return ip;
        }
    }
    return NULL;
}

/* Finds the way to a port: by its floating address if it has one, else by its
 * own. */
static bool
take_port(const struct outside *search)
{
    const struct endpoint *to = &search->who->to;
    const char *name = to->port->row.name, *network = to->port->network;
    const struct vmn_network *provider = outside_find_provider(search,
                                                               network);
    const struct vmn_ip *ip = suitable_ip(search, to);
    const struct vmn_floating_ip *floating;
    struct svec routers = SVEC_EMPTY_INITIALIZER;
    bool taken = false;
    size_t n;

    floating = choose_floating(search, model_lookup(
        search->model, VMN_INDEX_FLOATING_BY_PORT, name), &n);
    if (floating && !provider) {
        return take_floating(search, floating);
    }
    if (!ip) {
        outside_refuse(search, "port \"%s\" has no IPv%s address", name,
                       outside_is_family(search->request, 4) ? "4 or IPv6"
                       : "6");
        return false;
    }
    if (provider) {
        return set_way(search, provider, ip, ip);
    }
    outside_add_routers(search, network, &routers);
    if (routers.n) {
        taken = take_routed(search, &routers, ip);
    } else {
        outside_refuse(search, "port \"%s\" has no floating address, and no "
                       "router of network \"%s\" has an external network",
                       name, network);
    }
    svec_destroy(&routers);
    return taken;
}

static bool
take_balancer(const struct outside *search, const struct vmn_loadbalancer *lb)
{
    const char *name = lb->row.name;
    const struct vmn_floating_ip *floating;
    size_t n;

    for (size_t i = 0; i < lb->n_networks; i++) {
        const struct vmn_network *provider = outside_find_provider(search,
                                                           lb->networks[i]);

        if (provider) {
            return set_way(search, provider, &lb->vip, &lb->vip);
        }
    }
    floating = choose_floating(search, model_referrers(
        search->model, VMN_TABLE_LOADBALANCER, name, VMN_TABLE_FLOATING_IP),
                               &n);
    if (n > 1) {
        outside_refuse(search, "loadbalancer \"%s\" has %"PRIuSIZE" "
                       "floating addresses: give the one that is meant",
                       name, n);
        return false;
    }
    if (!floating) {
        outside_refuse(search, "loadbalancer \"%s\" has no floating address, "
                       "by which alone those outside reach it", name);
        return false;
    }
    return take_floating(search, floating);
}

/* Returns the floating address 'ip' of a router of 'network', or NULL. */
static const struct vmn_floating_ip *
find_floating(const struct model *model, const char *network,
              const struct vmn_ip *ip)
{
    struct vmn_names routers = model_lookup(
        model, VMN_INDEX_ROUTER_BY_EXTERNAL, network);

    for (size_t i = 0; i < routers.n; i++) {
        struct vmn_names names = model_lookup(
            model, VMN_INDEX_FLOATING_BY_ROUTER, routers.names[i]);

        for (size_t j = 0; j < names.n; j++) {
            const struct vmn_floating_ip *floating = model_get(
                model, VMN_TABLE_FLOATING_IP, names.names[j]);

            if (floating && !memcmp(&floating->ip, ip, sizeof *ip)) {
                return floating;
            }
        }
    }
    return NULL;
}

/* Sets that the packet is for 'ip' of a provider network: a floating address,
 * or perhaps a port's. */
static bool
take_on_link(const struct outside *search, const struct vmn_network *network,
             const struct vmn_ip *ip)
{
    const char *name = network->row.name;
    const struct vmn_floating_ip *floating = find_floating(search->model,
                                                           name, ip);
    char text[VALUE_IP_SIZE];
    struct vmn_names ports;
    char *key;

    if (floating) {
        return take_floating(search, floating);
    }
    key = xasprintf("%s/%s", name, value_format_ip(ip, text));
    ports = model_lookup(search->model, VMN_INDEX_PORT_BY_IP, key);
    free(key);
    if (ports.n) {
        endpoint_find(search->model, ports.names[0], &search->who->to);
    }
    return set_way(search, network, ip, ip);
}

/* Finds the provider network that 'ip' is in.  Returns false with an error if
 * there are several; '*found' is NULL if there is none. */
static bool
find_network(const struct outside *search, const struct vmn_ip *ip,
             const struct vmn_network **found)
{
    struct vmn_names names = model_names(search->model, VMN_TABLE_NETWORK);

    *found = NULL;
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_network *network = outside_find_provider(search,
                                                          names.names[i]);

        if (!is_in_network(network, ip)) {
            continue;
        }
        if (*found) {
            char text[VALUE_IP_SIZE];

            outside_refuse(search, "%s is in networks \"%s\" and \"%s\": say "
                           "by \"network\" which is meant",
                           value_format_ip(ip, text), (*found)->row.name,
                           names.names[i]);
            return false;
        }
        *found = network;
    }
    return true;
}

static bool
take_address(const struct outside *search, const struct vmn_ip *ip)
{
    struct vmn_names names = model_names(search->model, VMN_TABLE_NETWORK);
    struct svec routers = SVEC_EMPTY_INITIALIZER;
    const struct vmn_network *network;
    char text[VALUE_IP_SIZE];
    bool taken = false;

    if (!find_network(search, ip, &network)) {
        return false;
    }
    if (network) {
        return take_on_link(search, network, ip);
    }
    for (size_t i = 0; i < names.n; i++) {
        if (is_in_network(model_get(search->model, VMN_TABLE_NETWORK,
                                    names.names[i]), ip)) {
            outside_add_routers(search, names.names[i], &routers);
        }
    }
    if (routers.n) {
        taken = take_routed(search, &routers, ip);
    } else {
        outside_refuse(search, "%s is in no provider network, and in no "
                       "network of a router with an external network",
                       value_format_ip(ip, text));
    }
    svec_destroy(&routers);
    return taken;
}

/* Own destinations.  ----------------------------------------------------- */

/* Returns the object if it is within the scope, or NULL. */
static const void *
find_own(const struct outside *search, enum vmn_table table, const char *name)
{
    const struct vmn_row *row = (name ? model_get(search->model, table, name)
                                 : NULL);

    return row && model_in_scope(search->request->rights, row) ? row : NULL;
}

/* Returns true if the floating address is one that the account may trace to:
 * it leads to what is within the scope, by the request's network. */
static bool
is_own_way(const struct outside *search,
           const struct vmn_floating_ip *floating)
{
    return ((find_own(search, VMN_TABLE_PORT, floating->port)
             || find_own(search, VMN_TABLE_LOADBALANCER,
                         floating->load_balancer))
            && outside_is_family(search->request, floating->ip.family)
            && outside_network_of(search, model_get(
                search->model, VMN_TABLE_ROUTER, floating->router)));
}

/* Returns the first floating address within the scope that leads to 'port' or
 * 'balancer', or is called 'name', or has address 'ip', whichever is not NULL;
 * or NULL. */
static const struct vmn_floating_ip *
find_own_floating(const struct outside *search, const char *name,
                  const struct vmn_ip *ip, const char *port,
                  const char *balancer)
{
    struct vmn_names names = model_names(search->model,
                                         VMN_TABLE_FLOATING_IP);

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_floating_ip *floating = find_own(
            search, VMN_TABLE_FLOATING_IP, names.names[i]);

        if (floating
            && ((name && !strcmp(name, floating->row.name))
                || (ip && !memcmp(ip, &floating->ip, sizeof *ip))
                || (port && nullable_string_is_equal(port, floating->port))
                || (balancer
                    && nullable_string_is_equal(balancer,
                                                floating->load_balancer)))
            && is_own_way(search, floating)) {
            return floating;
        }
    }
    return NULL;
}

/* Returns the provider network, if that is one, the request's, and one that
 * the account sees. */
static const struct vmn_network *
find_seen_provider(const struct outside *search, const char *name)
{
    const struct vmn_network *network = outside_find_provider(search, name);

    return network && outside_sees(search, network) ? network : NULL;
}

/* Finds the way to a port or a balancer that is itself in a provider
 * network. */
static bool
take_own_in_provider(const struct outside *search)
{
    const char *to = search->request->to;
    const struct vmn_loadbalancer *lb;
    const struct vmn_network *network;
    const struct vmn_ip *ip;

    if (find_own(search, VMN_TABLE_PORT, to)) {
        endpoint_find(search->model, to, &search->who->to);
        network = find_seen_provider(search, search->who->to.port->network);
        ip = suitable_ip(search, &search->who->to);
        return network && ip && set_way(search, network, ip, ip);
    }
    lb = find_own(search, VMN_TABLE_LOADBALANCER, to);
    for (size_t i = 0; lb && i < lb->n_networks; i++) {
        network = find_seen_provider(search, lb->networks[i]);
        if (network) {
            return set_way(search, network, &lb->vip, &lb->vip);
        }
    }
    return false;
}

/* Finds the destination of an account with a scope. */
static bool
find_own_destination(const struct outside *search)
{
    const char *to = search->request->to;
    const struct vmn_floating_ip *floating = NULL;
    struct vmn_ip ip;

    if (find_own(search, VMN_TABLE_PORT, to)) {
        floating = find_own_floating(search, NULL, NULL, to, NULL);
    } else if (find_own(search, VMN_TABLE_LOADBALANCER, to)) {
        floating = find_own_floating(search, NULL, NULL, NULL, to);
    } else if (!value_parse_ip(to, &ip, NULL)) {
        floating = find_own_floating(search, NULL, &ip, NULL, NULL);
    } else {
        floating = find_own_floating(search, to, NULL, NULL, NULL);
    }
    if (floating ? take_floating(search, floating)
        : take_own_in_provider(search)) {
        return true;
    }
    vmn_error_set(search->error, VMN_ERR_INVALID, "/to", "from outside must "
                  "be a floating-ip within this account's scope, or its "
                  "address, or a port or loadbalancer within the scope that "
                  "has one or is in a provider network that the account "
                  "sees");
    return false;
}

bool
outside_find_destination(const struct outside *search)
{
    const char *to = search->request->to;
    const struct vmn_floating_ip *floating;
    const struct vmn_loadbalancer *lb;
    struct vmn_ip ip;

    if (search->request->rights && search->request->rights->scope.text) {
        return find_own_destination(search);
    }
    if (endpoint_find(search->model, to, &search->who->to)) {
        return take_port(search);
    }
    lb = model_get(search->model, VMN_TABLE_LOADBALANCER, to);
    if (lb) {
        return take_balancer(search, lb);
    }
    floating = model_get(search->model, VMN_TABLE_FLOATING_IP, to);
    if (floating) {
        return take_floating(search, floating);
    }
    if (!value_parse_ip(to, &ip, NULL)) {
        return take_address(search, &ip);
    }
    if (!strcmp(to, TRACE_OUTSIDE)) {
        vmn_error_set(search->error, VMN_ERR_INVALID, "/to", "cannot be "
                      "outside as well");
    } else {
        vmn_error_set(search->error, VMN_ERR_INVALID, "/to", "\"%s\" is no "
                      "port, loadbalancer, floating-ip or address", to);
    }
    return false;
}
