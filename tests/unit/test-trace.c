/* SPDX-License-Identifier: Apache-2.0
 *
 * Traces, in names: rows in, with the built apps, and what becomes of packets
 * out. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/trace-body.h"
#include "controller/schema/arena.h"
#include "controller/schema/error.h"
#include "controller/schema/schema-struct.h"
#include "controller/simulator/reachability-matrix.h"
#include "controller/simulator/trace.h"
#include "openvswitch/dynamic-string.h"
#include "random.h"
#include "tests/unit/apps-fixture.h"
#include "util.h"

static const char *const apps[] = {
    "overlay",
    "firewall",
    "loadbalancer",
    "router",
    NULL,
};

#define PORT(NAME, N, HOST, OFPORT, LABELS)                                 \
    "'ports/" NAME "': {'network': 'shop', 'ips': ['10.0.0." N "'],"        \
    " 'mac': '02:00:00:00:00:0" N "', 'labels': {" LABELS "}},"             \
    "'bindings/" NAME "': {'host': '" HOST "'},"                            \
    "'vifs/" HOST "/" NAME "': {'host': '" HOST "', 'iface_id': '" NAME "'," \
    " 'iface': 'tap', 'ofport': " OFPORT "}"

#define BASE                                                                \
    "'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1'},"          \
    "'hosts/h2': {'ovsdb': 'unix:/h2', 'tunnel_ip': '10.99.0.2'},"          \
    "'hosts/h3': {'ovsdb': 'unix:/h3', 'tunnel_ip': '10.99.0.3'},"          \
    "'networks/shop': {'vni': 100, 'subnets': [{'cidr': '10.0.0.0/24'}]},"  \
    PORT("web1", "1", "h1", "5", "'tier': 'web'") ","                       \
    PORT("web2", "2", "h2", "6", "'tier': 'web'") ","                       \
    PORT("app1", "3", "h2", "7", "'tier': 'app'") ","                       \
    PORT("db1", "4", "h3", "8", "'tier': 'db'") ","                         \
    "'groups/web': {'selector': 'tier=web'},"                               \
    "'groups/app': {'selector': 'tier=app'},"                               \
    "'groups/db': {'selector': 'tier=db'}"

static struct apps_fixture *
create(const char *rows)
{
    struct apps_fixture *f = apps_fixture_create(apps);

    apps_fixture_apply(f, rows);
    return f;
}

/* Adds 'error', which it releases, to 'errors'. */
static void
add_error(struct vmn_errors *errors, struct vmn_error *error)
{
    vmn_errors_add(errors, error->code, error->pointer, "%s", error->text);
    vmn_error_uninit(error);
}

/* Returns the trace as the API shows it, or NULL with errors. */
static json_t *
make(struct apps_fixture *f, const char *text, struct vmn_errors *errors)
{
    struct vmn_error error = VMN_ERROR_INIT;
    struct trace_request request;
    json_t *body, *result = NULL;
    char *copy = xstrdup(text);
    const struct trace *trace;
    struct arena arena;

    for (char *p = copy; *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    body = json_loads(copy, 0, NULL);
    assert_non_null(body);
    arena_init(&arena);
    if (nb_trace_body_read(body, &arena, &request, errors)) {
        trace = trace_make(apps_fixture_engine(f), apps_fixture_model(f),
                           apps_fixture_pipeline(f), &request, &arena,
                           &error);
        if (trace) {
            result = schema_struct_to_json(&nb_reply_trace, trace);
        } else {
            add_error(errors, &error);
        }
    }
    arena_uninit(&arena);
    json_decref(body);
    free(copy);
    return result;
}

static const char *
text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    return text ? text : "-";
}

/* " <- SAYS VERDICT HOST PORT-OR-REASON". */
static void
put_answer(const json_t *answer, struct ds *ds)
{
    const json_t *at = json_object_get(answer, "at");
    bool delivered = !strcmp(text_of(at, "kind"), "delivered");

    if (answer) {
        ds_put_format(ds, " <- %s", text_of(answer, "message"));
    }
    if (at) {
        ds_put_format(ds, " %s %s %s", text_of(answer, "verdict"),
                      text_of(at, "host"), text_of(at, delivered ? "port"
                                                   : "reason"));
    }
}

