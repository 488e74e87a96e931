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

#endif /* controller/worker/replay-private.h */
