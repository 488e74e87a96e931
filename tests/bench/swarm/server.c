/* SPDX-License-Identifier: Apache-2.0
 *
 * A host's OVSDB server: JSON-RPC on a unix socket, for several clients, each
 * with one monitor of the Open_vSwitch database.  There is no _Server: vmnd
 * does not ask for it. */

#include <config.h>

#include "tests/bench/swarm/swarm.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "openvswitch/vlog.h"
#include "util.h"
#include "uuid.h"

VLOG_DEFINE_THIS_MODULE(swarm_server);

struct db_conn {
    struct ovs_list node;       /* In the host's db_conns. */
    struct host *host;
    const struct member *member; /* Who it is for; NULL: for all. */
    const struct link *link;    /* To that one, or NULL. */
    struct bufferevent *bev;
    struct json_parser *parser; /* NULL between messages. */
    struct json *monitor_id;    /* NULL: no monitor. */
    bool **columns;             /* What it shows, by table (NULL: nothing)
                                 * and column. */
    bool attacked;              /* By an attack that is made once. */
};

static void
monitor_clear(struct db_conn *conn)
{
    if (conn->monitor_id) {
        for (size_t i = 0; i < conn->host->swarm->schema->n_tables; i++) {
            free(conn->columns[i]);
        }
        free(conn->columns);
        json_destroy(conn->monitor_id);
        conn->monitor_id = NULL;
    }
}

static void
db_conn_destroy(struct db_conn *conn)
{
    ovs_list_remove(&conn->node);
    monitor_clear(conn);
    json_parser_abort(conn->parser);
    bufferevent_free(conn->bev);
    free(conn);
}

void
server_drop(struct host *host)
{
    struct db_conn *conn;

    LIST_FOR_EACH_SAFE (conn, node, &host->db_conns) {
        db_conn_destroy(conn);
    }
}

static void
send_message(struct db_conn *conn, struct json *message)
{
    char *text = json_to_string(message, 0);

    bufferevent_write(conn->bev, text, strlen(text));
    free(text);
    json_destroy(message);
}

/* Takes ownership of 'result' or 'error', of which one is NULL. */
static void
reply(struct db_conn *conn, const struct json *id, struct json *result,
      struct json *error)
{
    struct json *message = json_object_create();

    json_object_put(message, "id", json_clone(id));
    json_object_put(message, "result", result ? result : json_null_create());
    json_object_put(message, "error", error ? error : json_null_create());
    send_message(conn, message);
}

static const char *
param_string(const struct json *params, size_t i)
{
    return (i < params->array.n
            && params->array.elems[i]->type == JSON_STRING
            ? params->array.elems[i]->string : NULL);
}

/* Monitors.  ------------------------------------------------------------- */

/* Whether the two differ; either may be NULL, which is the default. */
static bool
differs(const struct ovsdb_datum *a, const struct ovsdb_datum *b,
        const struct ovsdb_type *type)
{
    const struct ovsdb_datum *none = ovsdb_datum_default(type);

    return !ovsdb_datum_equals(a ? a : none, b ? b : none, type);
}

/* The columns of 'row' that the monitor shows and that are not default. */
static struct json *
whole_row(const struct db_conn *conn, const struct row *row)
{
    const struct schema_table *table = rows_table(&conn->host->rows, row);
    const bool *columns = conn->columns[row->table];
    struct json *object = json_object_create();

    for (size_t i = 0; i < table->n_columns; i++) {
        if (columns[i] && row->values[i]) {
            json_object_put(object, table->columns[i].name,
                            ovsdb_datum_to_json(row->values[i],
                                                &table->columns[i].type));
        }
    }
    return object;
}

