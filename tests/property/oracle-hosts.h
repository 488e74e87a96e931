/* SPDX-License-Identifier: Apache-2.0
 *
 * Emulated hosts for the property test of the engine: they apply each
 * difference as engine.h says a host must. */

#ifndef TESTS_PROPERTY_ORACLE_HOSTS_H
#define TESTS_PROPERTY_ORACLE_HOSTS_H 1

#include <stddef.h>

struct engine;
struct engine_delta;
struct model;

/* They hold nothing at first. */
void hosts_init(void);
void hosts_uninit(void);

/* Additions of all kinds before removals of all kinds. */
void hosts_apply(const struct engine *, const struct engine_delta *);
/* Returns how many of the hosts that there are hold something else than they
 * are to hold, and prints it. */
size_t hosts_check(const struct engine *, const struct model *);

#endif /* tests/property/oracle-hosts.h */
