/* SPDX-License-Identifier: Apache-2.0
 *
 * The northbound: objects that are written, read, listed and shown, the
 * summary, the page, backups and listeners. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <event2/event.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "controller/northbound/northbound-private.h"
#include "controller/page/page.h"
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

    /* A read is of the status, too: the tag has a digest behind that. */
    assert_call(f, 200, "GET", "/v1/networks/shop", NULL);
    etag[strlen(etag) - 3] = '-';
    etag[strlen(etag) - 2] = '\0';
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
what_is_there_is_not_created_again(void **state)
{
    static const char create[] = "If-None-Match: *\r\n";
    struct fixture *f = *state;

    assert_int_equal(call_with(f, "PUT", "/v1/networks/shop?dry_run=plan",
                               create, NET), 200);
    assert_text(f, "kind", "plan");
    assert_int_equal(call_with(f, "PUT", "/v1/networks/shop", create, NET),
                     201);
    assert_text(f, "kind", "change");
    assert_int_equal(call_with(f, "PUT", "/v1/networks/shop", create, NET),
                     412);
    assert_text(f, "type", "urn:vmn:problem:stale");
    assert_has(&f->client.body, "exists already");
    assert_int_equal(call_with(f, "PUT", "/v1/networks/shop?dry_run=plan",
                               create, NET), 412);
    assert_int_equal(call_with(f, "PATCH", "/v1/networks/shop", create,
                               "{\"spec\": {\"mtu\": 1300}}"), 400);
    assert_int_equal(call_with(f, "DELETE", "/v1/networks/shop", create,
                               NULL), 400);
    assert_int_equal(call_with(f, "PUT", "/v1/networks/new",
                               "If-None-Match: \"5\"\r\n", NET), 400);
    assert_call(f, 404, "GET", "/v1/networks/new", NULL);
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
    char *also = json_dumps(at(f, "also_changed"),
                            JSON_COMPACT | JSON_SORT_KEYS);
    assert_non_null(strstr(also, "{\"name\":\"web-1\",\"op\":\"delete\","
                           "\"type\":\"ports\"}"));
    assert_null(strstr(also, "shop"));
    free(also);
    assert_call(f, 404, "GET", "/v1/ports/web-1", NULL);
    assert_call(f, 404, "DELETE", "/v1/networks/shop", NULL);
}

#define WEB_1_OR_2 "did you mean \\\"web-1\\\" or \\\"web-2\\\"?"
/* Names that nothing has are answered with what is probably meant. */
static void
names_with_a_slip_are_recognized(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 404, "GET", "/v1/networks/shopp", NULL);
    assert_has(&f->client.body,
               "network \\\"shopp\\\" not found; did you mean \\\"shop\\\"?");
    assert_call(f, 404, "GET", "/v1/networks/bank", NULL);
    assert_has(&f->client.body, "network \\\"bank\\\" not found\"");
    /* Another number is another object. */
    assert_call(f, 404, "DELETE", "/v1/ports/web-9", NULL);
    assert_has(&f->client.body, "port \\\"web-9\\\" does not exist\"");
    assert_call(f, 404, "DELETE", "/v1/ports/wbe-1", NULL);
    assert_has(&f->client.body, "does not exist; " WEB_1_OR_2);
    assert_call(f, 400, "GET", "/v1/drops?port=wev-1", NULL);
    assert_has(&f->client.body, "not found; " WEB_1_OR_2);
    assert_call(f, 400, "PUT", "/v1/groups/g",
                "{\"spec\": {\"ports\": [\"web-l\", \"web1\"]}}");
    assert_has(&f->client.body, "\\\"web1\\\" does not exist; " WEB_1_OR_2);
    assert_call(f, 400, "POST", "/v1/trace", "{\"from\": \"web1\", "
                "\"to\": \"web-2\", \"protocol\": \"icmp\"}");
    assert_has(&f->client.body, WEB_1_OR_2);
}

