/* SPDX-License-Identifier: Apache-2.0
 *
 * Where rules have names with wildcards, vmnd has to know which names guests
 * ask for: so copies of their questions of DNS come up, those of ports that
 * such rules are about, and by whomever they are answered.  The questions
 * themselves go their way, and rules decide about them as ever.  Not for what
 * follows (controller/fqdn), nor for rules about names (peer-fqdn.c). */

#include "firewall.h"

#include <string.h>

#include "vmn/dns.h"

/* Evaluates whether a policy has a wildcard. */
void
eval_wild(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    const struct vmn_policy *policy = vmn_read_policy(view, key);

    for (size_t i = 0; policy && i < policy->n_rules; i++) {
        const struct vmn_rule *rule = vmn_policy_rule_at(policy, i);

        for (size_t j = 0; j < rule->n_peers; j++) {
            const char *fqdn = vmn_peer_at(rule, j)->fqdn;

            if (fqdn && fqdn[0] == '*') {
                vmn_value_set(value, "", 1);
                return;
            }
        }
    }
}

/* A fragment holds no whole question. */
static void
emit_asked(struct vmn_emit *emit, const char *domain, uint32_t zone,
           uint32_t id)
{
    static const uint16_t ip_types[] = { VMN_ETH_IPV4, VMN_ETH_IPV6 };

    for (size_t i = 0; i < sizeof ip_types / sizeof ip_types[0]; i++) {
        struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_domain(domain),
                                             STAGE_TRACK, TRACK_SEND,
                                             SEND_QUESTION);

        vmn_match(flow, VMN_REG_ZONE, zone);
        vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
        vmn_match(flow, VMN_REG_SRC_ID, id);
        vmn_match(flow, VMN_F_ETH_TYPE, ip_types[i]);
        vmn_match(flow, VMN_F_UDP_DST, VMN_DNS_PORT);
        vmn_match_masked(flow, VMN_F_IP_FRAG, 0, VMN_FRAG_ANY);
        vmn_act_punt(vmn_flow_actions(flow), HANDLER_NAMES, 0, VMN_PUNT_ALL);
        act_track(vmn_flow_actions(flow));
    }
}

static bool
has_name(const struct vmn_names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++) {
        if (!strcmp(names->names[i], name)) {
            return true;
        }
    }
    return false;
}

/* Compiles a domain.  Who is quarantined says nothing to anybody. */
void
compile_asked(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_names ids = vmn_relation_values(view, REL_ASKED, key);
    struct vmn_names without = vmn_relation_values(view, REL_QUARANTINED, key);
    uint32_t zone = vmn_domain_zone(view, key);

    for (size_t i = 0; zone && i < ids.n; i++) {
        uint32_t id;

        if (id_from_text(ids.names[i], &id)
            && !has_name(&without, ids.names[i])) {
            emit_asked(emit, key, zone, id);
        }
    }
}

/* The controller itself is told. */
void
handle_names(struct vmn_view *view, const struct vmn_packet_in *in,
             struct vmn_packets_out *out)
{
    vmn_send_nothing(out, "question of DNS");
}
