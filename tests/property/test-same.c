/* SPDX-License-Identifier: Apache-2.0
 *
 * Property test: what means the same costs nothing.  Random objects are said
 * again with all their lists in another order, with rules of one action in
 * another order, and with prefixes and port ranges cut up in another way; no
 * host may get a single flow or group for it.
 *
 * Usage: test-same [SEED [ROUNDS]].  The seed is printed. */

#include <config.h>

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/apphost/apphost.h"
#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "tests/property/setup.h"
#include "util.h"

#define N_HOSTS 3
#define N_NETWORKS 2
#define N_PORTS 12
#define N_GROUPS 5
#define N_SERVICES 3
#define N_POLICIES 4
#define N_LBS 2

/* Random objects.  ------------------------------------------------------- */

/* 1 to 'max' elements that 'make' gives. */
static json_t *
list_of(json_t *(*make)(void), unsigned max)
{
    json_t *list = json_array();

    for (unsigned n = 1 + rnd(max); n; n--) {
        json_array_append_new(list, make());
    }
    return list;
}

static json_t *
any_group(void)
{
    return json_sprintf("g%u", rnd(N_GROUPS));
}

static json_t *
any_port(void)
{
    return json_sprintf("p%u", rnd(N_PORTS));
}

/* A prefix by what it has in the last byte, and how many bits of that. */
static json_t *
cidr(bool v6, unsigned last, unsigned n_bits)
{
    return (v6 ? json_sprintf("fd09::%x/%u", last, 120 + n_bits)
            : json_sprintf("10.9.0.%u/%u", last, 24 + n_bits));
}

static json_t *
any_cidr_of(bool v6)
{
    unsigned n_bits = rnd(8);

    return cidr(v6, rnd(256) & ~(0xff >> n_bits), n_bits);
}

static json_t *
any_cidr4(void)
{
    return any_cidr_of(false);
}

static json_t *
any_cidr6(void)
{
    return any_cidr_of(true);
}

static json_t *
any_cidr(void)
{
    return any_cidr_of(rnd(2));
}

/* Leaves something of all that any_cidr() gives, as exceptions have to. */
static json_t *
any_part(void)
{
    unsigned n_bits = 1 + rnd(7);

    return cidr(rnd(2), rnd(256) & ~(0xff >> n_bits), n_bits);
}

static json_t *
any_range(void)
{
    unsigned first = 1 + rnd(200);

    return json_sprintf("%u-%u", first, first + rnd(20));
}

static json_t *
any_entry(void)
{
    static const char *const protocols[] = { "tcp", "udp", "sctp", "any" };

    if (!rnd(4)) {
        json_t *icmp = json_pack("{s:s, s:i}", "protocol",
                                 rnd(2) ? "icmp" : "icmpv6", "icmp_type",
                                 (int) rnd(4));

        if (rnd(2)) {
            json_object_set_new(icmp, "icmp_code", json_integer(rnd(3)));
        }
        return icmp;
    }
    const char *protocol = protocols[rnd(rnd(4) ? 3 : 4)];
    json_t *entry = json_pack("{s:s}", "protocol", protocol);

    if (*protocol != 'a' && rnd(8)) {
        json_object_set_new(entry, "ports", list_of(any_range, 4));
    }
    return entry;
}

static json_t *
any_peer(void)
{
    if (rnd(2)) {
        return json_pack("{s:o}", "group", any_group());
    } else if (rnd(2)) {
        return json_pack("{s:o}", "cidr", any_cidr());
    }
    return (rnd(2) ? json_pack("{s:s, s:o}", "cidr", "10.9.0.0/23", "except",
                               list_of(any_cidr4, 3))
            : json_pack("{s:s, s:o}", "cidr", "fd09::/119", "except",
                        list_of(any_cidr6, 3)));
}

static json_t *
any_rule_service(void)
{
    return (rnd(2) ? any_entry()
            : json_pack("{s:o}", "service",
                        json_sprintf("s%u", rnd(N_SERVICES))));
}

