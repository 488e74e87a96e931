/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of proto/openflow: framing, handshake, liveness, queue limits,
 * dumps.  A fake switch sits at the other end of a socketpair. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "openflow/openflow-1.5.h"
#include "byte-order.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-bundle.h"
#include "openvswitch/ofp-connection.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofp-packet.h"
#include "openvswitch/ofp-switch.h"
#include "openvswitch/ofp-util.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofdump.h"
#include "proto/openflow/ofmsg.h"
#include "util.h"

/* A condition that has not come true by then never will.  Long: no result
 * depends on it but a failing one. */
#define GIVE_UP_S 30

struct fixture {
    struct event_base *base;
    struct ofserver *server;
    int fd;                     /* The fake switch. */
    struct ofpbuf in;           /* What it has received. */

    /* Seen by the callbacks. */
    struct ofconn *conn;
    struct ofconn_features features;
    unsigned n_connected, n_messages, n_closed;
    enum ofptype last_type;
    uint32_t last_xid;
    char *reason;
    bool close_in_message;
    bool unidentified;          /* It is not known whose switches come. */

    struct ofdump *dump;
    unsigned n_flows, n_groups, n_done;
    char *dump_error;
    size_t charge;              /* For each flow of a dump. */
    size_t rest;                /* Of its budget. */
    bool dump_whole;
    unsigned n_released;
};

static void
connected_cb(void *f_, struct ofconn *conn,
             const struct ofconn_features *features)
{
    struct fixture *f = f_;

    f->conn = conn;
    f->features = *features;
    f->n_connected++;
    if (!f->unidentified) {
        ofconn_set_identified(conn);
    }
}

static void
message_cb(void *f_, struct ofconn *conn, enum ofptype type,
           const struct ofp_header *oh)
{
    struct fixture *f = f_;

    f->n_messages++;
    f->last_type = type;
    f->last_xid = ntohl(oh->xid);
    if (f->dump && ofdump_message(f->dump, type, oh)) {
        return;
    }
    if (f->close_in_message) {
        ofconn_close(conn);
        f->conn = NULL;
    }
}

static void
closed_cb(void *f_, struct ofconn *conn OVS_UNUSED, const char *reason)
{
    struct fixture *f = f_;

    f->conn = NULL;
    f->n_closed++;
    free(f->reason);
    f->reason = xstrdup(reason);
}

static const struct ofconn_callbacks callbacks = {
    .connected = connected_cb,
    .message = message_cb,
    .closed = closed_cb,
};

static void
start(struct fixture *f, const char *target,
      const struct ofconn_options *options)
{
    char *text;
    int error;

    error = ofserver_create(f->base, target, NULL, options, &callbacks, f,
                            &f->server, &text);
    assert_int_equal(error, 0);
    assert_null(text);
}

/* Gives the server one end of a socketpair. */
static void
plug(struct fixture *f)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
                     0);
    if (f->fd >= 0) {
        close(f->fd);
    }
    f->fd = fds[0];
    ofpbuf_clear(&f->in);
    ofserver_adopt(f->server, fds[1], "test");
}

static int
setup(void **state)
{
    struct fixture *f = xzalloc(sizeof *f);

    f->base = event_base_new();
    f->fd = -1;
    ofpbuf_init(&f->in, 0);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ofdump_destroy(f->dump);
    ofserver_destroy(f->server);
    event_base_free(f->base);
    if (f->fd >= 0) {
        close(f->fd);
    }
    ofpbuf_uninit(&f->in);
    free(f->reason);
    free(f->dump_error);
    free(f);
    return 0;
}

/* Turns the loop once, and reads what has come for the switch.  Returns false
 * at the end of its stream. */
static bool
turn(struct fixture *f)
{
    struct timeval tv = { .tv_usec = 2000 };
    char buf[4096];
    ssize_t n;

    event_base_loopexit(f->base, &tv);
    event_base_loop(f->base, EVLOOP_ONCE);
    while (f->fd >= 0 && (n = read(f->fd, buf, sizeof buf)) >= 0) {
        if (!n) {
            return false;
        }
        ofpbuf_put(&f->in, buf, n);
    }
    return f->fd < 0 || errno == EAGAIN;
}

#define TURN_UNTIL(F, CONDITION)                                \
    do {                                                        \
        time_t give_up__ = time(NULL) + GIVE_UP_S;              \
        while (!(CONDITION)) {                                  \
            turn(F);                                            \
            assert_true(time(NULL) < give_up__);                \
        }                                                       \
    } while (0)

/* Turns until the switch sees the end of its stream. */
static void
until_eof(struct fixture *f)
{
    time_t give_up = time(NULL) + GIVE_UP_S;

    while (turn(f)) {
        assert_true(time(NULL) < give_up);
    }
}

/* True if a whole message has come for the switch; its size then. */
static bool
whole(const struct fixture *f, size_t *size)
{
    struct ofp_header oh;

    if (f->in.size >= sizeof oh) {
        memcpy(&oh, f->in.data, sizeof oh);
        *size = ntohs(oh.length);
        return f->in.size >= *size;
    }
    return false;
}

/* The next whole message the switch has got.  The caller frees it. */
static struct ofp_header *
receive(struct fixture *f)
{
    struct ofp_header *oh;
    size_t size;

    TURN_UNTIL(f, whole(f, &size));
    oh = xmemdup(f->in.data, size);
    ofpbuf_pull(&f->in, size);
    return oh;
}

/* Receives a message and checks its type; returns its xid. */
static ovs_be32
expect(struct fixture *f, enum ofptype wanted)
{
    struct ofp_header *oh = receive(f);
    ovs_be32 xid = oh->xid;
    enum ofptype type;

    assert_int_equal(ofptype_decode(&type, oh), 0);
    assert_int_equal(type, wanted);
    free(oh);
    return xid;
}

static void
send_bytes(struct fixture *f, const void *bytes, size_t size)
{
    assert_int_equal(write(f->fd, bytes, size), size);
}

