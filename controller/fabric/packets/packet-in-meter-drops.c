/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts the packets that the meters of packet-in-meters.h have dropped.  A
 * switch is asked for the statistics of its meters whenever its flows' hits
 * are read (counters.c); the difference to the last reading is summed up.  A
 * lower count means that the meter was deleted and added again.  Sums of a
 * switch last as long as its host, those of all hosts as long as this process.
 * Neither is stored. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/fabric-drops.h"
#include "controller/fabric/fabric-frames.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/packets/packet-in-meters-private.h"
#include "controller/fabric/packets/sampling-meters.h"
#include "controller/fabric/session/switch-budget.h"
#include "controller/fabric/session/switch.h"
#include "controller/model/model.h"
#include "openvswitch/ofp-meter.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofmsg.h"
#include "timeval.h"
#include "util.h"
#include "vmn/vocabulary.h"

VLOG_DEFINE_THIS_MODULE(packet_in_meter_drops);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 20);

/* Drops of one or several meters. */
struct packet_in_meter_drop {
    uint64_t seen, seen_bytes;  /* As of the last reading. */
    struct fabric_count total;
};

/* Of one switch; created with the first request. */
struct packet_in_meter_drops {
    uint32_t xid;               /* Of the request in progress, or 0. */
    bool unsupported;           /* It was answered with an error. */
    bool read;                  /* A complete reply was received. */
    size_t n_left;              /* Meters and messages that the reply may still
                                 * have. */
    uint64_t n_dropped;
    struct packet_in_meter_drop meters[PACKET_IN_METERS];
};

/* Asking.  --------------------------------------------------------------- */

void
packet_in_meter_drops_request(struct fabric_switch *sw)
{
    struct packet_in_meter_drops *counts = packet_in_meters_of(sw)->counts;
    struct ofpbuf *request;

    if ((sw->state != SWITCH_OBSERVED && !packet_in_meters_are_on(sw))
        || (counts && (counts->xid || counts->unsupported))) {
        return;
    }
    if (!counts) {
        counts = packet_in_meters_of(sw)->counts = xzalloc(sizeof *counts);
    }
    counts->xid = ofconn_next_xid(sw->conn);
    counts->n_left = SWITCH_METERS_MAX;
    request = ofputil_encode_meter_request(OFP15_VERSION,
                                           OFPUTIL_METER_STATS, OFPM13_ALL);
    ofpmsg_update_length(request);
    ((struct ofp_header *) request->data)->xid = htonl(counts->xid);
    ofconn_send(sw->conn, request->data, request->size);
    ofpbuf_delete(request);
}

void
packet_in_meter_drops_disconnected(struct fabric_switch *sw)
{
    if (packet_in_meters_of(sw)->counts) {
        packet_in_meters_of(sw)->counts->xid = 0;
        packet_in_meters_of(sw)->counts->unsupported = false;
    }
}

void
packet_in_meter_drops_destroy(struct fabric_switch *sw)
{
    free(packet_in_meters_of(sw)->counts);
    packet_in_meters_of(sw)->counts = NULL;
}

/* Taking in.  ------------------------------------------------------------ */

static bool
is_of_tunnel(unsigned meter)
{
    return meter >= PACKET_IN_METERS_PORTS;
}

/* When the first packets were dropped is unknown: possibly long ago. */
static void
count_meter(struct fabric_switch *sw, const struct ofputil_meter_stats *ms)
{
    struct packet_in_meter_drops *counts = packet_in_meters_of(sw)->counts;
    unsigned i = ms->meter_id - PACKET_IN_METERS_FIRST;
    const struct ofputil_meter_band_stats *band = ms->bands;
    struct packet_in_meter_drop *count;
    uint64_t packets, bytes;

    if (ms->meter_id < PACKET_IN_METERS_FIRST || i >= PACKET_IN_METERS
        || ms->n_bands != 1 || band->packet_count == UINT64_MAX) {
        return;
    }
    count = &counts->meters[i];
    packets = band->packet_count
              - (band->packet_count < count->seen ? 0 : count->seen);
    bytes = band->byte_count
            - (band->byte_count < count->seen_bytes ? 0 : count->seen_bytes);
    count->seen = band->packet_count;
    count->seen_bytes = band->byte_count;
    if (packets) {
        count->total.packets += packets;
        count->total.bytes += bytes;
        count->total.last_ms = counts->read ? time_wall_msec() : 0;
        counts->n_dropped += packets;
        sw->host->fabric->n_metered[is_of_tunnel(i)] += packets;
    }
}

