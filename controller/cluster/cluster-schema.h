/* SPDX-License-Identifier: Apache-2.0
 *
 * The columns of the cluster's database that members use.  A database of a
 * newer version may have more.  Not for what they say (cluster-db.h). */

#ifndef CONTROLLER_CLUSTER_CLUSTER_SCHEMA_H
#define CONTROLLER_CLUSTER_CLUSTER_SCHEMA_H 1

struct json;
struct vmn_error;

/* Returns <monitor-requests> (RFC 7047, section 4.1.5) for what members use,
 * which the caller frees; or NULL, with an error, if 'schema' lacks some of
 * it. */
struct json *cluster_schema_compose(const struct json *schema,
                                    struct vmn_error *);

#endif /* controller/cluster/cluster-schema.h */
