/* SPDX-License-Identifier: Apache-2.0
 *
 * The router app on the real engine: which networks are one domain, and what
 * each host gets of routers. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/apps-fixture.h"
#include "tests/unit/apps-scenario.h"
#include "util.h"
#include "vmn/vocabulary.h"

static const char *const apps[] = {
    "overlay",
    "firewall",
    "loadbalancer",
    "router",
    NULL,
};

/* Domains.  -------------------------------------------------------------- */

/* Network N has 10.N.0.0/24. */
static void
put_network(struct ds *ds, int n)
{
    ds_put_format(ds, "%s'networks/n%d': {'subnets': [{'cidr':"
                  " '10.%d.%d.0/24'}]}", ds->length ? "," : "{", n, n / 256,
                  n % 256);
}

/* A router with an address in each of two networks, which ends in 'host'. */
static void
put_router(struct ds *ds, const char *name, int a, int b, int host)
{
    ds_put_format(ds, "%s'routers/%s': {'interfaces': [",
                  ds->length ? "," : "{", name);
    ds_put_format(ds, "{'network': 'n%d', 'addresses': ['10.%d.%d.%d']}", a,
                  a / 256, a % 256, host);
    ds_put_format(ds, ",{'network': 'n%d', 'addresses': ['10.%d.%d.%d']}]}",
                  b, b / 256, b % 256, host);
}

static void
apply(struct apps_fixture *f, struct ds *ds)
{
    ds_put_char(ds, '}');
    apps_fixture_apply(f, ds_cstr(ds));
    apps_fixture_check(f);
    ds_clear(ds);
}

static void
assert_domain(struct apps_fixture *f, const char *network,
              const char *expected)
{
    size_t size;
    char *domain = engine_peek(apps_fixture_engine(f), VMN_QUERY_DOMAIN,
                               network, &size);

    if (!expected) {
        assert_null(domain);
    } else {
        assert_non_null(domain);
        assert_string_equal(domain, expected);
    }
    free(domain);
}

static void
networks_that_routers_join_are_one_domain(void **state OVS_UNUSED)
{
    struct apps_fixture *f = apps_fixture_create(apps);
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (int i = 1; i <= 5; i++) {
        put_network(&ds, i);
    }
    put_router(&ds, "r", 1, 2, 1);
    put_router(&ds, "s", 3, 4, 1);
    apply(f, &ds);
    assert_domain(f, "n1", "@r");
    assert_domain(f, "n2", "@r");
    assert_domain(f, "n3", "@s");
    assert_domain(f, "n4", "@s");
    assert_domain(f, "n5", NULL);
    assert_domain(f, "none", NULL);

    put_router(&ds, "t", 2, 3, 2);
    apply(f, &ds);
    assert_domain(f, "n1", "@r");
    assert_domain(f, "n4", "@r");

    put_router(&ds, "a", 4, 5, 3);
    apply(f, &ds);
    assert_domain(f, "n1", "@a");
    assert_domain(f, "n5", "@a");

    ds_put_cstr(&ds, "{'routers/t': null");
    apply(f, &ds);
    assert_domain(f, "n2", "@r");
    assert_domain(f, "n3", "@a");
    ds_destroy(&ds);
    apps_fixture_destroy(f);
}

#define N_ROUTERS 1000

/* A change at one end of a long chain is known at the other, and is not paid
 * for by each router with a look at all the others. */
static void
large_domain_is_searched_by_few(void **state OVS_UNUSED)
{
    struct apps_fixture *f = apps_fixture_create(apps);
    struct ds ds = DS_EMPTY_INITIALIZER;
    char name[16];

    for (int i = 0; i <= N_ROUTERS; i++) {
        put_network(&ds, i);
    }
    for (int i = 0; i < N_ROUTERS; i++) {
        snprintf(name, sizeof name, "r%04d", N_ROUTERS - i);
        put_router(&ds, name, i, i + 1, i % 2 + 1);
    }
    apply(f, &ds);
    assert_domain(f, "n0", "@r0001");
    assert_domain(f, "n500", "@r0001");
    snprintf(name, sizeof name, "n%d", N_ROUTERS);
    assert_domain(f, name, "@r0001");

    put_network(&ds, N_ROUTERS + 1);
    put_router(&ds, "a", N_ROUTERS, N_ROUTERS + 1, 9);
    apply(f, &ds);
    assert_domain(f, "n0", "@a");
    ds_destroy(&ds);
    apps_fixture_destroy(f);
}

