/* SPDX-License-Identifier: Apache-2.0
 *
 * Taps: where copies of packets are taken for people to look at, of packets
 * that flows drop, and of those that flows with a log let pass.
 *
 * Such a flow notes in registers what it is, and goes (or makes a detour) to
 * TAP_TABLE.  It is the same on every host.  What is in that table is the
 * fabric's: a few flows that send copies up, each through a meter, or nothing
 * on a switch that has none.  A packet that goes there is dropped in the end,
 * one that makes a detour goes on: a copy never changes a verdict.
 *
 * Not for what becomes of copies (fabric/packets/sampling-meters.h). */

#ifndef CONTROLLER_FLOW_SAMPLE_ACTION_H
#define CONTROLLER_FLOW_SAMPLE_ACTION_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;
struct ofpbuf;

/* Behind all stages; the marker's is the next one. */
#define TAP_TABLE 252

/* What a flow notes: its owner's cookie in OpenFlow's metadata, its
 * engine_item_part() in register 14, and in register 15: */
#define TAP_DROP 0x80000000u    /* it drops; */
#define TAP_LOG 0x40000000u     /* it has a log; */
#define TAP_UNCOUNTED 0x20000000u /* its hits are not to be had from the switch:
                                 * each copy is one; */
#define TAP_REASON 0x0fffffffu  /* of a drop, a hash of the reason. */
#define TAP_PART_REG 14
#define TAP_KIND_REG 15

/* Appends to ofpacts what takes a packet there: for good if 'reason', of a
 * drop, is not NULL, else as a detour.  'counted': its hits are to be had. */
void tap_put(struct ofpbuf *ofpacts, uint64_t cookie, uint32_t part,
             const char *reason, bool log, bool counted);

/* Writes the actions of a flow for people to read: "drop" for what leads there
 * for good. */
struct ds;
struct ofpact;
void tap_format(const struct ofpact *, size_t ofpacts_len, struct ds *);

/* Remembers a reason, and finds it again by register 15, or NULL. */
void tap_note_reason(struct engine *, const char *reason);
const char *tap_find_reason(const struct engine *, uint32_t kind);

#endif /* controller/flow/sample-action.h */
