/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of recommendations: the order of rules, and what is said where
 * not all selectors are tried.  That rules are right and the fewest is
 * tests/property/test-recommend.c's. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "controller/recommend/recommend.h"
#include "controller/schema/arena.h"
#include "controller/schema/error.h"
#include "hash.h"
#include "util.h"
#include "vmn/types.h"

#define N_PORTS 40
#define N_KEYS 600

struct world {
    char keys[N_KEYS][24];
    char names[N_PORTS][24];
    struct vmn_label label[N_PORTS][N_KEYS];
    struct vmn_labels labels[N_PORTS];
    struct recommend_port ports[N_PORTS];
    struct recommend_request request;
};

/* Ports with 'n_keys' labels each, whose values look thrown. */
static void
make_world(struct world *w, size_t n_ports, size_t n_keys)
{
    for (size_t i = 0; i < n_ports; i++) {
        snprintf(w->names[i], sizeof w->names[i], "p%02"PRIuSIZE, i);
        for (size_t k = 0; k < n_keys; k++) {
            snprintf(w->keys[k], sizeof w->keys[k], "k%03"PRIuSIZE, k);
            w->label[i][k] = (struct vmn_label) {
                w->keys[k], hash_2words(i, k) & 1 ? "1" : "0",
            };
        }
        w->labels[i] = (struct vmn_labels) { n_keys, w->label[i] };
        w->ports[i] = (struct recommend_port) {
            w->names[i], &w->labels[i], RECOMMEND_INSIDE,
        };
    }
    w->request = (struct recommend_request) {
        .n_ports = n_ports, .ports = w->ports,
    };
}

static struct recommend_connection
tcp(size_t src, size_t dst, uint16_t port)
{
    return (struct recommend_connection) {
        .src = src, .dst = dst, .service = { 6, port, port },
    };
}

/* By whom they are to, then from whom: not as they were seen. */
static void
rules_are_sorted(void **state OVS_UNUSED)
{
    const struct recommend_connection seen[] = {
        tcp(5, 4, 85), tcp(0, 3, 84), tcp(4, 1, 83), tcp(2, 1, 82),
        tcp(1, 0, 81),
    };
    static const size_t from_to[][2] = {
        { 1, 0 }, { 2, 1 }, { 4, 1 }, { 0, 3 }, { 5, 4 },
    };
    static struct world w;
    struct recommend_answer answer;
    struct vmn_errors errors;
    struct arena arena;

    make_world(&w, 6, 0);
    w.request.exact = true;
    w.request.seen = seen;
    w.request.n_seen = ARRAY_SIZE(seen);
    arena_init(&arena);
    vmn_errors_init(&errors);
    assert_true(recommend_rules(&w.request, &arena, &answer, &errors));
    assert_int_equal(answer.n_rules, ARRAY_SIZE(from_to));
    for (size_t i = 0; i < answer.n_rules; i++) {
        const struct recommend_rule *rule = &answer.rules[i];

        assert_int_equal(rule->from.n_ports, 1);
        assert_int_equal(rule->from.ports[0], from_to[i][0]);
        assert_int_equal(rule->to.n_ports, 1);
        assert_int_equal(rule->to.ports[0], from_to[i][1]);
    }
    vmn_errors_uninit(&errors);
    arena_uninit(&arena);
}

/* Nothing is said to be the fewest where not all that there is was tried. */
static void
the_fewest_are_said_only_if_all_were_tried(void **state OVS_UNUSED)
{
    const struct recommend_connection seen[] = { tcp(0, 1, 80) };
    static const struct {
        size_t n_ports, n_keys;
        bool fewest;
    } cases[] = {
        { 4, 2, true },
        { N_PORTS, 12, false }, /* Too many conditions in twos and so on. */
        { N_PORTS, N_KEYS, false }, /* Too many by themselves. */
    };
    static struct world w;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct recommend_answer answer;
        struct vmn_errors errors;
        struct arena arena;

        make_world(&w, cases[i].n_ports, cases[i].n_keys);
        w.request.seen = seen;
        w.request.n_seen = ARRAY_SIZE(seen);
        arena_init(&arena);
        vmn_errors_init(&errors);
        assert_true(recommend_rules(&w.request, &arena, &answer, &errors));
        assert_int_equal(answer.n_rules, 1);
        assert_int_equal(answer.fewest, cases[i].fewest);
        vmn_errors_uninit(&errors);
        arena_uninit(&arena);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_sorted),
        cmocka_unit_test(the_fewest_are_said_only_if_all_were_tried),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
