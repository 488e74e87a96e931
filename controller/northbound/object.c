/* SPDX-License-Identifier: Apache-2.0
 *
 * /v1/TYPE and /v1/TYPE/NAME: reads of the durable state, and changes of one
 * object.  The type is the route's data. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/selector.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Lists.  ---------------------------------------------------------------- */

struct page {
    const struct northbound *nb;
    const struct schema_table *table;
    const struct vmn_selector *selector; /* NULL: all. */
    size_t limit;
    struct ds items;                /* Text: objects with commas. */
    size_t n_items;
    char *last;                     /* Name of the last item. */
    bool more;                      /* There is another one behind it. */
};

/* Adds 'row' if it is selected.  Returns false if the page is full. */
static bool
page_add(struct page *page, const struct vmn_row *row,
         const struct model_meta *meta)
{
    if (page->selector
        && !vmn_selector_matches(page->selector, nb_row_labels(row))) {
        return true;
    }
    if (page->n_items >= page->limit) {
        page->more = true;
        return false;
    }
    ds_put_cstr(&page->items, page->n_items++ ? "," : "");
    nb_put_object(page->nb, row, meta, false, &page->items);
    ds_put_char(&page->items, '}');
    free(page->last);
    page->last = xstrdup(row->name);
    return true;
}

/* Goes through the table. */
static void
page_scan(struct page *page, const char *after)
{
    char *name = xstrdup(after);
    const struct vmn_row *row;
    struct model_meta meta;

    while ((row = model_next_durable(page->nb->model, page->table->id, name,
                                     &meta))
           && page_add(page, row, &meta)) {
        free(name);
        name = xstrdup(row->name);
    }
    free(name);
}

/* Goes through the ports that an index has for the selector. */
static void
page_look_up(struct page *page, const char *after)
{
    size_t n;
    const char **names = nb_selector_candidates(page->nb->model,
                                                page->selector, &n);

    for (size_t i = 0; i < n; i++) {
        const struct vmn_row *row;
        struct model_meta meta;

        if (strcmp(names[i], after) <= 0) {
            continue;
        }
        row = model_get_durable(page->nb->model, page->table->id, names[i],
                                &meta);
        if (row && !page_add(page, row, &meta)) {
            break;
        }
    }
    free(names);
}

static void
reply_page(struct http_request *req, struct page *page)
{
    struct ds *ds = &page->items;

    ds_put_format(ds, "],\"revision\":%"PRIu64,
                  model_durable_revision(page->nb->model));
    if (page->more) {
        ds_put_cstr(ds, ",\"next\":");
        schema_print_string(ds, page->last);
    }
    ds_put_cstr(ds, "}\n");
    http_reply_body(req, 200, "application/json", ds);
    free(page->last);
}

void
nb_get_list(struct http_request *req, void *nb_)
{
    const char *after = http_request_query(req, "after");
    const char *text = http_request_query(req, "selector");
    struct page page = { .nb = nb_, .table = http_request_data(req) };
    struct vmn_selector selector;
    struct arena arena;
    uint64_t limit;

    if (!nb_query_number(req, "limit", 1, NB_LIMIT_MAX, NB_LIMIT_DEFAULT,
                         &limit)) {
        return;
    }
    page.limit = limit;
    after = after ? after : "";
    arena_init(&arena);
    char *fault = text ? selector_parse(text, strlen(text), &arena, &selector)
                  : NULL;
    if (fault) {
        http_reply_problem(req, 400, "invalid", json_pack(
            "[o]", http_query_error("selector", "%s", fault)),
            "?selector is malformed: %s", fault);
    } else {
        page.selector = text ? &selector : NULL;
        ds_init(&page.items);
        ds_put_cstr(&page.items, "{\"items\":[");
        if (text && page.table->id == VMN_TABLE_PORT) {
            page_look_up(&page, after);
        } else {
            page_scan(&page, after);
        }
        reply_page(req, &page);
    }
    free(fault);
    arena_uninit(&arena);
}

/* One object.  ----------------------------------------------------------- */

void
nb_get_one(struct http_request *req, void *nb_)
{
    const struct schema_table *table = http_request_data(req);
    const char *name = http_request_param(req, "name");
    struct northbound *nb = nb_;
    struct model_meta meta;
    const struct vmn_row *row = model_get_durable(nb->model, table->id, name,
                                                  &meta);

    if (!row) {
        nb_reply_no_object(req, table, name);
        return;
    }

    struct ds ds = DS_EMPTY_INITIALIZER;
    char etag[24];

    snprintf(etag, sizeof etag, "%"PRIu64, meta.revision);
    http_reply_etag(req, etag);
    nb_put_object(nb, row, &meta, true, &ds);
    ds_put_cstr(&ds, "}\n");
    http_reply_body(req, 200, "application/json", &ds);
}

/* Submits a change of the object that 'req' addresses.  Takes ownership of
 * 'spec'. */
static void
submit(struct northbound *nb, struct http_request *req,
       enum model_op_kind kind, json_t *spec, bool cascade,
       const struct nb_wait *wait)
{
    const struct schema_table *table = http_request_data(req);
    const char *name = http_request_param(req, "name");
    struct model_request request;
    struct model_op *op;
    char *if_match;

    if (!http_request_if_match(req, &if_match)) {
        json_decref(spec);
        return;
    }
    model_request_init(&request, http_request_who(req));
    op = model_request_add(&request, kind, table->id, name, spec);
    op->if_match = if_match;
    op->cascade = cascade;
    nb_change_submit(nb, req, &request, table, name, wait);
}

static void
put_or_patch(struct northbound *nb, struct http_request *req,
             enum model_op_kind kind)
{
    const struct schema_table *table = http_request_data(req);
    const char *name = http_request_param(req, "name");
    struct vmn_errors errors;
    struct nb_wait wait;

    if (!nb_query_wait(req, &wait)) {
        return;
    }

    json_t *body = http_request_json(req);
    if (!body) {
        return;
    }
    vmn_errors_init(&errors);
    json_t *spec = nb_envelope_spec(body, table, name, "",
                                    kind == MODEL_PUT, &errors);
    if (spec) {
        submit(nb, req, kind, json_incref(spec), false, &wait);
    } else {
        nb_reply_errors(req, &errors, NB_POINT_AT_BODY);
    }
    vmn_errors_uninit(&errors);
    json_decref(body);
}

void
nb_put(struct http_request *req, void *nb)
{
    put_or_patch(nb, req, MODEL_PUT);
}

void
nb_patch(struct http_request *req, void *nb)
{
    put_or_patch(nb, req, MODEL_PATCH);
}

void
nb_delete(struct http_request *req, void *nb)
{
    struct nb_wait wait;
    bool cascade;

    if (nb_query_wait(req, &wait)
        && nb_query_bool(req, "cascade", &cascade)) {
        submit(nb, req, MODEL_DELETE, NULL, cascade, &wait);
    }
}
