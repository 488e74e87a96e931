/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters of hosts that another member of a cluster reads: what the writer
 * asks for, and how it takes what it is told.  Not for what a member tells
 * (counter-reports.c), nor for the form of that (counter-report.c).
 *
 * What is told of a flow is what its switch has counted, so it does not matter
 * who has read that: the writer adds what is more than it has seen, be it by
 * another member or by itself.  A host that moves, or a member that is started
 * again, neither loses nor repeats any.  And it is what the member has counted
 * since it has the flow: that is more exact while the member is the same one,
 * for groups that were replaced between two reports, and for flows that
 * replace others. */

#include <config.h>

#include "controller/fabric/fabric-counter-reports.h"

#include <stdlib.h>

#include "controller/fabric/counters/counter-report.h"
#include "controller/fabric/counters/counters-private.h"
#include "controller/fabric/counters/counters.h"
#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/switch.h"
#include "timeval.h"
#include "util.h"

/* The writer reads a host itself if there was no reading of it for two
 * intervals and this. */
#define LATE_MS 3000
/* A member is asked five times in the interval between two readings, but no
 * more often, and no less, than that. */
#define ASKS_PER_INTERVAL 5
#define ASK_MIN_MS 1000
#define ASK_MAX_MS 10000
/* A host is asked for as a whole no more often than that. */
#define ASK_WHOLE_MS 10000
/* A flow that the switch does not have any more is forgotten after this time,
 * and a part of a group that no bucket has: before the member that tells of it
 * does so, whose sum begins anew then. */
#define FLOW_GONE_MS (3600 * 1000 / 2)
#define PART_GONE_MS (24 * 3600 * 1000 / 2)
/* Members whose last reports are remembered. */
#define REPORTERS_MAX 64

/* What the writer knows of another member's reports. */
struct reporter {
    uint64_t run, after;        /* Of the last one. */
    bool more;                  /* It says that there is more. */
    int64_t asked_ms;           /* time_msec(). */
};

/* Asking.  ---------------------------------------------------------------- */

static struct reporter *
get_reporter(struct counters *c, const char *member)
{
    struct reporter *reporter = shash_find_data(&c->reporters, member);

    if (!reporter) {
        if (shash_count(&c->reporters) >= REPORTERS_MAX) {
            shash_clear_free_data(&c->reporters);
        }
        reporter = xzalloc(sizeof *reporter);
        shash_add(&c->reporters, member, reporter);
    }
    return reporter;
}

/* Returns true if the member is to be asked now. */
static bool
is_due(const struct fabric *f, const struct reporter *reporter)
{
    const struct counters *c = f->counters;
    int64_t interval_ms = (c->any_often
                           ? MIN(c->interval_ms, f->count_often_ms)
                           : c->interval_ms);
    int64_t ms = MIN(MAX(interval_ms / ASKS_PER_INTERVAL, ASK_MIN_MS),
                     ASK_MAX_MS);

    return (reporter->more || !reporter->asked_ms
            || time_msec() - reporter->asked_ms >= ms - ASK_MIN_MS / 10);
}

char *
fabric_ask_counters(struct fabric *f, const char *member,
                    fabric_is_managed_cb *is_managed, void *aux)
{
    const struct fabric_host *host;
    struct reporter *reporter;
    int64_t now = time_msec();
    struct counter_ask ask;
    char *text;

    if (!f->counters->interval_ms) {
        return NULL;
    }
    reporter = get_reporter(f->counters, member);
    if (!is_due(f, reporter)) {
        return NULL;
    }
    reporter->asked_ms = now;
    reporter->more = false;
    counter_ask_init(&ask);
    ask.run = reporter->run;
    ask.after = reporter->after;
    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        struct counters_of_switch *cs = counters_of(host->sw);
        bool whole = (cs->ask_whole
                      && now - cs->asked_whole_ms >= ASK_WHOLE_MS);

        if ((cs->often || whole) && is_managed(aux, host->name)) {
            if (cs->often) {
                sset_add(&ask.often, host->name);
            }
            if (whole) {
                sset_add(&ask.whole, host->name);
                cs->asked_whole_ms = now;
            }
        }
    }
    text = counter_ask_print(&ask);
    counter_ask_uninit(&ask);
    return text;
}

