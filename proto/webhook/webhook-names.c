/* SPDX-License-Identifier: Apache-2.0
 *
 * Names; see webhook-names.h. */

#include <config.h>

#include "proto/webhook/webhook-names.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unbound.h>

#include "openvswitch/vlog.h"
#include "proto/loop/seen-file.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(webhook_names);

/* RFC 1035, section 3.2; RFC 3596, section 2.1. */
#define TYPE_A 1
#define TYPE_AAAA 28
#define CLASS_IN 1

enum { RESOLV_CONF, HOSTS, N_FILES };

struct webhook_names {
    struct event_base *base;
    char *files[N_FILES];
    struct stat seen[N_FILES];  /* As of when 'ctx' was made. */
    struct ub_ctx *ctx;         /* Or NULL: nothing was asked for yet. */
    struct event *readable;
    bool processing;            /* 'ctx' is in use further up the stack. */
    size_t n_lookups;
};

/* What one lookup asks for: A, then AAAA. */
#define N_QUERIES 2

struct query {
    struct webhook_lookup *lookup;
    int id;                     /* libunbound's. */
    bool pending;
    size_t n;
    struct sockaddr_storage addresses[WEBHOOK_ADDRESSES_MAX / N_QUERIES];
};

struct webhook_lookup {
    struct webhook_names *names;
    webhook_found *found;
    void *aux;
    struct query queries[N_QUERIES];
    bool failed;                /* The resolver has had no answer. */
};

/* The context.  ----------------------------------------------------------- */

/* Notes what the files are; true if that is different from before. */
static bool
note_files(struct webhook_names *names)
{
    bool changed = false;

    for (int i = 0; i < N_FILES; i++) {
        changed |= seen_file_note(names->files[i], &names->seen[i]);
    }
    return changed;
}

static void
readable_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *names_)
{
    struct webhook_names *names = names_;

    names->processing = true;
    int error = ub_process(names->ctx);
    names->processing = false;
    if (error) {
        static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);

        VLOG_WARN_RL(&rl, "names cannot be looked up (%s)",
                     ub_strerror(error));
    }
}

static void
close_context(struct webhook_names *names)
{
    if (names->ctx) {
        event_free(names->readable);
        ub_ctx_delete(names->ctx);
        names->ctx = NULL;
    }
}

/* Files that are missing or odd leave it with what the others say. */
static bool
open_context(struct webhook_names *names)
{
    int error;

    names->ctx = ub_ctx_create();
    if (!names->ctx) {
        VLOG_WARN("names cannot be looked up: libunbound has no context");
        return false;
    }
    error = ub_ctx_resolvconf(names->ctx, names->files[RESOLV_CONF]);
    if (error) {
        VLOG_WARN("%s: %s", names->files[RESOLV_CONF], ub_strerror(error));
    }
    error = ub_ctx_hosts(names->ctx, names->files[HOSTS]);
    if (error) {
        VLOG_WARN("%s: %s", names->files[HOSTS], ub_strerror(error));
    }
    ub_ctx_async(names->ctx, true);
    names->readable = event_new(names->base, ub_fd(names->ctx),
                                EV_READ | EV_PERSIST, readable_cb, names);
    event_add(names->readable, NULL);
    return true;
}

struct webhook_names *
webhook_names_create(struct event_base *base, const char *resolv_conf,
                     const char *hosts)
{
    struct webhook_names *names = xzalloc(sizeof *names);

    names->base = base;
    names->files[RESOLV_CONF] = xstrdup(resolv_conf ? resolv_conf
                                        : "/etc/resolv.conf");
    names->files[HOSTS] = xstrdup(hosts ? hosts : "/etc/hosts");
    return names;
}

void
webhook_names_destroy(struct webhook_names *names)
{
    if (names) {
        ovs_assert(!names->n_lookups);
        close_context(names);
        for (int i = 0; i < N_FILES; i++) {
            free(names->files[i]);
        }
        free(names);
    }
}

/* Lookups.  --------------------------------------------------------------- */

static void
lookup_free(struct webhook_lookup *lookup)
{
    lookup->names->n_lookups--;
    free(lookup);
}

/* Takes what 'result' has. */
static void
take_addresses(struct query *query, const struct ub_result *result)
{
    bool ipv6 = result->qtype == TYPE_AAAA;
    size_t size = ipv6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);

    for (size_t i = 0; result->havedata && result->data[i]
                       && query->n < ARRAY_SIZE(query->addresses); i++) {
        struct sockaddr_storage *ss = &query->addresses[query->n];

        if (result->len[i] != (int) size) {
            continue;
        }
        memset(ss, 0, sizeof *ss);
        ss->ss_family = ipv6 ? AF_INET6 : AF_INET;
        memcpy(ipv6 ? (void *) &((struct sockaddr_in6 *) ss)->sin6_addr
               : (void *) &((struct sockaddr_in *) ss)->sin_addr,
               result->data[i], size);
        query->n++;
    }
}

static void
lookup_done(struct webhook_lookup *lookup)
{
    struct sockaddr_storage addresses[WEBHOOK_ADDRESSES_MAX];
    const char *fault = (lookup->failed ? "its name cannot be looked up"
                         : "its name has no address");
    webhook_found *found = lookup->found;
    void *aux = lookup->aux;
    size_t n = 0;

    for (int i = 0; i < N_QUERIES; i++) {
        const struct query *query = &lookup->queries[i];

        memcpy(&addresses[n], query->addresses,
               query->n * sizeof *addresses);
        n += query->n;
    }
    lookup_free(lookup);
    found(aux, addresses, n, n ? NULL : fault);
}

static void
answer_cb(void *query_, int error, struct ub_result *result)
{
    struct query *query = query_;
    struct webhook_lookup *lookup = query->lookup;

    query->pending = false;
    if (error) {
        lookup->failed = true;
    } else {
        /* 3 is a name that does not exist; others are no answer. */
        lookup->failed |= result->rcode && result->rcode != 3;
        take_addresses(query, result);
    }
    ub_resolve_free(result);
    for (int i = 0; i < N_QUERIES; i++) {
        if (lookup->queries[i].pending) {
            return;
        }
    }
    lookup_done(lookup);
}

struct webhook_lookup *
webhook_names_ask(struct webhook_names *names, const char *name,
                  webhook_found *found, void *aux)
{
    static const int types[N_QUERIES] = { TYPE_A, TYPE_AAAA };
    struct webhook_lookup *lookup;

    if (!names->n_lookups && !names->processing && note_files(names)) {
        close_context(names);
    }
    if (!names->ctx && !open_context(names)) {
        return NULL;
    }

    lookup = xzalloc(sizeof *lookup);
    lookup->names = names;
    lookup->found = found;
    lookup->aux = aux;
    names->n_lookups++;
    for (int i = 0; i < N_QUERIES; i++) {
        struct query *query = &lookup->queries[i];

        query->lookup = lookup;
        query->pending = !ub_resolve_async(names->ctx, name, types[i],
                                           CLASS_IN, query, answer_cb,
                                           &query->id);
        if (!query->pending) {
            webhook_lookup_cancel(lookup);
            return NULL;
        }
    }
    return lookup;
}

void
webhook_lookup_cancel(struct webhook_lookup *lookup)
{
    if (lookup) {
        for (int i = 0; i < N_QUERIES; i++) {
            if (lookup->queries[i].pending) {
                ub_cancel(lookup->names->ctx, lookup->queries[i].id);
            }
        }
        lookup_free(lookup);
    }
}
