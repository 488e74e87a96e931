/* SPDX-License-Identifier: Apache-2.0
 *
 * Snooping of IGMP and MLD in a network (RFC 4541): which packets of guests
 * are messages, what hosts tell each other of their ports, and since when
 * members are known.  Not for what is learned of a port (members.c), nor for
 * the groups' own packets (copies.c), nor for what comes from and goes to the
 * physical network of a provider network (physical-network.c).
 *
 * Members are known while vmnd asks: each query that a host's ports are sent
 * is a tick.  The first one, and one after a pause, begins a time in which
 * each member is asked once; ticks after that have the network's groups be
 * filtered, and other hosts be told so.  Where ticks fail to come, that ends
 * before members could be forgotten.  So whatever fails, groups are
 * flooded; but for answers that are lost for more than idle_timeout on the way
 * up, which with lists all have to go, where queries are not. */

#include "multicast.h"

#include <string.h>

#include "group-message.h"

/* In the Ethernet source of a message: the number of the host that sends
 * it. */
#define HOST_BITS 24

/* Settings.  -------------------------------------------------------------- */

const struct multicast_network *
settings_of(struct vmn_view *view, const char *name,
            const struct vmn_network **network)
{
    struct vmn_names names = vmn_relation_values(view, REL_SETTINGS, name);
    const struct multicast_network *row = NULL;

    *network = names.n ? vmn_read_network(view, name) : NULL;
    if (*network && (*network)->vni) {
        row = (const struct multicast_network *) vmn_read(
            view, ROW_NETWORK, names.names[0]);
    }
    return row && !strcmp(row->network, name) ? row : NULL;
}

void
compile_settings(struct vmn_view *view, const char *key,
                 struct vmn_emit *emit)
{
    const struct multicast_network *row
        = (const struct multicast_network *) vmn_read(view, ROW_NETWORK, key);

    if (row && vmn_read_network(view, row->network)) {
        vmn_publish(emit, REL_SETTINGS, row->network, key);
    }
}

/* Says that a port is no router of the network, for it is one of another: so
 * it has none of its messages.  The object is in effect all the same: else who
 * has that port could end it for all others by moving the port. */
void
compile_routers(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct multicast_network *row
        = (const struct multicast_network *) vmn_read(view, ROW_NETWORK, key);

    for (size_t i = 0; row && i < row->n_routers; i++) {
        const struct vmn_port *port = vmn_read_port(view, row->routers[i]);

        if (port && strcmp(port->network, row->network)) {
            vmn_fail(emit, "router %s is not a port of %s", row->routers[i],
                     row->network);
            return;
        }
    }
}

/* Messages.  -------------------------------------------------------------- */

static void
match_message(struct vmn_flow *flow, uint64_t kind, uint64_t mask)
{
    vmn_match_masked(flow, VMN_F_ETH_SRC,
                     (uint64_t) VMN_RESERVED_MAC_SERVICE << HOST_BITS,
                     UINT64_C(0xffffff) << HOST_BITS);
    vmn_match_masked(flow, VMN_F_ETH_DST, MESSAGE_MAC(kind),
                     MESSAGE_MAC_MASK | mask);
}

/* Makes a message's list the one that is looked at, and a part of what may be
 * learned of its group: REG_LIST is REG_VALUE. */
void
take_list(struct vmn_actions *actions)
{
    vmn_act_set(actions, REG_LIST, 0);
    vmn_act_move_bits(actions, VMN_F_ETH_SRC, 0, REG_LIST, LIST_SHIFT,
                      LIST_BITS);
}

static void
learn(struct vmn_actions *actions, uint16_t eth_type, uint32_t hard_s,
      uint32_t limit)
{
    vmn_act_learn_member(actions, &(struct vmn_member) {
        .eth_type = eth_type, .hard_s = (uint16_t) hard_s, .limit = limit,
        .from = REG_VALUE });
}

void
sign(struct vmn_actions *actions, uint32_t number)
{
    vmn_act_set(actions, VMN_F_ETH_SRC,
                (uint64_t) VMN_RESERVED_MAC_SERVICE << HOST_BITS
                | (number & 0xffffff));
}

/* Learns one of the network's own numbers. */
void
learn_own(struct vmn_actions *actions, uint32_t member, uint32_t hard_s)
{
    vmn_act_set(actions, REG_MEMBER, member);
    vmn_act_set(actions, REG_VALUE, 1);
    learn(actions, 0, hard_s, HOST_MEMBERS_MAX);
}

