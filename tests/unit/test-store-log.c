/* SPDX-License-Identifier: Apache-2.0
 *
 * The SQLite store's log of revisions: what it tells of them, with receipts
 * and contents. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "controller/schema/schema-log.h"
#include "controller/store/store-private.h"
#include "controller/store/store.h"
#include "tests/unit/model-util.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/store-fixture.h"
#include "util.h"

static json_t *
read_log(struct fixture *f, uint64_t revision)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    json_t *json = NULL;
    struct vmn_error why = VMN_ERROR_INIT;
    int error = store_sqlite_class.log(f->store, revision, &ds, &why);

    assert_true(!error || error == ENOENT);
    assert_null(why.text);
    if (!error) {
        ds_put_char(&ds, '}');
        json = json_loads(ds_cstr(&ds), 0, NULL);
        assert_non_null(json);
    }
    ds_destroy(&ds);
    return json;
}

static void
log_tells_revisions(void **state)
{
    struct fixture *f = *state;
    json_t *entry, *list;

    store_apply(f, base_rows);
    store_apply(f, "put vifs h1/p1 {'host':'h1','iface_id':'p1','iface':'t',"
                "'ofport':1}");
    store_apply(f, "delete policies pol");
    assert_int_equal(submit(f), 0);

    entry = read_log(f, 3);
    char *text = json_dumps(entry, JSON_COMPACT);
    assert_string_equal(text, "{\"revision\":3,"
                        "\"time\":\"1970-01-01T00:00:01.000Z\","
                        "\"who\":\"unix:uid=0\",\"changes\":["
                        "{\"op\":\"delete\",\"type\":\"policies\","
                        "\"name\":\"pol\"}]}");
    free(text);
    json_decref(entry);

    /* Revision 2 touched nothing that is stored. */
    assert_null(read_log(f, 2));
    assert_null(read_log(f, 4));
    assert_null(read_log(f, UINT64_MAX));
    list = read_logs(f, 0, 100);
    assert_int_equal(json_array_size(list), 2);
    json_decref(list);
    list = read_logs(f, 1, 100);
    assert_int_equal(json_array_size(list), 1);
    json_decref(list);
    list = read_logs(f, 0, 1);
    assert_int_equal(json_integer_value(json_object_get(
        json_array_get(list, 0), "revision")), 1);
    json_decref(list);
}

/* Changes something, with a comment. */
static void
apply_with_comment(struct fixture *f, const char *comment, const char *text)
{
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision;

    vmn_errors_init(&errors);
    model_request_init(&request, "unix:uid=0");
    model_util_parse(&request, text);
    request.comment = nullable_xstrdup(comment);
    assert_int_equal(model_apply(f->model, &request, 1000, &revision,
                                 &errors), 0);
    model_request_uninit(&request);
    vmn_errors_uninit(&errors);
    assert_int_equal(submit(f), 0);
}

static void
assert_comment(struct fixture *f, uint64_t revision, const char *comment)
{
    json_t *entry = read_log(f, revision);
    const char *found = json_string_value(json_object_get(entry, "comment"));

    if (comment) {
        assert_string_equal(found, comment);
    } else {
        assert_null(found);
    }
    json_decref(entry);
}

struct entries {
    uint64_t revisions[8];
    size_t n;
    const char *comment;        /* Of the first revision. */
};

static void
entry_cb(void *entries_, const struct schema_log_entry *entry)
{
    struct entries *entries = entries_;

    assert_int_equal(entry->time, 1000);
    assert_string_equal(entry->who, "unix:uid=0");
    assert_non_null(strstr(entry->changes, "\"networks\""));
    if (entry->revision == 1) {
        assert_string_equal(entry->comment, entries->comment);
    } else {
        assert_null(entry->comment);
    }
    entries->revisions[entries->n++] = entry->revision;
}

