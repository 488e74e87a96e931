/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the apps: rows in, flows out, on the real engine.  A case is a
 * change of the state and lines that flows of a host must or must not show;
 * after every change, the engine must report no problem, and a compile from
 * nothing must give the same.
 *
 * test-apps [--app FILE] --dump HOST [groups] < ROWS prints the flows (or the
 * groups) that a host is to hold, in the form that ovs-ofctl reads. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/model.h"
#include "controller/model/numbers.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/apps-fixture.h"
#include "util.h"

static const char *const apps[] = {
    "apps/overlay/.libs/overlay.so",
    "apps/firewall/.libs/firewall.so",
    "apps/loadbalancer/.libs/loadbalancer.so",
    NULL,
};

/* What tells packets of network shop: it is a domain by itself. */
#define SHOP "reg5={zone:policy/shop}"

/* Three hosts, a network of four VMs, and another with the same addresses. */
#define BASE                                                                \
    "'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1'},"          \
    "'hosts/h2': {'ovsdb': 'unix:/h2', 'tunnel_ip': '10.99.0.2'},"          \
    "'hosts/h3': {'ovsdb': 'unix:/h3', 'tunnel_ip': '10.99.0.3'},"          \
    "'networks/shop': {'vni': 100, 'subnets': [{'cidr': '10.0.0.0/24'}]},"  \
    "'networks/other': {'vni': 200, 'subnets': [{'cidr': '10.0.0.0/24'}]}," \
    PORT("web1", "shop", "1", "h1", "5", "'tier': 'web'") ","               \
    PORT("web2", "shop", "2", "h2", "6", "'tier': 'web'") ","               \
    PORT("app1", "shop", "3", "h2", "7", "'tier': 'app'") ","               \
    PORT("db1", "shop", "4", "h3", "8", "'tier': 'db'") ","                 \
    PORT("spy", "other", "1", "h1", "9", "'tier': 'web'")

/* A port with address 10.0.0.N and MAC 02:00:00:00:00:0N, bound to a host. */
#define PORT(NAME, NETWORK, N, HOST, OFPORT, LABELS)                        \
    "'ports/" NAME "': {'network': '" NETWORK "', 'ips': ['10.0.0." N "'],"  \
    " 'mac': '02:00:00:00:00:0" N "', 'labels': {" LABELS "}},"             \
    "'bindings/" NAME "': {'host': '" HOST "'},"                            \
    "'vifs/" HOST "/" NAME "': {'host': '" HOST "', 'iface_id': '" NAME "'," \
    " 'iface': 'tap', 'ofport': " OFPORT "}"

/* The same port with fd00::N beside, in a network that has IPv6. */
#define DUAL(NAME, N)                                                       \
    "'networks/shop': {'vni': 100, 'subnets': [{'cidr': '10.0.0.0/24'},"    \
    " {'cidr': 'fd00::/64'}]},"                                             \
    "'ports/" NAME "': {'network': 'shop', 'mac': '02:00:00:00:00:0" N "'," \
    " 'ips': ['10.0.0." N "', 'fd00::" N "'], 'labels': {'tier': 'db'}}"

#define GROUP(NAME, SELECTOR) \
    "'groups/" NAME "': {'selector': '" SELECTOR "'}"
#define TIERS                                                               \
    GROUP("web", "tier=web") "," GROUP("app", "tier=app") ","               \
    GROUP("db", "tier=db")

#define WEB_ID "{firewall.identity:shop|web}"
#define APP_ID "{firewall.identity:shop|app}"
#define DB_ID "{firewall.identity:shop|db}"
/* Of ports that are quarantined: by "/NAME", or "" by their rows. */
#define HELD_ID(GROUP, BY) \
    "{firewall.identity:shop|" GROUP ",!quarantined" BY "}"

/* A line is "+" or "-" (must be there, or must not) and text that the line of
 * a flow is to contain. */
struct check {
    const char *host;
    const char *line;
};

struct step {
    const char *rows;
    struct check checks[24];
};

struct scenario {
    const char *name;
    struct step steps[6];
};

static bool
has_line(const struct ds *flows, const char *text)
{
    return strstr(ds_cstr_ro(flows), text) != NULL;
}

static void
run_check(struct apps_fixture *f, const struct check *check,
          const char *scenario, size_t step)
{
    char *text = apps_fixture_expand(f, check->line + 1);
    struct ds flows = DS_EMPTY_INITIALIZER;

    apps_fixture_flows(f, check->host, false, &flows);
    apps_fixture_groups(f, check->host, &flows);
    if (has_line(&flows, text) != (check->line[0] == '+')) {
        fputs(ds_cstr(&flows), stderr);
        fail_msg("%s, step %"PRIuSIZE", %s: %s: %s", scenario, step,
                 check->host, check->line[0] == '+' ? "missing" : "not wanted",
                 text);
    }
    ds_destroy(&flows);
    free(text);
}

static void
run_scenario(void **state)
{
    const struct scenario *scenario = *state;
    struct apps_fixture *f = apps_fixture_create(apps);

    for (size_t i = 0; i < ARRAY_SIZE(scenario->steps); i++) {
        const struct step *step = &scenario->steps[i];

        if (!step->rows) {
            break;
        }
        apps_fixture_apply(f, step->rows);
        apps_fixture_check(f);
        for (size_t j = 0; j < ARRAY_SIZE(step->checks); j++) {
            if (step->checks[j].host) {
                run_check(f, &step->checks[j], scenario->name, i);
            }
        }
    }
    apps_fixture_destroy(f);
}

/* Overlay.  -------------------------------------------------------------- */

