/* SPDX-License-Identifier: Apache-2.0
 *
 * Handles a guest's query: whether it is answered from names that VMN knows
 * (dns-lookup.c), refused, or goes on to the resolver that it was for. */

#include "dns-app.h"

#include <string.h>

#define CLASS_IN 1

/* Bytes of a reply that nearly all networks carry without fragmentation. */
#define REPLY_MAX 1232

static const struct vmn_ip server_ip = SERVER_IP;

/* Writes the answer to a question.  Returns false if it is for another
 * resolver. */
static bool
answer_question(struct vmn_view *view, const struct vmn_packet_in *in,
                struct vmn_dns_answer *answer, bool is_own)
{
    const struct vmn_dns_query *query = answer->query;
    const struct vmn_dns_zone *zone = NULL;
    enum found found = FOUND_NOT_OURS;

    if (query->class_ == CLASS_IN && query->is_text) {
        found = find_answer(view, in->port->network, answer, &zone);
    }
    if (found == FOUND_NOT_OURS) {
        answer->error = VMN_DNS_REFUSED;
        return is_own;
    }
    if (found == FOUND_NO_NAME) {
        answer->error = VMN_DNS_NXDOMAIN;
    }
    if (zone && !answer->n_answers && !answer->is_truncated) {
        vmn_dns_add_soa(answer, zone->domain, zone->ttl, false);
    }
    return true;
}

/* Returns the most bytes of a reply that are not fragmented.  The MTU of a
 * network is at least 576, so there is room for the 512 bytes that every
 * client accepts. */
static size_t
max_reply_size(struct vmn_view *view, const struct vmn_port *port)
{
    const struct vmn_network *network = vmn_read_network(view, port->network);
    size_t room = (network ? vmn_mtu_of(view, network) + 14 - VMN_UDP6_HEADERS
                   : 512);

    return room < REPLY_MAX ? room : REPLY_MAX;
}

void
handle_stream(struct vmn_view *view, const struct vmn_packet_in *in,
              struct vmn_packets_out *out)
{
    void *message = vmn_alloc(view, UINT16_MAX);
    struct vmn_dns_answer answer;
    struct vmn_dns_query query;

    if (vmn_is_quarantined(view, in->port)) {
        vmn_send_nothing(out, "quarantined");
        return;
    } else if (!vmn_dns_parse(in->bytes, in->size, &query)) {
        vmn_send_nothing(out, "malformed");
        return;
    }
    query.udp_size = UINT16_MAX; /* What TCP takes. */
    vmn_dns_start(&answer, &query, message, UINT16_MAX);
    if (!query.error) {
        answer_question(view, in, &answer, true);
    }
    vmn_send_http(out, &(struct vmn_http_reply) {
        .status = 200, .body = message, .body_size = vmn_dns_end(&answer) });
}

void
handle_query(struct vmn_view *view, const struct vmn_packet_in *in,
             struct vmn_packets_out *out)
{
    uint8_t message[REPLY_MAX], packet[VMN_UDP6_HEADERS + REPLY_MAX];
    struct vmn_dns_answer answer;
    struct vmn_dns_query query;
    struct vmn_udp udp;
    const char *why = vmn_udp_parse_request(view, in, &udp);
    bool is_own;

    if (why) {
        vmn_send_nothing(out, why);
        return;
    }
    is_own = !memcmp(&udp.ip_dst, &server_ip, sizeof server_ip);
    if (!vmn_dns_parse(udp.payload, udp.payload_size, &query)) {
        if (is_own) {
            vmn_send_nothing(out, "malformed");
        } else {
            vmn_send_to_next(out, STAGE_DNS, in->bytes, in->size);
        }
        return;
    }
    vmn_dns_start(&answer, &query, message, max_reply_size(view, in->port));
    if (query.error ? !is_own
        : !answer_question(view, in, &answer, is_own)) {
        vmn_send_to_next(out, STAGE_DNS, in->bytes, in->size);
        return;
    }
    /* Another resolver does not know the name, so an answer with some of its
     * addresses does not have the client ask there again by TCP. */
    if (!is_own && answer.n_answers) {
        answer.is_truncated = false;
    }
    vmn_udp_swap(&udp);
    udp.payload = message;
    udp.payload_size = vmn_dns_end(&answer);
    vmn_send_back(out, packet, vmn_udp_build(&udp, packet, sizeof packet));
}
