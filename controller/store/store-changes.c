/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints a batch as text, and applies such text to the model of another
 * member; see store-changes.h. */

#include <config.h>

#include "controller/store/store-changes.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/id-pools.h"
#include "controller/model/replicate.h"
#include "controller/schema/json-slice.h"
#include "controller/schema/schema-row.h"
#include "controller/store/store-private.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Printing.  -------------------------------------------------------------- */

static void
put_string(struct ds *ds, const char *name, const char *text)
{
    if (text) {
        schema_print_name(ds, name);
        schema_print_string(ds, text);
    }
}

static void
put_number(struct ds *ds, const char *name, int64_t number)
{
    schema_print_name(ds, name);
    ds_put_format(ds, "%"PRId64, number);
}

static void
put_row(const struct model_write *write, struct ds *ds)
{
    ds_put_char(ds, '{');
    put_string(ds, "type", schema_tables[write->table]->plural);
    put_string(ds, "name", write->name);
    if (write->row) {
        schema_print_name(ds, "spec");
        schema_row_print_spec(write->row, ds);
        schema_print_name(ds, "status");
        schema_row_print_status(write->row, ds);
        put_number(ds, "revision", write->meta.revision);
        put_number(ds, "created", write->meta.created_ms);
        put_number(ds, "updated", write->meta.updated_ms);
        put_string(ds, "set", write->meta.set);
        put_string(ds, "unknown", write->meta.unknown);
        if (write->recreated) {
            put_number(ds, "recreated", 1);
        }
    }
    ds_put_char(ds, '}');
}

/* Appends 'log'; 'contents' is room for what it has in it. */
static void
put_log(const struct model_log *log, struct ds *contents, struct ds *ds)
{
    ds_put_char(ds, '{');
    put_number(ds, "revision", log->revision);
    put_number(ds, "time", log->time_ms);
    put_string(ds, "who", log->who);
    put_string(ds, "comment", log->comment);
    if (log->undoes) {
        put_number(ds, "undoes", log->undoes);
    }
    put_string(ds, "draft", log->draft);
    put_string(ds, "draft_author", log->draft_author);
    /* This and the contents are JSON already.  They are in it as texts, since
     * nobody who follows looks into them. */
    put_string(ds, "summary", log->summary);
    put_string(ds, "set", log->set);
    put_string(ds, "key", log->key);
    put_string(ds, "digest", log->digest);
    if (log->contents || log->n_changes || log->n_more) {
        ds_clear(contents);
        if (!log->contents) {
            store_contents_print(log, contents);
        }
        put_string(ds, "contents", (log->contents ? log->contents
                                    : ds_cstr(contents)));
    }
    ds_put_char(ds, '}');
}

static void
put_separator(struct ds *ds)
{
    if (ds_last(ds) != '[') {
        ds_put_char(ds, ',');
    }
}

void
store_changes_print(const struct store_batch *batch, struct model *model,
                    struct ds *ds)
{
    const struct model_pending *pending = &batch->pending;
    struct ds contents = DS_EMPTY_INITIALIZER;

    ds_put_format(ds, "{\"format\":%d", STORE_CHANGES_FORMAT);
    put_number(ds, "revision", model_revision(model));
    ds_put_cstr(ds, ",\"rows\":[");
    for (size_t i = 0; i < pending->n_writes; i++) {
        put_separator(ds);
        put_row(&pending->writes[i], ds);
        model_yield(model);
    }
    ds_put_cstr(ds, "],\"ids\":[");
    for (size_t i = 0; i < batch->n_ids; i++) {
        put_separator(ds);
        ds_put_char(ds, '[');
        schema_print_string(ds, batch->ids[i].pool);
        ds_put_char(ds, ',');
        schema_print_string(ds, batch->ids[i].key);
        ds_put_format(ds, ",%"PRIu32"]", batch->ids[i].value);
    }
    ds_put_cstr(ds, "],\"cursors\":[");
    for (size_t i = 0; i < batch->cursors.n; i++) {
        const struct model_cursor *cursor = &batch->cursors.cursors[i];

        put_separator(ds);
        ds_put_char(ds, '[');
        schema_print_string(ds, cursor->network);
        ds_put_char(ds, ',');
        schema_print_string(ds, cursor->subnet);
        ds_put_format(ds, ",%"PRIu64"]", cursor->next);
    }
    ds_put_cstr(ds, "],\"logs\":[");
    for (size_t i = 0; i < pending->n_logs; i++) {
        if (pending->logs[i].stored) {
            put_separator(ds);
            put_log(&pending->logs[i], &contents, ds);
            model_yield(model);
        }
    }
    ds_put_cstr(ds, "]}");
    ds_destroy(&contents);
}

