/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulator: each action, conntrack's answers, ways between hosts; and
 * lookups against libopenvswitch's own classifier, on random flows. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classifier.h"
#include "controller/simulator/flow-lookup.h"
#include "controller/simulator/simulator.h"
#include "flow.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"
#include "ovs-rcu.h"
#include "packets.h"
#include "random.h"
#include "util.h"

/* A net of two hosts.  ---------------------------------------------------- */

#define N_HOSTS 2
static const char *const host_names[N_HOSTS] = { "h1", "h2" };
static const char *const host_ips[N_HOSTS] = { "10.0.0.1", "10.0.0.2" };

struct net {
    struct rule_set *sets[N_HOSTS];
    size_t n_groups;
    struct ofputil_group_mod groups[8]; /* Of all hosts. */
    struct simulator *sim;
};

static int
host_index(const char *host)
{
    for (int i = 0; i < N_HOSTS; i++) {
        if (!strcmp(host_names[i], host)) {
            return i;
        }
    }
    fail_msg("no host %s", host);
    return -1;
}

static struct rule_set *const *
get_sets(void *net_, const char *host, uint8_t table, size_t *n)
{
    struct net *net = net_;

    (void) table;
    *n = 1;
    return &net->sets[host_index(host)];
}

static const struct ofputil_group_mod *
get_group(void *net_, const char *host, uint32_t id)
{
    struct net *net = net_;

    (void) host;
    for (size_t i = 0; i < net->n_groups; i++) {
        if (net->groups[i].group_id == id) {
            return &net->groups[i];
        }
    }
    return NULL;
}

static bool
get_tunnel_ip(void *net, const char *host, bool v6, struct in6_addr *ip)
{
    ovs_be32 v4;

    (void) net;
    if (v6) {
        return false;
    }
    assert_true(ip_parse(host_ips[host_index(host)], &v4));
    in6_addr_set_mapped_ipv4(ip, v4);
    return true;
}

static const char *
get_host_at(void *net, const struct in6_addr *ip)
{
    for (int i = 0; i < N_HOSTS; i++) {
        struct in6_addr own;

        get_tunnel_ip(net, host_names[i], false, &own);
        if (ipv6_addr_equals(&own, ip)) {
            return host_names[i];
        }
    }
    return NULL;
}

static void
add_flow(struct net *net, const char *host, const char *text)
{
    enum ofputil_protocol usable;
    struct ofputil_flow_mod fm;
    struct match match;
    char *error = parse_ofp_flow_mod_str(&fm, text, NULL, NULL, OFPFC_ADD,
                                         &usable);

    if (error) {
        fail_msg("%s: %s", text, error);
    }
    minimatch_expand(&fm.match, &match);
    match.flow.tunnel.metadata.tab = NULL;
    match.wc.masks.tunnel.metadata.tab = NULL;
    rule_set_add(net->sets[host_index(host)], fm.table_id, fm.priority,
                 &match, fm.ofpacts, fm.ofpacts_len);
    free(CONST_CAST(struct ofpact *, fm.ofpacts));
    minimatch_destroy(&fm.match);
}

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

static struct net *
net_create(void)
{
    struct net *net = xzalloc(sizeof *net);
    struct sim_net sim_net = {
        .aux = net,
        .sets = get_sets,
        .group = get_group,
        .host_at = get_host_at,
        .tunnel_ip = get_tunnel_ip,
    };

    for (int i = 0; i < N_HOSTS; i++) {
        net->sets[i] = rule_set_create();
    }
    net->sim = simulator_create(&sim_net);
    simulator_keep_flows(net->sim, true);
    simulator_begin(net->sim);
    return net;
}

static void
net_destroy(struct net *net)
{
    simulator_destroy(net->sim);
    for (int i = 0; i < N_HOSTS; i++) {
        rule_set_destroy(net->sets[i], NULL, NULL);
    }
    for (size_t i = 0; i < net->n_groups; i++) {
        ofputil_uninit_group_mod(&net->groups[i]);
    }
    free(net);
}

/* The packet that 'text' matches, all of whose other bits are 0.  Of a later
 * fragment, the whole packet has the ports. */
