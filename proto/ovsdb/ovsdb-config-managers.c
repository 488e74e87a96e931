/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a host's database connects to: writes the rows of Manager that are
 * desired into it where they are missing; for ovsdb-config.c.
 *
 * Rows that are made here are marked with the owner and its cluster, and these
 * alone are ever taken away.  All others stay as they are: passive ones, those
 * of other programs and other clusters, and what host-join(8) or somebody has
 * written, with a desired target, too, which then is there.
 *
 * The database itself says of each row whether it is connected.  A row goes
 * only if a desired one is, as the host may have no other way to be
 * reached. */

#include <config.h>

#include "proto/ovsdb/ovsdb-private.h"

#include <stdlib.h>
#include <string.h>

#include "proto/ovsdb/vswitch-idl.h"
#include "ovsdb-idl.h"
#include "smap.h"
#include "sset.h"
#include "util.h"

/* The cluster that a row's target is of. */
#define CLUSTER_KEY "vmn-cluster"

static void
insert_manager(struct ovsdb_idl_txn *txn, const struct ovsdb_desired *desired,
               const struct ovsrec_open_vswitch *ovs, const char *target)
{
    const struct ovsrec_manager *row = ovsrec_manager_insert(txn);
    struct smap mark = SMAP_INITIALIZER(&mark);

    smap_add(&mark, OVSDB_OWNER_KEY, desired->owner);
    smap_add(&mark, CLUSTER_KEY, desired->managers.cluster);
    ovsrec_manager_set_external_ids(row, &mark);
    ovsrec_manager_set_target(row, target);
    ovsrec_open_vswitch_update_manager_options_addvalue(ovs, row);
    smap_destroy(&mark);
}

static bool
is_of_cluster(const struct ovsdb_desired *desired,
              const struct ovsrec_manager *row)
{
    const char *cluster = smap_get(&row->external_ids, CLUSTER_KEY);

    return (ovsdb_is_ours(desired, &row->external_ids)
            && cluster && !strcmp(cluster, desired->managers.cluster));
}

/* Removes our rows that are not desired, while 'connected' is: if that has
 * changed meanwhile, the transaction has no effect. */
static bool
remove_others(const struct ovsdb_desired *desired,
              const struct ovsrec_open_vswitch *ovs,
              const struct sset *targets,
              const struct ovsrec_manager *connected)
{
    bool changed = false;

    for (size_t i = 0; i < ovs->n_manager_options; i++) {
        const struct ovsrec_manager *row = ovs->manager_options[i];
        char *target = ovsdb_target_normalize(row->target);

        if (is_of_cluster(desired, row)
            && (!target || !sset_contains(targets, target))) {
            ovsrec_open_vswitch_update_manager_options_delvalue(ovs, row);
            changed = true;
        }
        free(target);
    }
    if (changed) {
        ovsrec_manager_verify_is_connected(connected);
    }
    return changed;
}

bool
ovsdb_config_managers(struct ovsdb_idl *idl, struct ovsdb_idl_txn *txn,
                      const struct ovsdb_desired *desired)
{
    const struct ovsrec_open_vswitch *ovs = ovsrec_open_vswitch_first(idl);
    const struct ovsdb_managers *managers = &desired->managers;
    const struct ovsrec_manager *connected = NULL;
    struct sset targets = SSET_INITIALIZER(&targets);
    struct sset there = SSET_INITIALIZER(&there);
    const char *missing;
    bool changed = false;

    for (size_t i = 0; i < managers->n; i++) {
        sset_add(&targets, managers->targets[i]);
    }
    for (size_t i = 0; managers->n && i < ovs->n_manager_options; i++) {
        const struct ovsrec_manager *row = ovs->manager_options[i];
        char *target = ovsdb_target_normalize(row->target);

        if (target && sset_contains(&targets, target)) {
            sset_add(&there, target);
            connected = row->is_connected ? row : connected;
        }
        free(target);
    }
    if (managers->remove && connected) {
        changed = remove_others(desired, ovs, &targets, connected);
    }
    SSET_FOR_EACH (missing, &targets) {
        if (!sset_contains(&there, missing)) {
            insert_manager(txn, desired, ovs, missing);
            changed = true;
        }
    }
    sset_destroy(&targets);
    sset_destroy(&there);
    return changed;
}
