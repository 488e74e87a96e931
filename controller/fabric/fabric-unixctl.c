/* SPDX-License-Identifier: Apache-2.0
 *
 * "ovs-appctl -t vmnd fabric/...": commands that show the internal state of a
 * running vmnd. docs/man/vmnd.8 lists them. */

#include <config.h>

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/counters/counters.h"
#include "controller/fabric/fabric-audit.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/packets/packet-in-queue.h"
#include "controller/fabric/session/audit.h"
#include "controller/fabric/session/flow-format.h"
#include "controller/fabric/session/receipts.h"
#include "controller/fabric/session/reconcile.h"
#include "controller/fabric/session/switch.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-struct.h"
#include "controller/schema/status.h"
#include "openvswitch/dynamic-string.h"
#include "unixctl.h"
#include "util.h"

/* Maximum number of rejected items, and of receipts, that one command
 * shows. */
#define SHOWN_MAX 100

static void
reply_json(struct unixctl_conn *conn, json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_SORT_KEYS);

    unixctl_command_reply(conn, text);
    free(text);
    json_decref(json);
}

/* Prints the status of the host, which exists. */
static json_t *
host_to_json(const struct fabric *f, const char *name)
{
    struct status_host status;
    struct arena arena;
    json_t *json;

    arena_init(&arena);
    fabric_host_status(f, name, &arena, &status);
    json = schema_struct_to_json(&schema_status_host, &status);
    arena_uninit(&arena);
    return json;
}

static json_t *
digest_to_json(const struct fabric *f, const char *name)
{
    char *digest = fabric_host_digest(f, name);
    json_t *json = json_string(digest);

    free(digest);
    return json;
}

static void
unixctl_hosts(struct unixctl_conn *conn, int argc OVS_UNUSED,
              const char *argv[] OVS_UNUSED, void *f_)
{
    const struct fabric *f = f_;
    const struct fabric_host *host;
    json_t *all = json_object();

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        json_object_set_new(all, host->name, host_to_json(f, host->name));
    }
    reply_json(conn, all);
}

/* One host.  ------------------------------------------------------------- */

static json_t *
bundles_to_json(const struct fabric_switch *sw)
{
    const struct sent_bundle *bundle;
    json_t *bundles = json_array();

    LIST_FOR_EACH (bundle, node, &sw->bundles.sent) {
        json_array_append_new(bundles, json_pack(
            "{s:I, s:I, s:I, s:b, s:s*}",
            "first_revision", (json_int_t) bundle->first,
            "revision", (json_int_t) bundle->revision,
            "bytes", (json_int_t) bundle->size,
            "reconcile", (int) bundle->reconcile, "failed", bundle->failed));
    }
    return bundles;
}

static json_t *
refusals_to_json(const struct fabric_switch *sw)
{
    const struct engine *engine = sw->host->fabric->engine;
    const struct rejected_item *rejected;
    json_t *refusals = json_array();

    HMAP_FOR_EACH (rejected, node, &sw->rejected.items) {
        const struct flow_item *item = engine_find_xid(engine,
                                                         rejected->xid);
        char *text = (item ? item_describe(engine, item)
                      : xasprintf("message %"PRIu32", which is not desired "
                                  "any more", rejected->xid));

        json_array_append_new(refusals, json_string(text));
        free(text);
        if (json_array_size(refusals) >= SHOWN_MAX) {
            break;
        }
    }
    return refusals;
}

static json_t *
backlog_to_json(const struct backlog *backlog)
{
    if (backlog_is_empty(backlog)) {
        return json_null();
    }
    return json_pack("{s:I, s:I, s:I, s:I}",
                     "keys", (json_int_t) hmap_count(&backlog->entries),
                     "groups", (json_int_t) backlog->n_groups,
                     "first_revision", (json_int_t) backlog->first,
                     "revision", (json_int_t) backlog->last);
}

/* Returns the host that a command names; or NULL, after replying with an
 * error. */
static struct fabric_host *
find_host(struct unixctl_conn *conn, const struct fabric *f, const char *name)
{
    struct fabric_host *host = fabric_find_host(f, name);

    if (!host) {
        unixctl_command_reply_error(conn, "no such host");
    }
    return host;
}

