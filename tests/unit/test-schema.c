/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows from JSON and back: canonical forms, defaults, and every kind of
 * fault with its pointer. */

#include <config.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "controller/schema/arena.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/schema-shown.h"
#include "controller/schema/schema-struct.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Test cases write ' for ". */
static json_t *
load(const char *text)
{
    char *copy = xstrdup(text);
    json_error_t error;

    for (char *p = copy; *p; p++) {
        if (*p == '\'') {
            *p = '"';
        }
    }
    json_t *json = json_loads(copy, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                              &error);
    if (!json) {
        fail_msg("%s: %s", copy, error.text);
    }
    free(copy);
    return json;
}

static char *
dump(const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);

    for (char *p = text; *p; p++) {
        if (*p == '"') {
            *p = '\'';
        }
    }
    return text;
}

struct good_case {
    const char *table;
    const char *spec;
    const char *canonical;
};

static const struct good_case good_cases[] = {
    { "hosts", "{'ovsdb':'inbound','tunnel_ip':'192.0.2.1'}",
      "{'ovsdb':'inbound','tunnel_ip':'192.0.2.1','encap':'vxlan',"
      "'bridge':'br-int','datapath':'system','adopt':false}" },
    { "hosts", "{'ovsdb':'inbound','tunnel_ip':'FD99:0::1',"
      "'second_tunnel_ip':'192.0.2.1','encap':'geneve',"
      "'tunnel_interface':'br-phys'}",
      "{'ovsdb':'inbound','tunnel_ip':'fd99::1',"
      "'second_tunnel_ip':'192.0.2.1','tunnel_interface':'br-phys',"
      "'encap':'geneve','bridge':'br-int','datapath':'system',"
      "'adopt':false}" },
    { "host", "{'ovsdb':'ssl:hv1.example.org:6640','datapath':'netdev',"
      "'tunnel_ip':'192.0.2.1','bridge':'br0','adopt':true,"
      "'labels':{'rack':'a','b':''},'description':'first'}",
      "{'description':'first','labels':{'b':'','rack':'a'},"
      "'ovsdb':'ssl:hv1.example.org:6640','tunnel_ip':'192.0.2.1',"
      "'encap':'vxlan','bridge':'br0','datapath':'netdev','adopt':true}" },
    { "networks", "{'description':'\\u00a0\\u00e4\\u2029\\u202f\\u2065"
      "\\u206a\\ud83d\\ude00'}",
      "{'description':'\u00a0\u00e4\u2029\u202f\u2065\u206a\U0001f600',"
      "'default':'allow'}" },
    { "networks", "{}", "{'default':'allow'}" },
    { "networks", "{'provider':null}", "{'default':'allow'}" },
    { "networks", "{'provider':{'physical':'dc.1'}}",
      "{'default':'allow','provider':{'physical':'dc.1'}}" },
    { "networks", "{'provider':{'vlan':4094,'physical':'dc'}}",
      "{'default':'allow','provider':{'physical':'dc',"
      "'vlan':4094}}" },
    { "hosts", "{'ovsdb':'inbound','tunnel_ip':'192.0.2.1',"
      "'provider_bridges':[{'bridge':'br-ex','physical':'wan'},"
      "{'physical':'dc','bridge':'br-dc'}]}",
      "{'ovsdb':'inbound','tunnel_ip':'192.0.2.1','encap':'vxlan',"
      "'bridge':'br-int','datapath':'system','adopt':false,"
      "'provider_bridges':[{'physical':'dc','bridge':'br-dc'},"
      "{'physical':'wan','bridge':'br-ex'}]}" },
    { "networks", "{'vni':null,'description':'','labels':{}}",
      "{'default':'allow'}" },
    { "networks", "{'vni':7,'default':'deny','mtu':9000,'subnets':["
      "{'cidr':'10.1.0.0/24'},"
      "{'cidr':'10.0.0.0/24','gateway':'10.0.0.1'}]}",
      "{'vni':7,'subnets':[{'cidr':'10.0.0.0/24','gateway':'10.0.0.1'},"
      "{'cidr':'10.1.0.0/24'}],'mtu':9000,'default':'deny'}" },
    { "ports", "{'network':'n','external':true,'iface_id':'x'}",
      "{'network':'n','enabled':true,'quarantined':false,'iface_id':'x',"
      "'external':true}" },
    { "ports", "{'network':'n'}",
      "{'network':'n','enabled':true,'quarantined':false,'iface_id':'x'}" },
    { "ports", "{'network':'n','mac':'02:AB:cd:00:00:01',"
      "'ips':['10.0.0.9','10.0.0.10','10.0.0.9'],'iface_id':'Tap_1',"
      "'host':'h1','enabled':false,'quarantined':true,"
      "'allowed_addresses':[{'ip':'10.9.0.0/16'},"
      "{'ip':'10.0.0.77','mac':'02:00:00:00:00:09'}]}",
      "{'network':'n','mac':'02:ab:cd:00:00:01',"
      "'ips':['10.0.0.9','10.0.0.10'],'enabled':false,'quarantined':true,"
      "'allowed_addresses':[{'ip':'10.0.0.77','mac':'02:00:00:00:00:09'},"
      "{'ip':'10.9.0.0/16'}],'host':'h1','iface_id':'Tap_1'}" },
    /* What guests are told; nothing said is nothing shown. */
    { "networks", "{'dhcp_options':{},'subnets':[{'cidr':'fd00::/64',"
      "'slaac':true,'dhcp':false,'dhcp_options':{'boot_file':''}},"
      "{'cidr':'10.0.0.0/24','dhcp':true,'dhcp_options':{'routes':["
      "{'destination':'192.168.0.0/16','via':'10.0.0.9'},"
      "{'destination':'0.0.0.0/0','via':'10.0.0.2'}]}}]}",
      "{'subnets':[{'cidr':'10.0.0.0/24','dhcp':true,'dhcp_options':{"
      "'routes':[{'destination':'0.0.0.0/0','via':'10.0.0.2'},"
      "{'destination':'192.168.0.0/16','via':'10.0.0.9'}]}},"
      "{'cidr':'fd00::/64','slaac':true}],'default':'allow'}" },
    { "ports", "{'network':'n','dhcp_options':{'lease_time':60,"
      "'dns':['fd00::2','10.0.0.1'],'hostname':'a.b','search':['c','b.c'],"
      "'ntp':['10.0.0.3'],'boot_server':'10.0.0.4','boot_file':'x y'}}",
      "{'network':'n','enabled':true,'quarantined':false,'iface_id':'x',"
      "'dhcp_options':{'lease_time':60,'dns':['fd00::2','10.0.0.1'],"
      "'search':['c','b.c'],'ntp':['10.0.0.3'],'boot_server':'10.0.0.4',"
      "'boot_file':'x y','hostname':'a.b'}}" },
    /* Text as RFC 5952 has it, and IPv4 before IPv6. */
    { "networks", "{'subnets':[{'cidr':'2001:DB8:0:0:1:0:0:0/80',"
      "'gateway':'2001:db8::1:0:0:A'},{'cidr':'FD00:0::/64'},"
      "{'cidr':'10.0.0.0/8'}],'mtu':1280}",
      "{'subnets':[{'cidr':'10.0.0.0/8'},{'cidr':'2001:db8:0:0:1::/80',"
      "'gateway':'2001:db8::1:0:0:a'},{'cidr':'fd00::/64'}],'mtu':1280,"
      "'default':'allow'}" },
    { "ports", "{'network':'n','ips':['FD00::0:1','10.0.0.9','fd00:0:0::1',"
      "'fd00:0:1:1:1:1:1:1'],'allowed_addresses':[{'ip':'fd01::/16'},"
      "{'ip':'fe80::7'},{'ip':'10.0.0.77'}]}",
      "{'network':'n','ips':['10.0.0.9','fd00::1','fd00:0:1:1:1:1:1:1'],"
      "'enabled':true,'quarantined':false,'allowed_addresses':["
      "{'ip':'10.0.0.77'},{'ip':'fd01::/16'},{'ip':'fe80::7'}],"
      "'iface_id':'x'}" },
    { "groups", "{}", "{}" },
    { "groups", "{'selector':''}", "{'selector':''}" },
    { "groups", "{'selector':'b,a==1','ports':['p2','p1','p2'],"
      "'cidrs':['::/0','10.0.0.0/8','0.0.0.0/0','Fd00::/8']}",
      "{'selector':'a=1,b','ports':['p1','p2'],"
      "'cidrs':['0.0.0.0/0','10.0.0.0/8','::/0','fd00::/8']}" },
    { "services", "{'entries':[{'protocol':'udp','ports':[53]},"
      "{'protocol':'tcp','ports':['82-90','80',81,'85-95','100']},"
      "{'protocol':'icmp','icmp_type':0},{'protocol':'icmp'},"
      "{'protocol':'any'}]}",
      "{'entries':[{'protocol':'any'},"
      "{'protocol':'tcp','ports':['80-95','100']},"
      "{'protocol':'udp','ports':['53']},{'protocol':'icmp'},"
      "{'protocol':'icmp','icmp_type':0}]}" },
    { "services", "{'entries':[{'protocol':'icmpv6','icmp_type':1,"
      "'icmp_code':4},{'protocol':'sctp','ports':['5-6',7]},"
      "{'protocol':'icmp','icmp_type':3}]}",
      "{'entries':[{'protocol':'icmp','icmp_type':3},"
      "{'protocol':'sctp','ports':['5-7']},"
      "{'protocol':'icmpv6','icmp_type':1,'icmp_code':4}]}" },
    { "quarantines", "{}", "{}" },
    { "quarantines", "{'selector':'role = web','ports':['b','a'],'allow':["
      "{'direction':'ingress','peers':[{'group':'g'}]},"
      "{'direction':'egress'},{'direction':'egress'}]}",
      "{'selector':'role=web','ports':['a','b'],'allow':["
      "{'direction':'ingress','peers':[{'group':'g'}]},"
      "{'direction':'egress'},{'direction':'egress'}]}" },
    { "policies", "{'applies_to':['g']}",
      "{'tier':'application','priority':500,'applies_to':['g'],"
      "'directions':['ingress'],'mode':'enforce','on_change':'recheck'}" },
    { "policies", "{'applies_to':['g','a','g'],'rules':["
      "{'direction':'egress','action':'allow'}]}",
      "{'tier':'application','priority':500,'applies_to':['a','g'],"
      "'directions':['egress'],'mode':'enforce','on_change':'recheck',"
      "'rules':[{'direction':'egress','action':'allow','log':false}]}" },
    { "policies", "{'applies_to':['g'],'directions':[],'priority':0,"
      "'tier':'security','on_change':'keep','mode':'shadow','rules':["
      "{'direction':'ingress','action':'deny','peers':[{'group':'g'},"
      "{'cidr':'10.0.0.0/8'}],'services':[{'service':'http'},"
      "{'protocol':'tcp','ports':['80']}],'log':true},"
      "{'direction':'ingress','action':'pass'}]}",
      "{'tier':'security','priority':0,'applies_to':['g'],'directions':[],"
      "'mode':'shadow','on_change':'keep','rules':[{'direction':'ingress','action':'deny','peers':["
      "{'cidr':'10.0.0.0/8'},{'group':'g'}],'services':["
      "{'protocol':'tcp','ports':['80']},{'service':'http'}],'log':true},"
      "{'direction':'ingress','action':'pass','log':false}]}" },
    { "loadbalancers", "{'vip':'10.0.0.100','networks':['n'],"
      "'ports':[{'port':443,'target':8443},{'port':80}],"
      "'backends':[{'port':'w2','weight':3},{'port':'w1'}],"
      "'selector':'role=web'}",
      "{'vip':'10.0.0.100','networks':['n'],'protocol':'tcp',"
      "'ports':[{'port':80,'target':80},{'port':443,'target':8443}],"
      "'backends':[{'port':'w1','weight':1},{'port':'w2','weight':3}],"
      "'selector':'role=web'}" },
    { "apps", "{}", "{'enabled':true}" },
    { "routers", "{}", "{}" },
    { "routers", "{'mac':'02:00:00:00:00:fe','interfaces':["
      "{'network':'n','addresses':['fd00::1','10.0.0.254']},"
      "{'network':'m'}],'routes':["
      "{'destination':'::/0','via':['fd00::9','fd00::8','fd00::9']},"
      "{'destination':'0.0.0.0/0','source':'10.0.1.1','via':['10.0.0.9']},"
      "{'destination':'0.0.0.0/0','via':['10.0.0.8']},"
      "{'destination':'10.9.0.1','blackhole':true}]}",
      "{'mac':'02:00:00:00:00:fe','interfaces':["
      "{'network':'m'},"
      "{'network':'n','addresses':['10.0.0.254','fd00::1']}],'routes':["
      "{'destination':'0.0.0.0/0','via':['10.0.0.8']},"
      "{'destination':'0.0.0.0/0','source':'10.0.1.1','via':['10.0.0.9']},"
      "{'destination':'10.9.0.1','blackhole':true},"
      "{'destination':'::/0','via':['fd00::8','fd00::9']}]}" },
    { "bindings", "{'host':'h1','candidate':'h2'}",
      "{'host':'h1','candidate':'h2'}" },
};

