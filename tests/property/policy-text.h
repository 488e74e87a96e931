/* SPDX-License-Identifier: Apache-2.0
 *
 * What policies say of a packet, read from their rows one after the other, as
 * docs/api.md tells it.  Written apart from the firewall app, and nothing of
 * it is used here: each is the other's check. */

#ifndef TESTS_PROPERTY_POLICY_TEXT_H
#define TESTS_PROPERTY_POLICY_TEXT_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/model/model.h"
#include "vmn/rows.h"

/* The first packet of a connection between two ports of a network. */
struct text_packet {
    const struct vmn_port *src, *dst;
    struct vmn_ip src_ip, dst_ip;
    enum vmn_protocol protocol;
    uint16_t port;              /* Of the destination; of ICMP, the type. */
    uint8_t code;               /* Of ICMP. */
    /* Of a connection that is open: at which tiers' positions it was let
     * through by policies that keep connections, or 0. */
    unsigned kept[VMN_N_DIRECTIONS];
};

enum text_verdict {
    TEXT_ALLOWED,
    TEXT_DENIED,
    TEXT_REJECTED,              /* Denied, and its sender is told. */
};

/* What becomes of the packet.  'why' says what decided; 'kept' is what the
 * next packets of its connection have there. */
#define TEXT_WHY 160
enum text_verdict policy_text_verdict(const struct model *,
                                      const struct text_packet *,
                                      char why[TEXT_WHY],
                                      unsigned kept[VMN_N_DIRECTIONS]);

#endif /* tests/property/policy-text.h */