static void
send_msg(struct fixture *f, struct ofpbuf *msg)
{
    ofpmsg_update_length(msg);
    send_bytes(f, msg->data, msg->size);
    ofpbuf_delete(msg);
}

static struct ofpbuf *
features_reply(ovs_be32 xid, uint8_t auxiliary_id)
{
    const struct ofputil_switch_features sf = {
        .datapath_id = 0x1234,
        .n_tables = 254,
        .auxiliary_id = auxiliary_id,
        .capabilities = OFPUTIL_C_FLOW_STATS,
    };

    return ofputil_encode_switch_features(&sf, OFPUTIL_P_OF15_OXM, xid);
}

static void
handshake(struct fixture *f)
{
    unsigned before = f->n_connected;
    ovs_be32 xid;

    plug(f);
    send_msg(f, ofputil_encode_hello(1u << OFP15_VERSION));
    expect(f, OFPTYPE_HELLO);
    xid = expect(f, OFPTYPE_FEATURES_REQUEST);
    send_msg(f, features_reply(xid, 0));
    expect(f, OFPTYPE_SET_ASYNC_CONFIG);
    assert_int_equal(f->n_connected, before + 1);
}

static bool
put_off_cb(void *n_left_)
{
    int *n_left = n_left_;

    return *n_left && (*n_left)--;
}

static void
what_has_come_can_be_put_off(void **state)
{
    struct ofconn_options options = ofconn_options_default;
    struct fixture *f = *state;
    int n_left = 0;

    options.put_off = put_off_cb;
    options.put_off_aux = &n_left;
    start(f, NULL, &options);
    handshake(f);

    n_left = 3;
    send_msg(f, ofputil_encode_barrier_request(OFP15_VERSION));
    while (n_left) {
        assert_int_equal(f->n_messages, 0);
        turn(f);
    }
    TURN_UNTIL(f, f->n_messages == 1);
}

/* Handshake.  ------------------------------------------------------------ */

static void
handshake_yields_datapath_and_no_packet_ins(void **state)
{
    struct fixture *f = *state;
    struct ofputil_async_cfg before, after;
    struct ofp_header *oh;
    ovs_be32 xid;

    start(f, NULL, &ofconn_options_default);
    plug(f);
    send_msg(f, ofputil_encode_hello(1u << OFP15_VERSION));
    oh = receive(f);
    assert_int_equal(oh->version, OFP15_VERSION);
    free(oh);
    xid = expect(f, OFPTYPE_FEATURES_REQUEST);
    send_msg(f, features_reply(xid, 0));

    oh = receive(f);
    before = ofputil_async_cfg_default(OFP15_VERSION);
    assert_int_equal(ofputil_decode_set_async_config(oh, false, &before,
                                                     &after), 0);
    for (int i = 0; i < OAM_N_TYPES; i++) {
        assert_int_equal(after.primary[i], 0);
        assert_int_equal(after.secondary[i], 0);
    }
    free(oh);

    assert_int_equal(f->n_connected, 1);
    assert_int_equal(f->features.datapath_id, 0x1234);
    assert_int_equal(f->features.n_tables, 254);
}

static void
packet_ins_come_only_if_they_are_wanted(void **state)
{
    struct ofconn_options options = ofconn_options_default;
    enum ofputil_packet_in_format format;
    struct ofputil_async_cfg before, after;
    struct fixture *f = *state;
    struct ofp_header *oh;
    ovs_be32 xid;

    options.packet_ins = true;
    start(f, NULL, &options);
    plug(f);
    send_msg(f, ofputil_encode_hello(1u << OFP15_VERSION));
    expect(f, OFPTYPE_HELLO);
    xid = expect(f, OFPTYPE_FEATURES_REQUEST);
    send_msg(f, features_reply(xid, 0));

    oh = receive(f);
    assert_int_equal(ofputil_decode_set_packet_in_format(oh, &format), 0);
    assert_int_equal(format, OFPUTIL_PACKET_IN_NXT2);
    assert_int_equal(ntohl(oh->xid), OFCONN_XID_PACKETS);
    free(oh);
    oh = receive(f);
    before = ofputil_async_cfg_default(OFP15_VERSION);
    assert_int_equal(ofputil_decode_set_async_config(oh, false, &before,
                                                     &after), 0);
    for (int i = 0; i < OAM_N_TYPES; i++) {
        assert_int_equal(after.primary[i],
                         i == OAM_PACKET_IN ? 1u << OFPR_ACTION : 0);
    }
    free(oh);
}

static void
handshake_survives_delivery_byte_by_byte(void **state)
{
    struct fixture *f = *state;
    struct ofpbuf *msg = ofputil_encode_hello(1u << OFP15_VERSION);
    struct ofpbuf *reply;

    start(f, NULL, &ofconn_options_default);
    plug(f);
    for (size_t i = 0; i < msg->size; i++) {
        send_bytes(f, (char *) msg->data + i, 1);
        turn(f);
    }
    ofpbuf_delete(msg);
    expect(f, OFPTYPE_HELLO);
    reply = features_reply(expect(f, OFPTYPE_FEATURES_REQUEST), 0);
    ofpmsg_update_length(reply);
    for (size_t i = 0; i < reply->size; i++) {
        assert_int_equal(f->n_connected, 0);
        send_bytes(f, (char *) reply->data + i, 1);
        turn(f);
    }
    ofpbuf_delete(reply);
    TURN_UNTIL(f, f->n_connected == 1);
}

static void
many_messages_in_one_segment_all_arrive(void **state)
{
    struct fixture *f = *state;
    struct ofpbuf all;

    start(f, NULL, &ofconn_options_default);
    handshake(f);
    ofpbuf_init(&all, 0);
    for (int i = 0; i < 1000; i++) {
        ofmsg_put_barrier(&all, 1000 + i);
    }
    send_bytes(f, all.data, all.size);
    ofpbuf_uninit(&all);
    TURN_UNTIL(f, f->n_messages == 1000);
    assert_int_equal(f->last_type, OFPTYPE_BARRIER_REQUEST);
    assert_int_equal(f->last_xid, 1999);
}

