/* SPDX-License-Identifier: Apache-2.0
 *
 * VMs that may leave checksums to a host that does not compute them. */

#ifndef CONTROLLER_FABRIC_OVSDB_HOST_CHECKSUMS_H
#define CONTROLLER_FABRIC_OVSDB_HOST_CHECKSUMS_H 1

struct arena;
struct fabric_host_db;
struct ovsdb_snapshot;

/* Notes which interfaces of VMs are taps. */
void host_checksums_report(struct fabric_host_db *,
                           const struct ovsdb_snapshot *);

/* Returns what their VMs have to do, as a sentence in 'arena'; or NULL, if the
 * host does it or has none. */
const char *host_checksums_warning(const struct fabric_host_db *,
                                   struct arena *);

#endif /* controller/fabric/ovsdb/host-checksums.h */
