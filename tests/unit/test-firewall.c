/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the app firewall: the flows of identities and policies, and
 * how long an identity keeps its number. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "controller/model/model.h"
#include "controller/model/id-pools.h"
#include "tests/unit/apps-fixture.h"
#include "tests/unit/apps-rows.h"
#include "tests/unit/apps-scenario.h"
#include "util.h"

/* A clause that names a port, or a type of ICMP, is about packets whose own
 * port is in a block that some rule names. */
#define NAMED ",reg9=0x40/0x40"
#define SET_NAMED "set_field:0x40/0x40->reg9,"
#define CLEAR_SCRATCH                                                       \
    "set_field:0->reg10,set_field:0->reg11,set_field:0->reg12,"             \
    "set_field:0->reg13,set_field:0->reg14,set_field:0->reg15"

static struct scenario scenarios[] = {
    { "firewall_gives_one_identity_to_ports_of_the_same_groups", {
        { "{" BASE "," TIERS "}", {
            { "h1", "+" LOCATE "200 reg0=0x64,dl_dst=02:00:00:00:00:02 "
              "actions=set_field:" WEB_ID "->reg2," },
            { "h1", "+" LOCATE "300 reg0=0x64,dl_dst=02:00:00:00:00:01 "
              "actions=set_field:" WEB_ID "->reg2," },
            { "h1", "+" ADMIT "/2 280 ip," SHOP ",nw_src=10.0.0.3 actions="
              "set_field:" APP_ID "->reg1," },
            { "h1", "+" LOCATE "300 reg0=0xc8,dl_dst=02:00:00:00:00:01 "
              "actions=set_field:{firewall.identity:other|web}->reg2," } } },
        { "{'groups/web': {'ports': ['db1']}}", {
            { "h1", "+" LOCATE "200 reg0=0x64,dl_dst=02:00:00:00:00:02 "
              "actions=set_field:0->reg2," },
            { "h1", "+" LOCATE "200 reg0=0x64,dl_dst=02:00:00:00:00:04 "
              "actions=set_field:{firewall.identity:shop|db,web}->reg2," } } },
    } },
    { "firewall_compiles_a_rule_as_a_conjunction_in_the_policys_networks", {
        { "{" BASE "," TIERS ", 'policies/p': {'applies_to': ['app'],"
          " 'priority': 10, 'rules': [{'direction': 'ingress', 'action':"
          " 'allow', 'peers': [{'group': 'web'}, {'cidr': '10.0.0.128/25'}],"
          " 'services': [{'protocol': 'tcp', 'ports': ['8080-8083']},"
          " {'protocol': 'icmp', 'icmp_type': 8}]}]}}", {
            { "h1", "+firewall.policy/31 64648 reg2=" APP_ID " actions="
              "conjunction(1,1/3)" },
            { "h1", "+firewall.policy/31 64648 reg1=" WEB_ID " actions="
              "conjunction(1,2/3)" },
            { "h1", "+firewall.policy/31 64648 ct_state=-inv+trk,"
              "ct_nw_src=10.0.0.128/25,ip," SHOP " actions="
              "conjunction(1,2/3)" },
            { "h1",
              "+firewall.policy/31 64648 ct_state=-inv+trk,ct_nw_proto=6,"
              "ct_tp_dst=0x1f90/0xfffc," SHOP NAMED " actions="
              "conjunction(1,3/3)" },
            { "h1",
              "+firewall.policy/31 64648 ct_state=-inv+trk,ct_nw_proto=1,"
              "ct_tp_src=8,ip," SHOP NAMED " actions="
              "conjunction(1,3/3)" },
            { "h1", "+firewall.policy/31 64648 conj_id=1 actions="
              "goto_table:{TABLE:firewall.policy/37}" },
            /* The application tier closes what it selects. */
            { "h1", "+firewall.policy/31 100 reg2=" APP_ID " actions=drop "
              "(isolated)" },
            { "h1", "-firewall.policy/13 100" } } },
        /* A rule before it: the number stays. */
        { "{'policies/p': {'applies_to': ['app'], 'priority': 10,"
          " 'rules': [{'direction': 'ingress', 'action': 'deny', 'peers':"
          " [{'group': 'db'}]}, {'direction': 'ingress', 'action':"
          " 'allow', 'peers': [{'group': 'web'}, {'cidr': '10.0.0.128/25'}],"
          " 'services': [{'protocol': 'tcp', 'ports': ['8080-8083']},"
          " {'protocol': 'icmp', 'icmp_type': 8}]}]}}", {
            { "h1", "+firewall.policy/31 64650 conj_id=2 actions=drop "
              "(denied by rule)" },
            { "h1", "+firewall.policy/31 64648 conj_id=1 actions=goto" },
            { "h1", "+firewall.policy/31 64650 reg1=" DB_ID " actions="
              "conjunction(2,2/2)" } } },
        /* Who is rejected is told; a denial behind it has a level of its
         * own. */
        { "{'policies/p': {'applies_to': ['app'], 'priority': 10,"
          " 'rules': [{'direction': 'ingress', 'action': 'reject', 'peers':"
          " [{'group': 'db'}]}, {'direction': 'ingress', 'action': 'deny',"
          " 'peers': [{'group': 'web'}]}]}}", {
            { "h1", "+firewall.policy/31 64649 conj_id=3 actions=clone"
              "(set_field:0x" },
            { "h1", "+,resubmit(,246)),drop (rejected by rule)" },
            { "h1", "+firewall.policy/31 64645 conj_id=4 actions=drop "
              "(denied by rule)" } } },
        /* Nobody is left whom it applies to. */
        { "{'ports/app1': {'network': 'shop', 'enabled': false}}", {
            { "h1", "-conj" }, { "h1", "-(isolated)" } } },
    } },
    { "firewall_merges_prefixes_of_all_peers_and_ports_of_all_services", {
        { "{" BASE "," TIERS ","
          " 'groups/out': {'cidrs': ['10.1.0.128/25', '10.2.0.0/16',"
          "  '10.3.0.1/32']},"
          " 'services/s': {'entries': [{'protocol': 'tcp', 'ports': [82, 83]},"
          "  {'protocol': 'icmp', 'icmp_type': 8}, {'protocol': 'udp'}]},"
          " 'policies/p': {'applies_to': ['app'], 'priority': 10, 'rules': ["
          "  {'direction': 'ingress', 'action': 'allow', 'peers': ["
          "   {'cidr': '10.2.7.0/24'}, {'group': 'out'},"
          "   {'cidr': '10.1.0.0/25'}, {'cidr': '10.3.0.0/32'}], 'services': ["
          "   {'service': 's'}, {'protocol': 'udp', 'ports': [53]},"
          "   {'protocol': 'icmp', 'icmp_type': 8},"
          "   {'protocol': 'tcp', 'ports': ['80-81']}]}]}}", {
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_src=10.1.0.0/24,ip,"
              SHOP " actions=conjunction(1,2/3)" },
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_src=10.2.0.0/16,ip," },
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_src=10.3.0.0/31,ip," },
            { "h1", "-ct_nw_src=10.1.0.0/25" },
            { "h1", "-ct_nw_src=10.1.0.128/25" },
            { "h1", "-ct_nw_src=10.2.7.0/24" },
            { "h1", "-ct_nw_src=10.3.0.1" },
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_proto=6,ct_tp_dst=0x50/"
              "0xfffc," SHOP NAMED " actions=conjunction(1,3/3)" },
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_proto=17," SHOP " "
              "actions=conjunction(1,3/3)" },
            { "h1", "-64648 ct_state=-inv+trk,ct_nw_proto=17,ct_tp_dst" },
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_proto=1,ct_tp_src=8," },
        } },
        /* One entry says it all. */
        { "{'services/s': {'entries': [{'protocol': 'any'},"
          " {'protocol': 'tcp', 'ports': [82]}]}}", {
            { "h1", "+64648 " SHOP " actions=conjunction(1,3/3)" },
            { "h1", "-64648 ct_state=-inv+trk,ct_nw_proto" } } },
        { "{'services/s': {'entries': [{'protocol': 'icmp'},"
          " {'protocol': 'tcp', 'ports': ['1-65535']}]}}", {
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_proto=1," },
            { "h1", "-ct_nw_proto=1,ct_tp_src" },
            { "h1", "+ct_nw_proto=6,ct_tp_dst=0x8000/0x8000" } } },
    } },
    { "firewall_leads_from_tier_to_tier_by_position", {
        { "{" BASE "," TIERS
          ", 'policies/p': {'tier': 'security', 'applies_to'"
          ": ['app'], 'rules': [{'direction': 'ingress', 'action': 'pass'},"
          " {'direction': 'egress', 'action': 'pass'}]}}", {
            { "h1", "+firewall.policy/5 1  actions=goto_table:"
              "{TABLE:firewall.policy/9}" },
            { "h1", "+firewall.policy/23 32799 conj_id=1 actions="
              "goto_table:{TABLE:firewall.policy/27}" },
            { "h1", "+firewall.policy/5 32799 conj_id=2 actions="
              "goto_table:{TABLE:firewall.policy/9}" },
            /* No flows where no tier is. */
            { "h1", "-firewall.policy/7 " } } },
        { "{'tiers/dmz': {'position': 7}}", {
            { "h1", "+firewall.policy/5 1  actions=goto_table:"
              "{TABLE:firewall.policy/7}" },
            { "h1", "+firewall.policy/7 1  actions=goto_table:"
              "{TABLE:firewall.policy/9}" },
            { "h1", "+firewall.policy/23 32799 conj_id=1 actions="
              "goto_table:{TABLE:firewall.policy/25}" } } },
        { "{'policies/q': {'tier': 'dmz', 'applies_to': ['app'], 'rules':"
          " [{'direction': 'ingress', 'action': 'deny'}]}}", {
            { "h1", "+firewall.policy/25 32800 conj_id=3 actions=drop" },
            { "h1", "-(isolated)" } } },
        { "{'tiers/dmz': {'position': 3}}", {
            { "h1", "+firewall.policy/21 32800 conj_id=3 actions=drop" },
            { "h1", "-firewall.policy/25" },
            { "h1", "+firewall.policy/23 32799 conj_id=1 actions="
              "goto_table:{TABLE:firewall.policy/27}" } } },
        { "{'policies/q': null, 'tiers/dmz': null}", {
            { "h1", "+firewall.policy/1 1  actions=goto_table:"
              "{TABLE:firewall.policy/5}" },
            { "h1", "-firewall.policy/3 " },
            { "h1", "-firewall.policy/21 " } } },
    } },
    { "firewall_matches_sctp_by_the_packets_own_ports", {
        { "{" BASE "," TIERS ","
          " 'policies/p': {'applies_to': ['app'], 'priority': 10, 'rules': ["
          "  {'direction': 'ingress', 'action': 'allow', 'services': ["
          "   {'protocol': 'sctp', 'ports': ['5000-5001']}]}]}}", {
            { "h1", "+64648 ct_state=-rpl-inv+trk,sctp," SHOP ",tp_dst="
              "0x1388/0xfffe actions=conjunction(1,2/2)" },
            { "h1", "+64648 ct_state=+rpl-inv+trk,sctp," SHOP ",tp_src="
              "0x1388/0xfffe actions=conjunction(1,2/2)" },
            { "h1", "+64648 ct_state=-rpl-inv+trk,sctp6," SHOP ",tp_dst=" },
            { "h1", "-ct_nw_proto=132" } } },
        { "{'policies/p': {'applies_to': ['app'], 'priority': 10, 'rules': ["
          "  {'direction': 'ingress', 'action': 'allow', 'services': ["
          "   {'protocol': 'sctp'}]}]}}", {
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_proto=132," SHOP " "
              "actions=conjunction(" },
            { "h1", "-sctp" } } },
    } },
    { "firewall_matches_types_and_codes_of_icmp", {
        { "{" BASE "," TIERS ","
          " 'services/s': {'entries': ["
          "  {'protocol': 'icmp', 'icmp_type': 8, 'icmp_code': 0},"
          "  {'protocol': 'icmp', 'icmp_type': 13, 'icmp_code': 2},"
          "  {'protocol': 'icmp', 'icmp_type': 13},"
          "  {'protocol': 'icmpv6', 'icmp_type': 128, 'icmp_code': 0}]},"
          " 'policies/p': {'applies_to': ['app'], 'priority': 10, 'rules': ["
          "  {'direction': 'ingress', 'action': 'allow', 'services': ["
          "   {'service': 's'}]}]}}", {
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_proto=1,ct_tp_src=8,"
              "ct_tp_dst=0,ip," SHOP NAMED " actions=conjunction(1,2/2)" },
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_proto=1,ct_tp_src=13,ip,"
              SHOP NAMED " actions=conjunction(1,2/2)" },
            { "h1", "-ct_tp_src=13,ct_tp_dst" },
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_proto=58,ct_tp_src=128,"
              "ct_tp_dst=0,ipv6," SHOP NAMED " actions="
              "conjunction(1,2/2)" } } },
        { "{'services/s': {'entries': [{'protocol': 'icmpv6'},"
          "  {'protocol': 'icmpv6', 'icmp_type': 1, 'icmp_code': 3}]}}", {
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_proto=58,ipv6," SHOP },
            { "h1", "-ct_nw_proto=58,ct_tp_src" },
            { "h1", "-ct_nw_proto=1," } } },
    } },
    { "firewall_looks_for_ports_in_blocks_that_rules_name", {
        { "{" BASE "," TIERS ", 'policies/p': {'applies_to': ['app'],"
          " 'rules': [{'direction': 'ingress', 'action': 'allow', 'services':"
          "  [{'protocol': 'tcp', 'ports': ['80', '443', '128-130']},"
          "   {'protocol': 'udp', 'ports': ['1024-65535']},"
          "   {'protocol': 'icmp', 'icmp_type': 8, 'icmp_code': 0},"
          "   {'protocol': 'icmpv6', 'icmp_type': 128}]}]}}", {
            { "h1", "+firewall.track/2 100 tcp," SHOP ",tp_dst=0x50/0xfff0 "
              "actions=" SET_NAMED "move:NXM_NX_REG1[]->NXM_NX_REG10[],"
              "resubmit(,{TABLE:firewall.track/5}),"
              "goto_table:{TABLE:firewall.track/3}" },
            { "h1", "+firewall.track/2 100 tcp6," SHOP ",tp_dst=0x50/0xfff0" },
            { "h1", "+firewall.track/2 100 tcp," SHOP ",tp_dst=0x80/0xfff0" },
            { "h1", "+firewall.track/2 100 tcp," SHOP ",tp_dst=0x1b0/0xfff0" },
            { "h1", "+firewall.track/2 100 udp," SHOP ",tp_dst=0x400/0xfc00" },
            { "h1", "+firewall.track/2 100 udp6," SHOP
              ",tp_dst=0x8000/0x8000" },
            { "h1", "+firewall.track/2 100 icmp," SHOP ",icmp_type=8 " },
            { "h1", "+firewall.track/2 100 icmp6," SHOP ",icmp_type=128 " },
            { "h1", "-icmp6," SHOP ",icmp_type=8 " } } },
        /* Blocks side by side are one, of several rules, too. */
        { "{'policies/p': {'applies_to': ['app'], 'rules': ["
          " {'direction': 'ingress', 'action': 'allow', 'services':"
          "  [{'protocol': 'tcp', 'ports': ['128-130']}]},"
          " {'direction': 'egress', 'action': 'deny', 'services':"
          "  [{'protocol': 'tcp', 'ports': ['144-255']},"
          "   {'protocol': 'sctp', 'ports': ['80']},"
          "   {'protocol': 'udp'}]}]}}", {
            { "h1", "+firewall.track/2 100 tcp," SHOP ",tp_dst=0x80/0xff80" },
            { "h1", "-,tp_dst=0x50/0xfff0" }, { "h1", "-,tp_dst=0x90/0xfff0" },
            { "h1", "-firewall.track/2 100 udp" },
            { "h1", "-firewall.track/2 100 sctp" },
            { "h1", "-firewall.track/2 100 icmp" },
            /* All of a protocol names no port. */
            { "h1", "+ct_state=-inv+trk,ct_nw_proto=17," SHOP " actions=" },
        } },
    } },
    { "firewall_takes_exceptions_out_of_prefixes", {
        { "{" BASE "," TIERS ","
          " 'groups/out': {'cidrs': ['10.1.0.0/24', '10.2.0.0/24'],"
          "  'except': ['10.1.0.0/26', '10.2.0.0/16']},"
          " 'policies/p': {'applies_to': ['app'], 'priority': 10, 'rules': ["
          "  {'direction': 'ingress', 'action': 'allow', 'peers': ["
          "   {'cidr': '10.8.0.0/15', 'except': ['10.8.0.0/17',"
          "    '10.8.128.0/17']}, {'group': 'out'}]}]}}", {
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_src=10.1.0.64/26,ip," },
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_src=10.1.0.128/25,ip," },
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_src=10.9.0.0/16,ip," },
            { "h1", "-ct_nw_src=10.2." }, { "h1", "-ct_nw_src=10.8." },
            { "h1", "-ct_nw_src=10.1.0.0" } } },
        /* Another peer has it again. */
        { "{'groups/two': {'cidrs': ['10.1.0.0/25']}, 'policies/p':"
          " {'applies_to': ['app'], 'priority': 10, 'rules': ["
          "  {'direction': 'ingress', 'action': 'allow', 'peers': ["
          "   {'group': 'two'}, {'group': 'out'}]}]}}", {
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_src=10.1.0.0/24,ip," },
            { "h1", "-ct_nw_src=10.9." } } },
        { "{'groups/out': {}, 'groups/two': {}}", {
            { "h1", "-conjunction(" } } },
    } },
    { "firewall_counts_the_members_of_inner_groups_as_a_groups_own", {
        { "{" BASE "," TIERS ","
          " 'groups/front': {'groups': ['web', 'far']},"
          " 'groups/all': {'groups': ['front', 'db']},"
          " 'groups/far': {'cidrs': ['10.7.0.0/16']},"
          " 'policies/p': {'applies_to': ['all'], 'priority': 10, 'rules': ["
          "  {'direction': 'ingress', 'action': 'allow', 'peers': ["
          "   {'group': 'front'}]}]}}", {
            { "h1", "+64648 reg2=" WEB_ID " actions=conjunction(1,1/2)" },
            { "h1", "+64648 reg2=" DB_ID " actions=conjunction(1,1/2)" },
            { "h1", "+64648 reg1=" WEB_ID " actions=conjunction(1,2/2)" },
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_src=10.7.0.0/16,ip," },
            { "h1", "-64648 reg1=" DB_ID },
            { "h1", "+100 reg2=" DB_ID " actions=drop (isolated)" } } },
        /* Identities stay, whatever groups are in. */
        { "{'groups/front': {'groups': ['web', 'app']},"
          " 'groups/all': {'groups': ['app']}}", {
            { "h1", "+64648 reg1=" APP_ID " actions=conjunction(1,2/2)" },
            { "h1", "+64648 reg2=" APP_ID " actions=conjunction(1,1/2)" },
            { "h1", "-64648 reg2=" DB_ID },
            { "h1", "-ct_nw_src=" } } },
        { "{'groups/front': {}}", { { "h1", "-conjunction(" } } },
    } },
    { "firewall_lets_policies_of_one_priority_share_clauses", {
        { "{" BASE "," TIERS ","
          " 'policies/a': {'applies_to': ['app'], 'rules': ["
          "  {'direction': 'ingress', 'action': 'allow'}]},"
          " 'policies/c': {'applies_to': ['app'], 'rules': ["
          "  {'direction': 'ingress', 'action': 'allow', 'services': ["
          "   {'protocol': 'udp'}]},"
          "  {'direction': 'ingress', 'action': 'deny'}]},"
          " 'policies/b': {'applies_to': ['app'], 'rules': ["
          "  {'direction': 'ingress', 'action': 'allow'},"
          "  {'direction': 'ingress', 'action': 'allow'}]}}", {
            /* One flow with the clauses of three rules, of two policies. */
            { "h1", "+firewall.policy/31 32798 " SHOP " actions="
              "conjunction(1,2/2),conjunction(" },
            { "h1", "+firewall.policy/31 32795 conj_id=" },
            { "h1", "-firewall.policy/31 32800 conj_id=" } } },
    } },
    { "firewall_matches_nobody_by_an_empty_list_of_peers", {
        { "{" BASE "," TIERS "," GROUP("none", "no=one") ","
          " 'policies/p': {'tier': 'security', 'applies_to': ['web'], 'rules':"
          " [{'direction': 'egress', 'action': 'deny', 'peers': [{'group':"
          " 'none'}]}]}}", {
            { "h1", "-conjunction(" } } },
        { "{'ports/db1': {'network': 'shop', 'labels': {'no': 'one'}}}", {
            { "h1", "+firewall.policy/5 32800 conj_id=1 actions=drop "
              "(denied by rule)" },
            { "h1", "+firewall.policy/5 32800 reg1=" WEB_ID " actions="
              "conjunction(1,1/2)" },
            { "h1", "+firewall.policy/5 32800 reg2="
              "{firewall.identity:shop|none} actions=conjunction(1,2/2)" },
            { "h1", "-(isolated)" } } },
    } },
    { "firewall_sends_packets_with_a_former_identity_round_again", {
        { "{" BASE "," TIERS "}", {
            { "h1", "+firewall.track/1 1 ct_state=+trk actions=goto_table:"
              "{TABLE:firewall.track/2}" },
            { "h1", "+firewall.track/2 1  actions=move:NXM_NX_REG1[]->"
              "NXM_NX_REG10[],resubmit(,{TABLE:firewall.track/5}),goto_table:"
              "{TABLE:firewall.track/3}" },
            { "h1", "+firewall.track/4 100 reg11=0x1 actions=set_field:0->"
              "reg1,set_field:0->reg2," },
            { "h1", "+set_field:0->reg15,ct_clear,resubmit(,0)" },
            { "h1", "+firewall.track/4 110 reg11=0x1,dl_dst=01:00:00:00:00:00"
              "/01:00:00:00:00:00 actions=drop (former identity)" },
            { "h1", "+firewall.track/5 100 reg10=0 actions=set_field:0->"
              "reg11" },
            { "h1", "+firewall.track/5 100 reg10=" WEB_ID " actions="
              "set_field:0->reg11" },
            { "h1", "+firewall.track/5 1  actions=set_field:0x1->reg11" },
            /* Of networks that are not here, nothing is known. */
            { "h3", "-reg10={firewall.identity:other|web} " } } },
        { "{'ports/db1': {'network': 'shop', 'ips': ['10.0.0.4']}}", {
            { "h1", "-reg10=" DB_ID " " } } },
    } },
    { "firewall_quarantines_by_identity_after_the_emergency_tier", {
        { "{" BASE "," TIERS ", 'ports/web2': {'network': 'shop', 'labels':"
          " {'tier': 'web'}, 'quarantined': true}, 'ports/db1': {'network':"
          " 'shop', 'quarantined': true}}", {
            { "h1", "+firewall.policy/1 100 reg1="
              "{firewall.identity:shop|web,!quarantined} actions=drop "
              "(quarantined)" },
            { "h1", "+firewall.policy/19 100 reg2="
              "{firewall.identity:shop|web,!quarantined} actions=drop "
              "(quarantined)" },
            { "h1", "+firewall.policy/19 100 reg2="
              "{firewall.identity:shop|!quarantined} actions=drop" },
            { "h1", "+dl_dst=02:00:00:00:00:01 actions=set_field:" WEB_ID
              "->reg2" } } },
        { "{'ports/web2': {'network': 'shop', 'labels': {'tier': 'web'}},"
          " 'ports/db1': null, 'bindings/db1': null}", {
            { "h1", "-(quarantined)" } } },
    } },
    { "firewall_quarantines_ports_by_name_and_label_but_for_what_is_allowed", {
        { "{" BASE "," TIERS ", 'quarantines/q': {'selector': 'tier=web',"
          " 'ports': ['app1'], 'allow': [{'direction': 'ingress', 'peers':"
          " [{'group': 'db'}], 'services': [{'protocol': 'tcp', 'ports':"
          " [22]}]}]}}", {
            { "h1", "+firewall.policy/1 100 reg1=" HELD_ID("web", "/q")
              " actions=drop (quarantined)" },
            { "h3", "+firewall.policy/19 100 reg2=" HELD_ID("app", "/q")
              " actions=drop (quarantined)" },
            { "h1", "+firewall.policy/1 100 reg1="
              "{firewall.identity:other|web,!quarantined/q} actions=drop" },
            { "h2", "+firewall.policy/19 110 reg2=" HELD_ID("web", "/q")
              " actions=conjunction(" },
            { "h2", "+firewall.policy/19 110 reg2=" HELD_ID("app", "/q")
              " actions=conjunction(" },
            { "h2", "+firewall.policy/19 110 reg1=" DB_ID
              " actions=conjunction(" },
            { "h2", "+firewall.policy/19 110 ct_state=-inv+trk,ct_nw_proto=6,"
              "ct_tp_dst=22" },
            { "h2", "+firewall.policy/19 110 conj_id=" },
            { "h2", "+firewall.track/2 100 tcp," SHOP ",tp_dst=0x10/0xfff0 "
              "actions=" SET_NAMED },
            { "h2", "-firewall.policy/1 110 conj_id=" },
            { "h2", "+overlay.arp/0 70 arp,in_port=7 actions=drop "
              "(quarantined)" },
            { "h2", "-set_field:0x7->reg7,resubmit" },
            { "h3", "+set_field:0x8->reg7,resubmit" } } },
        /* Each of several quarantines lets something through. */
        { "{'quarantines/r': {'ports': ['app1'], 'allow': [{'direction':"
          " 'egress'}]}}", {
            { "h1", "+firewall.policy/19 110 reg2=" HELD_ID("web", "/q") },
            { "h2", "+firewall.policy/19 110 reg2="
              HELD_ID("app", "/q,!quarantined/r") " actions=conjunction(" },
            { "h2", "+firewall.policy/1 110 reg1="
              HELD_ID("app", "/q,!quarantined/r") " actions=conjunction(" },
            { "h2", "+firewall.policy/1 110 conj_id=" },
            { "h2", "-reg2=" HELD_ID("app", "/q") } } },
        /* What is no longer selected is free. */
        { "{'ports/web2': {'network': 'shop', 'labels': {'tier': 'x'}}}", {
            { "h1", "+dl_dst=02:00:00:00:00:01 actions=set_field:"
              HELD_ID("web", "/q") "->reg2" },
            { "h1", "+nw_src=10.0.0.2 actions=set_field:0->reg1" } } },
        { "{'quarantines/q': null, 'quarantines/r': null}", {
            { "h1", "+dl_dst=02:00:00:00:00:01 actions=set_field:" WEB_ID
              "->reg2" },
            { "h2", "+set_field:0x7->reg7,resubmit" },
            { "h1", "- conj_id=" },
            { "h1", "-(quarantined)" } } },
    } },
    { "firewall_denies_by_default_last_and_where_packets_arrive", {
        { "{" BASE "}", { { "h1", "-(default deny)" } } },
        { "{'networks/shop': {'vni': 100, 'default': 'deny',"
          " 'subnets': [{'cidr': '10.0.0.0/24'}]}}", {
            { "h1", "+firewall.policy/36 100 reg0=0x64 actions=drop (default "
              "deny)" },
            { "h1", "-firewall.policy/17 100" } } },
    } },
    { "firewall_lets_connections_go_on_that_a_rule_of_keep_allowed", {
        { "{" BASE "," TIERS ", 'policies/p': {'applies_to': ['app'],"
          " 'on_change': 'keep', 'rules': ["
          "  {'direction': 'ingress', 'action': 'allow', 'services':"
          "   [{'protocol': 'tcp'}]},"
          "  {'direction': 'ingress', 'action': 'pass'},"
          "  {'direction': 'egress', 'action': 'allow'}]}}", {
            { "h1", "+firewall.track/0 100 ip actions=" CLEAR_SCRATCH ","
              "set_field:0/0x40->reg9,ct(table=" },
            { "h1", "+firewall.policy/31 32797 conj_id=1 actions="
              "set_field:0xd00/0xff00->reg12,"
              "goto_table:{TABLE:firewall.policy/37}" },
            { "h1", "+firewall.policy/31 32796 conj_id=2 actions="
              "goto_table:{TABLE:firewall.policy/35}" },
            { "h1", "+actions=set_field:0xd/0xff->reg12,"
              "goto_table:{TABLE:firewall.policy/18}" },
            /* For connections that are open, whoever allowed them then. */
            { "h1", "+firewall.policy/31 65400 ct_state=-inv+trk,"
              "ct_mark=0xd00/0xff00 actions=set_field:0xd00/0xff00->reg12,"
              "goto_table:{TABLE:firewall.policy/37}" },
            { "h1", "+firewall.policy/13 65400 ct_state=-inv+trk,"
              "ct_mark=0xd/0xff actions=set_field:0xd/0xff->reg12,"
              "goto_table:{TABLE:firewall.policy/18}" },
            { "h1", "+firewall.policy/23 65400 ct_state=-inv+trk,"
              "ct_mark=0x500/0xff00 actions=" },
            { "h1", "-firewall.policy/0 65400" } } },
        /* Of two policies that allow the same, one decides. */
        { "{'policies/q': {'applies_to': ['app'], 'on_change': 'keep',"
          " 'rules': [{'direction': 'egress', 'action': 'deny',"
          "   'services': [{'protocol': 'tcp'}]},"
          "  {'direction': 'egress', 'action': 'allow'}]},"
          " 'policies/r': {'applies_to': ['app'], 'rules': ["
          "  {'direction': 'egress', 'action': 'deny',"
          "   'services': [{'protocol': 'tcp'}]},"
          "  {'direction': 'egress', 'action': 'allow',"
          "   'services': [{'protocol': 'udp'}]},"
          "  {'direction': 'egress', 'action': 'deny'}]}}", {
            { "h1", "+firewall.policy/13 32797 conj_id=5 actions=set_field" },
            { "h1", "+firewall.policy/13 32798 conj_id=7 actions=goto" },
            { "h1", "+firewall.policy/13 32795 conj_id=8 actions=drop" } } },
        { "{'policies/p': {'applies_to': ['app'], 'rules': ["
          "  {'direction': 'ingress', 'action': 'allow', 'services':"
          "   [{'protocol': 'tcp'}]}]}}", {
            { "h1", "+firewall.policy/31 32798 conj_id=1 actions="
              "goto_table:{TABLE:firewall.policy/37}" },
            { "h1", "+firewall.policy/31 65400 ct_state=-inv+trk,"
              "ct_mark=0xd00/0xff00 actions=" } } },
    } },
    { "firewall_counts_what_shadow_policies_would_decide_on_a_detour", {
        { "{" BASE "," TIERS ", 'policies/p': {'applies_to': ['app'],"
          " 'rules': [{'direction': 'ingress', 'action': 'deny',"
          " 'peers': [{'group': 'web'}]}]}}", {
            { "h1", "+firewall.policy/31 32800 conj_id=1 actions=drop" },
            { "h1", "+firewall.policy/9 1  actions=goto_table:" },
            { "h1", "-firewall.policy/66" } } },
        { "{'policies/p': {'applies_to': ['app'], 'mode': 'shadow',"
          " 'rules': [{'direction': 'ingress', 'action': 'deny',"
          " 'peers': [{'group': 'web'}]}]},"
          " 'policies/q': {'applies_to': ['app', 'web'],"
          "  'mode': 'shadow'}}", {
            { "h1", "+firewall.policy/9 1  actions=resubmit(,{TABLE:"
              "firewall.policy/50}),goto_table:{TABLE:firewall.policy/13}" },
            { "h1", "+firewall.policy/27 1  actions=resubmit(,{TABLE:"
              "firewall.policy/66}),goto_table:{TABLE:firewall.policy/31}" },
            { "h1", "+firewall.policy/66 32800 reg2=" APP_ID " actions=conj" },
            { "h1", "+firewall.policy/66 32800 conj_id=1 actions="
              "set_field:0->reg13" },
            { "h1", "+firewall.policy/66 100 reg2=" APP_ID " actions="
              "set_field:{firewall.conj:p/ingress}->reg13" },
            { "h1", "+firewall.policy/66 100 reg2=" WEB_ID " actions="
              "set_field:{firewall.conj:q/ingress}->reg13" },
            { "h1", "+firewall.policy/66 1  actions=set_field:0->reg13" },
            { "h1", "+firewall.policy/31 50 reg13={firewall.conj:p/ingress} "
              "actions=goto_table:{TABLE:firewall.policy/35}" },
            { "h1", "+firewall.policy/31 51 ct_state=+new+trk,"
              "reg13={firewall.conj:p/ingress} actions=set_field:" },
            { "h1", "-firewall.policy/31 32800" }, { "h1", "-(isolated)" },
            { "h1", "-firewall.policy/66 100 reg1" } } },
    } },
    { "firewall_judges_replies_as_their_requests", {
        { "{" BASE "}", {
            { "h1", "+firewall.track/1 100 ct_state=+inv+trk actions=drop "
              "(invalid state)" },
            { "h1", "+firewall.track/1 80 ct_state=+rpl+trk actions="
              "push:NXM_NX_REG1[],push:NXM_NX_REG2[],pop:NXM_NX_REG1[],"
              "pop:NXM_NX_REG2[],push:NXM_NX_REG3[],push:NXM_NX_REG4[],"
              "pop:NXM_NX_REG3[],pop:NXM_NX_REG4[],"
              SET_NAMED "goto_table:{TABLE:firewall.track/2}" },
            { "h1", "+firewall.track/1 75 ct_state=-inv+trk,ipv6,nw_frag=yes "
              "actions=" SET_NAMED "goto_table:{TABLE:firewall.track/2}" },
            { "h1", "+firewall.track/1 70 ct_state=+rel+trk actions="
              SET_NAMED "goto_table:{TABLE:firewall.track/2}" },
            { "h1", "+firewall.track/2 110 reg9=0x40/0x40 actions=move:" },
            { "h1", "-" SET_NAMED "move:" },
            { "h1", "+firewall.policy/37 90 ct_state=+rpl+trk,ip,"
              "nw_frag=not_later "
              "actions="
              "push:NXM_NX_REG1[]" },
            { "h1", "+firewall.policy/37 100 ct_state=+new+trk,ip actions="
              "ct(commit,zone=NXM_NX_REG5[0..15],exec(move:NXM_NX_REG12[]"
              "->NXM_NX_CT_MARK[])),goto_table" },
            { "h1", "+firewall.policy/37 110 ct_state=+new+trk,ip,"
              "nw_frag=later actions=ct(commit,zone=NXM_NX_REG5[0..15]),"
              "goto_table" },
            { "h1", "+firewall.policy/0 65500 reg3=0 "
              "actions=goto_table:{TABLE:firewall.policy/18}" },
            { "h1", "+firewall.policy/18 65500 reg4=0 "
              "actions=goto_table:{TABLE:firewall.policy/37}" },
            { "h1", "+firewall.policy/17 1  "
              "actions=goto_table:{TABLE:firewall.policy/18}" },
            { "h1", "+firewall.policy/35 1  "
              "actions=goto_table:{TABLE:firewall.policy/36}" },
            { "h1", "+firewall.policy/36 1  "
              "actions=goto_table:{TABLE:firewall.policy/37}" },
            { "h1", "+firewall.track/0 1  "
              "actions=goto_table:{TABLE:firewall.policy/38}" } } },
    } },
    { "firewall_judges_both_families_by_the_same_clauses", {
        { "{" BASE "," TIERS ", 'policies/p': {'applies_to': ['app'],"
          " 'rules': [{'direction': 'ingress', 'action': 'allow', 'peers':"
          " [{'group': 'web'}, {'cidr': 'fd00::/65'}, {'cidr': '10.0.0.0/8'},"
          " {'cidr': 'fd00::8000:0:0:0/65'}], 'services':"
          " [{'protocol': 'tcp', 'ports': [80]}]},"
          " {'direction': 'egress', 'action': 'allow',"
          " 'peers': [{'cidr': '::/0'}]}]}}", {
            { "h1", "+firewall.policy/31 32798 reg2=" APP_ID " actions=" },
            { "h1", "+firewall.policy/31 32798 reg1=" WEB_ID " actions=" },
            { "h1", "+firewall.policy/31 32798 ct_state=-inv+trk,"
              "ct_ipv6_src=fd00::/64,ipv6," SHOP " actions=" },
            { "h1", "+firewall.policy/31 32798 ct_state=-inv+trk,"
              "ct_nw_src=10.0.0.0/8,ip," SHOP " actions=" },
            { "h1", "+firewall.policy/31 32798 ct_state=-inv+trk,ct_nw_proto=6"
              ",ct_tp_dst=80," SHOP NAMED " actions=" },
            /* All addresses of one family are not everyone. */
            { "h1", "+firewall.policy/13 32798 ct_state=-inv+trk,ipv6,"
              SHOP " actions=" },
            { "h1", "+firewall.track/0 150 icmp6,icmp_type=135 actions=goto" },
            { "h1", "+firewall.track/0 100 ipv6 actions="
              CLEAR_SCRATCH ",set_field:0/0x40->reg9,ct(" },
            { "h1", "+firewall.track/1 95 ct_state=-inv+trk,ipv6,"
              "nw_frag=later actions=goto" } } },
    } },
};

