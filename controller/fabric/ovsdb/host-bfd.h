/* SPDX-License-Identifier: Apache-2.0
 *
 * Hosts that watch each other by BFD (RFC 5880), on tunnel ports that they
 * have for each other (host-peers.h): which ones apps ask for
 * (VMN_REL_WATCHED_HOSTS), and what the hosts report of their sessions.  Not
 * for which hosts are cut off by that (cut-off-hosts.h), nor for what follows
 * from it (apps). */

#ifndef CONTROLLER_FABRIC_OVSDB_HOST_BFD_H
#define CONTROLLER_FABRIC_OVSDB_HOST_BFD_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/fabric/ovsdb/cut-off-hosts.h"
#include "proto/ovsdb/ovsdb.h"

struct arena;
struct fabric;
struct fabric_host_db;
struct fabric_stats;
struct shash;
struct status_host;
struct sset;
struct vif_report;

/* A host that another one is to watch, as apps say. */
struct watch_wanted {
    char *name;
    uint32_t number;            /* Of VMN_ID_POOL_HOST. */
};

/* A session of a host with a peer. */
struct watch {
    char *name;                 /* The peer. */
    char *iface;                /* The interface's name. */
    int encap;                  /* enum vmn_encap. */
    char *local_ip, *remote_ip;
    uint16_t ofport;            /* VMN_PEER_OFPORT() of the peer's number. */
    enum ovsdb_bfd state;       /* As last reported. */
    bool was_up;                /* Since its switch has started. */

    /* cut-off-hosts.c: it calls the peer down, which others reach; and since
     * when, of loop_now_ms(), 0: it does not. */
    bool blind;
    int64_t blind_since_ms;
};

struct host_watches {
    size_t n_wanted;
    struct watch_wanted *wanted; /* By name. */
    size_t n;
    struct watch *watches;      /* By name: those that the peer wants, too. */
    uint64_t generation;        /* Changes with the set of 'watches'. */
    bool known;                 /* 'wanted' was read; until then, 'watches' are
                                 * those that the host's database has. */
    bool is_new;                /* Since the last update of these. */
    char *reason;               /* Why one does not work, or NULL. */
    struct cut_off_history history; /* cut-off-hosts.h. */
};

/* Starts to record which hosts' peers change. */
void host_bfd_create(struct fabric *);
void host_bfd_destroy(struct fabric *);
/* Handles a group of revisions.  'changed': rows of hosts have, too. */
void host_bfd_group(struct fabric *, bool changed);
void host_bfd_uninit(struct fabric_host_db *);

/* Adds the peers that the host watches to 'peers' of struct ovsdb_peers. */
void host_bfd_add_peers(const struct fabric_host_db *, struct shash *peers);

/* Takes in what the host's database says of its sessions. */
void host_bfd_report(struct fabric_host_db *, const struct ovsdb_snapshot *);
/* Returns the host's session with the peer 'name', or NULL. */
struct watch *host_bfd_find(const struct fabric_host_db *, const char *name);
/* Appends a report for each session that has been up to the 'n' in 'reports',
 * which has room for 'watches.n' more; returns how many there are then.  Its
 * iface-id, VMN_VIF_PEER, is the caller's to free. */
size_t host_bfd_vifs(const struct fabric_host_db *, struct vif_report *reports,
                     size_t n);

/* Adds the host's sessions to the statistics. */
void host_bfd_get_stats(const struct fabric_host_db *, struct fabric_stats *);
/* Fills in the host's status. */
void host_bfd_status(const struct fabric_host_db *, struct arena *,
                     struct status_host *);

#endif /* controller/fabric/ovsdb/host-bfd.h */
