/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of a host that users see, as far as its switch determines it. */

#ifndef CONTROLLER_FABRIC_SESSION_HOST_OPENFLOW_STATE_H
#define CONTROLLER_FABRIC_SESSION_HOST_OPENFLOW_STATE_H 1

struct fabric_switch;
struct status_openflow;

/* Returns the host's state, a constant, and sets '*reason' to the reason,
 * borrowed until the next iteration of the loop; NULL: none. */
const char *host_openflow_state_name(const struct fabric_switch *,
                                     const char **reason);
/* Fills in "openflow" of the host's status, borrowed until the next iteration
 * of the loop. */
void host_openflow_status(const struct fabric_switch *,
                          struct status_openflow *);

#endif /* controller/fabric/session/host-openflow-state.h */
