/* SPDX-License-Identifier: Apache-2.0
 *
 * What conntrack would answer; see conntrack.h. */

#include <config.h>

#include "controller/simulator/conntrack.h"

#include <netinet/in.h>
#include <netinet/icmp6.h>
#include <string.h>

#include "flow.h"
#include "openvswitch/ofp-actions.h"
#include "packets.h"
#include "util.h"

/* Tuples.  --------------------------------------------------------------- */

static bool
is_icmp(uint8_t proto)
{
    return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

/* Returns true if tuples of the protocol have ports.  The kernel tracks those
 * of SCTP, and the userspace datapath does not; with one connection between
 * two addresses that makes no difference. */
static bool
has_ports(uint8_t proto)
{
    return !is_icmp(proto) && proto != IPPROTO_SCTP;
}

void
ct_tuple_of(const struct sim_packet *packet, struct ct_tuple *tuple)
{
    const struct flow *flow = &packet->flow;

    memset(tuple, 0, sizeof *tuple);
    tuple->dl_type = ntohs(flow->dl_type);
    tuple->proto = flow->nw_proto;
    if (tuple->dl_type == ETH_TYPE_IP) {
        in6_addr_set_mapped_ipv4(&tuple->src, flow->nw_src);
        in6_addr_set_mapped_ipv4(&tuple->dst, flow->nw_dst);
    } else {
        tuple->src = flow->ipv6_src;
        tuple->dst = flow->ipv6_dst;
    }
    if (tuple->proto != IPPROTO_SCTP) {
        tuple->tp_src = ntohs(packet->tp_src);
        tuple->tp_dst = ntohs(packet->tp_dst);
    }
    tuple->icmp_id = is_icmp(tuple->proto) ? packet->icmp_id : 0;
}

/* ICMP types of a request and its reply. */
static const struct {
    uint8_t proto, request, answer;
} pings[] = {
    { IPPROTO_ICMP, ICMP4_ECHO_REQUEST, ICMP4_ECHO_REPLY },
    { IPPROTO_ICMP, ICMP4_TIMESTAMP, ICMP4_TIMESTAMPREPLY },
    { IPPROTO_ICMP, ICMP4_INFOREQUEST, ICMP4_INFOREPLY },
    { IPPROTO_ICMPV6, ICMP6_ECHO_REQUEST, ICMP6_ECHO_REPLY },
};

static bool
is_ping(const struct ct_tuple *tuple)
{
    for (size_t i = 0; i < ARRAY_SIZE(pings); i++) {
        if (tuple->proto == pings[i].proto
            && tuple->tp_src == pings[i].request) {
            return true;
        }
    }
    return false;
}

static struct ct_tuple
tuple_reverse(const struct ct_tuple *tuple)
{
    struct ct_tuple reverse = *tuple;

    reverse.src = tuple->dst;
    reverse.dst = tuple->src;
    if (!is_icmp(tuple->proto)) {
        reverse.tp_src = tuple->tp_dst;
        reverse.tp_dst = tuple->tp_src;
    }
    for (size_t i = 0; is_icmp(tuple->proto) && i < ARRAY_SIZE(pings); i++) {
        if (tuple->proto == pings[i].proto) {
            if (tuple->tp_src == pings[i].request) {
                reverse.tp_src = pings[i].answer;
            } else if (tuple->tp_src == pings[i].answer) {
                reverse.tp_src = pings[i].request;
            }
        }
    }
    return reverse;
}

/* Lookup.  --------------------------------------------------------------- */

static bool
tuple_equal(const struct ct_tuple *a, const struct ct_tuple *b)
{
    return !memcmp(a, b, sizeof *a);
}

/* Returns the connection with 'tuple', or NULL, and sets '*reply' if the tuple
 * is that of its replies. */
static struct ct_conn *
find_conn(struct conntrack *ct, const struct ct_action *action,
          const struct ct_tuple *tuple, bool *reply)
{
    for (size_t i = 0; i < ct->n; i++) {
        struct ct_conn *conn = &ct->conns[i];

        if (conn->zone == action->zone
            && !strcmp(conn->host, action->host)) {
            *reply = tuple_equal(tuple, &conn->reply);
            if (*reply || tuple_equal(tuple, &conn->orig)) {
                return conn;
            }
        }
    }
    return NULL;
}

/* NAT.  ------------------------------------------------------------------ */

static void
set_address(struct flow *flow, bool source, const struct in6_addr *ip)
{
    if (flow->dl_type == htons(ETH_TYPE_IP)) {
        *(source ? &flow->nw_src : &flow->nw_dst)
            = in6_addr_get_mapped_ipv4(ip);
    } else {
        *(source ? &flow->ipv6_src : &flow->ipv6_dst) = *ip;
    }
}

/* Writes 'tuple' into the packet's headers.  A fragment without ports gets
 * none, and SCTP keeps its own, which the tuple does not have: apps' NAT does
 * not change them. */
static void
set_tuple(struct sim_packet *packet, const struct ct_tuple *tuple)
{
    struct flow *flow = &packet->flow;

    set_address(flow, true, &tuple->src);
    set_address(flow, false, &tuple->dst);
    if (has_ports(tuple->proto)) {
        packet->tp_src = htons(tuple->tp_src);
        packet->tp_dst = htons(tuple->tp_dst);
        if (!(flow->nw_frag & FLOW_NW_FRAG_LATER)) {
            flow->tp_src = packet->tp_src;
            flow->tp_dst = packet->tp_dst;
        }
    }
}

/* Translates an ICMP error about a packet of 'conn', and the packet that it
 * quotes. */
static void
translate_error(struct sim_packet *packet, const struct ct_conn *conn,
                bool reply)
{
    const struct ct_tuple *there = reply ? &conn->reply : &conn->orig;
    const struct ct_tuple *back = reply ? &conn->orig : &conn->reply;
    struct ct_tuple seen;

    ct_tuple_of(packet, &seen);
    if (ipv6_addr_equals(&seen.src, &there->src)) {
        set_address(&packet->flow, true, &back->dst);
    }
    set_address(&packet->flow, false, &back->src);
    packet->quoted = *back;
}

static void
translate(struct sim_packet *packet, const struct ct_conn *conn, bool reply)
{
    struct ct_tuple seen = tuple_reverse(reply ? &conn->orig : &conn->reply);

    packet->flow.ct_state |= conn->nat;
    if (packet->quotes) {
        translate_error(packet, conn, reply);
    } else {
        set_tuple(packet, &seen);
    }
}

/* Chooses the addresses and ports to which 'range' maps a new connection.
 * Returns NULL, or why it cannot. */
static const char *
choose_nat(const struct ofpact_nat *range, struct ct_conn *conn)
{
    bool dst = range->flags & NX_NAT_F_DST;
    struct ct_tuple *reply = &conn->reply;
    struct in6_addr *ip = dst ? &reply->src : &reply->dst;
    uint16_t *port = dst ? &reply->tp_src : &reply->tp_dst;

    if (!(range->flags & (NX_NAT_F_SRC | NX_NAT_F_DST))) {
        return NULL;
    }
    if (range->range_af == AF_INET) {
        if (range->range.addr.ipv4.max
            && range->range.addr.ipv4.max != range->range.addr.ipv4.min) {
            return "NAT to one of several addresses: the result is not "
                   "determined";
        }
        in6_addr_set_mapped_ipv4(ip, range->range.addr.ipv4.min);
    } else if (range->range_af == AF_INET6) {
        if (!ipv6_addr_equals(&range->range.addr.ipv6.max, &in6addr_any)
            && !ipv6_addr_equals(&range->range.addr.ipv6.max,
                                 &range->range.addr.ipv6.min)) {
            return "NAT to one of several addresses: the result is not "
                   "determined";
        }
        *ip = range->range.addr.ipv6.min;
    }
    if (range->range.proto.min && has_ports(reply->proto)) {
        /* A range of ports.  The packet keeps its own if that is in it; which
         * other one a switch would choose makes no difference. */
        uint16_t min = range->range.proto.min;
        uint16_t max = MAX(range->range.proto.max, min);

        if (dst && max != min && (*port < min || *port > max)) {
            return "NAT to one of several ports: the result is not determined";
        }
        if (*port < min || *port > max) {
            *port = min;
        }
    }
    conn->nat = dst ? CS_DST_NAT : CS_SRC_NAT;
    return NULL;
}

/* Passing.  -------------------------------------------------------------- */

static void
write_original(struct flow *flow, const struct ct_tuple *orig)
{
    flow->ct_nw_proto = orig->proto;
    flow->ct_tp_src = htons(orig->tp_src);
    flow->ct_tp_dst = htons(orig->tp_dst);
    if (orig->dl_type == ETH_TYPE_IP) {
        flow->ct_nw_src = in6_addr_get_mapped_ipv4(&orig->src);
        flow->ct_nw_dst = in6_addr_get_mapped_ipv4(&orig->dst);
    } else {
        flow->ct_ipv6_src = orig->src;
        flow->ct_ipv6_dst = orig->dst;
    }
}

/* Returns true if the packet may open a connection. */
static bool
may_begin(const struct sim_packet *packet, const struct ct_tuple *tuple)
{
    uint16_t flags = ntohs(packet->tcp_flags);

    if (tuple->proto == IPPROTO_TCP) {
        return (flags & (TCP_SYN | TCP_ACK)) != (TCP_SYN | TCP_ACK);
    }
    return !is_icmp(tuple->proto) || is_ping(tuple);
}

static const char *
begin_conn(struct conntrack *ct, const struct ct_action *action,
           struct sim_packet *packet, const struct ct_tuple *tuple,
           struct ct_conn **connp)
{
    struct ct_conn *conn;
    const char *fault;

    packet->flow.ct_state |= CS_NEW;
    write_original(&packet->flow, tuple);
    if (!action->commit) {
        return NULL;
    }
    if (ct->n >= CT_CONNS_MAX) {
        return "the packet opens more connections than are kept";
    }
    conn = &ct->conns[ct->n];
    memset(conn, 0, sizeof *conn);
    conn->host = action->host;
    conn->zone = action->zone;
    conn->orig = *tuple;
    conn->reply = tuple_reverse(tuple);
    fault = action->range ? choose_nat(action->range, conn) : NULL;
    if (fault) {
        return fault;
    }
    ct->n++;
    *connp = conn;
    if (conn->nat) {
        translate(packet, conn, false);
    }
    return NULL;
}

static void
go_on(const struct ct_action *action, struct sim_packet *packet,
      struct ct_conn *conn, bool reply)
{
    struct flow *flow = &packet->flow;

    flow->ct_state |= reply ? CS_REPLY_DIR : 0;
    if (packet->quotes) {
        flow->ct_state |= CS_RELATED;
    } else {
        conn->replied |= reply;
        flow->ct_state |= conn->replied ? CS_ESTABLISHED : CS_NEW;
    }
    flow->ct_mark = conn->mark;
    flow->ct_label = conn->label;
    write_original(flow, &conn->orig);
    if (action->nat && conn->nat) {
        translate(packet, conn, reply);
    }
}

/* Returns true if the packet is a reset that answers a SYN. */
static bool
is_reset(const struct sim_packet *packet)
{
    return packet->flow.nw_proto == IPPROTO_TCP
           && ntohs(packet->tcp_flags) == (TCP_RST | TCP_ACK);
}

/* Returns NULL, or why the packet's state is not known: the datapaths differ,
 * or Open vSwitch does not track it. */
static const char *
check_known(const struct sim_packet *packet, const struct ct_tuple *tuple)
{
    uint16_t flags = ntohs(packet->tcp_flags);

    if (tuple->proto == IPPROTO_TCP && !is_reset(packet)
        && (flags & (TCP_FIN | TCP_RST) || !(flags & (TCP_SYN | TCP_ACK)))) {
        return "conntrack's answer to TCP segments other than SYN and ACK "
               "depends on more than an exchange";
    }
    if (tuple->proto != IPPROTO_TCP && tuple->proto != IPPROTO_UDP
        && tuple->proto != IPPROTO_SCTP && !is_icmp(tuple->proto)) {
        return "conntrack's answer to this protocol depends on the datapath";
    }
    return NULL;
}

const char *
conntrack_pass(struct conntrack *ct, const struct ct_action *action,
               struct sim_packet *packet, struct ct_conn **connp)
{
    struct flow *flow = &packet->flow;
    struct ct_tuple tuple;
    const char *fault;
    bool reply = false;

    *connp = NULL;
    flow_clear_conntrack(flow);
    flow->ct_state = CS_TRACKED;
    flow->ct_zone = action->zone;
    if (!is_ip_any(flow)) {
        flow->ct_state |= CS_INVALID;
        return NULL;
    }
    ct_tuple_of(packet, &tuple);
    fault = check_known(packet, &tuple);
    if (fault) {
        return fault;
    }
    if (packet->quotes) {
        /* An error goes to the sender of what it quotes. */
        tuple = tuple_reverse(&packet->quoted);
    }
    *connp = find_conn(ct, action, &tuple, &reply);
    if (is_reset(packet) && !(*connp && reply)) {
        return "conntrack's answer to a reset that answers no SYN of the "
               "exchange depends on the datapath";
    }
    if (*connp && reply && action->force && !packet->quotes) {
        **connp = ct->conns[--ct->n];
        *connp = NULL;
    }
    if (*connp) {
        go_on(action, packet, *connp, reply);
        return NULL;
    }
    if (packet->quotes || !may_begin(packet, &tuple)) {
        flow->ct_state |= CS_INVALID;
        return NULL;
    }
    return begin_conn(ct, action, packet, &tuple, connp);
}
