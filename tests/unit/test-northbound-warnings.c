/* SPDX-License-Identifier: Apache-2.0
 *
 * The northbound's warnings: what replies, plans and the status say of objects
 * that are allowed and probably not meant. */

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

#define EMPTY "{\"objects\": ["                                             \
    "{\"type\": \"networks\", \"name\": \"n\", \"spec\": {}},"              \
    "{\"type\": \"groups\", \"name\": \"web\","                             \
    " \"spec\": {\"selector\": \"role=webb\"}},"                            \
    "{\"type\": \"groups\", \"name\": \"office\","                          \
    " \"spec\": {\"cidrs\": [\"192.0.2.0/24\"], \"groups\": [\"web\"]}},"   \
    "{\"type\": \"policies\", \"name\": \"p\", \"spec\": {"                 \
    " \"mode\": \"shadow\", \"applies_to\": [\"office\"],"                 \
    " \"rules\": [{\"direction\": \"ingress\","                             \
    " \"action\": \"allow\", \"peers\": [{\"group\": \"office\"},"          \
    " {\"group\": \"web\"}]}]}},"                                           \
    "{\"type\": \"loadbalancers\", \"name\": \"lb\", \"spec\": {"           \
    " \"networks\": [\"n\"], \"vip\": \"192.0.2.1\", \"protocol\": \"tcp\"," \
    " \"ports\": [{\"port\": 80}], \"selector\": \"role=webb\"}}]}"

static void
assert_warning(struct fixture *f, size_t i, const char *type,
               const char *pointer)
{
    const json_t *warning = json_array_get(at(f, "warnings"), i);

    assert_string_equal(json_string_value(json_object_get(warning, "type")),
                        type);
    assert_string_equal(json_string_value(json_object_get(warning,
                                                          "pointer")),
                        pointer);
}

static void
assert_empty_is_warned_of(struct fixture *f)
{
    assert_warning(f, 0, "groups", "/spec/selector");
    assert_warning(f, 1, "policies", "/spec/applies_to/0");
    assert_warning(f, 2, "policies", "/spec/rules/0/peers/1/group");
    assert_warning(f, 3, "loadbalancers", "/spec/selector");
    assert_int_equal(json_array_size(at(f, "warnings")), 4);
}

static void
what_nothing_is_in_is_warned_of(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "POST", "/v1/apply?dry_run=plan", EMPTY);
    assert_empty_is_warned_of(f);
    assert_call(f, 200, "POST", "/v1/apply", EMPTY);
    assert_empty_is_warned_of(f);
    /* Also of what stays as it is. */
    assert_call(f, 200, "POST", "/v1/apply", EMPTY);
    assert_empty_is_warned_of(f);
    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_warning(f, 0, "loadbalancers", "/spec/selector");
    assert_int_equal(json_array_size(at(f, "warnings")), 4);

    assert_call(f, 201, "PUT", "/v1/quarantines/q",
                "{\"spec\": {\"selector\": \"role=webb\"}}");
    assert_warning(f, 0, "quarantines", "/spec/selector");
    assert_call(f, 200, "DELETE", "/v1/quarantines/q", NULL);
    assert_null(at(f, "warnings"));

    /* Members come. */
    assert_call(f, 201, "PUT", "/v1/ports/a", "{\"spec\": {\"network\": \"n\","
                " \"labels\": {\"role\": \"webb\"}}}");
    assert_null(at(f, "warnings"));
    assert_call(f, 200, "POST", "/v1/apply", EMPTY);
    assert_null(at(f, "warnings"));
    /* But none that serves. */
    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_warning(f, 0, "loadbalancers", "/spec/selector");
    assert_int_equal(json_array_size(at(f, "warnings")), 1);
}

