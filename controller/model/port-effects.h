/* SPDX-License-Identifier: Apache-2.0
 *
 * What a request does to ports besides changing them, for the log: which ones
 * a quarantine isolates or releases, because it was changed or the port's
 * labels were, and a balancer drains.  So the history of a port has them, and
 * a search for the port finds them, whatever the labels of ports are by then.
 * Not for policies, which are of groups, nor for a port's own field
 * "quarantined". */

#ifndef CONTROLLER_MODEL_PORT_EFFECTS_H
#define CONTROLLER_MODEL_PORT_EFFECTS_H 1

#include "controller/schema/tables.h"

struct txn;

/* For so many ports per revision it is looked whether its quarantines select
 * them.  Of a quarantine that there are too many for, only the effects on
 * ports that it names, or named, are known.  So many labels and quarantines
 * are looked at for ports that are created, or whose labels are changed; of
 * ports beyond that nothing is known. */
#define PORT_EFFECTS_LOOKED_MAX 20000

/* Called with "quarantine", "release", "drain" or "undrain", a port's name,
 * and the quarantine or balancer by which. */
typedef void port_effect_cb(void *aux, const char *op, const char *port,
                            enum vmn_table, const char *by);

/* Calls 'cb' for each port that the request's changes, which are final, have
 * an effect on. */
void port_effects(const struct txn *, port_effect_cb *cb, void *aux);

#endif /* controller/model/port-effects.h */
