/* SPDX-License-Identifier: Apache-2.0
 *
 * Brings a switch to its desired state: reads its flows and groups, compares
 * them when the state is quiescent, and sends the difference as one bundle.
 * Flows that are installed as desired stay untouched, with their counters and
 * their duration.  Only a switch that has more than may be read of it
 * (switch-budget.c) is installed anew, at a limited rate: one bundle deletes
 * all and adds the desired state.  So a host converges even if it connects
 * with very many flows that were desired before.
 *
 * A switch that has just connected is asked for its marker only (marker.h): if
 * that says that the desired state is installed, nothing else is read; nor if
 * it is of a state since which all changes are known (marker-watch.h).  All is
 * read of a switch that has more than the desired state, by the marker's note.
 *
 * Nothing is sent while the dump is read, so that it is still valid when it is
 * compared.  Items that are installed as desired are recognized as they are
 * received, and not kept; they are looked up again if they are no longer
 * desired at that time.  Later changes are merged, and sent when the switch
 * has acknowledged the difference (backlog.h).
 *
 * The difference is checked before it is committed: a barrier follows the
 * messages, and if any of them was rejected the bundle is discarded and sent
 * again without those.  So the commit is never applied partially.
 *
 * This file has the state machine of a reconciling; the comparison is in
 * reconcile-compare.c, the messages are in reconcile-send.c. */

#include <config.h>

#include "controller/fabric/session/reconcile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "byte-order.h"
#include "controller/commit/commit.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/dependency-filter.h"
#include "controller/fabric/session/flow-format.h"
#include "controller/fabric/session/installed-set.h"
#include "controller/fabric/session/marker-watch.h"
#include "controller/fabric/session/marker.h"
#include "controller/fabric/session/reconcile-private.h"
#include "controller/fabric/session/reported-flows.h"
#include "controller/fabric/session/switch-budget.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/learn-action.h"
#include "controller/flow/punt-action.h"
#include "controller/flow/sample-action.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofdump.h"
#include "proto/openflow/ofmsg.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(reconcile);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(20, 60);

/* Flows that may be in the marker's table: nobody else should use it. */
#define MARKER_FLOWS_MAX 4096

/* The part's state of a switch is the running reconciling, or NULL. */
static struct reconcile **
running(const struct fabric_switch *sw)
{
    return switch_part_state(sw, &reconcile_part);
}

static void answer_cb(void *sw);
static void compare_cb(void *sw);

/* Reading.  -------------------------------------------------------------- */

static bool
raw_cb(void *r_, const struct ofdump_raw *raw)
{
    struct reconcile *r = r_;
    const struct fabric_host *host = r->sw->host;
    const struct flow_item *desired;

    if (learn_is_table(raw->desc->table_id)) {
        ofdump_exempt(r->dump);
        return true;
    }
    desired = flow_record_find(host->fabric->engine, host->name, raw);
    if (desired) {
        r->n_held++;
        installed_set_add(&r->right, desired);
    }
    return desired != NULL;
}

static void
flow_cb(void *r_, const struct ofputil_flow_stats *fs,
        const void *instructions, size_t instructions_size)
{
    struct reconcile *r = r_;
    const struct fabric_host *host = r->sw->host;
    const struct flow_item *desired;

    if (marker_is(fs)) {
        r->marker = ntohll(fs->cookie);
        return;
    }
    if (marker_is_note(fs)) {
        r->noted = true;
        return;
    }
    if (fs->table_id == SAMPLE_TABLE || punt_is_table(fs->table_id)) {
        return;
    }
    r->n_held++;
    desired = flow_stats_find(host->fabric->engine, host->name, fs,
                              instructions, instructions_size);
    if (desired) {
        installed_set_add(&r->right, desired);
        return;
    }
    ofdump_charge(r->dump, flow_record_size(instructions_size));
    flow_records_add(&r->flows, fs, instructions, instructions_size);
}

