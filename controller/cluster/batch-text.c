/* SPDX-License-Identifier: Apache-2.0
 *
 * See batch-text.h. */

#include <config.h>

#include "controller/cluster/batch-text.h"

#include <stdlib.h>
#include <zlib.h>

#include "controller/schema/base64.h"
#include "controller/store/store-changes.h"
#include "util.h"

/* The fastest: it takes some 2 us of a write. */
#define LEVEL 1
#define PACKED 'z'

char *
batch_text_pack(const char *text, size_t length)
{
    uLongf size = compressBound(length);
    unsigned char *bytes = xmalloc(size);
    char *packed = NULL;

    if (compress2(bytes, &size, (const unsigned char *) text, length, LEVEL)
        == Z_OK && BASE64_LEN(size) + 1 < length) {
        char *code = base64_encode(bytes, size);

        packed = xasprintf("%c%s", PACKED, code);
        free(code);
    }
    free(bytes);
    return packed ? packed : xmemdup0(text, length);
}

/* Returns all of 'z' as text, which the caller frees; NULL: it is no
 * whole stream, or too much. */
static char *
inflate_all(z_stream *z)
{
    size_t allocated = 4 * (size_t) z->avail_in + 64, length = 0;
    char *text = xmalloc(allocated + 1);
    int result = Z_OK;

    while (result == Z_OK) {
        if (length == allocated) {
            if (allocated >= STORE_CHANGES_MAX) {
                break;
            }
            allocated *= 2;
            text = xrealloc(text, allocated + 1);
        }
        z->next_out = (unsigned char *) text + length;
        z->avail_out = allocated - length;
        result = inflate(z, Z_NO_FLUSH);
        length = allocated - z->avail_out;
    }
    if (result != Z_STREAM_END || z->avail_in || length > STORE_CHANGES_MAX) {
        free(text);
        return NULL;
    }
    text[length] = '\0';
    return text;
}

char *
batch_text_unpack(const char *packed)
{
    unsigned char *bytes;
    char *text = NULL;
    size_t size;
    z_stream z = { .next_in = NULL };

    if (packed[0] != PACKED) {
        return xstrdup(packed);
    }
    bytes = base64_decode(packed + 1, STORE_CHANGES_MAX, &size);
    if (!bytes) {
        return NULL;
    }
    z.next_in = bytes;
    z.avail_in = size;
    if (inflateInit(&z) == Z_OK) {
        text = inflate_all(&z);
        inflateEnd(&z);
    }
    free(bytes);
    return text;
}
