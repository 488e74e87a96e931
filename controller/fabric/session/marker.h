/* SPDX-License-Identifier: Apache-2.0
 *
 * The marker: one flow on each switch, in a table that no packet reaches,
 * whose cookie is a fingerprint of all the flows and groups that the switch
 * has installed.  Each bundle changes it together with them, so that one
 * request determines whether a switch that connects has the desired state
 * installed.  The cookie is 0 if that is not certain: a message was rejected,
 * or a bundle may have been.
 *
 * The fingerprint is of desired flows.  A second flow beside it, the note,
 * says that the switch has others as well, which were kept for an app that
 * failed (engine_keeps_flow()): whether they are to stay, its next reconciling
 * decides, so that one reads all flows, whatever the fingerprint. */

#ifndef CONTROLLER_FABRIC_SESSION_MARKER_H
#define CONTROLLER_FABRIC_SESSION_MARKER_H 1

#include <stdbool.h>
#include <stdint.h>

struct ofpbuf;
struct ofputil_flow_stats;
struct siphash_key;

/* The last table that flow mods of Open vSwitch may name.  Stages use tables
 * below PIPELINE_N_TABLES, and go to none above. */
#define MARKER_TABLE 253
#define MARKER_PRIORITY 65535

/* Of the note. */
#define MARKER_NOTE_PRIORITY 65534

/* The cookie that says "no fingerprint". */
#define MARKER_NONE 0

/* Derives the key of markers' cookies from the engine's. */
void marker_key_init(struct siphash_key *, const struct siphash_key *engine);

/* Returns the cookie for 'digest', the sum of the digests of all items of
 * 'host' (engine_host_digest()).  Never MARKER_NONE.  The host sees it, and
 * learns from it only whether its desired state is the same as before: not the
 * sum, which would reveal the digests of flows that are added and removed, nor
 * whether another host's is equal. */
uint64_t marker_cookie(const struct siphash_key *, const char *host,
                       uint64_t digest);

/* Appends the OFPT_BUNDLE_ADD_MESSAGE that sets the marker. */
void marker_append_add(struct ofpbuf *, uint32_t xid, uint64_t cookie);
/* Appends the flow mod that sets it outside of bundles. */
void marker_append_flow_mod(struct ofpbuf *, uint32_t xid, uint64_t cookie);

/* Appends the OFPT_BUNDLE_ADD_MESSAGE that adds the note, or deletes it. */
void marker_append_note(struct ofpbuf *, uint32_t xid, bool add);

/* Returns true if the flow is the note. */
bool marker_is_note(const struct ofputil_flow_stats *);

/* Returns true if the flow is a marker, whatever its cookie. */
bool marker_is(const struct ofputil_flow_stats *);

#endif /* controller/fabric/session/marker.h */
