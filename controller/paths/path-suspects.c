/* SPDX-License-Identifier: Apache-2.0
 *
 * Which hosts may have been cut off, or have come back: the newest results of
 * several of their paths are all other than before.  All others put their path
 * to such a suspect first in their turns, whichever of the two it is that
 * probes it else, until each is decided.  So all is known after some turns,
 * and not after a host's own have gone through its paths; and no turn has more
 * paths than else.
 *
 * In a cluster the writer says who is a suspect, and others are told.  Not for
 * what is concluded of a path (path-window.c). */

#include <config.h>

#include "controller/paths/paths-private.h"

#include "controller/fabric/fabric-status.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(path_suspects);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 30);

/* A host is a suspect when so many of its paths in a row have lost their first
 * probe, and none was answered; or were answered again, and none was lost. */
#define SUSPECT_AFTER 4
/* It is none any more when so many results and half of those that confirm it
 * speak against it: a host that is cut off with others of its rack is still
 * one, while of a network that falls in two halves turns go through all. */
#define SUSPECT_AGAINST 4
/* Nor after so many turns, decided or not: some of its paths may be of hosts
 * whose master does not know of suspects. */
#define SUSPECT_TURNS 32

static void
end(struct path_host *host)
{
    host->suspected_us = 0;
    host->lost_row = host->back_row = 0;
}

/* Takes the suspect at 'i' off the list, whose order remains. */
static void
take_off(struct paths *p, size_t i)
{
    p->n_suspects--;
    for (; i < p->n_suspects; i++) {
        p->suspects[i] = p->suspects[i + 1];
    }
}

void
path_suspects_clear(struct paths *p)
{
    for (size_t i = 0; i < p->n_suspects; i++) {
        end(p->suspects[i]);
    }
    p->n_suspects = 0;
}

void
path_suspects_forget(struct paths *p, const struct path_host *host)
{
    for (size_t i = 0; i < p->n_suspects; i++) {
        if (p->suspects[i] == host) {
            take_off(p, i);
            return;
        }
    }
}

/* Finding them.  ---------------------------------------------------------- */

/* The host is a suspect, unless it is one of that already.  One that is
 * suspected of the contrary now goes behind those that wait. */
static void
begin(struct paths *p, struct path_host *host, bool is_back)
{
    if (host->suspected_us ? host->is_back == is_back
        : p->n_suspects >= PATH_SUSPECTS_MAX) {
        return;
    }
    path_suspects_forget(p, host);
    p->suspects[p->n_suspects++] = host;
    host->suspected_us = time_usec();
    host->is_back = is_back;
    host->n_for = host->n_against = 0;
    VLOG_DBG_RL(&rl, "host %s: its paths are probed before others",
                host->name);
}

/* A result of a path of the host: 'news' if it is other than those before. */
static void
note(struct paths *p, struct path_host *host, const struct path_window *w,
     bool answered, bool news)
{
    if (answered) {
        host->lost_row = 0;
        host->back_row = MIN(host->back_row + news, UINT8_MAX);
    } else {
        host->lost_row = MIN(host->lost_row + news, UINT8_MAX);
        if (news || w->answered_row) {
            host->back_row = 0;
        }
    }
    if (answered == host->is_back) {
        host->n_for += news;
    } else {
        host->n_against += w->down == host->is_back;
    }
    if (news && (answered ? host->back_row : host->lost_row)
                >= SUSPECT_AFTER) {
        begin(p, host, answered);
    }
}

/* A member that stands by counts what it has found since one of the hosts is a
 * suspect: what its window has may be of long ago, or of some probes alone. */
static void
count_row(struct path *path, bool answered)
{
    int64_t since_us = MAX(path->hosts[0]->suspected_us,
                           path->hosts[1]->suspected_us);

    if (path->judged_us < since_us || answered != (path->row > 0)) {
        path->row = 0;
    }
    path->row = (answered ? MIN(path->row + 1, PATH_UP_AFTER)
                 : MAX(path->row - 1, -PATH_DOWN_AFTER_LOSSY));
}

void
path_suspects_note(struct paths *p, struct path *path, bool answered)
{
    const struct path_window *w = &path->window;
    bool news = (answered ? w->down && !w->answered_row
                 : !w->down && !w->lost_row);

    if (p->follows) {
        count_row(path, answered);
    } else {
        note(p, path->hosts[0], w, answered, news);
        note(p, path->hosts[1], w, answered, news);
    }
}

