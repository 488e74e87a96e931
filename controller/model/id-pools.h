/* SPDX-License-Identifier: Apache-2.0
 *
 * The stored table (kind, key) -> number: whatever reaches a switch and stays
 * there (VNI, identity, zone, conjunction, group, host number).
 *
 * A number is in use while it has references.  Without, it is retired: it
 * keeps its key (and comes back to life by a new reference) until every host
 * has acknowledged the revision in which it was retired; then it is free.  So
 * numbers survive restarts and no switch ever sees one with two meanings.
 * Nothing is undone when a revision is: a number too many is only retired. */

#ifndef CONTROLLER_MODEL_ID_POOLS_H
#define CONTROLLER_MODEL_ID_POOLS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ds;
struct id_pools;
struct id_entry;                /* One entry. */

struct id_pools *id_pools_create(void);
void id_pools_destroy(struct id_pools *);

/* Declares a kind with numbers 1 to 'max'.  Again with the same 'max' is
 * fine; with another one EEXIST. */
int id_pools_declare(struct id_pools *, const char *kind, uint32_t max);

/* The entry of (kind, key), made with a number of its own if there is none; a
 * number that was not used lately is preferred.  Takes a reference.  NULL if
 * the kind is unknown or has no number left. */
struct id_entry *id_pools_ref(struct id_pools *, const char *kind,
                              const char *key);
struct id_entry *id_pools_ref_again(struct id_entry *);
void id_pools_unref(struct id_pools *, struct id_entry *);
uint32_t id_entry_value(const struct id_entry *);

/* An entry that was just made may still be taken back by id_pools_cancel(),
 * which drops a reference as if it had never been taken: for a request that is
 * refused.  id_pools_keep() ends that. */
void id_pools_keep(struct id_entry *);
void id_pools_cancel(struct id_pools *, struct id_entry *);

/* As id_pools_ref(), for a number that was asked for.  EEXIST if another key
 * has it or may still have it on a switch; '*owner' then names that key. */
int id_pools_claim(struct id_pools *, const char *kind, const char *key,
                   uint32_t value, struct id_entry **, const char **owner);

/* The number of (kind, key) or 0, without taking a reference. */
uint32_t id_pools_peek(const struct id_pools *, const char *kind,
                       const char *key);
/* The key of (kind, number), or NULL. */
const char *id_pools_key_of(const struct id_pools *, const char *kind,
                            uint32_t value);

/* Numbers that lose their last reference from now on are retired in
 * 'revision'. */
void id_pools_set_revision(struct id_pools *, uint64_t revision);
/* Frees what was retired in 'revision' or before: every host, also those that
 * are offline, has acknowledged it. */
void id_pools_acked(struct id_pools *, uint64_t revision);
/* How many numbers of 'kind' that has freed so far. */
uint64_t id_pools_n_freed(const struct id_pools *, const char *kind);

/* A trial: what happens to entries between these two leaves no trace but in
 * references that are still held at its end.  An entry that was made in it and
 * has none is forgotten, its pending write too; one that lost and regained its
 * references is as it was; and so is the one whose turn is next.  The store
 * and acknowledgements must not come in between. */
void id_pools_begin_trial(struct id_pools *);
void id_pools_end_trial(struct id_pools *);

/* For the store: entries made or freed since the last id_pools_written().
 * An entry that is retired is still written as it was.  Valid until the next
 * call that changes numbers; the store copies it. */
struct id_write {
    const char *kind;
    const char *key;
    uint32_t value;             /* 0: freed. */
};
void id_pools_get_pending(struct id_pools *, size_t *n,
                          const struct id_write **);
void id_pools_written(struct id_pools *);
/* True if id_pools_get_pending() has something to return. */
bool id_pools_has_pending(const struct id_pools *);

/* All entries, as if each had just been made.  The caller frees the array;
 * strings are borrowed until the next call that changes numbers. */
struct id_write *id_pools_get_all(const struct id_pools *, size_t *n);

/* Appends all there is, a line each, in an order that follows from the content
 * alone: for people, and for tests that compare. */
void id_pools_format(const struct id_pools *, struct ds *);

/* Puts an entry back at start, retired. EEXIST if (kind, key) or the number is
 * taken. */
int id_pools_load(struct id_pools *, const char *kind, const char *key,
                  uint32_t value);

#endif /* controller/model/id-pools.h */
