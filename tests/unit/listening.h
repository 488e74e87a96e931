/* SPDX-License-Identifier: Apache-2.0
 *
 * At which port this process listens, for tests of servers that took a free
 * one. */

#ifndef TESTS_UNIT_LISTENING_H
#define TESTS_UNIT_LISTENING_H 1

#include <stdint.h>

/* Returns the port of the one TCP socket at which this process listens, in
 * host byte order.  Fails the test if there is none, or another one. */
uint16_t listening_port(void);
/* The same of the one besides 'other'; 0: there is no other. */
uint16_t listening_port_but(uint16_t other);

#endif /* tests/unit/listening.h */
