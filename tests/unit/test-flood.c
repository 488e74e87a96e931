/* SPDX-License-Identifier: Apache-2.0
 *
 * Floods and multicast for many ports of one host: a real Open vSwitch, which
 * gives up a packet after 4,096 lookups, is asked what becomes of it with the
 * flows that apps make, all apps loaded that have a stage in its way.  It has
 * none of the ports: a trace needs none.  $VMN_FLOOD_PORTS is how many there
 * are, in place of 600. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "tests/unit/apps-fixture.h"
#include "tests/unit/ovs-sandbox.h"
#include "util.h"
#include "vmn/app.h"

#define SCHEMA "/usr/share/openvswitch/vswitch.ovsschema"
#define NET "0x7"
#define GROUP "239.1.2.3"
/* The last ports, of those that differ. */
#define N_LAST 10
#define GAP 7
/* Of members: a list of sources, which has number 0x800012, and then one of
 * what is wanted. */
#define LISTED 0x80001200u
/* Of a leave, so many ports are asked in one pass through the switch, and so
 * many in all (apps/multicast/members.c). */
#define LEFT_PASS 768
#define LEFT_MAX 3072

static const char *const apps[] = {
    "overlay", "firewall", "router", "dhcp", "dns", "loadbalancer", "gateway",
    "multicast", "mirrors", "qos", "traffic", NULL
};

struct world {
    struct apps_fixture *apps;
    struct ovs_sandbox ovs;
    int n;                      /* Ports, whose OpenFlow numbers are 1 to
                                 * this. */
    bool gaps;                  /* Each GAP-th is disabled. */
};

static int
n_ports(void)
{
    const char *s = getenv("VMN_FLOOD_PORTS");

    return s ? atoi(s) : 600;
}

/* Where what most ports have in common ends: in no part's end. */
static int
half(const struct world *w)
{
    return w->n / 2 + 20;
}

/* Appends what a port's row has besides: 'more', in which '#' is a number that
 * each has by itself, '@' its half of them, and '!' whether it is enabled. */
static void
put_more(struct ds *json, const struct world *w, int i, const char *more)
{
    for (const char *s = more; *s; s++) {
        if (*s == '#') {
            ds_put_format(json, "%d", i);
        } else if (*s == '!') {
            ds_put_cstr(json, i % GAP ? "true" : "false");
        } else {
            ds_put_char(json, *s != '@' ? *s : i <= half(w) ? 'a' : 'b');
        }
    }
}

/* Adds all ports, with 'more', the last ones with 'last'. */
static void
add_ports(struct world *w, const char *more, const char *last)
{
    struct ds json = DS_EMPTY_INITIALIZER;

    for (int i = 1; i <= w->n; i++) {
        ds_put_format(&json, "%c 'ports/p%d': {'network': 'n',"
                      " 'mac': '02:00:00:00:%02x:%02x',"
                      " 'ips': ['10.0.%d.%d'%s]%s", i == 1 ? '{' : ',', i,
                      i >> 8, i & 255, i >> 8, i & 255,
                      i == 1 ? ", 'fd00::1'" : "",
                      i == 2 ? ", 'allowed_addresses':"
                      " [{'ip': '10.0.200.1'}, {'ip': 'fd00::99'}]"
                      : i == 3 || i == 4 ? ", 'allowed_addresses':"
                      " [{'ip': '10.0.200.2', 'mac': '00:00:5e:00:01:01'}]"
                      : "");
        put_more(&json, w, i, i > w->n - N_LAST ? last : more);
        ds_put_format(&json, "}, 'bindings/p%d': {'host': 'h1'},"
                      " 'vifs/h1/p%d': {'host': 'h1', 'iface_id': 'p%d',"
                      " 'iface': 'tap%d', 'ofport': %d, 'link_up': true}",
                      i, i, i, i, i);
    }
    ds_put_char(&json, '}');
    apps_fixture_apply(w->apps, ds_cstr(&json));
    ds_destroy(&json);
}

static void
write_file(const struct world *w, const char *name, const char *text)
{
    char *path = xasprintf("%s/%s", w->ovs.dir, name);
    FILE *stream = fopen(path, "w");

    assert_non_null(stream);
    fputs(text, stream);
    assert_int_equal(fclose(stream), 0);
    free(path);
}

