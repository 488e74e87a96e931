/* SPDX-License-Identifier: Apache-2.0
 *
 * Installs the meters and flows of packet-in-meters.h on a switch.  First its
 * meters are read, then the flows of the two tables, which are compared with
 * the desired ones; then the difference is sent: meters before the flows that
 * have them.  The reply to a barrier says that the switch has processed
 * it. */

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

static bool
has_handlers(const struct fabric_switch *sw)
{
    return engine_n_handlers(sw->host->fabric->engine);
}

/* Returns the rate that vmnd accepts from a sender, or 0: there are to be no
 * meters.  That is unlimited then, or no app has packets sent up, or the
 * switch cannot have any. */
static unsigned
desired_rate(const struct fabric_switch *sw)
{
    return (has_handlers(sw)
            && packet_in_meters_of(sw)->state != PACKET_IN_METERS_OFF
            ? sw->host->fabric->packet_port_rate : 0);
}

static bool
is_desired(const struct fabric_switch *sw, unsigned flow)
{
    return (flow < PACKET_IN_METERS ? desired_rate(sw) != 0
            : has_handlers(sw));
}

static size_t
n_desired(const struct fabric_switch *sw)
{
    return ((desired_rate(sw) ? PACKET_IN_METERS : 0)
            + (has_handlers(sw)
               ? PACKET_IN_METER_FLOWS - PACKET_IN_METERS : 0));
}

static void
turn_off(struct fabric_switch *sw, const char *reason)
{
    struct packet_in_meters *meters = packet_in_meters_of(sw);

    VLOG_WARN_RL(&rl, "%s: no packet-in meters in the datapath: %s",
                 sw->host->name, reason);
    stop_reading(meters);
    meters->barrier_xid = 0;
    meters->installed = false;
    set_state(sw, PACKET_IN_METERS_OFF, reason);
}

static void read_flows(struct fabric_switch *);

void
packet_in_meters_turn_off(struct fabric_switch *sw, const char *reason)
{
    if (packet_in_meters_of(sw)->state != PACKET_IN_METERS_OFF) {
        turn_off(sw, reason);
        if (has_handlers(sw)) {
            read_flows(sw);
        }
    }
}

/* What is found of flows.  ----------------------------------------------- */

/* Records a flow of one of the tables.  Returns false if it is not a desired
 * one. */
static bool
found_add(const struct fabric_switch *sw, struct packet_in_meters_found *found,
          const struct ofputil_flow_stats *fs)
{
    unsigned i = packet_in_meter_flows_find(fs);

    if (i < PACKET_IN_METER_FLOWS && is_desired(sw, i)) {
        bitmap_set1(found->right, i);
        return true;
    }
    found->n_unknown[fs->table_id == PUNT_METER_TABLE]++;
    return false;
}

bool
packet_in_meters_are_on(const struct fabric_switch *sw)
{
    return packet_in_meters_of(sw)->state == PACKET_IN_METERS_ON;
}

/* Counts the flows of 'table' that are missing, and those that are not
 * desired. */
static void
found_count(const struct fabric_switch *sw,
            const struct packet_in_meters_found *found, uint8_t table,
            size_t *n_missing, size_t *n_unknown)
{
    *n_missing = 0;
    for (unsigned i = 0; i < PACKET_IN_METER_FLOWS; i++) {
        *n_missing += (packet_in_meter_flows_table(i) == table
                       && is_desired(sw, i)
                       && !bitmap_is_set(found->right, i));
    }
    *n_unknown = found->n_unknown[table == PUNT_METER_TABLE];
}

/* Putting them there.  --------------------------------------------------- */

/* Appends messages that delete all meters and flows: no app has packets sent
 * up any more. */
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

