/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of proto/admission: who gives way to whom, with a clock of our
 * own.  A connection is an entry of an array. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "openvswitch/vlog.h"
#include "proto/admission/admission.h"
#include "proto/admission/fair-rate.h"
#include "random.h"
#include "util.h"

#define MAX_CONNS 40
#define MAX_PENDING 20
#define MAX_SOURCE 10
#define GRACE_MS 1000
#define N_CONNS 64

struct conn {
    struct admission_entry entry;
    bool open;
};

struct fixture {
    struct admission *adm;
    int64_t now_ms;
    struct conn conns[N_CONNS];
    struct conn *closed;        /* The last that gave way. */
    unsigned n_closed;
    const char *known;          /* The address that is configured, or NULL. */
};

static void
close_cb(void *f_, struct admission_entry *entry)
{
    struct fixture *f = f_;
    struct conn *conn = CONTAINER_OF(entry, struct conn, entry);

    assert_true(conn->open);
    assert_null(entry->source);
    admission_remove(f->adm, entry);    /* As a listener does; harmless. */
    conn->open = false;
    f->closed = conn;
    f->n_closed++;
}

static struct admission_peer
peer_of(const char *address)
{
    char *name = xasprintf(strchr(address, ':') ? "tcp:[%s]:1" : "tcp:%s:1",
                           address);
    struct admission_peer peer = admission_peer_parse(name);

    free(name);
    return peer;
}

static bool
is_known_cb(void *f_, const struct in6_addr *addr)
{
    const struct fixture *f = f_;
    struct admission_peer peer;

    if (!f->known) {
        return false;
    }
    peer = peer_of(f->known);
    return !memcmp(addr, &peer.addr, sizeof *addr);
}

static int
setup(void **state)
{
    struct fixture *f = xzalloc(sizeof *f);
    struct admission_options options = {
        .listener = "test", .max_conns = MAX_CONNS,
        .max_pending = MAX_PENDING, .max_source_pending = MAX_SOURCE,
        .grace_ms = GRACE_MS, .close = close_cb, .is_known = is_known_cb,
        .aux = f,
    };

    f->adm = admission_create(&options);
    f->now_ms = 100000;
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    struct admission_stats stats;

    for (size_t i = 0; i < N_CONNS; i++) {
        admission_remove(f->adm, &f->conns[i].entry);
    }
    admission_get_stats(f->adm, &stats);
    assert_int_equal(stats.n_conns, 0);
    assert_int_equal(stats.n_pending, 0);
    admission_destroy(f->adm);
    free(f);
    return 0;
}

/* Opens one, and lets the clock tick.  NULL if it is refused. */
static struct conn *
dial(struct fixture *f, const char *address)
{
    struct admission_peer peer = peer_of(address);

    for (size_t i = 0; i < N_CONNS; i++) {
        struct conn *conn = &f->conns[i];

        if (!conn->open) {
            f->now_ms++;
            conn->open = admission_admit(f->adm, &conn->entry, &peer,
                                         f->now_ms);
            return conn->open ? conn : NULL;
        }
    }
    fail_msg("no connection is free");
    return NULL;
}

static void
authenticate(struct fixture *f, struct conn *conn, enum admission_state state)
{
    assert_non_null(conn);
    admission_set_state(f->adm, &conn->entry, state, f->now_ms);
}

static void
hang_up(struct fixture *f, struct conn *conn)
{
    admission_remove(f->adm, &conn->entry);
    conn->open = false;
}

static uint64_t
n_refused(const struct fixture *f, enum admission_reason reason)
{
    struct admission_stats stats;

    admission_get_stats(f->adm, &stats);
    return stats.n_refused[reason];
}

/* A flood from 'address' until its connections give way to each other. */
static void
flood(struct fixture *f, const char *address, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        dial(f, address);
    }
}

static void
address_has_a_share_and_its_oldest_gives_way(void **state)
{
    struct fixture *f = *state;
    struct conn *first = dial(f, "192.0.2.1");

    flood(f, "192.0.2.1", MAX_SOURCE - 1);
    assert_int_equal(f->n_closed, 0);
    assert_null(dial(f, "192.0.2.1"));  /* All are young. */
    f->now_ms += GRACE_MS;
    assert_non_null(dial(f, "192.0.2.1"));
    assert_ptr_equal(f->closed, first);
    assert_int_equal(n_refused(f, ADMISSION_SOURCE_SHARE), 2);
}

