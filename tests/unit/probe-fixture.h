/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of proto/probe share: frames of the backend's, made here by
 * hand, and what the probe sends, taken apart. */

#ifndef TESTS_UNIT_PROBE_FIXTURE_H
#define TESTS_UNIT_PROBE_FIXTURE_H 1

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/probe/probe.h"

#define ETH 14

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

enum { ICMP = 1, TCP = 6, UDP = 17, ICMP6 = 58 };

#define RANDOM 0xfffffff0u      /* Numbers run over soon. */
#define IRS 0xffffff00u         /* The server's. */

extern const struct vmn_ip server6;

struct probe_target target_of(enum probe_type type, int family);
unsigned u16_at(const uint8_t *p);
uint32_t u32_at(const uint8_t *p);
void set_u16(uint8_t *p, unsigned value);
uint32_t sum_of(const uint8_t *p, size_t size);
unsigned fold(uint32_t total);

/* Frames.  ---------------------------------------------------------------- */

struct frame {
    uint8_t bytes[2048];
    size_t size;
};

/* Of a frame: the upper layer. */
struct upper {
    uint8_t proto;
    const uint8_t *bytes;
    size_t size;
};

struct upper upper_of(const struct probe_frames *frames, size_t i);
uint8_t *begin_frame(struct frame *f, int family, uint8_t proto, size_t size,
                     size_t options);
void end_frame(struct frame *f, uint8_t *l4, uint8_t proto, size_t offset);

/* A connection with a probe at its other end.  ---------------------------- */

struct server {
    struct probe probe;
    struct probe_frames out;    /* What the probe sent last. */
    int family;
    uint32_t seq, ack;          /* The server's. */
    unsigned window;
};

void start_probe(struct server *s, const struct probe_target *target);
enum probe_verdict take_frame(struct server *s, const struct frame *f);
void make_segment(struct server *s, struct frame *f, uint8_t flags,
                  const char *data);
enum probe_verdict segment(struct server *s, uint8_t flags, const char *data);
void check_segment(const struct server *s, size_t i, uint8_t flags,
                   uint32_t seq, uint32_t ack);

#endif /* tests/unit/probe-fixture.h */
