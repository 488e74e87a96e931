/* SPDX-License-Identifier: Apache-2.0
 *
 * What a switch is to be sent of its backlog, in which order, and how much of
 * it with one bundle.  Not for sending it (bundle-send.c). */

#ifndef CONTROLLER_FABRIC_SESSION_BACKLOG_PARTS_H
#define CONTROLLER_FABRIC_SESSION_BACKLOG_PARTS_H 1

#include <stdbool.h>
#include <stddef.h>

struct fabric_switch;

/* Sets the backlog's 'changes', unless they are known, in an order in which
 * they may be cut: a packet that comes in between is judged by each table
 * either as before or as after all of them.  Yields.  To be called while the
 * state is quiescent.  Returns false if the backlog was cleared meanwhile. */
bool backlog_find_changes(struct fabric_switch *);

/* Returns how many of 'changes', from 'next' on, one bundle takes: at most
 * 'max_items' flows and groups, and 'max_bytes' bytes, or more if these are
 * the first and may not be cut.  Looks up what is desired of these again. */
size_t backlog_count_fitting(struct fabric_switch *, size_t max_items,
                             size_t max_bytes);

#endif /* controller/fabric/session/backlog-parts.h */
