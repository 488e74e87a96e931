/* SPDX-License-Identifier: Apache-2.0
 *
 * The model: routers, the networks that they join, and the external addresses
 * that are reached through them. */

#include <config.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "controller/model/model.h"
#include "controller/schema/value.h"
#include "tests/unit/model-fixture.h"
#include "tests/unit/model-util.h"
#include "util.h"

/* Networks that routers join do not change beneath them. */
static void
networks_of_routers_keep_what_routers_need(void **state)
{
    struct model *model = *state;

    apply(model, NETWORK_A NETWORK_B
          "put routers r {'interfaces':[{'network':'a'},"
          "{'network':'b'}],'routes':["
          "{'destination':'0.0.0.0/0','via':['10.1.0.9']}]}", "");
    apply(model, "put networks a {'subnets':[{'cidr':'10.1.0.0/24'}]}",
          "/subnets router \"r\" has no address in network \"a\", whose "
          "subnets have no gateway\n"
          "/subnets next hop 10.1.0.9 of router \"r\" to 0.0.0.0/0 is in no "
          "subnet in which the router has an address\n");
    apply(model, "put networks a {'subnets':[{'cidr':'10.1.0.0/24',"
          "'gateway':'10.1.0.1'},{'cidr':'10.2.0.0/16'}]}",
          "/subnets routers join network \"a\" and network \"b\", whose "
          "subnets "
          "10.2.0.0/16 and 10.2.0.0/24 overlap\n");
    apply(model, "delete networks a",
          " network \"a\" is referenced by router \"r\"\n");
    apply(model, "put ports x {'network':'a','ips':['10.1.0.1']}",
          "/ips 10.1.0.1 is the address of router \"r\" in network \"a\"\n");

    /* Elsewhere the same addresses do no harm. */
    apply(model, "put networks c {'subnets':[{'cidr':'10.1.0.0/16',"
          "'gateway':'10.1.0.1'}]}\n"
          "put routers s {'interfaces':[{'network':'c'}]}", "");
    apply(model, "put routers s {'interfaces':[{'network':'c'},"
          "{'network':'b','addresses':['10.2.0.2']}]}",
          "/interfaces routers join network \"c\" and network \"a\", "
          "whose subnets "
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

    apply(model, NETWORK_A NETWORK_B
          "put routers r {'interfaces':[{'network':'a'}]}", "");
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
#define R OUT NETWORK_A NETWORK_B \
    "put routers r {'interfaces':[{'network':'a'}]," EXTERNAL \
    "}\nput ports pa {'network':'a'}\nput ports pb {'network':'b'}\n"

/* Nobody else has it in that network, and who is to get what comes there
 * can. */
static void
external_addresses_are_had_once(void **state)
{
    struct model *model = *state;

    apply(model, "put hosts h1 {'ovsdb':'inbound','tunnel_ip':'192.0.2.1'}\n"
          R, "");
    apply(model, "put routers s {'interfaces':[{'network':'b'}]," EXTERNAL "}",
          "/external 10.7.0.9 of router \"s\" is used by router \"r\" in "
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
          "/ip 10.7.0.9 of floating-ip \"f\" is used by router \"r\" in "
          "network \"out\"\n");
    apply(model, "put floating-ips f {'router':'r','ip':'10.7.0.20',"
          "'port':'pa'}", "");
    apply(model, "put floating-ips g {'router':'r','ip':'10.7.0.20',"
          "'port':'pa'}",
          "/ip 10.7.0.20 of floating-ip \"g\" is used by floating-ip \"f\" "
          "in network \"out\"\n"
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
          " loadbalancer \"la\" is referenced by floating-ip \"f\"\n");
}

#define OUT6 "put networks out {'provider':{'physical':'dc'},'subnets':["    \
    "{'cidr':'10.7.0.0/24','gateway':'10.7.0.1'},"                         \
    "{'cidr':'fd07::/64'%s}]}\n"
#define EXTERNAL6 "'external':{'network':'out','addresses':['10.7.0.9',"   \
    "'fd07::9'],'gateways':[{'host':'h1'}]%s}"

/* What is of a family needs an address of it on both sides. */
/* Of the router of external_addresses_are_of_both_families(). */
static void
check_floating_ips_of_both_families(struct model *model)
{
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
          "/ip fd07::9 of floating-ip \"f\" is used by router \"r\" in "
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
}

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
    check_floating_ips_of_both_families(model);
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        free(ways[i]);
    }
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, model_setup, \
                                                   model_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(networks_of_routers_keep_what_routers_need),
        TEST(routers_are_given_a_mac_and_keep_it),
        TEST(external_addresses_are_had_once),
        TEST(balancer_has_one_floating_address),
        TEST(external_addresses_are_of_both_families),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
