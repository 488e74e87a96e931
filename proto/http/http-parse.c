/* SPDX-License-Identifier: Apache-2.0
 *
 * Parses request heads.  Strict where leniency would let two parsers of the
 * same bytes see two different requests: lines end with CRLF, there is no
 * folding, lengths are given once. */

#include <config.h>

#include "proto/http/http-parse.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util.h"

static bool
fail(struct http_fault *fault, int status, const char *text)
{
    fault->status = status;
    fault->text = text;
    return false;
}

int
http_head_size(const char *text, size_t size, size_t *scanned,
               struct http_fault *fault)
{
    while (*scanned < size) {
        const char *from = text + *scanned;
        const char *lf = memchr(from, '\n', size - *scanned);

        if (!lf) {
            *scanned = size;
            break;
        }

        size_t at = lf - text;
        if (!at || text[at - 1] != '\r') {
            fail(fault, 400, "A line does not end with CR LF");
            return -1;
        }
        *scanned = at + 1;
        if (at >= 3 && text[at - 2] == '\n') {
            return (int) (at + 1);
        }
    }
    if (size > HTTP_HEAD_MAX) {
        fail(fault, 431, "The request line and headers are too large");
        return -1;
    }
    return 0;
}

/* Returns true for characters of a token (RFC 9110, section 5.6.2). */
static bool
is_tchar(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
           || (c >= 'A' && c <= 'Z') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static const struct {
    const char *name;
    enum http_method method;
    bool head;
} methods[] = {
    { "GET", HTTP_GET, false },     { "HEAD", HTTP_GET, true },
    { "PUT", HTTP_PUT, false },     { "POST", HTTP_POST, false },
    { "PATCH", HTTP_PATCH, false }, { "DELETE", HTTP_DELETE, false },
    { "OPTIONS", HTTP_OPTIONS, false },
};

static bool
parse_method(struct http_head *head, const char *name,
             struct http_fault *fault)
{
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
        if (!strcmp(name, methods[i].name)) {
            head->method = methods[i].method;
            head->head = methods[i].head;
            return true;
        }
    }
    for (const char *p = name; *p; p++) {
        if (!is_tchar(*p)) {
            return fail(fault, 400, "The request line has no method");
        }
    }
    return fail(fault, 501, "The method is unknown");
}

/* Parses "METHOD SP TARGET SP HTTP/1.x", null-terminated. */
static bool
parse_request_line(struct http_head *head, char *line,
                   struct http_fault *fault)
{
    char *target = strchr(line, ' ');
    char *version = target ? strchr(target + 1, ' ') : NULL;

    if (!version || target == line || version == target + 1
        || strchr(version + 1, ' ')) {
        return fail(fault, 400, "The request line is malformed");
    }
    *target++ = '\0';
    *version++ = '\0';
    if (strncmp(version, "HTTP/", 5)) {
        return fail(fault, 400, "The request line has no HTTP version");
    } else if (!strcmp(version, "HTTP/1.1")) {
        head->minor = 1;
    } else if (!strcmp(version, "HTTP/1.0")) {
        head->minor = 0;
    } else {
        return fail(fault, 505, "Only HTTP/1.1 and HTTP/1.0 are supported");
    }
    if (!parse_method(head, line, fault)) {
        return false;
    }
    for (const char *p = target; *p; p++) {
        if (*p <= ' ' || *p >= 0x7f || strchr("\"<>\\^`{|}#", *p)) {
            return fail(fault, 400, "The request target has a character"
                        " that must be percent-encoded");
        }
    }
    if (strlen(target) > HTTP_TARGET_MAX) {
        return fail(fault, 414, "The request target is too long");
    }
    if (!strncasecmp(target, "http://", 7)) {   /* RFC 9112, 3.2.2. */
        target = strchr(target + 7, '/');
    }
    if (!target || *target != '/') {
        return fail(fault, 400, "The request target is not a path");
    }
    head->target = target;
    return true;
}

/* Parses "Name: value", null-terminated. */
static bool
parse_field(struct http_head *head, char *line, struct http_fault *fault)
{
    char *colon = line;

    if (*line == ' ' || *line == '\t') {
        return fail(fault, 400, "A header is folded over two lines");
    }
    while (is_tchar(*colon)) {
        colon++;
    }
    if (*colon != ':' || colon == line) {
        return fail(fault, 400, "A header's name is malformed");
    }
    if (head->n_fields >= HTTP_FIELDS_MAX) {
        return fail(fault, 431, "Too many headers");
    }
    *colon = '\0';

    char *value = colon + 1;
    value += strspn(value, " \t");
    char *end = strchr(value, '\0');
    while (end > value && (end[-1] == ' ' || end[-1] == '\t')) {
        *--end = '\0';
    }
    for (const char *p = value; *p; p++) {
        unsigned char c = *p;

        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return fail(fault, 400, "A header has a control character");
        }
    }
    head->fields[head->n_fields].name = line;
    head->fields[head->n_fields].value = value;
    head->n_fields++;
    return true;
}

