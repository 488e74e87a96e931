/* SPDX-License-Identifier: Apache-2.0
 *
 * Random objects for the property test of the firewall: networks, ports,
 * groups, services, tiers, policies, quarantines. */

#ifndef TESTS_PROPERTY_POLICY_RANDOM_H
#define TESTS_PROPERTY_POLICY_RANDOM_H 1

#include <jansson.h>

#include "controller/schema/tables.h"

#define N_HOSTS 3
#define N_NETWORKS 7
#define N_ROUTED 4              /* Those that routers join, if any: the last
                                 * of them has addresses of the first. */
#define N_ROUTERS 2
#define N_PORTS 21
#define N_GROUPS 7
#define N_SERVICES 3
#define N_TIERS 2
#define N_POLICIES 6
#define N_QUARANTINES 2

/* The last part of a network's first address. */
unsigned network_base(unsigned network);

/* Returns a spec of the table's object number 'i', or NULL of another
 * table. */
json_t *random_spec(enum vmn_table table, unsigned i);

#endif /* tests/property/policy-random.h */
