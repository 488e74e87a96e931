/* SPDX-License-Identifier: Apache-2.0
 *
 * Which paths there are, and what is concluded from what comes back of their
 * probes: hosts, switches and time are the test's. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "controller/paths/paths-private.h"
#include "tests/unit/paths-fixture.h"

#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

/* Measuring.  ------------------------------------------------------------- */

static void
begin_with_two(void)
{
    add_hosts(2);
    add_network("net", 1500, 0, 1);
    begin();
    take_turns(40);
    assert_int_equal(get("h000", "h001").state, PATH_UP);
    assert_int_equal(n_told, 0);
}

static void
path_breaks_and_recovers(void **state OVS_UNUSED)
{
    begin_with_two();
    assert_int_equal(get("h000", "h001").latency_us, 0);
    lost[0][1] = true;
    take_turns(10);
    assert_int_equal(get("h000", "h001").state, PATH_DOWN);
    assert_string_equal(get("h000", "h001").reason,
                        "no probe from h000 reaches h001");
    assert_int_equal(n_told, 1);
    lost[0][1] = false;
    take_turns(10);
    assert_int_equal(get("h000", "h001").state, PATH_UP);
    assert_int_equal(n_told, 2);
    assert_int_equal(stats().n_unproven, 0);
}

/* Returns how many turns after one whose probe of the path is lost it takes
 * until that is noticed, and sets '*told' to how many more until it is told
 * that the path is down. */
static unsigned
turns_of_break(const struct path *path, unsigned *told)
{
    size_t from = path->hosts[0]->number - 1;
    size_t to = path->hosts[1]->number - 1;
    int64_t lost_us;
    unsigned n = 0;

    lost[from][to] = true;
    lost_us = now_us;
    while (path->probed_us < lost_us) {
        take_turns(1);
    }
    while (!path->window.lost_row) {
        take_turns(1);
        n++;
    }
    for (*told = 0; !n_told; ++*told) {
        take_turns(1);
    }
    assert_int_equal(told_state, PATH_DOWN);
    return n;
}

/* What docs/monitoring.md and docs/design/paths.md say. */
static void
break_is_told_after_some_turns(void **state OVS_UNUSED)
{
    const struct path *path;
    unsigned told;

    add_hosts(40);
    add_network("net", 1500, 0, 39);
    begin();
    take_turns(100);
    path = CONTAINER_OF(hmap_first(&paths->pairs), struct path, node);
    assert_true(path->hosts[0]->n_own > 2 * PATH_TURN_PATHS);
    assert_int_equal(turns_of_break(path, &told), 1);
    assert_int_equal(told, 3);
    /* By then it is known in which direction. */
    assert_non_null(strstr(get(path->hosts[0]->name,
                               path->hosts[1]->name).reason, "reaches"));
}

static void
break_of_few_paths_is_told_a_turn_earlier(void **state OVS_UNUSED)
{
    unsigned told;

    begin_with_two();
    assert_int_equal(turns_of_break(CONTAINER_OF(hmap_first(&paths->pairs),
                                                 struct path, node), &told),
                     1);
    assert_int_equal(told, 2);
}

/* That frames of a direction do not come is no matter of the path while the
 * one who was to hand them up does not answer. */
static void
silent_host_has_no_broken_direction(void **state OVS_UNUSED)
{
    begin_with_two();
    hosts[0].mute = hosts[1].mute = true;
    hosts[0].answered_us = hosts[1].answered_us = now_us;
    lost[0][1] = lost[1][0] = true;
    take_turns(10);
    assert_int_equal(get("h000", "h001").state, PATH_DOWN);
    assert_string_equal(get("h000", "h001").reason, "no probe is answered");
    hosts[0].mute = hosts[1].mute = false;
    take_turns(10);
    assert_string_equal(get("h000", "h001").reason,
                        "no probe passes, in either direction");
}

/* The link to all hosts stands still for three seconds, again and again: what
 * was sent goes on all at once, so the references are back before what went by
 * the other host. */
