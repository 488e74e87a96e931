/* SPDX-License-Identifier: Apache-2.0
 *
 * Accepts connections of hosts, requests each one's identity, and passes it to
 * its session; see ovsdb_listener_open().  An unknown host's connection is
 * closed, and costs little until then: few at a time (proto/admission), small
 * messages, a short time, and nothing is read from a peer that does not read.
 * Over TLS its certificate must be that of a host before any request. */

#include <config.h>

#include "proto/ovsdb/ovsdb-private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "openvswitch/list.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "proto/admission/admission.h"
#include "proto/loop/loop.h"
#include "proto/tls/tls.h"
#include "stream.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(ovsdb_listen);

/* Most connections whose host is not known yet, of all addresses and of one;
 * and how long, in milliseconds, a connection keeps its place against one with
 * equal rights. */
#define INBOUND_MAX 256
#define INBOUND_SOURCE_MAX 64
#define INBOUND_GRACE_MS 1000
/* Milliseconds for the TLS handshake, and then for the host's reply. */
#define INBOUND_TLS_MS 3000
#define INBOUND_TIME_MS 10000
/* Connections accepted in one run. */
#define ACCEPT_MAX 16
/* Nothing is read while more bytes than this wait to be sent. */
#define INBOUND_OUT_MAX 4096

/* An inbound connection whose host is not known yet. */
struct inbound {
    struct ovs_list node;       /* In its listener's 'inbound_conns'. */
    struct admission_entry entry;
    struct stream *stream;
    bool connected;
    int64_t deadline_ms;
    unsigned handshake_parts;   /* Parts of TLS's time that are left after the
                                 * deadline; see TLS_HANDSHAKE_PARTS. */
    struct json_frame frame;
    size_t framed;              /* Bytes of 'in' that 'frame' has processed. */
    int n_messages;
    struct ofpbuf in;           /* Received, from the current message on. */
    struct ofpbuf out;          /* To be sent. */
};

struct ovsdb_listener {
    struct loop *loop;
    struct loop_task *task;
    struct pstream *pstream;
    bool tls;
    ovsdb_find_cb *find;
    ovsdb_rejected_cb *rejected; /* Or NULL. */
    bool (*is_known)(void *aux, const struct in6_addr *); /* Or NULL. */
    void *aux;
    struct ovs_list inbound_conns; /* Oldest first. */
    struct admission *admission;
};

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(60, 60);

static void
inbound_destroy(struct ovsdb_listener *listener, struct inbound *inbound)
{
    ovs_list_remove(&inbound->node);
    admission_remove(listener->admission, &inbound->entry);
    stream_close(inbound->stream);
    ofpbuf_uninit(&inbound->in);
    ofpbuf_uninit(&inbound->out);
    free(inbound);
}

/* Closes 'inbound' and logs why. */
static void
inbound_refuse(struct ovsdb_listener *listener, struct inbound *inbound,
               const char *why)
{
    /* Text from a peer may be long, and contain anything. */
    VLOG_WARN_RL(&rl, "%s: closed: %.200s", stream_get_name(inbound->stream),
                 why);
    if (listener->rejected) {
        listener->rejected(listener->aux, stream_get_name(inbound->stream),
                           why);
    }
    inbound_destroy(listener, inbound);
}

/* Does the same, and counts it by 'reason'. */
static void
inbound_deny(struct ovsdb_listener *listener, struct inbound *inbound,
             enum admission_reason reason, const char *why)
{
    admission_count(listener->admission, &inbound->entry.peer, reason);
    inbound_refuse(listener, inbound, why);
}

/* Closes a connection to make room for another.  For struct
 * admission_options. */
static void
inbound_close(void *listener, struct admission_entry *entry)
{
    inbound_destroy(listener, CONTAINER_OF(entry, struct inbound, entry));
}

/* Passes 'inbound', whose host claims to be 'system_id', to that host's
 * session. */
