/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries of a switch's session, which change nothing: its bundles, its
 * marker, its rejected items.  All parts use this; it calls none of them.  Not
 * for the state of the host that users see (host-openflow-state.c). */

#include <config.h>

#include "controller/fabric/session/switch.h"

#include <event2/event.h>

#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/marker.h"
#include "controller/fabric/session/switch-part.h"
#include "proto/openflow/ofconn.h"
#include "timeval.h"
#include "util.h"

void *
switch_part_state(const struct fabric_switch *sw,
                  const struct switch_part_class *part)
{
    const struct switch_part_class *const *parts
        = sw->host->fabric->switch_parts;

    for (size_t i = 0; parts[i]; i++) {
        if (parts[i] == part) {
            return sw->part_states[i];
        }
    }
    OVS_NOT_REACHED();
}

void
switch_expect(struct fabric_switch *sw)
{
    int ms = sw->host->fabric->stall_ms;

    sw->progress_ms = time_msec();
    if (!event_pending(sw->stall, EV_TIMEOUT, NULL)) {
        const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

        event_add(sw->stall, &tv);
    }
}

/* Bundles.  -------------------------------------------------------------- */

struct sent_bundle *
switch_oldest_bundle(const struct fabric_switch *sw)
{
    const struct ovs_list *sent = &sw->bundles.sent;

    return (ovs_list_is_empty(sent) ? NULL
            : CONTAINER_OF(ovs_list_front(sent), struct sent_bundle, node));
}

uint64_t
switch_desired_revision(const struct fabric_switch *sw)
{
    const struct fabric *f = sw->host->fabric;

    return sw->bundles.concerned ? f->sending_before : f->last_revision;
}

uint64_t
switch_acked(const struct fabric_switch *sw)
{
    const struct switch_bundles *b = &sw->bundles;
    const struct sent_bundle *oldest = switch_oldest_bundle(sw);

    return (b->frozen ? b->acked
            : oldest ? oldest->before
            : !backlog_is_empty(&b->backlog) ? b->backlog.before
            : switch_desired_revision(sw));
}

bool
switch_is_busy(const struct fabric_switch *sw)
{
    const struct fabric *f = sw->host->fabric;

    return (sw->bundles.n_sent >= f->max_bundles
            || sw->bundles.sent_bytes >= f->max_bytes);
}

uint64_t
switch_marker_of(const struct fabric_switch *sw, uint64_t digest)
{
    return marker_cookie(&sw->host->fabric->marker_key, sw->host->name,
                         digest);
}

uint64_t
switch_marker(const struct fabric_switch *sw)
{
    return (hmap_is_empty(&sw->rejected.items) && !sw->bundles.unmarkable
            ? switch_marker_of(sw, sw->bundles.digest) : MARKER_NONE);
}

/* Faults.  --------------------------------------------------------------- */

struct rejected_item *
switch_find_rejected(const struct fabric_switch *sw, uint32_t xid)
{
    struct hmap_node *node = hmap_first_with_hash(&sw->rejected.items, xid);

    return node ? CONTAINER_OF(node, struct rejected_item, node) : NULL;
}

bool
switch_has_rejected(const struct fabric_switch *sw, uint32_t xid)
{
    return switch_find_rejected(sw, xid) != NULL;
}

bool
switch_lacks_room(const struct fabric_switch *sw)
{
    const struct rejected_item *item;

    HMAP_FOR_EACH (item, node, &sw->rejected.items) {
        if (item->full) {
            return true;
        }
    }
    return false;
}

bool
switch_is_backing_off(const struct fabric_switch *sw)
{
    return (sw->rejected.backing_off
            || event_pending(sw->rejected.pause, EV_TIMEOUT, NULL));
}
