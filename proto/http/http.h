/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/1.1 server parts: listeners on a unix socket and on loopback, a table
 * of routes, bounded JSON bodies, replies that may come later, problems
 * (RFC 9457).  Everything on the loop's thread, nothing blocks.
 *
 * Who calls it: northbound.  Not for what the routes mean, and not an HTTP
 * client.
 *
 * The server reads its connections itself, on bufferevents, rather than
 * through evhttp: that one (2.1.12) cannot bound the number of connections
 * nor the time that a head takes, takes the first of two Content-Length
 * headers, reads a GET's body as the next request, and does not tell when a
 * client that waits has left.  TLS is another kind of bufferevent. */

#ifndef PROTO_HTTP_HTTP_H
#define PROTO_HTTP_HTTP_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ds;
struct event_base;
struct http_request;
struct http_server;

/* Bounds.  --------------------------------------------------------------- */

#define HTTP_HEAD_MAX 16384         /* Bytes: request line and headers. */
#define HTTP_TARGET_MAX 4096        /* Bytes: path and query. */
#define HTTP_FIELDS_MAX 64          /* Header fields. */
#define HTTP_BODY_MAX_MIB 8
#define HTTP_BODY_MAX (HTTP_BODY_MAX_MIB * 1048576u) /* Bytes, without chunk
                                     * framing. */
#define HTTP_JSON_DEPTH_MAX 64      /* Nested arrays and objects. */
#define HTTP_JSON_VALUES_MAX 500000 /* Values in a body, about. */
#define HTTP_QUERY_MAX 16           /* Parameters in a query. */
#define HTTP_PARAMS_MAX 4           /* Parameters in a route's pattern. */
#define HTTP_TOKEN_MAX 512          /* Bytes of a bearer token. */

/* What is known of a client before it is known who it is.  Borrowed. */
struct http_peer {
    bool trusted;                   /* By a unix socket, or with the listener's
                                     * own token. */
    const char *token;              /* That it has sent, or NULL. */
    const char *certificate;        /* The name in the one that it has shown,
                                     * which was verified; or NULL. */
};

/* What a client may have at a time.  Bodies are in flight from when they are
 * announced until their request is answered.  A connection is in use from the
 * end of a request's head until all of the reply has left. */
struct http_limits {
    size_t conns_max;               /* Connections in use; 0: any number. */
    size_t body_max;                /* Bytes of one body. */
    size_t bodies_max;              /* Of all in flight of the client. */
    bool exempt;                    /* From options.bodies_max. */
};
#define HTTP_LIMITS_DEFAULT { .body_max = HTTP_BODY_MAX,                    \
                              .bodies_max = 2 * HTTP_BODY_MAX }

struct http_options {
    /* Finds out who a client is, if not NULL: true, perhaps after
     * http_request_set_who(); or false with the request answered, as by
     * http_reply_unauthorized().  Without it only those are let in who are
     * trusted.  Not called for routes that are open. */
    bool (*authenticate)(struct http_request *, const struct http_peer *,
                         void *aux);
    /* Whether it may call this route, if not NULL: false with the request
     * answered. */
    bool (*authorize)(struct http_request *, void *aux);
    size_t max_connections;         /* Of each listener.  Those that are not
                                     * authenticated give way first. */
    int pending_grace_ms;           /* One that is not authenticated, and was
                                     * accepted less than that ago, gives way
                                     * after those that are idle; not on unix
                                     * sockets. */
    int tls_timeout_ms;             /* For the handshake of TLS. */
    int idle_timeout_ms;            /* Until the next request begins. */
    int head_timeout_ms;            /* First byte to end of the head. */
    int body_timeout_ms;            /* End of the head to end of the body. */
    /* A body that after 'body_grace_ms' has come with fewer bytes a second on
     * the average is given up. */
    int body_grace_ms;
    int body_rate_min;
    size_t bodies_max;              /* Bytes of all bodies in flight. */
    int write_timeout_ms;           /* A reply that makes no progress. */
    /* Origins such as "https://vmn.example.org", with commas between, whose
     * pages may make requests beside the server's own; or NULL.  Borrowed. */
    const char *origins;
    /* Called now and then while a body is parsed, if not NULL. */
    void (*pause)(void *aux);
    void *pause_aux;
};
#define HTTP_OPTIONS_DEFAULT                                            \
    { .max_connections = 256, .pending_grace_ms = 1000,                 \
      .tls_timeout_ms = 3 * 1000,                                       \
      .idle_timeout_ms = 120 * 1000,                                    \
      .head_timeout_ms = 10 * 1000, .body_timeout_ms = 30 * 1000,       \
      .body_grace_ms = 5 * 1000, .body_rate_min = 8 * 1024,             \
      .bodies_max = 8 * HTTP_BODY_MAX,                                  \
      .write_timeout_ms = 30 * 1000 }

/* Routes.  --------------------------------------------------------------- */

enum http_method {
    HTTP_GET,                       /* Also answers HEAD. */
    HTTP_PUT,
    HTTP_POST,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_N_METHODS
};

/* Answers 'request' with one of the http_reply functions, now or later. */
typedef void http_handler(struct http_request *, void *aux);

