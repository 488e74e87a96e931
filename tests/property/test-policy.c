/* SPDX-License-Identifier: Apache-2.0
 *
 * Property test of the firewall: for random labels, groups, tiers, policies
 * and packets, what the simulator says of the compiled flows is what a plain
 * reading of the policies says (policy-text.c): of new connections, and of one
 * that has been open since before some edits.  Who is rejected is told.
 * Networks are joined by routers that come, go, and join others; where there
 * is a way, that makes no difference to policies.
 *
 * Usage: test-policy [SEED [CASES]].  The seed is printed. */

#include <config.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/apphost/apphost.h"
#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "controller/simulator/engine-net.h"
#include "controller/simulator/handler-reply.h"
#include "controller/simulator/simulator.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "packets.h"
#include "tests/property/policy-text.h"
#include "tests/property/setup.h"
#include "util.h"

#define N_HOSTS 3
#define N_NETWORKS 4            /* The last one has addresses of the first. */
#define N_ROUTERS 2
#define N_PORTS 14
#define N_GROUPS 7
#define N_SERVICES 3
#define N_TIERS 2
#define N_POLICIES 6
#define N_QUARANTINES 2

/* Packets between two edits, and connections that are open meanwhile. */
#define N_PACKETS 100
#define N_HELD 20

/* Random objects.  -------------------------------------------------------- */

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

/* The last part of a network's first address. */
static unsigned
network_base(unsigned network)
{
    return 8 * (network % (N_NETWORKS - 1));
}

