/* SPDX-License-Identifier: Apache-2.0
 *
 * What the flows stand for to people: a balancer, or the port that serves. */

#include "loadbalancer.h"

#include <string.h>

/* Returns the only balancer at the address, or NULL. */
static const char *
only_balancer(struct vmn_view *view, const char *address)
{
    struct vmn_names facts = vmn_relation_values(view, REL_ADDRESS, address);
    const char *only = NULL;

    for (size_t i = 0; i < facts.n; i++) {
        const char *parts[4];    /* NETWORK|PROTOCOL|SERVICES|BALANCER. */

        if (vmn_key_split(view, facts.names[i], parts, 4) < 4
            || (only && strcmp(only, parts[3]))) {
            return NULL;
        }
        only = parts[3];
    }
    return only;
}

bool
flow_owner(struct vmn_view *view, const char *unit, const char *key,
           uint32_t part, struct vmn_flow_owner *owner)
{
    const char *parts[2];        /* PORT|... */

    owner->rule = -1;
    if (!strcmp(unit, "base") || !strcmp(unit, "vip")) {
        return false;
    } else if (!strcmp(unit, "address")) {
        owner->row_type = VMN_ROW_LOADBALANCER;
        owner->name = only_balancer(view, key);
        return owner->name != NULL;
    }
    if (!strcmp(unit, "client-limit")) {
        struct vmn_names facts = vmn_relation_values(view, REL_LIMIT, key);

        owner->row_type = VMN_ROW_LOADBALANCER;
        owner->name = facts.n == 1 ? facts.names[0] : NULL;
        return facts.n == 1;
    }
    if (vmn_key_split(view, key, parts, 2) < 2) {
        return false;
    }
    owner->row_type = VMN_ROW_PORT;
    owner->name = parts[0];
    return true;
}