/* Parses and prints, twice: the canonical form is its own. */
/* A copy in 'arena', printed and parsed again. */
static struct vmn_row *
clone_row(const struct vmn_row *row, struct arena *arena)
{
    const struct schema_table *table = schema_tables[row->table];
    json_t *spec = schema_row_spec(row);
    json_t *status = schema_row_status(row);
    struct vmn_row *clone;
    struct vmn_errors errors;

    vmn_errors_init(&errors);
    clone = schema_row_parse(table, row->name, spec, "", arena, &errors);
    assert_non_null(clone);
    schema_row_parse_status(table, clone, status, "", arena, &errors);
    vmn_errors_uninit(&errors);
    json_decref(spec);
    json_decref(status);
    return clone;
}

static void
good_specs_have_one_canonical_form(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(good_cases); i++) {
        const struct good_case *c = &good_cases[i];
        const struct schema_table *table = schema_find_table(c->table);
        json_t *spec = load(c->spec);
        struct vmn_row *rows[2];
        struct vmn_errors errors;
        struct arena arena;

        assert_non_null(table);
        vmn_errors_init(&errors);
        arena_init(&arena);
        for (int j = 0; j < 2; j++) {
            rows[j] = schema_row_parse(table, "x", spec, "", &arena,
                                       &errors);
            if (!rows[j]) {
                fail_msg("%s: %s: %s", c->spec, errors.errors[0].pointer,
                         errors.errors[0].text);
            }
            json_decref(spec);
            spec = schema_row_spec(rows[j]);

            char *text = dump(spec);
            assert_string_equal(text, c->canonical);
            free(text);
        }
        assert_true(schema_row_same(rows[0], rows[1]));
        assert_true(schema_row_same(rows[0],
                                    clone_row(rows[0], &arena)));
        json_decref(spec);
        arena_uninit(&arena);
        vmn_errors_uninit(&errors);
    }
}

