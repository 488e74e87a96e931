/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of a migration that a port's row begins to ask for, and of what else
 * the row says of hosts meanwhile.  One that is asked for already stays,
 * whatever becomes of its hosts.  Not for whether it may take place at all
 * (placement.c), nor for how far it is, nor for what is asked for too early or
 * too late, as a manifest that is applied once more does (warnings.c). */

#include <config.h>

#include <string.h>

#include "controller/model/checks.h"
#include "controller/model/model-class.h"
#include "controller/model/txn.h"
#include "util.h"

/* Returns where the port was bound before the request, or NULL. */
static const struct vmn_binding *
binding_before(const struct txn *txn, const char *port)
{
    const struct entry *entry = model_find(txn->model, VMN_TABLE_BINDING,
                                           port);
    const struct version *version = (!entry ? NULL
                                     : entry->touched ? entry->before
                                     : entry->cur);

    return version ? (const struct vmn_binding *) version->row : NULL;
}

static const char *
target_of(const struct version *version)
{
    return (version
            ? ((const struct vmn_port *) version->row)->migration.to : NULL);
}

static void
check_target(struct txn *txn, const struct entry *entry, const char *to)
{
    const struct vmn_host *host = model_get(txn->model, VMN_TABLE_HOST, to);

    if (host && host->lost) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/migration/to",
                  "host \"%s\" is declared lost", to);
    } else if (host && host->maintenance) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/migration/to",
                  "host \"%s\" is in maintenance", to);
    }
}

static bool
names_host(const struct vmn_port *port, const char *host)
{
    bool found = !port->n_hosts;

    for (size_t i = 0; i < port->n_hosts && !found; i++) {
        found = !strcmp(port->hosts[i], host);
    }
    return found;
}

/* Checks the hosts of a port that goes on migrating: another one than both
 * would not get it. */
static void
check_hosts_meanwhile(struct txn *txn, const struct entry *entry,
                      const char *to)
{
    const struct vmn_port *before = (const void *) entry->before->row;
    const struct vmn_port *now = entry_row(entry);
    const struct vmn_binding *binding = binding_before(txn, entry->name);

    if (!binding) {
        return;
    }
    if (now->host && !nullable_string_is_equal(now->host, before->host)
        && strcmp(now->host, to) && strcmp(now->host, binding->host)) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/host",
                  "it migrates from \"%s\" to \"%s\": first cancel that, or "
                  "finish it", binding->host, to);
    }
    if (!names_host(now, binding->host)
        && names_host(before, binding->host)) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/hosts",
                  "it migrates from \"%s\" to \"%s\": first cancel that, or "
                  "finish it", binding->host, to);
    }
}

void
check_port_migration(struct txn *txn, const struct entry *entry)
{
    const char *to = target_of(entry->cur);
    const char *was = target_of(entry->before);
    const struct vmn_binding *binding;

    if (!to || !entry->op) {
        return;
    }
    if (nullable_string_is_equal(to, was)) {
        check_hosts_meanwhile(txn, entry, to);
        return;
    }
    check_target(txn, entry, to);
    binding = binding_before(txn, entry->name);
    if (was) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/migration/to",
                  "it migrates to \"%s\": first cancel that, or finish it",
                  was);
    } else if (binding && strcmp(binding->host, to) && binding->candidate
               && strcmp(binding->candidate, to)) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/migration/to",
                  "it migrates already: hosts \"%s\" and \"%s\" have its "
                  "interface", binding->host, binding->candidate);
    }
}
