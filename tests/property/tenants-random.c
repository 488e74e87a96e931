/* SPDX-License-Identifier: Apache-2.0
 *
 * Random requests; see tenants-random.h.  Tenants ask for what is theirs and
 * for what is not; administrators do as they like, without regard to
 * scopes. */

#include <config.h>

#include "tests/property/tenants-random.h"

#include <jansson.h>
#include <stdlib.h>

#include "controller/schema/schema.h"
#include "tests/property/setup.h"
#include "util.h"

const char owners[N_OWNERS] = { 'a', 'b', 's', 'x' };
static const char *const owner_labels[N_OWNERS][2] = {
    { "project", "a" }, { "project", "b" }, { "shared", "yes" },
    { "site", "x" },
};

/* Random objects.  ------------------------------------------------------- */

unsigned asker;

/* Mostly the asker itself, now and then somebody else. */
static unsigned
random_owner(void)
{
    return asker < N_OWNERS && chance(75) ? asker : rnd(N_OWNERS);
}

char *
make_name(unsigned owner, const char *what, unsigned i)
{
    return xasprintf("%c-%s-%u", owners[owner], what, i);
}

static json_t *
random_name(const char *what, unsigned n)
{
    return json_sprintf("%c-%s-%u", owners[random_owner()], what, rnd(n));
}

static json_t *
random_names(const char *what, unsigned n, unsigned min, unsigned max)
{
    unsigned count = min + rnd(max - min + 1);
    json_t *list = json_array();

    while (count--) {
        json_array_append_new(list, random_name(what, n));
    }
    return list;
}

static void
add_label(json_t *labels, unsigned owner)
{
    json_object_set_new(labels, owner_labels[owner][0],
                        json_string(owner_labels[owner][1]));
}

static json_t *
random_labels(unsigned owner)
{
    static const char *const roles[] = { "web", "db" };
    json_t *labels = json_object();

    add_label(labels, chance(95) ? owner : rnd(N_OWNERS));
    if (chance(60)) {
        json_object_set_new(labels, "role", json_string(PICK(roles)));
    }
    if (chance(15)) {
        add_label(labels, 2);   /* It is published. */
    }
    if (chance(10)) {
        json_object_set_new(labels, "admin/tier", json_string("0"));
    }
    return labels;
}

static json_t *
random_selector(void)
{
    static const char *const others[] = { "role=web", "role=db", "",
                                          "admin/tier", "shared=yes" };
    const char *const *label = owner_labels[random_owner()];

    return chance(75) ? json_sprintf("%s=%s%s", label[0], label[1],
                                     chance(50) ? "" : ",role=web")
                      : json_string(PICK(others));
}

static json_t *
random_cidr(void)
{
    unsigned n = rnd(N_OWNERS * N_NETWORKS);

    return chance(20) ? json_string("0.0.0.0/0")
                      : json_sprintf("10.%u.0.0/24", n);
}

/* Networks differ in their addresses, so that all may be joined. */
static json_t *
spec_network(unsigned owner, unsigned i)
{
    unsigned n = owner * N_NETWORKS + i;
    json_t *subnets = json_pack("[{s:o, s:o}]", "cidr",
                                json_sprintf("10.%u.0.0/24", n), "gateway",
                                json_sprintf("10.%u.0.1", n));
    json_t *spec = json_pack("{s:o, s:s}", "subnets", subnets, "default",
                             chance(20) ? "deny" : "allow");

    if (chance(60)) {
        json_object_set_new(spec, "isolation", json_string(
            chance(50) ? "promiscuous" : "isolated"));
    }
    if (asker < N_OWNERS && chance(25)) {
        json_array_append_new(subnets, json_pack("{s:s}", "cidr",
                                                 "9.9.9.0/24"));
    }
    if (asker < N_OWNERS && chance(15)) {
        json_object_set_new(spec, "provider", json_pack(
            "{s:s, s:i}", "physical", "dc", "vlan", 1 + (int) rnd(9)));
    }
    return spec;
}

/* Says where the port is to be: where it is, or to go elsewhere. */
static void
place_port(json_t *spec, unsigned owner, unsigned i)
{
    unsigned host = host_of(owner, i);

    if (chance(asker < N_OWNERS ? 5 : 15)) {
        json_object_set_new(spec, "host", json_sprintf("h%u", host));
    }
    if (chance(asker < N_OWNERS ? 5 : 10)) {
        json_object_set_new(spec, "migration", json_pack(
            "{s:o}", "to", json_sprintf("h%u", (host + 1) % N_HOSTS)));
    }
}

