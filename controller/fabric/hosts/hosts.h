/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of hosts: finds one, knows whose datapath id is whose, and
 * announces that one has changed.  All other parts of the fabric stand on it,
 * and it calls none of them: what they are to hear of goes through the
 * fabric's callbacks.  Not for making hosts (fabric.c). */

#ifndef CONTROLLER_FABRIC_HOSTS_HOSTS_H
#define CONTROLLER_FABRIC_HOSTS_HOSTS_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/fabric/fabric-private.h"
#include "openvswitch/hmap.h"

struct fabric_host_db;          /* OVSDB side of one host. */
struct fabric_switch;           /* OpenFlow side of one host. */
struct vmn_host;

/* A row of table HOST.  Made when the row becomes durable, destroyed when its
 * deletion does. */
struct fabric_host {
    struct hmap_node name_node;     /* In struct fabric's 'hosts'. */
    struct hmap_node claim_node;    /* In 'claims', if 'claimed_id'. */
    struct fabric *fabric;
    char *name;                 /* Owned. */
    const struct vmn_host *row; /* Current; for comparing the pointer only,
                                 * between two groups. */

    /* Written by the OVSDB side through the functions below. */
    uint64_t datapath_id;       /* Of the bridge as reported, or 0. */
    uint64_t claimed_id;        /* The last one that it had, also before this
                                 * process started: nobody else gets it. */
    bool reported;              /* Its first full report since this process
                                 * started is in the model. */

    struct fabric_host_db *db;  /* Owned by the OVSDB side; may be NULL. */
    struct fabric_switch *sw;   /* Owned by the OpenFlow side; never NULL. */
};

/* Returns the host of that name, or NULL. */
struct fabric_host *fabric_find_host(const struct fabric *, const char *name);
/* Returns the host that has, or last had, datapath id 'id'; or NULL. */
struct fabric_host *fabric_find_datapath(const struct fabric *, uint64_t id);
/* Counts and logs that 'host' (or 'peer', which shows its certificate; or
 * NULL) has come with the datapath id of 'owner'. */
void fabric_host_clash(const struct fabric_host *host,
                       const struct fabric_host *owner, uint64_t id,
                       const char *peer);

/* Notifies who watches that the state of the host, or its reason, may be
 * another one now. */
void fabric_host_changed(const struct fabric_host *);

/* Sets the datapath id of the host's bridge (0: there is no bridge, or it is
 * not ours), which disconnects a switch with another one.  The id stays the
 * host's until it has another one.  If another host has it, or had it last,
 * returns that host and changes nothing: the caller shows that as the reason.
 * Else returns NULL. */
const struct fabric_host *fabric_host_set_datapath(struct fabric_host *,
                                                   uint64_t id);
/* Keeps datapath id 'id' for the host, which had it when it was last heard of,
 * perhaps by a former process.  0: it has none any more. */
void fabric_host_set_claim(struct fabric_host *, uint64_t id);

/* Notes that all that the host has to report for a start (bindings and VIFs)
 * is in the model, so its switch may be reconciled.  Once is enough: it holds
 * when the OVSDB session is dropped later. */
void fabric_host_set_reported(struct fabric_host *);

#endif /* controller/fabric/hosts/hosts.h */
