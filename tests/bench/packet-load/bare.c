/* SPDX-License-Identifier: Apache-2.0
 *
 * The least that answers packet-ins: each gets one and the same packet-out,
 * made before, and nothing is decoded.  What tests/bench/packets holds others
 * against.  Reads as much as there is, writes all answers to it at once. */

#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "openvswitch/ofpbuf.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-util.h"
#include "proto/openflow/ofpacket.h"
#include "util.h"

#define INPUT_SIZE (64 * 1024)
/* Answers made ready, one after another. */
#define N_ANSWERS 1024
/* Of whoami's answer, as it is with names of two or three letters. */
#define ANSWER_SIZE 85

enum { TYPE_HELLO = 0, TYPE_EXPERIMENTER = 4, TYPE_PACKET_IN = 10 };

struct conn {
    int fd;
    uint8_t in[INPUT_SIZE];
    size_t n_in;
};

static struct ofpbuf answers;
static size_t answer_size;

static void
conn_close(struct conn *conn)
{
    close(conn->fd);
    free(conn);
}

/* Blocks if need be: whoever asks does not go on without an answer. */
static bool
send_all(struct conn *conn, const uint8_t *bytes, size_t size)
{
    while (size) {
        ssize_t n = send(conn->fd, bytes, size, MSG_NOSIGNAL);

        if (n <= 0) {
            return false;
        }
        bytes += n;
        size -= n;
    }
    return true;
}

static bool
send_msg(struct conn *conn, struct ofpbuf *msg)
{
    bool ok;

    ofpmsg_update_length(msg);
    ok = send_all(conn, msg->data, msg->size);
    ofpbuf_delete(msg);
    return ok;
}

static bool
read_messages(struct conn *conn)
{
    ssize_t size = recv(conn->fd, conn->in + conn->n_in,
                        INPUT_SIZE - conn->n_in, MSG_DONTWAIT);
    size_t ofs = 0, n = 0;

    if (size <= 0) {
        return size < 0 && errno == EAGAIN;
    }
    conn->n_in += size;
    while (conn->n_in - ofs >= 8) {
        const uint8_t *p = conn->in + ofs;
        size_t length = p[2] << 8 | p[3];

        if (length < 8) {
            return false;
        }
        if (conn->n_in - ofs < length) {
            break;
        }
        if (p[1] == TYPE_HELLO) {
            if (!send_msg(conn, ofputil_encode_hello(1u << p[0]))
                || !send_msg(conn, ofpraw_alloc(OFPRAW_OFPT_FEATURES_REQUEST,
                                                p[0], 0))) {
                return false;
            }
        } else if (p[1] == TYPE_PACKET_IN || p[1] == TYPE_EXPERIMENTER) {
            n++;
        }
        ofs += length;
    }
    memmove(conn->in, conn->in + ofs, conn->n_in - ofs);
    conn->n_in -= ofs;
    while (n) {
        size_t some = MIN(n, N_ANSWERS);

        if (!send_all(conn, answers.data, some * answer_size)) {
            return false;
        }
        n -= some;
    }
    return true;
}

static int
listen_at(uint16_t port)
{
    struct sockaddr_in sin = {
        .sin_family = AF_INET, .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *) &sin, sizeof sin) || listen(fd, 128)) {
        ovs_fatal(errno, "port %u", port);
    }
    return fd;
}

static void
accept_one(int epoll_fd, int listener)
{
    struct conn *conn = xzalloc(sizeof *conn);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = conn };
    int on = 1;

    conn->fd = accept(listener, NULL, NULL);
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, conn->fd, &event);
}

int
main(int argc, char *argv[])
{
    struct epoll_event events[64], event = { .events = EPOLLIN };
    int epoll_fd = epoll_create1(0);
    static const uint8_t packet[ANSWER_SIZE];
    struct ofpacket_out out;
    int listener;

    set_program_name(argv[0]);
    if (argc != 2) {
        ovs_fatal(0, "usage: %s PORT", program_name);
    }
    signal(SIGPIPE, SIG_IGN);
    ofpbuf_init(&answers, 0);
    ofpacket_make_output(&out, 1);
    for (int i = 0; i < N_ANSWERS; i++) {
        ofpacket_put(&answers, &out, packet, sizeof packet);
    }
    answer_size = answers.size / N_ANSWERS;
    listener = listen_at(atoi(argv[1]));
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int n = epoll_wait(epoll_fd, events, ARRAY_SIZE(events), -1);

        for (int i = 0; i < n; i++) {
            struct conn *conn = events[i].data.ptr;

            if (!conn) {
                accept_one(epoll_fd, listener);
            } else if (!read_messages(conn)) {
                conn_close(conn);
            }
        }
    }
}
