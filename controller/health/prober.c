/* SPDX-License-Identifier: Apache-2.0
 *
 * See prober.h. */

#include <config.h>

#include "controller/health/prober-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/siphash.h"
#include "hash.h"
#include "proto/probe/probe.h"
#include "random.h"
#include "timeval.h"
#include "util.h"

/* A probe's timeout has this many equal parts; the probe is sent at the start
 * of each. */
#define PARTS 3
/* What apps have probed takes nothing from balancers: it has rates of its own,
 * a part of theirs. */
#define TARGETS_SHARE 4
/* Microseconds.  If vmnd notices a timeout later than that, the reply may be
 * waiting to be read, so it waits once more. */
#define LATE_US (50 * 1000)

/* Times.  ----------------------------------------------------------------- */

static void
set_due(struct backend *b, enum backend_due due, int64_t at_us)
{
    b->due = due;
    timer_heap_set(&b->prober->timers, &b->timer, at_us);
}

static bool
is_of_target(const struct backend *b)
{
    return b->lb->name[0] == PROBER_TARGET;
}

static struct probe_rate *
pacing_of(const struct backend *b)
{
    return is_of_target(b) ? &b->prober->target_pacing : &b->prober->pacing;
}

/* Schedules the backend's next probe at a phase of the interval that follows
 * from its name, so that probes are spread, also over a restart.  It is the
 * first such moment after 'last_us', when it was last probed, so that a probe
 * that takes the whole interval does not skip one. */
static void
set_next(struct backend *b, int64_t last_us, int64_t now_us)
{
    int64_t interval = MAX(b->lb->settings.interval_ms, 1) * 1000;
    uint32_t hash = stable_hash64(b->port, strlen(b->port),
                                  stable_hash64(b->lb->name,
                                                strlen(b->lb->name), 0));
    int64_t phase = (int64_t) hash * 1000 % interval;
    int64_t rest = (last_us - phase) % interval;
    int64_t next = last_us + interval - (rest < 0 ? rest + interval : rest);

    set_due(b, DUE_PROBE, MAX(next, now_us));
}

/* Probes.  ---------------------------------------------------------------- */

static uint32_t
probe_hash(const char *host, const struct vmn_ip *ip, uint16_t id)
{
    return hash_string(host, hash_bytes(ip, sizeof *ip, id));
}

static void
drop_probe(struct backend *b)
{
    if (b->probe) {
        hmap_remove(&b->prober->probes, &b->probe_node);
        free(b->probe);
        b->probe = NULL;
    }
}

static bool
send_frames(const struct backend *b, const struct probe_frames *frames)
{
    const struct prober *p = b->prober;

    for (size_t i = 0; i < frames->n; i++) {
        if (!p->ops->send(p->aux, b->host, b->ofport, frames->bytes[i],
                          frames->sizes[i])) {
            return false;
        }
    }
    return true;
}

/* Ends the probe with its result. */
static void
end_probe(struct backend *b, bool ok, const char *reason, int64_t now_us)
{
    char why[PROBER_REASON_SIZE]; /* 'reason' is the probe's. */

    ovs_strzcpy(why, reason ? reason : "", sizeof why);
    b->silence.n_unproven = ok ? 0 : b->silence.n_unproven;
    b->prober->stats.n_ok += ok;
    b->prober->stats.n_failed += !ok;
    drop_probe(b);
    set_next(b, b->begun_us, now_us);
    prober_add_result(b, ok, why, now_us);
}

static struct probe_target
target_of(const struct backend *b)
{
    const struct prober_settings *s = &b->lb->settings;
    bool has_turn = s->type == PROBE_PING || s->type == PROBE_THROUGH;

    return (struct probe_target) {
        .type = s->type,
        .src_mac = b->vip_mac, .dst_mac = b->mac,
        .src = s->vip, .dst = b->ip,
        .src_port = b->id, .dst_port = has_turn ? b->turn : s->port,
        .random = random_uint32(),
        .path = s->path, .host = s->host,
        .n_expect = s->n_expect, .expect = s->expect,
        .payload = s->send, .payload_size = s->send ? strlen(s->send) : 0,
        .answer = s->send != NULL,
    };
}

