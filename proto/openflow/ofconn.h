/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections of OpenFlow 1.5 switches: listening, framing, the handshake,
 * liveness, and bounded queues.  The fabric is its user.
 *
 * Not for what messages mean: ofmsg.h builds them and ofdump.h reads tables;
 * libopenvswitch is the codec. */

#ifndef PROTO_OPENFLOW_OFCONN_H
#define PROTO_OPENFLOW_OFCONN_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/ofp-msgs.h"

struct admission_stats;
struct event_base;
struct in6_addr;
struct ofconn;
struct ofserver;
struct ssl_ctx_st;

/* Transaction ids from here on are allocated by ofconn_next_xid(), so that
 * callers may use lower ones as they please. */
#define OFCONN_XID_BASE 0x80000000u
/* The transaction ID of packet-outs, whose errors nobody waits for. */
#define OFCONN_XID_PACKETS 0
/* That of live traces' messages but for barriers: their errors may come when
 * nobody knows of the trace any more. */
#define OFCONN_XID_TRACES (OFCONN_XID_BASE - 1)

/* Limits of a connection that is not identified (ofconn_set_identified()):
 * bytes queued for sending, and size of received messages. */
#define OFCONN_PENDING_QUEUE (64 * 1024)
#define OFCONN_PENDING_MESSAGE (16 * 1024)
/* Reading from a peer stops while more than so many bytes of replies (to its
 * echo requests, say) are queued for it; before it is identified, and
 * after. */
#define OFCONN_PENDING_REPLIES (16 * 1024)
#define OFCONN_REPLIES (64 * 1024)

struct ofconn_options {
    int tls_handshake_ms;       /* From accept to the end of the TLS one. */
    int handshake_ms;           /* From then on to connected, at most. */
    int probe_ms;               /* Idle time after which an echo request is
                                 * sent; without a reply for as long again the
                                 * connection is closed.  0: never. */
    size_t max_queue;           /* Bytes that may be queued for sending. */
    size_t max_conns;           /* Connections at a time. */
    size_t max_pending;         /* Of these, not identified; */
    size_t max_source_pending;  /* of one source address. */
    int grace_ms;               /* See struct admission_options. */
    bool (*is_known)(void *aux, const struct in6_addr *); /* Of these, too. */
    void *is_known_aux;
    bool shared;                /* Switches have other controllers, too: new
                                 * connections ask for the role of slave,
                                 * with this as the */
    uint64_t generation;        /* generation_id (OpenFlow 1.5, section
                                 * 6.3.6); with 0 they are closed.  See
                                 * ofconn_set_role(). */
    bool packet_ins;            /* Whether the switch is to send packet-ins, in
                                 * the format of ofpacket.h; not to a
                                 * slave. */
    struct loop *loop;          /* Whose turns, once they are over, have input
                                 * and queued output wait; NULL: never.  (Not
                                 * with TLS.) */
};
/* 3 s, 10 s, 30 s, 256 MiB, 4096, 1024, 128, 1 s. */
extern const struct ofconn_options ofconn_options_default;

/* What a switch has replied to the features request. */
struct ofconn_features {
    uint64_t datapath_id;
    uint8_t n_tables;
    uint32_t capabilities;      /* OFPUTIL_C_*. */
};

/* All are called from the loop, never from inside a function of this header.
 * Any of them may call ofconn_close(). */
struct ofconn_callbacks {
    /* With TLS: the peer has authenticated by a certificate with this common
     * name, perhaps empty.  Returns false to close the connection.  NULL: all
     * are accepted. */
    bool (*secured)(void *aux, struct ofconn *, const char *certificate);
    /* The handshake is complete. */
    void (*connected)(void *aux, struct ofconn *,
                      const struct ofconn_features *);
    /* A message other than hello and echo, of a connected switch.  'oh' is
     * 8-byte aligned, complete, and lives until the return. */
    void (*message)(void *aux, struct ofconn *, enum ofptype,
                    const struct ofp_header *oh);
    /* A connected switch has disconnected: 'reason' is a phrase such as
     * "connection closed by peer".  The connection is freed afterwards.  Not
     * called after ofconn_close(), nor for a switch that never connected. */
    void (*closed)(void *aux, struct ofconn *, const char *reason);
    /* A master has become a slave, since another controller has asked for its
     * role in this generation.  NULL: it is closed. */
    void (*demoted)(void *aux, struct ofconn *, uint64_t generation);
    /* One that never connected has failed: 'peer' is its name, 'reason' a
     * phrase, perhaps with text of the peer's.  May be NULL. */
    void (*rejected)(void *aux, const char *peer, const char *reason);
};

/* Listens at 'target': "tcp:ADDR:PORT", "ssl:ADDR:PORT" ("[ADDR]" for IPv6,
 * port 0 for any), "unix:PATH", or NULL to listen nowhere.  'ctx' is for ssl:
 * only, and borrowed, as 'callbacks'.  Returns 0, or a positive errno with a
 * sentence in '*text', which the caller frees. */