/* The message has said what it is: says that its group has members, which
 * only matters where others' groups are flooded. */
static void
learn_registered(struct vmn_actions *actions,
                 const struct multicast_network *row, uint16_t eth_type)
{
    if (row->flood_unregistered) {
        vmn_act_set(actions, REG_MEMBER, MEMBER_REGISTERED);
        vmn_act_set(actions, REG_VALUE, 1);
        learn(actions, eth_type, (uint32_t) row->idle_timeout,
              HOST_GROUPS_MAX);
    }
}

/* Where there is no room for a member's groups, it gets all of them: whoever
 * REG_MEMBER is. */
void
learn_all(struct vmn_actions *actions, uint32_t limit)
{
    vmn_act_set(actions, REG_VALUE, 1);
    learn(actions, 0, ALL_S, limit);
}

/* Learns that REG_MEMBER gets the packets of a message's source, or not:
 * REG_ANY says which, and REG_LIST of which list that is. */
void
learn_source(struct vmn_actions *actions,
             const struct multicast_network *row, uint16_t eth_type,
             uint32_t limit)
{
    vmn_act_learn_source(actions, &(struct vmn_member) {
        .eth_type = eth_type, .hard_s = (uint16_t) row->idle_timeout,
        .limit = limit, .from = REG_ANY });
    go_on(actions, STAGE_SNOOP, STEP_LEARNED);
}

/* Learns a message's group, and what of it REG_MEMBER gets: those of
 * REG_LIST. */
void
learn_listed(struct vmn_actions *actions,
             const struct multicast_network *row, uint16_t eth_type,
             uint32_t limit)
{
    vmn_act_move_bits(actions, VMN_F_ETH_DST, 0, REG_VALUE, 0, 1);
    learn(actions, eth_type, (uint32_t) row->idle_timeout, limit);
    go_on(actions, STAGE_SNOOP, STEP_LEARNED);
}

/* The same without a list: REG_MEMBER joins or leaves the group. */
void
learn_message(struct vmn_actions *actions,
              const struct multicast_network *row, uint16_t eth_type,
              uint32_t limit)
{
    vmn_act_set(actions, REG_VALUE, 0);
    learn_listed(actions, row, eth_type, limit);
}

static struct vmn_flow *
host_flow(struct vmn_emit *emit, const struct vmn_network *network,
          uint64_t kind, uint64_t mask)
{
    struct vmn_flow *flow = network_flow(emit, network, STAGE_SNOOP, TABLE_IN,
                                         PRIORITY_MESSAGE);

    vmn_match(flow, VMN_F_IN_PORT, VMN_TUNNEL_OFPORT);
    match_message(flow, kind, mask);
    return flow;
}

static void
take_host(struct vmn_actions *actions)
{
    vmn_act_set(actions, REG_MEMBER, MEMBER_HOST);
    vmn_act_move_bits(actions, VMN_F_ETH_SRC, 0, REG_MEMBER, 0, HOST_BITS);
}

/* Learns from messages of other hosts' ports that have lists.  A host gets the
 * packets of those that any of its ports wants; who is in the list of one that
 * wants all others, that port's own host looks at. */
static void
lists_from_hosts(struct vmn_emit *emit, const struct multicast_network *row,
                 const struct vmn_network *network)
{
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    for (size_t i = 0; i < N_FAMILIES; i++) {
        uint16_t eth_type = vmn_eth_type_of(families[i]);

        flow = host_flow(emit, network, MESSAGE_INCLUDE, 0xfe);
        vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
        actions = vmn_flow_actions(flow);
        take_host(actions);
        tell_apart(actions, eth_type);
        learn_message(actions, row, eth_type, HOST_GROUPS_MAX);

        flow = host_flow(emit, network, MESSAGE_WANTED, 0xff);
        vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
        actions = vmn_flow_actions(flow);
        take_host(actions);
        vmn_act_set(actions, REG_LIST, 0);
        vmn_act_set(actions, REG_ANY, 1);
        learn_source(actions, row, eth_type, HOST_GROUPS_MAX);
    }
    actions = vmn_flow_actions(host_flow(emit, network, MESSAGE_REPORT,
                                         0xff));
    go_on(actions, STAGE_SNOOP, STEP_RELAY);
}