/* Applying.  -------------------------------------------------------------- */

/* Later revisions JSON is not sure to pass on. */
#define REVISION_MAX (INT64_C(1) << 53)

/* Fails if 'text' is not the array or object that it is to be. */
static int
refuse(const char *what, struct vmn_error *why)
{
    return vmn_error_invalid(why, "%s of the batch is not valid", what);
}

/* Takes over the first error of the list. */
static int
take_first(const struct vmn_errors *errors, struct vmn_error *why)
{
    const struct vmn_error *first = &errors->errors[0];

    return vmn_error_invalid(why, "%s%s%s", first->pointer,
                             *first->pointer ? ": " : "", first->text);
}

/* Returns JSON that is an object as a value, a new reference; NULL: it is
 * none. */
static json_t *
load_object(const struct json_slice *slice)
{
    return (slice->type == JSON_SLICE_OBJECT
            ? json_loadb(slice->text, slice->length, JSON_REJECT_DUPLICATES,
                         NULL) : NULL);
}

enum { ROW_TYPE, ROW_NAME, ROW_SPEC, ROW_STATUS, ROW_REVISION, ROW_CREATED,
       ROW_UPDATED, ROW_SET, ROW_UNKNOWN, ROW_RECREATED, N_ROW };
static const char *const row_members[] = {
    "type", "name", "spec", "status", "revision", "created", "updated", "set",
    "unknown", "recreated",
};
BUILD_ASSERT_DECL(ARRAY_SIZE(row_members) == N_ROW);

/* Applies a row that there is now. */
static int
put_row_in(struct model *model, enum vmn_table table, const char *name,
           const struct json_slice row[], struct vmn_errors *errors,
           struct vmn_error *why)
{
    const struct model_meta meta = {
        .revision = row[ROW_REVISION].integer,
        .created_ms = row[ROW_CREATED].integer,
        .updated_ms = row[ROW_UPDATED].integer,
        .set = json_slice_text(&row[ROW_SET]),
        .unknown = json_slice_text(&row[ROW_UNKNOWN]),
    };
    json_t *spec = load_object(&row[ROW_SPEC]);
    json_t *status = load_object(&row[ROW_STATUS]);
    int error;

    if (!spec || (row[ROW_STATUS].type && !status)) {
        error = refuse("a row", why);
    } else if (model_replicate_row(model, table, name, spec, status, &meta,
                                   row[ROW_RECREATED].type, errors)) {
        error = take_first(errors, why);
    } else {
        error = 0;
    }
    json_decref(spec);
    json_decref(status);
    return error;
}

static int
apply_row(struct model *model, const struct json_slice *json,
          struct vmn_error *why)
{
    struct json_slice row[N_ROW];
    bool ok = json_slice_members(json, row_members, row, N_ROW);
    const char *type = ok ? json_slice_text(&row[ROW_TYPE]) : NULL;
    const char *name = ok ? json_slice_text(&row[ROW_NAME]) : NULL;
    const struct schema_table *table = type ? schema_find_table(type) : NULL;
    struct vmn_errors errors;
    int error;

