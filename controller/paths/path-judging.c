/* SPDX-License-Identifier: Apache-2.0
 *
 * What follows from what comes back of probes of paths, and who is told of it.
 * See paths.h.  Not for sending them (path-measuring.c). */

#include <config.h>

#include "controller/paths/paths-private.h"

#include <stdio.h>
#include <string.h>

#include "controller/fabric/fabric-frames.h"
#include "controller/paths/path-probe.h"
#include "hash.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(paths);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 30);

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
void
path_judging_tell_untold(struct paths *p)
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
path_judging_forget(struct paths *p, struct path *path)
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

void
path_judging_forget_old(struct paths *p)
{
    int64_t now_us = time_usec();
    struct path *path;

    if (now_us - p->aged_us < AGE_US) {
        return;
    }
    p->aged_us = now_us;
    HMAP_FOR_EACH (path, node, &p->pairs) {
        if (is_old(p, path, now_us)) {
            path_judging_forget(p, path);
            path->told = PATH_UP;
            path->judged_us = 0;
            path->since_ms = time_wall_msec();
            path_window_init(&path->window);
        }
    }
}

/* Judging.  --------------------------------------------------------------- */

void
path_judging_tell(struct paths *p, struct path *path, enum path_state before)
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

/* A direction is broken if the probe has not come, and the other host, which
 * was to send it or to hand it to vmnd, has answered an echo that was sent
 * after it; the one whose turn it is has sent its reference. */
static void
judge_direction(const struct paths *p, const struct sent_probe *sent)
{
    bool back = sent->kind == PROBE_BACK;
    uint8_t *direction = back ? &sent->path->back : &sent->path->forth;
    const struct path_host *other = sent->path->hosts[!sent->by_second];

    if (sent->took_us >= 0) {
        *direction = DIRECTION_PASSES;
    } else if (fabric_host_answered_since(p->fabric, other->name,
                                          sent->sent_us)) {
        *direction = DIRECTION_BROKEN;
    }
}

static void
judge_small(struct paths *p, const struct sent_probe *sent)
{
    enum path_state before = path_window_state(&sent->path->window);
    bool answered = sent->took_us >= 0;

    path_suspects_note(p, sent->path, answered);
    sent->path->checked_ms = time_wall_msec();
    sent->path->judged_us = time_usec();
    if (answered) {
        p->stats.n_answered++;
        sent->path->forth = sent->path->back = DIRECTION_UNKNOWN;
    } else {
        p->stats.n_lost++;
    }
    if (path_window_add(&sent->path->window, answered,
                        sent->by_second ? -1 : sent->took_us)) {
        path_judging_tell(p, sent->path, before);
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

static void
judge_large(struct paths *p, const struct sent_probe *sent)
{
    enum path_state before = path_window_state(&sent->path->window);
    bool answered = sent->took_us >= 0;

    if (path_window_add_large(&sent->path->window, answered)) {
        path_judging_tell(p, sent->path, before);
    }
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

        if (sent->path && sent->kind == PROBE_SMALL) {
            judge_small(p, sent);
        } else if (sent->path && sent->kind == PROBE_LARGE
                   && small_is_answered(turn, sent->path)) {
            judge_large(p, sent);
        }
    }
    turn->n = 0;
}

/* Receiving.  ------------------------------------------------------------- */

static struct path_host *
find_host(const struct paths *p, uint32_t number)
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
    size_t comes_up;

    if (probe->index >= turn->n || sent->nonce != probe->nonce
        || !sent->path || sent->took_us >= 0) {
        return false;
    }
    comes_up = (sent->kind == PROBE_FORTH ? 1
                : sent->kind == PROBE_BACK ? 0 : sent->by_second);
    if (strcmp(sent->path->hosts[comes_up]->name, host)) {
        return false;
    }
    sent->took_us = MAX(time_usec() - sent->sent_us, 0);
    return true;
}

/* A fabric_sink_cb. */
void
path_judging_receive(void *p_, const char *name, uint32_t in_port OVS_UNUSED,
                     const uint8_t *frame, size_t size)
{
    struct paths *p = p_;
    struct path_probe probe;
    struct path_host *host = (path_probe_read(frame, size, &probe)
                              ? find_host(p, probe.sender) : NULL);

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
