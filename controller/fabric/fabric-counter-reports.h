/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters of flows in a cluster: each member reads those of the hosts that it
 * manages, and tells the writer what it asks for.  Not for how the two speak
 * with each other (controller/cluster). */

#ifndef CONTROLLER_FABRIC_FABRIC_COUNTER_REPORTS_H
#define CONTROLLER_FABRIC_FABRIC_COUNTER_REPORTS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fabric;
struct ofpbuf;

/* Returns true if the member that is asked manages the host of that name, as
 * far as the writer knows. */
typedef bool fabric_is_managed_cb(void *aux, const char *host);

/* As the writer, returns what to ask the member, which the caller frees; NULL:
 * nothing, since counters are not read, or have just been asked for. */
char *fabric_ask_counters(struct fabric *, const char *member,
                          fabric_is_managed_cb *, void *aux);

/* As a member that stands by, appends the answer to 'ask', which is from
 * outside, to 'b', which is empty.  From then on it reads the counters of its
 * hosts, until nobody has asked for some time.  Returns NULL, or what is
 * wrong, a constant. */
const char *fabric_tell_counters(struct fabric *, const void *ask,
                                 size_t size, struct ofpbuf *b);

/* As the writer, takes the answer, which is from outside and was asked for at
 * 'asked_ms', of time_msec().  Of hosts that the member does not manage it
 * takes nothing.  Sets '*more' to whether there is more to ask for at once.
 * Returns NULL, or what is wrong, a constant. */
const char *fabric_take_counters(struct fabric *, const char *member,
                                 const void *answer, size_t size,
                                 int64_t asked_ms, fabric_is_managed_cb *,
                                 void *aux, bool *more);

#endif /* controller/fabric/fabric-counter-reports.h */
