/* SPDX-License-Identifier: Apache-2.0
 *
 * Computes the difference of a group of revisions, by scope and host; see
 * revision-diff.h.  What a scope's hosts get is encoded once.  A host that has
 * joined a scope gets all of it, one that has left loses all of it.  A key
 * that a withdrawn item shares with an added one needs care, since the
 * deletion would remove the new flow (if their cookies are equal) or is
 * redundant.  Only keys that are added in this very difference can be
 * affected: the engine keeps one item per key and host. */

#include <config.h>

#include "controller/fabric/session/revision-diff.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "hash.h"
#include "proto/openflow/ofmsg.h"
#include "util.h"

/* Number of items between two yields. */
#define PAUSE_STEPS 64

struct member_node {
    struct hmap_node node;
    const struct engine_member *member;
};

struct added_node {
    struct hmap_node node;      /* By its key. */
    const struct flow_item *item;
};

/* Blocks.  --------------------------------------------------------------- */

void
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

static void
add_item(struct scope_diff *diff, const struct flow_item *item)
{
    if (diff->n_added >= diff->allocated_added) {
        diff->added = x2nrealloc(diff->added, &diff->allocated_added,
                                 sizeof *diff->added);
    }
    diff->added[diff->n_added++] = item;
    diff->counted_groups |= flow_item_is_counted_group(item);
}

bool
scope_diff_encode_next(struct scope_diff *diff)
{
    const struct flow_item *item;

    if (diff->n_encoded >= diff->n_added) {
        return false;
    }
    item = diff->added[diff->n_encoded++];
    ofmsg_put(block_of(diff, item->kind == FLOW_ITEM_GROUP
                             ? GROUPS_ADD : FLOWS_ADD),
              item->send, item->send_size);
    return true;
}

static const struct flow_item *
find_added(const struct revision_diff *gd, const struct flow_item *item)
{
    struct added_node *added;

    HMAP_FOR_EACH_WITH_HASH (added, node, flow_key_hash(item->key_hash),
                             &gd->added) {
        if (flow_item_same_key(added->item, item)) {
            return added->item;
        }
    }
    return NULL;
}

static void
note_gone(struct scope_diff *diff, const struct flow_item *item)
{
    if (!flow_item_is_counted_flow(item)) {
        return;
    }
    if (diff->n_gone >= diff->allocated_gone) {
        diff->gone = x2nrealloc(diff->gone, &diff->allocated_gone,
                                sizeof *diff->gone);
    }
    diff->gone[diff->n_gone++] = (struct deleted_flow) {
        item->key_hash, item->xid
    };
}

static void
withdraw_item(struct revision_diff *gd, struct scope_diff *diff,
              const struct flow_item *item)
{
    const struct flow_item *added = find_added(gd, item);

    if (added != item) {        /* Otherwise it was added when the host had
                                 * left. */
        if (diff->n_withdrawn >= diff->allocated_withdrawn) {
            diff->withdrawn = x2nrealloc(diff->withdrawn,
                                         &diff->allocated_withdrawn,
                                         sizeof *diff->withdrawn);
        }
        diff->withdrawn[diff->n_withdrawn++] = item;
        diff->counted_groups |= flow_item_is_counted_group(item);
    }
    if (!added) {
        flow_item_put_delete(item, block_of(diff, item->kind == FLOW_ITEM_GROUP
                                            ? GROUPS_DEL : FLOWS_DEL));
        note_gone(diff, item);
        return;
    }
    if (diff->kind == DIFF_CHANGED && added->scope == item->scope) {
        return;                 /* Replaced in place. */
    }
    if (diff->n_doubtful >= diff->allocated_doubtful) {
        diff->doubtful = x2nrealloc(diff->doubtful, &diff->allocated_doubtful,
                                    sizeof *diff->doubtful);
    }
    diff->doubtful[diff->n_doubtful++] = item;
}

/* Keeping.  -------------------------------------------------------------- */

