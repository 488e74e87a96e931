/* SPDX-License-Identifier: Apache-2.0
 *
 * Ids of events for accounts with a scope.  They name positions in the log of
 * events, so that a stream can go on at exactly the next one, and are hashes
 * under a key that this process draws by lot, so that they tell nothing: not
 * how many other events there were, nor whether there was any.  Those of
 * another process, such as another member of a cluster, or this one before a
 * restart, are not known here.
 *
 * For event-streams.c alone. */

#ifndef CONTROLLER_NORTHBOUND_EVENT_SCOPE_IDS_H
#define CONTROLLER_NORTHBOUND_EVENT_SCOPE_IDS_H 1

#include <stdbool.h>
#include <stdint.h>

/* So many streams that have begun are remembered, the newest, in all and of
 * one account: one that was not sent an event since can resume.  So an account
 * that opens streams again and again makes its own be forgotten, and not those
 * of others; some thirty that do so at once would. */
#define EVENT_SCOPE_BEGUN_MAX 8192
#define EVENT_SCOPE_BEGUN_ACCOUNT_MAX 256

struct event_scope_ids;

struct event_scope_ids *event_scope_ids_create(void);
void event_scope_ids_destroy(struct event_scope_ids *);

/* Returns the id of the event at position 'at': the same each time; less than
 * 2^53, which JavaScript has exactly. */
uint64_t event_scope_id(const struct event_scope_ids *, uint64_t at);
/* Returns an id for a stream of the account that begins at position 'next':
 * another one each time. */
uint64_t event_scope_begin_id(struct event_scope_ids *, const char *account,
                              uint64_t next);
/* Sets '*next' to the position behind 'id', which is looked for among the
 * events from 'oldest' to 'end' (excluded), and the one before these, and
 * among streams that have begun.  Returns false if it is not known. */
bool event_scope_id_find(const struct event_scope_ids *, uint64_t id,
                         uint64_t oldest, uint64_t end, uint64_t *next);

#endif /* controller/northbound/event-scope-ids.h */
