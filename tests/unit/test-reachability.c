/* SPDX-License-Identifier: Apache-2.0
 *
 * What all ports can reach: kinds of ports and the cells of each two of them,
 * in names, with the built apps; and how that changes. */

#include <config.h>

#include "tests/unit/trace-fixture.h"

#include <stdlib.h>
#include <string.h>

#include "controller/northbound/openapi-operations.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-struct.h"
#include "controller/simulator/reachability-matrix.h"
#include "openvswitch/dynamic-string.h"
#include "random.h"
#include "util.h"

static struct reach_matrix *
make_matrix(struct apps_fixture *f, uint16_t port, struct arena *arena)
{
    struct reach_request request = { .protocol = TRACE_TCP, .port = port };
    struct vmn_error error = VMN_ERROR_INIT;
    struct reach_matrix *made
        = reach_make(apps_fixture_engine(f), apps_fixture_model(f),
                     apps_fixture_pipeline(f), &request, arena, &error);

    if (!made) {
        fail_msg("%s", error.text);
    }
    return made;
}

/* The same as the API shows it. */
static json_t *
matrix(struct apps_fixture *f, uint16_t port)
{
    struct arena arena;
    json_t *json;

    arena_init(&arena);
    json = schema_struct_to_json(&nb_reply_matrix,
                                 make_matrix(f, port, &arena));
    arena_uninit(&arena);
    return json;
}

/* The difference of two matrices, as the API shows it. */
static json_t *
difference(struct apps_fixture *f, const struct reach_matrix *before,
           const struct reach_matrix *after, struct arena *arena)
{
    return schema_struct_to_json(
        &nb_reply_reach_change,
        reach_compare(apps_fixture_engine(f), before, after, arena));
}

/* The kind of a port in a matrix, or -1. */
static int
kind_of(const json_t *json, const char *port)
{
    const json_t *kind, *name;
    size_t i, j;

    json_array_foreach (json_object_get(json, "classes"), i, kind) {
        json_array_foreach (json_object_get(kind, "ports"), j, name) {
            if (!strcmp(json_string_value(name), port)) {
                return i;
            }
        }
    }
    return -1;
}

/* The cell of two ports, or NULL. */
static const json_t *
find_cell(const json_t *json, const char *from, const char *to)
{
    const json_t *cell;
    size_t i;

    json_array_foreach (json_object_get(json, "cells"), i, cell) {
        if (json_integer_value(json_object_get(cell, "from"))
            == kind_of(json, from)
            && json_integer_value(json_object_get(cell, "to"))
            == kind_of(json, to)) {
            return cell;
        }
    }
    return NULL;
}

static const json_t *
cell_of(const json_t *json, const char *from, const char *to)
{
    const json_t *cell = find_cell(json, from, to);

    if (!cell) {
        fail_msg("no cell of %s and %s", from, to);
    }
    return cell;
}

/* Not the router or network that the flow is of. */
static void
assert_object(const json_t *cell, const char *type, const char *name)
{
    const json_t *object = json_object_get(cell, "object");

    assert_string_equal(text_of(object, "type"), type);
    assert_string_equal(text_of(object, "name"), name);
}

