/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of proto/guest share: its caller, and clients that are a few
 * lines of TCP.  lwIP's clock is this one's, so what it sends again takes no
 * time.  Not for what is tested. */

#ifndef TESTS_UNIT_GUEST_CLIENT_H
#define TESTS_UNIT_GUEST_CLIENT_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/guest/guest-frame.h"
#include "proto/guest/guest-http.h"

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32 };

#define FRAMES_MAX 512
#define BIG_SIZE 60000

extern uint32_t now_ms;

/* The caller of guest_http: keeps what is sent.  What it answers says who
 * asks, and what for; "/big" is big, "/near" goes no further. */
struct sent {
    char port[16];
    struct guest_ends ends;
    uint8_t ttl;
    uint8_t segment[2000];
    size_t size;
};

struct world {
    struct guest_http *http;
    struct sent sent[FRAMES_MAX];
    size_t n_sent;
    bool later;
    char big[BIG_SIZE];
};

int guest_setup(void **state);
int guest_teardown(void **state);

struct client {
    struct world *w;
    struct guest_peer peer;
    struct guest_ends ends;     /* As it sends. */
    uint32_t seq, ack;
    size_t read;                /* Of w->sent, up to there. */
    char got[2 * BIG_SIZE];
    size_t got_size;
    bool closed, reset, synced;
    unsigned lose_every;        /* Of what it gets, or 0. */
    unsigned n;
};

struct client *make_client(struct world *, const char *port, uint32_t in_port,
                           bool v6);

/* Any segment. */
struct raw {
    uint8_t flags;
    uint32_t seq, ack;
    uint16_t window;
    const uint8_t *options;
    size_t n_options;           /* A multiple of 4. */
    const void *data;
    size_t size;
};

/* Sends a segment.  Returns what becomes of it. */
const char *send_raw(struct client *, const struct raw *);
/* The same, with the numbers of the client, and a maximum segment size if that
 * is not 0. */
const char *send_segment(struct client *, uint8_t flags, const void *data,
                         size_t size, uint16_t mss);
/* Takes what came, and acknowledges it. */
void take(struct client *);
void open_conn(struct client *, uint16_t mss);
void guest_ask(struct client *, const char *text);
/* Lets time pass until the server has closed. */
void wait_closed(struct client *);
void end(struct client *);
size_t n_connections(struct world *);

void put_u32(uint8_t *, uint32_t value);
uint32_t get_u32(const uint8_t *);

#define LAST " HTTP/1.0\r\n\r\n"
#define NEXT " HTTP/1.1\r\nHost: x\r\n\r\n"

#endif /* tests/unit/guest-client.h */
