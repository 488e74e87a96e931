/* SPDX-License-Identifier: Apache-2.0
 *
 * Entity tags of reads.  The tag of an object is its revision, which If-Match
 * compares, and a digest of the reply: the status changes without a revision.
 * The tag of a list is weak, a digest of its items without the revision of the
 * read.  Replies to changes, and "metadata", have the revision alone. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Bytes of a SHA-256 in a tag.  A client that causes a collision makes itself,
 * and other readers of its object, see an old state. */
#define DIGEST_SIZE 16
#define DIGEST_TEXT_SIZE (2 * DIGEST_SIZE + 1)

static void
digest(const struct ds *shown, char text[static DIGEST_TEXT_SIZE])
{
    unsigned char md[EVP_MAX_MD_SIZE];

    if (!EVP_Digest(ds_cstr_ro(shown), shown->length, md, NULL, EVP_sha256(),
                    NULL)) {
        out_of_memory();
    }
    for (int i = 0; i < DIGEST_SIZE; i++) {
        snprintf(text + 2 * i, 3, "%02x", md[i]);
    }
}

void
nb_tag_object(struct http_request *req, uint64_t revision,
              const struct ds *shown)
{
    char text[DIGEST_TEXT_SIZE];
    char *tag;

    digest(shown, text);
    tag = xasprintf("%"PRIu64"-%s", revision, text);
    http_reply_etag(req, tag);
    free(tag);
}

void
nb_tag_list(struct http_request *req, const struct ds *items)
{
    char text[DIGEST_TEXT_SIZE];

    digest(items, text);
    http_reply_weak_etag(req, text);
}

bool
nb_if_match(struct http_request *req, char **etag, bool *creates)
{
    if (!http_request_if_match(req, etag, creates)) {
        return false;
    }
    if (*etag && strncmp(*etag, "W/", 2)) {
        (*etag)[strcspn(*etag, "-")] = '\0';
    }
    return true;
}
