/* SPDX-License-Identifier: Apache-2.0
 *
 * What policies cost in flows: sums where products lurk, and for a change what
 * it changes.  Rows go through the model, the engine and the built apps; flows
 * are counted. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "random.h"
#include "tests/unit/apps-fixture.h"
#include "util.h"
#include "vmn/types.h"

static const char *const apps[] = {
    "overlay",
    "firewall",
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

static size_t
count_flows(struct apps_fixture *f, const char *host)
{
    struct ds flows = DS_EMPTY_INITIALIZER;
    size_t n = 0;

    apps_fixture_flows(f, host, true, &flows);
    for (const char *p = ds_cstr(&flows); (p = strchr(p, '\n')); p++) {
        n++;
    }
    ds_destroy(&flows);
    return n;
}

static struct apps_fixture *
create(void)
{
    struct apps_fixture *f = apps_fixture_create(apps);

    apply(f, "{'hosts/h0': {'ovsdb': 'unix:/h0', 'tunnel_ip': '10.99.0.1'},"
          "'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.2'},"
          "'networks/n': {'subnets': [{'cidr': '10.0.0.0/16'}]},"
          "'groups/all': {'selector': ''}, 'groups/web': {'selector': 'r=web'},"
          "'groups/db': {'selector': 'r=db'}}");
    return f;
}

static void
plug(struct apps_fixture *f, const char *name, const char *labels)
{
    apply(f, "{'ports/%s': {'network': 'n', 'labels': {%s}},"
          "'bindings/%s': {'host': 'h0'},"
          "'vifs/h0/%s': {'host': 'h0', 'iface_id': '%s', 'iface': 'tap',"
          " 'ofport': %u}}", name, labels, name, name, name,
          1 + random_range(60000));
}

/* The explosion that does not happen.  ----------------------------------- */

#define N_CIDRS 10000
#define N_EXCEPT 500
#define N_RANGES 500
#define N_RULES 19
#define BLOCK_PORTS 16     /* Ports of a block, apps/firewall. */
#define RANGES_OF_ENTRY 50

/* A prefix of 172.16.0.0/19 or fd00::/115, by its last bits and its size. */
static struct vmn_prefix
prefix(bool v6, unsigned last, unsigned n_host_bits)
{
    struct vmn_prefix p = { .ip = { .family = v6 ? 6 : 4 } };
    uint8_t *end = p.ip.addr + (v6 ? 16 : 4);

    last &= ~((1u << n_host_bits) - 1);
    p.len = (v6 ? 128 : 32) - n_host_bits;
    p.ip.addr[0] = v6 ? 0xfd : 172;
    p.ip.addr[1] = v6 ? 0 : 16;
    end[-2] = last >> 8;
    end[-1] = last;
    return p;
}

static void
put_prefixes(struct ds *ds, const struct vmn_prefix *prefixes, size_t n)
{
    char buf[VALUE_PREFIX_SIZE];

    for (size_t i = 0; i < n; i++) {
        ds_put_format(ds, "%s'%s'", i ? "," : "",
                      value_format_prefix(&prefixes[i], buf));
    }
}

/* 10,000 prefixes of both families that overlap, less 500 others.  Returns how
 * many are left. */
static size_t
put_addresses(struct apps_fixture *f)
{
    struct vmn_prefix *cidrs = xcalloc(N_CIDRS, sizeof *cidrs);
    struct vmn_prefix *except = xcalloc(N_EXCEPT, sizeof *except);
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t n, n_except;

    /* Each exception takes something out. */
    for (size_t i = 0; i < N_CIDRS; i++) {
        unsigned last = random_range(1 << 13);

        cidrs[i] = prefix(i & 1, last, random_range(3));
        if (i < N_EXCEPT) {
            except[i] = prefix(i & 1, last, random_range(4));
        }
    }
    ds_put_cstr(&ds, "{'groups/out': {'cidrs': [");
    put_prefixes(&ds, cidrs, N_CIDRS);
    ds_put_cstr(&ds, "], 'except': [");
    put_prefixes(&ds, except, N_EXCEPT);
    ds_put_cstr(&ds, "]}}");
    apps_fixture_apply(f, ds_cstr(&ds));
    ds_destroy(&ds);

    n = vmn_prefixes_merge(cidrs, N_CIDRS);
    n_except = vmn_prefixes_merge(except, N_EXCEPT);
    n = vmn_prefixes_subtract(cidrs, n, except, n_except, NULL);
    free(cidrs);
    free(except);
    return n;
}

