/* SPDX-License-Identifier: Apache-2.0
 *
 * controller/simulator: which flow a packet finds, conjunctions among them,
 * held against libopenvswitch. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "classifier.h"
#include "controller/ovs-calls.h"
#include "controller/simulator/flow-lookup.h"
#include "controller/simulator/simulator.h"
#include "flow.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "ovs-rcu.h"
#include "packets.h"
#include "random.h"
#include "tests/unit/simulator-fixture.h"

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
    pass(net, 9, UDP, "output h1 7");
    assert_int_equal(simulator_steps(net->sim, &steps), 1);
    assert_int_equal(steps[0].number, 7);
    pass(net, 9, TCP, "output h1 1");
    pass(net, 9, "udp,nw_src=192.0.2.3,nw_dst=192.0.2.2,tp_dst=53",
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
    pass(net, 9, UDP, "output h1 7");
    add_flow(net, "h1", "table=0,priority=10,udp,nw_dst=192.0.2.2 "
             "actions=output:4");
    pass(net, 9, UDP, "output h1 4");
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
        found = classifier_lookup(&cls, OVS_VERSION_MIN, &flow,
                                  OVS_LOOKUP_PLAIN);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conjunction_takes_all_dimensions),
        cmocka_unit_test(plain_flow_of_equal_priority_wins),
        cmocka_unit_test(lookup_is_as_in_libopenvswitch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
