/* SPDX-License-Identifier: Apache-2.0
 *
 * What the JSON API answers about what goes on: revisions, drops, hits,
 * flows. */

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
    assert_call(f, 200, "GET", "/v1/revisions/1", NULL);
    assert_true(json_is_null(at(f, "receipt")));
    assert_call(f, 404, "GET", "/v1/revisions/99", NULL);
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
                "/v1/revisions?type=network&name=gone&before=77", NULL);
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
    assert_call(f, 400, "GET", "/v1/identities?limit=1001", NULL);
    assert_text(f, "errors.0.parameter", "limit");
}

static void
drops_of_what_is_nowhere_are_refused(void **state)
{
    static const char *const calls[][2] = {
        { "/v1/drops?host=hv9", "host" },
        { "/v1/drops?network=shop&port=web-3", "port" },
        { "/v1/drops?network=shap&port=web-1", "network" },
        { "/v1/drops?app=overlie", "app" },
        { "/v1/logs?host=hv9", "host" },
        { "/v1/logs?policy=shop", "policy" },
    };
    struct fixture *f = *state;

    make_shop(f);
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        assert_call(f, 400, "GET", calls[i][0], NULL);
        assert_text(f, "errors.0.parameter", calls[i][1]);
    }
    assert_call(f, 400, "GET", "/v1/logs?policy=shop", NULL);
    assert_text(f, "errors.0.detail", "policy \"shop\" not found");

    /* What is gone is told of as long as samples are. */
    assert_call(f, 200, "DELETE", "/v1/ports/web-1", NULL);
    assert_call(f, 200, "GET", "/v1/drops?port=web-1&after=8", NULL);
}

static void
drops_are_told_by_what_they_are_for(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 200, "GET", "/v1/drops", NULL);
    /* The newest first; what has no owner any more is left out. */
    assert_int_equal(json_array_size(at(f, "counters")), 3);
    assert_text(f, "counters.0.host", "hv2");
    assert_text(f, "counters.0.reason", "no \"good\"");
    assert_text(f, "counters.0.owner", "overlay.net/shop");
    assert_text(f, "counters.0.object.type", "networks");
    assert_text(f, "counters.0.object.name", "shop");
    assert_null(at(f, "counters.0.rule"));
    assert_int_equal(json_integer_value(at(f, "counters.0.packets")), 9);
    assert_text(f, "counters.0.last", "1970-01-01T00:00:09.000Z");
    assert_text(f, "counters.1.reason", "spoofed");

    assert_call(f, 200, "GET", "/v1/drops?host=hv1&app=overlay", NULL);
    assert_int_equal(json_integer_value(at(f, "matching")), 1);
    assert_text(f, "counters.0.reason", "spoofed");
    /* Those of its ports are the network's. */
    assert_call(f, 200, "GET", "/v1/drops?network=shop&limit=1", NULL);
    assert_int_equal(json_integer_value(at(f, "matching")), 3);
    assert_int_equal(json_array_size(at(f, "counters")), 1);
    /* No flow's, but its own. */
    assert_call(f, 200, "GET", "/v1/drops?port=web-1", NULL);
    assert_int_equal(json_integer_value(at(f, "matching")), 1);
    assert_text(f, "counters.0.owner", "vmn");
    assert_text(f, "counters.0.object.name", "web-1");
    assert_call(f, 200, "GET", "/v1/drops?reason=x&app=overlay", NULL);
    assert_int_equal(json_integer_value(at(f, "matching")), 0);
    assert_call(f, 400, "GET", "/v1/drops?limit=0", NULL);
    assert_text(f, "errors.0.parameter", "limit");
    assert_call(f, 400, "GET", "/v1/drops?colour=red", NULL);

    assert_call(f, 200, "GET", "/v1/drops?app=overlay", NULL);
    assert_int_equal(json_integer_value(at(f, "newest")), 8);
    assert_int_equal(json_array_size(at(f, "samples")), 2);
    assert_text(f, "samples.0.src.port", "web-1");
    assert_text(f, "samples.0.src.ip", "10.0.0.1");
    assert_true(json_is_null(at(f, "samples.0.dst.port")));
    assert_int_equal(json_integer_value(at(f, "samples.0.dst.l4_port")), 80);
    assert_text(f, "samples.0.protocol", "tcp");
    assert_text(f, "samples.0.reason", "spoofed");
    assert_text(f, "samples.0.object.name", "shop");
    assert_int_equal(json_integer_value(at(f, "samples.0.count")), 3);
    assert_int_equal(json_integer_value(at(f, "samples.0.suppressed")), 2);
    assert_text(f, "samples.1.protocol", "0x88cc");
    assert_null(at(f, "samples.1.src.ip"));
    assert_call(f, 200, "GET", "/v1/drops?after=7", NULL);
    assert_int_equal(json_array_size(at(f, "samples")), 1);
    assert_call(f, 200, "GET", "/v1/drops?port=web-2", NULL);
    assert_int_equal(json_array_size(at(f, "samples")), 0);
    assert_call(f, 200, "GET", "/v1/drops?reason=x", NULL);
    assert_int_equal(json_array_size(at(f, "samples")), 0);
    assert_call(f, 200, "GET", "/v1/logs?host=hv2&limit=1", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 1);
    assert_text(f, "items.0.verdict", "allow");
    assert_null(at(f, "items.0.reason"));
    assert_call(f, 400, "GET", "/v1/logs?after=x", NULL);

    assert_call(f, 200, "GET", "/metrics", NULL);
    assert_has(&f->client.body, "vmn_dropped_packets_total{app=\"overlay\","
               "reason=\"no \\\"good\\\"\",background=\"false\"} 9\n");
    assert_has(&f->client.body, "vmn_dropped_bytes_total{app=\"overlay\","
               "reason=\"no \\\"good\\\"\",background=\"false\"} 900\n");
    assert_has(&f->client.body,
               "vmn_packet_ins_metered_total{sender=\"port\"} 17\n");
    assert_has(&f->client.body,
               "vmn_packet_ins_metered_total{sender=\"tunnel\"} 3\n");
}

