/* SPDX-License-Identifier: Apache-2.0
 *
 * See other-members.h. */

#include <config.h>

#include "controller/fabric/ovsdb/other-members.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "util.h"

/* Sets 'all' to 'own' and 'others', both of which may be NULL.  Returns true
 * if it has changed. */
static bool
join(struct svec *all, const char *own, const struct svec *others)
{
    struct svec former = *all;
    bool changed;

    svec_init(all);
    if (own) {
        svec_add(all, own);
    }
    for (size_t i = 0; others && i < others->n; i++) {
        svec_add(all, others->names[i]);
    }
    svec_sort_unique(all);
    changed = !svec_equal(all, &former);
    svec_destroy(&former);
    return changed;
}

void
other_members_init(struct fabric_db *db, const struct fabric_options *options)
{
    db->target = nullable_xstrdup(options->openflow_target);
    db->manager = (options->ovsdb_target
                   ? ovsdb_target_normalize(options->ovsdb_target) : NULL);
    svec_init(&db->controllers);
    svec_init(&db->managers);
    join(&db->controllers, db->target, NULL);
}

void
other_members_uninit(struct fabric_db *db)
{
    free(db->target);
    free(db->manager);
    free(db->cluster);
    svec_destroy(&db->controllers);
    svec_destroy(&db->managers);
}

struct other_members_change
other_members_set(struct fabric_db *db, const struct fabric_others *others)
{
    bool all = db->manager && others->all_managers;
    char *cluster = xasprintf("%"PRId64, others->cluster);
    struct other_members_change change = {
        .controllers = join(&db->controllers, db->target,
                            db->target ? others->controllers : NULL),
        .managers = join(&db->managers, db->manager, others->managers),
    };

    change.managers |= (db->all_managers != all
                        || !nullable_string_is_equal(db->cluster, cluster));
    db->all_managers = all;
    free(db->cluster);
    db->cluster = cluster;
    return change;
}

/* A host that is dialled has what others gave it, and keeps what it got as one
 * that dials: whoever sets it back needs that.  One that dials a vmnd of no
 * cluster has been told where that is by somebody else, maybe in other
 * words. */
void
other_members_desired(const struct fabric_db *db, const struct vmn_host *row,
                      struct ovsdb_desired *desired)
{
    desired->n_controllers = db->controllers.n;
    desired->controllers = (const char *const *) db->controllers.names;
    if (other_members_is_told(row) && db->cluster) {
        desired->managers = (struct ovsdb_managers) {
            .n = db->managers.n,
            .targets = (const char *const *) db->managers.names,
            .cluster = db->cluster,
            .remove = db->all_managers,
        };
    }
}

bool
other_members_is_told(const struct vmn_host *row)
{
    return !strcmp(row->ovsdb, "inbound");
}
