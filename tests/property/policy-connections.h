/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections that are open while policies change, for the property test of
 * the firewall. */

#ifndef TESTS_PROPERTY_POLICY_CONNECTIONS_H
#define TESTS_PROPERTY_POLICY_CONNECTIONS_H 1

#include "tests/property/policy-packets.h"

/* A connection that is open, and what its two hosts know of it. */
struct held {
    struct simulator *sim;      /* NULL: none is open. */
    struct sim_net now;
    struct text_packet text;
    struct sim_packet there, back;
    char names[2][16];          /* Of the source and the destination... */
    char hosts[2][16];          /* ...and where they were then. */
    unsigned domains[2];        /* Of both. */
    unsigned n_left;            /* Edits before it is closed. */
};

void held_close(struct held *held);

/* After an edit: what was opened before is as the policies say. */
bool check_held(const struct world *world, struct held *held,
                const struct sim_net *now);

#endif /* tests/property/policy-connections.h */
