/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the fabric share: the fabric as a whole, and what it does
 * for them.  Not for anyone outside of this folder.
 *
 * From below: hosts/ has the table of hosts, on which all others stand;
 * session/ the OpenFlow sessions with their switches; packets/ what switches
 * send up, and samples; counters/ hits of flows, and traffic; ovsdb/ the
 * hosts' databases, and what follows from what they report.  fabric.c makes
 * all of them, and nobody calls it: what a lower part has a higher one do goes
 * through struct fabric_callbacks. */

#ifndef CONTROLLER_FABRIC_FABRIC_PRIVATE_H
#define CONTROLLER_FABRIC_FABRIC_PRIVATE_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/commit/commit.h"
#include "controller/fabric/fabric-frames.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-watch.h"
#include "controller/schema/status.h"
#include "controller/siphash.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"

struct counters;                /* counters.c. */
struct conntrack_flushes;                 /* conntrack-flush.c. */
struct sampling;                 /* packet-sampling.c. */
struct fabric_packets;          /* packets.c. */
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

/* What a part has others do that stand above it, or beside it: fabric.c, which
 * knows all of them, says who does. */
struct fabric_callbacks {
    /* The host's bridge has another datapath id, or none. */
    void (*datapath_changed)(struct fabric_host *);
    /* The host's switch has connected, is gone, or is live. */
    void (*switch_changed)(struct fabric_host *);
    /* All that the host has to report for a start is in the model. */
    void (*host_reported)(struct fabric_host *);
    /* Some host may have acknowledged more.  Once in a turn. */
    void (*acked)(struct fabric *);
    /* Numbers that no host holds any more have become free. */
    void (*numbers_freed)(struct fabric *);
    /* A packet of 'size' bytes was dropped by a flow of 'sw' whose hits the
     * switch does not count; 'cookie', 'part' and 'reason' are the flow's. */
    void (*uncounted_drop)(struct fabric_switch *sw, uint64_t cookie,
                           uint32_t part, const char *reason, uint32_t size);
    /* Returns false while what hosts report of a port is still to become its
     * binding; else sets '*revision' to the binding's, 0 if it has none. */
    bool (*port_binding)(const struct fabric *, const char *port,
                         uint64_t *revision);
    /* For some ports there is nothing more to become a binding: whoever waits
     * for that is to look again. */
    void (*bindings_decided)(struct fabric *);
    /* Files with certificates have changed. */
    void (*certificates_changed)(const struct fabric *);
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
    struct hmap claims;         /* struct fabric_host, by the datapath id that
                                 * is theirs, of those that have one. */
    struct hmap addresses;      /* Of their rows (host-addresses.c). */

    struct fabric_db *db;       /* Owned; fabric_db_create(). */
    struct rejected_hosts *rejected; /* Owned. */
    struct switch_listener *switches; /* Owned. */
    struct fabric_receipts *receipts; /* Owned. */
    struct fabric_packets *packets; /* Owned. */
    struct counters *counters;  /* Owned. */
    struct sampling *samples;    /* Owned. */
    struct conntrack_flushes *flushes;    /* Owned. */
    struct fabric_sampling_meters *sampling_meters; /* Owned. */
    struct ovs_list digest_queries; /* Of fabric-unixctl.c. */
    /* From fabric_options, or their defaults. */
    size_t max_bundles, max_bytes;
    int stall_ms;
    int silent_ms, silent_inbound_ms; /* HOST_SILENT_*, but for tests. */
    int flush_again_ms, flush_keep_ms; /* FABRIC_FLUSH_*_MS, but for tests. */
    int request_limits_ms;          /* SAMPLING_REQUEST_MS, but for tests. */
    size_t host_memory;
    unsigned packet_port_rate, packet_host_rate; /* Packets a second; 0: any
                                                  * number. */
    unsigned report_rate;       /* 0: any number. */
    int mtu_hold_ms;
    int64_t audit_s;            /* 0: no audits. */
    int64_t count_often_ms;     /* FABRIC_COUNT_OFTEN_S, but for tests. */
    size_t audit_alarm;         /* Percent. */
    struct event *audit_timer;  /* Or NULL. */
    struct status_audit audited; /* What all audits found, by owner alone. */

    struct fabric_watcher {
        const struct fabric_watch *watch;
        void *aux;
    } watchers[FABRIC_WATCHERS_MAX];
    size_t n_watchers;
    fabric_sink_cb *sink;       /* Or NULL. */
    void *sink_aux;

    const struct fabric_callbacks *callbacks; /* Constant. */

    uint64_t n_metered[2];      /* Packets that meters of punts have dropped:
                                 * of ports, and of tunnels. */
    bool from_nothing;          /* A host that is made now has been sent the
                                 * difference from nothing, or will be. */
    uint64_t last_revision;     /* Of the last group that became durable. */
    uint64_t sending_before;    /* Of the one before, while it is sent. */
    size_t n_owing;             /* Switches that owe answers. */
    struct fabric_stats stats;
};

/* Calls MEMBER of each who watches that has it, with the arguments in
 * brackets, of which 'aux' is theirs. */
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

/* "FLOWS GROUPS DIGEST" of all that 'host' is to hold.  The digest is a sum
 * over them, 16 hexadecimal digits.  The caller frees it. */
char *fabric_host_digest(const struct fabric *, const char *host);

/* fabric-unixctl.c.  ----------------------------------------------------- */

/* Refuses the commands that still wait. */
void fabric_unixctl_destroy(struct fabric *);

#endif /* controller/fabric/fabric-private.h */
