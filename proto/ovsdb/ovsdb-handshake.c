/* SPDX-License-Identifier: Apache-2.0
 *
 * The start of an OVSDB client's session, modified by the relay.
 *
 * By itself the client requests a host's whole schema, from the database
 * _Server, which it then monitors, and keeps all of that: 150 kB for each
 * host.  It needs only the columns that vmnd reads.  So the relay replies that
 * there is no _Server; then the client requests the schema directly, and is
 * sent that part of it.  Everything else is passed on unchanged.
 *
 * The request is sent to the host with an ID of the relay's, so that equal
 * hosts reply with the same bytes, which are parsed once
 * (ovsdb-schema-cache.c). */

#include <config.h>

#include "proto/ovsdb/ovsdb-private.h"

#include <stdlib.h>
#include <string.h>

#include "proto/ovsdb/vswitch-idl.h"
#include "openvswitch/json.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/shash.h"
#include "ovsdb-idl.h"
#include "ovsdb-idl-provider.h"
#include "util.h"

/* The client's own IDs are numbers. */
#define SCHEMA_ID "schema"

void
ovsdb_handshake_init(struct ovsdb_handshake *opening,
                     struct ovsdb_schemas *schemas)
{
    *opening = (struct ovsdb_handshake) {
        .state = OVSDB_OPENING_ASK, .schemas = schemas,
    };
    ofpbuf_init(&opening->from_client, 0);
    ofpbuf_init(&opening->from_host, 0);
    /* The relay bounds the messages of both sides. */
    json_frame_init(&opening->client_frame, SIZE_MAX);
    json_frame_init(&opening->host_frame, SIZE_MAX);
}

void
ovsdb_handshake_uninit(struct ovsdb_handshake *opening)
{
    ofpbuf_uninit(&opening->from_client);
    ofpbuf_uninit(&opening->from_host);
    json_destroy(opening->id);
}

/* Returns member 'name' of 'json', or NULL if that is no object, or lacks
 * it. */
static struct json *
member(const struct json *json, const char *name)
{
    return (json && json->type == JSON_OBJECT
            ? shash_find_data(json->object, name) : NULL);
}

static bool
is_string(const struct json *json, const char *s)
{
    return json && json->type == JSON_STRING && !strcmp(json->string, s);
}

static void
put_json(struct ofpbuf *b, const struct json *json)
{
    char *s = json_to_string(json, 0);

    ofpbuf_put(b, s, strlen(s));
    free(s);
}

static void
put_no_database(struct ofpbuf *to_client, const struct json *id)
{
    struct json *reply = json_object_create();

    json_object_put(reply, "id", json_clone(id));
    json_object_put(reply, "result", json_null_create());
    json_object_put_string(reply, "error", "unknown database");
    put_json(to_client, reply);
    json_destroy(reply);
}

/* Processes a whole message from the client. */
static void
client_message(struct ovsdb_handshake *opening, struct json *msg,
               struct ofpbuf *to_host, struct ofpbuf *to_client)
{
    const struct json *params = member(msg, "params");
    const struct json *id = member(msg, "id");

    if (id && is_string(member(msg, "method"), "get_schema")) {
        if (params && params->type == JSON_ARRAY && params->array.n == 1
            && is_string(params->array.elems[0], "_Server")) {
            put_no_database(to_client, id);
            return;
        }
        opening->id = json_clone(id);
        opening->state = OVSDB_OPENING_WAIT;
        json_object_put_string(msg, "id", SCHEMA_ID);
        put_json(to_host, msg);
        return;
    }
    ofpbuf_put(to_host, opening->from_client.data,
               opening->from_client.size);
}

void
ovsdb_handshake_from_client(struct ovsdb_handshake *opening, const void *data,
                            size_t n, struct ofpbuf *to_host,
                            struct ofpbuf *to_client)
{
    struct ofpbuf *held = &opening->from_client;
    const char *p = data;

    while (n && opening->state == OVSDB_OPENING_ASK) {
        enum json_frame_result result;
        size_t used = json_frame_feed(&opening->client_frame, p, n, &result);

        ofpbuf_put(held, p, used);
        p += used;
        n -= used;
        if (result == JSON_FRAME_BAD) {
            opening->state = OVSDB_OPENING_OVER;
            ofpbuf_put(to_host, held->data, held->size);
        } else if (result == JSON_FRAME_END) {
            struct json *msg;

            ofpbuf_put(held, "", 1);
            msg = json_from_string(held->data);
            held->size--;
            client_message(opening, msg, to_host, to_client);
            json_destroy(msg);
            ofpbuf_clear(held);
        }
    }
    ofpbuf_put(to_host, p, n);
}

/* Returns the columns of 'column''s table in 'schema', or NULL. */
static struct json *
find_columns(const struct json *schema, const struct ovsdb_idl_column *column)
{
    const char *table = ovsdb_idl_table_class_from_column(&ovsrec_idl_class,
                                                          column)->name;

    return member(member(member(schema, "tables"), table), "columns");
}

