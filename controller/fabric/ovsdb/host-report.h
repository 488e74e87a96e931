/* SPDX-License-Identifier: Apache-2.0
 *
 * From what a host's database holds to observed state, and to what keeps the
 * host from serving.  Not for what is to be written there (host-db.c). */

#ifndef CONTROLLER_FABRIC_OVSDB_HOST_REPORT_H
#define CONTROLLER_FABRIC_OVSDB_HOST_REPORT_H 1

#include <stdbool.h>
#include <stdint.h>

struct fabric_host_db;
struct ovsdb_snapshot;

/* Reports what the host's database holds. */
void host_report(struct fabric_host_db *, const struct ovsdb_snapshot *);
/* Returns the earliest time (of loop_now_ms()) at which a report may come out
 * differently by itself, or INT64_MAX. */
int64_t host_report_deadline(const struct fabric_host_db *);
/* Sets what keeps the host from serving at all ('refused'), or at best.  Takes
 * ownership of 'reason', which may be NULL. */
void host_report_set_reason(struct fabric_host_db *, bool refused,
                            char *reason);

#endif /* controller/fabric/ovsdb/host-report.h */
