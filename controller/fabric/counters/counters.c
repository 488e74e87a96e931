/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads and sums up hits of flows; see counters.h.  Not for queries
 * (counters-status.c). */

#include <config.h>

#include "controller/fabric/counters/counters.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "controller/fabric/counters/counters-private.h"
#include "controller/fabric/counters/group-counters.h"
#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/fabric.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/packets/packet-in-meters.h"
#include "controller/fabric/session/audit.h"
#include "controller/fabric/session/reported-flows.h"
#include "controller/fabric/session/switch-budget.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/count-pair.h"
#include "controller/siphash.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofdump.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"
#include "vmn/flow.h"

VLOG_DEFINE_THIS_MODULE(counters);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 20);

/* Maximum number of hosts that are read in one iteration of the loop. */
#define REQUESTED_MAX 16
/* Readings of a host take at most this fraction of the time, 1/N. */
#define SHARE 100
/* And those of a host that counts pairs come at least so often. */
#define REST_PAIRS_MS (VMN_PAIR_IDLE_S * 1000 / 3)
/* A deleted flow whose owner still exists is forgotten after this time. */
#define GONE_MS (3600 * 1000)

struct counters_of_switch *
counters_of(const struct fabric_switch *sw)
{
    return switch_part_state(sw, &counters_part);
}

/* Flows.  ---------------------------------------------------------------- */

/* Two flows of a host with equal hashes are rare, and then hardly ever have
 * the same owner and reason.  A flow whose log was just enabled has another
 * counter, which takes over the statistics seen so far. */
static struct counted_flow *
find_flow(const struct counters_of_switch *cs, const struct flow_item *item)
{
    struct counted_flow *flow;

    HMAP_FOR_EACH_WITH_HASH (flow, node, flow_key_hash(item->key_hash),
                             &cs->flows) {
        if (!flow->counter->retired
            && flow->counter->cookie == flow_cookie_owner(item->cookie)
            && flow->counter->log == flow_item_has_log(item)
            && nullable_string_is_equal(flow->counter->reason,
                                        flow_item_drop_reason(item))
            && (flow->xid == item->xid    /* Decoding the item is more
                                           * expensive. */
                || flow->counter->part == flow_item_part(item))) {
            flow->xid = item->xid;
            return flow;
        }
    }
    return NULL;
}

/* Returns true if the flow was deleted before this reading, and since the one
 * that has seen it: the switch counts anew. */
static bool
was_deleted(const struct counters_of_switch *cs,
            const struct counted_flow *flow)
{
    return flow->gone && flow->gone != cs->round;
}

/* Returns true if the switch does not count on from what was seen of the flow.
 * Its age does not say so: a flow that is added in the place of another, or
 * once more in its own, has a new one, and goes on from the old figures. */
static bool
is_anew(const struct counters_of_switch *cs, const struct counted_flow *flow,
        const struct ofdump_counts *counts)
{
    return (counts->packets < flow->seen.packets
            || counts->bytes < flow->seen.bytes
            || was_deleted(cs, flow));
}

/* A flow that replaces another one keeps that one's statistics. */
static void
take_over_seen(const struct counters_of_switch *cs, struct counted_flow *flow,
               const struct ofdump_counts *counts)
{
    struct counted_flow *other, *last = NULL;

    HMAP_FOR_EACH_WITH_HASH (other, node, flow->node.hash, &cs->flows) {
        if (other != flow && other->round != cs->round && other->seen.packets
            && (!last || other->round > last->round)) {
            last = other;
        }
    }
    if (last && !was_deleted(cs, last) && last->seen.packets <= counts->packets
        && last->seen.bytes <= counts->bytes) {
        flow->seen = last->seen;
        last->seen = (struct counted_seen) { 0, 0 };
        last->gone = 0;
    }
}

