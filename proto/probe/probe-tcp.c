/* SPDX-License-Identifier: Apache-2.0
 *
 * A probe's end of a TCP connection (RFC 9293, as a client that sends one
 * request and never closes but by a reset).  Data are taken in order only;
 * nothing is kept for later.  No options are offered but the segment size, so
 * there is neither window scaling nor selective acknowledgement. */

#include <config.h>

#include "proto/probe/probe-private.h"

#include <string.h>

#include "packets.h"
#include "proto/packet/packet-bytes.h"
#include "util.h"

#define TCP_SIZE 20
#define SYN_SIZE 24             /* With the segment size. */
#define OUR_MSS 536             /* Any server can do with it. */
#define MSS_MIN 28              /* RFC 791's smallest MTU. */
#define STRAYS_MAX 2

struct segment {
    uint32_t seq, ack;
    uint8_t flags;
    uint16_t window;
    const uint8_t *options;
    size_t options_size;
    const uint8_t *data;
    size_t size;
};

/* How far 'a' is behind 'b', modulo 2**32. */
static int32_t
seq_diff(uint32_t a, uint32_t b)
{
    return (int32_t) (a - b);
}

/* Sending.  --------------------------------------------------------------- */

static void
put_segment(const struct probe *p, struct probe_frames *frames, uint32_t seq,
            uint8_t flags, const uint8_t *data, size_t size)
{
    size_t header = flags & TCP_SYN ? SYN_SIZE : TCP_SIZE;
    uint8_t *tcp
        = probe_frame_begin(p, frames, VMN_IP_PROTO_TCP, header + size);

    if (!tcp) {
        return;
    }
    put_u16(tcp, p->src_port);
    put_u16(tcp + 2, p->dst_port);
    put_u32(tcp + 4, seq);
    put_u32(tcp + 8, flags & TCP_ACK ? p->rcv_nxt : 0);
    tcp[12] = (uint8_t) (header / 4 << 4);
    tcp[13] = flags;
    put_u16(tcp + 14, flags & TCP_RST ? 0 : PROBE_WINDOW);
    if (flags & TCP_SYN) {
        tcp[20] = 2;
        tcp[21] = 4;
        put_u16(tcp + 22, OUR_MSS);
    }
    if (size) {
        memcpy(tcp + header, data, size);
    }
    probe_frame_end(p, frames, VMN_IP_PROTO_TCP, header + size, 16);
}

static void
put_syn(const struct probe *p, struct probe_frames *frames)
{
    put_segment(p, frames, p->random, TCP_SYN, NULL, 0);
}

static void
put_ack(const struct probe *p, struct probe_frames *frames)
{
    put_segment(p, frames, p->snd_nxt, TCP_ACK, NULL, 0);
}

static void
put_reset(const struct probe *p, struct probe_frames *frames)
{
    put_segment(p, frames, p->snd_nxt, TCP_RST | TCP_ACK, NULL, 0);
}

/* Sends what the server has room for of the request from 'snd_nxt' on.
 * Returns false if that is nothing. */
static bool
put_request(struct probe *p, struct probe_frames *frames)
{
    size_t before = frames->n;

    while (frames->n < PROBE_FRAMES_MAX) {
        size_t sent = p->snd_nxt - (p->random + 1);
        size_t unacked = p->snd_nxt - p->snd_una;
        size_t room = p->peer_window > unacked ? p->peer_window - unacked : 0;
        size_t n = MIN(MIN(p->request_size - sent, room), p->peer_mss);

        if (!n) {
            break;
        }
        put_segment(p, frames, p->snd_nxt,
                    TCP_ACK | (sent + n == p->request_size ? TCP_PSH : 0),
                    p->request + sent, n);
        p->snd_nxt += (uint32_t) n;
        if (seq_diff(p->snd_nxt, p->snd_max) > 0) {
            p->snd_max = p->snd_nxt;
        }
    }
    return frames->n > before;
}

