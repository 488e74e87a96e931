/* SPDX-License-Identifier: Apache-2.0
 *
 * Fills in the status of a host's database and its underlay, as part of the
 * host's status, and finds what follows from the database for the host's
 * state.  Changes nothing.  Not for deciding that state
 * (host-overall-state.c). */

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-status.h"
#include "controller/fabric/ovsdb/host-bfd.h"
#include "controller/fabric/ovsdb/host-copies.h"
#include "controller/fabric/ovsdb/host-checksums.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/host-ipsec.h"
#include "controller/fabric/ovsdb/host-liveness.h"
#include "controller/fabric/ovsdb/host-provider.h"
#include "controller/fabric/ovsdb/host-queues.h"
#include "controller/fabric/ovsdb/ovsdb-side.h"
#include "controller/fabric/ovsdb/port-status.h"
#include "controller/fabric/ovsdb/unclaimed-vifs.h"
#include "controller/fabric/session/switch.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "sset.h"
#include "util.h"
#include "vmn/vocabulary.h"

/* State.  ---------------------------------------------------------------- */

const char *
fabric_db_state(const struct fabric_host *host)
{
    const struct fabric_host_db *db = host->db;

    return (!db ? NULL
            : db->refused ? "rejected"
            : db->database_session.lost ? "unheard" : NULL);
}

const char *
fabric_db_state_reason(const struct fabric_host *host, struct arena *arena,
                       int64_t *since_ms)
{
    const struct fabric_host_db *db = host->db;
    struct ovsdb_status session;
    const char *reason;
    char *text;

    if (db->refused) {
        return db->reason;
    }
    text = host_liveness_reason(db);
    host_liveness_is_unheard(db, since_ms);
    ovsdb_session_get_status(db->session, &session);
    reason = (session.error
              ? arena_printf(arena, "%s: %s", text, session.error)
              : arena_strdup(arena, text));
    free(text);
    return reason;
}

/* Status.  --------------------------------------------------------------- */

/* Returns true if the host is to connect to vmnd, which does not listen. */
static bool
lacks_listener(const struct fabric_host_db *db)
{
    return (!strcmp(db->remote, "inbound")
            && model_no_listener(db->host->fabric->model));
}

static struct status_ovsdb *
session_status(const struct fabric_host_db *db,
               const struct ovsdb_status *session, struct arena *arena)
{
    struct status_ovsdb *status = arena_alloc(arena, sizeof *status);

    *status = (struct status_ovsdb) {
        .state = (session->state == OVSDB_CONNECTED ? "connected"
                  : session->state == OVSDB_CONNECTING ? "connecting"
                  : "disconnected"),
        .since = db->since_ms,
        .error = session->error ? arena_strdup(arena, session->error) : NULL,
        .no_listener = lacks_listener(db),
    };
    return status;
}

/* If the switch is offline because its database, which has to set its
 * controller, is not connected, gives that as the reason. */
static void
blame_database(const struct fabric_host_db *db, const char *state,
               const struct ovsdb_status *session, struct arena *arena,
               const char **reason)
{
    if (strcmp(state, "offline")) {
        return;
    }
    if (lacks_listener(db)) {
        *reason = model_no_listener(db->host->fabric->model);
    } else if (session->state != OVSDB_CONNECTED && session->error) {
        *reason = arena_printf(arena, "no connection to its database: %s",
                               session->error);
    }
}

/* If the switch is on another machine, but its controller is a Unix socket of
 * this one, gives that as the reason. */
static void
blame_target(const struct fabric_host_db *db, struct arena *arena,
             const char **reason)
{
    const char *target = db->host->fabric->db->target;

    if (target && !strncmp(target, "unix:", 5)
        && strncmp(db->remote, "unix:", 5)
        && !db->host->sw->conn && !db->host->sw->error) {
        *reason = arena_printf(
            arena, "its switch has not connected to %s, which only vmnd's "
            "own machine has (vmnd --openflow-listen)", target);
    }
}

void
fabric_db_blame(const struct fabric_host *host, const char *state,
                struct arena *arena, const char **reason)
{
    const struct fabric_host_db *db = host->db;
    struct ovsdb_status session;

    if (!db) {
        return;
    }
    ovsdb_session_get_status(db->session, &session);
    blame_target(db, arena, reason);
    blame_database(db, state, &session, arena, reason);
    if (db->reason) {
        *reason = db->reason;
    }
    /* Dropped since the database exceeded its budget, even while the switch is
     * connected. */
    if (session.over_budget && session.error) {
        *reason = arena_strdup(arena, session.error);
    }
}

/* Returns the largest MTU of a network that fits into the host's tunnels,
 * whichever of its addresses is used. */
static int64_t
network_mtu(const struct fabric_host_db *db)
{
    uint32_t overhead = (db->has_ipv6 ? VMN_TUNNEL_OVERHEAD_IPV6
                         : VMN_TUNNEL_OVERHEAD_IPV4);

    return (int64_t) host_ipsec_mtu(db, db->underlay_mtu) - overhead;
}

/* Returns the default MTU of networks, or 0 if it is not known.  It follows
 * from what fits into tunnels, but is no less than the minimum of IPv6. */
static uint32_t
common_mtu(const struct fabric_host_db *db)
{
    uint32_t mtu = 0;
    size_t size;
    char *value = engine_peek(db->host->fabric->engine, VMN_QUERY_MTU, "",
                              &size);

    if (value && size == sizeof mtu) {
        memcpy(&mtu, value, sizeof mtu);
    }
    free(value);
    return mtu;
}

