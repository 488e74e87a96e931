/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the apps: rows in, flows out, on the real engine.  Here are
 * overlay's cases, and what concerns all apps; see test-overlay-v6,
 * test-firewall, test-loadbalancer and others for more.
 *
 * test-apps [--app FILE] --dump HOST [groups] < ROWS prints the flows (or the
 * groups) that a host is to hold, in the form that ovs-ofctl reads. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "tests/unit/apps-fixture.h"
#include "tests/unit/apps-rows.h"
#include "tests/unit/apps-scenario.h"
#include "util.h"

static struct scenario scenarios[] = {
    { "overlay_admits_a_port_where_it_is_and_nowhere_else", {
        { "{" BASE "}", {
            { "h1", "+" ADMIT "/0 100 in_port=5 actions=set_field:0x64->reg0,"
              "set_field:{zone:policy/shop}->reg5,"
              "set_field:{zone:balance/shop}->reg8,set_field:0->reg1,"
              "set_field:0x1->reg3,goto_table:{TABLE:overlay.admit/3}" },
            { "h2", "-in_port=5 " },
            { "h1", "+" ADMIT "/3 100 ip,in_port=5,dl_src=02:00:00:00:00:01,"
              "nw_src=10.0.0.1 "
              "actions=goto_table:{TABLE:overlay.destination/0}" },
            { "h1", "+" ADMIT "/3 100 arp,in_port=5,dl_src=02:00:00:00:00:01,"
              "arp_spa=10.0.0.1,arp_sha=02:00:00:00:00:01 "
              "actions=goto_table:{TABLE:overlay.destination/0}" },
            { "h1", "+" ADMIT "/3 20 ip actions=drop (spoofed)" },
            { "h1", "+" ADMIT "/3 20 arp actions=drop (spoofed)" },
            { "h1", "+" ADMIT "/3 20 ipv6 actions=drop (no IPv6 address)" },
            /* Honest ones are told from forgers: who asks for an address,
             * joins groups before it has one, or has made one up. */
            { "h1", "+" ADMIT "/3 24 udp,nw_src=0.0.0.0,nw_dst="
              "255.255.255.255,tp_src=68,tp_dst=67 actions=drop (no DHCP "
              "here)" },
            { "h1", "+" ADMIT "/3 24 ip,nw_src=0.0.0.0,nw_proto=2 "
              "actions=drop (IGMP)" },
            { "h1", "+" ADMIT "/3 24 ip,nw_src=169.254.0.0/16 actions=drop "
              "(IPv4 link-local address)" },
            { "h1", "+" ADMIT "/3 24 arp,arp_spa=169.254.0.0/16 actions=drop "
              "(IPv4 link-local address)" },
            { "h1", "+" ADMIT "/3 26 ip,nw_src=169.254.0.0/24 actions=drop "
              "(spoofed)" },
            { "h1", "+" ADMIT "/3 26 arp,arp_spa=169.254.255.0/24 "
              "actions=drop (spoofed)" },
            { "h1", "+" ADMIT "/3 1  actions=drop (neither IP nor ARP)" },
            { "h1", "+" ADMIT "/0 200 vlan_tci=0x1000/0x1000 actions=drop "
              "(VLAN tag)" } } },
        { "{'vifs/h1/web1': null}", {
            { "h1", "-in_port=5" },
            { "h1", "-" LOCATE "300 reg0=0x64,dl_dst=02:00:00:00:00:01" },
            { "h2", "+" LOCATE "200 reg0=0x64,dl_dst=02:00:00:00:00:01 "
              "actions=set_field:0->reg2,set_field:{host:h1}->reg6" } } },
        { "{'bindings/web1': null}", {
            { "h2", "-" LOCATE "200 reg0=0x64,dl_dst=02:00:00:00:00:01" },
            { "h2", "-nw_src=10.0.0.1" },
            { "h2", "-arp_spa=10.0.0.1" },
            { "h2", "-arp_tpa=10.0.0.1" } } },
    } },
    { "overlay_takes_its_mtu_from_underlays", {
        { "{" BASE ", 'networks/small': {'vni': 300, 'mtu': 1400,"
          " 'subnets': [{'cidr': '10.0.0.0/24'}]},"
          PORT("small1", "small", "1", "h1", "11", "") "}", {
            { "h1", "+overlay.deliver/0 1  actions=move:NXM_NX_REG0[]->"
              "NXM_NX_TUN_ID[0..31],check_pkt_larger(1464)" },
            { "h1", "+overlay.deliver/0 10 reg0=0x12c actions=move:"
              "NXM_NX_REG0[]->NXM_NX_TUN_ID[0..31],check_pkt_larger(1414)" } } },
        /* One that is larger, one that has not reported, and one of which
         * nothing is known. */
        { "{'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1',"
          " 'tunnel_interface': 'br0'},"
          "'underlays/h1': {'mtu': 9000},"
          "'hosts/h2': {'ovsdb': 'unix:/h2', 'tunnel_ip': '10.99.0.2',"
          " 'tunnel_interface': 'br0'}}", {
            { "h1", "+overlay.deliver/0 1  actions=move:NXM_NX_REG0[]->"
              "NXM_NX_TUN_ID[0..31],check_pkt_larger(1464)" } } },
        { "{'hosts/h3': {'ovsdb': 'unix:/h3', 'tunnel_ip': '10.99.0.3',"
          " 'tunnel_interface': 'br0'},"
          "'underlays/h3': {'mtu': 4000}}", {
            { "h1", "+overlay.deliver/0 1  actions=move:NXM_NX_REG0[]->"
              "NXM_NX_TUN_ID[0..31],check_pkt_larger(3964)" },
            { "h1", "+overlay.deliver/1 115 reg9=0x8/0x8 "
              "actions=clone(set_field:0x" } } },
        /* No less than IPv6 takes, and no more than a network may have. */
        { "{'underlays/h3': {'mtu': 600}}", {
            { "h1", "+overlay.deliver/0 1  actions=move:NXM_NX_REG0[]->"
              "NXM_NX_TUN_ID[0..31],check_pkt_larger(1294)" } } },
        { "{'underlays/h1': {'mtu': 65535}, 'underlays/h3': {'mtu': 65000}}", {
            { "h1", "+overlay.deliver/0 1  actions=move:NXM_NX_REG0[]->"
              "NXM_NX_TUN_ID[0..31],check_pkt_larger(9230)" } } },
        /* The overhead of IPv6 is 20 bytes more. */
        { "{'hosts/h3': {'ovsdb': 'unix:/h3', 'tunnel_ip': '10.99.0.3',"
          " 'second_tunnel_ip': 'fd99::3', 'tunnel_interface': 'br0'},"
          "'underlays/h3': {'mtu': 4000}}", {
            { "h1", "+overlay.deliver/0 1  actions=move:NXM_NX_REG0[]->"
              "NXM_NX_TUN_ID[0..31],check_pkt_larger(3944)" } } },
    } },
    { "overlay_learns_who_is_behind_a_port", {
        { "{" BASE ","
          "'ports/nest': {'network': 'shop', 'ips': ['10.0.0.9'],"
          " 'mac': '02:00:00:00:00:09', 'unknown': true},"
          "'bindings/nest': {'host': 'h1'},"
          "'vifs/h1/nest': {'host': 'h1', 'iface_id': 'nest',"
          " 'iface': 'tap9', 'ofport': 19},"
          "'routers/r': {'interfaces': [{'network': 'shop',"
          " 'addresses': ['10.0.0.254']}]}}", {
            /* In: anybody, but not as somebody who is known. */
            { "h1", "+" ADMIT "/3 40 ip,in_port=19 "
              "actions=set_field:0x10->reg9,set_field:0x7->reg10,"
              "goto_table:{TABLE:overlay.admit/4}" },
            { "h1", "+" ADMIT "/3 45 ip,in_port=19,dl_src=02:00:00:00:00:09 "
              "actions=set_field:0x10->reg9,set_field:0x3->reg10,"
              "goto_table:{TABLE:overlay.admit/4}" },
            { "h1", "-" ADMIT "/3 40 ip,in_port=5" },
            { "h1", "+" ADMIT "/4 1600 reg0=0x64,reg10=0x4/0x4,"
              "dl_src=02:00:00:00:00:01 actions=drop (spoofed)" },
            { "h1", "+" ADMIT "/4 1600 reg0=0x64,reg10=0x4/0x4,"
              "dl_src=02:00:00:00:00:09 actions=drop (spoofed)" },
            { "h1", "+" ADMIT "/4 1064 arp,reg0=0x64,reg10=0x1/0x1,"
              "arp_spa=10.0.0.1 actions=drop (spoofed)" },
            { "h1", "+" ADMIT "/4 1032 arp,reg0=0x64,reg10=0x1/0x1,"
              "arp_spa=169.254.0.0/16 actions=drop (spoofed)" },
            { "h2", "-reg10=0x4/0x4,dl_src" },
            { "h1", "+" ADMIT "/4 210 reg9=0x10/0x10,in_port=19 "
              "actions=learn(table=249,hard_timeout=300,priority=1," },
            /* Out, by a VNI of the port's own, by which others know it. */
            { "h1",
              "+overlay.deliver/0 20 reg0=0x64,reg9=0x10/0x10,in_port=19 "
              "actions=set_field:{vni:port/nest}->tun_id,check_pkt_larger" },
            { "h1", "+overlay.deliver/0 110 reg0=0x64,reg6=0xffffffff,"
              "reg9=0x10/0x10,in_port=19 "
              "actions=set_field:{vni:port/nest}->tun_id,group:" },
            { "h2", "+" ADMIT "/1 100 tun_id={vni:port/nest} "
              "actions=set_field:0x64->reg0," } } },
        { "{}", {
            /* Found by what was learned of its address. */
            { "h1", "+" LOCATE "3 reg0=0x64 actions=set_field:0->reg11,"
              "resubmit(1,249),goto_table:{TABLE:overlay.locate/1}" },
            { "h2", "+" LOCATE "260 reg0=0x64,in_port=40000 "
              "actions=set_field:0->reg11,resubmit(1,249),goto" },
            { "h1", "+overlay.locate/1 300 reg11={vni:port/nest} "
              "actions=set_field:0->reg2,set_field:0x1->reg4,"
              "set_field:0x13->reg7,goto" },
            { "h2", "+overlay.locate/1 200 reg11={vni:port/nest} "
              "actions=set_field:0->reg2,set_field:{host:h1}->reg6,goto" },
            { "h1", "+overlay.locate/1 330 reg0=0x64,"
              "dl_dst=02:00:00:00:00:01 actions=drop (destination is not "
              "here)" },
            /* Not heard yet: for all of them, judged where it arrives. */
            { "h1",
              "+overlay.locate/1 100 reg0=0x64 actions=set_field:0->reg2,"
              "set_field:0x1->reg4,set_field:0x13->reg7,resubmit" },
            { "h1", "+overlay.locate/1 260 reg0=0x64,reg11=0,in_port=40000 "
              "actions=set_field:0x1->reg3,set_field:0->reg2," },
            { "h2", "+overlay.locate/1 50 reg0=0x64 "
              "actions=set_field:0->reg3,set_field:0->reg2,"
              "set_field:0->reg4,set_field:0x9c40->reg7,"
              "set_field:0xfffffffb->reg6" },
            { "h2", "+overlay.deliver/0 100 reg0=0x64,reg6=0xfffffffb "
              "actions=move:NXM_NX_REG0[]->NXM_NX_TUN_ID[0..31],group:" },
            { "h2", "+overlay.locate/1 250 reg0=0x64,in_port=40000 "
              "actions=drop (destination is not here)" } } },
        { "{'bindings/nest': {'host': 'h1', 'candidate': 'h2'},"
          "'vifs/h2/nest': {'host': 'h2', 'iface_id': 'nest',"
          " 'iface': 'tap9', 'ofport': 29}}", {
            /* A candidate is ready for what others send it. */
            { "h2",
              "+overlay.locate/1 320 reg11={vni:port/nest},in_port=40000 "
              "actions=set_field:0x1->reg3,set_field:0->reg2,"
              "set_field:0x1->reg4,set_field:0x1d->reg7,goto" },
            { "h2", "-overlay.locate/1 300 " },
            { "h2", "+" ADMIT "/4 210 reg9=0x10/0x10,in_port=29 "
              "actions=learn(" } } },
        { "{'bindings/nest': null}", {
            { "h1", "-reg0=0x64,reg10=0x" },
            { "h2", "-,249)" },
            { "h2", "-reg6=0xfffffffb" } } },
    } },
    { "overlay_lets_guests_use_what_their_port_is_allowed", {
        { "{" BASE ","
          "'ports/nest': {'network': 'shop', 'ips': ['10.0.0.9'],"
          " 'mac': '02:00:00:00:00:09', 'unknown': true,"
          " 'allowed_addresses': [{'ip': '10.0.0.64/28'},"
          " {'ip': '10.0.0.9', 'mac': '02:00:00:00:00:99'}]},"
          "'bindings/nest': {'host': 'h1'},"
          "'vifs/h1/nest': {'host': 'h1', 'iface_id': 'nest',"
          " 'iface': 'tap9', 'ofport': 19},"
          "'ports/web2': {'network': 'shop', 'ips': ['10.0.0.2'],"
          " 'mac': '02:00:00:00:00:02', 'allowed_addresses': ["
          "{'ip': '10.0.0.64/28'}, {'ip': '10.0.0.0/16'},"
          " {'ip': '0.0.0.0/0'}]}}", {
            /* The longer prefix decides, and then the port's own. */
            { "h1", "+" ADMIT "/4 1057 ip,reg9=0x10/0x10,in_port=19,"
              "nw_src=10.0.0.64/28 actions=learn(" },
            { "h1", "+" ADMIT "/4 1056 ip,reg0=0x64,reg10=0x2/0x2,"
              "nw_src=10.0.0.64/28 actions=drop (spoofed)" },
            { "h1", "+" ADMIT "/3 45 arp,in_port=19,"
              "dl_src=02:00:00:00:00:99 actions=" },
            { "h1", "+" ADMIT "/4 1600 reg0=0x64,reg10=0x4/0x4,"
              "dl_src=02:00:00:00:00:99 actions=drop (spoofed)" },
            /* Who may use a whole subnet forwards for others. */
            { "h1", "-reg10=0x2/0x2,nw_src=10.0.0.0/16" },
            { "h1", "-reg10=0x2/0x2 " } } },
    } },
    { "overlay_puts_provider_networks_on_the_wire", {
        { "{" BASE ","
          "'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1',"
          " 'provider_bridges': [{'physical': 'dc', 'bridge': 'br-ex'}]},"
          "'vifs/h1/@dc': {'host': 'h1', 'iface_id': '@dc',"
          " 'iface': 'vmn-to-br-ex', 'ofport': 41},"
          "'networks/shop': {'vni': 100, 'subnets': [{'cidr': "
          "'10.0.0.0/24'}], 'provider': {'physical': 'dc', 'vlan': 7}},"
          "'ports/metal': {'network': 'shop', 'ips': ['10.0.0.5'],"
          " 'mac': '02:00:00:00:00:05', 'external': true}}", {
            /* In, with its tag and without, and nothing else. */
            { "h1", "+" ADMIT "/0 210 reg0=0,in_port=41,dl_vlan=7 "
              "actions=set_field:0->vlan_tci,set_field:0x64->reg0," },
            { "h1", "+" ADMIT "/0 215 reg0=0x64,in_port=41 actions=" },
            { "h1", "+" ADMIT "/0 205 in_port=41 actions=drop (no network "
              "with this VLAN here)" },
            { "h1", "+" ADMIT "/2 10 reg0=0x64 actions=" },
            { "h1", "+" ADMIT "/2 500 reg0=0x64,dl_src=02:00:00:00:00:01 "
              "actions=drop (spoofed)" },
            { "h1", "+" ADMIT "/2 505 reg0=0x64,dl_src=02:00:00:00:00:01,"
              "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00 actions=drop (own "
              "flood returned)" },
            { "h1", "+" LOCATE "250 reg0=0x64,in_port=41 actions=drop (for "
              "others on the physical network)" },
            { "h1", "+" LOCATE "400 reg0=0x64,in_port=41,dl_dst=01:" },
            /* Out, to known ones and others, and never by a tunnel. */
            { "h1", "+" LOCATE "200 reg0=0x64,dl_dst=02:00:00:00:00:02 "
              "actions=set_field:0->reg2,set_field:0xfffffffc->reg6,goto" },
            { "h1", "+" LOCATE "2 reg0=0x64 "
              "actions=set_field:0xfffffffc->reg6,goto" },
            { "h1", "+250 reg0=0x64,reg6=0xfffffffc "
              "actions=set_field:0x1007->vlan_tci,move:NXM_NX_REG9[8..10]->"
              "NXM_OF_VLAN_TCI[13..15],output:41" },
            { "h1", "-tun_id=0x64" },
            { "h1", "-reg0=0x64,reg6=0xffffffff" },
            /* A host without the bridge. */
            { "h2",
              "+240 reg0=0x64,reg6=0xfffffffc actions=drop (no bridge to "
              "the physical network)" },
            { "h2", "-250 reg0=0x64,reg6=0xfffffffc" },
            { "h2", "-in_port=41" },
            /* A machine out there: judged here, and answers for itself. */
            { "h2", "+" LOCATE "200 reg0=0x64,dl_dst=02:00:00:00:00:05 "
              "actions=set_field:0->reg2,set_field:0x1->reg4,"
              "set_field:0xfffffffc->reg6," },
            { "h2", "+nw_src=10.0.0.5 actions=set_field:0->reg1,"
              "set_field:0x1->reg3," },
            { "h1", "-arp_tpa=10.0.0.5" },
            { "h1", "+arp_tpa=10.0.0.2" } } },
        /* A port's candidate, alone on its host: it gets no floods, and those
         * from the wire do not go back there. */
        { "{'hosts/h4': {'ovsdb': 'unix:/h4', 'tunnel_ip': '10.99.0.4',"
          " 'provider_bridges': [{'physical': 'dc', 'bridge': 'br-ex'}]},"
          "'vifs/h4/@dc': {'host': 'h4', 'iface_id': '@dc',"
          " 'iface': 'vmn-to-br-ex', 'ofport': 44},"
          "'bindings/web1': {'host': 'h1', 'candidate': 'h4'},"
          "'vifs/h4/web1': {'host': 'h4', 'iface_id': 'web1', 'iface': 'tap',"
          " 'ofport': 14}}", {
            { "h4", "+" LOCATE "400 reg0=0x64,in_port=44,dl_dst=01:00:00:00:"
              "00:00/01:00:00:00:00:00 actions=drop (flood that no port here "
              "gets)" },
            { "h4", "+" LOCATE "390 reg0=0x64,dl_dst=01:00:00:00:00:00/01:00:"
              "00:00:00:00 actions=set_field:0->reg2,set_field:0->reg4,"
              "set_field:0->reg7,set_field:0xfffffffc->reg6,goto" },
            { "h4", "+" LOCATE "250 reg0=0x64,in_port=44 actions=drop (for "
              "others on the physical network)" },
            { "h4", "-in_port=40000,dl_dst=01:" } } },
        { "{'bindings/web1': {'host': 'h1'}, 'vifs/h4/web1': null}", {
            { "h4", "-" LOCATE "400 " }, { "h4", "-" LOCATE "390 " } } },
        { "{'vifs/h1/@dc': null}", {
            { "h1", "-in_port=41" }, { "h1", "-output:41" },
            { "h1", "+240 reg0=0x64,reg6=0xfffffffc actions=drop" } } },
        { "{'ports/metal': null, 'networks/shop': {'vni': 100, 'subnets': "
          "[{'cidr': '10.0.0.0/24'}]}}", {
            { "h1", "+tun_id=0x64" }, { "h1", "-0xfffffffc" } } },
    } },
    { "overlay_admits_from_tunnels_only_known_hosts_networks_and_sources", {
        { "{" BASE "}", {
            { "h1", "+" ADMIT "/0 100 tun_src=10.99.0.2,in_port=40000 "
              "actions=goto_table:{TABLE:overlay.admit/1}" },
            { "h1", "+" ADMIT "/0 50 in_port=40000 actions=drop (unknown "
              "tunnel source)" },
            { "h1", "+" ADMIT "/1 100 tun_id=0x64 actions=set_field:0x64->reg0"
              ",set_field:{zone:policy/shop}->reg5,"
              "set_field:{zone:balance/shop}->reg8,"
              "goto_table:{TABLE:overlay.admit/2}" },
            { "h1", "+" ADMIT "/2 280 ip," SHOP ",nw_src=10.0.0.4 actions="
              "set_field:0->reg1,goto_table:{TABLE:overlay.destination/0}" },
            /* No ARP crosses the tunnels of such a network. */
            { "h1", "-arp,reg0=0x64,arp_spa=10.0.0.4" },
            { "h1", "+" ADMIT "/2 1  actions=drop (unknown source)" },
            { "h3", "-tun_id=0xc8" },
            { "h3", "-reg0=0xc8" },
            { "h1", "+tun_id=0xc8" } } },
        { "{'ports/db1': {'network': 'shop', 'enabled': false}}", {
            { "h1", "-nw_src=10.0.0.4" },
            { "h3", "-reg0=0x64" } } },
    } },
    /* What is sent to a host goes in the encapsulation that it receives, to an
     * address of a family that the sender has, too. */
    { "overlay_tunnels_go_by_family_and_encapsulation", {
        { "{" BASE "}", {
            { "h1", "+overlay.deliver/1 100 reg6={host:h2} actions="
              "set_field:10.99.0.2->tun_dst,output:40000" },
            { "h1", "-in_port=40001" } } },
        { "{'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1',"
          " 'second_tunnel_ip': 'fd99::1'},"
          " 'hosts/h2': {'ovsdb': 'unix:/h2', 'tunnel_ip': 'fd99::2',"
          " 'second_tunnel_ip': '10.99.0.2', 'encap': 'geneve'}}", {
            { "h1", "+set_field:fd99::2->tun_ipv6_dst,output:40001" },
            { "h1", "-set_field:10.99.0.2->tun_dst" },
            { "h3", "+overlay.deliver/1 105 reg6={host:h2} actions="
              "set_field:10.99.0.2->tun_dst,output:40001" },
            { "h3", "+set_field:10.99.0.1->tun_dst,output:40000" },
            { "h3", "-set_field:fd99::1->tun_ipv6_dst" },
            { "h2", "+set_field:10.99.0.1->tun_dst,output:40000" },
            { "h2", "+" ADMIT "/0 99 tun_src=10.99.0.3,in_port=40001 "
              "actions=set_field:40000->in_port,"
              "goto_table:{TABLE:overlay.admit/1}" },
            { "h2", "+" ADMIT "/0 100 tun_ipv6_src=fd99::1,in_port=40001 " },
            { "h2", "+" ADMIT "/0 100 tun_ipv6_src=fd99::1,in_port=40000 " },
            { "h2", "+" ADMIT "/0 50 in_port=40001 actions=drop (unknown "
              "tunnel source)" },
            { "h1", "+" ADMIT "/0 99 tun_ipv6_src=fd99::2,in_port=40000 "
              "actions=goto_table:{TABLE:overlay.admit/1}" },
            { "h1", "+" ADMIT "/0 100 tun_src=10.99.0.3,in_port=40000 " },
            { "h3", "+" ADMIT "/0 100 tun_src=10.99.0.2,in_port=40000 " },
            { "h3", "-tun_ipv6_src" },
            { "h1", "-in_port=40001" },
            { "h3", "-in_port=40001" } } },
        { "{'hosts/h3': {'ovsdb': 'unix:/h3', 'tunnel_ip': 'fd99::3'}}", {
            { "h3", "+overlay.deliver/1 105 reg6={host:h1} actions="
              "set_field:fd99::1->tun_ipv6_dst,output:40000" },
            { "h3", "-set_field:10.99.0.2->tun_dst" },
            { "h1", "+set_field:fd99::3->tun_ipv6_dst,output:40000" },
            { "h1", "-10.99.0.3" } } },
    } },
    { "overlay_answers_arp_for_known_addresses_but_not_to_their_owner", {
        { "{" BASE "}", {
            { "h1", "+overlay.arp/0 100 arp,reg0=0x64,arp_tpa=10.0.0.4,"
              "arp_op=1 actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],"
              "set_field:02:00:00:00:00:04->eth_src,set_field:2->arp_op,"
              "move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],"
              "set_field:02:00:00:00:00:04->arp_sha,"
              "move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],"
              "set_field:10.0.0.4->arp_spa,IN_PORT" },
            { "h1", "+overlay.arp/0 300 arp,reg3=0 actions=goto_table" },
            { "h1", "+overlay.arp/0 200 arp,in_port=5,arp_tpa=10.0.0.1,"
              "arp_op=1 actions=goto_table" },
            { "h1", "+overlay.arp/0 10 arp actions=drop (ARP for unknown "
              "address)" } } },
    } },
    { "overlay_takes_unicast_to_ports_and_never_from_tunnel_to_tunnel", {
        { "{" BASE "}", {
            { "h1", "+" LOCATE "300 reg0=0x64,dl_dst=02:00:00:00:00:01 actions"
              "=set_field:0->reg2,set_field:0x1->reg4,set_field:0x5->reg7,"
              "goto_table" },
            { "h1", "+" LOCATE "200 reg0=0x64,dl_dst=02:00:00:00:00:04 actions"
              "=set_field:0->reg2,set_field:{host:h3}->reg6,goto_table" },
            { "h1", "+" LOCATE "250 in_port=40000 actions=drop (destination "
              "is not here)" },
            { "h1", "+" LOCATE "1  actions=drop (unknown destination)" },
            { "h1", "+overlay.deliver/1 100 reg6={host:h3} actions="
              "set_field:10.99.0.3->tun_dst,output:40000" },
            { "h1", "+overlay.deliver/1 110 reg6={host:h1} actions=drop" },
            { "h1", "-overlay.deliver/1 110 reg6={host:h2} actions=drop" },
            { "h1", "+overlay.deliver/0 200 reg4=0x1 actions="
              "output:NXM_NX_REG7[]" },
            { "h1", "+overlay.deliver/0 300 reg4=0x1,reg9=0x1/0x1 actions="
              "set_field:ANY->in_port,output:NXM_NX_REG7[]" } } },
    } },
    { "overlay_follows_a_port_that_moves_by_its_locate_flow", {
        { "{" BASE "}", { { NULL } } },
        { "{'bindings/web1': {'host': 'h3'}, 'vifs/h3/web1': {'host': 'h3',"
          " 'iface_id': 'web1', 'iface': 'tap', 'ofport': 12},"
          " 'vifs/h1/web1': null}", {
            { "h2", "+" LOCATE "200 reg0=0x64,dl_dst=02:00:00:00:00:01 actions"
              "=set_field:0->reg2,set_field:{host:h3}->reg6" },
            { "h3", "+" LOCATE "300 reg0=0x64,dl_dst=02:00:00:00:00:01" },
            { "h3", "+in_port=12,dl_src=02:00:00:00:00:01" },
            { "h1", "-reg0=0x64" } } },
    } },
    { "overlay_readies_a_second_host_and_then_changes_only_where_to_send", {
        { "{" BASE ", 'bindings/db1': {'host': 'h3', 'candidate': 'h1'},"
          " 'vifs/h1/db1': {'host': 'h1', 'iface_id': 'db1', 'iface': 'tap',"
          " 'ofport': 12}}", {
            { "h1", "+" ADMIT "/0 100 in_port=12 actions=set_field:0x64->"
              "reg0" },
            { "h1", "+" ADMIT "/3 100 ip,in_port=12,dl_src=02:00:00:00:00:04,"
              "nw_src=10.0.0.4 actions=goto" },
            /* Once it is announced there. */
            { "h1", "+" ADMIT "/0 110 rarp,in_port=12,dl_src=02:00:00:00:00:"
              "04 actions=set_field:0x64->reg0" },
            { "h1", "+load:0x8000000c->NXM_NX_REG11[]" },
            { "h1", "+overlay.locate/1 360 reg0=0x64,reg11=0x8000000c,dl_dst="
              "02:00:00:00:00:04 actions=set_field:0->reg2,set_field:0x1->"
              "reg4,set_field:0xc->reg7,goto" },
            { "h1", "+overlay.locate/1 350 reg0=0x64,in_port=40000,dl_dst=02:"
              "00:00:00:00:04 actions=drop (guest runs on the other host)" },
            { "h1", "+overlay.locate/1 340 reg0=0x64,dl_dst=02:00:00:00:00:04 "
              "actions=set_field:0->reg2,set_field:{host:h3}->reg6" },
            { "h1", "-set_field:0xc->reg7,resubmit" },
            { "h3", "+" LOCATE "300 reg0=0x64,dl_dst=02:00:00:00:00:04 "
              "actions=set_field:0->reg2,set_field:0x1->reg4" },
            /* Copies to both. */
            { "h3", "+overlay.deliver/0 220 reg0=0x64,reg7=0x8,in_port=40000,"
              "dl_dst=02:00:00:00:00:04 actions=output:8\n" },
            { "h3", "+overlay.deliver/0 210 reg0=0x64,reg7=0x8,reg9=0/0x10,"
              "dl_dst=02:00:00:00:00:04 actions=output:8,move:" },
            { "h2", "+overlay.deliver/0 150 reg0=0x64,reg6={host:h3},"
              "reg9=0/0x10,dl_dst=02:00:00:00:00:04 actions=move:" },
            { "h2", "+" LOCATE "200 reg0=0x64,dl_dst=02:00:00:00:00:04 "
              "actions=set_field:0->reg2,set_field:{host:h3}->reg6" } } },
        { "{'bindings/db1': {'host': 'h1', 'candidate': 'h3',"
          " 'activated': true}}", {
            { "h1", "+" ADMIT "/0 100 in_port=12 " },
            { "h1", "-" ADMIT "/0 110 " },
            { "h1", "-overlay.locate/1 3" },
            { "h3", "+" ADMIT "/0 110 in_port=8,dl_src=02:00:00:00:00:04 " },
            { "h3", "-learn(" },
            { "h2", "+overlay.deliver/0 150 reg0=0x64,reg6={host:h1}," },
            { "h1", "+" LOCATE "300 reg0=0x64,dl_dst=02:00:00:00:00:04" },
            { "h2", "+" LOCATE "200 reg0=0x64,dl_dst=02:00:00:00:00:04 "
              "actions=set_field:0->reg2,set_field:{host:h1}->reg6" },
            { "h3", "+" ADMIT "/0 100 in_port=8 " },
            { "h3", "+" LOCATE "300 reg0=0x64,dl_dst=02:00:00:00:00:04 "
              "actions=set_field:0->reg2,set_field:0x1->reg4,"
              "set_field:0x8->reg7" },
            { "h3", "-set_field:0x8->reg7,resubmit" } } },
        { "{'bindings/db1': {'host': 'h1'}}", {
            { "h1", "-overlay.deliver/0 220" },
            { "h1", "-overlay.deliver/0 210" },
            { "h2", "-overlay.deliver/0 150" },
            { "h3", "-reg0=0x64" } } },
        /* A host that has no other part in the network. */
        { "{'bindings/spy': {'host': 'h1', 'candidate': 'h2'},"
          " 'vifs/h2/spy': {'host': 'h2', 'iface_id': 'spy', 'iface': 'tap',"
          " 'ofport': 13}}", {
            { "h2", "+" ADMIT "/1 100 tun_id=0xc8" },
            { "h2", "+" ADMIT "/0 100 in_port=13 " },
            { "h2", "+" LOCATE "200 reg0=0xc8,dl_dst=02:00:00:00:00:01 "
              "actions=set_field:0->reg2,set_field:{host:h1}->reg6" },
            /* What the guest floods from there goes out; it gets none. */
            { "h2", "+" LOCATE "390 reg0=0xc8,dl_dst=01:00:00:00:00:00/01:00:"
              "00:00:00:00 actions=set_field:0->reg3,set_field:0->reg2,"
              "set_field:0->reg4,set_field:0x9c40->reg7,"
              "set_field:0xffffffff->reg6,goto_table:" },
            { "h2", "+" LOCATE "400 reg0=0xc8,in_port=40000,dl_dst=01:00:00:"
              "00:00:00/01:00:00:00:00:00 actions=drop (flood that no port "
              "here gets)" } } },
    } },
    { "overlay_floods_copies_to_local_ports_and_once_to_other_hosts", {
        { "{" BASE "}", {
            { "h2", "+" LOCATE "390 reg0=0x64,dl_dst=01:00:00:00:00:00/01:00:"
              "00:00:00:00 actions=set_field:0->reg2,set_field:0x1->reg4,"
              "set_field:0x9c42->reg7,resubmit(,{TABLE:overlay.locate/2}),"
              "set_field:0->reg3,set_field:0->reg2,set_field:0->reg4,"
              "set_field:0x9c40->reg7,set_field:0xffffffff->reg6,"
              "goto_table:{TABLE:firewall.track/0}" },
            { "h2", "+" LOCATE "400 reg0=0x64,in_port=40000,dl_dst=01:00:00:"
              "00:00:00/01:00:00:00:00:00 actions=set_field:0x1->reg3,"
              "set_field:0->reg2,set_field:0x1->reg4,set_field:0x9c42->reg7,"
              "resubmit(,{TABLE:overlay.locate/2})\n" },
            { "h2", "+overlay.deliver/0 310 reg0=0x64,reg2=0,reg4=0x1,"
              "reg7=0x9c42 actions=output:6,output:7\n" },
            { "h2", "+overlay.locate/2 100 reg7=0x7,in_port=7 actions=drop "
              "(copy of a flood to its sender)" },
            { "h2", "+overlay.locate/2 1  actions=goto_table:"
              "{TABLE:firewall.track/0}" },
            { "h2", "+overlay.deliver/1 112 reg6={host:h2},reg7=0x9c40 "
              "actions=drop (copy of a flood to its sender)" },
            { "h2", "+overlay.deliver/0 100 reg0=0x64,reg6=0xffffffff "
              "actions=move:NXM_NX_REG0[]->NXM_NX_TUN_ID[0..31],group:" },
            { "h1", "-overlay.deliver/0 100 reg0=0xc8" },
            { "h2", "+type=all" },
            { "h2", "+actions=set_field:{host:h1}->reg6,resubmit(,"
              "{TABLE:overlay.deliver/1})" },
            { "h2", "+actions=set_field:{host:h3}->reg6,resubmit(,"
              "{TABLE:overlay.deliver/1})" } } },
        { "{'ports/app1': {'network': 'shop', 'quarantined': true,"
          " 'labels': {'tier': 'app'}}}", {
            { "h2", "+set_field:0x6->reg7,resubmit" },
            { "h2", "-overlay.deliver/0 310 " },
            { "h2", "+overlay.arp/0 70 arp,in_port=7 actions=drop "
              "(quarantined)" } } },
    } },
    { "overlay_lets_a_port_use_what_it_is_allowed_to", {
        { "{" BASE ", 'ports/db1': {'network': 'shop', 'ips': ['10.0.0.4'],"
          " 'mac': '02:00:00:00:00:04', 'allowed_addresses': ["
          "{'ip': '10.0.0.4'}, {'ip': '10.0.0.64/28'},"
          " {'ip': '10.0.0.9', 'mac': '02:00:00:00:00:99'}]}}", {
            { "h3", "+" ADMIT "/3 100 ip,in_port=8,dl_src=02:00:00:00:00:04,"
              "nw_src=10.0.0.64/28 actions=goto" },
            { "h3", "+" ADMIT "/3 100 arp,in_port=8,dl_src=02:00:00:00:00:99,"
              "arp_spa=10.0.0.9,arp_sha=02:00:00:00:00:99 actions=goto" },
            { "h1", "+" ADMIT "/2 328 ip,reg0=0x64,dl_src=02:00:00:00:00:04,"
              "nw_src=10.0.0.64/28 actions=set_field:0->reg1,goto" },
            { "h1", "+" ADMIT "/2 332 arp,reg0=0x64,dl_src=02:00:00:00:00:99,"
              "arp_spa=10.0.0.9 actions=set_field:0->reg1,goto" },
            { "h1", "+overlay.arp/0 50 arp,reg0=0x64,arp_tpa=10.0.0.64/28,"
              "arp_op=1 actions=goto" },
            { "h3", "+" ADMIT "/2 280 arp,reg0=0x64,arp_spa=10.0.0.1 actions="
              "set_field:0->reg1,goto_table:{TABLE:overlay.destination/0}" },
            { "h1", "+" LOCATE "190 reg0=0x64,dl_dst=02:00:00:00:00:99 "
              "actions=set_field:0->reg2,set_field:{host:h3}->reg6" },
            { "h3", "+" LOCATE "280 reg0=0x64,dl_dst=02:00:00:00:00:99" } } },
        { "{'ports/app1': {'network': 'shop', 'ips': ['10.0.0.3'],"
          " 'mac': '02:00:00:00:00:03', 'allowed_addresses': ["
          "{'ip': '10.0.0.9', 'mac': '02:00:00:00:00:99'}]}}", {
            { "h1", "-" LOCATE "190 " },
            { "h1", "+" LOCATE "195 reg0=0x64,dl_dst=02:00:00:00:00:99 "
              "actions=set_field:0->reg2,set_field:0x1->reg4" },
            { "h2", "+" LOCATE "270 reg0=0x64,in_port=40000,"
              "dl_dst=02:00:00:00:00:99" } } },
        { "{" GROUP("three", "") ", 'groups/one': {'ports': ['app1']}}", {
            /* Two identities behind one address and MAC: neither. */
            { "h1", "-" ADMIT "/2 332" },
            { "h1", "+" ADMIT "/2 328" } } },
    } },
    { "overlay_merges_the_addresses_that_a_port_may_use", {
        { "{" BASE ", 'ports/db1': {'network': 'shop', 'ips': ['10.0.0.4'],"
          " 'mac': '02:00:00:00:00:04', 'allowed_addresses': ["
          "{'ip': '10.0.0.5'}, {'ip': '10.1.0.0/25'}, {'ip': '10.1.0.7'},"
          " {'ip': '10.1.0.128/25'},"
          " {'ip': '10.1.0.0/25', 'mac': '02:00:00:00:00:99'}]}}", {
            { "h3", "+" ADMIT "/3 100 ip,in_port=8,dl_src=02:00:00:00:00:04,"
              "nw_src=10.0.0.4/31 actions=goto" },
            { "h3", "+" ADMIT "/3 100 arp,in_port=8,dl_src=02:00:00:00:00:04,"
              "arp_spa=10.1.0.0/24,arp_sha=02:00:00:00:00:04 "
              "actions=set_field:0x1->reg10,goto" },
            { "h3", "+" ADMIT "/4 1065 arp,reg10=0x1,in_port=8,"
              "arp_spa=10.0.0.4,arp_sha=02:00:00:00:00:04 actions=goto" },
            { "h3", "+" ADMIT "/4 1064 arp,reg0=0x64,reg10=0x1/0x1,"
              "arp_spa=10.0.0.1 actions=drop (spoofed)" },
            { "h3", "+" ADMIT "/3 100 ip,in_port=8,dl_src=02:00:00:00:00:99,"
              "nw_src=10.1.0.0/25 actions=goto" },
            { "h3", "-in_port=8,dl_src=02:00:00:00:00:04,nw_src=10.1.0.0/25" },
            { "h3", "-in_port=8,dl_src=02:00:00:00:00:04,nw_src=10.1.0.7" },
            { "h1", "+overlay.arp/0 50 arp,reg0=0x64,arp_tpa=10.1.0.0/24," },
            { "h1", "-arp_tpa=10.1.0.0/25" } } },
    } },
};

