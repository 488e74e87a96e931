/* SPDX-License-Identifier: Apache-2.0
 *
 * Who has sent a request, and whether it is believed: origin, token,
 * certificate, or what another server says that passes it on; and requests
 * that this one passes on, for another to authenticate.  Not for what the
 * client may do (options.authorize), nor for the calls of the other server
 * (proto/relay). */

#include <config.h>

#include "proto/http/http-private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util.h"

/* Longest name of a client. */
#define CLIENT_MAX 100

/* Token.  ---------------------------------------------------------------- */

/* Compares in a time that depends neither on the strings' contents nor on the
 * length of 'want'. */
static bool
equal_in_constant_time(const char *have, const char *want)
{
    size_t have_len = strlen(have), want_len = strlen(want);
    unsigned char a[HTTP_TOKEN_MAX] = { 0 }, b[HTTP_TOKEN_MAX] = { 0 };
    volatile unsigned char differs = have_len != want_len;

    if (have_len > sizeof a || want_len > sizeof b) {
        return false;
    }
    memcpy(a, have, have_len);
    memcpy(b, want, want_len);
    for (size_t i = 0; i < sizeof a; i++) {
        differs |= a[i] ^ b[i];
    }
    return !differs;
}

void
http_token_free(char *token)
{
    if (token) {
        explicit_bzero(token, strlen(token));
        free(token);
    }
}

void
http_request_refuse_login(struct http_request *req, const char *text)
{
    http_reply_header(req, "WWW-Authenticate", "Bearer");
    http_reply_problem(req, 401, "unauthorized", NULL, "%s", text);
}

/* Returns the token that the client has sent, or NULL. */
static const char *
get_token(const struct http_request *req)
{
    const char *value = http_request_header(req, "Authorization");

    return (value && !strncasecmp(value, "Bearer ", 7)
            ? value + 7 + strspn(value + 7, " ") : NULL);
}

void
http_reply_unauthorized(struct http_request *req, const char *text,
                        bool guess)
{
    if (req->server) {
        req->server->stats.n_unauthorized++;
    }
    req->authenticated = false;     /* Or not any more. */
    if (guess && req->conn && req->conn->listener->relayed) {
        http_reply_header(req, HTTP_RELAYED_GUESS, "yes");
        guess = false;
    }
    if (!guess || !req->conn || !http_logins_delay(req, text)) {
        http_request_refuse_login(req, text);
    }
}

/* Returns true if 'token' may be checked now; otherwise replies.  The one that
 * was valid before on this connection may always be, since it is no guess. */
static bool
may_check_token(struct http_request *req, const char *token)
{
    const struct http_conn *conn = req->conn;

    if (!token || conn->listener->unix_path || !http_logins_are_blocked(req)
        || (conn->token && equal_in_constant_time(token, conn->token))) {
        return true;
    }
    req->server->stats.n_logins_rejected++;
    req->head.close = true;
    http_reply_header(req, "Retry-After", "1");
    http_reply_problem(req, 429, "throttled", NULL, "Too many invalid tokens "
                       "from this address: its tokens are not checked for "
                       "now, except on connections that were authenticated "
                       "before");
    return false;
}

/* Records that a request with 'token' (or NULL) was authenticated. */
static void
remember_token(struct http_conn *conn, const char *token)
{
    if (token && !conn->listener->unix_path
        && (!conn->token || strcmp(conn->token, token))) {
        http_token_free(conn->token);
        conn->token = xstrdup(token);
    }
}

/* Requests that another server passes on.  -------------------------------- */

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

/* Fills in the peer that the request says that it is of.  Returns false if it
 * was answered (and freed).  The caller frees '*certificate'. */
