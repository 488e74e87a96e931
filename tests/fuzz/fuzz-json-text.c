/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes the reader of plain JSON: what it reads, jansson reads as well, and
 * as the same. */

#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "controller/schema/json-text.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* As large as it is, so that what reads on is found out. */
    char *text = xmemdup((const char *) data, size);
    json_t *plain = json_text_read_plain(text, size);

    if (plain) {
        json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);

        ovs_assert(json && json_equal(plain, json));
        json_decref(json);
    }
    json_decref(plain);
    free(text);
    return 0;
}
