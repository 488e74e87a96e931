/* SPDX-License-Identifier: Apache-2.0
 *
 * Handles a packet-in: calls its handler, and sends the handler's replies.
 * Not for scheduling (packet-in-queue.c). */

#include <config.h>

#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "controller/commit/commit.h"
#include "controller/engine/packet-handler.h"
#include "controller/fabric/fabric-frames.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/packets/leases-told.h"
#include "controller/fabric/packets/neighbour-requests.h"
#include "controller/fabric/packets/packet-in-http.h"
#include "controller/fabric/packets/packet-in-private.h"
#include "controller/fabric/packets/packet-in-queue.h"
#include "controller/fabric/packets/packet-in-senders.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/learn-neighbour.h"
#include "openvswitch/ofp-ct.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofmsg.h"
#include "timeval.h"
#include "util.h"
#include "vmn/dns.h"
#include "vmn/packet.h"

VLOG_DEFINE_THIS_MODULE(packet_in_handling);

/* Of questions of DNS (RFC 1035, section 3.2). */
#define CLASS_IN 1
#define TYPE_A 1
#define TYPE_AAAA 28            /* RFC 3596. */
#define TYPE_SVCB 64            /* RFC 9460; answers have addresses, too. */
#define TYPE_HTTPS 65
#define TYPE_ANY 255

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 20);

/* Answering.  ------------------------------------------------------------ */

/* Returns true if too much waits to be sent to the switch for another 'size'
 * bytes. */
static bool
is_congested(const struct fabric_switch *sw, size_t size)
{
    return (ofconn_queued(sw->conn) + size
            > PACKETS_UNREAD_MAX + sw->bundles.sent_bytes);
}

/* Appends one of the replies to a packet of 'port' to 'b'. */
static void
append_answer(struct packets_of_switch *ps, struct packet_port *port,
              const struct vmn_packet_in *in, const struct engine_send *send,
              struct ofpbuf *b)
{
    const uint8_t *bytes = ps->packets->out.bytes.data;
    struct ofpacket_out other, *head = &other;
    uint32_t ofport;

    bytes += send->ofs;
    if (is_congested(ps->sw, b->size)) {
        packets_count_drop(ps, PACKET_DROP_UNREAD);
        return;
    }
    switch (send->to) {
    case ENGINE_SEND_BACK:
        if (!in->vif) {
            packets_count_drop(ps, PACKET_DROP_NO_VIF);
            return;
        }
        head = &port->back;
        if (!head->size) {
            ofpacket_make_output(head, in->in_port);
        }
        break;
    case ENGINE_SEND_PORT:
        ofport = packet_sender_find_ofport(ps, send->port);
        if (!ofport) {
            packets_count_drop(ps, PACKET_DROP_NO_PORT);
            return;
        }
        ofpacket_make_output(head, ofport);
        break;
    case ENGINE_SEND_AS_IF:
        ofpacket_make_resubmit(head, send->table, send->in_port, send->regs);
        break;
    case ENGINE_SEND_TABLE:
    default:
        ofpacket_make_resubmit(head, send->table, in->in_port, in->regs);
        break;
    }
    ofpacket_put(b, head, bytes, send->size);
    ps->packets->n_out++;
    ps->n_out++;
    if (send->to == ENGINE_SEND_BACK && in->port) {
        leases_told_note(ps->packets->leases, in->port->row.name, bytes,
                         send->size);
    }
}

/* IPv4 addresses are mapped. */
static void
put_in6(struct in6_addr *addr, int family, const uint8_t bytes[16])
{
    if (family == 4) {
        addr->s6_addr[10] = addr->s6_addr[11] = 0xff;
        memcpy(&addr->s6_addr[12], bytes, 4);
    } else {
        memcpy(addr, bytes, sizeof *addr);
    }
}

/* Appends a request to forget the connection (NXT_CT_FLUSH, Open vSwitch 3.1),
 * which conntrack looks up by its original tuple; of ICMP, all of the two
 * addresses. */
static void
append_forget(struct packets_of_switch *ps, const struct ofpacket_ct *ct,
              struct ofpbuf *b)
{
    bool has_ports = (ct->protocol == IPPROTO_TCP
                      || ct->protocol == IPPROTO_UDP
                      || ct->protocol == IPPROTO_SCTP);
    struct ofp_ct_match match;

    if (!ct->family || is_congested(ps->sw, b->size)) {
        return;
    }
    memset(&match, 0, sizeof match);
    match.ip_proto = ct->protocol;
    put_in6(&match.tuple_orig.src, ct->family, ct->src);
    put_in6(&match.tuple_orig.dst, ct->family, ct->dst);
    if (has_ports) {
        match.tuple_orig.src_port = htons(ct->src_port);
        match.tuple_orig.dst_port = htons(ct->dst_port);
    }
    ofmsg_put_ct_flush(b, &match, ct->zone, OFCONN_XID_PACKETS);
    ps->sw->host->fabric->stats.n_forgotten++;
}

