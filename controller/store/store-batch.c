/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes a batch of rows, IDs, cursors and log entries in one transaction.
 * Runs in the writer thread: it accesses only rows, which do not change, and
 * its connection, and calls nothing of libopenvswitch except xmalloc(). */

#include <config.h>

#include "controller/store/store-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/schema-origin.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "timeval.h"
#include "util.h"

/* Sets whose newest revision is kept: those that changed last. */
#define SETS_MAX 10000
#define STRINGIZE(X) STRINGIZE2(X)
#define STRINGIZE2(X) #X

/* Copies the IDs: the model's may change while they are written. */
static void
copy_ids(struct store_batch *batch, const struct model *model, size_t n,
         const struct id_write *ids)
{
    batch->n_ids = n;
    batch->ids = xmalloc(MAX(n, 1) * sizeof *batch->ids);
    for (size_t i = 0; i < n; i++) {
        batch->ids[i].pool = xstrdup(ids[i].pool);
        batch->ids[i].key = xstrdup(ids[i].key);
        batch->ids[i].value = ids[i].value;
        model_yield(model);
    }
}

void
store_batch_init(struct store_batch *batch, struct model *model)
{
    const struct id_write *ids;
    size_t n;

    memset(batch, 0, sizeof *batch);
    batch->revision = model_revision(model);
    model_get_pending(model, &batch->pending);
    id_pools_get_pending(model_id_pools(model), &n, &ids);
    copy_ids(batch, model, n, ids);
    model_get_cursors(model, &batch->cursors);
}

void
store_batch_uninit(struct store_batch *batch)
{
    for (size_t i = 0; i < batch->n_ids; i++) {
        free(CONST_CAST(char *, batch->ids[i].pool));
        free(CONST_CAST(char *, batch->ids[i].key));
    }
    free(batch->ids);
    free(batch->cursors.cursors);
    memset(batch, 0, sizeof *batch);
}

static struct model_write *
all_rows(struct model *model, size_t *n)
{
    struct model_write *writes = NULL;
    size_t allocated = 0;

    *n = 0;
    for (int i = 0; i < VMN_N_TABLES; i++) {
        struct model_meta meta;
        const struct vmn_row *row;
        const char *after = "";

        while (schema_tables[i]->stored
               && (row = model_next_durable(model, i, after, &meta))) {
            if (*n >= allocated) {
                writes = x2nrealloc(writes, &allocated, sizeof *writes);
            }
            writes[(*n)++] = (struct model_write) {
                .table = i, .name = row->name, .row = row, .meta = meta,
            };
            after = row->name;
        }
    }
    return writes;
}

void
store_batch_init_all(struct store_batch *batch, struct model *model,
                     struct model_log *log)
{
    struct id_write *ids;
    size_t n;

    memset(batch, 0, sizeof *batch);
    *log = (struct model_log) {
        .revision = model_durable_revision(model),
        .time_ms = time_wall_msec(),
        .who = ORIGIN_NAME_VMND,
        .summary = "[{\"op\":\"save\",\"type\":\"database\","
                   "\"name\":\"from-memory\"}]",
        .stored = true,
    };
    batch->pending.writes = all_rows(model, &batch->pending.n_writes);
    batch->pending.logs = log;
    batch->pending.n_logs = 1;
    ids = id_pools_get_all(model_id_pools(model), &n);
    copy_ids(batch, model, n, ids);
    free(ids);
    model_get_all_cursors(model, &batch->cursors);
}

void
store_batch_uninit_all(struct store_batch *batch)
{
    free(CONST_CAST(struct model_write *, batch->pending.writes));
    store_batch_uninit(batch);
}

/* Statements.  ------------------------------------------------------------ */

static bool
prepare(sqlite3 *db, const char *sql, sqlite3_stmt **stmt)
{
    return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt,
                              NULL) == SQLITE_OK;
}