static void
flood_from_one_address_keeps_no_other_out(void **state)
{
    struct fixture *f = *state;

    flood(f, "192.0.2.1", 500);
    for (int i = 0; i < 200; i++) {
        struct conn *conn = dial(f, "192.0.2.2");

        assert_non_null(conn);
        authenticate(f, conn, ADMISSION_ACTIVE);
        assert_true(conn->open);
        hang_up(f, conn);
        dial(f, "192.0.2.1");
    }
}

static void
source_that_has_most_gives_way(void **state)
{
    struct fixture *f = *state;
    struct conn *small = dial(f, "192.0.2.9"), *big;

    flood(f, "192.0.2.1", 9);
    big = dial(f, "192.0.2.2");
    flood(f, "192.0.2.2", MAX_PENDING - 11);
    assert_int_equal(f->n_closed, 0);
    /* 1, 9 and 10: at once, though all are young. */
    assert_non_null(dial(f, "192.0.2.3"));
    assert_ptr_equal(f->closed, big);
    assert_true(small->open);
    assert_int_equal(n_refused(f, ADMISSION_DISPLACED), 1);
}

static void
rush_of_equals_waits_for_its_turn(void **state)
{
    struct fixture *f = *state;
    struct conn *first = dial(f, "192.0.2.100");
    char address[INET6_ADDRSTRLEN];

    for (int i = 1; i < MAX_PENDING; i++) {
        snprintf(address, sizeof address, "192.0.2.%d", i);
        assert_non_null(dial(f, address));
    }
    assert_null(dial(f, "192.0.2.200"));
    assert_int_equal(n_refused(f, ADMISSION_LIMIT), 1);
    f->now_ms += GRACE_MS;
    assert_non_null(dial(f, "192.0.2.200"));
    assert_ptr_equal(f->closed, first);
}

static void
known_addresses_give_way_last(void **state)
{
    struct fixture *f = *state;
    struct conn *known, *again;
    char address[INET6_ADDRSTRLEN];

    authenticate(f, known = dial(f, "192.0.2.50"), ADMISSION_ACTIVE);
    hang_up(f, known);
    again = dial(f, "192.0.2.50");      /* The oldest of all pending. */
    f->known = "192.0.2.51";
    assert_non_null(dial(f, "192.0.2.51"));
    for (int i = 1; i < MAX_PENDING - 1; i++) {
        snprintf(address, sizeof address, "192.0.2.%d", i);
        assert_non_null(dial(f, address));
    }
    f->now_ms += GRACE_MS;
    for (int i = 100; i < 120; i++) {
        snprintf(address, sizeof address, "192.0.2.%d", i);
        assert_non_null(dial(f, address));
        f->now_ms += GRACE_MS;
    }
    assert_true(again->open);
    /* And one of them comes in though all others are young. */
    flood(f, "192.0.2.7", 3);
    assert_non_null(dial(f, "192.0.2.51"));
}

static void
known_address_that_floods_is_as_any(void **state)
{
    struct fixture *f = *state;

    f->known = "192.0.2.51";
    flood(f, f->known, 100);
    assert_non_null(dial(f, "192.0.2.1"));
}

static void
without_pending_ones_the_longest_idle_gives_way(void **state)
{
    struct fixture *f = *state;
    struct conn *conns[MAX_CONNS];

    for (int i = 0; i < MAX_CONNS; i++) {
        authenticate(f, conns[i] = dial(f, "192.0.2.1"),
                     i < 2 ? ADMISSION_ACTIVE : ADMISSION_IDLE);
    }
    authenticate(f, conns[2], ADMISSION_ACTIVE);
    authenticate(f, conns[2], ADMISSION_IDLE);
    assert_non_null(dial(f, "192.0.2.9"));
    assert_ptr_equal(f->closed, conns[3]);
}

static void
active_ones_stay(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < MAX_CONNS; i++) {
        authenticate(f, dial(f, "192.0.2.1"), ADMISSION_ACTIVE);
    }
    f->now_ms += 2 * GRACE_MS;
    assert_null(dial(f, "192.0.2.9"));
    assert_int_equal(f->n_closed, 0);
    assert_int_equal(n_refused(f, ADMISSION_LIMIT), 1);
}

