/* SPDX-License-Identifier: Apache-2.0
 *
 * What holds between objects; see state-check.h. */

#include <config.h>

#include "tests/property/state-check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "controller/model/model.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "sset.h"
#include "util.h"

static void
check_ref(void *model, enum vmn_table table, const char *name,
          const struct schema_field *f OVS_UNUSED,
          const char *pointer OVS_UNUSED)
{
    assert_non_null(model_get(model, table, name));
}

/* Fails if 'what' was seen before. */
static void OVS_PRINTF_FORMAT(2, 3)
check_once(struct sset *seen, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *what = xvasprintf(format, args);
    va_end(args);
    if (!sset_add(seen, what)) {
        fail_msg("%s twice", what);
    }
    free(what);
}

static void
check_port(struct model *model, const struct vmn_port *port,
           struct sset *seen)
{
    const struct vmn_network *network = model_get(model, VMN_TABLE_NETWORK,
                                                  port->network);
    char buf[VALUE_IP_SIZE];

    assert_false(value_mac_is_none(port->mac));
    check_once(seen, "mac %s %s", port->network,
               value_format_mac(port->mac, buf));
    check_once(seen, "iface %s", port->iface_id);
    for (size_t i = 0; i < port->n_ips; i++) {
        bool inside = false;

        check_once(seen, "ip %s %s", port->network,
                   value_format_ip(&port->ips[i], buf));
        for (size_t j = 0; j < network->n_subnets; j++) {
            const struct vmn_subnet *subnet = &network->subnets[j];

            inside |= value_prefix_contains(&subnet->cidr, &port->ips[i])
                      && !value_prefix_is_reserved(&subnet->cidr,
                                                   &port->ips[i]);
        }
        assert_true(inside);
    }
    if (port->n_want_ips) {
        assert_int_equal(port->n_ips, port->n_want_ips);
        assert_memory_equal(port->ips, port->want_ips,
                            port->n_ips * sizeof *port->ips);
    }
}

static void
check_lb(struct model *model, const struct vmn_loadbalancer *lb,
         struct sset *seen)
{
    char buf[VALUE_IP_SIZE];

    assert_true(lb->vip.family == 6 || lb->vip.addr[0] != 127);
    value_format_ip(&lb->vip, buf);
    for (size_t i = 0; i < lb->n_networks; i++) {
        const struct vmn_network *network = model_get(
            model, VMN_TABLE_NETWORK, lb->networks[i]);
        struct ds ip = DS_EMPTY_INITIALIZER;

        for (size_t j = 0; j < network->n_subnets; j++) {
            assert_false(value_prefix_is_reserved(&network->subnets[j].cidr,
                                                  &lb->vip));
        }
        ds_put_format(&ip, "ip %s %s", lb->networks[i], buf);
        assert_false(sset_contains(seen, ds_cstr(&ip)));
        for (size_t j = 0; j < lb->n_ports; j++) {
            check_once(seen, "vip %s %s %u", lb->networks[i], buf,
                       lb->ports[j].port);
        }
        ds_destroy(&ip);
    }
    for (size_t i = 0; i < lb->n_backends; i++) {
        const struct vmn_port *port = model_get(model, VMN_TABLE_PORT,
                                                lb->backends[i].port);
        bool offered = false;

        for (size_t j = 0; j < lb->n_networks; j++) {
            offered |= !strcmp(lb->networks[j], port->network);
        }
        assert_true(offered);
    }
}

/* Fails if more than 'depth' groups are inside of each other. */
static void
check_depth(const struct model *model, const char *name, unsigned depth)
{
    const struct vmn_group *group = model_get(model, VMN_TABLE_GROUP, name);

    assert_true(depth > 0);
    for (size_t i = 0; i < group->n_groups; i++) {
        check_depth(model, group->groups[i], depth - 1);
    }
}