static json_t *
any_rule(void)
{
    static const char *const actions[] = { "allow", "deny", "pass", "reject" };
    json_t *rule = json_pack("{s:s, s:s}", "direction",
                             rnd(2) ? "ingress" : "egress", "action",
                             actions[rnd(rnd(3) ? 2 : 4)]);

    if (rnd(4)) {
        json_object_set_new(rule, "peers", list_of(any_peer, 4));
    }
    if (rnd(4)) {
        json_t *peers = json_object_get(rule, "peers");

        json_object_set_new(rule, "services", list_of(any_rule_service, 3));
        if (peers) {
            /* Of prefixes and services alone, some rules never match. */
            json_array_append_new(peers, json_pack("{s:o}", "group",
                                                   any_group()));
        }
    }
    return rule;
}

static json_t *
any_pair(void)
{
    static const char *const macs[] = { "02:00:00:00:99:01",
                                        "02:00:00:00:99:02" };

    return (rnd(2) ? json_pack("{s:o}", "ip", any_cidr())
            : json_pack("{s:o, s:s}", "ip", any_cidr(), "mac",
                        macs[rnd(2)]));
}

static json_t *
make_port(unsigned i)
{
    static const char *const roles[] = { "web", "app", "db" };

    return json_pack("{s:o, s:[o, o], s:o, s:{s:s, s:s}}", "network",
                     json_sprintf("n%u", i % N_NETWORKS), "ips",
                     json_sprintf("10.0.0.%u", i + 1),
                     json_sprintf("fd00::%x", i + 1), "allowed_addresses",
                     rnd(3) ? json_array() : list_of(any_pair, 5),
                     "labels", "role", roles[rnd(3)], "env",
                     rnd(2) ? "test" : "live");
}

static json_t *
make_group(unsigned i)
{
    static const char *const selectors[] = {
        "role in (web,app,db)", "role=web,env=live", "env=test",
    };
    json_t *group = json_pack("{s:o, s:o}", "ports", list_of(any_port, 4),
                              "cidrs", list_of(any_cidr, 6));

    if (rnd(2)) {
        json_object_set_new(group, "selector",
                            json_string(selectors[rnd(3)]));
    }
    if (!rnd(3)) {
        json_array_append_new(json_object_get(group, "cidrs"),
                              json_string("10.9.0.0/24"));
        json_array_append_new(json_object_get(group, "cidrs"),
                              json_string("fd09::/120"));
        json_object_set_new(group, "except", list_of(any_part, 3));
    }
    /* Those before it only, so they are there, and there is no circle. */
    if (i >= 2 && !rnd(3)) {
        json_object_set_new(group, "groups", json_pack(
            "[o, o]", json_sprintf("g%u", i - 1), json_sprintf("g%u", i - 2)));
    }
    return group;
}

static json_t *
make_service(unsigned i OVS_UNUSED)
{
    return json_pack("{s:o}", "entries", list_of(any_entry, 5));
}

static json_t *
make_policy(unsigned i)
{
    return json_pack("{s:i, s:o, s:[s, s], s:o}", "priority", (int) i * 7,
                     "applies_to", list_of(any_group, 3), "directions",
                     "ingress", "egress", "rules", list_of(any_rule, 8));
}

static json_t *
make_lb(unsigned i)
{
    json_t *ports = json_array(), *backends = json_array();

    for (unsigned n = 1 + rnd(4); n; n--) {
        json_array_append_new(ports, json_pack(
            "{s:i, s:i}", "port", (int) (80 + n), "target",
            8080 + (int) rnd(3)));
    }
    for (unsigned j = rnd(N_PORTS); j < N_PORTS; j += 1 + rnd(4)) {
        json_array_append_new(backends, json_pack(
            "{s:o, s:i}", "port", json_sprintf("p%u", j), "weight",
            1 + (int) rnd(4)));
    }
    return json_pack("{s:o, s:[s, s], s:o, s:o}", "vip",
                     json_sprintf("10.0.0.%u", 200 + i), "networks", "n0",
                     "n1", "ports", ports, "backends", backends);
}

