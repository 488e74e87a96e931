/* SPDX-License-Identifier: Apache-2.0
 *
 * What the JSON API answers about what was observed: recommendations, and
 * observations that end. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "controller/commit/commit.h"
#include "controller/northbound/northbound-private.h"
#include "fatal-signal.h"
#include "openvswitch/vlog.h"
#include "tests/unit/northbound-fixture.h"
#include "util.h"

static struct vmn_ip
ip_of(struct fixture *f, const char *port)
{
    const struct vmn_port *row = model_get(f->model, VMN_TABLE_PORT, port);

    return row->ips[0];
}

/* web-1 speaks to db-1, on hosts hv1 and hv2; another network has a database,
 * too. */
static void
make_observed(struct fixture *f)
{
    struct model_request request;
    bool done = false;

    make_shop(f);
    make_host(f);
    assert_call(f, 201, "PUT", "/v1/hosts/hv2", "{\"spec\": {\"ovsdb\": "
                "\"inbound\", \"tunnel_ip\": \"10.0.0.2\"}}");
    model_request_init(&request, "host:hv1");
    model_request_add(&request, MODEL_PUT, VMN_TABLE_BINDING, "web-1",
                      json_pack("{s:s}", "host", "hv1"));
    model_request_add(&request, MODEL_PUT, VMN_TABLE_BINDING, "db-1",
                      json_pack("{s:s}", "host", "hv2"));
    commit_submit(f->commit, &request, on_committed, &done);
    model_request_uninit(&request);
    while (!done) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_call(f, 201, "PUT", "/v1/observations/shop", "{\"spec\": {}}");
    fake_fabric.from = ip_of(f, "web-1");
    fake_fabric.to = ip_of(f, "db-1");
}

static int
ask_for_notes(struct fixture *f, const char *query)
{
    char *path = xasprintf("/v1/recommendations?network=shop%s", query);

    send_only(f, "GET", path, NULL);
    free(path);
    while (!fake_fabric.reading) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_string_equal(fake_fabric.reading->hosts, "hv1,hv2");
    tell_notes();
    return take_reply(f);
}

static void
what_was_seen_becomes_policies(void **state)
{
    struct fixture *f = *state;
    json_t *request;
    char *body;

    make_observed(f);
    assert_int_equal(ask_for_notes(f, ""), 200);
    assert_text(f, "network", "shop");
    assert_text(f, "hosts.0.host", "hv1");
    assert_true(json_is_true(at(f, "hosts.0.truncated")));
    assert_null(at(f, "hosts.0.reason"));
    assert_text(f, "hosts.1.reason", "its switch has disconnected");
    assert_int_equal(json_integer_value(at(f, "connections")), 1);
    assert_text(f, "uncovered.0.service", "47");
    assert_int_equal(json_integer_value(at(f, "n_unselected")), 2);
    assert_text(f, "unselected.0", "web-1");
    assert_true(json_is_true(at(f, "optimal")));
    /* web-2 is not told apart from web-1. */
    assert_text(f, "rules.0.policy", "shop-db-in");
    assert_text(f, "rules.0.from", "shop-web");
    assert_text(f, "rules.0.services.0", "tcp/80");
    assert_int_equal(json_integer_value(at(f, "rules.0.observed")), 1);
    assert_int_equal(json_integer_value(at(f, "rules.0.extra")), 1);
    assert_text(f, "rules.0.extras.0.from", "web-2");
    assert_text(f, "objects.0.spec.selector", "role=db");
    assert_text(f, "objects.2.spec.mode", "shadow");

    /* They can be applied, and then the groups are those that there are. */
    request = json_pack("{s:O}", "objects", at(f, "objects"));
    body = json_dumps(request, 0);
    json_decref(request);
    assert_call(f, 200, "POST", "/v1/apply", body);
    free(body);
    assert_call(f, 201, "PUT", "/v1/services/http", "{\"spec\": {\"entries\": "
                "[{\"protocol\": \"tcp\", \"ports\": [80]}]}}");
    assert_int_equal(ask_for_notes(f, "&mode=enforce"), 200);
    assert_int_equal(json_array_size(at(f, "rules")), 1);
    assert_text(f, "rules.0.from", "shop-web");
    assert_null(at(f, "objects.0.spec.mode"));
    assert_text(f, "objects.0.spec.rules.0.services.0.service", "http");

    /* Port by port; nothing is allowed that was not seen. */
    assert_int_equal(ask_for_notes(f, "&exact=true"), 200);
    assert_int_equal(json_integer_value(at(f, "rules.0.extra")), 0);
    assert_text(f, "rules.0.from", "shop-web-1");
    assert_text(f, "objects.0.spec.ports.0", "web-1");
}

