/* SPDX-License-Identifier: Apache-2.0
 *
 * DNS zones: names must be unambiguous. */

#include <config.h>

#include <string.h>

#include "controller/model/model-class.h"
#include "controller/model/row-index.h"
#include "controller/model/txn.h"

static void
add_keys(const struct index_sink *sink, const struct vmn_row *row)
{
    const struct vmn_dns_zone *zone = (const struct vmn_dns_zone *) row;

    for (size_t i = 0; i < zone->n_networks; i++) {
        index_add(sink, VMN_INDEX_ZONE_BY_NETWORK, zone->networks[i]);
    }
}

static void
count(const struct vmn_row *row, struct model_usage *used)
{
    used->members = ((const struct vmn_dns_zone *) row)->n_records;
}

/* Checks that no two zones of a network have the same domain, so that an
 * answer is unique. */
static void
check_zone(struct txn *txn, const struct entry *entry)
{
    const struct vmn_dns_zone *zone = entry_row(entry);

    for (size_t i = 0; i < zone->n_networks; i++) {
        const struct name_set *names = index_get(
            txn->model, VMN_INDEX_ZONE_BY_NETWORK, zone->networks[i]);

        for (size_t j = 0; j < names->n; j++) {
            const struct vmn_dns_zone *other = model_get(
                txn->model, VMN_TABLE_DNS_ZONE, names->names[j]);

            if (strcmp(names->names[j], entry->name)
                && !strcmp(other->domain, zone->domain)) {
                txn_error(txn, entry, VMN_ERR_CONFLICT, "/networks",
                          "%s has domain %s in network \"%s\", too",
                          txn_name(txn, VMN_TABLE_DNS_ZONE,
                                   names->names[j]), zone->domain,
                          zone->networks[i]);
            }
        }
    }
}

const struct model_class model_dns_zone = {
    .add_keys = add_keys,
    .check = check_zone,
    .count = count,
    .limit = "dns_zones",
    .limit_offset = offsetof(struct vmn_quota, dns_zones),
};
