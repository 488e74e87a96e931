/* SPDX-License-Identifier: Apache-2.0
 *
 * The northbound: what a change that is sent again with its Idempotency-Key is
 * replied, and one with If-Match.  Keys as such are in test-request-keys. */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fatal-signal.h"
#include "openvswitch/vlog.h"
#include "tests/unit/northbound-fixture.h"
#include "util.h"

#define KEY(TEXT) "Idempotency-Key: " TEXT "\r\n"
#define MTU(N) "{\"spec\": {\"mtu\": " #N "}}"

/* Asserts the status of a change, and whether it was made before. */
static void
assert_change(struct fixture *f, int want, bool repeated, const char *method,
              const char *path, const char *headers, const char *body)
{
    int status = call_with(f, method, path, headers, body);

    if (status != want) {
        fail_msg("%s %s: %d %s", method, path, status,
                 ds_cstr(&f->client.body));
    }
    assert_int_equal(strstr(ds_cstr(&f->client.head),
                            "Idempotency-Replayed: true\r\n") != NULL,
                     repeated);
}

static void
change_sent_again_is_not_made_again(void **state)
{
    struct fixture *f = *state;
    json_int_t made;

    assert_change(f, 201, false, "PUT", "/v1/networks/n", KEY("\"a\""),
                  MTU(1400));
    made = revision(f);
    assert_call(f, 200, "PATCH", "/v1/networks/n", MTU(1300));
    /* Without quotes, it is the same key. */
    assert_change(f, 201, true, "PUT", "/v1/networks/n", KEY("a"), MTU(1400));
    assert_int_equal(revision(f), made);
    assert_text(f, "outcome", "created");
    assert_int_equal(json_integer_value(at(f, "spec.mtu")), 1300);
    assert_has(&f->client.head, "ETag: \"");
    assert_null(strstr(ds_cstr(&f->client.head), "ETag: \"2\""));
    /* What nobody keeps of it any more leaves the outcome open. */
    f->store.read_error = EIO;
    assert_change(f, 200, true, "PUT", "/v1/networks/n", KEY("a"), MTU(1400));
    f->store.read_error = 0;
    assert_text(f, "outcome", "unchanged");
    assert_int_equal(revision(f), made);

    assert_change(f, 200, false, "DELETE", "/v1/networks/n", KEY("b"), NULL);
    made = revision(f);
    assert_change(f, 200, true, "DELETE", "/v1/networks/n", KEY("b"), NULL);
    assert_text(f, "outcome", "deleted");
    assert_int_equal(revision(f), made);
    assert_call(f, 404, "DELETE", "/v1/networks/n", NULL);
    /* The first one's object is gone. */
    assert_change(f, 201, true, "PUT", "/v1/networks/n", KEY("a"), MTU(1400));
    assert_text(f, "name", "n");
    assert_null(at(f, "spec"));
}

static void
key_of_another_change_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_change(f, 201, false, "PUT", "/v1/networks/n", KEY("a"),
                  MTU(1400));
    assert_change(f, 422, false, "PUT", "/v1/networks/n", KEY("a"),
                  MTU(1401));
    assert_text(f, "type", "urn:vmn:problem:key-used");
    assert_has(&f->client.body, "Idempotency-Key \\\"a\\\" is that of ");
    assert_change(f, 422, false, "PATCH", "/v1/networks/n", KEY("a"),
                  MTU(1400));
    assert_change(f, 422, false, "PUT", "/v1/networks/m", KEY("a"),
                  MTU(1400));
    assert_change(f, 422, false, "PUT", "/v1/networks/n?comment=x", KEY("a"),
                  MTU(1400));
    assert_change(f, 422, false, "PUT", "/v1/networks/n",
                  KEY("a") "If-Match: *\r\n", MTU(1400));
    assert_change(f, 422, false, "DELETE", "/v1/networks/n", KEY("a"), NULL);
    assert_call(f, 200, "GET", "/v1/networks/n", NULL);
    assert_change(f, 201, true, "PUT", "/v1/networks/n?wait=false", KEY("a"),
                  MTU(1400));
    /* One that changed nothing has no revision, and a plan makes none. */
    assert_change(f, 200, false, "PUT", "/v1/networks/n", KEY("b"),
                  MTU(1400));
    assert_change(f, 200, false, "PATCH", "/v1/networks/n?dry_run=plan",
                  KEY("a"), MTU(1300));
    assert_change(f, 200, false, "PATCH", "/v1/networks/n", KEY("b"),
                  MTU(1300));
    /* Where nothing is changed there are none. */
    assert_change(f, 200, false, "GET", "/v1/networks/n", KEY("a b"), NULL);
}