/* Expects what is recommended to name no object that exists, and applies
 * it. */
static void
apply_new_objects(struct fixture *f)
{
    json_t *request = json_pack("{s:O}", "objects", at(f, "objects"));
    char *body = json_dumps(request, 0);

    assert_call(f, 200, "POST", "/v1/apply", body);
    for (size_t i = 0; i < json_array_size(at(f, "results")); i++) {
        const json_t *result = json_array_get(at(f, "results"), i);

        assert_string_equal(json_string_value(json_object_get(
            result, "outcome")), "created");
    }
    json_decref(request);
    free(body);
}

static void
recommendation_replaces_no_policy(void **state)
{
#define POLICY(NAME) "{\"type\": \"policies\", \"name\": \"" NAME "\", " \
    "\"spec\": {\"applies_to\": [\"shop-db\"], \"labels\": "            \
    "{\"tenant\": \"acme\"}, \"rules\": [{\"direction\": \"ingress\", "  \
    "\"action\": \"allow\", \"peers\": [{\"cidr\": "                     \
    "\"192.0.2.0/24\"}]}]}}"
    struct fixture *f = *state;
    const struct vmn_policy *row;

    make_observed(f);
    assert_call(f, 201, "PUT", "/v1/groups/shop-db",
                "{\"spec\": {\"selector\": \"role=db\"}}");
    assert_call(f, 200, "POST", "/v1/apply", "{\"objects\": ["
                POLICY("shop-db-in") ", " POLICY("shop-db-in-2") "]}");
    assert_int_equal(ask_for_notes(f, ""), 200);
    assert_text(f, "rules.0.policy", "shop-db-in-3");
    assert_text(f, "kept.0", "shop-db-in");
    assert_text(f, "kept.1", "shop-db-in-2");
    apply_new_objects(f);
    row = model_get(f->model, VMN_TABLE_POLICY, "shop-db-in");
    assert_int_equal(row->mode, VMN_ENFORCE);
    assert_int_equal(row->labels.n, 1);
    assert_int_equal(row->n_rules, 1);

    /* Asking again replaces nothing that was applied. */
    assert_call(f, 200, "POST", "/v1/apply", "{\"objects\": [{\"op\": "
                "\"patch\", \"type\": \"policies\", \"name\": "
                "\"shop-db-in-3\", \"spec\": {\"mode\": \"enforce\"}}]}");
    assert_int_equal(ask_for_notes(f, ""), 200);
    assert_text(f, "rules.0.policy", "shop-db-in-4");
    apply_new_objects(f);
}

static void
recommendation_uses_no_object_of_another_scope(void **state)
{
    struct fixture *f = *state;

    make_observed(f);
    assert_call(f, 201, "PUT", "/v1/services/http", "{\"spec\": {\"labels\": "
                "{\"tenant\": \"globex\"}, \"entries\": "
                "[{\"protocol\": \"tcp\", \"ports\": [80]}]}}");
    assert_call(f, 201, "PUT", "/v1/groups/globex-db",
                "{\"spec\": {\"labels\": {\"tenant\": \"globex\"}, "
                "\"selector\": \"role=db\"}}");
    assert_int_equal(ask_for_notes(f, ""), 200);
    assert_text(f, "rules.0.to", "shop-db");
    assert_text(f, "objects.2.spec.rules.0.services.0.protocol", "tcp");

    /* The network is of that scope, too. */
    assert_call(f, 200, "PATCH", "/v1/networks/shop",
                "{\"spec\": {\"labels\": {\"tenant\": \"globex\", "
                "\"x\": \"y\"}}}");
    assert_int_equal(ask_for_notes(f, ""), 200);
    assert_text(f, "rules.0.to", "globex-db");
    assert_text(f, "objects.1.spec.rules.0.services.0.service", "http");
}