static void
ports_of_one_identity_are_one_kind(void **state)
{
    struct apps_fixture *f = create_shop("{" BASE "," POLICY ","
                                         "'ports/idle': {'network': 'shop'}}");
    json_t *json = matrix(f, 5432);

    (void) state;
    assert_int_equal(json_array_size(json_object_get(json, "classes")), 3);
    assert_int_equal(kind_of(json, "web1"), kind_of(json, "web2"));
    assert_string_equal(json_string_value(json_array_get(
        json_object_get(json, "absent"), 0)), "idle");
    assert_string_equal(text_of(cell_of(json, "app1", "db1"), "verdict"),
                        "delivered");
    assert_string_equal(text_of(cell_of(json, "app1", "db1"), "owner"),
                        "firewall.verdicts/db");
    assert_string_equal(text_of(json_object_get(
        cell_of(json, "app1", "db1"), "object"), "name"), "db");
    assert_int_equal(json_integer_value(json_object_get(
        cell_of(json, "app1", "db1"), "rule")), 0);
    assert_string_equal(text_of(cell_of(json, "web2", "db1"), "verdict"),
                        "dropped");
    assert_string_equal(text_of(cell_of(json, "web2", "db1"), "reason"),
                        "isolated");
    assert_isolated(cell_of(json, "web2", "db1"), "ingress", "db");
    assert_object(cell_of(json, "web2", "db1"), "policies", "db");
    assert_null(json_object_get(cell_of(json, "app1", "db1"),
                                "isolated_by"));
    json_decref(json);
    /* So is what quarantines. */
    apps_fixture_apply(f, "{'quarantines/case-7': {'ports': ['app1']}}");
    json = matrix(f, 5432);
    assert_quarantined(cell_of(json, "app1", "db1"), "quarantines/case-7");
    assert_object(cell_of(json, "app1", "db1"), "quarantines", "case-7");
    assert_null(json_object_get(cell_of(json, "web2", "db1"),
                                "quarantined_by"));
    json_decref(json);
    apps_fixture_apply(f, "{'quarantines/case-7': null}");
    /* An address that a rule names tells its port from its like. */
    apps_fixture_apply(f, "{'policies/db': {'applies_to': ['db'], 'rules': ["
                       " {'direction': 'ingress', 'action': 'allow',"
                       "  'peers': [{'cidr': '10.0.0.2/32'}]}]}}");
    json = matrix(f, 80);
    assert_int_not_equal(kind_of(json, "web1"), kind_of(json, "web2"));
    assert_string_equal(text_of(cell_of(json, "web1", "db1"), "verdict"),
                        "dropped");
    assert_string_equal(text_of(cell_of(json, "web2", "db1"), "verdict"),
                        "delivered");
    json_decref(json);
    apps_fixture_destroy(f);
}

static const char *
first_member(const json_t *json)
{
    return json_object_iter_key(json_object_iter(CONST_CAST(json_t *, json)));
}

static void
groups_sum_up_their_ports(void **state)
{
    struct apps_fixture *f = create_shop(
        "{" BASE "," PORT("lone", "5", "h1", "9", "") ","
        "'groups/one': {'ports': ['web1']},"
        "'policies/web': {'applies_to': ['one'], 'rules': ["
        " {'direction': 'ingress', 'action': 'allow',"
        "  'peers': [{'group': 'db'}]}]}}");
    const struct reach_groups *groups;
    struct arena arena;
    json_t *json;
    const json_t *cell;
    unsigned n = 0;
    size_t i;

    (void) state;
    arena_init(&arena);
    groups = reach_by_group(apps_fixture_engine(f),
                            make_matrix(f, 80, &arena), &arena, NULL);
    assert_non_null(groups);
    json = schema_struct_to_json(&nb_reply_groups, groups);
    arena_uninit(&arena);
    json_array_foreach (json_object_get(json, "cells"), i, cell) {
        char *line = xasprintf("%s %s", text_of(cell, "from"),
                               text_of(cell, "to"));
        const char *verdict = text_of(cell, "verdict");

        if (!strcmp(line, "app one")) {
            assert_string_equal(verdict, "dropped");
            assert_string_equal(text_of(cell, "reason"), "isolated");
            assert_string_equal(first_member(cell), "verdict");
        } else if (!strcmp(line, "app web")) {
            assert_string_equal(verdict, "mixed");
            assert_string_equal(first_member(cell), "from");
        } else if (!strcmp(line, "db one") || !strcmp(line, "app db")) {
            assert_string_equal(verdict, "delivered");
        } else {
            n--;
        }
        n++;
        free(line);
    }
    assert_int_equal(n, 4);

    /* Who the row of those without a group is about. */
    assert_int_equal(json_integer_value(json_object_get(json, "n_ungrouped")),
                     1);
    assert_string_equal(json_string_value(json_array_get(
        json_object_get(json, "ungrouped"), 0)), "lone");
    json_decref(json);
    apps_fixture_destroy(f);
}

