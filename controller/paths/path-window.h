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
/* Lost in a row until a path is down, of one that is lossy until it is, and
 * answered in a row until it is up again.  One that loses some would be down
 * and up again without end. */
#define PATH_DOWN_AFTER 3
#define PATH_DOWN_AFTER_LOSSY 8
#define PATH_UP_AFTER 3
/* A path is lossy when so many of the window were lost, of so many at least,
 * or when it is down again within a window; and is no more after a whole
 * window with so few. */
#define PATH_LOSSY_FROM 4
#define PATH_LOSSY_OF 8
#define PATH_LOSSY_UNTIL 1
/* Full-sized probes in a row, whose small ones were answered; more of them
 * where small ones are lost as well. */
#define PATH_MTU_AFTER 3
#define PATH_MTU_AFTER_LOSSY 8
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
    uint32_t answered;          /* The newest is bit 0.  Not those of 'cut'. */
    uint8_t n;                  /* How many of them there are. */
    uint8_t cut;                /* Lost ones after these, at most UINT8_MAX, if
                                 * the path is down, and none was answered
                                 * since: no loss, but a cut. */
    uint8_t since_down;         /* Added since it was down the last time; at
                                 * most PATH_WINDOW: more, or it never was. */
    uint8_t lost_row, answered_row; /* The newest; at most UINT8_MAX. */
    uint8_t large_lost_row, large_answered_row;
    bool lossy, too_small;      /* As of the last probe. */
    bool down;
    struct path_least took;     /* What answers took. */
};

void path_window_init(struct path_window *);

/* Adds the result of a probe, or of a full-sized one.  Returns true if the
 * state is another one now.  'took_us' is how long it took, -1: that is not
 * known; of one that was lost it does not matter. */
bool path_window_add(struct path_window *, bool answered, int64_t took_us);
bool path_window_add_large(struct path_window *, bool answered);

enum path_state path_window_state(const struct path_window *);
/* Returns how many of the last probes are known, at most PATH_WINDOW, and sets
 * '*lost' to how many of them were lost. */
unsigned path_window_count(const struct path_window *, unsigned *lost);
/* Returns true if its next probe decides something: it is to be probed before
 * others. */
bool path_window_is_urgent(const struct path_window *);
/* Returns true if that is whether it is down, as the newest probes differ from
 * the state: before all others. */
bool path_window_is_undecided(const struct path_window *);
/* Returns true if the same holds for full-sized probes. */
bool path_window_is_large_urgent(const struct path_window *);

#endif /* controller/paths/path-window.h */
