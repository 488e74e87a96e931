/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that the files of proto/http share.  Not for others.
 *
 * A server has listeners, a listener has connections, a connection has at most
 * one request that a handler works on.  A request outlives its connection if
 * the client disconnects first: 'conn' is then NULL. */

#ifndef PROTO_HTTP_HTTP_PRIVATE_H
#define PROTO_HTTP_HTTP_PRIVATE_H 1

#include "openvswitch/list.h"
#include "openvswitch/dynamic-string.h"
#include "proto/admission/admission.h"
#include "proto/http/http-parse.h"
#include "proto/http/http.h"

struct bufferevent;
struct event;
struct evconnlistener;

struct http_server {
    struct event_base *base;
    struct http_options options;
    const struct http_route *routes;
    size_t n_routes;
    void *aux;                      /* For handlers. */
    const char *refusal;            /* http_server_refuse(); or NULL. */
    bool relays_no_more;            /* http_server_end_relay(). */
    struct ovs_list listeners;      /* Of struct http_listener. */
    struct http_stats stats;
    struct http_accounts *accounts; /* Reference-counted. */
    struct http_logins *logins;     /* Failed ones. */
    long long int date_s;           /* When 'date' was made. */
    char date[40];                  /* For the header. */
};

struct http_listener {
    struct ovs_list node;           /* In server's 'listeners'. */
    struct http_server *server;
    struct evconnlistener *evl;
    struct event *again;            /* Resumes accept() after an error. */
    struct ovs_list conns;          /* struct http_conn. */
    size_t n_conns;
    struct admission *admission;    /* Of these. */
    char *unix_path;                /* Or NULL. */
    char *token;                    /* Or NULL. */
    const struct tls *tls;          /* Or NULL. */
    bool relayed;                   /* Its clients pass requests on. */
};

enum http_state {
    HTTP_IDLE,                      /* No byte of a request received. */
    HTTP_HEAD,                      /* Receiving a head. */
    HTTP_BODY,
    HTTP_HANDLING,                  /* The handler works on the request. */
    HTTP_REPLYING,                  /* The reply is being written. */
    HTTP_STREAMING,                 /* Writing until one side closes. */
    HTTP_LINGERING,                 /* Written; input is discarded, so that no
                                     * reset destroys the reply. */
};

/* State of the chunked framing. */
enum http_chunk { HTTP_CHUNK_SIZE, HTTP_CHUNK_DATA, HTTP_CHUNK_END,
                  HTTP_CHUNK_TRAILER };

/* A reply of unknown length; see http_reply_stream(). */
struct http_stream {
    struct http_conn *conn;
    const struct http_stream_ops *ops;
    void *aux;
    bool stuck;                 /* Its client does not read. */
};

struct http_conn {
    struct ovs_list node;           /* In listener's 'conns'. */
    struct http_listener *listener;
    struct admission_entry entry;   /* Pending until a request of it was
                                     * authenticated. */
    struct bufferevent *bev;        /* Without TLS, writes only what
                                     * http_conn_flush() could not. */
    bool tls;
    struct event *timer;            /* Fires at 'timer_ms' or before. */
    long long int timer_ms;         /* LLONG_MAX: it is not pending. */
    long long int deadline_ms;      /* Of the state; LLONG_MAX: none. */
    unsigned handshake_parts;       /* Left of the TLS handshake's time after
                                     * this one; see TLS_HANDSHAKE_PARTS. */
    char *who;
    char *token;                    /* The last valid one, or NULL. */
    enum http_state state;
    size_t scanned;                 /* Bytes of the head. */
    size_t discarded;               /* Bytes, while lingering. */
    bool half_closed;               /* The client has shut down writing. */
    bool close;                     /* After the reply. */
    bool timed;                     /* The state's deadline is set. */
    bool sent;                      /* Reply was sent, in conn_input(). */
    bool *gone;                     /* Of conn_input(), while it runs: set if
                                     * the connection is destroyed. */

    struct http_request *request;   /* From the head's end to the reply. */
    struct http_account *account;   /* The account that it counts for; NULL:
                                     * not counted. */
    struct http_stream stream;      /* While HTTP_STREAMING. */
    long long int body_ms;          /* When HTTP_BODY began. */
    enum http_chunk chunk;
    uint64_t chunk_left;
    size_t trailer_size;
};

struct http_request {
    struct http_conn *conn;         /* NULL: the client has disconnected. */
    struct http_server *server;     /* For statistics; NULL: destroyed. */
    bool understood;                /* 'head' is well-formed. */
    bool authenticated;
    struct http_head head;
    struct http_target target;
    char *who;
    const struct http_route *route; /* NULL: it is passed on. */
    uint64_t revision;              /* Of what it reads; 0: not known yet. */
    const void *data;               /* Of the route that matches. */
    size_t n_params;
    struct {
        const char *name;           /* In the pattern. */
        size_t name_len;
        char *value;                /* Owned. */
    } params[HTTP_PARAMS_MAX];
    struct ds body;
    char *client;                   /* That 'limits' hold for. */
    struct http_limits limits;
    struct http_accounts *accounts; /* A reference; NULL while 'budget' is
                                     * 0. */
    uint64_t budget;                /* Bytes taken from 'accounts'. */
    struct ds headers;              /* Of the reply. */
    char *etag;                     /* Of the reply, quoted; or NULL. */
    bool has_secret;                /* See http_reply_secret(). */
    bool varies;                    /* It is compressed for clients that
                                     * accept that; */
    bool gzipped;                   /* and for this one. */
    bool cacheable;                 /* See http_reply_allow_caching(). */
    void (*close_cb)(void *aux); /* Or NULL. */
    void *close_aux;
    bool invalid;                   /* To be ended; with this reply, while it
                                     * is: */
    const char *end_text;           /* Or NULL. */
    void *identity;                 /* See http_request_set_who(). */
    void (*free_identity)(void *);
};

