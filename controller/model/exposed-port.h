/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether everything is let in to a port that is not denied by name: for a
 * warning where it gets an address outside (loosening-exposure.c for a change,
 * warnings.c for what is there).  What exactly is open
 * the simulator knows (controller/simulator/open-services.h). */

#ifndef CONTROLLER_MODEL_EXPOSED_PORT_H
#define CONTROLLER_MODEL_EXPOSED_PORT_H 1

#include <stdbool.h>
#include <stddef.h>

struct model;
struct vmn_floating_ip;
struct vmn_port;

/* Returns true if the port is enabled and not quarantined, nothing isolates it
 * in ingress, no rule of a policy for it denies everything, and its network's
 * default is to allow.  Subtracts from '*steps' what it looks at; returns
 * false once these are used up.  Does not yield. */
bool model_port_is_exposed(const struct model *, const struct vmn_port *,
                           size_t *steps);

/* Returns what a floating address of such a port opens, with a command that
 * shows it to a client whose account has a scope or none.  The caller frees
 * it. */
char *model_exposed_text(const struct vmn_floating_ip *,
                         const struct vmn_port *, bool is_scoped);

#endif /* controller/model/exposed-port.h */