/* Adds flows, a line each, without the meters that they need; ovs-ofctl does
 * not read all that it writes of drops and of learned connections. */
static void
add_flows(const struct world *w, const char *flows)
{
    write_file(w, "flows", flows);
    free(ovs_sandbox_shell(
        &w->ovs, "cd %s && sed -i -E 's/meter:[0-9]+,?//; s/,drop$//; "
        "s/ct_state=\\+new[^,]*Unknown]/ct_state=0x21/' flows && "
        "ovs-ofctl -O OpenFlow15 --bundle add-flows "
        "unix:br0.mgmt flows 2>&1", w->ovs.dir));
}

static void
create(struct world *w, int n, const char *network, const char *more_rows,
       const char *more, const char *last)
{
    struct ds flows = DS_EMPTY_INITIALIZER;
    char *rows = xasprintf(
        "{'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1'},"
        " 'hosts/h2': {'ovsdb': 'unix:/h2', 'tunnel_ip': '10.99.0.2'},"
        " 'networks/n': {'vni': 7, 'subnets': [{'cidr': '10.0.0.0/16'},"
        " {'cidr': 'fd00::/64'}]%s},"
        " 'ports/q': {'network': 'n', 'mac': '02:00:00:01:00:01',"
        " 'ips': ['10.0.250.1']}, 'bindings/q': {'host': 'h2'}%s}",
        network, more_rows);
    char *problems;

    *w = (struct world) { .apps = apps_fixture_create(apps), .n = n,
                          .gaps = strchr(more, '!') != NULL };
    for (size_t i = 0; apps[i]; i++) {
        if (!strcmp(apps[i], "multicast") || !strcmp(apps[i], "mirrors")
            || !strcmp(apps[i], "qos") || !strcmp(apps[i], "traffic")) {
            apps_fixture_declare_types(w->apps, apps[i]);
        }
    }
    apps_fixture_apply(w->apps, rows);
    add_ports(w, more, last);
    if (n <= 1000) {            /* The flows of more are not checked. */
        problems = apps_fixture_problems(w->apps);
        assert_string_equal(problems, "[]");
        free(problems);
    }
    free(rows);

    ovs_sandbox_create(&w->ovs, "h1");
    ovs_sandbox_start_vswitchd(&w->ovs);
    free(ovs_sandbox_vsctl(&w->ovs, "add-br br0 -- set bridge br0 "
                           "datapath_type=dummy protocols=OpenFlow15 "
                           "fail-mode=secure"));
    free(ovs_sandbox_shell(
        &w->ovs, "for i in $(seq 3000); do test -S %s/br0.mgmt && exit; "
        "sleep 0.1; done; exit 1", w->ovs.dir));
    apps_fixture_groups(w->apps, "h1", &flows);
    write_file(w, "groups", ds_cstr(&flows));
    free(ovs_sandbox_shell(
        &w->ovs, "cd %s && ovs-ofctl -O OpenFlow15 add-groups "
        "unix:br0.mgmt groups 2>&1", w->ovs.dir));
    ds_clear(&flows);
    apps_fixture_flows(w->apps, "h1", true, &flows);
    add_flows(w, ds_cstr(&flows));
    ds_destroy(&flows);
}

static void
destroy(struct world *w)
{
    ovs_sandbox_destroy(&w->ovs);
    apps_fixture_destroy(w->apps);
}

static void
forget_members(const struct world *w)
{
    free(ovs_sandbox_shell(
        &w->ovs, "ovs-ofctl -O OpenFlow15 del-flows unix:%s/br0.mgmt "
        "table=245 2>&1", w->ovs.dir));
}

/* Has the switch know port 1 to 'n' as members of the group, with reg11
 * 'value'; and of those that have a list that the sender is in it. */
