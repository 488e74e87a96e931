/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of the parts of a switch's session (session/switch-part.h).  It is
 * not in session/, since parts of higher folders are in it.
 *
 * To add a part, add its file with its struct switch_part_class, and a row
 * here.  Nothing else changes: the session finds it by this table.
 *
 * The order counts for these:
 *
 * - Messages go to the first part that takes them.  'switch cleanup' comes
 *   first: while it runs all are its.  Packets follow, being the most.  Those
 *   that know their messages by their transaction ids (live traces, sampling
 *   meters, packet-in meters) come before 'rejected items' and 'reconcile',
 *   which take errors by what they say and by the session's state; 'bundles'
 *   is last, for it takes every error that is left.
 * - Of audits, live traces come before sampling meters and packet-in meters,
 *   in whose tables they have flows.
 * - When a switch connects, its meters are requested before anything else,
 *   since flows go through them; so 'reconcile' comes after these.
 * - When a connection goes, 'rejected items' looks at the state that the
 *   session was in, and 'bundles' at what was on its way: each of them forgets
 *   only what is its own, so that those behind still find theirs. */

#include <config.h>

#include "controller/fabric/counters/counters.h"
#include "controller/fabric/counters/group-counters.h"
#include "controller/fabric/packets/guest-read.h"
#include "controller/fabric/packets/learned-connections.h"
#include "controller/fabric/packets/live-trace.h"
#include "controller/fabric/packets/packet-in-meters.h"
#include "controller/fabric/packets/packet-in-queue.h"
#include "controller/fabric/packets/sampling-meters.h"
#include "controller/fabric/session/addresses-seen.h"
#include "controller/fabric/session/audit.h"
#include "controller/fabric/session/bundle-acks.h"
#include "controller/fabric/session/marker-watch.h"
#include "controller/fabric/session/reconcile.h"
#include "controller/fabric/session/rejected-items.h"
#include "controller/fabric/session/switch-budget.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/switch-cleanup.h"

const struct switch_part_class *const switch_parts[] = {
    &switch_cleanup_part,
    &packets_part,
    &live_trace_part,
    &marker_watch_part,
    &sampling_meters_part,
    &packet_in_meters_part,
    &rejected_items_part,
    &reconcile_part,
    &audit_part,
    &counters_part,
    &addresses_seen_part,
    &group_counters_part,
    &learned_connections_part,
    &guest_read_part,
    &switch_budget_part,
    &bundles_part,
    NULL,
};
