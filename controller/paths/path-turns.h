/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose turn it is: which of a host's paths are probed next, and how often
 * hosts have turns, so that n hosts cost O(n) probes a second however many
 * paths there are.  Pure.  Not for what a probe is (path-probe.h). */

#ifndef CONTROLLER_PATHS_PATH_TURNS_H
#define CONTROLLER_PATHS_PATH_TURNS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Paths in a turn of a host. */
#define PATH_TURN_PATHS 4
/* Of these, those that are probed before others; and one more, if the turn
 * begins with paths of suspects, as many at most. */
#define PATH_TURN_URGENT (PATH_TURN_PATHS / 2)
/* Shortest time from one turn of a host to its next, and the most paths that
 * are probed a second, of all hosts. */
#define PATH_TURN_MIN_US (1000 * 1000)
#define PATH_RATE_MAX 2000

/* How urgent a path may be. */
#define PATH_URGENCIES 3

/* Of a host.  All zeros: begins. */
struct path_turns {
    size_t next, next_urgent[PATH_URGENCIES]; /* Where to go on. */
};

/* Returns how urgent path 'i' is, less than PATH_URGENCIES: the more, the more
 * it is to be probed before others; 0: it is not. */
typedef unsigned path_turns_urgent_cb(const void *aux, size_t i);

/* Chooses the paths of a turn among 'n'; all of them get one in the end.  Sets
 * 'picks' to their indexes, each once, and returns how many they are.
 * 'n_taken' paths, at most PATH_TURN_URGENT, the turn has already. */
size_t path_turns_take(struct path_turns *, size_t n, size_t n_taken,
                       path_turns_urgent_cb *, const void *aux,
                       size_t picks[PATH_TURN_PATHS]);

/* Returns the time from one turn of a host to its next, in microseconds, if
 * 'n_hosts' have turns. */
int64_t path_turns_interval_us(size_t n_hosts);

#endif /* controller/paths/path-turns.h */
