/* SPDX-License-Identifier: Apache-2.0
 *
 * Brings a switch to hold what it is to hold: reads its flows and groups,
 * compares at a settled moment, and sends the difference as one bundle.  What
 * is right stays untouched, with its counters and its age.
 *
 * Only a switch that holds more than may be read of it (switch-budget.c) is
 * installed anew, once in a while: one bundle deletes all and adds what is
 * wanted.  So a host converges also if it comes back with very much that was
 * wanted once.
 *
 * A switch that has just connected is asked for its marker alone (marker.h):
 * if that says that all is as it is to be, nothing else is read.
 *
 * While the dump is read nothing is sent, so that it is still true when it is
 * compared.  What is right is recognized as it comes, and not kept; it is
 * looked at again if it is no longer wanted at that moment.  What comes up
 * afterwards is merged, and sent when the switch has taken the difference
 * (backlog.h).
 *
 * The difference is checked before it is committed: a barrier follows the
 * messages, and if any of them was refused the bundle is dropped and made
 * again without those.  So the commit never applies half of what was meant.
 * In it flows are deleted first, where a live bundle adds first: a table may
 * have no room for both.  Packets see all of a bundle or nothing. */

#include <config.h>

#include "controller/fabric/session/reconcile.h"

#include <errno.h>
#include <stdlib.h>

#include "byte-order.h"
#include "controller/commit/commit.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/dependency-filter.h"
#include "controller/fabric/session/flow-format.h"
#include "controller/fabric/session/installed-set.h"
#include "controller/fabric/session/marker.h"
#include "controller/fabric/session/openflow-message.h"
#include "controller/fabric/session/switch-budget.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/learn-action.h"
#include "controller/flow/punt-action.h"
#include "controller/flow/sample-action.h"
#include "hmapx.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofdump.h"
#include "proto/openflow/ofmsg.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(reconcile);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(20, 60);

/* Bytes that are gathered before they are queued. */
#define GATHER_SIZE (32 * 1024)
/* Flows that may be in the marker's table, though others' have no business
 * there. */
#define MARKER_FLOWS_MAX 4096

struct reconcile {
    struct fabric_switch *sw;   /* NULL: it was stopped while 'comparing', and
                                 * compare_cb() frees it. */
    struct commit *commit;
    bool comparing;             /* From a settled moment on until all is sent,
                                 * with pauses. */

    /* What the switch holds. */
    bool only_marker;           /* Only for the marker's table. */
    bool settling;              /* All is read; waits for a settled moment. */
    bool anew;                  /* It was too much: all is deleted first. */
    struct ofdump *dump;
    int64_t began_ms;           /* time_msec(). */
    uint64_t marker;            /* Its cookie, or MARKER_NONE. */
    struct installed_set right; /* As they should be when they were read. */
    size_t n_held;              /* Flows and groups. */
    size_t n_flows, allocated_flows; /* Others. */
    struct flow_record **flows;
    size_t n_groups, allocated_groups;
    struct group_record **groups;

    /* The difference, from the settled moment on. */
    uint64_t revision;
    size_t n_items, allocated_items;
    struct flow_item **items; /* To add, groups first.  Counted. */
    struct ofpbuf flow_deletes, group_deletes; /* Messages. */
    size_t n_deletes;
    uint64_t digest;            /* Of all that is wanted at that moment. */
    uint32_t open_xid, barrier_xid;
    uint32_t marker_xid;        /* 0: none is sent. */
    bool marker_refused;        /* In this try. */
    size_t n_refused;           /* In this try. */
    size_t size;                /* Bytes sent, in this try. */
};

/* What the session keeps of a switch is the reconciling that is running, or
 * NULL. */
static struct reconcile **
running(const struct fabric_switch *sw)
{
    return switch_part_state(sw, &reconcile_part);
}

static void answer_cb(void *sw);
static void compare_cb(void *sw);
static void forget_seen(struct reconcile *);

/* Lets others have their turn, if this is a comparison.  False if it was
 * stopped meanwhile: 'r' is still there, but has no switch any more. */
static bool
pause_if_comparing(struct reconcile *r)
{
    if (r->comparing) {
        commit_yield(r->commit);
    }
    return r->sw != NULL;
}

