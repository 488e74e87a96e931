/* SPDX-License-Identifier: Apache-2.0
 *
 * The model: what requests do, what they are refused for, indexes, and
 * settling and undoing. */

#include <config.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controller/model/model.h"
#include "controller/model/numbers.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "svec.h"
#include "tests/unit/model-util.h"
#include "util.h"

#define SUBNET "'subnets':[{'cidr':'10.0.0.0/24','gateway':'10.0.0.1'}]"
#define LB(MORE) "{'vip':'10.0.0.100','networks':['n']," \
                 "'ports':[{'port':80}]" MORE "}"

#define LB_AT(VIP, NETWORKS) "{'vip':'" VIP "','networks':[" NETWORKS "]," \
                             "'ports':[{'port':80}]}"

/* Three are given out: 10.5.0.10, .12 and .20.  One is kept. */
#define POOLS "'subnets':[{'cidr':'10.5.0.0/24','gateway':'10.5.0.11'," \
              "'pools':[{'start':'10.5.0.10','end':'10.5.0.14'}," \
              "{'start':'10.5.0.20'}],'exclude':[{'start':'10.5.0.13'," \
              "'end':'10.5.0.19'}],'reservations':[{'ip':'10.5.0.99'," \
              "'port':'db'}]}]"

/* What most tests start from. */
static const char base[] =
    "put hosts h1 {'ovsdb':'inbound','tunnel_ip':'192.0.2.1'}\n"
    "put hosts h2 {'ovsdb':'inbound','tunnel_ip':'192.0.2.2'}\n"
    "put networks n {" SUBNET "}\n"
    "put networks m {'vni':77,'subnets':[{'cidr':'10.0.0.0/24'}]}\n"
    "put ports p1 {'network':'n','labels':{'role':'web'}}\n"
    "put ports p2 {'network':'n','ips':['10.0.0.9'],"
    "'mac':'02:00:00:00:00:09'}\n"
    "put groups g {'selector':'role=web','ports':['p2']}\n"
    "put policies pol {'applies_to':['g']}\n";

static void
apply_as(struct model *model, const char *who, const char *text,
         const char *expected)
{
    uint64_t revision;
    char *before = model_util_dump(model, false);
    char *got = model_util_apply(model, who, NULL, text, &revision);
    char *after = model_util_dump(model, false);

    if (strcmp(got, expected)) {
        fail_msg("%s:\ngot\n%sexpected\n%s", text, got, expected);
    }
    if (*expected) {
        assert_string_equal(before, after);
    }
    free(before);
    free(after);
    free(got);
}

static void
apply(struct model *model, const char *text, const char *expected)
{
    apply_as(model, "test", text, expected);
}

static int
setup(void **state)
{
    struct model *model = model_create();
    struct model_changes changes;

    apply(model, base, "");
    apply_as(model, "vmnd", "put apps overlay {'description':'Networks'}",
             "");
    model_settle(model);
    model_take_changes(model, &changes);
    model_changes_uninit(&changes);
    *state = model;
    return 0;
}

static int
teardown(void **state)
{
    model_destroy(*state);
    return 0;
}

/* Refusals.  -------------------------------------------------------------- */

struct refusal {
    const char *request;
    const char *errors;
};

