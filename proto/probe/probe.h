/* SPDX-License-Identifier: Apache-2.0
 *
 * One probe of one server: whether it answers at a TCP or UDP port, to a GET,
 * or to a ping.  A state machine that is given frames and says which ones to
 * send. It does no I/O, knows no time and allocates nothing, and it takes only
 * so much from a server: what that sends is never trusted to be right or to
 * end.
 *
 * Used by controller/health.  Not for when to probe, nor for what follows from
 * how it went. */

#ifndef PROTO_PROBE_PROBE_H
#define PROTO_PROBE_PROBE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmn/types.h"

enum probe_type {
    PROBE_TCP,                  /* SYN, SYN-ACK; then a reset. */
    PROBE_HTTP,                 /* A GET, up to the answer's status. */
    PROBE_UDP,                  /* A datagram, and one back if awaited. */
    PROBE_PING,                 /* ICMP or ICMPv6 echo. */
};

/* HTTP statuses from 'first' to 'last'. */
struct probe_range {
    uint16_t first, last;
};

#define PROBE_TEXT_MAX 255      /* Characters in 'path' and 'host'. */
#define PROBE_EXPECT_MAX 16
#define PROBE_PAYLOAD_MAX 512

/* What is to be probed, and as whom.  All is borrowed for probe_init(). */
struct probe_target {
    enum probe_type type;
    struct vmn_mac src_mac, dst_mac;
    struct vmn_ip src, dst;     /* Of one family. */
    uint16_t src_port;          /* PROBE_PING: the identifier... */
    uint16_t dst_port;          /* ...and the sequence number. */
    uint32_t random;            /* The initial sequence number, or what is in a
                                 * ping.  Nobody should foresee it. */
    /* PROBE_HTTP. */
    const char *path;           /* NULL: "/". */
    const char *host;           /* NULL: 'dst', and the port unless it's 80. */
    size_t n_expect;            /* 0: 200 to 399. */
    const struct probe_range *expect;
    /* PROBE_UDP. */
    const void *payload;
    size_t payload_size;
    bool answer;                /* One is awaited. */
};

/* Frames to send.  The caller's, like the memory they are in. */
#define PROBE_FRAMES_MAX 4
#define PROBE_FRAME_SIZE 800
struct probe_frames {
    size_t n;
    size_t sizes[PROBE_FRAMES_MAX];
    uint8_t bytes[PROBE_FRAMES_MAX][PROBE_FRAME_SIZE];
};

enum probe_verdict {
    PROBE_IGNORED,              /* The frame is not for this probe, or
                                 * wrong. */
    PROBE_GOES_ON,
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

/* Embedded in the caller's; its members are proto/probe's own.  It points to
 * nothing. */
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

    /* HTTP: where in the answer it is. */
    size_t n_expect;
    struct probe_range expect[PROBE_EXPECT_MAX];
    size_t n_taken;             /* Bytes of it so far. */
    size_t n_status;            /* Of those, of the status line there. */
    unsigned status;
    bool in_headers;            /* Of an interim answer (1xx)... */
    bool line_empty;            /* ...at the beginning of a line. */

    /* HTTP's request, or UDP's payload. */
    size_t request_size;
    uint8_t request[PROBE_REQUEST_MAX];
};

/* Begins a probe of 'target'.  Returns NULL, or what is wrong with 'target', a
 * string literal. */
const char *probe_init(struct probe *, const struct probe_target *);

/* The frame to begin with.  It and the others below fill in 'frames'. */
void probe_begin(struct probe *, struct probe_frames *);

/* Takes a frame that came for the address that is probed from. */
enum probe_verdict probe_receive(struct probe *, const uint8_t *frame,
                                 size_t size, struct probe_frames *);

/* Of which probe a frame may be: the address of the server, and what that probe's
 * 'src_port' would be.  Not all is looked at that probe_receive() looks at.
 * False if it is nobody's. */
bool probe_address(const uint8_t *frame, size_t size, struct vmn_ip *server,
                   uint16_t *id);

/* What has not been answered yet once more: the caller says when, and how
 * often. */
void probe_retransmit(struct probe *, struct probe_frames *);

/* No more is waited for.  PROBE_SUCCESS for UDP without an awaited answer,
 * else PROBE_FAILURE; frames end what is half-way. */
enum probe_verdict probe_timeout(struct probe *, struct probe_frames *);

/* Why it failed: a few words such as "connection refused"; "" if it did not.
 * They live in the probe. */
const char *probe_reason(const struct probe *);

#endif /* proto/probe/probe.h */
