/* SPDX-License-Identifier: Apache-2.0
 *
 * A guest that speaks a few lines of TCP; see guest-client.h. */

#include <config.h>

#include "tests/unit/guest-client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* lwIP takes this one, not its own. */
uint32_t sys_now(void);
uint32_t now_ms = 1000;

uint32_t
sys_now(void)
{
    return now_ms;
}

/* The caller of guest_http.  ---------------------------------------------- */

static void
send_frame(void *w_, const struct guest_peer *peer, const void *frame,
           size_t size)
{
    struct world *w = w_;
    struct sent *sent = &w->sent[w->n_sent++];
    const uint8_t *segment;

    assert_true(w->n_sent < FRAMES_MAX);
    assert_null(guest_frame_parse(frame, size, &sent->ends, &segment,
                                  &sent->size));
    assert_true(sent->size <= sizeof sent->segment);
    memcpy(sent->segment, segment, sent->size);
    sent->ttl = ((const uint8_t *) frame)[14 + (sent->ends.ip_src.family == 6
                                                ? 7 : 8)];
    snprintf(sent->port, sizeof sent->port, "%s", peer->port);
}

/* Says who asks, and what for; "/big" is big, "/near" goes no further. */
static bool
answer(void *w_, const struct guest_peer *peer, const uint8_t *bytes,
       size_t size, struct vmn_http_reply *reply)
{
    static struct vmn_http_request request;
    static char text[5000];
    struct world *w = w_;

    if (w->later) {
        w->later = false;
        return false;
    }
    assert_true(vmn_http_parse(bytes, size, &request));
    snprintf(text, sizeof text, "%s %s", peer->port, request.path);
    *reply = (struct vmn_http_reply) {
        .status = 200, .type = "text/plain", .body = text,
        .body_size = strlen(text),
        .ttl = strcmp(request.path, "/near") ? 0 : 1,
    };
    if (!strcmp(request.path, "/big")) {
        reply->body = w->big;
        reply->body_size = sizeof w->big;
    }
    return true;
}

static const struct guest_http_callbacks callbacks = { send_frame, answer };

int
guest_setup(void **state)
{
    struct world *w = xzalloc(sizeof *w);

    for (size_t i = 0; i < sizeof w->big; i++) {
        w->big[i] = 'a' + i / 100 % 26;
    }
    w->http = guest_http_create(&callbacks, w);
    *state = w;
    return 0;
}

int
guest_teardown(void **state)
{
    struct world *w = *state;

    guest_http_destroy(w->http);
    free(w);
    return 0;
}

/* A client.  -------------------------------------------------------------- */

struct client *
make_client(struct world *w, const char *port, uint32_t in_port, bool v6)
{
    struct client *c = xzalloc(sizeof *c);

    c->w = w;
    c->peer = (struct guest_peer) { .host = "h1", .in_port = in_port,
                                    .port = port };
    c->ends = (struct guest_ends) {
        .eth_src = { { 2, 0, 0, 0, 0, 1 } },
        .eth_dst = { { 2, 0, 0, 0, 0, 2 } },
        .ip_src = { 4, { 10, 0, 0, 1 } },
        .ip_dst = { 4, { 169, 254, 169, 254 } },
        .src_port = 40000, .dst_port = 80,
    };
    if (v6) {
        c->ends.ip_src = (struct vmn_ip) { 6, { 0xfe, 0x80, [15] = 1 } };
        c->ends.ip_dst = (struct vmn_ip) { 6, { 0xfe, 0x80, [12] = 0xa9, 0xfe,
                                                0xa9, 0xfe } };
    }
    c->seq = 5000;
    c->read = w->n_sent;
    return c;
}

void
put_u32(uint8_t *p, uint32_t value)
{
    p[0] = value >> 24;
    p[1] = value >> 16;
    p[2] = value >> 8;
    p[3] = value;
}

