/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: neighbour solicitations of VMs (vmn/packet.h).  An answer is
 * never answered, and goes to who has asked. */

#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmn/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool right)
{
    if (!right) {
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct vmn_mac mac = { { 2, 0, 0, 0, 0, 1 } };
    /* A copy that ends where the packet does. */
    uint8_t *copy = malloc(size ? size : 1);
    uint8_t answer[VMN_ND_ADVERT_SIZE], other[VMN_ND_ADVERT_SIZE];

    memcpy(copy, data, size);
    if (vmn_nd_advert_build(copy, size, mac, size % 2, answer)) {
        check(!memcmp(answer, copy + 6, 6));
        check(!memcmp(answer + 14 + 24, copy + 14 + 8, 16));
        check(!memcmp(answer + 14 + 8, copy + 14 + 40 + 8, 16));
        check(!vmn_nd_advert_build(answer, sizeof answer, mac, true, other));
    }
    free(copy);
    return 0;
}
