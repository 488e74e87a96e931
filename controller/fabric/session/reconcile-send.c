/* SPDX-License-Identifier: Apache-2.0
 *
 * Sends the difference that a reconciling has found, as one bundle followed by
 * a barrier, without its commit: the switch checks all messages first.  Flows
 * are deleted first, unlike in a live bundle: a table may have no room for
 * both.  Packets see all of a bundle or nothing. */

#include <config.h>

#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/marker.h"
#include "controller/fabric/session/reconcile-private.h"
#include "controller/fabric/session/reported-flows.h"
#include "controller/fabric/session/switch.h"
#include "openvswitch/ofpbuf.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofmsg.h"
#include "util.h"

/* Bytes that are collected before they are queued. */
#define GATHER_SIZE (32 * 1024)

/* Sends the contents of 'b', if that is more than 'size' bytes.  Returns false
 * if the reconciling was stopped while yielding. */
static bool
flush_if(struct reconcile *r, struct ofpbuf *b, size_t size)
{
    if (b->size > size) {
        r->size += b->size;
        ofconn_send(r->sw->conn, b->data, b->size);
        ofpbuf_clear(b);
        return reconcile_pause(r);
    }
    return true;
}

/* Sends the messages in 'block', as flush_if().  In a pause others may send to
 * the switch, so each is sent as a whole. */
static bool
send_block(struct reconcile *r, struct ofpbuf *b, const struct ofpbuf *block)
{
    bool on = true;

    for (size_t i = 0; on && i < block->size; ) {
        const struct ofp_header *oh = ofpbuf_at_assert(block, i, sizeof *oh);
        size_t size = ntohs(oh->length);

        ofpbuf_put(b, oh, size);
        on = flush_if(r, b, GATHER_SIZE / 2);
        i += size;
    }
    return on;
}

static bool
send_items(struct reconcile *r, struct ofpbuf *b)
{
    bool on = true;

    for (size_t i = 0; on && i < r->n_items; i++) {
        ofpbuf_put(b, r->items[i]->send, r->items[i]->send_size);
        on = flush_if(r, b, GATHER_SIZE / 2);
    }
    return on;
}

/* Returns the marker for the state that the switch will have; MARKER_NONE if
 * it has rejected a part. */
static uint64_t
desired_marker(const struct reconcile *r)
{
    const struct fabric_switch *sw = r->sw;

    return (hmap_is_empty(&sw->rejected.items) && !sw->bundles.unmarkable
            ? switch_marker_of(sw, r->digest) : MARKER_NONE);
}

/* Returns true if the switch is to have the marker's note: it keeps something
 * that nothing desires.  One that rejects it never has it, but the marker
 * neither. */
static bool
wants_note(const struct reconcile *r)
{
    return r->n_kept && !r->sw->bundles.unmarkable;
}

static void
append_marker(struct reconcile *r, struct ofpbuf *b)
{
    struct ofconn *conn = r->sw->conn;

    r->marker_xid = r->note_xid = 0;
    if (wants_note(r) != r->noted) {
        r->note_xid = ofconn_next_xid(conn);
        marker_append_note(b, r->note_xid, wants_note(r));
    }
    if (!r->sw->bundles.unmarkable) {
        r->marker_xid = ofconn_next_xid(conn);
        marker_append_add(b, r->marker_xid, desired_marker(r));
    }
}

bool
reconcile_send(struct reconcile *r)
{
    struct ofconn *conn = r->sw->conn;
    struct ofpbuf b;
    bool on;

    r->n_refused = 0;
    r->size = 0;
    r->open_xid = ofconn_next_xid(conn);
    r->barrier_xid = ofconn_next_xid(conn);
    ofpbuf_init(&b, GATHER_SIZE);
    ofmsg_put_bundle_open(&b, FLOW_ITEM_BUNDLE_ID, r->open_xid);
    on = (send_block(r, &b, &r->flow_deletes) && send_items(r, &b)
          && send_block(r, &b, &r->group_deletes));
    if (on) {
        append_marker(r, &b);
        ofmsg_put_barrier(&b, r->barrier_xid);
        r->size += b.size;
        ofconn_send(conn, b.data, b.size);
    }
    ofpbuf_uninit(&b);
    return on;
}

void
reconcile_count_sent(const struct reconcile *r)
{
    struct fabric_stats *stats = &r->sw->host->fabric->stats;

    for (size_t i = 0; i < r->n_items; i++) {
        if (r->items[i]->kind == FLOW_ITEM_FLOW) {
            stats->n_flow_adds++;
        } else {
            stats->n_group_mods++;
        }
    }
    stats->n_flow_deletes += r->n_deletes;
    stats->n_bundles++;
}

bool
reconcile_needs_bundle(const struct reconcile *r)
{
    return (r->n_items || r->n_deletes || r->marker != desired_marker(r)
            || r->noted != wants_note(r));
}