struct http_route {
    enum http_method method;
    /* "/v1/{type}/{name}": a segment in braces takes any one segment. A route
     * that comes earlier in the table wins. */
    const char *pattern;
    http_handler *handler;
    /* Query parameters that are understood, separated by spaces; others are
     * refused.  NULL: none. */
    const char *query;
    bool takes_body;                /* Else a body is refused. */
    bool open;                      /* For everyone. */
    int permission;                 /* For 'authorize'. */
    const void *data;               /* For the handler. */
    const void *about;              /* For who describes the routes. */
};

/* Server.  --------------------------------------------------------------- */

/* 'routes' are borrowed; 'aux' is handed to their handlers. */
struct http_server *http_server_create(struct event_base *,
                                       const struct http_options *,
                                       const struct http_route *routes,
                                       size_t n_routes, void *aux);
/* Closes everything.  Requests that are not answered yet lose their client
 * ('gone' is called) and still must be answered or dropped.  Not from inside
 * of a handler. */
void http_server_destroy(struct http_server *);

/* Listens on a unix socket.  A socket file that nobody listens on is
 * replaced; the file is removed by http_server_destroy().  'group' (or NULL)
 * may use it too.  Clients are "unix:uid=N" and need no token.  Returns 0, or
 * a positive errno with a sentence in '*text' (caller frees). */
int http_listen_unix(struct http_server *, const char *path,
                     const char *group, char **text);

/* Listens on "ADDRESS:PORT" or "[ADDRESS]:PORT" (0: any).  Without TLS anything
 * but loopback is refused, and 'token' is needed.  Clients are trusted if they
 * send 'token', unless it is NULL, and are "tcp:ADDRESS" or "ssl:ADDRESS" if
 * nobody says otherwise.  'tls' is borrowed, or NULL. */
struct tls;
int http_listen_tcp(struct http_server *, const char *address,
                    const char *token, const struct tls *, char **text);
/* The port of the first TCP listener in host order, or 0. */
uint16_t http_server_port(const struct http_server *);

/* Checks 'origins' for http_options.  Returns NULL, or a sentence about what is
 * wrong, which the caller frees.  NULL is right. */
char *http_origins_check(const char *origins);

/* Reads a bearer token from a file that only its owner can read. */
int http_token_load(const char *file, char **token, char **text);

struct http_stats {
    uint64_t n_connections;         /* Now. */
    uint64_t n_accepted;
    uint64_t n_turned_away;         /* At the limit. */
    uint64_t n_requests;            /* Whose head was understood. */
    uint64_t n_bad;                 /* Heads and bodies that were not. */
    uint64_t n_unauthorized;
    uint64_t n_logins_delayed;      /* Of these: told so later. */
    uint64_t n_logins_refused;      /* Whose token was not looked at. */
    uint64_t n_cross_origin;        /* Refused for where they came from. */
    uint64_t n_timed_out;
    uint64_t n_conns_refused;       /* Beyond their client's limit. */
    uint64_t n_bodies_refused;      /* Beyond a limit. */
    uint64_t n_body_bytes;          /* In flight now. */
    uint64_t n_gone;                /* Left before the reply. */
    uint64_t n_streams;             /* Now. */
    uint64_t n_replies[6];          /* [2] is 2xx, and so on. */
    /* The same by method; the last are to what was not understood. */
    uint64_t n_replies_to[HTTP_N_METHODS + 1][6];
    uint64_t n_bytes_in, n_bytes_out;   /* Heads and bodies. */
};
void http_server_get_stats(const struct http_server *, struct http_stats *);
/* Those of all listeners together. */
struct admission_stats;
void http_server_get_admission(const struct http_server *,
                               struct admission_stats *);

/* Requests.  A request exists until it is answered or dropped.  ----------- */

/* "unix:uid=0", "tcp:127.0.0.1", or what http_request_set_who() said. */
const char *http_request_who(const struct http_request *);
/* Takes 'who', and 'identity', which it frees with 'free_cb' in the end. */
void http_request_set_who(struct http_request *, char *who, void *identity,
                          void (*free_cb)(void *identity));
/* Sets what 'client', by whatever name and on however many connections, may
 * have.  For options.authenticate, which knows who that is; without
 * it the limits are HTTP_LIMITS_DEFAULT for each http_request_who(). */
void http_request_set_limits(struct http_request *, const char *client,
                             const struct http_limits *);
/* That of http_request_set_who(), or NULL. */
void *http_request_identity(const struct http_request *);
int http_request_permission(const struct http_request *);
/* 401, with a sentence.  'guess' is whether the client has shown a token that
 * is nobody's: if those keep coming from its address it is answered later, and
 * tokens from there are not looked at for a while.  Not for a token that was
 * right once. */
void http_reply_unauthorized(struct http_request *, const char *text,
                             bool guess);
const void *http_request_data(const struct http_request *);
/* The segment that took the pattern's 'name'; decoded.  Never NULL. */
const char *http_request_param(const struct http_request *, const char *name);
/* Value of a query parameter, decoded, or NULL. */
const char *http_request_query(const struct http_request *, const char *name);
/* Value of a header, or NULL. */
const char *http_request_header(const struct http_request *,
                                const char *name);

