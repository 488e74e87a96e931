/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/events: what is told, in which order, and what filters select.  Not
 * for streams themselves (test-event-streams.c). */

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

#include "controller/fabric/fabric-packet-sampling.h"
#include "controller/fabric/fabric-watch.h"
#include "controller/northbound/event-log.h"
#include "fatal-signal.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "tests/unit/events-fixture.h"
#include "timeval.h"
#include "util.h"

/* What is told.  --------------------------------------------------------- */

static void
revisions_are_told_in_order(void **state)
{
    struct fixture *f = *state;
    uint64_t last_id = 0;
    struct told told;
    struct client c;

    listen_at(f, &c, "/v1/events", "");
    expect_start(&c, "start", f);
    make_shop(f);
    for (int i = 0; i < 4; i++) {
        expect(&c, "revision", &told);
        assert_true(told.id > last_id);
        last_id = told.id;
        assert_int_equal(json_integer_value(json_object_get(
            told.data, "revision")), i + 2);
        assert_true(!strncmp(json_string_value(json_object_get(
            told.data, "who")), "unix:uid=", 9));
        told_uninit(&told);
    }
    /* What changes nothing is no revision. */
    assert_call(f, 200, "PUT", "/v1/networks/shop", NET);
    assert_call(f, 200, "DELETE", "/v1/ports/db-1", NULL);
    expect_change(&c, "ports", "db-1");
    client_close(&c);
}

static void
installed_comes_behind_its_revision(void **state)
{
    struct fixture *f = *state;
    struct told told;
    struct client c;

    listen_at(f, &c, "/v1/events", "");
    expect_start(&c, "start", f);
    /* The next revision concerns no host, and is installed before it is told
     * of. */
    TELL(installed, (aux, 2, 2, 0));
    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    expect_change(&c, "networks", "shop");
    expect(&c, "installed", &told);
    assert_int_equal(json_integer_value(json_object_get(told.data,
                                                        "revision")), 2);
    told_uninit(&told);
    TELL(installed, (aux, 1, 2, 5));
    expect(&c, "installed", &told);
    assert_int_equal(json_integer_value(json_object_get(told.data,
                                                        "hosts")), 5);
    told_uninit(&told);
    client_close(&c);
}

/* Reports an interface of hv1, which is a revision of its own. */
static void
report_interface(struct fixture *f, const char *iface_id)
{
    char *name = xasprintf("hv1/%s", iface_id);
    struct model_request request;
    bool done = false;

    model_request_init(&request, "host:hv1");
    model_request_add(&request, MODEL_PUT, VMN_TABLE_VIF, name,
                      json_pack("{s:s, s:s, s:s, s:i}", "host", "hv1",
                                "iface_id", iface_id, "iface", iface_id,
                                "ofport", 7));
    commit_submit(f->commit, &request, on_committed, &done);
    model_request_uninit(&request);
    while (!done) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    free(name);
}

static void
expect_installed(struct client *c, json_int_t revision)
{
    struct told told;

    expect(c, "installed", &told);
    assert_int_equal(json_integer_value(json_object_get(told.data,
                                                        "revision")),
                     revision);
    told_uninit(&told);
}

/* Of hosts' interfaces no event "revision" tells, so a second "installed"
 * would be taken for one of the change before. */
static void
installed_is_told_of_what_was_told(void **state)
{
    struct fixture *f = *state;
    struct client c;

    assert_call(f, 201, "PUT", "/v1/hosts/hv1", "{\"spec\": {\"tunnel_ip\":"
                " \"10.0.0.1\", \"ovsdb\": \"tcp:10.0.0.1:6640\"}}");
    listen_at(f, &c, "/v1/events?kinds=revision,installed", "");
    expect_start(&c, "start", f);
    /* Before its group is told of, and after that. */
    TELL(installed, (aux, 3, 3, 0));
    report_interface(f, "a");
    report_interface(f, "b");
    TELL(installed, (aux, 4, 4, 1));
    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    expect_change(&c, "networks", "shop");
    TELL(installed, (aux, 5, 5, 1));
    expect_installed(&c, 5);
    client_close(&c);
}

