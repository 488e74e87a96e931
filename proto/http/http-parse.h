/* SPDX-License-Identifier: Apache-2.0
 *
 * Parsing of what a client sends, on memory alone: heads (RFC 9112), targets
 * and queries (RFC 3986), chunk sizes.  Only for proto/http and its tests. */

#ifndef PROTO_HTTP_HTTP_PARSE_H
#define PROTO_HTTP_HTTP_PARSE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/http/http.h"

struct http_field {
    const char *name;
    const char *value;
};

/* A request's head.  Strings point into 'text'. */
struct http_head {
    char *text;                 /* Owned. */
    enum http_method method;
    bool head;                  /* HEAD, which 'method' shows as GET. */
    int minor;                  /* HTTP/1.minor. */
    char *target;
    size_t n_fields;
    struct http_field fields[HTTP_FIELDS_MAX];

    /* What the fields say. */
    bool chunked;
    uint64_t body_size;         /* Content-Length, or 0. */
    bool close;                 /* No further request on the connection. */
    bool expects_continue;
};

/* What is wrong with it, for the reply. */
struct http_fault {
    int status;
    const char *text;           /* A literal. */
};

/* Finds the end of a head.  Scans 'text' from '*scanned' on, which it updates.
 * Returns the head's size with its empty line, 0 if it is incomplete, or -1
 * with '*fault'. */
int http_head_size(const char *text, size_t size, size_t *scanned,
                   struct http_fault *fault);

/* Parses a complete head.  Even if it returns false, with '*fault', the caller
 * must uninitialize 'head'. */
bool http_head_parse(struct http_head *, const char *text, size_t size,
                     struct http_fault *fault);
void http_head_uninit(struct http_head *);
const char *http_head_find(const struct http_head *, const char *name);
/* Returns how often a field is there, and sets '*value' to its first value, or
 * NULL. */
size_t http_head_count(const struct http_head *, const char *name,
                       const char **value);

/* A parsed and decoded target.  Its query may have a name twice. */
struct http_target {
    char *path;                 /* Owned; raw, for routes. */
    size_t n_query;
    struct http_query {
        char *name;
        char *value;
    } query[HTTP_QUERY_MAX];    /* Owned. */
};
bool http_target_parse(struct http_target *, const char *target,
                       struct http_fault *fault);
void http_target_uninit(struct http_target *);

/* Decodes %XX (and '+' as a space if 'plus').  NULL if it is malformed, not
 * UTF-8, or has a control character.  The caller frees it. */
char *http_percent_decode(const char *text, size_t len, bool plus);

/* Parses a chunk's size line, without its CRLF. */
bool http_chunk_size(const char *line, size_t len, uint64_t *size);

/* True if 'text' is well-formed UTF-8. */
bool http_is_utf8(const char *text, size_t len);

#endif /* proto/http/http-parse.h */
