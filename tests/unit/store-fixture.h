/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the SQLite store share: a model, a store of it in a folder
 * of its own, and changes that are submitted to both. */

#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H 1

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>

#include "util.h"

struct fixture {
    char *dir;
    char *path;
    struct event_base *base;
    struct store *store;
    struct model *model;
    /* The last submission. */
    bool done;
    int error;
    char *text;
};

extern const char base_rows[];

int submit(struct fixture *f);
/* Returns entries of the log, as a list that the caller releases. */
json_t *read_logs(struct fixture *f, uint64_t after, size_t limit);
void apply_set(struct fixture *f, const char *set, const char *text);
void store_apply(struct fixture *f, const char *text);
/* A revision of 'who' that changes something that is stored. */
void store_apply_as(struct fixture *f, const char *who);
void open_store(struct fixture *f);
void close_store(struct fixture *f);
void open_dir(struct fixture *f);
void close_dir(struct fixture *f);
int store_setup(void **state);
int store_teardown(void **state);

#define TEST(NAME) \
    cmocka_unit_test_setup_teardown(NAME, store_setup, store_teardown)

#endif /* tests/unit/store-fixture.h */
