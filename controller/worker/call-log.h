/* SPDX-License-Identifier: Apache-2.0
 *
 * The call log: the calls by which an app's function emits flows, groups and
 * facts, or sends packets, as bytes.  An app's worker records them
 * (record-calls.h), vmnd does them again (replay-calls.h).  This is how calls
 * and their arguments are encoded; not what the arguments may be.
 *
 * A call is its number (enum call), the number of what it is done to, if that
 * is no emitter, and its arguments in the order of the function's.  Both
 * processes are of one build and on one machine: integers are in the machine's
 * byte order, unaligned.  Structs are their members, one by one. */

#ifndef CONTROLLER_WORKER_CALL_LOG_H
#define CONTROLLER_WORKER_CALL_LOG_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "openvswitch/compiler.h"
#include "vmn/types.h"

/* The most bytes of a log... */
#define CALL_LOG_MAX (64 * 1024 * 1024)
/* ...and of a text in it, without the final null. */
#define CALL_TEXT_MAX 1023

/* Flows, groups and buckets are numbered by themselves, from 0 on, in the
 * order in which they are added.  Actions are those of the flow with that
 * number, or, with this bit, of the bucket. */
#define CALL_BUCKET 0x80000000

/* "vmn_" and the call's name in small letters is the function. */
enum call {
    /* Of an emitter. */
    CALL_FAIL = 1,
    CALL_FLOW_ADD = 2,
    CALL_GROUP_ADD = 3,
    CALL_PUBLISH = 4,
    CALL_ARP_ND_RESPOND = 5,

    /* Of a group. */
    CALL_BUCKET_ADD = 6,
    CALL_GROUP_HASH_CLIENT = 7,

    /* Of a flow. */
    CALL_FLOW_COUNT = 8,
    CALL_FLOW_COUNT_PART = 9,
    CALL_FLOW_LOG = 10,
    CALL_MATCH = 11,
    CALL_MATCH_MASKED = 12,
    CALL_MATCH_MAC = 13,
    CALL_MATCH_LOW_BITS = 14,
    CALL_MATCH_PREFIX = 15,
    CALL_MATCH_IP = 16,

    /* Of actions. */
    CALL_BUCKET_COUNT_PART = 17,
    CALL_ACT_SET = 18,
    CALL_ACT_SET_MASKED = 19,
    CALL_ACT_SET_MAC = 20,
    CALL_ACT_SET_IP = 21,
    CALL_ACT_MOVE = 22,
    CALL_ACT_MOVE_BITS = 23,
    CALL_ACT_SWAP = 24,
    CALL_ACT_DEC_TTL = 25,
    CALL_ACT_OUTPUT = 26,
    CALL_ACT_OUTPUT_FIELD = 27,
    CALL_ACT_OUTPUT_IN_PORT = 28,
    CALL_ACT_CLEAR_IN_PORT = 29,
    CALL_ACT_GROUP = 30,
    CALL_ACT_GROUP_ID = 31,
    CALL_ACT_NEXT = 32,
    CALL_ACT_GOTO = 33,
    CALL_ACT_RESUBMIT_NEXT = 34,
    CALL_ACT_RESUBMIT = 35,
    CALL_ACT_JUMP = 36,
    CALL_ACT_RESTART = 37,
    CALL_ACT_DROP = 38,
    CALL_ACT_DROP_BACKGROUND = 39,
    CALL_ACT_ARP_REPLY = 40,
    CALL_ACT_PUNT = 41,
    CALL_ACT_LEARN_CONNECTION = 42,
    CALL_ACT_LEARN_NEIGHBOUR = 43,
    CALL_ACT_FIND_NEIGHBOUR = 44,
    CALL_ACT_LEARN_MAC = 45,
    CALL_ACT_FIND_MAC = 46,
    CALL_ACT_LEARN_CLIENT = 47,
    CALL_ACT_FIND_CLIENT = 48,
    CALL_ACT_CHECK_SIZE = 49,
    CALL_ACT_HASH_CLIENT = 50,
    CALL_ACT_LIMIT = 51,
    CALL_ACT_CT = 52,
    CALL_ACT_CT_SNAT_PORTS = 53,
    CALL_ACT_CONJUNCTION = 54,

    /* Of the packets that a handler sends.  CALL_FAIL is possible, too. */
    CALL_SEND_BACK = 55,
    CALL_SEND_TO_PORT = 56,
    CALL_SEND_TO_STAGE = 57,
    CALL_SEND_TO_NEXT = 58,
    CALL_SEND_TO_HOOK = 59,
    CALL_SEND_NOTHING = 60,
    CALL_NEIGHBOUR_IS_INCOMPLETE = 61,

    /* Of actions, as well. */
    CALL_ACT_SET_QUEUE = 62,
    CALL_ACT_POP_QUEUE = 63,
    CALL_ACT_CLONE_NEXT = 64,
    CALL_ACT_CLONE = 65,
    CALL_ACT_GOTO_HOOK = 66,
    CALL_ACT_HASH_CONNECTION = 67,

