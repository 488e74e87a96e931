/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of controller/commit share: a commit with a toy of an app, a
 * store that finishes when the test says so, and a sink that counts. */

#ifndef TESTS_UNIT_COMMIT_FIXTURE_H
#define TESTS_UNIT_COMMIT_FIXTURE_H 1

#include "tests/unit/toy-app.h"

#include <event2/event.h>

#include "controller/commit/commit.h"

extern int compile_ms;
extern int n_compiled;
extern int n_few_compiled;
extern const struct vmn_app_class toy_class;
extern store_done_cb *store_done;
extern int n_submits;
extern const struct store_class fake_store;
extern struct toy core;
extern int n_plans, n_plans_refused;
extern struct event_base *commit_base;
extern struct commit *the_commit;
extern int n_groups;
extern size_t n_sent;
extern int n_ok, n_refused;
extern uint64_t last_revision;
extern int last_code;

void sink(void *aux, const struct commit_group *group);
void committed(void *aux, const struct commit_result *result);
void commit_turn(void);

extern bool finish_at_once;

void finish_store(int error);
/* Lets the store take at least 'ms' for what it has been given just now. */
void finish_store_after(int ms);
void add_host(const char *name);
int commit_setup(void **state);
/* The same for what is in 'core' already. */
void commit_setup_core(void);
int commit_teardown(void **state);
void delete_host(const char *name);

extern int planned_total;

void planned(void *aux, const struct commit_result *result);

#endif /* tests/unit/commit-fixture.h */
