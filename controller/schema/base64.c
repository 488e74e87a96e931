/* SPDX-License-Identifier: Apache-2.0
 *
 * See base64.h. */

#include <config.h>

#include "controller/schema/base64.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

char *
base64_encode(const void *bytes, size_t size)
{
    unsigned char *text = xmalloc(BASE64_LEN(size) + 1);

    EVP_EncodeBlock(text, bytes, size);
    return (char *) text;
}

void *
base64_decode(const char *text, size_t max, size_t *size)
{
    size_t len = strlen(text), pad = 0;
    unsigned char *bytes;
    int n;

    if (!len || len % 4 || len > max) {
        return NULL;
    }
    while (pad < 2 && text[len - pad - 1] == '=') {
        pad++;
    }
    bytes = xmalloc(len / 4 * 3);
    n = EVP_DecodeBlock(bytes, (const unsigned char *) text, len);
    if (n < 0) {
        free(bytes);
        return NULL;
    }
    *size = n - pad;
    return bytes;
}
