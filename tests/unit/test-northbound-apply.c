/* SPDX-License-Identifier: Apache-2.0
 *
 * The northbound: sets of objects that are applied, plans, waiting for hosts,
 * and clients that leave meanwhile. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "controller/commit/commit.h"
#include "controller/fabric/fabric-receipts.h"
#include "fatal-signal.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "tests/unit/northbound-fixture.h"

/* Transactions.  --------------------------------------------------------- */

#define APPLY "{\"objects\": ["                                             \
    "{\"type\": \"ports\", \"name\": \"a\", \"spec\": {\"network\": \"n\"}}," \
    "{\"type\": \"networks\", \"name\": \"n\", \"spec\": {}}]}"

static void
apply_takes_objects_in_any_order(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "POST", "/v1/apply", APPLY);
    assert_true(json_is_true(at(f, "changed")));
    assert_text(f, "results.0.type", "ports");
    assert_text(f, "results.0.outcome", "created");
    assert_text(f, "results.1.name", "n");
    json_int_t first = revision(f);
    assert_call(f, 200, "POST", "/v1/apply", APPLY);
    assert_true(json_is_false(at(f, "changed")));
    assert_text(f, "results.0.outcome", "unchanged");
    assert_int_equal(revision(f), first);
}

static void
apply_is_all_or_nothing(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 400, "POST", "/v1/apply", "{\"objects\": ["
                "{\"type\": \"networks\", \"name\": \"n\", \"spec\": {}},"
                "{\"type\": \"networks\", \"name\": \"m\","
                " \"spec\": {\"mtu\": 5}},"
                "{\"type\": \"ports\", \"name\": \"p\","
                " \"spec\": {\"network\": \"gone\"}}]}");
    assert_error_at(f, "/objects/1/spec/mtu");
    assert_call(f, 404, "GET", "/v1/networks/n", NULL);
    assert_call(f, 400, "POST", "/v1/apply", "{\"objects\": [7,"
                "{\"type\": \"moons\", \"name\": \"n\"},"
                "{\"type\": \"ports\", \"spec\": {}},"
                "{\"type\": \"networks\", \"name\": \"m\","
                " \"spec\": {\"mtu\": 5}, \"x\": 1}], \"more\": 1}");
    assert_error_at(f, "/objects/0");
    assert_error_at(f, "/objects/1/type");
    assert_error_at(f, "/objects/2/name");
    assert_error_at(f, "/objects/3/x");
    assert_error_at(f, "/objects/3/spec/mtu");
    assert_error_at(f, "/more");
}

static void
apply_prunes_what_the_set_no_longer_names(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "POST", "/v1/apply?prune=demo", APPLY);
    assert_call(f, 201, "PUT", "/v1/networks/other", NET);
    assert_call(f, 200, "POST", "/v1/apply?prune=demo",
                "{\"objects\": [{\"type\": \"networks\", \"name\": \"n\","
                " \"spec\": {}}]}");
    assert_text(f, "also_changed.0.op", "delete");
    assert_text(f, "also_changed.0.name", "a");
    assert_call(f, 404, "GET", "/v1/ports/a", NULL);
    assert_call(f, 200, "GET", "/v1/networks/n", NULL);
    assert_text(f, "metadata.set", "demo");
    assert_call(f, 200, "POST", "/v1/apply?prune=demo", "{\"objects\": []}");
    assert_true(json_is_true(at(f, "changed")));
    assert_text(f, "also_changed.0.name", "n");
    assert_call(f, 200, "GET", "/v1/networks/other", NULL);
    assert_call(f, 400, "POST", "/v1/apply?prune=A%20b", APPLY);
}

/* The newest revision of a set may be one that deleted its members, which no
 * row tells: after a restart the store does. */