/* "VERDICT", and for each outcome " | PACKET VERDICT HOST PORT-OR-REASON
 * (OWNER)", and what the sender is told. */
static char *
summary(const json_t *trace)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const json_t *outcome;
    size_t i;

    ds_put_cstr(&ds, text_of(trace, "verdict"));
    json_array_foreach (json_object_get(trace, "outcomes"), i, outcome) {
        const json_t *at = json_object_get(outcome, "at");
        bool delivered = !strcmp(text_of(at, "kind"), "delivered");

        ds_put_format(&ds, " | %s %s %s %s", text_of(outcome, "packet"),
                      text_of(outcome, "verdict"), text_of(at, "host"),
                      text_of(at, delivered ? "port" : "reason"));
        if (!delivered) {
            ds_put_format(&ds, " (%s)", text_of(at, "owner"));
        }
        put_answer(json_object_get(outcome, "answer"), &ds);
    }
    return ds_steal_cstr(&ds);
}

/* Traces 'request', and compares the summary. */
static void
expect(struct apps_fixture *f, const char *request, const char *expected)
{
    struct vmn_errors errors;
    json_t *trace;
    char *text;

    vmn_errors_init(&errors);
    trace = make(f, request, &errors);
    if (!trace) {
        fail_msg("%s: %s: %s", request, errors.errors[0].pointer,
                 errors.errors[0].text);
    }
    text = summary(trace);
    if (strcmp(text, expected)) {
        char *dump = json_dumps(trace, JSON_INDENT(1));

        fputs(dump, stderr);
        free(dump);
    }
    assert_string_equal(text, expected);
    free(text);
    json_decref(trace);
    vmn_errors_uninit(&errors);
}

/* The request must be refused, with 'expected', "POINTER: TEXT". */
static void
refused(struct apps_fixture *f, const char *request, const char *expected)
{
    struct vmn_errors errors;
    char *text;

    vmn_errors_init(&errors);
    assert_null(make(f, request, &errors));
    assert_true(errors.n > 0);
    text = xasprintf("%s: %s", errors.errors[0].pointer,
                     errors.errors[0].text);
    assert_string_equal(text, expected);
    free(text);
    vmn_errors_uninit(&errors);
}

#define TCP(FROM, TO, PORT) "{'from': '" FROM "', 'to': '" TO "', " \
                            "'protocol': 'tcp', 'port': " PORT "}"
#define BOTH(FROM, TO, PORT) "{'from': '" FROM "', 'to': '" TO "', " \
                             "'protocol': 'tcp', 'port': " PORT ", " \
                             "'reply': true}"
#define PING(FROM, TO) "{'from': '" FROM "', 'to': '" TO "', " \
                       "'protocol': 'icmp', 'reply': true}"

/* What becomes of packets.  ----------------------------------------------- */

static void
open_network_delivers(void **state)
{
    struct apps_fixture *f = create("{" BASE "}");

    (void) state;
    expect(f, BOTH("web1", "db1", "5432"),
           "delivered | request delivered h3 db1");
    expect(f, BOTH("web2", "app1", "80"),
           "delivered | request delivered h2 app1");
    expect(f, PING("web1", "web2"), "delivered | request delivered h2 web2");
    expect(f, "{'from': 'web1', 'to': 'db1', 'protocol': 'sctp', "
           "'port': 2905, 'reply': true}",
           "delivered | request delivered h3 db1");
    expect(f, TCP("web1", "10.0.0.4", "1"),
           "delivered | request delivered h3 db1");
    expect(f, TCP("web1", "10.0.0.9", "1"),
           "dropped | question for the address dropped h1 ARP for unknown "
           "address (overlay.base/)");
    apps_fixture_destroy(f);
}