static const struct refusal refusals[] = {
    /* References. */
    { "put ports x {'network':'none'}",
      "/network network \"none\" does not exist\n" },
    { "put ports x {'network':'none','host':'none'}",
      "/network network \"none\" does not exist\n"
      "/host host \"none\" does not exist\n" },
    { "put groups x {'ports':['p1','zz']}",
      "/ports/1 port \"zz\" does not exist\n" },
    { "put policies x {'applies_to':['g'],'rules':[{'direction':'ingress',"
      "'action':'allow','peers':[{'group':'zz'}],"
      "'services':[{'service':'zz'}]}]}",
      "/rules/0/peers/0/group group \"zz\" does not exist\n"
      "/rules/0/services/0/service service \"zz\" does not exist\n" },
    { "put bindings p1 {'host':'zz'}",
      "/host host \"zz\" does not exist\n" },
    { "put bindings zz {'host':'h1'}", " port \"zz\" does not exist\n" },
    { "put bindings p1 {'host':'h1','candidate':'h1'}",
      "/candidate must not be the active host\n" },
    { "put vifs h1/x {'host':'h1','iface_id':'y','iface':'t','ofport':1}",
      " must be named \"h1/y\"\n" },
    /* Tiers. */
    { "put policies x {'applies_to':['g'],'tier':'aplication'}",
      "/tier tier \"aplication\" does not exist: there are emergency, "
      "security, platform, application, baseline\n" },
    { "put policies x {'applies_to':['g'],'tier':'x'}\n"
      "put tiers early {'position':3}",
      "/0/tier tier \"x\" does not exist: there are emergency, early, "
      "security, platform, application, baseline\n" },
    { "put tiers x {'position':5}", "/position 5 is that of tier "
      "\"security\"\n" },
    { "put tiers x {'position':2}\nput tiers y {'position':2}",
      "/0/position 2 is that of tier \"y\"\n"
      "/1/position 2 is that of tier \"x\"\n" },
    /* Groups in groups. */
    { "put groups x {'groups':['zz']}",
      "/groups/0 group \"zz\" does not exist\n" },
    { "put groups x {'groups':['x']}",
      "/groups must not be in a circle: x, which has x\n" },
    { "put groups x {'groups':['y']}\nput groups y {'groups':['g','z']}\n"
      "put groups z {'groups':['x']}",
      "/0/groups must not be in a circle: x, which has y, which has z, which "
      "has x\n" },
    { "put groups x {'groups':['y']}\nput groups y {'groups':['z']}\n"
      "put groups z {'groups':['y']}",
      "/0/groups must not be in a circle: y, which has z, which has y\n" },
    { "put groups a {'groups':['b']}\nput groups b {'groups':['c']}\n"
      "put groups c {'groups':['d']}\nput groups d {'groups':['e']}\n"
      "put groups e {'groups':['f']}\nput groups f {'groups':['h']}\n"
      "put groups h {'groups':['i']}\nput groups i {'groups':['g']}",
      "/0/groups must not put more than 8 groups inside of each other: with "
      "these there are 9\n"
      "/1/groups must not put more than 8 groups inside of each other: with "
      "these there are 9\n"
      "/2/groups must not put more than 8 groups inside of each other: with "
      "these there are 9\n"
      "/3/groups must not put more than 8 groups inside of each other: with "
      "these there are 9\n"
      "/4/groups must not put more than 8 groups inside of each other: with "
      "these there are 9\n"
      "/5/groups must not put more than 8 groups inside of each other: with "
      "these there are 9\n"
      "/6/groups must not put more than 8 groups inside of each other: with "
      "these there are 9\n"
      "/7/groups must not put more than 8 groups inside of each other: with "
      "these there are 9\n" },
    /* Priorities. */
    { "put policies x {'applies_to':['g'],'tier':'security'}\n"
      "put policies y {'applies_to':['g'],'tier':'security','priority':500}",
      "/0/priority 500 is that of policy \"y\" in tier \"security\": which "
      "one decides must be said\n"
      "/1/priority 500 is that of policy \"x\" in tier \"security\": which "
      "one decides must be said\n" },
    { "delete tiers security", " tier \"security\" is built in\n" },
    { "cascade tiers security", " tier \"security\" is built in\n" },
    { "put tiers security {'position':6}",
      " tier \"security\" is built in, and cannot be changed\n" },
    { "patch tiers security {'description':'x'}",
      " tier \"security\" is built in, and cannot be changed\n" },
    /* Referrers. */
    { "delete networks n",
      " network \"n\" is referred to by port \"p1\"\n"
      " network \"n\" is referred to by port \"p2\"\n" },
    { "delete ports p2", " port \"p2\" is referred to by group \"g\"\n" },
    { "delete groups g",
      " group \"g\" is referred to by policy \"pol\"\n" },
    { "delete networks n\nput ports p3 {'network':'n'}",
      "/0 network \"n\" is referred to by port \"p1\"\n"
      "/0 network \"n\" is referred to by port \"p2\"\n"
      "/0 network \"n\" is referred to by port \"p3\"\n"
      "/1/network network \"n\" does not exist\n" },
    { "cascade networks n\nput ports p3 {'network':'n'}",
      "/0 network \"n\" is referred to by port \"p3\"\n"
      "/1/network network \"n\" does not exist\n" },
    /* Absence. */
    { "delete ports x", " port \"x\" does not exist\n" },
    { "patch ports x {'enabled':false}", " port \"x\" does not exist\n" },
    /* ETags. */
    { "put@7 ports p1 {'network':'n'}",
      " port \"p1\" was changed: its ETag is \"1\"\n" },
    { "put@1 ports x {'network':'n'}", " port \"x\" does not exist\n" },
    { "put@* ports x {'network':'n'}", " port \"x\" does not exist\n" },
    { "delete@01 groups g", " group \"g\" was changed: its ETag is \"1\"\n" },
    /* Uniqueness. */
    { "put hosts h3 {'ovsdb':'inbound','tunnel_ip':'192.0.2.1'}",
      "/tunnel_ip 192.0.2.1 is that of host \"h1\"\n" },
    { "put hosts h3 {'ovsdb':'inbound','tunnel_ip':'fd99::3',"
      "'second_tunnel_ip':'192.0.2.2'}",
      "/second_tunnel_ip 192.0.2.2 is that of host \"h2\"\n" },
    { "put hosts h3 {'ovsdb':'inbound','tunnel_ip':'192.0.2.3',"
      "'second_tunnel_ip':'192.0.2.4'}",
      "/second_tunnel_ip must be IPv6: tunnel_ip is IPv4\n" },
    { "put hosts h3 {'ovsdb':'inbound','tunnel_ip':'fe80::3',"
      "'second_tunnel_ip':'192.0.2.3'}",
      "/tunnel_ip must not be link-local: fe80::3\n" },
    /* Every two hosts have a family in common. */
    { "put hosts h3 {'ovsdb':'inbound','tunnel_ip':'fd99::3'}",
      "/tunnel_ip is IPv6, and host \"h1\" has no address but one of IPv4: "
      "one of them needs a second_tunnel_ip\n" },
    { "put hosts h1 {'ovsdb':'inbound','tunnel_ip':'fd99::1',"
      "'second_tunnel_ip':'192.0.2.1'}\n"
      "put hosts h3 {'ovsdb':'inbound','tunnel_ip':'fd99::3'}",
      "/1/tunnel_ip is IPv6, and host \"h2\" has no address but one of IPv4: "
      "one of them needs a second_tunnel_ip\n" },
    /* A part of a physical network is one network. */
    { "put networks x {'provider':{'physical':'a'}}\n"
      "put networks y {'provider':{'physical':'a','vlan':7}}\n"
      "put networks z {'provider':{'physical':'a'}}",
      "/0/provider what has no VLAN of physical network \"a\" is network "
      "\"z\"\n"
      "/2/provider what has no VLAN of physical network \"a\" is network "
      "\"x\"\n" },
    { "put networks x {'provider':{'physical':'a','vlan':7}}\n"
      "put networks y {'provider':{'physical':'a','vlan':7}}",
      "/0/provider VLAN 7 of physical network \"a\" is network \"y\"\n"
      "/1/provider VLAN 7 of physical network \"a\" is network \"x\"\n" },
    { "put networks x {'subnets':[{'cidr':'10.1.0.0/24','gateway':"
      "'10.1.0.1'}]}\nput routers r {'interfaces':[{'network':'x'}]}\n"
      "put ports y {'network':'x','external':true}",
      "/2/external is only for ports of provider networks, and \"x\" is "
      "none\n" },
    { "put networks x {'provider':{'physical':'a'},"
      "'subnets':[{'cidr':'10.1.0.0/24','gateway':'10.1.0.1'}]}\n"
      "put ports y {'network':'x'}\n"
      "put routers r {'interfaces':[{'network':'x'}]}\n"
      "put loadbalancers l {'vip':'10.1.0.9','networks':['x'],"
      "'protocol':'tcp','ports':[{'port':80}]}",
      "/2/interfaces \"x\" is a provider network, which cannot have "
      "routers\n"
      "/3/networks \"x\" is a provider network, which cannot have virtual "
      "IPs\n" },
    /* A sub-port's parent has an interface of its own. */
    { "put ports x {'network':'n','parent':'x','vlan':5}",
      "/parent cannot be the port itself\n" },
    { "put ports x {'network':'n'}\n"
      "put ports y {'network':'n','parent':'x','vlan':5}\n"
      "put ports z {'network':'n','parent':'x','vlan':5}",
      "/1/vlan 5 is used by sub-port \"z\" of the same parent\n"
      "/2/vlan 5 is used by sub-port \"y\" of the same parent\n" },
    { "put ports x {'network':'n'}\n"
      "put ports y {'network':'n','parent':'x','vlan':5}\n"
      "put ports z {'network':'n','parent':'y','vlan':5}",
      "/1/parent port \"z\" is a sub-port of this one\n"
      "/2/parent \"y\" is a sub-port itself, of \"x\"\n" },
    { "put networks x {'vni':77}",
      "/vni VNI 77 is that of network \"m\"\n" },
    { "put networks x {'vni':78}\nput networks y {'vni':78}",
      "/1/vni VNI 78 is that of network \"x\"\n" },
    { "put ports x {'network':'n','ips':['10.0.0.9']}",
      "/ips 10.0.0.9 is used by port \"p2\" of the same network\n" },
    { "put ports x {'network':'n','mac':'02:00:00:00:00:09'}",
      "/mac 02:00:00:00:00:09 is used by port \"p2\" of the same "
      "network\n" },
    { "put ports x {'network':'n','iface_id':'p1'}",
      "/iface_id \"p1\" is used by port \"p1\"\n" },
    { "put ports x {'network':'n','ips':['10.0.0.40']}\n"
      "put ports y {'network':'n','ips':['10.0.0.40']}",
      "/0/ips 10.0.0.40 is used by port \"y\" of the same network\n"
      "/1/ips 10.0.0.40 is used by port \"x\" of the same network\n" },
    /* Addresses. */
    { "put ports x {'network':'n','ips':['10.0.1.9','10.0.0.0']}",
      "/ips 10.0.0.0 of port \"x\" is the first or last address of its "
      "subnet\n"
      "/ips 10.0.1.9 of port \"x\" is in no subnet of network \"n\"\n" },
    { "put networks x {'subnets':[{'cidr':'fd00::/64'}]}\n"
      "put ports x {'network':'x','ips':['fd00::','fd01::1','10.0.0.2',"
      "'fe80::1','fd00::ffff:ffff:ffff:ffff']}",
      "/1/ips 10.0.0.2 of port \"x\" is in no subnet of network \"x\"\n"
      "/1/ips fd00:: of port \"x\" is the first address of its subnet\n"
      "/1/ips fd01::1 of port \"x\" is in no subnet of network \"x\"\n"
      "/1/ips fe80::1 of port \"x\" is in no subnet of network \"x\"\n" },
    { "put networks x {'subnets':[{'cidr':'fd00::/64'}]}\n"
      "put ports x {'network':'x','ips':['fd00::a']}\n"
      "put ports y {'network':'x','ips':['fd00:0::0A']}",
      "/1/ips fd00::a is used by port \"y\" of the same network\n"
      "/2/ips fd00::a is used by port \"x\" of the same network\n" },
    { "put networks x {'subnets':[{'cidr':'fd00::/126'}]}\n"
      "put ports a {'network':'x'}\nput ports b {'network':'x'}\n"
      "put ports c {'network':'x'}\nput ports d {'network':'x'}",
      "/4/ips no address of fd00::/126 of network \"x\" is left\n" },
    { "put networks x {'subnets':[{'cidr':'fd00::/127'}]}\n"
      "put ports a {'network':'x'}\nput ports b {'network':'x'}\n"
      "put ports c {'network':'x'}",
      "/3/ips no address of fd00::/127 of network \"x\" is left\n" },
    { "put networks n {'subnets':[{'cidr':'10.0.1.0/24'}]}",
      "/subnets 10.0.0.2 of port \"p1\" is in no subnet of network \"n\"\n"
      "/subnets 10.0.0.9 of port \"p2\" is in no subnet of network \"n\"\n"
    },
    { "put networks x {'subnets':[{'cidr':'10.9.0.0/31'}]}\n"
      "put ports a {'network':'x'}\nput ports b {'network':'x'}\n"
      "put ports c {'network':'x'}",
      "/3/ips no address of 10.9.0.0/31 of network \"x\" is left\n" },
    /* Pools and reservations. */
    { "put networks x {" POOLS "}\nput ports a {'network':'x'}\n"
      "put ports b {'network':'x'}\nput ports c {'network':'x'}\n"
      "put ports d {'network':'x'}",
      "/4/ips no address of 10.5.0.0/24 of network \"x\" is left\n" },
    { "put networks x {" POOLS "}\n"
      "put ports a {'network':'x','ips':['10.5.0.99']}",
      "/1/ips 10.5.0.99 of port \"a\" is reserved for port \"db\"\n" },
    { "put networks n {'subnets':[{'cidr':'10.0.0.0/24','reservations':["
      "{'ip':'10.0.0.9','port':'p1'}]}]}",
      "/subnets 10.0.0.9 of port \"p2\" is reserved for port \"p1\"\n" },
    { "put networks x {" POOLS "}\nput loadbalancers l {'vip':'10.5.0.99',"
      "'networks':['x'],'ports':[{'port':80}]}",
      "/1/vip the virtual IP of loadbalancer \"l\" is reserved for port "
      "\"db\" in network \"x\"\n" },
    { "put networks x {'subnets':[{'cidr':'10.5.0.0/24','gateway':'10.5.0.1',"
      "'pools':[{'start':'10.5.0.9','end':'10.5.0.8'}]}]}",
      "/subnets/0/pools/0/end must not come before \"start\"\n" },
    { "put networks x {'subnets':[{'cidr':'10.5.0.0/24','gateway':'10.5.0.1',"
      "'pools':[{'start':'10.5.0.9','end':'10.5.1.8'}],"
      "'exclude':[{'start':'10.5.0.9','end':'10.5.0.20'},"
      "{'start':'10.5.0.20'}],'reservations':[{'ip':'10.5.0.1','port':'a'},"
      "{'ip':'10.5.0.255','port':'b'},{'ip':'10.6.0.1','port':'c'},"
      "{'ip':'10.5.0.8','port':'d'},{'ip':'10.5.0.7','port':'d'}]}]}",
      "/subnets/0/pools must have addresses of the subnet only\n"
      "/subnets/0/exclude must not have ranges that overlap\n"
      "/subnets/0/reservations 10.5.0.1 cannot be an address of a port\n"
      "/subnets/0/reservations port \"d\" has two addresses of one subnet\n"
      "/subnets/0/reservations 10.5.0.255 cannot be an address of a port\n"
      "/subnets/0/reservations 10.6.0.1 is no address of the subnet\n" },
    { "put networks x {'subnets':[{'cidr':'fd00::/60','exclude':[{'start':"
      "'fd00::1','end':'fd00:0:0:8::'}]}]}",
      "/subnets/0/exclude must be among the first 2^63 addresses of the "
      "subnet\n" },
    { "put networks x {'subnets':[{'cidr':'fd00::/60','pools':[{'start':"
      "'fd00::1','end':'10.0.0.1'}]}]}",
      "/subnets/0/pools/0/end must be of the family of \"start\"\n" },
    /* Load balancers. */
    { "put loadbalancers x {'vip':'10.0.0.9','networks':['n'],"
      "'ports':[{'port':80}]}",
      "/vip 10.0.0.9 is used by port \"p2\" of network \"n\"\n" },
    { "put loadbalancers x {'vip':'10.0.0.1','networks':['n'],"
      "'ports':[{'port':80}]}",
      "/vip the virtual IP of loadbalancer \"x\" is the gateway of network "
      "\"n\"\n" },
    /* Nothing is ever sent to these. */
    { "put loadbalancers x " LB_AT("127.0.0.1", "'n'"),
      "/vip must not be a loopback address: 127.0.0.1\n" },
    { "put loadbalancers x " LB_AT("127.255.255.255", "'n'"),
      "/vip must not be a loopback address: 127.255.255.255\n" },
    { "put loadbalancers x " LB_AT("10.0.0.0", "'m','n'") "\n"
      "put loadbalancers y " LB_AT("10.0.0.255", "'n'"),
      "/0/vip 10.0.0.0 of loadbalancer \"x\" is the first or last address of "
      "its subnet in network \"m\"\n"
      "/0/vip 10.0.0.0 of loadbalancer \"x\" is the first or last address of "
      "its subnet in network \"n\"\n"
      "/1/vip 10.0.0.255 of loadbalancer \"y\" is the first or last address "
      "of its subnet in network \"n\"\n" },
    { "put networks x {'subnets':[{'cidr':'fd00::/64'}]}\n"
      "put loadbalancers x " LB_AT("fd00::", "'x'"),
      "/1/vip fd00:: of loadbalancer \"x\" is the first address of its "
      "subnet in network \"x\"\n" },
    { "put loadbalancers x " LB("") "\nput loadbalancers y " LB(""),
      "/0/ports port 80 of 10.0.0.100 is served by loadbalancer \"y\" in "
      "network \"n\"\n"
      "/1/ports port 80 of 10.0.0.100 is served by loadbalancer \"x\" in "
      "network \"n\"\n" },
    { "put loadbalancers x {'vip':'10.0.0.100','networks':['n'],'ports':"
      "[{'port':70,'end_port':80}]}\nput loadbalancers y " LB(""),
      "/0/ports port 80 of 10.0.0.100 is served by loadbalancer \"y\" in "
      "network \"n\"\n"
      "/1/ports port 80 of 10.0.0.100 is served by loadbalancer \"x\" in "
      "network \"n\"\n" },
    { "put loadbalancers x {'vip':'10.0.0.100','networks':['n'],'ports':"
      "[{'port':9,'end_port':8},{'port':10,'end_port':12,'target':1},"
      "{'port':12}]}",
      "/ports must not end before they begin: 9 to 8\n"
      "/ports have either \"target\" or \"end_port\": a range has the same "
      "ports on the backends\n"
      "/ports must not overlap: port 12 is there twice\n" },
    { "put ports b {'network':'n'}\n"
      "put loadbalancers x " LB(",'backends':[{'port':'b','weight':0}]"),
      "/1/backends must have a weight above 0, at least one of them\n" },
    { "put loadbalancers x " LB(",'fallback':'x'"),
      "/fallback must be another balancer\n" },
    { "put loadbalancers x " LB(",'fallback':'y'") "\n"
      "put loadbalancers y {'vip':'10.0.0.101','networks':['n'],'ports':"
      "[{'port':80}],'fallback':'x'}",
      "/0/fallback must not lead on more than 4 times, nor in a circle\n"
      "/1/fallback must not lead on more than 4 times, nor in a circle\n" },
    { "put loadbalancers x " LB(",'fallback':'y'") "\n"
      "put loadbalancers y {'vip':'10.0.0.101','networks':['n'],'ports':"
      "[{'port':80}],'protocol':'udp'}",
      "/0/fallback loadbalancer \"y\" is of another protocol or family\n" },
    { "put loadbalancers x " LB(",'health':{'type':'tcp','path':'/',"
      "'interval_ms':500,'timeout_ms':501,'send':'a'}"),
      "/health/timeout_ms must not be longer than \"interval_ms\" (500)\n"
      "/health/path is only for type \"http\"\n"
      "/health/send is only for type \"udp\"\n" },
    { "put loadbalancers x " LB(",'health':{'type':'none'}"),
      "/health/type must be one of \"tcp\", \"http\", \"udp\", \"ping\"\n" },
    { "put loadbalancers x " LB(",'scale':{'metric':'bytes','high':5,"
      "'low':5,'webhook':'http://me@host/'}"),
      "/scale/webhook must be http://HOST[:PORT]/... or https://..., without "
      "a user and without \"#\"\n" },
    { "put loadbalancers x " LB(",'scale':{'metric':'bytes','high':5,"
      "'low':5}"),
      "/scale/low must be less than \"high\" (5)\n" },
    { "put loadbalancers x " LB(",'protocol':'sctp'"),
      "/protocol must be one of \"tcp\", \"udp\"\n" },
    { "put loadbalancers x " LB("")
      "\nput ports x {'network':'n','ips':['10.0.0.100']}",
      "/0/vip 10.0.0.100 is used by port \"x\" of network \"n\"\n"
      "/1/ips 10.0.0.100 is the virtual IP of loadbalancer \"x\"\n" },
    { "put ports x {'network':'m'}\n"
      "put loadbalancers x " LB(",'backends':[{'port':'x'}]"),
      "/1/backends port \"x\" is a backend of loadbalancer \"x\", which is "
      "not offered in its network \"m\"\n" },
    /* Routers. */
#define A "put networks a {'subnets':[{'cidr':'10.1.0.0/24'," \
          "'gateway':'10.1.0.1'}]}\n"
#define B "put networks b {'subnets':[{'cidr':'10.2.0.0/24'," \
          "'gateway':'10.2.0.1'},{'cidr':'fd02::/64'}]}\n"
    /* Behind routers a virtual IP is everybody's. */
    { A B "put routers r {'interfaces':[{'network':'a'},{'network':'b'}]}\n"
      "put loadbalancers x {'vip':'10.2.0.9','networks':['a'],'ports':"
      "[{'port':80}]}",
      "/3/vip 10.2.0.9, the virtual IP of loadbalancer \"x\", is an address "
      "of network \"b\", which routers join to its own: it must be offered "
      "there, too\n" },
    { A B "put routers r {'interfaces':[{'network':'a'},{'network':'b'}]}\n"
      "put loadbalancers x {'vip':'10.9.0.9','networks':['a'],'ports':"
      "[{'port':80}]}\n"
      "put loadbalancers y {'vip':'10.9.0.9','networks':['b'],'ports':"
      "[{'port':80}]}",
      "/3/ports port 80 of 10.9.0.9 is served by loadbalancer \"y\" in "
      "network \"b\"\n"
      "/4/ports port 80 of 10.9.0.9 is served by loadbalancer \"x\" in "
      "network \"a\"\n" },
    { "put routers r {'interfaces':[{'network':'x'}]}",
      "/interfaces/0/network network \"x\" does not exist\n" },
    { "put routers r {'interfaces':[{'network':'m'}]}",
      "/interfaces router \"r\" has no address in network \"m\", whose "
      "subnets have no gateway\n" },
    { A "put routers r {'interfaces':[{'network':'a','addresses':"
      "['10.1.0.0','10.2.0.1','fd02::1']}]}",
      "/1/interfaces 10.1.0.0 of router \"r\" is the first or last address of "
      "its subnet\n"
      "/1/interfaces 10.2.0.1 of router \"r\" is in no subnet of network "
      "\"a\"\n"
      "/1/interfaces fd02::1 of router \"r\" is in no subnet of network "
      "\"a\"\n" },
    { "put routers r {'interfaces':[{'network':'n','addresses':"
      "['10.0.0.9']}]}",
      "/interfaces 10.0.0.9 of router \"r\" is used by port \"p2\" of network "
      "\"n\"\n" },
    { "put routers r {'interfaces':[{'network':'n'}]}\n"
      "put ports x {'network':'n','ips':['10.0.0.1']}",
      "/0/interfaces 10.0.0.1 of router \"r\" is used by port \"x\" of "
      "network \"n\"\n"
      "/1/ips 10.0.0.1 is the address of router \"r\" in network \"n\"\n" },
    { "put routers r {'interfaces':[{'network':'n','addresses':"
      "['10.0.0.100']}]}\nput loadbalancers x " LB(""),
      "/0/interfaces 10.0.0.100 of router \"r\" is used by loadbalancer \"x\" "
      "of network \"n\"\n"
      "/1/vip 10.0.0.100 is the address of router \"r\" in network \"n\"\n" },
    { A "put routers r {'interfaces':[{'network':'a'}]}\n"
      "put routers s {'interfaces':[{'network':'a'}]}",
      "/1/interfaces 10.1.0.1 of router \"r\" is used by router \"s\" of "
      "network \"a\"\n"
      "/2/interfaces 10.1.0.1 of router \"s\" is used by router \"r\" of "
      "network \"a\"\n" },
    { "put routers r {'mac':'02:00:00:00:00:09',"
      "'interfaces':[{'network':'n'}]}",
      "/mac 02:00:00:00:00:09 is that of port \"p2\" of network \"n\"\n" },
    { A "put routers r {'mac':'02:00:00:00:00:0a',"
      "'interfaces':[{'network':'a'}]}\n"
      "put routers s {'mac':'02:00:00:00:00:0a',"
      "'interfaces':[{'network':'a','addresses':['10.1.0.2']}]}\n"
      "put ports x {'network':'a','mac':'02:00:00:00:00:0a'}",
      "/1/mac 02:00:00:00:00:0a is that of port \"x\" of network \"a\"\n"
      "/1/mac 02:00:00:00:00:0a is that of router \"s\" of network \"a\"\n"
      "/2/mac 02:00:00:00:00:0a is that of port \"x\" of network \"a\"\n"
      "/2/mac 02:00:00:00:00:0a is that of router \"r\" of network \"a\"\n"
      "/3/mac 02:00:00:00:00:0a is that of router \"r\"\n" },
    { A B "put routers r {'interfaces':[{'network':'a'},{'network':'b'}],"
      "'routes':[{'destination':'0.0.0.0/0','via':['10.1.0.9','10.3.0.1']},"
      "{'destination':'10.2.0.0/24','via':['10.1.0.9']},"
      "{'destination':'::/0','via':['fd02::2']},"
      "{'destination':'10.9.0.0/16','via':['10.2.0.1']}]}",
      "/2/routes next hop 10.3.0.1 of router \"r\" to 0.0.0.0/0 is in no "
      "subnet in which the router has an address\n"
      "/2/routes 10.2.0.0/24 of router \"r\" is a subnet of its network "
      "\"b\"\n"
      "/2/routes next hop 10.2.0.1 of router \"r\" to 10.9.0.0/16 is the "
      "router itself\n"
      "/2/routes next hop fd02::2 of router \"r\" to ::/0 is in no subnet in "
      "which the router has an address\n" },
    { A "put networks c {'subnets':[{'cidr':'10.0.0.0/15',"
      "'gateway':'10.1.0.9'}]}\n"
      "put routers r {'interfaces':[{'network':'a'},{'network':'c'}]}",
      "/2/interfaces routers join networks \"c\" and \"a\", whose subnets "
      "10.0.0.0/15 and 10.1.0.0/24 overlap\n" },
    { A B "put networks c {'subnets':[{'cidr':'10.3.0.0/24',"
      "'gateway':'10.3.0.1'},{'cidr':'fd02::/48'}]}\n"
      "put routers r {'interfaces':[{'network':'a'},{'network':'b'}]}\n"
      "put routers s {'interfaces':[{'network':'a','addresses':['10.1.0.2']},"
      "{'network':'c'}]}",
      "/3/interfaces routers join networks \"c\" and \"b\", whose subnets "
      "fd02::/48 and fd02::/64 overlap\n" },
    /* Apps. */
    { "put apps firewall {}", " app \"firewall\" does not exist\n" },
    { "delete apps overlay",
      " apps come and go with the configuration of vmnd; disable it "
      "instead\n" },
    { "put apps overlay {'description':'mine'}",
      " only \"enabled\" of an app can be changed\n" },
    /* Requests. */
    { "put groups a {}\nput groups a {}",
      "/1 names group \"a\" a second time\n" },
    { "put groups a {}\nput groups B {}\nput ports c {}",
      "/1 must be a name: 1 to 63 of a-z, 0-9, '-' and '.', with a letter "
      "or digit at both ends\n/2/network is required\n" },
    { "patch groups g []", " must be an object\n" },
    { "patch groups g {'ports':null,'nope':1}",
      "/nope unknown field \"nope\" of a group\n" },
};

