/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses that ports are allowed beside their own, and who else may have
 * them.  Several ports may be allowed the same (VRRP), but not what is a
 * port's, a router's, a virtual IP or a gateway that is outside.  Only single
 * addresses and MACs are held against others: a prefix is for a port that
 * forwards, and may have anybody's addresses in it.
 *
 * What was there before the request, and as bad, is left alone: earlier
 * releases took it.  Loading passes by here. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/model/address-owners.h"
#include "controller/model/checks.h"
#include "controller/model/row-index.h"
#include "controller/model/subnets.h"
#include "controller/model/txn.h"
#include "controller/schema/schema.h"
#include "controller/schema/value.h"
#include "util.h"

/* Where an error is reported: at a member of an address pair. */
struct place {
    struct txn *txn;
    const struct entry *entry;  /* The port. */
    const char *network;        /* Its network. */
    char field[sizeof "/allowed_addresses/18446744073709551615/mac"];
};

static const struct vmn_port *
port_before(const struct entry *entry)
{
    return entry->before ? (const struct vmn_port *) entry->before->row
           : NULL;
}

static bool
is_single(const struct vmn_prefix *prefix)
{
    return prefix->len == vmn_ip_bits(&prefix->ip);
}

/* Returns true if the port had the pair before the request. */
static bool
had_pair(const struct entry *entry, const struct vmn_address_pair *pair)
{
    const struct vmn_port *now = entry_row(entry);
    const struct vmn_port *before = port_before(entry);

    for (size_t i = 0; before && !strcmp(before->network, now->network)
                       && i < before->n_allowed_addresses; i++) {
        const struct vmn_address_pair *other = &before->allowed_addresses[i];

        if (!memcmp(&other->ip, &pair->ip, sizeof pair->ip)
            && vmn_mac_equal(other->mac, pair->mac)) {
            return true;
        }
    }
    return false;
}

/* Returns the name at "NETWORK/TEXT" of 'index' other than 'except', or
 * NULL. */
static const char *
find(const struct txn *txn, int index, const char *network, const char *text,
     const char *except)
{
    char *key = xasprintf("%s/%s", network, text);
    const struct name_set *names = index_get(txn->model, index, key);
    const char *found = NULL;

    for (size_t i = 0; !found && i < names->n; i++) {
        found = strcmp(names->names[i], except) ? names->names[i] : NULL;
    }
    free(key);
    return found;
}

/* Reports that 'text' belongs to object 'name' of 'table', unless that is
 * NULL. */
static bool
report(const struct place *at, const char *text, enum vmn_table table,
       const char *name)
{
    if (name) {
        txn_error(at->txn, at->entry, VMN_ERR_CONFLICT, at->field,
                  "%s is that of %s in the same network: only what nobody "
                  "else has may be allowed", text,
                  txn_name(at->txn, table, name));
    }
    return name != NULL;
}

static bool
check_mac(const struct place *at, struct vmn_mac mac)
{
    char text[VALUE_MAC_SIZE];

    value_format_mac(mac, text);
    return (report(at, text, VMN_TABLE_PORT,
                   find(at->txn, INDEX_MAC, at->network, text,
                        at->entry->name))
            || report(at, text, VMN_TABLE_ROUTER,
                      find(at->txn, INDEX_ROUTER_MAC, at->network, text,
                           "")));
}

/* Sets '*mac' to the MAC from which a link-local address is derived (RFC 4291,
 * appendix A).  Returns false if it is derived from none. */
static bool
get_mac(const struct vmn_ip *ip, struct vmn_mac *mac)
{
    const uint8_t *a = ip->addr;
    struct vmn_ip local;

    *mac = (struct vmn_mac) {
        { a[8] ^ 2, a[9], a[10], a[13], a[14], a[15] }
    };
    local = vmn_link_local(*mac);
    return vmn_ip_equal(ip, &local);
}

/* Checks that 'ip' is not reserved by the network's row or by VMN itself.  A
 * network's gateway is an external machine where routers have their external
 * gateway. */