/* Taking.  ---------------------------------------------------------------- */

struct taking {
    struct fabric *f;
    fabric_is_managed_cb *is_managed;
    void *aux;
    int64_t asked_ms, asked_wall_ms;

    struct counters_of_switch *cs; /* Of the host that is being taken. */
    bool goes_on;               /* The host's last report was by the same
                                 * process. */
    int64_t requested_ms, wall_ms; /* Its reading. */
    int64_t ms;                 /* Since the one before; 0: not known. */
    bool all;                   /* It has all flows, and each was taken. */
};

void
counters_shares_changed(struct fabric *f)
{
    int64_t until_ms = time_msec() + 2 * f->counters->interval_ms + LATE_MS;
    const struct fabric_host *host;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        struct counters_of_switch *cs = counters_of(host->sw);

        cs->reported_until_ms = MIN(cs->reported_until_ms, until_ms);
    }
}

/* From another member, or another process of it, totals are others. */
static void
forget_totals(struct hmap *flows)
{
    struct counted_flow *flow;

    HMAP_FOR_EACH (flow, node, flows) {
        flow->reported.packets = COUNTED_UNREPORTED;
    }
}

/* Parts of groups have rounds of their own, so 'dirty' says which were told
 * of. */
static void
begin_parts(struct hmap *flows)
{
    struct counted_flow *flow;

    HMAP_FOR_EACH (flow, node, flows) {
        flow->dirty = false;
    }
}

/* Returns true unless all that was read here is older than what was requested
 * then. */
static bool
is_read_here(const struct counters_of_switch *cs, int64_t requested_ms)
{
    return (cs->dump || group_counters_are_read(cs->sw)
            || requested_ms <= cs->read_here_ms);
}

/* Returns the time between the host's last reading and the one that was
 * requested 'told->ago_ms' before the member answered; 0: not known. */
static int64_t
since_last(const struct taking *taking, const struct counters_of_switch *cs,
           const struct counter_report_host *told)
{
    if (taking->goes_on && cs->stamp_ms) {
        return MAX(0, (int64_t) told->stamp_ms - cs->stamp_ms);
    }
    /* The answer was made at any time since it was asked for: too low a rate
     * does less harm than one that is too high. */
    return (cs->before_ms ? MAX(0, time_msec() - told->ago_ms - cs->before_ms)
            : 0);
}

static bool
take_host(void *taking_, const struct counter_report *report,
          const struct counter_report_host *told)
{
    struct taking *taking = taking_;
    struct fabric_host *host = fabric_find_host(taking->f, told->name);
    struct counters_of_switch *cs;

    if (!host) {
        return false;
    }
    cs = taking->cs = counters_of(host->sw);
    taking->requested_ms = taking->asked_ms - told->ago_ms;
    taking->wall_ms = taking->asked_wall_ms - told->ago_ms;
    taking->goes_on = cs->reporter == report->run;
    if (host->sw->state == SWITCH_LIVE
        || !taking->is_managed(taking->aux, told->name)
        || is_read_here(cs, taking->requested_ms)
        || (!taking->goes_on && !told->whole)) {
        cs->ask_whole = true;   /* What it has told it does not repeat. */
        return false;
    }
    if (!taking->goes_on) {
        forget_totals(&cs->flows);
        forget_totals(group_counters_flows(host->sw));
        cs->reporter = report->run;
    }
    taking->ms = since_last(taking, cs, told);
    cs->stamp_ms = told->stamp_ms;
    begin_parts(group_counters_flows(host->sw));
    if (told->whole) {
        cs->ask_whole = false;
    }
    cs->wall_ms = taking->wall_ms;
    cs->round++;
    taking->all = told->whole;
    return true;
}

static uint32_t
hash_of(const struct counter_report_flow *told)
{
    return (told->group ? group_counters_hash(told->hash, told->part)
            : flow_key_hash(told->hash));
}

static struct counted_flow *
find_flow(const struct hmap *flows, const struct counter_report_flow *told,
          const char *reason)
{
    struct counted_flow *flow;

    HMAP_FOR_EACH_WITH_HASH (flow, node, hash_of(told), flows) {
        const struct counter *counter = flow->counter;

        if (!counter->retired && flow->key_hash == told->hash
            && counter->cookie == told->cookie && counter->part == told->part
            && counter->log == told->log
            && nullable_string_is_equal(counter->reason, reason)) {
            return flow;
        }
    }
    return NULL;
}

