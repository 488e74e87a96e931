/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the app mirrors: which tunnels hosts are to have for copies to
 * addresses outside, and the flows by which these leave, on hosts that have
 * them.  What packets come to is in tests/system/test_mirror_remote.py. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/engine/relation.h"
#include "controller/model/model.h"
#include "controller/schema/tables.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/apps-fixture.h"
#include "util.h"
#include "vmn/flow.h"
#include "vmn/rows.h"
#include "vmn/vocabulary.h"

#define HOST(NAME, N) "'hosts/" NAME "': {'ovsdb': 'inbound'," \
    " 'tunnel_ip': '192.0.2." N "'}"
#define PORT(NAME, N, HOST) \
    "'ports/" NAME "': {'network': 'n', 'ips': ['10.0.0." N "']}," \
    " 'bindings/" NAME "': {'host': '" HOST "'}," \
    " 'vifs/" HOST "/" NAME "': {'host': '" HOST "', 'iface_id': '" NAME "'," \
    " 'iface': 'tap-" NAME "', 'ofport': " N ", 'link_up': true}"
#define TUNNEL(HOST, TYPE, OFPORT) \
    "'vifs/" HOST "/+" TYPE "': {'host': '" HOST "', 'iface_id': '+" TYPE \
    "', 'iface': 'vmn-" TYPE "', 'ofport': " OFPORT ", 'link_up': true}"

static int
set_up(void **state, const char *const *apps)
{
    struct apps_fixture *f = apps_fixture_create(apps);

    for (size_t i = 0; apps[i]; i++) {
        if (strcmp(apps[i], "overlay")) {
            apps_fixture_declare_types(f, apps[i]);
        }
    }
    apps_fixture_apply(f, "{" HOST("h1", "1") ", " HOST("h2", "2") ", "
                       "'networks/n': {'vni': 7, 'subnets':"
                       " [{'cidr': '10.0.0.0/24'}]}, "
                       PORT("a", "1", "h1") ", " PORT("b", "2", "h2") "}");
    *state = f;
    return 0;
}

static int
setup(void **state)
{
    static const char *const apps[] = { "overlay", "mirrors", NULL };

    return set_up(state, apps);
}

static int
setup_with_chains(void **state)
{
    static const char *const apps[] = { "overlay", "chains", "mirrors", NULL };

    return set_up(state, apps);
}

static int
setup_with_firewall(void **state)
{
    static const char *const apps[] = { "overlay", "firewall", "mirrors",
                                        NULL };
    int error = set_up(state, apps);

    apps_fixture_apply(*state, "{'groups/ga': {'ports': ['a']},"
                       " 'groups/outer': {'groups': ['ga']},"
                       " 'policies/p': {'applies_to': ['outer'], 'rules': ["
                       "{'direction': 'ingress', 'action': 'deny'},"
                       "{'direction': 'egress', 'action': 'allow',"
                       " 'log': true, 'services': [{'protocol': 'tcp'}]},"
                       "{'direction': 'egress', 'action': 'reject'}]}}");
    return error;
}

static int
teardown(void **state)
{
    char *problems = apps_fixture_problems(*state);

    assert_string_equal(problems, "[]");
    free(problems);
    apps_fixture_destroy(*state);
    return 0;
}

/* Asserts which tunnels the host is to have, with commas; "": none. */
static void
assert_tunnels(struct apps_fixture *f, const char *host, const char *expected)
{
    size_t size;
    char *text = engine_peek(apps_fixture_engine(f), ENGINE_QUERY_COPY_TUNNELS,
                             host, &size);

    assert_string_equal(text ? text : "", expected);
    free(text);
}

/* What a flow has that copies to a table. */
#define COPIED "clone(set_field:LOCAL->in_port," \
    "output(port=LOCAL,max_len=64),set_field:ANY->in_port," \
    "set_field:0->metadata,set_field:0->tun_gbp_id,resubmit(,"

/* Asserts how many of the host's flows have 'part'. */
static void
assert_flows(struct apps_fixture *f, const char *host, const char *part,
             unsigned expected)
{
    struct ds flows = DS_EMPTY_INITIALIZER;
    unsigned n = 0;

    apps_fixture_flows(f, host, true, &flows);
    for (const char *s = ds_cstr(&flows); (s = strstr(s, part));
         s += strlen(part)) {
        n++;
    }
    if (n != expected) {
        fail_msg("%s: %u flows with \"%s\" instead of %u:\n%s", host, n, part,
                 expected, ds_cstr(&flows));
    }
    ds_destroy(&flows);
}