/* Reading.  -------------------------------------------------------------- */

static bool
raw_cb(void *r_, const struct ofdump_raw *raw)
{
    struct reconcile *r = r_;
    const struct fabric_host *host = r->sw->host;
    const struct flow_item *wanted;

    if (learn_is_table(raw->desc->table_id)) {
        ofdump_exempt(r->dump);
        return true;
    }
    wanted = flow_record_find(host->fabric->engine, host->name, raw);
    if (wanted) {
        r->n_held++;
        installed_set_add(&r->right, wanted);
    }
    return wanted != NULL;
}

static void
flow_cb(void *r_, const struct ofputil_flow_stats *fs,
        const void *instructions, size_t instructions_size)
{
    struct reconcile *r = r_;
    const struct fabric_host *host = r->sw->host;
    const struct flow_item *wanted;

    if (marker_is(fs)) {
        r->marker = ntohll(fs->cookie);
        return;
    }
    if (fs->table_id == SAMPLE_TABLE || punt_is_table(fs->table_id)) {
        return;
    }
    r->n_held++;
    wanted = engine_find_flow(host->fabric->engine, host->name, fs->table_id,
                              fs->priority, &fs->match);
    if (wanted && flow_stats_equal(fs, instructions, instructions_size,
                                   wanted)) {
        installed_set_add(&r->right, wanted);
        return;
    }
    ofdump_charge(r->dump, flow_record_size(instructions_size));
    if (r->n_flows >= r->allocated_flows) {
        r->flows = x2nrealloc(r->flows, &r->allocated_flows,
                              sizeof *r->flows);
    }
    r->flows[r->n_flows++] = flow_record_create(fs, instructions,
                                                instructions_size);
}

static void
group_cb(void *r_, const struct ofputil_group_desc *gd)
{
    struct reconcile *r = r_;

    r->n_held++;
    ofdump_charge(r->dump, group_record_size(gd));
    if (r->n_groups >= r->allocated_groups) {
        r->groups = x2nrealloc(r->groups, &r->allocated_groups,
                               sizeof *r->groups);
    }
    r->groups[r->n_groups++] = group_record_create(gd);
}

/* All has come and was too much to keep: forgets it, and what is wanted takes
 * the place of all at the next settled moment. */
static void
install_anew(struct reconcile *r)
{
    VLOG_WARN_RL(&rl, "%s: holds " OFDUMP_TOO_MUCH "; all that is wanted of "
                 "it is installed anew", r->sw->host->name);
    switch_budget_note_anew(r->sw);
    forget_seen(r);
    r->marker = MARKER_NONE;
    r->anew = r->settling = true;
    commit_when_quiescent(r->commit, compare_cb, r->sw);
}

static void
done_cb(void *r_, const char *error)
{
    struct reconcile *r = r_;

    if (error && ofdump_is_whole(r->dump)) {
        install_anew(r);
    } else if (error) {
        char *reason = xasprintf("its flows could not be read: %s", error);

        if (ofdump_is_too_much(r->dump)) {
            switch_over_budget(r->sw, reason);
        } else {
            switch_give_up(r->sw, reason);
        }
        free(reason);
    } else {
        r->settling = true;
        commit_when_quiescent(r->sw->host->fabric->commit,
                            r->only_marker ? answer_cb : compare_cb, r->sw);
    }
}

static const struct ofdump_callbacks dump_callbacks = {
    .raw = raw_cb,
    .flow = flow_cb,
    .group = group_cb,
    .done = done_cb,
};

/* Begins to read all flows and groups. */
static void
read_all(struct reconcile *r)
{
    struct ofdump_budget budget = switch_budget_of_reconcile(r->sw);

    r->dump = ofdump_create(r->sw->conn, &budget, &dump_callbacks, r);
}

static struct reconcile *
begin(struct fabric_switch *sw)
{
    struct reconcile *r = xzalloc(sizeof *r);

    /* Also stops one that is running. */
    switch_reset(sw, SWITCH_READING, "it is being reconciled");
    sw->host->fabric->stats.n_reconciles++;
    *running(sw) = r;
    switch_expect(sw);
    r->sw = sw;
    r->commit = sw->host->fabric->commit;
    r->began_ms = time_msec();
    installed_set_init(&r->right);
    ofpbuf_init(&r->flow_deletes, 0);
    ofpbuf_init(&r->group_deletes, 0);
    return r;
}

