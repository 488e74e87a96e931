/* SPDX-License-Identifier: Apache-2.0
 *
 * A host's Open_vSwitch database: a session that either side connects, a typed
 * snapshot of the database, and a desired configuration of one of its bridges,
 * which the session maintains.  It runs libopenvswitch's OVSDB client as tasks
 * on the loop.  All input from a host is limited.  Not for deciding what is
 * desired on a host, nor for the meaning of its interfaces
 * (controller/fabric/). */

#ifndef PROTO_OVSDB_OVSDB_H
#define PROTO_OVSDB_OVSDB_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/shash.h"
#include "openvswitch/types.h"

struct loop;
struct ovsdb_listener;
struct ovsdb_schemas;
struct ovsdb_session;

/* Limits of what a host may send; above one its session is closed. */
#define OVSDB_MAX_MESSAGE (8 * 1024 * 1024)     /* One message, bytes. */
#define OVSDB_MAX_BRIDGES 1024
#define OVSDB_MAX_INTERFACES 8192

/* Default for the approximate memory of a host's rows, in bytes; and for that
 * of one message while it is parsed. */
#define OVSDB_BUDGET (128 * 1024 * 1024)
/* Maximum length of a string in the database; longer ones are truncated. */
#define OVSDB_MAX_STRING 256

/* The external_ids key that marks vmnd's rows. */
#define OVSDB_OWNER_KEY "vmn-owner"
/* That with the epoch of who configured the bridge. */
#define OVSDB_EPOCH_KEY "vmn-epoch"

/* What the database holds.  ---------------------------------------------- */

enum ovsdb_link { OVSDB_LINK_UNKNOWN, OVSDB_LINK_DOWN, OVSDB_LINK_UP };
/* The session of an interface with BFD (RFC 5880), as the switch says. */
enum ovsdb_bfd { OVSDB_BFD_NONE, OVSDB_BFD_DOWN, OVSDB_BFD_UP };

struct ovsdb_bridge {
    char *name;
    char *datapath_type;        /* "system" where the database has "". */
    char *owner;                /* external_ids:vmn-owner, or NULL. */
    uint64_t datapath_id;       /* 0 while the switch has not created it. */
    bool has_sflow, has_ipfix;
    char *sflow_owner;          /* external_ids:vmn-owner of its rows of */
    char *ipfix_owner;          /* these tables, or NULL. */
};

struct ovsdb_interface {
    char *name;
    char *bridge;               /* The name of the bridge that it is on. */
    char *port;                 /* That of its port there, if it is another
                                 * one (a bond's); or NULL. */
    char *type;                 /* "" for a system device. */
    char *iface_id;             /* external_ids:iface-id, or NULL. */
    char *owner;                /* external_ids:vmn-owner, or NULL. */
    char *error;                /* Why it could not be created, or NULL. */
    int32_t ofport;             /* OpenFlow number; -1 if the switch could not
                                 * create it, 0 while it has not tried. */
    enum ovsdb_link link;
    enum ovsdb_bfd bfd;
    bool bfd_was_up;            /* The session has been up before. */
    uint32_t mtu;               /* In bytes; 0: not known. */
    struct eth_addr mac;        /* external_ids:attached-mac; 0: none. */
    bool is_tap;                /* A tap of the kernel's, as QEMU opens it. */
    bool has_qos;               /* Its port has a QoS; */
    char *qos_owner;            /* external_ids:vmn-owner of that, or NULL. */
};

struct ovsdb_snapshot {
    char *system_id;            /* external_ids:system-id, or NULL. */
    char *ovs_version;          /* Or NULL. */
    bool flow_restore_wait;     /* The switch connects to no controller. */
    bool hw_offload;            /* It has network devices forward flows. */
    unsigned n_ipsec_files;     /* How many of OVSDB_IPSEC_FILES it names. */
    size_t n_datapath_types;    /* 0 while the switch has not reported. */
    char **datapath_types;
    size_t n_bridges;           /* Sorted by name. */
    struct ovsdb_bridge *bridges;
    size_t n_interfaces;        /* Those on a bridge, sorted by name. */
    struct ovsdb_interface *interfaces;
};