/* Masks that a range of ports takes, counted one port after the other. */
static size_t
count_masks(unsigned first, unsigned last)
{
    size_t n = 0;

    for (unsigned size; first <= last; first += size, n++) {
        size = 1;
        while (!(first & (2 * size - 1)) && first + 2 * size - 1 <= last) {
            size *= 2;
        }
    }
    return n;
}

/* 500 ranges that do not touch.  Returns how many masks they take, and sets
 * '*n_blocks' to how many those of their blocks of ports take. */
static size_t
put_service(struct apps_fixture *f, size_t *n_blocks)
{
    bool blocks[UINT16_MAX / BLOCK_PORTS + 2] = { false };
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t n = 0;

    ds_put_cstr(&ds, "{'services/s': {'entries': [");
    for (unsigned i = 0; i < N_RANGES; i++) {
        unsigned first = 1 + 100 * i + random_range(40);
        unsigned last = first + random_range(40);

        ds_put_cstr(&ds, i % RANGES_OF_ENTRY ? "," : i ? "]}," : "");
        if (i % RANGES_OF_ENTRY == 0) {
            ds_put_cstr(&ds, "{'protocol': 'tcp', 'ports': [");
        }
        ds_put_format(&ds, "'%u-%u'", first, last);
        n += count_masks(first, last);
        for (unsigned b = first / BLOCK_PORTS; b <= last / BLOCK_PORTS; b++) {
            blocks[b] = true;
        }
    }
    *n_blocks = 0;
    for (unsigned i = 0, first = 0; i < ARRAY_SIZE(blocks); i++) {
        if (blocks[i] && (!i || !blocks[i - 1])) {
            first = i;
        } else if (!blocks[i] && i && blocks[i - 1]) {
            *n_blocks += count_masks(first, i - 1);
        }
    }
    ds_put_cstr(&ds, "]}]}}");
    apps_fixture_apply(f, ds_cstr(&ds));
    ds_destroy(&ds);
    return n;
}

static void
rules_on_large_groups_cost_a_sum(void **state OVS_UNUSED)
{
    struct apps_fixture *f = create();
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t n_prefixes, n_masks, n_blocks, n_before, n;

    random_set_seed(1);
    plug(f, "web1", "'r': 'web'");
    plug(f, "db1", "'r': 'db'");
    n_prefixes = put_addresses(f);
    n_masks = put_service(f, &n_blocks);
    n_before = count_flows(f, "h0");

    /* Each is about all of it and, to be another, a port of its own. */
    ds_put_cstr(&ds, "{'policies/p': {'applies_to': ['web'], 'directions': [],"
                "'rules': [");
    for (unsigned i = 0; i < N_RULES; i++) {
        ds_put_format(&ds, "%s{'direction': 'ingress', 'action': 'allow',"
                      "'peers': [{'group': 'out'}, {'group': 'db'}],"
                      "'services': [{'service': 's'}, {'protocol': 'udp',"
                      " 'ports': [%u]}]}", i ? "," : "", 1 + i);
    }
    ds_put_cstr(&ds, "]}}");
    apps_fixture_apply(f, ds_cstr(&ds));
    ds_destroy(&ds);
    n = count_flows(f, "h0") - n_before;

    printf("%u rules on %u prefixes (%"PRIuSIZE" in the end) and %u ranges of "
           "ports (%"PRIuSIZE" masks, %"PRIuSIZE" of their blocks): "
           "%"PRIuSIZE" flows, where one for each combination would be "
           "%"PRIu64"\n", N_RULES, N_CIDRS, n_prefixes, N_RANGES, n_masks,
           n_blocks, n,
           (uint64_t) N_RULES * (n_prefixes + 1) * (n_masks + 1));
    /* A verdict and a port for each rule; whom it applies to; the peers, a
     * group among them; the services; and for each family their blocks and
     * those of the rules' ports. */
    assert_int_equal(n, 2 * N_RULES + 1 + n_prefixes + 1 + n_masks
                        + 2 * (n_blocks
                               + count_masks(0, N_RULES / BLOCK_PORTS)));
    apps_fixture_destroy(f);
}

/* What a change costs.  --------------------------------------------------- */

