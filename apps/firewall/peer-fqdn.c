/* SPDX-License-Identifier: Apache-2.0
 *
 * The addresses of peers that are names in DNS.  Those that servers outside
 * know are rows (controller/fqdn writes them).  Those of zones are what app
 * dns has for guests, if it is loaded.
 *
 * The rules of a policy are the same for all of its ports in a domain, which
 * may be in several networks with zones of different owners.  So what zones
 * say is allowed if they say it in each of these networks: who has a zone in
 * one of them opens nothing in another. */

#include "firewall.h"

#include <string.h>

/* Query of app dns: "NETWORK|NAME" -> struct vmn_ip[]. */
#define QUERY_DNS_ADDRESSES "dns.addresses"

/* Zones in the networks of a policy's ports.  ---------------------------- */

/* Adds the networks in 'domain' that have ports with identity 'id'. */
static void
add_networks(struct vmn_view *view, struct names *names, const char *domain,
             uint32_t id)
{
    struct vmn_names networks = vmn_relation_values(
        view, REL_NETWORKS, vmn_printf(view, "%s|%u", domain, id));

    for (size_t i = 0; i < networks.n; i++) {
        names_add(view, names, networks.names[i]);
    }
}

static bool
is_same(const struct vmn_names *a, const struct vmn_names *b)
{
    if (a->n != b->n) {
        return false;
    }
    for (size_t i = 0; i < a->n; i++) {
        if (strcmp(a->names[i], b->names[i])) {
            return false;
        }
    }
    return true;
}

/* Leaves one network for each set of zones, since answers follow from these
 * alone; none if a network has no zones. */
static void
leave_different(struct vmn_view *view, struct names *networks)
{
    struct vmn_names *zones = vmn_alloc(view, networks->n * sizeof *zones);
    size_t n = 0;

    for (size_t i = 0; i < networks->n; i++) {
        struct vmn_names found = vmn_lookup(view, VMN_INDEX_ZONE_BY_NETWORK,
                                            networks->names[i]);
        size_t j;

        if (!found.n) {
            networks->n = 0;
            return;
        }
        for (j = 0; j < n && !is_same(&zones[j], &found); j++) {
        }
        if (j == n) {
            zones[n] = found;
            networks->names[n++] = networks->names[i];
        }
    }
    networks->n = n;
}

/* Evaluates of "POLICY|DOMAIN" the networks whose zones decide, as "A,B". */
void
eval_zoned(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    const char *policy, *domain, *text;
    struct names networks = { 0, 0, NULL };
    struct ids own;

    if (!vmn_key_split_two(view, key, &policy, &domain)
        || !policy_read_own(view, policy, domain, &own)) {
        return;
    }
    if (!vmn_domain_is_routed(domain)) {
        names_add(view, &networks, domain);
    }
    for (size_t i = 0; vmn_domain_is_routed(domain) && i < own.n; i++) {
        add_networks(view, &networks, domain, own.ids[i]);
    }
    if (networks.n) {
        names_sort(&networks);
        leave_different(view, &networks);
    }
    if (networks.n) {
        text = names_join(view, &networks);
        vmn_value_set(value, text, strlen(text) + 1);
    }
}

/* Addresses.  ------------------------------------------------------------- */

/* Leaves of the '*n' addresses in 'ips' those that are among 'others'. */
static void
leave_common(struct vmn_ip *ips, size_t *n, const struct vmn_ip *others,
             size_t n_others)
{
    size_t n_left = 0;

    for (size_t i = 0; i < *n; i++) {
        for (size_t j = 0; j < n_others; j++) {
            if (!memcmp(&ips[i], &others[j], sizeof ips[i])) {
                ips[n_left++] = ips[i];
                break;
            }
        }
    }
    *n = n_left;
}

/* Returns the '*n' addresses that the zones of all 'networks' ("A,B") have for
 * 'fqdn', in the view's memory with room for 'n_more'. */
