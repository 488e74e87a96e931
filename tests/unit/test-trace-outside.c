/* SPDX-License-Identifier: Apache-2.0
 *
 * Traces from and to those outside: by a router's external network, and in a
 * provider network itself.  Traces between ports are in test-trace.c. */

#include <config.h>

#include "tests/unit/trace-fixture.h"

#include "util.h"

/* Network "out" on VLAN 7 of a physical network, to which h1 and h2 have a
 * way, and "red" behind router "r", whose gateway h1 is. */
#define OUT                                                                 \
    "'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1',"           \
    " 'provider_bridges': [{'physical': 'dc', 'bridge': 'br-ex'}]},"        \
    "'hosts/h2': {'ovsdb': 'unix:/h2', 'tunnel_ip': '10.99.0.2',"           \
    " 'provider_bridges': [{'physical': 'dc', 'bridge': 'br-ex'}]},"        \
    "'hosts/h3': {'ovsdb': 'unix:/h3', 'tunnel_ip': '10.99.0.3'},"          \
    "'vifs/h1/@dc': {'host': 'h1', 'iface_id': '@dc',"                      \
    " 'iface': 'vmn-to-br-ex', 'ofport': 41},"                              \
    "'vifs/h2/@dc': {'host': 'h2', 'iface_id': '@dc',"                      \
    " 'iface': 'vmn-to-br-ex', 'ofport': 42},"                              \
    "'networks/out': {'vni': 9, 'provider': {'physical': 'dc', 'vlan': 7}," \
    " 'subnets': [{'cidr': '10.9.0.0/24', 'gateway': '10.9.0.1'},"          \
    " {'cidr': 'fd09::/64', 'gateway': 'fd09::1'}]},"                       \
    "'networks/red': {'subnets': [{'cidr': '10.1.0.0/24',"                  \
    " 'gateway': '10.1.0.1'}, {'cidr': 'fd01::/64',"                        \
    " 'gateway': 'fd01::1'}]},"                                             \
    VM("near", "red", "11", "h1", "21") "," VM("far", "red", "12", "h3", "22")
#define VM(NAME, NETWORK, N, HOST, OFPORT)                                  \
    "'ports/" NAME "': {'network': '" NETWORK "', 'mac':"                   \
    " '02:00:00:00:00:" N "', 'ips': ['10.1.0." N "', 'fd01::" N "'],"      \
    " 'labels': {'role': '" NAME "'}},"                                     \
    "'bindings/" NAME "': {'host': '" HOST "'},"                            \
    "'vifs/" HOST "/" NAME "': {'host': '" HOST "', 'iface_id': '" NAME "'," \
    " 'iface': 'tap', 'ofport': " OFPORT "}"
/* The router; MORE of its "external". */
#define ROUTER(MORE)                                                        \
    "'routers/r': {'mac': '0e:00:00:00:00:01',"                             \
    " 'interfaces': [{'network': 'red'}], 'external': {"                    \
    " 'network': 'out', 'addresses': ['10.9.0.9', 'fd09::9'],"              \
    " 'gateways': [{'host': 'h1'}]" MORE "}}"
#define FLOATING                                                            \
    "'floating-ips/f': {'router': 'r', 'ip': '10.9.0.20', 'port': 'far'},"  \
    "'floating-ips/f6': {'router': 'r', 'ip': 'fd09::20', 'port': 'far'}"

/* From outside, by a given address or the network's gateway. */
#define IN(TO, PORT) BOTH("outside", TO, PORT)
#define IN_FROM(SOURCE, TO, PORT) \
    "{'from': 'outside', 'source_ip': '" SOURCE "', 'to': '" TO "', " \
    "'protocol': 'tcp', 'port': " PORT ", 'reply': true}"

