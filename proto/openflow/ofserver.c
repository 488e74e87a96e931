/* SPDX-License-Identifier: Apache-2.0
 *
 * Listens for OpenFlow switches and hands each connection to ofconn.c. */

#include <config.h>

#include "proto/openflow/ofconn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn-private.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(ofserver);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 20);

/* How long accept() rests after it ran out of file descriptors. */
#define RESUME_MS 1000

const struct ofconn_options ofconn_options_default = {
    .tls_handshake_ms = 3 * 1000,
    .handshake_ms = 10 * 1000,
    .probe_ms = 30 * 1000,
    .max_queue = (size_t) 256 << 20,
    .max_conns = 4096,
    .max_pending = 1024,
    .max_source_pending = 128,
    .grace_ms = 1000,
};

/* Where to listen. */
struct address {
    struct sockaddr_storage ss;
    int size;
    bool is_ssl;
};

static int
parse_unix(const char *path, struct address *a, char **text)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };

    if (!path[0] || strlen(path) >= sizeof un.sun_path) {
        *text = xasprintf("unix:%s: a socket's path has 1 to %"PRIuSIZE
                          " characters", path, sizeof un.sun_path - 1);
        return EINVAL;
    }
    ovs_strlcpy(un.sun_path, path, sizeof un.sun_path);
    memcpy(&a->ss, &un, sizeof un);
    a->size = sizeof un;
    return 0;
}

/* Parses "ADDR:PORT" or "[ADDR]:PORT"; unlike libevent's parser this takes
 * port 0 and insists on a port. */
static bool
parse_inet(const char *s, struct address *a)
{
    const char *colon = strrchr(s, ':');
    char host[INET6_ADDRSTRLEN + 3];
    int port;

    if (!colon || (size_t) (colon - s) >= sizeof host
        || !str_to_int(colon + 1, 10, &port) || port < 0 || port > 65535) {
        return false;
    }
    memcpy(host, s, colon - s);
    host[colon - s] = '\0';
    a->size = sizeof a->ss;
    if (evutil_parse_sockaddr_port(host, (struct sockaddr *) &a->ss,
                                   &a->size)
        || (a->ss.ss_family == AF_INET6) != (host[0] == '[')) {
        return false;
    }
    /* The port is at the same place for both families. */
    ((struct sockaddr_in *) &a->ss)->sin_port = htons((uint16_t) port);
    return true;
}

static int
parse_target(const char *target, struct address *a, char **text)
{
    memset(a, 0, sizeof *a);
    if (!strncmp(target, "unix:", 5)) {
        return parse_unix(target + 5, a, text);
    }
    a->is_ssl = !strncmp(target, "ssl:", 4);
    if ((!a->is_ssl && strncmp(target, "tcp:", 4))
        || !parse_inet(target + 4, a)) {
        *text = xasprintf("%s: must be tcp:ADDRESS:PORT, ssl:ADDRESS:PORT or "
                          "unix:PATH", target);
        return EINVAL;
    }
    return 0;
}

/* Removes a socket at 'path' that nobody listens on any more. */
static void
remove_stale_socket(const struct address *a)
{
    const struct sockaddr_un *un = (const struct sockaddr_un *) &a->ss;
    struct stat s;
    int fd;

    if (lstat(un->sun_path, &s) || !S_ISSOCK(s.st_mode)) {
        return;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return;
    }
    if (connect(fd, (const struct sockaddr *) un, sizeof *un)
        && errno == ECONNREFUSED) {
        unlink(un->sun_path);
    }
    close(fd);
}

static char *
format_peer(const struct ofserver *server, const struct sockaddr *sa)
{
    const char *proto = server->ctx ? "ssl" : "tcp";
    char s[INET6_ADDRSTRLEN] = "";

    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *sin = (const struct sockaddr_in *) sa;

        evutil_inet_ntop(AF_INET, &sin->sin_addr, s, sizeof s);
        return xasprintf("%s:%s:%u", proto, s, ntohs(sin->sin_port));
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *) sa;

        evutil_inet_ntop(AF_INET6, &sin6->sin6_addr, s, sizeof s);
        return xasprintf("%s:[%s]:%u", proto, s, ntohs(sin6->sin6_port));
    }
    return xasprintf("unix#%"PRIu64, server->stats.n_accepted);
}

static void
accept_cb(struct evconnlistener *listener OVS_UNUSED, evutil_socket_t fd,
          struct sockaddr *sa, int salen OVS_UNUSED, void *server_)
{
    struct ofserver *server = server_;
    char *peer = format_peer(server, sa);

    if (sa->sa_family != AF_UNIX) {
        int on = 1;

        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    ofserver_adopt(server, fd, peer);
    free(peer);
}

/* accept() failed: most likely no file descriptor is left.  The listening
 * socket stays readable, so without a rest the loop would spin. */
static void
accept_error_cb(struct evconnlistener *listener, void *server_)
{
    struct ofserver *server = server_;
    struct timeval tv = { .tv_sec = RESUME_MS / 1000 };

    VLOG_WARN_RL(&rl, "accept failed: %s; trying again in %d ms",
                 evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()),
                 RESUME_MS);
    evconnlistener_disable(listener);
    event_add(server->resume, &tv);
}

