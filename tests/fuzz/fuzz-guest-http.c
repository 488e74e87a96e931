/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: what guests send to HTTP servers of apps (proto/guest): frames,
 * TCP and requests.  Input are events, each of a kind and a size: a frame as
 * it is; a segment of one of four connections, with right checksums and
 * numbers relative to what the server has said, any options, and up to 9,000
 * bytes of data; what such a connection carries, in order; or time.  Whatever
 * is sent is whole and right, and not too much at a time; no more connections
 * are there than may be, neither in lwIP; a request that reaches the app is
 * one. */

#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <lwip/priv/tcp_priv.h>

#include "proto/guest/guest-frame.h"
#include "proto/guest/guest-http.h"
#include "proto/guest/guest-tcp.h"
#include "vmn/requests.h"

#define EVENTS_MAX 200
#define CONNS 4
#define SYN 2
#define ACK 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* lwIP takes this one, not its own. */
uint32_t sys_now(void);
static uint32_t now_ms;

uint32_t
sys_now(void)
{
    return now_ms;
}

static struct {
    uint32_t seq, ack;
} conns[CONNS];

static size_t n_sent;           /* For the last segment. */
static struct vmn_http_request request;
static uint8_t big[70000];

static void
check(bool right)
{
    if (!right) {
        abort();
    }
}

