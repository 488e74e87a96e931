/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of controller/health's prober: when probes leave, and what
 * becomes of answers.  The clock is the test's, and so is the server, who
 * answers pings. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controller/health/host-silence.h"
#include "controller/health/probe-rate.h"
#include "controller/health/prober.h"
#include "openvswitch/vlog.h"
#include "random.h"
#include "timeval.h"
#include "util.h"

static const struct vmn_ip server_ip = { 4, { 10, 0, 0, 1 } };

struct world {
    struct prober prober;
    int64_t now_us;
    bool online;                /* Frames can be sent. */
    bool cut;                   /* And get nowhere, without a word. */
    int64_t heard_us;           /* When the host answered last. */
    unsigned n_probed;
    bool answers;               /* And are answered... */
    int64_t delay_us;           /* ...after so long. */
    size_t n_sent;
    int64_t sent_us[4096];
    uint8_t last[256];          /* The last frame, and where it went. */
    size_t last_size;
    char host[32];
    uint32_t ofport;
    bool has_answer;            /* One is on its way. */
    int64_t answer_us;
    char told[256];             /* States that were told. */
    int64_t quiet_us;           /* Since when nobody sends anything. */
};

static bool
send_cb(void *w_, const char *host, uint32_t ofport, const void *frame,
        size_t size)
{
    struct world *w = w_;

    if (!w->online) {
        return false;
    }
    assert_true(size <= sizeof w->last);
    memcpy(w->last, frame, size);
    w->last_size = size;
    ovs_strzcpy(w->host, host, sizeof w->host);
    w->ofport = ofport;
    w->sent_us[w->n_sent++ % ARRAY_SIZE(w->sent_us)] = w->now_us;
    if (w->answers && !w->cut) {
        w->has_answer = true;
        w->answer_us = w->now_us + w->delay_us;
    }
    return true;
}

static void
changed_cb(void *w_, struct backend *b, bool gone)
{
    struct world *w = w_;
    size_t n = strlen(w->told);

    if (!gone) {
        snprintf(w->told + n, sizeof w->told - n, "%s ",
                 backend_state_names[b->shown]);
    }
}

static int64_t
quiet_since_cb(void *w_, struct backend *b OVS_UNUSED,
               int64_t now_us OVS_UNUSED)
{
    const struct world *w = w_;

    return w->quiet_us;
}

static void
probe_host_cb(void *w_, const char *host OVS_UNUSED)
{
    struct world *w = w_;

    w->n_probed++;
}

/* The host answers everything at once, unless it is cut off. */
static bool
heard_since_cb(void *w_, const char *host OVS_UNUSED, int64_t since_us)
{
    struct world *w = w_;

    if (!w->cut) {
        w->heard_us = w->now_us;
    }
    return w->heard_us > since_us;
}

static const struct prober_ops ops = {
    .send = send_cb,
    .probe_host = probe_host_cb,
    .heard_since = heard_since_cb,
    .changed = changed_cb, .quiet_since = quiet_since_cb,
};

/* Answers the ping that was sent last: its addresses change places, which no
 * checksum sees, and its type is 0 instead of 8. */
static void
answer(struct world *w, const char *host, uint32_t in_port)
{
    uint8_t f[256], *icmp = f + 34;
    unsigned sum;

    memcpy(f, w->last, w->last_size);
    memcpy(f, w->last + 6, 6);
    memcpy(f + 6, w->last, 6);
    memcpy(f + 26, w->last + 30, 4);
    memcpy(f + 30, w->last + 26, 4);
    icmp[0] = 0;
    sum = (icmp[2] << 8 | icmp[3]) + 0x800;
    sum = (sum & 0xffff) + (sum >> 16);
    icmp[2] = sum >> 8;
    icmp[3] = sum;
    prober_receive(&w->prober, host, in_port, f, w->last_size, w->now_us);
}

