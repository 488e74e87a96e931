/* SPDX-License-Identifier: Apache-2.0
 *
 * Answering HTTP.  A handler with VMN_HANDLER_HTTP is given requests in place
 * of packets: flows send TCP packets of guests up to it, vmnd speaks TCP and
 * HTTP/1.1 with the guest, and calls the handler once for each request that is
 * whole.  The handler says what the reply is.  So it is as pure as any: that
 * connections have a state is vmnd's matter.
 *
 * Whatever address, port and Ethernet address the packets are for, vmnd
 * answers as that one; flows say which.  A connection is of the port that its
 * packets come from, 'port' of struct vmn_packet_in, and of no other one, also
 * where guests of several networks have the same addresses.
 *
 * Of a port there may be VMN_HTTP_CONNECTIONS_MAX connections at a time; it is
 * answered VMN_HTTP_RATE requests a second, 429 beyond that, within what
 * packets are limited to anyway.  Requests of all ports together wait where
 * they are more than 1,000 a second, and replies are 503 while 32 MiB of them
 * are not taken by who has asked. */

#ifndef VMN_REQUESTS_H
#define VMN_REQUESTS_H 1

#include "vmn/packet.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VMN_HTTP_CONNECTIONS_MAX 32 /* Of a port. */
#define VMN_HTTP_RATE 50        /* Requests a second, of a port. */
#define VMN_HTTP_HEAD_MAX 4096  /* Bytes: request line and header fields. */
#define VMN_HTTP_FIELDS_MAX 32  /* Header fields. */
#define VMN_HTTP_BODY_MAX 4096  /* Bytes of a request's body. */
#define VMN_HTTP_REPLY_MAX 131072 /* Bytes of a reply's body. */

/* What a request wants (RFC 9110, section 9). */
enum vmn_http_method {
    VMN_HTTP_GET = 0,           /* HEAD as well: vmnd leaves the body out. */
    VMN_HTTP_PUT = 1,
    VMN_HTTP_POST = 2,
    VMN_HTTP_OTHER = 3,
};

/* A header field. */
struct vmn_http_field {
    const char *name;           /* In any case. */
    const char *value;
};

/* A request.  Texts are in 'text', or in the bytes that were taken apart. */
struct vmn_http_request {
    enum vmn_http_method method;
    const char *path;           /* From "/" up to a "?"; as it was sent. */
    const char *query;          /* Behind that, or NULL. */
    size_t n_fields;
    struct vmn_http_field fields[VMN_HTTP_FIELDS_MAX];
    const uint8_t *body;
    size_t body_size;
    char text[VMN_HTTP_HEAD_MAX + 1];
};

/* Takes the 'size' bytes of a request apart, 'bytes' of struct vmn_packet_in.
 * Returns false, with nothing to be read in 'request', unless it is a whole
 * one (RFC 9112). */
bool vmn_http_parse(const uint8_t *bytes, size_t size,
                    struct vmn_http_request *request);

/* Returns the value of the first header field 'name', or NULL. */
const char *vmn_http_find(const struct vmn_http_request *, const char *name);

/* A reply. */
struct vmn_http_reply {
    uint32_t status;            /* 200 to 599. */
    const char *type;           /* Content-Type, or NULL: there is no body. */
    const void *body;
    size_t body_size;
    /* Another header field, or NULL.  Name and value are ASCII without control
     * characters, at most 255 characters each. */
    const char *field_name;
    const char *field_value;
    /* TTL, or hop limit, of the packets that it leaves in, up to 64; 0: 64.
     * If it is not 0 the reply is its connection's last. */
    uint32_t ttl;
};

/* Says the reply to a request.  The last call of a handler counts; without
 * one, or with vmn_send_nothing(), it is 404 (Not Found).  All is copied. */
void vmn_send_http(struct vmn_packets_out *, const struct vmn_http_reply *);

/* Returns a hash of 'size' bytes that nobody foresees who does not know the
 * key: SipHash-2-4.  With 'key' of struct vmn_packet_in, it seals what a guest
 * is to bring back. */
uint64_t vmn_keyed_hash(const uint8_t key[VMN_PACKET_KEY_SIZE],
                        const void *bytes, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* vmn/requests.h */