static struct counted_flow *
get_flow(struct counters_of_switch *cs, const struct flow_item *item,
         const struct ofdump_counts *counts)
{
    struct fabric *f = cs->sw->host->fabric;
    struct counted_flow *flow = find_flow(cs, item);
    struct counter *counter;

    if (flow) {
        if (!flow->seen.packets) {
            take_over_seen(cs, flow, counts); /* The flow was installed
                                               * again. */
        } else if (is_anew(cs, flow, counts)) {
            flow->seen = (struct counted_seen) { 0, 0 };
        }
        return flow;
    }
    counter = counter_get(f, flow_cookie_owner(item->cookie),
                          flow_item_part(item), flow_item_drop_reason(item),
                          flow_item_has_log(item));
    flow = (counter ? counted_flow_add(f->counters, &cs->flows, counter,
                                       flow_key_hash(item->key_hash)) : NULL);
    if (!flow) {
        return NULL;
    }
    flow->xid = item->xid;
    take_over_seen(cs, flow, counts);
    if (counter->log
        && counts->age_ms > time_msec() - f->counters->started_ms) {
        /* Logged by the previous process. */
        counter->n_before += counts->packets - flow->seen.packets;
    }
    return flow;
}

/* Adds the difference to the last reading. */
static void
add_hits(struct counters_of_switch *cs, struct counted_flow *flow,
         const struct ofdump_counts *counts)
{
    uint64_t packets = counts->packets - flow->seen.packets;
    uint64_t bytes = counts->bytes - flow->seen.bytes;
    int64_t ms = cs->before_ms ? cs->requested_ms - cs->before_ms : 0;
    int64_t last_ms = cs->wall_ms;

    if (counts->idle_s != UINT32_MAX) {
        last_ms -= counts->idle_s * INT64_C(1000);
    }
    flow->round = cs->round;
    flow->gone = was_deleted(cs, flow) ? 0 : flow->gone;
    flow->seen = (struct counted_seen) { counts->packets, counts->bytes };
    counted_flow_add_hits(flow, packets, bytes, ms, last_ms);
}

void
counters_add(struct fabric_switch *sw, uint64_t cookie, uint32_t part,
             const char *reason, uint32_t size)
{
    struct counters_of_switch *cs = counters_of(sw);
    uint32_t hash = counter_hash(cookie, part, reason, false);
    struct fabric *f = sw->host->fabric;
    struct counter *counter = counter_get(f, cookie, part, reason, false);
    struct counted_flow *flow;

    if (!counter) {
        return;
    }
    HMAP_FOR_EACH_WITH_HASH (flow, node, hash, &cs->flows) {
        if (flow->counter == counter) {
            break;
        }
    }
    if (!flow) {
        flow = counted_flow_add(f->counters, &cs->flows, counter, hash);
    }
    if (flow) {
        counted_flow_hit(flow, 1, size, time_wall_msec());
    }
}

/* Reading.  -------------------------------------------------------------- */

static void
count_hits(struct counters_of_switch *cs, const struct flow_item *item,
           const struct ofdump_counts *counts)
{
    struct counted_flow *flow = get_flow(cs, item, counts);

    if (flow) {
        add_hits(cs, flow, counts);
    } else {
        cs->unsure = true;      /* What it replaces is not gone, either. */
    }
}

static bool
raw_cb(void *cs_, const struct ofdump_raw *raw)
{
    struct counters_of_switch *cs = cs_;
    const struct fabric_host *host = cs->sw->host;
    const struct flow_item *item;

    if (!ofdump_get_counts(raw, &cs->counts)) {
        return false;           /* The codec reports that. */
    }
    if (pair_is_table(raw->desc->table_id)) {
        ofdump_exempt(cs->dump);    /* Guests cause them. */
        return false;
    }
    if (!cs->counts.packets) {
        return true;            /* Nothing to look up. */
    }
    item = flow_record_find(host->fabric->engine, host->name, raw);
    if (item) {
        count_hits(cs, item, &cs->counts);
    }
    return item != NULL;
}

static struct pair_reading
pair_reading(struct counters_of_switch *cs)
{
    const struct fabric_host *host = cs->sw->host;

    return (struct pair_reading) {
        host->fabric->model, host->name, &cs->pairs,
        &host->fabric->counters->pairs, cs->round,
        cs->requested_ms, time_msec(), cs->wall_ms,
    };
}

/* Not identical byte by byte: it may be encoded differently, be unknown, or be
 * about to change. */
