/* SPDX-License-Identifier: Apache-2.0
 *
 * The gateway app on the real engine: which flows the host has that is the
 * gateway of routers, of which families, and what routers share there.  What
 * becomes of packets is in tests/system/test_gateway.py. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "tests/unit/apps-fixture.h"
#include "util.h"

static const char *const apps[] = {
    "overlay",
    "firewall",
    "loadbalancer",
    "router",
    "gateway",
    NULL,
};

/* h1 is on the physical network, by port 41; "out" is there, and no VM. */
#define BASE \
    "'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1'," \
    " 'provider_bridges': [{'physical': 'dc', 'bridge': 'br-ex'}]}," \
    "'vifs/h1/@dc': {'host': 'h1', 'iface_id': '@dc'," \
    " 'iface': 'vmn-to-br-ex', 'ofport': 41}," \
    "'networks/out': {'vni': 9, 'provider': {'physical': 'dc', 'vlan': 7}," \
    " 'subnets': [{'cidr': '10.9.0.0/24', 'gateway': '10.9.0.1'}," \
    " {'cidr': 'fd09::/64', 'gateway': 'fd09::1'}]}," \
    "'networks/a': {'vni': 1, 'subnets': [" \
    " {'cidr': '10.0.1.0/24', 'gateway': '10.0.1.1'}," \
    " {'cidr': 'fd01::/64', 'gateway': 'fd01::1'}]}," \
    "'networks/b': {'vni': 2, 'subnets': [" \
    " {'cidr': '10.0.1.0/24', 'gateway': '10.0.1.1'}," \
    " {'cidr': 'fd01::/64', 'gateway': 'fd01::1'}]}"
/* A router of one network. */
#define ROUTER(NAME, MAC, NETWORK, ADDRESSES, MORE) \
    "'routers/" NAME "': {'mac': '0e:00:00:00:00:0" MAC "'," \
    " 'interfaces': [{'network': '" NETWORK "'}], 'external': {" \
    " 'network': 'out', 'addresses': [" ADDRESSES "]," \
    " 'gateways': [{'host': 'h1'}]" MORE "}}"

static char *
flows_of_h1(struct apps_fixture *f, const char *json)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    apps_fixture_apply(f, json);
    apps_fixture_check(f);
    apps_fixture_flows(f, "h1", false, &ds);
    return ds_steal_cstr(&ds);
}

/* How many lines start with 'what', which apps_fixture_expand() expands. */
static int
count(struct apps_fixture *f, const char *flows, const char *what)
{
    char *start = apps_fixture_expand(f, what);
    int n = 0;

    for (const char *line = flows; line && *line;
         line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        n += !strncmp(line, start, strlen(start));
    }
    free(start);
    return n;
}