static json_t *
make_network(unsigned i OVS_UNUSED)
{
    return json_pack("{s:[{s:s}, {s:s}, {s:s}, {s:s}]}", "subnets", "cidr",
                     "10.0.0.0/24", "cidr", "fd00::/64", "cidr",
                     "10.0.1.0/24", "cidr",
                     "10.0.2.0/24");
}

static json_t *
make_link(unsigned i)
{
    return json_pack("{s:[{s:o, s:o}, {s:o, s:o}], s:s}", "subnets",
                     "cidr", json_sprintf("10.1%u.0.0/24", i),
                     "gateway", json_sprintf("10.1%u.0.1", i),
                     "cidr", json_sprintf("fd1%u::/64", i),
                     "gateway", json_sprintf("fd1%u::1", i),
                     "default", rnd(2) ? "deny" : "allow");
}

static json_t *
any_route(void)
{
    static unsigned n;
    json_t *via = json_array();

    for (unsigned i = 2; i < 9; i++) {
        if (!rnd(3)) {
            json_array_append_new(via, json_sprintf("10.10.0.%u", i));
        }
    }
    if (!json_array_size(via)) {
        json_decref(via);
        return json_pack("{s:o, s:b}", "destination",
                         json_sprintf("198.51.%u.0/24", n++ & 0xff),
                         "blackhole", 1);
    }
    return json_pack("{s:o, s:o}", "destination",
                     json_sprintf("198.51.%u.0/24", n++ & 0xff), "via", via);
}

/* The first one joins a network with ports and the first link, the other one
 * both links. */
static json_t *
make_router(unsigned i)
{
    json_t *interfaces = json_pack("[{s:s, s:[s, s]}]", "network", "m0",
                                   "addresses",
                                   i ? "10.10.0.12" : "10.10.0.11",
                                   i ? "fd10::12" : "fd10::11");
    json_t *other = json_pack("{s:s}", "network", i ? "m1" : "n0");

    if (!i) {
        json_object_set_new(other, "addresses", json_pack(
            "[s, s, s]", "10.0.0.253", "fd00::ff", "10.0.1.253"));
    }
    json_array_append_new(interfaces, other);
    return json_pack("{s:o, s:o}", "interfaces", interfaces, "routes",
                     list_of(any_route, 4));
}

static const struct {
    enum vmn_table table;
    const char *prefix;
    unsigned n;
    json_t *(*make)(unsigned i);
} kinds[] = {
    { VMN_TABLE_NETWORK, "n", N_NETWORKS, make_network },
    { VMN_TABLE_NETWORK, "m", 2, make_link },
    { VMN_TABLE_PORT, "p", N_PORTS, make_port },
    { VMN_TABLE_GROUP, "g", N_GROUPS, make_group },
    { VMN_TABLE_SERVICE, "s", N_SERVICES, make_service },
    { VMN_TABLE_POLICY, "p", N_POLICIES, make_policy },
    { VMN_TABLE_LOADBALANCER, "l", N_LBS, make_lb },
    { VMN_TABLE_ROUTER, "x", 2, make_router },
};

/* Saying it in another way.  --------------------------------------------- */

static const char *
text_of(const json_t *object, const char *member)
{
    return json_string_value(json_object_get(object, member));
}

static void
swap(json_t *list, size_t i, size_t j)
{
    json_t *a = json_incref(json_array_get(list, i));
    json_t *b = json_incref(json_array_get(list, j));

    json_array_set_new(list, i, b);
    json_array_set_new(list, j, a);
}

/* Rules that meet may trade places if they are about different directions or
 * say the same. */
static void
shuffle_rules(json_t *rules)
{
    size_t n = json_array_size(rules);

    for (size_t i = 0; n > 1 && i < 5 * n; i++) {
        size_t j = rnd(n - 1);
        const json_t *a = json_array_get(rules, j);
        const json_t *b = json_array_get(rules, j + 1);

        if (strcmp(text_of(a, "direction"), text_of(b, "direction"))
            || !strcmp(text_of(a, "action"), text_of(b, "action"))) {
            swap(rules, j, j + 1);
        }
    }
}