static void
make_packet(const char *text, struct sim_packet *packet)
{
    const char *frag = strstr(text, ",nw_frag=later");
    char *flow_text = xasprintf("%.*s actions=drop",
                                (int) (frag ? frag - text
                                       : (int) strlen(text)), text);
    enum ofputil_protocol usable;
    struct ofputil_flow_mod fm;
    struct match match;
    char *error = parse_ofp_flow_mod_str(&fm, flow_text, NULL, NULL,
                                         OFPFC_ADD, &usable);

    if (error) {
        fail_msg("%s: %s", text, error);
    }
    free(flow_text);
    minimatch_expand(&fm.match, &match);
    memset(packet, 0, sizeof *packet);
    packet->flow = match.flow;
    packet->flow.tunnel.metadata.tab = NULL;
    packet->tp_src = packet->flow.tp_src;
    packet->tp_dst = packet->flow.tp_dst;
    packet->tcp_flags = packet->flow.tcp_flags;
    if (frag) {
        packet->flow.nw_frag = FLOW_NW_FRAG_ANY | FLOW_NW_FRAG_LATER;
        packet->flow.tp_src = packet->flow.tp_dst = 0;
    }
    free(CONST_CAST(struct ofpact *, fm.ofpacts));
    minimatch_destroy(&fm.match);
}

static const char *const end_names[] = {
    [SIM_OUTPUT] = "output", [SIM_DROP] = "drop", [SIM_PUNT] = "up",
    [SIM_LOST] = "lost", [SIM_UNKNOWN] = "unknown",
};

/* "output h1 2 | drop h2/5 ...": where it ends, in order. */
static char *
ends(const struct net *net)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const struct sim_end *list;
    size_t n = simulator_ends(net->sim, &list);

    for (size_t i = 0; i < n; i++) {
        const struct sim_end *end = &list[i];

        ds_put_format(&ds, "%s%s %s", i ? " | " : "", end_names[end->kind],
                      end->host);
        if (end->kind == SIM_OUTPUT) {
            ds_put_format(&ds, " %u", end->port);
        } else {
            ds_put_format(&ds, "/%u", end->table);
        }
        if (end->text) {
            ds_put_format(&ds, ": %s", end->text);
        }
    }
    return ds_steal_cstr(&ds);
}

static void
run_packet(struct net *net, const char *host, uint32_t port,
           const struct sim_packet *packet, const char *expected)
{
    char *text;

    simulator_run(net->sim, host, port, packet);
    text = ends(net);
    assert_string_equal(text, expected);
    free(text);
}

/* Has a packet come in at h1, and compares where it ends. */
static void
run(struct net *net, uint32_t port, const char *packet_text,
    const char *expected)
{
    struct sim_packet packet;

    make_packet(packet_text, &packet);
    run_packet(net, "h1", port, &packet, expected);
}

static const struct flow *
end_flow(const struct net *net)
{
    const struct sim_end *list;

    assert_true(simulator_ends(net->sim, &list));
    return &list[0].packet.flow;
}

#define TCP "tcp,nw_src=192.0.2.1,nw_dst=192.0.2.2,tp_src=1000,tp_dst=80," \
            "tcp_flags=+syn"
#define SYNACK "tcp,nw_src=192.0.2.2,nw_dst=192.0.2.1,tp_src=80,tp_dst=1000," \
               "tcp_flags=+syn+ack"
#define UDP "udp,nw_src=192.0.2.1,nw_dst=192.0.2.2,tp_src=1000,tp_dst=53"

/* Tables.  --------------------------------------------------------------- */

static void
highest_priority_wins(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=10,ip actions=output:1");
    add_flow(net, "h1", "table=0,priority=20,tcp actions=output:2");
    run(net, 9, TCP, "output h1 2");
    run(net, 9, UDP, "output h1 1");
    run(net, 9, "arp,arp_op=1", "drop h1/0");
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
    run(net, 9, TCP, "output h1 5");
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
    run(net, 9, UDP, "output h1 2 | output h1 1 | output h1 4");
    net_destroy(net);
}

