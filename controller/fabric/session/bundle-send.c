/* SPDX-License-Identifier: Apache-2.0
 *
 * Turns the difference of a group of revisions into one bundle per host.
 *
 * The difference is sorted by scope first.  What a scope's hosts get is
 * encoded once and, if it is large, sent by reference; not at all while none
 * of them can be sent anything, as at a start.  Then the hosts get their
 * bundles, one after the other, with pauses in which the loop may have its
 * turn: answers come while others are still to be sent theirs, and switches
 * come and go.  A host that has joined a scope gets all of it, one that has
 * left loses all of it.
 *
 * Inside of a bundle: groups are added, flows are added, flows are deleted,
 * groups are deleted.  A key that a withdrawn item shares with an added one
 * needs care, since the deletion would take the new flow along (if their
 * cookies are equal) or is needless.  Only keys that are added in this very
 * difference can be like that: the engine keeps one item per key and host. */

#include <config.h>

#include "controller/fabric/session/bundle-send.h"

#include <stdlib.h>

#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/dependency-filter.h"
#include "controller/fabric/session/marker.h"
#include "controller/fabric/session/openflow-message.h"
#include "controller/fabric/session/receipts.h"
#include "controller/fabric/session/switch.h"
#include "hash.h"
#include "openvswitch/ofpbuf.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofmsg.h"
#include "util.h"

enum diff_kind {
    DIFF_CHANGED,               /* For hosts that stay in the scope. */
    DIFF_JOINED,                /* All of the scope. */
    DIFF_LEFT,                  /* All of the scope goes. */
};

/* Steps as short as one item's are not worth a look at the clock each. */
#define PAUSE_STEPS 64

enum { GROUPS_ADD, FLOWS_ADD, FLOWS_DEL, GROUPS_DEL, N_PHASES };

/* Messages that several hosts get. */
struct block {
    unsigned n_refs;
    unsigned n_messages;
    struct ofpbuf b;
};

/* What a host of 'scope' gets. */
struct scope_diff {
    struct hmap_node node;      /* In struct send's 'diffs'. */
    const struct engine_scope *scope;
    enum diff_kind kind;
    uint64_t digest;            /* What it adds to a host's. */
    struct block *blocks[N_PHASES];
    /* The same as items, for those that get it later. */
    size_t n_added, allocated_added;
    const struct flow_item **added;
    size_t n_encoded;           /* Of these, are in 'blocks'. */
    size_t n_withdrawn, allocated_withdrawn;
    const struct flow_item **withdrawn;
    /* Withdrawals that depend on what else the host is to hold. */
    size_t n_doubtful, allocated_doubtful;
    const struct flow_item **doubtful;
};

struct member_node {
    struct hmap_node node;
    const struct engine_member *member;
};

struct added_node {
    struct hmap_node node;      /* By key_hash. */
    const struct flow_item *item;
};

struct send {
    struct fabric *fabric;
    const struct commit_group *group;
    struct hmap diffs;          /* struct scope_diff. */
    struct hmap members;        /* struct member_node, by scope and host. */
    struct hmap added;          /* struct added_node. */
    size_t n_hosts, allocated_hosts;
    struct fabric_host **hosts; /* That have diffs. */
    struct scope_diff *diff;    /* For callbacks. */
};

/* Blocks.  --------------------------------------------------------------- */

static void
block_unref(void *block_)
{
    struct block *block = block_;

    if (block && !--block->n_refs) {
        ofpbuf_uninit(&block->b);
        free(block);
    }
}

static struct ofpbuf *
block_of(struct scope_diff *diff, int phase)
{
    if (!diff->blocks[phase]) {
        diff->blocks[phase] = xzalloc(sizeof *diff->blocks[phase]);
        diff->blocks[phase]->n_refs = 1;
        ofpbuf_init(&diff->blocks[phase]->b, 512);
    }
    diff->blocks[phase]->n_messages++;
    return &diff->blocks[phase]->b;
}

/* Doubles the block where there is no room: an ofpbuf alone would grow by just
 * what is put. */
static void
append_bytes(struct ofpbuf *b, const void *bytes, size_t size)
{
    if (ofpbuf_tailroom(b) < size) {
        ofpbuf_prealloc_tailroom(b, MAX(size, b->size));
    }
    ofpbuf_put(b, bytes, size);
}

