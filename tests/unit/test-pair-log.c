/* SPDX-License-Identifier: Apache-2.0
 *
 * Pairs of ports in buckets of time: exact as long as there is room, within
 * the bound that is told when there is none, and gone after their time. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/counters/pair-log.h"
#include "random.h"
#include "util.h"

#define BUCKET_MS 1000
#define N_BUCKETS 4
#define START_MS (INT64_C(1700000000) * 1000)

static const struct pair_end a1 = { "a", "h1", NULL };
static const struct pair_end b2 = { "b", "h2", NULL };
static const struct pair_end b1 = { "b", "h1", NULL };
static const struct pair_end nobody = { NULL, NULL, NULL };

/* What a reading has told, as lines. */
struct told {
    char text[4096];
    size_t n;
};

static const char *
text_or(const char *text)
{
    return text ? text : "-";
}

static void
told_cb(void *told_, const struct fabric_pair *p)
{
    struct told *told = told_;
    size_t len = strlen(told->text);

    told->n++;
    snprintf(told->text + len, sizeof told->text - len,
             "%s%s@%s %s%s@%s %"PRIu64" %"PRIu64" +%"PRIu64"\n",
             text_or(p->src), p->src_gone ? "(gone)" : "",
             text_or(p->src_host), text_or(p->dst),
             p->dst_gone ? "(gone)" : "", text_or(p->dst_host), p->packets,
             p->bytes, p->uncertain_bytes);
}

static void
assert_read(const struct pair_log *log, int64_t since_ms, const char *text)
{
    struct fabric_pair_totals totals;
    struct told told = { .n = 0 };

    pair_log_read(log, since_ms, told_cb, &told, &totals);
    assert_string_equal(told.text, text);
}

static void
a_pair_is_told_with_its_hosts(void **state)
{
    struct pair_log *log = pair_log_create(N_BUCKETS, BUCKET_MS, 10);
    struct fabric_pair_totals totals;
    struct told told = { .n = 0 };

    (void) state;
    pair_log_add(log, START_MS, &a1, &b2, 1, 100);
    pair_log_add(log, START_MS + 1, &a1, &b2, 2, 200);
    pair_log_add(log, START_MS + 1, &b1, &a1, 1, 500);
    pair_log_add(log, START_MS + 1, &nobody, &a1, 1, 1000);
    pair_log_read(log, 0, told_cb, &told, &totals);
    assert_string_equal(told.text,
                        "a@h1 b@h2 3 300 +0\n"
                        "b@h1 a@h1 1 500 +0\n"
                        "-@- a@h1 1 1000 +0\n");
    assert_int_equal(totals.since_ms, START_MS);
    assert_int_equal(totals.sums.bytes[FABRIC_PAIR_CROSS_HOST], 300);
    assert_int_equal(totals.sums.packets[FABRIC_PAIR_CROSS_HOST], 3);
    assert_int_equal(totals.sums.bytes[FABRIC_PAIR_SAME_HOST], 500);
    assert_int_equal(totals.sums.bytes[FABRIC_PAIR_OTHERS], 1000);
    assert_int_equal(totals.unlisted_bytes, 0);
    assert_int_equal(pair_log_size(log), 3);
    pair_log_destroy(log);
}

static void
a_bucket_is_forgotten_after_its_time(void **state)
{
    struct pair_log *log = pair_log_create(N_BUCKETS, BUCKET_MS, 10);

    (void) state;
    pair_log_add(log, START_MS, &a1, &b2, 1, 1);
    pair_log_add(log, START_MS + BUCKET_MS, &a1, &b2, 1, 2);
    pair_log_add(log, START_MS + 3 * BUCKET_MS, &a1, &b2, 1, 3);
    assert_read(log, 0, "a@h1 b@h2 1 1 +0\na@h1 b@h2 1 2 +0\n"
                        "a@h1 b@h2 1 3 +0\n");
    /* A bucket that ends at that time is not asked for. */
    assert_read(log, START_MS + BUCKET_MS,
                "a@h1 b@h2 1 2 +0\na@h1 b@h2 1 3 +0\n");
    assert_read(log, START_MS + 4 * BUCKET_MS, "");
    pair_log_add(log, START_MS + 4 * BUCKET_MS, &a1, &b2, 1, 4);
    assert_read(log, 0, "a@h1 b@h2 1 2 +0\na@h1 b@h2 1 3 +0\n"
                        "a@h1 b@h2 1 4 +0\n");
    /* None is told whose place nobody has taken, either. */
    pair_log_add(log, START_MS + 50 * BUCKET_MS, &a1, &b2, 1, 5);
    assert_read(log, 0, "a@h1 b@h2 1 5 +0\n");
    pair_log_destroy(log);
}

