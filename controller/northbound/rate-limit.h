/* SPDX-License-Identifier: Apache-2.0
 *
 * How many API requests an account may make per second, and how many all
 * accounts together within a quota's scope.  Token buckets in memory: they are
 * full after a start.  Not for connections and bodies (proto/http), nor for
 * tokens that are guessed (proto/admission). */

#ifndef CONTROLLER_NORTHBOUND_RATE_LIMIT_H
#define CONTROLLER_NORTHBOUND_RATE_LIMIT_H 1

#include <stdbool.h>

struct ds;
struct http_request;
struct northbound;
struct vmn_account;

struct rate_limit;
/* 'rate' is how many requests an account may make per second; 0: unlimited. */
struct rate_limit *rate_limit_create(unsigned rate);
void rate_limit_destroy(struct rate_limit *);

/* Returns true if the rate of the account 'name' and the quotas of its scope
 * allow another request now; replies 429 and returns false if not.  A request
 * that one of these rejects is not charged to the others: else an account that
 * exceeds its own rate would use up the share of others.
 *
 * Nor is a request charged that is not authenticated ('account' is NULL): else
 * an account that was disabled, or whose certificate is no longer accepted,
 * would use up the rate of its tenant, or of its own tokens.  It has a rate of
 * its own. */
bool rate_limit_allows(struct rate_limit *, const struct northbound *,
                       struct http_request *, const char *name,
                       const struct vmn_account *account);

/* Appends the number of requests that were rejected to /metrics. */
void rate_limit_append_metrics(const struct rate_limit *, struct ds *);

#endif /* controller/northbound/rate-limit.h */
