/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON API over a raw client: objects, lists, transactions, backups, and
 * what is refused.  What is asked about the network's state is in
 * test-northbound-deferred.c. */

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

#include "controller/apphost/apphost.h"
#include "controller/commit/commit.h"
#include "controller/fabric/fabric-receipts.h"
#include "controller/flow/flow-item.h"
#include "controller/flow/learn-connection.h"
#include "controller/model/id-pools.h"
#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/northbound-private.h"
#include "controller/page/page.h"
#include "controller/schema/schema.h"
#include "fatal-signal.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "tests/unit/northbound-fixture.h"
#include "util.h"

/* Objects.  -------------------------------------------------------------- */

static void
put_creates_then_changes_nothing(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    assert_text(f, "outcome", "created");
    assert_text(f, "name", "shop");
    json_int_t first = revision(f);
    char *etag = xasprintf("ETag: \"%"PRId64"\"\r\n", (int64_t) first);
    assert_has(&f->client.head, etag);

    assert_call(f, 200, "PUT", "/v1/networks/shop", NET);
    assert_text(f, "outcome", "unchanged");
    assert_int_equal(revision(f), first);
    assert_has(&f->client.head, etag);

    assert_call(f, 200, "GET", "/v1/networks/shop", NULL);
    assert_has(&f->client.head, etag);
    assert_true(json_integer_value(at(f, "status.vni")) > 0);
    assert_int_equal(json_integer_value(at(f, "status.ports")), 0);

    assert_call(f, 200, "PUT", "/v1/networks/shop", "{\"spec\": {}}");
    assert_text(f, "outcome", "updated");
    assert_true(revision(f) > first);
    free(etag);
}

static void
what_was_read_can_be_put_back(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 200, "GET", "/v1/ports/web-1", NULL);
    char *body = xstrdup(ds_cstr(&f->client.body));
    assert_call(f, 200, "PUT", "/v1/ports/web-1", body);
    assert_text(f, "outcome", "unchanged");
    /* But not as another one. */
    assert_call(f, 400, "PUT", "/v1/ports/web-2", body);
    assert_error_at(f, "/name");
    free(body);
}

static void
all_faults_are_told_at_once(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 400, "PUT", "/v1/ports/web-1",
                "{\"spec\": {\"network\": 7, \"mac\": \"x\", \"colour\": 1},"
                " \"labels\": {}, \"what\": 1, \"metadata\": 3}");
    assert_has(&f->client.head, "application/problem+json");
    assert_text(f, "title", "Bad Request");
    assert_text(f, "type", "urn:vmn:problem:invalid");
    assert_error_at(f, "/spec/network");
    assert_error_at(f, "/spec/mac");
    assert_error_at(f, "/spec/colour");
    assert_error_at(f, "/labels");
    assert_error_at(f, "/what");
    assert_error_at(f, "/metadata");

    assert_call(f, 400, "PUT", "/v1/ports/web-1",
                "{\"spec\": {\"network\": 7, \"mac\": \"x\"}}");
    assert_error_at(f, "/spec/network");
    assert_error_at(f, "/spec/mac");
}

static void
patch_merges_into_the_spec(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 200, "PATCH", "/v1/ports/web-1",
                "{\"spec\": {\"labels\": {\"role\": null, \"env\": \"x\"},"
                " \"quarantined\": true}}");
    assert_text(f, "outcome", "updated");
    assert_text(f, "spec.labels.env", "x");
    assert_null(at(f, "spec.labels.role"));
    assert_true(json_is_true(at(f, "spec.quarantined")));
    assert_text(f, "spec.network", "shop");
    assert_call(f, 404, "PATCH", "/v1/ports/none", "{\"spec\": {}}");
    assert_call(f, 400, "PATCH", "/v1/ports/web-1", "{\"spec\": null}");
}

