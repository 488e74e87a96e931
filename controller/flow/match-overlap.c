/* SPDX-License-Identifier: Apache-2.0
 *
 * Overlapping flows; see match-overlap.h. */

#include <config.h>

#include "controller/flow/match-overlap.h"

#include <string.h>

#include "controller/flow/flow-item.h"
#include "flow.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/match.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-match.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

/* OXM fields as they are encoded.  --------------------------------------- */

/* A match starts with its type and length, and its fields follow. */
#define MATCH_HEADER_SIZE 4
#define OXM_HEADER_SIZE 4
#define OXM_EXPERIMENTER 0xffff

struct oxm {
    uint32_t field;             /* Class and number. */
    const uint8_t *value;
    const uint8_t *mask;        /* NULL: all of it. */
    size_t size;                /* Of value and of mask, in bytes. */
};

/* Reads the field at '*p' and advances '*p'.  Returns false at the end. */
static bool
next_oxm(const uint8_t **p, const uint8_t *end, struct oxm *oxm)
{
    if (end - *p < OXM_HEADER_SIZE) {
        return false;
    }

    const uint8_t *h = *p;
    bool has_mask = h[2] & 1;
    size_t size = h[3];

    if ((size_t) (end - h) < OXM_HEADER_SIZE + size) {
        return false;
    }
    oxm->field = (uint32_t) h[0] << 16 | h[1] << 8 | h[2] >> 1;
    oxm->size = has_mask ? size / 2 : size;
    oxm->value = h + OXM_HEADER_SIZE;
    oxm->mask = has_mask ? oxm->value + oxm->size : NULL;
    *p = oxm->value + size;
    return true;
}

static void
oxm_bounds(const struct flow_item *item, const uint8_t **p,
           const uint8_t **end)
{
    size_t size;
    const uint8_t *match = flow_item_match(item, &size);
    size_t length = match[2] << 8 | match[3];

    *p = match + MATCH_HEADER_SIZE;
    *end = match + MIN(MAX(length, MATCH_HEADER_SIZE), size);
}

/* Returns true if no packet has both values of the field. */
static bool
oxm_differ(const struct oxm *a, const struct oxm *b)
{
    if (a->size != b->size) {
        return false;
    }
    for (size_t i = 0; i < a->size; i++) {
        uint8_t mask = (a->mask ? a->mask[i] : 0xff)
                       & (b->mask ? b->mask[i] : 0xff);

        if ((a->value[i] ^ b->value[i]) & mask) {
            return true;
        }
    }
    return false;
}

bool
match_is_disjoint(const struct flow_item *a, const struct flow_item *b)
{
    const uint8_t *a_p, *a_end, *b_start, *b_end;
    struct oxm x, y;

    oxm_bounds(a, &a_p, &a_end);
    oxm_bounds(b, &b_start, &b_end);
    while (next_oxm(&a_p, a_end, &x)) {
        const uint8_t *b_p = b_start;

        /* Experimenter fields have a longer header. */
        while (x.field >> 8 != OXM_EXPERIMENTER
               && next_oxm(&b_p, b_end, &y)) {
            if (x.field == y.field && oxm_differ(&x, &y)) {
                return true;
            }
        }
    }
    return false;
}

#define OXM_BASIC(FIELD) (0x8000u << 8 | (FIELD))
#define OXM_ETH_TYPE OXM_BASIC(5)
#define OXM_IP_PROTO OXM_BASIC(10)