static void
prefix_of_ipv6_is_one_source(void **state)
{
    struct fixture *f = *state;
    char address[INET6_ADDRSTRLEN];
    struct conn *conn;

    for (int i = 1; i <= 30; i++) {
        snprintf(address, sizeof address, "2001:db8::%x", i);
        dial(f, address);
    }
    assert_true(n_refused(f, ADMISSION_SOURCE_SHARE) >= 20);
    /* One that is configured counts for itself. */
    f->known = "2001:db8::5";
    assert_non_null(conn = dial(f, f->known));
    authenticate(f, conn, ADMISSION_ACTIVE);
    for (int i = 0; i < 5; i++) {
        assert_non_null(dial(f, f->known));
    }
    assert_null(dial(f, "2001:db8::6"));
    assert_non_null(dial(f, "2001:db8:0:1::1"));
}

/* A host with a certificate shows it from each address of its /64, so that all
 * of them are known, and then takes every pending place, one for each. */
static void
host_takes_all_places_by_the_addresses_of_its_prefix(void **state)
{
    struct fixture *f = *state;
    char address[INET6_ADDRSTRLEN];
    struct conn *conn;

    for (int i = 0; i < MAX_PENDING; i++) {
        snprintf(address, sizeof address, "2001:db8::%x", i + 1);
        authenticate(f, conn = dial(f, address), ADMISSION_ACTIVE);
        hang_up(f, conn);
    }
    for (int i = 0; i < MAX_PENDING; i++) {
        snprintf(address, sizeof address, "2001:db8::%x", i + 1);
        assert_non_null(dial(f, address));
    }
    /* All are young. */
    assert_non_null(dial(f, "192.0.2.1"));
    assert_non_null(dial(f, "2001:db8:0:1::1"));
}

/* Whoever was authenticated by one address of a /64 is known by another. */
static void
prefix_of_a_known_address_is_known(void **state)
{
    struct fixture *f = *state;
    char address[INET6_ADDRSTRLEN];
    struct conn *conn;

    authenticate(f, conn = dial(f, "2001:db8::1"), ADMISSION_ACTIVE);
    hang_up(f, conn);
    for (int i = 0; i < MAX_PENDING; i++) {
        snprintf(address, sizeof address, "192.0.2.%d", i);
        assert_non_null(dial(f, address));
    }
    assert_null(dial(f, "2001:db8:0:1::1"));
    assert_non_null(dial(f, "2001:db8::2"));
    assert_int_equal(f->n_closed, 1);
}

static void
remember(struct fixture *f, const char *address)
{
    struct admission_peer peer = peer_of(address);

    admission_remember(f->adm, &peer);
}

/* Room for a connection is made by closing others, whose sources are then
 * remembered; that must not push out the source which it is made for. */
static void
source_that_is_let_in_is_not_forgotten(void **state)
{
    struct fixture *f = *state;
    char address[INET6_ADDRSTRLEN];

    for (int i = 0; i < MAX_PENDING; i++) {
        snprintf(address, sizeof address, "10.0.0.%d", i);
        remember(f, address);
        assert_non_null(dial(f, address));
    }
    for (int i = 0; i < ADMISSION_REMEMBERED_MAX; i++) {
        snprintf(address, sizeof address, "10.1.%d.%d", i / 256, i % 256);
        remember(f, address);
    }
    f->now_ms += 2 * GRACE_MS;
    assert_non_null(dial(f, "10.1.0.0"));
    assert_int_equal(f->n_closed, 1);
}

/* Addresses share the rate of a listener: one that uses it up leaves others
 * theirs. */
static void
redialing_address_leaves_others_their_rate(void **state)
{
    struct fixture *f = *state;
    const struct admission_options options = {
        .listener = "test", .max_conns = MAX_CONNS,
        .max_pending = MAX_PENDING, .max_source_pending = MAX_SOURCE,
        .rate = 20, .close = close_cb, .aux = f,
    };
    unsigned n = 0;

    admission_destroy(f->adm);
    f->adm = admission_create(&options);
    while (!n_refused(f, ADMISSION_RATE)) {
        struct conn *conn = dial(f, "192.0.2.1");

        if (conn) {
            hang_up(f, conn);
            n++;
        }
        assert_true(n < 10000);
    }
    assert_true(n >= 20);
    hang_up(f, dial(f, "192.0.2.2"));
    hang_up(f, dial(f, "[2001:db8::1]"));
    hang_up(f, dial(f, "unix#1"));
}