struct kept_diff *
scope_diff_keep(struct scope_diff *diff)
{
    size_t n = diff->n_withdrawn + diff->n_added;
    struct kept_diff *kept = diff->kept;

    if (!kept) {
        kept = diff->kept = xmalloc(sizeof *kept + n * sizeof *kept->items);
        kept->n_refs = 1;
        kept->n = n;
        kept->n_withdrawn = diff->n_withdrawn;
        for (size_t i = 0; i < n; i++) {
            kept->items[i] = flow_item_ref(
                i < diff->n_withdrawn ? diff->withdrawn[i]
                : diff->added[i - diff->n_withdrawn]);
        }
    }
    kept->n_refs++;
    return kept;
}

void
kept_diff_unref(struct kept_diff *kept)
{
    if (kept && !--kept->n_refs) {
        for (size_t i = 0; i < kept->n; i++) {
            flow_item_unref(kept->items[i]);
        }
        free(kept);
    }
}

/* Sorting by scope.  ----------------------------------------------------- */

static struct scope_diff *
find_diff(const struct revision_diff *gd, const struct engine_scope *scope,
          enum diff_kind kind)
{
    uint32_t hash = hash_pointer(scope, kind);
    struct scope_diff *diff;

    HMAP_FOR_EACH_WITH_HASH (diff, node, hash, &gd->diffs) {
        if (diff->scope == scope && diff->kind == kind) {
            return diff;
        }
    }
    return NULL;
}

static struct scope_diff *
add_diff(struct revision_diff *gd, const struct engine_scope *scope,
         enum diff_kind kind)
{
    struct scope_diff *diff = xzalloc(sizeof *diff);

    diff->scope = scope;
    diff->kind = kind;
    hmap_insert(&gd->diffs, &diff->node, hash_pointer(scope, kind));
    return diff;
}

static void
whole_scope_add_cb(void *gd_, const struct flow_item *item)
{
    struct revision_diff *gd = gd_;

    add_item(gd->diff, item);
}

static void
whole_scope_delete_cb(void *gd_, const struct flow_item *item)
{
    struct revision_diff *gd = gd_;

    withdraw_item(gd, gd->diff, item);
}