static struct counted_flow *
add_flow(struct taking *taking, struct hmap *flows,
         const struct counter_report_flow *told, const char *reason)
{
    struct fabric *f = taking->f;
    struct counter *counter;
    struct counted_flow *flow = NULL;

    if (hmap_count(flows) >= COUNTER_REPORT_FLOWS_MAX) {
        f->counters->n_full++;
        return NULL;
    }
    counter = counter_get(f, told->cookie, told->part, reason, told->log);
    if (counter) {
        flow = counted_flow_add(f->counters, flows, counter, hash_of(told));
    } else {
        taking->cs->ask_whole = true; /* It may be known a moment later. */
    }
    if (flow) {
        flow->key_hash = told->hash;
    }
    return flow;
}

/* The object was deleted and made again, and its group has stayed. */
static void
take_over_part(const struct hmap *flows, struct counted_flow *flow,
               const struct counted_seen *now)
{
    const struct counted_flow *other;

    HMAP_FOR_EACH_WITH_HASH (other, node, flow->node.hash, flows) {
        if (other->counter->retired && other->key_hash == flow->key_hash
            && other->counter->part == flow->counter->part
            && other->seen.packets <= now->packets
            && other->seen.bytes <= now->bytes
            && other->seen.packets >= flow->seen.packets) {
            flow->seen = other->seen;
        }
    }
}

/* Returns true if the member has taken nothing off what the switch has counted
 * for a flow that is new: it began at nothing.  So did one that the member has
 * forgotten: its switch had not had it for FLOW_GONE_MS. */
static bool
has_begun(const struct taking *taking, const struct counter_report_flow *told)
{
    return (taking->goes_on && told->total_packets == told->packets
            && told->total_bytes == told->bytes);
}

/* Returns the flow, with what was seen of it; or NULL. */
static struct counted_flow *
get_flow(struct taking *taking, const struct counter_report_flow *told,
         const char *reason, bool *is_new)
{
    const struct counted_seen now = { told->packets, told->bytes };
    struct hmap *flows = (told->group ? group_counters_flows(taking->cs->sw)
                          : &taking->cs->flows);
    struct counted_flow *flow = find_flow(flows, told, reason);

    *is_new = !flow;
    if (!flow && told->packets) {
        flow = add_flow(taking, flows, told, reason);
    }
    if (flow && told->group && *is_new) {
        take_over_part(flows, flow, &now);
    } else if (flow && !told->group && !flow->seen.packets
               && !(*is_new && has_begun(taking, told))) {
        counters_take_over_seen(taking->cs, flow, &now);
    }
    return flow;
}

/* Returns what the switch has counted since the flow was last seen. */
static struct counted_seen
added_by_switch(const struct counted_flow *flow,
                const struct counter_report_flow *told)
{
    const struct counted_seen *before = &flow->seen;
    bool anew = (told->packets < before->packets
                 || told->bytes < before->bytes);

    return (struct counted_seen) {
        told->packets - (anew ? 0 : before->packets),
        told->bytes - (anew ? 0 : before->bytes),
    };
}

/* Returns what has been added since the flow was last seen.  Of one that is
 * new here a member that has told of the others has counted all in its total:
 * the switch's count may be of a flow before it, too. */
static struct counted_seen
added(const struct taking *taking, const struct counted_flow *flow,
      const struct counter_report_flow *told, bool is_new)
{
    const struct counted_seen *before = &flow->reported;
    struct counted_seen more = added_by_switch(flow, told);

    if (is_new && taking->goes_on) {
        more.packets = MIN(more.packets, told->total_packets);
        more.bytes = MIN(more.bytes, told->total_bytes);
    } else if (before->packets != COUNTED_UNREPORTED
               && told->total_packets >= before->packets
               && told->total_bytes >= before->bytes) {
        more.packets = told->total_packets - before->packets;
        more.bytes = told->total_bytes - before->bytes;
    }
    return more;
}

/* Notes what the switch has counted.  Nothing: it does not have the flow, as
 * far as the report's end, at which it is not among those of this round. */