static void
resume_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *server_)
{
    struct ofserver *server = server_;

    evconnlistener_enable(server->listener);
}

static int
server_listen(struct ofserver *server, const char *target, char **text)
{
    struct address a;
    int error = parse_target(target, &a, text);

    if (error) {
        return error;
    }
    if (a.is_ssl != (server->ctx != NULL)) {
        *text = xasprintf(a.is_ssl
                          ? "%s: needs a private key, a certificate and a CA "
                          "certificate" : "%s: takes no certificate", target);
        return EINVAL;
    }
    if (a.ss.ss_family == AF_UNIX) {
        remove_stale_socket(&a);
    }
    server->listener = evconnlistener_new_bind(
        server->base, accept_cb, server,
        LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
        SOMAXCONN, (struct sockaddr *) &a.ss, a.size);
    if (!server->listener) {
        error = errno ? errno : EINVAL;
        *text = xasprintf("%s: listening failed: %s", target,
                          ovs_strerror(error));
        return error;
    }
    evconnlistener_set_error_cb(server->listener, accept_error_cb);
    server->resume = event_new(server->base, -1, 0, resume_cb, server);

    if (a.ss.ss_family == AF_UNIX) {
        server->unlink_path = xstrdup(target + 5);
    }
    return 0;
}

int
ofserver_check(const char *target, char **text)
{
    static const int on = 1;
    struct address a;
    int error = parse_target(target, &a, text);
    int fd;

    if (error || a.ss.ss_family == AF_UNIX) {
        return error;
    }
    fd = socket(a.ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0
        || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on)
        || bind(fd, (struct sockaddr *) &a.ss, a.size)) {
        error = errno == EADDRINUSE ? 0 : errno;
    }
    if (fd >= 0) {
        close(fd);
    }
    if (error) {
        *text = xasprintf("%s: listening failed: %s", target,
                          ovs_strerror(error));
    }
    return error;
}

int
ofserver_create(struct event_base *base, const char *target,
                struct ssl_ctx_st *ctx, const struct ofconn_options *options,
                const struct ofconn_callbacks *callbacks, void *aux,
                struct ofserver **serverp, char **text)
{
    struct ofserver *server = xzalloc(sizeof *server);
    int error = 0;

    *text = NULL;
    server->base = base;
    server->ctx = ctx;
    server->options = *options;
    server->callbacks = callbacks;
    server->aux = aux;
    ofstream_pool_init(&server->streams, base, options->loop);
    server->scratch = xmalloc(OFSTREAM_LEFT_MAX);
    ovs_list_init(&server->conns);
    server->admission = admission_create(&(struct admission_options) {
        .listener = "OpenFlow",
        .max_conns = options->max_conns,
        .max_pending = options->max_pending,
        .max_source_pending = options->max_source_pending,
        .rate = (target && !strncmp(target, "ssl:", 4) ? ADMISSION_TLS_RATE
                 : 0),
        .grace_ms = options->grace_ms,
        .close = ofconn_close_entry,
        .is_known = options->is_known,
        .aux = options->is_known_aux,
    });
    if (target) {
        error = server_listen(server, target, text);
    }
    if (error) {
        ofserver_destroy(server);
        server = NULL;
    }
    *serverp = server;
    return error;
}

void
ofserver_set_generation(struct ofserver *server, uint64_t generation)
{
    server->options.generation = generation;
}

void
ofserver_destroy(struct ofserver *server)
{
    if (!server) {
        return;
    }
    if (server->listener) {
        evconnlistener_free(server->listener);
        event_free(server->resume);
    }
    while (!ovs_list_is_empty(&server->conns)) {
        ofconn_close_first(server);
    }
    if (server->unlink_path) {
        unlink(server->unlink_path);
        free(server->unlink_path);
    }
    ofstream_pool_uninit(&server->streams);
    admission_destroy(server->admission);
    free(server->scratch);
    free(server);
}

void
ofserver_adopt(struct ofserver *server, int fd, const char *peer)
{
    server->stats.n_accepted++;
    ofconn_create(server, fd, peer);
}

void
ofserver_get_stats(const struct ofserver *server,
                   struct ofserver_stats *stats)
{
    struct admission_stats admission;

    admission_get_stats(server->admission, &admission);
    *stats = server->stats;
    stats->n_refused = (admission.n_refused[ADMISSION_LIMIT]
                        + admission.n_refused[ADMISSION_SOURCE_SHARE]
                        + admission.n_refused[ADMISSION_DISPLACED]);
}

void
ofserver_get_admission(const struct ofserver *server,
                       struct admission_stats *stats)
{
    admission_get_stats(server->admission, stats);
}
