/* SPDX-License-Identifier: Apache-2.0
 *
 * The model: what requests do, and what is allocated for them. */

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
#include "controller/model/id-pools.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/model-fixture.h"
#include "tests/unit/model-util.h"
#include "util.h"

/* What goes through.  ----------------------------------------------------- */

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
    model_util_parse(&request, model_base);
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
    struct model_subnet_usage use;

    model_get_subnet_usage(model, model_get(model, VMN_TABLE_NETWORK, name),
                           &use);
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

/* The address that IPv6 has for a subnet's routers is no port's. */
static void
routers_may_have_the_address_that_is_for_them(void **state)
{
    struct model *model = *state;

    apply(model, "put networks d {'subnets':[{'cidr':'fd00::/64','gateway':"
          "'fd00::'},{'cidr':'fd01::/64'}]}\n"
          "put routers r {'interfaces':[{'network':'d','addresses':"
          "['fd00::','fd01::']}]}\n"
          "put ports a {'network':'d'}", "");
    check_ips(model, "a", "fd00::1", "fd01::1");
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
    struct id_pools *numbers = model_id_pools(model);
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
    id_pools_acked(numbers, model_revision(model));
    apply(model, "put networks x {'vni':1}", "");
}

static void
refused_vni_of_a_port_names_it(void **state)
{
    struct model *model = *state;
    struct id_pools *numbers = model_id_pools(model);
    struct id_entry *vni = id_pools_ref(numbers, "vni", "port/p1");

    assert_int_equal(id_entry_value(vni), 2);
    apply(model, "put networks x {'vni':2}",
          "/vni VNI 2 is, or was until just now, that of what is behind port "
          "\"p1\"\n");
    id_pools_unref(numbers, vni);
}

static void
refused_request_leaves_no_number_behind(void **state)
{
    apply(*state, "put networks x {'vni':900}\nput networks y {'vni':77}",
          "/1/vni VNI 77 is that of network \"m\"\n");
    apply(*state, "put networks z {'vni':900}", "");
}

#define PEERS "{'direction':'ingress','action':'allow','peers':["

/* What is named twice and then once is still referred to, and what is named no
 * more is not. */
static void
references_follow_each_update(void **state)
{
    struct model *model = *state;

    apply(model, "put groups peer {}\n"
          "put policies q {'applies_to':['g'],'rules':["
          PEERS "{'group':'peer'}]}," PEERS "{'group':'peer'}]}]}", "");
    apply(model, "put policies q {'applies_to':['g'],'rules':["
          PEERS "{'group':'peer'}]}]}", "");
    apply(model, "delete groups peer",
          " group \"peer\" is referenced by policy \"q\"\n");
    apply(model, "put policies q {'applies_to':['g']}", "");
    apply(model, "delete groups peer", "");
    apply(model, "delete groups g",
          " group \"g\" is referenced by policy \"pol\"\n"
          " group \"g\" is referenced by policy \"q\"\n");
}

/* Ports change in place, and keys that stay are not touched. */
#define PEER_GROUPS "abcdefhijklmnopqrstuvwxyz"

/* Has the rules of policy "repeats" name these groups as peers, one each, and
 * expects it to refer to these and no others. */
static void
check_repeated(struct model *model, const char *groups)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&ds, "put policies repeats {'applies_to':['g'],'rules':[");
    for (const char *g = groups; *g; g++) {
        ds_put_format(&ds, "%s{'direction':'ingress','action':'allow',"
                      "'peers':[{'group':'%c'}]}",
                      g > groups ? "," : "", *g);
    }
    ds_put_cstr(&ds, "]}");
    apply(model, ds_cstr(&ds), "");
    ds_destroy(&ds);
    for (const char *g = PEER_GROUPS; *g; g++) {
        const char name[] = { *g, '\0' };

        assert_int_equal(model_referrers(model, VMN_TABLE_GROUP, name,
                                         VMN_TABLE_POLICY).n,
                         strchr(groups, *g) != NULL);
    }
}

/* Of two versions the keys with which both begin and end are not sorted, so
 * one of those may be among the others again. */
static void
references_that_a_row_repeats_follow_each_update(void **state)
{
    static const char *const peers[] = {
        "a", "aa", "ab", "aab", "aba", "abb", "b", "bab", "ba", "acb", "aacb",
        "abcb", "abccb", "acb", PEER_GROUPS,
        "zyxwvutsrqponmlkjihfedcba", "abcz", PEER_GROUPS "z",
        "aaz", "",
    };

    for (const char *g = PEER_GROUPS; *g; g++) {
        char *text = xasprintf("put groups %c {}", *g);

        apply(*state, text, "");
        free(text);
    }
    for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
        check_repeated(*state, peers[i]);
    }
}

