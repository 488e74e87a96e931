/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of rules about names in DNS: the flows that follow from rows, and
 * from zones.  Not for where the rows come from (test-fqdn-addresses,
 * tests/system/test_fqdn_policy.py). */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/apps-rows.h"
#include "tests/unit/apps-scenario.h"
#include "util.h"

static const char *const apps[] = { "overlay", "router", "firewall", "dns",
                                   NULL };

/* Two networks that a router joins, and a VM in each. */
#define ROUTED                                                              \
    "'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1'},"          \
    "'networks/north': {'vni': 100, 'subnets': [{'cidr': '10.0.0.0/24',"    \
    " 'gateway': '10.0.0.254'}]},"                                          \
    "'networks/south': {'vni': 200, 'subnets': [{'cidr': '10.0.1.0/24',"    \
    " 'gateway': '10.0.1.254'}]},"                                          \
    "'routers/r': {'interfaces': [{'network': 'north'},"                    \
    " {'network': 'south'}]},"                                              \
    PORT("n1", "north", "1", "h1", "5", "'in': 'north'") ","                \
    "'ports/s1': {'network': 'south', 'ips': ['10.0.1.2'],"                 \
    " 'mac': '02:00:00:00:00:02', 'labels': {'in': 'south'}},"              \
    "'bindings/s1': {'host': 'h1'},"                                        \
    "'vifs/h1/s1': {'host': 'h1', 'iface_id': 's1', 'iface': 'tap',"        \
    " 'ofport': 6},"                                                        \
    GROUP("north", "in=north") "," GROUP("both", "in in (north, south)")

#define TO_API(GROUP_)                                                      \
    "'policies/p': {'applies_to': ['" GROUP_ "'], 'rules': [{'direction':"  \
    " 'egress', 'action': 'allow', 'peers': [{'fqdn': 'api.example.com'}]}]}"