/* Learns from messages of other hosts, which are members as their ports
 * are. */
static void
from_hosts(struct vmn_emit *emit, const struct multicast_network *row,
           const struct vmn_network *network)
{
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    for (size_t i = 0; i < N_FAMILIES; i++) {
        uint16_t eth_type = vmn_eth_type_of(families[i]);

        flow = host_flow(emit, network, MESSAGE_LEAVE, 0xfe);
        vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
        actions = vmn_flow_actions(flow);
        take_host(actions);
        learn_message(actions, row, eth_type, HOST_GROUPS_MAX);
    }

    actions = vmn_flow_actions(host_flow(emit, network, MESSAGE_ALL, 0xff));
    take_host(actions);
    learn_all(actions, HOST_MEMBERS_MAX);

    actions = vmn_flow_actions(host_flow(emit, network, MESSAGE_TICK, 0xff));
    vmn_act_set(actions, REG_MEMBER, MEMBER_HOST | MEMBER_KNOWN);
    vmn_act_move_bits(actions, VMN_F_ETH_SRC, 0, REG_MEMBER, 0, HOST_BITS);
    vmn_act_set(actions, REG_VALUE, 1);
    learn(actions, 0, KNOWN_S, HOST_MEMBERS_MAX);

    flow = step_flow(emit, network, STAGE_SNOOP, STEP_LEARNED,
                     PRIORITY_NETWORK);
    vmn_match(flow, VMN_F_IN_PORT, VMN_TUNNEL_OFPORT);
    vmn_match(flow, REG_LEARNED, 0);
    actions = vmn_flow_actions(flow);
    learn_all(actions, HOST_MEMBERS_MAX);
    go_on(actions, STAGE_SNOOP, STEP_RELAY);
}

bool
clone_to_routers(struct vmn_actions *actions,
                 const struct multicast_network *row)
{
    if (may_have_routers(row)) {
        vmn_act_set(actions, REG_STEP, DETOUR_ROUTERS);
        vmn_act_clone(actions, STAGE_SNOOP, TABLE_DETOURS);
    }
    return may_have_routers(row);
}

static struct vmn_flow *
relay_flow(struct vmn_emit *emit, const struct vmn_network *network,
           enum message kind, bool local)
{
    struct vmn_flow *flow = step_flow(emit, network, STAGE_SNOOP, STEP_RELAY,
                                      PRIORITY_NETWORK);

    vmn_match(flow, VMN_REG_SRC_LOCAL, local);
    match_message(flow, kind, 0xff);
    return flow;
}

/* What becomes of a message that has been learned: routers on this host hear
 * it; that of a local port the other hosts as well, unless it leaves a group
 * that another port here is in.  In provider networks there are no others'. */
static void
relay(struct vmn_emit *emit, const struct multicast_network *row,
      const struct vmn_network *network)
{
    struct vmn_flow *flow = step_flow(emit, network, STAGE_SNOOP, STEP_LEARNED,
                                      PRIORITY_REST);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    go_on(actions, STAGE_SNOOP, STEP_RELAY);
    for (int local = is_on_wire(network); local < 2; local++) {
        for (size_t i = 0; i < N_FAMILIES; i++) {
            uint16_t eth_type = vmn_eth_type_of(families[i]);

            flow = relay_flow(emit, network, MESSAGE_JOIN, local);
            vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
            actions = vmn_flow_actions(flow);
            learn_registered(actions, row, eth_type);
            clone_to_routers(actions, row);
            if (local) {
                vmn_act_goto_hook(actions, VMN_HOOK_LOCATE);
            }
        }
        actions = vmn_flow_actions(relay_flow(emit, network, MESSAGE_LEAVE,
                                              local));
        clone_to_routers(actions, row);
        if (local) {
            vmn_act_set(actions, REG_ANY, 0);
            go_on(actions, STAGE_SNOOP, STEP_LEFT);
        }
    }
    flow = relay_flow(emit, network, MESSAGE_ALL, true);
    vmn_act_goto_hook(vmn_flow_actions(flow), VMN_HOOK_LOCATE);
    flow = step_flow(emit, network, STAGE_SNOOP, STEP_RELAY, PRIORITY_REST);
    stop(vmn_flow_actions(flow));
    flow = step_flow(emit, network, STAGE_SNOOP, STEP_UNWANTED, PRIORITY_REST);
    stop(vmn_flow_actions(flow));

    flow = step_flow(emit, network, STAGE_SNOOP, STEP_LAST_LEFT,
                     PRIORITY_NETWORK);
    vmn_match(flow, REG_ANY, 0);
    vmn_act_goto_hook(vmn_flow_actions(flow), VMN_HOOK_LOCATE);
    flow = step_flow(emit, network, STAGE_SNOOP, STEP_LAST_LEFT,
                     PRIORITY_REST);
    stop(vmn_flow_actions(flow));

    flow = network_flow(emit, network, STAGE_RELAY, 0, PRIORITY_MESSAGE);
    vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
    match_message(flow, 0, 0);
    actions = vmn_flow_actions(flow);
    if (is_on_wire(network)) {
        vmn_act_drop_background(actions, REASON_SNOOPED);
        return;
    }
    vmn_act_set(actions, VMN_REG_DST_HOST, VMN_DST_HOST_FLOOD);
    vmn_act_set(actions, VMN_REG_OUT_PORT, VMN_TUNNEL_OFPORT);
    vmn_act_set(actions, VMN_REG_DST_LOCAL, 0);
    vmn_act_goto_hook(actions, VMN_HOOK_DELIVER);
}

