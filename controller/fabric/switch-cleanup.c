/* SPDX-License-Identifier: Apache-2.0
 *
 * See switch-cleanup.h.  The session itself has deleted what was desired, as
 * it would on any host (bundle-send.c, reconcile.c).  For the rest the switch
 * is taken from all other parts, since some put their own flows and meters
 * back where they find them missing; its flows, groups and meters are read;
 * and what is vmnd's goes: flows in one bundle, then meters, which bundles do
 * not take. */

#include <config.h>

#include "controller/fabric/switch-cleanup.h"

#include <stdlib.h>

#include "byte-order.h"
#include "controller/commit/commit.h"
#include "controller/engine/engine.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/packets/packet-in-meters.h"
#include "controller/fabric/packets/sampling-meters.h"
#include "controller/fabric/session/backlog.h"
#include "controller/fabric/session/marker.h"
#include "controller/fabric/session/reported-flows.h"
#include "controller/fabric/session/switch-budget.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/flow-item.h"
#include "controller/flow/learn-action.h"
#include "controller/flow/punt-action.h"
#include "controller/flow/sample-action.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofp-meter.h"
#include "openvswitch/ofpbuf.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofdump.h"
#include "proto/openflow/ofmsg.h"
#include "util.h"

/* Of a switch. */
struct switch_cleanup {
    bool running, over;
    char *fault;                /* Or NULL. */
    struct ofdump *dump;        /* Of flows and groups, while they are read. */
    uint32_t meters_xid;        /* Of the request for meters, while these are
                                 * read; or 0. */
    bool deciding;              /* All are read; waits for a quiescent state,
                                 * as what is vmnd's may be a plan's. */
    struct flow_records flows;  /* Outside of vmnd's own tables. */
    size_t n_groups, allocated_groups;
    struct group_record **groups;
    size_t n_meters, allocated_meters;
    uint32_t *meters;           /* Numbers of vmnd's. */
    uint32_t barrier_xid;
    size_t n_other_flows, n_other_groups;
};

static struct switch_cleanup *
cleanup_of(const struct fabric_switch *sw)
{
    return switch_part_state(sw, &switch_cleanup_part);
}

static void
notify(struct fabric_switch *sw)
{
    if (sw->host->cleanup) {
        sw->host->fabric->callbacks->cleanup_changed(sw->host);
    }
}

/* Only the first fault is kept. */
static void
set_fault(struct switch_cleanup *c, char *fault)
{
    if (c->fault) {
        free(fault);
    } else {
        c->fault = fault;
    }
}

static void decide_cb(void *sw);

/* Frees what was read, and forgets what was asked. */
static void
stop(struct fabric_switch *sw, struct switch_cleanup *c)
{
    if (c->deciding) {
        commit_cancel_when_quiescent(sw->host->fabric->commit, decide_cb, sw);
        c->deciding = false;
    }
    ofdump_destroy(c->dump);
    c->dump = NULL;
    flow_records_uninit(&c->flows);
    while (c->n_groups) {
        group_record_destroy(c->groups[--c->n_groups]);
    }
    free(c->groups);
    c->groups = NULL;
    free(c->meters);
    c->meters = NULL;
    c->allocated_groups = c->allocated_meters = c->n_meters = 0;
    c->meters_xid = c->barrier_xid = 0;
    c->running = false;
}

static void
end(struct fabric_switch *sw)
{
    struct switch_cleanup *c = cleanup_of(sw);

    stop(sw, c);
    c->over = true;
    notify(sw);
}

/* Removing.  ------------------------------------------------------------- */

/* Returns true if no one but vmnd has flows in the table. */
static bool
is_own_table(uint8_t table)
{
    return (table == MARKER_TABLE || table == SAMPLE_TABLE
            || punt_is_table(table) || learn_is_table(table));
}

static bool
is_own_meter(uint32_t id)
{
    return ((id >= SAMPLING_FIRST_METER
             && id < (SAMPLING_FIRST_METER + 2 * SAMPLING_METERS
                      + SAMPLING_OWN))
            || (id >= PACKET_IN_METERS_FIRST
                && id < PACKET_IN_METERS_FIRST + PACKET_IN_METERS)
            || (id >= FLOW_LIMIT_FIRST_METER
                && id < FLOW_LIMIT_FIRST_METER + FLOW_LIMIT_N_METERS));
}

/* Appends the deletion of each flow and group that is vmnd's: what is desired
 * somewhere, or kept for an app that failed.  Counts the others. */
static void
append_deletes(struct fabric_switch *sw, struct switch_cleanup *c,
               struct ofpbuf *b)
{
    const struct engine *engine = sw->host->fabric->engine;

