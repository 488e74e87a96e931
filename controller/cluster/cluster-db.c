/* SPDX-License-Identifier: Apache-2.0
 *
 * The cluster's database; see cluster-db.h.  The connection is Open vSwitch's
 * (ovsdb-cs), as a task of the loop. */

#include <config.h>

#include "controller/cluster/cluster-db.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster-schema.h"
#include "controller/schema/error.h"
#include "hash.h"
#include "jsonrpc.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovsdb-cs.h"
#include "ovsdb-error.h"
#include "proto/loop/loop.h"
#include "util.h"
#include "uuid.h"

VLOG_DEFINE_THIS_MODULE(cluster_db);

/* Without a connection for so long, it is begun anew: libopenvswitch would
 * wait for up to 8 seconds between tries. */
#define RECONNECT_MS 100
/* The same while the database does not have the columns that it takes. */
#define REFUSED_MS 1000

/* After so long without a word the server is asked whether it is there, and
 * after as long again it is not. */
#define PROBE_MS 5000

/* After so long without a reply to a transaction it never comes: a server may
 * lose one while servers look for a leader. */
#define REPLY_MS 5000

/* Numbers that are not from 0 to this are no members'.  The largest that JSON
 * is sure to pass on. */
#define NUMBER_MAX (INT64_C(1) << 53)

struct transaction {
    struct hmap_node node;      /* By the hash of 'id'. */
    struct json *id;
    int64_t begin_ms;
    cluster_db_done_cb *done;
    void *aux;
};

struct cluster_db {
    struct loop *loop;
    struct loop_task *task;
    char *remote;
    struct ovsdb_cs *cs;
    int64_t tried_ms;           /* When 'cs' was created, or last connected. */
    const struct cluster_db_callbacks *callbacks;
    void *aux;
    struct cluster_view view;
    bool refused;               /* What the server said of its schema just now
                                 * is the view's 'fault'. */
    int64_t applied;
    struct hmap transactions;   /* Of struct transaction. */
};

/* The view.  -------------------------------------------------------------- */

static void
set_string(char **dst, const char *text)
{
    free(*dst);
    *dst = xstrdup(text);
}

static void
view_init(struct cluster_view *view)
{
    memset(view, 0, sizeof *view);
    view->lease.holder = xstrdup("");
    view->lease.successor = xstrdup("");
    hmap_init(&view->batches);
    shash_init(&view->members);
}

static void
batch_destroy(struct cluster_view *view, struct cluster_batch *batch)
{
    hmap_remove(&view->batches, &batch->node);
    free(batch->text);
    free(batch);
}

static void
member_destroy(struct cluster_view *view, struct shash_node *node)
{
    struct cluster_member *member = node->data;

    shash_delete(&view->members, node);
    free(member->name);
    free(member->version);
    free(member->address);
    free(member->listen);
    free(member->openflow);
    free(member->ovsdb);
    free(member);
}

static void
view_clear(struct cluster_view *view)
{
    struct cluster_batch *batch;
    struct shash_node *node;

    HMAP_FOR_EACH_SAFE (batch, node, &view->batches) {
        batch_destroy(view, batch);
    }
    SHASH_FOR_EACH_SAFE (node, &view->members) {
        member_destroy(view, node);
    }
    view->has_row = false;
}

static void
view_uninit(struct cluster_view *view)
{
    view_clear(view);
    hmap_destroy(&view->batches);
    shash_destroy(&view->members);
    free(view->fault);
    free(view->lease.holder);
    free(view->lease.successor);
}

const struct cluster_view *
cluster_db_view(const struct cluster_db *db)
{
    return &db->view;
}

const struct cluster_batch *
cluster_view_find_batch(const struct cluster_view *view, int64_t index)
{
    const struct cluster_batch *batch;

    HMAP_FOR_EACH_WITH_HASH (batch, node, hash_uint64(index),
                             &view->batches) {
        if (batch->index == index) {
            return batch;
        }
    }
    return NULL;
}

/* Updates.  --------------------------------------------------------------- */

/* Sets '*value' to that of the column, if the update has it, and it is a
 * number that a member may have written. */
static void
get_integer(const struct shash *columns, const char *name, int64_t *value)
{
    const struct json *json = shash_find_data(columns, name);

    if (json && json->type == JSON_INTEGER && json->integer >= 0
        && json->integer <= NUMBER_MAX) {
        *value = json->integer;
    }
}

static void
get_string(const struct shash *columns, const char *name, char **value)
{
    const struct json *json = shash_find_data(columns, name);

    if (json && json->type == JSON_STRING) {
        set_string(value, json->string);
    }
}

/* Sets columns to their defaults, which a new row leaves out. */
static void
reset_row(struct cluster_view *view)
{
    view->format = view->number = view->head = view->bytes = 0;
    view->revision = 0;
    view->lease.epoch = view->lease.beat = view->lease.run = 0;
    set_string(&view->lease.holder, "");
    set_string(&view->lease.successor, "");
}

