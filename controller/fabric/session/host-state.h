/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of a host that users see, as far as its switch decides it. */

#ifndef CONTROLLER_FABRIC_SESSION_HOST_STATE_H
#define CONTROLLER_FABRIC_SESSION_HOST_STATE_H 1

struct fabric_switch;
struct status_openflow;

/* Returns the host's state in one word, a constant, and sets '*reason' to why,
 * borrowed until the loop's next turn; NULL: there is nothing to say. */
const char *host_state_name(const struct fabric_switch *,
                            const char **reason);
/* Fills in "openflow" of the host's status with what is borrowed until the
 * loop's next turn. */
void host_openflow_status(const struct fabric_switch *,
                          struct status_openflow *);

#endif /* controller/fabric/session/host-state.h */