/* Adds to 'large' the networks of the host's ports whose MTU is too large for
 * its tunnels. */
static void
find_large_networks(const struct fabric_host_db *db, struct sset *large)
{
    const struct model *model = db->host->fabric->model;
    struct vmn_names ports = model_lookup(model, VMN_INDEX_PORT_BY_HOST,
                                          db->host->name);
    int64_t most = network_mtu(db);
    uint32_t common = common_mtu(db);

    for (size_t i = 0; i < ports.n; i++) {
        const struct vmn_port *port = model_get_durable(
            model, VMN_TABLE_PORT, ports.names[i], NULL);
        const struct vmn_network *network
            = (port ? model_get_durable(model, VMN_TABLE_NETWORK,
                                        port->network, NULL) : NULL);

        /* Provider networks do not use tunnels. */
        if (network && !network->provider.physical
            && (network->mtu ? network->mtu : common) > most) {
            sset_add(large, network->row.name);
        }
    }
}

/* Returns the fault of the underlay, as a sentence; or NULL. */
static const char *
check_underlay(const struct fabric_host_db *db, struct arena *arena)
{
    const char *interface = db->tunnel_interface;
    struct sset large = SSET_INITIALIZER(&large);
    const char *reason = NULL;

    if (!db->has_underlay) {
        return arena_printf(arena, "the host's Open vSwitch has no interface "
                            "\"%s\", so the MTU of its tunnels is not known",
                            interface);
    }
    if (db->underlay_mtu) {
        find_large_networks(db, &large);
    }
    if (!sset_is_empty(&large)) {
        const char **names = sset_sort(&large);
        size_t n_more = sset_count(&large) - 1;
        char *more = n_more ? xasprintf(" (and %"PRIuSIZE" more)", n_more)
                     : xstrdup("");

        reason = arena_printf(arena, "the MTU of network \"%s\"%s is larger "
                              "than the %"PRId64" bytes for which tunnels "
                              "have room at interface \"%s\"", names[0],
                              more, network_mtu(db), interface);
        free(more);
        free(names);
    }
    sset_destroy(&large);
    return reason;
}

static void
underlay_status(const struct fabric_host_db *db, struct arena *arena,
                struct status_host *status)
{
    struct status_underlay *underlay;

    if (!db->tunnel_interface) {
        return;
    }
    underlay = arena_alloc(arena, sizeof *underlay);
    *underlay = (struct status_underlay) {
        .interface = db->tunnel_interface, .mtu = db->underlay_mtu,
        .network_mtu = db->underlay_mtu ? MAX(network_mtu(db), 0) : -1,
        .reason = db->connected ? check_underlay(db, arena) : NULL,
    };
    if (!status->reason) {
        status->reason = underlay->reason;
    }
    status->underlay = underlay;
}

/* Physical networks.  ---------------------------------------------------- */

/* Returns why one of the host's ports, the first such, cannot be reached from
 * its provider network, as a sentence; or NULL. */
static const char *
find_unreachable(const struct fabric_host_db *db, struct arena *arena)
{
    const struct fabric *fabric = db->host->fabric;
    struct vmn_names ports = model_lookup(
        fabric->model, VMN_INDEX_PORT_BY_HOST, db->host->name);
    const char *reason = NULL;

    for (size_t i = 0; !reason && i < ports.n; i++) {
        const struct vmn_port *port = model_get_durable(
            fabric->model, VMN_TABLE_PORT, ports.names[i], NULL);

        reason = (port ? port_provider_reason(fabric, db->host->name, port,
                                              arena)
                  : NULL);
    }
    return reason;
}

const char *
fabric_db_provider_reason(const struct fabric_host *host, const char *physical)
{
    const struct fabric_host_db *db = host->db;

    for (size_t i = 0; db && i < db->n_providers; i++) {
        if (!strcmp(db->providers[i].physical, physical)) {
            return db->providers[i].reason;
        }
    }
    return NULL;
}

/* Adds 'warning' unless it is NULL: there is one at most so far. */
static void
add_warning(const char *warning, struct arena *arena,
            struct status_host *status)
{
    if (warning) {
        status->n_warnings = 1;
        status->warnings = arena_alloc(arena, sizeof *status->warnings);
        status->warnings[0] = warning;
    }
}

void
fabric_db_host_status(const struct fabric_host *host, struct arena *arena,
                      struct status_host *status)
{
    const struct fabric_host_db *db = host->db;
    struct ovsdb_status session;

    if (!db) {
        return;
    }
    ovsdb_session_get_status(db->session, &session);
    status->ovsdb = session_status(db, &session, arena);
    status->bridge = db->bridge;
    if (host->datapath_id) {
        status->datapath_id = arena_printf(arena, "%016"PRIx64,
                                           host->datapath_id);
    }
    status->ovs_version = db->ovs_version;
    unclaimed_vifs_status(db->observed, arena, status);
    status->ports = (db->n_ports > status->unclaimed
                     ? db->n_ports - status->unclaimed : 0);
    host_provider_status(db, arena, status);
    host_bfd_status(db, arena, status);
    host_copies_status(db, arena, status);
    host_queues_status(db, arena, status);
    underlay_status(db, arena, status);
    if (!status->reason && db->connected) {
        status->reason = find_unreachable(db, arena);
    }
    if (db->connected) {
        add_warning(host_checksums_warning(db, arena), arena, status);
    }
}

uint64_t
fabric_db_n_over_budget(const struct fabric_host *host)
{
    struct ovsdb_status session;

    if (!host->db) {
        return 0;
    }
    ovsdb_session_get_status(host->db->session, &session);
    return session.n_over_budget;
}