static void
update_row(struct cluster_db *db, const struct ovsdb_cs_row_update *update)
{
    struct cluster_view *view = &db->view;
    const struct shash *columns = update->columns;

    if (update->type == OVSDB_CS_ROW_DELETE) {
        view->has_row = false;
        return;
    }
    if (update->type == OVSDB_CS_ROW_INSERT) {
        reset_row(view);
    }
    view->has_row = true;
    get_integer(columns, "format", &view->format);
    get_integer(columns, "number", &view->number);
    get_integer(columns, "head", &view->head);
    get_integer(columns, "bytes", &view->bytes);
    get_integer(columns, "revision", &view->revision);
    get_integer(columns, "epoch", &view->lease.epoch);
    get_integer(columns, "beat", &view->lease.beat);
    get_integer(columns, "run", &view->lease.run);
    get_string(columns, "holder", &view->lease.holder);
    get_string(columns, "successor", &view->lease.successor);
}

static void
delete_batch(struct cluster_db *db, const struct uuid *uuid)
{
    struct cluster_batch *batch;

    HMAP_FOR_EACH (batch, node, &db->view.batches) {
        if (uuid_equals(&batch->uuid, uuid)) {
            batch_destroy(&db->view, batch);
            return;
        }
    }
}

/* Batches do not change. */
static void
update_batch(struct cluster_db *db, const struct ovsdb_cs_row_update *update)
{
    const struct shash *columns = update->columns;
    struct cluster_batch *batch;
    int64_t index = 0;

    if (update->type != OVSDB_CS_ROW_INSERT) {
        delete_batch(db, &update->row_uuid);
        return;
    }
    get_integer(columns, "index", &index);
    if (index <= db->applied || cluster_view_find_batch(&db->view, index)) {
        return;
    }
    batch = xzalloc(sizeof *batch);
    batch->index = index;
    batch->uuid = update->row_uuid;
    batch->text = xstrdup("");
    get_integer(columns, "epoch", &batch->epoch);
    get_integer(columns, "serial", &batch->serial);
    get_string(columns, "text", &batch->text);
    hmap_insert(&db->view.batches, &batch->node, hash_uint64(index));
}

static struct shash_node *
find_member(const struct cluster_view *view, const struct uuid *uuid)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &view->members) {
        const struct cluster_member *member = node->data;

        if (uuid_equals(&member->uuid, uuid)) {
            return node;
        }
    }
    return NULL;
}

static void
update_member(struct cluster_db *db, const struct ovsdb_cs_row_update *update)
{
    struct shash_node *node = find_member(&db->view, &update->row_uuid);
    const struct shash *columns = update->columns;
    struct cluster_member *member;

    if (update->type == OVSDB_CS_ROW_DELETE) {
        if (node) {
            member_destroy(&db->view, node);
        }
        return;
    }
    if (node) {
        member = node->data;
    } else {
        member = xzalloc(sizeof *member);
        member->uuid = update->row_uuid;
        member->name = xstrdup("");
        member->version = xstrdup("");
        member->address = xstrdup("");
        member->listen = xstrdup("");
        member->openflow = xstrdup("");
        member->ovsdb = xstrdup("");
        get_string(columns, "name", &member->name);
        shash_add(&db->view.members, member->name, member);
    }

    int64_t beat = member->beat, run = member->run;
    get_string(columns, "version", &member->version);
    get_string(columns, "address", &member->address);
    get_string(columns, "listen", &member->listen);
    get_string(columns, "openflow", &member->openflow);
    get_string(columns, "ovsdb", &member->ovsdb);
    get_integer(columns, "run", &member->run);
    get_integer(columns, "applied", &member->applied);
    get_integer(columns, "hosts", &member->hosts);
    get_integer(columns, "disk", &member->disk);
    get_integer(columns, "beat", &member->beat);
    if (!node || member->beat != beat || member->run != run) {
        member->heard_ms = loop_now_ms(db->loop);
    }
}

static void
handle_update(struct cluster_db *db,
              const struct ovsdb_cs_update_event *event)
{
    static const struct {
        const char *table;
        void (*update)(struct cluster_db *,
                       const struct ovsdb_cs_row_update *);
    } tables[] = {
        { "Cluster", update_row },
        { "Batch", update_batch },
        { "Member", update_member },
    };
    struct ovsdb_cs_db_update *update;
    struct ovsdb_error *error = ovsdb_cs_parse_db_update(
        event->table_updates, event->version, &update);

    if (error) {
        char *text = ovsdb_error_to_string_free(error);

        VLOG_WARN("the cluster's database sends what is not valid: %s", text);
        free(text);
        ovsdb_cs_flag_inconsistency(db->cs);
        return;
    }
    if (event->clear) {
        view_clear(&db->view);
    }
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        const struct ovsdb_cs_table_update *table
            = ovsdb_cs_db_update_find_table(update, tables[i].table);

        for (size_t j = 0; table && j < table->n; j++) {
            tables[i].update(db, &table->row_updates[j]);
        }
    }
    ovsdb_cs_db_update_destroy(update);
    db->view.current = true;
}

