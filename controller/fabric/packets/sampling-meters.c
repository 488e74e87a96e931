/* SPDX-License-Identifier: Apache-2.0
 *
 * Meters and flows for samples of packets; see sampling-meters.h.  OpenFlow
 * 1.5, sections 7.3.4.5 (meter mod), 7.3.5.13 and following (multipart). */

#include <config.h>

#include "controller/fabric/packets/sampling-private.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "bitmap.h"
#include "byte-order.h"
#include "controller/engine/packet-handler.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/packets/packet-in-meters.h"
#include "controller/fabric/packets/packet-sampling.h"
#include "controller/fabric/packets/sampling-flows.h"
#include "controller/fabric/session/switch-budget.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/pipeline.h"
#include "controller/flow/punt-action.h"
#include "controller/flow/sample-action.h"
#include "controller/model/id-pools.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "openflow/openflow.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-meter.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofmsg.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sampling_meters);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 20);

BUILD_ASSERT_DECL(PIPELINE_N_TABLES <= SAMPLE_TABLE);
BUILD_ASSERT_DECL(SAMPLING_FIRST_METER + 2 * SAMPLING_METERS + SAMPLING_OWN
                  <= FLOW_LIMIT_FIRST_METER);

#define FIRST_OWN (SAMPLING_FIRST_METER + N_METERS)
BUILD_ASSERT_DECL(sizeof ((struct sampling_meters *) NULL)->audited
                  >= SAMPLING_N_FLOWS / 8);
#define METER_FLAGS (OFPMF13_PKTPS | OFPMF13_BURST)

/* Of the whole fabric: schedules another request for the meters of flows'
 * limits. */
struct fabric_sampling_meters {
    struct event *timer;
    uint64_t n_freed;           /* Meters' numbers, when it was set last. */
    long long int requested_ms;     /* When it did last. */
};

struct sampling_meters *
sampling_meters_of(const struct fabric_switch *sw)
{
    return switch_part_state(sw, &sampling_meters_part);
}

static void
turn_off(struct fabric_switch *sw, const char *reason)
{
    struct sampling_meters *sm = sampling_meters_of(sw);

    if (sm->state != SAMPLING_OFF) {
        VLOG_WARN_RL(&rl, "%s: no samples of packets: %s", sw->host->name,
                     reason);
        sm->state = SAMPLING_OFF;
        free(sm->reason);
        sm->reason = xstrdup(reason);
    }
    sm->features_xid = sm->config_xid = 0;
}

/* The switch supports no meters at all. */
static void
turn_all_off(struct fabric_switch *sw, const char *reason)
{
    turn_off(sw, reason);
    packet_in_meters_turn_off(sw, reason);
}

/* Putting them there.  --------------------------------------------------- */

/* Order: meters for drops, those for logs, rules' own. */
static void
make_meter(unsigned i, struct ofputil_meter_config *mc,
           struct ofputil_meter_band *band)
{
    static const struct { uint32_t rate, burst; } kinds[] = {
        { SAMPLING_DROP_RATE, SAMPLING_DROP_BURST },
        { SAMPLING_LOG_RATE, SAMPLING_LOG_BURST },
        { SAMPLING_EACH_RATE, SAMPLING_EACH_BURST },
    };
    unsigned kind = MIN(i / SAMPLING_METERS, 2);

    *band = (struct ofputil_meter_band) {
        .type = OFPMBT13_DROP,
        .rate = kinds[kind].rate,
        .burst_size = kinds[kind].burst,
    };
    *mc = (struct ofputil_meter_config) {
        .meter_id = SAMPLING_FIRST_METER + i,
        .flags = METER_FLAGS,
        .n_bands = 1,
        .bands = band,
    };
}

/* Moves 'msg' to the end of 'b'. */
static void
append(uint32_t xid, struct ofpbuf *msg, struct ofpbuf *b)
{
    ofpmsg_update_length(msg);
    ((struct ofp_header *) msg->data)->xid = htonl(xid);
    ofpbuf_put(b, msg->data, msg->size);
    ofpbuf_delete(msg);
}