/* What nobody misses is there for who asks, and its figures for all. */
static void
background_is_hidden_and_counted(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 200, "GET", "/v1/drops?after=5", NULL);
    assert_int_equal(json_integer_value(at(f, "matching")), 3);
    assert_int_equal(json_integer_value(at(f, "samples_matching")), 2);
    assert_int_equal(json_integer_value(at(f, "hidden.counters")), 1);
    assert_int_equal(json_integer_value(at(f, "hidden.packets")), 5);
    assert_int_equal(json_integer_value(at(f, "hidden.samples")), 1);
    assert_null(at(f, "counters.0.background"));

    assert_call(f, 200, "GET", "/v1/drops?background=true", NULL);
    assert_int_equal(json_integer_value(at(f, "matching")), 4);
    assert_int_equal(json_array_size(at(f, "samples")), 3);
    assert_int_equal(json_integer_value(at(f, "hidden.packets")), 0);
    assert_text(f, "counters.0.reason", "MLD");
    assert_true(json_is_true(at(f, "counters.0.background")));
    assert_true(json_is_true(at(f, "samples.0.background")));
    assert_null(at(f, "samples.1.background"));

    assert_call(f, 200, "GET", "/v1/drops?reason=MLD", NULL);
    assert_int_equal(json_array_size(at(f, "counters")), 1);

    /* By a filter that it does not pass it is not hidden: it is not meant. */
    assert_call(f, 200, "GET", "/v1/drops?host=hv1&after=8", NULL);
    assert_int_equal(json_integer_value(at(f, "hidden.counters")), 0);
    assert_int_equal(json_integer_value(at(f, "hidden.samples")), 0);
    assert_call(f, 400, "GET", "/v1/drops?background=perhaps", NULL);
    assert_text(f, "errors.0.parameter", "background");
}