size_t
http_head_count(const struct http_head *head, const char *name,
                const char **value)
{
    size_t n = 0;

    *value = NULL;
    for (size_t i = 0; i < head->n_fields; i++) {
        if (!strcasecmp(head->fields[i].name, name)) {
            if (!n++) {
                *value = head->fields[i].value;
            }
        }
    }
    return n;
}

const char *
http_head_find(const struct http_head *head, const char *name)
{
    const char *value;

    http_head_count(head, name, &value);
    return value;
}

/* Parses digits only: no sign, no space, no list. */
static bool
parse_length(const char *value, uint64_t *length)
{
    size_t n = strspn(value, "0123456789");

    if (!n || value[n] || n > 18) {
        return false;
    }
    *length = strtoull(value, NULL, 10);
    return true;
}

static bool
check_length(struct http_head *head, struct http_fault *fault)
{
    const char *encoding, *length;
    size_t n_encodings = http_head_count(head, "Transfer-Encoding", &encoding);
    size_t n_lengths = http_head_count(head, "Content-Length", &length);

    if (n_lengths > 1) {
        return fail(fault, 400, "Content-Length appears more than once");
    }
    if (n_encodings && (n_lengths || !head->minor)) {
        return fail(fault, 400, "Transfer-Encoding cannot be combined with"
                    " Content-Length or HTTP/1.0");
    }
    if (n_encodings > 1 || (encoding && strcasecmp(encoding, "chunked"))) {
        return fail(fault, 501, "The only supported transfer encoding is "
                    "chunked");
    }
    head->chunked = n_encodings != 0;
    if (length && !parse_length(length, &head->body_size)) {
        return fail(fault, 400, "Content-Length is not a number of bytes");
    }
    if (head->body_size > HTTP_BODY_MAX) {
        return fail(fault, 413, "The body is larger than "
                    OVS_STRINGIZE(HTTP_BODY_MAX_MIB) " MiB");
    }
    return true;
}

/* Returns true if the comma-separated list 'value' contains 'token'. */
static bool
list_has(const char *value, const char *token)
{
    size_t len = strlen(token);

    while (*value) {
        value += strspn(value, ", \t");
        size_t n = strcspn(value, ", \t");
        if (n == len && !strncasecmp(value, token, n)) {
            return true;
        }
        value += n;
    }
    return false;
}

static bool
check_fields(struct http_head *head, struct http_fault *fault)
{
    const char *value;
    size_t n = http_head_count(head, "Host", &value);

    if (n > 1 || (!n && head->minor)) {
        return fail(fault, 400, "Exactly one Host header is required");
    }
    if (http_head_count(head, "Authorization", &value) > 1) {
        return fail(fault, 400, "Authorization appears more than once");
    }
    head->close = !head->minor;
    if (http_head_count(head, "Connection", &value)
        && list_has(value, "close")) {
        head->close = true;
    }
    if (http_head_count(head, "Expect", &value)) {
        if (strcasecmp(value, "100-continue")) {
            return fail(fault, 417, "The only supported expectation is "
                        "100-continue");
        }
        head->expects_continue = head->minor != 0;
    }
    return check_length(head, fault);
}

bool
http_head_parse(struct http_head *head, const char *text, size_t size,
                struct http_fault *fault)
{
    memset(head, 0, sizeof *head);
    head->text = xmemdup0(text, size);
    head->close = true;         /* Unless the whole head is valid. */
    if (memchr(text, '\0', size)) {
        return fail(fault, 400, "The headers contain a null byte");
    }
    if (size > HTTP_HEAD_MAX) {
        return fail(fault, 431, "The request line and headers are too large");
    }

    char *line = head->text;
    for (bool first = true;; first = false) {
        char *end = strstr(line, "\r\n");

        if (!end) {
            return fail(fault, 400, "The headers are not terminated");
        }
        *end = '\0';
        if (!*line && !first) {
            break;
        }
        if (first ? !parse_request_line(head, line, fault)
                  : !parse_field(head, line, fault)) {
            return false;
        }
        line = end + 2;
    }
    return check_fields(head, fault);
}

void
http_head_uninit(struct http_head *head)
{
    free(head->text);
    head->text = NULL;
    head->n_fields = 0;
}

bool
http_chunk_size(const char *line, size_t len, uint64_t *size)
{
    size_t n = 0;

    *size = 0;
    for (; n < len; n++) {
        int digit = hexit_value(line[n]);

        if (digit < 0) {
            break;
        }
        if (n >= 12) {
            return false;
        }
        *size = *size * 16 + digit;
    }
    /* Extensions are valid, and ignored. */
    return n && (n == len || line[n] == ';' || line[n] == ' ');
}