static void
older_version_is_refused_with_an_error(void **state)
{
    struct fixture *f = *state;
    struct ofp_header *oh;

    start(f, NULL, &ofconn_options_default);
    plug(f);
    send_msg(f, ofputil_encode_hello(1u << OFP10_VERSION
                                     | 1u << OFP13_VERSION));
    expect(f, OFPTYPE_HELLO);
    oh = receive(f);
    assert_int_equal(oh->version, OFP13_VERSION);
    assert_int_equal(ofperr_decode_msg(oh, NULL),
                     OFPERR_OFPHFC_INCOMPATIBLE);
    free(oh);
    until_eof(f);
    assert_int_equal(f->n_connected, 0);
    assert_int_equal(f->n_closed, 0);
}

static void
newer_version_without_bitmap_falls_back_to_ours(void **state)
{
    struct fixture *f = *state;
    const uint8_t hello[] = { 0x07, 0, 0, 8, 0, 0, 0, 1 };

    start(f, NULL, &ofconn_options_default);
    plug(f);
    send_bytes(f, hello, sizeof hello);
    expect(f, OFPTYPE_HELLO);
    expect(f, OFPTYPE_FEATURES_REQUEST);
}

static void
rubbish_is_closed_at_once(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint8_t bytes[16];
        size_t size;
    } cases[] = {
        { "GET / HTTP/1.1\r\n", 16 },
        { { 0x16, 3, 1, 2, 0, 1, 0, 1 }, 8 },       /* TLS. */
        { { 6, 0, 0, 7, 0, 0, 0, 1 }, 8 },          /* Length 7. */
        { { 6, 0, 0, 0, 0, 0, 0, 1 }, 8 },          /* Length 0. */
        { { 6, 0, 0xff, 0xff, 0, 0, 0, 1 }, 8 },    /* A hello of 64 KiB. */
        { { 6, 13, 0, 8, 0, 0, 0, 1 }, 8 },         /* No hello. */
        { { 0, 0, 0, 8, 0, 0, 0, 1 }, 8 },          /* Version 0. */
    };
    struct ofserver_stats stats;

    start(f, NULL, &ofconn_options_default);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        plug(f);
        send_bytes(f, cases[i].bytes, cases[i].size);
        until_eof(f);
        ofserver_get_stats(f->server, &stats);
        assert_int_equal(stats.n_conns, 0);
        assert_int_equal(stats.n_failed, i + 1);
    }
    assert_int_equal(f->n_connected, 0);
}

static void
hello_with_malformed_elements_never_crashes(void **state)
{
    struct fixture *f = *state;
    uint32_t seed = 20;

    print_message("seed %"PRIu32"\n", seed);
    start(f, NULL, &ofconn_options_default);
    for (int i = 0; i < 300; i++) {
        uint8_t hello[40] = { 6, 0, 0, 0, 0, 0, 0, 1 };
        size_t size = 8 + i % 33;

        hello[3] = size;
        for (size_t j = 8; j < size; j++) {
            seed = seed * 1103515245 + 12345;
            hello[j] = (seed >> 16) & ((j & 1) ? 0x0f : 0xff);
        }
        plug(f);
        send_bytes(f, hello, size);
        turn(f);
    }
    handshake(f);
}

static void
half_open_peer_is_closed_at_the_deadline(void **state)
{
    struct fixture *f = *state;
    struct ofconn_options options = ofconn_options_default;
    struct ofserver_stats stats;

    options.handshake_ms = 20;
    start(f, NULL, &options);
    plug(f);                    /* Says nothing at all. */
    until_eof(f);
    plug(f);                    /* Stops in the middle of a hello. */
    send_bytes(f, "\6\0\0", 3);
    until_eof(f);
    plug(f);                    /* Never answers the features request. */
    send_msg(f, ofputil_encode_hello(1u << OFP15_VERSION));
    until_eof(f);
    ofserver_get_stats(f->server, &stats);
    assert_int_equal(stats.n_failed, 3);
    assert_int_equal(stats.n_conns, 0);
}

static void
auxiliary_connection_is_refused(void **state)
{
    struct fixture *f = *state;

    start(f, NULL, &ofconn_options_default);
    plug(f);
    send_msg(f, ofputil_encode_hello(1u << OFP15_VERSION));
    expect(f, OFPTYPE_HELLO);
    send_msg(f, features_reply(expect(f, OFPTYPE_FEATURES_REQUEST), 1));
    until_eof(f);
    assert_int_equal(f->n_connected, 0);
}

/* Connected.  ------------------------------------------------------------ */

/* Lengths of which few are multiples of eight, more bytes than are read at a
 * time, written in pieces that end anywhere. */
static void
messages_of_any_length_survive_any_cut(void **state)
{
    struct fixture *f = *state;
    unsigned n_answers = 0, n = 0;
    struct ofpbuf all;
    size_t sent = 0;

    start(f, NULL, &ofconn_options_default);
    handshake(f);
    ofpbuf_init(&all, 0);
    for (size_t size = 0; size < 60000; size += 1 + size / 3) {
        struct ofpbuf *msg = ofpraw_alloc_xid(OFPRAW_OFPT_ECHO_REQUEST,
                                              OFP15_VERSION, htonl(n++),
                                              size);

        memset(ofpbuf_put_uninit(msg, size), n, size);
        ofpmsg_update_length(msg);
        ofpbuf_put(&all, msg->data, msg->size);
        ofpbuf_delete(msg);
    }
    for (size_t piece = 1; n_answers < n; piece = piece * 3 % 20011) {
        while (sent < all.size) {
            ssize_t written = write(f->fd, (uint8_t *) all.data + sent,
                                    MIN(piece, all.size - sent));

            if (written < 0) {
                break;          /* Full. */
            }
            sent += written;
            piece = piece * 3 % 20011;
        }
        turn(f);
        for (size_t size; whole(f, &size); ) {
            struct ofp_header *oh = receive(f);
            const uint8_t *data = (const uint8_t *) (oh + 1);

            assert_int_equal(ntohl(oh->xid), n_answers++);
            for (size_t i = 0; i < size - sizeof *oh; i++) {
                assert_int_equal(data[i], (uint8_t) n_answers);
            }
            free(oh);
        }
    }
    assert_int_equal(f->n_closed, 0);
    ofpbuf_uninit(&all);
}

