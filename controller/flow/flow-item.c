/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows and groups as messages; see flow-item.h.  OpenFlow 1.5, sections
 * 7.3.4.3 (flow mod), 7.3.4.4 (group mod), 7.3.4.5 (meter mod), 7.3.9.4
 * (bundle add). */

#include <config.h>

#include "controller/flow/flow-item.h"

#include <stdlib.h>
#include <string.h>

#include "controller/flow/flow-part.h"
#include "controller/flow/match-overlap.h"
#include "controller/flow/oxm.h"
#include "openflow/openflow.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-bundle.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofp-meter.h"
#include "openvswitch/ofp-port.h"
#include "openvswitch/ofpbuf.h"
#include "unaligned.h"
#include "util.h"

/* Offsets in an OFPT_BUNDLE_ADD_MESSAGE: of the message inside, and of a flow
 * mod's body and match. */
#define INNER_OFS (sizeof(struct ofp_header) \
                   + sizeof(struct ofp14_bundle_ctrl_msg))
#define FLOW_MOD_OFS (INNER_OFS + sizeof(struct ofp_header))
#define MATCH_OFS (FLOW_MOD_OFS + sizeof(struct ofp11_flow_mod))

/* Message types in a header. */
#define TYPE_FLOW_MOD 14
#define TYPE_BUNDLE_ADD_MESSAGE 34
#define BUNDLE_FLAGS (OFPBF_ATOMIC | OFPBF_ORDERED)

/* Represents an item's kind in its digest. */
#define HEAD_LIMIT 0x100

struct flow_item_registry *
flow_item_registry_create(void (*scope_unref)(struct engine_scope *))
{
    struct flow_item_registry *registry = xzalloc(sizeof *registry);

    shards_init(&registry->by_xid);
    registry->next_xid = 1;
    registry->scope_unref = scope_unref;
    registry->n_refs = 1;
    return registry;
}

void
flow_item_registry_unref(struct flow_item_registry *registry)
{
    if (registry && !--registry->n_refs) {
        shards_destroy(&registry->by_xid);
        free(registry);
    }
}

static bool
xid_in_use(const struct flow_item_registry *registry, uint32_t xid)
{
    return hmap_first_with_hash(shards_at(&registry->by_xid, xid),
                                xid) != NULL;
}

/* Xids below 2^31 belong to items; connections use the upper half. */
static uint32_t
take_xid(struct flow_item_registry *registry)
{
    uint32_t xid;

    do {
        xid = registry->next_xid++;
        if (registry->next_xid >= INT32_MAX) {
            registry->next_xid = 1;
            registry->xids_wrapped = true;
        }
    } while (registry->xids_wrapped && xid_in_use(registry, xid));
    return xid;
}

uint64_t
flow_owner_cookie(const char *name)
{
    return flow_cookie_owner(stable_hash64(name, strlen(name), 0));
}

uint64_t
flow_item_flow_key(uint8_t table, uint16_t priority, const void *match,
                   size_t match_size)
{
    return flow_cookie_owner(stable_hash64(match, match_size,
                                           table << 16 | priority));
}

uint64_t
flow_item_group_key(uint32_t group_id)
{
    return stable_hash64(&group_id, sizeof group_id, 0);
}

uint32_t
flow_key_hash(uint64_t key)
{
    return keyed_hash64(&key, sizeof key, 0);
}

/* Drafts.  --------------------------------------------------------------- */

static void
put_header(struct ofpbuf *b, uint8_t type)
{
    struct ofp_header *oh = ofpbuf_put_zeros(b, sizeof *oh);

    oh->version = OFP15_VERSION;
    oh->type = type;
}

/* Begins a draft, with a message to be added to a bundle. */
static void
draft_init(struct flow_draft *draft, enum flow_item_kind kind)
{
    struct ofp14_bundle_ctrl_msg *bcm;

    draft->kind = kind;
    draft->role = FLOW_ITEM_NO_CONJUNCTION;
    draft->table = 0;
    draft->priority = 0;
    draft->log = false;
    draft->limit.meter = 0;
    draft->cookie = 0;
    draft->group_id = 0;
    draft->digest = 0;
    ofpbuf_use_stub(&draft->msg, draft->stub, sizeof draft->stub);
    put_header(&draft->msg, TYPE_BUNDLE_ADD_MESSAGE);
    bcm = ofpbuf_put_zeros(&draft->msg, sizeof *bcm);
    bcm->bundle_id = htonl(FLOW_ITEM_BUNDLE_ID);
    bcm->flags = htons(BUNDLE_FLAGS);
}

/* Completes the draft and its digest, which covers the content without the
 * headers, since the xid will be there. */