static void
check_router(struct model *model, const struct vmn_router *router,
             struct sset *seen)
{
    char buf[VALUE_IP_SIZE];

    assert_false(value_mac_is_none(router->mac));
    for (size_t i = 0; i < router->n_interfaces; i++) {
        const struct vmn_router_interface *interface = &router->interfaces[i];
        struct vmn_ip ips[VMN_ADDRESSES_MAX];
        size_t n = vmn_interface_addresses(
            interface, model_get(model, VMN_TABLE_NETWORK,
                                 interface->network), ips);

        assert_true(n > 0);
        check_once(seen, "mac %s %s", interface->network,
                   value_format_mac(router->mac, buf));
        for (size_t j = 0; j < n; j++) {
            check_once(seen, "ip %s %s", interface->network,
                       value_format_ip(&ips[j], buf));
        }
    }
}

/* The number of the domain of 'network', by its place among all. */
static size_t
find_network(struct vmn_names networks, const char *network)
{
    for (size_t i = 0; i < networks.n; i++) {
        if (!strcmp(networks.names[i], network)) {
            return i;
        }
    }
    fail();
    return 0;
}

static void
join(size_t domains[], size_t n, size_t a, size_t b)
{
    for (size_t i = 0; i < n; i++) {
        if (domains[i] == b) {
            domains[i] = a;
        }
    }
}

/* No two networks that routers join have addresses in common. */
static void
check_domains(struct model *model)
{
    struct vmn_names networks = model_names(model, VMN_TABLE_NETWORK);
    struct vmn_names routers = model_names(model, VMN_TABLE_ROUTER);
    size_t domains[16];

    assert_true(networks.n <= ARRAY_SIZE(domains));
    for (size_t i = 0; i < networks.n; i++) {
        domains[i] = i;
    }
    for (size_t i = 0; i < routers.n; i++) {
        const struct vmn_router *router = model_get(model, VMN_TABLE_ROUTER,
                                                    routers.names[i]);

        for (size_t j = 1; j < router->n_interfaces; j++) {
            join(domains, networks.n,
                 domains[find_network(networks,
                                      router->interfaces[0].network)],
                 domains[find_network(networks,
                                      router->interfaces[j].network)]);
        }
    }
    for (size_t i = 0; i < networks.n; i++) {
        const struct vmn_network *a = model_get(model, VMN_TABLE_NETWORK,
                                                networks.names[i]);

        for (size_t j = 0; j < i; j++) {
            const struct vmn_network *b = model_get(
                model, VMN_TABLE_NETWORK, networks.names[j]);

            for (size_t k = 0; domains[i] == domains[j] && k < a->n_subnets;
                 k++) {
                for (size_t l = 0; l < b->n_subnets; l++) {
                    assert_false(value_prefix_overlaps(&a->subnets[k].cidr,
                                                       &b->subnets[l].cidr));
                }
            }
        }
    }
}

/* A network has one zone of a domain. */
static void
check_zone(const struct vmn_dns_zone *zone, struct sset *seen)
{
    for (size_t i = 0; i < zone->n_networks; i++) {
        check_once(seen, "zone %s %s", zone->networks[i], zone->domain);
    }
}

/* Counts the host in 'n_single' if it has tunnel addresses of one family. */
static void
check_tunnels(const struct vmn_host *host, struct sset *seen,
              unsigned n_single[2])
{
    char buf[VALUE_IP_SIZE];

    check_once(seen, "tunnel %s",
               value_format_ip(&host->tunnel_ip, buf));
    if (host->second_tunnel_ip.family) {
        assert_int_not_equal(host->second_tunnel_ip.family,
                             host->tunnel_ip.family);
        check_once(seen, "tunnel %s",
                   value_format_ip(&host->second_tunnel_ip, buf));
    } else {
        n_single[host->tunnel_ip.family == 6]++;
    }
}

