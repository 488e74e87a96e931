/* SPDX-License-Identifier: Apache-2.0
 *
 * What the JSON API answers about what goes on: revisions, metrics, activity,
 * identities, tiers, and what takes a while to know: flows and differences. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/northbound/northbound-private.h"
#include "controller/northbound/volatile-revisions.h"
#include "fatal-signal.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "tests/unit/northbound-fixture.h"
#include "util.h"

/* What is going on.  ----------------------------------------------------- */

static void
revisions_have_who_what_and_receipt(void **state)
{
    struct fixture *f = *state;
    char *who = xasprintf("unix:uid=%u", (unsigned) getuid());

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    char *path = xasprintf("/v1/revisions/%"PRId64, (int64_t) revision(f));
    assert_call(f, 200, "GET", path, NULL);
    assert_text(f, "who", who);
    assert_text(f, "changes.0.name", "shop");
    assert_true(json_is_true(at(f, "receipt.installed")));
    assert_call(f, 404, "GET", "/v1/revisions/99", NULL);
    assert_has(&f->client.body, "Revision 99 does not exist: the newest is ");
    assert_call(f, 400, "GET", "/v1/revisions/x", NULL);

    assert_call(f, 201, "PUT", "/v1/networks/b", NET);
    assert_call(f, 200, "GET", "/v1/revisions?limit=1", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 1);
    assert_text(f, "items.0.changes.0.name", "b");
    assert_call(f, 200, "GET", "/v1/revisions?after=1&limit=1", NULL);
    assert_text(f, "items.0.changes.0.name", "shop");
    free(who);
    free(path);
}

/* A revision is in the log, or has a receipt that was recorded; of others
 * nothing is said but that. */
static void
revision_that_is_not_there_is_not_found(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/networks/a", NET);
    json_int_t made = revision(f);
    char *first = xasprintf("/v1/revisions/%"PRId64, (int64_t) made);
    assert_call(f, 404, "GET", "/v1/revisions/0", NULL);
    assert_call(f, 200, "GET", "/v1/revisions/1", NULL);
    json_array_remove(f->store.logs, 0);
    assert_call(f, 404, "GET", "/v1/revisions/1", NULL);
    assert_text(f, "detail", "Nothing is kept of revision 1: it has left the "
                "log, or was never made");
    fake_fabric.recorded = 1;
    assert_call(f, 200, "GET", "/v1/revisions/1", NULL);
    assert_true(json_is_null(at(f, "time")));
    assert_true(json_is_true(at(f, "receipt.recorded")));

    /* What a restore took back is not installed, in the log or not. */
    f->store.restore = made + 1;
    assert_call(f, 404, "GET", "/v1/revisions/1?contents=true", NULL);
    assert_has(&f->client.body, "Revision 1 was never made, or is from before "
               "revision ");
    assert_call(f, 200, "GET", first, NULL);
    assert_true(json_is_null(at(f, "receipt")));
    char *wait = xasprintf("%s?wait=installed", first);
    assert_call(f, 404, "GET", wait, NULL);
    assert_has(&f->client.body, "was taken back by revision ");
    assert_has(&f->client.body, ", the restore of a backup from before it: no "
               "host has it");
    free(wait);
    char *undo = xasprintf("%s/undo", first);
    assert_call(f, 409, "POST", undo, NULL);
    assert_has(&f->client.body, "is not in effect: revision ");
    free(undo);
    f->store.backup = made;
    assert_call(f, 200, "GET", first, NULL);
    fake_fabric.recorded = 0;
    free(first);
}

/* Commits 'n' interfaces on hv1, or without 'there' their end, and returns the
 * revision, which is not in the log. */
