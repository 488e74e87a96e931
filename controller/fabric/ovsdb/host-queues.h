/* SPDX-License-Identifier: Apache-2.0
 *
 * Queues of the interfaces by which packets leave a host: which ones apps want
 * (VMN_REL_UPLINKS, VMN_REL_QUEUES), and whether the host can have them.  The
 * database's part is proto/ovsdb's.  Not for what goes by which queue
 * (apps). */

#ifndef CONTROLLER_FABRIC_HOST_QUEUES_H
#define CONTROLLER_FABRIC_HOST_QUEUES_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct fabric;
struct fabric_host_db;
struct ovsdb_queue;
struct ovsdb_snapshot;
struct ovsdb_uplink;
struct status_host;
struct vif_report;

/* What counts of the uplinks that apps want of a host; the app has fewer. */
#define HOST_UPLINKS_MAX 16

/* What the host's database says of an uplink. */
struct host_uplink {
    bool active;                /* It has vmnd's queues, and no fault. */
    char *fault;                /* Why nothing is guaranteed there, a clause;
                                 * or NULL. */
    int64_t retained_ms;        /* Of an active one that the switch cannot
                                 * open now: that is a fault from then on, of
                                 * loop_now_ms().  0: it can. */
};

struct host_queues {
    bool known;                 /* The rest is as apps have it. */
    bool held;                  /* It is not, as what apps want is unknown. */
    char *active;               /* Names of those that are active, as
                                 * VMN_VIF_QUEUES has them.  NULL: the host
                                 * is to have none, or nothing was taken in
                                 * since it is to have these. */
    char *text;                 /* ENGINE_QUERY_UPLINKS, or NULL. */
    size_t n_uplinks, n_queues;
    struct ovsdb_uplink *uplinks; /* Their ports are in 'text'.  Each port
                                   * once. */
    struct host_uplink *states; /* Of each of these. */
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

/* Takes in what the host's database says of its uplinks.  Returns true if that
 * is another than before. */
bool host_queues_report(struct fabric_host_db *,
                        const struct ovsdb_snapshot *);
/* The same of a host that is refused: nothing of it counts, so no uplink is
 * active, and none has a fault. */
bool host_queues_refuse(struct fabric_host_db *);
/* Returns when that is to be done again at the latest, as of loop_now_ms(), if
 * the database has not changed until then; INT64_MAX: never. */
int64_t host_queues_deadline(const struct fabric_host_db *);
/* Returns which of them guarantee nothing, and why, as a sentence that the
 * caller frees; or NULL. */
char *host_queues_reason(const struct fabric_host_db *);
/* Appends a report for VMN_VIF_QUEUES, which says which are active, to the 'n'
 * in 'reports', if the host has any and one of the two above took in what it
 * says of them; returns how many there are then.  Its iface-id is the caller's
 * to free. */
size_t host_queues_vifs(const struct fabric_host_db *,
                        struct vif_report *reports, size_t n);
/* Fills in the host's status. */
void host_queues_status(const struct fabric_host_db *, struct arena *,
                        struct status_host *);

#endif /* controller/fabric/ovsdb/host-queues.h */
