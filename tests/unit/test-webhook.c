/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of web servers: what is sent, that it is signed, which are refused,
 * and how many there are at a time. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/event.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fatal-signal.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "proto/webhook/webhook.h"
#include "tests/unit/webhook-fixture.h"
#include "timeval.h"
#include "util.h"

#define KEY "0123456789abcdef"

/* Until none is left. */
static void
drain(struct fixture *f)
{
    long long int end_ms = time_msec() + GIVE_UP_MS;

    while (n_calls(f, WEBHOOK_PENDING)) {
        assert_true(time_msec() < end_ms);
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

/* Calls.  ----------------------------------------------------------------- */

static void
assert_signed(const struct seen *seen, const char *key)
{
    char *text = xasprintf("%s.%s", seen->timestamp, seen->body);
    struct ds expected = DS_EMPTY_INITIALIZER;
    unsigned char mac[EVP_MAX_MD_SIZE];
    size_t size = 0;

    assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key,
                              strlen(key), (unsigned char *) text,
                              strlen(text), mac, sizeof mac, &size));
    ds_put_cstr(&expected, "sha256=");
    for (size_t i = 0; i < size; i++) {
        ds_put_format(&expected, "%02x", mac[i]);
    }
    assert_string_equal(seen->signature, ds_cstr(&expected));
    ds_destroy(&expected);
    free(text);
}

