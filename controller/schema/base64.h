/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes as text: base64 with padding (RFC 4648, section 4). */

#ifndef CONTROLLER_SCHEMA_BASE64_H
#define CONTROLLER_SCHEMA_BASE64_H 1

#include <stddef.h>

/* Characters for 'SIZE' bytes. */
#define BASE64_LEN(SIZE) (((SIZE) + 2) / 3 * 4)

/* Returns 'size' bytes, fewer than 1 GiB, as text, which the caller frees. */
char *base64_encode(const void *bytes, size_t size);

/* Returns the '*size' bytes of 'text', which the caller frees; NULL: it is
 * empty, longer than 'max' characters, or no base64. */
void *base64_decode(const char *text, size_t max, size_t *size);

#endif /* controller/schema/base64.h */
