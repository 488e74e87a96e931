/* SPDX-License-Identifier: Apache-2.0
 *
 * The bytes of a host that dials in, before it is known: framing, and the
 * answer to who it is.  Framing must not depend on how the bytes were cut. */

#include <config.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/ovsdb/ovsdb-private.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Feeds all of it in pieces of 'step'; returns a digest of where the messages
 * ended, and what became of the frame. */
static uint64_t
frame_all(const uint8_t *data, size_t size, size_t step)
{
    struct json_frame frame;
    uint64_t digest = 0;
    size_t pos = 0;

    json_frame_init(&frame, 4096);
    while (pos < size) {
        enum json_frame_result result;

        pos += json_frame_feed(&frame, data + pos, MIN(step, size - pos),
                               &result);
        if (result == JSON_FRAME_BAD) {
            return digest * 31 + pos;
        } else if (result == JSON_FRAME_END) {
            digest = digest * 31 + pos;
        }
    }
    return digest * 31 + frame.depth;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_frame frame;
    size_t start = 0;

    if (frame_all(data, size, 1) != frame_all(data, size, 7)
        || frame_all(data, size, 1) != frame_all(data, size, SIZE_MAX)) {
        abort();
    }
    json_frame_init(&frame, OVSDB_ID_MAX_MESSAGE);
    for (size_t pos = start; pos < size;) {
        enum json_frame_result result;

        pos += json_frame_feed(&frame, data + pos, size - pos, &result);
        if (result == JSON_FRAME_BAD) {
            break;
        } else if (result == JSON_FRAME_END) {
            char *message = xmemdup0((const char *) data + start,
                                     pos - start);
            char *text;

            ovsdb_identify_parse(message, &text);
            free(text);
            free(message);
            start = pos;
        }
    }
    return 0;
}
