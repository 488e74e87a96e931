/* SPDX-License-Identifier: Apache-2.0
 *
 * The transactions of members; see cluster-ops.h. */

#include <config.h>

#include "controller/cluster/cluster-ops.h"

#include "controller/cluster/cluster-db.h"
#include "controller/cluster/lease.h"
#include "openvswitch/json.h"

/* Batches that are kept for members that were away, as long as a majority has
 * them: so many, and so many bytes of them. */
#define KEEP_BATCHES 2000
#define KEEP_BYTES (INT64_C(32) * 1024 * 1024)

static struct json *
begin(void)
{
    return json_array_create_1(json_string_create(CLUSTER_DB));
}

static void
put_integer(struct json *object, const char *name, int64_t value)
{
    json_object_put(object, name, json_integer_create(value));
}

static struct json *
operation(const char *op, const char *table)
{
    struct json *operation = json_object_create();

    json_object_put_string(operation, "op", op);
    json_object_put_string(operation, "table", table);
    return operation;
}

static struct json *
integer_clause(const char *column, const char *function, int64_t value)
{
    return json_array_create_3(json_string_create(column),
                               json_string_create(function),
                               json_integer_create(value));
}

/* 'where' of the member 'name', as this process. */
static struct json *
is_process(const char *name, int64_t run)
{
    return json_array_create_2(
        json_array_create_3(json_string_create("name"),
                            json_string_create("=="),
                            json_string_create(name)),
        integer_clause("run", "==", run));
}

/* 'where' of the member 'name'. */
static struct json *
is_named(const char *name)
{
    return json_array_create_1(json_array_create_3(
        json_string_create("name"), json_string_create("=="),
        json_string_create(name)));
}

/* Adds a wait until the row of the cluster is 'row' ('until' "=="), or is not
 * ("!="), as far as that has columns. */
static void
add_wait_until(struct json *ops, const char *until, struct json *row)
{
    struct json *wait = operation("wait", "Cluster");
    struct json *columns = json_array_create_empty();
    const struct shash_node *node;

    SHASH_FOR_EACH (node, row->object) {
        json_array_add(columns, json_string_create(node->name));
    }
    put_integer(wait, "timeout", 0);
    json_object_put(wait, "where", json_array_create_empty());
    json_object_put(wait, "columns", columns);
    json_object_put_string(wait, "until", until);
    json_object_put(wait, "rows", json_array_create_1(row));
    json_array_add(ops, wait);
}

static void
add_wait(struct json *ops, struct json *row)
{
    add_wait_until(ops, "==", row);
}

static void
add_wait_for_epoch(struct json *ops, int64_t epoch)
{
    struct json *row = json_object_create();

    put_integer(row, "epoch", epoch);
    add_wait(ops, row);
}

static void
add_update(struct json *ops, const char *table, struct json *where,
           struct json *row)
{
    struct json *update = operation("update", table);

    json_object_put(update, "where", where);
    json_object_put(update, "row", row);
    json_array_add(ops, update);
}

static void
add_insert(struct json *ops, const char *table, struct json *row)
{
    struct json *insert = operation("insert", table);

    json_object_put(insert, "row", row);
    json_array_add(ops, insert);
}

static void
add_delete(struct json *ops, const char *table, struct json *where)
{
    struct json *delete_ = operation("delete", table);

    json_object_put(delete_, "where", where);
    json_array_add(ops, delete_);
}

struct json *
cluster_ops_create(int64_t number, int64_t epoch, uint64_t revision)
{
    struct json *row = json_object_create();
    struct json *ops = begin();

    add_delete(ops, "Batch", json_array_create_empty());
    add_delete(ops, "Member", json_array_create_empty());
    /* That there is no row yet, the table's bound of one row makes sure. */
    put_integer(row, "format", CLUSTER_FORMAT);
    put_integer(row, "number", number);
    put_integer(row, "epoch", epoch);
    put_integer(row, "revision", revision);
    add_insert(ops, "Cluster", row);
    return ops;
}

struct json *
cluster_ops_take(const struct lease *lease, int64_t head, uint64_t revision)
{
    struct json *seen = json_object_create();
    struct json *row = json_object_create();
    struct json *ops = begin();

    put_integer(seen, "epoch", lease->row.epoch);
    put_integer(seen, "beat", lease->row.beat);
    put_integer(seen, "head", head);
    add_wait(ops, seen);
    put_integer(row, "epoch", lease->row.epoch + 1);
    put_integer(row, "beat", lease->row.beat + 1);
    put_integer(row, "run", lease->run);
    json_object_put_string(row, "holder", lease->name);
    json_object_put_string(row, "successor", "");
    put_integer(row, "revision", revision);
    add_update(ops, "Cluster", json_array_create_empty(), row);
    return ops;
}

