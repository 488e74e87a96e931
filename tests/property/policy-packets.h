/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets of the property test of the firewall: random ones, the way that they
 * take in the simulator, and what a plain reading of policies says of them. */

#ifndef TESTS_PROPERTY_POLICY_PACKETS_H
#define TESTS_PROPERTY_POLICY_PACKETS_H 1

#include <stdbool.h>

#include "controller/simulator/simulator.h"
#include "tests/property/policy-text.h"
#include "tests/property/policy-world.h"

/* Makes one between two ports that are plugged in. */
void random_packet(const struct world *world, struct text_packet *packet);

/* The packet as the source's VM sends it. */
void make_packet(const struct world *world, const struct text_packet *text,
                 struct sim_packet *packet);

/* The answer to 'packet', but for its MACs. */
void turn_packet(struct sim_packet *packet);

/* What the sender gives its packet: its own MAC, and that of the receiver or
 * of the router on the way there. */
void set_macs(const struct world *world, struct sim_packet *packet,
              const struct vmn_port *src, const struct vmn_port *dst);

/* Where a port is plugged in. */
const struct vmn_vif *find_vif(const struct world *world,
                               const struct vmn_port *port);

/* The number of the port's network. */
unsigned network_index(const struct vmn_port *port);

/* Has 'src' send the packet.  Returns whether it has arrived at 'dst', as it
 * should be, and no copy of it anywhere else.  '*reason' is why not. */
bool arrives(const struct world *world, struct simulator *sim,
             const struct vmn_port *src, const struct vmn_port *dst,
             const struct sim_packet *packet, const char **reason);

/* Whether the sender of a packet that was rejected last is told.  Errors about
 * SCTP have none of the ports that rules may name (docs/pipeline.md). */
bool is_told(const struct world *world, struct simulator *sim,
             const struct text_packet *text);

/* True if routers join the networks of the two, or they are of one and not
 * isolated from each other. */
bool has_way(const struct world *world, const struct text_packet *text);

/* What becomes of a packet between the two: there has to be a way, and
 * policies have to let it. */
enum text_verdict verdict_of(const struct world *world,
                             const struct text_packet *text,
                             char why[TEXT_WHY],
                             unsigned kept[VMN_N_DIRECTIONS]);

/* True if the port's host tracks no connections of the protocol: SCTP on the
 * userspace datapath, where each packet is judged by itself. */
bool is_stateless(const struct world *world, const struct vmn_port *port,
                  enum vmn_protocol protocol);

#endif /* tests/property/policy-packets.h */