/* Identities.  ----------------------------------------------------------- */

static uint32_t
identity(struct apps_fixture *f, const char *key)
{
    return id_pools_peek(model_id_pools(apps_fixture_model(f)),
                         "firewall.identity", key);
}

static void
an_identity_is_kept_until_every_switch_has_forgotten_it(void **state)
{
    struct apps_fixture *f = apps_fixture_create(shop_apps);
    struct id_pools *numbers = model_id_pools(apps_fixture_model(f));
    uint64_t revision;
    uint32_t db, x;

    (void) state;
    apps_fixture_apply(f, "{" BASE "," TIERS "," GROUP("x", "tier=x") "}");
    db = identity(f, "shop|db");
    assert_true(db > 0);

    /* Its last port leaves the group, and others come in. */
    apps_fixture_apply(f, "{'ports/db1': {'network': 'shop', 'labels':"
                       " {'tier': 'x'}}}");
    x = identity(f, "shop|x");
    assert_true(x > 0 && x != db);
    assert_int_equal(identity(f, "shop|db"), db);
    revision = model_revision(apps_fixture_model(f));
    id_pools_acked(numbers, revision - 1);
    assert_int_equal(identity(f, "shop|db"), db);

    /* It comes back to life as what it was. */
    apps_fixture_apply(f, "{'ports/app1': {'network': 'shop', 'labels':"
                       " {'tier': 'db'}}}");
    id_pools_acked(numbers, revision);
    assert_int_equal(identity(f, "shop|db"), db);

    /* Only once all hosts have acknowledged is it another's to have. */
    apps_fixture_apply(f, "{'ports/app1': {'network': 'shop'}}");
    revision = model_revision(apps_fixture_model(f));
    id_pools_acked(numbers, revision - 1);
    assert_int_equal(identity(f, "shop|db"), db);
    id_pools_acked(numbers, revision);
    assert_int_equal(identity(f, "shop|db"), 0);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

static void
identities_are_the_same_after_a_restart(void **state)
{
    static const char *const keys[] = {
        "shop|web", "shop|app", "shop|db", "other|web",
        "shop|web,!quarantined/q",
    };
    struct apps_fixture *f = apps_fixture_create(shop_apps);
    struct apps_fixture *again = apps_fixture_create(shop_apps);
    struct id_pools *numbers = model_id_pools(apps_fixture_model(again));
    struct id_write *all;
    size_t n;

    (void) state;
    apps_fixture_apply(f, "{" BASE "," TIERS "}");
    apps_fixture_apply(f, "{'quarantines/q': {'ports': ['web2']}}");
    all = id_pools_get_all(model_id_pools(apps_fixture_model(f)), &n);
    for (size_t i = 0; i < n; i++) {
        /* Networks' own numbers come with their rows. */
        if (strcmp(all[i].pool, "vni")) {
            id_pools_load(numbers, all[i].pool, all[i].key, all[i].value);
        }
    }
    free(all);
    /* In one go, which is another order than before. */
    apps_fixture_apply(again, "{" BASE "," TIERS ","
                       " 'quarantines/q': {'ports': ['web2']}}");
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        assert_true(identity(f, keys[i]) > 0);
        assert_int_equal(identity(again, keys[i]), identity(f, keys[i]));
    }
    apps_fixture_destroy(again);
    apps_fixture_destroy(f);
}

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(
            an_identity_is_kept_until_every_switch_has_forgotten_it),
        cmocka_unit_test(identities_are_the_same_after_a_restart),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return (run_scenarios("firewall: flows", shop_apps, scenarios,
                          ARRAY_SIZE(scenarios))
            + cmocka_run_group_tests_name("firewall: more", others, NULL,
                                          NULL));
}
