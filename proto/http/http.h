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
struct http_route;
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

/* What is known of a client before it is authenticated.  Borrowed. */
struct http_peer {
    bool local;                     /* By a unix socket of this server. */
    bool trusted;                   /* That, or with the listener's own
                                     * token. */
    const char *token;              /* That it has sent, or NULL. */
    const char *certificate;        /* The name in its certificate, which was
                                     * verified; or NULL. */
};

/* Limits of a client.  Bodies are in flight from their announcement until
 * their request is answered.  A connection is in use from the end of a
 * request's head until all of the reply was sent. */
struct http_limits {
    size_t conns_max;               /* Connections in use; 0: any number. */
    size_t body_max;                /* Bytes of one body. */
    size_t bodies_max;              /* Of all in flight of the client. */
    bool exempt;                    /* From options.bodies_max. */
};
#define HTTP_LIMITS_DEFAULT { .body_max = HTTP_BODY_MAX,                    \
                              .bodies_max = 2 * HTTP_BODY_MAX }

struct http_options {
    /* Authenticates a client, if not NULL.  Returns true, perhaps after
     * http_request_set_who(); or false with the request answered, as by
     * http_reply_unauthorized().  Without it only trusted clients are allowed.
     * Not called for routes that are open. */
    bool (*authenticate)(struct http_request *, const struct http_peer *,
                         void *aux);
    /* Authorizes the client to call this route, if not NULL.  Returns false
     * with the request answered if it may not. */
    bool (*authorize)(struct http_request *, void *aux);
    size_t max_connections;         /* Of each listener.  Unauthenticated ones
                                     * are closed first to make room. */
    int pending_grace_ms;           /* An unauthenticated connection that was
                                     * accepted less than that ago is closed
                                     * to make room only after idle ones; not
                                     * on unix sockets. */
    int tls_timeout_ms;             /* Of the TLS handshake. */
    int idle_timeout_ms;            /* Until the next request begins. */
    int head_timeout_ms;            /* First byte to end of the head. */
    int body_timeout_ms;            /* End of the head to end of the body. */
    /* The request is aborted if, after 'body_grace_ms', the body has arrived
     * with fewer bytes per second on average. */
    int body_grace_ms;
    int body_rate_min;
    size_t bodies_max;              /* Bytes of all bodies in flight. */
    int write_timeout_ms;           /* For a reply to make progress. */
    /* Origins such as "https://vmn.example.org", separated by commas, whose
     * pages may make requests, besides the server's own; or NULL.
     * Borrowed. */
    const char *origins;
    /* Called for a path that no route has, if not NULL.  Returns what the
     * error says more, such as what is probably meant, or "": of routes alone,
     * since the client is not authenticated.  The caller frees it. */
    char *(*no_such_path)(const char *path, void *aux);
    /* Takes a request for another server to answer (proto/relay), if not NULL:
     * one for which 'passes_on' returns true, or, without that, which no route
     * has.  Its body is there, but that server has yet to authenticate its
     * client; see http_request_relayed_ok(). */
    void (*relay)(struct http_request *, const struct http_peer *, void *aux);
    /* Called with the route of the request, or NULL if there is none; not for
     * routes that are open.  Its client is not authenticated yet. */
    bool (*passes_on)(const struct http_request *, const struct http_route *,
                      const struct http_peer *, void *aux);
    /* Called before the handler of a route that is not open, if not NULL.
     * Returns true if the request waits, and is given to
     * http_request_handle() later; or if it was answered. */
    bool (*hold)(struct http_request *, void *aux);
    /* Returns the revision of what handlers show, if not NULL.  Each reply to
     * an authenticated client says it (HTTP_REVISION): what a read shows is
     * not older, and what a change has made not newer. */
    uint64_t (*revision)(void *aux);
    /* Returns true if the server with this name in its certificate may pass
     * requests of its clients on, by http_listen_relayed(). */
    bool (*may_relay)(const char *certificate, void *aux);
    /* Returns false while it is not known who may; NULL: it always is. */
    bool (*knows_relays)(void *aux);
    /* Called repeatedly while a long body is parsed, if not NULL, so that the
     * caller can yield. */
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
    HTTP_OPTIONS,                   /* Of no route: the server answers it. */
    HTTP_N_METHODS
};
extern const char *const http_method_names[HTTP_N_METHODS];

