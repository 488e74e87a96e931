/* SPDX-License-Identifier: Apache-2.0
 *
 * A host's bridges that connect to physical networks. */

#ifndef CONTROLLER_FABRIC_OVSDB_HOST_PROVIDER_H
#define CONTROLLER_FABRIC_OVSDB_HOST_PROVIDER_H 1

#include <stdbool.h>

struct arena;
struct fabric_host_db;
struct ovsdb_interface;
struct ovsdb_patch;
struct ovsdb_snapshot;
struct status_host;
struct vmn_host;

/* A bridge that connects to a physical network. */
struct host_provider {
    char *physical;             /* As in the row. */
    char *bridge;               /* The same. */
    char *iface_id;             /* "@PHYSICAL". */
    char *name;                 /* Of the end in the integration bridge. */
    char *other_name;           /* Of the end in 'bridge'. */
    char *reason;               /* The fault, or NULL. */
};

/* Sets the bridges of the row; 'row' NULL: none. */
void host_provider_set(struct fabric_host_db *, const struct vmn_host *row);
/* Writes the desired patch ports into 'patches'.  Strings are borrowed. */
void host_provider_desired(const struct fabric_host_db *,
                           struct ovsdb_patch *patches);
/* Updates the fault of each bridge. */
void host_provider_check(struct fabric_host_db *,
                         const struct ovsdb_snapshot *);
/* Returns the first fault, or NULL. */
const char *host_provider_reason(const struct fabric_host_db *);
/* Returns true if 'iface' is the end in the integration bridge of one of
 * them. */
bool host_provider_has(const struct fabric_host_db *,
                       const struct ovsdb_interface *iface);
/* Fills in the bridges of the host's status, in 'arena'. */
void host_provider_status(const struct fabric_host_db *, struct arena *arena,
                          struct status_host *);

#endif /* controller/fabric/ovsdb/host-provider.h */