/* What ports of both families can reach by one of them only. */
static void
families_that_differ_are_told_apart(void **state)
{
    struct apps_fixture *f = create_shop("{" BASE "}");
    const struct reach_matrix *made;
    const json_t *cell, *change;
    json_t *json, *before;
    struct arena arena;

    (void) state;
    arena_init(&arena);
    apps_fixture_apply(
        f, "{'networks/shop': {'vni': 100, 'subnets': [{'cidr': "
        "'10.0.0.0/24'}, {'cidr': '2001:db8::/64'}]},"
        PORT6("app1", "3", "'tier': 'app'") ","
        PORT6("db1", "4", "'tier': 'db'") ","
        "'policies/db': {'applies_to': ['db'], 'rules': ["
        " {'direction': 'ingress', 'action': 'allow',"
        "  'peers': [{'cidr': '10.0.0.0/24'}]}]}}");
    made = make_matrix(f, 80, &arena);
    before = schema_struct_to_json(&nb_reply_matrix, made);
    cell = cell_of(before, "app1", "db1");
    assert_string_equal(text_of(cell, "verdict"), "mixed");
    assert_string_equal(text_of(json_object_get(cell, "ipv4"), "verdict"),
                        "delivered");
    assert_string_equal(text_of(json_object_get(cell, "ipv6"), "reason"),
                        "isolated");
    assert_string_equal(text_of(cell_of(before, "web1", "db1"), "verdict"),
                        "delivered");
    assert_string_equal(text_of(cell_of(before, "db1", "app1"), "verdict"),
                        "delivered");

    /* The other way round is a change, though both are "mixed". */
    apps_fixture_apply(
        f, "{'policies/db': {'applies_to': ['db'], 'rules': ["
        " {'direction': 'ingress', 'action': 'allow',"
        "  'peers': [{'cidr': '10.0.0.1/32'}, {'cidr': '10.0.0.2/32'},"
        "            {'cidr': '2001:db8::/64'}]}]}}");
    json = difference(f, made, make_matrix(f, 80, &arena), &arena);
    assert_int_equal(json_array_size(json_object_get(json, "changes")), 1);
    change = json_array_get(json_object_get(json, "changes"), 0);
    cell = json_object_get(change, "after");
    assert_string_equal(text_of(cell, "verdict"), "mixed");
    assert_string_equal(text_of(json_object_get(cell, "ipv4"), "reason"),
                        "isolated");
    json_decref(before);
    json_decref(json);
    arena_uninit(&arena);
    apps_fixture_destroy(f);
}

static void
difference_names_the_ports_that_it_concerns(void **state)
{
    struct apps_fixture *f = create_shop("{" BASE "," POLICY "}");
    const struct reach_matrix *before;
    json_t *json, *same;
    const json_t *change;
    struct arena arena;
    size_t i;

    (void) state;
    arena_init(&arena);
    before = make_matrix(f, 5432, &arena);
    same = difference(f, before, before, &arena);
    assert_int_equal(json_array_size(json_object_get(same, "changes")), 0);
    json_decref(same);
    apps_fixture_apply(f, "{'policies/db': {'applies_to': ['db'], 'rules': ["
                       " {'direction': 'ingress', 'action': 'allow',"
                       "  'peers': [{'cidr': '10.0.0.2/32'}]}]},"
                       "'ports/db1': null}");
    apps_fixture_apply(f, "{" PORT("db2", "5", "h3", "9", "'tier': 'db'")
                       "}");
    json = difference(f, before, make_matrix(f, 5432, &arena), &arena);
    json_array_foreach (json_object_get(json, "changes"), i, change) {
        const json_t *to = json_object_get(change, "to");
        const json_t *from = json_object_get(change, "from");

        assert_true(!strncmp(json_string_value(json_array_get(to, 0)), "db",
                             2)
                    || !strncmp(json_string_value(json_array_get(from, 0)),
                                "db", 2));
    }
    assert_true(i >= 4);
    json_decref(json);
    arena_uninit(&arena);
    apps_fixture_destroy(f);
}

/* Of random policies: each cell is what a trace says of each pair. */