/* How long the body is, in bytes. */
size_t http_request_body_size(const struct http_request *);
/* Parses the body.  On error answers the request and returns NULL.  The caller
 * owns the value.  If the options have a pause, the client may leave in it;
 * the request must be answered or dropped all the same. */
json_t *http_request_json(struct http_request *);

/* The tag of If-Match, without quotes, or "*", or NULL if there is none; the
 * caller frees it.  On error answers the request and returns false.  A weak
 * tag comes back as it is, and so never matches. */
bool http_request_if_match(struct http_request *, char **etag);

/* Whether If-None-Match has 'etag' (weakly compared; RFC 9110, section 13.1.2)
 * or "*". */
bool http_request_has_etag(const struct http_request *, const char *etag);
/* Whether Accept-Encoding takes 'coding': it is named, or "*" is, and its
 * weight is not 0. */
bool http_request_accepts(const struct http_request *, const char *coding);

/* Has 'gone' called once if the client leaves before the request is answered.
 * It must, at last, be dropped. */
void http_request_set_gone(struct http_request *, void (*gone)(void *aux),
                           void *aux);
/* Closes the connection without a reply, and ends the request. */
void http_request_drop(struct http_request *);

/* Replies: each ends the request.  --------------------------------------- */

/* Adds a header.  'value' must be visible ASCII and spaces. */
void http_reply_header(struct http_request *, const char *name,
                       const char *value);
/* Lets clients keep the reply, and ask each time whether it has changed.
 * Others are kept by nobody, are no content for a browser to show, and have a
 * Content-Security-Policy of their own, which this reply must set itself. */
void http_reply_allow_caching(struct http_request *);
/* Sets the header ETag to '"etag"'. */
void http_reply_etag(struct http_request *, const char *etag);

/* Takes ownership of 'body'. */
void http_reply_json(struct http_request *, int status, json_t *body);
void http_reply_text(struct http_request *, int status,
                     const char *content_type, const char *text);

/* Sends a copy of 'size' bytes, of any kind. */
void http_reply_bytes(struct http_request *, int status,
                      const char *content_type, const void *bytes,
                      size_t size);
/* 304: the client has what it asked for. */
void http_reply_not_modified(struct http_request *);

/* Sends the text of 'body', which it takes over. */
void http_reply_body(struct http_request *, int status,
                     const char *content_type, struct ds *body);

/* Sends 'size' bytes of the file 'fd', which it takes over, as the client
 * reads them: none of it is held in memory. */
void http_reply_file(struct http_request *, int status,
                     const char *content_type, int fd, off_t size);

/* application/problem+json: {"type", "title", "status", "detail", "errors"}.
 * 'kind' is the last part of the type's URN, or NULL for about:blank.  Takes
 * ownership of 'errors' (an array of {"pointer", "detail"}, or NULL). */
void http_reply_problem(struct http_request *, int status, const char *kind,
                        json_t *errors, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* For 'errors': {"pointer": "", "parameter": name, "detail": text}. */
json_t *http_query_error(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Streams: a reply that goes on.  ----------------------------------------- */

struct http_stream;

struct http_stream_ops {
    /* The client has read on, and fewer bytes than HTTP_STREAM_LOW wait. */
    void (*drained)(void *aux);
    /* The client has left, or was cut off since it was 'stuck'.  The stream is
     * gone. */
    void (*closed)(void *aux, bool stuck);
};
#define HTTP_STREAM_LOW (16 * 1024)

/* Begins a reply whose end is the connection's, and ends the request.  HEAD
 * gets its head alone.  Returns NULL if the client has left, or if that was
 * all; neither of 'ops' is called then.  They are called from the loop, never
 * from inside of a function of this header but http_server_destroy(). */
struct http_stream *http_reply_stream(struct http_request *, int status,
                                      const char *content_type,
                                      const struct http_stream_ops *ops,
                                      void *aux);
/* Appends 'size' bytes.  They are sent once in a turn of the loop, and a client
 * that takes none of what waits for options.write_timeout_ms is cut off.  How
 * much waits is for the caller to bound. */
void http_stream_write(struct http_stream *, const char *data, size_t size);
/* Bytes that wait to be taken by the client's side. */
size_t http_stream_queued(const struct http_stream *);
/* Who reads it; as http_request_who(). */
const char *http_stream_who(const struct http_stream *);
/* Closes it; what waits is lost.  'closed' is not called. */
void http_stream_close(struct http_stream *);

/* JSON text from outside.  ------------------------------------------------ */

/* Parses all of 'text' as one JSON value: UTF-8, no key twice, nothing behind
 * it, within the bounds above.  Returns NULL with a sentence in '*fault'
 * (caller frees).  Of the options, which may be NULL, it is the pause that
 * matters. */
json_t *http_json_parse(const char *text, size_t size,
                        const struct http_options *, char **fault);
/* A JSON string of text that may be anything: bytes that are not UTF-8 become
 * '?'. */
json_t *http_json_string(const char *text);

#endif /* proto/http/http.h */