int ofserver_create(struct event_base *, const char *target,
                    struct ssl_ctx_st *ctx, const struct ofconn_options *,
                    const struct ofconn_callbacks *callbacks, void *aux,
                    struct ofserver **, char **text);
/* Checks whether this machine could listen at 'target', without doing so.  A
 * target in use is accepted: its user may exit.  Errors as
 * ofserver_create(). */
int ofserver_check(const char *target, char **text);
/* Sets the generation_id of new connections to switches that are shared. */
void ofserver_set_generation(struct ofserver *, uint64_t generation);
/* Closes all of its connections without a callback. */
void ofserver_destroy(struct ofserver *);

/* Takes ownership of 'fd', a connected non-blocking stream socket, as if it
 * had been accepted from 'peer'. */
void ofserver_adopt(struct ofserver *, int fd, const char *peer);

struct ofserver_stats {
    size_t n_conns;             /* Open now, with those in handshake. */
    uint64_t n_accepted;
    uint64_t n_refused;         /* Closed at a limit. */
    uint64_t n_failed;          /* Ended before the handshake was complete. */
    uint64_t n_bad;             /* Malformed messages. */
    uint64_t n_stalled;         /* Closed at the queue's limit. */
    uint64_t n_silent;          /* Closed for an unanswered echo request. */
};
void ofserver_get_stats(const struct ofserver *, struct ofserver_stats *);
void ofserver_get_admission(const struct ofserver *, struct admission_stats *);

/* Connections.  ---------------------------------------------------------- */

/* Marks the connection as identified, since it is known whose switch it is:
 * the limits of pending connections no longer hold for it. */
void ofconn_set_identified(struct ofconn *);
/* Returns the peer's name, such as "tcp:192.0.2.1:54321". */
const char *ofconn_peer(const struct ofconn *);
/* Returns a number of the connection, from 1 on, that no other one of the
 * server has ever had. */
uint64_t ofconn_id(const struct ofconn *);
/* Returns true if both have the same remote address. */
bool ofconn_has_address_of(const struct ofconn *, const struct ofconn *);
/* Returns the name of the peer's certificate; NULL without TLS.  The caller
 * frees it. */
char *ofconn_certificate(const struct ofconn *);
void ofconn_set_aux(struct ofconn *, void *aux);
void *ofconn_aux(const struct ofconn *);

/* The role that a connection has asked for (OpenFlow 1.5, section 6.3.6).
 * OFCONN_ALONE: none, since the switch is not shared. */
enum ofconn_role {
    OFCONN_ALONE, OFCONN_SLAVE, OFCONN_MASTER
};
enum ofconn_role ofconn_role(const struct ofconn *);
/* Returns the generation_id of that. */
uint64_t ofconn_generation(const struct ofconn *);
/* Asks a shared switch for another role, that of master or slave in this
 * generation: a switch that has heard of a later one refuses, and is closed.
 * 'connected' is called once the switch has agreed, as of a new connection,
 * with an aux of NULL; replies to what was sent before are dropped. */
void ofconn_set_role(struct ofconn *, enum ofconn_role,
                     uint64_t generation);

/* Returns a new transaction ID, at least OFCONN_XID_BASE, in host order. */
uint32_t ofconn_next_xid(struct ofconn *);

/* Queues 'size' bytes of complete messages.  Once the queue has exceeded its
 * limit nothing is sent any more, and the connection is closed from the
 * loop. */
void ofconn_send(struct ofconn *, const void *bytes, size_t size);

/* As ofconn_send(), without a copy, for blocks that many connections share
 * (worthwhile from OFCONN_REF_MIN on).  'release' is called once, with 'aux',
 * when 'bytes' are no longer needed; that may be from inside this call. */
#define OFCONN_REF_MIN 4096
void ofconn_send_ref(struct ofconn *, const void *bytes, size_t size,
                     void (*release)(void *aux), void *aux);

/* Sends an echo request now; the connection is closed without a reply within
 * OFCONN_PROBE_MS. */
#define OFCONN_PROBE_MS 5000
void ofconn_probe(struct ofconn *);

/* Sends an echo request now, from which nothing follows but that
 * ofconn_heard_us() changes once the peer has answered. */
void ofconn_send_echo(struct ofconn *);
/* Returns when the last one of those was sent that was answered, of
 * time_usec(); 0: none was.  A peer that lies names no later time than now. */
int64_t ofconn_answered_us(const struct ofconn *);

/* Returns when the peer last sent anything, of time_usec(); 0: never. */
int64_t ofconn_heard_us(const struct ofconn *);

/* Returns the number of bytes queued for sending. */
size_t ofconn_queued(const struct ofconn *);

/* Returns true if the queue has exceeded its limit. */
bool ofconn_is_stalled(const struct ofconn *);

/* Closes and frees the connection.  Queued bytes are lost. */
void ofconn_close(struct ofconn *);

#endif /* proto/openflow/ofconn.h */
