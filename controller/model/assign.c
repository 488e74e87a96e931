/* SPDX-License-Identifier: Apache-2.0
 *
 * What the controller gives out where nothing was asked for: VNIs, MAC
 * addresses, IP addresses.  Once given, a value stays until something else is
 * asked for. */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/model-private.h"
#include "controller/model/id-pools.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/value.h"
#include "hash.h"
#include "util.h"

/* Keeping.  --------------------------------------------------------------- */

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

/* The addresses of 'was' that stay if its MAC becomes 'mac': one that follows
 * from the old MAC does not. */
static size_t
keep_ips(const struct vmn_port *was, struct vmn_mac mac, struct vmn_ip *ips)
{
    bool same = !memcmp(&mac, &was->mac, sizeof mac);
    size_t n = 0;

    for (size_t i = 0; i < was->n_ips; i++) {
        const struct vmn_prefix prefix = { was->ips[i], 64 };
        struct vmn_ip follows = value_prefix_eui64(&prefix, was->mac);

        if (same || memcmp(&follows, &was->ips[i], sizeof follows)) {
            ips[n++] = was->ips[i];
        }
    }
    return n;
}

void
assign_kept(struct version *version, const struct version *old)
{
    if (version->row->table == VMN_TABLE_PORT) {
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
    } else if (version->row->table == VMN_TABLE_ROUTER) {
        struct vmn_router *router = (struct vmn_router *) version->row;

        router->mac = (!value_mac_is_none(router->want_mac) || !old
                       ? router->want_mac
                       : ((const struct vmn_router *) old->row)->mac);
    }
}

/* VNIs.  ------------------------------------------------------------------ */

/* A network's number is kept under its name, or, if it was asked for, under
 * "NAME=VNI": a network whose VNI changes has both for a while. */
static bool
is_key_of(const char *key, const char *network)
{
    size_t len = strlen(network);

    return !strncmp(key, network, len)
           && (key[len] == '\0' || key[len] == '=');
}

static void
refuse_vni(struct txn *txn, const struct entry *entry, uint32_t vni,
           const char *owner)
{
    int len = strcspn(owner, "=");
    char *name = xmemdup0(owner, len);
    const struct vmn_network *other = model_get(txn->model, entry->table,
                                                name);

    if (other && other->vni == vni) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/vni",
                  "VNI %"PRIu32" is that of %s", vni,
                  txn_name(txn, VMN_TABLE_NETWORK, name));
    } else if (!strncmp(owner, "router/", 7)) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/vni",
                  "VNI %"PRIu32" is between %s and its gateway", vni,
                  txn_name(txn, VMN_TABLE_ROUTER, owner + 7));
    } else {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/vni",
                  "VNI %"PRIu32" was that of %s, and some host has yet to "
                  "confirm that it is gone", vni,
                  txn_name(txn, VMN_TABLE_NETWORK, name));
    }
    free(name);
}

/* Takes the number that was asked for. */
static void
claim_vni(struct txn *txn, const struct entry *entry, uint32_t vni)
{
    struct id_pools *pool = txn->model->id_pools;
    struct version *version = entry->cur;
    const char *owner;
    char *key = xasprintf("%s=%"PRIu32, entry->name, vni);

    if (id_pools_claim(pool, "vni", key, vni, &version->vni, &owner)) {
        if (is_key_of(owner, entry->name)) {
            version->vni = id_pools_ref(pool, "vni", owner);
        } else {
            refuse_vni(txn, entry, vni, owner);
        }
    }
    free(key);
}

static void
assign_vni(struct txn *txn, const struct entry *entry)
{
    struct id_pools *pool = txn->model->id_pools;
    struct version *version = entry->cur;
    struct vmn_network *network = (struct vmn_network *) version->row;
    struct id_entry *former = entry->before ? entry->before->vni : NULL;

    if (former && (!network->want_vni
                   || network->want_vni == id_entry_value(former))) {
        version->vni = id_pools_ref_again(former);
    } else if (network->want_vni) {
        claim_vni(txn, entry, network->want_vni);
    } else {
        version->vni = id_pools_ref(pool, "vni", entry->name);
        if (!version->vni) {
            txn_error(txn, entry, VMN_ERR_CONFLICT, "/vni",
                      "no VNI is left");
        }
    }
    network->vni = version->vni ? id_entry_value(version->vni) : 0;
}

bool
assign_load_vni(struct model *model, struct version *version)
{
    struct vmn_network *network = (struct vmn_network *) version->row;
    const char *key = id_pools_key_of(model->id_pools, "vni", network->vni);

    if (!key || !is_key_of(key, network->row.name)) {
        return false;
    }
    version->vni = id_pools_ref(model->id_pools, "vni", key);
    return version->vni != NULL;
}

/* MAC addresses.  --------------------------------------------------------- */

/* Gives out a locally administered address that follows from the port's name,
 * so that a port that is made again has the same; where another port of the
 * network has it, the next try. */
static void
assign_mac(struct txn *txn, struct entry *entry)
{
    struct vmn_port *port = (struct vmn_port *) entry->cur->row;

    for (uint32_t try = 0; value_mac_is_none(port->mac); try++) {
        char buf[VALUE_MAC_SIZE];
        ovs_u128 hash;

        hash_bytes128(port->row.name, strlen(port->row.name), try, &hash);
        struct vmn_mac mac = { { 0x02, hash.u64.lo >> 32, hash.u64.lo >> 24,
                                 hash.u64.lo >> 16, hash.u64.lo >> 8,
                                 hash.u64.lo } };
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

/* IP addresses.  ---------------------------------------------------------- */

/* Appends to 'ips' one address for each subnet that has none there yet, as
 * long as there are less than 'max'. */
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

static void
assign_ips(struct txn *txn, struct entry *entry)
{
    struct vmn_port *port = (struct vmn_port *) entry->cur->row;
    struct entry *network_entry = model_find(txn->model, VMN_TABLE_NETWORK,
                                             port->network);
    const struct vmn_network *network = entry_row(network_entry);
    const struct schema_field *f = schema_find_field(
        &schema_tables[VMN_TABLE_PORT].row, "ips");
    size_t n = 0;

    if (port->n_want_ips || !network) {
        return;                 /* Without a network: check_refs() tells. */
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
    index_version(txn->model, entry, entry->cur, false);
    set_ips(entry->cur, ips, n);
    index_version(txn->model, entry, entry->cur, true);
    free(ips);
}

void
assign_missing(struct txn *txn)
{
    /* Ports need their networks' subnets, not their VNIs: one pass does. */
    for (size_t i = 0; i < txn->n_touched; i++) {
        struct entry *entry = txn->touched[i];

        /* What only lost a reference to something that was deleted keeps
         * what it has; it must not be refused for what it may lack. */
        if (!entry->cur || entry->cur == entry->before || !entry->op) {
            continue;
        }
        if (entry->table == VMN_TABLE_NETWORK) {
            assign_vni(txn, entry);
        } else if (entry->table == VMN_TABLE_PORT) {
            assign_mac(txn, entry);
            assign_ips(txn, entry);
        } else if (entry->table == VMN_TABLE_ROUTER) {
            route_assign_mac(txn, entry);
        }
        model_yield(txn->model);
    }
}
