/* SPDX-License-Identifier: Apache-2.0
 *
 * Rollback: items that a run withdrew and the next one wants again are reused,
 * with their xids, since hosts have installed them.  And dry runs, in which
 * units that had failed before are skipped: they keep the entries of their
 * last success, which no computation could restore.  Used by
 * engine_roll_back(), engine_begin_dry_run(), engine_end_dry_run(). */

#ifndef CONTROLLER_ENGINE_DRY_RUN_H
#define CONTROLLER_ENGINE_DRY_RUN_H 1

#include <stdbool.h>

#include "openvswitch/hmap.h"

struct flow_item;
struct unit_node;

struct dry_run {
    bool running;
    struct hmap withdrawn;      /* Of withdrawn items. */
    char *skipped;              /* A unit that had to be skipped. */
    char *late;                 /* One that was late. */
};

void dry_run_init(struct dry_run *);
void dry_run_end(struct dry_run *);
void dry_run_uninit(struct dry_run *);

/* Keeps a reference to a withdrawn item, until it is reused or dropped. */
void withdrawn_keep(struct dry_run *, const struct flow_item *);
void withdrawn_forget(struct dry_run *);
/* Returns a withdrawn item that equals 'item', with the reference, or NULL. */
struct flow_item *withdrawn_take(struct dry_run *, const struct flow_item *);

/* Returns true if 'unit' must be skipped. */
bool dry_run_holds(const struct dry_run *, const struct unit_node *);
/* Records that such a unit would have been computed or destroyed. */
void dry_run_set_skipped(struct dry_run *, const struct unit_node *);
/* The same of one that is late. */
void dry_run_set_late(struct dry_run *, const struct unit_node *);

#endif /* controller/engine/dry-run.h */
