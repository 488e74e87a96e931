/* SPDX-License-Identifier: Apache-2.0
 *
 * DHCPv6: who asks what, and the answer.  RFC 8415, section 16 (which messages
 * are taken at all) and 18.3 (what is answered).  What options say is in
 * dhcpv6-options.c.
 *
 * All of a port's addresses are its client's, in the first association that it
 * asks for.  Nothing is delegated, and nothing is temporary. */

#include "dhcpv6-options.h"

#include <arpa/inet.h>

enum {
    STATUS_SUCCESS = 0,
    STATUS_NO_ADDRESS = 2,
    STATUS_NO_BINDING = 3,
    STATUS_NOT_ON_LINK = 4,
    STATUS_NO_PREFIX = 6,
};

#define IPV6_UDP_SIZE 48
#define DUID_MAX 130            /* Bytes (RFC 8415, section 11.1). */

/* The server's DUID-LL, of Ethernet, from its MAC. */
static const uint8_t server_id[] = { 0, 3, 0, 1,
                                     0x0e, 0x56, 0x4d, 0xff, 0, 67 };

/* A request, and what is known of its sender. */
struct req {
    struct vmn_udp udp;
    struct vmn_dhcp6 dhcp;
    struct vmn_dhcp6_option client, server; /* 'data' is NULL if absent. */
    const struct vmn_port *port;
    const struct vmn_network *network;
    uint32_t mtu;               /* The network's. */
    struct vmn_dhcp_options options;
};

/* Associations.  ---------------------------------------------------------- */

static void
put_status(struct vmn_bytes *b, uint16_t status)
{
    status = htons(status);
    vmn_dhcp6_put(b, OPTION_STATUS, &status, sizeof status);
}

static void
put_address(struct vmn_bytes *b, const struct vmn_ip *ip, uint32_t lifetime)
{
    size_t opened = vmn_dhcp6_open(b, VMN_DHCP6_IAADDR);

    vmn_put_ip(b, ip);
    vmn_put_u32(b, lifetime);   /* Preferred. */
    vmn_put_u32(b, lifetime);   /* Valid. */
    vmn_dhcp6_close(b, opened);
}

static bool
is_leased(const struct req *req, const struct vmn_ip *ip)
{
    return find_lease(req->network, req->port, 6, ip) != NULL;
}

static struct vmn_ip
address_of(const struct vmn_dhcp6_option *iaaddr)
{
    struct vmn_ip ip = { .family = 6 };

    memcpy(ip.addr, iaaddr->data, sizeof ip.addr);
    return ip;
}

/* Reads the next address in 'ia' into '*ip'.  '*rest' and '*size' are the
 * options that are left.  Returns false at the end. */
static bool
next_address(const uint8_t **rest, size_t *size, struct vmn_ip *ip)
{
    struct vmn_dhcp6_option option;

    while (vmn_dhcp6_next(rest, size, &option)) {
        if (option.code == VMN_DHCP6_IAADDR) {
            *ip = address_of(&option);
            return true;
        }
    }
    return false;
}

/* Appends the client's addresses. */
static void
put_leased(struct vmn_bytes *b, const struct req *req)
{
    for (size_t i = 0; i < req->port->n_ips; i++) {
        const struct vmn_ip *own = &req->port->ips[i];

        if (own->family == 6 && is_leased(req, own)) {
            put_address(b, own, req->options.lease_time);
        }
    }
}

/* Appends, with lifetimes 0, the addresses in association 'ia' that the client
 * has no longer: the client that extends them stops using them at once (RFC
 * 8415, sections 18.3.4 and 18.3.5).  Returns false if there are none. */
static bool
put_expired(struct vmn_bytes *b, const struct req *req,
            const struct vmn_dhcp6_option *ia)
{
    const uint8_t *rest = ia->data + VMN_DHCP6_IA_NA_SIZE;
    size_t size = ia->size - VMN_DHCP6_IA_NA_SIZE;
    bool any = false;
    struct vmn_ip ip;

    if (ia->code != VMN_DHCP6_IA_NA
        || (req->dhcp.type != RENEW && req->dhcp.type != REBIND)) {
        return false;
    }
    while (next_address(&rest, &size, &ip)) {
        if (!is_leased(req, &ip)) {
            put_address(b, &ip, 0);
            any = true;
        }
    }
    return any;
}

/* Appends the reply to association 'ia'.  The first one that asks for
 * addresses gets all. */
