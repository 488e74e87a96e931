/* SPDX-License-Identifier: Apache-2.0
 *
 * Random requests of tenants and of an administrator, for test-tenants.c. */

#ifndef TESTS_PROPERTY_TENANTS_RANDOM_H
#define TESTS_PROPERTY_TENANTS_RANDOM_H 1

#include "controller/model/model.h"

#define N_OWNERS 4              /* Two tenants, what is shared, the rest. */
#define N_TENANTS 2             /* The first of them. */
#define N_NETWORKS 2            /* Of each owner, and so on. */
#define N_PORTS 4
#define N_OBJECTS 2
#define N_ROUTERS 2

/* An address that is nobody's: who sends to it would like it to stay so. */
#define NOBODY_IP "9.9.9.9"
/* A name in DNS that has it. */
#define NOBODY_FQDN "nobody.example"

/* How many hosts there are, and on which port 'i' of an owner runs. */
#define N_HOSTS 3
static inline unsigned
host_of(unsigned owner, unsigned i)
{
    return (owner * N_PORTS + i) % N_HOSTS;
}

/* By owner: the letter that names begin with. */
extern const char owners[N_OWNERS];

/* The apps, of whose types there are objects as well; NULL ends.  Without
 * "gateway", beside which these do not fit. */
extern const char *const tenants_apps[];

/* Who asks: a tenant, by its number, or N_OWNERS: an administrator. */
extern unsigned asker;

/* "a-port-1".  The caller frees it. */
char *make_name(unsigned owner, const char *what, unsigned i);

/* Adds a random operation, mostly on what is the asker's own. */
void add_random(struct model_request *);
/* Adds a PUT of a network. */
void add_network(struct model_request *, unsigned owner, unsigned i);

#endif /* tests/property/tenants-random.h */
