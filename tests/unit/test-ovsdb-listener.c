/* SPDX-License-Identifier: Apache-2.0
 *
 * Hosts that dial in, before it is known who they are: how many may come at
 * once, and how long each has. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/admission/admission.h"
#include "proto/loop/loop.h"
#include "proto/ovsdb/ovsdb.h"
#include "tests/unit/listening.h"
#include "tests/unit/turn-until.h"
#include "timeval.h"
#include "util.h"

/* More than a guest has to say who it is. */
#define TOO_LATE_MS 11000

#define ANSWER "{\"id\":\"vmn-id\",\"error\":null,\"result\":[{\"rows\":" \
               "[{\"external_ids\":[\"map\",[[\"system-id\",\"hv1\"]]]}]}]}"

static struct loop *loop;
static struct ovsdb_listener *listener;
static int64_t warp_ms;         /* By how much time is ahead for listeners. */
static int n_found;             /* Calls of find_host(). */

int64_t __real_loop_now_ms(const struct loop *);
int64_t __wrap_loop_now_ms(const struct loop *);

int64_t
__wrap_loop_now_ms(const struct loop *loop_)
{
    return __real_loop_now_ms(loop_) + warp_ms;
}

#define WAIT_FOR(EXPRESSION) TURN_LOOP_UNTIL(loop, EXPRESSION)

/* No host is known, so whoever has said who it is is closed. */
static struct ovsdb_session *
find_host(void *aux OVS_UNUSED, const char *system_id)
{
    assert_string_equal(system_id, "hv1");
    n_found++;
    return NULL;
}

static int
setup(void **state OVS_UNUSED)
{
    char *text;

    warp_ms = n_found = 0;
    return ovsdb_listener_open(loop, "tcp:127.0.0.1:0", find_host, NULL,
                               &listener, &text);
}

static int
teardown(void **state OVS_UNUSED)
{
    ovsdb_listener_close(listener);
    return 0;
}

static int
dial(void)
{
    struct sockaddr_in sin = {
        .sin_family = AF_INET,
        .sin_port = htons(listening_port()),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(connect(fd, (struct sockaddr *) &sin, sizeof sin), 0);
    return fd;
}

/* Returns what recv() of 'fd' does, which does not block. */
static ssize_t
receive(int fd)
{
    char chunk[4096];

    return recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
}

static bool
is_closed(int fd)
{
    ssize_t n = receive(fd);

    return !n || (n < 0 && errno != EAGAIN);
}

static void
send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL),
                     strlen(text));
}

static uint64_t
n_timeouts(void)
{
    struct admission_stats stats;

    ovsdb_listener_get_admission(listener, &stats);
    return stats.n_refused[ADMISSION_TIMEOUT];
}

/* The loop may have been busy while the answer came. */
static void
answer_that_is_there_counts_after_the_deadline(void **state OVS_UNUSED)
{
    int fd = dial();

    WAIT_FOR(receive(fd) > 0);  /* The question. */
    send_text(fd, ANSWER);
    warp_ms = TOO_LATE_MS;
    WAIT_FOR(is_closed(fd));
    assert_int_equal(n_found, 1);
    assert_int_equal(n_timeouts(), 0);
    close(fd);
}

static void
inbound_connection_without_a_reply_is_closed_in_time(void **state OVS_UNUSED)
{
    int silent = dial(), slow = dial();

    WAIT_FOR(receive(silent) > 0);
    WAIT_FOR(receive(slow) > 0);
    send_text(slow, "{\"id\":");
    warp_ms = TOO_LATE_MS;
    WAIT_FOR(is_closed(silent));
    WAIT_FOR(is_closed(slow));
    assert_int_equal(n_found, 0);
    assert_int_equal(n_timeouts(), 2);
    close(silent);
    close(slow);
}

/* Returns the length of the queue of 'port's listening socket, which is one of
 * this process. */
static unsigned
backlog_of(uint16_t port)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int fd = 0; fd < (int) MIN(limit.rlim_cur, 65536); fd++) {
        struct sockaddr_in sin;
        struct tcp_info info;
        socklen_t size = sizeof sin, info_size = sizeof info;

        if (!getsockname(fd, (struct sockaddr *) &sin, &size)
            && sin.sin_family == AF_INET && ntohs(sin.sin_port) == port
            && !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &info_size)
            && info.tcpi_state == TCP_LISTEN) {
            return info.tcpi_sacked; /* Of a listening socket. */
        }
    }
    fail_msg("nothing listens at port %u", port);
    return 0;
}

/* All hosts may dial in at once, when vmnd is started again. */
static void
queue_has_room_for_all_hosts(void **state OVS_UNUSED)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in sin = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t size = sizeof sin;
    unsigned backlog = backlog_of(listening_port());

    /* The system's own bound may be lower. */
    assert_int_equal(bind(fd, (struct sockaddr *) &sin, sizeof sin), 0);
    assert_int_equal(listen(fd, SOMAXCONN), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *) &sin, &size), 0);
    assert_int_equal(backlog, backlog_of(ntohs(sin.sin_port)));
    close(fd);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answer_that_is_there_counts_after_the_deadline),
        TEST(inbound_connection_without_a_reply_is_closed_in_time),
        TEST(queue_has_room_for_all_hosts),
    };
    int n_failed;

    loop = loop_create();
    n_failed = cmocka_run_group_tests(tests, NULL, NULL);
    loop_destroy(loop);
    return n_failed;
}