static void
indexes_follow_each_update(void **state)
{
    struct model *model = *state;

    apply(model, "put ports p1 {'network':'n','labels':{'a':'1','b':'2'}}",
          "");
    check_index(model, VMN_INDEX_PORT_BY_LABEL, "a=1", "p1");
    check_index(model, VMN_INDEX_PORT_BY_LABEL, "b=2", "p1");
    apply(model, "put ports p1 {'network':'n','labels':{'a':'2','b':'2'}}",
          "");
    check_index(model, VMN_INDEX_PORT_BY_LABEL, "a=1", "");
    check_index(model, VMN_INDEX_PORT_BY_LABEL, "a=2", "p1");
    check_index(model, VMN_INDEX_PORT_BY_LABEL, "a", "p1");
    check_index(model, VMN_INDEX_PORT_BY_LABEL, "b=2", "p1");
    apply(model, "put ports p1 {'network':'m'}", "");
    check_index(model, VMN_INDEX_PORT_BY_NETWORK, "n", "p2");
    check_index(model, VMN_INDEX_PORT_BY_NETWORK, "m", "p1");
    check_index(model, VMN_INDEX_PORT_BY_LABEL, "a", "");
    /* What is refused leaves them as they were. */
    apply(model, "put ports p1 {'network':'n','labels':{'a':'3'}}\n"
          "put ports p2 {'network':'none'}",
          "/1/network network \"none\" does not exist\n");
    check_index(model, VMN_INDEX_PORT_BY_NETWORK, "n", "p2");
    check_index(model, VMN_INDEX_PORT_BY_NETWORK, "m", "p1");
    check_index(model, VMN_INDEX_PORT_BY_LABEL, "a=3", "");
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
          "/groups must not form a cycle: d, which has a, which has b, which "
          "has d\n");
    apply(model, "put groups d {'groups':['e']}\nput groups e {'groups':['f']}"
          "\nput groups f {'groups':['h']}\nput groups h {'groups':['i']}\n"
          "put groups i {'groups':['j']}\nput groups j {}", "");
    apply(model, "put groups z {'groups':['a']}",
          "/groups must not nest more than 8 groups: with "
          "these there are 9\n");
    apply(model, "put groups z {'groups':['b']}", "");
    /* Turned round in one request. */
    apply(model, "put groups a {}\nput groups d {'groups':['a']}", "");
    apply(model, "delete groups a",
          " group \"a\" is referenced by group \"d\"\n");
    apply(model, "cascade groups a", "");
}

#define DENY ",'rules':[{'direction':'ingress','action':'deny'}]"

static void
priorities_differ_in_all_tiers_but_application(void **state)
{
    struct model *model = *state;

    apply(model, "put tiers early {'position':3}\n"
          "put policies a {'applies_to':['g'],'tier':'early','priority':7"
          DENY "}\n"
          "put policies b {'applies_to':['g'],'tier':'security',"
          "'priority':7" DENY "}\n"
          "put policies c {'applies_to':['g'],'priority':7}\n"
          "put policies d {'applies_to':['g'],'priority':7}", "");
    apply(model, "patch policies a {'tier':'security'}",
          "/priority 7 is that of policy \"b\" in tier \"security\": the "
          "order of the two must be explicit\n");
    apply(model, "put policies e {'applies_to':['g'],'tier':'early',"
          "'priority':8" DENY "}", "");
    /* It is the state at the end that counts. */
    apply(model, "patch policies a {'priority':8}\n"
          "patch policies e {'priority':7}", "");
    apply(model, "patch policies b {'tier':'early','priority':8}\n"
          "delete policies a", "");
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

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, model_setup, \
                                                   model_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
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
        TEST(routers_may_have_the_address_that_is_for_them),
        TEST(addresses_may_follow_from_macs),
        TEST(vni_of_a_network_can_change),
        TEST(refused_request_leaves_no_number_behind),
        TEST(refused_vni_of_a_port_names_it),
        TEST(references_follow_each_update),
        TEST(references_that_a_row_repeats_follow_each_update),
        TEST(indexes_follow_each_update),
        TEST(groups_are_put_into_groups_in_the_middle_too),
        TEST(priorities_differ_in_all_tiers_but_application),
        TEST(tiers_that_are_built_in_stay_as_they_are),
        TEST(observed_rows_never_block),
        TEST(users_change_only_enabled_of_apps),
        TEST(balancers_have_so_many_different_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
