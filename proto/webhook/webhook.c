/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls, and what became of them; see webhook.h.  A call is in one of two
 * lists: it waits (for its turn, or to be tried again), or it is on its way.
 * All calls of one URL share an endpoint, which bounds how often, and how many
 * at a time. */

#include <config.h>

#include "proto/webhook/webhook.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/vlog.h"
#include "proto/http/http.h"
#include "proto/loop/loop-curl.h"
#include "proto/loop/seen-file.h"
#include "proto/webhook/webhook-attempt.h"
#include "proto/webhook/webhook-url.h"
#include "random.h"
#include "timeval.h"
#include "util.h"
#include "uuid.h"

VLOG_DEFINE_THIS_MODULE(webhook);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(6, 10);

const char *const webhook_outcome_names[WEBHOOK_N_OUTCOMES] = {
    [WEBHOOK_PENDING] = "pending",
    [WEBHOOK_DELIVERED] = "delivered",
    [WEBHOOK_FAILED] = "failed",
    [WEBHOOK_REJECTED] = "rejected",
    [WEBHOOK_DROPPED] = "dropped",
};

struct webhook {
    struct webhook_options options; /* Its strings are not valid after
                                     * webhook_create(). */
    struct webhook_allow allow;
    char *key_file;             /* Or NULL. */
    struct stat key_seen;
    char *key;                  /* The last key that was read, or NULL. */
    char *ca_cert, *proxy;      /* Owned for 'client'; or NULL. */
    struct webhook_client client;
    struct event *wake;
    struct hmap endpoints, owners;
    struct ovs_list waiting, active; /* Of struct call; oldest first. */
    size_t n_waiting, n_active;
    struct webhook_stats stats;
};

/* A URL that is called, or was recently. */
struct endpoint {
    struct hmap_node node;      /* In webhook->endpoints. */
    char *url;
    size_t n_calls, n_active;
    long long int full_ms;      /* When all of its burst is available again. */
};

/* An object on whose behalf calls are made. */
struct owner {
    struct hmap_node node;      /* In webhook->owners. */
    char *name;
    struct webhook_status status; /* Its strings are those below. */
    char *reason, *delivery;    /* Owned. */
};

struct call {
    struct ovs_list node;
    struct webhook *webhook;
    struct endpoint *endpoint;
    struct webhook_url url;
    char *owner, *event, *body;
    char delivery[UUID_LEN + 1];
    unsigned n_attempts;
    long long int created_ms, due_ms; /* By the monotonic clock. */
    struct webhook_attempt *attempt; /* NULL: it waits. */
};

static void wake_cb(evutil_socket_t, short what, void *webhook);

/* Reads the key, if its file has changed.  If that fails, keeps the previous
 * key, and tries again with the next call.  Returns 0, or a positive errno
 * with '*text', which the caller frees. */
static int
read_key(struct webhook *w, char **text)
{
    char *key;
    int error;

    if (!w->key_file || !seen_file_note(w->key_file, &w->key_seen)) {
        return 0;
    }
    error = http_token_load(w->key_file, &key, text);
    if (error) {
        memset(&w->key_seen, 0, sizeof w->key_seen);
    } else {
        free(w->key);
        w->key = key;
    }
    return error;
}

int
webhook_create(const struct webhook_options *options, struct event_base *base,
               struct webhook **wp, char **text)
{
    struct webhook *w = xzalloc(sizeof *w);
    int error = 0;

