/* SPDX-License-Identifier: Apache-2.0
 *
 * Tracks the bundles sent to a switch, and what it has acknowledged.  Not for
 * rejected items (rejected-items.c).
 *
 * A bundle is acknowledged by the reply to its commit, if no message of it got
 * an error: a message that is rejected when it is added does not keep the
 * commit from succeeding.  Since a switch replies in order, an error belongs
 * to the oldest bundle without a reply. */

#include <config.h>

#include "controller/fabric/session/bundle-acks.h"

#include <stdlib.h>

#include "controller/commit/commit.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/bundle-send.h"
#include "controller/fabric/session/marker.h"
#include "controller/fabric/session/receipts.h"
#include "controller/fabric/session/rejected-items.h"
#include "controller/fabric/session/switch-budget.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "openvswitch/ofp-bundle.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofmsg.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(bundle_acks);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(20, 60);

/* Under way.  ------------------------------------------------------------ */

/* Tells the commit whether hosts keep up.  A host that does not reply at all
 * does not delay the others. */
static void
count_owing(struct fabric *f, int change)
{
    f->n_owing += change;
    commit_set_behind(f->commit, f->n_owing > f->stats.n_connected / 2);
}

struct sent_bundle *
bundles_add(struct fabric_switch *sw, uint64_t first, uint64_t revision,
            uint64_t before, uint32_t commit_xid, size_t size)
{
    struct sent_bundle *bundle = xzalloc(sizeof *bundle);
    struct switch_bundles *b = &sw->bundles;

    switch_budget_note_desired(sw);
    bundle->first = first;
    bundle->revision = revision;
    bundle->before = before;
    bundle->commit_xid = commit_xid;
    bundle->size = size;
    bundle->n_rejected = hmap_count(&sw->rejected.items);
    if (!b->n_sent) {
        switch_expect(sw);
        count_owing(sw->host->fabric, 1);
    }
    ovs_list_push_back(&b->sent, &bundle->node);
    b->n_sent++;
    b->sent_bytes += size;
    b->sent_revision = MAX(b->sent_revision, revision);
    return bundle;
}

/* The backlog waits for all replies: the slower a switch is, the more is
 * merged. */
void
bundles_flush(struct fabric_switch *sw)
{
    struct switch_bundles *b = &sw->bundles;

    if (sw->state == SWITCH_LIVE && !b->n_sent && !b->flushing
        && !backlog_is_empty(&b->backlog)) {
        b->flushing = true;
        commit_when_quiescent(sw->host->fabric->commit, send_backlog, sw);
    }
}

/* From now on switch_acked() stays the same until bundles_reconciled(). */
static void
freeze(struct fabric_switch *sw)
{
    struct switch_bundles *b = &sw->bundles;

    b->acked = switch_acked(sw);
    b->frozen = true;
    /* No replies are outstanding; the whole desired state is to be sent. */
    commit_cancel_when_quiescent(sw->host->fabric->commit, send_backlog, sw);
    b->flushing = false;
    backlog_clear(&b->backlog);
}

void
bundles_reconciled(struct fabric_switch *sw, uint64_t revision)
{
    struct switch_bundles *b = &sw->bundles;

    b->frozen = false;
    b->doubtful = false;
    b->sent_revision = MAX(b->sent_revision, revision);
    rejected_items_reconciled(sw);
    fabric_host_changed(sw->host);
    receipts_confirm_all(sw->host->fabric, sw->host, revision,
                         sw->rejected.text);
}

/* Answers.  -------------------------------------------------------------- */

/* Sets the marker to MARKER_NONE: a message was rejected. */
static void
unmark(struct fabric_switch *sw)
{
    struct ofpbuf b;

    ofpbuf_init(&b, 128);
    marker_append_flow_mod(&b, ofconn_next_xid(sw->conn), MARKER_NONE);
    ofconn_send(sw->conn, b.data, b.size);
    ofpbuf_uninit(&b);
}

/* The oldest bundle has failed: schedules a repair.  Its marker is removed
 * first: if this process ends before the repair, the next one must read all
 * flows. */
static void
bundle_failed(struct fabric_switch *sw, const struct sent_bundle *bundle)
{
    receipts_fail(sw->host->fabric, sw->host, bundle->first,
                  bundle->revision, bundle->failed);
    rejected_items_set_text(sw, bundle->failed);
    fabric_host_changed(sw->host);
    unmark(sw);
    sw->bundles.doubtful = true;
    if (sw->state != SWITCH_LIVE) {
        return;                 /* The repair is in progress. */
    }
    if (!bundle->reconcile) {
        rejected_items_repair(sw);
    } else {
        rejected_items_try_again(sw, (hmap_count(&sw->rejected.items)
                                      > bundle->n_rejected));
    }
}

static void
bundle_succeeded(struct fabric_switch *sw, const struct sent_bundle *bundle)
{
    if (bundle->reconcile) {
        /* If it is not live, another reconciling has started, or will, since
         * then: what this one left out is no longer known, and the other one
         * determines what the switch has installed. */
        if (sw->state == SWITCH_LIVE) {
            bundles_reconciled(sw, bundle->revision);
        }
        return;
    }
    receipts_confirm(sw->host->fabric, sw->host, bundle->first,
                     bundle->revision);
    if (bundle->makes_room && sw->state == SWITCH_LIVE) {
        rejected_items_clear(sw);
        rejected_items_repair(sw);
    } else {
        rejected_items_prune_acked(sw);
    }
}