/* What no host has told yet is not zero. */
static void
hits_that_are_not_known_yet_are_not_called_none(void **state)
{
    static const char *const paths[] = {
        "/v1/policies/p", "/v1/policies", "/v1/tiers/application",
        "/v1/quarantines/q",
    };
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 201, "PUT", "/v1/groups/g", "{\"spec\": {\"ports\":"
                " [\"web-1\"]}}");
    assert_call(f, 201, "PUT", "/v1/policies/p", "{\"spec\":"
                " {\"applies_to\": [\"g\"]}}");
    assert_call(f, 201, "PUT", "/v1/quarantines/q", "{\"spec\": {\"ports\":"
                " [\"web-1\"]}}");
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        const char *place = i == 1 ? "items.0.status.unread_hosts"
                            : "status.unread_hosts";

        fake_fabric.n_unread = 2;
        assert_call(f, 200, "GET", paths[i], NULL);
        assert_int_equal(json_integer_value(at(f, place)), 2);
        fake_fabric.n_unread = 0;
        assert_call(f, 200, "GET", paths[i], NULL);
        assert_null(at(f, place));
    }
    fake_fabric.n_unread = 1;
    assert_call(f, 200, "GET", "/v1/drops", NULL);
    assert_int_equal(json_integer_value(at(f, "unread_hosts")), 1);
    fake_fabric.n_unread = 0;
}

/* A packet is of its sender's network, and of its receiver's. */
static void
drops_are_asked_for_by_the_network_of_either_end(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 201, "PUT", "/v1/networks/yard",
                "{\"spec\": {\"subnets\": [{\"cidr\": \"10.9.0.0/24\"}]}}");
    assert_call(f, 201, "PUT", "/v1/ports/yard-1",
                "{\"spec\": {\"network\": \"yard\"}}");
    assert_call(f, 200, "GET", "/v1/drops?network=yard", NULL);
    assert_int_equal(json_array_size(at(f, "samples")), 0);
    strcpy(fake_fabric.sample_to, "yard-1");
    assert_call(f, 200, "GET", "/v1/drops?network=yard", NULL);
    assert_int_equal(json_array_size(at(f, "samples")), 2);
    assert_int_equal(json_array_size(at(f, "counters")), 0);
    fake_fabric.sample_to[0] = '\0';
}

/* What a policy decided stays so, whatever it is by now; what it would have
 * decided is no verdict. */
static void
logs_tell_verdicts_from_shadows(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 200, "GET", "/v1/logs", NULL);
    assert_text(f, "items.0.verdict", "deny");
    assert_true(json_is_true(at(f, "items.0.shadow")));
    assert_text(f, "items.1.verdict", "allow");
    assert_null(at(f, "items.1.shadow"));
}

static void
telemetries_are_checked_and_shown(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {
        "192.0.2.1", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536",
        "192.0.2.1:+1", "2001:db8::1:6343", "[192.0.2.1]:1", "collector:1",
        "[]:1", ":1", "",
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char *body = xasprintf("{\"spec\": {\"ipfix\": {\"targets\": "
                               "[\"%s\"]}}}", bad[i]);

        assert_call(f, 400, "PUT", "/v1/telemetries/t", body);
        assert_text(f, "errors.0.pointer", "/spec/ipfix/targets/0");
        free(body);
    }
    assert_call(f, 400, "PUT", "/v1/telemetries/t", "{\"spec\": {}}");
    assert_call(f, 400, "PUT", "/v1/telemetries/t", "{\"spec\": {\"sflow\":"
                " {\"sampling\": 5}}}");
    assert_text(f, "errors.0.pointer", "/spec/sflow/targets");
    assert_call(f, 400, "PUT", "/v1/telemetries/t", "{\"spec\": {\"sflow\":"
                " {\"targets\": [\"192.0.2.1:1\"], \"header\": 13}}}");
    assert_text(f, "errors.0.pointer", "/spec/sflow/header");
    assert_call(f, 201, "PUT", "/v1/telemetries/t", "{\"spec\": {\"sflow\":"
                " {\"targets\": [\"[2001:db8::1]:6343\"]}}}");
    assert_call(f, 200, "GET", "/v1/telemetries/t", NULL);
    assert_text(f, "spec.sflow.targets.0", "[2001:db8::1]:6343");
    assert_int_equal(json_object_size(at(f, "spec.sflow")), 1);
    assert_null(at(f, "spec.ipfix"));
    assert_text(f, "status.hosts.0.reason", "t");
    assert_call(f, 200, "GET", "/v1/telemetries", NULL);
    assert_int_equal(json_integer_value(at(f, "items.0.status.n_hosts")), 1);
    assert_null(at(f, "items.0.status.hosts"));
}