void
packets_count_unanswered(struct packets_of_switch *ps,
                         const struct engine_handler *handler,
                         const char *reason)
{
    struct handler_stats *stats = &ps->packets->handlers[handler->index];

    reason = reason ? reason : "unanswered";
    ps->n_dropped++;
    for (size_t i = 0; i < ARRAY_SIZE(stats->reasons); i++) {
        struct handler_reason *r = &stats->reasons[i];

        if (!r->text) {
            r->text = reason;
        }
        if (r->text == reason || !strcmp(r->text, reason)) {
            r->n++;
            return;
        }
    }
    stats->n_other++;
}

void
packets_give_to_sink(struct packets_of_switch *ps,
                     const struct engine_handler *handler,
                     const struct packet_port *port, const uint8_t *bytes,
                     size_t size)
{
    const struct fabric_host *host = ps->sw->host;
    const struct fabric *f = host->fabric;
    uint32_t in_port = port->in_port;
    bool is_path = packet_port_is_path(port);
    fabric_sink_cb *sink = is_path ? f->path_sink : f->sink;

    if (sink) {
        ps->packets->n_answered++;
        sink(is_path ? f->path_sink_aux : f->sink_aux, host->name, in_port,
             bytes, size);
    } else {
        packets_count_unanswered(ps, handler, "no receiver");
    }
}

/* Passes on that the guest that has sent the packet runs on this host. */
static void
tell_of_guest(struct packets_of_switch *ps,
              const struct waiting_packet *packet)
{
    const struct fabric_host *host = ps->sw->host;

    packet_sender_resolve(ps, packet->port);
    if (packet->port->vif) {
        ps->packets->n_answered++;
        host->fabric->callbacks->guest_seen(host->fabric, host->name,
                                            packet->port->vif->iface_id);
    } else {
        packets_count_unanswered(ps, packet->handler, "no interface");
    }
}

static bool
asks_for_addresses(const struct vmn_dns_query *query)
{
    return (query->is_text && query->class_ == CLASS_IN
            && (query->type == TYPE_A || query->type == TYPE_AAAA
                || query->type == TYPE_SVCB || query->type == TYPE_HTTPS
                || query->type == TYPE_ANY));
}

/* Passes on which name a guest asks DNS for. */
static void
tell_of_name(struct packets_of_switch *ps,
             const struct waiting_packet *packet)
{
    const struct fabric *f = ps->sw->host->fabric;
    struct vmn_dns_query query;
    struct vmn_udp udp;

    if (packet->size != packet->full_size
        || !vmn_udp_parse(packet->bytes, packet->size, &udp)
        || !vmn_dns_parse(udp.payload, udp.payload_size, &query)
        || !asks_for_addresses(&query)) {
        packets_count_unanswered(ps, packet->handler, "no name");
        return;
    }
    packet_sender_resolve(ps, packet->port);
    if (!packet->port->port) {
        packets_count_unanswered(ps, packet->handler, "from no port");
    } else if (f->name_asked) {
        ps->packets->n_answered++;
        f->name_asked(f->name_asked_aux, packet->port->port->row.name,
                      query.name);
    }
}

/* Counts, and says, what the handler made of the packet. */
static void
count_answer(struct packets_of_switch *ps,
             const struct waiting_packet *packet, const char *problem)
{
    const struct vmn_packets_out *out = &ps->packets->out;

    if (problem) {
        VLOG_WARN_RL(&rl, "%s: handler %s: %s", ps->sw->host->name,
                     packet->handler->name, problem);
        packets_count_drop(ps, PACKET_DROP_FAILED);
    } else if (!out->n && packet->size) {
        packets_count_unanswered(ps, packet->handler, out->reason);
    } else if (packet->size) {
        ps->packets->n_answered++;
    }
}

static void
take_sent_to(const struct ofpacket_ct *ct, struct vmn_packet_in *in)
{
    if (!ct->is_reply) {
        in->sent_to.family = (uint8_t) ct->family;
        memcpy(in->sent_to.addr, ct->dst, sizeof in->sent_to.addr);
        in->sent_to_port = ct->dst_port;
    }
}

