/* SPDX-License-Identifier: Apache-2.0
 *
 * What hosts send to collectors: sFlow and IPFIX. */

#ifndef CONTROLLER_FABRIC_OVSDB_HOST_TELEMETRY_H
#define CONTROLLER_FABRIC_OVSDB_HOST_TELEMETRY_H 1

#include <stdbool.h>

#include "proto/ovsdb/ovsdb.h"

struct fabric_host_db;
struct vmn_host;

/* What is sent to collectors, and whose rows these are on the host. */
enum telemetry_kind { TELEMETRY_SFLOW, TELEMETRY_IPFIX, TELEMETRY_N_KINDS };
enum telemetry_presence { TELEMETRY_ABSENT, TELEMETRY_OURS, TELEMETRY_OTHERS };
struct host_telemetry {
    char *chosen[TELEMETRY_N_KINDS]; /* The row that has it, or NULL. */
    struct ovsdb_sflow sflow;   /* Owned, as the next. */
    struct ovsdb_ipfix ipfix;
    enum telemetry_presence there[TELEMETRY_N_KINDS]; /* As last heard. */
};

/* Follows the rows of TELEMETRY that name the host, whose row is 'host'.
 * Returns true if some do, or have done so. */
bool host_telemetry_update(struct fabric_host_db *,
                           const struct vmn_host *host);
void host_telemetry_uninit(struct fabric_host_db *);
/* Finds out what is there of it. */
void host_telemetry_check(struct fabric_host_db *,
                          const struct ovsdb_snapshot *);

#endif /* controller/fabric/ovsdb/host-telemetry.h */
