/* SPDX-License-Identifier: Apache-2.0
 *
 * Quotas: what is counted is what is there, whatever came and went, and no
 * request of a scoped account gets past a limit. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/model/model.h"
#include "controller/model/id-pools.h"
#include "controller/model/packet-owner.h"
#include "controller/model/request-author.h"
#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "random.h"
#include "tests/unit/model-util.h"
#include "util.h"

#define NETWORK "put networks n {'subnets':[{'cidr':'10.0.0.0/16'}]}\n"

static int
setup(void **state)
{
    *state = model_create();
    return 0;
}

static int
teardown(void **state)
{
    model_destroy(*state);
    return 0;
}

static void
put_limit(void *text, const char *name, int64_t used, int64_t max OVS_UNUSED)
{
    if (used) {
        ds_put_format(text, "%s %"PRId64"\n", name, used);
    }
}

/* What the model says is used of quota 'name', as text that the caller
 * frees. */
static char *
get_usage(const struct model *model, const char *name)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const struct vmn_quota *quota = model_get(model, VMN_TABLE_QUOTA, name);

    if (quota) {
        model_quota_each(model, quota, put_limit, &ds);
    }
    return ds_steal_cstr(&ds);
}

static bool
is_in(const struct vmn_quota *quota, const struct vmn_labels *labels)
{
    return vmn_selector_matches(&quota->scope, labels);
}

static int64_t
size_of(const struct vmn_row *row)
{
    struct ds spec = DS_EMPTY_INITIALIZER;
    int64_t size;

    schema_row_print_spec(row, &spec);
    size = strlen(row->name) + spec.length;
    ds_destroy(&spec);
    return size;
}

/* Returns how many ports have the label that the group's selector, "t=a" if
 * any, requires. */
static int64_t
found_ports(const struct model *model, const struct vmn_group *group)
{
    struct vmn_names names = model_names(model, VMN_TABLE_PORT);
    int64_t n = 0;

    for (size_t i = 0; group->selector.text && i < names.n; i++) {
        const struct vmn_port *port = model_get(model, VMN_TABLE_PORT,
                                                names.names[i]);

        n += vmn_selector_matches(&group->selector, &port->labels);
    }
    return n;
}

/* The same, counted from the rows. */
static char *
count(const struct model *model, const char *name)
{
    static const struct vmn_labels none = { 0, NULL };
    struct ds ds = DS_EMPTY_INITIALIZER;
    const struct vmn_quota *quota = model_get(model, VMN_TABLE_QUOTA, name);
    int64_t ports = 0, groups = 0, addresses = 0, members = 0;
    int64_t labels = 0, bytes = 0, memberships = 0;
    struct vmn_names names;

    names = model_names(model, VMN_TABLE_PORT);
    for (size_t i = 0; quota && i < names.n; i++) {
        const struct vmn_port *port = model_get(model, VMN_TABLE_PORT,
                                                names.names[i]);

        if (is_in(quota, &port->labels)) {
            ports++;
            addresses += port->n_ips + port->n_allowed_addresses;
            labels += port->labels.n;
            bytes += size_of(&port->row);
        }
    }
    names = model_names(model, VMN_TABLE_GROUP);
    for (size_t i = 0; quota && i < names.n; i++) {
        const struct vmn_group *group = model_get(model, VMN_TABLE_GROUP,
                                                  names.names[i]);

        if (is_in(quota, &group->labels)) {
            groups++;
            members += group->n_ports + group->n_cidrs;
            memberships += group->n_ports + found_ports(model, group);
            labels += group->labels.n;
            bytes += size_of(&group->row);
        }
    }
    if (quota && is_in(quota, &none)) {
        bytes += size_of(model_get(model, VMN_TABLE_NETWORK, "n"));
        put_limit(&ds, "networks", 1, 0);
    }
    put_limit(&ds, "ports", ports, 0);
    put_limit(&ds, "groups", groups, 0);
    put_limit(&ds, "addresses", addresses, 0);
    put_limit(&ds, "members", members, 0);
    put_limit(&ds, "object_labels", labels, 0);
    put_limit(&ds, "bytes", bytes, 0);
    put_limit(&ds, "memberships", memberships, 0);
    return ds_steal_cstr(&ds);
}

