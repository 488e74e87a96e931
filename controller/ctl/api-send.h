/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests that are sent again: writes with the same Idempotency-Key while it
 * is not known whether they took effect, so that they do once; and all while a
 * cluster has no writer. */

#ifndef CONTROLLER_CTL_API_SEND_H
#define CONTROLLER_CTL_API_SEND_H 1

#include <jansson.h>
#include <stdbool.h>

#include "controller/schema/error.h"

struct ctl;
struct ctl_reply;

/* As ctl_client_call() of ctl's client; a write has a key of its own.  Sends
 * it again for some seconds after the connection broke before the reply to a
 * write, or a server has replied that it does not know whether it is stored;
 * prints that if it is not known then either.  Also sends it again, as
 * Retry-After has it, if there are several servers and none has a writer. */
int ctl_send(struct ctl *, const char *method, const char *path,
             const json_t *body, const char *type, int timeout_ms,
             struct ctl_reply *, struct vmn_error *why);

#endif /* controller/ctl/api-send.h */
