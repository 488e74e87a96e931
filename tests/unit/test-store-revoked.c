/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens and accounts over a restore of the SQLite store: what was revoked
 * since the backup stays revoked. */

#include <config.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "controller/model/model.h"
#include "controller/store/store-file.h"
#include "controller/store/store.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/model-util.h"
#include "tests/unit/store-file-fixture.h"
#include "util.h"

static const char people[] =
    "put accounts anna {'role':'admin'}\n"
    "put accounts bob {'role':'operator','scope':'project=a'}\n"
    "put accounts eve {'role':'admin'}\n"
    "put tokens a1 {'account':'anna','sha256':'"
    "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9'}\n"
    "put tokens a2 {'account':'anna','sha256':'"
    "c94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9'}\n"
    "put tokens e1 {'account':'eve','sha256':'"
    "d94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9'}";

static const char revocations[] =
    "put accounts anna {'role':'viewer'}\n"
    "put accounts bob {'role':'operator','scope':'project=b'}\n"
    "delete tokens a1\n"
    "put tokens a2 {'account':'anna','sha256':'"
    "a94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9'}\n"
    "delete tokens e1\n"
    "delete accounts eve\n"
    "put accounts new {'role':'admin'}";

static const struct vmn_account *
account(const struct db_fixture *f, const char *name)
{
    return model_get(f->model, VMN_TABLE_ACCOUNT, name);
}

static void
revoked_tokens_and_accounts_stay_revoked(void **state)
{
    struct db_loss lost = { .go_on = true };
    const struct store_restore how = {
        .confirm = db_on_confirm, .aux = &lost,
    };
    const struct vmn_token *token;
    struct db_fixture *f = *state;

    assert_int_equal(db_write(f, people), 0);
    db_copy(f);
    assert_int_equal(db_write(f, revocations), 0);
    db_restore_with(f, &how, 6);
    db_check_loss(&lost, "{\"type\":\"tokens\",\"name\":\"a1\",\"reason\":"
                  "\"deleted since the backup\"}");
    db_check_loss(&lost, "{\"type\":\"accounts\",\"name\":\"anna\","
                  "\"reason\":\"has other rights now\"}");
    assert_null(model_get(f->model, VMN_TABLE_TOKEN, "a1"));
    assert_null(model_get(f->model, VMN_TABLE_TOKEN, "e1"));
    assert_null(account(f, "eve"));
    assert_int_equal(account(f, "anna")->role, VMN_ROLE_VIEWER);
    assert_string_equal(account(f, "bob")->scope.text, "project=b");
    token = model_get(f->model, VMN_TABLE_TOKEN, "a2");
    assert_int_equal(token->sha256[0], 'a');
    /* What was made since is taken back. */
    assert_null(account(f, "new"));
    db_check_log_has(f, 3, "\"name\":\"eve\"}");
    free(lost.text);
}

/* Nobody gains by a restore, but rights that are wider now are not kept. */
static void
wider_rights_are_taken_back(void **state)
{
    struct db_fixture *f = *state;

    assert_int_equal(db_write(
        f, "put accounts bob {'role':'viewer','scope':'project=a'}"), 0);
    db_copy(f);
    assert_int_equal(db_write(f, "put accounts bob {'role':'admin'}"), 0);
    db_restore_with(f, &db_restore_plain, 0);
    assert_int_equal(account(f, "bob")->role, VMN_ROLE_VIEWER);
    assert_string_equal(account(f, "bob")->scope.text, "project=a");
}

static void
revoked_ones_are_valid_again_if_it_is_asked_for(void **state)
{
    static const struct store_restore all = { .with_revoked = true };
    struct db_fixture *f = *state;

    assert_int_equal(db_write(f, people), 0);
    char *before = model_util_dump(f->model, true);
    db_copy(f);
    assert_int_equal(db_write(f, revocations), 0);
    db_restore_with(f, &all, 0);
    char *after = model_util_dump(f->model, true);
    assert_string_equal(after, before);
    free(before);
    free(after);
}

/* What a restore has taken away, another one gives back: it was not revoked.
 * What was revoked at any time since the backup is. */
static void
restore_of_a_restore_knows_what_was_revoked(void **state)
{
    struct db_fixture *f = *state;

    assert_int_equal(db_write(f, people), 0);
    db_copy(f);
    char *early = f->file;
    f->file = xasprintf("%s/late.db", f->dir);
    assert_int_equal(db_write(
        f, "put accounts late {'role':'admin'}\n"
        "put accounts gone {'role':'admin'}"), 0);
    db_copy(f);
    assert_int_equal(db_write(f, "delete accounts gone"), 0);
    char *late = f->file;
    f->file = early;
    db_restore_with(f, &db_restore_plain, 0);
    assert_null(account(f, "late"));
    f->file = late;
    db_restore_with(f, &db_restore_plain, 1);
    assert_non_null(account(f, "late"));
    assert_null(account(f, "gone"));
    free(early);
}

/* The log's entry of a large change names the first thousand objects alone:
 * what there is not now may have been revoked by it. */