    if (type && !table) {
        return vmn_error_invalid(why, "this vmnd does not know the type "
                                 "\"%.64s\" of row \"%.64s\"", type,
                                 name ? name : "");
    }
    if (!table || !(table->stored || table->replicated) || !name) {
        return refuse("a row", why);
    }
    vmn_errors_init(&errors);
    if (row[ROW_SPEC].type) {
        error = put_row_in(model, table->id, name, row, &errors, why);
    } else {
        error = model_replicate_deletion(model, table->id, name, &errors);
        error = error ? take_first(&errors, why) : 0;
    }
    vmn_errors_uninit(&errors);
    return error;
}

/* Reads ["A", "B", NUMBER]. */
static bool
read_triple(const struct json_slice *json, const char **a, const char **b,
            int64_t max, int64_t *number)
{
    struct json_slice list = *json, elements[4];

    for (size_t i = 0; i < ARRAY_SIZE(elements); i++) {
        if (!json_slice_next(&list, &elements[i])) {
            return false;
        }
    }
    *a = json_slice_text(&elements[0]);
    *b = json_slice_text(&elements[1]);
    *number = elements[2].integer;
    return (*a && *b && elements[2].type == JSON_SLICE_INTEGER
            && !elements[3].type && *number >= 0 && *number <= max);
}

static int
apply_ids(struct model *model, struct json_slice *list, struct vmn_error *why)
{
    size_t n = 0, allocated = 0;
    struct id_write *ids = NULL;
    struct json_slice json;
    int error = 0;

    while (!error) {
        int64_t value = 0;

        if (n >= allocated) {
            ids = x2nrealloc(ids, &allocated, sizeof *ids);
        }
        if (!json_slice_next(list, &json)) {
            error = refuse("a list", why);
        } else if (!json.type) {
            break;
        } else if (read_triple(&json, &ids[n].pool, &ids[n].key, UINT32_MAX,
                               &value)) {
            ids[n++].value = value;
        } else {
            error = refuse("an ID", why);
        }
    }
    if (!error && id_pools_replicate(model_id_pools(model), ids, n)) {
        error = vmn_error_invalid(why, "an ID of the batch is in use here");
    }
    free(ids);
    return error;
}

static int
apply_cursor(struct model *model, const struct json_slice *json,
             struct vmn_error *why)
{
    struct model_cursor cursor;
    int64_t next;

    if (!read_triple(json, &cursor.network, &cursor.subnet, INT64_MAX,
                     &next)) {
        return refuse("a cursor", why);
    }
    cursor.next = next;
    model_replicate_cursors(model, &cursor, 1);
    return 0;
}

enum { LOG_REVISION, LOG_TIME, LOG_WHO, LOG_COMMENT, LOG_UNDOES, LOG_DRAFT,
       LOG_DRAFT_AUTHOR, LOG_SUMMARY, LOG_SET, LOG_KEY, LOG_DIGEST,
       LOG_CONTENTS, N_LOG };
static const char *const log_members[] = {
    "revision", "time", "who", "comment", "undoes", "draft", "draft_author",
    "summary", "set", "key", "digest", "contents",
};
BUILD_ASSERT_DECL(ARRAY_SIZE(log_members) == N_LOG);

/* Returns a member that is JSON, a list or an object, as text; NULL: it is
 * neither.  In format 1 that is no text in it, so nobody has looked into it
 * yet.  Its end in the batch, behind which all is read, is cut off. */
static const char *
text_of(struct json_slice *json)
{
    if (json->type == JSON_SLICE_LIST || json->type == JSON_SLICE_OBJECT) {
        json_t *value = json_loadb(json->text, json->length,
                                   JSON_REJECT_DUPLICATES, NULL);

        json_decref(value);
        json->text[json->length] = '\0';
        return value ? json->text : NULL;
    }
    return (json->type == JSON_SLICE_TEXT
            && (json->text[0] == '[' || json->text[0] == '{') ? json->text
            : NULL);
}

static int
apply_log(struct model *model, const struct json_slice *json,
          struct vmn_error *why)
{
    struct json_slice m[N_LOG];
    struct model_log log;

