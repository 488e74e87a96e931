/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether everything is let in to a port that is not denied by name: for a
 * warning where it gets an address outside (warnings.c).  What exactly is open
 * the simulator knows (controller/simulator/open-services.h). */

#ifndef CONTROLLER_MODEL_EXPOSED_PORT_H
#define CONTROLLER_MODEL_EXPOSED_PORT_H 1

#include <stdbool.h>

struct model;
struct vmn_port;

/* Returns true if nothing isolates the port in ingress, no rule of a policy
 * for it denies everything, and its network's default is to allow. */
bool model_port_is_exposed(const struct model *, const struct vmn_port *);

#endif /* controller/model/exposed-port.h */
