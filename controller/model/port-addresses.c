/* SPDX-License-Identifier: Apache-2.0
 *
 * Assigns MAC and IP addresses to ports that request none.  An assigned value
 * stays until another one is requested. */

#include <config.h>

#include "controller/model/port-addresses.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/ipam.h"
#include "controller/model/row-index.h"
#include "controller/model/slaac.h"
#include "controller/model/subnets.h"
#include "controller/model/txn.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/value.h"
#include "controller/siphash.h"
#include "util.h"

static void
set_ips(struct version *version, const struct vmn_ip *ips, size_t n)
{
    struct vmn_port *port = (struct vmn_port *) version->row;
    struct vmn_ip *copy = arena_alloc(&version->arena, n * sizeof *copy);

    if (n) {
        memcpy(copy, ips, n * sizeof *copy);
    }
    port->ips = copy;
    port->n_ips = n;
}

/* Returns true if the port has just these addresses. */
static bool
has_ips(const struct vmn_port *port, const struct vmn_ip *ips, size_t n)
{
    return (port->n_ips == n
            && (!n || !memcmp(port->ips, ips, n * sizeof *ips)));
}

/* Copies the addresses of 'was' to 'ips' that stay when its MAC becomes 'mac':
 * those derived from the old MAC do not.  Returns how many stay. */
static size_t
keep_ips(const struct vmn_port *was, struct vmn_mac mac, struct vmn_ip *ips)
{
    bool same = !memcmp(&mac, &was->mac, sizeof mac);
    size_t n = 0;

    for (size_t i = 0; i < was->n_ips; i++) {
        const struct vmn_prefix prefix = { was->ips[i], 64 };
        struct vmn_ip follows = slaac_address(&prefix, was->mac);

        if (same || memcmp(&follows, &was->ips[i], sizeof follows)) {
            ips[n++] = was->ips[i];
        }
    }
    return n;
}

void
port_keep_addresses(struct version *version, const struct version *old)
{
    struct vmn_port *port = (struct vmn_port *) version->row;
    const struct vmn_port *was = old ? (const struct vmn_port *) old->row
                                     : NULL;

    port->mac = !value_mac_is_none(port->want_mac) ? port->want_mac
                : was ? was->mac : port->mac;
    if (port->n_want_ips) {
        set_ips(version, port->want_ips, port->n_want_ips);
    } else if (was && !strcmp(was->network, port->network)) {
        struct vmn_ip *ips = xmalloc((was->n_ips + 1) * sizeof *ips);

        set_ips(version, ips, keep_ips(was, port->mac, ips));
        free(ips);
    }
}

/* Assigns a locally administered MAC that is derived from the port's name, so
 * that a port that is created again has the same.  If another port of the
 * network has it, tries the next. */
void
port_assign_mac(struct txn *txn, struct entry *entry)
{
    struct vmn_port *port = (struct vmn_port *) entry->cur->row;

    for (uint32_t try = 0; value_mac_is_none(port->mac); try++) {
        uint64_t hash = stable_hash64(port->row.name, strlen(port->row.name),
                                      try);
        struct vmn_mac mac = { { 0x02, hash >> 32, hash >> 24, hash >> 16,
                                 hash >> 8, hash } };
        char buf[VALUE_MAC_SIZE];
        char *key = xasprintf("%s/%s", port->network,
                              value_format_mac(mac, buf));
        if (!index_get(txn->model, INDEX_MAC, key)->n
            && !index_get(txn->model, INDEX_ROUTER_MAC, key)->n) {
            port->mac = mac;
            index_put(txn->model, INDEX_MAC, key, entry->name, true);
        }
        free(key);
    }
}

/* Appends to 'ips' an address of each subnet that has none in there, until
 * there are 'max'. */
static size_t
fill_ips(struct txn *txn, struct entry *entry, struct entry *network_entry,
         struct vmn_ip *ips, size_t n, size_t max)
{
    const struct vmn_network *network = entry_row(network_entry);
    size_t n_kept = n;

    for (size_t i = 0; i < network->n_subnets && n < max; i++) {
        const struct vmn_subnet *subnet = &network->subnets[i];
        bool have = false;

        for (size_t j = 0; j < n_kept; j++) {
            have |= value_prefix_contains(&subnet->cidr, &ips[j]);
        }
        if (!have) {
            struct vmn_ip ip = address_find(txn->model, network_entry, subnet,
                                            entry_row(entry));
            char buf[VALUE_PREFIX_SIZE];

            if (!ip.family) {
                txn_error(txn, entry, VMN_ERR_CONFLICT, "/ips",
                          subnet->slaac
                          ? "the address of %s of network \"%s\" that follows "
                            "from the MAC is taken"
                          : "no address of %s of network \"%s\" is left",
                          value_format_prefix(&subnet->cidr, buf),
                          network->row.name);
            } else {
                ips[n++] = ip;
            }
        }
    }
    return n;
}

void
port_assign_ips(struct txn *txn, struct entry *entry)
{
    struct vmn_port *port = (struct vmn_port *) entry->cur->row;
    struct entry *network_entry = model_find(txn->model, VMN_TABLE_NETWORK,
                                             port->network);
    const struct vmn_network *network = entry_row(network_entry);
    const struct schema_field *f = schema_find_field(
        &schema_tables[VMN_TABLE_PORT]->row, "ips");
    size_t n = 0;

    if (port->n_want_ips || !network) {
        return;                 /* No network: check_refs() reports it. */
    }

    struct vmn_ip *ips = xmalloc((port->n_ips + network->n_subnets + 1)
                                 * sizeof *ips);
    for (size_t i = 0; i < port->n_ips; i++) {
        if (address_subnet(network, &port->ips[i])) {
            ips[n++] = port->ips[i];
        }
    }
    n = fill_ips(txn, entry, network_entry, ips, n, f->max_items);
    n = schema_set_sort(f, ips, n);
    if (!has_ips(port, ips, n)) {
        index_version(txn->model, entry, entry->cur, false);
        set_ips(entry->cur, ips, n);
        index_version(txn->model, entry, entry->cur, true);
    }
    free(ips);
}