static void
a_family_without_an_address_stays_inside(void **state OVS_UNUSED)
{
    struct apps_fixture *f = apps_fixture_create(apps);
    static const struct {
        const char *addresses;
        int v4, v6;
    } cases[] = {
        { "{" BASE "," ROUTER("r", "1", "a", "'10.9.0.9'", "") "}", 1, 0 },
        { "{" ROUTER("r", "1", "a", "'fd09::9'", "") "}", 0, 1 },
        { "{" ROUTER("r", "1", "a", "'fd09::9','10.9.0.9'", "") "}", 1, 1 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *flows = flows_of_h1(f, cases[i].addresses);

        assert_int_equal(count(f, flows, "router.route/2 50 ip,"),
                         cases[i].v4);
        assert_int_equal(count(f, flows, "router.route/2 50 ipv6,"),
                         cases[i].v6);
        assert_int_equal(count(f, flows,
                               "gateway.egress/2 80 ct_state=+new+trk,"
                               "ip,reg11="),
                         cases[i].v4);
        assert_int_equal(count(f, flows,
                               "gateway.egress/2 80 ct_state=+new+trk,"
                               "ipv6,reg11="),
                         cases[i].v6);
        assert_int_equal(count(f, flows, "gateway.external/0 100 arp,reg0=0x9,"
                               "arp_tpa=10.9.0.9"), cases[i].v4);
        assert_int_equal(count(f, flows,
                               "gateway.external/0 100 icmp6,reg0=0x9,"
                               "nw_ttl=255,icmp_type=135,"),
                         2 * cases[i].v6);
        free(flows);
    }
    apps_fixture_destroy(f);
}

static void
assert_has(const char *flows, const char *what)
{
    if (!strstr(flows, what)) {
        fail_msg("missing: %s\n%s", what, flows);
    }
}

/* Senders whose addresses end otherwise have other ports, whichever
 * gateway. */
static void
senders_share_no_ports(void **state OVS_UNUSED)
{
    struct apps_fixture *f = apps_fixture_create(apps);
    char *flows = flows_of_h1(f, "{" BASE ","
                              ROUTER("r", "1", "a", "'10.9.0.9','fd09::9'",
                                     ",'port_shares': 4") "}");

    /* 7,936 of those below 32768 each. */
    assert_has(flows, "nw_src=0.0.0.0/0.0.0.3,");
    assert_has(flows, "tp_src=0x0/0x8000 ");
    assert_has(flows, "nat(src=10.9.0.9:1024-8959)");
    assert_has(flows, "nat(src=10.9.0.9:24832-32767)");
    assert_has(flows, "ipv6_src=::1/::3,");
    assert_has(flows, "nat(src=[fd09::9]:8960-16895)");
    /* Others keep theirs. */
    assert_has(flows, "nat(src=10.9.0.9),exec(");
    free(flows);
    flows = flows_of_h1(f, "{" ROUTER("r", "1", "a", "'10.9.0.9'",
                                      ",'port_shares': 1") "}");
    assert_has(flows, "nat(src=10.9.0.9),exec(");
    assert_null(strstr(flows, "nat(src=10.9.0.9:"));
    free(flows);

    /* Strict, those above as well: 16,128 each. */
    flows = flows_of_h1(f, "{" ROUTER("r", "1", "a", "'10.9.0.9','fd09::9'",
                                      ",'port_shares': 4,"
                                      " 'strict_port_shares': true") "}");
    assert_has(flows, "nat(src=10.9.0.9:1024-17151)");
    assert_has(flows, "nat(src=[fd09::9]:49408-65535)");
    assert_null(strstr(flows, "/0x8000 "));
    assert_has(flows, ",udp,");
    free(flows);
    apps_fixture_destroy(f);
}

/* With one external network, and the same addresses inside. */
static void
routers_share_what_they_hear(void **state OVS_UNUSED)
{
    struct apps_fixture *f = apps_fixture_create(apps);
    char *flows = flows_of_h1(f, "{" BASE ","
                              ROUTER("r", "1", "a", "'10.9.0.9','fd09::9'", "")
                              "," ROUTER("s", "2", "b",
                                         "'10.9.0.8','fd09::8'",
                                         ",'exempt': ['::/0']") "}");

    assert_int_equal(count(f, flows, "gateway.external/0 80 arp,"), 1);
    assert_int_equal(count(f, flows, "gateway.external/0 80 icmp6,"), 1);
    assert_int_equal(count(f, flows, "gateway.external/0 85 icmp6,"), 1);
    assert_int_equal(count(f, flows, "gateway.ingress/0 115 icmp6,"), 2);
    /* Their own: the address and the link-local one. */
    for (int priority = 100; priority <= 120; priority += 10) {
        char *start = xasprintf("gateway.external/0 %d icmp6,", priority);

        assert_int_equal(count(f, flows, start), 4);
        free(start);
    }
    assert_int_equal(count(f, flows, "gateway.egress/2 90 ct_state=+new+trk,"
                           "ipv6,"), 1);
    free(flows);

    flows = flows_of_h1(f, "{'routers/r': null}");
    assert_int_equal(count(f, flows, "gateway.external/0 80 icmp6,"), 1);
    free(flows);
    flows = flows_of_h1(f, "{'routers/s': null}");
    assert_int_equal(count(f, flows, "gateway.external/0 8"), 0);
    assert_int_equal(count(f, flows, "gateway.ingress/0 115"), 0);
    free(flows);
    apps_fixture_destroy(f);
}

/* Two hosts more: h2, which is on the physical network as well, and h3, which
 * has a VM.  WATCHES are rows of what they have seen of each other. */
#define OTHERS \
    "'hosts/h2': {'ovsdb': 'unix:/h2', 'tunnel_ip': '10.99.0.2'," \
    " 'provider_bridges': [{'physical': 'dc', 'bridge': 'br-ex'}]}," \
    "'hosts/h3': {'ovsdb': 'unix:/h3', 'tunnel_ip': '10.99.0.3'}," \
    "'vifs/h2/@dc': {'host': 'h2', 'iface_id': '@dc'," \
    " 'iface': 'vmn-to-br-ex', 'ofport': 42}," \
    "'ports/p': {'network': 'a', 'mac': '02:00:00:00:00:01'," \
    " 'ips': ['10.0.1.9']}, 'bindings/p': {'host': 'h3'}," \
    "'routers/r': {'mac': '0e:00:00:00:00:01'," \
    " 'interfaces': [{'network': 'a'}], 'external': {'network': 'out'," \
    " 'addresses': ['10.9.0.9', 'fd09::9'], 'gateways': [" \
    " {'host': 'h1', 'priority': 1}, {'host': 'h2', 'priority': 2}]}}"
#define WATCHES(HOST, OTHER, OFPORT) \
    "'vifs/" HOST "/=" OTHER "': {'host': '" HOST "'," \
    " 'iface_id': '=" OTHER "', 'iface': 'vmnv" OTHER "'," \
    " 'ofport': " OFPORT ", 'link_up': true}"

static char *
groups_of(struct apps_fixture *f, const char *host)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    apps_fixture_groups(f, host, &ds);
    return ds_steal_cstr(&ds);
}

