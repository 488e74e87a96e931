/* SPDX-License-Identifier: Apache-2.0
 *
 * What a switch is not known to have installed; see marker-history.h. */

#include <config.h>

#include "controller/fabric/session/marker-history.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/session/backlog.h"
#include "controller/fabric/session/marker.h"
#include "controller/fabric/session/revision-diff.h"
#include "util.h"

/* Of a switch that is further behind, the marker of an older group says
 * nothing: that of a later one does. */
#define GROUPS_MAX 1024
/* Of a switch that lacks more, all flows are read. */
#define ITEMS_MAX 16384
/* Room for so many groups is kept while there are none. */
#define ROOM_MAX 16

/* Forgets the 'n' oldest groups. */
static void
drop(struct marker_history *history, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct marked_group *group = &history->groups[i];

        for (size_t j = 0; j < group->n_diffs; j++) {
            history->n_items -= group->diffs[j]->n;
            kept_diff_unref(group->diffs[j]);
        }
        free(group->diffs);
    }
    history->n -= n;
    if (history->n && n) {
        memmove(history->groups, history->groups + n,
                history->n * sizeof *history->groups);
    }
}

void
marker_history_begin(struct marker_history *history, uint64_t base)
{
    drop(history, history->n);
    history->base = base;
    if (history->allocated > ROOM_MAX) {
        free(history->groups);
        history->groups = NULL;
        history->allocated = 0;
    }
}

void
marker_history_uninit(struct marker_history *history)
{
    drop(history, history->n);
    free(history->groups);
}

void
marker_history_add(struct marker_history *history, uint64_t before,
                   uint64_t last, uint64_t marker,
                   struct scope_diff *const *diffs, size_t n_diffs)
{
    struct marked_group *group;

    if (history->n >= history->allocated) {
        history->groups = x2nrealloc(history->groups, &history->allocated,
                                     sizeof *history->groups);
    }
    group = &history->groups[history->n++];
    *group = (struct marked_group) {
        .before = before, .last = last, .marker = marker,
        .n_diffs = n_diffs,
        .diffs = n_diffs ? xmalloc(n_diffs * sizeof *group->diffs) : NULL,
    };
    for (size_t i = 0; i < n_diffs; i++) {
        group->diffs[i] = scope_diff_keep(diffs[i]);
        history->n_items += group->diffs[i]->n;
    }
    while (history->n > GROUPS_MAX
           || (history->n > 1 && history->n_items > ITEMS_MAX)) {
        history->base = history->groups[0].marker;
        drop(history, 1);
    }
}

/* Returns how many of the oldest groups the switch has, if it has 'marker' and
 * that is of one. */
static size_t
find(const struct marker_history *history, uint64_t marker)
{
    size_t n = history->n;

    while (n && history->groups[n - 1].marker != marker) {
        n--;
    }
    return n;
}

bool
marker_history_reach(struct marker_history *history, uint64_t marker,
                     uint64_t *last)
{
    size_t n = find(history, marker);

    if (!n) {
        return false;
    }
    *last = history->groups[n - 1].last;
    drop(history, n);
    history->base = marker;
    return true;
}

/* Records what the group has withdrawn, or what it has added. */
static void
touch(const struct marked_group *group, struct backlog *backlog,
      bool withdrawn)
{
    for (size_t i = 0; i < group->n_diffs; i++) {
        const struct kept_diff *diff = group->diffs[i];
        size_t j = withdrawn ? 0 : diff->n_withdrawn;
        size_t n = withdrawn ? diff->n_withdrawn : diff->n;

        for (; j < n; j++) {
            backlog_touch(backlog, diff->items[j], withdrawn);
        }
    }
}

bool
marker_history_get_backlog(const struct marker_history *history,
                           uint64_t marker, struct backlog *backlog,
                           uint64_t *acked)
{
    size_t n = find(history, marker);

    if (marker == MARKER_NONE || n >= history->n
        || (!n && marker != history->base)) {
        return false;
    }
    *acked = history->groups[n].before;
    for (size_t i = n; i < history->n; i++) {
        const struct marked_group *group = &history->groups[i];

        backlog_open_group(backlog, group->before, group->last);
        touch(group, backlog, true);
        touch(group, backlog, false);
    }
    return true;
}