/* 'json' must say that 'policies', "a,b", isolate in 'direction'. */
static void
assert_isolated(const json_t *json, const char *direction,
                const char *policies)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const json_t *name;
    size_t i;

    assert_string_equal(text_of(json, "direction"), direction);
    json_array_foreach (json_object_get(json, "isolated_by"), i, name) {
        ds_put_format(&ds, "%s%s", i ? "," : "", json_string_value(name));
    }
    assert_string_equal(ds_cstr(&ds), policies);
    ds_destroy(&ds);
}

#define POLICY                                                              \
    "'policies/db': {'applies_to': ['db'], 'rules': ["                      \
    " {'direction': 'ingress', 'action': 'allow',"                          \
    "  'peers': [{'group': 'app'}],"                                        \
    "  'services': [{'protocol': 'tcp', 'ports': [5432]}]}]}"

/* Whatever group it is by, and whether or not one of them has a rule; but
 * neither shadows, nor those of other directions, of other tiers, or of groups
 * that are only peers. */
static void
all_policies_that_isolate_are_named(void **state)
{
    static const char *const traces[][3] = {
        { TCP("web1", "db1", "80"), "ingress", "db,outer" },
        { TCP("db1", "web1", "80"), "egress", "out" },
    };
    struct apps_fixture *f = create(
        "{" BASE "," POLICY ", 'groups/all': {'groups': ['db']},"
        "'policies/outer': {'applies_to': ['all']},"
        "'policies/out': {'applies_to': ['db'], 'directions': ['egress']},"
        "'policies/none': {'applies_to': ['db'], 'directions': [],"
        " 'rules': [{'direction': 'ingress', 'action': 'deny',"
        " 'peers': [{'cidr': '10.9.0.0/24'}]}]},"
        "'policies/shadow': {'applies_to': ['db'], 'mode': 'shadow'},"
        "'policies/other': {'applies_to': ['web'], 'directions': [],"
        " 'rules': [{'direction': 'ingress', 'action': 'deny',"
        " 'peers': [{'group': 'db'}], 'services': [{'protocol': 'udp'}]}]}}");

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(traces); i++) {
        struct vmn_errors errors;
        json_t *trace;

        vmn_errors_init(&errors);
        trace = make(f, traces[i][0], &errors);
        assert_non_null(trace);
        assert_isolated(json_object_get(json_array_get(json_object_get(
            trace, "outcomes"), 0), "at"), traces[i][1], traces[i][2]);
        json_decref(trace);
        vmn_errors_uninit(&errors);
    }
    apps_fixture_destroy(f);
}

static void
policy_decides_and_is_named(void **state)
{
    struct apps_fixture *f = create("{" BASE "," POLICY "}");

    (void) state;
    expect(f, BOTH("app1", "db1", "5432"),
           "delivered | request delivered h3 db1");
    expect(f, TCP("app1", "db1", "80"), "dropped | request dropped h3 "
           "isolated (firewall.isolated/shop|ingress)");
    expect(f, TCP("web1", "db1", "5432"), "dropped | request dropped h3 "
           "isolated (firewall.isolated/shop|ingress)");
    expect(f, BOTH("db1", "web1", "80"),
           "delivered | request delivered h1 web1");
    expect(f, "{'from': 'app1', 'to': 'db1', 'protocol': 'tcp', "
           "'port': 5432, 'tcp_flags': 'syn-ack'}", "dropped | request "
           "dropped h2 invalid state (firewall.base/)");
    expect(f, "{'from': 'app1', 'to': 'db1', 'protocol': 'tcp', "
           "'port': 5432, 'fragment': 'later'}",
           "delivered | request delivered h3 db1");
    apps_fixture_apply(f, "{'policies/no': {'tier': 'security',"
                       " 'applies_to': ['app'], 'rules': ["
                       " {'direction': 'egress', 'action': 'deny'}]}}");
    expect(f, TCP("app1", "db1", "5432"), "dropped | request dropped h2 "
           "denied by rule (firewall.verdicts/no)");
    apps_fixture_destroy(f);
}

#define UDP(FROM, TO, PORT) "{'from': '" FROM "', 'to': '" TO "', " \
                            "'protocol': 'udp', 'port': " PORT "}"

