/* SPDX-License-Identifier: Apache-2.0
 *
 * The neighbours on physical networks that apps have asked for on a switch.
 * Who answers is learned by the switch, and not asked for again while it is
 * known: so a neighbour that is asked for over and over has not answered.  Not
 * for asking (the apps), nor for what the switch has learned
 * (controller/flow/learn-neighbour.h). */

#ifndef CONTROLLER_FABRIC_PACKETS_NEIGHBOUR_REQUESTS_H
#define CONTROLLER_FABRIC_PACKETS_NEIGHBOUR_REQUESTS_H 1

#include <stdbool.h>
#include <stdint.h>

#include "vmn/types.h"

/* Maximum number of neighbours of a switch that are noted.  A new one takes
 * the place of the one that was asked for the longest ago. */
#define NEIGHBOUR_REQUESTS_MAX 128
/* Requests for a neighbour are in vain if each follows the one before within
 * so long, in ms: one that answers is known for longer than that
 * (VMN_NEIGHBOUR_IDLE_S)... */
#define NEIGHBOUR_REQUESTS_SERIES_MS 60000
/* ...and if there are at least so many. */
#define NEIGHBOUR_REQUESTS_IN_VAIN 3
/* For how long after the last one that is told, in ms. */
#define NEIGHBOUR_REQUESTS_KEPT_MS 30000

/* A series of requests for a neighbour. */
struct neighbour_request {
    uint32_t network;           /* A VNI. */
    struct vmn_ip ip;
    uint64_t n;
    int64_t first_ms, last_ms;  /* By the clock of the caller. */
};

struct neighbour_requests;

/* Notes, at 'now_ms', that 'ip' in 'network' is asked for.  '*requests' is
 * NULL before the first request; free() frees it. */
void neighbour_requests_note(struct neighbour_requests **requests,
                             uint32_t network, const struct vmn_ip *ip,
                             int64_t now_ms);

/* Returns the series of requests for 'ip' in 'network' if, at 'now_ms', it was
 * asked for in vain not long ago; else NULL.  'requests' may be NULL. */
const struct neighbour_request *neighbour_requests_in_vain(
    const struct neighbour_requests *requests, uint32_t network,
    const struct vmn_ip *ip, int64_t now_ms);

#endif /* controller/fabric/packets/neighbour-requests.h */