/* Names that start alike come first; names with the same words are near. */
static void
equally_near_names_are_all_suggested(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 201, "PUT", "/v1/ports/acme-db1",
                "{\"spec\": {\"network\": \"shop\"}}");
    assert_call(f, 201, "PUT", "/v1/ports/acme-web1",
                "{\"spec\": {\"network\": \"shop\"}}");
    assert_call(f, 404, "DELETE", "/v1/ports/acme-wb1", NULL);
    assert_has(&f->client.body, "; did you mean \\\"acme-web1\\\" or "
               "\\\"acme-db1\\\"?");
    assert_call(f, 404, "GET", "/v1/ports/web1-acme", NULL);
    assert_has(&f->client.body, "; did you mean \\\"acme-web1\\\"?");
    /* What would harm the wrong one is not suggested one name alone. */
    assert_call(f, 404, "DELETE", "/v1/ports/web1-acme", NULL);
    assert_has(&f->client.body, "; did you mean \\\"acme-web1\\\" or "
               "\\\"acme-db1\\\"?");
    assert_call(f, 400, "PUT", "/v1/quarantines/q",
                "{\"spec\": {\"ports\": [\"acme-weeb1\"]}}");
    assert_has(&f->client.body, "; did you mean \\\"acme-web1\\\" or "
               "\\\"acme-db1\\\"?");
    assert_call(f, 404, "DELETE", "/v1/ports/acme", NULL);
    assert_has(&f->client.body, "; did you mean \\\"acme-db1\\\" or "
               "\\\"acme-web1\\\"?");
    assert_call(f, 200, "DELETE", "/v1/ports/acme-db1", NULL);
    assert_call(f, 404, "DELETE", "/v1/ports/acme-weeb1", NULL);
    assert_null(strstr(ds_cstr(&f->client.body), "did you mean"));
}

/* Comparing each word of long names would take too much of the loop's time. */
static void
names_of_many_words_are_compared_by_letters(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 404, "GET", "/v1/ports/1-web-web-web-web-web-web-web",
                NULL);
    assert_has(&f->client.body, "did you mean");
    assert_call(f, 404, "GET", "/v1/ports/1-web-web-web-web-web-web-web-web",
                NULL);
    assert_null(strstr(ds_cstr(&f->client.body), "did you mean"));
}

