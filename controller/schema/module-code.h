/* SPDX-License-Identifier: Apache-2.0
 *
 * The code of apps that are loaded while vmnd runs: what a module's file has
 * in it, as base64 (RFC 4648, section 4, with padding), and its digest. */

#ifndef CONTROLLER_SCHEMA_MODULE_CODE_H
#define CONTROLLER_SCHEMA_MODULE_CODE_H 1

#include <stdbool.h>
#include <stddef.h>

/* The most bytes of a file, and the characters of its code. */
#define MODULE_MAX (1024 * 1024)
#define MODULE_CODE_MAX ((MODULE_MAX + 2) / 3 * 4)

/* Returns the code of 'size' bytes, at most MODULE_MAX.  The caller frees
 * it. */
char *module_code_make(const void *bytes, size_t size);

/* Returns the '*size' bytes of a code, which the caller frees; NULL: it is
 * none. */
void *module_code_read(const char *code, size_t *size);

/* Gets the SHA-256 of these bytes, in hexadecimal.  Returns false for what is
 * no code. */
#define MODULE_DIGEST_LEN 64
bool module_code_digest(const char *code, char digest[MODULE_DIGEST_LEN + 1]);

#endif /* controller/schema/module-code.h */
