/* SPDX-License-Identifier: Apache-2.0
 *
 * Random objects; see policy-random.h. */

#include <config.h>

#include "tests/property/policy-random.h"

#include <string.h>

#include "tests/property/setup.h"
#include "util.h"

static json_t *
random_name(const char *prefix, unsigned n)
{
    return json_sprintf("%s%u", prefix, rnd(n));
}

static json_t *
random_names(const char *prefix, unsigned n, unsigned min, unsigned max)
{
    json_t *list = json_array();
    unsigned count = min + rnd(max - min + 1);

    for (unsigned i = 0; i < count; i++) {
        json_array_append_new(list, random_name(prefix, n));
    }
    return list;
}

static json_t *
random_prefix(void)
{
    unsigned len = 24 + rnd(9);

    if (chance(25)) {
        len = 120 + rnd(9);
        return json_sprintf("2001:db8::%x/%u",
                            rnd(32) & ~((1u << (128 - len)) - 1), len);
    }

    return json_sprintf("10.0.0.%u/%u",
                        rnd(32) & ~((1u << (32 - len)) - 1), len);
}

unsigned
network_base(unsigned network)
{
    return 8 * (network % (N_ROUTED - 1));
}

/* Whether ports of network 'i' may be isolated from each other. */
static bool
isolates(unsigned i)
{
    return i % 2;
}

static json_t *
spec_network(unsigned i)
{
    unsigned base = network_base(i);

    return json_pack("{s:[{s:o, s:o}, {s:o, s:o}], s:s, s:s}", "subnets",
                     "cidr", json_sprintf("10.0.0.%u/29", base),
                     "gateway", json_sprintf("10.0.0.%u", base + 1),
                     "cidr", json_sprintf("2001:db8::%x/125", base),
                     "gateway", json_sprintf("2001:db8::%x", base + 1),
                     "default", chance(25) ? "deny" : "allow",
                     "isolation", !isolates(i) ? "none"
                     : chance(50) ? "isolated" : "promiscuous");
}

static unsigned
network_of(unsigned port)
{
    return port % N_NETWORKS;
}

static json_t *
spec_port(unsigned i)
{
    static const char *const roles[] = { "web", "app", "db" };
    json_t *labels = json_object();
    static const char *const isolations[] = {
        "network", "promiscuous", "isolated", "community", "community",
    };
    unsigned ip = network_base(network_of(i)) + 2 + i / N_NETWORKS;
    const char *isolation = (isolates(network_of(i)) ? PICK(isolations)
                             : "network");

    if (chance(80)) {
        json_object_set_new(labels, "role", json_string(PICK(roles)));
    }
    if (chance(50)) {
        json_object_set_new(labels, "env",
                            json_string(chance(50) ? "prod" : "test"));
    }
    return json_pack("{s:o, s:o, s:[o, o], s:b, s:s, s:s*}", "network",
                     json_sprintf("n%u", network_of(i)), "labels", labels,
                     "ips", json_sprintf("10.0.0.%u", ip),
                     json_sprintf("2001:db8::%x", ip),
                     "quarantined", chance(4), "isolation", isolation,
                     "community", strcmp(isolation, "community") ? NULL
                     : chance(70) ? "a" : "b");
}

static json_t *
spec_group(void)
{
    static const char *const selectors[] = {
        "role=web", "role=app", "role=db", "env=prod", "env!=test",
        "role=web,env=prod", "role in (web,app)", "!env", "env",
        "role notin (db)", "role notin (db,web),env", "role=web,!env", "",
    };
    json_t *spec = json_object();

    if (chance(75)) {
        json_object_set_new(spec, "selector", json_string(PICK(selectors)));
    }
    if (chance(30)) {
        json_object_set_new(spec, "ports", random_names("p", N_PORTS, 1, 3));
    }
    if (chance(30)) {
        json_object_set_new(spec, "cidrs", json_pack(
            "[o, o]", random_prefix(), random_prefix()));
        if (chance(40)) {
            json_object_set_new(spec, "except", json_pack(
                "[o]", random_prefix()));
        }
    }
    if (chance(25)) {
        /* Loops are refused. */
        json_object_set_new(spec, "groups", random_names("g", N_GROUPS, 1,
                                                         2));
    }
    return spec;
}

static json_t *
random_entry(void)
{
    static const char *const ranges[] = { "80", "81", "80-83", "7-1000",
                                          "82-95", "1-65535", "96-96" };
    json_t *ports = json_pack("[s]", PICK(ranges));

    if (chance(30)) {
        json_array_append_new(ports, json_string(PICK(ranges)));
    }
    static const char *const with_ports[] = { "tcp", "tcp", "udp", "sctp" };

    switch (rnd(8)) {
    case 0:
        json_decref(ports);
        return json_pack("{s:s}", "protocol", chance(50) ? "icmp" : "icmpv6");
    case 1:
        json_decref(ports);
        return json_pack("{s:s, s:i}", "protocol", "icmp", "icmp_type",
                         chance(50) ? 8 : 13);
    case 2:
        json_decref(ports);
        return json_pack("{s:s, s:i, s:i}", "protocol", "icmpv6",
                         "icmp_type", 128, "icmp_code", rnd(2));
    case 3:
        json_decref(ports);
        return json_pack("{s:s}", "protocol", PICK(with_ports));
    default:
        return json_pack("{s:s, s:o}", "protocol", PICK(with_ports), "ports",
                         ports);
    }
}