static void
add_members(const struct world *w, int n, uint32_t value)
{
    struct ds flows = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&flows, "table=245,priority=3,reg0=" NET ",reg12=0x80000001,"
                "actions=set_field:1->reg11\n");
    for (int i = 1; i <= n; i++) {
        ds_put_format(&flows, "table=245,priority=1,ip,reg0=" NET ",reg12=%d,"
                      "nw_dst=" GROUP ",actions=set_field:%u->reg11\n", i,
                      value);
        if (value & LISTED) {
            ds_put_format(&flows, "table=245,priority=2,ip,reg0=" NET
                          ",reg12=%d,reg13=%u,nw_src=10.0.0.1,nw_dst=" GROUP
                          ",actions=set_field:1->reg11\n", i, LISTED);
        }
        ds_put_format(&flows, "table=245,priority=3,reg0=" NET ",reg12=0x%x,"
                      "actions=set_field:1->reg11\n", 0x20000000 | i);
    }
    add_flows(w, ds_cstr(&flows));
    ds_destroy(&flows);
}

/* Has it know port 'i' alone besides. */
static void
add_member(const struct world *w, int i)
{
    char *flow = xasprintf("table=245,priority=1,ip,reg0=" NET ",reg12=%d,"
                           "nw_dst=" GROUP ",actions=set_field:1->reg11\n",
                           i);

    add_flows(w, flow);
    free(flow);
}

/* Counts for each port how often 'text', a trace's, outputs to it. */
static void
count_outputs(const char *text, int *outputs, int n)
{
    static const char *const before[] = { "output:", "output port is " };

    for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
        const char *s = text;

        while ((s = strstr(s, before[i])) != NULL) {
            int port = atoi(s += strlen(before[i]));

            if (port > 0 && port <= n) {
                outputs[port]++;
            }
        }
    }
}

/* Returns a trace of a packet, which the switch has not given up. */
static char *
trace(const struct world *w, const char *what, const char *packet)
{
    static const char *const limits[] = {
        "resubmit actions", "over max translation depth", "resubmits yielded",
        "Translation failed"
    };
    char *text = ovs_sandbox_shell(
        &w->ovs, "ovs-appctl -t %s/vs.ctl ofproto/trace "
        "br0 \"%s\" 2>&1", w->ovs.dir, packet);

    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        const char *found = strstr(text, limits[i]);

        if (found) {
            fail_msg("%s: %.200s", what, found);
        }
    }
    return text;
}

/* Returns how many lookups a trace has in 'table', or, with -1, the most in
 * one pass. */
static int
n_lookups(const char *text, int table)
{
    int here = 0, most = 0, of_table = 0;

    for (const char *s = text; s; s = strchr(s, '\n')) {
        char *end;
        long number;

        s += *s == '\n';
        number = strtol(s, &end, 10);   /* sscanf() would measure the text. */
        if (!strncmp(s, "====", 4)) {
            here = 0;
        } else if (end != s && *end == '.') {
            here++;
            of_table += number == table;
        }
        most = MAX(most, here);
    }
    return table < 0 ? most : of_table;
}

static int
n_lookups_in(const struct world *w, const char *text, const char *table)
{
    char *number = apps_fixture_expand(w->apps, table);
    int n = n_lookups(text, atoi(number));

    free(number);
    return n;
}

/* Asserts that a packet gets once to each of ports 'first' to 'last', and of
 * the last N_LAST if 'to_last', and to no others; but whether to its sender
 * does not matter, which the switch leaves out.  That is the port of 'packet'
 * unless that is 'remote'. */
static void
check_some(const struct world *w, const char *what, const char *packet,
           int first, int last, bool to_last, bool remote)
{
    char *text = trace(w, what, packet);
    int *outputs = xcalloc(w->n + 1, sizeof *outputs);
    int sum = 0;

    count_outputs(text, outputs, w->n);
    for (int i = 1; i <= w->n; i++) {
        bool wanted = (((i >= first && i <= last)
                        || (to_last && i > w->n - N_LAST))
                       && (!w->gaps || i % GAP));

        sum += outputs[i];
        if (i == 1 && !remote ? outputs[i] > 1 : outputs[i] != wanted) {
            fail_msg("%s: %d times to port %d", what, outputs[i], i);
        }
    }
    print_message("%s: %d ports, at most %d lookups\n", what, sum,
                  n_lookups(text, -1));
    free(outputs);
    free(text);
}

static void
check(const struct world *w, const char *what, const char *packet, int last)
{
    check_some(w, what, packet, 2, last, false, false);
}

