/* SPDX-License-Identifier: Apache-2.0
 *
 * What routing domains are to the overlay and the firewall: whose source an
 * address is, which ports share an identity, and what it costs to attach a
 * network to a router.  How packets are routed is not tested here. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "svec.h"
#include "tests/unit/apps-fixture.h"
#include "util.h"

static const char *const apps[] = {
    "overlay",
    "firewall",
    "router",
    NULL,
};

static void OVS_PRINTF_FORMAT(2, 3)
apply(struct apps_fixture *f, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *rows = xvasprintf(format, args);
    va_end(args);
    apps_fixture_apply(f, rows);
    free(rows);
}

/* Networks a, b and c (which denies by default); web VMs of a on h0, of b on
 * h1, of c on h2. */
static int
setup(void **state)
{
    struct apps_fixture *f = apps_fixture_create(apps);

    apply(f, "{'hosts/h0': {'ovsdb': 'unix:/h0', 'tunnel_ip': '10.99.0.1'},"
          "'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.2'},"
          "'hosts/h2': {'ovsdb': 'unix:/h2', 'tunnel_ip': '10.99.0.3'},"
          "'networks/a': {'subnets': [{'cidr': '10.0.0.0/24',"
          "                            'gateway': '10.0.0.1'}]},"
          "'networks/b': {'subnets': [{'cidr': '10.0.1.0/24',"
          "                            'gateway': '10.0.1.1'},"
          "                           {'cidr': 'fd00::/64'}]},"
          "'networks/c': {'subnets': [{'cidr': '10.0.2.0/24',"
          "                            'gateway': '10.0.2.1'}],"
          "               'default': 'deny'},"
          "'groups/web': {'selector': 'r=web'},"
          "'groups/db': {'selector': 'r=db'},"
          "'policies/p': {'applies_to': ['web'], 'rules': [{"
          " 'direction': 'ingress', 'action': 'allow', 'peers': ["
          "  {'group': 'web'}, {'cidr': '192.0.2.0/24'}]}]},"
          "'ports/a1': {'network': 'a', 'ips': ['10.0.0.11'],"
          "             'labels': {'r': 'web'}},"
          "'ports/b1': {'network': 'b', 'ips': ['10.0.1.11', 'fd00::11'],"
          "             'mac': '02:00:00:00:00:b1', 'labels': {'r': 'web'}},"
          "'ports/c1': {'network': 'c', 'ips': ['10.0.2.11'],"
          "             'labels': {'r': 'web'}},"
          "'bindings/a1': {'host': 'h0'}, 'bindings/b1': {'host': 'h1'},"
          "'bindings/c1': {'host': 'h2'}}");
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    apps_fixture_check(*state);
    apps_fixture_destroy(*state);
    return 0;
}

static void
put_router(struct apps_fixture *f, const char *name, const char *networks)
{
    apply(f, "{'routers/%s': {'interfaces': [%s]}}", name, networks);
}

#define A "{'network': 'a'}"
#define B "{'network': 'b'}"
#define C "{'network': 'c'}"