static bool
prepare_table(struct store_statements *s, sqlite3 *db,
              const struct schema_table *table)
{
    char *upsert = store_sql_upsert(table);
    char *update = store_sql_update(table);
    char *delete_ = xasprintf("DELETE FROM \"%s\" WHERE \"name\" = ?",
                              table->plural);
    bool ok = prepare(db, upsert, &s->upsert[table->id])
              && (!update || prepare(db, update, &s->update[table->id]))
              && prepare(db, delete_, &s->delete_[table->id]);

    free(upsert);
    free(update);
    free(delete_);
    return ok;
}

static int
count_logs(struct store_statements *s, sqlite3 *db, struct vmn_error *why)
{
    int error = store_authors_count(&s->authors, db, why);

    return error ? error
           : store_get_int(db, "SELECT coalesce(sum(" STORE_LOG_WEIGHT "), 0) "
                           "FROM revisions WHERE " STORE_LOG_OTHERS,
                           &s->others, why);
}

/* Prepares the statements on the log besides that which inserts. */
static bool
prepare_log(struct store_statements *s, sqlite3 *db)
{
    return (prepare(db, "DELETE FROM revisions WHERE revision = ?",
                    &s->log_delete)
            && prepare(db, "INSERT INTO properties (name, value) VALUES "
                       "('" STORE_REVOCATIONS_TRIMMED "', ?) ON CONFLICT "
                       "(name) DO UPDATE SET value = "
                       "max(value, excluded.value)", &s->trimmed_upsert)
            && prepare(db, "INSERT OR REPLACE INTO properties (name, value) "
                       "VALUES ('" STORE_CLUSTER_INDEX "', ?), "
                       "('" STORE_CLUSTER_REVISION "', ?)",
                       &s->index_upsert)
            && prepare(db, "SELECT revision, who, " STORE_LOG_REVOKES ", "
                       STORE_LOG_WEIGHT " FROM revisions WHERE "
                       STORE_LOG_PEOPLE " AND time_ms < ? "
                       "ORDER BY time_ms LIMIT 1", &s->log_oldest_people)
            && prepare(db, "SELECT revision, who, 0, " STORE_LOG_WEIGHT
                       " FROM revisions WHERE "
                       STORE_LOG_OTHERS " ORDER BY revision LIMIT 1",
                       &s->log_oldest_others)
            && prepare(db, "SELECT revision, who, " STORE_LOG_REVOKES ", "
                       STORE_LOG_WEIGHT " FROM revisions WHERE "
                       STORE_LOG_PEOPLE " AND " STORE_LOG_AUTHOR("who")
                       " = ? ORDER BY revision LIMIT 1",
                       &s->log_oldest_author)
            && prepare(db, "INSERT INTO contents "
                       "(revision, author, size, objects) "
                       "VALUES (?, ?, ?, ?)", &s->contents_insert)
            && prepare(db, "SELECT revision, author, size FROM contents "
                       "WHERE revision = ?", &s->contents_find)
            && prepare(db, "SELECT revision, author, size FROM contents "
                       "WHERE author = ? ORDER BY revision LIMIT 1",
                       &s->contents_oldest)
            && prepare(db, "DELETE FROM contents WHERE revision = ?",
                       &s->contents_delete));
}

int
store_statements_prepare(struct store_statements *s, sqlite3 *db,
                         struct vmn_error *why)
{
    memset(s, 0, sizeof *s);
    s->keep = (struct store_retention) STORE_RETENTION_DEFAULT;

    store_authors_init(&s->authors);

