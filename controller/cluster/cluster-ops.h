/* SPDX-License-Identifier: Apache-2.0
 *
 * The transactions (RFC 7047, section 5.2) by which members change the
 * cluster's database.  Each that depends on who is the writer begins with a
 * "wait" for that, which fails at once if it is not so: with the fault
 * CLUSTER_OPS_WAIT_FAILED (section 5.2.6). */

#ifndef CONTROLLER_CLUSTER_CLUSTER_OPS_H
#define CONTROLLER_CLUSTER_CLUSTER_OPS_H 1

#include <stdbool.h>
#include <stdint.h>

#define CLUSTER_OPS_WAIT_FAILED "timed out"

struct json;
struct lease;
struct shares;

/* Each returns a transaction for cluster_db_transact(). */

/* A new cluster, without batches or members of a former one; 'epoch' is before
 * that of its first writer. */
struct json *cluster_ops_create(int64_t number, int64_t epoch,
                                uint64_t revision);

/* The lease is taken, if it is as it was seen and 'head' is the newest batch;
 * 'revision' is where the new writer begins. */
struct json *cluster_ops_take(const struct lease *, int64_t head,
                              uint64_t revision);

/* What the writer says each time.  'beat' is the next one. */
struct cluster_ops_writer {
    int64_t epoch, beat;
    uint64_t revision;
};
struct json *cluster_ops_beat(const struct cluster_ops_writer *);
/* The lease is given up to 'successor'; "": to anybody. */
struct json *cluster_ops_resign(const struct cluster_ops_writer *,
                                const char *successor);
/* Appends a batch.  'bytes': of all batches, with this one.  'trim': batches
 * up to it that are not worth keeping are deleted; 0: none are. */
struct json *cluster_ops_append(const struct cluster_ops_writer *,
                                int64_t index, int64_t serial, int64_t bytes,
                                const char *text, int64_t trim);
/* Hosts are shared as 'shares' has it, in place of what has the generation
 * 'seen'. */
struct json *cluster_ops_share(const struct cluster_ops_writer *,
                               int64_t seen, const struct shares *);

/* This member, in the list. */
struct cluster_ops_member {
    const char *name, *version, *address, *listen, *openflow, *ovsdb;
    const char *faults;
    /* Names of hosts, with spaces between. */
    const char *unreachable, *unseen, *rejected;
    int64_t run, applied, hosts, weight, disk;
};
/* 'exists': in place of the row that there is. */
struct json *cluster_ops_register(const struct cluster_ops_member *,
                                  bool exists);
struct json *cluster_ops_report(const struct cluster_ops_member *,
                                int64_t beat);
struct json *cluster_ops_unregister(const char *name, int64_t run);
/* The member leaves the list, unless it has the lease, or may take it as it is
 * given up. */
struct json *cluster_ops_remove(const char *name);

#endif /* controller/cluster/cluster-ops.h */