/* What is desired of it.  ------------------------------------------------- */

/* A flow-based tunnel port. */
struct ovsdb_tunnel {
    const char *name;           /* NULL: none. */
    const char *type;           /* "vxlan", "geneve". */
    uint16_t ofport;            /* Requested; the snapshot has the actual
                                 * one. */
    bool desired;               /* False: an existing one of vmnd's is
                                 * removed. */
};
#define OVSDB_TUNNELS_MAX 2

/* A flow-based tunnel port by which copies of packets leave for addresses that
 * are no hosts'.  Its source address is that which the host's routing has.
 * Somebody else's port of that name stays, and there is none. */
struct ovsdb_copy_tunnel {
    const char *name;           /* Constants. */
    const char *type;           /* "gre", "ip6gre", "erspan", "ip6erspan". */
    uint16_t ofport;            /* Requested; the snapshot has the actual
                                 * one. */
};
#define OVSDB_COPY_TUNNELS_MAX 4

/* A pair of patch ports: one end in the desired configuration's bridge, the
 * other in another one, which must exist and have the same datapath (until
 * then there is no pair) or in the desired configuration's, too.  Existing
 * ones of vmnd's that are not desired are removed. */
struct ovsdb_patch {
    const char *bridge;         /* Another bridge, which is not changed; or
                                 * NULL. */
    const char *name; /* Of the end in the desired configuration's bridge. */
    const char *iface_id;       /* Of that end. */
    const char *other_name;     /* Of the other end. */
};

/* Another host's address, with a tunnel port of its own: so that
 * ovs-monitor-ipsec(8) encrypts tunnels of 'type' with it, or that BFD watches
 * whether it is reached by them, or both.  See ovsdb-config-peers.c. */
struct ovsdb_peer {
    const char *type;           /* "vxlan", "geneve". */
    const char *remote_ip;
    const char *local_ip;       /* Or NULL: any. */
    const char *remote_name;    /* The other host, as in its certificate; NULL:
                                 * it is not to be encrypted. */
    const char *psk;            /* The key that both sides have, or NULL: both
                                 * have certificates. */
    bool bfd;                   /* It is watched. */
    uint16_t ofport;            /* Requested then; the snapshot has the actual
                                 * one. */
};

/* All such ports.  Existing interfaces of vmnd's that are not
 * desired are removed. */
struct ovsdb_peers {
    /* If true, other_config has the files that external_ids name; if not,
     * those in it are removed.  See ovsdb-config-peers.c. */
    bool certificates;
    bool keep_bfd;              /* Whom the host is to watch is not known yet:
                                 * BFD stays where it is. */
    struct shash peers;         /* struct ovsdb_peer, by the name of an
                                 * interface that carries no packets but
                                 * those of BFD. */
};
/* Interval of BFD's packets, in ms: what is not heard for three of these is
 * down.  Longer ones make a busy switch's sessions no steadier: OVN has 1000,
 * neutron 100 to 300. */
#define OVSDB_BFD_INTERVAL_MS 200
/* Certificate, private key and CA: in other_config of Open_vSwitch. */
#define OVSDB_IPSEC_FILES 3
/* Maximum number of peers that are changed in a transaction: the work per
 * iteration of the loop for a host does not grow with the number of its
 * peers. */
#define OVSDB_PEERS_SLICE 50

/* The fields whose prefixes the classifier of a flow table tracks, in place of
 * the default, nw_dst and nw_src (Flow_Table:prefixes of
 * ovs-vswitchd.conf.db(5)): with them a packet that a long prefix does not
 * match becomes no flow of the datapath for its very address.  A row of others
 * for the table stays, instead of vmnd's. */
