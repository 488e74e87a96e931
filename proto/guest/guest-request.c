/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests and replies; see guest-request.h. */

#include <config.h>

#include "proto/guest/guest-request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proto/http/http-parse.h"
#include "util.h"

#define TEXT_MAX 255            /* Of a field's name, and value. */

static void
read_head(const char *text, size_t head_size, size_t size,
          struct guest_request *request)
{
    struct http_fault fault = { 0, NULL };
    struct http_head head;

    if (!http_head_parse(&head, text, head_size, &fault)) {
        request->fault = (unsigned) fault.status;
    } else if (head.n_fields > VMN_HTTP_FIELDS_MAX) {
        request->fault = 431;
    } else if (head.chunked) {
        request->fault = 411;
    } else if (head.body_size > VMN_HTTP_BODY_MAX) {
        request->fault = 413;
    } else {
        request->head_only = head.head;
        request->close = head.close;
        request->expects_continue = head.expects_continue;
        request->size = head_size + (size_t) head.body_size;
        if (request->size > size) {
            request->size = 0;
        }
    }
    http_head_uninit(&head);
}

void
guest_request_read(const char *text, size_t size,
                   struct guest_request *request)
{
    struct http_fault fault = { 0, NULL };
    size_t scanned = 0;
    int head_size;

    memset(request, 0, sizeof *request);
    head_size = http_head_size(text, size, &scanned, &fault);
    if (head_size < 0) {
        request->fault = (unsigned) fault.status;
    } else if (head_size > VMN_HTTP_HEAD_MAX
               || (!head_size && size > VMN_HTTP_HEAD_MAX)) {
        request->fault = 431;
    } else if (head_size) {
        read_head(text, (size_t) head_size, size, request);
    }
}

bool
vmn_http_parse(const uint8_t *bytes, size_t size,
               struct vmn_http_request *request)
{
    const char *text = (const char *) bytes;
    struct guest_request read;
    struct http_fault fault;
    struct http_head head;
    size_t scanned = 0, head_size;
    char *query;

    memset(request, 0, offsetof(struct vmn_http_request, text));
    guest_request_read(text, size, &read);
    if (read.fault || !read.size) {
        return false;
    }
    head_size = (size_t) http_head_size(text, size, &scanned, &fault);
    if (!http_head_parse(&head, text, head_size, &fault)) {
        http_head_uninit(&head);
        return false;
    }
    /* Parsing has put nulls between its parts. */
    memcpy(request->text, head.text, head_size + 1);
    request->method = (head.method == HTTP_GET ? VMN_HTTP_GET
                       : head.method == HTTP_PUT ? VMN_HTTP_PUT
                       : head.method == HTTP_POST ? VMN_HTTP_POST
                       : VMN_HTTP_OTHER);
    request->path = request->text + (head.target - head.text);
    query = strchr(request->text + (head.target - head.text), '?');
    if (query) {
        *query = '\0';
        request->query = query + 1;
    }
    for (size_t i = 0; i < head.n_fields; i++) {
        struct vmn_http_field *field = &request->fields[request->n_fields++];

        field->name = request->text + (head.fields[i].name - head.text);
        field->value = request->text + (head.fields[i].value - head.text);
    }
    request->body = bytes + head_size;
    request->body_size = read.size - head_size;
    http_head_uninit(&head);
    return true;
}

const char *
vmn_http_find(const struct vmn_http_request *request, const char *name)
{
    for (size_t i = 0; i < request->n_fields; i++) {
        if (!strcasecmp(request->fields[i].name, name)) {
            return request->fields[i].value;
        }
    }
    return NULL;
}

/* Replies.  --------------------------------------------------------------- */

static bool
is_text(const char *text)
{
    size_t n = 0;

    for (const char *p = text; p && *p; p++) {
        if (*p < ' ' || *p > '~' || ++n > TEXT_MAX) {
            return false;
        }
    }
    return true;
}

bool
guest_reply_is_valid(const struct vmn_http_reply *reply)
{
    return (reply->status >= 200 && reply->status <= 599
            && is_text(reply->type) && is_text(reply->field_name)
            && is_text(reply->field_value)
            && (!reply->field_name
                || (reply->field_name[0] && !strchr(reply->field_name, ':')
                    && reply->field_value))
            && reply->body_size <= VMN_HTTP_REPLY_MAX
            && (reply->body || !reply->body_size) && reply->ttl <= 255);
}

static const char *
phrase(uint32_t status)
{
    static const struct {
        uint32_t status;
        const char *text;
    } phrases[] = {
        { 200, "OK" }, { 204, "No Content" }, { 301, "Moved Permanently" },
        { 400, "Bad Request" }, { 401, "Unauthorized" },
        { 403, "Forbidden" }, { 404, "Not Found" },
        { 405, "Method Not Allowed" }, { 411, "Length Required" },
        { 413, "Content Too Large" }, { 414, "URI Too Long" },
        { 417, "Expectation Failed" }, { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" }, { 501, "Not Implemented" },
        { 503, "Service Unavailable" },
        { 505, "HTTP Version Not Supported" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(phrases); i++) {
        if (phrases[i].status == status) {
            return phrases[i].text;
        }
    }
    return "Unknown";
}

size_t
guest_reply_head(const struct vmn_http_reply *reply, bool close,
                 char text[GUEST_REPLY_HEAD_MAX])
{
    int n = snprintf(text, GUEST_REPLY_HEAD_MAX,
                     "HTTP/1.1 %u %s\r\n%s%s%sContent-Length: %zu\r\n"
                     "%s%s%s%s%s\r\n",
                     (unsigned) reply->status, phrase(reply->status),
                     reply->type ? "Content-Type: " : "",
                     reply->type ? reply->type : "",
                     reply->type ? "\r\n" : "", reply->body_size,
                     reply->field_name ? reply->field_name : "",
                     reply->field_name ? ": " : "",
                     reply->field_name ? reply->field_value : "",
                     reply->field_name ? "\r\n" : "",
                     close ? "Connection: close\r\n" : "");

    return MIN((size_t) n, (size_t) GUEST_REPLY_HEAD_MAX - 1);
}