static void
check_usage(const struct model *model)
{
    for (int i = 0; i < 3; i++) {
        char name[] = { 'q', '0' + i, '\0' };
        char *got = get_usage(model, name);
        char *expected = count(model, name);

        assert_string_equal(got, expected);
        free(got);
        free(expected);
    }
}

static void
put_operation(struct ds *ds)
{
    static const char *const scopes[] = { "t=a", "t=b", "t in (a,b),!x", "x",
                                          "" };
    unsigned number = random_range(6);
    char label = "abc"[random_range(3)];

    switch (random_range(8)) {
    case 0: case 1: case 2:
        ds_put_format(ds, "put ports p%u {'network':'n','labels':{'t':'%c'%s}"
                      "%s}\n", number, label,
                      random_range(3) ? "" : ",'x':'1'", random_range(3) ? ""
                      : ",'allowed_addresses':[{'ip':'10.9.9.9'}]");
        break;
    case 3:
        ds_put_format(ds, "cascade ports p%u\n", number);
        break;
    case 4: case 5:
        ds_put_format(ds, "put groups g%u {'labels':{'t':'%c'},'ports':"
                      "['p%u'],'cidrs':['10.%u.0.0/16']%s}\n", number % 3,
                      label, number, number,
                      random_range(2) ? ",'selector':'t=a'" : "");
        break;
    case 6:
        ds_put_format(ds, "put quotas q%u {'scope':'%s','ports':3}\n",
                      number % 3, scopes[random_range(5)]);
        break;
    default:
        ds_put_format(ds, "absent quotas q%u\n", number % 3);
        break;
    }
}

/* Requests that fail, and groups that are undone, included. */
static void
what_is_counted_is_what_is_there(void **state)
{
    struct model *model = *state;
    size_t n_refused = 0;
    uint64_t revision;

    random_set_seed(20261122);
    free(model_util_apply(model, "u", NULL, NETWORK, &revision));
    model_settle(model);
    for (int round = 0; round < 3000; round++) {
        struct ds ds = DS_EMPTY_INITIALIZER;
        char *errors;

        for (unsigned n = 1 + random_range(3); n; n--) {
            put_operation(&ds);
        }
        errors = model_util_apply(model, "u", NULL, ds_cstr(&ds), &revision);
        n_refused += *errors != '\0';
        free(errors);
        ds_destroy(&ds);
        check_usage(model);
        if (!random_range(4)) {
            model_undo(model);
            check_usage(model);
        } else if (random_range(2)) {
            model_settle(model);
        }
    }
    assert_true(n_refused > 100 && n_refused < 2900);
}

/* Applies 'text' as an account (NULL: of no name) with 'scope' (NULL: none)
 * and expects these errors. */
static void
apply_of(struct model *model, const char *account, const char *scope,
         const char *text, const char *expected)
{
    struct model_author author = {
        .account = CONST_CAST(char *, account), .role = VMN_ROLE_OPERATOR,
    };
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision;

    vmn_errors_init(&errors);
    model_request_init(&request, "u");
    request.rights = scope ? model_util_rights(scope, NULL, NULL, false)
                     : NULL;
    request.author = account ? model_author_clone(&author) : NULL;
    model_util_parse(&request, text);
    model_apply(model, &request, 1000, &revision, &errors);
    for (size_t i = 0; i < errors.n; i++) {
        ds_put_format(&ds, "%s\n", errors.errors[i].text);
    }
    assert_string_equal(ds_cstr(&ds), expected);
    ds_destroy(&ds);
    model_request_uninit(&request);
    vmn_errors_uninit(&errors);
}

static void
apply_in(struct model *model, const char *scope, const char *text,
         const char *expected)
{
    apply_of(model, NULL, scope, text, expected);
}

#define GROUP(NAME, LABEL) "put groups " NAME " {'labels':{'t':'" LABEL "'}}\n"