static void
draft_finish(struct flow_draft *draft, const struct flow_item_registry
             *registry)
{
    const uint8_t *body = ofpbuf_at_assert(&draft->msg, FLOW_MOD_OFS, 0);

    draft->digest = siphash24(&registry->key, draft->kind, body,
                              draft->msg.size - FLOW_MOD_OFS);
    if (draft->limit.meter) {
        draft->digest += siphash24(&registry->key, HEAD_LIMIT, &draft->limit,
                                   sizeof draft->limit);
    }
}

static void
begin_flow(struct flow_draft *draft, uint8_t table, uint16_t priority)
{
    struct ofp11_flow_mod *ofm;

    draft_init(draft, FLOW_ITEM_FLOW);
    draft->table = table;
    draft->priority = priority;
    put_header(&draft->msg, TYPE_FLOW_MOD);
    ofm = ofpbuf_put_zeros(&draft->msg, sizeof *ofm);
    ofm->table_id = table;
    ofm->command = OFPFC_ADD;
    ofm->priority = htons(priority);
    ofm->buffer_id = htonl(UINT32_MAX);
    ofm->out_port = ofputil_port_to_ofp11(OFPP_ANY);
    ofm->out_group = htonl(OFPG_ANY);
}

static void
note_flow_key(struct flow_draft *draft)
{
    size_t size;
    const uint8_t *match = flow_draft_get_match(draft, &size);

    draft->key = flow_item_flow_key(draft->table, draft->priority, match,
                                    size);
}

void
flow_draft_match(struct flow_draft *draft, uint8_t table, uint16_t priority,
                 const struct match *match, uint64_t matched)
{
    begin_flow(draft, table, priority);
    if (match->wc.masks.conj_id) {
        draft->role = FLOW_ITEM_VERDICT;
    }
    oxm_put(&draft->msg, match, matched);
    note_flow_key(draft);
}

void
flow_draft_encoded_match(struct flow_draft *draft, uint8_t table,
                         uint16_t priority, const uint8_t *match,
                         size_t match_size)
{
    begin_flow(draft, table, priority);
    ofpbuf_put(&draft->msg, match, match_size);
    note_flow_key(draft);
}

void
flow_draft_actions(struct flow_draft *draft,
                   const struct flow_item_registry *registry, uint64_t cookie,
                   const struct ofpact *ofpacts, size_t ofpacts_len)
{
    struct ofp11_flow_mod *ofm = ofpbuf_at_assert(&draft->msg, FLOW_MOD_OFS,
                                                  sizeof *ofm);

    if (ofpacts_len && ofpacts->type == OFPACT_CONJUNCTION) {
        draft->role = FLOW_ITEM_CLAUSE;
    }
    draft->cookie = cookie;
    ofm->cookie = htonll(cookie);
    ofpacts_put_openflow_instructions(ofpacts, ofpacts_len, &draft->msg,
                                      OFP15_VERSION);
    draft_finish(draft, registry);
}

void
flow_draft_group(struct flow_draft *draft,
                 const struct flow_item_registry *registry, uint64_t cookie,
                 struct ofputil_group_mod *gm)
{
    struct ofpbuf *inner;

    gm->command = OFPGC11_ADD_OR_MOD;
    gm->command_bucket_id = OFPG15_BUCKET_ALL;
    inner = ofputil_encode_group_mod(OFP15_VERSION, gm, NULL, -1);
    draft_init(draft, FLOW_ITEM_GROUP);
    ofpbuf_put(&draft->msg, inner->data, inner->size);
    ofpbuf_delete(inner);
    draft->cookie = cookie;
    draft->group_id = gm->group_id;
    draft->key = flow_item_group_key(gm->group_id);
    draft_finish(draft, registry);
}