static json_t *
spec_port(unsigned owner, unsigned i)
{
    json_t *spec = json_pack("{s:o}", "network",
                             random_name("network", N_NETWORKS));

    place_port(spec, owner, i);

    if (chance(5)) {
        json_object_set_new(spec, "quarantined", json_true());
    }
    if (asker < N_OWNERS && chance(15)) {
        json_object_set_new(spec, "allowed_addresses", json_pack(
            "[{s:o}]", "ip", random_cidr()));
    }
    if (asker < N_OWNERS && chance(5)) {
        json_object_set_new(spec, "unknown", json_true());
    }
    if (chance(15)) {
        json_object_set_new(spec, "isolation", json_string(
            chance(50) ? "promiscuous" : "isolated"));
    } else if (chance(10)) {
        json_object_set_new(spec, "isolation", json_string("community"));
        json_object_set_new(spec, "community", json_string(
            chance(50) ? "x" : "y"));
    }
    if (chance(10)) {
        json_object_set_new(spec, "enabled", json_false());
    }
    return spec;
}

static json_t *
spec_group(unsigned owner OVS_UNUSED, unsigned i OVS_UNUSED)
{
    json_t *spec = json_object();

    if (chance(60)) {
        json_object_set_new(spec, "selector", random_selector());
    }
    if (chance(40)) {
        json_object_set_new(spec, "ports", random_names("port", N_PORTS, 1,
                                                        3));
    }
    if (chance(25)) {
        json_object_set_new(spec, "groups", random_names("group", N_OBJECTS,
                                                         1, 2));
    }
    if (chance(25)) {
        json_object_set_new(spec, "cidrs", json_pack("[o]", random_cidr()));
    }
    return spec;
}

static json_t *
spec_service(unsigned owner OVS_UNUSED, unsigned i OVS_UNUSED)
{
    return json_pack("{s:[{s:s, s:[s]}]}", "entries", "protocol", "tcp",
                     "ports", chance(40) ? "80" : chance(50) ? "443"
                     : "1-65535");
}

static json_t *
random_rule(bool has_action)
{
    static const char *const actions[] = { "allow", "deny", "pass" };
    json_t *rule = json_pack("{s:s}", "direction",
                             chance(60) ? "ingress" : "egress");

    if (has_action) {
        json_object_set_new(rule, "action", json_string(PICK(actions)));
    }
    if (chance(10)) {
        json_object_set_new(rule, "direction", json_string("egress"));
        json_object_set_new(rule, "peers", json_pack("[{s:s}]", "fqdn",
                                                     NOBODY_FQDN));
    } else if (chance(70)) {
        json_object_set_new(rule, "peers", chance(80)
            ? json_pack("[{s:o}]", "group", random_name("group", N_OBJECTS))
            : json_pack("[{s:o}]", "cidr", random_cidr()));
    }
    if (chance(10)) {           /* Always, said by a clock. */
        json_object_set_new(rule, "windows", json_pack(
            "[{s:[s, s, s, s, s, s, s], s:s, s:s}]", "days", "mon", "tue",
            "wed", "thu", "fri", "sat", "sun", "start", "00:00", "end",
            "24:00"));
    }
    if (chance(40)) {
        json_object_set_new(rule, "services", json_pack(
            "[{s:o}]", "service", random_name("service", N_OBJECTS)));
    }
    return rule;
}

static json_t *
random_rules(unsigned max, bool has_action)
{
    json_t *rules = json_array();

    for (unsigned n = rnd(max + 1); n; n--) {
        json_array_append_new(rules, random_rule(has_action));
    }
    return rules;
}

static json_t *
spec_policy(unsigned owner OVS_UNUSED, unsigned i OVS_UNUSED)
{
    static const char *const tiers[] = {
        "emergency", "security", "platform", "application", "application",
        "application", "baseline",
    };

    return json_pack("{s:s, s:i, s:o, s:o}", "tier", PICK(tiers), "priority",
                     (int) rnd(1000), "applies_to",
                     random_names("group", N_OBJECTS, 1, 2), "rules",
                     random_rules(3, true));
}

static json_t *
spec_quarantine(unsigned owner OVS_UNUSED, unsigned i OVS_UNUSED)
{
    json_t *spec = json_object();

    if (chance(50)) {
        json_object_set_new(spec, "selector", random_selector());
    } else {
        json_object_set_new(spec, "ports", random_names("port", N_PORTS, 1,
                                                        2));
    }
    if (chance(40)) {
        json_object_set_new(spec, "allow", random_rules(2, false));
    }
    return spec;
}

/* Each has an address of its own wherever it is, but for the first one of an
 * owner, which is the gateway there. */