/* What a line cannot say.  ----------------------------------------------- */

static void
what_no_flow_reads_changes_no_flow(void **state)
{
    static const char *const changes[] = {
        "{'ports/web1': {'network': 'shop', 'ips': ['10.0.0.1'],"
        " 'mac': '02:00:00:00:00:01', 'description': 'x',"
        " 'labels': {'tier': 'web', 'owner': 'me'}}}",
        "{'networks/shop': {'vni': 100, 'labels': {'a': 'b'},"
        " 'subnets': [{'cidr': '10.0.0.0/24'}]}}",
        "{'groups/web': {'selector': 'tier=web', 'description': 'y'}}",
        "{'groups/more': {'selector': 'nothing=here'}}",
        "{'services/s': {'entries': [{'protocol': 'tcp'}]}}",
        "{'hosts/h1': {'ovsdb': 'unix:/other', 'tunnel_ip': '10.99.0.1'}}",
        "{" LB("{'port': 'web2', 'weight': 7}") "}",
    };
    struct apps_fixture *f = apps_fixture_create(shop_apps);

    (void) state;
    apps_fixture_apply(f, "{" BASE "," TIERS "," LB("{'port': 'web2'}") "}");
    assert_true(apps_fixture_n_changes(f) > 0);
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        apps_fixture_apply(f, changes[i]);
        if (apps_fixture_n_changes(f)) {
            fail_msg("%u flows changed by %s", apps_fixture_n_changes(f),
                     changes[i]);
        }
    }
    apps_fixture_destroy(f);
}

