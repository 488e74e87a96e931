/* SPDX-License-Identifier: Apache-2.0
 *
 * Adding up what several revisions changed, against a model that keeps whole
 * objects: whatever was done in between, what comes out leads back. */

#include <config.h>

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "controller/northbound/undo-range.h"
#include "random.h"
#include "util.h"

#define N_OBJECTS 3
#define N_FIELDS 3

/* An object as it is: its fields; NULL: there is none. */
static json_t *
random_object(void)
{
    json_t *spec = json_object();

    for (int i = 0; i < N_FIELDS; i++) {
        if (random_range(2)) {
            char name[] = { 'a' + i, '\0' };

            json_object_set_new(spec, name, json_integer(random_range(3)));
        }
    }
    return json_pack("{s:o}", "spec", spec);
}

/* Returns the fields of 'one' that 'other' does not have like that, as the log
 * has it of an update. */
static json_t *
only_different(json_t *one, json_t *other)
{
    json_t *others = json_object_get(other, "spec");
    json_t *spec = json_object(), *value;
    const char *name;

    json_object_foreach (json_object_get(one, "spec"), name, value) {
        json_t *its = json_object_get(others, name);

        if (!its || !json_equal(its, value)) {
            json_object_set(spec, name, value);
        }
    }
    return json_pack("{s:o}", "spec", spec);
}

/* Adds what the change of an object from 'was' to 'is' is in the log. */
static void
log_object(json_t *objects, int i, json_t *was, json_t *is)
{
    char name[] = { 'x' + i, '\0' };
    json_t *change = json_pack("{s:s, s:s}", "type", "things", "name", name);

    if (was && is) {
        json_object_set_new(change, "before", only_different(was, is));
        json_object_set_new(change, "after", only_different(is, was));
    } else if (was) {
        json_object_set(change, "before", was);
    } else {
        json_object_set(change, "after", is);
    }
    json_array_append_new(objects, change);
}

static json_t *
find(json_t *objects, int i)
{
    json_t *object;
    size_t j;

    json_array_foreach (objects, j, object) {
        if (json_string_value(json_object_get(object, "name"))[0] == 'x' + i) {
            return object;
        }
    }
    return NULL;
}

/* Checks what is said of an object that was 'was' and is 'is'. */
static void
check_object(json_t *found, json_t *was, json_t *is)
{
    json_t *before = json_object_get(found, "before"), *value;
    json_t *after = json_object_get(found, "after");
    const char *name;

    if (!found) {
        assert_true(was == is || (was && is && json_equal(was, is)));
        return;
    }
    assert_true(was || is);
    assert_int_equal(before != NULL, was != NULL);
    assert_int_equal(after != NULL, is != NULL);
    if (!is) {
        assert_true(json_equal(before, was));
        return;
    }
    json_t *back = json_deep_copy(json_object_get(is, "spec"));
    json_object_foreach (json_object_get(after, "spec"), name, value) {
        assert_true(json_equal(json_object_get(back, name), value));
        json_object_del(back, name);
    }
    if (was) {
        json_object_update(back, json_object_get(before, "spec"));
        assert_true(json_equal(back, json_object_get(was, "spec")));
    }
    json_decref(back);
}

static void
sum_leads_back(void **state OVS_UNUSED)
{
    uint32_t seed = 20261128;

    printf("seed %"PRIu32"\n", seed);
    random_set_seed(seed);
    for (int round = 0; round < 20000; round++) {
        json_t *was[N_OBJECTS], *is[N_OBJECTS], *range = json_object();
        json_int_t last[N_OBJECTS] = { 0 };
        int n = 1 + random_range(6);

        for (int i = 0; i < N_OBJECTS; i++) {
            was[i] = random_range(2) ? random_object() : NULL;
            is[i] = json_incref(was[i]);
        }
        for (int revision = 1; revision <= n; revision++) {
            json_t *objects = json_array();
            json_t *contents = json_pack("{s:o}", "objects", objects);

            for (int i = 0; i < N_OBJECTS; i++) {
                json_t *next = random_range(3) ? random_object() : NULL;

                if (random_range(2) && (is[i] || next)) {
                    log_object(objects, i, is[i], next);
                    json_decref(is[i]);
                    is[i] = next;
                    last[i] = revision;
                } else {
                    json_decref(next);
                }
            }
            undo_range_add(range, contents, revision);
            json_decref(contents);
        }
        json_t *objects = undo_range_objects(range);
        for (int i = 0; i < N_OBJECTS; i++) {
            json_t *found = find(objects, i);

            check_object(found, was[i], is[i]);
            if (found) {
                assert_int_equal(json_integer_value(json_object_get(
                    found, "revision")), last[i]);
            }
            json_decref(was[i]);
            json_decref(is[i]);
        }
        json_decref(objects);
        json_decref(range);
    }
}

static void
rubbish_is_passed_over(void **state OVS_UNUSED)
{
    json_t *range = json_object(), *objects;
    json_t *contents = json_pack(
        "{s:[n, s, {s:s}, {s:s, s:s}, {s:i, s:s, s:{}}]}", "objects", "x",
        "type", "t", "type", "t", "name", "n", "type", 1, "name", "n",
        "after");

    assert_non_null(contents);
    undo_range_add(range, contents, 1);
    undo_range_add(range, NULL, 2);
    objects = undo_range_objects(range);
    assert_int_equal(json_array_size(objects), 0);
    json_decref(objects);
    json_decref(contents);
    json_decref(range);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sum_leads_back),
        cmocka_unit_test(rubbish_is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
