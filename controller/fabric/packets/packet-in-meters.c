/* SPDX-License-Identifier: Apache-2.0
 *
 * Installs the meters and flows of packet-in-meters.h on a switch.  First its
 * meters are read, then the flows of the two tables, which are compared with
 * the desired ones; then the difference is sent: meters before the flows that
 * lead to them.  The reply to a barrier says that the switch has
 * processed it. */

#include <config.h>

#include "controller/fabric/packets/packet-in-meters.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/packet-handler.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/packets/packet-in-meters-private.h"
#include "controller/fabric/packets/sampling-meters.h"
#include "controller/fabric/session/switch-budget.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/pipeline.h"
#include "controller/flow/punt-action.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "openflow/openflow.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-meter.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofdump.h"
#include "proto/openflow/ofmsg.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(packet_in_meters);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 20);

BUILD_ASSERT_DECL(PIPELINE_N_TABLES <= PUNT_TABLE);
BUILD_ASSERT_DECL(SAMPLING_FIRST_METER + 2 * SAMPLING_METERS + SAMPLING_OWN
                  <= PACKET_IN_METERS_FIRST);
BUILD_ASSERT_DECL(PACKET_IN_METERS_FIRST + PACKET_IN_METERS
                  <= FLOW_LIMIT_FIRST_METER);

/* Divisor of a host's base amount of memory, in bytes: limits the flows beyond
 * those that are kept, which are dropped unread. */
#define REST_PER_BYTE 16

enum meter_found { METER_ABSENT, METER_DIFFERENT, METER_RIGHT };

struct packet_in_meters *
packet_in_meters_of(const struct fabric_switch *sw)
{
    return switch_part_state(sw, &packet_in_meters_part);
}

/* Sets the state, and the reason if it is not PACKET_IN_METERS_ON (NULL:
 * none). */
static void
set_state(struct fabric_switch *sw, enum packet_in_meters_state state,
          const char *reason)
{
    struct packet_in_meters *meters = packet_in_meters_of(sw);

    meters->state = state;
    free(meters->reason);
    meters->reason = nullable_xstrdup(reason);
    fabric_host_changed(sw->host);
}

/* Forgets the reading in progress. */
static void
stop_reading(struct packet_in_meters *meters)
{
    ofdump_destroy(meters->dump);
    meters->dump = NULL;
    ofpbuf_delete(meters->deletes);
    meters->deletes = NULL;
}

void
packet_in_meters_turn_off(struct fabric_switch *sw, const char *reason)
{
    struct packet_in_meters *meters = packet_in_meters_of(sw);

    if (meters->state != PACKET_IN_METERS_OFF) {
        VLOG_WARN_RL(&rl, "%s: no packet-in meters in the datapath: %s",
                     sw->host->name, reason);
        stop_reading(meters);
        meters->barrier_xid = 0;
        set_state(sw, PACKET_IN_METERS_OFF, reason);
    }
}

/* Returns the rate that vmnd accepts from a sender, or 0 if that is unlimited,
 * or no app has packets sent up. */
static unsigned
desired_rate(const struct fabric_switch *sw)
{
    const struct fabric *f = sw->host->fabric;

    return engine_n_handlers(f->engine) ? f->packet_port_rate : 0;
}

/* What is found of flows.  ----------------------------------------------- */

/* Records a flow of one of the tables.  Returns false if it is not a desired
 * one. */
static bool
found_add(struct packet_in_meters_found *found,
          const struct ofputil_flow_stats *fs)
{
    unsigned i = packet_in_meter_flows_find(fs);

    if (i < PACKET_IN_METER_FLOWS) {
        bitmap_set1(found->right, i);
        return true;
    }
    found->n_unknown[fs->table_id == PUNT_METER_TABLE]++;
    return false;
}

static size_t
count_missing(const struct packet_in_meters_found *found)
{
    return PACKET_IN_METER_FLOWS
           - bitmap_count1(found->right, PACKET_IN_METER_FLOWS);
}

bool
packet_in_meters_are_on(const struct fabric_switch *sw)
{
    return packet_in_meters_of(sw)->state == PACKET_IN_METERS_ON;
}

/* Counts the flows of 'table' that are missing, and those that are not
 * desired. */
