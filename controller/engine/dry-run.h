/* SPDX-License-Identifier: Apache-2.0
 *
 * Going back: what a run withdrew and the next one wants again comes back
 * itself, since hosts hold it, by its xid.  And trials, in which units that
 * had failed before stay as they are: they hold on to what they wanted last,
 * and no computation would bring that back.
 *
 * Who uses it: engine_run_back(), engine_begin_trial(), engine_end_trial(). */

#ifndef CONTROLLER_ENGINE_DRY_RUN_H
#define CONTROLLER_ENGINE_DRY_RUN_H 1

#include <stdbool.h>

#include "openvswitch/hmap.h"

struct item;
struct unit_node;

struct trial {
    bool running;
    struct hmap former;         /* Of withdrawn items. */
    char *fault;                /* A unit that had to be left alone. */
};

void trial_init(struct trial *);
void trial_end(struct trial *);
void trial_uninit(struct trial *);

/* Keeps a reference to an item that was withdrawn, until it is taken or
 * forgotten. */
void trial_keep(struct trial *, struct item *);
void trial_forget(struct trial *);
/* A withdrawn item that equals 'item', with the reference, or NULL. */
struct item *trial_take(struct trial *, const struct item *);

/* True if 'unit' must be left as it is. */
bool trial_holds(const struct trial *, const struct unit_node *);
/* Notes that something would have become of such a unit. */
void trial_note_fault(struct trial *, const struct unit_node *);

#endif /* controller/engine/dry-run.h */
