/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: probes (proto/probe) of a server that says anything.  The first
 * byte picks the probe; then come events, each of a kind and a size: a frame
 * as it is, one whose addresses and checksums are made right, a TCP segment
 * whose numbers are relative to the connection's, a retransmission, or the
 * timeout. Whatever is sent is whole and goes to the server; a probe ends
 * once. */

#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/probe/probe.h"

#define ETH 14
#define EVENTS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool right)
{
    if (!right) {
        abort();
    }
}

static uint32_t
sum_of(const uint8_t *p, size_t size)
{
    uint32_t total = 0;

    for (size_t i = 0; i < size; i++) {
        total += i % 2 ? p[i] : (uint32_t) p[i] << 8;
    }
    return total;
}

static uint16_t
fold(uint32_t total)
{
    while (total >> 16) {
        total = (total & 0xffff) + (total >> 16);
    }
    return total;
}

static void
set_u16(uint8_t *p, uint16_t value)
{
    p[0] = value >> 8;
    p[1] = value & 0xff;
}

static void
set_u32(uint8_t *p, uint32_t value)
{
    set_u16(p, value >> 16);
    set_u16(p + 2, value & 0xffff);
}

/* The sum over the pseudo header of an IP packet. */
static uint32_t
pseudo(const uint8_t *ip, uint8_t proto, size_t size)
{
    bool v6 = ip[0] >> 4 == 6;

    return (proto == 1 ? 0
            : sum_of(ip + (v6 ? 8 : 12), v6 ? 32 : 8) + proto + size);
}

/* Of PROBE_NEIGHBOUR: the only frame that it ever sends. */
static void
check_question(const struct probe *p, const struct probe_frames *frames)
{
    const uint8_t *ip = frames->bytes[0] + ETH;
    bool v6 = p->dst.family == 6;

    check(frames->n <= 1);
    if (frames->n) {
        check(frames->sizes[0] == (v6 ? 86 : 42));
        check(!memcmp(frames->bytes[0], &p->dst_mac, 6));
        check(!memcmp(ip + (v6 ? 48 : 24), p->dst.addr, v6 ? 16 : 4));
    }
}

static void
check_frames(const struct probe *p, const struct probe_frames *frames)
{
    if (p->type == PROBE_NEIGHBOUR) {
        check_question(p, frames);
        return;
    }

    bool v6 = p->dst.family == 6;
    size_t header = v6 ? 40 : 20;
    size_t ip_size = v6 ? 16 : 4;

    check(frames->n <= PROBE_FRAMES_MAX);
    for (size_t i = 0; i < frames->n; i++) {
        const uint8_t *ip = frames->bytes[i] + ETH;
        size_t l4_size = frames->sizes[i] - ETH - header;
        uint8_t proto = v6 ? ip[6] : ip[9];

        check(frames->sizes[i] >= ETH + header + 8
              && frames->sizes[i] <= PROBE_FRAME_SIZE);
        check(!memcmp(frames->bytes[i], &p->dst_mac, 6));
        check((size_t) (v6 ? ip[4] << 8 | ip[5]
                        : (ip[2] << 8 | ip[3]) - (int) header) == l4_size);
        check(v6 || fold(sum_of(ip, header)) == 0xffff);
        check(!memcmp(ip + header - ip_size, p->dst.addr, ip_size));
        check(fold(sum_of(ip + header, l4_size) + pseudo(ip, proto, l4_size))
              == 0xffff);
    }
}

/* Writes the headers that come from the server before 'l4_size' bytes; or that
 * come through it. */
static uint8_t *
put_headers(const struct probe *p, uint8_t *frame, uint8_t proto,
            size_t l4_size)
{
    bool through = p->type == PROBE_THROUGH;
    const uint8_t *from = through ? p->src.addr : p->dst.addr;
    const uint8_t *to = through ? p->dst.addr : p->src.addr;
    uint8_t *ip = frame + ETH;

    memset(frame, 0, ETH + 40);
    if (p->dst.family == 6) {
        set_u16(frame + 12, 0x86dd);
        ip[0] = 0x60;
        set_u16(ip + 4, l4_size);
        ip[6] = proto;
        memcpy(ip + 8, from, 16);
        memcpy(ip + 24, to, 16);
        return ip + 40;
    }
    set_u16(frame + 12, 0x0800);
    ip[0] = 0x45;
    set_u16(ip + 2, 20 + l4_size);
    ip[9] = proto;
    memcpy(ip + 12, from, 4);
    memcpy(ip + 16, to, 4);
    set_u16(ip + 10, ~fold(sum_of(ip, 20)));
    return ip + 20;
}

static enum probe_verdict
receive(struct probe *p, const uint8_t *frame, size_t size,
        struct probe_frames *frames)
{
    uint8_t *copy = malloc(size ? size : 1); /* It ends where the frame
                                              * does. */
    enum probe_verdict verdict;
    size_t taken = p->n_taken;
    struct vmn_ip server;
    bool is_known;
    uint16_t id;