static void
check_reserved(const struct place *at, const struct vmn_ip *ip,
               const char *text)
{
    const struct vmn_network *network = model_get(
        at->txn->model, VMN_TABLE_NETWORK, at->network);
    const struct vmn_subnet *subnet = address_subnet(network, ip);
    const struct vmn_reservation *r = (subnet ? address_reservation(subnet, ip)
                                       : NULL);

    if (subnet && vmn_ip_equal(&subnet->gateway, ip)
        && index_get(at->txn->model, VMN_INDEX_ROUTER_BY_EXTERNAL,
                     at->network)->n) {
        txn_error(at->txn, at->entry, VMN_ERR_CONFLICT, at->field,
                  "%s is the gateway of its subnet, which is outside", text);
    }
    if (r && strcmp(r->port, at->entry->name)) {
        txn_error(at->txn, at->entry, VMN_ERR_CONFLICT, at->field,
                  "%s is reserved for %s", text,
                  txn_name(at->txn, VMN_TABLE_PORT, r->port));
    }
    if (value_ip_is_served(ip)) {
        txn_error(at->txn, at->entry, VMN_ERR_INVALID, at->field,
                  "%s is the address of a server of VMN's own", text);
    }
}

static void
check_ip(const struct place *at, const struct vmn_ip *ip)
{
    char text[VALUE_IP_SIZE];
    struct vmn_mac mac;

    value_format_ip(ip, text);
    if (report(at, text, VMN_TABLE_PORT,
               find(at->txn, VMN_INDEX_PORT_BY_IP, at->network, text,
                    at->entry->name))
        || report(at, text, VMN_TABLE_LOADBALANCER,
                  find(at->txn, INDEX_VIP_IP, at->network, text, ""))
        || (get_mac(ip, &mac) && check_mac(at, mac))) {
        return;
    }
    check_no_router_has(at->txn, at->entry, at->field, at->network, ip);
    check_reserved(at, ip, text);
}

/* Checks the port's allowed addresses.  Its network must exist. */
void
check_allowed(struct txn *txn, const struct entry *entry)
{
    const struct vmn_port *port = entry_row(entry);
    struct place at = { .txn = txn, .entry = entry,
                        .network = port->network };

    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        const struct vmn_address_pair *pair = &port->allowed_addresses[i];

        if (had_pair(entry, pair)) {
            continue;
        }
        if (is_single(&pair->ip)) {
            snprintf(at.field, sizeof at.field,
                     "/allowed_addresses/%"PRIuSIZE"/ip", i);
            check_ip(&at, &pair->ip.ip);
        }
        if (!value_mac_is_none(pair->mac)
            && !vmn_mac_equal(pair->mac, port->mac)) {
            snprintf(at.field, sizeof at.field,
                     "/allowed_addresses/%"PRIuSIZE"/mac", i);
            check_mac(&at, pair->mac);
        }
    }
}

/* Reports an error at 'field' of 'where' if a port other than 'except' is
 * allowed 'ip'. */
static void
check_nobody_is_allowed(struct txn *txn, const struct entry *where,
                        const char *field, const char *network,
                        const struct vmn_ip *ip, const char *except)
{
    char text[VALUE_IP_SIZE];
    const char *port;

    value_format_ip(ip, text);
    port = find(txn, INDEX_ALLOWED, network, text, except);
    if (port) {
        txn_error(txn, where, VMN_ERR_CONFLICT, field,
                  "%s is in \"allowed_addresses\" of %s in the same network",
                  text, txn_name(txn, VMN_TABLE_PORT, port));
    }
}

void
check_is_not_allowed(struct txn *txn, const struct entry *where,
                     const char *field, const char *network,
                     const struct vmn_ip *ip)
{
    check_nobody_is_allowed(txn, where, field, network, ip, "");
}

/* Checks that no other port is allowed an address or MAC that is new to the
 * port. */
void
check_port_is_not_allowed(struct txn *txn, const struct entry *entry)
{
    const struct vmn_port *port = entry_row(entry);
    const struct vmn_port *before = port_before(entry);
    char text[VALUE_MAC_SIZE];
    const char *other;

    if (before && strcmp(before->network, port->network)) {
        before = NULL;
    }
    for (size_t i = 0; i < port->n_ips; i++) {
        bool had = false;

        for (size_t j = 0; before && j < before->n_ips; j++) {
            had |= vmn_ip_equal(&before->ips[j], &port->ips[i]);
        }
        if (!had) {
            check_nobody_is_allowed(txn, entry, "/ips", port->network,
                                    &port->ips[i], entry->name);
        }
    }
    if (before && vmn_mac_equal(before->mac, port->mac)) {
        return;
    }
    value_format_mac(port->mac, text);
    other = find(txn, INDEX_ALLOWED, port->network, text, entry->name);
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/mac",
                  "%s is in \"allowed_addresses\" of %s in the same network",
                  text, txn_name(txn, VMN_TABLE_PORT, other));
    }
}