    bool ok = prepare(db, "BEGIN IMMEDIATE", &s->begin)
              && prepare(db, "COMMIT", &s->commit)
              && prepare(db, "ROLLBACK", &s->rollback)
              && prepare(db, "DELETE FROM numbers WHERE kind = ? AND key = ?",
                         &s->id_delete)
              && prepare(db, "INSERT INTO numbers (kind, key, number) "
                         "VALUES (?, ?, ?)", &s->id_insert)
              && prepare(db, "DELETE FROM cursors WHERE network = ?",
                         &s->cursors_delete)
              && prepare(db, "INSERT OR REPLACE INTO cursors (network, "
                         "subnet, next) VALUES (?, ?, ?)", &s->cursor_upsert)
              && prepare(db, "INSERT INTO revisions "
                         "(revision, time_ms, who, changes, comment, undoes, "
                         "request_key, request_digest, draft, "
                         "draft_author) "
                         "VALUES (?, ?, ?, ?, ?, nullif(?, 0), ?, ?, ?, ?)",
                         &s->log_insert)
              && prepare(db, "INSERT OR REPLACE INTO sets (name, revision) "
                         "VALUES (?, ?)", &s->set_upsert)
              && prepare(db, "DELETE FROM sets WHERE name IN (SELECT name "
                         "FROM sets ORDER BY revision DESC LIMIT -1 OFFSET "
                         STRINGIZE(SETS_MAX) ")", &s->sets_trim)
              && store_objects_prepare(s, db)
              && prepare_log(s, db);

    for (int i = 0; ok && i < VMN_N_TABLES; i++) {
        ok = !schema_has_columns(schema_tables[i])
             || prepare_table(s, db, schema_tables[i]);
    }
    return ok ? count_logs(s, db, why)
              : store_error(db, why, "cannot prepare to write");
}

void
store_statements_finalize(struct store_statements *s)
{
    sqlite3_finalize(s->begin);
    sqlite3_finalize(s->commit);
    sqlite3_finalize(s->rollback);
    sqlite3_finalize(s->id_delete);
    sqlite3_finalize(s->id_insert);
    sqlite3_finalize(s->object_upsert);
    sqlite3_finalize(s->object_delete);
    sqlite3_finalize(s->cursors_delete);
    sqlite3_finalize(s->cursor_upsert);
    sqlite3_finalize(s->log_insert);
    sqlite3_finalize(s->set_upsert);
    sqlite3_finalize(s->sets_trim);
    sqlite3_finalize(s->log_delete);
    sqlite3_finalize(s->trimmed_upsert);
    sqlite3_finalize(s->index_upsert);
    sqlite3_finalize(s->log_oldest_people);
    sqlite3_finalize(s->log_oldest_others);
    sqlite3_finalize(s->log_oldest_author);
    sqlite3_finalize(s->contents_insert);
    sqlite3_finalize(s->contents_find);
    sqlite3_finalize(s->contents_oldest);
    sqlite3_finalize(s->contents_delete);
    ds_destroy(&s->text);
    for (int i = 0; i < VMN_N_TABLES; i++) {
        sqlite3_finalize(s->upsert[i]);
        sqlite3_finalize(s->update[i]);
        sqlite3_finalize(s->delete_[i]);
    }
    store_authors_uninit(&s->authors);
    memset(s, 0, sizeof *s);
}

/* Runs a statement that returns no rows, once. */
bool
store_statement_run(sqlite3_stmt *stmt)
{
    int code = sqlite3_step(stmt);

    sqlite3_reset(stmt);
    return code == SQLITE_DONE;
}

static void
bind_text(sqlite3_stmt *stmt, int column, const char *text)
{
    /* The text outlives the step. */
    sqlite3_bind_text(stmt, column, text, -1, SQLITE_STATIC);
}

/* Rows.  ------------------------------------------------------------------ */

/* Binds one field: lists and the like as JSON text. */
static void
bind_field(sqlite3_stmt *stmt, int column, const struct schema_field *f,
           const struct vmn_row *row, bool given)
{
    struct schema_scalar scalar;

    if (store_is_json(f)) {
        struct ds ds = DS_EMPTY_INITIALIZER;

        if (schema_field_print(f, row, given, &ds)) {
            sqlite3_bind_text(stmt, column, ds_steal_cstr(&ds), -1, free);
        } else {
            sqlite3_bind_null(stmt, column);
            ds_destroy(&ds);    /* What was begun is cut off, not freed. */
        }
    } else if (!schema_field_get(f, row, given, &scalar)) {
        sqlite3_bind_null(stmt, column);
    } else if (scalar.text) {
        sqlite3_bind_text(stmt, column, scalar.text, -1,
                          scalar.text == scalar.buf ? SQLITE_TRANSIENT
                                                    : SQLITE_STATIC);
    } else {
        sqlite3_bind_int64(stmt, column, scalar.number);
    }
}

