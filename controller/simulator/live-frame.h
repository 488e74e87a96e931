/* SPDX-License-Identifier: Apache-2.0
 *
 * The packet of a live trace as bytes, such as a host would send to begin with
 * somebody else: conntrack and checksums take it for real.  Not for which
 * packet it is (guest-packet.h). */

#ifndef CONTROLLER_SIMULATOR_LIVE_FRAME_H
#define CONTROLLER_SIMULATOR_LIVE_FRAME_H 1

#include <stddef.h>
#include <stdint.h>

struct arena;
struct flow;

/* Makes a frame of 'flow', a whole packet of IPv4 or IPv6 with TCP, UDP, SCTP
 * or ICMP; of any other one, as a switch may say that it has met it, the frame
 * is what flow_compose() makes of it.  'id' tells it from those of other
 * traces where no port does: it is an echo request's identifier, and in SCTP's
 * tag.  Returns the frame, of '*size' bytes, in 'arena'. */
const uint8_t *live_frame_make(const struct flow *, uint16_t id,
                               struct arena *, size_t *size);

#endif /* controller/simulator/live-frame.h */