static json_t *
spec_router(unsigned owner, unsigned i)
{
    json_t *interfaces = json_array();

    for (unsigned n = 0; n < N_OWNERS * N_NETWORKS; n++) {
        unsigned of = n / N_NETWORKS;

        if (chance(asker >= N_OWNERS ? 35 : of == asker ? 60 : 8)) {
            json_array_append_new(interfaces, json_pack(
                "{s:o, s:[o]}", "network", json_sprintf(
                    "%c-network-%u", owners[of], n % N_NETWORKS), "addresses",
                json_sprintf("10.%u.0.%u", n,
                             240 + owner * N_ROUTERS + i)));
        }
    }
    return json_pack("{s:o}", "interfaces", interfaces);
}

static json_t *
spec_balancer(unsigned owner, unsigned i OVS_UNUSED)
{
    unsigned n = owner * N_NETWORKS + rnd(N_NETWORKS);
    bool nobody = asker < N_OWNERS && chance(50);

    return json_pack("{s:o, s:o, s:[{s:i}], s:o}", "vip",
                     nobody ? json_string(NOBODY_IP)
                     : json_sprintf("10.%u.0.200", n), "networks",
                     random_names("network", N_NETWORKS, 1, 2), "ports",
                     "port", 80, "selector", random_selector());
}

/* Where copies go is a port of its own, so that it is a source of none as
 * often as not. */
static json_t *
spec_mirror(unsigned owner OVS_UNUSED, unsigned i OVS_UNUSED)
{
    json_t *spec = json_pack("{s:i}", "max_pps", (int) (1 + rnd(2000)));

    if (chance(50)) {
        json_object_set_new(spec, "ports", random_names("port", N_PORTS, 1,
                                                        3));
    }
    if (chance(40)) {
        json_object_set_new(spec, "groups", random_names("group", N_OBJECTS,
                                                         1, 2));
    }
    if (chance(40)) {
        json_object_set_new(spec, "selector", random_selector());
    }
    if (chance(30)) {
        json_t *policy = json_pack("{s:o}", "policy", random_name(
            "policy", N_OBJECTS));

        if (chance(50)) {
            json_object_set_new(policy, "rules",
                                json_pack("[i]", (int) rnd(3)));
        }
        json_object_set_new(spec, "policies", json_pack("[o]", policy));
    }
    if (chance(10)) {
        json_object_set_new(spec, "network", random_name("network",
                                                         N_NETWORKS));
    }
    if (chance(asker < N_OWNERS ? 5 : 30)) {
        json_object_set_new(spec, "networks", random_names("network",
                                                           N_NETWORKS, 1, 2));
    }
    if (chance(asker < N_OWNERS ? 5 : 60)) {
        json_object_set_new(spec, "to_port", random_name("port", N_PORTS));
    } else if (chance(asker < N_OWNERS ? 5 : 20)) {
        json_object_set_new(spec, "to_interface", json_string("ids0"));
    }
    return spec;
}

/* What tenants may not say is said by them, now and then. */
static bool
says_too_much(void)
{
    return chance(asker < N_OWNERS ? 5 : 30);
}

static json_t *
spec_qos_policy(unsigned owner OVS_UNUSED, unsigned i OVS_UNUSED)
{
    json_t *spec = json_pack("{s:[{s:s, s:i}]}", chance(50) ? "limits"
                             : "shared_limits", "direction",
                             chance(50) ? "egress" : "ingress", "max_pps",
                             (int) (1 + rnd(2000)));

    if (says_too_much()) {
        json_object_set_new(spec, "network", random_name("network",
                                                         N_NETWORKS));
    } else if (says_too_much()) {
        json_object_set_new(spec, "hosts", json_pack(
            "[o]", json_sprintf("h%u", rnd(N_HOSTS))));
    } else if (chance(50)) {
        json_object_set_new(spec, "ports", random_names("port", N_PORTS, 1,
                                                        3));
        return spec;
    }
    if (chance(60)) {
        json_object_set_new(spec, "selector", random_selector());
    }
    if (chance(40)) {
        json_object_set_new(spec, "dscp", json_integer(rnd(64)));
    } else if (chance(30)) {
        json_object_set_new(spec, "filters", json_pack("[{s:s}]", "protocol",
                                                       "tcp"));
    } else if (says_too_much()) {
        json_object_set_new(spec, "min_kbps", json_integer(100));
    }
    json_object_set_new(spec, "priority", json_integer(rnd(1001)));
    return spec;
}

static json_t *
spec_uplink(unsigned owner OVS_UNUSED, unsigned i OVS_UNUSED)
{
    return json_pack("{s:s, s:i}", "interface", "eth0", "max_kbps",
                     (int) (1000 + rnd(100000)));
}

