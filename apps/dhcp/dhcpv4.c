/* SPDX-License-Identifier: Apache-2.0
 *
 * DHCPv4: who asks what, and the answer.  RFC 2131, section 4.3, by which a
 * request says in which of four states the client is; RFC 6842 (client
 * identifiers in answers).  What options say is in dhcpv4-options.c.
 *
 * The server knows which address a port has, so it says no to any other one,
 * and a client that declines its address or gives it back changes nothing. */

#include "dhcpv4-options.h"

#define IP_UDP_SIZE 28
/* Bytes of an IP packet that every client accepts (RFC 2132, section 9.10). */
#define MIN_MAX_SIZE 576

/* A request, and what is known of its sender. */
struct req {
    struct vmn_view *view;
    struct vmn_dhcp4 dhcp;
    const struct vmn_port *port;
    const struct vmn_network *network;
    uint32_t mtu;               /* The network's. */
    struct vmn_ip requested, server; /* Family 0: not in the request. */
};

/* The answer.  ------------------------------------------------------------ */

static void
put_client_id(struct vmn_bytes *b, const struct vmn_dhcp4 *dhcp)
{
    uint8_t id[255];
    int n = vmn_dhcp4_get(dhcp, OPTION_CLIENT_ID, id, sizeof id);

    if (n > 0 && n <= (int) sizeof id) {
        vmn_dhcp4_put(b, OPTION_CLIENT_ID, id, n);
    }
}

/* Returns the most bytes of a message: what the client accepts, but no more
 * than the network's MTU. */
static size_t
max_message_size(const struct req *req)
{
    uint8_t data[2];
    size_t room = MIN_MAX_SIZE;

    if (vmn_dhcp4_get(&req->dhcp, OPTION_MAX_SIZE, data, 2) == 2) {
        size_t asked = data[0] << 8 | data[1];

        room = asked > room ? asked : room;
    }
    if (room > req->mtu) {
        room = req->mtu;
    }
    if (room > REPLY_MAX - 14) {
        room = REPLY_MAX - 14;
    }
    return room - IP_UDP_SIZE;
}

/* Sends a reply to where RFC 2131, section 4.1, wants it.  Only the one port
 * gets it in any case. */
static void
send_reply(struct vmn_packets_out *out, const struct vmn_dhcp4 *dhcp,
           const struct vmn_bytes *message)
{
    static const struct vmn_ip everyone = { 4, { 255, 255, 255, 255 } };
    static const struct vmn_mac all = { { 255, 255, 255, 255, 255, 255 } };
    bool broadcast = (dhcp->type == VMN_DHCP4_NAK
                      || (!dhcp->ciaddr.family && dhcp->broadcast));
    uint8_t frame[REPLY_MAX];
    const struct vmn_udp udp = {
        .eth_src = server_mac,
        .eth_dst = broadcast ? all : dhcp->chaddr,
        .ip_src = server_ip,
        .ip_dst = (broadcast ? everyone
                   : dhcp->ciaddr.family ? dhcp->ciaddr
                   : dhcp->yiaddr),
        .ttl = 64,
        .src_port = VMN_DHCP4_SERVER_PORT,
        .dst_port = VMN_DHCP4_CLIENT_PORT,
        .payload = message->data,
        .payload_size = message->size,
    };

    vmn_send_back(out, frame, vmn_udp_build(&udp, frame, sizeof frame));
}

/* Sends a reply of 'type'; 'ip' is the client's address, or NULL in a
 * DHCPNAK. */
static void
answer(const struct req *req, uint8_t type, const struct vmn_ip *ip,
       struct vmn_packets_out *out)
{
    bool refuses = type == VMN_DHCP4_NAK;
    bool leases = !refuses && req->dhcp.type != VMN_DHCP4_INFORM;
    uint8_t data[REPLY_MAX];
    struct vmn_bytes b = vmn_bytes(data, max_message_size(req));
    struct dhcpv4_values ctx = { .mtu = req->mtu };
    struct vmn_dhcp4 dhcp = {
        .is_reply = true,
        .type = type,
        .xid = req->dhcp.xid,
        .broadcast = req->dhcp.broadcast,
        .chaddr = req->port->mac,
    };

