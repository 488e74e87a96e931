/* SPDX-License-Identifier: Apache-2.0
 *
 * Sub-ports of trunks: for each one whose parent is on the host, or is about
 * to be, a pair of patch ports within the integration bridge.  One end has the
 * sub-port's iface-id, and so is a VIF as any other; the other end gets the
 * parent's frames with the sub-port's VLAN tag (by an app's flows).  So a
 * sub-port has a port number, counters and a binding of its own, and only the
 * app that connects it to its parent needs to know that it is a sub-port. */

#include <config.h>

#include "controller/fabric/ovsdb/host-trunk.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/ovsdb/host-db.h"
#include "svec.h"
#include "util.h"

#define TRUNK_SUB "vmn-sub-"    /* The VIF's name; its iface-id follows. */
#define TRUNK_TAG "vmn-tag-"    /* The other end's; the same follows. */

static void
free_trunks(struct fabric_host_db *db)
{
    for (size_t i = 0; i < db->n_trunks; i++) {
        free(db->trunks[i].iface_id);
        free(db->trunks[i].name);
        free(db->trunks[i].tag_name);
    }
    free(db->trunks);
    db->trunks = NULL;
    db->n_trunks = 0;
}

/* Returns true if the sub-ports equal the current ones. */
static bool
same_trunks(const struct fabric_host_db *db, const struct svec *iface_ids)
{
    if (db->n_trunks != iface_ids->n) {
        return false;
    }
    for (size_t i = 0; i < iface_ids->n; i++) {
        if (strcmp(db->trunks[i].iface_id, iface_ids->names[i])) {
            return false;
        }
    }
    return true;
}

bool
host_trunk_update(struct fabric_host_db *db)
{
    struct svec iface_ids = SVEC_EMPTY_INITIALIZER;
    bool changed;

    observed_host_subports(db->observed, &iface_ids);
    svec_sort_unique(&iface_ids);
    changed = !same_trunks(db, &iface_ids);
    if (changed) {
        free_trunks(db);
        db->n_trunks = iface_ids.n;
        db->trunks = xcalloc(MAX(iface_ids.n, 1), sizeof *db->trunks);
        for (size_t i = 0; i < iface_ids.n; i++) {
            const char *id = iface_ids.names[i];

            db->trunks[i] = (struct host_trunk) {
                .iface_id = xstrdup(id),
                .name = xasprintf(TRUNK_SUB "%s", id),
                .tag_name = xasprintf(TRUNK_TAG "%s", id),
            };
        }
    }
    svec_destroy(&iface_ids);
    return changed;
}

void
host_trunk_uninit(struct fabric_host_db *db)
{
    free_trunks(db);
}

void
host_trunk_desired(const struct fabric_host_db *db,
                   struct ovsdb_patch *patches)
{
    for (size_t i = 0; i < db->n_trunks; i++) {
        patches[i] = (struct ovsdb_patch) {
            .name = db->trunks[i].name,
            .iface_id = db->trunks[i].iface_id,
            .other_name = db->trunks[i].tag_name,
        };
    }
}

static int
compare_trunks(const void *name, const void *trunk)
{
    return strcmp(name, ((const struct host_trunk *) trunk)->name);
}

static int
compare_interfaces(const void *name, const void *iface)
{
    return strcmp(name, ((const struct ovsdb_interface *) iface)->name);
}

static bool
is_ours(const struct ovsdb_interface *iface)
{
    return iface->owner && !strcmp(iface->owner, HOST_DB_OWNER);
}

bool
host_trunk_is_end(const struct ovsdb_interface *iface)
{
    return is_ours(iface)
           && !strncmp(iface->name, TRUNK_SUB, strlen(TRUNK_SUB));
}

/* Searches by name: the names of sub-ports' VIFs have a common prefix, so they
 * are sorted as their iface-ids. */
uint32_t
host_trunk_tag(const struct fabric_host_db *db,
               const struct ovsdb_snapshot *snapshot,
               const struct ovsdb_interface *iface)
{
    const struct host_trunk *trunk
        = (db->n_trunks ? bsearch(iface->name, db->trunks, db->n_trunks,
                                  sizeof *db->trunks, compare_trunks) : NULL);
    const struct ovsdb_interface *tag
        = (trunk ? bsearch(trunk->tag_name, snapshot->interfaces,
                           snapshot->n_interfaces,
                           sizeof *snapshot->interfaces, compare_interfaces)
           : NULL);

    return (tag && is_ours(tag) && !strcmp(tag->bridge, db->bridge)
            && tag->ofport > 0 ? tag->ofport : 0);
}
