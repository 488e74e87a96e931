/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of proto/http share.  Not for others.
 *
 * A server has listeners, a listener has connections, a connection has at most
 * one request in the hands of a handler.  A request outlives its connection
 * when the client leaves first: 'conn' is then NULL. */

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
    struct ovs_list listeners;      /* Of struct http_listener. */
    struct http_stats stats;
    struct http_accounts *accounts; /* Counted. */
    struct http_logins *logins;     /* That failed. */
    long long int date_s;           /* When 'date' was made. */
    char date[40];                  /* For the header. */
};

struct http_listener {
    struct ovs_list node;           /* In server's 'listeners'. */
    struct http_server *server;
    struct evconnlistener *evl;
    struct event *again;            /* Accepts again after an error. */
    struct ovs_list conns;          /* struct http_conn. */
    size_t n_conns;
    struct admission *admission;    /* Of these. */
    char *unix_path;                /* Or NULL. */
    char *token;                    /* Or NULL. */
    const struct tls *tls;          /* Or NULL. */
};

enum http_state {
    HTTP_IDLE,                      /* Nothing of a request has come. */
    HTTP_HEAD,                      /* Some of a head has. */
    HTTP_BODY,
    HTTP_HANDLING,                  /* The handler has it. */
    HTTP_REPLYING,                  /* The reply is being written. */
    HTTP_STREAMING,                 /* It goes on until one side closes. */
    HTTP_LINGERING,                 /* Written; what comes is thrown away, so
                                     * that no reset takes the reply. */
};

/* Where chunked framing is. */
enum http_chunk { HTTP_CHUNK_SIZE, HTTP_CHUNK_DATA, HTTP_CHUNK_END,
                  HTTP_CHUNK_TRAILER };

/* A reply that goes on. */
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
    struct bufferevent *bev;        /* Without TLS, writes only what flush()
                                     * could not. */
    bool tls;
    struct event *timer;            /* Fires at 'timer_ms' or before. */
    long long int timer_ms;         /* LLONG_MAX: it is not pending. */
    long long int deadline_ms;      /* Of the state; LLONG_MAX: none. */
    unsigned handshake_parts;       /* Of TLS's time that are left after this
                                     * one; see TLS_HANDSHAKE_PARTS. */
    char *who;
    char *token;                    /* The last that was right, or NULL. */
    enum http_state state;
    size_t scanned;                 /* Of the head. */
    size_t discarded;               /* While lingering. */
    bool half_closed;               /* The client sends no more. */
    bool close;                     /* After the reply. */
    bool timed;                     /* The state has its deadline. */
    bool sent;                      /* The reply has left, in conn_input(). */
    bool *gone;                     /* Of conn_input(), which is running: to
                                     * be set if the connection goes. */

    struct http_request *request;   /* From the head's end to the reply. */
    struct http_account *account;   /* Whom it is in use for; NULL: for nobody
                                     * whose connections are counted. */
    struct http_stream stream;      /* While HTTP_STREAMING. */
    long long int body_ms;          /* When HTTP_BODY began. */
    enum http_chunk chunk;
    uint64_t chunk_left;
    size_t trailer_size;
};

struct http_request {
    struct http_conn *conn;         /* NULL: the client has left. */
    struct http_server *server;     /* For statistics; NULL after it. */
    bool understood;                /* 'head' is. */
    bool authenticated;
    struct http_head head;
    struct http_target target;
    char *who;
    const struct http_route *route;
    size_t n_params;
    struct {
        const char *name;           /* In the pattern. */
        size_t name_len;
        char *value;                /* Owned. */
    } params[HTTP_PARAMS_MAX];
    struct ds body;
    char *client;                   /* Whose limits these are. */
    struct http_limits limits;
    struct http_accounts *accounts; /* Counted; NULL while 'budget' is 0. */
    uint64_t budget;                /* Bytes that it has taken of them. */
    struct ds headers;              /* Of the reply. */
    bool cacheable;                 /* It is: http_reply_allow_caching(). */
    void (*gone)(void *aux);
    void *gone_aux;
    void *identity;                 /* See http_request_set_who(). */
    void (*free_identity)(void *);
};