static void
echo_request_is_answered_with_its_data(void **state)
{
    struct fixture *f = *state;
    struct ofpbuf *msg;
    struct ofp_header *oh;

    start(f, NULL, &ofconn_options_default);
    handshake(f);
    msg = ofpraw_alloc_xid(OFPRAW_OFPT_ECHO_REQUEST, OFP15_VERSION, htonl(77),
                           4);
    ofpbuf_put(msg, "abcd", 4);
    send_msg(f, msg);
    oh = receive(f);
    assert_int_equal(oh->type, 3);
    assert_int_equal(ntohl(oh->xid), 77);
    assert_int_equal(ntohs(oh->length), 12);
    assert_memory_equal(oh + 1, "abcd", 4);
    free(oh);
    assert_int_equal(f->n_messages, 0);
}

static void
silent_switch_is_probed_and_then_closed(void **state)
{
    struct fixture *f = *state;
    struct ofconn_options options = ofconn_options_default;
    struct ofserver_stats stats;
    struct ofpbuf *reply;

    options.probe_ms = 20;
    start(f, NULL, &options);
    handshake(f);
    /* It answers some, and lives on. */
    for (int i = 0; i < 3; i++) {
        struct ofp_header *oh = receive(f);

        reply = ofputil_encode_echo_reply(oh);
        free(oh);
        send_msg(f, reply);
    }
    assert_int_equal(f->n_closed, 0);
    until_eof(f);
    assert_int_equal(f->n_closed, 1);
    assert_string_equal(f->reason, "no answer to an echo request");
    ofserver_get_stats(f->server, &stats);
    assert_int_equal(stats.n_silent, 1);
}

