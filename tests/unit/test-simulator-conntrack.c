/* SPDX-License-Identifier: Apache-2.0
 *
 * controller/simulator: connection tracking and NAT. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "controller/simulator/simulator.h"
#include "tests/unit/simulator-fixture.h"

#define SYNACK "tcp,nw_src=192.0.2.2,nw_dst=192.0.2.1,tp_src=80,tp_dst=1000," \
               "tcp_flags=+syn+ack"

/* Conntrack.  ------------------------------------------------------------ */

/* Ports say what conntrack did: 1 new, 2 est, 3 est and reply, 4 related, 5
 * related and reply, 6 invalid. */
static void
add_tracking(struct net *net)
{
    add_flow(net, "h1", "table=0,priority=1,ip actions=set_field:5->reg5,"
             "ct(zone=NXM_NX_REG5[0..15],table=1)");
    add_flow(net, "h1", "table=0,priority=1,ipv6 actions=set_field:5->reg5,"
             "ct(zone=NXM_NX_REG5[0..15],table=1)");
    add_flow(net, "h1", "table=1,priority=9,ct_state=+inv+trk "
             "actions=output:6");
    add_flow(net, "h1", "table=1,priority=8,ct_state=+rel+rpl "
             "actions=output:5");
    add_flow(net, "h1", "table=1,priority=7,ct_state=+rel actions=output:4");
    add_flow(net, "h1", "table=1,priority=6,ct_state=+est+rpl "
             "actions=output:3");
    add_flow(net, "h1", "table=1,priority=5,ct_state=+est-rpl "
             "actions=output:2");
    add_flow(net, "h1", "table=1,priority=1,ct_state=+new+trk,ip "
             "actions=ct(commit,zone=NXM_NX_REG5[0..15]),output:1");
    add_flow(net, "h1", "table=1,priority=1,ct_state=+new+trk,ipv6 "
             "actions=ct(commit,zone=NXM_NX_REG5[0..15]),output:1");
}

static void
conntrack_follows_a_connection(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_tracking(net);
    pass(net, 9, SYNACK, "output h1 6");
    pass(net, 9, TCP, "output h1 1");
    pass(net, 9, TCP, "output h1 1"); /* Sent again: no reply yet. */
    pass(net, 9, SYNACK, "output h1 3");
    pass(net, 9, "tcp,nw_src=192.0.2.1,nw_dst=192.0.2.2,tp_src=1000,"
         "tp_dst=80,tcp_flags=+ack", "output h1 2");
    pass(net, 9, "tcp,nw_src=192.0.2.1,nw_dst=192.0.2.2,tp_src=1001,"
         "tp_dst=80,tcp_flags=+syn", "output h1 1");
    pass(net, 9, "sctp,nw_src=192.0.2.1,nw_dst=192.0.2.2,tp_src=1,tp_dst=2",
         "output h1 1");
    pass(net, 9, "sctp,nw_src=192.0.2.2,nw_dst=192.0.2.1,tp_src=2,tp_dst=1",
         "output h1 3");
    pass(net, 9, "ip,nw_proto=47,nw_src=192.0.2.1,nw_dst=192.0.2.2",
         "unknown h1/0: "
         "conntrack's answer to this protocol depends on the datapath");
    simulator_begin(net->sim);
    pass(net, 9, SYNACK, "output h1 6");
    net_destroy(net);
}

/* Tuples of SCTP have no ports, so a range of them changes none, and what
 * answers is known. */
static void
nat_leaves_ports_of_sctp(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,in_port=9,ip actions="
             "ct(commit,zone=1,nat(src=192.0.2.7:1024-2047),table=1)");
    add_flow(net, "h1", "table=0,in_port=8,ip actions="
             "ct(zone=1,nat,table=1)");
    add_flow(net, "h1", "table=1,priority=2,ct_state=+rpl,sctp,tp_src=2,"
             "tp_dst=1,nw_dst=192.0.2.1 actions=output:3");
    add_flow(net, "h1", "table=1,priority=1,sctp,tp_src=1,tp_dst=2,"
             "nw_src=192.0.2.7 actions=output:1");
    pass(net, 9, "sctp,nw_src=192.0.2.1,nw_dst=192.0.2.2,tp_src=1,tp_dst=2",
         "output h1 1");
    pass(net, 8, "sctp,nw_src=192.0.2.2,nw_dst=192.0.2.7,tp_src=2,tp_dst=1",
         "output h1 3");
    net_destroy(net);
}

static void
conntrack_knows_pings(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_tracking(net);
    pass(net, 9, "icmp,nw_src=192.0.2.2,nw_dst=192.0.2.1,icmp_type=0",
         "output h1 6");
    pass(net, 9, "icmp,nw_src=192.0.2.1,nw_dst=192.0.2.2,icmp_type=8",
         "output h1 1");
    pass(net, 9, "icmp,nw_src=192.0.2.2,nw_dst=192.0.2.1,icmp_type=0",
         "output h1 3");
    pass(net, 9, "icmp6,ipv6_src=2001:db8::1,ipv6_dst=2001:db8::2,"
         "icmp_type=128", "output h1 1");
    pass(net, 9, "icmp6,ipv6_src=2001:db8::2,ipv6_dst=2001:db8::1,"
         "icmp_type=129", "output h1 3");
    net_destroy(net);
}

