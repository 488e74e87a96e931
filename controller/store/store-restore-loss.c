/* SPDX-License-Identifier: Apache-2.0
 *
 * What a restore takes back: revisions of users since the backup, and objects
 * that differ.  Not for taking it back (store-restore.c). */

#include <config.h>

#include "controller/store/store-private.h"

#include <string.h>

#include "controller/model/loosening.h"
#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-diff.h"
#include "controller/schema/schema-log.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/schema-struct.h"
#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Returns a column's text as a JSON string. */
static json_t *
text_of(sqlite3_stmt *stmt, int column)
{
    const char *text = (const char *) sqlite3_column_text(stmt, column);

    return json_string(text ? text : "");
}

/* Returns the entry of the log that a row is: revision, time, author, changes
 * and comment. */
static json_t *
entry_of(sqlite3_stmt *stmt)
{
    const char *changes = (const char *) sqlite3_column_text(stmt, 3);
    json_t *list = changes ? json_loads(changes, 0, NULL) : NULL;
    struct ds time = DS_EMPTY_INITIALIZER;
    json_t *entry;

    ds_put_strftime_msec(&time, "%Y-%m-%dT%H:%M:%S.###Z",
                         sqlite3_column_int64(stmt, 1), true);
    entry = json_pack("{s:I, s:s, s:o, s:o}", "revision",
                      (json_int_t) sqlite3_column_int64(stmt, 0), "time",
                      ds_cstr(&time), "who", text_of(stmt, 2), "changes",
                      list ? list : json_array());
    if (sqlite3_column_type(stmt, 4) != SQLITE_NULL) {
        json_object_set_new(entry, "comment", text_of(stmt, 4));
    }
    ds_destroy(&time);
    return entry;
}

int
store_loss_find_revisions(const struct store_states *states, size_t max,
                          struct store_loss *loss, struct vmn_error *why)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(
        states->db, "SELECT revision, time_ms, who, changes, comment "
        "FROM former.revisions WHERE revision > ? AND " STORE_LOG_PEOPLE
        " ORDER BY revision DESC", -1, &stmt, NULL);

    if (code == SQLITE_OK) {
        sqlite3_bind_int64(stmt, 1, states->revision);
        code = sqlite3_step(stmt);
    }
    for (; code == SQLITE_ROW; code = sqlite3_step(stmt)) {
        if (!store_log_taken_back(states->log, sqlite3_column_int64(stmt, 0))
            && loss->n_revisions++ < max) {
            json_array_insert_new(loss->revisions, 0, entry_of(stmt));
        }
    }
    int error = code == SQLITE_DONE ? 0
                : store_error(states->db, why, "cannot read the former log");
    sqlite3_finalize(stmt);
    return error;
}

/* Adds an object: what the restore does with it, and the fields that differ,
 * unless there are 'max' already. */
static void
add_object(struct store_loss *loss, size_t max,
           const struct schema_changed *changed)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (loss->n_objects++ < max) {
        schema_struct_print(&schema_changed_shown, changed, &ds);
        json_array_append_new(loss->objects, json_loadb(
            ds_cstr(&ds), ds.length, JSON_ALLOW_NUL, NULL));
    }
    ds_destroy(&ds);
}

/* Adds the object 'name', if its two states differ. */
static void
compare_object(const struct store_states *states,
               const struct schema_table *described, const char *name,
               size_t max, struct store_loss *loss)
{
    enum vmn_table table = described->id;
    struct model_meta then_meta = { 0 }, now_meta = { 0 };
    const struct schema_version then = {
        model_get_durable(states->then, table, name, &then_meta),
        then_meta.set,
    };
    const struct schema_version now = {
        model_get_durable(states->now, table, name, &now_meta), now_meta.set,
    };
    struct schema_changed changed = {
        .op = !now.row ? "create" : then.row ? "update" : "delete",
        .type = described->plural, .name = name,
    };
    struct arena arena;

    arena_init(&arena);
    if (now.row && then.row) {
        schema_version_diff(&now, &then, SCHEMA_DIFF_MAX, &arena,
                            &changed.diff);
    }
    if (!now.row || !then.row || changed.diff.n
        || !nullable_string_is_equal(now_meta.unknown, then_meta.unknown)) {
        add_object(loss, max, &changed);
    }
    arena_uninit(&arena);
}

/* Adds the objects of 'table' that differ: those of now, and those that there
 * are in the backup alone. */