static json_int_t
put_interfaces(struct fixture *f, int n, bool there)
{
    struct model_request request;
    bool done = false;

    model_request_init(&request, "host:hv1");
    for (int i = 0; i < n; i++) {
        char *name = xasprintf("hv1/vm-%d", i);

        model_request_add(&request, there ? MODEL_PUT : MODEL_DELETE,
                          VMN_TABLE_VIF, name, !there ? NULL : json_pack(
                              "{s:s, s:s, s:s, s:i}", "host", "hv1",
                              "iface_id", name + 4, "iface", "tap", "ofport",
                              i + 1));
        free(name);
    }
    commit_submit(f->commit, &request, on_committed, &done);
    model_request_uninit(&request);
    while (!done) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    fake_fabric.recorded = model_durable_revision(f->model);
    return model_durable_revision(f->model);
}

static void
get_revision(struct fixture *f, json_int_t revision)
{
    char *path = xasprintf("/v1/revisions/%"JSON_INTEGER_FORMAT, revision);

    fake_fabric.recorded = revision;
    assert_call(f, 200, "GET", path, NULL);
    free(path);
}

/* What is not in the log has its author and changes all the same, as long as
 * it is one of the newest. */
static void
revision_of_interfaces_says_whose_it_is(void **state)
{
    struct fixture *f = *state;

    make_host(f);
    json_int_t first = put_interfaces(f, 1, true);
    get_revision(f, first);
    assert_text(f, "who", "host:hv1");
    assert_true(json_is_string(at(f, "time")));
    assert_text(f, "changes.0.op", "create");
    assert_text(f, "changes.0.type", "vifs");
    assert_text(f, "changes.0.name", "hv1/vm-0");

    /* Of many changes the first are kept, and the number of the others. */
    json_int_t many = put_interfaces(f, 1500, true);
    get_revision(f, many);
    size_t n = json_array_size(at(f, "changes"));
    assert_in_range(n, 10, 200);
    char *more = xasprintf("changes.%"PRIuSIZE".more", n - 1);
    assert_int_equal(json_integer_value(at(f, more)), 1499 - (n - 1));
    free(more);

    /* The oldest goes. */
    for (int i = 2; i < VOLATILE_REVISIONS_MAX; i++) {
        put_interfaces(f, 1, i % 2);
    }
    get_revision(f, first);
    assert_text(f, "who", "host:hv1");
    put_interfaces(f, 1, false);
    put_interfaces(f, 1, true);
    get_revision(f, first);
    assert_true(json_is_null(at(f, "who")));
    get_revision(f, many);
    fake_fabric.recorded = 0;
}

static void
log_that_cannot_be_read_is_no_short_log(void **state)
{
    static const char *const paths[] = {
        "/v1/revisions", "/v1/revisions?after=1", "/v1/revisions/1",
        "/v1/revisions?type=networks&name=shop", "/v1/revisions/999",
    };
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    f->store.read_error = EIO;
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        assert_call(f, 503, "GET", paths[i], NULL);
        assert_text(f, "type", "urn:vmn:problem:unavailable");
        assert_text(f, "detail", "The log could not be read: disk I/O error");
        assert_has(&f->client.head, "Retry-After: 1\r\n");
    }
    f->store.read_error = 0;
    assert_call(f, 200, "GET", "/v1/revisions", NULL);
}

static void
revisions_of_an_object_are_told(void **state)
{
    static const char *const refused[][2] = {
        { "/v1/revisions?since=yesterday", "since" },
        { "/v1/revisions?who=x&after=1", "after" },
        { "/v1/revisions?name=shop", "name" },
        { "/v1/revisions?type=none&name=shop", "type" },
        { "/v1/revisions?type=networks&name=shop&after=1", "after" },
        { "/v1/revisions?before=7", "before" },
        { "/v1/revisions?type=networks&name=shop&before=0", "before" },
    };
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    assert_call(f, 201, "PUT", "/v1/networks/b", NET);
    assert_call(f, 200, "GET", "/v1/revisions?type=networks&name=shop",
                NULL);
    assert_int_equal(json_array_size(at(f, "items")), 1);
    assert_text(f, "items.0.changes.0.name", "shop");
    assert_null(at(f, "next"));
    assert_call(f, 200, "GET",
                "/v1/revisions?type=network&name=gone&before=2", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 0);
    assert_text(f, "next", "5");
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        assert_call(f, 400, "GET", refused[i][0], NULL);
        assert_text(f, "errors.0.parameter", refused[i][1]);
    }
}

