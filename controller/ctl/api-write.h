/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes that are sent again with the same Idempotency-Key while nobody knows
 * whether they took effect, so that they do once. */

#ifndef CONTROLLER_CTL_API_WRITE_H
#define CONTROLLER_CTL_API_WRITE_H 1

#include <jansson.h>
#include <stdbool.h>

#include "controller/schema/error.h"

struct ctl;
struct ctl_reply;

/* Returns true if the server takes a key with this call. */
bool ctl_is_write(const struct ctl *, const char *method, const char *path);

/* As ctl_client_call() of ctl's client, with a key of its own.  Sends it again
 * for some seconds after the connection broke before the reply, or the server
 * has replied that it does not know whether it is stored; says so if it still
 * does not know then. */
int ctl_write(struct ctl *, const char *method, const char *path,
              const json_t *body, const char *type, int timeout_ms,
              struct ctl_reply *, struct vmn_error *why);

#endif /* controller/ctl/api-write.h */
