/* SPDX-License-Identifier: Apache-2.0
 *
 * Property test of the engine with all apps: after any sequence of edits,
 *
 *  - what it wants equals a compile of the same state from nothing;
 *  - a host that applies every difference, as engine.h says a host must, holds
 *    just what it is to hold;
 *  - an undone revision leaves no trace;
 *  - a plan leaves no trace either, and tells what then happens.
 *
 * Usage: test-oracle [SEED [STEPS]].  The seed is printed. */

#include <config.h>

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/apphost/apphost.h"
#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "controller/model/id-pools.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/hmap.h"
#include "openvswitch/shash.h"
#include "openvswitch/vlog.h"
#include "tests/property/plan-check.h"
#include "tests/property/setup.h"
#include "util.h"

#define N_HOSTS 5
#define N_NETWORKS 4
#define N_ROUTED 3              /* The first ones; the others have addresses of
                                 * the first. */
#define N_PORTS 24
#define N_GROUPS 6
#define N_SERVICES 3
#define N_TIERS 2
#define N_POLICIES 5
#define N_QUARANTINES 2
#define N_LBS 3
#define N_QUOTAS 3
#define N_ROUTERS 3

/* An emulated host: what it holds, by item key.  ---------------------------*/

struct held {
    struct hmap_node node;
    struct flow_item *item;
};
struct emulated {
    struct hmap items;
};
static struct emulated hosts[N_HOSTS];

static struct emulated *
find_host(const char *name)
{
    return &hosts[atoi(name + 1) % N_HOSTS];
}

static struct held *
find_held(struct emulated *host, const struct flow_item *item)
{
    struct held *held;

    HMAP_FOR_EACH_WITH_HASH (held, node, item->key_hash, &host->items) {
        if (flow_item_same_key(held->item, item)) {
            return held;
        }
    }
    return NULL;
}

static void
hold(struct emulated *host, const struct flow_item *item)
{
    struct held *held = find_held(host, item);

    if (!held) {
        held = xmalloc(sizeof *held);
        hmap_insert(&host->items, &held->node, item->key_hash);
    } else {
        flow_item_unref(held->item);
    }
    held->item = flow_item_ref(item);
}

/* A switch deletes by key and cookie (or group number). */
static void
let_go(struct emulated *host, const struct flow_item *item)
{
    struct held *held = find_held(host, item);

    if (held && (item->kind == FLOW_ITEM_GROUP
                 || held->item->cookie == item->cookie)) {
        hmap_remove(&host->items, &held->node);
        flow_item_unref(held->item);
        free(held);
    }
}

struct apply_ctx {
    const struct engine *engine;
    const char *host;
    bool joined;
};

static const struct flow_item *
desired_on(const struct engine *engine, const char *host,
           const struct flow_item *item);

static void
apply_item(void *ctx_, const struct flow_item *item)
{
    struct apply_ctx *ctx = ctx_;

    if (ctx->joined) {
        hold(find_host(ctx->host), item);
    } else if (!desired_on(ctx->engine, ctx->host, item)) {
        let_go(find_host(ctx->host), item);
    }
}

struct search {
    const struct flow_item *key;
    const struct flow_item *found;
};

static void
search_cb(void *search_, const struct flow_item *item)
{
    struct search *search = search_;

    if (flow_item_same_key(search->key, item)) {
        search->found = item;
    }
}

/* The item that 'host' is to hold at the key of 'item', if any. */
static const struct flow_item *
desired_on(const struct engine *engine, const char *host,
           const struct flow_item *item)
{
    struct search search = { item, NULL };

    engine_host_items(engine, host, search_cb, &search);
    return search.found;
}

static void
add_host_cb(void *list, const char *host)
{
    shash_add_once(list, host, NULL);
}

static bool
has_joined(const struct engine_delta *delta, const char *host,
           const struct engine_scope *scope)
{
    for (size_t i = 0; i < delta->n_members; i++) {
        if (delta->members[i].joined && delta->members[i].scope == scope
            && !strcmp(delta->members[i].host, host)) {
            return true;
        }
    }
    return false;
}

