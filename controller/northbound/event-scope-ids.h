/* SPDX-License-Identifier: Apache-2.0
 *
 * Ids of events for accounts with a scope.  They name the ids that others are
 * told, so that a stream can go on at exactly the next one, and are hashes
 * under a key that is drawn by lot, so that they tell nothing: not how many
 * other events there were, nor whether there was any.  Those of another
 * process, or of this one before a restart, are not known here; but those of
 * events of another member of a cluster are that were made with the same key.
 * What a stream begins with is of one process, whatever the key.
 *
 * For event-log.c and who has an event_log. */

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

/* The key, of EVENT_SCOPE_KEY_SIZE bytes, which other members may have, too.
 * With another one no id is known any more. */
#define EVENT_SCOPE_KEY_SIZE 16
const uint8_t *event_scope_ids_key(const struct event_scope_ids *);
void event_scope_ids_set_key(struct event_scope_ids *, const uint8_t *key);

/* Returns the id of the event with id 'id': the same each time; less than
 * 2^53, which JavaScript has exactly. */
uint64_t event_scope_id(const struct event_scope_ids *, uint64_t id);
/* Returns an id for a stream of the account that begins at position 'next':
 * another one each time. */
uint64_t event_scope_begin_id(struct event_scope_ids *, const char *account,
                              uint64_t next);
/* Sets '*next' to the number behind the one whose id is 'id', which is looked
 * for among events from 'oldest' to 'end' (excluded), and the one before
 * these.  Returns false if it is none of them. */
bool event_scope_id_find(const struct event_scope_ids *, uint64_t id,
                         uint64_t oldest, uint64_t end, uint64_t *next);
/* Sets '*next' to the position at which the stream began whose first id was
 * 'id'.  Returns false if it is not known. */
bool event_scope_id_find_begun(const struct event_scope_ids *, uint64_t id,
                               uint64_t *next);

#endif /* controller/northbound/event-scope-ids.h */
