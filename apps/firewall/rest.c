/* SPDX-License-Identifier: Apache-2.0
 *
 * What holds where no rule of a tier decides: quarantine after the emergency
 * tier, isolation in the application tier, and a network's default last. */

#include "firewall.h"

#include <string.h>

static const char *const direction_names[VMN_N_DIRECTIONS] = {
    [VMN_INGRESS] = "ingress",
    [VMN_EGRESS] = "egress",
};

static struct vmn_flow *
rest_add(struct vmn_emit *emit, const char *network,
         enum vmn_direction direction, enum vmn_tier tier, const char *reason)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_network(network),
                                         STAGE_POLICY,
                                         policy_table(direction, tier),
                                         POLICY_REST);

    vmn_act_drop(vmn_flow_actions(flow), reason);
    return flow;
}

/* Drops what the identities of a fact send (egress) or get (ingress). */
static void
drop_identities(struct vmn_emit *emit, struct vmn_names ids,
                const char *network, enum vmn_direction direction,
                enum vmn_tier tier, const char *reason)
{
    for (size_t i = 0; i < ids.n; i++) {
        uint32_t id;

        if (id_from_text(ids.names[i], &id)) {
            vmn_match(rest_add(emit, network, direction, tier, reason),
                      direction == VMN_EGRESS ? VMN_REG_SRC_ID
                      : VMN_REG_DST_ID, id);
        }
    }
}

/* A network that denies by default does so where packets arrive: there, every
 * packet inside of the network passes. */
void
compile_network(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_network *network = vmn_read_network(view, key);

    if (network && network->vni
        && network->default_action == VMN_DEFAULT_DENY) {
        vmn_match(rest_add(emit, key, VMN_INGRESS, VMN_TIER_BASELINE,
                           "default deny"),
                  VMN_REG_NETWORK, network->vni);
    }
}

/* Ports that an application policy selects in a direction are closed in that
 * direction, except for what it allows. */
void
compile_isolated(struct vmn_view *view, const char *key,
                 struct vmn_emit *emit)
{
    const char *network, *name;

    if (!key_split(view, key, &network, &name)) {
        return;
    }
    for (int i = 0; i < VMN_N_DIRECTIONS; i++) {
        if (!strcmp(name, direction_names[i])) {
            drop_identities(emit, vmn_facts(view, REL_ISOLATED, key),
                            network, i, VMN_TIER_APPLICATION, "isolated");
        }
    }
}

void
compile_quarantined(struct vmn_view *view, const char *key,
                    struct vmn_emit *emit)
{
    struct vmn_names ids = vmn_facts(view, REL_QUARANTINED, key);

    for (int i = 0; i < VMN_N_DIRECTIONS; i++) {
        drop_identities(emit, ids, key, i, VMN_TIER_EMERGENCY, "quarantined");
    }
}
