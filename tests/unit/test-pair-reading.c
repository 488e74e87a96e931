/* SPDX-License-Identifier: Apache-2.0
 *
 * What switches say of pairs becomes what was added since: whatever reading
 * fails, whatever was learned anew, and whoever gets a port's number or
 * address. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "controller/fabric/counters/pair-log.h"
#include "controller/fabric/counters/pair-names.h"
#include "controller/fabric/counters/pair-reading.h"
#include "controller/flow/count-pair.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-flow.h"
#include "proto/openflow/ofdump.h"
#include "svec.h"
#include "util.h"
#include "vmn/flow.h"

#define WALL_MS (INT64_C(1700000000) * 1000)
#define START_MS 1000000        /* time_msec(). */
#define INTERVAL_MS 10000
#define VNI 7
#define SRC 0x0a000001          /* 10.0.0.1, of "a". */

/* The model.  ------------------------------------------------------------- */

static struct {
    uint64_t revision;
    struct pair_port at_5;      /* At ofport 5; 'name' NULL: none is. */
    const char *of_src;         /* Who has SRC. */
    unsigned n_found;           /* Look-ups of addresses. */
} model;

void
host_ports_init(struct host_ports *ports)
{
    memset(ports, 0, sizeof *ports);
}

void
host_ports_uninit(struct host_ports *ports OVS_UNUSED)
{
}

void
host_ports_read(struct host_ports *ports,
                const struct model *from OVS_UNUSED,
                const char *host OVS_UNUSED)
{
    ports->revision = model.revision;
}

const struct pair_port *
host_ports_find(const struct host_ports *ports OVS_UNUSED, uint32_t ofport)
{
    return ofport == 5 && model.at_5.name ? &model.at_5 : NULL;
}

void
pair_domains_init(struct pair_domains *domains)
{
    memset(domains, 0, sizeof *domains);
    hmap_init(&domains->networks);
}

void
pair_domains_uninit(struct pair_domains *domains)
{
    hmap_destroy(&domains->networks);
}

const char *
pair_domains_find(struct pair_domains *domains,
                  const struct model *from OVS_UNUSED,
                  const char *network OVS_UNUSED, const struct vmn_ip *ip,
                  int64_t *created_ms)
{
    domains->revision = model.revision;
    model.n_found++;
    *created_ms = 1;
    return ip->addr[3] == 1 ? model.of_src : NULL;
}

const char *
pair_host_of(const struct model *from OVS_UNUSED, const char *port OVS_UNUSED)
{
    return "h2";
}

/* A switch.  -------------------------------------------------------------- */

struct fixture {
    struct pair_readings all;
    struct pairs_of_switch pairs;
    struct pair_reading reading;
};

static struct pair_port
port(char *name, uint32_t vni)
{
    return (struct pair_port) { 5, vni, name, NULL, 1 };
}

static char name_b[] = "b", name_c[] = "c";

static int
setup(void **state)
{
    struct fixture *f = xzalloc(sizeof *f);

    memset(&model, 0, sizeof model);
    model.revision = 1;
    model.at_5 = port(name_b, VNI);
    model.of_src = "a";
    pair_readings_init(&f->all);
    pairs_of_switch_init(&f->pairs);
    f->reading = (struct pair_reading) {
        .host = "h1", .pairs = &f->pairs, .all = &f->all, .wall_ms = WALL_MS,
        .now_ms = START_MS, .arrived_ms = START_MS + 10,
    };
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    pairs_of_switch_uninit(&f->pairs, &f->all);
    assert_int_equal(f->all.n_seen, 0);
    assert_int_equal(f->all.n_full_hosts, 0);
    pair_readings_uninit(&f->all);
    free(f);
    return 0;
}

/* The next reading, INTERVAL_MS after the last. */
static void
begin(struct fixture *f)
{
    f->reading.round++;
    f->reading.now_ms += INTERVAL_MS;
    f->reading.wall_ms += INTERVAL_MS;
    f->reading.arrived_ms = f->reading.now_ms + 10;
    pair_reading_begin(&f->reading);
}

/* The pair of 'src', 0: of all others, has packets of 100 bytes, and was
 * learned at 'learned_ms'. */
static void
say(struct fixture *f, uint32_t src, uint64_t packets, int64_t learned_ms)
{
    struct ofputil_flow_stats fs = { .table_id = src ? PAIR_TABLE
                                                : PAIR_OTHERS_TABLE,
                                     .cookie = htonll(9) };
    struct ofdump_counts counts = {
        .packets = packets, .bytes = packets * 100,
        /* As of some moment between request and answer. */
        .age_ms = f->reading.now_ms + 5 - learned_ms,
    };

    match_init_catchall(&fs.match);
    match_set_dl_type(&fs.match, htons(VMN_ETH_IPV4));
    match_set_reg(&fs.match, 0, VNI);
    match_set_reg(&fs.match, 7, 5);
    if (src) {
        match_set_nw_src(&fs.match, htonl(src));
    }
    pair_reading_add(&f->reading, &fs, &counts);
}

