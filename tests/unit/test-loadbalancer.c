/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the app loadbalancer: the flows and groups of balancers, whose
 * shares are exact and of which a change moves little. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "tests/unit/apps-fixture.h"
#include "tests/unit/apps-rows.h"
#include "tests/unit/apps-scenario.h"
#include "util.h"

static struct scenario scenarios[] = {
    { "loadbalancer_balances_ipv6", {
        { "{" BASE "," DUAL("web1", "1") ","
          "'loadbalancers/front6': {'vip': 'fd00::64', 'networks': ['shop'],"
          " 'ports': [{'port': 80, 'target': 8080}],"
          " 'backends': [{'port': 'web1'}, {'port': 'app1'}]}}", {
            { "h2", "+loadbalancer.arp/0 100 icmp6,reg0=0x64,reg3=0x1,"
              "icmp_type=135,icmp_code=0,nd_target=fd00::64 actions=move" },
            { "h2", "+loadbalancer.arp/0 120 icmp6,reg0=0x64,reg3=0x1,"
              "dl_dst=00:00:00:00:00:00/01:00:00:00:00:00,icmp_type=135,"
              "icmp_code=0,nd_target=fd00::64 actions=clone(set_field:0x" },
            { "h2", "+loadbalancer.balance/1 200 tcp6," SHOP ","
              "ipv6_dst=fd00::64,tp_dst=80 actions=note:00.00.00.01.00.00,"
              "ct(" },
            { "h2", "+loadbalancer.balance/0 100 ipv6," SHOP ","
              "ipv6_dst=fd00::64 actions=goto_table:"
              "{TABLE:loadbalancer.balance/1}" },
            { "h2", "+loadbalancer.balance/1 180 icmp6,reg3=0x1,"
              "icmp_type=128 actions=push" },
            { "h2", "+loadbalancer.balance/1 100 ipv6," SHOP ","
              "ipv6_dst=fd00::64 actions=clone(set_field:0x" },
            { "h2", "+loadbalancer.balance/0 50 ipv6,"
              "dl_dst=0e:56:4f:00:00:00/ff:ff:ff:00:00:00 "
              "actions=clone(set_field:0x" },
            { "h2", "+loadbalancer.balance/2 100 ct_state=+new-inv+trk,"
              "ct_nw_proto=6,ct_tp_dst=80,ipv6," SHOP ",ipv6_dst=fd00::64 "
              "actions=note:00.00.00.02.00.00,"
              "set_field:{loadbalancer.balancer:front6}->reg12,"
              "goto_table:{TABLE:loadbalancer.balance/3}" },
            /* What has no address of its family does not serve. */
            { "h2", "+nat(dst=[fd00::1]:8080)" },
            { "h2", "+loadbalancer.balance/9 50 ipv6,reg0=0x64,"
              "ipv6_dst=fd00::1 actions=note:00.00.00.01.00.00,"
              "set_field:02:00:00:00:00:01->eth_dst" },
            { "h2", "-loadbalancer.balance/9 50 ip,reg0=0x64" },
            { "h2", "+loadbalancer.unbalance/0 100 tcp6,reg4=0x1," SHOP ","
              "ipv6_src=fd00::1 actions=ct(" },
            { "h2", "+loadbalancer.unbalance/0 100 icmp6,reg4=0x1," SHOP ","
              "ipv6_src=fd00::1,icmp_type=2 actions=ct(" },
            { "h1", "+loadbalancer.balance/9 100 ct_state=-inv+trk,ipv6,"
              SHOP ",ipv6_src=fd00::1,ipv6_dst=fd00::1 actions="
              "set_field:0x1/0x1->reg9,"
              "move:NXM_NX_CT_IPV6_DST[]->NXM_NX_IPV6_SRC[]," },
            { "h1", "+loadbalancer.unbalance/1 100 ct_state=+rpl-inv+trk,"
              "ipv6,reg0=0x64 actions="
              "move:NXM_NX_IPV6_SRC[0..23]->NXM_OF_ETH_SRC[0..23],"
              "set_field:0e:56:4f:00:00:00/ff:ff:ff:00:00:00->eth_src" },
            { "h1", "-unbalance/1 100 ct_state=+rpl-inv+trk,ip," } } },
    } },
    { "loadbalancer_sends_new_connections_to_a_group_of_256_shares", {
        { "{" BASE ", 'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80, 'target': 8080}],"
          " 'backends': [{'port': 'web1', 'weight': 3}],"
          " 'selector': 'tier=app'}}", {
            { "h1", "+loadbalancer.arp/0 100 arp,reg0=0x64,reg3=0x1,"
              "arp_tpa=10.0.0.100,arp_op=1 actions=move" },
            { "h1", "+set_field:0e:56:4f:00:00:64->arp_sha" },
            { "h1", "+loadbalancer.balance/1 200 tcp," SHOP ","
              "nw_dst=10.0.0.100,tp_dst=80 "
              "actions=note:00.00.00.01.00.00,"
              "ct(table={TABLE:loadbalancer.balance/2},"
              "zone=NXM_NX_REG8[0..15],nat)" },
            { "h1", "+loadbalancer.balance/0 100 ip," SHOP ","
              "nw_dst=10.0.0.100 actions=goto_table" },
            { "h1", "+loadbalancer.balance/1 180 icmp,reg3=0x1,"
              "icmp_type=8 actions=push" },
            { "h1", "+loadbalancer.balance/2 80 ct_state=+new-inv+trk-dnat "
              "actions=drop (no such service" },
            { "h1", "+loadbalancer.balance/1 220 tcp,nw_frag=yes "
              "actions=ct(table={TABLE:loadbalancer.balance/2}," },
            { "h1", "+loadbalancer.balance/1 100 ip," SHOP ","
              "nw_dst=10.0.0.100 actions=clone(set_field:0x" },
            { "h1", "+loadbalancer.balance/2 100 ct_state=+new-inv+trk,"
              "ct_nw_proto=6,ct_tp_dst=80,ip," SHOP ",nw_dst=10.0.0.100 "
              "actions=note:00.00.00.02.00.00,"
              "set_field:{loadbalancer.balancer:lb}->reg12,"
              "goto_table:{TABLE:loadbalancer.balance/3}" },
            { "h1", "+loadbalancer.balance/3 50 " SHOP ","
              "reg12={loadbalancer.balancer:lb} actions=set_field:0->reg12,"
              "set_field:0->reg10,group:1\n" },
            { "h1", "+group_id=1,type=select,selection_method=dp_hash" },
            /* The least that are exact: 4 and 12 of 16. */
            { "h1", "+bucket_id:0,weight:4,actions=note:00.00.00.12.00.00,"
              "ct(commit,table={TABLE:loadbalancer.balance/9},"
              "zone=NXM_NX_REG8[0..15],nat(dst=10.0.0.3:8080))" },
            { "h1", "+bucket_id:1,weight:12,actions=note:00.00.00.11.00.00,"
              "ct(commit,table={TABLE:loadbalancer.balance/9},"
              "zone=NXM_NX_REG8[0..15],nat(dst=10.0.0.1:8080))" },
            { "h1", "-bucket_id:2,weight:" },
            /* Nothing else depends on the choice. */
            { "h3", "-loadbalancer.balance/6 100 " },
            { "h1", "+loadbalancer.balance/9 50 ip,reg0=0x64,nw_dst=10.0.0.3 "
              "actions=note:00.00.00.01.00.00,set_field:02:00:00:00:00:03->eth_dst,goto_table" },
            { "h3", "+loadbalancer.unbalance/0 100 tcp,reg4=0x1," SHOP ","
              "nw_src=10.0.0.3 actions=ct(table=" },
            { "h3", "+loadbalancer.unbalance/0 100 icmp,reg4=0x1," SHOP ","
              "nw_src=10.0.0.3,icmp_type=3 actions=ct(table=" },
            { "h3", "+loadbalancer.unbalance/1 100 ct_state=+rpl-inv+trk,ip,"
              "reg0=0x64 actions="
              "move:NXM_OF_IP_SRC[0..23]->NXM_OF_ETH_SRC[0..23],"
              "set_field:0e:56:4f:00:00:00/ff:ff:ff:00:00:00->eth_src" } } },
        /* 96, 32, 96 and 32 of 256 are 3, 1, 3 and 1 of 8... */
        { "{'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80, 'target': 8080}],"
          " 'backends': [{'port': 'web1', 'weight': 3}, {'port': 'web2'},"
          " {'port': 'app1', 'weight': 3}, {'port': 'db1'}]}}", {
            { "h1", "+bucket_id:0,weight:6,actions=note:00.00.00.12.00.00,"
              "ct(commit,table={TABLE:loadbalancer.balance/9},"
              "zone=NXM_NX_REG8[0..15],nat(dst=10.0.0.3:8080))" },
            { "h1", "+bucket_id:1,weight:2,actions=note:00.00.00.13.00.00,"
              "ct(commit,table={TABLE:loadbalancer.balance/9},"
              "zone=NXM_NX_REG8[0..15],nat(dst=10.0.0.4:8080))" },
            { "h1", "-bucket_id:4,weight:" } } },
        /* ...but 9 of 32 need 32, where one weight must be 1... */
        { "{'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80, 'target': 8080}],"
          " 'backends': [{'port': 'web1', 'weight': 23},"
          " {'port': 'app1', 'weight': 9}]}}", {
            { "h1", "+bucket_id:0,weight:9,actions=note:00.00.00.12.00.00,"
              "ct(commit,table={TABLE:loadbalancer.balance/9},"
              "zone=NXM_NX_REG8[0..15],nat(dst=10.0.0.3:8080))" },
            { "h1", "+bucket_id:1,weight:22,actions=note:00.00.00.11.00.00,"
              "ct(commit,table={TABLE:loadbalancer.balance/9},"
              "zone=NXM_NX_REG8[0..15],nat(dst=10.0.0.1:8080))" },
            { "h1", "+bucket_id:2,weight:1,actions=note:00.00.00.11.00.00,"
              "ct(commit,table={TABLE:loadbalancer.balance/9},"
              "zone=NXM_NX_REG8[0..15],nat(dst=10.0.0.1:8080))" } } },
        /* ...and with thirds it takes all. */
        { "{'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80, 'target': 8080}],"
          " 'backends': [{'port': 'web1', 'weight': 2}],"
          " 'selector': 'tier=app'}}", {
            { "h1", "+bucket_id:0,weight:85,actions=note:00.00.00.12.00.00,"
              "ct(commit,table={TABLE:loadbalancer.balance/9},"
              "zone=NXM_NX_REG8[0..15],nat(dst=10.0.0.3:8080))" },
            { "h1", "+bucket_id:1,weight:170,actions=note:00.00.00.11.00.00,"
              "ct(commit,table={TABLE:loadbalancer.balance/9},"
              "zone=NXM_NX_REG8[0..15],nat(dst=10.0.0.1:8080))" },
            { "h1", "+bucket_id:2,weight:1,actions=note:00.00.00.11.00.00,"
              "ct(commit,table={TABLE:loadbalancer.balance/9},"
              "zone=NXM_NX_REG8[0..15],nat(dst=10.0.0.1:8080))" } } },
        /* One alone needs no choice. */
        { "{'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80, 'target': 8080}],"
          " 'backends': [{'port': 'web1'}]}}", {
            { "h1", "-group_id=1," },
            { "h1", "+loadbalancer.balance/3 50 " SHOP ","
              "reg12={loadbalancer.balancer:lb} actions="
              "set_field:{loadbalancer.backend:lb|web1}->reg10,"
              "goto_table:{TABLE:loadbalancer.balance/6}" },
            { "h1", "+loadbalancer.balance/6 100 ip," SHOP ","
              "reg10={loadbalancer.backend:lb|web1},"
              "reg12={loadbalancer.balancer:lb} actions="
              "note:00.00.00.11.00.00,set_field:0->reg12,set_field:0->reg10,"
              "ct(commit,table={TABLE:loadbalancer.balance/9},"
              "zone=NXM_NX_REG8[0..15],nat(dst=10.0.0.1:8080))" } } },
        { "{'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80, 'target': 8080}],"
          " 'backends': [{'port': 'web1', 'weight': 2}],"
          " 'selector': 'tier=app'}}", {
            { "h1", "+group_id=1,type=select,selection_method=dp_hash" },
            { "h1", "-loadbalancer.balance/6 100 " } } },
        /* By selector it leaves with its label, by name with its binding. */
        { "{'ports/app1': {'network': 'shop', 'ips': ['10.0.0.3'],"
          " 'mac': '02:00:00:00:00:03'}, 'bindings/web1': null}", {
            { "h3", "-nat(dst" },
            /* What is nowhere may come back. */
            { "h3", "+unbalance/0 100 tcp,reg4=0x1," SHOP ",nw_src=10.0.0.1 "
            },
            { "h3", "-unbalance/0 100 tcp,reg4=0x1," SHOP ",nw_src=10.0.0.3 "
            },
            { "h3", "+loadbalancer.balance/3 50 " SHOP ","
              "reg12={loadbalancer.balancer:lb} actions=clone(set_field:0x" },
            { "h3", "+drop (no backend)" } } },
        { "{'loadbalancers/lb': null}", { { "h3", "-10.0.0.100" } } },
    } },
    { "loadbalancer_asks_the_other_host_of_a_client_that_migrates", {
        { "{" BASE ", 'bindings/db1': {'host': 'h3', 'candidate': 'h1'},"
          " 'vifs/h1/db1': {'host': 'h1', 'iface_id': 'db1',"
          " 'iface': 'tap', 'ofport': 12}}", {
            /* Not where there is no virtual IP. */
            { "h1", "-loadbalancer.balance/0 1" },
            { "h1", "-loadbalancer.unbalance/0 1" } } },
        { "{'loadbalancers/lb': {'vip': '10.0.0.100', 'networks': ['shop'],"
          " 'ports': [{'port': 80, 'target': 8080}],"
          " 'backends': [{'port': 'web1'}]}}", {
            { "h1", "+loadbalancer.balance/0 130 " },
            { "h1", "+loadbalancer.balance/0 110 tcp,reg0=" },
            { "h1", "+loadbalancer.balance/2 140 ct_state=+new-inv+trk," },
            { "h1", "+loadbalancer.balance/3 110 tcp," },
            { "h1", "+loadbalancer.balance/10 110 " },
            { "h3", "+loadbalancer.balance/0 110 tcp6,reg0=" },
            /* The guest does not run anywhere else yet. */
            { "h3", "-loadbalancer.balance/3 110 " },
            { "h2", "-loadbalancer.balance/0 110 " },
            /* Whatever serves: known, invalid, and not known. */
            { "h2", "+loadbalancer.balance/10 60 ct_state=-inv+trk+dnat,"
              "tcp,reg12=0x1000000 actions="
              "move:NXM_NX_CT_NW_DST[]->NXM_OF_IP_DST[]," },
            { "h2", "+loadbalancer.balance/10 55 ct_state=+inv+trk,"
              "reg12=0x1000000 actions=drop (invalid state" },
            /* Copies, before there is a virtual IP. */
            { "h1", "+loadbalancer.unbalance/0 120 ip," },
            { "h1", "+loadbalancer.unbalance/1 110 " },
            { "h3", "+loadbalancer.unbalance/0 120 ipv6," },
            { "h2", "-loadbalancer.unbalance/0 120 " },
            /* What a backend sends first, asked about where the guest may
             * run next, and answered on both hosts. */
            { "h1", "+loadbalancer.unbalance/0 115 "
              "ct_state=-rpl,tcp,reg0=0x64,reg3=0,reg4=0x1," },
            { "h1", "+loadbalancer.unbalance/0 115 tcp6,reg0=0x64,reg3=0x1,"
              "reg4=0x1," },
            { "h1", "+loadbalancer.unbalance/1 105 ct_state=-rpl+trk,"
              "reg0=0x64,reg4=0x1," },
            /* A guest chooses no Ethernet destination that says this. */
            { "h1", "+loadbalancer.balance/3 120 " },
            { "h3", "-loadbalancer.balance/3 120 " },
            { "h3", "-loadbalancer.unbalance/0 115 " },
            { "h1", "+loadbalancer.balance/0 115 tcp,reg0=" },
            { "h3", "+loadbalancer.balance/0 115 tcp6,reg0=" },
            { "h3", "+loadbalancer.balance/10 120 ct_state=+rpl-inv+trk,ip,"
              "reg0=" },
            { "h2", "-loadbalancer.balance/10 120 " } } },
        { "{'bindings/db1': {'host': 'h1', 'candidate': 'h3',"
          " 'activated': true}}", {
            { "h3", "+loadbalancer.balance/3 110 tcp6," },
            { "h3", "+loadbalancer.unbalance/1 105 " } } },
        /* The former host can still be asked, and asks nothing. */
        { "{'bindings/db1': {'host': 'h1', 'former': 'h3'}}", {
            { "h1", "+loadbalancer.balance/0 130 " },
            { "h1", "+loadbalancer.balance/3 110 tcp," },
            { "h1", "+loadbalancer.unbalance/1 105 " },
            { "h1", "-loadbalancer.unbalance/0 120 " },
            { "h1", "-loadbalancer.unbalance/1 110 " },
            { "h3", "+loadbalancer.balance/0 110 tcp6,reg0=" },
            { "h3", "+loadbalancer.balance/0 115 tcp6,reg0=" },
            { "h3", "+loadbalancer.balance/10 110 " },
            { "h3", "-loadbalancer.balance/3 110 " },
            { "h3", "-loadbalancer.unbalance/0 115 " } } },
        { "{'bindings/db1': {'host': 'h1'}}", {
            { "h1", "-loadbalancer.unbalance/0 115 " },
            { "h1", "-loadbalancer.balance/0 110 " },
            { "h1", "-loadbalancer.balance/3 110 " },
            { "h1", "-loadbalancer.balance/10 110 " },
            { "h3", "-loadbalancer.unbalance/0 120 " } } },
    } },
    { "loadbalancer_turns_a_backends_answer_to_itself", {
        { "{" BASE ", 'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80, 'target': 8080}, {'port': 81,"
          " 'target': 8080}], 'selector': 'tier=web'}}", {
            { "h1", "+loadbalancer.balance/9 100 ct_state=-inv+trk,ip,"
              SHOP ",nw_src=10.0.0.1,nw_dst=10.0.0.1 actions="
              "set_field:0x1/0x1->reg9,"
              "move:NXM_NX_CT_NW_DST[]->NXM_OF_IP_SRC[],"
              "move:NXM_OF_IP_SRC[0..23]->NXM_OF_ETH_SRC[0..23],"
              "set_field:0e:56:4f:00:00:00/ff:ff:ff:00:00:00->eth_src,"
              "set_field:02:00:00:00:00:01->eth_dst,goto_table" },
            { "h1", "+loadbalancer.balance/2 60 ct_state=+rpl-inv+trk,ip,"
              "reg0=0x64 actions=move:NXM_OF_IP_SRC[0..23]" },
            { "h1", "+loadbalancer.balance/1 150 tcp," SHOP ","
              "nw_src=10.0.0.1,tp_src=8080 actions="
              "set_field:0x1/0x1->reg9,set_field:10.0.0.1->ip_dst,"
              "ct(table={TABLE:loadbalancer.balance/2},"
              "zone=NXM_NX_REG8[0..15],nat)" },
            { "h2", "-nw_src=10.0.0.1,nw_dst=10.0.0.1 " },
            { "h1", "+loadbalancer.balance/2 90 ct_state=+new-inv+trk,"
              "ct_nw_proto=6,ip," SHOP ",nw_dst=10.0.0.100,nw_frag=later "
              "actions=drop (fragment to one of several services)" },
            /* Web VMs of another network are none. */
            { "h1", "-reg0=0xc8,nw_src=10.0.0.1,tp_src=8080" } } },
    } },
    { "loadbalancer_takes_ranges_and_shares_its_address", {
        { "{" BASE ", 'loadbalancers/a': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 6, 'end_port': 8}],"
          " 'selector': 'tier=web'}, 'loadbalancers/b': {'vip':"
          " '10.0.0.100', 'networks': ['shop'], 'protocol': 'udp',"
          " 'ports': [{'port': 7}], 'selector': 'tier=web'}}", {
            { "h1", "+balance/1 200 tcp," SHOP ",nw_dst=10.0.0.100,"
              "tp_dst=0x6/0xfffe " },
            { "h1", "+balance/1 200 tcp," SHOP ",nw_dst=10.0.0.100,"
              "tp_dst=8 " },
            { "h1", "+balance/1 200 udp," SHOP ",nw_dst=10.0.0.100,"
              "tp_dst=7 " },
            { "h1", "+nat(dst=10.0.0.1))" },
            { "h1", "+balance/2 90 ct_state=+new-inv+trk,ct_nw_proto=6,"
              "ip," SHOP ",nw_dst=10.0.0.100,nw_frag=later actions=drop" },
            { "h1", "+balance/2 90 ct_state=+new-inv+trk,ct_nw_proto=17,"
              "ip," SHOP ",nw_dst=10.0.0.100,nw_frag=later actions=set_field:"
              "{loadbalancer.balancer:b}->reg12" } } },
    } },
    { "loadbalancer_goes_by_what_probes_find", {
        { "{" BASE ", 'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80}], 'selector': 'tier=web',"
          " 'health': {'type': 'tcp', 'port': 81}}}", {
            /* None has answered yet: both serve. */
            { "h1", "+nat(dst=10.0.0.1)" },
            { "h1", "+nat(dst=10.0.0.2)" },
            { "h1", "+balance/1 210 tcp," SHOP ",nw_src=10.0.0.1,"
              "nw_dst=10.0.0.100,tp_src=81,tp_dst=0x200/0xfe00 "
              "actions=clone(set_field:0x" },
            { "h1", "+balance/1 210 icmp," SHOP ",nw_src=10.0.0.1,"
              "icmp_type=3 actions=clone(set_field:0x" },
            { "h2", "-nw_src=10.0.0.1,nw_dst=10.0.0.100,tp_src=81" } } },
        { "{'healths/lb/web1': {'loadbalancer': 'lb', 'port': 'web1',"
          " 'state': 'down'}}", {
            { "h3", "-nat(dst=10.0.0.1)" },
            { "h3", "+nat(dst=10.0.0.2)" } } },
        { "{'healths/lb/web1': {'loadbalancer': 'lb', 'port': 'web1',"
          " 'state': 'up'}}", {
            { "h3", "+nat(dst=10.0.0.1)" },
            { "h3", "-nat(dst=10.0.0.2)" } } },
        { "{'healths/lb/web1': {'loadbalancer': 'lb', 'port': 'web1',"
          " 'state': 'up'}, 'healths/lb/web2': {'loadbalancer': 'lb',"
          " 'port': 'web2', 'state': 'up'}}", {
            { "h3", "+nat(dst=10.0.0.1)" },
            { "h3", "+nat(dst=10.0.0.2)" } } },
        /* Who is down keeps what is open... */
        { "{'healths/lb/web1': {'loadbalancer': 'lb', 'port': 'web1',"
          " 'state': 'down'}}", {
            { "h3", "-nat(dst=10.0.0.1)" },
            { "h3", "+balance/9 50 ip,reg0=0x64,nw_dst=10.0.0.1 " },
            { "h3", "+nat(dst=10.0.0.2)" } } },
        /* ...unless it is to be cut. */
        { "{'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80}], 'selector': 'tier=web',"
          " 'health': {'type': 'tcp'}, 'when_down': 'cut'}}", {
            { "h3", "-nat(dst=10.0.0.1)" },
            { "h3", "-balance/9 50 ip,reg0=0x64,nw_dst=10.0.0.1 " },
            /* What it still sends comes from the virtual IP all the same:
             * to acknowledge it is what gets its clients their resets. */
            { "h3", "+unbalance/0 100 tcp,reg4=0x1," SHOP ",nw_src=10.0.0.1 "
              "actions=ct(" },
            { "h3", "+balance/9 30 tcp,reg0=0x64,nw_dst=10.0.0.1,"
              "tcp_flags=+rst actions=set_field:02:00:00:00:00:01->eth_dst"
            },
            { "h1", "-balance/9 100 ct_state=-inv+trk,ip," SHOP ","
              "nw_src=10.0.0.1," } } },
        /* Also if it was to get nothing new before. */
        { "{'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80}], 'backends': [{'port': 'web1',"
          " 'weight': 0}, {'port': 'web2'}], 'health': {'type': 'tcp'},"
          " 'when_down': 'cut'}}", {
            { "h3", "-balance/9 50 ip,reg0=0x64,nw_dst=10.0.0.1 " },
            { "h3", "+unbalance/0 100 tcp,reg4=0x1," SHOP ",nw_src=10.0.0.1 "
              "actions=ct(" },
            { "h3", "+balance/9 30 tcp,reg0=0x64,nw_dst=10.0.0.1,"
              "tcp_flags=+rst actions=set_field:02:00:00:00:00:01->eth_dst"
            } } },
    } },
    { "loadbalancer_has_standbys_drains_and_a_fallback", {
        { "{" BASE ", 'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80}], 'fallback': 'sorry',"
          " 'backends': [{'port': 'web1', 'drain': true}, {'port': 'web2'},"
          " {'port': 'app1', 'standby': true}]}, 'loadbalancers/sorry':"
          " {'vip': '10.0.0.101', 'networks': ['shop'], 'ports':"
          " [{'port': 80, 'target': 8080}], 'backends': [{'port':"
          " 'db1'}]}}", {
            /* What drains gets nothing new. */
            { "h1", "-nat(dst=10.0.0.1)" },
            { "h1", "+balance/9 50 ip,reg0=0x64,nw_dst=10.0.0.1 " },
            { "h1", "+nat(dst=10.0.0.2)" },
            { "h1", "-nat(dst=10.0.0.3)" } } },
        { "{'bindings/web2': null, 'healths/lb/web1': {'loadbalancer': 'lb',"
          " 'port': 'web1', 'state': 'drained'}}", {
            { "h1", "-nat(dst=10.0.0.1)" },
            { "h1", "-balance/9 50 ip,reg0=0x64,nw_dst=10.0.0.1 " },
            { "h1", "+balance/9 30 tcp,reg0=0x64,nw_dst=10.0.0.1," },
            { "h1", "+unbalance/0 100 tcp,reg4=0x1," SHOP ",nw_src=10.0.0.1 "
              "actions=ct(" },
            { "h1", "-nat(dst=10.0.0.2)" },
            { "h1", "+nat(dst=10.0.0.3)" } } },
        { "{'bindings/app1': null}", {
            { "h1", "-nat(dst=10.0.0.3)" },
            { "h1", "+{loadbalancer.balancer:lb} "
              "actions=note:" },
            { "h1", "+ct(commit,table={TABLE:loadbalancer.balance/9},"
              "zone=NXM_NX_REG8[0..15],nat(dst=10.0.0.4:8080))" } } },
    } },
    { "loadbalancer_prefers_backends_on_the_clients_host", {
        { "{" BASE ", 'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80}], 'selector': 'tier=web',"
          " 'locality': 'prefer'}}", {
            { "h1", "+balance/3 70 " SHOP ",reg12=" },
            { "h3", "-balance/3 70 " SHOP ",reg12=" },
            { "h3", "+balance/3 50 " SHOP ","
              "reg12={loadbalancer.balancer:lb} actions=set_field:0->reg12,"
              "set_field:0->reg10,group:" } } },
        { "{'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80}], 'selector': 'tier=web',"
          " 'locality': 'require'}}", {
            { "h1", "+balance/3 70 " SHOP ",reg12=" },
            { "h3", "+drop (no backend on this host)" } } },
    } },
    { "ports_open_no_more_connections_than_their_host_allows", {
        { "{" BASE ", 'hosts/h1': {'ovsdb': 'unix:/h1',"
          " 'tunnel_ip': '10.99.0.1', 'connection_limit': {'rate': 20,"
          " 'burst': 40}}}", {
            /* Once: what was limited before a backend was chosen has a
             * flag. */
            { "h1", "+firewall.track/4 50 ct_state=+new-inv+trk,reg9=0/0x20,"
              "in_port=5 actions=meter:" },
            { "h1", "+loadbalancer.balance/2 120 ct_state=+new-inv+trk,"
              "reg9=0/0x20,in_port=5 actions=meter:" },
            { "h1", "+set_field:0x20/0x20->reg9,resubmit(,"
              "{TABLE:loadbalancer.balance/2})" },
            { "h2", "-meter:" } } },
        { "{'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1'}}", {
            { "h1", "-meter:" } } },
    } },
    { "loadbalancer_limits_connections_of_clients", {
        { "{" BASE ", 'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80}], 'selector': 'tier=web',"
          " 'client_limit': {'rate': 20}}}", {
            { "h1", "+loadbalancer.balance/2 101 " },
            { "h1", "-loadbalancer.balance/2 100 " },
            { "h1", "+balance/4 100 " SHOP ",reg12={loadbalancer.balancer:lb} "
              "actions=set_field:0x100->reg13,multipath(nw_src," },
            { "h3", "+meter:" },
            { "h1", "+balance/7 100 " SHOP ",reg12={loadbalancer.balancer:lb} "
              "actions=note:00.00.00.04.00.00," } } },
        { "{'loadbalancers/lb': {'vip': 'fd00::100', 'networks':"
          " ['shop'], 'ports': [{'port': 80}], 'selector': 'tier=web',"
          " 'affinity': {}, 'client_limit': {'rate': 20, 'burst': 1}}}", {
            { "h1", "+multipath(nw_src," },
            { "h1", "+meter:" } } },
        { "{'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80}], 'selector': 'tier=web'}}", {
            { "h1", "-meter:" },
            { "h1", "-multipath(" },
            { "h1", "-loadbalancer.balance/2 101 " },
            { "h1", "+loadbalancer.balance/2 100 " } } },
    } },
    { "rule_about_a_virtual_ip_means_its_backends", {
        { "{" BASE "," TIERS ", 'loadbalancers/lb': {'vip': '10.9.9.9',"
          " 'networks': ['shop'], 'ports': [{'port': 80}],"
          " 'selector': 'tier=web'},"
          " 'policies/p': {'tier': 'security', 'applies_to': ['app'], 'rules':"
          " [{'direction': 'egress', 'action': 'allow', 'peers': [{'cidr':"
          " '10.9.9.8/30'}]}]}}", {
            { "h1", "+ct_nw_dst=10.9.9.8/30,ip," SHOP " actions=conj" },
            { "h1", "+ct_nw_dst=10.0.0.1,ip," SHOP " actions=conj" },
            { "h1", "+ct_nw_dst=10.0.0.2,ip," SHOP " actions=conj" } } },
        /* Whatever they do by now. */
        { "{'bindings/web1': null}", {
            { "h2", "+ct_nw_dst=10.0.0.1,ip," SHOP " actions=conj" } } },
        /* Not what leaves the balancer, nor what the rule excepts. */
        { "{'loadbalancers/lb': {'vip': '10.0.0.100', 'networks': ['shop'],"
          " 'ports': [{'port': 80}], 'backends': [{'port': 'web1'}]},"
          " 'policies/p': {'tier': 'security', 'applies_to': ['app'], 'rules':"
          " [{'direction': 'egress', 'action': 'allow', 'peers': [{'cidr':"
          " '10.0.0.0/24', 'except': ['10.0.0.0/26']}]}]}}", {
            { "h2", "+ct_nw_dst=10.0.0.64/26,ip," SHOP " actions=conj" },
            { "h2", "-ct_nw_dst=10.0.0.1," },
            { "h2", "-ct_nw_dst=10.0.0.2," } } },
        /* In egress rules alone: nothing comes from a virtual IP. */
        { "{'policies/p': {'tier': 'security', 'applies_to': ['app'], 'rules':"
          " [{'direction': 'ingress', 'action': 'allow', 'peers': [{'cidr':"
          " '10.0.0.100/32'}]}]}}", {
            { "h2", "+ct_nw_src=10.0.0.100,ip," SHOP " actions=conj" },
            { "h2", "-ct_nw_src=10.0.0.1," } } },
        { "{'policies/p': {'tier': 'security', 'applies_to': ['app'], 'rules':"
          " [{'direction': 'egress', 'action': 'deny', 'peers': [{'cidr':"
          " '10.0.0.100/32'}]}]}, 'loadbalancers/lb': null}", {
            { "h2", "+ct_nw_dst=10.0.0.100,ip," SHOP " actions=conj" },
            { "h2", "-ct_nw_dst=10.0.0.1," } } },
    } },
    { "loadbalancer_does_not_use_what_a_quarantine_holds", {
        { "{" BASE ", 'quarantines/q': {'selector': 'tier=web'},"
          " 'loadbalancers/lb': {'vip': '10.0.0.100', 'networks': ['shop'],"
          " 'ports': [{'port': 53}], 'selector': ''}}", {
            { "h1", "-nat(dst=10.0.0.2)" },
            { "h1", "+nat(dst=10.0.0.4)" } } },
        { "{'quarantines/q': {'selector': 'tier=db'}}", {
            { "h1", "+nat(dst=10.0.0.2)" },
            { "h1", "-nat(dst=10.0.0.4)" } } },
    } },
    { "loadbalancer_does_not_use_disabled_or_quarantined_ports", {
        { "{" BASE ", 'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'protocol': 'udp', 'ports': [{'port': 53}],"
          " 'selector': ''}}", {
            { "h1", "+nat(dst=10.0.0.2)" },
            { "h1", "+nat(dst=10.0.0.4)" } } },
        { "{'ports/web2': {'network': 'shop', 'ips': ['10.0.0.2'],"
          " 'mac': '02:00:00:00:00:02', 'quarantined': true},"
          " 'ports/db1': {'network': 'shop', 'ips': ['10.0.0.4'],"
          " 'mac': '02:00:00:00:00:04', 'enabled': false}}", {
            { "h1", "-nat(dst=10.0.0.2)" },
            { "h1", "-nat(dst=10.0.0.4)" },
            { "h1", "+nat(dst=10.0.0.3)" } } },
    } },
};