static void
begin_probe(struct backend *b, int64_t now_us)
{
    struct probe_target target;
    struct probe_frames frames;
    const char *problem;

    b->turn++;
    b->id = (b->lb->settings.type == PROBE_NEIGHBOUR ? 0
             : PROBER_PORT_FIRST + b->turn % PROBER_N_PORTS);
    b->begun_us = now_us;
    b->n_again = 0;
    b->waited = false;
    b->silence.probed_us = 0;
    target = target_of(b);
    b->probe = xmalloc(sizeof *b->probe);
    hmap_insert(&b->prober->probes, &b->probe_node,
                probe_hash(b->host, &b->ip, b->id));
    problem = probe_init(b->probe, &target);
    if (problem) {
        end_probe(b, false, problem, now_us);
        return;
    }
    probe_begin(b->probe, &frames);
    if (!send_frames(b, &frames)) {
        /* The cause is not the backend, and is reported elsewhere. */
        b->prober->stats.n_unsent++;
        drop_probe(b);
        set_next(b, now_us, now_us);
        return;
    }
    set_due(b, DUE_AGAIN,
            now_us + b->lb->settings.timeout_ms * 1000 / PARTS);
}

/* Retransmits the probe, if it expects a reply, and schedules the next
 * step. */
static void
wait_more(struct backend *b, int64_t now_us)
{
    int64_t timeout = b->lb->settings.timeout_ms * 1000;
    struct probe_frames frames;

    b->n_again++;
    if (b->probe->answer) {
        probe_retransmit(b->probe, &frames);
        send_frames(b, &frames);
    }
    if (b->n_again < PARTS - 1) {
        set_due(b, DUE_AGAIN,
                MAX(now_us, b->begun_us + timeout / PARTS * (b->n_again + 1)));
    } else {
        set_due(b, DUE_TIMEOUT, b->begun_us + timeout);
    }
}

static void
time_out(struct backend *b, int64_t now_us)
{
    const struct prober *p = b->prober;

    if (!b->waited && now_us - b->timer.at > LATE_US) {
        b->waited = true;
        set_due(b, DUE_TIMEOUT, now_us + LATE_US);
        return;
    }
    p->ops->probe_host(p->aux, b->host);
    host_silence_begin(&b->silence, now_us);
    set_due(b, DUE_SILENCE, host_silence_next_us(&b->silence));
}

/* Takes the backend down for what is no failure of its own. */
static void
take_out(struct backend *b, const char *reason)
{
    ovs_strzcpy(b->reason, reason, sizeof b->reason);
    up_down_unavailable(&b->check);
    prober_report_state(b);
}

/* Returns how long a backend keeps its state after the probe that its host has
 * not answered, in microseconds. */
static int64_t
keep_us_of(const struct backend *b)
{
    return MAX(b->lb->settings.unheard_ms * 1000, HOST_SILENCE_SOON_US);
}

bool
prober_is_host_silent(const struct backend *b, int64_t now_us)
{
    return (b->due == DUE_SILENCE && b->silence.probed_us
            && now_us - b->silence.probed_us > HOST_SILENCE_SOON_US);
}

int64_t
prober_kept_until(const struct backend *b, int64_t now_us)
{
    if (b->check.state != UP_DOWN_UP || !b->timer.place) {
        return 0;
    }
    return (b->due == DUE_OUT ? b->timer.at
            : prober_is_host_silent(b, now_us)
            ? b->silence.probed_us + keep_us_of(b) : 0);
}

