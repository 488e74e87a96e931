/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of hosts, and of what is on them: ports, telemetries. */

#ifndef CONTROLLER_FABRIC_FABRIC_STATUS_H
#define CONTROLLER_FABRIC_FABRIC_STATUS_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fabric;
struct vmn_telemetry;

/* What a host looks like from here; all that a user sees as its status:
 * {"ovsdb": {"state", "since", "error"}, "openflow": {"state", "since",
 *  "peer", "error", "outstanding_bundles" and "outstanding_bytes" (sent and
 *  not answered), "queued_bytes" (that it has not read, beyond what the kernel
 *  holds), "merging" (differences that wait to be sent as one), "refused"
 *  (flows and groups that are left out), "stalls" (times that it was cut
 *  off)}, "bridge",
 *  "datapath_id", "ovs_version", "state" (one of "offline", "connecting",
 *  "reconciling", "synced", "diverged", "refused"), "reason", "flows",
 *  "groups", "revision" (acknowledged), "sent_revision", "ports": n,
 *  "lag": {"revisions", "ms"} (not acknowledged, and for how long), "audit"
 *  (the last one's result, see fabric_audit())}.
 * The caller owns it.  NULL for an unknown host. */
json_t *fabric_host_status(const struct fabric *, const char *host);

/* Hosts that are not synced, or have revisions to acknowledge: [{"host",
 * "state", "reason", "lag"}], those that have been longest first, at most
 * 'max'.  '*n' is how many there are.  The caller owns it. */
json_t *fabric_behind(const struct fabric *, size_t max, size_t *n);

/* Of a port: {"host", "candidate", "state" (one of "unbound", "pending",
 * "up", "down"), "ofport"}.  It is "up" once its host has acknowledged the
 * flows of its being there. */
json_t *fabric_port_status(const struct fabric *, const char *port);

/* What "state" of a host's status may be. */
#define FABRIC_N_STATES 6
extern const char *const fabric_states[FABRIC_N_STATES];

/* Whether the host's switch is connected. */
bool fabric_host_is_connected(const struct fabric *, const char *host);
/* The newest revision that the host has acknowledged, or 0. */
uint64_t fabric_host_acked(const struct fabric *, const char *host);

/* How far what a telemetry says has come: {"n_hosts", "n_active"}, and unless
 * 'max' is 0 "hosts", at most 'max' of those that it names: {"host", "sflow",
 * "ipfix" (each "active", "pending" or "blocked"), "reason"}.  'row' is
 * durable.  The caller owns it. */
json_t *fabric_telemetry_status(const struct fabric *,
                                const struct vmn_telemetry *row, size_t max);

#endif /* controller/fabric/fabric-status.h */
