/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that packet-in-queue.c, packet-in-handling.c and
 * packet-in-status.c share.  Not for other files. */

#ifndef CONTROLLER_FABRIC_PACKETS_PACKET_IN_PRIVATE_H
#define CONTROLLER_FABRIC_PACKETS_PACKET_IN_PRIVATE_H 1

#include "controller/engine/packet-handler.h"
#include "controller/fabric/packets/packet-in-lanes.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/token-bucket.h"
#include "proto/admission/fair-rate.h"
#include "proto/openflow/ofpacket.h"

struct event;
struct fabric;
struct fabric_switch;
struct neighbour_requests;

/* Why a packet-in, or a reply to one, was dropped by vmnd.  Reasons given by
 * handlers are counted separately. */
enum packet_drop {
    PACKET_DROP_MALFORMED,      /* The packet-in message. */
    PACKET_DROP_NO_HANDLER,     /* No such handler, or not any more. */
    PACKET_DROP_PORT_RATE,
    PACKET_DROP_HOST_RATE,
    PACKET_DROP_TOO_MANY_PORTS,
    PACKET_DROP_WAITING,
    PACKET_DROP_DISCONNECTED,
    PACKET_DROP_FAILED,
    PACKET_DROP_NO_VIF,         /* Replies from here on. */
    PACKET_DROP_NO_PORT,
    PACKET_DROP_UNREAD,
    PACKET_DROP_REFUSED,
    N_PACKET_DROPS
};
const char *packet_drop_text(enum packet_drop);

/* Rate of events per second, over a second or more. */
struct rate {
    int64_t start_ms;           /* Start of the current period. */
    unsigned n;                 /* Events in it so far. */
    unsigned per_s;             /* Rate of the previous period. */
};

static inline void
rate_count(struct rate *rate, int64_t now_ms)
{
    int64_t ms = now_ms - rate->start_ms;

    if (ms >= 1000) {
        rate->per_s = ms < 2000 ? rate->n * INT64_C(1000) / ms : 0;
        rate->start_ms = now_ms;
        rate->n = 0;
    }
    rate->n++;
}

/* A sender of packets: a port, or for packets from a tunnel, an identity. */
struct packet_port {
    struct hmap_node node;      /* In 'ports', by in_port and identity. */
    uint32_t in_port;
    uint32_t identity;          /* Of VMN_TUNNEL_OFPORT; else 0. */
    struct token_bucket bucket;
    struct rate rate;
    uint64_t n_in, n_limited;
    size_t n_waiting;           /* Queued packets. */

    struct ofpacket_out back;   /* Sends out of this port. */
    /* The sender's rows, valid for one durable revision, and their names,
     * which are tried first in another one. */
    bool resolved;
    uint64_t revision;
    const struct vmn_vif *vif;  /* Or NULL, as the others. */
    const struct vmn_port *port;
    char *vif_name, *port_name;
};

/* Input port of what fabric_send_to_host() sends: no interface has it. */
#define PATH_IN_PORT 0xfffd     /* OFPP_CONTROLLER. */

/* Returns true if it is no port of a guest's, but who sends what
 * fabric_send_to_host() has sent. */
static inline bool
packet_sender_is_path(uint32_t in_port, uint32_t identity)
{
    return (in_port == PATH_IN_PORT || (in_port == VMN_TUNNEL_OFPORT
                                        && identity == VMN_PATH_SRC_ID));
}

static inline bool
packet_port_is_path(const struct packet_port *port)
{
    return packet_sender_is_path(port->in_port, port->identity);
}

/* A queued packet. */
struct waiting_packet {
    struct ovs_list node;
    const struct engine_handler *handler;
    uint32_t arg;
    struct packet_port *port;
    uint32_t owner;             /* See packet-owner.h. */
    uint32_t regs[OFPACKET_REGS];
    struct ofpacket_ct ct;
    size_t size, full_size;
    size_t room;                /* For 'bytes'. */
    uint8_t bytes[];
};

