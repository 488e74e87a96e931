/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the HTTP server share: a server with routes of each kind,
 * on a unix socket and on loopback, and clients of it. */

#ifndef TESTS_UNIT_HTTP_FIXTURE_H
#define TESTS_UNIT_HTTP_FIXTURE_H 1

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/http/http.h"
#include "tests/unit/http-client.h"

#define TOKEN "correct-horse-battery"
/* Bytes that /big answers. */
#define BIG (3u << 20)
#define H " HTTP/1.1\r\nHost: h\r\n"

struct fixture {
    struct event_base *base;
    struct http_server *server;
    struct tls *tls;                /* Of its TCP listener, or NULL.  Owned. */
    char dir[64];
    char *path;
    struct http_request *held;      /* By the route /hold. */
    struct http_stream *stream;     /* By the route /stream; or NULL. */
    unsigned n_gone;
    unsigned n_echoes;              /* Requests to /echo and the like, */
    unsigned n_echoes_before_hold;  /* when there was one to /hold. */
};

/* For cmocka: the state is a struct fixture. */
int http_fixture_setup(void **state);
int http_fixture_teardown(void **state);
/* Puts a server with 'options' in the place of the fixture's. */
void http_fixture_restart(struct fixture *, const struct http_options *);

/* Replies with 'body', of which it takes ownership. */
void reply_with_json(struct http_request *, int status, json_t *body);

void client_open(struct client *, struct fixture *);
void client_open_tcp(struct client *, struct fixture *);
/* Fails the test unless the reply has status 'want'. */
void assert_ask(int want, struct client *, const char *request);
/* Makes one request on a connection of its own.  Returns the status. */
int ask_once(struct fixture *, const char *request);
/* Fails the test unless the server goes on. */
void assert_alive(struct fixture *);

#define HTTP_TEST(NAME)                                                 \
    cmocka_unit_test_setup_teardown(NAME, http_fixture_setup,           \
                                    http_fixture_teardown)
/* Runs 'tests', an array of these.  Returns main()'s status. */
#define http_fixture_run(TESTS)                                         \
    (http_fixture_init(), cmocka_run_group_tests(TESTS, NULL, NULL))
void http_fixture_init(void);

#endif /* tests/unit/http-fixture.h */