static void
stale_if_match_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    char *old = xasprintf("If-Match: \"%"PRId64"\"\r\n",
                          (int64_t) revision(f));
    assert_int_equal(call_with(f, "PATCH", "/v1/networks/shop", old,
                               "{\"spec\": {\"mtu\": 1400}}"), 200);
    assert_int_equal(call_with(f, "PATCH", "/v1/networks/shop", old,
                               "{\"spec\": {\"mtu\": 1300}}"), 412);
    assert_text(f, "type", "urn:vmn:problem:stale");
    assert_int_equal(call_with(f, "DELETE", "/v1/networks/shop", old, NULL),
                     412);
    assert_int_equal(call_with(f, "PUT", "/v1/networks/new",
                               "If-Match: *\r\n", NET), 412);
    assert_int_equal(call_with(f, "PUT", "/v1/networks/shop",
                               "If-Match: 7\r\n", NET), 400);
    assert_call(f, 200, "GET", "/v1/networks/shop", NULL);
    assert_int_equal(json_integer_value(at(f, "spec.mtu")), 1400);
    free(old);
}

static void
referred_object_is_deleted_only_with_cascade(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 409, "DELETE", "/v1/networks/shop", NULL);
    assert_has(&f->client.body, "web-1");
    assert_call(f, 400, "DELETE", "/v1/networks/shop?cascade=yes", NULL);
    assert_call(f, 200, "DELETE", "/v1/networks/shop?cascade=true", NULL);
    assert_text(f, "outcome", "deleted");
    char *also = json_dumps(at(f, "also_changed"), JSON_COMPACT | JSON_SORT_KEYS);
    assert_non_null(strstr(also, "{\"name\":\"web-1\",\"op\":\"delete\","
                           "\"type\":\"ports\"}"));
    assert_null(strstr(also, "shop"));
    free(also);
    assert_call(f, 404, "GET", "/v1/ports/web-1", NULL);
    assert_call(f, 404, "DELETE", "/v1/networks/shop", NULL);
}

static void
apps_can_only_be_switched(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "GET", "/v1/apps/overlay", NULL);
    assert_true(json_is_true(at(f, "spec.enabled")));
    assert_text(f, "status.description", "Nothing at all");
    assert_call(f, 200, "PATCH", "/v1/apps/overlay",
                "{\"spec\": {\"enabled\": false}}");
    assert_call(f, 400, "PATCH", "/v1/apps/overlay",
                "{\"spec\": {\"description\": \"x\"}}");
    assert_call(f, 405, "DELETE", "/v1/apps/overlay", NULL);
    assert_has(&f->client.head, "Allow: GET, PUT, PATCH\r\n");
    assert_call(f, 404, "PUT", "/v1/apps/new", "{\"spec\": {}}");
}

/* Lists.  ---------------------------------------------------------------- */

static void
lists_come_in_pages(void **state)
{
    struct fixture *f = *state;
    struct ds names = DS_EMPTY_INITIALIZER;
    char *path = xstrdup("/v1/networks?limit=2");

    for (int i = 0; i < 5; i++) {
        char *name = xasprintf("/v1/networks/n%d", i);

        assert_call(f, 201, "PUT", name, "{\"spec\": {}}");
        free(name);
    }
    for (;;) {
        json_t *item;
        size_t i;

        assert_call(f, 200, "GET", path, NULL);
        json_array_foreach (at(f, "items"), i, item) {
            ds_put_format(&names, "%s ", json_string_value(
                json_object_get(item, "name")));
        }
        const char *next = json_string_value(at(f, "next"));
        if (!next) {
            break;
        }
        free(path);
        path = xasprintf("/v1/networks?limit=2&after=%s", next);
    }
    assert_string_equal(ds_cstr(&names), "n0 n1 n2 n3 n4 ");
    ds_destroy(&names);
    free(path);
    assert_call(f, 200, "GET", "/v1/networks?limit=5", NULL);
    assert_null(at(f, "next"));
    assert_call(f, 400, "GET", "/v1/networks?limit=0", NULL);
    assert_call(f, 400, "GET", "/v1/networks?limit=1001", NULL);
}

/* From now on each turn has been too long. */
static struct loop *
make_turns_over(struct fixture *f)
{
    struct loop *loop = loop_create();

    while (!loop_turn_is_over(loop)) {
        continue;
    }
    f->nb->loop = loop;
    return loop;
}

