/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of vmnd's API over a unix socket, TCP or TLS, through libcurl.  Not
 * for the meaning of replies (api-call.h). */

#ifndef CONTROLLER_CTL_API_CLIENT_H
#define CONTROLLER_CTL_API_CLIENT_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "controller/schema/error.h"

struct ctl_client;

#define CTL_DEFAULT_SERVER "unix:/run/vmn/vmnd.sock"

/* Maximum size of a reply, in bytes. */
#define CTL_REPLY_SIZE_MAX (256 * 1024 * 1024)

struct ctl_reply {
    int status;                 /* HTTP status. */
    json_t *body;               /* NULL if the reply is not JSON.  Owned. */
    char *text;                 /* The body as received.  Owned. */
    size_t size;
    bool may_be_old;            /* There may be newer revisions than that which
                                 * it shows, */
    char revision[21];          /* this one; "" if it is not said. */
    int retry_after_s;          /* Retry-After, in seconds; 0: none. */
    const char *server;         /* Borrowed from the client. */
};
void ctl_reply_uninit(struct ctl_reply *);

/* Returns true if the reply is the problem "urn:vmn:problem:KIND". */
bool ctl_reply_is_problem(const struct ctl_reply *, const char *kind);

/* Credentials.  Each may be NULL. */
struct ctl_credentials {
    char *token;                /* Sent as a bearer token. */
    const char *ca_cert;        /* PEM files for "ssl:": the CA of the server's
                                 * certificate, instead of the system's CAs; */
    const char *certificate;    /* the client certificate and its key. */
    const char *private_key;
};

/* Creates a client of 'servers', with commas between: each "unix:PATH",
 * "tcp:HOST:PORT" or "ssl:HOST:PORT".  If that is invalid, returns NULL with
 * an error.
 *
 * Several servers are members of a cluster.  The client calls one of them, and
 * another if that is not reached, breaks the connection, does not reply in
 * time or replies 503 with Retry-After; but a request that the server may have
 * carried out only if it is a GET or has an idempotency key.  A certificate
 * that is not accepted is an error at once. */
struct ctl_client *ctl_client_create(const char *servers,
                                     const struct ctl_credentials *,
                                     struct vmn_error *why);
void ctl_client_destroy(struct ctl_client *);

/* Sets the header If-Match of the requests that follow to 'tag'; NULL:
 * none. */
void ctl_client_if_match(struct ctl_client *, const char *tag);

/* Has the requests that follow create an object only (If-None-Match), until
 * the next call of ctl_client_if_match(). */
void ctl_client_creates(struct ctl_client *);

/* Sets the header Idempotency-Key of the requests that follow; NULL: none. */
void ctl_client_idempotency_key(struct ctl_client *, const char *key);

/* Makes a call.  'path' begins with "/" and is percent-encoded.  'body' is
 * sent as 'type', unless it is NULL.  'timeout_ms' is a server's time for the
 * reply.  Returns 0 with the reply, of any status, in '*reply'; or, if there
 * was none, a positive errno with an error, which names each server that was
 * called: ECONNREFUSED if no server was reached, ECONNRESET if a connection
 * broke before the reply, ETIMEDOUT, EAGAIN if none of several servers has a
 * writer (after the reply's 'retry_after_s' they may), EPROTO if a certificate
 * is not accepted. */
int ctl_client_call(struct ctl_client *, const char *method,
                    const char *path, const json_t *body, const char *type,
                    int timeout_ms, struct ctl_reply *,
                    struct vmn_error *why);

/* GETs 'path'.  If the status is 200, writes the body to 'fd'; else the body
 * is in '*reply'.  The call is aborted after 'idle_timeout_ms' without a byte.
 * Errors as of ctl_client_call(). */
int ctl_client_download(struct ctl_client *, const char *path,
                        int idle_timeout_ms, int fd, struct ctl_reply *,
                        struct vmn_error *why);

/* GETs 'path', whose reply does not end by itself, and calls 'take' with each
 * piece of the body if the status is 200, and about once a second with no
 * bytes; else the body is in '*reply'.
 * Returns 0 when the server ends the reply, or 'take' returns false; other
 * errors as of ctl_client_download(). */
typedef bool ctl_client_data_cb(void *aux, const char *data, size_t size);
int ctl_client_stream(struct ctl_client *, const char *path,
                      int idle_timeout_ms, ctl_client_data_cb *take, void *aux,
                      struct ctl_reply *, struct vmn_error *why);

/* Returns a time in milliseconds that only advances. */
long long int ctl_now_ms(void);

#endif /* controller/ctl/api-client.h */