static json_t *
spec_network(unsigned i)
{
    unsigned base = network_base(i);

    return json_pack("{s:[{s:o, s:o}, {s:o, s:o}], s:s}", "subnets",
                     "cidr", json_sprintf("10.0.0.%u/29", base),
                     "gateway", json_sprintf("10.0.0.%u", base + 1),
                     "cidr", json_sprintf("2001:db8::%x/125", base),
                     "gateway", json_sprintf("2001:db8::%x", base + 1),
                     "default", chance(25) ? "deny" : "allow");
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
    unsigned ip = network_base(network_of(i)) + 2 + i / N_NETWORKS;

    if (chance(80)) {
        json_object_set_new(labels, "role", json_string(PICK(roles)));
    }
    if (chance(50)) {
        json_object_set_new(labels, "env",
                            json_string(chance(50) ? "prod" : "test"));
    }
    return json_pack("{s:o, s:o, s:[o, o], s:b}", "network",
                     json_sprintf("n%u", network_of(i)), "labels", labels,
                     "ips", json_sprintf("10.0.0.%u", ip),
                     json_sprintf("2001:db8::%x", ip),
                     "quarantined", chance(4));
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

static json_t *
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

/* The state.  ------------------------------------------------------------- */

struct world {
    struct apphost *apphost;
    struct model *model;
    struct engine *engine;
    unsigned n_refused;
    unsigned joins[N_ROUTERS];  /* Bit N: network N. */
};

/* Applies a request and compiles.  Says so if it is refused. */
static bool
apply(struct world *world, struct model_request *request)
{
    bool ok = apply_request(world->model, request);

    model_request_uninit(request);
    if (ok && model_is_unsettled(world->model)) {
        engine_delta_destroy(engine_run(world->engine));
        model_settle(world->model);
    }
    return ok;
}

static void
put(struct model_request *request, enum vmn_table table, const char *prefix,
    unsigned i, json_t *spec)
{
    char *name = xasprintf("%s%u", prefix, i);

    model_request_add(request, MODEL_PUT, table, name, spec);
    free(name);
}

static void
plug(struct model_request *request, unsigned i)
{
    char *host = xasprintf("h%u", rnd(N_HOSTS));
    char *vif = xasprintf("%s/p%u", host, i);

    model_request_add(request, MODEL_PUT, VMN_TABLE_VIF, vif, json_pack(
        "{s:s, s:o, s:o, s:i, s:b}", "host", host, "iface_id",
        json_sprintf("p%u", i), "iface", json_sprintf("v%u", i), "ofport",
        (int) (1 + i), "link_up", 1));
    put(request, VMN_TABLE_BINDING, "p", i, json_pack("{s:s}", "host", host));
    free(vif);
    free(host);
}

/* Routers.  --------------------------------------------------------------- */

/* Where both routers are, the gateway is the first one. */
static void
add_interface(json_t *interfaces, unsigned network, bool is_gateway)
{
    unsigned ip = network_base(network) + 6;
    json_t *interface = json_pack("{s:o}", "network",
                                  json_sprintf("n%u", network));

    if (!is_gateway) {
        json_object_set_new(interface, "addresses", json_pack(
            "[o, o]", json_sprintf("10.0.0.%u", ip),
            json_sprintf("2001:db8::%x", ip)));
    }
    json_array_append_new(interfaces, interface);
}

/* To 'network', by way of the other router in network 'shared'. */
static void
add_routes(json_t *routes, unsigned network, unsigned shared, bool to_gateway)
{
    unsigned base = network_base(network);
    unsigned via = network_base(shared) + (to_gateway ? 1 : 6);

    json_array_append_new(routes, json_pack(
        "{s:o, s:[o]}", "destination", json_sprintf("10.0.0.%u/29", base),
        "via", json_sprintf("10.0.0.%u", via)));
    json_array_append_new(routes, json_pack(
        "{s:o, s:[o]}", "destination", json_sprintf("2001:db8::%x/125", base),
        "via", json_sprintf("2001:db8::%x", via)));
}

static json_t *
spec_router(const unsigned joins[N_ROUTERS], unsigned i)
{
    unsigned shared = joins[0] & joins[1];
    json_t *interfaces = json_array(), *routes = json_array();

    for (unsigned n = 0; n < N_NETWORKS; n++) {
        unsigned bit = 1u << n;

        if (joins[i] & bit) {
            add_interface(interfaces, n, !i || !(shared & bit));
        } else if (shared && joins[!i] & bit) {
            add_routes(routes, n, raw_ctz(shared), i);
        }
    }
    return json_pack("{s:o, s:o}", "interfaces", interfaces, "routes",
                     routes);
}

/* The routers join other networks than before.  If these have addresses in
 * common, that is to be refused. */
static bool
edit_routers(struct world *world)
{
    unsigned common = 1u | 1u << (N_NETWORKS - 1);
    unsigned joins[N_ROUTERS];
    struct model_request request;
    bool overlap, ok;

    for (int i = 0; i < N_ROUTERS; i++) {
        joins[i] = (chance(15) ? 0 : chance(50)
                    ? world->joins[i] ^ 1u << rnd(N_NETWORKS - 1)
                    : rnd(1 << (chance(90) ? N_NETWORKS - 1 : N_NETWORKS)));
    }
    overlap = ((joins[0] & common) == common || (joins[1] & common) == common
               || (joins[0] & joins[1]
                   && ((joins[0] | joins[1]) & common) == common));
    model_request_init(&request, "test");
    for (unsigned i = 0; i < N_ROUTERS; i++) {
        char name[16];

        snprintf(name, sizeof name, "x%u", i);
        if (joins[i]) {
            model_request_add(&request, MODEL_PUT, VMN_TABLE_ROUTER, name,
                              spec_router(joins, i));
        } else {
            model_request_add(&request, MODEL_DELETE, VMN_TABLE_ROUTER, name,
                              NULL)->missing_ok = true;
        }
    }
    ok = apply(world, &request);
    if (ok == overlap) {
        printf("# routers of %x and %x are %s\n", joins[0], joins[1],
               ok ? "taken" : "refused");
        return false;
    }
    if (ok) {
        memcpy(world->joins, joins, sizeof joins);
    }
    world->n_refused += !ok;
    return true;
}

/* What tells the domain of a network: 0 if it is one by itself. */
static unsigned
domain_of(const struct world *world, unsigned network)
{
    for (unsigned i = 0; i < N_ROUTERS; i++) {
        if (world->joins[i] >> network & 1) {
            return world->joins[0] & world->joins[1] ? 1 : 1 + i;
        }
    }
    return 0;
}

/* The routers between two networks, by their names; how many.  -1: no way. */
static int
find_way(const struct world *world, unsigned from, unsigned to,
         const char *way[N_ROUTERS])
{
    static const char *const names[N_ROUTERS] = { "x0", "x1" };
    unsigned first = !(world->joins[0] >> from & 1);

    if (from == to) {
        return 0;
    }
    way[0] = names[first];
    way[1] = names[!first];
    if (!domain_of(world, from)) {
        way[0] = NULL;
        return -1;
    }
    return (world->joins[first] >> to & 1 ? 1
            : world->joins[0] & world->joins[1]
              && world->joins[!first] >> to & 1 ? 2 : -1);
}

/* Edits.  ----------------------------------------------------------------- */

static const struct {
    enum vmn_table table;
    const char *prefix;
    unsigned n;
    unsigned share;             /* Of the edits. */
} tables[] = {
    { VMN_TABLE_NETWORK, "n", N_NETWORKS, 3 },
    { VMN_TABLE_PORT, "p", N_PORTS, 22 },
    { VMN_TABLE_GROUP, "g", N_GROUPS, 20 },
    { VMN_TABLE_SERVICE, "s", N_SERVICES, 10 },
    { VMN_TABLE_TIER, "t", N_TIERS, 5 },
    { VMN_TABLE_POLICY, "r", N_POLICIES, 32 },
    { VMN_TABLE_QUARANTINE, "q", N_QUARANTINES, 6 },
    { VMN_TABLE_OBSERVATION, "n", N_NETWORKS, 2 },
};

static bool
populate(struct world *world)
{
    struct model_request request;

    model_request_init(&request, "test");
    for (unsigned i = 0; i < N_HOSTS; i++) {
        bool both = chance(50);

        put(&request, VMN_TABLE_HOST, "h", i, json_pack(
            "{s:s, s:o, s:o*, s:s, s:s}", "ovsdb", "inbound", "tunnel_ip",
            json_sprintf(both ? "fd99::%u" : "192.0.2.%u", 1 + i),
            "second_tunnel_ip",
            both ? json_sprintf("192.0.2.%u", 1 + i) : NULL, "encap",
            chance(50) ? "geneve" : "vxlan", "datapath",
            i % 2 ? "system" : "netdev"));
    }
    for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
        for (unsigned i = 0; i < tables[t].n; i++) {
            if (tables[t].table != VMN_TABLE_POLICY
                && tables[t].table != VMN_TABLE_QUARANTINE) {
                put(&request, tables[t].table, tables[t].prefix, i,
                    random_spec(tables[t].table, i));
            }
        }
    }
    for (unsigned i = 0; i < N_PORTS; i++) {
        plug(&request, i);
    }
    return apply(world, &request);
}

