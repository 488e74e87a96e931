/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: messages of DHCP and router solicitations, as apps take them
 * apart (vmn/dhcp.h, vmn/packet.h).  The first byte says which; whatever is
 * taken is read to its ends, and put together again. */

#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmn/dhcp.h"
#include "vmn/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool right)
{
    if (!right) {
        abort();
    }
}

static void
try_v4(const uint8_t *data, size_t size)
{
    static uint8_t buffer[65536], built[65536];
    struct vmn_dhcp4 dhcp, again;
    struct vmn_bytes b = vmn_bytes(built, sizeof built);

    if (!vmn_dhcp4_parse(data, size, &dhcp) || !dhcp.type) {
        return;
    }
    check(vmn_dhcp4_start(&b, &dhcp, NULL));
    for (int code = 1; code < 255; code++) {
        int n = vmn_dhcp4_get(&dhcp, code, buffer, sizeof buffer);

        check(n >= -1 && n <= (int) size);
        if (n >= 0 && code != 52 && code != 53) {
            check(vmn_dhcp4_put(&b, code, buffer, n));
        }
    }
    vmn_dhcp4_end(&b);
    check(vmn_dhcp4_parse(built, b.size, &again));
    check(again.type == dhcp.type && again.xid == dhcp.xid
          && again.is_reply == dhcp.is_reply
          && !memcmp(&again.ciaddr, &dhcp.ciaddr, sizeof dhcp.ciaddr)
          && !memcmp(&again.chaddr, &dhcp.chaddr, sizeof dhcp.chaddr));
    for (int code = 1; code < 255; code++) {
        check(code == 52 || vmn_dhcp4_get(&again, code, NULL, 0)
              == vmn_dhcp4_get(&dhcp, code, NULL, 0));
    }
}

static void
try_v6(const uint8_t *data, size_t size)
{
    static uint8_t built[65536];
    struct vmn_bytes b = vmn_bytes(built, sizeof built);
    struct vmn_dhcp6_option option;
    struct vmn_dhcp6 dhcp;
    const uint8_t *rest;
    size_t left;

    if (!vmn_dhcp6_parse(data, size, &dhcp)) {
        return;
    }
    rest = dhcp.options;
    left = dhcp.options_size;
    vmn_dhcp6_start(&b, dhcp.type, dhcp.xid);
    while (vmn_dhcp6_next(&rest, &left, &option)) {
        size_t opened = vmn_dhcp6_open(&b, option.code);

        check(option.data >= data
              && option.data + option.size <= data + size);
        check(option.code != VMN_DHCP6_IA_NA
              || option.size >= VMN_DHCP6_IA_NA_SIZE);
        vmn_put(&b, option.data, option.size);
        check(vmn_dhcp6_close(&b, opened));
    }
    check(!left);
    check(b.size == size && !memcmp(built, data, size));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy;
    struct vmn_rs rs;

    if (!size || size > 60000) {
        return 0;
    }
    /* A copy that ends where the message does. */
    copy = malloc(size > 1 ? size - 1 : 1);
    memcpy(copy, data + 1, size - 1);
    if (data[0] == '4') {
        try_v4(copy, size - 1);
    } else if (data[0] == '6') {
        try_v6(copy, size - 1);
    } else {
        vmn_rs_parse(copy, size - 1, &rs);
    }
    free(copy);
    return 0;
}
