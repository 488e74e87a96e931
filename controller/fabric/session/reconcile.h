/* SPDX-License-Identifier: Apache-2.0
 *
 * Brings a switch to hold what it is to hold; see reconcile.c. */

#ifndef CONTROLLER_FABRIC_SESSION_RECONCILE_H
#define CONTROLLER_FABRIC_SESSION_RECONCILE_H 1

#include <stdbool.h>

struct fabric_switch;
struct switch_part_class;

extern const struct switch_part_class reconcile_part;

/* Starts if its conditions are met: the switch is waiting, its host has
 * reported, and it is not backing off. */
void reconcile_start_if_ready(struct fabric_switch *);
/* Starts, or restarts: reads all. */
void reconcile_start(struct fabric_switch *);
bool reconcile_is_running(const struct fabric_switch *);

#endif /* controller/fabric/session/reconcile.h */