static void
switch_that_does_not_read_is_cut_off(void **state)
{
    struct fixture *f = *state;
    struct ofconn_options options = ofconn_options_default;
    struct ofserver_stats stats;
    char block[8192] = "";
    size_t n = 0;

    options.max_queue = 1 << 20;
    start(f, NULL, &options);
    handshake(f);
    while (ofconn_queued(f->conn) + sizeof block <= options.max_queue) {
        ofconn_send(f->conn, block, sizeof block);
        n++;
    }
    assert_int_equal(f->n_closed, 0);
    ofconn_send(f->conn, block, sizeof block);
    ofconn_send(f->conn, block, sizeof block);
    assert_true(ofconn_queued(f->conn) <= options.max_queue);
    assert_int_equal(f->n_closed, 0);   /* Never from inside the call. */
    event_base_loop(f->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    assert_int_equal(f->n_closed, 1);
    assert_non_null(strstr(f->reason, "does not read"));
    ofserver_get_stats(f->server, &stats);
    assert_int_equal(stats.n_stalled, 1);
    assert_int_equal(stats.n_conns, 0);
    assert_true(n >= 128);
}

/* Sends echo requests of 1 KiB and reads nothing, until nothing more is taken.
 * Returns how much was. */
static size_t
flood_echoes(struct fixture *f, size_t limit)
{
    static const char payload[1016];
    struct ofpbuf *msg = ofpraw_alloc(OFPRAW_OFPT_ECHO_REQUEST, OFP15_VERSION,
                                      sizeof payload);
    size_t sent = 0, ofs = 0;
    int idle = 0;

    ofpbuf_put(msg, payload, sizeof payload);
    ofpmsg_update_length(msg);
    while (idle < 20 && sent < limit) {
        ssize_t n = write(f->fd, (const char *) msg->data + ofs,
                          msg->size - ofs);

        if (n > 0) {
            ofs = (ofs + n) % msg->size;
            sent += n;
            idle = 0;
        } else {
            idle++;
        }
        event_base_loop(f->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    }
    ofpbuf_delete(msg);
    return sent;
}

/* The sockets' buffers take some hundred KiB. */
#define SOCKETS_MAX (4u << 20)

static void
peer_that_does_not_read_is_not_read_from(void **state)
{
    struct fixture *f = *state;
    unsigned n_echoes = 0;
    size_t sent, size;

    start(f, NULL, &ofconn_options_default);
    handshake(f);
    sent = flood_echoes(f, 64u << 20);
    assert_true(sent < SOCKETS_MAX);
    assert_true(ofconn_queued(f->conn) <= 4 * OFCONN_REPLIES);
    assert_int_equal(f->n_closed, 0);

    /* Once it reads, it is read from, and nothing is lost. */
    while (n_echoes < sent / 1024) {
        TURN_UNTIL(f, whole(f, &size));
        expect(f, OFPTYPE_ECHO_REPLY);
        n_echoes++;
    }
}

static void
peer_that_is_not_identified_costs_little(void **state)
{
    struct fixture *f = *state;

    f->unidentified = true;
    start(f, NULL, &ofconn_options_default);
    handshake(f);
    assert_true(flood_echoes(f, 64u << 20) < SOCKETS_MAX);
    assert_true(ofconn_queued(f->conn) <= OFCONN_PENDING_QUEUE);
}

static void
large_message_needs_an_identity(void **state)
{
    struct fixture *f = *state;
    struct ofp_header oh = {
        .version = OFP15_VERSION, .type = 2,    /* An echo request. */
        .length = htons(OFCONN_PENDING_MESSAGE + 8),
    };

    f->unidentified = true;
    start(f, NULL, &ofconn_options_default);
    handshake(f);
    send_bytes(f, &oh, sizeof oh);
    until_eof(f);
    assert_non_null(strstr(f->reason, "too large"));
}

static void
queue_is_small_without_an_identity(void **state)
{
    static char block[OFCONN_PENDING_QUEUE];
    struct fixture *f = *state;

    f->unidentified = true;
    start(f, NULL, &ofconn_options_default);
    handshake(f);
    ofconn_send(f->conn, block, sizeof block);
    ofconn_send(f->conn, block, 8);
    until_eof(f);
    assert_non_null(strstr(f->reason, "does not read"));
}

static void
probed_switch_that_does_not_answer_is_closed_soon(void **state)
{
    struct ofconn_options options = ofconn_options_default;
    struct fixture *f = *state;

    options.probe_ms = 3600 * 1000;
    start(f, NULL, &options);
    handshake(f);
    ofconn_probe(f->conn);
    expect(f, OFPTYPE_ECHO_REQUEST);
    until_eof(f);
    assert_string_equal(f->reason, "no answer to an echo request");
}

static void
released_cb(void *f_)
{
    struct fixture *f = f_;

    f->n_released++;
}

static void
shared_block_is_released_once_sent_or_dropped(void **state)
{
    struct fixture *f = *state;
    struct ofconn_options options = ofconn_options_default;
    static char block[65536];
    size_t got = 0;

    options.max_queue = 100000;
    start(f, NULL, &options);
    handshake(f);
    for (size_t i = 0; i < sizeof block; i++) {
        block[i] = i % 251;
    }
    ofconn_send_ref(f->conn, block, sizeof block, released_cb, f);
    ofconn_send(f->conn, "tail", 4);
    assert_int_equal(f->n_released, 0);
    TURN_UNTIL(f, f->in.size >= sizeof block + 4);
    got = f->in.size;
    assert_int_equal(got, sizeof block + 4);
    assert_memory_equal(f->in.data, block, sizeof block);
    assert_int_equal(f->n_released, 1);

    /* Past the limit: refused, and released. */
    ofconn_send_ref(f->conn, block, sizeof block, released_cb, f);
    ofconn_send_ref(f->conn, block, sizeof block, released_cb, f);
    assert_int_equal(f->n_released, 2);
    until_eof(f);
    assert_int_equal(f->n_released, 3);
}

static void
messages_that_make_no_sense_end_the_connection(void **state)
{
    struct fixture *f = *state;
    struct ofserver_stats stats;
    uint8_t bad[] = { 6, 99, 0, 8, 0, 0, 0, 5 };
    struct ofp_header *oh;

    start(f, NULL, &ofconn_options_default);
    handshake(f);
    send_bytes(f, bad, sizeof bad);
    oh = receive(f);
    assert_int_equal(ofperr_decode_msg(oh, NULL), OFPERR_OFPBRC_BAD_TYPE);
    assert_int_equal(ntohl(oh->xid), 5);
    free(oh);

    bad[0] = 4;                 /* Another version. */
    bad[1] = 2;
    send_bytes(f, bad, sizeof bad);
    free(receive(f));
    assert_int_equal(f->n_closed, 0);

    for (int i = 0; i < 100; i++) {
        send_bytes(f, bad, sizeof bad);
    }
    until_eof(f);
    assert_int_equal(f->n_closed, 1);
    ofserver_get_stats(f->server, &stats);
    assert_int_equal(stats.n_bad, 17);
    assert_int_equal(f->n_messages, 0);
}

static void
close_inside_of_a_callback_is_safe(void **state)
{
    struct fixture *f = *state;
    struct ofpbuf all;

    start(f, NULL, &ofconn_options_default);
    handshake(f);
    f->close_in_message = true;
    ofpbuf_init(&all, 0);
    ofmsg_put_barrier(&all, 1);
    ofmsg_put_barrier(&all, 2);
    send_bytes(f, all.data, all.size);
    ofpbuf_uninit(&all);
    until_eof(f);
    assert_int_equal(f->n_messages, 1);
    assert_int_equal(f->n_closed, 0);
}

static void
peer_that_goes_away_is_reported_once(void **state)
{
    struct fixture *f = *state;

    start(f, NULL, &ofconn_options_default);
    handshake(f);
    close(f->fd);
    f->fd = -1;
    TURN_UNTIL(f, f->n_closed);
    assert_int_equal(f->n_closed, 1);
    assert_string_equal(f->reason, "connection closed by peer");
}

/* Listening.  ------------------------------------------------------------ */

static void
listens_on_tcp_and_takes_many(void **state)
{
    struct fixture *f = *state;
    struct ofconn_options options = ofconn_options_default;
    struct ofserver_stats stats;
    struct sockaddr_in sin = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fds[50];

    options.max_conns = 40;
    start(f, "tcp:127.0.0.1:0", &options);
    sin.sin_port = htons(ofserver_port(f->server));
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(fds[i], (struct sockaddr *) &sin,
                                 sizeof sin), 0);
    }
    do {
        turn(f);
        ofserver_get_stats(f->server, &stats);
    } while (stats.n_accepted < ARRAY_SIZE(fds));
    assert_int_equal(stats.n_conns, 40);
    assert_int_equal(stats.n_refused, 10);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        close(fds[i]);
    }
}