static char *
flows_of(struct apps_fixture *f, const char *host)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    apps_fixture_flows(f, host, false, &ds);
    return ds_steal_cstr(&ds);
}

/* How often 'what' is in 'text', which is freed. */
static int
times(char *text, const char *what)
{
    int n = 0;

    for (const char *p = text; p && (p = strstr(p, what)); p++) {
        n++;
    }
    free(text);
    return n;
}

/* A gateway that has not seen the one before it yet does not know that it is
 * down: then all is as with one that vmnd moves. */
static void
gateways_that_see_each_other_take_over(void **state OVS_UNUSED)
{
    struct apps_fixture *f = apps_fixture_create(apps);
    static const char failover[] = "type=fast_failover";
    static const char serves[] = "gateway.ingress/0 90 ip,reg0=0x9,reg9=0x80";

    free(flows_of_h1(f, "{" BASE "," OTHERS "," WATCHES("h1", "h2", "41002")
                     "}"));
    for (const char *host = "h1"; *host; host = (host[1] == '1' ? "h2"
                                                 : host[1] == '2' ? "h3"
                                                 : "")) {
        assert_int_equal(times(groups_of(f, host), failover), 0);
        assert_int_equal(times(flows_of(f, host), serves), 0);
    }
    free(flows_of_h1(f, "{" WATCHES("h2", "h1", "41001") ","
                     WATCHES("h2", "h3", "41003") "}"));
    /* What leads to them, and what h2 does with it. */
    assert_int_equal(times(groups_of(f, "h3"), failover), 1);
    assert_int_equal(times(groups_of(f, "h1"), failover), 1);
    assert_int_equal(times(groups_of(f, "h2"), failover), 3);
    assert_int_equal(times(groups_of(f, "h3"), "watch_port:40000"), 1);
    assert_int_equal(times(groups_of(f, "h2"), "watch_port:40000"), 1);
    assert_int_equal(times(flows_of(f, "h2"), serves), 1);
    assert_int_equal(times(flows_of(f, "h1"), serves), 0);

    /* One that is cut off comes last. */
    free(flows_of_h1(f, "{'vifs/h1/@dc': {'host': 'h1', 'iface_id': '@dc',"
                     " 'iface': 'vmn-to-br-ex', 'ofport': 41,"
                     " 'cut_off': true}}"));
    assert_int_equal(times(flows_of(f, "h2"), serves), 0);
    assert_int_equal(times(flows_of(f, "h1"), serves), 1);

    /* Where h2 alone is left, nothing fails over. */
    free(flows_of_h1(f, "{'vifs/h1/@dc': null}"));
    assert_int_equal(times(groups_of(f, "h3"), failover), 0);
    assert_int_equal(times(groups_of(f, "h2"), failover), 0);
    apps_fixture_destroy(f);
}

/* Which the host it goes to may have of another family: the kernel's datapath
 * takes no addresses of both. */
static void
what_is_relayed_forgets_its_tunnel(void **state OVS_UNUSED)
{
    struct apps_fixture *f = apps_fixture_create(apps);
    static const char relays[] = "set_field:0.0.0.0->tun_dst,"
        "set_field:::->tun_ipv6_dst,set_field:ANY->in_port,";

    free(flows_of_h1(f, "{" BASE "," OTHERS "," WATCHES("h1", "h2", "41002")
                     "," WATCHES("h2", "h1", "41001") ","
                     WATCHES("h2", "h3", "41003") "}"));
    assert_int_equal(times(flows_of(f, "h2"), relays), 0);
    free(flows_of_h1(f, "{'hosts/h6': {'ovsdb': 'unix:/h6',"
                     " 'tunnel_ip': 'fd99::6',"
                     " 'second_tunnel_ip': '10.99.0.66'}}"));
    assert_int_equal(times(flows_of(f, "h2"), relays), 1);
    assert_int_equal(times(flows_of(f, "h1"), relays), 0);
    apps_fixture_destroy(f);
}

