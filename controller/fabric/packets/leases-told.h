/* SPDX-License-Identifier: Apache-2.0
 *
 * Which addresses guests were given by DHCP and DHCPv6, as the answers said
 * that this vmnd has sent them.  A lease is the port's row, so this is for
 * people only: it says whether a guest has asked.  Nothing is stored: after a
 * start nobody was told anything, until guests renew. */

#ifndef CONTROLLER_FABRIC_PACKETS_LEASES_TOLD_H
#define CONTROLLER_FABRIC_PACKETS_LEASES_TOLD_H 1

#include <stddef.h>
#include <stdint.h>

struct arena;
struct leases_told;
struct model;
struct status_port;

struct leases_told *leases_told_create(const struct model *);
void leases_told_destroy(struct leases_told *);

/* Notes what 'frame' gives to 'port', to which it is sent: nothing, unless it
 * is an answer of DHCP. */
void leases_told_note(struct leases_told *, const char *port,
                      const uint8_t *frame, size_t size);

/* Fills in what the guest of 'port' was given. */
void leases_told_put(const struct leases_told *, const char *port,
                     struct arena *arena, struct status_port *);

#endif /* controller/fabric/packets/leases-told.h */