static void
keys_have_a_form(void **state)
{
    static const char *const bad[] = {
        KEY(""), KEY("\"\""), KEY("a b"), KEY("\"a b\""), KEY("\"a"),
        KEY("\"a\"b"), KEY("\"a\";b"), KEY("\"a\\b\""), KEY("\"a\\"),
        KEY("\xc3\xa4"), KEY("a") KEY("a"),
        KEY("0123456789012345678901234567890123456789012345678901234567890123"
            "4"),
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        int status = call_with(f, "PUT", "/v1/networks/n", bad[i], MTU(1400));

        if (status != 400) {
            fail_msg("%s: %d", bad[i], status);
        }
        assert_has(&f->client.body, "Idempotency-Key");
    }
    assert_change(f, 201, false, "PUT", "/v1/networks/n",
                  KEY("\"a\\\"b\\\\c\""), MTU(1400));
    assert_change(f, 201, true, "PUT", "/v1/networks/n", KEY("a\"b\\c"),
                  MTU(1400));
}

static void
lists_and_undo_have_keys_too(void **state)
{
    static const char body[] = "{\"objects\": ["
        "{\"type\": \"ports\", \"name\": \"p\","
        " \"spec\": {\"network\": \"n\"}},"
        "{\"type\": \"networks\", \"name\": \"n\", \"spec\": {}},"
        "{\"type\": \"networks\", \"name\": \"m\", \"spec\": {}}]}";
    struct fixture *f = *state;
    json_int_t made;
    char *undo;

    assert_call(f, 201, "PUT", "/v1/networks/m", "{\"spec\": {}}");
    for (int i = 0; i < 2; i++) {
        assert_change(f, 200, i, "POST", "/v1/apply", KEY("a"), body);
        assert_true(json_is_true(at(f, "changed")));
        assert_text(f, "results.0.outcome", "created");
        assert_text(f, "results.1.outcome", "created");
        assert_text(f, "results.2.outcome", "unchanged");
    }
    made = revision(f);
    undo = xasprintf("/v1/revisions/%d/undo", (int) made);
    for (int i = 0; i < 2; i++) {
        assert_change(f, 200, i, "POST", undo, KEY("b"), NULL);
        assert_int_equal(revision(f), made + 1);
        assert_text(f, "results.0.outcome", "deleted");
        assert_text(f, "results.1.outcome", "deleted");
        assert_null(at(f, "results.2"));
    }
    assert_call(f, 409, "POST", undo, NULL);
    assert_change(f, 422, false, "POST", undo, KEY("a"), NULL);
    free(undo);
    undo = xasprintf("/v1/revisions/%d/undo", (int) made + 1);
    for (int i = 0; i < 2; i++) {
        assert_change(f, 200, i, "POST", undo, KEY("c"), NULL);
        assert_text(f, "results.0.outcome", "created");
        assert_text(f, "results.1.outcome", "created");
    }
    free(undo);
}

/* It is replied what the first one was: without what was left out. */
static void
forced_undo_leaves_out_the_same_again(void **state)
{
    struct fixture *f = *state;
    char *undo;

    assert_call(f, 200, "POST", "/v1/apply", "{\"objects\": ["
                "{\"type\": \"networks\", \"name\": \"a\", \"spec\": {}},"
                "{\"type\": \"networks\", \"name\": \"b\", \"spec\": {}},"
                "{\"type\": \"networks\", \"name\": \"c\", \"spec\": {}}]}");
    undo = xasprintf("/v1/revisions/%d/undo?force=true", (int) revision(f));
    assert_call(f, 200, "DELETE", "/v1/networks/a", NULL);
    for (int i = 0; i < 2; i++) {
        assert_change(f, 200, i, "POST", undo, KEY("d"), NULL);
        assert_text(f, "results.0.name", "b");
        assert_text(f, "results.0.outcome", "deleted");
        assert_text(f, "results.1.name", "c");
        assert_text(f, "results.1.outcome", "deleted");
        assert_null(at(f, "results.2"));
    }
    free(undo);
}

static void
secret_is_told_once(void **state)
{
    static const char token[] = "{\"spec\": {\"account\": \"ann\"}}";
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/accounts/ann",
                "{\"spec\": {\"role\": \"viewer\"}}");
    assert_change(f, 201, false, "PUT", "/v1/tokens/t", KEY("a"), token);
    assert_non_null(at(f, "secret"));
    assert_change(f, 201, true, "PUT", "/v1/tokens/t", KEY("a"), token);
    assert_null(at(f, "secret"));
}

