/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the monitors app share: its type, its stage and its
 * relations.  docs/apps/monitors.md says what a monitor is. */

#ifndef APPS_MONITORS_H
#define APPS_MONITORS_H 1

#include "vmn/app.h"
#include "vmn/own-types.h"
#include "vmn/packet.h"

/* How guests are asked. */
enum monitor_type {
    MONITOR_ARP,                /* ARP, or neighbour discovery. */
    MONITOR_PING,
};

struct monitor {
    struct vmn_object object;
    const char *group;
    bool enabled;
    int type;                   /* enum monitor_type. */
    int interval_ms, timeout_ms;
    int healthy_after, unhealthy_after; /* Probes in a row. */
};

/* The app's only type. */
#define ROW_MONITOR VMN_ROW_OWN(0)

enum monitors_stage { STAGE_ANSWER };

/* Its only handler. */
enum { HANDLER_ANSWER };

#define POOL_PORT "monitors.port" /* PORT, of which targets have their names,
                                   * as a port's may be too long. */

/* "" -> monitors that are enabled: where there are none, ports cost
 * nothing. */
#define REL_ALL "monitors.all"
/* GROUP -> monitors of it, or of a group that it is in. */
#define REL_OF_GROUP "monitors.of-group"
/* PORT -> the monitor that it has. */
#define REL_OF_PORT "monitors.of-port"
/* MONITOR -> its ports, and those whose guests answer, or do not. */
#define REL_PORTS "monitors.ports"
#define REL_UP "monitors.up"
#define REL_DOWN "monitors.down"
/* MONITOR -> how many there are of the first two. */
#define REL_N_PORTS "monitors.n-ports"
#define REL_N_UP "monitors.n-up"

/* guest-probe.c. */
void compile_probe(struct vmn_view *, const char *port, struct vmn_emit *);
void handle_answer(struct vmn_view *, const struct vmn_packet_in *,
                   struct vmn_packets_out *);

#endif /* apps/monitors/monitors.h */
