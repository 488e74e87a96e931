/* SPDX-License-Identifier: Apache-2.0
 *
 * What accounts with a scope may do with ports, beyond what is said of all
 * objects (rights.c):
 *
 * - A port may be made in a network that is only read: so tenants use shared
 *   networks.  It has the addresses that are given out there, and no others.
 *   Fields that would let it send as somebody else are marked in the schema
 *   (SCHEMA_NETWORK_OWNERS).
 * - It claims no interface that may be meant for a port of others.
 * - A port that others have put into quarantine stays there.
 * - What others have set as its isolation it keeps.  Made anew it is what its
 *   network says, which alone binds for good.
 * - It has a connection limit, by default, and is not let open more. */

#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "controller/model/ipam.h"
#include "controller/model/rights.h"
#include "controller/model/row-index.h"
#include "controller/model/subnets.h"
#include "controller/model/txn.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/value.h"
#include "util.h"

static const struct vmn_port *
before_of(const struct entry *entry)
{
    return (entry->before ? (const struct vmn_port *) entry->before->row
            : NULL);
}

/* Networks that are only read.  ------------------------------------------- */

bool
rights_own_network(const struct txn *txn, const struct vmn_row *port)
{
    const struct vmn_row *network = rights_row(
        txn, VMN_TABLE_NETWORK, ((const struct vmn_port *) port)->network);

    return !network || rights_own(txn->request->rights, network);
}

static bool
has_ip(const struct vmn_port *port, const struct vmn_ip *ip)
{
    for (size_t i = 0; port && i < port->n_ips; i++) {
        if (!memcmp(&port->ips[i], ip, sizeof *ip)) {
            return true;
        }
    }
    return false;
}

/* Checks that the account may use the port's addresses.  Reserved addresses
 * belong to ports by name, and any account may take a free name. */
static void
check_ip(struct txn *txn, const struct entry *entry,
         const struct vmn_port *port, const struct vmn_ip *ip,
         const struct vmn_network *network)
{
    const struct vmn_subnet *subnet = address_subnet(network, ip);
    char buf[VALUE_IP_SIZE];

    if (!subnet) {
        return;                 /* Reported elsewhere. */
    }
    value_format_ip(ip, buf);
    if (address_reservation(subnet, ip)) {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "/ips",
                  "%s is reserved in network \"%s\", which is not within this "
                  "account's scope", buf, network->row.name);
    } else if (!address_is_allocatable(subnet, port, ip)) {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "/ips",
                  "%s is not allocatable in network \"%s\", which is not "
                  "within this account's scope", buf, network->row.name);
    }
}

/* Checks a move to another network, to which a port would take its
 * addresses. */
static void
check_network(struct txn *txn, const struct entry *entry,
              const struct vmn_port *port)
{
    const struct vmn_port *was = before_of(entry);
    const struct vmn_network *network = model_get(
        txn->model, VMN_TABLE_NETWORK, port->network);

    if (!network || rights_own_network(txn, &port->row)) {
        return;
    }
    if (was && strcmp(was->network, port->network)) {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "/network",
                  "network \"%s\" is not within this account's scope: a port "
                  "can be made in it, but not moved there", port->network);
        return;
    }
    for (size_t i = 0; i < port->n_ips; i++) {
        if (!has_ip(was, &port->ips[i])) {
            check_ip(txn, entry, port, &port->ips[i], network);
        }
    }
}

/* Interfaces.  ------------------------------------------------------------ */

/* Checks an iface_id that the port did not have before.  Unless a prefix
 * distinguishes the account's interfaces from others', an interface that
 * exists already may be waiting for another account's port. */
static void
check_iface_id(struct txn *txn, const struct entry *entry,
               const struct vmn_port *port)
{
    const char *prefix = txn->request->rights->iface_ids;
    const struct vmn_port *was = before_of(entry);

    if (port->external
        || (was && !was->external && !strcmp(was->iface_id,
                                             port->iface_id))) {
        return;
    }
    if (prefix && strncmp(port->iface_id, prefix, strlen(prefix))) {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "/iface_id",
                  "must begin with \"%s\" for this account: \"%s\" does not",
                  prefix, port->iface_id);
    } else if (!prefix && strcmp(port->iface_id, port->row.name)) {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "/iface_id",
                  "must be the port's name for this account, which has no "
                  "\"iface_ids\"");
    } else if (!prefix && index_get(txn->model, INDEX_VIF_IFACE_ID,
                                    port->iface_id)->n) {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "/iface_id",
                  "\"%s\" is that of an interface that already exists, "
                  "which only accounts with \"iface_ids\", or without a "
                  "scope, may claim", port->iface_id);
    }
}

/* Quarantine.  ------------------------------------------------------------ */

/* Returns true if a quarantine at 'key' of 'index' that is not the account's
 * includes 'was', and 'is' is NULL or not included. */
static bool
is_held_at(const struct txn *txn, int index, const char *key,
           const struct vmn_port *was, const struct vmn_port *is)
{
    const struct name_set *names = index_get(txn->model, index, key);

    for (size_t i = 0; i < names->n; i++) {
        const struct vmn_quarantine *quarantine = model_get(
            txn->model, VMN_TABLE_QUARANTINE, names->names[i]);
        bool selects = index == VMN_INDEX_QUARANTINE_SELECTS;

        if (!rights_own(txn->request->rights, &quarantine->row)
            && (!selects
                || (vmn_selector_matches(&quarantine->selector, &was->labels)
                    && !(is && vmn_selector_matches(&quarantine->selector,
                                                    &is->labels))))) {
            return true;
        }
    }
    return false;
}