/* The port of two floating addresses, of one family each, is on h1 and is to
 * come to h2, neither of them a gateway. */
#define MIGRATES \
    "'hosts/h2': {'ovsdb': 'unix:/h2', 'tunnel_ip': '10.99.0.2'," \
    " 'provider_bridges': [{'physical': 'dc', 'bridge': 'br-ex'}]}," \
    "'vifs/h2/@dc': {'host': 'h2', 'iface_id': '@dc'," \
    " 'iface': 'vmn-to-br-ex', 'ofport': 42}," \
    "'routers/r': {'mac': '0e:00:00:00:00:01'," \
    " 'interfaces': [{'network': 'a'}], 'external': {'network': 'out'," \
    " 'addresses': ['10.9.0.9', 'fd09::9'], 'gateways': [" \
    " {'host': 'h3'}]}}," \
    "'hosts/h3': {'ovsdb': 'unix:/h3', 'tunnel_ip': '10.99.0.3'}," \
    "'ports/p': {'network': 'a', 'mac': '02:00:00:00:00:01'," \
    " 'ips': ['10.0.1.9', 'fd01::9']}," \
    "'floating-ips/f4': {'router': 'r', 'ip': '10.9.0.21', 'port': 'p'}," \
    "'floating-ips/f6': {'router': 'r', 'ip': 'fd09::21', 'port': 'p'}," \
    "'vifs/h1/p': {'host': 'h1', 'iface_id': 'p', 'iface': 'tap1'," \
    " 'ofport': 11, 'link_up': true}," \
    "'vifs/h2/p': {'host': 'h2', 'iface_id': 'p', 'iface': 'tap2'," \
    " 'ofport': 12, 'link_up': true},"

/* How often 'what' is in the flows of each of both hosts. */
static void
assert_times(struct apps_fixture *f, const char *what, int h1, int h2)
{
    assert_int_equal(times(flows_of(f, "h1"), what), h1);
    assert_int_equal(times(flows_of(f, "h2"), what), h2);
}

/* Of two addresses of a port that is to go to h2, or is there. */
static void
assert_source_is_used(struct apps_fixture *f)
{
    /* The guest's announcement is passed on. */
    assert_times(f, "overlay.admit/3 160 rarp,", 0, 1);
    assert_times(f, "gateway.ingress/0 160 rarp,", 0, 1);
    /* By the other host, until the neighbour is known. */
    assert_times(f, "gateway.egress/4 125 ", 0, 2);
    assert_times(f, "gateway.egress/4 135 ", 0, 2);
    assert_times(f, "gateway.egress/4 115 ", 2, 0);
    /* Which asks for nobody in the address's name. */
    assert_times(f, "gateway.egress/4 122 ", 2, 0);
}

/* What the source's host does for the other one, and what the target's host
 * does before its guest has found its neighbours, change places when the port
 * is activated but for who they are; and nothing of it is left. */
