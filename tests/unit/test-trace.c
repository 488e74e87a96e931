/* SPDX-License-Identifier: Apache-2.0
 *
 * Traces, in names: rows in, with the built apps, and what becomes of packets
 * out.  What all ports can reach is in test-reachability.c. */

#include <config.h>

#include "tests/unit/trace-fixture.h"

#include <stdlib.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

static void
open_network_delivers(void **state)
{
    struct apps_fixture *f = create_shop("{" BASE "}");

    (void) state;
    traced(f, BOTH("web1", "db1", "5432"),
           "delivered | request delivered h3 db1");
    traced(f, BOTH("web2", "app1", "80"),
           "delivered | request delivered h2 app1");
    traced(f, PING("web1", "web2"), "delivered | request delivered h2 web2");
    traced(f, "{'from': 'web1', 'to': 'db1', 'protocol': 'sctp', "
           "'port': 2905, 'reply': true}",
           "delivered | request delivered h3 db1");
    traced(f, TCP("web1", "10.0.0.4", "1"),
           "delivered | request delivered h3 db1");
    traced(f, TCP("10.0.0.1", "10.0.0.4", "1"),
           "delivered | request delivered h3 db1");
    traced(f, TCP("web1", "10.0.0.9", "1"),
           "dropped | question for the address dropped h1 ARP for unknown "
           "address (overlay.base/)");
    apps_fixture_destroy(f);
}

/* Asserts that where the packet was dropped, and the step that did it, have
 * the policy (NULL: none, as there are several) as their object. */
static void
assert_drop_has_object(const json_t *trace, const char *policy)
{
    const json_t *outcome = json_array_get(json_object_get(trace, "outcomes"),
                                           0);
    const json_t *at = json_object_get(outcome, "at");
    const json_t *leg = json_array_get(json_object_get(outcome, "legs"), 0);
    const json_t *steps = json_object_get(leg, "steps");
    const json_t *step = json_array_get(steps, json_array_size(steps) - 1);

    assert_string_equal(json_string_value(json_object_get(step, "reason")),
                        "isolated");
    if (policy) {
        assert_true(json_equal(json_object_get(at, "object"),
                               json_object_get(step, "object")));
        assert_string_equal(json_string_value(json_object_get(
            json_object_get(at, "object"), "type")), "policies");
        assert_string_equal(json_string_value(json_object_get(
            json_object_get(at, "object"), "name")), policy);
    } else {
        assert_false(json_is_object(json_object_get(at, "object")));
        assert_false(json_is_object(json_object_get(step, "object")));
    }
}

/* Whatever group it is by, and whether or not one of them has a rule; but
 * neither shadows, nor those of other directions, of other tiers, or of groups
 * that are only peers. */
static void
all_policies_that_isolate_are_named(void **state)
{
    static const char *const traces[][3] = {
        { TCP("web1", "db1", "80"), "ingress", "db,outer" },
        { TCP("db1", "web1", "80"), "egress", "out" },
    };
    struct apps_fixture *f = create_shop(
        "{" BASE "," POLICY ", 'groups/all': {'groups': ['db']},"
        "'policies/outer': {'applies_to': ['all']},"
        "'policies/out': {'applies_to': ['db'], 'directions': ['egress']},"
        "'policies/none': {'applies_to': ['db'], 'directions': [],"
        " 'rules': [{'direction': 'ingress', 'action': 'deny',"
        " 'peers': [{'cidr': '10.9.0.0/24'}]}]},"
        "'policies/shadow': {'applies_to': ['db'], 'mode': 'shadow'},"
        "'policies/other': {'applies_to': ['web'], 'directions': [],"
        " 'rules': [{'direction': 'ingress', 'action': 'deny',"
        " 'peers': [{'group': 'db'}], 'services': [{'protocol': 'udp'}]}]}}");

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(traces); i++) {
        struct vmn_errors errors;
        json_t *trace;

        vmn_errors_init(&errors);
        trace = make_trace(f, traces[i][0], &errors);
        assert_non_null(trace);
        assert_isolated(json_object_get(json_array_get(json_object_get(
            trace, "outcomes"), 0), "at"), traces[i][1], traces[i][2]);
        assert_drop_has_object(trace, i ? "out" : NULL);
        json_decref(trace);
        vmn_errors_uninit(&errors);
    }
    apps_fixture_destroy(f);
}