static void
inbound_hand_over(struct ovsdb_listener *listener, struct inbound *inbound,
                  const char *system_id)
{
    const char *peer = stream_get_peer_id(inbound->stream);
    struct ovsdb_session *session;
    struct stream *stream;

    if (listener->tls && (!peer || strcmp(peer, system_id))) {
        char *why = xasprintf("its system-id is \"%.64s\", but its "
                              "certificate is for \"%.64s\"", system_id,
                              peer ? peer : "");

        inbound_deny(listener, inbound, ADMISSION_IDENTITY, why);
        free(why);
        return;
    }
    session = listener->find(listener->aux, system_id);
    if (!session) {
        char *why = xasprintf("no host \"%.64s\" is known that dials in",
                              system_id);

        inbound_deny(listener, inbound, ADMISSION_IDENTITY, why);
        free(why);
        return;
    }
    admission_remember(listener->admission, &inbound->entry.peer);
    stream = inbound->stream;
    inbound->stream = NULL;
    if (!ovsdb_session_accept(session, stream, &inbound->in)) {
        VLOG_WARN_RL(&rl, "a second connection of host \"%.64s\" closed: its "
                     "first one is still up", system_id);
    }
    inbound_destroy(listener, inbound);
}

/* Processes the first 'size' bytes of 'inbound->in', a whole message.  Returns
 * false if 'inbound' was freed. */
static bool
inbound_message(struct ovsdb_listener *listener, struct inbound *inbound,
                size_t size)
{
    char *message = xmemdup0(inbound->in.data, size);
    char *text;
    enum ovsdb_id_kind kind = ovsdb_identify_parse(message, &text);

    free(message);
    ofpbuf_pull(&inbound->in, size);
    inbound->framed = 0;
    if (kind == OVSDB_ID_ECHO) {
        ofpbuf_put(&inbound->out, text, strlen(text));
    } else if (kind == OVSDB_ID_ANSWER) {
        inbound_hand_over(listener, inbound, text);
    } else if (kind == OVSDB_ID_BAD) {
        inbound_refuse(listener, inbound, text);
    }
    free(text);
    if (kind == OVSDB_ID_ANSWER || kind == OVSDB_ID_BAD) {
        return false;
    }
    if (++inbound->n_messages >= OVSDB_ID_MAX_MESSAGES) {
        inbound_refuse(listener, inbound, "it does not identify itself");
        return false;
    }
    return true;
}

/* Processes new bytes in 'inbound->in'.  Returns false if 'inbound' was
 * freed. */
static bool
inbound_parse(struct ovsdb_listener *listener, struct inbound *inbound)
{
    while (inbound->framed < inbound->in.size) {
        const char *data = inbound->in.data;
        enum json_frame_result result;

        inbound->framed += json_frame_feed(&inbound->frame,
                                           data + inbound->framed,
                                           inbound->in.size - inbound->framed,
                                           &result);
        if (result == JSON_FRAME_BAD) {
            inbound_refuse(listener, inbound, inbound->frame.error);
            return false;
        }
        if (result == JSON_FRAME_END
            && !inbound_message(listener, inbound, inbound->framed)) {
            return false;
        }
    }
    return true;
}

/* Reads one chunk from 'inbound', so that other connections get their turn.
 * Returns false if 'inbound' was freed. */
static bool
inbound_receive(struct ovsdb_listener *listener, struct inbound *inbound)
{
    char chunk[4096];
    int n = stream_recv(inbound->stream, chunk, sizeof chunk);

    if (n > 0) {
        ofpbuf_put(&inbound->in, chunk, n);
        return inbound_parse(listener, inbound);
    } else if (n == -EAGAIN) {
        return true;
    }
    inbound_refuse(listener, inbound, n ? ovs_strerror(-n)
                   : "it disconnected before it identified itself");
    return false;
}

/* Sends queued bytes to 'inbound'.  Returns 0 or a positive errno. */
static int
inbound_send(struct inbound *inbound)
{
    while (inbound->out.size) {
        int n = stream_send(inbound->stream, inbound->out.data,
                            inbound->out.size);

        if (n <= 0) {
            return n == -EAGAIN ? 0 : n ? -n : ECONNRESET;
        }
        ofpbuf_pull(&inbound->out, n);
    }
    return 0;
}

static int
inbound_connect(const struct ovsdb_listener *listener, struct inbound *inbound)
{
    int error = stream_connect(inbound->stream);

    if (!error) {
        char *question = ovsdb_identify_question();

        inbound->connected = true;
        inbound->deadline_ms = loop_now_ms(listener->loop) + INBOUND_TIME_MS;
        ofpbuf_put(&inbound->out, question, strlen(question));
        free(question);
    }
    return error == EAGAIN ? 0 : error;
}

/* Over TLS, checks that the certificate is that of a host that may connect.
 * If not, returns false, and 'inbound' was freed. */
static bool
inbound_check_certificate(struct ovsdb_listener *listener,
                          struct inbound *inbound)
{
    const char *peer = stream_get_peer_id(inbound->stream);
    char *why;

