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

#ifndef CONTROLLER_MODEL_NUMBERS_H
#define CONTROLLER_MODEL_NUMBERS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ds;
struct numbers;
struct number;                  /* One entry. */

struct numbers *numbers_create(void);
void numbers_destroy(struct numbers *);

/* Declares a kind with numbers 1 to 'max'.  Again with the same 'max' is
 * fine; with another one EEXIST. */
int numbers_declare(struct numbers *, const char *kind, uint32_t max);

/* The entry of (kind, key), made with a number of its own if there is none; a
 * number that was not used lately is preferred.  Takes a reference.  NULL if
 * the kind is unknown or has no number left. */
struct number *numbers_ref(struct numbers *, const char *kind,
                           const char *key);
struct number *numbers_ref_again(struct number *);
void numbers_unref(struct numbers *, struct number *);
uint32_t number_value(const struct number *);

/* An entry that was just made may still be taken back by numbers_cancel(),
 * which drops a reference as if it had never been taken: for a request that is
 * refused.  numbers_keep() ends that. */
void numbers_keep(struct number *);
void numbers_cancel(struct numbers *, struct number *);

/* As numbers_ref(), for a number that was asked for.  EEXIST if another key
 * has it or may still have it on a switch; '*owner' then names that key. */
int numbers_claim(struct numbers *, const char *kind, const char *key,
                  uint32_t value, struct number **, const char **owner);

/* The number of (kind, key) or 0, without taking a reference. */
uint32_t numbers_peek(const struct numbers *, const char *kind,
                      const char *key);
/* The key of (kind, number), or NULL. */
const char *numbers_key_of(const struct numbers *, const char *kind,
                           uint32_t value);

/* Numbers that lose their last reference from now on are retired in
 * 'revision'. */
void numbers_set_revision(struct numbers *, uint64_t revision);
/* Frees what was retired in 'revision' or before: every host, also those that
 * are offline, has acknowledged it. */
void numbers_acked(struct numbers *, uint64_t revision);
/* How many numbers of 'kind' that has freed so far. */
uint64_t numbers_n_freed(const struct numbers *, const char *kind);

/* A trial: what happens to entries between these two leaves no trace but in
 * references that are still held at its end.  An entry that was made in it and
 * has none is forgotten, its pending write too; one that lost and regained its
 * references is as it was; and so is the one whose turn is next.  The store
 * and acknowledgements must not come in between. */
void numbers_begin_trial(struct numbers *);
void numbers_end_trial(struct numbers *);

/* For the store: entries made or freed since the last numbers_written().
 * An entry that is retired is still written as it was.  Valid until the next
 * call that changes numbers; the store copies it. */
struct number_write {
    const char *kind;
    const char *key;
    uint32_t value;             /* 0: freed. */
};
void numbers_get_pending(struct numbers *, size_t *n,
                         const struct number_write **);
void numbers_written(struct numbers *);
/* True if numbers_get_pending() has something to return. */
bool numbers_has_pending(const struct numbers *);

/* All entries, as if each had just been made.  The caller frees the array;
 * strings are borrowed until the next call that changes numbers. */
struct number_write *numbers_get_all(const struct numbers *, size_t *n);

/* Appends all there is, a line each, in an order that follows from the content
 * alone: for people, and for tests that compare. */
void numbers_format(const struct numbers *, struct ds *);

/* Puts an entry back at start, retired. EEXIST if (kind, key) or the number is
 * taken. */
int numbers_load(struct numbers *, const char *kind, const char *key,
                 uint32_t value);

#endif /* controller/model/numbers.h */