/* The same of messages about lists: of the other hosts and of flooding, they
 * are as those without; routers hear the report instead. */
static void
relay_lists(struct vmn_emit *emit, const struct multicast_network *row,
            const struct vmn_network *network)
{
    static const enum message joins[] = { MESSAGE_EXCLUDE, MESSAGE_WANTED };
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    for (int local = is_on_wire(network); local < 2; local++) {
        for (size_t i = 0; i < 2 * N_FAMILIES; i++) {
            uint16_t eth_type = vmn_eth_type_of(families[i / 2]);

            flow = relay_flow(emit, network, joins[i % 2], local);
            vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
            actions = vmn_flow_actions(flow);
            learn_registered(actions, row, eth_type);
            if (local) {
                vmn_act_goto_hook(actions, VMN_HOOK_LOCATE);
            }
        }
        actions = vmn_flow_actions(relay_flow(emit, network, MESSAGE_REPORT,
                                              local));
        clone_to_routers(actions, row);
        if (local) {
            vmn_act_goto_hook(actions, VMN_HOOK_LOCATE);
        }
    }
    actions = vmn_flow_actions(relay_flow(emit, network, MESSAGE_INCLUDE,
                                          true));
    vmn_act_set(actions, REG_ANY, 0);
    go_on(actions, STAGE_SNOOP, STEP_LEFT);

    flow = step_flow(emit, network, STAGE_SNOOP, STEP_LEARN,
                     PRIORITY_MESSAGE);
    match_message(flow, MESSAGE_REPORT, 0xff);
    go_on(vmn_flow_actions(flow), STAGE_SNOOP, STEP_RELAY);
}

/* RFC 1112, section 6.4; RFC 2464, section 7. */
void
group_mac(struct vmn_actions *actions, uint8_t family)
{
    static const struct vmn_mac mac4 = { { 0x01, 0x00, 0x5e } };
    static const struct vmn_mac mac6 = { { 0x33, 0x33 } };

    vmn_act_set_mac(actions, VMN_F_ETH_DST, family == 6 ? mac6 : mac4);
    vmn_act_move_bits(actions, vmn_field_ip_dst(family), 0, VMN_F_ETH_DST, 0,
                      family == 6 ? 32 : 23);
}

/* Makes of a message what a router expects, and sends it out of REG_ANY. */
static void
to_router(struct vmn_emit *emit, const struct vmn_network *network,
          uint8_t family, enum message kind)
{
    static const struct vmn_ip routers4 = { 4, { 224, 0, 0, 2 } };
    static const struct vmn_ip routers6 = { 6, { 0xff, 2, [15] = 2 } };
    struct vmn_flow *flow = step_flow(emit, network, STAGE_SNOOP,
                                      DETOUR_TO_ROUTER, PRIORITY_NETWORK);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, REG_IS_MEMBER, 1);
    vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
    match_message(flow, kind, 0xff);
    if (kind == MESSAGE_LEAVE) {
        vmn_act_set_ip(actions, vmn_field_ip_dst(family),
                       family == 6 ? &routers6 : &routers4);
    }
    group_mac(actions, family);
    vmn_act_output_field(actions, REG_ANY);
}