static void
status_and_metrics_are_told(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_int_equal(json_integer_value(at(f, "objects.ports")), 3);
    assert_int_equal(json_integer_value(at(f, "hosts.configured")), 3);
    assert_int_equal(json_array_size(at(f, "problems")), 0);
    assert_call(f, 200, "GET", "/v1", NULL);
    assert_text(f, "types.0.type", "hosts");
    assert_call(f, 200, "GET", "/metrics", NULL);
    assert_has(&f->client.head, "text/plain; version=0.0.4");
    assert_has(&f->client.body, "\nvmn_hosts 3\n");
    assert_has(&f->client.body, "\nvmn_store_ok 1\n");
    assert_has(&f->client.body, "\nvmn_store_batches_total 7\n");
    assert_has(&f->client.body, "# TYPE vmn_http_requests_total counter\n");
    assert_has(&f->client.body, "\nvmn_engine_class_computed_total{"
               "app=\"overlay\",kind=\"unit\",class=\"net\"} 1\n");
    assert_has(&f->client.body, "\nvmn_fabric_audit_differences_total{"
               "owner=\"overlay\",kind=\"missing\"} 3\n");
    assert_has(&f->client.body, "\nvmn_host_budget_exceeded_total{"
               "host=\"hv1\",session=\"ovsdb\"} 2\n");
    assert_has(&f->client.body, "\nvmn_packet_ins_dropped_total{by=\"vmn\","
               "reason=\"port's rate\"} 7\n");
    assert_has(&f->client.body, "{by=\"app.handler\","
               "reason=\"so \\\"said\\\" \\\\ it\"} 1\n");
    assert_call(f, 200, "GET", "/healthz", NULL);
    assert_text(f, "status", "ok");
    assert_call(f, 503, "GET", "/readyz", NULL);
    northbound_set_ready(f->nb, true);
    assert_call(f, 200, "GET", "/readyz", NULL);

    assert_call(f, 404, "GET", "/v1/hosts/hv1/flows", NULL);
    assert_call(f, 201, "PUT", "/v1/hosts/hv1", "{\"spec\": {\"ovsdb\":"
                " \"tcp:127.0.0.1:6640\", \"tunnel_ip\": \"192.0.2.1\"}}");
    assert_text(f, "status.reason", "hv1");
    assert_call(f, 200, "GET", "/v1/hosts/hv1/flows", NULL);
    assert_text(f, "flows.0.owner", "hv1");
}

/* Without a firewall there are none; tests/system has those that there are. */
static void
identities_are_asked_for_by_network_and_number(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 200, "GET", "/v1/identities?network=shop&limit=1&after=4",
                NULL);
    assert_int_equal(json_array_size(at(f, "items")), 0);
    assert_true(json_is_integer(at(f, "revision")));
    assert_null(at(f, "next"));
    assert_call(f, 200, "GET", "/v1/identities?port=web-1", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 0);
    assert_call(f, 400, "GET", "/v1/identities?port=none", NULL);
    assert_text(f, "errors.0.parameter", "port");
    assert_call(f, 400, "GET", "/v1/identities?network=none", NULL);
    assert_text(f, "errors.0.parameter", "network");
    assert_call(f, 400, "GET", "/v1/identities?after=web", NULL);
    assert_text(f, "errors.0.parameter", "after");
    assert_call(f, 400, "GET", "/v1/identities?limit=x", NULL);
    assert_text(f, "errors.0.parameter", "limit");
}

