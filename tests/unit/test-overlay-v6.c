/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the app overlay with IPv6: which sources and neighbour
 * discovery a port may send, what is answered for others, and that ports
 * without IPv6 have none of that.  Its other cases are in test-apps.c. */

#include <config.h>

#include "tests/unit/apps-rows.h"
#include "tests/unit/apps-scenario.h"
#include "util.h"

static struct scenario scenarios[] = {
    { "overlay_guards_ipv6_of_ports_that_have_it_and_drops_it_of_others", {
        { "{" BASE "," DUAL("db1", "4") "}", {
            { "h3", "+" ADMIT "/3 100 ipv6,in_port=8,dl_src=02:00:00:00:00:04,"
              "ipv6_src=fd00::4 actions=goto_table:{TABLE:overlay.admit/4}" },
            { "h3", "+" ADMIT "/3 100 ipv6,in_port=8,dl_src=02:00:00:00:00:04,"
              "ipv6_src=fe80::ff:fe00:4 actions=goto_table:" },
            { "h3", "+" ADMIT "/3 100 icmp6,in_port=8,dl_src=02:00:00:00:00:04"
              ",ipv6_src=::,icmp_type=135 actions="
              "move:NXM_NX_ND_TARGET[96..127]->NXM_NX_REG12[]," },
            { "h3", "+" ADMIT "/3 30 ipv6,in_port=8 actions=drop (spoofed)" },
            { "h3", "+" ADMIT "/3 35 ipv6,in_port=8,dl_src=02:00:00:00:00:04,"
              "ipv6_src=fe80::/10 actions="
              "move:NXM_NX_IPV6_SRC[96..127]->NXM_NX_REG12[]," },
            { "h3", "+" ADMIT "/3 20 ipv6 actions=drop (no IPv6 address)" },
            { "h3", "+" ADMIT
              "/3 150 icmp6,icmp_type=134 actions=drop (router "
              "advertisement)" },
            { "h3", "+" ADMIT "/3 150 icmp6,icmp_type=143 actions=drop "
              "(MLD)" },
            { "h3", "+" ADMIT "/4 100 icmp6,in_port=8,icmp_type=135,"
              "icmp_code=0,nd_sll=02:00:00:00:00:04 actions=goto" },
            { "h3", "+" ADMIT "/4 100 icmp6,in_port=8,icmp_type=136,"
              "icmp_code=0,nd_target=fd00::4,nd_tll=02:00:00:00:00:04 "
              "actions=goto" },
            { "h3", "+nd_target=fd00::4,nd_tll=00:00:00:00:00:00 actions=" },
            { "h3", "+" ADMIT "/4 20 icmp6,icmp_type=136 actions=drop "
              "(spoofed)" },
            { "h3", "+overlay.arp/1 200 in_port=8,dl_src=02:00:00:00:00:04 "
              "actions=drop (ND for own address)" },
            /* Elsewhere. */
            { "h1", "+" ADMIT "/2 280 ipv6," SHOP ",ipv6_src=fd00::4 actions="
              "set_field:0->reg1,goto" },
            { "h1", "+" ADMIT "/2 280 ipv6,reg0=0x64,dl_src=02:00:00:00:00:04,"
              "ipv6_src=fe80::/10 actions=set_field:0->reg1,move:" },
            { "h1", "+overlay.arp/0 100 icmp6,reg0=0x64,icmp_type=135,"
              "icmp_code=0,nd_target=fd00::4 actions=move:NXM_OF_ETH_SRC[]->"
              "NXM_OF_ETH_DST[],set_field:02:00:00:00:00:04->eth_src,goto" },
            { "h1", "+overlay.arp/0 100 icmp6,reg0=0x64,icmp_type=135,"
              "icmp_code=0,nd_target=fe80::ff:fe00:4 actions=" },
            { "h1", "+overlay.arp/0 10 icmp6,icmp_type=135 actions=drop (ND "
              "for unknown address)" },
            { "h1", "+overlay.arp/0 150 icmp6,dl_dst=00:00:00:00:00:00/01:00:"
              "00:00:00:00,icmp_type=135 actions=goto" },
            { "h1", "+overlay.arp/1 90 icmp6,icmp_type=135 actions="
              "move:NXM_NX_IPV6_SRC[]->NXM_NX_IPV6_DST[],"
              "move:NXM_NX_ND_TARGET[]->NXM_NX_IPV6_SRC[],"
              "move:NXM_NX_IPV6_DST[]->NXM_NX_ND_TARGET[],"
              "move:NXM_OF_ETH_SRC[]->NXM_NX_ND_SLL[],IN_PORT" },
            /* Nothing of a port without. */
            { "h1", "-ipv6,in_port=5" }, { "h1", "-icmp6,in_port=5" },
            { "h1", "-ipv6_src=fe80::ff:fe00:1" } } },
        { "{'ports/db1': {'network': 'shop', 'ips': ['10.0.0.4'],"
          " 'mac': '02:00:00:00:00:04'}}", {
            { "h3", "-ipv6,in_port=8" }, { "h3", "-icmp6,in_port=8" },
            { "h1", "-icmp6,reg0" }, { "h1", "-ipv6,reg0" } } },
        { "{" DUAL("db1", "4") ", 'ports/db1': {'network': 'shop',"
          " 'ips': ['fd00::4'], 'mac': '02:00:00:00:00:04',"
          " 'quarantined': true}}", {
            { "h3", "+overlay.arp/0 70 icmp6,in_port=8,icmp_type=135 actions="
              "drop (quarantined)" },
            { "h3", "+overlay.arp/0 70 icmp6,in_port=8,icmp_type=136 actions="
              "drop (quarantined)" } } },
    } },
    { "overlay_lets_a_guest_choose_link_local_addresses", {
        { "{" BASE "," DUAL("db1", "4") "}", {
            { "h3", "+" ADMIT "/4 90 icmp6,in_port=8,dl_src=02:00:00:00:00:04,"
              "icmp_type=136,icmp_code=0,nd_target=fe80::/10,"
              "nd_tll=02:00:00:00:00:04 actions="
              "move:NXM_NX_ND_TARGET[]->NXM_NX_IPV6_SRC[]," },
            { "h3", "+" ADMIT "/5 100 reg10=0x8,reg11=0x1 actions=drop "
              "(spoofed)" },
            { "h3", "+" ADMIT "/5 390 reg10=0x20 actions=drop (too many "
              "link-local addresses)" },
            { "h1", "+" ADMIT "/5 200 reg0=0x64,reg11=0/0x1,"
              "reg12=0xfe800000/0xffc00000,dl_src=02:00:00:00:00:04 "
              "actions=set_field:0->reg10,learn(" },
            { "h1", "+overlay.arp/0 50 icmp6,reg0=0x64,icmp_type=135,"
              "icmp_code=0,nd_target=fe80::/10 actions=goto" },
            { "h1", "-reg13=0,reg14" } } },
        /* But for those of others. */
        { "{'ports/web1': {'network': 'shop', 'ips': ['10.0.0.1'],"
          " 'mac': '02:00:00:00:00:01',"
          " 'allowed_addresses': [{'ip': 'fe80::1'}]}}", {
            { "h1", "+" ADMIT "/5 300 reg0=0x64,reg3=0x1,reg10=0x8,"
              "reg12=0xfe800000,reg13=0,reg14=0,reg15=0x1 actions=drop "
              "(spoofed)" },
            { "h1", "+" ADMIT "/5 290 reg0=0x64,reg12=0xfe800000,reg13=0,"
              "reg14=0,reg15=0x1 actions=goto" } } },
    } },
    { "overlay_lets_a_port_use_what_ipv6_it_is_allowed_to", {
        { "{" BASE "," DUAL("db1", "4") ", 'ports/db1': {'network': 'shop',"
          " 'ips': ['fd00::4'], 'mac': '02:00:00:00:00:04',"
          " 'allowed_addresses': [{'ip': 'fd00::4'}, {'ip': 'fd00::5'},"
          " {'ip': 'fe80::ff:fe00:4'}, {'ip': 'fd01::/16'},"
          " {'ip': 'fd00::9', 'mac': '02:00:00:00:00:99'}]}}", {
            { "h3", "+" ADMIT "/3 100 ipv6,in_port=8,dl_src=02:00:00:00:00:04,"
              "ipv6_src=fd00::4/127 "
              "actions=set_field:0x1->reg10,goto" },
            { "h3", "+" ADMIT "/3 100 ipv6,in_port=8,dl_src=02:00:00:00:00:04,"
              "ipv6_src=fd01::/16 "
              "actions=set_field:0x1->reg10,goto" },
            { "h3", "+" ADMIT "/3 100 ipv6,in_port=8,dl_src=02:00:00:00:00:99,"
              "ipv6_src=fd00::9 "
              "actions=set_field:0x1->reg10,goto" },
            { "h3", "+" ADMIT "/4 100 icmp6,in_port=8,icmp_type=136,"
              "icmp_code=0,nd_target=fd00::9,nd_tll=02:00:00:00:00:99 "
              "actions=goto" },
            { "h3", "+" ADMIT "/4 100 icmp6,in_port=8,icmp_type=136,"
              "icmp_code=0,nd_target=fd00::9,nd_tll=00:00:00:00:00:00 "
              "actions=goto" },
            { "h3", "+" ADMIT "/4 100 icmp6,in_port=8,icmp_type=135,"
              "icmp_code=0,nd_sll=02:00:00:00:00:99 actions=goto" },
            { "h1", "+" ADMIT "/2 316 ipv6,reg0=0x64,dl_src=02:00:00:00:00:04,"
              "ipv6_src=fd01::/16 actions=set_field:0->reg1,goto" },
            { "h1", "+" ADMIT "/2 428 ipv6,reg0=0x64,dl_src=02:00:00:00:00:99,"
              "ipv6_src=fd00::9 actions=" },
            { "h1", "-nd_target=fd00::4/" },
            { "h1", "+overlay.arp/0 50 icmp6,reg0=0x64,icmp_type=135,"
              "icmp_code=0,nd_target=fd00::5 actions=goto" },
            { "h1", "+overlay.arp/0 50 icmp6,reg0=0x64,icmp_type=135,"
              "icmp_code=0,nd_target=fd01::/16 actions=goto" },
            { "h1", "+" ADMIT "/2 280 icmp6,reg0=0x64,ipv6_src=::,"
              "icmp_type=135 actions=move:NXM_NX_ND_TARGET[96..127]" },
            /* No ARP crosses the tunnels because of that. */
            { "h1", "-arp,reg0=0x64,arp_spa" } } },
        { "{'ports/db1': {'network': 'shop', 'ips': ['10.0.0.4'],"
          " 'mac': '02:00:00:00:00:04',"
          " 'allowed_addresses': [{'ip': '10.0.0.9'}]}}", {
            { "h1", "-icmp6,reg0" }, { "h1", "-ipv6,reg0" },
            { "h1", "+" ADMIT "/2 280 arp,reg0=0x64,arp_spa=10.0.0.1" } } },
    } },
};

int
main(void)
{
    return run_scenarios("overlay: IPv6", shop_apps, scenarios,
                         ARRAY_SIZE(scenarios));
}
