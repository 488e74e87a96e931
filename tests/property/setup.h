/* SPDX-License-Identifier: Apache-2.0
 *
 * What the property tests of apps have in common: numbers that follow from a
 * seed, and the apps themselves. */

#ifndef TESTS_PROPERTY_SETUP_H
#define TESTS_PROPERTY_SETUP_H 1

#include <stdbool.h>
#include <stdint.h>

#include "util.h"

struct apphost;
struct model;
struct model_request;

/* The numbers below are the same for the same seed on every machine. */
void seed_random(unsigned seed);

/* Where they are, to go back there. */
uint64_t random_state(void);
void set_random_state(uint64_t);

/* Less than 'n', which is not 0. */
unsigned rnd(unsigned n);

/* True so many times in a hundred. */
bool chance(unsigned percent);

/* One of the elements of an array. */
#define PICK(ARRAY) ((ARRAY)[rnd(ARRAY_SIZE(ARRAY))])

/* The apps that a plan, a policy or a path depends on, placed: those of the
 * build that the program is of.  Ends the test if that fails.  The caller
 * destroys it. */
struct apphost *load_apps(void);

/* Applies 'request', which stays the caller's.  Returns false if it is
 * refused, and prints why if the environment has ORACLE_VERBOSE. */
bool apply_request(struct model *, struct model_request *);

#endif /* tests/property/setup.h */