struct packets_of_switch {
    struct fabric_packets *packets;
    struct fabric_switch *sw;
    struct fair_rate rates;     /* Of the host, by owner. */
    struct token_bucket copies; /* Of copies for readers; zeroed before the
                                 * first. */
    struct hmap ports;          /* struct packet_port. */
    int64_t forgot_ms;          /* Last removal of silent senders. */
    struct packet_lanes waiting;
    struct ovs_list later;      /* struct waiting_packet, until no plan is
                                 * applied. */
    size_t n_waiting, waiting_bytes;
    bool is_due;
    struct ovs_list due_node;   /* In 'due', if packets are queued. */
    struct ofpacket_cache cache;
    struct rate rate;
    uint64_t n_in, n_out, n_dropped;
    uint32_t n_handled;         /* Handlers were called so often. */
    struct timed_state *timed;  /* packet-in-timers.c; or NULL. */
    struct shash *arrived;      /* arrived-ports.c; or NULL. */
    struct neighbour_requests *neighbours; /* Or NULL. */
};

/* Packets to which a handler gave no reply. */
struct handler_stats {
    struct handler_reason {
        const char *text;       /* The app's, or NULL. */
        uint64_t n;
    } reasons[16];
    uint64_t n_other;
};

struct fabric_packets {
    struct fabric *fabric;
    struct event *drain;
    bool resumes;               /* Those for later, when no plan is. */
    struct ovs_list due;        /* struct packets_of_switch. */
    struct ovs_list spare;      /* struct waiting_packet, for reuse. */
    size_t n_spare;
    struct ofpbuf batch;        /* Packet-outs of one host. */
    struct ofpbuf frame;        /* One of the controller's own. */
    struct vmn_packets_out out;
    uint64_t n_in, n_out, n_answered, drops[N_PACKET_DROPS];
    size_t n_handlers;
    struct handler_stats *handlers; /* By the handlers' index. */
    const struct engine_handler **timed; /* Handlers with an interval. */
    size_t n_timed;
    struct event *tick;         /* If there are timed handlers. */
    int64_t tick_ms;            /* When, in time_msec(), if it is pending. */
    struct packet_in_http *http; /* packet-in-http.c; or NULL. */
    struct leases_told *leases; /* Owned. */
};

static inline void
packets_count_drop(struct packets_of_switch *ps, enum packet_drop why)
{
    ps->packets->drops[why]++;
    ps->n_dropped++;
}

/* packet-in-queue.c: state of a switch, which exists from the first packet on;
 * packets_find() returns NULL before. */
struct packets_of_switch *packets_of(struct fabric_switch *);
const struct packets_of_switch *packets_find(const struct fabric_switch *);
/* Queues a call of 'handler' with no packet, but 'arg', for the port at
 * 'in_port', if the queue has room. */
void packets_queue_timed(struct packets_of_switch *,
                         const struct engine_handler *, uint32_t arg,
                         uint32_t in_port);

/* Returns the sender at 'in_port', or NULL: there are too many. */
struct packet_port *packets_sender(struct packets_of_switch *,
                                   uint32_t in_port);

/* packet-in-timers.c */
void packet_in_timers_create(struct fabric *);
void packet_in_timers_destroy(struct fabric *);
void packet_in_timers_forget(struct packets_of_switch *);
/* Handlers have come or gone. */
void packet_in_timers_apps_changed(struct fabric *);
/* The switch is live: timed handlers may be called for it. */
void packet_in_timers_begin(struct fabric_switch *);
/* Queues a call of 'handler' with 'arg' for the VIF of port 'name' on this
 * host, if the port is enabled. */
void packet_in_timers_call(struct packets_of_switch *,
                           const struct engine_handler *, uint32_t arg,
                           const char *name);
/* Calls are due at once. */
void packet_in_timers_changed(struct fabric *);
/* Calls the handlers for ports that lead to physical networks, and for those
 * that have come to the host, since the switch's flows are others now. */
void packet_in_timers_installed(struct fabric_switch *);

/* packet-in-handling.c */
/* Counts a packet to which its handler gave no answer, and why: a string
 * literal, or NULL. */
void packets_count_unanswered(struct packets_of_switch *,
                              const struct engine_handler *,
                              const char *reason);
/* Passes a packet for the controller itself to the sink. */
void packets_give_to_sink(struct packets_of_switch *,
                          const struct engine_handler *,
                          const struct packet_port *, const uint8_t *bytes,
                          size_t size);
/* Calls the packet's handler, and appends the messages to the switch to 'b'.
 * Returns false if it cannot answer while a plan is applied. */
bool packets_answer(struct packets_of_switch *,
                    const struct waiting_packet *, struct ofpbuf *b);

#endif /* controller/fabric/packets/packet-in-private.h */
