/* SPDX-License-Identifier: Apache-2.0
 *
 * Compression of a reply's body (RFC 9110, section 8.4.1.3), slice by slice:
 * a long one must not stop the loop.  Not for which replies are compressed
 * (http-reply.c). */

#include <config.h>

#include "proto/http/http-private.h"

#include <stdlib.h>
#include <zlib.h>

#include "util.h"

/* Bytes that are compressed at a time; some 2 ms. */
#define SLICE_SIZE (128 * 1024)
/* Bits of the window, and what has zlib write gzip's header. */
#define WINDOW_BITS (15 + 16)
#define MEMORY_LEVEL 8

struct http_gzip {
    const char *text;               /* Borrowed. */
    size_t size;                    /* Bytes of it, */
    size_t n_read;                  /* and that are compressed. */
    z_stream z;
    uint8_t *out;                   /* As large as the text. */
    bool is_whole;                  /* All of it is there. */
};

struct http_gzip *
http_gzip_create(const char *text, size_t size)
{
    struct http_gzip *gzip = xzalloc(sizeof *gzip);

    if (deflateInit2(&gzip->z, Z_BEST_SPEED, Z_DEFLATED, WINDOW_BITS,
                     MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        out_of_memory();
    }
    gzip->text = text;
    gzip->size = size;
    gzip->out = xmalloc(size);
    gzip->z.next_out = gzip->out;
    gzip->z.avail_out = (unsigned) MIN(size, UINT_MAX);
    return gzip;
}

void
http_gzip_destroy(struct http_gzip *gzip)
{
    deflateEnd(&gzip->z);
    free(gzip->out);
    free(gzip);
}

bool
http_gzip_continue(struct http_gzip *gzip)
{
    size_t size = MIN(SLICE_SIZE, gzip->size - gzip->n_read);
    bool is_last = gzip->n_read + size == gzip->size;
    z_stream *z = &gzip->z;
    int error;

    z->next_in = (uint8_t *) CONST_CAST(char *, gzip->text) + gzip->n_read;
    z->avail_in = (unsigned) size;
    error = deflate(z, is_last ? Z_FINISH : Z_NO_FLUSH);
    gzip->n_read += size;
    gzip->is_whole = error == Z_STREAM_END;
    return error == Z_OK && z->avail_out && !is_last;
}

const void *
http_gzip_result(const struct http_gzip *gzip, size_t *size)
{
    *size = gzip->z.total_out;
    return gzip->is_whole ? gzip->out : NULL;
}
