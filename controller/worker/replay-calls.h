/* SPDX-License-Identifier: Apache-2.0
 *
 * Does again, in vmnd, what an app's worker has recorded in a call log
 * (call-log.h): the real functions of include/vmn/flow.h and packet.h are
 * called in the same order with the same arguments, so an app gets what it
 * would get inside of vmnd.  The log may be any bytes: what is not a call is a
 * mistake of the app, as a wrong argument is.  Not for talking to the
 * worker. */

#ifndef CONTROLLER_WORKER_REPLAY_CALLS_H
#define CONTROLLER_WORKER_REPLAY_CALLS_H 1

#include <stddef.h>

#include "sset.h"

struct vmn_emit;
struct vmn_packets_out;

/* The reasons that an app has given for what it drops or does not answer.  In
 * an app inside of vmnd they are string literals, to which flows and
 * statistics point for good: so an app has at most REPLAY_TEXTS_MAX of them,
 * each of 1 to REPLAY_TEXT_LEN printable ASCII characters, and they must
 * outlive the engine and whatever else has got them. */
#define REPLAY_TEXTS_MAX 256
#define REPLAY_TEXT_LEN 63
struct replay_texts {
    struct sset texts;
};
void replay_texts_init(struct replay_texts *);
void replay_texts_uninit(struct replay_texts *);

/* Limits of one unit, beside those of controller/flow/emit.h. */
#define REPLAY_GROUPS_MAX 20000
#define REPLAY_BUCKETS_MAX 200000
#define REPLAY_ACTIONS_SIZE_MAX (256 * 1024 * 1024)
/* The most calls of a handler for a packet. */
#define REPLAY_PACKET_CALLS_MAX 1024

/* Replays what a compile function has emitted.  'log' must not be changed
 * meanwhile: it is not memory that the worker shares.  A log that is wrong
 * fails the unit; what follows the first failure is not replayed.  Calls
 * 'pause', if not NULL, between calls of the app from time to time. */
void replay_emit(const void *log, size_t size, struct vmn_emit *,
                 struct replay_texts *, void (*pause)(void *aux), void *aux);

/* Replays what a handler has sent.  Returns NULL, or why the log is wrong,
 * which the caller frees: the packet has failed then, and nothing must be sent
 * for it.  Other mistakes are recorded as those of handlers are. */
char *replay_packets(const void *log, size_t size, struct vmn_packets_out *,
                     struct replay_texts *);

/* The same of a query, which calls nothing but vmn_fail(): returns NULL, or
 * why it has no value, which the caller frees. */
char *replay_query(const void *log, size_t size);

#endif /* controller/worker/replay-calls.h */