/* Of revisions 1 and 2, entry by entry. */
static void
check_each(struct fixture *f, const char *comment)
{
    for (uint64_t after = 0; after <= 3; after++) {
        for (size_t max = 0; max <= 3; max++) {
            size_t left = after < 2 ? 2 - after : 0, n;
            struct entries entries = { .comment = comment };

            assert_int_equal(store_sqlite_class.each_log(
                f->store, after, max, entry_cb, &entries, NULL), 0);
            assert_int_equal(entries.n, MIN(left, max));
            for (size_t i = 0; i < entries.n; i++) {
                assert_int_equal(entries.revisions[i], after + 1 + i);
            }
            assert_int_equal(store_sqlite_class.count_logs(
                f->store, after, max, &n, NULL), 0);
            assert_int_equal(n, MIN(left, max));
        }
    }
}

static void
log_has_the_comments_of_changes(void **state)
{
    static const char comment[] = "CHG-17: \"a\" \xc3\xa4 \\ b";
    struct fixture *f = *state;

    apply_with_comment(f, comment, "put networks a {}");
    apply_with_comment(f, NULL, "put networks b {}");
    for (int i = 0; i < 2; i++) {
        assert_comment(f, 1, comment);
        assert_comment(f, 2, NULL);
        json_t *list = read_logs(f, 0, 10);
        assert_string_equal(json_string_value(json_object_get(
            json_array_get(list, 0), "comment")), comment);
        json_decref(list);
        check_each(f, comment);
        close_store(f);
        open_store(f);
    }
}

/* Receipts.  -------------------------------------------------------------- */

static void
put_receipt(struct fixture *f, uint64_t first, uint64_t last, bool of_people,
            char *body)
{
    const struct store_receipt receipt = {
        .first = first, .last = last, .of_people = of_people, .n_hosts = 3,
        .n_missing = 1, .body = body,
    };

    store_sqlite_class.put_receipt(f->store, &receipt);
}

/* Asserts that 'body' is what is kept of 'revision'; NULL: nothing is. */
static void
assert_receipt(struct fixture *f, uint64_t revision, const char *body)
{
    struct store_receipt receipt;
    int error = store_sqlite_class.get_receipt(f->store, revision, true,
                                               &receipt);

    assert_int_equal(error, body ? 0 : ENOENT);
    if (body) {
        assert_string_equal(receipt.body, body);
        assert_true(receipt.first <= revision && revision <= receipt.last);
        assert_int_equal(receipt.n_hosts, 3);
        assert_int_equal(receipt.n_missing, 1);
        free(receipt.body);
    }
}

static void
receipts_are_kept_and_replaced(void **state)
{
    struct fixture *f = *state;

    put_receipt(f, 2, 4, true, xstrdup("open"));
    put_receipt(f, 6, 6, false, xstrdup("six"));
    put_receipt(f, 2, 4, true, xstrdup("all"));
    close_store(f);
    open_store(f);
    assert_receipt(f, 1, NULL);
    assert_receipt(f, 2, "all");
    assert_receipt(f, 4, "all");
    assert_receipt(f, 5, NULL);
    assert_receipt(f, 6, "six");
    assert_receipt(f, 7, NULL);
}

/* What changed only what is not stored has a number that a client has seen,
 * and a receipt that would be taken for that of another change. */
static void
revision_of_a_receipt_is_not_given_again(void **state)
{
    struct fixture *f = *state;

    store_apply(f, base_rows);
    assert_int_equal(submit(f), 0);
    put_receipt(f, 1, 3, false, xstrdup("three"));
    close_store(f);
    open_store(f);
    assert_int_equal(model_durable_revision(f->model), 3);
}