/* Time goes by until 'end_us'. */
static void
pass_until(struct world *w, int64_t end_us)
{
    for (;;) {
        int64_t next = prober_next(&w->prober);

        if (w->has_answer && w->answer_us < next) {
            next = w->answer_us;
        }
        if (next > end_us) {
            break;
        }
        w->now_us = MAX(w->now_us, next);
        if (w->has_answer && w->answer_us <= w->now_us) {
            w->has_answer = false;
            answer(w, w->host, w->ofport);
        }
        prober_run(&w->prober, w->now_us);
    }
    w->now_us = end_us;
}

static void
pass(struct world *w, int64_t ms)
{
    pass_until(w, w->now_us + ms * 1000);
}

static const struct prober_settings settings = {
    .probes = true, .type = PROBE_PING, .vip = { 4, { 10, 0, 0, 100 } },
    .interval_ms = 1000, .timeout_ms = 600,
    .healthy_after = 2, .unhealthy_after = 2, .unheard_ms = 30000,
    .drain_ms = 5000,
};

static struct prober_member
member_of(const char *port)
{
    return (struct prober_member) {
        .port = port, .host = "h1", .ofport = 7, .ip = server_ip,
        .mac = { { 2, 0, 0, 0, 0, 1 } }, .vip_mac = { { 14, 0, 0, 0, 0, 1 } },
    };
}

static void
set(struct world *w, const struct prober_member *m)
{
    prober_set(&w->prober, "lb", &settings, m, m ? 1 : 0, w->now_us);
}

static struct world *
world_create(void)
{
    struct world *w = xzalloc(sizeof *w);

    random_set_seed(11);
    prober_init(&w->prober, &ops, w);
    w->now_us = 1000000000;
    w->online = w->answers = true;
    w->delay_us = 1500;
    w->quiet_us = INT64_MAX;
    return w;
}

static void
world_destroy(struct world *w)
{
    prober_uninit(&w->prober);
    free(w);
}

static void
backend_goes_up_down_and_up(void **state OVS_UNUSED)
{
    struct world *w = world_create();
    struct prober_member m = member_of("p");
    const struct backend *b;

    set(w, &m);
    pass(w, 10);                /* At once. */
    assert_string_equal(w->told, "up ");
    assert_string_equal(w->host, "h1");
    assert_int_equal(w->ofport, 7);
    b = prober_find(&w->prober, "lb", "p");
    assert_int_equal(b->latency_us, 1500);
    w->answers = false;
    pass(w, 3000);
    assert_string_equal(w->told, "up down ");
    assert_string_equal(b->reason, "no answer");
    w->answers = true;
    pass(w, 3000);
    assert_string_equal(w->told, "up down up ");
    assert_string_equal(b->reason, "");
    assert_int_equal(b->n_changes, 3);
    assert_string_equal(b->history[1].reason, "no answer");
    assert_true(b->n_ok >= 3);
    assert_true(b->n_failed >= 2);
    assert_int_equal(w->prober.stats.n_changes, 3);
    world_destroy(w);
}

static void
probes_come_once_an_interval(void **state OVS_UNUSED)
{
    struct world *w = world_create();
    struct prober_member m = member_of("p");
    int64_t first;

    set(w, &m);
    pass(w, 1000);
    first = w->sent_us[w->n_sent - 1];
    w->n_sent = 0;
    pass(w, 20000);
    assert_in_range(w->n_sent, 19, 21);
    for (size_t i = 0; i < w->n_sent; i++) {
        assert_int_equal((w->sent_us[i] - first) % 1000000, 0);
    }
    /* Without answers: three times, then not until the next one. */
    w->answers = false;
    w->n_sent = 0;
    pass(w, 10000);
    assert_in_range(w->n_sent, 28, 32);
    world_destroy(w);
}

/* A timeout may be as long as the interval, and what is noticed a little late
 * costs no turn either. */
