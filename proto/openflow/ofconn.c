/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection of an OpenFlow 1.5 switch: framing, handshake, liveness.
 *
 *     accepted: our hello goes out
 *     HELLO     --hello with 1.5-->   our features request goes out
 *     FEATURES  --features reply-->   if there are other controllers, we ask
 *                                     for a role
 *     ROLE      --role reply-->       asynchronous messages are turned off,
 *                                     but for packets that are wanted
 *     UP        messages go to the callbacks
 *     LINGER    a final error goes out, then the connection is closed
 *
 * All that a peer sends is bounded: a message by its 16-bit length, what is
 * read at a time (ofstream.h), the handshake by a deadline, bad messages by a
 * count.  Until it is known whose switch it is, bounds are tight; and whoever
 * does not read what is answered is not read from. */

#include <config.h>

#include "proto/openflow/ofconn.h"

#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "byte-order.h"
#include "openvswitch/ofp-connection.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-packet.h"
#include "openvswitch/ofp-switch.h"
#include "openvswitch/ofp-util.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn-private.h"
#include "proto/openflow/ofstream.h"
#include "proto/tls/tls.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(ofconn);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 60);

/* Messages of a connection that make no sense before it is closed. */
#define BAD_MAX 16
/* ofp_header.type of messages that are looked at before they are decoded. */
#define TYPE_ERROR 1

static void
ofconn_free(struct ofconn *conn)
{
    ovs_list_remove(&conn->node);
    conn->server->stats.n_conns--;
    admission_remove(conn->server->admission, &conn->entry);
    event_free(conn->timer);
    event_free(conn->stall);
    ofstream_destroy(conn->stream);
    free(conn->peer);
    free(conn);
}

void
ofconn_fail(struct ofconn *conn, const char *reason)
{
    const struct ofserver *server = conn->server;
    bool was_busy = conn->busy;

    if (conn->dead) {
        return;
    }
    if (conn->state == OFCONN_UP) {
        VLOG_INFO_RL(&rl, "%s: %s", conn->peer, reason);
        conn->busy = true;
        server->callbacks->closed(server->aux, conn, reason);
        conn->busy = was_busy;
    } else {
        VLOG_WARN_RL(&rl, "%s: closed before the handshake was complete: %s",
                     conn->peer, reason);
        conn->server->stats.n_failed++;
        if (server->callbacks->rejected) {
            server->callbacks->rejected(server->aux, conn->peer, reason);
        }
    }
    conn->dead = true;
    if (!conn->busy) {
        ofconn_free(conn);
    }
}

void
ofconn_send_buf(struct ofconn *conn, struct ofpbuf *msg)
{
    ofpmsg_update_length(msg);
    ofconn_send(conn, msg->data, msg->size);
    ofpbuf_delete(msg);
}

/* The same for an answer to what the peer has sent. */
static void
send_reply(struct ofconn *conn, struct ofpbuf *msg)
{
    conn->n_replies += msg->size;
    ofconn_send_buf(conn, msg);
}

void
ofconn_set_timer(struct ofconn *conn, int ms)
{
    if (ms > 0) {
        struct timeval tv = {
            .tv_sec = ms / 1000,
            .tv_usec = (ms % 1000) * 1000,
        };

        event_add(conn->timer, &tv);
    } else {
        event_del(conn->timer);
    }
}

/* Messages.  ------------------------------------------------------------- */

static void
bad_message(struct ofconn *conn, const struct ofp_header *oh,
            enum ofperr error)
{
    conn->server->stats.n_bad++;
    VLOG_WARN_RL(&rl, "%s: message of type %u, length %u: %s", conn->peer,
                 oh->type, ntohs(oh->length), ofperr_to_string(error));
    if (++conn->n_bad > BAD_MAX) {
        ofconn_fail(conn, "too many invalid messages");
    } else if (oh->type != TYPE_ERROR) {
        send_reply(conn, ofperr_encode_reply(error, oh));
    }
}

/* Notes when the request was sent that the reply is to: it comes back as it
 * was sent (OpenFlow 1.5.1, 7.5.3). */
static void
take_echo_reply(struct ofconn *conn, const struct ofp_header *oh)
{
    ovs_be64 sent;

    if (ntohs(oh->length) == sizeof *oh + sizeof sent) {
        memcpy(&sent, oh + 1, sizeof sent);
        conn->answered_us = MAX(conn->answered_us,
                                (int64_t) MIN(ntohll(sent),
                                              (uint64_t) time_usec()));
    }
}