/* Those of people are not displaced by those of others. */
static void
oldest_receipts_give_way(void **state)
{
    struct fixture *f = *state;

    put_receipt(f, 1, 1, true, xstrdup("people's"));
    for (int i = 0; i < 100; i++) {
        char *body = xmalloc(1 << 18);

        memset(body, 'x', 1 << 18);
        body[(1 << 18) - 1] = '\0';
        put_receipt(f, 2 + i, 2 + i, false, body);
    }
    close_store(f);
    open_store(f);
    assert_receipt(f, 1, "people's");
    assert_receipt(f, 2, NULL);

    struct store_receipt receipt;
    assert_int_equal(store_sqlite_class.get_receipt(f->store, 101, false,
                                                    &receipt), 0);
    assert_null(receipt.body);
}

/* The revisions that are told of an object before 'before', as text; '*next'
 * is what to go on with. */
static char *
revisions_of(struct fixture *f, const char *type, const char *name,
             uint64_t before, size_t limit, uint64_t *next)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct ds text = DS_EMPTY_INITIALIZER;
    json_t *list, *entry;
    struct vmn_error why = VMN_ERROR_INIT;
    size_t i;

    ds_put_char(&ds, '[');
    const struct store_log_filter filter = {
        .type = type, .name = name, .since_ms = INT64_MIN,
    };

    assert_int_equal(store_sqlite_class.filter_logs(
        f->store, &filter, before, limit, &ds, next, &why), 0);
    ds_put_char(&ds, ']');
    list = json_loads(ds_cstr(&ds), 0, NULL);
    assert_non_null(list);
    ds_destroy(&ds);
    json_array_foreach (list, i, entry) {
        ds_put_format(&text, "%s%"JSON_INTEGER_FORMAT, i ? " " : "",
                      json_integer_value(json_object_get(entry,
                                                         "revision")));
    }
    json_decref(list);
    return ds_steal_cstr(&text);
}

static void
assert_revisions_of(struct fixture *f, const char *type, const char *name,
                    uint64_t before, size_t limit, const char *expected,
                    uint64_t expected_next)
{
    uint64_t next;
    char *text = revisions_of(f, type, name, before, limit, &next);

    assert_string_equal(text, expected);
    assert_int_equal(next, expected_next);
    free(text);
}

static void
log_tells_revisions_of_an_object(void **state)
{
    struct fixture *f = *state;

    store_apply(f, "put networks n {}\n"
                "put networks nn {}");
    store_apply(f, "put networks n {'mtu':1400}");
    store_apply(f, "put networks nn {'mtu':1400}");
    store_apply(f, "put groups n {}");
    store_apply(f, "delete networks n");
    assert_int_equal(submit(f), 0);

    assert_revisions_of(f, "networks", "n", UINT64_MAX, 10, "1 2 5", 0);
    assert_revisions_of(f, "networks", "nn", UINT64_MAX, 10, "1 3", 0);
    assert_revisions_of(f, "groups", "n", UINT64_MAX, 10, "4", 0);
    assert_revisions_of(f, "groups", "nn", UINT64_MAX, 10, "", 0);
    assert_revisions_of(f, "groups", "n\"}", UINT64_MAX, 10, "", 0);
    /* The newest of them; and on from there. */
    assert_revisions_of(f, "networks", "n", UINT64_MAX, 2, "2 5", 2);
    assert_revisions_of(f, "networks", "n", 2, 2, "1", 0);
    assert_revisions_of(f, "networks", "n", 1, 2, "", 0);
}

/* A question looks at a part of the log, and says where to go on. */
static void
log_is_looked_through_in_parts(void **state)
{
    struct fixture *f = *state;
    uint64_t before = UINT64_MAX;
    size_t n_parts = 0, n_found = 0;

    store_apply(f, "put networks n {}");
    for (int i = 0; i < 2500; i++) {
        store_apply(f, i % 2 ? "put networks m {'mtu':1400}"
                    : "put networks m {'mtu':1500}");
    }
    assert_int_equal(submit(f), 0);
    do {
        uint64_t next;
        char *text = revisions_of(f, "networks", "n", before, 10, &next);

        n_found += !strcmp(text, "1");
        assert_true(!next || next < before);
        before = next;
        n_parts++;
        free(text);
    } while (before);
    assert_int_equal(n_found, 1);
    assert_int_equal(n_parts, 2);
}

