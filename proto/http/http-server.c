/* SPDX-License-Identifier: Apache-2.0
 *
 * The server and its listeners: who may connect, and how many. */

#include <config.h>

#include "proto/http/http-private.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "openvswitch/vlog.h"
#include "proto/text/byte-order-mark.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(http_server);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 20);

#define BACKLOG 128
#define ACCEPT_AGAIN_MS 200     /* Delay after accept() failed for lack of
                                 * descriptors. */
#define TOKEN_MIN 16            /* Least characters of a token. */
/* An address may have this share of a listener's unauthenticated connections,
 * and never fewer than the minimum. */
#define SOURCE_SHARE 4
#define SOURCE_MIN 16

struct http_server *
http_server_create(struct event_base *base,
                   const struct http_options *options,
                   const struct http_route *routes, size_t n_routes,
                   void *aux)
{
    struct http_server *server = xzalloc(sizeof *server);

    server->base = base;
    server->options = *options;
    server->routes = routes;
    server->n_routes = n_routes;
    server->aux = aux;
    server->accounts = http_accounts_create();
    server->logins = http_logins_create(base);
    ovs_list_init(&server->listeners);
    return server;
}

static void
listener_destroy(struct http_listener *listener)
{
    struct http_conn *conn;

    while (!ovs_list_is_empty(&listener->conns)) {
        conn = CONTAINER_OF(ovs_list_front(&listener->conns),
                            struct http_conn, node);
        http_conn_destroy(conn);
    }
    admission_destroy(listener->admission);
    if (listener->evl) {
        evconnlistener_free(listener->evl);
        if (listener->unix_path) {
            unlink(listener->unix_path);
        }
    }
    if (listener->again) {
        event_free(listener->again);
    }
    free(listener->unix_path);
    http_token_free(listener->token);
    ovs_list_remove(&listener->node);
    free(listener);
}

void
http_server_end_relay(struct http_server *server)
{
    server->relays_no_more = true;
}

void
http_server_refuse(struct http_server *server, const char *text)
{
    server->refusal = text;
}

void
http_server_destroy(struct http_server *server)
{
    if (!server) {
        return;
    }
    while (!ovs_list_is_empty(&server->listeners)) {
        listener_destroy(CONTAINER_OF(ovs_list_front(&server->listeners),
                                      struct http_listener, node));
    }
    http_accounts_unref(server->accounts);
    http_logins_destroy(server->logins);
    free(server);
}

/* Ending what is not valid any more.  ------------------------------------- */

/* Returns a request that is marked as invalid, or NULL. */
static struct http_request *
next_invalid(const struct http_server *server)
{
    const struct http_listener *listener;
    const struct http_conn *conn;

    LIST_FOR_EACH (listener, node, &server->listeners) {
        LIST_FOR_EACH (conn, node, &listener->conns) {
            if (conn->request && conn->request->invalid) {
                return conn->request;
            }
        }
    }
    return NULL;
}

/* Marks them before the first is ended, as that may change the list. */
size_t
http_server_end_invalid(struct http_server *server,
                        bool (*is_valid)(const void *identity, void *aux),
                        void *aux, const char *text)
{
    const struct http_listener *listener;
    const struct http_conn *conn;
    struct http_request *req;
    size_t n_left = 0;

    LIST_FOR_EACH (listener, node, &server->listeners) {
        LIST_FOR_EACH (conn, node, &listener->conns) {
            req = conn->request;
            if (req && conn->state == HTTP_HANDLING && req->close_cb
                && req->identity) {
                req->invalid = !is_valid(req->identity, aux);
                n_left += !req->invalid;
            }
        }
    }
    while ((req = next_invalid(server))) {
        void (*close_cb)(void *) = req->close_cb;

        req->invalid = false;
        req->close_cb = NULL;
        req->end_text = text;
        close_cb(req->close_aux);
    }
    return n_left;
}

/* Statistics.  ------------------------------------------------------------ */

void
http_server_get_stats(const struct http_server *server,
                      struct http_stats *stats)
{
    *stats = server->stats;
    stats->n_body_bytes = http_accounts_body_bytes(server->accounts);
}

void
http_server_get_admission(const struct http_server *server,
                          struct admission_stats *sum)
{
    const struct http_listener *listener;

