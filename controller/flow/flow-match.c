/* SPDX-License-Identifier: Apache-2.0
 *
 * Implements the matches of include/vmn/flow.h: fields, their values, and what
 * a match on them implies.  Flows and groups are in flow.c. */

#include <config.h>

#include "controller/flow/emit.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "openvswitch/meta-flow.h"
#include "packets.h"
#include "util.h"

/* Fields by enum vmn_field, and the prerequisites that a match on them
 * implies.  A prerequisite of 0 is left to the app. */
static const struct {
    enum mf_field_id id;
    uint16_t eth_type;
    uint8_t ip_proto;
} fields[VMN_N_FIELDS] = {
    [VMN_F_IN_PORT] = { MFF_IN_PORT_OXM, 0, 0 },
    [VMN_F_ETH_SRC] = { MFF_ETH_SRC, 0, 0 },
    [VMN_F_ETH_DST] = { MFF_ETH_DST, 0, 0 },
    [VMN_F_ETH_TYPE] = { MFF_ETH_TYPE, 0, 0 },
    [VMN_F_VLAN_TCI] = { MFF_VLAN_TCI, 0, 0 },
    [VMN_F_ARP_OP] = { MFF_ARP_OP, VMN_ETH_ARP, 0 },
    [VMN_F_ARP_SPA] = { MFF_ARP_SPA, VMN_ETH_ARP, 0 },
    [VMN_F_ARP_TPA] = { MFF_ARP_TPA, VMN_ETH_ARP, 0 },
    [VMN_F_ARP_SHA] = { MFF_ARP_SHA, VMN_ETH_ARP, 0 },
    [VMN_F_ARP_THA] = { MFF_ARP_THA, VMN_ETH_ARP, 0 },
    [VMN_F_IP_PROTO] = { MFF_IP_PROTO, 0, 0 },
    [VMN_F_IP_FRAG] = { MFF_IP_FRAG, 0, 0 },
    [VMN_F_IP_TTL] = { MFF_IP_TTL, 0, 0 },
    [VMN_F_IPV4_SRC] = { MFF_IPV4_SRC, VMN_ETH_IPV4, 0 },
    [VMN_F_IPV4_DST] = { MFF_IPV4_DST, VMN_ETH_IPV4, 0 },
    [VMN_F_TCP_SRC] = { MFF_TCP_SRC, 0, IPPROTO_TCP },
    [VMN_F_TCP_DST] = { MFF_TCP_DST, 0, IPPROTO_TCP },
    [VMN_F_UDP_SRC] = { MFF_UDP_SRC, 0, IPPROTO_UDP },
    [VMN_F_UDP_DST] = { MFF_UDP_DST, 0, IPPROTO_UDP },
    [VMN_F_SCTP_SRC] = { MFF_SCTP_SRC, 0, IPPROTO_SCTP },
    [VMN_F_SCTP_DST] = { MFF_SCTP_DST, 0, IPPROTO_SCTP },
    [VMN_F_ICMPV4_TYPE] = { MFF_ICMPV4_TYPE, VMN_ETH_IPV4, IPPROTO_ICMP },
    [VMN_F_ICMPV4_CODE] = { MFF_ICMPV4_CODE, VMN_ETH_IPV4, IPPROTO_ICMP },
    [VMN_F_TUN_ID] = { MFF_TUN_ID, 0, 0 },
    [VMN_F_TUN_SRC] = { MFF_TUN_SRC, 0, 0 },
    [VMN_F_TUN_DST] = { MFF_TUN_DST, 0, 0 },
    [VMN_F_CT_STATE] = { MFF_CT_STATE, 0, 0 },
    [VMN_F_CT_MARK] = { MFF_CT_MARK, 0, 0 },
    [VMN_F_CT_NW_PROTO] = { MFF_CT_NW_PROTO, 0, 0 },
    [VMN_F_CT_NW_SRC] = { MFF_CT_NW_SRC, VMN_ETH_IPV4, 0 },
    [VMN_F_CT_NW_DST] = { MFF_CT_NW_DST, VMN_ETH_IPV4, 0 },
    [VMN_F_CT_TP_SRC] = { MFF_CT_TP_SRC, 0, 0 },
    [VMN_F_CT_TP_DST] = { MFF_CT_TP_DST, 0, 0 },
    [VMN_F_CONJ_ID] = { MFF_CONJ_ID, 0, 0 },
    [VMN_F_REG0] = { MFF_REG0, 0, 0 },   [VMN_F_REG1] = { MFF_REG1, 0, 0 },
    [VMN_F_REG2] = { MFF_REG2, 0, 0 },   [VMN_F_REG3] = { MFF_REG3, 0, 0 },
    [VMN_F_REG4] = { MFF_REG4, 0, 0 },   [VMN_F_REG5] = { MFF_REG5, 0, 0 },
    [VMN_F_REG6] = { MFF_REG6, 0, 0 },   [VMN_F_REG7] = { MFF_REG7, 0, 0 },
    [VMN_F_REG8] = { MFF_REG8, 0, 0 },   [VMN_F_REG9] = { MFF_REG9, 0, 0 },
    [VMN_F_REG10] = { MFF_REG10, 0, 0 }, [VMN_F_REG11] = { MFF_REG11, 0, 0 },
    [VMN_F_REG12] = { MFF_REG12, 0, 0 }, [VMN_F_REG13] = { MFF_REG13, 0, 0 },
    [VMN_F_REG14] = { MFF_REG14, 0, 0 }, [VMN_F_REG15] = { MFF_REG15, 0, 0 },
    [VMN_F_IPV6_SRC] = { MFF_IPV6_SRC, VMN_ETH_IPV6, 0 },
    [VMN_F_IPV6_DST] = { MFF_IPV6_DST, VMN_ETH_IPV6, 0 },
    [VMN_F_ICMPV6_TYPE] = { MFF_ICMPV6_TYPE, VMN_ETH_IPV6, IPPROTO_ICMPV6 },
    [VMN_F_ICMPV6_CODE] = { MFF_ICMPV6_CODE, VMN_ETH_IPV6, IPPROTO_ICMPV6 },
    [VMN_F_ND_TARGET] = { MFF_ND_TARGET, VMN_ETH_IPV6, IPPROTO_ICMPV6 },
    [VMN_F_ND_SLL] = { MFF_ND_SLL, VMN_ETH_IPV6, IPPROTO_ICMPV6 },
    [VMN_F_ND_TLL] = { MFF_ND_TLL, VMN_ETH_IPV6, IPPROTO_ICMPV6 },
    [VMN_F_CT_IPV6_SRC] = { MFF_CT_IPV6_SRC, VMN_ETH_IPV6, 0 },
    [VMN_F_CT_IPV6_DST] = { MFF_CT_IPV6_DST, VMN_ETH_IPV6, 0 },
    [VMN_F_TUN_IPV6_SRC] = { MFF_TUN_IPV6_SRC, 0, 0 },
    [VMN_F_TUN_IPV6_DST] = { MFF_TUN_IPV6_DST, 0, 0 },
    [VMN_F_TCP_FLAGS] = { MFF_TCP_FLAGS, 0, IPPROTO_TCP },
};