/* Asserts that the filter lets entries of these revisions through. */
static void
assert_filtered(struct fixture *f, const struct store_log_filter *filter,
                const char *expected)
{
    struct ds ds = DS_EMPTY_INITIALIZER, text = DS_EMPTY_INITIALIZER;
    struct vmn_error why = VMN_ERROR_INIT;
    json_t *list, *entry;
    uint64_t next;
    size_t i;

    ds_put_char(&ds, '[');
    assert_int_equal(store_sqlite_class.filter_logs(
        f->store, filter, UINT64_MAX, 100, &ds, &next, &why), 0);
    ds_put_char(&ds, ']');
    list = json_loads(ds_cstr(&ds), 0, NULL);
    assert_non_null(list);
    json_array_foreach (list, i, entry) {
        ds_put_format(&text, "%d", (int) json_integer_value(
            json_object_get(entry, "revision")));
    }
    assert_string_equal(ds_cstr(&text), expected);
    json_decref(list);
    ds_destroy(&text);
    ds_destroy(&ds);
}

static void
log_is_filtered(void **state)
{
    struct fixture *f = *state;

    store_apply_as(f, "account:ann/one");
    store_apply_as(f, "account:ann");
    store_apply_as(f, "account:anna");
    store_apply(f, "put groups g {}");
    assert_int_equal(submit(f), 0);

    assert_filtered(f, &(const struct store_log_filter) {
        .who = "account:ann", .since_ms = INT64_MIN }, "12");
    assert_filtered(f, &(const struct store_log_filter) {
        .who = "account:ann/one", .since_ms = INT64_MIN }, "1");
    assert_filtered(f, &(const struct store_log_filter) {
        .type = "networks", .since_ms = INT64_MIN }, "123");
    assert_filtered(f, &(const struct store_log_filter) {
        .type = "groups", .who = "account:ann", .since_ms = INT64_MIN }, "");
    /* All are of one second after 1970 began. */
    assert_filtered(f, &(const struct store_log_filter) {
        .since_ms = 1000 }, "1234");
    assert_filtered(f, &(const struct store_log_filter) {
        .since_ms = 1001 }, "");
    assert_filtered(f, &(const struct store_log_filter) {
        .since_ms = INT64_MAX }, "");
}

/* What is kept of a revision's contents, or NULL.  The caller frees it. */
static char *
contents_of(struct fixture *f, uint64_t revision)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct vmn_error why = VMN_ERROR_INIT;
    int error = store_sqlite_class.log_contents(f->store, revision, &ds,
                                                &why);

    assert_true(!error || error == ENOENT);
    assert_null(why.text);
    if (error) {
        ds_destroy(&ds);
        return NULL;
    }
    return ds_steal_cstr(&ds);
}

