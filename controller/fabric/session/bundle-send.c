/* SPDX-License-Identifier: Apache-2.0
 *
 * Sends each host one bundle for a group of revisions, or for its backlog; see
 * bundle-send.h.  What a scope's hosts get (revision-diff.h) is encoded once
 * and, if it is large, sent by reference; it is not encoded while no host can
 * be sent anything, as at a start.  A host that would get too much for one
 * bundle gets it as its backlog, which is cut into parts (backlog-parts.h).
 *
 * Hosts get their bundles one after another, and the loop may run in between:
 * replies arrive while others have not been sent theirs, and switches connect
 * and disconnect.  Order in a bundle of a group: groups are added, flows are
 * added, flows are deleted, groups are deleted. */

#include <config.h>

#include "controller/fabric/session/bundle-send.h"

#include <stdlib.h>

#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/backlog-parts.h"
#include "controller/fabric/session/dependency-filter.h"
#include "controller/fabric/session/marker-watch.h"
#include "controller/fabric/session/marker.h"
#include "controller/fabric/session/receipts.h"
#include "controller/fabric/session/reported-flows.h"
#include "controller/fabric/session/revision-diff.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "openvswitch/ofpbuf.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofmsg.h"
#include "util.h"

/* Number of items between two yields. */
#define PAUSE_STEPS 64

/* Bytes of small messages that are collected before they are queued. */
#define GATHER_SIZE (32 * 1024)

/* Sending.  -------------------------------------------------------------- */

/* A bundle that is being sent: small blocks are collected, large ones are sent
 * by reference. */
struct out {
    struct fabric_switch *sw;
    struct ofpbuf gathered;
    size_t size;                /* Of all. */
    bool deletes;               /* It deletes flows. */
    bool more;                  /* It is a part, and another one follows. */
};

static void
out_flush(struct out *out)
{
    out->size += out->gathered.size;
    ofconn_send(out->sw->conn, out->gathered.data, out->gathered.size);
    ofpbuf_clear(&out->gathered);
}

static void
out_block(struct out *out, struct block *block)
{
    if (block->b.size < OFCONN_REF_MIN) {
        ofmsg_put(&out->gathered, block->b.data, block->b.size);
    } else {
        out_flush(out);
        block->n_refs++;
        out->size += block->b.size;
        ofconn_send_ref(out->sw->conn, block->b.data, block->b.size,
                        block_unref, block);
    }
}

/* Tells the parts that the bundle deletes a flow, if that is counted. */
static void
report_deleted(struct fabric_switch *sw, const struct flow_item *item)
{
    if (flow_item_is_counted_flow(item)) {
        const struct deleted_flow deleted = { item->key_hash, item->xid };

        SWITCH_CALL_PARTS(sw, flows_deleted, &deleted, 1);
    }
}

/* Sends the conditional withdrawals of a kind that apply to this host.
 * Returns how many there are. */
static unsigned
out_doubtful(struct out *out, const struct scope_diff *diff,
             enum flow_item_kind kind)
{
    const struct fabric_host *host = out->sw->host;
    unsigned n = 0;

    for (size_t i = 0; i < diff->n_doubtful; i++) {
        const struct flow_item *item = diff->doubtful[i];

        if (item->kind == kind
            && !ofmessage_find_desired(host->fabric->engine, host->name,
                                       item)) {
            flow_item_put_delete(item, &out->gathered);
            report_deleted(out->sw, item);
            n++;
        }
    }
    return n;
}

/* Sends all messages of 'phase'.  Returns how many there are. */
static unsigned
out_phase(struct out *out, int phase)
{
    const struct fabric_switch *sw = out->sw;
    unsigned n = 0;

    for (size_t i = 0; i < sw->bundles.n_diffs; i++) {
        struct scope_diff *diff = sw->bundles.diffs[i];

        while (scope_diff_encode_next(diff)) {
            continue;           /* Its switch connected later. */
        }
        if (diff->blocks[phase]) {
            out_block(out, diff->blocks[phase]);
            n += diff->blocks[phase]->n_messages;
        }
        if (phase >= FLOWS_DEL) {
            n += out_doubtful(out, diff, phase == FLOWS_DEL
                              ? FLOW_ITEM_FLOW : FLOW_ITEM_GROUP);
        }
    }
    return n;
}

