/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions of proto/resolver to a server all of whose answers are too large
 * for UDP. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/resolver/resolver.h"
#include "timeval.h"
#include "util.h"

#define PATIENCE_MS 120000
#define HEADER_SIZE 12          /* RFC 1035, section 4.1.1. */
#define QUESTION_MAX 512
/* Flags of a message (RFC 1035, section 4.1.1). */
#define FLAG_RESPONSE 0x8000
#define FLAG_TRUNCATED 0x0200
#define FLAG_RD 0x0100          /* Recursion is desired. */

struct fixture {
    struct event_base *base;
    struct evconnlistener *listener;
    struct event *udp;
    struct event *tick;         /* Ends each wait for an event. */
    struct resolver *resolver;
    bool closes;                /* A connection ends with its first answer. */
    int n_connections, n_open;
    int n_malformed;            /* Questions that are no query of a name. */
    int n_answered, n_failed;
};

static void
put_u16(uint8_t *p, unsigned value)
{
    p[0] = (uint8_t) (value >> 8);
    p[1] = (uint8_t) value;
}

/* Returns the size of the first question's end in 'query', or 0: it is
 * malformed. */
static size_t
question_end(struct fixture *f, const uint8_t *query, size_t size)
{
    size_t at = HEADER_SIZE;

    if (size > HEADER_SIZE && size <= QUESTION_MAX
        && query[2] == FLAG_RD >> 8 && query[4] == 0 && query[5] == 1) {
        while (at < size && query[at]) {
            at += 1u + query[at];
        }
        if (at + 5 <= size) {
            return at + 5;
        }
    }
    f->n_malformed++;
    return 0;
}

/* Writes the answer to 'query' into 'answer'; returns its size, or 0. */
static size_t
make_answer(struct fixture *f, const uint8_t *query, size_t size,
            bool truncated, uint8_t answer[2 * QUESTION_MAX])
{
    size_t end = question_end(f, query, size);
    uint8_t *record = answer + end;
    size_t n;

    if (!end) {
        return 0;
    }
    n = query[end - 3] == 28 ? 16 : 4;         /* AAAA or A. */
    memset(answer, 0, 2 * QUESTION_MAX);
    memcpy(answer, query, end);
    put_u16(answer + 2, FLAG_RESPONSE | FLAG_RD
            | (truncated ? FLAG_TRUNCATED : 0));
    memset(answer + 6, 0, 6);
    if (truncated) {
        return end;
    }
    answer[7] = 1;
    put_u16(record, 0xc000 | HEADER_SIZE);     /* The name of the question. */
    memcpy(record + 2, query + end - 4, 4);
    put_u16(record + 8, 60);                   /* TTL. */
    put_u16(record + 10, (unsigned) n);
    record[12] = 0x20;
    return end + 12 + n;
}

static void
tick_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED,
        void *f OVS_UNUSED)
{
}

static void
udp_cb(evutil_socket_t fd, short what OVS_UNUSED, void *f)
{
    uint8_t query[QUESTION_MAX], answer[2 * QUESTION_MAX];
    struct sockaddr_in peer;
    socklen_t len = sizeof peer;
    ssize_t n = recvfrom(fd, query, sizeof query, 0,
                         (struct sockaddr *) &peer, &len);
    size_t size = n > 0 ? make_answer(f, query, (size_t) n, true, answer) : 0;

    if (size) {
        sendto(fd, answer, size, 0, (struct sockaddr *) &peer, len);
    }
}

static void
written_cb(struct bufferevent *bev, void *f_)
{
    struct fixture *f = f_;

    bufferevent_free(bev);
    f->n_open--;
}

static void
event_cb(struct bufferevent *bev, short what OVS_UNUSED, void *f)
{
    written_cb(bev, f);
}

static void
read_cb(struct bufferevent *bev, void *f_)
{
    struct evbuffer *in = bufferevent_get_input(bev);
    struct fixture *f = f_;
    uint8_t query[2 + QUESTION_MAX], answer[2 + 2 * QUESTION_MAX];

    while (evbuffer_copyout(in, query, 2) == 2) {
        size_t size = (size_t) query[0] << 8 | query[1];

        assert_in_range(size, 0, QUESTION_MAX);
        if (evbuffer_get_length(in) < 2 + size) {
            return;
        }
        evbuffer_remove(in, query, 2 + size);
        size = make_answer(f, query + 2, size, false, answer + 2);
        put_u16(answer, (unsigned) size);
        bufferevent_write(bev, answer, 2 + size);
        if (f->closes || !size) {
            bufferevent_disable(bev, EV_READ);
            bufferevent_setcb(bev, NULL, written_cb, event_cb, f);
            return;
        }
    }
}