static void
bad_requests_change_nothing(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        apply(*state, refusals[i].request, refusals[i].errors);
    }
    assert_false(model_is_unsettled(*state));
}

/* What goes through.  ----------------------------------------------------- */

static const struct vmn_port *
get_port(struct model *model, const char *name)
{
    return model_get(model, VMN_TABLE_PORT, name);
}

static void
check_ip(struct model *model, const char *name, const char *expected)
{
    const struct vmn_port *port = get_port(model, name);
    char buf[VALUE_IP_SIZE];

    assert_int_equal(port->n_ips, 1);
    assert_string_equal(value_format_ip(&port->ips[0], buf), expected);
}

static uint32_t
get_vni(struct model *model, const char *name)
{
    const struct vmn_network *n = model_get(model, VMN_TABLE_NETWORK, name);

    return n->vni;
}

static void
order_inside_a_request_does_not_matter(void **state)
{
    apply(*state, "put policies q {'applies_to':['q']}\n"
          "put groups q {'ports':['q']}\nput ports q {'network':'q'}\n"
          "put networks q {'subnets':[{'cidr':'10.0.0.0/24'}]}", "");
    check_ip(*state, "q", "10.0.0.1");
    apply(*state, "delete networks q\ndelete ports q\ndelete groups q\n"
          "delete policies q", "");
    assert_null(get_port(*state, "q"));
}

static void
balancers_have_so_many_different_limits(void **state)
{
    for (unsigned i = 1; i <= 2 * VMN_LB_LIMITS_MAX; i++) {
        bool fits = i <= VMN_LB_LIMITS_MAX || i % 2;
        char *text = xasprintf(
            "put loadbalancers l%u {'vip':'10.0.%u.%u','networks':['n'],"
            "'ports':[{'port':80}],'client_limit':{'rate':%u}}", i,
            1 + i / 200, i % 200, i <= VMN_LB_LIMITS_MAX || !fits ? i : 7);

        apply(*state, text, fits ? "" : "/client_limit balancers can have at "
              "most 128 different limits\n");
        free(text);
    }
    /* The same one is not another, and one that is gone makes room. */
    apply(*state, "put loadbalancers l1 {'vip':'10.0.1.1','networks':['n'],"
          "'ports':[{'port':80}],'client_limit':{'rate':8,'burst':8}}", "");
    apply(*state, "put loadbalancers l2 {'vip':'10.0.1.2','networks':['n'],"
          "'ports':[{'port':80}],'client_limit':{'rate':1000}}", "");
}

static void
same_request_again_changes_nothing(void **state)
{
    struct model *model = *state;
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision;

    vmn_errors_init(&errors);
    model_request_init(&request, "test");
    model_util_parse(&request, base);
    assert_int_equal(model_apply(model, &request, 5, &revision, &errors), 0);
    assert_int_equal(revision, 1);
    for (size_t i = 0; i < request.n_ops; i++) {
        assert_int_equal(request.ops[i].outcome, MODEL_UNCHANGED);
        assert_int_equal(request.ops[i].revision, 1);
    }
    assert_false(model_is_unsettled(model));
    model_request_uninit(&request);
}