static void
page_that_takes_long_is_made_in_parts(void **state)
{
    struct fixture *f = *state;
    struct ds apply = DS_EMPTY_INITIALIZER;
    struct http_stats stats;
    struct loop *loop;

    ds_put_cstr(&apply, "{\"objects\": [");
    for (int i = 0; i < 100; i++) {
        ds_put_format(&apply, "%s{\"type\":\"networks\",\"name\":\"n%02d\","
                      "\"spec\":{\"labels\":{\"odd\":\"%d\"}}},"
                      "{\"type\":\"ports\",\"name\":\"p%02d\",\"spec\":{"
                      "\"network\":\"n00\",\"labels\":{\"odd\":\"%d\"}}}",
                      i ? "," : "", i, i % 2, i, i % 2);
    }
    ds_put_cstr(&apply, "]}");
    assert_call(f, 200, "POST", "/v1/apply", ds_cstr(&apply));
    ds_destroy(&apply);
    loop = make_turns_over(f);

    assert_call(f, 200, "GET", "/v1/networks?limit=90", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 90);
    assert_text(f, "items.0.name", "n00");
    assert_text(f, "items.89.name", "n89");
    assert_text(f, "next", "n89");
    assert_call(f, 200, "GET", "/v1/networks?limit=60&selector=odd=1", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 50);
    assert_text(f, "items.49.name", "n99");
    assert_null(at(f, "next"));
    assert_call(f, 200, "GET", "/v1/ports?limit=40&selector=odd=1&after=p03",
                NULL);
    assert_int_equal(json_array_size(at(f, "items")), 40);
    assert_text(f, "items.0.name", "p05");
    assert_text(f, "next", "p83");

    /* The client leaves in between. */
    send_only(f, "GET", "/v1/networks", NULL);
    event_base_loop(f->base, EVLOOP_ONCE);
    client_close(&f->client);
    client_connect(&f->client, f->base, f->path);
    assert_call(f, 200, "GET", "/v1/networks/n00", NULL);
    http_server_get_stats(f->nb->http, &stats);
    assert_int_equal(stats.n_gone, 1);
    f->nb->loop = NULL;
    loop_destroy(loop);
}

static void
lists_are_selected_by_label(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 200, "GET", "/v1/ports?selector=role%3Dweb", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 2);
    assert_call(f, 200, "GET", "/v1/ports?selector=role!=web", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 1);
    assert_text(f, "items.0.name", "db-1");
    assert_text(f, "items.0.status.state", "unbound");
    assert_call(f, 200, "GET", "/v1/ports?selector=role=web&limit=1", NULL);
    assert_text(f, "items.0.name", "web-1");
    assert_text(f, "next", "web-1");
    assert_call(f, 200, "GET", "/v1/ports?selector=role=web&after=web-1",
                NULL);
    assert_text(f, "items.0.name", "web-2");
    assert_null(at(f, "next"));
    assert_call(f, 200, "GET", "/v1/ports?selector=", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 3);
    assert_call(f, 200, "GET", "/v1/networks?selector=role", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 0);
    assert_call(f, 400, "GET", "/v1/ports?selector=%3D%3D", NULL);
}

