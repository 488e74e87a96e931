/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric as a whole: keeps the table of hosts in sync with the HOST rows,
 * passes durable groups of revisions to its parts, and implements the
 * callbacks between them (struct fabric_callbacks).  Not for the sessions
 * themselves (switch.c, host-db.c). */

#include <config.h>

#include "controller/fabric/fabric.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/counters/counters.h"
#include "controller/fabric/deleted-hosts.h"
#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric-watch.h"
#include "controller/fabric/host-overall-state.h"
#include "controller/fabric/hosts/host-addresses.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/hosts/rejected-hosts.h"
#include "controller/fabric/ovsdb/host-liveness.h"
#include "controller/fabric/ovsdb/host-report.h"
#include "controller/fabric/ovsdb/ovsdb-side.h"
#include "controller/fabric/packets/arrived-ports.h"
#include "controller/fabric/packets/guest-read.h"
#include "controller/fabric/packets/packet-in-queue.h"
#include "controller/fabric/packets/packet-sampling.h"
#include "controller/fabric/packets/sampling-meters.h"
#include "controller/fabric/provider-fault.h"
#include "controller/fabric/session/audit.h"
#include "controller/fabric/session/bundle-send.h"
#include "controller/fabric/session/marker.h"
#include "controller/fabric/session/receipts.h"
#include "controller/fabric/session/reconcile.h"
#include "controller/fabric/session/switch-listener.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "controller/model/gateway-hosts.h"
#include "controller/model/warnings.h"
#include "hash.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "random.h"
#include "util.h"

/* Hosts.  ---------------------------------------------------------------- */

static struct fabric_host *
host_create(struct fabric *f, const char *name)
{
    struct fabric_host *host = xzalloc(sizeof *host);

    host->fabric = f;
    host->name = xstrdup(name);
    host->sw = switch_create(host);
    host->sw->bundles.digest_known = f->from_nothing;
    hmap_insert(&f->hosts, &host->name_node, hash_string(name, 0));
    host_overall_state_update(host);
    return host;
}

/* Calls fabric_db_set_uses() with the encapsulations of the rows. */
static bool
update_uses(struct fabric *f, struct vmn_names names)
{
    bool uses[] = { [VMN_ENCAP_VXLAN] = false, [VMN_ENCAP_GENEVE] = false };

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_host *row = model_get(f->model, VMN_TABLE_HOST,
                                               names.names[i]);

        uses[row->encap] = true;
    }
    return fabric_db_set_uses(f, uses);
}

static void
set_lost(struct fabric_host *host, bool lost)
{
    if (host->lost != lost) {
        host->lost = lost;
        if (lost) {
            receipts_remove_host(host->fabric, host);
        }
        reconcile_start_if_ready(host->sw);
        fabric_host_changed(host);
    }
}

/* Updates the table of hosts from the rows.  The current rows are those that
 * have just become durable, and the previous ones exist until the end of the
 * group, so an unchanged pointer means an unchanged row.  Returns true if any
 * has changed. */
static bool
sync_hosts(struct fabric *f)
{
    struct vmn_names names = model_names(f->model, VMN_TABLE_HOST);
    struct fabric_host *host, *next;
    bool changed = false, anew;

    HMAP_FOR_EACH_SAFE (host, next, name_node, &f->hosts) {
        if (!model_get(f->model, VMN_TABLE_HOST, host->name)) {
            if (fabric_stands_by(f)) {
                fabric_host_destroy(host, "its host was removed");
            } else {
                deleted_hosts_add(host);
            }
            changed = true;
        }
    }
    anew = update_uses(f, names);
    anew |= fabric_db_set_peers(f, names);
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_host *row = model_get(f->model, VMN_TABLE_HOST,
                                               names.names[i]);

        host = fabric_find_host(f, names.names[i]);
        if (!host || host->row != row) {
            deleted_hosts_supersede(f, row);
        }
        if (!host) {
            host = host_create(f, names.names[i]);
        }
        changed |= host->row != row;
        if (host->row != row || anew) {
            host->row = row;
            set_lost(host, row->lost);
            fabric_db_host_update(host, row);
        }
        /* Another member has submitted its report. */
        if (fabric_stands_by(f) && host->sw->state == SWITCH_WAITING) {
            reconcile_start_if_ready(host->sw);
        }
        commit_yield(f->commit);
    }
    if (changed) {
        fabric_addresses_update(f);
    }
    return changed;
}

