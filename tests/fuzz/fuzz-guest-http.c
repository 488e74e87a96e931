/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: what guests send to HTTP servers of apps (proto/guest): frames,
 * TCP and requests.  Input are events, each of a kind and a size: a frame as
 * it is; a segment of one of four connections, with right checksums and
 * numbers relative to what the server has said; what such a connection
 * carries, in order; or time.  Whatever is sent is whole and right; no more
 * connections are there than may be; a request that reaches the app is one. */

#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/guest/guest-frame.h"
#include "proto/guest/guest-http.h"
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

/* Flags, how far off the numbers are, the window, and data. */
static void
send_segment(struct guest_http *http, const struct guest_peer *peer,
             unsigned which, const uint8_t *bytes, size_t size)
{
    const struct guest_ends reversed = {
        .eth_src = { { 2, 1 } }, .eth_dst = { { 2, 2 } },
        .ip_src = { 4, { 169, 254, 169, 254 } },
        .ip_dst = { 4, { 10, 0, 0, 1 } },
        .src_port = 80, .dst_port = (uint16_t) (1000 + which),
    };
    uint8_t tcp[60 + 256] = { 0 }, frame[GUEST_HEADERS_MAX + sizeof tcp];
    size_t options = size < 4 || !(bytes[0] & SYN) ? 0
                     : (size - 4 < 40 ? size - 4 : 40) & ~3u;

    if (size < 4) {
        return;
    }
    put_u32(tcp + 4, conns[which].seq + (uint32_t) (int8_t) bytes[1]);
    put_u32(tcp + 8, conns[which].ack + (uint32_t) (int8_t) bytes[2]);
    tcp[12] = (uint8_t) ((20 + options) / 4 << 4);
    tcp[13] = bytes[0];
    tcp[14] = bytes[3];
    memcpy(tcp + 20, bytes + 4, size - 4);
    if (!bytes[1]) {
        conns[which].seq += (uint32_t) (size - 4 - options)
                            + !!(bytes[0] & 3);
    }
    size = guest_frame_build(&reversed, 64, tcp, 20 + size - 4, frame);
    guest_http_receive(http, peer, frame, size);
}

/* Bytes of a connection that is opened if it is not. */
static void
say(struct guest_http *http, const struct guest_peer *peer, unsigned which,
    const uint8_t *bytes, size_t size)
{
    uint8_t segment[4 + 255] = { ACK, 0, 0, 255 };
    static const uint8_t syn[] = { SYN, 0, 0, 255 };

    if (!conns[which].seq) {
        send_segment(http, peer, which, syn, sizeof syn);
    }
    memcpy(segment + 4, bytes, size);
    send_segment(http, peer, which, segment, 4 + size);
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
        data += 2 + n;
        size -= 2 + n;
    }
    guest_http_destroy(http);
    return 0;
}
