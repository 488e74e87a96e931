/* SPDX-License-Identifier: Apache-2.0
 *
 * controller/schema: specifications that are refused, with all that is wrong
 * with them, and the bounds of lists, levels and errors. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "controller/schema/arena.h"
#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/schema-fixture.h"
#include "util.h"

#define HOST(MORE) "{'ovsdb':'inbound','tunnel_ip':'192.0.2.1'," MORE "}"

static const struct bad_case bad_cases[] = {
    { "groups", "[]", " must be an object\n" },
    { "groups", "{'labls':{}}",
      "/labls unknown field \"labls\" of a group; did you mean \"labels\"?\n"
    },
    { "groups", "{'zzzzzzz':1}",
      "/zzzzzzz unknown field \"zzzzzzz\" of a group\n" },
    { "policies", "{'applies_to':['g'],'tier':'emergency',"
      "'mode':'shadow'}",
      "/mode must be \"enforce\" in tier emergency: try it in a tier behind "
      "it\n" },
    { "policies", "{'applies_to':['g'],'tier':'emergency',"
      "'on_change':'keep'}",
      "/on_change must be \"recheck\" in tier emergency: quarantine comes "
      "behind it\n" },
    { "policies", "{'applies_to':['g'],'on_change':'kep'}",
      "/on_change must be one of \"recheck\", \"keep\"; did you mean "
      "\"keep\"?\n" },
    { "policies", POLICY(RULE("'log':1")),
      "/rules/0/log must be true or false\n" },
    { "hosts", "{}", "/ovsdb is required\n/tunnel_ip is required\n" },
    { "hosts", "{'ovsdb':null,'tunnel_ip':'192.0.2.1'}",
      "/ovsdb is required\n" },
    { "hosts", HOST("'encap':'gre'"),
      "/encap must be one of \"vxlan\", \"geneve\"\n" },
    { "hosts", HOST("'tunnel_interface':'br phys'"),
      "/tunnel_interface must be the name of an interface: 1 to 15 of A-Z, "
      "a-z, 0-9, '.', '_' and '-', with a letter or digit first\n" },
    { "hosts", HOST("'second_tunnel_ip':'ff02::1'"),
      "/second_tunnel_ip must be a unicast address\n" },
    { "hosts", HOST("'datapath':'netdv'"),
      "/datapath must be one of \"system\", \"netdev\"; did you mean "
      "\"netdev\"?\n" },
    { "hosts", HOST("'adopt':1"), "/adopt must be true or false\n" },
    { "hosts", HOST("'provider_bridges':[{'physical':'@a','bridge':'b'},"
                    "{'bridge':'c'}]"),
      "/provider_bridges/0/physical must be the name of a physical network: 1 "
      "to 32 of a-z, 0-9, '-' and '.', with a letter or digit at both ends\n"
      "/provider_bridges/1/physical is required\n" },
    { "hosts", HOST("'provider_bridges':[{'physical':'a','bridge':'b'},"
                    "{'physical':'a','bridge':'c'}]"),
      "/provider_bridges must name each \"physical\" once: \"a\" appears "
      "twice\n" },
    { "hosts", HOST("'provider_bridges':[{'physical':'a','bridge':'b'},"
                    "{'physical':'c','bridge':'b'}]"),
      "/provider_bridges must name each \"bridge\" once: \"b\" appears "
      "twice\n" },
    { "hosts", HOST("'provider_bridges':[{'physical':'a',"
                    "'bridge':'br-int'}]"),
      "/provider_bridges must not name the integration bridge: "
      "\"br-int\"\n" },
    { "hosts", HOST("'provider_bridges':[{'physical':'a'}]"),
      "/provider_bridges/0/bridge is required\n" },
    { "networks", "{'provider':{}}", "/provider/physical is required\n" },
    { "networks", "{'provider':{'physical':'a','vlan':0}}",
      "/provider/vlan must be an integer from 1 to 4094\n" },
    { "networks", "{'provider':{'physical':'a','vlan':4095}}",
      "/provider/vlan must be an integer from 1 to 4094\n" },
    { "networks", "{'provider':'a'}", "/provider must be an object\n" },
    { "routers", "{'interfaces':[{'network':'n'}],'external':{'network':'o',"
      "'addresses':['192.0.2.1'],'gateways':[{'host':'h'}],'port_shares':1,"
      "'strict_port_shares':true}}",
      "/external/strict_port_shares needs 2 \"port_shares\" or more\n" },
    { "ports", "{'network':'n','external':true,'host':'h'}",
      "/host cannot be combined with \"external\": such a port is on no "
      "host\n" },
    { "ports", "{'network':'n','external':true,'iface_id':'y'}",
      "/iface_id cannot be combined with \"external\": such a port is on no "
      "host\n" },
    { "ports", "{'network':'n','iface_id':'@dc'}",
      "/iface_id must be an interface id: 1 to 63 of A-Z, a-z, 0-9, '.', '_' "
      "and '-'\n" },
    { "hosts", HOST("'bridge':'a-very-long-name-1'"),
      "/bridge must have at most 15 bytes\n" },
    { "hosts", HOST("'bridge':''"),
      "/bridge must be the name of a bridge: 1 to 15 of A-Z, a-z, 0-9, "
      "'.', '_' and '-', with a letter or digit first\n" },
    { "hosts", "{'ovsdb':'tcp:h','tunnel_ip':'192.0.2.1'}",
      "/ovsdb must be \"tcp:HOST:PORT\"\n" },
    { "hosts", "{'ovsdb':'ssl:h:99999','tunnel_ip':'192.0.2.1'}",
      "/ovsdb must be \"ssl:HOST:PORT\"\n" },
    { "hosts", "{'ovsdb':'unix:rel','tunnel_ip':'192.0.2.1'}",
      "/ovsdb must be \"unix:/PATH\" with a path of at most 107 "
      "characters\n" },
    { "hosts", "{'ovsdb':'http:x','tunnel_ip':'fd00::1'}",
      "/ovsdb must be \"tcp:HOST:PORT\", \"ssl:HOST:PORT\", "
      "\"unix:/PATH\" or \"inbound\"\n" },
    { "loadbalancers", "{'vip':'fe80::1','networks':['n'],"
      "'ports':[{'port':80}]}",
      "/vip must not be link-local\n" },
    { "loadbalancers", "{'vip':'ff02::1','networks':['n'],"
      "'ports':[{'port':80}]}",
      "/vip must be a unicast address\n" },
    { "loadbalancers", "{'vip':'0.0.0.0','networks':['n'],"
      "'ports':[{'port':80}]}",
      "/vip must be a unicast address\n" },
    { "loadbalancers", "{'vip':'224.0.0.1','networks':['n'],"
      "'ports':[{'port':80}]}",
      "/vip must be a unicast address\n" },
    { "loadbalancers", "{'vip':'255.255.255.255','networks':['n'],"
      "'ports':[{'port':80}]}",
      "/vip must be a unicast address\n" },
    { "hosts", HOST("'description':'a\\u0000b'"),
      "/description must not contain control characters\n" },
    { "hosts", HOST("'description':'\\u009b1m'"),
      "/description must not contain control characters\n" },
    { "hosts", HOST("'description':'a\\u202eb'"),
      "/description must not contain control characters\n" },
    { "hosts", HOST("'description':'\\u2066'"),
      "/description must not contain control characters\n" },
    { "hosts", HOST("'description':'a\\u200fb'"),
      "/description must not contain control characters\n" },
    { "hosts", HOST("'description':'a\\u2028b'"),
      "/description must not contain control characters\n" },
    /* What is said of a key allows no key that is refused. */
    { "hosts", HOST("'labels':{'A_b/c':'x'}"),
      "/labels/A_b~1c must be a label key, \"NAME\" or \"PREFIX/NAME\": NAME "
      "has 1 to 63 of A-Z, a-z, 0-9, '.', '_' and '-', PREFIX 1 to 63 of a-z, "
      "0-9, '-' and '.', each with a letter or digit at both ends\n" },
    { "hosts", HOST("'labels':{'a/b/c':'x','k':1,'l':'-'}"),
      "/labels/a~1b~1c must be a label key, \"NAME\" or \"PREFIX/NAME\": NAME "
      "has 1 to 63 of A-Z, a-z, 0-9, '.', '_' and '-', PREFIX 1 to 63 of a-z, "
      "0-9, '-' and '.', each with a letter or digit at both ends\n"
      "/labels/k must be a string\n"
      "/labels/l must be a label value: up to 63 of A-Z, a-z, 0-9, '.', '_' "
      "and '-', with a letter or digit at both ends\n" },
    /* An empty list must not mean the opposite of nothing. */
    { "policies", "{'applies_to':['g'],'rules':[{'direction':'ingress',"
      "'action':'allow','peers':[],'services':[]}]}",
      "/rules/0/peers must not be empty: leave it out for everyone\n"
      "/rules/0/services must not be empty: leave it out for everything\n" },
    { "policies", "{'applies_to':['g'],'rules':[{'direction':'ingress',"
      "'action':'allow','services':[{'protocol':'tcp','ports':[]}]}]}",
      "/rules/0/services/0/ports must not be empty: leave it out for all "
      "ports\n" },
    { "services", "{'entries':[{'protocol':'tcp','ports':[]}]}",
      "/entries/0/ports must not be empty: leave it out for all ports\n" },
    { "networks", "{'vni':0}",
      "/vni must be an integer from 1 to 16777215\n" },
    { "networks", "{'vni':16777216}",
      "/vni must be an integer from 1 to 16777215\n" },
    { "networks", "{'vni':1.0}",
      "/vni must be an integer from 1 to 16777215\n" },
    { "networks", "{'vni':99999999999999999}",
      "/vni must be an integer from 1 to 16777215\n" },
    { "networks", "{'mtu':575}",
      "/mtu must be an integer from 576 to 9216\n" },
    { "networks", "{'subnets':{}}", "/subnets must be a list\n" },
    { "networks", "{'subnets':[{'cidr':'10.0.0.1/24'}]}",
      "/subnets/0/cidr has host bits: the prefix is \"10.0.0.0/24\"\n" },
    { "networks", "{'subnets':[{'cidr':'10.0.0.0'}]}",
      "/subnets/0/cidr must have a length from \"/8\" to \"/31\"\n" },
    { "groups", "{'cidrs':['0.0.0.0','10.0.0.5','::','fd00::5'],"
      "'except':['10.0.0.x','10.0.0.5/']}",
      "/cidrs/0 must be a prefix: write \"0.0.0.0/0\" for all addresses\n"
      "/cidrs/2 must be a prefix: write \"::/0\" for all addresses\n"
      "/except/0 must be a prefix such as \"10.0.0.0/24\" or "
      "\"fd00::/64\"\n"
      "/except/1 must end with a length from \"/0\" to \"/32\"\n" },
    { "networks", "{'subnets':[{'cidr':'10.0.0.0/33'},{'cidr':'x/8'},"
      "{'cidr':'10.0.0.0/024'},{'cidr':'0.0.0.0/0'},{'cidr':'10.0.0.0/7'},"
      "{'cidr':'10.0.0.0/32'}]}",
      "/subnets/0/cidr must end with a length from \"/0\" to \"/32\"\n"
      "/subnets/1/cidr must be a prefix such as \"10.0.0.0/24\" or "
      "\"fd00::/64\"\n"
      "/subnets/2/cidr must end with a length from \"/0\" to \"/32\"\n"
      "/subnets/3/cidr must have a length from \"/8\" to \"/31\"\n"
      "/subnets/4/cidr must have a length from \"/8\" to \"/31\"\n"
      "/subnets/5/cidr must have a length from \"/8\" to \"/31\"\n" },
    { "networks", "{'subnets':[{'cidr':'fd00::/129'},{'cidr':'fd00::1/64'},"
      "{'cidr':'fd00::/0064'},{'cidr':'fd00::'},{'cidr':'fd00:::/64'},"
      "{'cidr':'fd00::%1/64'},{'cidr':'fd80::/8'}]}",
      "/subnets/0/cidr must end with a length from \"/0\" to \"/128\"\n"
      "/subnets/1/cidr has host bits: the prefix is \"fd00::/64\"\n"
      "/subnets/2/cidr must end with a length from \"/0\" to \"/128\"\n"
      "/subnets/3/cidr must have a length from \"/8\" to \"/127\"\n"
      "/subnets/4/cidr must be a prefix such as \"10.0.0.0/24\" or "
      "\"fd00::/64\"\n"
      "/subnets/5/cidr must be a prefix such as \"10.0.0.0/24\" or "
      "\"fd00::/64\"\n"
      "/subnets/6/cidr has host bits: the prefix is \"fd00::/8\"\n" },
    { "networks", "{'subnets':[{'cidr':'c000::/7'},{'cidr':'fd00::/128'},"
      "{'cidr':'::/8'},{'cidr':'::ffff:0:0/96'},{'cidr':'ff02::/16'},"
      "{'cidr':'fe80::/64'},{'cidr':'fe00::/8'},{'cidr':'fec0::/64'},"
      "{'cidr':'2001:db8::/127'}]}",
      "/subnets/0/cidr must have a length from \"/8\" to \"/127\"\n"
      "/subnets/1/cidr must have a length from \"/8\" to \"/127\"\n"
      "/subnets/2/cidr must be a prefix of unicast addresses\n"
      "/subnets/3/cidr must be a prefix of unicast addresses\n"
      "/subnets/4/cidr must be a prefix of unicast addresses\n"
      "/subnets/5/cidr must not have link-local addresses (fe80::/10): each "
      "port with IPv6 has one by itself\n"
      "/subnets/6/cidr must not have link-local addresses (fe80::/10): each "
      "port with IPv6 has one by itself\n" },
    { "networks", "{'subnets':[{'cidr':'10.0.0.0/24','slaac':true},"
      "{'cidr':'fd00::/63','slaac':true},{'cidr':'fd01::/64','slaac':true,"
      "'pools':[{'start':'fd01::1'}]},{'cidr':'169.254.0.0/16',"
      "'dhcp':true}]}",
      "/subnets/0/slaac is only for subnets of IPv6 with a length of \"/64\"\n"
      "/subnets/1/slaac is only for subnets of IPv6 with a length of \"/64\"\n"
      "/subnets/2/pools cannot be combined with \"slaac\": addresses follow "
      "from MACs\n"
      "/subnets/3/dhcp is not for link-local addresses (169.254.0.0/16): the "
      "server itself has one\n" },
    { "networks", "{'dhcp_options':{'lease_time':59,'dns':[],"
      "'domain':'a..b','search':['-a'],'hostname':'a','boot_server':'fd00::1',"
      "'routes':[{'destination':'fd00::/64','via':'10.0.0.1'}]}}",
      "/dhcp_options/hostname unknown field \"hostname\" of a "
      "dhcp_options\n"
      "/dhcp_options/lease_time must be an integer from 60 to 31622400\n"
      "/dhcp_options/dns must not be empty: leave it out for the inherited "
      "value\n"
      "/dhcp_options/domain must be a domain name: parts of 1 to 63 of A-Z, "
      "a-z, 0-9, '-' and '_', with dots between them\n"
      "/dhcp_options/search/0 must be a domain name: parts of 1 to 63 of "
      "A-Z, a-z, 0-9, '-' and '_', with dots between them\n"
      "/dhcp_options/routes/0/destination must be IPv4: DHCPv6 has no routes\n"
      "/dhcp_options/boot_server must be IPv4: IPv6 is not supported here "
      "yet\n" },
    { "networks", "{'dhcp_options':{'options':["
      "{'code':0,'hex':'00'},{'code':255,'hex':'00'},{'code':43},"
      "{'code':43,'hex':''}]}}",
      "/dhcp_options/options/0/code must be an integer from 1 to 254\n"
      "/dhcp_options/options/1/code must be an integer from 1 to 254\n"
      "/dhcp_options/options/2/hex is required\n"
      "/dhcp_options/options/3/hex must not be empty\n" },
    { "networks", "{'dhcp_options':{'options':["
      "{'code':1,'hex':'ffffff00'},{'code':6,'hex':'0a000001'},"
      "{'code':53,'hex':'05'},{'code':43,'hex':'0'},{'code':44,'hex':'0g'},"
      "{'code':41,'hex':'0a0000'},{'code':2,'hex':'0000'},"
      "{'code':249,'hex':'00'}]}}",
      "/dhcp_options/options/0/code option 1 is set by VMN itself\n"
      "/dhcp_options/options/1/code option 6 is set by a field of its own: "
      "`dns`\n"
      "/dhcp_options/options/2/code option 53 is set by VMN itself\n"
      "/dhcp_options/options/3/hex must be pairs of hexadecimal digits\n"
      "/dhcp_options/options/4/hex must be pairs of hexadecimal digits\n"
      "/dhcp_options/options/5/hex option 41 has a multiple of 4 bytes, not "
      "3\n"
      "/dhcp_options/options/6/hex option 2 has 4 bytes, not 2\n"
      "/dhcp_options/options/7/code option 249 is set by a field of its own: "
      "`routes`\n" },
    { "networks", "{'mtu':1279,'subnets':[{'cidr':'fd00::/64'},"
      "{'cidr':'10.0.0.0/24'}]}",
      "/mtu must be at least 1280 in a network with IPv6 (RFC 8200, section "
      "5)\n" },
    { "networks", "{'subnets':[{'cidr':'fd00::/16'},{'cidr':'fd00:0:1::/48'},"
      "{'cidr':'253.0.0.0/16'}]}",
      "/subnets/2/cidr must be a prefix of unicast addresses\n" },
    { "networks", "{'subnets':[{'cidr':'fd00::/16'},{'cidr':'fd00:0:1::/48'},"
      "{'cidr':'10.0.0.0/16'}]}",
      "/subnets must not overlap: fd00::/16 and fd00:0:1::/48 do\n" },
    { "networks", "{'subnets':[{'cidr':'fd00::/64','gateway':'fd00::'},"
      "{'cidr':'fd01::/64','gateway':'fd00::1'},"
      "{'cidr':'fd02::/64','gateway':'10.0.0.1'},"
      "{'cidr':'fd03::/64','gateway':'fd03::ffff:ffff:ffff:ffff'},"
      "{'cidr':'fd04::/127','gateway':'fd04::'}]}",
      "/subnets/1/gateway must be an address of the subnet\n"
      "/subnets/2/gateway must be an address of the subnet\n" },
    { "networks", "{'subnets':[{'cidr':'0.0.0.0/8'},{'cidr':'223.0.0.0/8'},"
      "{'cidr':'224.0.0.0/24'},{'cidr':'255.255.255.0/24'},"
      "{'cidr':'127.5.0.0/24'}]}",
      "/subnets/0/cidr must be a prefix of unicast addresses\n"
      "/subnets/2/cidr must be a prefix of unicast addresses\n"
      "/subnets/3/cidr must be a prefix of unicast addresses\n"
      "/subnets/4/cidr must not have loopback addresses (127.0.0.0/8)\n" },
    { "networks", "{'subnets':[{'cidr':'10.0.0.0/24','gateway':'10.0.1.1'},"
      "{'cidr':'10.2.0.0/24','gateway':'10.2.0.255'}]}",
      "/subnets/0/gateway must be an address of the subnet\n"
      "/subnets/1/gateway must not be the subnet's first or last address\n"
    },
    { "networks", "{'subnets':[{'cidr':'10.0.0.0/16'},"
      "{'cidr':'10.1.0.0/16'},{'cidr':'10.0.7.0/24'}]}",
      "/subnets must not overlap: 10.0.0.0/16 and 10.0.7.0/24 do\n" },
    { "networks", "{'subnets':[{'cidr':'10.0.0.0/16'},"
      "{'cidr':'10.0.0.0/16','gateway':'10.0.0.1'}]}",
      "/subnets must name each \"cidr\" once: \"10.0.0.0/16\" appears "
      "twice\n" },
    { "ports", "{}", "/network is required\n" },
    { "ports", "{'network':'Up'}", "/network must be the name of a "
      "network\n" },
    { "ports", "{'network':'n','mac':'02:00:00:00:00'}",
      "/mac must be a MAC address such as \"02:00:00:00:00:01\"\n" },
    { "ports", "{'network':'n','mac':'01:00:00:00:00:01'}",
      "/mac must be a unicast MAC address: the lowest bit of its first byte "
      "is set\n" },
    { "ports", "{'network':'n','mac':'00:00:00:00:00:00'}",
      "/mac must not be the zero MAC address\n" },
    { "ports", "{'network':'n','ips':['10.0.0.256','224.0.0.1',7]}",
      "/ips/0 must be an address such as \"10.0.0.1\" or \"fd00::1\"\n"
      "/ips/1 must be a unicast address\n"
      "/ips/2 must be a string\n" },
    { "ports", "{'network':'n','ips':['::','::1','ff02::1','::ffff:1.2.3.4',"
      "'fd00::1::','fd00::g','fd00::1%1']}",
      "/ips/0 must be a unicast address\n"
      "/ips/1 must be a unicast address\n"
      "/ips/2 must be a unicast address\n"
      "/ips/3 must be a unicast address\n"
      "/ips/4 must be an address such as \"10.0.0.1\" or \"fd00::1\"\n"
      "/ips/5 must be an address such as \"10.0.0.1\" or \"fd00::1\"\n"
      "/ips/6 must be an address such as \"10.0.0.1\" or \"fd00::1\"\n" },
    { "ports", "{'network':'n','iface_id':'a b'}",
      "/iface_id must be an interface id: 1 to 63 of A-Z, a-z, 0-9, '.', "
      "'_' and '-'\n" },
    { "ports", "{'network':'n','allowed_addresses':[{'mac':'x'}]}",
      "/allowed_addresses/0/ip is required\n"
      "/allowed_addresses/0/mac must be a MAC address such as "
      "\"02:00:00:00:00:01\"\n" },
    { "groups", "{'selector':'a b'}",
      "/selector must have '=', '!=', 'in', 'notin' or ',' at character "
      "3\n" },
    { "groups", "{'ports':['ok','Not OK']}",
      "/ports/1 must be the name of a port\n" },
    { "services", "{'entries':[]}",
      "/entries must have at least 1 element\n" },
    { "services", "{'entries':[{'protocol':'icmp','ports':[1]},"
      "{'protocol':'tcp','icmp_type':3},{'protocol':'gre'},{}]}",
      "/entries/0/ports is only for the protocols \"tcp\", \"udp\" and "
      "\"sctp\"\n"
      "/entries/1/icmp_type is only for the protocols \"icmp\" and "
      "\"icmpv6\"\n"
      "/entries/2/protocol must be one of \"any\", \"tcp\", \"udp\", "
      "\"icmp\", \"sctp\", \"icmpv6\"\n"
      "/entries/3/protocol is required\n" },
    { "services", "{'entries':[{'protocol':'icmpv6','icmp_code':0},"
      "{'protocol':'sctp','icmp_type':1,'icmp_code':1},"
      "{'protocol':'icmp','icmp_type':3,'icmp_code':256},"
      "{'protocol':'icmpv6','ports':[1]},{'protocol':'any','ports':[1]}]}",
      "/entries/0/icmp_code needs \"icmp_type\"\n"
      "/entries/1/icmp_type is only for the protocols \"icmp\" and "
      "\"icmpv6\"\n"
      "/entries/2/icmp_code must be an integer from 0 to 255\n"
      "/entries/3/ports is only for the protocols \"tcp\", \"udp\" and "
      "\"sctp\"\n"
      "/entries/4/ports is only for the protocols \"tcp\", \"udp\" and "
      "\"sctp\"\n" },
    { "services", "{'entries':[{'protocol':'tcp','ports':[0,70000,'1-','-2',"
      "'9-8','080','1-2-3']}]}",
      "/entries/0/ports/0 must be a port from 1 to 65535\n"
      "/entries/0/ports/1 must be a port from 1 to 65535\n"
      "/entries/0/ports/2 must be a port (\"80\") or a range of ports "
      "(\"8000-8010\") from 1 to 65535\n"
      "/entries/0/ports/3 must be a port (\"80\") or a range of ports "
      "(\"8000-8010\") from 1 to 65535\n"
      "/entries/0/ports/4 must be a range whose first port is not above its "
      "last\n"
      "/entries/0/ports/5 must be a port (\"80\") or a range of ports "
      "(\"8000-8010\") from 1 to 65535\n"
      "/entries/0/ports/6 must be a port (\"80\") or a range of ports "
      "(\"8000-8010\") from 1 to 65535\n" },
    { "services", "{'entries':[{'protocol':'icmp','icmp_type':-1}]}",
      "/entries/0/icmp_type must be an integer from 0 to 255\n" },
    { "groups", "{'cidrs':['10.0.0.0/8','11.0.0.0/16'],"
      "'except':['10.3.0.0/16','9.0.0.0/8','11.0.0.0/8','11.1.0.0/16',"
      "'12.0.0.0/8']}",
      "/except must exclude something from \"cidrs\": 9.0.0.0/8 does not\n"
      "/except must exclude something from \"cidrs\": 11.1.0.0/16 does not\n"
      "/except must exclude something from \"cidrs\": 12.0.0.0/8 does not\n" },
    { "groups", "{'except':['10.3.0.1/16']}",
      "/except/0 has host bits: the prefix is \"10.3.0.0/16\"\n" },
    { "groups", "{'except':['10.3.0.0/16']}",
      "/except must exclude something from \"cidrs\": 10.3.0.0/16 does not\n" },
    { "policies", POLICY(RULE("'peers':[{'cidr':'10.0.0.0/8','except':["
                              "'10.0.0.0/8','11.0.0.0/9','0.0.0.0/0',"
                              "'10.1.0.0/16']}]")),
      "/rules/0/peers/0/except must be inside of \"cidr\", and not all of "
      "it: 0.0.0.0/0 is not\n"
      "/rules/0/peers/0/except must be inside of \"cidr\", and not all of "
      "it: 10.0.0.0/8 is not\n"
      "/rules/0/peers/0/except must be inside of \"cidr\", and not all of "
      "it: 11.0.0.0/9 is not\n" },
    { "policies", POLICY(RULE("'peers':[{'group':'g','except':["
                              "'10.0.0.0/8']}]")),
      "/rules/0/peers/0/except cannot be combined with \"group\"\n" },
    { "tiers", "{}", "/position is required\n" },
    { "tiers", "{'position':0}",
      "/position must be an integer from 1 to 17\n" },
    { "tiers", "{'position':18}",
      "/position must be an integer from 1 to 17\n" },
    { "policies", "{'rules':[]}", "/applies_to is required\n" },
    { "quarantines", "{'ports':'web-1','allow':[{'direction':'in','action':"
      "'allow'},{'direction':'egress','peers':[],'services':"
      "[{'protocol':'icmp','ports':[1]}]}]}",
      "/ports must be a list\n"
      "/allow/0/action unknown field \"action\" of a rule\n"
      "/allow/0/direction must be one of \"ingress\", \"egress\"\n"
      "/allow/1/peers must not be empty: leave it out for everyone\n"
      "/allow/1/services/0/ports is only for the protocols \"tcp\", \"udp\""
      " and \"sctp\"\n" },
    { "policies", "{'applies_to':['g'],'priority':1000,'tier':'x y'}",
      "/tier must be the name of a tier\n"
      "/priority must be an integer from 0 to 999\n" },
    { "policies", "{'applies_to':['g'],'directions':['in']}",
      "/directions/0 must be one of \"ingress\", \"egress\"\n" },
    { "policies", POLICY("{'direction':'ingress','action':'refuse'}"),
      "/rules/0/action must be one of \"allow\", \"deny\", \"pass\", "
      "\"reject\"\n" },
    { "policies", POLICY(RULE("'peers':[{},{'group':'g',"
                              "'cidr':'10.0.0.0/8'}]")),
      "/rules/0/peers/0 needs \"group\", \"cidr\" or \"fqdn\"\n"
      "/rules/0/peers/1/cidr cannot be combined with \"group\"\n" },
    { "policies", POLICY(RULE("'services':[{},{'service':'s','ports':[1]},"
                              "{'ports':[1]}]")),
      "/rules/0/services/0 needs \"service\" or \"protocol\"\n"
      "/rules/0/services/1/ports cannot be combined with \"service\"\n"
      "/rules/0/services/2 needs \"service\" or \"protocol\"\n" },
    { "loadbalancers", "{}",
      "/vip is required\n/networks is required\n/ports is required\n" },
    { "loadbalancers", LB("'ports':[{'port':80}],'protocol':'icmp'"),
      "/protocol must be one of \"tcp\", \"udp\"\n" },
    { "loadbalancers", LB("'ports':[{'port':80},{'port':80,'target':81}]"),
      "/ports must name each \"port\" once: 80 appears twice\n" },
    { "loadbalancers", LB("'ports':[{'port':0}],'backends':["
                          "{'port':'a','weight':101}]"),
      "/ports/0/port must be an integer from 1 to 65535\n"
      "/backends/0/weight must be an integer from 0 to 100\n" },
    { "loadbalancers", LB("'ports':[{'port':80}],'backends':["
                          "{'port':'a','weight':1},{'port':'a','weight':2}]"),
      "/backends must name each \"port\" once: \"a\" appears twice\n" },
    { "routers", "{'interfaces':[{},{'network':'n','addresses':[]}],"
      "'external':1}",
      "/interfaces/0/network is required\n"
      "/interfaces/1/addresses must not be empty: leave it out for the "
      "gateways of its subnets\n"
      "/external must be an object\n" },
    { "routers", "{'external':{'addresses':[],'gateways':[{'host':'h',"
      "'priority':1000},{'host':'h'}],'snat':true}}",
      "/external/snat unknown field \"snat\" of an external\n"
      "/external/network is required\n"
      "/external/addresses must have at least 1 element\n"
      "/external/gateways/0/priority must be an integer from 0 to 999\n" },
    { "floating-ips", "{'ip':'198.51.100.20'}",
      "/router is required\n needs \"port\" or \"load_balancer\"\n" },
    { "routers", "{'interfaces':[{'network':'n'},{'network':'n',"
      "'addresses':['10.0.0.1']}]}",
      "/interfaces must name each \"network\" once: \"n\" appears twice\n" },
    { "routers", "{'routes':[{'destination':'10.0.0.0/8'},"
      "{'destination':'10.0.0.0/8','via':['10.0.0.1'],'blackhole':true},"
      "{'destination':'10.0.0.0/8','blackhole':false},"
      "{'via':[]}]}",
      "/routes/0 needs \"via\" or \"blackhole\"\n"
      "/routes/1/blackhole cannot be combined with \"via\"\n"
      "/routes/2/blackhole must be true where there is no \"via\"\n"
      "/routes/3/destination is required\n"
      "/routes/3/via must have at least 1 element\n" },
    { "routers", "{'routes':[{'destination':'10.0.0.0/8','via':['fd00::1'],"
      "'source':'fd00::/8'}]}",
      "/routes/0/source must be of the family of \"destination\", IPv4\n"
      "/routes/0/via must be of the family of \"destination\", IPv4\n" },
    { "routers", "{'routes':[{'destination':'10.0.0.0/8','via':['10.0.0.1']},"
      "{'destination':'10.0.0.0/8','via':['10.0.0.2']},"
      "{'destination':'::/0','source':'fd00::/8','via':['fd00::1']},"
      "{'destination':'::/0','source':'fd00::/8','blackhole':true}]}",
      "/routes must name each \"destination\" and \"source\" once: 10.0.0.0/8 "
      "appears twice\n"
      "/routes must name each \"destination\" and \"source\" once: ::/0 from "
      "fd00::/8 appears twice\n" },
    { "vifs", "{'host':'h','iface_id':'@','iface':'tap0','ofport':1}",
      "/iface_id must be an interface id, or \"@\" and the name of a physical "
      "network, or \"=\" and that of a host, or \"+\" and a type of "
      "tunnels, or \"~\" and the name of an interface for copies\n" },
    { "vifs", "{'host':'h','iface_id':'~','iface':'ids0','ofport':1}",
      "/iface_id must be an interface id, or \"@\" and the name of a physical "
      "network, or \"=\" and that of a host, or \"+\" and a type of "
      "tunnels, or \"~\" and the name of an interface for copies\n" },
    { "vifs", "{'host':'h','iface_id':'x','iface':'tap0','ofport':0}",
      "/ofport must be an integer from 1 to 65535\n" },
    { "vifs", "{'host':'h','iface_id':'x','iface':'','ofport':1}",
      "/iface must not be empty\n" },
};