/* The same, unless this member is a standby. */
static struct fabric_host *
find_mastered(struct unixctl_conn *conn, const struct fabric *f,
              const char *name)
{
    struct fabric_host *host = find_host(conn, f, name);

    if (host && fabric_stands_by(f)) {
        unixctl_command_reply_error(conn, "this member of the cluster is a "
                                    "standby: use the writer");
        return NULL;
    }
    return host;
}

/* Replies with the host's status and what is in progress. */
static void
unixctl_host(struct unixctl_conn *conn, int argc OVS_UNUSED,
             const char *argv[], void *f_)
{
    const struct fabric_host *host = find_host(conn, f_, argv[1]);
    const struct fabric_switch *sw;
    json_t *json;

    if (!host) {
        return;
    }
    sw = host->sw;
    json = host_to_json(f_, argv[1]);
    json_object_set_new(json, "digest", digest_to_json(f_, argv[1]));
    json_object_set_new(json, "bundles", bundles_to_json(sw));
    json_object_set_new(json, "refusals", refusals_to_json(sw));
    json_object_set_new(json, "backlog",
                        backlog_to_json(&sw->bundles.backlog));
    json_object_set_new(json, "being_audited",
                        json_boolean(audit_is_running(sw)));
    json_object_set_new(json, "being_reconciled",
                        json_boolean(reconcile_is_running(sw)));
    json_object_set_new(json, "resting",
                        json_boolean(sw->rejected.backing_off));
    reply_json(conn, json);
}

/* Closes the connection of the host's switch, which will reconnect. */
static void
unixctl_reconnect(struct unixctl_conn *conn, int argc OVS_UNUSED,
                  const char *argv[], void *f_)
{
    struct fabric_host *host = find_host(conn, f_, argv[1]);

    if (!host) {
        return;
    }
    if (!host->sw->conn) {
        unixctl_command_reply_error(conn, "the host is not connected");
    } else {
        switch_disconnect(host->sw, "an operator asked for it");
        unixctl_command_reply(conn, NULL);
    }
}

static void
unixctl_receipts(struct unixctl_conn *conn, int argc OVS_UNUSED,
                 const char *argv[] OVS_UNUSED, void *f)
{
    struct receipts_status status;
    struct arena arena;

    arena_init(&arena);
    receipts_get_status(f, SHOWN_MAX, &arena, &status);
    reply_json(conn, schema_struct_to_json(&receipts_shown, &status));
    arena_uninit(&arena);
}

/* All.  ------------------------------------------------------------------ */

static void
unixctl_stats(struct unixctl_conn *conn, int argc OVS_UNUSED,
              const char *argv[] OVS_UNUSED, void *f_)
{
    struct fabric_stats s;

    fabric_get_stats(f_, &s);
    reply_json(conn, json_pack(
                   "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I,"
                   " s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
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
                   "reconciles_digest_matched",
                   (json_int_t) s.n_fingerprints_equal,
                   "reconciles_resumed", (json_int_t) s.n_reconciles_resumed,
                   "deltas_deferred", (json_int_t) s.n_put_off,
                   "deltas_merged", (json_int_t) s.n_merged,
                   "stalls", (json_int_t) s.n_stalls,
                   "audits", (json_int_t) s.n_audits,
                   "audit_missing", (json_int_t) s.n_audit_missing,
                   "audit_altered", (json_int_t) s.n_audit_altered,
                   "audit_unknown", (json_int_t) s.n_audit_unknown));
}

/* A "fabric/digest" that waits until the state is quiescent: while a group is
 * being written its flows are desired already, and no revision that a client
 * can see includes them. */
struct digest_query {
    struct ovs_list node;       /* In the fabric's 'digest_queries'. */
    struct fabric *f;
    struct unixctl_conn *conn;
    char *host;                 /* NULL: all. */
};

static void
digest_query_destroy(struct digest_query *q)
{
    ovs_list_remove(&q->node);
    free(q->host);
    free(q);
}

/* Replies with the digests of all hosts: listing their flows would take much
 * longer. */
