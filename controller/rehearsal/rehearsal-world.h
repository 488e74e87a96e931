/* SPDX-License-Identifier: Apache-2.0
 *
 * What vmnd would have hosts do by the state in a file, as it would be once
 * all hosts are there and all VMs run where their ports are bound.  No host is
 * spoken to, and nothing listens.  Computed by the very same code.  Not for
 * what differs between two of these (rehearsal-compare.h). */

#ifndef CONTROLLER_REHEARSAL_REHEARSAL_WORLD_H
#define CONTROLLER_REHEARSAL_REHEARSAL_WORLD_H 1

#include <stddef.h>

#include "controller/schema/error.h"
#include "controller/store/store-file.h"

struct apphost;
struct engine;
struct model;
struct options;

struct rehearsal_world {
    struct apphost *apphost;
    struct model *model;
    struct engine *engine;
    size_t n_placed;            /* Ports that are on a host. */
    size_t n_unplaced;          /* Others that are enabled. */
};

/* Creates the world of the database 'file', a copy of the caller's own in the
 * newest format; 'name' is what it is called in errors.  'options' say which
 * apps there are.  Returns NULL with an error. */
struct rehearsal_world *rehearsal_world_create(const char *file,
                                               const char *name,
                                               const struct options *,
                                               struct vmn_error *why);
void rehearsal_world_destroy(struct rehearsal_world *);

/* Has the ports that 'taken' has on one of the 'n' hosts of 'maps' be on the
 * host that takes its place, unless they are on one. */
int rehearsal_world_move(struct rehearsal_world *, const struct model *taken,
                         const struct store_host_map maps[], size_t n,
                         struct vmn_error *why);

/* Has a VM run for each port that is bound, and computes everything.  To be
 * called once, after rehearsal_world_move(). */
int rehearsal_world_run(struct rehearsal_world *, struct vmn_error *why);

#endif /* controller/rehearsal/rehearsal-world.h */
