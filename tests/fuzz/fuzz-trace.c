/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes the request for a trace: what is accepted makes a packet that is
 * what was asked for, and an answer to it that goes back; what is refused says
 * why. */

#include <config.h>

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "controller/northbound/trace-body.h"
#include "controller/schema/arena.h"
#include "controller/schema/error.h"
#include "controller/simulator/guest-packet.h"
#include "controller/simulator/trace-request.h"
#include "flow.h"
#include "packets.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct trace_request *request, uint8_t family)
{
    struct packet_ends ends = {
        .source_mac = request->source_mac,
        .destination_mac = request->destination_mac,
        .source_ip = { .family = family, .addr = { 10, 0, 0, 1 } },
        .destination_ip = { .family = family, .addr = { 10, 0, 0, 2 } },
    };
    struct sim_packet packet, reply;

    packet_request(&ends, request, &packet);
    ovs_assert(is_ip_any(&packet.flow));
    ovs_assert(!(packet.flow.nw_frag & FLOW_NW_FRAG_LATER)
               == (request->fragment != TRACE_LATER));
    if (!trace_protocol_is_icmp(request->protocol)) {
        ovs_assert(ntohs(packet.tp_dst) == request->port && request->port);
        ovs_assert(packet_reply(&packet, &reply));
        ovs_assert(reply.tp_dst == packet.tp_src);
        ovs_assert(reply.flow.nw_src == packet.flow.nw_dst);
    } else if (packet_reply(&packet, &reply)) {
        ovs_assert(reply.icmp_id == packet.icmp_id);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *body = json_loadb((const char *) data, size, 0, NULL);
    struct trace_request request;
    struct vmn_errors errors;
    struct arena arena;

    if (!body) {
        return 0;
    }
    arena_init(&arena);
    vmn_errors_init(&errors);
    if (nb_trace_body_read(body, &arena, &request, &errors)) {
        check(&request, 4);
        check(&request, 6);
    } else {
        ovs_assert(errors.n);
    }
    arena_uninit(&arena);
    vmn_errors_uninit(&errors);
    json_decref(body);
    return 0;
}
