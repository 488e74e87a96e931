/* SPDX-License-Identifier: Apache-2.0
 *
 * Subnets of a network: which one an address is of, whether an address of a
 * port fits, and whether all in use still do when subnets change.  Not for
 * which address is free (ipam.c). */

#include <config.h>

#include "controller/model/subnets.h"

#include <string.h>

#include "controller/model/checks.h"
#include "controller/model/row-index.h"
#include "controller/model/txn.h"
#include "controller/schema/value.h"
#include "util.h"

const struct vmn_subnet *
address_subnet(const struct vmn_network *network, const struct vmn_ip *ip)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        if (value_prefix_contains(&network->subnets[i].cidr, ip)) {
            return &network->subnets[i];
        }
    }
    return NULL;
}

const struct vmn_reservation *
address_reservation(const struct vmn_subnet *subnet, const struct vmn_ip *ip)
{
    size_t low = 0, high = subnet->n_reservations;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct vmn_reservation *r = &subnet->reservations[middle];
        int order = memcmp(ip, &r->ip, sizeof *ip);

        if (!order) {
            return r;
        } else if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

static bool
same_reservations(const struct vmn_subnet *a, const struct vmn_subnet *b)
{
    bool same = a->n_reservations == b->n_reservations;

    for (size_t i = 0; same && i < a->n_reservations; i++) {
        const struct vmn_reservation *r = &a->reservations[i];
        const struct vmn_reservation *s = &b->reservations[i];

        same = !memcmp(&r->ip, &s->ip, sizeof r->ip)
               && !strcmp(r->port, s->port);
    }
    return same;
}

static bool
same_subnets(const struct vmn_network *a, const struct vmn_network *b)
{
    bool same = a->n_subnets == b->n_subnets;

    for (size_t i = 0; same && i < a->n_subnets; i++) {
        same = !memcmp(&a->subnets[i].cidr, &b->subnets[i].cidr,
                       sizeof a->subnets[i].cidr)
               && same_reservations(&a->subnets[i], &b->subnets[i])
               && !memcmp(&a->subnets[i].gateway, &b->subnets[i].gateway,
                          sizeof a->subnets[i].gateway);
    }
    return same;
}

bool
network_keeps_subnets(const struct entry *entry)
{
    return (entry->before
            && same_subnets(entry_row(entry), (const struct vmn_network *)
                                              entry->before->row));
}

/* Checks that 'ip' is not reserved for another port. */
static bool
check_ip_is_kept(struct txn *txn, const struct entry *where,
                 const char *field, const struct vmn_port *port,
                 const struct vmn_ip *ip, const struct vmn_subnet *subnet)
{
    const struct vmn_reservation *r = address_reservation(subnet, ip);
    char buf[VALUE_IP_SIZE];

    if (r && strcmp(r->port, port->row.name)) {
        txn_error(txn, where, VMN_ERR_CONFLICT, field,
                  "%s of %s is reserved for %s", value_format_ip(ip, buf),
                  txn_name(txn, VMN_TABLE_PORT, port->row.name),
                  txn_name(txn, VMN_TABLE_PORT, r->port));
        return false;
    }
    return true;
}

/* Checks that 'ip' is an address of the network.  Errors are reported at
 * 'where'. */
bool
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
                      "%s of %s is the first %saddress of its subnet", buf,
                      txn_name(txn, VMN_TABLE_PORT, port->row.name),
                      ip->family == 4 ? "or last " : "");
            return false;
        }
        return check_ip_is_kept(txn, where, field, port, ip,
                                &network->subnets[i]);
    }
    txn_error(txn, where, VMN_ERR_INVALID, field,
              "%s of %s is in no subnet of network \"%s\"", buf,
              txn_name(txn, VMN_TABLE_PORT, port->row.name),
              network->row.name);
    return false;
}

void
check_subnets_in_use(struct txn *txn, const struct entry *entry)
{
    const struct vmn_network *network = entry_row(entry);
    const struct name_set *names
        = index_get(txn->model, VMN_INDEX_PORT_BY_NETWORK, entry->name);

    for (size_t i = 0; i < names->n; i++) {
        const struct entry *other = model_find(txn->model, VMN_TABLE_PORT,
                                               names->names[i]);
        const struct vmn_port *port = entry_row(other);

        for (size_t j = 0; !entry_is_changed(other) && j < port->n_ips; j++) {
            check_ip_fits(txn, entry, "/subnets", port, &port->ips[j],
                          network);
        }
    }
    names = index_get(txn->model, VMN_INDEX_LB_BY_NETWORK, entry->name);
    for (size_t i = 0; i < names->n; i++) {
        const struct entry *other = model_find(
            txn->model, VMN_TABLE_LOADBALANCER, names->names[i]);

        if (!entry_is_changed(other)) {
            check_vip_is_free(txn, entry, "/subnets", entry_row(other),
                              network);
            check_vip_fits(txn, entry, "/subnets", other, entry);
        }
    }
}