/* http-conn.c */
/* Creates a connection.  Takes ownership of 'fd' and 'who'; but not of 'fd' if
 * it returns false: there is no room for a connection of 'peer'. */
bool http_conn_create(struct http_listener *, int fd, char *who,
                      const struct admission_peer *peer);
void http_conn_destroy(struct http_conn *);
/* Marks the connection as authenticated by a request, and so no longer
 * pending.  It may be closed to make room until the request is complete, and
 * again after the reply. */
void http_conn_authenticated(struct http_conn *);
/* Called when the request is passed to the handler, which may answer it
 * later. */
void http_conn_dispatched(struct http_conn *);
/* Called when the request will be answered later. */
void http_conn_waits(struct http_conn *);
/* Called when the reply is in the output buffer. */
void http_conn_replied(struct http_conn *);
/* Returns the name in the client's certificate, or NULL.  The caller frees
 * it. */
char *http_conn_certificate(const struct http_conn *);
/* Called when the head of a stream is in the output buffer. */
void http_conn_streams(struct http_conn *);
/* Called when all of a stream is in the output buffer. */
void http_conn_streamed(struct http_conn *);
/* Rejects malformed input with a reply, and closes.  The connection may not
 * exist afterwards. */
void http_conn_fault(struct http_conn *, const struct http_fault *);
/* Writes the output buffer, as far as the socket accepts it: most replies are
 * sent at once, without waiting for the loop.  The bufferevent handles what is
 * left, and errors.  Returns true if nothing is left. */
bool http_conn_flush(struct http_conn *);
/* Continues with the next request after a reply that was sent later.  The
 * connection may not exist afterwards. */
void http_conn_resume(struct http_conn *);

/* http-deadline.c */
/* Creates the timer, which http_conn_destroy() frees. */
void http_deadline_init(struct http_conn *);
/* Sets the state's deadline to 'ms' milliseconds from now. */
void http_deadline_set(struct http_conn *, int ms);
void http_deadline_clear(struct http_conn *);
/* Sets it for the TLS handshake, by options.tls_timeout_ms. */
void http_deadline_set_handshake(struct http_conn *);

/* http-input.c */
/* Parses the input received so far, up to one reply.  The connection may not
 * exist afterwards. */
void http_input_take(struct http_conn *);

/* http-request.c */
struct http_request *http_request_create(struct http_conn *);
void http_request_free(struct http_request *);
/* Processes the head: route, query, token.  Returns false if the request was
 * answered (and freed) already. */
bool http_request_accept(struct http_request *);
/* Returns the length of the entity tag at 'p' (RFC 9110, section 8.8.3), or
 * 0. */
size_t http_etag_len(const char *p);

/* http-peer.c */
/* Rejects a request that a page of another origin has a browser send.  Returns
 * false if the request was answered (and freed). */
bool http_request_check_origin(struct http_request *);
/* Authenticates the client.  Returns false if it has sent a reply, or will. */
bool http_request_authenticate(struct http_request *);
/* Replies 401 at once. */
void http_request_refuse_login(struct http_request *, const char *text);
/* Frees a token, or NULL, after overwriting it. */
void http_token_free(char *token);
/* Sets '*passed' to whether the request, which 'route' has, or none, is to be
 * passed on.  Returns false if it was answered (and freed). */
bool http_relay_decide(struct http_request *, const struct http_route *route,
                       bool *passed);
/* Accepts a request that is passed on, as http_request_accept(). */
bool http_relay_accept(struct http_request *);
/* Passes it to options.relay. */
void http_relay_dispatch(struct http_request *);

/* http-limits.c */
struct http_accounts *http_accounts_create(void);
void http_accounts_unref(struct http_accounts *);
/* Returns the bytes in flight, except those of exempt clients. */
uint64_t http_accounts_body_bytes(const struct http_accounts *);
/* Takes 'size' more bytes for the body.  Returns false if that is beyond the
 * limit: then the request was answered (and freed). */
bool http_limits_take(struct http_request *, uint64_t size);
void http_limits_release(struct http_request *);
/* Counts the request's connection for its client.  Returns false if the client
 * has too many: then the request was answered (and freed), and the connection
 * closes. */
bool http_limits_take_conn(struct http_request *);
/* Stops counting the connection, if it was counted. */
void http_limits_release_conn(struct http_conn *);

/* http-login-delay.c */
struct http_logins *http_logins_create(struct event_base *);
/* All connections must have been destroyed. */
void http_logins_destroy(struct http_logins *);
/* Counts a failed login of a request that has a connection.  Returns true if
 * the 401, with a copy of 'text', is delayed since too many logins from its
 * address have failed recently. */
bool http_logins_delay(struct http_request *, const char *text);
/* Returns true if so many logins from the request's address have failed
 * recently that no token from there is to be checked now. */
bool http_logins_are_blocked(const struct http_request *);

/* http-origin.c */
/* Returns true if a page of another origin has made the request. */
bool http_origin_is_foreign(const struct http_request *);

/* http-gzip.c */
/* Compresses 'text', which is borrowed. */
struct http_gzip *http_gzip_create(const char *text, size_t size);
void http_gzip_destroy(struct http_gzip *);
/* Compresses the next slice.  Returns true if there are more. */
bool http_gzip_continue(struct http_gzip *);
/* Returns the result, of '*size' bytes; NULL: it is not smaller. */
const void *http_gzip_result(const struct http_gzip *, size_t *size);

/* http-reply.c */
void http_reply_fault(struct http_request *, const struct http_fault *);

#endif /* proto/http/http-private.h */
