/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of the property test of the firewall: random objects, ports that
 * are plugged in, and routers that come, go, and join others. */

#ifndef TESTS_PROPERTY_POLICY_WORLD_H
#define TESTS_PROPERTY_POLICY_WORLD_H 1

#include <stdbool.h>

#include "tests/property/policy-random.h"

struct apphost;
struct engine;
struct model;

struct world {
    struct apphost *apphost;
    struct model *model;
    struct engine *engine;
    unsigned n_refused;
    unsigned joins[N_ROUTERS];  /* Bit N: network N. */
};

/* Has all objects made.  False if that is refused, by chance: once more. */
bool populate(struct world *world);

/* One random edit, which may be refused.  False if one is that should not be,
 * or the other way round. */
bool edit(struct world *world);

/* What tells the domain of a network: 0 if it is one by itself. */
unsigned domain_of(const struct world *world, unsigned network);

/* The routers between two networks, by their names; how many.  -1: no way. */
int find_way(const struct world *world, unsigned from, unsigned to,
             const char *way[N_ROUTERS]);

/* Prints what somebody needs who has to find out why a policy is not as it
 * reads. */
void world_print(const struct world *);

#endif /* tests/property/policy-world.h */
