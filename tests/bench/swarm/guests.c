/* SPDX-License-Identifier: Apache-2.0
 *
 * What guests behind emulated switches do, as far as their controller sees it:
 * they answer what it asks them through packet-outs, as probes do (ARP, pings,
 * the first packet of a connection by TCP), and their packets are counted,
 * those of pairs as app traffic has switches count them.  Not a classifier:
 * what they answer comes up as by the flows that apps have for such answers,
 * which are not looked at. */

#include <config.h>

#include "tests/bench/swarm/swarm.h"

#include <string.h>

#include "byte-order.h"
#include "controller/flow/flow-item.h"
#include "controller/flow/punt-action.h"
#include "csum.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-packet.h"
#include "openvswitch/ofpbuf.h"
#include "packets.h"
#include "timeval.h"
#include "unaligned.h"
#include "util.h"
#include "vmn/flow.h"

#define FRAME_MAX 1514
#define SEQ 1000                /* Of a guest's first packet by TCP. */
#define PACKETS_PER_S 10        /* By each flow that is hit. */
/* By the pair that sends most; the others send a half, a third and so on. */
#define PAIR_PACKETS_PER_S 100000
#define PAIR_RANKS 5000

/* Frames.  --------------------------------------------------------------- */

static void
swap(uint8_t *a, uint8_t *b, size_t size)
{
    while (size--) {
        uint8_t byte = a[size];

        a[size] = b[size];
        b[size] = byte;
    }
}

static ovs_be16
csum_tcp(const uint8_t *ip, const uint8_t *tcp, size_t size)
{
    uint32_t sum = csum_continue(0, ip + 12, 8);

    sum = csum_add16(sum, htons(IPPROTO_TCP));
    sum = csum_add16(sum, htons(size));
    return csum_finish(csum_continue(sum, tcp, size));
}

static void
put_be16(uint8_t *p, ovs_be16 value)
{
    memcpy(p, &value, sizeof value);
}

/* Makes the question the answer, or returns false if it is none.  'mac' is the
 * guest's. */
static bool
answer_arp(const uint8_t *mac, uint8_t *arp, size_t size)
{
    static const uint8_t request[] = { 0, 1, 8, 0, 6, 4, 0, ARP_OP_REQUEST };

    if (size < ARP_ETH_HEADER_LEN || memcmp(arp, request, sizeof request)) {
        return false;
    }
    arp[7] = ARP_OP_REPLY;
    swap(arp + 8, arp + 18, 10);        /* Both addresses of both. */
    memcpy(arp + 8, mac, 6);            /* Which was asked for. */
    return true;
}

static bool
answer_icmp(uint8_t *icmp, size_t size)
{
    if (size < ICMP_HEADER_LEN || icmp[0] != ICMP4_ECHO_REQUEST) {
        return false;
    }
    icmp[0] = ICMP4_ECHO_REPLY;
    put_be16(icmp + 2, 0);
    put_be16(icmp + 2, csum(icmp, size));
    return true;
}

static bool
answer_tcp(const uint8_t *ip, uint8_t *tcp, size_t size)
{
    uint32_t seq;

    if (size < TCP_HEADER_LEN || (tcp[13] & 0x3f) != TCP_SYN) {
        return false;
    }
    seq = ntohl(get_unaligned_be32((ovs_be32 *) (void *) (tcp + 4)));
    swap(tcp, tcp + 2, 2);
    put_unaligned_be32((ovs_be32 *) (void *) (tcp + 4), htonl(SEQ));
    put_unaligned_be32((ovs_be32 *) (void *) (tcp + 8), htonl(seq + 1));
    tcp[13] = TCP_SYN | TCP_ACK;
    put_be16(tcp + 16, 0);
    put_be16(tcp + 16, csum_tcp(ip, tcp, size));
    return true;
}

static bool
answer_ipv4(uint8_t *ip, size_t size)
{
    size_t header, total;

    if (size < IP_HEADER_LEN || ip[0] >> 4 != 4) {
        return false;
    }
    header = (ip[0] & 0xf) * 4;
    total = ip[2] << 8 | ip[3];
    if (header < IP_HEADER_LEN || total < header || total > size) {
        return false;
    }
    swap(ip + 12, ip + 16, 4);
    return ((ip[9] == IPPROTO_ICMP
             && answer_icmp(ip + header, total - header))
            || (ip[9] == IPPROTO_TCP
                && answer_tcp(ip, ip + header, total - header)));
}

static bool
answer_frame(uint8_t *frame, size_t size)
{
    uint16_t type;

    if (size < ETH_HEADER_LEN) {
        return false;
    }
    type = frame[12] << 8 | frame[13];
    swap(frame, frame + 6, 6);
    return ((type == ETH_TYPE_ARP && answer_arp(frame + 6,
                                                frame + ETH_HEADER_LEN,
                                                size - ETH_HEADER_LEN))
            || (type == ETH_TYPE_IP && answer_ipv4(frame + ETH_HEADER_LEN,
                                                   size - ETH_HEADER_LEN)));
}