static void
ports_elsewhere_are_not_picked(void **state)
{
    struct fixture *f = *state;

    make_observed(f);
    assert_call(f, 201, "PUT", "/v1/networks/rival", NET);
    assert_call(f, 201, "PUT", "/v1/ports/r-db-1", "{\"spec\": {\"network\": "
                "\"rival\", \"labels\": {\"role\": \"db\"}}}");
    assert_int_equal(ask_for_notes(f, ""), 200);
    assert_text(f, "rules.0.to", "shop-db-1");
    assert_text(f, "objects.0.spec.ports.0", "db-1");
    assert_text(f, "objects.1.spec.selector", "role=web");

    /* Without labels that tell, all ports are one kind. */
    assert_int_equal(ask_for_notes(f, "&labels=none"), 200);
    assert_int_equal(json_integer_value(at(f, "rules.0.extra")), 5);
    assert_text(f, "rules.0.to", "shop-ports");

    /* An address that is nobody's; and who gets it is known by where it is. */
    fake_fabric.from.addr[0] = 192;
    fake_fabric.to.addr[3] = 255;
    assert_int_equal(ask_for_notes(f, ""), 200);
    assert_true(json_is_array(at(f, "rules.0.from")));
    assert_text(f, "rules.0.to", "shop-web");
    assert_non_null(at(f, "objects.1.spec.rules.0.peers.0.cidr"));
}

static void
questions_about_what_is_not_observed_are_refused(void **state)
{
    static const char *const calls[][2] = {
        { "/v1/recommendations", "network" },
        { "/v1/recommendations?network=shap", "network" },
        { "/v1/recommendations?network=shop&mode=dream", "mode" },
        { "/v1/recommendations?network=shop&labels=", "labels" },
        { "/v1/recommendations?network=shop&exact=1", "exact" },
    };
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 409, "GET", "/v1/recommendations?network=shop", NULL);
    assert_has(&f->client.body, "create observations/shop first");
    /* An observation is of a network, which cannot go without it. */
    assert_call(f, 400, "PUT", "/v1/observations/shap", "{\"spec\": {}}");
    assert_call(f, 201, "PUT", "/v1/observations/shop", "{\"spec\": {}}");
    assert_call(f, 409, "DELETE", "/v1/networks/shop", NULL);
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        assert_call(f, 400, "GET", calls[i][0], NULL);
        assert_text(f, "errors.0.parameter", calls[i][1]);
    }
}

static void
client_that_leaves_ends_its_reading(void **state)
{
    struct fixture *f = *state;

    make_observed(f);
    send_only(f, "GET", "/v1/recommendations?network=shop", NULL);
    while (!fake_fabric.reading) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    client_close(&f->client);
    while (fake_fabric.reading) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    client_connect(&f->client, f->base, f->path);

    /* As does the end of vmnd. */
    send_only(f, "GET", "/v1/recommendations?network=shop", NULL);
    while (!fake_fabric.reading) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    northbound_destroy(f->nb);
    f->nb = NULL;
    assert_null(fake_fabric.reading);
}

static void
observation_tells_its_end(void **state)
{
    struct fixture *f = *state;
    const struct vmn_observation *row;
    struct model_meta meta;

    make_shop(f);
    assert_call(f, 201, "PUT", "/v1/observations/shop",
                "{\"spec\": {\"minutes\": 2}}");
    row = model_get_durable(f->model, VMN_TABLE_OBSERVATION, "shop", &meta);
    assert_int_equal(nb_observation_expiry(row, &meta),
                     meta.created_ms + 120000);
    assert_true(json_is_string(at(f, "status.expires")));
    northbound_set_ready(f->nb, true);
    nb_delete_expired_observations(f->nb, meta.created_ms + 119999);
    assert_call(f, 200, "GET", "/v1/observations/shop", NULL);
    nb_delete_expired_observations(f->nb, meta.created_ms + 120000);
    assert_call(f, 200, "GET", "/v1/revisions?limit=1", NULL);
    while (model_get_durable(f->model, VMN_TABLE_OBSERVATION, "shop", NULL)) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_call(f, 200, "GET", "/v1/revisions?limit=1", NULL);
    assert_text(f, "items.0.who", "vmnd");
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_was_seen_becomes_policies),
        TEST(recommendation_replaces_no_policy),
        TEST(recommendation_uses_no_object_of_another_scope),
        TEST(ports_elsewhere_are_not_picked),
        TEST(questions_about_what_is_not_observed_are_refused),
        TEST(client_that_leaves_ends_its_reading),
        TEST(observation_tells_its_end),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
