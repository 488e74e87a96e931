/* SPDX-License-Identifier: Apache-2.0
 *
 * The insides of the SQLite provider, shared by its .c files and its tests
 * alone.
 *
 * An int that is returned is a positive errno, with a sentence in '*text' that
 * the caller frees, or 0. */

#ifndef CONTROLLER_STORE_STORE_PRIVATE_H
#define CONTROLLER_STORE_STORE_PRIVATE_H 1

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#include "controller/model/numbers.h"
#include "controller/schema/schema.h"
#include "controller/store/store.h"

/* The format that this program writes, in PRAGMA user_version.  A new format
 * needs a step in store-format.c. */
#define STORE_FORMAT 1
/* In PRAGMA application_id: "vmn1". */
#define STORE_APPLICATION_ID 0x766d6e31
/* How many revisions the log keeps. */
#define STORE_LOG_MAX 200000

/* store-format.c: what is in the file.  ----------------------------------- */

/* One step from format 'from' to the next.  'sql' NULL ends an array. */
struct store_step {
    int from;
    const char *sql;
};

/* Checks that the database is ours, whole, and not newer than 'latest';
 * creates everything if it is empty, or takes the steps that are missing. */
int store_format_check(sqlite3 *, const char *path,
                       const struct store_step *, int latest, char **text);
extern const struct store_step store_steps[];

/* Columns of a table in the order of its statements: "name", then the fields,
 * then the given-out values, then STORE_META_COLUMNS. */
#define STORE_META_COLUMNS 4    /* revision, created_ms, updated_ms,
                                 * apply_set. */
/* Statements on a table, as SQL that the caller frees. */
char *store_sql_create(const struct schema_table *);
char *store_sql_upsert(const struct schema_table *);
char *store_sql_select(const struct schema_table *);

/* True if the field is kept as JSON text. */
bool store_is_json(const struct schema_field *);

/* store-batch.c: writing.  ------------------------------------------------ */

/* What one transaction writes. */
struct store_batch {
    struct model_pending pending;   /* Borrowed from the model. */
    size_t n_numbers;
    struct number_write *numbers;   /* Owned, strings included. */
};
void store_batch_init(struct store_batch *, struct model *);
void store_batch_uninit(struct store_batch *);

/* Prepared statements of the writing connection. */
struct store_statements {
    sqlite3_stmt *begin, *commit, *rollback;
    sqlite3_stmt *upsert[VMN_N_TABLES];
    sqlite3_stmt *delete_[VMN_N_TABLES];
    sqlite3_stmt *number_delete, *number_insert;
    sqlite3_stmt *log_insert, *log_trim;
};
int store_statements_prepare(struct store_statements *, sqlite3 *,
                             char **text);
void store_statements_finalize(struct store_statements *);

/* Writes 'batch' in one transaction: all of it or nothing.  Called by the
 * writer's thread. */
int store_batch_write(const struct store_batch *, sqlite3 *,
                      struct store_statements *, char **text);

/* store-load.c: reading.  ------------------------------------------------- */
int store_load(sqlite3 *, const char *path, struct model *, char **text);

/* A positive errno for what the connection was refused last, and "DOING:
 * REASON" in '*text'. */
int store_error(sqlite3 *, char **text, const char *doing);

#endif /* controller/store/store-private.h */