/* Additions of all kinds before removals of all kinds. */
static void
apply_delta(const struct engine *engine, const struct engine_delta *delta)
{
    for (int pass = 0; pass < 2; pass++) {
        bool adding = !pass;

        for (size_t i = 0; i < delta->n_members; i++) {
            const struct engine_member *m = &delta->members[i];
            struct apply_ctx ctx = { engine, m->host, m->joined };

            if (m->joined == adding) {
                engine_scope_items(engine, m->scope, apply_item, &ctx);
            }
            /* One that left also held what was withdrawn meanwhile. */
            for (size_t j = 0; !m->joined && !adding && j < delta->n_changes;
                 j++) {
                if (!delta->changes[j].added
                    && delta->changes[j].item->scope == m->scope) {
                    apply_item(&ctx, delta->changes[j].item);
                }
            }
        }
        for (size_t i = 0; i < delta->n_changes; i++) {
            const struct engine_change *change = &delta->changes[i];
            struct shash names = SHASH_INITIALIZER(&names);
            struct shash_node *node;

            if (change->added != adding) {
                continue;
            }
            engine_scope_hosts(engine, change->item->scope, add_host_cb,
                               &names);
            SHASH_FOR_EACH (node, &names) {
                struct apply_ctx ctx = { engine, node->name, adding };

                if (!adding || !has_joined(delta, node->name,
                                           change->item->scope)) {
                    apply_item(&ctx, change->item);
                }
            }
            shash_destroy(&names);
        }
    }
}

struct check_ctx {
    struct emulated *host;
    size_t n;
    size_t n_wrong;
};

static void
check_cb(void *ctx_, const struct flow_item *item)
{
    struct check_ctx *ctx = ctx_;
    struct held *held = find_held(ctx->host, item);

    ctx->n++;
    if (!held || held->item->digest != item->digest) {
        printf("# %s of scope %s: table %u, priority %u, group %u\n",
               held ? "wrong" : "missing", engine_scope_name(item->scope),
               item->table, item->priority, item->group_id);
        ctx->n_wrong++;
    }
}

static size_t
check_hosts(const struct engine *engine, const struct model *model)
{
    size_t n_wrong = 0;

    for (int i = 0; i < N_HOSTS; i++) {
        char name[16];
        struct check_ctx ctx = { &hosts[i], 0, 0 };

        snprintf(name, sizeof name, "h%d", i);
        if (!model_get(model, VMN_TABLE_HOST, name)) {
            /* Gone from the controller: nobody talks to it any more. */
            struct held *held;

            HMAP_FOR_EACH_POP (held, node, &hosts[i].items) {
                flow_item_unref(held->item);
                free(held);
            }
            continue;
        }
        engine_host_items(engine, name, check_cb, &ctx);
        if (ctx.n_wrong || hmap_count(&hosts[i].items) != ctx.n) {
            printf("# host %s holds %"PRIuSIZE" items, is to hold %"PRIuSIZE
                   ", %"PRIuSIZE" wrong\n", name,
                   hmap_count(&hosts[i].items), ctx.n, ctx.n_wrong);
            n_wrong++;
        }
    }
    return n_wrong;
}

/* Random edits.  ---------------------------------------------------------- */

static const char *const roles[] = { "web", "app", "db", "cache" };
static const char *const envs[] = { "prod", "test" };

static char *
name_of(const char *prefix, unsigned n)
{
    return xasprintf("%s%u", prefix, rnd(n));
}

static json_t *
random_name(const char *prefix, unsigned n)
{
    char *name = name_of(prefix, n);
    json_t *json = json_string(name);

    free(name);
    return json;
}

static json_t *
random_names(const char *prefix, unsigned n, unsigned max)
{
    json_t *list = json_array();
    unsigned count = rnd(max + 1);

    for (unsigned i = 0; i < count; i++) {
        json_array_append_new(list, random_name(prefix, n));
    }
    return list;
}

static json_t *
random_labels(void)
{
    json_t *labels = json_object();

    if (chance(80)) {
        json_object_set_new(labels, "role", json_string(roles[rnd(4)]));
    }
    if (chance(50)) {
        json_object_set_new(labels, "env", json_string(envs[rnd(2)]));
    }
    return labels;
}