/* A reading that has the pair alone. */
static void
read_one(struct fixture *f, uint64_t packets, int64_t learned_ms)
{
    begin(f);
    say(f, SRC, packets, learned_ms);
    pair_reading_end(&f->reading);
}

static void
told_cb(void *lines_, const struct fabric_pair *p)
{
    svec_add_nocopy(lines_, xasprintf(
        "%s%s>%s%s %"PRIu64, p->src ? p->src : "-",
        p->src_gone ? "(gone)" : "", p->dst, p->dst_gone ? "(gone)" : "",
        p->packets));
}

/* Compares what is there: sorted, with packets. */
static void
assert_told(struct fixture *f, const char *text)
{
    struct svec lines = SVEC_EMPTY_INITIALIZER;
    struct fabric_pair_totals totals;
    char *told;

    pair_log_read(f->all.log, 0, told_cb, &lines, &totals);
    svec_sort(&lines);
    told = svec_join(&lines, ", ", "");
    assert_string_equal(told, text);
    free(told);
    svec_destroy(&lines);
}

/* Tests.  ----------------------------------------------------------------- */

static void
what_is_added_is_counted_once(void **state)
{
    struct fixture *f = *state;

    read_one(f, 1000, START_MS - 5000);
    assert_told(f, "");         /* Nobody knows when that came. */
    read_one(f, 1010, START_MS - 5000);
    assert_told(f, "a>b 10");
    read_one(f, 1010, START_MS - 5000);
    read_one(f, 1015, START_MS - 5000);
    assert_told(f, "a>b 15");
}

static void
a_pair_that_is_new_has_all_that_it_has(void **state)
{
    struct fixture *f = *state;

    begin(f);
    pair_reading_end(&f->reading);
    read_one(f, 30, f->reading.now_ms + 3000);
    assert_told(f, "a>b 30");
}

/* It was there at the last reading, which had no room for it, say. */
static void
a_pair_that_is_older_than_the_last_reading_begins_now(void **state)
{
    struct fixture *f = *state;

    begin(f);
    pair_reading_end(&f->reading);
    read_one(f, 3000, f->reading.now_ms - 3000);
    assert_told(f, "");
    read_one(f, 3001, START_MS + INTERVAL_MS - 3000);
    assert_told(f, "a>b 1");
}

/* Readings that are cut off have been logged as far as they came, also what
 * was learned since the last whole one. */
static void
a_reading_that_fails_is_counted_once(void **state)
{
    struct fixture *f = *state;
    int64_t learned_ms;

    begin(f);
    pair_reading_end(&f->reading);
    learned_ms = f->reading.now_ms + 3000;
    for (int i = 1; i <= 4; i++) {
        begin(f);
        say(f, SRC, 100 * i, learned_ms);
    }
    assert_told(f, "a>b 400");
    read_one(f, 400, learned_ms);
    read_one(f, 401, learned_ms);
    assert_told(f, "a>b 401");
    /* One that had nothing of it. */
    begin(f);
    read_one(f, 402, learned_ms);
    assert_told(f, "a>b 402");
}

static void
a_pair_that_was_learned_anew_has_all_that_it_has(void **state)
{
    struct fixture *f = *state;

    read_one(f, 100, START_MS);
    /* More than before: only its age tells. */
    read_one(f, 150, f->reading.now_ms + 4000);
    assert_told(f, "a>b 150");
    read_one(f, 40, f->reading.now_ms + 4000);
    assert_told(f, "a>b 190");
}

/* Answers that come late make a pair seem to be older or younger, and so does
 * a switch that has stood still. */
static void
a_slow_switch_changes_nothing(void **state)
{
    struct fixture *f = *state;
    int64_t learned_ms = START_MS - 100000;

    read_one(f, 100, learned_ms);
    begin(f);
    f->reading.arrived_ms = f->reading.now_ms + 9000;
    say(f, SRC, 101, learned_ms);
    pair_reading_end(&f->reading);
    read_one(f, 102, learned_ms - 200);
    read_one(f, 103, learned_ms + 200);
    assert_told(f, "a>b 3");
    /* Its clock was at rest for a minute: the pair is older than what was
     * seen of it all the same. */
    read_one(f, 104, learned_ms + 60000);
    assert_told(f, "a>b 4");
    /* A new one of which the answer comes late. */
    begin(f);
    f->reading.arrived_ms = f->reading.now_ms + 9000;
    say(f, SRC + 1, 7, f->reading.now_ms - 2000);
    say(f, SRC, 104, learned_ms);
    pair_reading_end(&f->reading);
    assert_told(f, "->b 7, a>b 4");
}

