/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows and groups as messages; see item.h.  OpenFlow 1.5, sections 7.3.4.3
 * (flow mod), 7.3.4.4 (group mod), 7.3.9.4 (bundle add). */

#include <config.h>

#include "controller/engine/item.h"
#include "controller/engine/scope.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "openflow/openflow.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-bundle.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofp-match.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofpbuf.h"
#include "unaligned.h"
#include "util.h"

/* In an OFPT_BUNDLE_ADD_MESSAGE: where the message inside starts, and where a
 * flow mod's body and match do. */
#define INNER_OFS (sizeof(struct ofp_header) \
                   + sizeof(struct ofp14_bundle_ctrl_msg))
#define FLOW_MOD_OFS (INNER_OFS + sizeof(struct ofp_header))
#define MATCH_OFS (FLOW_MOD_OFS + sizeof(struct ofp11_flow_mod))
#define BUNDLE_FLAGS (OFPBF_ATOMIC | OFPBF_ORDERED)

struct item_registry *
item_registry_create(void)
{
    struct item_registry *registry = xzalloc(sizeof *registry);

    hmap_init(&registry->by_xid);
    registry->next_xid = 1;
    registry->n_refs = 1;
    return registry;
}

void
item_registry_unref(struct item_registry *registry)
{
    if (registry && !--registry->n_refs) {
        hmap_destroy(&registry->by_xid);
        free(registry);
    }
}

static bool
xid_in_use(const struct item_registry *registry, uint32_t xid)
{
    return hmap_first_with_hash(&registry->by_xid, xid) != NULL;
}

/* Xids below 2^31 belong to items; connections use the upper half. */
static uint32_t
take_xid(struct item_registry *registry)
{
    uint32_t xid;

    do {
        xid = registry->next_xid++;
        if (registry->next_xid > INT32_MAX) {
            registry->next_xid = 1;
        }
    } while (xid_in_use(registry, xid));
    return xid;
}

uint64_t
item_hash64(const void *data, size_t size, uint32_t basis)
{
    ovs_u128 hash;

    hash_bytes128(data, size, basis, &hash);
    return hash.u64.lo;
}

uint32_t
item_flow_key_hash(uint8_t table, uint16_t priority, const void *match,
                   size_t match_size)
{
    return hash_bytes(match, match_size, hash_2words(table, priority));
}

uint32_t
item_group_key_hash(uint32_t group_id)
{
    return hash_2words(group_id, UINT32_MAX);
}

/* Wraps 'inner', whose xid is made 'xid', as a message to add to a bundle. */
static struct ofpbuf *
wrap(struct ofpbuf *inner, uint32_t xid)
{
    struct ofp_header *oh = inner->data;
    struct ofputil_bundle_add_msg bam = {
        .bundle_id = ENGINE_BUNDLE_ID,
        .flags = BUNDLE_FLAGS,
    };

    ofpmsg_update_length(inner);
    oh = inner->data;
    oh->xid = htonl(xid);
    bam.msg = oh;

    struct ofpbuf *outer = ofputil_encode_bundle_add(OFP15_VERSION, &bam);

    ofpmsg_update_length(outer);
    oh = outer->data;
    oh->xid = htonl(xid);
    return outer;
}

/* The digest speaks of the content: it leaves out the header, where the xid
 * will be. */
static void
draft_init(struct item_draft *draft, enum engine_item_kind kind,
           struct ofpbuf *inner)
{
    memset(draft, 0, sizeof *draft);
    draft->kind = kind;
    draft->inner = inner;
    draft->digest = item_hash64((uint8_t *) inner->data
                                + sizeof(struct ofp_header),
                                inner->size - sizeof(struct ofp_header),
                                kind);
}

void
item_draft_flow(struct item_draft *draft, uint8_t table, uint16_t priority,
                uint64_t cookie, const struct match *match,
                const struct ofpact *ofpacts, size_t ofpacts_len)
{
    struct ofputil_flow_mod fm = {
        .priority = priority,
        .new_cookie = htonll(cookie),
        .table_id = table,
        .command = OFPFC_ADD,
        .buffer_id = UINT32_MAX,
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
        .ofpacts = CONST_CAST(struct ofpact *, ofpacts),
        .ofpacts_len = ofpacts_len,
    };

    minimatch_init(&fm.match, match);
    draft_init(draft, ENGINE_FLOW,
               ofputil_encode_flow_mod(&fm, OFPUTIL_P_OF15_OXM));
    minimatch_destroy(&fm.match);

    size_t match_size;
    const uint8_t *bytes = item_draft_match(draft, &match_size);

    draft->table = table;
    draft->priority = priority;
    draft->cookie = cookie;
    draft->key_hash = item_flow_key_hash(table, priority, bytes, match_size);
}

void
item_draft_group(struct item_draft *draft, struct ofputil_group_mod *gm)
{
    gm->command = OFPGC11_ADD_OR_MOD;
    gm->command_bucket_id = OFPG15_BUCKET_ALL;
    draft_init(draft, ENGINE_GROUP,
               ofputil_encode_group_mod(OFP15_VERSION, gm, NULL, -1));
    draft->group_id = gm->group_id;
    draft->key_hash = item_group_key_hash(gm->group_id);
}

