/* SPDX-License-Identifier: Apache-2.0
 *
 * Hosts whose rows were deleted: cleans up the bridges of those that can be
 * reached, for some seconds, and says what is left.  The switch comes first,
 * and what vmnd has in the host's database then, since the switch's connection
 * goes with that.  A host that is added meanwhile, and may be the same one,
 * ends it.  Not for what is removed: switch-cleanup.h, and struct
 * ovsdb_desired of proto/ovsdb/ovsdb.h.
 *
 * Nothing of it is stored: it is lost with the process, and in a cluster with
 * the writer. */

#ifndef CONTROLLER_FABRIC_DELETED_HOSTS_H
#define CONTROLLER_FABRIC_DELETED_HOSTS_H 1

struct fabric;
struct fabric_host;
struct vmn_host;

/* How long a host is waited for that is not connected, and how long its switch
 * may take; its database has the difference after that. */
#define DELETED_HOST_AWAY_MS 5000
#define DELETED_HOST_MAX_MS 30000

/* Destroys a host, deleted or not; its switch's connection is closed for
 * 'reason'. */
void fabric_host_destroy(struct fabric_host *, const char *reason);

/* The host's row is gone: nothing that it reports counts any more.  Takes it
 * out of the fabric's 'hosts', and owns it from then on. */
void deleted_hosts_add(struct fabric_host *);
/* What a host has that is, or has become, 'row' is not cleaned up any more for
 * another one. */
void deleted_hosts_supersede(struct fabric *, const struct vmn_host *row);
/* The group that deletes hosts has been sent to all: starts to clean up. */
void deleted_hosts_begin(struct fabric *);
/* For struct fabric_callbacks. */
void deleted_host_cleanup_changed(struct fabric_host *);
/* vmnd ends, or ceases to be the writer. */
void deleted_hosts_destroy(struct fabric *);

/* A model_host_left_cb, for model_set_host_left(); 'fabric' is a struct
 * fabric. */
char *fabric_host_left(const void *fabric, const char *host);

#endif /* controller/fabric/deleted-hosts.h */