static void
addresses_are_printed_as_others_do(void **state OVS_UNUSED)
{
    char buf[VALUE_IP_SIZE], expected[VALUE_IP_SIZE];

    for (uint32_t i = 0; i < 4096; i++) {
        uint32_t x = i < 256 ? i * 0x01010101 : i * 2654435761u;
        struct vmn_ip ip = { .family = 4, .addr = {
            x >> 24, x >> 16, x >> 8, x } };
        struct vmn_mac mac = { .ea = { x, x >> 8, x >> 16, x >> 24, i, ~i } };

        assert_string_equal(value_format_ip(&ip, buf),
                            inet_ntop(AF_INET, ip.addr, expected,
                                      sizeof expected));
        snprintf(expected, sizeof expected, "%02x:%02x:%02x:%02x:%02x:%02x",
                 mac.ea[0], mac.ea[1], mac.ea[2], mac.ea[3], mac.ea[4],
                 mac.ea[5]);
        assert_string_equal(value_format_mac(mac, buf), expected);
    }
}

/* What is printed is JSON of the same text. */
static void
texts_are_printed_as_json(void **state OVS_UNUSED)
{
    char all[160];
    size_t n = 0;

    for (int c = 1; c < 0x80; c++) {
        all[n++] = c;
    }
    strcpy(all + n, "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
    const char *const texts[] = { "", "plain", "\"", "a\\", "\"\"x\"\"", all };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct ds ds = DS_EMPTY_INITIALIZER;

        schema_print_string(&ds, texts[i]);
        json_t *json = json_loads(ds_cstr(&ds), JSON_DECODE_ANY, NULL);
        assert_non_null(json);
        assert_string_equal(json_string_value(json), texts[i]);
        json_decref(json);
        ds_destroy(&ds);
    }
}

