/* SPDX-License-Identifier: Apache-2.0
 *
 * controller/simulator: actions, groups and tunnels. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "controller/simulator/simulator.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofp-group.h"
#include "tests/unit/simulator-fixture.h"

static void
add_group(struct net *net, const char *text)
{
    enum ofputil_protocol usable;
    char *error = parse_ofp_group_mod_str(&net->groups[net->n_groups],
                                          OFPGC11_ADD, text, NULL, NULL,
                                          &usable);

    if (error) {
        fail_msg("%s: %s", text, error);
    }
    net->n_groups++;
}

/* Tables.  --------------------------------------------------------------- */

static void
highest_priority_wins(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=10,ip actions=output:1");
    add_flow(net, "h1", "table=0,priority=20,tcp actions=output:2");
    pass(net, 9, TCP, "output h1 2");
    pass(net, 9, UDP, "output h1 1");
    pass(net, 9, "arp,arp_op=1", "drop h1/0");
    net_destroy(net);
}

static void
actions_change_the_packet(void **state)
{
    struct net *net = net_create();
    const struct flow *flow;

    (void) state;
    add_flow(net, "h1", "table=0,priority=1 actions=set_field:5->reg1,"
             "set_field:7->reg2,move:NXM_NX_REG1[]->NXM_NX_REG3[],"
             "push:NXM_NX_REG1[],push:NXM_NX_REG2[],pop:NXM_NX_REG1[],"
             "pop:NXM_NX_REG2[],set_field:02:00:00:00:00:01->eth_dst,"
             "goto_table:1");
    add_flow(net, "h1", "table=1,priority=1,ip "
             "actions=set_field:192.0.2.9->ip_dst,output:NXM_NX_REG3[]");
    pass(net, 9, TCP, "output h1 5");
    flow = end_flow(net);
    assert_int_equal(flow->regs[1], 7);
    assert_int_equal(flow->regs[2], 5);
    assert_int_equal(flow->regs[3], 5);
    assert_int_equal(flow->dl_dst.ea[5], 1);
    assert_int_equal(ntohl(flow->nw_dst), 0xc0000209);
    net_destroy(net);
}

static void
resubmits_keep_what_they_changed(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=1 actions=resubmit(,2),"
             "resubmit(,1),goto_table:3");
    add_flow(net, "h1", "table=1,priority=1 actions=output:1");
    add_flow(net, "h1", "table=2,priority=1 actions=set_field:4->reg0,"
             "output:2");
    add_flow(net, "h1", "table=3,priority=9,reg0=4 actions=output:4");
    pass(net, 9, UDP, "output h1 2 | output h1 1 | output h1 4");
    net_destroy(net);
}

static void
clones_keep_nothing(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=1 actions=set_field:1->reg0,"
             "push:NXM_NX_REG0[],clone(resubmit(,1)),goto_table:2");
    add_flow(net, "h1", "table=1,priority=1,ip actions=set_field:4->reg0,"
             "pop:NXM_NX_REG1[],set_field:46->ip_dscp,output:1");
    add_flow(net, "h1", "table=2,priority=2,ip,reg0=1,reg1=0,nw_tos=0 "
             "actions=pop:NXM_NX_REG2[],output:NXM_NX_REG2[],output:2");
    pass(net, 9, UDP, "output h1 1 | output h1 1 | output h1 2");
    assert_int_equal(end_flow(net)->nw_tos, 46 << 2);
    net_destroy(net);
}

/* They do not decide where it goes. */
static void
queues_change_no_way(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=1 actions=set_queue:7,output:1,"
             "pop_queue,output:2");
    pass(net, 9, UDP, "output h1 1 | output h1 2");
    net_destroy(net);
}

static void
circles_end(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=1 actions=resubmit(,0)");
    pass(net, 9, UDP, "lost h1/0: too many resubmits");
    add_flow(net, "h1", "table=0,priority=2 actions=resubmit(,1),"
             "resubmit(,0)");
    add_flow(net, "h1", "table=1,priority=2 actions=output:1");
    simulator_run(net->sim, "h1", 9, &(struct sim_packet) { .icmp_id = 0 });
    net_destroy(net);
}

static void
no_way_back_but_by_in_port(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=1,in_port=9 actions=output:9");
    add_flow(net, "h1", "table=0,priority=1,in_port=8 actions=in_port");
    add_flow(net, "h1", "table=0,priority=1,in_port=7 "
             "actions=set_field:65535->in_port,output:7");
    pass(net, 9, UDP, "lost h1/0: it may not leave by the port that it came "
         "by");
    pass(net, 8, UDP, "output h1 8");
    pass(net, 7, UDP, "output h1 7");
    net_destroy(net);
}