static void
accept_cb(struct evconnlistener *listener OVS_UNUSED, evutil_socket_t fd,
          struct sockaddr *peer OVS_UNUSED, int len OVS_UNUSED, void *f_)
{
    struct fixture *f = f_;
    struct bufferevent *bev = bufferevent_socket_new(f->base, fd,
                                                     BEV_OPT_CLOSE_ON_FREE);

    f->n_connections++;
    f->n_open++;
    bufferevent_setcb(bev, read_cb, NULL, event_cb, f);
    bufferevent_enable(bev, EV_READ | EV_WRITE);
}

static int
setup(void **state)
{
    struct fixture *f = xzalloc(sizeof *f);
    struct sockaddr_in sin = { .sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    socklen_t len = sizeof sin;
    char server[32];

    f->base = event_base_new();
    f->listener = evconnlistener_new_bind(
        f->base, accept_cb, f, LEV_OPT_CLOSE_ON_FREE, 512,
        (struct sockaddr *) &sin, sizeof sin);
    assert_non_null(f->listener);
    assert_int_equal(getsockname(evconnlistener_get_fd(f->listener),
                                 (struct sockaddr *) &sin, &len), 0);
    assert_int_equal(bind(fd, (struct sockaddr *) &sin, sizeof sin), 0);
    f->udp = event_new(f->base, fd, EV_READ | EV_PERSIST, udp_cb, f);
    event_add(f->udp, NULL);
    f->tick = event_new(f->base, -1, EV_PERSIST, tick_cb, NULL);
    event_add(f->tick, &(struct timeval) { .tv_sec = 1 });
    snprintf(server, sizeof server, "127.0.0.1@%u", ntohs(sin.sin_port));
    f->resolver = resolver_create(f->base, server, 1);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    resolver_destroy(f->resolver);
    while (f->n_open) {         /* Each reads the end of its connection. */
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    close(event_get_fd(f->udp));
    event_free(f->udp);
    event_free(f->tick);
    evconnlistener_free(f->listener);
    event_base_free(f->base);
    free(f);
    return 0;
}

static void
answer_cb(void *f_, const struct resolver_answer *answer)
{
    struct fixture *f = f_;

    f->n_answered++;
    f->n_failed += answer->result != RESOLVER_ANSWER || answer->n != 1;
}

/* Requests the addresses of 'n' names at once, of both families, and waits for
 * all answers. */
static void
ask_at_once(struct fixture *f, const char *label, int n)
{
    long long int deadline = time_msec() + PATIENCE_MS;

    f->n_answered = f->n_failed = 0;
    for (int i = 0; i < n; i++) {
        char *name = xasprintf("%s%d.example.com", label, i);

        assert_int_equal(resolver_ask(f->resolver, name, 4, answer_cb, f), 0);
        assert_int_equal(resolver_ask(f->resolver, name, 6, answer_cb, f), 0);
        free(name);
    }
    while (f->n_answered < 2 * n) {
        assert_true(time_msec() < deadline);
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_int_equal(f->n_failed, 0);
    assert_int_equal(f->n_malformed, 0);
}

static void
truncated_answers_are_fetched_by_tcp(void **state)
{
    struct fixture *f = *state;

    ask_at_once(f, "few", 3);
    ask_at_once(f, "many", RESOLVER_QUESTIONS_MAX / 2);
}

/* RFC 7766, section 6.2.1: a server need not answer several questions of a
 * connection. */
static void
server_that_closes_after_an_answer_answers_all(void **state)
{
    struct fixture *f = *state;

    f->closes = true;
    ask_at_once(f, "few", 3);
    assert_int_equal(f->n_connections, 6);
    ask_at_once(f, "many", RESOLVER_QUESTIONS_MAX / 2);
    ask_at_once(f, "more", RESOLVER_QUESTIONS_MAX / 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            truncated_answers_are_fetched_by_tcp, setup, teardown),
        cmocka_unit_test_setup_teardown(
            server_that_closes_after_an_answer_answers_all, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
