/* SPDX-License-Identifier: Apache-2.0
 *
 * The model: what requests are refused for. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "controller/model/model.h"
#include "tests/unit/model-fixture.h"
#include "util.h"

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
    /* What can never decide. */
    { "put policies x {'applies_to':['g'],'tier':'security',"
      "'directions':['ingress']}",
      "/rules is required: a policy without rules outside of tier application "
      "decides nothing\n" },
    { "put policies x {'applies_to':['g'],'tier':'baseline'}",
      "/rules is required: a policy without rules outside of tier application "
      "decides nothing\n" },
    { "put policies x {'applies_to':['g'],'tier':'security','directions':"
      "['ingress','egress'],'rules':[{'direction':'egress',"
      "'action':'deny'}]}",
      "/directions must not have \"ingress\", for which there is no rule: "
      "outside of tier application nothing is denied but by a rule\n" },
    { "put policies x {'applies_to':['g'],'directions':[]}",
      "/rules is required: a policy without rules and without \"directions\" "
      "decides nothing\n" },
    { "put groups x {'cidrs':['10.0.0.0/8']}\n"
      "put policies x {'applies_to':['x']}",
      "/1/applies_to must have a group with ports: \"x\" has only "
      "\"cidrs\"\n" },
    { "put policies x {'applies_to':['g'],'rules':[{'direction':'ingress',"
      "'action':'deny','peers':[{'cidr':'fd00::/8'}],"
      "'services':[{'protocol':'icmp'}]}]}",
      "/rules/0/services can never match: they are of IPv4, and all \"peers\" "
      "are of IPv6\n" },
    { "put services x {'entries':[{'protocol':'icmpv6'}]}\n"
      "put quarantines x {'ports':['p1'],'allow':[{'direction':'ingress',"
      "'peers':[{'cidr':'10.0.0.0/8'},{'cidr':'172.16.0.0/12'}],"
      "'services':[{'service':'x'}]}]}",
      "/1/allow/0/services can never match: they are of IPv6, and all "
      "\"peers\" are of IPv4\n" },
    { "put quarantines x {'allow':[{'direction':'ingress'}]}",
      "/selector is required where there are no \"ports\": a quarantine "
      "without both cuts off nothing\n" },
    { "put quarantines x {'selector':'a=1,a=2'}",
      "/selector can never select anything: no object meets all that it says "
      "of label \"a\"\n" },
    { "put groups x {'selector':'b,a in (1,2),a notin (1,2,3)'}",
      "/selector can never select anything: no object meets all that it says "
      "of label \"a\"\n" },
    { "put groups x {'selector':'a,!a'}",
      "/selector can never select anything: no object meets all that it says "
      "of label \"a\"\n" },
    { "put accounts x {'role':'operator','scope':'a=1,!a'}",
      "/scope can never select anything: no object meets all that it says of "
      "label \"a\"\n" },
    { "put hosts x {'ovsdb':'inbound','tunnel_ip':'192.0.2.77',"
      "'port_selector':'a=1,a!=1'}",
      "/port_selector can never select anything: no object meets all that it "
      "says of label \"a\"\n" },
    { "put groups x {'cidrs':['10.1.0.0/16','10.2.0.0/16'],"
      "'except':['10.1.0.0/16','10.2.0.0/16']}",
      "/except must not exclude all of \"cidrs\"\n" },
    { "put groups x {'cidrs':['10.1.0.0/16'],"
      "'except':['10.1.0.0/17','10.1.128.0/17']}",
      "/except must not exclude all of \"cidrs\"\n" },
    { "put networks x {'subnets':[{'cidr':'10.0.0.0/24','dhcp_options':"
      "{'dns':['10.0.0.2']}}]}",
      "/subnets has \"dhcp_options\" of 10.0.0.0/24 that are never sent: its "
      "\"dhcp\" is false\n" },
    { "put networks x {'subnets':[{'cidr':'fd01::/64','dhcp':true,"
      "'dhcp_options':{'boot_server':'10.0.0.2'}}]}",
      "/subnets has \"dhcp_options\" of fd01::/64 that are never sent: "
      "\"boot_server\" is only for IPv4\n" },
    { "put accounts x {'role':'viewer'}\n"
      "put tokens x {'account':'x','expires':'1970-01-01T00:00:01Z','sha256':"
      "'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'}",
      "/1/expires must be in the future: such a token is never accepted\n" },
    /* Groups in groups. */
    { "put groups x {'groups':['zz']}",
      "/groups/0 group \"zz\" does not exist\n" },
    { "put groups x {'groups':['x']}",
      "/groups must not form a cycle: x, which has x\n" },
    { "put groups x {'groups':['y']}\nput groups y {'groups':['g','z']}\n"
      "put groups z {'groups':['x']}",
      "/0/groups must not form a cycle: x, which has y, which has z, which "
      "has x\n" },
    { "put groups x {'groups':['y']}\nput groups y {'groups':['z']}\n"
      "put groups z {'groups':['y']}",
      "/0/groups must not form a cycle: y, which has z, which has y\n" },
    { "put groups a {'groups':['b']}\nput groups b {'groups':['c']}\n"
      "put groups c {'groups':['d']}\nput groups d {'groups':['e']}\n"
      "put groups e {'groups':['f']}\nput groups f {'groups':['h']}\n"
      "put groups h {'groups':['i']}\nput groups i {'groups':['g']}",
      "/0/groups must not nest more than 8 groups: with "
      "these there are 9\n"
      "/1/groups must not nest more than 8 groups: with "
      "these there are 9\n"
      "/2/groups must not nest more than 8 groups: with "
      "these there are 9\n"
      "/3/groups must not nest more than 8 groups: with "
      "these there are 9\n"
      "/4/groups must not nest more than 8 groups: with "
      "these there are 9\n"
      "/5/groups must not nest more than 8 groups: with "
      "these there are 9\n"
      "/6/groups must not nest more than 8 groups: with "
      "these there are 9\n"
      "/7/groups must not nest more than 8 groups: with "
      "these there are 9\n" },
    /* Priorities. */
    { "put policies x {'applies_to':['g'],'tier':'security','rules':["
      "{'direction':'ingress','action':'deny'}]}\n"
      "put policies y {'applies_to':['g'],'tier':'security','rules':["
      "{'direction':'ingress','action':'deny'}],'priority':500}",
      "/0/priority 500 is that of policy \"y\" in tier \"security\": the "
      "order of the two must be explicit\n/1/priority 500 is that of policy "
      "\"x\" in tier \"security\": the order of the two must be explicit\n" },
    { "delete tiers security", " tier \"security\" is built in\n" },
    { "cascade tiers security", " tier \"security\" is built in\n" },
    { "put tiers security {'position':6}",
      " tier \"security\" is built in, and cannot be changed\n" },
    { "patch tiers security {'description':'x'}",
      " tier \"security\" is built in, and cannot be changed\n" },
    /* What ports are allowed beside their own addresses. */
    { "patch ports p1 {'allowed_addresses':[{'ip':'10.0.0.9'}]}",
      "/allowed_addresses/0/ip 10.0.0.9 is that of port \"p2\" in the same "
      "network: only what nobody else has may be allowed\n" },
    { "patch ports p1 {'allowed_addresses':[{'ip':'fe80::ff:fe00:9'}]}",
      "/allowed_addresses/0/ip 02:00:00:00:00:09 is that of port \"p2\" in "
      "the same network: only what nobody else has may be allowed\n" },
    { "patch ports p1 {'allowed_addresses':[{'ip':'10.0.0.77',"
      "'mac':'02:00:00:00:00:09'}]}",
      "/allowed_addresses/0/mac 02:00:00:00:00:09 is that of port \"p2\" in "
      "the same network: only what nobody else has may be allowed\n" },
    { "patch ports p1 {'allowed_addresses':[{'ip':'169.254.0.53'}]}",
      "/allowed_addresses/0/ip 169.254.0.53 is the address of a server of VMN's "
      "own\n" },
    { "put loadbalancers lb {'vip':'10.0.0.77','networks':['n'],"
      "'protocol':'tcp','ports':[{'port':80}],'backends':[{'port':'p1'}]}\n"
      "patch ports p1 {'allowed_addresses':[{'ip':'10.0.0.77'}]}",
      "/0/vip 10.0.0.77 is in \"allowed_addresses\" of port \"p1\" in the "
      "same network\n"
      "/1/allowed_addresses/0/ip 10.0.0.77 is that of loadbalancer \"lb\" in "
      "the same network: only what nobody else has may be allowed\n" },
    { "patch ports p1 {'allowed_addresses':[{'ip':'10.0.0.77',"
      "'mac':'00:00:5e:00:01:07'}]}\n"
      "put ports p3 {'network':'n','ips':['10.0.0.77'],"
      "'mac':'00:00:5e:00:01:07'}",
      "/0/allowed_addresses/0/ip 10.0.0.77 is that of port \"p3\" in the same "
      "network: only what nobody else has may be allowed\n"
      "/0/allowed_addresses/0/mac 00:00:5e:00:01:07 is that of port \"p3\" in "
      "the same network: only what nobody else has may be allowed\n"
      "/1/ips 10.0.0.77 is in \"allowed_addresses\" of port \"p1\" in the "
      "same network\n"
      "/1/mac 00:00:5e:00:01:07 is in \"allowed_addresses\" of port \"p1\" "
      "in the same network\n" },
    /* Referrers. */
    { "delete networks n",
      " network \"n\" is referenced by port \"p1\"\n"
      " network \"n\" is referenced by port \"p2\"\n" },
    { "delete ports p2", " port \"p2\" is referenced by group \"g\"\n" },
    { "delete groups g",
      " group \"g\" is referenced by policy \"pol\"\n" },
    { "delete networks n\nput ports p3 {'network':'n'}",
      "/0 network \"n\" is referenced by port \"p1\"\n"
      "/0 network \"n\" is referenced by port \"p2\"\n"
      "/0 network \"n\" is referenced by port \"p3\"\n"
      "/1/network network \"n\" does not exist\n" },
    { "cascade networks n\nput ports p3 {'network':'n'}",
      "/0 network \"n\" is referenced by port \"p3\"\n"
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
    { "put hosts h3 {'ovsdb':'unix:/a','tunnel_ip':'192.0.2.3'}\n"
      "put hosts h4 {'ovsdb':'unix:/a','tunnel_ip':'192.0.2.4'}",
      "/0/ovsdb unix:/a is that of host \"h4\"\n"
      "/1/ovsdb unix:/a is that of host \"h3\"\n" },
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
    /* Isolation is the network's to offer. */
    { "put networks x {'isolation':'isolated'}\n"
      "put ports y {'network':'x','isolation':'promiscuous'}\n"
      "put ports z {'network':'n','isolation':'isolated'}",
      "/2/isolation is only for ports of networks with \"isolation\", and "
      "\"n\" has none\n" },
    /* On a physical network guests behind a port are seen by nobody. */
    { "put networks x {'isolation':'isolated','provider':{'physical':'a'}}\n"
      "put ports y {'network':'x','unknown':true}\n"
      "put ports z {'network':'x','unknown':true,'isolation':'promiscuous'}",
      "/1/isolation must be \"promiscuous\" with \"unknown\" in provider "
      "network \"x\": other hosts do not know who is behind a port\n" },
    { "put networks x {'isolation':'promiscuous','provider':{'physical':'a'}}"
      "\nput ports y {'network':'x','unknown':true}\n"
      "put ports z {'network':'x','unknown':true,'isolation':'community',"
      "'community':'c'}",
      "/2/isolation must be \"promiscuous\" with \"unknown\" in provider "
      "network \"x\": other hosts do not know who is behind a port\n" },
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
      "/1/vlan 5 is used by port \"z\", of the same parent\n"
      "/2/vlan 5 is used by port \"y\", of the same parent\n" },
    { "put ports x {'network':'n'}\n"
      "put ports y {'network':'n','parent':'x','vlan':5}\n"
      "put ports z {'network':'n','parent':'y','vlan':5}",
      "/1/parent port \"z\" is a sub-port of this one\n"
      "/2/parent \"y\" is a sub-port itself, of port \"x\"\n" },
    { "put networks x {'vni':77}",
      "/vni VNI 77 is that of network \"m\"\n" },
    { "put networks x {'vni':78}\nput networks y {'vni':78}",
      "/1/vni VNI 78 is that of network \"x\"\n" },
    { "put ports x {'network':'n','ips':['10.0.0.9']}",
      "/ips 10.0.0.9 is used by port \"p2\" in the same network\n" },
    { "put ports x {'network':'n','mac':'02:00:00:00:00:09'}",
      "/mac 02:00:00:00:00:09 is used by port \"p2\" in the same "
      "network\n" },
    { "put ports x {'network':'n','iface_id':'p1'}",
      "/iface_id \"p1\" is used by port \"p1\"\n" },
    { "put ports x {'network':'n','ips':['10.0.0.40']}\n"
      "put ports y {'network':'n','ips':['10.0.0.40']}",
      "/0/ips 10.0.0.40 is used by port \"y\" in the same network\n"
      "/1/ips 10.0.0.40 is used by port \"x\" in the same network\n" },
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
      "/1/ips fd00::a is used by port \"y\" in the same network\n"
      "/2/ips fd00::a is used by port \"x\" in the same network\n" },
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
      "/vip 10.0.0.9 is used by port \"p2\" in network \"n\"\n" },
    { "put loadbalancers x {'vip':'10.0.0.1','networks':['n'],"
      "'ports':[{'port':80}]}",
      "/vip the virtual IP of loadbalancer \"x\" is the gateway of network "
      "\"n\"\n" },
    /* VMN's own. */
    { "put loadbalancers a " LB_AT("169.254.0.53", "'n'") "\n"
      "put loadbalancers b " LB_AT("169.254.0.67", "'n'") "\n"
      "put loadbalancers c " LB_AT("169.254.0.7", "'n'") "\n"
      "put loadbalancers d " LB_AT("169.254.169.254", "'n'") "\n"
      "put loadbalancers e " LB_AT("fe80::a9fe:a9fe", "'n'") "\n"
      "put loadbalancers f " LB_AT("fe80::c56:4dff:fe00:35", "'n'"),
      "/0/vip 169.254.0.53 is the address of a server of VMN's own\n"
      "/1/vip 169.254.0.67 is the address of a server of VMN's own\n"
      "/2/vip 169.254.0.7 is the address of a server of VMN's own\n"
      "/3/vip 169.254.169.254 is the address of a server of VMN's own\n"
      "/4/vip fe80::a9fe:a9fe is the address of a server of VMN's own\n"
      "/5/vip fe80::c56:4dff:fe00:35 is the address of a server of VMN's "
      "own\n" },
    { "put networks x {'subnets':[{'cidr':'169.254.0.0/16',"
      "'gateway':'169.254.0.53','reservations':[{'ip':'169.254.0.67',"
      "'port':'q'}]}]}",
      "/subnets/0/gateway 169.254.0.53 is the address of a server of VMN's "
      "own\n"
      "/subnets/0/reservations/0/ip 169.254.0.67 is the address of a server "
      "of VMN's own\n" },
    { "put networks x {'subnets':[{'cidr':'169.254.0.0/16'}]}\n"
      "put ports p9 {'network':'x','ips':['169.254.169.254']}",
      "/1/ips/0 169.254.169.254 is the address of a server of VMN's own\n" },
    /* Of a router that joins its network to the outside. */
    { "put networks x {'subnets':[{'cidr':'10.7.0.0/24',"
      "'gateway':'10.7.0.1'}]}\n"
      "put networks y {'subnets':[{'cidr':'198.51.100.0/24',"
      "'gateway':'198.51.100.1'}],'provider':{'physical':'p'}}\n"
      "put routers s {'interfaces':[{'network':'x'}],'external':{"
      "'network':'y','addresses':['198.51.100.2'],"
      "'gateways':[{'host':'h1'}]}}\n"
      "put loadbalancers x " LB_AT("198.51.100.2", "'x'"),
      "/3/vip 198.51.100.2 is the address of router \"s\" in network "
      "\"y\"\n" },
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
      "/ports must not overlap: port 12 appears twice\n" },
    { "put ports b {'network':'n'}\n"
      "put loadbalancers x " LB(",'backends':[{'port':'b','weight':0}]"),
      "/1/backends must have a weight above 0, at least one of them\n" },
    { "put loadbalancers x " LB(",'fallback':'x'"),
      "/fallback must be another balancer\n" },
    { "put loadbalancers x " LB(",'fallback':'y'") "\n"
      "put loadbalancers y {'vip':'10.0.0.101','networks':['n'],'ports':"
      "[{'port':80}],'fallback':'x'}",
      "/0/fallback must not form a chain of more than 4, nor a cycle\n"
      "/1/fallback must not form a chain of more than 4, nor a cycle\n" },
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
      "/0/vip 10.0.0.100 is used by port \"x\" in network \"n\"\n"
      "/1/ips 10.0.0.100 is the virtual IP of loadbalancer \"x\"\n" },
    { "put ports x {'network':'m'}\n"
      "put loadbalancers x " LB(",'backends':[{'port':'x'}]"),
      "/1/backends port \"x\" is a backend of loadbalancer \"x\", which is "
      "not offered in network \"m\"\n" },
    /* Routers. */
    /* Behind routers a virtual IP is everybody's. */
    { NETWORK_A NETWORK_B
      "put routers r {'interfaces':[{'network':'a'},{'network':'b'}]}\n"
      "put loadbalancers x {'vip':'10.2.0.9','networks':['a'],'ports':"
      "[{'port':80}]}",
      "/3/vip 10.2.0.9, the virtual IP of loadbalancer \"x\", is an address "
      "of network \"b\", which routers join to its own: it must be offered "
      "there, too\n" },
    { NETWORK_A NETWORK_B
      "put routers r {'interfaces':[{'network':'a'},{'network':'b'}]}\n"
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
    { NETWORK_A "put routers r {'interfaces':[{'network':'a','addresses':"
      "['10.1.0.0','10.2.0.1','fd02::1']}]}",
      "/1/interfaces 10.1.0.0 of router \"r\" is the first or last address of "
      "its subnet\n"
      "/1/interfaces 10.2.0.1 of router \"r\" is in no subnet of network "
      "\"a\"\n"
      "/1/interfaces fd02::1 of router \"r\" is in no subnet of network "
      "\"a\"\n" },
    { "put routers r {'interfaces':[{'network':'n','addresses':"
      "['10.0.0.9']}]}",
      "/interfaces 10.0.0.9 of router \"r\" is used by port \"p2\" in network "
      "\"n\"\n" },
    { "put routers r {'interfaces':[{'network':'n'}]}\n"
      "put ports x {'network':'n','ips':['10.0.0.1']}",
      "/0/interfaces 10.0.0.1 of router \"r\" is used by port \"x\" in "
      "network \"n\"\n"
      "/1/ips 10.0.0.1 is the address of router \"r\" in network \"n\"\n" },
    { "put routers r {'interfaces':[{'network':'n','addresses':"
      "['10.0.0.100']}]}\nput loadbalancers x " LB(""),
      "/0/interfaces 10.0.0.100 of router \"r\" is used by loadbalancer \"x\" "
      "in network \"n\"\n"
      "/1/vip 10.0.0.100 is the address of router \"r\" in network \"n\"\n" },
    { NETWORK_A "put routers r {'interfaces':[{'network':'a'}]}\n"
      "put routers s {'interfaces':[{'network':'a'}]}",
      "/1/interfaces 10.1.0.1 of router \"r\" is used by router \"s\" in "
      "network \"a\"\n"
      "/2/interfaces 10.1.0.1 of router \"s\" is used by router \"r\" in "
      "network \"a\"\n" },
    { "put routers r {'mac':'02:00:00:00:00:09',"
      "'interfaces':[{'network':'n'}]}",
      "/mac 02:00:00:00:00:09 is that of port \"p2\" in network \"n\"\n" },
    { NETWORK_A "put routers r {'mac':'02:00:00:00:00:0a',"
      "'interfaces':[{'network':'a'}]}\n"
      "put routers s {'mac':'02:00:00:00:00:0a',"
      "'interfaces':[{'network':'a','addresses':['10.1.0.2']}]}\n"
      "put ports x {'network':'a','mac':'02:00:00:00:00:0a'}",
      "/1/mac 02:00:00:00:00:0a is that of port \"x\" in network \"a\"\n"
      "/1/mac 02:00:00:00:00:0a is that of router \"s\" in network \"a\"\n"
      "/2/mac 02:00:00:00:00:0a is that of port \"x\" in network \"a\"\n"
      "/2/mac 02:00:00:00:00:0a is that of router \"r\" in network \"a\"\n"
      "/3/mac 02:00:00:00:00:0a is that of router \"r\"\n" },
    { NETWORK_A NETWORK_B
      "put routers r {'interfaces':[{'network':'a'},{'network':'b'}],"
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
    { NETWORK_A "put networks c {'subnets':[{'cidr':'10.0.0.0/15',"
      "'gateway':'10.1.0.9'}]}\n"
      "put routers r {'interfaces':[{'network':'a'},{'network':'c'}]}",
      "/2/interfaces routers join network \"c\" and network \"a\", "
      "whose subnets "
      "10.0.0.0/15 and 10.1.0.0/24 overlap\n" },
    { NETWORK_A NETWORK_B "put networks c {'subnets':[{'cidr':'10.3.0.0/24',"
      "'gateway':'10.3.0.1'},{'cidr':'fd02::/48'}]}\n"
      "put routers r {'interfaces':[{'network':'a'},{'network':'b'}]}\n"
      "put routers s {'interfaces':[{'network':'a','addresses':['10.1.0.2']},"
      "{'network':'c'}]}",
      "/3/interfaces routers join network \"c\" and network \"b\", "
      "whose subnets "
      "fd02::/48 and fd02::/64 overlap\n" },
    /* Apps. */
    { "put apps firewall {}", " app \"firewall\" does not exist\n" },
    { "delete apps overlay",
      " apps come and go with the configuration of vmnd; disable it "
      "instead\n" },
    { "put apps overlay {'description':'mine'}",
      " only \"enabled\" and \"max_memory_mib\" of an app can be "
      "changed\n" },
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

/* Of a port that migrates: what is impossible from now on, and not what is too
 * early or too late, which a manifest may say once more. */
static void
hosts_of_a_port_that_migrates_are_two(void **state)
{
    struct model *model = *state;

    for (int i = 7; i < 10; i++) {
        char *host = xasprintf("put hosts h%d {'ovsdb':'tcp:127.0.0.%d:6640',"
                               "'tunnel_ip':'192.0.2.7%d'}", i, i, i);

        apply(model, host, "");
        free(host);
    }
    apply(model, "put ports m {'network':'n','migration':{'to':'h8'}}", "");
    apply(model, "put ports m {'network':'n','host':'h7'}\n"
          "put bindings m {'host':'h7'}", "");
    apply(model, "patch ports m {'migration':{'to':'h7'}}", "");
    apply(model, "patch ports m {'migration':{'to':'h8'}}",
          "/migration/to it migrates to \"h7\": first cancel that, or finish "
          "it\n");
    apply(model, "patch ports m {'migration':null}", "");
    apply(model, "patch ports m {'migration':{'to':'h8'}}", "");
    apply(model, "patch ports m {'host':'h9'}",
          "/host it migrates from \"h7\" to \"h8\": first cancel that, or "
          "finish it\n");
    apply(model, "patch ports m {'host':null,'hosts':['h8','h9']}",
          "/hosts it migrates from \"h7\" to \"h8\": first cancel that, or "
          "finish it\n");
    apply(model, "patch ports m {'host':null}", "");
    apply(model, "patch ports m {'host':'h8'}", "");
    apply(model, "patch ports m {'host':'h7'}", "");
    apply(model, "patch ports m {'host':'h9','migration':null}", "");
}

static void
put_tunnel_ip(struct model *model, const char *ip, const char *errors)
{
    bool v6 = strchr(ip, ':') != NULL;
    char *request = xasprintf("put hosts h3 {'ovsdb':'inbound','tunnel_ip':"
                              "'%s','second_tunnel_ip':'%s'}", ip,
                              v6 ? "192.0.2.3" : "fd99::3");

    apply(model, request, errors);
    free(request);
}

/* Benches have many switches on one machine, at addresses of its own. */
static void
tunnel_addresses_are_those_of_one_host(void **state)
{
    static const char *const none[] = {
        "0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.255", "240.0.0.1",
        "255.255.255.255", "::", "::1", "ff02::1", "ff0e::1",
        "::ffff:192.0.2.9",
    };
    static const char *const link_local[] = { "fe80::1", "febf:ffff::1" };
    static const char *const right[] = {
        "127.0.1.1", "169.254.1.1", "223.255.255.1", "fec0::1", "fe7f::1",
        "fd00::1", "2001:db8::1",
    };

    for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
        put_tunnel_ip(*state, none[i],
                      "/tunnel_ip must be a unicast address\n");
    }
    for (size_t i = 0; i < ARRAY_SIZE(link_local); i++) {
        char *error = xasprintf("/tunnel_ip must not be link-local: %s\n",
                                link_local[i]);

        put_tunnel_ip(*state, link_local[i], error);
        free(error);
    }
    for (size_t i = 0; i < ARRAY_SIZE(right); i++) {
        put_tunnel_ip(*state, right[i], "");
    }
}

/* A network's change is refused for ports that stay as they are. */
static void
isolation_of_a_network_suits_its_ports(void **state)
{
    struct model *model = *state;
    const char *behind = "port \"y\" has \"unknown\", and would be isolated "
                         "in a provider network: other hosts do not know who "
                         "is behind a port\n";
    char *refused;

    apply(model, "put networks x {'provider':{'physical':'a'}}\n"
          "put ports y {'network':'x','unknown':true}", "");
    refused = xasprintf("/isolation %s", behind);
    apply(model, "patch networks x {'isolation':'isolated'}", refused);
    free(refused);
    apply(model, "patch networks x {'isolation':'isolated'}\n"
          "patch ports y {'unknown':false}", "");
    apply(model, "patch ports y {'unknown':true}",
          "/isolation must be \"promiscuous\" with \"unknown\" in provider "
          "network \"x\": other hosts do not know who is behind a port\n");
    apply(model, "patch networks x {'provider':null}", "");
    apply(model, "patch ports y {'unknown':true}", "");
    refused = xasprintf("/provider %s", behind);
    apply(model, "patch networks x {'provider':{'physical':'a'}}", refused);
    free(refused);
    apply(model, "patch networks x {'isolation':null,"
          "'provider':{'physical':'a'}}", "");
    apply(model, "patch networks x {'isolation':'promiscuous'}", "");
    apply(model, "patch ports y {'isolation':'promiscuous'}", "");
    apply(model, "patch networks x {'isolation':null}",
          "/isolation port \"y\" has \"isolation\" of its own, which would "
          "have no effect\n");
}

/* What no port may have, but a virtual IP: where there is no subnet, or only
 * the one that has it in the middle, or of two addresses, or of IPv6 the
 * last. */
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

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, model_setup, \
                                                   model_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bad_requests_change_nothing),
        TEST(hosts_of_a_port_that_migrates_are_two),
        TEST(tunnel_addresses_are_those_of_one_host),
        TEST(isolation_of_a_network_suits_its_ports),
        TEST(virtual_ips_may_end_like_those_of_subnets),
        TEST(subnets_may_not_end_at_virtual_ips),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
