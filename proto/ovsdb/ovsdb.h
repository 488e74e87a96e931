/* SPDX-License-Identifier: Apache-2.0
 *
 * A host's Open_vSwitch database: a session that dials the host or that the
 * host dials, a typed picture of what the database holds, and a desired
 * configuration for how one bridge of it is to be set up, which the session
 * keeps true.
 *
 * It runs libopenvswitch's OVSDB client as tasks on the loop.  All that
 * comes from a host is bounded.  Not for deciding what is desired on a host,
 * nor for what its interfaces mean (controller/fabric/). */

#ifndef PROTO_OVSDB_OVSDB_H
#define PROTO_OVSDB_OVSDB_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/shash.h"

struct loop;
struct ovsdb_listener;
struct ovsdb_schemas;
struct ovsdb_session;

/* Bounds on what a host may send; past one its session is closed. */
#define OVSDB_MAX_MESSAGE (8 * 1024 * 1024)     /* One message, bytes. */
#define OVSDB_MAX_BRIDGES 1024
#define OVSDB_MAX_INTERFACES 8192

/* About how much of our memory a host's rows may take, unless it is set, in
 * bytes; and as much one message of it that is being parsed. */
#define OVSDB_BUDGET (128 * 1024 * 1024)
/* Characters that are taken of a string in the database. */
#define OVSDB_MAX_STRING 256

/* The external_ids key by which rows of ours are known. */
#define OVSDB_OWNER_KEY "vmn-owner"

/* What the database holds.  ---------------------------------------------- */

enum ovsdb_link { OVSDB_LINK_UNKNOWN, OVSDB_LINK_DOWN, OVSDB_LINK_UP };

struct ovsdb_bridge {
    char *name;
    char *datapath_type;        /* "system" where the database has "". */
    char *owner;                /* external_ids:vmn-owner, or NULL. */
    uint64_t datapath_id;       /* 0 while the switch has not made it. */
    bool has_sflow, has_ipfix;
    char *sflow_owner;          /* external_ids:vmn-owner of what it has of */
    char *ipfix_owner;          /* these, or NULL. */
};

struct ovsdb_interface {
    char *name;
    char *bridge;               /* The name of the bridge that it is on. */
    char *type;                 /* "" for a system device. */
    char *iface_id;             /* external_ids:iface-id, or NULL. */
    char *owner;                /* external_ids:vmn-owner, or NULL. */
    char *error;                /* Why it could not be made, or NULL. */
    int32_t ofport;             /* OpenFlow number; -1 if the switch could
                                 * not make it, 0 while it has not tried. */
    enum ovsdb_link link;
    uint32_t mtu;               /* In bytes; 0: not known. */
};

struct ovsdb_snapshot {
    char *system_id;            /* external_ids:system-id, or NULL. */
    char *ovs_version;          /* Or NULL. */
    bool flow_restore_wait;     /* The switch connects to no controller. */
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
    uint16_t ofport;            /* Asked for; the snapshot shows what it is. */
    bool desired;               /* False: one that is there, and ours, goes. */
};
#define OVSDB_TUNNELS_MAX 2

/* A pair of patch ports: one end in the desired configuration's bridge, the
 * other in another, which must be there and of the same datapath (until it is,
 * there is no pair) or in the desired configuration's, too.  Those that are
 * there and ours, and not desired, go. */
struct ovsdb_patch {
    const char *bridge;         /* Another, which stays as it is; or NULL. */
    const char *name; /* Of the end in the desired configuration's bridge. */
    const char *iface_id;       /* Of that end. */
    const char *other_name;     /* Of the other end. */
};

/* A host's address with which ovs-monitor-ipsec(8) is to encrypt tunnels of
 * 'type'. */
struct ovsdb_ipsec_peer {
    const char *type;           /* "vxlan", "geneve". */
    const char *remote_ip;
    const char *local_ip;       /* Or NULL: any. */
    const char *remote_name;    /* The other host, as in its certificate. */
    const char *psk;            /* The key that both sides have, or NULL: both
                                 * have certificates. */
};

