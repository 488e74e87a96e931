/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of apps in worker processes share: the real engine with the
 * overlay and an app that does what it must not (bad-app.c). */

#ifndef TESTS_UNIT_APP_WORKER_FIXTURE_H
#define TESTS_UNIT_APP_WORKER_FIXTURE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/worker/app-worker.h"
#include "tests/unit/apps-fixture.h"

#define WORKER "./vmn-app-worker"

/* The file of bad-app.c with VMN_APP_WITHDRAW. */
extern char *withdraw_module;

/* What follows the network in its flows. */
#define DROP "dl_type=0x88b5 actions=drop (bad)"

/* A host with a port in each of three networks. */
#define ROWS                                                            \
    "{'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1'},"     \
    " 'networks/a': {'vni': 7, 'subnets': [{'cidr': '10.0.0.0/24'}]},"  \
    " 'networks/b': {'vni': 8, 'subnets': [{'cidr': '10.1.0.0/24'}]},"  \
    " 'networks/c': {'vni': 9, 'subnets': [{'cidr': '10.2.0.0/24'}]},"  \
    " 'ports/pa': {'network': 'a', 'ips': ['10.0.0.1']},"               \
    " 'ports/pb': {'network': 'b', 'ips': ['10.1.0.1']},"               \
    " 'ports/pc': {'network': 'c', 'ips': ['10.2.0.1']},"               \
    " 'bindings/pa': {'host': 'h1'}, 'bindings/pb': {'host': 'h1'},"    \
    " 'bindings/pc': {'host': 'h1'}}"

/* Of a group of tests. */
int app_worker_setup(void **state);
int app_worker_teardown(void **state);

/* Loads the app, from 'file' or without VMN_APP_WITHDRAW, and applies ROWS. */
struct apps_fixture *app_worker_start_with(const char *file);
struct apps_fixture *app_worker_start(void);

/* Applies network "a", "b" and so on with these labels. */
void apply_network(struct apps_fixture *, const char *name, int vni,
                   const char *labels);

/* Returns the number of the app's flows. */
size_t count_flows(struct apps_fixture *);
/* Returns true if the flows of the host contain the text. */
bool has_flow(struct apps_fixture *, const char *text);

struct app_worker *worker_of(struct apps_fixture *, const char *app);
/* Returns the status of the app's worker. */
struct app_worker_status app_worker_status_of(struct apps_fixture *);

void assert_either(const char *problem, const char *text, const char *other);
/* Fails the test unless the engine's problems contain the text. */
void assert_problem(struct apps_fixture *, const char *text);

/* Returns the processor time that children had which have ended. */
int64_t children_ms(void);

/* Waits until the app's worker runs, and computes what waited for it. */
void wait_ready(struct apps_fixture *);
/* Continues late computations until there are none. */
void wait_done(struct apps_fixture *);

#endif /* tests/unit/app-worker-fixture.h */