static void
conntrack_relates_errors(void **state)
{
    struct net *net = net_create();
    struct sim_packet request, error;

    (void) state;
    add_tracking(net);
    make_packet(UDP, &request);
    make_packet("icmp,nw_src=192.0.2.2,nw_dst=192.0.2.1,icmp_type=3,"
                "icmp_code=3", &error);
    error.quotes = true;
    ct_tuple_of(&request, &error.quoted);
    run_packet(net, "h1", 9, &error, "output h1 6");
    run_packet(net, "h1", 9, &request, "output h1 1");
    run_packet(net, "h1", 9, &error, "output h1 5");
    net_destroy(net);
}

static void
zones_and_hosts_are_apart(void **state)
{
    struct net *net = net_create();
    struct sim_packet packet;

    (void) state;
    add_tracking(net);
    add_flow(net, "h1", "table=0,priority=5,ip,in_port=8 "
             "actions=ct(zone=6,table=1)");
    add_flow(net, "h2", "table=0,priority=5,ip actions=ct(zone=5,table=1)");
    add_flow(net, "h2", "table=1,priority=5,ct_state=+inv actions=output:6");
    pass(net, 9, TCP, "output h1 1");
    pass(net, 8, SYNACK, "output h1 6");
    make_packet(SYNACK, &packet);
    run_packet(net, "h2", 9, &packet, "output h2 6");
    pass(net, 9, SYNACK, "output h1 3");
    net_destroy(net);
}

static void
registers_survive_conntrack_and_its_fields_do_not(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=1,ip actions=set_field:5->reg5,"
             "ct(zone=1,table=1),resubmit(,2)");
    add_flow(net, "h1", "table=1,priority=1,reg5=5,ct_nw_proto=17,ip,"
             "ct_state=+trk,ct_nw_src=192.0.2.1,ct_tp_dst=53 "
             "actions=output:1");
    add_flow(net, "h1", "table=2,priority=1,ct_state=-trk actions=output:2");
    pass(net, 9, UDP, "output h1 2 | output h1 1");
    net_destroy(net);
}

static void
fragments_are_tracked_as_their_packet(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=2,udp,tp_dst=53 actions=output:3");
    add_flow(net, "h1", "table=0,priority=1,ip,nw_frag=later "
             "actions=ct(zone=1,table=1)");
    add_flow(net, "h1", "table=1,priority=2,ip,nw_frag=later,ct_state=+trk,"
             "ct_nw_proto=17,ct_tp_dst=53 actions=output:1");
    pass(net, 9, UDP ",nw_frag=later", "output h1 1");
    pass(net, 9, UDP ",nw_frag=first", "output h1 3");
    net_destroy(net);
}

static void
nat_goes_there_and_back(void **state)
{
    struct net *net = net_create();
    const struct flow *flow;

    (void) state;
    add_flow(net, "h1", "table=0,priority=1,ip actions=ct(zone=1,nat,"
             "table=1)");
    add_flow(net, "h1", "table=1,priority=2,ip,ct_state=+new,tcp,tp_dst=80 "
             "actions=ct(commit,zone=1,nat(dst=192.0.2.7:8080),table=2)");
    add_flow(net, "h1", "table=1,priority=1,ct_state=+est actions=output:4");
    add_flow(net, "h1", "table=2,priority=1,ip,ct_nw_dst=192.0.2.2,"
             "ct_state=+dnat actions=output:2");
    pass(net, 9, TCP, "output h1 2");
    flow = end_flow(net);
    assert_int_equal(ntohl(flow->nw_dst), 0xc0000207);
    assert_int_equal(ntohs(flow->tp_dst), 8080);
    assert_int_equal(ntohs(flow->ct_tp_dst), 80);
    pass(net, 9, "tcp,nw_src=192.0.2.7,nw_dst=192.0.2.1,tp_src=8080,"
         "tp_dst=1000,tcp_flags=+syn+ack", "output h1 4");
    flow = end_flow(net);
    assert_int_equal(ntohl(flow->nw_src), 0xc0000202);
    assert_int_equal(ntohs(flow->tp_src), 80);
    pass(net, 9, "tcp,nw_src=192.0.2.1,nw_dst=192.0.2.2,tp_src=1000,"
         "tp_dst=80,tcp_flags=+ack", "output h1 4");
    assert_int_equal(ntohl(end_flow(net)->nw_dst), 0xc0000207);
    net_destroy(net);
}

static void
nat_to_many_is_not_known(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=1,ip actions=ct(commit,zone=1,"
             "nat(src=192.0.2.7-192.0.2.9),table=1)");
    pass(net, 9, TCP, "unknown h1/0: NAT to one of several addresses: the "
                      "result is not determined");
    net_destroy(net);
}

static void
marks_stay_with_their_connection(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=1,ip actions=ct(zone=1,table=1)");
    add_flow(net, "h1", "table=1,priority=2,ct_mark=9 actions=output:2");
    add_flow(net, "h1", "table=1,priority=1,ct_state=+new,ip "
             "actions=ct(commit,zone=1,exec(set_field:9->ct_mark)),output:1");
    pass(net, 9, TCP, "output h1 1");
    pass(net, 9, SYNACK, "output h1 2");
    net_destroy(net);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conntrack_follows_a_connection),
        cmocka_unit_test(nat_leaves_ports_of_sctp),
        cmocka_unit_test(conntrack_knows_pings),
        cmocka_unit_test(conntrack_relates_errors),
        cmocka_unit_test(zones_and_hosts_are_apart),
        cmocka_unit_test(registers_survive_conntrack_and_its_fields_do_not),
        cmocka_unit_test(fragments_are_tracked_as_their_packet),
        cmocka_unit_test(nat_goes_there_and_back),
        cmocka_unit_test(nat_to_many_is_not_known),
        cmocka_unit_test(marks_stay_with_their_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
