/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls to vmnd's API over a unix socket or TCP, through libcurl.  Not for
 * what an answer means (api-call.h). */

#ifndef CONTROLLER_CTL_API_CLIENT_H
#define CONTROLLER_CTL_API_CLIENT_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "controller/schema/error.h"

struct ctl_client;

#define CTL_DEFAULT_SERVER "unix:/run/vmn/vmnd.sock"

/* Largest answer that is taken, in bytes. */
#define CTL_REPLY_SIZE_MAX (256 * 1024 * 1024)

struct ctl_reply {
    int status;                 /* HTTP's. */
    json_t *body;               /* NULL if the answer is not JSON.  Owned. */
    char *text;                 /* The answer as it came.  Owned. */
    size_t size;
};
void ctl_reply_uninit(struct ctl_reply *);

/* What proves who is who.  Each may be NULL. */
struct ctl_credentials {
    char *token;                /* Sent as a bearer token. */
    const char *ca_cert;        /* PEM files for "ssl:": whose the server's is,
                                 * if not of the system's usual ones; */
    const char *certificate;    /* and ours, with its key. */
    const char *private_key;
};

/* 'server' is "unix:PATH", "tcp:HOST:PORT" or "ssl:HOST:PORT".  On one that
 * cannot be meant, returns NULL with an error. */
struct ctl_client *ctl_client_create(const char *server,
                                     const struct ctl_credentials *,
                                     struct vmn_error *why);
void ctl_client_destroy(struct ctl_client *);

/* From now on requests are for the version of an object that has 'tag' alone;
 * NULL: for any. */
void ctl_client_if_match(struct ctl_client *, const char *tag);

/* Does one call.  'path' begins with "/" and is already escaped.  'body' is
 * NULL, or sent as 'type'.  'timeout_ms' is how long the server may take at
 * most.  Returns 0 with the answer, whatever its status, in '*reply', or a
 * positive errno with an error: there was no answer. */
int ctl_client_call(struct ctl_client *, const char *method,
                    const char *path, const json_t *body, const char *type,
                    int timeout_ms, struct ctl_reply *,
                    struct vmn_error *why);

/* GETs 'path' and, if the answer's status is 200, writes its body to 'fd'; of
 * any other, it is in '*reply'.  The server may take any time, but not
 * 'idle_timeout_ms' without a byte.  Errors as of ctl_client_call(). */
int ctl_client_download(struct ctl_client *, const char *path,
                        int idle_timeout_ms, int fd, struct ctl_reply *,
                        struct vmn_error *why);

/* GETs 'path', whose answer does not end by itself, and calls 'take' with each
 * piece of the body of a 200; of any other status, it is in '*reply'.  Returns
 * 0 when the server ends it, or 'take' has returned false; other errors as of
 * ctl_client_call(), and of ctl_client_download() for 'idle_timeout_ms'. */
typedef bool ctl_client_data_cb(void *aux, const char *data, size_t size);
int ctl_client_stream(struct ctl_client *, const char *path,
                      int idle_timeout_ms, ctl_client_data_cb *take, void *aux,
                      struct ctl_reply *, struct vmn_error *why);

#endif /* controller/ctl/api-client.h */
