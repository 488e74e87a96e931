/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of controller/fqdn/fqdns.h: which names are asked for, and what
 * becomes rows, with answers that the test gives.  Not for names that match a
 * wildcard (test-fqdn-wildcards), nor for how DNS is asked
 * (tests/system/test_fqdn_policy.py), nor for how long an address is one
 * (test-fqdn-addresses). */

#include <config.h>

#include "tests/unit/fqdns-fixture.h"

#include <string.h>

#include "controller/fqdn/fqdn-rows.h"
#include "timeval.h"
#include "util.h"

static void
a_name_is_asked_for_as_soon_as_a_policy_has_it(void **state OVS_UNUSED)
{
    struct fqdns *f = begin_fqdns();
    struct fqdns_name known;

    assert_null(get_row(NAME));
    answer_all(4, RESOLVER_ANSWER, "192.0.2.1");
    AWAIT(row_is(NAME, VMN_FQDN_RESOLVED, 1));
    answer_all(6, RESOLVER_ANSWER, "2001:db8::1");
    AWAIT(row_is(NAME, VMN_FQDN_RESOLVED, 2));
    assert_true(fqdns_get(f, NAME, &known));
    assert_true(known.answered_ms > 0 && !known.failing);
    assert_false(fqdns_get(f, "other.example.com", &known));
    end_fqdns(f);
}

static void
the_same_answer_is_no_change(void **state OVS_UNUSED)
{
    struct fqdns *f = begin_fqdns();
    uint64_t revision;

    answer_all(4, RESOLVER_ANSWER, "192.0.2.1");
    answer_all(6, RESOLVER_NO_ADDRESS, NULL);
    AWAIT(row_is(NAME, VMN_FQDN_RESOLVED, 1));
    revision = model_revision(core.model);
    for (int i = 0; i < 3; i++) {
        AWAIT(n_open == 2);
        answer_all(4, RESOLVER_ANSWER, "192.0.2.1");
        answer_all(6, RESOLVER_NO_ADDRESS, NULL);
    }
    AWAIT(n_open == 2);
    assert_int_equal(model_revision(core.model), revision);
    end_fqdns(f);
}

static void
what_is_known_stays_without_answers_and_goes_when_refuted(
    void **state OVS_UNUSED)
{
    struct fqdns *f = begin_fqdns();
    struct fqdns_name known;

    answer_all(4, RESOLVER_ANSWER, "192.0.2.1");
    answer_all(6, RESOLVER_NO_ADDRESS, NULL);
    AWAIT(row_is(NAME, VMN_FQDN_RESOLVED, 1));
    AWAIT((answer_all(4, RESOLVER_FAILURE, NULL),
           answer_all(6, RESOLVER_NO_ADDRESS, NULL),
           row_is(NAME, VMN_FQDN_FAILING, 1)));
    assert_true(fqdns_get(f, NAME, &known));
    assert_true(known.failing);
    assert_string_equal(known.why, "nobody is there");
    AWAIT((answer_all(4, RESOLVER_NO_NAME, NULL),
           answer_all(6, RESOLVER_NO_NAME, NULL),
           row_is(NAME, VMN_FQDN_NO_NAME, 0)));
    end_fqdns(f);
}

static void
a_row_goes_with_the_last_policy_that_has_the_name(void **state OVS_UNUSED)
{
    struct fqdns *f = begin_fqdns();
    struct fqdns_name known;

    answer_all(4, RESOLVER_ANSWER, "192.0.2.1");
    AWAIT(get_row(NAME));
    put_policy("q", NAME);
    put_policy("p", "other.example.com");
    assert_non_null(get_row(NAME));
    put_object(VMN_TABLE_POLICY, "q", NULL);
    AWAIT(!get_row(NAME));
    /* An answer that was awaited meanwhile is of no use. */
    answer_all(6, RESOLVER_ANSWER, "2001:db8::1");
    answer_all(4, RESOLVER_ANSWER, "192.0.2.1");
    AWAIT(row_is("other.example.com", VMN_FQDN_RESOLVED, 2));
    assert_null(get_row(NAME));
    assert_false(fqdns_get(f, NAME, &known));
    end_fqdns(f);
}

static void
a_start_begins_with_what_rows_say(void **state OVS_UNUSED)
{
    static const struct fqdn_times times = { .min_ttl_ms = 1,
                                             .grace_ms = 60000 };
    struct fqdns *f;

    finish_at_once = true;
    put_object(VMN_TABLE_GROUP, "g", json_object());
    put_policy("p", NAME);
    put_object(VMN_TABLE_FQDN, NAME, json_pack(
        "{s:s, s:[s]}", "state", "resolved", "ips", "192.0.2.1"));
    put_object(VMN_TABLE_FQDN, "old.example.com", json_pack("{s:s}", "state",
                                                     "no_name"));
    f = fqdns_create(commit_base, core.model, the_commit, NULL, &times);
    AWAIT(n_open == 2 && !get_row("old.example.com"));
    answer_all(4, RESOLVER_ANSWER, "192.0.2.2");
    AWAIT(row_is(NAME, VMN_FQDN_RESOLVED, 2));
    end_fqdns(f);
}

/* The row stays what it is, of another vmnd, until something came of
 * asking. */