/* Nothing was heard of the host since the probe's timeout. */
static void
wait_for_host(struct backend *b, int64_t now_us)
{
    int64_t keep_us = keep_us_of(b);

    if (now_us - b->silence.probed_us > keep_us) {
        take_out(b, "its host is not heard");
    } else if (now_us - b->silence.probed_us > HOST_SILENCE_SOON_US) {
        ovs_strzcpy(b->reason, "its host is not heard: it keeps its state",
                    sizeof b->reason);
    }
    set_due(b, DUE_SILENCE, host_silence_next_us(&b->silence));
}

/* Looks whose silence it was, after a probe's timeout. */
static void
judge_silence(struct backend *b, int64_t now_us)
{
    const struct prober *p = b->prober;
    bool heard = p->ops->heard_since(p->aux, b->host, b->silence.probed_us);
    struct probe_frames frames;
    bool ok;

    if (heard && !b->probe) {
        b->silence.probed_us = 0;
        if (b->check.state == UP_DOWN_UP) {
            b->reason[0] = '\0';
        }
        set_due(b, DUE_PROBE, now_us);
        return;
    }
    switch (host_silence_look(&b->silence, heard, b->timer.at, now_us)) {
    case HOST_SILENCE_UNKNOWN:
        wait_for_host(b, now_us);
        break;
    case HOST_SILENCE_UNPROVEN:
        b->prober->stats.n_unproven++;
        if (b->check.state == UP_DOWN_UP) {
            b->reason[0] = '\0';
        }
        drop_probe(b);
        set_due(b, DUE_PROBE, now_us);
        break;
    case HOST_SILENCE_BACKEND:
        ok = probe_timeout(b->probe, &frames) == PROBE_SUCCESS;
        send_frames(b, &frames);
        end_probe(b, ok, probe_reason(b->probe), now_us);
        break;
    default:
        OVS_NOT_REACHED();
    }
}

/* Does what is due for the backend. */
static void
run(struct backend *b, int64_t now_us)
{
    int64_t turn_us;

    timer_heap_unset(&b->prober->timers, &b->timer);
    switch (b->due) {
    case DUE_PROBE:
        turn_us = probe_rate_reserve(pacing_of(b), b->host, b->owner,
                                     now_us);
        if (turn_us > now_us) {
            b->prober->stats.n_late++;
            set_due(b, DUE_TURN, turn_us);
        } else {
            begin_probe(b, now_us);
        }
        break;
    case DUE_TURN:
        begin_probe(b, now_us);
        break;
    case DUE_AGAIN:
        wait_more(b, now_us);
        break;
    case DUE_TIMEOUT:
        time_out(b, now_us);
        break;
    case DUE_SILENCE:
        judge_silence(b, now_us);
        break;
    case DUE_OUT:
        take_out(b, b->out);
        break;
    case DUE_NOTHING:
    default:
        break;
    }
}

void
prober_run(struct prober *p, int64_t now_us)
{
    struct timer *timer;

    for (int i = 0; i < PROBER_STEPS && (timer = timer_heap_first(&p->timers))
                    && timer->at <= now_us;
         i++) {
        run(CONTAINER_OF(timer, struct backend, timer), now_us);
    }
}

int64_t
prober_next(const struct prober *p)
{
    const struct timer *timer = timer_heap_first(&p->timers);

    return timer ? timer->at : INT64_MAX;
}

void
prober_receive(struct prober *p, const char *host, uint32_t in_port,
               const uint8_t *frame, size_t size, int64_t now_us)
{
    struct probe_frames frames;
    struct vmn_ip ip;
    struct backend *b;
    uint16_t id;

    if (probe_address(frame, size, &ip, &id)) {
        HMAP_FOR_EACH_WITH_HASH (b, probe_node, probe_hash(host, &ip, id),
                                 &p->probes) {
            uint32_t ofport = b->out_ofport ? b->out_ofport : b->ofport;
            enum probe_verdict verdict;

            if (b->id != id || ofport != in_port || strcmp(b->host, host)) {
                continue;
            }
            verdict = probe_receive(b->probe, frame, size, &frames);
            if (verdict == PROBE_IGNORED) {
                continue;
            }
            send_frames(b, &frames);
            if (verdict != PROBE_CONTINUES) {
                end_probe(b, verdict == PROBE_SUCCESS,
                          probe_reason(b->probe), now_us);
            }
            return;
        }
    }
    p->stats.n_ignored++;
}