    memcpy(copy, frame, size);
    is_known = probe_address(copy, size, &server, &id);
    verdict = probe_receive(p, copy, size, frames);
    /* What is a probe's is found. */
    check(verdict == PROBE_IGNORED
          || (is_known && id == p->src_port
              && vmn_ip_equal(&server, &p->dst)));
    free(copy);
    check(p->n_taken - taken <= size);
    return verdict;
}

static enum probe_verdict
receive_upper(struct probe *p, uint8_t proto, const uint8_t *bytes,
              size_t size, struct probe_frames *frames)
{
    static const size_t offsets[256] = { [1] = 2, [6] = 16, [17] = 6,
                                         [58] = 2 };
    uint8_t frame[512];
    uint8_t *l4 = put_headers(p, frame, proto, size);
    size_t offset = offsets[proto];

    memcpy(l4, bytes, size);
    if (offset && size >= offset + 2) {
        set_u16(l4 + offset, 0);
        set_u16(l4 + offset, ~fold(sum_of(l4, size)
                                   + pseudo(frame + ETH, proto, size)));
    }
    return receive(p, frame, l4 + size - frame, frames);
}

/* Flags, how far off the two numbers are, the window; then data. */
static enum probe_verdict
receive_segment(struct probe *p, const uint8_t *bytes, size_t size,
                struct probe_frames *frames)
{
    uint8_t tcp[20 + 256] = { 0 };

    if (size < 4) {
        return PROBE_IGNORED;
    }
    set_u16(tcp, p->dst_port);
    set_u16(tcp + 2, p->src_port);
    set_u32(tcp + 4, p->rcv_nxt + (int8_t) bytes[1]);
    set_u32(tcp + 8, (bytes[2] & 1 ? p->snd_una : p->snd_nxt)
            + (int8_t) bytes[2] / 2);
    tcp[12] = 5 << 4;
    tcp[13] = bytes[0];
    set_u16(tcp + 14, bytes[3] * 16);
    memcpy(tcp + 20, bytes + 4, size - 4);
    return receive_upper(p, 6, tcp, 20 + size - 4, frames);
}

static enum probe_verdict
take_event(struct probe *p, uint8_t kind, const uint8_t *bytes, size_t size,
           struct probe_frames *frames)
{
    switch (kind % 6) {
    case 0:
        return receive(p, bytes, size, frames);
    case 1:
        return (size ? receive_upper(p, bytes[0], bytes + 1, size - 1, frames)
                : PROBE_IGNORED);
    case 2:
    case 3:
        return receive_segment(p, bytes, size, frames);
    case 4:
        probe_retransmit(p, frames);
        return PROBE_CONTINUES;
    default:
        return probe_timeout(p, frames);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct probe_target target = {
        .src_mac = { { 2, [5] = 1 } }, .dst_mac = { { 2, [5] = 2 } },
        .src = { 4, { 10, 0, 0, 9 } }, .dst = { 4, { 10, 0, 0, 1 } },
        .dst_port = 80, .random = 0xfffffff8,
        .payload = "x", .payload_size = 1,
    };
    struct probe_frames frames;
    struct probe p;
    bool over = false;

    if (!size) {
        return 0;
    }
    target.type = (data[0] & 32 ? PROBE_NEIGHBOUR
                   : data[0] & 16 ? PROBE_THROUGH : data[0] & 3);
    target.src_port = data[0] & 32 ? 0 : 600;
    target.answer = data[0] & 4;
    if (data[0] & 8) {
        target.src = (struct vmn_ip) { 6, { 0xfd, [15] = 9 } };
        target.dst = (struct vmn_ip) { 6, { 0xfd, [15] = 1 } };
    }
    check(!probe_init(&p, &target));
    probe_begin(&p, &frames);
    check(frames.n == 1);
    check_frames(&p, &frames);
    data++;
    size--;
    for (int i = 0; i < EVENTS_MAX && size >= 2; i++) {
        size_t n = data[1] < size - 2 ? data[1] : size - 2;
        enum probe_verdict verdict;

        verdict = take_event(&p, data[0], data + 2, n, &frames);
        check_frames(&p, &frames);
        check(!over || verdict == PROBE_IGNORED || !frames.n);
        check(!over || (verdict != PROBE_SUCCESS
                        && verdict != PROBE_FAILURE));
        over |= verdict == PROBE_SUCCESS || verdict == PROBE_FAILURE;
        check((verdict == PROBE_FAILURE) <= (*probe_reason(&p) != '\0'));
        check(over == (p.stage == PROBE_STAGE_OVER));
        check(p.n_taken <= 4097);
        data += 2 + n;
        size -= 2 + n;
    }
    return 0;
}