static void
found_count(const struct packet_in_meters_found *found, uint8_t table,
            size_t *n_missing, size_t *n_unknown)
{
    *n_missing = 0;
    for (unsigned i = 0; i < PACKET_IN_METER_FLOWS; i++) {
        *n_missing += (packet_in_meter_flows_table(i) == table
                       && !bitmap_is_set(found->right, i));
    }
    *n_unknown = found->n_unknown[table == PUNT_METER_TABLE];
}

/* Putting them there.  --------------------------------------------------- */

/* Appends messages that delete all meters and flows: packets are not to be
 * limited. */
static void
append_deletes(const struct packet_in_meters *meters, struct ofpbuf *b)
{
    packet_in_meter_flows_append_delete_table(meters->xid, PUNT_TABLE, b);
    packet_in_meter_flows_append_delete_table(meters->xid, PUNT_METER_TABLE,
                                              b);
    for (unsigned i = 0; i < PACKET_IN_METERS; i++) {
        if (meters->has[i] != METER_ABSENT) {
            packet_in_meter_append(meters->xid, OFPMC13_DELETE, i, 1, b);
        }
    }
}

/* Appends the messages that establish the desired state. */
static void
append_difference(const struct packet_in_meters *meters, unsigned rate,
                  struct ofpbuf *b)
{
    for (unsigned i = 0; i < PACKET_IN_METERS; i++) {
        if (meters->has[i] != METER_RIGHT) {
            packet_in_meter_append(meters->xid,
                                   meters->has[i] == METER_DIFFERENT
                                   ? OFPMC13_MODIFY : OFPMC13_ADD, i, rate, b);
        }
    }
    ofpbuf_put(b, meters->deletes->data, meters->deletes->size);
    for (unsigned i = 0; i < PACKET_IN_METER_FLOWS; i++) {
        if (!bitmap_is_set(meters->found.right, i)) {
            packet_in_meter_flows_append(meters->xid, i, b);
        }
    }
}

/* Logs the differences, unless the switch had no such flow: then it is new. */
static void
log_difference(const struct fabric_switch *sw)
{
    const struct packet_in_meters_found *found
        = &packet_in_meters_of(sw)->found;
    size_t n_missing = count_missing(found);
    size_t n_unknown = found->n_unknown[0] + found->n_unknown[1];

    if (n_unknown || (n_missing && n_missing < PACKET_IN_METER_FLOWS)) {
        VLOG_WARN_RL(&rl, "%s: of the flows to packet-in meters %"PRIuSIZE" "
                          "were missing, and %"PRIuSIZE" were unknown; they "
                          "are repaired", sw->host->name, n_missing,
                     n_unknown);
    }
}

/* Meters and flows have been read: sends the difference. */
static void
send_difference(struct fabric_switch *sw)
{
    struct packet_in_meters *meters = packet_in_meters_of(sw);
    struct ofpbuf b;

    ofpbuf_init(&b, 4096);
    append_difference(meters, desired_rate(sw), &b);
    log_difference(sw);
    stop_reading(meters);
    if (b.size) {
        meters->barrier_xid = ofconn_next_xid(sw->conn);
        ofmsg_put_barrier(&b, meters->barrier_xid);
        set_state(sw, PACKET_IN_METERS_INSTALLING, "they are being installed");
        switch_expect(sw);
        ofconn_send(sw->conn, b.data, b.size);
    } else {
        set_state(sw, PACKET_IN_METERS_ON, NULL);
    }
    ofpbuf_uninit(&b);
}

/* Reading.  -------------------------------------------------------------- */

static void
flow_cb(void *sw_, const struct ofputil_flow_stats *fs,
        const void *instructions OVS_UNUSED,
        size_t instructions_size OVS_UNUSED)
{
    struct fabric_switch *sw = sw_;
    struct packet_in_meters *meters = packet_in_meters_of(sw);

    if (!found_add(&meters->found, fs)) {
        size_t before = meters->deletes->size;

        packet_in_meter_flows_append_delete(meters->xid, fs, meters->deletes);
        ofdump_charge(meters->dump, meters->deletes->size - before);
    }
}

static void done_cb(void *sw, const char *error);

static void
read_table(struct fabric_switch *sw, uint8_t table)
{
    static const struct ofdump_callbacks callbacks = {
        .flow = flow_cb,
        .done = done_cb,
    };
    struct ofdump_budget budget
        = switch_budget_of_table(sw, PACKET_IN_METER_FLOWS);

    budget.rest = sw->host->fabric->host_memory * REST_PER_BYTE;
    packet_in_meters_of(sw)->reading = table;
    packet_in_meters_of(sw)->dump = ofdump_create_table(
        sw->conn, &budget, table, NULL, &callbacks, sw);
}

