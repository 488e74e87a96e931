/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies of traced packets; see trace-copy.h. */

#include <config.h>

#include "controller/flow/trace-copy.h"

#include <string.h>

#include "byte-order.h"
#include "controller/flow/punt-action.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

/* Bytes of the packet that come with a copy: all headers. */
#define COPY_SIZE 256

struct trace_userdata {
    ovs_be64 id;                /* Tells it from all others. */
    ovs_be32 trace;
    uint8_t kind;               /* enum trace_copy_kind. */
    uint8_t table;
    uint8_t pad[2];
};
BUILD_ASSERT_DECL(sizeof(struct trace_userdata) == 16);

bool
trace_copy_is_flow(uint64_t cookie, uint16_t priority, uint16_t hard_timeout,
                   const struct match *match)
{
    const struct flow *mask = &match->wc.masks;
    uint64_t mark = ntohll(match->flow.metadata) & TRACE_MARK_MASK;

    return ((cookie & TRACE_COOKIE_MASK) == TRACE_COOKIE
            && priority >= TRACE_PRIORITY && hard_timeout
            && ((ntohll(mask->metadata) & TRACE_MARK_MASK) == TRACE_MARK_MASK
                ? !mark
                  || mark == (TRACE_MARK | (cookie & UINT32_MAX) << 8)
                : mask->tunnel.gbp_id == OVS_BE16_MAX
                  && match->flow.tunnel.gbp_id != 0));
}

static ovs_be64
trace_id(void)
{
    return htonll(punt_handler_id("vmn", "trace"));
}

void
trace_copy_put(struct ofpbuf *ofpacts, uint32_t trace,
               enum trace_copy_kind kind, uint8_t table)
{
    struct ofpact_controller *controller = ofpact_put_CONTROLLER(ofpacts);
    struct trace_userdata userdata = {
        .id = trace_id(), .trace = htonl(trace), .kind = kind,
        .table = table,
    };

    controller->max_len = COPY_SIZE;
    controller->reason = OFPR_ACTION;
    controller->meter_id = NX_CTLR_NO_METER;
    controller->provider_meter_id = UINT32_MAX;
    controller->userdata_len = sizeof userdata;
    ofpbuf_put(ofpacts, &userdata, sizeof userdata);
    controller = ofpacts->header;
    ofpact_finish_CONTROLLER(ofpacts, &controller);
}

bool
trace_copy_parse(const uint8_t *bytes, size_t size, uint32_t *trace,
                 enum trace_copy_kind *kind, uint8_t *table)
{
    struct trace_userdata userdata;

    if (size != sizeof userdata) {
        return false;
    }
    memcpy(&userdata, bytes, sizeof userdata);
    if (userdata.id != trace_id() || userdata.kind > TRACE_COPY_PUNT) {
        return false;
    }
    *trace = ntohl(userdata.trace);
    *kind = userdata.kind;
    *table = userdata.table;
    return true;
}
