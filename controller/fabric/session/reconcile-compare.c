/* SPDX-License-Identifier: Apache-2.0
 *
 * Compares what a reconciling has read of a switch with the desired state,
 * while the state is quiescent: missing and different items are added, unknown
 * ones are deleted.  It yields: the state stays quiescent then, but the switch
 * may disconnect. */

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>

#include "controller/commit/commit.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/dependency-filter.h"
#include "controller/fabric/session/flow-format.h"
#include "controller/fabric/session/marker.h"
#include "controller/fabric/session/reconcile-private.h"
#include "controller/fabric/session/reported-flows.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/punt-action.h"
#include "controller/flow/sample-action.h"
#include "controller/flow/trace-copy.h"
#include "hmapx.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofdump.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(reconcile_compare);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(20, 60);

bool
reconcile_pause(struct reconcile *r)
{
    if (r->comparing) {
        commit_yield(r->commit);
    }
    return r->sw != NULL;
}

void
reconcile_forget_seen(struct reconcile *r)
{
    installed_set_uninit(&r->right);
    r->n_held = 0;
    while (r->flows.n) {
        flow_records_drop_last(&r->flows);
        reconcile_pause(r);
    }
    flow_records_uninit(&r->flows);
    while (r->n_groups) {
        group_record_destroy(r->groups[--r->n_groups]);
    }
    free(r->groups);
    r->groups = NULL;
    r->allocated_groups = 0;
    ofdump_destroy(r->dump);
    r->dump = NULL;
}

/* Comparing.  ------------------------------------------------------------ */

struct compare {
    struct reconcile *r;
    size_t n_right;             /* Number in r->right that are desired. */
    struct hmapx replacing;     /* Items whose keys are installed with other
                                 * contents. */
    struct dependency_filter filter;
};

static bool
compare_flows(struct compare *c)
{
    struct reconcile *r = c->r;
    const struct fabric_host *host = r->sw->host;

    for (size_t i = 0; i < r->flows.n && reconcile_pause(r); i++) {
        const struct flow_record *flow = r->flows.records[i];
        const struct flow_item *desired;
        struct match match;

        minimatch_expand(&flow->match, &match);
        desired = engine_find_flow(host->fabric->engine, host->name,
                                   flow->table, flow->priority, &match);
        if (!desired && trace_copy_is_flow(flow->cookie, flow->priority,
                                           flow->hard_timeout, &match)) {
            continue;           /* Its trace deletes it, or the switch. */
        }
        if (!desired && engine_keeps_flow(host->fabric->engine, flow->table,
                                          flow->cookie)) {
            r->n_kept++;
        } else if (!desired) {
            flow_record_append_delete(flow, ofconn_next_xid(r->sw->conn),
                                      &r->flow_deletes);
            r->n_deletes++;
        } else if (flow_record_equals(flow, desired)) {
            installed_set_add(&r->right, desired);
        } else {
            hmapx_add(&c->replacing, CONST_CAST(struct flow_item *,
                                                desired));
        }
    }
    return r->sw != NULL;
}

static void
compare_groups(struct compare *c)
{
    struct reconcile *r = c->r;
    const struct fabric_host *host = r->sw->host;

    for (size_t i = 0; i < r->n_groups; i++) {
        const struct group_record *group = r->groups[i];
        const struct flow_item *desired;

        desired = engine_find_group(host->fabric->engine, host->name,
                                    group->desc.group_id);
        if (!desired && engine_keeps_group(host->fabric->engine,
                                           group->desc.group_id)) {
            r->n_kept++;
        } else if (!desired) {
            group_record_append_delete(group, ofconn_next_xid(r->sw->conn),
                                       &r->group_deletes);
            r->n_deletes++;
        } else if (group_record_equals(group, desired)) {
            installed_set_add(&r->right, desired);
        }
    }
}