/* Returns true if the path is to be judged at all: it was not since its host
 * is a suspect.  The writer knows of which there is nothing to find. */
static bool
is_unjudged(const struct paths *p, const struct path_host *suspect,
            const struct path *path)
{
    return (path->judged_us < suspect->suspected_us
            && (p->follows || path->window.down == suspect->is_back));
}

/* Returns true if the path was judged, and that does not decide what it is; at
 * a member that stands by, what the writer may make of it. */
static bool
is_undecided(const struct paths *p, const struct path_host *suspect,
             const struct path *path)
{
    int after = path->window.lossy ? PATH_DOWN_AFTER_LOSSY : PATH_DOWN_AFTER;

    return (p->follows ? (path->judged_us >= suspect->suspected_us
                          && path->row < PATH_UP_AFTER && path->row > -after)
            : path_window_is_undecided(&path->window));
}

/* Returns the path of a suspect and another host, if it is to be decided; or
 * NULL: so if the host that probes it does so in each of its turns. */
static struct path *
find_open(const struct paths *p, const struct path_host *suspect,
          const struct path_host *host)
{
    struct path *path = (suspect != host
                         ? host_pairs_find(p, suspect, host) : NULL);

    return (path && path->hosts[0]->n_own > PATH_TURN_PATHS
            && (is_unjudged(p, suspect, path)
                || is_undecided(p, suspect, path))
            ? path : NULL);
}

static bool
is_decided(const struct paths *p, const struct path_host *suspect)
{
    for (size_t i = 0; i < p->n_turns; i++) {
        if (find_open(p, suspect, p->in_turn[i])
            && fabric_host_is_live(p->fabric, p->in_turn[i]->name)) {
            return false;
        }
    }
    return true;
}

void
path_suspects_check(struct paths *p)
{
    int64_t now_us = time_usec();
    int64_t turn_us = path_turns_interval_us(p->n_turns);

    if (p->follows || !p->n_suspects || now_us - p->suspects_us < turn_us) {
        return;
    }
    p->suspects_us = now_us;
    for (size_t i = 0; i < p->n_suspects;) {
        struct path_host *host = p->suspects[i];

        if (now_us - host->suspected_us > SUSPECT_TURNS * turn_us
            || !fabric_host_is_live(p->fabric, host->name)
            || host->n_against > SUSPECT_AGAINST + host->n_for / 2
            || is_decided(p, host)) {
            end(host);
            take_off(p, i);
        } else {
            i++;
        }
    }
}

/* Turns.  ----------------------------------------------------------------- */

size_t
path_suspects_take(const struct paths *p, const struct path_host *host,
                   struct path *picks[PATH_TURN_URGENT])
{
    int64_t turn_us = path_turns_interval_us(p->n_turns);
    size_t n = 0;

    for (size_t i = 0; i < p->n_suspects && n < PATH_TURN_URGENT; i++) {
        const struct path_host *suspect = p->suspects[i];
        struct path *path = find_open(p, suspect, host);

        /* What was probed in the last turn is judged in this one. */
        if (path && fabric_host_is_live(p->fabric, suspect->name)
            && (time_usec() - path->probed_us
                >= (is_undecided(p, suspect, path) ? turn_us / 2
                    : turn_us * 3 / 2))) {
            picks[n++] = path;
        }
    }
    return n;
}

/* A cluster.  ------------------------------------------------------------- */

size_t
path_suspects_name(const struct paths *p,
                   struct path_suspect named[PATH_SUSPECTS_MAX])
{
    for (size_t i = 0; i < p->n_suspects; i++) {
        const struct path_host *host = p->suspects[i];
        int64_t age_ms = (time_usec() - host->suspected_us) / 1000;

        named[i] = (struct path_suspect) {
            host->number,
            (uint32_t) MIN(MAX(age_ms, 0), PATH_SUSPECT_AGE_MAX_MS),
        };
    }
    return p->n_suspects;
}

void
path_suspects_set(struct paths *p, const struct path_suspect named[], size_t n)
{
    path_suspects_clear(p);
    for (size_t i = 0; i < n; i++) {
        struct path_host *host = path_judging_host(p, named[i].host);

        if (host) {
            path_suspects_forget(p, host); /* It is named twice. */
            p->suspects[p->n_suspects++] = host;
            host->suspected_us = time_usec() - named[i].age_ms * INT64_C(1000);
        }
    }
}