static void
status_names_members_and_backends(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 201, "PUT", "/v1/groups/g", "{\"spec\": {\"selector\":"
                " \"role=web\", \"ports\": [\"db-1\", \"web-1\"]}}");
    assert_int_equal(json_integer_value(at(f, "status.n_members")), 3);
    assert_text(f, "status.members.0", "db-1");
    assert_text(f, "status.members.2", "web-2");
    assert_call(f, 201, "PUT", "/v1/groups/all", "{\"spec\": {\"groups\":"
                " [\"g\"], \"ports\": [\"web-2\"]}}");
    assert_int_equal(json_integer_value(at(f, "status.n_members")), 3);
    assert_text(f, "status.members.0", "db-1");
    assert_text(f, "status.members.2", "web-2");
    assert_call(f, 201, "PUT", "/v1/loadbalancers/lb", "{\"spec\": {\"vip\":"
                " \"10.0.0.100\", \"networks\": [\"shop\"], \"protocol\":"
                " \"tcp\", \"ports\": [{\"port\": 80}], \"selector\":"
                " \"role=web\"}}");
    assert_int_equal(json_array_size(at(f, "status.backends")), 2);
    assert_text(f, "status.backends.0.port", "web-1");
    assert_text(f, "status.backends.0.reason", "it is not bound to a host");
    assert_text(f, "status.backends.0.state", "idle");
    assert_int_equal(json_integer_value(at(f, "status.n_serving")), 0);
    assert_int_equal(json_integer_value(at(f, "status.load.connections")), 2);
    assert_call(f, 201, "PUT", "/v1/groups/none", "{\"spec\": {\"selector\":"
                " \"role=nobody\"}}");
    assert_int_equal(json_integer_value(at(f, "status.n_members")), 0);
}

static void
ports_are_listed_by_host_and_network(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 201, "PUT", "/v1/networks/other", NET);
    assert_call(f, 201, "PUT", "/v1/ports/o-1",
                "{\"spec\": {\"network\": \"other\", \"labels\":"
                " {\"role\": \"web\"}}}");
    assert_call(f, 201, "PUT", "/v1/hosts/h1", "{\"spec\": {\"ovsdb\":"
                " \"inbound\", \"tunnel_ip\": \"10.9.0.1\"}}");
    assert_call(f, 200, "GET", "/v1/ports?network=shop&limit=2", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 2);
    assert_text(f, "items.0.name", "db-1");
    assert_text(f, "next", "web-1");
    assert_call(f, 200, "GET", "/v1/ports?network=shop&after=web-1", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 1);
    assert_null(at(f, "next"));
    assert_call(f, 200, "GET", "/v1/ports?network=other&selector=role=web",
                NULL);
    assert_int_equal(json_array_size(at(f, "items")), 1);
    assert_text(f, "items.0.name", "o-1");
    /* Nobody is on it. */
    assert_call(f, 200, "GET", "/v1/ports?host=h1", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 0);
    assert_call(f, 400, "GET", "/v1/ports?host=h9", NULL);
    assert_call(f, 400, "GET", "/v1/ports?network=nowhere", NULL);
    assert_call(f, 400, "GET", "/v1/groups?network=shop", NULL);
}

static void
policies_of_a_port_are_told_in_their_order(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 200, "POST", "/v1/apply", "{\"objects\": ["
                "{\"type\": \"groups\", \"name\": \"web\","
                " \"spec\": {\"selector\": \"role=web\"}},"
                "{\"type\": \"groups\", \"name\": \"named\","
                " \"spec\": {\"ports\": [\"web-1\"]}},"
                "{\"type\": \"groups\", \"name\": \"outer\","
                " \"spec\": {\"groups\": [\"middle\"]}},"
                "{\"type\": \"groups\", \"name\": \"middle\","
                " \"spec\": {\"groups\": [\"named\"]}},"
                "{\"type\": \"groups\", \"name\": \"db\","
                " \"spec\": {\"selector\": \"role=db\"}},"
                "{\"type\": \"policies\", \"name\": \"z-first\","
                " \"spec\": {\"tier\": \"security\", \"applies_to\": [\"db\", \"outer\"],"
                " \"rules\": [{\"direction\": \"ingress\","
                " \"action\": \"deny\"}]}},"
                "{\"type\": \"policies\", \"name\": \"c\","
                " \"spec\": {\"priority\": 3, \"applies_to\": [\"web\"], \"mode\": \"shadow\"}},"
                "{\"type\": \"policies\", \"name\": \"b\","
                " \"spec\": {\"priority\": 3, \"applies_to\": [\"web\"]}},"
                "{\"type\": \"policies\", \"name\": \"a\","
                " \"spec\": {\"priority\": 4, \"applies_to\": [\"web\"]}},"
                "{\"type\": \"policies\", \"name\": \"other\","
                " \"spec\": {\"applies_to\": [\"db\"]}}]}");
    assert_call(f, 200, "GET", "/v1/ports/web-1/policies", NULL);
    assert_int_equal(json_array_size(at(f, "groups")), 4);
    assert_text(f, "groups.0", "middle");
    assert_text(f, "groups.3", "web");
    assert_int_equal(json_array_size(at(f, "policies")), 4);
    assert_text(f, "policies.0.name", "z-first");
    assert_text(f, "policies.0.tier", "security");
    assert_text(f, "policies.1.name", "b");
    assert_text(f, "policies.1.mode", "enforce");
    assert_text(f, "policies.2.name", "c");
    assert_text(f, "policies.2.mode", "shadow");
    assert_text(f, "policies.3.name", "a");
    assert_call(f, 200, "GET", "/v1/ports/db-1/policies", NULL);
    assert_int_equal(json_array_size(at(f, "groups")), 1);
    assert_int_equal(json_array_size(at(f, "policies")), 2);
    assert_call(f, 404, "GET", "/v1/ports/nobody/policies", NULL);
}

