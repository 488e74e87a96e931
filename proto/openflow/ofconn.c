/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection of an OpenFlow 1.5 switch: framing, handshake, liveness.
 *
 *     accepted: our hello goes out
 *     HELLO     --hello with 1.5-->   our features request goes out
 *     FEATURES  --features reply-->   asynchronous messages are turned off,
 *                                     but for packets that are wanted
 *     UP        messages go to the callbacks
 *     LINGER    a final error goes out, then the connection is closed
 *
 * All that a peer sends is bounded: a message by its 16-bit length, what is
 * read at a time (ofstream.h), the handshake by a deadline, bad messages by a
 * count. */

#include <config.h>

#include "proto/openflow/ofconn.h"

#include <event2/event.h>
#include <string.h>

#include "openvswitch/ofp-connection.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-packet.h"
#include "openvswitch/ofp-switch.h"
#include "openvswitch/ofp-util.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn-private.h"
#include "proto/openflow/ofstream.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(ofconn);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 60);

/* Messages of a connection that make no sense before it is closed. */
#define BAD_MAX 16
/* ofp_header.type of messages that are looked at before they are decoded. */
#define TYPE_HELLO 0
#define TYPE_ERROR 1
/* A hello is some 16 bytes. */
#define HELLO_MAX 1024

enum ofconn_state {
    OFCONN_HELLO,
    OFCONN_FEATURES,
    OFCONN_UP,
    OFCONN_LINGER,
};

struct ofconn {
    struct ovs_list node;       /* In server's 'conns'. */
    struct ofserver *server;
    struct ofstream *stream;
    char *peer;
    void *aux;                  /* The user's. */
    enum ofconn_state state;
    uint32_t last_xid;
    unsigned n_bad;             /* Messages. */

    /* Liveness: one timer, looked at every probe_ms. */
    struct event *timer;
    bool heard;                 /* Something came since the timer fired. */
    bool probed;                /* An echo request is unanswered. */

    bool busy;                  /* In a callback: free later. */
    bool dead;                  /* ofconn_close() was called in one. */
    bool stalled;               /* The queue passed its limit. */
    struct event *stall;        /* Closes a stalled connection. */
};

static void
ofconn_free(struct ofconn *conn)
{
    ovs_list_remove(&conn->node);
    conn->server->stats.n_conns--;
    event_free(conn->timer);
    event_free(conn->stall);
    ofstream_destroy(conn->stream);
    free(conn->peer);
    free(conn);
}

/* Ends the connection for 'reason', and tells the user if it knows of it.
 * The caller returns to the loop without touching 'conn' again, unless
 * 'conn->busy'. */
static void
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
    }
    conn->dead = true;
    if (!conn->busy) {
        ofconn_free(conn);
    }
}

/* Takes ownership of 'msg', as libopenvswitch encoded it: the lengths of some
 * are not filled in yet. */
static void
send_buf(struct ofconn *conn, struct ofpbuf *msg)
{
    ofpmsg_update_length(msg);
    ofconn_send(conn, msg->data, msg->size);
    ofpbuf_delete(msg);
}

/* Handshake.  ------------------------------------------------------------ */

static void
set_timer(struct ofconn *conn, int ms)
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

/* The peer speaks no OpenFlow 1.5: says so, and closes once that is out. */
static void
refuse_version(struct ofconn *conn, const struct ofp_header *oh,
               uint32_t theirs)
{
    char *text = xasprintf("OpenFlow 1.5 (0x06) is needed; versions offered: "
                           "bitmap 0x%"PRIx32, theirs);

    send_buf(conn, ofperr_encode_hello(OFPERR_OFPHFC_INCOMPATIBLE,
                                       MIN(oh->version, OFP15_VERSION),
                                       text));
    VLOG_WARN_RL(&rl, "%s: refused: %s", conn->peer, text);
    free(text);
    conn->server->stats.n_failed++;
    conn->state = OFCONN_LINGER;
    ofstream_stop_input(conn->stream);
}

static void
handle_hello(struct ofconn *conn, const struct ofp_header *oh)
{
    uint32_t theirs;

    if (oh->type != TYPE_HELLO || ntohs(oh->length) > HELLO_MAX) {
        ofconn_fail(conn, "the first message is no OpenFlow hello");
        return;
    }
    if (oh->version < OFP10_VERSION) {
        ofconn_fail(conn, "hello of an unknown OpenFlow version");
        return;
    }
    /* False means that some element was not understood, which is not an
     * error (OpenFlow 1.5, section 7.5.1). */
    ofputil_decode_hello(oh, &theirs);
    if (!(theirs & (1u << OFP15_VERSION))) {
        refuse_version(conn, oh, theirs);
        return;
    }
    conn->state = OFCONN_FEATURES;
    send_buf(conn, ofpraw_alloc_xid(OFPRAW_OFPT_FEATURES_REQUEST,
                                    OFP15_VERSION,
                                    htonl(ofconn_next_xid(conn)), 0));
}

/* Of asynchronous messages a switch is to send only packets that flows send up
 * by an action, and these only if they are wanted. */
