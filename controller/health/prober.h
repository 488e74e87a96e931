/* SPDX-License-Identifier: Apache-2.0
 *
 * The core of health checking: the backends, the schedule of their probes, and
 * their state.  Time, balancers and received frames are inputs; frames to send
 * and state changes are outputs, through struct prober_ops; so it needs
 * neither a loop nor a network.
 *
 * Not for where balancers come from (health.c), for rows (health-commit.c),
 * for how long a drain lasts (drain.c), nor for the rate of probes
 * (probe-rate.c).  probe-result.c is a part of it. */

#ifndef CONTROLLER_HEALTH_PROBER_H
#define CONTROLLER_HEALTH_PROBER_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/health/backend-up-down.h"
#include "controller/health/drain.h"
#include "controller/health/host-silence.h"
#include "controller/health/probe-rate.h"
#include "controller/timer-heap.h"
#include "openvswitch/hmap.h"
#include "proto/probe/probe.h"
#include "vmn/types.h"

/* Source ports of probes; the app has replies to these punted. */
#define PROBER_PORT_FIRST 512
#define PROBER_N_PORTS 512

/* A balancer's settings.  Strings are borrowed in calls, and copied. */
struct prober_settings {
    bool probes;                /* Otherwise only 'drain_ms' is valid. */
    enum probe_type type;
    struct vmn_ip vip;
    uint16_t port;
    int64_t interval_ms, timeout_ms;
    unsigned healthy_after, unhealthy_after;
    const char *path, *host;    /* See struct probe_target, also for the
                                 * rest. */
    size_t n_expect;
    struct probe_range expect[PROBE_EXPECT_MAX];
    const char *send;           /* UDP; NULL: no reply is expected. */
    int64_t unheard_ms;         /* How long a backend keeps its state while its
                                 * host is not heard. */
    int64_t drain_ms;           /* Longest duration of a drain. */
    int64_t edited_ms;          /* The balancer's last edit, by the wall
                                 * clock. */
};

/* The state of a backend, as users and its row show it. */
enum backend_state {
    BACKEND_CHECKING,           /* No probe has been answered yet. */
    BACKEND_UP,
    BACKEND_DOWN,
    BACKEND_DRAINED,
    BACKEND_IDLE,               /* It is not probed. */
    BACKEND_N_STATES
};
extern const char *const backend_state_names[BACKEND_N_STATES];

/* Before the names of balancers that are none, but targets of apps
 * (vmn/probes.h), each with one backend.  No balancer's name begins so. */
#define PROBER_TARGET '@'

/* The current configuration of a backend.  'port' and 'host' are borrowed. */
struct prober_member {
    const char *port;
    const char *host;
    uint32_t owner;             /* Of the port: packet_owner_of(). */
    uint32_t ofport;
    uint32_t out_ofport;        /* PROBE_THROUGH: where answers come from; 0:
                                 * the same. */
    struct vmn_ip ip;
    struct vmn_mac mac, vip_mac;
    const char *idle;           /* If not NULL, why it must not be probed.
                                 * Otherwise it is probed, */
    bool waits;                 /* but not before more is known, */
    const char *out;            /* unless this is not NULL: a constant, why it
                                 * cannot serve, */
    int64_t out_us;             /* from then on; until then it keeps its
                                 * state.  0: at once. */
    bool drain;                 /* Its open connections must end. */
    bool leaves;                /* It drains since its host is in maintenance,
                                 * and not by the balancer's row: from when on
                                 * no row says. */
    /* The state in its row, which a new backend starts with; CHECKING: it has
     * none. */
    enum backend_state row;
    int64_t row_ms;             /* Since when; wall clock. */
};

/* Longer than that of a probe: why a drain is over is told, too. */
#define PROBER_REASON_SIZE 96

#define BACKEND_HISTORY 16
struct backend_change {
    int64_t time_ms;            /* Wall clock. */
    enum backend_state state;
    char reason[PROBER_REASON_SIZE];
};

struct balancer {
    struct hmap_node node;      /* In the prober's, by name. */
    char *name;
    struct prober_settings settings; /* Strings owned. */
    struct hmap backends;       /* By port. */
};

enum backend_due {
    DUE_NOTHING, DUE_PROBE, DUE_TURN, DUE_AGAIN, DUE_TIMEOUT,
    DUE_SILENCE,                /* The probe has timed out: has the host been
                                 * heard since? */
    DUE_OUT,                    /* It keeps its state no longer. */
};

struct backend {
    struct hmap_node node;      /* In its balancer's. */
    struct prober *prober;
    struct balancer *lb;
    char *port, *host;
    uint32_t owner, ofport, out_ofport; /* See struct prober_member. */
    struct vmn_ip ip;
    struct vmn_mac mac, vip_mac;
    bool idle;
    unsigned round;             /* Of the last prober_set() that named it. */

