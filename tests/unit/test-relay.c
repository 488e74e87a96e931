/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests that are passed on (proto/relay): to a server behind the one that
 * has received them, which breaks off, sleeps, and is replaced. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/relay-fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fatal-signal.h"
#include "openvswitch/vlog.h"
#include "proto/tls/tls.h"
#include "tests/unit/turn-until.h"
#include "util.h"

/* Tests.  ---------------------------------------------------------------- */

/* What has no body has no headers about one. */
static void
replies_without_a_body_are_passed_back(void **state)
{
    struct fixture *f = *state;

    use_back(f);
    assert_int_equal(client_ask(&f->client, "OPTIONS /echo" H "\r\n"), 204);
    assert_has(&f->client.head, "Allow: GET, HEAD, PUT, OPTIONS\r\n");
    assert_int_equal(f->client.body.length, 0);
    assert_null(strstr(ds_cstr(&f->client.head), "Content-Length"));
    assert_int_equal(client_ask(&f->client, "GET /echo" H "\r\n"), 200);
}

static void
requests_and_replies_are_whole(void **state)
{
    struct fixture *f = *state;
    char key[sizeof f->key];

    use_back(f);
    assert_int_equal(client_ask(&f->client, "GET /echo?q=a%20b" H "\r\n"),
                     200);
    assert_has(&f->client.body, "unix:uid=");
    assert_has(&f->client.body, "GET /echo?q=a%20b ");
    assert_has(&f->client.head, "X-More: yes");
    assert_has(&f->client.head, "X-Empty: \r\n");
    assert_has(&f->client.head, "X-Odd: : a:b\r\n");
    assert_string_equal(f->key, "");

    assert_int_equal(client_ask(&f->client, "PUT /echo" H
                                "Content-Length: 2\r\n\r\n{}"), 200);
    assert_has(&f->client.body, "PUT /echo {}");
    /* A key of its own, another each time. */
    assert_true(strlen(f->key) > 30);
    ovs_strlcpy(key, f->key, sizeof key);
    assert_int_equal(client_ask(&f->client, "PUT /echo" H "\r\n"), 200);
    assert_string_not_equal(f->key, key);
    /* Or the client's. */
    assert_int_equal(client_ask(&f->client, "PUT /echo" H
                                "Idempotency-Key: \"k\"\r\n\r\n"), 200);
    assert_string_equal(f->key, "\"k\"");
    assert_int_equal(client_ask(&f->client, "GET /none" H "\r\n"), 404);

    client_say(&f->client, "GET /big" H "\r\n");
    assert_int_equal(client_reply(&f->client), 200);
    assert_int_equal(f->client.body.length, BIG);
    assert_int_equal(stats_of(f).n_now, 0);
}

static void
broken_reply_is_no_reply(void **state)
{
    struct fixture *f = *state;

    use_back(f);
    f->n_breaks = 3;
    assert_int_equal(client_ask(&f->client, "GET /short" H "\r\n"), 200);
    assert_string_equal(ds_cstr(&f->client.body), "0123456789");
    assert_int_equal(stats_of(f).n_again, 3);
}

static void
without_a_server_it_waits_for_one(void **state)
{
    struct fixture *f = *state;

    client_say(&f->client, "GET /echo" H "\r\n");
    while (!stats_of(f).n_now) {
        client_turn(&f->client);
    }
    use_back(f);
    assert_int_equal(client_reply(&f->client), 200);

    /* Not for ever. */
    stop_back(f);
    make_relay(f, WAIT_MS);
    use_back(f);
    assert_int_equal(client_ask(&f->client, "GET /echo" H "\r\n"), 503);
    assert_has(&f->client.body, "member \\\"m\\\" at 127.0.0.1:");
    assert_has(&f->client.head, "Retry-After: 1");
    relay_set_server(f->relay, NULL, NULL);
    assert_int_equal(client_ask(&f->client, "GET /echo" H "\r\n"), 503);
    assert_has(&f->client.body, "no member of the cluster");
    assert_int_equal(stats_of(f).n_failed, 2);
}

/* All that has waited is sent when there is a server, and replied; more than
 * connect at once.  Under valgrind, all their handshakes take long. */
