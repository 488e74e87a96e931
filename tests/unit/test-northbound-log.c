/* SPDX-License-Identifier: Apache-2.0
 *
 * What the API tells of the log of changes: comments that clients make on
 * their changes, and whose changes are listed.  What the store keeps of it is
 * test-store-log.c's. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fatal-signal.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "tests/unit/northbound-fixture.h"
#include "util.h"

/* Asserts the comment of the newest revision; NULL: it has none. */
static void
assert_comment(struct fixture *f, const char *comment)
{
    char *path = xasprintf("/v1/revisions/%"PRIu64,
                           model_durable_revision(f->model));

    assert_call(f, 200, "GET", path, NULL);
    if (comment) {
        assert_text(f, "comment", comment);
    } else {
        assert_null(at(f, "comment"));
    }
    free(path);
    assert_call(f, 200, "GET", "/v1/revisions?limit=1", NULL);
    if (comment) {
        assert_text(f, "items.0.comment", comment);
    } else {
        assert_null(at(f, "items.0.comment"));
    }
}

static void
changes_of_all_kinds_take_a_comment(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/networks/n?comment=CHG-17%3A+f%C3%BCr+%22x"
                "%22", "{\"spec\": {}}");
    assert_comment(f, "CHG-17: f\xc3\xbcr \"x\"");
    assert_call(f, 200, "PATCH", "/v1/networks/n?comment=smaller",
                "{\"spec\": {\"mtu\": 1400}}");
    assert_comment(f, "smaller");
    assert_call(f, 200, "POST", "/v1/apply?comment=more",
                "{\"objects\": [{\"type\": \"networks\", \"name\": \"m\","
                " \"spec\": {}}]}");
    assert_comment(f, "more");

    char *undo = xasprintf("/v1/revisions/%d/undo?comment=less",
                           (int) model_durable_revision(f->model));
    json_int_t undone = model_durable_revision(f->model);

    assert_null(at(f, "items.0.undoes"));
    assert_call(f, 200, "POST", undo, NULL);
    assert_comment(f, "less");
    assert_int_equal(json_integer_value(at(f, "items.0.undoes")), undone);
    free(undo);
    assert_call(f, 200, "DELETE", "/v1/networks/n?comment=gone", NULL);
    assert_comment(f, "gone");

    /* It is of one change. */
    assert_call(f, 201, "PUT", "/v1/networks/n", "{\"spec\": {}}");
    assert_comment(f, NULL);
}

static void
assert_refused(struct fixture *f, const char *comment, const char *detail)
{
    char *path = xasprintf("/v1/networks/n?comment=%s", comment);

    assert_call(f, 400, "DELETE", path, NULL);
    assert_text(f, "errors.0.parameter", "comment");
    assert_non_null(strstr(json_string_value(at(f, "errors.0.detail")),
                           detail));
    free(path);
}

static void
comment_is_bounded_text(void **state)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct fixture *f = *state;

    assert_refused(f, "", "must have 1 to 512 bytes, not 0");
    assert_refused(f, "a%0Ab", "without control characters");
    assert_refused(f, "a%00b", "without control characters");
    assert_refused(f, "a%1b%5b31m", "without control characters");
    assert_refused(f, "a%FF", "UTF-8");
    assert_refused(f, "a%", "percent-encoded");
    assert_refused(f, "ab%C2%85", "control characters, such as the one at "
                   "byte 2");
    assert_refused(f, "%E2%80%AEab", "control characters, such as the one at "
                   "byte 0");
    ds_put_char_multiple(&ds, 'x', 510);
    ds_put_cstr(&ds, "%E2%82%AC");
    assert_refused(f, ds_cstr(&ds), "must have 1 to 512 bytes, not 513");
    ds_clear(&ds);
    ds_put_char_multiple(&ds, 'x', 509);
    ds_put_cstr(&ds, "%E2%82%AC");

    char *path = xasprintf("/v1/networks/n?comment=%s", ds_cstr(&ds));
    assert_call(f, 201, "PUT", path, "{\"spec\": {}}");
    free(path);
    ds_destroy(&ds);
    assert_call(f, 400, "GET", "/v1/networks?comment=x", NULL);
}

static void
turn_until_waited(struct fixture *f)
{
    while (!fake_fabric.cb) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

static void
finish_wait(uint64_t revision, bool installed)
{
    const struct fabric_receipt receipt = {
        .revision = revision, .recorded = true, .installed = installed,
    };
    fabric_wait_cb *cb = fake_fabric.cb;

    fake_fabric.cb = NULL;
    cb(fake_fabric.aux, installed, &receipt);
}

static void
revision_is_waited_for(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/networks/n", "{\"spec\": {}}");
    uint64_t made = revision(f);
    char *path = xasprintf("/v1/revisions/%"PRIu64"?wait=installed&timeout=1s",
                           made);

    fake_fabric.recorded = made;
    fake_fabric.lacking = false;
    assert_call(f, 200, "GET", path, NULL);
    assert_null(fake_fabric.cb);
    fake_fabric.lacking = true;
    for (int installed = 0; installed < 2; installed++) {
        send_only(f, "GET", path, NULL);
        turn_until_waited(f);
        assert_int_equal(fake_fabric.revision, made);
        assert_int_equal(fake_fabric.timeout_ms, 1000);
        finish_wait(made, installed);
        assert_int_equal(take_reply(f), installed ? 200 : 202);
        assert_int_equal(revision(f), made);
        assert_int_equal(json_is_true(at(f, "receipt.installed")), installed);
        assert_text(f, "changes.0.name", "n");
    }
    /* In the log before its flows are computed: waited for as well. */
    fake_fabric.behind = made;
    send_only(f, "GET", path, NULL);
    turn_until_waited(f);
    assert_int_equal(fake_fabric.revision, made);
    fake_fabric.behind = 0;
    finish_wait(made, true);
    assert_int_equal(take_reply(f), 200);
    assert_call(f, 400, "GET", "/v1/revisions/1?timeout=1s", NULL);
    assert_call(f, 400, "GET", "/v1/revisions/1?dry_run=true", NULL);
    assert_call(f, 404, "GET", "/v1/revisions/99?wait=installed", NULL);
    assert_null(fake_fabric.cb);

    /* Who leaves ends the wait. */
    unsigned n_cancelled = fake_fabric.n_cancelled;
    send_only(f, "GET", path, NULL);
    turn_until_waited(f);
    client_close(&f->client);
    while (fake_fabric.cb) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_int_equal(fake_fabric.n_cancelled, n_cancelled + 1);
    fake_fabric.lacking = false;
    client_connect(&f->client, f->base, f->path);
    free(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(changes_of_all_kinds_take_a_comment,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(comment_is_bounded_text, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(revision_is_waited_for, setup,
                                        teardown),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
