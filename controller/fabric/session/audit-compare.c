/* SPDX-License-Identifier: Apache-2.0
 *
 * Compares what an audit has read of a switch with the desired state, and
 * reports the differences.  All keys that were touched since the audit began
 * are skipped: what the switch reported of these may be older or newer than
 * the desired state, and has just been sent anyway. */

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/audit-private.h"
#include "controller/fabric/session/audit-result.h"
#include "controller/fabric/session/marker.h"
#include "controller/fabric/session/reported-flows.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(audit_compare);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(60, 60);

/* Reports.  -------------------------------------------------------------- */

/* Returns the owner of a difference: an app's name, or "unknown".  The caller
 * frees it. */
static char *
owner_kind(const struct engine *engine, const struct difference *d)
{
    const char *owner = difference_owner(engine, d);

    return owner ? xmemdup0(owner, strcspn(owner, ".")) : xstrdup("unknown");
}

/* Logs a difference, and adds the first ones to the result. */
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

/* Returns room for one more difference in the list; NULL if its limit is
 * reached. */
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
                  const struct flow_item *desired,
                  const struct flow_record *flow,
                  const struct group_record *group)
{
    const struct engine *engine = a->sw->host->fabric->engine;
    const struct difference d = { kind, desired, flow, group };
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

/* Comparing.  ------------------------------------------------------------ */

/* Returns true if a flow that is not desired may have just been withdrawn. */
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

/* Reports a desired item that is missing, or altered, on the switch. */
static void
judge_desired(struct audit *a, const struct flow_item *desired,
              const struct flow_record *flow, const struct group_record *group)
{
    bool there = flow || group;

    if (backlog_contains(&a->touched, desired)) {
        a->result.skipped++;  /* It may be on its way. */
    } else if (switch_has_rejected(a->sw, desired->xid)) {
        a->result.rejected++;
        report_difference(a, DIFFERENCE_REFUSED, desired, flow, group);
    } else if (there) {
        a->result.altered++;
        report_difference(a, DIFFERENCE_ALTERED, desired, flow, group);
    } else {
        a->result.missing++;
        report_difference(a, DIFFERENCE_MISSING, desired, NULL, NULL);
    }
    if (there) {
        installed_set_add(&a->right, desired); /* It is not missing. */
    }
}

static void
judge_flow(struct audit *a, const struct flow_record *flow)
{
    const struct fabric_host *host = a->sw->host;
    const struct flow_item *desired;
    struct match match;

    minimatch_expand(&flow->match, &match);
    desired = engine_find_flow(host->fabric->engine, host->name, flow->table,
                               flow->priority, &match);
    if (desired && flow_record_equals(flow, desired)) {
        installed_set_add(&a->right, desired);
    } else if (desired) {
        judge_desired(a, desired, flow, NULL);
    } else if (may_be_withdrawn(a, flow)) {
        a->result.skipped++;
    } else if (engine_keeps_flow(host->fabric->engine, flow->table,
                                 flow->cookie)) {
        a->n_kept++;
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
    const struct flow_item *desired;

    desired = engine_find_group(host->fabric->engine, host->name, id);
    if (desired && group_record_equals(group, desired)) {
        installed_set_add(&a->right, desired);
    } else if (desired) {
        judge_desired(a, desired, NULL, group);
    } else if (group_may_be_withdrawn(a, id)) {
        a->result.skipped++;
    } else if (engine_keeps_group(host->fabric->engine, id)) {
        a->n_kept++;
    } else {
        a->result.unknown++;
        report_difference(a, DIFFERENCE_UNKNOWN, NULL, NULL, group);
    }
}

static void
desired_cb(void *a_, const struct flow_item *item)
{
    struct audit *a = a_;

    a->n_desired++;
    if (!installed_set_contains(&a->right, item)) {
        judge_desired(a, item, NULL, NULL);
    }
}

/* Reports that vmnd's own flow 'what' differs. */
static void
report_marker(struct audit *a, const char *what)
{
    a->result.altered++;
    audit_result_count(&a->result, "vmnd", DIFFERENCE_ALTERED, 1);
    audit_result_add(&a->result, xasprintf("altered: %s", what));
    list_own(a, DIFFERENCE_ALTERED, MARKER_TABLE);
}

/* Compares the marker, of which only the cookie counts, and its note. */
static void
judge_marker(struct audit *a)
{
    const struct fabric_switch *sw = a->sw;

    if (backlog_is_empty(&a->touched)
        && a->marker != switch_marker(sw)) {
        report_marker(a, "the marker");
    }
    if (!sw->bundles.unmarkable && a->noted != (a->n_kept > 0)) {
        report_marker(a, "the marker's note");
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

bool
audit_compare(struct audit *a)
{
    struct fabric_switch *sw = a->sw;
    const struct fabric_host *host = sw->host;
    const struct engine *engine = host->fabric->engine;
    bool differs;

    for (size_t i = 0; i < a->odd_flows.n; i++) {
        judge_flow(a, a->odd_flows.records[i]);
    }
    for (size_t i = 0; i < a->n_odd_groups; i++) {
        judge_group(a, a->odd_groups[i]);
    }
    if (a->odd_flows.n || a->n_odd_groups
        || !installed_set_is_all(
            &a->right, engine_host_digest(engine, host->name))) {
        engine_host_items(engine, host->name, desired_cb, a);
    }
    judge_marker(a);
    differs = a->result.missing || a->result.altered || a->result.unknown;
    SWITCH_CALL_PARTS(sw, audit_compare, own_cb, a);
    return differs;
}
