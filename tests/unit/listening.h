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

#endif /* tests/unit/listening.h */