bool
packets_answer(struct packets_of_switch *ps,
               const struct waiting_packet *packet, struct ofpbuf *b)
{
    const struct fabric_host *host = ps->sw->host;
    struct vmn_packets_out *out = &ps->packets->out;
    struct vmn_packet_in in = {
        .host = host->name,
        .in_port = packet->port->in_port,
        .arg = packet->arg,
        .bytes = packet->bytes,
        .size = packet->size,
        .full_size = packet->full_size,
    };
    char *problem;

    if (packet->handler->class_.to_controller) {
        packets_give_to_sink(ps, packet->handler, packet->port, packet->bytes,
                             packet->size);
        return true;
    } else if (engine_handler_is_http(packet->handler)) {
        packet_in_http_receive(ps, packet);
        return true;
    }
    if (packet->handler->class_.tells_guest) {
        tell_of_guest(ps, packet);
        return true;
    }
    if (packet->handler->class_.options & VMN_HANDLER_NAMES) {
        tell_of_name(ps, packet);
        return true;
    }
    in.number = ps->n_handled++;
    memcpy(in.regs, packet->regs, sizeof in.regs);
    take_sent_to(&packet->ct, &in);
    packet_sender_resolve(ps, packet->port);
    in.vif = packet->port->vif;
    in.port = packet->port->port;
    out->rows_only = commit_is_trying(host->fabric->commit);
    problem = engine_handle_packet(host->fabric->engine, packet->handler, &in,
                                   out);
    if (out->later) {
        free(problem);
        return false;
    }
    if (out->incomplete_network && vmn_mac_is_none(out->incomplete_known)) {
        neighbour_requests_note(&ps->neighbours, out->incomplete_network,
                                &out->incomplete, time_msec());
    }
    count_answer(ps, packet, problem);
    free(problem);
    /* Before the request: the reply may be learned as soon as that is sent. */
    if (out->incomplete_network) {
        learn_neighbour_put_probed(b, OFCONN_XID_PACKETS, out->incomplete_app,
                                   out->incomplete_network, &out->incomplete,
                                   out->incomplete_known);
    }
    for (size_t i = 0; i < out->n; i++) {
        append_answer(ps, packet->port, &in, &out->sends[i], b);
    }
    if (packet->handler->class_.options & VMN_HANDLER_FORGETS) {
        append_forget(ps, &packet->ct, b);  /* Which an answer may need. */
    }
    return true;
}

/* For the controller itself.  -------------------------------------------- */

/* Sends a frame to the host's switch as 'head' says. */
static bool
send_as(const struct fabric_host *host, const struct ofpacket_out *head,
        const void *frame, size_t size)
{
    struct fabric *f = host->fabric;
    struct packets_of_switch *ps = packets_of(host->sw);
    struct ofpbuf *b = &f->packets->frame;

    if (is_congested(host->sw, 0)) {
        packets_count_drop(ps, PACKET_DROP_UNREAD);
        return false;
    }
    ofpbuf_clear(b);
    ofpacket_put(b, head, frame, size);
    ofconn_send(host->sw->conn, b->data, b->size);
    f->packets->n_out++;
    ps->n_out++;
    return true;
}

bool
fabric_send_frame(struct fabric *f, const char *name, uint32_t ofport,
                  const void *frame, size_t size)
{
    const struct fabric_host *host = fabric_find_host(f, name);
    struct ofpacket_out head;

    if (!host || !host->sw->conn || size < VMN_FRAME_MIN
        || size > VMN_FRAME_MAX) {
        return false;
    }
    ofpacket_make_output(&head, ofport);
    return send_as(host, &head, frame, size);
}

bool
fabric_send_to_host(struct fabric *f, const char *name, uint32_t vni,
                    uint32_t number, const void *frame, size_t size)
{
    const struct fabric_host *host = fabric_find_host(f, name);
    int table = engine_table_of_hook(f->engine, VMN_HOOK_DELIVER);
    uint32_t regs[OFPACKET_REGS] = { 0 };
    struct ofpacket_out head;

    if (!host || !host->sw->conn || table < 0 || size < VMN_FRAME_MIN
        || size > FABRIC_PATH_FRAME_MAX) {
        return false;
    }
    regs[VMN_REG_NETWORK - VMN_F_REG0] = vni;
    regs[VMN_REG_DST_HOST - VMN_F_REG0] = number;
    ofpacket_make_resubmit(&head, (uint8_t) table, PATH_IN_PORT, regs);
    return send_as(host, &head, frame, size);
}

void
fabric_probe_host(struct fabric *f, const char *name)
{
    const struct fabric_host *host = fabric_find_host(f, name);

    if (host && host->sw->conn
        && !is_congested(host->sw, 0)) {
        ofconn_send_echo(host->sw->conn);
    }
}

bool
fabric_host_heard_since(const struct fabric *f, const char *name,
                        int64_t since_us)
{
    const struct fabric_host *host = fabric_find_host(f, name);

    return (host && host->sw->conn
            && ofconn_heard_us(host->sw->conn) > since_us);
}

bool
fabric_host_answered_since(const struct fabric *f, const char *name,
                           int64_t since_us)
{
    const struct fabric_host *host = fabric_find_host(f, name);

    return (host && host->sw->conn
            && ofconn_answered_us(host->sw->conn) >= since_us);
}

unsigned
fabric_packet_port_rate(const struct fabric *f)
{
    return f->packet_port_rate;
}

void
fabric_set_sink(struct fabric *f, fabric_sink_cb *sink, void *aux)
{
    f->sink = sink;
    f->sink_aux = aux;
}

void
fabric_set_name_asked(struct fabric *f, fabric_name_cb *cb, void *aux)
{
    f->name_asked = cb;
    f->name_asked_aux = aux;
}

void
fabric_set_path_sink(struct fabric *f, fabric_sink_cb *sink, void *aux)
{
    f->path_sink = sink;
    f->path_sink_aux = aux;
}