static struct vmn_ip *
read_zoned(struct vmn_view *view, const char *networks, const char *fqdn,
           size_t *n, size_t n_more)
{
    char *copy = vmn_printf(view, "%s", networks);
    struct vmn_ip *ips = NULL;
    const char *network;

    *n = 0;
    while ((network = list_next(&copy)) && (!ips || *n)) {
        size_t size = 0;
        const struct vmn_ip *found = vmn_query(
            view, QUERY_DNS_ADDRESSES,
            vmn_printf(view, "%s|%s", network, fqdn), &size);
        size_t n_found = found ? size / sizeof *found : 0;

        if (ips) {
            leave_common(ips, n, found, n_found);
            continue;
        }
        ips = vmn_alloc(view, (n_found + n_more) * sizeof *ips);
        if (n_found) {
            memcpy(ips, found, n_found * sizeof *ips);
        }
        *n = n_found;
    }
    return ips ? ips : vmn_alloc(view, n_more * sizeof *ips);
}

/* Returns true if the address is in a network of the domain. */
static bool
is_inside(struct vmn_view *view, const struct vmn_names *networks,
          const struct vmn_ip *ip)
{
    for (size_t i = 0; i < networks->n; i++) {
        const struct vmn_network *network = vmn_read_network(
            view, networks->names[i]);

        for (size_t j = 0; network && j < network->n_subnets; j++) {
            if (vmn_prefix_contains(&vmn_subnet_at(network, j)->cidr, ip)) {
                return true;
            }
        }
    }
    return false;
}

/* Appends the addresses that servers outside know.  Those of a wildcard are of
 * whatever names guests ask for: who may name a server is not to open one
 * inside by that. */
static void
add_outside(struct vmn_view *view, const char *domain,
            const struct vmn_fqdn *row, struct vmn_ip *ips, size_t *n)
{
    struct vmn_names inside = { 0, NULL };

    if (row->row.name[0] == '*') {
        inside = vmn_relation_values(view, REL_PUBLIC, domain);
    }
    for (size_t i = 0; i < row->n_ips; i++) {
        if (!is_inside(view, &inside, &row->ips[i])) {
            ips[(*n)++] = row->ips[i];
        }
    }
}

/* Evaluates of "POLICY|DOMAIN|NAME" the addresses that the name has for the
 * policy there: struct vmn_ip[].  What else a row says changes nothing. */
void
eval_named(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    const char *policy, *rest, *domain, *fqdn, *networks;
    const struct vmn_fqdn *row;
    struct vmn_ip *ips;
    size_t n, size;

    if (!vmn_key_split_two(view, key, &policy, &rest)
        || !vmn_key_split_two(view, rest, &domain, &fqdn)) {
        return;
    }
    row = vmn_read_fqdn(view, fqdn);
    /* No zone knows the names of a wildcard, which is of names outside. */
    networks = (fqdn[0] == '*' ? NULL
                : vmn_query(view, QUERY_ZONED,
                            vmn_printf(view, "%s|%s", policy, domain),
                            &size));
    ips = read_zoned(view, networks ? networks : "", fqdn, &n,
                     row ? row->n_ips : 0);
    if (row) {
        add_outside(view, domain, row, ips, &n);
    }
    if (n) {
        vmn_value_set(value, ips, n * sizeof *ips);
    }
}

void
prefixes_add_fqdn(const struct policy_ctx *ctx, struct prefixes *prefixes,
                  const char *fqdn)
{
    size_t size = 0;
    const struct vmn_ip *ips = vmn_query(
        ctx->view, QUERY_NAMED,
        vmn_printf(ctx->view, "%s|%s|%s", ctx->policy, ctx->domain, fqdn),
        &size);
    size_t n = ips ? size / sizeof *ips : 0;

    for (size_t i = 0; i < n; i++) {
        const struct vmn_prefix prefix = {
            .ip = ips[i], .len = ips[i].family == 4 ? 32 : 128,
        };

        prefixes_add(ctx->view, prefixes, &prefix, 1, NULL, 0);
    }
}
