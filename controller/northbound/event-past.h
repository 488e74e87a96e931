/* SPDX-License-Identifier: Apache-2.0
 *
 * Events of revisions that the ring buffer of events does not have any more,
 * or not yet, since they are from before this process: they are made again of
 * the store's log, which all members of a cluster have.  So a stream of
 * revisions alone goes on at any member, after its start as well.
 *
 * For event-streams.c alone.  Not for other kinds, which nothing stores. */

#ifndef CONTROLLER_NORTHBOUND_EVENT_PAST_H
#define CONTROLLER_NORTHBOUND_EVENT_PAST_H 1

#include <stdbool.h>
#include <stdint.h>

struct event_entry;
struct northbound;

/* Most revisions that a stream may have missed.  Of more, the log may have
 * been trimmed in between: it keeps more than so many of each sort, and always
 * the newest ones (struct store_retention). */
#define EVENT_PAST_MAX 8192

/* Returns true if the log has all events of revisions later than 'revision',
 * which was told once, up to those that the ring buffer has. */
bool event_past_covers(const struct northbound *, uint64_t revision);

/* The same of where a stream has come since: returns false if something later
 * than 'revision' may have been trimmed. */
bool event_past_is_kept(const struct northbound *, uint64_t revision);

/* Calls 'cb' with the next events after '*revision' that the ring buffer does
 * not have, a bounded number, and moves '*revision' behind them.  Sets '*done'
 * if there are no more.  Returns 0, or a positive errno: the log could not be
 * read. */
typedef void event_past_cb(void *aux, const struct event_entry *);
int event_past_step(const struct northbound *, uint64_t *revision,
                    event_past_cb *cb, void *aux, bool *done);

#endif /* controller/northbound/event-past.h */
