/* SPDX-License-Identifier: Apache-2.0
 *
 * Which policies are those of a port: what its guest asks for counts for
 * their wildcards, and for nobody else's.  Used by fqdn-learned.c.  Not for
 * what firewalls do, nor for quarantined ports, whose questions do not come
 * up. */

#include <config.h>

#include "controller/fqdn/fqdns-private.h"

#include <string.h>

#include "controller/model/model.h"
#include "sset.h"
#include "util.h"
#include "vmn/rows.h"

/* Groups that are looked at for one question.  Whoever is in none of these has
 * not asked. */
#define GROUPS_MAX 1000

void
fqdn_asker_init(struct fqdn_asker *asker, const struct fqdns *f,
                const struct vmn_port *port)
{
    asker->f = f;
    asker->port = port;
    asker->n_left = GROUPS_MAX;
    sset_init(&asker->without);
}

void
fqdn_asker_uninit(struct fqdn_asker *asker)
{
    sset_destroy(&asker->without);
}

/* As deep as groups may be nested, and once for each group. */
static bool
group_contains(struct fqdn_asker *asker, const char *name)
{
    const struct model *model = asker->f->model;
    const struct vmn_group *group = model_get(model, VMN_TABLE_GROUP, name);
    struct vmn_names listed;

    if (!group || !asker->n_left || sset_contains(&asker->without, name)) {
        return false;
    }
    asker->n_left--;
    if (group->selector.text
        && vmn_selector_matches(&group->selector, &asker->port->labels)) {
        return true;
    }
    listed = model_lookup(model, VMN_INDEX_GROUP_BY_PORT,
                          asker->port->row.name);
    for (size_t i = 0; i < listed.n; i++) {
        if (!strcmp(listed.names[i], name)) {
            return true;
        }
    }
    for (size_t i = 0; i < group->n_groups; i++) {
        if (group_contains(asker, group->groups[i])) {
            return true;
        }
    }
    sset_add(&asker->without, name);
    return false;
}

static bool
is_applied(struct fqdn_asker *asker, const char *name)
{
    const struct vmn_policy *policy = model_get(asker->f->model,
                                                VMN_TABLE_POLICY, name);

    for (size_t i = 0; policy && i < policy->n_applies_to; i++) {
        if (group_contains(asker, policy->applies_to[i])) {
            return true;
        }
    }
    return false;
}

bool
fqdn_asker_has(struct fqdn_asker *asker, const struct wildcard *w)
{
    const char *policy;

    SSET_FOR_EACH (policy, &w->policies) {
        if (is_applied(asker, policy)) {
            return true;
        }
    }
    return false;
}
