/* SPDX-License-Identifier: Apache-2.0
 *
 * What the SQLite store keeps of its log of revisions, and of whom, when there
 * is too much of it. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "controller/store/store-private.h"
#include "controller/store/store.h"
#include "tests/unit/model-util.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/store-fixture.h"
#include "util.h"

/* Who is in the log, oldest first: an initial each. */
static void
assert_log_is_of(struct fixture *f, const char *initials)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    json_t *list = read_logs(f, 0, 100), *entry;
    size_t i;

    json_array_foreach (list, i, entry) {
        ds_put_char(&ds, *json_string_value(json_object_get(entry, "who")));
    }
    assert_string_equal(ds_cstr(&ds), initials);
    json_decref(list);
    ds_destroy(&ds);
}

/* What hosts, probes and vmnd do washes out nothing of what people did, and
 * the other way round; also after a restart. */
static void
log_is_trimmed_apart(void **state)
{
    const struct store_retention keep = {
        .people_ms = INT64_MAX / 4, .people_min = 0, .people_max = 3,
        .others_max = 2,
    };
    struct fixture *f = *state;

    store_sqlite_class.set_retention(f->store, &keep);
    store_apply_as(f, "unix:uid=0");
    store_apply_as(f, "account:ann/token");
    for (int i = 0; i < 10; i++) {
        store_apply_as(f, "host:hv1");
        store_apply_as(f, "vmnd");
        store_apply_as(f, "health");
    }
    assert_log_is_of(f, "uavh");
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 4; i++) {
            store_apply_as(f, "account:ann/token");
        }
        assert_log_is_of(f, "uvhaa");
        close_store(f);
        open_store(f);
        store_sqlite_class.set_retention(f->store, &keep);
    }
    store_apply_as(f, "host:hv2");
    assert_log_is_of(f, "uhaah");
}

/* One author's many changes wash out nothing of what the others did, whichever
 * token he uses: of A authors, each keeps an A-th of the log. */
static void
log_is_not_washed_out_by_one_author(void **state)
{
    struct store_retention keep = {
        .people_ms = INT64_MAX / 4, .people_min = 0, .people_max = 9,
        .others_max = 2,
    };
    struct fixture *f = *state;

    store_sqlite_class.set_retention(f->store, &keep);
    store_apply_as(f, "account:bob/one");
    store_apply_as(f, "account:bob/two");
    for (int i = 0; i < 4; i++) {
        store_apply_as(f, "unix:uid=0");
    }
    for (int i = 0; i < 40; i++) {
        char *who = xasprintf("tcp:192.0.2.1%s", i % 2 ? "" : "/x");

        store_apply_as(f, who);
        free(who);
    }
    assert_log_is_of(f, "aauuuuttt");
    /* Among those who have more than their share, the older entries go. */
    close_store(f);
    open_store(f);
    store_sqlite_class.set_retention(f->store, &keep);
    for (int i = 0; i < 40; i++) {
        store_apply_as(f, "account:bob/one");
    }
    assert_log_is_of(f, "uuutttaaa");
    /* With a lower limit, too, one who has little keeps it. */
    keep.people_max = 5;
    store_sqlite_class.set_retention(f->store, &keep);
    store_apply_as(f, "vmnd");
    store_apply_as(f, "zoe");
    assert_log_is_of(f, "uutavz");
}

/* An author's long entries count for more, so they displace that author's
 * others and nobody else's, also after a restart. */
static void
log_counts_long_entries_by_their_size(void **state)
{
    const struct store_retention keep = {
        .people_ms = INT64_MAX / 4, .people_min = 0, .people_max = 12,
        .others_max = 2,
    };
    struct ds many = DS_EMPTY_INITIALIZER;
    struct fixture *f = *state;
    uint64_t revision;

    store_sqlite_class.set_retention(f->store, &keep);
    for (int i = 0; i < 6; i++) {
        store_apply_as(f, i < 4 ? "unix:uid=0" : "account:ann");
    }
    for (int i = 0; i < 70; i++) {
        ds_put_format(&many, "put networks big-%d {}\n", i);
    }
    char *errors = model_util_apply(f->model, "zoe", NULL, ds_cstr(&many),
                                    &revision);
    assert_string_equal(errors, "");
    free(errors);
    ds_destroy(&many);
    assert_int_equal(submit(f), 0);
    assert_log_is_of(f, "uuuuaaz");
    close_store(f);
    open_store(f);
    store_sqlite_class.set_retention(f->store, &keep);
    /* Two more have room beside the weight of four; the third displaces it. */
    for (int i = 0; i < 3; i++) {
        store_apply_as(f, "zoe");
    }
    assert_log_is_of(f, "uuuuaazzz");
}

/* Appends the column of each row that SQLite tells of the statement. */
static void
explain(sqlite3 *db, const char *how, sqlite3_stmt *of, int column,
        struct ds *ds)
{
    char *sql = xasprintf("%s %s", how, sqlite3_sql(of));
    sqlite3_stmt *stmt;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        ds_put_format(ds, "%s\n", sqlite3_column_text(stmt, column));
    }
    sqlite3_finalize(stmt);
    free(sql);
}