static void
add_item(struct scope_diff *diff, const struct flow_item *item)
{
    if (diff->n_added >= diff->allocated_added) {
        diff->added = x2nrealloc(diff->added, &diff->allocated_added,
                                 sizeof *diff->added);
    }
    diff->added[diff->n_added++] = item;
}

/* Encodes the next added item.  Returns false if there is none. */
static bool
encode_next(struct scope_diff *diff)
{
    const struct flow_item *item;

    if (diff->n_encoded >= diff->n_added) {
        return false;
    }
    item = diff->added[diff->n_encoded++];
    append_bytes(block_of(diff, item->kind == FLOW_ITEM_GROUP
                          ? GROUPS_ADD : FLOWS_ADD),
                 item->send, item->send_size);
    return true;
}

static const struct flow_item *
find_added(const struct send *send, const struct flow_item *item)
{
    struct added_node *added;

    HMAP_FOR_EACH_WITH_HASH (added, node, item->key_hash, &send->added) {
        if (flow_item_same_key(added->item, item)) {
            return added->item;
        }
    }
    return NULL;
}

static void
withdraw_item(struct send *send, struct scope_diff *diff,
              const struct flow_item *item)
{
    const struct flow_item *added = find_added(send, item);

    if (added != item) {        /* Else it came when the host had left. */
        if (diff->n_withdrawn >= diff->allocated_withdrawn) {
            diff->withdrawn = x2nrealloc(diff->withdrawn,
                                         &diff->allocated_withdrawn,
                                         sizeof *diff->withdrawn);
        }
        diff->withdrawn[diff->n_withdrawn++] = item;
    }
    if (!added) {
        flow_item_put_delete(item, block_of(diff, item->kind == FLOW_ITEM_GROUP
                                            ? GROUPS_DEL : FLOWS_DEL));
        return;
    }
    if (diff->kind == DIFF_CHANGED && added->scope == item->scope) {
        return;                 /* Replaced where it is. */
    }
    if (diff->n_doubtful >= diff->allocated_doubtful) {
        diff->doubtful = x2nrealloc(diff->doubtful, &diff->allocated_doubtful,
                                    sizeof *diff->doubtful);
    }
    diff->doubtful[diff->n_doubtful++] = item;
}

/* Sorting by scope.  ----------------------------------------------------- */

static struct scope_diff *
find_diff(const struct send *send, const struct engine_scope *scope,
          enum diff_kind kind)
{
    uint32_t hash = hash_pointer(scope, kind);
    struct scope_diff *diff;

    HMAP_FOR_EACH_WITH_HASH (diff, node, hash, &send->diffs) {
        if (diff->scope == scope && diff->kind == kind) {
            return diff;
        }
    }
    return NULL;
}

static struct scope_diff *
add_diff(struct send *send, const struct engine_scope *scope,
         enum diff_kind kind)
{
    struct scope_diff *diff = xzalloc(sizeof *diff);

    diff->scope = scope;
    diff->kind = kind;
    hmap_insert(&send->diffs, &diff->node, hash_pointer(scope, kind));
    return diff;
}

static void
whole_scope_add_cb(void *send_, const struct flow_item *item)
{
    struct send *send = send_;

    add_item(send->diff, item);
}

static void
whole_scope_delete_cb(void *send_, const struct flow_item *item)
{
    struct send *send = send_;

    withdraw_item(send, send->diff, item);
}

/* What hosts get that have joined or left a scope in this group. */
static struct scope_diff *
member_diff(struct send *send, const struct engine_member *member)
{
    enum diff_kind kind = member->joined ? DIFF_JOINED : DIFF_LEFT;
    const struct engine_delta *delta = send->group->delta;
    struct scope_diff *diff = find_diff(send, member->scope, kind);

    if (diff) {
        return diff;
    }
    diff = send->diff = add_diff(send, member->scope, kind);
    diff->digest = engine_scope_digest(member->scope);
    if (!member->joined) {
        /* What it held before. */
        const struct scope_diff *changed = find_diff(send, member->scope,
                                                     DIFF_CHANGED);

        diff->digest = (changed ? changed->digest : 0) - diff->digest;
    }
    engine_scope_items(send->fabric->engine, member->scope,
                       (member->joined
                        ? whole_scope_add_cb : whole_scope_delete_cb), send);
    for (size_t i = 0; !member->joined && i < delta->n_changes; i++) {
        const struct engine_change *change = &delta->changes[i];

        if (!change->added && change->item->scope == member->scope) {
            withdraw_item(send, diff, change->item);
        }
    }
    return diff;
}