static void
unix_socket_replaces_a_stale_one_only(void **state)
{
    struct fixture *f = *state;
    char dir[] = "/tmp/test-openflow-XXXXXX";
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct ofserver *second;
    char *target, *text;
    int fd;

    assert_non_null(mkdtemp(dir));
    snprintf(un.sun_path, sizeof un.sun_path, "%s/s", dir);
    target = xasprintf("unix:%s", un.sun_path);

    /* One that nobody listens on. */
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *) &un, sizeof un), 0);
    close(fd);
    start(f, target, &ofconn_options_default);

    /* One that is in use. */
    assert_int_equal(ofserver_create(f->base, target, NULL,
                                     &ofconn_options_default, &callbacks, f,
                                     &second, &text), EADDRINUSE);
    assert_non_null(strstr(text, "listening failed"));
    free(text);

    f->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(f->fd, (struct sockaddr *) &un, sizeof un), 0);
    fcntl(f->fd, F_SETFL, O_NONBLOCK);
    expect(f, OFPTYPE_HELLO);

    ofserver_destroy(f->server);
    f->server = NULL;
    assert_int_equal(access(un.sun_path, F_OK), -1);
    rmdir(dir);
    free(target);
}

static void
bad_targets_are_refused_with_a_sentence(void **state)
{
    struct fixture *f = *state;
    static const char *const targets[] = {
        "", "tcp:", "tcp:1.2.3.4", "tcp:[::1]", "tcp:1.2.3.4:99999",
        "tcp:host.example:6653", "udp:127.0.0.1:1", "unix:",
        "ssl:127.0.0.1:6653",
    };

    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        char *text;

        assert_int_equal(ofserver_create(f->base, targets[i], NULL,
                                         &ofconn_options_default, &callbacks,
                                         f, &f->server, &text), EINVAL);
        assert_null(f->server);
        assert_non_null(text);
        free(text);
    }
}

/* Messages and dumps.  --------------------------------------------------- */

static void
bundle_messages_decode_to_what_was_meant(void **state OVS_UNUSED)
{
    struct ofputil_bundle_add_msg add;
    struct ofputil_bundle_ctrl_msg ctrl;
    struct ofp_header *oh;
    struct ofpbuf b, inner;
    enum ofptype type;

    ofpbuf_init(&b, 0);
    ofpbuf_init(&inner, 0);
    ofmsg_put_bundle_open(&b, 1, 0x80000001);
    assert_int_equal(ofputil_decode_bundle_ctrl(b.data, &ctrl), 0);
    assert_int_equal(ctrl.type, OFPBCT_OPEN_REQUEST);
    assert_int_equal(ctrl.bundle_id, 1);
    assert_int_equal(ctrl.flags, OFPBF_ATOMIC | OFPBF_ORDERED);
    oh = b.data;
    assert_int_equal(ntohl(oh->xid), 0x80000001);

    struct ofputil_flow_mod fm = {
        .command = OFPFC_ADD, .buffer_id = UINT32_MAX, .out_port = OFPP_ANY,
        .out_group = OFPG_ANY, .priority = 7,
    };
    struct match match;
    struct ofpbuf *msg;

    match_init_catchall(&match);
    minimatch_init(&fm.match, &match);
    msg = ofputil_encode_flow_mod(&fm, OFPUTIL_P_OF15_OXM);
    ((struct ofp_header *) msg->data)->xid = htonl(42);
    ofpbuf_clear(&b);
    ofmsg_put_bundle_add(&b, 1, msg->data);
    oh = b.data;
    assert_int_equal(ntohl(oh->xid), 42);
    assert_int_equal(ofputil_decode_bundle_add(oh, &add, &type), 0);
    assert_int_equal(type, OFPTYPE_FLOW_MOD);
    assert_memory_equal(add.msg, msg->data, msg->size);
    minimatch_destroy(&fm.match);
    ofpbuf_delete(msg);
    ofpbuf_uninit(&inner);
    ofpbuf_uninit(&b);
}

static void
dump_flow_cb(void *f_, const struct ofputil_flow_stats *fs,
             const void *instructions, size_t instructions_size)
{
    struct fixture *f = f_;
    struct ofpbuf b = ofpbuf_const_initializer(instructions,
                                               instructions_size);
    struct ofpbuf ofpacts;

    ofpbuf_init(&ofpacts, 0);
    assert_int_equal(ofpacts_pull_openflow_instructions(
                         &b, instructions_size, OFP15_VERSION, NULL, NULL,
                         &ofpacts), 0);
    assert_true(ofpacts_equal(ofpacts.data, ofpacts.size, fs->ofpacts,
                              fs->ofpacts_len));
    assert_int_equal(ofpacts.size > 0, 1);
    ofpbuf_uninit(&ofpacts);
    ofdump_charge(f->dump, f->charge);
    assert_int_equal(fs->priority, 1000 + f->n_flows);
    assert_int_equal(ntohll(fs->cookie), 5000 + f->n_flows);
    f->n_flows++;
}

static void
dump_group_cb(void *f_, const struct ofputil_group_desc *gd)
{
    struct fixture *f = f_;

    assert_int_equal(gd->group_id, 10 + f->n_groups);
    f->n_groups++;
}

static void
dump_done_cb(void *f_, const char *error)
{
    struct fixture *f = f_;

    f->n_done++;
    f->dump_error = nullable_xstrdup(error);
}

static const struct ofdump_callbacks dump_callbacks = {
    .flow = dump_flow_cb,
    .group = dump_group_cb,
    .done = dump_done_cb,
};

/* Encodes a reply of 'n' flows to 'request'. */
static void
flow_replies(const struct ofp_header *request, int n, struct ovs_list *out)
{
    struct ofpbuf ofpacts;

    ofpbuf_init(&ofpacts, 0);
    ofpact_put_OUTPUT(&ofpacts)->port = 3;
    ofpact_put_GOTO_TABLE(&ofpacts)->table_id = 9;
    ofpmp_init(out, request);
    for (int i = 0; i < n; i++) {
        struct ofputil_flow_stats fs = {
            .priority = 1000 + i, .cookie = htonll(5000 + i),
            .ofpacts = ofpacts.data, .ofpacts_len = ofpacts.size,
            .idle_age = -1, .hard_age = -1,
        };

        match_init_catchall(&fs.match);
        match_set_reg(&fs.match, 0, i);
        match_set_dl_type(&fs.match, htons(0x0800));
        match_set_nw_dst_masked(&fs.match, htonl(i << 8), htonl(0xffffff00));
        ofputil_append_flow_stats_reply(&fs, out, NULL);
    }
    ofpbuf_uninit(&ofpacts);
}

