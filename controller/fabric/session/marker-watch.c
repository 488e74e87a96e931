/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks an observed switch to tell of its marker, by a flow monitor
 * (OFPMP_FLOW_MONITOR, since OpenFlow 1.4), which a slave of Open vSwitch may
 * have; see marker-watch.h.  A switch that refuses counts as one that has
 * installed nothing new. */

#include <config.h>

#include "controller/fabric/session/marker-watch.h"

#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/marker-history.h"
#include "controller/fabric/session/marker.h"
#include "controller/fabric/session/receipts.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "openvswitch/ofp-monitor.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofmsg.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(marker_watch);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 60);

#define MONITOR_ID 1
/* A master that has not brought it up to date for so long does not do so. */
#define LATE_MS 10000

/* The part's state of a switch. */
struct marker_watch {
    uint64_t conn_id;           /* Of the connection that has the monitor. */
    uint32_t xid;               /* Of the request; 0: none was sent. */
    uint64_t marker;            /* What the switch has; or MARKER_NONE. */
    struct marker_history history; /* What it is not known to have. */
    int64_t frozen_ms;          /* Since when it is not what is desired. */
};

static struct marker_watch *
get_watch(const struct fabric_switch *sw)
{
    return switch_part_state(sw, &marker_watch_part);
}

/* Acknowledgements.  ------------------------------------------------------ */

static void
set_marked(struct fabric_switch *sw, bool marked)
{
    if (sw->bundles.marked != marked) {
        sw->bundles.marked = marked;
        fabric_host_changed(sw->host);
    }
}

/* Has 'acked' say what the switch has acknowledged, whatever comes next. */
static void
freeze(struct fabric_switch *sw, uint64_t acked)
{
    if (!sw->bundles.frozen) {
        sw->bundles.acked = acked;
        sw->bundles.frozen = true;
        get_watch(sw)->frozen_ms = time_msec();
    }
}

/* The switch has what is desired of it up to revision 'last'. */
static void
set_equal(struct fabric_switch *sw, struct marker_watch *watch, uint64_t last)
{
    uint64_t first = sw->bundles.frozen ? sw->bundles.acked : last;

    sw->bundles.frozen = false;
    marker_history_begin(&watch->history, watch->marker);
    receipts_confirm(sw->host->fabric, sw->host, first, last);
    set_marked(sw, true);
    switch_settled(sw);
}

/* Has the newest group of these whose state the switch has acknowledged. */
static void
find_group(struct fabric_switch *sw, struct marker_watch *watch)
{
    uint64_t last;

    if (marker_history_reach(&watch->history, watch->marker, &last)) {
        receipts_confirm(sw->host->fabric, sw->host, sw->bundles.acked, last);
        sw->bundles.acked = last;
        watch->frozen_ms = time_msec();
        set_marked(sw, true);
    }
}

/* Heeds the marker.  What is desired now is of revision 'last'. */
static void
compare(struct fabric_switch *sw, struct marker_watch *watch, uint64_t last)
{
    if (watch->marker == MARKER_NONE) {
        /* The writer is about to set one, or the switch rejects something. */
        freeze(sw, switch_acked(sw));
        set_marked(sw, false);
    } else if (watch->marker == switch_marker_of(sw, sw->bundles.digest)) {
        set_equal(sw, watch, last);
    } else {
        find_group(sw, watch);
    }
}

void
marker_watch_group(struct fabric_switch *sw, uint64_t before, uint64_t last)
{
    struct marker_watch *watch = get_watch(sw);

    if (sw->state != SWITCH_OBSERVED
        && !marker_history_is_begun(&watch->history)) {
        return;
    }
    marker_history_add(&watch->history, before, last,
                       switch_marker_of(sw, sw->bundles.digest),
                       sw->bundles.diffs, sw->bundles.n_diffs);
    if (sw->state == SWITCH_OBSERVED) {
        freeze(sw, before);
        compare(sw, watch, last);
    }
}

bool
marker_watch_get_backlog(struct fabric_switch *sw, uint64_t marker,
                         uint64_t *acked)
{
    return marker_history_get_backlog(&get_watch(sw)->history, marker,
                                      &sw->bundles.backlog, acked);
}

void
marker_watch_forget(struct fabric_switch *sw)
{
    marker_history_begin(&get_watch(sw)->history, MARKER_NONE);
}

bool
marker_watch_is_late(const struct fabric_switch *sw)
{
    return (sw->bundles.frozen
            && time_msec() - get_watch(sw)->frozen_ms > LATE_MS);
}

/* Messages.  -------------------------------------------------------------- */

/* A monitor outlasts a change of the role; to read the marker anew it is
 * modified.  Open vSwitch 3.1 may refuse to delete one: it looks at a table
 * that such a request does not have. */
static void
set_command(struct ofpbuf *msg, enum ofp14_flow_monitor_command command)
{
    struct ofp14_flow_monitor_request *request = msg->msg;

    request->command = command;
}

