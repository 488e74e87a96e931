/* SPDX-License-Identifier: Apache-2.0
 *
 * Random requests for the property test of model and store: numbers, values at
 * the edges of what is allowed, names that may or may not be there, and
 * operations of all of that. */

#ifndef TESTS_PROPERTY_STATE_RANDOM_H
#define TESTS_PROPERTY_STATE_RANDOM_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/schema/tables.h"
#include "util.h"

struct ds;

/* The numbers that follow are the same for the same seed, on every
 * machine. */
void seed_state(uint64_t seed);
/* A number below 'n'. */
unsigned rnd(unsigned n);
/* True in so many cases of 100. */
bool chance(unsigned percent);

/* One of an array. */
#define PICK(LIST) LIST[rnd(ARRAY_SIZE(LIST))]

/* Appends an operation as model-util.h reads it, with its newline. */
void put_op(struct ds *);

/* Values.  ---------------------------------------------------------------- */

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10

/* A value at the edge of what is allowed, on either side. */
const char *edge_ip(void);
const char *edge_prefix(void);
const char *edge_mac(void);
const char *edge_label(void);   /* "'KEY':'VALUE'" */

/* Each appends members of a spec, beginning with a comma. */
void put_description(struct ds *);
void put_service_entry(struct ds *);

/* Appends a name of the table, which may or may not be there. */
void put_name(struct ds *, enum vmn_table);
/* Appends ",'FIELD':'NAME'", or a list of one or two. */
void put_ref(struct ds *, const char *field, enum vmn_table);
void put_refs(struct ds *, const char *field, enum vmn_table);

#endif /* tests/property/state-random.h */