static json_t *
random_selector(void)
{
    static const char *const selectors[] = {
        "role=web", "role=app", "role=db", "env=prod", "env!=test",
        "role=web,env=prod", "role in (web,app)", "!env", "env",
        "role notin (db)", "",
    };

    return json_string(selectors[rnd(ARRAY_SIZE(selectors))]);
}

static json_t *
spec_host(unsigned i)
{
    /* Of both families, as one of IPv4 alone could not be beside one of IPv6
     * alone; the latter is tried at times. */
    unsigned number = chance(90) ? i + 1 : rnd(50) + 10;
    json_t *v4 = json_sprintf("192.0.2.%u", number);
    json_t *v6 = json_sprintf("fd99::%u", number);
    json_t *spec = json_pack("{s:s, s:s, s:s}", "ovsdb", "inbound",
                             "datapath", "netdev", "encap",
                             chance(30) ? "geneve" : "vxlan");
    bool swapped = chance(30);

    if (chance(50)) {
        json_object_set(spec, "second_tunnel_ip", swapped ? v4 : v6);
    }
    json_object_set(spec, "tunnel_ip", swapped ? v6 : v4);
    if (chance(70)) {
        json_object_set_new(spec, "provider_bridges", json_pack(
            "[{s:s, s:s}]", "physical", chance(80) ? "dc" : "wan", "bridge",
            "br-ex"));
    }
    json_decref(v4);
    json_decref(v6);
    return spec;
}

static json_t *
spec_network(unsigned i)
{
    /* The very same addresses, on purpose, but in networks that routers may
     * join. */
    unsigned routed = i < N_ROUTED ? i : 0;
    json_t *spec = json_pack("{s:[{s:o, s:o}], s:s, s:s}", "subnets", "cidr",
                             json_sprintf("10.0.%u.0/24", routed), "gateway",
                             json_sprintf("10.0.%u.1", routed), "default",
                             chance(30) ? "deny" : "allow", "description",
                             chance(50) ? "some" : "other");

    if (i % 2) {
        json_array_append_new(
            json_object_get(spec, "subnets"),
            json_pack("{s:o, s:o}", "cidr",
                      json_sprintf("fd00:0:0:%u::/64", routed), "gateway",
                      json_sprintf("fd00:0:0:%u::1", routed)));
    }
    if (i == N_NETWORKS - 1 && chance(70)) {
        json_t *provider = json_pack("{s:s}", "physical",
                                     chance(80) ? "dc" : "wan");

        if (chance(50)) {
            json_object_set_new(provider, "vlan", json_integer(1 + rnd(3)));
        }
        json_object_set_new(spec, "provider", provider);
    }
    return spec;
}

/* By the network that may be a provider network. */
static json_t *
spec_external(unsigned i)
{
    json_t *external = json_pack(
        "{s:o, s:[o], s:[{s:o, s:i}], s:b}", "network",
        json_sprintf("n%u", N_NETWORKS - 1), "addresses",
        json_sprintf("10.0.0.%u", 190 + i), "gateways", "host",
        random_name("h", N_HOSTS), "priority", (int) rnd(3), "routed",
        chance(20));

    if (chance(50)) {
        json_array_append_new(json_object_get(external, "addresses"),
                              json_sprintf("fd00::%u", 190 + i));
    }
    if (chance(30)) {
        json_object_set_new(external, "exempt",
                            json_pack("[s, s]", "203.0.113.0/24",
                                      chance(50) ? "::/0" : "2001:db8::/32"));
    }
    return external;
}

/* What it joins may well be too much, since others have the same addresses, or
 * the gateway's is another's already. */
static json_t *
spec_router(unsigned i)
{
    json_t *interfaces = json_array(), *spec;

    for (unsigned n = 0; n < N_NETWORKS; n++) {
        json_t *interface;

        if (!chance(n < N_ROUTED ? 60 : 10)) {
            continue;
        }
        interface = json_pack("{s:o}", "network", json_sprintf("n%u", n));
        if (i) {
            json_object_set_new(interface, "addresses", json_pack(
                "[o]", json_sprintf("10.0.%u.%u", n < N_ROUTED ? n : 0,
                                    90 + i)));
        }
        json_array_append_new(interfaces, interface);
    }
    spec = json_pack("{s:o, s:[{s:s, s:b}]}", "interfaces", interfaces,
                     "routes", "destination", chance(50) ? "192.0.2.0/24"
                     : "198.51.100.0/24", "blackhole", 1);
    if (chance(50)) {
        json_object_set_new(spec, "external", spec_external(i));
    }
    return spec;
}