static void
flow_cb(void *cs_, const struct ofputil_flow_stats *fs,
        const void *instructions OVS_UNUSED,
        size_t instructions_size OVS_UNUSED)
{
    struct counters_of_switch *cs = cs_;
    const struct fabric_host *host = cs->sw->host;
    const struct flow_item *item;

    if (pair_is_table(fs->table_id)) {
        const struct pair_reading reading = pair_reading(cs);

        pair_reading_add(&reading, fs, &cs->counts);
        return;
    }
    item = engine_find_flow(host->fabric->engine, host->name, fs->table_id,
                            fs->priority, &fs->match);
    if (item && item->cookie == ntohll(fs->cookie)) {
        count_hits(cs, item, &cs->counts);
    } else {
        cs->unsure = true;
    }
}

/* Ends a complete reading.  Flows without hits, or that are not installed,
 * restart at zero if they appear again, except those that are installed but
 * not desired at the moment. */
static void
forget_gone(struct counters_of_switch *cs)
{
    const struct fabric *f = cs->sw->host->fabric;
    struct counted_flow *flow, *next;

    HMAP_FOR_EACH_SAFE (flow, next, node, &cs->flows) {
        if (flow->round == cs->round) {
            continue;
        }
        bool is_owned = (!flow->counter->retired
                         && engine_cookie_name(f->engine,
                                               flow->counter->cookie));

        if (!cs->unsure) {
            flow->seen = (struct counted_seen) { 0, 0 };
            flow->gone = 0;
        }
        counted_flow_set_rate(flow, 0, 0);
        if (!is_owned || (!flow->seen.packets && (cs->wall_ms
                                                  - flow->total.last_ms
                                                  > GONE_MS))) {
            counted_flow_free(f->counters, &cs->flows, flow);
        }
    }
}

static void
stop(struct counters_of_switch *cs)
{
    ofdump_destroy(cs->dump);
    cs->dump = NULL;
}

/* Has the host not read again until what has just ended was a fair share of
 * the time.  What counts is the shorter one of the last two readings: one that
 * met a switch which stood still for some seconds would otherwise leave its
 * counters unread for minutes.  A switch that counts pairs forgets those that
 * are silent: it is read well before that. */
static void
rest(struct counters_of_switch *cs, int64_t now)
{
    int64_t took_ms = now - cs->requested_ms;
    int64_t shorter_ms = (cs->took_ms < 0 ? took_ms
                          : MIN(took_ms, cs->took_ms));

    cs->rest_until_ms = now + (hmap_is_empty(&cs->pairs.seen)
                               ? shorter_ms * SHARE
                               : MIN(shorter_ms * SHARE, REST_PAIRS_MS));
    cs->took_ms = took_ms;
}

static void
done_cb(void *cs_, const char *error)
{
    struct counters_of_switch *cs = cs_;
    struct counters *c = cs->sw->host->fabric->counters;
    int64_t now = time_msec();

    if (error) {
        c->n_failed++;
        VLOG_WARN_RL(&rl, "%s: counters could not be read: %s",
                     cs->sw->host->name, error);
    } else {
        const struct pair_reading reading = pair_reading(cs);

        c->n_polls++;
        forget_gone(cs);
        pair_reading_end(&reading);
        cs->before_ms = cs->requested_ms;
        cs->counted_ms = cs->wall_ms;
        c->n_read += !cs->was_read;
        cs->was_read = true;
    }
    rest(cs, now);
    if (ofdump_is_too_much(cs->dump)) {
        switch_over_budget(cs->sw, "its counters could not be read: "
                           OFDUMP_TOO_MUCH);
    }
    stop(cs);
}

static const struct ofdump_callbacks dump_callbacks = {
    .raw = raw_cb,
    .flow = flow_cb,
    .done = done_cb,
};

static bool
is_readable(const struct fabric_switch *sw)
{
    return (sw->state == SWITCH_LIVE && !sw->bundles.frozen
            && !audit_is_running(sw));
}

