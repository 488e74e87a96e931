/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of a migration that a port's row begins to ask for.  One that is
 * asked for already stays, whatever becomes of its hosts.  Not for whether it
 * may take place at all (placement.c), nor for how far it is. */

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

void
check_port_migration(struct txn *txn, const struct entry *entry)
{
    const char *to = target_of(entry->cur);
    const char *was = target_of(entry->before);
    const struct vmn_binding *binding;

    if (!to || !entry->op || nullable_string_is_equal(to, was)) {
        return;
    }
    check_target(txn, entry, to);
    binding = binding_before(txn, entry->name);
    if (was) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/migration/to",
                  "it migrates to \"%s\": first cancel that, or finish it",
                  was);
    } else if (!binding) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/migration",
                  "it is on no host that it could leave");
    } else if (!strcmp(binding->host, to)) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/migration/to",
                  "it is on host \"%s\" already", to);
    } else if (binding->candidate && strcmp(binding->candidate, to)) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/migration/to",
                  "it migrates already: hosts \"%s\" and \"%s\" have its "
                  "interface", binding->host, binding->candidate);
    }
}
