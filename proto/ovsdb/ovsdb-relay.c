/* SPDX-License-Identifier: Apache-2.0
 *
 * The relay between a host's connection and the OVSDB client; see
 * ovsdb-private.h.  Bytes are passed on as they are received: only those that
 * the other side does not accept at once are kept, and while there are any,
 * their source is not read.  Framing is tracked in both directions, to limit
 * the host's messages and to insert probes between them. */

#include <config.h>

#include "proto/ovsdb/ovsdb-private.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dirs.h"
#include "proto/ovsdb/vswitch-idl.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovsdb-idl.h"
#include "socket-util.h"
#include "stream.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(ovsdb_relay);

/* Most bytes that are copied at once and, times RELAY_ROUNDS, in one run. */
#define RELAY_CHUNK 16384
#define RELAY_ROUNDS 16

/* The client does not pass replies with this ID on to its user. */
#define RELAY_PROBE "{\"id\":\"echo\",\"method\":\"echo\",\"params\":[]}"

struct ovsdb_relay {
    char *name;                 /* Owned. */
    struct stream *host;        /* Owned. */
    int client;                 /* Our end of the client's socket, or -1. */

    struct ovsdb_handshake opening;
    struct json_frame from_host;
    struct json_frame from_client;
    struct ofpbuf to_host;      /* Not written yet. */
    struct ofpbuf to_client;    /* Not written yet. */

    uint64_t received;          /* Bytes from the host. */
    int64_t heard_ms;           /* When the host last sent something. */
    int64_t probed_ms;          /* When a probe was sent, or 0. */
    int64_t blocked_ms;         /* Since when 'to_host' is not empty, or 0. */
    size_t heard_blocked;       /* Bytes from the host since then. */
};

struct ovsdb_relay *
ovsdb_relay_create(const char *name, struct ovsdb_schemas *schemas,
                   struct stream *host, const struct ofpbuf *early,
                   int64_t now_ms)
{
    struct ovsdb_relay *relay = xzalloc(sizeof *relay);

    relay->name = xstrdup(name);
    relay->host = host;
    relay->client = -1;
    relay->heard_ms = now_ms;
    ovsdb_handshake_init(&relay->opening, schemas);
    json_frame_init(&relay->from_host, OVSDB_MAX_MESSAGE);
    json_frame_init(&relay->from_client, SIZE_MAX);
    ofpbuf_init(&relay->to_host, 0);
    ofpbuf_init(&relay->to_client, 0);
    if (early && early->size) {
        if (!json_frame_check(&relay->from_host, early->data, early->size)) {
            ovsdb_relay_destroy(relay);
            return NULL;
        }
        ovsdb_handshake_from_host(&relay->opening, early->data, early->size,
                                  &relay->to_client);
    }
    return relay;
}

void
ovsdb_relay_destroy(struct ovsdb_relay *relay)
{
    if (relay) {
        stream_close(relay->host);
        if (relay->client >= 0) {
            close(relay->client);
        }
        ovsdb_handshake_uninit(&relay->opening);
        ofpbuf_uninit(&relay->to_host);
        ofpbuf_uninit(&relay->to_client);
        free(relay->name);
        free(relay);
    }
}

/* Makes a listening unix socket at 'path'.  Returns its fd, or a negative
 * errno. */
static int
relay_listen(const char *path)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int fd;

    if (strlen(path) >= sizeof un.sun_path) {
        return -ENAMETOOLONG;
    }
    memcpy(un.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    if (bind(fd, (struct sockaddr *) &un, sizeof un) || listen(fd, 1)) {
        int error = errno;

        close(fd);
        return -error;
    }
    return fd;
}

/* Creates a client that connects to 'path', and accepts its connection on
 * 'listener'.  Returns NULL with '*error' on failure. */