const struct mf_field *
field_get(enum vmn_field field)
{
    return mf_from_id(fields[field < VMN_N_FIELDS ? field : 0].id);
}

bool
field_exists(struct vmn_emit *emit, enum vmn_field field)
{
    if (field >= VMN_N_FIELDS) {
        emit_fail(emit, "there is no field %u", (unsigned) field);
        return false;
    }
    return true;
}

/* Writes 'value' to '*mfv' in network byte order, with the width of 'field'.
 * Returns false, with emit_fail(), if that is not possible. */
bool
field_value(struct vmn_emit *emit, enum vmn_field field, uint64_t value,
            union mf_value *mfv)
{
    if (!field_exists(emit, field)) {
        return false;
    }

    const struct mf_field *mf = field_get(field);
    unsigned n_bytes = mf->n_bytes;

    memset(mfv, 0, sizeof *mfv);
    if (n_bytes > 8
        || (mf->n_bits < 64 && mf->id != MFF_VLAN_TCI
            && value >> mf->n_bits)) {
        emit_fail(emit, "value %#llx does not fit field %s",
                  (unsigned long long) value, mf->name);
        return false;
    }
    for (unsigned i = 0; i < n_bytes; i++) {
        ((uint8_t *) mfv)[n_bytes - 1 - i] = value >> (8 * i);
    }
    return true;
}