/* Parses 'spec', expects the errors. */
static void
check_bad(const struct schema_table *table, const char *name, json_t *spec,
          const char *expected, const char *what)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct vmn_errors errors;
    struct arena arena;

    vmn_errors_init(&errors);
    arena_init(&arena);
    assert_null(schema_row_parse(table, name, spec, "", &arena, &errors));
    for (size_t i = 0; i < errors.n; i++) {
        ds_put_format(&ds, "%s %s\n", errors.errors[i].pointer,
                      errors.errors[i].text);
    }
    if (strcmp(ds_cstr(&ds), expected)) {
        fail_msg("%s:\ngot\n%sexpected\n%s", what, ds_cstr(&ds), expected);
    }
    ds_destroy(&ds);
    arena_uninit(&arena);
    vmn_errors_uninit(&errors);
}

static void
bad_specs_get_all_their_errors(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(bad_cases); i++) {
        const struct bad_case *c = &bad_cases[i];
        const struct schema_table *table = schema_find_table(c->table);
        json_t *spec = load_row(c->spec);

        check_bad(table, table->id == VMN_TABLE_VIF ? "h/x" : "x", spec,
                  c->errors, c->spec);
        json_decref(spec);
    }
}

static void
bad_names_are_refused(void **state OVS_UNUSED)
{
    static const char error[] = " must be a name: 1 to 63 of a-z, 0-9, '-' "
                                "and '.', with a letter or digit at both "
                                "ends\n";
    static const char *const names[] = {
        "", "-a", "a-", ".a", "a.", "A", "a_b", "a/b", "a b", "a\n",
        "0123456789012345678901234567890123456789012345678901234567890123",
    };
    json_t *spec = json_object();

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        check_bad(schema_tables[VMN_TABLE_GROUP], names[i], spec, error,
                  names[i]);
    }
    check_bad(schema_tables[VMN_TABLE_VIF], "h", spec, " must be "
              "HOST/IFACE-ID\n/host is required\n/iface_id is required\n"
              "/iface is required\n/ofport is required\n", "vif");
    json_decref(spec);
}

