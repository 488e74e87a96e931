/* SPDX-License-Identifier: Apache-2.0
 *
 * The limit of connections in each conntrack zone of a datapath: writes it
 * into a host's database where it differs; for ovsdb-config.c.
 *
 * Open vSwitch 3.3 and newer have a limit for each zone that has a row, and
 * one for all others of a datapath (Datapath:ct_zone_default_limit).  The
 * latter is written: a new zone has it from its first connection on.  A zone's
 * own limit, set by others, takes precedence, and stays. */

#include <config.h>

#include "proto/ovsdb/ovsdb-private.h"

#include <stdio.h>
#include <string.h>

#include "ovsdb-idl.h"
#include "proto/ovsdb/vswitch-idl.h"
#include "smap.h"
#include "util.h"

/* The external_ids key of datapaths whose default limit was written here:
 * others may have written the rest of the row. */
#define ZONE_LIMIT_KEY "vmn-zone-limit"

/* The first version whose userspace datapath counts the connections of each
 * zone separately; earlier ones apply the default limit to all zones without a
 * limit of their own together. */
#define USERSPACE_MAJOR 3
#define USERSPACE_MINOR 5

/* Returns true if the limit of 'dp' was written here. */
static bool
has_our_limit(const struct ovsrec_datapath *dp)
{
    return smap_get(&dp->external_ids, ZONE_LIMIT_KEY) != NULL;
}

/* Returns true if the default limit applies to each zone separately. */
static bool
counts_each_zone(const struct ovsrec_open_vswitch *ovs,
                 const struct ovsdb_desired *desired)
{
    int major, minor;

    if (strcmp(desired->datapath_type, "netdev")) {
        return true;
    }
    return (ovs->ovs_version
            && sscanf(ovs->ovs_version, "%d.%d", &major, &minor) == 2
            && (major > USERSPACE_MAJOR
                || (major == USERSPACE_MAJOR && minor >= USERSPACE_MINOR)));
}

/* Returns the datapath of the desired configuration's bridge, or NULL if it
 * has no row. */
static const struct ovsrec_datapath *
find_datapath(const struct ovsrec_open_vswitch *ovs,
              const struct ovsdb_desired *desired)
{
    for (size_t i = 0; i < ovs->n_datapaths; i++) {
        if (!strcmp(ovs->key_datapaths[i], desired->datapath_type)) {
            return ovs->value_datapaths[i];
        }
    }
    return NULL;
}

char *
ovsdb_zone_limit_reason(struct ovsdb_idl *idl,
                        const struct ovsdb_desired *desired)
{
    const struct ovsrec_open_vswitch *ovs = ovsrec_open_vswitch_first(idl);
    const struct ovsrec_datapath *dp;

    if (!desired->zone_limit) {
        return NULL;
    }
    if (!ovsrec_server_has_datapath_table_col_ct_zone_default_limit(idl)) {
        return xstrdup("\"zone_limit\" has no effect: the Open vSwitch of "
                       "this host has no zone limits, which came with 3.3");
    }
    if (!counts_each_zone(ovs, desired)) {
        return xstrdup("\"zone_limit\" has no effect: the userspace datapath "
                       "of Open vSwitch before 3.5 counts all zones "
                       "together");
    }
    dp = find_datapath(ovs, desired);
    if (dp && dp->ct_zone_default_limit && !has_our_limit(dp)) {
        return xasprintf("\"zone_limit\" has no effect: datapath \"%s\" has a "
                         "default zone limit already, which was not set by "
                         "%s", desired->datapath_type, desired->owner);
    }
    return NULL;
}

/* Removes the limit that was written here from 'dp', the datapath of 'type',
 * and the row with it if it was made here and holds nothing of others.
 * Returns true if it changed the row. */
static bool
remove_limit(const struct ovsrec_open_vswitch *ovs, const char *type,
             const struct ovsdb_desired *desired,
             const struct ovsrec_datapath *dp)
{
    bool ours = ovsdb_is_ours(desired, &dp->external_ids);

    if (!has_our_limit(dp)) {
        return false;
    }
    if (ours && !dp->n_ct_zones && smap_count(&dp->external_ids) == 2) {
        /* The database deletes rows without references.  Others may have put
         * something into it that we have not heard of: then once more. */
        ovsrec_datapath_verify_ct_zones(dp);
        ovsrec_datapath_verify_external_ids(dp);
        ovsrec_open_vswitch_update_datapaths_delkey(ovs, type);
        return true;
    }
    ovsrec_datapath_set_ct_zone_default_limit(dp, NULL, 0);
    ovsrec_datapath_update_external_ids_delkey(dp, ZONE_LIMIT_KEY);
    if (ours) {
        ovsrec_datapath_update_external_ids_delkey(dp, OVSDB_OWNER_KEY);
    }
    return true;
}

static bool
ensure_limit(const struct ovsrec_datapath *dp, int64_t limit)
{
    if (dp->ct_zone_default_limit
        && (!has_our_limit(dp) || *dp->ct_zone_default_limit == limit)) {
        return false;
    }
    ovsrec_datapath_set_ct_zone_default_limit(dp, &limit, 1);
    if (!has_our_limit(dp)) {
        ovsrec_datapath_update_external_ids_setkey(dp, ZONE_LIMIT_KEY,
                                                   "true");
    }
    return true;
}

static void
insert_datapath(struct ovsdb_idl_txn *txn,
                const struct ovsrec_open_vswitch *ovs,
                const struct ovsdb_desired *desired)
{
    const struct ovsrec_datapath *dp = ovsrec_datapath_insert(txn);
    struct smap external_ids = SMAP_INITIALIZER(&external_ids);
    int64_t limit = desired->zone_limit;

    smap_add(&external_ids, OVSDB_OWNER_KEY, desired->owner);
    smap_add(&external_ids, ZONE_LIMIT_KEY, "true");
    ovsrec_datapath_set_external_ids(dp, &external_ids);
    smap_destroy(&external_ids);
    ovsrec_datapath_set_ct_zone_default_limit(dp, &limit, 1);
    ovsrec_open_vswitch_update_datapaths_setkey(ovs, desired->datapath_type,
                                                dp);
}

bool
ovsdb_config_zone_limit(struct ovsdb_idl *idl, struct ovsdb_idl_txn *txn,
                        const struct ovsdb_desired *desired)
{
    const struct ovsrec_open_vswitch *ovs = ovsrec_open_vswitch_first(idl);
    bool limited, changed = false;

    if (!ovsrec_server_has_datapath_table_col_ct_zone_default_limit(idl)) {
        return false;
    }
    limited = desired->zone_limit && counts_each_zone(ovs, desired);
    for (size_t i = 0; i < ovs->n_datapaths; i++) {
        const char *type = ovs->key_datapaths[i];
        const struct ovsrec_datapath *dp = ovs->value_datapaths[i];

        changed |= (limited && !strcmp(type, desired->datapath_type)
                    ? ensure_limit(dp, desired->zone_limit)
                    : remove_limit(ovs, type, desired, dp));
    }
    if (limited && !find_datapath(ovs, desired)) {
        insert_datapath(txn, ovs, desired);
        changed = true;
    }
    return changed;
}