static void
a_tunnel_is_asked_for_where_ports_are(void **state)
{
    struct apps_fixture *f = *state;

    apps_fixture_apply(f, "{'mirrors/m': {'ports': ['a'],"
                       " 'to_remote': '203.0.113.9', 'key': 7}}");
    assert_tunnels(f, "h1", "gre");
    assert_tunnels(f, "h2", "");
    /* All of one type share it; and each has its own. */
    apps_fixture_apply(f, "{'mirrors/n': {'ports': ['a', 'b'],"
                       " 'to_remote': '203.0.113.8'},"
                       " 'mirrors/e': {'ports': ['a'], 'encap': 'erspan',"
                       " 'to_remote': '2001:db8::9'}}");
    assert_tunnels(f, "h1", "gre,ip6erspan");
    assert_tunnels(f, "h2", "gre");
    apps_fixture_apply(f, "{'mirrors/m': null, 'mirrors/n': null}");
    assert_tunnels(f, "h1", "ip6erspan");
    assert_tunnels(f, "h2", "");
    /* One that is over wants nothing, nor one to a port. */
    apps_fixture_apply_at(f, "{'mirrors/e': {'ports': ['a', 'b'],"
                          " 'to_port': 'b'}, 'mirrors/o': {'ports': ['a'],"
                          " 'to_remote': '203.0.113.9',"
                          " 'until': '1970-01-01T00:00:01Z'}}", 2000);
    assert_tunnels(f, "h1", "");
}

/* By a meter, behind which there must be no check of the size on the kernel's
 * datapath: ovs-vswitchd would never end. */
static void
copies_for_another_host_are_checked_in_userspace_alone(void **state)
{
    static const char checked[] = "priority=325,reg0=",
        to[] = "priority=320,reg0=";
    struct apps_fixture *f = *state;

    apps_fixture_apply(f, "{'mirrors/m': {'ports': ['a'], 'to_port': 'b'}}");
    assert_flows(f, "h1", to, 1);
    assert_flows(f, "h1", checked, 0);
    apps_fixture_apply(f, "{'hosts/h1': {'ovsdb': 'unix:/h1',"
                       " 'tunnel_ip': '10.99.0.1', 'datapath': 'netdev'}}");
    assert_flows(f, "h1", checked, 1);
}

/* A host's address may be of another family than that of the tunnel by which
 * a packet came: the kernel's datapath takes no addresses of both. */
static void
copies_for_a_port_forget_their_tunnel(void **state)
{
    static const char forgets[] = "set_field:0.0.0.0->tun_dst,"
        "set_field:::->tun_ipv6_dst,";
    struct apps_fixture *f = *state;

    apps_fixture_apply(f, "{'mirrors/m': {'ports': ['a'], 'to_port': 'b'}}");
    assert_flows(f, "h1", forgets, 0);
    apps_fixture_apply(f, "{'hosts/h6': {'ovsdb': 'unix:/h6',"
                       " 'tunnel_ip': 'fd99::6',"
                       " 'second_tunnel_ip': '10.99.0.66'}}");
    assert_flows(f, "h1", forgets, 1);
}

/* Until a host has its tunnel nothing is copied there, and the port's packets
 * go on as ever. */
static void
copies_leave_where_the_tunnel_is(void **state)
{
    struct apps_fixture *f = *state;

    apps_fixture_apply(f, "{'mirrors/m': {'ports': ['a', 'b'],"
                       " 'to_remote': '203.0.113.9', 'key': 7}}");
    assert_flows(f, "h1", "output:40004", 0);
    apps_fixture_apply(f, "{" TUNNEL("h1", "gre", "40004") "}");
    assert_flows(f, "h1", "actions=meter:", 1);
    assert_flows(f, "h1", ",set_field:0x7->tun_id,"
                 "set_field:203.0.113.9->tun_dst,output:40004", 1);
    assert_flows(f, "h2", "output:40004", 0);
    /* What comes by a tunnel over IPv6 has its addresses yet. */
    apps_fixture_apply(f, "{'hosts/h6': {'ovsdb': 'unix:/h6',"
                       " 'tunnel_ip': 'fd99::6',"
                       " 'second_tunnel_ip': '10.99.0.66'}}");
    assert_flows(f, "h1", "set_field:203.0.113.9->tun_dst,"
                 "set_field:::->tun_ipv6_dst,output:40004", 1);
    apps_fixture_apply(f, "{'hosts/h6': null}");
    assert_flows(f, "h1", "->tun_ipv6_dst,output:40004", 0);
    apps_fixture_apply(f, "{'vifs/h1/+gre': null, "
                       TUNNEL("h2", "gre", "40004") "}");
    assert_flows(f, "h1", "output:40004", 0);
    assert_flows(f, "h2", "output:40004", 1);
}