static void
limits_hold_for_scoped_accounts_alone(void **state)
{
    struct model *model = *state;

    apply_in(model, NULL, "put quotas q {'scope':'t=a','groups':2}\n"
             GROUP("g1", "a"), "");
    apply_in(model, "t=a", GROUP("g2", "a") GROUP("g3", "a"),
             "quota \"q\" exceeded: 1 of 2 groups used, 3 with this "
             "change\n");
    apply_in(model, "t=a", GROUP("g2", "a"), "");
    apply_in(model, "t=a", GROUP("g3", "a"),
             "quota \"q\" exceeded: 2 of 2 groups used\n");
    /* One for another; what is there already; another scope; nobody's. */
    apply_in(model, "t=a", "delete groups g1\n" GROUP("g3", "a"), "");
    apply_in(model, "t=a", "patch groups g3 {'description':'x'}", "");
    apply_in(model, "t=b", GROUP("h1", "b") GROUP("h2", "b")
             GROUP("h3", "b"), "");
    apply_in(model, NULL, GROUP("g4", "a") GROUP("g5", "a"), "");
    /* Above the limit it may shrink, and not grow. */
    apply_in(model, "t=a", "delete groups g4", "");
    apply_in(model, "t=a", GROUP("g6", "a"),
             "quota \"q\" exceeded: 3 of 2 groups used\n");
    /* By a label that comes. */
    apply_in(model, NULL, "put quotas q {'scope':'k=1','groups':0}", "");
    apply_in(model, "t=a", "patch groups g3 {'labels':{'t':'a','k':'1'}}",
             "quota \"q\" exceeded: 0 of 0 groups used\n");
    apply_in(model, NULL, "delete quotas q", "");
    apply_in(model, "t=a", "patch groups g3 {'labels':{'t':'a','k':'1'}}",
             "");
}

#define ACCOUNT(NAME, SCOPE)                                            \
    "put accounts " NAME " {'role':'operator','scope':'" SCOPE "'}\n"
#define LABELLED(NAME, VNI, LABELS)                                     \
    "put networks " NAME " {'vni':" VNI ",'labels':{" LABELS "}}\n"

static void
packets_are_owned_by_the_widest_scope(void **state)
{
    struct model *model = *state;
    struct id_entry *transit;
    uint32_t a;

    apply_in(model, NULL, ACCOUNT("all", "") ACCOUNT("a", "t=a")
             ACCOUNT("a-dev", "t=a,env=dev") ACCOUNT("b", "t=b")
             "put quotas q {'scope':'t'}\n"
             LABELLED("n1", "1", "'t':'a'") LABELLED("n2", "2", "'t':'b'")
             LABELLED("n3", "3", "'t':'a','env':'dev'")
             LABELLED("n4", "4", "'t':'c'")
             "put routers r {'labels':{'t':'a'}}", "");
    a = packet_owner(model, 1);
    assert_true(a >= UINT32_C(1) << 31);
    assert_int_equal(packet_owner(model, 3), a);
    assert_int_not_equal(packet_owner(model, 2), a);
    assert_true(packet_owner(model, 2) >= UINT32_C(1) << 31);
    assert_int_equal(packet_owner(model, 4), 4);
    assert_int_equal(packet_owner(model, 99), 99);

    transit = id_pools_ref(model_id_pools(model), "vni", "router/r");
    assert_int_equal(packet_owner(model, id_entry_value(transit)), a);
    id_pools_unref(model_id_pools(model), transit);

    apply_in(model, NULL, "delete accounts a", "");
    assert_int_equal(packet_owner(model, 1), 1);
    assert_true(packet_owner(model, 3) >= UINT32_C(1) << 31);
}