static char *
random_rule(const char *direction)
{
    static const char *const peers[] = {
        "", ", 'peers': [{'group': 'web'}]", ", 'peers': [{'group': 'app'}]",
        ", 'peers': [{'cidr': '10.0.0.2/31'}]",
        ", 'peers': [{'cidr': '10.0.0.4/30'}, {'group': 'db'}]",
        ", 'peers': [{'cidr': '10.0.0.1/32'}]",
    };

    return xasprintf("{'direction': '%s', 'action': '%s'%s%s}",
                     direction,
                     random_range(3) ? "allow" : "deny",
                     peers[random_range(ARRAY_SIZE(peers))],
                     random_range(2) ? ""
                     : ", 'services': [{'protocol': 'tcp', 'ports': [80]}]");
}

static char *
random_policies(void)
{
    static const char *const tiers[] = { "security", "application",
                                         "baseline" };
    static const char *const groups[] = { "web", "app", "db" };
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < ARRAY_SIZE(tiers); i++) {
        char *a = random_rule("ingress"), *b = random_rule("egress");

        ds_put_format(&ds, "%s'policies/p%"PRIuSIZE"': {'tier': '%s', "
                      "'applies_to': ['%s'], 'rules': [%s, %s]}",
                      i ? ", " : "{", i, tiers[i], groups[random_range(3)],
                      a, b);
        free(a);
        free(b);
    }
    ds_put_char(&ds, '}');
    return ds_steal_cstr(&ds);
}

static void
compare_cells(struct apps_fixture *f, unsigned counts[2])
{
    static const char *const ports[] = { "web1", "web2", "web3", "app1",
                                         "app2", "db1" };
    json_t *json = matrix(f, 80);

    for (size_t i = 0; i < ARRAY_SIZE(ports) * ARRAY_SIZE(ports); i++) {
        const char *from = ports[i / ARRAY_SIZE(ports)];
        const char *to = ports[i % ARRAY_SIZE(ports)];
        struct vmn_errors errors;
        json_t *trace;
        char *request;

        if (from == to) {
            continue;
        }
        request = xasprintf(BOTH("%s", "%s", "80"), from, to);
        vmn_errors_init(&errors);
        trace = make_trace(f, request, &errors);
        assert_non_null(trace);
        assert_string_equal(text_of(cell_of(json, from, to), "verdict"),
                            text_of(trace, "verdict"));
        counts[!strcmp(text_of(trace, "verdict"), "delivered")]++;
        json_decref(trace);
        vmn_errors_uninit(&errors);
        free(request);
    }
    json_decref(json);
}

static void
cells_are_as_traces_of_each_pair(void **state)
{
    struct apps_fixture *f = create_shop(
        "{" BASE "," PORT("web3", "5", "h2", "8", "'tier': 'web'") ","
        PORT("app2", "6", "h3", "9", "'tier': 'app'") "}");
    unsigned counts[2] = { 0, 0 };

    (void) state;
    random_set_seed(20261120);
    for (int i = 0; i < 20; i++) {
        char *policies = random_policies();

        apps_fixture_apply(f, policies);
        compare_cells(f, counts);
        free(policies);
    }
    assert_true(counts[0] > 60 && counts[1] > 60);
    apps_fixture_destroy(f);
}

static void
assert_cell(const json_t *json, const char *from, const char *to,
            const char *expected)
{
    const json_t *cell = cell_of(json, from, to);
    char *text = xasprintf("%s %s %s", text_of(cell, "verdict"),
                           text_of(cell, "packet"), text_of(cell, "reason"));

    assert_string_equal(text, expected);
    free(text);
}

