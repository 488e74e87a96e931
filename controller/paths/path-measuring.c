/* SPDX-License-Identifier: Apache-2.0
 *
 * Sends the probes of paths, in turns of hosts.  See paths.h.  Not for which
 * paths there are (host-pairs.c), nor for what follows from what comes back
 * (path-judging.c). */

#include <config.h>

#include "controller/paths/paths-private.h"

#include <event2/event.h>
#include <stdlib.h>

#include "controller/commit/commit.h"
#include "controller/fabric/fabric-frames.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric-watch.h"
#include "controller/paths/path-probe.h"
#include "controller/siphash.h"
#include "entropy.h"
#include "timeval.h"
#include "util.h"
#include "vmn/packet.h"
#include "vmn/vocabulary.h"

/* Pairs are found anew so long after something has changed; or later, so that
 * it takes no more than one part in REFRESH_SHARE of the time. */
#define REFRESH_US (1000 * 1000)
#define REFRESH_SHARE 100
/* Turns of a path from one full-sized probe to the next, or from one look at
 * its directions to the next, of one that is down.  It has a full-sized one in
 * each turn while that decides something. */
#define RARE_EACH 4
/* Paths of a host whose directions are asked for within a second: of one that
 * is cut off there are many at once, and its meters would drop frames. */
#define DIRECTIONS_MAX (PATHS_PACKET_RATE_MIN / 2)
/* Of these, paths whose directions are known. */
#define DIRECTIONS_KNOWN_MAX (DIRECTIONS_MAX / 2)

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
    bool by_second = path->hosts[1] == host;
    size_t from = (kind == PROBE_FORTH ? 0 : kind == PROBE_BACK ? 1
                   : by_second);
    size_t size = (kind == PROBE_LARGE
                   ? MIN(path->mtu + VMN_FRAME_MIN, FABRIC_PATH_FRAME_MAX)
                   : VMN_PATH_FRAME_MIN);

    *sent = (struct sent_probe) {
        .path = path, .kind = kind, .by_second = by_second,
        .nonce = probe.nonce,
        .sent_us = time_usec(), .took_us = -1,
    };
    if (send_frame(p, &probe, path->hosts[from], path->hosts[!from],
                   kind == PROBE_SMALL || kind == PROBE_LARGE, size)) {
        turn->n++;
    }
}

/* A turn is judged while the next one is under way, so directions that are
 * probed after the first loss are known when the third one has the path be
 * down. */
static bool
asks_directions(const struct path *path)
{
    const struct path_window *w = &path->window;

    return (w->lost_row == PATH_DOWN_AFTER - 2
            || (w->lost_row && w->down && !path->until_rare));
}

/* Returns true if directions of the path may be asked for now. */
static bool
has_room_for_directions(const struct path *path)
{
    unsigned max = (path->forth && path->back ? DIRECTIONS_KNOWN_MAX
                    : DIRECTIONS_MAX);
    int64_t now_us = time_usec();

    for (size_t i = 0; i < 2; i++) {
        struct path_host *host = path->hosts[i];

        if (now_us - host->directions_us >= 1000 * 1000) {
            host->directions_us = now_us;
            host->n_directions = 0;
        }
        if (host->n_directions >= max) {
            return false;
        }
    }
    return true;
}

static void
probe_directions(struct paths *p, struct path_host *host, struct path *path)
{
    if (!has_room_for_directions(path)) {
        return;
    }
    path->hosts[0]->n_directions++;
    path->hosts[1]->n_directions++;
    send_probe(p, host, path, PROBE_FORTH);
    send_probe(p, host, path, PROBE_BACK);
    fabric_probe_host(p->fabric,
                      path->hosts[path->hosts[0] == host]->name);
}

/* Sends the probes of a path that its turn has. */
static void
probe_path(struct paths *p, struct path_host *host, struct path *path)
{
    const struct path_window *w = &path->window;

    path->probed_us = time_usec();
    send_probe(p, host, path, PROBE_SMALL);
    if (w->lost_row) {
        if (asks_directions(path)) {
            probe_directions(p, host, path);
        }
    } else if (path->hosts[0] == host
               && (!path->until_rare || path_window_is_large_urgent(w))) {
        send_probe(p, host, path, PROBE_LARGE);
    }
    path->until_rare = path->until_rare ? path->until_rare - 1
                       : RARE_EACH - 1;
}

/* Of a suspect's, others take care; and what this turn has already is not
 * taken again. */
static unsigned
urgency_of(const void *host_, size_t i)
{
    const struct path_host *host = host_;
    const struct path *path = host->own[i];

    if (!path_window_is_urgent(&path->window) || host->suspected_us
        || path->probed_us >= host->last->sent_us) {
        return 0;
    }
    return path_window_is_undecided(&path->window) ? 2 : 1;
}

/* Returns true if the path was probed just now, as one of its hosts is a
 * suspect: what is lost in a row is to be so for some time. */
static bool
is_just_probed(const struct paths *p, const struct path *path)
{
    return (p->n_suspects
            && (time_usec() - path->probed_us
                < path_turns_interval_us(p->n_turns) / 2));
}

/* Probes some of the host's paths. */
static void
probe_paths(struct paths *p, struct path_host *host)
{
    struct path *first[PATH_TURN_URGENT];
    size_t picks[PATH_TURN_PATHS], n_first, n;

    n_first = path_suspects_take(p, host, first);
    for (size_t i = 0; i < n_first; i++) {
        probe_path(p, host, first[i]);
    }
    n = path_turns_take(&host->turns, host->n_own, n_first, urgency_of, host,
                        picks);
    for (size_t i = 0; i < n; i++) {
        struct path *path = host->own[picks[i]];

        if (!is_just_probed(p, path)
            && fabric_host_is_live(p->fabric, path->hosts[1]->name)) {
            probe_path(p, host, path);
        }
    }
}

/* A host has its turn: a reference, and probes of some of its paths.  What the
 * switch has to say of the turn before comes before the reference. */
static void
take_turn(struct paths *p, struct path_host *host)
{
    const struct path_probe reference = {
        .sender = host->number, .index = UINT16_MAX, .nonce = next_nonce(p),
    };
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
    probe_paths(p, host);
}

/* When.  ------------------------------------------------------------------ */

static void
set_turn_timer(struct paths *p)
{
    if (p->n_turns) {
        int64_t us = path_turns_interval_us(p->n_turns) / p->n_turns;

        event_add(p->turn_timer, &(struct timeval) { us / 1000000,
                                                     us % 1000000 });
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

    p->turn = p->turn < p->n_turns ? p->turn : 0;
    if (p->n_turns && has_turn(p, p->in_turn[p->turn])) {
        take_turn(p, p->in_turn[p->turn]);
    }
    p->turn++;
    path_suspects_check(p);
    path_judging_tell_untold(p);
    path_judging_forget_old(p);
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
    fabric_set_path_sink(fabric, path_judging_receive, p);
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