static void
policy_decides_and_is_named(void **state)
{
    struct apps_fixture *f = create_shop("{" BASE "," POLICY "}");

    (void) state;
    traced(f, BOTH("app1", "db1", "5432"),
           "delivered | request delivered h3 db1");
    traced(f, TCP("app1", "db1", "80"), "dropped | request dropped h3 "
           "isolated (firewall.isolated/shop|ingress)");
    traced(f, TCP("web1", "db1", "5432"), "dropped | request dropped h3 "
           "isolated (firewall.isolated/shop|ingress)");
    traced(f, BOTH("db1", "web1", "80"),
           "delivered | request delivered h1 web1");
    traced(f, "{'from': 'app1', 'to': 'db1', 'protocol': 'tcp', "
           "'port': 5432, 'tcp_flags': 'syn-ack'}", "dropped | request "
           "dropped h2 invalid state (firewall.base/)");
    traced(f, "{'from': 'app1', 'to': 'db1', 'protocol': 'tcp', "
           "'port': 5432, 'fragment': 'later'}",
           "delivered | request delivered h3 db1");
    apps_fixture_apply(f, "{'policies/no': {'tier': 'security',"
                       " 'applies_to': ['app'], 'rules': ["
                       " {'direction': 'egress', 'action': 'deny'}]}}");
    traced(f, TCP("app1", "db1", "5432"), "dropped | request dropped h2 "
           "denied by rule (firewall.verdicts/no)");
    apps_fixture_destroy(f);
}

/* Returns "POLICY RULE ACTION", and "shadow", of each step of a rule, or
 * "POLICY isolate shadow". */
static char *
rules_of(const json_t *trace)
{
    const json_t *outcome = json_array_get(json_object_get(trace, "outcomes"),
                                           0);
    const json_t *leg = json_array_get(json_object_get(outcome, "legs"), 0);
    struct ds ds = DS_EMPTY_INITIALIZER;
    const json_t *step;
    size_t i;

    json_array_foreach (json_object_get(leg, "steps"), i, step) {
        if (json_object_get(step, "rule")) {
            ds_put_format(&ds, "%s%s %d %s%s", ds.length ? ", " : "",
                          text_of(json_object_get(step, "object"), "name"),
                          (int) json_integer_value(json_object_get(step,
                                                                   "rule")),
                          text_of(step, "rule_action"),
                          json_is_true(json_object_get(step, "shadow"))
                          ? " shadow" : "");
        } else if (json_is_true(json_object_get(step, "shadow"))) {
            ds_put_format(&ds, "%s%s isolate shadow", ds.length ? ", " : "",
                          text_of(json_object_get(step, "object"), "name"));
        }
    }
    return ds_steal_cstr(&ds);
}

static void
steps_tell_what_rules_do(void **state)
{
    struct apps_fixture *f = create_shop(
        "{" BASE "," POLICY ","
        "'policies/first': {'tier': 'security', 'applies_to': ['db'],"
        " 'rules': [{'direction': 'ingress', 'action': 'pass'}]},"
        "'policies/try': {'applies_to': ['db'], 'mode': 'shadow', 'rules': ["
        " {'direction': 'egress', 'action': 'allow'},"
        " {'direction': 'ingress', 'action': 'deny'}]},"
        "'policies/close': {'applies_to': ['app'], 'mode': 'shadow'}}");
    struct vmn_errors errors;
    json_t *trace;
    char *rules;

    (void) state;
    vmn_errors_init(&errors);
    trace = make_trace(f, TCP("app1", "db1", "5432"), &errors);
    assert_non_null(trace);
    rules = rules_of(trace);
    assert_string_equal(rules,
                        "first 0 pass, try 1 deny shadow, db 0 allow");
    free(rules);
    json_decref(trace);
    trace = make_trace(f, TCP("web1", "app1", "80"), &errors);
    rules = rules_of(trace);
    assert_string_equal(text_of(trace, "verdict"), "delivered");
    assert_string_equal(rules, "close isolate shadow");
    free(rules);
    json_decref(trace);
    vmn_errors_uninit(&errors);
    apps_fixture_destroy(f);
}

#define UDP(FROM, TO, PORT) "{'from': '" FROM "', 'to': '" TO "', " \
                            "'protocol': 'udp', 'port': " PORT "}"

