/* SPDX-License-Identifier: Apache-2.0
 *
 * Matches as OpenFlow 1.5 encodes them; see oxm.h. */

#include <config.h>

#include "controller/flow/oxm.h"

#include <netinet/in.h>
#include <string.h>

#include "flow.h"
#include "nx-match.h"
#include "openflow/openflow.h"
#include "openvswitch/match.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"
#include "vmn/flow.h"

BUILD_ASSERT_DECL(OXM_N_BITS < 64);
#define BIT(FIELD) OXM_BIT(VMN_F_##FIELD)

/* Fields that libopenvswitch encodes in a special way. */
#define ODD_FIELDS (BIT(VLAN_TCI) | BIT(IP_FRAG))

#define NXM 0x0001              /* Nicira's fields ... */
#define OXM 0x8000              /* ... those of OpenFlow ... */
#define PKT 0x8001              /* ... and its registers, in pairs. */

/* How a field is written beside its value. */
enum form {
    MASKABLE,                   /* With a mask, unless that is all ones. */
    EXACT,                      /* Without a mask. */
};

/* In the order in which they are written. */
static const struct oxm_field {
    uint64_t bits;              /* Bits that match it.  0: see put_fields(). */
    enum mf_field_id id;
    uint16_t class_;
    uint8_t number;
    uint8_t size;               /* Bytes. */
    enum form form;
} oxm_fields[] = {
    { BIT(CONJ_ID), MFF_CONJ_ID, NXM, 37, 4, EXACT },
    { BIT(IN_PORT), MFF_IN_PORT_OXM, OXM, 0, 4, EXACT },
    { BIT(ETH_SRC), MFF_ETH_SRC, OXM, 4, 6, MASKABLE },
    { BIT(ETH_DST), MFF_ETH_DST, OXM, 3, 6, MASKABLE },
    { 0, MFF_ETH_TYPE, OXM, 5, 2, MASKABLE },
    { BIT(IPV4_SRC), MFF_IPV4_SRC, OXM, 11, 4, MASKABLE },
    { BIT(IPV4_DST), MFF_IPV4_DST, OXM, 12, 4, MASKABLE },
    { BIT(IPV6_SRC), MFF_IPV6_SRC, OXM, 26, 16, MASKABLE },
    { BIT(IPV6_DST), MFF_IPV6_DST, OXM, 27, 16, MASKABLE },
    { BIT(IP_DSCP), MFF_IP_DSCP_SHIFTED, OXM, 8, 1, EXACT },
    { BIT(IP_ECN), MFF_IP_ECN, OXM, 9, 1, EXACT },
    { BIT(IP_TTL), MFF_IP_TTL, NXM, 29, 1, EXACT },
    { BIT(IPV6_LABEL), MFF_IPV6_LABEL, OXM, 28, 4, MASKABLE },
    { 0, MFF_IP_PROTO, OXM, 10, 1, EXACT },
    { BIT(TCP_SRC), MFF_TCP_SRC, OXM, 13, 2, MASKABLE },
    { BIT(TCP_DST), MFF_TCP_DST, OXM, 14, 2, MASKABLE },
    { BIT(TCP_FLAGS), MFF_TCP_FLAGS, OXM, 42, 2, MASKABLE },
    { BIT(UDP_SRC), MFF_UDP_SRC, OXM, 15, 2, MASKABLE },
    { BIT(UDP_DST), MFF_UDP_DST, OXM, 16, 2, MASKABLE },
    { BIT(SCTP_SRC), MFF_SCTP_SRC, OXM, 17, 2, MASKABLE },
    { BIT(SCTP_DST), MFF_SCTP_DST, OXM, 18, 2, MASKABLE },
    { BIT(ICMPV4_TYPE), MFF_ICMPV4_TYPE, OXM, 19, 1, EXACT },
    { BIT(ICMPV4_CODE), MFF_ICMPV4_CODE, OXM, 20, 1, EXACT },
    { BIT(ICMPV6_TYPE), MFF_ICMPV6_TYPE, OXM, 29, 1, EXACT },
    { BIT(ICMPV6_CODE), MFF_ICMPV6_CODE, OXM, 30, 1, EXACT },
    { BIT(ND_TARGET), MFF_ND_TARGET, OXM, 31, 16, MASKABLE },
    { BIT(ND_SLL), MFF_ND_SLL, OXM, 32, 6, MASKABLE },
    { BIT(ND_TLL), MFF_ND_TLL, OXM, 33, 6, MASKABLE },
    { BIT(ARP_OP), MFF_ARP_OP, OXM, 21, 2, EXACT },
    { BIT(ARP_SPA), MFF_ARP_SPA, OXM, 22, 4, MASKABLE },
    { BIT(ARP_TPA), MFF_ARP_TPA, OXM, 23, 4, MASKABLE },
    { BIT(ARP_SHA), MFF_ARP_SHA, OXM, 24, 6, MASKABLE },
    { BIT(ARP_THA), MFF_ARP_THA, OXM, 25, 6, MASKABLE },
    { BIT(TUN_ID), MFF_TUN_ID, OXM, 38, 8, MASKABLE },
    { BIT(TUN_SRC), MFF_TUN_SRC, NXM, 31, 4, MASKABLE },
    { BIT(TUN_DST), MFF_TUN_DST, NXM, 32, 4, MASKABLE },
    { BIT(TUN_IPV6_SRC), MFF_TUN_IPV6_SRC, NXM, 109, 16, MASKABLE },
    { BIT(TUN_IPV6_DST), MFF_TUN_IPV6_DST, NXM, 110, 16, MASKABLE },
    { BIT(REG0), MFF_XREG0, PKT, 0, 8, MASKABLE },
    { BIT(REG2), MFF_XREG1, PKT, 1, 8, MASKABLE },
    { BIT(REG4), MFF_XREG2, PKT, 2, 8, MASKABLE },
    { BIT(REG6), MFF_XREG3, PKT, 3, 8, MASKABLE },
    { BIT(REG8), MFF_XREG4, PKT, 4, 8, MASKABLE },
    { BIT(REG10), MFF_XREG5, PKT, 5, 8, MASKABLE },
    { BIT(REG12), MFF_XREG6, PKT, 6, 8, MASKABLE },
    { BIT(REG14), MFF_XREG7, PKT, 7, 8, MASKABLE },
    { BIT(CT_STATE), MFF_CT_STATE, NXM, 105, 4, MASKABLE },
    { BIT(CT_MARK), MFF_CT_MARK, NXM, 107, 4, MASKABLE },
    { BIT(CT_NW_SRC), MFF_CT_NW_SRC, NXM, 120, 4, MASKABLE },
    { BIT(CT_IPV6_SRC), MFF_CT_IPV6_SRC, NXM, 122, 16, MASKABLE },
    { BIT(CT_NW_DST), MFF_CT_NW_DST, NXM, 121, 4, MASKABLE },
    { BIT(CT_IPV6_DST), MFF_CT_IPV6_DST, NXM, 123, 16, MASKABLE },
    { BIT(CT_NW_PROTO), MFF_CT_NW_PROTO, NXM, 119, 1, MASKABLE },
    { BIT(CT_TP_SRC), MFF_CT_TP_SRC, NXM, 124, 2, MASKABLE },
    { BIT(CT_TP_DST), MFF_CT_TP_DST, NXM, 125, 2, MASKABLE },
};