void
punt(struct vmn_flow *flow, bool copied)
{
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_act_punt(actions, HANDLER_REPORT, 0, VMN_PUNT_ALL);
    taken(actions, copied);
}

static void
routers(struct vmn_emit *emit, const struct vmn_network *network)
{
    struct vmn_flow *flow = step_flow(emit, network, STAGE_SNOOP,
                                      DETOUR_TO_ROUTER, PRIORITY_REST);

    stop(vmn_flow_actions(flow));
    for (size_t i = 0; i < N_FAMILIES; i++) {
        to_router(emit, network, families[i], MESSAGE_JOIN);
        to_router(emit, network, families[i], MESSAGE_LEAVE);
        to_router(emit, network, families[i], MESSAGE_REPORT);
    }

    /* A query of a router about one group goes on, to all; but not its own
     * reports, or others keep theirs back.  Switches do not tell one from the
     * other. */
    if (!is_on_wire(network)) {
        flow = step_flow(emit, network, STAGE_SNOOP, STEP_IGMP,
                         PRIORITY_MESSAGE);
        vmn_match(flow, REG_IS_MEMBER, 1);
        punt(flow, false);
    }
}

/* What guests say.  ------------------------------------------------------- */

static struct vmn_flow *
guest_flow(struct vmn_emit *emit, const struct vmn_network *network,
           uint16_t priority)
{
    struct vmn_flow *flow = network_flow(emit, network, STAGE_SNOOP, TABLE_IN,
                                         priority);

    vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
    return flow;
}

/* Has a message of vmnd's come up to the switch from its datapath, as a
 * guest's does.  Of what is learned while a packet-out is translated, Open
 * vSwitch enforces no limit, and its cached flows are not told
 * (packet_xlate(), ofproto_dpif_xcache_execute() in ofproto-dpif.c). */
static void
recirculate(struct vmn_actions *actions)
{
    vmn_act_set(actions, REG_STEP, STEP_LEARN);
    vmn_act_ct(actions, &(struct vmn_ct) {
        .zone = VMN_REG_ZONE, .then = VMN_CT_TABLE, .stage = STAGE_SNOOP,
        .table = TABLE_STEPS });
}

/* What a switch cannot take apart goes up; the rest is members.c's, and of
 * ports that it has no flows for goes nowhere.  In provider networks all of
 * IGMP goes up: switches do not tell a report, which the physical network is
 * to hear, from a query, by which a guest would take a router's place there,
 * past policies. */
static void
from_guests(struct vmn_emit *emit, const struct vmn_network *network)
{
    static const uint8_t types[] = { MLD_QUERY, MLD_DONE, MLD2_REPORT };
    const struct vmn_prefix link4 = link_groups(4), link6 = link_groups(6);
    struct vmn_flow *flow;

    for (size_t i = 0; i < N_FAMILIES; i++) {
        flow = guest_flow(emit, network, PRIORITY_MESSAGE);
        vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(families[i]));
        match_message(flow, 0, 0);
        recirculate(vmn_flow_actions(flow));
    }
    flow = step_flow(emit, network, STAGE_SNOOP, STEP_LEARN, PRIORITY_REST);
    stop(vmn_flow_actions(flow));

    flow = guest_flow(emit, network, PRIORITY_PUNT);
    vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_IPV4);
    vmn_match(flow, VMN_F_IP_PROTO, PROTO_IGMP);
    vmn_match_prefix(flow, VMN_F_IPV4_DST,
                     is_on_wire(network) ? &all_groups4 : &link4);
    punt(flow, false);
    for (size_t i = 0; i < sizeof types; i++) {
        flow = guest_flow(emit, network, PRIORITY_PUNT);
        vmn_match(flow, VMN_F_ICMPV6_TYPE, types[i]);
        punt(flow, (types[i] != MLD_QUERY
                    && clone_to_wire(vmn_flow_actions(flow), network)));
    }

    flow = guest_flow(emit, network, PRIORITY_LINK);
    vmn_match(flow, VMN_F_ICMPV6_TYPE, MLD_REPORT);
    vmn_match_prefix(flow, VMN_F_IPV6_DST, &link6);
    taken(vmn_flow_actions(flow),
          clone_to_wire(vmn_flow_actions(flow), network));

    flow = guest_flow(emit, network, PRIORITY_NETWORK);
    vmn_match(flow, VMN_F_ICMPV6_TYPE, MLD_REPORT);
    vmn_act_drop_background(vmn_flow_actions(flow), REASON_SNOOPED);
    flow = guest_flow(emit, network, PRIORITY_NETWORK);
    vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_IPV4);
    vmn_match(flow, VMN_F_IP_PROTO, PROTO_IGMP);
    vmn_act_drop_background(vmn_flow_actions(flow), REASON_SNOOPED);
}