/* Callbacks.  ------------------------------------------------------------ */

static void
datapath_changed(struct fabric_host *host)
{
    switch_listener_rematch(host);
}

static void
host_reported(struct fabric_host *host)
{
    reconcile_start_if_ready(host->sw);
}

static void
switch_changed(struct fabric_host *host)
{
    if (host->cleanup) {
        deleted_host_cleanup_changed(host);
    } else {
        fabric_db_switch_changed(host);
    }
}

static void
acked(struct fabric *f)
{
    fabric_db_acked(f);
}

static void
certificates_changed(const struct fabric *f)
{
    fabric_db_set_certificates(f->db);
}

static const char *
host_state(struct fabric_host *host, struct arena *arena, const char **reason)
{
    struct host_overall_state overall;

    host_overall_state_get(host, arena, &overall);
    *reason = overall.reason;
    return overall.state;
}

static const struct fabric_callbacks callbacks = {
    .datapath_changed = datapath_changed,
    .host_changed = host_overall_state_update,
    .host_state = host_state,
    .switch_changed = switch_changed,
    .host_reported = host_reported,
    .acked = acked,
    .numbers_freed = sampling_meters_numbers_freed,
    .uncounted_drop = counters_add,
    .port_binding = fabric_db_port_binding,
    .guest_seen = fabric_db_guest_seen,
    .guests_expected = fabric_db_guests_expected,
    .bindings_decided = receipts_acked_changed,
    .cleanup_changed = deleted_host_cleanup_changed,
    .certificates_changed = certificates_changed,
};

/* Groups.  --------------------------------------------------------------- */

/* Deletes what hosts have of apps and units that failed, where it is not to
 * stay any more. */
static void
delete_released(const struct fabric *f)
{
    struct fabric_host *host;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        /* One that runs may have passed over it already. */
        if (host->sw->state == SWITCH_LIVE
            || reconcile_is_running(host->sw)) {
            reconcile_start(host->sw);
        } else {
            host->sw->bundles.doubtful = true;
        }
    }
}

static void
sink_cb(void *f_, const struct commit_group *group)
{
    struct fabric *f = f_;
    bool hosts_changed = sync_hosts(f);

    if (engine_take_released(f->engine)) {
        delete_released(f);
    }
    counters_forget_deleted(f);
    send_group(f, group);
    arrived_ports_group(f);
    deleted_hosts_begin(f);
    if (fabric_stands_by(f)) {
        sampling_meters_numbers_freed(f);
    }
    fabric_db_group(f, group, hosts_changed);
}

/* Life.  ----------------------------------------------------------------- */

/* Sets bounds and times: the defaults, where the options have none. */
static void
set_limits(struct fabric *f, const struct fabric_options *options)
{
    f->max_bundles = options->max_bundles ? : FABRIC_MAX_BUNDLES;
    f->max_bytes = options->max_bytes ? : FABRIC_MAX_BYTES;
    f->max_bundle_items = options->max_bundle_items
                          ? : ENGINE_BUNDLE_ITEMS;
    f->max_bundle_bytes = options->max_bundle_bytes
                          ? : FABRIC_MAX_BUNDLE_BYTES;
    f->host_memory = (options->host_memory
                      ? : (size_t) FABRIC_HOST_MEMORY_MIB << 20);
    f->report_rate = options->report_rate;
    f->mtu_hold_ms = options->mtu_hold_s * 1000;
    f->migration_grace_ms = options->migration_grace_s * INT64_C(1000);
    f->stall_ms = options->stall_ms ? : FABRIC_STALL_MS;
    f->silent_ms = HOST_SILENT_MS;
    f->silent_inbound_ms = HOST_SILENT_INBOUND_MS;
    f->retained_ms = REPORT_RETAINED_MS;
    f->request_limits_ms = SAMPLING_REQUEST_MS;
    f->count_often_ms = FABRIC_COUNT_OFTEN_S * 1000;
}