/* Goes back to what is not acknowledged yet. */
static void
put_again(struct probe *p, struct probe_frames *frames)
{
    p->snd_nxt = p->snd_una;
    if (!put_request(p, frames)) {
        put_ack(p, frames);
    }
}

void
probe_tcp_begin(struct probe *p, struct probe_frames *frames)
{
    p->snd_una = p->random;
    p->snd_nxt = p->snd_max = p->random + 1;
    put_syn(p, frames);
}

void
probe_tcp_retransmit(struct probe *p, struct probe_frames *frames)
{
    if (p->stage == PROBE_STAGE_ASKED) {
        put_syn(p, frames);
    } else {
        put_again(p, frames);
    }
}

void
probe_tcp_abort(struct probe *p, struct probe_frames *frames)
{
    if (p->stage == PROBE_STAGE_ASKED) {
        /* The SYN-ACK may have been lost. */
        put_segment(p, frames, p->random + 1, TCP_RST, NULL, 0);
        return;
    }
    p->snd_nxt = p->snd_max;
    put_reset(p, frames);
    if (p->snd_una != p->snd_max) {
        /* A server that got no request takes no other sequence number (RFC
         * 5961, section 3.2). */
        p->snd_nxt = p->snd_una;
        put_reset(p, frames);
    }
}

bool
probe_tcp_sent(const struct probe *p, const uint8_t *tcp)
{
    uint32_t seq = get_u32(tcp + 4);

    return (get_u16(tcp) == p->src_port && get_u16(tcp + 2) == p->dst_port
            && seq_diff(seq, p->random) >= 0
            && seq_diff(seq, p->snd_max) <= 0);
}

/* Receiving.  ------------------------------------------------------------- */

/* The segment size that a SYN-ACK says.  Options that make no sense end the
 * list. */
static uint16_t
get_mss(const struct probe *p, const struct segment *s)
{
    uint16_t mss = p->dst.family == 6 ? 1220 : 536;
    size_t i = 0;

    while (i < s->options_size && s->options[i]) {
        size_t left = s->options_size - i;

        if (s->options[i] == 1) {
            i++;
            continue;
        }
        if (left < 2 || s->options[i + 1] < 2 || s->options[i + 1] > left) {
            break;
        }
        if (s->options[i] == 2 && s->options[i + 1] == 4) {
            mss = get_u16(s->options + i + 2);
        }
        i += s->options[i + 1];
    }
    return MAX(mss, MSS_MIN);
}

/* Something at the server is left from an earlier connection with the same
 * ports.  It is reset, and asked again. */
static enum probe_verdict
take_stray(struct probe *p, const struct segment *s,
           struct probe_frames *frames)
{
    if (s->flags & TCP_RST || p->n_strays >= STRAYS_MAX) {
        return PROBE_IGNORED;
    }
    p->n_strays++;
    put_segment(p, frames, s->ack, TCP_RST, NULL, 0);
    put_syn(p, frames);
    return PROBE_CONTINUES;
}

static enum probe_verdict
take_in_syn_sent(struct probe *p, const struct segment *s,
                 struct probe_frames *frames)
{
    if (!(s->flags & TCP_ACK)) {
        return PROBE_IGNORED;
    }
    if (s->ack != p->snd_nxt) {
        return take_stray(p, s, frames);
    }
    if (s->flags & TCP_RST) {
        return probe_fails(p, "connection refused");
    }
    if (!(s->flags & TCP_SYN)) {
        return PROBE_IGNORED;
    }
    p->snd_una = s->ack;
    p->rcv_nxt = s->seq + 1;
    if (p->type == PROBE_TCP) {
        put_reset(p, frames);
        return probe_succeeds(p);
    }
    p->peer_mss = get_mss(p, s);
    p->peer_window = s->window;
    p->stage = PROBE_STAGE_CONNECTED;
    if (!put_request(p, frames)) {
        put_ack(p, frames);
    }
    return PROBE_CONTINUES;
}