#define OVSDB_PREFIXES_MAX 3
struct ovsdb_prefixes {
    uint8_t table;
    size_t n_fields;
    const char *fields[OVSDB_PREFIXES_MAX]; /* Constants. */
};

/* Telemetry to collectors; none if there is no target.  A number that is 0 is
 * the switch's default.  A row of others stays, instead of vmnd's. */
struct ovsdb_sflow {
    size_t n_targets;
    const char *const *targets; /* "ADDRESS:PORT". */
    const char *agent;          /* An interface's name, or NULL. */
    uint32_t sampling, polling_s, header_size;
};
struct ovsdb_ipfix {
    size_t n_targets;
    const char *const *targets;
    uint32_t sampling, obs_domain_id, obs_point_id;
    uint32_t cache_active_timeout_s, cache_max_flows;
};
/* Makes '*to' a deep copy. */
void ovsdb_sflow_clone(struct ovsdb_sflow *to, const struct ovsdb_sflow *);
void ovsdb_ipfix_clone(struct ovsdb_ipfix *to, const struct ovsdb_ipfix *);
/* Frees the contents of such a copy. */
void ovsdb_sflow_uninit(struct ovsdb_sflow *);
void ovsdb_ipfix_uninit(struct ovsdb_ipfix *);

/* A port of one of the host's bridges by which packets leave the host, with
 * the desired configuration's queues (linux-htb of ovs-vswitchd.conf.db(5)):
 * each has its rate, queue 0, which is that of all other packets, what is left
 * of 'max_kbps', and all of them what others do not use.  Others' QoS of a
 * port stays, instead of vmnd's. */
struct ovsdb_uplink {
    const char *port;
    uint32_t max_kbps;          /* Of whole frames. */
};
/* Returns true if packets leave a host by interfaces of that type, as far as
 * it tells, and wait in queues: those of vmnd's are on no others. */
bool ovsdb_type_has_queues(const char *type);
struct ovsdb_queue {
    uint32_t number;            /* Not 0. */
    uint32_t min_kbps;
};

/* Returns 'target', of something that a database connects to, such as
 * "ssl:192.0.2.1" or "tcp:[fd00:0::3]:6640" (ovsdb(7)), in the one form that
 * it has for all that are the same, with its port; NULL if it is nothing of
 * the kind.  Names are not resolved.  The caller frees it. */
char *ovsdb_target_normalize(const char *target);
#define OVSDB_TARGET_MAX 128    /* Longest target, in bytes. */

/* Where the host's database is to connect to (Manager of
 * ovs-vswitchd.conf.db(5)).  Those that are missing are added, marked with the
 * owner and the cluster; rows without this mark are never changed. */
struct ovsdb_managers {
    size_t n;                   /* 0: nothing is added or removed. */
    const char *const *targets; /* As of ovsdb_target_normalize(). */
    const char *cluster;        /* Whose members these are; NULL if 'n' is
                                 * 0. */
    bool remove;                /* Rows with the mark and other targets are
                                 * removed, once one of these is connected. */
};

/* One bridge with flow-based tunnel ports and a controller.  The bridge gets
 * fail_mode=secure and other_config:disable-in-band=true.  New rows are marked
 * with OVSDB_OWNER_KEY=owner, and only rows with that mark are changed
 * (see also struct ovsdb_managers).  Others' settings beside these stay. */
struct ovsdb_desired {
    const char *owner;
    bool removed;               /* The host is not this controller's any more:
                                 * nothing below is desired but that 'bridge'
                                 * stays, with the ports and settings of
                                 * others, fail_mode=secure, and the mark of
                                 * its owner unless it was adopted. */
    int64_t epoch;              /* Of this controller, among those that take
                                 * turns; noted with the bridge, which one of
                                 * an earlier epoch then leaves alone.  0:
                                 * there are no others. */
    const char *bridge;
    const char *datapath_type;
    const char *protocol;       /* "OpenFlow15"; others' protocols stay. */
    bool adopt;                 /* May take over an unmarked bridge. */