void
reconcile_start(struct fabric_switch *sw)
{
    read_all(begin(sw));
}

/* Reads the marker, and all else only if need be. */
static void
request_marker(struct fabric_switch *sw)
{
    struct ofdump_budget budget = switch_budget_of_table(sw, MARKER_FLOWS_MAX);
    struct reconcile *r;

    if (sw->bundles.doubtful) {
        reconcile_start(sw);
        return;
    }
    r = begin(sw);
    r->only_marker = true;
    r->dump = ofdump_create_table(sw->conn, &budget, MARKER_TABLE, NULL,
                                  &dump_callbacks, r);
}

void
reconcile_start_if_ready(struct fabric_switch *sw)
{
    if (sw->state == SWITCH_WAITING && sw->host->reported
        && !sw->faults.backing_off) {
        request_marker(sw);
    }
}

/* In a comparison this pauses. */
static void
forget_seen(struct reconcile *r)
{
    installed_set_uninit(&r->right);
    r->n_held = 0;
    while (r->n_flows) {
        flow_record_destroy(r->flows[--r->n_flows]);
        pause_if_comparing(r);
    }
    while (r->n_groups) {
        group_record_destroy(r->groups[--r->n_groups]);
    }
    free(r->flows);
    free(r->groups);
    r->flows = NULL;
    r->groups = NULL;
    r->allocated_flows = r->allocated_groups = 0;
    ofdump_destroy(r->dump);
    r->dump = NULL;
}

static void
destroy(struct reconcile *r)
{
    forget_seen(r);
    for (size_t i = 0; i < r->n_items; i++) {
        flow_item_unref(r->items[i]);
    }
    free(r->items);
    ofpbuf_uninit(&r->flow_deletes);
    ofpbuf_uninit(&r->group_deletes);
    free(r);
}

static void
stop(struct fabric_switch *sw)
{
    struct reconcile *r = *running(sw);

    if (r) {
        commit_cancel_when_quiescent(r->commit, answer_cb, sw);
        commit_cancel_when_quiescent(r->commit, compare_cb, sw);
        *running(sw) = NULL;
        r->sw = NULL;
        if (!r->comparing) {
            destroy(r);
        }
    }
}

bool
reconcile_is_running(const struct fabric_switch *sw)
{
    return *running(sw) != NULL;
}

/* Sending.  -------------------------------------------------------------- */

/* Sends what 'b' has gathered, if that is more than 'size'.  False if the
 * reconciling was stopped in a pause. */
static bool
flush_if(struct reconcile *r, struct ofpbuf *b, size_t size)
{
    if (b->size > size) {
        r->size += b->size;
        ofconn_send(r->sw->conn, b->data, b->size);
        ofpbuf_clear(b);
        return pause_if_comparing(r);
    }
    return true;
}

/* Sends the messages in 'block', as flush_if().  In a pause others may send to
 * the switch, so each is sent as a whole. */
static bool
send_block(struct reconcile *r, struct ofpbuf *b, const struct ofpbuf *block)
{
    bool on = true;

    for (size_t i = 0; on && i < block->size; ) {
        const struct ofp_header *oh = ofpbuf_at_assert(block, i, sizeof *oh);
        size_t size = ntohs(oh->length);

        ofpbuf_put(b, oh, size);
        on = flush_if(r, b, GATHER_SIZE / 2);
        i += size;
    }
    return on;
}

static bool
send_items(struct reconcile *r, struct ofpbuf *b)
{
    bool on = true;

    for (size_t i = 0; on && i < r->n_items; i++) {
        ofpbuf_put(b, r->items[i]->send, r->items[i]->send_size);
        on = flush_if(r, b, GATHER_SIZE / 2);
    }
    return on;
}

/* The marker for what the switch will hold: none if it has refused some. */
static uint64_t
wanted_marker(const struct reconcile *r)
{
    const struct fabric_switch *sw = r->sw;

    return (hmap_is_empty(&sw->faults.rejected) && !sw->bundles.unmarkable
            ? switch_marker_of(sw, r->digest) : MARKER_NONE);
}