static void
each_encapsulation_has_its_fields(void **state)
{
    struct apps_fixture *f = *state;

    apps_fixture_apply(f, "{" TUNNEL("h1", "ip6gre", "40005") ", "
                       TUNNEL("h1", "erspan", "40006") ", "
                       TUNNEL("h1", "ip6erspan", "40007") ","
                       " 'mirrors/m': {'ports': ['a'],"
                       " 'to_remote': '2001:db8::9', 'max_size': 128}}");
    assert_flows(f, "h1", ",set_field:0->tun_id,set_field:0.0.0.0->tun_dst,"
                 "set_field:2001:db8::9->tun_ipv6_dst,"
                 "output(port=40005,max_len=128)", 1);
    apps_fixture_apply(f, "{'mirrors/m': {'ports': ['a'], 'encap': 'erspan',"
                       " 'to_remote': '203.0.113.9', 'key': 1023,"
                       " 'erspan_idx': 1048575}}");
    assert_flows(f, "h1", "set_field:0x3ff->tun_id", 1);
    assert_flows(f, "h1", ",set_field:1->tun_erspan_ver,"
                 "set_field:0xfffff->tun_erspan_idx,output:40006", 1);
    apps_fixture_apply(f, "{'mirrors/m': {'ports': ['a'], 'encap': 'erspan',"
                       " 'to_remote': '2001:db8::9', 'erspan_ver': 2,"
                       " 'erspan_hwid': 63}}");
    assert_flows(f, "h1", ",set_field:2->tun_erspan_ver,"
                 "set_field:0x3f->tun_erspan_hwid,"
                 "move:NXM_NX_REG11[31]->NXOXM_ET_ERSPAN_DIR[],"
                 "output:40007", 1);
}

/* Nor to another mirror's: two analysers may both be mirrored. */
static void
copies_that_come_back_are_not_copied(void **state)
{
    static const char again[] = ",reg10=0x10000/0x10000,"
        "nw_dst=203.0.113.9,nw_proto=47 actions=";
    struct apps_fixture *f = *state;

    apps_fixture_apply(f, "{'mirrors/m': {'ports': ['a'],"
                       " 'to_remote': '203.0.113.9'},"
                       " 'mirrors/n': {'ports': ['b'],"
                       " 'to_remote': '203.0.113.9'},"
                       " 'mirrors/v': {'ports': ['a'],"
                       " 'to_remote': '2001:db8::9'}}");
    assert_flows(f, "h1", "reg10=0x10000/0x10000", 0);
    apps_fixture_apply(f, "{" TUNNEL("h1", "gre", "40004") "}");
    assert_flows(f, "h1", again, 1);
    assert_flows(f, "h1", "ipv6_dst=2001:db8::9,nw_proto=47", 1);
    assert_flows(f, "h2", "reg10=0x10000/0x10000", 0);
    /* Those of all are on each host with any. */
    apps_fixture_apply(f, "{'mirrors/n': {'ports': ['a', 'b'],"
                       " 'to_remote': '203.0.113.8'}, "
                       TUNNEL("h2", "gre", "40004") "}");
    assert_flows(f, "h1", "reg10=0x10000/0x10000", 3);
    assert_flows(f, "h2", again, 1);
    assert_flows(f, "h2", "reg10=0x10000/0x10000", 3);
    apps_fixture_apply(f, "{'mirrors/m': null}");
    assert_flows(f, "h2", again, 0);
    /* Others' copies are copied: that ends there. */
    apps_fixture_apply(f, "{'mirrors/n': {'ports': ['a', 'b']},"
                       " 'mirrors/v': null}");
    assert_flows(f, "h2", "reg10=0x10000/0x10000", 0);
}