static void
digest_settled_cb(void *q_)
{
    struct digest_query *q = q_;
    const struct fabric_host *host;
    json_t *all = json_object();

    HMAP_FOR_EACH (host, name_node, &q->f->hosts) {
        if (!q->host || !strcmp(q->host, host->name)) {
            json_object_set_new(all, host->name,
                                digest_to_json(q->f, host->name));
            commit_yield(q->f->commit);
        }
    }
    reply_json(q->conn, all);
    digest_query_destroy(q);
}

static void
unixctl_digest(struct unixctl_conn *conn, int argc, const char *argv[],
               void *f_)
{
    struct fabric *f = f_;
    struct digest_query *q = xmalloc(sizeof *q);

    q->f = f;
    q->conn = conn;
    q->host = argc > 1 ? xstrdup(argv[1]) : NULL;
    ovs_list_push_back(&f->digest_queries, &q->node);
    commit_when_quiescent(f->commit, digest_settled_cb, q);
}

static void
unixctl_reconcile(struct unixctl_conn *conn, int argc OVS_UNUSED,
                  const char *argv[], void *f_)
{
    struct fabric_host *host = find_mastered(conn, f_, argv[1]);

    if (!host) {
        return;
    }
    if (!rejected_items_retry(host->sw)) {
        unixctl_command_reply_error(conn, "the host is not connected, or is "
                                    "being reconciled");
    } else {
        unixctl_command_reply(conn, NULL);
    }
}

static void
audit_done_cb(void *conn, const struct fabric_audit_result *result,
              const char *reason)
{
    if (result) {
        reply_json(conn, schema_struct_to_json(&schema_status_audit,
                                               &result->found));
    } else {
        unixctl_command_reply_error(conn, reason);
    }
}

/* Audits a host, and replies at the end; or shows the findings of the last
 * audits of all hosts. */
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
            const struct status_audit *audit = audit_last(host->sw);

            json_object_set_new(all, host->name, audit->time
                                ? schema_struct_to_json(&schema_status_audit,
                                                        audit)
                                : json_null());
        }
        reply_json(conn, all);
    }
}

static void
unixctl_packets(struct unixctl_conn *conn, int argc, const char *argv[],
                void *f)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (argc > 1 && !find_host(conn, f, argv[1])) {
        return;
    }
    packets_show(f, argc > 1 ? argv[1] : NULL, &ds);
    unixctl_command_reply(conn, ds_cstr(&ds));
    ds_destroy(&ds);
}

static void
unixctl_announce(struct unixctl_conn *conn, int argc, const char *argv[],
                 void *f)
{
    if (argc > 1 && !find_mastered(conn, f, argv[1])) {
        return;
    }
    packet_in_timers_now(f, argc > 1 ? argv[1] : NULL);
    unixctl_command_reply(conn, NULL);
}

void
fabric_unixctl_init(struct fabric *f)
{
    unixctl_command_register("fabric/hosts", "", 0, 0, unixctl_hosts, f);
    unixctl_command_register("fabric/host", "HOST", 1, 1, unixctl_host, f);
    unixctl_command_register("fabric/reconnect", "HOST", 1, 1,
                             unixctl_reconnect, f);
    unixctl_command_register("fabric/receipts", "", 0, 0, unixctl_receipts,
                             f);
    unixctl_command_register("fabric/stats", "", 0, 0, unixctl_stats, f);
    unixctl_command_register("fabric/digest", "[HOST]", 0, 1, unixctl_digest,
                             f);
    unixctl_command_register("fabric/reconcile", "HOST", 1, 1,
                             unixctl_reconcile, f);
    unixctl_command_register("fabric/audit", "[HOST]", 0, 1, unixctl_audit,
                             f);
    unixctl_command_register("fabric/packets", "[HOST]", 0, 1,
                             unixctl_packets, f);
    unixctl_command_register("fabric/announce", "[HOST]", 0, 1,
                             unixctl_announce, f);
}

void
fabric_unixctl_destroy(struct fabric *f)
{
    struct digest_query *q, *next;

    LIST_FOR_EACH_SAFE (q, next, node, &f->digest_queries) {
        commit_cancel_when_quiescent(f->commit, digest_settled_cb, q);
        unixctl_command_reply_error(q->conn, "vmnd stops");
        digest_query_destroy(q);
    }
}