static uint32_t
hash_member(const struct engine_scope *scope, const char *host)
{
    return hash_string(host, hash_pointer(scope, 0));
}

static bool
is_new_member(const struct send *send, const struct engine_scope *scope,
              const char *host)
{
    struct member_node *m;

    HMAP_FOR_EACH_WITH_HASH (m, node, hash_member(scope, host),
                             &send->members) {
        if (m->member->scope == scope && !strcmp(m->member->host, host)) {
            return m->member->joined;
        }
    }
    return false;
}

static void
give_diff(struct send *send, const char *name, struct scope_diff *diff)
{
    struct fabric_host *host = fabric_find_host(send->fabric, name);
    struct fabric_switch *sw = host ? host->sw : NULL;
    struct switch_bundles *b;

    if (!sw) {
        return;
    }
    b = &sw->bundles;
    if (!b->n_diffs) {
        if (send->n_hosts >= send->allocated_hosts) {
            send->hosts = x2nrealloc(send->hosts, &send->allocated_hosts,
                                     sizeof *send->hosts);
        }
        send->hosts[send->n_hosts++] = host;
    }
    if (b->n_diffs >= b->allocated_diffs) {
        b->diffs = x2nrealloc(b->diffs, &b->allocated_diffs,
                              sizeof *b->diffs);
    }
    b->diffs[b->n_diffs++] = diff;
}

static void
old_member_cb(void *send_, const char *host)
{
    struct send *send = send_;

    if (!is_new_member(send, send->diff->scope, host)) {
        give_diff(send, host, send->diff);
    }
}

/* Nothing but what is withdrawn looks for what was added. */
static bool
withdraws(const struct engine_delta *delta)
{
    for (size_t i = 0; i < delta->n_changes; i++) {
        if (!delta->changes[i].added) {
            return true;
        }
    }
    for (size_t i = 0; i < delta->n_members; i++) {
        if (!delta->members[i].joined) {
            return true;
        }
    }
    return false;
}

static void
index_delta(struct send *send)
{
    const struct engine_delta *delta = send->group->delta;
    size_t n_changes = withdraws(delta) ? delta->n_changes : 0;

    hmap_reserve(&send->added, n_changes);
    for (size_t i = 0; i < n_changes; i++) {
        if (delta->changes[i].added) {
            struct added_node *added = xmalloc(sizeof *added);

            added->item = delta->changes[i].item;
            hmap_insert(&send->added, &added->node, added->item->key_hash);
        }
        if (i % PAUSE_STEPS == 0) {
            commit_yield(send->fabric->commit);
        }
    }
    for (size_t i = 0; i < delta->n_members; i++) {
        struct member_node *m = xmalloc(sizeof *m);

        m->member = &delta->members[i];
        hmap_insert(&send->members, &m->node,
                    hash_member(m->member->scope, m->member->host));
    }
}

static void
sort_delta(struct send *send)
{
    const struct engine_delta *delta = send->group->delta;
    struct scope_diff *diff;

    for (size_t i = 0; i < delta->n_changes; i++) {
        const struct engine_change *change = &delta->changes[i];

        diff = find_diff(send, change->item->scope, DIFF_CHANGED);
        if (!diff) {
            diff = add_diff(send, change->item->scope, DIFF_CHANGED);
        }
        if (change->added) {
            diff->digest += change->item->digest;
            add_item(diff, change->item);
        } else {
            diff->digest -= change->item->digest;
            withdraw_item(send, diff, change->item);
        }
        if (i % PAUSE_STEPS == 0) {
            commit_yield(send->fabric->commit);
        }
    }
    HMAP_FOR_EACH (diff, node, &send->diffs) {
        send->diff = diff;
        engine_scope_hosts(send->fabric->engine, diff->scope, old_member_cb,
                           send);
        commit_yield(send->fabric->commit);
    }
    for (size_t i = 0; i < delta->n_members; i++) {
        const struct engine_member *member = &delta->members[i];

        give_diff(send, member->host, member_diff(send, member));
        commit_yield(send->fabric->commit);
    }
}

