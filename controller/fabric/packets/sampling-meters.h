/* SPDX-License-Identifier: Apache-2.0
 *
 * Installs what samples packets on a switch (controller/flow/sample-action.h):
 * a pool of meters, and in SAMPLE_TABLE the flows that send copies to vmnd
 * through them.
 *
 * A switch that connects is asked for its meters, before anything else.  What
 * is missing is added, outside of bundles, and then the flows; if all meters
 * are as desired, the switch is asked how many flows there are, and if that is
 * not their number, they are written anew.  These flows are not part of the
 * desired state: reconciling and the marker ignore them.  An audit that misses
 * some, or a meter, or finds others, has all of them written anew.  A switch
 * that rejects some of it sends no samples; counters are not affected.
 *
 * A copy's meter is selected by a hash of the reason, or of the rule, so that
 * a noisy one uses up its own rate only, in the switch.  A rule with a log of
 * which a copy was received gets a meter of its own on that switch, until it
 * disconnects.  Received copies are for packet-sampling.h.
 *
 * Of a switch's other meters, those of flows' limits are added with the flows.
 * They are deleted when no flow can have them any more: when the switch
 * connects, and when IDs of meters were freed, since then every connected
 * switch is asked for its meters again, the first time at once and later some
 * seconds after the last request. */

#ifndef CONTROLLER_FABRIC_PACKETS_SAMPLING_METERS_H
#define CONTROLLER_FABRIC_PACKETS_SAMPLING_METERS_H 1

#include <stdbool.h>
#include <stdint.h>

#include "bitmap.h"

struct fabric;
struct fabric_switch;
struct ofp_header;
struct ofputil_meter_config;
struct switch_part_class;

extern const struct switch_part_class sampling_meters_part;

/* Number of meters for drops, and for logs; their IDs are consecutive from the
 * first. */
#define SAMPLING_METERS 16
#define SAMPLING_FIRST_METER 25201
/* Rate in copies per second, and burst, of each meter. */
#define SAMPLING_DROP_RATE 5
#define SAMPLING_DROP_BURST 10
#define SAMPLING_LOG_RATE 50
#define SAMPLING_LOG_BURST 100
/* Rules' own meters, with the following IDs; a power of two.  Rules whose
 * numbers differ by a multiple of this share one.  Each has the rate at which
 * samples of a rule are kept (packet-sampling.h). */
#define SAMPLING_OWN 1024
/* Bytes of a packet that are copied. */
#define SAMPLING_SIZE 128

enum sampling_state { SAMPLING_UNKNOWN, SAMPLING_ON, SAMPLING_OFF };

/* Of a switch.  All zeros: unknown. */
struct sampling_meters {
    enum sampling_state state;
    char *reason;               /* Of SAMPLING_OFF.  Owned. */
    uint32_t features_xid, config_xid; /* Of requests, or 0. */
    uint32_t bank_xid, own_xid; /* Of the messages that install them. */
    uint32_t count_xid;         /* Of a request for the number of flows, or
                                 * 0. */
    uint32_t packet_in_xid;     /* Of a request for packet-in meters only, or
                                 * 0. */
    uint32_t limits_xid;        /* Of requests for limits' meters only, and of
                                 * changes to these. */
    bool no_own;                /* The switch has no room for more meters. */
    unsigned long own[BITMAP_N_LONGS(SAMPLING_OWN)]; /* Those that are
                                                      * installed. */
    size_t n_meters_left;       /* That the reply may still have. */
    uint8_t meters[2 * SAMPLING_METERS]; /* An enum in sampling-meters.c. */
    /* The last audit: whether it was one of them, which flows it has found,
     * by the numbers of sampling-flows.h, whose meters there were when it
     * began, and how many others. */
    bool audited_on;
    unsigned long audited[BITMAP_N_LONGS(3 * SAMPLING_METERS
                                         + 2 * SAMPLING_OWN)];
    unsigned long audited_own[BITMAP_N_LONGS(SAMPLING_OWN)];
    size_t n_unknown;
    /* The request for the meters that it began with, or 0; and then those that
     * are right, if the reply has come. */
    uint32_t audit_xid;
    bool meters_audited;
    unsigned long audited_meters[BITMAP_N_LONGS(2 * SAMPLING_METERS
                                                + SAMPLING_OWN)];
    bool lost;                  /* Flows are to be written anew. */
};

/* Maximum number of meters, and messages with meters, in reply to one request:
 * a switch has no more than vmnd's and perhaps as many of others. */
#define SWITCH_METERS_MAX \
    (2 * (FLOW_LIMIT_N_METERS + PACKET_IN_METERS + SAMPLING_OWN \
          + 2 * SAMPLING_METERS))

/* Minimum interval between two requests for limits' meters. */
#define SAMPLING_REQUEST_MS 5000

struct sampling_meters *sampling_meters_of(const struct fabric_switch *);

/* Create and destroy the fabric's 'sampling_meters'. */
void sampling_meters_create(struct fabric *);
void sampling_meters_destroy(struct fabric *);
/* IDs were freed, possibly of meters. */
void sampling_meters_numbers_freed(struct fabric *);

/* Requests the meters again, only for those of packet-in-meters.h. */
void sampling_meters_request_packet_in(struct fabric_switch *);

/* Requests all meters.  Returns the request's ID. */
uint32_t sampling_request_meters(struct fabric_switch *);

/* Calls 'cb' for each meter in a reply.  SAMPLING_REPLY_BAD: it is malformed;
 * SAMPLING_REPLY_TOO_MANY: the connection was closed. */
enum sampling_reply {
    SAMPLING_REPLY_OK, SAMPLING_REPLY_BAD, SAMPLING_REPLY_TOO_MANY
};
typedef void sampling_meter_cb(struct fabric_switch *,
                               const struct ofputil_meter_config *);
enum sampling_reply sampling_each_meter(struct fabric_switch *,
                                        const struct ofp_header *,
                                        sampling_meter_cb *);

/* Handles the first copy of a flow with a log and this part. */
void sampling_meters_add_own(struct fabric_switch *, uint32_t part);

#endif /* controller/fabric/packets/sampling-meters.h */