#define FROM "in_port=1,dl_src=02:00:00:00:00:01,"
#define ARP FROM "dl_dst=ff:ff:ff:ff:ff:ff,arp,arp_op=1,arp_spa=10.0.0.1," \
    "arp_tpa=10.0.200.1,arp_sha=02:00:00:00:00:01"
#define BROADCAST FROM "dl_dst=ff:ff:ff:ff:ff:ff,udp,nw_src=10.0.0.1," \
    "nw_dst=255.255.255.255,nw_ttl=64,udp_src=5000,udp_dst=5000"
#define MULTICAST FROM "dl_dst=01:00:5e:01:02:03,udp,nw_src=10.0.0.1," \
    "nw_dst=" GROUP ",nw_ttl=8,udp_src=5000,udp_dst=5000"

#define MULTICAST6 FROM "dl_dst=33:33:00:00:00:05,udp6," \
    "ipv6_src=fe80::ff:fe00:1,ipv6_dst=ff05::5,nw_ttl=8,udp_src=5000," \
    "udp_dst=5000"
/* Of a neighbour: conntrack knows none of these, and calls them invalid. */
#define SOLICITATION FROM "dl_dst=33:33:ff:00:00:99,icmp6," \
    "ipv6_src=fe80::ff:fe00:1,ipv6_dst=ff02::1:ff00:99,nw_ttl=255," \
    "icmpv6_type=135,icmpv6_code=0,nd_target=fd00::99," \
    "nd_sll=02:00:00:00:00:01" INVALID INVALID INVALID INVALID INVALID INVALID
#define INVALID "\" --ct-next \"trk,inv"
#define SHARED FROM "dl_dst=00:00:5e:00:01:01,udp,nw_src=10.0.0.1," \
    "nw_dst=10.0.200.2,nw_ttl=64,udp_src=5000,udp_dst=5000"
#define UNKNOWN FROM "dl_dst=02:99:00:00:00:01,udp,nw_src=10.0.0.1," \
    "nw_dst=10.0.200.9,nw_ttl=64,udp_src=5000,udp_dst=5000"
#define UNKNOWN_ARP FROM "dl_dst=02:99:00:00:00:01,arp,arp_op=1," \
    "arp_spa=10.0.0.1,arp_tpa=10.0.200.9,arp_sha=02:00:00:00:00:01"
/* Of port q of another host. */
#define TUNNELLED "in_port=40000,tun_id=7,tun_src=10.99.0.2," \
    "tun_dst=10.99.0.1,dl_src=02:00:00:01:00:01,dl_dst=ff:ff:ff:ff:ff:ff," \
    "udp,nw_src=10.0.250.1,nw_dst=255.255.255.255,nw_ttl=64,udp_src=5000," \
    "udp_dst=5000"

/* Word of vmnd's that a guest has left the group. */
#define LEAVE "in_port=1,dl_src=0e:56:4d:00:00:01,dl_dst=03:56:4d:ff:02:00," \
    "ip,nw_proto=253,nw_src=10.0.0.1,nw_dst=" GROUP ",nw_ttl=1"
/* What brings it to where it has been learned, which a trace does not do. */
#define AS_VMND "table=0,priority=65535,dl_dst=03:56:4d:ff:02:00," \
    "actions=set_field:" NET "->reg0,set_field:1->reg5,set_field:1->reg3," \
    "set_field:5->reg15,resubmit(,{TABLE:multicast.snoop/1})"

#define SNOOPED ", 'multicast-networks/m': {'network': 'n'," \
    " 'source_filtering': true, 'learn_routers': true}"
#define MIRRORED ", 'mirrors/m': {'networks': ['n'], 'to_interface': 'ids0'}"
#define COUNTED ", 'traffic-counts/t': {'all_networks': true}"
/* Those of group b get nothing. */
#define POLICY ", 'groups/b': {'selector': 'of=b'}," \
    " 'policies/p': {'applies_to': ['b'], 'rules':" \
    " [{'direction': 'ingress', 'action': 'deny'}]}"
#define LIMITED ", 'qos-policies/q': {'network': 'n', 'limits':" \
    " [{'direction': 'egress', 'max_kbps': 100000}]}"