/* Flows.  ---------------------------------------------------------------- */

#define HOST(NAME, N)                                                       \
    "'hosts/" NAME "': {'ovsdb': 'unix:/" NAME "', 'tunnel_ip':"            \
    " '10.99.0." N "'}"
#define HOSTS HOST("h1", "1") "," HOST("h2", "2") "," HOST("h3", "3")
/* 10.0.N.0/24 and fd00:N::/64 with their gateways. */
#define NET(NAME, N)                                                        \
    "'networks/" NAME "': {'vni': " N ", 'subnets': [{'cidr':"              \
    " '10.0." N ".0/24', 'gateway': '10.0." N ".1'},"                       \
    " {'cidr': 'fd00:" N "::/64', 'gateway': 'fd00:" N "::1'}]}"
/* A port with addresses that end in I, and a MAC that does, too. */
#define PORT(NAME, NETWORK, N, I, HOST, MORE)                               \
    "'ports/" NAME "': {'network': '" NETWORK "', 'ips': ['10.0." N "." I   \
    "', 'fd00:" N "::" I "'], 'mac': '02:00:00:00:0" N ":0" I "'" MORE "}," \
    "'bindings/" NAME "': {'host': '" HOST "'},"                            \
    "'vifs/" HOST "/" NAME "': {'host': '" HOST "', 'iface_id': '" NAME "'," \
    " 'iface': 'tap', 'ofport': 1" N I "}"
#define ROUTER(NAME, MAC, INTERFACES, ROUTES)                               \
    "'routers/" NAME "': {'mac': '06:00:00:00:00:0" MAC "', 'interfaces': [" \
    INTERFACES "], 'routes': [" ROUTES "]}"
#define AT(NETWORK) "{'network': '" NETWORK "'}"
#define AT_AS(NETWORK, IP) \
    "{'network': '" NETWORK "', 'addresses': ['" IP "']}"

/* Two networks with a port each, and one without any. */
#define BASE                                                                \
    HOSTS "," NET("a", "1") "," NET("b", "2") "," NET("t", "3") ","         \
    PORT("p", "a", "1", "5", "h1", "") ","                                  \
    PORT("q", "b", "2", "5", "h2", "")

#define R "router.route"
#define HERE "reg10={router.router:r}"
#define ON(N) "goto_table:{TABLE:router.route/" N "}"
#define BACK(N) "resubmit(,{TABLE:router.route/" N "})"
/* To router NAME. */
#define HOP(NAME)                                                           \
    "set_field:{router.router:" NAME "}->reg10,"                            \
    "move:NXM_NX_REG11[0..23]->NXM_NX_REG11[1..24],"                        \
    "set_field:0x1/0x1->reg11," BACK("1")