static void
handle_message(struct ofconn *conn, const struct ofp_header *oh)
{
    enum ofperr error;
    enum ofptype type;

    if (conn->state == OFCONN_HELLO) {
        ofconn_handle_hello(conn, oh);
        return;
    }
    if (oh->version != OFP15_VERSION) {
        bad_message(conn, oh, OFPERR_OFPBRC_BAD_VERSION);
        return;
    }
    error = ofptype_decode(&type, oh);
    if (error) {
        bad_message(conn, oh, error);
        return;
    }
    switch ((int) type) {
    case OFPTYPE_HELLO:
        break;
    case OFPTYPE_ECHO_REPLY:
        take_echo_reply(conn, oh);
        break;
    case OFPTYPE_ECHO_REQUEST:
        send_reply(conn, ofputil_encode_echo_reply(oh));
        break;
    default:
        if (conn->state == OFCONN_FEATURES) {
            ofconn_handle_features(conn, type, oh);
        } else if (conn->state == OFCONN_ROLE) {
            ofconn_handle_role(conn, type, oh);
        } else if (type == OFPTYPE_ROLE_STATUS) {
            ofconn_handle_role_status(conn, oh);
        } else {
            conn->server->callbacks->message(conn->server->aux, conn, type,
                                             oh);
        }
    }
}

/* Takes the next whole message out of 'bytes', of which there are 'size'.
 * Returns its length, or 0 if there is none yet, or none to come. */
static size_t
take_message(struct ofconn *conn, const uint8_t *bytes, size_t size)
{
    uint64_t *scratch = conn->server->scratch;
    struct ofp_header header;
    size_t length;

    if (size < sizeof header) {
        return 0;
    }
    memcpy(&header, bytes, sizeof header);
    length = ntohs(header.length);
    if (length < sizeof header) {
        conn->server->stats.n_bad++;
        ofconn_fail(conn, "a message claims to be shorter than its header");
        return 0;
    }
    /* Nothing but a hello is waited for, so that rubbish is not. */
    if (conn->state == OFCONN_HELLO
        && (header.type != OFCONN_TYPE_HELLO || length > OFCONN_HELLO_MAX)) {
        conn->server->stats.n_bad++;
        ofconn_fail(conn, "the first message is no OpenFlow hello");
        return 0;
    }
    if (!conn->identified && length > OFCONN_PENDING_MESSAGE) {
        conn->server->stats.n_bad++;
        ofconn_fail(conn, "a message is too large for a switch whose host is "
                    "not identified");
        return 0;
    }
    if (size < length) {
        return 0;
    }
    if ((uintptr_t) bytes % sizeof *scratch) {
        /* One before it had an odd length. */
        memcpy(scratch, bytes, length);
        bytes = (const uint8_t *) scratch;
    }
    handle_message(conn, ALIGNED_CAST(const struct ofp_header *, bytes));
    return length;
}

static size_t
input_cb(void *conn_, const uint8_t *bytes, size_t size)
{
    struct ofconn *conn = conn_;
    size_t used = 0, n;

    conn->heard = true;
    conn->heard_us = time_usec();
    conn->probed = false;
    conn->busy = true;
    while (!conn->dead && conn->state != OFCONN_LINGER
           && (n = take_message(conn, bytes + used, size - used))) {
        used += n;
    }
    conn->busy = false;
    if (conn->dead) {
        ofconn_free(conn);
        return OFSTREAM_GONE;
    }
    if (conn->n_replies > (conn->identified ? OFCONN_REPLIES
                           : OFCONN_PENDING_REPLIES)) {
        ofstream_pause_input(conn->stream);
    }
    return conn->state == OFCONN_LINGER ? size : used;
}

static void
drained_cb(void *conn_)
{
    struct ofconn *conn = conn_;

    if (conn->state == OFCONN_LINGER) {
        ofconn_free(conn);
        return;
    }
    conn->n_replies = 0;
    ofstream_resume_input(conn->stream);
}