    if (!refuses) {
        ctx.subnet = find_subnet(req->network, ip);
        ctx.options = dhcp_options_of(req->view, req->network, ctx.subnet,
                                   req->port);
        ctx.has_metadata = vmn_relation_values(req->view, VMN_REL_METADATA,
                                               req->network->row.name).n > 0;
        if (!ctx.options.n_search && ctx.options.domain) {
            ctx.options.n_search = 1;
            ctx.options.search = &ctx.options.domain;
        }
        dhcp.ciaddr = req->dhcp.ciaddr;
        dhcp.siaddr = ctx.options.boot_server;
    }
    if (leases) {
        dhcp.yiaddr = *ip;
    }
    vmn_dhcp4_start(&b, &dhcp, ctx.options.boot_file);
    vmn_dhcp4_put(&b, OPTION_SERVER_ID, server_ip.addr, 4);
    if (leases) {
        uint32_t s = ctx.options.lease_time;

        dhcpv4_put_u32(&b, OPTION_LEASE_TIME, s);
        dhcpv4_put_u32(&b, OPTION_T1, s / 2);
        dhcpv4_put_u32(&b, OPTION_T2, s - s / 8);
    }
    put_client_id(&b, &req->dhcp);
    if (!refuses) {
        dhcpv4_put_requested(&b, &req->dhcp, &ctx);
    }
    vmn_dhcp4_end(&b);
    send_reply(out, &dhcp, &b);
}

/* The question.  ---------------------------------------------------------- */

/* Handles DHCPREQUEST (RFC 2131, section 4.3.2).  A reply to an offer names
 * the server; a client that reboots sends only the requested address; and one
 * that extends its lease has its address already.  Returns NULL, or why there
 * is no reply. */
static const char *
handle_request(const struct req *req, struct vmn_packets_out *out)
{
    const struct vmn_ip *wanted = (req->dhcp.ciaddr.family
                                   ? &req->dhcp.ciaddr : &req->requested);
    const struct vmn_ip *ip;

    if (req->server.family && !vmn_ip_equal(&req->server, &server_ip)) {
        return "for another server";
    }
    if (!wanted->family) {
        return "no address in request";
    }
    ip = find_lease(req->network, req->port, 4, wanted);
    answer(req, ip ? VMN_DHCP4_ACK : VMN_DHCP4_NAK, ip, out);
    return NULL;
}

/* Handles a message.  Returns NULL, or why there is no reply. */
static const char *
handle_message(const struct req *req, struct vmn_packets_out *out)
{
    const struct vmn_ip *ip;

    switch (req->dhcp.type) {
    case VMN_DHCP4_DISCOVER:
        ip = find_lease(req->network, req->port, 4,
                        req->requested.family ? &req->requested : NULL);
        if (!ip) {
            ip = find_lease(req->network, req->port, 4, NULL);
        }
        if (!ip) {
            return "no address";
        }
        answer(req, VMN_DHCP4_OFFER, ip, out);
        return NULL;
    case VMN_DHCP4_REQUEST:
        return handle_request(req, out);
    case VMN_DHCP4_INFORM:
        ip = find_lease(req->network, req->port, 4, &req->dhcp.ciaddr);
        if (!ip) {
            return "not the port's address";
        }
        answer(req, VMN_DHCP4_ACK, ip, out);
        return NULL;
    case VMN_DHCP4_DECLINE:
        return "declined";
    case VMN_DHCP4_RELEASE:
        return "released";
    case VMN_DHCP4_BOOTP:
        return "BOOTP";
    default:
        return "not a client message";
    }
}

static struct vmn_ip
get_ip(const struct vmn_dhcp4 *dhcp, uint8_t code)
{
    struct vmn_ip ip = { .family = 4 };

    if (vmn_dhcp4_get(dhcp, code, ip.addr, 4) != 4) {
        memset(&ip, 0, sizeof ip);
    }
    return ip;
}

static const char *
check_message(struct vmn_view *view, const struct vmn_packet_in *in,
              struct req *req)
{
    struct vmn_udp udp;

    req->view = view;
    if (!in->port) {
        return "not from a port";
    }
    if (!vmn_udp_parse(in->bytes, in->size, &udp)
        || udp.ip_src.family != 4
        || !vmn_dhcp4_parse(udp.payload, udp.payload_size, &req->dhcp)) {
        return "malformed";
    }
    if (req->dhcp.is_reply) {
        return "not a client message";
    }
    if (!vmn_mac_equal(udp.eth_src, in->port->mac)
        || !vmn_mac_equal(req->dhcp.chaddr, in->port->mac)) {
        return "not the port's MAC";
    }
    if (req->dhcp.giaddr.family) {
        return "relayed";
    }
    req->port = in->port;
    req->network = vmn_read_network(view, in->port->network);
    req->mtu = req->network ? vmn_mtu_of(view, req->network) : 0;
    req->requested = get_ip(&req->dhcp, OPTION_REQUESTED_IP);
    req->server = get_ip(&req->dhcp, OPTION_SERVER_ID);
    return req->network ? NULL : "not from a port";
}

void
handle_v4(struct vmn_view *view, const struct vmn_packet_in *in,
          struct vmn_packets_out *out)
{
    struct req req;
    const char *why = check_message(view, in, &req);

    if (!why) {
        why = handle_message(&req, out);
    }
    if (why) {
        vmn_send_nothing(out, why);
    }
}