bool
field_ip(struct vmn_emit *emit, enum vmn_field field, const struct vmn_ip *ip,
         union mf_value *mfv)
{
    if (!field_exists(emit, field)) {
        return false;
    }

    const struct mf_field *mf = field_get(field);

    if (!(ip->family == 4 && mf->n_bytes == 4)
        && !(ip->family == 6 && mf->n_bytes == 16)) {
        emit_fail(emit, "%s takes no IPv%u address", mf->name, ip->family);
        return false;
    }
    memset(mfv, 0, sizeof *mfv);
    memcpy(mfv, ip->addr, mf->n_bytes);
    return true;
}

/* Neighbour discovery has code 0 (RFC 4861, section 4).  Unless a flow matches
 * that as well, Open vSwitch leaves what it looks at of the message out of the
 * flow that it gives the kernel's datapath (odp_flow_key_from_flow__()), and
 * whatever comes next is taken for the same. */
static void
match_nd_code(struct vmn_flow *flow)
{
    flow->matched |= UINT64_C(1) << VMN_F_ICMPV6_CODE;
    match_set_icmp_code(&flow->match, 0);
}

static void
match_imply(struct vmn_flow *flow, enum vmn_field field)
{
    struct match *match = &flow->match;

    if (fields[field].eth_type && !match->wc.masks.dl_type) {
        match_set_dl_type(match, htons(fields[field].eth_type));
    }
    if (fields[field].ip_proto) {
        if (!match->wc.masks.dl_type) {
            match_set_dl_type(match, htons(VMN_ETH_IPV4));
        }
        if (!match->wc.masks.nw_proto) {
            match_set_nw_proto(match, fields[field].ip_proto);
        }
    }
    if (field == VMN_F_ND_TARGET || field == VMN_F_ND_SLL
        || field == VMN_F_ND_TLL) {
        match_nd_code(flow);
    }
}

static void
match_bytes(struct vmn_flow *flow, enum vmn_field field,
            const union mf_value *value, const union mf_value *mask)
{
    char *error = NULL;

    flow->matched |= UINT64_C(1) << field;
    match_imply(flow, field);
    if (!mf_set(field_get(field), value, mask, &flow->match, &error)) {
        emit_fail(flow->actions.emit, "cannot match %s",
                  field_get(field)->name);
    } else if (error) {
        emit_fail(flow->actions.emit, "cannot match %s: %s",
                  field_get(field)->name, error);
    }
    free(error);
}

void
vmn_match(struct vmn_flow *flow, enum vmn_field field, uint64_t value)
{
    union mf_value mfv;

    if (field_value(flow->actions.emit, field, value, &mfv)) {
        match_bytes(flow, field, &mfv, NULL);
    }
}

/* Gives a match of fragments the mask that ovs-ofctl(8) has for what it means:
 * of the two bits a packet has none, the first, or both.  Others become one of
 * those where Open vSwitch's scripts save and restore flows as text. */
static void
match_fragments(uint64_t *value, uint64_t *mask)
{
    const uint64_t both = VMN_FRAG_ANY | VMN_FRAG_LATER;

    if (*mask == VMN_FRAG_ANY && !(*value & *mask)) {
        *mask = both;
        *value = 0;             /* Whole packets. */
    } else if (*mask & *value & VMN_FRAG_LATER) {
        *mask = *value = both;  /* Later fragments. */
    }
}

