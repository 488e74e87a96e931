/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric's OVSDB side: a session for each HOST row, initiated by either
 * side, and its desired configuration.  Not for the contents of its database
 * (host-report.c), nor for detecting that a host is silent
 * (host-liveness.c). */

#include <config.h>

#include "controller/fabric/ovsdb/host-db.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/commit/commit.h"
#include "controller/fabric/fabric.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/hosts/host-addresses.h"
#include "controller/fabric/hosts/rejected-hosts.h"
#include "controller/fabric/ovsdb/database-budget.h"
#include "controller/fabric/ovsdb/host-bfd.h"
#include "controller/fabric/ovsdb/host-copies.h"
#include "controller/fabric/ovsdb/host-ipsec.h"
#include "controller/fabric/ovsdb/host-liveness.h"
#include "controller/fabric/ovsdb/host-peers.h"
#include "controller/fabric/ovsdb/host-provider.h"
#include "controller/fabric/ovsdb/host-queues.h"
#include "controller/fabric/ovsdb/host-report.h"
#include "controller/fabric/ovsdb/host-telemetry.h"
#include "controller/fabric/ovsdb/host-trunk.h"
#include "controller/fabric/ovsdb/other-members.h"
#include "controller/fabric/ovsdb/ovsdb-side.h"
#include "controller/fabric/ovsdb/startup-barrier.h"
#include "controller/fabric/ovsdb/table-prefixes.h"
#include "controller/fabric/ovsdb/tunnel-ports.h"
#include "controller/fabric/packets/packet-in-queue.h"
#include "controller/schema/error.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "stream-ssl.h"
#include "timeval.h"
#include "util.h"
#include "vmn/vocabulary.h"

VLOG_DEFINE_THIS_MODULE(host_db);

/* Of bridges' controllers; see docs/design/fabric.md. */
#define CONTROLLER_MAX_BACKOFF_MS 1000
#define CONTROLLER_PROBE_MS 30000

/* Sessions.  ------------------------------------------------------------- */

static void
host_db_arm(struct fabric_host_db *db)
{
    int64_t now_ms = loop_now_ms(db->host->fabric->loop);
    int64_t when_ms = host_report_deadline(db);

    if (db->trunks_due) {
        return;                 /* It is active, and to add it undoes that. */
    }
    when_ms = MIN(when_ms, MIN(db->limit.due_ms, db->limit.mtu_due_ms));
    when_ms = MIN(when_ms, host_liveness_deadline(db));
    if (when_ms == INT64_MAX) {
        event_del(db->timer);
    } else {
        int64_t left_ms = MAX(when_ms - now_ms, 0);
        struct timeval tv = {
            .tv_sec = left_ms / 1000,
            .tv_usec = left_ms % 1000 * 1000,
        };

        event_add(db->timer, &tv);
    }
}

/* Reports what the database contains, unless the host is over its rate of
 * reports: then the state at a later time is reported. */
static void
host_db_report(struct fabric_host_db *db,
               const struct ovsdb_snapshot *snapshot,
               const struct ovsdb_status *status)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);
    uint64_t n_changes = db->observed->n_changes;
    uint64_t datapath_id = db->host->datapath_id;

    bool waits = db->limit.due_ms != INT64_MAX;

    if (!report_limit_begin(&db->limit, loop_now_ms(db->host->fabric->loop))) {
        db->host->fabric->stats.n_reports_delayed += !waits;
        VLOG_WARN_RL(&rl, "%s: its reports change more than %u times per "
                          "second; changes are merged", db->host->name,
                     db->limit.rate);
        return;
    }
    db->reason_changed = false;
    if (status->config == OVSDB_CONFIG_REFUSED) {
        host_report_refuse(db, xstrdup(status->config_reason));
    } else {
        host_report(db, snapshot);
        if (status->config == OVSDB_CONFIG_FAILED && !db->reason) {
            host_report_set_reason(db, false, xstrdup(status->config_reason));
        }
    }
    report_limit_end(&db->limit, (db->reason_changed
                                  || db->observed->n_changes != n_changes
                                  || db->host->datapath_id != datapath_id));
}

/* Handles a change of the session's state.  For bindings, a host that is
 * refused counts as silent, as one that is not connected. */
