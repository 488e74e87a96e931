/* SPDX-License-Identifier: Apache-2.0
 *
 * Random requests of all that the apps know; see oracle-random.h. */

#include <config.h>

#include "tests/property/oracle-random.h"

#include <jansson.h>
#include <stdlib.h>

#include "controller/model/model.h"
#include "tests/property/setup.h"
#include "util.h"

#define N_NETWORKS 8
#define N_ROUTED 3              /* The first ones; the others have addresses of
                                 * the first. */
#define N_PORTS 32
#define N_GROUPS 6
#define N_SERVICES 3
#define N_TIERS 2
#define N_POLICIES 5
#define N_QUARANTINES 2
#define N_LBS 3
#define N_QUOTAS 3
#define N_ROUTERS 3

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
    if (i % 2) {
        json_object_set_new(spec, "isolation", json_string(
            chance(50) ? "isolated" : "promiscuous"));
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
    } else if (network % 2 && chance(60)) {
        static const char *const kinds[] = {
            "promiscuous", "isolated", "community",
        };
        const char *kind = PICK(kinds);

        json_object_set_new(spec, "isolation", json_string(kind));
        if (!strcmp(kind, "community")) {
            json_object_set_new(spec, "community",
                                json_sprintf("c%u", rnd(2)));
        }
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
    return json_pack("{s:s, s:i, s:o, s:o}", "tier",
                     tiers[rnd(ARRAY_SIZE(tiers))], "priority",
                     (int) (i * 7), "applies_to",
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

void
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