/* Appends the messages that make the meters right. */
static void
append_meters(const struct fabric_switch *sw, struct ofpbuf *b)
{
    const struct packet_in_meters *meters = packet_in_meters_of(sw);
    unsigned rate = desired_rate(sw);

    for (unsigned i = 0; i < PACKET_IN_METERS; i++) {
        if (rate && meters->has[i] != METER_RIGHT) {
            packet_in_meter_append(meters->xid,
                                   meters->has[i] == METER_DIFFERENT
                                   ? OFPMC13_MODIFY : OFPMC13_ADD, i, rate, b);
        } else if (!rate && meters->has[i] != METER_ABSENT) {
            packet_in_meter_append(meters->xid, OFPMC13_DELETE, i, 1, b);
        }
    }
}

/* Appends the messages that establish the desired state. */
static void
append_difference(const struct fabric_switch *sw, struct ofpbuf *b)
{
    const struct packet_in_meters *meters = packet_in_meters_of(sw);

    append_meters(sw, b);
    ofpbuf_put(b, meters->deletes->data, meters->deletes->size);
    for (unsigned i = 0; i < PACKET_IN_METER_FLOWS; i++) {
        bool bound = (i >= PACKET_IN_METERS
                      || meters->has[i] != METER_ABSENT);

        if (is_desired(sw, i)
            && !(bound && bitmap_is_set(meters->found.right, i))) {
            packet_in_meter_flows_append(meters->xid, i, b);
        }
    }
}

/* Logs the differences, unless the switch had no such flow: then it is new; or
 * unless it has just refused their meters. */
static void
log_difference(const struct fabric_switch *sw)
{
    const struct packet_in_meters_found *found
        = &packet_in_meters_of(sw)->found;
    size_t n_missing = (n_desired(sw)
                        - bitmap_count1(found->right, PACKET_IN_METER_FLOWS));
    size_t n_unknown = found->n_unknown[0] + found->n_unknown[1];

    if (packet_in_meters_of(sw)->state != PACKET_IN_METERS_OFF
        && (n_unknown || (n_missing && n_missing < n_desired(sw)))) {
        VLOG_WARN_RL(&rl, "%s: of the flows to packet-in meters %"PRIuSIZE" "
                          "were missing, and %"PRIuSIZE" were unknown; they "
                          "are repaired", sw->host->name, n_missing,
                     n_unknown);
    }
}

/* Sets the state of the meters, if there are to be any. */
static void
show_progress(struct fabric_switch *sw, enum packet_in_meters_state state,
              const char *reason)
{
    if (desired_rate(sw)) {
        set_state(sw, state, reason);
    }
}

static void
set_installed(struct fabric_switch *sw)
{
    packet_in_meters_of(sw)->installed = true;
    show_progress(sw, PACKET_IN_METERS_ON, NULL);
}