struct bad_case {
    const char *table;
    const char *spec;
    /* "POINTER TEXT" of each error, in order, each on a line. */
    const char *errors;
};

#define POLICY(RULES) "{'applies_to':['g'],'rules':[" RULES "]}"
#define RULE(MORE) "{'direction':'ingress','action':'allow'," MORE "}"
#define LB(MORE) "{'vip':'10.0.0.9','networks':['n']," MORE "}"
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
    { "hosts", HOST("'labels':{'a/b/c':'x','k':1,'l':'-'}"),
      "/labels/a~1b~1c must be a label key, \"NAME\" or \"PREFIX/NAME\": 1 "
      "to 63 of A-Z, a-z, 0-9, '.', '_' and '-', with a letter or digit at "
      "both ends\n"
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
      "/subnets/0/cidr must be a prefix: write \"10.0.0.0/32\" for one "
      "address\n" },
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
      "/subnets/3/cidr must be a prefix: write \"fd00::/128\" for one "
      "address\n"
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
      "/dhcp_options/dns must not be empty: leave it out for what the wider "
      "one says\n"
      "/dhcp_options/domain must be a domain name: parts of 1 to 63 of A-Z, "
      "a-z, 0-9, '-' and '_', with dots between them\n"
      "/dhcp_options/search/0 must be a domain name: parts of 1 to 63 of "
      "A-Z, a-z, 0-9, '-' and '_', with dots between them\n"
      "/dhcp_options/routes/0/destination must be IPv4: DHCPv6 has no routes\n"
      "/dhcp_options/boot_server must be IPv4: IPv6 is not supported here "
      "yet\n" },
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
      "/subnets/0/gateway must not be the subnet's first address\n"
      "/subnets/1/gateway must be an address of the subnet\n"
      "/subnets/2/gateway must be an address of the subnet\n" },
    { "networks", "{'subnets':[{'cidr':'0.0.0.0/8'},{'cidr':'223.0.0.0/8'},"
      "{'cidr':'224.0.0.0/24'},{'cidr':'255.255.255.0/24'}]}",
      "/subnets/0/cidr must be a prefix of unicast addresses\n"
      "/subnets/2/cidr must be a prefix of unicast addresses\n"
      "/subnets/3/cidr must be a prefix of unicast addresses\n" },
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
      "/rules/0/peers/0 needs \"group\" or \"cidr\"\n"
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
      "network\n" },
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
        json_t *spec = load(c->spec);

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