/* By its address a copy could not be told there. */
static void
a_floating_ip_gets_none(void **state)
{
    struct apps_fixture *f = *state;

    apps_fixture_apply(f, "{" TUNNEL("h1", "gre", "40004") ","
                       " 'networks/ex': {'provider': {'physical': 'dc'},"
                       " 'subnets': [{'cidr': '203.0.113.0/24',"
                       " 'gateway': '203.0.113.1'}]},"
                       " 'routers/r': {'external': {'network': 'ex',"
                       " 'addresses': ['203.0.113.2'],"
                       " 'gateways': [{'host': 'h1'}]},"
                       " 'interfaces': [{'network': 'n',"
                       " 'addresses': ['10.0.0.254']}]},"
                       " 'mirrors/m': {'ports': ['a'],"
                       " 'to_remote': '203.0.113.9'}}");
    assert_flows(f, "h1", "output:40004", 1);
    apps_fixture_apply(f, "{'floating-ips/f': {'router': 'r', 'port': 'b',"
                       " 'ip': '203.0.113.9'}}");
    assert_flows(f, "h1", "output:40004", 0);
    apps_fixture_apply(f, "{'floating-ips/f': null}");
    assert_flows(f, "h1", "output:40004", 1);
}

#define INTERFACE(HOST, NAME, OFPORT) \
    "'vifs/" HOST "/~" NAME "': {'host': '" HOST "', 'iface_id': '~" NAME \
    "', 'iface': '" NAME "', 'ofport': " OFPORT ", 'link_up': true}"

/* Each host with ports of the mirror is asked for it, and copies to its own,
 * by its own number; one that has none copies nothing. */
static void
an_interface_gets_copies_of_its_host(void **state)
{
    struct apps_fixture *f = *state;

    apps_fixture_apply(f, "{'mirrors/m': {'ports': ['a', 'b'],"
                       " 'to_interface': 'ids0'}}");
    assert_tunnels(f, "h1", "~ids0");
    assert_tunnels(f, "h2", "~ids0");
    assert_flows(f, "h1", COPIED, 0);
    apps_fixture_apply(f, "{" INTERFACE("h1", "ids0", "77") "}");
    assert_flows(f, "h1", "actions=meter:", 1);
    assert_flows(f, "h1", ",output:77\n", 1);
    assert_flows(f, "h1", COPIED, 1);
    assert_flows(f, "h2", COPIED, 0);
    apps_fixture_apply(f, "{" INTERFACE("h2", "ids0", "78") ","
                       " 'mirrors/m': {'ports': ['a', 'b'], 'max_size': 128,"
                       " 'to_interface': 'ids0'}}");
    assert_flows(f, "h1", ",output(port=77,max_len=128)", 1);
    assert_flows(f, "h2", ",output(port=78,max_len=128)", 1);
    /* Another one of the host's is not taken instead. */
    apps_fixture_apply(f, "{'mirrors/m': {'ports': ['a'],"
                       " 'to_interface': 'ids1'}}");
    assert_tunnels(f, "h1", "~ids1");
    assert_tunnels(f, "h2", "");
    assert_flows(f, "h1", COPIED, 0);
}

/* What a filter matches is looked up once more, by which one of so many its
 * connection is. */
static void
one_of_so_many_is_copied(void **state)
{
    static const char sampled[]
        = "set_field:0->reg12,multipath(symmetric_l3l4+udp,";
    struct apps_fixture *f = *state;

    apps_fixture_apply(f, "{'mirrors/m': {'ports': ['a'], 'sampling': 100,"
                       " 'filters': [{'protocol': 'arp'},"
                       " {'protocol': 'icmp'}]}}");
    assert_flows(f, "h1", sampled, 2);
    assert_flows(f, "h1", ",hrw,100,0,NXM_NX_REG12[0..6])", 2);
    assert_flows(f, "h1", "userdata=", 1);
    apps_fixture_apply(f, "{'mirrors/m': {'ports': ['a'], 'sampling': 100,"
                       " 'to_port': 'b'}}");
    assert_flows(f, "h1", sampled, 1);
    assert_flows(f, "h1", COPIED, 1);
    /* Without it nothing is. */
    apps_fixture_apply(f, "{'mirrors/m': {'ports': ['a'], 'to_port': 'b'}}");
    assert_flows(f, "h1", "multipath(", 0);
    assert_flows(f, "h1", COPIED, 1);
}