static void
group_cb(void *r_, const struct ofputil_group_desc *gd)
{
    struct reconcile *r = r_;

    r->n_held++;
    ofdump_charge(r->dump, group_record_size(gd));
    if (r->n_groups >= r->allocated_groups) {
        r->groups = x2nrealloc(r->groups, &r->allocated_groups,
                               sizeof *r->groups);
    }
    r->groups[r->n_groups++] = group_record_create(gd);
}

/* All has been read and exceeds the budget: drops it, and has the whole
 * desired state replace it when the state is quiescent. */
static void
install_anew(struct reconcile *r)
{
    VLOG_WARN_RL(&rl, "%s: holds " OFDUMP_TOO_MUCH "; all of its desired "
                                                   "flows are installed "
                                                   "again", r->sw->host->name);
    switch_budget_note_anew(r->sw);
    reconcile_forget_seen(r);
    r->marker = MARKER_NONE;
    r->anew = r->settling = true;
    commit_when_quiescent(r->commit, compare_cb, r->sw);
}

static void
done_cb(void *r_, const char *error)
{
    struct reconcile *r = r_;

    if (error && ofdump_is_whole(r->dump)) {
        install_anew(r);
    } else if (error) {
        char *reason = xasprintf("its flows could not be read: %s", error);

        if (ofdump_is_too_much(r->dump)) {
            switch_over_budget(r->sw, reason);
        } else {
            switch_give_up(r->sw, reason);
        }
        free(reason);
    } else {
        r->settling = true;
        commit_when_quiescent(r->sw->host->fabric->commit,
                            r->only_marker ? answer_cb : compare_cb, r->sw);
    }
}

static const struct ofdump_callbacks dump_callbacks = {
    .raw = raw_cb,
    .flow = flow_cb,
    .group = group_cb,
    .done = done_cb,
};

/* Starts to read all flows and groups. */
static void
read_all(struct reconcile *r)
{
    struct ofdump_budget budget = switch_budget_of_reconcile(r->sw);

    r->marker = MARKER_NONE;
    r->noted = false;
    marker_watch_forget(r->sw);
    r->dump = ofdump_create(r->sw->conn, &budget, &dump_callbacks, r);
}

static struct reconcile *
begin(struct fabric_switch *sw)
{
    struct reconcile *r = xzalloc(sizeof *r);

    /* Also stops one that is running. */
    switch_reset(sw, SWITCH_READING, "it is being reconciled");
    sw->host->fabric->stats.n_reconciles++;
    *running(sw) = r;
    switch_expect(sw);
    r->sw = sw;
    r->commit = sw->host->fabric->commit;
    r->began_ms = time_msec();
    installed_set_init(&r->right);
    ofpbuf_init(&r->flow_deletes, 0);
    ofpbuf_init(&r->group_deletes, 0);
    return r;
}

void
reconcile_start(struct fabric_switch *sw)
{
    read_all(begin(sw));
}

/* Reads the marker, and everything else only if necessary. */
static void
request_marker(struct fabric_switch *sw)
{
    struct ofdump_budget budget = switch_budget_of_table(sw, MARKER_FLOWS_MAX);
    struct reconcile *r;

    if (sw->bundles.doubtful) {
        reconcile_start(sw);
        return;
    }
    r = begin(sw);
    r->only_marker = true;
    r->dump = ofdump_create_table(sw->conn, &budget, MARKER_TABLE, NULL,
                                  &dump_callbacks, r);
}

void
reconcile_start_if_ready(struct fabric_switch *sw)
{
    /* What a lost host reports does not count, nor a deleted one's. */
    if (sw->state == SWITCH_WAITING
        && (sw->host->lost || sw->host->cleanup
            || fabric_host_has_report(sw->host))
        && !switch_is_backing_off(sw)) {
        request_marker(sw);
    }
}

static void
destroy(struct reconcile *r)
{
    reconcile_forget_seen(r);
    for (size_t i = 0; i < r->n_items; i++) {
        flow_item_unref(r->items[i]);
    }
    free(r->items);
    ofpbuf_uninit(&r->flow_deletes);
    ofpbuf_uninit(&r->group_deletes);
    free(r);
}

