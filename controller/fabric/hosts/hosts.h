/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of hosts: finds hosts by name and by datapath ID, and notifies
 * watchers of changes.  All other parts of the fabric use it, and it calls
 * none of them except through the fabric's callbacks.  Not for creating hosts
 * (fabric.c). */

#ifndef CONTROLLER_FABRIC_HOSTS_HOSTS_H
#define CONTROLLER_FABRIC_HOSTS_HOSTS_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/fabric/fabric-private.h"
#include "openvswitch/hmap.h"

struct fabric_host_db;          /* OVSDB side of one host. */
struct host_cleanup;            /* deleted-hosts.c. */
struct fabric_switch;           /* OpenFlow side of one host. */
struct vmn_host;

/* The revisions that concern a host and that it has not acknowledged, as far
 * as receipts were counted: see receipts_lag(). */
struct host_behind {
    uint64_t acked;             /* What it had acknowledged, */
    uint64_t seq;               /* and the next receipt to be counted. */
    uint64_t n;
    int64_t first_ms;           /* Wall clock, of the oldest; or 0. */
};

/* A row of table HOST.  Created when the row becomes durable, destroyed when
 * its deletion does, or when its bridge has been cleaned up (deleted-hosts.c):
 * until then it is in struct fabric's 'deleted' in place of 'hosts'. */
struct fabric_host {
    struct hmap_node name_node;     /* In struct fabric's 'hosts'. */
    struct ovs_list deleted_node;   /* In 'deleted', with 'cleanup'. */
    struct hmap_node claim_node;    /* In 'claims', if 'claimed_id'. */
    struct fabric *fabric;
    char *name;                 /* Owned. */
    const struct vmn_host *row; /* The current row; only the pointer is
                                 * compared between two groups of revisions.
                                 * NULL: it is deleted. */
    struct host_cleanup *cleanup; /* Owned by deleted-hosts.c; NULL: it is not
                                   * deleted. */

    /* Written by the OVSDB side through the functions below. */
    uint64_t datapath_id;       /* Of the bridge as reported, or 0. */
    uint64_t claimed_id;        /* The last one that it had, possibly before
                                 * this process started: reserved for it. */
    bool reported;              /* The model contains its first full report
                                 * since this process started. */

    bool lost;                  /* Its row says so. */

    const char *state;          /* As users see it, a constant; NULL: not known
                                 * yet. */
    int64_t state_since_ms;     /* Wall clock, of 'state'. */

    struct host_behind behind;

    struct fabric_host_db *db;  /* Owned by the OVSDB side; may be NULL. */
    struct fabric_switch *sw;   /* Owned by the OpenFlow side; never NULL. */
};

/* Returns the host of that name, or NULL. */
struct fabric_host *fabric_find_host(const struct fabric *, const char *name);
/* Returns the deleted host of that name, or with a switch of datapath ID 'id';
 * NULL: there is none that may be contacted. */
struct fabric_host *fabric_find_deleted(const struct fabric *,
                                        const char *name);
struct fabric_host *fabric_find_deleted_datapath(const struct fabric *,
                                                 uint64_t id);
/* Returns the host that has, or last had, datapath ID 'id'; or NULL. */
struct fabric_host *fabric_find_datapath(const struct fabric *, uint64_t id);
/* Counts and logs that 'host' (or 'peer', which presents its certificate; or
 * NULL) has the datapath ID of 'owner'. */
void fabric_host_clash(const struct fabric_host *host,
                       const struct fabric_host *owner, uint64_t id,
                       const char *peer);

/* Notes, and notifies watchers, that the state of the host or its reason may
 * have changed. */
void fabric_host_changed(struct fabric_host *);

/* Sets the datapath ID of the host's bridge (0: there is no bridge, or it is
 * not managed by vmnd), which disconnects a switch with another one.  The ID
 * stays reserved for the host until it has another one.  If another host has
 * it, or had it last, returns that host and changes nothing: the caller shows
 * that as the reason.  Else returns NULL. */
const struct fabric_host *fabric_host_set_datapath(struct fabric_host *,
                                                   uint64_t id);
/* Reserves datapath ID 'id' for the host, which had it when it last reported,
 * possibly to a previous process.  0: it has none any more. */
void fabric_host_set_claim(struct fabric_host *, uint64_t id);

/* Returns true if the model contains a complete report of the host: the first
 * one of this process; or, where another member submits reports, any. */
bool fabric_host_has_report(const struct fabric_host *);
/* Records that the model contains the host's complete first report (bindings
 * and VIFs), so its switch may be reconciled.  Called once: it stays so if the
 * OVSDB session is dropped later. */
void fabric_host_set_reported(struct fabric_host *);

#endif /* controller/fabric/hosts/hosts.h */