/* Sending.  -------------------------------------------------------------- */

/* Where a bundle's bytes go: small ones are gathered, large blocks are sent by
 * reference. */
struct out {
    struct fabric_switch *sw;
    struct ofpbuf gathered;
    size_t size;                /* Of all. */
    bool deletes;               /* It deletes flows. */
};

static void
out_flush(struct out *out)
{
    out->size += out->gathered.size;
    ofconn_send(out->sw->conn, out->gathered.data, out->gathered.size);
    ofpbuf_clear(&out->gathered);
}

static void
out_block(struct out *out, struct block *block)
{
    if (block->b.size < OFCONN_REF_MIN) {
        ofpbuf_put(&out->gathered, block->b.data, block->b.size);
    } else {
        out_flush(out);
        block->n_refs++;
        out->size += block->b.size;
        ofconn_send_ref(out->sw->conn, block->b.data, block->b.size,
                        block_unref, block);
    }
}

/* The withdrawals of one phase that hold for this host after all. */
static unsigned
out_doubtful(struct out *out, const struct scope_diff *diff,
             enum flow_item_kind kind)
{
    const struct fabric_host *host = out->sw->host;
    unsigned n = 0;

    for (size_t i = 0; i < diff->n_doubtful; i++) {
        const struct flow_item *item = diff->doubtful[i];

        if (item->kind == kind
            && !ofmessage_find_wanted(host->fabric->engine, host->name,
                                      item)) {
            flow_item_put_delete(item, &out->gathered);
            n++;
        }
    }
    return n;
}

/* Puts all messages of 'phase'; returns how many. */
static unsigned
out_phase(struct out *out, int phase)
{
    const struct fabric_switch *sw = out->sw;
    unsigned n = 0;

    for (size_t i = 0; i < sw->bundles.n_diffs; i++) {
        struct scope_diff *diff = sw->bundles.diffs[i];

        while (encode_next(diff)) {
            continue;           /* Its switch came late. */
        }
        if (diff->blocks[phase]) {
            out_block(out, diff->blocks[phase]);
            n += diff->blocks[phase]->n_messages;
        }
        if (phase >= FLOWS_DEL) {
            n += out_doubtful(out, diff, phase == FLOWS_DEL
                              ? FLOW_ITEM_FLOW : FLOW_ITEM_GROUP);
        }
    }
    return n;
}

static void
count_sent(struct fabric_stats *stats, const unsigned n[N_PHASES])
{
    stats->n_group_mods += n[GROUPS_ADD] + n[GROUPS_DEL];
    stats->n_flow_adds += n[FLOWS_ADD];
    stats->n_flow_deletes += n[FLOWS_DEL];
    stats->n_bundles++;
}

static void
out_begin(struct out *out, struct fabric_switch *sw)
{
    out->sw = sw;
    out->size = 0;
    out->deletes = false;
    ofpbuf_init(&out->gathered, 1024);
    ofmsg_put_bundle_open(&out->gathered, FLOW_ITEM_BUNDLE_ID,
                          ofconn_next_xid(sw->conn));
}

/* The end of a bundle for the groups from 'first' to 'last'. */
static void
out_commit(struct out *out, uint64_t first, uint64_t last, uint64_t before)
{
    struct fabric_switch *sw = out->sw;
    uint32_t xid = ofconn_next_xid(sw->conn);

    if (!sw->bundles.unmarkable) {
        marker_append_add(&out->gathered, ofconn_next_xid(sw->conn),
                          switch_marker(sw));
    }
    ofmsg_put_bundle_commit(&out->gathered, FLOW_ITEM_BUNDLE_ID, xid);
    out_flush(out);
    bundles_add(sw, first, last, before, xid, out->size)->makes_room
        = out->deletes && switch_lacks_room(sw);
    ofpbuf_uninit(&out->gathered);
}

/* The first revision that an answer to this group's bundle is for: its last,
 * and none if it has no revision. */
static uint64_t
first_answered(const struct send *send)
{
    return MAX(send->group->last_revision, send->group->first_revision);
}