/* How many flows of 'host' begin with 'text', after its numbers are put in. */
static size_t
count(struct apps_fixture *f, const char *host, const char *text)
{
    char *wanted = apps_fixture_expand(f, text);
    struct ds ds = DS_EMPTY_INITIALIZER;
    char *save = NULL;
    size_t n = 0;

    apps_fixture_flows(f, host, false, &ds);
    for (char *line = strtok_r(ds_cstr(&ds), "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        n += !strncmp(line, wanted, strlen(wanted));
    }
    ds_destroy(&ds);
    free(wanted);
    return n;
}

#define assert_flows(F, HOST, TEXT, N)                  \
    assert_int_equal(count(F, HOST, TEXT), N)

/* Sources.  --------------------------------------------------------------- */

static void
sources_are_known_in_all_of_the_domain(void **state)
{
    struct apps_fixture *f = *state;
    const char *b1 = "overlay.admit/2 280 ip,reg5={zone:policy/@r},"
                     "nw_src=10.0.1.11 actions=set_field:"
                     "{firewall.identity:@r|web}->reg1,";
    const char *local = "overlay.admit/2 280 ipv6,reg0={VNI:b},"
                        "dl_src=02:00:00:00:00:b1,ipv6_src=fe80::/10 ";

    assert_flows(f, "h0", "overlay.admit/2 280 ip,reg5={zone:policy/b},", 0);
    assert_flows(f, "h1", "overlay.admit/2 280 ip,reg5={zone:policy/b},", 1);
    assert_flows(f, "h1", local, 1);

    put_router(f, "r", A "," B);
    assert_flows(f, "h0", b1, 1);
    assert_flows(f, "h1", b1, 1);
    assert_flows(f, "h2", b1, 0);
    /* What is never routed stays in its network. */
    assert_flows(f, "h0", local, 0);
    assert_flows(f, "h1", local, 1);
}

static void
remote_ports_are_found_in_all_of_the_domain(void **state)
{
    struct apps_fixture *f = *state;
    const char *b1 = "overlay.locate/0 200 reg0={VNI:b},"
                     "dl_dst=02:00:00:00:00:b1 actions=set_field:"
                     "{firewall.identity:@r|web}->reg2,";

    put_router(f, "r", A "," B);
    assert_flows(f, "h0", b1, 1);
    assert_flows(f, "h2", b1, 0);
}

static void
put_pairs(struct apps_fixture *f, const char *other_role)
{
    apply(f, "{'ports/a2': {'network': 'a', 'ips': ['10.0.0.12'],"
          " 'labels': {'r': 'web'},"
          " 'allowed_addresses': [{'ip': '10.0.0.64/30'}]},"
          "'ports/a3': {'network': 'a', 'ips': ['10.0.0.13'],"
          " 'labels': {'r': '%s'},"
          " 'allowed_addresses': [{'ip': '10.0.0.64/30'}]},"
          "'bindings/a2': {'host': 'h0'}, 'bindings/a3': {'host': 'h1'}}",
          other_role);
}

static void
routed_pairs_must_agree(void **state)
{
    struct apps_fixture *f = *state;
    const char *pair = "overlay.admit/2 80 ip,reg5={zone:policy/@r},"
                       "nw_src=10.0.0.64/30 ";

    put_pairs(f, "web");
    assert_flows(f, "h1", "overlay.admit/2 80 ", 0);
    put_router(f, "r", A "," B);
    assert_flows(f, "h1", "overlay.admit/2 80 ip,reg5={zone:policy/@r},"
                 "nw_src=10.0.0.64/30 actions=set_field:"
                 "{firewall.identity:@r|web}->reg1,", 1);
    put_pairs(f, "db");
    assert_flows(f, "h1", pair, 1);
    assert_flows(f, "h1", "overlay.admit/2 80 ip,reg5={zone:policy/@r},"
                 "nw_src=10.0.0.64/30 actions=drop (unknown source)", 1);
}

/* Isolation of a network's ports is nothing to those of another one that may
 * send from the same address. */
static void
isolation_of_routed_pairs_is_their_networks(void **state)
{
    struct apps_fixture *f = *state;
    const char *domain = "overlay.admit/2 80 ip,reg5={zone:policy/@r},"
                         "nw_src=10.9.0.0/30 actions=set_field:0->reg1,goto";
    const char *a = "overlay.admit/2 81 ip,reg0={VNI:a},nw_src=10.9.0.0/30 "
                    "actions=set_field:0->reg1,set_field:"
                    "{overlay.isolation:a|}0000/0xffff0000->reg9,goto";
    const char *pair = "'allowed_addresses': [{'ip': '10.9.0.0/30'}]";

    put_router(f, "r", A "," B);
    apply(f, "{'networks/a': {'isolation': 'isolated', 'subnets':"
          " [{'cidr': '10.0.0.0/24', 'gateway': '10.0.0.1'}]},"
          "'ports/a2': {'network': 'a', 'ips': ['10.0.0.12'], %s},"
          "'ports/a3': {'network': 'a', 'ips': ['10.0.0.13'], %s,"
          " 'isolation': 'promiscuous'},"
          "'ports/b2': {'network': 'b', 'ips': ['10.0.1.12'], %s},"
          "'bindings/a2': {'host': 'h0'}, 'bindings/b2': {'host': 'h1'}}",
          pair, pair, pair);
    assert_flows(f, "h0", domain, 1);
    assert_flows(f, "h0", a, 1);
    assert_flows(f, "h1", domain, 1);
    assert_flows(f, "h1", "overlay.admit/2 81 ", 0);

    /* One that may talk with all, and sends from it as well. */
    apply(f, "{'bindings/a3': {'host': 'h2'}}");
    assert_flows(f, "h0", a, 1);
    assert_flows(f, "h2", a, 1);

    /* One that is bound nowhere has no number, nor sends anything. */
    apply(f, "{'bindings/a2': null}");
    assert_flows(f, "h2", "overlay.admit/2 81 ", 0);
    assert_flows(f, "h2", domain, 1);
}

/* Identities.  ------------------------------------------------------------ */

static void
identities_are_the_domains(void **state)
{
    struct apps_fixture *f = *state;
    const char *known = "firewall.track/5 100 "
                        "reg10={firewall.identity:@r|web} ";
    const char *clause = "firewall.policy/31 32798 ct_state=-inv+trk,"
                         "ct_nw_src=192.0.2.0/24,ip,"
                         "reg5={zone:policy/@r} ";

    put_router(f, "r", A "," B);
    assert_flows(f, "h0", known, 1);
    assert_flows(f, "h1", known, 1);
    assert_flows(f, "h2", known, 0);
    assert_flows(f, "h0", clause, 1);
    assert_flows(f, "h1", clause, 1);
    assert_flows(f, "h0", "firewall.policy/31 100 "
                 "reg2={firewall.identity:@r|web} actions=drop (isolated)", 1);

    /* A first one by another name makes all anew; one that comes later,
     * nothing. */
    put_router(f, "s", "{'network': 'b', 'addresses': ['10.0.1.2']}," C);
    assert_flows(f, "h2", known, 1);
    put_router(f, "q", "{'network': 'b', 'addresses': ['10.0.1.3']}");
    assert_flows(f, "h2", known, 0);
    assert_flows(f, "h2", "firewall.track/5 100 "
                 "reg10={firewall.identity:@q|web} ", 1);
    apply(f, "{'routers/q': null, 'routers/r': null, 'routers/s': null}");
    assert_flows(f, "h0", "firewall.track/5 100 "
                 "reg10={firewall.identity:a|web} ", 1);
}

static void
defaults_are_told_by_identities_among_routers(void **state)
{
    struct apps_fixture *f = *state;
    const char *by_network = "firewall.policy/36 100 reg0={VNI:c} "
                             "actions=drop (default deny)";
    const char *by_identity = "firewall.policy/36 100 "
                              "reg2={firewall.identity:@r|web,!deny/c} "
                              "actions=drop (default deny)";
    const char *nobody = "firewall.policy/36 100 "
                         "reg2={firewall.identity:@r|!deny/c} ";

    assert_flows(f, "h2", by_network, 1);
    put_router(f, "r", A "," C);
    assert_flows(f, "h2", by_network, 0);
    assert_flows(f, "h2", by_identity, 1);
    assert_flows(f, "h0", by_identity, 1);
    /* One of no group has an identity for that. */
    apply(f, "{'ports/c2': {'network': 'c'}, 'bindings/c2': {'host': 'h2'}}");
    assert_flows(f, "h2", nobody, 1);
    apply(f, "{'networks/c': {'subnets': [{'cidr': '10.0.2.0/24',"
          "                                'gateway': '10.0.2.1'}],"
          "                   'default': 'allow'}}");
    assert_flows(f, "h2", "firewall.policy/36 100 ", 0);
    assert_flows(f, "h2", "firewall.track/5 100 "
                 "reg10={firewall.identity:@r|web} ", 1);
}

/* What it costs.  --------------------------------------------------------- */

#define N_OTHERS 200

static void
read_flows(struct apps_fixture *f, const char *host, struct svec *lines)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    char *save = NULL;

    svec_init(lines);
    apps_fixture_flows(f, host, true, &ds);
    for (char *line = strtok_r(ds_cstr(&ds), "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        svec_add(lines, line);
    }
    svec_sort(lines);
    ds_destroy(&ds);
}

/* What is attached is computed, and not what is there.  All that the others
 * have stays as it is, with its numbers. */
static void
attaching_touches_what_is_attached(void **state)
{
    struct apps_fixture *f = *state;
    struct svec before, after;
    const char *line;
    unsigned n_one, n_many;
    size_t i;

    put_router(f, "r", A "," B);
    put_router(f, "r", A "," B "," C);
    n_one = apps_fixture_n_computed(f);
    put_router(f, "r", A "," B);
    for (unsigned j = 0; j < N_OTHERS; j++) {
        apply(f, "{'ports/x%u': {'network': '%c', 'labels': {'r': '%s'}},"
              "'bindings/x%u': {'host': 'h%u'}}", j, j & 1 ? 'a' : 'b',
              j & 2 ? "web" : "db", j, j & 1);
    }
    read_flows(f, "h0", &before);
    put_router(f, "r", A "," B "," C);
    n_many = apps_fixture_n_computed(f);
    read_flows(f, "h0", &after);
    SVEC_FOR_EACH (i, line, &before) {
        if (!svec_contains(&after, line)) {
            fail_msg("it is gone: %s", line);
        }
    }
    assert_in_range(after.n - before.n, 1, 30);
    assert_in_range(n_many, 1, n_one + 5);
    svec_destroy(&before);
    svec_destroy(&after);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        T(sources_are_known_in_all_of_the_domain),
        T(remote_ports_are_found_in_all_of_the_domain),
        T(routed_pairs_must_agree),
        T(isolation_of_routed_pairs_is_their_networks),
        T(identities_are_the_domains),
        T(defaults_are_told_by_identities_among_routers),
        T(attaching_touches_what_is_attached),
#undef T
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
