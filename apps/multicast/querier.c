/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnd's part: it asks each port of a snooped network which groups its guest
 * is in, and takes apart what a switch cannot.  What comes of it are messages
 * that the switch learns from (group-message.h); nothing is kept here.
 *
 * Queries are from 0.0.0.0, or from the highest link-local address: so the
 * network has a querier, and yet a multicast router among the guests is always
 * elected (RFC 4541, section 2.1.1; RFC 2710, section 6).  They are of IGMPv2
 * and MLDv1, to be answered by reports that switches take in themselves; or,
 * where lists of sources are kept, of IGMPv3 and MLDv2.  So they are in
 * provider networks, where routers hear the answers as well: guests are not to
 * speak an older version because of us.  vmnd has no memory of such lists: a
 * guest that says what has changed is asked for all of its list, and that
 * takes the place of what the switch has. */

#include "multicast.h"

#include <string.h>

#include "group-message.h"

static const struct vmn_ip nobody4 = { .family = 4 };
static const struct vmn_ip last6 = { 6, { 0xfe, 0x80, [8] = 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff } };

/* Where what a guest wants depends on what it has wanted, it is asked for all
 * of that, to be said within this many tenths of a second: it is waiting. */
#define SOON_DS 1

/* With lists a report may become so many messages.  Besides: MESSAGE_ALL, a
 * query, MESSAGE_OVER, and the report itself.  One less of those that go to
 * the physical network as well. */
#define REPORT_ROOM ((size_t) VMN_SENDS_MAX - 4)

/* Asks the port in which groups of one family its guest is, or how it is in
 * 'group'. */
static void
ask(const struct multicast_network *row, const struct vmn_network *network,
    uint8_t family, const struct vmn_ip *group, uint8_t response_ds,
    struct vmn_packets_out *out)
{
    struct group_query query = {
        .source = (family == 6 ? last6
                   : row->querier_ip.family ? row->querier_ip : nobody4),
        .mac = { { 0x0e, 0x56, 0x4d, 0xff, 0x00, 0x02 } },
        .lists = row->source_filtering || is_on_wire(network),
        .response = (uint16_t) (response_ds * (family == 6 ? 100 : 1)),
        .flags = ROBUSTNESS,
        .interval = QUERY_S,
    };
    uint8_t frame[GROUP_FRAME_MAX];

    if (group) {
        query.group = *group;
    }
    vmn_send_back(out, frame, group_query_build(&query, frame));
}

/* Sends the frame of a message through the pipeline from 'hook' on, as of the
 * port. */
static void
send_frame(struct vmn_view *view, const struct vmn_network *network,
           enum vmn_hook hook, const struct vmn_packet_in *in,
           struct vmn_packets_out *out, const uint8_t *frame, size_t size)
{
    uint32_t regs[VMN_N_REGS] = {
        [VMN_REG_NETWORK - VMN_F_REG0] = network->vni,
        [VMN_REG_ZONE - VMN_F_REG0] = vmn_domain_zone(
            view, vmn_domain_of(view, network->row.name)),
        [VMN_REG_SRC_LOCAL - VMN_F_REG0] = 1,
    };

    vmn_send_to_hook(out, hook, in->in_port, regs, frame, size);
}

/* Sends a message; 'group' and 'source' are its IP addresses. */
static void
send_message(struct vmn_view *view, const struct vmn_network *network,
             enum message kind, uint32_t list, const struct vmn_ip *source,
             const struct vmn_ip *group, const struct vmn_packet_in *in,
             struct vmn_packets_out *out)
{
    uint8_t frame[GROUP_FRAME_MAX];

    send_frame(view, network, VMN_HOOK_ROUTE, in, out, frame,
               group_frame_build(kind, list, in->number, source, group,
                                 frame));
}

/* Sends a message that is of no group.  Its destination is a reserved group
 * address (224.0.0.0, RFC 1112): other hosts drop a group frame with a unicast
 * destination (apps/overlay/group-frames.c). */