static void
floating_addresses_are_reached(void **state)
{
    struct apps_fixture *f = create_shop("{" OUT "," ROUTER("") ","
                                         FLOATING "}");

    (void) state;
    traced(f, IN("10.9.0.20", "80"), "delivered | request delivered h3 far");
    traced(f, IN("fd09::20", "80"), "delivered | request delivered h3 far");
    /* By names, of the port and of the address. */
    traced(f, IN("far", "80"), "delivered | request delivered h3 far");
    traced(f, IN("f6", "80"), "delivered | request delivered h3 far");
    traced(f, IN_FROM("fd99::1", "far", "80"),
           "delivered | request delivered h3 far");
    traced(f, PING("outside", "f"), "delivered | request delivered h3 far");

    /* Policies judge by whom it is from. */
    apps_fixture_apply(f, "{'groups/far': {'selector': 'role=far'},"
                       "'policies/p': {'applies_to': ['far'], 'rules': ["
                       " {'direction': 'ingress', 'action': 'allow',"
                       "  'peers': [{'cidr': '10.9.0.0/24'}]}]}}");
    traced(f, IN("f", "80"), "delivered | request delivered h3 far");
    traced(f, IN_FROM("192.0.2.1", "f", "80"), "dropped | request dropped h3 "
           "isolated (firewall.isolated/@r|ingress)");
    traced(f, IN("f6", "80"), "dropped | request dropped h3 isolated "
           "(firewall.isolated/@r|ingress)");
    apps_fixture_destroy(f);
}

static void
only_services_of_the_router_are_reached(void **state)
{
    struct apps_fixture *f = create_shop(
        "{" OUT "," ROUTER(", 'forwards': [{'protocol': 'tcp', 'port': 8080,"
                           " 'to': 'far', 'target': 80}]") "}");

    (void) state;
    traced(f, IN("10.9.0.9", "8080"), "delivered | request delivered h3 far");
    traced(f, IN("10.9.0.9", "80"), "dropped | request dropped h1 no such "
           "service at external address (gateway.router/r)");
    traced(f, IN("near", "80"), "dropped | request dropped h1 no such "
           "service at external address (gateway.router/r)");
    traced(f, IN("10.1.0.11", "80"), "dropped | request dropped h1 no such "
           "service at external address (gateway.router/r)");
    traced(f, IN("10.9.0.77", "80"), "dropped | question for the address "
           "dropped h2 nobody answers for the address in the external "
           "network (-)");
    /* Until it routes, as for all of IPv6. */
    apps_fixture_apply(f, "{" ROUTER(", 'exempt': ['::/0']") "}");
    traced(f, IN("fd01::12", "80"), "delivered | request delivered h3 far");
    traced(f, IN("near", "80"), "dropped | request dropped h1 no such "
           "service at external address (gateway.router/r)");
    apps_fixture_apply(f, "{" ROUTER(", 'routed': true") "}");
    traced(f, IN("near", "80"), "delivered | request delivered h1 near");
    traced(f, IN("far", "80"), "delivered | request delivered h3 far");
    apps_fixture_destroy(f);
}

/* A forward's guest that has a floating address on another host answers from
 * the address that the request was for, by the gateway. */
static void
answers_leave_where_requests_came_in(void **state)
{
    struct apps_fixture *f = create_shop(
        "{" OUT "," VM("two", "red", "14", "h2", "24") ","
        ROUTER(", 'forwards': [{'protocol': 'udp', 'port': 53,"
               " 'to': 'two'}]") "}");
    static const char request[] = "{'from': 'outside', 'to': '10.9.0.9',"
        " 'protocol': 'udp', 'port': 53, 'reply': true}";

    (void) state;
    traced(f, request, "delivered | request delivered h2 two");
    apps_fixture_apply(f, "{'floating-ips/t': {'router': 'r',"
                       " 'ip': '10.9.0.21', 'port': 'two'}}");
    traced(f, request, "delivered | request delivered h2 two");
    traced(f, BOTH("outside", "two", "80"),
           "delivered | request delivered h2 two");
    apps_fixture_destroy(f);
}

