/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the fabric share: the table of hosts, and how the OVSDB
 * side (host-db.c and its kin) and the OpenFlow side (switch.c and its kin)
 * speak to each other.  Not for anyone outside of this folder. */

#ifndef CONTROLLER_FABRIC_FABRIC_PRIVATE_H
#define CONTROLLER_FABRIC_FABRIC_PRIVATE_H 1

#include <jansson.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "controller/commit/commit.h"
#include "controller/fabric/fabric-frames.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-watch.h"
#include "controller/siphash.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"

struct counters;                /* counters.c. */
struct conntrack_flushes;                 /* conntrack-flush.c. */
struct sampling;                 /* packet-sampling.c. */
struct fabric_packets;          /* packets.c. */
struct fabric_db;               /* OVSDB side, of the whole fabric. */
struct fabric_host_db;          /* OVSDB side of one host. */
struct fabric_receipts;         /* receipts.c. */
struct fabric_sampling_meters;             /* sampling-meters.c. */
struct switch_listener;         /* OpenFlow side, of the whole fabric. */
struct fabric_switch;           /* OpenFlow side of one host. */
struct commit_group;
struct event;
struct fabric_options;
struct vmn_host;

struct fabric {
    struct loop *loop;          /* Borrowed, as the next four. */
    struct event_base *base;    /* Of 'loop'. */
    struct model *model;
    struct engine *engine;
    struct commit *commit;
    struct siphash_key marker_key; /* marker_key_init(). */

    struct hmap hosts;          /* struct fabric_host, by name. */
    struct hmap claims;         /* struct fabric_host, by the datapath id that
                                 * is theirs, of those that have one. */
    struct hmap addresses;      /* Of their rows (addresses.c). */

    struct fabric_db *db;       /* Owned; fabric_db_create(). */
    struct switch_listener *switches; /* Owned. */
    struct fabric_receipts *receipts; /* Owned. */
    struct fabric_packets *packets; /* Owned. */
    struct counters *counters;  /* Owned. */
    struct sampling *samples;    /* Owned. */
    struct conntrack_flushes *flushes;    /* Owned. */
    struct fabric_sampling_meters *sampling_meters; /* Owned. */
    struct ovs_list digest_queries; /* Of commands.c. */
    /* From fabric_options, or their defaults. */
    size_t max_bundles, max_bytes;
    int stall_ms;
    int flush_again_ms, flush_keep_ms; /* FABRIC_FLUSH_*_MS, but for tests. */
    int request_limits_ms;          /* SAMPLING_REQUEST_MS, but for tests. */
    size_t host_memory;
    unsigned report_rate;       /* 0: any number. */
    int mtu_hold_ms;
    int64_t audit_s;            /* 0: no audits. */
    int64_t count_often_ms;     /* FABRIC_COUNT_OFTEN_S, but for tests. */
    size_t audit_alarm;         /* Percent. */
    struct event *audit_timer;  /* Or NULL. */
    json_t *audit_owners;       /* What all audits found; as of an
                                 * audit_result.  Owned. */

    struct fabric_watcher {
        const struct fabric_watch *watch;
        void *aux;
    } watchers[FABRIC_WATCHERS_MAX];
    size_t n_watchers;
    fabric_sink_cb *sink;       /* Or NULL. */
    void *sink_aux;

    uint64_t n_metered[2];      /* Packets that meters of punts have dropped:
                                 * of ports, and of tunnels. */
    bool from_nothing;          /* A host that is made now has been sent the
                                 * difference from nothing, or will be. */
    uint64_t last_revision;     /* Of the last group that became durable. */
    uint64_t sending_before;    /* Of the one before, while it is sent. */
    size_t n_owing;             /* Switches that owe answers. */
    struct fabric_stats stats;
};

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

struct fabric_host *fabric_find_host(const struct fabric *, const char *name);
/* The host that has, or last had, datapath id 'id'; or NULL. */
struct fabric_host *fabric_find_datapath(const struct fabric *, uint64_t id);
/* Counts and logs that 'host' (or 'peer', which shows its certificate; or
 * NULL) has come with the datapath id of 'owner'. */
void fabric_host_clash(const struct fabric_host *host,
                       const struct fabric_host *owner, uint64_t id,
                       const char *peer);

/* addresses.c.  ---------------------------------------------------------- */

/* Tells whether a host's row names the address. */
bool fabric_knows_address(void *fabric, const struct in6_addr *);
/* Rows of hosts are others. */
void fabric_addresses_update(struct fabric *);
void fabric_addresses_clear(struct fabric *);

/* Tells who watches that the state of the host, or its reason, may be another
 * one now. */