static bool
write_row(const struct model_write *write, sqlite3_stmt *stmt)
{
    const struct schema_field *fields
        = schema_tables[write->table]->row.fields;
    int column = 1;

    bind_text(stmt, column++, write->name);
    for (const struct schema_field *f = fields; f->name; f++) {
        bind_field(stmt, column++, f, write->row, false);
    }
    for (const struct schema_field *f = fields; f->name; f++) {
        if (f->flags & SCHEMA_ASSIGNED) {
            bind_field(stmt, column++, f, write->row, true);
        }
    }
    sqlite3_bind_int64(stmt, column++, write->meta.revision);
    sqlite3_bind_int64(stmt, column++, write->meta.created_ms);
    sqlite3_bind_int64(stmt, column++, write->meta.updated_ms);
    bind_text(stmt, column++, write->meta.set);
    bind_text(stmt, column++, write->meta.unknown);
    return store_statement_run(stmt);
}

/* Writes a row: by the UPDATE if that finds it, otherwise by the upsert.  A
 * failed UPDATE is not followed by the upsert, since it may have ended the
 * transaction. */
static bool
put_row(const struct model_write *write, const struct store_statements *s)
{
    sqlite3_stmt *update = s->update[write->table];

    if (update) {
        if (!write_row(write, update)) {
            return false;
        }
        if (sqlite3_changes(sqlite3_db_handle(update))) {
            return true;
        }
    }
    return write_row(write, s->upsert[write->table]);
}

static bool
write_rows(const struct model_pending *pending, struct store_statements *s)
{
    for (size_t i = 0; i < pending->n_writes; i++) {
        const struct model_write *write = &pending->writes[i];
        bool ok;

        if (schema_is_own(write->table)) {
            ok = store_object_write(write, s);
        } else if (write->row) {
            ok = put_row(write, s);
        } else {
            bind_text(s->delete_[write->table], 1, write->name);
            ok = store_statement_run(s->delete_[write->table]);
        }
        if (!ok) {
            return false;
        }
    }
    return true;
}

/* Deletes all the keys first, then inserts those that have an ID: an ID may
 * pass from one key to another in one batch. */
static bool
write_ids(const struct store_batch *batch, struct store_statements *s)
{
    for (size_t i = 0; i < batch->n_ids; i++) {
        bind_text(s->id_delete, 1, batch->ids[i].pool);
        bind_text(s->id_delete, 2, batch->ids[i].key);
        if (!store_statement_run(s->id_delete)) {
            return false;
        }
    }
    for (size_t i = 0; i < batch->n_ids; i++) {
        if (!batch->ids[i].value) {
            continue;
        }
        bind_text(s->id_insert, 1, batch->ids[i].pool);
        bind_text(s->id_insert, 2, batch->ids[i].key);
        sqlite3_bind_int64(s->id_insert, 3, batch->ids[i].value);
        if (!store_statement_run(s->id_insert)) {
            return false;
        }
    }
    return true;
}

/* Writes the cursors.  Those of a network replace all that it had. */
static bool
write_cursors(const struct store_batch *batch, struct store_statements *s)
{
    for (size_t i = 0; i < batch->pending.n_writes; i++) {
        const struct model_write *write = &batch->pending.writes[i];

        if (write->table == VMN_TABLE_NETWORK && write->row) {
            bind_text(s->cursors_delete, 1, write->name);
            if (!store_statement_run(s->cursors_delete)) {
                return false;
            }
        }
    }
    for (size_t i = 0; i < batch->cursors.n; i++) {
        const struct model_cursor *cursor = &batch->cursors.cursors[i];

        bind_text(s->cursor_upsert, 1, cursor->network);
        bind_text(s->cursor_upsert, 2, cursor->subnet);
        sqlite3_bind_int64(s->cursor_upsert, 3, cursor->next);
        if (!store_statement_run(s->cursor_upsert)) {
            return false;
        }
    }
    return true;
}

