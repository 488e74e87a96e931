/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may begin a live trace now: how many run at a time, and how many begin
 * in a second.  Each has hosts' switches take and delete some hundred flows.
 * Not for requests in general (rate-limit.h). */

#ifndef CONTROLLER_NORTHBOUND_LIVE_TRACE_LIMITS_H
#define CONTROLLER_NORTHBOUND_LIVE_TRACE_LIMITS_H 1

#include <stdbool.h>

struct http_request;
struct live_limits;

struct live_limits *live_limits_create(void);
void live_limits_destroy(struct live_limits *);

/* Returns true if the account 'who', which has a scope if 'scoped', may begin
 * a trace, until live_limits_release(); replies 429 or 503 and returns false
 * if not. */
bool live_limits_take(struct live_limits *, struct http_request *,
                      const char *who, bool scoped);
void live_limits_release(struct live_limits *, const char *who, bool scoped);

#endif /* controller/northbound/live-trace-limits.h */