static void
outcomes_and_revisions_are_reported(void **state)
{
    struct model *model = *state;
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision;

    vmn_errors_init(&errors);
    model_request_init(&request, "test");
    model_util_parse(&request, "put groups new {}\n"
                     "patch@1 ports p1 {'labels':{'role':null,'a':'b'}}\n"
                     "delete policies pol\nput ports p2 {'network':'n',"
                     "'ips':['10.0.0.9'],'mac':'02:00:00:00:00:09'}\n"
                     "absent groups none");
    assert_int_equal(model_apply(model, &request, 5, &revision, &errors), 0);
    assert_int_equal(revision, 3);
    assert_int_equal(request.ops[0].outcome, MODEL_CREATED);
    assert_int_equal(request.ops[1].outcome, MODEL_UPDATED);
    assert_int_equal(request.ops[1].revision, 3);
    assert_int_equal(request.ops[2].outcome, MODEL_DELETED);
    assert_int_equal(request.ops[3].outcome, MODEL_UNCHANGED);
    assert_int_equal(request.ops[3].revision, 1);
    assert_int_equal(request.ops[4].outcome, MODEL_UNCHANGED);
    model_request_uninit(&request);

    const struct vmn_port *p1 = get_port(model, "p1");
    assert_int_equal(p1->labels.n, 1);
    assert_string_equal(p1->labels.labels[0].key, "a");
}

static void
given_values_stay(void **state)
{
    struct model *model = *state;
    struct vmn_mac mac = get_port(model, "p1")->mac;
    uint32_t vni = get_vni(model, "n");

    check_ip(model, "p1", "10.0.0.2");
    assert_int_equal(mac.ea[0], 0x02);
    apply(model, "put ports p1 {'network':'n','description':'x'}\n"
          "patch networks n {'mtu':1400}\n"
          "put ports p2 {'network':'n'}", "");
    check_ip(model, "p1", "10.0.0.2");
    check_ip(model, "p2", "10.0.0.9");
    assert_memory_equal(&get_port(model, "p1")->mac, &mac, sizeof mac);
    assert_int_equal(get_vni(model, "n"), vni);

    /* Asking for another value gives it, and the former is free. */
    apply(model, "put ports p1 {'network':'n','ips':['10.0.0.50'],"
          "'mac':'02:00:00:00:00:50'}", "");
    check_ip(model, "p1", "10.0.0.50");
    apply(model, "put ports p3 {'network':'n','ips':['10.0.0.2']}", "");

    /* Another network: what fits stays, the rest is given anew. */
    apply(model, "put ports p1 {'network':'m'}", "");
    check_ip(model, "p1", "10.0.0.1");
    assert_int_equal(get_port(model, "p1")->mac.ea[5], 0x50);
}

static void
address_is_used_again_late(void **state)
{
    apply(*state, "put ports a {'network':'n'}", "");
    check_ip(*state, "a", "10.0.0.3");
    apply(*state, "delete ports a", "");
    apply(*state, "put ports b {'network':'n'}", "");
    check_ip(*state, "b", "10.0.0.4");
}

/* Nobody has seen it. */
static void
address_given_in_vain_comes_next(void **state)
{
    struct model *model = *state;
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision;

    model_request_init(&request, "test");
    model_util_parse(&request, "put ports a {'network':'n'}");
    vmn_errors_init(&errors);
    assert_int_equal(model_apply(model, &request, 0, &revision, &errors), 0);
    check_ip(model, "a", "10.0.0.3");
    model_undo(model);
    model_util_parse(&request,
                     "put ports b {'network':'n','ips':['8.8.8.8']}");
    assert_int_equal(model_apply(model, &request, 0, &revision, &errors),
                     EINVAL);
    vmn_errors_uninit(&errors);
    model_request_uninit(&request);
    apply(model, "put ports c {'network':'n'}", "");
    check_ip(model, "c", "10.0.0.3");
}

static void
given_addresses_avoid_what_is_taken(void **state)
{
    apply(*state, "put loadbalancers x {'vip':'10.0.0.3','networks':['n'],"
          "'ports':[{'port':80}]}\n"
          "put ports a {'network':'n'}\n"
          "put ports b {'network':'n','ips':['10.0.0.4']}", "");
    check_ip(*state, "a", "10.0.0.5");
    apply(*state, "put networks s {'subnets':[{'cidr':'10.5.0.0/30',"
          "'gateway':'10.5.0.1'},{'cidr':'10.6.0.0/24'}]}\n"
          "put ports s {'network':'s'}", "");

    const struct vmn_port *port = get_port(*state, "s");
    char buf[VALUE_IP_SIZE];
    assert_int_equal(port->n_ips, 2);
    assert_string_equal(value_format_ip(&port->ips[0], buf), "10.5.0.2");
    assert_string_equal(value_format_ip(&port->ips[1], buf), "10.6.0.1");
}

static void
check_use(struct model *model, const char *name, uint64_t size,
          uint64_t used)
{
    struct model_use use;

    model_subnets_use(model, model_get(model, VMN_TABLE_NETWORK, name), &use);
    assert_int_equal(use.size, size);
    assert_int_equal(use.used, used);
}

static void
pools_say_what_is_given_out(void **state)
{
    struct model *model = *state;

    apply(model, "put networks x {" POOLS "}", "");
    check_use(model, "x", 3, 0);
    apply(model, "put ports a {'network':'x'}\nput ports b {'network':'x'}\n"
          "put ports db {'network':'x'}", "");
    check_ip(model, "a", "10.5.0.10");
    check_ip(model, "b", "10.5.0.12");
    check_ip(model, "db", "10.5.0.99");
    check_use(model, "x", 3, 2);

    /* The longest free comes first, and so round and round. */
    apply(model, "delete ports a\nput ports c {'network':'x'}\n"
          "put ports d {'network':'x'}", "");
    check_ip(model, "c", "10.5.0.20");
    check_ip(model, "d", "10.5.0.10");
    check_use(model, "x", 3, 3);

    /* What is not given out may be asked for. */
    apply(model, "put ports e {'network':'x','ips':['10.5.0.13']}", "");
    check_use(model, "x", 3, 3);
    apply(model, "patch networks x {'subnets':[{'cidr':'10.5.0.0/24',"
          "'reservations':[{'ip':'10.5.0.13','port':'e'},"
          "{'ip':'10.5.0.200','port':'none'}]}]}", "");
    check_use(model, "x", 254, 6);
    apply(model, "put routers r {'interfaces':[{'network':'x','addresses':["
          "'10.5.0.1']}]}", "");
    check_use(model, "x", 254, 7);
}

static void
pools_of_ipv6_may_be_far_away(void **state)
{
    apply(*state, "put networks x {'subnets':[{'cidr':'fd00::/64','pools':["
          "{'start':'fd00::1:0:0:fffe','end':'fd00::1:0:1:0'}]}]}\n"
          "put ports a {'network':'x'}\nput ports b {'network':'x'}\n"
          "put ports c {'network':'x'}", "");
    check_ip(*state, "a", "fd00::1:0:0:fffe");
    check_ip(*state, "c", "fd00::1:0:1:0");
    check_use(*state, "x", 3, 3);
    check_use(*state, "m", 254, 0);
}

static void
check_ips(struct model *model, const char *name, const char *a,
          const char *b)
{
    const struct vmn_port *port = get_port(model, name);
    char buf[VALUE_IP_SIZE];

    assert_int_equal(port->n_ips, 2);
    assert_string_equal(value_format_ip(&port->ips[0], buf), a);
    assert_string_equal(value_format_ip(&port->ips[1], buf), b);
}

static void
ipv6_addresses_are_given_out_one_of_each_subnet(void **state)
{
    struct model *model = *state;

    apply(model, "put networks d {'subnets':[{'cidr':'10.5.0.0/24'},"
          "{'cidr':'fd00::/64','gateway':'fd00::1'}]}\n"
          "put ports a {'network':'d'}", "");
    check_ips(model, "a", "10.5.0.1", "fd00::2");
    apply(model, "put ports b {'network':'d'}\n"
          "put ports c {'network':'d','ips':['fd00::4']}", "");
    check_ips(model, "b", "10.5.0.2", "fd00::3");
    check_ip(model, "c", "fd00::4");

    /* What is taken, and what was given out last, is passed over. */
    apply(model, "delete ports b\nput ports e {'network':'d'}", "");
    check_ips(model, "e", "10.5.0.3", "fd00::5");

    /* Addresses beyond the first 2^32 of a subnet are as good as others. */
    apply(model, "put ports f {'network':'d','ips':['fd00::1:0:0:7',"
          "'10.5.0.77']}", "");
    check_ips(model, "f", "10.5.0.77", "fd00::1:0:0:7");

    /* A subnet more: what is there stays. */
    apply(model, "patch networks d {'subnets':[{'cidr':'10.5.0.0/24'},"
          "{'cidr':'fd00::/64'},{'cidr':'2001:db8::/32'}]}\n"
          "patch ports e {'description':'x'}", "");
    assert_int_equal(get_port(model, "e")->n_ips, 3);
}

/* Where guests make their addresses, a port is given what its guest will make,
 * and has another one as soon as its MAC is another. */
static void
addresses_may_follow_from_macs(void **state)
{
    struct model *model = *state;

    apply(model, "put networks d {'subnets':[{'cidr':'10.5.0.0/24'},"
          "{'cidr':'fd00::/64','slaac':true,'reservations':["
          "{'ip':'fd00::7','port':'kept'}]}]}\n"
          "put ports a {'network':'d','mac':'02:00:00:00:00:0a'}\n"
          "put ports kept {'network':'d'}", "");
    check_ips(model, "a", "10.5.0.1", "fd00::ff:fe00:a");
    check_ips(model, "kept", "10.5.0.2", "fd00::7");
    apply(model, "patch ports a {'description':'x'}", "");
    check_ips(model, "a", "10.5.0.1", "fd00::ff:fe00:a");
    apply(model, "patch ports a {'mac':'02:00:00:00:00:0b'}", "");
    check_ips(model, "a", "10.5.0.1", "fd00::ff:fe00:b");

    /* Somebody asked for it first. */
    apply(model, "put ports b {'network':'d','ips':['10.5.0.9',"
          "'fd00::ff:fe00:c']}", "");
    apply(model, "put ports c {'network':'d','mac':'02:00:00:00:00:0c'}",
          "/ips the address of fd00::/64 of network \"d\" that follows from "
          "the MAC is taken\n");
}

static void
vni_of_a_network_can_change(void **state)
{
    struct model *model = *state;
    struct numbers *numbers = model_numbers(model);
    uint32_t vni = get_vni(model, "n");

    apply(model, "patch networks n {'vni':500}", "");
    assert_int_equal(get_vni(model, "n"), 500);
    model_settle(model);
    apply(model, "put networks x {'vni':1}",
          "/vni VNI 1 was that of network \"n\", and some host has yet to "
          "confirm that it is gone\n");
    assert_int_equal(vni, 1);

    /* It can go back at once, and once all hosts know, others can have it. */
    apply(model, "patch networks n {'vni':1}", "");
    assert_int_equal(get_vni(model, "n"), 1);
    apply(model, "patch networks n {'vni':500}", "");
    model_settle(model);
    numbers_acked(numbers, model_revision(model));
    apply(model, "put networks x {'vni':1}", "");
}

static void
refused_request_leaves_no_number_behind(void **state)
{
    apply(*state, "put networks x {'vni':900}\nput networks y {'vni':77}",
          "/1/vni VNI 77 is that of network \"m\"\n");
    apply(*state, "put networks z {'vni':900}", "");
}

/* Applies one request that must go through.  Returns what else it changed,
 * sorted, as lines "OP TYPE NAME"; and checks that the log names all of it.
 * The caller frees it. */
