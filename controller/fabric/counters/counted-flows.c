/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters, and the flows and groups of hosts whose hits they sum up; see
 * counters-private.h.  Not for reading these from switches (counters.c,
 * group-counters.c). */

#include <config.h>

#include "controller/fabric/counters/counters-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/hosts/hosts.h"
#include "hash.h"
#include "util.h"

/* Maximum number of flows with hits that are kept, on all hosts together. */
#define FLOWS_MAX 1000000

/* What a switch reports may be anything: a flow's rate counts up to this, in
 * thousandths, and sums stay at the largest integer of JSON. */
#define RATE_MAX_1000S 1e15
#define SUM_MAX INT64_MAX

/* Counters.  ------------------------------------------------------------- */

/* Returns the sum of drops of 'app' for 'reason'.  When the limit of kinds is
 * reached, the last sum counts all others. */
static struct drop_sum *
get_sum(struct counters *c, const char *app, const char *reason)
{
    for (size_t i = 0; i < c->n_sums; i++) {
        struct drop_sum *sum = &c->sums[i];

        if (!strcmp(sum->app, app) && !strcmp(sum->reason, reason)) {
            return sum;
        }
    }
    if (c->n_sums == COUNTERS_SUMS_MAX) {
        return &c->sums[COUNTERS_SUMS_MAX - 1];
    }

    struct drop_sum *sum = &c->sums[c->n_sums++];
    bool last = c->n_sums == COUNTERS_SUMS_MAX;

    sum->app = last ? "others" : app;
    sum->reason = last ? "other reasons" : reason;
    return sum;
}

/* Returns the sum of the unit of 'about'.  When the limit is reached, the last
 * sum is that of all others. */
static struct unit_sum *
get_unit(struct counters *c, const struct engine_flow_owner *about)
{
    const char *unit = about->owner + strlen(about->app) + 1;
    size_t len = strcspn(unit, "/");
    struct unit_sum *sum;

    for (size_t i = 0; i < c->n_units; i++) {
        sum = &c->units[i];
        if (!strcmp(sum->app, about->app) && strlen(sum->unit) == len
            && !memcmp(sum->unit, unit, len)) {
            return sum;
        }
    }
    if (c->n_units == COUNTERS_UNITS_MAX) {
        return &c->units[COUNTERS_UNITS_MAX - 1];
    }
    sum = &c->units[c->n_units++];
    if (c->n_units == COUNTERS_UNITS_MAX) {
        sum->app = xstrdup("others");
        sum->unit = xstrdup("others");
    } else {
        sum->app = xstrdup(about->app);
        sum->unit = xmemdup0(unit, len);
    }
    return sum;
}

uint32_t
counter_hash(uint64_t cookie, uint32_t part, const char *reason, bool log)
{
    const uint64_t numbers[] = { cookie, part, log };

    return hash_string(reason ? reason : "",
                       hash_bytes(numbers, sizeof numbers, 0));
}

struct counter *
counter_get(struct fabric *f, uint64_t cookie, uint32_t part,
            const char *reason, bool log)
{
    uint32_t hash = counter_hash(cookie, part, reason, log);
    struct counters *c = f->counters;
    struct engine_flow_owner about;
    struct counter *counter;

    HMAP_FOR_EACH_WITH_HASH (counter, node, hash, &c->counters) {
        if (counter->cookie == cookie && counter->part == part
            && counter->log == log
            && !strcmp(counter->reason ? counter->reason : "",
                       reason ? reason : "")) {
            return counter;
        }
    }
    engine_get_flow_owner(f->engine, cookie, part, &about);
    if (!about.owner) {
        return NULL;            /* A group of revisions is being applied. */
    }
    counter = xzalloc(sizeof *counter);
    counter->cookie = cookie;
    counter->app = about.app;
    counter->type = about.type;
    counter->name = xstrdup(about.name);
    counter->part = part;
    counter->reason = reason;
    counter->log = log;
    counter->unit = get_unit(c, &about);
    if (reason) {
        counter->sum = get_sum(c, about.app, reason);
    }
    hmap_insert(&c->counters, &counter->node, hash);
    hmap_insert(&c->by_object, &counter->object_node,
                hash_string(about.name, 0));
    return counter;
}