#define ADMIT "overlay.admit"
#define LOCATE "overlay.locate/0 "

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
              "actions=goto_table:{TABLE:loadbalancer.arp/0}" },
            { "h1", "+" ADMIT "/3 100 arp,in_port=5,dl_src=02:00:00:00:00:01,"
              "arp_spa=10.0.0.1,arp_sha=02:00:00:00:00:01 "
              "actions=goto_table:{TABLE:loadbalancer.arp/0}" },
            { "h1", "+" ADMIT "/3 20 ip actions=drop (spoofed)" },
            { "h1", "+" ADMIT "/3 20 arp actions=drop (spoofed)" },
            { "h1", "+" ADMIT "/3 20 ipv6 actions=drop (no IPv6 address)" },
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
              "actions=controller(" } } },
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
              "actions=set_field:0x10->reg9,goto_table:{TABLE:overlay.admit/4}"
            },
            { "h1", "-" ADMIT "/3 40 ip,in_port=5" },
            { "h1", "+" ADMIT "/4 220 reg0=0x64,reg9=0x10/0x10,"
              "dl_src=02:00:00:00:00:01 actions=drop (spoofed)" },
            { "h1", "+" ADMIT "/4 220 arp,reg0=0x64,reg9=0x10/0x10,"
              "arp_spa=10.0.0.1 actions=drop (spoofed)" },
            { "h1", "+" ADMIT "/4 220 arp,reg0=0x64,reg9=0x10/0x10,"
              "arp_spa=10.0.0.254 actions=drop (spoofed)" },
            { "h1", "-" ADMIT "/4 220 reg0=0x64,reg9=0x10/0x10,"
              "dl_src=02:00:00:00:00:09" },
            { "h2", "-reg9=0x10/0x10,dl_src" },
            { "h1", "+" ADMIT "/4 210 reg9=0x10/0x10,in_port=19 "
              "actions=learn(table=249,hard_timeout=300,priority=1," },
            /* Out, by a VNI of the port's own, by which others know it. */
            { "h1", "+overlay.deliver/0 20 reg0=0x64,reg9=0x10/0x10,in_port=19 "
              "actions=set_field:{vni:port/nest}->tun_id,check_pkt_larger" },
            { "h1", "+overlay.deliver/0 110 reg0=0x64,reg6=0xffffffff,"
              "reg9=0x10/0x10,in_port=19 "
              "actions=set_field:{vni:port/nest}->tun_id,group:" },
            { "h2", "+" ADMIT "/1 100 tun_id={vni:port/nest} "
              "actions=set_field:0x64->reg0," } } },
        { "{}", {
            /* Found by what was learned of its address. */
            { "h1", "+" LOCATE "3 reg0=0x64 actions=set_field:0->reg11,"
              "resubmit(,249),goto_table:{TABLE:overlay.locate/1}" },
            { "h2", "+" LOCATE "260 reg0=0x64,in_port=40000 "
              "actions=set_field:0->reg11,resubmit(,249),goto" },
            { "h1", "+overlay.locate/1 300 reg11={vni:port/nest} "
              "actions=set_field:0->reg2,set_field:0x1->reg4,"
              "set_field:0x13->reg7,goto" },
            { "h2", "+overlay.locate/1 200 reg11={vni:port/nest} "
              "actions=set_field:0->reg2,set_field:{host:h1}->reg6,goto" },
            { "h1", "+overlay.locate/1 330 reg0=0x64,"
              "dl_dst=02:00:00:00:00:01 actions=drop (destination is not "
              "here)" },
            /* Not heard yet: for all of them, judged where it arrives. */
            { "h1", "+overlay.locate/1 100 reg0=0x64 actions=set_field:0->reg2,"
              "set_field:0x1->reg4,set_field:0x13->reg7,resubmit" },
            { "h1", "+overlay.locate/1 260 reg0=0x64,reg11=0,in_port=40000 "
              "actions=set_field:0x1->reg3,set_field:0->reg2," },
            { "h2", "+overlay.locate/1 50 reg0=0x64 "
              "actions=set_field:0->reg3,set_field:0->reg2,"
              "set_field:0->reg4,set_field:0->reg7,"
              "set_field:0xfffffffb->reg6" },
            { "h2", "+overlay.deliver/0 100 reg0=0x64,reg6=0xfffffffb "
              "actions=move:NXM_NX_REG0[]->NXM_NX_TUN_ID[0..31],group:" },
            { "h2", "+overlay.locate/1 250 reg0=0x64,in_port=40000 "
              "actions=drop (destination is not here)" } } },
        { "{'bindings/nest': {'host': 'h1', 'candidate': 'h2'},"
          "'vifs/h2/nest': {'host': 'h2', 'iface_id': 'nest',"
          " 'iface': 'tap9', 'ofport': 29}}", {
            /* A candidate is ready for what others send it. */
            { "h2", "+overlay.locate/1 320 reg11={vni:port/nest},in_port=40000 "
              "actions=set_field:0x1->reg3,set_field:0->reg2,"
              "set_field:0x1->reg4,set_field:0x1d->reg7,goto" },
            { "h2", "-overlay.locate/1 300 " },
            { "h2", "+" ADMIT "/4 210 reg9=0x10/0x10,in_port=29 "
              "actions=learn(" } } },
        { "{'bindings/nest': null}", {
            { "h1", "-reg9=0x10/0x10,dl_src" },
            { "h2", "-resubmit(,249)" },
            { "h2", "-reg6=0xfffffffb" } } },
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
            { "h1", "+" ADMIT "/0 205 in_port=41 actions=drop (no network of "
              "that VLAN here)" },
            { "h1", "+" ADMIT "/2 10 reg0=0x64 actions=" },
            { "h1", "+" ADMIT "/2 400 reg0=0x64,dl_src=02:00:00:00:00:01 "
              "actions=drop (spoofed)" },
            { "h1", "+" LOCATE "250 reg0=0x64,in_port=41 actions=drop" },
            { "h1", "+" LOCATE "400 reg0=0x64,in_port=41,dl_dst=01:" },
            /* Out, to known ones and others, and never by a tunnel. */
            { "h1", "+" LOCATE "200 reg0=0x64,dl_dst=02:00:00:00:00:02 "
              "actions=set_field:0->reg2,set_field:0xfffffffc->reg6,goto" },
            { "h1", "+" LOCATE "2 reg0=0x64 "
              "actions=set_field:0xfffffffc->reg6,goto" },
            { "h1", "+250 reg0=0x64,reg6=0xfffffffc "
              "actions=set_field:0x1007->vlan_tci,output:41" },
            { "h1", "-tun_id=0x64" },
            { "h1", "-reg0=0x64,reg6=0xffffffff" },
            /* A host without the bridge. */
            { "h2", "+240 reg0=0x64,reg6=0xfffffffc actions=drop (no bridge to "
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
            { "h1", "+" ADMIT "/2 180 ip," SHOP ",nw_src=10.0.0.4 actions="
              "set_field:0->reg1,goto_table:{TABLE:loadbalancer.arp/0}" },
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
            { "h2", "+" ADMIT "/0 100 tun_src=10.99.0.3,in_port=40001 "
              "actions=set_field:40000->in_port,"
              "goto_table:{TABLE:overlay.admit/1}" },
            { "h2", "+" ADMIT "/0 100 tun_ipv6_src=fd99::1,in_port=40001 " },
            { "h2", "+" ADMIT "/0 100 tun_ipv6_src=fd99::1,in_port=40000 " },
            { "h2", "+" ADMIT "/0 50 in_port=40001 actions=drop (unknown "
              "tunnel source)" },
            { "h1", "+" ADMIT "/0 100 tun_ipv6_src=fd99::2,in_port=40000 "
              "actions=goto_table:{TABLE:overlay.admit/1}" },
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
              "arp_op=1 actions=drop (ARP for own address)" },
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
            { "h1", "+" LOCATE "300 reg0=0x64,in_port=40000,dl_dst=02:00:00:"
              "00:00:04 actions=set_field:0->reg2,set_field:0x1->reg4,"
              "set_field:0xc->reg7,goto" },
            { "h1", "-" LOCATE "300 reg0=0x64,dl_dst=02:00:00:00:00:04" },
            { "h1", "-set_field:0xc->reg7,resubmit" },
            { "h3", "+" LOCATE "300 reg0=0x64,dl_dst=02:00:00:00:00:04" },
            { "h2", "+" LOCATE "200 reg0=0x64,dl_dst=02:00:00:00:00:04 "
              "actions=set_field:0->reg2,set_field:{host:h3}->reg6" } } },
        { "{'bindings/db1': {'host': 'h1', 'candidate': 'h3'}}", {
            { "h1", "+" ADMIT "/0 100 in_port=12 " },
            { "h1", "+" LOCATE "300 reg0=0x64,dl_dst=02:00:00:00:00:04" },
            { "h2", "+" LOCATE "200 reg0=0x64,dl_dst=02:00:00:00:00:04 "
              "actions=set_field:0->reg2,set_field:{host:h1}->reg6" },
            { "h3", "+" ADMIT "/0 100 in_port=8 " },
            { "h3", "+" LOCATE "300 reg0=0x64,in_port=40000,dl_dst=02:00:00:"
              "00:00:04 " },
            { "h3", "-" LOCATE "300 reg0=0x64,dl_dst=02:00:00:00:00:04" },
            { "h3", "-set_field:0x8->reg7,resubmit" } } },
        { "{'bindings/db1': {'host': 'h1'}}", {
            { "h3", "-reg0=0x64" } } },
        /* A host that has no other part in the network. */
        { "{'bindings/spy': {'host': 'h1', 'candidate': 'h2'},"
          " 'vifs/h2/spy': {'host': 'h2', 'iface_id': 'spy', 'iface': 'tap',"
          " 'ofport': 13}}", {
            { "h2", "+" ADMIT "/1 100 tun_id=0xc8" },
            { "h2", "+" ADMIT "/0 100 in_port=13 " },
            { "h2", "+" LOCATE "200 reg0=0xc8,dl_dst=02:00:00:00:00:01 "
              "actions=set_field:0->reg2,set_field:{host:h1}->reg6" } } },
    } },
    { "overlay_floods_copies_to_local_ports_and_once_to_other_hosts", {
        { "{" BASE "}", {
            { "h2", "+" LOCATE "390 reg0=0x64,dl_dst=01:00:00:00:00:00/01:00:"
              "00:00:00:00 actions=set_field:0->reg2,set_field:0x1->reg4,"
              "set_field:0x7->reg7,resubmit(,{TABLE:firewall.track/0}),"
              "set_field:0->reg2,"
              "set_field:0x1->reg4,set_field:0x6->reg7,resubmit(,"
              "{TABLE:firewall.track/0}),"
              "set_field:0->reg3,set_field:0->reg2,set_field:0->reg4,"
              "set_field:0->reg7,set_field:0xffffffff->reg6,"
              "goto_table:{TABLE:firewall.track/0}" },
            { "h2", "+" LOCATE "400 reg0=0x64,in_port=40000,dl_dst=01:00:00:"
              "00:00:00/01:00:00:00:00:00 actions=set_field:0x1->reg3,"
              "set_field:0->reg2,set_field:0x1->reg4,set_field:0x7->reg7,"
              "resubmit(,{TABLE:firewall.track/0}),set_field:0->reg2,"
              "set_field:0x1->reg4,"
              "set_field:0x6->reg7,resubmit(,{TABLE:firewall.track/0})\n" },
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
            { "h2", "-set_field:0x7->reg7,resubmit" },
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
            { "h1", "+" ADMIT "/2 228 ip,reg0=0x64,dl_src=02:00:00:00:00:04,"
              "nw_src=10.0.0.64/28 actions=set_field:0->reg1,goto" },
            { "h1", "+" ADMIT "/2 232 arp,reg0=0x64,dl_src=02:00:00:00:00:99,"
              "arp_spa=10.0.0.9 actions=set_field:0->reg1,goto" },
            { "h1", "+overlay.arp/0 50 arp,reg0=0x64,arp_tpa=10.0.0.64/28,"
              "arp_op=1 actions=goto" },
            { "h3", "+" ADMIT "/2 180 arp,reg0=0x64,arp_spa=10.0.0.1 actions="
              "set_field:0->reg1,goto_table:{TABLE:loadbalancer.arp/0}" },
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
            { "h1", "-" ADMIT "/2 232" },
            { "h1", "+" ADMIT "/2 228" } } },
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
              "arp_spa=10.1.0.0/24,arp_sha=02:00:00:00:00:04 actions=goto" },
            { "h3", "+" ADMIT "/3 100 ip,in_port=8,dl_src=02:00:00:00:00:99,"
              "nw_src=10.1.0.0/25 actions=goto" },
            { "h3", "-in_port=8,dl_src=02:00:00:00:00:04,nw_src=10.1.0.0/25" },
            { "h3", "-in_port=8,dl_src=02:00:00:00:00:04,nw_src=10.1.0.7" },
            { "h1", "+overlay.arp/0 50 arp,reg0=0x64,arp_tpa=10.1.0.0/24," },
            { "h1", "-arp_tpa=10.1.0.0/25" } } },
    } },