static void
revocation_among_many_changes_is_assumed(void **state)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct db_fixture *f = *state;

    assert_int_equal(db_write(f, "put networks first {}"), 0);
    db_copy(f);
    char *early = f->file;
    f->file = xasprintf("%s/late.db", f->dir);
    assert_int_equal(db_write(f, "put accounts gone {'role':'admin'}"), 0);
    db_copy(f);
    for (int i = 0; i < 1000; i++) {
        ds_put_format(&ds, "put groups n%d {}\n", i);
    }
    ds_put_cstr(&ds, "delete accounts gone");
    assert_int_equal(db_write(f, ds_cstr(&ds)), 0);
    db_check_log_lacks(f, 3, "\"name\":\"gone\"");
    ds_destroy(&ds);
    char *late = f->file;
    f->file = early;
    db_restore_with(f, &db_restore_plain, 0);
    f->file = late;
    db_restore_with(f, &db_restore_plain, 1);
    assert_null(account(f, "gone"));
    free(early);
}

/* What was deleted and made anew is as old as what there is now. */
static void
account_that_was_made_anew_keeps_its_age(void **state)
{
    struct db_fixture *f = *state;
    struct model_meta then, now, after;

    assert_int_equal(db_write(f, people), 0);
    assert_non_null(model_get_durable(f->model, VMN_TABLE_ACCOUNT, "bob",
                                      &then));
    db_copy(f);
    assert_int_equal(db_write(f, "delete accounts bob"), 0);
    assert_int_equal(db_write_as(
        f, "unix:uid=0", 2000,
        "put accounts bob {'role':'viewer','scope':'project=b'}"), 0);
    assert_non_null(model_get_durable(f->model, VMN_TABLE_ACCOUNT, "bob",
                                      &now));
    assert_int_equal(then.created_ms, 1000);
    assert_int_equal(now.created_ms, 2000);
    db_restore_with(f, &db_restore_plain, 1);
    assert_non_null(model_get_durable(f->model, VMN_TABLE_ACCOUNT, "bob",
                                      &after));
    assert_int_equal(after.created_ms, now.created_ms);
}

/* Keeps two entries of users in the log. */
static void
keep_two_entries(struct db_fixture *f)
{
    struct store_retention keep = STORE_RETENTION_DEFAULT;

    keep.people_min = keep.people_max = 2;
    store_sqlite_class.set_retention(f->store, &keep);
}

/* The log does not say any more who was revoked: whoever there is not now is
 * taken to be. */
static void
revocation_that_has_left_the_log_is_assumed(void **state)
{
    struct db_fixture *f = *state;

    assert_int_equal(db_write(f, "put networks first {}"), 0);
    db_copy(f);
    char *early = f->file;
    f->file = xasprintf("%s/late.db", f->dir);
    assert_int_equal(db_write(
        f, "put accounts late {'role':'admin'}\n"
        "put accounts gone {'role':'admin'}"), 0);
    db_copy(f);
    assert_int_equal(db_write(f, "delete accounts gone"), 0);
    char *late = f->file;
    f->file = early;
    db_restore_with(f, &db_restore_plain, 0);
    keep_two_entries(f);
    assert_int_equal(db_write(f, "put networks second {}"), 0);
    struct ds ds = DS_EMPTY_INITIALIZER;
    assert_int_equal(store_sqlite_class.log(f->store, 3, &ds, NULL), ENOENT);
    ds_destroy(&ds);
    f->file = late;
    db_restore_with(f, &db_restore_plain, 2);
    assert_null(account(f, "gone"));
    free(early);
}

/* That entries have left the log is not taken for revocations if they named
 * neither a token nor an account. */
static void
log_that_was_trimmed_of_other_changes_revokes_nothing(void **state)
{
    struct db_fixture *f = *state;

    assert_int_equal(db_write(f, "put networks first {}"), 0);
    db_copy(f);
    char *early = f->file;
    f->file = xasprintf("%s/late.db", f->dir);
    assert_int_equal(db_write(f, "put accounts late {'role':'admin'}"), 0);
    db_copy(f);
    assert_int_equal(db_write(f, "put networks other {}"), 0);
    char *late = f->file;
    f->file = early;
    db_restore_with(f, &db_restore_plain, 0);
    assert_null(account(f, "late"));
    keep_two_entries(f);
    assert_int_equal(db_write(f, "put networks second {}"), 0);
    f->file = late;
    db_restore_with(f, &db_restore_plain, 0);
    assert_non_null(account(f, "late"));
    free(early);
}

/* On a new machine. */
static void
database_of_another_vmnd_has_revoked_nothing(void **state)
{
    struct db_fixture *f = *state;
    struct store_restored r;

    assert_int_equal(db_write(f, people), 0);
    db_copy(f);
    db_close(f);
    unlink(f->path);
    db_open(f);
    for (int i = 0; i < 3; i++) {
        char *text = xasprintf("put networks n%d {}", i);

        assert_int_equal(db_write(f, text), 0);
        free(text);
    }
    db_close(f);
    db_restore(f, &r);
    assert_true(r.revoked_unknown);
    assert_int_equal(r.n_revoked, 0);
    store_restored_uninit(&r);
    db_open(f);
    assert_non_null(account(f, "anna"));
    assert_non_null(model_get(f->model, VMN_TABLE_TOKEN, "a1"));
}

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        TEST(revoked_tokens_and_accounts_stay_revoked),
        TEST(wider_rights_are_taken_back),
        TEST(revoked_ones_are_valid_again_if_it_is_asked_for),
        TEST(restore_of_a_restore_knows_what_was_revoked),
        TEST(revocation_among_many_changes_is_assumed),
        TEST(account_that_was_made_anew_keeps_its_age),
        TEST(revocation_that_has_left_the_log_is_assumed),
        TEST(log_that_was_trimmed_of_other_changes_revokes_nothing),
        TEST(database_of_another_vmnd_has_revoked_nothing),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
