/* SPDX-License-Identifier: Apache-2.0
 *
 * The OVSDB side for people: a host's part of its status, and where a port
 * is.  Changes nothing. */

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric-traffic.h"
#include "controller/fabric/ovsdb/claims.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/host-ipsec.h"
#include "controller/fabric/ovsdb/host-provider.h"
#include "controller/fabric/ovsdb/ovsdb-side.h"
#include "controller/fabric/session/switch.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "sset.h"
#include "svec.h"
#include "util.h"
#include "vmn/vocabulary.h"

/* Hosts that the status of a port names at most. */
#define REFUSED_CLAIMS_MAX 16

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
    };
    return status;
}

/* A switch that was never told where to connect to does not: the reason is
 * its database, not the switch. */
static void
blame_database(const struct ovsdb_status *session, struct arena *arena,
               struct status_host *status)
{
    if (session->state != OVSDB_CONNECTED && session->error
        && status->state && !strcmp(status->state, "offline")) {
        status->reason = arena_printf(arena, "no connection to its database: "
                                      "%s", session->error);
    }
}

/* A host whose database sent too much is in use no more than its switch is;
 * why is said even while that is connected. */
static void
blame_budget(const struct ovsdb_status *session, struct arena *arena,
             struct status_host *status)
{
    if (session->over_budget && session->error) {
        status->reason = arena_strdup(arena, session->error);
    }
}

/* A switch on another machine does not find a unix socket of ours. */
static void
blame_target(const struct fabric_host_db *db, struct arena *arena,
             struct status_host *status)
{
    const char *target = db->host->fabric->db->target;

    if (target && !strncmp(target, "unix:", 5)
        && strncmp(db->remote, "unix:", 5)
        && !db->host->sw->conn && !db->host->sw->error) {
        status->reason = arena_printf(
            arena, "its switch has not connected to %s, which only vmnd's "
            "own machine has (vmnd --openflow-listen)", target);
    }
}

/* The MTU of a network that the host's tunnels take in whole, whichever of its
 * addresses is used. */
static int64_t
network_mtu(const struct fabric_host_db *db)
{
    uint32_t overhead = (db->has_ipv6 ? VMN_TUNNEL_OVERHEAD_IPV6
                         : VMN_TUNNEL_OVERHEAD_IPV4);

    return (int64_t) host_ipsec_mtu(db, db->underlay_mtu) - overhead;
}

/* The MTU of networks that say none, or 0 if nobody knows.  It follows from
 * what tunnels have room for, but is no less than IPv6 takes. */
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

/* The networks of the host's ports whose MTU is too large for its tunnels. */
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

        /* What is on a wire of its own needs no tunnels. */
        if (network && !network->provider.physical
            && (network->mtu ? network->mtu : common) > most) {
            sset_add(large, network->row.name);
        }
    }
}

/* What is wrong with the underlay, as a sentence, or NULL. */
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

/* Why 'port' cannot be reached on 'host' by its provider network, as a
 * sentence, or NULL. */
static const char *
provider_reason(const struct fabric *fabric, const char *host,
                const struct vmn_port *port, struct arena *arena)
{
    const struct vmn_network *network = model_get_durable(
        fabric->model, VMN_TABLE_NETWORK, port->network, NULL);
    const char *physical = network ? network->provider.physical : NULL;
    const struct observed_host *observed
        = observed_find_host(fabric->db->observed, host);
    const char *reason = NULL;
    char *iface_id;

    if (!physical || !observed) {
        return NULL;
    }
    iface_id = xasprintf("@%s", physical);
    if (!observed_host_find_vif(observed, iface_id)) {
        reason = arena_printf(
            arena, "host \"%s\" has no way to physical network \"%s\", which "
            "network \"%s\" of port \"%s\" is on", host, physical,
            network->row.name, port->row.name);
    }
    free(iface_id);
    return reason;
}

/* The same for the first of the host's ports that has one. */
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

        reason = port ? provider_reason(fabric, db->host->name, port, arena)
                 : NULL;
    }
    return reason;
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
    blame_target(db, arena, status);
    blame_database(&session, arena, status);
    status->bridge = db->bridge;
    if (host->datapath_id) {
        status->datapath_id = arena_printf(arena, "%016"PRIx64,
                                           host->datapath_id);
    }
    status->ovs_version = db->ovs_version;
    status->ports = db->n_ports;
    host_provider_status(db, arena, status);
    if (db->refused) {
        status->state = "refused";
    }
    if (db->reason) {
        status->reason = db->reason;
    }
    blame_budget(&session, arena, status);
    underlay_status(db, arena, status);
    if (!status->reason && db->connected) {
        status->reason = find_unreachable(db, arena);
    }
}

