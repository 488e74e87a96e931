/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: JSON that is taken apart in place (json-slice.h).  It is what
 * jansson makes of the same text. */

#include <config.h>

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/json-slice.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* More members than an object of the corpus has. */
#define MEMBERS_MAX 64

static void
check(bool right)
{
    if (!right) {
        abort();
    }
}

static void check_value(struct json_slice *, json_t *);

static void
check_object(const struct json_slice *slice, json_t *json)
{
    struct json_slice values[MEMBERS_MAX];
    const char *names[MEMBERS_MAX], *name;
    const json_t *value;
    size_t n = 0;

    json_object_foreach (json, name, value) {
        if (n < MEMBERS_MAX) {
            names[n++] = name;
        }
    }
    check(json_slice_members(slice, names, values, n));
    for (size_t i = 0; i < n; i++) {
        check_value(&values[i], json_object_get(json, names[i]));
    }
}

static void
check_list(struct json_slice *slice, json_t *json)
{
    struct json_slice element;

    for (size_t i = 0; i < json_array_size(json); i++) {
        check(json_slice_next(slice, &element));
        check_value(&element, json_array_get(json, i));
    }
    check(json_slice_next(slice, &element) && !element.type);
    check(json_slice_next(slice, &element) && !element.type);
}

static void
check_value(struct json_slice *slice, json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        check(slice->type == JSON_SLICE_OBJECT);
        check_object(slice, json);
        break;
    case JSON_ARRAY:
        check(slice->type == JSON_SLICE_LIST);
        check_list(slice, json);
        break;
    case JSON_STRING:
        check(slice->type == JSON_SLICE_TEXT
              && slice->length == json_string_length(json)
              && !strcmp(slice->text, json_string_value(json)));
        break;
    case JSON_INTEGER:
        check(slice->type == JSON_SLICE_INTEGER
              && slice->integer == json_integer_value(json));
        break;
    case JSON_REAL:
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        check(slice->type == JSON_SLICE_OTHER);
        break;
    }
}

/* Takes all apart of what is no JSON. */
static void
walk(struct json_slice *slice)
{
    static const char *const names[] = { "a", "rows", "" };
    struct json_slice values[ARRAY_SIZE(names)], element;

    if (slice->type == JSON_SLICE_OBJECT) {
        if (json_slice_members(slice, names, values, ARRAY_SIZE(names))) {
            for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                walk(&values[i]);
            }
        }
    }
    while (slice->type == JSON_SLICE_LIST && json_slice_next(slice, &element)
           && element.type) {
        walk(&element);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xmemdup0((const char *) data, size);
    json_t *json = json_loadb((const char *) data, size,
                              JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    struct json_slice slice;

    if (memchr(text, '\0', size)) {
        check(!json_slice_init(&slice, text, size));
    } else if (json) {
        check(json_slice_init(&slice, text, size));
        check_value(&slice, json);
    } else if (json_slice_init(&slice, text, size)) {
        /* Only what is nested may be malformed; or no number that a computer
         * has. */
        check(slice.type == JSON_SLICE_OBJECT || slice.type == JSON_SLICE_LIST
              || slice.type == JSON_SLICE_OTHER);
        walk(&slice);
    }
    json_decref(json);
    free(text);
    return 0;
}