/* Of a router that may have no way outside, and perhaps for a port or a
 * balancer of networks that it does not join. */
static json_t *
spec_floating_ip(unsigned i)
{
    bool balanced = chance(30);

    return json_pack("{s:o, s:o, s:o}", "router", random_name("x", N_ROUTERS),
                     "ip", json_sprintf(chance(70) ? "10.0.0.%u" : "fd00::%u",
                                        200 + i),
                     balanced ? "load_balancer" : "port",
                     balanced ? random_name("l", N_LBS)
                     : random_name("p", N_PORTS));
}

static json_t *
spec_port(unsigned i)
{
    unsigned network = rnd(N_NETWORKS);
    json_t *spec = json_pack("{s:o, s:o, s:b, s:b}", "network",
                             json_sprintf("n%u", network), "labels",
                             random_labels(), "enabled", chance(90),
                             "quarantined", chance(10));

    if (network == N_NETWORKS - 1 && chance(20)) {
        json_object_set_new(spec, "external", json_true());
    }
    if (chance(30)) {
        json_object_set_new(spec, "ips", json_pack(
            "[o]", json_sprintf("10.0.%u.%u",
                                network < N_ROUTED ? network : 0,
                                100 + rnd(60))));
    }
    if (chance(10)) {
        json_object_set_new(spec, "allowed_addresses", json_pack(
            "[{s:o}, {s:o, s:s}]", "ip",
            json_sprintf("fd00:0:0:%u::/64", rnd(3)), "ip",
            json_sprintf("fd00::9:%u", rnd(3)), "mac",
            chance(50) ? "00:00:5e:00:02:01" : "00:00:5e:00:02:02"));
    } else if (chance(10)) {
        json_object_set_new(spec, "allowed_addresses", json_pack(
            "[{s:o}, {s:o, s:s}]", "ip",
            json_sprintf("10.0.%u.0/24", rnd(3)), "ip",
            json_sprintf("10.0.9.%u/32", rnd(3)), "mac",
            chance(50) ? "00:00:5e:00:01:01" : "00:00:5e:00:01:02"));
    }
    return spec;
}

static json_t *
spec_group(unsigned i)
{
    json_t *spec = json_object();

    if (chance(80)) {
        json_object_set_new(spec, "selector", random_selector());
    }
    if (chance(30)) {
        json_object_set_new(spec, "ports", random_names("p", N_PORTS, 3));
    }
    if (chance(20)) {
        json_object_set_new(spec, "groups", random_names("g", N_GROUPS, 2));
    }
    if (chance(20)) {
        json_object_set_new(spec, "cidrs", json_pack(
            "[o]", json_sprintf("10.0.%u.0/24", rnd(2))));
        if (chance(50)) {
            json_object_set_new(spec, "except", json_pack(
                "[o]", json_sprintf("10.0.%u.%u/32", rnd(2), rnd(256))));
        }
    }
    return spec;
}

static json_t *
random_entry(void)
{
    switch (rnd(6)) {
    case 0:
        return json_pack("{s:s, s:[i, s]}", "protocol", "tcp", "ports",
                         80 + (int) rnd(4), "8000-8010");
    case 1:
        return json_pack("{s:s, s:[i]}", "protocol", "udp", "ports", 53);
    case 2:
        return json_pack("{s:s}", "protocol", chance(50) ? "icmp" : "icmpv6");
    case 3:
        return json_pack("{s:s, s:[i]}", "protocol", "sctp", "ports", 5000);
    case 4:
        return json_pack("{s:s, s:i, s:i}", "protocol", "icmp", "icmp_type",
                         8, "icmp_code", (int) rnd(2));
    default:
        return json_pack("{s:s}", "protocol", "tcp");
    }
}

