/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/openflow: the handshake, framing of what is received, and which
 * versions and messages are refused. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <signal.h>
#include <unistd.h>

#include "openvswitch/ofp-connection.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-packet.h"
#include "openvswitch/ofp-switch.h"
#include "openvswitch/ofp-util.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofmsg.h"
#include "tests/unit/openflow-fixture.h"
#include "util.h"

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
    struct ofputil_switch_config config;
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

    /* A service controller that leaves this at 0 gets none. */
    oh = receive(f);
    assert_int_equal(ofputil_decode_set_config(oh, &config), 0);
    assert_int_equal(config.frag, OFPUTIL_FRAG_NORMAL);
    assert_true(config.miss_send_len > 0);
    free(oh);
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

/* A switch connects, and says what it can. */
static void
come(struct fixture *f)
{
    plug(f);
    send_msg(f, ofputil_encode_hello(1u << OFP15_VERSION));
    expect(f, OFPTYPE_HELLO);
    send_msg(f, features_reply(expect(f, OFPTYPE_FEATURES_REQUEST), 0));
}

/* The switch is asked for a role, with this generation. */
static struct ofp_header *
receive_role_request(struct fixture *f, uint32_t role, uint64_t generation)
{
    struct ofputil_role_request request;
    struct ofp_header *oh = receive(f);

    assert_int_equal(ofputil_decode_role_message(oh, &request), 0);
    assert_int_equal(request.role, role);
    assert_int_equal(request.generation_id, generation);
    return oh;
}

/* It gives that. */
static void
give_role(struct fixture *f, uint32_t role, uint64_t generation)
{
    const struct ofputil_role_request reply = {
        .role = role, .have_generation_id = true,
        .generation_id = generation,
    };
    struct ofp_header *oh = receive_role_request(f, role, generation);

    send_msg(f, ofputil_encode_role_reply(oh, &reply));
    free(oh);
}

/* Checks which packet-ins and role statuses the switch is to send. */
static void
expect_async(struct fixture *f, uint32_t packet_ins, uint32_t role_statuses)
{
    struct ofputil_async_cfg before, after;
    struct ofp_header *oh;

    if (packet_ins) {
        expect(f, OFPTYPE_SET_CONFIG);
        expect(f, OFPTYPE_SET_PACKET_IN_FORMAT);
    }
    oh = receive(f);
    before = ofputil_async_cfg_default(OFP15_VERSION);
    assert_int_equal(ofputil_decode_set_async_config(oh, false, &before,
                                                     &after), 0);
    for (int i = 0; i < OAM_N_TYPES; i++) {
        uint32_t desired = (i == OAM_PACKET_IN ? packet_ins
                            : i == OAM_ROLE_STATUS ? role_statuses : 0);

        assert_int_equal(after.primary[i], desired);
        assert_int_equal(after.secondary[i], desired);
    }
    free(oh);
}

#define PACKET_INS (1u << OFPR_ACTION)
#define ROLE_STATUSES (1u << OFPCRR_PRIMARY_REQUEST | 1u << OFPCRR_CONFIG \
                       | 1u << OFPCRR_EXPERIMENTER)

static void
start_shared(struct fixture *f, const struct ofconn_callbacks *c)
{
    struct ofconn_options options = ofconn_options_default;

    options.shared = options.packet_ins = true;
    start_with(f, NULL, &options, c);
    ofserver_set_generation(f->server, 42);
}

/* First as a slave, to which nothing is sent; then in another role on the same
 * connection, which is connected once more each time. */
static void
shared_switch_gives_roles(void **state)
{
    struct fixture *f = *state;

    start_shared(f, &callbacks);
    come(f);
    assert_int_equal(f->n_connected, 0);
    give_role(f, OFPCR12_ROLE_SECONDARY, 42);
    expect_async(f, 0, 0);
    TURN_UNTIL(f, f->n_connected == 1);
    assert_int_equal(f->features.datapath_id, 0x1234);
    assert_int_equal(ofconn_role(f->conn), OFCONN_SLAVE);

    ofconn_set_role(f->conn, OFCONN_MASTER, 43);
    give_role(f, OFPCR12_ROLE_PRIMARY, 43);
    expect_async(f, PACKET_INS, ROLE_STATUSES);
    TURN_UNTIL(f, f->n_connected == 2);
    assert_int_equal(ofconn_role(f->conn), OFCONN_MASTER);
    assert_int_equal(ofconn_generation(f->conn), 43);

    ofconn_set_role(f->conn, OFCONN_SLAVE, 44);
    give_role(f, OFPCR12_ROLE_SECONDARY, 44);
    expect_async(f, 0, 0);
    TURN_UNTIL(f, f->n_connected == 3);
    assert_int_equal(f->n_closed + f->n_messages, 0);
}

/* It refuses, as it has heard of a later generation. */
static void
shared_switch_refuses_a_role(void **state)
{
    struct fixture *f = *state;
    struct ofp_header *oh;

    start_shared(f, &callbacks);
    come(f);
    oh = receive_role_request(f, OFPCR12_ROLE_SECONDARY, 42);
    send_msg(f, ofperr_encode_reply(OFPERR_OFPRRFC_STALE, oh));
    until_eof(f);
    free(oh);
    assert_int_equal(f->n_connected, 0);
}

static void
shared_switch_needs_a_generation(void **state)
{
    struct ofconn_options options = ofconn_options_default;
    struct fixture *f = *state;

    options.shared = true;
    start(f, NULL, &options);
    come(f);
    until_eof(f);
    assert_int_equal(f->n_connected, 0);
}

