/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory that vmnd keeps for each app that runs in a process of its own,
 * and its limit: flows, groups, facts, values of queries, and what units and
 * queries have read.  Each unit and each query has a share, which is charged
 * before the memory is taken.  One that would exceed the limit fails: it keeps
 * what it had, and is computed again when there is room.  VMN's own apps have
 * no limit.
 *
 * A computation whose share does not grow never fails, so a limit below the
 * current use withdraws nothing.  A rollback is not limited: it restores a
 * former state. */

#ifndef CONTROLLER_ENGINE_APP_MEMORY_H
#define CONTROLLER_ENGINE_APP_MEMORY_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;
struct node;
struct pipeline_app;
struct vmn_view;

/* What a thing that was read takes, beside its name and key: a node, an edge,
 * and of a query the node that has its value. */
#define MEMORY_READ_BYTES 320

/* The share of a unit or a query, in bytes. */
struct memory_share {
    uint32_t output;            /* Of its last success. */
    uint32_t reads;             /* Of its last computation. */
};

/* The memory of a computation.  Its charges count for the app at once: queries
 * that it reads are computed meanwhile. */
struct memory_use {
    uint32_t output, reads;     /* So far, in bytes. */
    struct memory_share old;
    bool failed;                /* There was no room for something. */
};

/* Begins a computation in the view, of a unit or query whose share is
 * 'share'. */
void memory_begin(struct vmn_view *, const struct memory_share *share);
/* Charge the computation for something that it reads, or emits.  Return false,
 * with the view failed, if there is no room for it. */
bool memory_charge_read(struct vmn_view *, size_t);
bool memory_charge(struct vmn_view *, size_t);
/* Charges for something that was read the last time as well. */
void memory_add_read(struct vmn_view *, size_t);
/* Returns how much output there is room for, in bytes. */
size_t memory_room(const struct vmn_view *);
/* Sets the share by what the view was charged; of the output only if that is
 * 'taken'. */
void memory_settle(struct vmn_view *, struct memory_share *share, bool taken);
/* Gives the share of a unit or query of 'app' back. */
void memory_give_back(struct engine *, const struct pipeline_app *app,
                      struct memory_share *share);

/* Sets '*used' to the memory that is kept for the app and '*max' to its limit,
 * in bytes; to 0 for VMN's own apps. */
void memory_get(const struct engine *, const struct pipeline_app *,
                uint64_t *used, uint64_t *max);

/* Destroys a node of kind NODE_APP_MEMORY. */
void memory_node_destroy(struct engine *, struct node *);

#endif /* controller/engine/app-memory.h */