void
item_draft_uninit(struct item_draft *draft)
{
    ofpbuf_delete(draft->inner);
    draft->inner = NULL;
}

static const uint8_t *
match_at(const uint8_t *match, size_t *size)
{
    const struct ofp11_match_header *omh
        = ALIGNED_CAST(const struct ofp11_match_header *, match);

    *size = ROUND_UP(ntohs(omh->length), 8);
    return match;
}

const uint8_t *
item_draft_match(const struct item_draft *draft, size_t *size)
{
    return match_at((const uint8_t *) draft->inner->data
                    + MATCH_OFS - INNER_OFS, size);
}

struct item *
item_create(struct item_registry *registry, struct engine_scope *scope,
            struct item_draft *draft)
{
    struct item *item = xzalloc(sizeof *item);
    struct engine_item *pub = &item->pub;

    pub->kind = draft->kind;
    pub->xid = take_xid(registry);
    pub->digest = draft->digest;
    pub->cookie = draft->cookie;
    pub->table = draft->table;
    pub->priority = draft->priority;
    pub->group_id = draft->group_id;
    pub->key_hash = draft->key_hash;
    pub->scope = scope;
    scope_ref(scope);

    struct ofpbuf *outer = wrap(draft->inner, pub->xid);

    pub->add_size = outer->size;
    pub->add = xmemdup(outer->data, outer->size);
    ofpbuf_delete(outer);
    item_draft_uninit(draft);

    item->n_refs = 1;
    item->registry = registry;
    registry->n_refs++;
    registry->n_bytes += pub->add_size;
    hmap_insert(&registry->by_xid, &item->xid_node, pub->xid);
    return item;
}

struct engine_item *
engine_item_ref(const struct engine_item *pub)
{
    struct item *item = item_cast(pub);

    item->n_refs++;
    return &item->pub;
}

void
engine_item_unref(struct engine_item *pub)
{
    if (!pub) {
        return;
    }

    struct item *item = item_cast(pub);

    if (!--item->n_refs) {
        struct item_registry *registry = item->registry;

        hmap_remove(&registry->by_xid, &item->xid_node);
        registry->n_bytes -= pub->add_size;
        scope_unref(CONST_CAST(struct engine_scope *, pub->scope));
        free(CONST_CAST(uint8_t *, pub->add));
        free(item);
        item_registry_unref(registry);
    }
}

const uint8_t *
item_match(const struct engine_item *item, size_t *size)
{
    return match_at(item->add + MATCH_OFS, size);
}

bool
engine_item_same_key(const struct engine_item *a, const struct engine_item *b)
{
    if (a->kind != b->kind || a->key_hash != b->key_hash) {
        return false;
    }
    if (a->kind == ENGINE_GROUP) {
        return a->group_id == b->group_id;
    }

    size_t a_size, b_size;
    const uint8_t *a_match = item_match(a, &a_size);
    const uint8_t *b_match = item_match(b, &b_size);

    return (a->table == b->table && a->priority == b->priority
            && a_size == b_size && !memcmp(a_match, b_match, a_size));
}

/* A flow's withdrawal is its own ADD with another command, without the
 * instructions.  The cookie with its mask sees to it that nobody else's newer
 * flow of the same match goes away with it. */
static void
put_flow_delete(const struct engine_item *item, struct ofpbuf *b)
{
    size_t match_size;

    item_match(item, &match_size);

    size_t size = MATCH_OFS + match_size;
    uint8_t *msg = ofpbuf_put(b, item->add, size);
    struct ofp_header *outer = ALIGNED_CAST(struct ofp_header *, msg);
    struct ofp_header *inner = ALIGNED_CAST(struct ofp_header *,
                                            msg + INNER_OFS);
    struct ofp11_flow_mod *ofm = ALIGNED_CAST(struct ofp11_flow_mod *,
                                              msg + FLOW_MOD_OFS);

    outer->length = htons(size);
    inner->length = htons(size - INNER_OFS);
    ofm->command = OFPFC_DELETE_STRICT;
    ofm->cookie_mask = OVS_BE64_MAX;
}

static void
put_group_delete(const struct engine_item *item, struct ofpbuf *b)
{
    struct ofputil_group_mod gm = {
        .command = OFPGC11_DELETE,
        .group_id = item->group_id,
        .command_bucket_id = OFPG15_BUCKET_ALL,
        .buckets = OVS_LIST_INITIALIZER(&gm.buckets),
    };
    struct ofpbuf *inner = ofputil_encode_group_mod(OFP15_VERSION, &gm, NULL,
                                                    -1);
    struct ofpbuf *outer = wrap(inner, item->xid);

    ofpbuf_put(b, outer->data, outer->size);
    ofpbuf_delete(outer);
    ofpbuf_delete(inner);
}

void
engine_item_put_delete(const struct engine_item *item, struct ofpbuf *b)
{
    if (item->kind == ENGINE_FLOW) {
        put_flow_delete(item, b);
    } else {
        put_group_delete(item, b);
    }
}

const char *
engine_item_drop_reason(const struct engine_item *item)
{
    return item_cast(item)->drop_reason;
}