static void
append_meter(uint32_t xid, uint16_t command, unsigned i, struct ofpbuf *b)
{
    struct ofputil_meter_band band;
    struct ofputil_meter_mod mm = { .command = command };

    make_meter(i, &mm.meter, &band);
    append(xid, ofputil_encode_meter_mod(OFP15_VERSION, &mm), b);
}

static void
append_pool_flows(const struct sampling_meters *sm, struct ofpbuf *b)
{
    for (unsigned i = 0; i < SAMPLING_POOL_FLOWS; i++) {
        sampling_flow_append(sm->bank_xid, i, b);
    }
}

/* Deletes rules' own flows and meters from before this connection, whose rules
 * are unknown. */
static void
append_own_deletes(const struct sampling_meters *sm, struct ofpbuf *b)
{
    sampling_flows_append_delete(sm->own_xid, true, b);
    for (unsigned i = 0; i < SAMPLING_OWN; i++) {
        if (bitmap_is_set(sm->own, i)) {
            append_meter(sm->own_xid, OFPMC13_DELETE, N_METERS + i, b);
        }
    }
}

/* Requests the number of flows in the table. */
static void
request_count(struct fabric_switch *sw)
{
    const struct ofputil_flow_stats_request fsr = {
        .aggregate = true,
        .match = MATCH_CATCHALL_INITIALIZER,
        .table_id = SAMPLE_TABLE,
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
    };
    struct ofpbuf *msg = ofputil_encode_flow_stats_request(
        &fsr, OFPUTIL_P_OF15_OXM);
    struct sampling_meters *sm = sampling_meters_of(sw);

    sm->count_xid = ofconn_next_xid(sw->conn);
    ofpmsg_update_length(msg);
    ((struct ofp_header *) msg->data)->xid = htonl(sm->count_xid);
    ofconn_send(sw->conn, msg->data, msg->size);
    ofpbuf_delete(msg);
}

/* Flows may have been deleted while vmnd was away, and their meters not: has
 * all of them written anew unless there are as many as desired. */
static void
handle_count(struct fabric_switch *sw, const struct ofp_header *oh)
{
    struct sampling_meters *sm = sampling_meters_of(sw);
    struct ofputil_aggregate_stats stats;
    struct ofpbuf b;

    sm->count_xid = 0;
    if (ofputil_decode_aggregate_stats_reply(&stats, oh)
        || sm->state != SAMPLING_ON
        || stats.flow_count == SAMPLING_POOL_FLOWS
                               + SAMPLING_OWN_FLOWS
                                 * bitmap_count1(sm->own, SAMPLING_OWN)) {
        return;
    }
    VLOG_INFO_RL(&rl, "%s: %"PRIu32" flows to meters of samples are written "
                 "anew", sw->host->name, stats.flow_count);
    ofpbuf_init(&b, 4096);
    sampling_flows_append_delete(sm->bank_xid, false, &b);
    append_pool_flows(sm, &b);
    append_own_deletes(sm, &b);
    memset(sm->own, 0, sizeof sm->own);
    ofconn_send(sw->conn, b.data, b.size);
    ofpbuf_uninit(&b);
}

/* The pool has been read: adds what is missing. */
static void
complete(struct fabric_switch *sw)
{
    struct sampling_meters *sm = sampling_meters_of(sw);
    bool connects = sm->state == SAMPLING_UNKNOWN;
    struct ofpbuf b;

    sm->config_xid = 0;
    sm->state = SAMPLING_ON;
    ofpbuf_init(&b, 4096);
    if (sm->lost) {
        sampling_flows_append_delete(sm->bank_xid, false, &b);
        sm->lost = false;
    }
    for (unsigned i = 0; i < N_METERS; i++) {
        if (sm->meters[i] != METER_RIGHT) {
            append_meter(sm->bank_xid, sm->meters[i] == METER_DIFFERENT
                         ? OFPMC13_MODIFY : OFPMC13_ADD, i, &b);
        }
    }
    if (b.size) {
        append_pool_flows(sm, &b);
        connects = false;
    }
    if (!bitmap_is_all_zeros(sm->own, SAMPLING_OWN)) {
        append_own_deletes(sm, &b);
        memset(sm->own, 0, sizeof sm->own);
    }
    if (b.size) {
        ofconn_send(sw->conn, b.data, b.size);
    }
    ofpbuf_uninit(&b);
    if (connects) {
        request_count(sw);
    }
}