static bool
get_relayed_peer(struct http_request *req, struct http_peer *peer,
                 char **certificate)
{
    const struct http_options *options = &req->server->options;
    const char *client = http_request_header(req, HTTP_RELAYED_CLIENT);
    const char *as = http_request_header(req, HTTP_RELAYED_AS);
    size_t len = strlen(HTTP_RELAYED_CERTIFICATE);
    char *relay = http_conn_certificate(req->conn);
    bool known = (!options->knows_relays
                  || options->knows_relays(req->server->aux));
    bool ok = relay && known && options->may_relay(relay, req->server->aux);

    if (relay && !known) {
        http_reply_problem(req, HTTP_MISDIRECTED, "starting", NULL,
                           "This server does not know the others yet");
    } else if (!ok) {
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

/* Who has sent a request.  ------------------------------------------------ */

/* Gets who has sent the request.  Returns false if it was answered (and
 * freed).  The caller frees '*certificate'. */
static bool
get_peer(struct http_request *req, struct http_peer *peer, char **certificate)
{
    const struct http_listener *listener = req->conn->listener;
    const char *token = get_token(req);

    if (listener->relayed) {
        *peer = (struct http_peer) { .token = token };
        return get_relayed_peer(req, peer, certificate);
    }
    if (!may_check_token(req, token)) {
        return false;
    }
    *certificate = http_conn_certificate(req->conn);
    *peer = (struct http_peer) {
        .local = listener->unix_path != NULL,
        .trusted = (listener->unix_path
                    || (token && listener->token
                        && equal_in_constant_time(token, listener->token))),
        .token = token,
        .certificate = *certificate,
    };
    return true;
}

/* Records that its client was authenticated. */
static void
set_authenticated(struct http_request *req)
{
    req->authenticated = true;
    if (!req->conn->listener->relayed) {
        remember_token(req->conn, get_token(req));
    }
    http_conn_authenticated(req->conn);
}

/* Replies 401 to who has sent nothing that authenticates it. */
static void
ask_for_token(struct http_request *req)
{
    http_reply_unauthorized(req, "The header 'Authorization: Bearer TOKEN' is "
                            "required", false);
}

bool
http_request_authenticate(struct http_request *req)
{
    const struct http_options *options = &req->server->options;
    struct http_peer peer;
    char *certificate;
    bool ok;

    if (!get_peer(req, &peer, &certificate)) {
        return false;
    }
    ok = peer.trusted && !options->authenticate;
    if (!peer.trusted && !peer.token && !certificate) {
        ask_for_token(req);
    } else if (options->authenticate) {
        ok = options->authenticate(req, &peer, req->server->aux);
    } else if (!ok) {
        http_reply_unauthorized(req, "The token is invalid", true);
    }
    if (ok) {
        set_authenticated(req);
        ok = http_limits_take_conn(req);
    }
    free(certificate);
    return ok;
}

bool
http_request_check_origin(struct http_request *req)
{
    const char *origin = http_request_header(req, "Origin");

    if (http_origin_is_foreign(req)) {
        req->server->stats.n_cross_origin++;
        http_reply_problem(req, 403, "cross-origin", NULL, "Cross-origin "
                           "requests (from %s) are rejected; --api-origin "
                           "lists the allowed origins",
                           origin ? origin : "not named");
        return false;
    }
    return true;
}

/* Passed on.  ------------------------------------------------------------- */

bool
http_relay_decide(struct http_request *req, const struct http_route *route,
                  bool *passed)
{
    const struct http_options *options = &req->server->options;
    struct http_peer peer;
    char *certificate;

    *passed = !route;
    if (!options->passes_on || (route && route->open)) {
        return true;
    }
    if (!http_request_check_origin(req)
        || !get_peer(req, &peer, &certificate)) {
        return false;
    }
    *passed = options->passes_on(req, route, &peer, req->server->aux);
    free(certificate);
    return true;
}

/* The body is bounded as that of any client; who sends nothing that could
 * authenticate it may only ask for what needs no authentication. */
bool
http_relay_accept(struct http_request *req)
{
    struct http_peer peer;
    char *certificate;
    bool ok;

    if (!http_request_check_origin(req)
        || !get_peer(req, &peer, &certificate)) {
        return false;
    }
    ok = (peer.trusted || peer.token || certificate
          || (req->head.method == HTTP_GET && !req->head.chunked
              && !req->head.body_size));
    free(certificate);
    if (!ok) {
        ask_for_token(req);
        return false;
    }
    if (peer.trusted) {
        set_authenticated(req);
    }
    return http_limits_take(req, req->head.body_size);
}

void
http_relay_dispatch(struct http_request *req)
{
    struct http_peer peer;
    char *certificate;

    if (get_peer(req, &peer, &certificate)) {
        req->server->options.relay(req, &peer, req->server->aux);
        free(certificate);
    }
}

void
http_request_relayed_ok(struct http_request *req)
{
    if (req->conn) {
        set_authenticated(req);
        /* It keeps its place until the end of the reply, which may be a
         * stream. */
        http_conn_dispatched(req->conn);
    }
}
