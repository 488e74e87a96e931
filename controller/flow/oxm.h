/* SPDX-License-Identifier: Apache-2.0
 *
 * Matches as OpenFlow 1.5 encodes them.  The bytes are those of
 * libopenvswitch's oxm_put_match(), so that what a switch reports, decoded and
 * encoded again, equals them; but every flow that an app wants is encoded each
 * time it is compiled, and oxm_put_match() checks every field that exists.
 * For flow-item.c. */

#ifndef CONTROLLER_FLOW_OXM_H
#define CONTROLLER_FLOW_OXM_H 1

#include <stddef.h>
#include <stdint.h>

#include "vmn/flow.h"

struct match;
struct ofpbuf;

/* A set of enum vmn_field in 64 bits: registers share one in pairs, as they
 * are encoded; the highest bit is of no field.  'FIELD' is a name. */
#define OXM_N_PAIRS 8
#define OXM_N_BITS (VMN_N_FIELDS - OXM_N_PAIRS)
#define OXM_BIT(FIELD)                                                  \
    (UINT64_C(1) << (FIELD < VMN_F_REG0 ? FIELD                         \
                     : FIELD > VMN_F_REG15 ? FIELD - OXM_N_PAIRS        \
                     : VMN_F_REG0 + (FIELD - VMN_F_REG0) / 2))

/* Returns the field of a bit, 0 being the lowest; of a pair the first one. */
static inline enum vmn_field
oxm_field_of_bit(unsigned bit)
{
    return (bit < VMN_F_REG0 ? bit
            : bit < VMN_F_REG0 + OXM_N_PAIRS
            ? VMN_F_REG0 + 2 * (bit - VMN_F_REG0) : bit + OXM_N_PAIRS);
}

/* For callers that do not know what is matched. */
#define OXM_ANY_FIELD UINT64_MAX

/* Appends 'match' with its header, padded to a multiple of 8 bytes.  'matched'
 * has the bit of each field that was matched; Ethernet type and IP protocol
 * may be matched without theirs. */
void oxm_put(struct ofpbuf *, const struct match *, uint64_t matched);

#endif /* controller/flow/oxm.h */
