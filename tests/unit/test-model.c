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
    { "put networks n {'subnets':[{'cidr':'10.0.1.0/24'}]}",
      "/subnets 10.0.0.2 of port \"p1\" is in no subnet of network \"n\"\n"
      "/subnets 10.0.0.9 of port \"p2\" is in no subnet of network \"n\"\n"
    },
    { "put networks x {'subnets':[{'cidr':'10.9.0.0/31'}]}\n"
      "put ports a {'network':'x'}\nput ports b {'network':'x'}\n"
      "put ports c {'network':'x'}",
      "/3/ips no address of 10.9.0.0/31 of network \"x\" is left\n" },
    /* Load balancers. */
    { "put loadbalancers x {'vip':'10.0.0.9','networks':['n'],"
      "'ports':[{'port':80}]}",
      "/vip 10.0.0.9 is used by port \"p2\" of network \"n\"\n" },
    { "put loadbalancers x {'vip':'10.0.0.1','networks':['n'],"
      "'ports':[{'port':80}]}",
      "/vip the virtual IP of loadbalancer \"x\" is the gateway of network "
      "\"n\"\n" },
    { "put loadbalancers x " LB("") "\nput loadbalancers y " LB(""),
      "/0/ports port 80 of 10.0.0.100 is served by loadbalancer \"y\" in "
      "network \"n\"\n"
      "/1/ports port 80 of 10.0.0.100 is served by loadbalancer \"x\" in "
      "network \"n\"\n" },
    { "put loadbalancers x " LB("")
      "\nput ports x {'network':'n','ips':['10.0.0.100']}",
      "/0/vip 10.0.0.100 is used by port \"x\" of network \"n\"\n"
      "/1/ips 10.0.0.100 is the virtual IP of loadbalancer \"x\"\n" },
    { "put ports x {'network':'m'}\n"
      "put loadbalancers x " LB(",'backends':[{'port':'x'}]"),
      "/1/backends port \"x\" is a backend of loadbalancer \"x\", which is "
      "not offered in its network \"m\"\n" },
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
               "'directions':['ingress','egress'],'rules':["
               PEERS "{'group':'two'}]},"
               "{'direction':'egress','action':'deny'}]}");
    check_spec(model, VMN_TABLE_POLICY, "all",
               "{'tier':'application','priority':500,'applies_to':['two'],"
               "'directions':['ingress']}");
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
               "'directions':['egress'],'rules':["
               SERVICES "{'protocol':'udp'}]}]}");
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

    apply(model, "put ports p1 {'network':'m','labels':{'role':'db'}}\n"
          "delete loadbalancers x\ndelete bindings p1", "");
    check_index(model, VMN_INDEX_PORT_BY_NETWORK, "n", "p2");
    check_index(model, VMN_INDEX_PORT_BY_NETWORK, "m", "p1");
    check_index(model, VMN_INDEX_PORT_BY_LABEL, "role=web", "");
    check_index(model, VMN_INDEX_PORT_BY_LABEL, "role=db", "p1");
    check_index(model, VMN_INDEX_PORT_BY_HOST, "h2", "");
    check_index(model, VMN_INDEX_LB_BY_NETWORK, "n", "");
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

        lines[i] = c->is_index ? xasprintf("i%d:%s", c->id, c->key)
                   : xasprintf("%s:%s", schema_tables[c->id].plural, c->key);
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
    check_changes(model, "i2:role=db\ni2:role=web\ni2:x\ni2:x=y\n"
                  "ports:p1\n");

    /* A refused request and one without effect note nothing. */
    apply(model, "put ports p1 {}", "/network is required\n");
    apply(model, "put networks m {'vni':77,'subnets':["
          "{'cidr':'10.0.0.0/24'}]}", "");
    check_changes(model, "");

    /* Undoing is a change, too. */
    model_undo(model);
    check_changes(model, "i2:role=db\ni2:role=web\ni2:x\ni2:x=y\n"
                  "ports:p1\n");
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
        "\"mtu\":1450,\"default\":\"allow\"},\"status\":{\"vni\":77}");
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
        TEST(vni_of_a_network_can_change),
        TEST(refused_request_leaves_no_number_behind),
        TEST(cascade_of_a_network_takes_its_ports),
        TEST(cascade_of_a_port_keeps_what_lists_it),
        TEST(cascade_of_a_peer_keeps_the_policy_and_its_isolation),
        TEST(cascade_of_a_service_keeps_the_policy),
        TEST(cascade_of_a_host_unpins_its_ports),
        TEST(cascade_that_meets_a_plain_deletion_is_refused),
        TEST(cascade_keeps_the_set_of_what_it_changes),
        TEST(observed_rows_never_block),
        TEST(prune_deletes_what_the_set_no_longer_names),
        TEST(users_change_only_enabled_of_apps),
        TEST(indexes_follow_rows),
        TEST(changes_are_noted_once_and_exactly),
        TEST(joining_a_set_is_no_change_of_the_row),
        TEST(durable_state_follows_when_settled),
        TEST(pending_holds_what_is_to_be_stored),
        TEST(row_is_shown_with_its_metadata),
        TEST(loaded_model_is_the_same),
        TEST(damaged_rows_are_not_loaded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