/* There are too many flows to compare: all of them are deleted. */
static void
start_over(struct packet_in_meters *meters)
{
    memset(&meters->found, 0, sizeof meters->found);
    ofpbuf_clear(meters->deletes);
    packet_in_meter_flows_append_delete_table(meters->xid, PUNT_TABLE,
                                              meters->deletes);
    packet_in_meter_flows_append_delete_table(meters->xid, PUNT_METER_TABLE,
                                              meters->deletes);
}

static void
done_cb(void *sw_, const char *error)
{
    struct fabric_switch *sw = sw_;
    struct packet_in_meters *meters = packet_in_meters_of(sw);
    bool too_much = ofdump_is_too_much(meters->dump);
    bool whole = ofdump_is_whole(meters->dump);
    char *reason;

    ofdump_destroy(meters->dump);
    meters->dump = NULL;
    if (!error && meters->reading == PUNT_TABLE) {
        read_table(sw, PUNT_METER_TABLE);
        return;
    } else if (!error || (too_much && whole)) {
        if (error) {
            start_over(meters);
        }
        send_difference(sw);
        return;
    }
    reason = xasprintf("flows to its meters could not be read: %s", error);
    if (too_much) {
        switch_over_budget(sw, reason);
    } else {
        packet_in_meters_turn_off(sw, reason);
    }
    free(reason);
}

static void
read_flows(struct fabric_switch *sw)
{
    struct packet_in_meters *meters = packet_in_meters_of(sw);

    stop_reading(meters);
    memset(&meters->found, 0, sizeof meters->found);
    meters->deletes = ofpbuf_new(0);
    set_state(sw, PACKET_IN_METERS_READING, "they are being compared");
    switch_expect(sw);
    read_table(sw, PUNT_TABLE);
}

/* On a switch.  ---------------------------------------------------------- */

void
packet_in_meters_set_max(struct fabric_switch *sw, uint32_t max)
{
    if (max < PACKET_IN_METERS_FIRST + PACKET_IN_METERS) {
        packet_in_meters_turn_off(sw, "its switch has too few meters");
    }
}

bool
packet_in_meters_set_meter(struct fabric_switch *sw,
                           const struct ofputil_meter_config *mc)
{
    uint32_t rate = desired_rate(sw);

    if (mc->meter_id < PACKET_IN_METERS_FIRST
        || mc->meter_id - PACKET_IN_METERS_FIRST >= PACKET_IN_METERS) {
        return false;
    }
    packet_in_meters_of(sw)->has[mc->meter_id - PACKET_IN_METERS_FIRST]
        = (mc->flags == (OFPMF13_PKTPS | OFPMF13_BURST) && mc->n_bands == 1
           && mc->bands[0].type == OFPMBT13_DROP && mc->bands[0].rate == rate
           && mc->bands[0].burst_size == rate ? METER_RIGHT : METER_DIFFERENT);
    return true;
}

void
packet_in_meters_complete(struct fabric_switch *sw)
{
    struct packet_in_meters *meters = packet_in_meters_of(sw);

    if (meters->state == PACKET_IN_METERS_OFF) {
        return;
    }
    if (desired_rate(sw)) {
        read_flows(sw);
    } else if (memchr(meters->has, METER_DIFFERENT, sizeof meters->has)) {
        struct ofpbuf b;

        ofpbuf_init(&b, 4096);
        append_deletes(meters, &b); /* From a time with a rate limit. */
        ofconn_send(sw->conn, b.data, b.size);
        ofpbuf_uninit(&b);
    }
}

/* Audits.  --------------------------------------------------------------- */

static void
audit_begin(struct fabric_switch *sw OVS_UNUSED, void *meters_)
{
    struct packet_in_meters *meters = meters_;

    memset(&meters->audited, 0, sizeof meters->audited);
    meters->audited_on = meters->state == PACKET_IN_METERS_ON;
    meters->lost = false;
}

static bool
audit_flow(struct fabric_switch *sw OVS_UNUSED, void *meters_,
           const struct ofputil_flow_stats *fs)
{
    struct packet_in_meters *meters = meters_;

    if (!punt_is_table(fs->table_id)) {
        return false;
    }
    found_add(&meters->audited, fs);
    return true;
}

