/* SPDX-License-Identifier: Apache-2.0
 *
 * The OpenFlow session of one host: what state it is in, and which bundles are
 * under way.  What it refuses is for faults.c.
 *
 * A bundle is acknowledged by the reply to its commit, if no message of it got
 * an error: a message that is refused when it is added does not keep the
 * commit from succeeding.  Since a switch answers in order, an error belongs
 * to the oldest bundle that is not answered yet. */

#include <config.h>

#include "controller/fabric/session/switch.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/counters/counters.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/packets/learned-connections.h"
#include "controller/fabric/packets/packets.h"
#include "controller/fabric/receipts.h"
#include "controller/fabric/session/conntrack-flush.h"
#include "controller/fabric/session/flow-format.h"
#include "controller/fabric/session/marker.h"
#include "openvswitch/ofp-bundle.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofmsg.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(switch);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(20, 60);

static void stall_cb(evutil_socket_t, short, void *sw);

struct fabric_switch *
switch_create(struct fabric_host *host)
{
    struct fabric_switch *sw = xzalloc(sizeof *sw);

    sw->host = host;
    sw->since_ms = time_wall_msec();
    sw->frozen = true;
    ovs_list_init(&sw->sent);
    ovs_list_init(&sw->notes);
    backlog_init(&sw->backlog);
    trouble_init(sw);
    sw->stall = event_new(host->fabric->base, -1, 0, stall_cb, sw);
    counters_switch_create(sw);
    return sw;
}

/* Bundles.  -------------------------------------------------------------- */

/* Tells whoever begins groups whether hosts keep up.  One that does not answer
 * at all is not waited for, whoever it is: there are others. */
static void
count_owing(struct fabric *f, int change)
{
    f->n_owing += change;
    commit_set_behind(f->commit, f->n_owing > f->stats.n_connected / 2);
}

struct sent_bundle *
switch_new_bundle(struct fabric_switch *sw, uint64_t first, uint64_t revision,
                  uint64_t before, uint32_t commit_xid, size_t size)
{
    struct sent_bundle *bundle = xzalloc(sizeof *bundle);

    budget_note_wanted(sw);
    bundle->first = first;
    bundle->revision = revision;
    bundle->before = before;
    bundle->commit_xid = commit_xid;
    bundle->size = size;
    bundle->n_refusals = hmap_count(&sw->refusals);
    if (!sw->n_sent) {
        switch_expect(sw);
        count_owing(sw->host->fabric, 1);
    }
    ovs_list_push_back(&sw->sent, &bundle->node);
    sw->n_sent++;
    sw->sent_bytes += size;
    sw->sent_revision = MAX(sw->sent_revision, revision);
    return bundle;
}

static void
drop_bundles(struct fabric_switch *sw)
{
    struct sent_bundle *bundle;

    LIST_FOR_EACH_POP (bundle, node, &sw->sent) {
        free(bundle->failed);
        free(bundle);
    }
    if (sw->n_sent) {
        count_owing(sw->host->fabric, -1);
    }
    sw->n_sent = sw->sent_bytes = 0;
}

bool
switch_is_busy(const struct fabric_switch *sw)
{
    const struct fabric *f = sw->host->fabric;

    return (sw->n_sent >= f->max_bundles || sw->sent_bytes >= f->max_bytes);
}

/* The backlog waits until all is answered: the longer a switch takes, the more
 * is merged. */
void
switch_flush(struct fabric_switch *sw)
{
    if (sw->state == SWITCH_LIVE && !sw->n_sent && !sw->flushing
        && !backlog_is_empty(&sw->backlog)) {
        sw->flushing = true;
        commit_when_quiescent(sw->host->fabric->commit, send_backlog, sw);
    }
}

static struct sent_bundle *
oldest_bundle(const struct fabric_switch *sw)
{
    return (ovs_list_is_empty(&sw->sent) ? NULL
            : CONTAINER_OF(ovs_list_front(&sw->sent), struct sent_bundle,
                           node));
}

uint64_t
switch_marker_of(const struct fabric_switch *sw, uint64_t digest)
{
    return marker_cookie(&sw->host->fabric->marker_key, sw->host->name,
                         digest);
}

uint64_t
switch_marker(const struct fabric_switch *sw)
{
    return (hmap_is_empty(&sw->refusals) && !sw->unmarkable
            ? switch_marker_of(sw, sw->digest) : MARKER_NONE);
}

uint64_t
switch_acked(const struct fabric_switch *sw)
{
    const struct sent_bundle *bundle = oldest_bundle(sw);

    return (sw->frozen ? sw->acked
            : bundle ? bundle->before
            : !backlog_is_empty(&sw->backlog) ? sw->backlog.before
            : sw->concerned ? sw->host->fabric->sending_before
            : sw->host->fabric->last_revision);
}

