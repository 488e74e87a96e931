/* SPDX-License-Identifier: Apache-2.0
 *
 * Routers: addresses and next hops that fit their networks. */

#include <config.h>

#include "controller/model/checks.h"
#include "controller/model/model-class.h"
#include "controller/model/row-index.h"
#include "controller/schema/value.h"

static void
add_external(const struct index_sink *sink, const struct vmn_router *router,
             const char *mac)
{
    const struct vmn_external *external = &router->external;
    char ip[VALUE_IP_SIZE];

    index_add(sink, VMN_INDEX_ROUTER_BY_EXTERNAL, external->network);
    if (!value_mac_is_none(router->mac)) {
        index_add_joined(sink, INDEX_ROUTER_MAC, external->network, '/', mac);
    }
    for (size_t i = 0; i < external->n_addresses; i++) {
        value_format_ip(&external->addresses[i], ip);
        index_add_joined(sink, INDEX_EXTERNAL_IP, external->network, '/', ip);
    }
}

static void
add_keys(const struct index_sink *sink, const struct vmn_row *row)
{
    const struct vmn_router *router = (const struct vmn_router *) row;
    char mac[VALUE_MAC_SIZE];

    value_format_mac(router->mac, mac);
    for (size_t i = 0; i < router->n_interfaces; i++) {
        const char *network = router->interfaces[i].network;

        index_add(sink, VMN_INDEX_ROUTER_BY_NETWORK, network);
        if (!value_mac_is_none(router->mac)) {
            index_add_joined(sink, INDEX_ROUTER_MAC, network, '/', mac);
        }
    }
    if (router->external.network) {
        add_external(sink, router, mac);
    }
}

static void
keep(struct version *version, const struct version *old)
{
    struct vmn_router *router = (struct vmn_router *) version->row;

    router->mac = (!value_mac_is_none(router->want_mac) || !old
                   ? router->want_mac
                   : ((const struct vmn_router *) old->row)->mac);
}

static const char *
check_loaded(struct model *model OVS_UNUSED, struct version *version)
{
    const struct vmn_router *router
        = (const struct vmn_router *) version->row;

    return value_mac_is_none(router->mac) ? "it has no MAC address" : NULL;
}

static void
check_request(struct txn *txn, const struct entry *entry)
{
    const struct vmn_router *router = entry_row(entry);

    check_mac_is_not_reserved(txn, entry, "/mac", router->want_mac);
}

static void
check(struct txn *txn, const struct entry *entry)
{
    check_router(txn, entry);
    check_external(txn, entry);
}

static void
count(const struct vmn_row *row, struct model_usage *used)
{
    const struct vmn_router *router = (const struct vmn_router *) row;

    used->members = router->external.n_forwards;
    used->rules = router->n_routes;
}

const struct model_class model_router = {
    .add_keys = add_keys,
    .keep = keep,
    .assign = route_assign_mac,
    .check_loaded = check_loaded,
    .check_request = check_request,
    .check = check,
    .count = count,
    .limit = "routers",
    .limit_offset = offsetof(struct vmn_quota, routers),
};