static void
a_clock_that_is_set_back_begins_anew(void **state)
{
    struct pair_log *log = pair_log_create(N_BUCKETS, BUCKET_MS, 10);

    (void) state;
    pair_log_add(log, START_MS + BUCKET_MS, &a1, &b2, 1, 1);
    pair_log_add(log, START_MS + 5, &a1, &b2, 1, 2);
    assert_read(log, 0, "a@h1 b@h2 2 3 +0\n");
    pair_log_add(log, START_MS - 3600 * 1000, &a1, &b2, 1, 4);
    assert_read(log, 0, "a@h1 b@h2 1 4 +0\n");
    pair_log_add(log, -5, &a1, &b2, 1, 5);
    assert_read(log, 0, "a@h1 b@h2 1 5 +0\n");
    pair_log_destroy(log);
}

static void
a_port_of_a_deleted_ports_name_is_another(void **state)
{
    struct pair_log *log = pair_log_create(N_BUCKETS, BUCKET_MS, 10);

    (void) state;
    pair_log_add(log, START_MS, &a1, &b2, 1, 1);
    pair_log_forget_port(log, "a");
    pair_log_forget_port(log, "a");
    pair_log_forget_port(log, "unknown");
    pair_log_add(log, START_MS, &a1, &b2, 1, 10);
    assert_read(log, 0, "a(gone)@h1 b@h2 1 1 +0\na@h1 b@h2 1 10 +0\n");
    pair_log_destroy(log);
}

static bool
is_b(const void *name, const char *port)
{
    return !strcmp(port, name);
}

/* As after a change of more than is told of.  Who knows a name knows that of
 * the port that was. */
static void
all_ports_that_are_no_more_are_forgotten(void **state)
{
    struct pair_log *log = pair_log_create(N_BUCKETS, BUCKET_MS, 10);
    struct pair_name *name = pair_log_ref_name(log, "a", 1);
    struct pair_end known = { NULL, "h1", name };

    (void) state;
    pair_log_add(log, START_MS, &known, &b2, 1, 100);
    assert_true(pair_name_is(name, "a", 1) && !pair_name_is(name, "b", 1)
                && !pair_name_is(name, "a", 2));
    pair_log_forget_ports(log, is_b, "b");
    assert_false(pair_name_is(name, "a", 1));
    pair_log_add(log, START_MS, &known, &b2, 1, 100);
    assert_read(log, 0, "a(gone)@h1 b@h2 2 200 +0\n");
    pair_log_add(log, START_MS, &a1, &b2, 1, 1000);
    assert_read(log, 0, "a(gone)@h1 b@h2 2 200 +0\n"
                "a@h1 b@h2 1 1000 +0\n");
    pair_log_unref_name(log, name);
    pair_log_destroy(log);
}

static void
the_lightest_pair_gives_way(void **state)
{
    struct pair_log *log = pair_log_create(N_BUCKETS, BUCKET_MS, 2);
    struct fabric_pair_totals totals;
    struct told told = { .n = 0 };

    (void) state;
    pair_log_add(log, START_MS, &a1, &b2, 1, 100);
    pair_log_add(log, START_MS, &b2, &a1, 1, 30);
    pair_log_add(log, START_MS, &a1, &b1, 1, 5);
    pair_log_read(log, 0, told_cb, &told, &totals);
    assert_string_equal(told.text,
                        "a@h1 b@h1 1 5 +30\na@h1 b@h2 1 100 +0\n");
    assert_int_equal(totals.unlisted_bytes, 35);
    assert_int_equal(totals.sums.bytes[FABRIC_PAIR_CROSS_HOST], 130);
    assert_int_equal(totals.sums.bytes[FABRIC_PAIR_SAME_HOST], 5);
    assert_int_equal(pair_log_size(log), 2);
    pair_log_destroy(log);
}

/* Against an exact oracle.  ----------------------------------------------- */

#define N_PORTS 12
#define KEPT 16

struct oracle {
    uint64_t bytes[N_PORTS][N_PORTS];
    uint64_t total;
    bool listed[N_PORTS][N_PORTS];
    uint64_t listed_bytes;
};