/* But for those that zones may know. */
static void
a_name_that_has_no_address_yet_is_warned_of(void **state)
{
    static const char policy[]
        = "{\"spec\": {\"applies_to\": [\"g\"], \"rules\": ["
          "{\"direction\": \"egress\", \"action\": \"allow\", \"peers\": ["
          "{\"fqdn\": \"a.shop.example\"}, {\"fqdn\": \"b.ashop.example\"}"
          "]}]}}";
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/networks/n", "{\"spec\": {}}");
    assert_call(f, 201, "PUT", "/v1/ports/a",
                "{\"spec\": {\"network\": \"n\"}}");
    assert_call(f, 201, "PUT", "/v1/groups/g",
                "{\"spec\": {\"ports\": [\"a\"]}}");
    assert_call(f, 201, "PUT", "/v1/dns-zones/z", "{\"spec\": {\"domain\":"
                " \"shop.example\", \"networks\": [\"n\"]}}");
    assert_call(f, 200, "PUT", "/v1/policies/p?dry_run=plan", policy);
    assert_warning(f, 0, "policies", "/spec/rules/0/peers/1/fqdn");
    assert_int_equal(json_array_size(at(f, "warnings")), 1);
    assert_call(f, 201, "PUT", "/v1/policies/p", policy);
    assert_warning(f, 0, "policies", "/spec/rules/0/peers/1/fqdn");
    assert_call(f, 200, "DELETE", "/v1/dns-zones/z", NULL);
    assert_call(f, 200, "PUT", "/v1/policies/p", policy);
    assert_int_equal(json_array_size(at(f, "warnings")), 2);
}

#define OUTSIDE "{\"objects\": ["                                           \
    "{\"type\": \"hosts\", \"name\": \"hv1\","                             \
    " \"spec\": {\"ovsdb\": \"inbound\", \"tunnel_ip\": \"192.0.2.9\"}},"   \
    "{\"type\": \"networks\", \"name\": \"road\", \"spec\": {"              \
    " \"provider\": {\"physical\": \"dc\", \"vlan\": 10}, \"subnets\": ["     \
    " {\"cidr\": \"198.51.100.0/24\", \"gateway\": \"198.51.100.1\"}]}},"     \
    "{\"type\": \"networks\", \"name\": \"n\", \"spec\": {\"subnets\": ["     \
    " {\"cidr\": \"10.0.0.0/24\", \"gateway\": \"10.0.0.1\"}]}},"             \
    "{\"type\": \"routers\", \"name\": \"r\", \"spec\": {"                  \
    " \"interfaces\": [{\"network\": \"n\"}], \"external\": {"              \
    " \"network\": \"road\", \"addresses\": [\"198.51.100.2\"],"            \
    " \"gateways\": [{\"host\": \"hv1\"}]}}},"                             \
    "{\"type\": \"ports\", \"name\": \"vm\","                              \
    " \"spec\": {\"network\": \"n\"}},"                                     \
    "{\"type\": \"ports\", \"name\": \"guest\", \"spec\": {"                \
    " \"network\": \"n\", \"parent\": \"vm\", \"vlan\": 5}},"               \
    "{\"type\": \"floating-ips\", \"name\": \"f\", \"spec\": {"             \
    " \"router\": \"r\", \"port\": \"guest\", \"ip\": \"198.51.100.9\"}}]}"