static void
hosts_are_told_when_they_differ(void **state)
{
    struct fixture *f = *state;
    struct client c;

    listen_at(f, &c, "/v1/events?kinds=host,audit", "");
    expect_start(&c, "start", f);
    TELL(host, (aux, "hv1"));
    expect_member(&c, "host", "state", "offline");
    /* The same again is no event; what comes and goes in a turn is one. */
    TELL(host, (aux, "hv1"));
    client_turn(&c);
    fake_fabric.host_state = "connecting";
    TELL(host, (aux, "hv1"));
    fake_fabric.host_state = "synced";
    TELL(host, (aux, "hv1"));
    expect_member(&c, "host", "state", "synced");
    TELL(audited, (aux, "hv1", 1, 2, 3));
    expect_member(&c, "audit", "host", "hv1");
    client_close(&c);
}

/* After a start, hosts that come as usual have no event; one that does not has
 * one when the time for it is over. */
static void
hosts_of_before_are_told_when_they_changed(void **state)
{
    static const char *const usual[] = {
        "offline", "connecting", "reconciling", "synced",
    };
    struct fixture *f = *state;
    struct client c;

    for (int i = 1; i <= 4; i++) {
        char *path = xasprintf("/v1/hosts/hv%d", i);
        char *body = xasprintf("{\"spec\": {\"tunnel_ip\": \"10.0.0.%d\", "
                               "\"ovsdb\": \"tcp:10.0.0.%d:6640\"}}", i, i);

        assert_call(f, 201, "PUT", path, body);
        free(path);
        free(body);
    }
    /* As one that is started now. */
    event_states_destroy(f->nb->event_states);
    f->nb->started_ms = time_wall_msec() + 1;
    f->nb->event_states = event_states_create(f->nb);
    listen_at(f, &c, "/v1/events?kinds=host", "");
    expect_start(&c, "start", f);
    for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
        fake_fabric.host_state = usual[i];
        TELL(host, (aux, "hv2"));
        if (i < 3) {
            TELL(host, (aux, "hv1"));
            TELL(host, (aux, "hv3"));
        }
        client_turn(&c);
    }
    /* It has been told of now: each change is one. */
    fake_fabric.host_state = "offline";
    TELL(host, (aux, "hv2"));
    expect_member(&c, "host", "host", "hv2");
    /* It has not come in time. */
    fake_fabric.unheard_ms = 1000;
    TELL(host, (aux, "hv1"));
    expect_member(&c, "host", "host", "hv1");
    fake_fabric.host_state = "synced";
    fake_fabric.unheard_ms = 0;
    TELL(host, (aux, "hv1"));
    expect_member(&c, "host", "state", "synced");
    /* Not what is usual. */
    fake_fabric.host_state = "diverged";
    TELL(host, (aux, "hv3"));
    expect_member(&c, "host", "state", "diverged");
    client_close(&c);
}

/* In a turn that has lasted long enough only one is looked at; the others have
 * the next turns. */
static void
hosts_are_told_over_several_turns(void **state)
{
    static const char *const names[] = { "hv1", "hv2", "hv3" };
    struct loop *loop = loop_create();
    struct fixture *f = *state;
    struct client c;

    listen_at(f, &c, "/v1/events?kinds=host", "");
    expect_start(&c, "start", f);
    f->nb->loop = loop;
    while (!loop_turn_is_over(loop)) {
        continue;               /* It is measured in time of the processor. */
    }
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        TELL(host, (aux, names[i]));
    }
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct told told;

        expect(&c, "host", &told);
        told_uninit(&told);
    }
    f->nb->loop = NULL;
    loop_destroy(loop);
    client_close(&c);
}