void
check_invariants(struct model *model)
{
    struct sset seen = SSET_INITIALIZER(&seen);
    unsigned n_single[2] = { 0, 0 };    /* Hosts of IPv4 or of IPv6 only. */

    for (int i = 0; i < VMN_N_TABLES; i++) {
        struct vmn_names names = model_names(model, i);

        for (size_t j = 0; j < names.n; j++) {
            const struct vmn_row *row = model_get(model, i, names.names[j]);

            assert_string_equal(row->name, names.names[j]);
            assert_true(!j || strcmp(names.names[j - 1], row->name) < 0);
            schema_row_refs(row, check_ref, model);
            if (i == VMN_TABLE_HOST) {
                check_tunnels((const struct vmn_host *) row, &seen,
                              n_single);
            } else if (i == VMN_TABLE_NETWORK) {
                const struct vmn_network *n
                    = (const struct vmn_network *) row;

                assert_true(n->vni > 0);
                assert_true(!n->want_vni || n->vni == n->want_vni);
                check_once(&seen, "vni %u", n->vni);
            } else if (i == VMN_TABLE_PORT) {
                check_port(model, (const struct vmn_port *) row, &seen);
            } else if (i == VMN_TABLE_GROUP) {
                check_depth(model, row->name, 8);
            } else if (i == VMN_TABLE_TIER) {
                check_once(&seen, "position %u",
                           ((const struct vmn_tier *) row)->position);
            } else if (i == VMN_TABLE_POLICY) {
                const struct vmn_policy *p = (const struct vmn_policy *) row;

                if (strcmp(p->tier, "application")) {
                    check_once(&seen, "priority %s %u", p->tier,
                               p->priority);
                }
            } else if (i == VMN_TABLE_LOADBALANCER) {
                check_lb(model, (const struct vmn_loadbalancer *) row,
                         &seen);
            } else if (i == VMN_TABLE_ROUTER) {
                check_router(model, (const struct vmn_router *) row, &seen);
            } else if (i == VMN_TABLE_DNS_ZONE) {
                check_zone((const struct vmn_dns_zone *) row, &seen);
            }
        }
    }
    assert_true(!n_single[0] || !n_single[1]);
    check_domains(model);
    sset_destroy(&seen);
}

/* What a policy must not lose, and not gain. */
struct guard {
    bool stays;                 /* A group that it applies to, and its tier. */
    bool isolates[VMN_N_DIRECTIONS];
    size_t n_open;              /* Rules for everyone or everything. */
};

static void
read_guard(const struct model *model, const struct vmn_policy *policy,
           struct guard *guard)
{
    memset(guard, 0, sizeof *guard);
    memcpy(guard->isolates, policy->isolates, sizeof guard->isolates);
    for (size_t i = 0; i < policy->n_rules; i++) {
        guard->n_open += !policy->rules[i].n_peers;
        guard->n_open += !policy->rules[i].n_services;
    }
    for (size_t i = 0; i < policy->n_applies_to; i++) {
        guard->stays |= model_get(model, VMN_TABLE_GROUP,
                                  policy->applies_to[i]) != NULL;
    }
    guard->stays &= model_get(model, VMN_TABLE_TIER, policy->tier) != NULL;
}

void
check_cascade(const struct model *model)
{
    const struct vmn_policy *was;
    const char *name = "";

    while ((was = model_next_durable(model, VMN_TABLE_POLICY, name, NULL))) {
        const struct vmn_policy *now = model_get(model, VMN_TABLE_POLICY,
                                                 was->row.name);
        struct guard before, after;

        name = was->row.name;
        read_guard(model, was, &before);
        if (before.stays != (now != NULL)) {
            fail_msg("policy %s %s", name, now ? "stayed" : "went");
        }
        if (now) {
            read_guard(model, now, &after);
            assert_memory_equal(after.isolates, before.isolates,
                                sizeof after.isolates);
            assert_true(after.n_open <= before.n_open);
        }
    }
}