    struct ovsdb_tunnel tunnels[OVSDB_TUNNELS_MAX]; /* Each type once. */
    const char *tunnel_local_ip; /* Of all of them, or NULL: any. */
    bool tunnel_dscp_inherit;   /* Their packets have the DSCP of what they
                                 * carry, or 0. */

    size_t n_copy_tunnels;      /* Each type once.  Others of vmnd's are
                                 * removed, */
    struct ovsdb_copy_tunnel copy_tunnels[OVSDB_COPY_TUNNELS_MAX];
    bool keep_copy_tunnels;     /* unless it is not known yet which ones are
                                 * desired. */

    size_t n_patches;           /* Each name once. */
    const struct ovsdb_patch *patches;

    /* Returns the desired peers, valid until the next call, or NULL: none.
     * Called each time that the desired configuration is compared with the
     * database: there may be many peers, and no session.  NULL: none. */
    const struct ovsdb_peers *(*peers)(void *aux);
    void *peers_aux;

    size_t n_controllers;       /* Of vmnd's, each once: */
    const char *const *controllers; /* their targets. */
    int controller_max_backoff_ms;
    int controller_probe_ms;
    /* Rate limit of packet-ins per second from the bridge, shared equally by
     * the ports that cause them; 0: unlimited.  Open vSwitch's minimum is
     * 100. */
    int controller_rate_pps;

    struct ovsdb_managers managers; /* Those of a removed host stay. */

    struct ovsdb_sflow sflow;
    struct ovsdb_ipfix ipfix;

    size_t n_uplinks;           /* Each port once. */
    const struct ovsdb_uplink *uplinks;
    size_t n_queues;            /* Each number once, in ascending order. */
    const struct ovsdb_queue *queues; /* Of each uplink. */
    bool keep_queues;           /* They are not known yet: what is there
                                 * stays. */

    size_t n_prefixes;          /* Each table once. */
    const struct ovsdb_prefixes *prefixes; /* Valid as long as sessions. */

    /* Connections in each zone of the datapath without a limit of its own; 0:
     * none of vmnd's.  A default limit of others stays, instead of vmnd's. */
    uint32_t zone_limit;
};
#define OVSDB_CONTROLLER_RATE_MIN 100

enum ovsdb_config_state {
    OVSDB_CONFIG_WORKING, /* Unknown, or not applied yet. */
    OVSDB_CONFIG_DONE,    /* The database has it. */
    OVSDB_CONFIG_REFUSED, /* Something that is not vmnd's prevents it. */
    OVSDB_CONFIG_FAILED,  /* The database rejected it; retried later. */
};

/* Sessions.  ------------------------------------------------------------- */

enum ovsdb_state {
    OVSDB_WAITING,              /* For the next attempt, or for the host. */
    OVSDB_CONNECTING,           /* Or connected, without a snapshot yet. */
    OVSDB_CONNECTED,            /* There is a snapshot. */
};

struct ovsdb_status {
    enum ovsdb_state state;
    int64_t since_ms;           /* Of loop_now_ms(). */
    const char *error;          /* Why the last connection ended, or NULL. */
    bool over_budget;           /* It ended because the host's rows, or one of
                                 * its messages, exceeded the budget. */
    uint64_t n_over_budget;     /* Number of times that this has happened. */
    enum ovsdb_config_state config;
    const char *config_reason;  /* For REFUSED and FAILED. */
    const char
        *zone_limit_reason; /* Why that of the desired configuration is not
                             * written, as of the last DONE; or NULL. */
};

/* A cache of hosts' replies with their schema, and of what is made of them:
 * most hosts send the same reply, and it is parsed once.  Must outlive the
 * sessions that share it. */
struct ovsdb_schemas *ovsdb_schemas_create(void);
void ovsdb_schemas_destroy(struct ovsdb_schemas *);

