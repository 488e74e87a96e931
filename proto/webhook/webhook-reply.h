/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of a web server's reply, on memory alone: its status, and the two
 * fields that matter to who has called.  Only for proto/webhook and its tests. */

#ifndef PROTO_WEBHOOK_WEBHOOK_REPLY_H
#define PROTO_WEBHOOK_WEBHOOK_REPLY_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a reply's head, and of those of interim replies before it. */
#define WEBHOOK_HEAD_MAX 16384
/* Longest time that Retry-After is taken to say, in seconds. */
#define WEBHOOK_RETRY_AFTER_MAX_S (24 * 3600)

struct webhook_reply {
    int status;                 /* 200 to 999. */
    bool has_size;              /* There is a Content-Length. */
    uint64_t size;              /* Of the body, in bytes. */
    bool has_retry_after;
    unsigned retry_after_s;
};

enum webhook_head {
    WEBHOOK_HEAD_PART,          /* More must come. */
    WEBHOOK_HEAD_WHOLE,
    WEBHOOK_HEAD_BAD,           /* That is not HTTP/1, or too long. */
};

/* Looks for a head in 'size' bytes at 'text'; interim replies before it (1xx)
 * are passed over.  When it is whole, fills in 'reply', and in '*head_size'
 * where the body begins.  'now_s' is what dates are held against, in seconds
 * since 1970. */
enum webhook_head webhook_reply_parse(struct webhook_reply *reply,
                                      const char *text, size_t size,
                                      int64_t now_s, size_t *head_size);

#endif /* proto/webhook/webhook-reply.h */
