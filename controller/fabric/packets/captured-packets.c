/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies of packets for readers; see captured-packets.h.  A switch's own meter
 * limits them (vmn_act_copy()), so what is more than a host's rate here comes
 * from a host that does not do what it is told, or of many objects at once. */

#include <config.h>

#include "controller/fabric/packets/captured-packets.h"

#include "controller/fabric/fabric-captures.h"
#include "controller/fabric/fabric-private.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/packets/packet-in-private.h"
#include "controller/fabric/packets/packet-in-queue.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/copy-action.h"
#include "proto/openflow/ofpacket.h"
#include "util.h"
#include "vmn/flow.h"

/* Tokens of a packet, as of other packet-ins. */
#define TOKENS 1000

static bool
is_within_rate(struct packets_of_switch *ps, unsigned rate_pps)
{
    if (rate_pps && !ps->copies.rate) {
        token_bucket_init(&ps->copies, rate_pps, rate_pps * TOKENS);
    }
    return !rate_pps || token_bucket_withdraw(&ps->copies, TOKENS);
}

bool
captured_receive(struct packets_of_switch *ps, const struct ofpacket_in *in)
{
    const struct fabric_host *host = ps->sw->host;
    const struct fabric *f = host->fabric;
    uint32_t copied = in->regs[VMN_REG_COPIED - VMN_F_REG0];
    struct fabric_captured captured;
    struct copy_about about;

    if (!copy_parse(in->userdata, in->userdata_size, &about)) {
        return false;
    }
    if (!f->capture) {
        return true;
    }
    if (!is_within_rate(ps, f->packet_host_rate)) {
        packets_count_drop(ps, PACKET_DROP_HOST_RATE);
        return true;
    }
    captured = (struct fabric_captured) {
        .host = host->name,
        .object = about.object,
        .object_len = about.object_len,
        .ofport = copied & ~VMN_COPIED_TO,
        .is_sent = !(copied & VMN_COPIED_TO),
        .bytes = in->bytes,
        .size = MIN(in->size, about.max_len),
        .full_size = in->full_size,
    };
    f->capture(f->capture_aux, &captured);
    return true;
}

void
fabric_set_capture(struct fabric *f, fabric_captured_cb *cb, void *aux)
{
    f->capture = cb;
    f->capture_aux = aux;
}
