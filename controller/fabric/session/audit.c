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

#include "controller/fabric/session/audit.h"

#include <event2/event.h>
#include <stdlib.h>

#include "byte-order.h"
#include "controller/commit/commit.h"
#include "controller/fabric/fabric-audit.h"
#include "controller/fabric/fabric.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/audit-result.h"
#include "controller/fabric/session/flow-format.h"
#include "controller/fabric/session/installed-set.h"
#include "controller/fabric/session/marker.h"
#include "controller/fabric/session/openflow-message.h"
#include "controller/fabric/session/reconcile.h"
#include "controller/fabric/session/switch-budget.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/learn-action.h"
#include "controller/flow/sample-action.h"
#include "controller/schema/arena.h"
#include "hash.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofdump.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(audit);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(60, 60);

/* The audits' timer runs at least so often, if there are any. */
#define TICK_MAX_MS (60 * 1000)
#define TICK_MIN_MS 10
/* Losses below that many flows are no reason for alarm. */
#define ALARM_MIN 1000

struct audit {
    struct fabric_switch *sw;
    struct ofdump *dump;
    bool settling;
    struct status_audit result;
    uint64_t marker;
    struct installed_set right;          /* As they should be. */
    size_t n_odd_flows, allocated_odd_flows;
    struct flow_record **odd_flows;
    size_t n_odd_groups, allocated_odd_groups;
    struct group_record **odd_groups;
    struct backlog touched;
    size_t n_wanted;
    bool repair;                /* Else it only compares. */
    bool listing;               /* Differences are listed, by 'request'. */
    struct fabric_audit_request request; /* Strings are owned. */
    size_t n_list, allocated_list; /* Those; texts are in the arena. */
    struct fabric_difference *list;
    size_t n_matching;          /* Those, and what the limit cut off. */
    struct arena arena;
    bool kept;                  /* The result is the host's by now. */
    fabric_audit_cb *cb;        /* Or NULL. */
    void *aux;
};

/* Of a switch. */
struct audits {
    struct audit *running;      /* While it is live, or NULL. */
    struct status_audit last;   /* The last one's. */
    int64_t due_ms;             /* time_msec() of the next, or 0. */
};

static struct audits *
audits_of(const struct fabric_switch *sw)
{
    return switch_part_state(sw, &audit_part);
}

static void stop(struct fabric_switch *, const char *reason);
static void compare_cb(void *sw);

/* Reports.  -------------------------------------------------------------- */

/* Whose a difference is: an app's, or nobody's. */
static char *
owner_kind(const struct engine *engine, const struct difference *d)
{
    const char *owner = difference_owner(engine, d);

    return owner ? xmemdup0(owner, strcspn(owner, ".")) : xstrdup("unknown");
}

/* Puts a difference into the log, and the first ones into the result. */
static void
log_difference(struct audit *a, const struct difference *d)
{
    bool keep = !audit_result_is_full(&a->result);
    bool log = !VLOG_DROP_WARN(&rl);

    if (keep || log) {
        char *text = difference_to_text(a->sw->host->fabric->engine, d);

        if (log) {
            VLOG_WARN("%s: %s", a->sw->host->name, text);
        }
        audit_result_add(&a->result, text);
    }
}

/* Room for one more in the list; or NULL, if that is not to have it. */
static struct fabric_difference *
list_one(struct audit *a)
{
    if (a->n_matching++ >= a->request.limit) {
        return NULL;
    }
    if (a->n_list >= a->allocated_list) {
        a->list = x2nrealloc(a->list, &a->allocated_list, sizeof *a->list);
    }
    return &a->list[a->n_list++];
}

/* Lists something in 'table' that is vmnd's own, and so no app's. */
static void
list_own(struct audit *a, enum difference_kind kind, uint8_t table)
{
    struct fabric_difference *shown;

    if (a->listing && filter_passes(&a->request.filter, NULL, table)
        && (shown = list_one(a))) {
        *shown = (struct fabric_difference) {
            .kind = difference_kind_name(kind), .owner = "vmnd",
            .table = table, .priority = -1, .group_id = -1,
        };
    }
}

