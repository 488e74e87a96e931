/* SPDX-License-Identifier: Apache-2.0
 *
 * Sends the probes of paths, in turns of hosts, and judges them.  See
 * paths.h.  Not for which paths there are (host-pairs.c). */

#include <config.h>

#include "controller/paths/paths-private.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/commit/commit.h"
#include "controller/fabric/fabric-frames.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric-watch.h"
#include "controller/paths/path-probe.h"
#include "controller/siphash.h"
#include "entropy.h"
#include "hash.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"
#include "vmn/packet.h"
#include "vmn/vocabulary.h"

VLOG_DEFINE_THIS_MODULE(paths);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 30);

/* Pairs are found anew so long after something has changed; or later, so that
 * it takes no more than one part in REFRESH_SHARE of the time. */
#define REFRESH_US (1000 * 1000)
#define REFRESH_SHARE 100
/* What is concluded from an answer that did not come takes that those before
 * and after it took no longer: else the link to the host, its ovs-vswitchd, or
 * vmnd stood still, and the answer is on its way. */
#define PROVEN_US (300 * 1000)
/* Paths of which nobody was told yet, as too much happened, are looked for so
 * often. */
#define TELL_US (1000 * 1000)
/* Old results are looked for so often; see is_old(). */
#define AGE_US (30 * 1000 * 1000)
#define OLD_TURNS 4
/* Turns of a path from one full-sized probe to the next, or from one look at
 * its directions to the next, of one that is down.  It has a full-sized one in
 * each turn while that decides something. */
#define RARE_EACH 4

/* Sending.  --------------------------------------------------------------- */

static uint64_t
next_nonce(struct paths *p)
{
    struct siphash_key key;

    siphash_key_init(&key, p->key);
    return siphash24(&key, p->n_nonces++, NULL, 0);
}

/* Sends a frame from 'from' to 'to' (NULL: at once back to vmnd).  'request':
 * its switch returns it to 'from'. */
static bool
send_frame(struct paths *p, const struct path_probe *probe,
           const struct path_host *from, const struct path_host *to,
           bool request, size_t size)
{
    path_probe_write(probe, request, from->number, p->frame, size);
    return fabric_send_to_host(p->fabric, from->name, p->vni,
                               to ? to->number : 0, p->frame, size);
}

/* Sends a probe of a turn of 'host'.  One that cannot be sent proves
 * nothing. */
static void
send_probe(struct paths *p, struct path_host *host, struct path *path,
           enum probe_kind kind)
{
    struct path_turn *turn = host->last;
    struct sent_probe *sent = &turn->probes[turn->n];
    const struct path_probe probe = {
        .sender = host->number, .index = (uint16_t) turn->n,
        .nonce = next_nonce(p),
    };
    bool back = kind == PROBE_BACK;
    size_t size = (kind == PROBE_LARGE
                   ? MIN(path->mtu + VMN_FRAME_MIN, FABRIC_PATH_FRAME_MAX)
                   : VMN_PATH_FRAME_MIN);

    *sent = (struct sent_probe) {
        .path = path, .kind = kind, .nonce = probe.nonce,
        .sent_us = time_usec(), .took_us = -1,
    };
    if (send_frame(p, &probe, path->hosts[back], path->hosts[!back],
                   kind == PROBE_SMALL || kind == PROBE_LARGE, size)) {
        turn->n++;
    }
}

/* Sends the probes of a path that its turn has.  A turn is judged while the
 * next one is under way, so directions that are probed after the first loss
 * are known when the third one has the path be down. */
static void
probe_path(struct paths *p, struct path_host *host, struct path *path)
{
    const struct path_window *w = &path->window;

    send_probe(p, host, path, PROBE_SMALL);
    if (w->lost_row) {
        if (w->lost_row == PATH_DOWN_AFTER - 2
            || (w->down && !path->until_rare)) {
            send_probe(p, host, path, PROBE_FORTH);
            send_probe(p, host, path, PROBE_BACK);
            fabric_probe_host(p->fabric, path->hosts[1]->name);
        }
    } else if (!path->until_rare || path_window_is_large_urgent(w)) {
        send_probe(p, host, path, PROBE_LARGE);
    }
    path->until_rare = path->until_rare ? path->until_rare - 1
                        : RARE_EACH - 1;
}

static bool
is_urgent(const void *host_, size_t i)
{
    const struct path_host *host = host_;

    return path_window_is_urgent(&host->own[i]->window);
}

/* A host has its turn: a reference, and probes of some of its paths.  What the
 * switch has to say of the turn before comes before the reference. */
