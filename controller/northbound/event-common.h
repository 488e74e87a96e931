/* SPDX-License-Identifier: Apache-2.0
 *
 * The log of events that all members of a cluster have in common: what the
 * writer tells, of all kinds, in its order and with its ids.  The others ask
 * it for what is new, again and again, and so have the same; the next writer
 * goes on behind what it was told.  What a writer alone may have told its
 * clients before it died is not known to the others: who has seen that is told
 * "reset" elsewhere, as its id is not found.
 *
 * Not for the events that each member sees by itself: those are in a log of
 * its own (event-log.h). */

#ifndef CONTROLLER_NORTHBOUND_EVENT_COMMON_H
#define CONTROLLER_NORTHBOUND_EVENT_COMMON_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/schema/event-kinds.h"

struct ds;
struct event_common;
struct event_log;
struct event_readers;
struct http_request;
struct nb_event_audit;
struct northbound;

/* What is to be called when streams may be told more; when those of the common
 * log cannot be any more; when this member goes on with the events of the
 * former writer, which may have told of states that it alone saw; and to tell
 * of an audit of another member's. */
struct event_common_ops {
    void (*wake)(struct event_readers *);
    void (*end)(struct event_readers *);
    void (*compare)(struct northbound *);
    void (*audited)(struct northbound *, const struct nb_event_audit *);
};
struct event_common *event_common_create(struct northbound *,
                                         const struct event_common_ops *);
void event_common_destroy(struct event_common *);
/* Returns the log that has all events of these kinds: this member's own, if it
 * tells of them whether it stands by or not; or the cluster's. */
struct event_log *nb_event_log(const struct northbound *, unsigned kinds);
/* Returns true if this member can tell streams what the log has: it has all
 * that the writer keeps, or is the writer. */
bool event_common_is_told(const struct event_common *);

/* As the writer: appends a copy of the newest event of this member's own
 * log. */
void event_common_copy(struct event_common *);
/* This member is the writer now, of this epoch: appends what its own log has
 * and the former writer has not told.  'whole': it was told all until that
 * writer ended, as far as is known. */
void event_common_lead(struct event_common *, int64_t epoch, bool whole);
/* Answers a member that asks for events, now or once there are any. */
void event_common_answer(struct event_common *, struct http_request *);

/* While it stands by: takes what the writer has told of revisions that this
 * member's own log has by now. */
void event_common_follow(struct event_common *);
/* Returns how many questions it has asked; and whether one that came behind so
 * many was answered in full: what it does not have by then the writer does not
 * have. */
uint64_t event_common_asked(const struct event_common *);
bool event_common_has_since(const struct event_common *, uint64_t n_asked);

/* Returns true if it is known by how much this member's clock is ahead of the
 * writer's, as it was last seen, and sets '*ahead_ms' to that, which is less
 * than 0 if it is behind. */
bool event_common_clock(const struct event_common *, int64_t *ahead_ms);

/* Has the writer tell of an audit of this member's. */
void event_common_note_audit(struct event_common *,
                             const struct nb_event_audit *);

/* Calls 'cb' with the newest event of each of these kinds and each object,
 * which is the first one that the event is about. */
typedef void event_common_newest_cb(void *aux, enum event_kind,
                                    const char *name, const json_t *data);
void event_common_each_newest(const struct northbound *, unsigned kinds,
                              event_common_newest_cb *, void *aux);

#endif /* controller/northbound/event-common.h */