static void
crowd_is_served(void **state)
{
    enum { N = 50 };
    struct fixture *f = *state;
    char *path = xasprintf("%s/sock", f->dir);
    struct client clients[N];

    make_relay(f, 5 * PATIENCE_MS);
    for (int i = 0; i < N; i++) {
        client_connect(&clients[i], f->base, path);
        client_say(&clients[i], "PUT /echo" H "\r\n");
    }
    while (stats_of(f).n_now < N) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    use_back(f);
    for (int i = 0; i < N; i++) {
        assert_int_equal(client_reply(&clients[i]), 200);
        client_close(&clients[i]);
    }
    assert_int_equal(stats_of(f).n_failed, 0);
    free(path);
}

static void
next_server_gets_what_the_former_has_not_replied(void **state)
{
    struct http_server *former;
    struct fixture *f = *state;

    use_back(f);
    client_say(&f->client, "GET /hold" H "\r\n");
    await_held(f);
    /* It sleeps: its connection is up. */
    former = replace_back(f);
    await_held(f);
    while (f->held[0]) {
        client_turn(&f->client);    /* The relay has left it. */
    }
    http_request_set_close_cb(f->held[1], NULL, NULL);
    http_reply_bytes(f->held[1], 200, "text/plain", "new", 3);
    f->held[1] = NULL;
    assert_int_equal(client_reply(&f->client), 200);
    assert_string_equal(ds_cstr(&f->client.body), "new");
    http_server_destroy(former);
}

static void
refusal_is_held_back_for_the_next_server(void **state)
{
    struct http_server *former;
    struct fixture *f = *state;
    char key[sizeof f->key];

    /* None comes: it is passed back, once. */
    use_back(f);
    f->n_refusals = 1;
    assert_int_equal(client_ask(&f->client, "PUT /echo" H "\r\n"), 503);
    assert_has(&f->client.body, "not now");
    /* Reading is not held back. */
    f->n_refusals = 1;
    assert_int_equal(client_ask(&f->client, "GET /echo" H "\r\n"), 503);

    f->n_refusals = 1;
    client_say(&f->client, "PUT /echo" H "\r\n");
    while (f->n_refusals) {
        client_turn(&f->client);
    }
    ovs_strlcpy(key, f->key, sizeof key);
    former = replace_back(f);
    assert_int_equal(client_reply(&f->client), 200);
    assert_string_equal(f->key, key);
    http_server_destroy(former);
}

/* An earlier try has had no reply: what refuses the next one cannot know. */
static void
refusal_after_a_doubt_is_none(void **state)
{
    struct http_server *former;
    struct fixture *f = *state;

    use_back(f);
    client_say(&f->client, "PUT /hold" H "\r\n");
    await_held(f);
    f->refuses_hold = true;
    former = replace_back(f);
    assert_int_equal(client_reply(&f->client), 503);
    assert_has(&f->client.body, "urn:vmn:problem:uncertain");
    assert_has(&f->client.body, "not now; it is not known whether");
    assert_int_equal(stats_of(f).n_now, 0);
    /* What was never sent is certain. */
    make_relay(f, WAIT_MS);
    relay_set_server(f->relay, "m", "127.0.0.1:1");
    assert_int_equal(client_ask(&f->client, "PUT /echo" H "\r\n"), 503);
    assert_has(&f->client.body, "urn:vmn:problem:unavailable");
    http_server_destroy(former);
}

/* It may be the right one a moment later. */
static void
wrong_server_is_asked_again(void **state)
{
    struct fixture *f = *state;

    use_back(f);
    f->n_misdirected = 2;
    assert_int_equal(client_ask(&f->client, "PUT /echo" H "\r\n"), 200);
    f->n_misdirected = 2;
    assert_int_equal(client_ask(&f->client, "GET /echo" H "\r\n"), 200);
    assert_int_equal(stats_of(f).n_again, 4);
    f->n_strangers = 1;
    assert_int_equal(client_ask(&f->client, "PUT /echo" H
                                "Content-Length: 2\r\n\r\n{}"), 200);
    assert_int_equal(f->n_strangers, 0);
    /* It has not carried anything out. */
    make_relay(f, WAIT_MS);
    use_back(f);
    f->n_misdirected = INT_MAX;
    assert_int_equal(client_ask(&f->client, "PUT /echo" H "\r\n"), 503);
    assert_has(&f->client.body, "urn:vmn:problem:unavailable");
    assert_has(&f->client.body, "does not answer it");
}

