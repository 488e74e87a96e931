/* SPDX-License-Identifier: Apache-2.0
 *
 * What a switch has installed, for a standby of a cluster.  The switch reports
 * each change of its marker (marker.h), a fingerprint of its flows, and the
 * standby computes the marker of each group of revisions.  So nothing passes
 * between members.  Not for switches whose master this member is
 * (bundle-acks.h). */

#ifndef CONTROLLER_FABRIC_SESSION_MARKER_WATCH_H
#define CONTROLLER_FABRIC_SESSION_MARKER_WATCH_H 1

#include <stdbool.h>
#include <stdint.h>

struct fabric_switch;
struct switch_part_class;

extern const struct switch_part_class marker_watch_part;

/* The desired state of a switch has changed, by its 'diffs', with the group
 * that ends with revision 'last', and follows 'before'.  Of one that is
 * observed, or was until this member became its master. */
void marker_watch_group(struct fabric_switch *, uint64_t before,
                        uint64_t last);

/* Has the backlog, which is empty, of a switch whose master this member has
 * become be what has changed since it had 'marker', and sets '*acked' to the
 * newest revision before that.  Returns false if that is not known. */
bool marker_watch_get_backlog(struct fabric_switch *, uint64_t marker,
                              uint64_t *acked);
/* It is not needed any more. */
void marker_watch_forget(struct fabric_switch *);

/* Returns true if the writer has not brought it any closer to what is desired
 * for some seconds. */
bool marker_watch_is_late(const struct fabric_switch *);

#endif /* controller/fabric/session/marker-watch.h */