static void
collect_ref(void *ds_, enum vmn_table table, const char *name,
            const struct schema_field *f OVS_UNUSED, const char *pointer)
{
    ds_put_format(ds_, "%s %s %s\n", pointer, schema_tables[table]->plural,
                  name);
}

/* Fails unless each reference and each selector of 's' says whether it acts on
 * its target or only mentions it, and nothing else does. */
static void
check_reach(const char *table, const struct schema_struct *s)
{
    for (const struct schema_field *f = s->fields; f->name; f++) {
        bool reaches = f->type == SCHEMA_REF || f->type == SCHEMA_SELECTOR;

        if (reaches != (f->reach != SCHEMA_UNDECIDED)) {
            fail_msg("field \"%s\" of %s, %s: decide what it does to its "
                     "target (enum schema_reach)", f->name, table, s->name);
        }
        if (f->type == SCHEMA_STRUCT) {
            check_reach(table, f->nested);
        }
    }
}

static void
references_and_selectors_say_what_they_do(void **state OVS_UNUSED)
{
    for (int i = 0; i < VMN_N_TABLES; i++) {
        if (!schema_tables[i]->observed) {
            check_reach(schema_tables[i]->plural, &schema_tables[i]->row);
        }
    }
}

static void
references_are_found(void **state OVS_UNUSED)
{
    static const struct bad_case cases[] = {
        { "ports", "{'network':'n','host':'h'}",
          "/network networks n\n/host hosts h\n" },
        { "policies", POLICY(RULE("'peers':[{'cidr':'10.0.0.0/8'},"
                                  "{'group':'b'}],"
                                  "'services':[{'service':'s'}]")),
          "/tier tiers application\n/applies_to/0 groups g\n"
          "/rules/0/peers/1/group groups b\n"
          "/rules/0/services/0/service services s\n" },
        { "bindings", "{'host':'h'}", " ports x\n/host hosts h\n" },
        { "loadbalancers", LB("'ports':[{'port':80}],"
                              "'backends':[{'port':'p'}]"),
          "/networks/0 networks n\n/backends/0/port ports p\n" },
        { "routers", "{'interfaces':[{'network':'n'},{'network':'m'}]}",
          "/interfaces/0/network networks m\n"
          "/interfaces/1/network networks n\n" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct schema_table *table = schema_find_table(cases[i].table);
        json_t *spec = load(cases[i].spec);
        struct ds ds = DS_EMPTY_INITIALIZER;
        struct vmn_errors errors;
        struct arena arena;

        vmn_errors_init(&errors);
        arena_init(&arena);
        struct vmn_row *row = schema_row_parse(table, "x", spec, "", &arena,
                                               &errors);
        assert_non_null(row);
        schema_row_refs(row, collect_ref, &ds);
        assert_string_equal(ds_cstr(&ds), cases[i].errors);
        ds_destroy(&ds);
        arena_uninit(&arena);
        json_decref(spec);
    }
}

static void
given_values_are_the_status(void **state OVS_UNUSED)
{
    const struct schema_table *table = schema_tables[VMN_TABLE_PORT];
    json_t *spec = load("{'network':'n'}");
    json_t *status = load("{'mac':'02:00:00:00:00:01','ips':['10.0.0.2']}");
    struct vmn_errors errors;
    struct arena arena;

    vmn_errors_init(&errors);
    arena_init(&arena);
    struct vmn_row *row = schema_row_parse(table, "p", spec, "", &arena,
                                           &errors);
    struct vmn_row *plain = clone_row(row, &arena);
    assert_true(schema_row_parse_status(table, row, status, "", &arena,
                                        &errors));
    assert_true(schema_row_same_spec(row, plain));
    assert_false(schema_row_same(row, plain));

    json_t *printed = schema_row_status(row);
    assert_true(json_equal(printed, status));
    json_decref(printed);
    printed = schema_row_spec(row);
    assert_null(json_object_get(printed, "mac"));
    json_decref(printed);
    json_decref(spec);
    json_decref(status);
    arena_uninit(&arena);
}

/* The description itself: what code relies on without checking. */
static void
description_is_consistent(void **state OVS_UNUSED)
{
    for (int i = 0; i < VMN_N_TABLES; i++) {
        const struct schema_table *table = schema_tables[i];

        assert_int_equal(table->id, i);
        assert_ptr_equal(schema_find_table(table->plural), table);
        assert_ptr_equal(schema_find_table(table->singular), table);
        assert_non_null(table->columns);
        assert_non_null(table->doc);
        assert_true(table->max_rows > 0);
        for (const struct schema_field *f = table->row.fields; f->name; f++) {
            assert_non_null(f->doc);
            assert_true(f->offset >= sizeof(struct vmn_row));
            assert_ptr_equal(schema_find_field(&table->row, f->name), f);
            if (f->flags & SCHEMA_LIST) {
                assert_true(f->max_items > 0);
            }
        }
    }
    assert_null(schema_find_table("nothing"));
}

/* What is only shown.  ---------------------------------------------------- */

struct shown_inner {
    const char *name;
    int64_t n;
};

struct shown {
    const char *text;
    const char *state;
    int64_t time, never;
    double value, nothing;
    uint64_t count;
    bool yes;
    size_t n_hidden;
    struct shown_inner inner;
    struct shown_inner *pointer;
    size_t n_list;
    struct shown_inner *list;
    size_t n_map;
    struct schema_entry *map;
};

static const struct schema_struct shown_inner = SHOWN_KEPT(
    "inner", shown_inner,
    SHOWN_OF(shown_inner, n, I64, HIDE, "A number.", .def = -1));

static const struct schema_struct shown = SHOWN_KEPT(
    "Shown", shown,
    SHOWN_OF(shown, text, STRING, 0, "A text."),
    SHOWN_OF(shown, state, ENUM, 0, "A word.", SHOWN_NAMES("up", "down")),
    SHOWN_OF(shown, time, STRING, TIME, "A time."),
    SHOWN_OF(shown, never, STRING, ALWAYS | TIME | OR_NULL, "A time."),
    SHOWN_OF(shown, value, DOUBLE, ALWAYS, "A number."),
    SHOWN_OF(shown, nothing, DOUBLE, ALWAYS | OR_NULL, "A number."),
    SHOWN_OF(shown, count, U64, ALWAYS, "A number."),
    SHOWN_OF(shown, yes, BOOL, ALWAYS, "Whether."),
    SHOWN_OF(shown, n_hidden, SIZE, HIDE, "A number."),
    SHOWN_STRUCT_OF(shown, inner, ALWAYS, "A struct.", &shown_inner),
    SHOWN_STRUCT_OF(shown, pointer, POINTER, "A struct.", &shown_inner),
    SHOWN_LIST_OF(shown, list, n_list, STRUCT, 0, "A list.",
                  .nested = &shown_inner),
    SHOWN_MAP_OF(shown, map, n_map, U64, ALWAYS, "An object."));

static void
assert_shown(const struct shown *what, const char *want)
{
    json_t *json = schema_struct_to_json(&shown, what);
    char *text = dump(json);

    assert_string_equal(text, want);
    free(text);
    json_decref(json);
}

/* What not every struct needs. */
struct rare {
    const char *owner;
    const bool *known;
    double share;
    size_t n_changes;
    struct schema_texts *changes;
    size_t n_names;
    const char **names;
};

static const struct schema_struct rare = SHOWN_KEPT(
    "Rare", rare,
    SHOWN_OF(rare, owner, STRING, OR_NULL, "A text."),
    SHOWN("known", BOOL, POINTER, "Whether.",
          SHOWN_AT(rare, known, sizeof(const bool *))),
    SHOWN_OF(rare, share, DOUBLE, EXACT, "A number."),
    SHOWN_MAP_OF(rare, changes, n_changes, STRING, LIST, "Lists of texts."),
    SHOWN_LIST_OF(rare, names, n_names, STRING, 0, "Texts."));

static void
count_pause(void *n_)
{
    ++*(int *) n_;
}

static void
assert_rare(const struct rare *what, int n_pauses, const char *want)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    int n = 0;

    schema_struct_print_pausing(&rare, what, &ds, count_pause, &n);
    assert_string_equal(ds_cstr(&ds), want);
    assert_int_equal(n, n_pauses);
    ds_clear(&ds);
    schema_struct_print(&rare, what, &ds);
    assert_string_equal(ds_cstr(&ds), want);
    ds_destroy(&ds);
}