void
switch_freeze(struct fabric_switch *sw)
{
    sw->acked = switch_acked(sw);
    sw->frozen = true;
    /* Nothing is owed any more but all that is wanted. */
    commit_cancel_when_quiescent(sw->host->fabric->commit, send_backlog, sw);
    sw->flushing = false;
    backlog_clear(&sw->backlog);
}

/* Stalling.  ------------------------------------------------------------- */

static void
set_stall_timer(struct fabric_switch *sw, int64_t ms)
{
    const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

    event_add(sw->stall, &tv);
}

void
switch_expect(struct fabric_switch *sw)
{
    sw->progress_ms = time_msec();
    if (!event_pending(sw->stall, EV_TIMEOUT, NULL)) {
        set_stall_timer(sw, sw->host->fabric->stall_ms);
    }
}

void
switch_stalled(struct fabric_switch *sw, const char *reason)
{
    char *text = xasprintf("stalled: %s", reason);

    sw->host->fabric->stats.n_stalls++;
    sw->n_stalls++;
    switch_detach(sw, text);
    free(sw->trouble);
    sw->trouble = text;
    switch_start_rest(sw);
}

/* Not set anew with each answer: it looks when the last one came. */
static void
stall_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *sw_)
{
    struct fabric_switch *sw = sw_;
    int64_t silent_ms = time_msec() - sw->progress_ms;
    int limit = sw->host->fabric->stall_ms;
    struct ofconn *conn = sw->conn;
    char *reason;

    if (!sw->n_sent && !reconcile_is_owed(sw) && !audit_is_owed(sw)
        && !counters_are_owed(sw) && !learned_are_owed(sw)
        && !conntrack_flush_is_owed(sw) && !punts_are_owed(sw)) {
        return;
    } else if (silent_ms < limit) {
        set_stall_timer(sw, limit - silent_ms);
        return;
    }
    reason = xasprintf("no answer for %d ms to what it was sent", limit);
    VLOG_WARN_RL(&rl, "%s: cut off: %s", sw->host->name, reason);
    switch_stalled(sw, reason);
    free(reason);
    ofconn_set_aux(conn, NULL);
    ofconn_close(conn);
}

/* Coming and going.  ----------------------------------------------------- */

/* Forgets all that belongs to a connection. */
static void
reset(struct fabric_switch *sw)
{
    if (sw->state == SWITCH_LIVE || sw->reconcile) {
        /* It rested before another try at what was refused.  The next
         * connection tries that anyway. */
        event_del(sw->rest);
        sw->resting = false;
    }
    switch_freeze(sw);
    reconcile_stop(sw);
    packets_disconnected(sw);
    counters_disconnected(sw);
    learned_disconnected(sw);
    conntrack_flush_disconnected(sw);
    sampling_meters_disconnected(sw);
    punts_disconnected(sw);
    punts_counts_disconnected(sw);
    audit_stop(sw, "its switch is gone");
    /* Some were perhaps committed, and the errors lost; or its marker is one
     * that it did not let us change. */
    sw->doubtful |= sw->n_sent > 0 || sw->unmarkable;
    drop_bundles(sw);
    event_del(sw->stall);
    event_del(sw->pause);
    sw->n_tries = 0;
    sw->unmarkable = false;
    switch_clear_refusals(sw);
    sw->state = SWITCH_OFFLINE;
    sw->since_ms = time_wall_msec();
    fabric_host_changed(sw->host);
}

void
switch_detach(struct fabric_switch *sw, const char *reason)
{
    struct fabric *f = sw->host->fabric;

    reset(sw);
    sw->conn = NULL;
    f->stats.n_connected--;
    free(sw->error);
    sw->error = xstrdup(reason);
    receipts_acked_changed(f);
}

void
switch_set_error(struct fabric_switch *sw, const char *format, ...)
{
    va_list args;

    if (!sw->conn) {
        free(sw->error);
        va_start(args, format);
        sw->error = xvasprintf(format, args);
        va_end(args);
        fabric_host_changed(sw->host);
    }
}

void
switch_disconnect(struct fabric_switch *sw, const char *reason)
{
    struct ofconn *conn = sw->conn;

    if (conn) {
        VLOG_INFO_RL(&rl, "%s: closing its switch's connection: %s",
                     sw->host->name, reason);
        switch_detach(sw, reason);
        ofconn_set_aux(conn, NULL);
        ofconn_close(conn);
    }
}

void
switch_give_up(struct fabric_switch *sw, const char *reason)
{
    char *trouble = xstrdup(reason);    /* It may be the one of before. */

    switch_disconnect(sw, trouble);
    free(sw->trouble);
    sw->trouble = trouble;
    switch_start_rest(sw);
}