static void
group_replies(const struct ofp_header *request, int n, struct ovs_list *out)
{
    ofpmp_init(out, request);
    for (int i = 0; i < n; i++) {
        struct ofputil_group_desc gd = { .type = 0, .group_id = 10 + i };

        ovs_list_init(&gd.buckets);
        ofputil_append_group_desc_reply(&gd, &gd.buckets, out);
    }
}

static void
send_list(struct fixture *f, struct ovs_list *list)
{
    struct ofpbuf *msg;

    LIST_FOR_EACH_POP (msg, list_node, list) {
        /* In steps: the socket's buffer is smaller than all of it. */
        ofpmsg_update_length(msg);
        for (size_t ofs = 0; ofs < msg->size; ) {
            ssize_t n = write(f->fd, (char *) msg->data + ofs,
                              msg->size - ofs);

            if (n > 0) {
                ofs += n;
            } else {
                assert_int_equal(errno, EAGAIN);
            }
            turn(f);
        }
        ofpbuf_delete(msg);
    }
}

/* Of what is read of a switch, if it does not matter. */
static const struct ofdump_budget budget = {
    .records = 100000, .bytes = 1 << 20,
};

/* Gives a dump with this budget a reply of 'n' flows, or, if that is negative,
 * so many empty parts, each with another to follow; returns its error (the
 * fixture's). */
static const char *
dump_with_budget(struct fixture *f, size_t records, size_t bytes, int n)
{
    const struct ofdump_budget small = {
        .records = records, .bytes = bytes, .rest = f->rest,
    };
    struct ofp_header *groups, *flows;
    struct ovs_list list;
    struct ofpbuf *msg;

    free(f->dump_error);
    f->dump_error = NULL;
    f->n_done = f->n_flows = 0;
    f->dump = ofdump_create(f->conn, &small, &dump_callbacks, f);
    groups = receive(f);
    flows = receive(f);
    flow_replies(flows, MAX(n, 0), &list);
    for (int i = 0; i < -n && !f->n_done; i++) {
        msg = ofpbuf_from_list(ovs_list_front(&list));
        ofpmsg_update_length(msg);
        ((uint8_t *) msg->data)[sizeof(struct ofp_header) + 3] = 1;
        ofdump_message(f->dump, OFPTYPE_FLOW_STATS_REPLY, msg->data);
    }
    LIST_FOR_EACH_POP (msg, list_node, &list) {
        ofpmsg_update_length(msg);
        ofdump_message(f->dump, OFPTYPE_FLOW_STATS_REPLY, msg->data);
        ofpbuf_delete(msg);
    }
    group_replies(groups, 0, &list);
    LIST_FOR_EACH_POP (msg, list_node, &list) {
        ofpmsg_update_length(msg);
        ofdump_message(f->dump, OFPTYPE_GROUP_DESC_STATS_REPLY, msg->data);
        ofpbuf_delete(msg);
    }
    assert_int_equal(f->n_done, 1);
    assert_int_equal(ofdump_is_too_much(f->dump), f->dump_error != NULL);
    f->dump_whole = ofdump_is_whole(f->dump);
    ofdump_destroy(f->dump);
    f->dump = NULL;
    free(groups);
    free(flows);
    return f->dump_error;
}

static void
dump_ends_when_its_budget_does(void **state)
{
    struct fixture *f = *state;

    start(f, NULL, &ofconn_options_default);
    handshake(f);
    /* Each of two messages counts for one. */
    assert_null(dump_with_budget(f, 102, 0, 100));
    assert_string_equal(dump_with_budget(f, 101, 0, 100), OFDUMP_TOO_MUCH);
    assert_string_equal(dump_with_budget(f, 102, 0, -103), OFDUMP_TOO_MUCH);
    /* The callback keeps some of what it is given. */
    f->charge = 10;
    assert_null(dump_with_budget(f, 102, 1000, 100));
    assert_string_equal(dump_with_budget(f, 102, 999, 100), OFDUMP_TOO_MUCH);
    assert_false(f->dump_whole);
    /* The rest may come, but not without end. */
    f->rest = 100000;
    assert_string_equal(dump_with_budget(f, 10, 1000, 100), OFDUMP_TOO_MUCH);
    assert_true(f->dump_whole);
    assert_string_equal(dump_with_budget(f, 10, 1000, -100000),
                        OFDUMP_TOO_MUCH);
    assert_false(f->dump_whole);
}

static void
dump_reads_flows_and_groups_of_many_parts(void **state)
{
    struct fixture *f = *state;
    struct ofp_header *groups, *flows;
    struct ovs_list list;

    start(f, NULL, &ofconn_options_default);
    handshake(f);
    f->dump = ofdump_create(f->conn, &budget, &dump_callbacks, f);
    groups = receive(f);
    flows = receive(f);
    flow_replies(flows, 3000, &list);
    assert_true(ovs_list_size(&list) > 3);
    send_list(f, &list);
    assert_int_equal(f->n_done, 0);
    group_replies(groups, 5, &list);
    send_list(f, &list);
    TURN_UNTIL(f, f->n_done);
    assert_null(f->dump_error);
    assert_int_equal(f->n_flows, 3000);
    assert_int_equal(f->n_groups, 5);
    free(groups);
    free(flows);
}

/* Callbacks that take anything, and read all of it. */
static void
any_flow_cb(void *f_, const struct ofputil_flow_stats *fs,
            const void *instructions, size_t instructions_size)
{
    struct fixture *f = f_;
    void *copy = xmemdup(instructions, instructions_size);
    void *ofpacts = xmemdup(fs->ofpacts, fs->ofpacts_len);

    free(copy);
    free(ofpacts);
    f->n_flows++;
}