static void
long_timeouts_cost_no_turn(void **state OVS_UNUSED)
{
    struct world *w = world_create();
    struct prober_member m = member_of("p");
    struct prober_settings other = settings;
    int64_t probed_us;

    other.timeout_ms = other.interval_ms;
    prober_set(&w->prober, "lb", &other, &m, 1, w->now_us);
    pass(w, 10);
    probed_us = prober_next(&w->prober);
    w->answers = false;
    while (!strstr(w->told, "down")) {
        assert_true(w->prober.stats.n_failed < 2);
        w->now_us = prober_next(&w->prober) + 300;
        prober_run(&w->prober, w->now_us);
    }
    assert_in_range(w->now_us - probed_us, 2000000, 2010000);
    w->prober.stats.n_failed = 0;
    pass(w, 10000);
    assert_in_range(w->prober.stats.n_failed, 9, 10);
    world_destroy(w);
}

static void
probes_are_spread_by_name(void **state OVS_UNUSED)
{
    struct world *w = world_create();
    struct prober_member members[100];
    unsigned in_tenth[10] = { 0 };
    char names[100][8];

    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        snprintf(names[i], sizeof names[i], "p%"PRIuSIZE, i);
        members[i] = member_of(names[i]);
        members[i].row = BACKEND_UP;
        members[i].ip.addr[3] = i;
    }
    w->answers = false;
    prober_set(&w->prober, "lb", &settings, members, ARRAY_SIZE(members),
               w->now_us);
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        const struct backend *b = prober_find(&w->prober, "lb", names[i]);

        in_tenth[b->timer.at_us / 100000 % 10]++;
    }
    assert_string_equal(w->told, "");
    for (size_t i = 0; i < 10; i++) {
        assert_in_range(in_tenth[i], 1, 30);
    }
    world_destroy(w);
}

/* Many at once: those that had to wait are counted, and all have their
 * turn. */
static void
too_many_probes_come_later(void **state OVS_UNUSED)
{
    struct world *w = world_create();
    struct prober_member members[300];
    char names[300][8];

    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        snprintf(names[i], sizeof names[i], "p%"PRIuSIZE, i);
        members[i] = member_of(names[i]);
    }
    w->answers = false;
    prober_set(&w->prober, "lb", &settings, members, ARRAY_SIZE(members),
               w->now_us);
    pass(w, 0);
    pass(w, 0);
    assert_int_equal(w->n_sent, PROBE_RATE_HOST_BURST);
    assert_int_equal(w->prober.stats.n_late, 300 - PROBE_RATE_HOST_BURST);
    pass(w, 10000);
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        assert_true(prober_find(&w->prober, "lb", names[i])->n_failed >= 2);
    }
    world_destroy(w);
}

static void
known_state_is_believed(void **state OVS_UNUSED)
{
    struct world *w = world_create();
    struct prober_member m = member_of("p");

    m.row = BACKEND_UP;
    set(w, &m);
    pass(w, 5000);
    assert_string_equal(w->told, "");

    set(w, NULL);
    assert_null(prober_find(&w->prober, "lb", "p"));
    m.row = BACKEND_DOWN;
    set(w, &m);
    pass(w, 100);
    assert_string_equal(w->told, "");   /* One is not enough. */
    pass(w, 2000);
    assert_string_equal(w->told, "up ");
    world_destroy(w);
}