static void
circles_end(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=1 actions=resubmit(,0)");
    run(net, 9, UDP, "lost h1/0: too many resubmits");
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
    run(net, 9, UDP, "lost h1/0: it may not leave by the port that it came "
        "by");
    run(net, 8, UDP, "output h1 8");
    run(net, 7, UDP, "output h1 7");
    net_destroy(net);
}

static void
what_is_not_known_is_said(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=1 actions=output:1,"
             "learn(table=1),output:2");
    run(net, 9, UDP, "output h1 1 | unknown h1/0: an unsupported action");
    add_flow(net, "h1", "table=0,priority=5,udp actions=output:1");
    add_flow(net, "h1", "table=0,priority=5,ip,nw_src=192.0.2.1 "
             "actions=output:2");
    run(net, 9, UDP, "unknown h1/0: two flows of equal priority match, and a "
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
    run(net, 9, UDP, "output h1 1");
    net_destroy(net);
}

static void
controller_gets_it(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=1 "
             "actions=controller(userdata=01.02)");
    run(net, 9, UDP, "up h1/0");
    net_destroy(net);
}

static void
ttl_is_counted(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=1 actions=dec_ttl,output:1");
    run(net, 9, UDP ",nw_ttl=2", "output h1 1");
    assert_int_equal(end_flow(net)->nw_ttl, 1);
    run(net, 9, UDP ",nw_ttl=1", "lost h1/0: its TTL is used up");
    net_destroy(net);
}

static void
ipv6_fields_match(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_flow(net, "h1", "table=0,priority=2,tcp6,ipv6_src=2001:db8::/32,"
             "tp_dst=80 actions=set_field:2001:db8::9->ipv6_dst,output:1");
    add_flow(net, "h1", "table=0,priority=1,icmp6,icmp_type=135,"
             "nd_target=2001:db8::1 actions=in_port");
    run(net, 9, "tcp6,ipv6_src=2001:db8::1,ipv6_dst=2001:db8::2,tp_dst=80,"
        "tcp_flags=+syn", "output h1 1");
    assert_int_equal(end_flow(net)->ipv6_dst.s6_addr[15], 9);
    run(net, 9, "icmp6,icmp_type=135,icmp_code=0,nd_target=2001:db8::1",
        "output h1 9");
    net_destroy(net);
}

/* Conjunctions.  --------------------------------------------------------- */

static void
add_conjunction(struct net *net)
{
    add_flow(net, "h1", "table=0,priority=10,ip,nw_src=192.0.2.1 "
             "actions=conjunction(7,1/2)");
    add_flow(net, "h1", "table=0,priority=10,udp,tp_dst=53 "
             "actions=conjunction(7,2/2),conjunction(8,1/2)");
    add_flow(net, "h1", "table=0,priority=10,conj_id=7,ip actions=output:7");
    add_flow(net, "h1", "table=0,priority=10,conj_id=8,ip actions=output:8");
    add_flow(net, "h1", "table=0,priority=1 actions=output:1");
}

static void
conjunction_takes_all_dimensions(void **state)
{
    struct net *net = net_create();
    const struct sim_step *steps;

    (void) state;
    add_conjunction(net);
    run(net, 9, UDP, "output h1 7");
    assert_int_equal(simulator_steps(net->sim, &steps), 1);
    assert_int_equal(steps[0].number, 7);
    run(net, 9, TCP, "output h1 1");
    run(net, 9, "udp,nw_src=192.0.2.3,nw_dst=192.0.2.2,tp_dst=53",
        "output h1 1");
    net_destroy(net);
}

static void
plain_flow_of_equal_priority_wins(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_conjunction(net);
    add_flow(net, "h1", "table=0,priority=9,udp,nw_dst=192.0.2.2 "
             "actions=output:3");
    run(net, 9, UDP, "output h1 7");
    add_flow(net, "h1", "table=0,priority=10,udp,nw_dst=192.0.2.2 "
             "actions=output:4");
    run(net, 9, UDP, "output h1 4");
    net_destroy(net);
}

/* Random flows of few fields, in two sets and in libopenvswitch's classifier:
 * both find the same. */

struct both {
    struct cls_rule cls_rule;
    int number;
};

