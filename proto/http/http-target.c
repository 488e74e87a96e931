/* SPDX-License-Identifier: Apache-2.0
 *
 * Parses and decodes request targets: path and query. */

#include <config.h>

#include "proto/http/http-parse.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Returns the length of the UTF-8 sequence at 'p' (RFC 3629), or 0 if it is
 * invalid. */
static size_t
utf8_len(const unsigned char *p, size_t left)
{
    static const struct {
        unsigned char first, last;      /* First byte. */
        unsigned char min, max;         /* Second byte. */
        size_t len;
    } kinds[] = {
        { 0x00, 0x7f, 0, 0, 1 },
        { 0xc2, 0xdf, 0x80, 0xbf, 2 },
        { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
        { 0xe1, 0xec, 0x80, 0xbf, 3 },
        { 0xed, 0xed, 0x80, 0x9f, 3 },
        { 0xee, 0xef, 0x80, 0xbf, 3 },
        { 0xf0, 0xf0, 0x90, 0xbf, 4 },
        { 0xf1, 0xf3, 0x80, 0xbf, 4 },
        { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (p[0] < kinds[i].first || p[0] > kinds[i].last) {
            continue;
        }
        if (kinds[i].len > left) {
            return 0;
        }
        for (size_t j = 1; j < kinds[i].len; j++) {
            unsigned char min = j == 1 ? kinds[i].min : 0x80;
            unsigned char max = j == 1 ? kinds[i].max : 0xbf;

            if (p[j] < min || p[j] > max) {
                return 0;
            }
        }
        return kinds[i].len;
    }
    return 0;
}

bool
http_is_utf8(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *) text;

    for (size_t i = 0; i < len;) {
        size_t n = utf8_len(p + i, len - i);

        if (!n) {
            return false;
        }
        i += n;
    }
    return true;
}

char *
http_percent_decode(const char *text, size_t len, bool plus)
{
    char *out = xmalloc(len + 1);
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = text[i];

        if (c == '%') {
            int high = i + 2 < len ? hexit_value(text[i + 1]) : -1;
            int low = i + 2 < len ? hexit_value(text[i + 2]) : -1;

            if (high < 0 || low < 0) {
                goto bad;
            }
            c = (unsigned char) (high << 4 | low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (c < ' ' || c == 0x7f) {
            goto bad;
        }
        out[n++] = c;
    }
    out[n] = '\0';
    if (http_is_utf8(out, n)) {
        return out;
    }
bad:
    free(out);
    return NULL;
}

static bool
add_query(struct http_target *target, const char *pair, size_t len,
          struct http_fault *fault)
{
    const char *equals = memchr(pair, '=', len);
    size_t name_len = equals ? (size_t) (equals - pair) : len;
    struct http_query *q = &target->query[target->n_query];

    if (target->n_query >= HTTP_QUERY_MAX) {
        fault->text = "There are too many query parameters";
        return false;
    }
    q->name = http_percent_decode(pair, name_len, true);
    q->value = (equals
                ? http_percent_decode(equals + 1, len - name_len - 1, true)
                : xstrdup(""));
    target->n_query++;
    if (!q->name || !q->value || !q->name[0]) {
        fault->text = "The query is malformed";
        return false;
    }
    return true;
}

bool
http_target_parse(struct http_target *target, const char *text,
                  struct http_fault *fault)
{
    const char *query = strchr(text, '?');

    memset(target, 0, sizeof *target);
    fault->status = 400;
    target->path = query ? xmemdup0(text, query - text) : xstrdup(text);
    if (!query || !query[1]) {
        return true;
    }
    for (query++;;) {
        size_t len = strcspn(query, "&");

        if (!add_query(target, query, len, fault)) {
            return false;
        }
        if (!query[len]) {
            return true;
        }
        query += len + 1;
    }
}

void
http_target_uninit(struct http_target *target)
{
    free(target->path);
    for (size_t i = 0; i < target->n_query; i++) {
        free(target->query[i].name);
        free(target->query[i].value);
    }
    memset(target, 0, sizeof *target);
}