void fabric_host_changed(const struct fabric_host *);

/* Calls MEMBER of each who watches that has it, with the arguments in
 * brackets, of which 'aux' is theirs. */
#define FABRIC_TELL(F, MEMBER, ARGUMENTS)                               \
    for (size_t w_ = 0; w_ < (F)->n_watchers; w_++) {                   \
        const struct fabric_watch *watch_ = (F)->watchers[w_].watch;    \
        void *aux = (F)->watchers[w_].aux;                              \
                                                                        \
        if (watch_->MEMBER) {                                           \
            watch_->MEMBER ARGUMENTS;                                   \
        }                                                               \
    }

/* What the OVSDB side tells.  -------------------------------------------- */

/* The host's bridge has datapath id 'id' (0: there is no bridge, or it is not
 * ours).  A connected switch that this disowns is closed.  The id stays the
 * host's until it has another one.  If another host has it, or had it last,
 * returns that host and changes nothing: the caller shows that as the reason.
 * Else returns NULL. */
const struct fabric_host *fabric_host_set_datapath(struct fabric_host *,
                                                   uint64_t id);
/* The host had datapath id 'id' when it was last heard of, perhaps by a former
 * process. */
void fabric_host_set_claim(struct fabric_host *, uint64_t id);

/* All that the host has to report for a start (bindings and VIFs) is in the
 * model: its switch may be reconciled.  Once is enough; later drops of the
 * OVSDB session do not take it back. */
void fabric_host_set_reported(struct fabric_host *);

/* budget.c.  ------------------------------------------------------------- */

/* What the rows of a host's database may take in memory, in bytes. */
size_t budget_of_database(const struct fabric_host *);

/* What the OVSDB side offers.  ------------------------------------------- */

/* Listens if so asked.  Called before any host exists.  Returns 0 or a
 * positive errno with a sentence in '*text' (caller frees). */
int fabric_db_create(struct fabric *, const struct fabric_options *,
                     char **text);
/* Files with certificates have changed. */
void fabric_db_set_certificates(const struct fabric_db *);
/* The hosts that there are at the start have been made. */
void fabric_db_begin(struct fabric *);
/* After the last fabric_db_host_destroy(). */
void fabric_db_destroy(struct fabric *);

/* Sets which encapsulations (by enum vmn_encap) hosts receive in.  Returns
 * true if they are others than before: then all hosts are to be updated. */
bool fabric_db_set_uses(struct fabric *, const bool uses[]);
/* Takes in the rows of 'names', whom each host is to encrypt tunnels with.
 * Returns as above. */
bool fabric_db_set_peers(struct fabric *, struct vmn_names names);
/* Returns how many interfaces each host has for that at most. */
size_t fabric_db_n_ipsec(const struct fabric *);
/* The durable row of 'host' is 'row': called when the host has just been made
 * and whenever its row changes.  Sets host->db. */
void fabric_db_host_update(struct fabric_host *, const struct vmn_host *row);
/* How often the session with the host's database was dropped since it sent
 * too much. */
uint64_t fabric_db_n_over_budget(const struct fabric_host *);
/* The row is gone.  Clears host->db. */
void fabric_db_host_destroy(struct fabric_host *);

/* The listener's; false if there is none. */
struct admission_stats;
bool fabric_db_get_admission(const struct fabric *, struct admission_stats *);

/* Adds "ovsdb", "bridge", "datapath_id", "ovs_version" and "ports" to
 * 'status', and, if the host is refused, "state": "refused" and "reason". */
void fabric_db_host_status(const struct fabric_host *, json_t *status);

/* One durable group, after the OpenFlow side has sent it. */
void fabric_db_group(struct fabric *, const struct commit_group *);

/* Hosts have acknowledged something. */
void fabric_db_acked(struct fabric *);
/* Sub-ports may have come to 'host', or gone from it: looks at them later in
 * this turn. */
void fabric_db_trunks_due(struct fabric *, const char *host);
/* Returns how many ports have a candidate beside their host. */
size_t fabric_db_n_candidates(const struct fabric *);

/* digest.c.  ------------------------------------------------------------- */

/* "FLOWS GROUPS DIGEST" of all that 'host' is to hold, a string.  The digest
 * is a sum over them, 16 hexadecimal digits.  The caller owns it. */
json_t *fabric_host_digest(const struct fabric *, const char *host);

/* commands.c.  ------------------------------------------------------------ */

/* Refuses the commands that still wait. */
void fabric_unixctl_destroy(struct fabric *);

/* fabric_port_status() of fabric.h is also the OVSDB side's. */

#endif /* controller/fabric/fabric-private.h */
