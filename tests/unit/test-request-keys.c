/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys of requests: a repeated request is not applied again, also after a
 * restart; whose keys they are, and how long they are kept.  What the API
 * replies is in test-northbound-key. */

#include <config.h>

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controller/model/model.h"
#include "controller/schema/error.h"
#include "controller/store/store-private.h"
#include "tests/unit/model-util.h"
#include "tests/unit/store-fixture.h"
#include "timeval.h"
#include "util.h"

#define ANN "account:ann/token"
#define DIGEST "00112233445566778899aabbccddeeff"
#define OTHER "ffeeddccbbaa99887766554433221100"

/* Requests with a key.  --------------------------------------------------- */

/* A request with key "k" of 'who' at 'now_ms'. */
struct keyed {
    const char *who, *digest;
    int64_t now_ms;
    bool repeats;
};

/* Applies 'text'.  Returns the revision, or 0 with the code of the error in
 * '*code'; and whether it was repeated. */
static uint64_t
apply(struct model *model, const struct keyed *keyed, const char *text,
      bool *repeated, enum vmn_error_code *code)
{
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision = 0;

    vmn_errors_init(&errors);
    model_request_init(&request, keyed->who);
    model_util_parse(&request, text);
    request.key = xstrdup("k");
    request.digest = xstrdup(keyed->digest);
    request.repeats = keyed->repeats;
    if (model_apply(model, &request, keyed->now_ms, &revision, &errors)) {
        *code = errors.errors[0].code;
        revision = 0;
    }
    *repeated = request.repeated;
    vmn_errors_uninit(&errors);
    model_request_uninit(&request);
    return revision;
}

/* Asserts that the request makes 'revision', or is repeated and has made it
 * before. */
static void
assert_applied(struct model *model, const struct keyed *keyed,
               const char *text, uint64_t revision, bool repeated)
{
    enum vmn_error_code code;
    bool was;

    assert_int_equal(apply(model, keyed, text, &was, &code), revision);
    assert_int_equal(was, repeated);
}

static void
assert_refused(struct model *model, const struct keyed *keyed,
               const char *text, enum vmn_error_code want)
{
    enum vmn_error_code code;
    bool was;

    assert_int_equal(apply(model, keyed, text, &was, &code), 0);
    assert_int_equal(code, want);
    assert_false(was);
}

static void
repeated_request_is_not_applied(void **state OVS_UNUSED)
{
    static const struct keyed first = { ANN, DIGEST, 1000, false };
    static const struct keyed again = { "account:ann", DIGEST, 2000, false };
    static const struct keyed other = { ANN, OTHER, 2000, false };
    static const struct keyed bob = { "account:bob/token", OTHER, 2000,
                                      false };
    struct model *model = model_create();
    char *errors;
    uint64_t revision;

    assert_applied(model, &first, "put networks n {}", 1, false);
    /* Within the same group. */
    assert_applied(model, &again, "put networks n {}", 1, true);
    model_settle(model);
    assert_applied(model, &again, "put networks n {}", 1, true);
    assert_false(model_is_unsettled(model));
    /* Not even if it would have an effect again. */
    errors = model_util_apply(model, "test", NULL, "delete networks n",
                              &revision);
    assert_string_equal(errors, "");
    free(errors);
    assert_applied(model, &again, "put networks n {}", 1, true);
    assert_null(model_get(model, VMN_TABLE_NETWORK, "n"));
    /* A deletion of what is gone is recognised before it is looked for. */
    assert_refused(model, &other, "delete networks x", VMN_ERR_KEY_USED);
    assert_applied(model, &bob, "put networks m {}", 3, false);
    assert_applied(model, &bob, "put networks m {}", 3, true);
    model_destroy(model);
}

static void
what_makes_no_revision_keeps_no_key(void **state OVS_UNUSED)
{
    static const struct keyed first = { ANN, DIGEST, 1000, false };
    static const struct keyed other = { ANN, OTHER, 1000, false };
    static const struct keyed repeats = { ANN, OTHER, 1000, true };
    struct model *model = model_create();

    assert_refused(model, &first, "delete networks n", VMN_ERR_NOT_FOUND);
    assert_applied(model, &other, "put networks n {}", 1, false);
    model_undo(model);
    assert_false(model_has_key(model, ANN, "k", 1000));
    assert_refused(model, &repeats, "put networks n {}", VMN_ERR_UNAVAILABLE);
    assert_applied(model, &first, "put networks n {}", 1, false);
    model_settle(model);
    model_undo(model);
    assert_true(model_has_key(model, ANN, "k", 1000));
    assert_true(model_has_key(model, "account:ann/other", "k", 1000));
    assert_false(model_has_key(model, "account:an", "k", 1000));
    assert_false(model_has_key(model, ANN, "kk", 1000));
    model_destroy(model);

    model = model_create();
    assert_applied(model, &first, "absent networks n", 0, false);
    assert_applied(model, &other, "put networks n {}", 1, false);
    model_destroy(model);
}