static void
client_that_leaves_is_forgotten(void **state)
{
    struct fixture *f = *state;

    use_back(f);
    client_say(&f->client, "GET /hold" H "\r\n");
    await_held(f);
    client_close(&f->client);
    while (f->held[0] || stats_of(f).n_now) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    /* In the middle of a long reply, too. */
    char *path = xasprintf("%s/sock", f->dir);
    client_connect(&f->client, f->base, path);
    client_say(&f->client, "GET /big" H "\r\n");
    while (!stats_of(f).n_passed) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    client_close(&f->client);
    while (stats_of(f).n_now) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    client_connect(&f->client, f->base, path);
    assert_int_equal(client_ask(&f->client, "GET /echo" H "\r\n"), 200);
    free(path);
}

/* What the other server refuses must not be left out, as if it had not been
 * said. */
static void
odd_headers_are_passed_on(void **state)
{
    struct fixture *f = *state;

    use_back(f);
    assert_int_equal(client_ask(&f->client, "PUT /echo" H "\r\n"), 200);
    assert_string_equal(f->if_match, "none");
    assert_int_equal(client_ask(&f->client, "PUT /echo" H
                                "If-Match:\r\n\r\n"), 200);
    assert_string_equal(f->if_match, "");
    /* Empty is no key; the one that is made here would hide that. */
    assert_int_equal(client_ask(&f->client, "PUT /echo" H
                                "Idempotency-Key:\r\n\r\n"), 200);
    assert_string_equal(f->key, "");
    assert_int_equal(client_ask(&f->client, "PUT /echo" H
                                "Idempotency-Key: a\r\n"
                                "Idempotency-Key: b\r\n\r\n"), 400);
    assert_string_equal(f->key, "");
    /* A type is passed on without a body, too, and judged there. */
    assert_int_equal(client_ask(&f->client, "PUT /echo" H
                                "Content-Type: text/plain\r\n\r\n"), 415);
}

/* The files have a new key, and a new CA. */
static void
replaced_ca_is_believed_at_once(void **state)
{
    struct fixture *f = *state;

    use_back(f);
    assert_int_equal(client_ask(&f->client, "GET /echo" H "\r\n"), 200);
    stop_back(f);
    tls_destroy(f->tls);
    write_certificate(f->pem);
    load_tls(f);
    start_back(f);
    use_back(f);
    assert_int_equal(client_ask(&f->client, "GET /echo" H "\r\n"), 200);
}

static void
server_with_another_name_gets_nothing(void **state)
{
    struct fixture *f = *state;

    make_relay(f, WAIT_MS);
    relay_set_server(f->relay, "n", f->address);
    assert_int_equal(client_ask(&f->client, "GET /echo" H "\r\n"), 503);
    assert_has(&f->client.body, "cannot be reached");
}

static void
the_end_replies_what_waits(void **state)
{
    struct fixture *f = *state;

    use_back(f);
    client_say(&f->client, "PUT /hold" H "\r\n");
    await_held(f);
    make_relay(f, WAIT_MS);     /* Ends the former one. */
    assert_int_equal(client_reply(&f->client), 503);
    assert_has(&f->client.body, "urn:vmn:problem:uncertain");
    while (f->held[0]) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, relay_setup, \
                                                        relay_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(requests_and_replies_are_whole),
        TEST(replies_without_a_body_are_passed_back),
        TEST(broken_reply_is_no_reply),
        TEST(without_a_server_it_waits_for_one),
        TEST(crowd_is_served),
        TEST(next_server_gets_what_the_former_has_not_replied),
        TEST(refusal_is_held_back_for_the_next_server),
        TEST(refusal_after_a_doubt_is_none),
        TEST(wrong_server_is_asked_again),
        TEST(client_that_leaves_is_forgotten),
        TEST(odd_headers_are_passed_on),
        TEST(replaced_ca_is_believed_at_once),
        TEST(server_with_another_name_gets_nothing),
        TEST(the_end_replies_what_waits),
    };

    vlog_set_levels(NULL, VLF_CONSOLE, VLL_OFF);
    fatal_ignore_sigpipe();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