/* Sends the difference, but for the commit.  In a comparison this pauses;
 * false if it was stopped. */
static bool
send_unchecked(struct reconcile *r)
{
    struct ofconn *conn = r->sw->conn;
    struct ofpbuf b;
    bool on;

    r->n_refused = 0;
    r->size = 0;
    r->open_xid = ofconn_next_xid(conn);
    r->barrier_xid = ofconn_next_xid(conn);
    r->marker_xid = 0;
    ofpbuf_init(&b, GATHER_SIZE);
    ofmsg_put_bundle_open(&b, FLOW_ITEM_BUNDLE_ID, r->open_xid);
    on = (send_block(r, &b, &r->flow_deletes) && send_items(r, &b)
          && send_block(r, &b, &r->group_deletes));
    if (on) {
        if (!r->sw->bundles.unmarkable) {
            r->marker_xid = ofconn_next_xid(conn);
            marker_append_add(&b, r->marker_xid, wanted_marker(r));
        }
        ofmsg_put_barrier(&b, r->barrier_xid);
        r->size += b.size;
        ofconn_send(conn, b.data, b.size);
    }
    ofpbuf_uninit(&b);
    return on;
}

static void
count_sent(const struct reconcile *r)
{
    struct fabric_stats *stats = &r->sw->host->fabric->stats;

    for (size_t i = 0; i < r->n_items; i++) {
        if (r->items[i]->kind == FLOW_ITEM_FLOW) {
            stats->n_flow_adds++;
        } else {
            stats->n_group_mods++;
        }
    }
    stats->n_flow_deletes += r->n_deletes;
    stats->n_bundles++;
}

/* The switch is right, or will be once it has committed: it gets every
 * revision's bundle from now on. */
static void
go_live(struct reconcile *r, bool commit)
{
    struct fabric_switch *sw = r->sw;
    uint64_t revision = r->revision;

    switch_set_live(sw);
    sw->faults.read_ms = time_msec() - r->began_ms;
    if (commit) {
        uint32_t xid = ofconn_next_xid(sw->conn);
        struct ofpbuf b;

        count_sent(r);
        ofpbuf_init(&b, 64);
        ofmsg_put_bundle_commit(&b, FLOW_ITEM_BUNDLE_ID, xid);
        ofconn_send(sw->conn, b.data, b.size);
        ofpbuf_uninit(&b);
        bundles_add(sw, revision, revision, sw->bundles.acked, xid,
                    r->size)->reconcile = true;
    }
    stop(sw);
    if (!commit) {
        bundles_reconciled(sw, revision);
    }
    bundles_flush(sw);
}

static bool
needs_bundle(const struct reconcile *r)
{
    return r->n_items || r->n_deletes || r->marker != wanted_marker(r);
}

/* The switch has looked at all messages. */
static void
checked(struct reconcile *r)
{
    struct fabric_switch *sw = r->sw;
    struct dependency_filter filter;
    size_t n = 0;
    struct ofpbuf b;

    if (!r->n_refused) {
        go_live(r, true);
        return;
    }
    dependency_filter_init(&filter, sw);
    for (size_t i = 0; i < r->n_items; i++) {
        /* Each flow that does not fit has got an error of its own. */
        if (dependency_filter_passes(&filter, r->items[i], true)) {
            r->items[n++] = r->items[i];
        } else {
            flow_item_unref(r->items[i]);
        }
    }
    dependency_filter_uninit(&filter);
    if (n == r->n_items && !r->marker_refused) {
        /* It refused something that cannot be left out. */
        switch_give_up(sw, sw->faults.text);
        return;
    }
    r->n_items = n;
    r->marker_refused = false;

    ofpbuf_init(&b, 64);
    ofmsg_put_bundle_discard(&b, FLOW_ITEM_BUNDLE_ID,
                             ofconn_next_xid(sw->conn));
    ofconn_send(sw->conn, b.data, b.size);
    ofpbuf_uninit(&b);
    if (needs_bundle(r)) {
        send_unchecked(r);
    } else {
        go_live(r, false);
    }
}