/* What has changed in 'row', as "modify" has it, or NULL. */
static struct json *
changed_row(const struct db_conn *conn, const struct row *row)
{
    const struct schema_table *table = rows_table(&conn->host->rows, row);
    const bool *columns = conn->columns[row->table];
    struct json *object = NULL;

    for (size_t i = 0; i < table->n_columns; i++) {
        const struct ovsdb_type *type = &table->columns[i].type;
        const struct ovsdb_datum *none = ovsdb_datum_default(type);
        const struct ovsdb_datum *old = row->before->values[i];
        const struct ovsdb_datum *new = row->values[i];
        struct ovsdb_datum diff;

        if (!columns[i] || !differs(old, new, type)) {
            continue;
        }
        if (!object) {
            object = json_object_create();
        }
        ovsdb_datum_diff(&diff, old ? old : none, new ? new : none, type);
        json_object_put(object, table->columns[i].name,
                        ovsdb_datum_to_json(&diff, type));
        ovsdb_datum_destroy(&diff, type);
    }
    return object;
}

/* Puts one row's update into 'updates', an object by table. */
static void
put_update(const struct db_conn *conn, struct json *updates,
           const struct row *row, const char *what, struct json *value)
{
    const char *table = rows_table(&conn->host->rows, row)->name;
    struct json *of_table = shash_find_data(updates->object, table);
    struct json *update = json_object_create();

    if (!of_table) {
        of_table = json_object_create();
        json_object_put(updates, table, of_table);
    }
    json_object_put(update, what, value);
    json_object_put_nocopy(of_table,
                           xasprintf(UUID_FMT, UUID_ARGS(&row->uuid)),
                           update);
}

static void
put_change(const struct db_conn *conn, struct json *updates,
           const struct row *row)
{
    if (!conn->columns[row->table]) {
        return;
    }
    if (!row->before->existed) {
        if (!row->deleted) {
            put_update(conn, updates, row, "insert", whole_row(conn, row));
        }
    } else if (row->deleted) {
        put_update(conn, updates, row, "delete", json_null_create());
    } else {
        struct json *changed = changed_row(conn, row);

        if (changed) {
            put_update(conn, updates, row, "modify", changed);
        }
    }
}

/* Tells one monitor of the change that ends. */
static void
notify(struct db_conn *conn)
{
    const struct rows *rows = &conn->host->rows;
    struct json *updates = json_object_create();
    struct json *message;

    for (size_t i = 0; i < rows->n_touched; i++) {
        put_change(conn, updates, rows->touched[i]);
    }
    if (shash_is_empty(updates->object)) {
        json_destroy(updates);
        return;
    }
    message = json_object_create();
    json_object_put(message, "id", json_null_create());
    json_object_put(message, "method", json_string_create("update2"));
    json_object_put(message, "params", json_array_create_2(
                        json_clone(conn->monitor_id), updates));
    send_message(conn, message);
}

void
server_notify(struct host *host)
{
    struct db_conn *conn;

    LIST_FOR_EACH (conn, node, &host->db_conns) {
        if (conn->monitor_id && host->rows.n_touched) {
            notify(conn);
        }
    }
    rows_settle(&host->rows);
}

void
server_send_update(struct db_conn *conn, const char *updates)
{
    char *id = json_to_string(conn->monitor_id, 0);
    char *text = xasprintf("{\"id\":null,\"method\":\"update2\","
                           "\"params\":[%s,%s]}", id, updates);

    bufferevent_write(conn->bev, text, strlen(text));
    free(text);
    free(id);
}

static void
drained(struct db_conn *conn)
{
    if (conn->monitor_id) {
        hostile_db_drained(conn->host, conn, &conn->attacked);
    }
}

void
server_drained(struct host *host)
{
    struct db_conn *conn;

    LIST_FOR_EACH (conn, node, &host->db_conns) {
        drained(conn);
    }
}