static void
rejected_packets_are_answered(void **state)
{
    struct apps_fixture *f = create_shop(
        "{" BASE ", 'loadbalancers/www': {'vip': '10.0.0.100',"
        " 'networks': ['shop'], 'protocol': 'udp',"
        " 'ports': [{'port': 53, 'target': 5353}],"
        " 'backends': [{'port': 'app1'}]},"
        "'policies/in': {'tier': 'security', 'applies_to': ['app'], 'rules': ["
        " {'direction': 'ingress', 'action': 'reject'}]},"
        "'policies/out': {'tier': 'platform', 'applies_to': ['db'], 'rules': ["
        " {'direction': 'egress', 'action': 'reject'},"
        " {'direction': 'ingress', 'action': 'reject'}]}}");

    (void) state;
    /* Where it goes to, on this host and another; and where it comes from.
     * What the sender does not let in does not matter. */
    traced(f, TCP("web2", "app1", "80"), "dropped | request dropped h2 "
           "rejected by rule (firewall.verdicts/in)"
           " <- TCP reset delivered h2 web2");
    traced(f, TCP("web1", "app1", "80"), "dropped | request dropped h2 "
           "rejected by rule (firewall.verdicts/in)"
           " <- TCP reset delivered h1 web1");
    traced(f, UDP("web1", "app1", "80"), "dropped | request dropped h2 "
           "rejected by rule (firewall.verdicts/in)"
           " <- ICMP error 3/13 delivered h1 web1");
    traced(f, TCP("db1", "web1", "80"), "dropped | request dropped h3 "
           "rejected by rule (firewall.verdicts/out)"
           " <- TCP reset delivered h3 db1");
    traced(f, PING("db1", "web1"), "dropped | request dropped h3 "
           "rejected by rule (firewall.verdicts/out)"
           " <- ICMP error 3/13 delivered h3 db1");
    traced(f, UDP("web1", "10.0.0.100", "53"), "dropped | request dropped h2 "
           "rejected by rule (firewall.verdicts/in)"
           " <- ICMP error 3/13 delivered h1 web1");
    traced(f, "{'from': 'db1', 'to': 'web1', 'protocol': 'icmp', "
           "'icmp_type': 8, 'fragment': 'first'}", "dropped | request dropped"
           " h3 rejected by rule (firewall.verdicts/out)"
           " <- ICMP error 3/13 delivered h3 db1");

    /* Of one level: both drop. */
    apps_fixture_apply(
        f, "{'policies/in': {'applies_to': ['app'], 'rules': ["
        " {'direction': 'ingress', 'action': 'deny'}]},"
        "'policies/too': {'applies_to': ['app'], 'rules': ["
        " {'direction': 'ingress', 'action': 'deny'}]}}");
    traced(f, TCP("web1", "app1", "80"), "dropped | request dropped h2 "
           "denied by rule (firewall.verdicts/too)");
    apps_fixture_destroy(f);
}

static void
spoofed_and_quarantined_packets_are_dropped(void **state)
{
    struct apps_fixture *f = create_shop("{" BASE "}");

    (void) state;
    traced(f, "{'from': 'web1', 'to': 'db1', 'protocol': 'udp', 'port': 53, "
           "'source_ip': '10.0.0.2', "
           "'destination_mac': '02:00:00:00:00:04'}",
           "dropped | request dropped h1 spoofed (overlay.base/)");
    apps_fixture_apply(f, "{'ports/db1': {'network': 'shop',"
                       " 'ips': ['10.0.0.4'], 'mac': '02:00:00:00:00:04',"
                       " 'quarantined': true}}");
    traced(f, TCP("web1", "db1", "1"), "dropped | request dropped h3 "
           "quarantined (firewall.quarantined/shop)");
    traced(f, TCP("db1", "web1", "1"), "dropped | request dropped h3 "
           "quarantined (firewall.quarantined/shop)");
    apps_fixture_destroy(f);
}

/* Asserts what quarantines the ports of a dropped packet. */
static void
held(struct apps_fixture *f, const char *request, const char *by)
{
    struct vmn_errors errors;
    json_t *trace;

    vmn_errors_init(&errors);
    trace = make_trace(f, request, &errors);
    assert_non_null(trace);
    assert_quarantined(json_object_get(json_array_get(
        json_object_get(trace, "outcomes"), 0), "at"), by);
    json_decref(trace);
    vmn_errors_uninit(&errors);
}

