/* SPDX-License-Identifier: Apache-2.0
 *
 * One health probe of one server: whether it answers at a TCP or UDP port, to
 * an HTTP GET, to a ping, or to who asks for its address; or of one that
 * forwards: whether it does.  A state machine that consumes received frames
 * and produces frames to send.  It does no I/O, reads no clock and allocates
 * nothing, and it bounds how much it reads from a server.
 *
 * Used by controller/health.  Not for when to probe, nor for what follows from
 * the result. */

#ifndef PROTO_PROBE_PROBE_H
#define PROTO_PROBE_PROBE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmn/types.h"

enum probe_type {
    PROBE_TCP,                  /* SYN, SYN-ACK; then a reset. */
    PROBE_HTTP,                 /* A GET, up to the status of the response. */
    PROBE_UDP,                  /* A datagram, and a reply if expected. */
    PROBE_PING,                 /* ICMP or ICMPv6 echo. */
    PROBE_NEIGHBOUR,            /* ARP, or neighbour discovery (RFC 4861): asks
                                 * 'dst_mac' alone whose address 'dst' is. */
    PROBE_THROUGH,              /* The request of such an echo, which is to
                                 * come back as it is: 'src' and 'dst' are
                                 * nobody's. */
};

/* HTTP statuses from 'first' to 'last'. */
struct probe_range {
    uint16_t first, last;
};

#define PROBE_TEXT_MAX 255      /* Characters in 'path' and 'host'. */
#define PROBE_EXPECT_MAX 16
#define PROBE_PAYLOAD_MAX 512

/* The server to probe, and the source address.  Borrowed by probe_init()
 * during the call only. */
struct probe_target {
    enum probe_type type;
    struct vmn_mac src_mac, dst_mac;
    struct vmn_ip src, dst;     /* Of one family. */
    uint16_t src_port;          /* Of an echo: the identifier; of
                                 * PROBE_NEIGHBOUR 0... */
    uint16_t dst_port;          /* ...and the sequence number. */
    uint32_t random;            /* The initial sequence number, or the payload
                                 * of a ping.  Must be unpredictable. */
    /* PROBE_HTTP. */
    const char *path;           /* NULL: "/". */
    const char *host;           /* NULL: 'dst', and the port unless it's 80. */
    size_t n_expect;            /* 0: 200 to 399. */
    const struct probe_range *expect;
    /* PROBE_UDP. */
    const void *payload;
    size_t payload_size;
    bool answer;                /* A reply is expected. */
};

/* Frames to send.  Owned by the caller. */
#define PROBE_FRAMES_MAX 4
#define PROBE_FRAME_SIZE 800
struct probe_frames {
    size_t n;
    size_t sizes[PROBE_FRAMES_MAX];
    uint8_t bytes[PROBE_FRAMES_MAX][PROBE_FRAME_SIZE];
};

enum probe_verdict {
    PROBE_IGNORED,              /* The frame is not for this probe, or
                                 * malformed. */
    PROBE_CONTINUES,
    PROBE_SUCCESS,              /* The probe is over... */
    PROBE_FAILURE,              /* ...as here; probe_reason() says why. */
};

#define PROBE_REASON_SIZE 48
#define PROBE_REQUEST_MAX 700

enum probe_stage {
    PROBE_STAGE_ASKED,          /* TCP: SYN-SENT. */
    PROBE_STAGE_CONNECTED,      /* HTTP alone. */
    PROBE_STAGE_OVER,
};

/* Embedded in the caller's struct; its members are private.  Contains no
 * pointers. */
struct probe {
    enum probe_type type;
    enum probe_stage stage;
    struct vmn_mac src_mac, dst_mac;
    struct vmn_ip src, dst;
    uint16_t src_port, dst_port;
    uint32_t random;
    bool answer;
    char reason[PROBE_REASON_SIZE];

    /* TCP. */
    uint32_t snd_una, snd_nxt, snd_max; /* RFC 9293; ever sent at most. */
    uint32_t rcv_nxt;
    uint16_t peer_mss, peer_window;
    unsigned n_strays;          /* Answers from an earlier connection. */

    /* HTTP: state of parsing the response. */
    size_t n_expect;
    struct probe_range expect[PROBE_EXPECT_MAX];
    size_t n_taken;             /* Bytes parsed so far. */
    size_t n_status;            /* Of those, bytes of the status line. */
    unsigned status;
    bool in_headers;            /* Of an interim response (1xx)... */
    bool line_empty;            /* ...at the beginning of a line. */

    /* HTTP's request, or UDP's payload. */
    size_t request_size;
    uint8_t request[PROBE_REQUEST_MAX];
};

/* Initializes a probe of 'target'.  Returns NULL, or what is wrong with
 * 'target', a string literal. */
const char *probe_init(struct probe *, const struct probe_target *);

/* Produces the first frame.  It and the functions below fill in 'frames'. */
void probe_begin(struct probe *, struct probe_frames *);

/* Handles a frame that was received for the source address, or PROBE_THROUGH
 * from it. */
enum probe_verdict probe_receive(struct probe *, const uint8_t *frame,
                                 size_t size, struct probe_frames *);

/* Determines the probe that a frame may belong to: the address of the server,
 * and the probe's 'src_port' (0: PROBE_NEIGHBOUR).  Checks less than
 * probe_receive().  Returns false if it can belong to none. */
bool probe_address(const uint8_t *frame, size_t size, struct vmn_ip *server,
                   uint16_t *id);

/* Retransmits what has not been acknowledged yet: the caller decides when, and
 * how often. */
void probe_retransmit(struct probe *, struct probe_frames *);

/* Ends the probe at its timeout.  Returns PROBE_SUCCESS for UDP if no reply is
 * expected, otherwise PROBE_FAILURE; 'frames' reset an open connection. */
enum probe_verdict probe_timeout(struct probe *, struct probe_frames *);

/* Returns why the probe failed, such as "connection refused"; "" if it did
 * not.  Owned by the probe. */
const char *probe_reason(const struct probe *);

#endif /* proto/probe/probe.h */
