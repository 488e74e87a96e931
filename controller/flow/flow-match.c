/* SPDX-License-Identifier: Apache-2.0
 *
 * Implements the matches of include/vmn/flow.h: fields, their values, and what
 * a match on them implies.  Flows and groups are in flow.c. */

#include <config.h>

#include "controller/flow/emit.h"
#include "controller/flow/oxm.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "openvswitch/meta-flow.h"
#include "packets.h"
#include "util.h"

#define FIELD(NAME, ID, ETH_TYPE, IP_PROTO)                             \
    [VMN_F_##NAME] = { "VMN_F_" #NAME, MFF_##ID, ETH_TYPE, IP_PROTO }

/* Fields by enum vmn_field, and the prerequisites that a match on them
 * implies.  A prerequisite of 0 is left to the app. */
static const struct {
    const char *name;
    enum mf_field_id id;
    uint16_t eth_type;
    uint8_t ip_proto;
} fields[VMN_N_FIELDS] = {
    FIELD(IN_PORT, IN_PORT_OXM, 0, 0),
    FIELD(ETH_SRC, ETH_SRC, 0, 0),
    FIELD(ETH_DST, ETH_DST, 0, 0),
    FIELD(ETH_TYPE, ETH_TYPE, 0, 0),
    FIELD(VLAN_TCI, VLAN_TCI, 0, 0),
    FIELD(ARP_OP, ARP_OP, VMN_ETH_ARP, 0),
    FIELD(ARP_SPA, ARP_SPA, VMN_ETH_ARP, 0),
    FIELD(ARP_TPA, ARP_TPA, VMN_ETH_ARP, 0),
    FIELD(ARP_SHA, ARP_SHA, VMN_ETH_ARP, 0),
    FIELD(ARP_THA, ARP_THA, VMN_ETH_ARP, 0),
    FIELD(IP_PROTO, IP_PROTO, 0, 0),
    FIELD(IP_FRAG, IP_FRAG, 0, 0),
    FIELD(IP_TTL, IP_TTL, 0, 0),
    FIELD(IPV4_SRC, IPV4_SRC, VMN_ETH_IPV4, 0),
    FIELD(IPV4_DST, IPV4_DST, VMN_ETH_IPV4, 0),
    FIELD(TCP_SRC, TCP_SRC, 0, IPPROTO_TCP),
    FIELD(TCP_DST, TCP_DST, 0, IPPROTO_TCP),
    FIELD(UDP_SRC, UDP_SRC, 0, IPPROTO_UDP),
    FIELD(UDP_DST, UDP_DST, 0, IPPROTO_UDP),
    FIELD(SCTP_SRC, SCTP_SRC, 0, IPPROTO_SCTP),
    FIELD(SCTP_DST, SCTP_DST, 0, IPPROTO_SCTP),
    FIELD(ICMPV4_TYPE, ICMPV4_TYPE, VMN_ETH_IPV4, IPPROTO_ICMP),
    FIELD(ICMPV4_CODE, ICMPV4_CODE, VMN_ETH_IPV4, IPPROTO_ICMP),
    FIELD(TUN_ID, TUN_ID, 0, 0),
    FIELD(TUN_SRC, TUN_SRC, 0, 0),
    FIELD(TUN_DST, TUN_DST, 0, 0),
    FIELD(CT_STATE, CT_STATE, 0, 0),
    FIELD(CT_MARK, CT_MARK, 0, 0),
    FIELD(CT_NW_PROTO, CT_NW_PROTO, 0, 0),
    FIELD(CT_NW_SRC, CT_NW_SRC, VMN_ETH_IPV4, 0),
    FIELD(CT_NW_DST, CT_NW_DST, VMN_ETH_IPV4, 0),
    FIELD(CT_TP_SRC, CT_TP_SRC, 0, 0),
    FIELD(CT_TP_DST, CT_TP_DST, 0, 0),
    FIELD(CONJ_ID, CONJ_ID, 0, 0),
    FIELD(REG0, REG0, 0, 0),   FIELD(REG1, REG1, 0, 0),
    FIELD(REG2, REG2, 0, 0),   FIELD(REG3, REG3, 0, 0),
    FIELD(REG4, REG4, 0, 0),   FIELD(REG5, REG5, 0, 0),
    FIELD(REG6, REG6, 0, 0),   FIELD(REG7, REG7, 0, 0),
    FIELD(REG8, REG8, 0, 0),   FIELD(REG9, REG9, 0, 0),
    FIELD(REG10, REG10, 0, 0), FIELD(REG11, REG11, 0, 0),
    FIELD(REG12, REG12, 0, 0), FIELD(REG13, REG13, 0, 0),
    FIELD(REG14, REG14, 0, 0), FIELD(REG15, REG15, 0, 0),
    FIELD(IPV6_SRC, IPV6_SRC, VMN_ETH_IPV6, 0),
    FIELD(IPV6_DST, IPV6_DST, VMN_ETH_IPV6, 0),
    FIELD(ICMPV6_TYPE, ICMPV6_TYPE, VMN_ETH_IPV6, IPPROTO_ICMPV6),
    FIELD(ICMPV6_CODE, ICMPV6_CODE, VMN_ETH_IPV6, IPPROTO_ICMPV6),
    FIELD(ND_TARGET, ND_TARGET, VMN_ETH_IPV6, IPPROTO_ICMPV6),
    FIELD(ND_SLL, ND_SLL, VMN_ETH_IPV6, IPPROTO_ICMPV6),
    FIELD(ND_TLL, ND_TLL, VMN_ETH_IPV6, IPPROTO_ICMPV6),
    FIELD(CT_IPV6_SRC, CT_IPV6_SRC, VMN_ETH_IPV6, 0),
    FIELD(CT_IPV6_DST, CT_IPV6_DST, VMN_ETH_IPV6, 0),
    FIELD(TUN_IPV6_SRC, TUN_IPV6_SRC, 0, 0),
    FIELD(TUN_IPV6_DST, TUN_IPV6_DST, 0, 0),
    FIELD(TCP_FLAGS, TCP_FLAGS, 0, IPPROTO_TCP),
    FIELD(IP_DSCP, IP_DSCP_SHIFTED, 0, 0),
    FIELD(IP_ECN, IP_ECN, 0, 0),
    FIELD(IPV6_LABEL, IPV6_LABEL, VMN_ETH_IPV6, 0),
};

const struct mf_field *
field_get(enum vmn_field field)
{
    return mf_from_id(fields[field < VMN_N_FIELDS ? field : 0].id);
}

const char *
field_name(enum vmn_field field)
{
    return fields[field < VMN_N_FIELDS ? field : 0].name;
}

const char *
field_name_of(const struct mf_field *mf)
{
    for (size_t i = 0; i < VMN_N_FIELDS; i++) {
        if (fields[i].id == mf->id) {
            return fields[i].name;
        }
    }
    return mf->name;
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
        emit_fail(emit, n_bytes > 8
                  ? "value %#llx does not fit %s, which is an address"
                  : "value %#llx does not fit %s, which has %u bits",
                  (unsigned long long) value, field_name(field), mf->n_bits);
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
        emit_fail(emit, ip->family == 4 || ip->family == 6
                  ? "%s takes no IPv%u address"
                  : "%s was given an address without a family (%u)",
                  field_name(field), ip->family);
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
    flow->matched |= OXM_BIT(VMN_F_ICMPV6_CODE);
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

/* Returns true if all bits of the field are set in 'mask'. */
static bool
is_full_mask(const struct mf_field *mf, const union mf_value *mask)
{
    unsigned first = mf->n_bytes - DIV_ROUND_UP(mf->n_bits, 8);
    const uint8_t *bytes = (const uint8_t *) mask;
    uint8_t top = mf->n_bits % 8 ? (1u << mf->n_bits % 8) - 1 : 0xff;

    return ((bytes[first] & top) == top
            && is_all_ones(bytes + first + 1, mf->n_bytes - first - 1));
}

bool
field_mask(struct vmn_emit *emit, enum vmn_field field,
           const union mf_value **mask)
{
    const struct mf_field *mf = field_get(field);

    if (!*mask || mf->maskable != MFM_NONE
        || is_all_zeros(*mask, mf->n_bytes)) {
        return true;
    }
    if (is_full_mask(mf, *mask)) {
        *mask = NULL;
        return true;
    }
    emit_fail(emit, "%s takes no mask: it is matched and set as a whole",
              field_name(field));
    return false;
}

static void
match_bytes(struct vmn_flow *flow, enum vmn_field field,
            const union mf_value *value, const union mf_value *mask)
{
    char *error = NULL;

    if (!field_mask(flow->actions.emit, field, &mask)) {
        return;
    }
    flow->matched |= OXM_BIT(field);
    match_imply(flow, field);
    if (!mf_set(field_get(field), value, mask, &flow->match, &error)) {
        emit_fail(flow->actions.emit, "%s cannot be matched with this mask",
                  field_name(field));
    } else if (error) {
        emit_fail(flow->actions.emit, "cannot match %s: %s",
                  field_name(field), error);
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
                  field_name(field));
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
                  field_name(field), prefix->len);
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

/* What a flow must match for a field to mean something, as apps write it. */
static const char *
prerequisite_text(const struct mf_field *mf)
{
    switch (mf->prereqs) {
    case MFP_ARP:
        return "VMN_F_ETH_TYPE VMN_ETH_ARP";
    case MFP_IPV4:
        return "VMN_F_ETH_TYPE VMN_ETH_IPV4";
    case MFP_IPV6:
        return "VMN_F_ETH_TYPE VMN_ETH_IPV6";
    case MFP_IP_ANY:
        return "VMN_F_ETH_TYPE VMN_ETH_IPV4 or VMN_ETH_IPV6";
    case MFP_TCP:
        return "VMN_F_IP_PROTO VMN_IP_PROTO_TCP (6) and no later fragments";
    case MFP_UDP:
        return "VMN_F_IP_PROTO VMN_IP_PROTO_UDP (17) and no later fragments";
    case MFP_SCTP:
        return "VMN_F_IP_PROTO VMN_IP_PROTO_SCTP (132) and no later "
               "fragments";
    case MFP_ICMPV4:
        return "VMN_F_ETH_TYPE VMN_ETH_IPV4 and VMN_F_IP_PROTO "
               "VMN_IP_PROTO_ICMP (1)";
    case MFP_ICMPV6:
        return "VMN_F_ETH_TYPE VMN_ETH_IPV6 and VMN_F_IP_PROTO "
               "VMN_IP_PROTO_ICMPV6 (58)";
    case MFP_CT_VALID:
        return "a VMN_F_CT_STATE of a connection: VMN_CT_TRK with one of NEW, "
               "EST, REL, RPL, SNAT and DNAT, or without INV";
    case MFP_ND:
        return "VMN_F_ICMPV6_TYPE VMN_ND_SOLICIT (135) or VMN_ND_ADVERT "
               "(136)";
    case MFP_ND_SOLICIT:
        return "VMN_F_ICMPV6_TYPE VMN_ND_SOLICIT (135)";
    case MFP_ND_ADVERT:
        return "VMN_F_ICMPV6_TYPE VMN_ND_ADVERT (136)";
    case MFP_NONE:
    case MFP_ETHERNET:
    case MFP_VLAN_VID:
    case MFP_NSH:
    case MFP_MPLS:
        break;
    }
    return "packets that have it";
}

bool
flow_has_prerequisites(struct vmn_flow *flow, const struct mf_field *mf,
                       const char *what)
{
    char *match;

    if (mf_are_match_prereqs_ok(mf, &flow->match)) {
        return true;
    }
    match = match_to_string(&flow->match, NULL, OFP_DEFAULT_PRIORITY);
    emit_fail(flow->actions.emit, "%s %s needs a match of %s (the flow is for "
              "\"%s\")", what, field_name_of(mf), prerequisite_text(mf),
              match);
    free(match);
    return false;
}

bool
flow_match_is_complete(struct vmn_flow *flow)
{
    uint64_t left;

    for (left = flow->matched; left; left = zero_rightmost_1bit(left)) {
        enum vmn_field field = oxm_field_of_bit(raw_ctz(left));

        if (!flow_has_prerequisites(flow, field_get(field), "matching")) {
            return false;
        }
    }
    return true;
}