/* Asks for batches that this member does not have. */
static void
set_condition(struct cluster_db *db)
{
    struct json *condition = json_array_create_1(json_array_create_3(
        json_string_create("index"), json_string_create(">"),
        json_integer_create(db->applied)));

    ovsdb_cs_set_condition(db->cs, "Batch", condition);
    json_destroy(condition);
}

void
cluster_db_set_applied(struct cluster_db *db, int64_t applied)
{
    struct cluster_batch *batch;
    bool lower = applied < db->applied;

    db->applied = applied;
    HMAP_FOR_EACH_SAFE (batch, node, &db->view.batches) {
        if (batch->index <= applied) {
            batch_destroy(&db->view, batch);
        }
    }
    /* That there is more to leave out will do at the next connection. */
    if (lower) {
        set_condition(db);
        loop_task_kick(db->task);
    }
}

/* Transactions.  ---------------------------------------------------------- */

static void
transaction_destroy(struct cluster_db *db, struct transaction *t)
{
    hmap_remove(&db->transactions, &t->node);
    json_destroy(t->id);
    free(t);
}

bool
cluster_db_transact(struct cluster_db *db, struct json *ops,
                    cluster_db_done_cb *done, void *aux)
{
    struct transaction *t;
    struct json *id = ovsdb_cs_send_transaction(db->cs, ops);

    /* Also if it failed: then libopenvswitch has closed the socket, and nobody
     * waits for it any more. */
    loop_task_kick(db->task);
    if (!id) {
        return false;
    }
    t = xmalloc(sizeof *t);
    *t = (struct transaction) {
        .id = id, .begin_ms = loop_now_ms(db->loop), .done = done, .aux = aux,
    };
    hmap_insert(&db->transactions, &t->node, json_hash(id, 0));
    return true;
}

/* Returns the first error of a reply (RFC 7047, section 4.1.3), or NULL. */
static const char *
find_fault(const struct jsonrpc_msg *reply)
{
    if (reply->type == JSONRPC_ERROR || !reply->result
        || reply->result->type != JSON_ARRAY) {
        return "the server refuses the transaction";
    }
    for (size_t i = 0; i < reply->result->array.n; i++) {
        const struct json *element = reply->result->array.elems[i];
        const struct json *error = (element->type == JSON_OBJECT
                                    ? shash_find_data(element->object,
                                                      "error") : NULL);

        if (error && error->type == JSON_STRING) {
            return error->string;
        }
    }
    return NULL;
}

static void
handle_reply(struct cluster_db *db, const struct jsonrpc_msg *reply)
{
    struct transaction *t;

    HMAP_FOR_EACH_WITH_HASH (t, node, json_hash(reply->id, 0),
                             &db->transactions) {
        if (json_equal(t->id, reply->id)) {
            cluster_db_done_cb *done = t->done;
            void *aux = t->aux;

            transaction_destroy(db, t);
            done(aux, find_fault(reply));
            return;
        }
    }
}

/* The connection.  -------------------------------------------------------- */

/* Called when the server has said what its schema is, which may be another one
 * at any time. */
static struct json *
compose_requests(const struct json *schema, void *db_)
{
    struct vmn_error why = VMN_ERROR_INIT;
    struct cluster_db *db = db_;
    struct json *requests = cluster_schema_compose(schema, &why);

    if (!requests && !nullable_string_is_equal(why.text, db->view.fault)) {
        VLOG_WARN("%s", why.text);
    }
    free(db->view.fault);
    db->view.fault = requests ? NULL : vmn_error_steal_text(&why);
    db->refused = !requests;
    /* It must be an object; what is refused is asked for nothing. */
    return requests ? requests : json_object_create();
}

static void
connect_anew(struct cluster_db *db)
{
    static const struct ovsdb_cs_ops ops = { compose_requests };

    ovsdb_cs_destroy(db->cs);
    db->cs = ovsdb_cs_create(CLUSTER_DB, 3, &ops, db);
    /* The one beside us passes on what only the leader can do. */
    ovsdb_cs_set_leader_only(db->cs, false);
    set_condition(db);
    ovsdb_cs_set_remote(db->cs, db->remote, true);
    ovsdb_cs_set_probe_interval(db->cs, PROBE_MS);
    db->tried_ms = loop_now_ms(db->loop);
}

