/* SPDX-License-Identifier: Apache-2.0
 *
 * Random requests for the property test of the engine, of all that the apps
 * know: what is desired, and what hosts and probes report. */

#ifndef TESTS_PROPERTY_ORACLE_RANDOM_H
#define TESTS_PROPERTY_ORACLE_RANDOM_H 1

struct model_request;

/* Hosts "h0" and so on, of which some are there. */
#define N_HOSTS 5

/* Makes one, which may be refused.  The caller has model_request_uninit() free
 * it. */
void random_request(struct model_request *);

#endif /* tests/property/oracle-random.h */