/* One random edit, which may be refused.  False if one is that should not be,
 * or the other way round. */
static bool
edit(struct world *world)
{
    struct model_request request;
    unsigned n = rnd(100);
    size_t t = 0;

    if (chance(12)) {
        return edit_routers(world);
    }
    while (n >= tables[t].share) {
        n -= tables[t++].share;
    }

    unsigned i = rnd(tables[t].n);

    model_request_init(&request, "test");
    if ((tables[t].table == VMN_TABLE_POLICY && chance(20))
        || (tables[t].table == VMN_TABLE_QUARANTINE && chance(50))
        || (tables[t].table == VMN_TABLE_OBSERVATION && chance(50))) {
        char *name = xasprintf("%s%u", tables[t].prefix, i);

        model_request_add(&request, MODEL_DELETE, tables[t].table, name,
                          NULL)->missing_ok = true;
        free(name);
    } else {
        put(&request, tables[t].table, tables[t].prefix, i,
            random_spec(tables[t].table, i));
    }
    if (chance(10)) {
        plug(&request, rnd(N_PORTS));
    }
    world->n_refused += !apply(world, &request);
    return true;
}

/* Packets.  --------------------------------------------------------------- */

static const struct vmn_ip *
address_of(const struct vmn_port *port, uint8_t family)
{
    for (size_t i = 0; i < port->n_ips; i++) {
        if (port->ips[i].family == family) {
            return &port->ips[i];
        }
    }
    return NULL;
}

static void
random_packet(const struct world *world, struct text_packet *packet)
{
    static const uint16_t ports[] = { 80, 81, 83, 84, 95, 96, 6, 1000 };
    static const enum vmn_protocol protocols[] = {
        VMN_PROTO_TCP, VMN_PROTO_TCP, VMN_PROTO_UDP, VMN_PROTO_ICMP,
        VMN_PROTO_SCTP,
    };
    unsigned a = rnd(N_PORTS);
    unsigned b = (a + 1 + rnd(N_PORTS - 1)) % N_PORTS;
    bool v6 = chance(40);
    char name[16];

    snprintf(name, sizeof name, "p%u", a);
    packet->src = model_get(world->model, VMN_TABLE_PORT, name);
    snprintf(name, sizeof name, "p%u", b);
    packet->dst = model_get(world->model, VMN_TABLE_PORT, name);
    packet->src_ip = *address_of(packet->src, v6 ? 6 : 4);
    packet->dst_ip = *address_of(packet->dst, v6 ? 6 : 4);
    packet->protocol = PICK(protocols);
    packet->port = PICK(ports);
    packet->code = 0;
    if (packet->protocol == VMN_PROTO_ICMP) {
        packet->protocol = v6 ? VMN_PROTO_ICMPV6 : VMN_PROTO_ICMP;
        packet->port = v6 ? 128 : chance(70) ? 8 : 13;
        packet->code = chance(20);
    }
}

