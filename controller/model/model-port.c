/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports: addresses of their own, in a network that has them. */

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>

#include "controller/model/address-owners.h"
#include "controller/model/checks.h"
#include "controller/model/model-class.h"
#include "controller/model/port-addresses.h"
#include "controller/model/rights.h"
#include "controller/model/row-index.h"
#include "controller/model/subnets.h"
#include "controller/model/txn.h"
#include "controller/schema/value.h"
#include "util.h"

static void
add_pairs(const struct index_sink *sink, const struct vmn_port *port)
{
    char buf[VALUE_IP_SIZE];

    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        const struct vmn_address_pair *pair = &port->allowed_addresses[i];

        if (pair->ip.len == vmn_ip_bits(&pair->ip.ip)) {
            index_add_joined(sink, INDEX_ALLOWED, port->network, '/',
                             value_format_ip(&pair->ip.ip, buf));
        }
        if (!value_mac_is_none(pair->mac)) {
            index_add_joined(sink, INDEX_ALLOWED, port->network, '/',
                             value_format_mac(pair->mac, buf));
        }
    }
}

static void
add_keys(const struct index_sink *sink, const struct vmn_row *row)
{
    const struct vmn_port *port = (const struct vmn_port *) row;
    char buf[VALUE_IP_SIZE];

    index_add(sink, VMN_INDEX_PORT_BY_NETWORK, port->network);
    index_add(sink, VMN_INDEX_PORT_BY_LABEL, "");
    for (size_t i = 0; i < port->labels.n; i++) {
        const struct vmn_label *label = &port->labels.labels[i];

        index_add(sink, VMN_INDEX_PORT_BY_LABEL, label->key);
        index_add_joined(sink, VMN_INDEX_PORT_BY_LABEL, label->key, '=',
                         label->value);
    }
    if (!value_mac_is_none(port->mac)) {
        index_add_joined(sink, INDEX_MAC, port->network, '/',
                         value_format_mac(port->mac, buf));
    }
    for (size_t i = 0; i < port->n_ips; i++) {
        index_add_joined(sink, VMN_INDEX_PORT_BY_IP, port->network, '/',
                         value_format_ip(&port->ips[i], buf));
    }
    add_pairs(sink, port);
    index_add(sink, INDEX_IFACE_ID, port->iface_id);
    if (port->parent) {
        char vlan[8];

        snprintf(vlan, sizeof vlan, "%"PRIu32, port->vlan);
        index_add(sink, VMN_INDEX_PORT_BY_PARENT, port->parent);
        index_add_joined(sink, INDEX_PORT_VLAN, port->parent, '/', vlan);
    }
}

static void
check_pairs(struct txn *txn, const struct entry *entry,
            const struct vmn_port *port)
{
    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        char *field = xasprintf("/allowed_addresses/%"PRIuSIZE"/mac", i);

        check_mac_is_not_reserved(txn, entry, field,
                                  port->allowed_addresses[i].mac);
        free(field);
    }
}

static void
check_request(struct txn *txn, const struct entry *entry)
{
    const struct vmn_port *port = entry_row(entry);

    check_mac_is_not_reserved(txn, entry, "/mac", port->want_mac);
    check_pairs(txn, entry, port);
}

static void
assign(struct txn *txn, struct entry *entry)
{
    port_assign_mac(txn, entry);
    port_assign_ips(txn, entry);
}

static const char *
check_loaded(struct model *model OVS_UNUSED, struct version *version)
{
    const struct vmn_port *port = (const struct vmn_port *) version->row;

    return value_mac_is_none(port->mac) ? "it has no MAC address" : NULL;
}

static void
count(const struct vmn_row *row, struct model_usage *used)
{
    const struct vmn_port *port = (const struct vmn_port *) row;

    used->addresses = port->n_ips + port->n_allowed_addresses;
}

static void
check_port_ip(struct txn *txn, const struct entry *entry,
              const struct vmn_port *port, const struct vmn_ip *ip)
{
    char buf[VALUE_IP_SIZE];
    const char *other;

    value_format_ip(ip, buf);
    other = index_find_other_in(txn->model, VMN_INDEX_PORT_BY_IP,
                                port->network, buf,
                          entry->name);
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/ips",
                  "%s is used by %s in the same network", buf,
                  txn_name(txn, VMN_TABLE_PORT, other));
    }
    other = index_find_other_in(txn->model, INDEX_VIP_IP, port->network, buf,
                                "");
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/ips",
                  "%s is the virtual IP of %s", buf,
                  txn_name(txn, VMN_TABLE_LOADBALANCER, other));
    }
    check_no_router_has(txn, entry, "/ips", port->network, ip);
}

static void
check_port(struct txn *txn, const struct entry *entry)
{
    const struct vmn_port *port = entry_row(entry);
    const struct vmn_network *network = model_get(
        txn->model, VMN_TABLE_NETWORK, port->network);
    char buf[VALUE_MAC_SIZE];
    const char *other;

    other = index_find_other(txn->model, INDEX_IFACE_ID, port->iface_id,
                             entry->name);
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/iface_id",
                  "\"%s\" is used by %s", port->iface_id,
                  txn_name(txn, VMN_TABLE_PORT, other));
    }
    if (!network) {
        return;
    }
    value_format_mac(port->mac, buf);
    other = index_find_other_in(txn->model, INDEX_MAC, port->network, buf,
                                entry->name);
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/mac",
                  "%s is used by %s in the same network", buf,
                  txn_name(txn, VMN_TABLE_PORT, other));
    }
    for (size_t i = 0; i < port->n_ips; i++) {
        if (check_ip_fits(txn, entry, "/ips", port, &port->ips[i],
                          network)) {
            check_port_ip(txn, entry, port, &port->ips[i]);
        }
    }
    check_no_router_has_mac(txn, entry, port->network, port->mac);
    check_allowed(txn, entry);
    check_port_is_not_allowed(txn, entry);
    check_port_external(txn, entry, port, network);
    check_port_isolation(txn, entry, port, network);
    check_port_trunk(txn, entry, port);
    check_port_moved(txn, entry);
    check_port_migration(txn, entry);
    check_port_floating(txn, entry);
}

const struct model_class model_port = {
    .add_keys = add_keys,
    .keep = port_keep_addresses,
    .assign = assign,
    .complete = port_complete,
    .check_loaded = check_loaded,
    .check_request = check_request,
    .check = check_port,
    .check_rights = check_port_rights,
    .count = count,
    .limit = "ports",
    .limit_offset = offsetof(struct vmn_quota, ports),
};
