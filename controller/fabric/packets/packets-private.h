/* SPDX-License-Identifier: Apache-2.0
 *
 * What packets.c, packets-answer.c and packets-status.c share.  Not for
 * others. */

#ifndef CONTROLLER_FABRIC_PACKETS_PACKETS_PRIVATE_H
#define CONTROLLER_FABRIC_PACKETS_PACKETS_PRIVATE_H 1

#include "controller/engine/packet-handler.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/token-bucket.h"
#include "proto/openflow/ofpacket.h"

struct event;
struct fabric;
struct fabric_switch;

/* Why a packet, or an answer to one, was dropped here.  What a handler gives
 * as a reason is counted apart. */
enum packet_drop {
    PACKET_DROP_MALFORMED,      /* The message that it came in. */
    PACKET_DROP_NO_HANDLER,     /* Nobody's, or not any more. */
    PACKET_DROP_PORT_RATE,
    PACKET_DROP_HOST_RATE,
    PACKET_DROP_TOO_MANY_PORTS,
    PACKET_DROP_WAITING,
    PACKET_DROP_DISCONNECTED,
    PACKET_DROP_FAILED,
    PACKET_DROP_NO_VIF,         /* Answers from here on. */
    PACKET_DROP_NO_PORT,
    PACKET_DROP_UNREAD,
    PACKET_DROP_REFUSED,
    N_PACKET_DROPS
};
const char *packet_drop_text(enum packet_drop);

/* Events a second, over a second or more. */
struct rate {
    int64_t start_ms;           /* Of the period that is being counted. */
    unsigned n;                 /* In it so far. */
    unsigned per_s;             /* In the one before. */
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

/* Who packets came from: a port, or of what came by a tunnel, an identity. */
struct packet_port {
    struct hmap_node node;      /* In 'ports', by in_port and identity. */
    uint32_t in_port;
    uint32_t identity;          /* Of VMN_TUNNEL_OFPORT; else 0. */
    struct token_bucket bucket;
    struct rate rate;
    uint64_t n_in, n_limited;
    size_t n_waiting;           /* Packets that wait. */

    struct ofpacket_out back;   /* Out of this port. */
    /* Whose it is: rows, good in one durable revision, and their names, where
     * to look first in another. */
    bool resolved;
    uint64_t revision;
    const struct vmn_vif *vif;  /* Or NULL, like the others. */
    const struct vmn_port *port;
    char *vif_name, *port_name;
};

/* A packet that waits for its answer. */
struct waiting_packet {
    struct ovs_list node;
    const struct engine_handler *handler;
    uint32_t arg;
    struct packet_port *port;
    uint32_t regs[OFPACKET_REGS];
    size_t size, full_size;
    size_t room;                /* For 'bytes'. */
    uint8_t bytes[];
};

struct packets_of_switch {
    struct fabric_packets *packets;
    struct fabric_switch *sw;
    struct token_bucket bucket;
    struct hmap ports;          /* struct packet_port. */
    int64_t forgot_ms;          /* When silent ones were looked for last. */
    struct ovs_list waiting;    /* struct waiting_packet. */
    size_t n_waiting, waiting_bytes;
    bool is_due;
    struct ovs_list due_node;   /* In 'due', if it is. */
    struct ofpacket_cache cache;
    struct rate rate;
    uint64_t n_in, n_out, n_dropped;
    struct timed_state *timed;  /* timed-handlers.c; or NULL. */
};

/* Packets that a handler gave no answer to. */
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
    struct ovs_list due;        /* struct packets_of_switch. */
    struct ovs_list spare;      /* struct waiting_packet, to be used again. */
    size_t n_spare;
    struct ofpbuf batch;        /* Packet-outs of one host. */
    struct ofpbuf frame;        /* One of the controller's own. */
    struct vmn_packets_out out;
    uint64_t n_in, n_out, n_answered, drops[N_PACKET_DROPS];
    struct handler_stats *handlers; /* By the handlers' index. */
    const struct engine_handler **timed; /* Those with an interval. */
    size_t n_timed;
    struct event *tick;         /* If there are any. */
    int64_t tick_ms;            /* When, in time_msec(), if it is pending. */
};

static inline void
packets_count_drop(struct packets_of_switch *ps, enum packet_drop why)
{
    ps->packets->drops[why]++;
    ps->n_dropped++;
}

/* packets.c: what is kept of a switch, from the first packet on; before that
 * packets_find() returns NULL. */
struct packets_of_switch *packets_of(struct fabric_switch *);
const struct packets_of_switch *packets_find(const struct fabric_switch *);
/* Has 'handler' called with no packet, but 'arg', for the port at 'in_port',
 * if it can wait. */
void packets_queue_timed(struct packets_of_switch *,
                         const struct engine_handler *, uint32_t arg,
                         uint32_t in_port);

/* timed-handlers.c */
void packets_timed_create(struct fabric *);
void packets_timed_destroy(struct fabric *);
void packets_timed_forget(struct packets_of_switch *);
/* A switch is ready to be sent what handlers say by the clock. */
void packets_timed_begin(struct fabric_switch *);

/* packets-answer.c */
/* Has the packet's handler answer it, and appends what is to
 * be sent to the switch to 'b'. */
void packets_answer(struct packets_of_switch *,
                    const struct waiting_packet *, struct ofpbuf *b);

#endif /* controller/fabric/packets/packets-private.h */
