/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes the heads of HTTP requests and the targets in them, those of replies,
 * and URLs to be called.  A head found in two pieces must be the head found in
 * one. */

#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/http/http-parse.h"
#include "proto/webhook/webhook-reply.h"
#include "proto/webhook/webhook-url.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* A whole head is not whole one byte earlier. */
static void
parse_reply(const char *text, size_t size)
{
    struct webhook_reply reply;
    size_t head_size, other_size;

    if (webhook_reply_parse(&reply, text, size, 0, &head_size)
        != WEBHOOK_HEAD_WHOLE) {
        return;
    }
    if (head_size > size || reply.status < 200 || reply.status > 999
        || webhook_reply_parse(&reply, text, head_size - 1, 0, &other_size)
           != WEBHOOK_HEAD_PART) {
        abort();
    }
}

/* A URL, put together again, is the same URL, and allows itself. */
static void
parse_url(const char *text)
{
    struct webhook_url url, again;

    char *fault = webhook_url_parse(&url, text);

    if (!fault) {
        struct webhook_allow allow = { .n = 1, .prefixes = &again };
        char *authority = webhook_url_authority(&url);
        char *whole = xasprintf("http%s://%s%s", url.tls ? "s" : "",
                                authority, url.target);

        char *other = webhook_url_parse(&again, whole);

        /* It may have become longer, by a slash. */
        if (other ? strlen(whole) <= WEBHOOK_URL_MAX
            : !webhook_allow_matches(&allow, &url)) {
            abort();
        }
        webhook_url_uninit(&again);
        free(other);
        free(authority);
        free(whole);
    }
    webhook_url_uninit(&url);
    free(fault);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *) data;
    struct http_fault fault = { 0, NULL };
    size_t scanned = 0, half = 0;
    int n = http_head_size(text, size, &scanned, &fault);
    int first = http_head_size(text, size / 2, &half, &fault);

    if (n > 0 && (first ? first : http_head_size(text, size, &half, &fault))
                 != n) {
        abort();
    }
    if (n > 0) {
        struct http_target target;
        struct http_head head;

        if (http_head_parse(&head, text, n, &fault)) {
            if (http_target_parse(&target, head.target, &fault)) {
                for (size_t i = 0; i < target.n_query; i++) {
                    const char *value = target.query[i].value;

                    if (!http_is_utf8(value, strlen(value))) {
                        abort();
                    }
                }
            }
            http_target_uninit(&target);
        } else if (!fault.status || !fault.text) {
            abort();
        }
        http_head_uninit(&head);
    }
    parse_reply(text, size);

    char *string = xmemdup0(text, size);
    parse_url(string);
    free(string);
    return 0;
}