static void
set_async(struct ofconn *conn)
{
    struct ofputil_async_cfg cfg = OFPUTIL_ASYNC_CFG_INIT;
    struct ofpbuf *msg;

    if (conn->server->options.packet_ins) {
        cfg.primary[OAM_PACKET_IN] = 1u << OFPR_ACTION;
        cfg.secondary[OAM_PACKET_IN] = 1u << OFPR_ACTION;
        msg = ofputil_encode_set_packet_in_format(OFP15_VERSION,
                                                  OFPUTIL_PACKET_IN_NXT2);
        ((struct ofp_header *) msg->data)->xid = htonl(OFCONN_XID_PACKETS);
        send_buf(conn, msg);
    }
    send_buf(conn, ofputil_encode_set_async_config(
                 &cfg, (1u << OAM_N_TYPES) - 1, OFP15_VERSION));
}

static void
handle_features(struct ofconn *conn, enum ofptype type,
                const struct ofp_header *oh)
{
    struct ofputil_switch_features sf;
    struct ofconn_features features;
    struct ofpbuf b;

    if (type == OFPTYPE_ERROR) {
        ofconn_fail(conn, "the switch refused the features request");
        return;
    } else if (type != OFPTYPE_FEATURES_REPLY) {
        return;                 /* Port status and the like. */
    }
    b = ofpbuf_const_initializer(oh, ntohs(oh->length));
    if (ofputil_pull_switch_features(&b, &sf)) {
        ofconn_fail(conn, "malformed features reply");
        return;
    }
    if (sf.auxiliary_id) {
        ofconn_fail(conn, "auxiliary connections are not supported");
        return;
    }
    features = (struct ofconn_features) {
        .datapath_id = sf.datapath_id,
        .n_tables = sf.n_tables,
        .capabilities = sf.capabilities,
    };
    set_async(conn);
    conn->state = OFCONN_UP;
    set_timer(conn, conn->server->options.probe_ms);
    VLOG_INFO_RL(&rl, "%s: switch %016"PRIx64" connected", conn->peer,
                 features.datapath_id);
    conn->server->callbacks->connected(conn->server->aux, conn, &features);
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
        ofconn_fail(conn, "too many messages that make no sense");
    } else if (oh->type != TYPE_ERROR) {
        send_buf(conn, ofperr_encode_reply(error, oh));
    }
}

static void
handle_message(struct ofconn *conn, const struct ofp_header *oh)
{
    enum ofperr error;
    enum ofptype type;

    if (conn->state == OFCONN_HELLO) {
        handle_hello(conn, oh);
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
    case OFPTYPE_ECHO_REPLY:
        break;
    case OFPTYPE_ECHO_REQUEST:
        send_buf(conn, ofputil_encode_echo_reply(oh));
        break;
    default:
        if (conn->state == OFCONN_FEATURES) {
            handle_features(conn, type, oh);
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
        && (header.type != TYPE_HELLO || length > HELLO_MAX)) {
        conn->server->stats.n_bad++;
        ofconn_fail(conn, "the first message is no OpenFlow hello");
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
    return conn->state == OFCONN_LINGER ? size : used;
}

static void
drained_cb(void *conn_)
{
    struct ofconn *conn = conn_;

    if (conn->state == OFCONN_LINGER) {
        ofconn_free(conn);
    }
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
    .failed = failed_cb,
};

/* Timers.  --------------------------------------------------------------- */

static void
timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *conn_)
{
    struct ofconn *conn = conn_;

    if (conn->state == OFCONN_LINGER) {
        ofconn_free(conn);
        return;
    } else if (conn->state != OFCONN_UP) {
        ofconn_fail(conn, "no complete handshake in time");
        return;
    }
    if (conn->probed) {
        conn->server->stats.n_silent++;
        ofconn_fail(conn, "no answer to an echo request");
        return;
    }
    if (!conn->heard) {
        conn->probed = true;
        send_buf(conn, ofputil_encode_echo_request(OFP15_VERSION));
    }
    conn->heard = false;
    set_timer(conn, conn->server->options.probe_ms);
}

static void
stall_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *conn_)
{
    struct ofconn *conn = conn_;
    char *reason = xasprintf("cut off: it does not read, %"PRIuSIZE" bytes "
                             "wait to be sent", ofconn_queued(conn));

    conn->server->stats.n_stalled++;
    ofconn_fail(conn, reason);
    free(reason);
}

/* Life and sending.  ----------------------------------------------------- */

void
ofconn_create(struct ofserver *server, int fd, const char *peer)
{
    struct ofconn *conn = xzalloc(sizeof *conn);

    conn->stream = ofstream_create(&server->streams, fd, server->ctx,
                                   &stream_callbacks, conn);
    if (!conn->stream) {
        VLOG_WARN_RL(&rl, "%s: no connection could be made", peer);
        free(conn);
        return;
    }
    conn->server = server;
    conn->peer = xstrdup(peer);
    conn->last_xid = OFCONN_XID_BASE;
    conn->timer = event_new(server->base, -1, 0, timer_cb, conn);
    conn->stall = event_new(server->base, -1, 0, stall_cb, conn);
    ovs_list_push_back(&server->conns, &conn->node);
    server->stats.n_conns++;

    set_timer(conn, server->options.handshake_ms);
    send_buf(conn, ofputil_encode_hello(1u << OFP15_VERSION));
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
    if (conn->dead || conn->stalled) {
        return false;
    }
    if (size > conn->server->options.max_queue
        || ofconn_queued(conn) > conn->server->options.max_queue - size) {
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
