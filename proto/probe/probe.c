/* SPDX-License-Identifier: Apache-2.0
 *
 * A probe from its beginning to its end, and those parts of it that need no
 * connection: UDP, pings, and what ICMP errors say (RFC 768, RFC 792, RFC
 * 4443). */

#include <config.h>

#include "proto/probe/probe.h"

#include <string.h>

#include "proto/packet/packet-bytes.h"
#include "proto/probe/probe-private.h"
#include "util.h"
#include "vmn/packet.h"

#define ICMP_SIZE 8
#define PING_DATA 24            /* With it, a frame is not padded. */

BUILD_ASSERT_DECL(PROBE_PAYLOAD_MAX <= PROBE_REQUEST_MAX);

/* The end.  --------------------------------------------------------------- */

enum probe_verdict
probe_fails(struct probe *p, const char *reason)
{
    ovs_strzcpy(p->reason, reason, sizeof p->reason);
    p->stage = PROBE_STAGE_OVER;
    return PROBE_FAILURE;
}

enum probe_verdict
probe_succeeds(struct probe *p)
{
    p->stage = PROBE_STAGE_OVER;
    return PROBE_SUCCESS;
}

const char *
probe_reason(const struct probe *p)
{
    return p->reason;
}

/* Sending.  --------------------------------------------------------------- */

static bool
is_v6(const struct probe *p)
{
    return p->dst.family == 6;
}

static bool
is_tcp(const struct probe *p)
{
    return p->type == PROBE_TCP || p->type == PROBE_HTTP;
}

static void
put_udp(const struct probe *p, struct probe_frames *frames)
{
    const struct vmn_udp udp = {
        .eth_src = p->src_mac, .eth_dst = p->dst_mac,
        .ip_src = p->src, .ip_dst = p->dst, .ttl = 64,
        .src_port = p->src_port, .dst_port = p->dst_port,
        .payload = p->request, .payload_size = p->request_size,
    };

    frames->sizes[0] = vmn_udp_build(&udp, frames->bytes[0],
                                     PROBE_FRAME_SIZE);
    frames->n = 1;
}

/* What is in a ping, and to be in the answer. */
static void
fill_ping(const struct probe *p, uint8_t data[PING_DATA])
{
    for (size_t i = 0; i < PING_DATA; i += 4) {
        put_u32(data + i, p->random + (uint32_t) i);
    }
}

static void
put_ping(const struct probe *p, struct probe_frames *frames)
{
    uint8_t proto = is_v6(p) ? VMN_IP_PROTO_ICMPV6 : VMN_IP_PROTO_ICMP;
    uint8_t *icmp = probe_frame_begin(p, frames, proto,
                                      ICMP_SIZE + PING_DATA);

    icmp[0] = is_v6(p) ? ICMP6_REQUEST : ICMP4_REQUEST;
    put_u16(icmp + 4, p->src_port);
    put_u16(icmp + 6, p->dst_port);
    fill_ping(p, icmp + ICMP_SIZE);
    probe_frame_end(p, frames, proto, ICMP_SIZE + PING_DATA, 2);
}

const char *
probe_init(struct probe *p, const struct probe_target *target)
{
    memset(p, 0, sizeof *p);
    if (target->src.family != target->dst.family
        || (target->dst.family != 4 && target->dst.family != 6)) {
        return "addresses are not of one family";
    }
    p->type = target->type;
    p->src_mac = target->src_mac;
    p->dst_mac = target->dst_mac;
    p->src = target->src;
    p->dst = target->dst;
    p->src_port = target->src_port;
    p->dst_port = target->dst_port;
    p->random = target->random;
    p->answer = p->type != PROBE_UDP || target->answer;
    if (p->type == PROBE_HTTP) {
        return probe_http_init(p, target);
    }
    if (p->type == PROBE_UDP && target->payload_size) {
        if (target->payload_size > PROBE_PAYLOAD_MAX) {
            return "payload is too long";
        }
        memcpy(p->request, target->payload, target->payload_size);
        p->request_size = target->payload_size;
    }
    return NULL;
}

void
probe_begin(struct probe *p, struct probe_frames *frames)
{
    frames->n = 0;
    if (is_tcp(p)) {
        probe_tcp_begin(p, frames);
    } else {
        probe_retransmit(p, frames);
    }
}

void
probe_retransmit(struct probe *p, struct probe_frames *frames)
{
    frames->n = 0;
    if (p->stage == PROBE_STAGE_OVER) {
        return;
    }
    if (is_tcp(p)) {
        probe_tcp_retransmit(p, frames);
    } else if (p->type == PROBE_UDP) {
        put_udp(p, frames);
    } else if (p->type == PROBE_NEIGHBOUR) {
        probe_neighbour_ask(p, frames);
    } else {
        put_ping(p, frames);
    }
}

enum probe_verdict
probe_timeout(struct probe *p, struct probe_frames *frames)
{
    frames->n = 0;
    if (p->stage == PROBE_STAGE_OVER) {
        return PROBE_IGNORED;
    }
    if (!p->answer) {
        return probe_succeeds(p);
    }
    if (is_tcp(p)) {
        probe_tcp_abort(p, frames);
    }
    return probe_fails(p, p->type == PROBE_THROUGH ? "nothing comes through"
                       : p->stage == PROBE_STAGE_ASKED ? "no answer"
                       : p->n_taken ? "answer not complete"
                       : "connected, but no answer to GET");
}