void
flow_draft_uninit(struct flow_draft *draft)
{
    ofpbuf_uninit(&draft->msg);
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
flow_draft_get_match(const struct flow_draft *draft, size_t *size)
{
    return match_at((const uint8_t *) draft->msg.data + MATCH_OFS, size);
}

/* Items.  ---------------------------------------------------------------- */

/* Writes lengths and the xid into both headers of a bundle message. */
static void
finish_headers(uint8_t *msg, size_t size, uint32_t xid)
{
    struct ofp_header *outer = ALIGNED_CAST(struct ofp_header *, msg);
    struct ofp_header *inner = ALIGNED_CAST(struct ofp_header *,
                                            msg + INNER_OFS);

    outer->length = htons(size);
    outer->xid = htonl(xid);
    inner->length = htons(size - INNER_OFS);
    inner->xid = htonl(xid);
}

uint16_t
flow_limit_flags(const struct flow_limit *limit)
{
    return (limit->kbps ? OFPMF13_KBPS : OFPMF13_PKTPS) | OFPMF13_BURST;
}

/* Appends a meter mod (OpenFlow 1.5, section 7.3.4.5). */
static void
put_meter_mod(struct ofpbuf *b, enum ofp13_meter_mod_command command,
              const struct flow_limit *limit, uint32_t xid)
{
    struct ofputil_meter_band band = {
        .type = OFPMBT13_DROP,
        .rate = limit->rate,
        .burst_size = limit->burst,
    };
    struct ofputil_meter_mod mm = {
        .command = command,
        .meter = {
            .meter_id = limit->meter,
            .flags = flow_limit_flags(limit),
            .n_bands = 1,
            .bands = &band,
        },
    };
    struct ofpbuf *msg = ofputil_encode_meter_mod(OFP15_VERSION, &mm);
    struct ofp_header *oh = msg->data;

    oh->length = htons(msg->size);
    oh->xid = htonl(xid);
    ofpbuf_put(b, msg->data, msg->size);
    ofpbuf_delete(msg);
}

static void
put_meter_mods(struct ofpbuf *b, const struct flow_limit *limit, uint32_t xid)
{
    put_meter_mod(b, OFPMC13_ADD, limit, xid);
    put_meter_mod(b, OFPMC13_MODIFY, limit, xid);
}

struct flow_item *
flow_item_create(struct flow_item_registry *registry, struct engine_scope
                 *scope, const struct flow_draft *draft)
{
    uint32_t xid = take_xid(registry);
    uint64_t stub[16];
    struct ofpbuf meter = OFPBUF_STUB_INITIALIZER(stub);
    size_t size = draft->msg.size;
    struct flow_item *item;
    uint8_t *bytes;

    if (draft->limit.meter) {
        put_meter_mods(&meter, &draft->limit, xid);
    }
    item = xmalloc(sizeof *item + meter.size + size);
    bytes = (uint8_t *) item->bytes;
    *item = (struct flow_item) {
        .kind = draft->kind,
        .xid = xid,
        .digest = draft->digest,
        .cookie = draft->cookie,
        .table = draft->table,
        .priority = draft->priority,
        .group_id = draft->group_id,
        .key_hash = draft->key,
        .meter = draft->limit.meter,
        .send_size = meter.size + size,
        .add_size = size,
        .scope = scope,
        .send = bytes,
        .add = bytes + meter.size,
        .log = draft->log,
        .role = draft->role,
        .n_refs = 1,
        .registry = registry,
    };
    memcpy(bytes, meter.data, meter.size);
    memcpy(bytes + meter.size, draft->msg.data, size);
    finish_headers(bytes + meter.size, size, xid);
    ofpbuf_uninit(&meter);
    registry->n_refs++;
    registry->n_bytes += item->send_size;
    shards_insert(&registry->by_xid, &item->xid_node, item->xid);
    return item;
}

struct flow_item *
flow_item_ref(const struct flow_item *item_)
{
    struct flow_item *item = CONST_CAST(struct flow_item *, item_);

    item->n_refs++;
    return item;
}

void
flow_item_unref(struct flow_item *item)
{
    if (item && !--item->n_refs) {
        struct flow_item_registry *registry = item->registry;

        hmap_remove(shards_at(&registry->by_xid, item->xid), &item->xid_node);
        registry->n_bytes -= item->send_size;
        registry->scope_unref(CONST_CAST(struct engine_scope *, item->scope));
        free(item);
        flow_item_registry_unref(registry);
    }
}

/* Returns true if two bundle messages have the same body. */
static bool
same_body(const void *a, size_t a_size, const void *b, size_t b_size)
{
    return (a_size == b_size
            && !memcmp((const uint8_t *) a + FLOW_MOD_OFS,
                       (const uint8_t *) b + FLOW_MOD_OFS,
                       a_size - FLOW_MOD_OFS));
}

/* Returns true if two results of put_meter_mods() have the same bodies. */
static bool
same_meter_mods(const void *a_, size_t a_size, const void *b_, size_t b_size)
{
    const uint8_t *a = a_, *b = b_;
    const size_t header = sizeof(struct ofp_header);
    size_t half = a_size / 2;

    return (a_size == b_size
            && (!a_size
                || (!memcmp(a + header, b + header, half - header)
                    && !memcmp(a + half + header, b + half + header,
                               half - header))));
}

bool
flow_item_is_of_draft(const struct flow_item *item, const struct flow_draft
                      *draft)
{
    uint64_t stub[16];
    struct ofpbuf meter = OFPBUF_STUB_INITIALIZER(stub);

    if (item->kind != draft->kind || item->meter != draft->limit.meter
        || !same_body(item->add, item->add_size, draft->msg.data,
                      draft->msg.size)) {
        return false;
    }
    if (draft->limit.meter) {
        put_meter_mods(&meter, &draft->limit, 0);
    }
    bool same = same_meter_mods(item->send, item->send_size - item->add_size,
                                meter.data, meter.size);
    ofpbuf_uninit(&meter);
    return same;
}

bool
flow_item_equal(const struct flow_item *a, const struct flow_item *b)
{
    return (a->kind == b->kind && a->digest == b->digest
            && same_body(a->add, a->add_size, b->add, b->add_size)
            && same_meter_mods(a->send, a->send_size - a->add_size,
                               b->send, b->send_size - b->add_size));
}

const uint8_t *
flow_item_match(const struct flow_item *item, size_t *size)
{
    return match_at(item->add + MATCH_OFS, size);
}

bool
flow_item_same_key(const struct flow_item *a, const struct flow_item *b)
{
    if (a->kind != b->kind || a->key_hash != b->key_hash) {
        return false;
    }
    if (a->kind == FLOW_ITEM_GROUP) {
        return a->group_id == b->group_id;
    }

    size_t a_size, b_size;
    const uint8_t *a_match = flow_item_match(a, &a_size);
    const uint8_t *b_match = flow_item_match(b, &b_size);

    return (a->table == b->table && a->priority == b->priority
            && a_size == b_size && !memcmp(a_match, b_match, a_size));
}

/* Appends the deletion of a flow: its ADD with another command and without
 * instructions.  The cookie and its mask ensure that it does not delete a
 * newer flow of another owner with the same match. */
static void
put_flow_delete(const struct flow_item *item, struct ofpbuf *b)
{
    size_t match_size;

    flow_item_match(item, &match_size);

    size_t size = MATCH_OFS + match_size;

    if (ofpbuf_tailroom(b) < size) {
        /* An ofpbuf alone would only grow by the size of the addition. */
        ofpbuf_prealloc_tailroom(b, MAX(size, b->size));
    }

    uint8_t *msg = ofpbuf_put(b, item->add, size);
    struct ofp_header *outer = ALIGNED_CAST(struct ofp_header *, msg);
    struct ofp_header *inner = ALIGNED_CAST(struct ofp_header *,
                                            msg + INNER_OFS);
    struct ofp11_flow_mod *ofm = ALIGNED_CAST(struct ofp11_flow_mod *,
                                              msg + FLOW_MOD_OFS);

    outer->length = htons(size);
    inner->length = htons(size - INNER_OFS);
    ofm->command = OFPFC_DELETE_STRICT;
    ofm->cookie_mask = htonll(FLOW_COOKIE_OWNER);
}

static void
put_group_delete(const struct flow_item *item, struct ofpbuf *b)
{
    struct ofputil_group_mod gm = {
        .command = OFPGC11_DELETE,
        .group_id = item->group_id,
        .command_bucket_id = OFPG15_BUCKET_ALL,
        .buckets = OVS_LIST_INITIALIZER(&gm.buckets),
    };
    struct ofpbuf *inner = ofputil_encode_group_mod(OFP15_VERSION, &gm, NULL,
                                                    -1);
    struct flow_draft draft;

    draft_init(&draft, FLOW_ITEM_GROUP);
    ofpbuf_put(&draft.msg, inner->data, inner->size);
    ofpbuf_delete(inner);
    finish_headers(draft.msg.data, draft.msg.size, item->xid);
    ofpbuf_put(b, draft.msg.data, draft.msg.size);
    flow_draft_uninit(&draft);
}

void
flow_item_put_delete(const struct flow_item *item, struct ofpbuf *b)
{
    if (item->kind == FLOW_ITEM_FLOW) {
        put_flow_delete(item, b);
    } else {
        put_group_delete(item, b);
    }
}

const struct ofp_header *
flow_item_message(const struct flow_item *item)
{
    return ALIGNED_CAST(const struct ofp_header *, item->add + INNER_OFS);
}

uint32_t
flow_item_part(const struct flow_item *item)
{
    struct match match;

    if (item->kind != FLOW_ITEM_FLOW) {
        return 0;
    }
    flow_item_decode_match(item, &match);
    return (match.wc.masks.conj_id ? match.flow.conj_id
            : item->cookie & FLOW_COOKIE_COUNTED ? flow_part_read(item) : 0);
}

const char *
flow_item_drop_reason(const struct flow_item *item)
{
    return item->drop_reason;
}

bool
flow_item_has_log(const struct flow_item *item)
{
    return item->log;
}
