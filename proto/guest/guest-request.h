/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP as guests are answered: finds the end of a request, and writes the head
 * of a reply.  Also implements vmn_http_parse() and vmn_http_find() of
 * include/vmn/requests.h.  Heads are parsed as those of the API are
 * (proto/http/http-parse.h).  Not for connections. */

#ifndef PROTO_GUEST_GUEST_REQUEST_H
#define PROTO_GUEST_GUEST_REQUEST_H 1

#include <stdbool.h>
#include <stddef.h>

#include "vmn/requests.h"

/* What is known of a request before it is answered. */
struct guest_request {
    size_t size;                /* Of its head and body; 0: not whole yet. */
    bool head_only;             /* HEAD: the reply has no body. */
    bool close;                 /* The last one of its connection. */
    bool expects_continue;      /* Its body comes when that is said. */
    unsigned fault;             /* The status of the reply, if it cannot be
                                 * served; or 0. */
};

/* Looks at what a client has sent, 'size' bytes. */
void guest_request_read(const char *text, size_t size,
                        struct guest_request *);

/* Room for a reply's head. */
#define GUEST_REPLY_HEAD_MAX 1024

/* Writes a reply's head to 'text'.  Returns its length. */
size_t guest_reply_head(const struct vmn_http_reply *, bool close,
                        char text[GUEST_REPLY_HEAD_MAX]);

/* Returns true unless the reply has what none may have. */
bool guest_reply_is_valid(const struct vmn_http_reply *);

#endif /* proto/guest/guest-request.h */