static void
both_hosts_of_a_floating_address_that_migrates_serve_it(
    void **state OVS_UNUSED)
{
    struct apps_fixture *f = apps_fixture_create(apps);
    static const char *const bindings[] = {
        "'bindings/p': {'host': 'h1', 'candidate': 'h2'}}",
        "'bindings/p': {'host': 'h2', 'candidate': 'h1', 'activated': true}}",
    };
    static const char *const migrating[] = {
        "overlay.admit/3 160 rarp,",
        "gateway.ingress/0 160 ", "gateway.ingress/0 170 ",
        "gateway.egress/4 115 ", "gateway.egress/4 122 ",
        "gateway.egress/4 125 ", "gateway.egress/4 135 ",
    };

    for (int activated = 0; activated < 2; activated++) {
        char *json = xasprintf("{" BASE "," MIGRATES "%s",
                               bindings[activated]);

        free(flows_of_h1(f, json));
        free(json);
        /* Both take part in the network outside and in the transit. */
        assert_times(f, "gateway.ingress/0 100 ip,", 1, 1);
        assert_times(f, "gateway.ingress/0 100 ipv6,", 1, 1);
        assert_times(f, "overlay.admit/0 210 reg0=0,in_port=4", 1, 1);
        assert_times(f, "overlay.admit/1 100 tun_id=", 2, 2);
        /* The announcement, by one frame for both addresses; also where
         * something else has activated the port before. */
        assert_times(f, ",dl_dst=ff:ff:ff:ff:ff:ff,arp_spa=0.0.0.0,"
                     "arp_tpa=0.0.0.0,arp_op=3,arp_sha=02:00:00:00:00:01,"
                     "arp_tha=02:00:00:00:00:01 ", 0, 1);
        assert_times(f, "gateway.ingress/0 170 ", 4, 0);
        assert_source_is_used(f);
        /* Answers to each address's MAC, and to the host's that asks, or has
         * asked. */
        assert_times(f, "gateway.external/0 90 arp,", activated ? 2 : 3, 3);
        assert_times(f, "gateway.external/0 90 icmp6,", activated ? 2 : 3, 3);
    }
    /* The former host does not take the address for its own, nor announces
     * it. */
    free(flows_of_h1(f, "{'vifs/h1/p': null,"
                     "'bindings/p': {'host': 'h2', 'former': 'h1'}}"));
    assert_times(f, "gateway.ingress/0 100 ip,", 1, 1);
    assert_times(f, "gateway.ingress/0 170 ", 0, 0);
    assert_source_is_used(f);
    assert_times(f, "overlay.admit/1 100 tun_id=", 1, 2); /* The transit. */
    /* It has nothing else of the domain, whose flows it needs for that. */
    assert_times(f, "overlay.admit/2 510 ", 1, 1);
    free(flows_of_h1(f, "{'bindings/p': {'host': 'h2'}}"));
    for (size_t i = 0; i < ARRAY_SIZE(migrating); i++) {
        assert_times(f, migrating[i], 0, 0);
    }
    assert_times(f, "overlay.admit/2 510 ", 0, 1);
    assert_times(f, "gateway.ingress/0 100 ip,", 0, 1);
    assert_times(f, "gateway.external/0 90 arp,", 0, 3);
    apps_fixture_destroy(f);
}

/* How many flows for NAT of what leaves have 'what' in them. */
static int
count_nat_out(const char *flows, const char *what)
{
    static const char table[] = "gateway.egress/2 ";
    int n = 0;

    for (const char *p = flows; (p = strstr(p, what)); p++) {
        const char *line = p;

        while (line > flows && line[-1] != '\n') {
            line--;
        }
        n += !strncmp(line, table, strlen(table));
    }
    return n;
}

/* What conntrack was to translate and has not is dropped, but not what it was
 * not to: where the router or the destination is exempt; and what it has
 * before is not committed again. */
static void
nothing_leaves_untranslated(void **state OVS_UNUSED)
{
    struct apps_fixture *f = apps_fixture_create(apps);
    static const struct {
        const char *more;
        int exempt, routed;
    } cases[] = {
        { "", 0, 0 },
        { ",'exempt': ['192.0.2.0/24', 'fd77::/64']", 1, 0 },
        { ",'routed': true", 0, 1 },
    };
    static const char *const families[] = { "ip", "ipv6" };

    free(flows_of_h1(f, "{" BASE "}"));
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *json = xasprintf("{" ROUTER("r", "1", "a",
                                          "'10.9.0.9','fd09::9'", "%s") "}",
                               cases[i].more);
        char *flows = flows_of_h1(f, json);

        for (size_t j = 0; j < ARRAY_SIZE(families); j++) {
            char *dropped = xasprintf(
                "gateway.egress/3 500 ct_state=+new+trk-snat,%s,reg6=",
                families[j]);
            char *known = xasprintf(
                "gateway.egress/2 105 ct_state=-inv+trk,"
                "ct_mark=0x80000000/0x80000000,%s,", families[j]);

            assert_int_equal(count(f, flows, dropped), 1);
            assert_int_equal(count(f, flows, known), 1);
            free(dropped);
            free(known);
        }
        assert_int_equal(count_nat_out(flows, "->reg6,set_field:0x"),
                         2 * (cases[i].exempt + cases[i].routed));
        /* The next packets too, while there is no reply. */
        assert_int_equal(count_nat_out(flows, "->reg6,goto_table:"),
                         2 * (cases[i].exempt + cases[i].routed));
        free(flows);
        free(json);
    }
    apps_fixture_destroy(f);
}

/* Returns the match of the mark by which connections of "r" to 'port' outside
 * continue, while that is forwarded to 'target' of port p.  The caller frees
 * it. */