/* Records the revision as the newest of the set that it pruned. */
static bool
write_set(const struct model_log *log, struct store_statements *s)
{
    bind_text(s->set_upsert, 1, log->set);
    sqlite3_bind_int64(s->set_upsert, 2, log->revision);
    return (store_statement_run(s->set_upsert)
            && store_statement_run(s->sets_trim));
}

int64_t
store_log_weight(const char *changes)
{
    return (strlen(changes) + 1023) / 1024;
}

static bool
write_logs(const struct model_pending *pending, struct store_statements *s)
{
    int64_t newest_ms = INT64_MIN;

    for (size_t i = 0; i < pending->n_logs; i++) {
        const struct model_log *log = &pending->logs[i];

        if (!log->stored) {
            continue;
        }
        sqlite3_bind_int64(s->log_insert, 1, log->revision);
        sqlite3_bind_int64(s->log_insert, 2, log->time_ms);
        bind_text(s->log_insert, 3, log->who);
        bind_text(s->log_insert, 4, log->summary);
        bind_text(s->log_insert, 5, log->comment);
        sqlite3_bind_int64(s->log_insert, 6, log->undoes);
        bind_text(s->log_insert, 7, log->key);
        bind_text(s->log_insert, 8, log->digest);
        bind_text(s->log_insert, 9, log->draft);
        bind_text(s->log_insert, 10, log->draft_author);
        if (!store_statement_run(s->log_insert)
            || !store_contents_write(log, s)
            || (log->set && !write_set(log, s))) {
            return false;
        }
        if (model_is_of_people(log->who)) {
            store_authors_add(&s->authors, log->who,
                              store_log_weight(log->summary), 0);
        } else {
            s->others += store_log_weight(log->summary);
        }
        newest_ms = log->time_ms;
    }
    return (newest_ms == INT64_MIN
            || (store_log_trim(s, newest_ms) && store_contents_trim(s)));
}

static bool
is_empty(const struct store_batch *batch)
{
    bool empty = (!batch->pending.n_writes && !batch->n_ids
                  && !batch->index);

    for (size_t i = 0; i < batch->pending.n_logs; i++) {
        empty &= !batch->pending.logs[i].stored;
    }
    return empty;
}

/* Notes, with the batch, which one it is of the cluster's. */
static bool
write_index(const struct store_batch *batch, struct store_statements *s)
{
    if (!batch->index) {
        return true;
    }
    sqlite3_bind_int64(s->index_upsert, 1, batch->index);
    sqlite3_bind_int64(s->index_upsert, 2, batch->revision);
    return store_statement_run(s->index_upsert);
}

int
store_batch_write(const struct store_batch *batch, sqlite3 *db,
                  struct store_statements *s, struct vmn_error *why)
{
    if (is_empty(batch)) {
        return 0;
    }
    if (!s->authors.counted) {
        int error = count_logs(s, db, why);

        if (error) {
            return error;
        }
    }
    if (store_statement_run(s->begin) && write_rows(&batch->pending, s)
        && write_ids(batch, s) && write_cursors(batch, s)
        && write_logs(&batch->pending, s) && write_index(batch, s)
        && store_statement_run(s->commit)) {
        return 0;
    }

    s->authors.counted = false;
    int error = store_error(db, why, "cannot store");
    if (!sqlite3_get_autocommit(db)) {
        store_statement_run(s->rollback);
    }
    if (error == EUCLEAN) {
        return error;           /* The less is written now, the better. */
    }
    /* A commit that failed late may have left whole frames in the log, which
     * a restart would take for valid; emptying the log removes them. */
    sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
                              NULL);
    return error;
}
