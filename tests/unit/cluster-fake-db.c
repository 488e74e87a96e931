/* SPDX-License-Identifier: Apache-2.0
 *
 * See cluster-fake-db.h. */

#include <config.h>

#include "tests/unit/cluster-fake-db.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "openvswitch/json.h"
#include "util.h"

struct cluster_fake fake;

struct transaction {
    struct ovs_list node;       /* In the fake's 'transactions'. */
    struct json *ops;
    cluster_db_done_cb *done;
    void *aux;
};

struct cluster_db *__wrap_cluster_db_create(
    struct loop *, const char *remote, const struct cluster_db_callbacks *,
    void *aux);
void __wrap_cluster_db_destroy(struct cluster_db *);
const struct cluster_view *__wrap_cluster_db_view(const struct cluster_db *);
void __wrap_cluster_db_set_applied(struct cluster_db *, int64_t applied);
bool __wrap_cluster_db_transact(struct cluster_db *, struct json *ops,
                                cluster_db_done_cb *, void *aux);

struct cluster_db *
__wrap_cluster_db_create(struct loop *loop OVS_UNUSED,
                         const char *remote OVS_UNUSED,
                         const struct cluster_db_callbacks *callbacks,
                         void *aux)
{
    fake.callbacks = callbacks;
    fake.aux = aux;
    return NULL;
}

void
__wrap_cluster_db_destroy(struct cluster_db *db OVS_UNUSED)
{
}

const struct cluster_view *
__wrap_cluster_db_view(const struct cluster_db *db OVS_UNUSED)
{
    return &fake.view;
}

static void
forget_batches(int64_t applied)
{
    struct cluster_batch *batch;

    HMAP_FOR_EACH_SAFE (batch, node, &fake.view.batches) {
        if (batch->index <= applied) {
            hmap_remove(&fake.view.batches, &batch->node);
            free(batch->text);
            free(batch);
        }
    }
}

void
__wrap_cluster_db_set_applied(struct cluster_db *db OVS_UNUSED,
                              int64_t applied)
{
    forget_batches(applied);
}

/* Returns what the operation 'i' writes to 'table', or NULL. */
static const struct json *
written_row(const struct json *ops, size_t i, const char *table)
{
    const struct shash *op = json_object(json_array(ops)->elems[i]);
    const struct json *of = shash_find_data(op, "table");

    return (!strcmp(json_string(of), table) ? shash_find_data(op, "row")
            : NULL);
}

static const struct json *
column(const struct json *row, const char *name)
{
    return shash_find_data(json_object(row), name);
}

bool
__wrap_cluster_db_transact(struct cluster_db *db OVS_UNUSED, struct json *ops,
                           cluster_db_done_cb *done, void *aux)
{
    struct transaction *t;

    if (!fake.view.current) {
        json_destroy(ops);
        return false;
    }
    t = xmalloc(sizeof *t);
    *t = (struct transaction) { .ops = ops, .done = done, .aux = aux };
    ovs_list_push_back(&fake.transactions, &t->node);
    for (size_t i = 1; i < json_array(ops)->n; i++) {
        const struct json *row = written_row(ops, i, "Cluster");
        const struct json *holder = row ? column(row, "holder") : NULL;

        if (holder && !*json_string(holder)) {
            fake.n_resigned++;
            free(fake.successor);
            fake.successor = xstrdup(json_string(column(row, "successor")));
        }
    }
    return true;
}

static void
take_integer(const struct json *row, const char *name, int64_t *value)
{
    const struct json *json = column(row, name);

    if (json) {
        *value = json_integer(json);
    }
}

static void
take_string(const struct json *row, const char *name, char **value)
{
    const struct json *json = column(row, name);

    if (json) {
        free(*value);
        *value = xstrdup(json_string(json));
    }
}

static void
write_cluster(const struct json *row)
{
    struct lease_row *lease = &fake.view.lease;

    take_integer(row, "epoch", &lease->epoch);
    take_integer(row, "beat", &lease->beat);
    take_integer(row, "run", &lease->run);
    take_integer(row, "head", &fake.view.head);
    take_integer(row, "revision", &fake.view.revision);
    take_string(row, "holder", &lease->holder);
    take_string(row, "successor", &lease->successor);
}

