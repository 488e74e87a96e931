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

struct match;
struct ofpbuf;

/* For callers that do not know what is matched. */
#define OXM_ANY_FIELD UINT64_MAX

/* Appends 'match' with its header, padded to a multiple of 8 bytes.  'matched'
 * has a bit for each enum vmn_field that was matched; Ethernet type and IP
 * protocol may be matched without theirs. */
void oxm_put(struct ofpbuf *, const struct match *, uint64_t matched);

#endif /* controller/flow/oxm.h */