static unsigned
network_index(const struct vmn_port *port)
{
    return atoi(port->network + 1);
}

/* What the sender gives its packet: its own MAC, and that of the receiver or
 * of the router on the way there. */
static void
set_macs(const struct world *world, struct sim_packet *packet,
         const struct vmn_port *src, const struct vmn_port *dst)
{
    const char *way[N_ROUTERS] = { NULL, NULL };
    const struct vmn_mac *to = &dst->mac;

    if (find_way(world, network_index(src), network_index(dst), way)
        && way[0]) {
        const struct vmn_router *router = model_get(
            world->model, VMN_TABLE_ROUTER, way[0]);

        to = &router->mac;
    }
    memcpy(packet->flow.dl_src.ea, src->mac.ea, sizeof src->mac.ea);
    memcpy(packet->flow.dl_dst.ea, to->ea, sizeof to->ea);
}

/* The packet as the source's VM sends it. */
static void
make_packet(const struct world *world, const struct text_packet *text,
            struct sim_packet *packet)
{
    static const uint8_t protocols[] = {
        [VMN_PROTO_TCP] = IPPROTO_TCP, [VMN_PROTO_UDP] = IPPROTO_UDP,
        [VMN_PROTO_SCTP] = IPPROTO_SCTP, [VMN_PROTO_ICMP] = IPPROTO_ICMP,
        [VMN_PROTO_ICMPV6] = IPPROTO_ICMPV6,
    };
    struct flow *flow = &packet->flow;

    memset(packet, 0, sizeof *packet);
    set_macs(world, packet, text->src, text->dst);
    if (text->src_ip.family == 4) {
        flow->dl_type = htons(ETH_TYPE_IP);
        memcpy(&flow->nw_src, text->src_ip.addr, sizeof flow->nw_src);
        memcpy(&flow->nw_dst, text->dst_ip.addr, sizeof flow->nw_dst);
    } else {
        flow->dl_type = htons(ETH_TYPE_IPV6);
        memcpy(&flow->ipv6_src, text->src_ip.addr, sizeof flow->ipv6_src);
        memcpy(&flow->ipv6_dst, text->dst_ip.addr, sizeof flow->ipv6_dst);
    }
    flow->nw_ttl = 64;
    flow->nw_proto = protocols[text->protocol];
    if (text->protocol == VMN_PROTO_ICMP
        || text->protocol == VMN_PROTO_ICMPV6) {
        flow->tp_src = htons(text->port);
        flow->tp_dst = htons(text->code);
    } else {
        flow->tp_src = htons(40000 + rnd(1000));
        flow->tp_dst = htons(text->port);
        flow->tcp_flags = htons(text->protocol == VMN_PROTO_TCP ? TCP_SYN
                                : 0);
    }
    packet->tp_src = flow->tp_src;
    packet->tp_dst = flow->tp_dst;
    packet->tcp_flags = flow->tcp_flags;
    packet->icmp_id = 1 + rnd(1000);
}

/* The answer to 'packet', but for its MACs. */
static void
turn_packet(struct sim_packet *packet)
{
    struct flow *flow = &packet->flow;
    struct in6_addr ip6 = flow->ipv6_src;
    ovs_be32 ip = flow->nw_src;

    flow->nw_src = flow->nw_dst;
    flow->nw_dst = ip;
    flow->ipv6_src = flow->ipv6_dst;
    flow->ipv6_dst = ip6;
    if (flow->nw_proto == IPPROTO_ICMP) {
        flow->tp_src = htons(ntohs(flow->tp_src) == 8 ? 0 : 14);
    } else if (flow->nw_proto == IPPROTO_ICMPV6) {
        flow->tp_src = htons(129);
    } else {
        ovs_be16 port = flow->tp_src;

        flow->tp_src = flow->tp_dst;
        flow->tp_dst = port;
        flow->tcp_flags |= htons(flow->tcp_flags ? TCP_ACK : 0);
    }
    packet->tp_src = flow->tp_src;
    packet->tp_dst = flow->tp_dst;
    packet->tcp_flags = flow->tcp_flags;
}

