/* SPDX-License-Identifier: Apache-2.0
 *
 * What replay-calls.c and replay-actions.c have in common: a log that is being
 * replayed. */

#ifndef CONTROLLER_WORKER_REPLAY_PRIVATE_H
#define CONTROLLER_WORKER_REPLAY_PRIVATE_H 1

#include "controller/flow/emit.h"
#include "controller/worker/call-log.h"
#include "controller/worker/replay-calls.h"

struct replay {
    struct call_reader in;
    struct vmn_emit *emit;      /* Of a compile function, */
    struct vmn_packets_out *out; /* or of a handler; the other is NULL. */
    struct replay_texts *texts;
    const char *function;       /* That is being called. */
    char *problem;              /* Why the log is wrong, or NULL. */

    size_t n_flows, allocated_flows;
    struct vmn_flow **flows;
    size_t n_groups, allocated_groups;
    struct vmn_group_msg **groups;
    size_t n_buckets, allocated_buckets;
    struct vmn_actions **buckets;

    struct vmn_actions *actions; /* Of the call, or NULL, */
    size_t actions_before;      /* and their size before it. */
    size_t actions_size;        /* Of all calls so far. */
};

/* A call whose number, but not its arguments, has been taken. */
typedef void replay_function(struct replay *);

struct replay_call {
    const char *name;           /* Of the function. */
    replay_function *replay;
    size_t kept;                /* What vmnd keeps for it in about, in bytes,
                                 * beside the bytes of the call itself. */
};

/* The calls of CALL_ACT_*, by the number; others have no name here. */
extern const struct replay_call replay_action_calls[CALL_N];

/* Returns true if all arguments of the call could be taken, so that it may be
 * done. */
static inline bool
replay_is_good(const struct replay *r)
{
    return !r->in.bad && !r->problem;
}

/* Says why the log is wrong; the first reason is kept. */
void replay_fail(struct replay *, const char *format, ...)
    OVS_PRINTF_FORMAT(2, 3);

/* Take the number of what was added before, and return that; NULL if there is
 * none. */
struct vmn_actions *replay_take_actions(struct replay *);
struct vmn_group_msg *replay_take_group(struct replay *);

/* Takes a reason, and returns its copy in 'texts'; NULL if it is NULL. */
const char *replay_take_reason(struct replay *);

/* Takes an argument of a call. */
#define REPLAY_U8 call_take_u8(&r->in)
#define REPLAY_U16 call_take_u16(&r->in)
#define REPLAY_U32 call_take_u32(&r->in)
#define REPLAY_U64 call_take_u64(&r->in)
#define REPLAY_MAC call_take_mac(&r->in)
#define REPLAY_TEXT call_take_text(&r->in)
#define REPLAY_REASON replay_take_reason(r)
#define REPLAY_ACTIONS replay_take_actions(r)

/* Define the replay of a function from the expressions that take its
 * arguments, in their order. */
#define REPLAY_1(FUNCTION, A)                                   \
    static void                                                 \
    replay_##FUNCTION(struct replay *r)                         \
    {                                                           \
        OVS_TYPEOF(A) a = A;                                    \
                                                                \
        if (replay_is_good(r)) {                                \
            FUNCTION(a);                                        \
        }                                                       \
    }
#define REPLAY_2(FUNCTION, A, B)                                \
    static void                                                 \
    replay_##FUNCTION(struct replay *r)                         \
    {                                                           \
        OVS_TYPEOF(A) a = A;                                    \
        OVS_TYPEOF(B) b = B;                                    \
                                                                \
        if (replay_is_good(r)) {                                \
            FUNCTION(a, b);                                     \
        }                                                       \
    }
#define REPLAY_3(FUNCTION, A, B, C)                             \
    static void                                                 \
    replay_##FUNCTION(struct replay *r)                         \
    {                                                           \
        OVS_TYPEOF(A) a = A;                                    \
        OVS_TYPEOF(B) b = B;                                    \
        OVS_TYPEOF(C) c = C;                                    \
                                                                \
        if (replay_is_good(r)) {                                \
            FUNCTION(a, b, c);                                  \
        }                                                       \
    }
#define REPLAY_4(FUNCTION, A, B, C, D)                          \
    static void                                                 \
    replay_##FUNCTION(struct replay *r)                         \
    {                                                           \
        OVS_TYPEOF(A) a = A;                                    \
        OVS_TYPEOF(B) b = B;                                    \
        OVS_TYPEOF(C) c = C;                                    \
        OVS_TYPEOF(D) d = D;                                    \
                                                                \
        if (replay_is_good(r)) {                                \
            FUNCTION(a, b, c, d);                               \
        }                                                       \
    }

/* Initializes the row of a function in a table of calls. */
#define REPLAY_CALL(CALL, FUNCTION)                             \
    [CALL] = { .name = #FUNCTION, .replay = replay_##FUNCTION }

#endif /* controller/worker/replay-private.h */
