/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects that are known by numbers: over several chunks, freed and used
 * again. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "controller/engine/number-table.h"

/* More than fit into two chunks. */
#define N (2 * NUMBER_TABLE_CHUNK + 10)

struct object {
    uint32_t value[5];
};

static struct object *
at(const struct number_table *table, uint32_t number)
{
    return number_table_at(table, number);
}

static void
objects_stay_where_they_are(void **state)
{
    struct number_table table;
    struct object *first = NULL;

    (void) state;
    number_table_init(&table, sizeof(struct object));
    for (uint32_t i = 1; i <= N; i++) {
        assert_int_equal(number_table_add(&table), i);
        memset(at(&table, i), 0, sizeof(struct object));
        at(&table, i)->value[0] = i;
        at(&table, i)->value[4] = ~i;
        if (!first) {
            first = at(&table, i);
        }
    }
    assert_ptr_equal(at(&table, 1), first);
    for (uint32_t i = 1; i <= N; i++) {
        assert_int_equal(at(&table, i)->value[0], i);
        assert_int_equal(at(&table, i)->value[4], ~i);
    }
    number_table_destroy(&table);
}

static void
numbers_are_used_again(void **state)
{
    struct number_table table;
    uint32_t a, b, c;

    (void) state;
    number_table_init(&table, sizeof(uint32_t));
    a = number_table_add(&table);
    b = number_table_add(&table);
    c = number_table_add(&table);
    number_table_remove(&table, a);
    number_table_remove(&table, c);
    *(uint32_t *) number_table_at(&table, b) = 17;
    assert_int_equal(number_table_add(&table), c);
    assert_int_equal(number_table_add(&table), a);
    assert_int_equal(number_table_add(&table), c + 1);
    assert_int_equal(*(uint32_t *) number_table_at(&table, b), 17);
    number_table_destroy(&table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_stay_where_they_are),
        cmocka_unit_test(numbers_are_used_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