/* Packet-outs and packet-ins.  -------------------------------------------- */

/* Tells all controllers that may be told, as a switch does.  Whose handler it
 * is makes no difference to vmnd, as long as that is for vmnd itself. */
static void
send_answer(struct host *host, ofp_port_t port, const uint8_t *frame,
            size_t size)
{
    const struct punt punt = { .max_size = PUNT_SIZE_ALL };
    uint8_t userdata[PUNT_USERDATA_SIZE];
    struct ofputil_packet_in_private pin = {
        .base = {
            .packet = CONST_CAST(uint8_t *, frame), .packet_len = size,
            .flow_metadata = MATCH_CATCHALL_INITIALIZER,
            .reason = OFPR_ACTION, .table_id = PUNT_METER_TABLE,
            .userdata = userdata, .userdata_len = sizeof userdata,
        },
    };
    struct match *match = &pin.base.flow_metadata;
    struct of_conn *conn;

    match_set_in_port(match, port);
    match_set_tun_id(match, htonll(punt_handler_id("loadbalancer", "probe")));
    match_set_metadata(match, htonll(punt_metadata(&punt)
                                     | (OVS_FORCE uint16_t) port));
    punt_put_userdata(userdata, PUNT_USERDATA_HANDLER);
    LIST_FOR_EACH (conn, node, &host->of_conns) {
        if (conn->bev && role_receives(conn, OAM_PACKET_IN, OFPR_ACTION)) {
            switch_send(conn, ofputil_encode_packet_in_private(
                            &pin, OFPUTIL_P_OF15_OXM, OFPUTIL_PACKET_IN_NXT2));
        }
    }
}

void
guests_receive(struct of_conn *conn, const struct ofp_header *oh)
{
    uint64_t stub[64];
    struct ofpbuf ofpacts = OFPBUF_STUB_INITIALIZER(stub);
    struct host *host = conn->host;
    struct ofputil_packet_out po;
    uint8_t frame[FRAME_MAX];
    const struct ofpact *a;

    if (!host->swarm->guests_answer
        || ofputil_decode_packet_out(&po, oh, NULL, &ofpacts)) {
        ofpbuf_uninit(&ofpacts);
        return;
    }
    host->counters.packet_outs++;
    OFPACT_FOR_EACH (a, po.ofpacts, po.ofpacts_len) {
        if (a->type == OFPACT_OUTPUT && po.packet_len <= sizeof frame) {
            memcpy(frame, po.packet, po.packet_len);
            if (answer_frame(frame, po.packet_len)) {
                host->counters.answers++;
                send_answer(host, ofpact_get_OUTPUT(a)->port, frame,
                            po.packet_len);
            }
        }
    }
    ofpbuf_uninit(&ofpacts);
}

/* Counters.  -------------------------------------------------------------- */

/* The flow that a learn() action of app traffic would have added. */
static struct ofpbuf *
encode_pair(uint32_t vni, uint32_t ofport, ovs_be32 src)
{
    struct match match = MATCH_CATCHALL_INITIALIZER;
    struct ofputil_flow_mod fm = {
        .priority = 1, .table_id = PAIR_TABLE, .command = OFPFC_ADD,
        .new_cookie = htonll(FLOW_COOKIE_COUNTED),
        .idle_timeout = VMN_PAIR_IDLE_S, .buffer_id = UINT32_MAX,
        .out_port = OFPP_ANY, .out_group = OFPG_ANY,
    };
    struct ofpbuf *msg;

    match_set_dl_type(&match, htons(ETH_TYPE_IP));
    match_set_reg(&match, 0, vni);
    match_set_reg(&match, 7, ofport);
    match_set_nw_src(&match, src);
    minimatch_init(&fm.match, &match);
    msg = ofputil_encode_flow_mod(&fm, OFPUTIL_P_OF15_OXM);
    minimatch_destroy(&fm.match);
    ofpmsg_update_length(msg);
    return msg;
}

const char *
guests_talk(struct host *host, uint32_t vni, uint32_t ofport, char **ips,
            size_t n)
{
    bool ok = true;

    for (size_t i = 0; i < n && ok; i++) {
        struct ofpbuf *msg;
        ovs_be32 src;

        if (!ip_parse(ips[i], &src)) {
            return "not an IPv4 address";
        }
        msg = encode_pair(vni, ofport, src);
        ok = bundle_learn(host, msg->data);
        ofpbuf_delete(msg);
    }
    return ok ? NULL : "the switch refuses such a flow";
}

uint64_t
guests_packets(const struct swarm *swarm, const struct body *body)
{
    uint64_t ms = time_msec() - swarm->start_ms;

    if (!body->is_group && pair_is_table(body_table(body))) {
        return ms * (PAIR_PACKETS_PER_S / (1 + body->digest % PAIR_RANKS))
               / 1000;
    }
    return (body->digest % 100 >= swarm->hit_percent ? 0
            : ms / (1000 / PACKETS_PER_S));
}
