/* SPDX-License-Identifier: Apache-2.0
 *
 * See resolver.h. */

#include <config.h>

#include "proto/resolver/resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>

#include "openvswitch/list.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(resolver);

/* Types and the class of RFC 1035, section 3.2, and RFC 3596. */
#define TYPE_A 1
#define TYPE_AAAA 28
#define CLASS_IN 1
/* RFC 1035, section 4.1.1. */
#define RCODE_OK 0
#define RCODE_NO_NAME 3

struct resolver {
    struct event_base *base;
    char *servers;              /* Owned; NULL: of /etc/resolv.conf. */
    unsigned negative_s;
    struct ub_ctx *ctx;         /* NULL: nothing was asked yet. */
    struct event *readable;     /* The same. */
    struct ovs_list questions;  /* Of struct question. */
};

/* An open question. */
struct question {
    struct ovs_list node;
    int family;
    resolver_cb *cb;
    void *aux;
};

/* Servers.  --------------------------------------------------------------- */

static bool
is_server(char *server)
{
    char *at = strchr(server, '@');
    uint8_t addr[16];
    int port;

    if (at) {
        *at = '\0';
        if (!str_to_int(at + 1, 10, &port) || port < 1 || port > 65535) {
            return false;
        }
    }
    return inet_pton(AF_INET, server, addr) == 1
           || inet_pton(AF_INET6, server, addr) == 1;
}

char *
resolver_servers_check(const char *servers)
{
    char *copy = xstrdup(servers);
    char *save = NULL, *fault = NULL;
    size_t n = 0;

    for (char *s = strtok_r(copy, ",", &save); s && !fault;
         s = strtok_r(NULL, ",", &save)) {
        if (++n > RESOLVER_SERVERS_MAX) {
            fault = xasprintf("has more than %d servers",
                              RESOLVER_SERVERS_MAX);
        } else if (!is_server(s)) {
            fault = xasprintf("has \"%s\", which is not an address, or one "
                              "with a port as in 192.0.2.53@5353", s);
        }
    }
    free(copy);
    return fault ? fault : n ? NULL : xstrdup("has no server");
}

static int
add_servers(struct ub_ctx *ctx, const char *servers)
{
    char *copy = xstrdup(servers);
    char *save = NULL;
    int error = 0;

    for (char *s = strtok_r(copy, ",", &save); s && !error;
         s = strtok_r(NULL, ",", &save)) {
        error = ub_ctx_set_fwd(ctx, s);
    }
    free(copy);
    return error;
}

/* Answers.  --------------------------------------------------------------- */

static int
compare_ips(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct vmn_ip));
}

/* Returns the '*n' addresses of 'result', sorted, which the caller frees.
 * A message is not longer than 64 KiB, which bounds them. */
static struct vmn_ip *
read_ips(const struct ub_result *result, int family, size_t *n)
{
    const int size = family == 4 ? 4 : 16;
    struct vmn_ip *ips;
    size_t n_data = 0;

    *n = 0;
    while (result->data && result->data[n_data]) {
        n_data++;
    }
    ips = xcalloc(MAX(n_data, 1), sizeof *ips);
    for (size_t i = 0; i < n_data; i++) {
        if (result->len[i] == size) {
            ips[*n].family = (uint8_t) family;
            memcpy(ips[*n].addr, result->data[i], size);
            ++*n;
        }
    }
    qsort(ips, *n, sizeof *ips, compare_ips);
    return ips;
}

static void
answer_cb(void *question_, int error, struct ub_result *result)
{
    struct question *question = question_;
    struct resolver_answer answer = { .result = RESOLVER_FAILURE };
    struct vmn_ip *ips = NULL;
    char why[32];

    if (error || !result) {
        answer.why = ub_strerror(error);
    } else if (result->rcode == RCODE_OK || result->rcode == RCODE_NO_NAME) {
        ips = read_ips(result, question->family, &answer.n);
        answer.ips = ips;
        answer.ttl_s = (uint32_t) MAX(result->ttl, 0);
        answer.result = answer.n ? RESOLVER_ANSWER
                        : result->nxdomain ? RESOLVER_NO_NAME
                        : RESOLVER_NO_ADDRESS;
    } else {
        snprintf(why, sizeof why, "%s",
                 result->rcode == 2 ? "no server answers"
                 : result->rcode == 5 ? "refused" : "an error of a server");
        answer.why = why;
    }
    ovs_list_remove(&question->node);
    question->cb(question->aux, &answer);
    free(question);
    free(ips);
    ub_resolve_free(result);
}

static void
readable_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED,
            void *resolver_)
{
    struct resolver *resolver = resolver_;
    int error = ub_process(resolver->ctx);

    if (error) {
        static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);

        VLOG_ERR_RL(&rl, "answers cannot be read: %s", ub_strerror(error));
    }
}

