/* SPDX-License-Identifier: Apache-2.0
 *
 * A host's connections to physical networks: patch ports between the
 * integration bridge and bridges that the host's operator created.  Determines
 * the desired patch ports and the faults of those that do not work; the
 * database's part is proto/ovsdb's. */

#include <config.h>

#include "controller/fabric/ovsdb/host-provider.h"

#include "controller/fabric/ovsdb/host-db.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "util.h"
#include <stdlib.h>
#include <string.h>

#define PROVIDER_TO "vmn-to-"   /* In the integration bridge; the other's name
                                 * follows. */
#define PROVIDER_FROM "vmn-from-" /* In the other bridge; its name follows. */

/* Moves the reason out of the equal one among 'n', or returns NULL: it is
 * valid until the host reports. */
static char *
reuse_reason(struct host_provider *providers, size_t n,
             const struct vmn_provider_bridge *row)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(providers[i].physical, row->physical)
            && !strcmp(providers[i].bridge, row->bridge)) {
            char *reason = providers[i].reason;

            providers[i].reason = NULL;
            return reason;
        }
    }
    return NULL;
}

static void
free_providers(struct host_provider *providers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(providers[i].physical);
        free(providers[i].bridge);
        free(providers[i].iface_id);
        free(providers[i].name);
        free(providers[i].other_name);
        free(providers[i].reason);
    }
    free(providers);
}

void
host_provider_set(struct fabric_host_db *db, const struct vmn_host *row)
{
    struct host_provider *old = db->providers;
    size_t n_old = db->n_providers;

    db->n_providers = row ? row->n_provider_bridges : 0;
    db->providers = (db->n_providers
                     ? xcalloc(db->n_providers, sizeof *db->providers)
                     : NULL);
    for (size_t i = 0; i < db->n_providers; i++) {
        const struct vmn_provider_bridge *from = &row->provider_bridges[i];

        db->providers[i] = (struct host_provider) {
            .physical = xstrdup(from->physical),
            .bridge = xstrdup(from->bridge),
            .iface_id = xasprintf("@%s", from->physical),
            .name = xasprintf(PROVIDER_TO "%s", from->bridge),
            .other_name = xasprintf(PROVIDER_FROM "%s", from->bridge),
            .reason = reuse_reason(old, n_old, from),
        };
    }
    free_providers(old, n_old);
}

void
host_provider_desired(const struct fabric_host_db *db,
                      struct ovsdb_patch *patches)
{
    for (size_t i = 0; i < db->n_providers; i++) {
        patches[i] = (struct ovsdb_patch) {
            .bridge = db->providers[i].bridge,
            .name = db->providers[i].name,
            .iface_id = db->providers[i].iface_id,
            .other_name = db->providers[i].other_name,
        };
    }
}

static const struct ovsdb_bridge *
find_bridge(const struct ovsdb_snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->n_bridges; i++) {
        if (!strcmp(snapshot->bridges[i].name, name)) {
            return &snapshot->bridges[i];
        }
    }
    return NULL;
}

/* Returns the fault of one end of a pair, as a sentence that the caller frees,
 * or NULL. */
static char *
check_end(const struct ovsdb_snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->n_interfaces; i++) {
        const struct ovsdb_interface *iface = &snapshot->interfaces[i];

        if (strcmp(iface->name, name)) {
            continue;
        }
        if (!iface->owner || strcmp(iface->owner, HOST_DB_OWNER)) {
            return xasprintf("port \"%s\" already exists and was not made "
                             "by %s", name, HOST_DB_OWNER);
        }
        if (iface->ofport < 0 || iface->error) {
            return xasprintf("the switch could not make the port \"%s\": "
                             "%.200s", name,
                             iface->error ? iface->error
                             : "no reason given");
        }
    }
    return NULL;
}

/* Returns the fault of a connection, in the same way. */
static char *
check_provider(const struct fabric_host_db *db,
               const struct ovsdb_snapshot *snapshot,
               const struct host_provider *provider)
{
    const struct ovsdb_bridge *bridge = find_bridge(snapshot,
                                                    provider->bridge);
    char *reason;

    if (!bridge) {
        return xasprintf("the host has no bridge \"%s\", which is to lead to "
                         "physical network \"%s\"", provider->bridge,
                         provider->physical);
    }
    if (strcmp(bridge->datapath_type, db->datapath_type)) {
        return xasprintf("bridge \"%s\", which is to lead to physical network "
                         "\"%s\", is on datapath \"%.32s\", and bridge "
                         "\"%s\" on \"%s\"", provider->bridge,
                         provider->physical, bridge->datapath_type,
                         db->bridge, db->datapath_type);
    }
    reason = check_end(snapshot, provider->name);
    return reason ? reason : check_end(snapshot, provider->other_name);
}

void
host_provider_check(struct fabric_host_db *db,
                    const struct ovsdb_snapshot *snapshot)
{
    for (size_t i = 0; i < db->n_providers; i++) {
        struct host_provider *provider = &db->providers[i];

        free(provider->reason);
        provider->reason = check_provider(db, snapshot, provider);
    }
}

const char *
host_provider_reason(const struct fabric_host_db *db)
{
    for (size_t i = 0; i < db->n_providers; i++) {
        if (db->providers[i].reason) {
            return db->providers[i].reason;
        }
    }
    return NULL;
}

/* Anyone could give an interface such an iface-id: it must be the patch port
 * that was created for it. */
bool
host_provider_has(const struct fabric_host_db *db,
                  const struct ovsdb_interface *iface)
{
    if (!iface->owner || strcmp(iface->owner, HOST_DB_OWNER)) {
        return false;
    }
    for (size_t i = 0; i < db->n_providers; i++) {
        if (!strcmp(iface->name, db->providers[i].name)) {
            return !strcmp(iface->iface_id, db->providers[i].iface_id);
        }
    }
    return false;
}

void
host_provider_status(const struct fabric_host_db *db, struct arena *arena,
                     struct status_host *status)
{
    size_t n = db->n_providers;

    if (!n) {
        return;
    }
    status->n_provider_bridges = n;
    status->provider_bridges
        = arena_alloc(arena, n * sizeof *status->provider_bridges);
    for (size_t i = 0; i < n; i++) {
        const struct host_provider *provider = &db->providers[i];
        const struct observed_vif *vif
            = observed_host_find_vif(db->observed, provider->iface_id);

        status->provider_bridges[i] = (struct status_provider_bridge) {
            .physical = provider->physical, .bridge = provider->bridge,
            .ofport = vif ? vif->ofport : 0,
            .reason = provider->reason,
        };
    }
}