/* Be it the sender, the receiver or both, and whoever has the same
 * identity. */
static void
quarantine_is_named(void **state)
{
    struct apps_fixture *f = create_shop(
        "{" BASE ", 'quarantines/case-7': {'ports': ['web1', 'web2'],"
        " 'allow': [{'direction': 'ingress',"
        "            'services': [{'protocol': 'tcp', 'ports': [22]}]}]},"
        "'quarantines/case-8': {'selector': 'tier=db'},"
        "'quarantines/other': {'selector': 'tier=none'}}");

    (void) state;
    held(f, TCP("web1", "app1", "80"), "quarantines/case-7");
    held(f, TCP("app1", "web2", "80"), "quarantines/case-7");
    held(f, TCP("app1", "10.0.0.2", "80"), "quarantines/case-7");
    held(f, TCP("web1", "db1", "80"),
         "quarantines/case-7,quarantines/case-8");
    held(f, TCP("app1", "web2", "22"), "");
    apps_fixture_apply(f, "{'quarantines/case-7': null,"
                       " 'ports/web1': {'network': 'shop',"
                       " 'ips': ['10.0.0.1'], 'mac': '02:00:00:00:00:01',"
                       " 'quarantined': true},"
                       " 'ports/web2': {'network': 'shop',"
                       " 'ips': ['10.0.0.2'], 'mac': '02:00:00:00:00:02',"
                       " 'quarantined': true}}");
    held(f, TCP("app1", "web2", "80"), "ports/web2");
    held(f, TCP("web1", "app1", "80"), "ports/web1");
    held(f, TCP("web1", "db1", "80"), "ports/web1,quarantines/case-8");
    apps_fixture_destroy(f);
}

static void
balancer_has_an_outcome_for_each_backend(void **state)
{
    struct apps_fixture *f = create_shop(
        "{" BASE ", 'loadbalancers/www': {'vip': '10.0.0.100',"
        " 'networks': ['shop'], 'protocol': 'tcp',"
        " 'ports': [{'port': 80, 'target': 8080}],"
        " 'backends': [{'port': 'web1'}, {'port': 'web2'}]}}");

    (void) state;
    traced(f, BOTH("app1", "www", "80"), "delivered"
           " | request delivered h1 web1 | request delivered h2 web2");
    traced(f, BOTH("web1", "10.0.0.100", "80"), "delivered"
           " | request delivered h1 web1 | request delivered h2 web2");
    traced(f, TCP("app1", "www", "81"), "dropped | request dropped h2 no "
           "such service at virtual IP "
           "(loadbalancer.address/shop|10.0.0.100) "
           "<- TCP reset delivered h2 app1");
    apps_fixture_destroy(f);
}

/* 'down' is a host that is. */
static const char *
host_problem(void *down, const char *host)
{
    return strcmp(host, down) ? NULL : "host is dead";
}

static const char *
path_problem(void *down OVS_UNUSED, const char *host, const char *peer)
{
    return (!strcmp(host, "h2") && !strcmp(peer, "h1") ? "path is down"
            : NULL);
}

static void
failed_hosts_and_paths_pass_no_packet(void **state)
{
    struct apps_fixture *f = create_shop(
        "{" BASE ", " POLICY ", 'loadbalancers/www': {'vip': '10.0.0.100',"
        " 'networks': ['shop'], 'protocol': 'tcp',"
        " 'ports': [{'port': 80, 'target': 8080}],"
        " 'backends': [{'port': 'web1'}, {'port': 'web2'}]}}");
    char h1[] = "h1", h2[] = "h2", none[] = "";
    struct sim_underlay of_h1 = { h1, host_problem, NULL, NULL };
    struct sim_underlay of_h2 = { h2, host_problem, NULL, NULL };
    struct sim_underlay of_path = { none, host_problem, path_problem,
                                    NULL };

    (void) state;
    traced_over(f, &of_h2, PING("web1", "app1"), "unreachable"
                " | request unreachable h2 host is dead (-)");
    traced_over(f, &of_h2, PING("app1", "web2"), "unreachable"
                " | request unreachable h2 host is dead (-)");
    traced_over(f, &of_h1, PING("app1", "web2"), "delivered"
                " | request delivered h2 web2");
    traced_over(f, &of_path, PING("web1", "app1"), "unreachable"
                " | reply unreachable h2 path is down (-)");
    traced_over(f, &of_path, PING("app1", "web2"), "delivered"
                " | request delivered h2 web2");
    traced_over(f, &of_h2, BOTH("db1", "www", "80"), "mixed"
                " | request delivered h1 web1"
                " | request unreachable h2 host is dead (-)");
    apps_fixture_destroy(f);
}