/* Opens a session for host 'name' (for logs).  'remote' is "tcp:IP:PORT",
 * "ssl:IP:PORT" or "unix:PATH", or NULL if the host connects to a listener.
 * The session exists until it is destroyed: it reconnects after each drop, 1
 * to 8 seconds later, or, if it exceeded its budget, 5 seconds to 5 minutes
 * later.  'changed' is called from the loop whenever the status or the
 * snapshot has changed.  It must not destroy a session. */
struct ovsdb_session *ovsdb_session_create(struct loop *,
                                           struct ovsdb_schemas *,
                                           const char *name,
                                           const char *remote,
                                           void (*changed)(void *aux),
                                           void *aux);
void ovsdb_session_destroy(struct ovsdb_session *);
/* Has a session that waits to connect again do so now, since the host is heard
 * in another way; not after it exceeded its budget, nor twice within a
 * second. */
void ovsdb_session_retry(struct ovsdb_session *);

/* Sets the desired configuration, which is copied.  NULL: none. */
void ovsdb_session_set_desired(struct ovsdb_session *,
                               const struct ovsdb_desired *);

/* Sets the memory budget of the host's rows, approximately, in bytes.
 * 'budget' is called before anything of the host's is read, with the 'aux' of
 * ovsdb_session_create(). */
void ovsdb_session_set_budget(struct ovsdb_session *,
                              size_t (*budget)(void *aux));

/* Returns a snapshot of the database, or NULL while not OVSDB_CONNECTED.
 * Valid until the next iteration of the loop. */
const struct ovsdb_snapshot *
ovsdb_session_snapshot(const struct ovsdb_session *);
/* Returns when the host last sent anything, or connected, on the current
 * connection (of loop_now_ms()); INT64_MIN if there is none. */
int64_t ovsdb_session_heard_ms(const struct ovsdb_session *);
/* Sends an echo request now: ovsdb_session_heard_ms() changes once the host
 * has replied, and the connection is closed without a reply. */
void ovsdb_session_probe(struct ovsdb_session *);
/* The strings are valid until the next turn of the loop. */
void ovsdb_session_get_status(const struct ovsdb_session *,
                              struct ovsdb_status *);

/* Listening.  ------------------------------------------------------------ */

/* Returns the inbound session of the host whose external_ids:system-id is
 * 'system_id', or NULL if no such host may connect. */
typedef struct ovsdb_session *ovsdb_find_cb(void *aux, const char *system_id);

/* Listens at 'where': "tcp:IP:PORT", "ssl:IP:PORT" or "unix:PATH" (PORT 0:
 * any).  Each host is asked for its identity; over TLS, its certificate's
 * common name must be that of a host that may connect, and its identity the
 * same.  Returns 0 or a positive errno with a sentence in '*text' (caller
 * frees). */
int ovsdb_listener_open(struct loop *, const char *where, ovsdb_find_cb *,
                        void *aux, struct ovsdb_listener **, char **text);
void ovsdb_listener_close(struct ovsdb_listener *);
/* Sets 'rejected', called with the listener's 'aux', for rejected connections:
 * the peer ("tcp:192.0.2.1:54321") and the reason, which may contain text from
 * the peer. */
typedef void ovsdb_rejected_cb(void *aux, const char *peer,
                               const char *reason);
void ovsdb_listener_set_rejected(struct ovsdb_listener *, ovsdb_rejected_cb *);
/* Sets 'is_known', called with the listener's 'aux', which returns true for
 * addresses whose connections are evicted last when there are too many. */
struct admission_stats;
struct in6_addr;
void ovsdb_listener_set_known(struct ovsdb_listener *,
                              bool (*is_known)(void *aux,
                                               const struct in6_addr *));
void ovsdb_listener_get_admission(const struct ovsdb_listener *,
                                  struct admission_stats *);

#endif /* proto/ovsdb/ovsdb.h */
