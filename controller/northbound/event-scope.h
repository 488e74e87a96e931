/* SPDX-License-Identifier: Apache-2.0
 *
 * What accounts with a scope are told of events: those of their own objects,
 * in the words in which they see these objects.  Of changes that others make,
 * what concerns their own objects, without who made it and what was said of
 * it; nothing of hosts, of what is installed, and of others' ports on the same
 * host.  Their ids (event_log_scope_id()) tell nothing of how many events
 * there are besides; but in a stream of revisions alone, whose numbers they
 * are told.
 * Packets have calls of their own (packet-scope.h).
 *
 * For event-streams.c alone. */

#ifndef CONTROLLER_NORTHBOUND_EVENT_SCOPE_H
#define CONTROLLER_NORTHBOUND_EVENT_SCOPE_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/schema/event-kinds.h"

struct ds;
struct event_entry;
struct event_filter;
struct model_rights;
struct northbound;

/* Kinds that such accounts are told of: bits of enum event_kind. */
extern const unsigned event_scope_kinds;

/* Whom events are for. */
struct event_scope {
    const struct northbound *nb;
    const struct model_rights *rights; /* With a scope. */
    const char *account;
};

/* Returns the event as the account is told of it, "event: ..." without an id,
 * which the caller frees; NULL if it is not told of it, or the filter, which
 * is applied to what it is told, does not select it. */
char *event_scope_text(const struct event_scope *, const struct event_entry *,
                       const struct event_filter *);

/* Returns what says later whose event it is, for event_log_set_created(): when
 * each of the '*n' objects in 'about' was created.  NULL: the kind needs
 * none. */
int64_t *event_scope_created(const struct northbound *, enum event_kind,
                             const struct ds *about, size_t *n);

#endif /* controller/northbound/event-scope.h */
