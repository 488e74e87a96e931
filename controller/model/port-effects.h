/* SPDX-License-Identifier: Apache-2.0
 *
 * What the change of another object does to ports, for the log: which ones a
 * quarantine isolates or releases, and a balancer drains.  So the history of a
 * port has them, and a search for the port finds them, whatever the labels of
 * ports are by then.  Not for ports' own changes, such as labels by which a
 * port gets into a quarantine, nor for policies, which are of groups. */

#ifndef CONTROLLER_MODEL_PORT_EFFECTS_H
#define CONTROLLER_MODEL_PORT_EFFECTS_H 1

#include "controller/model/model.h"

/* For so many ports per revision it is looked whether its quarantines select
 * them.  Of a quarantine that there are too many for, only the effects on
 * ports that it names are known. */
#define PORT_EFFECTS_LOOKED_MAX 20000

/* Called with "quarantine", "release", "drain" or "undrain", and a port's
 * name. */
typedef void port_effect_cb(void *aux, const char *op, const char *port);

/* Calls 'cb' for each port on which the change of an object from 'before' to
 * 'now' (NULL: there was or is none) has an effect, sorted by name for each
 * 'op'.  Takes what it looks at from '*n_left', at first
 * PORT_EFFECTS_LOOKED_MAX. */
void port_effects(const struct model *, enum vmn_table,
                  const struct vmn_row *before, const struct vmn_row *now,
                  size_t *n_left, port_effect_cb *cb, void *aux);

#endif /* controller/model/port-effects.h */