    if (!listener->tls || (peer && listener->find(listener->aux, peer))) {
        return true;
    }
    why = xasprintf("its certificate is for \"%.64s\", which is no host that "
                    "dials in", peer ? peer : "");
    inbound_deny(listener, inbound, ADMISSION_IDENTITY, why);
    free(why);
    return false;
}

/* Returns true if the time of 'inbound' is over. */
static bool
inbound_is_late(const struct ovsdb_listener *listener, struct inbound *inbound)
{
    int64_t now_ms = loop_now_ms(listener->loop);

    if (now_ms < inbound->deadline_ms) {
        return false;
    } else if (inbound->connected || !inbound->handshake_parts) {
        return true;
    }
    inbound->handshake_parts--;
    inbound->deadline_ms = now_ms + INBOUND_TLS_MS / TLS_HANDSHAKE_PARTS;
    return false;
}

/* Does all that is possible for 'inbound', which may be freed afterwards. */
static void
inbound_run(struct ovsdb_listener *listener, struct inbound *inbound)
{
    int error = 0;

    stream_run(inbound->stream);
    if (!inbound->connected) {
        error = inbound_connect(listener, inbound);
        if (inbound->connected
            && !inbound_check_certificate(listener, inbound)) {
            return;
        }
    }
    if (!error && inbound->connected) {
        error = inbound_send(inbound);
    }
    if (error) {
        /* libopenvswitch logs what TLS says, and returns no more than this. */
        inbound_refuse(listener, inbound, error == EPROTO
                                          && !inbound->connected
                       ? "the TLS handshake failed: vmnd's log says why"
                       : ovs_strerror(error));
        return;
    }
    if (inbound->connected && inbound->out.size <= INBOUND_OUT_MAX
        && !inbound_receive(listener, inbound)) {
        return;
    }
    /* Last, so that a reply counts that arrived while the loop was busy. */
    if (inbound_is_late(listener, inbound)) {
        inbound_deny(listener, inbound, ADMISSION_TIMEOUT,
                     "it did not identify itself in time");
    }
}

static void
listener_accept(struct ovsdb_listener *listener)
{
    int64_t now_ms = loop_now_ms(listener->loop);

    for (int i = 0; i < ACCEPT_MAX; i++) {
        struct admission_peer peer;
        struct stream *stream;
        struct inbound *inbound;
        int error = pstream_accept(listener->pstream, &stream);

        if (error) {
            if (error != EAGAIN) {
                VLOG_WARN_RL(&rl, "%s: accept: %s",
                             pstream_get_name(listener->pstream),
                             ovs_strerror(error));
            }
            return;
        }
        inbound = xzalloc(sizeof *inbound);
        peer = admission_peer_parse(stream_get_name(stream));
        if (!admission_admit(listener->admission, &inbound->entry, &peer,
                             now_ms)) {
            stream_close(stream);
            free(inbound);
            continue;
        }
        inbound->stream = stream;
        inbound->deadline_ms = now_ms + (listener->tls
                                         ? INBOUND_TLS_MS / TLS_HANDSHAKE_PARTS
                                         : INBOUND_TIME_MS);
        inbound->handshake_parts = listener->tls ? TLS_HANDSHAKE_PARTS - 1 : 0;
        json_frame_init(&inbound->frame, OVSDB_ID_MAX_MESSAGE);
        ofpbuf_init(&inbound->in, 0);
        ofpbuf_init(&inbound->out, 0);
        ovs_list_push_back(&listener->inbound_conns, &inbound->node);
    }
}

static void
listener_run(void *listener_)
{
    struct ovsdb_listener *listener = listener_;
    struct inbound *inbound;

    listener_accept(listener);
    LIST_FOR_EACH_SAFE (inbound, node, &listener->inbound_conns) {
        inbound_run(listener, inbound);
    }
}

static void
listener_wait(void *listener_)
{
    struct ovsdb_listener *listener = listener_;
    struct inbound *inbound;

    pstream_wait(listener->pstream);
    LIST_FOR_EACH (inbound, node, &listener->inbound_conns) {
        int64_t left = inbound->deadline_ms - loop_now_ms(listener->loop);

        poll_timer_wait(MAX(left, 0));
        stream_run_wait(inbound->stream);
        if (!inbound->connected) {
            stream_connect_wait(inbound->stream);
            continue;
        }
        if (inbound->out.size <= INBOUND_OUT_MAX) {
            stream_recv_wait(inbound->stream);
        }
        if (inbound->out.size) {
            stream_send_wait(inbound->stream);
        }
    }
}

