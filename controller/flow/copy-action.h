/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies of packets for readers (vmn_act_copy()): what a switch sends up of
 * them, so that it is known whose they are.  Each passes a meter of its own,
 * and so costs neither handlers nor samples their share.  Not for what is done
 * with them (fabric/packets/captured-packets.h). */

#ifndef CONTROLLER_FLOW_COPY_ACTION_H
#define CONTROLLER_FLOW_COPY_ACTION_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmn/types.h"

struct ofpact;
struct ofpbuf;

/* The longest "TYPE/NAME". */
#define COPY_OBJECT_MAX (31 + 1 + VMN_NAME_LEN)

/* Appends an action to ofpacts that sends the packet's first 'max_len' bytes
 * to the controller, for readers of 'object', "TYPE/NAME", through 'meter'. */
void copy_put(struct ofpbuf *ofpacts, const char *object, uint16_t max_len,
              uint32_t meter);

/* Returns true if the action is of vmn_act_copy(): whatever becomes of the
 * copy, nothing becomes of the packet by it. */
bool copy_is_action(const struct ofpact *);

/* What the user data of a packet-in says. */
struct copy_about {
    const char *object;         /* "TYPE/NAME", in the user data; */
    size_t object_len;          /* without a final null. */
    uint16_t max_len;           /* Bytes of the packet that are wanted. */
};
/* Returns false if it is no copy for readers. */
bool copy_parse(const uint8_t *userdata, size_t size, struct copy_about *);

#endif /* controller/flow/copy-action.h */