static void
ipv6_goes_the_same_way(void **state)
{
    struct apps_fixture *f = create_shop("{" BASE "," POLICY "}");

    (void) state;
    apps_fixture_apply(
        f, "{'networks/shop': {'vni': 100, 'subnets': [{'cidr': "
        "'10.0.0.0/24'}, {'cidr': '2001:db8::/64'}]},"
        PORT6("app1", "3", "'tier': 'app'") ","
        PORT6("db1", "4", "'tier': 'db'") ","
        PORT6("web1", "1", "'tier': 'web'") "}");
    traced(f, BOTH("app1", "2001:db8::4", "5432"),
           "delivered | request delivered h3 db1");
    traced(f, TCP("app1", "2001:db8::4", "80"), "dropped | request dropped "
           "h3 isolated (firewall.isolated/shop|ingress)");
    traced(f, PING("db1", "2001:db8::1"),
           "delivered | request delivered h1 web1");
    traced(f, TCP("app1", "2001:db8::9", "80"), "dropped | question for the "
           "address dropped h2 ND for unknown address (overlay.base/)");
    traced(f, "{'from': 'app1', 'to': '2001:db8::4', 'protocol': 'udp',"
           " 'port': 53, 'source_ip': '2001:db8::1',"
           " 'destination_mac': '02:00:00:00:00:04'}", "dropped | request "
           "dropped h2 spoofed (overlay.port/app1)");
    /* A given source says by which family. */
    traced(f, "{'from': 'app1', 'to': 'db1', 'protocol': 'tcp', 'port': 5432,"
           " 'source_ip': '2001:db8::3'}",
           "delivered | request delivered h3 db1");
    refused(f, "{'from': 'app1', 'to': '10.0.0.4', 'protocol': 'icmp',"
            " 'source_ip': '2001:db8::3'}", "/source_ip: must be an IPv4 "
            "address, as that of \"to\" is");
    refused(f, "{'from': 'app1', 'to': 'web2', 'protocol': 'icmp',"
            " 'source_ip': '2001:db8::3'}", "/to: port \"web2\" has no IPv6 "
            "address, as source_ip is");

    /* So does ICMPv6. */
    traced(f, "{'from': 'app1', 'to': 'db1', 'protocol': 'icmpv6',"
           " 'icmp_type': 128, 'icmp_code': 0, 'reply': true,"
           " 'source_ip': '2001:db8::4'}",
           "dropped | question for the address dropped h2 spoofed "
           "(overlay.port/app1)");
    traced(f, "{'from': 'db1', 'to': 'web1', 'protocol': 'icmpv6',"
           " 'reply': true}", "delivered | request delivered h1 web1");
    refused(f, "{'from': 'app1', 'to': 'web2', 'protocol': 'icmpv6'}",
            "/to: ports \"app1\" and \"web2\" do not both have an IPv6 "
            "address, as icmpv6 takes");
    refused(f, "{'from': 'app1', 'to': '10.0.0.4', 'protocol': 'icmpv6'}",
            "/to: must have an IPv6 address, as icmpv6 takes");
    refused(f, "{'from': 'app1', 'to': 'db1', 'protocol': 'icmpv6',"
            " 'source_ip': '10.0.0.3'}",
            "/source_ip: must be an IPv6 address, as icmpv6 takes");
    apps_fixture_destroy(f);
}

