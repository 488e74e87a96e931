/* SPDX-License-Identifier: Apache-2.0
 *
 * Recording what an app's function emits or sends, in the app's worker: there
 * the functions of include/vmn/flow.h and of include/vmn/packet.h that emit or
 * send, and vmn_publish(), do nothing but append to a call log (call-log.h),
 * which vmnd replays (replay-calls.h).  Not for reading functions, and not for
 * vmnd itself: record-calls.c defines what controller/flow and
 * controller/engine define there. */

#ifndef CONTROLLER_WORKER_RECORD_CALLS_H
#define CONTROLLER_WORKER_RECORD_CALLS_H 1

#include "controller/worker/call-log.h"

/* The worker's own; unlike those of vmnd they know where to record, and
 * nothing else. */
struct vmn_emit {
    struct recorder *recorder;
};

struct vmn_packets_out {
    struct recorder *recorder;
};

/* One computation at a time: a computation inside of another one has a
 * recorder of its own. */
struct recorder {
    struct call_log log;
    struct vmn_emit emit;           /* To be given to a compile function. */
    struct vmn_packets_out packets; /* To be given to a handler. */
    uint32_t n_flows, n_groups, n_buckets;
    struct handles *handles;        /* Memory of what the app points to. */
};

void recorder_init(struct recorder *);
void recorder_uninit(struct recorder *);

/* Begins a computation: the log is empty, and what the app has got of the last
 * one is gone. */
void record_begin(struct recorder *);
/* Ends it.  Returns the log, valid until the next one begins.  A log that
 * would be longer than CALL_LOG_MAX only says that. */
const void *record_end(struct recorder *, size_t *size);

#endif /* controller/worker/record-calls.h */