static void
send_word(struct vmn_view *view, const struct vmn_network *network,
          enum message kind, const struct vmn_packet_in *in,
          struct vmn_packets_out *out)
{
    static const struct vmn_ip reserved = { .family = 4, .addr = { 224 } };

    send_message(view, network, kind, 0, &nobody4, &reserved, in, out);
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

/* Has all guests hear a query.  Where lists are kept one about sources becomes
 * one about their group: else who includes them answers with some of its list,
 * and nobody could tell that from the whole of it (RFC 3376, section 5.2).
 * The router is told what it wants to know all the same. */
static void
pass_query(const struct multicast_network *row,
           const struct group_query *query, const struct vmn_packet_in *in,
           struct vmn_packets_out *out)
{
    uint8_t frame[GROUP_FRAME_MAX];

    if (row->source_filtering && query->n_sources) {
        vmn_send_to_next(out, STAGE_SNOOP, frame,
                         group_query_build(query, frame));
    } else {
        vmn_send_to_next(out, STAGE_SNOOP, in->bytes, in->size);
    }
}

/* Returns true if a query is about sources of no group. */
static bool
is_about_nothing(const struct group_query *query)
{
    return query->n_sources && !query->group.family;
}

/* A query of a guest: it is a router, and all are to hear it. */
static void
take_query(struct vmn_view *view, const struct multicast_network *row,
           const struct vmn_network *network, const struct group_query *query,
           const struct vmn_packet_in *in, struct vmn_packets_out *out)
{
    if (!row->learn_routers && !is_router(row, in->port->row.name)) {
        vmn_send_nothing(out, "query of a guest that is no router");
    } else if (!is_own(in, &query->source)) {
        vmn_send_nothing(out, "spoofed");
    } else if (row->source_filtering && is_about_nothing(query)) {
        vmn_send_nothing(out, "malformed");
    } else {
        send_word(view, network, MESSAGE_ROUTER, in, out);
        pass_query(row, query, in, out);
    }
}

/* What comes from the physical network about one group.  A query is for all
 * guests; reports of others are not, or some would keep theirs back (RFC 2236,
 * section 3), and then nobody here knew of them. */
static void
take_wire(struct vmn_view *view, const struct vmn_packet_in *in,
          struct vmn_packets_out *out)
{
    const struct vmn_network *network;
    const struct multicast_network *row = wire_of_packet(view, in, &network);
    struct group_message message;

