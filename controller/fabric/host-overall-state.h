/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of a host that users see: one rule for all who show or count it.
 * A host is not "synced" while the state of its ports is "unknown". */

#ifndef CONTROLLER_FABRIC_HOST_OVERALL_STATE_H
#define CONTROLLER_FABRIC_HOST_OVERALL_STATE_H 1

#include <stdint.h>

struct arena;
struct fabric_host;

struct host_overall_state {
    const char *state;          /* One of 'fabric_states'; constant. */
    const char *reason;         /* In the arena, or borrowed until the next
                                 * iteration of the loop; NULL: none. */
    int64_t since_ms;           /* Wall clock: at the earliest the start of
                                 * this process. */
};

/* Returns the name of the host's state, a constant. */
const char *host_overall_state_name(const struct fabric_host *);
/* Sets '*overall' to the host's state, with its reason and since when. */
void host_overall_state_get(struct fabric_host *, struct arena *,
                            struct host_overall_state *overall);
/* Notes when the state changed: it may have. */
void host_overall_state_update(struct fabric_host *);

#endif /* controller/fabric/host-overall-state.h */
