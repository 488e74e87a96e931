/* SPDX-License-Identifier: Apache-2.0
 *
 * The northbound: what changes made of objects, field by field, as replies and
 * the log have it, and undoing them. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fatal-signal.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "tests/unit/northbound-fixture.h"
#include "util.h"

#define APPLY "{\"objects\": ["                                             \
    "{\"type\": \"ports\", \"name\": \"a\", \"spec\": {\"network\": \"n\"}}," \
    "{\"type\": \"networks\", \"name\": \"n\", \"spec\": {}}]}"

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

/* With force, what is there still is taken back, and what was deleted since
 * stays deleted: a mirror that was there for a minute, say. */
static void
undo_of_what_was_deleted_since_takes_force(void **state)
{
    struct fixture *f = *state;
    char *undo, *forced;

    assert_call(f, 200, "POST", "/v1/apply", "{\"objects\": ["
                "{\"type\": \"networks\", \"name\": \"a\", \"spec\": {}},"
                "{\"type\": \"networks\", \"name\": \"b\", \"spec\": {}}]}");
    assert_call(f, 200, "POST", "/v1/apply", "{\"objects\": ["
                "{\"type\": \"networks\", \"name\": \"a\", \"spec\":"
                " {\"mtu\": 1300}},"
                "{\"type\": \"networks\", \"name\": \"b\", \"spec\":"
                " {\"mtu\": 1300}}]}");
    undo = xasprintf("/v1/revisions/%d/undo", (int) revision(f));
    forced = xasprintf("%s?force=true", undo);
    assert_call(f, 200, "DELETE", "/v1/networks/b", NULL);
    assert_call(f, 409, "POST", undo, NULL);
    assert_has(&f->client.body, "\\\"b\\\" was deleted after revision");
    for (int i = 0; i < 2; i++) {
        char *path = xasprintf("%s%s", forced, i ? "" : "&dry_run=plan");

        assert_call(f, 200, "POST", path, NULL);
        assert_int_equal(json_array_size(at(f, "warnings")), 1);
        assert_has(&f->client.body, "network \\\"b\\\" was deleted after ");
        assert_has(&f->client.body, ", and stays deleted");
        free(path);
    }
    assert_call(f, 200, "GET", "/v1/networks/a", NULL);
    assert_null(at(f, "spec.mtu"));
    assert_call(f, 404, "GET", "/v1/networks/b", NULL);
    assert_call(f, 200, "DELETE", "/v1/networks/a", NULL);
    assert_call(f, 409, "POST", forced, NULL);
    assert_has(&f->client.body, "changed nothing that is there any more");
    free(forced);
    free(undo);
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

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(change_tells_which_fields_differ),
        TEST(revision_shows_what_it_changed),
        TEST(list_of_revisions_shows_what_became_of_an_object),
        TEST(contents_of_a_list_are_bounded),
        TEST(undo_takes_a_change_back),
        TEST(undo_makes_again_what_was_deleted),
        TEST(undo_of_what_was_deleted_since_takes_force),
        TEST(undo_gives_back_the_set),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
