/* SPDX-License-Identifier: Apache-2.0
 *
 * Punts: packets that flows send to apps' handlers (vmn_act_punt()).  Each
 * costs a switch a copy in its slow path, so a flow that punts sends none
 * itself: it makes a detour to PUNT_TABLE, with the handler in fields that
 * come with the copy.  The fabric installs the flows there: they select a
 * packet meter by the packet's input port, or by its source's identity for
 * tunnels, and send a copy through it, or without one if it is a probe of a
 * path between hosts.  Copies above a sender's rate are
 * dropped there, in the datapath; the packet itself goes on.  The flows that
 * punt are the same bytes on every host, and need no meter to be there.  Not
 * for received copies (fabric/packets/packet-in-queue.h), nor for the meters
 * (fabric/packets/packet-in-meters.h). */

#ifndef CONTROLLER_FLOW_PUNT_ACTION_H
#define CONTROLLER_FLOW_PUNT_ACTION_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ofpact;
struct ofpbuf;

/* After all stages: the first selects the meter, the second sends through
 * it. */
#define PUNT_TABLE 246
#define PUNT_METER_TABLE 247

/* Returns true if 'table' is one of them.  The flows there are the fabric's:
 * reconciliation, audits and the marker skip them. */
static inline bool
punt_is_table(uint8_t table)
{
    return table == PUNT_TABLE || table == PUNT_METER_TABLE;
}

/* Whom a copy is for.  A flow that punts writes it into two fields that
 * nothing else needs by then, both of 64 bits, so the pipeline's registers
 * come up as they are: the handler into the tunnel ID, the rest into
 * OpenFlow's metadata, whose lowest PUNT_SENDER_BITS select the meter.  A
 * clone() puts both back. */
#define PUNT_SENDER_BITS 17
struct punt {
    uint64_t handler_id;        /* punt_handler_id(). */
    uint32_t arg;               /* The app's. */
    uint16_t max_size;          /* Bytes of the packet that the handler gets;
                                 * from PUNT_SIZE_ALL on: all. */
};
#define PUNT_SIZE_ALL 0x7fff

/* Returns what a copy's fields say. */
struct punt punt_parse(uint64_t tun_id, uint64_t metadata);
/* The opposite. */
uint64_t punt_metadata(const struct punt *);

/* The user data of a copy: what it is. */
#define PUNT_USERDATA_SIZE 12
enum punt_userdata {
    PUNT_USERDATA_HANDLER,      /* For a handler. */
    PUNT_USERDATA_SAMPLE        /* Of SAMPLE_TABLE (sample-action.h). */
};
void punt_put_userdata(uint8_t userdata[PUNT_USERDATA_SIZE],
                       enum punt_userdata);
bool punt_is_userdata(const uint8_t *userdata, size_t size,
                      enum punt_userdata);

/* Appends an action to ofpacts that sends the packet's first 'max_len' bytes
 * to the controller, as 'what', through 'meter' (NX_CTLR_NO_METER: none).  A
 * switch that has no such meter takes it all the same, without a limit. */
void punt_put_copy(struct ofpbuf *ofpacts, enum punt_userdata what,
                   uint16_t max_len, uint32_t meter);

/* Returns a hash of the handler's name, the same in every process: it is
 * stored in switches. */
uint64_t punt_handler_id(const char *app, const char *handler);

/* Appends an action to ofpacts that sends a copy of the packet to the
 * controller, within its sender's rate. */
void punt_put(struct ofpbuf *ofpacts, const struct punt *);

/* Returns true if the action is a punt. */
bool punt_is_action(const struct ofpact *);

#endif /* controller/flow/punt-action.h */