static void
request(struct counters_of_switch *cs)
{
    struct fabric_switch *sw = cs->sw;
    struct ofdump_budget budget = switch_budget_of_dump(sw);
    struct pair_reading reading;

    if (!is_readable(sw) || cs->dump || time_msec() < cs->rest_until_ms) {
        return;                 /* It is already scheduled. */
    }
    cs->round++;
    cs->unsure = false;
    cs->requested_ms = time_msec();
    cs->wall_ms = time_wall_msec();
    reading = pair_reading(cs);
    pair_reading_begin(&reading);
    switch_expect(sw);
    port_stats_request(&cs->traffic, sw->conn);
    packet_in_meter_drops_request(sw);
    group_counters_request(sw);
    cs->dump = ofdump_create_marked(sw->conn, &budget, FLOW_COOKIE_COUNTED,
                                    &dump_callbacks, cs);
}

/* When.  ----------------------------------------------------------------- */

/* Inserts a host into the queue by its time.  That is mostly the end, so the
 * search starts there. */
static void
set_due(struct counters *c, struct counters_of_switch *cs, int64_t due_ms)
{
    struct ovs_list *before = c->due.prev;

    cs->due_ms = due_ms;
    while (before != &c->due
           && CONTAINER_OF(before, struct counters_of_switch,
                           due_node)->due_ms > due_ms) {
        before = before->prev;
    }
    ovs_list_insert(before->next, &cs->due_node);
}

/* Returns the interval between two readings of the host. */
static int64_t
interval_of(const struct counters *c, const struct counters_of_switch *cs)
{
    const struct fabric *f = cs->sw->host->fabric;

    return (cs->often ? MIN(c->interval_ms, f->count_often_ms)
            : c->interval_ms);
}

static struct counters_of_switch *
first_due(const struct counters *c)
{
    return (ovs_list_is_empty(&c->due) ? NULL
            : CONTAINER_OF(c->due.next, struct counters_of_switch,
                           due_node));
}

static void
set_timer(struct counters *c)
{
    const struct counters_of_switch *cs = first_due(c);

    if (cs) {
        int64_t ms = MAX(1, cs->due_ms - time_msec());
        const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

        event_add(c->timer, &tv);
    }
}

static void
timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *c_)
{
    struct counters *c = c_;
    struct counters_of_switch *cs;
    int64_t now = time_msec();

    for (int i = 0; i < REQUESTED_MAX && (cs = first_due(c))
                    && cs->due_ms <= now; i++) {
        request(cs);
        ovs_list_remove(&cs->due_node);
        /* From start to start, unless that time has passed long ago. */
        set_due(c, cs, MAX(cs->due_ms + interval_of(c, cs), now + 1));
    }
    set_timer(c);
}

/* A host that was just added to the set is read within the interval. */
int64_t
fabric_count_interval(const struct fabric *f)
{
    return f->counters->interval_ms / 1000;
}

void
fabric_count_often(struct fabric *f, const struct sset *hosts)
{
    struct counters *c = f->counters;
    struct fabric_host *host;

    if (sset_is_empty(hosts) && !c->any_often) {
        return;
    }
    c->any_often = !sset_is_empty(hosts);
    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        struct counters_of_switch *cs = counters_of(host->sw);
        bool often = sset_contains(hosts, host->name);
        int64_t latest_ms = time_msec() + f->count_often_ms;

        if (c->interval_ms && often && !cs->often && cs->due_ms > latest_ms) {
            ovs_list_remove(&cs->due_node);
            set_due(c, cs, latest_ms);
        }
        cs->often = often;
    }
    set_timer(c);
}

/* Life.  ----------------------------------------------------------------- */

void
counters_create(struct fabric *f, const struct fabric_options *options)
{
    struct counters *c = xzalloc(sizeof *c);

    f->counters = c;
    hmap_init(&c->counters);
    hmap_init(&c->by_object);
    pair_readings_init(&c->pairs);
    ovs_list_init(&c->due);
    c->interval_ms = MIN(options->count_s, FABRIC_COUNT_MAX_S) * 1000;
    c->started_ms = time_msec();
    c->timer = event_new(f->base, -1, 0, timer_cb, c);
}

void
counters_destroy(struct fabric *f)
{
    struct counters *c = f->counters;

    if (c) {
        event_free(c->timer);
        pair_readings_uninit(&c->pairs);
        hmap_destroy(&c->by_object);
        hmap_destroy(&c->counters);
        for (size_t i = 0; i < c->n_units; i++) {
            free(c->units[i].app);
            free(c->units[i].unit);
        }
        free(c);
        f->counters = NULL;
    }
}

