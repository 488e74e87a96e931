/* SPDX-License-Identifier: Apache-2.0
 *
 * Listens for switches, and assigns them to hosts; see switch-listener.c. */

#ifndef CONTROLLER_FABRIC_SESSION_SWITCH_LISTENER_H
#define CONTROLLER_FABRIC_SESSION_SWITCH_LISTENER_H 1

struct fabric;
struct fabric_host;
struct fabric_options;
struct ofserver;
struct vmn_error;

/* Returns 0, or a positive errno and sets the error: the caller must then call
 * switch_listener_destroy(). */
int switch_listener_create(struct fabric *, const struct fabric_options *,
                           struct vmn_error *);
/* The fabric's epoch has changed. */
void switch_listener_epoch_changed(struct fabric *);
/* Must be called after the last switch_destroy(). */
void switch_listener_destroy(struct fabric *);
/* The host's datapath ID has changed: assigns a connected switch that has it,
 * and closes one that has not. */
void switch_listener_rematch(struct fabric_host *);
struct ofserver *switch_listener_server(const struct fabric *);

#endif /* controller/fabric/session/switch-listener.h */