    *wp = NULL;
    w->options = *options;
    hmap_init(&w->endpoints);
    hmap_init(&w->owners);
    ovs_list_init(&w->waiting);
    ovs_list_init(&w->active);
    *text = webhook_allow_parse(&w->allow, options->allow);
    if (!*text && options->proxy) {
        *text = webhook_proxy_check(options->proxy);
    }
    if (*text) {
        error = EINVAL;
    } else {
        w->key_file = nullable_xstrdup(options->key_file);
        error = read_key(w, text);
    }
    w->ca_cert = nullable_xstrdup(options->ca_cert);
    w->proxy = nullable_xstrdup(options->proxy);
    w->client = (struct webhook_client) {
        .base = base,
        .curl = loop_curl_create(base),
        .timeout_ms = options->attempt_ms,
        .linger_ms = options->linger_ms,
        .ca_cert = w->ca_cert,
        .proxy = w->proxy,
    };
    w->wake = evtimer_new(base, wake_cb, w);
    if (error) {
        webhook_destroy(w);
        return error;
    }
    *wp = w;
    return 0;
}

/* Owners, and what they are told.  ---------------------------------------- */

static struct owner *
find_owner(const struct webhook *w, const char *name)
{
    struct owner *owner;

    HMAP_FOR_EACH_WITH_HASH (owner, node, hash_string(name, 0), &w->owners) {
        if (!strcmp(owner->name, name)) {
            return owner;
        }
    }
    return NULL;
}

static void
owner_destroy(struct webhook *w, struct owner *owner)
{
    hmap_remove(&w->owners, &owner->node);
    free(owner->name);
    free(owner->reason);
    free(owner->delivery);
    free(owner);
}

static struct owner *
make_owner(struct webhook *w, const char *name)
{
    struct owner *owner = find_owner(w, name);

    if (!owner) {
        owner = xzalloc(sizeof *owner);
        owner->name = xstrdup(name);
        hmap_insert(&w->owners, &owner->node, hash_string(name, 0));
    }
    return owner;
}

/* Returns the owner of 'call', or NULL if a later call is the one that it
 * shows. */
static struct owner *
owner_of(const struct call *call)
{
    struct owner *owner = find_owner(call->webhook, call->owner);

    return (owner && !strcmp(owner->delivery, call->delivery) ? owner : NULL);
}

/* Records the outcome of 'call' in its owner's status.  'reason' may be
 * NULL. */
static void
set_status(const struct call *call, enum webhook_outcome outcome,
           const char *reason)
{
    struct owner *owner = owner_of(call);

    if (!owner) {
        return;
    }
    char *copy = nullable_xstrdup(reason);
    free(owner->reason);
    owner->reason = copy;
    owner->status.outcome = outcome;
    owner->status.time_ms = time_wall_msec();
    owner->status.n_attempts = call->n_attempts;
}

bool
webhook_get_status(const struct webhook *w, const char *name,
                   struct webhook_status *status)
{
    const struct owner *owner = find_owner(w, name);

    if (!owner) {
        return false;
    }
    *status = owner->status;
    status->reason = owner->reason;
    status->delivery = owner->delivery;
    return true;
}

void
webhook_forget(struct webhook *w, const char *name)
{
    struct owner *owner = find_owner(w, name);

    if (owner) {
        owner_destroy(w, owner);
    }
}

void
webhook_get_stats(const struct webhook *w, struct webhook_stats *stats)
{
    *stats = w->stats;
    stats->n_calls[WEBHOOK_PENDING] = w->n_waiting + w->n_active;
}

/* Sites.  ----------------------------------------------------------------- */

static struct endpoint *
endpoint_get(struct webhook *w, const char *url)
{
    uint32_t hash = hash_string(url, 0);
    struct endpoint *endpoint;

    HMAP_FOR_EACH_WITH_HASH (endpoint, node, hash, &w->endpoints) {
        if (!strcmp(endpoint->url, url)) {
            return endpoint;
        }
    }
    endpoint = xzalloc(sizeof *endpoint);
    endpoint->url = xstrdup(url);
    hmap_insert(&w->endpoints, &endpoint->node, hash);
    return endpoint;
}

static void
endpoint_destroy(struct webhook *w, struct endpoint *endpoint)
{
    hmap_remove(&w->endpoints, &endpoint->node);
    free(endpoint->url);
    free(endpoint);
}

