/* SPDX-License-Identifier: Apache-2.0
 *
 * Who of a cluster's members measures the paths of a host's turns: the one
 * that manages it.  It keeps a log of what came of its probes, of which the
 * writer asks for what is new, and makes the states of paths of that
 * (path-report.h); so a host that moves begins nothing anew, and no result
 * counts twice.  Directions of a path the writer looks at itself, since each
 * takes two hosts.
 *
 * Not for how the two speak with each other (controller/cluster), nor for
 * turns (path-measuring.c). */

#include <config.h>

#include "controller/paths/paths-private.h"

#include <stdlib.h>
#include <string.h>

#include "timeval.h"
#include "util.h"

/* Directions that are looked at as an answer is taken; more of them, as where
 * a host's links broke, soon. */
#define LOOKS_MAX 8

/* A member that stands by.  ----------------------------------------------- */

/* Returns the number of the first result that is to be told to whoever has all
 * up to 'after'. */
static uint64_t
find_first(const struct path_log *log, uint64_t after)
{
    int64_t from_us = time_usec() - PATH_RESULT_AGE_MAX_MS * INT64_C(1000);
    uint64_t kept = log->seq > PATH_LOG_MAX ? log->seq - PATH_LOG_MAX : 0;
    uint64_t first = MAX(after, kept) + 1;

    while (first <= log->seq
           && log->entries[first % PATH_LOG_MAX].found_us < from_us) {
        first++;
    }
    return first;
}

static char *
tell(const struct path_log *log, uint64_t after)
{
    struct path_report report = { .run = log->run };
    uint64_t first = find_first(log, after);
    int64_t now_us = time_usec();
    char *text;

    report.results = xcalloc(PATH_REPORT_RESULTS_MAX, sizeof *report.results);
    for (report.seq = first - 1;
         report.seq < log->seq && report.n < PATH_REPORT_RESULTS_MAX;) {
        size_t i = ++report.seq % PATH_LOG_MAX;
        int64_t age_ms = (now_us - log->entries[i].found_us) / 1000;
        struct path_result *result = &report.results[report.n++];

        *result = log->entries[i].result;
        result->age_ms = MIN(MAX(age_ms, 0), PATH_RESULT_AGE_MAX_MS);
    }
    report.more = report.seq < log->seq;
    text = path_report_print(&report);
    free(report.results);
    return text;
}

const char *
paths_answer(struct paths *p, const void *text, size_t size, char **answer)
{
    struct path_ask ask;
    const char *fault;

    *answer = NULL;
    if (!p || !p->follows) {
        return "this member is the writer";
    }
    fault = path_ask_read(text, size, &ask);
    if (!fault && ask.epoch < p->epoch) {
        fault = "a former writer asks";
    } else if (!fault && !p->begun) {
        fault = "this member has just been started";
    }
    if (!fault) {
        p->epoch = ask.epoch;
        path_measuring_want(p);
        path_suspects_set(p, ask.suspects, ask.n_suspects);
        *answer = tell(&p->log, ask.run == p->log.run
                       ? MIN(ask.after, p->log.seq) : 0);
    }
    return fault;
}

/* The writer.  ------------------------------------------------------------ */

/* Who has got hosts has not told of them yet, nor of all of their paths. */
void
paths_set_shares(struct paths *p, uint64_t generation)
{
    if (p && p->generation != generation) {
        p->generation = generation;
        p->awake_us = time_usec();
    }
}

char *
paths_ask(struct paths *p, const char *member)
{
    struct path_teller *teller;
    struct path_ask ask;

    if (!p || !p->sharing || p->follows || !p->vni) {
        return NULL;
    }
    teller = shash_find_data(&p->tellers, member);
    if (!teller) {
        teller = xzalloc(sizeof *teller);
        teller->name = xstrdup(member);
        shash_add(&p->tellers, member, teller);
    }
    teller->asked_us = time_usec();
    ask = (struct path_ask) {
        .epoch = p->epoch, .run = teller->run, .after = teller->seq,
    };
    ask.n_suspects = path_suspects_name(p, ask.suspects);
    return path_ask_print(&ask);
}

/* Notes that the path may change, and what it was before. */
static void
begin_change(struct paths *p, struct path *path)
{
    if (path->changes) {
        return;
    }
    if (p->n_changing >= p->allocated_changing) {
        p->changing = x2nrealloc(p->changing, &p->allocated_changing,
                                 sizeof *p->changing);
    }
    path->changes = true;
    path->before = path_window_state(&path->window);
    p->changing[p->n_changing++] = path;
}