static void
lists_are_bounded(void **state OVS_UNUSED)
{
    json_t *labels = json_object();
    json_t *ips = json_array();

    for (int i = 0; i < 65; i++) {
        char *key = xasprintf("k%d", i);

        json_object_set_new(labels, key, json_string("v"));
        json_array_append_new(ips, json_string("10.0.0.1"));
        free(key);
    }
    json_t *spec = json_pack("{s:s, s:o, s:o}", "network", "n", "labels",
                             labels, "ips", ips);
    check_bad(schema_tables[VMN_TABLE_PORT], "p", spec,
              "/labels must have at most 64 labels\n"
              "/ips must have at most 64 elements\n", "bounds");
    json_decref(spec);
}

/* Rules with 'n' runs of the same action in one direction, and in turns with
 * them one run in the other. */
static json_t *
policy_of_levels(const char *tier, int n, const char *other)
{
    json_t *rules = json_array();

    for (int i = 0; i < n; i++) {
        json_array_append_new(rules, json_pack(
            "{s:s, s:s}", "direction", "ingress", "action",
            i % 2 ? other : "allow"));
        json_array_append_new(rules, json_pack(
            "{s:s, s:s}", "direction", "egress", "action",
            "allow"));
    }
    return json_pack("{s:s, s:[s], s:o}", "tier", tier, "applies_to", "g",
                     "rules", rules);
}