    memset(sum, 0, sizeof *sum);
    LIST_FOR_EACH (listener, node, &server->listeners) {
        struct admission_stats stats;

        admission_get_stats(listener->admission, &stats);
        sum->n_conns += stats.n_conns;
        sum->n_pending += stats.n_pending;
        for (size_t i = 0; i < ADMISSION_N_REASONS; i++) {
            sum->n_refused[i] += stats.n_refused[i];
        }
    }
}

/* Accepting.  ------------------------------------------------------------ */

static char *
name_client(const struct http_listener *listener, int fd,
            const struct sockaddr *sa)
{
    char address[INET6_ADDRSTRLEN] = "?";

    if (listener->unix_path) {
        struct ucred cred;
        socklen_t len = sizeof cred;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len)) {
            return NULL;
        }
        return xasprintf("unix:uid=%u", (unsigned) cred.uid);
    }
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *sin = ALIGNED_CAST(const void *, sa);

        inet_ntop(AF_INET, &sin->sin_addr, address, sizeof address);
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *sin6 = ALIGNED_CAST(const void *, sa);

        inet_ntop(AF_INET6, &sin6->sin6_addr, address, sizeof address);
    }
    return xasprintf("%s:%s", listener->tls ? "ssl" : "tcp", address);
}

/* Closes a connection to make room for another.  For struct
 * admission_options. */
static void
close_conn(void *listener OVS_UNUSED, struct admission_entry *entry)
{
    http_conn_destroy(CONTAINER_OF(entry, struct http_conn, entry));
}

/* Creates the bounds on connections.  An unknown address may have a quarter of
 * the connections while these are unauthenticated. */
static struct admission *
make_admission(struct http_listener *listener)
{
    size_t max = listener->server->options.max_connections;
    const struct admission_options options = {
        .listener = listener->unix_path ? "API socket" : "API",
        .max_conns = max,
        .max_pending = max,
        .max_source_pending = MAX(max / SOURCE_SHARE, SOURCE_MIN),
        .rate = listener->tls ? ADMISSION_TLS_RATE : 0,
        /* Clients of the socket are few and trusted users: if one of them
         * opens many, the others only displace the oldest of these. */
        .grace_ms = (listener->unix_path ? 0
                     : listener->server->options.pending_grace_ms),
        .close = close_conn,
        .aux = listener,
    };

    return admission_create(&options);
}

static void
reject_conn(struct http_listener *listener, int fd)
{
    static const char body[] =
        "{\"type\":\"urn:vmn:problem:busy\",\"title\":\"Service Unavailable\""
        ",\"status\":503,\"detail\":\"There are too many connections\"}\n";
    char reply[512];
    int size = snprintf(reply, sizeof reply,
                        "HTTP/1.1 503 Service Unavailable\r\n"
                        "Content-Type: application/problem+json\r\n"
                        "Content-Length: %"PRIuSIZE"\r\nRetry-After: 1\r\n"
                        "Connection: close\r\n\r\n%s",
                        sizeof body - 1, body);

    listener->server->stats.n_rejected++;
    VLOG_WARN_RL(&rl, "rejected a client: %"PRIuSIZE" connections are "
                      "open", listener->n_conns);
    /* The socket is new, so its buffer has room for the whole reply. */
    ignore(send(fd, reply, size, MSG_NOSIGNAL | MSG_DONTWAIT));
    close(fd);
}

static void
on_accept(struct evconnlistener *evl OVS_UNUSED, evutil_socket_t fd,
          struct sockaddr *sa, int sa_len OVS_UNUSED, void *listener_)
{
    struct http_listener *listener = listener_;
    struct admission_peer peer;
    char *who;