/* Policies for both groups with 'n' rules each, all with ports of their
 * own. */
static void
put_rules(struct apps_fixture *f, unsigned n)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_char(&ds, '{');
    for (int p = 0; p < 2; p++) {
        ds_put_format(&ds,
                      "%s'policies/%s': {'applies_to': ['%s'], 'rules': [",
                      p ? "," : "", p ? "a" : "b", p ? "web" : "db");
        for (unsigned i = 0; i < n; i++) {
            ds_put_format(&ds, "%s{'direction': '%s', 'action': '%s', 'peers':"
                          " [{'group': '%s'}], 'services': [{'protocol':"
                          " 'tcp', 'ports': [%u]}]}", i ? "," : "",
                          i & 1 ? "ingress" : "egress",
                          i > n / 7 ? "allow" : "deny", i % 3 ? "web" : "db",
                          1 + i);
        }
        ds_put_cstr(&ds, "]}");
    }
    ds_put_char(&ds, '}');
    apps_fixture_apply(f, ds_cstr(&ds));
    ds_destroy(&ds);
}

/* 'n' rules for each of two groups, and a member of each. */
static struct apps_fixture *
create_rules(unsigned n)
{
    struct apps_fixture *f = create();

    plug(f, "web1", "'r': 'web'");
    plug(f, "db1", "'r': 'db'");
    put_rules(f, n);
    return f;
}

static void
a_port_in_known_groups_costs_the_same_however_many_rules(
    void **state OVS_UNUSED)
{
    unsigned costs[3];

    for (int i = 0; i < 3; i++) {
        static const unsigned n_rules[] = { 1, 10, 200 };
        struct apps_fixture *f = create_rules(n_rules[i]);

        plug(f, "web2", "'r': 'web'");
        costs[i] = apps_fixture_n_changes(f);
        apps_fixture_check(f);
        apps_fixture_destroy(f);
    }
    printf("a port in known groups: %u flows\n", costs[0]);
    assert_int_equal(costs[1], costs[0]);
    assert_int_equal(costs[2], costs[0]);
    assert_in_range(costs[0], 1, 20);
}

/* Ports that each have an identity: 'n' of them in group "web". */
static void
plug_identities(struct apps_fixture *f, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char *name = xasprintf("i%u", i);
        char *labels = xasprintf("'r': 'web', 'i': '%u'", i);

        apply(f, "{'groups/i%u': {'selector': 'i=%u'}}", i, i);
        plug(f, name, labels);
        free(labels);
        free(name);
    }
}

/* Flows that change when a policy gets one more rule, which it has in front:
 * with 'n_rules' others, 'n_ports' ports, and 'n_ids' identities. */
static unsigned
cost_of_rule(unsigned n_rules, unsigned n_ports, unsigned n_ids)
{
    struct apps_fixture *f = create_rules(n_rules);
    unsigned cost;

    plug_identities(f, n_ids);
    for (unsigned i = 0; i < n_ports; i++) {
        char *name = xasprintf("p%u", i);

        plug(f, name, "'r': 'web'");
        free(name);
    }
    apply(f, "{'policies/c': {'applies_to': ['db'], 'priority': 7, 'rules': ["
          "{'direction': 'ingress', 'action': 'allow', 'peers': [{'group':"
          " 'web'}], 'services': [{'protocol': 'udp', 'ports': [53]}]}]}}");
    apply(f, "{'policies/c': {'applies_to': ['db'], 'priority': 7, 'rules': ["
          "{'direction': 'ingress', 'action': 'allow', 'peers': [{'group':"
          " 'web'}], 'services': [{'protocol': 'udp', 'ports': [54]}]},"
          "{'direction': 'ingress', 'action': 'allow', 'peers': [{'group':"
          " 'web'}], 'services': [{'protocol': 'udp', 'ports': [53]}]}]}}");
    cost = apps_fixture_n_changes(f);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
    return cost;
}

static void
a_rule_costs_its_identities(void **state OVS_UNUSED)
{
    unsigned cost = cost_of_rule(1, 1, 2);
    unsigned more_ids = cost_of_rule(1, 1, 20);

    printf("a rule: %u flows with 3 identities, %u with 21\n", cost,
           more_ids);
    assert_int_equal(cost_of_rule(100, 1, 2), cost);
    assert_int_equal(cost_of_rule(1, 50, 2), cost);
    /* Each identity's flow is replaced by one with another clause. */
    assert_int_equal(more_ids, cost + 2 * 18);
    assert_in_range(cost, 1, 10);
}

