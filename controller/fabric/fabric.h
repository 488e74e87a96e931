/* SPDX-License-Identifier: Apache-2.0
 *
 * The hosts: their OVSDB and OpenFlow sessions.  Turns durable differences
 * into one bundle per host, collects acknowledgements, reconciles a host that
 * connects, configures its bridge, and reports its interfaces to the model.
 * Not for computing the desired state of a host (engine/).
 *
 * This header creates and configures the fabric.  Queries have a header each:
 * fabric-status.h, fabric-receipts.h and so on.  Headers in its folders are
 * private. */

#ifndef CONTROLLER_FABRIC_FABRIC_H
#define CONTROLLER_FABRIC_FABRIC_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct commit;
struct engine;
struct fabric;
struct loop;
struct model;
struct pipeline;
struct svec;
struct tls;
struct vmn_error;

struct fabric_options {
    const struct pipeline *pipeline; /* Or NULL: hosts' flow tables are as they
                                      * are by default. */
    const char *openflow_listen;  /* "tcp:127.0.0.1:6653", "unix:PATH": what
                                   * bridges are told to connect to is
                                   * 'openflow_target'. */
    const char *openflow_target;
    bool stands_by;               /* It is a standby of a cluster, until
                                   * fabric_lead(). */
    const char *ovsdb_listen;     /* For hosts that connect to vmnd, or
                                   * NULL; what these are told to connect to
                                   * is */
    const char *ovsdb_target;     /* this, or NULL: nothing. */
    const char *ssl_private_key;  /* For ssl: remotes; TLS is disabled
                                   * unless */
    const char *ssl_certificate;  /* all three are set. */
    const char *ssl_ca_cert;    /* Of hosts. */
    const char *ipsec_key_file; /* Or NULL; unless it is set, or the next is
                                 * true, tunnels are not encrypted. */
    bool ipsec_certificates;

    /* Limits of outstanding replies of a switch; 0: the default. */
    size_t max_bundles;           /* Unacknowledged bundles: from this
                                   * number */
    size_t max_bytes;             /* on, or from this number of bytes in them,
                                   * revisions are merged. */
    size_t max_bundle_items;      /* Flows and groups, and */
    size_t max_bundle_bytes;      /* bytes of a bundle: more is cut. */
    int stall_ms;                 /* A switch that sends no reply for this long
                                   * is disconnected. */
    size_t max_queue;             /* So is one with this many bytes waiting to
                                   * be sent.  Default: ofconn.h's. */
    int64_t audit_s;              /* Interval of audits of each host, in
                                   * seconds; 0: none. */
    int64_t count_s;              /* Interval of reading each host's counters,
                                   * in seconds; 0: never. */
    unsigned packet_port_rate;    /* Packet-ins per second accepted from a */
    unsigned packet_host_rate;    /* port, and from a host; 0: unlimited. */
    size_t host_memory;           /* Memory budget of a host in bytes, for its
                                   * database or for one reading of its switch,
                                   * beyond its desired state; 0: the
                                   * default. */
    unsigned report_rate;         /* Changes per second by a host's reports; 0:
                                   * unlimited. */
    unsigned mtu_hold_s;          /* How long a host must report a larger MTU
                                   * of its underlay before it takes effect. */
    unsigned migration_grace_s;   /* How long the host that a guest has
                                   * migrated from is asked about its
                                   * connections. */
    size_t audit_alarm;           /* If an audit misses more than this
                                   * percentage of a host's flows, and more
                                   * than a thousand, that is logged as an
                                   * error. */
};
#define FABRIC_AUDIT_ALARM 50
#define FABRIC_REPORT_RATE_MAX 100000
#define FABRIC_MTU_HOLD_MAX_S 1800
#define FABRIC_MIGRATION_GRACE_MAX_S 86400
#define FABRIC_HOST_MEMORY_MIB 32
#define FABRIC_HOST_MEMORY_MAX_MIB 65536
#define FABRIC_PACKET_RATE_MAX 1000000
#define FABRIC_AUDIT_MAX_S (366 * 86400)
#define FABRIC_COUNT_MAX_S 86400
#define FABRIC_MAX_BUNDLES 32
#define FABRIC_MAX_BYTES (8 * 1024 * 1024)
/* Of groups with many buckets the bytes count. */
#define FABRIC_MAX_BUNDLE_BYTES (4 * 1024 * 1024)
#define FABRIC_STALL_MS (60 * 1000)

/* Returns 0 or a positive errno, and sets the error. */
int fabric_create(const struct fabric_options *, struct loop *,
                  struct model *, struct engine *, struct commit *,
                  struct fabric **, struct vmn_error *);
/* Not while a group that has yielded is within the fabric: after
 * commit_stop(). */
void fabric_destroy(struct fabric *);
/* The engine's apps have changed (commit_set_follow()). */
void fabric_apps_changed(struct fabric *);

/* Each member of a cluster has a connection of each switch, and a session with
 * each host's database.  The writer is the master of all switches, and writes
 * to databases.  A standby is a slave: it learns from a switch's marker which
 * flows are installed, and submits nothing to the commit, which follows
 * (commit_follow()).
 *
 * Sets the epoch of the writer, a positive number, by which a standby asks
 * switches for its role: a switch refuses an earlier epoch than the latest one
 * that it has received. */
void fabric_set_epoch(struct fabric *, int64_t epoch);

/* Where hosts reach the other members, which they are told.  Borrowed. */
struct fabric_others {
    const struct svec *controllers; /* Controllers that bridges get besides
                                     * openflow_target. */
    const struct svec *managers;    /* Managers that hosts which connect to
                                     * vmnd get besides ovsdb_target, each as
                                     * of ovsdb_target_normalize(). */
    bool all_managers;              /* These are of all of them.  If not, no
                                     * manager is taken from a host. */
    int64_t cluster;                /* The number of the cluster; others' rows
                                     * are not touched. */
};

/* From now on this member is the writer, of this epoch, beside the others.
 * The state must be quiescent, and the commit lead. */
void fabric_lead(struct fabric *, int64_t epoch,
                 const struct fabric_others *);

/* Returns the certificates of "ssl:" remotes, or NULL if there are none. */
const struct tls *fabric_tls(const struct fabric *);

/* The others have changed, or may have. */
void fabric_set_others(struct fabric *, const struct fabric_others *);

/* Registers "ovs-appctl -t vmnd fabric/...". */
void fabric_unixctl_init(struct fabric *);

#endif /* controller/fabric/fabric.h */