void
vmn_match_masked(struct vmn_flow *flow, enum vmn_field field, uint64_t value,
                 uint64_t mask)
{
    union mf_value mfv, mfm;

    if (field == VMN_F_IP_FRAG) {
        match_fragments(&value, &mask);
    }
    if (field_value(flow->actions.emit, field, value & mask, &mfv)
        && field_value(flow->actions.emit, field, mask, &mfm)) {
        match_bytes(flow, field, &mfv, &mfm);
    }
}

void
vmn_match_low_bits(struct vmn_flow *flow, enum vmn_field field,
                   uint32_t value, unsigned n_bits)
{
    union mf_value mfv, mfm;
    uint32_t mask = n_bits < 32 ? (UINT32_C(1) << n_bits) - 1 : UINT32_MAX;
    unsigned n_bytes;

    if (!field_exists(flow->actions.emit, field)) {
        return;
    }
    n_bytes = field_get(field)->n_bytes;
    memset(&mfv, 0, sizeof mfv);
    memset(&mfm, 0, sizeof mfm);
    for (unsigned i = 0; i < 4 && i < n_bytes; i++) {
        ((uint8_t *) &mfv)[n_bytes - 1 - i] = (value & mask) >> (8 * i);
        ((uint8_t *) &mfm)[n_bytes - 1 - i] = mask >> (8 * i);
    }
    if (n_bits) {
        match_bytes(flow, field, &mfv, &mfm);
    }
}

void
vmn_match_mac(struct vmn_flow *flow, enum vmn_field field, struct vmn_mac mac)
{
    union mf_value mfv = { .be64 = 0 };

    if (!field_exists(flow->actions.emit, field)) {
        return;
    }
    if (field_get(field)->n_bytes != sizeof mac.ea) {
        emit_fail(flow->actions.emit, "%s is no Ethernet address",
                  field_get(field)->name);
        return;
    }
    memcpy(&mfv.mac, mac.ea, sizeof mac.ea);
    match_bytes(flow, field, &mfv, NULL);
}

void
vmn_match_prefix(struct vmn_flow *flow, enum vmn_field field,
                 const struct vmn_prefix *prefix)
{
    union mf_value mfv, mfm;

    if (!field_ip(flow->actions.emit, field, &prefix->ip, &mfv)) {
        return;
    }
    if (prefix->len > 8 * field_get(field)->n_bytes) {
        emit_fail(flow->actions.emit, "%s takes no prefix of length %u",
                  field_get(field)->name, prefix->len);
        return;
    }
    memset(&mfm, 0, sizeof mfm);
    if (prefix->ip.family == 4) {
        mfm.be32 = be32_prefix_mask(prefix->len);
        mfv.be32 &= mfm.be32;
    } else {
        mfm.ipv6 = ipv6_create_mask(prefix->len);
        mfv.ipv6 = ipv6_addr_bitand(&mfv.ipv6, &mfm.ipv6);
    }
    match_bytes(flow, field, &mfv, &mfm);
}

void
vmn_match_ip(struct vmn_flow *flow, enum vmn_field field,
             const struct vmn_ip *ip)
{
    struct vmn_prefix prefix = { .ip = *ip,
                                 .len = ip->family == 4 ? 32 : 128 };

    vmn_match_prefix(flow, field, &prefix);
}

bool
flow_match_is_complete(struct vmn_flow *flow)
{
    uint64_t left;

    for (left = flow->matched; left; left = zero_rightmost_1bit(left)) {
        const struct mf_field *mf = field_get(raw_ctz(left));

        if (!mf_are_match_prereqs_ok(mf, &flow->match)) {
            emit_fail(flow->actions.emit,
                      "match on %s lacks a prerequisite", mf->name);
            return false;
        }
    }
    return true;
}
