/* SPDX-License-Identifier: Apache-2.0
 *
 * learn() actions that note connections, and what they learn; see note.h.
 * Open vSwitch's ovs-actions(7), "learn". */

#include <config.h>

#include "controller/engine/note.h"

#include <netinet/in.h>
#include <string.h>

#include "byte-order.h"
#include "openflow/openflow.h"
#include "openvswitch/match.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "util.h"
#include "vmn/flow.h"

/* What the learned match says of conntrack's state: that of a new connection,
 * whatever that of the packet was, since the original tuple may be matched
 * with a valid state only. */
#define STATE (VMN_CT_TRK | VMN_CT_NEW)

static struct ofpact_learn_spec *
put_spec(struct ofpbuf *ofpacts, enum mf_field_id id, size_t extra)
{
    size_t size = ROUND_UP(sizeof(struct ofpact_learn_spec) + extra,
                           OFPACT_ALIGNTO);
    struct ofpact_learn_spec *spec = ofpbuf_put_zeros(ofpacts, size);
    const struct mf_field *field = mf_from_id(id);

    spec->n_bits = field->n_bits;
    spec->dst.field = field;
    spec->dst.n_bits = field->n_bits;
    spec->dst_type = NX_LEARN_DST_MATCH;
    return spec;
}

/* The learned match has the packet's value of a field. */
static void
put_copy(struct ofpbuf *ofpacts, enum mf_field_id id)
{
    struct ofpact_learn_spec *spec = put_spec(ofpacts, id, 0);

    spec->src = spec->dst;
    spec->src_type = NX_LEARN_SRC_FIELD;
}

/* The learned match has 'value'. */
static void
put_value(struct ofpbuf *ofpacts, enum mf_field_id id, uint32_t value)
{
    unsigned n_bytes = mf_from_id(id)->n_bytes;
    struct ofpact_learn_spec *spec
        = put_spec(ofpacts, id, OFPACT_ALIGN(n_bytes));
    uint8_t *bytes = (uint8_t *) (spec + 1);

    spec->src_type = NX_LEARN_SRC_IMMEDIATE;
    for (unsigned i = 0; i < n_bytes; i++) {
        bytes[n_bytes - 1 - i] = value >> (8 * i);
    }
}

static bool
is_icmp(uint8_t ip_proto)
{
    return ip_proto == IPPROTO_ICMP || ip_proto == IPPROTO_ICMPV6;
}

void
note_put(struct ofpbuf *ofpacts, uint16_t eth_type, uint8_t ip_proto)
{
    bool ipv6 = eth_type == VMN_ETH_IPV6;
    size_t ofs = ofpacts->size;
    struct ofpact_learn *learn;

    learn = ofpact_put_LEARN(ofpacts);
    learn->idle_timeout = learn->hard_timeout = OFP_FLOW_PERMANENT;
    learn->priority = 1;
    learn->table_id = NOTE_TABLE;
    learn->flags = NX_LEARN_F_DELETE_LEARNED;
    learn->limit = VMN_NOTES_MAX;

    put_value(ofpacts, MFF_ETH_TYPE, eth_type);
    put_value(ofpacts, MFF_CT_STATE, STATE);
    put_copy(ofpacts, MFF_REG0);
    put_copy(ofpacts, MFF_REG7);
    put_copy(ofpacts, MFF_CT_NW_PROTO);
    put_copy(ofpacts, ipv6 ? MFF_CT_IPV6_SRC : MFF_CT_NW_SRC);
    put_copy(ofpacts, ipv6 ? MFF_CT_IPV6_DST : MFF_CT_NW_DST);
    if (ip_proto == IPPROTO_SCTP) {
        /* The userspace datapath's conntrack knows no ports of it. */
        put_value(ofpacts, MFF_IP_PROTO, IPPROTO_SCTP);
        put_copy(ofpacts, MFF_SCTP_DST);
    } else {
        put_copy(ofpacts, MFF_CT_TP_DST);
    }
    if (is_icmp(ip_proto)) {
        put_copy(ofpacts, MFF_CT_TP_SRC);
    }
    learn = ofpbuf_at_assert(ofpacts, ofs, sizeof *learn);
    ofpacts->header = learn;
    ofpact_finish_LEARN(ofpacts, &learn);
}

void
note_set_cookie(struct ofpbuf *ofpacts, uint64_t cookie)
{
    struct ofpact *a;

    OFPACT_FOR_EACH (a, ofpacts->data, ofpacts->size) {
        if (a->type == OFPACT_LEARN) {
            ofpact_get_LEARN(a)->cookie = htonll(cookie);
        }
    }
}

bool
engine_note_read(const struct match *match, struct engine_note *note)
{
    const struct flow *flow = &match->flow;
    uint16_t dst = ntohs(flow->ct_tp_dst);

    memset(note, 0, sizeof *note);
    note->vni = flow->regs[0];
    note->ofport = flow->regs[7];
    note->protocol = flow->ct_nw_proto;
    if (flow->dl_type == htons(VMN_ETH_IPV4)) {
        note->src.family = note->dst.family = 4;
        memcpy(note->src.addr, &flow->ct_nw_src, 4);
        memcpy(note->dst.addr, &flow->ct_nw_dst, 4);
    } else if (flow->dl_type == htons(VMN_ETH_IPV6)) {
        note->src.family = note->dst.family = 6;
        memcpy(note->src.addr, &flow->ct_ipv6_src, 16);
        memcpy(note->dst.addr, &flow->ct_ipv6_dst, 16);
    } else {
        return false;
    }
    if (is_icmp(note->protocol)) {
        note->icmp_type = ntohs(flow->ct_tp_src);
        note->icmp_code = dst;
    } else {
        note->port = (note->protocol == IPPROTO_SCTP ? ntohs(flow->tp_dst)
                      : dst);
    }
    return note->vni != 0;
}