#define OXM_ENTRY_MAX (4 + 16 + 16)

/* Appends a field.  Returns false if none of its bits is matched. */
static bool
put_field(struct ofpbuf *b, const struct oxm_field *f,
          const struct match *match)
{
    const struct mf_field *mf = mf_from_id(f->id);
    union mf_value value, mask;

    mf_get(mf, match, &value, &mask);
    if (is_all_zeros(&mask, f->size)) {
        return false;
    }

    bool masked = f->form == MASKABLE && !is_all_ones(&mask, f->size);
    uint8_t size = masked ? 2 * f->size : f->size;
    uint8_t *p = ofpbuf_put_uninit(b, 4 + size);

    p[0] = f->class_ >> 8;
    p[1] = f->class_ & 0xff;
    p[2] = f->number << 1 | masked;
    p[3] = size;
    memcpy(p + 4, &value, f->size);
    if (masked) {
        memcpy(p + 4 + f->size, &mask, f->size);
    }
    return true;
}

static bool
is_wanted(const struct oxm_field *f, const struct match *match,
          uint64_t matched)
{
    if (f->bits) {
        return f->bits & matched;
    }
    return f->id == MFF_ETH_TYPE || is_ip_any(&match->flow);
}

/* Appends all fields.  Returns false if they cannot be encoded here. */
static bool
put_fields(struct ofpbuf *b, const struct match *match, uint64_t matched)
{
    bool has_prereqs = false;

    if (matched & ODD_FIELDS || matched >> OXM_N_BITS
        || (match->wc.masks.dl_type
            && match->flow.dl_type == htons(FLOW_DL_TYPE_NONE))
        || (matched & (BIT(CT_NW_PROTO) | BIT(CT_TP_SRC) | BIT(CT_TP_DST))
            && !match->flow.ct_nw_proto)) {
        return false;
    }
    ofpbuf_prealloc_tailroom(b, ARRAY_SIZE(oxm_fields) * OXM_ENTRY_MAX);
    for (size_t i = 0; i < ARRAY_SIZE(oxm_fields); i++) {
        const struct oxm_field *f = &oxm_fields[i];

        if (is_wanted(f, match, matched) && put_field(b, f, match)) {
            has_prereqs |= mf_from_id(f->id)->prereqs != MFP_NONE;
        }
    }
    /* A packet type that is matched and not implied is a field, too. */
    return !match->wc.masks.packet_type || has_prereqs;
}

void
oxm_put(struct ofpbuf *b, const struct match *match, uint64_t matched)
{
    size_t start = b->size;
    struct ofp11_match_header *omh = ofpbuf_put_uninit(b, sizeof *omh);

    if (put_fields(b, match, matched)) {
        size_t size = b->size - start;

        omh = ofpbuf_at_assert(b, start, sizeof *omh);
        omh->type = htons(OFPMT_OXM);
        omh->length = htons(size);
        ofpbuf_put_zeros(b, ROUND_UP(size, 8) - size);
    } else {
        b->size = start;
        oxm_put_match(b, match, OFP15_VERSION);
    }
}