static void
note_told(const struct taking *taking, struct counted_flow *flow,
          const struct counter_report_flow *told)
{
    flow->emptied = !told->packets && !told->group;
    if (!flow->emptied) {
        flow->seen = (struct counted_seen) { told->packets, told->bytes };
        flow->gone = 0;
        flow->round = taking->cs->round;
    }
    flow->reported = (struct counted_seen) {
        told->total_packets, told->total_bytes
    };
    flow->xid = 0;              /* Nobody says of which group it is. */
    flow->dirty = true;
}

static void
take_flow(void *taking_, const struct counter_report_flow *from)
{
    struct counter_report_flow told = *from;
    struct taking *taking = taking_;
    const char *reason = NULL;
    struct counted_flow *flow;
    struct counted_seen more;
    bool is_new;

    told.cookie = flow_cookie_owner(told.cookie);
    if (told.drops) {
        reason = engine_find_drop_reason(taking->f->engine, told.reason);
        if (!reason) {
            taking->cs->ask_whole = true;
            taking->all = false;
            return;
        }
    }
    flow = get_flow(taking, &told, reason, &is_new);
    if (!flow) {
        taking->all &= !told.packets;
        return;
    }
    more = added(taking, flow, &told, is_new);
    note_told(taking, flow, &told);
    if (is_new && told.log
        && told.age_ms > time_msec() - taking->f->counters->started_ms) {
        /* Logged before this process had its part. */
        flow->counter->n_before += more.packets;
    }
    counted_flow_add_hits(flow, more.packets, more.bytes, taking->ms,
                          taking->wall_ms - told.hit_ago_ms);
}

/* As counters_forget_gone(), for parts of groups. */
static bool
end_parts(struct taking *taking)
{
    struct hmap *flows = group_counters_flows(taking->cs->sw);
    const struct fabric *f = taking->f;
    struct counted_flow *flow, *next;
    bool any_kept = false;

    HMAP_FOR_EACH_SAFE (flow, next, node, flows) {
        bool is_owned = (!flow->counter->retired
                         && engine_cookie_name(f->engine,
                                               flow->counter->cookie));

        if (flow->dirty) {
            continue;
        }
        counted_flow_set_rate(flow, 0, 0);
        if (taking->all
            && (!is_owned
                || taking->wall_ms - flow->total.last_ms > PART_GONE_MS)) {
            counted_flow_free(taking->f->counters, flows, flow);
        } else if (taking->all) {
            counted_flow_set_seen(flow, false, 0, 0);
        } else {
            any_kept |= !is_owned;
        }
    }
    return any_kept;
}

static void
take_host_end(void *taking_, const struct counter_report_host *told)
{
    struct taking *taking = taking_;
    struct counters_of_switch *cs = taking->cs;
    struct counters *c = taking->f->counters;

    if (counters_forget_gone(cs, taking->all, taking->all && !told->unsure,
                             FLOW_GONE_MS)
        | end_parts(taking)) {
        cs->ask_whole = true;   /* They are freed then. */
    }
    counters_note_read(cs, taking->requested_ms, taking->wall_ms);
    cs->reported_until_ms = taking->requested_ms + 2 * c->interval_ms
                            + LATE_MS + told->rest_ms;
    c->n_reported++;
    cs->n_told++;
}

const char *
fabric_take_counters(struct fabric *f, const char *member, const void *answer,
                     size_t size, int64_t asked_ms,
                     fabric_is_managed_cb *is_managed, void *aux, bool *more)
{
    static const struct counter_report_ops ops = {
        take_host, take_flow, take_host_end
    };
    struct taking taking = {
        .f = f, .is_managed = is_managed, .aux = aux, .asked_ms = asked_ms,
        .asked_wall_ms = time_wall_msec() - (time_msec() - asked_ms),
    };
    struct reporter *reporter = get_reporter(f->counters, member);
    struct counter_report report;
    const char *fault;

    *more = false;
    fault = counter_report_read(answer, size, &report, &ops, &taking);
    if (!fault) {
        reporter->more = report.more && (report.run != reporter->run
                                         || report.seq > reporter->after);
        *more = reporter->more;
        reporter->run = report.run;
        reporter->after = report.seq;
    }
    return fault;
}