/* A balancer at a virtual IP of its own. */
static void
put_balancer(struct fixture *f, const char *name, int i)
{
    char *path = xasprintf("/v1/loadbalancers/%s", name);
    char *body = xasprintf("{\"spec\": {\"vip\": \"10.0.0.%d\","
                           " \"networks\": [\"shop\"], \"ports\": "
                           "[{\"port\": 80}], \"selector\": \"a=b\"}}",
                           100 + i);

    assert_call(f, 201, "PUT", path, body);
    free(path);
    free(body);
}

/* Each passes as many packets as its name is long. */
static void
series_of_objects_are_bounded_and_the_rest_is_summed_up(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    put_balancer(f, "other", 101);
    for (int i = 0; i < 101; i++) {
        char name[16];

        snprintf(name, sizeof name, "b%03d", i);
        put_balancer(f, name, i);
    }
    assert_call(f, 200, "GET", "/metrics", NULL);
    assert_has(&f->client.body, "\nvmn_loadbalancers_other 2\n");
    assert_has(&f->client.body, "\nvmn_loadbalancer_connection_attempts_total{"
               "loadbalancer=\"b099\"} 4\n");
    assert_has(&f->client.body, "\nvmn_loadbalancer_connection_attempts_total{"
               "loadbalancer=\"other\"} 9\n");
    assert_null(strstr(ds_cstr(&f->client.body), "\"b100\""));

    /* Who takes the place of one that went begins at nothing. */
    assert_call(f, 200, "DELETE", "/v1/loadbalancers/b007", NULL);
    assert_call(f, 200, "GET", "/metrics", NULL);
    assert_null(strstr(ds_cstr(&f->client.body), "\"b007\""));
    assert_call(f, 200, "GET", "/metrics", NULL);
    assert_has(&f->client.body, "\nvmn_loadbalancer_connection_attempts_total{"
               "loadbalancer=\"b100\"} 0\n");
    assert_has(&f->client.body, "\nvmn_loadbalancer_connection_attempts_total{"
               "loadbalancer=\"other\"} 9\n");
    assert_has(&f->client.body, "\nvmn_loadbalancers_other 1\n");
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
policies_tell_what_their_rules_were_hit_by(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/groups/g", "{\"spec\": {}}");
    assert_call(f, 201, "PUT", "/v1/policies/p", "{\"spec\": {\"applies_to\":"
                " [\"g\"], \"rules\": ["
                "{\"direction\": \"ingress\", \"action\": \"deny\","
                " \"services\": [{\"protocol\": \"udp\"}]},"
                "{\"direction\": \"egress\", \"action\": \"deny\","
                " \"log\": true},"
                "{\"direction\": \"ingress\", \"action\": \"allow\","
                " \"services\": [{\"protocol\": \"tcp\"}]}]}}");
    assert_call(f, 200, "GET", "/v1/logs", NULL);
    assert_int_equal(json_array_size(at(f, "rules")), 1);
    assert_text(f, "rules.0.policy", "p");
    assert_int_equal(json_integer_value(at(f, "rules.0.rule")), 1);
    assert_int_equal(json_integer_value(at(f, "rules.0.suppressed")), 6);
    assert_call(f, 200, "GET", "/v1/policies/p", NULL);
    assert_null(at(f, "status.rules.0.log"));
    assert_int_equal(json_integer_value(at(f, "status.rules.1.log.events")),
                     10);
    assert_int_equal(json_integer_value(at(f, "status.rules.1.log.logged")), 4);
    assert_int_equal(json_integer_value(at(f, "status.packets")), 7);
    assert_int_equal(json_integer_value(at(f, "status.bytes")), 520);
    assert_text(f, "status.last", "2025-11-20T15:02:07.000Z");
    assert_int_equal(json_array_size(at(f, "status.rules")), 3);
    assert_true(json_is_null(at(f, "status.rules.0.last")));
    assert_int_equal(json_integer_value(at(f, "status.rules.1.packets")), 5);
    assert_call(f, 200, "GET", "/v1/policies", NULL);
    assert_int_equal(json_integer_value(at(f, "items.0.status.packets")), 7);
    assert_null(at(f, "items.0.status.rules"));
}

static void
quarantines_tell_what_came_through(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/quarantines/q", "{\"spec\": {"
                "\"selector\": \"role=none\", \"allow\": ["
                "{\"direction\": \"ingress\"}, {\"direction\": \"egress\","
                " \"services\": [{\"protocol\": \"udp\"}]}]}}");
    assert_call(f, 200, "GET", "/v1/quarantines/q", NULL);
    assert_int_equal(json_integer_value(at(f, "status.n_members")), 0);
    assert_int_equal(json_integer_value(at(f, "status.packets")), 4);
    assert_int_equal(json_array_size(at(f, "status.allow")), 2);
    assert_true(json_is_null(at(f, "status.allow.0.last")));
    assert_int_equal(json_integer_value(at(f, "status.allow.1.bytes")), 400);
    assert_call(f, 200, "GET", "/v1/quarantines", NULL);
    assert_int_equal(json_integer_value(at(f, "items.0.status.packets")), 4);
    assert_null(at(f, "items.0.status.allow"));
}

static void
tiers_tell_what_they_keep(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "GET", "/v1/tiers/platform", NULL);
    assert_int_equal(json_integer_value(at(f, "status.retained.packets")), 9);
    assert_text(f, "status.retained.last", "2025-11-20T15:02:07.000Z");
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
    assert_true(json_integer_value(at(f, "items.0.duration_us.installed")) > 0);
    assert_int_equal(json_integer_value(at(f, "hosts.configured")), 3);
    assert_int_equal(json_integer_value(at(f, "hosts.n_behind")), 1);
    assert_text(f, "hosts.behind.0.host", "hv1");

    /* Only what is new since the last look. */
    assert_call(f, 200, "GET", "/v1/activity?after=1", NULL);
    assert_int_equal(json_array_size(at(f, "items")), n);
    assert_call(f, 200, "GET", "/v1/activity?after=100000", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 0);
    assert_call(f, 400, "GET", "/v1/activity?limit=257", NULL);
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
        { "diff=true&limit=10001", "limit" },
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
    end_audit("its switch is gone");
    assert_int_equal(take_reply(f), 503);
    assert_has(&f->client.head, "Retry-After: 1");
    assert_has(&f->client.body, "its switch is gone");
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
        TEST(log_that_cannot_be_read_is_no_short_log),
        TEST(revisions_of_an_object_are_told),
        TEST(status_and_metrics_are_told),
        TEST(activity_tells_what_changes_cost),
        TEST(identities_are_asked_for_by_network_and_number),
        TEST(drops_are_told_by_what_they_are_for),
        TEST(background_is_hidden_and_counted),
        TEST(hits_that_are_not_known_yet_are_not_called_none),
        TEST(drops_are_asked_for_by_the_network_of_either_end),
        TEST(logs_tell_verdicts_from_shadows),
        TEST(drops_of_what_is_nowhere_are_refused),
        TEST(telemetries_are_checked_and_shown),
        TEST(series_of_objects_are_bounded_and_the_rest_is_summed_up),
        TEST(tiers_that_are_built_in_are_shown_and_stay),
        TEST(priorities_that_are_equal_are_told_of_both),
        TEST(policies_tell_what_their_rules_were_hit_by),
        TEST(quarantines_tell_what_came_through),
        TEST(tiers_tell_what_they_keep),
        TEST(flows_are_filtered),
        TEST(differences_are_told_when_they_are_known),
        TEST(client_that_leaves_ends_its_look),
        TEST(northbound_may_go_with_looks_in_flight),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