static struct scenario scenarios[] = {
    { "rule_matches_the_addresses_of_a_name_in_dns", {
        { "{" BASE "," TIERS "," GROUP("none", "no=one") ","
          " 'policies/p': {'tier': 'security', 'applies_to': ['web'], 'rules':"
          " [{'direction': 'egress', 'action': 'allow', 'peers': [{'fqdn':"
          " 'api.example.com'}]}]}}", {
            /* Nobody, as long as none is known. */
            { "h1", "-conjunction(" } } },
        { "{'fqdns/api.example.com': {'state': 'resolved', 'ips':"
          " ['192.0.2.1', '192.0.2.4', '2001:db8::1']}}", {
            { "h1", "+firewall.policy/5 32799 conj_id=1 actions=" },
            { "h1", "+firewall.policy/5 32799 ct_state=-inv+trk,"
              "ct_nw_dst=192.0.2.1,ip," SHOP " actions=conjunction(1,2/2)" },
            { "h1", "+ct_nw_dst=192.0.2.4," },
            { "h1", "+ct_ipv6_dst=2001:db8::1," } } },
        /* The rule stays the same one. */
        { "{'fqdns/api.example.com': {'state': 'failing', 'ips':"
          " ['192.0.2.4']}}", {
            { "h1", "+firewall.policy/5 32799 conj_id=1 actions=" },
            { "h1", "+ct_nw_dst=192.0.2.4," },
            { "h1", "-ct_nw_dst=192.0.2.1," },
            { "h1", "-ct_ipv6_dst=2001:db8::1," } } },
        { "{'fqdns/api.example.com': null}", { { "h1", "-conjunction(" } } },
    } },
    /* Copies of questions come up, of these ports, on their host. */
    { "wildcard_has_addresses_of_its_row_and_questions_come_up", {
        { "{" BASE "," TIERS ","
          " 'policies/p': {'tier': 'security', 'applies_to': ['web'], 'rules':"
          " [{'direction': 'egress', 'action': 'allow', 'peers': [{'fqdn':"
          " '*.example.com'}]}]}}", {
            { "h1", "-conjunction(" },
            { "h1", "+firewall.track/0 120 udp,reg1=0x1,reg3=0x1,reg5=" },
            { "h1", "+firewall.track/0 120 udp6,reg1=0x1,reg3=0x1,reg5=" } } },
        { "{'fqdns/*.example.com': {'state': 'resolved', 'ips':"
          " ['192.0.2.1'], 'names': ['a.example.com']}}", {
            { "h1", "+ct_nw_dst=192.0.2.1," } } },
        /* A network elsewhere does not matter, one of the domain does. */
        { "{'networks/elsewhere': {'vni': 900, 'subnets': [{'cidr':"
          " '192.0.2.0/24'}]}}", {
            { "h1", "+ct_nw_dst=192.0.2.1," } } },
        { "{'networks/shop': {'vni': 100, 'subnets': [{'cidr': '10.0.0.0/24'},"
          " {'cidr': '192.0.2.0/24'}]}}", {
            { "h1", "-ct_nw_dst=192.0.2.1,ip," SHOP },
            { "h1", "+ct_nw_dst=192.0.2.1,ip,reg5={zone:policy/other}" } } },
        { "{'networks/shop': {'vni': 100, 'subnets': [{'cidr':"
          " '10.0.0.0/24'}]}}", {
            { "h1", "+ct_nw_dst=192.0.2.1,ip," SHOP } } },
        /* Whoever is quarantined says nothing to anybody. */
        { "{'ports/web1': {'network': 'shop', 'ips': ['10.0.0.1'], 'mac':"
          " '02:00:00:00:00:01', 'labels': {'tier': 'web'}, 'quarantined':"
          " true},"
          " 'ports/web2': {'network': 'shop', 'ips': ['10.0.0.2'], 'mac':"
          " '02:00:00:00:00:02', 'labels': {'tier': 'web'}, 'quarantined':"
          " true}}", {
            { "h2", "+ct_nw_dst=192.0.2.1,ip," SHOP },
            { "h2", "-firewall.track/0 120 udp," } } },
        { "{'policies/p': {'tier': 'security', 'applies_to': ['web'], 'rules':"
          " [{'direction': 'egress', 'action': 'allow', 'peers': [{'fqdn':"
          " 'a.example.com'}]}]}}", {
            { "h1", "-firewall.track/0 120" },
            { "h1", "-conjunction(" } } },
    } },
    { "rule_matches_what_zones_of_the_domain_say_of_a_name", {
        { "{" BASE "," TIERS ","
          " 'dns-zones/z': {'domain': 'shop.example', 'networks': ['shop'],"
          "  'records': [{'name': 'db', 'type': 'CNAME', 'values':"
          "  ['web2.shop.example']}]},"
          " 'dns-zones/other': {'domain': 'shop.example', 'networks':"
          "  ['other'], 'records': [{'name': 'db', 'type': 'A', 'values':"
          "  ['198.51.100.1']}]},"
          " 'policies/p': {'tier': 'security', 'applies_to': ['app'], 'rules':"
          " [{'direction': 'egress', 'action': 'allow', 'peers': [{'fqdn':"
          " 'db.shop.example'}]}]}}", {
            { "h1", "+ct_nw_dst=10.0.0.2,ip," SHOP " actions=conjunction(1," },
            { "h1", "-198.51.100.1" } } },
        { "{'dns-zones/z': null}", { { "h1", "-conjunction(" } } },
    } },
    /* Networks behind a router, each with zones of somebody else: rules are
     * the domain's, so what they say must be the same. */
    { "zones_of_one_network_open_nothing_in_another_of_its_domain", {
        { "{" ROUTED ","
          " 'dns-zones/a': {'domain': 'example.com', 'networks': ['north'],"
          "  'records': [{'name': 'api', 'type': 'A', 'values':"
          "  ['192.0.2.1']}]},"
          " 'dns-zones/b': {'domain': 'example.com', 'networks': ['south'],"
          "  'records': [{'name': 'api', 'type': 'A', 'values':"
          "  ['192.0.2.2']}]}," TO_API("north") "}", {
            { "h1", "+ct_nw_dst=192.0.2.1," },
            { "h1", "-192.0.2.2" } } },
        /* Of ports in both, neither says it for the other. */
        { "{" TO_API("both") "}", {
            { "h1", "-192.0.2.1" },
            { "h1", "-192.0.2.2" },
            { "h1", "-conjunction(" } } },
        { "{'dns-zones/b': {'domain': 'example.com', 'networks': ['south'],"
          "  'records': [{'name': 'api', 'type': 'A', 'values':"
          "  ['192.0.2.2', '192.0.2.1']}]}}", {
            { "h1", "+ct_nw_dst=192.0.2.1," },
            { "h1", "-192.0.2.2" } } },
        { "{'dns-zones/b': null}", { { "h1", "-conjunction(" } } },
        { "{'dns-zones/a': {'domain': 'example.com', 'networks':"
          "  ['north', 'south'], 'records': [{'name': 'api', 'type': 'A',"
          "  'values': ['192.0.2.1']}]}}", {
            { "h1", "+ct_nw_dst=192.0.2.1," } } },
        /* What servers outside say is so in all of them. */
        { "{'dns-zones/a': null, 'fqdns/api.example.com': {'state':"
          " 'resolved', 'ips': ['192.0.2.3']}}", {
            { "h1", "+ct_nw_dst=192.0.2.3," },
            { "h1", "-192.0.2.1" } } },
    } },
};

int
main(int argc, char *argv[])
{
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return run_scenarios("fqdn rules", apps, scenarios,
                         ARRAY_SIZE(scenarios));
}
