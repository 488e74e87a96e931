/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to proto/probe. */

#ifndef PROTO_PROBE_PROBE_PRIVATE_H
#define PROTO_PROBE_PROBE_PRIVATE_H 1

#include "proto/probe/probe.h"
#include "vmn/flow.h"

enum { ICMP4_REPLY = 0, ICMP4_UNREACHABLE = 3, ICMP4_REQUEST = 8,
       ICMP6_UNREACHABLE = 1, ICMP6_REQUEST = 128, ICMP6_REPLY = 129,
       ICMP6_SOLICITATION = 135, ICMP6_ADVERTISEMENT = 136 };

/* The advertised TCP window, which bounds what a server sends. */
#define PROBE_WINDOW 2048
/* Bytes of a response within which its final status must be. */
#define PROBE_ANSWER_MAX 4096

/* End the probe. */
enum probe_verdict probe_fails(struct probe *, const char *reason);
enum probe_verdict probe_succeeds(struct probe *);

/* probe-frame.c: a valid IP packet from the server or, for ICMP, from
 * anybody. */
struct probe_packet {
    uint8_t proto;
    const uint8_t *l4;          /* In the frame. */
    size_t l4_size;
};
bool probe_parse(const struct probe *, const uint8_t *frame, size_t size,
                 struct probe_packet *);

/* Returns the upper layer of the packet that an ICMP error quotes, if that was
 * from the probe's address to the server's, or NULL.  It has at least
 * PROBE_QUOTED_MIN bytes. */
#define PROBE_QUOTED_MIN 8
const uint8_t *probe_quoted(const struct probe *, const uint8_t *ip,
                            size_t size, uint8_t *proto);

/* Adds a frame with 'l4_size' zero bytes after the IP header, and returns
 * these to be filled in; or NULL at PROBE_FRAMES_MAX. */
uint8_t *probe_frame_begin(const struct probe *, struct probe_frames *,
                           uint8_t proto, size_t l4_size);
/* Fills in the checksum at 'offset' of the last frame's upper layer. */
void probe_frame_end(const struct probe *, struct probe_frames *,
                     uint8_t proto, size_t l4_size, size_t offset);

/* probe-neighbour.c */
void probe_neighbour_ask(const struct probe *, struct probe_frames *);
enum probe_verdict probe_neighbour_receive(struct probe *,
                                           const uint8_t *frame, size_t size);
/* Returns true, and the address that it is about, if the frame may be an
 * answer to probe_neighbour_ask(). */
bool probe_neighbour_address(const uint8_t *frame, size_t size,
                             struct vmn_ip *server);

/* probe-tcp.c */
void probe_tcp_begin(struct probe *, struct probe_frames *);
enum probe_verdict probe_tcp_receive(struct probe *, const uint8_t *tcp,
                                     size_t size, struct probe_frames *);
void probe_tcp_retransmit(struct probe *, struct probe_frames *);
/* Resets the connection that may be open at the server. */
void probe_tcp_abort(struct probe *, struct probe_frames *);
/* Returns true if a quoted header may be that of a packet that was sent. */
bool probe_tcp_sent(const struct probe *, const uint8_t *tcp);

/* probe-http.c */
const char *probe_http_init(struct probe *, const struct probe_target *);
/* Parses the next bytes of the response. */
enum probe_verdict probe_http_take(struct probe *, const uint8_t *,
                                   size_t size);

#endif /* proto/probe/probe-private.h */