/* Where a port is plugged in. */
static const struct vmn_vif *
find_vif(const struct world *world, const struct vmn_port *port)
{
    const struct vmn_binding *binding = model_get(
        world->model, VMN_TABLE_BINDING, port->row.name);
    char name[64];

    snprintf(name, sizeof name, "%s/%s", binding->host, port->row.name);
    return model_get(world->model, VMN_TABLE_VIF, name);
}

/* Whether what was sent last has arrived at 'dst', and no copy of it anywhere
 * else.  '*reason' is why not. */
static bool
has_arrived(const struct world *world, const struct simulator *sim,
            const struct vmn_port *dst, const char **reason)
{
    const struct vmn_vif *to = find_vif(world, dst);
    const struct sim_end *ends;
    unsigned n_here = 0;
    unsigned n_elsewhere = 0;
    size_t n = simulator_ends(sim, &ends);

    *reason = "nothing becomes of it";
    for (size_t i = 0; i < n; i++) {
        const struct sim_end *end = &ends[i];

        if (end->kind == SIM_OUTPUT && !strcmp(end->host, to->host)
            && end->port == to->ofport) {
            n_here++;
        } else if (end->kind == SIM_OUTPUT) {
            n_elsewhere++;
            *reason = "arrives elsewhere";
        } else if (end->kind == SIM_DROP) {
            /* Detours end in a flow that drops for no reason. */
            *reason = (!end->rule ? "no flow"
                       : end->rule->drop_reason ? end->rule->drop_reason
                       : *reason);
        } else {
            *reason = end->text ? end->text : "sent up";
        }
    }
    return n_here == 1 && !n_elsewhere;
}

/* Each router on the way from 'src' to 'dst', where the last packet has arrived,
 * takes one from the hop limit, and the last one puts its own MAC in. */
static bool
is_as_routed(const struct world *world, const struct simulator *sim,
             const struct sim_packet *sent, const struct vmn_port *src,
             const struct vmn_port *dst)
{
    const char *way[N_ROUTERS];
    int n_hops = find_way(world, network_index(src), network_index(dst), way);
    const struct vmn_mac *mac = &src->mac;
    const struct sim_end *ends;
    size_t n = simulator_ends(sim, &ends);

    if (n_hops > 0) {
        const struct vmn_router *router = model_get(
            world->model, VMN_TABLE_ROUTER, way[n_hops - 1]);

        mac = &router->mac;
    }
    for (size_t i = 0; i < n; i++) {
        const struct flow *flow = &ends[i].packet.flow;

        if (ends[i].kind == SIM_OUTPUT
            && (flow->nw_ttl != sent->flow.nw_ttl - n_hops
                || memcmp(flow->dl_src.ea, mac->ea, sizeof mac->ea)
                || memcmp(flow->dl_dst.ea, dst->mac.ea,
                          sizeof dst->mac.ea))) {
            return false;
        }
    }
    return true;
}

/* The same of a packet that 'src' sends, and whether it is as it should be. */
static bool
arrives(const struct world *world, struct simulator *sim,
        const struct vmn_port *src, const struct vmn_port *dst,
        const struct sim_packet *packet, const char **reason)
{
    const struct vmn_vif *from = find_vif(world, src);

    simulator_run(sim, from->host, from->ofport, packet);
    if (has_arrived(world, sim, dst, reason)
        && !is_as_routed(world, sim, packet, src, dst)) {
        *reason = "is not as it should be after its routers";
        return false;
    }
    return has_arrived(world, sim, dst, reason);
}

/* Whether the sender of a packet that was rejected last is told.  Errors about
 * SCTP have none of the ports that rules may name (docs/pipeline.md). */
static bool
is_told(const struct world *world, struct simulator *sim,
        const struct text_packet *text)
{
    const struct sim_end *ends;
    size_t n = simulator_ends(sim, &ends);
    struct handler_reply answer;
    const char *reason = "nothing was sent up";
    bool told = text->protocol == VMN_PROTO_SCTP;

    for (size_t i = 0; i < n && !told; i++) {
        if (ends[i].kind == SIM_PUNT) {
            reason = "there is no answer";
            told = (handler_reply_run(world->engine, world->model, sim,
                                      &ends[i], &answer)
                    && !answer.why_not
                    && has_arrived(world, sim, text->src, &reason));
            break;
        }
    }
    if (!told) {
        printf("# %s is not told that %s rejects protocol %u, %u: %s\n",
               text->src->row.name, text->dst->row.name, text->protocol,
               text->port, reason);
    }
    return told;
}