static json_t *
spec_service(unsigned i)
{
    json_t *entries = json_array();
    unsigned n = 1 + rnd(3);

    for (unsigned j = 0; j < n; j++) {
        json_array_append_new(entries, random_entry());
    }
    return json_pack("{s:o}", "entries", entries);
}

static json_t *
random_rule(void)
{
    static const char *const actions[] = { "allow", "deny", "pass", "reject" };
    json_t *rule = json_pack("{s:s, s:s}", "direction",
                             chance(50) ? "ingress" : "egress", "action",
                             actions[rnd(4)]);
    json_t *peers = json_array();
    unsigned n = rnd(3);

    for (unsigned i = 0; i < n; i++) {
        json_array_append_new(peers, chance(75)
            ? json_pack("{s:o}", "group", random_name("g", N_GROUPS))
            : json_pack("{s:o}", "cidr", chance(50)
                        ? json_sprintf("10.0.0.%u/28", rnd(16) * 16)
                        : json_sprintf("fd00::%x0/124", rnd(16))));
    }
    json_object_set_new(rule, "peers", peers);
    if (chance(60)) {
        json_object_set_new(rule, "services", json_pack("[o]", chance(50)
            ? json_pack("{s:o}", "service", random_name("s", N_SERVICES))
            : random_entry()));
    }
    return rule;
}

static json_t *
spec_tier(unsigned i)
{
    return json_pack("{s:i}", "position", (int) (2 + 4 * (i % N_TIERS)
                                                 + rnd(3)));
}

static json_t *
spec_policy(unsigned i)
{
    static const char *const tiers[] = {
        "emergency", "security", "application", "application", "baseline",
        "t0", "t1",
    };
    json_t *rules = json_array();
    unsigned n = rnd(4);

    for (unsigned j = 0; j < n; j++) {
        json_array_append_new(rules, random_rule());
    }
    return json_pack("{s:s, s:i, s:o, s:o}", "tier", tiers[rnd(ARRAY_SIZE(tiers))],
                     "priority", (int) (i * 7), "applies_to",
                     random_names("g", N_GROUPS, 2), "rules", rules);
}

static json_t *
spec_quarantine(unsigned i)
{
    json_t *allow = json_array();
    json_t *spec = json_object();
    unsigned n = rnd(3);

    if (chance(60)) {
        json_object_set_new(spec, "selector", random_selector());
    }
    if (chance(50)) {
        json_object_set_new(spec, "ports", random_names("p", N_PORTS, 2));
    }
    for (unsigned j = 0; j < n; j++) {
        json_t *rule = random_rule();

        json_object_del(rule, "action");
        json_array_append_new(allow, rule);
    }
    json_object_set_new(spec, "allow", allow);
    return spec;
}

/* Some share a virtual IP, and some are in several networks. */
static json_t *
spec_lb(unsigned i)
{
    json_t *spec = json_pack(
        "{s:o, s:o, s:s, s:[{s:i, s:i}]}", "vip", chance(80)
        ? json_sprintf("10.0.0.%u", 200 + i) : json_string("10.0.0.200"),
        "networks", random_names("n", N_NETWORKS, 2), "protocol",
        chance(80) ? "tcp" : "udp", "ports", "port", 80 + (int) (i % 2),
        chance(70) ? "target" : "end_port", chance(70) ? 8080 : 90);

    if (chance(60)) {
        json_object_set_new(spec, "selector", random_selector());
    }
    if (chance(40)) {
        json_object_set_new(spec, "backends", json_pack(
            "[{s:o, s:i, s:b, s:b}]", "port", random_name("p", N_PORTS),
            "weight", (int) rnd(4), "standby", chance(30), "drain",
            chance(20)));
    }
    if (chance(40)) {
        static const char *const types[] = { "tcp", "http", "udp", "ping" };

        json_object_set_new(spec, "health", json_pack(
            "{s:s}", "type", types[rnd(ARRAY_SIZE(types))]));
    }
    if (chance(30)) {
        json_object_set_new(spec, "locality", json_string(
            chance(50) ? "prefer" : "require"));
    }
    if (chance(30)) {
        json_object_set_new(spec, "when_down", json_string("cut"));
    }
    if (chance(20)) {
        json_object_set_new(spec, "fallback", random_name("l", N_LBS));
    }
    if (chance(20)) {
        json_object_set_new(spec, "min_serving", json_integer(2));
    }
    return spec;
}

