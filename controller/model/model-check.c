/* SPDX-License-Identifier: Apache-2.0
 *
 * What takes more than one object to check.  Everything is checked against
 * the state at the end of the request. */

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/model-private.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/value.h"
#include "util.h"

static bool
is_changed(const struct entry *entry)
{
    return entry->touched && entry->cur != entry->before;
}

/* References.  ------------------------------------------------------------ */

struct refs_check {
    struct txn *txn;
    const char *pointer;        /* Of the object. */
};

static void
check_ref(void *check_, enum vmn_table table, const char *name,
          const char *field)
{
    const struct refs_check *check = check_;

    if (!model_get(check->txn->model, table, name)) {
        char *pointer = xasprintf("%s%s", check->pointer, field);

        vmn_errors_add(check->txn->errors, VMN_ERR_INVALID, pointer,
                       "%s \"%s\" does not exist",
                       schema_tables[table].singular, name);
        free(pointer);
    }
}

void
check_refs(struct txn *txn, const struct entry *entry, const char *pointer)
{
    struct refs_check check = { txn, pointer };

    schema_row_refs(entry->cur->row, check_ref, &check);
}

/* Reports what still refers to an entry that was deleted. */
static void
check_referrers(struct txn *txn, const struct entry *entry)
{
    const struct schema_table *table = &schema_tables[entry->table];

    for (int i = 0; i < VMN_N_TABLES; i++) {
        const struct name_set *names = index_get(
            txn->model, index_refs(entry->table, i), entry->name);

        for (size_t j = 0; j < names->n; j++) {
            txn_error(txn, entry, VMN_ERR_CONFLICT, "",
                      "%s \"%s\" is referred to by %s \"%s\"",
                      table->singular, entry->name,
                      schema_tables[i].singular, names->names[j]);
        }
    }
}

/* Uniqueness.  ------------------------------------------------------------ */

/* The other name at 'key' of 'index', or NULL if 'name' has it alone. */
static const char *
find_other(const struct txn *txn, int index, const char *key,
           const char *name)
{
    const struct name_set *names = index_get(txn->model, index, key);

    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->names[i], name)) {
            return names->names[i];
        }
    }
    return NULL;
}

/* As find_other(), for the key "NETWORK/TEXT". */
static const char *
find_other_in(const struct txn *txn, int index, const char *network,
              const char *text, const char *name)
{
    char *key = xasprintf("%s/%s", network, text);
    const char *other = find_other(txn, index, key, name);

    free(key);
    return other;
}

/* Ports.  ----------------------------------------------------------------- */

/* Checks that 'ip' is an address of the network.  'where' reports it. */
static bool
check_ip_fits(struct txn *txn, const struct entry *where, const char *field,
              const struct vmn_port *port, const struct vmn_ip *ip,
              const struct vmn_network *network)
{
    char buf[VALUE_IP_SIZE];

    value_format_ip(ip, buf);
    for (size_t i = 0; i < network->n_subnets; i++) {
        const struct vmn_prefix *cidr = &network->subnets[i].cidr;

        if (!value_prefix_contains(cidr, ip)) {
            continue;
        }
        if (value_prefix_is_reserved(cidr, ip)) {
            txn_error(txn, where, VMN_ERR_INVALID, field,
                      "%s of port \"%s\" is the first or last address of its "
                      "subnet", buf, port->row.name);
            return false;
        }
        return true;
    }
    txn_error(txn, where, VMN_ERR_INVALID, field,
              "%s of port \"%s\" is in no subnet of network \"%s\"", buf,
              port->row.name, network->row.name);
    return false;
}

static void
check_port_ip(struct txn *txn, const struct entry *entry,
              const struct vmn_port *port, const struct vmn_ip *ip)
{
    char buf[VALUE_IP_SIZE];
    const char *other;

    value_format_ip(ip, buf);
    other = find_other_in(txn, INDEX_IP, port->network, buf, entry->name);
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/ips",
                  "%s is used by port \"%s\" of the same network", buf,
                  other);
    }
    other = find_other_in(txn, INDEX_VIP_IP, port->network, buf, "");
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/ips",
                  "%s is the virtual IP of loadbalancer \"%s\"", buf, other);
    }
}

static void check_backends(struct txn *, const struct entry *where,
                           const struct vmn_loadbalancer *);