/* http-conn.c */
/* Takes ownership of 'fd' and 'who'; but not of 'fd' if it returns false:
 * there is no room for a connection of 'peer'. */
bool http_conn_create(struct http_listener *, int fd, char *who,
                      const struct admission_peer *peer);
void http_conn_destroy(struct http_conn *);
/* A request of it was authenticated: it is not pending any more.  It may be
 * closed to make room until the request is whole, and again after the
 * reply. */
void http_conn_authenticated(struct http_conn *);
/* Its request is with the handler, which may answer it later. */
void http_conn_dispatched(struct http_conn *);
/* Its request is answered later. */
void http_conn_waits(struct http_conn *);
/* The reply of its request is in the output buffer. */
void http_conn_replied(struct http_conn *);
/* The name in the client's certificate, or NULL.  The caller frees it. */
char *http_conn_certificate(const struct http_conn *);
/* The head of a reply that goes on is in it. */
void http_conn_streams(struct http_conn *);
/* Refuses what came, with a reply, and closes.  The connection may be gone
 * afterwards. */
void http_conn_fault(struct http_conn *, const struct http_fault *);
/* Writes what is in the output, as far as the socket takes it: a reply mostly
 * leaves at once, without the loop having to ask whether it may.  What is
 * left, or an error, is the bufferevent's.  Returns true if nothing is
 * left. */
bool http_conn_flush(struct http_conn *);
/* Goes on after a reply that has left while others had their turn.  The
 * connection may be gone afterwards. */
void http_conn_resume(struct http_conn *);

/* http-deadline.c */
/* Makes the timer, which http_conn_destroy() frees. */
void http_deadline_init(struct http_conn *);
/* The state may last that many milliseconds from now on. */
void http_deadline_set(struct http_conn *, int ms);
void http_deadline_clear(struct http_conn *);
/* The same for a handshake of TLS, which has options.tls_timeout_ms. */
void http_deadline_set_handshake(struct http_conn *);

/* http-input.c */
/* Goes on with what has come, up to one reply.  The connection may be gone
 * afterwards. */
void http_input_take(struct http_conn *);

/* http-request.c */
struct http_request *http_request_create(struct http_conn *);
void http_request_free(struct http_request *);
/* Looks at the head: finds the route, the query, the token.  False if it was
 * answered (and freed) already. */
bool http_request_accept(struct http_request *);
/* Answers 401 at once. */
void http_request_refuse_login(struct http_request *, const char *text);
/* Frees a token, or NULL, and leaves nothing of it in memory. */
void http_token_free(char *token);

/* http-budget.c */
struct http_accounts *http_accounts_create(void);
void http_accounts_unref(struct http_accounts *);
/* Bytes in flight, but for those of clients that are exempt. */
uint64_t http_accounts_body_bytes(const struct http_accounts *);
/* Takes 'size' more bytes for the body.  False if it may not have them: then it
 * was answered (and freed). */
bool http_budget_take(struct http_request *, uint64_t size);
void http_budget_release(struct http_request *);
/* Takes the request's connection into use.  False if its client has too many:
 * then it was answered (and freed), and the connection closes. */
bool http_budget_take_conn(struct http_request *);
/* The connection is in use no longer, if it was. */
void http_budget_release_conn(struct http_conn *);

/* http-logins.c */
struct http_logins *http_logins_create(struct event_base *);
/* All connections must be gone. */
void http_logins_destroy(struct http_logins *);
/* Counts a failed login, of a request with a connection.  Returns true if it
 * is going to be refused later, with a copy of 'text', since too many of its
 * address's failed of late. */
bool http_logins_delay(struct http_request *, const char *text);
/* Whether so many logins from the request's address failed of late that no
 * other of its tokens is to be looked at now. */
bool http_logins_are_blocked(const struct http_request *);

/* http-origin.c */
/* Refuses what a page of another origin has a browser send.  False if it was
 * answered (and freed). */
bool http_request_check_origin(struct http_request *);

/* http-reply.c */
void http_reply_fault(struct http_request *, const struct http_fault *);
const char *http_status_phrase(int status);

#endif /* proto/http/http-private.h */