/* What a line cannot say.  ----------------------------------------------- */

static unsigned
count(const char *haystack, const char *needle)
{
    unsigned n = 0;

    while ((haystack = strstr(haystack, needle)) != NULL) {
        haystack += strlen(needle);
        n++;
    }
    return n;
}

/* Whose each of the 256 slots of the only select group is: the last digit of
 * the backend's number. */
static void
read_slots(struct apps_fixture *f, char slots[257])
{
    struct ds groups = DS_EMPTY_INITIALIZER;
    const char *p;
    size_t n = 0;

    apps_fixture_groups(f, "h1", &groups);
    p = strstr(ds_cstr(&groups), "type=select");
    assert_non_null(p);
    while ((p = strstr(p, "actions=set_field:0x")) != NULL && n < 256) {
        p += strlen("actions=set_field:0x");
        assert_int_equal(p[1], '-');
        slots[n++] = *p;
    }
    assert_int_equal(n, 256);
    slots[n] = '\0';
    ds_destroy(&groups);
}

/* The digit of the backend of "lb" that is port 'name'. */
static char
digit_of(struct apps_fixture *f, const char *name)
{
    char *text = xasprintf("{loadbalancer.backend:lb|%s}", name);
    char *number = apps_fixture_expand(f, text);
    char digit = number[2];     /* 0x... */

    free(text);
    free(number);
    return digit;
}