static void
windows_that_do_not_open_any_more_are_warned_of(void **state)
{
    static const struct {
        const char *window, *text;  /* NULL: no warning. */
    } cases[] = {
        { "{\"not_after\": \"2020-01-31T12:00:00Z\"}",
          "the window ended at 2020-01-31T12:00:00Z: the rule is not valid in "
          "it any more" },
        { "{\"not_before\": \"2019-01-01T00:00:00Z\","
          " \"not_after\": \"2020-01-31T12:00:00Z\", \"days\": [\"mon\"]}",
          "the window ended at 2020-01-31T12:00:00Z: the rule is not valid in "
          "it any more" },
        /* A Monday and a Tuesday. */
        { "{\"not_before\": \"2120-01-01T00:00:00Z\","
          " \"not_after\": \"2120-01-02T23:00:00Z\", \"days\": [\"sat\"]}",
          "the window never opens: none of its times is between "
          "2120-01-01T00:00:00Z and 2120-01-02T23:00:00Z" },
        { "{\"not_before\": \"2120-01-01T12:00:00Z\","
          " \"not_after\": \"2120-01-01T18:00:00Z\","
          " \"start\": \"08:00\", \"end\": \"12:00\"}",
          "the window never opens: none of its times is between "
          "2120-01-01T12:00:00Z and 2120-01-01T18:00:00Z" },
        { "{\"not_before\": \"2120-01-01T00:00:00Z\","
          " \"not_after\": \"2120-01-02T23:00:00Z\", \"days\": [\"mon\"]}",
          NULL },
        /* What begins on Sunday ends on Monday. */
        { "{\"not_before\": \"2120-01-01T00:00:00Z\","
          " \"not_after\": \"2120-01-01T23:00:00Z\", \"days\": [\"sun\"],"
          " \"start\": \"22:00\", \"end\": \"04:00\"}", NULL },
        { "{\"not_before\": \"2120-01-01T00:00:00Z\"}", NULL },
        { "{\"days\": [\"sat\"]}", NULL },
    };
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/networks/n", "{\"spec\": {}}");
    assert_call(f, 201, "PUT", "/v1/ports/a",
                "{\"spec\": {\"network\": \"n\"}}");
    assert_call(f, 201, "PUT", "/v1/groups/g",
                "{\"spec\": {\"ports\": [\"a\"]}}");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *body = xasprintf(
            "{\"spec\": {\"applies_to\": [\"g\"], \"rules\": [{\"direction\": \"ingress\","
            " \"action\": \"allow\"}, {\"direction\": \"ingress\","
            " \"action\": \"allow\", \"windows\": [%s,"
            " {\"days\": [\"fri\"]}]}]}}", cases[i].window);

        assert_call(f, 200, "PUT", "/v1/policies/p?dry_run=plan", body);
        if (cases[i].text) {
            const json_t *warning = json_array_get(at(f, "warnings"), 0);

            assert_int_equal(json_array_size(at(f, "warnings")), 1);
            assert_string_equal(json_string_value(
                json_object_get(warning, "text")), cases[i].text);
            assert_non_null(strstr(json_string_value(
                json_object_get(warning, "pointer")),
                "/spec/rules/1/windows/"));
        } else {
            assert_null(at(f, "warnings"));
        }
        free(body);
    }
}

/* Returns how many warnings of the newest reply are about the type. */
static size_t
count_warnings(struct fixture *f, const char *type)
{
    const json_t *warning;
    size_t i, n = 0;

    json_array_foreach (at(f, "warnings"), i, warning) {
        const char *of = json_string_value(json_object_get(warning, "type"));

        n += of && !strcmp(of, type);
    }
    return n;
}

static void
port_that_all_reach_from_outside_is_in_the_status(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "POST", "/v1/apply", OUTSIDE);
    assert_int_equal(count_warnings(f, "floating-ips"), 1);
    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_int_equal(count_warnings(f, "floating-ips"), 1);

    /* It is cut off with its parent. */
    assert_call(f, 201, "PUT", "/v1/quarantines/q",
                "{\"spec\": {\"ports\": [\"vm\"]}}");
    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_int_equal(count_warnings(f, "floating-ips"), 0);
    assert_call(f, 200, "DELETE", "/v1/quarantines/q", NULL);
    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_int_equal(count_warnings(f, "floating-ips"), 1);
}

static const char *
get_general_warning(struct fixture *f)
{
    const json_t *warning;

    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_int_equal(json_array_size(at(f, "warnings")), 1);
    warning = json_array_get(at(f, "warnings"), 0);
    assert_null(json_object_get(warning, "type"));
    assert_null(json_object_get(warning, "pointer"));
    return json_string_value(json_object_get(warning, "text"));
}

static void
interfaces_without_a_port_are_warned_of(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_null(at(f, "warnings"));
    fake_fabric.n_unclaimed = fake_fabric.n_unclaiming = 1;
    assert_string_equal(
        get_general_warning(f),
        "1 interface of VMs on hv1 has no port, and so no network: create "
        "a port with its iface_id, or remove it (vmnctl describe host hv1 "
        "lists it)");
    fake_fabric.n_unclaimed = 7;
    fake_fabric.n_unclaiming = 5;
    assert_string_equal(
        get_general_warning(f),
        "7 interfaces of VMs on hv1, hv2, hv3 and 2 more have no port, and so "
        "no network: create ports with their iface_id, or remove them (vmnctl "
        "describe host hv1 lists its own)");
    assert_call(f, 200, "GET", "/metrics", NULL);
    assert_has(&f->client.body, "\nvmn_interfaces_unclaimed 7\n");
}