uint64_t
match_shape_of_item(const struct flow_item *item, uint16_t *eth_type,
                    uint8_t *ip_proto)
{
    const uint8_t *p, *end;
    uint64_t hash = 0;
    struct oxm oxm;

    *eth_type = 0;
    *ip_proto = 0;
    oxm_bounds(item, &p, &end);
    while (next_oxm(&p, end, &oxm)) {
        bool by_value = (oxm.field == OXM_ETH_TYPE
                         || oxm.field == OXM_IP_PROTO
                         || oxm.field >> 8 == OXM_EXPERIMENTER);
        struct {
            uint64_t before;
            uint32_t field;
            uint32_t masked;
        } head = { hash, oxm.field, oxm.mask != NULL };

        hash = keyed_hash64(&head, sizeof head, 0);
        if (oxm.mask) {
            hash ^= keyed_hash64(oxm.mask, oxm.size, 1);
        }
        if (by_value) {
            hash ^= keyed_hash64(oxm.value, oxm.size, 2);
        }
        if (oxm.field == OXM_ETH_TYPE && oxm.size == 2 && !oxm.mask) {
            *eth_type = oxm.value[0] << 8 | oxm.value[1];
        } else if (oxm.field == OXM_IP_PROTO && oxm.size == 1) {
            *ip_proto = oxm.value[0];
        }
    }
    return hash;
}

/* Decoded.  -------------------------------------------------------------- */

void
flow_item_decode_match(const struct flow_item *item, struct match *match)
{
    size_t size;
    const uint8_t *bytes = flow_item_match(item, &size);
    struct ofpbuf b = ofpbuf_const_initializer(bytes, size);
    uint16_t padded;

    /* The engine has encoded it, so it can be decoded. */
    if (ofputil_pull_ofp11_match(&b, NULL, NULL, match, &padded)) {
        match_init_catchall(match);
    }
}

bool
match_intersect(const struct match *a, const struct match *b,
                struct match *both)
{
    const uint64_t *af = (const uint64_t *) &a->flow;
    const uint64_t *bf = (const uint64_t *) &b->flow;
    const uint64_t *am = (const uint64_t *) &a->wc.masks;
    const uint64_t *bm = (const uint64_t *) &b->wc.masks;

    match_init_catchall(both);

    uint64_t *flow = (uint64_t *) &both->flow;
    uint64_t *mask = (uint64_t *) &both->wc.masks;
    for (size_t i = 0; i < FLOW_U64S; i++) {
        if ((af[i] ^ bf[i]) & am[i] & bm[i]) {
            return false;
        }
        flow[i] = (af[i] & am[i]) | (bf[i] & bm[i]);
        mask[i] = am[i] | bm[i];
    }
    return true;
}

/* Returns true if the field is shown as one number, so that an example packet
 * has all of its bits.  Not flags, which are shown one by one, nor registers
 * that are matched in pairs. */
static bool
is_plain_field(const struct mf_field *mf)
{
    return mf->maskable != MFM_NONE
           && (mf->string == MFS_DECIMAL || mf->string == MFS_HEXADECIMAL
               || mf->string == MFS_IPV4 || mf->string == MFS_IPV6
               || mf->string == MFS_ETHERNET)
           && !mf_is_tun_metadata(mf)
           && !(mf->id >= MFF_XREG0 && mf->id < MFF_XREG0 + FLOW_N_XREGS)
           && !(mf->id >= MFF_XXREG0
                && mf->id < MFF_XXREG0 + FLOW_N_XXREGS)
           && mf->id != MFF_VLAN_TCI;
}

char *
match_example_packet(const struct match *match)
{
    struct match packet = *match;

    for (int id = 0; id < MFF_N_IDS; id++) {
        const struct mf_field *mf = mf_from_id(id);

        if (is_plain_field(mf) && !mf_is_all_wild(mf, &match->wc)) {
            union mf_value value;

            mf_get_value(mf, &match->flow, &value);
            mf_set_value(mf, &value, &packet, NULL);
        }
    }
    return match_to_string(&packet, NULL, OFP_DEFAULT_PRIORITY);
}

bool
flow_item_same_actions(const struct flow_item *a, const struct flow_item *b)
{
    size_t a_match, b_match;
    const uint8_t *a_rest = flow_item_match(a, &a_match);
    const uint8_t *b_rest = flow_item_match(b, &b_match);
    size_t a_size, b_size;

    a_rest += a_match;
    b_rest += b_match;
    a_size = a->add + a->add_size - a_rest;
    b_size = b->add + b->add_size - b_rest;
    return a_size == b_size && !memcmp(a_rest, b_rest, a_size);
}
