/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports of a host's switch by which copies of packets leave: tunnel ports for
 * addresses outside, which ones apps ask for (VMN_REL_COPY_TUNNELS), and what
 * became of them; and the interfaces of others that apps ask for, which are
 * only looked for.  Not for which packets are copied, and where to (apps). */

#ifndef CONTROLLER_FABRIC_OVSDB_HOST_COPIES_H
#define CONTROLLER_FABRIC_OVSDB_HOST_COPIES_H 1

#include <stdbool.h>
#include <stddef.h>

#include "proto/ovsdb/ovsdb.h"
#include "simap.h"
#include "sset.h"
#include "vmn/vocabulary.h"

struct arena;
struct fabric;
struct fabric_host_db;
struct status_host;
struct vif_report;

/* Those of a host; by VMN_COPY_OFPORT(). */
struct host_copies {
    bool known;                 /* 'wanted' was read; until then the ports stay
                                 * that its database has. */
    bool wanted[VMN_COPY_TUNNELS];
    bool there[VMN_COPY_TUNNELS]; /* The switch has it, with its number. */
    char *reason;               /* Why one is not there, or NULL. */
    struct sset names;          /* Of interfaces of others that are wanted. */
    struct simap found;         /* Numbers of those that are there. */
};

/* Starts to record of which hosts this changes. */
void host_copies_create(struct fabric *);
/* Handles a group of revisions.  'changed': rows of hosts have, too. */
void host_copies_group(struct fabric *, bool changed);
void host_copies_init(struct fabric_host_db *);
void host_copies_uninit(struct fabric_host_db *);

/* Fills in the desired configuration. */
void host_copies_desired(const struct fabric_host_db *,
                         struct ovsdb_desired *);

/* Takes in what the host's database says of them. */
void host_copies_report(struct fabric_host_db *,
                        const struct ovsdb_snapshot *);
/* Appends a report for each that is there to the 'n' in 'reports', which has
 * room for HOST_COPIES_MAX more; returns how many there are then.  Its
 * iface-id, VMN_VIF_COPY_TUNNEL or VMN_COPY_INTERFACE, is the caller's to
 * free. */
#define HOST_COPIES_MAX (VMN_COPY_TUNNELS + VMN_COPY_INTERFACES_MAX)
size_t host_copies_vifs(const struct fabric_host_db *,
                        struct vif_report *reports, size_t n);
/* Fills in the host's status. */
void host_copies_status(const struct fabric_host_db *, struct arena *,
                        struct status_host *);

#endif /* controller/fabric/ovsdb/host-copies.h */
