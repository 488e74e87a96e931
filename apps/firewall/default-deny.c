/* SPDX-License-Identifier: Apache-2.0
 *
 * What holds where no rule of a tier decides: isolation in the application
 * tier, and a network's default last.
 *
 * A network that denies by default does so where packets arrive: there, every
 * packet to one of its ports passes.  Where no router joins the network to
 * others, all of its packets are its ports', so it takes one flow.  In a
 * domain of several, a reply is judged as its request is, on its way to
 * another network: so there identities tell whose default it is. */

#include "firewall.h"

#include <string.h>

const char *const direction_names[VMN_N_DIRECTIONS] = {
    [VMN_INGRESS] = "ingress",
    [VMN_EGRESS] = "egress",
};

static struct vmn_flow *
no_rule_add(struct vmn_emit *emit, const char *domain, unsigned table,
            const char *reason)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_domain(domain),
                                         STAGE_POLICY, table, POLICY_NO_RULE);

    vmn_act_drop(vmn_flow_actions(flow), reason);
    return flow;
}

void
drop_identities(struct vmn_emit *emit, struct vmn_names ids,
                const char *domain, enum vmn_direction direction,
                unsigned table, const char *reason)
{
    for (size_t i = 0; i < ids.n; i++) {
        uint32_t id;

        if (id_from_text(ids.names[i], &id)) {
            vmn_match(no_rule_add(emit, domain, table, reason),
                      direction == VMN_EGRESS ? VMN_REG_SRC_ID
                      : VMN_REG_DST_ID, id);
        }
    }
}

/* Returns true for what no name with a wildcard opens anyway (RFC 1918, RFC
 * 4193, RFC 6598). */
static bool
is_private(const struct vmn_ip *ip)
{
    const uint8_t *a = ip->addr;

    return (ip->family == 4
            ? (a[0] == 10 || (a[0] == 172 && (a[1] & 0xf0) == 16)
               || (a[0] == 192 && a[1] == 168)
               || (a[0] == 100 && (a[1] & 0xc0) == 64))
            : (a[0] & 0xfe) == 0xfc);
}

/* Publishes that the network has public addresses. */
static void
publish_public(struct vmn_view *view, struct vmn_emit *emit,
               const struct vmn_network *network)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        if (!is_private(&vmn_subnet_at(network, i)->cidr.ip)) {
            vmn_publish(emit, REL_PUBLIC,
                        vmn_domain_of(view, network->row.name),
                        network->row.name);
            return;
        }
    }
}

void
compile_network(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_network *network = vmn_read_network(view, key);

    if (network) {
        publish_public(view, emit, network);
    }
    if (network && network->vni
        && network->default_action == VMN_DEFAULT_DENY
        && !vmn_domain_is_routed(vmn_domain_of(view, key))) {
        vmn_match(no_rule_add(emit, key, POLICY_DEFAULT, "default deny"),
                  VMN_REG_NETWORK, network->vni);
    }
}

void
compile_denied(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    drop_identities(emit, vmn_relation_values(view, REL_DENIED, key), key,
                    VMN_INGRESS, POLICY_DEFAULT, "default deny");
}

/* Compiles the default deny of ports that an application policy selects in a
 * direction: what none of its rules allows is dropped. */
void
compile_isolated(struct vmn_view *view, const char *key,
                 struct vmn_emit *emit)
{
    const char *domain, *name;

    if (!vmn_key_split_two(view, key, &domain, &name)) {
        return;
    }
    for (int i = 0; i < VMN_N_DIRECTIONS; i++) {
        if (!strcmp(name, direction_names[i])) {
            drop_identities(emit, vmn_relation_values(view, REL_ISOLATED, key),
                            domain, i,
                            policy_table(i, VMN_TIER_APPLICATION),
                            "isolated");
        }
    }
}
