/* SPDX-License-Identifier: Apache-2.0
 *
 * The byte order mark that some editors put in front of UTF-8 (RFC 3629,
 * section 6), and the marks of UTF-16, which VMN does not read. */

#ifndef PROTO_TEXT_BYTE_ORDER_MARK_H
#define PROTO_TEXT_BYTE_ORDER_MARK_H 1

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Returns how many bytes of a byte order mark of UTF-8 'text' begins with: 0
 * or 3. */
static inline size_t
text_skip_bom(const char *text, size_t size)
{
    return size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
}

/* Returns true if 'text' begins with a byte order mark of UTF-16. */
static inline bool
text_is_utf16(const char *text, size_t size)
{
    return (size >= 2
            && (!memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2)));
}

#endif /* proto/text/byte-order-mark.h */