static void
count_sent(struct fabric_stats *stats, const unsigned n[N_PHASES])
{
    stats->n_group_mods += n[GROUPS_ADD] + n[GROUPS_DEL];
    stats->n_flow_adds += n[FLOWS_ADD];
    stats->n_flow_deletes += n[FLOWS_DEL];
    stats->n_bundles++;
}

static void
out_begin(struct out *out, struct fabric_switch *sw)
{
    out->sw = sw;
    out->size = 0;
    out->deletes = out->more = false;
    ofpbuf_init(&out->gathered, 1024);
    ofmsg_put_bundle_open(&out->gathered, FLOW_ITEM_BUNDLE_ID,
                          ofconn_next_xid(sw->conn));
}

/* Sends the end of a bundle for the groups from 'first' to 'last'. */
static void
out_commit(struct out *out, uint64_t first, uint64_t last, uint64_t before)
{
    struct fabric_switch *sw = out->sw;
    uint32_t xid = ofconn_next_xid(sw->conn);

    if (!sw->bundles.unmarkable) {
        marker_append_add(&out->gathered, ofconn_next_xid(sw->conn),
                          out->more ? MARKER_NONE : switch_marker(sw));
    }
    ofmsg_put_bundle_commit(&out->gathered, FLOW_ITEM_BUNDLE_ID, xid);
    out_flush(out);
    bundles_add(sw, first, last, before, xid, out->size)->makes_room
        = out->deletes && switch_lacks_room(sw);
    ofpbuf_uninit(&out->gathered);
}

/* Tells the parts which groups with counted buckets the bundle changes. */
static void
report_groups(struct fabric_switch *sw)
{
    for (int added = 0; added <= 1; added++) {
        for (size_t i = 0; i < sw->bundles.n_diffs; i++) {
            const struct scope_diff *diff = sw->bundles.diffs[i];
            size_t n = added ? diff->n_added : diff->n_withdrawn;

            for (size_t j = 0; diff->counted_groups && j < n; j++) {
                const struct flow_item *item
                    = added ? diff->added[j] : diff->withdrawn[j];

                if (flow_item_is_counted_group(item)) {
                    SWITCH_CALL_PARTS(sw, group_changes, item, added);
                }
            }
        }
    }
}

/* Tells the parts which counted flows the bundle deletes in any case. */
static void
report_flows(struct fabric_switch *sw)
{
    for (size_t i = 0; i < sw->bundles.n_diffs; i++) {
        const struct scope_diff *diff = sw->bundles.diffs[i];

        if (diff->n_gone) {
            SWITCH_CALL_PARTS(sw, flows_deleted, diff->gone, diff->n_gone);
        }
    }
}

/* Returns the first revision that the reply to this group's bundle
 * acknowledges: its last; none, if the group has no revision. */
static uint64_t
first_answered(const struct revision_diff *gd)
{
    return MAX(gd->group->last_revision, gd->group->first_revision);
}

/* Sends the host its bundle.  Returns false if there is nothing in it. */
static bool
send_bundle(struct revision_diff *gd, struct fabric_switch *sw,
            uint64_t before)
{
    uint64_t last = gd->group->last_revision;
    unsigned n[N_PHASES], total = 0;
    struct out out;

    report_groups(sw);
    report_flows(sw);
    out_begin(&out, sw);
    for (int phase = 0; phase < N_PHASES; phase++) {
        n[phase] = out_phase(&out, phase);
        total += n[phase];
    }
    if (!total) {
        ofpbuf_uninit(&out.gathered);
        return false;
    }
    count_sent(&gd->fabric->stats, n);
    out.deletes = n[FLOWS_DEL] > 0;
    out_commit(&out, first_answered(gd), last, before);
    return true;
}

/* Later.  ---------------------------------------------------------------- */

/* Records what the host gets in this group in 'backlog'. */
static void
backlog_diffs(const struct revision_diff *gd, const struct fabric_switch *sw,
           struct backlog *backlog, uint64_t before)
{
    backlog_open_group(backlog, before, gd->group->last_revision);
    for (size_t i = 0; i < sw->bundles.n_diffs; i++) {
        const struct scope_diff *diff = sw->bundles.diffs[i];

        for (size_t j = 0; j < diff->n_withdrawn; j++) {
            const struct flow_item *item = diff->withdrawn[j];

            backlog_touch(backlog, item, true);
            if (switch_has_rejected(sw, item->xid)) {
                backlog_doubt(backlog, item);
            }
        }
    }
    for (size_t i = 0; i < sw->bundles.n_diffs; i++) {
        const struct scope_diff *diff = sw->bundles.diffs[i];

        for (size_t j = 0; j < diff->n_added; j++) {
            backlog_touch(backlog, diff->added[j], false);
        }
    }
}