static struct scenario scenarios[] = {
    { "hosts_of_the_domain_route_from_network_to_network", {
        { "{" BASE "," ROUTER("r", "f", AT("a") "," AT("b"), "") "}", {
            { "h1", "+" R "/0 100 reg0=0x1,reg3=0x1,dl_dst=06:00:00:00:00:0f "
              "actions=set_field:{router.router:r}->reg10,"
              "set_field:0->reg11,set_field:0x1->reg13," ON("1") },
            { "h1", "+" R
              "/0 100 reg0=0x2,reg3=0x1,dl_dst=06:00:00:00:00:0f " },
            { "h1", "+" R "/1 50 ip actions=dec_ttl,"
              "move:NXM_NX_REG0[]->NXM_NX_REG12[]," ON("2") },
            { "h1", "+" R "/2 3220 ip," HERE ",nw_dst=10.0.2.0/24 "
              "actions=set_field:0x2->reg0," ON("3") },
            { "h1", "+" R "/2 8420 ipv6," HERE ",ipv6_dst=fd00:2::/64 "
              "actions=set_field:0x2->reg0," ON("3") },
            { "h1", "+" R "/3 300 ip,reg0=0x2,nw_dst=10.0.2.5 "
              "actions=set_field:02:00:00:00:02:05->eth_dst," ON("4") },
            { "h1", "+" R "/3 300 ipv6,reg0=0x2,ipv6_dst=fd00:2::5 "
              "actions=set_field:02:00:00:00:02:05->eth_dst," ON("4") },
            { "h1", "+" R "/4 100 " HERE " actions="
              "set_field:06:00:00:00:00:0f->eth_src,"
              "set_field:0x2/0x2->reg9,goto_table:" },
            { "h2", "+" R "/3 300 ip,reg0=0x1,nw_dst=10.0.1.5 " },
            { "h3", "-" R "/1 50 ip" },
            { "h3", "-dl_dst=06:00:00:00:00:0f" },
        } },
        { "{'bindings/q': null}", {
            { "h1", "-nw_dst=10.0.2.5 " },
            { "h1", "+" R "/3 1 " HERE " actions=clone(set_field:0x" },
            { "h2", "-dl_dst=06:00:00:00:00:0f" },
        } },
        { "{'routers/r': null}", {
            { "h1", "-" R "/1 50 ip" }, { "h1", "-reg10={router.router:" },
        } },
    } },
    { "a_router_answers_for_its_addresses", {
        { "{" BASE "," ROUTER("r", "f", AT("a") "," AT_AS("b", "10.0.2.9"), "")
          "}", {
            { "h1", "+router.arp/0 100 arp,reg0=0x1,reg3=0x1,"
              "arp_tpa=10.0.1.1,arp_op=1 actions=" },
            { "h2", "+router.arp/0 100 arp,reg0=0x2,reg3=0x1,"
              "arp_tpa=10.0.2.9,arp_op=1 actions=" },
            { "h1", "-arp_tpa=10.0.2." },
            { "h2", "-arp_tpa=10.0.2.1," },
            { "h1", "+router.arp/0 100 icmp6,reg0=0x1,reg3=0x1,"
              "icmp_type=135,icmp_code=0,nd_target=fd00:1::1 actions="
              "move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],"
              "set_field:06:00:00:00:00:0f->eth_src,"
              "move:NXM_NX_IPV6_SRC[]->NXM_NX_IPV6_DST[],"
              "move:NXM_NX_IPV6_SRC[]->NXM_NX_ND_TARGET[],"
              "set_field:fd00:1::1->ipv6_src,"
              "set_field:06:00:00:00:00:0f->nd_sll,IN_PORT\n" },
            { "h1", "+router.arp/0 100 icmp6,reg0=0x1,reg3=0x1,"
              "icmp_type=135,icmp_code=0,nd_target=fe80::400:ff:fe00:f " },
            { "h2", "-nd_target=fe80::400:ff:fe00:f" },
            { "h1", "+" R "/1 200 ip," HERE ",nw_dst=10.0.2.9 "
              "actions=set_field:0xfffffffe->reg6,"
              "move:NXM_NX_REG13[]->NXM_NX_REG0[],goto_table:" },
            { "h1", "+" R "/1 200 ipv6," HERE ",ipv6_dst=fd00:1::1 " },
            { "h1", "+" R "/1 200 ipv6," HERE
              ",ipv6_dst=fe80::400:ff:fe00:f " },
            { "h1", "+router.local/0 100 icmp,reg6=0xfffffffe,icmp_type=8 " },
        } },
    } },
    { "a_router_answers_pings_as_a_host_does", {
        { "{" BASE "," ROUTER("r", "f", AT("a") "," AT("b"), "") "}", {
            { "h1", "+router.local/0 100 icmp,reg6=0xfffffffe,icmp_type=8 "
              "actions=push:NXM_OF_ETH_SRC[],push:NXM_OF_ETH_DST[],"
              "pop:NXM_OF_ETH_SRC[],pop:NXM_OF_ETH_DST[],"
              "push:NXM_OF_IP_SRC[],push:NXM_OF_IP_DST[],"
              "pop:NXM_OF_IP_SRC[],pop:NXM_OF_IP_DST[],"
              "set_field:64->nw_ttl,set_field:0->icmp_type,IN_PORT\n" },
            { "h1", "+router.local/0 100 icmp6,reg6=0xfffffffe,icmp_type=128 "
              "actions=push:NXM_OF_ETH_SRC[],push:NXM_OF_ETH_DST[],"
              "pop:NXM_OF_ETH_SRC[],pop:NXM_OF_ETH_DST[],"
              "push:NXM_NX_IPV6_SRC[],push:NXM_NX_IPV6_DST[],"
              "pop:NXM_NX_IPV6_SRC[],pop:NXM_NX_IPV6_DST[],"
              "set_field:64->nw_ttl,set_field:129->icmpv6_type,IN_PORT\n" },
        } },
    } },
    { "what_is_larger_than_the_next_network_takes_is_told_and_dropped", {
        { "{" BASE "," ROUTER("r", "f", AT("a") "," AT("small"), "") ","
          "'networks/small': {'vni': 9, 'mtu': 1300, 'subnets': [{'cidr':"
          " '10.0.9.0/24', 'gateway': '10.0.9.1'}]}}", {
            { "h1", "+" R "/4 110 reg0=0x9," HERE " actions="
              "check_pkt_larger(1314)->" },
            /* The packet is said to be larger than 1300 bytes: 0x514; and 1246
             * of these are wanted: 0x9bc0000 >> PUNT_SENDER_BITS. */
            { "h1", "+" R "/5 110 reg0=0x9,reg9=0x8/0x8," HERE " actions="
              "clone(set_field:0x" },
            { "h1", "+->tun_id,set_field:0x51409bc0000->metadata,"
              "resubmit(,246)),drop (larger than the MTU)\n" },
            { "h1", "+" R "/5 100 " HERE " actions="
              "set_field:06:00:00:00:00:0f->eth_src," },
        } },
    } },
    { "what_is_of_one_link_stays_there", {
        { "{" BASE "," ROUTER("r", "f", AT("a") "," AT("b"), "") "}", {
            { "h1", "+" R "/1 150 ipv6,ipv6_dst=fe80::/10 "
              "actions=drop (destination is not routed)\n" },
            { "h1", "+" R "/1 150 ip,nw_dst=169.254.0.0/16 "
              "actions=drop (destination is not routed)\n" },
            { "h1", "+" R "/1 149 ipv6,ipv6_src=fe80::/10 "
              "actions=drop (source is not routed)\n" },
            { "h1", "+" R "/1 150 icmp6,icmp_type=133 "
              "actions=drop (neighbour discovery is not routed)\n" },
            { "h1", "+" R "/1 150 icmp6,icmp_type=136 "
              "actions=drop (neighbour discovery is not routed)\n" },
        } },
    } },
    { "routes_go_to_next_hops_that_are_there", {
        { "{" BASE ","
          ROUTER("r", "f", AT("a") "," AT("b") "," AT("t"),
                 "{'destination': '0.0.0.0/0', 'via': ['10.0.2.5']},"
                 "{'destination': '::/0', 'via': ['fd00:3::9']},"
                 "{'destination': '10.0.4.0/24', 'via': ['10.0.3.2']},"
                 "{'destination': '10.9.0.0/16', 'source': '10.0.1.0/24',"
                 " 'via': ['10.0.2.5']},"
                 "{'destination': '10.9.0.0/16', 'blackhole': true}") ","
          ROUTER("s", "e", AT_AS("t", "10.0.3.2"), "") "}", {
            { "h1", "+" R "/2 100 ip," HERE " actions=set_field:0x2->reg0,"
              "set_field:02:00:00:00:02:05->eth_dst," BACK("4") },
            { "h1", "+" R "/2 100 ipv6," HERE
              " actions=clone(set_field:0x" },
            { "h1", "+" R "/2 3220 ip," HERE ",nw_dst=10.0.4.0/24 "
              "actions=set_field:0x3->reg0," HOP("s") },
            { "h1", "+" R "/2 2205 ip," HERE ",nw_src=10.0.1.0/24,"
              "nw_dst=10.9.0.0/16 actions=set_field:0x2->reg0," },
            { "h1", "+" R "/2 2180 ip," HERE ",nw_dst=10.9.0.0/16 "
              "actions=drop (blackhole route)" },
            { "h1", "+" R "/3 300 ip,reg0=0x3,nw_dst=10.0.3.2 actions="
              HOP("s") },
        } },
        { "{'ports/q': {'network': 'b', 'ips': ['10.0.2.5'],"
          " 'mac': '02:00:00:00:02:05', 'enabled': false}}", {
            { "h1", "+" R "/2 100 ip," HERE
              " actions=clone(set_field:0x" },
        } },
    } },
    { "next_hops_share_a_route_while_they_are_there", {
        { "{" BASE "," PORT("x", "b", "2", "6", "h3", "") ","
          ROUTER("r", "f", AT("a") "," AT("b") "," AT("t"),
                 "{'destination': '0.0.0.0/0',"
                 " 'via': ['10.0.2.5', '10.0.2.6', '10.0.3.2']}") ","
          ROUTER("s", "e", AT_AS("t", "10.0.3.2"), "") "}", {
            { "h1", "+" R "/2 100 ip," HERE
              " actions=group:" },
            { "h1", "+bucket=bucket_id:0,weight:1,actions=set_field:0x2->reg0,"
              "set_field:02:00:00:00:02:05->eth_dst," BACK("4") ","
              "bucket=bucket_id:1,weight:1,actions=set_field:0x2->reg0,"
              "set_field:02:00:00:00:02:06->eth_dst," BACK("4") ","
              "bucket=bucket_id:2,weight:1,actions=set_field:0x3->reg0,"
              HOP("s") },
        } },
        { "{'bindings/q': null}", {
            { "h1", "-bucket=bucket_id:0" }, { "h1", "+bucket=bucket_id:1" },
        } },
        { "{'routers/s': null}", {
            { "h1", "-bucket=" },
            { "h1", "+" R "/2 100 ip," HERE " actions=set_field:0x2->reg0,"
              "set_field:02:00:00:00:02:06->eth_dst," },
        } },
    } },
    { "allowed_addresses_are_neighbours", {
        { "{" BASE "," ROUTER("r", "f", AT("a") "," AT("b"),
                              "{'destination': '0.0.0.0/0',"
                              " 'via': ['10.0.2.100']}") ","
          PORT("v", "b", "2", "6", "h1", ", 'allowed_addresses': ["
               "{'ip': '10.0.2.100', 'mac': '00:00:5e:00:01:01'},"
               "{'ip': '10.7.0.0/16'}]") ","
          PORT("w", "b", "2", "7", "h2", ", 'allowed_addresses': ["
               "{'ip': '10.0.2.100', 'mac': '00:00:5e:00:01:01'}]") "}", {
            { "h1", "+" R "/3 132 ip,reg0=0x2,nw_dst=10.0.2.100 "
              "actions=set_field:00:00:5e:00:01:01->eth_dst," },
            { "h1", "+" R "/3 116 ip,reg0=0x2,nw_dst=10.7.0.0/16 "
              "actions=set_field:02:00:00:00:02:06->eth_dst," },
            { "h1", "+" R "/2 100 ip," HERE " actions=set_field:0x2->reg0,"
              "set_field:00:00:5e:00:01:01->eth_dst," },
        } },
        { "{" PORT("w", "b", "2", "7", "h2", ", 'allowed_addresses': ["
                   "{'ip': '10.0.2.100'}]") "}", {
            /* Two that share it: each gets a copy.  As a next hop, neither. */
            { "h1", "+" R "/3 132 ip,reg0=0x2,nw_dst=10.0.2.100 "
              "actions=set_field:00:00:5e:00:01:01->eth_dst,clone(" },
            { "h1", "+set_field:02:00:00:00:02:07->eth_dst," },
            { "h1", "+" R "/2 100 ip," HERE
              " actions=clone(set_field:0x" },
        } },
        { "{" PORT("w", "b", "2", "7", "h2", ", 'allowed_addresses': ["
                   "{'ip': '10.0.2.100', 'mac': '00:00:5e:00:01:01'},"
                   "{'ip': '10.0.2.100'}, {'ip': '10.7.0.0/16'}]") "}", {
            /* One MAC address that both may use. */
            { "h1", "+" R "/3 132 ip,reg0=0x2,nw_dst=10.0.2.100 "
              "actions=set_field:00:00:5e:00:01:01->eth_dst,goto" },
            /* Nobody has a whole prefix. */
            { "h1", "-" R "/3 116 " },
            { "h1", "+" R "/2 100 ip," HERE " actions=set_field:0x2->reg0,"
              "set_field:00:00:5e:00:01:01->eth_dst," },
        } },
    } },
};