/* It is of the first one that it is waited for. */
static void
change_sent_again_can_be_waited_for(void **state)
{
    struct fixture *f = *state;
    fabric_wait_cb *cb;
    json_int_t made;

    assert_change(f, 201, false, "PUT", "/v1/networks/n", KEY("a"),
                  MTU(1400));
    made = revision(f);
    assert_call(f, 200, "PATCH", "/v1/networks/n", MTU(1300));
    char *text = make_request("PUT", "/v1/networks/n?wait=installed",
                              KEY("a"), MTU(1400));

    client_say(&f->client, text);
    free(text);
    while (!fake_fabric.cb) {
        client_turn(&f->client);
    }
    assert_int_equal(fake_fabric.revision, made);
    cb = fake_fabric.cb;
    fake_fabric.cb = NULL;
    cb(fake_fabric.aux, false, NULL);
    assert_int_equal(take_reply(f), 202);
    assert_has(&f->client.head, "Idempotency-Replayed: true");
}

/* One that the store has refused was not made. */
static void
refused_change_can_be_sent_again(void **state)
{
    struct fixture *f = *state;

    f->store.error = EIO;
    assert_change(f, 503, false, "PUT", "/v1/networks/n", KEY("a"),
                  MTU(1400));
    assert_text(f, "type", "urn:vmn:problem:unavailable");
    f->store.error = EINTR;
    assert_change(f, 503, false, "PUT", "/v1/networks/n", KEY("a"),
                  MTU(1400));
    assert_text(f, "type", "urn:vmn:problem:uncertain");
    f->store.error = 0;
    assert_change(f, 201, false, "PUT", "/v1/networks/n", KEY("a"),
                  MTU(1400));
    assert_change(f, 201, true, "PUT", "/v1/networks/n", KEY("a"), MTU(1400));
}

/* If-Match.  -------------------------------------------------------------- */

static void
stale_if_match_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    char *old = xasprintf("If-Match: \"%"PRId64"\"\r\n",
                          (int64_t) revision(f));
    assert_int_equal(call_with(f, "PATCH", "/v1/networks/shop", old,
                               "{\"spec\": {\"mtu\": 1400}}"), 200);
    assert_int_equal(call_with(f, "PATCH", "/v1/networks/shop", old,
                               "{\"spec\": {\"mtu\": 1300}}"), 412);
    assert_text(f, "type", "urn:vmn:problem:stale");
    assert_int_equal(call_with(f, "DELETE", "/v1/networks/shop", old, NULL),
                     412);
    assert_int_equal(call_with(f, "PUT", "/v1/networks/new",
                               "If-Match: *\r\n", NET), 412);
    assert_int_equal(call_with(f, "PUT", "/v1/networks/shop",
                               "If-Match: 7\r\n", NET), 400);
    assert_call(f, 200, "GET", "/v1/networks/shop", NULL);
    assert_int_equal(json_integer_value(at(f, "spec.mtu")), 1400);
    free(old);
}

/* A proxy that compresses replies makes ETags weak. */
static void
weak_if_match_is_refused_for_being_weak(void **state)
{
    static const char *const digests[] = { "", "-0123abcd" };
    struct fixture *f = *state;
    int64_t last;

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    last = (int64_t) revision(f);
    for (size_t i = 0; i < ARRAY_SIZE(digests); i++) {
        char *weak = xasprintf("If-Match: W/\"%"PRId64"%s\"\r\n", last,
                               digests[i]);
        char *text = xasprintf("network \"shop\" was not changed, but "
                               "If-Match never matches a weak ETag: use "
                               "\"%"PRId64"\"", last);

        assert_int_equal(call_with(f, "PATCH", "/v1/networks/shop", weak,
                                   "{\"spec\": {\"mtu\": 1400}}"), 412);
        assert_text(f, "detail", text);
        free(weak);
        free(text);
    }
    assert_int_equal(call_with(f, "PATCH", "/v1/networks/shop",
                               "If-Match: W/\"99999\"\r\n",
                               "{\"spec\": {\"mtu\": 1400}}"), 412);
    assert_non_null(strstr(json_string_value(at(f, "detail")),
                           "was changed: its ETag is"));
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(change_sent_again_is_not_made_again),
        TEST(key_of_another_change_is_refused),
        TEST(keys_have_a_form),
        TEST(lists_and_undo_have_keys_too),
        TEST(forced_undo_leaves_out_the_same_again),
        TEST(secret_is_told_once),
        TEST(change_sent_again_can_be_waited_for),
        TEST(refused_change_can_be_sent_again),
        TEST(stale_if_match_is_refused),
        TEST(weak_if_match_is_refused_for_being_weak),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
