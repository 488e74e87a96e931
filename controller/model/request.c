/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests as data: building them, and printing rows.  What an operation makes
 * of an object is in spec-merge.c. */

#include <config.h>

#include "controller/model/request.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "controller/model/left-balancers.h"
#include "controller/model/loosening.h"
#include "controller/model/model-private.h"
#include "controller/model/rebinding.h"
#include "controller/model/request-author.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-diff.h"
#include "controller/schema/schema-origin.h"
#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

void
model_request_init(struct model_request *request, const char *who)
{
    memset(request, 0, sizeof *request);
    request->who = xstrdup(who);
}

bool
model_is_of_people(const char *who)
{
    return schema_origin(who) == ORIGIN_USER;
}

const char *
model_outcome_op(enum model_outcome outcome)
{
    switch (outcome) {
    case MODEL_CREATED:
        return "create";
    case MODEL_UPDATED:
        return "update";
    case MODEL_DELETED:
        return "delete";
    case MODEL_UNCHANGED:
        break;
    }
    OVS_NOT_REACHED();
}

void
model_request_add_also(struct model_request *request,
                       enum model_outcome outcome, enum vmn_table table,
                       const char *name, const struct schema_diff *diff)
{
    if (request->n_also < MODEL_ALSO_MAX) {
        if (request->n_also >= request->allocated_also) {
            request->also = x2nrealloc(request->also,
                                       &request->allocated_also,
                                       sizeof *request->also);
        }
        request->also[request->n_also] = (struct model_also) {
            outcome, table, xstrdup(name), diff,
        };
    }
    request->n_also++;
}

void
model_request_clear_also(struct model_request *request)
{
    for (size_t i = 0; i < MIN(request->n_also, MODEL_ALSO_MAX); i++) {
        free(request->also[i].name);
    }
    request->n_also = 0;
    model_request_clear_unbound(request);
    model_request_clear_left_backends(request);
    svec_clear(&request->emptied_groups);
    loosened_destroy(request->loosened);
    request->loosened = NULL;
}

bool
model_request_drop_last(struct model_request *request)
{
    struct model_op *op;

    if (!request->n_ops) {
        return false;
    }
    op = &request->ops[--request->n_ops];
    free(op->name);
    json_decref(op->spec);
    free(op->if_match);
    free(op->set);
    version_unref(op->made);
    return true;
}

const struct vmn_row *
model_op_made(const struct model_op *op, struct model_meta *meta)
{
    if (!op->made) {
        return NULL;
    }
    *meta = op->made->meta;
    return op->made->row;
}

void
request_drop_made(struct model_request *request)
{
    for (size_t i = 0; request->shows && i < request->n_ops; i++) {
        version_unref(request->ops[i].made);
        request->ops[i].made = NULL;
    }
}

void
request_drop_diffs(struct model_request *request)
{
    if (request->arena) {
        arena_uninit(request->arena);
        free(request->arena);
        request->arena = NULL;
    }
    request->n_fields = 0;
}

const struct schema_diff *
request_diff(struct model_request *request, const struct version *before,
             const struct version *after)
{
    const struct schema_version was = { before->row, before->meta.set };
    const struct schema_version is = { after->row, after->meta.set };
    struct schema_diff *diff;

    if (!request->arena) {
        request->arena = xmalloc(sizeof *request->arena);
        arena_init(request->arena);
    }
    diff = arena_alloc(request->arena, sizeof *diff);
    schema_version_diff(&was, &is, SCHEMA_DIFF_TOTAL_MAX - request->n_fields,
                        request->arena, diff);
    request->n_fields += diff->n;
    return diff;
}

void
model_request_uninit(struct model_request *request)
{
    while (model_request_drop_last(request)) {
        continue;
    }
    free(request->ops);
    free(request->who);
    free(request->prune_set);
    free(request->comment);
    free(request->key);
    free(request->digest);
    free(request->draft);
    free(request->draft_author);
    for (size_t i = 0; i < request->n_writers; i++) {
        model_author_destroy(request->writers[i].author);
        model_rights_destroy(request->writers[i].rights);
    }
    free(request->writers);
    model_rights_destroy(request->rights);
    model_author_destroy(request->author);
    model_request_clear_also(request);
    free(request->also);
    free(request->unbound);
    free(request->ended);
    svec_destroy(&request->left_out);
    svec_destroy(&request->emptied_groups);
    request_drop_diffs(request);
    memset(request, 0, sizeof *request);
}

struct model_op *
model_request_add(struct model_request *request, enum model_op_kind kind,
                  enum vmn_table table, const char *name, json_t *spec)
{
    struct model_op *op;

    if (request->n_ops >= request->allocated_ops) {
        request->ops = x2nrealloc(request->ops, &request->allocated_ops,
                                  sizeof *request->ops);
    }
    op = &request->ops[request->n_ops++];
    memset(op, 0, sizeof *op);
    op->kind = kind;
    op->table = table;
    op->name = xstrdup(name);
    op->spec = spec;
    return op;
}

/* Appends the time, such as "2026-11-20T09:51:13.581Z". */
static void
print_time(struct ds *ds, int64_t time_ms)
{
    time_t time_s = time_ms / 1000;
    struct tm tm;

    gmtime_r(&time_s, &tm);
    const struct {
        char before;
        int number;
        int digits;
    } parts[] = {
        { '"', tm.tm_year + 1900, 4 }, { '-', tm.tm_mon + 1, 2 },
        { '-', tm.tm_mday, 2 }, { 'T', tm.tm_hour, 2 },
        { ':', tm.tm_min, 2 }, { ':', tm.tm_sec, 2 },
        { '.', time_ms % 1000, 3 },
    };
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        ds_put_char(ds, parts[i].before);
        schema_print_number(ds, parts[i].number, parts[i].digits);
    }
    ds_put_cstr(ds, "Z\"");
}

void
model_row_print(const struct vmn_row *row, const struct model_meta *meta,
                struct ds *ds)
{
    ds_put_cstr(ds, "\"name\":");
    schema_print_string(ds, row->name);
    ds_put_cstr(ds, ",\"metadata\":{\"revision\":");
    schema_print_number(ds, meta->revision, 1);
    ds_put_cstr(ds, ",\"etag\":\"");
    schema_print_number(ds, meta->revision, 1);
    ds_put_char(ds, '"');
    if (!model_is_builtin(row->table, row->name)) {
        ds_put_cstr(ds, ",\"created\":");
        print_time(ds, meta->created_ms);
        ds_put_cstr(ds, ",\"updated\":");
        print_time(ds, meta->updated_ms);
    }
    if (meta->set) {
        ds_put_cstr(ds, ",\"set\":");
        schema_print_string(ds, meta->set);
    }
    ds_put_cstr(ds, "},\"spec\":");
    schema_row_print_spec(row, ds);
    ds_put_cstr(ds, ",\"status\":");
    schema_row_print_status(row, ds);
}