/* Backends.  -------------------------------------------------------------- */

static struct backend *
find_backend(const struct balancer *lb, const char *port)
{
    struct backend *b;

    HMAP_FOR_EACH_WITH_HASH (b, node, hash_string(port, 0), &lb->backends) {
        if (!strcmp(b->port, port)) {
            return b;
        }
    }
    return NULL;
}

static struct balancer *
find_balancer(const struct prober *p, const char *name)
{
    struct balancer *lb;

    HMAP_FOR_EACH_WITH_HASH (lb, node, hash_string(name, 0), &p->balancers) {
        if (!strcmp(lb->name, name)) {
            return lb;
        }
    }
    return NULL;
}

struct backend *
prober_find(const struct prober *p, const char *balancer, const char *port)
{
    const struct balancer *lb = find_balancer(p, balancer);

    return lb ? find_backend(lb, port) : NULL;
}

static void
backend_free(struct backend *b)
{
    drop_probe(b);
    timer_heap_unset(&b->prober->timers, &b->timer);
    hmap_remove(&b->lb->backends, &b->node);
    free(b->history);
    free(b->port);
    free(b->host);
    free(b);
}

static struct backend *
backend_create(struct prober *p, struct balancer *lb,
               const struct prober_member *m)
{
    struct backend *b = xzalloc(sizeof *b);

    b->prober = p;
    b->lb = lb;
    b->port = xstrdup(m->port);
    b->host = xstrdup(m->host);
    b->turn = random_uint16();
    /* The state before a restart is kept. */
    up_down_init(&b->check, m->row == BACKEND_UP     ? UP_DOWN_UP
                              : m->row == BACKEND_DOWN ? UP_DOWN_DOWN
                                                       : UP_DOWN_NEW);
    b->drain.is_over = m->row == BACKEND_DRAINED && m->drain;
    b->shown = m->row;
    b->since_ms = m->row_ms ? m->row_ms : time_wall_msec();
    hmap_insert(&lb->backends, &b->node, hash_string(b->port, 0));
    return b;
}

/* Stops probing.  With 'forget', drops the state, unless the backend
 * drains. */
static void
stop(struct backend *b, bool forget)
{
    drop_probe(b);
    timer_heap_unset(&b->prober->timers, &b->timer);
    b->due = DUE_NOTHING;
    if (forget) {
        up_down_init(&b->check, UP_DOWN_NEW);
        b->reason[0] = '\0';
    }
}

static void
set_drain(struct backend *b, const struct prober_member *m, int64_t now_us)
{
    const struct prober_settings *s = &b->lb->settings;
    int64_t wall_ms = time_wall_msec();

    if (drain_set(&b->drain, m->drain, s->drain_ms,
                  m->leaves ? wall_ms : s->edited_ms, wall_ms, now_us)) {
        stop(b, true);
    }
}

bool
prober_end_drains(struct prober *p, int64_t now_us)
{
    struct balancer *lb;
    struct backend *b;
    bool some_left = false;

    HMAP_FOR_EACH (lb, node, &p->balancers) {
        HMAP_FOR_EACH (b, node, &lb->backends) {
            const char *why
                = b->drain.goes_on
                  ? drain_end(&b->drain, p->ops->quiet_since(p->aux, b,
                                                             now_us), now_us)
                  : NULL;

            if (why) {
                stop(b, true);
                ovs_strzcpy(b->reason, why, sizeof b->reason);
                prober_report_state(b);
            }
            some_left |= b->drain.goes_on;
        }
    }
    return some_left;
}