static uint32_t
send_request(struct fabric_switch *sw, enum ofp14_flow_monitor_command command)
{
    const struct ofputil_flow_monitor_request request = {
        .id = MONITOR_ID,
        .flags = (OFPFMF_INITIAL | OFPFMF_ADD | OFPFMF_REMOVED
                  | OFPFMF_MODIFY),
        .out_port = OFPP_NONE,
        .out_group = OFPG_ANY,
        .table_id = MARKER_TABLE,
        .match = MATCH_CATCHALL_INITIALIZER,
    };
    uint32_t xid = ofconn_next_xid(sw->conn);
    struct ofpbuf *msg = ofpbuf_new(0);

    ofputil_append_flow_monitor_request(&request, msg,
                                        OFPUTIL_P_OF15_OXM);
    /* libopenvswitch writes one command only. */
    set_command(msg, command);
    ofpmsg_update_length(msg);
    ((struct ofp_header *) msg->data)->xid = htonl(xid);
    ofconn_send(sw->conn, msg->data, msg->size);
    ofpbuf_delete(msg);
    return xid;
}

static void
observed(struct fabric_switch *sw, void *watch_)
{
    struct marker_watch *watch = watch_;

    bool exists = watch->conn_id == ofconn_id(sw->conn);

    if (!exists) {
        marker_watch_forget(sw);
    }
    watch->conn_id = ofconn_id(sw->conn);
    watch->frozen_ms = time_msec();
    watch->xid = send_request(sw, exists ? OFPFMC_MODIFY : OFPFMC_ADD);
}

/* Heeds one change of a flow. */
static void
heed_update(struct marker_watch *watch,
            const struct ofputil_flow_update *update)
{
    if (update->table_id != MARKER_TABLE
        || update->priority != MARKER_PRIORITY) {
        return;
    }
    watch->marker = (update->event == OFPFME_REMOVED ? MARKER_NONE
                     : ntohll(update->cookie));
}

static enum switch_message
handle_updates(struct fabric_switch *sw, struct marker_watch *watch,
               const struct ofp_header *oh)
{
    struct ofpbuf b = ofpbuf_const_initializer(oh, ntohs(oh->length));
    struct ofputil_flow_update update;
    struct ofpbuf actions;
    int error;

    ofpbuf_init(&actions, 64);
    while (!(error = ofputil_decode_flow_update(&update, &b, &actions))) {
        if (update.event == OFPFME_ADDED || update.event == OFPFME_MODIFIED
            || update.event == OFPFME_REMOVED
            || update.event == OFPFME_INITIAL) {
            heed_update(watch, &update);
        }
    }
    ofpbuf_uninit(&actions);
    if (error != EOF) {
        switch_give_up(sw, "malformed updates of a flow monitor");
        return SWITCH_MESSAGE_TAKEN;
    }
    compare(sw, watch, switch_desired_revision(sw));
    return SWITCH_MESSAGE_TAKEN;
}

static enum switch_message
message(struct fabric_switch *sw, void *watch_, enum ofptype type,
        const struct ofp_header *oh)
{
    struct marker_watch *watch = watch_;

    if (type == OFPTYPE_FLOW_MONITOR_STATS_REPLY) {
        /* To its master it tells of what that has done itself. */
        return (sw->state == SWITCH_OBSERVED ? handle_updates(sw, watch, oh)
                : SWITCH_MESSAGE_TAKEN);
    } else if (type == OFPTYPE_ERROR && watch->xid
               && ofmsg_error_xid(oh) == watch->xid) {
        VLOG_WARN_RL(&rl, "%s: its switch has no flow monitors: %s",
                     sw->host->name, ofmsg_error_name(oh));
        return SWITCH_MESSAGE_TAKEN;
    }
    return SWITCH_MESSAGE_OTHER;
}

/* As a part of the session.  ---------------------------------------------- */

/* This member has become its master, maybe of another connection. */
static void
connected(struct fabric_switch *sw, void *watch_)
{
    struct marker_watch *watch = watch_;

    if (watch->conn_id != ofconn_id(sw->conn)) {
        marker_watch_forget(sw);
    }
}

static void
live(struct fabric_switch *sw, void *watch OVS_UNUSED)
{
    marker_watch_forget(sw);
}

static void
disconnected(struct fabric_switch *sw, void *watch_)
{
    struct marker_watch *watch = watch_;

    sw->bundles.marked = false;
    watch->xid = 0;
    watch->marker = MARKER_NONE;
    if (!sw->asks_role) {
        marker_watch_forget(sw);
    }
}

static void
destroy(struct fabric_switch *sw OVS_UNUSED, void *watch_)
{
    struct marker_watch *watch = watch_;

    marker_history_uninit(&watch->history);
}

const struct switch_part_class marker_watch_part = {
    .name = "marker watch",
    .state_size = sizeof(struct marker_watch),
    .connected = connected,
    .observed = observed,
    .live = live,
    .disconnected = disconnected,
    .destroy = destroy,
    .message = message,
};
