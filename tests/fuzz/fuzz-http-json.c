/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes the JSON bodies of HTTP requests: whatever comes, the answer is a
 * value within the bounds or a sentence. */

#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "proto/http/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static size_t
depth_of(const json_t *json)
{
    size_t deepest = 0;
    const char *key;
    json_t *value;
    size_t i;

    if (json_is_array(json)) {
        json_array_foreach (json, i, value) {
            size_t depth = depth_of(value) + 1;
            deepest = depth > deepest ? depth : deepest;
        }
    } else if (json_is_object(json)) {
        json_object_foreach ((json_t *) (uintptr_t) json, key, value) {
            size_t depth = depth_of(value) + 1;
            deepest = depth > deepest ? depth : deepest;
        }
    }
    return deepest;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *fault;
    json_t *json = http_json_parse((const char *) data, size, NULL,
                                   &fault);

    if (!json != !!fault) {
        abort();
    }
    if (json) {
        char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

        if (!text || depth_of(json) > HTTP_JSON_DEPTH_MAX) {
            abort();
        }
        free(text);
        json_decref(json);
    } else {
        /* The sentence goes into a reply. */
        json_t *string = http_json_string(fault);

        if (!string) {
            abort();
        }
        json_decref(string);
        free(fault);
    }
    return 0;
}
