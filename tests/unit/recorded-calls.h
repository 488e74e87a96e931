/* SPDX-License-Identifier: Apache-2.0
 *
 * Logs of the calls of random-calls.h, as an app's worker records them. */

#ifndef TESTS_UNIT_RECORDED_CALLS_H
#define TESTS_UNIT_RECORDED_CALLS_H 1

#include <stddef.h>
#include <stdint.h>

/* Each returns a log of '*size' bytes, valid until the next call. */
const void *recorded_random_calls(uint32_t seed, size_t *size);
const void *recorded_random_sends(uint32_t seed, size_t *size);
const void *recorded_usual_flows(int n, size_t *size);
/* Of a compile function that gives NULL for what must be there. */
const void *recorded_null(size_t *size);
/* Of one that fails with a text of 'n' characters, one of them a newline. */
const void *recorded_failure(size_t n, size_t *size);
/* Of one that does not end by itself. */
const void *recorded_endless(size_t *size);
void recorded_free(void);

#endif /* tests/unit/recorded-calls.h */