static uint32_t
get_u32(const uint8_t *p)
{
    return (uint32_t) p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static void
put_u32(uint8_t *p, uint32_t value)
{
    p[0] = value >> 24;
    p[1] = value >> 16;
    p[2] = value >> 8;
    p[3] = value;
}

static void
sent(void *aux, const struct guest_peer *peer, const void *frame, size_t size)
{
    const uint8_t *segment;
    struct guest_ends ends;
    size_t n, header;

    (void) aux;
    n_sent++;
    check(!strcmp(peer->host, "h") && !strcmp(peer->port, "p"));
    check(!guest_frame_parse(frame, size, &ends, &segment, &n));
    header = (segment[12] >> 4) * 4;
    if (ends.dst_port >= 1000 && ends.dst_port < 1000 + CONNS) {
        conns[ends.dst_port - 1000].ack = get_u32(segment + 4)
            + (uint32_t) (n - header) + !!(segment[13] & 3);
    }
}

static bool
answer(void *aux, const struct guest_peer *peer, const uint8_t *bytes,
       size_t size, struct vmn_http_reply *reply)
{
    (void) aux;
    (void) peer;
    check(size <= VMN_HTTP_HEAD_MAX + VMN_HTTP_BODY_MAX);
    check(vmn_http_parse(bytes, size, &request));
    check(request.path[0] == '/');
    *reply = (struct vmn_http_reply) {
        .status = 200, .type = "text/plain", .body = big,
        .body_size = request.path[1] == 'b' ? sizeof big : 3,
    };
    return request.path[1] != 'l' || rand() % 2;
}

/* How far off a number is: what is near, where windows end, and within. */
static uint32_t
offset(uint8_t byte)
{
    static const uint32_t far[] = {
        216, 432, 1460, 8999, 9000, 65533, 65534, 65535, 65536, 131072,
        INT32_MAX, (uint32_t) INT32_MAX + 1, UINT32_MAX - 1459,
        UINT32_MAX - 8999, UINT32_MAX - 65534, UINT32_MAX / 4,
    };

    return (byte < 0x80 ? byte : byte < 0xc0 ? UINT32_MAX - (byte - 0x80u)
            : byte < 0xd0 ? far[byte % 16] : (byte - 0xcfu) * 1400);
}

static uint16_t
window(uint8_t byte)
{
    static const uint16_t windows[] = { 0xffff, 0, 1, 2, 431, 433, 1460,
                                        4096 };

    return windows[byte % 8];
}

/* Bits of a segment's fourth byte. */
enum { WINDOW = 0x07, OPTIONS = 0x08, FILL = 0x30 };

/* Flags, how far off the numbers are, the window and what follows: options,
 * eight bytes of them, and data, perhaps with more behind it. */
static void
send_segment(struct guest_http *http, const struct guest_peer *peer,
             unsigned which, const uint8_t *bytes, size_t size)
{
    static const size_t fills[] = { 0, 1, 1460, 9000 - 255 };
    static uint8_t tcp[60 + 9000], frame[GUEST_HEADERS_MAX + sizeof tcp];
    const struct guest_ends reversed = {
        .eth_src = { { 2, 1 } }, .eth_dst = { { 2, 2 } },
        .ip_src = { 4, { 169, 254, 169, 254 } },
        .ip_dst = { 4, { 10, 0, 0, 1 } },
        .src_port = 80, .dst_port = (uint16_t) (1000 + which),
    };
    size_t options, fill;

    if (size < 4) {
        return;
    }
    options = bytes[3] & OPTIONS && size >= 4 + 8 ? 8 : 0;
    fill = fills[(bytes[3] & FILL) / 16];
    memset(tcp, 'f', sizeof tcp);
    memset(tcp, 0, 20);
    put_u32(tcp + 4, conns[which].seq + offset(bytes[1]));
    put_u32(tcp + 8, conns[which].ack + offset(bytes[2]));
    tcp[12] = (uint8_t) ((20 + options) / 4 << 4);
    tcp[13] = bytes[0];
    tcp[14] = (uint8_t) (window(bytes[3] & WINDOW) >> 8);
    tcp[15] = (uint8_t) window(bytes[3] & WINDOW);
    memcpy(tcp + 20, bytes + 4, size - 4);
    size += fill;
    if (!bytes[1]) {
        conns[which].seq += (uint32_t) (size - 4 - options)
                            + !!(bytes[0] & 3);
    }
    size = guest_frame_build(&reversed, 64, tcp, 20 + size - 4, frame);
    n_sent = 0;
    guest_http_receive(http, peer, frame, size);
    /* And a reset of the connection that it takes the place of. */
    check(n_sent <= GUEST_BURST + 1);
}

/* Bytes of a connection that is opened if it is not. */
static void
say(struct guest_http *http, const struct guest_peer *peer, unsigned which,
    const uint8_t *bytes, size_t size)
{
    uint8_t segment[4 + 255] = { ACK, 0, 0, 0 };
    static const uint8_t syn[] = { SYN, 0, 0, 0 };

    if (!conns[which].seq) {
        send_segment(http, peer, which, syn, sizeof syn);
    }
    memcpy(segment + 4, bytes, size);
    send_segment(http, peer, which, segment, 4 + size);
}

static size_t
n_in_lwip(void)
{
    size_t n = 0;

    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next) {
        n++;
    }
    for (struct tcp_pcb *pcb = tcp_tw_pcbs; pcb; pcb = pcb->next) {
        n++;
    }
    return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct guest_http_callbacks callbacks = { sent, answer };
    const struct guest_peer peer = { .host = "h", .in_port = 1, .port = "p" };
    struct guest_http *http = guest_http_create(&callbacks, NULL);
    struct guest_http_stats stats;

    memset(conns, 0, sizeof conns);
    srand(1);
    for (int i = 0; i < EVENTS_MAX && size >= 2; i++) {
        size_t n = data[1] < size - 2 ? data[1] : size - 2;
        unsigned which = data[0] / 8 % CONNS;
        uint8_t *copy = malloc(n ? n : 1); /* It ends where that does. */

        memcpy(copy, data + 2, n);
        switch (data[0] % 8) {
        case 0:
            guest_http_receive(http, &peer, copy, n);
            break;
        case 1: case 2:
            send_segment(http, &peer, which, copy, n);
            break;
        case 3: case 4: case 5:
            say(http, &peer, which, copy, n);
            break;
        default:
            now_ms += data[1] * 20;
            guest_http_run(http);
        }
        free(copy);
        guest_http_get_stats(http, &stats);
        check(stats.n_connections <= VMN_HTTP_CONNECTIONS_MAX);
        check(n_in_lwip() <= stats.n_connections);
        data += 2 + n;
        size -= 2 + n;
    }
    guest_http_destroy(http);
    return 0;
}
