/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes the heads of HTTP requests and the targets in them.  A head found in
 * two pieces must be the head found in one. */

#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/http/http-parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *) data;
    struct http_fault fault = { 0, NULL };
    size_t scanned = 0, half = 0;
    int n = http_head_size(text, size, &scanned, &fault);
    int first = http_head_size(text, size / 2, &half, &fault);

    if (n > 0 && (first ? first : http_head_size(text, size, &half, &fault))
                 != n) {
        abort();
    }
    if (n > 0) {
        struct http_target target;
        struct http_head head;

        if (http_head_parse(&head, text, n, &fault)) {
            if (http_target_parse(&target, head.target, &fault)) {
                for (size_t i = 0; i < target.n_query; i++) {
                    const char *value = target.query[i].value;

                    if (!http_is_utf8(value, strlen(value))) {
                        abort();
                    }
                }
            }
            http_target_uninit(&target);
        } else if (!fault.status || !fault.text) {
            abort();
        }
        http_head_uninit(&head);
    }
    return 0;
}