/* Whether the port's host has acknowledged the flows of its being there.
 * What comes later is told by receipts. */
static bool
is_served(const struct fabric *fabric, const struct observed_port *port,
          const struct fabric_host *host)
{
    struct model_meta meta;
    const struct vmn_binding *binding = model_get_durable(
        fabric->model, VMN_TABLE_BINDING, port->name, &meta);

    return (binding && nullable_string_is_equal(binding->host, port->active)
            && faults_serves(host->sw, port->name, meta.revision));
}

/* The word for the state of a port with a binding. */
static const char *
port_state(const struct fabric *fabric, const struct observed_port *port,
           const struct observed_vif *vif)
{
    const struct fabric_host *host = fabric_find_host(fabric, port->active);
    const struct vmn_port *row = model_get_durable(
        fabric->model, VMN_TABLE_PORT, port->name, NULL);

    if (!vif || !host || !host->reported) {
        return "pending";
    }
    if (!vif->link_up || !row || !row->enabled) {
        return "down";
    }
    return is_served(fabric, port, host) ? "up" : "pending";
}

/* Or NULL, if the switch has not told. */
static struct status_traffic *
port_traffic(const struct fabric *fabric, const char *host, uint32_t ofport,
             struct arena *arena)
{
    struct status_traffic *traffic;
    struct fabric_traffic t;

    if (!fabric_port_traffic(fabric, host, ofport, &t)) {
        return NULL;
    }
    traffic = arena_alloc(arena, sizeof *traffic);
    *traffic = (struct status_traffic) {
        .sent_packets = t.sent_packets, .sent_bytes = t.sent_bytes,
        .sent_bytes_per_s = t.sent_bytes_per_s,
        .received_packets = t.received_packets,
        .received_bytes = t.received_bytes,
        .received_bytes_per_s = t.received_bytes_per_s,
    };
    return traffic;
}

/* Hosts whose claims for 'port' are refused. */
static void
put_rejected_claims(const struct observed_state *observed,
                    const struct observed_port *port,
                   struct arena *arena, struct status_port *status)
{
    struct svec hosts = SVEC_EMPTY_INITIALIZER;
    size_t n;

    observed_refused_hosts(observed, port, &hosts);
    n = MIN(hosts.n, REFUSED_CLAIMS_MAX);
    if (n) {
        status->n_rejected_claims = n;
        status->rejected_claims = arena_alloc(
            arena, n * sizeof *status->rejected_claims);
        for (size_t i = 0; i < n; i++) {
            status->rejected_claims[i] = arena_strdup(arena, hosts.names[i]);
        }
    }
    svec_destroy(&hosts);
}

bool
fabric_port_status(const struct fabric *fabric, const char *name,
                   struct arena *arena, struct status_port *status)
{
    const struct observed_state *observed = fabric->db->observed;
    const struct observed_port *port = observed_find_port(observed, name);
    const struct vmn_port *row = model_get_durable(
        fabric->model, VMN_TABLE_PORT, name, NULL);
    const struct observed_host *host;
    const struct observed_vif *vif;

    memset(status, 0, sizeof *status);
    if (!port) {
        return false;
    }
    if (row && row->external) {
        status->state = "external";
        return true;
    }
    put_rejected_claims(observed, port, arena, status);
    if (!port->active) {
        status->state = "unbound";
        return true;
    }
    host = observed_find_host(observed, port->active);
    vif = host ? observed_host_find_vif(host, port->iface_id) : NULL;
    status->host = port->active;
    status->candidate = port->candidate;
    status->state = port_state(fabric, port, vif);
    status->reason = row ? provider_reason(fabric, port->active, row, arena)
                     : NULL;
    if (vif) {
        status->ofport = vif->ofport;
        status->traffic = port_traffic(fabric, port->active, vif->ofport,
                                       arena);
    }
    return true;
}

void
fabric_refused_claims(const struct fabric *fabric,
                      fabric_refused_claims_cb *cb, void *aux)
{
    claims_each(fabric->db->observed->claims, cb, aux);
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
