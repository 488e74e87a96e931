/* SPDX-License-Identifier: Apache-2.0
 *
 * Port statistics of a switch: packets, bytes, and bytes per second.  A switch
 * is asked for the statistics of all of its ports whenever its flows' hits are
 * read (counters.c); they are kept until the next time.  Not stored, and not
 * summed up when a port is added again: these are the switch's own
 * counters. */

#ifndef CONTROLLER_FABRIC_COUNTERS_PORT_STATS_H
#define CONTROLLER_FABRIC_COUNTERS_PORT_STATS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/ofp-msgs.h"

struct ofconn;

/* From the switch's view: what it receives on a VM's port was sent by the
 * VM. */
struct port_stats {
    uint32_t ofport;
    uint64_t rx_packets, rx_bytes;
    uint64_t tx_packets, tx_bytes;
    double rx_bytes_per_s, tx_bytes_per_s; /* Between the last two readings. */
};

/* Maximum number of ports kept of a switch's reply; others are ignored. */
#define PORT_STATS_MAX 16384

/* Of one switch.  All zeros: nothing is known. */
struct port_stats_of_switch {
    uint32_t xid;                   /* Of the request in progress, or 0. */
    bool unsupported;               /* The switch replied with an error. */
    int64_t asked_ms, before_ms;    /* time_msec() of the last two requests. */
    size_t n, n_next;
    size_t allocated_next;
    struct port_stats *ports;       /* By number.  Owned, as the next. */
    struct port_stats *next;        /* Received parts of the reply. */
};

/* Sends a request, unless one is in progress. */
void port_stats_request(struct port_stats_of_switch *, struct ofconn *);
/* Handles a message that belongs to the request.  Returns false if it does not
 * belong to it. */
bool port_stats_message(struct port_stats_of_switch *, enum ofptype,
                        const struct ofp_header *);
/* Forgets everything, since the connection was closed. */
void port_stats_forget(struct port_stats_of_switch *);

/* Returns the statistics of a port, or NULL.  Valid until the next message. */
const struct port_stats *port_stats_find(const struct port_stats_of_switch *,
                                         uint32_t ofport);

#endif /* controller/fabric/counters/port-stats.h */
