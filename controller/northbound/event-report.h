/* SPDX-License-Identifier: Apache-2.0
 *
 * What the writer of a cluster tells the other members of its events, so that
 * each has the same ones under the same ids: the text of what a member asks,
 * and of the answer, JSON each.  An answer comes from outside.  Not for when
 * it is asked (controller/cluster), nor for what follows (event-common.h).
 *
 * The events of most revisions a member has itself: each applies the same
 * batches.  The writer says only where these are, and when they were told. */

#ifndef CONTROLLER_NORTHBOUND_EVENT_REPORT_H
#define CONTROLLER_NORTHBOUND_EVENT_REPORT_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/northbound/event-log.h"

/* Bytes of an answer from which on no further event is put into it. */
#define EVENT_REPORT_BYTES (512 * 1024)
/* The same of events that the member has itself: their text is short, but they
 * are many to copy at once. */
#define EVENT_REPORT_OWN 1000

/* Bits of an id below those of its writer's epoch. */
#define EVENT_REPORT_NUMBER_BITS 32

/* Returns what to ask, which the caller frees: what comes behind the newest
 * event of the log, or, unless it 'has' any of the writer's, all.  'own' is
 * the log of what the member sees itself, or NULL.  If 'lacks' is not 0, the
 * writer has said so: it is told what the former one has told behind the event
 * with this id. */
char *event_report_ask(const struct event_log *, const struct event_log *own,
                       bool has, uint64_t lacks);
/* Takes what the writer is told so: sets '*told' to a log of it, which the
 * caller destroys, or to NULL if it is nothing; and '*gap' to whether some are
 * missing there.  Returns NULL, or what is wrong, a constant. */
const char *event_report_told(const void *ask, size_t size,
                              struct event_log **told, bool *gap);

/* Where an answer begins. */
struct event_report_place {
    uint64_t next;              /* Position of the first event, */
    uint64_t end;               /* and behind the last one; 0: the newest. */
    bool gap;                   /* It does not follow on what the member
                                 * has. */
    bool lacks;                 /* The member has events of the former writer
                                 * that this one was not told: */
    uint64_t last_id;           /* those behind this one. */
    bool has_own;               /* It has the events of revisions that are */
    uint64_t own;               /* later than this one itself. */
};
/* Finds what is asked for among the events of the writer, which are those from
 * position 'lead' on; those before are of former ones, as far as it was told.
 * 'told': it is not to be told again of those up to this id; 0: of none.
 * Returns NULL, or what is wrong with the question, a constant. */
const char *event_report_find(const struct event_log *, uint64_t lead,
                              uint64_t told, const void *ask, size_t size,
                              struct event_report_place *);
/* Appends the answer: events from there on. */
void event_report_print(const struct event_log *,
                        const struct event_report_place *, struct ds *);

/* What becomes of an answer. */
struct event_report_taken {
    bool more;                  /* There are more to ask for at once: there was
                                 * no room for them, or the member's own log
                                 * has discarded what it was to take of it. */
    uint64_t lacks;             /* The last id of the former writer's that this
                                 * one has, if this member has more; or 0. */
    uint64_t revision;          /* Raised to the newest one that an event tells
                                 * of. */
    int64_t now_ms;             /* The time by the clock of the member that
                                 * answers, or 0. */
    json_t *rest;               /* The answer, if it is not taken in full, as
                                 * the copy of the state lacks a revision: */
    size_t at;                  /* from this event on. */
};
/* Appends the events of an answer to the log; 'has' and 'own' as above.
 * '*taken' must have a 'rest' of NULL, and that must be NULL before the next
 * question.  Returns NULL, or what is wrong, a constant; events before that
 * are appended. */
const char *event_report_take(struct event_log *, const struct event_log *own,
                              bool has, const void *answer, size_t size,
                              struct event_report_taken *);
/* Appends what is left of an answer, as far as 'own' has it by now. */
const char *event_report_go_on(struct event_log *, const struct event_log *own,
                               struct event_report_taken *);
/* Drops what is left. */
void event_report_drop(struct event_report_taken *);

#endif /* controller/northbound/event-report.h */
