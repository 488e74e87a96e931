/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes through the ports of a switch, in packets, bytes, and bytes a
 * second.  A switch is read for all of its ports whenever its flows' hits are
 * read (counters.c), and what it says is kept until the next time.
 *
 * Not stored, and not summed over a port's lives: it is the switch's own
 * count. */

#ifndef CONTROLLER_FABRIC_COUNTERS_TRAFFIC_H
#define CONTROLLER_FABRIC_COUNTERS_TRAFFIC_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/ofp-msgs.h"

struct ofconn;

/* As the switch sees it: what it receives on a VM's port, the VM has sent. */
struct traffic_port {
    uint32_t ofport;
    uint64_t rx_packets, rx_bytes;
    uint64_t tx_packets, tx_bytes;
    double rx_bytes_per_s, tx_bytes_per_s; /* Between the last two readings. */
};

/* Ports that are kept of a switch's reply; what it says of more is passed
 * over. */
#define TRAFFIC_PORTS_MAX 16384

/* Of one switch.  All zero: nothing is known. */
struct traffic {
    uint32_t xid;                   /* Of the question, or 0: none is open. */
    bool unsupported;               /* It has answered with an error. */
    int64_t asked_ms, before_ms;    /* time_msec() of the last two. */
    size_t n, n_next;
    size_t allocated_next;
    struct traffic_port *ports;     /* By number.  Owned, as the next. */
    struct traffic_port *next;      /* What has come of the reply. */
};

/* Sends the request, unless the last one is still unanswered. */
void traffic_request(struct traffic *, struct ofconn *);
/* Handles a message that belongs to the request.  Returns false if it does
 * not. */
bool traffic_message(struct traffic *, enum ofptype,
                     const struct ofp_header *);
/* The connection is gone: so is all that is known. */
void traffic_forget(struct traffic *);

/* Or NULL.  Valid until the next message. */
const struct traffic_port *traffic_find(const struct traffic *,
                                        uint32_t ofport);

#endif /* controller/fabric/counters/traffic.h */
