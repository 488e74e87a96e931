/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/TYPE: the durable objects of a type, page by page.  The type is the
 * route's data.
 *
 * A page that takes longer than the time of one iteration of the loop is
 * continued in the next, so it may show changes that became durable meanwhile:
 * it is at least as new as the revision that it names. */

#include <config.h>

#include "controller/northbound/auth.h"
#include "controller/northbound/field-selection.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/schema-struct.h"
#include "controller/schema/selector.h"
#include "openvswitch/dynamic-string.h"
#include "proto/loop/loop.h"
#include "util.h"

/* Rows that are read between two checks of the time. */
#define PAGE_STEPS 16

struct page {
    const struct northbound *nb;
    struct http_request *req;
    const struct schema_table *table;
    struct arena arena;             /* Owns what 'selector' points to. */
    struct vmn_selector selector;
    bool selects;                   /* True if 'selector' filters. */
    struct field_selection fields;
    char *host, *network;           /* Filters of ports; NULL: any. */
    uint64_t limit;
    uint64_t revision;              /* The durable revision when the page was
                                     * begun. */
    char *after;                    /* Name of the last row that was read. */
    size_t n_read;
    struct ds items;                /* JSON text: the items, separated by
                                     * commas. */
    size_t n_items;
    char *last;                     /* Name of the last item. */
    bool more;                      /* There are more items. */
};

static void
page_destroy(void *page_)
{
    struct page *page = page_;

    arena_uninit(&page->arena);
    field_selection_uninit(&page->fields);
    ds_destroy(&page->items);
    free(page->host);
    free(page->network);
    free(page->after);
    free(page->last);
    free(page);
}

/* Returns the labels that the client is shown of 'row'. */
static const struct vmn_labels *
shown_labels(const struct page *page, const struct vmn_row *row)
{
    static const struct vmn_labels none = { 0, NULL };

    return (row->table == VMN_TABLE_HOST
            && nb_hides_hosts(nb_rights(page->req))
            ? &none : schema_row_labels(row));
}

/* Adds 'row' if the filters select it.  Returns false if the page is full. */
static bool
page_add(struct page *page, const struct vmn_row *row,
         const struct model_meta *meta)
{
    size_t start;

    if (page->network
        && strcmp(((const struct vmn_port *) row)->network, page->network)) {
        return true;
    }
    if (!model_sees(nb_rights(page->req), row)
        || (page->selects
            && !vmn_selector_matches(&page->selector,
                                     shown_labels(page, row)))) {
        return true;
    }
    if (page->n_items >= page->limit) {
        page->more = true;
        return false;
    }
    ds_put_cstr(&page->items, page->n_items++ ? "," : "");
    start = page->items.length;
    nb_append_object(page->nb, nb_rights(page->req), row, meta, false,
                     &page->items);
    ds_put_char(&page->items, '}');
    field_selection_apply(&page->fields, start, &page->items);
    if (nb_shows_secret(nb_rights(page->req), row)) {
        http_reply_secret(page->req);
    }
    free(page->last);
    page->last = xstrdup(row->name);
    return true;
}

/* Returns true if the time of this iteration is over; 'name', that of the row
 * read last, is then kept to continue from. */
static bool
page_pauses(struct page *page, const char *name)
{
    const struct loop *loop = page->nb->loop;
    bool rests = (++page->n_read % PAGE_STEPS == 0
                  && loop && loop_turn_is_over(loop));

    if (rests) {
        char *after = xstrdup(name);

        free(page->after);
        page->after = after;
    }
    return rests;
}

/* Reads the rows of the table.  Returns false if there are more to read. */
static bool
page_scan(struct page *page)
{
    const char *after = page->after;
    const struct vmn_row *row;
    struct model_meta meta;

    while ((row = model_next_durable(page->nb->model, page->table->id, after,
                                     &meta))
           && page_add(page, row, &meta)) {
        after = row->name;
        if (page_pauses(page, after)) {
            return false;
        }
    }
    return true;
}

