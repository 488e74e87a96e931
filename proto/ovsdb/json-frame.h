/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds where one JSON-RPC message ends and the next begins in a stream of
 * bytes, with limits on size, nesting and the number of values, without
 * keeping the bytes.  Not a JSON parser: messages that pass may still be
 * rejected by one. */

#ifndef PROTO_OVSDB_JSON_FRAME_H
#define PROTO_OVSDB_JSON_FRAME_H 1

#include <stdbool.h>
#include <stddef.h>

/* Maximum nesting of a message.  OVSDB's own need about ten levels. */
#define JSON_FRAME_MAX_DEPTH 64

struct json_frame {
    size_t max_size;            /* Largest message, in bytes. */
    size_t size;                /* Of the message so far, in bytes. */
    size_t max_cost;            /* Of a message: approximate memory of its
                                 * values, in bytes. */
    size_t cost;                /* Of the message so far. */
    unsigned int depth;         /* 0 between messages. */
    bool in_string;
    bool escaped;               /* The next byte of a string is escaped. */
    const char *error;          /* A sentence, once the bytes are invalid. */
    bool over;                  /* Because a limit was exceeded. */
};

/* Cost of an object, an array, and each further value, in addition to the
 * bytes: an object of OVSDB's may be a row, and an array a reference. */
#define JSON_FRAME_OBJECT_COST 1024
#define JSON_FRAME_ARRAY_COST 256
#define JSON_FRAME_VALUE_COST 48

enum json_frame_result {
    JSON_FRAME_MORE,            /* The message continues. */
    JSON_FRAME_END,             /* The message is complete. */
    JSON_FRAME_BAD,             /* Not a message, or over a limit. */
};

/* Without a limit of cost: 'max_cost' may be set, and changed at any time. */
void json_frame_init(struct json_frame *, size_t max_size);
size_t json_frame_feed(struct json_frame *, const void *data, size_t n,
                       enum json_frame_result *);
bool json_frame_check(struct json_frame *, const void *data, size_t n);

/* Returns true between two messages. */
static inline bool
json_frame_at_boundary(const struct json_frame *frame)
{
    return !frame->depth && !frame->error;
}

#endif /* proto/ovsdb/json-frame.h */
