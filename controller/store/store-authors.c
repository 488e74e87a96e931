/* SPDX-License-Identifier: Apache-2.0
 *
 * How much of the log of changes each author has: entries of people, and bytes
 * of contents.  Kept in memory beside the tables, since nearly every batch
 * changes it, and counted anew after a batch that failed.  It says whose
 * entries are deleted first, so that nobody displaces those of others.  Used
 * by the writer thread alone.  Not for deleting (store-retention.c,
 * store-log-contents.c). */

#include <config.h>

#include "controller/store/store-private.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/shash.h"
#include "util.h"

struct store_author {
    const char *name;           /* Of its node. */
    int64_t has[STORE_N_SHARES];
    size_t at[STORE_N_SHARES];  /* In the heaps. */
};

/* Heaps.  A full log asks who has most with each batch, and of authors there
 * may be as many as entries.  --------------------------------------------- */

/* Returns true if 'a' is to be before 'b': has more, or of equals is the first
 * by name. */
static bool
is_before(const struct store_author *a, const struct store_author *b,
          enum store_share share)
{
    return (a->has[share] != b->has[share] ? a->has[share] > b->has[share]
            : strcmp(a->name, b->name) < 0);
}

static void
heap_put(struct store_author **heap, size_t i, struct store_author *author,
         enum store_share share)
{
    heap[i] = author;
    author->at[share] = i;
}

/* Moves an author whose share has changed to where it belongs, in a heap of
 * 'n'. */
static void
heap_move(struct store_author **heap, size_t n, struct store_author *author,
          enum store_share share)
{
    size_t i = author->at[share];

    while (i && is_before(author, heap[(i - 1) / 2], share)) {
        heap_put(heap, i, heap[(i - 1) / 2], share);
        i = (i - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < n && is_before(heap[child + 1], heap[child], share)) {
            child++;
        }
        if (child >= n || !is_before(heap[child], author, share)) {
            break;
        }
        heap_put(heap, i, heap[child], share);
        i = child;
    }
    heap_put(heap, i, author, share);
}

/* Adds an author who has nothing yet. */
static struct store_author *
add_author(struct store_authors *authors, const char *who, size_t length)
{
    struct store_author *author = xzalloc(sizeof *author);
    size_t n = shash_count(&authors->by_name);
    struct shash_node *node = shash_add_nocopy(
        &authors->by_name, xmemdup0(who, length), author);

    author->name = node->name;
    if (n >= authors->allocated) {
        authors->allocated = MAX(8, 2 * authors->allocated);
        for (int i = 0; i < STORE_N_SHARES; i++) {
            authors->heaps[i] = xrealloc(authors->heaps[i],
                                         authors->allocated
                                         * sizeof *authors->heaps[i]);
        }
    }
    for (int i = 0; i < STORE_N_SHARES; i++) {
        heap_put(authors->heaps[i], n, author, i);
    }
    return author;
}

static void
remove_author(struct store_authors *authors, struct shash_node *node)
{
    struct store_author *author = node->data;
    size_t n = shash_count(&authors->by_name) - 1;

    for (int i = 0; i < STORE_N_SHARES; i++) {
        struct store_author *last = authors->heaps[i][n];

        if (last != author) {
            last->at[i] = author->at[i];
            heap_move(authors->heaps[i], n, last, i);
        }
    }
    shash_delete(&authors->by_name, node);
    free(author);
}

/* Authors.  --------------------------------------------------------------- */

void
store_authors_init(struct store_authors *authors)
{
    memset(authors, 0, sizeof *authors);
    shash_init(&authors->by_name);
}

void
store_authors_uninit(struct store_authors *authors)
{
    if (authors->by_name.map.buckets) { /* It was initialized. */
        shash_destroy_free_data(&authors->by_name);
    }
    for (int i = 0; i < STORE_N_SHARES; i++) {
        free(authors->heaps[i]);
    }
}

void
store_authors_add(struct store_authors *authors, const char *who,
                  int64_t entries, int64_t bytes)
{
    const int64_t more[] = {
        [STORE_ENTRIES] = entries, [STORE_BYTES] = bytes,
    };
    size_t length = strcspn(who, "/");
    struct shash_node *node = shash_find_len(&authors->by_name, who, length);
    struct store_author *author = node ? node->data
                                       : add_author(authors, who, length);

    for (int i = 0; i < STORE_N_SHARES; i++) {
        author->has[i] += more[i];
        heap_move(authors->heaps[i], shash_count(&authors->by_name), author,
                  i);
    }
    authors->entries += entries;
    authors->bytes += bytes;
    if (!author->has[STORE_ENTRIES] && !author->has[STORE_BYTES]) {
        remove_author(authors, shash_find_len(&authors->by_name, who,
                                              length));
    }
}

/* Adds the rows of a statement: author, entries and bytes. */
static int
add_rows(struct store_authors *authors, sqlite3 *db, const char *sql,
         struct vmn_error *why)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(stmt);
        if (code == SQLITE_ROW) {
            const char *who = (const char *) sqlite3_column_text(stmt, 0);

            if (!who) {
                out_of_memory();    /* It is never NULL in the tables. */
            }
            store_authors_add(authors, who, sqlite3_column_int64(stmt, 1),
                              sqlite3_column_int64(stmt, 2));
        }
    }
    int error = code == SQLITE_DONE ? 0 : store_error(db, why,
                                                      "cannot read the log");
    sqlite3_finalize(stmt);
    return error;
}

int
store_authors_count(struct store_authors *authors, sqlite3 *db,
                    struct vmn_error *why)
{
    int error;

    store_authors_uninit(authors);
    store_authors_init(authors);
    error = add_rows(authors, db, "SELECT " STORE_LOG_AUTHOR("who")
                     ", sum(" STORE_LOG_WEIGHT "), 0 FROM revisions "
                     "WHERE " STORE_LOG_PEOPLE " GROUP BY 1", why);
    error = error ? error
            : add_rows(authors, db, "SELECT author, 0, sum(size) "
                       "FROM contents GROUP BY 1", why);
    authors->counted = !error;
    return error;
}

/* Returns who is first in a heap, or NULL if nobody has anything. */
static const struct store_author *
first_of(const struct store_authors *authors, enum store_share share)
{
    const struct store_author *first = (shash_is_empty(&authors->by_name)
                                        ? NULL : authors->heaps[share][0]);

    return first && first->has[share] > 0 ? first : NULL;
}

const char *
store_authors_most_entries(const struct store_authors *authors, int64_t *more)
{
    const struct store_author *first = first_of(authors, STORE_ENTRIES);
    size_t n = shash_count(&authors->by_name);
    int64_t second = 0;

    /* The second is one of the two below the first. */
    for (size_t i = 1; i < MIN(n, 3); i++) {
        second = MAX(second, authors->heaps[STORE_ENTRIES][i]
                             ->has[STORE_ENTRIES]);
    }
    *more = first ? first->has[STORE_ENTRIES] - second : 0;
    return first ? first->name : NULL;
}

const char *
store_authors_most_bytes(const struct store_authors *authors)
{
    const struct store_author *first = first_of(authors, STORE_BYTES);

    return first ? first->name : NULL;
}