static json_t *
spec_observation(unsigned i OVS_UNUSED)
{
    return json_pack("{s:i}", "minutes", 1 + (int) rnd(3));
}

/* Nobody is bound by it; the engine counts flows for it. */
static json_t *
spec_quota(unsigned i OVS_UNUSED)
{
    return json_pack("{s:o, s:o*}", "scope", random_selector(),
                     "flows_per_host", chance(80)
                     ? json_integer(1 + rnd(200)) : NULL);
}

static const struct {
    enum vmn_table table;
    const char *prefix;
    unsigned n;
    json_t *(*spec)(unsigned i);
} tables[] = {
    { VMN_TABLE_HOST, "h", N_HOSTS, spec_host },
    { VMN_TABLE_NETWORK, "n", N_NETWORKS, spec_network },
    { VMN_TABLE_PORT, "p", N_PORTS, spec_port },
    { VMN_TABLE_PORT, "p", N_PORTS, spec_port },
    { VMN_TABLE_PORT, "p", N_PORTS, spec_port },
    { VMN_TABLE_GROUP, "g", N_GROUPS, spec_group },
    { VMN_TABLE_SERVICE, "s", N_SERVICES, spec_service },
    { VMN_TABLE_TIER, "t", N_TIERS, spec_tier },
    { VMN_TABLE_POLICY, "p", N_POLICIES, spec_policy },
    { VMN_TABLE_QUARANTINE, "q", N_QUARANTINES, spec_quarantine },
    { VMN_TABLE_LOADBALANCER, "l", N_LBS, spec_lb },
    { VMN_TABLE_ROUTER, "x", N_ROUTERS, spec_router },
    { VMN_TABLE_FLOATING_IP, "f", 3, spec_floating_ip },
    { VMN_TABLE_OBSERVATION, "n", N_NETWORKS, spec_observation },
    { VMN_TABLE_QUOTA, "k", N_QUOTAS, spec_quota },
};

static void
add_desired(struct model_request *request)
{
    unsigned t = rnd(ARRAY_SIZE(tables));
    unsigned i = rnd(tables[t].n);
    char *name = xasprintf("%s%u", tables[t].prefix, i);

    if (chance(20)) {
        model_request_add(request, MODEL_DELETE, tables[t].table, name,
                          NULL)->cascade = chance(50);
    } else {
        json_t *spec = tables[t].spec(i);

        if (!json_object_get(spec, "labels") && chance(50)) {
            json_object_set_new(spec, "labels", random_labels());
        }
        model_request_add(request, MODEL_PUT, tables[t].table, name, spec);
    }
    free(name);
}

static void
add_observed(struct model_request *request)
{
    unsigned host = rnd(N_HOSTS);
    char *port = name_of("p", N_PORTS);
    char *vif = xasprintf("h%u/%s", host, port);

    if (chance(20)) {
        model_request_add(request, MODEL_DELETE, VMN_TABLE_BINDING, port,
                          NULL)->missing_ok = true;
        model_request_add(request, MODEL_DELETE, VMN_TABLE_VIF, vif,
                          NULL)->missing_ok = true;
    } else {
        model_request_add(request, MODEL_PUT, VMN_TABLE_VIF, vif, json_pack(
            "{s:o, s:s, s:o, s:i, s:b}", "host",
            json_sprintf("h%u", host), "iface_id", port, "iface",
            json_sprintf("v%s", port), "ofport",
            /* A host gives no number to two interfaces. */
            1 + atoi(port + 1) + N_PORTS * (int) rnd(3), "link_up", true));
        json_t *binding = json_pack("{s:o}", "host",
                                    json_sprintf("h%u", host));

        if (chance(20)) {
            json_object_set_new(binding, "candidate", json_sprintf(
                "h%u", (host + 1 + rnd(N_HOSTS - 1)) % N_HOSTS));
        }
        model_request_add(request, MODEL_PUT, VMN_TABLE_BINDING, port,
                          binding);
    }
    free(port);
    free(vif);
}

