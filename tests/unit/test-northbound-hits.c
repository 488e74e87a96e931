/* SPDX-License-Identifier: Apache-2.0
 *
 * What the JSON API answers about packets: what was dropped, and why, samples
 * of logs, hits of rules, traffic of objects. */

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

#include "fatal-signal.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "tests/unit/northbound-fixture.h"
#include "util.h"

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
finish_write(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *f_)
{
    struct fixture *f = f_;

    f->store.hold = false;
    store_finish(-1, 0, &f->store);
}

/* Begins a change, which the store does not finish. */
static void
begin_commit(struct fixture *f)
{
    f->store.hold = true;
    send_only(f, "PUT", "/v1/networks/shop", "{\"spec\": {}}");
    while (commit_is_quiescent(f->commit)) {
        client_turn(&f->client);
    }
}

static void
assert_drops(struct fixture *f)
{
    struct client c;

    client_connect(&c, f->base, f->path);
    assert_int_equal(client_ask(&c, "GET /v1/drops HTTP/1.1\r\n"
                                "Host: vmnd\r\n\r\n"), 200);
    client_close(&c);
}

/* What isolates ports may be that of a change that is taken back. */
static void
drops_wait_for_the_end_of_a_commit(void **state)
{
    const struct timeval soon = { 0, 100000 };
    struct fixture *f = *state;

    begin_commit(f);
    event_base_once(f->base, -1, EV_TIMEOUT, finish_write, f, &soon);
    assert_drops(f);
    assert_false(f->store.hold);
    assert_int_equal(take_reply(f), 201);
}

static void
drops_do_not_wait_for_a_store_that_hangs(void **state)
{
    struct fixture *f = *state;

    begin_commit(f);
    assert_drops(f);
    assert_true(f->store.hold);
    finish_write(-1, 0, f);
    assert_int_equal(take_reply(f), 201);
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
}

static void
samples_are_picked_as_counters_are(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
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
}

static void
drops_are_in_the_metrics(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
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

/* Drops by the last packet of each counter, samples by their own time; hidden
 * background, too. */
static void
since_leaves_out_what_is_older(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 200, "GET", "/v1/drops?since=1970-01-01T00:00:09Z", NULL);
    assert_int_equal(json_integer_value(at(f, "matching")), 1);
    assert_text(f, "counters.0.host", "hv2");
    assert_int_equal(json_integer_value(at(f, "samples_matching")), 2);
    assert_int_equal(json_integer_value(at(f, "hidden.counters")), 1);
    assert_call(f, 200, "GET", "/v1/drops?since=1970-01-01T00:00:10Z", NULL);
    assert_int_equal(json_integer_value(at(f, "matching")), 0);
    assert_int_equal(json_integer_value(at(f, "samples_matching")), 0);
    assert_int_equal(json_integer_value(at(f, "hidden.counters")), 0);
    assert_int_equal(json_integer_value(at(f, "hidden.samples")), 0);

    assert_call(f, 200, "GET", "/v1/logs?since=1970-01-01T00:00:09Z", NULL);
    assert_int_not_equal(json_array_size(at(f, "items")), 0);
    assert_call(f, 200, "GET", "/v1/logs?since=1970-01-01T00:00:10Z", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 0);

    assert_call(f, 400, "GET", "/v1/drops?since=today", NULL);
    assert_text(f, "errors.0.parameter", "since");
    assert_call(f, 400, "GET", "/v1/logs?since=1h", NULL);
    assert_text(f, "errors.0.parameter", "since");
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
    /* Of when they are. */
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        fake_fabric.counted_ms = 0;
        assert_call(f, 200, "GET", paths[i], NULL);
        assert_null(at(f, "status.counted"));
        fake_fabric.counted_ms = 1000;
        assert_call(f, 200, "GET", paths[i], NULL);
        if (i != 1) {
            assert_text(f, "status.counted", "1970-01-01T00:00:01.000Z");
        }
    }
    assert_call(f, 200, "GET", "/v1/drops", NULL);
    assert_text(f, "counted", "1970-01-01T00:00:01.000Z");
    fake_fabric.counted_ms = 0;
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
    assert_int_equal(json_integer_value(at(f, "status.rules.1.log.logged")),
                     4);
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

/* As single ones, as long as somebody reads counters. */
static void
routers_tell_what_they_have_forwarded(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 201, "PUT", "/v1/routers/r", "{\"spec\": {\"interfaces\":"
                " [{\"network\": \"shop\", \"addresses\":"
                " [\"10.0.0.200\"]}]}}");
    fake_fabric.counted_ms = 0;
    fake_fabric.n_unread = 2;
    assert_call(f, 200, "GET", "/v1/routers/r", NULL);
    assert_null(at(f, "status.traffic"));
    assert_null(at(f, "status.counted"));
    assert_int_equal(json_integer_value(at(f, "status.unread_hosts")), 2);
    fake_fabric.counted_ms = 1000;
    assert_call(f, 200, "GET", "/v1/routers/r", NULL);
    assert_int_equal(json_integer_value(at(f, "status.traffic.packets")), 5);
    assert_int_equal(json_integer_value(at(f, "status.traffic.bytes")), 500);
    assert_true(json_number_value(at(f, "status.traffic.bytes_per_s")) == 25);
    assert_text(f, "status.traffic.last", "1970-01-01T00:00:01.000Z");
    assert_int_equal(json_integer_value(at(f, "status.unread_hosts")), 2);
    assert_text(f, "status.counted", "1970-01-01T00:00:01.000Z");
    assert_call(f, 200, "GET", "/v1/routers", NULL);
    assert_text(f, "items.0.name", "r");
    assert_null(at(f, "items.0.status.traffic"));
    assert_null(at(f, "items.0.status.counted"));
    fake_fabric.counted_ms = fake_fabric.n_unread = 0;
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(drops_wait_for_the_end_of_a_commit),
        TEST(drops_do_not_wait_for_a_store_that_hangs),
        TEST(drops_are_told_by_what_they_are_for),
        TEST(samples_are_picked_as_counters_are),
        TEST(drops_are_in_the_metrics),
        TEST(background_is_hidden_and_counted),
        TEST(since_leaves_out_what_is_older),
        TEST(hits_that_are_not_known_yet_are_not_called_none),
        TEST(drops_are_asked_for_by_the_network_of_either_end),
        TEST(logs_tell_verdicts_from_shadows),
        TEST(drops_of_what_is_nowhere_are_refused),
        TEST(telemetries_are_checked_and_shown),
        TEST(series_of_objects_are_bounded_and_the_rest_is_summed_up),
        TEST(policies_tell_what_their_rules_were_hit_by),
        TEST(quarantines_tell_what_came_through),
        TEST(tiers_tell_what_they_keep),
        TEST(routers_tell_what_they_have_forwarded),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