void
sampling_meters_add_own(struct fabric_switch *sw, uint32_t part)
{
    struct sampling_meters *sm = sampling_meters_of(sw);
    unsigned i = part % SAMPLING_OWN;
    struct ofpbuf b;

    if (sm->state != SAMPLING_ON || sm->no_own
        || bitmap_is_set(sm->own, i)) {
        return;
    }
    bitmap_set1(sm->own, i);
    ofpbuf_init(&b, 512);
    append_meter(sm->own_xid, OFPMC13_ADD, N_METERS + i, &b);
    for (unsigned j = 0; j < SAMPLING_OWN_FLOWS; j++) {
        sampling_flow_append(sm->own_xid, SAMPLING_POOL_FLOWS
                                          + SAMPLING_OWN_FLOWS * i + j, &b);
    }
    ofconn_send(sw->conn, b.data, b.size);
    ofpbuf_uninit(&b);
}

/* Requests.  ------------------------------------------------------------- */

static uint32_t
request(struct fabric_switch *sw, enum ofputil_meter_request_type type,
        uint32_t xid)
{
    struct ofpbuf *msg = ofputil_encode_meter_request(OFP15_VERSION, type,
                                                      OFPM13_ALL);

    ofpmsg_update_length(msg);
    ((struct ofp_header *) msg->data)->xid = htonl(xid);
    ofconn_send(sw->conn, msg->data, msg->size);
    ofpbuf_delete(msg);
    return xid;
}

uint32_t
sampling_request_meters(struct fabric_switch *sw)
{
    sampling_meters_of(sw)->n_meters_left = SWITCH_METERS_MAX;
    return request(sw, OFPUTIL_METER_CONFIG, ofconn_next_xid(sw->conn));
}

static void
handle_features(struct fabric_switch *sw, const struct ofp_header *oh)
{
    struct ofputil_meter_features mf;

    sampling_meters_of(sw)->features_xid = 0;
    ofputil_decode_meter_features(oh, &mf);
    if (mf.max_meters < SAMPLING_FIRST_METER + N_METERS || !mf.max_bands
        || !(mf.band_types & (1u << OFPMBT13_DROP))
        || (mf.capabilities & METER_FLAGS) != METER_FLAGS) {
        turn_all_off(sw, "its switch has no meters in packets per second");
    }
    packet_in_meters_set_max(sw, mf.max_meters);
    sampling_meters_of(sw)->no_own = mf.max_meters < FIRST_OWN + SAMPLING_OWN;
}

static bool
same_meter(const struct ofputil_meter_config *a,
           const struct ofputil_meter_config *b)
{
    return (a->flags == b->flags && a->n_bands == 1 && b->n_bands == 1
            && a->bands[0].type == b->bands[0].type
            && a->bands[0].rate == b->bands[0].rate
            && a->bands[0].burst_size == b->bands[0].burst_size);
}

bool
sampling_is_right(const struct ofputil_meter_config *mc, unsigned i)
{
    struct ofputil_meter_config desired;
    struct ofputil_meter_band band;

    make_meter(i, &desired, &band);
    return same_meter(mc, &desired);
}

/* Deletes a limit's meter that no flow can have any more, and repairs one that
 * differs. */
