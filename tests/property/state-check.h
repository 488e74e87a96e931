/* SPDX-License-Identifier: Apache-2.0
 *
 * What the property test of model and store checks: what holds between
 * objects, by a plain reading of all rows, and what cascades may do. */

#ifndef TESTS_PROPERTY_STATE_CHECK_H
#define TESTS_PROPERTY_STATE_CHECK_H 1

struct model;

/* Fails unless what holds between objects, holds. */
void check_invariants(struct model *);

/* Checks the policies after a cascade against those of the durable state,
 * from which it started.  A policy stays while it has a group, isolates as
 * before, and no rule of it has become one for everyone. */
void check_cascade(const struct model *);

#endif /* tests/property/state-check.h */