static void
balancers_are_reached_by_their_floating_addresses(void **state)
{
    struct apps_fixture *f = create_shop(
        "{" OUT "," ROUTER("") ","
        "'loadbalancers/www': {'vip': '10.1.0.100', 'networks': ['red'],"
        " 'protocol': 'tcp', 'ports': [{'port': 80, 'target': 8080}],"
        " 'backends': [{'port': 'near'}, {'port': 'far'}]},"
        "'floating-ips/w': {'router': 'r', 'ip': '10.9.0.30',"
        " 'load_balancer': 'www'}}");

    (void) state;
    traced(f, IN("www", "80"), "delivered | request delivered h3 far"
           " | request delivered h1 near");
    traced(f, IN("10.9.0.30", "81"), "dropped | request dropped h1 no such "
           "service at virtual IP (loadbalancer.address/@r|10.9.0.30) <- "
           "TCP reset delivered h1 @dc");
    traced(f, BOTH("far", "10.9.0.30", "80"), "delivered | request delivered "
           "h3 far | request delivered h1 near");
    traced(f, BOTH("far", "www", "80"), "delivered | request delivered h3 "
           "far | request delivered h1 near");
    apps_fixture_apply(f, "{'floating-ips/w': null}");
    refused(f, IN("www", "80"), "/to: loadbalancer \"www\" has no floating "
            "address, by which alone those outside reach it");
    apps_fixture_destroy(f);
}

/* By ports of the router that has them, the address's own port among them;
 * also where the router keeps its ports' own addresses. */