static unsigned
n_slots_of(struct apps_fixture *f, const char *slots, const char *name)
{
    const char digit[] = { digit_of(f, name), '\0' };

    return count(slots, digit);
}

static unsigned
n_moved(const char *a, const char *b)
{
    unsigned n = 0;

    for (; *a; a++, b++) {
        n += *a != *b;
    }
    return n;
}

static void
weights_are_exact_and_changes_move_little(void **state)
{
    struct apps_fixture *f = apps_fixture_create(shop_apps);
    char before[257], after[257];

    (void) state;
    apps_fixture_apply(f, "{" BASE "," LB("{'port': 'web1', 'weight': 5},"
                                          "{'port': 'web2', 'weight': 2},"
                                          "{'port': 'app1', 'weight': 1}")
                       "}");
    read_slots(f, before);
    assert_int_equal(n_slots_of(f, before, "web1"), 160);
    assert_int_equal(n_slots_of(f, before, "web2"), 64);
    assert_int_equal(n_slots_of(f, before, "app1"), 32);

    /* A ninth part more: 28 or 29 slots have to move. */
    apps_fixture_apply(f, "{" LB("{'port': 'web1', 'weight': 5},"
                                 "{'port': 'web2', 'weight': 2},"
                                 "{'port': 'app1', 'weight': 1},"
                                 "{'port': 'db1', 'weight': 1}") "}");
    read_slots(f, after);
    assert_in_range(n_slots_of(f, after, "db1"), 28, 29);
    assert_in_range(n_moved(before, after), 28, 60);

    /* And back, to the very same. */
    apps_fixture_apply(f, "{" LB("{'port': 'web1', 'weight': 5},"
                                 "{'port': 'web2', 'weight': 2},"
                                 "{'port': 'app1', 'weight': 1},"
                                 "{'port': 'db1', 'weight': 0}") "}");
    read_slots(f, after);
    assert_string_equal(before, after);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* Its flow for new connections, and so that one's counter, stays while it
 * drains or is down; no bucket leads there. */
static void
what_drains_or_is_down_gets_nothing_new_and_is_counted(void **state)
{
    static const struct {
        const char *rows;
        bool counted;
    } steps[] = {
        { "{" LB("{'port': 'web1', 'drain': true}, {'port': 'web2'},"
                 " {'port': 'app1'}") "}", true },
        { "{'healths/lb/web1': {'loadbalancer': 'lb', 'port': 'web1',"
          " 'state': 'drained'}}", false },
        { "{'loadbalancers/lb': {'vip': '10.0.0.100', 'networks': ['shop'],"
          " 'ports': [{'port': 80}], 'affinity': {}, 'backends':"
          " [{'port': 'web1'}, {'port': 'web2'}, {'port': 'app1'}],"
          " 'health': {'type': 'tcp'}},"
          " 'healths/lb/web1': {'loadbalancer': 'lb', 'port': 'web1',"
          " 'state': 'down'}, 'healths/lb/web2': {'loadbalancer': 'lb',"
          " 'port': 'web2', 'state': 'up'}, 'healths/lb/app1':"
          " {'loadbalancer': 'lb', 'port': 'app1', 'state': 'up'}}", true },
    };
    struct apps_fixture *f = apps_fixture_create(shop_apps);
    struct ds flows = DS_EMPTY_INITIALIZER;
    char slots[257];

    (void) state;
    apps_fixture_apply(f, "{" BASE "," LB("{'port': 'web1'},"
                                          "{'port': 'web2'},"
                                          "{'port': 'app1'}") "}");
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        apps_fixture_apply(f, steps[i].rows);
        apps_fixture_check(f);
        read_slots(f, slots);
        assert_int_equal(n_slots_of(f, slots, "web2")
                         + n_slots_of(f, slots, "app1"), 256);
        ds_clear(&flows);
        apps_fixture_flows(f, "h1", false, &flows);
        assert_int_equal(count(ds_cstr(&flows), "nat(dst=10.0.0.1"),
                         steps[i].counted);
    }
    ds_destroy(&flows);
    apps_fixture_destroy(f);
}