/* IPv6.  ----------------------------------------------------------------- */

    { "overlay_guards_ipv6_of_ports_that_have_it_and_drops_it_of_others", {
        { "{" BASE "," DUAL("db1", "4") "}", {
            { "h3", "+" ADMIT "/3 100 ipv6,in_port=8,dl_src=02:00:00:00:00:04,"
              "ipv6_src=fd00::4 actions=goto_table:{TABLE:overlay.admit/4}" },
            { "h3", "+" ADMIT "/3 100 ipv6,in_port=8,dl_src=02:00:00:00:00:04,"
              "ipv6_src=fe80::ff:fe00:4 actions=goto_table:" },
            { "h3", "+" ADMIT "/3 100 icmp6,in_port=8,dl_src=02:00:00:00:00:04"
              ",ipv6_src=::,icmp_type=135 actions=goto_table:" },
            { "h3", "+" ADMIT "/3 30 ipv6,in_port=8 actions=drop (spoofed)" },
            { "h3", "+" ADMIT "/3 20 ipv6 actions=drop (no IPv6 address)" },
            { "h3", "+" ADMIT "/3 150 icmp6,icmp_type=134 actions=drop (router "
              "advertisement)" },
            { "h3", "+" ADMIT "/3 150 icmp6,icmp_type=143 actions=drop "
              "(MLD)" },
            { "h3", "+" ADMIT "/4 100 icmp6,in_port=8,icmp_type=135,"
              "nd_sll=02:00:00:00:00:04 actions=goto" },
            { "h3", "+" ADMIT "/4 100 icmp6,in_port=8,icmp_type=136,"
              "nd_target=fd00::4,nd_tll=02:00:00:00:00:04 actions=goto" },
            { "h3", "+nd_target=fd00::4,nd_tll=00:00:00:00:00:00 actions=" },
            { "h3", "+" ADMIT "/4 20 icmp6,icmp_type=136 actions=drop "
              "(spoofed)" },
            { "h3", "+overlay.arp/1 200 in_port=8,dl_src=02:00:00:00:00:04 "
              "actions=drop (ND for own address)" },
            /* Elsewhere. */
            { "h1", "+" ADMIT "/2 180 ipv6," SHOP ",ipv6_src=fd00::4 actions="
              "set_field:0->reg1,goto" },
            { "h1", "+" ADMIT "/2 180 ipv6,reg0=0x64,"
              "ipv6_src=fe80::ff:fe00:4 actions=set_field:0->reg1,goto" },
            { "h1", "+overlay.arp/0 100 icmp6,reg0=0x64,icmp_type=135,"
              "nd_target=fd00::4 actions=move:NXM_OF_ETH_SRC[]->"
              "NXM_OF_ETH_DST[],set_field:02:00:00:00:00:04->eth_src,goto" },
            { "h1", "+overlay.arp/0 100 icmp6,reg0=0x64,icmp_type=135,"
              "nd_target=fe80::ff:fe00:4 actions=" },
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
    { "overlay_lets_a_port_use_what_ipv6_it_is_allowed_to", {
        { "{" BASE "," DUAL("db1", "4") ", 'ports/db1': {'network': 'shop',"
          " 'ips': ['fd00::4'], 'mac': '02:00:00:00:00:04',"
          " 'allowed_addresses': [{'ip': 'fd00::4'}, {'ip': 'fd00::5'},"
          " {'ip': 'fe80::ff:fe00:4'}, {'ip': 'fd01::/16'},"
          " {'ip': 'fd00::9', 'mac': '02:00:00:00:00:99'}]}}", {
            { "h3", "+" ADMIT "/3 100 ipv6,in_port=8,dl_src=02:00:00:00:00:04,"
              "ipv6_src=fd00::4/127 actions=goto" },
            { "h3", "+" ADMIT "/3 100 ipv6,in_port=8,dl_src=02:00:00:00:00:04,"
              "ipv6_src=fd01::/16 actions=goto" },
            { "h3", "+" ADMIT "/3 100 ipv6,in_port=8,dl_src=02:00:00:00:00:99,"
              "ipv6_src=fd00::9 actions=goto" },
            { "h3", "+" ADMIT "/4 100 icmp6,in_port=8,icmp_type=136,"
              "nd_target=fd00::9,nd_tll=02:00:00:00:00:99 actions=goto" },
            { "h3", "+" ADMIT "/4 100 icmp6,in_port=8,icmp_type=136,"
              "nd_target=fd00::9,nd_tll=00:00:00:00:00:00 actions=goto" },
            { "h3", "+" ADMIT "/4 100 icmp6,in_port=8,icmp_type=135,"
              "nd_sll=02:00:00:00:00:99 actions=goto" },
            { "h1", "+" ADMIT "/2 216 ipv6,reg0=0x64,dl_src=02:00:00:00:00:04,"
              "ipv6_src=fd01::/16 actions=set_field:0->reg1,goto" },
            { "h1", "+" ADMIT "/2 328 ipv6,reg0=0x64,dl_src=02:00:00:00:00:99,"
              "ipv6_src=fd00::9 actions=" },
            { "h1", "-nd_target=fd00::4/" },
            { "h1", "+overlay.arp/0 50 icmp6,reg0=0x64,icmp_type=135,"
              "nd_target=fd00::5 actions=goto" },
            { "h1", "+overlay.arp/0 50 icmp6,reg0=0x64,icmp_type=135,"
              "nd_target=fd01::/16 actions=goto" },
            { "h1", "+" ADMIT "/2 180 icmp6,reg0=0x64,ipv6_src=::,"
              "icmp_type=135 actions=goto" },
            /* No ARP crosses the tunnels because of that. */
            { "h1", "-arp,reg0=0x64,arp_spa" } } },
        { "{'ports/db1': {'network': 'shop', 'ips': ['10.0.0.4'],"
          " 'mac': '02:00:00:00:00:04',"
          " 'allowed_addresses': [{'ip': '10.0.0.9'}]}}", {
            { "h1", "-icmp6,reg0" }, { "h1", "-ipv6,reg0" },
            { "h1", "+" ADMIT "/2 180 arp,reg0=0x64,arp_spa=10.0.0.1" } } },
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
              ",ct_tp_dst=80," SHOP " actions=" },
            /* All addresses of one family are not everyone. */
            { "h1", "+firewall.policy/13 32798 ct_state=-inv+trk,ipv6,"
              SHOP " actions=" },
            { "h1", "+firewall.track/0 150 icmp6,icmp_type=135 actions=goto" },
            { "h1", "+firewall.track/0 100 ipv6 actions="
              "set_field:0->reg12,ct(" },
            { "h1", "+firewall.track/1 95 ct_state=-inv+trk,ipv6,"
              "nw_frag=later actions=goto" } } },
    } },

/* Firewall.  ------------------------------------------------------------- */

    { "firewall_gives_one_identity_to_ports_of_the_same_groups", {
        { "{" BASE "," TIERS "}", {
            { "h1", "+" LOCATE "200 reg0=0x64,dl_dst=02:00:00:00:00:02 "
              "actions=set_field:" WEB_ID "->reg2," },
            { "h1", "+" LOCATE "300 reg0=0x64,dl_dst=02:00:00:00:00:01 "
              "actions=set_field:" WEB_ID "->reg2," },
            { "h1", "+" ADMIT "/2 180 ip," SHOP ",nw_src=10.0.0.3 actions="
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
            { "h1", "+firewall.policy/31 64648 ct_state=-inv+trk,ct_nw_proto=6,"
              "ct_tp_dst=0x1f90/0xfffc," SHOP " actions="
              "conjunction(1,3/3)" },
            { "h1", "+firewall.policy/31 64648 ct_state=-inv+trk,ct_nw_proto=1,"
              "ct_tp_src=8,ip," SHOP " actions=conjunction(1,3/3)" },
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
            { "h1", "+firewall.policy/31 64649 conj_id=3 actions=controll" },
            { "h1", "+),drop (rejected by rule)" },
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
              "0xfffc," SHOP " actions=conjunction(1,3/3)" },
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_proto=17," SHOP " "
              "actions=conjunction(1,3/3)" },
            { "h1", "-ct_nw_proto=17,ct_tp_dst" },
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_proto=1,ct_tp_src=8," },
        } },
        /* One entry says it all. */
        { "{'services/s': {'entries': [{'protocol': 'any'},"
          " {'protocol': 'tcp', 'ports': [82]}]}}", {
            { "h1", "+64648 " SHOP " actions=conjunction(1,3/3)" },
            { "h1", "-ct_nw_proto" } } },
        { "{'services/s': {'entries': [{'protocol': 'icmp'},"
          " {'protocol': 'tcp', 'ports': ['1-65535']}]}}", {
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_proto=1," },
            { "h1", "-ct_nw_proto=1,ct_tp_src" },
            { "h1", "+ct_nw_proto=6,ct_tp_dst=0x8000/0x8000" } } },
    } },
    { "firewall_leads_from_tier_to_tier_by_position", {
        { "{" BASE "," TIERS ", 'policies/p': {'tier': 'security', 'applies_to'"
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
              "ct_tp_dst=0,ip," SHOP " actions=conjunction(1,2/2)" },
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_proto=1,ct_tp_src=13,ip,"
              SHOP " actions=conjunction(1,2/2)" },
            { "h1", "-ct_tp_src=13,ct_tp_dst" },
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_proto=58,ct_tp_src=128,"
              "ct_tp_dst=0,ipv6," SHOP " actions=conjunction(1,2/2)" } } },
        { "{'services/s': {'entries': [{'protocol': 'icmpv6'},"
          "  {'protocol': 'icmpv6', 'icmp_type': 1, 'icmp_code': 3}]}}", {
            { "h1", "+64648 ct_state=-inv+trk,ct_nw_proto=58,ipv6," SHOP },
            { "h1", "-ct_nw_proto=58,ct_tp_src" },
            { "h1", "-ct_nw_proto=1," } } },
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
        { "{'groups/out': {'cidrs': ['10.1.0.0/24'],"
          "  'except': ['10.1.0.0/24']},"
          " 'groups/two': {}}", {
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
            { "h1", "+set_field:0->reg15,resubmit(,0)" },
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
            { "h1", "+firewall.track/0 100 ip actions=set_field:0->reg12,"
              "ct(table=" },
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
              "goto_table:{TABLE:firewall.track/2}" },
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

/* Load balancer.  -------------------------------------------------------- */

    { "loadbalancer_balances_ipv6", {
        { "{" BASE "," DUAL("web1", "1") ","
          "'loadbalancers/front6': {'vip': 'fd00::64', 'networks': ['shop'],"
          " 'ports': [{'port': 80, 'target': 8080}],"
          " 'backends': [{'port': 'web1'}, {'port': 'app1'}]}}", {
            { "h2", "+loadbalancer.arp/0 100 icmp6,reg0=0x64,reg3=0x1,"
              "icmp_type=135,nd_target=fd00::64 actions=move" },
            { "h2", "+loadbalancer.arp/0 120 icmp6,reg0=0x64,reg3=0x1,"
              "dl_dst=00:00:00:00:00:00/01:00:00:00:00:00,icmp_type=135,"
              "nd_target=fd00::64 actions=controller(" },
            { "h2", "+loadbalancer.balance/0 200 tcp6," SHOP ","
              "ipv6_dst=fd00::64,tp_dst=80 actions=note:00.00.00.01.00.00,"
              "ct(" },
            { "h2", "+loadbalancer.balance/0 180 icmp6,reg3=0x1," SHOP ","
              "ipv6_dst=fd00::64,icmp_type=128 actions=push" },
            { "h2", "+loadbalancer.balance/0 100 ipv6," SHOP ","
              "ipv6_dst=fd00::64 actions=drop (no such service" },
            { "h2", "+loadbalancer.balance/1 100 ct_state=+new-inv+trk,"
              "ct_nw_proto=6,ct_tp_dst=80,ipv6," SHOP ",ipv6_dst=fd00::64 "
              "actions=note:00.00.00.02.00.00,"
              "set_field:{loadbalancer.balancer:front6}->reg12,"
              "goto_table:{TABLE:loadbalancer.balance/2}" },
            /* What has no address of its family does not serve. */
            { "h2", "+nat(dst=[fd00::1]:8080)" },
            { "h2", "+loadbalancer.balance/8 50 ipv6,reg0=0x64,"
              "ipv6_dst=fd00::1 actions=note:00.00.00.01.00.00,"
              "set_field:02:00:00:00:00:01->eth_dst" },
            { "h2", "-loadbalancer.balance/8 50 ip,reg0=0x64" },
            { "h2", "+loadbalancer.unbalance/0 100 tcp6,reg4=0x1," SHOP ","
              "ipv6_src=fd00::1,tp_src=8080 actions=ct(" },
            { "h2", "+loadbalancer.unbalance/0 100 icmp6,reg4=0x1," SHOP ","
              "ipv6_src=fd00::1,icmp_type=2 actions=ct(" },
            { "h1", "+loadbalancer.balance/8 100 ct_state=-inv+trk,"
              "ct_ipv6_dst=fd00::64,ipv6," SHOP ",ipv6_src=fd00::1,"
              "ipv6_dst=fd00::1 actions=" } } },
    } },
    { "loadbalancer_sends_new_connections_to_a_group_of_256_shares", {
        { "{" BASE ", 'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80, 'target': 8080}],"
          " 'backends': [{'port': 'web1', 'weight': 3}],"
          " 'selector': 'tier=app'}}", {
            { "h1", "+loadbalancer.arp/0 100 arp,reg0=0x64,reg3=0x1,"
              "arp_tpa=10.0.0.100,arp_op=1 actions=move" },
            { "h1", "+set_field:0e:56:4d:00:00:01->arp_sha" },
            { "h1", "+loadbalancer.balance/0 200 tcp," SHOP ","
              "nw_dst=10.0.0.100,tp_dst=80 "
              "actions=note:00.00.00.01.00.00,"
              "ct(table={TABLE:loadbalancer.balance/1},"
              "zone=NXM_NX_REG8[0..15],nat)" },
            { "h1", "+loadbalancer.balance/0 180 icmp,reg3=0x1," SHOP ","
              "nw_dst=10.0.0.100,icmp_type=8 actions=push" },
            { "h1", "+loadbalancer.balance/0 100 ip," SHOP ","
              "nw_dst=10.0.0.100 actions=drop (no such service" },
            { "h1", "+loadbalancer.balance/1 100 ct_state=+new-inv+trk,"
              "ct_nw_proto=6,ct_tp_dst=80,ip," SHOP ",nw_dst=10.0.0.100 "
              "actions=note:00.00.00.02.00.00,"
              "set_field:{loadbalancer.balancer:lb}->reg12,"
              "goto_table:{TABLE:loadbalancer.balance/2}" },
            { "h1", "+loadbalancer.balance/2 50 " SHOP ","
              "reg12={loadbalancer.balancer:lb} actions=group:1\n" },
            { "h1", "+group_id=1,type=select,selection_method=dp_hash" },
            /* The least that are exact: 4 and 12 of 16. */
            { "h1", "+bucket_id:0,weight:4,actions=set_field:"
              "{loadbalancer.backend:lb|app1}->reg10,resubmit(" },
            { "h1", "+bucket_id:1,weight:12,actions=set_field:"
              "{loadbalancer.backend:lb|web1}->reg10,resubmit(" },
            { "h1", "-bucket_id:2,weight:" },
            { "h3", "+loadbalancer.balance/5 100 ip," SHOP ","
              "reg10={loadbalancer.backend:lb|web1},"
              "reg12={loadbalancer.balancer:lb} actions="
              "note:00.00.00.11.00.00,ct(commit,"
              "table={TABLE:loadbalancer.balance/8},"
              "zone=NXM_NX_REG8[0..15],nat(dst=10.0.0.1:8080))" },
            { "h3", "+nat(dst=10.0.0.3:8080)" },
            { "h1", "+loadbalancer.balance/8 50 ip,reg0=0x64,nw_dst=10.0.0.3 "
              "actions=note:00.00.00.01.00.00,set_field:02:00:00:00:00:03->eth_dst,goto_table" },
            { "h3", "+loadbalancer.unbalance/0 100 tcp,reg4=0x1," SHOP ","
              "nw_src=10.0.0.3,tp_src=8080 actions=ct(table=" },
            { "h3", "+loadbalancer.unbalance/0 100 icmp,reg4=0x1," SHOP ","
              "nw_src=10.0.0.3,icmp_type=3 actions=ct(table=" },
            { "h3", "+loadbalancer.unbalance/1 100 ip,reg0=0x64,"
              "nw_src=10.0.0.100 actions=set_field:0e:56:4d:00:00:01->eth_src"
            } } },
        /* 96, 32, 96 and 32 of 256 are 3, 1, 3 and 1 of 8... */
        { "{'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80, 'target': 8080}],"
          " 'backends': [{'port': 'web1', 'weight': 3}, {'port': 'web2'},"
          " {'port': 'app1', 'weight': 3}, {'port': 'db1'}]}}", {
            { "h1", "+bucket_id:0,weight:6,actions=set_field:"
              "{loadbalancer.backend:lb|app1}->reg10,resubmit(" },
            { "h1", "+bucket_id:1,weight:2,actions=set_field:"
              "{loadbalancer.backend:lb|db1}->reg10,resubmit(" },
            { "h1", "-bucket_id:4,weight:" } } },
        /* ...but 9 of 32 need 32, where one weight must be 1... */
        { "{'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80, 'target': 8080}],"
          " 'backends': [{'port': 'web1', 'weight': 23},"
          " {'port': 'app1', 'weight': 9}]}}", {
            { "h1", "+bucket_id:0,weight:9,actions=set_field:"
              "{loadbalancer.backend:lb|app1}->reg10,resubmit(" },
            { "h1", "+bucket_id:1,weight:22,actions=set_field:"
              "{loadbalancer.backend:lb|web1}->reg10,resubmit(" },
            { "h1", "+bucket_id:2,weight:1,actions=set_field:"
              "{loadbalancer.backend:lb|web1}->reg10,resubmit(" } } },
        /* ...and with thirds it takes all. */
        { "{'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80, 'target': 8080}],"
          " 'backends': [{'port': 'web1', 'weight': 2}],"
          " 'selector': 'tier=app'}}", {
            { "h1", "+bucket_id:0,weight:85,actions=set_field:"
              "{loadbalancer.backend:lb|app1}->reg10,resubmit(" },
            { "h1", "+bucket_id:1,weight:170,actions=set_field:"
              "{loadbalancer.backend:lb|web1}->reg10,resubmit(" },
            { "h1", "+bucket_id:2,weight:1,actions=set_field:"
              "{loadbalancer.backend:lb|web1}->reg10,resubmit(" } } },
        /* By selector it leaves with its label, by name with its binding. */
        { "{'ports/app1': {'network': 'shop', 'ips': ['10.0.0.3'],"
          " 'mac': '02:00:00:00:00:03'}, 'bindings/web1': null}", {
            { "h3", "-nat(dst" },
            /* What is nowhere may come back. */
            { "h3", "+nw_src=10.0.0.1,tp_src=8080" },
            { "h3", "-nw_src=10.0.0.3,tp_src=8080" },
            { "h3", "+loadbalancer.balance/2 50 " SHOP ","
              "reg12={loadbalancer.balancer:lb} actions=controller(" },
            { "h3", "+drop (no backend)" } } },
        { "{'loadbalancers/lb': null}", { { "h3", "-10.0.0.100" } } },
    } },
    { "loadbalancer_turns_a_backends_answer_to_itself", {
        { "{" BASE ", 'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80, 'target': 8080}, {'port': 81,"
          " 'target': 8080}], 'selector': 'tier=web'}}", {
            { "h1", "+loadbalancer.balance/8 100 ct_state=-inv+trk,"
              "ct_nw_dst=10.0.0.100,ip," SHOP ",nw_src=10.0.0.1,"
              "nw_dst=10.0.0.1 actions=set_field:0x1/0x1->reg9,"
              "set_field:10.0.0.100->ip_src,"
              "set_field:0e:56:4d:00:00:01->eth_src,"
              "set_field:02:00:00:00:00:01->eth_dst,goto_table" },
            { "h1", "+loadbalancer.balance/0 150 tcp," SHOP ","
              "nw_src=10.0.0.1,nw_dst=10.0.0.100,tp_src=8080 actions="
              "set_field:0x1/0x1->reg9,set_field:10.0.0.1->ip_dst,"
              "ct(table={TABLE:loadbalancer.balance/1},"
              "zone=NXM_NX_REG8[0..15],nat)" },
            { "h2", "-nw_src=10.0.0.1,nw_dst=10.0.0.1 " },
            { "h1", "+loadbalancer.balance/1 90 ct_state=+new-inv+trk,tcp,"
              SHOP ",nw_dst=10.0.0.100,nw_frag=later actions=drop "
              "(fragment to one of several services)" },
            /* Web VMs of another network are none. */
            { "h1", "-reg0=0xc8,nw_src=10.0.0.1,nw_dst=10.0.0.100" } } },
    } },
    { "loadbalancer_takes_ranges_and_shares_its_address", {
        { "{" BASE ", 'loadbalancers/a': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 6, 'end_port': 8}],"
          " 'selector': 'tier=web'}, 'loadbalancers/b': {'vip':"
          " '10.0.0.100', 'networks': ['shop'], 'protocol': 'udp',"
          " 'ports': [{'port': 7}], 'selector': 'tier=web'}}", {
            { "h1", "+balance/0 200 tcp," SHOP ",nw_dst=10.0.0.100,"
              "tp_dst=0x6/0xfffe " },
            { "h1", "+balance/0 200 tcp," SHOP ",nw_dst=10.0.0.100,"
              "tp_dst=8 " },
            { "h1", "+balance/0 200 udp," SHOP ",nw_dst=10.0.0.100,"
              "tp_dst=7 " },
            { "h1", "+nat(dst=10.0.0.1))" },
            { "h1", "+balance/1 90 ct_state=+new-inv+trk,tcp," SHOP ","
              "nw_dst=10.0.0.100,nw_frag=later actions=drop" },
            { "h1", "+balance/1 90 ct_state=+new-inv+trk,udp," SHOP ","
              "nw_dst=10.0.0.100,nw_frag=later actions=set_field:"
              "{loadbalancer.balancer:b}->reg12" } } },
    } },
    { "loadbalancer_goes_by_what_probes_find", {
        { "{" BASE ", 'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80}], 'selector': 'tier=web',"
          " 'health': {'type': 'tcp', 'port': 81}}}", {
            /* Nobody has answered yet. */
            { "h1", "-nat(dst" },
            { "h1", "+drop (no backend)" },
            { "h1", "+balance/0 210 tcp," SHOP ",nw_src=10.0.0.1,"
              "nw_dst=10.0.0.100,tp_src=81,tp_dst=0x200/0xfe00 "
              "actions=controller(" },
            { "h1", "+balance/0 210 icmp," SHOP ",nw_src=10.0.0.1,"
              "nw_dst=10.0.0.100,icmp_type=3 actions=controller(" },
            { "h2", "-nw_src=10.0.0.1,nw_dst=10.0.0.100,tp_src=81" } } },
        { "{'healths/lb/web1': {'loadbalancer': 'lb', 'port': 'web1',"
          " 'state': 'up'}, 'healths/lb/web2': {'loadbalancer': 'lb',"
          " 'port': 'web2', 'state': 'up'}}", {
            { "h3", "+nat(dst=10.0.0.1)" },
            { "h3", "+nat(dst=10.0.0.2)" } } },
        /* Who is down keeps what is open... */
        { "{'healths/lb/web1': {'loadbalancer': 'lb', 'port': 'web1',"
          " 'state': 'down'}}", {
            { "h3", "-nat(dst=10.0.0.1)" },
            { "h3", "+balance/8 50 ip,reg0=0x64,nw_dst=10.0.0.1 " },
            { "h3", "+nat(dst=10.0.0.2)" } } },
        /* ...unless it is to be cut. */
        { "{'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80}], 'selector': 'tier=web',"
          " 'health': {'type': 'tcp'}, 'when_down': 'cut'}}", {
            { "h3", "-balance/8 50 ip,reg0=0x64,nw_dst=10.0.0.1 " } } },
    } },
    { "loadbalancer_has_standbys_drains_and_a_fallback", {
        { "{" BASE ", 'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80}], 'fallback': 'sorry',"
          " 'backends': [{'port': 'web1', 'drain': true}, {'port': 'web2'},"
          " {'port': 'app1', 'standby': true}]}, 'loadbalancers/sorry':"
          " {'vip': '10.0.0.101', 'networks': ['shop'], 'ports':"
          " [{'port': 80, 'target': 8080}], 'backends': [{'port':"
          " 'db1'}]}}", {
            { "h1", "-nat(dst=10.0.0.1)" },
            { "h1", "+balance/8 50 ip,reg0=0x64,nw_dst=10.0.0.1 " },
            { "h1", "+nat(dst=10.0.0.2)" },
            { "h1", "-nat(dst=10.0.0.3)" } } },
        { "{'bindings/web2': null, 'healths/lb/web1': {'loadbalancer': 'lb',"
          " 'port': 'web1', 'state': 'drained'}}", {
            { "h1", "-balance/8 50 ip,reg0=0x64,nw_dst=10.0.0.1 " },
            { "h1", "-nat(dst=10.0.0.2)" },
            { "h1", "+nat(dst=10.0.0.3)" } } },
        { "{'bindings/app1': null}", {
            { "h1", "-nat(dst=10.0.0.3)" },
            { "h1", "+{loadbalancer.balancer:lb} "
              "actions=note:" },
            { "h1", "+ct(commit,table={TABLE:loadbalancer.balance/8},"
              "zone=NXM_NX_REG8[0..15],nat(dst=10.0.0.4:8080))" } } },
    } },
    { "loadbalancer_prefers_backends_on_the_clients_host", {
        { "{" BASE ", 'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80}], 'selector': 'tier=web',"
          " 'locality': 'prefer'}}", {
            { "h1", "+balance/2 70 " SHOP ",reg12=" },
            { "h3", "-balance/2 70 " SHOP ",reg12=" },
            { "h3", "+balance/2 50 " SHOP ","
              "reg12={loadbalancer.balancer:lb} actions=group:" } } },
        { "{'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80}], 'selector': 'tier=web',"
          " 'locality': 'require'}}", {
            { "h1", "+balance/2 70 " SHOP ",reg12=" },
            { "h3", "+drop (no backend on this host)" } } },
    } },
    { "loadbalancer_limits_connections_of_clients", {
        { "{" BASE ", 'loadbalancers/lb': {'vip': '10.0.0.100', 'networks':"
          " ['shop'], 'ports': [{'port': 80}], 'selector': 'tier=web',"
          " 'client_limit': {'rate': 20}}}", {
            { "h1", "+loadbalancer.balance/1 101 " },
            { "h1", "-loadbalancer.balance/1 100 " },
            { "h1", "+balance/3 100 " SHOP ",reg12={loadbalancer.balancer:lb} "
              "actions=set_field:0x100->reg13,multipath(nw_src," },
            { "h3", "+meter:" },
            { "h1", "+balance/6 100 " SHOP ",reg12={loadbalancer.balancer:lb} "
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
            { "h1", "-loadbalancer.balance/1 101 " },
            { "h1", "+loadbalancer.balance/1 100 " } } },
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

/* Whose each of the 256 slots of the only select group is: the last digit of the
 * backend's number. */
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

#define LB(BACKENDS)                                                       \
    "'loadbalancers/lb': {'vip': '10.0.0.100', 'networks': ['shop'],"      \
    " 'ports': [{'port': 80}], 'affinity': {}, 'backends': [" BACKENDS "]}"

static void
loadbalancer_weights_are_exact_and_changes_move_little(void **state)
{
    struct apps_fixture *f = apps_fixture_create(apps);
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

#define RANGE(NAME, VIP, PORTS)                                            \
    "'loadbalancers/" NAME "': {'vip': '" VIP "', 'networks': ['shop'],"   \
    " 'backends': [{'port': 'web1'}], 'ports': [{" PORTS "}]}"
#define RA RANGE("ra", "10.0.0.130", "'port': 9000, 'end_port': 9010")

/* How many flows of h1 take the answers of web1 from ports that 'match' says, to
 * clients ('vip' is "") and to itself by 'vip'. */
static unsigned
n_answers(struct apps_fixture *f, const char *vip, const char *match)
{
    struct ds flows = DS_EMPTY_INITIALIZER;
    char *text = *vip
        ? xasprintf("balance/0 150 tcp," SHOP ",nw_src=10.0.0.1,nw_dst=%s,"
                    "tp_src=%s actions=", vip, match)
        : xasprintf("unbalance/0 100 tcp,reg4=0x1," SHOP ",nw_src=10.0.0.1,"
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
        const char *vip;        /* The other one's. */
        const char *shared, *own; /* Masks, one of each. */
    } others[] = {
        { "{" RANGE("rb", "10.0.0.131", "'port': 80, 'target': 9010") "}",
          "10.0.0.131", "9010", NULL },
        { "{" RANGE("rb", "10.0.0.131", "'port': 9004, 'end_port': 9010") "}",
          "10.0.0.131", "0x2330/0xfffe", "0x232c/0xfffc" },
        { "{" RANGE("rb", "10.0.0.130", "'port': 80, 'target': 9010") "}",
          "10.0.0.130", "9010", NULL },
    };
    static const char *const masks[] = {
        "0x2328/0xfff8", "0x2330/0xfffe", "9010",
    };
    struct apps_fixture *f = apps_fixture_create(apps);

    (void) state;
    apps_fixture_apply(f, "{" BASE "," RA "}");
    for (size_t i = 0; i < 2 * ARRAY_SIZE(others); i++) {
        const char *vip = others[i / 2].vip, *own = others[i / 2].own;
        const char *shared = others[i / 2].shared;

        apps_fixture_apply(f, others[i / 2].rows);
        apps_fixture_check(f);
        for (size_t j = 0; j < ARRAY_SIZE(masks); j++) {
            assert_int_equal(n_answers(f, "", masks[j]), 1);
            assert_int_equal(n_answers(f, "10.0.0.130", masks[j]), 1);
        }
        assert_int_equal(n_answers(f, vip, shared), 1);
        assert_true(!own || n_answers(f, "", own) == 1);

        /* Either goes, and what the other shares with it stays. */
        apps_fixture_apply(f, i % 2 ? "{'loadbalancers/ra': null}"
                           : "{'loadbalancers/rb': null}");
        apps_fixture_check(f);
        assert_int_equal(n_answers(f, "", shared), 1);
        assert_int_equal(n_answers(f, i % 2 ? vip : "10.0.0.130", shared), 1);
        assert_int_equal(n_answers(f, "", masks[0]), i % 2 ? 0 : 1);
        assert_true(!own || n_answers(f, "", own) == i % 2);
        apps_fixture_apply(f, "{" RA "}");
    }
    apps_fixture_destroy(f);
}

/* However many balancers there are: its group (twice: withdrawn and added) and
 * the flow that commits to it; on its own host two more, by which it reaches
 * itself; and five that it has once for all balancers that it serves. */
static void
a_backend_more_changes_no_other_balancer(void **state)
{
    struct apps_fixture *f = apps_fixture_create(apps);
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
        assert_int_equal(apps_fixture_n_changes(f), i ? 5 : 9);
        assert_in_range(apps_fixture_n_computed(f), 1, i ? 4 : 8);
        free(row);
    }
    apps_fixture_destroy(f);
}

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
    struct apps_fixture *f = apps_fixture_create(apps);

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
    struct apps_fixture *f = apps_fixture_create(apps);

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
    static const char *const overlay[] = {
        "apps/overlay/.libs/overlay.so", NULL
    };
    struct apps_fixture *f = apps_fixture_create(overlay);
    struct ds flows = DS_EMPTY_INITIALIZER;

    (void) state;
    apps_fixture_apply(f, "{" BASE "," TIERS "}");
    apps_fixture_check(f);
    apps_fixture_flows(f, "h1", false, &flows);
    assert_true(has_line(&flows, LOCATE "300 reg0=0x64,"
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
    const char *all[] = { apps[0], apps[1], apps[2], app, NULL };
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

/* Identities.  ----------------------------------------------------------- */

static uint32_t
identity(struct apps_fixture *f, const char *key)
{
    return numbers_peek(model_numbers(apps_fixture_model(f)),
                        "firewall.identity", key);
}

static void
an_identity_is_kept_until_every_switch_has_forgotten_it(void **state)
{
    struct apps_fixture *f = apps_fixture_create(apps);
    struct numbers *numbers = model_numbers(apps_fixture_model(f));
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
    numbers_acked(numbers, revision - 1);
    assert_int_equal(identity(f, "shop|db"), db);

    /* It comes back to life as what it was. */
    apps_fixture_apply(f, "{'ports/app1': {'network': 'shop', 'labels':"
                       " {'tier': 'db'}}}");
    numbers_acked(numbers, revision);
    assert_int_equal(identity(f, "shop|db"), db);

    /* Only once all hosts have acknowledged is it another's to have. */
    apps_fixture_apply(f, "{'ports/app1': {'network': 'shop'}}");
    revision = model_revision(apps_fixture_model(f));
    numbers_acked(numbers, revision - 1);
    assert_int_equal(identity(f, "shop|db"), db);
    numbers_acked(numbers, revision);
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
    struct apps_fixture *f = apps_fixture_create(apps);
    struct apps_fixture *again = apps_fixture_create(apps);
    struct numbers *numbers = model_numbers(apps_fixture_model(again));
    struct number_write *all;
    size_t n;

    (void) state;
    apps_fixture_apply(f, "{" BASE "," TIERS "}");
    apps_fixture_apply(f, "{'quarantines/q': {'ports': ['web2']}}");
    all = numbers_get_all(model_numbers(apps_fixture_model(f)), &n);
    for (size_t i = 0; i < n; i++) {
        /* Networks' own numbers come with their rows. */
        if (strcmp(all[i].kind, "vni")) {
            numbers_load(numbers, all[i].kind, all[i].key, all[i].value);
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
            loadbalancer_weights_are_exact_and_changes_move_little),
        cmocka_unit_test(ranges_of_one_backend_share_their_masks),
        cmocka_unit_test(a_backend_more_changes_no_other_balancer),
        cmocka_unit_test(what_no_flow_reads_changes_no_flow),
        cmocka_unit_test(what_is_for_people_computes_nothing),
        cmocka_unit_test(overlay_works_without_a_firewall),
        cmocka_unit_test(
            an_identity_is_kept_until_every_switch_has_forgotten_it),
        cmocka_unit_test(identities_are_the_same_after_a_restart),
    };
    struct CMUnitTest tests[ARRAY_SIZE(scenarios)];
    const char *app = NULL;
    int n_failed;

    if (argc >= 3 && !strcmp(argv[1], "--app")) {
        app = argv[2];
        argv += 2;
        argc -= 2;
    }
    if (argc >= 3 && !strcmp(argv[1], "--dump")) {
        return dump(app, argv[2], argc > 3 && !strcmp(argv[3], "groups"));
    }
    for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
        tests[i] = (struct CMUnitTest) {
            .name = scenarios[i].name,
            .test_func = run_scenario,
            .initial_state = &scenarios[i],
        };
    }
    n_failed = cmocka_run_group_tests_name("apps: flows", tests, NULL, NULL);
    return n_failed + cmocka_run_group_tests_name("apps: more", others, NULL,
                                                  NULL);
}