static void
random_match(struct match *match, bool soft)
{
    match_init_catchall(match);
    match_set_dl_type(match, htons(ETH_TYPE_IP));
    if (random_range(2)) {
        int len = random_range(3);

        match_set_nw_src_masked(match, htonl(random_range(4)),
                                htonl(len ? UINT32_MAX << (len - 1) : 0));
    }
    if (random_range(2)) {
        match_set_reg(match, 1, random_range(3));
    }
    if (random_range(2)) {
        match_set_reg(match, 2, random_range(3));
    }
    if (!soft && random_range(2)) {
        match_set_conj_id(match, 1 + random_range(4));
    }
}

static void
put_conjunctions(struct ofpbuf *ofpacts)
{
    for (int n = 1 + random_range(2); n; n--) {
        struct ofpact_conjunction *conj = ofpact_put_CONJUNCTION(ofpacts);

        conj->id = 1 + random_range(4);
        conj->n_clauses = 2 + (conj->id & 1);
        conj->clause = random_range(conj->n_clauses);
    }
}

static void
put_number(struct ofpbuf *ofpacts, int number)
{
    struct ofpact_output *output = ofpact_put_OUTPUT(ofpacts);

    output->port = u16_to_ofp(number);
    output->max_len = 0;
}

static int
number_of(const struct rule *rule)
{
    return rule ? ofp_to_u16(ofpact_get_OUTPUT(rule->ofpacts)->port) : 0;
}

static void
add_both(struct classifier *cls, struct rule_set *const sets[2],
         struct both *both, int number)
{
    bool soft = random_range(3) > 0;
    int priority = 1 + random_range(4);
    struct cls_conjunction conjs[4];
    struct ofpbuf ofpacts;
    struct match match;
    size_t n = 0;

    ofpbuf_init(&ofpacts, 64);
    random_match(&match, soft);
    both->number = number;
    cls_rule_init(&both->cls_rule, &match, priority);
    if (classifier_find_rule_exactly(cls, &both->cls_rule,
                                     OVS_VERSION_MIN)) {
        cls_rule_destroy(&both->cls_rule);
        both->number = 0;
        ofpbuf_uninit(&ofpacts);
        return;
    }
    if (soft) {
        const struct ofpact *a;

        put_conjunctions(&ofpacts);
        OFPACT_FOR_EACH (a, ofpacts.data, ofpacts.size) {
            const struct ofpact_conjunction *c = ofpact_get_CONJUNCTION(a);

            conjs[n++] = (struct cls_conjunction) { c->id, c->clause,
                                                    c->n_clauses };
        }
    } else {
        put_number(&ofpacts, number);
    }
    classifier_insert(cls, &both->cls_rule, OVS_VERSION_MIN, conjs, n);
    rule_set_add(sets[random_range(2)], 0, priority, &match, ofpacts.data,
                 ofpacts.size);
    ofpbuf_uninit(&ofpacts);
}

/* What the others leave: then every conjunction leads somewhere. */
static void
add_rest(struct classifier *cls, struct rule_set *set, struct both *both)
{
    struct ofpbuf ofpacts;
    struct match match;

    ofpbuf_init(&ofpacts, 64);
    match_init_catchall(&match);
    both->number = 1;
    put_number(&ofpacts, 1);
    cls_rule_init(&both->cls_rule, &match, 0);
    classifier_insert(cls, &both->cls_rule, OVS_VERSION_MIN, NULL, 0);
    rule_set_add(set, 0, 0, &match, ofpacts.data, ofpacts.size);
    ofpbuf_uninit(&ofpacts);
}

#define N_BOTH 40