static bool
is_rejection(const char *reason)
{
    return !strcmp(reason, "rejected by rule");
}

/* True if routers join the networks of the two, or they are of one. */
static bool
has_way(const struct world *world, const struct text_packet *text)
{
    const char *way[N_ROUTERS];

    return find_way(world, network_index(text->src),
                    network_index(text->dst), way) >= 0;
}

/* What becomes of a packet between the two: there has to be a way, and
 * policies have to let it. */
static enum text_verdict
verdict_of(const struct world *world, const struct text_packet *text,
           char why[TEXT_WHY], unsigned kept[VMN_N_DIRECTIONS])
{
    if (!has_way(world, text)) {
        strcpy(why, "no way");
        return TEXT_DENIED;
    }
    return policy_text_verdict(world->model, text, why, kept);
}

/* True if the port's host tracks no connections of the protocol: SCTP on the
 * userspace datapath, where each packet is judged by itself. */
static bool
is_stateless(const struct world *world, const struct vmn_port *port,
             enum vmn_protocol protocol)
{
    const struct vmn_host *host = model_get(
        world->model, VMN_TABLE_HOST, find_vif(world, port)->host);

    return (protocol == VMN_PROTO_SCTP
            && host->datapath == VMN_DATAPATH_NETDEV);
}

struct tally {
    unsigned n, n_allowed, n_routed;
};

/* Checks the answer to 'packet', which was let through: it is as welcome, but
 * where its own rules decide.  Returns whether both agree. */
static bool
check_answer(const struct world *world, struct simulator *sim,
             const struct text_packet *text, struct sim_packet *packet)
{
    struct text_packet back = {
        .src = text->dst, .dst = text->src, .src_ip = text->dst_ip,
        .dst_ip = text->src_ip, .protocol = text->protocol,
        .port = ntohs(packet->tp_src),
    };
    bool here = is_stateless(world, text->src, text->protocol);
    bool there = is_stateless(world, text->dst, text->protocol);
    unsigned kept[VMN_N_DIRECTIONS];
    char why[TEXT_WHY] = "an answer";
    const char *reason;
    bool want = ((!here && !there)
                 || verdict_of(world, &back, why, kept) == TEXT_ALLOWED);
    bool found;

    turn_packet(packet);
    set_macs(world, packet, text->dst, text->src);
    found = arrives(world, sim, text->dst, text->src, packet, &reason);
    if (want == found || (!want && here != there)) {
        return true;            /* (One host's rules let it through.) */
    }
    printf("# answer of %s to %s, protocol %u, %u: to be %s (%s), is not "
           "(%s)\n", text->dst->row.name, text->src->row.name,
           text->protocol, text->port, want ? "let through" : "dropped", why,
           reason ? reason : "-");
    return false;
}

/* One case.  Returns whether both agree. */
static bool
check_packet(const struct world *world, struct simulator *sim,
             struct tally *tally)
{
    struct text_packet text = { .port = 0 };
    struct sim_packet packet;
    const char *reason;
    char why[TEXT_WHY];
    unsigned kept[VMN_N_DIRECTIONS];

    random_packet(world, &text);
    make_packet(world, &text, &packet);
    simulator_begin(sim);

    enum text_verdict verdict = verdict_of(world, &text, why, kept);
    bool want = verdict == TEXT_ALLOWED;
    bool found = arrives(world, sim, text.src, text.dst, &packet, &reason);

    tally->n++;
    tally->n_allowed += want;
    tally->n_routed += want && network_index(text.src)
                               != network_index(text.dst);
    /* (Without a way, it may be for somebody else of that address.) */
    if (!found && has_way(world, &text)
        && is_rejection(reason) != (verdict == TEXT_REJECTED)) {
        printf("# %s to %s, protocol %u, %u: %s, to be %s (%s)\n",
               text.src->row.name, text.dst->row.name, text.protocol,
               text.port, reason, verdict == TEXT_REJECTED ? "rejected"
               : "dropped", why);
        return false;
    }
    if (verdict == TEXT_REJECTED && !is_told(world, sim, &text)) {
        return false;
    }
    if (want != found) {
        printf("# %s to %s, protocol %u, %u: to be %s (%s), is not (%s)\n",
               text.src->row.name, text.dst->row.name, text.protocol,
               text.port, want ? "let through" : "dropped", why,
               reason ? reason : "-");
        return false;
    }
    return !want || check_answer(world, sim, &text, &packet);
}

