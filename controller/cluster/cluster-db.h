/* SPDX-License-Identifier: Apache-2.0
 *
 * The cluster's database as a member sees it: a view of its rows that the
 * server beside the member keeps current, and transactions.  Not for what
 * follows from them (cluster.c).
 *
 * The database, of cluster.ovsschema, has the lease, the batches that members
 * may still need, and the list of members; not the state, which each member
 * has in its own file.
 *
 * Cluster, one row: "number", a random number of this cluster; the lease
 * ("epoch" to "successor"); "head", the index of the newest batch; "bytes",
 * the size of all batches that were ever appended; "revision", the newest that
 * the writer has shown to clients.
 *
 * Batch: "text", as of batch_text_pack(); "epoch", of the writer that appended
 * it; "serial", of this try to append it; "bytes", the size of all batches up
 * to this one.
 *
 * Member: "address", of its API, for people; "listen", where other members
 * reach it; "openflow", where switches reach it; "ovsdb", where databases of
 * hosts that dial reach it; "applied", the newest batch in its file; "hosts",
 * the number of switches that are connected to it; "disk", how full the disk
 * of its server of the database is, in percent, 0 if that is not known; "run",
 * of its process, 0 once that has ended; "beat", raised while it runs. */

#ifndef CONTROLLER_CLUSTER_CLUSTER_DB_H
#define CONTROLLER_CLUSTER_CLUSTER_DB_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/cluster/lease.h"
#include "openvswitch/hmap.h"
#include "openvswitch/shash.h"
#include "openvswitch/uuid.h"

struct cluster_db;
struct json;
struct loop;

#define CLUSTER_DB "VMN"

/* The version of the tables' meaning, in the row of Cluster.  Raised if
 * members of an older version could not take part any more. */
#define CLUSTER_FORMAT 1

/* A batch that this member has not applied yet. */
struct cluster_batch {
    struct hmap_node node;      /* In the view's 'batches', by 'index'. */
    struct uuid uuid;
    int64_t index, epoch, serial;
    char *text;                 /* Owned. */
};

struct cluster_member {
    struct uuid uuid;
    char *name;                 /* Owned, as the next five. */
    char *version, *address;
    char *listen;               /* ADDRESS:PORT, for other members; or "". */
    char *openflow;             /* A target, for switches; or "". */
    char *ovsdb;                /* The same, for hosts' databases. */
    int64_t run, applied, hosts, disk, beat;
    int64_t heard_ms;           /* When 'beat' or 'run' last changed, by this
                                 * member's clock. */
};

/* The rows of the database. */
struct cluster_view {
    bool current;               /* The connection is up. */
    bool has_row;               /* Cluster has its row, which the next two
                                 * members are from. */
    int64_t format, number, head, bytes, revision;
    struct lease_row lease;     /* Strings are never NULL. */
    struct hmap batches;        /* Of struct cluster_batch. */
    struct shash members;       /* Of struct cluster_member, by name. */
    char *fault;                /* Which columns the database lacks, and so
                                 * cannot be used; or NULL. */
};

struct cluster_db_callbacks {
    void (*changed)(void *aux); /* The view has changed. */
    void (*lost)(void *aux);    /* The connection was lost.  Transactions
                                 * under way end after this call. */
};

/* Connects to 'remote', and reconnects.  Calls back from the loop. */
struct cluster_db *cluster_db_create(struct loop *, const char *remote,
                                     const struct cluster_db_callbacks *,
                                     void *aux);
/* Ends transactions under way. */
void cluster_db_destroy(struct cluster_db *);

const struct cluster_view *cluster_db_view(const struct cluster_db *);
const struct cluster_batch *cluster_view_find_batch(
    const struct cluster_view *, int64_t index);
/* Frees batches up to 'applied', and monitors later ones alone. */
void cluster_db_set_applied(struct cluster_db *, int64_t applied);

/* Called once, from the loop, with the outcome of a transaction.  NULL: it was
 * committed; else why it was not, or why its outcome is not known. */
typedef void cluster_db_done_cb(void *aux, const char *fault);
/* Sends a transaction; takes ownership of 'ops', an array that begins with the
 * name of the database.  Returns false if there is no connection. */
bool cluster_db_transact(struct cluster_db *, struct json *ops,
                         cluster_db_done_cb *done, void *aux);

#endif /* controller/cluster/cluster-db.h */
