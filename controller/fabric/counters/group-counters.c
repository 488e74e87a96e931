/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the statistics of groups' buckets; see group-counters.h.  A part of
 * the switch's session.  Replies come in the order of requests, so each is
 * read by the group that the switch had when it was requested. */

#include <config.h>

#include "controller/fabric/counters/group-counters.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/fabric/counters/counters-private.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/flow-item.h"
#include "controller/flow/flow-part.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofpbuf.h"
#include "proto/openflow/ofconn.h"
#include "timeval.h"
#include "util.h"

/* A part that no bucket has any more is forgotten after this time: a backend
 * that drains, or is down, has none either. */
#define GONE_MS (24 * 3600 * 1000)

/* A group with counted buckets that the switch has, once it has carried out
 * all that was sent to it. */
struct installed_group {
    struct hmap_node node;      /* In 'installed', by its key's hash. */
    struct flow_item *item;     /* Counted. */
};

/* A request for the statistics of a group. */
struct reading {
    struct ovs_list node;       /* In 'readings', in the order of sending. */
    uint32_t xid;
    uint32_t round;             /* Of all groups; 0: before a change. */
    struct flow_item *item;     /* The group as it is then.  Counted. */
};

struct group_counters_of_switch {
    struct fabric_switch *sw;
    struct hmap installed;      /* struct installed_group. */
    struct ovs_list readings;   /* struct reading: replies to come. */
    struct hmap flows;          /* struct counted_flow: a part of a group, by
                                 * part_hash(). */
    uint32_t round;             /* Of the last reading of all groups. */
    size_t n_left;              /* Its replies to come. */
    int64_t before_ms;          /* time_msec() when the round before was
                                 * requested; 0: none was. */
    int64_t requested_ms;       /* The same of this round. */
};

/* What the switch has.  --------------------------------------------------- */

static struct installed_group *
find_installed(const struct group_counters_of_switch *gc,
               const struct flow_item *item)
{
    struct installed_group *group;

    HMAP_FOR_EACH_WITH_HASH (group, node, flow_key_hash(item->key_hash),
                             &gc->installed) {
        if (group->item->group_id == item->group_id) {
            return group;
        }
    }
    return NULL;
}

static void
remove_installed(struct group_counters_of_switch *gc,
                 struct installed_group *group)
{
    hmap_remove(&gc->installed, &group->node);
    flow_item_unref(group->item);
    free(group);
}

static void
add_installed(struct group_counters_of_switch *gc,
              const struct flow_item *item)
{
    struct installed_group *group = find_installed(gc, item);

    if (group) {
        flow_item_unref(group->item);
    } else {
        group = xzalloc(sizeof *group);
        hmap_insert(&gc->installed, &group->node,
                    flow_key_hash(item->key_hash));
    }
    group->item = flow_item_ref(item);
}

/* Requests.  -------------------------------------------------------------- */

static void
reading_free(struct reading *reading)
{
    ovs_list_remove(&reading->node);
    flow_item_unref(reading->item);
    free(reading);
}

/* Appends a request to 'b', which the caller sends. */
static void
put_request(struct group_counters_of_switch *gc, const struct flow_item *item,
            uint32_t round, struct ofpbuf *b)
{
    struct ofpbuf *request = ofputil_encode_group_stats_request(
        OFP15_VERSION, item->group_id);
    struct reading *reading = xzalloc(sizeof *reading);

    reading->xid = ofconn_next_xid(gc->sw->conn);
    reading->round = round;
    reading->item = flow_item_ref(item);
    ovs_list_push_back(&gc->readings, &reading->node);
    ofpmsg_update_length(request);
    ((struct ofp_header *) request->data)->xid = htonl(reading->xid);
    ofpbuf_put(b, request->data, request->size);
    ofpbuf_delete(request);
}

static void
send_requests(struct group_counters_of_switch *gc, struct ofpbuf *b)
{
    switch_expect(gc->sw);
    ofconn_send(gc->sw->conn, b->data, b->size);
    ofpbuf_uninit(b);
}

void
group_counters_request(struct fabric_switch *sw)
{
    struct group_counters_of_switch *gc
        = switch_part_state(sw, &group_counters_part);
    const struct installed_group *group;
    struct ofpbuf b;

    if (gc->n_left || hmap_is_empty(&gc->installed)) {
        return;
    }
    gc->round = gc->round + 1 ? gc->round + 1 : 1;
    gc->before_ms = gc->requested_ms;
    gc->requested_ms = time_msec();
    gc->n_left = hmap_count(&gc->installed);
    ofpbuf_init(&b, 0);
    HMAP_FOR_EACH (group, node, &gc->installed) {
        put_request(gc, group->item, gc->round, &b);
    }
    send_requests(gc, &b);
}