/* Answers 'request' with one of the http_reply functions, at once or later. */
typedef void http_handler(struct http_request *, void *aux);

struct http_route {
    enum http_method method;
    /* "/v1/{type}/{name}": a segment in braces matches any one segment.  The
     * first route in the table that matches wins. */
    const char *pattern;
    http_handler *handler;
    /* The query parameters that are accepted, separated by spaces; others are
     * rejected.  NULL: none. */
    const char *query;
    bool takes_body;                /* Otherwise a body is rejected. */
    bool open;                      /* Needs no authentication. */
    int permission;                 /* For 'authorize'. */
    const void *data;               /* For the handler; */
    /* or it is what this returns for the parameters of the path; NULL: the
     * route does not match.  Or NULL. */
    const void *(*find)(const struct http_request *);
    const void *about;              /* The route's description, for OpenAPI. */
};

/* Server.  --------------------------------------------------------------- */

/* Creates a server without listeners.  'routes' is borrowed; 'aux' is passed
 * to the handlers. */
struct http_server *http_server_create(struct event_base *,
                                       const struct http_options *,
                                       const struct http_route *routes,
                                       size_t n_routes, void *aux);
/* Closes all connections.  Requests that are not answered yet lose their
 * client (their close callback is called) and still must be answered or
 * dropped.  Must not be called by a handler. */
void http_server_destroy(struct http_server *);

/* From now on no request is given to options.relay but those whose bodies are
 * not there yet. */
void http_server_end_relay(struct http_server *);

/* From now on each request that requires authentication is replied 503 with
 * 'text', a constant: who sends it is to ask another server.  Those that a
 * handler has got already are not. */
void http_server_refuse(struct http_server *, const char *text);

/* Ends each request that waits to be answered later, has an identity, and for
 * which 'is_valid' returns false: it is replied 401 with 'text'.  For its
 * handler it is as if the client had disconnected.  Must not be called by a
 * handler.  Returns how many of these are left that have an identity. */
size_t http_server_end_invalid(struct http_server *,
                               bool (*is_valid)(const void *identity,
                                                void *aux),
                               void *aux, const char *text);

/* Listens on a unix socket.  A socket file that nobody listens on is replaced;
 * http_server_destroy() removes the file.  Members of 'group' (or NULL) may
 * use it, too.  Clients are "unix:uid=N" and need no token.  Returns 0, or a
 * positive errno with a sentence in '*text' (caller frees). */
int http_listen_unix(struct http_server *, const char *path,
                     const char *group, char **text);

/* Listens on "ADDRESS:PORT" or "[ADDRESS]:PORT" (0: any port).  Without TLS
 * only loopback addresses are accepted, and 'token' is required.  Clients that
 * send 'token', unless it is NULL, are trusted; a client is "tcp:ADDRESS" or
 * "ssl:ADDRESS" unless options.authenticate names it.  'tls' is borrowed, or
 * NULL.  Errors as http_listen_unix(). */
struct tls;
int http_listen_tcp(struct http_server *, const char *address,
                    const char *token, const struct tls *, char **text);

/* Listens, with TLS, for other servers that pass requests of their clients on:
 * each request says whose it is, and is authenticated as if that client had
 * sent it here.  options.may_relay says which servers are believed.  Errors as
 * http_listen_unix(). */
int http_listen_relayed(struct http_server *, const char *address,
                        const struct tls *, char **text);
/* The headers that say it: the client's http_request_who(); and if it was
 * authenticated by other means than a token, HTTP_RELAYED_TRUSTED, or
 * HTTP_RELAYED_CERTIFICATE and the certificate's name, percent-encoded. */
