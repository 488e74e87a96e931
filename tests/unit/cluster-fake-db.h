/* SPDX-License-Identifier: Apache-2.0
 *
 * A cluster's database in the place of cluster-db.c, for one member, SELF: it
 * has what a test puts into the view, carries out what the member writes to
 * the rows of the cluster and of itself, one transaction after the other, and
 * heeds none of the conditions.  Apart from cluster-fixture.h since this is
 * JSON of libopenvswitch's, and models have jansson's. */

#ifndef TESTS_UNIT_CLUSTER_FAKE_DB_H
#define TESTS_UNIT_CLUSTER_FAKE_DB_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/cluster/cluster-db.h"
#include "openvswitch/list.h"

/* The member's name, and that of the writer while the member is a standby. */
#define SELF "me"
#define WRITER "a"
/* The cluster's. */
#define NUMBER 9
#define EPOCH 5

struct cluster_fake {
    int64_t now_ms;
    struct cluster_view view;
    const struct cluster_db_callbacks *callbacks;
    void *aux;
    struct ovs_list transactions;   /* Under way, oldest first. */
    bool holds;                     /* It does not answer. */
    const char *fault;              /* It refuses, for this reason; NULL. */
    unsigned n_resigned;            /* The member has sent that it gives the */
    char *successor;                /* lease up, the last time to this one. */
};
extern struct cluster_fake fake;

/* A cluster whose writer is WRITER, which is its only member. */
void fake_init(void);
void fake_uninit(void);
/* Adds a member that was heard just now. */
struct cluster_member *fake_add_member(const char *name, const char *listen);
/* It answers what it was sent, and has the member look at what is new, until
 * nothing is under way, unless it 'holds'. */
void fake_answer(void);
/* The view has changed: the member looks at it, and the database answers. */
void fake_see(void);
/* The writer beats; and appends a batch, which is a beat. */
void fake_beat(void);
void fake_append(void);
/* The connection is lost, and what was under way with it; and is there again,
 * with what is there then. */
void fake_cut(void);
void fake_mend(void);

#endif /* tests/unit/cluster-fake-db.h */
