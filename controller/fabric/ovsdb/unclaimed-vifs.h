/* SPDX-License-Identifier: Apache-2.0
 *
 * Interfaces of VMs that no port claims: no port has their iface-id, since it
 * was deleted, was lost when an older backup was restored, or was never made.
 * They have no network.  Not for interfaces whose port may not be bound where
 * they are (rejected-claims.h), nor for those that vmnd makes. */

#ifndef CONTROLLER_FABRIC_OVSDB_UNCLAIMED_VIFS_H
#define CONTROLLER_FABRIC_OVSDB_UNCLAIMED_VIFS_H 1

struct arena;
struct observed_host;
struct observed_state;
struct observed_vif;
struct status_host;

/* Handles a new or changed interface. */
void unclaimed_vifs_update(struct observed_vif *);
/* Forgets an interface that is about to be destroyed. */
void unclaimed_vifs_remove(struct observed_vif *);
/* Handles that a port has got 'iface_id', or that one has it no more. */
void unclaimed_vifs_port_changed(struct observed_state *,
                                 const char *iface_id);

/* Fills in how many the host has, and the first of them. */
void unclaimed_vifs_status(const struct observed_host *, struct arena *,
                           struct status_host *);

#endif /* controller/fabric/ovsdb/unclaimed-vifs.h */