static bool
use_one(struct packet_in_meter_drops *counts)
{
    if (!counts->n_left) {
        return false;
    }
    counts->n_left--;
    return true;
}

bool
packet_in_meter_drops_message(struct fabric_switch *sw, enum ofptype type,
                              const struct ofp_header *oh)
{
    struct ofpbuf msg = ofpbuf_const_initializer(oh, ntohs(oh->length));
    struct packet_in_meter_drops *counts = packet_in_meters_of(sw)->counts;
    struct ofputil_meter_stats ms;
    struct ofpbuf bands;
    bool more;
    int error = 0;

    if (!counts || !counts->xid || ntohl(oh->xid) != counts->xid) {
        return false;
    }
    if (type != OFPTYPE_METER_STATS_REPLY) {
        VLOG_WARN_RL(&rl, "%s: does not report what its meters drop",
                     sw->host->name);
        counts->unsupported = true;
        counts->xid = 0;
        return true;
    }
    more = ofpmp_flags(oh) & OFPSF_REPLY_MORE;
    ofpbuf_init(&bands, 64);
    while (use_one(counts)
           && !(error = ofputil_decode_meter_stats(&msg, &ms, &bands))) {
        count_meter(sw, &ms);
    }
    ofpbuf_uninit(&bands);
    if (!counts->n_left) {
        counts->xid = 0;
        switch_over_budget(sw, "its meters' counters could not be read: too "
                           "much for what any switch has");
    } else if (!more || error != EOF) {
        counts->xid = 0;
        counts->read = true;
    }
    return true;
}

/* Showing.  -------------------------------------------------------------- */

uint64_t
packet_in_meter_drops_total(const struct fabric_switch *sw)
{
    const struct packet_in_meter_drops *counts
        = packet_in_meters_of(sw)->counts;

    return counts ? counts->n_dropped : 0;
}

static struct fabric_drop
make_drop(const struct fabric_switch *sw, const struct fabric_count *count,
          const char *port)
{
    return (struct fabric_drop) {
        .host = sw->host->name,
        .app = "vmn",
        .reason = "too many packets to the controller",
        .metered = true,
        .port = port,
        .count = *count,
    };
}

void
packet_in_meter_drops_each(const struct fabric_switch *sw, fabric_drop_cb *cb,
                           void *aux)
{
    const struct packet_in_meter_drops *counts
        = packet_in_meters_of(sw)->counts;
    struct fabric_count tunnels = { .packets = 0 };
    const struct fabric *f = sw->host->fabric;
    const char *host = sw->host->name;
    const struct vmn_vif *vif;
    struct fabric_drop drop;
    char *prefix;

    if (!counts || !counts->n_dropped) {
        return;
    }
    for (unsigned i = PACKET_IN_METERS_PORTS; i < PACKET_IN_METERS; i++) {
        const struct fabric_count *count = &counts->meters[i].total;

        tunnels.packets += count->packets;
        tunnels.bytes += count->bytes;
        tunnels.last_ms = MAX(tunnels.last_ms, count->last_ms);
    }
    if (tunnels.packets) {
        drop = make_drop(sw, &tunnels, NULL);
        cb(aux, &drop);
    }
    prefix = xasprintf("%s/", host);
    for (vif = model_next_durable(f->model, VMN_TABLE_VIF, prefix, NULL);
         vif && !strcmp(vif->host, host);
         vif = model_next_durable(f->model, VMN_TABLE_VIF, vif->row.name,
                                  NULL)) {
        const struct fabric_count *count
            = &counts->meters[vif->ofport % PACKET_IN_METERS_PORTS].total;
        const char *port = (count->packets
                            ? fabric_port_at(f, host, vif->ofport) : NULL);

        if (port) {
            drop = make_drop(sw, count, port);
            cb(aux, &drop);
        }
    }
    free(prefix);
}
