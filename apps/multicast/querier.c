/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnd's part: it asks each port of a snooped network which groups its guest
 * is in, and takes apart what a switch cannot.  What comes of it are messages
 * that the switch learns from (group-message.h); nothing is kept here.
 *
 * Queries are from 0.0.0.0, or from the highest link-local address: so the
 * network has a querier, and yet a multicast router among the guests is always
 * elected (RFC 4541, section 2.1.1; RFC 2710, section 6).  They are of IGMPv2
 * and MLDv1, to be answered by reports that switches take in themselves. */

#include "multicast.h"

#include <string.h>

#include "group-message.h"

static const struct vmn_ip nobody4 = { .family = 4 };
static const struct vmn_ip last6 = { 6, { 0xfe, 0x80, [8] = 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff } };

/* Asks the port which groups of one family its guest is in. */
static void
ask(const struct multicast_network *row, uint8_t family,
    struct vmn_packets_out *out)
{
    const struct vmn_ip *source = (family == 6 ? &last6
                                   : row->querier_ip.family ? &row->querier_ip
                                   : &nobody4);
    uint8_t frame[GROUP_FRAME_MAX];

    vmn_send_back(out, frame, group_query_build(source, RESPONSE_DS, frame));
}

/* Sends a message through the pipeline, as of the port. */
static void
send_message(struct vmn_view *view, const struct vmn_network *network,
             enum message kind, const struct vmn_ip *source,
             const struct vmn_ip *group, const struct vmn_packet_in *in,
             struct vmn_packets_out *out)
{
    uint32_t regs[VMN_N_REGS] = {
        [VMN_REG_NETWORK - VMN_F_REG0] = network->vni,
        [VMN_REG_ZONE - VMN_F_REG0] = vmn_domain_zone(
            view, vmn_domain_of(view, network->row.name)),
        [VMN_REG_SRC_LOCAL - VMN_F_REG0] = 1,
    };
    uint8_t frame[GROUP_FRAME_MAX];

    vmn_send_to_hook(out, VMN_HOOK_ROUTE, in->in_port, regs, frame,
                     group_frame_build(kind, source, group, frame));
}

static bool
is_router(const struct multicast_network *row, const char *port)
{
    for (size_t i = 0; i < row->n_routers; i++) {
        if (!strcmp(row->routers[i], port)) {
            return true;
        }
    }
    return false;
}

/* Returns true if the query is from the port's own MAC address, and, of IPv6,
 * its link-local one: the guard has looked neither at MLD nor at IGMP from
 * 0.0.0.0. */
static bool
is_own(const struct vmn_packet_in *in, const struct vmn_ip *source)
{
    const struct vmn_ip link_local = vmn_link_local(in->port->mac);

    return (!memcmp(in->bytes + sizeof in->port->mac, &in->port->mac,
                    sizeof in->port->mac)
            && (source->family == 4 || vmn_ip_equal(source, &link_local)));
}

/* A query of a guest: it is a router, and all are to hear it. */
static void
take_query(struct vmn_view *view, const struct multicast_network *row,
           const struct vmn_network *network, const struct vmn_ip *source,
           const struct vmn_packet_in *in, struct vmn_packets_out *out)
{
    if (!row->learn_routers && !is_router(row, in->port->row.name)) {
        vmn_send_nothing(out, "query of a guest that is no router");
    } else if (!is_own(in, source)) {
        vmn_send_nothing(out, "spoofed");
    } else {
        send_message(view, network, MESSAGE_ROUTER, &nobody4, &nobody4, in,
                     out);
        vmn_send_to_next(out, STAGE_SNOOP, in->bytes, in->size);
    }
}

/* Sends what a report says, each group by itself.  A guest that has left some
 * is asked: a report that it has sent since then, if it is in one again, may
 * have reached the switch before the leave. */
static void
take_report(struct vmn_view *view, const struct multicast_network *row,
            const struct vmn_network *network,
            const struct group_message *message,
            const struct vmn_packet_in *in, struct vmn_packets_out *out)
{
    bool leaves = false;

    for (size_t i = 0; i < message->n; i++) {
        const struct group_record *record = &message->records[i];

        /* Another guest behind the port may be a member still. */
        if (record->joins || !in->port->unknown) {
            send_message(view, network,
                         record->joins ? MESSAGE_JOIN : MESSAGE_LEAVE,
                         &message->source, &record->group, in, out);
            leaves |= !record->joins;
        }
    }
    if (message->more) {
        send_message(view, network, MESSAGE_ALL, &nobody4, &nobody4, in, out);
    }
    if (leaves) {
        ask(row, message->source.family, out);
    }
    if (!message->n) {
        vmn_send_nothing(out, "no group to be snooped");
    }
}

void
handle_report(struct vmn_view *view, const struct vmn_packet_in *in,
              struct vmn_packets_out *out)
{
    const struct vmn_network *network = NULL;
    const struct multicast_network *row
        = (in->port ? settings_of(view, in->port->network, &network) : NULL);
    struct group_message message;

    if (!row || vmn_packet_reg(in, VMN_REG_NETWORK) != network->vni) {
        vmn_send_nothing(out, "from no port");
        return;
    } else if (vmn_is_quarantined(view, in->port)) {
        vmn_send_nothing(out, "quarantined");
        return;
    } else if (!group_message_parse(in->bytes, in->size, &message)) {
        vmn_send_nothing(out, "malformed");
        return;
    }
    if (message.is_query) {
        take_query(view, row, network, &message.source, in, out);
        return;
    }
    if (message.source.family == 6) {
        message.source = vmn_link_local(in->port->mac);
    }
    take_report(view, row, network, &message, in, out);
}

/* Called periodically for each port, and for those that have come to a
 * host. */
void
handle_querier(struct vmn_view *view, const struct vmn_packet_in *in,
               struct vmn_packets_out *out)
{
    const struct vmn_network *network;
    const struct multicast_network *row
        = (in->port ? settings_of(view, in->port->network, &network) : NULL);

    if (!row) {
        return;
    }
    for (size_t i = 0; i < N_FAMILIES; i++) {
        ask(row, families[i], out);
    }
    send_message(view, network, MESSAGE_TICK, &nobody4, &nobody4, in, out);
    if (is_router(row, in->port->row.name)) {
        send_message(view, network, MESSAGE_ROUTER, &nobody4, &nobody4, in,
                     out);
    }
}