/* What probes have found. */
static void
add_health(struct model_request *request)
{
    static const char *const states[] = { "up", "up", "down", "drained" };
    char *lb = name_of("l", N_LBS);
    char *port = name_of("p", N_PORTS);
    char *name = xasprintf("%s/%s", lb, port);

    if (chance(20)) {
        model_request_add(request, MODEL_DELETE, VMN_TABLE_HEALTH, name,
                          NULL)->missing_ok = true;
    } else {
        model_request_add(request, MODEL_PUT, VMN_TABLE_HEALTH, name,
                          json_pack("{s:s, s:s, s:s}", "loadbalancer", lb,
                                    "port", port, "state",
                                    states[rnd(ARRAY_SIZE(states))]));
    }
    free(lb);
    free(port);
    free(name);
}

/* What leads to a physical network on a host. */
static void
add_wire(struct model_request *request)
{
    unsigned host = rnd(N_HOSTS);
    const char *physical = chance(80) ? "dc" : "wan";
    char *vif = xasprintf("h%u/@%s", host, physical);

    if (chance(30)) {
        model_request_add(request, MODEL_DELETE, VMN_TABLE_VIF, vif,
                          NULL)->missing_ok = true;
    } else {
        model_request_add(request, MODEL_PUT, VMN_TABLE_VIF, vif, json_pack(
            "{s:o, s:o, s:s, s:i, s:b}", "host",
            json_sprintf("h%u", host), "iface_id",
            json_sprintf("@%s", physical), "iface", "vmn-to-br-ex", "ofport",
            1000 + (int) rnd(2) + (*physical == 'w' ? 2 : 0), "link_up",
            true));
    }
    free(vif);
}

static void
show_errors(const struct vmn_errors *errors)
{
    for (size_t i = 0; i < errors->n && getenv("ORACLE_VERBOSE"); i++) {
        printf("# refused: %s %s\n", errors->errors[i].pointer,
               errors->errors[i].text);
    }
}

static void
random_request(struct model_request *request)
{
    unsigned n = 1 + rnd(3);

    model_request_init(request, "test");
    if (chance(20)) {
        request->prune_set = chance(50) ? xstrdup("a") : xstrdup("b");
    }
    for (unsigned i = 0; i < n; i++) {
        if (chance(30)) {
            add_observed(request);
        } else if (chance(10)) {
            add_wire(request);
        } else if (chance(25)) {
            add_health(request);
        } else {
            add_desired(request);
        }
    }
}

/* One random request.  Returns true if it changed something. */
static bool
edit(struct model *model)
{
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision;

    random_request(&request);
    vmn_errors_init(&errors);

    bool ok = !model_apply(model, &request, 0, &revision, &errors);

    show_errors(&errors);
    vmn_errors_uninit(&errors);
    model_request_uninit(&request);
    return ok && model_is_unsettled(model);
}

/* Pauses.  ---------------------------------------------------------------- */

static size_t n_looked;

static void
look_item_cb(void *engine, const struct flow_item *item)
{
    n_looked += engine_find_xid(engine, item->xid) == item;
    n_looked += engine_cookie_name(engine, item->cookie) != NULL;
}

/* Does in a pause what others may do there.  Whatever it sees, it must be
 * there to be seen. */
static void
pause_cb(void *engine)
{
    static unsigned n;
    const char *most;
    uint64_t n_most;
    struct status_app status;
    struct arena arena;
    char host[8];

    if (n++ % 61) {
        return;
    }
    snprintf(host, sizeof host, "h%u", n / 61 % N_HOSTS);
    engine_host_items(engine, host, look_item_cb, engine);
    n_looked += engine_host_digest(engine, host) != 0;
    n_looked += engine_host_total(engine, host) != 0;
    n_looked += engine_quota_flows(engine, "k0", &most, &n_most);
    arena_init(&arena);
    engine_app_status(engine, "firewall", &arena, &status);
    arena_uninit(&arena);
}

/* The test.  -------------------------------------------------------------- */

static size_t
verify(const struct engine *engine, unsigned step)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t n = engine_verify(engine, &ds);

    if (n) {
        printf("# step %u: differs from a compile from nothing:\n%s", step,
               ds_cstr(&ds));
    }
    ds_destroy(&ds);
    return n;
}