void
switch_attach(struct fabric_switch *sw, struct ofconn *conn)
{
    /* A switch has one connection: an older one is dead without knowing. */
    switch_disconnect(sw, "replaced by a newer connection");
    sw->conn = conn;
    ofconn_set_aux(conn, sw);
    ofconn_set_identified(conn);
    sw->state = SWITCH_WAITING;
    sw->since_ms = time_wall_msec();
    fabric_host_changed(sw->host);
    sw->host->fabric->stats.n_connected++;
    sw->host->fabric->stats.n_openflow_opened++;
    free(sw->error);
    sw->error = NULL;
    sampling_meters_connected(sw);
    punts_connected(sw);
    conntrack_flush_connected(sw);
    switch_start(sw);
}

void
switch_rematch(struct fabric_switch *sw)
{
    struct fabric_host *host = sw->host;
    struct ofconn *conn;

    switch_disconnect(sw, "its host reports another datapath id");
    if (host->datapath_id) {
        conn = switch_listener_take_stray(host);
        if (conn) {
            switch_listener_attach(host, conn);
        }
    }
}

void
switch_start(struct fabric_switch *sw)
{
    if (sw->state == SWITCH_WAITING && sw->host->reported && !sw->resting) {
        reconcile_request_marker(sw);
    }
}

void
switch_destroy(struct fabric_switch *sw, const char *reason)
{
    if (sw) {
        switch_disconnect(sw, reason);
        reset(sw);
        packets_switch_destroy(sw);
        counters_switch_destroy(sw);
        punts_counts_destroy(sw);
        conntrack_flush_switch_destroy(sw);
        backlog_uninit(&sw->backlog);
        trouble_uninit(sw);
        event_free(sw->stall);
        json_decref(sw->audited.differences);
        json_decref(sw->audited.owners);
        free(sw->error);
        free(sw->trouble);
        free(sw->diffs);
        free(sw);
    }
}

/* Messages.  ------------------------------------------------------------- */

void
switch_reconciled(struct fabric_switch *sw, uint64_t revision)
{
    struct fabric *f = sw->host->fabric;

    sw->frozen = false;
    sw->doubtful = false;
    sw->n_tries = 0;
    sw->sent_revision = MAX(sw->sent_revision, revision);
    if (hmap_is_empty(&sw->refusals)) {
        sw->partial = false;
        sw->rest_ms = 0;
        event_del(sw->rest);
        sw->resting = false;
        free(sw->trouble);
        sw->trouble = NULL;
    } else if (!sw->resting) {
        switch_start_rest(sw);
    }
    fabric_host_changed(sw->host);
    receipts_confirm_all(f, sw->host, revision, sw->trouble);
}

void
switch_unmark(struct fabric_switch *sw)
{
    struct ofpbuf b;

    ofpbuf_init(&b, 128);
    marker_append_flow_mod(&b, ofconn_next_xid(sw->conn), MARKER_NONE);
    ofconn_send(sw->conn, b.data, b.size);
    ofpbuf_uninit(&b);
}

/* The oldest bundle has failed: mends it.  Its marker goes first: should this
 * process end before, the next one is to look for itself. */
static void
bundle_failed(struct fabric_switch *sw, const struct sent_bundle *bundle)
{
    receipts_fail(sw->host->fabric, sw->host, bundle->first,
                  bundle->revision, bundle->failed);
    free(sw->trouble);
    sw->trouble = xstrdup(bundle->failed);
    fabric_host_changed(sw->host);
    switch_unmark(sw);
    sw->doubtful = true;
    if (sw->state != SWITCH_LIVE) {
        return;                 /* It is being mended. */
    }
    if (!bundle->reconcile) {
        switch_mend(sw);
    } else {
        switch_try_again(sw,
                         hmap_count(&sw->refusals) > bundle->n_refusals);
    }
}

/* The switch has answered the commit of its oldest bundle. */
static void
bundle_done(struct fabric_switch *sw)
{
    struct sent_bundle *bundle = oldest_bundle(sw);

    if (bundle->failed) {
        switch_freeze(sw);
    }
    ovs_list_remove(&bundle->node);
    sw->n_sent--;
    sw->sent_bytes -= bundle->size;
    sw->progress_ms = time_msec();
    if (!sw->n_sent) {
        count_owing(sw->host->fabric, -1);
    }
    if (bundle->failed) {
        bundle_failed(sw, bundle);
    } else if (bundle->reconcile) {
        /* If it is not live, another reconciling has begun, or is to begin,
         * since then: what this one left out is no longer known, and that one
         * says what the switch holds. */
        if (sw->state == SWITCH_LIVE) {
            switch_reconciled(sw, bundle->revision);
        }
    } else {
        receipts_confirm(sw->host->fabric, sw->host, bundle->first,
                         bundle->revision);
        if (bundle->makes_room && sw->state == SWITCH_LIVE) {
            switch_clear_refusals(sw);
            switch_mend(sw);
        } else {
            switch_drop_refusals(sw);
        }
    }
    free(bundle->failed);
    free(bundle);
    switch_flush(sw);
}