/* Notes which columns of one table are to be shown. */
static bool
monitor_columns(struct db_conn *conn, int table, const struct json *request)
{
    const struct schema_table *t = &conn->host->swarm->schema->tables[table];
    const struct json *columns;

    if (request->type == JSON_ARRAY && request->array.n == 1) {
        request = request->array.elems[0];
    }
    if (request->type != JSON_OBJECT) {
        return false;
    }
    columns = shash_find_data(request->object, "columns");
    if (!columns || columns->type != JSON_ARRAY) {
        return false;
    }
    conn->columns[table] = xcalloc(t->n_columns, sizeof(bool));
    for (size_t i = 0; i < columns->array.n; i++) {
        const char *name = param_string(columns, i);
        int column = name ? schema_find_column(t, name) : -1;

        if (column < 0) {
            return false;
        }
        conn->columns[table][column] = true;
    }
    return true;
}

static bool
monitor_start(struct db_conn *conn, const struct json *params)
{
    const struct schema *schema = conn->host->swarm->schema;
    struct shash_node *node;

    if (params->array.n < 3
        || params->array.elems[2]->type != JSON_OBJECT) {
        return false;
    }
    monitor_clear(conn);
    conn->monitor_id = json_clone(params->array.elems[1]);
    conn->columns = xcalloc(schema->n_tables, sizeof *conn->columns);
    SHASH_FOR_EACH (node, params->array.elems[2]->object) {
        int table = schema_find_table(schema, node->name);

        if (table < 0 || !monitor_columns(conn, table, node->data)) {
            monitor_clear(conn);
            return false;
        }
    }
    return true;
}

static void
monitor_cond(struct db_conn *conn, const struct json *id,
             const struct json *params)
{
    struct json *updates;
    struct row *row;

    if (!monitor_start(conn, params)) {
        reply(conn, id, NULL, json_string_create("syntax error"));
        return;
    }
    updates = json_object_create();
    HMAP_FOR_EACH (row, node, &conn->host->rows.all) {
        if (conn->columns[row->table]) {
            put_update(conn, updates, row, "initial", whole_row(conn, row));
        }
    }
    reply(conn, id, updates, NULL);
}

/* Requests.  ------------------------------------------------------------- */

static void
handle_transact(struct db_conn *conn, const struct json *id,
                const struct json *params)
{
    struct host *host = conn->host;
    struct json *result = transact(&host->rows, params);

    host->counters.transactions++;
    if (host->rows.n_touched) {
        writers_note(&host->db_writers,
                     conn->member ? conn->member->name : "",
                     vswitchd_epoch(host));
    }
    server_notify(host);
    reply(conn, id, result, NULL);
    vswitchd_run(host);
}

static void
handle_request(struct db_conn *conn, const char *method,
               const struct json *id, const struct json *params)
{
    const char *db = param_string(params, 0);
    bool is_ours = db && !strcmp(db, "Open_vSwitch");

    if (!strcmp(method, "echo")) {
        reply(conn, id, json_clone(params), NULL);
    } else if (!strcmp(method, "transact") && is_ours) {
        handle_transact(conn, id, params);
    } else if (!strcmp(method, "get_schema") && is_ours) {
        reply(conn, id, json_clone(conn->host->swarm->schema->json), NULL);
    } else if (!strcmp(method, "monitor_cond") && is_ours) {
        monitor_cond(conn, id, params);
    } else {
        VLOG_WARN("%s: \"%s\" is not known", conn->host->name, method);
        reply(conn, id, NULL, json_string_create("unknown method"));
    }
}

/* False if the message makes no sense. */
static bool
handle_message(struct db_conn *conn, const struct json *message)
{
    const struct json *method, *id, *params;

    if (message->type != JSON_OBJECT) {
        return false;
    }
    method = shash_find_data(message->object, "method");
    id = shash_find_data(message->object, "id");
    params = shash_find_data(message->object, "params");
    if (!method || method->type == JSON_NULL) {
        return true;            /* An answer, to nothing that we asked. */
    }
    if (method->type != JSON_STRING || !id || !params
        || params->type != JSON_ARRAY) {
        return false;
    }
    handle_request(conn, method->string, id, params);
    return true;
}

static bool
may_read(const struct db_conn *conn)
{
    return !conn->link || !conn->link->cut_in;
}