/* So are paths of which there are none. */
static void
paths_with_a_slip_are_recognized(void **state)
{
    static const struct {
        const char *method, *path, *says;
    } cases[] = {
        { "GET", "/v1/port/web1",
          "/v1/port/web1 not found; did you mean \\\"/v1/ports\\\"?\"" },
        { "PUT", "/v1/prots/web1", "did you mean \\\"/v1/ports\\\"?\"" },
        { "POST", "/v1/polcy", "did you mean \\\"/v1/policies\\\"?\"" },
        { "GET", "/v1/drop?port=a", "did you mean \\\"/v1/drops\\\"?\"" },
        { "GET", "/v1/ports/web1/x", "/v1/ports/web1/x not found\"" },
        { "GET", "/v1/weather", "/v1/weather not found\"" },
        { "GET", "/v1/", "/v1/ not found\"" },
        { "GET", "/port/a", "/port/a not found\"" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_call(f, 404, cases[i].method, cases[i].path, NULL);
        assert_has(&f->client.body, cases[i].says);
    }
}

/* What is being stored, or only tried, may never be, and may be another's. */
static void
slips_are_of_what_is_durable(void **state)
{
    struct fixture *f = *state;
    struct client c;

    make_shop(f);
    f->store.hold = true;
    send_only(f, "POST", "/v1/apply", "{\"objects\": ["
              "{\"type\": \"networks\", \"name\": \"bazaar\", \"spec\": "
              "{}}, {\"op\": \"delete\", \"type\": \"ports\", \"name\": "
              "\"web-1\"}]}");
    while (commit_is_quiescent(f->commit)) {
        client_turn(&f->client);
    }
    client_connect(&c, f->base, f->path);
    assert_int_equal(client_ask(&c, "GET /v1/networks/bazar HTTP/1.1\r\n"
                                "Host: vmnd\r\n\r\n"), 404);
    assert_has(&c.body, "network \\\"bazar\\\" not found\"");
    assert_int_equal(client_ask(&c, "GET /v1/ports/wbe-1 HTTP/1.1\r\n"
                                "Host: vmnd\r\n\r\n"), 404);
    assert_has(&c.body, WEB_1_OR_2);
    client_close(&c);
    f->store.hold = false;
    event_active(f->store.done, EV_TIMEOUT, 1);
    assert_int_equal(take_reply(f), 200);

    /* In a request it is what the request itself makes. */
    assert_call(f, 400, "POST", "/v1/apply", "{\"objects\": ["
                "{\"type\": \"groups\", \"name\": \"clients\", \"spec\": "
                "{}}, {\"type\": \"groups\", \"name\": \"all\", \"spec\": "
                "{\"groups\": [\"client\"]}}]}");
    assert_has(&f->client.body, "did you mean \\\"clients\\\"?");
}

/* The first errors of a request have suggestions: more would take the loop's
 * time. */
static void
the_first_errors_have_suggestions(void **state)
{
    struct fixture *f = *state;
    struct vmn_errors errors;

    make_shop(f);
    vmn_errors_init(&errors);
    for (size_t i = 0; i <= VMN_ERRORS_MAX; i++) {
        char *guess = model_suggestion_for(&errors, f->model, NULL,
                                           VMN_TABLE_PORT, "web1", true);

        assert_string_equal(guess, i < 4
                            ? "; did you mean \"web-1\" or \"web-2\"?" : "");
        vmn_errors_add(&errors, VMN_ERR_INVALID, "", "x%s", guess);
        free(guess);
    }
    vmn_errors_uninit(&errors);
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
    assert_has(&f->client.head, "Allow: GET, HEAD, PUT, PATCH, OPTIONS\r\n");
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
    assert_call(f, 200, "GET", "/v1/networks?limit=1001", NULL);
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
    /* A tier alone isolates, and no shadow. */
    assert_int_equal(json_array_size(at(f, "isolated_ingress")), 2);
    assert_text(f, "isolated_ingress.0", "a");
    assert_text(f, "isolated_ingress.1", "b");
    assert_int_equal(json_array_size(at(f, "isolated_egress")), 0);
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
    assert_int_equal(json_integer_value(at(f, "hosts.0.tunnel_bytes_per_s")),
                     7);

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
    assert_int_equal(json_integer_value(at(f,
                                           "balancers.degraded.0.backends")),
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
    struct vmn_error why = VMN_ERROR_INIT;
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
    vmn_error_errno(&why, ENOSPC, "no room for it");
    copied(f->store.copied_aux, size ? 0 : ENOSPC, size ? NULL : &why, fd);
    vmn_error_uninit(&why);
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

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(put_creates_then_changes_nothing),
        TEST(what_was_read_can_be_put_back),
        TEST(all_faults_are_told_at_once),
        TEST(patch_merges_into_the_spec),
        TEST(what_is_there_is_not_created_again),
        TEST(referred_object_is_deleted_only_with_cascade),
        TEST(names_with_a_slip_are_recognized),
        TEST(equally_near_names_are_all_suggested),
        TEST(names_of_many_words_are_compared_by_letters),
        TEST(paths_with_a_slip_are_recognized),
        TEST(slips_are_of_what_is_durable),
        TEST(the_first_errors_have_suggestions),
        TEST(apps_can_only_be_switched),
        TEST(lists_come_in_pages),
        TEST(page_that_takes_long_is_made_in_parts),
        TEST(lists_are_selected_by_label),
        TEST(status_names_members_and_backends),
        TEST(ports_are_listed_by_host_and_network),
        TEST(policies_of_a_port_are_told_in_their_order),
        TEST(summary_counts_what_there_is_where),
        TEST(page_needs_no_token_but_has_a_policy),
        TEST(backup_is_a_file),
        TEST(client_may_leave_its_backup),
        TEST(listeners_need_an_address_and_a_token),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
