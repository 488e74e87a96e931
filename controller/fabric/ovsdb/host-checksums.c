/* SPDX-License-Identifier: Apache-2.0
 *
 * VMs that may leave checksums to a host that does not compute them.
 *
 * A virtio interface takes packets without checksums, to be computed by
 * whoever sends them to a wire.  The kernel hands them on with a note that
 * says so, which its own datapath heeds.  That of ovs-vswitchd reads a tap as
 * any other link, without the note (AF_PACKET), so its connection tracking
 * sees wrong checksums, and the packets are invalid.
 *
 * Whether a guest does so is not in the host's database, only that it may.
 * Not for interfaces of containers and the like, whose kernel is the host's:
 * whoever makes them decides for them. */

#include <config.h>

#include "controller/fabric/ovsdb/host-checksums.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-status.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "controller/schema/arena.h"
#include "util.h"

void
host_checksums_report(struct fabric_host_db *db,
                      const struct ovsdb_snapshot *snapshot)
{
    free(db->tap);
    db->tap = NULL;
    db->n_taps = 0;
    for (size_t i = 0; i < snapshot->n_interfaces; i++) {
        const struct ovsdb_interface *iface = &snapshot->interfaces[i];

        if (iface->is_tap && iface->iface_id
            && !strcmp(iface->bridge, db->bridge)) {
            if (!db->n_taps++) {
                db->tap = xstrdup(iface->name);
            }
        }
    }
}

const char *
host_checksums_warning(const struct fabric_host_db *db, struct arena *arena)
{
    const char *what = "have to compute their packets' checksums themselves, "
        "or TCP and UDP are dropped as \"invalid state\": <host csum='off' "
        ".../> in libvirt's <driver>, or ethtool -K eth0 tx off in them";

    if (!db->n_taps || strcmp(db->datapath_type, "netdev")) {
        return NULL;
    }
    return (db->n_taps == 1
            ? arena_printf(arena, "the datapath is \"netdev\", so VMs on taps "
                           "(%s) %s", db->tap, what)
            : arena_printf(arena, "the datapath is \"netdev\", so VMs on taps "
                           "(%s and %"PRIuSIZE" more) %s", db->tap,
                           db->n_taps - 1, what));
}

const char *
fabric_host_checksums_warning(const struct fabric *fabric, const char *name,
                              struct arena *arena)
{
    const struct fabric_host *host = fabric_find_host(fabric, name);

    return (host && host->db && host->db->connected
            ? host_checksums_warning(host->db, arena) : NULL);
}