/* Asserts how many mirrors have a bucket in the groups of rules. */
static void
assert_buckets(struct apps_fixture *f, const char *host, unsigned expected)
{
    static const char part[] = "->reg10,resubmit(";
    struct ds groups = DS_EMPTY_INITIALIZER;
    unsigned n = 0;

    apps_fixture_groups(f, host, &groups);
    for (const char *s = ds_cstr(&groups); (s = strstr(s, part));
         s += strlen(part)) {
        n++;
    }
    if (n != expected) {
        fail_msg("%s: %u buckets instead of %u:\n%s", host, n, expected,
                 ds_cstr(&groups));
    }
    ds_destroy(&groups);
}

/* Asserts through how many groups rules' verdicts go. */
static void
assert_verdicts(struct apps_fixture *f, const char *host, unsigned expected)
{
    struct ds flows = DS_EMPTY_INITIALIZER;
    char *save = NULL;
    unsigned n = 0;

    apps_fixture_flows(f, host, true, &flows);
    for (char *line = strtok_r(ds_cstr(&flows), "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        const char *s = strstr(line, "conj_id=") ? line : "";

        while ((s = strstr(s, "group:"))) {
            s++;
            n++;
        }
    }
    assert_int_equal(n, expected);
    ds_destroy(&flows);
}

static void
assert_value(struct apps_fixture *f, const char *relation, const char *key,
             const char *expected)
{
    struct vmn_names names = engine_relation_values(apps_fixture_engine(f),
                                                    relation, key);

    assert_string_equal(names.n ? names.names[0] : "", expected);
    assert_true(names.n <= 1);
}

/* Of a mirror of rules: what says whose a packet is. */
#define OF_RULE "->reg11,move:"

/* Whatever the rule decides; without a mirror nothing is there for it. */
static void
what_a_rule_decides_goes_through_a_group(void **state)
{
    struct apps_fixture *f = *state;

    assert_verdicts(f, "h1", 0);
    assert_buckets(f, "h1", 0);
    apps_fixture_apply(f, "{'mirrors/m': {'policies': [{'policy': 'p',"
                       " 'rules': [0]}]}}");
    assert_verdicts(f, "h1", 1);
    assert_buckets(f, "h1", 1);
    assert_flows(f, "h1", OF_RULE, 4);
    /* Each is judged on the host of the port alone. */
    assert_flows(f, "h2", OF_RULE, 0);
    assert_value(f, "mirrors.hosts", "m", "h1");
    assert_value(f, "mirrors.ports", "m", "a");
    assert_value(f, "mirrors.problem", "m", "");
    /* Of all rules: a group for each direction; of one with a log both
     * flows. */
    apps_fixture_apply(f, "{'mirrors/m': null,"
                       " 'mirrors/n': {'policies': [{'policy': 'p'}]}}");
    assert_verdicts(f, "h1", 4);
    assert_buckets(f, "h1", 2);
    /* A group is of all mirrors of a rule. */
    apps_fixture_apply(f, "{'mirrors/m': {'policies': [{'policy': 'p'}],"
                       " 'to_port': 'b'}}");
    assert_verdicts(f, "h1", 4);
    assert_buckets(f, "h1", 4);
    apps_fixture_apply(f, "{'mirrors/m': {'policies': [{'policy': 'p',"
                       " 'rules': [1]}], 'to_port': 'b'}}");
    assert_verdicts(f, "h1", 6);
    assert_buckets(f, "h1", 3);
    apps_fixture_check(f);
    apps_fixture_apply(f, "{'mirrors/m': null, 'mirrors/n': null}");
    assert_verdicts(f, "h1", 0);
    assert_buckets(f, "h1", 0);
    assert_flows(f, "h1", OF_RULE, 0);
}

/* Whose it is follows from the rule's direction, and whether it is an
 * answer. */
static void
a_packet_of_a_rule_is_its_ports(void **state)
{
    static const char got[] = "set_field:0x80000000->reg11,"
        "move:NXM_NX_REG7[0..15]->NXM_NX_REG11[0..15]";
    static const char sent[] = "set_field:0->reg11,move:";
    struct apps_fixture *f = *state;

    apps_fixture_apply(f, "{'mirrors/m': {'policies': [{'policy': 'p',"
                       " 'rules': [0]}]}}");
    assert_flows(f, "h1", got, 2);
    assert_flows(f, "h1", sent, 2);
    apps_fixture_apply(f, "{'mirrors/m': {'direction': 'egress',"
                       " 'policies': [{'policy': 'p', 'rules': [0]}]}}");
    assert_flows(f, "h1", got, 0);
    assert_flows(f, "h1", sent, 2);
    apps_fixture_apply(f, "{'mirrors/m': {'direction': 'ingress',"
                       " 'policies': [{'policy': 'p', 'rules': [0]}]}}");
    assert_flows(f, "h1", got, 2);
    assert_flows(f, "h1", sent, 0);
    /* The port that gets copies has none of its own. */
    apps_fixture_apply(f, "{'mirrors/m': {'policies': [{'policy': 'p'}],"
                       " 'to_port': 'b'},"
                       " 'groups/ga': {'ports': ['a', 'b']}}");
    assert_value(f, "mirrors.ports", "m", "a");
    assert_flows(f, "h1", "actions=set_field:0->reg10\n", 0);
    apps_fixture_apply(f, "{'groups/ga': {'ports': ['a', 'b', 'c']}, "
                       PORT("c", "3", "h2") "}");
    assert_flows(f, "h2", "actions=set_field:0->reg10\n", 4);
}

/* It copies nothing, and says so. */
static void
a_port_that_is_its_own_to_port_is_named(void **state)
{
    struct apps_fixture *f = *state;

    apps_fixture_apply(f, "{'mirrors/m': {'ports': ['a'], 'to_port': 'a'}}");
    assert_value(f, "mirrors.active", "m", "false");
    assert_value(f, "mirrors.problem", "m", "its only port is its to_port, of "
                 "which it copies nothing");
    apps_fixture_apply(f, "{'mirrors/m': {'ports': ['a', 'b'],"
                       " 'to_port': 'a'}}");
    assert_value(f, "mirrors.active", "m", "true");
    assert_value(f, "mirrors.problem", "m", "");
    assert_value(f, "mirrors.ports", "m", "b");
}

static void
a_rule_that_is_not_there_is_named(void **state)
{
    struct apps_fixture *f = *state;

    apps_fixture_apply(f, "{'mirrors/m': {'policies': [{'policy': 'p',"
                       " 'rules': [1, 3]}]}}");
    assert_value(f, "mirrors.problem", "m",
                 "policy p has no rule 3: it has 3, counted from 0");
    assert_buckets(f, "h1", 1);
    apps_fixture_apply(f, "{'policies/p': {'applies_to': ['outer'],"
                       " 'rules': []}}");
    assert_buckets(f, "h1", 0);
    assert_value(f, "mirrors.problem", "m",
                 "policy p has no rule 1: it has 0, counted from 0");
    apps_fixture_apply(f, "{'mirrors/m': {'policies': [{'policy': 'p'}]}}");
    assert_value(f, "mirrors.problem", "m", "policy p has no rules");
    assert_value(f, "mirrors.active", "m", "false");
    assert_value(f, "mirrors.ports", "m", "");
}

/* Those that have no bucket have no ports either, and say why. */
static void
a_rule_has_mirrors_up_to_a_number(void **state)
{
    struct apps_fixture *f = *state;
    struct ds rows = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&rows, "{");
    for (int i = 0; i < 17; i++) {
        ds_put_format(&rows, "%s'mirrors/m%02d': {'policies': [{'policy': 'p',"
                      " 'rules': [0]}]}", i ? ", " : "", i);
    }
    ds_put_cstr(&rows, "}");
    apps_fixture_apply(f, ds_cstr(&rows));
    ds_destroy(&rows);
    assert_buckets(f, "h1", 16);
    assert_flows(f, "h1", OF_RULE, 16 * 4);
    assert_value(f, "mirrors.ports", "m15", "a");
    assert_value(f, "mirrors.active", "m15", "true");
    assert_value(f, "mirrors.ports", "m16", "");
    assert_value(f, "mirrors.hosts", "m16", "");
    assert_value(f, "mirrors.active", "m16", "false");
    assert_value(f, "mirrors.problem", "m16", "no copies of rule 0 of policy"
                 " p: 16 other mirrors have them, as many as may");
    apps_fixture_apply(f, "{'mirrors/m03': null}");
    assert_value(f, "mirrors.ports", "m16", "a");
    assert_value(f, "mirrors.problem", "m16", "");
}