static void
handle_error(struct fabric_switch *sw, const struct ofp_header *oh)
{
    struct sent_bundle *bundle = oldest_bundle(sw);
    uint32_t xid = ofmsg_error_xid(oh);

    if (!bundle) {
        VLOG_WARN_RL(&rl, "%s: unexpected error %s", sw->host->name,
                     ofmsg_error_name(oh));
        return;
    }
    if (xid != bundle->commit_xid) {
        if (bundle->reconcile) {
            switch_note_refusal(sw, xid, oh);
        } else {
            switch_name_refusal(sw, xid, oh);
        }
        free(bundle->failed);
        bundle->failed = xstrdup(sw->trouble);
        return;
    }
    if (!bundle->failed) {
        bundle->failed = xasprintf("the commit was refused with %s",
                                   ofmsg_error_name(oh));
    }
    bundle_done(sw);
}

static void
handle_bundle_reply(struct fabric_switch *sw, const struct ofp_header *oh)
{
    struct sent_bundle *bundle = oldest_bundle(sw);
    uint32_t bundle_id;
    uint16_t type;

    if (!ofmsg_decode_bundle_reply(oh, &type, &bundle_id)) {
        switch_give_up(sw, "malformed bundle reply");
    } else if (type == OFPBCT_COMMIT_REPLY) {
        if (!bundle || ntohl(oh->xid) != bundle->commit_xid) {
            switch_give_up(sw, "reply to a commit that was not sent");
        } else {
            bundle_done(sw);
        }
    }
}

void
switch_message(struct fabric_switch *sw, enum ofptype type,
               const struct ofp_header *oh)
{
    if (packets_message(sw, type, oh)
        || sampling_meters_message(sw, type, oh)) {
        return;
    } else if (type == OFPTYPE_ERROR && ofmsg_error_is_known_meter(oh)) {
        sw->progress_ms = time_msec(); /* A flow's limit was there already. */
    } else if (sw->reconcile && reconcile_message(sw, type, oh)) {
        sw->progress_ms = time_msec();
    } else if (sw->audit && audit_message(sw, type, oh)) {
        sw->progress_ms = time_msec();
    } else if (counters_message(sw, type, oh)
               || learned_message(sw, type, oh)
               || conntrack_flush_message(sw, type, oh)) {
        sw->progress_ms = time_msec();
    } else if (type == OFPTYPE_ERROR) {
        handle_error(sw, oh);
    } else if (type == OFPTYPE_BUNDLE_CONTROL) {
        handle_bundle_reply(sw, oh);
    }
}

/* Showing.  -------------------------------------------------------------- */

const char *
switch_state_name(const struct fabric_switch *sw, const char **reason)
{
    *reason = NULL;
    switch (sw->state) {
    case SWITCH_OFFLINE:
        *reason = sw->error ? sw->error : "its switch has not connected";
        return "offline";
    case SWITCH_WAITING:
        if (switch_is_pausing(sw)) {
            *reason = sw->trouble;
            return "diverged";
        }
        *reason = "its database has not reported yet";
        return "connecting";
    case SWITCH_READING:
    case SWITCH_CHECKING:
        *reason = "its flows are being compared";
        return "reconciling";
    case SWITCH_LIVE:
    default:
        if (sw->frozen) {
            *reason = "its flows are being brought up to date";
            return "reconciling";
        } else if (!hmap_is_empty(&sw->refusals)) {
            *reason = sw->trouble;
            return "diverged";
        } else if (!backlog_is_empty(&sw->backlog)) {
            *reason = "it is slow: revisions wait for its answers";
        }
        return "synced";
    }
}

json_t *
switch_status(const struct fabric_switch *sw)
{
    return json_pack("{s:s, s:o, s:s*, s:s*, s:I, s:I, s:I, s:I, s:I, s:I}",
                     "state", sw->conn ? "connected" : "disconnected",
                     "since", time_to_text(sw->since_ms),
                     "peer", sw->conn ? ofconn_peer(sw->conn) : NULL,
                     "error", sw->error,
                     "outstanding_bundles", (json_int_t) sw->n_sent,
                     "outstanding_bytes", (json_int_t) sw->sent_bytes,
                     "queued_bytes", (json_int_t) (
                         sw->conn ? ofconn_queued(sw->conn) : 0),
                     "merging", (json_int_t) sw->backlog.n_groups,
                     "refused", (json_int_t) hmap_count(&sw->refusals),
                     "stalls", (json_int_t) sw->n_stalls);
}