static void
stop(struct fabric_switch *sw)
{
    struct reconcile *r = *running(sw);

    if (r) {
        commit_cancel_when_quiescent(r->commit, answer_cb, sw);
        commit_cancel_when_quiescent(r->commit, compare_cb, sw);
        *running(sw) = NULL;
        r->sw = NULL;
        if (!r->comparing) {
            destroy(r);
        }
    }
}

bool
reconcile_is_running(const struct fabric_switch *sw)
{
    return *running(sw) != NULL;
}

/* Checking and committing.  ---------------------------------------------- */

/* Makes the switch live: it has its desired state installed, or will once it
 * has committed.  It is sent each revision's bundle from now on. */
static void
go_live(struct reconcile *r, bool commit)
{
    struct fabric_switch *sw = r->sw;
    uint64_t revision = r->revision;

    switch_set_live(sw);
    sw->rejected.read_ms = time_msec() - r->began_ms;
    if (commit) {
        uint32_t xid = ofconn_next_xid(sw->conn);
        struct ofpbuf b;

        reconcile_count_sent(r);
        ofpbuf_init(&b, 64);
        ofmsg_put_bundle_commit(&b, FLOW_ITEM_BUNDLE_ID, xid);
        ofconn_send(sw->conn, b.data, b.size);
        ofpbuf_uninit(&b);
        bundles_add(sw, revision, revision, sw->bundles.acked, xid,
                    r->size)->reconcile = true;
    }
    stop(sw);
    if (!commit) {
        bundles_reconciled(sw, revision);
    }
    bundles_flush(sw);
}

/* The switch has checked all messages: commits, or retries without those that
 * it has rejected. */
static void
checked(struct reconcile *r)
{
    struct fabric_switch *sw = r->sw;
    struct dependency_filter filter;
    size_t n = 0;
    struct ofpbuf b;

    if (!r->n_refused) {
        go_live(r, true);
        return;
    }
    dependency_filter_init(&filter, sw);
    for (size_t i = 0; i < r->n_items; i++) {
        /* Each flow that does not fit has caused an error of its own. */
        if (dependency_filter_passes(&filter, r->items[i], true)) {
            r->items[n++] = r->items[i];
        } else {
            flow_item_unref(r->items[i]);
        }
    }
    dependency_filter_uninit(&filter);
    if (n == r->n_items && !r->marker_refused) {
        /* It rejected something that cannot be left out. */
        switch_give_up(sw, sw->rejected.text);
        return;
    }
    r->n_items = n;
    r->marker_refused = false;

    ofpbuf_init(&b, 64);
    ofmsg_put_bundle_discard(&b, FLOW_ITEM_BUNDLE_ID,
                             ofconn_next_xid(sw->conn));
    ofconn_send(sw->conn, b.data, b.size);
    ofpbuf_uninit(&b);
    if (reconcile_needs_bundle(r)) {
        reconcile_send(r);
    } else {
        go_live(r, false);
    }
}

static void
handle_error(struct reconcile *r, const struct ofp_header *oh)
{
    uint32_t xid = ofmsg_error_xid(oh);

    if (xid == r->open_xid) {
        char *reason = xasprintf("it rejects bundles with %s",
                                 ofmsg_error_name(oh));

        switch_give_up(r->sw, reason);
        free(reason);
    } else if (xid && (xid == r->marker_xid || xid == r->note_xid)) {
        /* Only vmnd needs it: everything else is more important. */
        VLOG_WARN_RL(&rl, "%s: rejects the marker with %s",
                     r->sw->host->name, ofmsg_error_name(oh));
        r->n_refused++;
        r->marker = MARKER_NONE;
        r->marker_refused = r->sw->bundles.unmarkable = true;
    } else {
        r->n_refused++;
        rejected_items_add(r->sw, xid, oh);
    }
}

