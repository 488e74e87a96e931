/* SPDX-License-Identifier: Apache-2.0
 *
 * The code of apps; see module-code.h. */

#include <config.h>

#include "controller/schema/module-code.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

char *
module_code_make(const void *bytes, size_t size)
{
    unsigned char *code = xmalloc((size + 2) / 3 * 4 + 1);

    EVP_EncodeBlock(code, bytes, size);
    return (char *) code;
}

void *
module_code_read(const char *code, size_t *size)
{
    size_t len = strlen(code), pad = 0;
    unsigned char *bytes;
    int n;

    if (!len || len % 4 || len > MODULE_CODE_MAX) {
        return NULL;
    }
    while (pad < 2 && code[len - pad - 1] == '=') {
        pad++;
    }
    bytes = xmalloc(len / 4 * 3);
    n = EVP_DecodeBlock(bytes, (const unsigned char *) code, len);
    if (n < 0) {
        free(bytes);
        return NULL;
    }
    *size = n - pad;
    return bytes;
}

bool
module_code_digest(const char *code, char digest[MODULE_DIGEST_LEN + 1])
{
    unsigned char md[EVP_MAX_MD_SIZE];
    size_t size;
    void *bytes = module_code_read(code, &size);
    bool ok = (bytes && EVP_Digest(bytes, size, md, NULL, EVP_sha256(),
                                   NULL));

    for (size_t i = 0; ok && i < MODULE_DIGEST_LEN / 2; i++) {
        snprintf(digest + 2 * i, 3, "%02x", md[i]);
    }
    free(bytes);
    return ok;
}