static struct ovsdb_idl *
relay_connect_idl(struct ovsdb_relay *relay, const char *path, int listener,
                  int *error)
{
    char *remote = xasprintf("unix:%s", path);
    struct ovsdb_idl *idl;

    idl = ovsdb_idl_create(remote, &ovsrec_idl_class, false, false);
    free(remote);
    ovsdb_idl_set_leader_only(idl, false);
    ovsdb_snapshot_register(idl);
    /* The first run opens the connection, which succeeds at once on a unix
     * socket. */
    ovsdb_idl_run(idl);
    relay->client = accept4(listener, NULL, NULL,
                            SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (relay->client < 0) {
        *error = errno;
        ovsdb_idl_destroy(idl);
        return NULL;
    }
    return idl;
}

/* Creates a directory for a socket with mode 0700, so that nobody else
 * connects.  It is in memory if possible, since a thousand hosts mean as many
 * directories.  Returns its name, or NULL with errno. */
static char *
relay_make_dir(void)
{
    const char *tmp = getenv("TMPDIR");
    const char *const places[] = { ovs_rundir(), tmp ? tmp : "/tmp", "/tmp" };

    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        char *dir = xasprintf("%s/vmn-ovsdb.XXXXXX", places[i]);

        /* Short enough for a unix socket. */
        if (strlen(places[i]) < 64 && mkdtemp(dir)) {
            return dir;
        }
        free(dir);
    }
    return NULL;
}

struct ovsdb_idl *
ovsdb_relay_open_idl(struct ovsdb_relay *relay, int *error)
{
    struct ovsdb_idl *idl = NULL;
    int listener;
    char *path;
    char *dir;

    ovs_assert(relay->client < 0);
    *error = 0;
    dir = relay_make_dir();
    if (!dir) {
        *error = errno;
        return NULL;
    }
    path = xasprintf("%s/s", dir);
    listener = relay_listen(path);
    if (listener >= 0) {
        idl = relay_connect_idl(relay, path, listener, error);
        close(listener);
    } else {
        *error = -listener;
    }
    /* Only the two ends are needed from now on. */
    unlink(path);
    rmdir(dir);
    free(path);
    free(dir);
    return idl;
}

/* Writes queued bytes to the client.  Returns 0 if all are written, EAGAIN if
 * some are left, or another positive errno. */
static int
relay_flush_client(struct ovsdb_relay *relay)
{
    struct ofpbuf *b = &relay->to_client;

    while (b->size) {
        ssize_t n = send(relay->client, b->data, b->size, MSG_NOSIGNAL);

        if (n < 0) {
            return errno;
        }
        ofpbuf_pull(b, n);
    }
    ofpbuf_uninit(b);
    ofpbuf_init(b, 0);
    return 0;
}

/* Does the same for the host. */
static int
relay_flush_host(struct ovsdb_relay *relay, int64_t now_ms)
{
    struct ofpbuf *b = &relay->to_host;

    while (b->size) {
        int n = stream_send(relay->host, b->data, b->size);

        if (n <= 0) {
            if (n == -EAGAIN && !relay->blocked_ms) {
                relay->blocked_ms = now_ms;
                relay->heard_blocked = 0;
            }
            return n ? -n : ECONNRESET;
        }
        ofpbuf_pull(b, n);
    }
    relay->blocked_ms = 0;
    ofpbuf_uninit(b);
    ofpbuf_init(b, 0);
    return 0;
}

/* Copies from the host to the client.  Returns NULL, or why the connection
 * ended. */
static const char *
relay_inward(struct ovsdb_relay *relay, int64_t now_ms)
{
    for (int i = 0; i < RELAY_ROUNDS; i++) {
        char chunk[RELAY_CHUNK];
        int error = relay_flush_client(relay);
        int n;

        if (error) {
            return error == EAGAIN ? NULL : "the database client gave up";
        }
        n = stream_recv(relay->host, chunk, sizeof chunk);
        if (n == -EAGAIN) {
            return NULL;
        } else if (n <= 0) {
            return n ? ovs_strerror(-n) : "the host closed the connection";
        }
        relay->heard_ms = now_ms;
        relay->received += n;
        relay->probed_ms = 0;
        if (relay->blocked_ms
            && (relay->heard_blocked += n) > OVSDB_MAX_MESSAGE) {
            return "the host sends, but does not receive";
        }
        if (!json_frame_check(&relay->from_host, chunk, n)) {
            return relay->from_host.error;
        }
        ovsdb_handshake_from_host(&relay->opening, chunk, n,
                                  &relay->to_client);
    }
    return NULL;
}

