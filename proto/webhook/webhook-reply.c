/* SPDX-License-Identifier: Apache-2.0
 *
 * Heads of replies; see webhook-reply.h. */

#include <config.h>

#include "proto/webhook/webhook-reply.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "util.h"

/* Longest value of a field that is looked into. */
#define VALUE_MAX 64

/* A decimal number, or false.  What is larger than 'max' is taken for it. */
static bool
parse_number(const char *text, uint64_t max, uint64_t *value)
{
    size_t n = strspn(text, "0123456789");

    if (!n || text[n]) {
        return false;
    }
    *value = n > 18 ? max : MIN(strtoull(text, NULL, 10), max);
    return true;
}

/* RFC 9110, section 10.2.3: seconds, or a date in the form that section 5.6.7
 * prefers. */
static void
take_retry_after(struct webhook_reply *reply, const char *value,
                 int64_t now_s)
{
    uint64_t seconds;
    struct tm tm;

    memset(&tm, 0, sizeof tm);
    if (parse_number(value, WEBHOOK_RETRY_AFTER_MAX_S, &seconds)) {
        reply->has_retry_after = true;
        reply->retry_after_s = seconds;
        return;
    }

    const char *end = strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    if (end && !*end) {
        int64_t wait_s = timegm(&tm) - now_s;

        reply->has_retry_after = true;
        reply->retry_after_s = MIN(MAX(wait_s, 0), WEBHOOK_RETRY_AFTER_MAX_S);
    }
}

/* A line "NAME: VALUE" of 'len' bytes.  What is malformed is passed over: none
 * of it decides anything but how long we wait. */
static void
take_field(struct webhook_reply *reply, const char *line, size_t len,
           int64_t now_s)
{
    const char *colon = memchr(line, ':', len);
    char value[VALUE_MAX + 1];
    size_t name_len;

    if (!colon) {
        return;
    }
    name_len = colon - line;
    len -= name_len + 1;
    for (colon++; len && (*colon == ' ' || *colon == '\t'); len--) {
        colon++;
    }
    while (len && (colon[len - 1] == ' ' || colon[len - 1] == '\t')) {
        len--;
    }
    if (len > VALUE_MAX || memchr(colon, '\0', len)) {
        return;
    }
    memcpy(value, colon, len);
    value[len] = '\0';
    if (name_len == 14 && !strncasecmp(line, "Content-Length", name_len)) {
        reply->has_size = parse_number(value, UINT64_MAX, &reply->size);
    } else if (name_len == 11
               && !strncasecmp(line, "Retry-After", name_len)) {
        take_retry_after(reply, value, now_s);
    }
}

/* "HTTP/1.1 200 OK", where the last part may be anything. */
static bool
take_status_line(struct webhook_reply *reply, const char *line, size_t len)
{
    int status = 0;

    if (len < 12 || memcmp(line, "HTTP/1.", 7)
        || !isdigit((unsigned char) line[7]) || line[8] != ' '
        || (len > 12 && line[12] != ' ')) {
        return false;
    }
    for (size_t i = 9; i < 12; i++) {
        if (!isdigit((unsigned char) line[i])) {
            return false;
        }
        status = status * 10 + line[i] - '0';
    }
    reply->status = status;
    return status >= 100;
}

enum webhook_head
webhook_reply_parse(struct webhook_reply *reply, const char *text, size_t size,
                    int64_t now_s, size_t *head_size)
{
    const char *p = text, *end = text + MIN(size, WEBHOOK_HEAD_MAX), *newline;
    bool first = true;

    memset(reply, 0, sizeof *reply);
    while (p < end && (newline = memchr(p, '\n', end - p)) != NULL) {
        size_t len = newline - p - (newline > p && newline[-1] == '\r');

        if (first) {
            memset(reply, 0, sizeof *reply);
            if (!take_status_line(reply, p, len) || reply->status == 101) {
                return WEBHOOK_HEAD_BAD;
            }
            first = false;
        } else if (len) {
            take_field(reply, p, len, now_s);
        } else if (reply->status >= 200) {
            *head_size = newline + 1 - text;
            return WEBHOOK_HEAD_WHOLE;
        } else {
            first = true;       /* That was an interim one. */
        }
        p = newline + 1;
    }
    return (size >= WEBHOOK_HEAD_MAX ? WEBHOOK_HEAD_BAD : WEBHOOK_HEAD_PART);
}
