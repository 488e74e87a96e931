/* SPDX-License-Identifier: Apache-2.0
 *
 * Punts: packets that flows send up to apps' handlers (vmn_act_punt()).
 *
 * Each costs a switch a copy in its slow path, so a flow that punts makes a
 * detour to PUNT_TABLE before.  What is there is the fabric's: flows that pick
 * a packet meter by the port that the packet came from, or by its source's
 * identity where that is a tunnel.  What a sender has beyond its rate ends
 * there, in the datapath.  On a switch without meters both tables are empty,
 * and nothing is held back.
 *
 * The flows that punt are the same bytes on every host.  Not for what becomes
 * of the copies (fabric/packets/packets.h), nor for the meters
 * (fabric/packets/punts.h). */

#ifndef CONTROLLER_FLOW_PUNT_ACTION_H
#define CONTROLLER_FLOW_PUNT_ACTION_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ofpact;
struct ofpbuf;

/* Behind all stages: picks whose meter it is, and has the meter. */
#define PUNT_TABLE 246
#define PUNT_METER_TABLE 247

/* Returns true if 'table' is one of them.  The flows there are the fabric's:
 * reconciliation, audits and the marker skip them. */
static inline bool
punt_is_table(uint8_t table)
{
    return table == PUNT_TABLE || table == PUNT_METER_TABLE;
}

/* What a punted packet's flow says of it, as the switch hands it back: which
 * handler, and the app's argument. */
#define PUNT_USERDATA_SIZE 12
void punt_put_userdata(uint8_t userdata[PUNT_USERDATA_SIZE], const char *app,
                       const char *handler, uint32_t arg);
/* Parses it, with the handler's punt_handler_id(); false if it is none. */
bool punt_parse_userdata(const uint8_t *userdata, size_t size,
                         uint64_t *handler_id, uint32_t *arg);
/* Returns a hash of the handler's name, the same in every process: it stays in
 * switches. */
uint64_t punt_handler_id(const char *app, const char *handler);

/* Appends to ofpacts what sends the packet's first 'max_size' bytes up, with
 * 'userdata', within its sender's rate.  Beyond that the actions that follow
 * are not done either: punt_continue() is for who wants them done. */
void punt_put(struct ofpbuf *ofpacts, const uint8_t *userdata, size_t size,
              uint16_t max_size);

/* Has the actions that follow a punt done also beyond the rate.  The punt is
 * the last action so far, and begins where 'ofpacts' were 'ofs' bytes long. */
void punt_continue(struct ofpbuf *ofpacts, size_t ofs);

/* Returns true if the action is a part of a punt. */
bool punt_is_part(const struct ofpact *);

#endif /* controller/flow/punt-action.h */