/* Shuffles all lists in 'json'. */
static void
shuffle(json_t *json, const char *name)
{
    const char *key;
    json_t *value;
    size_t i;

    json_object_foreach (json, key, value) {
        shuffle(value, key);
    }
    json_array_foreach (json, i, value) {
        shuffle(value, "");
    }
    if (!json_is_array(json)) {
        return;
    } else if (!strcmp(name, "rules")) {
        shuffle_rules(json);
        return;
    }
    for (i = json_array_size(json); i > 1; i--) {
        swap(json, i - 1, rnd(i));
    }
}

/* Some of a group's prefixes as their halves. */
static void
halve_prefixes(json_t *cidrs)
{
    for (size_t n = json_array_size(cidrs); n > 0; n--) {
        const char *text = json_string_value(json_array_get(cidrs, n - 1));
        bool v6 = text[0] == 'f';
        unsigned last, len;

        ovs_assert(sscanf(text, v6 ? "fd09::%x/%u" : "10.9.0.%u/%u", &last,
                          &len) == 2
                   || (sscanf(text, "fd09::/%u", &len) == 1 && !(last = 0)));
        if (rnd(2)) {
            unsigned n_bits = len - (v6 ? 120 : 24);

            json_array_set_new(cidrs, n - 1, cidr(v6, last, n_bits + 1));
            json_array_append_new(cidrs, cidr(v6, last + (0x80 >> n_bits),
                                              n_bits + 1));
        }
    }
}

/* Each range of a service's ports as an entry of its own, some twice. */
static void
split_entries(json_t *entries)
{
    for (size_t n = json_array_size(entries); n > 0; n--) {
        json_t *entry = json_incref(json_array_get(entries, n - 1));
        const json_t *ports = json_object_get(entry, "ports");

        for (size_t i = 0; i < json_array_size(ports); i++) {
            json_t *part = json_pack(
                "{s:O, s:[O]}", "protocol",
                json_object_get(entry, "protocol"), "ports",
                json_array_get(ports, i));

            if (i) {
                json_array_append_new(entries, part);
            } else {
                json_array_set_new(entries, n - 1, part);
            }
        }
        if (rnd(2)) {
            json_array_append(entries, entry);
        }
        json_decref(entry);
    }
}

static json_t *
say_again(const json_t *spec)
{
    json_t *again = json_deep_copy(spec);
    json_t *cidrs = json_object_get(again, "cidrs");
    json_t *entries = json_object_get(again, "entries");

    if (cidrs && rnd(2)) {
        halve_prefixes(cidrs);
    }
    if (entries && rnd(2)) {
        split_entries(entries);
    }
    shuffle(again, "");
    return again;
}

/* The test.  ------------------------------------------------------------- */

struct test {
    struct model *model;
    struct engine *engine;
    size_t n_changes, n_same;   /* Objects. */
};

/* Puts one object.  Returns how many flows and groups that costs, or that
 * hosts come or go; or that its rules contradict each other. */
#define CONTRADICTORY SIZE_MAX
static size_t
put(struct test *test, enum vmn_table table, const char *name,
    const json_t *spec)
{
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision;
    size_t n = 0;

    model_request_init(&request, "test");
    model_request_add(&request, MODEL_PUT, table, name, json_deep_copy(spec));
    vmn_errors_init(&errors);
    if (model_apply(test->model, &request, 0, &revision, &errors)) {
        if (strstr(errors.errors[0].text, "never decides")) {
            vmn_errors_uninit(&errors);
            model_request_uninit(&request);
            return CONTRADICTORY;
        }
        printf("# %s: %s %s\n", name, errors.errors[0].pointer,
               errors.errors[0].text);
        exit(1);
    }
    vmn_errors_uninit(&errors);
    model_request_uninit(&request);
    if (model_is_unsettled(test->model)) {
        struct engine_delta *delta = engine_run(test->engine);

        n = delta->n_changes + delta->n_members;
        engine_delta_destroy(delta);
        model_settle(test->model);
    }
    return n;
}

static void
put_json(struct test *test, enum vmn_table table, const char *name,
         json_t *spec)
{
    put(test, table, name, spec);
    json_decref(spec);
}

