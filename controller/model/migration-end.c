/* SPDX-License-Identifier: Apache-2.0
 *
 * See migration-end.h. */

#include <config.h>

#include "controller/model/migration-end.h"

#include <string.h>

#include "controller/schema/schema.h"
#include "util.h"

const char *
migration_ended(const struct vmn_binding *before,
                const struct vmn_binding *now, const char **left)
{
    const char *to, *from;

    if (!before || !before->candidate || !now) {
        return NULL;
    }
    to = before->activated ? before->host : before->candidate;
    from = before->activated ? before->candidate : before->host;
    if (!strcmp(now->host, to)
        && !nullable_string_is_equal(now->candidate, from)) {
        *left = from;
        return "finished";
    }
    if (!strcmp(now->host, from)
        && !nullable_string_is_equal(now->candidate, to)) {
        *left = to;
        return "rolled back";
    }
    return NULL;
}

/* Returns true if the port's row lets it be on 'host'. */
static bool
may_be_on(const struct vmn_port *port, const char *host)
{
    bool listed = !port->n_hosts && !port->host;

    for (size_t i = 0; i < port->n_hosts && !listed; i++) {
        listed = !strcmp(port->hosts[i], host);
    }
    return (listed || nullable_string_is_equal(port->host, host)
            || nullable_string_is_equal(port->migration.to, host));
}

bool
migration_has_interface(const struct model *model, const char *name,
                        const char *host)
{
    const struct vmn_port *port = model_get(model, VMN_TABLE_PORT, name);
    char *vif = port ? xasprintf("%s/%s", host, port->iface_id) : NULL;
    bool found = vif && model_get(model, VMN_TABLE_VIF, vif);

    free(vif);
    return found;
}

char *
migration_end_reason(const struct model *model, const char *name,
                     const char *left, const char *candidate,
                     bool has_interface)
{
    const struct vmn_port *port = model_get(model, VMN_TABLE_PORT, name);
    const struct vmn_host *host = model_get(model, VMN_TABLE_HOST, left);

    if (!host) {
        return xasprintf("%s is deleted", left);
    }
    if (host->lost) {
        return xasprintf("%s is declared lost", left);
    }
    if (!port || !may_be_on(port, left)) {
        return xasprintf("the port does not name %s any more", left);
    }
    if (host->port_selector.text
        && !vmn_selector_matches(&host->port_selector, &port->labels)) {
        return xasprintf("%s does not select the port any more", left);
    }
    if (port->parent) {         /* Its interface may be there for longer. */
        return xstrdup("its parent's migration has ended");
    }
    if (candidate) {
        return xasprintf("%s is its other host now", candidate);
    }
    return (has_interface ? xasprintf("another guest runs on %s", left)
            : xasprintf("%s has dropped its interface", left));
}