    struct up_down check;
    struct timer timer;
    enum backend_due due;
    uint16_t turn;              /* Selects the next source port. */

    /* The pending probe, or NULL. */
    struct probe *probe;
    struct hmap_node probe_node; /* In the prober's 'probes'. */
    uint16_t id;                /* Its source port, or ICMP identifier. */
    int64_t begun_us;
    unsigned n_again;           /* Number of retransmissions. */
    bool waited;                /* Has waited once more, since vmnd was
                                 * late. */
    struct host_silence silence; /* From the timeout on. */
    const char *out;            /* For DUE_OUT. */

    struct drain drain;
    uint64_t n_sent;            /* For 'quiet_since': packets that were sent to
                                 * it, */
    int64_t sent_us;            /* until then; 0: not looked at yet. */

    /* What users see. */
    enum backend_state shown;   /* As last reported. */
    int64_t since_ms, checked_ms; /* Wall clock; 0: never. */
    char reason[PROBER_REASON_SIZE]; /* Of the last failure, or why it cannot
                                      * serve; "": none since it is up. */
    int64_t latency_us;         /* Of the last success; 0: none. */
    uint64_t n_ok, n_failed;

    struct backend_change *history; /* The newest 'n_changes', modulo. */
    size_t n_changes;
};

struct prober_ops {
    /* Sends a frame out of a port.  Returns false if the host is not
     * connected. */
    bool (*send)(void *aux, const char *host, uint32_t ofport,
                 const void *frame, size_t size);
    /* Sends a host an echo request, and returns true if it was heard since
     * 'since_us'. */
    void (*probe_host)(void *aux, const char *host);
    bool (*heard_since)(void *aux, const char *host, int64_t since_us);
    /* Called after a backend's 'shown' state changed, or, with 'gone', before
     * the backend is freed. */
    void (*changed)(void *aux, struct backend *, bool gone);
    /* Called at the end of each probe, after 'changed'. */
    void (*probed)(void *aux, struct backend *);
    /* Returns the time, in microseconds, since when no client has sent the
     * backend anything; INT64_MAX: not known. */
    int64_t (*quiet_since)(void *aux, struct backend *, int64_t now_us);
};

struct prober_stats {
    uint64_t n_ok, n_failed, n_unsent;
    uint64_t n_changes;
    uint64_t n_late;            /* Probes delayed by the rate limit. */
    uint64_t n_ignored;         /* Frames that were no reply to a probe. */
    uint64_t n_unproven;        /* Probes without an answer that were repeated,
                                 * since the host was not heard either. */
};

struct prober {
    const struct prober_ops *ops;
    void *aux;
    struct hmap balancers;
    struct hmap probes;         /* Backends with a pending probe. */
    struct timer_heap timers;
    struct probe_rate pacing;   /* Of balancers, */
    struct probe_rate target_pacing; /* and of what apps have probed. */
    struct prober_stats stats;
    unsigned round;
};

void prober_init(struct prober *, const struct prober_ops *, void *aux);
/* Frees everything, without calling 'changed'. */
void prober_uninit(struct prober *);

/* Creates or updates balancer 'name', whose backends are exactly 'members'. */
void prober_set(struct prober *, const char *name,
                const struct prober_settings *,
                const struct prober_member *, size_t n, int64_t now_us);
/* Removes balancer 'name' and its backends. */
void prober_remove(struct prober *, const char *name);

/* Ends drains that have timed out, and those of backends that receive nothing
 * any more.  Returns true if other drains go on. */
bool prober_end_drains(struct prober *, int64_t now_us);

/* Returns true if the backend's host has not answered for longer than one that
 * is there takes. */
bool prober_is_host_silent(const struct backend *, int64_t now_us);

/* Returns until when the backend keeps its state, and serves, as its host is
 * not heard, in microseconds; 0: it does not. */
int64_t prober_kept_until(const struct backend *, int64_t now_us);

struct backend *prober_find(const struct prober *, const char *balancer,
                            const char *port);

/* Runs the timers that have expired, at most PROBER_STEPS in one call. */
#define PROBER_STEPS 200
void prober_run(struct prober *, int64_t now_us);
/* Returns when the next timer expires, in microseconds; INT64_MAX: never. */
int64_t prober_next(const struct prober *);

/* Handles a frame received from OpenFlow port 'in_port' of 'host'. */
void prober_receive(struct prober *, const char *host, uint32_t in_port,
                    const uint8_t *frame, size_t size, int64_t now_us);

#endif /* controller/health/prober.h */