/* Asserts that of the groups that verdicts go through there are 'expected',
 * and all of them have 'n_buckets'. */
static void
assert_groups_of_verdicts(struct apps_fixture *f, unsigned expected,
                          unsigned n_buckets)
{
    struct ds flows = DS_EMPTY_INITIALIZER, groups = DS_EMPTY_INITIALIZER;
    char *save = NULL;
    unsigned n = 0;

    apps_fixture_flows(f, "h1", true, &flows);
    apps_fixture_groups(f, "h1", &groups);
    for (char *line = strtok_r(ds_cstr(&flows), "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        const char *s = strstr(line, "conj_id=");
        char *key, *group, *end;
        unsigned buckets = 0;

        s = s ? strstr(s, "group:") : NULL;
        if (!s) {
            continue;
        }
        n++;
        key = xasprintf("group_id=%lu,", strtoul(s + 6, NULL, 10));
        group = strstr(ds_cstr(&groups), key);
        if (!group) {
            fail_msg("no %s\n%s", key, ds_cstr(&groups));
        }
        end = group + strcspn(group, "\n");
        for (s = group; (s = strstr(s, "bucket=")) && s < end; s++) {
            buckets++;
        }
        assert_int_equal(buckets, n_buckets);
        free(key);
    }
    assert_int_equal(n, expected);
    ds_destroy(&groups);
    ds_destroy(&flows);
}

/* Has every second rule of policy w let through what the others deny, or
 * takes that back; then what reads it is computed. */
static void
alternate(struct apps_fixture *f, bool on)
{
    apps_fixture_change_rules(f, "w", on ? VMN_ALLOW : VMN_DENY);
    apps_fixture_apply(f, on ? "{'groups/peers': {'groups': ['ga', 'gb']}}"
                       : "{'groups/peers': {'groups': ['ga']}}");
}

#define NOT_COMPUTED ": the policy's flows are not as it is now, as these" \
    " could not be computed (vmnctl status says why)"

/* A policy whose verdicts fail to compile keeps those that it had, which go
 * through the group: a switch that deletes a group deletes such flows with it,
 * denials as well.  So it stays, also when its last mirror goes. */
static void
a_verdict_that_fails_keeps_its_group(void **state)
{
    struct apps_fixture *f = *state;
    struct ds rows = DS_EMPTY_INITIALIZER;
    char *problems;

    ds_put_cstr(&rows, "{'groups/gb': {'ports': ['b']},"
                " 'groups/peers': {'groups': ['ga']},"
                " 'mirrors/m': {'policies': [{'policy': 'w',"
                " 'rules': [0]}]}, 'policies/w': {'applies_to': ['ga'],"
                " 'rules': [");
    for (int i = 0; i < 40; i++) {
        ds_put_format(&rows, "%s{'direction': 'ingress', 'action': 'deny',"
                      " 'peers': [{'group': 'peers'}], 'services':"
                      " [{'protocol': 'tcp', 'ports': [%d]}]}",
                      i ? ", " : "", 100 + i);
    }
    ds_put_cstr(&rows, "]}}");
    apps_fixture_apply(f, ds_cstr(&rows));
    ds_destroy(&rows);
    assert_groups_of_verdicts(f, 1, 1);

    alternate(f, true);
    problems = apps_fixture_problems(f);
    assert_non_null(strstr(problems, "policy w is too complex"));
    free(problems);
    assert_groups_of_verdicts(f, 1, 1);
    apps_fixture_apply(f, "{'mirrors/n': {'policies': [{'policy': 'w',"
                       " 'rules': [0, 1]}], 'to_port': 'b'}}");
    assert_groups_of_verdicts(f, 1, 2);
    /* One that nothing leads to has no copies, and says so. */
    apps_fixture_apply(f, "{'mirrors/o': {'policies': [{'policy': 'w',"
                       " 'rules': [2]}]},"
                       " 'mirrors/q': {'policies': [{'policy': 'w'}],"
                       " 'ports': ['b']}}");
    assert_value(f, "mirrors.active", "m", "true");
    assert_value(f, "mirrors.problem", "m", "");
    assert_value(f, "mirrors.active", "n", "true");
    assert_value(f, "mirrors.problem", "n", "no copies of rule 1 of policy w"
                 NOT_COMPUTED);
    assert_value(f, "mirrors.active", "o", "false");
    assert_value(f, "mirrors.problem", "o", "no copies of rule 2 of policy w"
                 NOT_COMPUTED);
    assert_value(f, "mirrors.active", "q", "true");
    assert_value(f, "mirrors.problem", "q", "no copies of ingress of policy w"
                 NOT_COMPUTED);
    apps_fixture_apply(f, "{'mirrors/q': null}");
    apps_fixture_apply(f, "{'mirrors/m': null, 'mirrors/n': null}");
    assert_groups_of_verdicts(f, 1, 0);

    alternate(f, false);
    assert_value(f, "mirrors.active", "o", "true");
    assert_value(f, "mirrors.problem", "o", "");
    apps_fixture_apply(f, "{'mirrors/o': null}");
    assert_groups_of_verdicts(f, 0, 0);
    assert_buckets(f, "h1", 0);
    assert_int_equal(engine_relation_values(
        apps_fixture_engine(f), VMN_REL_RULE_GROUP_USES, "w|0").n, 0);
    apps_fixture_check(f);
}

/* With the hash of a hop, which is of the same fields, one of its functions
 * would have all that is copied, and the others nothing. */
static void
a_hop_spreads_by_another_hash(void **state)
{
    static const char hash[] = "multipath(symmetric_l3l4+udp,";
    struct apps_fixture *f = *state;
    struct ds flows = DS_EMPTY_INITIALIZER;
    unsigned n_spread = 0, n_sampled = 0;

    apps_fixture_apply(f, "{" PORT("c", "3", "h1") ","
                       " 'mirrors/m': {'ports': ['a', 'b'], 'sampling': 2},"
                       " 'chains/c': {'network': 'n', 'hops': [{'name': 'fw',"
                       " 'functions': [{'in': 'a'}, {'in': 'b'}]}]}}");
    apps_fixture_flows(f, "h1", true, &flows);
    for (const char *s = ds_cstr(&flows); (s = strstr(s, hash)); ) {
        unsigned long basis = strtoul(s += strlen(hash), NULL, 10);

        assert_in_range(basis, 1, UINT16_MAX);
        *(basis & VMN_HASH_SAMPLE ? &n_sampled : &n_spread) += 1;
    }
    assert_int_equal(n_spread, 1);
    assert_int_equal(n_sampled, 1);
    ds_destroy(&flows);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_tunnel_is_asked_for_where_ports_are,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            copies_for_another_host_are_checked_in_userspace_alone,
            setup, teardown),
        cmocka_unit_test_setup_teardown(copies_for_a_port_forget_their_tunnel,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(copies_leave_where_the_tunnel_is,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(copies_that_come_back_are_not_copied,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_floating_ip_gets_none,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(each_encapsulation_has_its_fields,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(an_interface_gets_copies_of_its_host,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(one_of_so_many_is_copied,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_a_rule_decides_goes_through_a_group, setup_with_firewall,
            teardown),
        cmocka_unit_test_setup_teardown(a_packet_of_a_rule_is_its_ports,
                                        setup_with_firewall, teardown),
        cmocka_unit_test_setup_teardown(
            a_port_that_is_its_own_to_port_is_named, setup_with_firewall,
            teardown),
        cmocka_unit_test_setup_teardown(a_rule_that_is_not_there_is_named,
                                        setup_with_firewall, teardown),
        cmocka_unit_test_setup_teardown(a_verdict_that_fails_keeps_its_group,
                                        setup_with_firewall, teardown),
        cmocka_unit_test_setup_teardown(a_rule_has_mirrors_up_to_a_number,
                                        setup_with_firewall, teardown),
        cmocka_unit_test_setup_teardown(a_hop_spreads_by_another_hash,
                                        setup_with_chains, teardown),
    };

    if (argv[1]) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("mirrors", tests, NULL, NULL);
}
