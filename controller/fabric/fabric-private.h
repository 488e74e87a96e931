/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that the parts of the fabric share: the fabric as a whole, and
 * its callbacks.  Not for anything outside of this folder.
 *
 * The folders, from the lowest: hosts/ has the table of hosts, which all
 * others use; session/ the OpenFlow sessions with their switches; packets/
 * packet-ins and samples; counters/ hits of flows, and traffic; ovsdb/ the
 * hosts' databases, and what follows from their reports. fabric.c creates all
 * of them and is called by none: a lower part calls a higher one through
 * struct fabric_callbacks only. */

#ifndef CONTROLLER_FABRIC_FABRIC_PRIVATE_H
#define CONTROLLER_FABRIC_FABRIC_PRIVATE_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/commit/commit.h"
#include "controller/fabric/fabric-captures.h"
#include "controller/fabric/fabric-frames.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-watch.h"
#include "controller/schema/status.h"
#include "controller/siphash.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"

struct counters;                /* counters.c. */
struct sampling;                 /* packet-sampling.c. */
struct fabric_packets;          /* packet-in-queue.c. */
struct fabric_db;               /* OVSDB side, of the whole fabric. */
struct fabric_receipts;         /* receipts.c. */
struct rejected_hosts;          /* rejected-hosts.c. */
struct fabric_sampling_meters;             /* sampling-meters.c. */
struct switch_listener;         /* OpenFlow side, of the whole fabric. */
struct fabric_host;             /* hosts/hosts.h. */
struct fabric_switch;           /* session/switch.h. */
struct switch_part_class;
struct event;
struct fabric_options;

typedef void fabric_guest_cb(void *aux, const char *port,
                             const char *iface_id, uint32_t ofport);

/* Calls from a part of the fabric to parts above or beside it. fabric.c, which
 * knows all parts, implements them. */
struct fabric_callbacks {
    /* The datapath ID of the host's bridge changed, or it has none any
     * more. */
    void (*datapath_changed)(struct fabric_host *);
    /* The state of the host may have changed. */
    void (*host_changed)(struct fabric_host *);
    /* Returns the state of the host that users see, a constant, and sets
     * '*reason', in the arena or borrowed, or NULL. */
    const char *(*host_state)(struct fabric_host *, struct arena *,
                              const char **reason);
    /* The host's switch connected, disconnected, or became live. */
    void (*switch_changed)(struct fabric_host *);
    /* The model contains the complete first report of the host. */
    void (*host_reported)(struct fabric_host *);
    /* Some host may have acknowledged a newer revision.  Once per iteration of
     * the loop. */
    void (*acked)(struct fabric *);
    /* IDs that no host uses any more were freed. */
    void (*numbers_freed)(struct fabric *);
    /* A packet of 'size' bytes was dropped by a flow of 'sw' whose hits the
     * switch does not count; 'cookie', 'part' and 'reason' are the flow's. */
    void (*uncounted_drop)(struct fabric_switch *sw, uint64_t cookie,
                           uint32_t part, const char *reason, uint32_t size);
    /* Returns false while a report about the port has not been turned into its
     * binding yet; else sets '*revision' to the binding's, 0 if it has
     * none. */
    bool (*port_binding)(const struct fabric *, const char *port,
                         uint64_t *revision);
    /* The guest with interface 'iface_id' on 'host' has sent something,
     * though its port is bound to another host. */
    void (*guest_seen)(struct fabric *, const char *host,
                       const char *iface_id);
    /* Calls 'cb' for each port that may go to 'host', whose interface
     * 'iface_id' has number 'ofport' there, until its guest is seen there. */
    void (*guests_expected)(const struct fabric *, const char *host,
                            fabric_guest_cb *cb, void *aux);
    /* For some ports no report is pending any more: waits for that must be
     * checked again. */
    void (*bindings_decided)(struct fabric *);
    /* Something has changed that the cleaning up of a deleted host may wait
     * for. */
    void (*cleanup_changed)(struct fabric_host *);
    /* Certificate files changed. */
    void (*certificates_changed)(const struct fabric *);
};

/* What vmnd is: alone, or a member of a cluster.  A standby becomes the writer
 * by fabric_lead(). */
enum fabric_role {
    FABRIC_ALONE,
    FABRIC_STANDBY,             /* A slave of all switches. */
    FABRIC_WRITER,              /* Their master. */
};

struct fabric {
    struct loop *loop;          /* Borrowed, as the next four. */
    struct event_base *base;    /* Of 'loop'. */
    struct model *model;
    struct engine *engine;
    struct commit *commit;
    const struct switch_part_class *const *switch_parts; /* switch-parts.c. */
    struct siphash_key marker_key; /* marker_key_init(). */

