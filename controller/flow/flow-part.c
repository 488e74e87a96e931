/* SPDX-License-Identifier: Apache-2.0
 *
 * Parts of a unit's flows; see flow-part.h. */

#include <config.h>

#include "controller/flow/flow-part.h"

#include "byte-order.h"
#include "controller/flow/flow-item.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofpbuf.h"
#include "unaligned.h"
#include "util.h"

/* Bytes that fit into a note without padding. */
#define NOTE_SIZE 6

void
flow_part_put(struct ofpbuf *ofpacts, uint32_t part)
{
    uint8_t data[NOTE_SIZE] = { part >> 24, part >> 16, part >> 8, part };
    struct ofpbuf rest;
    struct ofpact_note *connection;

    ofpbuf_init(&rest, ofpacts->size);
    ofpbuf_put(&rest, ofpacts->data, ofpacts->size);
    ofpbuf_clear(ofpacts);
    connection = ofpact_put_NOTE(ofpacts);
    ofpbuf_put(ofpacts, data, sizeof data);
    connection = ofpacts->header;
    connection->length = sizeof data;
    ofpact_finish_NOTE(ofpacts, &connection);
    ofpbuf_put(ofpacts, rest.data, rest.size);
    ofpbuf_uninit(&rest);
}

/* Returns the part that the first of these actions notes, or 0. */
static uint32_t
read_note(const struct ofpact *a, size_t size)
{
    return (size && a->type == OFPACT_NOTE
            && ofpact_get_NOTE(a)->length == NOTE_SIZE
            ? ntohl(get_unaligned_be32(ALIGNED_CAST(
                const ovs_be32 *, ofpact_get_NOTE(a)->data))) : 0);
}

size_t
flow_part_read_buckets(const struct flow_item *item, uint32_t *parts,
                       size_t max)
{
    const struct ofputil_bucket *bucket;
    struct ofputil_group_mod gm;
    size_t n = 0;

    if (ofputil_decode_group_mod(flow_item_message(item), &gm)) {
        return 0;               /* The engine has encoded it. */
    }
    LIST_FOR_EACH (bucket, list_node, &gm.buckets) {
        if (n < max) {
            parts[n++] = read_note(bucket->ofpacts, bucket->ofpacts_len);
        }
    }
    ofputil_uninit_group_mod(&gm);
    return n;
}

uint32_t
flow_part_read(const struct flow_item *item)
{
    size_t size;
    const uint8_t *match = flow_item_match(item, &size);
    struct ofpbuf b = ofpbuf_const_initializer(
        match + size, item->add + item->add_size - (match + size));
    uint64_t stub[64];
    struct ofpbuf ofpacts = OFPBUF_STUB_INITIALIZER(stub);
    uint32_t part = 0;

    /* The engine has encoded them, so they can be decoded. */
    if (!ofpacts_pull_openflow_instructions(&b, b.size, OFP15_VERSION, NULL,
                                            NULL, &ofpacts)) {
        part = read_note(ofpacts.data, ofpacts.size);
    }
    ofpbuf_uninit(&ofpacts);
    return part;
}