static char *
apply_also(struct model *model, const char *set, const char *text)
{
    struct model_request request;
    struct model_pending pending;
    struct vmn_errors errors;
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct svec lines = SVEC_EMPTY_INITIALIZER;
    const json_t *change;
    uint64_t revision;
    size_t i;

    vmn_errors_init(&errors);
    model_request_init(&request, "test");
    model_util_parse(&request, text);
    request.prune_set = nullable_xstrdup(set);
    assert_int_equal(model_apply(model, &request, 5, &revision, &errors), 0);
    model_get_pending(model, &pending);
    json_array_foreach (request.also, i, change) {
        char *entry = json_dumps(change, JSON_COMPACT);

        assert_non_null(strstr(pending.logs[pending.n_logs - 1].summary,
                               entry));
        free(entry);
        svec_add_nocopy(&lines, xasprintf(
            "%s %s %s\n",
            json_string_value(json_object_get(change, "op")),
            json_string_value(json_object_get(change, "type")),
            json_string_value(json_object_get(change, "name"))));
    }
    svec_sort(&lines);
    for (i = 0; i < lines.n; i++) {
        ds_put_cstr(&ds, lines.names[i]);
    }
    svec_destroy(&lines);
    model_request_uninit(&request);
    return ds_steal_cstr(&ds);
}

/* Fails unless 'request' changes just 'also' besides what it names. */
static void
check_also(struct model *model, const char *request, const char *also)
{
    char *got = apply_also(model, NULL, request);

    assert_string_equal(got, also);
    free(got);
}

/* Fails unless the row's spec is 'expected'. */
static void
check_spec(struct model *model, enum vmn_table table, const char *name,
           const char *expected)
{
    const struct vmn_row *row = model_get(model, table, name);
    char *copy = xstrdup(expected);

    assert_non_null(row);
    for (char *p = copy; *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    json_t *want = json_loads(copy, 0, NULL);
    json_t *got = schema_row_spec(row);
    if (!json_equal(want, got)) {
        char *text = json_dumps(got, JSON_COMPACT);

        fail_msg("%s:\ngot\n%s\nexpected\n%s", name, text, copy);
    }
    json_decref(got);
    json_decref(want);
    free(copy);
}

static void
cascade_of_a_network_takes_its_ports(void **state)
{
    struct model *model = *state;

    apply(model, "put bindings p1 {'host':'h1'}\n"
          "put loadbalancers one " LB(",'backends':[{'port':'p1'}]") "\n"
          "put loadbalancers two {'vip':'10.0.0.101','networks':['m','n'],"
          "'ports':[{'port':80}],'backends':[{'port':'p1'},{'port':'p2'}]}",
          "");
    check_also(model, "cascade networks n",
               "delete loadbalancers one\ndelete ports p1\ndelete ports p2\n"
               "update groups g\nupdate loadbalancers two\n");
    assert_null(get_port(model, "p1"));
    assert_null(model_get(model, VMN_TABLE_BINDING, "p1"));
    assert_null(model_get(model, VMN_TABLE_LOADBALANCER, "one"));
    check_spec(model, VMN_TABLE_GROUP, "g", "{'selector':'role=web'}");
    check_spec(model, VMN_TABLE_LOADBALANCER, "two",
               "{'vip':'10.0.0.101','networks':['m'],'protocol':'tcp',"
               "'ports':[{'port':80,'target':80}]}");
    assert_non_null(model_get(model, VMN_TABLE_POLICY, "pol"));
    assert_non_null(model_get(model, VMN_TABLE_NETWORK, "m"));
}

static void
cascade_of_a_port_keeps_what_lists_it(void **state)
{
    struct model *model = *state;

    apply(model, "put groups only {'ports':['p2']}\n"
          "put policies q {'applies_to':['only']}\n"
          "put loadbalancers x " LB(",'backends':[{'port':'p2'}]"), "");
    check_also(model, "cascade ports p2",
               "update groups g\nupdate groups only\n"
               "update loadbalancers x\n");
    check_spec(model, VMN_TABLE_GROUP, "only", "{}");
    check_spec(model, VMN_TABLE_GROUP, "g", "{'selector':'role=web'}");
    assert_non_null(model_get(model, VMN_TABLE_POLICY, "q"));
}

#define PEERS "{'direction':'ingress','action':'allow','peers':["

static void
cascade_of_a_peer_keeps_the_policy_and_its_isolation(void **state)
{
    struct model *model = *state;

    /* Without the rule, "directions" would be just egress by default. */
    apply(model, "put groups peer {}\nput groups two {}\n"
          "put policies in {'applies_to':['g','peer'],'rules':["
          PEERS "{'group':'peer'}]},"
          PEERS "{'group':'peer'},{'group':'two'}]},"
          "{'direction':'egress','action':'deny'}]}\n"
          "put policies all {'applies_to':['two'],'rules':["
          PEERS "{'group':'peer'}]}]}\n"
          "put policies gone {'applies_to':['peer']}", "");
    check_also(model, "cascade groups peer",
               "delete policies gone\nupdate policies all\n"
               "update policies in\n");
    check_spec(model, VMN_TABLE_POLICY, "in",
               "{'tier':'application','priority':500,'applies_to':['g'],"
               "'directions':['ingress','egress'],'mode':'enforce','on_change':'recheck',"
               "'rules':["
               PEERS "{'group':'two'}],'log':false},"
               "{'direction':'egress','action':'deny','log':false}]}");
    check_spec(model, VMN_TABLE_POLICY, "all",
               "{'tier':'application','priority':500,'applies_to':['two'],"
               "'directions':['ingress'],'mode':'enforce','on_change':'recheck'}");
    assert_null(model_get(model, VMN_TABLE_POLICY, "gone"));
}

#define SERVICES "{'direction':'egress','action':'allow','services':["

static void
cascade_of_a_service_keeps_the_policy(void **state)
{
    struct model *model = *state;

    apply(model, "put services s {'entries':[{'protocol':'tcp'}]}\n"
          "put policies q {'applies_to':['g'],'rules':["
          SERVICES "{'service':'s'}]},"
          SERVICES "{'service':'s'},{'protocol':'udp'}]}]}", "");
    check_also(model, "cascade services s", "update policies q\n");
    check_spec(model, VMN_TABLE_POLICY, "q",
               "{'tier':'application','priority':500,'applies_to':['g'],"
               "'directions':['egress'],'mode':'enforce','on_change':'recheck',"
               "'rules':["
               SERVICES "{'protocol':'udp'}],'log':false}]}");
}

static void
groups_are_put_into_groups_in_the_middle_too(void **state)
{
    struct model *model = *state;

    /* A diamond is no circle. */
    apply(model, "put groups a {'groups':['b','c']}\n"
          "put groups b {'groups':['d']}\nput groups c {'groups':['d','g']}\n"
          "put groups d {}", "");
    apply(model, "put groups d {'groups':['a']}",
          "/groups must not be in a circle: d, which has a, which has b, which "
          "has d\n");
    apply(model, "put groups d {'groups':['e']}\nput groups e {'groups':['f']}"
          "\nput groups f {'groups':['h']}\nput groups h {'groups':['i']}\n"
          "put groups i {'groups':['j']}\nput groups j {}", "");
    apply(model, "put groups z {'groups':['a']}",
          "/groups must not put more than 8 groups inside of each other: with "
          "these there are 9\n");
    apply(model, "put groups z {'groups':['b']}", "");
    /* Turned round in one request. */
    apply(model, "put groups a {}\nput groups d {'groups':['a']}", "");
    apply(model, "delete groups a",
          " group \"a\" is referred to by group \"d\"\n");
    check_also(model, "cascade groups a", "update groups d\n");
}

static void
priorities_differ_in_all_tiers_but_application(void **state)
{
    struct model *model = *state;

    apply(model, "put tiers early {'position':3}\n"
          "put policies a {'applies_to':['g'],'tier':'early','priority':7}\n"
          "put policies b {'applies_to':['g'],'tier':'security',"
          "'priority':7}\n"
          "put policies c {'applies_to':['g'],'priority':7}\n"
          "put policies d {'applies_to':['g'],'priority':7}", "");
    apply(model, "patch policies a {'tier':'security'}",
          "/priority 7 is that of policy \"b\" in tier \"security\": which "
          "one decides must be said\n");
    apply(model, "put policies e {'applies_to':['g'],'tier':'early',"
          "'priority':8}", "");
    /* It is the state at the end that counts. */
    apply(model, "patch policies a {'priority':8}\n"
          "patch policies e {'priority':7}", "");
    apply(model, "patch policies b {'tier':'early','priority':8}\n"
          "delete policies a", "");
}

static void
cascade_of_a_tier_takes_its_policies_along(void **state)
{
    struct model *model = *state;

    /* To fall back to the default tier would be another policy. */
    apply(model, "put tiers early {'position':3}\n"
          "put policies q {'applies_to':['g'],'tier':'early'}", "");
    apply(model, "delete tiers early",
          " tier \"early\" is referred to by policy \"q\"\n");
    check_also(model, "cascade tiers early", "delete policies q\n");
}

static void
tiers_that_are_built_in_stay_as_they_are(void **state)
{
    struct model *model = *state;
    uint64_t revision;
    char *errors;

    /* The same again changes nothing, whichever set it is in. */
    uint64_t before = model_revision(model);
    apply(model, "patch tiers platform {}", "");
    errors = model_util_apply(model, "test", "shop",
                              "patch tiers platform {'position':9}",
                              &revision);
    assert_string_equal(errors, "");
    free(errors);
    assert_int_equal(model_revision(model), before);
    errors = model_util_apply(model, "test", "shop", "put groups b {}",
                              &revision);
    assert_string_equal(errors, "");
    free(errors);
    assert_non_null(model_get(model, VMN_TABLE_TIER, "platform"));
}

static void
cascade_of_a_host_unpins_its_ports(void **state)
{
    struct model *model = *state;

    /* The second subnet is full, which is no reason to refuse this. */
    apply(model, "patch ports p1 {'host':'h1'}\n"
          "put bindings p1 {'host':'h1'}", "");
    apply(model, "patch networks n {'subnets':[{'cidr':'10.0.0.0/24',"
          "'gateway':'10.0.0.1'},{'cidr':'10.1.0.0/31'}]}\n"
          "put ports a {'network':'n'}\nput ports b {'network':'n'}", "");
    struct vmn_mac mac = get_port(model, "p1")->mac;
    check_also(model, "cascade hosts h1", "update ports p1\n");
    assert_null(get_port(model, "p1")->host);
    check_ip(model, "p1", "10.0.0.2");
    assert_memory_equal(&get_port(model, "p1")->mac, &mac, sizeof mac);
    assert_null(model_get(model, VMN_TABLE_BINDING, "p1"));
}

static void
cascade_that_meets_a_plain_deletion_is_refused(void **state)
{
    apply(*state, "put groups x {'ports':['p1','p2']}", "");
    apply(*state, "cascade ports p2\ndelete ports p1",
          "/1 port \"p1\" is referred to by group \"x\"\n");
}

static void
cascade_keeps_the_set_of_what_it_changes(void **state)
{
    struct model *model = *state;
    char *also = apply_also(model, "shop", "put groups x {'ports':['p2']}");

    free(also);
    apply(model, "cascade ports p2", "");
    also = apply_also(model, "shop", "put groups y {}");
    assert_string_equal(also, "delete groups x\n");
    free(also);
}

static void
observed_rows_never_block(void **state)
{
    const struct vmn_binding *binding;

    apply_as(*state, "host:h1", "put bindings p1 {'host':'h1'}\n"
             "put bindings p2 {'host':'h2','candidate':'h1'}\n"
             "put vifs h1/p1 {'host':'h1','iface_id':'p1','iface':'tap1',"
             "'ofport':3,'link_up':true}", "");
    apply(*state, "delete hosts h1", "");
    assert_null(model_get(*state, VMN_TABLE_BINDING, "p1"));
    assert_null(model_get(*state, VMN_TABLE_VIF, "h1/p1"));
    binding = model_get(*state, VMN_TABLE_BINDING, "p2");
    assert_string_equal(binding->host, "h2");
    assert_null(binding->candidate);
    apply(*state, "delete policies pol\ndelete groups g\ndelete ports p2",
          "");
    assert_null(model_get(*state, VMN_TABLE_BINDING, "p2"));
}

static void
prune_deletes_what_the_set_no_longer_names(void **state)
{
    struct model *model = *state;
    uint64_t revision;
    char *errors;

    errors = model_util_apply(model, "test", "shop",
                              "put groups a {}\nput groups b {}\n"
                              "put policies r {'applies_to':['a']}",
                              &revision);
    assert_string_equal(errors, "");
    free(errors);

    /* 'a' is still needed by what is named. */
    errors = model_util_apply(model, "test", "shop",
                              "put policies r {'applies_to':['a']}",
                              &revision);
    assert_string_equal(errors, " group \"a\" is referred to by policy "
                        "\"r\"\n");
    free(errors);
    assert_non_null(model_get(model, VMN_TABLE_GROUP, "b"));

    errors = model_util_apply(model, "test", "shop", "put groups b {}",
                              &revision);
    assert_string_equal(errors, "");
    free(errors);
    assert_null(model_get(model, VMN_TABLE_GROUP, "a"));
    assert_null(model_get(model, VMN_TABLE_POLICY, "r"));
    assert_non_null(model_get(model, VMN_TABLE_GROUP, "b"));
    assert_non_null(model_get(model, VMN_TABLE_GROUP, "g"));
}

static void
users_change_only_enabled_of_apps(void **state)
{
    const struct vmn_app_row *app;

    apply(*state, "put apps overlay {'enabled':false}", "");
    app = model_get(*state, VMN_TABLE_APP, "overlay");
    assert_false(app->enabled);
    assert_string_equal(app->description, "Networks");
    apply(*state, "patch apps overlay {'enabled':true}", "");
    apply_as(*state, "vmnd", "delete apps overlay", "");
}

/* Indexes and notes.  ----------------------------------------------------- */

static void
check_index(struct model *model, enum vmn_index index, const char *key,
            const char *expected)
{
    struct vmn_names names = model_lookup(model, index, key);
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < names.n; i++) {
        ds_put_format(&ds, "%s%s", i ? " " : "", names.names[i]);
    }
    assert_string_equal(ds_cstr(&ds), expected);
    ds_destroy(&ds);
}