static void
keys_are_kept_for_a_time(void **state OVS_UNUSED)
{
    static const struct keyed first = { ANN, DIGEST, 1000, false };
    static const struct keyed late = { ANN, OTHER, 1000 + MODEL_KEYS_MS,
                                       false };
    static const struct keyed too_late = { ANN, OTHER, 1001 + MODEL_KEYS_MS,
                                           false };
    struct model *model = model_create();

    assert_applied(model, &first, "put networks n {}", 1, false);
    model_settle(model);
    assert_refused(model, &late, "put networks m {}", VMN_ERR_KEY_USED);
    assert_applied(model, &too_late, "put networks m {}", 2, false);
    model_settle(model);
    assert_applied(model, &too_late, "put networks m {}", 2, true);
    model_destroy(model);
}

static void
so_many_keys_are_kept(void **state OVS_UNUSED)
{
    static const struct keyed last = { ANN, DIGEST, 1000, false };
    struct model_log log = { .time_ms = 1000, .who = ANN, .digest = DIGEST };
    struct model *model = model_create();

    for (unsigned i = 1; i <= MODEL_KEYS_MAX; i++) {
        char *key = xasprintf("key-%u", i);

        log.revision = i;
        log.key = key;
        model_load_key(model, &log);
        free(key);
    }
    assert_applied(model, &last, "put networks n {}", 1, false);
    assert_true(model_has_key(model, ANN, "key-1", 1000));
    model_settle(model);
    assert_false(model_has_key(model, ANN, "key-1", 1000));
    assert_true(model_has_key(model, ANN, "key-2", 1000));
    assert_true(model_has_key(model, ANN, "k", 1000));
    model_destroy(model);
}

static void
author_with_the_most_keys_loses_the_oldest(void **state OVS_UNUSED)
{
    static const struct keyed last = { ANN, DIGEST, 1000, false };
    struct model_log log = { .time_ms = 1000, .who = ANN, .digest = DIGEST };
    struct model *model = model_create();

    for (unsigned i = 1; i <= MODEL_KEYS_MAX; i++) {
        char *key = xasprintf("key-%u", i);

        log.revision = i;
        log.key = key;
        log.who = i <= 2 ? ANN : "account:bob/token";
        model_load_key(model, &log);
        free(key);
    }
    assert_applied(model, &last, "put networks n {}", 1, false);
    model_settle(model);
    assert_true(model_has_key(model, ANN, "key-1", 1000));
    assert_true(model_has_key(model, ANN, "key-2", 1000));
    assert_false(model_has_key(model, log.who, "key-3", 1000));
    assert_true(model_has_key(model, log.who, "key-4", 1000));
    model_destroy(model);
}

static void
keys_have_a_form(void **state OVS_UNUSED)
{
    char key[MODEL_KEY_LEN + 2];

    memset(key, 'x', sizeof key);
    key[MODEL_KEY_LEN + 1] = '\0';
    assert_false(model_key_is_valid(key));
    key[MODEL_KEY_LEN] = '\0';
    assert_true(model_key_is_valid(key));
    assert_true(model_key_is_valid("!~\"\\"));
    assert_false(model_key_is_valid(""));
    assert_false(model_key_is_valid("a b"));
    assert_false(model_key_is_valid("a\x7f"));
    assert_false(model_key_is_valid("\xc3\xa4"));
    assert_true(model_digest_is_valid(DIGEST));
    assert_false(model_digest_is_valid(DIGEST "0"));
    assert_false(model_digest_is_valid("0011"));
}

/* In the store.  ---------------------------------------------------------- */

static void
run_sql(const struct fixture *f, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void
keys_survive_a_restart(void **state)
{
    struct fixture *f = *state;
    int64_t now_ms = time_wall_msec();
    const struct keyed first = { ANN, DIGEST, now_ms, false };
    const struct keyed other = { ANN, OTHER, now_ms, false };

    assert_applied(f->model, &first, "put networks n {}", 1, false);
    assert_int_equal(submit(f), 0);
    store_apply(f, "put networks m {}");
    assert_int_equal(submit(f), 0);
    for (int i = 0; i < 2; i++) {
        close_store(f);
        open_store(f);
        assert_applied(f->model, &first, "put networks n {}", 1, true);
        assert_refused(f->model, &other, "put networks m {}",
                       VMN_ERR_KEY_USED);
    }
    close_store(f);
    /* One that was edited is not taken. */
    run_sql(f, "UPDATE revisions SET request_digest = 'x'");
    open_store(f);
    assert_false(model_has_key(f->model, ANN, "k", now_ms));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repeated_request_is_not_applied),
        cmocka_unit_test(what_makes_no_revision_keeps_no_key),
        cmocka_unit_test(keys_are_kept_for_a_time),
        cmocka_unit_test(so_many_keys_are_kept),
        cmocka_unit_test(author_with_the_most_keys_loses_the_oldest),
        cmocka_unit_test(keys_have_a_form),
        TEST(keys_survive_a_restart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
