/* SPDX-License-Identifier: Apache-2.0
 *
 * The status of ports: the host, whether the port is up, and which hosts claim
 * it but must not have it.  Changes nothing.  Not for deciding the binding
 * (binding-decision.c). */

#include <config.h>

#include "controller/fabric/ovsdb/port-status.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-guests.h"
#include "controller/fabric/fabric-receipts.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric-traffic.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/rejected-claims.h"
#include "controller/fabric/packets/leases-told.h"
#include "controller/fabric/packets/packet-in-queue.h"
#include "controller/fabric/session/addresses-seen.h"
#include "controller/fabric/session/switch.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "openvswitch/dynamic-string.h"
#include "svec.h"
#include "timeval.h"
#include "util.h"

/* Hosts that the status of a port names at most. */
#define REFUSED_CLAIMS_MAX 16

const char *
port_provider_reason(const struct fabric *fabric, const char *host,
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

/* Returns true if the port's host has acknowledged the flows for the port's
 * binding.  Later changes have receipts. */
static bool
is_served(const struct fabric *fabric, const struct observed_port *port,
          const struct fabric_host *host)
{
    struct model_meta meta;
    const struct vmn_binding *binding = model_get_durable(
        fabric->model, VMN_TABLE_BINDING, port->name, &meta);

    return (binding && nullable_string_is_equal(binding->host, port->active)
            && rejected_items_served(host->sw, port->name, meta.revision));
}

/* Returns the state of a port with a binding; 'row' is durable, or NULL. */
static const char *
bound_state(const struct fabric *fabric, const struct observed_port *port,
            const struct observed_vif *vif, const struct vmn_port *row)
{
    const struct fabric_host *host = fabric_find_host(fabric, port->active);
    int64_t since_ms;

    if (host && host->db && host_liveness_is_unheard(host->db, &since_ms)) {
        return "unknown";
    }
    if (!vif || !host || !fabric_host_has_report(host)) {
        return "pending";
    }
    if (!vif->link_up || !row || !row->enabled) {
        return "down";
    }
    return is_served(fabric, port, host) ? "up" : "pending";
}

/* Returns the state of a port, whose row is durable, or NULL; and sets '*vif'
 * to its interface if it is bound to a host, else to NULL. */
static const char *
port_state(const struct fabric *fabric, const struct observed_port *port,
           const struct vmn_port *row, const struct observed_vif **vif)
{
    const struct observed_host *host;

    *vif = NULL;
    if (row && row->external) {
        return "external";
    }
    if (!port->active) {
        return "unbound";
    }
    host = observed_find_host(fabric->db->observed, port->active);
    *vif = host ? observed_host_find_vif(host, port->iface_id) : NULL;
    return bound_state(fabric, port, *vif, row);
}

const char *
fabric_port_state(const struct fabric *fabric, const struct vmn_port *row)
{
    const struct observed_port *port = observed_find_port(
        fabric->db->observed, row->row.name);
    const struct observed_vif *vif;

    return port ? port_state(fabric, port, row, &vif) : NULL;
}

/* Fills in since when and why a port is "unknown".  Its traffic is not known
 * then, either. */
static void
put_unheard(const struct fabric_host *host, struct arena *arena,
            struct status_port *status)
{
    char *reason = host_liveness_reason(host->db);

    host_liveness_is_unheard(host->db, &status->since);
    status->reason = arena_strdup(arena, reason);
    status->traffic = NULL;
    status->link = NULL;
    free(reason);
}

/* Returns the port's traffic, or NULL if its switch has not reported any. */
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

/* Fills in the hosts whose claims for 'port' were rejected, or by a standby
 * would be. */
static void
put_rejected_claims(const struct observed_state *observed,
                    const struct observed_port *port,
                    struct arena *arena, struct status_port *status)
{
    struct svec hosts = SVEC_EMPTY_INITIALIZER;
    size_t n;

    if (fabric_stands_by(observed->fabric)) {
        observed_find_refused(observed, port, &hosts);
    } else {
        observed_refused_hosts(observed, port, &hosts);
    }
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

/* Returns that the host's switch is away, though not long enough for the state
 * of its ports to be unknown, or NULL. */
static const char *
away_reason(const struct fabric *fabric, const char *name,
            struct arena *arena)
{
    const struct fabric_host *host = fabric_find_host(fabric, name);
    const struct liveness_session *session
        = host && host->db ? &host->db->switch_session : NULL;
    struct ds ds = DS_EMPTY_INITIALIZER;
    const char *reason;

    if (!session || !session->away_ms || host->sw->state != SWITCH_OFFLINE) {
        return NULL;
    }
    ds_put_format(&ds, "host \"%s\" is offline", name);
    ds_put_strftime_msec(&ds, " since %Y-%m-%dT%H:%M:%SZ", session->away_ms,
                         true);
    ds_put_cstr(&ds, ": the state is the last one known");
    reason = arena_strdup(arena, ds_cstr(&ds));
    ds_destroy(&ds);
    return reason;
}

/* Returns true if a port is not prepared before 'host' has its flows: the
 * target must have them, but others that are not connected keep nobody. */
static bool
is_waited_for(const struct fabric_receipt_host *host, const char *target)
{
    return (strcmp(host->state, "confirmed")
            && (!strcmp(host->state, "pending")
                || !strcmp(host->host, target)));
}

/* Returns how far a port that two hosts have has migrated. */
static struct status_migration *
migration_status(const struct fabric *fabric,
                 const struct observed_port *port, struct arena *arena)
{
    struct status_migration *status = arena_alloc(arena, sizeof *status);
    struct fabric_receipt receipt;
    size_t n_waiting = 0;
    struct model_meta meta;
    const struct vmn_binding *row = model_get_durable(
        fabric->model, VMN_TABLE_BINDING, port->name, &meta);
    bool is_durable = (row
                       && nullable_string_is_equal(row->host, port->active)
                       && nullable_string_is_equal(row->candidate,
                                                   port->candidate));

    *status = (struct status_migration) {
        .state = "preparing", .from = port->active, .to = port->candidate,
        .since = is_durable ? meta.updated_ms : time_wall_msec(),
    };
    if (port->activated) {
        status->state = "activated";
        status->from = port->candidate;
        status->to = port->active;
    } else if (is_durable && fabric_get_receipt(fabric, meta.revision, arena,
                                                &receipt)) {
        for (size_t i = 0; i < receipt.n_hosts; i++) {
            n_waiting += is_waited_for(&receipt.hosts[i], port->candidate);
        }
        if (n_waiting) {
            status->reason = arena_printf(
                arena, "%"PRIuSIZE" of %"PRIuSIZE" hosts have not "
                "acknowledged its flows", n_waiting, receipt.n_hosts);
        } else {
            status->state = "prepared";
        }
    }
    return status;
}

bool
fabric_port_status(const struct fabric *fabric, const char *name,
                   struct arena *arena, struct status_port *status)
{
    const struct observed_state *observed = fabric->db->observed;
    const struct observed_port *port = observed_find_port(observed, name);
    const struct vmn_port *row = model_get_durable(
        fabric->model, VMN_TABLE_PORT, name, NULL);
    const struct observed_vif *vif;

    memset(status, 0, sizeof *status);
    if (!port) {
        return false;
    }
    status->state = port_state(fabric, port, row, &vif);
    if (row && row->external) {
        return true;
    }
    put_rejected_claims(observed, port, arena, status);
    if (!port->active) {
        return true;
    }
    status->host = port->active;
    status->candidate = port->candidate;
    if (port->candidate) {
        status->migration = migration_status(fabric, port, arena);
    }
    status->reason = (row ? port_provider_reason(fabric, port->active, row,
                                                 arena)
                      : NULL);
    if (vif) {
        status->ofport = vif->ofport;
        status->interface = vif->iface;
        status->link = vif->link_up ? "up" : "down";
        status->traffic = port_traffic(fabric, port->active, vif->ofport,
                                       arena);
    }
    if (!strcmp(status->state, "unknown")) {
        put_unheard(fabric_find_host(fabric, port->active), arena, status);
    } else if (!status->reason) {
        status->reason = away_reason(fabric, port->active, arena);
    }
    return true;
}

void
fabric_guest_status(const struct fabric *fabric, const char *name,
                    struct arena *arena, struct status_port *status)
{
    leases_told_put(packets_leases(fabric), name, arena, status);
    if (status->host && status->ofport) {
        addresses_seen_put(fabric_find_host(fabric, status->host), name,
                           status->ofport, arena, status);
    }
}

void
fabric_rejected_claims(const struct fabric *fabric,
                       fabric_rejected_claims_cb *cb, void *aux)
{
    rejected_claims_each(fabric->db->observed->rejected_claims, cb, aux);
}
