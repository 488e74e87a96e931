/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit of hosts; see audit.h.
 *
 * The host stays live meanwhile, and gets its bundles.  Each record of the
 * dump is compared as it comes, and only those that differ are kept.  Their
 * second look is at a settled moment, and leaves out all keys that were
 * touched since the audit began: what came back of those may be older or newer
 * than what is wanted, and was sent just now anyway. */

#include <config.h>

#include "controller/fabric/audit.h"

#include <event2/event.h>
#include <stdlib.h>

#include "byte-order.h"
#include "controller/fabric/fabric-private.h"
#include "controller/fabric/marker.h"
#include "controller/fabric/switch.h"
#include "controller/fabric/wire.h"
#include "hash.h"
#include "hmapx.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofdump.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(audit);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(60, 60);

/* Differences that are kept in words. */
#define WORDS_MAX 100
/* The audits' timer runs at least so often, if there are any. */
#define TICK_MAX_MS (60 * 1000)
#define TICK_MIN_MS 10
/* Losses below that many flows are no reason for alarm. */
#define ALARM_MIN 1000

struct audit {
    struct fabric_switch *sw;
    struct ofdump *dump;
    bool settling;
    struct audit_result result;
    uint64_t marker;
    struct hmapx right;         /* Counted items that are as they should be. */
    size_t n_odd_flows, allocated_odd_flows;
    struct wire_flow **odd_flows;
    size_t n_odd_groups, allocated_odd_groups;
    struct wire_group **odd_groups;
    struct backlog touched;
    size_t n_wanted;
    fabric_audit_cb *cb;        /* Or NULL. */
    void *aux;
};

static void compare_cb(void *sw);

static void
add_right(struct audit *a, const struct engine_item *item)
{
    if (!hmapx_contains(&a->right, item)) {
        hmapx_add(&a->right, engine_item_ref(item));
    }
}

/* Words.  ---------------------------------------------------------------- */

/* Adds a difference in words.  Takes 'what'. */
static void
tell(struct audit *a, const char *kind, char *what)
{
    VLOG_WARN_RL(&rl, "%s: %s: %s", a->sw->host->name, kind, what);
    if (json_array_size(a->result.differences) < WORDS_MAX) {
        json_array_append_new(a->result.differences,
                              json_sprintf("%s: %s", kind, what));
    }
    free(what);
}

static char *
describe_stranger(const struct audit *a, const struct wire_flow *flow)
{
    const char *owner = engine_cookie_name(a->sw->host->fabric->engine,
                                           flow->cookie);
    struct match match;
    char *text, *s;

    minimatch_expand(&flow->match, &match);
    s = match_to_string(&match, NULL, OFP_DEFAULT_PRIORITY);
    text = xasprintf("flow table=%u,priority=%u,%s cookie=0x%"PRIx64" of %s",
                     flow->table, flow->priority, s, flow->cookie,
                     owner ? owner : "a stranger");
    free(s);
    return text;
}

json_t *
audit_result_to_json(const struct audit_result *result)
{
    if (!result->time_ms) {
        return NULL;
    }
    return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:O}",
                     "time", time_to_text(result->time_ms),
                     "flows", (json_int_t) result->n_flows,
                     "groups", (json_int_t) result->n_groups,
                     "missing", (json_int_t) result->n_missing,
                     "altered", (json_int_t) result->n_altered,
                     "strangers", (json_int_t) result->n_strangers,
                     "differences", result->differences);
}

/* Reading.  -------------------------------------------------------------- */

static void
flow_cb(void *a_, const struct ofputil_flow_stats *fs,
        const void *instructions, size_t instructions_size)
{
    struct audit *a = a_;
    const struct fabric_host *host = a->sw->host;
    const struct engine_item *wanted;

    if (marker_is(fs)) {
        a->marker = ntohll(fs->cookie);
        return;
    }
    a->result.n_flows++;
    wanted = engine_find_flow(host->fabric->engine, host->name, fs->table_id,
                              fs->priority, &fs->match);
    if (wanted && wire_stats_are(fs, instructions, instructions_size,
                                 wanted)) {
        add_right(a, wanted);
        return;
    }
    if (a->n_odd_flows >= a->allocated_odd_flows) {
        a->odd_flows = x2nrealloc(a->odd_flows, &a->allocated_odd_flows,
                                  sizeof *a->odd_flows);
    }
    a->odd_flows[a->n_odd_flows++] = wire_flow_create(fs, instructions,
                                                      instructions_size);
}