static void
out_is_told_at_once(void **state OVS_UNUSED)
{
    struct world *w = world_create();
    struct prober_member m = member_of("p");
    const struct backend *b;
    size_t n;

    set(w, &m);
    pass(w, 100);
    m.out = "its link is down";
    set(w, &m);
    assert_string_equal(w->told, "up down ");
    b = prober_find(&w->prober, "lb", "p");
    assert_string_equal(b->reason, "its link is down");
    n = w->n_sent;
    pass(w, 10000);
    assert_int_equal(w->n_sent, n);
    m.out = NULL;
    set(w, &m);
    pass(w, 10);
    assert_string_equal(w->told, "up down up ");

    /* What nothing is known of yet changes nothing. */
    n = w->n_sent;
    m.waits = true;
    set(w, &m);
    pass(w, 10000);
    assert_int_equal(w->n_sent, n);
    m.waits = false;
    set(w, &m);
    pass(w, 10000);
    assert_string_equal(w->told, "up down up ");

    /* Who is not to be probed is as if new. */
    m.idle = "it is quarantined";
    set(w, &m);
    assert_string_equal(w->told, "up down up idle ");
    assert_string_equal(b->reason, "it is quarantined");
    m.idle = NULL;
    w->answers = false;
    set(w, &m);
    assert_string_equal(w->told, "up down up idle checking ");
    /* Why it was idle is no reason of what it is now. */
    assert_string_equal(b->reason, "");
    assert_string_equal(b->history[(b->n_changes - 1) % BACKEND_HISTORY]
                        .reason, "");
    pass(w, 700);
    assert_string_equal(w->told, "up down up idle checking ");
    world_destroy(w);
}

static void
unsent_probes_say_nothing(void **state OVS_UNUSED)
{
    struct world *w = world_create();
    struct prober_member m = member_of("p");

    set(w, &m);
    pass(w, 10);
    w->online = false;
    pass(w, 10000);
    assert_string_equal(w->told, "up ");
    assert_in_range(w->prober.stats.n_unsent, 9, 11);
    world_destroy(w);
}

/* Silence may be the host's, whose link is cut: nothing is held against the
 * backend until it has been so for long. */
static void
silence_of_the_host_proves_nothing(void **state OVS_UNUSED)
{
    struct world *w = world_create();
    struct prober_member m = member_of("p");
    const struct backend *b;

    set(w, &m);
    pass(w, 10);
    assert_int_equal(w->n_probed, 0);
    b = prober_find(&w->prober, "lb", "p");
    w->cut = true;
    pass(w, 29000);
    assert_string_equal(w->told, "up ");
    assert_int_equal(b->n_failed, 0);
    assert_string_equal(b->reason,
                        "its host is not heard: it keeps its state");
    w->cut = false;
    pass(w, 3000);
    assert_string_equal(w->told, "up ");
    assert_int_equal(b->n_failed, 0);
    assert_string_equal(b->reason, "");
    assert_true(w->prober.stats.n_unproven >= 1);

    /* A host that does not come back. */
    w->cut = true;
    pass(w, 35000);
    assert_string_equal(w->told, "up down ");
    assert_string_equal(b->reason, "its host is not heard");
    w->cut = false;
    pass(w, 3000);
    assert_string_equal(w->told, "up down up ");

    /* A host that answers: the backend has failed. */
    w->answers = false;
    pass(w, 3000);
    assert_string_equal(w->told, "up down up down ");
    assert_string_equal(b->reason, "no answer");
    world_destroy(w);
}

static void
state_is_kept_while_the_host_is_away(void **state OVS_UNUSED)
{
    struct world *w = world_create();
    struct prober_member m = member_of("p");
    const struct backend *b;
    size_t n;

    set(w, &m);
    pass(w, 10);
    b = prober_find(&w->prober, "lb", "p");
    m.out = "its host is not connected";
    m.out_us = w->now_us + 30000000;
    set(w, &m);
    n = w->n_sent;
    pass(w, 29000);
    set(w, &m);                 /* For another reason. */
    assert_int_equal(w->n_sent, n);
    assert_string_equal(w->told, "up ");
    assert_string_equal(b->reason,
                        "its host is not connected: it keeps its state");
    pass(w, 1000);
    assert_string_equal(w->told, "up down ");
    assert_string_equal(b->reason, "its host is not connected");
    m.out = NULL;
    set(w, &m);
    pass(w, 10);
    assert_string_equal(w->told, "up down up ");

    /* It comes back in time, and is probed at once. */
    m.out = "its host is not connected";
    m.out_us = w->now_us + 30000000;
    set(w, &m);
    pass(w, 20000);
    m.out = NULL;
    n = w->n_sent;
    set(w, &m);
    pass(w, 0);
    assert_int_equal(w->n_sent, n + 1);
    pass(w, 30000);
    assert_string_equal(w->told, "up down up ");
    assert_string_equal(b->reason, "");

    /* Its link is cut, which is noticed by a probe, and then by others: the
     * time began with the former. */
    w->cut = true;
    pass(w, 10000);
    m.out = "its host is not connected";
    m.out_us = w->now_us + 30000000;
    set(w, &m);
    pass(w, 19000);
    assert_string_equal(w->told, "up down up ");
    pass(w, 3000);
    assert_string_equal(w->told, "up down up down ");
    world_destroy(w);
}

