/* SPDX-License-Identifier: Apache-2.0
 *
 * controller/schema: specifications that are good have one canonical form;
 * what they refer to, what their status is; descriptions are consistent. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "controller/schema/arena.h"
#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/model-util.h"
#include "tests/unit/schema-fixture.h"
#include "util.h"

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
    { "networks", "{'description':'\\u00a0\\u00e4\\u2027\\u202f\\u2065"
      "\\u206a\\ud83d\\ude00'}",
      "{'description':'\u00a0\u00e4\u2027\u202f\u2065\u206a\U0001f600',"
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
    { "ports", "{'network':'n','dhcp_options':{'options':["
      "{'code':224,'hex':'FF'},{'code':119,'hex':'0161c000'}]}}",
      "{'network':'n','enabled':true,'quarantined':false,'iface_id':'x',"
      "'dhcp_options':{'options':[{'code':119,'hex':'0161c000'},"
      "{'code':224,'hex':'FF'}]}}" },
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
    /* Names below a name follow it; addresses come last. */
    { "dns-zones", "{'networks':['n'],'records':["
      "{'name':'10.0.0.9','type':'PTR','values':['a.test']},"
      "{'name':'y.b','type':'A','values':['10.0.0.1']},"
      "{'name':'b-a','type':'A','values':['10.0.0.1']},"
      "{'name':'z','type':'A','values':['10.0.0.1']},"
      "{'name':'x.y.b','type':'A','values':['10.0.0.1']},"
      "{'name':'b','type':'AAAA','values':['fd00::1']},"
      "{'name':'b','type':'A','values':['10.0.0.1']}]}",
      "{'domain':'x','networks':['n'],'ports':true,'ttl':30,'records':["
      "{'name':'b','type':'A','values':['10.0.0.1']},"
      "{'name':'b','type':'AAAA','values':['fd00::1']},"
      "{'name':'y.b','type':'A','values':['10.0.0.1']},"
      "{'name':'x.y.b','type':'A','values':['10.0.0.1']},"
      "{'name':'b-a','type':'A','values':['10.0.0.1']},"
      "{'name':'z','type':'A','values':['10.0.0.1']},"
      "{'name':'10.0.0.9','type':'PTR','values':['a.test']}]}" },
    { "groups", "{}", "{}" },
    { "groups", "{'selector':''}", "{'selector':''}" },
    { "groups", "{'selector':'b,a==1','ports':['p2','p1','p2'],"
      "'cidrs':['::/0','10.0.0.0/8','0.0.0.0/0','Fd00::/8']}",
      "{'selector':'a=1,b','ports':['p1','p2'],"
      "'cidrs':['0.0.0.0/0','10.0.0.0/8','::/0','fd00::/8']}" },
    { "groups", "{'cidrs':['fd00::5','10.0.0.5/32','10.0.0.4','10.0.0.5',"
      "'10.0.0.0/24'],'except':['10.0.0.0','10.0.0.7']}",
      "{'cidrs':['10.0.0.0/24','10.0.0.4/32','10.0.0.5/32','fd00::5/128'],"
      "'except':['10.0.0.0/32','10.0.0.7/32']}" },
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
      "{'host':'h1','candidate':'h2','activated':false}" },
};

/* Parses and prints, twice: the canonical form is its own. */
/* A copy in 'arena', printed and parsed again. */
static struct vmn_row *
clone_row(const struct vmn_row *row, struct arena *arena)
{
    const struct schema_table *table = schema_tables[row->table];
    json_t *spec = schema_row_spec(row);
    json_t *status = model_util_row_status(row);
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
        json_t *spec = load_row(c->spec);
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

            char *text = dump_row(spec);
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
    for (int i = 0; i < VMN_TABLE_OWN_FIRST; i++) {
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
        json_t *spec = load_row(cases[i].spec);
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
    json_t *spec = load_row("{'network':'n'}");
    json_t *status = load_row("{'mac':'02:00:00:00:00:01',"
                              "'ips':['10.0.0.2']}");
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

    json_t *printed = model_util_row_status(row);
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
    for (int i = 0; i < VMN_TABLE_OWN_FIRST; i++) {
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_printed_as_others_do),
        cmocka_unit_test(texts_are_printed_as_json),
        cmocka_unit_test(good_specs_have_one_canonical_form),
        cmocka_unit_test(references_are_found),
        cmocka_unit_test(references_and_selectors_say_what_they_do),
        cmocka_unit_test(given_values_are_the_status),
        cmocka_unit_test(description_is_consistent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
