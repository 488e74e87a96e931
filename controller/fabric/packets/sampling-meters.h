/* SPDX-License-Identifier: Apache-2.0
 *
 * What samples packets on a switch (controller/flow/sample-action.h): a bank
 * of meters, and in SAMPLE_TABLE the flows that send copies up through them.
 *
 * A switch that connects is asked for its meters, before anything else.  What
 * is missing is added, outside of bundles, and then the flows; where all
 * meters are as they should be, so are the flows, which came after them.  The
 * flows are nobody's and of no account: reconciling and audits pass them by,
 * and the marker does not speak of them.  A switch that refuses some of it
 * goes without samples; counters are not concerned.
 *
 * A copy's meter is picked by a hash of the reason, or of the rule, so that
 * one that is noisy takes its share and no more, in the switch.  A rule with a
 * log of which a copy has come up gets a meter of its own on that switch, for
 * as long as the connection lasts.  What comes up is for packet-sampling.h.
 *
 * Of a switch's other meters, those of flows' limits come with the flows.
 * Those go that no flow can have any more: when the switch connects, and when
 * numbers of meters have become free, since then every connected switch is
 * asked for its meters once more, the first time at once and else some seconds
 * after the last. */

#ifndef CONTROLLER_FABRIC_PACKETS_SAMPLING_METERS_H
#define CONTROLLER_FABRIC_PACKETS_SAMPLING_METERS_H 1

#include <stdbool.h>
#include <stdint.h>

#include "bitmap.h"

struct fabric;
struct fabric_switch;
struct switch_part_class;

extern const struct switch_part_class sampling_meters_part;

/* Meters for drops, and for logs; their numbers go on from the first. */
#define SAMPLING_METERS 16
#define SAMPLING_FIRST_METER 25201
/* Copies a second and at once that each lets through. */
#define SAMPLING_DROP_RATE 5
#define SAMPLING_DROP_BURST 10
#define SAMPLING_LOG_RATE 50
#define SAMPLING_LOG_BURST 100
/* Rules' own meters, behind these; a power of two.  Rules that are so many
 * numbers apart share one.  Each lets through what is kept of a rule
 * (packet-sampling.h). */
#define SAMPLING_OWN 1024
/* Bytes of a packet that are copied. */
#define SAMPLING_SIZE 128

enum sampling_state { SAMPLING_UNKNOWN, SAMPLING_ON, SAMPLING_OFF };

/* Of a switch.  Zeroed is unknown. */
struct sampling_meters {
    enum sampling_state state;
    char *reason;               /* Of SAMPLING_OFF.  Owned. */
    uint32_t features_xid, config_xid; /* Of questions, or 0. */
    uint32_t bank_xid, own_xid; /* Of what is put there. */
    uint32_t punts_xid;         /* Of a question for those of punts alone, or
                                 * 0. */
    uint32_t limits_xid;        /* Of requests for limits' meters alone, and
                                 * of what is done to these. */
    bool no_own;                /* The switch has no room for more meters. */
    unsigned long own[BITMAP_N_LONGS(SAMPLING_OWN)]; /* That are there. */
    size_t n_meters_left;       /* That may still come, of what was
                                 * requested. */
    uint8_t meters[2 * SAMPLING_METERS]; /* An enum in sampling-meters.c. */
};

/* Meters, and messages with some, that are taken for one request: a switch has
 * no more than ours and perhaps as many of others. */
#define SWITCH_METERS_MAX \
    (2 * (FLOW_LIMIT_N_METERS + PUNTS_METERS + SAMPLING_OWN \
          + 2 * SAMPLING_METERS))

/* Between two questions for limits' meters, at least. */
#define SAMPLING_REQUEST_MS 5000

struct sampling_meters *sampling_meters_of(const struct fabric_switch *);

/* Makes and destroys the fabric's 'sampling_meters'. */
void sampling_meters_create(struct fabric *);
void sampling_meters_destroy(struct fabric *);
/* Numbers have become free, perhaps of meters. */
void sampling_meters_numbers_freed(struct fabric *);

/* Requests the meters once more, for those of punts (punts.h) alone. */
void sampling_meters_request_punts(struct fabric_switch *);

/* A copy has come up of what a flow with a log and this part decided. */
void sampling_meters_add_own(struct fabric_switch *, uint32_t part);

/* Returns true if a packet that came up is a copy. */
bool sampling_is_copy(const uint8_t *userdata, size_t size);

#endif /* controller/fabric/packets/sampling-meters.h */
