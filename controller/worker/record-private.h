/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of recording share: what apps point to, and how a call
 * begins.  Others use record-calls.h. */

#ifndef CONTROLLER_WORKER_RECORD_PRIVATE_H
#define CONTROLLER_WORKER_RECORD_PRIVATE_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/worker/call-log.h"

struct recorder;

struct vmn_actions {
    struct recorder *recorder;
    uint32_t number;            /* Of the flow, or bucket with CALL_BUCKET. */
};

struct vmn_flow {
    struct vmn_actions actions;
};

struct vmn_group_msg {
    struct recorder *recorder;
    uint32_t number;
};

/* Begins a call about the actions; its arguments follow in the log. */
struct call_log *record_action(const struct vmn_actions *, enum call);

/* Returns true for an argument that is NULL, where the real function would
 * crash: then the computation fails. */
bool record_is_missing(struct recorder *, const void *argument,
                       const char *function);

#endif /* controller/worker/record-private.h */