/* Guests without an address, and packets for all on the link. */
static void
broadcast_and_multicast_have_no_next_hop(void **state)
{
    struct apps_fixture *f = create_shop("{" BASE "}");

    (void) state;
#define FROM(SOURCE, TO)                                                \
    "{'from': 'web1', 'to': '" TO "', 'source_ip': '" SOURCE "',"       \
    " 'protocol': 'udp', 'source_port': 68, 'port': 67}"
    traced(f, FROM("0.0.0.0", "255.255.255.255"), "dropped | request dropped "
           "h1 no DHCP here (overlay.base/)");
    traced(f, FROM("0.0.0.0", "10.0.0.4"),
           "dropped | request dropped h1 spoofed (overlay.base/)");
    traced(f, FROM("10.0.0.1", "255.255.255.255"),
           "delivered | request delivered h2 web2");
    traced(f, FROM("10.0.0.1", "10.0.0.255"),
           "delivered | request delivered h2 web2");
    traced(f, FROM("10.0.0.1", "224.0.0.251"),
           "delivered | request delivered h2 web2");
    traced(f, FROM("fe80::1", "ff02::1:2"),
           "dropped | request dropped h1 no IPv6 address (overlay.base/)");
    refused(f, FROM("0.0.0.0", "0.0.0.0"), "/to: must be a unicast or "
            "multicast address, or 255.255.255.255");
    refused(f, FROM("0.0.0.0", "240.0.0.1"), "/to: must be a unicast or "
            "multicast address, or 255.255.255.255");
    refused(f, FROM("255.255.255.255", "10.0.0.4"),
            "/source_ip: must be a unicast address, 0.0.0.0 or ::");
    refused(f, FROM("ff02::1", "10.0.0.4"),
            "/source_ip: must be a unicast address, 0.0.0.0 or ::");
    /* No guest answers such a ping. */
    traced(f, "{'from': 'web1', 'to': '255.255.255.255', 'protocol': 'icmp',"
           " 'reply': true}", "delivered | request delivered h2 web2");
#undef FROM
    apps_fixture_destroy(f);
}

static void
steps_tell_the_way(void **state)
{
    struct apps_fixture *f = create_shop("{" BASE "," POLICY "}");
    struct vmn_errors errors;
    const json_t *step;
    bool tunnel = false, tracked = false, rule = false;
    json_t *trace, *steps;
    size_t i;

    (void) state;
    vmn_errors_init(&errors);
    trace = make_trace(f, TCP("app1", "db1", "5432"), &errors);
    steps = json_object_get(json_array_get(json_object_get(
        json_array_get(json_object_get(trace, "outcomes"), 0), "legs"), 0),
        "steps");
    assert_string_equal(text_of(json_array_get(steps, 0), "stage"),
                        "overlay.admit");
    assert_string_equal(text_of(json_array_get(steps, 0), "owner"),
                        "overlay.port/app1");
    json_array_foreach (steps, i, step) {
        tunnel |= !strcmp(text_of(step, "kind"), "tunnel")
                  && !strcmp(text_of(step, "to"), "h3");
        tracked |= !strcmp(text_of(step, "state"), "new|trk");
        rule |= !strcmp(text_of(step, "owner"), "firewall.verdicts/db")
                && json_object_get(step, "conjunction");
    }
    assert_true(tunnel && tracked && rule);
    json_decref(trace);
    vmn_errors_uninit(&errors);
    apps_fixture_destroy(f);
}

/* Network "shop" on VLAN 7 of a physical network, which web2's host, too,
 * has a way to, and db1's has not. */
#define WIRE                                                                \
    "'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1',"           \
    " 'provider_bridges': [{'physical': 'dc', 'bridge': 'br-ex'}]},"        \
    "'hosts/h2': {'ovsdb': 'unix:/h2', 'tunnel_ip': '10.99.0.2',"           \
    " 'provider_bridges': [{'physical': 'dc', 'bridge': 'br-ex'}]},"        \
    "'vifs/h1/@dc': {'host': 'h1', 'iface_id': '@dc',"                      \
    " 'iface': 'vmn-to-br-ex', 'ofport': 41},"                              \
    "'vifs/h2/@dc': {'host': 'h2', 'iface_id': '@dc',"                      \
    " 'iface': 'vmn-to-br-ex', 'ofport': 42},"                              \
    "'networks/shop': {'vni': 100, 'subnets': [{'cidr': '10.0.0.0/24'}],"   \
    " 'provider': {'physical': 'dc', 'vlan': 7}},"                          \
    "'ports/metal': {'network': 'shop', 'ips': ['10.0.0.50'],"              \
    " 'mac': '02:00:00:00:00:50', 'external': true,"                        \
    " 'labels': {'role': 'metal'}}"

