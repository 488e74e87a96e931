/* SPDX-License-Identifier: Apache-2.0
 *
 * Audits of a member of a cluster that stands by: the writer tells of them, as
 * of all that one member alone sees, in the log that all have in common.  They
 * go with the questions for its events (event-common.h), until one is
 * answered: so an audit may be sent twice, and is told once.
 *
 * Not for audits themselves (controller/fabric). */

#ifndef CONTROLLER_NORTHBOUND_EVENT_AUDITS_H
#define CONTROLLER_NORTHBOUND_EVENT_AUDITS_H 1

#include <stddef.h>

struct event_log;
struct nb_event_audit;
struct northbound;

/* Tells of an audit, as the writer. */
typedef void event_audits_tell_cb(struct northbound *,
                                  const struct nb_event_audit *);

/* Audits that the writer has not been told of.  If there are too many the
 * oldest ones are discarded. */
struct event_audits;
struct event_audits *event_audits_create(void);
void event_audits_destroy(struct event_audits *);
/* Adds one, which is copied. */
void event_audits_add(struct event_audits *, const struct nb_event_audit *);
/* Returns 'question', the text of a JSON object, which it takes ownership of,
 * with all of them; the caller frees it. */
char *event_audits_put(struct event_audits *, char *question);
/* The last such question was answered. */
void event_audits_told(struct event_audits *);
/* This member is the writer now, and tells itself of those that are not in the
 * common log yet. */
void event_audits_lead(struct event_audits *, const struct event_log *log,
                       event_audits_tell_cb *, struct northbound *);

/* As the writer: tells of those in a question that are not in 'log', the
 * common one, yet.  Returns NULL, or what is wrong with them, a constant. */
const char *event_audits_take(const struct event_log *log,
                              const void *question, size_t size,
                              event_audits_tell_cb *, struct northbound *);

#endif /* controller/northbound/event-audits.h */
