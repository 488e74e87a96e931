/* SPDX-License-Identifier: Apache-2.0
 *
 * The marker: one flow on each switch, in a table that no packet reaches,
 * whose cookie is a fingerprint of all the flows and groups that the switch
 * holds.  Each bundle changes it together with them, so that one question
 * tells whether a switch that connects holds what it is to hold.
 *
 * The cookie is 0 where that is not known to be so: a message was refused, or
 * a bundle may have been. */

#ifndef CONTROLLER_FABRIC_SESSION_MARKER_H
#define CONTROLLER_FABRIC_SESSION_MARKER_H 1

#include <stdbool.h>
#include <stdint.h>

struct ofpbuf;
struct ofputil_flow_stats;
struct siphash_key;

/* The last table that flow mods of Open vSwitch may name.  Stages get tables
 * below PIPELINE_N_TABLES, and go to none above. */
#define MARKER_TABLE 253
#define MARKER_PRIORITY 65535

/* The cookie that says "no fingerprint". */
#define MARKER_NONE 0

/* Makes the key of cookies of the engine's. */
void marker_key_init(struct siphash_key *, const struct siphash_key *engine);

/* The cookie for 'digest', the sum of the digests of all items of 'host'
 * (engine_host_digest()).  Never MARKER_NONE.
 *
 * The host sees it, and learns only whether what it is to hold is what it was
 * to hold before: not the sum, from which it would learn the digests of flows
 * that come and go, nor whether another host's is the same. */
uint64_t marker_cookie(const struct siphash_key *, const char *host,
                       uint64_t digest);

/* Appends the OFPT_BUNDLE_ADD_MESSAGE that sets the marker. */
void marker_append_add(struct ofpbuf *, uint32_t xid, uint64_t cookie);
/* Appends the flow mod that does so outside of bundles. */
void marker_append_flow_mod(struct ofpbuf *, uint32_t xid, uint64_t cookie);

/* Returns true if the flow is a marker, whatever its cookie. */
bool marker_is(const struct ofputil_flow_stats *);

#endif /* controller/fabric/session/marker.h */