static void
unchanged_set_answers_with_its_newest_revision(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "POST", "/v1/apply?prune=demo", APPLY);
    assert_call(f, 200, "POST", "/v1/apply?prune=demo", "{\"objects\": ["
                "{\"type\": \"networks\", \"name\": \"n\", \"spec\": {}}]}");
    json_int_t newest = revision(f);
    assert_call(f, 200, "POST", "/v1/apply?prune=demo", "{\"objects\": ["
                "{\"type\": \"networks\", \"name\": \"n\", \"spec\": {}}]}");
    assert_true(json_is_false(at(f, "changed")));
    assert_int_equal(revision(f), newest);
    /* As after a restart. */
    nb_sets_uninit(f->nb);
    nb_sets_init(f->nb);
    f->store.set_revision = newest;
    assert_call(f, 200, "POST", "/v1/apply?prune=demo", "{\"objects\": ["
                "{\"type\": \"networks\", \"name\": \"n\", \"spec\": {}}]}");
    assert_true(json_is_false(at(f, "changed")));
    assert_int_equal(revision(f), newest);
}

static void
turn_until_waited(struct fixture *f)
{
    while (!fake_fabric.cb) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

static void
finish_wait(bool installed)
{
    fabric_wait_cb *cb = fake_fabric.cb;
    struct fabric_receipt_host host = {
        .host = "hv1", .state = installed ? "confirmed" : "offline",
    };
    const struct fabric_receipt receipt = {
        .installed = installed, .n_hosts = 1, .hosts = &host,
    };

    fake_fabric.cb = NULL;
    cb(fake_fabric.aux, installed, &receipt);
}

static void
wait_answers_with_the_receipt(void **state)
{
    struct fixture *f = *state;

    send_only(f, "PUT", "/v1/networks/shop?wait=installed&timeout=1500ms",
              NET);
    turn_until_waited(f);
    assert_int_equal(fake_fabric.timeout_ms, 1500);
    finish_wait(true);
    assert_int_equal(take_reply(f), 201);
    assert_int_equal(fake_fabric.revision, revision(f));
    assert_text(f, "receipt.hosts.0.state", "confirmed");

    send_only(f, "POST", "/v1/apply?wait=installed&timeout=2m", APPLY);
    turn_until_waited(f);
    assert_int_equal(fake_fabric.timeout_ms, 120000);
    finish_wait(false);
    assert_int_equal(take_reply(f), 202);
    assert_text(f, "receipt.hosts.0.state", "offline");
    assert_text(f, "results.0.outcome", "created");

    send_only(f, "DELETE", "/v1/networks/shop?wait=installed", NULL);
    turn_until_waited(f);
    assert_int_equal(fake_fabric.timeout_ms, 10000);
    finish_wait(true);
    assert_int_equal(take_reply(f), 200);
    assert_text(f, "outcome", "deleted");
}

/* What clients of other APIs write means the same. */
static void
wait_and_dry_run_take_true_and_false(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "PUT", "/v1/networks/shop?dry_run=true", NET);
    assert_text(f, "kind", "plan");
    assert_call(f, 404, "GET", "/v1/networks/shop", NULL);
    assert_call(f, 201, "PUT", "/v1/networks/shop?dry_run=false&wait=false",
                NET);
    assert_null(at(f, "receipt"));
    send_only(f, "DELETE", "/v1/networks/shop?wait=true&timeout=5", NULL);
    turn_until_waited(f);
    assert_int_equal(fake_fabric.timeout_ms, 5000);
    finish_wait(true);
    assert_int_equal(take_reply(f), 200);
    assert_text(f, "receipt.hosts.0.state", "confirmed");
}