static void
put_ia(struct vmn_bytes *b, const struct req *req,
       const struct vmn_dhcp6_option *ia, bool first)
{
    bool na = ia->code == VMN_DHCP6_IA_NA;
    bool leases = na && first && is_leased(req, NULL);
    uint32_t s = req->options.lease_time;
    size_t opened = vmn_dhcp6_open(b, ia->code);

    vmn_put(b, ia->data, 4);    /* The IAID. */
    if (ia->code != VMN_DHCP6_IA_TA) {
        vmn_put_u32(b, leases ? s / 2 : 0);
        vmn_put_u32(b, leases ? s / 10 * 8 : 0);
    }
    if (leases) {
        put_leased(b, req);
    }
    if (!put_expired(b, req, ia) && !leases) {
        put_status(b, (ia->code == VMN_DHCP6_IA_PD ? STATUS_NO_PREFIX
                       : req->dhcp.type == RENEW || req->dhcp.type == REBIND
                       ? STATUS_NO_BINDING : STATUS_NO_ADDRESS));
    }
    vmn_dhcp6_close(b, opened);
}

/* Appends 'ia' with status NoBinding to the reply to a client that releases or
 * declines its addresses, if some are not the client's, or it is not an IA_NA;
 * otherwise nothing. */
static void
put_unbound(struct vmn_bytes *b, const struct req *req,
            const struct vmn_dhcp6_option *ia)
{
    const uint8_t *rest = ia->data + VMN_DHCP6_IA_NA_SIZE;
    size_t size = ia->size - VMN_DHCP6_IA_NA_SIZE, opened;
    struct vmn_ip ip;
    bool bound = ia->code == VMN_DHCP6_IA_NA;

    while (bound && next_address(&rest, &size, &ip)) {
        bound = is_leased(req, &ip);
    }
    if (bound) {
        return;
    }
    opened = vmn_dhcp6_open(b, ia->code);
    vmn_put(b, ia->data, VMN_DHCP6_IA_NA_SIZE);
    put_status(b, STATUS_NO_BINDING);
    vmn_dhcp6_close(b, opened);
}

static void
put_ias(struct vmn_bytes *b, const struct req *req)
{
    const uint8_t *rest = req->dhcp.options;
    size_t size = req->dhcp.options_size;
    struct vmn_dhcp6_option ia;
    bool first = true;

    while (vmn_dhcp6_next(&rest, &size, &ia)) {
        bool na = ia.code == VMN_DHCP6_IA_NA;

        if (!na && ia.code != VMN_DHCP6_IA_TA
            && ia.code != VMN_DHCP6_IA_PD) {
            continue;
        }
        if (req->dhcp.type != RELEASE && req->dhcp.type != DECLINE) {
            put_ia(b, req, &ia, first);
        } else if (ia.code != VMN_DHCP6_IA_TA) {
            put_unbound(b, req, &ia);
        }
        first = first && !na;
    }
}

/* The answer.  ------------------------------------------------------------ */

static void
send_reply(struct vmn_packets_out *out, const struct req *req,
           const struct vmn_bytes *message)
{
    uint8_t frame[REPLY_MAX];
    const struct vmn_udp udp = {
        .eth_src = server_mac,
        .eth_dst = req->udp.eth_src,
        .ip_src = vmn_link_local(server_mac),
        .ip_dst = req->udp.ip_src,
        .ttl = 64,
        .src_port = VMN_DHCP6_SERVER_PORT,
        .dst_port = VMN_DHCP6_CLIENT_PORT,
        .payload = message->data,
        .payload_size = message->size,
    };

    vmn_send_back(out, frame, vmn_udp_build(&udp, frame, sizeof frame));
}

static void
reply_start(struct vmn_bytes *b, const struct req *req, uint8_t type)
{
    vmn_dhcp6_start(b, type, req->dhcp.xid);
    if (req->client.data) {
        vmn_dhcp6_put(b, OPTION_CLIENT_ID, req->client.data,
                      req->client.size);
    }
    vmn_dhcp6_put(b, OPTION_SERVER_ID, server_id, sizeof server_id);
}

/* Appends the highest preference: clients need not wait for other servers. */
static void
put_preference(struct vmn_bytes *b)
{
    const uint8_t highest = 255;

    vmn_dhcp6_put(b, OPTION_PREFERENCE, &highest, sizeof highest);
}

/* Returns 1 if all addresses that the client names are its own, 0 if not, or
 * -1 if it names none. */
static int
confirms(const struct req *req)
{
    const uint8_t *rest = req->dhcp.options;
    size_t size = req->dhcp.options_size;
    struct vmn_dhcp6_option ia;
    int found = -1;

    while (vmn_dhcp6_next(&rest, &size, &ia)) {
        if (ia.code == VMN_DHCP6_IA_NA) {
            const uint8_t *inner = ia.data + VMN_DHCP6_IA_NA_SIZE;
            size_t inner_size = ia.size - VMN_DHCP6_IA_NA_SIZE;
            struct vmn_ip ip;

            while (next_address(&inner, &inner_size, &ip)) {
                found = found && is_leased(req, &ip);
            }
        }
    }
    return found;
}