/* As a part of the session.  --------------------------------------------- */

static void
init(struct fabric_switch *sw, void *cs_)
{
    struct counters *c = sw->host->fabric->counters;
    struct counters_of_switch *cs = cs_;
    const char *name = sw->host->name;

    cs->sw = sw;
    cs->took_ms = -1;
    hmap_init(&cs->flows);
    pairs_of_switch_init(&cs->pairs);
    if (c->interval_ms) {
        /* Spread evenly over the interval. */
        set_due(c, cs, time_msec() + stable_hash64(name, strlen(name), 0)
                       % c->interval_ms);
        set_timer(c);
    }
}

/* Nobody knows any more which deletions were carried out, and which flows were
 * added since.  If a mark stayed that is void, what the switch has counted for
 * the flow would be counted twice; without one that holds, a few hits fewer
 * are, at most as many as the flow had before. */
static void
forget_deletions(struct counters_of_switch *cs)
{
    struct counted_flow *flow;

    HMAP_FOR_EACH (flow, node, &cs->flows) {
        flow->gone = 0;
    }
}

static void
disconnected(struct fabric_switch *sw, void *cs_)
{
    struct counters_of_switch *cs = cs_;
    struct counted_flow *flow;

    stop(cs);
    port_stats_forget(&cs->traffic);
    pairs_of_switch_disconnected(&cs->pairs,
                                 &sw->host->fabric->counters->pairs);
    cs->rest_until_ms = 0;
    cs->before_ms = 0;
    forget_deletions(cs);
    HMAP_FOR_EACH (flow, node, &cs->flows) {
        counted_flow_set_rate(flow, 0, 0);
    }
}

static void
destroy(struct fabric_switch *sw, void *cs_)
{
    struct counters *c = sw->host->fabric->counters;
    struct counters_of_switch *cs = cs_;
    struct counted_flow *flow, *next;

    HMAP_FOR_EACH_SAFE (flow, next, node, &cs->flows) {
        counted_flow_free(c, &cs->flows, flow);
    }
    hmap_destroy(&cs->flows);
    pairs_of_switch_uninit(&cs->pairs, &c->pairs);
    c->n_read -= cs->was_read;
    if (c->interval_ms) {
        ovs_list_remove(&cs->due_node);
    }
}

static void
reset(struct fabric_switch *sw OVS_UNUSED, void *cs_,
      const char *reason OVS_UNUSED)
{
    forget_deletions(cs_);
}

/* A reading that is in progress was requested before.  Only the very item that
 * was read last says that the flow is gone: another one may be of another flow
 * with an equal hash. */
static void
flows_deleted(struct fabric_switch *sw OVS_UNUSED, void *cs_,
              const struct deleted_flow *deleted, size_t n)
{
    struct counters_of_switch *cs = cs_;
    struct counted_flow *flow;

    if (hmap_is_empty(&cs->flows)) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        HMAP_FOR_EACH_WITH_HASH (flow, node,
                                 flow_key_hash(deleted[i].key_hash),
                                 &cs->flows) {
            if (flow->xid == deleted[i].xid) {
                flow->gone = cs->round;
            }
        }
    }
}

static enum switch_message
message(struct fabric_switch *sw OVS_UNUSED, void *cs_, enum ofptype type,
        const struct ofp_header *oh)
{
    struct counters_of_switch *cs = cs_;

    return (port_stats_message(&cs->traffic, type, oh)
            || (cs->dump && ofdump_message(cs->dump, type, oh))
            ? SWITCH_MESSAGE_ANSWER : SWITCH_MESSAGE_OTHER);
}

static bool
is_owed(const struct fabric_switch *sw OVS_UNUSED, const void *cs_)
{
    const struct counters_of_switch *cs = cs_;

    return cs->dump != NULL;
}

const struct switch_part_class counters_part = {
    .name = "counters",
    .state_size = sizeof(struct counters_of_switch),
    .init = init,
    .disconnected = disconnected,
    .destroy = destroy,
    .flows_deleted = flows_deleted,
    .reset = reset,
    .message = message,
    .is_owed = is_owed,
};
