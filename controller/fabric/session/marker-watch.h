/* SPDX-License-Identifier: Apache-2.0
 *
 * What a switch has installed that another member of the cluster manages: the
 * switch tells of each change of its marker (marker.h), which says of what
 * state its flows are, and what that state is of each group of revisions, this
 * member knows as well.  So nothing has to pass between members.  Not for
 * switches that this member manages (bundle-acks.h). */

#ifndef CONTROLLER_FABRIC_SESSION_MARKER_WATCH_H
#define CONTROLLER_FABRIC_SESSION_MARKER_WATCH_H 1

#include <stdbool.h>
#include <stdint.h>

struct fabric_switch;
struct switch_part_class;

extern const struct switch_part_class marker_watch_part;

/* The desired state of a switch has changed, by its 'diffs', with the group
 * that ends with revision 'last', and follows 'before'.  Of one that is
 * observed, or was before this member came to manage it. */
void marker_watch_group(struct fabric_switch *, uint64_t before,
                        uint64_t last);

/* Has the backlog, which is empty, of a switch that this member has come to
 * manage be what has changed since it had 'marker', and sets '*acked' to the
 * newest revision before that.  Returns false if that is not known. */
bool marker_watch_get_backlog(struct fabric_switch *, uint64_t marker,
                              uint64_t *acked);
/* It is not needed any more. */
void marker_watch_forget(struct fabric_switch *);

/* Its master says what its marker does not; NULL: nothing.  Copied. */
struct fabric_fault;
void marker_watch_set_fault(struct fabric_switch *,
                            const struct fabric_fault *);

/* Returns true if its master has not brought it any closer to what is desired
 * for some seconds. */
bool marker_watch_is_late(const struct fabric_switch *);

#endif /* controller/fabric/session/marker-watch.h */
