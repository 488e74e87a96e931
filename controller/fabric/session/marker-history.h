/* SPDX-License-Identifier: Apache-2.0
 *
 * The groups of revisions that a switch is not known to have installed, each
 * with what it changes and with the marker (marker.h) that follows it.  So
 * whoever finds one of these markers knows what the switch lacks.  Not for
 * learning of markers (marker-watch.c). */

#ifndef CONTROLLER_FABRIC_SESSION_MARKER_HISTORY_H
#define CONTROLLER_FABRIC_SESSION_MARKER_HISTORY_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backlog;
struct kept_diff;
struct scope_diff;

/* A group. */
struct marked_group {
    uint64_t before, last;      /* The revision before it, and its last. */
    uint64_t marker;            /* Once its flows are installed. */
    size_t n_diffs;
    struct kept_diff **diffs;   /* Counted. */
};

/* All zeros is an empty one without a base. */
struct marker_history {
    uint64_t base;              /* The marker before the first group, or
                                 * MARKER_NONE if that is not known. */
    size_t n, allocated;
    struct marked_group *groups; /* Oldest first. */
    size_t n_items;             /* In the diffs of all. */
};

/* Forgets all groups: the switch has what 'base' says. */
void marker_history_begin(struct marker_history *, uint64_t base);
void marker_history_uninit(struct marker_history *);

/* Returns true if what the switch lacks may be found by its marker later. */
static inline bool
marker_history_is_begun(const struct marker_history *history)
{
    return history->base || history->n;
}

/* Adds a group that changes the switch by 'diffs'.  If there are too many, the
 * oldest ones are forgotten. */
void marker_history_add(struct marker_history *, uint64_t before,
                        uint64_t last, uint64_t marker,
                        struct scope_diff *const *diffs, size_t n_diffs);

/* The switch has 'marker'.  If that is of a group, forgets all up to the
 * newest such, sets '*last' to that one's last revision and returns true. */
bool marker_history_reach(struct marker_history *, uint64_t marker,
                          uint64_t *last);

/* Sets 'backlog', which is empty, to the changes since the switch had
 * 'marker', and '*acked' to the newest revision before them.  Returns false if
 * they are not known, or there are none. */
bool marker_history_get_backlog(const struct marker_history *,
                                uint64_t marker, struct backlog *backlog,
                                uint64_t *acked);

#endif /* controller/fabric/session/marker-history.h */