static void
served_addresses_are_reached_from_inside(void **state)
{
    static const char *const external[] = { "", ", 'exempt': ['::/0']",
                                            ", 'routed': true" };
    static const char *const clients[] = { "near", "far", "two" };
    /* Where the address is served, and its port. */
    static const struct {
        const char *to, *port, *host, *at;
    } targets[] = {
        { "10.9.0.20", "80", "h1", "h3 far" },
        { "fd09::20", "80", "h1", "h3 far" },
        { "10.9.0.21", "80", "h2", "h2 two" },
        { "fd09::21", "80", "h2", "h2 two" },
        { "10.9.0.9", "8080", "h1", "h2 two" },
        { "fd09::9", "8080", "h1", "h2 two" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(external); i++) {
        char *rows = xasprintf(
            "{" OUT "," VM("two", "red", "14", "h2", "24") ","
            ROUTER("%s, 'forwards': [{'protocol': 'tcp', 'port': 8080,"
                   " 'to': 'two', 'target': 80}, {'address': 'fd09::9',"
                   " 'protocol': 'tcp', 'port': 8080, 'to': 'two',"
                   " 'target': 80}]") "," FLOATING ","
            "'floating-ips/t': {'router': 'r', 'ip': '10.9.0.21',"
            " 'port': 'two'}, 'floating-ips/t6': {'router': 'r',"
            " 'ip': 'fd09::21', 'port': 'two'}}", external[i]);
        struct apps_fixture *f = create_shop(rows);

        for (size_t j = 0; j < ARRAY_SIZE(clients) * ARRAY_SIZE(targets);
             j++) {
            const char *client = clients[j % ARRAY_SIZE(clients)];
            /* By which host it leaves: its own floating address is there. */
            const char *host = strcmp(client, "two") ? "h1" : "h2";
            size_t k = j / ARRAY_SIZE(clients);
            char *request = xasprintf(BOTH("%s", "%s", "%s"), client,
                                      targets[k].to, targets[k].port);
            char *expected
                = (strcmp(host, targets[k].host)
                   ? xasprintf("delivered | request delivered %s @dc", host)
                   : xasprintf("delivered | request delivered %s",
                               targets[k].at));

            traced(f, request, expected);
            free(request);
            free(expected);
        }
        apps_fixture_destroy(f);
        free(rows);
    }
}

static void
ports_of_a_provider_network_are_reached(void **state)
{
    struct apps_fixture *f = create_shop(
        "{" OUT ","
        "'ports/pub': {'network': 'out', 'ips': ['10.9.0.50'],"
        " 'mac': '02:00:00:00:00:50'}, 'bindings/pub': {'host': 'h2'},"
        "'vifs/h2/pub': {'host': 'h2', 'iface_id': 'pub', 'iface': 'tap',"
        " 'ofport': 23}}");

    (void) state;
    traced(f, IN("pub", "80"), "delivered | request delivered h2 pub");
    traced(f, IN("10.9.0.50", "80"), "delivered | request delivered h2 pub");
    traced(f, BOTH("pub", "outside", "443"),
           "delivered | request delivered h2 @dc");
    apps_fixture_apply(f, "{'ports/pub': {'network': 'out',"
                       " 'ips': ['10.9.0.50'], 'mac': '02:00:00:00:00:50',"
                       " 'quarantined': true}}");
    traced(f, IN("pub", "80"), "dropped | question for the address dropped "
           "h2 the port is quarantined: nobody answers for its address (-)");
    apps_fixture_destroy(f);
}

static void
outside_is_a_destination(void **state)
{
    struct apps_fixture *f = create_shop("{" OUT "," ROUTER("") "}");

    (void) state;
    traced(f, BOTH("far", "outside", "443"),
           "delivered | request delivered h1 @dc");
    traced(f, "{'from': 'near', 'to': 'outside', 'protocol': 'icmpv6',"
           " 'reply': true}", "delivered | request delivered h1 @dc");
    /* What another port of the sender's name space has is none. */
    apps_fixture_apply(f, "{'routers/r': {'mac': '0e:00:00:00:00:01',"
                       " 'interfaces': [{'network': 'red'}]}}");
    refused(f, BOTH("far", "outside", "443"), "/to: no router of network "
            "\"red\" has an external network");
    apps_fixture_destroy(f);
}

/* Routers "r" with the gateway and "s" behind it, and "deep" behind that. */
#define SECOND                                                              \
    "'networks/t': {'subnets': [{'cidr': '10.8.0.0/24'},"                   \
    " {'cidr': 'fd08::/64'}]}, 'networks/green': {'subnets': ["             \
    " {'cidr': '10.2.0.0/24', 'gateway': '10.2.0.1'},"                      \
    " {'cidr': 'fd02::/64', 'gateway': 'fd02::1'}]},"                       \
    "'ports/deep': {'network': 'green', 'mac': '02:00:00:00:00:33',"        \
    " 'ips': ['10.2.0.33', 'fd02::33']}, 'bindings/deep': {'host': 'h3'},"  \
    "'vifs/h3/deep': {'host': 'h3', 'iface_id': 'deep', 'iface': 'tap',"    \
    " 'ofport': 26},"                                                       \
    "'routers/r': {'mac': '0e:00:00:00:00:01', 'interfaces': ["             \
    " {'network': 'red'},"                                                  \
    " {'network': 't', 'addresses': ['10.8.0.1', 'fd08::1']}], 'routes': [" \
    " {'destination': '10.2.0.0/24', 'via': ['10.8.0.2']},"                 \
    " {'destination': 'fd02::/64', 'via': ['fd08::2']}], 'external': {"     \
    " 'network': 'out', 'addresses': ['10.9.0.9', 'fd09::9'],"              \
    " 'gateways': [{'host': 'h1'}], 'routed': true}},"                      \
    "'routers/s': {'mac': '0e:00:00:00:00:02', 'interfaces': ["             \
    " {'network': 'green'},"                                                \
    " {'network': 't', 'addresses': ['10.8.0.2', 'fd08::2']}], 'routes': [" \
    " {'destination': '0.0.0.0/0', 'via': ['10.8.0.1']},"                   \
    " {'destination': '::/0', 'via': ['fd08::1']}]}"

static void
gateways_of_other_routers_are_found(void **state)
{
    static const char *const targets[] = { "deep", "10.2.0.33", "fd02::33" };
    struct apps_fixture *f = create_shop("{" OUT "," SECOND "}");

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        char *request = xasprintf(IN("%s", "80"), targets[i]);

        traced(f, request, "delivered | request delivered h3 deep");
        free(request);
    }
    traced(f, BOTH("deep", "outside", "443"),
           "delivered | request delivered h1 @dc");
    /* Of the addresses of "s", too. */
    traced(f, IN("fd08::2", "80"), "dropped | request dropped h1 router has "
           "no such service (router.base/) <- TCP reset delivered h1 @dc");

    /* A router of the port's own network comes first. */
    apps_fixture_apply(f, "{'routers/z': {'mac': '0e:00:00:00:00:03',"
                       " 'interfaces': [{'network': 't', 'addresses': ["
                       "  '10.8.0.3', 'fd08::3']}], 'external': {"
                       "  'network': 'out', 'gateways': [{'host': 'h2'}],"
                       "  'addresses': ['10.9.0.8']}}}");
    traced(f, IN("near", "80"), "delivered | request delivered h1 near");
    refused(f, IN("deep", "80"), "/to: routers \"r\" and \"z\" both lead to "
            "10.2.0.33: only a floating address tells which is meant, or "
            "\"network\" where their external networks differ");
    apps_fixture_destroy(f);
}

