/* SPDX-License-Identifier: Apache-2.0
 *
 * The columns of the cluster's database that members use, and which of them a
 * database has whose schema is that of another version: an older one has not
 * got all of them, and a newer one has more.  Not for what they say
 * (cluster-db.h). */

#ifndef CONTROLLER_CLUSTER_CLUSTER_SCHEMA_H
#define CONTROLLER_CLUSTER_CLUSTER_SCHEMA_H 1

struct json;
struct sset;
struct vmn_error;

/* Returns <monitor-requests> (RFC 7047, section 4.1.5) for what members use
 * and 'schema' has.  Adds what it lacks to 'lacks', as "TABLE.COLUMN", if a
 * member can do without; if not, returns NULL, with an error. */
struct json *cluster_schema_compose(const struct json *schema,
                                    struct sset *lacks, struct vmn_error *);

/* Takes out of the rows that a transaction inserts and updates what the
 * database has no column for. */
void cluster_schema_fit(struct json *ops, const struct sset *lacks);

#endif /* controller/cluster/cluster-schema.h */