/* Open connections.  ------------------------------------------------------ */

/* The hosts of now, for a simulator that outlives edits. */
static struct rule_set *const *
now_sets(void *now, const char *host, uint8_t table, size_t *n)
{
    const struct sim_net *net = now;

    return net->sets(net->aux, host, table, n);
}

static const struct ofputil_group_mod *
now_group(void *now, const char *host, uint32_t group_id)
{
    const struct sim_net *net = now;

    return net->group(net->aux, host, group_id);
}

static const char *
now_host_at(void *now, const struct in6_addr *ip)
{
    const struct sim_net *net = now;

    return net->host_at(net->aux, ip);
}

static bool
now_tunnel_ip(void *now, const char *host, bool v6, struct in6_addr *ip)
{
    const struct sim_net *net = now;

    return net->tunnel_ip(net->aux, host, v6, ip);
}

/* A connection that is open, and what its two hosts know of it. */
struct held {
    struct simulator *sim;      /* NULL: none is open. */
    struct sim_net now;
    struct text_packet text;
    struct sim_packet there, back;
    char names[2][16];          /* Of the source and the destination... */
    char hosts[2][16];          /* ...and where they were then. */
    unsigned domains[2];        /* Of both. */
    unsigned n_left;            /* Edits before it is closed. */
};

static void
held_close(struct held *held)
{
    simulator_destroy(held->sim);
    held->sim = NULL;
}

/* Opens a connection, if it is let through. */
static void
held_open(const struct world *world, struct held *held)
{
    const struct sim_net now = {
        &held->now, now_sets, now_group, now_host_at, now_tunnel_ip,
        NULL, NULL
    };
    struct text_packet *text = &held->text;
    unsigned kept[VMN_N_DIRECTIONS];
    const char *reason;
    char why[TEXT_WHY];

    memset(text, 0, sizeof *text);
    random_packet(world, text);
    if (verdict_of(world, text, why, kept) != TEXT_ALLOWED
        || is_stateless(world, text->src, text->protocol)
        || is_stateless(world, text->dst, text->protocol)) {
        return;
    }
    memcpy(text->kept, kept, sizeof kept);
    make_packet(world, text, &held->there);
    held->back = held->there;
    turn_packet(&held->back);
    set_macs(world, &held->back, text->dst, text->src);
    held->domains[0] = domain_of(world, network_index(text->src));
    held->domains[1] = domain_of(world, network_index(text->dst));
    held->sim = simulator_create(&now);
    simulator_begin(held->sim);
    ovs_strlcpy(held->names[0], text->src->row.name, 16);
    ovs_strlcpy(held->names[1], text->dst->row.name, 16);
    ovs_strlcpy(held->hosts[0], find_vif(world, text->src)->host, 16);
    ovs_strlcpy(held->hosts[1], find_vif(world, text->dst)->host, 16);
    held->n_left = 1 + rnd(6);
    if (!arrives(world, held->sim, text->src, text->dst, &held->there,
                 &reason)
        || !arrives(world, held->sim, text->dst, text->src, &held->back,
                    &reason)) {
        printf("# does not open\n");
        abort();
    }
    if (held->there.tcp_flags) {
        held->there.flow.tcp_flags = htons(TCP_ACK);
        held->there.tcp_flags = htons(TCP_ACK);
    }
}

static bool
held_agrees(const struct world *world, struct held *held)
{
    struct text_packet *text = &held->text;
    unsigned kept[VMN_N_DIRECTIONS];
    const char *reason;
    char why[TEXT_WHY];
    bool want = verdict_of(world, text, why, kept) == TEXT_ALLOWED;
    bool there, back;

    /* The way may be another by now. */
    set_macs(world, &held->there, text->src, text->dst);
    set_macs(world, &held->back, text->dst, text->src);
    there = arrives(world, held->sim, text->src, text->dst, &held->there,
                    &reason);
    back = arrives(world, held->sim, text->dst, text->src, &held->back,
                   &reason);

    if (want != there || want != back) {
        printf("# open, %s to %s, protocol %u, %u, kept %u, %u: to be %s (%s), "
               "is %s there and %s back (%s)\n", text->src->row.name,
               text->dst->row.name, text->protocol, text->port,
               text->kept[VMN_EGRESS], text->kept[VMN_INGRESS],
               want ? "let through" : "dropped", why, there ? "let through"
               : "dropped", back ? "let through" : "dropped", reason);
    }
    return want == there && want == back;
}