static void
secured_cb(void *conn_)
{
    struct ofconn *conn = conn_;
    const struct ofserver *server = conn->server;
    char *name, *reason;

    conn->secured = true;
    if (conn->state == OFCONN_LINGER) {
        return;
    }
    ofconn_set_timer(conn, server->options.handshake_ms);
    if (!server->callbacks->secured) {
        return;
    }
    name = ofconn_certificate(conn);
    if (!server->callbacks->secured(server->aux, conn, name)) {
        admission_count(server->admission, &conn->entry.peer,
                        ADMISSION_IDENTITY);
        reason = xasprintf("its certificate is for \"%.64s\", which is no "
                           "host", name);
        ofconn_fail(conn, reason);
        free(reason);
    }
    free(name);
}

static void
failed_cb(void *conn_, const char *reason)
{
    struct ofconn *conn = conn_;

    if (conn->state == OFCONN_LINGER) {
        ofconn_free(conn);
    } else {
        ofconn_fail(conn, reason);
    }
}

static const struct ofstream_callbacks stream_callbacks = {
    .input = input_cb,
    .drained = drained_cb,
    .secured = secured_cb,
    .failed = failed_cb,
};

/* Timers.  --------------------------------------------------------------- */

/* Begins a part of the time for TLS's handshake; 'n_left' come after it. */
static void
set_handshake_part(struct ofconn *conn, unsigned n_left)
{
    conn->handshake_parts = n_left;
    ofconn_set_timer(conn, (conn->server->options.tls_handshake_ms
                            / TLS_HANDSHAKE_PARTS));
}

static void
timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *conn_)
{
    struct ofconn *conn = conn_;

    if (conn->state == OFCONN_LINGER) {
        ofconn_free(conn);
        return;
    } else if (!conn->secured && conn->handshake_parts) {
        set_handshake_part(conn, conn->handshake_parts - 1);
        return;
    } else if (conn->state != OFCONN_UP) {
        admission_count(conn->server->admission, &conn->entry.peer,
                        ADMISSION_TIMEOUT);
        ofconn_fail(conn, (conn->secured ? "handshake timed out"
                           : "TLS handshake timed out"));
        return;
    }
    if (conn->probed) {
        conn->server->stats.n_silent++;
        ofconn_fail(conn, "no reply to an echo request");
        return;
    }
    if (!conn->heard) {
        conn->probed = true;
        ofconn_send_buf(conn, ofputil_encode_echo_request(OFP15_VERSION));
    }
    conn->heard = false;
    ofconn_set_timer(conn, conn->server->options.probe_ms);
}

void
ofconn_probe(struct ofconn *conn)
{
    if (conn->state == OFCONN_UP && !conn->probed && !conn->dead) {
        conn->probed = true;
        conn->heard = false;
        ofconn_send_buf(conn, ofputil_encode_echo_request(OFP15_VERSION));
        ofconn_set_timer(conn, OFCONN_PROBE_MS);
    }
}

void
ofconn_send_echo(struct ofconn *conn)
{
    ovs_be64 now = htonll((uint64_t) time_usec());
    struct ofpbuf *msg;

    if (conn->state == OFCONN_UP && !conn->dead) {
        msg = ofputil_encode_echo_request(OFP15_VERSION);
        ofpbuf_put(msg, &now, sizeof now);
        ofpmsg_update_length(msg);
        ofconn_send_buf(conn, msg);
    }
}

int64_t
ofconn_answered_us(const struct ofconn *conn)
{
    return conn->answered_us;
}

int64_t
ofconn_heard_us(const struct ofconn *conn)
{
    return conn->heard_us;
}

static void
stall_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *conn_)
{
    struct ofconn *conn = conn_;
    char *reason = xasprintf("disconnected: it does not read, %"PRIuSIZE" "
                             "bytes are queued", ofconn_queued(conn));

    conn->server->stats.n_stalled++;
    ofconn_fail(conn, reason);
    free(reason);
}

/* Life and sending.  ----------------------------------------------------- */

