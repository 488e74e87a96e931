/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit of a host: reads its switch; see audit.h.  The host stays live
 * meanwhile, and gets its bundles.  Each record of the dump is compared as it
 * is received, and only those that differ are kept, for the comparison when
 * the state is quiescent (audit-compare.c). */

#include <config.h>

#include "controller/fabric/session/audit.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "controller/commit/commit.h"
#include "controller/fabric/fabric-audit.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/audit-private.h"
#include "controller/fabric/session/audit-result.h"
#include "controller/fabric/session/flow-format.h"
#include "controller/fabric/session/host-openflow-state.h"
#include "controller/fabric/session/installed-set.h"
#include "controller/fabric/session/marker.h"
#include "controller/fabric/session/reconcile.h"
#include "controller/fabric/session/reported-flows.h"
#include "controller/fabric/session/switch-budget.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/learn-action.h"
#include "controller/schema/arena.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofdump.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(audit);

/* Losses below this number of flows never raise the alarm. */
#define ALARM_MIN 1000

struct audits *
audits_of(const struct fabric_switch *sw)
{
    return switch_part_state(sw, &audit_part);
}

static void stop(struct fabric_switch *, const char *reason);
static void compare_cb(void *sw);

/* Reading.  -------------------------------------------------------------- */

static bool
raw_cb(void *a_, const struct ofdump_raw *raw)
{
    struct audit *a = a_;
    const struct fabric_host *host = a->sw->host;
    const struct flow_item *desired;

    if (learn_is_table(raw->desc->table_id)) {
        ofdump_exempt(a->dump);
        return true;
    }
    desired = flow_record_find(host->fabric->engine, host->name, raw);
    if (desired) {
        a->result.flows++;
        installed_set_add(&a->right, desired);
    }
    return desired != NULL;
}

/* Returns true if the flow is in a table that belongs to a part of the
 * session. */
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
    const struct flow_item *desired;

    if (marker_is(fs)) {
        a->marker = ntohll(fs->cookie);
        return;
    }
    if (marker_is_note(fs)) {
        a->noted = true;
        return;
    }
    if (part_takes(a->sw, fs)) {
        return;
    }
    a->result.flows++;
    desired = flow_stats_find(host->fabric->engine, host->name, fs,
                              instructions, instructions_size);
    if (desired) {
        installed_set_add(&a->right, desired);
        return;
    }
    ofdump_charge(a->dump, flow_record_size(instructions_size));
    flow_records_add(&a->odd_flows, fs, instructions, instructions_size);
}

static void
group_cb(void *a_, const struct ofputil_group_desc *gd)
{
    struct audit *a = a_;
    const struct fabric_host *host = a->sw->host;
    struct group_record *group = group_record_create(gd);
    const struct flow_item *desired;

    a->result.groups++;
    desired = engine_find_group(host->fabric->engine, host->name,
                                gd->group_id);
    if (desired && group_record_equals(group, desired)) {
        installed_set_add(&a->right, desired);
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

/* The result.  ----------------------------------------------------------- */

/* Stores the result of an audit, counts and logs it. */
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
    if (n_lost > ALARM_MIN && n_lost * 100 / a->n_desired > f->audit_alarm) {
        VLOG_ERR("%s: %"PRIu64" of %"PRIuSIZE" flows and groups were lost "
                 "or changed by somebody else; they are reinstalled",
                 sw->host->name, n_lost, a->n_desired);
    } else if (n_lost || r->unknown) {
        VLOG_WARN("%s: audit: %"PRIu64" missing, %"PRIu64" altered, "
                  "%"PRIu64" not desired; they are repaired", sw->host->name,
                  r->missing, r->altered, r->unknown);
    }
    if (n_lost || r->unknown) {
        FABRIC_NOTIFY(f, audited, (aux, sw->host->name, r->missing,
                                   r->altered, r->unknown))
    }
}

/* Completes the audit: all has been read, and the state is quiescent. */
static void
compare_cb(void *sw_)
{
    struct fabric_switch *sw = sw_;
    struct audit *a = audits_of(sw)->running;
    bool repair, repair_own;

    repair = audit_compare(a) && a->repair;
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

void
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
    flow_records_uninit(&a->odd_flows);
    for (size_t i = 0; i < a->n_odd_groups; i++) {
        group_record_destroy(a->odd_groups[i]);
    }
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

bool
audit_is_possible(const struct fabric_switch *sw)
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
    } else if (!audit_is_possible(host->sw)) {
        return (!host->sw->conn ? "its switch is not connected"
                : host->sw->state == SWITCH_OBSERVED
                ? "this member of the cluster is a standby"
                : audit_is_running(host->sw) ? "an audit of it is in progress"
                : "its desired flows are not installed yet");
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

/* As a part of the session.  --------------------------------------------- */

static void
reset(struct fabric_switch *sw, void *state OVS_UNUSED, const char *reason)
{
    stop(sw, reason);
}

static void
disconnected(struct fabric_switch *sw, void *state OVS_UNUSED)
{
    stop(sw, "its switch has disconnected");
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

/* What an audit found is repaired by reconciling, until when the host is not
 * synced. */
static void
put_status(const struct fabric_switch *sw, const void *audits_,
           struct arena *arena, struct status_host *status)
{
    const struct audits *audits = audits_;
    const struct status_audit *last = &audits->last;

    if (last->time) {
        struct status_audit *shown = arena_alloc(arena, sizeof *shown);
        const char *reason;

        *shown = *last;
        shown->repaired = ((last->missing || last->altered || last->unknown)
                           && !strcmp(host_openflow_state_name(sw, &reason),
                                      "synced"));
        status->audit = shown;
    }
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