static void
entries_and_forwards_are_members(void **state)
{
    static const char refusal[]
        = "quota \"q\" exceeded: 5 of 5 members used\n";
    struct model *model = *state;

    apply_in(model, NULL, "put quotas q {'scope':'t=a','members':5}\n"
             "put hosts h1 {'ovsdb':'inbound','tunnel_ip':'192.0.2.9'}\n"
             "put networks w {'provider':{'physical':'dc'},"
             "'subnets':[{'cidr':'192.0.2.0/24','gateway':'192.0.2.254'}]}\n"
             "put networks n {'labels':{'t':'a'},'subnets':[{'cidr':"
             "'10.0.0.0/24','gateway':'10.0.0.1'}]}\n"
             "put ports p {'labels':{'t':'a'},'network':'n'}\n"
             "put routers r {'labels':{'t':'a'},'interfaces':[{'network':"
             "'n'}],'external':{'network':'w','addresses':['192.0.2.1'],"
             "'gateways':[{'host':'h1'}]}}", "");
    apply_in(model, "t=a", "put services s {'labels':{'t':'a'},'entries':"
             "[{'protocol':'tcp','ports':[80]},{'protocol':'udp'},"
             "{'protocol':'icmp'}]}", "");
    apply_in(model, NULL, "patch routers r {'external':{'forwards':["
             "{'protocol':'tcp','port':80,'to':'p'},"
             "{'protocol':'tcp','port':81,'to':'p'}]}}", "");
    apply_in(model, "t=a", "put services u {'labels':{'t':'a'},'entries':"
             "[{'protocol':'tcp','ports':[80]}]}", refusal);
    apply_in(model, "t=a", "put groups g {'labels':{'t':'a'},'cidrs':"
             "['192.0.2.0/24']}", refusal);
}

static void
labels_and_bytes_are_limited(void **state)
{
    struct model *model = *state;

    apply_in(model, NULL, "put quotas q {'scope':'t=a','object_labels':3}",
             "");
    apply_in(model, "t=a", "put groups g {'labels':{'t':'a','x':'1','y':'2'}}",
             "");
    apply_in(model, "t=a", GROUP("h", "a"),
             "quota \"q\" exceeded: 3 of 3 object_labels used\n");
    apply_in(model, "t=a", "put groups g {'labels':{'t':'a','z':'3'}}\n"
             GROUP("h", "a"), "");
    /* 29 of g{"labels":{"t":"a","z":"3"}}, 21 of h, and 29. */
    apply_in(model, NULL, "put quotas q {'scope':'t=a','bytes':60}", "");
    apply_in(model, "t=a", "patch groups h {'description':'abcdefghijkl'}",
             "quota \"q\" exceeded: 50 of 60 bytes used, 79 with this "
             "change\n");
    apply_in(model, "t=a", "delete groups g\n"
             "patch groups h {'description':'abc'}", "");
}

#define SELECTS(NAME, LABEL, SELECTOR)                                  \
    "put groups " NAME " {'labels':{'t':'" LABEL "'},'selector':'"      \
    SELECTOR "'}\n"
#define PORT_OF(NAME, LABELS)                                           \
    "put ports " NAME " {'network':'n','labels':{" LABELS "}}\n"

static void
memberships_are_limited(void **state)
{
    struct model *model = *state;

    apply_in(model, NULL, "put networks n {'labels':{'t':'a'},'subnets':"
             "[{'cidr':'10.0.0.0/16'}]}\n"
             "put quotas q {'scope':'t=a','memberships':4}\n"
             PORT_OF("p1", "'t':'a','x':'1'") PORT_OF("p2", "'t':'a'")
             PORT_OF("p3", "'t':'b','x':'1'"), "");
    /* Two, by t=a, whether or not it has the other label; and two. */
    apply_in(model, "t=a", SELECTS("g1", "a", "t=a,y=2"), "");
    apply_in(model, "t=a", SELECTS("g2", "a", "t=a"), "");
    apply_in(model, "t=a", SELECTS("g3", "a", "t=a"),
             "quota \"q\" exceeded: 6 of 4 memberships with this change\n");
    apply_in(model, "t=a", "put groups g3 {'labels':{'t':'a'},"
             "'ports':['p1']}", "quota \"q\" exceeded: 5 of 4 memberships "
             "with this change\n");
    apply_in(model, "t=a", PORT_OF("p4", "'t':'a'"),
             "quota \"q\" exceeded: 6 of 4 memberships with this change\n");
    /* In others' groups; of others' ports; in place of others. */
    apply_in(model, NULL, SELECTS("h1", "b", "x=1"), "");
    apply_in(model, "t=a", "patch ports p2 {'labels':{'t':'a','x':'1'}}", "");
    apply_in(model, "t=a", GROUP("g2", "a") SELECTS("g3", "a", "t=a"), "");
    /* By who has no scope, and then as it is. */
    apply_in(model, NULL, PORT_OF("p4", "'t':'a'"), "");
    apply_in(model, "t=a", "patch ports p4 {'description':'x'}", "");
    apply_in(model, "t=a", "delete ports p1", "");
}