/* The backend cannot serve, or is not known to: it is taken out now, or keeps
 * its state until later. */
static void
set_out(struct backend *b, const struct prober_member *m, int64_t now_us)
{
    int64_t keep_us = b->lb->settings.unheard_ms * 1000;
    int64_t out_us = m->out_us;

    if (out_us && b->silence.probed_us) {
        /* Its host has not been heard for longer than it is known to be
         * away. */
        out_us = MIN(out_us, b->silence.probed_us + keep_us);
    }
    stop(b, false);
    if (out_us <= now_us || b->check.state != UP_DOWN_UP) {
        ovs_strzcpy(b->reason, m->out, sizeof b->reason);
        if (out_us <= now_us) {
            up_down_unavailable(&b->check);
        }
    } else {
        snprintf(b->reason, sizeof b->reason, "%s: it keeps its state",
                 m->out);
    }
    if (out_us > now_us) {
        b->out = m->out;
        set_due(b, DUE_OUT, out_us);
    }
}

/* Drops the reason if it was of what is no more: why the backend was idle, or
 * that it keeps its state while its host is away.  Why it was taken out stays
 * until a probe has ended: it still is. */
static void
forget_reason(struct backend *b, const struct prober_member *m)
{
    bool was_out = b->due == DUE_OUT && b->check.state != UP_DOWN_DOWN;

    if ((b->idle && !m->idle) || (was_out && !m->out)) {
        b->reason[0] = '\0';
    }
}

/* Begins to probe.  One that was up is probed at its next regular time; others
 * at once, but for what an app might have come and go. */
static void
begin(struct backend *b, bool is_new, int64_t now_us)
{
    if ((is_of_target(b) && !b->check.unasked)
        || (is_new && b->check.state == UP_DOWN_UP)) {
        set_next(b, now_us, now_us);
    } else {
        set_due(b, DUE_PROBE, now_us);
    }
}

static void
set_member(struct backend *b, const struct prober_member *m, bool restart,
           int64_t now_us)
{
    bool is_new = !b->round;

    b->owner = m->owner;
    if (restart) {
        /* Failures of other probes are no row with those of these. */
        up_down_interrupted(&b->check);
    }
    if (is_new || restart || b->ofport != m->ofport
        || b->out_ofport != m->out_ofport || strcmp(b->host, m->host)
        || !vmn_ip_equal(&b->ip, &m->ip) || !vmn_mac_equal(b->mac, m->mac)
        || !vmn_mac_equal(b->vip_mac, m->vip_mac)) {
        drop_probe(b);
        if (b->timer.place) {
            set_next(b, now_us, now_us);
        }
        free(b->host);
        b->host = xstrdup(m->host);
        b->ofport = m->ofport;
        b->out_ofport = m->out_ofport;
        b->ip = m->ip;
        b->mac = m->mac;
        b->vip_mac = m->vip_mac;
        b->silence.probed_us = 0;
    }
    set_drain(b, m, now_us);
    forget_reason(b, m);
    b->idle = m->idle != NULL;
    if (m->idle || b->drain.is_over) {
        stop(b, !b->drain.goes_on && !b->drain.is_over);
        if (!b->drain.is_over) {
            ovs_strzcpy(b->reason, m->idle ? m->idle : "", sizeof b->reason);
        }
    } else if (m->waits) {
        stop(b, false);
    } else if (m->out) {
        set_out(b, m, now_us);
    } else if (!b->timer.place || b->due == DUE_OUT) {
        begin(b, is_new, now_us);
    }
    prober_report_state(b);
}

/* Balancers.  ------------------------------------------------------------- */