static json_t *
spec_multicast(unsigned owner OVS_UNUSED, unsigned i OVS_UNUSED)
{
    json_t *spec = json_pack("{s:o, s:b}", "network",
                             random_name("network", N_NETWORKS),
                             "flood_unregistered", (int) chance(50));

    if (says_too_much()) {
        json_object_set_new(spec, "learn_routers", json_true());
    }
    if (says_too_much()) {
        json_object_set_new(spec, "routers", random_names("port", N_PORTS, 1,
                                                          1));
    }
    return spec;
}

static json_t *
spec_count(unsigned owner OVS_UNUSED, unsigned i OVS_UNUSED)
{
    return json_pack("{s:o}", "networks", random_names("network", N_NETWORKS,
                                                       1, 2));
}

/* A function is a port of its own, as that of a mirror. */
static json_t *
spec_chain(unsigned owner OVS_UNUSED, unsigned i OVS_UNUSED)
{
    json_t *spec = json_pack("{s:o, s:[{s:s, s:[{s:o}]}]}", "network",
                             random_name("network", N_NETWORKS), "hops",
                             "name", "hop", "functions", "in",
                             random_name("port", N_PORTS));

    if (chance(asker < N_OWNERS ? 80 : 50)) {
        json_object_set_new(spec, "sources", random_selector());
    }
    if (chance(asker < N_OWNERS ? 80 : 50)) {
        json_object_set_new(spec, "destinations", random_selector());
    }
    if (says_too_much()) {
        json_object_set_new(spec, "priority", json_integer(rnd(1001)));
    }
    return spec;
}

static json_t *
spec_monitor(unsigned owner OVS_UNUSED, unsigned i OVS_UNUSED)
{
    return json_pack("{s:o}", "group", random_name("group", N_OBJECTS));
}

static json_t *
spec_tier(unsigned owner OVS_UNUSED, unsigned i OVS_UNUSED)
{
    return json_pack("{s:i}", "position", (int) (2 + rnd(18)));
}

/* Requests.  ------------------------------------------------------------- */

const char *const tenants_apps[] = {
    "overlay", "firewall", "loadbalancer", "router", "mirrors", "qos",
    "multicast", "traffic", "chains", "monitors", NULL,
};

static const struct {
    const char *type;
    const char *what;
    unsigned n;                 /* Of each owner. */
    unsigned share;             /* Of the requests. */
    json_t *(*spec)(unsigned owner, unsigned i);
} kinds[] = {
    { "networks", "network", N_NETWORKS, 8, spec_network },
    { "ports", "port", N_PORTS, 20, spec_port },
    { "groups", "group", N_OBJECTS, 17, spec_group },
    { "services", "service", N_OBJECTS, 6, spec_service },
    { "tiers", "tier", 1, 2, spec_tier },
    { "policies", "policy", N_OBJECTS, 17, spec_policy },
    { "quarantines", "quarantine", N_OBJECTS, 8, spec_quarantine },
    { "routers", "router", N_ROUTERS, 8, spec_router },
    { "loadbalancers", "balancer", N_OBJECTS, 6, spec_balancer },
    { "mirrors", "mirror", N_OBJECTS, 8, spec_mirror },
    { "qos-policies", "limit", N_OBJECTS, 8, spec_qos_policy },
    { "qos-uplinks", "uplink", 1, 1, spec_uplink },
    { "multicast-networks", "snooping", N_OBJECTS, 6, spec_multicast },
    { "traffic-counts", "count", 1, 2, spec_count },
    { "chains", "chain", N_OBJECTS, 6, spec_chain },
    { "monitors", "monitor", 1, 2, spec_monitor },
};

static unsigned
all_shares(void)
{
    unsigned sum = 0;

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        sum += kinds[i].share;
    }
    return sum;
}

static void
add_put(struct model_request *request, size_t kind, unsigned owner,
        unsigned i)
{
    char *name = make_name(owner, kinds[kind].what, i);
    json_t *spec = kinds[kind].spec(owner, i);

    json_object_set_new(spec, "labels", random_labels(owner));
    model_request_add(request, MODEL_PUT,
                      schema_find_table(kinds[kind].type)->id, name, spec);
    free(name);
}

void
add_random(struct model_request *request)
{
    unsigned n = rnd(all_shares()), owner = random_owner();
    struct model_op *op;
    size_t kind = 0;
    char *name;

    while (n >= kinds[kind].share) {
        n -= kinds[kind++].share;
    }

    unsigned i = rnd(kinds[kind].n);

    if (!chance(15)) {
        add_put(request, kind, owner, i);
        return;
    }
    name = make_name(owner, kinds[kind].what, i);
    op = model_request_add(request, MODEL_DELETE,
                           schema_find_table(kinds[kind].type)->id, name,
                           NULL);
    op->missing_ok = true;
    op->cascade = chance(50);
    free(name);
}

void
add_network(struct model_request *request, unsigned owner, unsigned i)
{
    add_put(request, 0, owner, i);
}