int
fabric_create(const struct fabric_options *options, struct loop *loop,
              struct model *model, struct engine *engine,
              struct commit *commit, struct fabric **fp,
              struct vmn_error *why)
{
    struct fabric *f = xzalloc(sizeof *f);
    struct engine_stats stats;
    int error;

    *fp = NULL;
    f->loop = loop;
    f->base = loop_base(loop);
    f->model = model;
    f->engine = engine;
    marker_key_init(&f->marker_key, engine_key(engine));
    f->commit = commit;
    f->callbacks = &callbacks;
    f->switch_parts = switch_parts;
    f->role = options->stands_by ? FABRIC_STANDBY : FABRIC_ALONE;
    set_limits(f, options);
    f->last_revision = model_durable_revision(model);
    hmap_init(&f->hosts);
    hmap_init(&f->claims);
    hmap_init(&f->addresses);
    ovs_list_init(&f->deleted);
    ovs_list_init(&f->digest_queries);
    ovs_list_init(&f->live_traces);
    f->last_live_trace = random_uint32();
    rejected_hosts_create(f);
    receipts_create(f);
    packets_create(f, options);
    counters_create(f, options);
    sampling_create(f);
    sampling_meters_create(f);
    error = switch_listener_create(f, options, why);
    if (!error) {
        error = fabric_db_create(f, options, why);
    }
    if (error) {
        fabric_destroy(f);
        return error;
    }
    engine_get_stats(engine, &stats);
    f->from_nothing = !stats.n_runs;
    if (!fabric_stands_by(f)) {
        fabric_db_hold(f);
    }
    sync_hosts(f);
    f->from_nothing = true;
    fabric_db_begin(f);
    audits_create(f, options);
    commit_set_sink(commit, sink_cb, f);
    model_set_provider_faults(model, fabric_provider_fault, f);
    model_set_host_left(model, fabric_host_left, f);
    *fp = f;
    return 0;
}

static void
check_roles(struct fabric *f)
{
    struct fabric_host *host;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        switch_check_role(host->sw);
    }
}

/* Has switches asked for the role by the present epoch. */
static void
set_epoch(struct fabric *f, int64_t epoch)
{
    f->epoch = epoch;
    switch_listener_epoch_changed(f);
    check_roles(f);
}

void
fabric_set_epoch(struct fabric *f, int64_t epoch)
{
    if (fabric_stands_by(f) && epoch > f->epoch) {
        set_epoch(f, epoch);
    }
}

void
fabric_lead(struct fabric *f, int64_t epoch,
            const struct fabric_others *others)
{
    ovs_assert(fabric_stands_by(f));
    f->role = FABRIC_WRITER;
    /* Those that were passed over change nothing. */
    f->last_revision = model_durable_revision(f->model);
    set_epoch(f, epoch);
    fabric_db_manage(f, others);
    guest_read_all(f);
}

void
fabric_apps_changed(struct fabric *f)
{
    packets_apps_changed(f);
}

void
fabric_destroy(struct fabric *f)
{
    struct fabric_host *host, *next;

    if (!f) {
        return;
    }
    model_set_provider_faults(f->model, NULL, NULL);
    model_set_host_left(f->model, NULL, NULL);
    commit_set_sink(f->commit, NULL, NULL);
    fabric_unixctl_destroy(f);
    audits_destroy(f);
    if (f->receipts) {
        receipts_save(f);
    }
    deleted_hosts_destroy(f);
    HMAP_FOR_EACH_SAFE (host, next, name_node, &f->hosts) {
        fabric_host_destroy(host, "shutting down");
    }
    if (f->db) {
        fabric_db_destroy(f);
    }
    switch_listener_destroy(f);
    counters_destroy(f);
    sampling_destroy(f);
    sampling_meters_destroy(f);
    packets_destroy(f);
    receipts_destroy(f);
    rejected_hosts_destroy(f);
    hmap_destroy(&f->hosts);
    hmap_destroy(&f->claims);
    fabric_addresses_clear(f);
    hmap_destroy(&f->addresses);
    free(f);
}