static char *
mark_of(struct apps_fixture *f, int port, int target)
{
    char *json = xasprintf(
        "{'ports/p': {'network': 'a', 'ips': ['10.0.1.5']},"
        ROUTER("r", "1", "a", "'10.9.0.9'", ", 'forwards': [{'protocol':"
               " 'tcp', 'port': %d, 'to': 'p', 'target': %d}]") "}",
        port, target);
    char *flows = flows_of_h1(f, json);
    const char *mark = strstr(flows, "nat(dst=10.0.1.5");
    char *found;

    assert_non_null(mark);
    while (mark > flows && strncmp(mark, "set_field:0x", 12)) {
        mark--;
    }
    mark += strlen("set_field:");
    found = xasprintf("ct_mark=%.*s,", (int) strcspn(mark, "-"), mark);
    assert_int_equal(times(flows, found), 2);   /* Both directions. */
    free(json);
    return found;
}

/* Whatever it is translated by, and again by the same. */
static void
connections_end_with_their_translation(void **state OVS_UNUSED)
{
    struct apps_fixture *f = apps_fixture_create(apps);
    char *first, *other_target, *other_port, *again;

    free(flows_of_h1(f, "{" BASE "}"));
    first = mark_of(f, 8080, 80);
    other_target = mark_of(f, 8080, 81);
    other_port = mark_of(f, 8081, 80);
    again = mark_of(f, 8080, 80);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other_target);
    assert_string_not_equal(first, other_port);
    assert_string_not_equal(other_target, other_port);
    free(first);
    free(other_target);
    free(other_port);
    free(again);
    apps_fixture_destroy(f);
}

/* Whatever commits a connection in a router's zone: addresses of the router,
 * floating ones, forwards, exempt prefixes, shares of ports. */
static void
each_mark_that_is_committed_continues(void **state OVS_UNUSED)
{
    static const char *const cases[] = {
        "", ",'port_shares': 1", ",'strict_port_shares': true",
        ",'exempt': ['192.0.2.0/24', 'fd77::/64']", ",'routed': true",
        ",'routed': true, 'exempt': ['192.0.2.0/24', 'fd77::/64']",
    };
    struct apps_fixture *f = apps_fixture_create(apps);

    free(flows_of_h1(f, "{" BASE "}"));
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *json = xasprintf(
            "{'ports/p': {'network': 'a', 'ips': ['10.0.1.5', 'fd01::5']},"
            "'floating-ips/f4': {'router': 'r', 'ip': '10.9.0.21',"
            " 'port': 'p'},"
            "'floating-ips/f6': {'router': 'r', 'ip': 'fd09::21',"
            " 'port': 'p'},"
            ROUTER("r", "1", "a", "'10.9.0.9','fd09::9'", ",'forwards': ["
                   "{'protocol': 'udp', 'port': 53, 'to': 'p'}]%s") "}",
            cases[i]);
        char *flows = flows_of_h1(f, json);
        int n = 0;

        for (const char *p = flows; (p = strstr(p, "reg11=0x3")); p++) {
            const char *set, *commit = strstr(p, "ct(commit,");
            char *mark;

            if (!commit || commit > strchr(p, '\n')) {
                continue;
            }
            n++;
            set = commit - strlen("->reg12,");
            assert_int_equal(strncmp(set, "->reg12,", strlen("->reg12,")), 0);
            while (*set != ':') {
                set--;
            }
            mark = xasprintf("ct_mark=%.*s,%s,", (int) strcspn(set + 1, "-"),
                             set + 1, p[-2] == '6' ? "ipv6" : "ip");
            assert_int_equal(times(xstrdup(flows), mark), 2);
            free(mark);
        }
        assert_in_range(n, 7, 200);
        free(flows);
        free(json);
    }
    apps_fixture_destroy(f);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_family_without_an_address_stays_inside),
        cmocka_unit_test(routers_share_what_they_hear),
        cmocka_unit_test(senders_share_no_ports),
        cmocka_unit_test(gateways_that_see_each_other_take_over),
        cmocka_unit_test(what_is_relayed_forgets_its_tunnel),
        cmocka_unit_test(nothing_leaves_untranslated),
        cmocka_unit_test(connections_end_with_their_translation),
        cmocka_unit_test(each_mark_that_is_committed_continues),
        cmocka_unit_test(
            both_hosts_of_a_floating_address_that_migrates_serve_it),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("gateway", tests, NULL, NULL);
}