static void
repair_limit(struct fabric_switch *sw,
             const struct ofputil_meter_config *found)
{
    struct ofputil_meter_band band = { .type = OFPMBT13_DROP };
    struct ofputil_meter_mod mm = {
        .command = OFPMC13_MODIFY,
        .meter = {
            .meter_id = found->meter_id,
            .n_bands = 1,
            .bands = &band,
        },
    };
    struct flow_limit limit;
    struct ofpbuf b;

    if (found->meter_id < FLOW_LIMIT_FIRST_METER
        || found->meter_id - FLOW_LIMIT_FIRST_METER >= FLOW_LIMIT_N_METERS) {
        return;
    }
    if (engine_get_limit(sw->host->fabric->engine, found->meter_id, &limit)) {
        band.rate = limit.rate;
        band.burst_size = limit.burst;
        mm.meter.flags = flow_limit_flags(&limit);
        if (same_meter(found, &mm.meter)) {
            return;
        }
    } else {
        mm.command = OFPMC13_DELETE;
        mm.meter.flags = METER_FLAGS;
    }
    ofpbuf_init(&b, 64);
    append(sampling_meters_of(sw)->limits_xid,
           ofputil_encode_meter_mod(OFP15_VERSION, &mm), &b);
    ofconn_send(sw->conn, b.data, b.size);
    ofpbuf_uninit(&b);
}

static void
handle_meter(struct fabric_switch *sw, const struct ofputil_meter_config *mc)
{
    if (mc->meter_id >= SAMPLING_FIRST_METER
        && mc->meter_id - SAMPLING_FIRST_METER < N_METERS) {
        unsigned i = mc->meter_id - SAMPLING_FIRST_METER;

        sampling_meters_of(sw)->meters[i]
            = sampling_is_right(mc, i) ? METER_RIGHT : METER_DIFFERENT;
    } else if (mc->meter_id >= FIRST_OWN
               && mc->meter_id - FIRST_OWN < SAMPLING_OWN) {
        bitmap_set1(sampling_meters_of(sw)->own, mc->meter_id - FIRST_OWN);
    } else if (!packet_in_meters_set_meter(sw, mc)) {
        repair_limit(sw, mc);
    }
}

/* Counts one meter, or message with meters, of the switch's reply.  If that
 * exceeds the limit, closes its connection and returns false. */
static bool
use_one(struct fabric_switch *sw)
{
    if (sampling_meters_of(sw)->n_meters_left) {
        sampling_meters_of(sw)->n_meters_left--;
        return true;
    }
    switch_over_budget(sw, "its meters could not be read: too much for what "
                       "any switch has");
    return false;
}

enum sampling_reply
sampling_each_meter(struct fabric_switch *sw, const struct ofp_header *oh,
                    sampling_meter_cb *cb)
{
    struct ofpbuf msg = ofpbuf_const_initializer(oh, ntohs(oh->length));
    struct ofpbuf bands;
    bool on = use_one(sw);
    int error = 0;

    ofpbuf_init(&bands, 64);
    while (on) {
        struct ofputil_meter_config mc;

        ofpbuf_clear(&bands);
        error = ofputil_decode_meter_config(&msg, &mc, &bands);
        if (error) {
            break;
        }
        on = use_one(sw);
        if (on) {
            cb(sw, &mc);
        }
    }
    ofpbuf_uninit(&bands);
    return (!on ? SAMPLING_REPLY_TOO_MANY
            : error == EOF ? SAMPLING_REPLY_OK : SAMPLING_REPLY_BAD);
}

static void
handle_config(struct fabric_switch *sw, const struct ofp_header *oh)
{
    enum sampling_reply meters = sampling_each_meter(sw, oh, handle_meter);

    if (meters == SAMPLING_REPLY_BAD) {
        turn_all_off(sw, "its switch's reply about meters is invalid");
    } else if (meters == SAMPLING_REPLY_OK
               && !(ofpmp_flags(oh) & OFPSF_REPLY_MORE)) {
        bool again = sampling_meters_of(sw)->state == SAMPLING_ON;

        complete(sw);
        if (!again) {
            packet_in_meters_complete(sw);
        }
    }
}

static void
handle_packet_in_meter(struct fabric_switch *sw,
                       const struct ofputil_meter_config *mc)
{
    packet_in_meters_set_meter(sw, mc);
}

