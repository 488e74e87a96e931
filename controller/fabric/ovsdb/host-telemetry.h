/* SPDX-License-Identifier: Apache-2.0
 *
 * The telemetry that hosts send to collectors: sFlow and IPFIX. */

#ifndef CONTROLLER_FABRIC_OVSDB_HOST_TELEMETRY_H
#define CONTROLLER_FABRIC_OVSDB_HOST_TELEMETRY_H 1

#include <stdbool.h>

#include "proto/ovsdb/ovsdb.h"

struct fabric_host_db;
struct vmn_host;

/* The telemetry configuration of a host, and the rows that it comes from. */
enum telemetry_kind { TELEMETRY_SFLOW, TELEMETRY_IPFIX, TELEMETRY_N_KINDS };
enum telemetry_presence { TELEMETRY_ABSENT, TELEMETRY_OURS, TELEMETRY_OTHERS };
struct host_telemetry {
    char *chosen[TELEMETRY_N_KINDS]; /* The row that applies, or NULL. */
    struct ovsdb_sflow sflow;   /* Owned, as the next. */
    struct ovsdb_ipfix ipfix;
    enum telemetry_presence there[TELEMETRY_N_KINDS]; /* As last reported. */
};

/* Applies the rows of TELEMETRY that name the host, whose row is 'host'.
 * Returns true if there are any, or were. */
bool host_telemetry_update(struct fabric_host_db *,
                           const struct vmn_host *host);
void host_telemetry_uninit(struct fabric_host_db *);
/* Updates what the database has of it. */
void host_telemetry_check(struct fabric_host_db *,
                          const struct ovsdb_snapshot *);

#endif /* controller/fabric/ovsdb/host-telemetry.h */
