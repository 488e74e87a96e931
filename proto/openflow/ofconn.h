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
/* That of whatever concerns packets: nobody waits for an answer. */
#define OFCONN_XID_PACKETS 0

/* A connection whose host is not identified (ofconn_set_identified()) may have
 * so many bytes waiting to be sent, and send messages of so many. */
#define OFCONN_PENDING_QUEUE (64 * 1024)
#define OFCONN_PENDING_MESSAGE (16 * 1024)
/* Nothing is read from a peer while more than so many bytes of replies (to its
 * echo requests, say) wait for it; before it is identified, and after. */
#define OFCONN_PENDING_REPLIES (16 * 1024)
#define OFCONN_REPLIES (64 * 1024)

struct ofconn_options {
    int tls_handshake_ms;       /* From accept to the end of TLS's. */
    int handshake_ms;           /* From then on to connected, at most. */
    int probe_ms;               /* Silence after which a switch is asked for
                                 * an echo; as long again without an answer
                                 * ends the connection.  0: never. */
    size_t max_queue;           /* Bytes that may wait to be sent. */
    size_t max_conns;           /* Connections at a time. */
    size_t max_pending;         /* Of these, not identified; */
    size_t max_source_pending;  /* of one source address. */
    int grace_ms;               /* See struct admission_options. */
    bool (*is_known)(void *aux, const struct in6_addr *); /* Of these, too. */
    void *is_known_aux;
    bool packet_ins;            /* Packets that flows send up are wanted, in
                                 * the form of ofpacket.h. */
    /* Asked before what has come is read, or what is queued written: true
     * leaves it to the next turn of the loop.  NULL: never.  (With TLS nobody
     * asks.) */
    bool (*put_off)(void *aux);
    void *put_off_aux;
};
/* 3 s, 10 s, 30 s, 256 MiB, 4096, 1024, 128, 1 s. */
extern const struct ofconn_options ofconn_options_default;

/* What a switch said of itself. */
struct ofconn_features {
    uint64_t datapath_id;
    uint8_t n_tables;
    uint32_t capabilities;      /* OFPUTIL_C_*. */
};

/* All are called from the loop, never from inside a function of this header.
 * Any of them may call ofconn_close(). */
struct ofconn_callbacks {
    /* With TLS: the peer has proven to be 'certificate' (a common name,
     * perhaps empty).  Returns false if the connection is to be closed.  NULL:
     * every one may stay. */
    bool (*secured)(void *aux, struct ofconn *, const char *certificate);
    /* The handshake is complete. */
    void (*connected)(void *aux, struct ofconn *,
                      const struct ofconn_features *);
    /* A message other than hello and echo, of a connected switch.  'oh' is
     * 8-byte aligned, complete, and lives until the return. */
    void (*message)(void *aux, struct ofconn *, enum ofptype,
                    const struct ofp_header *oh);
    /* A connected switch is gone: 'reason' is a sentence part such as
     * "connection closed by peer".  The connection is freed afterwards.  Not
     * called after ofconn_close(), nor for a switch that never connected. */
    void (*closed)(void *aux, struct ofconn *, const char *reason);
};

/* Listens at 'target': "tcp:ADDR:PORT", "ssl:ADDR:PORT" ("[ADDR]" for IPv6,
 * port 0 for any), "unix:PATH", or NULL to listen nowhere.  'ctx' is for ssl:
 * only, and borrowed, as 'callbacks'.  Returns 0, or a positive errno with a
 * sentence in '*text', which the caller frees. */
int ofserver_create(struct event_base *, const char *target,
                    struct ssl_ctx_st *ctx, const struct ofconn_options *,
                    const struct ofconn_callbacks *callbacks, void *aux,
                    struct ofserver **, char **text);
/* Tells early whether 'target' is one that this machine could listen at, and
 * changes nothing.  One that is in use passes: who uses it may end.  Errors as
 * those of ofserver_create(). */
int ofserver_check(const char *target, char **text);
/* Closes all of its connections without a callback. */
void ofserver_destroy(struct ofserver *);
/* The TCP port listened on, or 0. */
uint16_t ofserver_port(const struct ofserver *);

/* Takes ownership of 'fd', a connected non-blocking stream socket, as if it
 * had been accepted from 'peer'. */
void ofserver_adopt(struct ofserver *, int fd, const char *peer);

struct ofserver_stats {
    size_t n_conns;             /* Now, with those in handshake. */
    uint64_t n_accepted;
    uint64_t n_refused;         /* Closed since there were too many. */
    uint64_t n_failed;          /* Ended before the handshake was complete. */
    uint64_t n_bad;             /* Messages that made no sense. */
    uint64_t n_stalled;         /* Cut off at the queue's limit. */
    uint64_t n_silent;          /* No answer to an echo request. */
};
void ofserver_get_stats(const struct ofserver *, struct ofserver_stats *);
void ofserver_get_admission(const struct ofserver *, struct admission_stats *);

/* Connections.  ---------------------------------------------------------- */

/* It is known by now whose switch it is: the limits of pending connections no
 * longer hold for it. */
void ofconn_set_identified(struct ofconn *);
/* "tcp:192.0.2.1:54321". */
const char *ofconn_peer(const struct ofconn *);
/* The name of the peer's certificate; NULL without TLS.  The caller frees it. */
char *ofconn_certificate(const struct ofconn *);
void ofconn_set_aux(struct ofconn *, void *aux);
void *ofconn_aux(const struct ofconn *);

/* Never 0; from OFCONN_XID_BASE on.  Host order. */
uint32_t ofconn_next_xid(struct ofconn *);

/* Queues 'size' bytes: whole messages.  Nothing is sent any more once the
 * queue has passed its limit; the connection is then closed from the loop. */
void ofconn_send(struct ofconn *, const void *bytes, size_t size);

/* The same without a copy, for blocks that many connections share (worth it
 * from OFCONN_REF_MIN on).  'release' is called once, with 'aux', when 'bytes'
 * are no longer needed; that may be from inside this call. */
#define OFCONN_REF_MIN 4096
void ofconn_send_ref(struct ofconn *, const void *bytes, size_t size,
                     void (*release)(void *aux), void *aux);

/* Asks the peer for an echo now; the connection ends if it does not answer
 * within OFCONN_PROBE_MS. */
#define OFCONN_PROBE_MS 5000
void ofconn_probe(struct ofconn *);

/* Bytes that wait to be sent. */
size_t ofconn_queued(const struct ofconn *);

/* True if the queue has passed its limit. */
bool ofconn_is_stalled(const struct ofconn *);

/* Closes and frees.  What is queued is lost. */
void ofconn_close(struct ofconn *);

#endif /* proto/openflow/ofconn.h */