    for (int table = 0; table <= MARKER_TABLE; table++) {
        if (is_own_table(table)) {
            ofmessage_append_delete_table(table, ofconn_next_xid(sw->conn),
                                          b);
        }
    }
    c->n_other_flows = c->n_other_groups = 0;
    for (size_t i = 0; i < c->flows.n; i++) {
        const struct flow_record *flow = c->flows.records[i];

        if (engine_cookie_name(engine, flow_cookie_owner(flow->cookie))
            || engine_keeps_flow(engine, flow->table, flow->cookie)) {
            flow_record_append_delete(flow, ofconn_next_xid(sw->conn), b);
        } else {
            c->n_other_flows++;
        }
    }
    for (size_t i = 0; i < c->n_groups; i++) {
        const struct group_record *group = c->groups[i];

        if (engine_keeps_group(engine, group->desc.group_id)) {
            group_record_append_delete(group, ofconn_next_xid(sw->conn), b);
        } else {
            c->n_other_groups++;
        }
    }
}

static void
append_meter_delete(uint32_t id, uint32_t xid, struct ofpbuf *b)
{
    const struct ofputil_meter_mod mm = {
        .command = OFPMC13_DELETE,
        .meter = { .meter_id = id, .flags = OFPMF13_PKTPS },
    };
    struct ofpbuf *msg = ofputil_encode_meter_mod(OFP15_VERSION, &mm);

    ofpmsg_update_length(msg);
    ((struct ofp_header *) msg->data)->xid = htonl(xid);
    ofmsg_put(b, msg->data, msg->size);
    ofpbuf_delete(msg);
}

/* The state is quiescent: the engine's state is the durable one. */
static void
decide_cb(void *sw_)
{
    struct fabric_switch *sw = sw_;
    struct switch_cleanup *c = cleanup_of(sw);
    struct ofpbuf b;

    c->deciding = false;
    ofpbuf_init(&b, 4096);
    ofmsg_put_bundle_open(&b, FLOW_ITEM_BUNDLE_ID, ofconn_next_xid(sw->conn));
    append_deletes(sw, c, &b);
    ofmsg_put_bundle_commit(&b, FLOW_ITEM_BUNDLE_ID,
                            ofconn_next_xid(sw->conn));
    for (size_t i = 0; i < c->n_meters; i++) {
        append_meter_delete(c->meters[i], ofconn_next_xid(sw->conn), &b);
    }
    c->barrier_xid = ofconn_next_xid(sw->conn);
    ofmsg_put_barrier(&b, c->barrier_xid);
    switch_expect(sw);
    ofconn_send(sw->conn, b.data, b.size);
    ofpbuf_uninit(&b);
}

/* Reading.  -------------------------------------------------------------- */

static void
check_read(struct fabric_switch *sw)
{
    struct switch_cleanup *c = cleanup_of(sw);

    if (!c->dump && !c->meters_xid && !c->deciding) {
        c->deciding = true;
        commit_when_quiescent(sw->host->fabric->commit, decide_cb, sw);
    }
}

static bool
raw_cb(void *sw, const struct ofdump_raw *raw)
{
    if (is_own_table(raw->desc->table_id)) {
        ofdump_exempt(cleanup_of(sw)->dump);
        return true;
    }
    return false;
}

static void
flow_cb(void *sw, const struct ofputil_flow_stats *fs,
        const void *instructions, size_t instructions_size)
{
    struct switch_cleanup *c = cleanup_of(sw);

    ofdump_charge(c->dump, flow_record_size(instructions_size));
    flow_records_add(&c->flows, fs, instructions, instructions_size);
}

static void
group_cb(void *sw, const struct ofputil_group_desc *gd)
{
    struct switch_cleanup *c = cleanup_of(sw);

    ofdump_charge(c->dump, group_record_size(gd));
    if (c->n_groups >= c->allocated_groups) {
        c->groups = x2nrealloc(c->groups, &c->allocated_groups,
                               sizeof *c->groups);
    }
    c->groups[c->n_groups++] = group_record_create(gd);
}

/* If they could not be read, vmnd's own tables and meters go all the same. */
static void
done_cb(void *sw_, const char *error)
{
    struct fabric_switch *sw = sw_;
    struct switch_cleanup *c = cleanup_of(sw);

    if (error) {
        set_fault(c, xasprintf("its flows could not be read: %s", error));
    }
    ofdump_destroy(c->dump);
    c->dump = NULL;
    check_read(sw);
}

static const struct ofdump_callbacks dump_callbacks = {
    .raw = raw_cb,
    .flow = flow_cb,
    .group = group_cb,
    .done = done_cb,
};

