/* SPDX-License-Identifier: Apache-2.0
 *
 * What belongs to which app: relations, ID pools, and the keys of IDs in pools
 * that all apps share.  Not for registers (apphost/stage-registers.h). */

#ifndef CONTROLLER_ENGINE_OWNERSHIP_H
#define CONTROLLER_ENGINE_OWNERSHIP_H 1

#include <stdbool.h>

struct vmn_view;

/* Returns true if the app that computes in the view may publish at 'key' of
 * the relation: its own, or one that the vocabulary opens to all, of which
 * VMN_REL_PROBE_TARGETS has keys that are an app's own.  Otherwise fails the
 * view, with a sentence that names unit, relation and owner. */
bool ownership_check_relation(struct vmn_view *, const char *relation,
                              const char *key);
/* The same of allocating IDs of a pool: the app's own, or a shared one. */
bool ownership_check_pool(struct vmn_view *, const char *pool);

/* Says whether 'name', a query that does not exist, may be read as one without
 * values: it may be of an app that is not loaded, or whose version lacks it,
 * but not of the view's own app or of VMN's. */
bool ownership_check_query(struct vmn_view *, const char *name);

/* Returns the key by which the ID that the view's app calls 'key' is in the
 * pool: the same one, in the view's memory if need be.  In shared pools, what
 * an app of others calls by a key of its own begins with "app/NAME/", so that
 * it is nobody else's; keys that the vocabulary defines mean the same to
 * all. */
const char *ownership_id_key(struct vmn_view *, const char *pool,
                             const char *key);
/* Returns 'key', which is in a shared pool, without "app/NAME/". */
const char *ownership_plain_key(const char *key);

#endif /* controller/engine/ownership.h */
