/* SPDX-License-Identifier: Apache-2.0
 *
 * A fuzz target that fails with its third input, in the way that MISDEED says,
 * for tests/fuzz/test-replay: what replay.c tells of failures. */

#include <config.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int n;
    const char *misdeed = getenv("MISDEED");

    if (++n != 3 || !misdeed) {
        return 0;
    }
    if (!strcmp(misdeed, "abort")) {
        abort();
    } else if (!strcmp(misdeed, "exit")) {
        exit(0);
    } else if (!strcmp(misdeed, "leak")) {
        void *volatile lost = xmalloc(size + 1);

        lost = NULL;
        (void) lost;
    } else if (!strcmp(misdeed, "read")) {
        /* What is behind the input's end. */
        static volatile uint8_t last;

        last = data[size];
        (void) last;
    }
    return 0;
}