static void
silence_is_judged_by_when_the_host_answers(void **state OVS_UNUSED)
{
    const int64_t t = 5000000;
    struct host_silence s = { .probed_us = 0 };
    int64_t at = t;

    host_silence_begin(&s, t);
    at = host_silence_next_us(&s);
    assert_in_range(at, t + 1, t + 5000);
    /* However late the look is. */
    assert_int_equal(host_silence_look(&s, true, at, t + 9000000),
                     HOST_SILENCE_BACKEND);
    assert_int_equal(s.probed_us, 0);

    /* Looks become rare, but not too rare. */
    host_silence_begin(&s, t);
    at = t;
    for (int i = 0; i < 100; i++) {
        assert_in_range(host_silence_next_us(&s) - at, 1, 1000000);
        at = host_silence_next_us(&s);
        assert_int_equal(host_silence_look(&s, false, at, at),
                         HOST_SILENCE_UNKNOWN);
    }
    assert_true(at - t > 80000000);
    assert_int_equal(host_silence_look(&s, true, at, at),
                     HOST_SILENCE_UNPROVEN);

    /* A host that is always slow does not shield its backends. */
    for (int i = 1; i < HOST_SILENCE_UNPROVEN_MAX; i++) {
        host_silence_begin(&s, t);
        assert_int_equal(host_silence_look(&s, true, t + 300000, t + 300000),
                         HOST_SILENCE_UNPROVEN);
    }
    host_silence_begin(&s, t);
    assert_int_equal(host_silence_look(&s, true, t + 300000, t + 300000),
                     HOST_SILENCE_BACKEND);
}

/* A daemon that was stopped for a while reads answers before it judges. */
static void
late_timeouts_wait_for_answers(void **state OVS_UNUSED)
{
    struct world *w = world_create();
    struct prober_member m = member_of("p");

    w->answers = false;
    set(w, &m);
    for (int i = 0; i < 3; i++) {
        prober_run(&w->prober, w->now_us = prober_next(&w->prober));
    }
    assert_int_equal(w->n_sent, 3);
    w->now_us += 30 * 1000000;
    prober_run(&w->prober, w->now_us);
    assert_int_equal(w->prober.stats.n_failed, 0);
    w->now_us += 100;
    answer(w, "h1", 7);
    assert_string_equal(w->told, "up ");
    /* But not for ever. */
    for (int i = 0; i < 10; i++) {
        w->now_us = prober_next(&w->prober) + 1000000;
        prober_run(&w->prober, w->now_us);
    }
    assert_true(w->prober.stats.n_failed > 0);
    world_destroy(w);
}

static void
answers_of_others_are_ignored(void **state OVS_UNUSED)
{
    struct world *w = world_create();
    struct prober_member m = member_of("p");

    w->answers = false;
    set(w, &m);
    pass(w, 0);
    answer(w, "h2", 7);
    answer(w, "h1", 8);
    prober_receive(&w->prober, "h1", 7, w->last, 10, w->now_us);
    assert_string_equal(w->told, "");
    assert_int_equal(w->prober.stats.n_ignored, 3);
    answer(w, "h1", 7);
    assert_string_equal(w->told, "up ");
    answer(w, "h1", 7);
    assert_int_equal(w->prober.stats.n_ignored, 4);
    world_destroy(w);
}