    who = name_client(listener, fd, sa);
    if (!who) {
        close(fd);
        return;
    }
    if (!listener->unix_path) {
        int on = 1;

        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    peer = admission_peer_make(fd, listener->unix_path ? NULL : sa);
    if (http_conn_create(listener, fd, who, &peer)) {
        listener->server->stats.n_accepted++;
    } else {
        reject_conn(listener, fd);
    }
}

static void
on_accept_error(struct evconnlistener *evl, void *listener_)
{
    struct http_listener *listener = listener_;
    struct timeval tv = { 0, ACCEPT_AGAIN_MS * 1000 };

    VLOG_WARN_RL(&rl, "accept: %s", ovs_strerror(errno));
    evconnlistener_disable(evl);
    event_add(listener->again, &tv);
}

static void
on_again(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED,
         void *listener_)
{
    struct http_listener *listener = listener_;

    evconnlistener_enable(listener->evl);
}

/* Listening.  ------------------------------------------------------------ */

/* Adds a listener on 'fd', which is bound.  Takes ownership of 'fd' and
 * 'unix_path'. */
static int
add_listener(struct http_server *server, int fd, char *unix_path,
             const char *token, const struct tls *tls, char **text)
{
    struct http_listener *listener = xzalloc(sizeof *listener);

    listener->server = server;
    listener->unix_path = unix_path;
    listener->token = nullable_xstrdup(token);
    listener->tls = tls;
    ovs_list_init(&listener->conns);
    listener->admission = make_admission(listener);
    ovs_list_push_back(&server->listeners, &listener->node);
    listener->again = event_new(server->base, -1, 0, on_again, listener);
    listener->evl = evconnlistener_new(server->base, on_accept, listener,
                                       LEV_OPT_CLOSE_ON_FREE
                                       | LEV_OPT_CLOSE_ON_EXEC,
                                       BACKLOG, fd);
    if (!listener->evl || !listener->again) {
        *text = xasprintf("cannot listen: %s", ovs_strerror(errno));
        if (!listener->evl) {
            close(fd);
            if (unix_path) {
                unlink(unix_path);
            }
        }
        listener_destroy(listener);
        return EIO;
    }
    evconnlistener_set_error_cb(listener->evl, on_accept_error);
    return 0;
}

/* Removes a socket file on which no process listens.  Returns 0, or a positive
 * errno with '*text'. */
static int
clear_path(const struct sockaddr_un *sun, char **text)
{
    struct stat st;

    if (lstat(sun->sun_path, &st)) {
        return 0;
    }
    if (!S_ISSOCK(st.st_mode)) {
        *text = xasprintf("%s: exists and is not a socket", sun->sun_path);
        return EEXIST;
    }

    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* EAGAIN: a process listens, and its backlog is full. */
    bool alive = (fd >= 0 && (!connect(fd, (const struct sockaddr *) sun,
                                       sizeof *sun)
                              || errno == EAGAIN));
    if (fd >= 0) {
        close(fd);
    }
    if (alive) {
        *text = xasprintf("%s: another process listens there",
                          sun->sun_path);
        return EADDRINUSE;
    }
    unlink(sun->sun_path);
    return 0;
}

/* Gives 'group' access to the socket.  Returns 0, or a positive errno with
 * '*text'. */
static int
share_with_group(const char *path, const char *group, char **text)
{
    struct group *gr = getgrnam(group);

    if (!gr) {
        *text = xasprintf("there is no group \"%s\"", group);
        return ENOENT;
    }
    if (chown(path, -1, gr->gr_gid) || chmod(path, 0660)) {
        int error = errno;

        *text = xasprintf("%s: cannot be given to group %s: %s", path, group,
                          ovs_strerror(error));
        return error;
    }
    return 0;
}

int
http_listen_unix(struct http_server *server, const char *path,
                 const char *group, char **text)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    int error;

    if (strlen(path) >= sizeof sun.sun_path) {
        *text = xasprintf("%s: is longer than the %"PRIuSIZE" characters"
                          " that a socket's path may have", path,
                          sizeof sun.sun_path - 1);
        return ENAMETOOLONG;
    }
    ovs_strlcpy(sun.sun_path, path, sizeof sun.sun_path);
    error = clear_path(&sun, text);
    if (error) {
        return error;
    }

    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* On Linux, bind() gives the file the mode of the socket, so that others
     * can open it at no time. */
    if (fd < 0 || fchmod(fd, 0600)
        || bind(fd, (struct sockaddr *) &sun, sizeof sun)) {
        error = errno;
        *text = xasprintf("%s: %s", path, ovs_strerror(error));
        if (fd >= 0) {
            close(fd);
        }
        return error;
    }
    error = group ? share_with_group(path, group, text) : 0;
    if (error) {
        unlink(path);
        close(fd);
        return error;
    }
    return add_listener(server, fd, xstrdup(path), NULL, NULL, text);
}