static void
plan_tells_and_changes_nothing(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "PUT", "/v1/networks/shop?dry_run=plan", NET);
    assert_true(json_is_true(at(f, "changed")));
    assert_text(f, "objects.0.type", "networks");
    assert_text(f, "objects.0.op", "created");
    assert_true(json_is_array(at(f, "flows.hosts")));
    assert_true(json_is_array(at(f, "flows.apps")));
    assert_true(json_is_array(at(f, "problems")));
    assert_call(f, 404, "GET", "/v1/networks/shop", NULL);

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    json_int_t was = revision(f);
    assert_call(f, 200, "PUT", "/v1/networks/shop?dry_run=plan", NET);
    assert_true(json_is_false(at(f, "changed")));
    assert_text(f, "objects.0.op", "unchanged");
    assert_int_equal(revision(f), was);
    assert_call(f, 200, "PATCH", "/v1/networks/shop?dry_run=plan",
                "{\"spec\": {\"mtu\": 1400}}");
    assert_text(f, "objects.0.op", "updated");
    assert_text(f, "objects.0.fields.0.path", "/spec/mtu");
    assert_null(at(f, "objects.0.fields.0.before"));
    assert_int_equal(json_integer_value(at(f, "objects.0.fields.0.after")),
                     1400);
    assert_call(f, 200, "GET", "/v1/networks/shop", NULL);
    assert_null(at(f, "spec.mtu"));

    /* It is refused as the change itself would be. */
    assert_call(f, 400, "PATCH", "/v1/networks/shop?dry_run=plan",
                "{\"spec\": {\"mtu\": 5}}");
    assert_error_at(f, "/spec/mtu");
    assert_call(f, 404, "DELETE", "/v1/networks/none?dry_run=plan", NULL);
}

static void
change_that_is_only_tried_leaves_nothing(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    assert_call(f, 200, "POST", "/v1/reachability",
                "{\"after\": [{\"type\": \"networks\", \"name\": \"n\","
                " \"spec\": {}}]}");
    assert_true(json_is_array(at(f, "changes")));
    assert_call(f, 404, "GET", "/v1/networks/n", NULL);
    assert_call(f, 400, "POST", "/v1/reachability",
                "{\"after\": [{\"type\": \"ports\", \"name\": \"p\","
                " \"spec\": {\"network\": \"none\"}}]}");
    assert_error_at(f, "/after/0/spec/network");
    assert_call(f, 400, "POST", "/v1/reachability", "{}");
    assert_error_at(f, "/after");
    assert_call(f, 400, "POST", "/v1/reachability",
                "{\"after\": [], \"before\": []}");
    assert_error_at(f, "/before");
    assert_call(f, 400, "POST", "/v1/reachability", "[]");
    assert_error_at(f, "");
    /* Refused in the state that it leads to. */
    assert_call(f, 409, "POST", "/v1/trace",
                "{\"from\": \"p\", \"to\": \"p\", \"protocol\": \"icmp\","
                " \"after\": [{\"type\": \"ports\", \"name\": \"p\","
                " \"spec\": {\"network\": \"shop\"}}]}");
    assert_error_at(f, "/from");
    assert_call(f, 404, "GET", "/v1/ports/p", NULL);
    assert_call(f, 200, "GET", "/v1/reachability?by=group", NULL);
    assert_true(json_is_array(at(f, "groups")));
}