/* Returns true if 'schema' has the column. */
static bool
has_column(const struct json *schema, const struct ovsdb_idl_column *column)
{
    return member(find_columns(schema, column), column->name) != NULL;
}

/* Adds to 'cut' the columns that 'schema' has. */
static void
cut_columns(struct json *cut, const struct json *schema,
            const struct ovsdb_idl_column *const *columns, size_t n)
{
    struct json *cut_tables = member(cut, "tables");

    for (size_t i = 0; i < n; i++) {
        const char *table = ovsdb_idl_table_class_from_column(
            &ovsrec_idl_class, columns[i])->name;

        if (!has_column(schema, columns[i])) {
            continue;
        }
        if (!member(cut_tables, table)) {
            struct json *cut_table = json_object_create();

            json_object_put(cut_table, "columns", json_object_create());
            json_object_put(cut_tables, table, cut_table);
        }
        json_object_put(find_columns(cut, columns[i]), columns[i]->name,
                        json_object_create());
    }
}

/* Returns true if 'schema' has all columns of zone limits.  The client logs a
 * warning for each column that it is to read and a host lacks, so it reads
 * none of them unless the host has all. */
static bool
has_zone_limits(const struct json *schema)
{
    size_t n;
    const struct ovsdb_idl_column *const *columns
        = ovsdb_zone_limit_columns(&n);
    bool has = true;

    for (size_t i = 0; i < n; i++) {
        has = has && has_column(schema, columns[i]);
    }
    return has;
}

/* Returns the part of 'schema' that the client needs: the columns that we
 * read, as far as they exist. */
static struct json *
cut_schema(const struct json *schema)
{
    struct json *cut = json_object_create();
    const struct ovsdb_idl_column *const *columns;
    size_t n;

    json_object_put(cut, "tables", json_object_create());
    columns = ovsdb_snapshot_columns(&n);
    cut_columns(cut, schema, columns, n);
    if (has_zone_limits(schema)) {
        columns = ovsdb_zone_limit_columns(&n);
        cut_columns(cut, schema, columns, n);
    }
    return cut;
}

/* Appends the reply to the client's request, with 'result' (JSON). */
static void
put_result(struct ofpbuf *to_client, const struct json *id,
           const char *result)
{
    char *id_text = json_to_string(id, 0);
    char *s = xasprintf("{\"id\":%s,\"result\":%s,\"error\":null}", id_text,
                        result);

    ofpbuf_put(to_client, s, strlen(s));
    free(s);
    free(id_text);
}

/* Replies with the schema, cut down to what the client needs. */
static void
schema_message(struct ovsdb_handshake *opening, struct json *msg,
               struct ofpbuf *to_client)
{
    const struct ofpbuf *held = &opening->from_host;
    const struct json *result = member(msg, "result");

    if (member(result, "tables")) {
        struct json *cut = cut_schema(result);
        char *s = json_to_string(cut, 0);

        opening->has_zone_limits = has_zone_limits(cut);
        json_destroy(cut);
        put_result(to_client, opening->id, s);
        ovsdb_schemas_add(opening->schemas, held->data, held->size, s,
                          opening->has_zone_limits);
    } else {
        json_object_put(msg, "id", json_clone(opening->id));
        put_json(to_client, msg);
    }
}

/* Processes a whole message from the host, which is kept. */
static void
host_message(struct ovsdb_handshake *opening, struct ofpbuf *to_client)
{
    struct ofpbuf *held = &opening->from_host;
    bool waits = opening->state == OVSDB_OPENING_WAIT;
    const char *cut = (waits ? ovsdb_schemas_find(opening->schemas,
                                                  held->data, held->size,
                                                  &opening->has_zone_limits)
                       : NULL);
    struct json *msg;

    if (cut) {
        opening->state = OVSDB_OPENING_OVER;
        put_result(to_client, opening->id, cut);
        return;
    }
    ofpbuf_put(held, "", 1);
    msg = json_from_string(held->data);
    held->size--;
    if (waits && is_string(member(msg, "id"), SCHEMA_ID)
        && !member(msg, "method")) {
        opening->state = OVSDB_OPENING_OVER;
        schema_message(opening, msg, to_client);
    } else {
        ofpbuf_put(to_client, held->data, held->size);
    }
    json_destroy(msg);
}

void
ovsdb_handshake_from_host(struct ovsdb_handshake *opening, const void *data,
                          size_t n, struct ofpbuf *to_client)
{
    struct ofpbuf *held = &opening->from_host;
    const char *p = data;

    while (n && opening->state != OVSDB_OPENING_OVER) {
        enum json_frame_result result;
        size_t used = json_frame_feed(&opening->host_frame, p, n, &result);

        ofpbuf_put(held, p, used);
        p += used;
        n -= used;
        if (result == JSON_FRAME_BAD) {
            opening->state = OVSDB_OPENING_OVER;
            ofpbuf_put(to_client, held->data, held->size);
        } else if (result == JSON_FRAME_END) {
            host_message(opening, to_client);
            ofpbuf_uninit(held);
            ofpbuf_init(held, 0);
        }
    }
    ofpbuf_put(to_client, p, n);
}