static void
host_db_update(struct fabric_host_db *db)
{
    const struct ovsdb_snapshot *snapshot
        = ovsdb_session_snapshot(db->session);
    struct ovsdb_status status;

    ovsdb_session_get_status(db->session, &status);
    if (db->connected != (snapshot != NULL)) {
        db->connected = snapshot != NULL;
        db->host->fabric->stats.n_ovsdb_opened += db->connected;
        db->since_ms = time_wall_msec();
        fabric_host_changed(db->host);
    }
    if (snapshot) {
        host_telemetry_check(db, snapshot);
        host_bfd_report(db, snapshot);
        host_copies_report(db, snapshot);
        host_db_report(db, snapshot, &status);
    } else {
        db->limit.due_ms = db->limit.mtu_due_ms = INT64_MAX;
    }
    host_liveness_update(db, snapshot && !db->refused);
    host_liveness_switch_update(db);
    cut_off_hosts_due(db);
    host_db_arm(db);
    startup_barrier_check(db->host->fabric->db);
}

static void
changed_cb(void *db_)
{
    struct fabric_host_db *db = db_;

    if (db->host->cleanup) {
        db->host->fabric->callbacks->cleanup_changed(db->host);
    } else {
        host_db_update(db);
    }
}

static void host_db_set_desired(struct fabric_host_db *,
                                const struct vmn_host *);

static void
timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *db_)
{
    struct fabric_host_db *db = db_;

    if (db->trunks_due) {
        db->trunks_due = false;
        if (host_trunk_update(db)) {
            host_db_set_desired(db, db->host->row);
        }
    }
    host_liveness_check(db);
    host_db_update(db);
}

/* Wishes.  --------------------------------------------------------------- */

/* Formats 'ip' into 'buffer'; returns NULL if there is none. */
static const char *
format_ip(const struct vmn_ip *ip, char buffer[INET6_ADDRSTRLEN])
{
    return (ip->family
            ? inet_ntop(ip->family == 4 ? AF_INET : AF_INET6, ip->addr,
                        buffer, INET6_ADDRSTRLEN)
            : NULL);
}

/* A standby desires nothing of a host's database. */
static void
host_db_set_desired(struct fabric_host_db *db, const struct vmn_host *row)
{
    char ip[INET6_ADDRSTRLEN];
    struct ovsdb_desired desired = {
        .owner = HOST_DB_OWNER,
        .epoch = db->host->fabric->epoch,
        .bridge = row->bridge,
        .datapath_type = db->datapath_type,
        .protocol = "OpenFlow15",
        .adopt = row->adopt,
        /* With two addresses, that of the packet's family is used. */
        .tunnel_local_ip = (row->second_tunnel_ip.family ? NULL
                            : format_ip(&row->tunnel_ip, ip)),
        .tunnel_dscp_inherit = row->tunnel_dscp == VMN_TUNNEL_DSCP_INHERIT,
        .controller_max_backoff_ms = CONTROLLER_MAX_BACKOFF_MS,
        .controller_probe_ms = CONTROLLER_PROBE_MS,
        .controller_rate_pps = db->host->fabric->packet_host_rate,
        .sflow = db->telemetry.sflow,
        .ipfix = db->telemetry.ipfix,
        .n_prefixes = db->host->fabric->db->n_prefixes,
        .prefixes = db->host->fabric->db->prefixes,
        .zone_limit = row->zone_limit,
        .n_uplinks = db->queues.n_uplinks,
        .uplinks = db->queues.uplinks,
        .n_queues = db->queues.n_queues,
        .queues = db->queues.queues,
        .keep_queues = !host_queues_are_known(db),
        .peers = host_peers_desired,
        .peers_aux = db,
    };
    size_t n_patches = db->n_providers + db->n_trunks;
    struct ovsdb_patch *patches;

    if (fabric_stands_by(db->host->fabric)) {
        return;
    }
    patches = xcalloc(MAX(n_patches, 1), sizeof *patches);

    host_provider_desired(db, patches);
    host_trunk_desired(db, patches + db->n_providers);
    desired.n_patches = n_patches;
    desired.patches = patches;
    for (size_t i = 0; i < OVSDB_TUNNELS_MAX; i++) {
        desired.tunnels[i] = (struct ovsdb_tunnel) {
            .name = tunnel_ports[i].name,
            .type = tunnel_ports[i].type,
            .ofport = tunnel_ports[i].ofport,
            .desired = db->host->fabric->db->uses[i],
        };
    }
    host_copies_desired(db, &desired);
    other_members_desired(db->host->fabric->db, row, &desired);
    ovsdb_session_set_desired(db->session, &desired);
    free(patches);
}