/* Handles a message.  Returns NULL, or why there is no reply. */
static const char *
handle_message(const struct req *req, struct vmn_packets_out *out)
{
    uint8_t data[REPLY_MAX], type = REPLY;
    size_t room = req->mtu - IPV6_UDP_SIZE;
    struct vmn_bytes b = vmn_bytes(data, room < REPLY_MAX - VMN_UDP6_HEADERS
                                   ? room : REPLY_MAX - VMN_UDP6_HEADERS);
    struct vmn_dhcp6_option rapid;
    bool commits = req->dhcp.type == SOLICIT
                   && vmn_dhcp6_find(req->dhcp.options,
                                     req->dhcp.options_size,
                                     OPTION_RAPID_COMMIT, &rapid);
    int confirmed;

    switch (req->dhcp.type) {
    case CONFIRM:
        confirmed = confirms(req);
        if (confirmed < 0) {
            return "no address in confirm";
        }
        reply_start(&b, req, type);
        put_status(&b, confirmed ? STATUS_SUCCESS : STATUS_NOT_ON_LINK);
        break;
    case RELEASE:
    case DECLINE:
        reply_start(&b, req, type);
        put_status(&b, STATUS_SUCCESS);
        put_ias(&b, req);
        break;
    case SOLICIT:
        type = commits ? REPLY : ADVERTISE;
        /* Fall through. */
    default:
        reply_start(&b, req, type);
        if (type == ADVERTISE) {
            put_preference(&b);
        }
        if (commits) {
            vmn_dhcp6_put(&b, OPTION_RAPID_COMMIT, NULL, 0);
        }
        put_ias(&b, req);
        dhcpv6_put_requested(&b, &req->dhcp, &req->options);
        break;
    }
    send_reply(out, req, &b);
    return NULL;
}

/* The question.  ---------------------------------------------------------- */

/* Checks which identifiers the message has (RFC 8415, section 16).  Returns
 * NULL, or what is wrong. */
static const char *
check_ids(const struct req *req)
{
    bool to_us = req->server.data && req->server.size == sizeof server_id
                 && !memcmp(req->server.data, server_id, sizeof server_id);
    struct vmn_dhcp6_option ia;

    switch (req->dhcp.type) {
    case SOLICIT:
    case CONFIRM:
    case REBIND:
        return (!req->client.data ? "no client identifier"
                : req->server.data ? "names a server" : NULL);
    case REQUEST:
    case RENEW:
    case RELEASE:
    case DECLINE:
        return (!req->client.data ? "no client identifier"
                : !req->server.data ? "names no server"
                : !to_us ? "for another server" : NULL);
    case INFORMATION_REQUEST:
        if (req->server.data && !to_us) {
            return "for another server";
        }
        return (vmn_dhcp6_find(req->dhcp.options, req->dhcp.options_size,
                               VMN_DHCP6_IA_NA, &ia)
                || vmn_dhcp6_find(req->dhcp.options, req->dhcp.options_size,
                                  VMN_DHCP6_IA_TA, &ia)
                || vmn_dhcp6_find(req->dhcp.options, req->dhcp.options_size,
                                  VMN_DHCP6_IA_PD, &ia)
                ? "malformed" : NULL);
    default:
        return "not a client message";
    }
}

/* Returns the subnet of the port's first IPv6 address, whose options it
 * gets. */
static const struct vmn_subnet *
subnet_of(const struct vmn_network *network, const struct vmn_port *port)
{
    for (size_t i = 0; i < port->n_ips; i++) {
        if (port->ips[i].family == 6) {
            return find_subnet(network, &port->ips[i]);
        }
    }
    return NULL;
}

static const char *
check_message(struct vmn_view *view, const struct vmn_packet_in *in,
              struct req *req)
{
    memset(req, 0, sizeof *req);
    req->port = in->port;
    req->network = (in->port ? vmn_read_network(view, in->port->network)
                    : NULL);
    if (!req->network) {
        return "not from a port";
    }
    req->mtu = vmn_mtu_of(view, req->network);
    if (!vmn_udp_parse(in->bytes, in->size, &req->udp)
        || req->udp.ip_src.family != 6
        || !vmn_dhcp6_parse(req->udp.payload, req->udp.payload_size,
                            &req->dhcp)) {
        return "malformed";
    }
    if (!vmn_mac_equal(req->udp.eth_src, in->port->mac)) {
        return "not the port's MAC";
    }
    if (vmn_dhcp6_find(req->dhcp.options, req->dhcp.options_size,
                       OPTION_CLIENT_ID, &req->client)
        && (!req->client.size || req->client.size > DUID_MAX)) {
        return "malformed";
    }
    vmn_dhcp6_find(req->dhcp.options, req->dhcp.options_size,
                   OPTION_SERVER_ID, &req->server);
    req->options = dhcp_options_of(view, req->network,
                                   subnet_of(req->network, req->port),
                                   req->port);
    return check_ids(req);
}

void
handle_v6(struct vmn_view *view, const struct vmn_packet_in *in,
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
