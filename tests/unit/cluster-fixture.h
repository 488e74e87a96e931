/* SPDX-License-Identifier: Apache-2.0
 *
 * A member of a cluster by itself: its database, its store, the daemon around
 * it and the time are made here.  So nothing happens but what a test says, and
 * no time passes but what it says has passed.  Not for what a real database
 * says (test-cluster-db.c). */

#ifndef TESTS_UNIT_CLUSTER_FIXTURE_H
#define TESTS_UNIT_CLUSTER_FIXTURE_H 1

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <event2/event.h>

#include "controller/cluster/cluster-private.h"
#include "controller/store/store.h"
#include "tests/unit/cluster-fake-db.h"

#define LEASE 1000

/* Of the member: what it says of where its state is, and who appends. */
struct store {
    struct store_place place;
    const struct store_replicator *replicator;
};

struct world {
    struct loop *loop;
    char dir[64];
    char *pem;                      /* Key, certificate and CA in one. */
    struct cluster_options options;
    struct store store;
    struct model *model;
    struct cluster *c;

    int64_t wake_ms;                /* When the member's timer is due. */

    /* What the member has done. */
    unsigned n_activated, n_deposed;
    cluster_applied_cb *applied;    /* A batch is being applied; or NULL. */
    void *applied_aux;
};

/* For cmocka: the loop, once for all tests of a program. */
int world_group_setup(void **state);
int world_group_teardown(void **state);
/* A standby that is in the list, and has seen one beat of the writer. */
int world_setup(void **state);
int world_teardown(void **state);

/* What is being applied is. */
void world_end_apply(struct world *);
/* Lets the time pass, in which the member does what is due. */
void world_pass(struct world *, int64_t ms);
/* The former writer gives the lease up, and the member is the writer. */
void world_lead(struct world *);
/* The member, as the writer, appends a batch.  '*error' is -1 until it is
 * known what became of it. */
void world_submit(struct world *, int *error);

#endif /* tests/unit/cluster-fixture.h */
