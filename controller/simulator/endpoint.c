/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a packet may come from or go to; see endpoint.h. */

#include <config.h>

#include "controller/simulator/endpoint.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/model.h"
#include "controller/schema/value.h"
#include "util.h"

bool
place_find(const struct model *model, const char *name, struct place *place)
{
    const struct vmn_binding *binding;
    const struct vmn_vif *vif;
    char *key;

    memset(place, 0, sizeof *place);
    place->port = model_get(model, VMN_TABLE_PORT, name);
    if (!place->port) {
        return false;
    }
    binding = model_get(model, VMN_TABLE_BINDING, name);
    if (binding && binding->host) {
        place->host = binding->host;
        key = xasprintf("%s/%s", binding->host, place->port->iface_id);
        vif = model_get(model, VMN_TABLE_VIF, key);
        place->ofport = vif ? vif->ofport : 0;
        free(key);
    }
    return true;
}

const struct vmn_vif *
place_wire(const struct model *model, const char *host, uint32_t ofport)
{
    const struct vmn_host *row = model_get(model, VMN_TABLE_HOST, host);

    for (size_t i = 0; row && i < row->n_provider_bridges; i++) {
        char *key = xasprintf("%s/@%s", host,
                              row->provider_bridges[i].physical);
        const struct vmn_vif *vif = model_get(model, VMN_TABLE_VIF, key);

        free(key);
        if (vif && vif->ofport == ofport) {
            return vif;
        }
    }
    return NULL;
}

const struct vmn_ip *
place_ip(const struct place *place, uint8_t family)
{
    for (size_t i = 0; i < place->port->n_ips; i++) {
        if (place->port->ips[i].family == family) {
            return &place->port->ips[i];
        }
    }
    return NULL;
}

const struct vmn_ip *
place_gateway(const struct model *model, const struct place *place,
              uint8_t family)
{
    const struct vmn_network *network = model_get(model, VMN_TABLE_NETWORK,
                                                  place->port->network);
    const struct vmn_ip *own = place_ip(place, family);

    for (size_t i = 0; network && own && i < network->n_subnets; i++) {
        const struct vmn_subnet *subnet = &network->subnets[i];

        if (subnet->gateway.family == family
            && value_prefix_contains(&subnet->cidr, own)) {
            return &subnet->gateway;
        }
    }
    return NULL;
}

static bool
is_on_link(const struct model *model, const struct place *place,
           const struct vmn_ip *ip)
{
    const struct vmn_network *network = model_get(model, VMN_TABLE_NETWORK,
                                                  place->port->network);

    for (size_t i = 0; network && i < network->n_subnets; i++) {
        if (value_prefix_contains(&network->subnets[i].cidr, ip)) {
            return true;
        }
    }
    return false;
}

const struct vmn_ip *
place_next_hop(const struct model *model, const struct place *place,
               const struct vmn_ip *ip)
{
    return (is_on_link(model, place, ip) ? ip
            : place_gateway(model, place, ip->family));
}

/* True if 'router' has address 'ip' in a network. */
static bool
router_has(const struct model *model, const struct vmn_router *router,
           const char *network_name, const struct vmn_ip *ip)
{
    const struct vmn_network *network = model_get(model, VMN_TABLE_NETWORK,
                                                  network_name);

    for (size_t i = 0; network && i < router->n_interfaces; i++) {
        const struct vmn_router_interface *interface = &router->interfaces[i];
        struct vmn_ip ips[VMN_ADDRESSES_MAX];
        size_t n = (strcmp(interface->network, network_name) ? 0
                    : vmn_interface_addresses(interface, network, ips));

        for (size_t j = 0; j < n; j++) {
            if (!memcmp(&ips[j], ip, sizeof *ip)) {
                return true;
            }
        }
    }
    return false;
}

enum way
place_way(const struct model *model, const struct place *place,
          const struct vmn_ip *ip, struct vmn_mac *mac)
{
    const char *network = place->port->network;
    struct vmn_names names = model_lookup(model, VMN_INDEX_ROUTER_BY_NETWORK,
                                          network);
    const struct vmn_ip *gateway;

    if (is_on_link(model, place, ip)) {
        return WAY_LINK;
    }
    gateway = place_gateway(model, place, ip->family);
    for (size_t i = 0; gateway && i < names.n; i++) {
        const struct vmn_router *router = model_get(model, VMN_TABLE_ROUTER,
                                                    names.names[i]);

        if (router && router_has(model, router, network, gateway)) {
            *mac = router->mac;
            return WAY_ROUTER;
        }
    }
    return WAY_NONE;
}
