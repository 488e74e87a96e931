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

static int
apply_row(struct model *model, json_t *json, struct vmn_error *why)
{
    const char *type = json_string_value(json_object_get(json, "type"));
    const char *name = json_string_value(json_object_get(json, "name"));
    const struct schema_table *table = type ? schema_find_table(type) : NULL;
    json_t *spec = json_object_get(json, "spec");
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
    if (spec) {
        const struct model_meta meta = {
            .revision = json_integer_value(json_object_get(json, "revision")),
            .created_ms = json_integer_value(json_object_get(json,
                                                             "created")),
            .updated_ms = json_integer_value(json_object_get(json,
                                                             "updated")),
            .set = json_string_value(json_object_get(json, "set")),
            .unknown = json_string_value(json_object_get(json, "unknown")),
        };

        error = model_replicate_row(model, table->id, name, spec,
                                    json_object_get(json, "status"), &meta,
                                    json_object_get(json, "recreated"),
                                    &errors);
    } else {
        error = model_replicate_deletion(model, table->id, name, &errors);
    }
    error = error ? take_first(&errors, why) : 0;
    vmn_errors_uninit(&errors);
    return error;
}

/* Reads ["A", "B", NUMBER]. */
static bool
read_triple(const json_t *json, const char **a, const char **b,
            int64_t max, int64_t *number)
{
    *a = json_string_value(json_array_get(json, 0));
    *b = json_string_value(json_array_get(json, 1));
    *number = json_integer_value(json_array_get(json, 2));
    return (json_array_size(json) == 3 && *a && *b
            && json_is_integer(json_array_get(json, 2)) && *number >= 0
            && *number <= max);
}

static int
apply_ids(struct model *model, const json_t *json, struct vmn_error *why)
{
    size_t n = json_array_size(json);
    struct id_write *ids = xmalloc(MAX(n, 1) * sizeof *ids);
    int error = 0;

    for (size_t i = 0; !error && i < n; i++) {
        int64_t value;

        if (read_triple(json_array_get(json, i), &ids[i].pool, &ids[i].key,
                        UINT32_MAX, &value)) {
            ids[i].value = value;
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
apply_cursors(struct model *model, const json_t *json, struct vmn_error *why)
{
    for (size_t i = 0; i < json_array_size(json); i++) {
        struct model_cursor cursor;
        int64_t next;

        if (!read_triple(json_array_get(json, i), &cursor.network,
                         &cursor.subnet, INT64_MAX, &next)) {
            return refuse("a cursor", why);
        }
        cursor.next = next;
        model_replicate_cursors(model, &cursor, 1);
    }
    return 0;
}

/* Returns a member that is JSON, a list or an object, as text that the caller
 * frees; NULL: it is neither.  In format 1 that is no text. */
static char *
text_of(const json_t *json, const char *name)
{
    const json_t *member = json_object_get(json, name);
    const char *text = json_string_value(member);

    return (text ? (text[0] == '[' || text[0] == '{' ? xstrdup(text) : NULL)
            : json_is_array(member) || json_is_object(member)
            ? json_dumps(member, JSON_COMPACT) : NULL);
}

static int
apply_log(struct model *model, json_t *json, struct vmn_error *why)
{
    char *summary = text_of(json, "summary");
    char *contents = text_of(json, "contents");
    const struct model_log log = {
        .revision = json_integer_value(json_object_get(json, "revision")),
        .time_ms = json_integer_value(json_object_get(json, "time")),
        .who = json_string_value(json_object_get(json, "who")),
        .comment = json_string_value(json_object_get(json, "comment")),
        .undoes = json_integer_value(json_object_get(json, "undoes")),
        .draft = json_string_value(json_object_get(json, "draft")),
        .draft_author = json_string_value(json_object_get(json,
                                                          "draft_author")),
        .summary = summary,
        .set = json_string_value(json_object_get(json, "set")),
        .contents = contents,
        .key = json_string_value(json_object_get(json, "key")),
        .digest = json_string_value(json_object_get(json, "digest")),
    };
    int error = 0;

    if (!log.who || !summary || !log.revision
        || (!contents && json_object_get(json, "contents"))
        || !log.key != !log.digest
        || (log.key && (!model_key_is_valid(log.key)
                        || !model_digest_is_valid(log.digest)))) {
        error = refuse("an entry of the log", why);
    } else {
        model_replicate_log(model, &log);
    }
    free(summary);
    free(contents);
    return error;
}

/* Applies each element of a member of the batch. */
static int
apply_each(struct model *model, const json_t *batch, const char *member,
           int (*apply)(struct model *, json_t *, struct vmn_error *),
           struct vmn_error *why)
{
    const json_t *list = json_object_get(batch, member);
    int error = json_is_array(list) ? 0 : refuse(member, why);

    for (size_t i = 0; !error && i < json_array_size(list); i++) {
        error = apply(model, json_array_get(list, i), why);
        model_yield(model);
    }
    return error;
}

static int
apply_batch(struct model *model, const json_t *batch, struct vmn_error *why)
{
    const json_t *ids = json_object_get(batch, "ids");
    const json_t *cursors = json_object_get(batch, "cursors");
    const json_t *revision = json_object_get(batch, "revision");
    int64_t format = json_integer_value(json_object_get(batch, "format"));
    struct vmn_errors errors;
    int error;

    if (format < 1 || format > STORE_CHANGES_FORMAT) {
        return vmn_error_invalid(
            why, "the batch is of format %"PRId64", and this vmnd knows "
            "format %d", format, STORE_CHANGES_FORMAT);
    }
    if (!json_is_array(ids) || !json_is_array(cursors)
        || !json_is_integer(revision) || json_integer_value(revision) < 0
        || json_integer_value(revision) > REVISION_MAX) {
        return refuse("the frame", why);
    }
    error = apply_ids(model, ids, why);
    error = error ? error : apply_each(model, batch, "rows", apply_row, why);
    error = error ? error : apply_cursors(model, cursors, why);
    error = error ? error : apply_each(model, batch, "logs", apply_log, why);
    if (error) {
        return error;
    }
    vmn_errors_init(&errors);
    if (model_replicate_done(model, json_integer_value(revision), &errors)) {
        error = take_first(&errors, why);
    }
    vmn_errors_uninit(&errors);
    return error;
}

int
store_changes_apply(const char *text, struct model *model,
                    struct vmn_error *why)
{
    json_error_t fault;
    json_t *batch = json_loads(text, JSON_REJECT_DUPLICATES, &fault);
    int error = (json_is_object(batch) ? apply_batch(model, batch, why)
                 : refuse("the text", why));

    json_decref(batch);
    return error;
}
