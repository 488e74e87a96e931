/* SPDX-License-Identifier: Apache-2.0
 *
 * Which policies isolate the port that a dropped packet was from or for: the
 * flow that drops it is that of all of them, and names none.  The same for
 * what holds its ports in quarantine.  Not for what rules decide, which have
 * flows of their own. */

#ifndef CONTROLLER_SIMULATOR_ISOLATION_H
#define CONTROLLER_SIMULATOR_ISOLATION_H 1

#include "controller/simulator/result-names.h"
#include "vmn/rows.h"

struct arena;
struct engine;
struct model;
struct sim_end;
struct sset;

/* If a packet ended at 'end' since its port is isolated, fills in 'owner' by
 * which policies, sorted, and in which direction; its object is the policy if
 * it is one, and else none.  Pauses. */
void isolation_fill(const struct result_names *, const struct sim_end *end,
                    struct arena *, struct result_owner *owner);
/* If a packet ended at 'end' since its ports are quarantined, fills in 'owner'
 * by what holds them, sorted: "quarantines/NAME", and "ports/NAME" of those
 * that are quarantined by themselves; and its object, as above.  'from' and
 * 'to' are the ports; both NULL: as the packet tells.  Pauses. */
void quarantine_fill(const struct result_names *, const struct sim_end *end,
                     const char *from, const char *to, struct arena *,
                     struct result_owner *owner);
/* Adds what holds 'port' in quarantine, if anything does. */
void quarantine_of_port(struct engine *, const struct model *,
                        const char *port, struct sset *by);
/* Adds the groups that contain 'port', also by others. */
void isolation_groups_of_port(struct engine *, const struct model *,
                              const char *port, struct sset *groups);
/* Adds the names of the policies that isolate 'port' in 'direction'. */
void isolation_of_port(struct engine *, const struct model *,
                       const char *port, enum vmn_direction direction,
                       struct sset *policies);

#endif /* controller/simulator/isolation.h */