static void
assert_contents(struct fixture *f, uint64_t revision, const char *expected)
{
    char *text = contents_of(f, revision);
    char *wanted = expected ? xstrdup(expected) : NULL;

    for (char *p = wanted; p && *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    if (!wanted) {
        assert_null(text);
    } else {
        assert_string_equal(text ? text : "nothing", wanted);
    }
    free(wanted);
    free(text);
}

static void
log_keeps_what_became_of_objects(void **state)
{
    struct fixture *f = *state;

    store_apply(f, "put networks n {'mtu':1400,'description':'x'}");
    store_apply(f, "put networks n {'mtu':1300,'description':'x'}");
    store_apply(f, "put hosts h1 {'ovsdb':'inbound',"
                "'tunnel_ip':'192.0.2.1'}");
    store_apply(f, "put vifs h1/p1 {'host':'h1','iface_id':'p1','iface':'t',"
                "'ofport':1}");
    store_apply(f, "put accounts a {'role':'viewer'}");
    store_apply(f, "put tokens t {'account':'a','sha256':'b94d27b9934d3e08a52e"
                "52d7da7dabfac484efe37a5380ee9088f7ace2efcde9'}");
    store_apply(f, "delete networks n");
    assert_int_equal(submit(f), 0);

    /* An update has what differs. */
    assert_contents(f, 2, "{'objects':[{'type':'networks','name':'n',"
                    "'before':{'spec':{'mtu':1400},'status':{}},"
                    "'after':{'spec':{'mtu':1300},'status':{}}}],"
                    "'left_out':0}");
    char *deleted = contents_of(f, 7);
    assert_non_null(strstr(deleted, "\"before\":{\"spec\":{"));
    assert_non_null(strstr(deleted, "\"description\":\"x\""));
    assert_null(strstr(deleted, "\"after\""));
    free(deleted);
    /* What hosts report has none, and who may use the API is no reading. */
    assert_contents(f, 4, NULL);
    assert_contents(f, 5, "{'objects':[],'left_out':1}");
    assert_contents(f, 6, "{'objects':[],'left_out':1}");
    assert_contents(f, 99, NULL);
}

/* Who has most loses the oldest, and the log's entries stay. */
static void
contents_are_trimmed_fairly(void **state)
{
    struct store_retention keep = STORE_RETENTION_DEFAULT;
    struct fixture *f = *state;
    size_t size;
    char *text;

    store_apply_as(f, "zoe");
    text = contents_of(f, 1);
    size = strlen(text);
    free(text);
    keep.contents_bytes = 4 * size + size / 2;
    store_sqlite_class.set_retention(f->store, &keep);
    for (int i = 0; i < 9; i++) {
        store_apply_as(f, i % 2 ? "account:bob/one" : "account:bob/two");
    }
    text = contents_of(f, 1);
    assert_non_null(text);
    free(text);
    for (uint64_t revision = 2; revision <= 10; revision++) {
        json_t *entry = read_log(f, revision);

        assert_non_null(entry);
        json_decref(entry);
        text = contents_of(f, revision);
        assert_int_equal(text != NULL, revision > 7);
        free(text);
    }
}

static void
contents_of_a_revision_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct ds ds = DS_EMPTY_INITIALIZER;
    char *text;

    for (int i = 0; i < 1500; i++) {
        ds_put_format(&ds, "%sput networks n%d {'description':'", i ? "\n"
                      : "", i);
        ds_put_char_multiple(&ds, 'x', 300);
        ds_put_cstr(&ds, "'}");
    }
    store_apply(f, ds_cstr(&ds));
    ds_destroy(&ds);
    assert_int_equal(submit(f), 0);
    text = contents_of(f, 1);
    assert_true(strlen(text) <= STORE_CONTENTS_MAX + 100);
    assert_null(strstr(text, "\"left_out\":0"));
    free(text);
}

static void
assert_found(struct fixture *f, const struct store_log_filter *filter,
             const char *revisions)
{
    struct ds ds = DS_EMPTY_INITIALIZER, found = DS_EMPTY_INITIALIZER;
    uint64_t next;
    json_t *list, *entry;
    size_t i;

    ds_put_char(&ds, '[');
    assert_int_equal(store_sqlite_class.filter_logs(
        f->store, filter, UINT64_MAX, 100, &ds, &next, NULL), 0);
    ds_put_char(&ds, ']');
    list = json_loads(ds_cstr(&ds), 0, NULL);
    json_array_foreach (list, i, entry) {
        ds_put_format(&found, "%s%d", i ? " " : "", (int) json_integer_value(
            json_object_get(entry, "revision")));
    }
    assert_string_equal(ds_cstr(&found), revisions);
    json_decref(list);
    ds_destroy(&found);
    ds_destroy(&ds);
}

