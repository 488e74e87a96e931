/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON API of a member of a cluster that stands by, where the cluster is
 * what a test says of it. */

#ifndef TESTS_UNIT_MEMBER_FIXTURE_H
#define TESTS_UNIT_MEMBER_FIXTURE_H 1

#include <stdbool.h>
#include <stdint.h>

struct commit;
struct event_base;
struct northbound;

/* The cluster, and the simulator. */
struct member_fake {
    bool is_current, hears, can_ask, may_pass;
    bool is_cut_off;            /* From the database. */
    bool gives_back;            /* The writer does not answer. */
    const char *manager;        /* Of all hosts; NULL: this member. */
    const char *part;           /* What it answers about an object; NULL:
                                 * it cannot be reached. */
    bool is_silent;             /* It answers never, */
    bool fails;                 /* or not in time. */
    unsigned n_asked, n_forgotten;
    struct event_base *base;
    uint64_t shown;
    unsigned n_passed;
    struct northbound *writer;  /* Answers what is passed on as questions about
                                 * events, */
    const char *asking;         /* of this member; or NULL. */
    bool relayed;               /* Another member passes requests on. */
    unsigned n_told;            /* It has said that this may have all. */
    struct commit *commit;
    unsigned n_traces;          /* That have begun. */
    bool ends;                  /* They are to end. */
};
extern struct member_fake fake;

/* A member that stands by, is current, and may ask the writer: for cmocka,
 * with teardown() of northbound-fixture.h. */
int member_setup(void **state);

#endif /* tests/unit/member-fixture.h */