static void
take_turn(struct paths *p, struct path_host *host)
{
    const struct path_probe reference = {
        .sender = host->number, .index = UINT16_MAX, .nonce = next_nonce(p),
    };
    size_t picks[PATH_TURN_PATHS], n;
    struct path_turn *turn = host->before;

    p->stats.n_unproven += turn->n;
    host->before = host->last;
    host->last = turn;
    turn->n = 0;
    turn->sent_us = time_usec();
    turn->reference_us = -1;
    turn->nonce = reference.nonce;
    if (!send_frame(p, &reference, host, NULL, false, VMN_PATH_FRAME_MIN)) {
        return;
    }
    n = path_turns_take(&host->turns, host->n_own, is_urgent, host, picks);
    for (size_t i = 0; i < n; i++) {
        struct path *path = host->own[picks[i]];

        if (fabric_host_is_live(p->fabric, path->hosts[1]->name)) {
            probe_path(p, host, path);
        }
    }
}

/* Telling.  --------------------------------------------------------------- */

/* Tells the watch of what it does not know yet.  Returns false if it takes no
 * more now. */
static bool
tell_watch(struct paths *p, struct path *path)
{
    enum path_state state = path_window_state(&path->window);
    struct paths_path shown;

    if (state == path->told || state == PATH_UNKNOWN || !p->changed) {
        return true;
    }
    paths_describe(path, &shown);
    if (!p->changed(p->changed_aux, &shown)) {
        p->untold = true;
        return false;
    }
    path->told = state;
    return true;
}

/* Tells of what could not be told before. */
static void
tell_untold(struct paths *p)
{
    int64_t now_us = time_usec();
    struct path *path;

    if (!p->untold || now_us - p->told_us < TELL_US) {
        return;
    }
    p->told_us = now_us;
    p->untold = false;
    HMAP_FOR_EACH (path, node, &p->pairs) {
        if (!tell_watch(p, path)) {
            return;
        }
    }
}

void
path_measuring_forget(struct paths *p, struct path *path)
{
    struct paths_path shown;

    if (path->told > PATH_UP && p->changed) {
        paths_describe(path, &shown);
        shown.state = PATH_UNKNOWN;
        snprintf(shown.reason, sizeof shown.reason,
                 "it is not measured any more");
        p->changed(p->changed_aux, &shown);
    }
}

/* A path of which nothing was proven for long is unknown: longer than its turn
 * may take to come, a few times over. */
static bool
is_old(const struct paths *p, const struct path *path, int64_t now_us)
{
    size_t turns = DIV_ROUND_UP(path->hosts[0]->n_own, PATH_TURN_URGENT);

    return (path->judged_us
            && (now_us - path->judged_us
                > AGE_US + OLD_TURNS * (int64_t) turns
                           * path_turns_interval_us(p->n_turns)));
}

static void
forget_old(struct paths *p)
{
    int64_t now_us = time_usec();
    struct path *path;

    if (now_us - p->aged_us < AGE_US) {
        return;
    }
    p->aged_us = now_us;
    HMAP_FOR_EACH (path, node, &p->pairs) {
        if (is_old(p, path, now_us)) {
            path_measuring_forget(p, path);
            path->told = PATH_UP;
            path->judged_us = 0;
            path->since_ms = time_wall_msec();
            path_window_init(&path->window);
        }
    }
}

/* Judging.  --------------------------------------------------------------- */

static void
tell(struct paths *p, struct path *path, enum path_state before)
{
    enum path_state state = path_window_state(&path->window);
    struct paths_path shown;

    path->since_ms = time_wall_msec();
    if (before == PATH_UNKNOWN && state == PATH_UP) {
        return;
    }
    paths_describe(path, &shown);
    VLOG_INFO_RL(&rl, "path of %s and %s is %s%s%s%s", shown.host, shown.peer,
                 path_state_names[state], shown.reason[0] ? " (" : "",
                 shown.reason, shown.reason[0] ? ")" : "");
    tell_watch(p, path);
}

/* Returns true if the small probe of the same path in the turn was
 * answered. */
static bool
small_is_answered(const struct path_turn *turn, const struct path *path)
{
    for (size_t i = 0; i < turn->n; i++) {
        const struct sent_probe *sent = &turn->probes[i];

        if (sent->path == path && sent->kind == PROBE_SMALL) {
            return sent->took_us >= 0;
        }
    }
    return false;
}

/* A direction is broken if the probe has not come, and the second host, which
 * was to send it or to hand it to vmnd, has answered an echo that was sent
 * after it; the first one has sent its reference. */
static void
judge_direction(const struct paths *p, const struct sent_probe *sent)
{
    bool back = sent->kind == PROBE_BACK;
    uint8_t *direction = back ? &sent->path->back : &sent->path->forth;

    if (sent->took_us >= 0) {
        *direction = DIRECTION_PASSES;
    } else if (fabric_host_answered_since(p->fabric,
                                          sent->path->hosts[1]->name,
                                          sent->sent_us)) {
        *direction = DIRECTION_BROKEN;
    }
}