static void
policy_levels_are_bounded(void **state OVS_UNUSED)
{
    const struct schema_table *table = schema_tables[VMN_TABLE_POLICY];
    static const struct {
        const char *tier, *other;
        int n_fit;
    } cases[] = {
        { "security", "deny", 64 }, { "security", "reject", 64 },
        { "security", "pass", 32 }, { "application", "deny", 25 },
        { "application", "reject", 25 }, { "application", "pass", 26 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int n = cases[i].n_fit;
        struct vmn_errors errors;
        struct arena arena;
        json_t *spec = policy_of_levels(cases[i].tier, n, cases[i].other);
        char *text = xasprintf("/rules must not change between actions so "
                               "often in one direction as up to rule %d: "
                               "split the policy\n", 2 * n);

        vmn_errors_init(&errors);
        arena_init(&arena);
        assert_non_null(schema_row_parse(table, "p", spec, "", &arena,
                                         &errors));
        json_decref(spec);
        arena_uninit(&arena);
        spec = policy_of_levels(cases[i].tier, n + 1, cases[i].other);
        check_bad(table, "p", spec, text, "levels");
        json_decref(spec);
        free(text);
    }
}

static void
only_the_first_errors_are_kept(void **state OVS_UNUSED)
{
    json_t *ports = json_array();
    struct vmn_errors errors;
    struct arena arena;

    for (int i = 0; i < 100; i++) {
        json_array_append_new(ports, json_integer(i));
    }
    json_t *spec = json_pack("{s:o}", "ports", ports);
    vmn_errors_init(&errors);
    arena_init(&arena);
    assert_null(schema_row_parse(schema_tables[VMN_TABLE_GROUP], "g", spec,
                                 "/3", &arena, &errors));
    assert_int_equal(errors.n, VMN_ERRORS_MAX);
    assert_int_equal(errors.n_suppressed, 100 - VMN_ERRORS_MAX);
    assert_string_equal(errors.errors[7].pointer, "/3/ports/7");
    arena_uninit(&arena);
    vmn_errors_uninit(&errors);
    json_decref(spec);
}

/* A zone may have 10,000 records of one name: each is compared with the one
 * before it, not with all. */
static void
records_of_one_name_are_compared_with_neighbours(void **state OVS_UNUSED)
{
    static const char *const types[] = { "A", "CNAME" };
    const int n = 10000;
    json_t *records = json_array();
    struct vmn_errors errors;
    struct arena arena;

    for (int i = 0; i < n; i++) {
        json_array_append_new(records, json_pack(
            "{s:s, s:s, s:i, s:[s]}", "name", "x", "type", types[i % 2],
            "ttl", i + 1, "values", i % 2 ? "y.example" : "192.0.2.1"));
    }
    json_t *spec = json_pack("{s:[s], s:o}", "networks", "n", "records",
                             records);
    vmn_errors_init(&errors);
    arena_init(&arena);
    assert_null(schema_row_parse(schema_tables[VMN_TABLE_DNS_ZONE],
                                 "z.example", spec, "", &arena, &errors));
    assert_int_equal(errors.n + errors.n_suppressed, n - 1);
    assert_string_equal(errors.errors[0].text,
                        "must name \"x\" once for each type");
    arena_uninit(&arena);
    vmn_errors_uninit(&errors);
    json_decref(spec);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_specs_get_all_their_errors),
        cmocka_unit_test(bad_names_are_refused),
        cmocka_unit_test(lists_are_bounded),
        cmocka_unit_test(policy_levels_are_bounded),
        cmocka_unit_test(only_the_first_errors_are_kept),
        cmocka_unit_test(records_of_one_name_are_compared_with_neighbours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