static void
rejected_packets_are_answered(void **state)
{
    struct apps_fixture *f = create(
        "{" BASE ", 'loadbalancers/www': {'vip': '10.0.0.100',"
        " 'networks': ['shop'], 'protocol': 'udp',"
        " 'ports': [{'port': 53, 'target': 5353}],"
        " 'backends': [{'port': 'app1'}]},"
        "'policies/in': {'tier': 'security', 'applies_to': ['app'], 'rules': ["
        " {'direction': 'ingress', 'action': 'reject'}]},"
        "'policies/out': {'tier': 'platform', 'applies_to': ['db'], 'rules': ["
        " {'direction': 'egress', 'action': 'reject'},"
        " {'direction': 'ingress', 'action': 'reject'}]}}");

    (void) state;
    /* Where it goes to, on this host and another; and where it comes from.
     * What the sender does not let in does not matter. */
    expect(f, TCP("web2", "app1", "80"), "dropped | request dropped h2 "
           "rejected by rule (firewall.verdicts/in)"
           " <- TCP reset delivered h2 web2");
    expect(f, TCP("web1", "app1", "80"), "dropped | request dropped h2 "
           "rejected by rule (firewall.verdicts/in)"
           " <- TCP reset delivered h1 web1");
    expect(f, UDP("web1", "app1", "80"), "dropped | request dropped h2 "
           "rejected by rule (firewall.verdicts/in)"
           " <- ICMP error 3/13 delivered h1 web1");
    expect(f, TCP("db1", "web1", "80"), "dropped | request dropped h3 "
           "rejected by rule (firewall.verdicts/out)"
           " <- TCP reset delivered h3 db1");
    expect(f, PING("db1", "web1"), "dropped | request dropped h3 "
           "rejected by rule (firewall.verdicts/out)"
           " <- ICMP error 3/13 delivered h3 db1");
    expect(f, UDP("web1", "10.0.0.100", "53"), "dropped | request dropped h2 "
           "rejected by rule (firewall.verdicts/in)"
           " <- ICMP error 3/13 delivered h1 web1");
    expect(f, "{'from': 'db1', 'to': 'web1', 'protocol': 'icmp', "
           "'icmp_type': 8, 'fragment': 'first'}", "dropped | request dropped"
           " h3 rejected by rule (firewall.verdicts/out)"
           " <- ICMP error 3/13 delivered h3 db1");

    /* Of one level: both drop. */
    apps_fixture_apply(
        f, "{'policies/in': {'applies_to': ['app'], 'rules': ["
        " {'direction': 'ingress', 'action': 'deny'}]},"
        "'policies/too': {'applies_to': ['app'], 'rules': ["
        " {'direction': 'ingress', 'action': 'deny'}]}}");
    expect(f, TCP("web1", "app1", "80"), "dropped | request dropped h2 "
           "denied by rule (firewall.verdicts/too)");
    apps_fixture_destroy(f);
}

static void
spoofed_and_quarantined_packets_are_dropped(void **state)
{
    struct apps_fixture *f = create("{" BASE "}");

    (void) state;
    expect(f, "{'from': 'web1', 'to': 'db1', 'protocol': 'udp', 'port': 53, "
           "'source_ip': '10.0.0.2', "
           "'destination_mac': '02:00:00:00:00:04'}",
           "dropped | request dropped h1 spoofed (overlay.base/)");
    apps_fixture_apply(f, "{'ports/db1': {'network': 'shop',"
                       " 'ips': ['10.0.0.4'], 'mac': '02:00:00:00:00:04',"
                       " 'quarantined': true}}");
    expect(f, TCP("web1", "db1", "1"), "dropped | request dropped h3 "
           "quarantined (firewall.quarantined/shop)");
    expect(f, TCP("db1", "web1", "1"), "dropped | request dropped h3 "
           "quarantined (firewall.quarantined/shop)");
    apps_fixture_destroy(f);
}