static void
handle_error(struct reconcile *r, const struct ofp_header *oh)
{
    uint32_t xid = ofmsg_error_xid(oh);

    if (xid == r->open_xid) {
        char *reason = xasprintf("it refuses bundles with %s",
                                 ofmsg_error_name(oh));

        switch_give_up(r->sw, reason);
        free(reason);
    } else if (xid == r->marker_xid) {
        /* It is only for us: all else is more important. */
        VLOG_WARN_RL(&rl, "%s: refuses the marker with %s",
                     r->sw->host->name, ofmsg_error_name(oh));
        r->n_refused++;
        r->marker = MARKER_NONE;
        r->marker_refused = r->sw->bundles.unmarkable = true;
    } else {
        r->n_refused++;
        faults_reject(r->sw, xid, oh);
    }
}

static enum switch_message
message(struct fabric_switch *sw, void *state OVS_UNUSED, enum ofptype type,
        const struct ofp_header *oh)
{
    struct reconcile *r = *running(sw);

    if (r && r->dump && ofdump_message(r->dump, type, oh)) {
        return SWITCH_MESSAGE_ANSWER;
    }
    if (!r || sw->state != SWITCH_CHECKING) {
        return SWITCH_MESSAGE_OTHER;
    }
    if (type == OFPTYPE_ERROR) {
        handle_error(r, oh);
        return SWITCH_MESSAGE_ANSWER;
    }
    if (type == OFPTYPE_BARRIER_REPLY && ntohl(oh->xid) == r->barrier_xid) {
        checked(r);
        return SWITCH_MESSAGE_ANSWER;
    }
    return SWITCH_MESSAGE_OTHER;
}

/* Comparing.  ------------------------------------------------------------ */

struct compare {
    struct reconcile *r;
    size_t n_right;             /* Of r->right, that are wanted. */
    struct hmapx replacing;     /* Items whose keys it holds, with something
                                 * else. */
    struct dependency_filter filter;
};

