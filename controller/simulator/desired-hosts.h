/* SPDX-License-Identifier: Apache-2.0
 *
 * The hosts of the simulator as the engine wants them: flows and groups by
 * scope, decoded where a packet comes by.  Good for as long as the engine
 * stays as it is. */

#ifndef CONTROLLER_SIMULATOR_DESIRED_HOSTS_H
#define CONTROLLER_SIMULATOR_DESIRED_HOSTS_H 1

#include "controller/simulator/simulator.h"

struct engine;
struct model;
struct desired_hosts;

/* Creates the network of the model's current state, as the engine has compiled
 * it.  Borrows both. */
struct desired_hosts *desired_hosts_create(struct engine *,
                                           const struct model *);
void desired_hosts_destroy(struct desired_hosts *);

/* Fills in the callbacks for simulator_create(). */
void desired_hosts_get(struct desired_hosts *, struct sim_net *);

#endif /* controller/simulator/desired-hosts.h */