static void
physical_networks_lead_to_other_hosts_and_outside(void **state)
{
    struct apps_fixture *f = create_shop("{" BASE "," WIRE "}");

    (void) state;
    traced(f, BOTH("web1", "web2", "80"),
           "delivered | request delivered h2 web2");
    traced(f, BOTH("web2", "web1", "80"),
           "delivered | request delivered h1 web1");
    traced(f, BOTH("web1", "metal", "80"),
           "delivered | request delivered h1 @dc");
    traced(f, TCP("web1", "db1", "80"),
           "dropped | request dropped h1 @dc");
    traced(f, TCP("db1", "web1", "80"),
           "dropped | request dropped h3 no bridge to the physical network "
           "(overlay.network/shop)");

    /* Where it goes, policies of there hold. */
    apps_fixture_apply(f, "{'groups/metal': {'selector': 'role=metal'},"
                       "'policies/web': {'applies_to': ['web'], 'rules': ["
                       " {'direction': 'ingress', 'action': 'allow',"
                       "  'peers': [{'group': 'metal'}]}]}}");
    traced(f, TCP("web1", "web2", "80"),
           "dropped | request dropped h2 isolated "
           "(firewall.isolated/shop|ingress)");
    traced(f, BOTH("web1", "metal", "80"),
           "delivered | request delivered h1 @dc");
    apps_fixture_destroy(f);
}

static void
wrong_requests_are_refused(void **state)
{
    struct apps_fixture *f = create_shop("{" BASE "}");

    (void) state;
    refused(f, "[]", ": must be an object: {\"from\", \"to\", \"protocol\", "
            "...}");
    refused(f, "{'from': 'web1', 'to': 'db1', 'protocol': 'tcp'}",
            "/port: is required");
    refused(f, "{'from': 'web1', 'to': 'db1', 'protocol': 'icmp', "
            "'port': 1}", "/port: cannot be combined with icmp");
    refused(f, TCP("web1", "db1", "0"),
            "/port: must be a number from 1 to 65535");
    refused(f, "{'from': 'web1', 'to': 'db1', 'protocol': 'gre'}",
            "/protocol: must be \"tcp\", \"udp\", \"sctp\", \"icmp\" or "
            "\"icmpv6\"");
    refused(f, "{'form': 'web1', 'to': 'db1', 'protocol': 'icmp'}",
            "/form: unknown field");
    refused(f, TCP("web9", "db1", "1"), "/from: port \"web9\" not found");
    refused(f, TCP("shop", "db1", "1"), "/from: \"shop\" is a network, which "
            "sends nothing: give a port, its address, or \"outside\"");
    refused(f, TCP("10.0.0.9", "db1", "1"), "/from: no port has address "
            "10.0.0.9; what somebody outside sends is from \"outside\", with "
            "that as \"source_ip\"");
    apps_fixture_apply(f, "{'networks/twin': {'subnets':"
                       " [{'cidr': '10.0.0.0/24'}]},"
                       "'ports/twin': {'network': 'twin',"
                       " 'ips': ['10.0.0.1']}}");
    refused(f, TCP("10.0.0.1", "db1", "1"), "/from: ports \"web1\" and "
            "\"twin\" of different networks have address 10.0.0.1: give the "
            "name");
    apps_fixture_apply(f, "{'ports/new': {'network': 'shop'}}");
    refused(f, TCP("new", "db1", "1"), "/from: port \"new\" is on no host "
            "that is known to have its interface");
    apps_fixture_destroy(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_network_delivers),
        cmocka_unit_test(policy_decides_and_is_named),
        cmocka_unit_test(steps_tell_what_rules_do),
        cmocka_unit_test(all_policies_that_isolate_are_named),
        cmocka_unit_test(rejected_packets_are_answered),
        cmocka_unit_test(spoofed_and_quarantined_packets_are_dropped),
        cmocka_unit_test(quarantine_is_named),
        cmocka_unit_test(balancer_has_an_outcome_for_each_backend),
        cmocka_unit_test(failed_hosts_and_paths_pass_no_packet),
        cmocka_unit_test(ipv6_goes_the_same_way),
        cmocka_unit_test(broadcast_and_multicast_have_no_next_hop),
        cmocka_unit_test(steps_tell_the_way),
        cmocka_unit_test(physical_networks_lead_to_other_hosts_and_outside),
        cmocka_unit_test(wrong_requests_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