/* Frees endpoints without calls whose rate limit need not be remembered. */
static void
forget_idle_endpoints(struct webhook *w, long long int now_ms)
{
    struct endpoint *endpoint;

    HMAP_FOR_EACH_SAFE (endpoint, node, &w->endpoints) {
        if (!endpoint->n_calls && endpoint->full_ms <= now_ms) {
            endpoint_destroy(w, endpoint);
        }
    }
}

/* Returns when the endpoint's rate limit allows the next attempt. */
static long long int
endpoint_due_ms(const struct webhook *w, const struct endpoint *endpoint)
{
    unsigned n = w->options.url_burst ? w->options.url_burst - 1 : 0;

    return endpoint->full_ms - (long long int) n * w->options.url_interval_ms;
}

/* Calls.  ----------------------------------------------------------------- */

static void
call_destroy(struct call *call)
{
    struct webhook *w = call->webhook;

    if (call->attempt) {
        webhook_attempt_cancel(call->attempt);
        call->endpoint->n_active--;
        w->n_active--;
    } else {
        w->n_waiting--;
    }
    call->endpoint->n_calls--;
    ovs_list_remove(&call->node);
    webhook_url_uninit(&call->url);
    free(call->owner);
    free(call->event);
    free(call->body);
    free(call);
}

/* Completes 'call' with its outcome, and frees it. */
static void
end(struct call *call, enum webhook_outcome outcome, const char *reason)
{
    struct webhook *w = call->webhook;

    w->stats.n_calls[outcome]++;
    if (outcome != WEBHOOK_DELIVERED) {
        /* Without the path, which may be secret. */
        VLOG_WARN_RL(&rl,
                     "%s: a call of %s about %s was %s after %u attempts: "
                     "%s", call->delivery,
                     call->url.host ? call->url.host : "no host", call->owner,
                     webhook_outcome_names[outcome], call->n_attempts, reason);
    }
    set_status(call, outcome, reason);
    call_destroy(call);
}

/* Makes room for another call, to 'endpoint' if need be. */
static void
make_room(struct webhook *w, const struct endpoint *endpoint)
{
    struct call *call, *victim = NULL;

    if (w->n_waiting < w->options.n_waiting) {
        return;
    }
    LIST_FOR_EACH (call, node, &w->waiting) {
        if (!victim || call->endpoint == endpoint) {
            victim = call;
        }
        if (call->endpoint == endpoint) {
            break;
        }
    }
    if (victim) {
        char *reason = xasprintf("more than %u calls were waiting",
                                 w->options.n_waiting);

        end(victim, WEBHOOK_DROPPED, reason);
        free(reason);
    }
}

static void
wake_at(struct webhook *w, long long int at_ms)
{
    long long int ms = MAX(at_ms - time_msec(), 0);
    struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

    event_add(w->wake, &tv);
}

/* Parses 'text' into '*url', which the caller frees in any case.  Returns
 * NULL, or why it must not be called. */
static char *
check(const struct webhook *w, const char *text, struct webhook_url *url)
{
    char *fault = webhook_url_parse(url, text);

    if (fault) {
        char *sentence = xasprintf("this URL cannot be called: %s", fault);

        free(fault);
        return sentence;
    }
    return (webhook_allow_matches(&w->allow, url) ? NULL
            : xstrdup("the URL is not among those that --webhook-allow "
                      "names"));
}

char *
webhook_check(const struct webhook *w, const char *text)
{
    struct webhook_url url;
    char *fault = check(w, text, &url);

    webhook_url_uninit(&url);
    return fault;
}

