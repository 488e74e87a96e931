/* SPDX-License-Identifier: Apache-2.0
 *
 * Hosts: unique tunnel addresses, of a family that all hosts have, and unique
 * databases. */

#include <config.h>

#include <string.h>

#include "controller/model/model-class.h"
#include "controller/model/row-index.h"
#include "controller/model/txn.h"
#include "controller/schema/value.h"
#include "util.h"

static bool
is_dialled(const struct vmn_host *host)
{
    return strcmp(host->ovsdb, "inbound");
}

static void
add_keys(const struct index_sink *sink, const struct vmn_row *row)
{
    const struct vmn_host *host = (const struct vmn_host *) row;
    char buf[VALUE_IP_SIZE];

    index_add(sink, VMN_INDEX_ALL_HOSTS, "");
    if (is_dialled(host)) {
        index_add(sink, INDEX_OVSDB, host->ovsdb);
    }
    index_add(sink, INDEX_TUNNEL_IP, value_format_ip(&host->tunnel_ip, buf));
    if (host->second_tunnel_ip.family) {
        index_add(sink, INDEX_TUNNEL_IP,
                  value_format_ip(&host->second_tunnel_ip, buf));
    } else {
        index_add(sink, INDEX_TUNNEL_FAMILY,
                  host->tunnel_ip.family == 6 ? "6" : "4");
    }
}

static void
check_tunnel_ip(struct txn *txn, const struct entry *entry,
                const char *field, const struct vmn_ip *ip)
{
    char buf[VALUE_IP_SIZE];
    const char *other;

    value_format_ip(ip, buf);
    if (ip->family == 6 && ip->addr[0] == 0xfe
        && (ip->addr[1] & 0xc0) == 0x80) {
        txn_error(txn, entry, VMN_ERR_INVALID, field,
                  "must not be link-local: %s", buf);
    }
    other = index_find_other(txn->model, INDEX_TUNNEL_IP, buf, entry->name);
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, field,
                  "%s is that of host \"%s\"", buf, other);
    }
}

/* Two hosts with one database would configure it in turns, each as its own.
 * That it is one by two addresses shows by its bridge's datapath id alone. */
static void
check_ovsdb(struct txn *txn, const struct entry *entry,
            const struct vmn_host *host)
{
    const char *other = (is_dialled(host)
                         ? index_find_other(txn->model, INDEX_OVSDB,
                                            host->ovsdb, entry->name) : NULL);

    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/ovsdb",
                  "%s is that of host \"%s\"", host->ovsdb, other);
    }
}

/* Checks that the host has a tunnel address family in common with every other:
 * any two hosts may come to have ports in one network. */
static void
check_tunnel_family(struct txn *txn, const struct entry *entry,
                    const struct vmn_host *host)
{
    bool v6 = host->tunnel_ip.family == 6;
    const char *other = index_find_other(txn->model, INDEX_TUNNEL_FAMILY,
                                         v6 ? "4" : "6",
                                   entry->name);

    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/tunnel_ip",
                  "is IPv%d, and host \"%s\" has no address but one of "
                  "IPv%d: one of them needs a second_tunnel_ip",
                  v6 ? 6 : 4, other, v6 ? 4 : 6);
    }
}

static void
check_host(struct txn *txn, const struct entry *entry)
{
    const struct vmn_host *host = entry_row(entry);

    check_ovsdb(txn, entry, host);
    check_tunnel_ip(txn, entry, "/tunnel_ip", &host->tunnel_ip);
    if (!host->second_tunnel_ip.family) {
        check_tunnel_family(txn, entry, host);
        return;
    }
    check_tunnel_ip(txn, entry, "/second_tunnel_ip",
                    &host->second_tunnel_ip);
    if (host->second_tunnel_ip.family == host->tunnel_ip.family) {
        txn_error(txn, entry, VMN_ERR_INVALID, "/second_tunnel_ip",
                  "must be IPv%d: tunnel_ip is IPv%d",
                  host->tunnel_ip.family == 6 ? 4 : 6,
                  host->tunnel_ip.family);
    }
}

const struct model_class model_host = {
    .add_keys = add_keys,
    .check = check_host,
};