static void
group_cb(void *a_, const struct ofputil_group_desc *gd)
{
    struct audit *a = a_;
    const struct fabric_host *host = a->sw->host;
    struct wire_group *group = wire_group_create(gd);
    const struct engine_item *wanted;

    a->result.n_groups++;
    wanted = engine_find_group(host->fabric->engine, host->name,
                               gd->group_id);
    if (wanted && wire_group_is(group, wanted)) {
        add_right(a, wanted);
        wire_group_destroy(group);
        return;
    }
    if (a->n_odd_groups >= a->allocated_odd_groups) {
        a->odd_groups = x2nrealloc(a->odd_groups, &a->allocated_odd_groups,
                                   sizeof *a->odd_groups);
    }
    a->odd_groups[a->n_odd_groups++] = group;
}

static void
done_cb(void *a_, const char *error)
{
    struct audit *a = a_;

    if (error) {
        char *reason = xasprintf("its flows could not be read: %s", error);

        audit_stop(a->sw, reason);
        free(reason);
    } else {
        a->settling = true;
        commit_when_settled(a->sw->host->fabric->commit, compare_cb, a->sw);
    }
}

static const struct ofdump_callbacks dump_callbacks = {
    .flow = flow_cb,
    .group = group_cb,
    .done = done_cb,
};

bool
audit_message(struct fabric_switch *sw, enum ofptype type,
              const struct ofp_header *oh)
{
    return ofdump_message(sw->audit->dump, type, oh);
}

bool
audit_is_owed(const struct fabric_switch *sw)
{
    return sw->audit && !sw->audit->settling;
}

struct backlog *
audit_touched(struct fabric_switch *sw)
{
    return sw->audit ? &sw->audit->touched : NULL;
}

/* Comparing.  ------------------------------------------------------------ */

/* True if nothing can be said about 'item' this time. */
static bool
is_excused(const struct audit *a, const struct engine_item *item)
{
    return (backlog_contains(&a->touched, item)
            || switch_has_refused(a->sw, item->xid));
}

/* True if a flow that nobody wants may be one that was withdrawn just now. */
static bool
may_be_withdrawn(const struct audit *a, const struct wire_flow *flow)
{
    const struct backlog_entry *entry;

    HMAP_FOR_EACH (entry, node, &a->touched.entries) {
        if (entry->held && entry->key->kind == ENGINE_FLOW
            && entry->key->table == flow->table
            && entry->key->priority == flow->priority
            && entry->held->cookie == flow->cookie) {
            return true;
        }
    }
    return false;
}

static bool
group_may_be_withdrawn(const struct audit *a, uint32_t group_id)
{
    const struct backlog_entry *entry;

    HMAP_FOR_EACH (entry, node, &a->touched.entries) {
        if (entry->held && entry->key->kind == ENGINE_GROUP
            && entry->key->group_id == group_id) {
            return true;
        }
    }
    return false;
}

/* What differs although its key is wanted. */
static void
judge_altered(struct audit *a, const struct engine_item *wanted, bool same)
{
    if (!same && !is_excused(a, wanted)) {
        a->result.n_altered++;
        tell(a, "altered", item_describe(a->sw->host->fabric->engine,
                                         wanted));
    }
    add_right(a, wanted);       /* It is not missing. */
}