static void
what_is_not_known_is_said(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=1 actions=output:1,"
             "learn(table=1),output:2");
    pass(net, 9, UDP, "output h1 1 | unknown h1/0: an unsupported action");
    add_flow(net, "h1", "table=0,priority=5,udp actions=output:1");
    add_flow(net, "h1", "table=0,priority=5,ip,nw_src=192.0.2.1 "
             "actions=output:2");
    pass(net, 9, UDP, "unknown h1/0: two flows of equal priority match, and a "
         "switch may take either");
    net_destroy(net);
}

/* As if a switch had learned nothing yet. */
static void
what_switches_learn_is_not_found(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=1 actions=set_field:0->reg11,"
             "resubmit(,249),resubmit(,248),"
             "learn(table=248,delete_learned,load:1->NXM_NX_REG11[]),"
             "resubmit(,248),resubmit(,1)");
    add_flow(net, "h1", "table=248,priority=1 actions=set_field:2->reg11");
    add_flow(net, "h1", "table=1,priority=1,reg11=0 actions=output:1");
    pass(net, 9, UDP, "output h1 1");
    net_destroy(net);
}

static void
controller_gets_it(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=1 "
             "actions=controller(userdata=01.02)");
    pass(net, 9, UDP, "up h1/0");
    net_destroy(net);
}

static void
ttl_is_counted(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=1 actions=dec_ttl,output:1");
    pass(net, 9, UDP ",nw_ttl=2", "output h1 1");
    assert_int_equal(end_flow(net)->nw_ttl, 1);
    pass(net, 9, UDP ",nw_ttl=1", "lost h1/0: its TTL has expired");
    net_destroy(net);
}

static void
ipv6_fields_match(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=2,tcp6,ipv6_src=2001:db8::/32,"
             "tp_dst=80 actions=set_field:2001:db8::9->ipv6_dst,output:1");
    add_flow(net, "h1", "table=0,priority=1,icmp6,icmp_type=135,icmp_code=0,"
             "nd_target=2001:db8::1 actions=in_port");
    pass(net, 9, "tcp6,ipv6_src=2001:db8::1,ipv6_dst=2001:db8::2,tp_dst=80,"
         "tcp_flags=+syn", "output h1 1");
    assert_int_equal(end_flow(net)->ipv6_dst.s6_addr[15], 9);
    pass(net, 9, "icmp6,icmp_type=135,icmp_code=0,nd_target=2001:db8::1",
         "output h1 9");
    net_destroy(net);
}

/* Groups.  --------------------------------------------------------------- */

static void
all_group_makes_copies(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_group(net, "group_id=1,type=all,bucket=bucket_id:0,"
              "actions=set_field:1->reg0,resubmit(,1),"
              "bucket=bucket_id:1,actions=output:2");
    add_flow(net, "h1", "table=0,priority=1 actions=group:1,resubmit(,1)");
    add_flow(net, "h1", "table=1,priority=2,reg0=1 actions=output:1");
    add_flow(net, "h1", "table=1,priority=1 actions=output:3");
    pass(net, 9, UDP, "output h1 1 | output h1 2 | output h1 3");
    net_destroy(net);
}

static void
select_group_takes_each_in_turn(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_group(net, "group_id=1,type=select,"
              "bucket=bucket_id:0,weight:3,actions=output:1,"
              "bucket=bucket_id:1,weight:1,actions=output:2,"
              "bucket=bucket_id:2,weight:0,actions=output:3,"
              "bucket=bucket_id:3,weight:2,actions=output:1");
    add_flow(net, "h1", "table=0,priority=1 actions=group:1");
    pass(net, 9, UDP, "output h1 1");
    assert_true(simulator_share(net->sim) > 0.83
                && simulator_share(net->sim) < 0.84);
    assert_true(simulator_next(net->sim));
    pass(net, 9, UDP, "output h1 2");
    assert_false(simulator_next(net->sim));
    add_flow(net, "h1", "table=0,priority=2 actions=group:1,group:1,group:5");
    pass(net, 9, UDP, "output h1 1 | output h1 1 | lost h1/0: the group is "
         "not there");
    for (int i = 0; i < 3; i++) {
        assert_true(simulator_next(net->sim));
        simulator_run(net->sim, "h1", 9, &(struct sim_packet)
                      { .icmp_id = 0 });
    }
    assert_false(simulator_next(net->sim));
    net_destroy(net);
}

