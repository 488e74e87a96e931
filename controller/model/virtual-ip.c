/* SPDX-License-Identifier: Apache-2.0
 *
 * Virtual IPs that no client could send anything to.  Not for those that
 * somebody else has (row-checks.c).
 *
 * One that was there before the request, and as bad, is left alone: earlier
 * releases took it, and who deletes a port need not mend its balancer first.
 * Loading passes by here. */

#include <config.h>

#include <string.h>

#include "controller/model/model-private.h"
#include "controller/schema/value.h"

/* The row of 'entry' before the request, or NULL. */
static const void *
row_before(const struct entry *entry)
{
    const struct version *version = entry_is_changed(entry) ? entry->before
                                    : entry->cur;

    return version ? version->row : NULL;
}

static bool
is_same_vip(const struct vmn_loadbalancer *a, const struct vmn_loadbalancer *b)
{
    return a && b && !memcmp(&a->vip, &b->vip, sizeof a->vip);
}

/* No guest sends anything to 127.0.0.0/8 (RFC 1122, section 3.2.1.3). */
void
check_vip_loopback(struct txn *txn, const struct entry *entry)
{
    const struct vmn_loadbalancer *lb = entry_row(entry);
    char buf[VALUE_IP_SIZE];

    if (lb->vip.family == 4 && lb->vip.addr[0] == 127
        && !is_same_vip(lb, row_before(entry))) {
        txn_error(txn, entry, VMN_ERR_INVALID, "/vip",
                  "must not be a loopback address: %s",
                  value_format_ip(&lb->vip, buf));
    }
}

static bool
is_reserved(const struct vmn_loadbalancer *lb,
            const struct vmn_network *network)
{
    const struct vmn_subnet *subnet = address_subnet(network, &lb->vip);

    return (vmn_lb_is_offered_in(lb, network->row.name) && subnet
            && value_prefix_is_reserved(&subnet->cidr, &lb->vip));
}

void
check_vip_fits(struct txn *txn, const struct entry *where, const char *field,
               const struct entry *balancer, const struct entry *network)
{
    const struct vmn_loadbalancer *lb = entry_row(balancer);
    const struct vmn_loadbalancer *lb_before = row_before(balancer);
    const struct vmn_network *now = entry_row(network);
    const struct vmn_network *before = row_before(network);
    char buf[VALUE_IP_SIZE];

    if (!is_reserved(lb, now)
        || (before && is_same_vip(lb, lb_before)
            && is_reserved(lb_before, before))) {
        return;
    }
    txn_error(txn, where, VMN_ERR_INVALID, field,
              "%s of %s is the first %saddress of its subnet in network "
              "\"%s\"", value_format_ip(&lb->vip, buf),
              txn_name(txn, VMN_TABLE_LOADBALANCER, lb->row.name),
              lb->vip.family == 4 ? "or last " : "",
              now->row.name);
}