static void
loads_are_told_when_they_last(void **state)
{
    struct fixture *f = *state;
    struct client c;

    make_shop(f);
    assert_call(f, 201, "PUT", "/v1/loadbalancers/vip", "{\"spec\": {"
                "\"vip\": \"10.0.0.100\", \"networks\": [\"shop\"], "
                "\"ports\": [{\"port\": 80}], \"scale\": {\"metric\": "
                "\"connections\", \"high\": 10, \"for_seconds\": 5, "
                "\"webhook\": \"https://a.example/\"}}}");
    assert_call(f, 200, "GET", "/v1/loadbalancers/vip", NULL);
    assert_null(at(f, "status.scale"));
    listen_at(f, &c, "/v1/events?kinds=scale&loadbalancer=vip", "");
    expect_start(&c, "start", f);

    load_monitor_evaluate(f->load, 1000);
    assert_call(f, 200, "GET", "/v1/loadbalancers/vip", NULL);
    assert_text(f, "status.scale.state", "unknown");
    assert_text(f, "status.scale.reason", "no backend serves");
    assert_true(json_is_null(at(f, "status.scale.value")));

    fake_load = (struct fake_load) { true, 50.5, 3, 2 };
    load_monitor_evaluate(f->load, 2000);
    assert_call(f, 200, "GET", "/v1/loadbalancers/vip", NULL);
    assert_text(f, "status.scale.state", "high");
    assert_non_null(strstr(json_string_value(at(f, "status.scale.reason")),
                           "--webhook-allow"));
    assert_true(json_real_value(at(f, "status.scale.value")) == 25.25);
    assert_null(at(f, "status.scale.last"));
    load_monitor_evaluate(f->load, 7000);

    struct told told;
    expect(&c, "scale", &told);
    assert_string_equal(json_string_value(json_object_get(
        told.data, "loadbalancer")), "vip");
    assert_string_equal(json_string_value(json_object_get(
        told.data, "direction")), "up");
    assert_int_equal(json_integer_value(json_object_get(
        told.data, "serving")), 2);
    told_uninit(&told);
    assert_call(f, 200, "GET", "/v1/loadbalancers/vip", NULL);
    assert_text(f, "status.scale.state", "cooling");
    assert_text(f, "status.scale.last.direction", "up");
    assert_text(f, "status.scale.last.webhook.result", "rejected");
    client_close(&c);
}

static void
ports_are_told_when_they_come_up(void **state)
{
    struct fixture *f = *state;
    struct client c;

    make_shop(f);
    listen_at(f, &c, "/v1/events?kinds=binding", "");
    expect_start(&c, "start", f);
    /* Unbound as before: no event. */
    TELL(port, (aux, "web-1"));
    client_turn(&c);
    fake_fabric.port_state = "pending";
    TELL(port, (aux, "web-1"));
    expect_member(&c, "binding", "state", "pending");
    /* Nobody says more of the port: its host's acknowledgement does. */
    TELL(acked, (aux));
    client_turn(&c);
    fake_fabric.port_state = "up";
    fake_fabric.acked = 9;
    TELL(acked, (aux));
    expect_member(&c, "binding", "state", "up");
    /* It waits again where it is: nothing to tell, nor when that is over. */
    fake_fabric.port_state = "pending";
    TELL(port, (aux, "web-1"));
    client_turn(&c);
    client_turn(&c);
    fake_fabric.port_state = "up";
    fake_fabric.acked = 10;
    TELL(acked, (aux));
    client_turn(&c);
    fake_fabric.port_state = NULL;
    TELL(port, (aux, "web-1"));
    expect_member(&c, "binding", "state", "unbound");
    client_close(&c);
}