static void
change_of_settings_begins_anew_and_keeps_the_state(void **state OVS_UNUSED)
{
    struct world *w = world_create();
    struct prober_member m = member_of("p");
    struct prober_settings other = settings;

    other.interval_ms = 60000;
    prober_set(&w->prober, "lb", &other, &m, 1, w->now_us);
    pass(w, 10);
    w->n_sent = 0;
    other.interval_ms = 100;
    other.timeout_ms = 50;
    prober_set(&w->prober, "lb", &other, &m, 1, w->now_us);
    pass(w, 1000);
    assert_in_range(w->n_sent, 9, 11);
    assert_string_equal(w->told, "up ");
    prober_remove(&w->prober, "lb");
    assert_int_equal(prober_next(&w->prober), INT64_MAX);
    world_destroy(w);
}

static void
drain_ends_at_its_deadline(void **state OVS_UNUSED)
{
    struct world *w = world_create();
    struct prober_member m = member_of("p");
    struct prober_settings s = settings;

    s.edited_ms = time_wall_msec();
    prober_set(&w->prober, "lb", &s, &m, 1, w->now_us);
    pass(w, 10);
    m.drain = true;
    m.idle = "it is draining";
    prober_set(&w->prober, "lb", &s, &m, 1, w->now_us);
    pass(w, 4000);
    prober_end_drains(&w->prober, w->now_us);
    assert_string_equal(w->told, "up ");
    pass(w, 2000);
    prober_end_drains(&w->prober, w->now_us);
    assert_string_equal(w->told, "up drained ");
    /* It has to answer before it serves again. */
    m.drain = false;
    m.idle = NULL;
    prober_set(&w->prober, "lb", &s, &m, 1, w->now_us);
    assert_string_equal(w->told, "up drained checking ");
    pass(w, 10);
    assert_string_equal(w->told, "up drained checking up ");
    prober_remove(&w->prober, "lb");

    /* After a restart the last edit says when it began at the latest. */
    m.drain = true;
    m.idle = "it is draining";
    s.edited_ms = time_wall_msec() - 4500;
    prober_set(&w->prober, "lb", &s, &m, 1, w->now_us);
    pass(w, 600);
    prober_end_drains(&w->prober, w->now_us);
    assert_string_equal(w->told, "up drained checking up drained ");
    prober_remove(&w->prober, "lb");
    m.row = BACKEND_DRAINED;
    prober_set(&w->prober, "lb", &s, &m, 1, w->now_us);
    prober_end_drains(&w->prober, w->now_us);
    assert_string_equal(w->told, "up drained checking up drained ");
    world_destroy(w);
}

/* Its time counts from its begin. */
static void
drain_goes_by_a_deadline_that_changes(void **state OVS_UNUSED)
{
    struct world *w = world_create();
    struct prober_member m = member_of("p");
    struct prober_settings s = settings;

    s.probes = false;
    s.edited_ms = time_wall_msec();
    s.drain_ms = 600 * 1000;
    m.drain = true;
    m.idle = "it is draining";
    prober_set(&w->prober, "lb", &s, &m, 1, w->now_us);
    pass(w, 10000);
    s.drain_ms = 12 * 1000;
    prober_set(&w->prober, "lb", &s, &m, 1, w->now_us);
    pass(w, 1500);
    prober_end_drains(&w->prober, w->now_us);
    assert_string_equal(w->told, "idle ");
    pass(w, 1000);
    prober_end_drains(&w->prober, w->now_us);
    assert_string_equal(w->told, "idle drained ");
    world_destroy(w);
}