static size_t
budget_cb(void *db_)
{
    const struct fabric_host_db *db = db_;

    return budget_of_database(db->host);
}

static void
host_db_open_session(struct fabric_host_db *db, const struct vmn_host *row)
{
    struct fabric_host *host = db->host;
    struct fabric *fabric = host->fabric;

    ovsdb_session_destroy(db->session);
    free(db->remote);
    db->remote = xstrdup(row->ovsdb);
    db->session = ovsdb_session_create(
        fabric->loop, fabric->db->schemas, host->name,
        strcmp(db->remote, "inbound") ? db->remote : NULL, changed_cb, db);
    ovsdb_session_set_budget(db->session, budget_cb);
}

static struct fabric_host_db *
host_db_create(struct fabric_host *host)
{
    struct fabric_host_db *db = xzalloc(sizeof *db);

    db->host = host;
    db->observed = observed_host_add(host->fabric->db->observed, host->name);
    fabric_host_set_claim(host, db->observed->datapath_id);
    db->timer = evtimer_new(host->fabric->base, timer_cb, db);
    db->since_ms = time_wall_msec();
    report_limit_init(&db->limit, host->fabric->report_rate,
                      host->fabric->mtu_hold_ms);
    shash_init(&db->retained);
    host_copies_init(db);
    return db;
}

/* For the fabric.  ------------------------------------------------------- */

bool
fabric_db_set_uses(struct fabric *fabric, const bool uses[])
{
    struct fabric_db *db = fabric->db;
    bool changed = memcmp(db->uses, uses, sizeof db->uses);

    memcpy(db->uses, uses, sizeof db->uses);
    return changed;
}

void
fabric_db_host_update(struct fabric_host *host, const struct vmn_host *row)
{
    if (!host->db) {
        host->db = host_db_create(host);
    }

    struct fabric_host_db *db = host->db;

    free(db->bridge);
    db->bridge = xstrdup(row->bridge);
    db->adopt = row->adopt;
    free(db->tunnel_interface);
    db->tunnel_interface = nullable_xstrdup(row->tunnel_interface);
    db->has_ipv6 = (row->tunnel_ip.family == 6
                    || row->second_tunnel_ip.family == 6);
    observed_host_set_accepts(db->observed, &row->port_selector);
    observed_host_set_leaving(db->observed, row->maintenance);
    observed_host_set_lost(db->observed, row->lost);
    host_provider_set(db, row);
    host_trunk_update(db);
    host_telemetry_update(db, row);
    db->datapath_type = (row->datapath == VMN_DATAPATH_NETDEV ? "netdev"
                         : "system");
    if (!db->session || strcmp(db->remote, row->ovsdb)) {
        host_db_open_session(db, row);
    }
    host_db_set_desired(db, row);
    host_db_update(db);
}

void
fabric_db_switch_changed(struct fabric_host *host)
{
    if (host->db && host->db->session) {
        host_liveness_switch_update(host->db);
        cut_off_hosts_due(host->db);
        host_db_arm(host->db);
    }
}

void
host_db_desired_changed(struct fabric_host_db *db)
{
    if (db->session) {
        host_db_set_desired(db, db->host->row);
        host_db_update(db);
    }
}

bool
fabric_host_is_unheard(const struct fabric *fabric, const char *name,
                       int64_t *since_ms)
{
    const struct fabric_host *host = fabric_find_host(fabric, name);

    *since_ms = 0;
    return (host && host->db && !host->lost
            && host_liveness_is_unheard(host->db, since_ms));
}

bool
fabric_any_host_is_unheard(const struct fabric *fabric)
{
    const struct fabric_host *host;
    int64_t since_ms;

    HMAP_FOR_EACH (host, name_node, &fabric->hosts) {
        if (fabric_host_is_unheard(fabric, host->name, &since_ms)) {
            return true;
        }
    }
    return false;
}

bool
fabric_host_switch_is_dead(const struct fabric *fabric, const char *name)
{
    const struct fabric_host *host = fabric_find_host(fabric, name);

    return host && host->db && host->db->switch_dead;
}

char *
fabric_host_unheard_reason(const struct fabric *fabric, const char *name)
{
    const struct fabric_host *host = fabric_find_host(fabric, name);

    return host && host->db ? host_liveness_reason(host->db) : NULL;
}