/* hv1 has 'n' ports "p0", "p1", ... of network "shop", which are up. */
static void
make_ports(struct fixture *f, size_t n)
{
    struct model_request request;
    bool done = false;

    assert_call(f, 201, "PUT", "/v1/networks/shop", "{\"spec\": {}}");
    model_request_init(&request, "host:hv1");
    for (size_t i = 0; i < n; i++) {
        char *name = xasprintf("p%"PRIuSIZE, i);

        model_request_add(&request, MODEL_PUT, VMN_TABLE_PORT, name,
                          json_pack("{s:s}", "network", "shop"));
        model_request_add(&request, MODEL_PUT, VMN_TABLE_BINDING, name,
                          json_pack("{s:s}", "host", "hv1"));
        free(name);
    }
    commit_submit(f->commit, &request, on_committed, &done);
    model_request_uninit(&request);
    while (!done) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

static void
silence_set(int64_t unheard_ms, const char *port_state)
{
    fake_fabric.unheard_ms = unheard_ms;
    fake_fabric.port_state = port_state;
    TELL(host, (aux, "hv1"));
}

/* Takes bindings until one of p7, which is down. */
static void
expect_p7_down(struct client *c)
{
    struct told told;

    for (;;) {
        const char *port;
        bool is_p7;

        expect(c, "binding", &told);
        port = json_string_value(json_object_get(told.data, "port"));
        is_p7 = !strcmp(port, "p7");
        if (is_p7) {
            assert_string_equal(json_string_value(json_object_get(
                told.data, "state")), "down");
        }
        told_uninit(&told);
        if (is_p7) {
            break;
        }
    }
}

/* However many a host has, it is one event, and one when it is back. */
static void
ports_of_a_silent_host_are_one_event(void **state)
{
    struct fixture *f = *state;
    struct client c, one, other, net;
    struct told told;

    assert_call(f, 201, "PUT", "/v1/hosts/hv1", "{\"spec\": {\"ovsdb\":"
                " \"inbound\", \"tunnel_ip\": \"192.0.2.1\"}}");
    make_ports(f, 1000);
    listen_at(f, &c, "/v1/events?kinds=binding,ports", "");
    listen_at(f, &one, "/v1/events?kinds=binding,ports&port=p999", "");
    listen_at(f, &net, "/v1/events?kinds=binding,ports&network=shop", "");
    listen_at(f, &other, "/v1/events?kinds=binding,ports&port=q", "");
    expect_start(&c, "start", f);
    expect_start(&one, "start", f);
    expect_start(&net, "start", f);
    expect_start(&other, "start", f);
    fake_fabric.port_state = "up";
    TELL(port, (aux, "p7"));
    expect_member(&c, "binding", "state", "up");
    expect_member(&net, "binding", "state", "up");

    silence_set(1000, "unknown");
    TELL(port, (aux, "p7"));
    expect(&c, "ports", &told);
    assert_string_equal(json_string_value(json_object_get(told.data,
                                                          "host")), "hv1");
    assert_string_equal(json_string_value(json_object_get(
        told.data, "state")), "unknown");
    assert_true(json_is_string(json_object_get(told.data, "since")));
    assert_int_equal(json_integer_value(json_object_get(told.data,
                                                        "n_ports")), 1000);
    assert_int_equal(json_array_size(json_object_get(told.data, "ports")),
                     100);
    told_uninit(&told);
    expect_member(&one, "ports", "state", "unknown");
    expect_member(&net, "ports", "state", "unknown");
    /* Still so: nothing to tell. */
    silence_set(1000, "unknown");
    client_turn(&c);

    silence_set(0, "up");
    expect_member(&c, "ports", "state", "known");
    expect_member(&one, "ports", "state", "known");
    assert_null(strstr(ds_cstr(&other.in), "event: ports"));
    /* p7 is as it was told to be; one that is not is told. */
    fake_fabric.port_state = "down";
    TELL(port, (aux, "p7"));
    expect_p7_down(&c);
    client_close(&c);
    client_close(&one);
    client_close(&net);
    client_close(&other);
}

static void
packets_are_told_as_they_are_answered(void **state)
{
    const struct fabric_sample sample = {
        .id = 7, .time_ms = 9000, .n = 1, .host = "hv1", .network = "shop",
        .src_port = "web-1", .dst_port = "db-1", .reason = "denied",
        .owner = "firewall.rule/p", .type = "policies", .name = "p",
        .rule = 2, .size = 74, .verdict = VMN_DENY,
    };
    static const char *const queries[] = {
        "", "?kinds=drop,log", "?host=hv1", "?port=db-1", "?port=web-1",
        "?network=shop", "?policy=p&host=hv1",
    };
    struct fixture *f = *state;
    struct client c[ARRAY_SIZE(queries)], other[2];

    for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
        char *path = xasprintf("/v1/events%s", queries[i]);

        listen_at(f, &c[i], path, "");
        expect_start(&c[i], "start", f);
        free(path);
    }
    listen_at(f, &other[0], "/v1/events?port=web-2", "");
    listen_at(f, &other[1], "/v1/events?kinds=log", "");
    expect_start(&other[0], "start", f);
    expect_start(&other[1], "start", f);
    TELL(sample, (aux, FABRIC_SAMPLE_DROP, &sample));
    TELL(sample, (aux, FABRIC_SAMPLE_LOG, &sample));
    for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
        expect_member(&c[i], "drop", "reason", "denied");
        expect_member(&c[i], "log", "verdict", "deny");
        client_close(&c[i]);
    }
    expect_member(&other[1], "log", "host", "hv1");
    assert_null(strstr(ds_cstr(&other[0].in), "denied"));
    client_close(&other[0]);
    client_close(&other[1]);
}

