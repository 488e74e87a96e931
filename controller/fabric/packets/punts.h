/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric's part of punts (controller/flow/punt-action.h) on a switch: a
 * pool of packet meters, and the flows in PUNT_TABLE and PUNT_METER_TABLE that
 * hold a packet against one of them before a copy of it goes up.
 *
 * A packet from a port has the meter that the lowest bits of the port's number
 * pick, one from a tunnel that of the lowest bits of its source's identity: so
 * a sender that floods takes its own share and no more, in the datapath.  Each
 * meter lets through what vmnd takes in from one sender (--packet-port-rate);
 * where that is any number, there are none.
 *
 * A switch that connects is asked for its meters (sampling-meters.h), and for
 * the flows of the two tables; what is missing or differs is put right outside
 * of bundles.  They are no part of what the engine wants of a host, so that
 * one without meters can hold all the rest: reconciling and the marker pass
 * them by, and audits judge them apart.  A switch that refuses them works on
 * without: then copies are limited on their way to vmnd and in it, and no
 * earlier.
 *
 * What the meters have dropped is read with the other counters. */

#ifndef CONTROLLER_FABRIC_PACKETS_PUNTS_H
#define CONTROLLER_FABRIC_PACKETS_PUNTS_H 1

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

extern const struct switch_part_class punts_part;

/* How many senders are distinguished, powers of two; the meters' numbers go on
 * from the first, those for ports before those for tunnels. */
#define PUNTS_PORTS 256
#define PUNTS_IDENTITIES 128
#define PUNTS_METERS (PUNTS_PORTS + PUNTS_IDENTITIES)
#define PUNTS_FIRST_METER 27001
/* Meters, and the flows to each; and those that pick one. */
#define PUNTS_FLOWS (PUNTS_METERS + 2)

/* PUNTS_READING: what the switch has is compared; PUNTS_PUTTING: it has been
 * sent the difference, and has yet to take it. */
enum punts_state {
    PUNTS_UNKNOWN, PUNTS_READING, PUNTS_PUTTING, PUNTS_ON, PUNTS_OFF
};

/* What a reading of a switch has found of the flows. */
struct punts_found {
    unsigned long right[BITMAP_N_LONGS(PUNTS_FLOWS)];
    size_t n_unknown[2];      /* Others, in PUNT_TABLE and the next. */
};

/* Of a switch.  Zeroed is unknown. */
struct punts {
    enum punts_state state;
    char *reason;               /* Why it is not PUNTS_ON, or NULL.  Owned. */
    uint32_t xid;               /* Of what is put there, */
    uint32_t barrier_xid;       /* and of the barrier behind that, or 0. */
    uint8_t meters[PUNTS_METERS]; /* An enum in punts.c. */
    struct ofdump *dump;        /* Of the flows, or NULL. */
    uint8_t reading;            /* The table that it is of. */
    struct punts_found found;   /* By it, so far. */
    struct punts_found audited; /* By the running audit, so far. */
    bool audited_on;            /* PUNTS_ON when that audit began. */
    bool lost;                  /* It has found differences. */
    struct ofpbuf *deletes;     /* Messages for what is to go.  Owned. */
    struct punts_counts *counts; /* punts-count.c; or NULL.  Owned. */
};

struct punts *punts_of(const struct fabric_switch *);

/* The switch has no meters of the kind, or fewer than 'max', or refuses to
 * tell. */
void punts_turn_off(struct fabric_switch *, const char *reason);
void punts_set_max(struct fabric_switch *, uint32_t max);
/* The switch has a meter: takes it (and returns true) if it is one of
 * these. */
bool punts_set_meter(struct fabric_switch *,
                     const struct ofputil_meter_config *);
/* All of its meters are known: reads the flows, and puts right what is not. */
void punts_complete(struct fabric_switch *);

/* Returns true if the switch has all of them, as far as is known. */
bool punts_are_on(const struct fabric_switch *);

/* punts-count.c: what the meters drop.  ---------------------------------- */

/* Sends the request, unless the last one is still unanswered. */
void punts_request_counts(struct fabric_switch *);
/* Handles a message that belongs to the request.  Returns false if it does
 * not. */
bool punts_count_message(struct fabric_switch *, enum ofptype,
                         const struct ofp_header *);
/* The connection is gone: forgets the request. */
void punts_counts_disconnected(struct fabric_switch *);
void punts_counts_destroy(struct fabric_switch *);
/* Packets of all senders. */
uint64_t punts_n_dropped(const struct fabric_switch *);
/* Calls 'cb' for each port whose meter has dropped something, and once for
 * tunnels. */
void punts_drops(const struct fabric_switch *,
                 void (*cb)(void *aux, const struct fabric_drop *),
                 void *aux);

#endif /* controller/fabric/packets/punts.h */
