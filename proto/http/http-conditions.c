/* SPDX-License-Identifier: Apache-2.0
 *
 * Headers by which a client sets conditions for a change: If-Match and
 * If-None-Match (RFC 9110, section 13.1), and the idempotency key. */

#include <config.h>

#include "proto/http/http-private.h"

#include <string.h>

#include "util.h"

/* Sets '*creates' to whether there is "If-None-Match: *".  On error answers
 * the request and returns false. */
static bool
get_if_none_match(struct http_request *req, bool *creates)
{
    const char *value = http_request_header(req, "If-None-Match");

    *creates = value && !strcmp(value, "*") && req->head.method == HTTP_PUT;
    if (*creates && http_request_header(req, "If-Match")) {
        http_reply_problem(req, 400, "invalid", NULL, "If-Match and"
                           " If-None-Match contradict each other");
        return false;
    }
    if (value && !*creates && req->head.method != HTTP_GET) {
        http_reply_problem(req, 400, "invalid", NULL, "If-None-Match goes"
                           " with GET, and as * with PUT; here it is"
                           " If-Match");
        return false;
    }
    return true;
}

bool
http_request_if_match(struct http_request *req, char **etag, bool *creates)
{
    const char *value = http_request_header(req, "If-Match");

    *etag = NULL;
    if (!get_if_none_match(req, creates)) {
        return false;
    }
    if (!value) {
        return true;
    }
    if (!strcmp(value, "*")) {
        *etag = xstrdup("*");
        return true;
    }

    size_t len = http_etag_len(value);
    if (!len || value[len]) {
        http_reply_problem(req, 400, "invalid", NULL, "If-Match must be *"
                           " or one entity tag in double quotes");
        return false;
    }
    *etag = (value[0] == 'W' ? xstrdup(value)
             : xmemdup0(value + 1, len - 2));
    return true;
}

/* Returns the string in double quotes at 'p' (RFC 8941, section 3.3.3), which
 * the caller frees, or NULL if it is not one. */
static char *
parse_string(const char *p)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (p++; *p && *p != '"'; p++) {
        if (*p == '\\' && *++p != '"' && *p != '\\') {
            break;
        }
        ds_put_char(&ds, *p);
    }
    if (p[0] != '"' || p[1]) {
        ds_destroy(&ds);
        return NULL;
    }
    return ds_steal_cstr(&ds);
}

bool
http_request_idempotency_key(struct http_request *req, char **key)
{
    static const char name[] = "Idempotency-Key";
    const char *value;
    size_t n = http_head_count(&req->head, name, &value);

    *key = NULL;
    if (n == 1) {
        *key = *value == '"' ? parse_string(value) : xstrdup(value);
    }
    if (n > 1 || (n && !*key)) {
        http_reply_problem(req, 400, "invalid", NULL, "%s must be one string "
                           "in double quotes, or without any", name);
        return false;
    }
    return true;
}
