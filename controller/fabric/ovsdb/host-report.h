/* SPDX-License-Identifier: Apache-2.0
 *
 * Turns the contents of a host's database into observed state, and into faults
 * that keep the host from serving.  Not for what is written to the database
 * (host-db.c). */

#ifndef CONTROLLER_FABRIC_OVSDB_HOST_REPORT_H
#define CONTROLLER_FABRIC_OVSDB_HOST_REPORT_H 1

#include <stdbool.h>
#include <stdint.h>

struct fabric_host_db;
struct ovsdb_snapshot;

/* How long an interface that the switch cannot create is retained, and an
 * uplink that it cannot open is taken for active; docs/apps/qos.md has it. */
#define REPORT_RETAINED_MS 5000

/* Reports the contents of the host's database. */
void host_report(struct fabric_host_db *, const struct ovsdb_snapshot *);
/* The same of one that is refused for 'reason', whatever it contains.  Takes
 * ownership of 'reason'. */
void host_report_refuse(struct fabric_host_db *, char *reason);
/* Returns true if an interface of the bridge has that number. */
bool host_report_has_ofport(const struct fabric_host_db *,
                            const struct ovsdb_snapshot *, uint32_t ofport);
/* Returns the earliest time (of loop_now_ms()) at which the same contents may
 * be reported differently, or INT64_MAX. */
int64_t host_report_deadline(const struct fabric_host_db *);
/* Sets the host's fault: one that keeps it from serving at all ('refused'), or
 * another.  Takes ownership of 'reason', which may be NULL. */
void host_report_set_reason(struct fabric_host_db *, bool refused,
                            char *reason);

#endif /* controller/fabric/ovsdb/host-report.h */
