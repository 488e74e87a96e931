/* SPDX-License-Identifier: Apache-2.0
 *
 * What flows match of addresses: patterns of a field, a mask and a value, and
 * which of them a port's addresses fit.  Who calls it: port-classes.c.
 *
 * A port's own flows (those of a unit named as the port) match its addresses
 * exactly, and are left out: but for the addresses, all ports have the same
 * ones, as long as nothing is peculiar about the port. */

#ifndef CONTROLLER_SIMULATOR_ADDRESS_PATTERNS_H
#define CONTROLLER_SIMULATOR_ADDRESS_PATTERNS_H 1

struct address_patterns;
struct ds;
struct endpoint;
struct engine;
struct model;

struct address_patterns *address_patterns_create(struct engine *,
                                                 const struct model *);
void address_patterns_destroy(struct address_patterns *);

/* Adds the patterns of the desired flows of 'host'.  Yields. */
void address_patterns_read_host(struct address_patterns *, const char *host);

/* Appends the patterns that match the addresses of 'endpoint', in a text that
 * is equal for endpoints with the same patterns. */
void address_patterns_put_fits(const struct address_patterns *,
                               const struct endpoint *, struct ds *);

#endif /* controller/simulator/address-patterns.h */