void
fabric_db_host_destroy(struct fabric_host *host)
{
    struct fabric_host_db *db = host->db;

    if (db) {
        host->db = NULL;
        ovsdb_session_destroy(db->session);
        if (db->observed) {
            observed_host_remove(db->observed);
        }
        event_free(db->timer);
        shash_destroy_free_data(&db->retained);
        host_provider_set(db, NULL);
        host_trunk_uninit(db);
        host_telemetry_uninit(db);
        host_peers_uninit(db);
        host_bfd_uninit(db);
        host_copies_uninit(db);
        host_queues_uninit(db);
        free(db->remote);
        free(db->bridge);
        free(db->tunnel_interface);
        free(db->reason);
        free(db->tap);
        free(db->ovs_version);
        free(db);
    }
}

void
fabric_db_guests_expected(const struct fabric *fabric, const char *host,
                          fabric_guest_cb *cb, void *aux)
{
    observed_guests_expected(fabric->db->observed, host, cb, aux);
}

void
fabric_db_guest_seen(struct fabric *fabric, const char *host,
                     const char *iface_id)
{
    observed_guest_seen(fabric->db->observed, host, iface_id);
}

size_t
fabric_db_n_candidates(const struct fabric *fabric)
{
    return observed_n_candidates(fabric->db->observed);
}

/* Schedules an update of the sub-ports of host 'name' in this iteration of the
 * loop. */
static void
trunks_due(struct fabric *fabric, const char *name)
{
    struct fabric_host *host = fabric_find_host(fabric, name);

    if (host && host->db) {
        host->db->trunks_due = true;
        event_active(host->db->timer, EV_TIMEOUT, 0);
    }
}

/* The queues of host 'name' may be known now. */
static void
announced(struct fabric *fabric, const char *name)
{
    struct fabric_host *host = fabric_find_host(fabric, name);

    if (host && host->db && host->db->session
        && host_queues_are_known(host->db)) {
        host_db_set_desired(host->db, host->row);
    }
}

/* Returns the session of a host that may connect to vmnd, or NULL. */
static struct ovsdb_session *
find_inbound(void *db_, const char *system_id)
{
    const struct fabric_db *db = db_;
    const struct fabric_host *host = fabric_find_host(db->fabric, system_id);

    if (!host) {
        host = fabric_find_deleted(db->fabric, system_id);
    }
    return (host && host->db && !strcmp(host->db->remote, "inbound")
            ? host->db->session : NULL);
}

static bool
knows_address(void *db_, const struct in6_addr *addr)
{
    const struct fabric_db *db = db_;

    return fabric_knows_address(db->fabric, addr);
}

/* Reloads each file only if it has changed, for new sessions: existing ones
 * stay, even if their CA is no longer trusted. */
void
fabric_db_set_certificates(const struct fabric_db *db)
{
    stream_ssl_set_certificate_file(db->certificate);
    stream_ssl_set_private_key_file(db->private_key);
    stream_ssl_set_ca_cert_file(db->ca_cert, false);
}

static void
rejected_cb(void *db_, const char *peer, const char *reason)
{
    struct fabric_db *db = db_;

    rejected_hosts_add(db->fabric, "ovsdb", peer, reason);
}

static int
open_listener(struct fabric_db *db, const struct fabric_options *options,
              struct vmn_error *why)
{
    char *text = NULL;
    int error = 0;

    if (options->ovsdb_listen) {
        error = ovsdb_listener_open(db->fabric->loop, options->ovsdb_listen,
                                    find_inbound, db, &db->listener, &text);
        vmn_error_take(why, error, text);
    }
    if (db->listener) {
        ovsdb_listener_set_known(db->listener, knows_address);
        ovsdb_listener_set_rejected(db->listener, rejected_cb);
    }
    return error;
}

int
fabric_db_create(struct fabric *fabric, const struct fabric_options *options,
                 struct vmn_error *why)
{
    struct fabric_db *db = xzalloc(sizeof *db);

    db->fabric = fabric;
    other_members_init(db, options);
    db->schemas = ovsdb_schemas_create();
    db->prefixes = table_prefixes(options->pipeline, &db->n_prefixes);
    fabric->db = db;

