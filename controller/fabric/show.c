/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric for people: a host's status, statistics and unixctl commands.
 * Changes nothing. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-private.h"
#include "controller/fabric/packets.h"
#include "controller/fabric/receipts.h"
#include "controller/fabric/switch.h"
#include "openvswitch/dynamic-string.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"

json_t *
time_to_text(int64_t ms)
{
    char *text = xastrftime_msec("%Y-%m-%dT%H:%M:%S.###Z", ms, true);
    json_t *json = json_string(text);

    free(text);
    return json;
}

/* Status.  --------------------------------------------------------------- */

json_t *
fabric_host_status(const struct fabric *f, const char *name)
{
    const struct fabric_host *host = fabric_find_host(f, name);
    uint64_t n_items, n_groups;
    const char *reason, *state;
    json_t *status, *audit;

    if (!host) {
        return NULL;
    }
    state = switch_state_name(host->sw, &reason);
    n_items = engine_host_total(f->engine, name);
    n_groups = engine_host_groups(f->engine, name);
    status = json_pack("{s:o, s:s, s:s*, s:I, s:I, s:I, s:I, s:o}",
                       "openflow", switch_status(host->sw),
                       "state", state, "reason", reason,
                       "flows", (json_int_t) (n_items - n_groups),
                       "groups", (json_int_t) n_groups,
                       "revision", (json_int_t) switch_acked(host->sw),
                       "sent_revision",
                       (json_int_t) host->sw->sent_revision,
                       "lag", receipts_lag(f, switch_acked(host->sw)));
    audit = audit_result_to_json(&host->sw->audited);
    if (audit) {
        json_object_set_new(status, "audit", audit);
    }
    fabric_db_host_status(host, status);
    return status;
}

void
fabric_get_stats(const struct fabric *f, struct fabric_stats *stats)
{
    const struct fabric_host *host;

    *stats = f->stats;
    stats->n_hosts = hmap_count(&f->hosts);
    packets_get_stats(f, stats);
    stats->n_synced = 0;
    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        stats->n_synced += (host->sw->state == SWITCH_LIVE
                            && !host->sw->frozen
                            && hmap_is_empty(&host->sw->refusals));
    }
}

/* Commands.  ------------------------------------------------------------- */

static void
reply_json(struct unixctl_conn *conn, json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_SORT_KEYS);

    unixctl_command_reply(conn, text);
    free(text);
    json_decref(json);
}

static void
unixctl_hosts(struct unixctl_conn *conn, int argc OVS_UNUSED,
              const char *argv[] OVS_UNUSED, void *f_)
{
    const struct fabric *f = f_;
    const struct fabric_host *host;
    json_t *all = json_object();

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        json_object_set_new(all, host->name,
                            fabric_host_status(f, host->name));
    }
    reply_json(conn, all);
}

static void
unixctl_stats(struct unixctl_conn *conn, int argc OVS_UNUSED,
              const char *argv[] OVS_UNUSED, void *f_)
{
    struct fabric_stats s;

    fabric_get_stats(f_, &s);
    reply_json(conn, json_pack(
                   "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I,"
                   " s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
                   "hosts", (json_int_t) s.n_hosts,
                   "connected", (json_int_t) s.n_connected,
                   "synced", (json_int_t) s.n_synced,
                   "flow_adds", (json_int_t) s.n_flow_adds,
                   "flow_deletes", (json_int_t) s.n_flow_deletes,
                   "group_mods", (json_int_t) s.n_group_mods,
                   "bundles", (json_int_t) s.n_bundles,
                   "errors", (json_int_t) s.n_errors,
                   "reconciles", (json_int_t) s.n_reconciles,
                   "reconciles_unchanged",
                   (json_int_t) s.n_reconciles_unchanged,
                   "fingerprints_equal",
                   (json_int_t) s.n_fingerprints_equal,
                   "put_off", (json_int_t) s.n_put_off,
                   "merged", (json_int_t) s.n_merged,
                   "stalls", (json_int_t) s.n_stalls,
                   "audits", (json_int_t) s.n_audits,
                   "audit_missing", (json_int_t) s.n_audit_missing,
                   "audit_altered", (json_int_t) s.n_audit_altered,
                   "audit_strangers", (json_int_t) s.n_audit_strangers));
}

/* Of all hosts: listing their flows would take much longer. */
static void
unixctl_digest(struct unixctl_conn *conn, int argc, const char *argv[],
               void *f_)
{
    const struct fabric *f = f_;
    const struct fabric_host *host;
    json_t *all = json_object();

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        if (argc < 2 || !strcmp(argv[1], host->name)) {
            json_object_set_new(all, host->name,
                                fabric_host_digest(f, host->name));
        }
    }
    reply_json(conn, all);
}

static void
unixctl_reconcile(struct unixctl_conn *conn, int argc OVS_UNUSED,
                  const char *argv[], void *f_)
{
    struct fabric_host *host = fabric_find_host(f_, argv[1]);

    if (!host) {
        unixctl_command_reply_error(conn, "no such host");
    } else if (!switch_retry(host->sw)) {
        unixctl_command_reply_error(conn, "the host is not connected, or is "
                                    "being reconciled");
    } else {
        unixctl_command_reply(conn, NULL);
    }
}

static void
audit_done_cb(void *conn, const json_t *result, const char *reason)
{
    if (result) {
        reply_json(conn, json_deep_copy(result));
    } else {
        unixctl_command_reply_error(conn, reason);
    }
}

/* Audits a host, and replies when that is done; or shows what the last audits
 * of all have found. */
static void
unixctl_audit(struct unixctl_conn *conn, int argc, const char *argv[],
              void *f_)
{
    struct fabric *f = f_;

    if (argc > 1) {
        const char *reason = fabric_audit(f, argv[1], NULL,
                                          audit_done_cb, conn);

        if (reason) {
            unixctl_command_reply_error(conn, reason);
        }
    } else {
        const struct fabric_host *host;
        json_t *all = json_object();

        HMAP_FOR_EACH (host, name_node, &f->hosts) {
            json_t *audit = audit_result_to_json(&host->sw->audited);

            json_object_set_new(all, host->name,
                                audit ? audit : json_null());
        }
        reply_json(conn, all);
    }
}

static void
unixctl_packets(struct unixctl_conn *conn, int argc, const char *argv[],
                void *f)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (argc > 1 && !fabric_find_host(f, argv[1])) {
        unixctl_command_reply_error(conn, "no such host");
        return;
    }
    packets_show(f, argc > 1 ? argv[1] : NULL, &ds);
    unixctl_command_reply(conn, ds_cstr(&ds));
    ds_destroy(&ds);
}

void
fabric_unixctl_init(struct fabric *f)
{
    unixctl_command_register("fabric/hosts", "", 0, 0, unixctl_hosts, f);
    unixctl_command_register("fabric/stats", "", 0, 0, unixctl_stats, f);
    unixctl_command_register("fabric/digest", "[HOST]", 0, 1, unixctl_digest,
                             f);
    unixctl_command_register("fabric/reconcile", "HOST", 1, 1,
                             unixctl_reconcile, f);
    unixctl_command_register("fabric/audit", "[HOST]", 0, 1, unixctl_audit,
                             f);
    unixctl_command_register("fabric/packets", "[HOST]", 0, 1,
                             unixctl_packets, f);
}