void
webhook_call(struct webhook *w, const char *owner_name, const char *url,
             const char *event, const char *body)
{
    struct owner *owner = make_owner(w, owner_name);
    struct call *call = xzalloc(sizeof *call);
    long long int now_ms = time_msec();
    struct uuid uuid;

    forget_idle_endpoints(w, now_ms);
    uuid_generate(&uuid);
    snprintf(call->delivery, sizeof call->delivery, UUID_FMT,
             UUID_ARGS(&uuid));
    call->webhook = w;
    call->endpoint = endpoint_get(w, url);
    call->endpoint->n_calls++;
    call->owner = xstrdup(owner_name);
    call->event = xstrdup(event);
    call->body = xstrdup(body);
    call->created_ms = call->due_ms = now_ms;
    free(owner->delivery);
    owner->delivery = xstrdup(call->delivery);

    char *fault = check(w, url, &call->url);
    if (!fault && strlen(body) > WEBHOOK_BODY_MAX) {
        fault = xasprintf("its body has more than %d bytes",
                          WEBHOOK_BODY_MAX);
    }
    if (!fault) {
        make_room(w, call->endpoint);
    }
    ovs_list_push_back(&w->waiting, &call->node);
    w->n_waiting++;
    if (fault) {
        end(call, WEBHOOK_REJECTED, fault);
        free(fault);
    } else {
        set_status(call, WEBHOOK_PENDING, NULL);
        wake_at(w, now_ms);
    }
}

/* Tries.  ----------------------------------------------------------------- */

/* Appends "NAME: VALUE" to 'list', which may be NULL, and returns the list. */
static struct curl_slist *
add_header(struct curl_slist *list, const char *name, const char *value)
{
    char *line = xasprintf("%s: %s", name, value);

    list = curl_slist_append(list, line);
    if (!list) {
        out_of_memory();
    }
    free(line);
    return list;
}

static struct curl_slist *
add_signature(struct curl_slist *list, const char *key, const char *timestamp,
              const char *body)
{
    char *text = xasprintf("%s.%s", timestamp, body);
    struct ds value = DS_EMPTY_INITIALIZER;
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int size = 0;

    if (!HMAC(EVP_sha256(), key, (int) strlen(key), (unsigned char *) text,
              strlen(text), mac, &size)) {
        out_of_memory();
    }
    ds_put_cstr(&value, "sha256=");
    for (unsigned int i = 0; i < size; i++) {
        ds_put_format(&value, "%02x", mac[i]);
    }
    list = add_header(list, "X-VMN-Signature", ds_cstr(&value));
    ds_destroy(&value);
    free(text);
    return list;
}

static struct curl_slist *
make_headers(const struct call *call)
{
    char *timestamp = xasprintf("%lld", time_wall_msec() / 1000);
    struct webhook *w = call->webhook;
    struct curl_slist *list = NULL;
    char *reason;

    if (read_key(w, &reason)) {
        VLOG_WARN_RL(&rl, "calls are signed with the previous key: %s",
                     reason);
        free(reason);
    }
    list = add_header(list, "Connection", "close");
    list = add_header(list, "Content-Type", "application/json");
    list = add_header(list, "X-VMN-Event", call->event);
    list = add_header(list, "X-VMN-Delivery", call->delivery);
    list = add_header(list, "X-VMN-Timestamp", timestamp);
    if (w->key) {
        list = add_signature(list, w->key, timestamp, call->body);
    }
    free(timestamp);
    return list;
}

/* Returns true if it may help to try again after this status. */
static bool
is_for_later(int status)
{
    return !status || status == 408 || status == 429 || status >= 500;
}

/* Returns the delay before the next attempt, in milliseconds. */
static long long int
backoff(const struct call *call, const struct webhook_result *result)
{
    const struct webhook_options *options = &call->webhook->options;
    long long int ms = ((long long int) options->backoff_ms
                        << (call->n_attempts - 1));

    ms = ms * (75 + random_range(51)) / 100;
    return MAX(ms, MIN(result->retry_after_ms, options->retry_after_max_ms));
}

/* Handles the end of an attempt: completes 'call', or schedules the next
 * one. */