static void
judge_flow(struct audit *a, const struct wire_flow *flow)
{
    const struct fabric_host *host = a->sw->host;
    const struct engine_item *wanted;
    struct match match;

    minimatch_expand(&flow->match, &match);
    wanted = engine_find_flow(host->fabric->engine, host->name, flow->table,
                              flow->priority, &match);
    if (wanted) {
        judge_altered(a, wanted, wire_flow_is(flow, wanted));
    } else if (!may_be_withdrawn(a, flow)) {
        a->result.n_strangers++;
        tell(a, "not wanted", describe_stranger(a, flow));
    }
}

static void
judge_group(struct audit *a, const struct wire_group *group)
{
    const struct fabric_host *host = a->sw->host;
    uint32_t id = group->desc.group_id;
    const struct engine_item *wanted;

    wanted = engine_find_group(host->fabric->engine, host->name, id);
    if (wanted) {
        judge_altered(a, wanted, wire_group_is(group, wanted));
    } else if (!group_may_be_withdrawn(a, id)) {
        a->result.n_strangers++;
        tell(a, "not wanted", xasprintf("group %"PRIu32, id));
    }
}

static void
wanted_cb(void *a_, const struct engine_item *item)
{
    struct audit *a = a_;

    a->n_wanted++;
    if (!hmapx_contains(&a->right, item) && !is_excused(a, item)) {
        a->result.n_missing++;
        tell(a, "missing", item_describe(a->sw->host->fabric->engine, item));
    }
}

static void
judge_marker(struct audit *a)
{
    const struct fabric_switch *sw = a->sw;

    if (backlog_is_empty(&a->touched)
        && a->marker != (hmap_is_empty(&sw->refusals)
                         ? marker_cookie(sw->digest) : MARKER_NONE)) {
        a->result.n_altered++;
        tell(a, "altered", xstrdup("the marker"));
    }
}

/* The result is known: keeps, counts and says it. */
static void
report(struct audit *a)
{
    struct fabric_switch *sw = a->sw;
    struct fabric *f = sw->host->fabric;
    struct audit_result *r = &a->result;
    size_t n_lost = r->n_missing + r->n_altered;

    f->stats.n_audits++;
    f->stats.n_audit_missing += r->n_missing;
    f->stats.n_audit_altered += r->n_altered;
    f->stats.n_audit_strangers += r->n_strangers;
    r->time_ms = time_wall_msec();
    json_decref(sw->audited.differences);
    sw->audited = *r;
    json_incref(r->differences);
    if (n_lost > ALARM_MIN && n_lost * 100 / a->n_wanted > f->audit_alarm) {
        VLOG_ERR("%s: %"PRIuSIZE" of %"PRIuSIZE" flows and groups were lost "
                 "or changed by somebody else; they are put back",
                 sw->host->name, n_lost, a->n_wanted);
    } else if (n_lost || r->n_strangers) {
        VLOG_WARN("%s: audit: %"PRIuSIZE" missing, %"PRIuSIZE" altered, "
                  "%"PRIuSIZE" not wanted; they are mended", sw->host->name,
                  r->n_missing, r->n_altered, r->n_strangers);
    }
}

/* The state is settled, and all has been read. */
static void
compare_cb(void *sw_)
{
    struct fabric_switch *sw = sw_;
    struct audit *a = sw->audit;
    bool differs;

    for (size_t i = 0; i < a->n_odd_flows; i++) {
        judge_flow(a, a->odd_flows[i]);
    }
    for (size_t i = 0; i < a->n_odd_groups; i++) {
        judge_group(a, a->odd_groups[i]);
    }
    engine_host_items(sw->host->fabric->engine, sw->host->name, wanted_cb, a);
    judge_marker(a);
    report(a);
    differs = (a->result.n_missing || a->result.n_altered
               || a->result.n_strangers);
    audit_stop(sw, NULL);
    if (differs) {
        reconcile_start(sw);
    }
}

/* Coming and going.  ----------------------------------------------------- */

static void
audit_start(struct fabric_switch *sw, fabric_audit_cb *cb, void *aux)
{
    struct audit *a = xzalloc(sizeof *a);

    a->sw = sw;
    a->cb = cb;
    a->aux = aux;
    a->result.differences = json_array();
    hmapx_init(&a->right);
    backlog_init(&a->touched);
    sw->audit = a;
    switch_expect(sw);
    a->dump = ofdump_create(sw->conn, &dump_callbacks, a);
}

