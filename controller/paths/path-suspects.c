/* SPDX-License-Identifier: Apache-2.0
 *
 * Which hosts may have been cut off, or have come back: the newest results of
 * several of their paths are all other than before.  All others put their path
 * to such a suspect first in their turns, whichever of the two it is that
 * probes it else, until each is decided.  So all is known after some turns,
 * and not after a host's own have gone through its paths; and no turn has more
 * paths than else.  Not for what is concluded of a path (path-window.c). */

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
/* Nor after so many turns, decided or not. */
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

void
path_suspects_note(struct paths *p, struct path *path, bool answered)
{
    const struct path_window *w = &path->window;
    bool news = (answered ? w->down && !w->answered_row
                 : !w->down && !w->lost_row);

    note(p, path->hosts[0], w, answered, news);
    note(p, path->hosts[1], w, answered, news);
}

/* Returns true if the path is to be judged at all: it was not since its host
 * is a suspect, and there is something to find. */
static bool
is_unjudged(const struct path_host *suspect, const struct path *path)
{
    return (path->judged_us < suspect->suspected_us
            && path->window.down == suspect->is_back);
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
            && (is_unjudged(suspect, path)
                || path_window_is_undecided(&path->window))
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

    if (!p->n_suspects || now_us - p->suspects_us < turn_us) {
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
                >= (path_window_is_undecided(&path->window) ? turn_us / 2
                    : turn_us * 3 / 2))) {
            picks[n++] = path;
        }
    }
    return n;
}