static json_t *
random_entries(void)
{
    json_t *entries = json_array();

    for (unsigned n = 1 + rnd(3); n; n--) {
        json_array_append_new(entries, random_entry());
    }
    return entries;
}

static json_t *
random_peer(void)
{
    if (chance(70)) {
        return json_pack("{s:o}", "group", random_name("g", N_GROUPS));
    }
    if (chance(30)) {
        return json_pack("{s:s, s:[s, s]}", "cidr", "10.0.0.0/27", "except",
                         "10.0.0.0/30",
                         chance(50) ? "10.0.0.9/32" : "10.0.0.12/31");
    }
    return json_pack("{s:o}", "cidr", random_prefix());
}

/* Whom a rule is about and what they speak. */
static json_t *
random_rule_of(json_t *rule)
{
    if (chance(75)) {
        json_t *peers = json_array();

        for (unsigned n = 1 + rnd(3); n; n--) {
            json_array_append_new(peers, random_peer());
        }
        json_object_set_new(rule, "peers", peers);
    }
    if (chance(65)) {
        json_t *services = json_array();

        for (unsigned n = 1 + rnd(2); n; n--) {
            json_array_append_new(services, chance(40)
                ? json_pack("{s:o}", "service", random_name("s", N_SERVICES))
                : random_entry());
        }
        json_object_set_new(rule, "services", services);
    }
    return rule;
}

static json_t *
random_direction(void)
{
    return json_string(chance(50) ? "ingress" : "egress");
}

static json_t *
random_rule(void)
{
    static const char *const actions[] = { "allow", "allow", "deny", "pass",
                                           "reject" };

    return random_rule_of(json_pack(
        "{s:o, s:s}", "direction", random_direction(), "action",
        PICK(actions)));
}

/* Few ports, or there would not be much to see of policies. */
static json_t *
spec_quarantine(void)
{
    static const char *const selectors[] = { "role=db,env=test", "!role",
                                             "role=app,!env" };
    json_t *allow = json_array();
    json_t *spec = json_object();

    if (chance(50)) {
        json_object_set_new(spec, "selector", json_string(PICK(selectors)));
    }
    if (chance(50)) {
        json_object_set_new(spec, "ports", random_names("p", N_PORTS, 1, 2));
    }
    for (unsigned n = rnd(4); n; n--) {
        json_array_append_new(allow, random_rule_of(json_pack(
            "{s:o}", "direction", random_direction())));
    }
    json_object_set_new(spec, "allow", allow);
    return spec;
}

static json_t *
spec_policy(unsigned i)
{
    static const char *const tiers[] = {
        "emergency", "security", "platform", "application", "application",
        "application", "baseline", "t0", "t1",
    };
    bool same = chance(40);
    const char *tier = same ? "application" : PICK(tiers);
    json_t *rules = json_array();

    for (unsigned n = rnd(5); n; n--) {
        json_array_append_new(rules, random_rule());
    }

    json_t *spec = json_pack(
        "{s:s, s:i, s:o, s:o}", "tier", tier, "priority",
        same ? 500 : (int) (i * 7 + (chance(50) ? 600 : 0)), "applies_to",
        random_names("g", N_GROUPS, 1, 2), "rules", rules);

    if (chance(35) && strcmp(tier, "emergency")) {
        json_object_set_new(spec, "on_change", json_string("keep"));
    }
    if (chance(20) && strcmp(tier, "emergency")) {
        json_object_set_new(spec, "mode", json_string("shadow"));
    }
    if (chance(20) && !strcmp(tier, "application")) {
        json_object_set_new(spec, "directions", json_pack(
            "[s, s]", "ingress", "egress"));
    }
    return spec;
}

json_t *
random_spec(enum vmn_table table, unsigned i)
{
    switch ((int) table) {
    case VMN_TABLE_NETWORK:
        return spec_network(i);
    case VMN_TABLE_PORT:
        return spec_port(i);
    case VMN_TABLE_GROUP:
        return spec_group();
    case VMN_TABLE_SERVICE:
        return json_pack("{s:o}", "entries", random_entries());
    case VMN_TABLE_TIER:
        return json_pack("{s:i}", "position", (int) (2 + 4 * i + rnd(3)));
    case VMN_TABLE_POLICY:
        return spec_policy(i);
    case VMN_TABLE_QUARANTINE:
        return spec_quarantine();
    case VMN_TABLE_OBSERVATION:
        return json_object();   /* Decides nothing. */
    default:
        return NULL;
    }
}
