/* SPDX-License-Identifier: Apache-2.0
 *
 * The contents of the log of changes: what each revision made of the objects
 * that it changed.  An update has the fields that differ, which is all that
 * takes it back, and little.  Bounded per revision and in all: the oldest
 * contents of the author who has most go first, and leave the entries of the
 * log.  Writing runs in the writer thread.  Not for the entries themselves
 * (store-batch.c, store-log.c). */

#include <config.h>

#include "controller/store/store-private.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "controller/schema/schema-diff.h"
#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Most revisions whose contents one batch deletes for their size. */
#define TRIM_MAX 1000
/* Most memory that is kept for the next revision's text: that of nearly
 * each. */
#define TEXT_KEPT_MAX 4096

/* Writing.  -------------------------------------------------------------- */

static void
put_version(const char *name, const struct schema_version *version,
            const struct schema_version *other, struct ds *ds)
{
    if (version->row) {
        schema_print_name(ds, name);
        schema_version_print(version, other, ds);
    }
}

void
store_contents_print(const struct model_log *log, struct ds *ds)
{
    size_t n_more = log->n_more, n_printed = 0;

    if (log->contents) {
        ds_put_cstr(ds, log->contents);
        return;
    }
    ds_put_cstr(ds, "{\"objects\":[");
    for (size_t i = 0; i < log->n_changes; i++) {
        const struct model_log_change *change = &log->changes[i];
        size_t length = ds->length;

        if (schema_version_has_secrets(&change->before, &change->after)) {
            n_more++;
            continue;
        }
        ds_put_cstr(ds, n_printed++ ? ",{\"type\":\"" : "{\"type\":\"");
        ds_put_cstr(ds, schema_tables[change->table]->plural);
        ds_put_cstr(ds, "\",\"name\":");
        schema_print_string(ds, change->name);
        put_version("before", &change->before, &change->after, ds);
        put_version("after", &change->after, &change->before, ds);
        ds_put_char(ds, '}');
        if (ds->length > STORE_CONTENTS_MAX) {
            ds_truncate(ds, length);
            n_more += log->n_changes - i;
            break;
        }
    }
    ds_put_cstr(ds, "],\"left_out\":");
    schema_print_number(ds, n_more, 1);
    ds_put_char(ds, '}');
}

bool
store_contents_write(const struct model_log *log, struct store_statements *s)
{
    struct ds *ds = &s->text;
    bool ok;

    if (!log->n_changes && !log->n_more && !log->contents) {
        return true;            /* What hosts report. */
    }
    store_contents_print(log, ds);
    sqlite3_bind_int64(s->contents_insert, 1, log->revision);
    sqlite3_bind_text(s->contents_insert, 2, log->who,
                      strcspn(log->who, "/"), SQLITE_STATIC);
    sqlite3_bind_int64(s->contents_insert, 3, ds->length);
    sqlite3_bind_text(s->contents_insert, 4, ds_cstr(ds), ds->length,
                      SQLITE_STATIC);
    ok = store_statement_run(s->contents_insert);
    sqlite3_clear_bindings(s->contents_insert);
    if (ok) {
        store_authors_add(&s->authors, log->who, 0, ds->length);
    }
    if (ds->allocated > TEXT_KEPT_MAX) {
        ds_destroy(ds);
        ds_init(ds);
    } else {
        ds_clear(ds);
    }
    return ok;
}

/* Deletes the contents that 'find', whose parameters are bound, returns the
 * revision, author and size of, if there are any.  Returns false if SQLite
 * fails. */
static bool
delete_contents(struct store_statements *s, sqlite3_stmt *find)
{
    int code = sqlite3_step(find);

    if (code == SQLITE_ROW) {
        const char *author = (const char *) sqlite3_column_text(find, 1);

        sqlite3_bind_int64(s->contents_delete, 1,
                           sqlite3_column_int64(find, 0));
        store_authors_add(&s->authors, author ? author : "", 0,
                          -sqlite3_column_int64(find, 2));
        sqlite3_reset(find);
        return store_statement_run(s->contents_delete);
    }
    sqlite3_reset(find);
    return code == SQLITE_DONE;
}

bool
store_contents_delete(struct store_statements *s, int64_t revision)
{
    sqlite3_bind_int64(s->contents_find, 1, revision);
    return delete_contents(s, s->contents_find);
}

bool
store_contents_trim(struct store_statements *s)
{
    for (int i = 0; i < TRIM_MAX && s->authors.bytes > s->keep.contents_bytes;
         i++) {
        const char *most = store_authors_most_bytes(&s->authors);

        if (!most) {
            break;
        }
        sqlite3_bind_text(s->contents_oldest, 1, most, -1, SQLITE_TRANSIENT);
        if (!delete_contents(s, s->contents_oldest)) {
            return false;
        }
    }
    return true;
}

/* Reading.  -------------------------------------------------------------- */

int
store_contents_read(struct store_log *log, uint64_t revision, struct ds *ds,
                    struct vmn_error *why)
{
    sqlite3_stmt *stmt = log->contents;
    const char *text;
    int code, error = 0;

    sqlite3_bind_int64(stmt, 1, MIN(revision, INT64_MAX));
    code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        text = (const char *) sqlite3_column_text(stmt, 0);
        if (!text) {
            out_of_memory();    /* It is never NULL in the table. */
        }
        ds_put_cstr(ds, text);
    } else if (code == SQLITE_DONE) {
        error = ENOENT;
    } else {
        error = store_error(log->db, why, "cannot read the log");
    }
    sqlite3_reset(stmt);
    return error;
}