static void
absent_null_exact_and_mapped_members_are_shown(void **state OVS_UNUSED)
{
    static const char *texts[] = { "1", "a\"b" };
    static const bool no = false;
    struct schema_texts changes[] = { { "x", 2, texts }, { "y", 0, NULL } };

    assert_rare(&(struct rare) { .share = NAN }, 0, "{\"owner\":null}");
    assert_rare(&(struct rare) { .owner = schema_absent, .share = INFINITY },
                0, "{}");
    assert_rare(&(struct rare) { "o", &no, 1.0 / 3, 2, changes, 2, texts }, 2,
                "{\"owner\":\"o\",\"known\":false,"
                "\"share\":0.33333333333333331,"
                "\"changes\":{\"x\":[\"1\",\"a\\\"b\"],\"y\":[]},"
                "\"names\":[\"1\",\"a\\\"b\"]}");
    assert_rare(&(struct rare) { .owner = "", .share = 1 }, 0,
                "{\"owner\":\"\",\"share\":1.0}");
}

/* True if the members of 's' lead to 'path': "lag/revisions"; of a list, an
 * asterisk stands for an element. */
static bool
has_path(const struct schema_struct *s, const char *path)
{
    size_t len = strcspn(path, "/");
    char *name = xmemdup0(path, len);
    const struct schema_field *f = s ? schema_find_field(s, name) : NULL;
    const char *rest = path + len;

    free(name);
    if (!strncmp(rest, "/*", 2)) {
        rest += 2;
    }
    return f && (!*rest || (f->nested && has_path(f->nested, rest + 1)));
}