/* Parses "127.0.0.1:80" or "[::1]:80". */
static bool
parse_address(const char *address, struct sockaddr_storage *ss,
              socklen_t *len)
{
    struct sockaddr_in *sin = (struct sockaddr_in *) ss;
    struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *) ss;
    const char *colon = strrchr(address, ':');
    char host[INET6_ADDRSTRLEN + 2];
    unsigned int port;

    memset(ss, 0, sizeof *ss);
    if (!colon || (size_t) (colon - address) >= sizeof host
        || !str_to_uint(colon + 1, 10, &port) || port > UINT16_MAX) {
        return false;
    }

    size_t n = colon - address;
    memcpy(host, address, n);
    host[n] = '\0';
    if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
        host[n - 1] = '\0';
        sin6->sin6_family = AF_INET6;
        sin6->sin6_port = htons((uint16_t) port);
        *len = sizeof *sin6;
        return inet_pton(AF_INET6, host + 1, &sin6->sin6_addr) == 1;
    }
    sin->sin_family = AF_INET;
    sin->sin_port = htons((uint16_t) port);
    *len = sizeof *sin;
    return inet_pton(AF_INET, host, &sin->sin_addr) == 1;
}

static bool
is_loopback(const struct sockaddr_storage *ss)
{
    if (ss->ss_family == AF_INET) {
        const struct sockaddr_in *sin = (const void *) ss;

        return (ntohl(sin->sin_addr.s_addr) >> 24) == 127;
    } else {
        const struct sockaddr_in6 *sin6 = (const void *) ss;

        return IN6_IS_ADDR_LOOPBACK(&sin6->sin6_addr);
    }
}

int
http_listen_tcp(struct http_server *server, const char *address,
                const char *token, const struct tls *tls, char **text)
{
    struct sockaddr_storage ss;
    int on = 1, fd, error;
    socklen_t len;

    if (!parse_address(address, &ss, &len)) {
        *text = xasprintf("%s: is not ADDRESS:PORT", address);
        return EINVAL;
    }
    if (!tls && !is_loopback(&ss)) {
        *text = xasprintf("%s: without TLS only loopback is served", address);
        return EACCES;
    }
    if (!tls && !token) {
        *text = xasprintf("%s: TCP is only served with a token", address);
        return EACCES;
    }
    fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on)
        || bind(fd, (struct sockaddr *) &ss, len)) {
        error = errno;
        *text = xasprintf("%s: %s", address, ovs_strerror(error));
        if (fd >= 0) {
            close(fd);
        }
        return error;
    }
    return add_listener(server, fd, NULL, token, tls, text);
}

int
http_listen_relayed(struct http_server *server, const char *address,
                    const struct tls *tls, char **text)
{
    struct http_listener *listener;
    int error;

    ovs_assert(tls && server->options.may_relay);
    error = http_listen_tcp(server, address, NULL, tls, text);
    if (!error) {
        listener = CONTAINER_OF(ovs_list_back(&server->listeners),
                                struct http_listener, node);
        listener->relayed = true;
    }
    return error;
}

int
http_token_load(const char *file, char **token, char **text)
{
    char line[HTTP_TOKEN_MAX + 2];
    struct stat st;
    FILE *stream = fopen(file, "re");
    int error = 0;

    *token = NULL;
    if (!stream || fstat(fileno(stream), &st)) {
        error = errno;
        *text = xasprintf("%s: %s", file, ovs_strerror(error));
    } else if (st.st_mode & 077) {
        error = EPERM;
        *text = xasprintf("%s: is open to group or others (mode %04o): chmod"
                          " 600 it", file, (unsigned) st.st_mode & 07777);
    } else {
        size_t n = fread(line, 1, sizeof line - 1, stream);

        line[n] = '\0';
        char *found = line + text_skip_bom(line, n);
        size_t len = strcspn(found, "\r\n");

        found[len] = '\0';
        for (size_t i = 0; i < len; i++) {
            error = found[i] <= ' ' || found[i] >= 0x7f ? EINVAL : error;
        }
        if (len < TOKEN_MIN || len > HTTP_TOKEN_MAX || error) {
            error = EINVAL;
            *text = xasprintf("%s: the token must have %d to %d visible ASCII"
                              " characters", file, TOKEN_MIN,
                              HTTP_TOKEN_MAX);
        } else {
            *token = xstrdup(found);
        }
    }
    if (stream) {
        fclose(stream);
    }
    return error;
}
