/* SPDX-License-Identifier: Apache-2.0
 *
 * Queues of uplinks: writes rows of QoS and Queue into a host's database where
 * they differ; for ovsdb-config.c.  A port whose QoS others have configured
 * keeps it, without vmnd's queues.  Both tables are roots of the database
 * (RFC 7047, section 3.2): rows that nothing refers to stay until they are
 * deleted.
 *
 * The rows are as many as whoever has the host likes, and are looked at after
 * each change of its database: so each is looked at once, and no table is
 * searched for it. */

#include <config.h>

#include "proto/ovsdb/ovsdb-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proto/ovsdb/vswitch-idl.h"
#include "hmapx.h"
#include "ovsdb-idl.h"
#include "smap.h"
#include "util.h"

#define QOS_TYPE "linux-htb"

/* The queue of whatever has no other. */
#define DEFAULT_QUEUE 0

struct ensure_queues {
    struct ovsdb_idl *idl;
    struct ovsdb_idl_txn *txn;
    const struct ovsdb_desired *desired;
    /* Rows of vmnd's that have a place now.  Others may have given one a
     * second, which it could not fit as well. */
    struct hmapx placed;
    bool changed;
};

static bool
is_ours(const struct ensure_queues *e, const struct smap *external_ids)
{
    return ovsdb_is_ours(e->desired, external_ids);
}

static const struct ovsdb_uplink *
find_uplink(const struct ovsdb_desired *desired, const char *port)
{
    for (size_t i = 0; i < desired->n_uplinks; i++) {
        if (!strcmp(desired->uplinks[i].port, port)) {
            return &desired->uplinks[i];
        }
    }
    return NULL;
}

/* Rates in other_config are bits a second. */
static void
add_rate(struct smap *config, const char *key, uint64_t kbps)
{
    smap_add_format(config, key, "%"PRIu64, kbps * 1000);
}

/* Columns.  -------------------------------------------------------------- */

static void
set_mark(const struct ensure_queues *e, struct smap *mark)
{
    smap_init(mark);
    smap_add(mark, OVSDB_OWNER_KEY, e->desired->owner);
}

/* Returns true if 'row', which may be NULL, can have a place: it is vmnd's,
 * and has no other one. */
static bool
take_place(struct ensure_queues *e, const void *row,
           const struct smap *external_ids)
{
    return (row && is_ours(e, external_ids)
            && hmapx_add(&e->placed, CONST_CAST(void *, row)));
}

/* Returns the row of a queue with such rates: 'row', changed if it differs, or
 * a new one if that can have no place here. */
static const struct ovsrec_queue *
ensure_queue(struct ensure_queues *e, const struct ovsrec_queue *row,
             uint64_t min_kbps, uint64_t max_kbps)
{
    bool is_new = !take_place(e, row, row ? &row->external_ids : NULL);
    struct smap config = SMAP_INITIALIZER(&config);

    if (is_new) {
        struct smap mark;

        row = ovsrec_queue_insert(e->txn);
        set_mark(e, &mark);
        ovsrec_queue_set_external_ids(row, &mark);
        smap_destroy(&mark);
    }
    add_rate(&config, "min-rate", min_kbps);
    add_rate(&config, "max-rate", max_kbps);
    if (is_new || !smap_equal(&config, &row->other_config)) {
        ovsrec_queue_set_other_config(row, &config);
        e->changed = true;
    }
    smap_destroy(&config);
    return row;
}

/* Returns queue 'number' of 'qos', NULL if it has none.  '*at' is where to
 * begin; the IDL has queues in the order of their numbers, and they are asked
 * for in that order. */
static const struct ovsrec_queue *
queue_of(const struct ovsrec_qos *qos, int64_t number, size_t *at)
{
    while (*at < qos->n_queues && qos->key_queues[*at] < number) {
        ++*at;
    }
    return (*at < qos->n_queues && qos->key_queues[*at] == number
            ? qos->value_queues[*at] : NULL);
}

/* Returns what no queue is guaranteed. */
static uint64_t
rest_kbps(const struct ovsdb_desired *desired,
          const struct ovsdb_uplink *uplink)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < desired->n_queues; i++) {
        sum += desired->queues[i].min_kbps;
    }
    return sum < uplink->max_kbps ? uplink->max_kbps - sum : 0;
}

/* Configures the queues of 'qos', of which 'old' has the queues that are
 * there; NULL: none. */
static void
ensure_queues_of(struct ensure_queues *e, const struct ovsrec_qos *qos,
                 const struct ovsrec_qos *old,
                 const struct ovsdb_uplink *uplink)
{
    const struct ovsdb_desired *desired = e->desired;
    size_t n = desired->n_queues + 1;
    struct ovsrec_queue **rows = xcalloc(n, sizeof *rows);
    int64_t *numbers = xcalloc(n, sizeof *numbers);
    bool same = old && old->n_queues == n;
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        const struct ovsdb_queue *queue = i ? &desired->queues[i - 1] : NULL;
        const struct ovsrec_queue *there;

        numbers[i] = queue ? (int64_t) queue->number : DEFAULT_QUEUE;
        there = old ? queue_of(old, numbers[i], &at) : NULL;
        rows[i] = CONST_CAST(struct ovsrec_queue *, ensure_queue(
            e, there, queue ? queue->min_kbps : rest_kbps(desired, uplink),
            uplink->max_kbps));
        same &= rows[i] == there;
    }
    if (!same) {
        ovsrec_qos_set_queues(qos, numbers, rows, n);
        e->changed = true;
    }
    free(numbers);
    free(rows);
}