/* Receiving.  ------------------------------------------------------------- */

/* Why a destination is unreachable; NULL for what says nothing about the
 * server. */
static const char *
unreachable_text(bool v6, uint8_t code)
{
    static const char *const texts4[] = {
        [0] = "network unreachable", [1] = "host unreachable",
        [2] = "no such protocol", [3] = "no such port",
        [9] = "prohibited", [10] = "prohibited", [13] = "prohibited",
    };
    static const char *const texts6[] = {
        [0] = "no route", [1] = "prohibited", [3] = "host unreachable",
        [4] = "no such port", [5] = "prohibited", [6] = "prohibited",
    };

    return (v6 ? (code < ARRAY_SIZE(texts6) ? texts6[code] : NULL)
            : code < ARRAY_SIZE(texts4) ? texts4[code] : NULL);
}

/* Whether a quoted upper layer, of PROBE_QUOTED_MIN bytes, is the probe's. */
static bool
is_ours(const struct probe *p, uint8_t proto, const uint8_t *l4)
{
    if (is_tcp(p)) {
        return proto == VMN_IP_PROTO_TCP && probe_tcp_sent(p, l4);
    }
    if (p->type == PROBE_UDP) {
        return (proto == VMN_IP_PROTO_UDP && get_u16(l4) == p->src_port
                && get_u16(l4 + 2) == p->dst_port);
    }
    return (proto == (is_v6(p) ? VMN_IP_PROTO_ICMPV6 : VMN_IP_PROTO_ICMP)
            && l4[0] == (is_v6(p) ? ICMP6_REQUEST : ICMP4_REQUEST)
            && get_u16(l4 + 4) == p->src_port
            && get_u16(l4 + 6) == p->dst_port);
}

/* Errors are for good only while nothing has been answered (RFC 1122, section
 * 4.2.3.9). */
static enum probe_verdict
take_unreachable(struct probe *p, const uint8_t *icmp, size_t size)
{
    const char *why = unreachable_text(is_v6(p), icmp[1]);
    const uint8_t *quoted;
    uint8_t proto;

    if (!why || p->stage != PROBE_STAGE_ASKED) {
        return PROBE_IGNORED;
    }
    quoted = probe_quoted(p, icmp + ICMP_SIZE, size - ICMP_SIZE, &proto);
    return (quoted && is_ours(p, proto, quoted) ? probe_fails(p, why)
            : PROBE_IGNORED);
}

/* Returns the type of what ends the probe, or -1. */
static int
awaited_type(const struct probe *p)
{
    return (p->type == PROBE_PING ? (is_v6(p) ? ICMP6_REPLY : ICMP4_REPLY)
            : p->type == PROBE_THROUGH
            ? (is_v6(p) ? ICMP6_REQUEST : ICMP4_REQUEST) : -1);
}

static enum probe_verdict
take_icmp(struct probe *p, const uint8_t *icmp, size_t size,
          const uint8_t *src)
{
    const struct vmn_ip *from = p->type == PROBE_THROUGH ? &p->src : &p->dst;
    uint8_t data[PING_DATA];

    if (size < ICMP_SIZE) {
        return PROBE_IGNORED;
    }
    if (icmp[0] == (is_v6(p) ? ICMP6_UNREACHABLE : ICMP4_UNREACHABLE)) {
        return take_unreachable(p, icmp, size);
    }
    if (size != ICMP_SIZE + PING_DATA
        || icmp[0] != awaited_type(p) || icmp[1]
        || get_u16(icmp + 4) != p->src_port
        || get_u16(icmp + 6) != p->dst_port
        || memcmp(src, from->addr, is_v6(p) ? 16 : 4)) {
        return PROBE_IGNORED;
    }
    fill_ping(p, data);
    return (memcmp(icmp + ICMP_SIZE, data, sizeof data) ? PROBE_IGNORED
            : probe_succeeds(p));
}

static enum probe_verdict
take_udp(struct probe *p, const uint8_t *frame, size_t size)
{
    struct vmn_udp udp;

    return (vmn_udp_parse(frame, size, &udp)
            && udp.src_port == p->dst_port && udp.dst_port == p->src_port
            ? probe_succeeds(p) : PROBE_IGNORED);
}

enum probe_verdict
probe_receive(struct probe *p, const uint8_t *frame, size_t size,
              struct probe_frames *frames)
{
    struct probe_packet packet;

    frames->n = 0;
    if (p->stage == PROBE_STAGE_OVER) {
        return PROBE_IGNORED;
    }
    if (p->type == PROBE_NEIGHBOUR) {
        return probe_neighbour_receive(p, frame, size);
    }
    if (!probe_parse(p, frame, size, &packet)) {
        return PROBE_IGNORED;
    }
    if (packet.proto == VMN_IP_PROTO_TCP) {
        return (is_tcp(p) ? probe_tcp_receive(p, packet.l4, packet.l4_size,
                                              frames) : PROBE_IGNORED);
    }
    if (packet.proto == VMN_IP_PROTO_UDP) {
        return (p->type == PROBE_UDP ? take_udp(p, frame, size)
                : PROBE_IGNORED);
    }
    return take_icmp(p, packet.l4, packet.l4_size,
                     frame + ETH_SIZE + (is_v6(p) ? 8 : 12));
}