/* Ends all transactions: their outcome is not known. */
static void
end_transactions(struct cluster_db *db)
{
    /* What is called may begin others. */
    size_t n = hmap_count(&db->transactions);

    while (n-- && !hmap_is_empty(&db->transactions)) {
        struct transaction *t = CONTAINER_OF(hmap_first(&db->transactions),
                                             struct transaction, node);
        cluster_db_done_cb *done = t->done;
        void *aux = t->aux;

        transaction_destroy(db, t);
        done(aux, "the connection to the database was lost");
    }
}

static void
handle_loss(struct cluster_db *db)
{
    db->tried_ms = loop_now_ms(db->loop);
    if (db->view.current) {
        db->view.current = false;
        db->callbacks->lost(db->aux);
    }
    end_transactions(db);
}

/* When the connection is begun anew, if there is none. */
static int64_t
again_ms(const struct cluster_db *db)
{
    return db->tried_ms + (db->view.fault ? REFUSED_MS : RECONNECT_MS);
}

/* Ends a connection to a database that lacks what a member needs: the server
 * would refuse what is asked of it. */
static void
refuse(struct cluster_db *db, struct ovs_list *events)
{
    struct ovsdb_cs_event *event;

    LIST_FOR_EACH_POP (event, list_node, events) {
        ovsdb_cs_event_destroy(event);
    }
    db->refused = false;
    ovsdb_cs_set_remote(db->cs, NULL, false);
    handle_loss(db);
}

/* Returns when the first transaction is to have its reply; INT64_MAX: none. */
static int64_t
next_reply_ms(const struct cluster_db *db)
{
    const struct transaction *t;
    int64_t ms = INT64_MAX;

    HMAP_FOR_EACH (t, node, &db->transactions) {
        ms = MIN(ms, t->begin_ms + REPLY_MS);
    }
    return ms;
}

static void
db_run(void *db_)
{
    struct cluster_db *db = db_;
    struct ovsdb_cs_event *event;
    struct ovs_list events;
    bool changed = false;

    if (!ovsdb_cs_is_connected(db->cs) && !db->view.current
        && loop_now_ms(db->loop) >= again_ms(db)) {
        connect_anew(db);
    }
    ovsdb_cs_run(db->cs, &events);
    if (db->refused) {
        refuse(db, &events);
        return;
    }
    LIST_FOR_EACH_POP (event, list_node, &events) {
        switch (event->type) {
        case OVSDB_CS_EVENT_TYPE_RECONNECT:
            handle_loss(db);
            break;
        case OVSDB_CS_EVENT_TYPE_UPDATE:
            handle_update(db, &event->update);
            changed = true;
            break;
        case OVSDB_CS_EVENT_TYPE_TXN_REPLY:
            /* What is replied to may have changed the view. */
            if (changed) {
                changed = false;
                db->callbacks->changed(db->aux);
            }
            handle_reply(db, event->txn_reply);
            break;
        case OVSDB_CS_EVENT_TYPE_LOCKED:
            break;
        }
        ovsdb_cs_event_destroy(event);
    }
    if (changed) {
        db->callbacks->changed(db->aux);
    }
    /* What had arrived while this process slept has been read. */
    if (loop_now_ms(db->loop) >= next_reply_ms(db)) {
        VLOG_WARN("%s: no reply to a transaction for %d s: connecting anew",
                  db->remote, REPLY_MS / 1000);
        connect_anew(db);
        handle_loss(db);
    }
}

static void
db_wait(void *db_)
{
    struct cluster_db *db = db_;

    ovsdb_cs_wait(db->cs);
    if (!hmap_is_empty(&db->transactions)) {
        poll_timer_wait_until(next_reply_ms(db));
    }
    if (db->view.current && !ovsdb_cs_is_connected(db->cs)) {
        poll_immediate_wake();
    } else if (!db->view.current) {
        poll_timer_wait_until(again_ms(db));
    }
}

struct cluster_db *
cluster_db_create(struct loop *loop, const char *remote,
                  const struct cluster_db_callbacks *callbacks, void *aux)
{
    struct cluster_db *db = xzalloc(sizeof *db);

    db->loop = loop;
    db->remote = xstrdup(remote);
    db->callbacks = callbacks;
    db->aux = aux;
    view_init(&db->view);
    hmap_init(&db->transactions);
    connect_anew(db);
    db->task = loop_task_create(loop, "cluster", db_run, db_wait, db);
    /* A lease does not wait for hosts. */
    loop_task_set_urgent(db->task);
    return db;
}

void
cluster_db_destroy(struct cluster_db *db)
{
    if (!db) {
        return;
    }
    loop_task_destroy(db->task);
    end_transactions(db);
    hmap_destroy(&db->transactions);
    ovsdb_cs_destroy(db->cs);
    view_uninit(&db->view);
    free(db->remote);
    free(db);
}
