/* SPDX-License-Identifier: Apache-2.0
 *
 * From which addresses the guest of a port sends, as its switch's own flows
 * have counted it: anti-spoofing has one for each.  It is read when somebody
 * asks, of one port, and kept for a moment only.  See fabric-guests.h. */

#ifndef CONTROLLER_FABRIC_SESSION_ADDRESSES_SEEN_H
#define CONTROLLER_FABRIC_SESSION_ADDRESSES_SEEN_H 1

#include <stdint.h>

struct arena;
struct fabric_host;
struct status_port;
struct switch_part_class;

extern const struct switch_part_class addresses_seen_part;

/* Fills in the addresses of 'port', which is the host's OpenFlow port
 * 'ofport', if they were read just now.  'host' may be NULL. */
void addresses_seen_put(const struct fabric_host *host, const char *port,
                        uint32_t ofport, struct arena *arena,
                        struct status_port *);

#endif /* controller/fabric/session/addresses-seen.h */