/* Meters and flows have been read: sends the difference. */
static void
send_difference(struct fabric_switch *sw)
{
    struct packet_in_meters *meters = packet_in_meters_of(sw);
    struct ofpbuf b;

    ofpbuf_init(&b, 4096);
    append_difference(sw, &b);
    log_difference(sw);
    stop_reading(meters);
    if (b.size) {
        meters->barrier_xid = ofconn_next_xid(sw->conn);
        ofmsg_put_barrier(&b, meters->barrier_xid);
        show_progress(sw, PACKET_IN_METERS_INSTALLING,
                      "they are being installed");
        switch_expect(sw);
        ofconn_send(sw->conn, b.data, b.size);
    } else {
        set_installed(sw);
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

    if (!found_add(sw, &meters->found, fs)) {
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
    reason = xasprintf("its flows for packet-ins could not be read: %s",
                       error);
    if (too_much) {
        switch_over_budget(sw, reason);
    } else {
        turn_off(sw, reason);
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
    meters->installed = false;
    show_progress(sw, PACKET_IN_METERS_READING, "they are being compared");
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

static bool
is_of_pool(const struct ofputil_meter_config *mc)
{
    return (mc->meter_id >= PACKET_IN_METERS_FIRST
            && mc->meter_id - PACKET_IN_METERS_FIRST < PACKET_IN_METERS);
}

static bool
is_right(const struct fabric_switch *sw, const struct ofputil_meter_config *mc)
{
    uint32_t rate = desired_rate(sw);

    return (mc->flags == (OFPMF13_PKTPS | OFPMF13_BURST) && mc->n_bands == 1
            && mc->bands[0].type == OFPMBT13_DROP && mc->bands[0].rate == rate
            && mc->bands[0].burst_size == rate);
}

bool
packet_in_meters_set_meter(struct fabric_switch *sw,
                           const struct ofputil_meter_config *mc)
{
    if (!is_of_pool(mc)) {
        return false;
    }
    packet_in_meters_of(sw)->has[mc->meter_id - PACKET_IN_METERS_FIRST]
        = is_right(sw, mc) ? METER_RIGHT : METER_DIFFERENT;
    return true;
}

void
packet_in_meters_complete(struct fabric_switch *sw)
{
    struct packet_in_meters *meters = packet_in_meters_of(sw);

    if (meters->state == PACKET_IN_METERS_OFF) {
        return;
    }
    if (has_handlers(sw)) {
        read_flows(sw);
    } else if (memchr(meters->has, METER_DIFFERENT, sizeof meters->has)) {
        struct ofpbuf b;

        ofpbuf_init(&b, 4096);
        append_deletes(meters, &b);
        ofconn_send(sw->conn, b.data, b.size);
        ofpbuf_uninit(&b);
    }
}

/* Audits.  --------------------------------------------------------------- */

void
packet_in_meters_audit_meter(struct fabric_switch *sw,
                             const struct ofputil_meter_config *mc)
{
    packet_in_meters_of(sw)->audited.n_meters
        += is_of_pool(mc) && is_right(sw, mc);
}

void
packet_in_meters_audit_complete(struct fabric_switch *sw)
{
    packet_in_meters_of(sw)->audited.has_meters = true;
}

static void
audit_begin(struct fabric_switch *sw OVS_UNUSED, void *meters_)
{
    struct packet_in_meters *meters = meters_;

    memset(&meters->audited, 0, sizeof meters->audited);
    meters->audited_on = meters->installed;
    meters->lost = false;
}

static bool
audit_flow(struct fabric_switch *sw, void *meters_,
           const struct ofputil_flow_stats *fs)
{
    struct packet_in_meters *meters = meters_;

    if (!punt_is_table(fs->table_id)) {
        return false;
    }
    found_add(sw, &meters->audited, fs);
    return true;
}

static void
audit_compare(struct fabric_switch *sw, void *meters_,
              switch_audit_cb *cb, void *aux)
{
    static const uint8_t tables[] = { PUNT_TABLE, PUNT_METER_TABLE };
    struct packet_in_meters *meters = meters_;

    if (!meters->audited_on || !meters->installed) {
        return;                 /* Not desired, or being installed. */
    }
    if (desired_rate(sw) && meters->audited.has_meters
        && meters->audited.n_meters < PACKET_IN_METERS) {
        meters->lost = true;
        cb(aux, PUNT_METER_TABLE, "packet-in meters",
           PACKET_IN_METERS - meters->audited.n_meters, 0);
    }
    for (size_t i = 0; i < sizeof tables; i++) {
        size_t n_missing, n_unknown;

        found_count(sw, &meters->audited, tables[i], &n_missing, &n_unknown);
        if (n_missing || n_unknown) {
            meters->lost = true;
            cb(aux, tables[i], "flows to packet-in meters",
               n_missing, n_unknown);
        }
    }
}

/* Requests the meters again, if there are any, and continues from there. */
static void
audit_repair(struct fabric_switch *sw, void *meters_)
{
    struct packet_in_meters *meters = meters_;

    if (meters->lost && meters->installed) {
        meters->installed = false;
        memset(meters->has, METER_ABSENT, sizeof meters->has);
        if (desired_rate(sw)) {
            set_state(sw, PACKET_IN_METERS_READING,
                      "some were lost, and are reinstalled");
            sampling_meters_request_packet_in(sw);
        } else {
            read_flows(sw);
        }
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
        set_installed(sw);
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
