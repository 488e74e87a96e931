/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of the API's documents; see api-doc.h. */

#include <config.h>

#include "build-aux/api-doc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/northbound-private.h"
#include "controller/northbound/openapi.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

#define BEGIN "<!-- made of the source: "
#define BEGIN_END " -->\n"
#define END "<!-- end -->\n"

/* Calls.  ---------------------------------------------------------------- */

/* 'pattern' as people write it: "/v1/TYPE/NAME". */
static void
put_path(const struct http_route *route, struct ds *ds)
{
    const struct schema_table *table = route->data;
    const char *c = route->pattern;
    bool is_param = false;

    if (table) {
        ds_put_cstr(ds, "/v1/TYPE");
        c += strlen("/v1/") + strlen(table->plural);
    }
    for (; *c; c++) {
        if (*c == '{' || *c == '}') {
            is_param = *c == '{';
        } else {
            ds_put_char(ds, is_param ? toupper((unsigned char) *c) : *c);
        }
    }
}

static void
put_call(const struct http_route *route, struct ds *ds)
{
    static const char *const methods[HTTP_N_METHODS] = {
        [HTTP_GET] = "GET", [HTTP_PUT] = "PUT", [HTTP_POST] = "POST",
        [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
    };
    static const struct schema_table any = {
        .plural = "the objects of a type", .singular = "object",
    };
    const struct nb_operation *about = route->about;
    char *sentence = nb_operation_sentence(about, route->data ? &any : NULL);
    const char *between = "";

    ds_put_format(ds, "| `%s ", methods[route->method]);
    put_path(route, ds);
    ds_put_format(ds, about->section ? "` | [%s](#%s) | " : "` | %s | ",
                  sentence, about->section);
    for (const struct schema_field *f = about->params; f && f->name; f++) {
        ds_put_format(ds, "%s`%s`", between, f->name);
        between = ", ";
    }
    ds_put_cstr(ds, " |\n");
    free(sentence);
}

static void
put_calls(struct ds *ds)
{
    size_t n;
    struct http_route *routes = nb_routes_make(&n);
    const void *first = NULL;

    ds_put_cstr(ds, "| call | what it does | parameters |\n"
                "| --- | --- | --- |\n");
    /* Those of one type speak for all, those of apps included. */
    for (size_t i = 0; i < n; i++) {
        first = first ? first : routes[i].data;
        if (routes[i].about && routes[i].data == first && first) {
            put_call(&routes[i], ds);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (routes[i].about && !routes[i].data && !routes[i].find) {
            put_call(&routes[i], ds);
        }
    }
    nb_routes_destroy(routes, n);
}

/* Types.  ---------------------------------------------------------------- */

/* A cell of a table. */
static void
put_cell(const char *text, struct ds *ds)
{
    for (; *text; text++) {
        ds_put_format(ds, *text == '|' ? "\\%c" : "%c", *text);
    }
    ds_put_cstr(ds, " | ");
}

/* Rows of the fields of 's', behind 'path'; of what is shown, without
 * defaults. */
static void
put_fields(const struct schema_field *fields, const char *path, bool shown,
           bool given, struct ds *ds)
{
    for (const struct schema_field *f = fields; f && f->name; f++) {
        bool is_common = !strcmp(f->name, "description")
                         || !strcmp(f->name, "labels");
        char *type = schema_type_text(f);
        char *absent = schema_default_text(f);

        if (!(is_common && !*path && !shown)
            && (!given || f->flags & SCHEMA_ASSIGNED)) {
            ds_put_format(ds, "| `%s%s` | ", path, f->name);
            put_cell(type, ds);
            if (!shown) {
                put_cell(absent, ds);
            }
            put_cell(f->doc, ds);
            ds_chomp(ds, ' ');
            ds_put_char(ds, '\n');
            if (f->type == SCHEMA_STRUCT) {
                char *inner = xasprintf("%s%s%s.", path, f->name,
                                        f->flags & SCHEMA_LIST ? "[]"
                                        : f->flags & SCHEMA_MAP ? ".*" : "");

                put_fields(f->nested->fields, inner, shown, false, ds);
                free(inner);
            }
        }
        free(type);
        free(absent);
    }
}

static void
put_later(const char *const *later, struct ds *ds)
{
    for (size_t i = 0; later && later[i]; i++) {
        ds_put_format(ds, i ? ", `%s`" : "\nLater, and refused until then: "
                      "`%s`", later[i]);
    }
    ds_put_cstr(ds, later ? ".\n" : "");
}

static void
put_type(const struct schema_table *table, struct ds *ds)
{
    struct ds status = DS_EMPTY_INITIALIZER;

    ds_put_format(ds, "%s At most %"PRIuSIZE".\n\n"
                  "| field | is | default | meaning |\n"
                  "| --- | --- | --- | --- |\n", table->doc, table->max_rows);
    put_fields(table->row.fields, "", false, false, ds);
    put_later(table->row.later, ds);
    put_fields(table->row.fields, "", true, true, &status);
    put_fields(table->status ? table->status->fields : NULL, "", true, false,
               &status);
    if (status.length) {
        ds_put_format(ds, "\n| status | is | meaning |\n"
                      "| --- | --- | --- |\n%s", ds_cstr(&status));
    }
    ds_destroy(&status);
}

/* Rights.  --------------------------------------------------------------- */

/* A kind of field that matters to accounts with a scope. */
struct rights_column {
    enum schema_reach reach;    /* Or... */
    enum schema_writers writers;
};

/* Appends the fields of that kind, behind 'path'. */
static void
put_rights_fields(const struct schema_field *fields, const char *path,
                  const struct rights_column *column, struct ds *ds)
{
    for (const struct schema_field *f = fields; f->name; f++) {
        if (column->reach ? f->reach == column->reach
            : f->writers == column->writers) {
            ds_put_format(ds, "%s`%s%s`", ds->length ? ", " : "", path,
                          f->name);
        }
        if (f->type == SCHEMA_STRUCT) {
            char *inner = xasprintf("%s%s%s.", path, f->name,
                                    f->flags & SCHEMA_LIST ? "[]" : "");

            put_rights_fields(f->nested->fields, inner, column, ds);
            free(inner);
        }
    }
}

/* What accounts with a scope may do with objects of each type. */
static void
put_rights(struct ds *ds)
{
    static const struct rights_column columns[] = {
        { .reach = SCHEMA_ACTS }, { .reach = SCHEMA_PLACES },
        { .reach = SCHEMA_MENTIONS },
        { .writers = SCHEMA_NETWORK_OWNERS },
        { .writers = SCHEMA_ADMINISTRATORS },
    };

    size_t width;

    ds_put_cstr(ds, "| type | acts on | is put onto | mentions | only where "
                "the network is within the scope | never set |\n"
                "| --- | --- | --- | --- | --- | --- |\n");
    for (int i = 0; i < VMN_TABLE_OWN_FIRST; i++) {
        const struct schema_table *table = schema_tables[i];

        if (table->observed || table->unscoped) {
            continue;
        }
        ds_put_format(ds, "| `%s` |", table->plural);
        for (size_t j = 0; j < ARRAY_SIZE(columns); j++) {
            struct ds cell = DS_EMPTY_INITIALIZER;

            if (columns[j].reach == SCHEMA_ACTS
                && table->named_as != VMN_N_TABLES) {
                ds_put_format(&cell, "the %s of its name",
                              schema_tables[table->named_as]->singular);
            }
            put_rights_fields(table->row.fields, "", &columns[j], &cell);
            ds_put_format(ds, " %s |", cell.length ? ds_cstr(&cell) : "-");
            ds_destroy(&cell);
        }
        ds_put_char(ds, '\n');
    }
    ds_put_cstr(ds, "\nNot for them to change are");
    width = 26;
    for (int i = 0, n = 0; i < VMN_TABLE_OWN_FIRST; i++) {
        if (schema_tables[i]->unscoped) {
            size_t size = strlen(schema_tables[i]->plural) + 4;

            ds_put_cstr(ds, n++ ? "," : "");
            width = width + size > 79 ? 0 : width;
            ds_put_format(ds, "%s`%s`", width ? " " : "\n",
                          schema_tables[i]->plural);
            width += size;
        }
    }
    ds_put_cstr(ds, ".\n");
}

/* The file.  ------------------------------------------------------------- */

/* Puts what stands for 'what'; returns its type, or -1.  False if there is no
 * such thing. */
static bool
put_what(const char *what, int *type, struct ds *ds)
{
    const struct schema_table *table = schema_find_table(what);

    *type = -1;
    if (!strcmp(what, "calls")) {
        put_calls(ds);
        return true;
    }
    if (!strcmp(what, "rights")) {
        put_rights(ds);
        return true;
    }
    if (!table || table->observed) {
        return false;
    }
    put_type(table, ds);
    *type = table->id;
    return true;
}

char *
api_doc_update(const char *text, bool all_types, char **fault)
{
    bool has[VMN_N_TABLES] = { false };
    struct ds ds = DS_EMPTY_INITIALIZER;
    const char *begin;

    *fault = NULL;
    while (!*fault && (begin = strstr(text, BEGIN))) {
        const char *what = begin + strlen(BEGIN);
        const char *what_end = strstr(what, BEGIN_END);
        const char *end = strstr(what, END);
        char *name = xmemdup0(what, what_end ? what_end - what : 0);
        int type;

        if (!what_end || !end) {
            *fault = xstrdup("a part does not end");
        } else {
            ds_put_buffer(&ds, text, what_end + strlen(BEGIN_END) - text);
            if (!put_what(name, &type, &ds)) {
                *fault = xasprintf("there is no \"%s\"", name);
            } else if (type >= 0) {
                has[type] = true;
            }
            ds_put_cstr(&ds, END);
            text = end + strlen(END);
        }
        free(name);
    }
    ds_put_cstr(&ds, text);
    for (int i = 0; all_types && !*fault && i < VMN_TABLE_OWN_FIRST; i++) {
        if (!has[i] && !schema_tables[i]->observed) {
            *fault = xasprintf("it has no place for \"%s\"",
                               schema_tables[i]->plural);
        }
    }
    if (*fault) {
        ds_destroy(&ds);
        return NULL;
    }
    return ds_steal_cstr(&ds);
}

char *
api_doc_openapi(void)
{
    size_t n;
    struct http_route *routes = nb_routes_make(&n);
    char *document = openapi_make(routes, n);

    nb_routes_destroy(routes, n);
    return document;
}