static void
compare_cb(void *oracle_, const struct fabric_pair *p)
{
    struct oracle *oracle = oracle_;
    int src = p->src[0] - 'a', dst = p->dst[0] - 'a';
    uint64_t exact = oracle->bytes[src][dst];

    assert_false(oracle->listed[src][dst]);
    assert_true(p->bytes <= exact);
    assert_true(exact <= p->bytes + p->uncertain_bytes);
    oracle->listed[src][dst] = true;
    oracle->listed_bytes += p->bytes;
}

/* Heavy pairs are there, with their bytes within the bound that is told, and
 * no pair that is not there has more than the bound says. */
static void
what_is_told_holds(void **state)
{
    uint32_t seed = 20270131;

    (void) state;
    random_set_seed(seed);
    print_message("seed %u\n", seed);
    for (int run = 0; run < 300; run++) {
        struct pair_log *log = pair_log_create(N_BUCKETS, BUCKET_MS, KEPT);
        struct oracle oracle = { .total = 0 };
        struct fabric_pair_totals totals;
        unsigned n = 1 + random_range(run % 2 ? 2000 : 40);

        for (unsigned i = 0; i < n; i++) {
            unsigned src = random_range(1 + random_range(N_PORTS));
            unsigned dst = random_range(1 + random_range(N_PORTS));
            char names[2][2] = { { 'a' + src, 0 }, { 'a' + dst, 0 } };
            uint64_t bytes = random_range(run % 3 ? 1500 : 4);

            pair_log_add(log, START_MS + random_range(BUCKET_MS),
                         &(struct pair_end) { names[0], "h1", NULL },
                         &(struct pair_end) { names[1], "h2", NULL }, 1,
                         bytes);
            oracle.bytes[src][dst] += bytes;
            oracle.total += bytes;
        }
        pair_log_read(log, 0, compare_cb, &oracle, &totals);
        assert_int_equal(totals.sums.bytes[FABRIC_PAIR_CROSS_HOST],
                         oracle.total);
        assert_int_equal(totals.sums.packets[FABRIC_PAIR_CROSS_HOST], n);
        assert_true(oracle.listed_bytes <= oracle.total);
        assert_true(totals.unlisted_bytes <= oracle.total / KEPT);
        assert_true(pair_log_size(log) <= KEPT);
        for (int src = 0; src < N_PORTS; src++) {
            for (int dst = 0; dst < N_PORTS; dst++) {
                assert_true(oracle.listed[src][dst]
                            || oracle.bytes[src][dst]
                               <= totals.unlisted_bytes);
            }
        }
        pair_log_destroy(log);
    }
}

/* Whatever is added, at whatever time: no more is kept than there is room
 * for, and the sums are those of what was added. */
static void
memory_is_bounded(void **state)
{
    struct pair_log *log = pair_log_create(N_BUCKETS, BUCKET_MS, KEPT);
    int64_t now_ms = START_MS;
    uint64_t bytes = 0;
    const struct fabric_pair_sums *sums = pair_log_sums(log);

    (void) state;
    for (unsigned i = 0; i < 20000; i++) {
        char *port = xasprintf("p%u", (unsigned) random_range(500));
        unsigned n = random_range(9000);

        now_ms += random_range(40) - (random_range(1000) ? 10 : 5000);
        pair_log_add(log, now_ms, random_range(9) ? &a1 : &nobody,
                     &(struct pair_end) { port, "h2", NULL }, 1, n);
        bytes += n;
        if (!random_range(50)) {
            pair_log_forget_port(log, port);
        }
        assert_true(pair_log_size(log) <= N_BUCKETS * KEPT);
        free(port);
    }
    assert_int_equal(sums->bytes[FABRIC_PAIR_CROSS_HOST]
                     + sums->bytes[FABRIC_PAIR_OTHERS], bytes);
    pair_log_destroy(log);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_is_told_with_its_hosts),
        cmocka_unit_test(a_bucket_is_forgotten_after_its_time),
        cmocka_unit_test(a_clock_that_is_set_back_begins_anew),
        cmocka_unit_test(a_port_of_a_deleted_ports_name_is_another),
        cmocka_unit_test(all_ports_that_are_no_more_are_forgotten),
        cmocka_unit_test(the_lightest_pair_gives_way),
        cmocka_unit_test(what_is_told_holds),
        cmocka_unit_test(memory_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
