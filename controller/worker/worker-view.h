/* SPDX-License-Identifier: Apache-2.0
 *
 * The state as an app reads it in a worker: what vmnd has sent along, and what
 * it is asked for.  The reading functions of vmn/app.h are in worker-view.c.
 * Not for what an app emits (record-calls.h). */

#ifndef CONTROLLER_WORKER_WORKER_VIEW_H
#define CONTROLLER_WORKER_WORKER_VIEW_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/hmap.h"
#include "vmn/app.h"

struct ofpbuf;
struct recorder;
struct view_chunk;
struct wire_reader;

struct vmn_view {
    struct hmap known;          /* Of what was read, or may be. */
    struct view_chunk *chunks;  /* Memory until the computation ends. */
    size_t n_used, allocated_used;
    uint32_t *used;             /* Which of what was sent along. */
};

void view_init(struct vmn_view *);
void view_uninit(struct vmn_view *);

/* Takes over what vmnd sends along, in the message that the reader reads,
 * which the caller keeps until the computation ends. */
void view_take_known(struct vmn_view *, struct wire_reader *);

/* The value of a query, set while it is computed. */
struct vmn_value {
    void *data;                 /* Or NULL: none. */
    size_t size;
};

#endif /* controller/worker/worker-view.h */