/* The reply to the former request says nothing. */
static void
role_is_changed_while_it_is_asked_for(void **state)
{
    const struct ofputil_role_request reply = {
        .role = OFPCR12_ROLE_PRIMARY, .have_generation_id = true,
        .generation_id = 43,
    };
    struct fixture *f = *state;
    struct ofp_header *oh;

    start_shared(f, &callbacks);
    come(f);
    give_role(f, OFPCR12_ROLE_SECONDARY, 42);
    expect_async(f, 0, 0);
    TURN_UNTIL(f, f->n_connected == 1);
    ofconn_set_role(f->conn, OFCONN_MASTER, 43);
    oh = receive_role_request(f, OFPCR12_ROLE_PRIMARY, 43);
    ofconn_set_role(f->conn, OFCONN_SLAVE, 44);
    send_msg(f, ofputil_encode_role_reply(oh, &reply));
    free(oh);
    give_role(f, OFPCR12_ROLE_SECONDARY, 44);
    expect_async(f, 0, 0);
    TURN_UNTIL(f, f->n_connected == 2);
    assert_int_equal(ofconn_role(f->conn), OFCONN_SLAVE);
}

static void
become_master(struct fixture *f)
{
    come(f);
    give_role(f, OFPCR12_ROLE_SECONDARY, 42);
    expect_async(f, 0, 0);
    TURN_UNTIL(f, f->n_connected == 1);
    ofconn_set_role(f->conn, OFCONN_MASTER, 42);
    give_role(f, OFPCR12_ROLE_PRIMARY, 42);
    expect_async(f, PACKET_INS, ROLE_STATUSES);
    TURN_UNTIL(f, f->n_connected == 2);
}

/* Another controller has become the master, of generation 43. */
static void
say_slave(struct fixture *f)
{
    const struct ofputil_role_status status = {
        .role = OFPCR12_ROLE_SECONDARY, .reason = OFPCRR_PRIMARY_REQUEST,
        .generation_id = 43,
    };

    send_msg(f, ofputil_encode_role_status(&status, OFPUTIL_P_OF15_OXM));
}

static void
former_master_is_closed(void **state)
{
    struct fixture *f = *state;

    start_shared(f, &callbacks);
    become_master(f);
    say_slave(f);
    TURN_UNTIL(f, f->n_closed == 1);
    assert_non_null(strstr(f->reason, "another controller"));
    assert_int_equal(f->n_messages, 0);
}

static void
demoted_cb(void *f_ OVS_UNUSED, struct ofconn *conn, uint64_t generation)
{
    ofconn_set_role(conn, OFCONN_SLAVE, generation);
}

static void
former_master_stays_as_a_slave(void **state)
{
    struct ofconn_callbacks own = callbacks;
    struct fixture *f = *state;

    own.demoted = demoted_cb;
    start_shared(f, &own);
    become_master(f);
    say_slave(f);
    give_role(f, OFPCR12_ROLE_SECONDARY, 43);
    expect_async(f, 0, 0);
    TURN_UNTIL(f, f->n_connected == 3);
    assert_int_equal(f->n_closed, 0);
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
        of_turn(f);
    }
    ofpbuf_delete(msg);
    expect(f, OFPTYPE_HELLO);
    reply = features_reply(expect(f, OFPTYPE_FEATURES_REQUEST), 0);
    ofpmsg_update_length(reply);
    for (size_t i = 0; i < reply->size; i++) {
        assert_int_equal(f->n_connected, 0);
        send_bytes(f, (char *) reply->data + i, 1);
        of_turn(f);
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

/* A hello is as long as it may be, and not longer by a byte. */
static void
hello_is_bounded(void **state)
{
    struct fixture *f = *state;
    /* With an element that nobody knows. */
    uint8_t hello[1025] = { 6, 0, 4, 0, 0, 0, 0, 1, 0x12, 0x34, 3, 0xf8 };

    start(f, NULL, &ofconn_options_default);
    plug(f);
    send_bytes(f, hello, 1024);
    free(receive(f));
    expect(f, OFPTYPE_FEATURES_REQUEST);

    plug(f);
    hello[3] = 1;
    send_bytes(f, hello, 1025);
    until_eof(f);
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
        of_turn(f);
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
        of_turn(f);
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

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) \
    cmocka_unit_test_setup_teardown(NAME, openflow_setup, openflow_teardown)
        T(handshake_yields_datapath_and_no_packet_ins),
        T(packet_ins_come_only_if_they_are_wanted),
        T(shared_switch_gives_roles),
        T(shared_switch_refuses_a_role),
        T(shared_switch_needs_a_generation),
        T(role_is_changed_while_it_is_asked_for),
        T(former_master_is_closed),
        T(former_master_stays_as_a_slave),
        T(handshake_survives_delivery_byte_by_byte),
        T(many_messages_in_one_segment_all_arrive),
        T(older_version_is_refused_with_an_error),
        T(newer_version_without_bitmap_falls_back_to_ours),
        T(rubbish_is_closed_at_once),
        T(hello_is_bounded),
        T(hello_with_malformed_elements_never_crashes),
        T(half_open_peer_is_closed_at_the_deadline),
        T(auxiliary_connection_is_refused),
        T(messages_of_any_length_survive_any_cut),
        T(messages_that_make_no_sense_end_the_connection),
    };

    signal(SIGPIPE, SIG_IGN);
    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