/* Tells what has become of paths: not of each result, of which there may be
 * many at once after a takeover.  Then has directions looked at. */
static void
end_changes(struct paths *p)
{
    size_t n_looks = 0;

    for (size_t i = 0; i < p->n_changing; i++) {
        struct path *path = p->changing[i];

        path->changes = false;
        if (path_window_state(&path->window) != path->before) {
            path_judging_tell(p, path, path->before);
        }
    }
    for (size_t i = 0; i < p->n_changing; i++) {
        p->helps |= p->changing[i]->looks;
        if (p->changing[i]->looks && n_looks < LOOKS_MAX) {
            path_measuring_look(p, p->changing[i]);
            n_looks++;
        }
    }
    p->n_changing = 0;
}

static void
take_small(struct paths *p, struct path *path, bool answered, int64_t took_us,
           int64_t found_us)
{
    path->checked_ms = time_wall_msec() - (time_usec() - found_us) / 1000;
    path->judged_us = found_us;
    if (answered) {
        p->stats.n_answered++;
        path->forth = path->back = DIRECTION_UNKNOWN;
        path->looks = false;
    } else {
        p->stats.n_lost++;
    }
    path_suspects_note(p, path, answered);
    path_window_add(&path->window, answered, took_us);
    path->looks |= path_measuring_asks_directions(path);
    path_measuring_count_turn(path);
}

/* Takes a result, unless another member, or this one, has found a later one: a
 * member that was not heard for a while tells of a time in which this one has
 * measured the path.  What one member tells is in its order.
 *
 * 'by_second': the path's second host has probed it, as one of the two is a
 * suspect.  How long that took is of the way to another switch than else. */
static void
take_result(struct paths *p, const struct path_teller *teller,
            struct path *path, const struct path_result *result,
            bool by_second)
{
    /* At the earliest: it was that old when it was told, and not when it was
     * asked for. */
    int64_t found_us = teller->asked_us - result->age_ms * INT64_C(1000);

    if (!by_second) {
        path->heard_us = time_usec();
    } else if (result->value < PATH_RESULT_LOST) {
        return;                 /* It sends no full-sized ones. */
    }
    if (path->judged_by != teller && found_us <= path->judged_us) {
        return;
    }
    path->judged_by = teller;
    if (!by_second && path->teller != teller) {
        path->teller = teller;
        path_least_init(&path->window.took);
    }
    begin_change(p, path);
    if (result->value >= PATH_RESULT_LOST) {
        take_small(p, path, result->value >= 0, by_second ? -1 : result->value,
                   found_us);
    } else {
        path_window_add_large(&path->window,
                              result->value == PATH_RESULT_LARGE);
    }
}

/* Takes a result, unless it is of a host that the member does not manage, or
 * of hosts that are no pair, or not yet. */
static void
take(struct paths *p, const char *member, const struct path_teller *teller,
     const struct path_result *result)
{
    struct path_host *host = path_judging_host(p, result->host);
    const struct path_host *peer = path_judging_host(p, result->peer);
    const char *manager = (host ? p->sharing->manager(p->sharing_aux,
                                                      host->name) : NULL);
    struct path *path;

    if (!manager || strcmp(manager, member)) {
        return;
    } else if (!result->peer) {
        host->heard_us = time_usec();
        host->teller = teller;
        host->told_us = result->value;
        return;
    }
    path = peer ? host_pairs_find(p, host, peer) : NULL;
    if (path) {
        take_result(p, teller, path, result, path->hosts[0] != host);
    }
}

const char *
paths_take(struct paths *p, const char *member, const void *answer,
           size_t size, bool *more)
{
    struct path_teller *teller = (p && !p->follows
                                  ? shash_find_data(&p->tellers, member)
                                  : NULL);
    struct path_report report;
    const char *fault;

    *more = false;
    if (!teller) {
        return "it was not asked";
    }
    fault = path_report_read(answer, size, &report);
    if (fault) {
        return fault;
    }
    /* What was told already, if an answer was late, is not asked for. */
    for (size_t i = 0; i < report.n; i++) {
        take(p, member, teller, &report.results[i]);
    }
    end_changes(p);
    teller->run = report.run;
    teller->seq = report.seq;
    *more = report.more;
    free(report.results);
    return NULL;
}

/* Life.  ------------------------------------------------------------------ */

void
path_members_destroy(struct paths *p)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &p->tellers) {
        struct path_teller *teller = node->data;

        free(teller->name);
    }
    shash_destroy_free_data(&p->tellers);
    free(p->log.entries);
    free(p->changing);
}