static bool
same_settings(const struct prober_settings *a,
              const struct prober_settings *b)
{
    return (a->probes == b->probes && a->type == b->type
            && vmn_ip_equal(&a->vip, &b->vip) && a->port == b->port
            && a->interval_ms == b->interval_ms
            && a->timeout_ms == b->timeout_ms
            && nullable_string_is_equal(a->path, b->path)
            && nullable_string_is_equal(a->host, b->host)
            && nullable_string_is_equal(a->send, b->send)
            && a->n_expect == b->n_expect
            && !memcmp(a->expect, b->expect,
                       a->n_expect * sizeof *a->expect));
}

static void
free_settings(struct prober_settings *s)
{
    free(CONST_CAST(char *, s->path));
    free(CONST_CAST(char *, s->host));
    free(CONST_CAST(char *, s->send));
}

/* Copies 'settings'.  Returns true if pending probes have become useless. */
static bool
set_settings(struct balancer *lb, const struct prober_settings *settings)
{
    bool same = same_settings(&lb->settings, settings);

    free_settings(&lb->settings);
    lb->settings = *settings;
    lb->settings.path = nullable_xstrdup(settings->path);
    lb->settings.host = nullable_xstrdup(settings->host);
    lb->settings.send = nullable_xstrdup(settings->send);
    return !same;
}

static void
remove_backend(struct backend *b)
{
    b->prober->ops->changed(b->prober->aux, b, true);
    backend_free(b);
}

void
prober_set(struct prober *p, const char *name,
           const struct prober_settings *settings,
           const struct prober_member *members, size_t n, int64_t now_us)
{
    struct balancer *lb = find_balancer(p, name);
    struct backend *b, *next;
    bool restart;

    if (!lb) {
        lb = xzalloc(sizeof *lb);
        lb->name = xstrdup(name);
        hmap_init(&lb->backends);
        hmap_insert(&p->balancers, &lb->node, hash_string(name, 0));
    }
    restart = set_settings(lb, settings);
    p->round++;
    p->round += !p->round;      /* Never 0. */
    for (size_t i = 0; i < n; i++) {
        b = find_backend(lb, members[i].port);
        if (!b) {
            b = backend_create(p, lb, &members[i]);
        }
        set_member(b, &members[i], restart, now_us);
        b->round = p->round;
    }
    HMAP_FOR_EACH_SAFE (b, next, node, &lb->backends) {
        if (b->round != p->round) {
            remove_backend(b);
        }
    }
}

static void
balancer_free(struct prober *p, struct balancer *lb)
{
    hmap_remove(&p->balancers, &lb->node);
    hmap_destroy(&lb->backends);
    free_settings(&lb->settings);
    free(lb->name);
    free(lb);
}

void
prober_remove(struct prober *p, const char *name)
{
    struct balancer *lb = find_balancer(p, name);
    struct backend *b, *next;

    if (lb) {
        HMAP_FOR_EACH_SAFE (b, next, node, &lb->backends) {
            remove_backend(b);
        }
        balancer_free(p, lb);
    }
}

/* Life.  ------------------------------------------------------------------ */

void
prober_init(struct prober *p, const struct prober_ops *ops, void *aux)
{
    memset(p, 0, sizeof *p);
    p->ops = ops;
    p->aux = aux;
    hmap_init(&p->balancers);
    hmap_init(&p->probes);
    timer_heap_init(&p->timers);
    probe_rate_init(&p->pacing, 1);
    probe_rate_init(&p->target_pacing, TARGETS_SHARE);
}

void
prober_uninit(struct prober *p)
{
    struct balancer *lb, *next_lb;
    struct backend *b, *next;

    HMAP_FOR_EACH_SAFE (lb, next_lb, node, &p->balancers) {
        HMAP_FOR_EACH_SAFE (b, next, node, &lb->backends) {
            backend_free(b);
        }
        balancer_free(p, lb);
    }
    hmap_destroy(&p->balancers);
    hmap_destroy(&p->probes);
    timer_heap_uninit(&p->timers);
    probe_rate_uninit(&p->pacing);
    probe_rate_uninit(&p->target_pacing);
}