/* Copies from the client to the host.  Returns NULL, or why the connection
 * ended. */
static const char *
relay_outward(struct ovsdb_relay *relay, int64_t now_ms)
{
    for (int i = 0; i < RELAY_ROUNDS; i++) {
        char chunk[RELAY_CHUNK];
        int error = relay_flush_host(relay, now_ms);
        ssize_t n;

        if (error) {
            return error == EAGAIN ? NULL : ovs_strerror(error);
        }
        n = recv(relay->client, chunk, sizeof chunk, 0);
        if (n < 0 && errno == EAGAIN) {
            return NULL;
        } else if (n <= 0) {
            return "the database client gave up: see the log";
        }
        json_frame_check(&relay->from_client, chunk, n);
        ovsdb_handshake_from_client(&relay->opening, chunk, n, &relay->to_host,
                                    &relay->to_client);
    }
    return NULL;
}

void
ovsdb_relay_probe(struct ovsdb_relay *relay, int64_t now_ms)
{
    if (!relay->probed_ms && json_frame_at_boundary(&relay->from_client)) {
        ofpbuf_put(&relay->to_host, RELAY_PROBE, strlen(RELAY_PROBE));
        relay->probed_ms = now_ms;
    }
}

void
ovsdb_relay_set_budget(struct ovsdb_relay *relay, size_t bytes)
{
    relay->from_host.max_cost = bytes;
}

bool
ovsdb_relay_is_over_budget(const struct ovsdb_relay *relay)
{
    return relay->from_host.over;
}

uint64_t
ovsdb_relay_received(const struct ovsdb_relay *relay)
{
    return relay->received;
}

bool
ovsdb_relay_has_zone_limits(const struct ovsdb_relay *relay)
{
    return relay->opening.has_zone_limits;
}

int64_t
ovsdb_relay_heard_ms(const struct ovsdb_relay *relay)
{
    return relay->heard_ms;
}

const char *
ovsdb_relay_run(struct ovsdb_relay *relay, int64_t now_ms)
{
    const char *error;

    stream_run(relay->host);
    error = relay_inward(relay, now_ms);
    if (!error) {
        error = relay_outward(relay, now_ms);
    }
    if (error) {
        return error;
    }
    if (relay->probed_ms
        && now_ms >= relay->probed_ms + OVSDB_PROBE_REPLY_MS) {
        return "the host does not reply";
    }
    if (relay->blocked_ms
        && now_ms >= relay->blocked_ms + OVSDB_PROBE_REPLY_MS) {
        return "the host does not receive";
    }
    if (now_ms >= relay->heard_ms + OVSDB_PROBE_IDLE_MS) {
        ovsdb_relay_probe(relay, now_ms);
        relay_flush_host(relay, now_ms);
    }
    return NULL;
}

/* Wakes the current task up at 'when_ms'. */
static void
relay_wait_until(int64_t when_ms, int64_t now_ms)
{
    poll_timer_wait(when_ms > now_ms ? when_ms - now_ms : 0);
}

void
ovsdb_relay_wait(struct ovsdb_relay *relay, int64_t now_ms)
{
    short int client_events = 0;

    stream_run_wait(relay->host);
    if (relay->to_client.size) {
        client_events |= POLLOUT;
    } else {
        stream_recv_wait(relay->host);
    }
    if (relay->to_host.size) {
        stream_send_wait(relay->host);
    } else {
        client_events |= POLLIN;
    }
    if (client_events) {
        poll_fd_wait(relay->client, client_events);
    }
    if (relay->probed_ms) {
        relay_wait_until(relay->probed_ms + OVSDB_PROBE_REPLY_MS, now_ms);
    } else if (json_frame_at_boundary(&relay->from_client)) {
        relay_wait_until(relay->heard_ms + OVSDB_PROBE_IDLE_MS, now_ms);
    }
    if (relay->blocked_ms) {
        relay_wait_until(relay->blocked_ms + OVSDB_PROBE_REPLY_MS, now_ms);
    }
}