/* Returns a copy of the names of the ports that an index has for the host, the
 * network or the selector: the index may change while rows are read.  The
 * caller frees it. */
static const char **
page_candidates(const struct page *page, size_t *n)
{
    const struct model *model = page->nb->model;

    if (!page->host && !page->network) {
        return nb_selector_candidates(model, &page->selector, n);
    }

    struct vmn_names found = page->host
        ? model_lookup(model, VMN_INDEX_PORT_BY_HOST, page->host)
        : model_lookup(model, VMN_INDEX_PORT_BY_NETWORK, page->network);
    *n = found.n;
    return found.n ? xmemdup(found.names, found.n * sizeof *found.names)
           : NULL;
}

/* Reads the ports that an index names.  Returns false if there are more to
 * read. */
static bool
page_read_index(struct page *page)
{
    size_t n;
    const char **names = page_candidates(page, &n);
    bool rests = false;

    for (size_t i = 0; i < n && !rests; i++) {
        const struct vmn_row *row;
        struct model_meta meta;

        if (strcmp(names[i], page->after) <= 0) {
            continue;
        }
        row = model_get_durable(page->nb->model, page->table->id, names[i],
                                &meta);
        if (row && !page_add(page, row, &meta)) {
            break;
        }
        rests = page_pauses(page, names[i]);
    }
    free(names);
    return !rests;
}

static bool
page_read(void *page_)
{
    struct page *page = page_;

    return (page->host || page->network
            || (page->selects && page->table->id == VMN_TABLE_PORT)
            ? page_read_index(page) : page_scan(page));
}

static void
page_reply(void *page_)
{
    struct page *page = page_;
    struct ds *ds = &page->items;

    ds_put_char(ds, ']');
    nb_tag_list(page->req, ds);
    schema_struct_print_members(
        &nb_list_end,
        &(const struct nb_list_end) {
            page->revision, page->more ? page->last : NULL,
        }, ds);
    ds_put_cstr(ds, "}\n");
    http_reply_body(page->req, 200, "application/json", ds);
    ds_init(ds);
}

/* Parses the selector.  Replies and returns false if it is invalid. */
static bool
page_select(struct page *page, const char *text)
{
    struct vmn_error error = VMN_ERROR_INIT;

    page->selects = true;
    if (selector_parse(text, strlen(text), &page->arena, &page->selector,
                       &error)) {
        http_reply_problem(page->req, 400, "invalid", json_pack(
            "[o]", http_query_error("selector", "%s", error.text)),
            "?selector is malformed: %s", error.text);
        vmn_error_uninit(&error);
        return false;
    }
    return true;
}

void
nb_get_list(struct http_request *req, void *nb_)
{
    static const struct nb_parts_class class = {
        page_read, page_reply, page_destroy,
    };
    const char *after = http_request_query(req, "after");
    const char *text = http_request_query(req, "selector");
    struct northbound *nb = nb_;
    struct field_selection fields;
    const char *host, *network;
    struct page *page;
    uint64_t limit;

    /* Types other than ports do not have the last two parameters. */
    if (!nb_query_limit(req, NB_LIMIT_MAX, NB_LIMIT_DEFAULT, &limit)
        || !nb_query_object(req, nb, "host", VMN_TABLE_HOST, &host)
        || !nb_query_object(req, nb, "network", VMN_TABLE_NETWORK,
                            &network)) {
        return;
    }
    if (!field_selection_init(&fields, req, http_request_data(req))) {
        return;
    }
    page = xzalloc(sizeof *page);
    page->nb = nb;
    page->fields = fields;
    page->req = req;
    page->table = http_request_data(req);
    page->limit = limit;
    page->host = nullable_xstrdup(host);
    page->network = nullable_xstrdup(network);
    page->revision = model_durable_revision(nb->model);
    page->after = xstrdup(after ? after : "");
    arena_init(&page->arena);
    ds_init(&page->items);
    if (text && !page_select(page, text)) {
        page_destroy(page);
        return;
    }
    ds_put_cstr(&page->items, "{\"items\":[");
    nb_reply_in_parts(nb, req, &class, page);
}
