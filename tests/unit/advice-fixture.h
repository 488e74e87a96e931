/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of controller/advice share: cases of hosts, VMs and traffic,
 * random ones too, and a plain reading of the constraints, which judges all
 * placements that there are. */

#ifndef TESTS_UNIT_ADVICE_FIXTURE_H
#define TESTS_UNIT_ADVICE_FIXTURE_H 1

#include "bitmap.h"
#include "controller/advice/advice-private.h"

#define HOSTS_MAX 40
#define VMS_MAX 200
#define PAIRS_MAX 2000
#define SETS 3

/* A case. */
struct world {
    struct advice_request request;
    struct advice_host hosts[HOSTS_MAX];
    struct advice_vm vms[VMS_MAX];
    unsigned long allowed[VMS_MAX][BITMAP_N_LONGS(HOSTS_MAX)];
    size_t apart[VMS_MAX][SETS];
    struct advice_pair pairs[PAIRS_MAX];
};

uint64_t cross_bytes(const struct world *w, const size_t *at);
/* Returns the least that bytes and moves can cost, by trying all. */
uint64_t least_cost(const struct world *w, size_t n_vms, size_t n_hosts);
/* Checks the moves one by one, and returns what all of it costs. */
uint64_t check_moves(const struct world *w,
                     const struct advice_answer *answer);
/* Runs in slices of 'steps', and returns what it costs. */
uint64_t advise(const struct world *w, size_t steps, bool *optimal);
void world_init(struct world *w, size_t n_hosts, size_t n_vms);
void add_pair(struct world *w, size_t a, size_t b, uint64_t bytes);
void random_vm(struct world *w, size_t i, size_t n_hosts);
/* Of a case of a number always the same. */
void random_world(struct world *w, uint32_t seed, size_t *n_vms,
                  size_t *n_hosts);
/* Adds VMs that can go nowhere, to a host of their own, so that there are too
 * many to try all placements. */
void add_dead_weight(struct world *w);

#endif /* tests/unit/advice-fixture.h */