/* The same policy, twice. */
#define P "'tier': 'dmz', 'applies_to': ['in', 'web'], 'rules': ["          \
    "{'direction': 'ingress', 'action': 'allow', 'peers': ["                \
    " {'group': 'out'}, {'group': 'in'}, {'cidr': '172.18.0.0/23',"         \
    "  'except': ['172.18.0.0/24']}], 'services': [{'service': 's'}]},"     \
    "{'direction': 'ingress', 'action': 'allow', 'peers': ["                \
    " {'group': 'all'}], 'services': [{'protocol': 'sctp'}]},"              \
    "{'direction': 'egress', 'action': 'deny'}]"
#define Q "'tier': 'dmz', 'applies_to': ['web', 'in'], 'rules': ["          \
    "{'direction': 'egress', 'action': 'deny'},"                            \
    "{'direction': 'ingress', 'action': 'allow', 'peers': ["                \
    " {'group': 'all'}], 'services': [{'protocol': 'sctp'}]},"              \
    "{'direction': 'ingress', 'action': 'allow', 'peers': ["                \
    " {'cidr': '172.18.1.0/25'}, {'cidr': '172.18.1.128/25'},"              \
    " {'group': 'in'}, {'group': 'out'}], 'services': [{'service': 's'}]}]"

/* What costs nothing.  ---------------------------------------------------- */

static void
saying_the_same_in_other_words_costs_nothing(void **state OVS_UNUSED)
{
    static const char *const words[] = {
        /* Descriptions and labels of all that policies are made of. */
        "{'tiers/dmz': {'position': 7, 'description': 'x'}}",
        "{'tiers/dmz': {'position': 7, 'labels': {'a': 'b'}}}",
        "{'groups/all': {'selector': '', 'description': 'x'}}",
        "{'groups/in': {'groups': ['web', 'db'], 'description': 'x'}}",
        "{'services/s': {'description': 'x', 'entries': [{'protocol': 'tcp',"
        " 'ports': [80, '90-99']}, {'protocol': 'icmp', 'icmp_type': 8}]}}",
        "{'policies/p': {'description': 'x', 'labels': {'a': 'b'}, " P "}}",
        /* Lists in another order, and cut up in another way. */
        "{'groups/in': {'groups': ['db', 'web']}}",
        "{'groups/out': {'cidrs': ['172.16.1.0/24', '172.16.0.0/24'],"
        " 'except': ['172.16.0.0/26', '172.16.0.64/26']}}",
        "{'services/s': {'entries': [{'protocol': 'icmp', 'icmp_type': 8},"
        " {'protocol': 'tcp', 'ports': ['95-99']}, {'protocol': 'tcp',"
        " 'ports': ['90-95', 80]}]}}",
        "{'policies/p': {" Q "}}",
        /* Groups and tiers that no rule has to do with. */
        "{'groups/more': {'groups': ['in'], 'cidrs': ['172.17.0.0/16']}}",
        "{'policies/p': {" P "}, 'groups/more': null}",
    };
    struct apps_fixture *f = create();

    plug(f, "web1", "'r': 'web'");
    plug(f, "db1", "'r': 'db'");
    apply(f, "{'tiers/dmz': {'position': 7},"
          "'groups/in': {'groups': ['web', 'db']},"
          "'groups/out': {'cidrs': ['172.16.0.0/23'],"
          " 'except': ['172.16.0.0/25']},"
          "'services/s': {'entries': [{'protocol': 'tcp', 'ports': [80,"
          " '90-99']}, {'protocol': 'icmp', 'icmp_type': 8}]},"
          "'policies/p': {" P "}}");
    assert_in_range(apps_fixture_n_changes(f), 1, 1000);
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        apps_fixture_apply(f, words[i]);
        if (apps_fixture_n_changes(f)) {
            fail_msg("%u flows for %s", apps_fixture_n_changes(f), words[i]);
        }
    }
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_on_large_groups_cost_a_sum),
        cmocka_unit_test(
            a_port_in_known_groups_costs_the_same_however_many_rules),
        cmocka_unit_test(a_rule_costs_its_identities),
        cmocka_unit_test(saying_the_same_in_other_words_costs_nothing),
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_WARN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