static void
stalled_link_is_no_loss(void **state OVS_UNUSED)
{
    begin_with_two();
    for (unsigned i = 0; i < 10; i++) {
        hosts[0].stalled = hosts[1].stalled = true;
        take_turns(3);
        hosts[0].stalled = hosts[1].stalled = false;
        deliver(true);
        deliver(false);
        take_turns(1);
    }
    assert_int_equal(get("h000", "h001").state, PATH_UP);
    assert_int_equal(get("h000", "h001").lost, 0);
    assert_true(stats().n_unproven > 0);
    assert_int_equal(stats().n_lost, 0);
    assert_int_equal(n_told, 0);
}

static void
host_that_is_reconciled_is_not_probed(void **state OVS_UNUSED)
{
    begin_with_two();
    hosts[0].reconciles = true;
    lost[0][1] = lost[1][0] = true;
    take_turns(10);
    assert_int_equal(get("h000", "h001").state, PATH_UP);
    assert_int_equal(get("h000", "h001").lost, 0);
}

static void
what_is_not_proven_for_long_is_unknown(void **state OVS_UNUSED)
{
    begin_with_two();
    lost[0][1] = true;
    take_turns(10);
    assert_int_equal(n_told, 1);
    hosts[0].stalled = hosts[1].stalled = true;
    take_turns(20);
    assert_int_equal(get("h000", "h001").state, PATH_DOWN);
    take_turns(100);
    assert_int_equal(get("h000", "h001").state, PATH_UNKNOWN);
    assert_int_equal(n_told, 2);
    assert_int_equal(told_state, PATH_UNKNOWN);
    hosts[0].stalled = hosts[1].stalled = false;
    take_turns(20);
    assert_int_equal(get("h000", "h001").state, PATH_DOWN);
    assert_int_equal(n_told, 3);
}

static void
host_has_one_turn_at_a_time(void **state OVS_UNUSED)
{
    unsigned before;

    begin_with_two();
    before = n_references;
    for (unsigned i = 0; i < 5; i++) {
        now_us += 1000;
        fire(paths->turn_timer);
    }
    assert_int_equal(n_references, before);
    take_turns(1);
    assert_int_equal(n_references, before + 1);
}

static void
what_is_not_taken_is_told_later(void **state OVS_UNUSED)
{
    begin_with_two();
    takes_none = true;
    lost[0][1] = true;
    take_turns(10);
    assert_int_equal(n_told, 0);

    /* It never was, for who is told. */
    lost[0][1] = false;
    take_turns(10);
    assert_int_equal(n_told, 0);

    lost[0][1] = true;
    take_turns(20);
    takes_none = false;
    take_turns(3);
    assert_int_equal(n_told, 1);
    assert_int_equal(told_state, PATH_DOWN);

    /* The path goes. */
    hosts[1].offline = true;
    refresh();
    assert_int_equal(n_told, 2);
    assert_int_equal(told_state, PATH_UNKNOWN);
    assert_int_equal(stats().n[PATH_DOWN], 0);
}

/* Pairs.  ----------------------------------------------------------------- */

static size_t
n_paths(void)
{
    return hmap_count(&paths->pairs);
}

static void
pairs_wait_for_their_flows(void **state OVS_UNUSED)
{
    add_hosts(2);
    add_network("net", 1500, 0, 1);
    hosts[0].acked = revision - 1;
    begin();
    assert_int_equal(n_paths(), 0);
    hosts[0].acked = revision;
    hosts[1].reconciles = true;
    refresh();
    assert_int_equal(n_paths(), 0);
    hosts[1].reconciles = false;
    revision++;
    refresh();
    assert_int_equal(n_paths(), 1);
    /* Later revisions do not matter. */
    revision++;
    refresh();
    assert_int_equal(n_paths(), 1);
    assert_false(paths->waits);
}