static void
report_difference(struct audit *a, enum difference_kind kind,
                  const struct flow_item *wanted,
                  const struct flow_record *flow,
                  const struct group_record *group)
{
    const struct engine *engine = a->sw->host->fabric->engine;
    const struct difference d = { kind, wanted, flow, group };
    char *owner = owner_kind(engine, &d);

    audit_result_count(&a->result, owner, kind, 1);
    free(owner);
    if (a->repair && kind != DIFFERENCE_REFUSED) {
        log_difference(a, &d);
    }
    if (a->listing && difference_passes(engine, &d, &a->request.filter)) {
        struct fabric_difference *shown = list_one(a);

        if (shown) {
            difference_show(engine, &d, &a->arena, shown);
        }
    }
}

/* Reading.  -------------------------------------------------------------- */

static bool
raw_cb(void *a_, const struct ofdump_raw *raw)
{
    struct audit *a = a_;
    const struct fabric_host *host = a->sw->host;
    const struct flow_item *wanted;

    if (learn_is_table(raw->desc->table_id)) {
        ofdump_exempt(a->dump);
        return true;
    }
    wanted = flow_record_find(host->fabric->engine, host->name, raw);
    if (wanted) {
        a->result.flows++;
        installed_set_add(&a->right, wanted);
    }
    return wanted != NULL;
}

/* Returns true if the flow is in a table that is a part's own. */
static bool
part_takes(struct fabric_switch *sw, const struct ofputil_flow_stats *fs)
{
    const struct switch_part_class *part;
    void *state;

    SWITCH_FOR_EACH_PART (part, state, sw) {
        if (part->audit_flow && part->audit_flow(sw, state, fs)) {
            return true;
        }
    }
    return false;
}

static void
flow_cb(void *a_, const struct ofputil_flow_stats *fs,
        const void *instructions, size_t instructions_size)
{
    struct audit *a = a_;
    const struct fabric_host *host = a->sw->host;
    const struct flow_item *wanted;

    if (marker_is(fs)) {
        a->marker = ntohll(fs->cookie);
        return;
    }
    if (fs->table_id == SAMPLE_TABLE || part_takes(a->sw, fs)) {
        return;
    }
    a->result.flows++;
    wanted = engine_find_flow(host->fabric->engine, host->name, fs->table_id,
                              fs->priority, &fs->match);
    if (wanted && flow_stats_equal(fs, instructions, instructions_size,
                                   wanted)) {
        installed_set_add(&a->right, wanted);
        return;
    }
    ofdump_charge(a->dump, flow_record_size(instructions_size));
    if (a->n_odd_flows >= a->allocated_odd_flows) {
        a->odd_flows = x2nrealloc(a->odd_flows, &a->allocated_odd_flows,
                                  sizeof *a->odd_flows);
    }
    a->odd_flows[a->n_odd_flows++] = flow_record_create(fs, instructions,
                                                        instructions_size);
}

static void
group_cb(void *a_, const struct ofputil_group_desc *gd)
{
    struct audit *a = a_;
    const struct fabric_host *host = a->sw->host;
    struct group_record *group = group_record_create(gd);
    const struct flow_item *wanted;

    a->result.groups++;
    wanted = engine_find_group(host->fabric->engine, host->name,
                               gd->group_id);
    if (wanted && group_record_equals(group, wanted)) {
        installed_set_add(&a->right, wanted);
        group_record_destroy(group);
        return;
    }
    ofdump_charge(a->dump, group_record_size(gd));
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
        bool too_much = ofdump_is_too_much(a->dump);
        struct fabric_switch *sw = a->sw;

        stop(sw, reason);
        if (too_much) {
            switch_over_budget(sw, reason);
        }
        free(reason);
    } else {
        a->settling = true;
        commit_when_quiescent(a->sw->host->fabric->commit, compare_cb, a->sw);
    }
}

static const struct ofdump_callbacks dump_callbacks = {
    .raw = raw_cb,
    .flow = flow_cb,
    .group = group_cb,
    .done = done_cb,
};

bool
audit_is_running(const struct fabric_switch *sw)
{
    return audits_of(sw)->running != NULL;
}

const struct status_audit *
audit_last(const struct fabric_switch *sw)
{
    return &audits_of(sw)->last;
}

/* Comparing.  ------------------------------------------------------------ */

