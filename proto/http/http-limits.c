/* SPDX-License-Identifier: Apache-2.0
 *
 * How many bytes of bodies may be in memory: of one request, of one client
 * (however many connections it has), and of all; and how many connections one
 * client may have in use.  Bytes are taken when the head, or a chunk's size,
 * announces them, and given back when the request ends, since until then its
 * content is held in one form or another.  A connection is given back when the
 * reply has left.
 *
 * Not for rates: see body_rate_min in http.h. */

#include <config.h>

#include "proto/http/http-private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "openvswitch/hmap.h"
#include "util.h"

/* The resources of a client's account.  Exists while it has any. */
struct http_account {
    struct hmap_node node;      /* In 'map', by its key. */
    char *key;
    uint64_t n_bytes;           /* Of bodies in flight. */
    size_t n_conns;             /* In use, of those that count. */
};

/* Reference-counted by the server and by each request with a body, since a
 * request may outlive its connection and the server. */
struct http_accounts {
    unsigned n_refs;
    uint64_t n_bytes;           /* Of all accounts that are not exempt. */
    struct hmap map;            /* Of struct http_account. */
};

struct http_accounts *
http_accounts_create(void)
{
    struct http_accounts *accounts = xzalloc(sizeof *accounts);

    accounts->n_refs = 1;
    hmap_init(&accounts->map);
    return accounts;
}

void
http_accounts_unref(struct http_accounts *accounts)
{
    if (accounts && !--accounts->n_refs) {
        hmap_destroy(&accounts->map);
        free(accounts);
    }
}

uint64_t
http_accounts_body_bytes(const struct http_accounts *accounts)
{
    return accounts->n_bytes;
}

static struct http_account *
find_account(const struct http_accounts *accounts, const char *key)
{
    struct http_account *account;

    HMAP_FOR_EACH_WITH_HASH (account, node, hash_string(key, 0),
                             &accounts->map) {
        if (!strcmp(account->key, key)) {
            return account;
        }
    }
    return NULL;
}

static struct http_account *
get_account(struct http_accounts *accounts, const char *key)
{
    struct http_account *account = find_account(accounts, key);

    if (!account) {
        account = xzalloc(sizeof *account);
        account->key = xstrdup(key);
        hmap_insert(&accounts->map, &account->node, hash_string(key, 0));
    }
    return account;
}

/* Frees 'account' if its client has no resources any more. */
static void
release_account(struct http_accounts *accounts, struct http_account *account)
{
    if (!account->n_bytes && !account->n_conns) {
        hmap_remove(&accounts->map, &account->node);
        free(account->key);
        free(account);
    }
}

void
http_request_set_limits(struct http_request *req, const char *client,
                        const struct http_limits *limits)
{
    free(req->client);
    req->client = xstrdup(client);
    req->limits = *limits;
}

/* Replies that there is no room for the body; returns false. */
static bool
refuse(struct http_request *req, int status, const char *kind,
       const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    req->server->stats.n_bodies_rejected++;
    if (status != 413) {
        http_reply_header(req, "Retry-After", "1");
    }
    http_reply_problem(req, status, kind, NULL, "%s", text);
    free(text);
    return false;
}

/* Returns true if the body may have 'size' bytes more; otherwise replies. */
static bool
check(struct http_request *req, uint64_t size)
{
    const struct http_limits *limits = &req->limits;
    const struct http_accounts *accounts = req->server->accounts;
    const struct http_account *account = find_account(accounts, req->client);
    uint64_t own = (account ? account->n_bytes : 0) + size;
    uint64_t all = accounts->n_bytes + size;
    size_t body_max = MIN(limits->body_max, HTTP_BODY_MAX);
    size_t max = req->server->options.bodies_max;

    if (req->budget + size > body_max) {
        return refuse(req, 413, "too-large", "The body has %"PRIu64" bytes or "
                      "more; %s may send %"PRIuSIZE, req->budget + size,
                      req->client, body_max);
    } else if (own > limits->bodies_max) {
        return refuse(req, 429, "throttled", "With this body %s has %"PRIu64
                      " bytes of bodies in flight, more than %"PRIuSIZE,
                      req->client, own, limits->bodies_max);
    } else if (!limits->exempt && all > max) {
        return refuse(req, 503, "busy", "With this body all clients have "
                      "%"PRIu64" bytes of bodies in flight, more than "
                      "%"PRIuSIZE, all, max);
    }
    return true;
}

bool
http_limits_take(struct http_request *req, uint64_t size)
{
    if (!size) {
        return true;
    } else if (!check(req, size)) {
        return false;
    }
    if (!req->accounts) {
        req->accounts = req->server->accounts;
        req->accounts->n_refs++;
    }
    get_account(req->accounts, req->client)->n_bytes += size;
    req->budget += size;
    if (!req->limits.exempt) {
        req->accounts->n_bytes += size;
    }
    return true;
}

void
http_limits_release(struct http_request *req)
{
    struct http_account *account;

    if (!req->accounts) {
        return;
    }
    account = find_account(req->accounts, req->client);
    account->n_bytes -= req->budget;
    release_account(req->accounts, account);
    if (!req->limits.exempt) {
        req->accounts->n_bytes -= req->budget;
    }
    req->budget = 0;
    http_accounts_unref(req->accounts);
    req->accounts = NULL;
}

bool
http_limits_take_conn(struct http_request *req)
{
    struct http_accounts *accounts = req->server->accounts;
    size_t max = req->limits.conns_max;
    const struct http_account *account;

    if (!max) {
        return true;
    }
    account = find_account(accounts, req->client);
    if (account && account->n_conns >= max) {
        req->server->stats.n_account_conns_rejected++;
        req->head.close = true;
        http_reply_header(req, "Retry-After", "1");
        http_reply_problem(req, 429, "throttled", NULL, "%s has %"PRIuSIZE" "
                           "connections in use, which is its limit",
                           req->client, max);
        return false;
    }
    req->conn->account = get_account(accounts, req->client);
    req->conn->account->n_conns++;
    return true;
}

void
http_limits_release_conn(struct http_conn *conn)
{
    if (conn->account) {
        conn->account->n_conns--;
        release_account(conn->listener->server->accounts, conn->account);
        conn->account = NULL;
    }
}