/* A port that has moved takes no connection along, nor does a network into
 * another domain. */
static bool
has_moved(const struct world *world, const struct held *held)
{
    const struct vmn_port *const ports[2] = { held->text.src,
                                              held->text.dst };

    for (int i = 0; i < 2; i++) {
        if (strcmp(find_vif(world, ports[i])->host, held->hosts[i])
            || domain_of(world, network_index(ports[i]))
               != held->domains[i]) {
            return true;
        }
    }
    return false;
}

/* After an edit: what was opened before is as the policies say. */
static bool
check_held(const struct world *world, struct held *held,
           const struct sim_net *now)
{
    bool ok = true;

    held->now = *now;
    if (held->sim) {
        struct text_packet *text = &held->text;

        text->src = model_get(world->model, VMN_TABLE_PORT, held->names[0]);
        text->dst = model_get(world->model, VMN_TABLE_PORT, held->names[1]);
        if (has_moved(world, held)) {
            held_close(held);
        } else {
            ok = held_agrees(world, held);
            if (!held->n_left--) {
                held_close(held);
            }
        }
    }
    if (ok && !held->sim) {
        held_open(world, held);
    }
    return ok;
}

/* What somebody needs who has to find out why the two disagree. */
static void
show(const struct world *world)
{
    for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
        struct vmn_names names = model_names(world->model, tables[t].table);

        for (size_t i = 0; i < names.n; i++) {
            const struct vmn_row *row = model_get(
                world->model, tables[t].table, names.names[i]);
            struct ds ds = DS_EMPTY_INITIALIZER;

            model_row_print(row, &(struct model_meta) { .revision = 1 }, &ds);
            printf("# %s\n", ds_cstr(&ds));
            ds_destroy(&ds);
        }
    }
}

static unsigned
run(struct world *world, unsigned n_cases)
{
    unsigned n_wrong = 0;
    struct tally tally = { 0, 0, 0 };
    struct held held[N_HELD];

    memset(held, 0, sizeof held);
    while (tally.n < n_cases && !n_wrong) {
        struct engine_net *net;
        struct sim_net hosts;
        struct simulator *sim;

        n_wrong += !edit(world);
        net = engine_net_create(world->engine, world->model);
        engine_net_get(net, &hosts);
        sim = simulator_create(&hosts);
        for (int i = 0; i < N_PACKETS; i++) {
            n_wrong += !check_packet(world, sim, &tally);
        }
        for (int i = 0; i < N_HELD; i++) {
            n_wrong += !check_held(world, &held[i], &hosts);
        }
        if (n_wrong) {
            show(world);
        }
        simulator_destroy(sim);
        engine_net_destroy(net);
    }
    for (int i = 0; i < N_HELD; i++) {
        held_close(&held[i]);
    }
    printf("# %u packets, %u to be let through, %u of them routed; %u edits "
           "refused\n", tally.n, tally.n_allowed, tally.n_routed,
           world->n_refused);
    return n_wrong;
}

int
main(int argc, char *argv[])
{
    unsigned seed = argc > 1 ? atoi(argv[1]) : 1;
    unsigned n_cases = argc > 2 ? atoi(argv[2]) : 100000;
    struct world world = { .apphost = load_apps(), .model = model_create() };
    unsigned n_wrong;

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_ERR);
    printf("# seed %u, %u cases\n", seed, n_cases);
    seed_random(seed);
    world.engine = engine_create(world.model,
                                 apphost_pipeline(world.apphost));
    engine_delta_destroy(engine_run(world.engine));
    while (!populate(&world)) {
        continue;               /* Groups in a loop, by chance. */
    }
    n_wrong = run(&world, n_cases);
    engine_destroy(world.engine);
    model_destroy(world.model);
    apphost_destroy(world.apphost);
    printf("%s\n", n_wrong ? "not ok" : "ok");
    return n_wrong != 0;
}
