/* SPDX-License-Identifier: Apache-2.0
 *
 * Quarantines: ports that are cut off, but for some rules. */

#include <config.h>

#include "controller/model/checks.h"
#include "controller/model/model-class.h"
#include "controller/model/row-index.h"
#include "controller/model/txn.h"
#include "util.h"

static void
add_keys(const struct index_sink *sink, const struct vmn_row *row)
{
    const struct vmn_quarantine *quarantine
        = (const struct vmn_quarantine *) row;

    for (size_t i = 0; i < quarantine->n_ports; i++) {
        index_add(sink, VMN_INDEX_QUARANTINE_BY_PORT, quarantine->ports[i]);
    }
    if (quarantine->selector.text) {
        index_add(sink, VMN_INDEX_QUARANTINE_SELECTS, "");
        index_add_anchor(sink, VMN_INDEX_QUARANTINE_BY_ANCHOR,
                         &quarantine->selector);
    }
}

static void
count(const struct vmn_row *row, struct model_usage *used)
{
    const struct vmn_quarantine *quarantine
        = (const struct vmn_quarantine *) row;

    used->members = quarantine->n_ports;
    used->rules = rules_cost(quarantine->allow, quarantine->n_allow);
}

/* Returns the tier whose permission the row needs.  What a quarantine allows
 * precedes all tiers but emergency, and applies to ports of other quarantines:
 * it equals a rule of the emergency tier. */
static const char *
tier(const struct vmn_row *row)
{
    return (((const struct vmn_quarantine *) row)->n_allow ? "emergency"
            : NULL);
}

static void
refuse_tier(struct txn *txn, const struct entry *entry,
            const struct vmn_row *row OVS_UNUSED)
{
    txn_error(txn, entry, VMN_ERR_FORBIDDEN, "/allow",
              "is only for accounts that may use tier \"emergency\"");
}

static void
check_quarantine_effect(struct txn *txn, const struct entry *entry)
{
    const struct vmn_quarantine *quarantine = entry_row(entry);

    if (!quarantine->selector.text && !quarantine->n_ports) {
        txn_error(txn, entry, VMN_ERR_INVALID, "/selector",
                  "is required where there are no \"ports\": a quarantine "
                  "without both cuts off nothing");
    }
    check_rules_match(txn, entry, "allow", quarantine->allow,
                      quarantine->n_allow);
}

const struct model_class model_quarantine = {
    .add_keys = add_keys,
    .check_effect = check_quarantine_effect,
    .tier = tier,
    .refuse_tier = refuse_tier,
    .count = count,
    .limit = "quarantines",
    .limit_offset = offsetof(struct vmn_quota, quarantines),
};
