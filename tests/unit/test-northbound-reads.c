/* SPDX-License-Identifier: Apache-2.0
 *
 * Of which revision reads are, those that wait for one, and which version of
 * an object a change is replied with. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "controller/northbound/northbound-private.h"
#include "fatal-signal.h"
#include "openvswitch/vlog.h"
#include "tests/unit/northbound-fixture.h"
#include "util.h"

static void
reply_says_its_revision(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    assert_has(&f->client.head, "\r\nVmn-Revision: 2\r\n");
    assert_call(f, 201, "PUT", "/v1/networks/b", NET);
    assert_has(&f->client.head, "\r\nVmn-Revision: 3\r\n");
    assert_call(f, 200, "GET", "/v1/networks/shop", NULL);
    assert_has(&f->client.head, "\r\nVmn-Revision: 3\r\n");
    assert_call(f, 404, "GET", "/v1/networks/none", NULL);
    assert_has(&f->client.head, "\r\nVmn-Revision: 3\r\n");
    /* What needs no authentication says nothing of the state. */
    assert_call(f, 200, "GET", "/healthz", NULL);
    assert_null(strstr(ds_cstr(&f->client.head), "Vmn-Revision"));
    /* That is for members of a cluster. */
    assert_call(f, 200, "GET", "/v1/networks", NULL);
    assert_null(strstr(ds_cstr(&f->client.head), "Vmn-Shown"));
}

/* A page that takes several turns may show what was changed meanwhile: it is
 * at least as new as it says. */
static void
read_says_when_it_began(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    f->store.hold = true;
    send_only(f, "PUT", "/v1/networks/b", NET);
    while (commit_is_quiescent(f->commit)) {
        client_turn(&f->client);
    }

    struct client reader;
    client_connect(&reader, f->base, f->path);
    /* It waits for the end of the commit. */
    client_say(&reader, "GET /v1/summary HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        client_turn(&reader);
    }
    f->store.hold = false;
    event_active(f->store.done, EV_TIMEOUT, 1);
    assert_int_equal(take_reply(f), 201);
    assert_int_equal(client_reply(&reader), 200);
    assert_has(&reader.head, "\r\nVmn-Revision: 2\r\n");
    client_close(&reader);
}

static void
send_mtu(struct fixture *f, struct client *client, const char *mtu)
{
    char *request = xasprintf(
        "PUT /v1/networks/shop HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n"
        "\r\n{\"spec\": {\"mtu\": %s}}", strlen(mtu) + 19, mtu);

    client_connect(client, f->base, f->path);
    client_say(client, request);
    free(request);
    for (int i = 0; i < 10; i++) {
        client_turn(client);
    }
}

/* Of two changes that are stored together each is replied what it has made:
 * with the ETag of the other's its client would undo that unknowingly. */
static void
change_is_replied_with_its_own_version(void **state)
{
    struct fixture *f = *state;
    struct client clients[3];
    const char *const mtus[] = { "1300", "1350", "1400" };
    unsigned int seen = 0;

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    f->store.hold = true;
    send_only(f, "PUT", "/v1/networks/b", NET);
    while (commit_is_quiescent(f->commit)) {
        client_turn(&f->client);
    }
    for (size_t i = 0; i < ARRAY_SIZE(mtus); i++) {
        send_mtu(f, &clients[i], mtus[i]);
    }
    f->store.hold = false;
    event_active(f->store.done, EV_TIMEOUT, 1);
    assert_int_equal(take_reply(f), 201);
    /* In which order they were made is not known. */
    for (size_t i = 0; i < ARRAY_SIZE(mtus); i++) {
        const char *etag;
        unsigned int made;

        assert_int_equal(client_reply(&clients[i]), 200);
        etag = strstr(ds_cstr(&clients[i].head), "\r\nETag: \"");
        assert_non_null(etag);
        assert_true(ovs_scan(etag, "\r\nETag: \"%u\"", &made));
        assert_in_range(made, 3, 31);
        assert_int_equal(seen & 1u << made, 0);
        seen |= 1u << made;

        char *shown = xasprintf("\"revision\":%u,\"etag\":\"%u\"", made,
                                made);
        char *mtu = xasprintf("\"mtu\":%s", mtus[i]);

        assert_has(&clients[i].body, shown);
        assert_has(&clients[i].body, mtu);
        client_close(&clients[i]);
        free(shown);
        free(mtu);
    }
}

/* The revision of the last entry of the log that was replied. */
static json_int_t
newest_item(struct fixture *f)
{
    const json_t *items = at(f, "items");

    return json_integer_value(json_object_get(
        json_array_get(items, json_array_size(items) - 1), "revision"));
}

/* What is stored just now is not in the log before it is shown: another member
 * of a cluster may not have it yet. */
static void
log_ends_with_what_is_shown(void **state)
{
    static const char *const queries[] = {
        "", "?after=1", "?limit=1", "?type=networks",
    };
    struct fixture *f = *state;
    struct client writer;

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    f->store.hold = true;
    client_connect(&writer, f->base, f->path);
    client_say(&writer, "PUT /v1/networks/b HTTP/1.1\r\nHost: x\r\n"
               "Content-Length: 12\r\n\r\n{\"spec\": {}}");
    while (commit_is_quiescent(f->commit)) {
        client_turn(&writer);
    }
    for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
        char *path = xasprintf("/v1/revisions%s", queries[i]);

        assert_call(f, 200, "GET", path, NULL);
        assert_int_equal(newest_item(f), 2);
        free(path);
    }
    f->store.hold = false;
    event_active(f->store.done, EV_TIMEOUT, 1);
    assert_int_equal(client_reply(&writer), 201);
    assert_call(f, 200, "GET", "/v1/revisions", NULL);
    assert_int_equal(newest_item(f), 3);
    client_close(&writer);
}

