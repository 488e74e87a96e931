/* SPDX-License-Identifier: Apache-2.0
 *
 * Replies of web servers that are called: which are understood, which calls
 * are tried again and when, and that nothing that a server does holds a call
 * for ever. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <stdlib.h>

#include "fatal-signal.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "proto/webhook/webhook-attempt.h"
#include "proto/webhook/webhook.h"
#include "tests/unit/webhook-fixture.h"
#include "timeval.h"
#include "util.h"

static void
what_may_pass_is_tried_again_with_the_same_delivery(void **state)
{
    static const int answers[] = { 500, 503, 408, 429 };
    struct fixture *f = *state;

    memcpy(f->answers, answers, sizeof answers);
    create(f, NULL);
    call(f, "http://127.0.0.1:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 5, NULL);
    assert_int_equal(f->n_seen, 5);
    for (size_t i = 1; i < f->n_seen; i++) {
        assert_string_equal(f->seen[i].delivery, f->seen[0].delivery);
        assert_string_equal(f->seen[i].body, f->seen[0].body);
    }
}

static void
tries_end(void **state)
{
    struct fixture *f = *state;

    f->options.n_attempts = 3;
    for (size_t i = 0; i < SEEN_MAX; i++) {
        f->answers[i] = 502;
    }
    create(f, NULL);
    call(f, "http://127.0.0.1:%u/", f->port);
    assert_outcome(f, WEBHOOK_FAILED, 3, "it answered 502");
    assert_int_equal(f->n_seen, 3);

    /* By time as well: the next would be too late. */
    webhook_destroy(f->w);
    f->options.backoff_ms = 1000;
    f->options.retry_within_ms = 500;
    create(f, NULL);
    call(f, "http://127.0.0.1:%u/", f->port);
    assert_outcome(f, WEBHOOK_FAILED, 1, "it answered 502");
}

static void
what_will_not_pass_is_not_tried_again(void **state)
{
    static const int answers[] = { 400, 404, 410, 301, 302, 307 };
    struct fixture *f = *state;

    memcpy(f->answers, answers, sizeof answers);
    create(f, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        call(f, "http://127.0.0.1:%u/", f->port);
        assert_outcome(f, WEBHOOK_FAILED, 1, answers[i] < 400 ? "redirects"
                       : "it answered 4");
    }
    assert_int_equal(f->n_seen, ARRAY_SIZE(answers));
    assert_int_equal(n_calls(f, WEBHOOK_FAILED), ARRAY_SIZE(answers));
}

static void
retry_after_is_kept_within_bounds(void **state)
{
    struct fixture *f = *state;
    long long int begin_ms = time_msec();

    f->answers[0] = 429;
    f->retry_after = "3600";
    f->options.retry_after_max_ms = 30;
    create(f, NULL);
    call(f, "http://127.0.0.1:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 2, NULL);
    assert_true(time_msec() - begin_ms >= 30);

    /* An hour is more than all tries may take. */
    webhook_destroy(f->w);
    f->options.retry_after_max_ms = 3600 * 1000;
    f->answers[2] = 503;
    create(f, NULL);
    call(f, "http://127.0.0.1:%u/", f->port);
    assert_outcome(f, WEBHOOK_FAILED, 1, "503");
}

static void
nobody_there_is_tried_again(void **state)
{
    struct fixture *f = *state;

    f->options.n_attempts = 2;
    create(f, NULL);
    call(f, "http://127.0.0.1:1/");
    assert_outcome(f, WEBHOOK_FAILED, 2, "Connection refused");
}

static void
server_that_misbehaves_is_left_in_time(void **state)
{
    static const struct {
        enum manner manner;
        const char *reason;     /* NULL: it has said that all is well. */
    } cases[] = {
        { SILENT, "it did not reply in time" },
        { CLOSES, "" },
        { CLOSES_LATER, "" },
        { HEAD_FOR_EVER, "not HTTP/1" },
        { DRIPS, "it did not reply in time" },
        { BODY_FOR_EVER, NULL },
        { BODY_HANGS, NULL },
    };
    struct fixture *f = *state;

    f->options.n_attempts = 2;
    f->options.linger_ms = 20;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        bool waits = cases[i].manner == SILENT || cases[i].manner == DRIPS;

        f->manner = cases[i].manner;
        f->options.attempt_ms = waits ? 50 : GIVE_UP_MS;
        create(f, NULL);
        call(f, "http://127.0.0.1:%u/", f->rude_port);
        if (cases[i].reason) {
            assert_outcome(f, WEBHOOK_FAILED, 2, cases[i].reason);
        } else {
            assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
        }
        webhook_destroy(f->w);
        f->w = NULL;
    }
}