/* What has found no room.  Like copies.c's lists that is looked at whether the
 * network has lists or not: those that it has had are not forgotten at once.
 * A port that gets all for that says so for each group, or source, that it has
 * named. */
static void
count_over(struct vmn_emit *emit, const struct vmn_network *network)
{
    struct vmn_flow *flow = step_flow(emit, network, STAGE_SNOOP, STEP_LEARN,
                                      PRIORITY_MESSAGE);

    match_message(flow, MESSAGE_OVER, 0xff);
    vmn_act_drop_background(vmn_flow_actions(flow), REASON_OVER);
    flow = step_flow(emit, network, STAGE_SNOOP, DETOUR_OVER,
                     PRIORITY_NETWORK);
    vmn_act_drop_background(vmn_flow_actions(flow), REASON_OVER);
}

/* Ticks.  ----------------------------------------------------------------- */

static void
ticks(struct vmn_emit *emit, const struct vmn_network *network)
{
    struct vmn_flow *flow = step_flow(emit, network, STAGE_SNOOP, STEP_LEARN,
                                      PRIORITY_MESSAGE);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    match_message(flow, MESSAGE_TICK, 0xff);
    look_for(actions, MEMBER_ASKED);
    go_on(actions, STAGE_SNOOP, STEP_TICK);

    /* The first one. */
    flow = step_flow(emit, network, STAGE_SNOOP, STEP_TICK, PRIORITY_NETWORK);
    vmn_match(flow, REG_IS_MEMBER, 0);
    actions = vmn_flow_actions(flow);
    learn_own(actions, MEMBER_ASKED, ASKED_S);
    learn_own(actions, MEMBER_HOLD, HOLD_S);

    flow = step_flow(emit, network, STAGE_SNOOP, STEP_TICK, PRIORITY_REST);
    actions = vmn_flow_actions(flow);
    learn_own(actions, MEMBER_ASKED, ASKED_S);
    look_for(actions, MEMBER_HOLD);
    go_on(actions, STAGE_SNOOP, STEP_HOLD);

    flow = step_flow(emit, network, STAGE_SNOOP, STEP_HOLD, PRIORITY_NETWORK);
    vmn_match(flow, REG_IS_MEMBER, 0);
    actions = vmn_flow_actions(flow);
    learn_own(actions, MEMBER_ACTIVE, KNOWN_S);
    look_for(actions, MEMBER_TOLD);
    go_on(actions, STAGE_SNOOP, STEP_TELL);
    for (enum step step = STEP_HOLD; step <= STEP_TELL; step++) {
        flow = step_flow(emit, network, STAGE_SNOOP, step, PRIORITY_REST);
        stop(vmn_flow_actions(flow));
    }
}

/* Says of each object for the network whether it is the one in effect, the
 * first by name. */
static void
publish_effect(struct vmn_view *view, struct vmn_emit *emit, const char *key)
{
    struct vmn_names names = vmn_relation_values(view, REL_SETTINGS, key);

    for (size_t i = 0; i < names.n; i++) {
        vmn_publish(emit, REL_IN_EFFECT, names.names[i],
                    i ? "false" : "true");
    }
}

void
compile_network(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_network *network;
    const struct multicast_network *row = settings_of(view, key, &network);

    if (!row) {
        return;
    }
    publish_effect(view, emit, key);
    vmn_publish(emit, VMN_REL_SNOOPED, key, "");
    if (is_on_wire(network)) {
        wire_of_network(view, emit, network);
    } else {
        from_hosts(emit, row, network);
    }
    relay(emit, row, network);
    detour_check(emit, network, STAGE_SNOOP);
    routers(emit, network);
    from_guests(emit, network);
    if (row->source_filtering && !is_on_wire(network)) {
        lists_from_hosts(emit, row, network);
    }
    if (row->source_filtering) {
        relay_lists(emit, row, network);
    }
    count_over(emit, network);
    ticks(emit, network);
    copies_of_network(view, emit, row, network);
}