/* Sends the host its bundle.  Returns false if there is nothing in it. */
static bool
send_bundle(struct send *send, struct fabric_switch *sw, uint64_t before)
{
    uint64_t last = send->group->last_revision;
    unsigned n[N_PHASES], total = 0;
    struct out out;

    out_begin(&out, sw);
    for (int phase = 0; phase < N_PHASES; phase++) {
        n[phase] = out_phase(&out, phase);
        total += n[phase];
    }
    if (!total) {
        ofpbuf_uninit(&out.gathered);
        return false;
    }
    count_sent(&send->fabric->stats, n);
    out.deletes = n[FLOWS_DEL] > 0;
    out_commit(&out, first_answered(send), last, before);
    return true;
}

/* Later.  ---------------------------------------------------------------- */

/* Notes what the host gets in this group. */
static void
note_diffs(const struct send *send, const struct fabric_switch *sw,
           struct backlog *backlog, uint64_t before)
{
    backlog_open_group(backlog, before, send->group->last_revision);
    for (size_t i = 0; i < sw->bundles.n_diffs; i++) {
        const struct scope_diff *diff = sw->bundles.diffs[i];

        for (size_t j = 0; j < diff->n_withdrawn; j++) {
            const struct flow_item *item = diff->withdrawn[j];

            backlog_touch(backlog, item, true);
            if (switch_has_rejected(sw, item->xid)) {
                backlog_doubt(backlog, item);
            }
        }
    }
    for (size_t i = 0; i < sw->bundles.n_diffs; i++) {
        const struct scope_diff *diff = sw->bundles.diffs[i];

        for (size_t j = 0; j < diff->n_added; j++) {
            backlog_touch(backlog, diff->added[j], false);
        }
    }
}

/* Adds the messages of one entry to those of the phases. */
static void
append_entry(const struct fabric_switch *sw, const struct backlog_entry *entry,
             struct ofpbuf phases[N_PHASES], unsigned n[N_PHASES])
{
    const struct flow_item *sent = entry->sent;
    const struct flow_item *wanted = ofmessage_find_wanted(
        sw->host->fabric->engine, sw->host->name, entry->key);
    bool group = entry->key->kind == FLOW_ITEM_GROUP;

    if (wanted && (!sent || entry->doubtful
                   || !flow_item_equal(sent, wanted))) {
        int phase = group ? GROUPS_ADD : FLOWS_ADD;

        ofpbuf_put(&phases[phase], wanted->send, wanted->send_size);
        n[phase]++;
    } else if (!wanted && sent) {
        int phase = group ? GROUPS_DEL : FLOWS_DEL;

        flow_item_put_delete(sent, &phases[phase]);
        n[phase]++;
    }
}

void
send_backlog(void *sw_)
{
    struct fabric_switch *sw = sw_;
    struct fabric *f = sw->host->fabric;
    struct backlog *backlog = &sw->bundles.backlog;
    const struct backlog_entry *entry;
    struct ofpbuf phases[N_PHASES];
    unsigned n[N_PHASES] = { 0 };
    struct out out;

    sw->bundles.flushing = false;
    for (int phase = 0; phase < N_PHASES; phase++) {
        ofpbuf_init(&phases[phase], 0);
    }
    HMAP_FOR_EACH (entry, node, &backlog->entries) {
        append_entry(sw, entry, phases, n);
    }
    if (n[GROUPS_ADD] + n[FLOWS_ADD] + n[FLOWS_DEL] + n[GROUPS_DEL]) {
        out_begin(&out, sw);
        for (int phase = 0; phase < N_PHASES; phase++) {
            ofpbuf_put(&out.gathered, phases[phase].data, phases[phase].size);
        }
        count_sent(&f->stats, n);
        out.deletes = n[FLOWS_DEL] > 0;
        out_commit(&out, backlog->first, backlog->last, backlog->before);
        f->stats.n_merged--;
    } else {
        /* All of it came to nothing, and nothing else is unanswered. */
        receipts_confirm(f, sw->host, backlog->first, backlog->last);
    }
    for (int phase = 0; phase < N_PHASES; phase++) {
        ofpbuf_uninit(&phases[phase]);
    }
    f->stats.n_merged += backlog->n_groups;
    backlog_clear(backlog);
    faults_prune(sw);
}

