/* SPDX-License-Identifier: Apache-2.0
 *
 * What apps answer; see packet-in-reply.h. */

#include <config.h>

#include "controller/simulator/packet-in-reply.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "controller/engine/packet-handler.h"
#include "controller/flow/punt-action.h"
#include "controller/model/model.h"
#include "controller/ovs-calls.h"
#include "controller/simulator/endpoint.h"
#include "dp-packet.h"
#include "flow.h"
#include "packets.h"
#include "util.h"

/* Bytes.  ---------------------------------------------------------------- */

/* Reads a packet.  Returns false if it is shorter than an Ethernet header. */
static bool
read_packet(const void *bytes, size_t size, struct sim_packet *packet)
{
    struct dp_packet p;

    memset(packet, 0, sizeof *packet);
    dp_packet_use_const(&p, bytes, size);
    flow_extract(&p, &packet->flow);
    packet->tp_src = packet->flow.tp_src;
    packet->tp_dst = packet->flow.tp_dst;
    packet->tcp_flags = packet->flow.tcp_flags;
    return is_ip_any(&packet->flow) && packet->flow.nw_proto;
}

static bool
is_icmp_error(const struct flow *flow)
{
    uint8_t type = ntohs(flow->tp_src);

    return (flow->nw_proto == IPPROTO_ICMPV6 ? type < 128
            : flow->nw_proto == IPPROTO_ICMP
              && (type == ICMP4_DST_UNREACH || type == 4 || type == 5
                  || type == ICMP4_TIME_EXCEEDED
                  || type == ICMP4_PARAM_PROB));
}

static bool
is_tcp_reset(const struct flow *flow)
{
    return (flow->nw_proto == IPPROTO_TCP
            && flow->tcp_flags & htons(TCP_RST));
}

/* Copies what a packet carries, if it is UDP. */
static void
read_payload(const void *bytes, size_t size, struct packet_in_reply *answer)
{
    const uint8_t *payload;
    struct dp_packet p;
    struct flow flow;
    size_t length;

    dp_packet_use_const(&p, bytes, size);
    flow_extract(&p, &flow);
    payload = (flow.nw_proto == IPPROTO_UDP && !flow.nw_frag
               ? dp_packet_get_udp_payload(&p) : NULL);
    if (payload) {
        /* Short frames are padded. */
        const struct udp_header *udp = dp_packet_l4(&p);

        length = ntohs(udp->udp_len);
        length -= MIN(length, sizeof *udp);
        length = MIN(length, size - (payload - (const uint8_t *) bytes));
        answer->payload = xmemdup(payload, length);
        answer->payload_size = length;
    }
}

/* Reads the packet that an ICMP error quotes.  Echo requests in it have the
 * identifier of 'asked', which no flow matches. */
static void
read_quoted(const uint8_t *bytes, size_t size, const struct sim_packet *asked,
            struct sim_packet *packet)
{
    bool v6 = packet->flow.dl_type == htons(ETH_TYPE_IPV6);
    size_t ofs = ETH_HEADER_LEN + (v6 ? IPV6_HEADER_LEN : IP_HEADER_LEN)
                 + ICMP_HEADER_LEN;
    struct sim_packet quoted;
    uint8_t *copy;

    if (size <= ofs) {
        return;
    }
    copy = xmalloc(ETH_HEADER_LEN + size - ofs);
    memcpy(copy, bytes, ETH_HEADER_LEN);
    memcpy(copy + ETH_HEADER_LEN, bytes + ofs, size - ofs);
    packet->quotes = read_packet(copy, ETH_HEADER_LEN + size - ofs, &quoted);
    quoted.icmp_id = asked->icmp_id;
    ct_tuple_of(&quoted, &packet->quoted);
    free(copy);
}

/* Handlers.  ------------------------------------------------------------- */

/* Finds the VIF with number 'ofport' on 'host', and its port, if it has
 * one. */
static void
find_sender(const struct model *model, struct vmn_packet_in *in)
{
    struct vmn_names names = model_lookup(model, VMN_INDEX_PORT_BY_HOST,
                                          in->host);

    for (size_t i = 0; i < names.n && !in->port; i++) {
        struct endpoint endpoint;

        if (endpoint_find(model, names.names[i], &endpoint)
            && endpoint.ofport == in->in_port) {
            char *key = xasprintf("%s/%s", in->host, endpoint.port->iface_id);

            in->port = endpoint.port;
            in->vif = model_get(model, VMN_TABLE_VIF, key);
            free(key);
        }
    }
}

