/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of proto/probe share; see probe-fixture.h. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/probe/probe.h"
#include "tests/unit/probe-fixture.h"

static const struct vmn_ip vip4 = { 4, { 10, 0, 0, 100 } };
static const struct vmn_ip server4 = { 4, { 10, 0, 0, 1 } };
static const struct vmn_ip vip6 = { 6, { 0xfd, [15] = 0x64 } };
const struct vmn_ip server6 = { 6, { 0xfd, [15] = 1 } };
static const struct vmn_mac vip_mac = { { 2, 0, 0, 0, 0, 0x64 } };
static const struct vmn_mac server_mac = { { 2, 0, 0, 0, 0, 1 } };

struct probe_target
target_of(enum probe_type type, int family)
{
    return (struct probe_target) {
        .type = type,
        .src_mac = vip_mac, .dst_mac = server_mac,
        .src = family == 6 ? vip6 : vip4,
        .dst = family == 6 ? server6 : server4,
        .src_port = 600, .dst_port = 8080, .random = RANDOM,
        .answer = true,
    };
}

/* Numbers and checksums, independent of the code's.  ---------------------- */

unsigned
u16_at(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

uint32_t
u32_at(const uint8_t *p)
{
    return (uint32_t) u16_at(p) << 16 | u16_at(p + 2);
}

void
set_u16(uint8_t *p, unsigned value)
{
    p[0] = value >> 8;
    p[1] = value;
}

static void
set_u32(uint8_t *p, uint32_t value)
{
    set_u16(p, value >> 16);
    set_u16(p + 2, value & 0xffff);
}

uint32_t
sum_of(const uint8_t *p, size_t size)
{
    uint32_t total = 0;

    for (size_t i = 0; i < size; i++) {
        total += i % 2 ? p[i] : (uint32_t) p[i] << 8;
    }
    return total;
}

unsigned
fold(uint32_t total)
{
    while (total >> 16) {
        total = (total & 0xffff) + (total >> 16);
    }
    return total;
}

static uint32_t
pseudo(const uint8_t *ip, uint8_t proto, size_t size)
{
    bool v6 = ip[0] >> 4 == 6;

    if (proto == ICMP) {
        return 0;
    }
    return sum_of(ip + (v6 ? 8 : 12), v6 ? 32 : 8) + proto + size;
}

/* Takes apart what a probe sends: all of it has to be right. */
struct upper
upper_of(const struct probe_frames *frames, size_t i)
{
    const uint8_t *frame = frames->bytes[i];
    const uint8_t *ip = frame + ETH;
    size_t size = frames->sizes[i] - ETH;
    struct upper u;

    assert_true(i < frames->n);
    assert_memory_equal(frame, &server_mac, 6);
    assert_memory_equal(frame + 6, &vip_mac, 6);
    if (u16_at(frame + 12) == 0x86dd) {
        assert_int_equal(ip[0], 0x60);
        assert_int_equal(u16_at(ip + 4), size - 40);
        assert_memory_equal(ip + 8, vip6.addr, 16);
        assert_memory_equal(ip + 24, server6.addr, 16);
        u = (struct upper) { ip[6], ip + 40, size - 40 };
    } else {
        assert_int_equal(u16_at(frame + 12), 0x0800);
        assert_int_equal(ip[0], 0x45);
        assert_int_equal(u16_at(ip + 2), size);
        assert_memory_equal(ip + 12, vip4.addr, 4);
        assert_memory_equal(ip + 16, server4.addr, 4);
        assert_int_equal(fold(sum_of(ip, 20)), 0xffff);
        u = (struct upper) { ip[9], ip + 20, size - 20 };
    }
    assert_int_equal(fold(sum_of(u.bytes, u.size)
                          + pseudo(ip, u.proto, u.size)), 0xffff);
    return u;
}

/* Begins what the server sends, 'options' bytes of IPv4 options in it. */
uint8_t *
begin_frame(struct frame *f, int family, uint8_t proto, size_t size,
            size_t options)
{
    uint8_t *ip = f->bytes + ETH;
    size_t header = family == 6 ? 40 : 20 + options;

    memset(f, 0, sizeof *f);
    f->size = ETH + header + size;
    memcpy(f->bytes, &vip_mac, 6);
    memcpy(f->bytes + 6, &server_mac, 6);
    set_u16(f->bytes + 12, family == 6 ? 0x86dd : 0x0800);
    if (family == 6) {
        ip[0] = 0x60;
        set_u16(ip + 4, size);
        ip[6] = proto;
        ip[7] = 64;
        memcpy(ip + 8, server6.addr, 16);
        memcpy(ip + 24, vip6.addr, 16);
    } else {
        ip[0] = 0x40 | header / 4;
        set_u16(ip + 2, header + size);
        ip[8] = 64;
        ip[9] = proto;
        memcpy(ip + 12, server4.addr, 4);
        memcpy(ip + 16, vip4.addr, 4);
        memset(ip + 20, 1, options);
        set_u16(ip + 10, ~fold(sum_of(ip, header)));
    }
    return ip + header;
}

void
end_frame(struct frame *f, uint8_t *l4, uint8_t proto, size_t offset)
{
    size_t size = f->bytes + f->size - l4;

    set_u16(l4 + offset, 0);
    set_u16(l4 + offset, ~fold(sum_of(l4, size)
                               + pseudo(f->bytes + ETH, proto, size)));
}

void
start_probe(struct server *s, const struct probe_target *target)
{
    memset(s, 0, sizeof *s);
    s->family = target->dst.family;
    s->seq = IRS;
    s->ack = RANDOM + 1;
    s->window = 65535;
    assert_null(probe_init(&s->probe, target));
    probe_begin(&s->probe, &s->out);
    assert_int_equal(s->out.n, 1);
}

enum probe_verdict
take_frame(struct server *s, const struct frame *f)
{
    /* A copy that ends where the frame does, for sanitizers. */
    uint8_t *copy = malloc(f->size + 1);
    enum probe_verdict verdict;
    struct vmn_ip server;
    bool is_known;
    uint16_t id;

    memcpy(copy, f->bytes, f->size);
    is_known = probe_address(copy, f->size, &server, &id);
    verdict = probe_receive(&s->probe, copy, f->size, &s->out);
    free(copy);
    if (verdict != PROBE_IGNORED) {
        assert_true(is_known);
        assert_int_equal(id, 600);
        assert_memory_equal(&server, &s->probe.dst, sizeof server);
    }
    assert_int_equal(verdict == PROBE_FAILURE,
                     *probe_reason(&s->probe) != '\0');
    return verdict;
}

void
make_segment(struct server *s, struct frame *f, uint8_t flags,
             const char *data)
{
    size_t header = flags & SYN ? 24 : 20;
    uint8_t *tcp = begin_frame(f, s->family, TCP, header + strlen(data), 0);

    set_u16(tcp, 8080);
    set_u16(tcp + 2, 600);
    set_u32(tcp + 4, s->seq);
    set_u32(tcp + 8, flags & ACK ? s->ack : 0);
    tcp[12] = header / 4 << 4;
    tcp[13] = flags;
    set_u16(tcp + 14, s->window);
    if (flags & SYN) {
        set_u32(tcp + 20, 0x02040000 | 1400);
    }
    memcpy(tcp + header, data, strlen(data));
    end_frame(f, tcp, TCP, 16);
}

/* The server sends a segment. */
enum probe_verdict
segment(struct server *s, uint8_t flags, const char *data)
{
    struct frame f;

    make_segment(s, &f, flags, data);
    s->seq += strlen(data) + !!(flags & SYN) + !!(flags & FIN);
    return take_frame(s, &f);
}

/* Frame 'i' of what the probe sent has these flags and numbers, and no
 * data. */
void
check_segment(const struct server *s, size_t i, uint8_t flags, uint32_t seq,
              uint32_t ack)
{
    struct upper u = upper_of(&s->out, i);

    assert_int_equal(u.proto, TCP);
    assert_int_equal(u16_at(u.bytes), 600);
    assert_int_equal(u16_at(u.bytes + 2), 8080);
    assert_int_equal(u.bytes[13], flags);
    assert_int_equal(u32_at(u.bytes + 4), seq);
    assert_int_equal(u32_at(u.bytes + 8), ack);
    assert_int_equal(u.size, flags & SYN ? 24 : 20);
}
