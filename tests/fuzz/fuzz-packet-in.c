/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: packet-ins of switches.  What the cache says is what the
 * message says. */

#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controller/flow/trace-copy.h"
#include "flow.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofpacket.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_inside(const uint8_t *part, size_t part_size, const uint8_t *all,
             size_t size)
{
    ovs_assert(!part_size || (part >= all && part + part_size <= all + size));
}

/* What a live trace makes of it. */
static void
check_flow(const struct ofp_header *oh, const struct ofpacket_in *in)
{
    enum trace_copy_kind kind;
    struct flow flow;
    uint32_t trace;
    uint8_t table;

    trace_copy_parse(in->userdata, in->userdata_size, &trace, &kind, &table);
    if (ofpacket_get_flow(oh, &flow)) {
        ovs_assert(!memcmp(flow.regs, in->regs, sizeof in->regs));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ofpacket_cache used;
    struct ofpacket_cache fresh = { { NULL } };
    struct ofpacket_in a, b;
    struct ofp_header *oh;
    enum ofptype type;

    if (size < sizeof *oh || size > UINT16_MAX) {
        return 0;
    }
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    oh = xmemdup(data, size);
    oh->length = htons(size);
    if (!ofptype_decode(&type, oh) && type == OFPTYPE_PACKET_IN) {
        enum ofperr error = ofpacket_decode(oh, &fresh, &a);

        ovs_assert(ofpacket_decode(oh, &used, &b) == error);
        if (!error) {
            check_inside(a.bytes, a.size, (const uint8_t *) oh, size);
            check_inside(a.userdata, a.userdata_size, (const uint8_t *) oh,
                         size);
            ovs_assert(a.size && a.full_size >= a.size);
            ovs_assert(!memcmp(&a, &b, sizeof a));
            check_flow(oh, &a);
        }
    }
    free(oh);
    ofpacket_cache_uninit(&fresh);
    return 0;
}