/* Nobody says of one that is not probed that it is to answer yet. */
static void
drain_without_probes_is_idle(void **state OVS_UNUSED)
{
    struct world *w = world_create();
    struct prober_member m = member_of("p");
    struct prober_settings s = settings;

    s.probes = false;
    s.edited_ms = time_wall_msec();
    m.drain = true;
    m.idle = "it is draining";
    prober_set(&w->prober, "lb", &s, &m, 1, w->now_us);
    assert_string_equal(w->told, "idle ");
    pass(w, 6000);
    prober_end_drains(&w->prober, w->now_us);
    assert_string_equal(w->told, "idle drained ");
    assert_string_equal(prober_find(&w->prober, "lb", "p")->reason,
                        "drain_seconds are over: open connections are cut, "
                        "how many is not known");
    assert_int_equal(prober_find(&w->prober, "lb", "p")->drain.result,
                     DRAIN_CUT);
    /* Nothing is known of the next. */
    m.drain = false;
    prober_set(&w->prober, "lb", &s, &m, 1, w->now_us);
    assert_int_equal(prober_find(&w->prober, "lb", "p")->drain.result,
                     DRAIN_UNKNOWN);
    world_destroy(w);
}

static void
drain_ends_when_nothing_is_sent(void **state OVS_UNUSED)
{
    struct world *w = world_create();
    struct prober_member m = member_of("p");
    struct prober_settings s = settings;

    s.drain_ms = 3600 * 1000;
    s.edited_ms = time_wall_msec();
    m.drain = true;
    m.idle = "it is draining";
    m.row = BACKEND_UP;
    w->quiet_us = 0;            /* Since long before. */
    prober_set(&w->prober, "lb", &s, &m, 1, w->now_us);
    pass(w, DRAIN_QUIET_MS - 1);
    prober_end_drains(&w->prober, w->now_us);
    assert_string_equal(w->told, "");
    /* Something is sent. */
    w->quiet_us = w->now_us;
    pass(w, DRAIN_QUIET_MS - 1);
    prober_end_drains(&w->prober, w->now_us);
    assert_string_equal(w->told, "");
    /* Nobody knows. */
    w->quiet_us = INT64_MAX;
    pass(w, DRAIN_QUIET_MS);
    prober_end_drains(&w->prober, w->now_us);
    assert_string_equal(w->told, "");
    w->quiet_us = w->now_us - DRAIN_QUIET_MS * INT64_C(1000);
    prober_end_drains(&w->prober, w->now_us);
    assert_string_equal(w->told, "drained ");
    assert_string_equal(prober_find(&w->prober, "lb", "p")->reason,
                        "no client has sent it a packet for 60 s");
    assert_int_equal(prober_find(&w->prober, "lb", "p")->drain.result,
                     DRAIN_QUIET);
    world_destroy(w);
}

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(backend_goes_up_down_and_up),
        cmocka_unit_test(probes_come_once_an_interval),
        cmocka_unit_test(long_timeouts_cost_no_turn),
        cmocka_unit_test(probes_are_spread_by_name),
        cmocka_unit_test(too_many_probes_come_later),
        cmocka_unit_test(known_state_is_believed),
        cmocka_unit_test(out_is_told_at_once),
        cmocka_unit_test(unsent_probes_say_nothing),
        cmocka_unit_test(silence_of_the_host_proves_nothing),
        cmocka_unit_test(state_is_kept_while_the_host_is_away),
        cmocka_unit_test(silence_is_judged_by_when_the_host_answers),
        cmocka_unit_test(late_timeouts_wait_for_answers),
        cmocka_unit_test(answers_of_others_are_ignored),
        cmocka_unit_test(change_of_settings_begins_anew_and_keeps_the_state),
        cmocka_unit_test(drain_ends_at_its_deadline),
        cmocka_unit_test(drain_goes_by_a_deadline_that_changes),
        cmocka_unit_test(drain_without_probes_is_idle),
        cmocka_unit_test(drain_ends_when_nothing_is_sent),
    };

    vlog_set_levels(NULL, VLF_CONSOLE, VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