/* A revision that the store refuses.  The difference out and the one back
 * cancel each other out, so neither reaches a host. */
static void
undone_edit(struct model *model, struct engine *engine)
{
    if (edit(model)) {
        engine_delta_destroy(engine_run(engine));
        model_undo(model);
        engine_delta_destroy(engine_run(engine));
    }
}

/* Plans a request, or the one that comes next. */
static size_t
plan(struct model *model, struct engine *engine, struct plan_check *check,
     bool next)
{
    struct model_request request;
    uint64_t before = random_state();
    size_t n_wrong;

    random_request(&request);
    if (next) {
        set_random_state(before);
    }
    n_wrong = plan_check_make(check, model, engine, &request);
    model_request_uninit(&request);
    return n_wrong;
}

static size_t
run(struct model *model, struct engine *engine, unsigned n_steps)
{
    struct plan_check check = { .plan = NULL };
    size_t n_wrong = 0;
    size_t n_edits = 0;
    size_t n_plans = 0;

    for (unsigned step = 0; step < n_steps && !n_wrong; step++) {
        if (chance(10)) {
            undone_edit(model, engine);
            continue;
        }

        bool planned = chance(40);
        if (planned) {
            n_wrong += plan(model, engine, &check, false);
            n_wrong += plan(model, engine, &check, true);
            n_plans += 2;
        }
        if (edit(model)) {
            struct engine_delta *delta;

            id_pools_set_revision(model_id_pools(model),
                                  model_revision(model));
            delta = engine_run(engine);
            if (planned) {
                n_wrong += plan_check_compare(&check, model, engine, delta);
            }
            model_settle(model);
            apply_delta(engine, delta);
            engine_delta_destroy(delta);
            n_edits++;
            if (chance(20)) {
                id_pools_acked(model_id_pools(model), model_revision(model));
            }
        }
        if (step % 50 == 49 || step < 50) {
            n_wrong += verify(engine, step) + check_hosts(engine, model);
        }
        if (n_wrong) {
            printf("# step %u\n", step);
        }
        plan_check_uninit(&check);
    }

    struct engine_stats stats;

    engine_get_stats(engine, &stats);
    printf("# %"PRIuSIZE" edits, %"PRIuSIZE" plans; at the end %"PRIu64
           " flows, %"PRIu64
           " groups, %"PRIu64" units, %"PRIu64" computed\n", n_edits, n_plans,
           stats.n_flows, stats.n_groups, stats.n_units,
           stats.n_units_computed);
    return n_wrong;
}

int
main(int argc, char *argv[])
{
    unsigned seed = argc > 1 ? atoi(argv[1]) : 1;
    unsigned n_steps = argc > 2 ? atoi(argv[2]) : 2000;
    struct apphost *apphost = load_apps();
    struct model *model = model_create();
    struct engine *engine = engine_create(model, apphost_pipeline(apphost));
    size_t n_wrong;
    int n_problems;

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_ERR);
    printf("# seed %u, %u steps\n", seed, n_steps);
    seed_random(seed);
    for (int i = 0; i < N_HOSTS; i++) {
        hmap_init(&hosts[i].items);
    }
    engine_set_yield(engine, pause_cb, engine);
    engine_delta_destroy(engine_run(engine));
    n_wrong = run(model, engine, n_steps);

    const struct engine_problems *problems = engine_problems(engine);

    n_problems = problems->n;
    for (size_t i = 0; i < problems->n; i++) {
        printf("# problem: %s: %s\n", problems->problems[i].units[0],
               problems->problems[i].detail);
    }
    for (int i = 0; i < N_HOSTS; i++) {
        struct held *held;

        HMAP_FOR_EACH_POP (held, node, &hosts[i].items) {
            flow_item_unref(held->item);
            free(held);
        }
        hmap_destroy(&hosts[i].items);
    }
    engine_destroy(engine);
    model_destroy(model);
    apphost_destroy(apphost);
    printf("%s\n", n_wrong || n_problems ? "not ok" : "ok");
    return n_wrong || n_problems ? 1 : 0;
}