/* Columns of vmnctl show what the tables describe. */
static void
columns_are_of_described_members(void **state OVS_UNUSED)
{
    for (int i = 0; i < VMN_N_TABLES; i++) {
        const struct schema_column *c = schema_tables[i]->columns;

        for (; c && c->heading; c++) {
            const char *status = "/status/";

            if (!strncmp(c->path, status, strlen(status))
                && !has_path(schema_tables[i]->status,
                             c->path + strlen(status))
                && !has_path(&schema_tables[i]->row,
                             c->path + strlen(status))) {
                fail_msg("%s: %s", schema_tables[i]->plural, c->path);
            }
        }
    }
}

static void
what_is_absent_is_left_out_or_null(void **state OVS_UNUSED)
{
    struct shown s = { .nothing = NAN, .inner.n = -1 };

    assert_shown(&s, "{'never':null,'value':0.0,'nothing':null,'count':0,"
                 "'yes':false,'inner':{},'map':{}}");
}

static void
structs_are_shown_by_their_description(void **state OVS_UNUSED)
{
    struct shown_inner list[] = { { "a", 0 }, { "b", -7 } };
    struct schema_entry map[] = { { "x", 1 }, { "y", 2 } };
    struct shown s = {
        .text = "a \x01 caf\xe9", .state = "down",
        .time = 1763632801234, .value = 0.1, .nothing = 3,
        .count = INT64_MAX, .yes = true, .n_hidden = 5, .inner.n = 6,
        .pointer = list, .n_list = 2, .list = list, .n_map = 2, .map = map,
    };

    assert_shown(&s, "{'text':'a \\u0001 caf?','state':'down',"
                 "'time':'2025-11-20T10:00:01.234Z','never':null,"
                 "'value':0.10000000000000001,'nothing':3.0,"
                 "'count':9223372036854775807,'yes':true,'n_hidden':5,"
                 "'inner':{'n':6},'pointer':{'n':0},"
                 "'list':[{'n':0},{'n':-7}],'map':{'x':1,'y':2}}");
    s = (struct shown) { .list = list, .value = 1e20, .nothing = NAN };
    assert_shown(&s, "{'never':null,'value':1e20,'nothing':null,'count':0,"
                 "'yes':false,'inner':{'n':0},'list':[],'map':{}}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_printed_as_others_do),
        cmocka_unit_test(texts_are_printed_as_json),
        cmocka_unit_test(good_specs_have_one_canonical_form),
        cmocka_unit_test(bad_specs_get_all_their_errors),
        cmocka_unit_test(bad_names_are_refused),
        cmocka_unit_test(lists_are_bounded),
        cmocka_unit_test(policy_levels_are_bounded),
        cmocka_unit_test(only_the_first_errors_are_kept),
        cmocka_unit_test(references_are_found),
        cmocka_unit_test(references_and_selectors_say_what_they_do),
        cmocka_unit_test(given_values_are_the_status),
        cmocka_unit_test(columns_are_of_described_members),
        cmocka_unit_test(what_is_absent_is_left_out_or_null),
        cmocka_unit_test(structs_are_shown_by_their_description),
        cmocka_unit_test(absent_null_exact_and_mapped_members_are_shown),
        cmocka_unit_test(description_is_consistent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
