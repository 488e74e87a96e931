/* SPDX-License-Identifier: Apache-2.0
 *
 * Punts: packets that flows send to apps' handlers (vmn_act_punt()).  Each
 * costs a switch a copy in its slow path, so a flow that punts makes a detour
 * to PUNT_TABLE before.  The fabric installs the flows there: they select a
 * packet meter by the packet's input port, or by its source's identity for
 * tunnels.  Packets above a sender's rate are dropped there, in the datapath.
 * On a switch without meters both tables are empty, and nothing is limited.
 * The flows that punt are the same bytes on every host.  Not for received
 * copies (fabric/packets/packet-in-queue.h), nor for the meters
 * (fabric/packets/packet-in-meters.h). */

#ifndef CONTROLLER_FLOW_PUNT_ACTION_H
#define CONTROLLER_FLOW_PUNT_ACTION_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ofpact;
struct ofpbuf;

/* After all stages: the first selects the meter, the second has the meters. */
#define PUNT_TABLE 246
#define PUNT_METER_TABLE 247

/* Returns true if 'table' is one of them.  The flows there are the fabric's:
 * reconciliation, audits and the marker skip them. */
static inline bool
punt_is_table(uint8_t table)
{
    return table == PUNT_TABLE || table == PUNT_METER_TABLE;
}

/* The contents of a punted packet's userdata, as the switch returns it: the
 * handler, and the app's argument. */
#define PUNT_USERDATA_SIZE 12
void punt_put_userdata(uint8_t userdata[PUNT_USERDATA_SIZE], const char *app,
                       const char *handler, uint32_t arg);
/* Parses it, with the handler's punt_handler_id(); returns false if it is
 * invalid. */
bool punt_parse_userdata(const uint8_t *userdata, size_t size,
                         uint64_t *handler_id, uint32_t *arg);
/* Returns a hash of the handler's name, the same in every process: it is
 * stored in switches. */
uint64_t punt_handler_id(const char *app, const char *handler);

/* Appends actions to ofpacts that send the packet's first 'max_size' bytes to
 * the controller, with 'userdata', within its sender's rate.  Above that rate
 * the actions that follow are not executed either, except after
 * punt_continue(). */
void punt_put(struct ofpbuf *ofpacts, const uint8_t *userdata, size_t size,
              uint16_t max_size);

/* Makes the actions that follow a punt executed also above the rate.  The punt
 * is the last action so far, and begins at offset 'ofs' of 'ofpacts'. */
void punt_continue(struct ofpbuf *ofpacts, size_t ofs);

/* Returns true if the action is a part of a punt. */
bool punt_is_part(const struct ofpact *);

#endif /* controller/flow/punt-action.h */