    /* Of a handler, as well. */
    CALL_SEND_HTTP = 68,

    /* Of a bucket. */
    CALL_BUCKET_WATCH = 69,

    /* Of actions. */
    CALL_ACT_LIMIT_KBPS = 70,
    CALL_ACT_COPY = 71,
    CALL_ACT_LEARN_MEMBER = 80,
    CALL_ACT_FIND_MEMBER = 81,
    CALL_ACT_COUNT_PAIR = 82,
    CALL_ACT_COPY_TO_TUNNEL = 83,
    CALL_ACT_COPY_TO_PORT = 84,
    CALL_ACT_LEARN_SOURCE = 85,
    CALL_ACT_COPY_TO_SAME_FAMILY = 86,

    /* Of a handler, as well. */
    CALL_COUNT = 87,
    CALL_NEIGHBOUR_IS_PROBED = 88,

    /* Of actions, as well. */
    CALL_ACT_LEARN_HOLDER = 89,
    CALL_ACT_FIND_HOLDER = 90,
    CALL_N
};

/* Writing.  -------------------------------------------------------------- */

struct call_log {
    uint8_t *data;
    size_t size, allocated;
    size_t end;                 /* Up to where there is room: 'allocated', or
                                 * 'size' of one that is closed. */
    bool closed;                /* Nothing is added any more... */
    bool too_long;              /* ...since there was no room for it. */
};

void call_log_init(struct call_log *);
void call_log_uninit(struct call_log *);
/* Empties the log, and opens it again. */
void call_log_clear(struct call_log *);
/* From now on nothing is added any more. */
void call_log_close(struct call_log *);
/* Makes room for 'n' bytes.  Returns false if there must be none. */
bool call_log_grow(struct call_log *, size_t n);

static inline void
call_put(struct call_log *log, const void *p, size_t n)
{
    if (OVS_LIKELY(n <= log->end - log->size) || call_log_grow(log, n)) {
        memcpy(log->data + log->size, p, n);
        log->size += n;
    }
}

static inline void
call_put_u8(struct call_log *log, uint8_t value)
{
    call_put(log, &value, sizeof value);
}

static inline void
call_put_u16(struct call_log *log, uint16_t value)
{
    call_put(log, &value, sizeof value);
}

static inline void
call_put_u32(struct call_log *log, uint32_t value)
{
    call_put(log, &value, sizeof value);
}

static inline void
call_put_u64(struct call_log *log, uint64_t value)
{
    call_put(log, &value, sizeof value);
}

static inline void
call_put_mac(struct call_log *log, struct vmn_mac mac)
{
    call_put(log, mac.ea, sizeof mac.ea);
}

void call_put_ip(struct call_log *, const struct vmn_ip *);
void call_put_prefix(struct call_log *, const struct vmn_prefix *);
/* 's' may be NULL. */
void call_put_text(struct call_log *, const char *s);

/* Reading, of bytes that may be anything.  -------------------------------- */

struct call_reader {
    const uint8_t *p, *end;
    bool bad;                   /* Something could not be read: then, and from
                                 * then on, what is returned is 0 or NULL. */
    bool bad_text;              /* It was a text, which is too long, or has
                                 * other bytes than a text has. */
};

/* Copies the next 'n' bytes to 'value', or zeros. */
static inline void
call_take(struct call_reader *r, void *value, size_t n)
{
    if (OVS_LIKELY(n <= (size_t) (r->end - r->p))) {
        memcpy(value, r->p, n);
        r->p += n;
    } else {
        memset(value, 0, n);
        r->p = r->end;
        r->bad = true;
    }
}

static inline uint8_t
call_take_u8(struct call_reader *r)
{
    uint8_t value;

    call_take(r, &value, sizeof value);
    return value;
}

static inline uint16_t
call_take_u16(struct call_reader *r)
{
    uint16_t value;

    call_take(r, &value, sizeof value);
    return value;
}

static inline uint32_t
call_take_u32(struct call_reader *r)
{
    uint32_t value;

    call_take(r, &value, sizeof value);
    return value;
}

static inline uint64_t
call_take_u64(struct call_reader *r)
{
    uint64_t value;

    call_take(r, &value, sizeof value);
    return value;
}

static inline struct vmn_mac
call_take_mac(struct call_reader *r)
{
    struct vmn_mac mac;

    call_take(r, mac.ea, sizeof mac.ea);
    return mac;
}

/* 0 or 1. */
bool call_take_bool(struct call_reader *);
/* Of family 0, 4 or 6; where that has no bytes it gets zeros. */
struct vmn_ip call_take_ip(struct call_reader *);
/* Not longer than its family's addresses. */
struct vmn_prefix call_take_prefix(struct call_reader *);
/* Returns a text of at most CALL_TEXT_MAX bytes, or NULL if it is NULL.  It is
 * UTF-8 without control characters, null-terminated, and in the log itself. */
const char *call_take_text(struct call_reader *);
/* Returns the next 'n' bytes, which are in the log itself, or NULL. */
const void *call_take_bytes(struct call_reader *, size_t n);

#endif /* controller/worker/call-log.h */