/* Also if the change is of its ports alone, and to those who see it. */
static void
group_that_is_emptied_is_warned_of(void **state)
{
    static const char *const gone[] = { "null", "\"db\"" };
    struct fixture *f = *state;

    assert_call(f, 200, "POST", "/v1/apply", EMPTY);
    assert_call(f, 201, "PUT", "/v1/ports/a", "{\"spec\": {\"network\": \"n\","
                " \"labels\": {\"role\": \"webb\"}}}");
    assert_call(f, 201, "PUT", "/v1/ports/b", "{\"spec\": {\"network\": \"n\","
                " \"labels\": {\"role\": \"webb\"}}}");
    /* One that keeps a member is not. */
    assert_call(f, 200, "PATCH", "/v1/ports/a",
                "{\"spec\": {\"labels\": {\"role\": \"db\"}}}");
    assert_null(at(f, "warnings"));
    for (size_t i = 0; i < ARRAY_SIZE(gone); i++) {
        char *patch = xasprintf("{\"spec\": {\"labels\": {\"role\": %s}}}",
                                gone[i]);

        assert_call(f, 200, "PATCH", "/v1/ports/b?dry_run=plan", patch);
        assert_warning(f, 0, "groups", "/spec/selector");
        assert_call(f, 200, "PATCH", "/v1/ports/b", patch);
        assert_warning(f, 0, "groups", "/spec/selector");
        assert_int_equal(json_array_size(at(f, "warnings")), 1);
        /* It was before. */
        assert_call(f, 200, "PATCH", "/v1/ports/b",
                    "{\"spec\": {\"description\": \"x\"}}");
        assert_null(at(f, "warnings"));
        assert_call(f, 200, "PATCH", "/v1/ports/b", "{\"spec\":"
                    " {\"description\": null, \"labels\": {\"role\":"
                    " \"webb\"}}}");
        assert_null(at(f, "warnings"));
        free(patch);
    }
    assert_call(f, 200, "DELETE", "/v1/ports/b", NULL);
    assert_warning(f, 0, "groups", "/spec/selector");
}

/* Also of groups that list their ports, which go with a port that is deleted
 * with what refers to it. */
static void
group_whose_listed_ports_go_is_warned_of(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "POST", "/v1/apply", "{\"objects\": ["
                "{\"type\": \"networks\", \"name\": \"n\", \"spec\": {}},"
                "{\"type\": \"ports\", \"name\": \"a\","
                " \"spec\": {\"network\": \"n\"}},"
                "{\"type\": \"ports\", \"name\": \"b\","
                " \"spec\": {\"network\": \"n\"}},"
                "{\"type\": \"groups\", \"name\": \"cidrs\", \"spec\":"
                " {\"cidrs\": [\"192.0.2.0/24\"], \"ports\": [\"b\"]}},"
                "{\"type\": \"groups\", \"name\": \"listed\", \"spec\":"
                " {\"ports\": [\"a\", \"b\"]}},"
                "{\"type\": \"groups\", \"name\": \"outer\", \"spec\":"
                " {\"groups\": [\"listed\"], \"ports\": [\"b\"]}}]}");
    assert_null(at(f, "warnings"));
    /* "a" stays, of which "outer" has it, too. */
    assert_call(f, 200, "DELETE", "/v1/ports/b?cascade=true", NULL);
    assert_null(at(f, "warnings"));
    assert_call(f, 200, "DELETE", "/v1/ports/a?cascade=true&dry_run=plan",
                NULL);
    assert_warning(f, 0, "groups", "/spec/ports");
    assert_call(f, 200, "DELETE", "/v1/ports/a?cascade=true", NULL);
    assert_warning(f, 0, "groups", "/spec/ports");
    assert_int_equal(json_array_size(at(f, "warnings")), 1);

    /* It is empty already. */
    assert_call(f, 200, "PATCH", "/v1/groups/listed",
                "{\"spec\": {\"description\": \"x\"}}");
    assert_null(at(f, "warnings"));
    /* Nor may the list be emptied in silence. */
    assert_call(f, 201, "PUT", "/v1/ports/a",
                "{\"spec\": {\"network\": \"n\"}}");
    assert_call(f, 200, "PATCH", "/v1/groups/listed",
                "{\"spec\": {\"ports\": [\"a\"]}}");
    assert_null(at(f, "warnings"));
    assert_call(f, 200, "PATCH", "/v1/groups/listed",
                "{\"spec\": {\"ports\": []}}");
    assert_warning(f, 0, "groups", "/spec/ports");
    assert_int_equal(json_array_size(at(f, "warnings")), 1);
}

