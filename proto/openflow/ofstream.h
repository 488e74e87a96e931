/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes of a connection, in and out, with TLS or without.  Not for what they
 * mean (ofconn.c), nor for anyone outside of this folder.
 *
 * Without TLS a read takes up to 64 KiB with one call into a buffer that all
 * streams share, and what is queued goes out at the end of the turn.
 * bufferevents would read 4 KiB a turn (libevent 2.1, evbuffer_read()), and
 * change what epoll waits for twice with each write. */

#ifndef PROTO_OPENFLOW_OFSTREAM_H
#define PROTO_OPENFLOW_OFSTREAM_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct loop;
struct ofstream;
struct ssl_ctx_st;

/* What streams share: where they read to, one after the other. */
struct ofstream_pool {
    struct event_base *base;    /* Borrowed. */
    uint64_t *buffer;           /* Owned. */
    struct loop *loop;          /* See struct ofconn_options.  Borrowed. */
};
void ofstream_pool_init(struct ofstream_pool *, struct event_base *,
                        struct loop *);
void ofstream_pool_uninit(struct ofstream_pool *);

/* Any of them may destroy the stream. */
struct ofstream_callbacks {
    /* 'bytes' (8-byte aligned) have come, behind those that were left last
     * time.  Returns how many are done with: fewer than OFSTREAM_LEFT_MAX may
     * be left.  OFSTREAM_GONE if the stream was destroyed. */
    size_t (*input)(void *aux, const uint8_t *bytes, size_t size);
    /* All that was queued is out. */
    void (*drained)(void *aux);
    /* The TLS handshake is complete. */
    void (*secured)(void *aux);
    /* It is over: 'reason' is a sentence part such as "connection closed by
     * peer". */
    void (*failed)(void *aux, const char *reason);
};
#define OFSTREAM_GONE SIZE_MAX
/* The longest OpenFlow message, by its 16-bit length, is shorter. */
#define OFSTREAM_LEFT_MAX 65536

/* Takes ownership of 'fd', a connected non-blocking socket, also on failure
 * (NULL).  'ctx' is for TLS, or NULL; it, 'callbacks' and the pool are
 * borrowed. */
struct ofstream *ofstream_create(struct ofstream_pool *, int fd,
                                 struct ssl_ctx_st *ctx,
                                 const struct ofstream_callbacks *,
                                 void *aux);
/* Closes.  What is queued is lost. */
void ofstream_destroy(struct ofstream *);

/* Nothing more is read. */
void ofstream_stop_input(struct ofstream *);
/* Nothing is read until ofstream_resume_input(), which calls nothing back. */
void ofstream_pause_input(struct ofstream *);
void ofstream_resume_input(struct ofstream *);
/* Reads OFSTREAM_SMALL_READ bytes at a time, and buffers no more, unless this
 * was called: who the peer is is known. */
#define OFSTREAM_SMALL_READ 4096
void ofstream_read_large(struct ofstream *);

/* Both queue, and call nothing back, but for 'release'; see ofconn_send() and
 * ofconn_send_ref(). */
void ofstream_write(struct ofstream *, const void *bytes, size_t size);
void ofstream_write_ref(struct ofstream *, const void *bytes, size_t size,
                        void (*release)(void *aux), void *aux);
/* Bytes that wait to be sent. */
size_t ofstream_queued(const struct ofstream *);
/* The name of the peer's certificate; NULL without TLS.  The caller frees
 * it. */
char *ofstream_certificate(const struct ofstream *);

#endif /* proto/openflow/ofstream.h */