static void
read_cb(struct bufferevent *bev, void *conn_)
{
    struct evbuffer *in = bufferevent_get_input(bev);
    struct db_conn *conn = conn_;

    while (may_read(conn) && evbuffer_get_length(in)) {
        size_t n = evbuffer_get_contiguous_space(in);
        const char *bytes = (const char *) evbuffer_pullup(in, n);
        struct json *message;
        bool ok;

        if (!conn->parser) {
            conn->parser = json_parser_create(0);
        }
        n = json_parser_feed(conn->parser, bytes, n);
        evbuffer_drain(in, n);
        if (!json_parser_is_done(conn->parser)) {
            continue;
        }
        message = json_parser_finish(conn->parser);
        conn->parser = NULL;
        ok = handle_message(conn, message);
        json_destroy(message);
        if (!ok) {
            VLOG_WARN("%s: a message makes no sense", conn->host->name);
            db_conn_destroy(conn);
            return;
        }
    }
}

static void
write_cb(struct bufferevent *bev OVS_UNUSED, void *conn)
{
    drained(conn);
}

static void
event_cb(struct bufferevent *bev OVS_UNUSED, short what OVS_UNUSED,
         void *conn)
{
    db_conn_destroy(conn);
}

/* Lets bytes through, or not. */
static void
set_flow(struct db_conn *conn)
{
    link_set_flow(conn->link, conn->bev, may_read(conn));
}

void
server_set_flow(struct host *host)
{
    struct db_conn *conn;

    LIST_FOR_EACH (conn, node, &host->db_conns) {
        set_flow(conn);
    }
}

static void
accept_cb(struct evconnlistener *listener, evutil_socket_t fd,
          struct sockaddr *sa OVS_UNUSED, int size OVS_UNUSED, void *host_)
{
    struct host *host = host_;
    const struct swarm *swarm = host->swarm;
    struct db_conn *conn;

    conn = xzalloc(sizeof *conn);
    conn->host = host;
    for (size_t i = 0; i < swarm->n_members; i++) {
        if (listener == host->listeners[i]) {
            conn->member = &swarm->members[i];
            conn->link = &host->links[i];
        }
    }
    conn->bev = bufferevent_socket_new(swarm->base, fd,
                                       BEV_OPT_CLOSE_ON_FREE
                                       | BEV_OPT_DEFER_CALLBACKS);
    ovs_list_push_back(&host->db_conns, &conn->node);
    bufferevent_setcb(conn->bev, read_cb, write_cb, event_cb, conn);
    set_flow(conn);
}

/* Listens in 'folder'.  Returns NULL with errno set if that fails. */
static struct evconnlistener *
listen_in(struct host *host, const char *folder)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };

    snprintf(un.sun_path, sizeof un.sun_path, "%s/%s.db", folder, host->name);
    unlink(un.sun_path);
    return evconnlistener_new_bind(
        host->swarm->base, accept_cb, host, LEV_OPT_CLOSE_ON_FREE, 8,
        (struct sockaddr *) &un, sizeof un);
}

int
server_open(struct host *host)
{
    const struct swarm *swarm = host->swarm;

    host->listeners = xcalloc(MAX(swarm->n_members, 1),
                              sizeof *host->listeners);
    if (!swarm->n_members) {
        host->listeners[0] = listen_in(host, swarm->directory);
        return host->listeners[0] ? 0 : errno;
    }
    for (size_t i = 0; i < swarm->n_members; i++) {
        char *folder = xasprintf("%s/%s", swarm->directory,
                                 swarm->members[i].name);

        host->listeners[i] = listen_in(host, folder);
        free(folder);
        if (!host->listeners[i]) {
            return errno;
        }
    }
    return 0;
}

void
server_close(struct host *host)
{
    server_drop(host);
    for (size_t i = 0; i < MAX(host->swarm->n_members, 1); i++) {
        if (host->listeners[i]) {
            evconnlistener_free(host->listeners[i]);
        }
    }
    free(host->listeners);
}
