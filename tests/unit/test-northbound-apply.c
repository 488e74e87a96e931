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
#include "util.h"

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

#define EMPTY "{\"objects\": ["                                             \
    "{\"type\": \"networks\", \"name\": \"n\", \"spec\": {}},"              \
    "{\"type\": \"groups\", \"name\": \"web\","                             \
    " \"spec\": {\"selector\": \"role=webb\"}},"                            \
    "{\"type\": \"groups\", \"name\": \"office\","                          \
    " \"spec\": {\"cidrs\": [\"192.0.2.0/24\"], \"groups\": [\"web\"]}},"   \
    "{\"type\": \"policies\", \"name\": \"p\", \"spec\": {"                 \
    " \"applies_to\": [\"office\"], \"rules\": [{\"direction\": \"ingress\"," \
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

static void
change_tells_which_fields_differ(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    assert_null(at(f, "fields"));
    assert_call(f, 200, "PATCH", "/v1/networks/shop",
                "{\"spec\": {\"mtu\": 1400}}");
    assert_text(f, "fields.0.path", "/spec/mtu");
    assert_null(at(f, "fields.1"));
    assert_call(f, 200, "POST", "/v1/apply?prune=demo",
                "{\"objects\": [{\"type\": \"networks\", \"name\": \"shop\","
                " \"spec\": {\"mtu\": 1300}}]}");
    assert_text(f, "results.0.fields.1.path", "/spec/mtu");
    assert_int_equal(json_integer_value(at(f, "results.0.fields.1.before")),
                     1400);
    assert_text(f, "results.0.fields.2.path", "/metadata/set");
    assert_text(f, "results.0.fields.2.after", "demo");
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
revision_shows_what_it_changed(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/networks/n",
                "{\"spec\": {\"mtu\": 1400}}");
    assert_call(f, 200, "PATCH", "/v1/networks/n",
                "{\"spec\": {\"mtu\": 1300}}");
    assert_call(f, 200, "GET", "/v1/revisions/3", NULL);
    assert_null(at(f, "contents"));
    assert_call(f, 200, "GET", "/v1/revisions/3?contents=true", NULL);
    assert_text(f, "contents.0.type", "networks");
    assert_text(f, "contents.0.fields.0.path", "/spec/mtu");
    assert_null(at(f, "contents.0.fields.1"));
    assert_int_equal(json_integer_value(at(f, "contents.0.before.spec.mtu")),
                     1400);
    assert_int_equal(json_integer_value(at(f, "contents.0.after.spec.mtu")),
                     1300);
    assert_int_equal(json_integer_value(at(f, "left_out")), 0);
    assert_call(f, 200, "GET", "/v1/revisions/2?contents=true", NULL);
    assert_null(at(f, "contents.0.before"));
}

static void
list_of_revisions_shows_what_became_of_an_object(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "POST", "/v1/apply", APPLY);
    assert_call(f, 200, "PATCH", "/v1/networks/n",
                "{\"spec\": {\"mtu\": 1300}}");
    assert_call(f, 200, "GET", "/v1/revisions?type=networks&name=n", NULL);
    assert_null(at(f, "items.0.contents"));
    assert_call(f, 200, "GET",
                "/v1/revisions?type=networks&name=n&contents=true", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 2);
    assert_int_equal(json_array_size(at(f, "items.0.changes")), 2);
    assert_int_equal(json_array_size(at(f, "items.0.contents")), 1);
    assert_text(f, "items.0.contents.0.name", "n");
    assert_text(f, "items.1.contents.0.fields.0.path", "/spec/mtu");
    assert_null(at(f, "next"));
    assert_call(f, 400, "GET", "/v1/revisions?contents=true", NULL);
    assert_has(&f->client.body, "requires \\\"name\\\"");
}

/* What is kept of each is large, so a page has a few. */
static void
contents_of_a_list_are_bounded(void **state)
{
    struct fixture *f = *state;
    size_t n_seen = 0;

    for (int i = 0; i < 8; i++) {
        struct ds ds = DS_EMPTY_INITIALIZER;

        ds_put_cstr(&ds, "{\"objects\": [");
        for (int j = 0; j < 400; j++) {
            ds_put_format(&ds, "%s{\"type\": \"groups\", \"name\": \"g%d\", "
                          "\"spec\": {\"description\": \"%0200d\"}}",
                          j ? "," : "", j, i);
        }
        ds_put_cstr(&ds, "]}");
        assert_call(f, 200, "POST", "/v1/apply", ds_cstr(&ds));
        ds_destroy(&ds);
    }
    assert_call(f, 200, "GET", "/v1/revisions?type=groups&name=g7"
                "&contents=true", NULL);
    n_seen = json_array_size(at(f, "items"));
    assert_true(n_seen > 0 && n_seen < 8);
    assert_non_null(at(f, "next"));

    char *path = xasprintf("/v1/revisions?type=groups&name=g7&contents=true"
                           "&before=%s", json_string_value(at(f, "next")));

    assert_call(f, 200, "GET", path, NULL);
    assert_int_equal(n_seen + json_array_size(at(f, "items")), 8);
    free(path);
}