/* A port that went to another network may not leave its balancers behind. */
static void
check_port_moved(struct txn *txn, const struct entry *entry)
{
    const struct vmn_port *port = entry_row(entry);
    const struct vmn_port *was = entry->before
        ? (const struct vmn_port *) entry->before->row : NULL;

    if (!was || !strcmp(was->network, port->network)) {
        return;
    }

    const struct name_set *lbs = index_get(
        txn->model, index_refs(VMN_TABLE_PORT, VMN_TABLE_LOADBALANCER),
        entry->name);
    for (size_t i = 0; i < lbs->n; i++) {
        const struct entry *lb = model_find(
            txn->model, VMN_TABLE_LOADBALANCER, lbs->names[i]);

        if (!is_changed(lb)) {
            check_backends(txn, entry, entry_row(lb));
        }
    }
}

static void
check_port(struct txn *txn, const struct entry *entry)
{
    const struct vmn_port *port = entry_row(entry);
    const struct vmn_network *network = model_get(
        txn->model, VMN_TABLE_NETWORK, port->network);
    char buf[VALUE_MAC_SIZE];
    const char *other;

    other = find_other(txn, INDEX_IFACE_ID, port->iface_id, entry->name);
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/iface_id",
                  "\"%s\" is used by port \"%s\"", port->iface_id, other);
    }
    if (!network) {
        return;
    }
    value_format_mac(port->mac, buf);
    other = find_other_in(txn, INDEX_MAC, port->network, buf, entry->name);
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/mac",
                  "%s is used by port \"%s\" of the same network", buf,
                  other);
    }
    for (size_t i = 0; i < port->n_ips; i++) {
        if (check_ip_fits(txn, entry, "/ips", port, &port->ips[i],
                          network)) {
            check_port_ip(txn, entry, port, &port->ips[i]);
        }
    }
    check_port_moved(txn, entry);
}

/* Networks.  -------------------------------------------------------------- */

static bool
same_subnets(const struct vmn_network *a, const struct vmn_network *b)
{
    bool same = a->n_subnets == b->n_subnets;

    for (size_t i = 0; same && i < a->n_subnets; i++) {
        same = !memcmp(&a->subnets[i].cidr, &b->subnets[i].cidr,
                       sizeof a->subnets[i].cidr)
               && !memcmp(&a->subnets[i].gateway, &b->subnets[i].gateway,
                          sizeof a->subnets[i].gateway);
    }
    return same;
}

static void
check_vip_is_no_gateway(struct txn *txn, const struct entry *where,
                        const char *field, const struct vmn_loadbalancer *lb,
                        const struct vmn_network *network)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        const struct vmn_ip *gateway = &network->subnets[i].gateway;

        if (!memcmp(gateway, &lb->vip, sizeof *gateway)) {
            txn_error(txn, where, VMN_ERR_CONFLICT, field,
                      "the virtual IP of loadbalancer \"%s\" is the gateway "
                      "of network \"%s\"", lb->row.name, network->row.name);
        }
    }
}

/* Subnets that change must still have what is there. */
static void
check_network(struct txn *txn, const struct entry *entry)
{
    const struct vmn_network *network = entry_row(entry);
    const struct name_set *names;

    if (entry->before
        && same_subnets(network, (const struct vmn_network *)
                                 entry->before->row)) {
        return;
    }
    names = index_get(txn->model, VMN_INDEX_PORT_BY_NETWORK, entry->name);
    for (size_t i = 0; i < names->n; i++) {
        const struct entry *other = model_find(txn->model, VMN_TABLE_PORT,
                                               names->names[i]);
        const struct vmn_port *port = entry_row(other);

        for (size_t j = 0; !is_changed(other) && j < port->n_ips; j++) {
            check_ip_fits(txn, entry, "/subnets", port, &port->ips[j],
                          network);
        }
    }
    names = index_get(txn->model, VMN_INDEX_LB_BY_NETWORK, entry->name);
    for (size_t i = 0; i < names->n; i++) {
        const struct entry *other = model_find(
            txn->model, VMN_TABLE_LOADBALANCER, names->names[i]);

        if (!is_changed(other)) {
            check_vip_is_no_gateway(txn, entry, "/subnets", entry_row(other),
                                    network);
        }
    }
}