static void
desired_cb(void *c_, const struct flow_item *item)
{
    struct compare *c = c_;
    struct reconcile *r = c->r;

    if (!reconcile_pause(r)) {
        return;
    } else if (installed_set_contains(&r->right, item)) {
        c->n_right++;
        return;
    } else if (!dependency_filter_passes(
            &c->filter, item, hmapx_contains(&c->replacing, item))) {
        return;
    }
    if (r->n_items >= r->allocated_items) {
        r->items = x2nrealloc(r->items, &r->allocated_items,
                              sizeof *r->items);
    }
    r->items[r->n_items++] = flow_item_ref(item);
    if (VLOG_IS_DBG_ENABLED()) {
        char *text = item_describe(r->sw->host->fabric->engine, item);

        VLOG_DBG("%s: adds %s", r->sw->host->name, text);
        free(text);
    }
}

/* Deletes items that were desired when they were read and are no longer.
 * Returns false if it was stopped while yielding. */
static bool
delete_outdated(struct compare *c)
{
    struct reconcile *r = c->r;
    const struct fabric_host *host = r->sw->host;

    for (size_t i = 0; i < r->right.n && reconcile_pause(r); i++) {
        const struct flow_item *item = r->right.items[i];

        if (!ofmessage_find_desired(host->fabric->engine, host->name, item)) {
            flow_item_put_delete(item, item->kind == FLOW_ITEM_FLOW
                                 ? &r->flow_deletes : &r->group_deletes);
            r->n_deletes++;
        }
    }
    return r->sw != NULL;
}

/* Deletes all flows and groups except those that the fabric adds outside of
 * reconciling; learned ones too, for they may be what exceeds the budget.
 * Groups are deleted before desired ones are added. */
static void
delete_all(struct reconcile *r)
{
    struct ofconn *conn = r->sw->conn;

    for (int table = 0; table <= MARKER_TABLE; table++) {
        if (table != SAMPLE_TABLE && !punt_is_table(table)) {
            ofmessage_append_delete_table(table, ofconn_next_xid(conn),
                                          &r->flow_deletes);
            r->n_deletes++;
        }
    }
    ofmessage_append_delete_groups(ofconn_next_xid(conn), &r->flow_deletes);
    r->n_deletes++;
}

/* Computes the difference.  Returns false if it was stopped while yielding. */
static bool
find_difference(struct reconcile *r)
{
    struct fabric_switch *sw = r->sw;
    const struct engine *engine = sw->host->fabric->engine;
    const char *name = sw->host->name;
    struct compare c = { .r = r };
    bool on;

    rejected_items_prune(sw);
    hmapx_init(&c.replacing);
    dependency_filter_init(&c.filter, sw);
    if (r->anew) {
        delete_all(r);
    }
    on = compare_flows(&c);
    if (on) {
        compare_groups(&c);
        r->digest = engine_host_digest(engine, name);
        if (!installed_set_is_all(&r->right, r->digest)) {
            engine_host_items(engine, name, desired_cb, &c);
            on = r->sw && (c.n_right >= r->right.n || delete_outdated(&c));
        }
    }
    dependency_filter_uninit(&c.filter);
    hmapx_destroy(&c.replacing);
    return on;
}

/* Stores and logs the result, which took 'us' microseconds. */
static void
record_difference(struct reconcile *r, long long int us)
{
    struct fabric_switch *sw = r->sw;

    if (sw->bundles.digest_known && sw->bundles.digest != r->digest) {
        VLOG_ERR_RL(&rl, "%s: the fingerprint in its marker was wrong; it is "
                         "corrected", sw->host->name);
    }
    sw->bundles.digest = r->digest;
    sw->bundles.digest_known = true;
    r->revision = sw->host->fabric->last_revision;
    VLOG_INFO_RL(&rl, "%s: %"PRIuSIZE" flows and groups are installed; "
                      "%"PRIuSIZE" to add or change, %"PRIuSIZE" to delete, "
                      "%"PRIuSIZE" kept for apps that failed "
                      "(compared in %lld us)",
                 sw->host->name, r->n_held, r->n_items,
                 r->n_deletes, r->n_kept, us);
}

bool
reconcile_compare(struct reconcile *r)
{
    long long int start_us = time_usec();

    if (!find_difference(r)) {
        return false;
    }
    record_difference(r, time_usec() - start_us);
    reconcile_forget_seen(r);
    if (!r->sw || !reconcile_needs_bundle(r)) {
        return r->sw != NULL;
    }
    r->sw->state = SWITCH_CHECKING;
    r->settling = false;
    switch_expect(r->sw);
    return reconcile_send(r);
}
