/* SPDX-License-Identifier: Apache-2.0
 *
 * What was dropped, by host, app and reason: by flows, by meters of senders,
 * and by the controller itself. */

#ifndef CONTROLLER_FABRIC_FABRIC_DROPS_H
#define CONTROLLER_FABRIC_FABRIC_DROPS_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/fabric/fabric-counters.h"

struct fabric;

/* What flows of a host dropped that have one owner and one reason; or what the
 * meters of its senders did. */
struct fabric_drop {
    const char *host;
    const char *app;            /* This and the next are constants. */
    const char *reason;
    uint64_t cookie;            /* For engine_get_flow_owner(), as the next. */
    uint32_t part;
    struct fabric_count count;
    bool background;            /* engine_is_background(). */
    bool metered;               /* No flow's: what a sender had sent up beyond
                                 * its rate, and its switch dropped. */
    const char *port;           /* Of these: the sender, or NULL (tunnels). */
};

/* Calls 'cb' for each of them (of 'host' alone, if that is not NULL). */
typedef void fabric_drop_cb(void *aux, const struct fabric_drop *);
void fabric_drops(const struct fabric *, const char *host, fabric_drop_cb *,
                  void *aux);

/* Sets '*ports' and '*tunnels' to the packets from there that meters of
 * senders have dropped since the start, on all hosts. */
void fabric_metered(const struct fabric *, uint64_t *ports,
                    uint64_t *tunnels);

/* Calls 'cb' for each app and reason, of which there are not many, with what
 * flows dropped since the start, those that are no more included.
 * 'background': engine_is_background(). */
typedef void fabric_drop_sum_cb(void *aux, const char *app,
                                const char *reason, bool background,
                                uint64_t packets, uint64_t bytes);
void fabric_drop_sums(const struct fabric *, fabric_drop_sum_cb *, void *aux);

/* Calls 'cb' for each reason to drop a packet that was sent up, or an answer:
 * 'who' is "vmn", or "APP.HANDLER" for what a handler gave no answer to. */
typedef void fabric_packet_drop_cb(void *aux, const char *who,
                                   const char *reason, uint64_t n);
void fabric_packet_drops(const struct fabric *, fabric_packet_drop_cb *,
                         void *aux);

#endif /* controller/fabric/fabric-drops.h */