static void
tiers_that_are_built_in_are_shown_and_stay(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "GET", "/v1/tiers", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 5);
    assert_call(f, 200, "GET", "/v1/tiers/security", NULL);
    assert_int_equal(json_integer_value(at(f, "spec.position")), 5);
    assert_int_equal(json_integer_value(at(f, "metadata.revision")), 0);
    assert_null(at(f, "metadata.created"));
    assert_call(f, 200, "PATCH", "/v1/tiers/security",
                "{\"spec\": {\"position\": 5}}");
    assert_text(f, "outcome", "unchanged");
    assert_call(f, 409, "PATCH", "/v1/tiers/security",
                "{\"spec\": {\"position\": 6}}");
    assert_call(f, 409, "DELETE", "/v1/tiers/security", NULL);
    assert_call(f, 201, "PUT", "/v1/tiers/dmz",
                "{\"spec\": {\"position\": 6}}");
    assert_non_null(at(f, "metadata.created"));
}

#define DENY "\"rules\": [{\"direction\": \"ingress\", \"action\": \"deny\"}]"

/* Also in a plan, which changes nothing. */
static void
priorities_that_are_equal_are_told_of_both(void **state)
{
    struct fixture *f = *state;
    static const char two[] = "{\"objects\": ["
        "{\"type\": \"groups\", \"name\": \"g\", \"spec\": {}},"
        "{\"type\": \"policies\", \"name\": \"a\", \"spec\": {\"tier\":"
        " \"platform\", \"applies_to\": [\"g\"]," DENY "}},"
        "{\"type\": \"policies\", \"name\": \"b\", \"spec\": {\"tier\":"
        " \"platform\", \"applies_to\": [\"g\"]," DENY "}}]}";

    for (int i = 0; i < 2; i++) {
        assert_call(f, 409, "POST", i ? "/v1/apply"
                    : "/v1/apply?dry_run=plan", two);
        assert_int_equal(json_array_size(at(f, "errors")), 2);
        assert_text(f, "errors.0.pointer", "/objects/1/spec/priority");
        assert_text(f, "errors.1.pointer", "/objects/2/spec/priority");
    }
}

static void
activity_tells_what_changes_cost(void **state)
{
    struct fixture *f = *state;
    size_t n;

    make_shop(f);
    assert_call(f, 200, "GET", "/v1/activity", NULL);
    n = json_array_size(at(f, "items"));
    assert_true(n >= 2);
    /* The state as it was loaded is no revision. */
    assert_int_equal(json_integer_value(at(f, "items.0.id")), 1);
    assert_true(json_is_null(at(f, "items.0.revision")));
    assert_null(at(f, "items.0.hosts"));

    assert_call(f, 201, "PUT", "/v1/networks/other", NET);
    assert_call(f, 200, "GET", "/v1/activity?limit=1", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 1);
    assert_int_equal(json_integer_value(at(f, "items.0.id")), n + 1);
    assert_text(f, "items.0.changes.0.op", "create");
    assert_text(f, "items.0.changes.0.type", "networks");
    assert_text(f, "items.0.changes.0.name", "other");
    assert_text(f, "items.0.apps.0.app", "overlay");
    assert_int_equal(json_integer_value(at(f, "items.0.apps.0.units")), 1);
    assert_int_equal(
        json_integer_value(at(f, "items.0.apps.0.by_unit.net")), 1);
    assert_int_equal(json_integer_value(at(f, "items.0.hosts.confirmed")), 2);
    assert_true(json_integer_value(at(f,
                                      "items.0.duration_us.installed")) > 0);
    assert_int_equal(json_integer_value(at(f, "hosts.configured")), 3);
    assert_int_equal(json_integer_value(at(f, "hosts.n_behind")), 1);
    assert_text(f, "hosts.behind.0.host", "hv1");

    /* Only what is new since the last look. */
    assert_call(f, 200, "GET", "/v1/activity?after=1", NULL);
    assert_int_equal(json_array_size(at(f, "items")), n);
    assert_call(f, 200, "GET", "/v1/activity?after=100000", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 0);
    assert_call(f, 400, "GET", "/v1/activity?limit=0", NULL);
    assert_text(f, "errors.0.parameter", "limit");
    assert_call(f, 400, "GET", "/v1/activity?after=x", NULL);
    assert_text(f, "errors.0.parameter", "after");
}

