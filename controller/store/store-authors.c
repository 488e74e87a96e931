/* SPDX-License-Identifier: Apache-2.0
 *
 * How much of the log of changes each author has: entries of people, and bytes
 * of contents.  Kept in memory beside the tables, since nearly every batch
 * changes it, and counted anew after a batch that failed.  It says whose
 * entries are deleted first, so that nobody displaces those of others.  Used
 * by the writer thread alone.  Not for deleting (store-retention.c,
 * store-contents.c). */

#include <config.h>

#include "controller/store/store-private.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/shash.h"
#include "util.h"

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
}

void
store_authors_add(struct store_authors *authors, const char *who,
                  int64_t entries, int64_t bytes)
{
    size_t length = strcspn(who, "/");
    struct shash_node *node = shash_find_len(&authors->by_name, who, length);
    struct store_author *author;

    if (!node) {
        node = shash_add_nocopy(&authors->by_name, xmemdup0(who, length),
                                xzalloc(sizeof *author));
    }
    author = node->data;
    author->entries += entries;
    author->bytes += bytes;
    authors->entries += entries;
    authors->bytes += bytes;
    if (!author->entries && !author->bytes) {
        shash_delete(&authors->by_name, node);
        free(author);
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
                     ", count(*), 0 FROM revisions "
                     "WHERE " STORE_LOG_PEOPLE " GROUP BY 1", why);
    error = error ? error
            : add_rows(authors, db, "SELECT author, 0, sum(size) "
                       "FROM contents GROUP BY 1", why);
    authors->counted = !error;
    return error;
}

const char *
store_authors_most_entries(const struct store_authors *authors, int64_t *more)
{
    const struct shash_node *most = NULL, *node;
    int64_t first = 0, second = 0;

    SHASH_FOR_EACH (node, &authors->by_name) {
        const struct store_author *author = node->data;

        if (author->entries > first
            || (author->entries == first && most
                && strcmp(node->name, most->name) < 0)) {
            second = first;
            first = author->entries;
            most = node;
        } else {
            second = MAX(second, author->entries);
        }
    }
    *more = first - second;
    return first ? most->name : NULL;
}

const char *
store_authors_most_bytes(const struct store_authors *authors)
{
    const struct shash_node *most = NULL, *node;
    int64_t bytes = 0;

    SHASH_FOR_EACH (node, &authors->by_name) {
        const struct store_author *author = node->data;

        if (author->bytes > bytes
            || (author->bytes == bytes && most
                && strcmp(node->name, most->name) < 0)) {
            bytes = author->bytes;
            most = node;
        }
    }
    return bytes ? most->name : NULL;
}