static bool
has_work(const struct fabric_switch *sw)
{
    for (size_t i = 0; i < sw->bundles.n_diffs; i++) {
        const struct scope_diff *diff = sw->bundles.diffs[i];

        if (diff->n_added || diff->blocks[FLOWS_DEL]
            || diff->blocks[GROUPS_DEL] || diff->n_doubtful) {
            return true;
        }
    }
    return false;
}

/* Encodes what is added, if there is a switch that can be sent it. */
static void
encode_diffs(struct send *send)
{
    struct scope_diff *diff;
    bool any = false;

    for (size_t i = 0; i < send->n_hosts; i++) {
        any |= send->hosts[i]->sw->state == SWITCH_LIVE;
    }
    if (!any) {
        return;
    }
    HMAP_FOR_EACH (diff, node, &send->diffs) {
        while (encode_next(diff)) {
            if (diff->n_encoded % PAUSE_STEPS == 0) {
                commit_yield(send->fabric->commit);
            }
        }
    }
}

/* Says in the receipt which hosts are concerned, all at once: an answer may
 * come before the last of them is sent its bundle. */
static void
open_receipt(struct send *send)
{
    struct fabric *f = send->fabric;
    struct receipt *receipt = receipts_open(f, send->group);

    f->sending_before = f->last_revision;
    f->last_revision = send->group->last_revision;
    for (size_t i = 0; i < send->n_hosts; i++) {
        struct fabric_host *host = send->hosts[i];

        host->sw->bundles.concerned = has_work(host->sw);
        if (host->sw->bundles.concerned && receipt) {
            receipts_add_host(receipt, host);
        }
    }
    receipts_close(f, receipt);
}

static void
send_host(struct send *send, struct fabric_host *host)
{
    struct fabric *f = send->fabric;
    struct fabric_switch *sw = host->sw;
    struct backlog *touched = sw->bundles.touched;
    uint64_t before = f->sending_before, last = send->group->last_revision;

    for (size_t i = 0; i < sw->bundles.n_diffs; i++) {
        sw->bundles.digest += sw->bundles.diffs[i]->digest;
    }
    if (sw->bundles.concerned && touched) {
        note_diffs(send, sw, touched, before);
    }
    if (sw->bundles.concerned && sw->state == SWITCH_LIVE
        && backlog_is_empty(&sw->bundles.backlog) && !switch_is_busy(sw)) {
        if (!send_bundle(send, sw, before)) {
            /* It was so already. */
            receipts_confirm(f, host, first_answered(send), last);
        }
    } else if (sw->bundles.concerned && (sw->state == SWITCH_LIVE
                                 || sw->state == SWITCH_CHECKING)) {
        note_diffs(send, sw, &sw->bundles.backlog, before);
        f->stats.n_put_off++;
    }
    sw->bundles.concerned = false;
    sw->bundles.n_diffs = 0;
}

static void
send_uninit(struct send *send)
{
    struct member_node *m;
    struct added_node *added;
    struct scope_diff *diff;

    HMAP_FOR_EACH_POP (m, node, &send->members) {
        free(m);
    }
    HMAP_FOR_EACH_POP (added, node, &send->added) {
        free(added);
        commit_yield(send->fabric->commit);
    }
    HMAP_FOR_EACH_POP (diff, node, &send->diffs) {
        for (int phase = 0; phase < N_PHASES; phase++) {
            block_unref(diff->blocks[phase]);
        }
        free(diff->doubtful);
        free(diff->added);
        free(diff->withdrawn);
        free(diff);
        commit_yield(send->fabric->commit);
    }
    hmap_destroy(&send->members);
    hmap_destroy(&send->added);
    hmap_destroy(&send->diffs);
    free(send->hosts);
}

void
send_group(struct fabric *f, const struct commit_group *group)
{
    struct send send = { .fabric = f, .group = group };

    hmap_init(&send.diffs);
    hmap_init(&send.members);
    hmap_init(&send.added);
    index_delta(&send);
    sort_delta(&send);
    encode_diffs(&send);
    open_receipt(&send);
    for (size_t i = 0; i < send.n_hosts; i++) {
        send_host(&send, send.hosts[i]);
        commit_yield(f->commit);
    }
    for (size_t i = 0; i < send.n_hosts; i++) {
        faults_prune(send.hosts[i]->sw);
    }
    send_uninit(&send);
}
