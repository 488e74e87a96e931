/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric's part of punts (controller/engine/punt.h) on a switch: a pool of
 * packet meters, and the flows in PUNT_TABLE and PUNT_METER_TABLE that hold a
 * packet against one of them before a copy of it goes up.
 *
 * A packet from a port has the meter that the lowest bits of the port's number
 * pick, one from a tunnel that of the lowest bits of its source's identity: so
 * a sender that floods takes its own share and no more, in the datapath.  Each
 * meter lets through what vmnd takes in from one sender (--packet-port-rate);
 * where that is any number, there are none.
 *
 * They come to a switch, and stay there, as those of taps do (taps.h), which
 * asks for the switch's meters.  A switch that refuses them works on without:
 * then copies are limited on their way to vmnd and in it, and no earlier. */

#ifndef CONTROLLER_FABRIC_PUNTS_H
#define CONTROLLER_FABRIC_PUNTS_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/ofp-msgs.h"

struct fabric_switch;
struct ofputil_meter_config;

/* How many senders are told apart, powers of two; the meters' numbers go on
 * from the first, those for ports before those for tunnels. */
#define PUNTS_PORTS 256
#define PUNTS_IDENTITIES 128
#define PUNTS_METERS (PUNTS_PORTS + PUNTS_IDENTITIES)
#define PUNTS_FIRST_METER 27001
/* Meters, and the flows to each; and those that pick one. */
#define PUNTS_FLOWS (PUNTS_METERS + 2)

enum punts_state { PUNTS_UNKNOWN, PUNTS_ON, PUNTS_OFF };

/* Of a switch.  Zeroed is unknown. */
struct punts {
    enum punts_state state;
    char *reason;               /* Of PUNTS_OFF.  Owned. */
    uint32_t xid;               /* Of what is put there. */
    uint8_t held[PUNTS_METERS]; /* An enum in punts.c. */
};

/* The switch has connected, or is gone. */
void punts_connected(struct fabric_switch *);
void punts_disconnected(struct fabric_switch *);

/* The switch has no meters of the kind, or fewer than 'max', or refuses to
 * tell. */
void punts_turn_off(struct fabric_switch *, const char *reason);
void punts_take_max(struct fabric_switch *, uint32_t max);
/* The switch has a meter: takes it (and returns true) if it is one of
 * these. */
bool punts_take_meter(struct fabric_switch *,
                      const struct ofputil_meter_config *);
/* All of its meters are known: puts there what is missing. */
void punts_complete(struct fabric_switch *);

/* Takes a message that belongs to them (and returns true). */
bool punts_message(struct fabric_switch *, enum ofptype,
                   const struct ofp_header *);

/* {"installed": bool, "reason"}, or NULL if it is not known, or there is no
 * rate. */
json_t *punts_status(const struct fabric_switch *);

#endif /* controller/fabric/punts.h */