/* Asserts whether other hosts hear that a guest has left. */
static void
check_relayed(const struct world *w, const char *what, bool relayed)
{
    char *text = trace(w, what, LEAVE);

    print_message("%s: at most %d lookups\n", what, n_lookups(text, -1));
    assert_int_equal(n_lookups_in(w, text, "{TABLE:multicast.relay/0}"),
                     relayed);
    free(text);
}

/* Of who leaves last, whichever part another member is in, and whichever pass
 * through conntrack asks it. */
static void
check_leaves(const struct world *w)
{
    const int members[] = { 2, VMN_FLOOD_PART, VMN_FLOOD_PART + 1, LEFT_PASS,
                            LEFT_PASS + 1, w->n };

    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        if (members[i] > w->n) {
            continue;
        }
        forget_members(w);
        add_member(w, members[i]);
        check_relayed(w, "a leave, with a member", false);
    }
    forget_members(w);
    check_relayed(w, "a leave of the last", true);
}

/* To a MAC that several ports may use: copies for several are no pair's, which
 * leaves 'pairs'. */
static void
check_shared(const struct world *w, int pairs)
{
    char *text;

    check(w, "to a shared MAC", SHARED, w->n);
    text = trace(w, "to a shared MAC", SHARED);
    assert_true(n_lookups_in(w, text, "{TABLE:traffic.count/1}") > 0);
    assert_int_equal(n_lookups_in(w, text, "{TABLE:traffic.count/2}"), pairs);
    free(text);
}

/* What a network of any kind does. */
static void
check_all(const char *network, const char *more_rows, const char *more)
{
    struct world w;
    char *as_vmnd, *rows = xasprintf("%s" SNOOPED MIRRORED LIMITED COUNTED,
                                     more_rows);

    create(&w, n_ports(), network, rows, more, more);
    as_vmnd = apps_fixture_expand(w.apps, AS_VMND);
    check(&w, "ARP", ARP, w.n);
    check(&w, "a broadcast", BROADCAST, w.n);
    check_some(&w, "a broadcast by a tunnel", TUNNELLED, 1, w.n, false, true);
    check(&w, "a solicitation", SOLICITATION, w.n);
    check_shared(&w, more_rows[0] ? w.n - 1 : 0);
    check(&w, "a multicast, members unknown", MULTICAST, w.n);
    check(&w, "the same of IPv6", MULTICAST6, w.n);
    add_members(&w, w.n / 2, 1);
    check(&w, "a multicast to half of them", MULTICAST, w.n / 2);
    add_members(&w, w.n, LISTED);
    check(&w, "a multicast to all, with lists", MULTICAST, w.n);
    /* Each port is a router's as well. */
    add_flows(&w, as_vmnd);
    check(&w, "a leave", LEAVE, w.n);
    check_leaves(&w);
    destroy(&w);
    free(as_vmnd);
    free(rows);
}

static void
of_one_identity(void **state OVS_UNUSED)
{
    check_all("", "", "");
}

static void
each_by_itself(void **state OVS_UNUSED)
{
    check_all("", ", 'observations/n': {}", "");
}

/* At the ends of parts, and undivided where nobody snoops. */
static void
of_few_parts(void **state OVS_UNUSED)
{
    static const int sizes[] = { 256, 257, 512, 513 };

    for (size_t i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
        struct world w;

        create(&w, sizes[i / 2], "", i % 2 ? SNOOPED COUNTED : COUNTED, "",
               "");
        check(&w, "ARP", ARP, w.n);
        check(&w, "a broadcast", BROADCAST, w.n);
        check_shared(&w, i % 2 && w.n % VMN_FLOOD_PART == 1);
        if (i % 2) {
            add_members(&w, w.n / 2, 1);
            check(&w, "a multicast", MULTICAST, w.n / 2);
        }
        destroy(&w);
    }
}

/* So many that a flow has no room for outputs to all of them; unlike to all
 * others, a copy to the last part's only port is a pair's. */
static void
of_more_than_a_flow_holds(void **state OVS_UNUSED)
{
    static const int sizes[] = { 2048, 2049, 4353 };

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct world w;

        create(&w, sizes[i], "", COUNTED, "", "");
        check(&w, "ARP", ARP, w.n);
        check(&w, "a broadcast", BROADCAST, w.n);
        check_shared(&w, w.n > 2048);
        destroy(&w);
    }
}

/* So many that a leave passes conntrack, and that not all are asked: others
 * hear of none then. */
