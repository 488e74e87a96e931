/* SPDX-License-Identifier: Apache-2.0
 *
 * What the last probes of a path between two hosts say of it, in little
 * memory: its state, with hysteresis, so that one lost probe changes nothing;
 * loss and latency.  Pure: no clock and no I/O.  Not for which probes are sent
 * (path-turns.h, path-measuring.c). */

#ifndef CONTROLLER_PATHS_PATH_WINDOW_H
#define CONTROLLER_PATHS_PATH_WINDOW_H 1

#include <stdbool.h>
#include <stdint.h>

/* Probes that are remembered, as bits. */
#define PATH_WINDOW 32
/* Lost in a row until a path is down, and answered in a row until it is up
 * again. */
#define PATH_DOWN_AFTER 3
#define PATH_UP_AFTER 3
/* A path is lossy when so many of the window were lost, of so many at least;
 * and is no more when there are so few. */
#define PATH_LOSSY_FROM 4
#define PATH_LOSSY_OF 20
#define PATH_LOSSY_UNTIL 1
/* Full-sized probes in a row, whose small ones were answered. */
#define PATH_MTU_AFTER 3
#define PATH_MTU_UNTIL 2

/* The least of the last PATH_LEAST_OF times that something took, or up to
 * twice as many, in microseconds. */
#define PATH_LEAST_OF 10
struct path_least {
    uint8_t n;                  /* In the first of these. */
    uint32_t us[2];             /* Of the last PATH_LEAST_OF or fewer, and of
                                 * as many before; UINT32_MAX: none. */
};
void path_least_init(struct path_least *);
void path_least_add(struct path_least *, int64_t us);
/* Returns it; -1: there is none. */
int64_t path_least_get(const struct path_least *);

enum path_state {
    PATH_UNKNOWN,               /* Not enough is known yet. */
    PATH_UP,
    PATH_LOSSY,
    PATH_MTU,                   /* Small packets pass, full-sized do not. */
    PATH_DOWN,
    PATH_N_STATES
};
extern const char *const path_state_names[PATH_N_STATES];

struct path_window {
    uint32_t answered;          /* The newest is bit 0. */
    uint8_t n;                  /* How many of them there are. */
    uint8_t lost_row, answered_row; /* The newest; at most UINT8_MAX. */
    uint8_t large_lost_row, large_answered_row;
    bool lossy, too_small;      /* As of the last probe. */
    bool down;
    struct path_least took;     /* What answers took. */
};

void path_window_init(struct path_window *);

/* Adds the result of a probe, or of a full-sized one.  Returns true if the
 * state is another one now.  'took_us' is how long it took: of one that was
 * lost it does not matter. */
bool path_window_add(struct path_window *, bool answered, int64_t took_us);
bool path_window_add_large(struct path_window *, bool answered);

enum path_state path_window_state(const struct path_window *);
/* How many of path_window_n() probes were lost. */
unsigned path_window_lost(const struct path_window *);
/* Returns true if its next probe decides something: it is to be probed before
 * others. */
bool path_window_is_urgent(const struct path_window *);
/* Returns true if the same holds for full-sized probes. */
bool path_window_is_large_urgent(const struct path_window *);

#endif /* controller/paths/path-window.h */
