/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: packets of VMs, as apps take them apart (vmn/packet.h).  What
 * is taken comes out the same when it is put together and taken apart
 * again. */

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
    /* A copy that ends where the packet does. */
    uint8_t *copy = malloc(size ? size : 1);
    struct vmn_udp udp, again;

    memcpy(copy, data, size);
    if (vmn_udp_parse(copy, size, &udp)) {
        uint8_t *built = malloc(size);
        size_t n;

        check(udp.payload >= copy
              && udp.payload + udp.payload_size <= copy + size);
        vmn_udp_swap(&udp);
        n = vmn_udp_build(&udp, built, size);
        check(n == (udp.ip_src.family == 6 ? VMN_UDP6_HEADERS
                    : VMN_UDP_HEADERS) + udp.payload_size);
        check(vmn_udp_parse(built, n, &again));
        check(again.src_port == udp.src_port
              && again.dst_port == udp.dst_port
              && !memcmp(&again.ip_src, &udp.ip_src, sizeof udp.ip_src)
              && !memcmp(&again.eth_dst, &udp.eth_dst, sizeof udp.eth_dst)
              && again.payload_size == udp.payload_size
              && !memcmp(again.payload, udp.payload, udp.payload_size));
        check(!vmn_udp_build(&udp, built, n - 1));
        free(built);
    }
    free(copy);
    return 0;
}