static void
assert_shows(struct apps_fixture *f, const struct ds *lines, const char *text,
             bool expected)
{
    char *line = apps_fixture_expand(f, text);

    if (!strstr(ds_cstr_ro(lines), line) == expected) {
        fail_msg("%s is %s\n%s", line, expected ? "missing in" : "there in",
                 ds_cstr_ro(lines));
    }
    free(line);
}

/* Flows that have a way on, and no others; hosts need not be gateways. */
static void
what_is_routed_is_counted(void **state OVS_UNUSED)
{
    static const char *const counted[] = {
        /* Its networks. */
        R "/2 3220 ip," HERE ",nw_dst=10.0.1.0/24 ",
        R "/2 3220 ip," HERE ",nw_dst=10.0.2.0/24 ",
        R "/2 3220 ip," HERE ",nw_dst=10.0.3.0/24 ",
        R "/2 8420 ipv6," HERE ",ipv6_dst=fd00:1::/64 ",
        R "/2 8420 ipv6," HERE ",ipv6_dst=fd00:2::/64 ",
        R "/2 8420 ipv6," HERE ",ipv6_dst=fd00:3::/64 ",
        /* Routes by one next hop, by several, and by another router. */
        R "/2 2180 ip," HERE ",nw_dst=10.7.0.0/16 ",
        R "/2 2180 ip," HERE ",nw_dst=10.8.0.0/16 ",
        R "/2 3220 ip," HERE ",nw_dst=10.0.4.0/24 ",
        R "/2 2205 ip," HERE ",nw_src=10.0.1.0/24,nw_dst=10.9.0.0/16 ",
        /* The outside. */
        R "/2 50 ip," HERE " ",
        R "/2 50 ipv6," HERE " ",
    };
    static const char *const others[] = {
        R "/2 2180 ip," HERE ",nw_dst=10.6.0.0/16 actions=clone(",
        R "/2 2180 ip," HERE ",nw_dst=10.9.0.0/16 actions=drop (blackhole",
    };
    struct apps_fixture *f = apps_fixture_create(apps);
    struct ds lines = DS_EMPTY_INITIALIZER, all = DS_EMPTY_INITIALIZER;
    size_t n = 0;

    apps_fixture_apply(f, "{" BASE "," PORT("x", "b", "2", "6", "h3", "") ","
        "'networks/out': {'vni': 9, 'provider': {'physical': 'dc'},"
        " 'subnets': [{'cidr': '192.0.2.0/24', 'gateway': '192.0.2.1'},"
        " {'cidr': 'fd09::/64', 'gateway': 'fd09::1'}]},"
        "'routers/r': {'mac': '06:00:00:00:00:0f', 'interfaces': ["
        AT("a") "," AT("b") "," AT("t") "], 'external': {'network': 'out',"
        " 'addresses': ['192.0.2.9', 'fd09::9'],"
        " 'gateways': [{'host': 'h2'}]}, 'routes': ["
        "{'destination': '10.6.0.0/16', 'via': ['10.0.2.99']},"
        "{'destination': '10.7.0.0/16', 'via': ['10.0.2.5']},"
        "{'destination': '10.8.0.0/16', 'via': ['10.0.2.5', '10.0.2.6']},"
        "{'destination': '10.0.4.0/24', 'via': ['10.0.3.2']},"
        "{'destination': '10.9.0.0/16', 'source': '10.0.1.0/24',"
        " 'via': ['10.0.2.5']},"
        "{'destination': '10.9.0.0/16', 'blackhole': true}]},"
        ROUTER("s", "e", AT_AS("t", "10.0.3.2"), "") "}");
    apps_fixture_counted(f, "h1", &lines);
    apps_fixture_flows(f, "h1", false, &all);
    for (size_t i = 0; i < ARRAY_SIZE(counted); i++) {
        assert_shows(f, &lines, counted[i], true);
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        assert_shows(f, &all, others[i], true);
        assert_shows(f, &lines, others[i], false);
    }
    /* Of the other router the one network that it has. */
    assert_shows(f, &lines, R "/2 3220 ip,reg10={router.router:s},"
                 "nw_dst=10.0.3.0/24 ", true);
    for (const char *c = ds_cstr(&lines);
         (c = strstr(c, "router.")); c = strchr(c, '\n')) {
        n++;
    }
    assert_int_equal(n, ARRAY_SIZE(counted) + 1);
    ds_destroy(&all);
    ds_destroy(&lines);
    apps_fixture_destroy(f);
}