static void
changes_and_deletions_are_one_transaction(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "POST", "/v1/apply", APPLY);
    /* All or nothing. */
    assert_call(f, 404, "POST", "/v1/apply",
                "{\"objects\": [{\"op\": \"delete\", \"type\": \"ports\","
                " \"name\": \"a\"}, {\"op\": \"delete\", \"type\":"
                " \"ports\", \"name\": \"none\"}]}");
    assert_error_at(f, "/objects/1");
    assert_call(f, 200, "GET", "/v1/ports/a", NULL);
    assert_call(f, 400, "POST", "/v1/apply",
                "{\"objects\": [{\"op\": \"remove\", \"type\": \"ports\","
                " \"name\": \"a\"}]}");
    assert_error_at(f, "/objects/0/op");
    assert_call(f, 400, "POST", "/v1/apply",
                "{\"objects\": [{\"op\": \"delete\", \"type\": \"ports\","
                " \"name\": \"a\", \"spec\": {}}]}");
    assert_error_at(f, "/objects/0/spec");
    assert_call(f, 400, "POST", "/v1/apply",
                "{\"objects\": [{\"op\": \"delete\", \"type\": \"ports\","
                " \"name\": \"a\", \"cascade\": 1}]}");
    assert_error_at(f, "/objects/0/cascade");
    assert_call(f, 400, "POST", "/v1/apply",
                "{\"objects\": [{\"op\": \"patch\", \"type\": \"networks\","
                " \"name\": \"n\", \"spec\": {\"mtu\": 5}}]}");
    assert_error_at(f, "/objects/0/spec/mtu");
    assert_call(f, 409, "POST", "/v1/apply",
                "{\"objects\": [{\"op\": \"delete\", \"type\": \"networks\","
                " \"name\": \"n\"}]}");
    assert_call(f, 200, "POST", "/v1/apply",
                "{\"objects\": [{\"op\": \"patch\", \"type\": \"networks\","
                " \"name\": \"n\", \"spec\": {\"mtu\": 1400}},"
                " {\"op\": \"delete\", \"type\": \"ports\", \"name\":"
                " \"a\", \"cascade\": true}]}");
    assert_text(f, "results.0.outcome", "updated");
    assert_text(f, "results.0.fields.0.path", "/spec/mtu");
    assert_text(f, "results.1.outcome", "deleted");
    assert_call(f, 404, "GET", "/v1/ports/a", NULL);
    /* Only a list has it. */
    assert_call(f, 400, "PUT", "/v1/networks/n",
                "{\"op\": \"delete\", \"spec\": {}}");
    assert_error_at(f, "/op");
}

static void
plan_knows_what_goes_along(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "POST", "/v1/apply?prune=demo&dry_run=plan", APPLY);
    assert_text(f, "objects.0.name", "a");
    assert_text(f, "objects.1.op", "created");
    assert_call(f, 200, "POST", "/v1/apply?prune=demo", APPLY);
    assert_call(f, 200, "POST", "/v1/apply?prune=demo&dry_run=plan",
                "{\"objects\": [{\"type\": \"networks\", \"name\": \"n\","
                " \"spec\": {}}]}");
    assert_text(f, "objects.0.op", "unchanged");
    assert_text(f, "objects.1.type", "ports");
    assert_text(f, "objects.1.op", "deleted");
    assert_call(f, 409, "DELETE", "/v1/networks/n?dry_run=plan", NULL);
    assert_call(f, 200, "DELETE", "/v1/networks/n?dry_run=plan&cascade=true",
                NULL);
    assert_text(f, "objects.0.op", "deleted");
    assert_text(f, "objects.1.name", "a");
    assert_text(f, "objects.1.op", "deleted");
    assert_call(f, 200, "GET", "/v1/ports/a", NULL);
}

static void
client_that_leaves_ends_its_wait(void **state)
{
    struct fixture *f = *state;

    send_only(f, "PUT", "/v1/networks/shop?wait=installed", NET);
    turn_until_waited(f);
    client_close(&f->client);
    while (!fake_fabric.n_cancelled) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    client_connect(&f->client, f->base, f->path);
    assert_call(f, 200, "GET", "/v1/networks/shop", NULL);
}

