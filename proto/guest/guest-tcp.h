/* SPDX-License-Identifier: Apache-2.0
 *
 * The TCP end of connections that guests open, by lwIP: gives it segments,
 * takes what it sends, and runs its timers.  Not for frames, nor for what
 * connections carry.
 *
 * Guests of several networks have the same addresses, so lwIP sees none of
 * them: a connection has a number, and that is its client's address there
 * (10.64.0.0 + number), on the one interface that lwIP is given.
 *
 * Debian's lwIP is built for several threads (NO_SYS 0), with one that is its
 * own, which tcpip_init() would start.  That is not called: all is done on the
 * caller's thread by the raw API, which is as good where no other thread
 * exists.  Its timers run when guest_tcp_run() is called, by its own clock.
 * Memory is malloc()'s.  Of a connection, 23,360 bytes at most wait for an
 * acknowledgement, in segments of 216 or more; what comes waits nowhere.  lwIP
 * has its state in variables of its own, so there may be one struct guest_tcp
 * at a time. */

#ifndef PROTO_GUEST_GUEST_TCP_H
#define PROTO_GUEST_GUEST_TCP_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guest_segment;
struct guest_tcp;

/* Connections are 0 to one less than this. */
#define GUEST_TCP_MAX 1024

/* How many segments are sent at most for one that comes. */
#define GUEST_BURST 32

/* How many bytes a segment that comes may carry: those of the longest frame,
 * and far less than the window, which is 65,535 bytes. */
#define GUEST_DATA_MAX 9216

/* How often guest_tcp_run() is to be called while there are connections. */
#define GUEST_TCP_TICK_MS 50

/* What happens; 'n' is the connection.  None of these calls
 * guest_tcp_abort(). */
struct guest_tcp_events {
    /* A segment is to be sent. */
    void (*output)(void *aux, unsigned n, const uint8_t *segment,
                   size_t size);
    /* It is established. */
    void (*opened)(void *aux, unsigned n);
    /* Bytes came; NULL: the client sends no more.  Returns false to have the
     * connection aborted, which gone() tells. */
    bool (*received)(void *aux, unsigned n, const uint8_t *bytes,
                     size_t size);
    /* There is room for more. */
    void (*has_room)(void *aux, unsigned n);
    /* It was reset, or given up. */
    void (*gone)(void *aux, unsigned n);
};

struct guest_tcp *guest_tcp_create(const struct guest_tcp_events *,
                                   void *aux);
void guest_tcp_destroy(struct guest_tcp *);

/* Hands in a segment of connection 'n', which is opened by a SYN.  'segment'
 * is changed: lwIP gets data in order only, and of that 'room' bytes at most.
 * What does not get there is as good as lost, and sent again. */
void guest_tcp_input(struct guest_tcp *, unsigned n, uint16_t client_port,
                     struct guest_segment *segment, size_t room);
/* Runs timers. */
void guest_tcp_run(struct guest_tcp *);

/* Queues bytes, which are copied.  Returns how many of them, perhaps none:
 * has_room() says when there is room. */
size_t guest_tcp_write(struct guest_tcp *, unsigned n, const void *bytes,
                       size_t size);
/* Sends what is queued. */
void guest_tcp_push(struct guest_tcp *, unsigned n);
/* Ends our side of it behind what is queued, which is sent.  The client may go
 * on: to close at once would have what it still sends answered by a reset, at
 * which it may forget what it was told (RFC 9112, section 9.6). */
void guest_tcp_shutdown(struct guest_tcp *, unsigned n);
/* Closes it, the client having ended its side.  Nothing is heard of it any
 * more; its number is free when guest_tcp_mark() does not mark it. */
void guest_tcp_close(struct guest_tcp *, unsigned n);
/* Ends it at once. */
void guest_tcp_abort(struct guest_tcp *, unsigned n);

/* Sets alive[n] for each connection that lwIP still has. */
void guest_tcp_mark(const struct guest_tcp *, bool alive[GUEST_TCP_MAX]);

#endif /* proto/guest/guest-tcp.h */
