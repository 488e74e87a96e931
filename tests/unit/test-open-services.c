/* SPDX-License-Identifier: Apache-2.0
 *
 * All services by which somebody is reached, with the built apps; and the
 * parts into which prefixes cut addresses. */

#include <config.h>

#include "tests/unit/trace-fixture.h"

#include <stdlib.h>
#include <string.h>

#include "controller/northbound/openapi-operations.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-struct.h"
#include "controller/schema/value.h"
#include "controller/simulator/address-cells.h"
#include "controller/simulator/open-services.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Parts of addresses.  --------------------------------------------------- */

/* Asserts that 'prefixes' cut 'range' into parts such as
 * "10.0.0.0-10.0.0.9 by 10.0.0.1". */
static void
assert_cells(const char *range, const char *prefixes, const char *preferred,
             const char *want)
{
    char *copy = xstrdup(prefixes), *save = NULL;
    struct vmn_prefix all, cut[8];
    struct vmn_ip sender = { .family = 0 };
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct address_cell *cells;
    size_t n = 0, n_cells;

    assert_int_equal(value_parse_prefix(range, true, &all, NULL), 0);
    for (char *text = strtok_r(copy, ",", &save); text;
         text = strtok_r(NULL, ",", &save)) {
        assert_int_equal(value_parse_prefix(text, true, &cut[n++], NULL), 0);
    }
    if (preferred) {
        assert_int_equal(value_parse_ip(preferred, &sender, NULL), 0);
    }
    cells = address_cells_cut(&all, cut, n, sender, &n_cells);
    for (size_t i = 0; i < n_cells; i++) {
        char text[VALUE_IP_SIZE];

        ds_put_format(&ds, "%s%s-", i ? ", " : "",
                      value_format_ip(&cells[i].first, text));
        ds_put_format(&ds, "%s by ", value_format_ip(&cells[i].last, text));
        ds_put_cstr(&ds, value_format_ip(&cells[i].sender, text));
    }
    assert_string_equal(ds_cstr(&ds), want);
    ds_destroy(&ds);
    free(cells);
    free(copy);
}