uint32_t
get_u32(const uint8_t *p)
{
    return (uint32_t) p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

const char *
send_raw(struct client *c, const struct raw *raw)
{
    const struct guest_ends reversed = {
        .eth_src = c->ends.eth_dst, .eth_dst = c->ends.eth_src,
        .ip_src = c->ends.ip_dst, .ip_dst = c->ends.ip_src,
        .src_port = c->ends.dst_port, .dst_port = c->ends.src_port,
    };
    uint8_t tcp[9200] = { 0 }, frame[9300];
    size_t header = 20 + raw->n_options, size;

    put_u32(tcp + 4, raw->seq);
    put_u32(tcp + 8, raw->ack);
    tcp[12] = header / 4 << 4;
    tcp[13] = raw->flags;
    tcp[14] = raw->window >> 8;
    tcp[15] = raw->window & 0xff;
    if (raw->n_options) {
        memcpy(tcp + 20, raw->options, raw->n_options);
    }
    if (raw->size) {
        memcpy(tcp + header, raw->data, raw->size);
    }
    size = guest_frame_build(&reversed, 64, tcp, header + raw->size, frame);
    return guest_http_receive(c->w->http, &c->peer, frame, size);
}

const char *
send_segment(struct client *c, uint8_t flags, const void *data, size_t size,
             uint16_t mss)
{
    const uint8_t options[] = { 2, 4, mss >> 8, mss & 0xff };
    const struct raw raw = {
        .flags = flags, .seq = c->seq, .ack = c->ack, .window = 0xffff,
        .options = options, .n_options = mss ? sizeof options : 0,
        .data = data, .size = size,
    };

    return send_raw(c, &raw);
}

void
take(struct client *c)
{
    while (c->read < c->w->n_sent) {
        const struct sent *sent = &c->w->sent[c->read++];
        size_t header = (sent->segment[12] >> 4) * 4;
        size_t size = sent->size - header;
        uint8_t flags = sent->segment[13];
        uint32_t seq = get_u32(sent->segment + 4);

        if (strcmp(sent->port, c->peer.port)
            || (c->lose_every && !(++c->n % c->lose_every))) {
            continue;
        }
        assert_int_equal(sent->ends.dst_port, c->ends.src_port);
        assert_int_equal(sent->ends.src_port, c->ends.dst_port);
        assert_memory_equal(&sent->ends.ip_src, &c->ends.ip_dst,
                            sizeof c->ends.ip_dst);
        assert_memory_equal(&sent->ends.eth_dst, &c->ends.eth_src, 6);
        if (flags & RST) {
            c->reset = true;
        } else if (flags & SYN) {
            c->ack = seq + 1;
            c->synced = true;
        } else if (seq == c->ack) {
            memcpy(c->got + c->got_size, sent->segment + header, size);
            c->got_size += size;
            c->ack += size + !!(flags & FIN);
            c->closed |= !!(flags & FIN);
        }
        if (c->synced && (size || flags & FIN)) {
            assert_null(send_segment(c, ACK, "", 0, 0));
        }
        if (c->read == c->w->n_sent) {
            c->read = c->w->n_sent = 0;
        }
    }
}

void
open_conn(struct client *c, uint16_t mss)
{
    assert_null(send_segment(c, SYN, "", 0, mss));
    c->seq++;
    take(c);
    assert_true(c->synced);
    assert_null(send_segment(c, ACK, "", 0, 0));
}

void
guest_ask(struct client *c, const char *text)
{
    assert_null(send_segment(c, ACK, text, strlen(text), 0));
    c->seq += strlen(text);
    take(c);
}

void
wait_closed(struct client *c)
{
    for (int i = 0; i < 4000 && !c->closed; i++) {
        now_ms += 250;
        guest_http_run(c->w->http);
        take(c);
    }
    assert_true(c->closed);
}

void
end(struct client *c)
{
    send_segment(c, FIN | ACK, "", 0, 0);
    c->seq++;
    take(c);
    free(c);
}

size_t
n_connections(struct world *w)
{
    struct guest_http_stats stats;

    guest_http_run(w->http);
    guest_http_get_stats(w->http, &stats);
    return stats.n_connections;
}