static void
balancer_has_an_outcome_for_each_backend(void **state)
{
    struct apps_fixture *f = create(
        "{" BASE ", 'loadbalancers/www': {'vip': '10.0.0.100',"
        " 'networks': ['shop'], 'protocol': 'tcp',"
        " 'ports': [{'port': 80, 'target': 8080}],"
        " 'backends': [{'port': 'web1'}, {'port': 'web2'}]}}");

    (void) state;
    expect(f, BOTH("app1", "www", "80"), "delivered"
           " | request delivered h1 web1 | request delivered h2 web2");
    expect(f, BOTH("web1", "10.0.0.100", "80"), "delivered"
           " | request delivered h1 web1 | request delivered h2 web2");
    expect(f, TCP("app1", "www", "81"), "dropped | request dropped h2 no "
           "such service at virtual IP (loadbalancer.address/shop|10.0.0.100)");
    apps_fixture_destroy(f);
}

/* A port with an IPv6 address as well. */
#define PORT6(NAME, N, LABELS)                                              \
    "'ports/" NAME "': {'network': 'shop', 'mac': '02:00:00:00:00:0" N "'," \
    " 'ips': ['10.0.0." N "', '2001:db8::" N "'], 'labels': {" LABELS "}}"

static void
ipv6_goes_the_same_way(void **state)
{
    struct apps_fixture *f = create("{" BASE "," POLICY "}");

    (void) state;
    apps_fixture_apply(
        f, "{'networks/shop': {'vni': 100, 'subnets': [{'cidr': "
        "'10.0.0.0/24'}, {'cidr': '2001:db8::/64'}]},"
        PORT6("app1", "3", "'tier': 'app'") ","
        PORT6("db1", "4", "'tier': 'db'") ","
        PORT6("web1", "1", "'tier': 'web'") "}");
    expect(f, BOTH("app1", "2001:db8::4", "5432"),
           "delivered | request delivered h3 db1");
    expect(f, TCP("app1", "2001:db8::4", "80"), "dropped | request dropped "
           "h3 isolated (firewall.isolated/shop|ingress)");
    expect(f, PING("db1", "2001:db8::1"),
           "delivered | request delivered h1 web1");
    expect(f, TCP("app1", "2001:db8::9", "80"), "dropped | question for the "
           "address dropped h2 ND for unknown address (overlay.base/)");
    expect(f, "{'from': 'app1', 'to': '2001:db8::4', 'protocol': 'udp',"
           " 'port': 53, 'source_ip': '2001:db8::1',"
           " 'destination_mac': '02:00:00:00:00:04'}", "dropped | request "
           "dropped h2 spoofed (overlay.port/app1)");
    /* A given source says by which family. */
    expect(f, "{'from': 'app1', 'to': 'db1', 'protocol': 'tcp', 'port': 5432,"
           " 'source_ip': '2001:db8::3'}",
           "delivered | request delivered h3 db1");
    refused(f, "{'from': 'app1', 'to': '10.0.0.4', 'protocol': 'icmp',"
            " 'source_ip': '2001:db8::3'}", "/source_ip: must be an IPv4 "
            "address, as that of \"to\" is");
    refused(f, "{'from': 'app1', 'to': 'web2', 'protocol': 'icmp',"
            " 'source_ip': '2001:db8::3'}", "/to: port \"web2\" has no IPv6 "
            "address, as source_ip is");

    /* So does ICMPv6. */
    expect(f, "{'from': 'app1', 'to': 'db1', 'protocol': 'icmpv6',"
           " 'icmp_type': 128, 'icmp_code': 0, 'reply': true,"
           " 'source_ip': '2001:db8::4'}",
           "dropped | question for the address dropped h2 spoofed "
           "(overlay.port/app1)");
    expect(f, "{'from': 'db1', 'to': 'web1', 'protocol': 'icmpv6',"
           " 'reply': true}", "delivered | request delivered h1 web1");
    refused(f, "{'from': 'app1', 'to': 'web2', 'protocol': 'icmpv6'}",
            "/to: ports \"app1\" and \"web2\" do not both have an IPv6 "
            "address, as icmpv6 takes");
    refused(f, "{'from': 'app1', 'to': '10.0.0.4', 'protocol': 'icmpv6'}",
            "/to: must have an IPv6 address, as icmpv6 takes");
    refused(f, "{'from': 'app1', 'to': 'db1', 'protocol': 'icmpv6',"
            " 'source_ip': '10.0.0.3'}",
            "/source_ip: must be an IPv6 address, as icmpv6 takes");
    apps_fixture_destroy(f);
}

