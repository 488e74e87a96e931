/* SPDX-License-Identifier: Apache-2.0
 *
 * Label selectors: their canonical form, what they match, what is refused. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controller/schema/arena.h"
#include "controller/schema/selector.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static const struct vmn_label web_labels[] = {
    { "app.example.org/tier", "front" },
    { "empty", "" },
    { "env", "prod" },
    { "role", "web" },
};
static const struct vmn_labels web = { ARRAY_SIZE(web_labels), web_labels };

static void
check_canonical(const char *text, const char *expected)
{
    struct vmn_selector selector;
    struct arena arena;

    arena_init(&arena);
    assert_int_equal(selector_parse(text, strlen(text), &arena, &selector,
                                    NULL), 0);
    assert_string_equal(selector.text, expected);

    /* The canonical form is its own. */
    struct vmn_selector again;
    assert_int_equal(selector_parse(expected, strlen(expected), &arena, &again,
                                    NULL), 0);
    assert_string_equal(again.text, expected);
    assert_int_equal(again.n_terms, selector.n_terms);
    arena_uninit(&arena);
}

static void
selector_has_one_canonical_form(void **state OVS_UNUSED)
{
    check_canonical("", "");
    check_canonical("   ", "");
    check_canonical("role=web", "role=web");
    check_canonical(" role == web ", "role=web");
    check_canonical("role in (web)", "role=web");
    check_canonical("role notin ( web )", "role!=web");
    check_canonical("b=2,a=1", "a=1,b=2");
    check_canonical("a=1,a=1,a in (1)", "a=1");
    check_canonical("k in (c,a,b,a)", "k in (a,b,c)");
    check_canonical("k notin(b,a),!z , k", "k notin (a,b),k,!z");
    check_canonical("k=", "k=");
    check_canonical("in in (notin)", "in=notin");
    check_canonical("x.org/k!=v", "x.org/k!=v");
}

static bool
matches(const char *text)
{
    struct vmn_selector selector;
    struct arena arena;
    bool result;

    arena_init(&arena);
    assert_int_equal(selector_parse(text, strlen(text), &arena, &selector,
                                    NULL), 0);
    result = vmn_selector_matches(&selector, &web);
    arena_uninit(&arena);
    return result;
}

static void
selector_matches_labels(void **state OVS_UNUSED)
{
    static const char *const yes[] = {
        "", "role=web", "role!=db", "role in (db,web)", "role notin (db)",
        "role", "!absent", "absent!=x", "absent notin (x,y)", "empty=",
        "empty", "app.example.org/tier=front", "role=web,env=prod,!absent",
    };
    static const char *const no[] = {
        "role=db", "role!=web", "role in (a,b)", "role notin (web,x)",
        "!role", "absent", "absent=x", "absent in (x)", "empty=x", "role=",
        "role=web,env=dev", "role=web,role=db",
    };

    for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
        assert_true(matches(yes[i]));
    }
    for (size_t i = 0; i < ARRAY_SIZE(no); i++) {
        assert_false(matches(no[i]));
    }
}

static void
absent_selector_selects_nothing(void **state OVS_UNUSED)
{
    struct vmn_selector none = { .text = NULL };

    assert_false(vmn_selector_matches(&none, &web));
}

static void
labels_are_found_by_key(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < web.n; i++) {
        assert_string_equal(vmn_labels_get(&web, web.labels[i].key),
                            web.labels[i].value);
    }
    assert_null(vmn_labels_get(&web, ""));
    assert_null(vmn_labels_get(&web, "rol"));
    assert_null(vmn_labels_get(&web, "zone"));
}

/* Checks that 'text' is refused with a sentence that has 'part' in it, and
 * frees nothing twice. */
static void
check_refused(const char *text, size_t len, const char *part)
{
    struct vmn_selector selector = { .text = "untouched" };
    struct arena arena;
    struct vmn_error error = VMN_ERROR_INIT;

    arena_init(&arena);
    if (!selector_parse(text, len, &arena, &selector, &error)
        || !strstr(error.text, part)) {
        fail_msg("\"%s\": got \"%s\", expected \"%s\"", text,
                 error.text ? error.text : "success", part);
    }
    assert_string_equal(selector.text, "untouched");
    vmn_error_uninit(&error);
    arena_uninit(&arena);
}