/* True if a flow that nobody wants may be one that was withdrawn just now. */
static bool
may_be_withdrawn(const struct audit *a, const struct flow_record *flow)
{
    const struct backlog_entry *entry;

    HMAP_FOR_EACH (entry, node, &a->touched.entries) {
        if (entry->sent && entry->key->kind == FLOW_ITEM_FLOW
            && entry->key->table == flow->table
            && entry->key->priority == flow->priority
            && entry->sent->cookie == flow->cookie) {
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
        if (entry->sent && entry->key->kind == FLOW_ITEM_GROUP
            && entry->key->group_id == group_id) {
            return true;
        }
    }
    return false;
}

/* A wanted item is not, or not like that, on the switch. */
static void
judge_wanted(struct audit *a, const struct flow_item *wanted,
             const struct flow_record *flow, const struct group_record *group)
{
    bool there = flow || group;

    if (backlog_contains(&a->touched, wanted)) {
        a->result.skipped++;  /* It may be on its way. */
    } else if (switch_has_rejected(a->sw, wanted->xid)) {
        a->result.rejected++;
        report_difference(a, DIFFERENCE_REFUSED, wanted, flow, group);
    } else if (there) {
        a->result.altered++;
        report_difference(a, DIFFERENCE_ALTERED, wanted, flow, group);
    } else {
        a->result.missing++;
        report_difference(a, DIFFERENCE_MISSING, wanted, NULL, NULL);
    }
    if (there) {
        installed_set_add(&a->right, wanted); /* It is not missing. */
    }
}

static void
judge_flow(struct audit *a, const struct flow_record *flow)
{
    const struct fabric_host *host = a->sw->host;
    const struct flow_item *wanted;
    struct match match;

    minimatch_expand(&flow->match, &match);
    wanted = engine_find_flow(host->fabric->engine, host->name, flow->table,
                              flow->priority, &match);
    if (wanted && flow_record_equals(flow, wanted)) {
        installed_set_add(&a->right, wanted);
    } else if (wanted) {
        judge_wanted(a, wanted, flow, NULL);
    } else if (may_be_withdrawn(a, flow)) {
        a->result.skipped++;
    } else {
        a->result.unknown++;
        report_difference(a, DIFFERENCE_UNKNOWN, NULL, flow, NULL);
    }
}

static void
judge_group(struct audit *a, const struct group_record *group)
{
    const struct fabric_host *host = a->sw->host;
    uint32_t id = group->desc.group_id;
    const struct flow_item *wanted;

    wanted = engine_find_group(host->fabric->engine, host->name, id);
    if (wanted && group_record_equals(group, wanted)) {
        installed_set_add(&a->right, wanted);
    } else if (wanted) {
        judge_wanted(a, wanted, NULL, group);
    } else if (group_may_be_withdrawn(a, id)) {
        a->result.skipped++;
    } else {
        a->result.unknown++;
        report_difference(a, DIFFERENCE_UNKNOWN, NULL, NULL, group);
    }
}

static void
wanted_cb(void *a_, const struct flow_item *item)
{
    struct audit *a = a_;

    a->n_wanted++;
    if (!installed_set_contains(&a->right, item)) {
        judge_wanted(a, item, NULL, NULL);
    }
}

/* The marker is no flow of an app: it is vmnd's own, and only its cookie
 * counts. */
static void
judge_marker(struct audit *a)
{
    const struct fabric_switch *sw = a->sw;

    if (backlog_is_empty(&a->touched)
        && a->marker != switch_marker(sw)) {
        a->result.altered++;
        audit_result_count(&a->result, "vmnd", DIFFERENCE_ALTERED, 1);
        audit_result_add(&a->result, xstrdup("altered: the marker"));
        list_own(a, DIFFERENCE_ALTERED, MARKER_TABLE);
    }
}

static void
report_own(struct audit *a, enum difference_kind kind, uint8_t table,
           const char *what, size_t n)
{
    if (!n) {
        return;
    }
    audit_result_count(&a->result, "vmnd", kind, n);
    audit_result_add(&a->result, xasprintf("%s: %"PRIuSIZE" %s, table %u",
                                           difference_kind_name(kind), n,
                                           what, table));
    for (size_t i = 0; a->listing && i < n; i++) {
        list_own(a, kind, table);
    }
}

/* For switch_part_class's audit_compare(). */
static void
own_cb(void *a_, uint8_t table, const char *what, size_t n_missing,
       size_t n_unknown)
{
    struct audit *a = a_;

    report_own(a, DIFFERENCE_MISSING, table, what, n_missing);
    report_own(a, DIFFERENCE_UNKNOWN, table, what, n_unknown);
    a->result.missing += n_missing;
    a->result.unknown += n_unknown;
}

/* An audit's result is kept, counted and said. */
static void
report(struct audit *a)
{
    struct fabric_switch *sw = a->sw;
    struct fabric *f = sw->host->fabric;
    struct audits *audits = audits_of(sw);
    struct status_audit *r = &a->result;
    uint64_t n_lost = r->missing + r->altered;

    f->stats.n_audits++;
    f->stats.n_audit_missing += r->missing;
    f->stats.n_audit_altered += r->altered;
    f->stats.n_audit_unknown += r->unknown;
    audit_result_add_owners(&f->audited, r);
    audit_result_uninit(&audits->last);
    audits->last = *r;
    a->kept = true;
    if (n_lost > ALARM_MIN && n_lost * 100 / a->n_wanted > f->audit_alarm) {
        VLOG_ERR("%s: %"PRIu64" of %"PRIuSIZE" flows and groups were lost "
                 "or changed by somebody else; they are put back",
                 sw->host->name, n_lost, a->n_wanted);
    } else if (n_lost || r->unknown) {
        VLOG_WARN("%s: audit: %"PRIu64" missing, %"PRIu64" altered, "
                  "%"PRIu64" not wanted; they are repaired", sw->host->name,
                  r->missing, r->altered, r->unknown);
    }
    if (n_lost || r->unknown) {
        FABRIC_NOTIFY(f, audited, (aux, sw->host->name, r->missing,
                                   r->altered, r->unknown))
    }
}

/* The state is settled, and all has been read. */
static void
compare_cb(void *sw_)
{
    struct fabric_switch *sw = sw_;
    const struct engine *engine = sw->host->fabric->engine;
    struct audit *a = audits_of(sw)->running;
    bool repair, repair_own;

    for (size_t i = 0; i < a->n_odd_flows; i++) {
        judge_flow(a, a->odd_flows[i]);
    }
    for (size_t i = 0; i < a->n_odd_groups; i++) {
        judge_group(a, a->odd_groups[i]);
    }
    if (a->n_odd_flows || a->n_odd_groups
        || !installed_set_is_all(
            &a->right, engine_host_digest(engine, sw->host->name))) {
        engine_host_items(engine, sw->host->name, wanted_cb, a);
    }
    judge_marker(a);
    repair = a->repair && (a->result.missing || a->result.altered
                           || a->result.unknown);
    /* Parts repair their own flows: not a reason to reconcile. */
    SWITCH_CALL_PARTS(sw, audit_compare, own_cb, a);
    repair_own = a->repair;
    a->result.time = time_wall_msec();
    if (a->repair) {
        report(a);
    }
    stop(sw, NULL);
    if (repair_own) {
        SWITCH_CALL_PARTS(sw, audit_repair);
    }
    if (repair) {
        reconcile_start(sw);
    }
}

/* Coming and going.  ----------------------------------------------------- */

static void
audit_start(struct fabric_switch *sw,
            const struct fabric_audit_request *request, fabric_audit_cb *cb,
            void *aux)
{
    struct ofdump_budget budget = switch_budget_of_dump(sw);
    struct audit *a = xzalloc(sizeof *a);

    a->sw = sw;
    a->repair = !request || request->repair;
    if (request) {
        a->listing = true;
        a->request = *request;
        a->request.filter.app = nullable_xstrdup(request->filter.app);
        a->request.filter.object = nullable_xstrdup(request->filter.object);
    }
    a->cb = cb;
    a->aux = aux;
    arena_init(&a->arena);
    installed_set_init(&a->right);
    backlog_init(&a->touched);
    SWITCH_CALL_PARTS(sw, audit_begin);
    audits_of(sw)->running = a;
    sw->bundles.touched = &a->touched;
    switch_expect(sw);
    a->dump = ofdump_create(sw->conn, &budget, &dump_callbacks, a);
}

/* Ends the audit, if any, for 'reason'; NULL if it is complete. */
static void
stop(struct fabric_switch *sw, const char *reason)
{
    struct audit *a = audits_of(sw)->running;

    if (!a) {
        return;
    }
    audits_of(sw)->running = NULL;
    sw->bundles.touched = NULL;
    commit_cancel_when_quiescent(sw->host->fabric->commit, compare_cb, sw);
    if (a->cb) {
        const struct fabric_audit_result result = {
            .host = sw->host->name, .repairing = a->repair, .found = a->result,
            .n_differences = a->n_list, .differences = a->list,
            .matching = a->n_matching,
        };

        a->cb(a->aux, reason ? NULL : &result, reason);
    }
    ofdump_destroy(a->dump);
    installed_set_uninit(&a->right);
    for (size_t i = 0; i < a->n_odd_flows; i++) {
        flow_record_destroy(a->odd_flows[i]);
    }
    for (size_t i = 0; i < a->n_odd_groups; i++) {
        group_record_destroy(a->odd_groups[i]);
    }
    free(a->odd_flows);
    free(a->odd_groups);
    backlog_uninit(&a->touched);
    if (!a->kept) {
        audit_result_uninit(&a->result);
    }
    arena_uninit(&a->arena);
    free(a->list);
    free(CONST_CAST(char *, a->request.filter.app));
    free(CONST_CAST(char *, a->request.filter.object));
    free(a);
}

/* Whether 'sw' can be audited now: it got all that it is to have, though it
 * may not have acknowledged all, since it answers in order. */
static bool
is_ready(const struct fabric_switch *sw)
{
    return (sw->state == SWITCH_LIVE && !sw->bundles.frozen
            && !audit_is_running(sw)
            && backlog_is_empty(&sw->bundles.backlog));
}

const char *
fabric_audit(struct fabric *f, const char *name,
             const struct fabric_audit_request *request, fabric_audit_cb *cb,
             void *aux)
{
    struct fabric_host *host = fabric_find_host(f, name);

    if (!host) {
        return "there is no such host";
    } else if (!is_ready(host->sw)) {
        return (!host->sw->conn ? "its switch is not connected"
                : audit_is_running(host->sw) ? "it is being read already"
                : "it does not hold what it is to hold yet");
    }
    audit_start(host->sw, request, cb, aux);
    return NULL;
}

void
fabric_audit_forget(struct fabric *f, fabric_audit_cb *cb, void *aux)
{
    struct fabric_host *host;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        struct audit *a = audits_of(host->sw)->running;

        if (a && a->cb == cb && a->aux == aux) {
            a->cb = NULL;
        }
    }
}