static void
meter_cb(struct fabric_switch *sw, const struct ofputil_meter_config *mc)
{
    struct switch_cleanup *c = cleanup_of(sw);

    if (is_own_meter(mc->meter_id)) {
        if (c->n_meters >= c->allocated_meters) {
            c->meters = x2nrealloc(c->meters, &c->allocated_meters,
                                   sizeof *c->meters);
        }
        c->meters[c->n_meters++] = mc->meter_id;
    }
}

static void
handle_meters(struct fabric_switch *sw, const struct ofp_header *oh)
{
    struct switch_cleanup *c = cleanup_of(sw);
    enum sampling_reply reply = sampling_each_meter(sw, oh, meter_cb);

    if (reply == SAMPLING_REPLY_TOO_MANY) {
        return;                 /* Its connection was closed. */
    }
    if (reply == SAMPLING_REPLY_BAD) {
        set_fault(c, xstrdup("its meters could not be read"));
    }
    if (reply == SAMPLING_REPLY_BAD
        || !(ofpmp_flags(oh) & OFPSF_REPLY_MORE)) {
        c->meters_xid = 0;
        check_read(sw);
    }
}

/* Of a request for meters: the switch has none. */
static void
handle_error(struct fabric_switch *sw, const struct ofp_header *oh)
{
    struct switch_cleanup *c = cleanup_of(sw);

    if (c->meters_xid && ofmsg_error_xid(oh) == c->meters_xid) {
        c->meters_xid = 0;
        check_read(sw);
    } else if (c->barrier_xid) {
        set_fault(c, xasprintf("its switch rejects the deletion with %s",
                               ofmsg_error_name(oh)));
    }
}

void
switch_cleanup_start(struct fabric_switch *sw)
{
    struct switch_cleanup *c = cleanup_of(sw);
    const struct switch_bundles *b = &sw->bundles;
    struct ofdump_budget budget;

    if (c->running || c->over || sw->state != SWITCH_LIVE || b->n_sent
        || b->frozen || !backlog_is_empty(&b->backlog)) {
        return;
    }
    budget = switch_budget_of_dump(sw);
    switch_set_aside(sw);
    c->running = true;
    free(c->fault);
    c->fault = NULL;
    switch_expect(sw);
    c->meters_xid = sampling_request_meters(sw);
    c->dump = ofdump_create(sw->conn, &budget, &dump_callbacks, sw);
}

void
switch_cleanup_get_result(const struct fabric_switch *sw,
                          struct switch_cleanup_result *result)
{
    const struct switch_cleanup *c = cleanup_of(sw);

    *result = (struct switch_cleanup_result) {
        .over = c->over, .fault = c->fault,
        .n_flows = c->n_other_flows, .n_groups = c->n_other_groups,
    };
}

/* As a part of the session.  --------------------------------------------- */

static void
changed(struct fabric_switch *sw, void *c OVS_UNUSED)
{
    notify(sw);
}

static void
disconnected(struct fabric_switch *sw, void *c)
{
    stop(sw, c);
    notify(sw);
}

static void
destroy(struct fabric_switch *sw OVS_UNUSED, void *c_)
{
    struct switch_cleanup *c = c_;

    free(c->fault);
}

static enum switch_message
message(struct fabric_switch *sw, void *c_, enum ofptype type,
        const struct ofp_header *oh)
{
    struct switch_cleanup *c = c_;
    uint32_t xid = ntohl(oh->xid);

    if (!c->running) {
        return SWITCH_MESSAGE_OTHER;
    }
    if (c->dump && ofdump_message(c->dump, type, oh)) {
        return SWITCH_MESSAGE_ANSWER;
    }
    if (type == OFPTYPE_METER_CONFIG_STATS_REPLY && c->meters_xid
        && xid == c->meters_xid) {
        handle_meters(sw, oh);
    } else if (type == OFPTYPE_ERROR) {
        handle_error(sw, oh);
    } else if (type == OFPTYPE_BARRIER_REPLY && c->barrier_xid
               && xid == c->barrier_xid) {
        end(sw);
    } else {
        return SWITCH_MESSAGE_TAKEN;
    }
    return SWITCH_MESSAGE_ANSWER;
}

static bool
is_owed(const struct fabric_switch *sw OVS_UNUSED, const void *c_)
{
    const struct switch_cleanup *c = c_;

    return c->running && !c->deciding;
}

const struct switch_part_class switch_cleanup_part = {
    .name = "switch cleanup",
    .state_size = sizeof(struct switch_cleanup),
    .live = changed,
    .installed = changed,
    .disconnected = disconnected,
    .destroy = destroy,
    .message = message,
    .is_owed = is_owed,
};