static void
names_are_parsed(void **state OVS_UNUSED)
{
    struct admission_peer a = admission_peer_parse("tcp:127.0.0.1:6653");
    struct admission_peer b = admission_peer_parse("ssl:127.0.0.1:44321");
    struct admission_peer c = admission_peer_parse("tcp:[::1]:6653");

    assert_int_equal(a.family, AF_INET);
    assert_memory_equal(&a.addr, &b.addr, sizeof a.addr);
    assert_int_equal(c.family, AF_INET6);
    assert_true(IN6_IS_ADDR_LOOPBACK(&c.addr));
    assert_int_equal(admission_peer_parse("unix#3").family, AF_UNIX);
    assert_int_equal(admission_peer_parse("test").family, AF_UNIX);
}

/* Whatever happens, counts and limits hold (teardown checks the rest). */
static void
random_use_keeps_the_limits(void **state)
{
    struct fixture *f = *state;
    struct admission_stats stats;
    char address[INET6_ADDRSTRLEN];

    random_set_seed(7);
    for (int i = 0; i < 200000; i++) {
        struct conn *conn = &f->conns[random_range(N_CONNS)];

        if (conn->open && random_range(3)) {
            if (random_range(2)) {
                hang_up(f, conn);
            } else {
                authenticate(f, conn, (random_range(2) ? ADMISSION_IDLE
                                       : ADMISSION_ACTIVE));
            }
        } else {
            snprintf(address, sizeof address, "10.0.%d.%d",
                     random_range(8) ? 0 : (int) random_range(250),
                     (int) random_range(40));
            dial(f, address);
        }
        f->now_ms += random_range(200);
        admission_get_stats(f->adm, &stats);
        assert_true(stats.n_conns <= MAX_CONNS);
        assert_true(stats.n_pending <= MAX_PENDING);
    }
}

static long long int warp_ms;   /* The clock is ahead by this. */

long long int __wrap_time_msec(void);

long long int
__wrap_time_msec(void)
{
    return 1000000 + warp_ms;
}

static unsigned
take_all(struct fair_rate *rate, uint32_t owner)
{
    unsigned n = 0;

    while (fair_rate_take(rate, owner)) {
        assert_true(++n < 10000);
    }
    return n;
}

/* A charge is paid from the owner's share, and by no other owner. */
static void
charges_are_paid_before_the_next_event(void **state OVS_UNUSED)
{
    struct fair_rate rate;
    unsigned per_s;

    fair_rate_init(&rate, 100, 1);
    assert_true(fair_rate_take(&rate, 1));
    fair_rate_charge(&rate, 1, 1000);
    assert_false(fair_rate_take(&rate, 1));
    assert_true(fair_rate_take(&rate, 2));
    for (int i = 0; i < 8; i++) {
        warp_ms += 1000;
        assert_false(fair_rate_take(&rate, 1));
    }
    /* Idle owners pay as well. */
    for (int i = 0; i < 20; i++) {
        warp_ms += 1000;
        assert_true(fair_rate_take(&rate, 2));
    }
    per_s = take_all(&rate, 1);
    assert_true(per_s >= 50 && per_s <= 100);
    assert_int_equal(take_all(&rate, 1), 0);
    fair_rate_uninit(&rate);
}

#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(address_has_a_share_and_its_oldest_gives_way),
        T(flood_from_one_address_keeps_no_other_out),
        T(source_that_has_most_gives_way),
        T(rush_of_equals_waits_for_its_turn),
        T(known_addresses_give_way_last),
        T(known_address_that_floods_is_as_any),
        T(without_pending_ones_the_longest_idle_gives_way),
        T(active_ones_stay),
        T(prefix_of_ipv6_is_one_source),
        T(host_takes_all_places_by_the_addresses_of_its_prefix),
        T(prefix_of_a_known_address_is_known),
        T(source_that_is_let_in_is_not_forgotten),
        T(redialing_address_leaves_others_their_rate),
        T(names_are_parsed),
        T(random_use_keeps_the_limits),
        cmocka_unit_test(charges_are_paid_before_the_next_event),
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_EMER);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