/* Takes what is new in a segment that begins at or before 'rcv_nxt'. */
static enum probe_verdict
take_data(struct probe *p, const struct segment *s,
          struct probe_frames *frames)
{
    size_t old = p->rcv_nxt - s->seq;
    bool fin = s->flags & TCP_FIN;
    enum probe_verdict verdict;
    size_t n;

    if (old > s->size || (old == s->size && !fin)) {
        /* Nothing, or once more what there was already. */
        if (!put_request(p, frames) && (s->size || fin)) {
            put_ack(p, frames);
        }
        return PROBE_CONTINUES;
    }
    n = s->size - old;
    if (n > PROBE_WINDOW) {
        n = PROBE_WINDOW;
        fin = false;
    }
    verdict = probe_http_take(p, s->data + old, n);
    p->rcv_nxt += (uint32_t) n;
    if (verdict == PROBE_CONTINUES && fin) {
        p->rcv_nxt++;
        verdict = probe_fails(p, "closed early");
    }
    if (verdict != PROBE_CONTINUES) {
        p->snd_nxt = p->snd_max;
        put_reset(p, frames);
    } else if (!put_request(p, frames)) {
        put_ack(p, frames);
    }
    return verdict;
}

static enum probe_verdict
take_in_connected(struct probe *p, const struct segment *s,
                  struct probe_frames *frames)
{
    if (s->flags & TCP_RST) {
        /* RFC 5961, section 3.2. */
        return (s->seq == p->rcv_nxt ? probe_fails(p, "connection reset")
                : PROBE_IGNORED);
    }
    if (!(s->flags & TCP_ACK)) {
        return PROBE_IGNORED;
    }
    if (s->flags & TCP_SYN) {
        /* Its SYN-ACK once more: ours did not reach it. */
        if (s->ack != p->random + 1 || s->seq + 1 != p->rcv_nxt) {
            return PROBE_IGNORED;
        }
        put_again(p, frames);
        return PROBE_CONTINUES;
    }
    if (seq_diff(s->ack, p->random + 1) < 0
        || seq_diff(s->ack, p->snd_max) > 0) {
        return PROBE_IGNORED;
    }
    if (seq_diff(s->seq, p->rcv_nxt + PROBE_WINDOW) >= 0
        || seq_diff(s->seq, p->rcv_nxt - UINT16_MAX) < 0) {
        return PROBE_IGNORED;
    }
    if (seq_diff(s->ack, p->snd_una) >= 0) {
        p->snd_una = s->ack;
        p->peer_window = s->window;
        if (seq_diff(p->snd_una, p->snd_nxt) > 0) {
            p->snd_nxt = p->snd_una;
        }
    }
    if (seq_diff(s->seq, p->rcv_nxt) > 0) {
        put_ack(p, frames);     /* What is before it is missing. */
        return PROBE_CONTINUES;
    }
    return take_data(p, s, frames);
}

enum probe_verdict
probe_tcp_receive(struct probe *p, const uint8_t *tcp, size_t size,
                  struct probe_frames *frames)
{
    struct segment s;
    size_t header;

    if (size < TCP_SIZE || get_u16(tcp) != p->dst_port
        || get_u16(tcp + 2) != p->src_port) {
        return PROBE_IGNORED;
    }
    header = (tcp[12] >> 4) * 4;
    if (header < TCP_SIZE || header > size) {
        return PROBE_IGNORED;
    }
    s = (struct segment) {
        .seq = get_u32(tcp + 4),
        .ack = get_u32(tcp + 8),
        .flags = tcp[13],
        .window = get_u16(tcp + 14),
        .options = tcp + TCP_SIZE,
        .options_size = header - TCP_SIZE,
        .data = tcp + header,
        .size = size - header,
    };
    return (p->stage == PROBE_STAGE_ASKED ? take_in_syn_sent(p, &s, frames)
            : take_in_connected(p, &s, frames));
}