static void
mtu_is_of_what_both_have(void **state OVS_UNUSED)
{
    static const char *names[] = { "h000", "h001", "h002", "h003", "h004" };

    add_hosts(5);
    add_network("ra", 9000, 0, 1);
    add_network("rb", 1500, 2, 3);
    add_network("x", 1400, 1, 2);
    add_network("y", 1600, 1, 2);
    domain_hosts = (struct vmn_names) { .names = names, .n = 5 };
    begin();
    assert_int_equal(n_paths(), 10);
    assert_int_equal(get("h000", "h001").mtu, 9000);
    assert_int_equal(get("h002", "h003").mtu, 1500);
    assert_int_equal(get("h000", "h003").mtu, 1500);
    assert_int_equal(get("h001", "h002").mtu, 1600);
    /* A gateway, which has a part in no network. */
    assert_int_equal(get("h000", "h004").mtu, 1500);

    /* A large one that another two share concerns nobody else. */
    networks[0].n = 0;
    refresh();
    assert_int_equal(get("h000", "h003").mtu, 1500);
    assert_int_equal(get("h000", "h001").mtu, 1500);
}

static void
another_vni_begins_anew(void **state OVS_UNUSED)
{
    begin_with_two();
    vni = 78;
    refresh();
    assert_int_equal(n_paths(), 1);
    assert_int_equal(get("h000", "h001").state, PATH_UNKNOWN);
    assert_int_equal(get("h000", "h001").of, 0);
    take_turns(5);
    assert_int_equal(get("h000", "h001").state, PATH_UP);
}

/* Many hosts that share several networks: each pair is one, and counts once
 * among those that there is no room for. */
static void
paths_are_bounded(void **state OVS_UNUSED)
{
    const size_t n = HOSTS_MAX;

    add_hosts(n);
    add_network("a", 1500, 0, n - 1);
    add_network("b", 1500, 0, n - 1);
    add_network("c", 1500, 10, n - 1);
    begin();
    while (paths->finding) {
        refresh();
    }
    assert_int_equal(n_paths(), PATHS_MAX);
    assert_int_equal(stats().n_unmeasured, n * (n - 1) / 2 - PATHS_MAX);
    refresh();
    assert_int_equal(stats().n_unmeasured, n * (n - 1) / 2 - PATHS_MAX);

    networks[1].n = networks[2].n = 0;
    networks[0].n = 100;
    refresh();
    assert_int_equal(n_paths(), 100 * 99 / 2);
    assert_int_equal(stats().n_unmeasured, 0);
    assert_int_equal(shash_count(&paths->hosts), 100);
}

/* Many hosts.  ----------------------------------------------------------- */

#define MANY_HOSTS 500

/* Cuts hosts 'first' to 'last' off all others, or ends that. */
static void
cut_off(size_t first, size_t last, bool cut)
{
    for (size_t i = first; i <= last; i++) {
        for (size_t j = 0; j < n_hosts; j++) {
            if (j < first || j > last) {
                lost[i][j] = lost[j][i] = cut;
            }
        }
    }
}

/* Returns how many paths have that state; of these, sets '*n_cut' to how many
 * are cut. */
static size_t
count_state(enum path_state state, size_t *n_cut)
{
    const struct path *path;
    size_t n = 0;

    *n_cut = 0;
    HMAP_FOR_EACH (path, node, &paths->pairs) {
        if (path_window_state(&path->window) == state) {
            n++;
            *n_cut += lost[path->hosts[0]->number - 1]
                          [path->hosts[1]->number - 1];
        }
    }
    return n;
}

static size_t
count_cut(void)
{
    const struct path *path;
    size_t n = 0;

    HMAP_FOR_EACH (path, node, &paths->pairs) {
        n += lost[path->hosts[0]->number - 1][path->hosts[1]->number - 1];
    }
    return n;
}

/* Returns how many turns it takes until 'percent' of the paths that are cut
 * are down, and no other. */
static unsigned
turns_until_down(unsigned percent)
{
    size_t n_cut = count_cut(), n_found;

    for (unsigned i = 1; i < 2000; i++) {
        size_t n_down;

        take_turns(1);
        n_down = count_state(PATH_DOWN, &n_found);
        assert_int_equal(n_down, n_found);
        if (n_found * 100 >= n_cut * percent) {
            return i;
        }
    }
    fail();
    return 0;
}

