/* SPDX-License-Identifier: Apache-2.0
 *
 * Bridges of a host that lead to physical networks. */

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

/* A bridge that leads to a physical network. */
struct host_provider {
    char *physical;             /* As in the row. */
    char *bridge;               /* The same. */
    char *iface_id;             /* "@PHYSICAL". */
    char *name;                 /* Of the end in the integration bridge. */
    char *other_name;           /* Of the end in 'bridge'. */
    char *reason;               /* Why packets cannot go there, or NULL. */
};

/* Sets those of the row; 'row' NULL: none. */
void host_provider_set(struct fabric_host_db *, const struct vmn_host *row);
/* Writes what is to be made for them into 'patches'.  Strings are borrowed. */
void host_provider_desired(const struct fabric_host_db *,
                           struct ovsdb_patch *patches);
/* Finds out what is wrong with each of them. */
void host_provider_check(struct fabric_host_db *,
                         const struct ovsdb_snapshot *);
/* Returns the first of these, or NULL. */
const char *host_provider_reason(const struct fabric_host_db *);
/* Returns true if 'iface' is the end in the integration bridge of one of
 * them. */
bool host_provider_has(const struct fabric_host_db *,
                       const struct ovsdb_interface *iface);
/* Fills in those of the host's status, in 'arena'. */
void host_provider_status(const struct fabric_host_db *, struct arena *arena,
                          struct status_host *);

#endif /* controller/fabric/ovsdb/host-provider.h */