/* Ends the newest audit, which has found that one flow is missing. */
static void
end_audit(const char *reason)
{
    struct fabric_difference difference = {
        .kind = "missing", .table = 3, .priority = 100, .match = "ip",
        .group_id = -1, .owner = "overlay.port/a",
    };
    const struct fabric_audit_result result = {
        .host = "hv1", .repairing = fake_fabric.look.repair,
        .found = { .missing = 1 }, .n_differences = 1,
        .differences = &difference, .matching = 1,
    };

    fake_fabric.auditing = false;
    fake_fabric.audit_cb(fake_fabric.audit_aux, reason ? NULL : &result,
                         reason);
}

static void
run_until_audits(struct fixture *f, unsigned n)
{
    while (fake_fabric.n_audits < n) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

static void
flows_are_filtered(void **state)
{
    static const struct {
        const char *query;
        const char *parameter;  /* That is refused. */
    } bad[] = {
        { "limit=0", "limit" },
        { "diff=maybe", "diff" },
        { "app=overly", "app" },
        { "stage=nowhere", "stage" },
        { "stage=overlay.", "stage" },
        { "stage=", "stage" },
        { "table=255", "table" },
        { "table=x", "table" },
        { "table=1&stage=check", "table" },
        { "object=", "object" },
    };
    const struct fabric_filter *filter = &fake_fabric.look.filter;
    struct fixture *f = *state;

    make_host(f);
    assert_call(f, 200, "GET", "/v1/hosts/hv1/flows?app=overlay&object=a/b"
                "&table=3&limit=7", NULL);
    assert_text(f, "host", "hv1");
    assert_int_equal(json_integer_value(at(f, "n_flows")), 250);
    assert_int_equal(json_array_size(at(f, "flows")), 250);
    assert_text(f, "flows.0.owner", "hv1");
    assert_null(at(f, "flows.0.reason"));
    assert_int_equal(json_integer_value(at(f, "groups.0.group_id")), 7);
    assert_string_equal(filter->app, "overlay");
    assert_string_equal(filter->object, "a/b");
    assert_int_equal(filter->first_table, 3);
    assert_int_equal(filter->last_table, 3);
    assert_int_equal(fake_fabric.look.limit, 7);
    assert_call(f, 200, "GET", "/v1/hosts/hv1/flows?stage=check", NULL);
    assert_int_equal(filter->last_table - filter->first_table, 1);
    assert_call(f, 200, "GET", "/v1/hosts/hv1/flows?stage=overlay.check",
                NULL);
    assert_call(f, 404, "GET", "/v1/hosts/hv2/flows", NULL);
    assert_call(f, 404, "GET", "/v1/hosts/hv2/flows?diff=true", NULL);
    assert_call(f, 404, "POST", "/v1/hosts/hv2/audit", NULL);
    assert_call(f, 400, "POST", "/v1/hosts/hv1/audit?app=overlay", NULL);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char *path = xasprintf("/v1/hosts/hv1/flows?%s", bad[i].query);

        assert_call(f, 400, "GET", path, NULL);
        assert_text(f, "errors.0.parameter", bad[i].parameter);
        free(path);
    }
    assert_int_equal(fake_fabric.n_audits, 0);
}

