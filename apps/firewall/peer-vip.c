/* SPDX-License-Identifier: Apache-2.0
 *
 * Peers of egress rules that are virtual IPs.  A policy meets a balanced
 * packet with its backend's address, so a name, a prefix or a group that
 * covers a virtual IP of the domain means the balancer's backends, too: except
 * those that the rule itself excepts. */

#include "firewall.h"

#include <string.h>

/* Relations of app loadbalancer: DOMAIN -> virtual IPs, and
 * DOMAIN|VIP -> addresses of backends. */
#define REL_VIPS "loadbalancer.vips"
#define REL_SERVED "loadbalancer.served"

static bool
contain(const struct vmn_prefix *prefixes, size_t n, const struct vmn_ip *ip)
{
    for (size_t i = 0; i < n; i++) {
        if (vmn_prefix_contains(&prefixes[i], ip)) {
            return true;
        }
    }
    return false;
}

/* Returns true if one of the rule's peers excepts the address. */
static bool
is_excepted(struct vmn_view *view, const struct rule *rule,
            const struct vmn_ip *ip)
{
    const char *name = rule->groups;

    for (size_t i = 0; i < rule->head->n_groups; i++) {
        const struct vmn_group *group = vmn_read_group(view, name);

        if (group && contain(group->except, group->n_except, ip)) {
            return true;
        }
        name += strlen(name) + 1;
    }
    return contain(rule->excepts, rule->head->n_excepts, ip);
}

/* Returns true if a prefix contains the address.  They are as
 * vmn_prefixes_merge() leaves them: sorted, and none contains another. */
static bool
cover(const struct prefixes *prefixes, size_t n, const struct vmn_ip *ip)
{
    size_t first = 0;

    while (n > first) {
        size_t at = first + (n - first) / 2;

        if (memcmp(&prefixes->prefixes[at].ip, ip, sizeof *ip) <= 0) {
            first = at + 1;
        } else {
            n = at;
        }
    }
    return first && vmn_prefix_contains(&prefixes->prefixes[first - 1], ip);
}

static void
add_served(const struct policy_ctx *ctx, const struct rule *rule,
           const char *vip, struct prefixes *prefixes)
{
    struct vmn_names ips = vmn_relation_values(
        ctx->view, REL_SERVED,
        vmn_printf(ctx->view, "%s|%s", ctx->domain, vip));

    for (size_t i = 0; i < ips.n; i++) {
        struct vmn_prefix prefix = { .len = 0 };

        if (vmn_ip_from_text(ips.names[i], &prefix.ip)
            && !is_excepted(ctx->view, rule, &prefix.ip)) {
            prefix.len = prefix.ip.family == 4 ? 32 : 128;
            prefixes_add(ctx->view, prefixes, &prefix, 1, NULL, 0);
        }
    }
}

void
prefixes_add_served(const struct policy_ctx *ctx, const struct rule *rule,
                    struct prefixes *prefixes)
{
    size_t n = prefixes->n;     /* Those of the rule come first. */
    struct vmn_names vips;

    if (!n || rule->head->direction != VMN_EGRESS) {
        return;
    }
    vips = vmn_relation_values(ctx->view, REL_VIPS, ctx->domain);
    for (size_t i = 0; i < vips.n; i++) {
        struct vmn_ip vip;

        if (vmn_ip_from_text(vips.names[i], &vip)
            && cover(prefixes, n, &vip)) {
            add_served(ctx, rule, vips.names[i], prefixes);
        }
    }
    if (prefixes->n > n) {
        prefixes->n = vmn_prefixes_merge(prefixes->prefixes, prefixes->n);
    }
}
