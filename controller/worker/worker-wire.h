/* SPDX-License-Identifier: Apache-2.0
 *
 * The messages between vmnd and the worker process of an app, on a socketpair:
 * their framing, and what both sides read and write in the same way.  Integers
 * are in the machine's byte order: both sides are of one build.  vmnd believes
 * nothing of what a worker says; a worker believes vmnd.  Not for what apps
 * emit (call-log.h), nor for rows (row-image.h). */

#ifndef CONTROLLER_WORKER_WORKER_WIRE_H
#define CONTROLLER_WORKER_WORKER_WIRE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/ofpbuf.h"

/* Bounds of one message, in bytes. */
#define WORKER_MESSAGE_MAX (128u << 20)
/* Any message with no more than two texts and a block of no bytes fits into
 * this. */
#define WORKER_MESSAGE_MIN 16384u
/* Bytes that a key or name may have. */
#define WORKER_TEXT_MAX 4096
/* Of an object's name. */
#define WORKER_NAME_SIZE 64
/* How often each side looks for the other's next message before it sleeps
 * until that comes: to be woken takes longer than most computations.  Only if
 * the other was on another processor when it sent its last one: else it waits
 * for this one. */
#define WORKER_TRIES 200
/* Messages, images and answers begin at multiples of this. */
#define WORKER_ALIGN 8

enum worker_message {
    /* To the worker. */
    WORKER_COMPILE = 1,         /* Compute a unit: struct worker_call. */
    WORKER_EVAL,                /* Compute a query: the same. */
    WORKER_HANDLE,              /* Handle a packet. */
    WORKER_OWNER,               /* Say what a flow stands for. */
    WORKER_CHECK,               /* Look at an object of an own type. */
    WORKER_ANSWER,              /* Of WORKER_READ, and of WORKER_LOG. */
    WORKER_GO,                  /* Begin to load, or close the sandbox. */
    /* To vmnd. */
    WORKER_CLOSES,              /* The module is loaded, in the sandbox for
                                 * that, which is to be closed. */
    WORKER_LOADED,              /* The app's description. */
    WORKER_REFUSED,             /* A text: why it cannot be loaded. */
    WORKER_READ,                /* struct worker_read. */
    WORKER_LOG,                 /* A text for the app's log. */
    WORKER_DONE,                /* The result of a computation. */
};

struct worker_head {
    uint32_t size;              /* Of the message, with this. */
    uint16_t type;              /* An enum worker_message. */
    uint16_t cpu;               /* The processor that it was sent from. */
};

/* What an app reads. */
enum worker_read_kind {
    WORKER_READ_ROW,            /* 'id' is an enum vmn_row_type. */
    WORKER_READ_LABELS,         /* 'id' is the row's 'table'. */
    WORKER_READ_INDEX,          /* 'id' is an enum vmn_index. */
    WORKER_READ_VALUES,         /* 'name' is a relation. */
    WORKER_READ_QUERY,          /* 'name' is "APP.QUERY". */
    WORKER_READ_ID,             /* 'name' is an ID pool. */
    WORKER_READ_PAST,           /* 'key' is a time, in seconds since 1970: a
                                 * block of no bytes if it has passed. */
    WORKER_READ_ZONED,          /* When 'key', in seconds since 1970, is in
                                 * time zone 'name' ("": UTC): an int64_t, or
                                 * nothing of no zone. */
    WORKER_N_READS
};
struct worker_read {
    uint32_t kind;              /* An enum worker_read_kind. */
    uint32_t id;
    const char *name;           /* Never NULL; "" where there is none. */
    const char *key;            /* The same. */
};

/* The value of what WORKER_OWNER asks for: struct vmn_flow_owner. */
struct worker_owner {
    uint32_t row_type;
    int32_t rule;
    char name[WORKER_NAME_SIZE];
};

/* The value of what WORKER_CHECK asks for: how many faults there are, then of
 * each two texts, its pointer and what is wrong. */

/* Taking a message apart.  After what is not there, or is not as it should be,
 * 'bad' is set and all that is taken is zero or empty. */
struct wire_reader {
    const uint8_t *start, *p, *end;
    bool bad;
};
void wire_reader_init(struct wire_reader *, const void *bytes, size_t size);
/* Returns 'size' bytes in the message, or NULL. */
const void *wire_take(struct wire_reader *, size_t size);
uint32_t wire_take_u32(struct wire_reader *);
uint64_t wire_take_u64(struct wire_reader *);
/* Returns a null-terminated text in the message; never NULL. */
const char *wire_take_text(struct wire_reader *);
/* Goes on at the next multiple of WORKER_ALIGN from where the message
 * begins. */
void wire_take_pad(struct wire_reader *);
void wire_take_read(struct wire_reader *, struct worker_read *);
/* Takes 'size' bytes that wire_put_block() has put; NULL if there are none. */
const void *wire_take_block(struct wire_reader *, size_t *size);

void wire_put_u32(struct ofpbuf *, uint32_t);
void wire_put_u64(struct ofpbuf *, uint64_t);
/* 'text' of more than WORKER_TEXT_MAX bytes is cut off. */
void wire_put_text(struct ofpbuf *, const char *text);
void wire_put_pad(struct ofpbuf *);
void wire_put_read(struct ofpbuf *, const struct worker_read *);
/* Puts bytes that begin and end at a multiple of WORKER_ALIGN; NULL: none,
 * which is not the same as none of them. */
void wire_put_block(struct ofpbuf *, const void *bytes, size_t size);
/* The same in steps: the block is what is put in between. */
size_t wire_open_block(struct ofpbuf *);
void wire_close_block(struct ofpbuf *, size_t opened);

/* Begins a message in an empty buffer; wire_end() fills in its size. */
void wire_begin(struct ofpbuf *, enum worker_message);
/* Returns how often to look for an answer to a message, after which the other
 * side was on processor 'cpu'. */
unsigned wire_tries(uint16_t cpu);
void wire_end(struct ofpbuf *);

#endif /* controller/worker/worker-wire.h */