    if (!row) {
        vmn_send_nothing(out, "from no port");
    } else if (!group_message_parse(in->bytes, in->size,
                                    row->source_filtering, &message)
               || (message.is_query && row->source_filtering
                   && is_about_nothing(&message.query))) {
        vmn_send_nothing(out, "malformed");
    } else if (!message.is_query) {
        vmn_send_nothing(out, "report from the physical network");
    } else {
        pass_query(row, &message.query, in, out);
    }
}

/* What is made of a report. */
struct taking {
    struct vmn_view *view;
    const struct multicast_network *row;
    const struct vmn_network *network;
    const struct vmn_packet_in *in;
    struct vmn_packets_out *out;
    const struct group_message *message;
    size_t room;                /* So many more messages can be sent. */
    size_t alone;               /* And for answers about one group each. */
    bool more, over;            /* As in the message. */
    size_t n_to_ask;            /* Groups of which the guest is asked... */
    const struct vmn_ip *to_ask; /* ...one of them... */
    bool soon;                  /* ...and whether it is waiting. */
};

static void
say(struct taking *t, enum message kind, uint32_t list,
    const struct vmn_ip *source, const struct vmn_ip *group)
{
    send_message(t->view, t->network, kind, list, source, group, t->in,
                 t->out);
    t->room--;
}

static void
ask_later(struct taking *t, const struct group_record *record, bool soon)
{
    if (!t->to_ask || !vmn_ip_equal(t->to_ask, &record->group)) {
        t->n_to_ask++;
    }
    t->to_ask = &record->group;
    t->soon |= soon;
}

/* Says that the port is in a group for any source, or in none; of a network
 * with lists routers hear the report itself. */
static void
say_plain(struct taking *t, const struct group_record *record, bool joins)
{
    bool lists = t->row->source_filtering;

    say(t, joins ? (lists ? MESSAGE_EXCLUDE : MESSAGE_JOIN)
        : lists ? MESSAGE_INCLUDE : MESSAGE_LEAVE, 0, &t->message->source,
        &record->group);
}

static void
say_sources(struct taking *t, const struct group_record *record,
            enum message kind, uint32_t list)
{
    for (size_t i = 0; i < record->n_sources; i++) {
        say(t, kind, list, &record->sources[i], &record->group);
    }
}

/* Behind the port there may be several guests, so what one says takes nothing
 * from the others: what it wants is added, what it does not want is
 * forgotten. */
static void
take_shared(struct taking *t, const struct group_record *record, size_t room)
{
    switch (record->wish) {
    case WISH_INCLUDE:
    case WISH_ALLOW:
        if (record->n_sources <= room) {
            say_sources(t, record, MESSAGE_WANTED, 0);
            break;
        }
        t->over = true;
        say_plain(t, record, true);
        break;
    case WISH_JOIN:
    case WISH_EXCLUDE:
        say_plain(t, record, true);
        break;
    case WISH_LEAVE:
    case WISH_BLOCK:
        break;
    }
}

/* There is no room for a list: asks the guest about its group alone.  Until it
 * answers what it wants is what it has wanted.  Returns false if there would
 * be no room for the answers either, if they come in one report: the guest
 * would be asked for ever. */
static bool
ask_alone(struct taking *t, const struct group_record *record)
{
    if (t->alone + record->n_sources + 1 > REPORT_ROOM) {
        return false;
    }
    ask(t->row, t->network, t->message->source.family, &record->group,
        SOON_DS, t->out);
    t->alone += record->n_sources + 1;
    t->room--;
    return true;
}

/* The port has one guest, and what it says of a group is all that it wants of
 * it.  Sources come first: the list that they are of is in effect at once, or
 * some ms before a switch that has several threads has learned them all. */
static void
take_own(struct taking *t, const struct group_record *record, size_t room)
{
    bool includes = record->wish == WISH_INCLUDE;
    uint32_t list = group_list_number(record);

    switch (record->wish) {
    case WISH_LEAVE:
    case WISH_JOIN:
        say_plain(t, record, record->wish == WISH_JOIN);
        if (record->wish == WISH_LEAVE) {
            ask_later(t, record, false);
        }
        break;
    case WISH_INCLUDE:
    case WISH_EXCLUDE:
        if (record->n_sources + 1 <= room) {
            say_sources(t, record, includes ? MESSAGE_WANTED : MESSAGE_BLOCKED,
                        list);
            say(t, includes ? MESSAGE_INCLUDE : MESSAGE_EXCLUDE, list,
                &t->message->source, &record->group);
        } else if (!ask_alone(t, record)) {
            t->over = true;
            say_plain(t, record, true);
        }
        break;
    case WISH_BLOCK:
        if (record->n_sources <= room) {
            say_sources(t, record, MESSAGE_UNWANTED, 0);
        }                       /* Else it gets them until it answers. */
        ask_later(t, record, true);
        break;
    case WISH_ALLOW:
        ask_later(t, record, true);
        break;
    }
}

/* Returns true if a record that finds no room needs none: its guest is asked
 * anyway. */
static bool
is_asked_about(const struct taking *t, const struct group_record *record)
{
    return (!t->in->port->unknown
            && (record->wish == WISH_ALLOW || record->wish == WISH_BLOCK));
}

/* Takes the records in turn; each of the others has room for one message.  (A
 * port that gets all is counted where that is learned.) */
static void
take_records(struct taking *t)
{
    for (size_t i = 0; i < t->message->n; i++) {
        const struct group_record *record = &t->message->records[i];
        size_t n_others = t->message->n - i - 1;
        size_t room = t->room > n_others ? t->room - n_others : !!t->room;

        if (!room && !is_asked_about(t, record)) {
            t->more |= (record->wish != WISH_LEAVE
                        && record->wish != WISH_BLOCK);
        } else if (t->in->port->unknown) {
            take_shared(t, record, room);
        } else {
            take_own(t, record, room);
        }
    }
}

/* Has others hear the report itself: routers, since it says more than a switch
 * has made of it (MESSAGE_REPORT), or the physical network (MESSAGE_WIRE),
 * where the port's flow at the locate hook sends it (wire_of_port()). */
static void
pass_report(struct taking *t, enum message kind)
{
    const struct vmn_packet_in *in = t->in;
    uint8_t *frame = (uint8_t *) vmn_alloc(t->view, in->size);

    memcpy(frame, in->bytes, in->size);
    group_report_mark(kind, frame, in->size);
    send_frame(t->view, t->network,
               kind == MESSAGE_WIRE ? VMN_HOOK_LOCATE : VMN_HOOK_ROUTE, in,
               t->out, frame, in->size);
}

/* Sends what a report says, each group by itself.  A guest that has left some
 * is asked: a report that it has sent since then, if it is in one again, may
 * have reached the switch before the leave. */
static void
take_report(struct taking *t, bool is_for_routers)
{
    /* Those of MLD switches have sent there by themselves. */
    bool is_for_wire = (is_on_wire(t->network) && t->message->is_to_group
                        && t->message->source.family == 4);

    t->room = t->row->source_filtering ? REPORT_ROOM : GROUP_RECORDS_MAX;
    t->room -= is_for_wire;
    t->alone = is_for_wire;
    t->more = t->message->more;
    t->over = t->message->over;
    if (is_for_routers) {
        pass_report(t, MESSAGE_REPORT);
    }
    if (is_for_wire) {
        pass_report(t, MESSAGE_WIRE);
    }
    take_records(t);
    if (t->more) {
        send_word(t->view, t->network, MESSAGE_ALL, t->in, t->out);
    }
    if (t->over) {
        send_word(t->view, t->network, MESSAGE_OVER, t->in, t->out);
    }
    if (t->n_to_ask) {
        ask(t->row, t->network, t->message->source.family,
            t->soon && t->n_to_ask == 1 ? t->to_ask : NULL,
            t->soon ? SOON_DS : RESPONSE_DS, t->out);
    }
    if (!t->message->n && !is_for_wire) {
        vmn_send_nothing(t->out, "no group to be snooped");
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

    if (!in->port) {
        take_wire(view, in, out);
        return;
    } else if (!row || vmn_packet_reg(in, VMN_REG_NETWORK) != network->vni) {
        vmn_send_nothing(out, "from no port");
        return;
    } else if (vmn_is_quarantined(view, in->port)) {
        vmn_send_nothing(out, "quarantined");
        return;
    } else if (!group_message_parse(in->bytes, in->size,
                                    row->source_filtering, &message)) {
        vmn_send_nothing(out, "malformed");
        return;
    }
    if (message.is_query) {
        take_query(view, row, network, &message.query, in, out);
        return;
    }

    const struct vmn_ip link_local = vmn_link_local(in->port->mac);
    bool is_for_routers = (
        row->source_filtering && may_have_routers(row) && message.is_to_group
        && (message.source.family == 4
            || vmn_is_link_local(&message.source)));

    if (message.source.family == 6) {
        message.source = link_local;
    }
    take_report(&(struct taking) {
        .view = view, .row = row, .network = network, .in = in, .out = out,
        .message = &message }, is_for_routers);
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
        ask(row, network, families[i], NULL, RESPONSE_DS, out);
    }
    send_word(view, network, MESSAGE_TICK, in, out);
    if (is_router(row, in->port->row.name)) {
        send_word(view, network, MESSAGE_ROUTER, in, out);
    }
}