static enum switch_message
message(struct fabric_switch *sw, void *state OVS_UNUSED, enum ofptype type,
        const struct ofp_header *oh)
{
    struct reconcile *r = *running(sw);

    if (r && r->dump && ofdump_message(r->dump, type, oh)) {
        return SWITCH_MESSAGE_ANSWER;
    }
    if (!r || sw->state != SWITCH_CHECKING) {
        return SWITCH_MESSAGE_OTHER;
    }
    if (type == OFPTYPE_ERROR) {
        handle_error(r, oh);
        return SWITCH_MESSAGE_ANSWER;
    }
    if (type == OFPTYPE_BARRIER_REPLY && ntohl(oh->xid) == r->barrier_xid) {
        checked(r);
        return SWITCH_MESSAGE_ANSWER;
    }
    return SWITCH_MESSAGE_OTHER;
}

/* At a quiescent moment.  ------------------------------------------------ */

/* If it has what it had when this member observed it, or some of what came
 * since then, sends the rest. */
static bool
resume(struct reconcile *r)
{
    struct fabric_switch *sw = r->sw;

    if (!marker_watch_get_backlog(sw, r->marker, &r->revision)) {
        return false;
    }
    VLOG_INFO_RL(&rl, "%s: its flows are of revision %"PRIu64", by its "
                      "fingerprint; it is sent what has changed since then",
                 sw->host->name, r->revision);
    reconcile_forget_seen(r);
    sw->host->fabric->stats.n_reconciles_resumed++;
    go_live(r, false);
    return true;
}

/* The state is quiescent: the engine's state is the durable one.  The marker's
 * table has been read. */
static void
answer_cb(void *sw_)
{
    struct fabric_switch *sw = sw_;
    struct reconcile *r = *running(sw);
    struct fabric *f = sw->host->fabric;

    if (!sw->bundles.digest_known) {
        sw->bundles.digest = engine_host_digest(f->engine, sw->host->name);
        sw->bundles.digest_known = true;
    }
    r->only_marker = r->settling = false;
    if (!r->flows.n && !r->noted && resume(r)) {
        return;
    }
    if (r->flows.n || r->noted
        || r->marker != switch_marker_of(sw, sw->bundles.digest)) {
        reconcile_forget_seen(r);
        switch_expect(sw);
        read_all(r);
        return;
    }
    VLOG_INFO_RL(&rl, "%s: all desired flows are installed, by its "
                      "fingerprint",
                 sw->host->name);
    reconcile_forget_seen(r);
    f->stats.n_reconciles_unchanged++;
    f->stats.n_fingerprints_equal++;
    r->revision = f->last_revision;
    go_live(r, false);
}

/* The same, with all flows and groups.  The state stays quiescent while this
 * yields, but the switch may disconnect. */
static void
compare_cb(void *sw_)
{
    struct fabric_switch *sw = sw_;
    struct reconcile *r = *running(sw);
    bool on;

    r->comparing = true;
    on = reconcile_compare(r);
    r->comparing = false;
    if (!on) {
        destroy(r);
    } else if (sw->state != SWITCH_CHECKING) {
        sw->host->fabric->stats.n_reconciles_unchanged++;
        go_live(r, false);
    }
}

/* As a part of the session.  --------------------------------------------- */

static void
connected(struct fabric_switch *sw, void *state OVS_UNUSED)
{
    reconcile_start_if_ready(sw);
}

static void
reset(struct fabric_switch *sw, void *state OVS_UNUSED,
      const char *reason OVS_UNUSED)
{
    stop(sw);
}

static void
disconnected(struct fabric_switch *sw, void *state OVS_UNUSED)
{
    stop(sw);
}

static bool
is_owed(const struct fabric_switch *sw, const void *state OVS_UNUSED)
{
    const struct reconcile *r = *running(sw);

    return r && !r->settling;
}

const struct switch_part_class reconcile_part = {
    .name = "reconcile",
    .state_size = sizeof(struct reconcile *),
    .connected = connected,
    .reset = reset,
    .disconnected = disconnected,
    .message = message,
    .is_owed = is_owed,
};