    struct hmap hosts;          /* struct fabric_host, by name. */
    struct ovs_list deleted;    /* struct fabric_host, whose rows are gone
                                 * (deleted-hosts.c). */
    struct hmap claims;         /* struct fabric_host, by claimed datapath ID,
                                 * if any. */
    struct hmap addresses;      /* From the hosts' rows (host-addresses.c). */

    struct fabric_db *db;       /* Owned; fabric_db_create(). */
    struct rejected_hosts *rejected; /* Owned. */
    struct switch_listener *switches; /* Owned. */
    struct fabric_receipts *receipts; /* Owned. */
    struct fabric_packets *packets; /* Owned. */
    struct counters *counters;  /* Owned. */
    struct sampling *samples;    /* Owned. */
    struct fabric_sampling_meters *sampling_meters; /* Owned. */
    struct ovs_list digest_queries; /* Of fabric-unixctl.c. */
    /* Copies of fabric_options, or their defaults. */
    size_t max_bundles, max_bytes;
    size_t max_bundle_items, max_bundle_bytes;
    int stall_ms;
    int silent_ms, silent_inbound_ms; /* HOST_SILENT_*, except in tests. */
    int retained_ms;            /* REPORT_RETAINED_MS, except in tests. */
    int request_limits_ms;          /* SAMPLING_REQUEST_MS, except in tests. */
    size_t host_memory;
    enum fabric_role role;
    int64_t epoch;              /* Of the writer, as far as is known: on a
                                 * host's database and on its switch the latest
                                 * one wins.  0: none is known, or it is
                                 * alone. */
    unsigned packet_port_rate, packet_host_rate; /* Packets per second; 0:
                                                  * unlimited. */
    unsigned report_rate;       /* 0: unlimited. */
    int mtu_hold_ms;
    int64_t migration_grace_ms;
    int64_t audit_s;            /* 0: no audits. */
    int64_t count_often_ms;     /* FABRIC_COUNT_OFTEN_S, except in tests. */
    size_t audit_alarm;         /* Percent. */
    struct event *audit_timer;  /* Or NULL. */
    struct status_audit audited; /* Differences found by all audits, by
                                  * owner. */

    struct fabric_watcher {
        const struct fabric_watch *watch;
        void *aux;
    } watchers[FABRIC_WATCHERS_MAX];
    size_t n_watchers;
    fabric_sink_cb *sink;       /* Or NULL. */
    void *sink_aux;
    fabric_sink_cb *path_sink;  /* Or NULL. */
    void *path_sink_aux;
    fabric_name_cb *name_asked; /* Or NULL. */
    void *name_asked_aux;
    fabric_captured_cb *capture; /* Or NULL. */
    void *capture_aux;
    struct ovs_list live_traces; /* struct fabric_live (live-trace.c), */
    uint32_t last_live_trace;    /* and the last one's number. */

    const struct fabric_callbacks *callbacks; /* Constant. */
    uint64_t n_metered[2];      /* Packets dropped by packet-in meters: from
                                 * ports, and from tunnels. */
    bool from_nothing;          /* True while hosts are created whose first
                                 * difference is their complete desired
                                 * state. */
    uint64_t last_revision;     /* Of the last durable group of revisions. */
    uint64_t sending_before;    /* Of the previous one, while that group is
                                 * sent. */
    size_t n_owing;             /* Switches with outstanding replies. */
    struct fabric_stats stats;
};

/* Returns true if another member of the cluster is the writer. */
static inline bool
fabric_stands_by(const struct fabric *f)
{
    return f->role == FABRIC_STANDBY;
}

/* Calls MEMBER of each watcher that sets it, with the arguments in
 * parentheses, where 'aux' is the watcher's. */
#define FABRIC_NOTIFY(F, MEMBER, ARGUMENTS)                             \
    for (size_t w_ = 0; w_ < (F)->n_watchers; w_++) {                   \
        const struct fabric_watch *watch_ = (F)->watchers[w_].watch;    \
        void *aux = (F)->watchers[w_].aux;                              \
                                                                        \
        if (watch_->MEMBER) {                                           \
            watch_->MEMBER ARGUMENTS;                                   \
        }                                                               \
    }

/* digest.c.  ------------------------------------------------------------- */

/* Returns "FLOWS GROUPS DIGEST" of the desired state of 'host'.  The digest is
 * a sum over all items, 16 hexadecimal digits.  The caller frees it. */
char *fabric_host_digest(const struct fabric *, const char *host);

/* fabric-unixctl.c.  ----------------------------------------------------- */

/* Rejects the commands that are still waiting. */
void fabric_unixctl_destroy(struct fabric *);

#endif /* controller/fabric/fabric-private.h */
