/* SPDX-License-Identifier: Apache-2.0
 *
 * Waits, in tests, for something that must happen while a loop turns. */

#ifndef TESTS_UNIT_TURN_LOOP_UNTIL_H
#define TESTS_UNIT_TURN_LOOP_UNTIL_H 1

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/loop/loop.h"
#include "timeval.h"

/* Longest that a test waits: where the machine is busy a second of processor
 * time may take half a minute. */
#define PATIENCE_MS 120000

/* Runs LOOP until EXPRESSION holds. */
#define TURN_LOOP_UNTIL(LOOP, EXPRESSION)                               \
    do {                                                                \
        long long int deadline = time_msec() + PATIENCE_MS;             \
                                                                        \
        while (!(EXPRESSION)) {                                         \
            if (time_msec() > deadline) {                               \
                fail_msg("in vain: %s", #EXPRESSION);                   \
            }                                                           \
            loop_turn(LOOP, 100);                                       \
        }                                                               \
    } while (0)

#endif /* tests/unit/turn-until.h */