/* Adds what hosts get that have joined or left a scope in this group. */
static struct scope_diff *
member_diff(struct revision_diff *gd, const struct engine_member *member)
{
    enum diff_kind kind = member->joined ? DIFF_JOINED : DIFF_LEFT;
    const struct engine_delta *delta = gd->group->delta;
    struct scope_diff *diff = find_diff(gd, member->scope, kind);

    if (diff) {
        return diff;
    }
    diff = gd->diff = add_diff(gd, member->scope, kind);
    diff->digest = engine_scope_digest(member->scope);
    if (!member->joined) {
        /* The previous items. */
        const struct scope_diff *changed = find_diff(gd, member->scope,
                                                     DIFF_CHANGED);

        diff->digest = (changed ? changed->digest : 0) - diff->digest;
    }
    engine_scope_items(gd->fabric->engine, member->scope,
                       (member->joined
                        ? whole_scope_add_cb : whole_scope_delete_cb), gd);
    for (size_t i = 0; !member->joined && i < delta->n_changes; i++) {
        const struct engine_change *change = &delta->changes[i];

        if (!change->added && change->item->scope == member->scope) {
            withdraw_item(gd, diff, change->item);
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
is_new_member(const struct revision_diff *gd, const struct engine_scope *scope,
              const char *host)
{
    struct member_node *m;

    HMAP_FOR_EACH_WITH_HASH (m, node, hash_member(scope, host),
                             &gd->members) {
        if (m->member->scope == scope && !strcmp(m->member->host, host)) {
            return m->member->joined;
        }
    }
    return false;
}

static void
give_diff(struct revision_diff *gd, const char *name, struct scope_diff *diff)
{
    struct fabric_host *host = fabric_find_host(gd->fabric, name);
    struct fabric_switch *sw;
    struct switch_bundles *b;

    if (!host) {
        host = fabric_find_deleted(gd->fabric, name); /* In this very group. */
    }
    sw = host ? host->sw : NULL;
    if (!sw) {
        return;
    }
    b = &sw->bundles;
    if (!b->n_diffs) {
        if (gd->n_hosts >= gd->allocated_hosts) {
            gd->hosts = x2nrealloc(gd->hosts, &gd->allocated_hosts,
                                     sizeof *gd->hosts);
        }
        gd->hosts[gd->n_hosts++] = host;
    }
    if (b->n_diffs >= b->allocated_diffs) {
        b->diffs = x2nrealloc(b->diffs, &b->allocated_diffs,
                              sizeof *b->diffs);
    }
    b->diffs[b->n_diffs++] = diff;
}

static void
old_member_cb(void *gd_, const char *host)
{
    struct revision_diff *gd = gd_;

    if (!is_new_member(gd, gd->diff->scope, host)) {
        give_diff(gd, host, gd->diff);
    }
}

/* Only withdrawn items are compared with added ones. */
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
index_delta(struct revision_diff *gd)
{
    const struct engine_delta *delta = gd->group->delta;
    size_t n_changes = withdraws(delta) ? delta->n_changes : 0;

    hmap_reserve(&gd->added, n_changes);
    for (size_t i = 0; i < n_changes; i++) {
        if (delta->changes[i].added) {
            struct added_node *added = xmalloc(sizeof *added);

            added->item = delta->changes[i].item;
            hmap_insert(&gd->added, &added->node,
                        flow_key_hash(added->item->key_hash));
        }
        if (i % PAUSE_STEPS == 0) {
            commit_yield(gd->fabric->commit);
        }
    }
    for (size_t i = 0; i < delta->n_members; i++) {
        struct member_node *m = xmalloc(sizeof *m);

        m->member = &delta->members[i];
        hmap_insert(&gd->members, &m->node,
                    hash_member(m->member->scope, m->member->host));
    }
}

static void
sort_delta(struct revision_diff *gd)
{
    const struct engine_delta *delta = gd->group->delta;
    struct scope_diff *diff;

    for (size_t i = 0; i < delta->n_changes; i++) {
        const struct engine_change *change = &delta->changes[i];

        diff = find_diff(gd, change->item->scope, DIFF_CHANGED);
        if (!diff) {
            diff = add_diff(gd, change->item->scope, DIFF_CHANGED);
        }
        if (change->added) {
            diff->digest += change->item->digest;
            add_item(diff, change->item);
        } else {
            diff->digest -= change->item->digest;
            withdraw_item(gd, diff, change->item);
        }
        if (i % PAUSE_STEPS == 0) {
            commit_yield(gd->fabric->commit);
        }
    }
    HMAP_FOR_EACH (diff, node, &gd->diffs) {
        gd->diff = diff;
        engine_scope_hosts(gd->fabric->engine, diff->scope, old_member_cb,
                           gd);
        commit_yield(gd->fabric->commit);
    }
    for (size_t i = 0; i < delta->n_members; i++) {
        const struct engine_member *member = &delta->members[i];

        give_diff(gd, member->host, member_diff(gd, member));
        commit_yield(gd->fabric->commit);
    }
}

void
revision_diff_init(struct revision_diff *diff, struct fabric *f,
                   const struct commit_group *group)
{
    *diff = (struct revision_diff) { .fabric = f, .group = group };
    hmap_init(&diff->diffs);
    hmap_init(&diff->members);
    hmap_init(&diff->added);
    index_delta(diff);
    sort_delta(diff);
}

void
revision_diff_uninit(struct revision_diff *gd)
{
    struct member_node *m;
    struct added_node *added;
    struct scope_diff *diff;

    HMAP_FOR_EACH_POP (m, node, &gd->members) {
        free(m);
    }
    HMAP_FOR_EACH_POP (added, node, &gd->added) {
        free(added);
        commit_yield(gd->fabric->commit);
    }
    HMAP_FOR_EACH_POP (diff, node, &gd->diffs) {
        for (int phase = 0; phase < N_PHASES; phase++) {
            block_unref(diff->blocks[phase]);
        }
        kept_diff_unref(diff->kept);
        free(diff->doubtful);
        free(diff->gone);
        free(diff->added);
        free(diff->withdrawn);
        free(diff);
        commit_yield(gd->fabric->commit);
    }
    hmap_destroy(&gd->members);
    hmap_destroy(&gd->added);
    hmap_destroy(&gd->diffs);
    free(gd->hosts);
}