#define RANGE(NAME, VIP, PORTS)                                            \
    "'loadbalancers/" NAME "': {'vip': '" VIP "', 'networks': ['shop'],"   \
    " 'backends': [{'port': 'web1'}], 'ports': [{" PORTS "}]}"
#define RA RANGE("ra", "10.0.0.130", "'port': 9000, 'end_port': 9010")

/* How many flows of h1 take the replies of web1 to itself from ports that
 * 'match' says. */
static unsigned
n_replies(struct apps_fixture *f, const char *match)
{
    struct ds flows = DS_EMPTY_INITIALIZER;
    char *text = xasprintf("balance/1 150 tcp," SHOP ",nw_src=10.0.0.1,"
                           "tp_src=%s actions=", match);
    char *flow = apps_fixture_expand(f, text);
    unsigned n;

    apps_fixture_flows(f, "h1", false, &flows);
    n = count(ds_cstr(&flows), flow);
    ds_destroy(&flows);
    free(flow);
    free(text);
    return n;
}

/* Ranges of two balancers that have masks in common, but are not the same: the
 * flows of these masks are there once, and as long as either wants them. */
static void
ranges_of_one_backend_share_their_masks(void **state)
{
    static const struct {
        const char *rows;
        const char *shared, *own; /* Masks, one of each. */
    } others[] = {
        { "{" RANGE("rb", "10.0.0.131", "'port': 80, 'target': 9010") "}",
          "9010", NULL },
        { "{" RANGE("rb", "10.0.0.131", "'port': 9004, 'end_port': 9010") "}",
          "0x2330/0xfffe", "0x232c/0xfffc" },
        { "{" RANGE("rb", "10.0.0.130", "'port': 80, 'target': 9010") "}",
          "9010", NULL },
    };
    static const char *const masks[] = {
        "0x2328/0xfff8", "0x2330/0xfffe", "9010",
    };
    struct apps_fixture *f = apps_fixture_create(shop_apps);

    (void) state;
    apps_fixture_apply(f, "{" BASE "," RA "}");
    for (size_t i = 0; i < 2 * ARRAY_SIZE(others); i++) {
        const char *shared = others[i / 2].shared, *own = others[i / 2].own;

        apps_fixture_apply(f, others[i / 2].rows);
        apps_fixture_check(f);
        for (size_t j = 0; j < ARRAY_SIZE(masks); j++) {
            assert_int_equal(n_replies(f, masks[j]), 1);
        }
        assert_int_equal(n_replies(f, shared), 1);
        assert_true(!own || n_replies(f, own) == 1);

        /* Either goes, and what the other shares with it stays. */
        apps_fixture_apply(f, i % 2 ? "{'loadbalancers/ra': null}"
                           : "{'loadbalancers/rb': null}");
        apps_fixture_check(f);
        assert_int_equal(n_replies(f, shared), 1);
        assert_int_equal(n_replies(f, masks[0]), i % 2 ? 0 : 1);
        assert_true(!own || n_replies(f, own) == i % 2);
        apps_fixture_apply(f, "{" RA "}");
    }
    apps_fixture_destroy(f);
}

