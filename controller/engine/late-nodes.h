/* SPDX-License-Identifier: Apache-2.0
 *
 * Computations that a worker was not done with in time: what they need to be
 * resumed.  Until then a unit keeps its flows, and a query its value.  Not for
 * when they are resumed (worker-wait.c). */

#ifndef CONTROLLER_ENGINE_LATE_NODES_H
#define CONTROLLER_ENGINE_LATE_NODES_H 1

#include <stdint.h>

#include "controller/engine/dependency-graph.h"
#include "openvswitch/list.h"

struct engine;
struct vmn_view;

/* State of a late computation.  The call that resumes it must be the same, so
 * its reads so far do not count as the reads of the last computation. */
struct late {
    struct ovs_list engine_node; /* In the engine's 'late'. */
    const struct node *node;    /* A unit or a query. */
    uint64_t first, last;       /* Revisions that it may lack. */
    uint32_t n_reads;           /* The last ones of the node's reads. */
    struct id_refs ids;         /* Allocated so far. */
};

/* Keeps what 'view' has read and allocated, besides 'old_reads', which become
 * the reads of its node again.  '*late' may be NULL. */
void late_keep(struct engine *, struct vmn_view *view, uint32_t old_reads,
               struct late **late);
/* Frees '*late', which is NULL then: the computation has ended. */
void late_end(struct engine *, struct late **late);

/* Returns the reads of a node's last computation: 'reads' without the reads of
 * 'late', which may be NULL. */
uint32_t late_known_reads(const struct engine *, const struct late *late,
                          uint32_t reads);

#endif /* controller/engine/late-nodes.h */