static void
take_sent_to(const struct flow *flow, struct vmn_packet_in *in)
{
    if (!flow->ct_nw_proto || flow->ct_state & CS_REPLY_DIR) {
        return;
    } else if (flow->dl_type == htons(ETH_TYPE_IP)) {
        in->sent_to.family = 4;
        memcpy(in->sent_to.addr, &flow->ct_nw_dst, 4);
    } else {
        in->sent_to.family = 6;
        memcpy(in->sent_to.addr, &flow->ct_ipv6_dst, 16);
    }
    in->sent_to_port = ntohs(flow->ct_tp_dst);
}

/* Returns the OpenFlow number of port 'name' if it is on 'host', or 0. */
static uint32_t
ofport_of(const struct model *model, const char *name, const char *host)
{
    struct endpoint endpoint;

    return (endpoint_find(model, name, &endpoint) && endpoint.host
            && !strcmp(endpoint.host, host) ? endpoint.ofport : 0);
}

/* Simulates a packet that the handler sends.  Returns NULL, or why it goes
 * nowhere. */
static const char *
run_send(const struct model *model, struct simulator *sim,
         const struct vmn_packet_in *in, const struct engine_send *send,
         const struct sim_packet *packet)
{
    uint32_t ofport;

    switch (send->to) {
    case ENGINE_SEND_BACK:
        if (!in->vif) {
            return "it did not come from a VIF";
        }
        simulator_output(sim, in->host, in->in_port, packet);
        return NULL;
    case ENGINE_SEND_PORT:
        ofport = ofport_of(model, send->port, in->host);
        if (!ofport) {
            return "the port that it is sent to is not there";
        }
        simulator_output(sim, in->host, ofport, packet);
        return NULL;
    case ENGINE_SEND_AS_IF:
        simulator_send(sim, in->host, send->table, send->in_port, send->regs,
                       packet);
        return NULL;
    case ENGINE_SEND_TABLE:
    default:
        simulator_send(sim, in->host, send->table, in->in_port, in->regs,
                       packet);
        return NULL;
    }
}

/* Makes the packet that answers one of TCP. */
static void
swap_ends(const struct sim_packet *asked, struct sim_packet *packet)
{
    const struct flow *from = &asked->flow;
    struct flow *flow = &packet->flow;

    *packet = *asked;
    flow->dl_src = from->dl_dst;
    flow->dl_dst = from->dl_src;
    flow->nw_src = from->nw_dst;
    flow->nw_dst = from->nw_src;
    flow->ipv6_src = from->ipv6_dst;
    flow->ipv6_dst = from->ipv6_src;
    flow->tp_src = from->tp_dst;
    flow->tp_dst = from->tp_src;
    flow->tcp_flags = htons(TCP_ACK);
}

/* Takes over what a handler of requests says. */
static void
take_http_reply(const struct engine_http_reply *http,
                const struct sim_packet *asked,
                struct packet_in_reply *answer)
{
    swap_ends(asked, &answer->packet);
    answer->http_status = http->reply.status;
    answer->payload = xmemdup(http->body.data ? http->body.data : "",
                              http->reply.body_size);
    answer->payload_size = http->reply.body_size;
}

/* A connection without a request: it is opened. */
static void
open_connection(struct simulator *sim, const struct vmn_packet_in *in,
                const struct sim_packet *asked,
                struct packet_in_reply *answer)
{
    if (!in->port) {
        answer->why_not = "from no port";
        return;
    }
    swap_ends(asked, &answer->packet);
    answer->packet.flow.tcp_flags = htons(TCP_SYN | TCP_ACK);
    simulator_output(sim, in->host, in->in_port, &answer->packet);
}

