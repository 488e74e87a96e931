/* SPDX-License-Identifier: Apache-2.0
 *
 * Networks: VNIs, and subnets that fit what is in them. */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>

#include "controller/model/checks.h"
#include "controller/model/ipam.h"
#include "controller/model/model-class.h"
#include "controller/model/rights.h"
#include "controller/model/row-index.h"
#include "controller/model/subnets.h"
#include "controller/model/txn.h"
#include "controller/model/vni.h"
#include "controller/schema/value.h"
#include "util.h"

static void
add_keys(const struct index_sink *sink, const struct vmn_row *row)
{
    const struct vmn_network *network = (const struct vmn_network *) row;
    const struct vmn_provider *provider = &network->provider;
    char vlan[12];

    if (provider->physical) {
        snprintf(vlan, sizeof vlan, "%"PRIu32, provider->vlan);
        index_add_joined(sink, INDEX_PROVIDER, provider->physical, '/', vlan);
    }
}

static const char *
check_loaded(struct model *model, struct version *version)
{
    return (vni_load(model, version) ? NULL
            : "its VNI is not in the table of numbers");
}

static void
check_network(struct txn *txn, const struct entry *entry)
{
    check_provider(txn, entry);
    check_network_external(txn, entry);
    check_network_isolation(txn, entry);
    if (!network_keeps_subnets(entry)) {
        check_subnets_in_use(txn, entry);
        check_network_routers(txn, entry);
    }
}

static bool
has_options(const struct vmn_dhcp_options *o)
{
    return (o->lease_time || o->n_dns || o->domain || o->n_search || o->n_ntp
            || o->n_routes || o->boot_server.family || o->boot_file
            || o->n_options);
}

static void
check_network_effect(struct txn *txn, const struct entry *entry)
{
    const struct vmn_network *network = entry_row(entry);

    for (size_t i = 0; i < network->n_subnets; i++) {
        const struct vmn_subnet *subnet = &network->subnets[i];
        const struct vmn_dhcp_options *options = &subnet->dhcp_options;
        char buf[VALUE_PREFIX_SIZE];

        value_format_prefix(&subnet->cidr, buf);
        if (subnet->cidr.ip.family == 4 && !subnet->dhcp
            && has_options(options)) {
            txn_error(txn, entry, VMN_ERR_INVALID, "/subnets",
                      "has \"dhcp_options\" of %s that are never sent: its "
                      "\"dhcp\" is false", buf);
        } else if (subnet->cidr.ip.family == 6
                   && (options->n_routes || options->boot_server.family)) {
            txn_error(txn, entry, VMN_ERR_INVALID, "/subnets",
                      "has \"dhcp_options\" of %s that are never sent: "
                      "\"%s\" is only for IPv4", buf,
                      options->n_routes ? "routes" : "boot_server");
        }
    }
}

static void
settled(struct model *model OVS_UNUSED, struct entry *network)
{
    address_forget(network);
}

const struct model_class model_network = {
    .add_keys = add_keys,
    .assign = vni_assign,
    .check_loaded = check_loaded,
    .settled = settled,
    .check_effect = check_network_effect,
    .check = check_network,
    .check_all = check_domains,
    .check_users = check_routed_subnets,
    .limit = "networks",
    .limit_offset = offsetof(struct vmn_quota, networks),
};