/* What the writer says with each of its transactions. */
static struct json *
writer_row(const struct cluster_ops_writer *w)
{
    struct json *row = json_object_create();

    put_integer(row, "beat", w->beat);
    put_integer(row, "revision", w->revision);
    return row;
}

struct json *
cluster_ops_beat(const struct cluster_ops_writer *w)
{
    struct json *seen = json_object_create();
    struct json *ops = begin();

    /* One that comes late must not take the count back: to who has seen that
     * before it would stand still. */
    put_integer(seen, "epoch", w->epoch);
    put_integer(seen, "beat", w->beat - 1);
    add_wait(ops, seen);
    add_update(ops, "Cluster", json_array_create_empty(), writer_row(w));
    return ops;
}

struct json *
cluster_ops_resign(const struct cluster_ops_writer *w, const char *successor)
{
    struct json *row = writer_row(w);
    struct json *ops = begin();

    add_wait_for_epoch(ops, w->epoch);
    put_integer(row, "run", 0);
    json_object_put_string(row, "holder", "");
    json_object_put_string(row, "successor", successor);
    add_update(ops, "Cluster", json_array_create_empty(), row);
    return ops;
}

static void
add_trim(struct json *ops, int64_t trim, const char *column, int64_t max)
{
    add_delete(ops, "Batch", json_array_create_2(
        integer_clause("index", "<=", trim),
        integer_clause(column, "<=", max)));
}

struct json *
cluster_ops_append(const struct cluster_ops_writer *w, int64_t index,
                   int64_t serial, int64_t bytes, const char *text,
                   int64_t trim)
{
    struct json *row = writer_row(w);
    struct json *seen = json_object_create();
    struct json *batch = json_object_create();
    struct json *ops = begin();

    put_integer(seen, "epoch", w->epoch);
    put_integer(seen, "head", index - 1);
    add_wait(ops, seen);

    put_integer(batch, "index", index);
    put_integer(batch, "epoch", w->epoch);
    put_integer(batch, "serial", serial);
    put_integer(batch, "bytes", bytes);
    json_object_put_string(batch, "text", text);
    add_insert(ops, "Batch", batch);

    put_integer(row, "head", index);
    put_integer(row, "bytes", bytes);
    add_update(ops, "Cluster", json_array_create_empty(), row);
    if (trim) {
        add_trim(ops, trim, "index", index - KEEP_BATCHES);
        add_trim(ops, trim, "bytes", bytes - KEEP_BYTES);
    }
    return ops;
}

/* Returns the columns of a member that its reports update. */
static struct json *
member_row(const struct cluster_ops_member *m)
{
    struct json *row = json_object_create();

    json_object_put_string(row, "listen", m->listen);
    json_object_put_string(row, "openflow", m->openflow);
    json_object_put_string(row, "ovsdb", m->ovsdb);
    put_integer(row, "applied", m->applied);
    put_integer(row, "hosts", m->hosts);
    put_integer(row, "disk", m->disk);
    return row;
}

struct json *
cluster_ops_register(const struct cluster_ops_member *m, bool exists)
{
    struct json *row = member_row(m);
    struct json *ops = begin();

    put_integer(row, "run", m->run);
    json_object_put_string(row, "version", m->version);
    json_object_put_string(row, "address", m->address);
    if (exists) {
        add_update(ops, "Member", is_named(m->name), row);
    } else {
        json_object_put_string(row, "name", m->name);
        add_insert(ops, "Member", row);
    }
    return ops;
}

struct json *
cluster_ops_report(const struct cluster_ops_member *m, int64_t beat)
{
    struct json *row = member_row(m);
    struct json *ops = begin();

    put_integer(row, "beat", beat);
    add_update(ops, "Member", is_process(m->name, m->run), row);
    return ops;
}

struct json *
cluster_ops_unregister(const char *name, int64_t run)
{
    struct json *row = json_object_create();
    struct json *ops = begin();

    put_integer(row, "run", 0);
    add_update(ops, "Member", is_process(name, run), row);
    return ops;
}

/* Adds a wait until the lease is not 'holder''s, with 'successor'; NULL: of
 * either whatever it is. */
static void
add_wait_for_other_lease(struct json *ops, const char *holder,
                         const char *successor)
{
    struct json *row = json_object_create();

    if (holder) {
        json_object_put_string(row, "holder", holder);
    }
    if (successor) {
        json_object_put_string(row, "successor", successor);
    }
    add_wait_until(ops, "!=", row);
}

struct json *
cluster_ops_remove(const char *name)
{
    struct json *ops = begin();

    add_wait_for_other_lease(ops, name, NULL);
    add_wait_for_other_lease(ops, NULL, name);
    /* It is anybody's. */
    add_wait_for_other_lease(ops, "", "");
    add_delete(ops, "Member", is_named(name));
    return ops;
}