static void
prefixes_cut_addresses(void **state OVS_UNUSED)
{
    assert_cells("10.0.0.0/24", "", NULL,
                 "10.0.0.0-10.0.0.255 by 10.0.0.1");
    assert_cells("10.0.0.0/24", "10.0.0.128/25,10.9.0.0/16,fd00::/8", NULL,
                 "10.0.0.0-10.0.0.127 by 10.0.0.1, "
                 "10.0.0.128-10.0.0.255 by 10.0.0.129");
    /* One within the other, and a single address. */
    assert_cells("10.0.0.0/24", "10.0.0.0/25,10.0.0.5/32", "10.0.0.9",
                 "10.0.0.0-10.0.0.4 by 10.0.0.1, "
                 "10.0.0.5-10.0.0.5 by 10.0.0.5, "
                 "10.0.0.6-10.0.0.127 by 10.0.0.9, "
                 "10.0.0.128-10.0.0.255 by 10.0.0.129");
    /* The range may be within a prefix. */
    assert_cells("10.0.0.5/32", "10.0.0.0/8", NULL,
                 "10.0.0.5-10.0.0.5 by 10.0.0.5");
    /* Who cannot send does not. */
    assert_cells("0.0.0.0/0", "224.0.0.0/4", NULL,
                 "0.0.0.0-223.255.255.255 by 1.0.0.1");
    assert_cells("0.0.0.0/0", "127.0.0.0/8", "192.0.2.1",
                 "0.0.0.0-126.255.255.255 by 1.0.0.1, "
                 "128.0.0.0-255.255.255.255 by 192.0.2.1");
    assert_cells("::/0", "2001:db8::/32", NULL,
                 "::-2001:db7:ffff:ffff:ffff:ffff:ffff:ffff by 100::1, "
                 "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff by "
                 "2001:db8::1, 2001:db9::-"
                 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff by 2001:db9::1");
}

/* Services.  ------------------------------------------------------------- */

/* "red" behind router "r", whose gateway h1 has a way to network "out"; port
 * "far" has a floating address, and "near" is on another host. */
#define WORLD                                                               \
    "'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1',"           \
    " 'provider_bridges': [{'physical': 'dc', 'bridge': 'br-ex'}]},"        \
    "'hosts/h3': {'ovsdb': 'unix:/h3', 'tunnel_ip': '10.99.0.3'},"          \
    "'vifs/h1/@dc': {'host': 'h1', 'iface_id': '@dc',"                      \
    " 'iface': 'vmn-to-br-ex', 'ofport': 41},"                              \
    "'networks/out': {'vni': 9, 'provider': {'physical': 'dc'},"            \
    " 'subnets': [{'cidr': '10.9.0.0/24', 'gateway': '10.9.0.1'}]},"        \
    "'networks/red': {'subnets': [{'cidr': '10.1.0.0/24',"                  \
    " 'gateway': '10.1.0.1'}]},"                                            \
    VM("near", "11", "h1", "21") "," VM("far", "12", "h3", "22") ","        \
    VM("client", "13", "h3", "23") ","                                      \
    "'routers/r': {'mac': '0e:00:00:00:00:01',"                             \
    " 'interfaces': [{'network': 'red'}], 'external': {"                    \
    " 'network': 'out', 'addresses': ['10.9.0.9'],"                         \
    " 'gateways': [{'host': 'h1'}],"                                        \
    " 'forwards': [{'protocol': 'tcp', 'port': 8080, 'to': 'near',"         \
    "  'target': 80}]}},"                                                   \
    "'floating-ips/f': {'router': 'r', 'ip': '10.9.0.20', 'port': 'far'}"
#define VM(NAME, N, HOST, OFPORT)                                           \
    "'ports/" NAME "': {'network': 'red', 'mac': '02:00:00:00:00:" N "',"   \
    " 'ips': ['10.1.0." N "'], 'labels': {'role': '" NAME "'}},"            \
    "'bindings/" NAME "': {'host': '" HOST "'},"                            \
    "'vifs/" HOST "/" NAME "': {'host': '" HOST "', 'iface_id': '" NAME "'," \
    " 'iface': 'tap', 'ofport': " OFPORT "}"
#define FOR_FAR(RULES)                                                       \
    "{'groups/far': {'selector': 'role=far'},"                              \
    "'groups/clients': {'ports': ['near', 'client']},"                      \
    "'policies/p': {'applies_to': ['far'], 'rules': [" RULES "]}}"

static void
put_service(const json_t *service, struct ds *ds)
{
    const json_t *port = json_object_get(service, "port"), *source;
    const json_t *end = json_object_get(service, "end_port");
    const json_t *object = json_object_get(service, "object");
    size_t i;

    ds_put_format(ds, "%s%s", ds->length ? "; " : "", json_string_value(
        json_object_get(service, "protocol")));
    if (port) {
        ds_put_format(ds, "/%d", (int) json_integer_value(port));
    }
    if (end) {
        ds_put_format(ds, "-%d", (int) json_integer_value(end));
    }
    json_array_foreach (json_object_get(service, "sources"), i, source) {
        ds_put_format(ds, " %s", json_string_value(source));
    }
    if (json_object_get(service, "family")) {
        ds_put_format(ds, " (IPv%d)", (int) json_integer_value(
            json_object_get(service, "family")));
    }
    ds_put_format(ds, " by %s", json_is_object(object)
                  ? json_string_value(json_object_get(object, "name"))
                  : "?");
    if (json_object_get(service, "rule")) {
        ds_put_format(ds, "#%d", (int) json_integer_value(
            json_object_get(service, "rule")));
    }
}

/* Asserts what is open, or with which error nothing can be told. */
static void
assert_open(struct apps_fixture *f, const char *from, const char *group,
            const char *to, const char *want)
{
    const struct open_request request = {
        .from = from, .group = group, .to = to,
    };
    struct vmn_error error = VMN_ERROR_INIT;
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct open_services *found;
    struct arena arena;

    arena_init(&arena);
    found = open_services_find(apps_fixture_engine(f), apps_fixture_model(f),
                               apps_fixture_pipeline(f), &request, &arena,
                               &error);
    if (found) {
        json_t *json = schema_struct_to_json(&nb_reply_open_services, found);
        const json_t *service;
        size_t i;

        json_array_foreach (json_object_get(json, "services"), i, service) {
            put_service(service, &ds);
        }
        if (found->n_addresses > 1) {
            ds_put_cstr(&ds, "; by both families");
        }
        json_array_foreach (json_object_get(json, "warnings"), i, service) {
            ds_put_format(&ds, "; %s", json_string_value(service));
        }
        json_decref(json);
    } else {
        assert_non_null(error.text);
        ds_put_format(&ds, "error: %s", error.text);
    }
    assert_string_equal(ds_cstr(&ds), want);
    vmn_error_uninit(&error);
    ds_destroy(&ds);
    arena_uninit(&arena);
}

#define ALL "tcp/1-65535 by red; udp/1-65535 by red; sctp/1-65535 by red; " \
            "icmp by red"

static void
open_network_lets_in_all(void **state OVS_UNUSED)
{
    struct apps_fixture *f = create_shop("{" WORLD "}");

    assert_open(f, "outside", NULL, "far", ALL);
    assert_open(f, "outside", NULL, "10.9.0.20", ALL);
    assert_open(f, "203.0.113.0/24", NULL, "f", ALL);
    assert_open(f, "client", NULL, "far", ALL);
    /* Without an address outside nobody is reached from there, but by a port
     * forward. */
    assert_open(f, "outside", NULL, "near", "");
    assert_open(f, "outside", NULL, "10.9.0.9",
                "tcp/8080 by ?; icmp by ?");
    assert_open(f, "outside", NULL, "nobody", "error: \"nobody\" is no port, "
                "loadbalancer, floating-ip or address");
    apps_fixture_destroy(f);
}

static void
policies_let_in_what_they_allow(void **state OVS_UNUSED)
{
    struct apps_fixture *f = create_shop("{" WORLD "}");

    apps_fixture_apply(f, FOR_FAR(
        "{'direction': 'ingress', 'action': 'deny', 'services':"
        " [{'protocol': 'tcp', 'ports': ['25']}]},"
        "{'direction': 'ingress', 'action': 'allow', 'services':"
        " [{'protocol': 'tcp', 'ports': ['20-30', '80']}]},"
        "{'direction': 'ingress', 'action': 'allow', 'services':"
        " [{'protocol': 'icmp'}]}"));
    assert_open(f, "outside", NULL, "far", "tcp/20-24 by p#1; "
                "tcp/26-30 by p#1; tcp/80 by p#1; icmp by p#2");
    assert_open(f, "client", NULL, "far", "tcp/20-24 by p#1; "
                "tcp/26-30 by p#1; tcp/80 by p#1; icmp by p#2");
    /* Up to the last port. */
    apps_fixture_apply(f, FOR_FAR(
        "{'direction': 'ingress', 'action': 'allow', 'services':"
        " [{'protocol': 'udp', 'ports': ['65535']},"
        "  {'protocol': 'sctp', 'ports': ['1-65534']}]}"));
    assert_open(f, "client", NULL, "far",
                "udp/65535 by p#0; sctp/1-65534 by p#0");
    apps_fixture_apply(f, "{'quarantines/q': {'ports': ['far']}}");
    assert_open(f, "outside", NULL, "far", "");
    apps_fixture_destroy(f);
}

static void
senders_are_told_apart(void **state OVS_UNUSED)
{
    struct apps_fixture *f = create_shop("{" WORLD "}");

    apps_fixture_apply(f, FOR_FAR(
        "{'direction': 'ingress', 'action': 'allow', 'peers':"
        " [{'cidr': '203.0.113.0/24', 'except': ['203.0.113.128/25']}],"
        " 'services': [{'protocol': 'tcp', 'ports': ['22']}]},"
        "{'direction': 'ingress', 'action': 'allow', 'peers':"
        " [{'group': 'clients'}], 'services':"
        " [{'protocol': 'tcp', 'ports': ['80']}]},"
        "{'direction': 'ingress', 'action': 'allow', 'services':"
        " [{'protocol': 'tcp', 'ports': ['443']}]}"));
    assert_open(f, "outside", NULL, "far",
                "tcp/22 203.0.113.0-203.0.113.127 by p#0; tcp/443 by p#2");
    assert_open(f, "203.0.113.7", NULL, "far",
                "tcp/22 by p#0; tcp/443 by p#2");
    assert_open(f, "198.51.100.0/24", NULL, "far", "tcp/443 by p#2");
    assert_open(f, "client", NULL, "far", "tcp/80 by p#1; tcp/443 by p#2");
    assert_open(f, NULL, "clients", "far", "tcp/80 by p#1; tcp/443 by p#2");
    /* Of some of a group. */
    apps_fixture_apply(f, "{'groups/one': {'ports': ['client']},"
                       "'policies/out': {'applies_to': ['one']}}");
    assert_open(f, NULL, "clients", "far", "tcp/80 by p#1; tcp/443 by p#2");
    apps_fixture_apply(f, "{'policies/out': {'applies_to': ['one'],"
                       " 'directions': ['egress']}}");
    assert_open(f, NULL, "clients", "far",
                "tcp/80 near by p#1; tcp/443 near by p#2");
    apps_fixture_apply(f, "{'groups/none': {'cidrs': ['192.0.2.0/24']}}");
    assert_open(f, NULL, "none", "far",
                "error: has nobody who could send by IPv4");
    apps_fixture_destroy(f);
}

/* NAT of a floating address leaves ports of SCTP alone, which conntrack need
 * not know. */
static void
sctp_from_outside_keeps_its_ports(void **state OVS_UNUSED)
{
    struct apps_fixture *f = create_shop("{" WORLD "}");

    apps_fixture_apply(f, FOR_FAR(
        "{'direction': 'ingress', 'action': 'allow', 'services':"
        " [{'protocol': 'sctp', 'ports': ['2905']}]}"));
    assert_open(f, "outside", NULL, "far", "sctp/2905 by p#0");
    assert_open(f, "client", NULL, "far", "sctp/2905 by p#0");
    traced(f, "{'from': 'outside', 'to': 'far', 'protocol': 'sctp',"
           " 'port': 2905, 'reply': true}",
           "delivered | request delivered h3 far");
    traced(f, "{'from': 'client', 'to': 'outside', 'protocol': 'sctp',"
           " 'port': 2905, 'network': 'out'}",
           "delivered | request delivered h1 @dc");
    apps_fixture_destroy(f);
}

/* Where no gateway is known to send by IPv4, others may all the same; and if a
 * port is not reached by IPv4, the answer says so. */
static void
no_family_is_left_out_without_a_word(void **state OVS_UNUSED)
{
    struct apps_fixture *f = create_shop("{" WORLD "}");

    apps_fixture_apply(
        f, "{'networks/road': {'vni': 8, 'provider': {'physical': 'dc',"
        " 'vlan': 8}, 'subnets': [{'cidr': '10.8.0.0/24'},"
        " {'cidr': 'fd08::/64', 'gateway': 'fd08::1'}]},"
        "'ports/edge': {'network': 'road', 'mac': '02:00:00:00:00:14',"
        " 'ips': ['10.8.0.4', 'fd08::4']}, 'bindings/edge': {'host': 'h1'},"
        "'vifs/h1/edge': {'host': 'h1', 'iface_id': 'edge', 'iface': 'tap',"
        " 'ofport': 24}}");
    assert_open(f, "outside", NULL, "edge",
                "tcp/1-65535 by road; udp/1-65535 by road; "
                "sctp/1-65535 by road; icmp by road; by both families");
    apps_fixture_apply(
        f, "{'networks/red': {'subnets': [{'cidr': '10.1.0.0/24',"
        " 'gateway': '10.1.0.1'}, {'cidr': 'fd01::/64',"
        " 'gateway': 'fd01::1'}]}, 'ports/near': {'network': 'red',"
        " 'mac': '02:00:00:00:00:11', 'ips': ['10.1.0.11', 'fd01::11']}}");
    apps_fixture_apply(
        f, "{'networks/out': {'vni': 9, 'provider': {'physical': 'dc'},"
        " 'subnets': [{'cidr': '10.9.0.0/24', 'gateway': '10.9.0.1'},"
        " {'cidr': 'fd09::/64', 'gateway': 'fd09::1'}]},"
        "'floating-ips/f': {'router': 'r', 'ip': 'fd09::20',"
        " 'port': 'near'},"
        "'routers/r': {'mac': '0e:00:00:00:00:01',"
        " 'interfaces': [{'network': 'red'}], 'external': {"
        " 'network': 'out', 'addresses': ['fd09::9'],"
        " 'gateways': [{'host': 'h1'}]}}}");
    assert_open(f, "outside", NULL, "near",
                ALL "; nothing is told of IPv4: router \"r\" has no external "
                "IPv4 address, by which it could be reached");
    apps_fixture_destroy(f);
}

/* Neither what a shadow would do, nor what is handed on, nor what lets a
 * sender's packets out, is what lets them in. */
static void
what_decides_is_named(void **state OVS_UNUSED)
{
    struct apps_fixture *f = create_shop("{" WORLD "}");

    apps_fixture_apply(f, FOR_FAR(
        "{'direction': 'ingress', 'action': 'allow', 'services':"
        " [{'protocol': 'tcp', 'ports': ['80']}]}"));
    /* Of a tier behind the one that decides, and of one before. */
    apps_fixture_apply(
        f, "{'policies/try': {'tier': 'application', 'priority': 1,"
        " 'mode': 'shadow', 'applies_to': ['far'], 'rules': ["
        " {'direction': 'ingress', 'action': 'allow', 'log': true}]},"
        "'policies/first': {'tier': 'security', 'applies_to': ['far'],"
        " 'rules': [{'direction': 'ingress', 'action': 'pass',"
        " 'log': true}]},"
        "'policies/last': {'tier': 'baseline', 'applies_to': ['far'],"
        " 'mode': 'shadow', 'rules': ["
        " {'direction': 'ingress', 'action': 'deny'}]}}");
    assert_open(f, "client", NULL, "far", "tcp/80 by p#0");
    assert_open(f, "outside", NULL, "far", "tcp/80 by p#0");
    apps_fixture_apply(f, "{'policies/p': {'applies_to': ['far'],"
                       " 'mode': 'shadow', 'rules': ["
                       " {'direction': 'ingress', 'action': 'allow'}]}}");
    assert_open(f, "client", NULL, "far", ALL);
    /* And a pass of the last tier. */
    apps_fixture_apply(f, "{'policies/last': {'tier': 'baseline',"
                       " 'applies_to': ['far'], 'rules': ["
                       " {'direction': 'ingress', 'action': 'pass'}]}}");
    assert_open(f, "outside", NULL, "far", ALL);
    apps_fixture_apply(f, "{'policies/out': {'applies_to': ['clients'],"
                       " 'directions': ['egress'], 'rules': ["
                       " {'direction': 'egress', 'action': 'allow'}]}}");
    assert_open(f, "client", NULL, "far", ALL);
    apps_fixture_destroy(f);
}

static void
work_is_bounded(void **state OVS_UNUSED)
{
    struct apps_fixture *f = create_shop("{" WORLD "}");
    struct ds rules = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&rules, "{'groups/far': {'selector': 'role=far'},"
                "'policies/p': {'applies_to': ['far'], 'rules': [");
    for (int i = 0; i < OPEN_SOURCES_MAX; i++) {
        ds_put_format(&rules, "%s{'direction': 'ingress', 'action': 'allow',"
                      " 'peers': [{'cidr': '203.0.%d.0/24'}]}",
                      i ? "," : "", 2 * i);
    }
    ds_put_cstr(&rules, "]}}");
    apps_fixture_apply(f, ds_cstr(&rules));
    assert_open(f, "outside", NULL, "far", "error: policies tell 129 senders "
                "apart, and at most 64 are looked at: ask from one port, or "
                "from one address");
    assert_open(f, "203.0.2.1", NULL, "far", "tcp/1-65535 by p#1; "
                "udp/1-65535 by p#1; sctp/1-65535 by p#1; icmp by p#1");
    ds_destroy(&rules);
    apps_fixture_destroy(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes_cut_addresses),
        cmocka_unit_test(open_network_lets_in_all),
        cmocka_unit_test(policies_let_in_what_they_allow),
        cmocka_unit_test(senders_are_told_apart),
        cmocka_unit_test(sctp_from_outside_keeps_its_ports),
        cmocka_unit_test(no_family_is_left_out_without_a_word),
        cmocka_unit_test(what_decides_is_named),
        cmocka_unit_test(work_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