static void
log_is_filtered_by_who_sees_it(void **state)
{
    struct fixture *f = *state;

    store_apply_as(f, "account:ann/laptop");
    store_apply_as(f, "account:ann");
    store_apply_as(f, "account:anna");
    store_apply_as(f, "host:h1");
    store_apply_as(f, "unix:uid=0");
    assert_found(f, &(struct store_log_filter) {
        .author = "account:ann", .since_ms = INT64_MIN }, "1 2");
    assert_found(f, &(struct store_log_filter) {
        .author = "account:ann", .who = "account:ann/laptop",
        .since_ms = INT64_MIN }, "1");
    assert_found(f, &(struct store_log_filter) {
        .author = "account:ann", .who = "account:anna",
        .since_ms = INT64_MIN }, "");
    assert_found(f, &(struct store_log_filter) {
        .author = "account:ann", .since_ms = INT64_MAX }, "");
    assert_found(f, &(struct store_log_filter) {
        .of_people = true, .since_ms = INT64_MIN }, "1 2 3 5");
}

/* With a revision, a filter lets that one through which it lets through among
 * all. */
static void
log_is_filtered_by_revision(void **state)
{
    struct fixture *f = *state;

    store_apply_as(f, "account:ann/laptop");
    store_apply_as(f, "account:bob");
    store_apply_as(f, "account:ann");
    for (uint64_t i = 1; i <= 4; i++) {
        char *number = xasprintf("%"PRIu64, i);

        assert_found(f, &(struct store_log_filter) {
            .revision = i, .since_ms = INT64_MIN }, i < 4 ? number : "");
        assert_found(f, &(struct store_log_filter) {
            .revision = i, .author = "account:ann", .since_ms = INT64_MIN },
            i == 1 || i == 3 ? number : "");
        assert_found(f, &(struct store_log_filter) {
            .revision = i, .author = "account:ann", .since_ms = INT64_MAX },
            "");
        free(number);
    }
    assert_found(f, &(struct store_log_filter) {
        .revision = UINT64_MAX, .since_ms = INT64_MIN }, "");
}

static uint64_t
set_revision(struct fixture *f, const char *set)
{
    uint64_t revision = 99;

    assert_int_equal(store_sqlite_class.set_revision(f->store, set, &revision,
                                                     NULL), 0);
    return revision;
}

/* Of what a set has deleted no row tells, so it is kept for itself. */
static void
newest_revision_of_a_set_is_kept(void **state)
{
    struct fixture *f = *state;
    uint64_t revision;

    for (int i = 0; i < 2; i++) {
        char *errors = model_util_apply(
            f->model, "unix:uid=0", "shop", i ? "put networks a {}"
            : "put networks a {}\nput networks b {}", &revision);

        assert_string_equal(errors, "");
        free(errors);
        assert_int_equal(submit(f), 0);
    }
    assert_null(model_get(f->model, VMN_TABLE_NETWORK, "b"));
    store_apply_as(f, "unix:uid=0");
    assert_int_equal(set_revision(f, "shop"), 2);
    assert_int_equal(set_revision(f, "none"), 0);
    close_store(f);
    open_store(f);
    assert_int_equal(set_revision(f, "shop"), 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(log_tells_revisions),
        TEST(receipts_are_kept_and_replaced),
        TEST(revision_of_a_receipt_is_not_given_again),
        TEST(oldest_receipts_give_way),
        TEST(log_tells_revisions_of_an_object),
        TEST(log_is_filtered),
        TEST(log_keeps_what_became_of_objects),
        TEST(contents_are_trimmed_fairly),
        TEST(contents_of_a_revision_are_bounded),
        TEST(newest_revision_of_a_set_is_kept),
        TEST(log_is_looked_through_in_parts),
        TEST(log_has_the_comments_of_changes),
        TEST(log_is_filtered_by_who_sees_it),
        TEST(log_is_filtered_by_revision),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