static void
judge_small(struct paths *p, const struct sent_probe *sent)
{
    enum path_state before = path_window_state(&sent->path->window);
    bool answered = sent->took_us >= 0;

    sent->path->checked_ms = time_wall_msec();
    sent->path->judged_us = time_usec();
    if (answered) {
        p->stats.n_answered++;
        sent->path->forth = sent->path->back = DIRECTION_UNKNOWN;
    } else {
        p->stats.n_lost++;
    }
    if (path_window_add(&sent->path->window, answered, sent->took_us)) {
        tell(p, sent->path, before);
    }
}

/* Returns true if the switch has said all that it had to say of turn 'before',
 * as it has answered both references at once, and some time has passed from
 * the first one to the second. */
static bool
is_proven(const struct path_turn *before, const struct path_turn *last)
{
    return (before->reference_us >= 0
            && (before->sent_us + before->reference_us + PROVEN_US
                <= last->sent_us)
            && last->reference_us <= PROVEN_US);
}

/* The host's last reference is back.  Directions come first, as what is told
 * of a path that is down has them. */
static void
judge_turn(struct paths *p, struct path_host *host)
{
    struct path_turn *turn = host->before;

    if (!is_proven(turn, host->last)) {
        p->stats.n_unproven += turn->n;
        turn->n = 0;
    }
    for (size_t i = 0; i < turn->n; i++) {
        struct sent_probe *sent = &turn->probes[i];

        if (sent->path && (sent->kind == PROBE_FORTH
                           || sent->kind == PROBE_BACK)) {
            judge_direction(p, sent);
        }
    }
    for (size_t i = 0; i < turn->n; i++) {
        struct sent_probe *sent = &turn->probes[i];
        enum path_state before;

        if (!sent->path) {
            continue;
        }
        before = path_window_state(&sent->path->window);
        if (sent->kind == PROBE_SMALL) {
            judge_small(p, sent);
        } else if (sent->kind == PROBE_LARGE
                   && small_is_answered(turn, sent->path)
                   && path_window_add_large(&sent->path->window,
                                            sent->took_us >= 0)) {
            tell(p, sent->path, before);
        }
    }
    turn->n = 0;
}

/* Receiving.  ------------------------------------------------------------- */

static struct path_host *
host_by_number(const struct paths *p, uint32_t number)
{
    struct path_host *host;

    HMAP_FOR_EACH_WITH_HASH (host, node, hash_int(number, 0), &p->numbers) {
        if (host->number == number) {
            return host;
        }
    }
    return NULL;
}

/* Takes a probe of 'turn' that has come to 'host'.  Returns false if it is
 * none. */
static bool
take_probe(struct path_turn *turn, const char *host,
           const struct path_probe *probe)
{
    struct sent_probe *sent = &turn->probes[probe->index];
    bool forth;

    if (probe->index >= turn->n || sent->nonce != probe->nonce
        || !sent->path || sent->took_us >= 0) {
        return false;
    }
    forth = sent->kind == PROBE_FORTH;
    if (strcmp(sent->path->hosts[forth]->name, host)) {
        return false;
    }
    sent->took_us = MAX(time_usec() - sent->sent_us, 0);
    return true;
}

/* A fabric_sink_cb. */
static void
receive_cb(void *p_, const char *name, uint32_t in_port OVS_UNUSED,
           const uint8_t *frame, size_t size)
{
    struct paths *p = p_;
    struct path_probe probe;
    struct path_host *host = (path_probe_read(frame, size, &probe)
                              ? host_by_number(p, probe.sender) : NULL);

    if (!host) {
        p->stats.n_ignored++;
    } else if (probe.nonce == host->last->nonce && host->last->sent_us
               && host->last->reference_us < 0
               && !strcmp(host->name, name)) {
        host->last->reference_us = MAX(time_usec() - host->last->sent_us, 0);
        path_least_add(&host->reference, host->last->reference_us);
        judge_turn(p, host);
    } else if (probe.index >= TURN_PROBES_MAX
               || (!take_probe(host->last, name, &probe)
                   && !take_probe(host->before, name, &probe))) {
        p->stats.n_ignored++;
    }
}

/* When.  ------------------------------------------------------------------ */

static void
set_turn_timer(struct paths *p)
{
    if (p->n_turns) {
        int64_t us = path_turns_interval_us(p->n_turns) / p->n_turns;
        const struct timeval in = { us / 1000000, us % 1000000 };

        event_add(p->turn_timer, &in);
    } else {
        event_del(p->turn_timer);
    }
}

/* Returns false if the host has had one a short while ago, as its place among
 * the others has changed, or lacks flows, as its switch has just come back. */