/* All of them.  One that is there, and ours, and not desired, goes. */
struct ovsdb_ipsec {
    /* If true, other_config has the files that external_ids name; if not, what
     * is there of these goes.  See ovsdb-config-ipsec.c. */
    bool certificates;
    struct shash peers;         /* struct ovsdb_ipsec_peer, by the name of an
                                 * interface that carries no packets. */
};
/* Certificate, private key and CA: in other_config of Open_vSwitch. */
#define OVSDB_IPSEC_FILES 3
/* So many peers are changed in a transaction at most: what one turn of the
 * loop has to do for a host does not grow with the number of its peers. */
#define OVSDB_IPSEC_SLICE 50

/* What is told to collectors; nothing if there is no target.  A number that is
 * 0 is left to the switch.  Somebody else's row stays, in the place of
 * ours. */
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
/* Makes '*to' a copy that owns what it points to. */
void ovsdb_sflow_clone(struct ovsdb_sflow *to, const struct ovsdb_sflow *);
void ovsdb_ipfix_clone(struct ovsdb_ipfix *to, const struct ovsdb_ipfix *);
/* Frees what such a copy points to. */
void ovsdb_sflow_uninit(struct ovsdb_sflow *);
void ovsdb_ipfix_uninit(struct ovsdb_ipfix *);

/* One bridge with flow-based tunnel ports and a controller.  The bridge gets
 * fail_mode=secure and other_config:disable-in-band=true.  Rows that are made
 * are marked with OVSDB_OWNER_KEY=owner, and only rows so marked are changed.
 * Whatever others have set beside stays. */
struct ovsdb_desired {
    const char *owner;
    const char *bridge;
    const char *datapath_type;
    const char *protocol;       /* "OpenFlow15"; among others' protocols. */
    bool adopt;                 /* May take over an unmarked bridge. */

    struct ovsdb_tunnel tunnels[OVSDB_TUNNELS_MAX]; /* Each type once. */
    const char *tunnel_local_ip; /* Of all of them, or NULL: any. */

    size_t n_patches;           /* Each name once. */
    const struct ovsdb_patch *patches;

    /* Returns what is desired of IPsec, valid until the next call, or NULL:
     * nothing.  Called each time that the desired configuration is compared
     * with the database: there may be many peers, and no session.  NULL:
     * nothing. */
    const struct ovsdb_ipsec *(*ipsec)(void *aux);
    void *ipsec_aux;

    const char *controller;     /* Target, or NULL for none of ours. */
    int controller_max_backoff_ms;
    int controller_probe_ms;
    /* Packets a second that the bridge sends to it, the same share for each
     * port that has some; 0: any number.  Open vSwitch's least is 100. */
    int controller_rate_pps;

    struct ovsdb_sflow sflow;
    struct ovsdb_ipfix ipfix;

    /* Connections in each zone of the datapath that has no limit of its own;
     * 0: none of ours.  Somebody else's default limit stays, in the place of
     * ours. */
    uint32_t zone_limit;
};
#define OVSDB_CONTROLLER_RATE_MIN 100

enum ovsdb_config_state {
    OVSDB_CONFIG_WORKING, /* Not known or not yet so. */
    OVSDB_CONFIG_DONE,    /* The database says so. */
    OVSDB_CONFIG_REFUSED, /* Something that is not ours is in the way. */
    OVSDB_CONFIG_FAILED,  /* The database refused; tried again later. */
};

/* Sessions.  ------------------------------------------------------------- */

enum ovsdb_state {
    OVSDB_WAITING,              /* For the next try, or for the host. */
    OVSDB_CONNECTING,           /* Or connected, without a snapshot yet. */
    OVSDB_CONNECTED,            /* There is a snapshot. */
};

struct ovsdb_status {
    enum ovsdb_state state;
    int64_t since_ms;           /* Of loop_now_ms(). */
    const char *error;          /* Why the last connection ended, or NULL. */
    bool over_budget;           /* That was since the host's rows, or one of
                                 * its messages, were too much. */
    uint64_t n_over_budget;     /* How often that was. */
    enum ovsdb_config_state config;
    const char *config_reason;  /* For REFUSED and FAILED. */
    const char
        *zone_limit_reason; /* Why that of the desired configuration is not
                             * written, as of the last DONE; or NULL. */
};