static void
find_objects(const struct store_states *states,
             const struct schema_table *described, size_t max,
             struct store_loss *loss)
{
    enum vmn_table table = described->id;
    struct vmn_names now = model_names(states->now, table);
    struct vmn_names then = model_names(states->then, table);

    for (size_t i = 0; i < now.n; i++) {
        compare_object(states, described, now.names[i], max, loss);
    }
    for (size_t i = 0; i < then.n; i++) {
        if (!model_get(states->now, table, then.names[i])) {
            compare_object(states, described, then.names[i], max, loss);
        }
    }
}

/* What the restore loosens.  ---------------------------------------------- */

/* Adds what gives the object the state of the backup, if it has another. */
static void
add_op(const struct store_states *states, enum vmn_table table,
       const char *name, struct model_request *request)
{
    const struct vmn_row *now = model_get(states->now, table, name);
    const struct vmn_row *then = model_get(states->then, table, name);

    if (!then) {
        model_request_add(request, MODEL_DELETE, table, name, NULL)
            ->cascade = true;
    } else if (!now || !schema_row_same(now, then)) {
        model_request_add(request, MODEL_PUT, table, name,
                          schema_row_spec(then));
    }
}

static void
add_ops(const struct store_states *states, enum vmn_table table,
        struct model_request *request)
{
    struct vmn_names now = model_names(states->now, table);
    struct vmn_names then = model_names(states->then, table);

    for (size_t i = 0; i < now.n; i++) {
        add_op(states, table, now.names[i], request);
    }
    for (size_t i = 0; i < then.n; i++) {
        if (!model_get(states->now, table, then.names[i])) {
            add_op(states, table, then.names[i], request);
        }
    }
}

/* Adds what disables and removes apps that are there now, or gives them the
 * code of the backup; their other fields are vmnd's. */
static void
add_app_ops(const struct store_states *states, struct model_request *request)
{
    struct vmn_names names = model_names(states->now, VMN_TABLE_APP);

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_app_row *now = model_get(
            states->now, VMN_TABLE_APP, names.names[i]);
        const struct vmn_app_row *then = model_get(
            states->then, VMN_TABLE_APP, names.names[i]);

        if (now->module.digest
            && (!then || strcmp(now->module.digest,
                                then->module.digest ? then->module.digest
                                : ""))) {
            add_op(states, VMN_TABLE_APP, names.names[i], request);
        } else if (then && !then->enabled) {
            model_request_add(request, MODEL_PATCH, VMN_TABLE_APP,
                              names.names[i],
                              json_pack("{s:b}", "enabled", false));
        }
    }
}

static void
put_loosened(const struct loosened *loosened, json_t *texts)
{
    for (size_t i = 0; i < loosened->n; i++) {
        json_array_append_new(texts, json_string(loosened->items[i].text));
    }
    if (loosened->n_more || loosened->is_partial) {
        json_array_append_new(texts, json_string(
            "more than is listed here"));
    }
}

/* Adds what the restore opens that is closed now: it is tried as a change of
 * the present state. */
static void
find_loosened(const struct store_states *states, struct store_loss *loss)
{
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision;

    vmn_errors_init(&errors);
    model_request_init(&request, "restore");
    request.loosening = MODEL_LOOSENING_FULL;
    request.loads = true;
    for (int i = 0; i < VMN_N_TABLES; i++) {
        const struct schema_table *table = model_table(states->then, i);

        if (table && table->stored && !table->observed && !table->of_daemon
            && !table->authenticates && i != VMN_TABLE_DRAFT) {
            add_ops(states, i, &request);
        }
    }
    add_app_ops(states, &request);
    loss->loosened = json_array();
    if (model_apply(states->now, &request, 0, &revision, &errors)) {
        json_array_append_new(loss->loosened, json_sprintf(
            "what the restore opens is not known: %s",
            errors.errors[0].text));
    } else if (request.loosened) {
        put_loosened(request.loosened, loss->loosened);
    }
    model_undo(states->now);
    model_request_uninit(&request);
    vmn_errors_uninit(&errors);
}

int
store_loss_find(const struct store_states *states, size_t max,
                struct store_loss *loss, struct vmn_error *why)
{
    for (int i = 0; i < VMN_N_TABLES; i++) {
        const struct schema_table *table = model_table(states->then, i);

        table = table ? table : model_table(states->now, i);
        if (table && table->stored && !table->observed && !table->of_daemon) {
            find_objects(states, table, max, loss);
        }
    }
    find_loosened(states, loss);
    return store_loss_find_revisions(states, max, loss, why);
}
