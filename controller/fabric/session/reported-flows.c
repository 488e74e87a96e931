/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows and groups as switches report them; see reported-flows.h. */

#include <config.h>

#include "controller/fabric/session/reported-flows.h"

#include <stdlib.h>
#include <string.h>

#include "bitmap.h"
#include "byte-order.h"
#include "openflow/openflow-1.1.h"
#include "openflow/openflow-1.5.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"
#include "proto/openflow/ofdump.h"
#include "proto/openflow/ofmsg.h"
#include "util.h"

const struct ofp_header *
ofmessage_inner(const struct flow_item *item)
{
    /* OpenFlow 1.5, section 7.3.9.6.  Encoded by vmnd: no need to check. */
    return ALIGNED_CAST(const struct ofp_header *,
                        item->add + sizeof(struct ofp_header)
                        + sizeof(struct ofp14_bundle_ctrl_msg));
}

/* Compares the encodings, since decoded actions have padding that is never
 * set. */
bool
ofmessage_same_actions(const struct ofpact *a, size_t a_len,
                       const struct ofpact *b, size_t b_len)
{
    struct ofpbuf as, bs;
    bool same;

    ofpbuf_init(&as, 256);
    ofpbuf_init(&bs, 256);
    ofpacts_put_openflow_instructions(a, a_len, &as, OFP15_VERSION);
    ofpacts_put_openflow_instructions(b, b_len, &bs, OFP15_VERSION);
    same = ofpbuf_equal(&as, &bs);
    ofpbuf_uninit(&as);
    ofpbuf_uninit(&bs);
    return same;
}

/* Flows.  ---------------------------------------------------------------- */

/* Without the match and the ownership of the instructions. */
static void
wire_flow_fill(struct flow_record *flow, const struct ofputil_flow_stats *fs,
               const void *instructions, size_t instructions_size)
{
    flow->cookie = ntohll(fs->cookie);
    flow->table = fs->table_id;
    flow->priority = fs->priority;
    flow->idle_timeout = fs->idle_timeout;
    flow->hard_timeout = fs->hard_timeout;
    flow->importance = fs->importance;
    flow->flags = fs->flags;
    flow->instructions_size = instructions_size;
    flow->instructions = CONST_CAST(void *, instructions);
}

struct flow_record *
flow_record_create(const struct ofputil_flow_stats *fs,
                   const void *instructions, size_t instructions_size)
{
    struct flow_record *flow = xzalloc(sizeof *flow);

    minimatch_init(&flow->match, &fs->match);
    wire_flow_fill(flow, fs, instructions, instructions_size);
    flow->instructions = xmemdup(instructions, instructions_size);
    return flow;
}

size_t
flow_record_size(size_t instructions_size)
{
    /* The size of a typical match, and of a pointer to it. */
    return sizeof(struct flow_record) + instructions_size + 256;
}

void
flow_records_add(struct flow_records *list,
                 const struct ofputil_flow_stats *fs, const void *instructions,
                 size_t instructions_size)
{
    if (list->n >= list->allocated) {
        list->records = x2nrealloc(list->records, &list->allocated,
                                   sizeof *list->records);
    }
    list->records[list->n++] = flow_record_create(fs, instructions,
                                                  instructions_size);
}

void
flow_records_drop_last(struct flow_records *list)
{
    flow_record_destroy(list->records[--list->n]);
}

void
flow_records_uninit(struct flow_records *list)
{
    while (list->n) {
        flow_records_drop_last(list);
    }
    free(list->records);
    memset(list, 0, sizeof *list);
}

void
flow_record_destroy(struct flow_record *flow)
{
    if (flow) {
        minimatch_destroy(&flow->match);
        free(flow->instructions);
        free(flow);
    }
}

bool
ofmessage_decode_flow(const struct flow_item *item,
                      struct ofputil_flow_mod *fm, struct ofpbuf *ofpacts)
{
    return !ofputil_decode_flow_mod(fm, ofmessage_inner(item),
                                    OFPUTIL_P_OF15_OXM, NULL, NULL,
                                    ofpacts, OFPP_MAX, 255);
}

/* Returns the instructions of a flow item that has no flags, timeouts or
 * importance; NULL if it has. */
static const uint8_t *
instructions_of(const struct flow_item *item, size_t *size)
{
    const struct ofp_header *inner = ofmessage_inner(item);
    const struct ofp11_match_header *omh;
    const struct ofp11_flow_mod *ofm;
    size_t ofs = sizeof *inner + sizeof *ofm;
    const uint8_t *p = (const uint8_t *) inner;

    ofm = (const void *) (p + sizeof *inner);
    omh = (const void *) (p + ofs);
    ofs += ROUND_UP(ntohs(omh->length), 8);
    *size = ntohs(inner->length) - ofs;
    return (ofm->flags || ofm->idle_timeout || ofm->hard_timeout
            || ofm->importance ? NULL : p + ofs);
}