void
ofconn_create(struct ofserver *server, int fd, const char *peer)
{
    struct ofconn *conn = xzalloc(sizeof *conn);
    struct admission_peer address = admission_peer_parse(peer);

    if (address.family == AF_UNIX) {
        address = admission_peer_make(fd, NULL);
    }
    if (!admission_admit(server->admission, &conn->entry, &address,
                         time_msec())) {
        close(fd);
        free(conn);
        return;
    }
    conn->stream = ofstream_create(&server->streams, fd, server->ctx,
                                   &stream_callbacks, conn);
    if (!conn->stream) {
        VLOG_WARN_RL(&rl, "%s: no connection could be made", peer);
        admission_remove(server->admission, &conn->entry);
        free(conn);
        return;
    }
    conn->server = server;
    conn->id = server->stats.n_accepted;
    conn->secured = !server->ctx;
    conn->peer = xstrdup(peer);
    conn->last_xid = OFCONN_XID_BASE;
    conn->timer = event_new(server->base, -1, 0, timer_cb, conn);
    conn->stall = event_new(server->base, -1, 0, stall_cb, conn);
    ovs_list_push_back(&server->conns, &conn->node);
    server->stats.n_conns++;

    if (conn->secured) {
        ofconn_set_timer(conn, server->options.handshake_ms);
    } else {
        set_handshake_part(conn, TLS_HANDSHAKE_PARTS - 1);
    }
    ofconn_send_buf(conn, ofputil_encode_hello(1u << OFP15_VERSION));
}

void
ofconn_close_entry(void *aux OVS_UNUSED, struct admission_entry *entry)
{
    struct ofconn *conn = CONTAINER_OF(entry, struct ofconn, entry);

    if (conn->state == OFCONN_LINGER) {
        ofconn_free(conn);
    } else {
        ofconn_fail(conn, "closed to make room for another connection");
    }
}

void
ofconn_set_identified(struct ofconn *conn)
{
    if (!conn->identified && !conn->dead) {
        conn->identified = true;
        admission_set_state(conn->server->admission, &conn->entry,
                            ADMISSION_ACTIVE, time_msec());
        ofstream_read_large(conn->stream);
    }
}

void
ofconn_close(struct ofconn *conn)
{
    if (conn && !conn->dead) {
        conn->dead = true;
        if (!conn->busy) {
            ofconn_free(conn);
        }
    }
}

void
ofconn_close_first(struct ofserver *server)
{
    struct ofconn *conn = CONTAINER_OF(ovs_list_front(&server->conns),
                                       struct ofconn, node);

    ofconn_free(conn);
}

const char *
ofconn_peer(const struct ofconn *conn)
{
    return conn->peer;
}

uint64_t
ofconn_id(const struct ofconn *conn)
{
    return conn->id;
}

bool
ofconn_has_address_of(const struct ofconn *a, const struct ofconn *b)
{
    struct admission_peer pa = admission_peer_parse(a->peer);
    struct admission_peer pb = admission_peer_parse(b->peer);

    return (pa.family == pb.family
            && !memcmp(&pa.addr, &pb.addr, sizeof pa.addr));
}

char *
ofconn_certificate(const struct ofconn *conn)
{
    return ofstream_certificate(conn->stream);
}

void
ofconn_set_aux(struct ofconn *conn, void *aux)
{
    conn->aux = aux;
}

void *
ofconn_aux(const struct ofconn *conn)
{
    return conn->aux;
}

uint32_t
ofconn_next_xid(struct ofconn *conn)
{
    conn->last_xid = (conn->last_xid + 1) | OFCONN_XID_BASE;
    return conn->last_xid;
}

/* Returns true if 'size' more bytes may be queued.  If not, sees to it that
 * the connection ends. */
static bool
may_queue(struct ofconn *conn, size_t size)
{
    size_t max = conn->server->options.max_queue;

    if (!conn->identified) {
        max = MIN(max, OFCONN_PENDING_QUEUE);
    }
    if (conn->dead || conn->stalled) {
        return false;
    }
    if (size > max || ofconn_queued(conn) > max - size) {
        conn->stalled = true;
        event_active(conn->stall, EV_TIMEOUT, 0);
        return false;
    }
    return true;
}

void
ofconn_send(struct ofconn *conn, const void *bytes, size_t size)
{
    if (may_queue(conn, size)) {
        ofstream_write(conn->stream, bytes, size);
    }
}

void
ofconn_send_ref(struct ofconn *conn, const void *bytes, size_t size,
                void (*release)(void *aux), void *aux)
{
    if (may_queue(conn, size)) {
        ofstream_write_ref(conn->stream, bytes, size, release, aux);
    } else {
        release(aux);
    }
}

size_t
ofconn_queued(const struct ofconn *conn)
{
    return ofstream_queued(conn->stream);
}

bool
ofconn_is_stalled(const struct ofconn *conn)
{
    return conn->stalled;
}