/* Rows.  ------------------------------------------------------------------ */

/* Configures the port's QoS, which is vmnd's or none yet. */
static void
ensure_uplink(struct ensure_queues *e, const struct ovsrec_port *port,
              const struct ovsdb_uplink *uplink)
{
    const struct ovsrec_qos *old
        = (take_place(e, port->qos, port->qos ? &port->qos->external_ids
                      : NULL) ? port->qos : NULL);
    const struct ovsrec_qos *qos = old;
    struct smap config = SMAP_INITIALIZER(&config);

    if (!old) {
        struct smap mark;

        qos = ovsrec_qos_insert(e->txn);
        set_mark(e, &mark);
        ovsrec_qos_set_external_ids(qos, &mark);
        smap_destroy(&mark);
        ovsrec_port_set_qos(port, qos);
        e->changed = true;
    }
    if (!old || strcmp(old->type, QOS_TYPE)) {
        ovsrec_qos_set_type(qos, QOS_TYPE);
        e->changed = true;
    }
    add_rate(&config, "max-rate", uplink->max_kbps);
    if (!old || !smap_equal(&config, &old->other_config)) {
        ovsrec_qos_set_other_config(qos, &config);
        e->changed = true;
    }
    smap_destroy(&config);
    ensure_queues_of(e, qos, old, uplink);
}

/* Deletes rows of vmnd's that no port has; returns true if there are any. */
static bool
delete_unused_qos(struct ensure_queues *e)
{
    const struct ovsrec_qos *qos, *next;
    const struct ovsrec_port *port;
    struct hmapx used = HMAPX_INITIALIZER(&used);
    bool any = false;

    OVSREC_PORT_FOR_EACH (port, e->idl) {
        if (port->qos) {
            hmapx_add(&used, CONST_CAST(struct ovsrec_qos *, port->qos));
        }
    }
    OVSREC_QOS_FOR_EACH_SAFE (qos, next, e->idl) {
        if (is_ours(e, &qos->external_ids) && !hmapx_contains(&used, qos)) {
            ovsrec_qos_delete(qos);
            any = true;
        }
    }
    hmapx_destroy(&used);
    return any;
}

/* The same of queues, which no QoS has. */
static bool
delete_unused_queues(struct ensure_queues *e)
{
    const struct ovsrec_queue *queue, *next;
    const struct ovsrec_qos *qos;
    struct hmapx used = HMAPX_INITIALIZER(&used);
    bool any = false;

    OVSREC_QOS_FOR_EACH (qos, e->idl) {
        for (size_t i = 0; i < qos->n_queues; i++) {
            hmapx_add(&used, qos->value_queues[i]);
        }
    }
    OVSREC_QUEUE_FOR_EACH_SAFE (queue, next, e->idl) {
        if (is_ours(e, &queue->external_ids)
            && !hmapx_contains(&used, queue)) {
            ovsrec_queue_delete(queue);
            any = true;
        }
    }
    hmapx_destroy(&used);
    return any;
}

bool
ovsdb_type_has_queues(const char *type)
{
    static const char *const others[] = {
        "internal", "patch", "tap", "bareudp", "erspan", "geneve", "gre",
        "gtpu", "ip6erspan", "ip6gre", "lisp", "srv6", "stt", "vxlan",
    };

    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        if (!strcmp(type, others[i])) {
            return false;
        }
    }
    return true;
}

/* Returns true if the port may have queues.  All interfaces of one that has
 * several, a bond, are devices. */
static bool
is_device(const struct ovsrec_port *port)
{
    return (!port->n_interfaces
            || ovsdb_type_has_queues(port->interfaces[0]->type));
}

/* What a transaction has taken out of use is seen to be so once that is in the
 * database, and goes with the next one: a QoS, and then its queues. */
bool
ovsdb_config_queues(struct ovsdb_idl *idl, struct ovsdb_idl_txn *txn,
                    const struct ovsdb_desired *desired)
{
    struct ensure_queues e = { .idl = idl, .txn = txn, .desired = desired };
    const struct ovsrec_port *port;

    if (desired->keep_queues && !desired->removed) {
        return false;
    }
    hmapx_init(&e.placed);
    OVSREC_PORT_FOR_EACH (port, idl) {
        const struct ovsdb_uplink *uplink
            = (desired->removed || !is_device(port) ? NULL
               : find_uplink(desired, port->name));

        if (port->qos && !is_ours(&e, &port->qos->external_ids)) {
            continue;
        } else if (uplink) {
            ensure_uplink(&e, port, uplink);
        } else if (port->qos) {
            ovsrec_port_set_qos(port, NULL);
            e.changed = true;
        }
    }
    hmapx_destroy(&e.placed);
    return e.changed || delete_unused_qos(&e) || delete_unused_queues(&e);
}