static void
indexes_follow_rows(void **state)
{
    struct model *model = *state;

    apply(model, "put groups any {'selector':''}\n"
          "put groups in {'selector':'role in (a,b),x!=1'}\n"
          "put groups not {'selector':'!role'}\n"
          "put groups two {'selector':'a,role=db'}\n"
          "put bindings p1 {'host':'h2','candidate':'h1'}\n"
          "put loadbalancers x " LB(""), "");
    check_index(model, VMN_INDEX_ALL_HOSTS, "", "h1 h2");
    check_index(model, VMN_INDEX_PORT_BY_NETWORK, "n", "p1 p2");
    check_index(model, VMN_INDEX_PORT_BY_NETWORK, "m", "");
    check_index(model, VMN_INDEX_PORT_BY_LABEL, "role=web", "p1");
    check_index(model, VMN_INDEX_PORT_BY_LABEL, "role", "p1");
    check_index(model, VMN_INDEX_PORT_BY_LABEL, "", "p1 p2");
    check_index(model, VMN_INDEX_PORT_BY_HOST, "h2", "p1");
    check_index(model, VMN_INDEX_PORT_BY_HOST, "h1", "");
    check_index(model, VMN_INDEX_GROUP_BY_PORT, "p2", "g");
    check_index(model, VMN_INDEX_GROUP_BY_ANCHOR, "role=web", "g");
    check_index(model, VMN_INDEX_GROUP_BY_ANCHOR, "role", "in");
    check_index(model, VMN_INDEX_GROUP_BY_ANCHOR, "role=db", "two");
    check_index(model, VMN_INDEX_GROUP_BY_ANCHOR, "", "any not");
    check_index(model, VMN_INDEX_POLICY_BY_GROUP, "g", "pol");
    check_index(model, VMN_INDEX_LB_BY_NETWORK, "n", "x");
    check_index(model, VMN_INDEX_PORT_BY_IP, "n/10.0.0.9", "p2");

    apply(model, "put ports p1 {'network':'m','labels':{'role':'db'}}\n"
          "delete loadbalancers x\ndelete bindings p1", "");
    check_index(model, VMN_INDEX_PORT_BY_NETWORK, "n", "p2");
    check_index(model, VMN_INDEX_PORT_BY_NETWORK, "m", "p1");
    check_index(model, VMN_INDEX_PORT_BY_LABEL, "role=web", "");
    check_index(model, VMN_INDEX_PORT_BY_LABEL, "role=db", "p1");
    check_index(model, VMN_INDEX_PORT_BY_HOST, "h2", "");
    check_index(model, VMN_INDEX_LB_BY_NETWORK, "n", "");
}

/* Routers.  --------------------------------------------------------------- */

/* Networks that routers join do not change beneath them. */
static void
networks_of_routers_keep_what_routers_need(void **state)
{
    struct model *model = *state;

    apply(model, A B "put routers r {'interfaces':[{'network':'a'},"
          "{'network':'b'}],'routes':["
          "{'destination':'0.0.0.0/0','via':['10.1.0.9']}]}", "");
    apply(model, "put networks a {'subnets':[{'cidr':'10.1.0.0/24'}]}",
          "/subnets router \"r\" has no address in network \"a\", whose "
          "subnets have no gateway\n"
          "/subnets next hop 10.1.0.9 of router \"r\" to 0.0.0.0/0 is in no "
          "subnet in which the router has an address\n");
    apply(model, "put networks a {'subnets':[{'cidr':'10.1.0.0/24',"
          "'gateway':'10.1.0.1'},{'cidr':'10.2.0.0/16'}]}",
          "/subnets routers join networks \"a\" and \"b\", whose subnets "
          "10.2.0.0/16 and 10.2.0.0/24 overlap\n");
    apply(model, "delete networks a",
          " network \"a\" is referred to by router \"r\"\n");
    apply(model, "put ports x {'network':'a','ips':['10.1.0.1']}",
          "/ips 10.1.0.1 is the address of router \"r\" in network \"a\"\n");

    /* Elsewhere the same addresses do no harm. */
    apply(model, "put networks c {'subnets':[{'cidr':'10.1.0.0/16',"
          "'gateway':'10.1.0.1'}]}\n"
          "put routers s {'interfaces':[{'network':'c'}]}", "");
    apply(model, "put routers s {'interfaces':[{'network':'c'},"
          "{'network':'b','addresses':['10.2.0.2']}]}",
          "/interfaces routers join networks \"c\" and \"a\", whose subnets "
          "10.1.0.0/16 and 10.1.0.0/24 overlap\n");

    /* A next hop that is nobody any more is no reason to keep a network. */
    apply(model, "cascade networks a", "");
    check_spec(model, VMN_TABLE_ROUTER, "r",
               "{'interfaces':[{'network':'b'}],'routes':["
               "{'destination':'0.0.0.0/0','via':['10.1.0.9']}]}");
}

static void
routers_are_given_a_mac_and_keep_it(void **state)
{
    struct model *model = *state;
    const struct vmn_router *r;
    struct vmn_mac mac;
    char buf[VALUE_MAC_SIZE];

    apply(model, A B "put routers r {'interfaces':[{'network':'a'}]}", "");
    r = model_get(model, VMN_TABLE_ROUTER, "r");
    mac = r->mac;
    assert_int_equal(mac.ea[0], 0x0a);

    apply(model, "patch routers r {'interfaces':[{'network':'b'}]}", "");
    r = model_get(model, VMN_TABLE_ROUTER, "r");
    assert_memory_equal(&r->mac, &mac, sizeof mac);
    check_index(model, VMN_INDEX_ROUTER_BY_NETWORK, "a", "");
    check_index(model, VMN_INDEX_ROUTER_BY_NETWORK, "b", "r");

    char *request = xasprintf("put ports x {'network':'b','mac':'%s'}",
                              value_format_mac(mac, buf));
    char *error = xasprintf("/mac %s is that of router \"r\"\n", buf);
    apply(model, request, error);
    free(error);
    free(request);

    apply(model, "patch routers r {'mac':'02:00:00:00:00:01'}", "");
    r = model_get(model, VMN_TABLE_ROUTER, "r");
    assert_string_equal(value_format_mac(r->mac, buf), "02:00:00:00:00:01");
}

#define OUT "put networks out {'provider':{'physical':'dc'},"    \
    "'subnets':[{'cidr':'10.7.0.0/24','gateway':'10.7.0.1'}]}\n"
#define EXTERNAL "'external':{'network':'out','addresses':['10.7.0.9'],"  \
    "'gateways':[{'host':'h1'}]}"
#define R OUT A B "put routers r {'interfaces':[{'network':'a'}]," EXTERNAL \
    "}\nput ports pa {'network':'a'}\nput ports pb {'network':'b'}\n"

/* Nobody else has it in that network, and who is to get what comes there can. */
static void
external_addresses_are_had_once(void **state)
{
    struct model *model = *state;

    apply(model, "put hosts h1 {'ovsdb':'inbound','tunnel_ip':'192.0.2.1'}\n"
          R, "");
    apply(model, "put routers s {'interfaces':[{'network':'b'}]," EXTERNAL "}",
          "/external 10.7.0.9 of router \"s\" is used by router \"r\" of "
          "network \"out\"\n");
    apply(model, "put routers s {'external':{'network':'a','addresses':"
          "['10.0.0.5'],'gateways':[{'host':'h1'}]}}",
          "/external external network \"a\" of router \"s\" is no provider "
          "network\n");
    apply(model, "put floating-ips f {'router':'r','ip':'10.7.0.1',"
          "'port':'pb'}",
          "/ip 10.7.0.1 of floating-ip \"f\" is the gateway of its subnet, "
          "which is outside\n"
          "/port port \"pb\" of floating-ip \"f\" is in no network of router "
          "\"r\"\n");
    apply(model, "put floating-ips f {'router':'r','ip':'10.7.0.9',"
          "'port':'pa'}",
          "/ip 10.7.0.9 of floating-ip \"f\" is used by router \"r\" of "
          "network \"out\"\n");
    apply(model, "put floating-ips f {'router':'r','ip':'10.7.0.20',"
          "'port':'pa'}", "");
    apply(model, "put floating-ips g {'router':'r','ip':'10.7.0.20',"
          "'port':'pa'}",
          "/ip 10.7.0.20 of floating-ip \"g\" is used by floating-ip \"f\" "
          "of network \"out\"\n"
          "/port port \"pa\" has floating-ip \"f\" already\n");
    apply(model, "put ports x {'network':'out','ips':['10.7.0.20']}",
          "/ips 10.7.0.20 is the address of floating-ip \"f\" in network "
          "\"out\"\n");

    /* What is beneath it cannot change. */
    apply(model, "put ports pa {'network':'b'}",
          "/network port \"pa\" of floating-ip \"f\" is in no network of "
          "router \"r\"\n");
    apply(model, "patch routers r {'external':null}",
          "/external router \"r\" of floating-ip \"f\" has no \"external\""
          "\n");
    apply(model, "patch networks out {'subnets':[{'cidr':'10.7.0.0/28',"
          "'gateway':'10.7.0.1'}]}",
          "/subnets 10.7.0.20 of floating-ip \"f\" is in no subnet of network "
          "\"out\"\n");
    apply(model, "delete floating-ips f\npatch routers r {'external':null}",
          "");
}