static void
doubtful_questions_are_refused(void **state)
{
    struct apps_fixture *f = create_shop("{" OUT "," ROUTER("") "," FLOATING
        ",'networks/out2': {'provider': {'physical': 'dc', 'vlan': 8},"
        " 'subnets': [{'cidr': '10.9.0.0/24', 'gateway': '10.9.0.1'}]},"
        "'networks/alone': {'subnets': [{'cidr': '10.5.0.0/24'}]},"
        "'ports/alone': {'network': 'alone', 'ips': ['10.5.0.1']}}");

    (void) state;
    refused(f, IN("10.9.0.20", "80"), "/to: 10.9.0.20 is in networks \"out\" "
            "and \"out2\": say by \"network\" which is meant");
    traced(f, "{'from': 'outside', 'to': '10.9.0.20', 'protocol': 'tcp',"
           " 'port': 80, 'network': 'out'}",
           "delivered | request delivered h3 far");
    refused(f, "{'from': 'outside', 'to': 'far', 'protocol': 'tcp',"
            " 'port': 80, 'network': 'red'}", "/network: \"red\" is no "
            "provider network");
    refused(f, "{'from': 'outside', 'to': 'far', 'protocol': 'tcp',"
            " 'port': 80, 'network': 'none'}", "/network: network \"none\" "
            "not found");
    refused(f, "{'from': 'near', 'to': 'far', 'protocol': 'tcp',"
            " 'port': 80, 'network': 'out'}", "/network: requires "
            "\"outside\" as \"from\" or \"to\"");
    refused(f, IN("alone", "80"), "/to: port \"alone\" has no floating "
            "address, and no router of network \"alone\" has an external "
            "network");
    refused(f, IN("10.77.0.1", "80"), "/to: 10.77.0.1 is in no provider "
            "network, and in no network of a router with an external network");
    refused(f, IN("nobody", "80"), "/to: \"nobody\" is no port, "
            "loadbalancer, floating-ip or address");
    refused(f, IN("outside", "80"), "/to: cannot be outside as well");
    refused(f, IN_FROM("10.9.0.1", "fd09::20", "80"), "/source_ip: must be "
            "an IPv6 address, as that of \"to\" is");
    refused(f, "{'from': 'outside', 'to': 'far', 'protocol': 'tcp',"
            " 'port': 80, 'destination_mac': '02:00:00:00:00:12'}",
            "/destination_mac: cannot be combined with \"from\": "
            "\"outside\"");

    /* A port may have that name, and then it is meant. */
    apps_fixture_apply(f, "{" VM("outside", "red", "13", "h1", "25") "}");
    traced(f, BOTH("outside", "far", "80"),
           "delivered | request delivered h3 far");
    apps_fixture_destroy(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floating_addresses_are_reached),
        cmocka_unit_test(only_services_of_the_router_are_reached),
        cmocka_unit_test(answers_leave_where_requests_came_in),
        cmocka_unit_test(balancers_are_reached_by_their_floating_addresses),
        cmocka_unit_test(served_addresses_are_reached_from_inside),
        cmocka_unit_test(ports_of_a_provider_network_are_reached),
        cmocka_unit_test(outside_is_a_destination),
        cmocka_unit_test(gateways_of_other_routers_are_found),
        cmocka_unit_test(doubtful_questions_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