static unsigned
compare_lookups(void)
{
    struct rule_set *sets[2] = { rule_set_create(), rule_set_create() };
    struct both both[N_BOTH];
    struct classifier cls;
    unsigned n_conjunctions = 0;

    classifier_init(&cls, NULL);
    add_rest(&cls, sets[0], &both[0]);
    for (int i = 1; i < N_BOTH; i++) {
        add_both(&cls, sets, &both[i], i + 1);
    }
    for (int i = 0; i < 36; i++) {
        const struct cls_rule *found;
        struct rule_hit hit;
        struct flow flow;

        memset(&flow, 0, sizeof flow);
        flow.dl_type = htons(ETH_TYPE_IP);
        flow.nw_src = htonl(i & 3);
        flow.regs[1] = i / 4 % 3;
        flow.regs[2] = i / 12;
        rule_sets_lookup(sets, 2, 0, &flow, &hit);
        found = classifier_lookup(&cls, OVS_VERSION_MIN, &flow, NULL);
        if (!hit.other) {
            const struct both *b = (found
                                    ? CONTAINER_OF(found, struct both,
                                                   cls_rule) : NULL);

            assert_int_equal(number_of(hit.rule), b ? b->number : 0);
            n_conjunctions += hit.conj_id > 0;
        }
    }
    for (int i = 0; i < N_BOTH; i++) {
        if (both[i].number) {
            classifier_remove_assert(&cls, &both[i].cls_rule);
        }
    }
    ovsrcu_synchronize();
    for (int i = 0; i < N_BOTH; i++) {
        if (both[i].number) {
            cls_rule_destroy(&both[i].cls_rule);
        }
    }
    classifier_destroy(&cls);
    rule_set_destroy(sets[0], NULL, NULL);
    rule_set_destroy(sets[1], NULL, NULL);
    return n_conjunctions;
}

static void
lookup_is_as_in_libopenvswitch(void **state)
{
    unsigned n = 0;

    (void) state;
    random_set_seed(20261120);
    for (int i = 0; i < 300; i++) {
        n += compare_lookups();
    }
    assert_true(n > 500);
}

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
    run(net, 9, SYNACK, "output h1 6");
    run(net, 9, TCP, "output h1 1");
    run(net, 9, TCP, "output h1 1"); /* Sent again: no reply yet. */
    run(net, 9, SYNACK, "output h1 3");
    run(net, 9, "tcp,nw_src=192.0.2.1,nw_dst=192.0.2.2,tp_src=1000,"
        "tp_dst=80,tcp_flags=+ack", "output h1 2");
    run(net, 9, "tcp,nw_src=192.0.2.1,nw_dst=192.0.2.2,tp_src=1001,"
        "tp_dst=80,tcp_flags=+syn", "output h1 1");
    run(net, 9, "sctp,nw_src=192.0.2.1,nw_dst=192.0.2.2,tp_src=1,tp_dst=2",
        "output h1 1");
    run(net, 9, "sctp,nw_src=192.0.2.2,nw_dst=192.0.2.1,tp_src=2,tp_dst=1",
        "output h1 3");
    run(net, 9, "ip,nw_proto=47,nw_src=192.0.2.1,nw_dst=192.0.2.2",
        "unknown h1/0: "
        "conntrack's answer to this protocol depends on the datapath");
    simulator_begin(net->sim);
    run(net, 9, SYNACK, "output h1 6");
    net_destroy(net);
}