/* However long the log is: each step of trimming is a look-up in an index.
 * Writing and deleting an entry makes no table. */
static void
log_is_written_and_trimmed_by_indexes(void **state)
{
    struct store_statements s;
    struct fixture *f = *state;
    struct vmn_error why = VMN_ERROR_INIT;
    sqlite3 *db;

    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(store_statements_prepare(&s, db, &why), 0);

    const struct {
        sqlite3_stmt *stmt;
        const char *plan;
    } cases[] = {
        { s.log_insert, "" },
        { s.log_delete, "SEARCH revisions USING INTEGER PRIMARY KEY" },
        { s.log_oldest_people,
          "SEARCH revisions USING INDEX revisions_people (time_ms<?)" },
        { s.log_oldest_others,
          "SCAN revisions USING INDEX revisions_others" },
        { s.log_oldest_author,
          "SEARCH revisions USING INDEX revisions_author" },
        { s.contents_insert, "" },
        { s.contents_find, "SEARCH contents USING INTEGER PRIMARY KEY" },
        { s.contents_oldest,
          "SEARCH contents USING COVERING INDEX contents_author" },
        { s.contents_delete, "SEARCH contents USING INTEGER PRIMARY KEY" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct ds ds = DS_EMPTY_INITIALIZER;

        explain(db, "EXPLAIN QUERY PLAN", cases[i].stmt, 3, &ds);
        if (!strstr(ds_cstr(&ds), cases[i].plan)) {
            fail_msg("not \"%s\" in: %s", cases[i].plan, ds_cstr(&ds));
        }
        assert_null(strstr(ds_cstr(&ds), "TEMP B-TREE"));
        ds_clear(&ds);
        explain(db, "EXPLAIN", cases[i].stmt, 1, &ds);
        assert_null(strstr(ds_cstr(&ds), "OpenEphemeral"));
        ds_destroy(&ds);
    }
    store_statements_finalize(&s);
    sqlite3_close(db);
}

static int
refuse_commit(void *aux OVS_UNUSED)
{
    return 1;
}

/* What a batch that failed would have added is not counted. */
static void
authors_are_counted_anew_after_a_failure(void **state)
{
    struct store_authors counted = { .counted = false };
    struct fixture *f = *state;
    struct vmn_error why = VMN_ERROR_INIT;
    struct store_statements s;
    struct store_batch batch;
    int64_t more;
    sqlite3 *db;

    store_apply_as(f, "account:bob/one");
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(store_statements_prepare(&s, db, &why), 0);
    store_apply(f, "put networks n {}");
    store_batch_init(&batch, f->model);
    sqlite3_commit_hook(db, refuse_commit, NULL);
    assert_int_not_equal(store_batch_write(&batch, db, &s, &why), 0);
    sqlite3_commit_hook(db, NULL, NULL);
    vmn_error_uninit(&why);
    why = (struct vmn_error) VMN_ERROR_INIT;
    assert_int_equal(store_batch_write(&batch, db, &s, &why), 0);

    assert_int_equal(store_authors_count(&counted, db, &why), 0);
    assert_int_equal(s.authors.entries, 2);
    assert_int_equal(s.authors.bytes, counted.bytes);
    assert_true(counted.bytes > 0);
    assert_string_equal(store_authors_most_entries(&s.authors, &more),
                        "account:bob");
    assert_int_equal(more, 0);
    store_authors_uninit(&counted);
    store_batch_uninit(&batch);
    store_statements_finalize(&s);
    sqlite3_close(db);
}

/* The log of a format before 7 knew no authors. */
static void
log_keeps_people_for_a_time(void **state)
{
    struct store_retention keep = {
        .people_ms = 5000, .people_min = 2, .people_max = 100,
        .others_max = 100,
    };
    struct fixture *f = *state;
    sqlite3 *db;

    store_sqlite_class.set_retention(f->store, &keep);
    for (int i = 0; i < 6; i++) {
        store_apply_as(f, "unix:uid=0");
    }
    store_apply_as(f, "host:hv1");
    assert_log_is_of(f, "uuuuuuh");
    close_store(f);
    /* As if all but the last had been made long before. */
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(
        db, "UPDATE revisions SET time_ms = time_ms - 6000 WHERE revision "
        "<> 6", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    open_store(f);
    store_sqlite_class.set_retention(f->store, &keep);
    store_apply_as(f, "account:ann");
    assert_log_is_of(f, "uha");
    /* So many of people stay, whatever the clock said. */
    keep.people_ms = -1000000;
    store_sqlite_class.set_retention(f->store, &keep);
    store_apply_as(f, "account:ann");
    assert_log_is_of(f, "haa");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(log_is_trimmed_apart),
        TEST(log_is_not_washed_out_by_one_author),
        TEST(log_counts_long_entries_by_their_size),
        TEST(log_is_written_and_trimmed_by_indexes),
        TEST(authors_are_counted_anew_after_a_failure),
        TEST(log_keeps_people_for_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