/* What hosts' databases have answered for their schema, and what is made of
 * it:  most hosts give the same answer, and it is looked into once.  Outlives
 * the sessions that share it. */
struct ovsdb_schemas *ovsdb_schemas_create(void);
void ovsdb_schemas_destroy(struct ovsdb_schemas *);

/* Opens a session for host 'name' (for logs).  'remote' is "tcp:IP:PORT",
 * "ssl:IP:PORT" or "unix:PATH", or NULL if the host dials a listener.  The
 * session lasts until it is destroyed: it connects again after each drop, 1
 * to 8 seconds later, or, if that was for the session's budget, 5 seconds to 5
 * minutes.
 *
 * 'changed' is called from the loop whenever the status or the snapshot has
 * changed.  It may destroy no session. */
struct ovsdb_session *ovsdb_session_create(struct loop *,
                                           struct ovsdb_schemas *,
                                           const char *name,
                                           const char *remote,
                                           void (*changed)(void *aux),
                                           void *aux);
void ovsdb_session_destroy(struct ovsdb_session *);

/* Sets what is desired from now on; copied.  NULL: nothing. */
void ovsdb_session_set_desired(struct ovsdb_session *,
                               const struct ovsdb_desired *);

/* Bounds what the host's rows may take of our memory, about, in bytes.
 * 'budget' is asked before anything of the host's is read, with the 'aux' of
 * ovsdb_session_create(). */
void ovsdb_session_set_budget(struct ovsdb_session *,
                              size_t (*budget)(void *aux));

/* What the database holds, or NULL while not OVSDB_CONNECTED.  Valid until
 * the next turn of the loop. */
const struct ovsdb_snapshot *
ovsdb_session_snapshot(const struct ovsdb_session *);
/* When the host last sent anything, or was connected to, on the connection
 * that there is (of loop_now_ms()); INT64_MIN if there is none. */
int64_t ovsdb_session_heard_ms(const struct ovsdb_session *);
/* Asks the host for a sign of life: ovsdb_session_heard_ms() changes once it
 * has answered, and the connection ends if it does not. */
void ovsdb_session_ask(struct ovsdb_session *);
/* The strings are valid until the next turn of the loop. */
void ovsdb_session_get_status(const struct ovsdb_session *,
                              struct ovsdb_status *);

/* Listening.  ------------------------------------------------------------ */

/* The inbound session of the host whose external_ids:system-id is
 * 'system_id', or NULL if no such host may dial in. */
typedef struct ovsdb_session *ovsdb_find_cb(void *aux, const char *system_id);

/* Listens at 'where': "tcp:IP:PORT", "ssl:IP:PORT" or "unix:PATH" (PORT 0:
 * any).  Each connection is asked who it is; over TLS, its certificate's
 * common name must be that of a host that may dial in, and the answer the
 * same.  Returns 0 or a positive errno with a sentence in '*text' (caller
 * frees). */
int ovsdb_listener_open(struct loop *, const char *where, ovsdb_find_cb *,
                        void *aux, struct ovsdb_listener **, char **text);
void ovsdb_listener_close(struct ovsdb_listener *);
/* 'rejected', called with the listener's 'aux', is told whose connections are
 * refused ("tcp:192.0.2.1:54321"), and why, perhaps with text of the peer's. */
typedef void ovsdb_rejected_cb(void *aux, const char *peer,
                               const char *reason);
void ovsdb_listener_set_rejected(struct ovsdb_listener *, ovsdb_rejected_cb *);
/* 'is_known', called with the listener's 'aux', tells of addresses whose
 * connections give way last when there are too many. */
struct admission_stats;
struct in6_addr;
void ovsdb_listener_set_known(struct ovsdb_listener *,
                              bool (*is_known)(void *aux,
                                               const struct in6_addr *));
void ovsdb_listener_get_admission(const struct ovsdb_listener *,
                                  struct admission_stats *);

#endif /* proto/ovsdb/ovsdb.h */