static void
group_changes(struct fabric_switch *sw, void *gc_,
              const struct flow_item *item, bool added)
{
    struct group_counters_of_switch *gc = gc_;
    struct installed_group *group;
    struct ofpbuf b;

    if (added) {
        add_installed(gc, item);
        return;
    }
    group = find_installed(gc, item);
    if (group && sw->state != SWITCH_OBSERVED) {
        ofpbuf_init(&b, 0);
        put_request(gc, group->item, 0, &b);
        send_requests(gc, &b);
    }
    if (group) {
        remove_installed(gc, group);
    }
}

/* Replies.  --------------------------------------------------------------- */

static uint32_t
part_hash(const struct flow_item *item, uint32_t part)
{
    return flow_key_hash((uint64_t) part << 32 | item->key_hash);
}

/* Returns the part of the group, or of one that it has replaced. */
static struct counted_flow *
find_part(const struct group_counters_of_switch *gc,
          const struct flow_item *item, uint32_t part)
{
    struct counted_flow *flow;

    HMAP_FOR_EACH_WITH_HASH (flow, node, part_hash(item, part), &gc->flows) {
        if (!flow->counter->retired && flow->counter->part == part
            && flow->counter->cookie == flow_cookie_owner(item->cookie)) {
            return flow;
        }
    }
    return NULL;
}

/* Adds the part.  If the object was deleted and made again, and its group has
 * stayed, the switch has counted for the one before, too. */
static struct counted_flow *
add_part(struct group_counters_of_switch *gc, const struct flow_item *item,
         uint32_t part)
{
    struct fabric *f = gc->sw->host->fabric;
    struct counter *counter = counter_get(f, flow_cookie_owner(item->cookie),
                                          part, NULL, false);
    uint32_t hash = part_hash(item, part);
    struct counted_flow *flow, *other;

    flow = (counter ? counted_flow_add(f->counters, &gc->flows, counter, hash)
            : NULL);
    HMAP_FOR_EACH_WITH_HASH (other, node, hash, &gc->flows) {
        if (flow && other != flow && other->counter->part == part
            && other->xid == item->xid) {
            flow->xid = other->xid;
            flow->seen = other->seen;
        }
    }
    return flow;
}

/* Counts what the switch has counted for a part of the group.  The same group
 * with fewer packets was installed again. */
static void
count_part(struct group_counters_of_switch *gc, const struct reading *reading,
           uint32_t part, const struct counted_seen *now)
{
    struct counted_flow *flow = find_part(gc, reading->item, part);
    int64_t ms = gc->before_ms ? gc->requested_ms - gc->before_ms : 0;
    struct counted_seen more;

    if (!flow && now->packets) {
        flow = add_part(gc, reading->item, part);
    }
    if (!flow) {
        return;
    }
    if ((flow->xid && flow->xid != reading->item->xid)
        || now->packets < flow->seen.packets
        || now->bytes < flow->seen.bytes) {
        flow->seen = (struct counted_seen) { 0, 0 };
    }
    flow->xid = reading->item->xid;
    more.packets = now->packets - flow->seen.packets;
    more.bytes = now->bytes - flow->seen.bytes;
    flow->seen = *now;
    if (more.packets) {
        counted_flow_hit(flow, more.packets, more.bytes, time_wall_msec());
    }
    if (reading->round) {
        flow->round = reading->round;
        counted_flow_set_rate(flow, ms > 0 ? more.packets * 1000.0 / ms : 0,
                              ms > 0 ? more.bytes * 1000.0 / ms : 0);
    }
}

/* Counts for each part of the group what its buckets have together. */
static void
count_group(struct group_counters_of_switch *gc,
            const struct reading *reading,
            const struct ofputil_group_stats *gs)
{
    uint32_t *parts = xcalloc(MAX(gs->n_buckets, 1), sizeof *parts);
    size_t n = flow_part_read_buckets(reading->item, parts, gs->n_buckets);

    for (size_t i = 0; i < n; i++) {
        struct counted_seen sum = { 0, 0 };
        uint32_t part = parts[i];

        for (size_t j = i; part && j < n; j++) {
            if (parts[j] == part) {
                sum.packets += gs->bucket_stats[j].packet_count;
                sum.bytes += gs->bucket_stats[j].byte_count;
                parts[j] = 0;
            }
        }
        if (part) {
            count_part(gc, reading, part, &sum);
        }
    }
    free(parts);
}

/* Ends a reading of all groups. */
static void
finish_round(struct group_counters_of_switch *gc)
{
    struct fabric *f = gc->sw->host->fabric;
    struct counted_flow *flow, *next;
    int64_t now = time_wall_msec();

    HMAP_FOR_EACH_SAFE (flow, next, node, &gc->flows) {
        if (flow->round == gc->round) {
            continue;
        }
        counted_flow_set_rate(flow, 0, 0);
        if (flow->counter->retired
            || !engine_cookie_name(f->engine, flow->counter->cookie)
            || now - flow->total.last_ms > GONE_MS) {
            counted_flow_free(f->counters, &gc->flows, flow);
        }
    }
}