/* What came last for a port that is gone is its own. */
static void
a_port_that_is_gone_keeps_what_it_had(void **state)
{
    struct fixture *f = *state;

    read_one(f, 100, START_MS);
    read_one(f, 110, START_MS);
    model.revision++;
    model.at_5.name = NULL;
    model.of_src = NULL;
    pair_log_forget_port(f->all.log, "b");
    read_one(f, 115, START_MS);
    assert_told(f, "a>b(gone) 15");
    /* Another port of its name at its place: nobody knows whose the five
     * are, and what comes then is its own. */
    model.revision++;
    model.at_5.name = name_b;
    read_one(f, 120, START_MS);
    read_one(f, 121, START_MS);
    assert_told(f, "a>b 1, a>b(gone) 15");
    /* Nobody has said that it was deleted. */
    model.revision++;
    model.at_5.created_ms++;
    read_one(f, 130, START_MS);
    read_one(f, 132, START_MS);
    assert_told(f, "a>b 2, a>b(gone) 1, a>b(gone) 15");
}

static void
another_port_gets_nothing_of_the_one_before(void **state)
{
    struct fixture *f = *state;

    read_one(f, 100, START_MS);
    read_one(f, 110, START_MS);
    /* In the same network. */
    model.revision++;
    model.at_5 = port(name_c, VNI);
    read_one(f, 120, START_MS);
    assert_told(f, "a>b 10");
    read_one(f, 130, START_MS);
    assert_told(f, "a>b 10, a>c 10");
    /* In another one: packets of this one were for the one before. */
    model.revision++;
    model.at_5 = port(name_b, VNI + 1);
    read_one(f, 133, START_MS);
    assert_told(f, "a>b 10, a>c 13");
    /* The source's address. */
    model.revision++;
    model.at_5 = port(name_c, VNI);
    model.of_src = "d";
    read_one(f, 140, START_MS);
    read_one(f, 142, START_MS);
    assert_told(f, "a>b 10, a>c 13, d>c 2");
}

static void
names_are_looked_up_once_for_a_revision(void **state)
{
    struct fixture *f = *state;

    read_one(f, 100, START_MS);
    for (int i = 0; i < 10; i++) {
        read_one(f, 101 + i, START_MS);
    }
    assert_true(model.n_found <= 2);
    model.revision++;
    read_one(f, 110, START_MS);         /* Nothing was added. */
    assert_true(model.n_found <= 2);
}

static void
others_are_nobody(void **state)
{
    struct fixture *f = *state;

    for (int i = 1; i <= 2; i++) {
        begin(f);
        say(f, 0, 10 * i, START_MS);
        pair_reading_end(&f->reading);
    }
    assert_told(f, "->b 10");
}

static void
say_many(struct fixture *f, unsigned n)
{
    begin(f);
    for (unsigned i = 0; i < n; i++) {
        say(f, 0x0b000000 + i, 1, START_MS);
        say(f, 0, 1, START_MS);
    }
}

/* Those of both tables are not of one limit. */
static void
a_host_at_the_limit_is_full(void **state)
{
    struct fixture *f = *state;

    say_many(f, VMN_PAIRS_MAX - 1);
    pair_reading_end(&f->reading);
    assert_int_equal(f->all.n_full_hosts, 0);
    say_many(f, VMN_PAIRS_MAX);
    assert_int_equal(f->all.n_full_hosts, 0);   /* It is not read yet. */
    pair_reading_end(&f->reading);
    assert_int_equal(f->all.n_full_hosts, 1);
    pairs_of_switch_disconnected(&f->pairs, &f->all);
    assert_int_equal(f->all.n_full_hosts, 0);
    begin(f);
    pair_reading_end(&f->reading);
    assert_int_equal(f->all.n_seen, 0);
}

/* However many a broken switch tells of. */
static void
what_a_switch_says_is_bounded(void **state)
{
    struct fixture *f = *state;

    begin(f);
    for (unsigned i = 0; i < 64 * 1024 + 1; i++) {
        say(f, 0x0b000000 + i, 1, START_MS);
    }
    pair_reading_end(&f->reading);
    assert_int_equal(f->all.n_seen, 64 * 1024);
    assert_int_equal(f->all.n_full_hosts, 1);
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_is_added_is_counted_once),
        TEST(a_pair_that_is_new_has_all_that_it_has),
        TEST(a_pair_that_is_older_than_the_last_reading_begins_now),
        TEST(a_reading_that_fails_is_counted_once),
        TEST(a_pair_that_was_learned_anew_has_all_that_it_has),
        TEST(a_slow_switch_changes_nothing),
        TEST(a_port_that_is_gone_keeps_what_it_had),
        TEST(another_port_gets_nothing_of_the_one_before),
        TEST(names_are_looked_up_once_for_a_revision),
        TEST(others_are_nobody),
        TEST(a_host_at_the_limit_is_full),
        TEST(what_a_switch_says_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