static void
balancer_has_one_floating_address(void **state)
{
    struct model *model = *state;

    apply(model, "put hosts h1 {'ovsdb':'inbound','tunnel_ip':'192.0.2.1'}\n"
          R "put loadbalancers la {'vip':'10.0.0.99','networks':['a'],"
          "'ports':[{'port':80}]}\n"
          "put loadbalancers lb {'vip':'10.0.1.99','networks':['b'],"
          "'ports':[{'port':80}]}", "");
    apply(model, "put floating-ips f {'router':'r','ip':'10.7.0.20',"
          "'load_balancer':'lb'}",
          "/load_balancer loadbalancer \"lb\" of floating-ip \"f\" is in no "
          "network of router \"r\"\n");
    apply(model, "put floating-ips f {'router':'r','ip':'10.7.0.20',"
          "'load_balancer':'la'}", "");
    apply(model, "put floating-ips g {'router':'r','ip':'10.7.0.21',"
          "'load_balancer':'la'}",
          "/load_balancer loadbalancer \"la\" has floating-ip \"f\" "
          "already\n");
    apply(model, "delete loadbalancers la",
          " loadbalancer \"la\" is referred to by floating-ip \"f\"\n");
}

#define OUT6 "put networks out {'provider':{'physical':'dc'},'subnets':["    \
    "{'cidr':'10.7.0.0/24','gateway':'10.7.0.1'},"                         \
    "{'cidr':'fd07::/64'%s}]}\n"
#define EXTERNAL6 "'external':{'network':'out','addresses':['10.7.0.9',"   \
    "'fd07::9'],'gateways':[{'host':'h1'}]%s}"

/* What is of a family needs an address of it on both sides. */
static void
external_addresses_are_of_both_families(void **state)
{
    struct model *model = *state;
    char *ways[] = {
        xasprintf(OUT6, ""), xasprintf(OUT6, ",'gateway':'fd07::1'"),
        xasprintf("put routers r {" EXTERNAL6 "}", ""),
        xasprintf("put routers r {'interfaces':[{'network':'a'}]," EXTERNAL6
                  "}", ",'forwards':[{'address':'fd07::9','protocol':'tcp',"
                  "'port':80,'to':'pa'}]"),
    };

    apply(model, "put hosts h1 {'ovsdb':'inbound','tunnel_ip':'192.0.2.1'}\n"
          R, "");
    apply(model, "patch networks a {'subnets':[{'cidr':'10.1.0.0/24',"
          "'gateway':'10.1.0.1'},{'cidr':'fd0a::/64','gateway':'fd0a::1'}]}\n"
          "put ports pa6 {'network':'a','ips':['10.1.0.66','fd0a::66']}\n"
          "put loadbalancers la {'vip':'10.1.0.99','networks':['a'],"
          "'ports':[{'port':80}]}", "");
    apply(model, "put floating-ips f {'router':'r','ip':'fd07::20',"
          "'port':'pa6'}",
          "/ip fd07::20 of floating-ip \"f\" is in no subnet of network "
          "\"out\"\n"
          "/ip router \"r\" of floating-ip \"f\" has no external address "
          "of IPv6\n");
    apply(model, ways[0], "");
    apply(model, ways[2], "/external external network \"out\" of router "
          "\"r\" has no subnet of IPv6 with a gateway\n");
    apply(model, ways[1], "");
    apply(model, ways[3], "/external port \"pa\" of a forward of router "
          "\"r\" has no address of IPv6\n");
    apply(model, "patch routers r {'external':{'network':'out','addresses':["
          "'10.7.0.9','fd07::9'],'gateways':[{'host':'h1'}]}}", "");
    apply(model, "patch networks out {'subnets':[{'cidr':'10.7.0.0/24',"
          "'gateway':'10.7.0.1'},{'cidr':'fd07::/64'}]}",
          "/subnets external network \"out\" of router \"r\" has no subnet "
          "of IPv6 with a gateway\n");

    apply(model, "put floating-ips f {'router':'r','ip':'fd07::1',"
          "'port':'pa'}",
          "/ip fd07::1 of floating-ip \"f\" is the gateway of its subnet, "
          "which is outside\n"
          "/port port \"pa\" of floating-ip \"f\" has no address of "
          "IPv6\n");
    apply(model, "put floating-ips f {'router':'r','ip':'fd07::20',"
          "'load_balancer':'la'}",
          "/load_balancer the virtual IP of loadbalancer \"la\" is of IPv4, "
          "and floating-ip \"f\" is not\n");
    apply(model, "put floating-ips f {'router':'r','ip':'fd07::9',"
          "'port':'pa6'}",
          "/ip fd07::9 of floating-ip \"f\" is used by router \"r\" of "
          "network \"out\"\n");

    /* One of each. */
    apply(model, "put floating-ips f {'router':'r','ip':'fd07::20',"
          "'port':'pa6'}\n"
          "put floating-ips g {'router':'r','ip':'10.7.0.20','port':'pa6'}",
          "");
    apply(model, "put floating-ips h {'router':'r','ip':'fd07::21',"
          "'port':'pa6'}",
          "/port port \"pa6\" has floating-ip \"f\" already\n");
    apply(model, "patch routers r {'external':{'network':'out','addresses':["
          "'10.7.0.9'],'gateways':[{'host':'h1'}]}}",
          "/external router \"r\" of floating-ip \"f\" has no external "
          "address of IPv6\n");
    apply(model, "patch ports pa6 {'ips':['10.1.0.66']}",
          "/network port \"pa6\" of floating-ip \"f\" has no address of "
          "IPv6\n");
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        free(ways[i]);
    }
}

static int
compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static void
check_changes(struct model *model, const char *expected)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct model_changes changes;
    char *lines[64];

    model_take_changes(model, &changes);
    assert_true(changes.n <= ARRAY_SIZE(lines));
    for (size_t i = 0; i < changes.n; i++) {
        const struct model_change *c = &changes.changes[i];

        lines[i] = (c->kind == MODEL_CHANGE_INDEX
                    ? xasprintf("i%d:%s", c->id, c->key)
                    : xasprintf("%s:%s%s", schema_tables[c->id].plural,
                                c->key, (c->kind == MODEL_CHANGE_LABELS
                                         ? ":labels" : "")));
    }
    qsort(lines, changes.n, sizeof *lines, compare_text);
    for (size_t i = 0; i < changes.n; i++) {
        ds_put_format(&ds, "%s\n", lines[i]);
        free(lines[i]);
    }
    assert_string_equal(ds_cstr(&ds), expected);
    ds_destroy(&ds);
    model_changes_uninit(&changes);
}

static void
changes_are_noted_once_and_exactly(void **state)
{
    struct model *model = *state;

    check_changes(model, "");
    apply(model, "patch ports p1 {'labels':{'role':'db','x':'y'}}", "");
    apply(model, "patch ports p1 {'description':'again'}", "");
    check_changes(model, "i3:role=db\ni3:role=web\ni3:x\ni3:x=y\n"
                  "ports:p1:labels\n");
    apply(model, "patch ports p1 {'enabled':false}", "");
    check_changes(model, "ports:p1\n");

    /* A refused request and one without effect note nothing. */
    apply(model, "put ports p1 {}", "/network is required\n");
    apply(model, "put networks m {'vni':77,'subnets':["
          "{'cidr':'10.0.0.0/24'}]}", "");
    check_changes(model, "");

    /* Undoing is a change, too. */
    model_undo(model);
    check_changes(model, "i3:role=db\ni3:role=web\ni3:x\ni3:x=y\n"
                  "ports:p1\nports:p1:labels\n");
}

static void
joining_a_set_is_no_change_of_the_row(void **state)
{
    struct model *model = *state;
    uint64_t revision;
    struct model_meta meta;
    char *errors = model_util_apply(model, "test", "shop",
                                    "put hosts h1 {'ovsdb':'inbound',"
                                    "'tunnel_ip':'192.0.2.1'}", &revision);

    assert_string_equal(errors, "");
    free(errors);
    check_changes(model, "");
    model_settle(model);
    model_get_durable(model, VMN_TABLE_HOST, "h1", &meta);
    assert_string_equal(meta.set, "shop");
    assert_int_equal(meta.revision, revision);
}

/* Durability.  ------------------------------------------------------------ */

static void
durable_state_follows_when_settled(void **state)
{
    struct model *model = *state;
    char *before = model_util_dump(model, true);
    uint64_t revision = model_revision(model);
    char *after;

    apply(model, "put groups a {}", "");
    apply(model, "patch groups a {'description':'b'}\n"
          "delete policies pol", "");
    assert_true(model_is_unsettled(model));
    assert_int_equal(model_revision(model), revision + 2);
    assert_int_equal(model_durable_revision(model), revision);
    assert_null(model_get_durable(model, VMN_TABLE_GROUP, "a", NULL));
    assert_non_null(model_get_durable(model, VMN_TABLE_POLICY, "pol",
                                      NULL));
    after = model_util_dump(model, true);
    assert_string_equal(before, after);
    free(after);

    model_undo(model);
    assert_false(model_is_unsettled(model));
    assert_int_equal(model_revision(model), revision);
    assert_null(model_get(model, VMN_TABLE_GROUP, "a"));
    assert_non_null(model_get(model, VMN_TABLE_POLICY, "pol"));
    after = model_util_dump(model, true);
    assert_string_equal(before, after);
    free(after);

    apply(model, "put groups a {}", "");
    model_settle(model);
    assert_int_equal(model_durable_revision(model), revision + 1);
    assert_non_null(model_get_durable(model, VMN_TABLE_GROUP, "a", NULL));
    free(before);
}

static void
pending_holds_what_is_to_be_stored(void **state)
{
    struct model *model = *state;
    struct model_pending pending;

    apply(model, "put groups a {}", "");
    apply(model, "put groups b {}\ndelete policies pol", "");
    apply(model, "delete groups a", "");        /* Never was stored. */
    apply(model, "put vifs h1/x {'host':'h1','iface_id':'x','iface':'t',"
          "'ofport':1}", "");
    model_get_pending(model, &pending);
    assert_int_equal(pending.n_writes, 2);
    assert_string_equal(pending.writes[0].name, "b");
    assert_int_equal(pending.writes[0].meta.revision, 4);
    assert_non_null(pending.writes[0].row);
    assert_string_equal(pending.writes[1].name, "pol");
    assert_null(pending.writes[1].row);
    assert_int_equal(pending.n_logs, 4);
    assert_string_equal(pending.logs[1].who, "test");
    assert_string_equal(pending.logs[1].summary,
                        "[{\"op\":\"create\",\"type\":\"groups\","
                        "\"name\":\"b\"},{\"op\":\"delete\","
                        "\"type\":\"policies\",\"name\":\"pol\"}]");
    assert_true(pending.logs[2].stored);
    assert_false(pending.logs[3].stored);

    model_settle(model);
    model_get_pending(model, &pending);
    assert_int_equal(pending.n_writes + pending.n_logs, 0);
}

/* The only pending write: 'name', and whether it was gone in between. */
static void
assert_pending(struct model *model, const char *name, bool anew)
{
    struct model_pending pending;

    assert_true(model_has_pending(model));
    model_get_pending(model, &pending);
    assert_int_equal(pending.n_writes, 1);
    assert_string_equal(pending.writes[0].name, name);
    assert_int_equal(pending.writes[0].anew, anew);
}

static void
pending_tells_what_was_made_anew(void **state)
{
    struct model *model = *state;

    assert_false(model_has_pending(model));
    apply(model, "put vifs h1/x {'host':'h1','iface_id':'x','iface':'t',"
          "'ofport':1}", "");
    assert_false(model_has_pending(model)); /* Not for the store. */

    apply(model, "delete policies pol", "");
    assert_pending(model, "pol", false);    /* It is gone. */
    apply(model, "put policies pol {'applies_to':['g']}", "");
    assert_pending(model, "pol", true);
    apply(model, "put policies pol {'applies_to':['g'],"
          "'description':'x'}", "");
    assert_pending(model, "pol", true);
    model_settle(model);

    apply(model, "put policies pol {'applies_to':['g']}", "");
    assert_pending(model, "pol", false);
    apply(model, "delete policies pol", "");
    apply(model, "put policies pol {'applies_to':['g']}", "");
    assert_pending(model, "pol", true);
    model_undo(model);
    assert_false(model_has_pending(model));
    apply(model, "put policies pol {'applies_to':['g'],'description':'y'}", "");
    assert_pending(model, "pol", false);
}