void
audit_stop(struct fabric_switch *sw, const char *reason)
{
    struct audit *a = sw->audit;
    struct hmapx_node *node;

    if (!a) {
        return;
    }
    sw->audit = NULL;
    commit_cancel_when_settled(sw->host->fabric->commit, compare_cb, sw);
    if (a->cb) {
        json_t *result = reason ? NULL : audit_result_to_json(&a->result);

        a->cb(a->aux, result, reason);
        json_decref(result);
    }
    ofdump_destroy(a->dump);
    HMAPX_FOR_EACH (node, &a->right) {
        engine_item_unref(node->data);
    }
    hmapx_destroy(&a->right);
    for (size_t i = 0; i < a->n_odd_flows; i++) {
        wire_flow_destroy(a->odd_flows[i]);
    }
    for (size_t i = 0; i < a->n_odd_groups; i++) {
        wire_group_destroy(a->odd_groups[i]);
    }
    free(a->odd_flows);
    free(a->odd_groups);
    backlog_uninit(&a->touched);
    json_decref(a->result.differences);
    free(a);
}

/* Whether 'sw' can be audited now: it got all that it is to have, though it
 * may not have acknowledged all, since it answers in order. */
static bool
is_ready(const struct fabric_switch *sw)
{
    return (sw->state == SWITCH_LIVE && !sw->frozen && !sw->audit
            && backlog_is_empty(&sw->backlog));
}

const char *
fabric_audit(struct fabric *f, const char *name, fabric_audit_cb *cb,
             void *aux)
{
    struct fabric_host *host = fabric_find_host(f, name);

    if (!host) {
        return "there is no such host";
    } else if (!is_ready(host->sw)) {
        return (host->sw->audit ? "it is being audited already"
                : "it does not hold what it is to hold yet");
    }
    audit_start(host->sw, cb, aux);
    return NULL;
}

/* When.  ----------------------------------------------------------------- */

static void
set_timer(struct fabric *f)
{
    int64_t ms = f->audit_s * 1000 / MAX(hmap_count(&f->hosts), 1);
    struct timeval tv;

    ms = MAX(TICK_MIN_MS, MIN(TICK_MAX_MS, ms));
    tv.tv_sec = ms / 1000;
    tv.tv_usec = ms % 1000 * 1000;
    event_add(f->audit_timer, &tv);
}

/* Audits the host that has been due for longest: one at each tick, and so many
 * ticks that all have their turn. */
static void
tick_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *f_)
{
    struct fabric *f = f_;
    int64_t now = time_msec(), interval_ms = f->audit_s * 1000;
    struct fabric_switch *next = NULL;
    struct fabric_host *host;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        struct fabric_switch *sw = host->sw;

        if (!sw->audit_due_ms) {
            /* Spread evenly, and from start to start. */
            sw->audit_due_ms = now + hash_string(host->name, 0) % interval_ms;
        }
        if (is_ready(sw) && sw->audit_due_ms <= now
            && (!next || sw->audit_due_ms < next->audit_due_ms)) {
            next = sw;
        }
    }
    if (next) {
        next->audit_due_ms = now + interval_ms;
        audit_start(next, NULL, NULL);
    }
    set_timer(f);
}

void
audits_create(struct fabric *f, const struct fabric_options *options)
{
    f->audit_s = MIN(options->audit_s, FABRIC_AUDIT_MAX_S);
    f->audit_alarm = options->audit_alarm ? : FABRIC_AUDIT_ALARM;
    if (f->audit_s) {
        f->audit_timer = event_new(f->base, -1, 0, tick_cb, f);
        set_timer(f);
    }
}

void
audits_destroy(struct fabric *f)
{
    if (f->audit_timer) {
        event_free(f->audit_timer);
        f->audit_timer = NULL;
    }
}