/* Handles the reply to the commit of the oldest bundle. */
static void
bundle_done(struct fabric_switch *sw)
{
    struct sent_bundle *bundle = switch_oldest_bundle(sw);
    struct switch_bundles *b = &sw->bundles;

    if (bundle->failed) {
        freeze(sw);
    }
    ovs_list_remove(&bundle->node);
    b->n_sent--;
    b->sent_bytes -= bundle->size;
    if (!b->n_sent) {
        count_owing(sw->host->fabric, -1);
    }
    if (bundle->failed) {
        bundle_failed(sw, bundle);
    } else {
        bundle_succeeded(sw, bundle);
    }
    if (!bundle->failed) {
        SWITCH_CALL_PARTS(sw, installed);
    }
    free(bundle->failed);
    free(bundle);
    bundles_flush(sw);
}

static enum switch_message
handle_error(struct fabric_switch *sw, const struct ofp_header *oh)
{
    struct sent_bundle *bundle = switch_oldest_bundle(sw);
    uint32_t xid = ofmsg_error_xid(oh);

    if (!bundle) {
        VLOG_WARN_RL(&rl, "%s: unexpected error %s", sw->host->name,
                     ofmsg_error_name(oh));
        return SWITCH_MESSAGE_TAKEN;
    }
    if (xid != bundle->commit_xid) {
        if (bundle->reconcile) {
            rejected_items_add(sw, xid, oh);
        } else {
            rejected_items_set_name(sw, xid, oh);
        }
        free(bundle->failed);
        bundle->failed = xstrdup(sw->rejected.text);
        return SWITCH_MESSAGE_TAKEN;
    }
    if (!bundle->failed) {
        bundle->failed = xasprintf("the commit was rejected with %s",
                                   ofmsg_error_name(oh));
    }
    bundle_done(sw);
    return SWITCH_MESSAGE_ANSWER;
}

static enum switch_message
handle_bundle_reply(struct fabric_switch *sw, const struct ofp_header *oh)
{
    struct sent_bundle *bundle = switch_oldest_bundle(sw);
    uint32_t bundle_id;
    uint16_t type;

    if (!ofmsg_decode_bundle_reply(oh, &type, &bundle_id)) {
        switch_give_up(sw, "malformed bundle reply");
    } else if (type == OFPBCT_COMMIT_REPLY) {
        if (!bundle || ntohl(oh->xid) != bundle->commit_xid) {
            switch_give_up(sw, "reply to a commit that was not sent");
        } else {
            bundle_done(sw);
            return SWITCH_MESSAGE_ANSWER;
        }
    }
    return SWITCH_MESSAGE_TAKEN;
}

/* As a part of the session.  --------------------------------------------- */

static void
init(struct fabric_switch *sw, void *state OVS_UNUSED)
{
    sw->bundles.frozen = true;
    ovs_list_init(&sw->bundles.sent);
    backlog_init(&sw->bundles.backlog);
}

static void
reset(struct fabric_switch *sw, void *state OVS_UNUSED,
      const char *reason OVS_UNUSED)
{
    freeze(sw);
}

/* Errors of what is under way will not be heard of: has whoever is the master
 * next read all flows. */
static void
released(struct fabric_switch *sw, void *state OVS_UNUSED)
{
    if (sw->bundles.n_sent && !sw->bundles.unmarkable) {
        unmark(sw);
    }
}

/* Some may have been committed, and the errors lost; or its marker is one that
 * vmnd must not change. */
static void
disconnected(struct fabric_switch *sw, void *state OVS_UNUSED)
{
    struct switch_bundles *b = &sw->bundles;
    struct sent_bundle *bundle;

    freeze(sw);
    b->doubtful |= b->n_sent > 0 || b->unmarkable;
    LIST_FOR_EACH_POP (bundle, node, &b->sent) {
        free(bundle->failed);
        free(bundle);
    }
    if (b->n_sent) {
        count_owing(sw->host->fabric, -1);
    }
    b->n_sent = b->sent_bytes = 0;
    b->unmarkable = false;
}

static void
destroy(struct fabric_switch *sw, void *state OVS_UNUSED)
{
    backlog_uninit(&sw->bundles.backlog);
    free(sw->bundles.diffs);
}

static enum switch_message
message(struct fabric_switch *sw, void *state OVS_UNUSED, enum ofptype type,
        const struct ofp_header *oh)
{
    return (type == OFPTYPE_ERROR ? handle_error(sw, oh)
            : type == OFPTYPE_BUNDLE_CONTROL ? handle_bundle_reply(sw, oh)
            : SWITCH_MESSAGE_OTHER);
}

static bool
is_owed(const struct fabric_switch *sw, const void *state OVS_UNUSED)
{
    return sw->bundles.n_sent > 0;
}

const struct switch_part_class bundles_part = {
    .name = "bundles",
    .init = init,
    .released = released,
    .reset = reset,
    .disconnected = disconnected,
    .destroy = destroy,
    .message = message,
    .is_owed = is_owed,
};