static void
steps_tell_the_way(void **state)
{
    struct apps_fixture *f = create("{" BASE "," POLICY "}");
    struct vmn_errors errors;
    const json_t *step;
    bool tunnel = false, tracked = false, rule = false;
    json_t *trace, *steps;
    size_t i;

    (void) state;
    vmn_errors_init(&errors);
    trace = make(f, TCP("app1", "db1", "5432"), &errors);
    steps = json_object_get(json_array_get(json_object_get(
        json_array_get(json_object_get(trace, "outcomes"), 0), "legs"), 0),
        "steps");
    assert_string_equal(text_of(json_array_get(steps, 0), "stage"),
                        "overlay.admit");
    assert_string_equal(text_of(json_array_get(steps, 0), "owner"),
                        "overlay.port/app1");
    json_array_foreach (steps, i, step) {
        tunnel |= !strcmp(text_of(step, "kind"), "tunnel")
                  && !strcmp(text_of(step, "to"), "h3");
        tracked |= !strcmp(text_of(step, "state"), "new|trk");
        rule |= !strcmp(text_of(step, "owner"), "firewall.verdicts/db")
                && json_object_get(step, "conjunction");
    }
    assert_true(tunnel && tracked && rule);
    json_decref(trace);
    vmn_errors_uninit(&errors);
    apps_fixture_destroy(f);
}

/* Reachability.  --------------------------------------------------------- */

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

