/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds where one JSON-RPC message ends and the next begins in a stream of
 * bytes, with bounds on size and nesting, without keeping the bytes.  Not a
 * JSON parser: what passes here may still be refused by one. */

#ifndef PROTO_OVSDB_JSON_FRAME_H
#define PROTO_OVSDB_JSON_FRAME_H 1

#include <stdbool.h>
#include <stddef.h>

/* Deepest nesting of a message.  OVSDB's own need about ten levels. */
#define JSON_FRAME_MAX_DEPTH 64

struct json_frame {
    size_t max_size;            /* Largest message, in bytes. */
    size_t size;                /* Of the message so far, in bytes. */
    unsigned int depth;         /* 0 between messages. */
    bool in_string;
    bool escaped;               /* The next byte of a string is quoted. */
    const char *error;          /* A sentence, once the bytes are bad. */
};

enum json_frame_result {
    JSON_FRAME_MORE,            /* The message goes on. */
    JSON_FRAME_END,             /* The message is complete. */
    JSON_FRAME_BAD,             /* Not a message, or beyond a bound. */
};

void json_frame_init(struct json_frame *, size_t max_size);
size_t json_frame_feed(struct json_frame *, const void *data, size_t n,
                       enum json_frame_result *);
bool json_frame_check(struct json_frame *, const void *data, size_t n);

/* True between two messages. */
static inline bool
json_frame_at_boundary(const struct json_frame *frame)
{
    return !frame->depth && !frame->error;
}

#endif /* proto/ovsdb/json-frame.h */