/* Converts "tcp:IP:PORT" into libopenvswitch's "ptcp:PORT:IP", and so on.  The
 * caller frees it.  Returns NULL if 'where' does not have that form. */
static char *
listener_name(const char *where)
{
    const char *address = strchr(where, ':');
    const char *port = strrchr(where, ':');
    const char *tail = port ? port + 1 : "";

    if (!strncmp(where, "unix:", 5) && where[5]) {
        return xasprintf("p%s", where);
    }
    if ((strncmp(where, "tcp:", 4) && strncmp(where, "ssl:", 4))
        || port == address || port - address < 2 || !*tail
        || strspn(tail, "0123456789") != strlen(tail)) {
        return NULL;
    }
    return xasprintf("p%.3s:%s:%.*s", where, tail,
                     (int) (port - address - 1), address + 1);
}

/* Returns true if the address is a known host's.  For struct
 * admission_options. */
static bool
is_known(void *listener_, const struct in6_addr *addr)
{
    const struct ovsdb_listener *listener = listener_;

    return listener->is_known && listener->is_known(listener->aux, addr);
}

static struct admission *
make_admission(struct ovsdb_listener *listener)
{
    const struct admission_options options = {
        .listener = "OVSDB",
        .max_conns = INBOUND_MAX,
        .max_pending = INBOUND_MAX,
        .max_source_pending = INBOUND_SOURCE_MAX,
        .rate = listener->tls ? ADMISSION_TLS_RATE : 0,
        .grace_ms = INBOUND_GRACE_MS,
        .close = inbound_close,
        .is_known = is_known,
        .aux = listener,
    };

    return admission_create(&options);
}

static void
wait_for_connections(void *pstream)
{
    pstream_wait(pstream);
}

/* Sets the listen backlog to what the system allows.  libopenvswitch has 10
 * for TCP (inet_open_passive()), less than the number of hosts that connect at
 * once after vmnd was restarted. */
static void
set_backlog(struct pstream *pstream)
{
    int fd = loop_wait_fd(wait_for_connections, pstream);

    if (fd < 0 || listen(fd, SOMAXCONN)) {
        VLOG_WARN("%s: the listen backlog stays small",
                  pstream_get_name(pstream));
    }
}

int
ovsdb_listener_open(struct loop *loop, const char *where, ovsdb_find_cb *find,
                    void *aux, struct ovsdb_listener **listenerp, char **text)
{
    struct ovsdb_listener *listener;
    char *name = listener_name(where);
    struct pstream *pstream = NULL;
    int error = EINVAL;

    *listenerp = NULL;
    *text = NULL;
    if (!name) {
        *text = xasprintf("\"%s\" is neither tcp:IP:PORT, ssl:IP:PORT nor "
                          "unix:PATH", where);
        return EINVAL;
    }
    error = pstream_open(name, &pstream, DSCP_DEFAULT);
    free(name);
    if (error) {
        *text = xasprintf("cannot listen at \"%s\": %s", where,
                          ovs_strerror(error));
        return error;
    }
    set_backlog(pstream);
    listener = xzalloc(sizeof *listener);
    listener->loop = loop;
    listener->pstream = pstream;
    listener->tls = !strncmp(where, "ssl:", 4);
    listener->find = find;
    listener->aux = aux;
    ovs_list_init(&listener->inbound_conns);
    listener->admission = make_admission(listener);
    listener->task = loop_task_create(loop, "ovsdb-listener", listener_run,
                                      listener_wait, listener);
    *listenerp = listener;
    return 0;
}

void
ovsdb_listener_close(struct ovsdb_listener *listener)
{
    struct inbound *inbound;

    if (!listener) {
        return;
    }
    loop_task_destroy(listener->task);
    LIST_FOR_EACH_SAFE (inbound, node, &listener->inbound_conns) {
        inbound_destroy(listener, inbound);
    }
    pstream_close(listener->pstream);
    admission_destroy(listener->admission);
    free(listener);
}

void
ovsdb_listener_set_rejected(struct ovsdb_listener *listener,
                            ovsdb_rejected_cb *rejected)
{
    listener->rejected = rejected;
}

void
ovsdb_listener_set_known(struct ovsdb_listener *listener,
                         bool (*known)(void *aux, const struct in6_addr *))
{
    listener->is_known = known;
}

void
ovsdb_listener_get_admission(const struct ovsdb_listener *listener,
                             struct admission_stats *stats)
{
    admission_get_stats(listener->admission, stats);
}
