/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows that send copies to vmnd through meters; see sampling-flows.h. */

#include <config.h>

#include "controller/fabric/packets/sampling-flows.h"

#include "byte-order.h"
#include "controller/fabric/packets/packet-sampling.h"
#include "controller/flow/punt-action.h"
#include "controller/flow/sample-action.h"
#include "openflow/openflow.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

#define N_METERS (2 * SAMPLING_METERS)
/* In the cookies of flows to rules' own meters; the lower bits are the meter's
 * number, from 1 on. */
#define OWN_COOKIE UINT64_C(0x10000)
/* The packet belongs to a connection in conntrack. */
#define CT_NEW 0x01
#define CT_TRK 0x20

/* What a flow is made of.  Register 15 distinguishes the kinds of packets, and
 * the lowest bits of 'reg' the meters of a kind, of which there are 'n', a
 * power of two. */
struct sampling_flow {
    uint32_t kind;
    int reg;
    unsigned n;
    unsigned meter;             /* From 0. */
    uint64_t cookie;
    uint16_t priority;
    struct match match;
};

static void
make_match(struct sampling_flow *flow, unsigned i)
{
    uint32_t values[16] = { 0 }, masks[16] = { 0 };

    values[SAMPLE_KIND_REG] = flow->kind;
    masks[SAMPLE_KIND_REG] = SAMPLE_DROP | SAMPLE_LOG;
    values[flow->reg] |= i;
    masks[flow->reg] |= flow->n - 1;
    match_init_catchall(&flow->match);
    match_set_reg_masked(&flow->match, SAMPLE_KIND_REG,
                         values[SAMPLE_KIND_REG], masks[SAMPLE_KIND_REG]);
    match_set_reg_masked(&flow->match, flow->reg, values[flow->reg],
                         masks[flow->reg]);
    if (flow->kind == SAMPLE_LOG) {
        match_set_ct_state_masked(&flow->match, CT_NEW | CT_TRK,
                                  CT_NEW | CT_TRK);
    }
}

static void
make(unsigned number, struct sampling_flow *flow)
{
    static const uint32_t kinds[] = {
        SAMPLE_DROP, SAMPLE_DROP | SAMPLE_LOG, SAMPLE_LOG,
    };
    bool own = number >= SAMPLING_POOL_FLOWS;
    unsigned rest = own ? number - SAMPLING_POOL_FLOWS : number;
    unsigned per_meter = own ? SAMPLING_OWN_FLOWS : ARRAY_SIZE(kinds);
    unsigned i = rest / per_meter;

    flow->kind = kinds[rest % per_meter + own];
    flow->reg = flow->kind == SAMPLE_DROP ? SAMPLE_KIND_REG : SAMPLE_PART_REG;
    flow->n = own ? SAMPLING_OWN : SAMPLING_METERS;
    flow->meter = (own ? N_METERS
                   : flow->kind == SAMPLE_DROP ? 0 : SAMPLING_METERS) + i;
    flow->cookie = (own ? OWN_COOKIE : 0) | (flow->meter + 1);
    flow->priority = own ? 20 : 10;
    make_match(flow, i);
}

/* Messages.  ------------------------------------------------------------- */

static void
append(uint32_t xid, const struct ofputil_flow_mod *fm, struct ofpbuf *b)
{
    struct ofpbuf *msg = ofputil_encode_flow_mod(fm, OFPUTIL_P_OF15_OXM);

    ofpmsg_update_length(msg);
    ((struct ofp_header *) msg->data)->xid = htonl(xid);
    ofpbuf_put(b, msg->data, msg->size);
    ofpbuf_delete(msg);
}

void
sampling_flow_append(uint32_t xid, unsigned number, struct ofpbuf *b)
{
    struct sampling_flow flow;
    struct ofputil_flow_mod fm = {
        .table_id = SAMPLE_TABLE,
        .command = OFPFC_ADD,
        .buffer_id = UINT32_MAX,
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
    };
    struct ofpbuf ofpacts;

    make(number, &flow);
    fm.priority = flow.priority;
    fm.new_cookie = htonll(flow.cookie);
    ofpbuf_init(&ofpacts, 64);
    punt_put_copy(&ofpacts, PUNT_USERDATA_SAMPLE, SAMPLING_SIZE,
                  SAMPLING_FIRST_METER + flow.meter);
    fm.ofpacts = ofpacts.data;
    fm.ofpacts_len = ofpacts.size;
    minimatch_init(&fm.match, &flow.match);
    append(xid, &fm, b);
    minimatch_destroy(&fm.match);
    ofpbuf_uninit(&ofpacts);
}

void
sampling_flows_append_delete(uint32_t xid, bool own_only, struct ofpbuf *b)
{
    struct ofputil_flow_mod fm = {
        .cookie = own_only ? htonll(OWN_COOKIE) : 0,
        .cookie_mask = own_only ? htonll(OWN_COOKIE) : 0,
        .table_id = SAMPLE_TABLE,
        .command = OFPFC_DELETE,
        .buffer_id = UINT32_MAX,
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
    };
    struct match match;

    match_init_catchall(&match);
    minimatch_init(&fm.match, &match);
    append(xid, &fm, b);
    minimatch_destroy(&fm.match);
}

/* Recognition.  ---------------------------------------------------------- */

unsigned
sampling_flow_number(const struct ofputil_flow_stats *fs)
{
    uint64_t cookie = ntohll(fs->cookie);
    bool own = cookie & OWN_COOKIE;
    uint64_t meter = (cookie & ~OWN_COOKIE) - 1; /* Of 0: a huge one. */
    unsigned first, n;

    if (own) {
        if (meter < N_METERS || meter - N_METERS >= SAMPLING_OWN) {
            return SAMPLING_N_FLOWS;
        }
        first = SAMPLING_POOL_FLOWS + SAMPLING_OWN_FLOWS * (meter - N_METERS);
        n = SAMPLING_OWN_FLOWS;
    } else if (meter < N_METERS) {
        first = SAMPLING_POOL_FLOWS / SAMPLING_METERS
                * (meter % SAMPLING_METERS);
        n = SAMPLING_POOL_FLOWS / SAMPLING_METERS;
    } else {
        return SAMPLING_N_FLOWS;
    }
    for (unsigned number = first; number < first + n; number++) {
        struct sampling_flow flow;

        make(number, &flow);
        if (flow.cookie == cookie && flow.priority == fs->priority
            && match_equal(&flow.match, &fs->match)) {
            return number;
        }
    }
    return SAMPLING_N_FLOWS;
}