/* Groups gFIRST - 1 with 64 labels each.  The caller frees it. */
static char *
groups_with_labels(size_t first, size_t end)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t i = first; i < end; i++) {
        ds_put_format(&ds, "%sput groups g%"PRIuSIZE" {'labels':{'t':'a'",
                      i > first ? "\n" : "", i);
        for (int j = 1; j < 64; j++) {
            ds_put_format(&ds, ",'k%d':''", j);
        }
        ds_put_cstr(&ds, "}}");
    }
    return ds_steal_cstr(&ds);
}

static void
account_without_a_quota_has_default_limits(void **state)
{
    struct model *model = *state;
    char *most = groups_with_labels(0, VMN_QUOTA_LABELS / 64);
    char *more = groups_with_labels(VMN_QUOTA_LABELS / 64,
                                    VMN_QUOTA_LABELS / 64 + 1);

    apply_in(model, NULL, "put accounts a {'role':'operator','scope':'t=a',"
             "'certificate':true}", "");
    apply_of(model, "a", "t=a", most, "");
    apply_of(model, "a", "t=a", more, "quota \"account/a\" exceeded: "
             "99968 of 100000 object_labels used, 100032 with this change\n");
    /* A quota replaces it. */
    apply_in(model, NULL, "put quotas q {'scope':'t=a',"
             "'object_labels':200000}", "");
    apply_of(model, "a", "t=a", more, "");
    free(most);
    free(more);
}

#define NAMES(POLICY, PEERS)                                                \
    "put policies " POLICY " {'labels':{'t':'a'},'applies_to':['g'],"       \
    "'rules':[{'direction':'egress','action':'allow','peers':[" PEERS "]}]}\n"
#define OWN_NETWORK(NAME) "put networks " NAME " {'labels':{'t':'a'}}\n"

/* For the addresses that they get later. */
static void
names_in_dns_count_for_what_they_may_become(void **state)
{
    struct model *model = *state;

    apply_in(model, NULL, "put quotas q {'scope':'t=a','rules':201}\n"
             GROUP("g", "a"), "");
    apply_in(model, "t=a", NAMES("p", "{'fqdn':'a.example'},"
                                 "{'fqdn':'b.example'},{'cidr':'10.0.0.1'}"),
             "quota \"q\" exceeded: 0 of 201 rules used, 202 with this "
             "change\n");
    apply_in(model, "t=a", NAMES("p", "{'fqdn':'a.example'},"
                                 "{'fqdn':'b.example'}"), "");
    apply_in(model, NULL, "put quotas q {'scope':'t=a','flows_per_host':400}",
             "");
    apply_in(model, "t=a", OWN_NETWORK("n1") OWN_NETWORK("n2"), "");
    /* Each in each network. */
    apply_in(model, "t=a", OWN_NETWORK("n3"),
             "quota \"q\" exceeded: names in DNS of its rules may need 600 of "
             "400 flows_per_host: 2 of 100 addresses in 3 networks\n");
    apply_in(model, "t=a", NAMES("q", "{'fqdn':'a.example'}"),
             "quota \"q\" exceeded: names in DNS of its rules may need 600 of "
             "400 flows_per_host: 3 of 100 addresses in 2 networks\n");
    apply_in(model, "t=a", NAMES("q", "{'cidr':'10.0.0.1'}"), "");
    /* Above the limit it may shrink. */
    apply_in(model, NULL, "put quotas q {'scope':'t=a','flows_per_host':10}",
             "");
    apply_in(model, "t=a", NAMES("p", "{'fqdn':'a.example'}"), "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_counted_is_what_is_there,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(limits_hold_for_scoped_accounts_alone,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(packets_are_owned_by_the_widest_scope,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(entries_and_forwards_are_members,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(labels_and_bytes_are_limited, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(memberships_are_limited, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            account_without_a_quota_has_default_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(
            names_in_dns_count_for_what_they_may_become, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
