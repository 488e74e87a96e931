/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters of hosts that another member of a cluster reads: what the member
 * that manages a host tells the writer.  Not for how the writer takes it
 * (counter-takes.c), nor for the form of a report (counter-report.c). */

#include <config.h>

#include "controller/fabric/fabric-counter-reports.h"

#include <stdlib.h>

#include "controller/fabric/counters/counter-report.h"
#include "controller/fabric/counters/counters-private.h"
#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/sample-action.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "random.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(counter_reports);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 20);

/* A member reads its hosts for so much longer than some intervals after the
 * writer has asked last. */
#define WANTED_MS 10000
#define WANTED_INTERVALS 3
/* A host with pairs, or too many flows, is read by the writer for so long. */
#define LEFT_MS (600 * 1000)
/* What was counted of a host is kept so long after its last reading by the
 * member that managed it. */
#define KEPT_MS (600 * 1000)

static uint64_t
new_run(void)
{
    return MAX(random_uint64() >> 11, 1);
}

void
counter_reports_init(struct counters *c)
{
    ovs_list_init(&c->reports);
    shash_init(&c->reporters);
    c->run = new_run();
}

void
counter_reports_uninit(struct counters *c)
{
    shash_destroy_free_data(&c->reporters);
}

/* Telling.  --------------------------------------------------------------- */

bool
counter_reports_may_tell(const struct counters_of_switch *cs)
{
    const struct counters *c = cs->sw->host->fabric->counters;
    int64_t now = time_msec();

    return (c->wanted_ms
            && now - c->wanted_ms < WANTED_INTERVALS * c->interval_ms
                                    + WANTED_MS
            && now >= cs->left_until_ms);
}

void
counter_reports_forget_host(struct counters_of_switch *cs)
{
    if (cs->read_seq) {
        ovs_list_remove(&cs->report_node);
        cs->read_seq = 0;
    }
}

static void
free_flows(struct counters *c, struct hmap *flows)
{
    struct counted_flow *flow, *next;

    HMAP_FOR_EACH_SAFE (flow, next, node, flows) {
        counted_flow_free(c, flows, flow);
    }
}

/* Totals begin anew then: so this is no more what the writer has compared
 * with. */
void
counter_reports_trim(struct counters_of_switch *cs)
{
    struct hmap *parts = group_counters_flows(cs->sw);
    const struct fabric *f = cs->sw->host->fabric;

    if (!f->observing || cs->sw->state == SWITCH_LIVE
        || time_msec() - cs->read_here_ms < KEPT_MS
        || (hmap_is_empty(&cs->flows) && hmap_is_empty(parts))) {
        return;
    }
    counter_reports_forget_host(cs);
    free_flows(f->counters, &cs->flows);
    free_flows(f->counters, parts);
    cs->whole = true;
    f->counters->run = new_run();
}

static void
note_changed(struct hmap *flows, uint64_t seq)
{
    struct counted_flow *flow;

    HMAP_FOR_EACH (flow, node, flows) {
        if (flow->dirty) {
            flow->dirty = false;
            flow->changed = seq;
        }
    }
}

void
counter_reports_note_read(struct counters_of_switch *cs)
{
    struct counters *c = cs->sw->host->fabric->counters;

    if (!cs->sw->host->fabric->observing) {
        cs->stamp_ms = 0;
        return;
    }
    counter_reports_forget_host(cs);
    if (!hmap_is_empty(&cs->pairs.seen)) {
        cs->left_until_ms = time_msec() + LEFT_MS;
        return;
    }
    cs->read_seq = ++c->seq;
    cs->read_unsure = cs->unsure;
    ovs_list_push_back(&c->reports, &cs->report_node);
    note_changed(&cs->flows, c->seq);
    note_changed(group_counters_flows(cs->sw), c->seq);
    if (cs->whole) {
        cs->whole = false;
        cs->whole_seq = c->seq;
    }
}

/* A host of a report that is being made. */
struct telling {
    struct counters_of_switch *cs;
    uint64_t after;             /* Flows that have changed after that; */
    bool whole;                 /* or all. */
    struct ofpbuf *b;           /* NULL: they are counted. */
    uint32_t n;
};

static bool
is_told(const struct telling *telling, const struct counted_flow *flow)
{
    return (!flow->counter->retired
            && (flow->changed > telling->after
                || (telling->whole && flow->seen.packets))
            && flow->changed <= telling->cs->read_seq);
}

static uint32_t
ms_ago(int64_t ms)
{
    return MAX(0, MIN(ms, UINT32_MAX));
}