/* A shadow decides nothing, and a rule that passes leaves it to others. */
static void
a_cell_names_the_rule_that_decides(void **state)
{
    struct apps_fixture *f = create_shop(
        "{" BASE "," POLICY ","
        "'policies/first': {'tier': 'security', 'applies_to': ['db'],"
        " 'rules': [{'direction': 'ingress', 'action': 'pass'}]},"
        "'policies/try': {'tier': 'baseline', 'applies_to': ['web', 'db'],"
        " 'mode': 'shadow', 'rules': ["
        " {'direction': 'egress', 'action': 'deny'},"
        " {'direction': 'ingress', 'action': 'deny'}]}}");
    json_t *json = matrix(f, 5432);

    (void) state;
    assert_object(cell_of(json, "app1", "db1"), "policies", "db");
    assert_cell(json, "web1", "web1", "delivered - -");
    assert_false(json_is_object(json_object_get(
        cell_of(json, "web1", "web1"), "object")));
    json_decref(json);
    apps_fixture_apply(
        f, "{'policies/db': {'applies_to': ['db'], 'mode': 'shadow',"
        " 'rules': [{'direction': 'ingress', 'action': 'allow'}]}}");
    json = matrix(f, 5432);
    assert_cell(json, "app1", "db1", "delivered - -");
    assert_false(json_is_object(json_object_get(
        cell_of(json, "app1", "db1"), "object")));
    json_decref(json);
    apps_fixture_destroy(f);
}

#define VM(NAME, NETWORK, IP, HOST, OFPORT)                                 \
    "'ports/" NAME "': {'network': '" NETWORK "', 'ips': ['" IP "']},"      \
    "'bindings/" NAME "': {'host': '" HOST "'},"                            \
    "'vifs/" HOST "/" NAME "': {'host': '" HOST "', 'iface_id': '" NAME "'," \
    " 'iface': 'tap', 'ofport': " OFPORT "}"

/* Guests send to their gateway what is for another link, and answers as well.
 * Routers have a flow for each address, which tells no ports apart. */
static void
routers_lead_to_other_networks(void **state)
{
    struct apps_fixture *f = create_shop(
        "{" BASE ","
        "'networks/red': {'subnets': [{'cidr': '10.1.0.0/24',"
        "                              'gateway': '10.1.0.1'}]},"
        "'networks/blue': {'subnets': [{'cidr': '10.2.0.0/24',"
        "                               'gateway': '10.2.0.1'}]},"
        "'networks/grey': {'subnets': [{'cidr': '10.3.0.0/24'}]},"
        "'routers/r': {'interfaces': [{'network': 'red'},"
        " {'network': 'blue'},"
        " {'network': 'grey', 'addresses': ['10.3.0.9']}]},"
        VM("red1", "red", "10.1.0.11", "h1", "21") ","
        VM("red2", "red", "10.1.0.12", "h2", "22") ","
        VM("blue1", "blue", "10.2.0.11", "h2", "23") ","
        VM("grey1", "grey", "10.3.0.11", "h3", "24") "}");
    json_t *json = matrix(f, 80);

    (void) state;
    assert_int_equal(kind_of(json, "red1"), kind_of(json, "red2"));
    assert_cell(json, "red1", "blue1", "delivered - -");
    assert_cell(json, "blue1", "red2", "delivered - -");
    assert_cell(json, "red1", "grey1",
                "dropped reply no router at its gateway");
    assert_cell(json, "grey1", "red1",
                "dropped request no router at its gateway");
    assert_null(find_cell(json, "red1", "web1"));
    json_decref(json);
    apps_fixture_destroy(f);
}

/* Returns the cell from 'from' to 'to', or NULL. */
static const json_t *
group_cell(const json_t *json, const char *from, const char *to)
{
    const json_t *cell;
    size_t i;

    json_array_foreach (json_object_get(json, "cells"), i, cell) {
        if (!strcmp(text_of(cell, "from"), from)
            && !strcmp(text_of(cell, "to"), to)) {
            return cell;
        }
    }
    return NULL;
}

/* Asserts that exception 'i' of a cell is "REASON FROM TO N". */
static void
assert_exception(const json_t *cell, size_t i, const char *expected)
{
    const json_t *exception = json_array_get(
        json_object_get(cell, "exceptions"), i);
    char *text = xasprintf("%s %s %s %"JSON_INTEGER_FORMAT,
                           text_of(exception, "reason"),
                           text_of(exception, "from"),
                           text_of(exception, "to"),
                           json_integer_value(json_object_get(exception,
                                                              "n_pairs")));

    assert_string_equal(text, expected);
    free(text);
}

