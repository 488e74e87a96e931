/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests between servers: what one server believes of a request that another
 * one passes on, and what it does with one that it passes on itself.  Not for
 * the calls of the other server (proto/relay). */

#include <config.h>

#include "proto/http/http-private.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Longest name of a client. */
#define CLIENT_MAX 100

/* Received.  -------------------------------------------------------------- */

static bool
is_client(const char *text)
{
    size_t len = text ? strlen(text) : 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] >= 0x7f) {
            return false;
        }
    }
    return len && len <= CLIENT_MAX;
}

/* Replies that the other server is not believed. */
static void
refuse_relay(struct http_request *req, const char *name)
{
    req->server->stats.n_unauthorized++;
    req->head.close = true;
    http_reply_problem(req, 403, "forbidden", NULL, "A certificate of %s%s%s "
                       "does not allow to pass requests of others on",
                       name ? "\"" : "", name ? name : "nobody",
                       name ? "\"" : "");
}

bool
http_relayed_get_peer(struct http_request *req, struct http_peer *peer,
                      char **certificate)
{
    const struct http_options *options = &req->server->options;
    const char *client = http_request_header(req, HTTP_RELAYED_CLIENT);
    const char *as = http_request_header(req, HTTP_RELAYED_AS);
    size_t len = strlen(HTTP_RELAYED_CERTIFICATE);
    char *relay = http_conn_certificate(req->conn);
    bool ok = relay && options->may_relay(relay, req->server->aux);

    if (!ok) {
        refuse_relay(req, relay);
    } else if (!is_client(client)) {
        ok = false;
        http_reply_problem(req, 400, "http", NULL, "%s does not name a client",
                           HTTP_RELAYED_CLIENT);
    }
    free(relay);
    if (!ok) {
        return false;
    }
    free(req->who);
    req->who = xstrdup(client);
    free(req->client);
    req->client = xstrdup(client);
    *certificate = (as && !strncmp(as, HTTP_RELAYED_CERTIFICATE, len)
                    ? http_percent_decode(as + len, strlen(as + len), false)
                    : NULL);
    peer->trusted = as && !strcmp(as, HTTP_RELAYED_TRUSTED);
    peer->certificate = *certificate;
    return true;
}

/* Passed on.  ------------------------------------------------------------- */

/* The body is bounded as that of any client; who sends nothing that could
 * authenticate it may only ask for what needs no authentication. */
bool
http_relay_accept(struct http_request *req)
{
    struct http_peer peer;
    char *certificate;
    bool ok;

    if (!http_request_check_origin(req)
        || !http_request_get_peer(req, &peer, &certificate)) {
        return false;
    }
    ok = (peer.trusted || peer.token || certificate
          || (req->head.method == HTTP_GET && !req->head.chunked
              && !req->head.body_size));
    free(certificate);
    if (!ok) {
        http_request_ask_for_token(req);
        return false;
    }
    if (peer.trusted) {
        http_request_authenticated(req);
    }
    return http_limits_take(req, req->head.body_size);
}

void
http_relay_dispatch(struct http_request *req)
{
    struct http_peer peer;
    char *certificate;

    if (http_request_get_peer(req, &peer, &certificate)) {
        req->server->options.relay(req, &peer, req->server->aux);
        free(certificate);
    }
}

void
http_request_relayed_ok(struct http_request *req)
{
    if (req->conn) {
        http_request_authenticated(req);
        /* It keeps its place until the end of the reply, which may be a
         * stream. */
        http_conn_dispatched(req->conn);
    }
}