static void
undo_takes_a_change_back(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "POST", "/v1/apply", APPLY);
    assert_call(f, 200, "PATCH", "/v1/networks/n",
                "{\"spec\": {\"mtu\": 1300, \"description\": \"x\"}}");
    json_int_t changed = revision(f);
    char *undo = xasprintf("/v1/revisions/%d/undo", (int) changed);
    char *plan = xasprintf("%s?dry_run=plan", undo);
    char *forced = xasprintf("%s?force=true", undo);

    assert_call(f, 200, "POST", plan, NULL);
    assert_text(f, "objects.0.op", "updated");
    assert_text(f, "objects.0.fields.0.before", "x");
    assert_int_equal(revision(f), changed);
    /* Not what has changed since, unless it is told to; and then only the
     * fields of that change. */
    assert_call(f, 200, "PATCH", "/v1/networks/n",
                "{\"spec\": {\"labels\": {\"a\": \"b\"}}}");
    assert_call(f, 409, "POST", undo, NULL);
    const char *detail = json_string_value(at(f, "errors.0.detail"));
    assert_non_null(strstr(detail, "network \"n\" was changed again"));
    assert_call(f, 200, "POST", forced, NULL);
    assert_text(f, "results.0.outcome", "updated");
    assert_call(f, 200, "GET", "/v1/networks/n", NULL);
    assert_null(at(f, "spec.mtu"));
    assert_text(f, "spec.labels.a", "b");
    free(undo);
    free(plan);
    free(forced);
}

static void
undo_makes_again_what_was_deleted(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/networks/n", "{\"spec\": {\"subnets\":"
                " [{\"cidr\": \"10.0.0.0/24\"}]}}");
    assert_call(f, 201, "PUT", "/v1/ports/p",
                "{\"spec\": {\"network\": \"n\"}}");
    char *ip = xstrdup(json_string_value(at(f, "status.ips.0")));
    char *mac = xstrdup(json_string_value(at(f, "status.mac")));
    assert_call(f, 200, "DELETE", "/v1/networks/n?cascade=true", NULL);
    char *undo = xasprintf("/v1/revisions/%d/undo", (int) revision(f));
    char *one = xasprintf("%s?type=ports&name=p", undo);

    /* The port alone cannot be without its network. */
    assert_call(f, 400, "POST", one, NULL);
    assert_call(f, 200, "POST", undo, NULL);
    assert_call(f, 200, "GET", "/v1/ports/p", NULL);
    assert_text(f, "status.ips.0", ip);
    assert_text(f, "status.mac", mac);
    assert_call(f, 409, "POST", undo, NULL);
    assert_call(f, 404, "POST", "/v1/revisions/999/undo", NULL);
    assert_has(&f->client.body, "Revision 999 does not exist: the newest is ");
    assert_call(f, 400, "POST", "/v1/revisions/99999999999999999999/undo",
                NULL);
    assert_has(&f->client.body, "a number of at most 18 digits");
    assert_call(f, 400, "POST", "/v1/revisions/x/undo", NULL);
    assert_call(f, 400, "POST", "/v1/revisions/1/undo?type=ports", NULL);
    /* What was created is deleted. */
    assert_call(f, 409, "POST", "/v1/revisions/2/undo", NULL);
    free(undo);
    free(one);
    free(ip);
    free(mac);
}

/* What was pruned belongs to the set again, and what the set took leaves it:
 * the next prune does what it would have done. */
static void
undo_gives_back_the_set(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/networks/n", NET);
    assert_call(f, 200, "POST", "/v1/apply?prune=a", APPLY);
    json_int_t taken = revision(f);
    assert_call(f, 200, "POST", "/v1/apply?prune=a", "{\"objects\": ["
                "{\"type\": \"networks\", \"name\": \"n\", \"spec\": {}}]}");
    char *undo = xasprintf("/v1/revisions/%d/undo", (int) revision(f));

    assert_call(f, 404, "GET", "/v1/ports/a", NULL);
    assert_call(f, 200, "POST", undo, NULL);
    free(undo);
    assert_call(f, 200, "GET", "/v1/ports/a", NULL);
    assert_text(f, "metadata.set", "a");
    undo = xasprintf("/v1/revisions/%d/undo?type=networks&name=n",
                     (int) taken);
    assert_call(f, 200, "POST", undo, NULL);
    free(undo);
    assert_call(f, 200, "GET", "/v1/networks/n", NULL);
    assert_null(at(f, "metadata.set"));
    /* The port still belongs to it. */
    assert_call(f, 200, "POST", "/v1/apply?prune=a", "{\"objects\": []}");
    assert_call(f, 404, "GET", "/v1/ports/a", NULL);
    assert_call(f, 200, "GET", "/v1/networks/n", NULL);
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
        TEST(what_nothing_is_in_is_warned_of),
        TEST(interfaces_without_a_port_are_warned_of),
        TEST(group_that_is_emptied_is_warned_of),
        TEST(group_whose_listed_ports_go_is_warned_of),
        TEST(warnings_are_bounded),
        TEST(change_tells_which_fields_differ),
        TEST(changes_and_deletions_are_one_transaction),
        TEST(revision_shows_what_it_changed),
        TEST(list_of_revisions_shows_what_became_of_an_object),
        TEST(contents_of_a_list_are_bounded),
        TEST(undo_takes_a_change_back),
        TEST(undo_makes_again_what_was_deleted),
        TEST(undo_gives_back_the_set),
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