#define HTTP_RELAYED_CLIENT "Vmn-Client"
#define HTTP_RELAYED_AS "Vmn-Client-As"
#define HTTP_RELAYED_TRUSTED "trusted"
#define HTTP_RELAYED_CERTIFICATE "certificate "
/* In a reply 401: the client has guessed (http_reply_unauthorized()), which
 * the server that knows its address is to count. */
#define HTTP_RELAYED_GUESS "Vmn-Guess"
/* In a reply: the client was authenticated.  Not every reply says so much of
 * the token that came with the request: some paths need none. */
#define HTTP_RELAYED_OK "Vmn-Authenticated"
/* The status of a reply of a server that neither answers what others pass on
 * nor passes it on itself: it may be sent to another one. */
#define HTTP_MISDIRECTED 421
/* In a reply to a client: options.revision. */
#define HTTP_REVISION "Vmn-Revision"

/* Checks 'origins' (or NULL) for http_options.  Returns NULL if it is valid,
 * otherwise an error message, which the caller frees. */
char *http_origins_check(const char *origins);

/* Reads a bearer token from a file that only its owner can read.  Returns 0
 * with the token in '*token' (see http_token_free()), or a positive errno with
 * a sentence in '*text'; the caller frees both. */
int http_token_load(const char *file, char **token, char **text);

struct http_stats {
    uint64_t n_connections;         /* Open now. */
    uint64_t n_accepted;
    uint64_t n_rejected;            /* Connections beyond the limit. */
    uint64_t n_requests;            /* With a well-formed head. */
    uint64_t n_bad;                 /* Malformed heads and bodies. */
    uint64_t n_unauthorized;
    uint64_t n_logins_delayed;      /* Of these: answered later. */
    uint64_t n_logins_rejected;     /* Without a check of the token. */
    uint64_t n_cross_origin;        /* Rejected for their origin. */
    uint64_t n_timed_out;
    uint64_t n_account_conns_rejected; /* Beyond their client's limit. */
    uint64_t n_bodies_rejected;     /* Beyond a limit. */
    uint64_t n_body_bytes;          /* In flight now. */
    uint64_t n_gone;                /* Clients that closed before the reply. */
    uint64_t n_streams;             /* Open now. */
    /* The same by method; the last is for malformed requests. */
    uint64_t n_replies_to[HTTP_N_METHODS + 1][6];
    uint64_t n_bytes_in, n_bytes_out;   /* Heads and bodies. */
};
void http_server_get_stats(const struct http_server *, struct http_stats *);
/* Sums up the admission statistics of all listeners. */
struct admission_stats;
void http_server_get_admission(const struct http_server *,
                               struct admission_stats *);

/* Requests.  A request exists until it is answered or dropped.  ----------- */

/* Returns the client's name: "unix:uid=0", "tcp:127.0.0.1", or the one that
 * http_request_set_who() has set. */
const char *http_request_who(const struct http_request *);
/* Sets the client's name and identity.  Takes ownership of both; 'identity' is
 * freed by 'free_cb'. */
void http_request_set_who(struct http_request *, char *who, void *identity,
                          void (*free_cb)(void *identity));
/* Sets the limits of 'client', which hold for all of its connections together.
 * For options.authenticate; by default, the limits are HTTP_LIMITS_DEFAULT for
 * each http_request_who(). */
void http_request_set_limits(struct http_request *, const char *client,
                             const struct http_limits *);
/* Returns the identity that http_request_set_who() has set, or NULL. */
void *http_request_identity(const struct http_request *);
int http_request_permission(const struct http_request *);
/* Replies 401 with 'text'.  'guess' says that the client has sent an unknown
 * token: if such tokens keep coming from its address, replies are delayed, and
 * tokens from there are not checked for a while.  Not for a token that was
 * valid before. */
void http_reply_unauthorized(struct http_request *, const char *text,
                             bool guess);
const void *http_request_data(const struct http_request *);
/* Returns the decoded segment that matched 'name' of the pattern; never
 * NULL. */