static void
tell_flow(const struct telling *telling, const struct counted_flow *flow,
          bool group)
{
    const struct counter *counter = flow->counter;
    const struct counter_report_flow told = {
        .hash = flow->key_hash, .part = counter->part,
        .cookie = counter->cookie,
        .reason = counter->reason ? sample_reason_hash(counter->reason) : 0,
        .drops = counter->reason != NULL, .log = counter->log,
        .group = group,
        .hit_ago_ms = ms_ago(telling->cs->counted_ms - flow->total.last_ms),
        .age_ms = (flow->installed_ms && !group
                   ? ms_ago(time_msec() - flow->installed_ms) : 0),
        .packets = flow->seen.packets, .bytes = flow->seen.bytes,
        .total_packets = flow->total.packets,
        .total_bytes = flow->total.bytes,
    };

    counter_report_put_flow(telling->b, &told);
}

static void
tell_flows(struct telling *telling, const struct hmap *flows, bool group)
{
    const struct counted_flow *flow;

    HMAP_FOR_EACH (flow, node, flows) {
        if (is_told(telling, flow)) {
            telling->n++;
            if (telling->b) {
                tell_flow(telling, flow, group);
            }
        }
    }
}

/* Appends a host, unless it has too many flows: then the writer reads it
 * itself for some time. */
static void
tell_host(struct counters_of_switch *cs, uint64_t after, struct ofpbuf *b)
{
    const struct hmap *parts = group_counters_flows(cs->sw);
    struct telling telling = {
        .cs = cs, .after = after, .whole = after < cs->whole_seq,
    };
    int64_t now = time_msec();

    tell_flows(&telling, &cs->flows, false);
    tell_flows(&telling, parts, true);
    if (telling.n > COUNTER_REPORT_FLOWS_MAX) {
        VLOG_WARN_RL(&rl, "%s: too many flows with hits to tell the writer",
                     cs->sw->host->name);
        cs->left_until_ms = now + LEFT_MS;
        cs->whole = true;
        return;
    }
    counter_report_put_host(b, &(struct counter_report_host) {
        .name = cs->sw->host->name,
        .ago_ms = ms_ago(now - cs->before_ms),
        .rest_ms = MIN(ms_ago(cs->rest_until_ms - now),
                       COUNTER_REPORT_AGO_MAX_MS),
        .stamp_ms = cs->before_ms,
        .whole = telling.whole, .unsure = cs->read_unsure,
        .n_flows = telling.n,
    });
    telling.b = b;
    tell_flows(&telling, &cs->flows, false);
    tell_flows(&telling, parts, true);
}

/* Returns true if the host's last reading is one to be told: by the same
 * connection, and not so old that somebody else has read it since. */
static bool
is_fresh(const struct counters_of_switch *cs)
{
    return (cs->sw->state == SWITCH_LIVE && cs->before_ms
            && time_msec() - cs->before_ms < COUNTER_REPORT_AGO_MAX_MS);
}

static void
heed_ask(struct fabric *f, const struct counter_ask *ask)
{
    const char *name;

    f->counters->wanted_ms = time_msec();
    fabric_count_often(f, &ask->often);
    SSET_FOR_EACH (name, &ask->whole) {
        const struct fabric_host *host = fabric_find_host(f, name);

        if (host) {
            counters_of(host->sw)->whole = true;
        }
    }
}

/* Returns the list's first host that was read after that. */
static struct ovs_list *
first_after(struct counters *c, uint64_t after)
{
    struct ovs_list *first = &c->reports;

    while (first->prev != &c->reports
           && CONTAINER_OF(first->prev, struct counters_of_switch,
                           report_node)->read_seq > after) {
        first = first->prev;
    }
    return first;
}

static void
tell(struct counters *c, uint64_t after, struct ofpbuf *b)
{
    struct counter_report report = { .run = c->run, .seq = c->seq };

    counter_report_begin(b);
    for (struct ovs_list *node = first_after(c, after); node != &c->reports;
         node = node->next) {
        struct counters_of_switch *cs = CONTAINER_OF(
            node, struct counters_of_switch, report_node);

        if (!is_fresh(cs)) {
            continue;
        }
        if (b->size >= COUNTER_REPORT_ENOUGH) {
            report.more = true;
            break;
        }
        tell_host(cs, after, b);
        report.seq = cs->read_seq;
    }
    if (!report.more) {
        report.seq = c->seq;
    }
    counter_report_end(b, &report);
}

const char *
fabric_tell_counters(struct fabric *f, const void *text, size_t size,
                     struct ofpbuf *b)
{
    struct counter_ask ask;
    const char *fault;

    if (!f->observing) {
        return "this member is the writer";
    }
    counter_ask_init(&ask);
    fault = counter_ask_read(text, size, &ask);
    if (!fault) {
        heed_ask(f, &ask);
        tell(f->counters, ask.run == f->counters->run ? ask.after : 0, b);
    }
    counter_ask_uninit(&ask);
    return fault;
}
