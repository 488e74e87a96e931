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

/* Returns where the last fragment header of an IPv6 packet is, or 0, and where
 * the number that announces it. */
static size_t
find_fragment(const uint8_t *ip, size_t size, size_t *announced)
{
    size_t found = 0, at = 6;
    uint8_t next = ip[6];

    for (size_t ofs = 40; ofs + 2 <= size; next = ip[at]) {
        if (next == 44) {
            found = ofs;
            *announced = at;
        } else if (next != 0 && next != 43 && next != 51 && next != 60) {
            break;
        }
        at = ofs;
        ofs += (next == 44 ? 8 : next == 51 ? (ip[ofs + 1] + 2) * 4
                : (ip[ofs + 1] + 1) * 8);
    }
    return found;
}

/* A first fragment is quoted as a packet that is whole.  Returns the size of
 * that, made of 'ip'; the checksum of IPv4 is left to the caller. */
static size_t
make_whole(uint8_t *ip, size_t size)
{
    size_t announced, fragment, payload;

    if (ip[0] >> 4 == 4) {
        ip[6] &= 0xdf;
        return size;
    }
    fragment = find_fragment(ip, size, &announced);
    if (!fragment || !(ip[fragment + 3] & 1)
        || fragment >= VMN_REJECT_QUOTED_MAX - 14) {
        return size;
    }
    payload = (size_t) (ip[4] << 8 | ip[5]) - 8;
    ip[4] = (uint8_t) (payload >> 8);
    ip[5] = (uint8_t) payload;
    ip[announced] = ip[fragment];
    memmove(ip + fragment, ip + fragment + 8, size - fragment - 8);
    return size - 8;
}

static void
check_quote(const uint8_t *asked, size_t asked_size, const uint8_t *quote,
            size_t size)
{
    uint8_t *whole = malloc(asked_size);

    memcpy(whole, asked, asked_size);
    check(size <= make_whole(whole, asked_size));
    if (whole[0] >> 4 == 4 && asked[6] & 0x20) {
        memcpy(whole + 10, quote + 10, 2);
        check(is_right(sum(quote, (size_t) (quote[0] & 0xf) * 4)));
    }
    check(!memcmp(quote, whole, size));
    free(whole);
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
        check_quote(asked + 14, asked_size - 14, l4 + 8, l4_size - 8);
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