static void
differences_are_told_when_they_are_known(void **state)
{
    struct fixture *f = *state;

    make_host(f);
    send_only(f, "GET", "/v1/hosts/hv1/flows?diff=true&object=a", NULL);
    run_until_audits(f, 1);
    end_audit(NULL);
    assert_int_equal(take_reply(f), 200);
    assert_text(f, "host", "hv1");
    assert_string_equal(fake_fabric.look.filter.object, "a");
    assert_int_equal(fake_fabric.look.limit, 1000);
    assert_true(json_is_false(at(f, "repairing")));
    assert_int_equal(json_integer_value(at(f, "missing")), 1);
    assert_int_equal(json_integer_value(at(f, "matching")), 1);
    assert_text(f, "differences.0.kind", "missing");
    assert_int_equal(json_integer_value(at(f, "differences.0.table")), 3);
    assert_null(at(f, "differences.0.group_id"));
    assert_null(at(f, "differences.0.desired"));

    send_only(f, "POST", "/v1/hosts/hv1/audit?limit=5", NULL);
    run_until_audits(f, 2);
    end_audit(NULL);
    assert_int_equal(take_reply(f), 200);
    assert_int_equal(fake_fabric.look.limit, 5);
    assert_true(json_is_true(at(f, "repairing")));

    /* The host is gone in the middle, or is not there to begin with. */
    send_only(f, "GET", "/v1/hosts/hv1/flows?diff=true", NULL);
    run_until_audits(f, 3);
    end_audit("its switch has disconnected");
    assert_int_equal(take_reply(f), 503);
    assert_has(&f->client.head, "Retry-After: 1");
    assert_has(&f->client.body, "its switch has disconnected");
    fake_fabric.not_now = "its switch is not connected";
    assert_call(f, 503, "GET", "/v1/hosts/hv1/flows?diff=true", NULL);
    assert_has(&f->client.body, "its switch is not connected");
}

static void
client_that_leaves_ends_its_look(void **state)
{
    struct fixture *f = *state;

    make_host(f);
    send_only(f, "GET", "/v1/hosts/hv1/flows?diff=true", NULL);
    run_until_audits(f, 1);
    client_close(&f->client);
    while (!fake_fabric.n_forgotten) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    client_connect(&f->client, f->base, f->path);

    /* In the middle of a list. */
    fake_fabric.endless = true;
    send_only(f, "GET", "/v1/hosts/hv1/flows", NULL);
    while (!fake_fabric.n_flows) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    client_close(&f->client);
    while (fake_fabric.n_flows) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    client_connect(&f->client, f->base, f->path);

    /* As does the end of vmnd. */
    send_only(f, "GET", "/v1/hosts/hv1/flows", NULL);
    while (!fake_fabric.n_flows) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    northbound_destroy(f->nb);
    f->nb = NULL;
    assert_int_equal(fake_fabric.n_flows, 0);
}

static void
northbound_may_go_with_looks_in_flight(void **state)
{
    struct fixture *f = *state;

    make_host(f);
    send_only(f, "GET", "/v1/hosts/hv1/flows?diff=true", NULL);
    run_until_audits(f, 1);
    northbound_destroy(f->nb);
    f->nb = NULL;
    assert_int_equal(fake_fabric.n_forgotten, 1);
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(revisions_have_who_what_and_receipt),
        TEST(revision_that_is_not_there_is_not_found),
        TEST(revision_of_interfaces_says_whose_it_is),
        TEST(log_that_cannot_be_read_is_no_short_log),
        TEST(revisions_of_an_object_are_told),
        TEST(status_and_metrics_are_told),
        TEST(activity_tells_what_changes_cost),
        TEST(identities_are_asked_for_by_network_and_number),
        TEST(tiers_that_are_built_in_are_shown_and_stay),
        TEST(priorities_that_are_equal_are_told_of_both),
        TEST(flows_are_filtered),
        TEST(differences_are_told_when_they_are_known),
        TEST(client_that_leaves_ends_its_look),
        TEST(northbound_may_go_with_looks_in_flight),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
