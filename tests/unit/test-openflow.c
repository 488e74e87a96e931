/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/openflow: connections that are established: liveness, limits of
 * queues, the end, and targets that are listened on. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "openvswitch/ofp-util.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofmsg.h"
#include "tests/unit/listening.h"
#include "tests/unit/openflow-fixture.h"
#include "util.h"

/* Work that takes more than all of a turn, in each turn: once it is done the
 * turn is over. */
static void
use_turn(void *busy_)
{
    struct loop_deferred *busy = busy_;

    while (!loop_turn_is_over(busy->loop)) {
        continue;
    }
    loop_defer(busy);
}

static void
start_with_loop(struct fixture *f, struct loop_deferred *busy)
{
    struct ofconn_options options = ofconn_options_default;

    options.loop = f->loop;
    start(f, NULL, &options);
    handshake(f);
    loop_deferred_init(busy, f->loop, use_turn, busy);
    loop_defer(busy);
}

static void
what_has_come_waits_while_turns_are_over(void **state)
{
    struct loop_deferred busy;
    struct fixture *f = *state;

    start_with_loop(f, &busy);
    send_msg(f, ofputil_encode_barrier_request(OFP15_VERSION));
    of_turn(f);                 /* It is seen, */
    assert_int_equal(f->n_messages, 0);
    of_turn(f);                 /* and comes after who waits already. */
    assert_int_equal(f->n_messages, 0);
    of_turn(f);
    assert_int_equal(f->n_messages, 1);

    /* Again, and not after the end. */
    send_msg(f, ofputil_encode_barrier_request(OFP15_VERSION));
    TURN_UNTIL(f, f->n_messages == 2);
    send_msg(f, ofputil_encode_barrier_request(OFP15_VERSION));
    of_turn(f);
    ofconn_close(f->conn);
    of_turn(f);
    of_turn(f);
    assert_int_equal(f->n_messages, 2);
    loop_deferred_cancel(&busy);
}

/* More than the socket takes. */
static void
output_gets_out_while_turns_are_over(void **state)
{
    enum { N = 40, SIZE = 60000 };
    struct loop_deferred busy;
    struct fixture *f = *state;
    uint8_t bytes[SIZE];

    memset(bytes, 1, sizeof bytes);
    start_with_loop(f, &busy);
    for (int i = 0; i < N; i++) {
        struct ofpbuf *msg = ofpraw_alloc_xid(OFPRAW_OFPT_ECHO_REQUEST,
                                              OFP15_VERSION, htonl(i), SIZE);

        ofpbuf_put(msg, bytes, sizeof bytes);
        ofpmsg_update_length(msg);
        ofconn_send(f->conn, msg->data, msg->size);
        ofpbuf_delete(msg);
    }
    of_turn(f);
    assert_int_equal(f->in.size, 0);
    for (int i = 0; i < N; i++) {
        struct ofp_header *oh = receive(f);

        assert_int_equal(ntohl(oh->xid), i);
        free(oh);
    }
    assert_int_equal(ofconn_queued(f->conn), 0);
    loop_deferred_cancel(&busy);
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
    assert_string_equal(f->reason, "no reply to an echo request");
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
    assert_string_equal(f->reason, "no reply to an echo request");
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
    sin.sin_port = htons(listening_port());
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(fds[i], (struct sockaddr *) &sin,
                                 sizeof sin), 0);
    }
    do {
        of_turn(f);
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

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) \
    cmocka_unit_test_setup_teardown(NAME, openflow_setup, openflow_teardown)
        T(what_has_come_waits_while_turns_are_over),
        T(output_gets_out_while_turns_are_over),
        T(peer_that_does_not_read_is_not_read_from),
        T(peer_that_is_not_identified_costs_little),
        T(large_message_needs_an_identity),
        T(queue_is_small_without_an_identity),
        T(probed_switch_that_does_not_answer_is_closed_soon),
        T(echo_request_is_answered_with_its_data),
        T(silent_switch_is_probed_and_then_closed),
        T(switch_that_does_not_read_is_cut_off),
        T(shared_block_is_released_once_sent_or_dropped),
        T(close_inside_of_a_callback_is_safe),
        T(peer_that_goes_away_is_reported_once),
        T(listens_on_tcp_and_takes_many),
        T(unix_socket_replaces_a_stale_one_only),
        T(bad_targets_are_refused_with_a_sentence),
    };

    signal(SIGPIPE, SIG_IGN);
    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