/* Tells the parts that the bundle changes a group with counted buckets: 'sent'
 * and 'desired' may be NULL. */
static void
report_group(struct fabric_switch *sw, const struct flow_item *sent,
             const struct flow_item *desired)
{
    if (sent && flow_item_is_counted_group(sent)) {
        SWITCH_CALL_PARTS(sw, group_changes, sent, false);
    }
    if (desired && flow_item_is_counted_group(desired)) {
        SWITCH_CALL_PARTS(sw, group_changes, desired, true);
    }
}

/* Appends the message of a change.  Returns its phase. */
static int
append_change(struct fabric_switch *sw, const struct backlog_change *change,
              struct ofpbuf *b)
{
    const struct flow_item *sent = change->entry->sent;
    const struct flow_item *desired = change->desired;
    bool group = change->entry->key->kind == FLOW_ITEM_GROUP;

    report_group(sw, sent, desired);
    if (desired) {
        ofmsg_put(b, desired->send, desired->send_size);
        return group ? GROUPS_ADD : FLOWS_ADD;
    }
    flow_item_put_delete(sent, b);
    report_deleted(sw, sent);
    return group ? GROUPS_DEL : FLOWS_DEL;
}

/* Sends 'n' changes of the backlog as one bundle; if 'more' follow, the switch
 * has no marker until then. */
static void
send_changes(struct fabric_switch *sw, const struct backlog_change *changes,
             size_t n, bool more)
{
    const struct backlog *backlog = &sw->bundles.backlog;
    unsigned n_sent[N_PHASES] = { 0 };
    struct out out;

    out_begin(&out, sw);
    for (size_t i = 0; i < n; i++) {
        n_sent[append_change(sw, &changes[i], &out.gathered)]++;
        if (out.gathered.size >= GATHER_SIZE) {
            out_flush(&out);
        }
    }
    count_sent(&sw->host->fabric->stats, n_sent);
    out.deletes = n_sent[FLOWS_DEL] > 0;
    out.more = more;
    /* A part acknowledges nothing new. */
    out_commit(&out, more ? backlog->before : backlog->first,
               more ? backlog->before : backlog->last, backlog->before);
}

/* Removes the next 'n' changes, which were sent: the rest is sent when the
 * switch has acknowledged them, with what has changed by then. */
static void
keep_rest(struct backlog *backlog, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        backlog_remove(backlog, backlog->changes[backlog->next++].entry);
    }
    backlog->begun = true;
}

void
send_backlog(void *sw_)
{
    struct fabric_switch *sw = sw_;
    struct fabric *f = sw->host->fabric;
    struct backlog *backlog = &sw->bundles.backlog;
    size_t n, n_fitting;

    if (!backlog_find_changes(sw)) {
        return;                 /* The switch has disconnected. */
    }
    sw->bundles.flushing = false;
    n = backlog->n_changes - backlog->next;
    n_fitting = backlog_count_fitting(sw, f->max_bundle_items,
                                      f->max_bundle_bytes);
    if (n || backlog->begun) {
        send_changes(sw, &backlog->changes[backlog->next], n_fitting,
                     n_fitting < n);
    } else {
        /* Everything cancelled out, and no reply is outstanding. */
        receipts_confirm(f, sw->host, backlog->first, backlog->last);
    }
    if (n_fitting < n) {
        keep_rest(backlog, n_fitting);
    } else {
        f->stats.n_merged += backlog->n_groups - (n || backlog->begun);
        backlog_clear(backlog);
    }
    rejected_items_prune(sw);
}

static bool
has_work(const struct fabric_switch *sw)
{
    for (size_t i = 0; i < sw->bundles.n_diffs; i++) {
        const struct scope_diff *diff = sw->bundles.diffs[i];

        if (diff->n_added || diff->blocks[FLOWS_DEL]
            || diff->blocks[GROUPS_DEL] || diff->n_doubtful) {
            return true;
        }
    }
    return false;
}