static void
what_is_for_people_computes_nothing(void **state)
{
    static const char *const changes[] = {
        "{'ports/web1': {'network': 'shop', 'ips': ['10.0.0.1'],"
        " 'mac': '02:00:00:00:00:01', 'description': 'x',"
        " 'labels': {'tier': 'web'}}}",
        "{'networks/shop': {'vni': 100, 'description': 'x',"
        " 'labels': {'a': 'b'}, 'subnets': [{'cidr': '10.0.0.0/24'}]}}",
        "{'groups/web': {'selector': 'tier=web', 'description': 'y',"
        " 'labels': {'a': 'b'}}}",
        "{'services/s': {'entries': [{'protocol': 'tcp'}],"
        " 'description': 'y', 'labels': {'a': 'b'}}}",
        "{'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1',"
        " 'description': 'x', 'labels': {'a': 'b'}}}",
        "{'policies/p': {'applies_to': ['web'], 'description': 'x',"
        " 'labels': {'a': 'b'}, 'rules': [{'direction': 'ingress',"
        " 'action': 'allow', 'services': [{'service': 's'}]}]}}",
    };
    struct apps_fixture *f = apps_fixture_create(shop_apps);

    (void) state;
    apps_fixture_apply(f, "{" BASE "," TIERS "," LB("{'port': 'web2'}") ","
                       "'services/s': {'entries': [{'protocol': 'tcp'}]},"
                       "'policies/p': {'applies_to': ['web'], 'rules': ["
                       "{'direction': 'ingress', 'action': 'allow',"
                       " 'services': [{'service': 's'}]}]}}");
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        apps_fixture_apply(f, changes[i]);
        if (apps_fixture_n_computed(f)) {
            fail_msg("%u computations by %s", apps_fixture_n_computed(f),
                     changes[i]);
        }
    }
    /* A label that no group selects: the port's groups alone. */
    apps_fixture_apply(f, "{'ports/web1': {'network': 'shop',"
                       " 'ips': ['10.0.0.1'], 'mac': '02:00:00:00:00:01',"
                       " 'labels': {'tier': 'web', 'owner': 'me'}}}");
    assert_int_equal(apps_fixture_n_computed(f), 1);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