static size_t
count_flows(struct apps_fixture *f, const char *host)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t n = 0;

    apps_fixture_flows(f, host, false, &ds);
    for (const char *c = ds_cstr(&ds); *c; c++) {
        n += *c == '\n';
    }
    ds_destroy(&ds);
    return n;
}

/* Flows of a host with a port of the first network, where a router joins
 * 'n_networks' of 'n_ports' each, whose ports are elsewhere. */
static size_t
count_routed(int n_networks, int n_ports)
{
    struct apps_fixture *f = apps_fixture_create(apps);
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t n;

    ds_put_cstr(&ds, "{" HOSTS ",'ports/own': {'network': 'n1'},"
                "'bindings/own': {'host': 'h1'},"
                "'routers/r': {'interfaces': [");
    for (int i = 1; i <= n_networks; i++) {
        ds_put_format(&ds, "%s{'network': 'n%d'}", i > 1 ? "," : "", i);
    }
    ds_put_cstr(&ds, "]}");
    for (int i = 1; i <= n_networks; i++) {
        ds_put_format(&ds, ",'networks/n%d': {'subnets': [{'cidr':"
                      " '10.0.%d.0/24', 'gateway': '10.0.%d.1'}]}", i, i, i);
        for (int j = 1; j <= n_ports; j++) {
            ds_put_format(&ds, ",'ports/p%d-%d': {'network': 'n%d'},"
                          "'bindings/p%d-%d': {'host': 'h2'}", i, j, i, i, j);
        }
    }
    ds_put_char(&ds, '}');
    apps_fixture_apply(f, ds_cstr(&ds));
    n = count_flows(f, "h1");
    ds_destroy(&ds);
    apps_fixture_destroy(f);
    return n;
}

/* docs/pipeline.md tells these numbers. */
static void
a_network_costs_five_flows_and_a_port_three(void **state OVS_UNUSED)
{
    size_t base = count_routed(1, 0);

    for (int n = 1; n <= 9; n += 4) {
        for (int p = 0; p <= 6; p += 3) {
            /* Ports of the host's own network have an answer to ARP more, and
             * floods of it then go to the other host. */
            assert_int_equal(count_routed(n, p) - base,
                             5 * (n - 1) + 3 * n * p + p + (p > 0));
        }
    }
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(networks_that_routers_join_are_one_domain),
        cmocka_unit_test(large_domain_is_searched_by_few),
        cmocka_unit_test(what_is_routed_is_counted),
        cmocka_unit_test(a_network_costs_five_flows_and_a_port_three),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return (run_scenarios("router: flows", apps, scenarios,
                          ARRAY_SIZE(scenarios))
            + cmocka_run_group_tests_name("router: more", others, NULL,
                                          NULL));
}
