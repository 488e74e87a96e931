/* SPDX-License-Identifier: Apache-2.0
 *
 * Framing of JSON-RPC messages; see json-frame.h. */

#include <config.h>

#include "proto/ovsdb/json-frame.h"

#include <stdint.h>

#include "util.h"

void
json_frame_init(struct json_frame *frame, size_t max_size)
{
    *frame = (struct json_frame) {
        .max_size = max_size, .max_cost = SIZE_MAX,
    };
}

/* Adds 'cost' to the message's.  Returns false if that is too much. */
static bool
json_frame_charge(struct json_frame *frame, size_t cost)
{
    if (cost > frame->max_cost || frame->cost > frame->max_cost - cost) {
        frame->error = "a message has too many values";
        frame->over = true;
        return false;
    }
    frame->cost += cost;
    return true;
}

/* Processes byte 'c' outside of a string.  Returns false if it is invalid. */
static bool
json_frame_structure(struct json_frame *frame, char c)
{
    switch (c) {
    case '{':
    case '[':
        if (!frame->depth && c == '[') {
            frame->error = "a message is not an object";
            return false;
        }
        if (++frame->depth > JSON_FRAME_MAX_DEPTH) {
            frame->error = "a message is nested too deeply";
            return false;
        }
        return json_frame_charge(frame, c == '{' ? JSON_FRAME_OBJECT_COST
                                 : JSON_FRAME_ARRAY_COST);

    case '}':
    case ']':
        if (!frame->depth) {
            break;
        }
        frame->depth--;
        return true;

    case '"':
        if (!frame->depth) {
            break;
        }
        frame->in_string = true;
        return true;

    case ' ': case '\t': case '\r': case '\n':
        return true;

    default:
        if (!frame->depth) {
            break;
        }
        return true;
    }
    frame->error = "a message does not begin with \"{\"";
    return false;
}

/* Processes byte 'c' of a string. */
static void
json_frame_string(struct json_frame *frame, char c)
{
    if (frame->escaped) {
        frame->escaped = false;
    } else if (c == '\\') {
        frame->escaped = true;
    } else if (c == '"') {
        frame->in_string = false;
    }
}

/* Processes byte 'c'.  Returns false if it is invalid. */
static bool
json_frame_byte(struct json_frame *frame, char c)
{
    if (++frame->size > frame->max_size) {
        frame->error = "a message is too large";
        frame->over = true;
        return false;
    }
    if (!frame->in_string) {
        return json_frame_structure(frame, c);
    }
    json_frame_string(frame, c);
    return true;
}

/* Returns how many of the 'n' bytes at 'p', inside of a message, change
 * nothing but the number of values, and adds to '*n_values' how many values
 * these are. */
static size_t
json_frame_skip(const struct json_frame *frame, const char *p, size_t n,
                size_t *n_values)
{
    size_t i = 0;

    *n_values = 0;
    if (frame->escaped) {
        return 0;
    } else if (frame->in_string) {
        while (i < n && p[i] != '"' && p[i] != '\\') {
            i++;
        }
    } else {
        /* Brackets and braces have these bits, and few other characters do. */
        while (i < n && p[i] != '"' && (p[i] & 0xd9) != 0x59) {
            *n_values += p[i] == ',';
            i++;
        }
    }
    return i;
}

/* Processes up to 'n' bytes at 'data', but none beyond the end of the current
 * message.  Returns how many, and sets '*result'; after JSON_FRAME_BAD,
 * 'frame' holds the reason and accepts no more bytes. */
size_t
json_frame_feed(struct json_frame *frame, const void *data, size_t n,
                enum json_frame_result *result)
{
    const char *p = data;

    if (frame->error) {
        *result = JSON_FRAME_BAD;
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        bool was_inside = frame->depth > 0;
        size_t left = MIN(n - i, frame->max_size - frame->size);
        size_t n_values = 0;
        size_t skip = was_inside ? json_frame_skip(frame, p + i, left,
                                                   &n_values) : 0;

        frame->size += skip;
        i += skip;
        if (!json_frame_charge(frame,
                               skip + n_values * JSON_FRAME_VALUE_COST)) {
            *result = JSON_FRAME_BAD;
            return i;
        }
        if (i == n) {
            break;
        }
        if (!json_frame_byte(frame, p[i])) {
            *result = JSON_FRAME_BAD;
            return i;
        }
        if (was_inside && !frame->depth) {
            frame->size = frame->cost = 0;
            *result = JSON_FRAME_END;
            return i + 1;
        }
    }
    *result = JSON_FRAME_MORE;
    return n;
}

/* Processes all of the 'n' bytes at 'data', of any number of messages.
 * Returns false if they are invalid. */
bool
json_frame_check(struct json_frame *frame, const void *data, size_t n)
{
    const char *p = data;

    while (n) {
        enum json_frame_result result;
        size_t used = json_frame_feed(frame, p, n, &result);

        if (result == JSON_FRAME_BAD) {
            return false;
        }
        p += used;
        n -= used;
    }
    return !frame->error;
}
