/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys by which repeated requests are recognised (the header
 * Idempotency-Key): those of revisions that were made with one, by their
 * author.  For controller/model alone; a request says by 'key' and 'digest' of
 * struct model_request what it is.  Not for what a repeated request is replied
 * (controller/northbound). */

#ifndef CONTROLLER_MODEL_REQUEST_KEYS_H
#define CONTROLLER_MODEL_REQUEST_KEYS_H 1

#include <stdint.h>

struct model_log;
struct request_keys;
struct txn;

struct request_keys *request_keys_create(void);
void request_keys_destroy(struct request_keys *);

/* Adds the key of the revision that 'log' is of, if it has one. */
void request_keys_add(struct request_keys *, const struct model_log *);
/* Takes it back: the revision is not to be. */
void request_keys_undo(struct request_keys *, const struct model_log *);
/* Forgets keys that are older than MODEL_KEYS_MS by the newest one, and beyond
 * MODEL_KEYS_MAX the oldest of the author with the most.  Nothing may be taken
 * back after this. */
void request_keys_trim(struct request_keys *);

/* Returns the revision that has the key of the author of 'who' at 'now_ms',
 * and sets '*digest' to what was requested; 0: none has. */
uint64_t request_keys_find(const struct request_keys *, const char *who,
                           const char *key, int64_t now_ms,
                           const char **digest);

/* Returns the revision that the request has made already, if it is a repeated
 * one, else 0.  One that may not be applied gets an error. */
uint64_t request_keys_check(struct txn *);

#endif /* controller/model/request-keys.h */