static void
summary_counts_what_there_is_where(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 201, "PUT", "/v1/networks/empty", NET);
    assert_call(f, 201, "PUT", "/v1/hosts/h1", "{\"spec\": {\"ovsdb\":"
                " \"inbound\", \"tunnel_ip\": \"10.9.0.1\"}}");
    assert_call(f, 200, "PATCH", "/v1/ports/db-1",
                "{\"spec\": {\"quarantined\": true, \"enabled\": false}}");
    assert_call(f, 201, "PUT", "/v1/loadbalancers/lb", "{\"spec\": {\"vip\":"
                " \"10.0.0.100\", \"networks\": [\"shop\"], \"protocol\":"
                " \"tcp\", \"ports\": [{\"port\": 80}], \"selector\":"
                " \"role=web\"}}");
    assert_call(f, 200, "GET", "/v1/summary", NULL);
    assert_int_equal(json_integer_value(at(f, "ports.unbound")), 3);
    assert_int_equal(json_integer_value(at(f, "ports.up")), 0);
    assert_int_equal(json_integer_value(at(f, "ports.quarantined")), 1);
    assert_int_equal(json_integer_value(at(f, "ports.disabled")), 1);
    assert_text(f, "hosts.0.name", "h1");
    assert_text(f, "hosts.0.state", "offline");
    assert_text(f, "hosts.0.reason", "h1");
    assert_int_equal(json_integer_value(at(f, "hosts.0.ports")), 0);
    assert_int_equal(json_integer_value(at(f, "hosts.0.tunnel_bytes_per_s")), 7);

    /* Those with most ports first; nobody is on a host. */
    assert_int_equal(json_integer_value(at(f, "n_networks")), 2);
    assert_text(f, "networks.0.name", "shop");
    assert_int_equal(json_integer_value(at(f, "networks.0.ports")), 3);
    assert_text(f, "networks.1.name", "empty");
    assert_int_equal(json_array_size(at(f, "placements")), 1);
    assert_int_equal(json_integer_value(at(f, "placements.0.0")), -1);
    assert_int_equal(json_integer_value(at(f, "placements.0.1")), 0);
    assert_int_equal(json_integer_value(at(f, "placements.0.2")), 3);
    assert_int_equal(json_integer_value(at(f, "balancers.total")), 1);
    assert_int_equal(json_integer_value(at(f, "balancers.idle")), 1);
    assert_text(f, "balancers.degraded.0.name", "lb");
    assert_int_equal(json_integer_value(at(f, "balancers.degraded.0.backends")),
                     2);
    assert_call(f, 200, "GET", "/v1/summary?limit=1", NULL);
    assert_int_equal(json_array_size(at(f, "networks")), 1);
    assert_int_equal(json_integer_value(at(f, "n_networks")), 2);
    assert_call(f, 400, "GET", "/v1/summary?limit=0", NULL);
}