/* What isolates a port is looked for in no state that may be taken back. */
static void
isolated_packets_wait_for_the_end_of_a_commit(void **state)
{
    const struct fabric_sample sample = {
        .id = 7, .time_ms = 9000, .n = 1, .host = "hv1", .network = "shop",
        .src_port = "web-1", .dst_port = "db-1", .reason = "isolated",
        .owner = "firewall.isolated/shop|ingress", .verdict = VMN_DENY,
    };
    struct fixture *f = *state;
    struct model_request request;
    bool done = false;
    struct told told;
    struct client c;

    listen_at(f, &c, "/v1/events?kinds=drop,log", "");
    expect_start(&c, "start", f);
    model_request_init(&request, "test");
    model_request_add(&request, MODEL_PUT, VMN_TABLE_NETWORK, "other",
                      json_object());
    commit_set_max_yields(f->commit, 1);
    commit_submit(f->commit, &request, on_committed, &done);
    model_request_uninit(&request);
    while (commit_is_quiescent(f->commit)) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_false(done);
    TELL(sample, (aux, FABRIC_SAMPLE_DROP, &sample));
    TELL(sample, (aux, FABRIC_SAMPLE_LOG, &sample));
    assert_false(commit_is_quiescent(f->commit));
    expect_member(&c, "log", "verdict", "deny");
    expect(&c, "drop", &told);
    assert_true(done);
    assert_string_equal(json_string_value(json_object_get(told.data,
                                                          "reason")),
                        "isolated");
    assert_int_equal(json_integer_value(json_object_get(told.data,
                                                        "cause_revision")),
                     model_revision(f->model));
    told_uninit(&told);
    /* Otherwise it is an event at once. */
    TELL(sample, (aux, FABRIC_SAMPLE_DROP, &sample));
    TELL(sample, (aux, FABRIC_SAMPLE_LOG, &sample));
    expect_member(&c, "drop", "reason", "isolated");
    expect_member(&c, "log", "verdict", "deny");
    client_close(&c);
}

static void
revisions_are_filtered_by_what_they_change(void **state)
{
    struct fixture *f = *state;
    struct client port, ports, net;

    listen_at(f, &port, "/v1/events?port=web-2", "");
    listen_at(f, &ports, "/v1/events?type=ports", "");
    listen_at(f, &net, "/v1/events?network=shop&kinds=revision", "");
    expect_start(&port, "start", f);
    expect_start(&ports, "start", f);
    expect_start(&net, "start", f);
    assert_call(f, 201, "PUT", "/v1/networks/other", NET);
    make_shop(f);
    assert_call(f, 200, "DELETE", "/v1/ports/web-2", NULL);
    expect_change(&port, "ports", "web-2");
    expect_change(&port, "ports", "web-2");
    expect_change(&ports, "ports", "web-1");
    /* A port's network is concerned, even by its end. */
    expect_change(&net, "networks", "shop");
    expect_change(&net, "ports", "web-1");
    expect_change(&net, "ports", "web-2");
    expect_change(&net, "ports", "db-1");
    expect_change(&net, "ports", "web-2");
    client_close(&port);
    client_close(&ports);
    client_close(&net);
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(revisions_are_told_in_order),
        TEST(installed_comes_behind_its_revision),
        TEST(installed_is_told_of_what_was_told),
        TEST(hosts_are_told_when_they_differ),
        TEST(hosts_of_before_are_told_when_they_changed),
        TEST(hosts_are_told_over_several_turns),
        TEST(loads_are_told_when_they_last),
        TEST(ports_are_told_when_they_come_up),
        TEST(ports_of_a_silent_host_are_one_event),
        TEST(packets_are_told_as_they_are_answered),
        TEST(isolated_packets_wait_for_the_end_of_a_commit),
        TEST(revisions_are_filtered_by_what_they_change),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