static void
a_start_says_nothing_before_it_was_answered(void **state OVS_UNUSED)
{
    static const struct fqdn_times times = { .min_ttl_ms = 1,
                                             .grace_ms = 60000 };
    uint64_t revision;
    struct fqdns *f;

    finish_at_once = true;
    put_object(VMN_TABLE_GROUP, "g", json_object());
    put_policy("p", NAME);
    put_object(VMN_TABLE_FQDN, NAME, json_pack(
        "{s:s, s:[s]}", "state", "failing", "ips", "192.0.2.1"));
    revision = model_revision(core.model);
    f = fqdns_create(commit_base, core.model, the_commit, NULL, &times);
    AWAIT(n_open == 2);
    answer_all(4, RESOLVER_FAILURE, NULL);
    answer_all(6, RESOLVER_FAILURE, NULL);
    /* What comes later is written later. */
    put_policy("q", "other.example.com");
    AWAIT(n_open >= 2 && (answer_name("other.example.com"), true)
          && get_row("other.example.com"));
    assert_true(row_is(NAME, VMN_FQDN_FAILING, 1));
    assert_int_equal(model_revision(core.model), revision + 2);
    AWAIT((answer_all(4, RESOLVER_ANSWER, "192.0.2.1"),
           row_is(NAME, VMN_FQDN_RESOLVED, 1)));
    end_fqdns(f);
}

static void
a_family_that_is_not_answered_is_told_beside_the_other(void **state OVS_UNUSED)
{
    struct fqdns *f = begin_fqdns();
    struct fqdns_name known = { .failing = false };

    AWAIT((answer_all(4, RESOLVER_ANSWER, "192.0.2.1"),
           answer_all(6, RESOLVER_FAILURE, NULL),
           fqdns_get(f, NAME, &known) && known.failing));
    AWAIT(row_is(NAME, VMN_FQDN_RESOLVED, 1));
    assert_string_equal(known.why, "nobody is there");
    end_fqdns(f);
}

/* Rows.  ------------------------------------------------------------------ */

static bool
two_of_three_cb(void *n_bad, const char *name, json_t **spec)
{
    bool bad = !strcmp(name, "n1.example.com");

    *(int *) n_bad += bad;
    *spec = json_pack("{s:s}", "state", bad ? "what" : "no_name");
    return true;
}

static void
a_row_that_is_refused_does_not_hold_up_others(void **state OVS_UNUSED)
{
    int n_bad = 0;
    struct fqdn_rows *rows = fqdn_rows_create(commit_base, core.model,
                                              the_commit, two_of_three_cb,
                                              &n_bad);

    finish_at_once = true;
    fqdn_rows_update(rows, "n0.example.com");
    fqdn_rows_update(rows, "n1.example.com");
    fqdn_rows_update(rows, "n2.example.com");
    AWAIT(get_row("n0.example.com") && get_row("n2.example.com"));
    assert_null(get_row("n1.example.com"));
    AWAIT(n_bad >= 4);
    commit_stop(the_commit);
    fqdn_rows_destroy(rows);
    finish_at_once = false;
}

struct refusals {
    bool refuses;
    size_t n;                   /* How often n1 was tried. */
};

static bool
one_or_none_cb(void *refusals_, const char *name, json_t **spec)
{
    struct refusals *refusals = refusals_;

    if (strcmp(name, "n1.example.com")) {
        return false;           /* What was answered is in its row. */
    }
    refusals->n++;
    *spec = json_pack("{s:s}", "state", refusals->refuses ? "what"
                      : "no_name");
    return true;
}

/* Also if all that comes of others meanwhile is no change. */
static void
what_was_refused_is_tried_again_whatever_others_do(void **state OVS_UNUSED)
{
    struct refusals refusals = { .refuses = true };
    struct fqdn_rows *rows = fqdn_rows_create(commit_base, core.model,
                                              the_commit, one_or_none_cb,
                                              &refusals);

    finish_at_once = true;
    fqdn_rows_update(rows, "n1.example.com");
    AWAIT(refusals.n == 1 && fqdn_rows_fault(rows, "n1.example.com"));
    AWAIT((fqdn_rows_update(rows, "n0.example.com"), refusals.n >= 2));
    AWAIT((fqdn_rows_update(rows, "n0.example.com"), refusals.n >= 3));
    assert_null(fqdn_rows_fault(rows, "n0.example.com"));
    refusals.refuses = false;
    AWAIT((fqdn_rows_update(rows, "n0.example.com"),
           get_row("n1.example.com")));
    AWAIT(!fqdn_rows_fault(rows, "n1.example.com"));
    commit_stop(the_commit);
    fqdn_rows_destroy(rows);
    finish_at_once = false;
}

int
main(void)
{
#define TEST(NAME_) \
    cmocka_unit_test_setup_teardown(NAME_, commit_setup, commit_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_name_is_asked_for_as_soon_as_a_policy_has_it),
        TEST(the_same_answer_is_no_change),
        TEST(what_is_known_stays_without_answers_and_goes_when_refuted),
        TEST(a_row_goes_with_the_last_policy_that_has_the_name),
        TEST(a_start_begins_with_what_rows_say),
        TEST(a_start_says_nothing_before_it_was_answered),
        TEST(a_family_that_is_not_answered_is_told_beside_the_other),
        TEST(a_row_that_is_refused_does_not_hold_up_others),
        TEST(what_was_refused_is_tried_again_whatever_others_do),
    };

    return cmocka_run_group_tests_name("fqdns", tests, NULL, NULL);
}
