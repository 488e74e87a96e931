/* SPDX-License-Identifier: Apache-2.0
 *
 * State of the fabric's OVSDB side, global and per host: sessions, desired
 * configuration, and what is known of the host's database.  Its parts have
 * headers of their own; other parts of the fabric use ovsdb-side.h. */

#ifndef CONTROLLER_FABRIC_OVSDB_HOST_DB_H
#define CONTROLLER_FABRIC_OVSDB_HOST_DB_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/ovsdb/host-bfd.h"
#include "controller/fabric/ovsdb/host-copies.h"
#include "controller/fabric/ovsdb/host-liveness.h"
#include "controller/fabric/ovsdb/host-queues.h"
#include "controller/fabric/ovsdb/host-telemetry.h"
#include "controller/fabric/ovsdb/observed-state.h"
#include "controller/fabric/ovsdb/report-limit.h"
#include "openvswitch/shash.h"
#include "proto/ovsdb/ovsdb.h"
#include "svec.h"

/* The external-id that marks rows of a host's database as vmnd's. */
#define HOST_DB_OWNER "vmnd"

struct fabric_db {
    struct fabric *fabric;
    struct ovsdb_listener *listener; /* Or NULL. */
    struct ovsdb_schemas *schemas;
    struct observed_state *observed;
    char *target;               /* The controller that is this vmnd, or
                                 * NULL. */
    struct svec controllers;    /* All that bridges get, the targets. */
    char *manager;              /* Where hosts' databases reach this vmnd, or
                                 * NULL: not known. */
    struct svec managers;       /* The same of all members, */
    bool all_managers;          /* of none of which it is unknown. */
    char *cluster;              /* The number of theirs; NULL: of none. */
    char *private_key;          /* Files; all three or none. */
    char *certificate;
    char *ca_cert;
    size_t n_prefixes;
    struct ovsdb_prefixes *prefixes; /* table-prefixes.h.  Of all hosts. */
    struct ipsec *ipsec;        /* host-ipsec.c; NULL: no IPsec. */
    bool uses[OVSDB_TUNNELS_MAX]; /* By encapsulation: some host receives it,
                                   * so all hosts can send it. */
    struct event *bfd_due;      /* cut-off-hosts.c; NULL: shutting down. */
    bool bfd_has_begun;         /* It is known who is to watch whom, */
    bool copies_have_begun;     /* and who has which tunnels for copies. */
    bool queues_have_begun;     /* They are known (host-queues.c). */
    struct shash *peer_names;   /* host-bfd.c: hosts, by the names of
                                 * interfaces for them; NULL: not known. */
    struct event *barrier;      /* startup-barrier.c: its timer; NULL: the
                                 * barrier has ended. */
    int64_t barrier_until_ms;   /* Its end at the latest. */
    int64_t barrier_checked_ms; /* Last check. */
    unsigned n_barrier_quiet;   /* Consecutive checks without any message. */
};

/* An interface that the switch cannot create now, and whose last report is
 * retained. */
struct retained_interface {
    int64_t until_ms;           /* Of loop_now_ms(). */
};

struct fabric_host_db {
    struct fabric_host *host;
    struct report_limit limit;
    bool reason_changed;        /* The report in progress has another reason,
                                 * or another state of an uplink. */
    struct ovsdb_session *session;
    char *remote;               /* As in the row. */
    char *bridge;               /* As in the row. */
    bool adopt;                 /* As in the row. */
    const char *datapath_type;  /* Constant. */
    char *tunnel_interface;     /* As in the row; or NULL. */
    bool has_ipv6;              /* Among its tunnel addresses. */
    size_t n_providers;
    struct host_provider *providers; /* host-provider.h. */
    size_t n_trunks;
    struct host_trunk *trunks;  /* host-trunk.h.  By 'iface_id'. */
    bool trunks_due;            /* The timer is to update them. */
    struct host_telemetry telemetry;
    struct host_peers *peers;   /* host-peers.c; NULL: not computed yet. */
    struct host_watches watches; /* host-bfd.h. */
    struct host_copies copies;  /* host-copies.h. */
    struct host_queues queues;  /* host-queues.h. */
    struct observed_host *observed; /* NULL: the host is deleted. */
    struct event *timer;        /* For 'trunks_due' and the next two. */
    /* host-liveness.c: of its own session, and of its switch's. */
    struct liveness_session database_session, switch_session;
    bool switch_connected;      /* As it was at the last change. */
    bool switch_dead;           /* See host_liveness_check(). */
    int64_t switch_lost_ms;     /* When the switch was lost, until it is known
                                 * whether it is dead, of loop_now_ms(); else
                                 * 0. */
    int64_t dead_check_ms;      /* When that is checked next. */
    struct shash retained;      /* Names of interfaces that the switch cannot
                                 * create, and until when they are retained
                                 * (struct retained_interface). */

    /* For the host's status. */
    bool connected;
    int64_t since_ms;           /* Wall clock, of 'connected'. */
    bool refused;
    char *reason;               /* Of the state, or another fault; or NULL. */
    char *ovs_version;          /* As last reported, or NULL. */
    size_t n_ports;             /* Interfaces of VMs. */
    size_t n_taps;              /* host-checksums.c: those that are taps... */
    char *tap;                  /* ...and the first one's name, or NULL. */
    bool has_underlay;          /* It has 'tunnel_interface'... */
    uint32_t underlay_mtu;      /* ...with this MTU; 0: not known. */
};

/* Handles that something else is desired of the host than before, by what apps
 * ask for (host-bfd.c, host-copies.c). */
void host_db_desired_changed(struct fabric_host_db *);

#endif /* controller/fabric/ovsdb/host-db.h */