/* Ends a request, and those sent before it, to which no reply comes any
 * more. */
static void
finish_reading(struct group_counters_of_switch *gc,
               const struct reading *reading)
{
    bool last;

    do {
        struct reading *first = CONTAINER_OF(
            ovs_list_front(&gc->readings), struct reading, node);

        last = first == reading;
        if (first->round && !--gc->n_left) {
            finish_round(gc);
        }
        reading_free(first);
    } while (!last);
}

static struct reading *
find_reading(const struct group_counters_of_switch *gc, uint32_t xid)
{
    struct reading *reading;

    LIST_FOR_EACH (reading, node, &gc->readings) {
        if (reading->xid == xid) {
            return reading;
        }
    }
    return NULL;
}

static enum switch_message
message(struct fabric_switch *sw OVS_UNUSED, void *gc_, enum ofptype type,
        const struct ofp_header *oh)
{
    struct ofpbuf msg = ofpbuf_const_initializer(oh, ntohs(oh->length));
    struct group_counters_of_switch *gc = gc_;
    struct ofputil_group_stats gs;
    struct reading *reading;

    if (type != OFPTYPE_GROUP_STATS_REPLY && type != OFPTYPE_ERROR) {
        return SWITCH_MESSAGE_OTHER;
    }
    reading = find_reading(gc, ntohl(oh->xid));
    if (!reading) {
        return SWITCH_MESSAGE_OTHER;
    }
    while (type == OFPTYPE_GROUP_STATS_REPLY
           && !ofputil_decode_group_stats_reply(&msg, &gs)) {
        if (gs.group_id == reading->item->group_id) {
            count_group(gc, reading, &gs);
        }
        free(gs.bucket_stats);
    }
    if (type == OFPTYPE_ERROR || !ofpmp_more(oh)) {
        finish_reading(gc, reading);
    }
    return SWITCH_MESSAGE_ANSWER;
}

/* As a part of the session.  ---------------------------------------------- */

static void
init(struct fabric_switch *sw, void *gc_)
{
    struct group_counters_of_switch *gc = gc_;

    gc->sw = sw;
    hmap_init(&gc->installed);
    ovs_list_init(&gc->readings);
    hmap_init(&gc->flows);
}

static void
item_cb(void *gc_, const struct flow_item *item)
{
    if (flow_item_is_counted_group(item)) {
        add_installed(gc_, item);
    }
}

static void
live(struct fabric_switch *sw, void *gc)
{
    engine_host_group_items(sw->host->fabric->engine, sw->host->name, item_cb,
                            gc);
}

/* Forgets what the switch has, and was asked. */
static void
forget(struct group_counters_of_switch *gc)
{
    struct installed_group *group, *next;
    struct counted_flow *flow;

    HMAP_FOR_EACH_SAFE (group, next, node, &gc->installed) {
        remove_installed(gc, group);
    }
    while (!ovs_list_is_empty(&gc->readings)) {
        reading_free(CONTAINER_OF(ovs_list_front(&gc->readings),
                                  struct reading, node));
    }
    gc->n_left = 0;
    gc->requested_ms = 0;
    HMAP_FOR_EACH (flow, node, &gc->flows) {
        counted_flow_set_rate(flow, 0, 0);
    }
}

static void
reset(struct fabric_switch *sw OVS_UNUSED, void *gc,
      const char *reason OVS_UNUSED)
{
    forget(gc);
}

static void
disconnected(struct fabric_switch *sw OVS_UNUSED, void *gc)
{
    forget(gc);
}

static void
destroy(struct fabric_switch *sw, void *gc_)
{
    struct group_counters_of_switch *gc = gc_;
    struct counted_flow *flow, *next;

    forget(gc);
    HMAP_FOR_EACH_SAFE (flow, next, node, &gc->flows) {
        counted_flow_free(sw->host->fabric->counters, &gc->flows, flow);
    }
    hmap_destroy(&gc->flows);
    hmap_destroy(&gc->installed);
}

static bool
is_owed(const struct fabric_switch *sw OVS_UNUSED, const void *gc_)
{
    const struct group_counters_of_switch *gc = gc_;

    return !ovs_list_is_empty(&gc->readings);
}

const struct switch_part_class group_counters_part = {
    .name = "group-counters",
    .state_size = sizeof(struct group_counters_of_switch),
    .init = init,
    .live = live,
    .reset = reset,
    .disconnected = disconnected,
    .destroy = destroy,
    .message = message,
    .is_owed = is_owed,
    .group_changes = group_changes,
};