static void
audit_compare(struct fabric_switch *sw OVS_UNUSED, void *meters_,
              switch_audit_cb *cb, void *aux)
{
    static const uint8_t tables[] = { PUNT_TABLE, PUNT_METER_TABLE };
    struct packet_in_meters *meters = meters_;

    if (!meters->audited_on || meters->state != PACKET_IN_METERS_ON) {
        return;                 /* Not desired, or being installed. */
    }
    for (size_t i = 0; i < sizeof tables; i++) {
        size_t n_missing, n_unknown;

        found_count(&meters->audited, tables[i], &n_missing, &n_unknown);
        if (n_missing || n_unknown) {
            meters->lost = true;
            cb(aux, tables[i], "flows to packet-in meters",
               n_missing, n_unknown);
        }
    }
}

/* Requests the meters again, and continues from there. */
static void
audit_repair(struct fabric_switch *sw, void *meters_)
{
    struct packet_in_meters *meters = meters_;

    if (meters->lost && meters->state == PACKET_IN_METERS_ON) {
        /* Deleting a meter deletes its flows, so these may be missing as
         * well. */
        memset(meters->has, METER_ABSENT, sizeof meters->has);
        set_state(sw, PACKET_IN_METERS_READING,
                  "some were lost, and are reinstalled");
        sampling_meters_request_packet_in(sw);
    }
    meters->lost = false;
}

/* As a part of the session.  --------------------------------------------- */

static void
disconnected(struct fabric_switch *sw, void *meters_)
{
    struct packet_in_meters *meters = meters_;
    struct packet_in_meter_drops *counts = meters->counts;

    stop_reading(meters);
    free(meters->reason);
    memset(meters, 0, sizeof *meters);
    meters->counts = counts;
    packet_in_meter_drops_disconnected(sw);
}

static void
connected(struct fabric_switch *sw, void *meters_)
{
    struct packet_in_meters *meters = meters_;

    disconnected(sw, meters);
    meters->xid = ofconn_next_xid(sw->conn);
}

static void
destroy(struct fabric_switch *sw, void *meters OVS_UNUSED)
{
    packet_in_meter_drops_destroy(sw);
}

static enum switch_message
message(struct fabric_switch *sw, void *meters_, enum ofptype type,
        const struct ofp_header *oh)
{
    struct packet_in_meters *meters = meters_;
    uint32_t xid = ntohl(oh->xid);

    if (meters->dump && ofdump_message(meters->dump, type, oh)) {
        return SWITCH_MESSAGE_ANSWER;
    } else if (type == OFPTYPE_ERROR && meters->xid && xid == meters->xid) {
        char *reason = xasprintf("its switch rejects meters with %s",
                                 ofmsg_error_name(oh));

        packet_in_meters_turn_off(sw, reason);
        free(reason);
        return SWITCH_MESSAGE_TAKEN;
    } else if (type == OFPTYPE_BARRIER_REPLY && meters->barrier_xid
               && xid == meters->barrier_xid) {
        meters->barrier_xid = 0;
        set_state(sw, PACKET_IN_METERS_ON, NULL);
        return SWITCH_MESSAGE_ANSWER;
    }
    return (packet_in_meter_drops_message(sw, type, oh) ? SWITCH_MESSAGE_TAKEN
            : SWITCH_MESSAGE_OTHER);
}

static bool
is_owed(const struct fabric_switch *sw OVS_UNUSED, const void *meters_)
{
    const struct packet_in_meters *meters = meters_;

    return meters->dump || meters->barrier_xid;
}

static void
put_status(const struct fabric_switch *sw, const void *meters_,
           struct arena *arena, struct status_host *status)
{
    const struct packet_in_meters *meters = meters_;
    struct status_packet_in_meters *shown;

    if (meters->state != PACKET_IN_METERS_UNKNOWN) {
        shown = arena_alloc(arena, sizeof *shown);
        shown->installed = meters->state == PACKET_IN_METERS_ON;
        shown->reason = meters->reason;
        shown->dropped = packet_in_meter_drops_total(sw);
        status->packet_in_meters = shown;
    }
}

const struct switch_part_class packet_in_meters_part = {
    .name = "packet-in meters",
    .state_size = sizeof(struct packet_in_meters),
    .connected = connected,
    .disconnected = disconnected,
    .destroy = destroy,
    .message = message,
    .is_owed = is_owed,
    .put_status = put_status,
    .audit_begin = audit_begin,
    .audit_flow = audit_flow,
    .audit_compare = audit_compare,
    .audit_repair = audit_repair,
};