static void
leaves_of_many(void **state OVS_UNUSED)
{
    static const int sizes[] = { 2 * LEFT_PASS + 1, LEFT_MAX + 1 };

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct world w;
        char *as_vmnd;

        create(&w, sizes[i], "", SNOOPED, "", "");
        as_vmnd = apps_fixture_expand(w.apps, AS_VMND);
        add_flows(&w, as_vmnd);
        if (sizes[i] <= LEFT_MAX) {
            check_leaves(&w);
        } else {
            check_relayed(&w, "a leave of one of too many", false);
        }
        destroy(&w);
        free(as_vmnd);
    }
}

/* An identity that has ports in two parts; the other one, and some, get
 * nothing. */
static void
of_two_identities(void **state OVS_UNUSED)
{
    static const char *const rows[] = { POLICY, POLICY SNOOPED };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world w;

        create(&w, n_ports(), "", rows[i], ", 'labels': {'of': '@'}", "");
        check_some(&w, "a broadcast", BROADCAST, 2, half(&w), true, false);
        check_some(&w, "a multicast", MULTICAST, 2, half(&w), true, false);
        check(&w, "ARP", ARP, w.n);
        if (i) {
            add_members(&w, w.n, 1);
            check_some(&w, "a multicast to members", MULTICAST, 2, half(&w),
                       true, false);
        }
        destroy(&w);
    }
}

/* As some get nothing, parts end elsewhere: in the same places for all
 * apps. */
static void
of_some_that_are_disabled(void **state OVS_UNUSED)
{
    static const char more[] = ", 'labels': {'of': '@'}, 'enabled': !";
    struct world w;

    create(&w, n_ports(), "", POLICY SNOOPED, more, more);
    check(&w, "ARP", ARP, w.n);
    check(&w, "a broadcast", BROADCAST, half(&w));
    add_members(&w, w.n, 1);
    check(&w, "a multicast", MULTICAST, half(&w));
    destroy(&w);
}

/* To all that may be where a MAC is that nobody has. */
static void
to_unknown_guests(void **state OVS_UNUSED)
{
    struct world w;

    create(&w, n_ports(), "", ", 'observations/n': {}", ", 'unknown': true",
           "");
    check(&w, "to an unknown MAC", UNKNOWN, w.n - N_LAST);
    check(&w, "ARP to an unknown MAC", UNKNOWN_ARP, w.n - N_LAST);
    destroy(&w);
}

static void
to_communities(void **state OVS_UNUSED)
{
    struct world w;

    create(&w, n_ports(), ", 'isolation': 'promiscuous'", "",
           ", 'isolation': 'community', 'community': 'c#'", "");
    check_some(&w, "ARP", ARP, 2, 1, true, false);
    check_some(&w, "a broadcast", BROADCAST, 2, 1, true, false);
    destroy(&w);
}

/* Of which one has ports in two parts. */
static void
to_two_communities(void **state OVS_UNUSED)
{
    struct world w;

    create(&w, n_ports(), ", 'isolation': 'promiscuous'", SNOOPED,
           ", 'isolation': 'community', 'community': '@'", "");
    check_some(&w, "ARP", ARP, 2, half(&w), true, false);
    check_some(&w, "a broadcast", BROADCAST, 2, half(&w), true, false);
    add_members(&w, w.n, 1);
    check_some(&w, "a multicast", MULTICAST, 2, half(&w), true, false);
    destroy(&w);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_one_identity),
        cmocka_unit_test(each_by_itself),
        cmocka_unit_test(of_few_parts),
        cmocka_unit_test(of_more_than_a_flow_holds),
        cmocka_unit_test(leaves_of_many),
        cmocka_unit_test(of_two_identities),
        cmocka_unit_test(of_some_that_are_disabled),
        cmocka_unit_test(to_unknown_guests),
        cmocka_unit_test(to_communities),
        cmocka_unit_test(to_two_communities),
    };

    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION,
                    getenv("VERBOSE") ? VLL_DBG : VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    } else if (access("/usr/sbin/ovs-vswitchd", X_OK)
               || access(SCHEMA, R_OK)) {
        print_message("skipped: there is no Open vSwitch\n");
        cmocka_set_test_filter("none");
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