/* Questions.  ------------------------------------------------------------- */

/* Sets what libunbound of some versions only has; others do without. */
static void
set_option(struct ub_ctx *ctx, const char *option, const char *value)
{
    int error = ub_ctx_set_option(ctx, option, value);

    if (error) {
        VLOG_DBG("%s %s: %s", option, value, ub_strerror(error));
    }
}

static int
set_up(struct ub_ctx *ctx, const char *servers, unsigned negative_s)
{
    static const char *const local[] = { "home.arpa.", "test." };
    char negative[16], connections[16];
    int error = ub_ctx_async(ctx, true);

    snprintf(negative, sizeof negative, "%u", negative_s);
    snprintf(connections, sizeof connections, "%d", RESOLVER_QUESTIONS_MAX);
    /* Servers may be on this machine. */
    set_option(ctx, "do-not-query-localhost:", "no");
    /* There are no keys by which signatures could be checked. */
    set_option(ctx, "module-config:", "iterator");
    set_option(ctx, "cache-max-negative-ttl:", negative);
    /* One that was away is noticed when it is back. */
    set_option(ctx, "infra-host-ttl:", "30");
    set_option(ctx, "infra-keep-probing:", "yes");
    set_option(ctx, "use-syslog:", "no");
    /* A TCP connection for each question: a server may close one after an
     * answer (RFC 7766, section 6.2.1), which fails the other questions on it.
     * No question waits for a connection either: libunbound 1.17 omits the
     * flags of a question that has waited. */
    set_option(ctx, "max-reuse-tcp-queries:", "1");
    set_option(ctx, "outgoing-num-tcp:", connections);
    if (!error) {
        error = (servers ? add_servers(ctx, servers)
                 : ub_ctx_resolvconf(ctx, NULL));
    }
    if (error && !servers) {
        static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 1);

        VLOG_WARN_RL(&rl, "/etc/resolv.conf cannot be used (%s): names are "
                     "asked for at 127.0.0.1", ub_strerror(error));
        error = ub_ctx_set_fwd(ctx, "127.0.0.1");
    }
    /* Which libunbound would say do not exist; the servers know.  That is the
     * last of what is set up. */
    for (size_t i = 0; !error && i < ARRAY_SIZE(local); i++) {
        error = ub_ctx_zone_remove(ctx, local[i]);
    }
    return error;
}

/* Sets libunbound up, unless it is.  Returns 0, or a positive errno: the next
 * question tries again. */
static int
start(struct resolver *resolver)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);
    struct ub_ctx *ctx;
    int error;

    if (resolver->ctx) {
        return 0;
    }
    ctx = ub_ctx_create();
    error = (ctx ? set_up(ctx, resolver->servers, resolver->negative_s)
             : UB_NOMEM);
    if (error) {
        VLOG_ERR_RL(&rl, "names cannot be asked for: libunbound: %s",
                    ub_strerror(error));
        if (ctx) {
            ub_ctx_delete(ctx);
        }
        return EIO;
    }
    resolver->ctx = ctx;
    resolver->readable = event_new(resolver->base, ub_fd(ctx),
                                   EV_READ | EV_PERSIST, readable_cb,
                                   resolver);
    event_add(resolver->readable, NULL);
    return 0;
}

int
resolver_ask(struct resolver *resolver, const char *name, int family,
             resolver_cb *cb, void *aux)
{
    struct question *question;
    int error = start(resolver);

    if (error) {
        return error;
    }
    question = xzalloc(sizeof *question);
    question->family = family;
    question->cb = cb;
    question->aux = aux;
    error = ub_resolve_async(resolver->ctx, name,
                             family == 4 ? TYPE_A : TYPE_AAAA, CLASS_IN,
                             question, answer_cb, NULL);
    if (error) {
        static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);

        VLOG_WARN_RL(&rl, "%s cannot be asked for: %s", name,
                     ub_strerror(error));
        free(question);
        return EIO;
    }
    ovs_list_push_back(&resolver->questions, &question->node);
    return 0;
}

/* Life.  ------------------------------------------------------------------ */

struct resolver *
resolver_create(struct event_base *base, const char *servers,
                unsigned negative_s)
{
    struct resolver *resolver = xzalloc(sizeof *resolver);

    resolver->base = base;
    resolver->servers = nullable_xstrdup(servers);
    resolver->negative_s = negative_s;
    ovs_list_init(&resolver->questions);
    return resolver;
}

void
resolver_destroy(struct resolver *resolver)
{
    struct question *question;

    if (!resolver) {
        return;
    }
    if (resolver->readable) {
        event_free(resolver->readable);
    }
    if (resolver->ctx) {
        ub_ctx_delete(resolver->ctx);
    }
    LIST_FOR_EACH_POP (question, node, &resolver->questions) {
        free(question);
    }
    free(resolver->servers);
    free(resolver);
}