static void
log_names_a_thousand_changes_and_counts_the_rest(void **state)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct model_pending pending;
    json_t *changes;

    for (int i = 0; i < 1003; i++) {
        ds_put_format(&ds, "put groups many-%04d {}\n", i);
    }
    apply(*state, ds_cstr(&ds), "");
    ds_destroy(&ds);
    model_get_pending(*state, &pending);
    assert_int_equal(pending.n_logs, 1);
    changes = json_loads(pending.logs[0].summary, 0, NULL);
    assert_int_equal(json_array_size(changes), 1001);
    assert_string_equal(json_string_value(json_object_get(
                            json_array_get(changes, 999), "name")),
                        "many-0999");
    assert_int_equal(json_integer_value(json_object_get(
                         json_array_get(changes, 1000), "more")), 3);
    json_decref(changes);
}

static void
row_is_shown_with_its_metadata(void **state)
{
    struct model_meta meta;
    const struct vmn_row *row = model_get_durable(*state, VMN_TABLE_NETWORK,
                                                  "m", &meta);
    struct ds ds = DS_EMPTY_INITIALIZER;

    model_row_print(row, &meta, &ds);
    assert_string_equal(ds_cstr(&ds),
        "\"name\":\"m\",\"metadata\":{\"revision\":1,\"etag\":\"1\","
        "\"created\":\"1970-01-01T00:00:01.000Z\","
        "\"updated\":\"1970-01-01T00:00:01.000Z\"},"
        "\"spec\":{\"vni\":77,\"subnets\":[{\"cidr\":\"10.0.0.0/24\"}],"
        "\"default\":\"allow\"},\"status\":{\"vni\":77}");
    ds_destroy(&ds);
}

/* Copies the durable state into another model, as a store does. */
static int
copy_rows(struct model *from, struct model *to, struct vmn_errors *errors)
{
    for (int i = 0; i < VMN_TABLE_VIF; i++) {
        struct model_meta meta;
        const struct vmn_row *row;
        const char *after = "";

        while ((row = model_next_durable(from, i, after, &meta)) != NULL) {
            json_t *spec = schema_row_spec(row);
            json_t *status = schema_row_status(row);

            model_load_row(to, i, row->name, spec, status, &meta, errors);
            json_decref(spec);
            json_decref(status);
            after = row->name;
        }
    }
    return model_load_done(to, model_durable_revision(from), errors);
}

static void
loaded_model_is_the_same(void **state)
{
    struct model *model = *state;
    struct model *copy = model_create();
    struct vmn_errors errors;

    vmn_errors_init(&errors);
    numbers_load(model_numbers(copy), "vni", "n", get_vni(model, "n"));
    numbers_load(model_numbers(copy), "vni", "m=77", 77);
    assert_int_equal(copy_rows(model, copy, &errors), 0);

    char *a = model_util_dump(model, true);
    char *b = model_util_dump(copy, true);
    assert_string_equal(a, b);
    free(a);
    free(b);
    assert_int_equal(model_revision(copy), model_revision(model));
    check_index(copy, VMN_INDEX_PORT_BY_LABEL, "role=web", "p1");
    check_changes(copy, "");

    /* The next address is the same in both. */
    apply(model, "put ports a {'network':'n'}", "");
    apply(copy, "put ports a {'network':'n'}", "");
    check_ip(model, "a", "10.0.0.3");
    check_ip(copy, "a", "10.0.0.3");
    model_destroy(copy);
}

static void
damaged_rows_are_not_loaded(void **state)
{
    struct model *copy = model_create();
    struct vmn_errors errors;

    vmn_errors_init(&errors);
    assert_int_equal(copy_rows(*state, copy, &errors), EINVAL);
    assert_string_equal(errors.errors[0].pointer, "/networks/m");
    assert_string_equal(errors.errors[0].text,
                        "its VNI is not in the table of numbers");
    vmn_errors_uninit(&errors);
    model_destroy(copy);
}

/* What no port may have, but a virtual IP: where there is no subnet, or only the
 * one that has it in the middle, or of two addresses, or of IPv6 the last. */
static void
virtual_ips_may_end_like_those_of_subnets(void **state)
{
    apply(*state, "put networks x {'subnets':[{'cidr':'10.6.0.0/31'},"
          "{'cidr':'fd00::/64'},{'cidr':'10.7.0.0/16'}]}\n"
          "put loadbalancers a " LB_AT("10.6.0.0", "'x'") "\n"
          "put loadbalancers b " LB_AT("10.6.0.1", "'x'") "\n"
          "put loadbalancers c " LB_AT("fd00::ffff:ffff:ffff:ffff", "'x'") "\n"
          "put loadbalancers d " LB_AT("10.7.1.0", "'x'") "\n"
          "put loadbalancers e " LB_AT("10.9.0.255", "'x'") "\n"
          "put loadbalancers f " LB_AT("126.255.255.255", "'x'") "\n"
          "put loadbalancers g " LB_AT("128.0.0.0", "'x'"), "");
}

/* What subnets become must leave virtual IPs in their middle. */
static void
subnets_may_not_end_at_virtual_ips(void **state)
{
    struct model *model = *state;

    apply(model, "put loadbalancers x " LB_AT("10.0.0.127", "'n'") "\n"
          "put loadbalancers y " LB_AT("10.8.0.0", "'n'"), "");
    apply(model, "patch networks n {'subnets':[{'cidr':'10.0.0.0/25'},"
          "{'cidr':'10.8.0.0/24'}]}",
          "/subnets 10.0.0.127 of loadbalancer \"x\" is the first or last "
          "address of its subnet in network \"n\"\n"
          "/subnets 10.8.0.0 of loadbalancer \"y\" is the first or last "
          "address of its subnet in network \"n\"\n");

    /* Where both change in one request, the balancer is told. */
    apply(model, "patch networks n {'subnets':[{'cidr':'10.0.0.0/25'}]}\n"
          "patch loadbalancers x {'description':'x'}",
          "/1/vip 10.0.0.127 of loadbalancer \"x\" is the first or last "
          "address of its subnet in network \"n\"\n");
    apply(model, "patch networks n {'subnets':[{'cidr':'10.0.0.0/25'}]}\n"
          "patch loadbalancers x {'vip':'10.0.0.126'}", "");
}

static void
load_lb(struct model *model, const char *name, const char *spec)
{
    char *text = xasprintf("%s", spec);
    struct model_meta meta = { .revision = 1 };
    struct vmn_errors errors;
    json_t *json;

    for (char *p = text; *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    vmn_errors_init(&errors);
    json = json_loads(text, 0, NULL);
    assert_non_null(json);
    assert_int_equal(model_load_row(model, VMN_TABLE_LOADBALANCER, name, json,
                                    NULL, &meta, &errors), 0);
    json_decref(json);
    free(text);
}

/* They were not refused once: they are loaded, and hinder nobody who does not
 * change them. */
static void
stored_virtual_ips_that_nobody_reaches_stay(void **state)
{
    struct model *model = model_create();
    struct vmn_errors errors;

    vmn_errors_init(&errors);
    numbers_load(model_numbers(model), "vni", "n", get_vni(*state, "n"));
    numbers_load(model_numbers(model), "vni", "m=77", 77);
    load_lb(model, "x", "{'vip':'127.0.0.1','networks':['n'],"
            "'ports':[{'port':80}],'backends':[{'port':'p1'}]}");
    load_lb(model, "y", "{'vip':'10.0.0.255','networks':['n'],"
            "'ports':[{'port':80}],'backends':[{'port':'p1'}]}");
    assert_int_equal(copy_rows(*state, model, &errors), 0);

    apply(model, "patch loadbalancers x {'description':'x'}\n"
          "patch loadbalancers y {'description':'y'}", "");
    apply(model, "cascade ports p1", "");
    apply(model, "patch networks n {'subnets':[{'cidr':'10.0.0.0/24',"
          "'gateway':'10.0.0.1'},{'cidr':'10.8.0.0/24'}]}", "");
    apply(model, "patch loadbalancers y {'networks':['n','m']}",
          "/vip 10.0.0.255 of loadbalancer \"y\" is the first or last "
          "address of its subnet in network \"m\"\n");
    apply(model, "patch loadbalancers x {'vip':'127.0.0.2'}",
          "/vip must not be a loopback address: 127.0.0.2\n");
    apply(model, "patch loadbalancers y {'vip':'10.0.0.0'}",
          "/vip 10.0.0.0 of loadbalancer \"y\" is the first or last address "
          "of its subnet in network \"n\"\n");
    apply(model, "patch loadbalancers x {'vip':'10.0.0.254'}\n"
          "patch loadbalancers y {'vip':'10.8.0.9'}", "");
    model_destroy(model);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bad_requests_change_nothing),
        TEST(order_inside_a_request_does_not_matter),
        TEST(same_request_again_changes_nothing),
        TEST(outcomes_and_revisions_are_reported),
        TEST(given_values_stay),
        TEST(address_is_used_again_late),
        TEST(address_given_in_vain_comes_next),
        TEST(given_addresses_avoid_what_is_taken),
        TEST(pools_say_what_is_given_out),
        TEST(pools_of_ipv6_may_be_far_away),
        TEST(ipv6_addresses_are_given_out_one_of_each_subnet),
        TEST(addresses_may_follow_from_macs),
        TEST(vni_of_a_network_can_change),
        TEST(refused_request_leaves_no_number_behind),
        TEST(cascade_of_a_network_takes_its_ports),
        TEST(cascade_of_a_port_keeps_what_lists_it),
        TEST(cascade_of_a_peer_keeps_the_policy_and_its_isolation),
        TEST(cascade_of_a_service_keeps_the_policy),
        TEST(groups_are_put_into_groups_in_the_middle_too),
        TEST(priorities_differ_in_all_tiers_but_application),
        TEST(cascade_of_a_tier_takes_its_policies_along),
        TEST(tiers_that_are_built_in_stay_as_they_are),
        TEST(cascade_of_a_host_unpins_its_ports),
        TEST(cascade_that_meets_a_plain_deletion_is_refused),
        TEST(cascade_keeps_the_set_of_what_it_changes),
        TEST(observed_rows_never_block),
        TEST(prune_deletes_what_the_set_no_longer_names),
        TEST(users_change_only_enabled_of_apps),
        TEST(indexes_follow_rows),
        TEST(networks_of_routers_keep_what_routers_need),
        TEST(routers_are_given_a_mac_and_keep_it),
        TEST(external_addresses_are_had_once),
        TEST(virtual_ips_may_end_like_those_of_subnets),
        TEST(subnets_may_not_end_at_virtual_ips),
        TEST(stored_virtual_ips_that_nobody_reaches_stay),
        TEST(external_addresses_are_of_both_families),
        TEST(balancer_has_one_floating_address),
        TEST(balancers_have_so_many_different_limits),
        TEST(changes_are_noted_once_and_exactly),
        TEST(joining_a_set_is_no_change_of_the_row),
        TEST(durable_state_follows_when_settled),
        TEST(pending_holds_what_is_to_be_stored),
        TEST(pending_tells_what_was_made_anew),
        TEST(log_names_a_thousand_changes_and_counts_the_rest),
        TEST(row_is_shown_with_its_metadata),
        TEST(loaded_model_is_the_same),
        TEST(damaged_rows_are_not_loaded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