static void
read_waits_for_its_revision(void **state)
{
    struct fixture *f = *state;
    struct client reader, other;

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    assert_call(f, 200, "GET", "/v1/networks?limit=1&at_least=2", NULL);
    client_connect(&reader, f->base, f->path);
    client_connect(&other, f->base, f->path);
    client_say(&reader, "GET /v1/networks/b?at_least=3 HTTP/1.1\r\n"
               "Host: x\r\n\r\n");
    client_say(&other, "GET /v1/networks/b?at_least=4 HTTP/1.1\r\n"
               "Host: x\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        client_turn(&reader);
    }
    assert_int_equal(reader.in.length, 0);
    assert_call(f, 201, "PUT", "/v1/networks/b", NET);
    assert_int_equal(client_reply(&reader), 200);
    assert_has(&reader.head, "\r\nVmn-Revision: 3\r\n");
    /* The next one of the same connection. */
    client_say(&reader, "HEAD /v1/networks?at_least=4 HTTP/1.1\r\n"
               "Host: x\r\n\r\n");
    client_turn(&other);
    client_turn(&reader);
    assert_int_equal(other.in.length, 0);
    client_close(&other);
    assert_call(f, 201, "PUT", "/v1/networks/c", NET);
    while (!strstr(ds_cstr(&reader.in), "\r\n\r\n")) {
        client_turn(&reader);
    }
    assert_has(&reader.in, "HTTP/1.1 200 ");
    assert_has(&reader.in, "\r\nVmn-Revision: 4\r\n");
    /* Who waits when it all ends loses its connection. */
    client_say(&f->client, "GET /v1/networks?at_least=9 HTTP/1.1\r\n"
               "Host: x\r\n\r\n");
    client_turn(&f->client);
    client_close(&reader);
}

static void
wrong_revisions_are_refused(void **state)
{
    static const char *const values[] = { "", "x", "0", "-1", "1.5",
                                          "1000000000000000000" };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        char *path = xasprintf("/v1/networks?at_least=%s", values[i]);

        assert_call(f, 400, "GET", path, NULL);
        assert_text(f, "errors.0.parameter", "at_least");
        free(path);
    }
    assert_call(f, 400, "GET", "/v1/networks?at_least=1&at_least=1", NULL);
    /* A change is of no revision but its own, and a probe of none. */
    assert_call(f, 400, "GET", "/readyz?at_least=1", NULL);
    assert_call(f, 400, "PUT", "/v1/networks/b?at_least=1", NET);
}

static void
yield_cb(void *commit)
{
    commit_yield(commit);
}

/* Sends a request, which is replied to while the former rows are current. */
static void
read_meanwhile(struct fixture *f, struct client *reader, const char *request)
{
    char buf[65536];
    ssize_t n = 0;

    client_say(reader, request);
    while (n <= 0) {
        assert_true(model_is_put_back(f->model));
        event_base_loop(f->base, EVLOOP_ONCE);
        n = recv(reader->fd, buf, sizeof buf, MSG_DONTWAIT);
    }
    ds_put_buffer(&reader->in, buf, n);
}

/* While what a plan would open is searched, the former rows are current. */
static void
read_is_answered_while_a_plan_is_compared(void **state)
{
    struct fixture *f = *state;
    struct client reader;

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    assert_call(f, 201, "PUT", "/v1/groups/all",
                "{\"spec\": {\"selector\": \"all=y\"}}");
    assert_call(f, 200, "POST", "/v1/apply", "{\"objects\": ["
                "{\"type\": \"policies\", \"name\": \"web-in\", \"spec\": "
                "{\"applies_to\": [\"all\"]}}]}");
    for (int i = 0; i < 50; i++) {
        char *path = xasprintf("/v1/ports/p%d", i);

        assert_call(f, 201, "PUT", path, "{\"spec\": {\"network\": \"shop\", "
                    "\"labels\": {\"all\": \"y\"}}}");
        free(path);
    }
    client_connect(&reader, f->base, f->path);
    model_set_yield(f->model, yield_cb, f->commit);
    commit_set_max_yields(f->commit, 1);
    send_only(f, "POST", "/v1/apply?dry_run=plan", "{\"objects\": ["
              "{\"type\": \"policies\", \"name\": \"web-in\", \"spec\": "
              "{\"applies_to\": [\"all\"], \"mode\": \"shadow\"}}, "
              "{\"type\": \"ports\", \"name\": \"p7\", "
              "\"op\": \"delete\"}]}");
    while (!model_is_put_back(f->model)) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    read_meanwhile(f, &reader, "GET /v1/ports?network=shop HTTP/1.1\r\n"
                   "Host: x\r\n\r\n");
    read_meanwhile(f, &reader, "GET /v1/networks/shop HTTP/1.1\r\n"
                   "Host: x\r\n\r\n");
    assert_int_equal(client_reply(&reader), 200);
    assert_has(&reader.body, "\"name\":\"p7\"");
    assert_int_equal(client_reply(&reader), 200);
    assert_has(&reader.body, "\"ports\":50");
    assert_int_equal(take_reply(f), 200);
    client_close(&reader);
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(reply_says_its_revision),
        TEST(read_says_when_it_began),
        TEST(change_is_replied_with_its_own_version),
        TEST(log_ends_with_what_is_shown),
        TEST(read_waits_for_its_revision),
        TEST(wrong_revisions_are_refused),
        TEST(read_is_answered_while_a_plan_is_compared),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
