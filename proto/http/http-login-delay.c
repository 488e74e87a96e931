/* SPDX-License-Identifier: Apache-2.0
 *
 * Rate-limits the guessing of tokens: an address whose logins keep failing
 * gets its 401 replies delayed, each a second after the one before, at most
 * ten at a time.  While ten are due, whether their clients wait or have
 * disconnected, no further token from there is checked: so one address can try
 * one token a second.  Until then a valid token is answered at once.
 *
 * Not for authentication itself, nor for how many connections an address may
 * have (proto/admission). */

#include <config.h>

#include "proto/http/http-private.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "openvswitch/hmap.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(http_login_delay);

/* Authentication failures of an address that get their reply at once; after
 * that, one reply per interval, delayed by no more than the maximum.  In
 * milliseconds. */
#define LOGINS_BURST 10
#define LOGIN_INTERVAL_MS 1000
#define LOGIN_DELAY_MAX_MS 10000
/* Most addresses; the one that has not failed for the longest time is
 * evicted. */
#define LOGIN_SOURCES_MAX 4096

/* A source of failures: an IPv4 address, or the /64 of an IPv6 one. */
struct login_source {
    struct hmap_node node;      /* In 'sources', by its address. */
    struct ovs_list by_age;     /* In 'by_age', by its last failure. */
    struct in6_addr addr;
    long long int due_ms;       /* When its last reply is or was due. */
    uint64_t n_failed;
};

struct http_logins {
    struct event_base *base;
    struct hmap sources;        /* Of struct login_source. */
    struct ovs_list by_age;
};

/* A request whose 401 is delayed. */
struct delayed_reply {
    struct http_request *req;
    struct event *timer;
    char *text;
};

struct http_logins *
http_logins_create(struct event_base *base)
{
    struct http_logins *logins = xzalloc(sizeof *logins);

    logins->base = base;
    hmap_init(&logins->sources);
    ovs_list_init(&logins->by_age);
    return logins;
}

static void
forget_source(struct http_logins *logins, struct login_source *source)
{
    hmap_remove(&logins->sources, &source->node);
    ovs_list_remove(&source->by_age);
    free(source);
}

void
http_logins_destroy(struct http_logins *logins)
{
    struct login_source *source, *next;

    if (!logins) {
        return;
    }
    HMAP_FOR_EACH_SAFE (source, next, node, &logins->sources) {
        forget_source(logins, source);
    }
    hmap_destroy(&logins->sources);
    free(logins);
}

/* Returns the source of 'addr', and sets '*hash' to its hash. */
static struct in6_addr
source_key(const struct in6_addr *addr, uint32_t *hash)
{
    struct in6_addr key = *addr;

    if (!IN6_IS_ADDR_V4MAPPED(&key)) {
        memset(&key.s6_addr[8], 0, 8);
    }
    *hash = hash_bytes(&key, sizeof key, 0);
    return key;
}

/* Returns the entry of 'key', or NULL. */
static struct login_source *
find_source(const struct http_logins *logins, const struct in6_addr *key,
            uint32_t hash)
{
    struct login_source *source;

    HMAP_FOR_EACH_WITH_HASH (source, node, hash, &logins->sources) {
        if (!memcmp(&source->addr, key, sizeof *key)) {
            return source;
        }
    }
    return NULL;
}

/* Returns the entry of 'addr', a new one if need be, and makes it the
 * newest. */
static struct login_source *
get_source(struct http_logins *logins, const struct in6_addr *addr)
{
    uint32_t hash;
    struct in6_addr key = source_key(addr, &hash);
    struct login_source *source = find_source(logins, &key, hash);

    if (source) {
        ovs_list_remove(&source->by_age);
        ovs_list_push_back(&logins->by_age, &source->by_age);
        return source;
    }
    if (hmap_count(&logins->sources) >= LOGIN_SOURCES_MAX) {
        forget_source(logins, CONTAINER_OF(ovs_list_front(&logins->by_age),
                                           struct login_source, by_age));
    }
    source = xzalloc(sizeof *source);
    source->addr = key;
    hmap_insert(&logins->sources, &source->node, hash);
    ovs_list_push_back(&logins->by_age, &source->by_age);
    return source;
}

bool
http_logins_are_blocked(const struct http_request *req)
{
    const struct http_logins *logins = req->server->logins;
    uint32_t hash;
    struct in6_addr key = source_key(&req->conn->entry.peer.addr, &hash);
    const struct login_source *source = find_source(logins, &key, hash);

    return source && (source->due_ms + LOGIN_INTERVAL_MS
                      > time_msec() + LOGIN_DELAY_MAX_MS);
}

/* Counts a failure.  Returns the milliseconds by which its reply is
 * delayed. */
static int
count_failure(struct http_logins *logins, const struct http_request *req)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);
    struct login_source *source = get_source(logins,
                                             &req->conn->entry.peer.addr);
    long long int now_ms = time_msec();
    long long int earliest_ms = now_ms - (LOGINS_BURST - 1)
                                * LOGIN_INTERVAL_MS;

    source->n_failed++;
    source->due_ms = MIN(MAX(source->due_ms + LOGIN_INTERVAL_MS, earliest_ms),
                         now_ms + LOGIN_DELAY_MAX_MS);
    if (source->due_ms <= now_ms) {
        return 0;
    }
    VLOG_WARN_RL(&rl, "%s: %"PRIu64" authentications of this address "
                      "failed; replies are delayed", http_request_who(req),
                 source->n_failed);
    /* LOGIN_DELAY_MAX_MS at most. */
    return (int) (source->due_ms - now_ms);
}

static void
delayed_reply_destroy(struct delayed_reply *late)
{
    event_free(late->timer);
    free(late->text);
    free(late);
}

static void
delayed_reply_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED,
                void *late_)
{
    struct delayed_reply *late = late_;
    struct http_request *req = late->req;

    http_request_set_close_cb(req, NULL, NULL);
    http_request_refuse_login(req, late->text);
    delayed_reply_destroy(late);
}

/* Called when its client has closed the connection. */
static void
delayed_reply_closed(void *late_)
{
    struct delayed_reply *late = late_;

    http_request_drop(late->req);
    delayed_reply_destroy(late);
}

bool
http_logins_delay(struct http_request *req, const char *text)
{
    struct http_logins *logins = req->server->logins;
    struct delayed_reply *late;
    struct timeval tv;
    int ms = count_failure(logins, req);

    if (!ms) {
        return false;
    }
    req->server->stats.n_logins_delayed++;
    /* Its body is not read, so no request may follow on the connection. */
    req->head.close |= req->head.chunked || req->head.body_size;
    late = xmalloc(sizeof *late);
    late->req = req;
    late->text = xstrdup(text);
    late->timer = evtimer_new(logins->base, delayed_reply_cb, late);
    tv.tv_sec = ms / 1000;
    tv.tv_usec = ms % 1000 * 1000;
    evtimer_add(late->timer, &tv);
    http_conn_waits(req->conn);
    http_request_set_close_cb(req, delayed_reply_closed, late);
    return true;
}