/* The same of all being up again. */
static unsigned
turns_until_up(void)
{
    size_t n_cut;

    for (unsigned i = 1; i < 2000; i++) {
        take_turns(1);
        if (!count_state(PATH_DOWN, &n_cut)) {
            return i;
        }
    }
    fail();
    return 0;
}

static void
begin_with_many(void)
{
    struct path *path;

    add_hosts(MANY_HOSTS);
    add_network("net", 1500, 0, MANY_HOSTS - 1);
    begin();
    while (paths->finding) {
        refresh();
    }
    take_turns(2);
    HMAP_FOR_EACH (path, node, &paths->pairs) {
        path_window_add(&path->window, true, 100);
        path->judged_us = now_us;
    }
    n_requests = 0;
    memset(n_directions, 0, sizeof n_directions);
}

/* What is sent in turns: small and large probes are of the budget; each host
 * is sent no more than one of each other in a turn, and a few frames for
 * directions. */
static void
assert_within_budget(unsigned n_turns)
{
    assert_true(n_requests <= ((n_turns + 1) * paths->n_turns
                                * PATH_TURN_PATHS * 2));
    for (size_t i = 0; i < n_hosts; i++) {
        assert_true(n_directions[i] <= (n_turns + 1) * PATHS_PACKET_RATE_MIN);
        n_directions[i] = 0;
    }
    n_requests = 0;
}

static void
host_that_is_cut_off_is_found_by_all(void **state OVS_UNUSED)
{
    unsigned n;

    begin_with_many();
    assert_int_equal(count_cut(), 0);
    assert_int_equal(paths->n_suspects, 0);
    cut_off(0, 0, true);
    assert_int_equal(count_cut(), MANY_HOSTS - 1);
    n = turns_until_down(100);
    assert_true(n <= 10);
    assert_within_budget(n);
    take_turns(PATH_DOWN_AFTER);
    assert_int_equal(paths->n_suspects, 0);
    assert_within_budget(PATH_DOWN_AFTER);
    cut_off(0, 0, false);
    n = turns_until_up();
    assert_true(n <= 10);
    take_turns(PATH_UP_AFTER);
    assert_int_equal(paths->n_suspects, 0);
    assert_within_budget(n + PATH_UP_AFTER);
}

static void
hosts_that_are_cut_off_are_found_at_once(void **state OVS_UNUSED)
{
    size_t n_cut;

    begin_with_many();
    cut_off(0, 0, true);
    cut_off(7, 7, true);
    assert_int_equal(count_cut(), 2 * MANY_HOSTS - 3);
    assert_true(turns_until_down(100) <= 12);
    /* One comes back while it is looked at. */
    cut_off(7, 7, false);
    cut_off(3, 3, true);
    take_turns(5);
    assert_int_equal(paths->n_suspects, 2);
    cut_off(3, 3, false);
    take_turns(12);
    assert_int_equal(count_state(PATH_DOWN, &n_cut), count_cut());
    assert_int_equal(paths->n_suspects, 0);
    /* A rack, in which all is well. */
    cut_off(20, 39, true);
    assert_true(turns_until_down(95) <= 60);
}

/* It takes what turns take to go through all paths, and nothing is found that
 * is not. */
static void
halves_of_a_network_are_found(void **state OVS_UNUSED)
{
    unsigned n;

    begin_with_many();
    cut_off(0, MANY_HOSTS / 2 - 1, true);
    n = turns_until_down(90);
    assert_true(n <= 200);
    assert_within_budget(n);
}

