/* SPDX-License-Identifier: Apache-2.0
 *
 * The cluster's database as a member sees it: a view of its rows that the
 * server beside the member keeps current, and transactions.  Not for what is
 * to be done about them (cluster.c).
 *
 * The database, of cluster.ovsschema, has who is the writer, the batches that
 * members may still need, and the members; not the state, which each member
 * has in its own file.
 *
 * Cluster, one row: "number", which tells this cluster from any other; the
 * lease ("epoch" to "successor"); "head", the index of the newest batch;
 * "bytes", of all batches that there ever were; "revision", the newest that
 * the writer has shown to anybody; how members share the hosts: "shares", the
 * weight of each that has a share, "runs", of its process, "excluded", which
 * hosts are not in whose, and "generation", which is raised with each change
 * of these.
 *
 * Batch: "text", as store_changes_print() prints it; "epoch", of who appended
 * it; "serial", of this try to append it; "bytes", of all batches up to this
 * one.
 *
 * Member: "address", of its API, for people; "listen", where other members
 * reach it; "openflow", where switches do; "ovsdb", where databases of hosts
 * that dial do; "applied", the newest batch that is in its file; "hosts", how
 * many it manages and is connected to; "faults", what these reject;
 * "unreachable", those whose switches are not connected to it; "unseen", those
 * of which it does not know what is there, for that or for another reason;
 * "rejected", those that it rejects; "weight", that it would have a share of;
 * "disk", how full that of its server of the database is, in percent, 0 if
 * that is not known; "beat", raised while it lives. */

#ifndef CONTROLLER_CLUSTER_CLUSTER_DB_H
#define CONTROLLER_CLUSTER_CLUSTER_DB_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/cluster/cluster-map.h"
#include "controller/cluster/cluster-shares.h"
#include "controller/cluster/lease.h"
#include "openvswitch/hmap.h"
#include "openvswitch/shash.h"
#include "openvswitch/uuid.h"
#include "sset.h"

struct cluster_db;
struct json;
struct loop;

#define CLUSTER_DB "VMN"

/* Of the database's tables; the row has that of who made the cluster.  Raised
 * when members of an older version could not take part any more. */
#define CLUSTER_FORMAT 1

/* A batch that this member does not have yet. */
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
    char *faults;               /* Of hosts that it manages; or "". */
    struct sset unreachable;    /* Hosts that it says it cannot reach, */
    struct sset unseen;         /* that it says it does not see, */
    struct sset rejected;       /* and that it says it rejects. */
    int64_t run, applied, hosts, weight, disk, beat;
    int64_t heard_ms;           /* When 'beat' or 'run' changed, by our
                                 * clock. */
};

/* What the database says. */
struct cluster_view {
    bool current;               /* The connection is up. */
    bool has_row;               /* There is the row of the cluster, of which
                                 * is what follows. */
    int64_t format, number, head, bytes, revision;
    struct lease_row lease;     /* Strings are never NULL. */
    int64_t generation;         /* Of 'shares', as it is there. */
    struct cluster_map weights, runs;   /* Columns "shares" and "runs", */
    char *excluded;             /* The column. */
    struct shares shares;       /* and what is valid of all three. */
    struct hmap batches;        /* Of struct cluster_batch. */
    struct shash members;       /* Of struct cluster_member, by name. */
    uint64_t faults_seq;        /* Changes with their 'faults'. */
    uint64_t unreachable_seq;   /* The same, with 'unreachable'. */
    char *fault;                /* Why the database cannot be used, which
                                 * lacks essential columns; or NULL. */
    struct sset lacks;          /* Other columns that it has not got, as
                                 * "TABLE.COLUMN": its schema is of an older
                                 * version. */
};

struct cluster_db_callbacks {
    void (*changed)(void *aux); /* The view has changed. */
    void (*lost)(void *aux);    /* The connection was lost.  Then transactions
                                 * under way end. */
};

/* Connects to 'remote', again and again.  Calls back from the loop. */
struct cluster_db *cluster_db_create(struct loop *, const char *remote,
                                     const struct cluster_db_callbacks *,
                                     void *aux);
/* Ends transactions under way. */
void cluster_db_destroy(struct cluster_db *);

const struct cluster_view *cluster_db_view(const struct cluster_db *);
const struct cluster_batch *cluster_view_find_batch(
    const struct cluster_view *, int64_t index);
/* Forgets batches up to 'applied', and asks for later ones alone. */
void cluster_db_set_applied(struct cluster_db *, int64_t applied);

/* Called once, from the loop, with the outcome of a transaction: NULL: it was
 * committed; else why it was not, or why that is not known. */
typedef void cluster_db_done_cb(void *aux, const char *fault);
/* Sends a transaction; takes ownership of 'ops', an array that begins with the
 * name of the database.  What it writes to columns that the database lacks is
 * left out.  Returns false if there is no connection. */
bool cluster_db_transact(struct cluster_db *, struct json *ops,
                         cluster_db_done_cb *done, void *aux);

#endif /* controller/cluster/cluster-db.h */