static void
page_needs_no_token_but_has_a_policy(void **state)
{
    struct fixture *f = *state;

    client_say(&f->client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(client_reply(&f->client), page_n_files ? 200 : 404);
    if (page_n_files) {
        assert_has(&f->client.head, "Content-Type: text/html");
        assert_has(&f->client.head, "Content-Security-Policy: default-src"
                   " 'none'; script-src 'self';");
        assert_has(&f->client.head, "X-Content-Type-Options: nosniff");
        assert_has(&f->client.head, "Referrer-Policy: no-referrer");
        assert_has(&f->client.body, "/page/page.js");
    }
    client_say(&f->client, "GET /page/page.js HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(client_reply(&f->client), page_n_files ? 200 : 404);
    client_say(&f->client, "GET /page/..%2fx HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(client_reply(&f->client), 404);
}

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

/* Backups.  --------------------------------------------------------------- */

static void
turn_until_copy(struct fixture *f)
{
    while (!f->store.copied) {
        client_turn(&f->client);
    }
}

/* Ends the copy: with 'size' bytes, or an error if 'size' is 0. */
static void
finish_copy(struct fixture *f, size_t size)
{
    char path[] = "/tmp/vmn-nb-XXXXXX";
    store_copied_cb *copied = f->store.copied;
    int fd = -1;

    if (size) {
        char *data = xmalloc(size);

        fd = mkstemp(path);
        unlink(path);
        memset(data, 'x', size);
        assert_int_equal(write(fd, data, size), size);
        free(data);
    }
    f->store.copied = NULL;
    copied(f->store.copied_aux, size ? 0 : ENOSPC,
           size ? NULL : "no room for it", fd);
}

static void
backup_is_a_file(void **state)
{
    struct fixture *f = *state;
    size_t size = 3000000;

    send_only(f, "GET", "/v1/backup", NULL);
    turn_until_copy(f);
    finish_copy(f, size);
    assert_int_equal(take_reply(f), 200);
    assert_has(&f->client.head, "Content-Type: application/vnd.sqlite3\r\n");
    assert_int_equal(f->client.body.length, size);
    assert_int_equal(strspn(ds_cstr(&f->client.body), "x"), size);
    /* The connection goes on. */
    assert_call(f, 200, "GET", "/healthz", NULL);

    send_only(f, "GET", "/v1/backup", NULL);
    turn_until_copy(f);
    finish_copy(f, 0);
    assert_int_equal(take_reply(f), 503);
    assert_has(&f->client.body, "no room for it");
}

static void
client_may_leave_its_backup(void **state)
{
    struct fixture *f = *state;

    send_only(f, "GET", "/v1/backup", NULL);
    turn_until_copy(f);
    client_close(&f->client);
    client_connect(&f->client, f->base, f->path);
    assert_call(f, 503, "GET", "/v1/backup", NULL);
    assert_has(&f->client.body, "another backup is being made");
    finish_copy(f, 10);
    send_only(f, "GET", "/v1/backup", NULL);
    turn_until_copy(f);
    finish_copy(f, 10);
    assert_int_equal(take_reply(f), 200);
}

static void
listeners_need_an_address_and_a_token(void **state)
{
    static const struct northbound_options bad[] = {
        { 0 },
        { .tcp_listen = "127.0.0.1:0" },
        { .tcp_listen = "0.0.0.0:0", .token_file = "/dev/null" },
        { .unix_path = "/nonexistent/sock" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct vmn_error why = VMN_ERROR_INIT;
        struct northbound *nb;

        assert_true(northbound_create(&bad[i], f->base, f->model, f->engine,
                                      f->commit, &fake_fabric,
                                      &fake_store_class, &f->store,
                                      f->apphost, &nb, &why) != 0);
        assert_null(nb);
        assert_non_null(why.text);
        vmn_error_uninit(&why);
    }
}

/* The reference.  -------------------------------------------------------- */

/* Fails unless 'section' has a row for each field. */
static void
check_fields(const char *section, const struct schema_struct *s,
             const char *prefix)
{
    for (const struct schema_field *f = s->fields; f->name; f++) {
        bool list = (f->flags & SCHEMA_LIST) != 0;
        char *row = xasprintf("\n| `%s%s` |", prefix, f->name);
        char *inner = xasprintf("%s%s%s.", prefix, f->name, list ? "[]" : "");

        /* These two are said once for all. */
        if (!strstr(section, row) && strcmp(f->name, "description")
            && strcmp(f->name, "labels")) {
            fail_msg("docs/api-reference.md has no row \"%s\" in \"%.20s\"", row + 1,
                     section + 1);
        }
        if (f->type == SCHEMA_STRUCT) {
            check_fields(section, f->nested, inner);
        }
        free(row);
        free(inner);
    }
}

static void
reference_has_every_field(void **state OVS_UNUSED)
{
    FILE *stream = fopen(TEST_SRCDIR "/docs/api-reference.md", "r");
    struct ds doc = DS_EMPTY_INITIALIZER;
    char buf[4096];
    size_t n;

    assert_non_null(stream);
    while ((n = fread(buf, 1, sizeof buf, stream)) > 0) {
        ds_put_buffer(&doc, buf, n);
    }
    fclose(stream);
    for (int i = 0; i < VMN_N_TABLES; i++) {
        const struct schema_table *table = schema_tables[i];
        char *heading = xasprintf("\n## %s\n", table->plural);
        const char *start = strstr(ds_cstr(&doc), heading);

        if (!table->observed) {
            assert_non_null(start);
            const char *end = strstr(start + 1, "\n## ");
            char *section = xmemdup0(start, end ? (size_t) (end - start)
                                            : strlen(start));
            check_fields(section, &table->row, "");
            free(section);
        }
        free(heading);
    }
    ds_destroy(&doc);
}

/* Where there is no 'about', the API's description has no such call. */
static void
every_call_says_what_it_is_for(void **state)
{
    struct fixture *f = *state;
    size_t n;
    struct http_route *routes = nb_routes_make(&n);

    for (size_t i = 0; i < n; i++) {
        const struct nb_operation *about = routes[i].about;

        if (!about || !about->summary) {
            fail_msg("%s has no 'about'", routes[i].pattern);
        }
        assert_true(!about->body || routes[i].takes_body);
    }
    nb_routes_destroy(routes, n);
    assert_call(f, 200, "GET", "/v1/openapi.json", NULL);
    assert_text(f, "openapi", "3.1.0");
    assert_call(f, 400, "GET", "/v1/openapi.json?x=1", NULL);
}

/* The table of bad requests.  -------------------------------------------- */

/* The request of 'test': its "raw" text, or made of method, path, headers and
 * body.  "fill" in a text is replaced by "fill_n" times "fill_with". */
static char *
request_of(const json_t *test)
{
    const char *raw = json_string_value(json_object_get(test, "raw"));
    const char *text = json_string_value(json_object_get(test, "text"));
    const char *headers = json_string_value(json_object_get(test,
                                                            "headers"));
    const char *with = json_string_value(json_object_get(test, "fill_with"));
    json_int_t n = json_integer_value(json_object_get(test, "fill_n"));
    json_t *body = json_object_get(test, "body");
    char *dumped = body ? json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY)
                   : NULL;
    struct ds ds = DS_EMPTY_INITIALIZER;
    const char *content = text ? text : dumped;

    if (content && with) {
        const char *at_ = strstr(content, "@FILL@");

        ds_put_buffer(&ds, content, at_ - content);
        for (json_int_t i = 0; i < n; i++) {
            ds_put_cstr(&ds, with);
        }
        ds_put_cstr(&ds, at_ + 6);
        content = ds_cstr(&ds);
    }
    char *request = raw ? xstrdup(raw)
        : make_request(json_string_value(json_object_get(test, "method")),
                       json_string_value(json_object_get(test, "path")),
                       headers ? headers : "", content);
    ds_destroy(&ds);
    free(dumped);
    return request;
}

static void
check_bad_request(struct fixture *f, const json_t *test)
{
    const char *name = json_string_value(json_object_get(test, "name"));
    json_int_t want = json_integer_value(json_object_get(test, "status"));
    const char *says = json_string_value(json_object_get(test, "says"));
    char *request = request_of(test);
    json_t *pointer;
    size_t i;

    client_close(&f->client);
    client_connect(&f->client, f->base, f->path);
    client_say(&f->client, request);
    free(request);
    int status = take_reply(f);
    if (status != want) {
        fail_msg("%s: %d instead of %d: %s", name, status, (int) want,
                 f->client.body.length ? ds_cstr(&f->client.body) : "");
    }
    if (!json_is_string(at(f, "detail")) || !json_is_string(at(f, "type"))
        || json_integer_value(at(f, "status")) != want) {
        fail_msg("%s: not a problem: %s", name, ds_cstr(&f->client.body));
    }
    if (says && !strstr(ds_cstr(&f->client.body), says)) {
        fail_msg("%s: does not say \"%s\": %s", name, says,
                 ds_cstr(&f->client.body));
    }
    json_array_foreach (json_object_get(test, "at"), i, pointer) {
        if (!has_error_at(f, json_string_value(pointer))) {
            fail_msg("%s: no error at %s: %s", name,
                     json_string_value(pointer), ds_cstr(&f->client.body));
        }
    }
}

static void
bad_requests_are_refused_one_by_one(void **state)
{
    struct fixture *f = *state;
    json_error_t error;
    json_t *table = json_load_file(TEST_SRCDIR "/tests/unit/"
                                   "bad-requests.json",
                                   JSON_REJECT_DUPLICATES, &error);
    json_t *tests, *test;
    size_t i;

    if (!table) {
        fail_msg("line %d: %s", error.line, error.text);
    }
    char *body = json_dumps(json_object_get(table, "setup"), 0);
    assert_call(f, 200, "POST", "/v1/apply", body);
    free(body);
    assert_call(f, 200, "GET", "/v1/status", NULL);
    uint64_t before = model_revision(f->model);

    tests = json_object_get(table, "tests");
    assert_true(json_array_size(tests) >= 100);
    json_array_foreach (tests, i, test) {
        check_bad_request(f, test);
    }
    print_message("%"PRIuSIZE" requests\n", json_array_size(tests));

    /* None of them changed anything, and the server goes on. */
    assert_int_equal(model_revision(f->model), before);
    client_close(&f->client);
    client_connect(&f->client, f->base, f->path);
    assert_call(f, 201, "PUT", "/v1/networks/after", NET);
    json_decref(table);
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(put_creates_then_changes_nothing),
        TEST(what_was_read_can_be_put_back),
        TEST(all_faults_are_told_at_once),
        TEST(patch_merges_into_the_spec),
        TEST(stale_if_match_is_refused),
        TEST(referred_object_is_deleted_only_with_cascade),
        TEST(apps_can_only_be_switched),
        TEST(lists_come_in_pages),
        TEST(page_that_takes_long_is_made_in_parts),
        TEST(lists_are_selected_by_label),
        TEST(status_names_members_and_backends),
        TEST(ports_are_listed_by_host_and_network),
        TEST(policies_of_a_port_are_told_in_their_order),
        TEST(summary_counts_what_there_is_where),
        TEST(page_needs_no_token_but_has_a_policy),
        TEST(apply_takes_objects_in_any_order),
        TEST(apply_is_all_or_nothing),
        TEST(apply_prunes_what_the_set_no_longer_names),
        TEST(plan_tells_and_changes_nothing),
        TEST(plan_knows_what_goes_along),
        TEST(change_that_is_only_tried_leaves_nothing),
        TEST(wait_answers_with_the_receipt),
        TEST(client_that_leaves_ends_its_wait),
        TEST(change_outlives_a_client_that_leaves),
        TEST(northbound_may_go_with_changes_in_flight),
        TEST(long_lists_are_applied_in_slices),
        TEST(client_of_a_long_list_may_leave_at_any_time),
        TEST(change_that_cannot_be_stored_is_undone),
        TEST(backup_is_a_file),
        TEST(client_may_leave_its_backup),
        TEST(listeners_need_an_address_and_a_token),
        cmocka_unit_test(reference_has_every_field),
        TEST(every_call_says_what_it_is_for),
        TEST(bad_requests_are_refused_one_by_one),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