static bool
has_turn(const struct paths *p, const struct path_host *host)
{
    int64_t ago_us = time_usec() - host->last->sent_us;

    return (ago_us >= path_turns_interval_us(p->n_turns) / 2
            && fabric_host_is_live(p->fabric, host->name));
}

static void
turn_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *p_)
{
    struct paths *p = p_;

    if (p->n_turns) {
        struct path_host *host;

        p->turn = p->turn < p->n_turns ? p->turn : 0;
        host = p->in_turn[p->turn++];
        if (has_turn(p, host)) {
            take_turn(p, host);
        }
    }
    tell_untold(p);
    forget_old(p);
    set_turn_timer(p);
}

static void
schedule_refresh(struct paths *p)
{
    int64_t us = MAX(p->refresh_us * REFRESH_SHARE, REFRESH_US);
    const struct timeval in = { us / 1000000, us % 1000000 };

    p->stale = true;
    if (p->begun && !p->finding
        && !event_pending(p->refresh_timer, EV_TIMEOUT, NULL)) {
        event_add(p->refresh_timer, &in);
    }
}

/* The state is quiescent. */
static void
refresh_cb(void *p_)
{
    static const struct timeval now = { 0, 0 };
    int64_t begun_us = time_usec();
    struct paths *p = p_;
    bool done;

    p->refreshes = false;
    if (!p->finding) {
        p->refresh_us = 0;
        p->stale = false;
        host_pairs_begin(p);
    }
    done = host_pairs_step(p);
    p->refresh_us += MAX(time_usec() - begun_us, 0);
    if (!done) {
        event_add(p->refresh_timer, &now);
        return;
    }
    if (p->waits || p->stale) {
        schedule_refresh(p);
    }
    if (!event_pending(p->turn_timer, EV_TIMEOUT, NULL)) {
        set_turn_timer(p);
    }
}

static void
refresh_timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED,
                 void *p_)
{
    struct paths *p = p_;

    if (!p->refreshes) {
        p->refreshes = true;
        commit_when_quiescent(p->commit, refresh_cb, p);
    }
}

static void
group_cb(void *p, const struct commit_group *group OVS_UNUSED)
{
    schedule_refresh(p);
}

static void
host_cb(void *p, const char *host OVS_UNUSED)
{
    schedule_refresh(p);
}

static const struct fabric_watch fabric_watch = { .host = host_cb };

/* Called when the first compile is done. */
static void
begin_cb(void *p_)
{
    struct paths *p = p_;

    p->begun = true;
    refresh_cb(p);
}

/* Life.  ------------------------------------------------------------------ */

void
paths_set_watch(struct paths *p, paths_changed_cb *changed, void *aux)
{
    p->changed = changed;
    p->changed_aux = aux;
}

struct paths *
paths_create(struct event_base *base, struct model *model,
             struct engine *engine, struct commit *commit,
             struct fabric *fabric)
{
    struct paths *p = xzalloc(sizeof *p);

    p->model = model;
    p->engine = engine;
    p->commit = commit;
    p->fabric = fabric;
    p->problem = "vmnd has just been started";
    p->frame = xmalloc(FABRIC_PATH_FRAME_MAX);
    shash_init(&p->hosts);
    hmap_init(&p->numbers);
    hmap_init(&p->pairs);
    simap_init(&p->indexes);
    shash_init(&p->domains);
    shash_init(&p->ports);
    smap_init(&p->networks);
    get_entropy_or_die(p->key, sizeof p->key);
    p->turn_timer = event_new(base, -1, 0, turn_cb, p);
    p->refresh_timer = event_new(base, -1, 0, refresh_timer_cb, p);
    commit_add_watch(commit, group_cb, p);
    fabric_add_watch(fabric, &fabric_watch, p);
    fabric_set_path_sink(fabric, receive_cb, p);
    commit_when_quiescent(commit, begin_cb, p);
    return p;
}

void
paths_destroy(struct paths *p)
{
    if (!p) {
        return;
    }
    p->changed = NULL;
    commit_cancel_when_quiescent(p->commit, begin_cb, p);
    commit_cancel_when_quiescent(p->commit, refresh_cb, p);
    commit_remove_watch(p->commit, group_cb, p);
    fabric_remove_watch(p->fabric, &fabric_watch, p);
    fabric_set_path_sink(p->fabric, NULL, NULL);
    event_free(p->turn_timer);
    event_free(p->refresh_timer);
    host_pairs_clear(p);
    shash_destroy(&p->hosts);
    hmap_destroy(&p->numbers);
    hmap_destroy(&p->pairs);
    simap_destroy(&p->indexes);
    shash_destroy(&p->domains);
    paths_forget_ports(p);
    shash_destroy(&p->ports);
    smap_destroy(&p->networks);
    free(p->in_turn);
    free(p->frame);
    free(p);
}