/* Takes up what the store has answered. */
static void
settle(struct fixture *f)
{
    while (!commit_is_quiescent(f->commit)) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

static void
change_outlives_a_client_that_leaves(void **state)
{
    struct fixture *f = *state;

    f->store.hold = true;
    send_only(f, "PUT", "/v1/networks/shop", NET);
    while (commit_is_quiescent(f->commit)) {
        client_turn(&f->client);
    }
    client_close(&f->client);
    client_connect(&f->client, f->base, f->path);
    /* Nothing is shown before it is durable. */
    assert_call(f, 404, "GET", "/v1/networks/shop", NULL);
    f->store.hold = false;
    store_finish(-1, 0, &f->store);
    settle(f);
    assert_call(f, 200, "GET", "/v1/networks/shop", NULL);
}

static void
northbound_may_go_with_changes_in_flight(void **state)
{
    struct fixture *f = *state;

    f->store.hold = true;
    send_only(f, "PUT", "/v1/networks/shop", NET);
    while (commit_is_quiescent(f->commit)) {
        client_turn(&f->client);
    }
    northbound_destroy(f->nb);
    f->nb = NULL;
    store_finish(-1, 0, &f->store);
    settle(f);
    assert_non_null(model_get_durable(f->model, VMN_TABLE_NETWORK, "shop",
                                      NULL));
}

/* A list that is long enough to be read, applied and answered in slices. */
static char *
long_list(int n)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&ds, "{\"objects\": [");
    for (int i = 0; i < n; i++) {
        ds_put_format(&ds, "%s{\"type\": \"groups\", \"name\": \"g%d\", "
                      "\"spec\": {\"cidrs\": [\"10.%d.%d.0/24\"]}}",
                      i ? ", " : "", i, i / 256, i % 256);
    }
    ds_put_cstr(&ds, "]}");
    return ds_steal_cstr(&ds);
}

static void
long_lists_are_applied_in_slices(void **state)
{
    struct fixture *f = *state;
    char *text = long_list(5000);

    assert_call(f, 200, "POST", "/v1/apply", text);
    json_t *results = json_object_get(f->body, "results");
    assert_int_equal(json_array_size(results), 5000);
    assert_string_equal(json_string_value(json_object_get(
        json_array_get(results, 4999), "name")), "g4999");

    /* What is wrong far back in it is found, and nothing is done. */
    memcpy(strstr(text, "g4990"), "!", 1);
    assert_call(f, 400, "POST", "/v1/apply", text);
    memcpy(strstr(text, "!4990") - 1, " ", 1);
    assert_call(f, 400, "POST", "/v1/apply", text);
    free(text);
}

static void
client_of_a_long_list_may_leave_at_any_time(void **state)
{
    struct fixture *f = *state;
    char *text = long_list(3000);

    for (int n_turns = 0; n_turns < 40; n_turns += 3) {
        send_only(f, "POST", "/v1/apply", text);
        for (int i = 0; i < n_turns; i++) {
            client_turn(&f->client);
        }
        client_close(&f->client);
        settle(f);
        client_connect(&f->client, f->base, f->path);
        assert_call(f, 200, "GET", "/v1/status", NULL);
    }
    free(text);
}

static void
change_that_cannot_be_stored_is_undone(void **state)
{
    struct fixture *f = *state;

    f->store.error = ENOSPC;
    assert_call(f, 503, "PUT", "/v1/networks/shop", NET);
    assert_text(f, "type", "urn:vmn:problem:unavailable");
    assert_has(&f->client.body, "disk full");
    assert_has(&f->client.head, "Retry-After: 1\r\n");
    f->store.error = 0;
    assert_call(f, 404, "GET", "/v1/networks/shop", NULL);
    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(apply_takes_objects_in_any_order),
        TEST(apply_is_all_or_nothing),
        TEST(apply_prunes_what_the_set_no_longer_names),
        TEST(unchanged_set_answers_with_its_newest_revision),
        TEST(plan_tells_and_changes_nothing),
        TEST(changes_and_deletions_are_one_transaction),
        TEST(plan_knows_what_goes_along),
        TEST(change_that_is_only_tried_leaves_nothing),
        TEST(wait_answers_with_the_receipt),
        TEST(wait_and_dry_run_take_true_and_false),
        TEST(client_that_leaves_ends_its_wait),
        TEST(change_outlives_a_client_that_leaves),
        TEST(northbound_may_go_with_changes_in_flight),
        TEST(long_lists_are_applied_in_slices),
        TEST(client_of_a_long_list_may_leave_at_any_time),
        TEST(change_that_cannot_be_stored_is_undone),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