const char *http_request_param(const struct http_request *, const char *name);
/* Returns the decoded value of a query parameter, or NULL. */
const char *http_request_query(const struct http_request *, const char *name);
/* Returns the value of a header, or NULL. */
const char *http_request_header(const struct http_request *,
                                const char *name);

/* Returns the method's name, such as "HEAD". */
const char *http_request_method(const struct http_request *);
/* Returns the path and query as they were sent. */
const char *http_request_target(const struct http_request *);

/* Returns true if another server has passed it on. */
bool http_request_is_relayed(const struct http_request *);
/* Returns who has sent it, as http_request_who() does until the request is
 * authenticated. */
const char *http_request_client(const struct http_request *);

/* Ends a wait of options.hold: the route's handler is called.  The request has
 * no close callback any more. */
void http_request_handle(struct http_request *);

/* Returns the size of the body in bytes. */
size_t http_request_body_size(const struct http_request *);
/* Returns the body, which has no null at its end. */
const char *http_request_body(const struct http_request *);
/* Parses the body.  On error answers the request and returns NULL.  The caller
 * owns the value.  If the options have a pause callback, the client may
 * disconnect during it; the request must be answered or dropped all the
 * same. */
json_t *http_request_json(struct http_request *);

/* Sets '*etag' to the tag of If-Match, without quotes, or "*", or NULL if
 * there is none; the caller frees it.  Sets '*creates' to whether there is
 * "If-None-Match: *", which is for PUT.  On error answers the request and
 * returns false.  A weak tag is returned unchanged, and so never matches. */
bool http_request_if_match(struct http_request *, char **etag, bool *creates);

/* Sets '*key' to the value of Idempotency-Key, without quotes, or to NULL if
 * there is none; the caller frees it.  On error answers the request and
 * returns false: there are several, or the text in quotes is no string (RFC
 * 8941). */
bool http_request_idempotency_key(struct http_request *, char **key);

/* Appends method, path and query, but for the parameters 'except', of which
 * the last is NULL: the same text for the same request. */
void http_request_print(const struct http_request *,
                        const char *const *except, struct ds *);

/* Returns true if If-None-Match contains 'etag' (weakly compared; RFC 9110,
 * section 13.1.2) or "*". */
bool http_request_has_etag(const struct http_request *, const char *etag);
/* Returns true if Accept-Encoding accepts 'coding': it or "*" is listed with a
 * weight other than 0. */
bool http_request_accepts(const struct http_request *, const char *coding);

/* Has 'close_cb' called once if the client disconnects before the request is
 * answered, or http_server_end_invalid() ends it.  The request must still be
 * answered or dropped. */
void http_request_set_close_cb(struct http_request *,
                               void (*close_cb)(void *aux), void *aux);
/* Closes the connection without a reply, and ends the request.  One that
 * http_server_end_invalid() ends is replied to. */
void http_request_drop(struct http_request *);

/* Replies: each ends the request.  --------------------------------------- */

/* Adds a header.  'value' must be visible ASCII and spaces. */
void http_reply_header(struct http_request *, const char *name,
                       const char *value);
/* Lets clients cache the reply, if they revalidate it each time.  Other
 * replies are not cached, are no content for a browser to show, and have a
 * Content-Security-Policy of their own, which this reply must set itself. */
void http_reply_allow_caching(struct http_request *);
/* Sets the header ETag to '"etag"'; a reply that is compressed has it with
 * "-gzip".  A read that http_reply_body() answers with 200 is answered with
 * 304 instead if If-None-Match has the tag. */
void http_reply_etag(struct http_request *, const char *etag);
/* The same with a weak tag: two bodies of the same tag are equivalent, not
 * equal (RFC 9110, section 8.8.1). */
void http_reply_weak_etag(struct http_request *, const char *etag);
/* Marks the reply as one that may contain a secret: it is not compressed,
 * since the length of a compressed body reveals text that a secret and input
 * of another client have in common (BREACH). */
void http_reply_secret(struct http_request *);

