/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: packets of VMs that are refused (vmn/packet.h).  Whatever is
 * answered is answered to its sender, with lengths and checksums that are
 * right; an answer is never answered. */

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

static uint32_t
sum(const uint8_t *p, size_t size)
{
    uint32_t total = 0;

    for (size_t i = 0; i < size; i++) {
        total += i % 2 ? p[i] : (uint32_t) p[i] << 8;
    }
    return total;
}

/* True if a checksum that is inside of what was summed up is right. */
static bool
is_right(uint32_t total)
{
    while (total >> 16) {
        total = (total & 0xffff) + (total >> 16);
    }
    return total == 0xffff;
}

/* Everything but what is quoted is the answer's own. */
static void
check_answer(const uint8_t *asked, size_t asked_size, const uint8_t *answer,
             size_t size)
{
    const uint8_t *ip = answer + 14;
    bool v6 = ip[0] >> 4 == 6;
    size_t header = v6 ? 40 : 20;
    size_t addresses = v6 ? 32 : 8;
    const uint8_t *l4 = ip + header;
    size_t l4_size = size - 14 - header;
    uint8_t proto = v6 ? ip[6] : ip[9];

    check(size <= VMN_REJECT_SIZE_MAX && size >= 14 + header + 8);
    check(!memcmp(answer, asked + 6, 6) && !memcmp(answer + 6, asked, 6));
    check(!memcmp(answer + 12, asked + 12, 2));
    check(!memcmp(l4 - addresses, asked + 14 + header - addresses / 2,
                  addresses / 2));
    check(!memcmp(l4 - addresses / 2, asked + 14 + header - addresses,
                  addresses / 2));
    check((size_t) (v6 ? ip[4] << 8 | ip[5] : ip[2] << 8 | ip[3])
          == (v6 ? l4_size : l4_size + header));
    check(v6 || is_right(sum(ip, header)));
    if (proto == 6) {
        check(l4_size == 20 && l4[13] & 4);
    } else {
        check(proto == (v6 ? 58 : 1));
        check(l4_size - 8 <= asked_size - 14);
        check(!memcmp(l4 + 8, asked + 14, l4_size - 8));
    }
    check(is_right(sum(l4, l4_size)
                   + (proto == 1 ? 0
                      : sum(l4 - addresses, addresses) + proto + l4_size)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Copies that end where the packet does. */
    uint8_t *copy = malloc(size ? size : 1);
    uint8_t *answer = malloc(VMN_REJECT_SIZE_MAX);
    uint8_t *other = malloc(VMN_REJECT_SIZE_MAX);
    const char *why;
    size_t n;

    memcpy(copy, data, size);
    n = vmn_reject_build(copy, size, answer, &why);
    check(!n == !!why);
    if (n) {
        check_answer(copy, size, answer, n);
        check(!vmn_reject_build(answer, n, other, &why) && why);
    }
    /* As a router says it, of other things. */
    for (int reason = VMN_REJECT_NO_PORT; reason <= VMN_REJECT_TOO_BIG;
         reason++) {
        const struct vmn_reject how = {
            .reason = (enum vmn_reject_reason) reason, .mtu = 1280 };

        n = vmn_reject_build_as(&how, copy, size, answer, &why);
        check(!n == !!why);
        if (n) {
            check_answer(copy, size, answer, n);
            check(!vmn_reject_build_as(&how, answer, n, other, &why) && why);
        }
    }
    free(other);
    free(answer);
    free(copy);
    return 0;
}