static void
call_is_delivered_and_signed(void **state)
{
    struct fixture *f = *state;

    f->options.key_file = write_file(f, "key", KEY "\n");
    create(f, NULL);
    call(f, "http://127.0.0.1:%u/hook?a=b", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    assert_int_equal(f->n_seen, 1);

    const struct seen *seen = &f->seen[0];
    assert_string_equal(seen->uri, "/hook?a=b");
    assert_string_equal(seen->body, "{\"up\": true}");
    assert_string_equal(seen->event, "scale");
    assert_string_equal(seen->type, "application/json");
    assert_string_equal(seen->delivery, outcome(f).delivery);
    assert_true(llabs(atoll(seen->timestamp) - time(NULL)) < GIVE_UP_MS);
    assert_signed(seen, KEY);
}

static void
key_that_is_replaced_signs_the_next_call(void **state)
{
    struct fixture *f = *state;

    f->options.key_file = write_file(f, "key", KEY "\n");
    create(f, NULL);
    /* One that cannot be used changes nothing. */
    free(write_file(f, "key", "short\n"));
    call(f, "http://127.0.0.1:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    assert_signed(&f->seen[0], KEY);
    free(write_file(f, "key", "another-" KEY "\n"));
    call(f, "http://127.0.0.1:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    assert_int_equal(f->n_seen, 2);
    assert_signed(&f->seen[1], "another-" KEY);
}

static void
call_without_a_key_is_not_signed(void **state)
{
    struct fixture *f = *state;

    create(f, NULL);
    call(f, "http://127.0.0.1:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    assert_null(f->seen[0].signature);
    assert_non_null(f->seen[0].timestamp);
}

static void
key_that_others_can_read_is_refused(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;

    f->options.key_file = write_file(f, "key", KEY "\n");
    chmod(f->options.key_file, 0644);
    assert_int_not_equal(webhook_create(&f->options, f->base, &f->w, &text),
                         0);
    assert_non_null(strstr(text, "chmod 600"));
    free(text);
}

static void
url_that_nobody_allowed_is_not_called(void **state)
{
    struct fixture *f = *state;
    char *allow, *reason;

    start_http(f);
    allow = xasprintf("http://127.0.0.1:%u/hooks", f->port);
    create(f, allow);
    call(f, "http://127.0.0.1:%u/hooksy", f->port);
    assert_outcome(f, WEBHOOK_REJECTED, 0,
                   "is not among those that --webhook-allow names");
    call(f, "http://127.0.0.1:%u@evil/", f->port);
    assert_outcome(f, WEBHOOK_REJECTED, 0, "it names a user");
    reason = webhook_check(f->w, "http://127.0.0.1/");
    assert_non_null(reason);
    free(reason);
    call(f, "http://127.0.0.1:%u/hooks/1", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    assert_int_equal(f->n_seen, 1);
    assert_int_equal(n_calls(f, WEBHOOK_REJECTED), 2);
    free(allow);

    /* By default, none is. */
    webhook_destroy(f->w);
    f->options.allow = NULL;
    assert_int_equal(webhook_create(&f->options, f->base, &f->w, &reason), 0);
    call(f, "http://127.0.0.1:%u/hooks", f->port);
    assert_outcome(f, WEBHOOK_REJECTED, 0, "--webhook-allow");
}

static void
body_that_is_too_long_is_refused(void **state)
{
    struct fixture *f = *state;
    char *body = xmalloc(WEBHOOK_BODY_MAX + 2);

    memset(body, ' ', WEBHOOK_BODY_MAX + 1);
    body[WEBHOOK_BODY_MAX + 1] = '\0';
    create(f, NULL);
    char *url = xasprintf("http://127.0.0.1:%u/", f->rude_port);
    webhook_call(f->w, "web", url, "scale", body);
    assert_outcome(f, WEBHOOK_REJECTED, 0, "65536");
    free(url);
    free(body);
}

/* Has the server that misbehaves close 'n' connections once 'at_a_time' of
 * them wait for it, until all have been made. */
static void
close_in_rounds(struct fixture *f, size_t n, size_t at_a_time)
{
    long long int end_ms = time_msec() + GIVE_UP_MS;

    f->most_open = 0;
    for (size_t end = f->n_conns + n; f->n_conns < end; ) {
        size_t next = f->n_conns + MIN(at_a_time, end - f->n_conns);

        while (f->n_conns < next) {
            assert_true(time_msec() < end_ms);
            event_base_loop(f->base, EVLOOP_ONCE);
        }
        for (size_t i = 0; i < f->n_conns; i++) {
            if (f->conns[i]) {
                rude_close(f, f->conns[i]);
            }
        }
    }
    drain(f);
}

static void
number_at_a_time_is_bounded(void **state)
{
    struct fixture *f = *state;

    f->options.n_attempts = 1;
    create(f, NULL);
    for (int i = 0; i < 20; i++) {
        call(f, "http://127.0.0.1:%u/%d", f->rude_port, i);
    }
    close_in_rounds(f, 20, f->options.n_active);
    assert_int_equal(n_calls(f, WEBHOOK_FAILED), 20);
    assert_int_equal(f->n_conns, 20);
    assert_int_equal(f->most_open, f->options.n_active);

    /* One URL does not take the places of the others. */
    for (int i = 0; i < 6; i++) {
        call(f, "http://127.0.0.1:%u/", f->rude_port);
    }
    close_in_rounds(f, 6, WEBHOOK_URL_ACTIVE_MAX);
    assert_int_equal(f->n_conns, 26);
    assert_int_equal(f->most_open, WEBHOOK_URL_ACTIVE_MAX);
}

static void
queue_is_bounded_and_the_oldest_goes(void **state)
{
    struct fixture *f = *state;

    f->options.n_waiting = 4;
    create(f, NULL);
    webhook_call(f->w, "other", "http://127.0.0.1:1/", "scale", "{}");
    for (int i = 0; i < 10; i++) {
        char *url = xasprintf("http://127.0.0.1:%u/", f->port);
        char *body = xasprintf("%d", i);
        char *owner = xasprintf("owner%d", i);

        webhook_call(f->w, owner, url, "scale", body);
        free(owner);
        free(body);
        free(url);
    }
    assert_int_equal(n_calls(f, WEBHOOK_DROPPED), 7);
    assert_int_equal(n_calls(f, WEBHOOK_PENDING), 4);

    struct webhook_status status;
    assert_true(webhook_get_status(f->w, "owner0", &status));
    assert_int_equal(status.outcome, WEBHOOK_DROPPED);
    assert_non_null(strstr(status.reason, "more than 4"));
    /* It was not one of its URL. */
    assert_true(webhook_get_status(f->w, "other", &status));
    assert_int_equal(status.outcome, WEBHOOK_PENDING);
    while (f->n_seen < 3) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    for (int i = 0; i < 3; i++) {
        assert_true(atoi(f->seen[i].body) >= 7);
    }
}

static void
rate_of_a_url_is_bounded(void **state)
{
    struct fixture *f = *state;
    long long int begin_ms = time_msec();

    f->options.url_interval_ms = 20;
    f->options.url_burst = 2;
    create(f, NULL);
    for (int i = 0; i < 5; i++) {
        call(f, "http://127.0.0.1:%u/", f->port);
    }
    drain(f);
    assert_int_equal(f->n_seen, 5);
    assert_true(time_msec() - begin_ms >= 60);
}

static void
owner_that_is_forgotten_has_no_status(void **state)
{
    struct webhook_status status;
    struct fixture *f = *state;

    create(f, NULL);
    assert_false(webhook_get_status(f->w, "web", &status));
    call(f, "http://127.0.0.1:%u/", f->port);
    assert_true(webhook_get_status(f->w, "web", &status));
    webhook_forget(f->w, "web");
    webhook_forget(f->w, "web");
    drain(f);
    assert_int_equal(f->n_seen, 1);
    assert_false(webhook_get_status(f->w, "web", &status));
}

/* The end.  --------------------------------------------------------------- */

static void
calls_end_with_their_caller(void **state)
{
    struct fixture *f = *state;

    for (int turns = 0; turns < 8; turns++) {
        f->manner = turns % 2 ? SILENT : BODY_HANGS;
        create(f, NULL);
        call(f, "http://127.0.0.1:%u/", f->rude_port);
        call(f, "http://127.0.0.1:1/");
        call(f, "http://no.test/");
        for (int i = 0; i < turns; i++) {
            event_base_loop(f->base, EVLOOP_ONCE);
        }
        webhook_destroy(f->w);
        f->w = NULL;
    }
}

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        TEST(call_is_delivered_and_signed),
        TEST(key_that_is_replaced_signs_the_next_call),
        TEST(call_without_a_key_is_not_signed),
        TEST(key_that_others_can_read_is_refused),
        TEST(url_that_nobody_allowed_is_not_called),
        TEST(body_that_is_too_long_is_refused),
        TEST(number_at_a_time_is_bounded),
        TEST(queue_is_bounded_and_the_oldest_goes),
        TEST(rate_of_a_url_is_bounded),
        TEST(owner_that_is_forgotten_has_no_status),
        TEST(calls_end_with_their_caller),
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
