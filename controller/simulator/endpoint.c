/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a packet may come from or go to; see endpoint.h. */

#include <config.h>

#include "controller/simulator/endpoint.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "controller/schema/value.h"
#include "util.h"

bool
endpoint_find(const struct model *model, const char *name, struct endpoint
              *endpoint)
{
    const struct vmn_binding *binding;
    const struct vmn_vif *vif;
    char *key;

    memset(endpoint, 0, sizeof *endpoint);
    endpoint->port = model_get(model, VMN_TABLE_PORT, name);
    if (!endpoint->port) {
        return false;
    }
    binding = model_get(model, VMN_TABLE_BINDING, name);
    if (binding && binding->host) {
        endpoint->host = binding->host;
        key = xasprintf("%s/%s", binding->host, endpoint->port->iface_id);
        vif = model_get(model, VMN_TABLE_VIF, key);
        endpoint->ofport = vif ? vif->ofport : 0;
        free(key);
    }
    return true;
}

const struct vmn_vif *
provider_vif_at(const struct model *model, const char *host, uint32_t ofport)
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

uint32_t
provider_ofport_of(const struct model *model, const char *host,
                   const char *physical)
{
    char *key = xasprintf("%s/@%s", host, physical);
    const struct vmn_vif *vif = model_get(model, VMN_TABLE_VIF, key);

    free(key);
    return vif ? vif->ofport : 0;
}

bool
port_is_quarantined(struct engine *engine, const struct vmn_port *port)
{
    size_t size;
    void *value = engine_peek(engine, VMN_QUERY_QUARANTINE, port->row.name,
                              &size);

    free(value);
    return port->quarantined || value;
}

const struct vmn_ip *
endpoint_ip(const struct endpoint *endpoint, uint8_t family)
{
    for (size_t i = 0; i < endpoint->port->n_ips; i++) {
        if (endpoint->port->ips[i].family == family) {
            return &endpoint->port->ips[i];
        }
    }
    return NULL;
}

const struct vmn_ip *
endpoint_gateway(const struct model *model, const struct endpoint *endpoint,
                 uint8_t family)
{
    const struct vmn_network *network = model_get(model, VMN_TABLE_NETWORK,
                                                  endpoint->port->network);
    const struct vmn_ip *own = endpoint_ip(endpoint, family);

    for (size_t i = 0; network && own && i < network->n_subnets; i++) {
        const struct vmn_subnet *subnet = &network->subnets[i];

        if (subnet->gateway.family == family
            && value_prefix_contains(&subnet->cidr, own)) {
            return &subnet->gateway;
        }
    }
    return NULL;
}

/* Returns true for what a guest has on its link whatever its subnets are (RFC
 * 3927, section 2.6.2; RFC 4291, section 2.5.6), such as servers of VMN's. */
static bool
is_link_local(const struct vmn_ip *ip)
{
    return (ip->family == 4 ? ip->addr[0] == 169 && ip->addr[1] == 254
            : ip->addr[0] == 0xfe && (ip->addr[1] & 0xc0) == 0x80);
}

static bool
is_on_link(const struct model *model, const struct endpoint *endpoint,
           const struct vmn_ip *ip)
{
    const struct vmn_network *network = model_get(model, VMN_TABLE_NETWORK,
                                                  endpoint->port->network);

    for (size_t i = 0; network && i < network->n_subnets; i++) {
        if (value_prefix_contains(&network->subnets[i].cidr, ip)) {
            return true;
        }
    }
    return is_link_local(ip);
}

/* Returns true if 'ip' is the broadcast address of 'cidr' (RFC 3021: 31 bits
 * have none). */
static bool
is_broadcast_of(const struct vmn_prefix *cidr, const struct vmn_ip *ip)
{
    uint64_t index;

    return (ip->family == 4 && cidr->len <= 30
            && value_prefix_index(cidr, ip, &index)
            && index == (UINT64_C(1) << (32 - cidr->len)) - 1);
}

bool
endpoint_is_group(const struct model *model, const struct endpoint *endpoint,
                  const struct vmn_ip *ip)
{
    const struct vmn_network *network = model_get(model, VMN_TABLE_NETWORK,
                                                  endpoint->port->network);

    for (size_t i = 0; network && i < network->n_subnets; i++) {
        if (is_broadcast_of(&network->subnets[i].cidr, ip)) {
            return true;
        }
    }
    return value_ip_is_group(ip);
}

const struct vmn_ip *
endpoint_next_hop(const struct model *model, const struct endpoint *endpoint,
                  const struct vmn_ip *ip)
{
    return (is_on_link(model, endpoint, ip) ? ip
            : endpoint_gateway(model, endpoint, ip->family));
}

/* Returns true if 'router' has address 'ip' in a network. */
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

enum next_hop_kind
endpoint_next_router(const struct model *model, const struct endpoint
                     *endpoint, const struct vmn_ip *ip, struct vmn_mac *mac)
{
    const char *network = endpoint->port->network;
    struct vmn_names names = model_lookup(model, VMN_INDEX_ROUTER_BY_NETWORK,
                                          network);
    const struct vmn_ip *gateway;

    if (is_on_link(model, endpoint, ip)) {
        return NEXT_ON_LINK;
    }
    gateway = endpoint_gateway(model, endpoint, ip->family);
    for (size_t i = 0; gateway && i < names.n; i++) {
        const struct vmn_router *router = model_get(model, VMN_TABLE_ROUTER,
                                                    names.names[i]);

        if (router && router_has(model, router, network, gateway)) {
            *mac = router->mac;
            return NEXT_ROUTER;
        }
    }
    return NEXT_NONE;
}