/* Load balancers.  -------------------------------------------------------- */

static bool
has_network(const struct vmn_loadbalancer *lb, const char *network)
{
    for (size_t i = 0; i < lb->n_networks; i++) {
        if (!strcmp(lb->networks[i], network)) {
            return true;
        }
    }
    return false;
}

/* Errors go to 'where': the balancer, or the port that moved. */
static void
check_backends(struct txn *txn, const struct entry *where,
               const struct vmn_loadbalancer *lb)
{
    bool is_lb = where->table == VMN_TABLE_LOADBALANCER;

    for (size_t i = 0; i < lb->n_backends; i++) {
        const struct vmn_port *port = model_get(txn->model, VMN_TABLE_PORT,
                                                lb->backends[i].port);

        if (port && !has_network(lb, port->network)
            && (is_lb || !strcmp(where->name, port->row.name))) {
            txn_error(txn, where, VMN_ERR_INVALID,
                      is_lb ? "/backends" : "/network",
                      "port \"%s\" is a backend of loadbalancer \"%s\", "
                      "which is not offered in its network \"%s\"",
                      port->row.name, lb->row.name, port->network);
        }
    }
}

static void
check_vip(struct txn *txn, const struct entry *entry,
          const struct vmn_loadbalancer *lb, const char *network)
{
    char vip[VALUE_IP_SIZE];
    const char *other;

    value_format_ip(&lb->vip, vip);
    other = find_other_in(txn, INDEX_IP, network, vip, "");
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/vip",
                  "%s is used by port \"%s\" of network \"%s\"", vip, other,
                  network);
    }
    for (size_t i = 0; i < lb->n_ports; i++) {
        char *key = xasprintf("%s/%d/%u", vip, lb->protocol,
                              lb->ports[i].port);

        other = find_other_in(txn, INDEX_VIP, network, key, entry->name);
        if (other) {
            txn_error(txn, entry, VMN_ERR_CONFLICT, "/ports",
                      "port %u of %s is served by loadbalancer \"%s\" in "
                      "network \"%s\"", lb->ports[i].port, vip, other,
                      network);
        }
        free(key);
    }
}

static void
check_loadbalancer(struct txn *txn, const struct entry *entry)
{
    const struct vmn_loadbalancer *lb = entry_row(entry);

    for (size_t i = 0; i < lb->n_networks; i++) {
        const struct vmn_network *network = model_get(
            txn->model, VMN_TABLE_NETWORK, lb->networks[i]);

        check_vip(txn, entry, lb, lb->networks[i]);
        if (network) {
            check_vip_is_no_gateway(txn, entry, "/vip", lb, network);
        }
    }
    check_backends(txn, entry, lb);
}

static void
check_host(struct txn *txn, const struct entry *entry)
{
    const struct vmn_host *host = entry_row(entry);
    char buf[VALUE_IP_SIZE];
    const char *other;

    value_format_ip(&host->tunnel_ip, buf);
    other = find_other(txn, INDEX_TUNNEL_IP, buf, entry->name);
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/tunnel_ip",
                  "%s is that of host \"%s\"", buf, other);
    }
}

/* All of it.  ------------------------------------------------------------- */

static void
check_entry(struct txn *txn, const struct entry *entry)
{
    /* What the request does not name lacks only what the request deletes:
     * check_referrers() tells, where the request can be mended. */
    if (entry->op) {
        char *pointer = txn_pointer(txn, entry, "");

        check_refs(txn, entry, pointer);
        free(pointer);
    }
    if (entry->table == VMN_TABLE_HOST) {
        check_host(txn, entry);
    } else if (entry->table == VMN_TABLE_NETWORK) {
        check_network(txn, entry);
    } else if (entry->table == VMN_TABLE_PORT) {
        check_port(txn, entry);
    } else if (entry->table == VMN_TABLE_LOADBALANCER) {
        check_loadbalancer(txn, entry);
    }
}

void
check_touched(struct txn *txn)
{
    for (size_t i = 0; i < txn->n_touched; i++) {
        const struct entry *entry = txn->touched[i];

        if (!is_changed(entry)) {
            continue;
        }
        if (entry->cur) {
            check_entry(txn, entry);
        } else {
            check_referrers(txn, entry);
        }
        model_pause(txn->model);
    }
}