static void
ports_of_one_identity_are_one_kind(void **state)
{
    struct apps_fixture *f = create("{" BASE "," POLICY ","
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
    assert_null(json_object_get(cell_of(json, "app1", "db1"),
                                "isolated_by"));
    json_decref(json);
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
    struct apps_fixture *f = create(
        "{" BASE ", 'groups/one': {'ports': ['web1']},"
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
    json_decref(json);
    apps_fixture_destroy(f);
}

/* What ports of both families can reach by one of them only. */
static void
families_that_differ_are_told_apart(void **state)
{
    struct apps_fixture *f = create("{" BASE "}");
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
    struct apps_fixture *f = create("{" BASE "," POLICY "}");
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
        trace = make(f, request, &errors);
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
    struct apps_fixture *f = create(
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

/* Requests.  ------------------------------------------------------------- */

static void
wrong_requests_are_refused(void **state)
{
    struct apps_fixture *f = create("{" BASE "}");

    (void) state;
    refused(f, "[]", ": must be an object: {\"from\", \"to\", \"protocol\", "
            "...}");
    refused(f, "{'from': 'web1', 'to': 'db1', 'protocol': 'tcp'}",
            "/port: is required");
    refused(f, "{'from': 'web1', 'to': 'db1', 'protocol': 'icmp', "
            "'port': 1}", "/port: cannot be combined with icmp");
    refused(f, TCP("web1", "db1", "0"),
            "/port: must be a number from 1 to 65535");
    refused(f, "{'from': 'web1', 'to': 'db1', 'protocol': 'gre'}",
            "/protocol: must be \"tcp\", \"udp\", \"sctp\", \"icmp\" or "
            "\"icmpv6\"");
    refused(f, "{'form': 'web1', 'to': 'db1', 'protocol': 'icmp'}",
            "/form: unknown field");
    refused(f, TCP("web9", "db1", "1"), "/from: port \"web9\" not found");
    apps_fixture_apply(f, "{'ports/new': {'network': 'shop'}}");
    refused(f, TCP("new", "db1", "1"), "/from: port \"new\" is on no host "
            "that is known to have its interface");
    apps_fixture_destroy(f);
}

/* Across routers.  -------------------------------------------------------- */

#define VM(NAME, NETWORK, IP, HOST, OFPORT)                                 \
    "'ports/" NAME "': {'network': '" NETWORK "', 'ips': ['" IP "']},"      \
    "'bindings/" NAME "': {'host': '" HOST "'},"                            \
    "'vifs/" HOST "/" NAME "': {'host': '" HOST "', 'iface_id': '" NAME "'," \
    " 'iface': 'tap', 'ofport': " OFPORT "}"

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

/* Guests send to their gateway what is for another link, and answers as well.
 * Routers have a flow for each address, which tells no ports apart. */
static void
routers_lead_to_other_networks(void **state)
{
    struct apps_fixture *f = create(
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

/* Network "shop" on VLAN 7 of a physical network, which web2's host, too, has a
 * way to, and db1's has not. */
#define WIRE                                                                \
    "'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1',"           \
    " 'provider_bridges': [{'physical': 'dc', 'bridge': 'br-ex'}]},"        \
    "'hosts/h2': {'ovsdb': 'unix:/h2', 'tunnel_ip': '10.99.0.2',"           \
    " 'provider_bridges': [{'physical': 'dc', 'bridge': 'br-ex'}]},"        \
    "'vifs/h1/@dc': {'host': 'h1', 'iface_id': '@dc',"                      \
    " 'iface': 'vmn-to-br-ex', 'ofport': 41},"                              \
    "'vifs/h2/@dc': {'host': 'h2', 'iface_id': '@dc',"                      \
    " 'iface': 'vmn-to-br-ex', 'ofport': 42},"                              \
    "'networks/shop': {'vni': 100, 'subnets': [{'cidr': '10.0.0.0/24'}],"   \
    " 'provider': {'physical': 'dc', 'vlan': 7}},"                          \
    "'ports/metal': {'network': 'shop', 'ips': ['10.0.0.50'],"              \
    " 'mac': '02:00:00:00:00:50', 'external': true,"                        \
    " 'labels': {'role': 'metal'}}"

static void
physical_networks_lead_to_other_hosts_and_outside(void **state)
{
    struct apps_fixture *f = create("{" BASE "," WIRE "}");

    (void) state;
    expect(f, BOTH("web1", "web2", "80"),
           "delivered | request delivered h2 web2");
    expect(f, BOTH("web2", "web1", "80"),
           "delivered | request delivered h1 web1");
    expect(f, BOTH("web1", "metal", "80"),
           "delivered | request delivered h1 @dc");
    expect(f, TCP("web1", "db1", "80"),
           "dropped | request dropped h1 @dc");
    expect(f, TCP("db1", "web1", "80"),
           "dropped | request dropped h3 no bridge to the physical network "
           "(overlay.network/shop)");

    /* Where it goes, policies of there hold. */
    apps_fixture_apply(f, "{'groups/metal': {'selector': 'role=metal'},"
                       "'policies/web': {'applies_to': ['web'], 'rules': ["
                       " {'direction': 'ingress', 'action': 'allow',"
                       "  'peers': [{'group': 'metal'}]}]}}");
    expect(f, TCP("web1", "web2", "80"),
           "dropped | request dropped h2 isolated "
           "(firewall.isolated/shop|ingress)");
    expect(f, BOTH("web1", "metal", "80"),
           "delivered | request delivered h1 @dc");
    apps_fixture_destroy(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_network_delivers),
        cmocka_unit_test(policy_decides_and_is_named),
        cmocka_unit_test(all_policies_that_isolate_are_named),
        cmocka_unit_test(rejected_packets_are_answered),
        cmocka_unit_test(spoofed_and_quarantined_packets_are_dropped),
        cmocka_unit_test(balancer_has_an_outcome_for_each_backend),
        cmocka_unit_test(ipv6_goes_the_same_way),
        cmocka_unit_test(steps_tell_the_way),
        cmocka_unit_test(ports_of_one_identity_are_one_kind),
        cmocka_unit_test(groups_sum_up_their_ports),
        cmocka_unit_test(families_that_differ_are_told_apart),
        cmocka_unit_test(difference_names_the_ports_that_it_concerns),
        cmocka_unit_test(cells_are_as_traces_of_each_pair),
        cmocka_unit_test(routers_lead_to_other_networks),
        cmocka_unit_test(physical_networks_lead_to_other_hosts_and_outside),
        cmocka_unit_test(wrong_requests_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
