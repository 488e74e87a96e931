/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes the heads of HTTP requests and the targets in them, and URLs to be
 * called.  A head found in two pieces must be the head found in one, and
 * libcurl must read a URL as it was checked. */

#include <config.h>

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/http/http-parse.h"
#include "proto/webhook/webhook-url.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Aborts unless 'part' of a URL is 'expected'. */
static void
check_part(CURLU *curl, CURLUPart part, const char *expected)
{
    char *text = NULL;

    if (curl_url_get(curl, part, &text, CURLU_DEFAULT_PORT)
        || strcasecmp(text, expected)) {
        abort();
    }
    curl_free(text);
}

/* 'whole' is to be 'url' for libcurl, too, which is who calls it: with another
 * host or path, it would call what was not checked. */
static void
compare_with_libcurl(const struct webhook_url *url, const char *whole)
{
    char *host = xasprintf(url->is_ipv6 ? "[%s]" : "%s", url->host);
    char *path = xmemdup0(url->target, url->path_len);
    char *port = xasprintf("%u", url->port), *user = NULL;
    CURLU *curl = curl_url();

    if (curl_url_set(curl, CURLUPART_URL, whole, CURLU_PATH_AS_IS)
        || curl_url_get(curl, CURLUPART_USER, &user, 0) != CURLUE_NO_USER) {
        abort();
    }
    check_part(curl, CURLUPART_SCHEME, url->tls ? "https" : "http");
    check_part(curl, CURLUPART_HOST, host);
    check_part(curl, CURLUPART_PORT, port);
    check_part(curl, CURLUPART_PATH, path);
    curl_url_cleanup(curl);
    free(host);
    free(path);
    free(port);
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

        compare_with_libcurl(&url, whole);

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

    char *string = xmemdup0(text, size);
    parse_url(string);
    free(string);
    return 0;
}