    int error = host_ipsec_create(db, options, why);
    if (error) {
        return error;           /* The caller destroys what was created. */
    }
    if (options->ssl_private_key && options->ssl_certificate
        && options->ssl_ca_cert) {
        db->private_key = xstrdup(options->ssl_private_key);
        db->certificate = xstrdup(options->ssl_certificate);
        db->ca_cert = xstrdup(options->ssl_ca_cert);
        fabric_db_set_certificates(db);
    }
    error = open_listener(db, options, why);
    if (error) {
        return error;           /* As above. */
    }
    db->observed = observed_state_create(fabric, trunks_due, announced);
    host_bfd_create(fabric);
    host_copies_create(fabric);
    host_queues_create(fabric);
    cut_off_hosts_create(fabric);
    return 0;
}

void
fabric_set_others(struct fabric *fabric, const struct fabric_others *others)
{
    struct other_members_change change = other_members_set(fabric->db,
                                                           others);
    struct fabric_host *host;

    if (!change.controllers && !change.managers) {
        return;
    }
    HMAP_FOR_EACH (host, name_node, &fabric->hosts) {
        if (host->db
            && (change.controllers || other_members_is_told(host->row))) {
            host_db_set_desired(host->db, host->row);
        }
    }
}

void
fabric_db_hold(struct fabric *fabric)
{
    startup_barrier_hold(fabric->db);
}

void
fabric_db_begin(struct fabric *fabric)
{
    startup_barrier_begin(fabric->db);
}

void
fabric_db_manage(struct fabric *fabric, const struct fabric_others *others)
{
    struct fabric_host *host;

    other_members_set(fabric->db, others);
    HMAP_FOR_EACH (host, name_node, &fabric->hosts) {
        /* Its switch is about to connect, and not gone. */
        host->db->switch_connected = false;
        host_db_set_desired(host->db, host->row);
    }
    observed_manage(fabric->db->observed);
    startup_barrier_begin(fabric->db);
}

void
fabric_db_destroy(struct fabric *fabric)
{
    struct fabric_db *db = fabric->db;

    if (db) {
        cut_off_hosts_destroy(fabric);
        host_bfd_destroy(fabric);
        fabric->db = NULL;
        startup_barrier_uninit(db);
        ovsdb_listener_close(db->listener);
        observed_state_destroy(db->observed);
        ovsdb_schemas_destroy(db->schemas);
        free(db->prefixes);
        other_members_uninit(db);
        free(db->private_key);
        free(db->certificate);
        free(db->ca_cert);
        host_ipsec_destroy(db);
        free(db);
    }
}

bool
fabric_db_get_admission(const struct fabric *fabric,
                        struct admission_stats *stats)
{
    if (fabric->db->listener) {
        ovsdb_listener_get_admission(fabric->db->listener, stats);
    }
    return fabric->db->listener != NULL;
}

void
fabric_db_acked(struct fabric *fabric)
{
    observed_acked(fabric->db->observed);
}

/* Handles a change of TELEMETRY rows. */
static void
update_telemetry(struct fabric *fabric)
{
    struct fabric_host *host;

    HMAP_FOR_EACH (host, name_node, &fabric->hosts) {
        if (host->db && host_telemetry_update(host->db, host->row)) {
            host_db_set_desired(host->db, host->row);
        }
    }
}

void
fabric_db_group(struct fabric *fabric,
                const struct commit_group *group OVS_UNUSED,
                bool hosts_changed)
{
    struct model_pending pending;
    bool telemetry;

    model_get_pending(fabric->model, &pending);
    telemetry = model_pending_has(&pending, VMN_TABLE_TELEMETRY);
    for (size_t i = 0; i < pending.n_writes; i++) {
        const struct model_write *write = &pending.writes[i];

        if (write->table == VMN_TABLE_PORT) {
            observed_port_update(fabric->db->observed, write->name,
                                 write->recreated);
        }
        commit_yield(fabric->commit);
    }
    for (size_t i = 0; i < pending.n_writes; i++) {
        const struct model_write *write = &pending.writes[i];

        if (write->table == VMN_TABLE_BINDING
            && (write->follows || fabric_stands_by(fabric))) {
            observed_port_rebound(fabric->db->observed, write->name,
                                  (const void *) write->row);
        }
        commit_yield(fabric->commit);
    }
    if (telemetry) {
        update_telemetry(fabric);
    }
    host_bfd_group(fabric, hosts_changed);
    host_copies_group(fabric, hosts_changed);
    host_queues_group(fabric, hosts_changed, host_db_desired_changed);
}