/* Returns true if others have put 'was' into quarantine. */
static bool
is_held(const struct txn *txn, const struct vmn_port *was)
{
    return (was->quarantined
            || is_held_at(txn, VMN_INDEX_QUARANTINE_BY_PORT, was->row.name,
                          was, NULL)
            || is_held_at(txn, VMN_INDEX_QUARANTINE_SELECTS, "", was, NULL));
}

/* Checks that the port, and with it its interface, stays in its
 * quarantines. */
static void
check_quarantine(struct txn *txn, const struct entry *entry,
                 const struct vmn_port *was)
{
    const struct vmn_port *is = entry_row(entry);

    if (!is) {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "",
                  "port \"%s\" is in quarantine, and not for this account to "
                  "delete", entry->name);
        return;
    }
    if (is_held_at(txn, VMN_INDEX_QUARANTINE_SELECTS, "", was, is)) {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "/labels",
                  "must be such that the port stays in quarantine");
    }
    if (strcmp(is->iface_id, was->iface_id)) {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "/iface_id",
                  "must stay \"%s\" as long as the port is in quarantine",
                  was->iface_id);
    }
    /* These decide which frames are the port's, as the iface_id does. */
    if (!nullable_string_is_equal(is->parent, was->parent)) {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "/parent",
                  "must stay as it is as long as the port is in quarantine");
    }
    if (is->vlan != was->vlan) {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "/vlan",
                  "must stay as it is as long as the port is in quarantine");
    }
    if (is->external != was->external) {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "/external",
                  "must stay as it is as long as the port is in quarantine");
    }
}

/* Isolation.  ------------------------------------------------------------- */

/* Checks that the port stays as isolated as the network's owner has made it:
 * to leave it out again would be to talk with more ports, where the network
 * says less. */
static void
check_isolation(struct txn *txn, const struct entry *entry,
                const struct vmn_port *was, const struct vmn_port *is)
{
    if (was->isolation != is->isolation && is->isolation == VMN_ISOLATION_NONE
        && !strcmp(was->network, is->network)
        && !rights_own_network(txn, &is->row)) {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "/isolation",
                  "must stay as the owner of network \"%s\" has set it",
                  is->network);
    }
}

/* Connections.  ----------------------------------------------------------- */

/* Returns true if an account with a scope makes the request, or has written
 * the draft that it applies. */
static bool
is_of_scope(const struct txn *txn)
{
    const struct model_request *request = txn->request;
    bool found = request->rights && request->rights->scope.text;

    for (size_t i = 0; !found && i < request->n_writers; i++) {
        const struct model_rights *rights = request->writers[i].rights;

        found = rights && rights->scope.text;
    }
    return found;
}

json_t *
port_complete(struct txn *txn, const struct model_op *op OVS_UNUSED,
              json_t *spec, const struct version *old)
{
    static const char field[] = "connection_limit";
    const json_t *limit = json_object_get(spec, field);
    json_t *copy, *kept;

    if (!json_is_object(spec) || (limit && !json_is_null(limit))
        || !is_of_scope(txn)
        || (old && !model_in_scope(txn->request->rights, old->row))) {
        return spec;
    }
    kept = old ? schema_row_spec(old->row) : NULL;
    copy = json_copy(spec);
    json_decref(spec);
    if (!old) {
        json_object_set_new(copy, field, json_pack(
            "{s:i, s:i}", "rate", VMN_PORT_CONNECTION_RATE, "burst",
            VMN_PORT_CONNECTION_BURST));
    } else if (json_object_get(kept, field)) {
        json_object_set(copy, field, json_object_get(kept, field));
    }
    json_decref(kept);
    return copy;
}

/* Checks that 'is' is at most what 'was' is, or the default.  0 is unlimited:
 * one less is the largest number. */
static void
check_limit(struct txn *txn, const struct entry *entry, const char *field,
            uint32_t was, uint32_t is, uint32_t def)
{
    uint32_t max = entry->before && was - 1 > def - 1 ? was : def;

    if (is - 1 > max - 1) {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, field,
                  "must be at most %"PRIu32" for this account", max);
    }
}

static void
check_connection_limit(struct txn *txn, const struct entry *entry,
                       const struct vmn_port *was, const struct vmn_port *is)
{
    static const struct vmn_lb_client_limit none;
    const struct vmn_lb_client_limit *a = was ? &was->connection_limit : &none;
    const struct vmn_lb_client_limit *b = &is->connection_limit;

    check_limit(txn, entry, "/connection_limit/rate", a->rate, b->rate,
                VMN_PORT_CONNECTION_RATE);
    check_limit(txn, entry, "/connection_limit/burst", vmn_lb_burst(a),
                vmn_lb_burst(b), VMN_PORT_CONNECTION_BURST);
}

void
check_port_rights(struct txn *txn, const struct entry *entry)
{
    const struct vmn_port *was = before_of(entry);
    const struct vmn_port *is = entry_row(entry);

    if (is) {
        check_network(txn, entry, is);
        check_iface_id(txn, entry, is);
        check_connection_limit(txn, entry, was, is);
    }
    if (was && is) {
        check_isolation(txn, entry, was, is);
    }
    if (was && is_held(txn, was)) {
        check_quarantine(txn, entry, was);
    }
}
