/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to ofserver.c, ofconn.c and ofhandshake.c. */

#ifndef PROTO_OPENFLOW_OFCONN_PRIVATE_H
#define PROTO_OPENFLOW_OFCONN_PRIVATE_H 1

#include "openvswitch/list.h"
#include "proto/admission/admission.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofstream.h"

struct event;
struct evconnlistener;
struct ofpbuf;

struct ofserver {
    struct event_base *base;    /* Borrowed. */
    struct evconnlistener *listener; /* Or NULL. */
    struct event *resume;       /* Resumes after accept() failed. */
    struct ssl_ctx_st *ctx;     /* Borrowed, or NULL. */
    char *unlink_path;          /* Unix socket to remove at the end. */
    struct ofconn_options options;
    const struct ofconn_callbacks *callbacks;
    void *aux;
    struct ovs_list conns;      /* struct ofconn. */
    struct admission *admission;
    struct ofserver_stats stats;
    struct ofstream_pool streams;
    uint64_t *scratch;          /* One message, aligned. */
};

/* ofp_header.type of the first message, which is some 16 bytes. */
#define OFCONN_TYPE_HELLO 0
#define OFCONN_HELLO_MAX 1024

enum ofconn_state {
    OFCONN_HELLO,
    OFCONN_FEATURES,
    OFCONN_ROLE,
    OFCONN_UP,
    OFCONN_LINGER,
};

struct ofconn {
    struct ovs_list node;       /* In server's 'conns'. */
    struct ofserver *server;
    struct ofstream *stream;
    struct admission_entry entry; /* Pending until 'identified'. */
    char *peer;
    uint64_t id;                /* See ofconn_id(). */
    void *aux;                  /* The user's. */
    bool secured;               /* TLS is up, or there is none. */
    bool identified;            /* ofconn_set_identified() was called. */
    size_t n_replies;           /* Bytes of replies since all was sent. */
    enum ofconn_state state;
    struct ofconn_features features; /* From OFCONN_ROLE on. */
    enum ofconn_role role;      /* That it has asked for, */
    uint64_t generation;        /* with this generation_id, */
    uint32_t role_xid;          /* by the request with this ID. */
    uint32_t last_xid;
    unsigned n_bad;             /* Messages. */

    /* Liveness: one timer, looked at every probe_ms. */
    struct event *timer;
    unsigned handshake_parts;   /* Left of the TLS handshake's time after this
                                 * one; see TLS_HANDSHAKE_PARTS. */
    bool heard;                 /* Input received since the timer fired. */
    bool probed;                /* An echo request is unanswered. */
    int64_t heard_us;           /* Time of the last input, of time_usec(). */
    int64_t answered_us;        /* ofconn_answered_us(). */

    bool busy;                  /* In a callback: free later. */
    bool dead;                  /* ofconn_close() was called in one. */
    bool stalled;               /* The queue passed its limit. */
    struct event *stall;        /* Closes a stalled connection. */
};

/* Creates a connection for 'fd', of which it takes ownership. */
void ofconn_create(struct ofserver *, int fd, const char *peer);
/* Closes the connection of 'entry' to make room for another one.  For struct
 * admission_options. */
void ofconn_close_entry(void *server, struct admission_entry *);
/* Closes one of the connections. */
void ofconn_close_first(struct ofserver *);

/* Ends the connection for 'reason', and calls 'closed' if 'connected' was
 * called.  The caller must return to the loop without accessing 'conn' again,
 * unless 'conn->busy'. */
void ofconn_fail(struct ofconn *, const char *reason);
/* Sends 'msg', of which it takes ownership, after filling in its length, which
 * libopenvswitch leaves to the sender. */
void ofconn_send_buf(struct ofconn *, struct ofpbuf *msg);
/* Sets the timer to fire in 'ms', or never. */
void ofconn_set_timer(struct ofconn *, int ms);

/* ofhandshake.c.  -------------------------------------------------------- */

/* Handles the first message of a connection. */
void ofconn_handle_hello(struct ofconn *, const struct ofp_header *);
/* Handle a message in state OFCONN_FEATURES, or OFCONN_ROLE. */
void ofconn_handle_features(struct ofconn *, enum ofptype,
                            const struct ofp_header *);
void ofconn_handle_role(struct ofconn *, enum ofptype,
                        const struct ofp_header *);
/* The switch says that its controllers' roles have changed. */
void ofconn_handle_role_status(struct ofconn *, const struct ofp_header *);

#endif /* proto/openflow/ofconn-private.h */
