/* SPDX-License-Identifier: Apache-2.0
 *
 * The transactions (RFC 7047, section 5.2) by which members change the
 * cluster's database.  One that depends on the state of the lease begins with
 * a "wait" for that state.  If it differs, the transaction fails at once with
 * CLUSTER_OPS_WAIT_FAILED (section 5.2.6). */

#ifndef CONTROLLER_CLUSTER_CLUSTER_OPS_H
#define CONTROLLER_CLUSTER_CLUSTER_OPS_H 1

#include <stdbool.h>
#include <stdint.h>

#define CLUSTER_OPS_WAIT_FAILED "timed out"

struct json;
struct lease;

/* Each returns a transaction for cluster_db_transact(). */

/* Creates a cluster, without batches or members of a former one.  The epoch of
 * its first writer is later than 'epoch'. */
struct json *cluster_ops_create(int64_t number, int64_t epoch,
                                uint64_t revision);

/* Takes the lease, if it is as it was seen and 'head' is the newest batch.
 * 'revision' is the first one of the new writer. */
struct json *cluster_ops_take(const struct lease *, int64_t head,
                              uint64_t revision);

/* The values that each of a writer's transactions sets, or waits for: its
 * epoch, the next beat, and the newest revision that clients have seen. */
struct cluster_ops_writer {
    int64_t epoch, beat;
    uint64_t revision;
};
struct json *cluster_ops_beat(const struct cluster_ops_writer *);
/* Gives the lease up to 'successor'; "": to any member. */
struct json *cluster_ops_resign(const struct cluster_ops_writer *,
                                const char *successor);
/* Appends a batch.  'bytes': the size of all batches, with this one.  'trim':
 * deletes batches up to this index that members need no more; 0: none. */
struct json *cluster_ops_append(const struct cluster_ops_writer *,
                                int64_t index, int64_t serial, int64_t bytes,
                                const char *text, int64_t trim);
/* This member, in the list. */
struct cluster_ops_member {
    const char *name, *version, *address, *listen, *openflow, *ovsdb;
    int64_t run, applied, hosts, disk;
};
/* Adds the member's row, or with 'exists' replaces it. */
struct json *cluster_ops_register(const struct cluster_ops_member *,
                                  bool exists);
struct json *cluster_ops_report(const struct cluster_ops_member *,
                                int64_t beat);
struct json *cluster_ops_unregister(const char *name, int64_t run);
/* Removes the member from the list, unless it has the lease, or may be about
 * to take it. */
struct json *cluster_ops_remove(const char *name);

#endif /* controller/cluster/cluster-ops.h */
