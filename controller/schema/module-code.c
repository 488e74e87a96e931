/* SPDX-License-Identifier: Apache-2.0
 *
 * The code of apps; see module-code.h. */

#include <config.h>

#include "controller/schema/module-code.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "controller/schema/base64.h"

char *
module_code_make(const void *bytes, size_t size)
{
    return base64_encode(bytes, size);
}

void *
module_code_read(const char *code, size_t *size)
{
    return base64_decode(code, MODULE_CODE_MAX, size);
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