/* Nobody can tell how a switch hashes, by whatever fields. */
static void
group_that_hashes_an_address_takes_each_in_turn(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_group(net, "group_id=1,type=select,"
              "selection_method=hash,fields(ip_src),"
              "bucket=bucket_id:0,weight:1,actions=output:1,"
              "bucket=bucket_id:1,weight:3,actions=output:2");
    add_flow(net, "h1", "table=0,priority=1 actions=group:1");
    pass(net, 9, UDP, "output h1 1");
    assert_true(simulator_share(net->sim) == 0.25);
    assert_true(simulator_next(net->sim));
    pass(net, 9, UDP, "output h1 2");
    assert_true(simulator_share(net->sim) == 0.75);
    assert_false(simulator_next(net->sim));
    net_destroy(net);
}

/* It would be too many possibilities, and is said so. */
static void
choices_are_bounded(void **state)
{
    struct net *net = net_create();
    struct ds flow = DS_EMPTY_INITIALIZER;

    (void) state;
    add_group(net, "group_id=1,type=select,"
              "bucket=bucket_id:0,weight:1,actions=resubmit(,1),"
              "bucket=bucket_id:1,weight:1,actions=resubmit(,1)");
    ds_put_cstr(&flow, "table=0,priority=1 actions=output:1");
    for (int i = 0; i < SIM_CHOICES_MAX; i++) {
        ds_put_cstr(&flow, ",group:1");
    }
    add_flow(net, "h1", ds_cstr(&flow));
    add_flow(net, "h1", "table=1,priority=1 actions=set_field:1->reg0");
    pass(net, 9, UDP, "output h1 1");

    ds_put_cstr(&flow, ",group:1,output:2");
    net_destroy(net);
    net = net_create();
    add_group(net, "group_id=1,type=select,"
              "bucket=bucket_id:0,weight:1,actions=resubmit(,1),"
              "bucket=bucket_id:1,weight:1,actions=resubmit(,1)");
    add_flow(net, "h1", ds_cstr(&flow));
    add_flow(net, "h1", "table=1,priority=1 actions=set_field:1->reg0");
    pass(net, 9, UDP, "output h1 1 | unknown h1/0: more groups select than "
                      "are simulated");
    ds_destroy(&flow);
    net_destroy(net);
}

/* Hosts.  ---------------------------------------------------------------- */

static void
tunnel_leads_to_another_host(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=1 actions=set_field:3->reg1,"
             "set_field:77->tun_id,set_field:10.0.0.2->tun_dst,"
             "output:40000");
    add_flow(net, "h2", "table=0,priority=1,in_port=40000,"
             "tun_src=10.0.0.1,tun_id=77,reg1=0,ct_state=-trk "
             "actions=output:3");
    pass(net, 9, UDP, "output h2 3");
    add_flow(net, "h1", "table=0,priority=2 "
             "actions=set_field:10.0.0.9->tun_dst,output:40000");
    pass(net, 9, UDP, "lost h1/0: no host has the tunnel's address");
    add_flow(net, "h1", "table=0,priority=3 "
             "actions=set_field:10.0.0.1->tun_dst,output:40000");
    pass(net, 9, UDP, "lost h1/0: the tunnel leads to the host itself");
    net_destroy(net);
}

static void
circles_between_hosts_end(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=1 actions=set_field:0->in_port,"
             "set_field:10.0.0.2->tun_dst,output:40000");
    add_flow(net, "h2", "table=0,priority=1 actions=set_field:0->in_port,"
             "set_field:10.0.0.1->tun_dst,output:40000");
    pass(net, 9, UDP, "lost h1/0: it loops between hosts");
    net_destroy(net);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(highest_priority_wins),
        cmocka_unit_test(actions_change_the_packet),
        cmocka_unit_test(resubmits_keep_what_they_changed),
        cmocka_unit_test(clones_keep_nothing),
        cmocka_unit_test(queues_change_no_way),
        cmocka_unit_test(circles_end),
        cmocka_unit_test(no_way_back_but_by_in_port),
        cmocka_unit_test(what_is_not_known_is_said),
        cmocka_unit_test(what_switches_learn_is_not_found),
        cmocka_unit_test(controller_gets_it),
        cmocka_unit_test(ttl_is_counted),
        cmocka_unit_test(ipv6_fields_match),
        cmocka_unit_test(all_group_makes_copies),
        cmocka_unit_test(select_group_takes_each_in_turn),
        cmocka_unit_test(group_that_hashes_an_address_takes_each_in_turn),
        cmocka_unit_test(choices_are_bounded),
        cmocka_unit_test(tunnel_leads_to_another_host),
        cmocka_unit_test(circles_between_hosts_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