/* All that is written is of the member's own row. */
static void
write_member(const struct json *row)
{
    struct cluster_member *self = shash_find_data(&fake.view.members, SELF);

    if (!self) {
        self = fake_add_member(SELF, "");
    }
    take_integer(row, "run", &self->run);
    take_integer(row, "beat", &self->beat);
    take_string(row, "listen", &self->listen);
    self->heard_ms = fake.now_ms;
}

/* Ends the oldest transaction; 'fault': NULL, or why it came to nothing. */
static void
end_transaction(const char *fault)
{
    struct transaction *t = CONTAINER_OF(
        ovs_list_pop_front(&fake.transactions), struct transaction, node);

    for (size_t i = 1; !fault && i < json_array(t->ops)->n; i++) {
        const struct json *cluster = written_row(t->ops, i, "Cluster");
        const struct json *member = written_row(t->ops, i, "Member");

        if (cluster) {
            write_cluster(cluster);
        } else if (member) {
            write_member(member);
        }
    }
    t->done(t->aux, fault);
    json_destroy(t->ops);
    free(t);
    if (!fault) {
        fake.callbacks->changed(fake.aux);
    }
}

void
fake_answer(void)
{
    int n = 0;

    while (!fake.holds && !ovs_list_is_empty(&fake.transactions)) {
        /* None is sent again and again without waiting. */
        ovs_assert(++n < 100);
        end_transaction(fake.fault);
    }
}

/* What there is.  --------------------------------------------------------- */

struct cluster_member *
fake_add_member(const char *name, const char *listen)
{
    struct cluster_member *member = xzalloc(sizeof *member);

    member->name = xstrdup(name);
    member->version = xstrdup(VMN_VERSION);
    member->address = xstrdup("");
    member->listen = xstrdup(listen);
    member->openflow = xstrdup("");
    member->ovsdb = xstrdup("");
    member->run = hash_string(name, 0) | 1;
    member->heard_ms = fake.now_ms;
    shash_add_once(&fake.view.members, name, member);
    return member;
}

void
fake_see(void)
{
    fake.callbacks->changed(fake.aux);
    fake_answer();
}

void
fake_beat(void)
{
    fake.view.lease.beat++;
    fake_see();
}

void
fake_append(void)
{
    struct cluster_batch *batch = xzalloc(sizeof *batch);

    batch->index = ++fake.view.head;
    batch->epoch = EPOCH;
    batch->text = xstrdup("{}");
    hmap_insert(&fake.view.batches, &batch->node, hash_uint64(batch->index));
    fake.view.lease.beat++;
    if (fake.view.current) {
        fake_see();
    }
}

void
fake_cut(void)
{
    fake.view.current = false;
    fake.callbacks->lost(fake.aux);
    while (!ovs_list_is_empty(&fake.transactions)) {
        end_transaction("the connection was lost");
    }
}

void
fake_mend(void)
{
    fake.view.current = true;
    fake_see();
}

void
fake_init(void)
{
    struct cluster_view *view = &fake.view;

    fake = (struct cluster_fake) {
        .now_ms = 1000000,
        .view = {
            .current = true, .has_row = true, .format = CLUSTER_FORMAT,
            .number = NUMBER,
            .lease = {
                .epoch = EPOCH, .beat = 1, .run = hash_string(WRITER, 0) | 1,
                .holder = xstrdup(WRITER), .successor = xstrdup(""),
            },
        },
    };
    ovs_list_init(&fake.transactions);
    hmap_init(&view->batches);
    shash_init(&view->members);
    fake_add_member(WRITER, "192.0.2.2:6644");
}

static void
forget_member(struct cluster_member *member)
{
    free(member->name);
    free(member->version);
    free(member->address);
    free(member->listen);
    free(member->openflow);
    free(member->ovsdb);
    free(member);
}

void
fake_uninit(void)
{
    struct cluster_view *view = &fake.view;
    struct shash_node *node;

    forget_batches(INT64_MAX);
    SHASH_FOR_EACH (node, &view->members) {
        forget_member(node->data);
    }
    hmap_destroy(&view->batches);
    shash_destroy(&view->members);
    free(view->lease.holder);
    free(view->lease.successor);
    free(fake.successor);
}