/* Compares the instructions as bytes: the switch has decoded the item's and
 * encoded them again, which is almost always identical. */
static bool
same_instructions(const struct flow_item *item, const void *instructions,
                  size_t instructions_size)
{
    size_t size;
    const uint8_t *desired = instructions_of(item, &size);

    return (desired && size == instructions_size
            && !memcmp(desired, instructions, size));
}

static bool
same_bytes(const struct flow_record *flow, const struct flow_item *item)
{
    return (!flow->flags && !flow->idle_timeout && !flow->hard_timeout
            && !flow->importance
            && same_instructions(item, flow->instructions,
                                 flow->instructions_size));
}

const struct flow_item *
flow_record_find(const struct engine *engine, const char *host,
                 const struct ofdump_raw *raw)
{
    const struct ofp15_flow_desc *desc = raw->desc;
    const struct flow_item *item;

    if (desc->flags || desc->idle_timeout || desc->hard_timeout
        || desc->importance) {
        return NULL;
    }
    item = engine_find_encoded_flow(engine, host, desc->table_id,
                                    ntohs(desc->priority), raw->match,
                                    raw->match_size);
    return (item && item->cookie == ntohll(desc->cookie)
            && same_instructions(item, raw->instructions,
                                 raw->instructions_size) ? item : NULL);
}

/* Compares them by meaning. */
static bool
same_meaning(const struct flow_record *flow, const struct flow_item *item)
{
    struct ofpbuf b = ofpbuf_const_initializer(flow->instructions,
                                               flow->instructions_size);
    struct ofpbuf held, desired;
    struct ofputil_flow_mod fm;
    bool same = false;

    ofpbuf_init(&held, 256);
    ofpbuf_init(&desired, 256);
    if (ofmessage_decode_flow(item, &fm, &desired)) {
        same = (fm.idle_timeout == flow->idle_timeout
                && fm.hard_timeout == flow->hard_timeout
                && fm.importance == flow->importance
                && (fm.flags & OFPUTIL_FF_STATE) == flow->flags
                && !ofpacts_pull_openflow_instructions(
                    &b, flow->instructions_size, OFP15_VERSION, NULL, NULL,
                    &held)
                && ofmessage_same_actions(held.data, held.size, fm.ofpacts,
                                          fm.ofpacts_len));
        minimatch_destroy(&fm.match);
    }
    ofpbuf_uninit(&held);
    ofpbuf_uninit(&desired);
    return same;
}

bool
flow_record_equals(const struct flow_record *flow,
                   const struct flow_item *item)
{
    return (flow->cookie == item->cookie
            && (same_bytes(flow, item) || same_meaning(flow, item)));
}

static bool
flow_stats_equal(const struct ofputil_flow_stats *fs, const void *instructions,
                 size_t instructions_size, const struct flow_item *item)
{
    struct flow_record flow;

    wire_flow_fill(&flow, fs, instructions, instructions_size);
    return flow_record_equals(&flow, item);
}

const struct flow_item *
flow_stats_find(const struct engine *engine, const char *host,
                const struct ofputil_flow_stats *fs, const void *instructions,
                size_t instructions_size)
{
    const struct flow_item *desired = engine_find_flow(
        engine, host, fs->table_id, fs->priority, &fs->match);

    return (desired && flow_stats_equal(fs, instructions, instructions_size,
                                        desired) ? desired : NULL);
}

void
flow_record_append_delete(const struct flow_record *flow, uint32_t xid,
                          struct ofpbuf *b)
{
    struct ofputil_flow_mod fm = {
        .match = flow->match,
        .priority = flow->priority,
        .cookie = htonll(flow->cookie),
        .cookie_mask = htonll(FLOW_COOKIE_OWNER),
        .table_id = flow->table,
        .command = OFPFC_DELETE_STRICT,
        .buffer_id = UINT32_MAX,
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
    };
    struct ofpbuf *msg = ofputil_encode_flow_mod(&fm, OFPUTIL_P_OF15_OXM);

    ofpmsg_update_length(msg);
    ((struct ofp_header *) msg->data)->xid = htonl(xid);
    ofmsg_put_bundle_add(b, FLOW_ITEM_BUNDLE_ID, msg->data);
    ofpbuf_delete(msg);
}

void
ofmessage_append_delete_table(uint8_t table, uint32_t xid, struct ofpbuf *b)
{
    struct ofputil_flow_mod fm = {
        .table_id = table,
        .command = OFPFC_DELETE,
        .buffer_id = UINT32_MAX,
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
    };
    struct match match = MATCH_CATCHALL_INITIALIZER;
    struct ofpbuf *msg;

    minimatch_init(&fm.match, &match);
    msg = ofputil_encode_flow_mod(&fm, OFPUTIL_P_OF15_OXM);
    minimatch_destroy(&fm.match);
    ofpmsg_update_length(msg);
    ((struct ofp_header *) msg->data)->xid = htonl(xid);
    ofmsg_put_bundle_add(b, FLOW_ITEM_BUNDLE_ID, msg->data);
    ofpbuf_delete(msg);
}