/* Replies with a copy of 'size' bytes. */
void http_reply_bytes(struct http_request *, int status,
                      const char *content_type, const void *bytes,
                      size_t size);
/* Replies 304 (the client's copy is current) or 204, which have no body. */
void http_reply_empty(struct http_request *, int status);

/* Replies with the text of 'body', of which it takes ownership.  Long ones of
 * reads are compressed (http-gzip.c). */
void http_reply_body(struct http_request *, int status,
                     const char *content_type, struct ds *body);

/* Replies with 'size' bytes of the file 'fd', of which it takes ownership, as
 * the client reads them: the file is not held in memory. */
void http_reply_file(struct http_request *, int status,
                     const char *content_type, int fd, off_t size);

/* Replies application/problem+json: {"type", "title", "status", "detail",
 * "errors"}.  'kind' is the last part of the type's URN, or NULL for
 * about:blank.  Takes ownership of 'errors' (an array of {"pointer",
 * "detail"}, or NULL). */
void http_reply_problem(struct http_request *, int status, const char *kind,
                        json_t *errors, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* For options.relay: the other server has authenticated the client, so its
 * connection is not closed any more to make room. */
void http_request_relayed_ok(struct http_request *);

/* Returns an element of 'errors': {"pointer": "", "parameter": name, "detail":
 * text}. */
json_t *http_query_error(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Streams: a reply that goes on.  ----------------------------------------- */

struct http_stream;

struct http_stream_ops {
    /* The client has read, and fewer than HTTP_STREAM_LOW bytes are queued. */
    void (*drained)(void *aux);
    /* The client has disconnected, or was disconnected since it did not read
     * ('stuck').  The stream no longer exists. */
    void (*closed)(void *aux, bool stuck);
};
#define HTTP_STREAM_LOW (16 * 1024)

/* Begins a reply that ends with the connection, and ends the request.  HEAD
 * gets the head alone.  Returns NULL if the client has disconnected, or after
 * a HEAD; no callback of 'ops' is called then.  Callbacks are called from the
 * loop, never from inside of a function of this header except
 * http_server_destroy(). */
struct http_stream *http_reply_stream(struct http_request *, int status,
                                      const char *content_type,
                                      const struct http_stream_ops *ops,
                                      void *aux);
/* The same with a body of 'size' bytes, which are to follow: a client can tell
 * whether all have come. */
struct http_stream *http_reply_sized_stream(struct http_request *, int status,
                                            const char *content_type,
                                            int64_t size,
                                            const struct http_stream_ops *,
                                            void *aux);
/* Appends 'size' bytes.  They are sent once per iteration of the loop.  A
 * client that reads nothing for options.write_timeout_ms while bytes are
 * queued is disconnected.  The caller must bound what is queued. */
void http_stream_write(struct http_stream *, const char *data, size_t size);
/* Returns how many bytes are queued for the client. */
size_t http_stream_queued(const struct http_stream *);
/* Returns the client's name, as http_request_who(). */
const char *http_stream_who(const struct http_stream *);
/* Closes the stream once what is queued has been sent; the caller must not use
 * it any more.  No callback is called. */
void http_stream_end(struct http_stream *);
/* Closes the stream; queued bytes are lost.  'closed' is not called. */
void http_stream_close(struct http_stream *);

/* JSON text from outside.  ------------------------------------------------ */

/* Parses all of 'text' as one JSON value: UTF-8, no duplicate keys, nothing
 * after it, within the bounds above.  Returns NULL with a sentence in '*fault'
 * (caller frees) on error.  Of the options, which may be NULL, only 'pause' is
 * used. */
json_t *http_json_parse(const char *text, size_t size,
                        const struct http_options *, char **fault);
/* Appends "/KEY" to a JSON pointer, with 'key' escaped as in RFC 6901, section
 * 3. */
void http_json_pointer_add(struct ds *pointer, const char *key);
/* Returns a JSON string of any text: bytes that are not UTF-8 are replaced by
 * '?'. */
json_t *http_json_string(const char *text);

#endif /* proto/http/http.h */
