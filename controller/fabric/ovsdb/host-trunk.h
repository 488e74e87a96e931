/* SPDX-License-Identifier: Apache-2.0
 *
 * Sub-ports of trunks on a host. */

#ifndef CONTROLLER_FABRIC_OVSDB_HOST_TRUNK_H
#define CONTROLLER_FABRIC_OVSDB_HOST_TRUNK_H 1

#include <stdbool.h>
#include <stdint.h>

struct fabric_host_db;
struct ovsdb_interface;
struct ovsdb_patch;
struct ovsdb_snapshot;

/* A sub-port whose parent is on the host. */
struct host_trunk {
    char *iface_id;
    char *name;                 /* Of the interface that is its VIF. */
    char *tag_name;             /* Of the other end. */
};

/* Sets the sub-ports of the host.  Returns true if they have changed. */
bool host_trunk_update(struct fabric_host_db *);
void host_trunk_uninit(struct fabric_host_db *);
/* Writes the desired patch ports into 'patches'.  Strings are borrowed. */
void host_trunk_desired(const struct fabric_host_db *,
                        struct ovsdb_patch *patches);
/* Returns true if 'iface' is the VIF of a sub-port that vmnd created. */
bool host_trunk_is_end(const struct ovsdb_interface *iface);
/* Returns the port number of the other end of 'iface', the VIF of a sub-port;
 * 0 if it does not exist yet, or is not desired any more. */
uint32_t host_trunk_tag(const struct fabric_host_db *,
                        const struct ovsdb_snapshot *,
                        const struct ovsdb_interface *iface);

#endif /* controller/fabric/ovsdb/host-trunk.h */