/* Calls the handler with 'bytes', the packet of 'asked'. */
static const char *
ask(struct engine *engine, const struct model *model, struct simulator *sim,
    const struct engine_handler *handler, const struct vmn_packet_in *in,
    const struct sim_packet *asked, struct packet_in_reply *answer)
{
    struct vmn_packets_out out;
    const char *why_not = NULL;
    char *problem;

    engine_packets_out_init(&out);
    out.simulated = true;
    problem = engine_handle_packet(engine, handler, in, &out);
    if (problem) {
        why_not = "the app failed";
        answer->problem = problem;
        problem = NULL;
    } else if (out.http.reply.status) {
        take_http_reply(&out.http, asked, answer);
        why_not = in->vif ? NULL : "it did not come from a VIF";
        if (!why_not) {
            simulator_output(sim, in->host, in->in_port, &answer->packet);
        }
    } else if (!out.n) {
        why_not = out.reason ? out.reason : "unanswered";
    } else {
        const struct engine_send *send = &out.sends[0];
        const uint8_t *bytes = (const uint8_t *) out.bytes.data + send->ofs;

        read_packet(bytes, send->size, &answer->packet);
        read_payload(bytes, send->size, answer);
        if (is_icmp_error(&answer->packet.flow)) {
            read_quoted(bytes, send->size, asked, &answer->packet);
        }
        answer->refuses = (is_icmp_error(&answer->packet.flow)
                           || is_tcp_reset(&answer->packet.flow));
        why_not = run_send(model, sim, in, send, &answer->packet);
    }
    free(problem);
    engine_packets_out_uninit(&out);
    return why_not;
}

bool
packet_in_reply_run(struct engine *engine, const struct model *model,
                    struct simulator *sim, const struct sim_end *end,
                    const void *payload, size_t size,
                    struct packet_in_reply *answer)
{
    const struct sim_packet asked = end->packet;
    const struct punt punt = punt_parse(ntohll(asked.flow.tunnel.tun_id),
                                        ntohll(asked.flow.metadata));
    struct vmn_packet_in in = { .host = end->host };
    const struct engine_handler *handler;
    struct dp_packet p;

    handler = engine_find_handler(engine, punt.handler_id);
    if (!handler) {
        return false;
    }
    dp_packet_init(&p, 0);
    if (asked.flow.nw_proto == IPPROTO_UDP && size) {
        flow_compose(&p, &asked.flow, OVS_COMPOSE_PAYLOAD(payload, size));
    } else {
        flow_compose(&p, &asked.flow, OVS_COMPOSE_EMPTY);
    }
    in.arg = punt.arg;
    in.in_port = ofp_to_u16(asked.flow.in_port.ofp_port);
    memcpy(in.regs, asked.flow.regs, sizeof in.regs);
    take_sent_to(&asked.flow, &in);
    in.bytes = dp_packet_data(&p);
    in.full_size = dp_packet_size(&p);
    in.size = (punt.max_size < PUNT_SIZE_ALL
               ? MIN(in.full_size, punt.max_size) : in.full_size);
    find_sender(model, &in);
    memset(answer, 0, sizeof *answer);
    if (engine_handler_is_http(handler)) {
        in.bytes = payload;
        in.size = in.full_size = size;
        engine_fill_http(engine, handler, &in);
    }
    if (engine_handler_is_http(handler) && !size) {
        open_connection(sim, &in, &asked, answer);
        dp_packet_uninit(&p);
        return true;
    }
    answer->why_not = ask(engine, model, sim, handler, &in, &asked, answer);
    dp_packet_uninit(&p);
    return true;
}

void
packet_in_reply_uninit(struct packet_in_reply *answer)
{
    free(answer->payload);
    free(answer->problem);
}

char *
packet_in_reply_to_string(const struct packet_in_reply *answer)
{
    const struct flow *flow = &answer->packet.flow;

    if (answer->why_not) {
        return xasprintf("nothing: %s%s%s", answer->why_not,
                         answer->problem ? ": " : "",
                         answer->problem ? answer->problem : "");
    } else if (is_icmp_error(flow)) {
        return xasprintf("%s error %d/%d", flow->nw_proto == IPPROTO_ICMP
                         ? "ICMP" : "ICMPv6", ntohs(flow->tp_src),
                         ntohs(flow->tp_dst));
    }
    if (answer->http_status) {
        return xasprintf("HTTP %"PRIu32, answer->http_status);
    }
    return xstrdup(is_tcp_reset(flow) ? "TCP reset" : "packet");
}