static void
handle_packet_in_meters(struct fabric_switch *sw, const struct ofp_header *oh)
{
    enum sampling_reply meters
        = sampling_each_meter(sw, oh, handle_packet_in_meter);

    if (meters == SAMPLING_REPLY_BAD) {
        packet_in_meters_turn_off(
            sw, "its switch's reply about meters is invalid");
    } else if (meters == SAMPLING_REPLY_OK
               && !(ofpmp_flags(oh) & OFPSF_REPLY_MORE)) {
        sampling_meters_of(sw)->packet_in_xid = 0;
        packet_in_meters_complete(sw);
    }
}

void
sampling_meters_request_packet_in(struct fabric_switch *sw)
{
    sampling_meters_of(sw)->packet_in_xid = sampling_request_meters(sw);
}

/* Limits' meters alone.  ------------------------------------------------- */

/* A reply about meters of flows' limits: the pool and rules' own meters are
 * known. */
static void
handle_limits(struct fabric_switch *sw, const struct ofp_header *oh)
{
    if (sampling_each_meter(sw, oh, repair_limit) == SAMPLING_REPLY_BAD) {
        VLOG_WARN_RL(&rl, "%s: its switch's replies about meters are invalid; "
                          "meters of removed limits may stay",
                     sw->host->name);
    }
}

/* All connected switches are asked: which of them have had a flow with such a
 * limit is not recorded. */
static void
request_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *f_)
{
    struct fabric *f = f_;
    const struct fabric_host *host;

    f->sampling_meters->requested_ms = time_msec();
    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        struct sampling_meters *sm = sampling_meters_of(host->sw);

        if (host->sw->conn && sm->limits_xid && sm->state != SAMPLING_OFF) {
            sm->n_meters_left = SWITCH_METERS_MAX;
            request(host->sw, OFPUTIL_METER_CONFIG, sm->limits_xid);
        }
    }
}

void
sampling_meters_numbers_freed(struct fabric *f)
{
    struct fabric_sampling_meters *sm = f->sampling_meters;
    uint64_t n_freed = id_pools_n_freed(model_id_pools(f->model),
                                        VMN_ID_POOL_METER);
    long long int ms;
    struct timeval tv;

    if (n_freed == sm->n_freed) {
        return;
    }
    sm->n_freed = n_freed;
    if (!event_pending(sm->timer, EV_TIMEOUT, NULL)) {
        ms = MAX(0, sm->requested_ms + f->request_limits_ms - time_msec());
        tv.tv_sec = ms / 1000;
        tv.tv_usec = ms % 1000 * 1000;
        event_add(sm->timer, &tv);
    }
}

void
sampling_meters_create(struct fabric *f)
{
    f->sampling_meters = xzalloc(sizeof *f->sampling_meters);
    f->sampling_meters->timer = event_new(f->base, -1, 0, request_cb, f);
    f->sampling_meters->requested_ms = time_msec() - f->request_limits_ms;
}

void
sampling_meters_destroy(struct fabric *f)
{
    if (f->sampling_meters) {
        event_free(f->sampling_meters->timer);
        free(f->sampling_meters);
        f->sampling_meters = NULL;
    }
}

/* As a part of the session.  --------------------------------------------- */

static void
disconnected(struct fabric_switch *sw OVS_UNUSED, void *sm_)
{
    struct sampling_meters *sm = sm_;

    free(sm->reason);
    memset(sm, 0, sizeof *sm);
}

static void
connected(struct fabric_switch *sw, void *sm_)
{
    struct sampling_meters *sm = sm_;

    disconnected(sw, sm);
    sm->bank_xid = ofconn_next_xid(sw->conn);
    sm->own_xid = ofconn_next_xid(sw->conn);
    sm->limits_xid = ofconn_next_xid(sw->conn);
    sm->n_meters_left = SWITCH_METERS_MAX;
    sm->features_xid = request(sw, OFPUTIL_METER_FEATURES,
                               ofconn_next_xid(sw->conn));
    sm->config_xid = request(sw, OFPUTIL_METER_CONFIG,
                             ofconn_next_xid(sw->conn));
}

