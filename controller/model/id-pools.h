/* SPDX-License-Identifier: Apache-2.0
 *
 * ID pools: the stored table (pool, key) -> ID of whatever reaches a switch
 * and stays there (VNI, identity, zone, conjunction, group, host number).
 *
 * An ID is in use while it has references.  Without any it is retired: it
 * keeps its key, and a new reference puts it into use again, until every host
 * has acknowledged the revision in which it was retired; then it is free.  So
 * IDs survive restarts, and no switch ever sees one with two meanings.
 * Undoing a revision undoes nothing here: an ID that is not needed is only
 * retired. */

#ifndef CONTROLLER_MODEL_ID_POOLS_H
#define CONTROLLER_MODEL_ID_POOLS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ds;
struct id_pools;
struct id_entry;                /* An allocated ID. */

struct id_pools *id_pools_create(void);
void id_pools_destroy(struct id_pools *);

/* Declares a pool of IDs 1 to 'max'.  Declaring it again with the same 'max'
 * does nothing; with another one it returns EEXIST. */
int id_pools_declare(struct id_pools *, const char *pool, uint32_t max);

/* While the pools are frozen, id_pools_ref() allocates nothing, and
 * id_pools_acked() frees nothing: another member of the cluster does, and
 * id_pools_replicate() sets what it has allocated and freed.  A claim is of a
 * row that this member has of the other, and takes what is asked for. */
void id_pools_set_frozen(struct id_pools *, bool frozen);

/* Returns the entry of (pool, key), with a new reference.  Allocates an ID if
 * there is none, preferring one that was not used lately.  Returns NULL if the
 * pool is unknown, exhausted or frozen. */
struct id_entry *id_pools_ref(struct id_pools *, const char *pool,
                              const char *key);
struct id_entry *id_pools_ref_again(struct id_entry *);
void id_pools_unref(struct id_pools *, struct id_entry *);
uint32_t id_entry_value(const struct id_entry *);
/* Returns its key, and sets its pool's name. */
const char *id_entry_key(const struct id_entry *, const char **pool);

/* Drops a reference to an entry that was just allocated as if it had never
 * been taken, for a request that is rejected.  id_pools_keep() says that there
 * will be no id_pools_cancel(). */
void id_pools_keep(struct id_entry *);
void id_pools_cancel(struct id_pools *, struct id_entry *);

/* As id_pools_ref(), for a given ID.  The key must end in "=ID", which tells
 * it apart after a restart.  Returns 0 with the entry, EINVAL if the pool does
 * not have such an ID, or EEXIST if another key has the ID or may still have
 * it on a switch; '*owner' then names that key. */
int id_pools_claim(struct id_pools *, const char *pool, const char *key,
                   uint32_t value, struct id_entry **, const char **owner);

/* Returns the ID of (pool, key) or 0, without taking a reference. */
uint32_t id_pools_peek(const struct id_pools *, const char *pool,
                       const char *key);
/* Returns the key that has the ID, or NULL. */
const char *id_pools_key_of(const struct id_pools *, const char *pool,
                            uint32_t value);

/* Sets the revision in which IDs that lose their last reference from now on
 * are retired. */
void id_pools_set_revision(struct id_pools *, uint64_t revision);
/* Frees the IDs that were retired in 'revision' or before: every host, offline
 * ones included, has acknowledged it. */
void id_pools_acked(struct id_pools *, uint64_t revision);
/* Returns how often a free ID of 'pool' has become available since none was
 * to be had, at least: by that, here or at another member of the cluster, or
 * by the end of id_pools_set_frozen(). */
uint64_t id_pools_n_freed(const struct id_pools *, const char *pool);

/* A dry run: what happens to entries between these two calls leaves no trace
 * except in references that are still held at its end.  An entry that was
 * allocated in it and has no reference is forgotten, with its pending write;
 * an entry that lost and regained its references is as it was; and so is the
 * ID that is allocated next.  The store and acknowledgements must not come in
 * between. */
void id_pools_begin_dry_run(struct id_pools *);
void id_pools_end_dry_run(struct id_pools *);

/* For the store: sets '*writes' to the entries that were allocated or freed
 * since the last id_pools_written().  A retired entry is still stored as it
 * was.  Valid until the next call that changes IDs; the store copies it. */
struct id_write {
    const char *pool;
    const char *key;
    uint32_t value;             /* 0: freed. */
};
void id_pools_get_pending(struct id_pools *, size_t *n,
                          const struct id_write **writes);
void id_pools_written(struct id_pools *);
/* Returns true if id_pools_get_pending() has something to return. */
bool id_pools_has_pending(const struct id_pools *);

/* Returns all entries, as if each had just been allocated.  The caller frees
 * the array; strings are borrowed until the next call that changes IDs. */
struct id_write *id_pools_get_all(const struct id_pools *, size_t *n);

/* Appends all entries, a line each, in an order that depends on the content
 * alone: for users, and for tests that compare. */
void id_pools_format(const struct id_pools *, struct ds *);

/* Loads a stored entry, as retired.  Returns EEXIST if (pool, key) or the ID
 * is taken. */
int id_pools_load(struct id_pools *, const char *pool, const char *key,
                  uint32_t value);

/* Sets stored entries as another member of a cluster has them, to be written:
 * those with value 0 were freed.  Returns 0, or EINVAL if one is in use here
 * with another ID, or its ID is another key's. */
int id_pools_replicate(struct id_pools *, const struct id_write *, size_t n);

#endif /* controller/model/id-pools.h */