/* One that is quarantined, and one that no router joins, do not count for all
 * of their groups; and who has nobody to ask is not who may not. */
static void
groups_name_the_ports_that_differ(void **state)
{
    struct apps_fixture *f = create_shop(
        "{" BASE ","
        "'networks/far': {'subnets': [{'cidr': '10.4.0.0/24'}]},"
        VM("far1", "far", "10.4.0.11", "h1", "21") ","
        "'groups/all': {'ports': ['app1', 'far1']},"
        "'groups/same': {'ports': ['db1']},"
        "'quarantines/web2': {'ports': ['web2']}}");
    const struct reach_groups *groups;
    const json_t *cell, *alone;
    struct arena arena;
    json_t *json;

    (void) state;
    arena_init(&arena);
    groups = reach_by_group(apps_fixture_engine(f),
                            make_matrix(f, 80, &arena), &arena, NULL);
    assert_non_null(groups);
    json = schema_struct_to_json(&nb_reply_groups, groups);
    arena_uninit(&arena);

    cell = group_cell(json, "app", "web");
    assert_string_equal(text_of(cell, "verdict"), "mixed");
    assert_exception(cell, 0, "quarantined app1 web2 1");
    assert_int_equal(json_array_size(json_object_get(cell, "exceptions")), 1);
    cell = group_cell(json, "all", "db");
    assert_string_equal(text_of(cell, "verdict"), "mixed");
    assert_exception(cell, 0, "no router joins their networks far1 db1 1");
    cell = group_cell(json, "app", "db");
    assert_string_equal(text_of(cell, "verdict"), "delivered");
    assert_null(json_object_get(cell, "exceptions"));
    /* "db" and "same" are one port. */
    assert_null(group_cell(json, "db", "same"));
    alone = json_object_get(json, "alone");
    assert_int_equal(json_array_size(alone), 5);
    json_decref(json);
    apps_fixture_destroy(f);
}

/* A group that has no port but those of the groups in it is one of theirs. */
static void
groups_within_groups_count(void **state)
{
    struct apps_fixture *f = create_shop(
        "{" BASE "," POLICY ","
        "'groups/back': {'groups': ['app', 'db']},"
        "'groups/all': {'groups': ['back', 'web']}}");
    const struct reach_groups *groups;
    const json_t *classes, *cell;
    struct arena arena;
    json_t *json;

    (void) state;
    arena_init(&arena);
    json = matrix(f, 5432);
    classes = json_object_get(json, "classes");
    cell = json_array_get(classes, kind_of(json, "db1"));
    assert_string_equal(text_of(cell, "groups"), "all,back,db");
    json_decref(json);
    groups = reach_by_group(apps_fixture_engine(f),
                            make_matrix(f, 5432, &arena), &arena, NULL);
    assert_non_null(groups);
    json = schema_struct_to_json(&nb_reply_groups, groups);
    arena_uninit(&arena);

    assert_int_equal(json_array_size(json_object_get(json, "groups")), 5);
    cell = group_cell(json, "app", "db");
    assert_string_equal(text_of(cell, "verdict"), "delivered");
    cell = group_cell(json, "web", "back");
    assert_string_equal(text_of(cell, "verdict"), "mixed");
    cell = group_cell(json, "all", "back");
    assert_string_equal(text_of(cell, "verdict"), "mixed");
    json_decref(json);
    apps_fixture_destroy(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports_of_one_identity_are_one_kind),
        cmocka_unit_test(groups_sum_up_their_ports),
        cmocka_unit_test(groups_name_the_ports_that_differ),
        cmocka_unit_test(groups_within_groups_count),
        cmocka_unit_test(families_that_differ_are_told_apart),
        cmocka_unit_test(difference_names_the_ports_that_it_concerns),
        cmocka_unit_test(cells_are_as_traces_of_each_pair),
        cmocka_unit_test(a_cell_names_the_rule_that_decides),
        cmocka_unit_test(routers_lead_to_other_networks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