/* Handles an error of one of our requests, of which each that is not 0 waits
 * for a reply.  Returns false if it is of none. */
static bool
handle_error(struct fabric_switch *sw, const struct ofp_header *oh)
{
    struct sampling_meters *sm = sampling_meters_of(sw);
    uint32_t xid = ntohl(oh->xid);

    if (!xid) {
        return false;
    } else if (xid == sm->features_xid || xid == sm->config_xid
               || xid == sm->bank_xid) {
        char *reason = xasprintf("its switch rejects meters with %s",
                                 ofmsg_error_name(oh));

        (xid == sm->bank_xid ? turn_off : turn_all_off)(sw, reason);
        free(reason);
    } else if (xid == sm->own_xid) {
        VLOG_WARN_RL(&rl, "%s: rules with a log share meters: its switch "
                          "rejects more with %s", sw->host->name,
                     ofmsg_error_name(oh));
        sm->no_own = true;
    } else if (xid == sm->limits_xid) {
        VLOG_WARN_RL(&rl, "%s: meters of limits may be wrong: its switch "
                          "replied %s", sw->host->name, ofmsg_error_name(oh));
    } else if (xid == sm->audit_xid || xid == sm->count_xid) {
        *(xid == sm->audit_xid ? &sm->audit_xid : &sm->count_xid) = 0;
    } else if (xid == sm->packet_in_xid) {
        sm->packet_in_xid = 0;
        packet_in_meters_turn_off(
            sw, "its switch does not reply about its meters");
    } else {
        return false;
    }
    return true;
}

static bool
handle_message(struct fabric_switch *sw, enum ofptype type,
               const struct ofp_header *oh)
{
    struct sampling_meters *sm = sampling_meters_of(sw);
    const struct {
        enum ofptype type;
        uint32_t xid;           /* 0: no reply is waited for. */
        void (*handle)(struct fabric_switch *, const struct ofp_header *);
    } replies[] = {
        { OFPTYPE_METER_FEATURES_STATS_REPLY, sm->features_xid,
          handle_features },
        { OFPTYPE_METER_CONFIG_STATS_REPLY, sm->config_xid, handle_config },
        { OFPTYPE_METER_CONFIG_STATS_REPLY, sm->audit_xid,
          sampling_handle_audit },
        { OFPTYPE_AGGREGATE_STATS_REPLY, sm->count_xid, handle_count },
        { OFPTYPE_METER_CONFIG_STATS_REPLY, sm->limits_xid, handle_limits },
        { OFPTYPE_METER_CONFIG_STATS_REPLY, sm->packet_in_xid,
          handle_packet_in_meters },
    };

    if (type == OFPTYPE_ERROR) {
        return handle_error(sw, oh);
    }
    for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
        if (replies[i].xid && replies[i].xid == ntohl(oh->xid)
            && replies[i].type == type) {
            replies[i].handle(sw, oh);
            return true;
        }
    }
    return false;
}

static enum switch_message
message(struct fabric_switch *sw, void *sm OVS_UNUSED, enum ofptype type,
        const struct ofp_header *oh)
{
    return (handle_message(sw, type, oh) ? SWITCH_MESSAGE_TAKEN
            : SWITCH_MESSAGE_OTHER);
}

static void
put_status(const struct fabric_switch *sw OVS_UNUSED, const void *sm_,
           struct arena *arena, struct status_host *status)
{
    const struct sampling_meters *sm = sm_;

    if (sm->state != SAMPLING_UNKNOWN) {
        status->samples = arena_alloc(arena, sizeof *status->samples);
        status->samples->active = sm->state == SAMPLING_ON;
        status->samples->reason = sm->reason;
    }
}

const struct switch_part_class sampling_meters_part = {
    .name = "sampling meters",
    .state_size = sizeof(struct sampling_meters),
    .connected = connected,
    .disconnected = disconnected,
    .message = message,
    .put_status = put_status,
    .audit_begin = sampling_audit_begin,
    .audit_flow = sampling_audit_flow,
    .audit_compare = sampling_audit_compare,
    .audit_repair = sampling_audit_repair,
};
