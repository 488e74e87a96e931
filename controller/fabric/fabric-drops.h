/* SPDX-License-Identifier: Apache-2.0
 *
 * Dropped packets, by host, app and reason: dropped by flows, by the meters of
 * senders, and by the controller itself. */

#ifndef CONTROLLER_FABRIC_FABRIC_DROPS_H
#define CONTROLLER_FABRIC_FABRIC_DROPS_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/fabric/fabric-counters.h"

struct fabric;

/* Drops on a host by flows with one owner and one reason; or by the meters of
 * its senders. */
struct fabric_drop {
    const char *host;
    const char *app;            /* This and the next are constants. */
    const char *reason;
    uint64_t cookie;            /* For engine_get_flow_owner(), as the next. */
    uint32_t part;
    struct fabric_count count;
    bool background;            /* engine_is_background(). */
    bool metered;               /* Dropped by a meter and not by a flow:
                                 * packets to the controller that exceeded the
                                 * sender's rate. */
    const char *port;           /* If metered: the sender, or NULL
                                 * (tunnels). */
};

/* Calls 'cb' for each of them (only those of 'host', unless that is NULL). */
typedef void fabric_drop_cb(void *aux, const struct fabric_drop *);
void fabric_drops(const struct fabric *, const char *host, fabric_drop_cb *,
                  void *aux);

/* Sets '*ports' and '*tunnels' to the number of packets from ports and from
 * tunnels that senders' meters have dropped since the start, on all hosts. */
void fabric_metered(const struct fabric *, uint64_t *ports,
                    uint64_t *tunnels);

/* Calls 'cb' for each app and reason, of which there are few, with the drops
 * since the start, including those of deleted flows.
 * 'background': engine_is_background(). */
typedef void fabric_drop_sum_cb(void *aux, const char *app,
                                const char *reason, bool background,
                                uint64_t packets, uint64_t bytes);
void fabric_drop_sums(const struct fabric *, fabric_drop_sum_cb *, void *aux);

/* Calls 'cb' for each reason for which a packet-in, or a reply to one, was
 * dropped: 'who' is "vmn", or "APP.HANDLER" if a handler gave no reply. */
typedef void fabric_packet_drop_cb(void *aux, const char *who,
                                   const char *reason, uint64_t n);
void fabric_packet_drops(const struct fabric *, fabric_packet_drop_cb *,
                         void *aux);

#endif /* controller/fabric/fabric-drops.h */