static void
any_group_cb(void *f_, const struct ofputil_group_desc *gd OVS_UNUSED)
{
    struct fixture *f = f_;

    f->n_groups++;
}

static const struct ofdump_callbacks any_callbacks = {
    .flow = any_flow_cb,
    .group = any_group_cb,
    .done = dump_done_cb,
};

/* Gives a dump a reply of one flow in which the bytes at 'ofs' are changed,
 * and returns its error (the fixture's). */
static const char *
dump_with_change(struct fixture *f, size_t ofs, const void *bytes,
                 size_t size)
{
    struct ofp_header *groups, *flows;
    struct ofpbuf *msg;
    struct ovs_list list;

    free(f->dump_error);
    f->dump_error = NULL;
    f->n_done = 0;
    f->dump = ofdump_create(f->conn, &budget, &any_callbacks, f);
    groups = receive(f);
    flows = receive(f);
    flow_replies(flows, 2, &list);
    msg = ofpbuf_from_list(ovs_list_pop_front(&list));
    ofpmsg_update_length(msg);
    if (ofs + size <= msg->size) {
        memcpy((char *) msg->data + ofs, bytes, size);
    }
    ofdump_message(f->dump, OFPTYPE_FLOW_STATS_REPLY, msg->data);
    if (!f->n_done) {
        group_replies(groups, 0, &list);
        struct ofpbuf *reply = ofpbuf_from_list(ovs_list_pop_front(&list));

        ofpmsg_update_length(reply);
        ofdump_message(f->dump, OFPTYPE_GROUP_DESC_STATS_REPLY, reply->data);
        ofpbuf_delete(reply);
    }
    assert_int_equal(f->n_done, 1);
    ofdump_destroy(f->dump);
    f->dump = NULL;
    ofpbuf_delete(msg);
    free(groups);
    free(flows);
    return f->dump_error;
}

static void
dump_refuses_records_that_lie(void **state)
{
    struct fixture *f = *state;
    /* Offsets in the message: 16 bytes of headers, 24 of the flow's head, then
     * its match, its statistics, its instructions. */
    static const struct {
        size_t ofs;
        uint8_t bytes[2];
    } cases[] = {
        { 16, { 0, 0 } },           /* Length 0. */
        { 16, { 0, 8 } },           /* Shorter than its head. */
        { 16, { 0, 99 } },          /* Not a multiple of 8. */
        { 16, { 0xff, 0xf8 } },     /* Past the end. */
        { 16, { 0, 48 } },          /* Ends within the match. */
        { 40, { 0, 9 } },           /* Match of an unknown type. */
        { 42, { 0, 0 } },           /* Match shorter than its head. */
        { 42, { 0xff, 0xff } },     /* Match past the end. */
    };

    start(f, NULL, &ofconn_options_default);
    handshake(f);
    assert_null(dump_with_change(f, 0, "", 0));
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_non_null(dump_with_change(f, cases[i].ofs, cases[i].bytes, 2));
    }
}

static void
dump_of_random_changes_never_crashes(void **state)
{
    struct fixture *f = *state;
    uint32_t seed = 7;

    print_message("seed %"PRIu32"\n", seed);
    start(f, NULL, &ofconn_options_default);
    handshake(f);
    for (int i = 0; i < 3000; i++) {
        uint8_t byte;

        seed = seed * 1103515245 + 12345;
        byte = seed >> 24;
        dump_with_change(f, 16 + (seed >> 8) % 250, &byte, 1);
    }
}

static void
dump_ends_when_the_switch_refuses(void **state)
{
    struct fixture *f = *state;
    struct ofp_header *groups, *flows;

    start(f, NULL, &ofconn_options_default);
    handshake(f);
    f->dump = ofdump_create(f->conn, &budget, &dump_callbacks, f);
    groups = receive(f);
    flows = receive(f);
    send_msg(f, ofperr_encode_reply(OFPERR_OFPBRC_EPERM, flows));
    TURN_UNTIL(f, f->n_done);
    assert_string_equal(f->dump_error, "OFPBRC_EPERM");
    free(groups);
    free(flows);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        T(what_has_come_can_be_put_off),
        T(peer_that_does_not_read_is_not_read_from),
        T(peer_that_is_not_identified_costs_little),
        T(large_message_needs_an_identity),
        T(queue_is_small_without_an_identity),
        T(probed_switch_that_does_not_answer_is_closed_soon),
        T(handshake_yields_datapath_and_no_packet_ins),
        T(packet_ins_come_only_if_they_are_wanted),
        T(handshake_survives_delivery_byte_by_byte),
        T(many_messages_in_one_segment_all_arrive),
        T(older_version_is_refused_with_an_error),
        T(newer_version_without_bitmap_falls_back_to_ours),
        T(rubbish_is_closed_at_once),
        T(hello_with_malformed_elements_never_crashes),
        T(half_open_peer_is_closed_at_the_deadline),
        T(auxiliary_connection_is_refused),
        T(messages_of_any_length_survive_any_cut),
        T(echo_request_is_answered_with_its_data),
        T(silent_switch_is_probed_and_then_closed),
        T(switch_that_does_not_read_is_cut_off),
        T(shared_block_is_released_once_sent_or_dropped),
        T(messages_that_make_no_sense_end_the_connection),
        T(close_inside_of_a_callback_is_safe),
        T(peer_that_goes_away_is_reported_once),
        T(listens_on_tcp_and_takes_many),
        T(unix_socket_replaces_a_stale_one_only),
        T(bad_targets_are_refused_with_a_sentence),
        T(bundle_messages_decode_to_what_was_meant),
        T(dump_ends_when_its_budget_does),
        T(dump_reads_flows_and_groups_of_many_parts),
        T(dump_refuses_records_that_lie),
        T(dump_of_random_changes_never_crashes),
        T(dump_ends_when_the_switch_refuses),
    };

    signal(SIGPIPE, SIG_IGN);
    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
