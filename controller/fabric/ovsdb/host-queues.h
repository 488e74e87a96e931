/* SPDX-License-Identifier: Apache-2.0
 *
 * Queues of the interfaces by which packets leave a host: which ones apps want
 * (VMN_REL_UPLINKS, VMN_REL_QUEUES).  The database's part is proto/ovsdb's.
 * Not for what goes by which queue (apps). */

#ifndef CONTROLLER_FABRIC_HOST_QUEUES_H
#define CONTROLLER_FABRIC_HOST_QUEUES_H 1

#include <stdbool.h>
#include <stddef.h>

struct fabric;
struct fabric_host_db;
struct ovsdb_queue;
struct ovsdb_uplink;

struct host_queues {
    bool known;                 /* The rest is as apps have it. */
    bool held;                  /* It is not, as what apps want is unknown. */
    char *text;                 /* ENGINE_QUERY_UPLINKS, or NULL. */
    size_t n_uplinks, n_queues;
    struct ovsdb_uplink *uplinks; /* Their ports are in 'text'. */
    struct ovsdb_queue *queues;
};

/* Starts to record which hosts' queues change. */
void host_queues_create(struct fabric *);
/* Handles a group of revisions.  'changed': rows of hosts have, too.  Calls
 * 'desired_changed' for each host that is to have others than before. */
void host_queues_group(struct fabric *, bool changed,
                       void (*desired_changed)(struct fabric_host_db *));
void host_queues_uninit(struct fabric_host_db *);
/* Returns true if it is known which queues the host is to have.  Those that it
 * has stay until then. */
bool host_queues_are_known(const struct fabric_host_db *);
/* Returns why that is not known though all was computed; or NULL.
 * Constant. */
const char *host_queues_reason(const struct fabric_host_db *);

#endif /* controller/fabric/ovsdb/host-queues.h */