    if (!json_slice_members(json, log_members, m, N_LOG)) {
        return refuse("an entry of the log", why);
    }
    log = (struct model_log) {
        .revision = m[LOG_REVISION].integer,
        .time_ms = m[LOG_TIME].integer,
        .who = json_slice_text(&m[LOG_WHO]),
        .comment = json_slice_text(&m[LOG_COMMENT]),
        .undoes = m[LOG_UNDOES].integer,
        .draft = json_slice_text(&m[LOG_DRAFT]),
        .draft_author = json_slice_text(&m[LOG_DRAFT_AUTHOR]),
        .summary = text_of(&m[LOG_SUMMARY]),
        .set = json_slice_text(&m[LOG_SET]),
        .contents = text_of(&m[LOG_CONTENTS]),
        .key = json_slice_text(&m[LOG_KEY]),
        .digest = json_slice_text(&m[LOG_DIGEST]),
    };
    if (!log.who || !log.summary || !log.revision
        || (!log.contents && m[LOG_CONTENTS].type)
        || !log.key != !log.digest
        || (log.key && (!model_key_is_valid(log.key)
                        || !model_digest_is_valid(log.digest)))) {
        return refuse("an entry of the log", why);
    }
    model_replicate_log(model, &log);
    return 0;
}

/* Applies each element of a member of the batch. */
static int
apply_each(struct model *model, struct json_slice *list, const char *what,
           int (*apply)(struct model *, const struct json_slice *,
                        struct vmn_error *),
           struct vmn_error *why)
{
    struct json_slice element;
    int error = 0;

    while (!error) {
        if (!json_slice_next(list, &element)) {
            error = refuse(what, why);
        } else if (!element.type) {
            break;
        } else {
            error = apply(model, &element, why);
            model_yield(model);
        }
    }
    return error;
}

enum { FORMAT, REVISION, ROWS, IDS, CURSORS, LOGS, N_FRAME };
static const char *const frame_members[] = {
    "format", "revision", "rows", "ids", "cursors", "logs",
};
BUILD_ASSERT_DECL(ARRAY_SIZE(frame_members) == N_FRAME);

static int
apply_batch(struct model *model, struct json_slice batch[],
            struct vmn_error *why)
{
    const struct json_slice *revision = &batch[REVISION];
    int64_t format = batch[FORMAT].integer;
    struct vmn_errors errors;
    int error;

    if (format < 1 || format > STORE_CHANGES_FORMAT) {
        return vmn_error_invalid(
            why, "the batch is of format %"PRId64", and this vmnd knows "
            "format %d", format, STORE_CHANGES_FORMAT);
    }
    if (batch[IDS].type != JSON_SLICE_LIST
        || batch[CURSORS].type != JSON_SLICE_LIST
        || revision->type != JSON_SLICE_INTEGER || revision->integer < 0
        || revision->integer > REVISION_MAX) {
        return refuse("the frame", why);
    }
    error = apply_ids(model, &batch[IDS], why);
    error = error ? error : apply_each(model, &batch[ROWS], "rows", apply_row,
                                       why);
    error = error ? error : apply_each(model, &batch[CURSORS], "cursors",
                                       apply_cursor, why);
    error = error ? error : apply_each(model, &batch[LOGS], "logs", apply_log,
                                       why);
    if (error) {
        return error;
    }
    vmn_errors_init(&errors);
    if (model_replicate_done(model, revision->integer, &errors)) {
        error = take_first(&errors, why);
    }
    vmn_errors_uninit(&errors);
    return error;
}

int
store_changes_apply(const char *text, struct model *model,
                    struct vmn_error *why)
{
    size_t length = strlen(text);
    char *copy = xmemdup0(text, length);
    struct json_slice value, batch[N_FRAME];
    int error = (json_slice_init(&value, copy, length)
                 && json_slice_members(&value, frame_members, batch, N_FRAME)
                 ? apply_batch(model, batch, why) : refuse("the text", why));

    free(copy);
    return error;
}
