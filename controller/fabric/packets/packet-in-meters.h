/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric's part on a switch of sending packets up to handlers
 * (controller/flow/punt-action.h): a pool of packet meters, and the flows in
 * PUNT_TABLE and PUNT_METER_TABLE that send a copy of a packet to vmnd through
 * one of them.  A packet from a port uses the meter that the lowest bits of
 * the port's number select, one from a tunnel that of the lowest bits of its
 * source's identity: so a sender that floods uses up its own rate only, in the
 * datapath.  Each meter's rate is what vmnd accepts from one sender
 * (--packet-port-rate); if that is unlimited, there are no meters, and one
 * flow sends copies of all.  Probes of paths between hosts have none: vmnd
 * asks for them.
 *
 * A switch that connects is asked for its meters (sampling-meters.h), and for
 * the flows of the two tables; missing and different ones are repaired outside
 * of bundles.  They are not part of the engine's desired state, so that a
 * switch without meters can install all the rest: reconciling and the marker
 * ignore them, and audits compare them separately.  If a switch rejects the
 * meters, copies are only limited on their way to vmnd and in vmnd.
 *
 * A flow keeps working when its meter is deleted, or while it is not there
 * yet, as after Open vSwitch's own scripts have restored a switch's flows
 * (ovs-ctl(8), restart): then it has no limit, or that of whichever meter the
 * datapath makes next.  So a meter that is added has its flow sent again.
 *
 * Packets that the meters have dropped are read with the other counters. */

#ifndef CONTROLLER_FABRIC_PACKETS_PACKET_IN_METERS_H
#define CONTROLLER_FABRIC_PACKETS_PACKET_IN_METERS_H 1

#include <stdbool.h>
#include <stdint.h>

#include "bitmap.h"
#include "openvswitch/ofp-msgs.h"

struct fabric;
struct fabric_drop;
struct fabric_switch;
struct ofdump;
struct ofpbuf;
struct ofputil_flow_stats;
struct ofputil_meter_config;
struct switch_part_class;

extern const struct switch_part_class packet_in_meters_part;

/* Number of senders that are distinguished, powers of two; the meters' IDs are
 * consecutive, those for ports before those for tunnels. */
#define PACKET_IN_METERS_PORTS 256
#define PACKET_IN_METERS_IDENTITIES 128
#define PACKET_IN_METERS (PACKET_IN_METERS_PORTS + PACKET_IN_METERS_IDENTITIES)
#define PACKET_IN_METERS_FIRST 27001
/* Flows: one for each meter, two that select one, one for all senders that
 * have none, and one for probes of paths, which never have one. */
#define PACKET_IN_METER_FLOWS (PACKET_IN_METERS + 4)

enum packet_in_meters_state {
    PACKET_IN_METERS_UNKNOWN,   /* Or none are desired. */
    PACKET_IN_METERS_READING,   /* The switch's flows are being read and
                                 * compared. */
    PACKET_IN_METERS_INSTALLING, /* It was sent the difference, and has not
                                  * confirmed it. */
    PACKET_IN_METERS_ON,
    PACKET_IN_METERS_OFF        /* The switch cannot have them. */
};

/* Flows found by a reading of a switch. */
struct packet_in_meters_found {
    unsigned long right[BITMAP_N_LONGS(PACKET_IN_METER_FLOWS)];
    size_t n_unknown[2];      /* Others, by table: PUNT_TABLE, the next. */
    bool has_meters;          /* 'n_meters' is known. */
    size_t n_meters;          /* That are as desired. */
};

/* Of a switch.  All zeros: unknown. */
struct packet_in_meters {
    enum packet_in_meters_state state;
    char *reason;               /* Why it is not PACKET_IN_METERS_ON, or NULL.
                                 * Owned. */
    uint32_t xid;               /* Of the messages that install them, */
    uint32_t barrier_xid;       /* and of the barrier after those, or 0. */
    uint8_t has[PACKET_IN_METERS]; /* Of each meter: an enum in
                                    * packet-in-meters.c. */
    struct ofdump *dump;        /* Request for the flows, or NULL. */
    uint8_t reading;            /* The table of 'dump'. */
    struct packet_in_meters_found found; /* Found by 'dump' so far. */
    struct packet_in_meters_found audited; /* Found by the running audit so
                                            * far. */
    bool installed;             /* The desired flows are there, as far as
                                 * known. */
    bool audited_on;            /* They were when that audit began. */
    bool lost;                  /* That audit has found differences. */
    struct ofpbuf *deletes;     /* Messages that delete unknown flows.
                                 * Owned. */
    struct packet_in_meter_drops *counts; /* packet-in-meter-drops.c; or NULL.
                                           * Owned. */
};

struct packet_in_meters *packet_in_meters_of(const struct fabric_switch *);

/* The switch supports no such meters, or fewer than 'max', or rejects them, or
 * the request for them: installs the flows that need none. */
void packet_in_meters_turn_off(struct fabric_switch *, const char *reason);
void packet_in_meters_set_max(struct fabric_switch *, uint32_t max);
/* Handles a meter of the switch; returns true if it is one of these. */
bool packet_in_meters_set_meter(struct fabric_switch *,
                                const struct ofputil_meter_config *);
/* All meters of the switch have been read: reads the flows, and repairs the
 * differences. */
void packet_in_meters_complete(struct fabric_switch *);
/* Handles a meter that the running audit has read. */
void packet_in_meters_audit_meter(struct fabric_switch *,
                                  const struct ofputil_meter_config *);
/* That audit has read all meters. */
void packet_in_meters_audit_complete(struct fabric_switch *);

/* Returns true if the switch has all of them installed, as far as known. */
bool packet_in_meters_are_on(const struct fabric_switch *);

/* packet-in-meter-drops.c: what the meters drop.  ------------------------ */

/* Sends a request, unless one is in progress. */
void packet_in_meter_drops_request(struct fabric_switch *);
/* Handles a message that belongs to the request.  Returns false if it does not
 * belong to it. */
bool packet_in_meter_drops_message(struct fabric_switch *, enum ofptype,
                                   const struct ofp_header *);
/* The connection was closed: forgets the request. */
void packet_in_meter_drops_disconnected(struct fabric_switch *);
void packet_in_meter_drops_destroy(struct fabric_switch *);
/* Packets of all senders. */
uint64_t packet_in_meter_drops_total(const struct fabric_switch *);
/* Calls 'cb' for each port whose meter has dropped something, and once for
 * tunnels. */
void packet_in_meter_drops_each(const struct fabric_switch *,
                                void (*cb)(void *aux,
                                           const struct fabric_drop *),
                                void *aux);

#endif /* controller/fabric/packets/packet-in-meters.h */