static bool
compare_flows(struct compare *c)
{
    struct reconcile *r = c->r;
    const struct fabric_host *host = r->sw->host;

    for (size_t i = 0; i < r->n_flows && pause_if_comparing(r); i++) {
        const struct flow_record *flow = r->flows[i];
        const struct flow_item *wanted;
        struct match match;

        minimatch_expand(&flow->match, &match);
        wanted = engine_find_flow(host->fabric->engine, host->name,
                                  flow->table, flow->priority, &match);
        if (!wanted) {
            flow_record_append_delete(flow, ofconn_next_xid(r->sw->conn),
                                      &r->flow_deletes);
            r->n_deletes++;
        } else if (flow_record_equals(flow, wanted)) {
            installed_set_add(&r->right, wanted);
        } else {
            hmapx_add(&c->replacing, CONST_CAST(struct flow_item *,
                                                wanted));
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
        const struct flow_item *wanted;

        wanted = engine_find_group(host->fabric->engine, host->name,
                                   group->desc.group_id);
        if (!wanted) {
            group_record_append_delete(group, ofconn_next_xid(r->sw->conn),
                                       &r->group_deletes);
            r->n_deletes++;
        } else if (group_record_equals(group, wanted)) {
            installed_set_add(&r->right, wanted);
        }
    }
}

static void
wanted_cb(void *c_, const struct flow_item *item)
{
    struct compare *c = c_;
    struct reconcile *r = c->r;

    if (!pause_if_comparing(r)) {
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

/* Deletes what was right when it was read, and is not wanted any more. */
static bool
delete_outdated(struct compare *c)
{
    struct reconcile *r = c->r;
    const struct fabric_host *host = r->sw->host;

    for (size_t i = 0; i < r->right.n && pause_if_comparing(r); i++) {
        const struct flow_item *item = r->right.items[i];

        if (!ofmessage_find_wanted(host->fabric->engine, host->name, item)) {
            flow_item_put_delete(item, item->kind == FLOW_ITEM_FLOW
                                 ? &r->flow_deletes : &r->group_deletes);
            r->n_deletes++;
        }
    }
    return r->sw != NULL;
}

/* Deletes all flows and groups but those that the fabric adds outside of
 * reconciling; learned ones too, for they may be what is too much.  Groups go
 * before those that are wanted are added. */
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

/* The state is settled: what the engine holds is what is durable.  The marker
 * and what is beside it have been read. */
static void
answer_cb(void *sw_)
{
    struct fabric_switch *sw = sw_;
    struct reconcile *r = *running(sw);
    struct fabric *f = sw->host->fabric;

    if (!sw->bundles.digest_known) {
        sw->bundles.digest = engine_host_digest(f->engine, sw->host->name);
        sw->bundles.digest_known = true;
    }
    r->only_marker = r->settling = false;
    if (r->n_flows || r->marker != switch_marker_of(sw, sw->bundles.digest)) {
        forget_seen(r);
        r->marker = MARKER_NONE;
        switch_expect(sw);
        read_all(r);
        return;
    }
    VLOG_INFO_RL(&rl, "%s: holds all that it is to hold, by its fingerprint",
                 sw->host->name);
    forget_seen(r);
    f->stats.n_reconciles_unchanged++;
    f->stats.n_fingerprints_equal++;
    r->revision = f->last_revision;
    go_live(r, false);
}

/* Finds what differs.  False if it was stopped in a pause. */
static bool
find_difference(struct reconcile *r)
{
    struct fabric_switch *sw = r->sw;
    const struct engine *engine = sw->host->fabric->engine;
    const char *name = sw->host->name;
    struct compare c = { .r = r };
    bool on;

    faults_prune(sw);
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
            engine_host_items(engine, name, wanted_cb, &c);
            on = r->sw && (c.n_right >= r->right.n || delete_outdated(&c));
        }
    }
    dependency_filter_uninit(&c.filter);
    hmapx_destroy(&c.replacing);
    return on;
}

/* Keeps and logs what was found. */
static void
note_difference(struct reconcile *r, long long int us)
{
    struct fabric_switch *sw = r->sw;

    if (sw->bundles.digest_known && sw->bundles.digest != r->digest) {
        VLOG_ERR_RL(&rl, "%s: the fingerprint of what it is to hold was "
                    "wrong; it is corrected", sw->host->name);
    }
    sw->bundles.digest = r->digest;
    sw->bundles.digest_known = true;
    r->revision = sw->host->fabric->last_revision;
    VLOG_INFO_RL(&rl, "%s: holds %"PRIuSIZE" flows and groups; "
                 "%"PRIuSIZE" to add or change, %"PRIuSIZE" to delete "
                 "(compared in %lld us)",
                 sw->host->name, r->n_held, r->n_items,
                 r->n_deletes, us);
}

/* Compares, and sends what differs.  False if it was stopped in a pause. */
static bool
compare(struct reconcile *r)
{
    long long int start_us = time_usec();

    if (!find_difference(r)) {
        return false;
    }
    note_difference(r, time_usec() - start_us);
    forget_seen(r);
    if (!r->sw || !needs_bundle(r)) {
        return r->sw != NULL;
    }
    r->sw->state = SWITCH_CHECKING;
    r->settling = false;
    switch_expect(r->sw);
    return send_unchecked(r);
}

/* The same, with all flows and groups.  The state stays settled in pauses, but
 * the switch may go. */
static void
compare_cb(void *sw_)
{
    struct fabric_switch *sw = sw_;
    struct reconcile *r = *running(sw);
    bool on;

    r->comparing = true;
    on = compare(r);
    r->comparing = false;
    if (!on) {
        destroy(r);
    } else if (sw->state != SWITCH_CHECKING) {
        sw->host->fabric->stats.n_reconciles_unchanged++;
        go_live(r, false);
    }
}

/* As a part of the session.  --------------------------------------------- */

static void
connected(struct fabric_switch *sw, void *state OVS_UNUSED)
{
    reconcile_start_if_ready(sw);
}

static void
reset(struct fabric_switch *sw, void *state OVS_UNUSED,
      const char *reason OVS_UNUSED)
{
    stop(sw);
}

static void
disconnected(struct fabric_switch *sw, void *state OVS_UNUSED)
{
    stop(sw);
}

static bool
is_owed(const struct fabric_switch *sw, const void *state OVS_UNUSED)
{
    const struct reconcile *r = *running(sw);

    return r && !r->settling;
}

const struct switch_part_class reconcile_part = {
    .name = "reconcile",
    .state_size = sizeof(struct reconcile *),
    .connected = connected,
    .reset = reset,
    .disconnected = disconnected,
    .message = message,
    .is_owed = is_owed,
};
