/* SPDX-License-Identifier: Apache-2.0
 *
 * A network "shop" of four ports on three hosts, with the built apps, and
 * traces in it, for the tests of what becomes of packets. */

#ifndef TESTS_UNIT_TRACE_FIXTURE_H
#define TESTS_UNIT_TRACE_FIXTURE_H 1

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <jansson.h>

#include "controller/schema/error.h"
#include "controller/simulator/simulator.h"
#include "tests/unit/apps-fixture.h"

/* Rows, as JSON with ' for ": a port of "shop" on a host; */
#define PORT(NAME, N, HOST, OFPORT, LABELS)                                 \
    "'ports/" NAME "': {'network': 'shop', 'ips': ['10.0.0." N "'],"        \
    " 'mac': '02:00:00:00:00:0" N "', 'labels': {" LABELS "}},"             \
    "'bindings/" NAME "': {'host': '" HOST "'},"                            \
    "'vifs/" HOST "/" NAME "': {'host': '" HOST "', 'iface_id': '" NAME "'," \
    " 'iface': 'tap', 'ofport': " OFPORT "}"

/* A port with an IPv6 address as well. */
#define PORT6(NAME, N, LABELS)                                              \
    "'ports/" NAME "': {'network': 'shop', 'mac': '02:00:00:00:00:0" N "'," \
    " 'ips': ['10.0.0." N "', '2001:db8::" N "'], 'labels': {" LABELS "}}"

/* the network, its hosts, ports and groups; */
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

/* a policy that lets none but "app" reach "db". */
#define POLICY                                                              \
    "'policies/db': {'applies_to': ['db'], 'rules': ["                      \
    " {'direction': 'ingress', 'action': 'allow',"                          \
    "  'peers': [{'group': 'app'}],"                                        \
    "  'services': [{'protocol': 'tcp', 'ports': [5432]}]}]}"

/* Requests for traces. */
#define TCP(FROM, TO, PORT) "{'from': '" FROM "', 'to': '" TO "', " \
                            "'protocol': 'tcp', 'port': " PORT "}"
#define BOTH(FROM, TO, PORT) "{'from': '" FROM "', 'to': '" TO "', " \
                             "'protocol': 'tcp', 'port': " PORT ", " \
                             "'reply': true}"
#define PING(FROM, TO) "{'from': '" FROM "', 'to': '" TO "', " \
                       "'protocol': 'icmp', 'reply': true}"

/* Returns the built apps with these rows.  The caller destroys it. */
struct apps_fixture *create_shop(const char *rows);

/* Returns the trace as the API shows it, or NULL with errors. */
json_t *make_trace(struct apps_fixture *, const char *request,
                   struct vmn_errors *);
json_t *make_trace_over(struct apps_fixture *, const struct sim_underlay *,
                        const char *request, struct vmn_errors *);
/* Traces 'request', and compares the summary: "VERDICT", and for each outcome
 * " | PACKET VERDICT HOST PORT-OR-REASON (OWNER)", and what the sender is
 * told, " <- SAYS VERDICT HOST PORT-OR-REASON". */
void traced(struct apps_fixture *, const char *request, const char *expected);
/* The same with what is known of hosts. */
void traced_over(struct apps_fixture *, const struct sim_underlay *,
                 const char *request, const char *expected);
/* The request must be refused, with 'expected', "POINTER: TEXT". */
void refused(struct apps_fixture *, const char *request,
             const char *expected);

/* Returns a member of 'json', or "-". */
const char *text_of(const json_t *json, const char *name);
/* 'json' must say that 'policies', "a,b", isolate in 'direction'. */
void assert_isolated(const json_t *json, const char *direction,
                     const char *policies);
/* 'json' must say that 'by', "ports/a,quarantines/b", quarantine. */
void assert_quarantined(const json_t *json, const char *by);

#endif /* tests/unit/trace-fixture.h */