static void
settle(struct call *call, const struct webhook_result *result)
{
    const struct webhook_options *options = &call->webhook->options;
    long long int now_ms = time_msec();
    int status = result->status;
    char *reason;

    if (status >= 200 && status < 300) {
        end(call, WEBHOOK_DELIVERED, NULL);
        return;
    }
    reason = (!status ? xstrdup(result->fault)
              : status < 400
              ? xasprintf("it answered %d, and redirects are not followed",
                          status)
              : xasprintf("it answered %d", status));
    call->due_ms = now_ms + backoff(call, result);
    if (!is_for_later(status) || call->n_attempts >= options->n_attempts
        || call->due_ms - call->created_ms > options->retry_within_ms) {
        end(call, WEBHOOK_FAILED, reason);
    } else {
        set_status(call, WEBHOOK_PENDING, reason);
    }
    free(reason);
}

static void
attempt_done_cb(void *call_, const struct webhook_result *result)
{
    struct call *call = call_;
    struct webhook *w = call->webhook;

    call->attempt = NULL;
    call->endpoint->n_active--;
    w->n_active--;
    ovs_list_remove(&call->node);
    ovs_list_push_back(&w->waiting, &call->node);
    w->n_waiting++;
    settle(call, result);
    wake_at(w, time_msec());
}

/* Starts an attempt. */
static void
start(struct call *call, long long int now_ms)
{
    struct owner *owner = owner_of(call);
    struct webhook *w = call->webhook;

    call->n_attempts++;
    call->endpoint->full_ms = (MAX(call->endpoint->full_ms, now_ms)
                               + w->options.url_interval_ms);
    w->stats.n_attempts++;
    if (owner) {
        owner->status.n_attempts = call->n_attempts;
    }
    call->attempt = webhook_attempt_start(&w->client, &call->url,
                                          make_headers(call), call->body,
                                          attempt_done_cb, call);
    call->endpoint->n_active++;
    w->n_active++;
    ovs_list_remove(&call->node);
    ovs_list_push_back(&w->active, &call->node);
    w->n_waiting--;
}

/* Starts the attempts that are due, and schedules a wake-up for the others. */
static void
wake_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *w_)
{
    struct webhook *w = w_;
    long long int now_ms = time_msec(), next_ms = LLONG_MAX;
    struct call *call;

    forget_idle_endpoints(w, now_ms);
    LIST_FOR_EACH_SAFE (call, node, &w->waiting) {
        struct endpoint *endpoint = call->endpoint;
        long long int due_ms = MAX(call->due_ms, endpoint_due_ms(w, endpoint));

        if (w->n_active >= w->options.n_active) {
            return;             /* The end of one of these calls wake_cb()
                                 * again. */
        }
        if (endpoint->n_active >= WEBHOOK_URL_ACTIVE_MAX) {
            continue;           /* The same. */
        }
        if (due_ms > now_ms) {
            next_ms = MIN(next_ms, due_ms);
        } else {
            start(call, now_ms);
        }
    }
    if (next_ms != LLONG_MAX) {
        wake_at(w, next_ms);
    }
}

void
webhook_destroy(struct webhook *w)
{
    struct owner *owner;
    struct endpoint *endpoint;
    struct call *call;

    if (!w) {
        return;
    }
    LIST_FOR_EACH_SAFE (call, node, &w->waiting) {
        call_destroy(call);
    }
    LIST_FOR_EACH_SAFE (call, node, &w->active) {
        call_destroy(call);
    }
    HMAP_FOR_EACH_SAFE (owner, node, &w->owners) {
        owner_destroy(w, owner);
    }
    HMAP_FOR_EACH_SAFE (endpoint, node, &w->endpoints) {
        endpoint_destroy(w, endpoint);
    }
    hmap_destroy(&w->owners);
    hmap_destroy(&w->endpoints);
    loop_curl_destroy(w->client.curl);
    webhook_allow_uninit(&w->allow);
    event_free(w->wake);
    free(w->ca_cert);
    free(w->proxy);
    free(w->key_file);
    free(w->key);
    free(w);
}