static void
conntrack_knows_pings(void **state)
{
    struct net *net = net_create();

    (void) state;
    add_tracking(net);
    run(net, 9, "icmp,nw_src=192.0.2.2,nw_dst=192.0.2.1,icmp_type=0",
        "output h1 6");
    run(net, 9, "icmp,nw_src=192.0.2.1,nw_dst=192.0.2.2,icmp_type=8",
        "output h1 1");
    run(net, 9, "icmp,nw_src=192.0.2.2,nw_dst=192.0.2.1,icmp_type=0",
        "output h1 3");
    run(net, 9, "icmp6,ipv6_src=2001:db8::1,ipv6_dst=2001:db8::2,"
        "icmp_type=128", "output h1 1");
    run(net, 9, "icmp6,ipv6_src=2001:db8::2,ipv6_dst=2001:db8::1,"
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
    run(net, 9, TCP, "output h1 1");
    run(net, 8, SYNACK, "output h1 6");
    make_packet(SYNACK, &packet);
    run_packet(net, "h2", 9, &packet, "output h2 6");
    run(net, 9, SYNACK, "output h1 3");
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
    run(net, 9, UDP, "output h1 2 | output h1 1");
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
    run(net, 9, UDP ",nw_frag=later", "output h1 1");
    run(net, 9, UDP ",nw_frag=first", "output h1 3");
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
    run(net, 9, TCP, "output h1 2");
    flow = end_flow(net);
    assert_int_equal(ntohl(flow->nw_dst), 0xc0000207);
    assert_int_equal(ntohs(flow->tp_dst), 8080);
    assert_int_equal(ntohs(flow->ct_tp_dst), 80);
    run(net, 9, "tcp,nw_src=192.0.2.7,nw_dst=192.0.2.1,tp_src=8080,"
        "tp_dst=1000,tcp_flags=+syn+ack", "output h1 4");
    flow = end_flow(net);
    assert_int_equal(ntohl(flow->nw_src), 0xc0000202);
    assert_int_equal(ntohs(flow->tp_src), 80);
    run(net, 9, "tcp,nw_src=192.0.2.1,nw_dst=192.0.2.2,tp_src=1000,"
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
    run(net, 9, TCP, "unknown h1/0: NAT to one of several addresses, and "
        "nobody can tell which");
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
    run(net, 9, TCP, "output h1 1");
    run(net, 9, SYNACK, "output h1 2");
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
    run(net, 9, UDP, "output h1 1 | output h1 2 | output h1 3");
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
    run(net, 9, UDP, "output h1 1");
    assert_true(simulator_share(net->sim) > 0.83
                && simulator_share(net->sim) < 0.84);
    assert_true(simulator_next(net->sim));
    run(net, 9, UDP, "output h1 2");
    assert_false(simulator_next(net->sim));
    add_flow(net, "h1", "table=0,priority=2 actions=group:1,group:1,group:5");
    run(net, 9, UDP, "output h1 1 | output h1 1 | lost h1/0: the group is not "
        "there");
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
    run(net, 9, UDP, "output h1 1");
    assert_true(simulator_share(net->sim) == 0.25);
    assert_true(simulator_next(net->sim));
    run(net, 9, UDP, "output h1 2");
    assert_true(simulator_share(net->sim) == 0.75);
    assert_false(simulator_next(net->sim));
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
    run(net, 9, UDP, "output h2 3");
    add_flow(net, "h1", "table=0,priority=2 "
             "actions=set_field:10.0.0.9->tun_dst,output:40000");
    run(net, 9, UDP, "lost h1/0: no host has the tunnel's address");
    add_flow(net, "h1", "table=0,priority=3 "
             "actions=set_field:10.0.0.1->tun_dst,output:40000");
    run(net, 9, UDP, "lost h1/0: the tunnel leads to the host itself");
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
    run(net, 9, UDP, "lost h1/0: it goes in circles between hosts");
    net_destroy(net);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(highest_priority_wins),
        cmocka_unit_test(actions_change_the_packet),
        cmocka_unit_test(resubmits_keep_what_they_changed),
        cmocka_unit_test(circles_end),
        cmocka_unit_test(no_way_back_but_by_in_port),
        cmocka_unit_test(what_is_not_known_is_said),
        cmocka_unit_test(what_switches_learn_is_not_found),
        cmocka_unit_test(controller_gets_it),
        cmocka_unit_test(ttl_is_counted),
        cmocka_unit_test(ipv6_fields_match),
        cmocka_unit_test(conjunction_takes_all_dimensions),
        cmocka_unit_test(plain_flow_of_equal_priority_wins),
        cmocka_unit_test(lookup_is_as_in_libopenvswitch),
        cmocka_unit_test(conntrack_follows_a_connection),
        cmocka_unit_test(conntrack_knows_pings),
        cmocka_unit_test(conntrack_relates_errors),
        cmocka_unit_test(zones_and_hosts_are_apart),
        cmocka_unit_test(registers_survive_conntrack_and_its_fields_do_not),
        cmocka_unit_test(fragments_are_tracked_as_their_packet),
        cmocka_unit_test(nat_goes_there_and_back),
        cmocka_unit_test(nat_to_many_is_not_known),
        cmocka_unit_test(marks_stay_with_their_connection),
        cmocka_unit_test(all_group_makes_copies),
        cmocka_unit_test(select_group_takes_each_in_turn),
        cmocka_unit_test(group_that_hashes_an_address_takes_each_in_turn),
        cmocka_unit_test(tunnel_leads_to_another_host),
        cmocka_unit_test(circles_between_hosts_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