static void
overlay_works_without_a_firewall(void **state)
{
    static const char *const overlay[] = { "overlay", NULL };
    struct apps_fixture *f = apps_fixture_create(overlay);
    struct ds flows = DS_EMPTY_INITIALIZER;

    (void) state;
    apps_fixture_apply(f, "{" BASE "," TIERS "}");
    apps_fixture_check(f);
    apps_fixture_flows(f, "h1", false, &flows);
    assert_true(strstr(ds_cstr(&flows), LOCATE "300 reg0=0x64,"
                         "dl_dst=02:00:00:00:00:01 actions="
                         "set_field:0->reg2,set_field:0x1->reg4,"
                         "set_field:0x5->reg7,goto_table:192"));
    ds_destroy(&flows);
    apps_fixture_destroy(f);
}

/* --dump: rows on stdin, flows on stdout.  ------------------------------- */

static int
dump(const char *app, const char *host, bool groups)
{
    const char *all[] = { shop_apps[0], shop_apps[1], shop_apps[2],
                          app, NULL };
    struct apps_fixture *f = apps_fixture_create(all);
    struct ds rows = DS_EMPTY_INITIALIZER;
    struct ds out = DS_EMPTY_INITIALIZER;
    int c;

    while ((c = getchar()) != EOF) {
        ds_put_char(&rows, c);
    }
    apps_fixture_apply(f, ds_cstr(&rows));
    apps_fixture_check(f);
    if (groups) {
        apps_fixture_groups(f, host, &out);
    } else {
        apps_fixture_flows(f, host, true, &out);
    }
    fputs(ds_cstr(&out), stdout);
    ds_destroy(&out);
    ds_destroy(&rows);
    apps_fixture_destroy(f);
    return 0;
}

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(what_no_flow_reads_changes_no_flow),
        cmocka_unit_test(what_is_for_people_computes_nothing),
        cmocka_unit_test(overlay_works_without_a_firewall),
    };
    const char *app = NULL;

    if (argc >= 3 && !strcmp(argv[1], "--app")) {
        app = argv[2];
        argv += 2;
        argc -= 2;
    }
    if (argc >= 3 && !strcmp(argv[1], "--dump")) {
        return dump(app, argv[2], argc > 3 && !strcmp(argv[3], "groups"));
    }
    return (run_scenarios("apps: flows", shop_apps, scenarios,
                          ARRAY_SIZE(scenarios))
            + cmocka_run_group_tests_name("apps: more", others, NULL, NULL));
}
