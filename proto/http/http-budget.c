/* SPDX-License-Identifier: Apache-2.0
 *
 * How many bytes of bodies may be in memory: of one request, of one client
 * (however many connections it has), and of all.  Bytes are taken when the
 * head, or a chunk's size, announces them, and given back when the request
 * ends, since until then its content is held in one form or another.
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

/* What a client has in flight. */
struct http_account {
    struct hmap_node node;      /* In 'accounts', by its key. */
    char *key;
    uint64_t n_bytes;           /* Not 0. */
};

/* Counted by the server and by each request with a body: a request may outlive
 * its connection and the server. */
struct http_bodies {
    unsigned n_refs;
    uint64_t n_bytes;           /* Of all but those that are exempt. */
    struct hmap accounts;       /* Of struct http_account. */
};

struct http_bodies *
http_bodies_create(void)
{
    struct http_bodies *bodies = xzalloc(sizeof *bodies);

    bodies->n_refs = 1;
    hmap_init(&bodies->accounts);
    return bodies;
}

void
http_bodies_unref(struct http_bodies *bodies)
{
    if (bodies && !--bodies->n_refs) {
        hmap_destroy(&bodies->accounts);
        free(bodies);
    }
}

uint64_t
http_bodies_size(const struct http_bodies *bodies)
{
    return bodies->n_bytes;
}

static struct http_account *
find_account(const struct http_bodies *bodies, const char *key)
{
    struct http_account *account;

    HMAP_FOR_EACH_WITH_HASH (account, node, hash_string(key, 0),
                             &bodies->accounts) {
        if (!strcmp(account->key, key)) {
            return account;
        }
    }
    return NULL;
}

static struct http_account *
get_account(struct http_bodies *bodies, const char *key)
{
    struct http_account *account = find_account(bodies, key);

    if (!account) {
        account = xzalloc(sizeof *account);
        account->key = xstrdup(key);
        hmap_insert(&bodies->accounts, &account->node, hash_string(key, 0));
    }
    return account;
}

void
http_request_set_limits(struct http_request *req, const char *client,
                        const struct http_limits *limits)
{
    free(req->client);
    req->client = xstrdup(client);
    req->limits = *limits;
}

/* Replies that the body is more than may come now; returns false. */
static bool
refuse(struct http_request *req, int status, const char *kind,
       const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    req->server->stats.n_bodies_refused++;
    if (status != 413) {
        http_reply_header(req, "Retry-After", "1");
    }
    http_reply_problem(req, status, kind, NULL, "%s", text);
    free(text);
    return false;
}

/* Whether the body may have 'size' bytes more, or replies. */
static bool
check(struct http_request *req, uint64_t size)
{
    const struct http_limits *limits = &req->limits;
    const struct http_bodies *bodies = req->server->bodies;
    const struct http_account *account = find_account(bodies, req->client);
    uint64_t own = (account ? account->n_bytes : 0) + size;
    uint64_t all = bodies->n_bytes + size;
    size_t max = req->server->options.bodies_max;

    if (req->budget + size > limits->body_max) {
        return refuse(req, 413, "too-large", "The body has %"PRIu64" bytes or "
                      "more; %s may send %"PRIuSIZE, req->budget + size,
                      req->client, limits->body_max);
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
http_budget_take(struct http_request *req, uint64_t size)
{
    if (!size) {
        return true;
    } else if (!check(req, size)) {
        return false;
    }
    if (!req->bodies) {
        req->bodies = req->server->bodies;
        req->bodies->n_refs++;
    }
    get_account(req->bodies, req->client)->n_bytes += size;
    req->budget += size;
    if (!req->limits.exempt) {
        req->bodies->n_bytes += size;
    }
    return true;
}

void
http_budget_release(struct http_request *req)
{
    struct http_account *account;

    if (!req->bodies) {
        return;
    }
    account = find_account(req->bodies, req->client);
    account->n_bytes -= req->budget;
    if (!account->n_bytes) {
        hmap_remove(&req->bodies->accounts, &account->node);
        free(account->key);
        free(account);
    }
    if (!req->limits.exempt) {
        req->bodies->n_bytes -= req->budget;
    }
    req->budget = 0;
    http_bodies_unref(req->bodies);
    req->bodies = NULL;
}