static void
bad_selectors_are_refused(void **state OVS_UNUSED)
{
    static const struct {
        const char *text;
        const char *part;
    } cases[] = {
        { ",", "a label key at character 1" },
        { "a,", "a label key at character 3" },
        { "a,,b", "a label key at character 3" },
        { "=web", "a label key" },
        { "!", "a label key" },
        { "!!a", "a label key" },
        { "a b", "'=', '!=', 'in', 'notin' or ',' at character 3" },
        { "a!b", "'=' after '!'" },
        { "a=b c", "',' or the end at character 5" },
        { "a=b=c", "',' or the end" },
        { "a in", "'('" },
        { "a in ()", "a label value at character 7" },
        { "a in (b", "',' or ')'" },
        { "a in (b,)", "a label value" },
        { "a in (b))", "',' or the end" },
        { "a in b", "'('" },
        { "-a=b", "a label key at character 1" },
        { "a=-b", "a label value at character 3" },
        { "a=b/c", "a label value" },
        { "A.B/C=d", "a label key" },
        { "a=\xc3\xa4", "a label value" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        check_refused(cases[i].text, strlen(cases[i].text), cases[i].part);
    }
    check_refused("a=b\0c", 5, "',' or the end");
}

static void
sizes_are_bounded(void **state OVS_UNUSED)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (int i = 0; i < SELECTOR_TERMS_MAX + 1; i++) {
        ds_put_format(&ds, "%sk%d", i ? "," : "", i);
    }
    check_refused(ds_cstr(&ds), ds.length, "at most 32 conditions");

    ds_clear(&ds);
    ds_put_cstr(&ds, "k in (");
    for (int i = 0; i < SELECTOR_VALUES_MAX + 1; i++) {
        ds_put_format(&ds, "%sv%d", i ? "," : "", i);
    }
    ds_put_char(&ds, ')');
    check_refused(ds_cstr(&ds), ds.length, "at most 64 values");

    ds_clear(&ds);
    ds_put_char_multiple(&ds, ' ', SELECTOR_LEN + 1);
    check_refused(ds_cstr(&ds), ds.length, "at most 4096 characters");

    ds_clear(&ds);
    ds_put_cstr(&ds, "k=");
    ds_put_char_multiple(&ds, 'v', 64);
    check_refused(ds_cstr(&ds), ds.length, "a label value");
    ds_destroy(&ds);
}

/* Whether 'a' selects, of all labels that can be made of a few values, nothing
 * that 'b' does not. */
static bool
is_within_by_trial(const struct vmn_selector *a, const struct vmn_selector *b)
{
    static const char *const values[] = { NULL, "x", "y", "z", "" };

    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(values); j++) {
            struct vmn_label pairs[2];
            struct vmn_labels labels = { 0, pairs };

            if (values[i]) {
                pairs[labels.n++] = (struct vmn_label) { "k", values[i] };
            }
            if (values[j]) {
                pairs[labels.n++] = (struct vmn_label) { "l", values[j] };
            }
            if (vmn_selector_matches(a, &labels)
                && !vmn_selector_matches(b, &labels)) {
                return false;
            }
        }
    }
    return true;
}

/* Never more than it is; and all of it, as long as there is one condition for
 * a key. */
static void
one_is_within_another_or_not(void **state OVS_UNUSED)
{
    static const char *const terms[] = {
        "", "@=x", "@=", "@ in (x,y)", "@!=x", "@ notin (x,y)", "@", "!@",
        "@ in (x,y),@!=y", "@,@!=x",
    };
    enum { N = ARRAY_SIZE(terms), N_SINGLE = N - 2 };
    struct vmn_selector selectors[N * N];
    struct arena arena;
    size_t n_within = 0;

    arena_init(&arena);
    for (size_t i = 0; i < N * N; i++) {
        const char *k = terms[i / N], *l = terms[i % N];
        char *text = xasprintf("%s%s%s", k, *k && *l ? "," : "", l);
        size_t n_k = strlen(k);
        struct vmn_error error = VMN_ERROR_INIT;

        for (char *p = text; *p; p++) {
            *p = *p != '@' ? *p : p < text + n_k ? 'k' : 'l';
        }
        if (selector_parse(text, strlen(text), &arena, &selectors[i],
                           &error)) {
            fail_msg("%s: %s", text, error.text);
        }
        free(text);
    }
    for (size_t i = 0; i < N * N; i++) {
        for (size_t j = 0; j < N * N; j++) {
            const struct vmn_selector *a = &selectors[i], *b = &selectors[j];
            bool within = selector_is_within(a, b);

            n_within += within;
            if (within && !is_within_by_trial(a, b)) {
                fail_msg("\"%s\" is not within \"%s\"", a->text, b->text);
            }
            if (!within && i / N < N_SINGLE && i % N < N_SINGLE
                && is_within_by_trial(a, b)) {
                fail_msg("\"%s\" is within \"%s\"", a->text, b->text);
            }
        }
    }
    assert_true(n_within > 100);
    arena_uninit(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selector_has_one_canonical_form),
        cmocka_unit_test(selector_matches_labels),
        cmocka_unit_test(absent_selector_selects_nothing),
        cmocka_unit_test(labels_are_found_by_key),
        cmocka_unit_test(bad_selectors_are_refused),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(one_is_within_another_or_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