/* Hosts with a VM for each port. */
static void
plug_all(struct test *test)
{
    for (unsigned i = 0; i < N_PORTS; i++) {
        char *port = xasprintf("p%u", i);
        char *vif = xasprintf("h%u/p%u", i % N_HOSTS, i);

        put_json(test, VMN_TABLE_VIF, vif, json_pack(
            "{s:o, s:s, s:s, s:i, s:b}", "host",
            json_sprintf("h%u", i % N_HOSTS), "iface_id", port, "iface",
            port, "ofport", (int) i + 1, "link_up", true));
        put_json(test, VMN_TABLE_BINDING, port, json_pack(
            "{s:o}", "host", json_sprintf("h%u", i % N_HOSTS)));
        free(port);
        free(vif);
    }
}

static void
put_hosts(struct test *test)
{
    for (unsigned i = 0; i < N_HOSTS; i++) {
        char *name = xasprintf("h%u", i);

        put_json(test, VMN_TABLE_HOST, name, json_pack(
            "{s:s, s:o, s:o*, s:s}", "ovsdb", "inbound", "tunnel_ip",
            json_sprintf("192.0.2.%u", i + 1), "second_tunnel_ip",
            i % 2 ? json_sprintf("fd99::%u", i + 1) : NULL, "encap",
            i % 3 ? "vxlan" : "geneve"));
        free(name);
    }
}

/* Puts object 'i' of kind 'k' anew, then in another way.  Returns what the
 * other way cost. */
static size_t
try(struct test *test, size_t k, unsigned i)
{
    char *name = xasprintf("%s%u", kinds[k].prefix, i);
    json_t *spec = kinds[k].make(i);
    size_t n = 0;

    while ((n = put(test, kinds[k].table, name, spec)) == CONTRADICTORY) {
        json_decref(spec);
        spec = kinds[k].make(i);
    }
    test->n_changes += n > 0;
    n = 0;
    for (int j = 0; j < 4 && !n; j++) {
        json_t *again = say_again(spec);

        n = put(test, kinds[k].table, name, again);
        test->n_same++;
        if (n) {
            char *a = json_dumps(spec, 0), *b = json_dumps(again, 0);

            printf("# %s costs %"PRIuSIZE" as\n# %s\n# after\n# %s\n", name,
                   n, b, a);
            free(a);
            free(b);
        }
        json_decref(again);
    }
    json_decref(spec);
    free(name);
    return n;
}

static size_t
run(struct test *test, unsigned n_rounds)
{
    size_t n_wrong = 0;

    put_hosts(test);
    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
        for (unsigned i = 0; i < kinds[k].n; i++) {
            n_wrong += try(test, k, i);
        }
        if (kinds[k].table == VMN_TABLE_PORT) {
            plug_all(test);
        }
    }
    for (unsigned round = 0; round < n_rounds && !n_wrong; round++) {
        size_t k = rnd(ARRAY_SIZE(kinds));

        n_wrong += try(test, k, rnd(kinds[k].n));
    }
    return n_wrong;
}

int
main(int argc, char *argv[])
{
    unsigned seed = argc > 1 ? atoi(argv[1]) : 1;
    unsigned n_rounds = argc > 2 ? atoi(argv[2]) : 1000;
    struct apphost *apphost = load_apps();
    struct test test = { .model = model_create() };
    size_t n_wrong;

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_ERR);
    printf("# seed %u, %u rounds\n", seed, n_rounds);
    seed_random(seed);
    test.engine = engine_create(test.model, apphost_pipeline(apphost));
    engine_delta_destroy(engine_run(test.engine));
    n_wrong = run(&test, n_rounds);

    struct engine_stats stats;

    engine_get_stats(test.engine, &stats);
    printf("# %"PRIuSIZE" changes, and %"PRIuSIZE" times the same; at the end "
           "%"PRIu64" flows, %"PRIu64" groups\n", test.n_changes, test.n_same,
           stats.n_flows, stats.n_groups);
    engine_destroy(test.engine);
    model_destroy(test.model);
    apphost_destroy(apphost);
    printf("%s\n", n_wrong ? "not ok" : "ok");
    return n_wrong ? 1 : 0;
}