/* Encodes the added items, if a switch can be sent them. */
static void
encode_diffs(struct revision_diff *gd)
{
    struct scope_diff *diff;
    bool any = false;

    for (size_t i = 0; i < gd->n_hosts; i++) {
        any |= gd->hosts[i]->sw->state == SWITCH_LIVE;
    }
    if (!any) {
        return;
    }
    HMAP_FOR_EACH (diff, node, &gd->diffs) {
        while (scope_diff_encode_next(diff)) {
            if (diff->n_encoded % PAUSE_STEPS == 0) {
                commit_yield(gd->fabric->commit);
            }
        }
    }
}

/* Opens the receipt with all hosts concerned before any is sent its bundle: a
 * reply may arrive before the last one is sent. */
static void
open_receipt(struct revision_diff *gd)
{
    struct fabric *f = gd->fabric;
    struct receipt *receipt = receipts_open(f, gd->group);

    if (!receipt) {
        receipts_acked_changed(f); /* An app may be late no longer. */
    }
    f->sending_before = f->last_revision;
    f->last_revision = gd->group->last_revision;
    for (size_t i = 0; i < gd->n_hosts; i++) {
        struct fabric_host *host = gd->hosts[i];

        host->sw->bundles.concerned = has_work(host->sw);
        if (host->sw->bundles.concerned && receipt) {
            receipts_add_host(receipt, host);
        }
    }
    receipts_close(f, receipt);
}

/* Returns true if what the host gets would hold its switch's main thread for
 * too long.  What is replaced counts twice: send_backlog() looks closer. */
static bool
is_too_much(const struct fabric_switch *sw)
{
    const struct fabric *f = sw->host->fabric;
    size_t n = 0, size = 0;

    for (size_t i = 0; i < sw->bundles.n_diffs; i++) {
        const struct scope_diff *diff = sw->bundles.diffs[i];

        n += diff->n_added + diff->n_withdrawn;
        for (int phase = 0; phase < N_PHASES; phase++) {
            size += diff->blocks[phase] ? diff->blocks[phase]->b.size : 0;
        }
    }
    return n > f->max_bundle_items || size > f->max_bundle_bytes;
}

/* Has the host sent what it gets in this group later, as a part of its
 * backlog. */
static void
put_off(struct revision_diff *gd, struct fabric_switch *sw, uint64_t before)
{
    backlog_diffs(gd, sw, &sw->bundles.backlog, before);
    gd->fabric->stats.n_put_off++;
    bundles_flush(sw);
}

static void
send_host(struct revision_diff *gd, struct fabric_host *host)
{
    struct fabric *f = gd->fabric;
    struct fabric_switch *sw = host->sw;
    struct backlog *touched = sw->bundles.touched;
    uint64_t before = f->sending_before, last = gd->group->last_revision;

    for (size_t i = 0; i < sw->bundles.n_diffs; i++) {
        sw->bundles.digest += sw->bundles.diffs[i]->digest;
    }
    if (sw->bundles.concerned && touched) {
        backlog_diffs(gd, sw, touched, before);
    }
    if (sw->bundles.concerned && sw->state == SWITCH_OBSERVED) {
        marker_watch_group(sw, before, last);
    } else if (sw->bundles.concerned && sw->state == SWITCH_LIVE
        && backlog_is_empty(&sw->bundles.backlog) && !switch_is_busy(sw)
        && !is_too_much(sw)) {
        if (!send_bundle(gd, sw, before)) {
            /* It has not changed. */
            receipts_confirm(f, host, first_answered(gd), last);
        }
    } else if (sw->bundles.concerned && (sw->state == SWITCH_LIVE
                                 || sw->state == SWITCH_CHECKING)) {
        put_off(gd, sw, before);
    } else if (sw->bundles.concerned) {
        marker_watch_group(sw, before, last);
    }
    sw->bundles.concerned = false;
    sw->bundles.n_diffs = 0;
}

void
send_group(struct fabric *f, const struct commit_group *group)
{
    struct revision_diff gd;

    revision_diff_init(&gd, f, group);
    encode_diffs(&gd);
    open_receipt(&gd);
    for (size_t i = 0; i < gd.n_hosts; i++) {
        send_host(&gd, gd.hosts[i]);
        commit_yield(f->commit);
    }
    for (size_t i = 0; i < gd.n_hosts; i++) {
        rejected_items_prune(gd.hosts[i]->sw);
    }
    revision_diff_uninit(&gd);
}