/* Groups.  --------------------------------------------------------------- */

size_t
group_record_size(const struct ofputil_group_desc *gd)
{
    const struct ofputil_bucket *bucket;
    size_t size = sizeof(struct group_record) + 64;

    LIST_FOR_EACH (bucket, list_node, &gd->buckets) {
        size += sizeof *bucket + bucket->ofpacts_len + 64;
    }
    return size;
}

struct group_record *
group_record_create(const struct ofputil_group_desc *desc)
{
    struct group_record *group = xzalloc(sizeof *group);

    group->desc.type = desc->type;
    group->desc.group_id = desc->group_id;
    ovs_list_init(&group->desc.buckets);
    ofputil_bucket_clone_list(&group->desc.buckets, &desc->buckets, NULL);
    ofputil_group_properties_copy(&group->desc.props, &desc->props);
    return group;
}

void
group_record_destroy(struct group_record *group)
{
    if (group) {
        ofputil_uninit_group_desc(&group->desc);
        free(group);
    }
}

static bool
same_bucket(const struct ofputil_bucket *a, const struct ofputil_bucket *b,
            uint8_t type)
{
    return (a->bucket_id == b->bucket_id
            && (type != OFPGT11_SELECT || a->weight == b->weight)
            && a->watch_port == b->watch_port
            && a->watch_group == b->watch_group
            && ofmessage_same_actions(a->ofpacts, a->ofpacts_len, b->ofpacts,
                                      b->ofpacts_len));
}

static bool
same_buckets(const struct ovs_list *as, const struct ovs_list *bs,
             uint8_t type)
{
    const struct ofputil_bucket *a;
    const struct ovs_list *b = bs->next;

    LIST_FOR_EACH (a, list_node, as) {
        if (b == bs
            || !same_bucket(a, CONTAINER_OF(b, struct ofputil_bucket,
                                            list_node), type)) {
            return false;
        }
        b = b->next;
    }
    return b == bs;
}

static bool
same_props(const struct ofputil_group_props *a,
           const struct ofputil_group_props *b)
{
    return (!strcmp(a->selection_method, b->selection_method)
            && a->selection_method_param == b->selection_method_param
            && bitmap_equal(a->fields.used.bm, b->fields.used.bm, MFF_N_IDS)
            && a->fields.values_size == b->fields.values_size
            && (!a->fields.values_size
                || !memcmp(a->fields.values, b->fields.values,
                           a->fields.values_size)));
}

bool
group_record_equals(const struct group_record *group,
                    const struct flow_item *item)
{
    struct ofputil_group_mod gm;
    bool same;

    if (ofputil_decode_group_mod(ofmessage_inner(item), &gm)) {
        return false;
    }
    same = (gm.type == group->desc.type
            && same_buckets(&gm.buckets, &group->desc.buckets, gm.type)
            && same_props(&gm.props, &group->desc.props));
    ofputil_uninit_group_mod(&gm);
    return same;
}

static void
append_group_delete(uint32_t group_id, uint32_t xid, struct ofpbuf *b)
{
    struct ofputil_group_mod gm = {
        .command = OFPGC11_DELETE,
        .group_id = group_id,
        .command_bucket_id = OFPG15_BUCKET_ALL,
        .buckets = OVS_LIST_INITIALIZER(&gm.buckets),
    };
    struct ofpbuf *msg = ofputil_encode_group_mod(OFP15_VERSION, &gm, NULL,
                                                  -1);

    ofpmsg_update_length(msg);
    ((struct ofp_header *) msg->data)->xid = htonl(xid);
    ofmsg_put_bundle_add(b, FLOW_ITEM_BUNDLE_ID, msg->data);
    ofpbuf_delete(msg);
}

void
group_record_append_delete(const struct group_record *group, uint32_t xid,
                           struct ofpbuf *b)
{
    append_group_delete(group->desc.group_id, xid, b);
}

void
ofmessage_append_delete_groups(uint32_t xid, struct ofpbuf *b)
{
    append_group_delete(OFPG_ALL, xid, b);
}

const struct flow_item *
ofmessage_find_desired(const struct engine *engine, const char *host,
                       const struct flow_item *item)
{
    const struct flow_item *desired = NULL;
    struct ofputil_flow_mod fm;
    struct ofpbuf ofpacts;

    if (item->kind == FLOW_ITEM_GROUP) {
        return engine_find_group(engine, host, item->group_id);
    }
    ofpbuf_init(&ofpacts, 256);
    if (ofmessage_decode_flow(item, &fm, &ofpacts)) {
        struct match match;

        minimatch_expand(&fm.match, &match);
        desired = engine_find_flow(engine, host, item->table, item->priority,
                                   &match);
        minimatch_destroy(&fm.match);
    }
    ofpbuf_uninit(&ofpacts);
    return desired;
}