/* Turns go on meanwhile: another path that breaks is found. */
static void
host_that_flaps_does_not_keep_others_waiting(void **state OVS_UNUSED)
{
    size_t n_cut;
    unsigned n = 0;

    begin_with_many();
    lost[100][200] = lost[200][100] = true;
    do {
        cut_off(0, 0, n / 6 % 2 == 0);
        take_turns(1);
        assert_true(++n < 400);
    } while (get("h100", "h200").state != PATH_DOWN);
    assert_within_budget(n);
    cut_off(0, 0, false);
    take_turns(80);
    assert_int_equal(count_state(PATH_DOWN, &n_cut), 1);
    assert_int_equal(paths->n_suspects, 0);
}

/* Probes of several paths of the host have other results than before: they
 * are answered again, or lost. */
static void
change_paths_of(const char *name, bool answered)
{
    struct path *path;
    unsigned n = 0;

    HMAP_FOR_EACH (path, node, &paths->pairs) {
        if ((!strcmp(path->hosts[0]->name, name)
             || !strcmp(path->hosts[1]->name, name)) && n++ < 8) {
            path->window.down = answered;
            path->window.lost_row = path->window.answered_row = 0;
            path_suspects_note(paths, path, answered);
        }
    }
}

static void
assert_suspects(const char *first, const char *second)
{
    path_suspects_check(paths);
    assert_int_equal(paths->n_suspects, second ? 2 : first ? 1 : 0);
    if (first) {
        assert_string_equal(paths->suspects[0]->name, first);
    }
    if (second) {
        assert_string_equal(paths->suspects[1]->name, second);
    }
}

/* A turn has paths of two suspects, those that are first. */
static void
suspect_that_flaps_is_behind_others(void **state OVS_UNUSED)
{
    add_hosts(40);
    add_network("net", 1500, 0, 39);
    begin();
    take_turns(2);
    change_paths_of("h000", false);
    change_paths_of("h020", false);
    assert_suspects("h000", "h020");
    change_paths_of("h000", true);
    assert_suspects("h020", "h000");
    /* It is suspected of that already. */
    change_paths_of("h020", false);
    assert_suspects("h020", "h000");
    /* However often it flaps, it is a suspect when it goes at last. */
    for (int i = 0; i < 8; i++) {
        now_us += 10 * 1000 * 1000;
        change_paths_of("h000", i % 2);
    }
    /* That the other one is, was said once, longer ago than it counts. */
    assert_suspects("h000", NULL);
    now_us += 10 * 1000 * 1000;
    change_paths_of("h020", false);
    change_paths_of("h000", false);
    assert_suspects("h020", "h000");
}

/* Few paths need nobody else: their host has all in each of its turns. */
static void
few_hosts_have_their_own_paths_alone(void **state OVS_UNUSED)
{
    const struct path *path;

    add_hosts(6);
    add_network("net", 1500, 0, 5);
    begin();
    take_turns(20);
    cut_off(0, 0, true);
    for (unsigned i = 0; i < 20; i++) {
        take_turns(1);
        HMAP_FOR_EACH (path, node, &paths->pairs) {
            const struct path_turn *turn = path->hosts[1]->last;

            for (size_t k = 0; k < turn->n; k++) {
                assert_false(turn->probes[k].by_second);
            }
        }
    }
    assert_int_equal(stats().n[PATH_DOWN], 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(path_breaks_and_recovers),
        T(break_is_told_after_some_turns),
        T(break_of_few_paths_is_told_a_turn_earlier),
        T(silent_host_has_no_broken_direction),
        T(stalled_link_is_no_loss),
        T(host_that_is_reconciled_is_not_probed),
        T(what_is_not_proven_for_long_is_unknown),
        T(host_has_one_turn_at_a_time),
        T(what_is_not_taken_is_told_later),
        T(pairs_wait_for_their_flows),
        T(mtu_is_of_what_both_have),
        T(another_vni_begins_anew),
        T(paths_are_bounded),
        T(host_that_is_cut_off_is_found_by_all),
        T(hosts_that_are_cut_off_are_found_at_once),
        T(halves_of_a_network_are_found),
        T(host_that_flaps_does_not_keep_others_waiting),
        T(suspect_that_flaps_is_behind_others),
        T(few_hosts_have_their_own_paths_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
