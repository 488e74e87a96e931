/* SPDX-License-Identifier: Apache-2.0
 *
 * Removes what vmnd has on the switch of a deleted host, once that has
 * acknowledged that nothing is desired of it any more: the flows that
 * reconciliation passes over, those that are kept for apps that failed, and
 * meters.  What others have put there since it was last reconciled stays.  Not
 * for the host's database, nor for the order of both (deleted-hosts.h). */

#ifndef CONTROLLER_FABRIC_SWITCH_CLEANUP_H
#define CONTROLLER_FABRIC_SWITCH_CLEANUP_H 1

#include <stdbool.h>
#include <stddef.h>

struct fabric_switch;
struct switch_part_class;

extern const struct switch_part_class switch_cleanup_part;

/* Starts, if the switch has acknowledged all that it was sent.  Each time that
 * this may be so, and at the end, the fabric's 'cleanup_changed' is called; if
 * the connection ends before, it can be started again. */
void switch_cleanup_start(struct fabric_switch *);

struct switch_cleanup_result {
    bool over;
    const char *fault;          /* Why something is left, or NULL; borrowed. */
    size_t n_flows, n_groups;   /* Those of others, which stay. */
};
void switch_cleanup_get_result(const struct fabric_switch *,
                               struct switch_cleanup_result *);

#endif /* controller/fabric/switch-cleanup.h */