void
counter_retire(struct counters *c, struct counter *counter)
{
    if (!counter->retired) {
        hmap_remove(&c->counters, &counter->node);
        hmap_remove(&c->by_object, &counter->object_node);
        counter->retired = true;
    }
    if (!counter->n_flows) {
        free(counter->name);
        free(counter);
    }
}

static void
counter_unref(struct counters *c, struct counter *counter)
{
    if (!--counter->n_flows) {
        counter_retire(c, counter);
    }
}

/* Flows.  ---------------------------------------------------------------- */

struct counted_flow *
counted_flow_add(struct counters *c, struct hmap *flows,
                 struct counter *counter, uint32_t hash)
{
    struct counted_flow *flow;

    if (c->n_flows >= FLOWS_MAX) {
        c->n_full++;
        if (!counter->n_flows) {
            counter_retire(c, counter);
        }
        return NULL;
    }
    flow = xzalloc(sizeof *flow);
    flow->counter = counter;
    counter->n_flows++;
    hmap_insert(flows, &flow->node, hash);
    c->n_flows++;
    return flow;
}

static int64_t
thousandths(float rate)
{
    return MIN(rate * 1000.0, RATE_MAX_1000S);
}

/* Adds a difference of two rates.  Without overflow: as of unsigned ones, so
 * that what is added is taken away again. */
static void
add_rate(int64_t *sum, float now, float before)
{
    *sum = (int64_t) ((uint64_t) *sum + (uint64_t) thousandths(now)
                      - (uint64_t) thousandths(before));
}

void
counted_flow_set_rate(struct counted_flow *flow, float packets_per_s,
                      float bytes_per_s)
{
    struct counter *counter = flow->counter;

    add_rate(&counter->packets_1000s, packets_per_s, flow->packets_per_s);
    add_rate(&counter->bytes_1000s, bytes_per_s, flow->bytes_per_s);
    flow->packets_per_s = packets_per_s;
    flow->bytes_per_s = bytes_per_s;
}

void
counted_flow_free(struct counters *c, struct hmap *flows,
                  struct counted_flow *flow)
{
    hmap_remove(flows, &flow->node);
    counted_flow_set_rate(flow, 0, 0);
    counter_unref(c, flow->counter);
    c->n_flows--;
    free(flow);
}

static void
add_bounded(uint64_t *sum, uint64_t n)
{
    *sum += MIN(n, SUM_MAX - *sum);
}

static void
add_hits(struct fabric_count *count, uint64_t packets, uint64_t bytes,
         int64_t last_ms)
{
    add_bounded(&count->packets, packets);
    add_bounded(&count->bytes, bytes);
    count->last_ms = MAX(count->last_ms, last_ms);
}

void
counted_flow_hit(struct counted_flow *flow, uint64_t packets, uint64_t bytes,
                 int64_t last_ms)
{
    struct counter *counter = flow->counter;

    add_hits(&flow->total, packets, bytes, last_ms);
    add_hits(&counter->total, packets, bytes, last_ms);
    add_hits(&counter->unit->total, packets, bytes, last_ms);
    if (counter->sum) {
        add_bounded(&counter->sum->packets, packets);
        add_bounded(&counter->sum->bytes, bytes);
    }
}

void
counted_flow_add_hits(struct counted_flow *flow, uint64_t packets,
                      uint64_t bytes, int64_t ms, int64_t last_ms)
{
    counted_flow_set_rate(flow, ms > 0 ? packets * 1000.0 / ms : 0,
                          ms > 0 ? bytes * 1000.0 / ms : 0);
    if (packets) {
        counted_flow_hit(flow, packets, bytes, last_ms);
    }
}