/* However many balancers there are: its group (twice: withdrawn and added), a
 * flow for open connections of this balancer, and six flows that it has once
 * for all balancers that it serves, two of them for its own host, by which it
 * reaches itself. */
static void
a_backend_more_changes_no_other_balancer(void **state)
{
    struct apps_fixture *f = apps_fixture_create(shop_apps);
    struct ds rows = DS_EMPTY_INITIALIZER;

    (void) state;
    ds_put_cstr(&rows, "{" BASE);
    for (int i = 0; i < 50; i++) {
        ds_put_format(&rows, ", 'loadbalancers/l%d': {'vip': '10.0.0.%d',"
                      " 'networks': ['shop'], 'ports': [{'port': 80,"
                      " 'target': 8080}], 'backends': [{'port': 'web1'},"
                      " {'port': 'web2'}]}", i, 100 + i);
    }
    ds_put_char(&rows, '}');
    apps_fixture_apply(f, ds_cstr(&rows));
    ds_destroy(&rows);
    for (int i = 0; i < 2; i++) {
        char *row = xasprintf(
            "{'loadbalancers/l%d': {'vip': '10.0.0.%d', 'networks': ['shop'],"
            " 'ports': [{'port': 80, 'target': 8080}], 'backends':"
            " [{'port': 'web1'}, {'port': 'web2'}, {'port': 'db1'}]}}", i,
            100 + i);

        apps_fixture_apply(f, row);
        assert_int_equal(apps_fixture_n_changes(f), i ? 3 : 9);
        assert_in_range(apps_fixture_n_computed(f), 1, i ? 4 : 8);
        free(row);
    }
    apps_fixture_destroy(f);
}

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(weights_are_exact_and_changes_move_little),
        cmocka_unit_test(
            what_drains_or_is_down_gets_nothing_new_and_is_counted),
        cmocka_unit_test(ranges_of_one_backend_share_their_masks),
        cmocka_unit_test(a_backend_more_changes_no_other_balancer),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return (run_scenarios("loadbalancer: flows", shop_apps, scenarios,
                          ARRAY_SIZE(scenarios))
            + cmocka_run_group_tests_name("loadbalancer: more", others, NULL,
                                          NULL));
}