/* A port is bound on host hv1. */
static void
bind_port(struct fixture *f, const char *port)
{
    struct model_request request;
    bool done = false;

    model_request_init(&request, "host:hv1");
    model_request_add(&request, MODEL_PUT, VMN_TABLE_BINDING, port,
                      json_pack("{s:s}", "host", "hv1"));
    commit_submit(f->commit, &request, on_committed, &done);
    model_request_uninit(&request);
    while (!done) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

/* A port with a balancer's labels in a network that the balancer is not in
 * never was one of its backends. */
static void
deleted_backends_are_those_of_the_balancers_networks(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "POST", "/v1/apply", EMPTY);
    assert_call(f, 201, "PUT", "/v1/networks/m", "{\"spec\": {}}");
    assert_call(f, 201, "PUT", "/v1/hosts/hv1", "{\"spec\": {\"ovsdb\": "
                "\"inbound\", \"tunnel_ip\": \"10.0.0.1\"}}");
    assert_call(f, 201, "PUT", "/v1/ports/a", "{\"spec\": {\"network\": \"n\","
                " \"labels\": {\"role\": \"webb\"}}}");
    assert_call(f, 201, "PUT", "/v1/ports/b", "{\"spec\": {\"network\": \"m\","
                " \"labels\": {\"role\": \"webb\"}}}");
    assert_call(f, 201, "PUT", "/v1/ports/c", "{\"spec\": {\"network\": \"n\","
                " \"labels\": {\"role\": \"webb\"}}}");
    bind_port(f, "a");
    bind_port(f, "b");
    assert_call(f, 200, "DELETE", "/v1/ports/b?dry_run=plan", NULL);
    assert_null(at(f, "warnings"));
    assert_call(f, 200, "DELETE", "/v1/ports/b", NULL);
    assert_null(at(f, "warnings"));
    /* One on no host serves nobody. */
    assert_call(f, 200, "DELETE", "/v1/ports/c", NULL);
    assert_null(at(f, "warnings"));
    assert_call(f, 200, "DELETE", "/v1/ports/a?dry_run=plan", NULL);
    assert_warning(f, 0, "groups", "/spec/selector");
    assert_warning(f, 1, "loadbalancers", "/spec/selector");
    assert_int_equal(json_array_size(at(f, "warnings")), 2);
}

static void
warnings_are_bounded(void **state)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct fixture *f = *state;

    ds_put_cstr(&ds, "{\"objects\": [");
    for (int i = 0; i < 107; i++) {
        ds_put_format(&ds, "%s{\"type\": \"groups\", \"name\": \"g%d\", "
                      "\"spec\": {\"selector\": \"none\"}}", i ? "," : "", i);
    }
    ds_put_cstr(&ds, "]}");
    assert_call(f, 200, "POST", "/v1/apply", ds_cstr(&ds));
    assert_int_equal(json_array_size(at(f, "warnings")), 101);
    assert_int_equal(json_integer_value(at(f, "warnings.100.more")), 7);
    ds_destroy(&ds);
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_nothing_is_in_is_warned_of),
        TEST(a_name_that_has_no_address_yet_is_warned_of),
        TEST(windows_that_do_not_open_any_more_are_warned_of),
        TEST(port_that_all_reach_from_outside_is_in_the_status),
        TEST(interfaces_without_a_port_are_warned_of),
        TEST(group_that_is_emptied_is_warned_of),
        TEST(group_whose_listed_ports_go_is_warned_of),
        TEST(deleted_backends_are_those_of_the_balancers_networks),
        TEST(warnings_are_bounded),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