/* What libcurl makes of a reply, as far as it matters. */
static void
replies_are_understood(void **state)
{
    static const struct {
        const char *says;
        enum webhook_outcome outcome;
        const char *reason;     /* NULL: none. */
    } cases[] = {
        { "HTTP/1.1 200 OK\r\n\r\nbody", WEBHOOK_DELIVERED, NULL },
        { "HTTP/1.0 204\r\n\r\n", WEBHOOK_DELIVERED, NULL },
        { "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", WEBHOOK_DELIVERED,
          NULL },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
          "2\r\nok\r\n0\r\nX-Trailer: x\r\n\r\n", WEBHOOK_DELIVERED,
          NULL },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
          "rubbish\r\n", WEBHOOK_DELIVERED, NULL },
        { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 So\r\n\r\n",
          WEBHOOK_FAILED, "it answered 404" },
        { "HTTP/1.1 103 x\r\nLink: x\r\n\r\nHTTP/1.1 404 So\r\n\r\n",
          WEBHOOK_FAILED, "it answered 404" },
        { "HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
          WEBHOOK_FAILED, "it answered 307" },
        { "HTTP/1.1 401 x\r\nWWW-Authenticate: Negotiate\r\n\r\n",
          WEBHOOK_FAILED, "it answered 401" },
        { "220 mail.example ESMTP\r\n", WEBHOOK_FAILED,
          "not HTTP/1" },
    };
    struct fixture *f = *state;

    f->manner = SAYS;
    f->options.n_attempts = 1;
    f->options.linger_ms = 20;
    create(f, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        f->says = cases[i].says;
        call(f, "http://127.0.0.1:%u/", f->rude_port);
        assert_outcome(f, cases[i].outcome, 1, cases[i].reason);
    }
    assert_int_equal(f->n_conns, ARRAY_SIZE(cases));
}

static void
retry_after_is_understood(void **state)
{
    static const struct {
        const char *says;
        bool waits;             /* Longer than all tries may take. */
    } cases[] = {
        { "7200", true }, { " 7200 ", true },
        { "Fri, 01 Jan 2100 00:00:00 GMT", true },
        { "Sun, 06 Nov 1994 08:49:37 GMT", false },
        { "0", false }, { "-7200", false }, { "", false }, { "x", false },
        { "99999999999999999999", false },
    };
    struct fixture *f = *state;

    f->manner = SAYS;
    f->options.n_attempts = 2;
    f->options.linger_ms = 20;
    f->options.retry_after_max_ms = 3600 * 1000;
    create(f, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *says = xasprintf("HTTP/1.1 503 x\r\nRetry-After: %s\r\n"
                               "Content-Length: 0\r\n\r\n",
                               cases[i].says);

        f->says = says;
        call(f, "http://127.0.0.1:%u/", f->rude_port);
        assert_outcome(f, WEBHOOK_FAILED, cases[i].waits ? 1 : 2, "503");
        free(says);
    }
}

/* Heads of interim replies count as well: they could go on for ever. */
static void
heads_are_bounded_in_all(void **state)
{
    struct fixture *f = *state;
    struct ds says = DS_EMPTY_INITIALIZER;

    while (says.length < WEBHOOK_HEAD_MAX) {
        ds_put_cstr(&says, "HTTP/1.1 103 x\r\nLink: x\r\n\r\n");
    }
    ds_put_cstr(&says, "HTTP/1.1 200 OK\r\n\r\n");
    f->manner = SAYS;
    f->says = ds_cstr(&says);
    f->options.n_attempts = 1;
    create(f, NULL);
    call(f, "http://127.0.0.1:%u/", f->rude_port);
    assert_outcome(f, WEBHOOK_FAILED, 1, "not HTTP/1");
    ds_destroy(&says);
}

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        TEST(what_may_pass_is_tried_again_with_the_same_delivery),
        TEST(tries_end),
        TEST(what_will_not_pass_is_not_tried_again),
        TEST(retry_after_is_kept_within_bounds),
        TEST(nobody_there_is_tried_again),
        TEST(server_that_misbehaves_is_left_in_time),
        TEST(replies_are_understood),
        TEST(retry_after_is_understood),
        TEST(heads_are_bounded_in_all),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    int n_failed = cmocka_run_group_tests(tests, NULL, NULL);

    EVP_PKEY_free(server_key);
    return n_failed;
}