const struct status_audit *
fabric_audited(const struct fabric *f)
{
    return &f->audited;
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
        struct audits *audits = audits_of(sw);

        if (!audits->due_ms) {
            /* Spread evenly, and from start to start. */
            audits->due_ms = now + hash_string(host->name, 0) % interval_ms;
        }
        if (is_ready(sw) && audits->due_ms <= now
            && (!next || audits->due_ms < audits_of(next)->due_ms)) {
            next = sw;
        }
    }
    if (next) {
        audits_of(next)->due_ms = now + interval_ms;
        audit_start(next, NULL, NULL, NULL);
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
    audit_result_uninit(&f->audited);
}

/* As a part of the session.  --------------------------------------------- */

static void
reset(struct fabric_switch *sw, void *state OVS_UNUSED, const char *reason)
{
    stop(sw, reason);
}

static void
disconnected(struct fabric_switch *sw, void *state OVS_UNUSED)
{
    stop(sw, "its switch is gone");
}

static void
destroy(struct fabric_switch *sw OVS_UNUSED, void *audits_)
{
    struct audits *audits = audits_;

    audit_result_uninit(&audits->last);
}

static enum switch_message
message(struct fabric_switch *sw OVS_UNUSED, void *audits_, enum ofptype type,
        const struct ofp_header *oh)
{
    struct audits *audits = audits_;

    return (audits->running && ofdump_message(audits->running->dump, type, oh)
            ? SWITCH_MESSAGE_ANSWER : SWITCH_MESSAGE_OTHER);
}

static bool
is_owed(const struct fabric_switch *sw OVS_UNUSED, const void *audits_)
{
    const struct audits *audits = audits_;

    return audits->running && !audits->running->settling;
}

static void
put_status(const struct fabric_switch *sw OVS_UNUSED, const void *audits_,
           struct arena *arena OVS_UNUSED, struct status_host *status)
{
    const struct audits *audits = audits_;

    status->audit = audits->last.time ? &audits->last : NULL;
}

const struct switch_part_class audit_part = {
    .name = "audit",
    .state_size = sizeof(struct audits),
    .reset = reset,
    .disconnected = disconnected,
    .destroy = destroy,
    .message = message,
    .is_owed = is_owed,
    .put_status = put_status,
};
