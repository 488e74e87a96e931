/* SPDX-License-Identifier: Apache-2.0
 *
 * Members on a host: what the switch learns from the messages of a port, and
 * whom it asks or tells when it has learned.  Not for messages of other hosts
 * (snooping.c).
 *
 * What is learned of a port is its unit's, so it goes with the port, and each
 * has a bound of its own.  A port with more groups than that gets all. */

#include "multicast.h"

#include <stdlib.h>
#include <string.h>

#include "group-message.h"

/* A port where it is. */
struct place {
    const struct vmn_port *port;
    const struct vmn_network *network;
    const char *host;
    uint32_t number;            /* Of the host. */
    uint32_t ofport;            /* Never 0. */
};

/* Fills in 'place' for a port that gets what is flooded; returns false if it
 * gets nothing. */
static bool
place_read(struct vmn_view *view, const struct vmn_network *network,
           const char *name, struct place *place)
{
    const struct vmn_port *port = vmn_read_port(view, name);
    const struct vmn_binding *binding
        = (port && port->enabled && !port->external
           && !strcmp(port->network, network->row.name)
           ? vmn_read_binding(view, name) : NULL);
    const struct vmn_vif *vif
        = binding ? vmn_read_vif(view, binding->host, port->iface_id) : NULL;

    if (!vif || !vif->ofport || vmn_is_quarantined(view, port)) {
        return false;
    }
    *place = (struct place) {
        .port = port, .network = network, .host = binding->host,
        .number = vmn_id_of(view, VMN_ID_POOL_HOST, binding->host),
        .ofport = vif->ofport };
    return true;
}

/* A host.  ---------------------------------------------------------------- */

static int
compare_receivers(const void *a_, const void *b_)
{
    const struct receiver *a = (const struct receiver *) a_;
    const struct receiver *b = (const struct receiver *) b_;

    return (a->isolation != b->isolation
            ? (a->isolation < b->isolation ? -1 : 1)
            : a->identity != b->identity
            ? (a->identity < b->identity ? -1 : 1)
            : a->ofport < b->ofport ? -1 : a->ofport > b->ofport);
}

static struct vmn_flow *
local_flow(struct vmn_emit *emit, const struct vmn_network *network,
           const char *host, enum step step, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_host(host), STAGE_SNOOP, table_of(step), priority);

    vmn_match(flow, VMN_REG_NETWORK, network->vni);
    vmn_match(flow, REG_STEP, step);
    return flow;
}

/* Of a leave, a switch asks so many ports and passes conntrack for the next
 * ones, which leaves it lookups for what tells the other hosts; and so many in
 * all, since the userspace datapath drops what passes conntrack more than 6
 * times.  With more ports here there may be a member yet. */
enum { LEFT_PASS = 3 * VMN_FLOOD_PART, LEFT_MAX = 4 * LEFT_PASS };

/* The ports of a network on a host, of which a switch goes through so many
 * for a packet; behind conntrack, which remembers nothing of it, it begins
 * anew, with the next ones. */
struct asked {
    struct vmn_emit *emit;
    const struct vmn_network *network;
    const char *host;
    const struct receiver *ports;
    size_t n;
};

/* Adds the flow of a step that goes on with those from 'first' on, or that
 * leads there: 'mark' says which. */
static struct vmn_flow *
part_flow(const struct asked *asked, enum step step, uint32_t mark,
          size_t first)
{
    struct vmn_flow *flow = local_flow(asked->emit, asked->network,
                                       asked->host, step, PRIORITY_FIRST);

    vmn_match(flow, REG_MEMBER, mark | (uint32_t) first);
    return flow;
}

static size_t
part_end(const struct asked *asked, size_t first)
{
    return (asked->n - first < VMN_FLOOD_PART ? asked->n
            : first + VMN_FLOOD_PART);
}

/* Has 'flow', a step's, go on with the ports from 'first' on; ends the
 * actions.  Conntrack leads to a later table, and that back. */
static void
go_on_with(struct vmn_flow *flow, enum step step, size_t first)
{
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_act_set(actions, REG_MEMBER, PART_FROM | (uint32_t) first);
    vmn_act_set(actions, REG_STEP, step);
    vmn_act_ct(actions, &(struct vmn_ct) {
        .zone = VMN_REG_ZONE, .then = VMN_CT_TABLE, .stage = STAGE_SNOOP,
        .table = TABLE_TO_ROUTER });
}

/* Emits how a step, or a detour, comes back from there. */
static void
come_back(const struct asked *asked, enum step step)
{
    struct vmn_flow *flow = vmn_flow_add(
        asked->emit, vmn_scope_host(asked->host), STAGE_SNOOP,
        TABLE_TO_ROUTER, PRIORITY_FIRST);

    vmn_match(flow, VMN_REG_NETWORK, asked->network->vni);
    vmn_match(flow, REG_STEP, step);
    vmn_act_jump(vmn_flow_actions(flow), STAGE_SNOOP, table_of(step));
}

/* Asks of the ports from 'first' on which one is a member of the group that
 * a port has left. */
static void
ask_members(struct vmn_flow *flow, const struct asked *asked, size_t first)
{
    struct vmn_actions *actions = vmn_flow_actions(flow);
    size_t end = part_end(asked, first);

    for (size_t i = first; i < end; i++) {
        vmn_act_set(actions, REG_MEMBER, asked->ports[i].ofport);
        vmn_act_set(actions, REG_STEP, DETOUR_CHECK);
        vmn_act_resubmit(actions, STAGE_SNOOP, TABLE_DETOURS);
    }
    if (end < asked->n && end % LEFT_PASS) {
        vmn_act_set(actions, REG_MEMBER, PART_FROM | (uint32_t) end);
        go_on(actions, STAGE_SNOOP, STEP_LEFT);
    } else if (end < asked->n && end < LEFT_MAX) {
        go_on_with(flow, STEP_LEFT, end);
    } else {
        if (end < asked->n) {
            vmn_act_set(actions, REG_ANY, 1);
        }
        go_on(actions, STAGE_SNOOP, STEP_LAST_LEFT);
    }
}

/* Sends copies to those from 'first' on that lead to routers. */
static void
ask_routers(struct vmn_flow *flow, const struct asked *asked, size_t first)
{
    struct vmn_actions *actions = vmn_flow_actions(flow);
    size_t end = part_end(asked, first);

    vmn_act_set(actions, REG_STEP, DETOUR_TO_ROUTER);
    for (size_t i = first; i < end; i++) {
        if (asked->ports[i].isolation) {
            continue;           /* Reports are anybody's. */
        }
        vmn_act_set(actions, REG_ANY, asked->ports[i].ofport);
        look_for(actions, asked->ports[i].ofport | MEMBER_ROUTER);
        vmn_act_clone(actions, STAGE_SNOOP, TABLE_TO_ROUTER);
    }
}

/* Asks the ports from 'first' on about leaves. */
static void
ask_part(const struct asked *asked, uint16_t eth_type, size_t first)
{
    struct vmn_flow *flow
        = (first ? part_flow(asked, STEP_LEFT, PART_FROM, first)
           : local_flow(asked->emit, asked->network, asked->host, STEP_LEFT,
                        PRIORITY_NETWORK));

    vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
    ask_members(flow, asked, first);
}

/* The same of more ports than a switch goes through for a packet: messages,
 * which are all IP. */
static void
ask_parts(const struct asked *asked, bool routers)
{
    struct vmn_actions *actions = NULL;

    come_back(asked, STEP_LEFT);
    if (routers) {
        come_back(asked, DETOUR_ROUTERS);
        actions = vmn_flow_actions(local_flow(
            asked->emit, asked->network, asked->host, DETOUR_ROUTERS,
            PRIORITY_NETWORK));
    }
    for (size_t first = 0; first < asked->n; first += VMN_FLOOD_PART) {
        for (size_t i = 0; i < N_FAMILIES; i++) {
            uint16_t eth_type = vmn_eth_type_of(families[i]);

            if (first < LEFT_MAX) {
                ask_part(asked, eth_type, first);
            }
            if (routers) {
                struct vmn_flow *flow = part_flow(asked, DETOUR_ROUTERS,
                                                  PART_TO, first);

                vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
                go_on_with(flow, DETOUR_ROUTERS, first);
            }
        }
        if (routers) {
            ask_routers(part_flow(asked, DETOUR_ROUTERS, PART_FROM, first),
                        asked, first);
            vmn_act_set(actions, REG_MEMBER, PART_TO | (uint32_t) first);
            vmn_act_resubmit(actions, STAGE_SNOOP, TABLE_TO_ROUTER);
        }
    }
}

/* Emits who may be a member here: of a group that a port has left, and a
 * router, which is promiscuous. */
static void
ask_ports(struct vmn_emit *emit, const struct multicast_network *row,
          const struct vmn_network *network, const char *host,
          const struct receiver *ports, size_t n)
{
    const struct asked asked = { .emit = emit, .network = network,
                                 .host = host, .ports = ports, .n = n };

    if (n > VMN_FLOOD_PART) {
        ask_parts(&asked, may_have_routers(row));
        return;
    }
    ask_members(local_flow(emit, network, host, STEP_LEFT, PRIORITY_NETWORK),
                &asked, 0);
    if (may_have_routers(row)) {
        ask_routers(local_flow(emit, network, host, DETOUR_ROUTERS,
                               PRIORITY_NETWORK), &asked, 0);
    }
}

/* Returns what 'query' says of port 'name', or 0. */
static uint32_t
number_of(struct vmn_view *view, const char *query, const char *name)
{
    uint32_t number = 0;
    size_t size;
    const void *value = vmn_query(view, query, name, &size);

    if (value && size == sizeof number) {
        memcpy(&number, value, size);
    }
    return number;
}

/* Reads the ports of a network on a host that get what is flooded, as overlay
 * has them in order.  Returns how many. */
static size_t
receivers_read(struct vmn_view *view, const struct vmn_network *network,
               const char *key, const char *host, struct vmn_emit *emit,
               struct receiver **to)
{
    struct vmn_names names = vmn_relation_values(view, REL_LOCAL, key);
    struct vmn_names unflooded = vmn_relation_values(
        view, VMN_REL_UNFLOODED_PORTS, network->row.name);
    size_t n = 0, next = 0;

    *to = (struct receiver *) vmn_alloc(view, (names.n + 1) * sizeof **to);
    for (size_t i = 0; i < names.n; i++) {
        const char *name = names.names[i];
        struct place place;

        while (next < unflooded.n && strcmp(unflooded.names[next], name) < 0) {
            next++;
        }
        if ((next < unflooded.n && !strcmp(unflooded.names[next], name))
            || !place_read(view, network, name, &place)
            || strcmp(place.host, host)) {
            continue;
        }
        (*to)[n].ofport = place.ofport;
        (*to)[n].identity = number_of(view, VMN_QUERY_IDENTITY, name);
        if (network->isolation != VMN_ISOLATION_NONE) {
            (*to)[n].isolation = number_of(view, VMN_QUERY_ISOLATION, name);
        }
        vmn_publish(emit, REL_PORTS, name, network->row.name);
        n++;
    }
    qsort(*to, n, sizeof **to, compare_receivers);
    return n;
}

/* Tells other hosts that the members here are known, on a tick. */
static void
tell_hosts(struct vmn_view *view, struct vmn_emit *emit,
           const struct vmn_network *network, const char *host)
{
    struct vmn_flow *flow = local_flow(emit, network, host, STEP_TELL,
                                       PRIORITY_NETWORK);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, REG_IS_MEMBER, 0);
    learn_own(actions, MEMBER_TOLD, TOLD_S);
    sign(actions, vmn_id_of(view, VMN_ID_POOL_HOST, host));
    vmn_act_goto_hook(actions, VMN_HOOK_LOCATE);
}

void
compile_host(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct multicast_network *row;
    const struct vmn_network *network;
    struct receiver *to;
    const char *parts[2];
    size_t n;

    if (vmn_key_split(view, key, parts, 2) < 2) {
        return;
    }
    row = settings_of(view, parts[0], &network);
    if (!row) {
        return;
    }
    n = receivers_read(view, network, key, parts[1], emit, &to);
    ask_ports(emit, row, network, parts[1], to, n);
    if (is_on_wire(network)) {
        wire_on_host(view, emit, row, network, parts[1]);
    } else {
        tell_hosts(view, emit, network, parts[1]);
    }
    copies_on_host(emit, network, parts[1], to, n);
}

/* A port.  ---------------------------------------------------------------- */

static struct vmn_flow *
port_flow(struct vmn_emit *emit, const struct place *place, enum step step,
          uint16_t priority)
{
    struct vmn_flow *flow;

    if (step) {
        flow = local_flow(emit, place->network, place->host, step, priority);
    } else {
        flow = vmn_flow_add(emit, vmn_scope_host(place->host), STAGE_SNOOP,
                            TABLE_IN, priority);
        vmn_match(flow, VMN_REG_NETWORK, place->network->vni);
        vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
    }
    vmn_match(flow, VMN_F_IN_PORT, place->ofport);
    return flow;
}

/* Makes a message of a report about one group, which has the group as its IP
 * destination. */
static void
report_to_message(struct vmn_actions *actions,
                  const struct vmn_network *network)
{
    clone_to_wire(actions, network);
    vmn_act_set(actions, VMN_F_ETH_DST, MESSAGE_MAC(MESSAGE_JOIN));
    vmn_act_set(actions, VMN_F_ETH_SRC,
                (uint64_t) VMN_RESERVED_MAC_SERVICE << 24);
    go_on(actions, STAGE_SNOOP, STEP_LEARN);
}

/* Reports of IGMP that the switch takes in by itself. */
static void
igmp_from_port(struct vmn_emit *emit, const struct place *place)
{
    struct vmn_flow *flow = port_flow(emit, place, 0, PRIORITY_PORT);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_F_IP_PROTO, PROTO_IGMP);
    vmn_match_prefix(flow, VMN_F_IPV4_DST, &all_groups4);
    look_for(actions, place->ofport | MEMBER_ROUTER);
    go_on(actions, STAGE_SNOOP, STEP_IGMP);
    report_to_message(vmn_flow_actions(port_flow(emit, place, STEP_IGMP,
                                                 PRIORITY_PORT)),
                      place->network);
}

/* The same of MLD: the guard has not looked at them, and so they have the
 * port's own source from here on. */
static void
mld_from_port(struct vmn_emit *emit, const struct place *place)
{
    struct vmn_flow *flow = port_flow(emit, place, 0, PRIORITY_PORT);
    const struct vmn_ip own = vmn_link_local(place->port->mac);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_F_ICMPV6_TYPE, MLD_REPORT);
    vmn_match_prefix(flow, VMN_F_IPV6_DST, &all_groups6);
    vmn_act_set_ip(actions, VMN_F_IPV6_SRC, &own);
    report_to_message(actions, place->network);
}

/* Learns that the port gets all groups, and, if it is a router's, that it
 * hears reports; other hosts are told the former. */
static void
learn_all_of(struct vmn_flow *flow, const struct place *place, bool is_router)
{
    struct vmn_actions *actions = vmn_flow_actions(flow);

    sign(actions, place->number);
    vmn_act_set(actions, REG_MEMBER, place->ofport);
    learn_all(actions, PORT_MEMBERS_MAX);
    if (is_router) {
        vmn_act_set(actions, REG_MEMBER, place->ofport | MEMBER_ROUTER);
        learn_all(actions, PORT_MEMBERS_MAX);
    } else {
        vmn_act_set(actions, REG_STEP, DETOUR_OVER);
        vmn_act_clone(actions, STAGE_SNOOP, TABLE_DETOURS);
    }
    vmn_act_set(actions, VMN_F_ETH_DST, MESSAGE_MAC(MESSAGE_ALL));
    go_on(actions, STAGE_SNOOP, STEP_RELAY);
}

/* Learns the lists of a port, whose sources come before them.  Where one of
 * those finds no room the port gets all, whatever its list. */
static void
learn_lists(struct vmn_emit *emit, const struct multicast_network *row,
            const struct place *place, uint16_t eth_type)
{
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    for (enum message kind = MESSAGE_INCLUDE; kind <= MESSAGE_BLOCKED;
         kind += MESSAGE_BLOCKED - MESSAGE_INCLUDE) {
        flow = port_flow(emit, place, STEP_LEARN, PRIORITY_NETWORK);
        vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
        vmn_match_masked(flow, VMN_F_ETH_DST, MESSAGE_MAC(kind),
                         MESSAGE_MAC_MASK | 0xfe);
        actions = vmn_flow_actions(flow);
        take_list(actions);
        tell_apart(actions, eth_type);
        sign(actions, place->number);
        vmn_act_set(actions, REG_MEMBER, place->ofport);
        if (kind == MESSAGE_INCLUDE) {
            learn_listed(actions, row, eth_type, PORT_LISTED_MAX);
        } else {
            vmn_act_set(actions, REG_ANY, 0);
            vmn_act_move_bits(actions, VMN_F_ETH_DST, 0, REG_ANY, 0, 1);
            learn_source(actions, row, eth_type, PORT_SOURCES_MAX);
        }
    }

    /* Who leaves an INCLUDE list says only that, and then nothing more. */
    flow = port_flow(emit, place, STEP_LEARN, PRIORITY_NETWORK);
    vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
    vmn_match(flow, VMN_F_ETH_DST, MESSAGE_MAC(MESSAGE_UNWANTED));
    actions = vmn_flow_actions(flow);
    tell_apart(actions, eth_type);
    vmn_act_set(actions, REG_LIST, LIST_NONE);
    look_for(actions, place->ofport);
    go_on(actions, STAGE_SNOOP, STEP_UNWANTED);
    flow = port_flow(emit, place, STEP_UNWANTED, PRIORITY_NETWORK);
    vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
    vmn_match_masked(flow, REG_IS_MEMBER, VALUE_LISTED,
                     VALUE_LISTED | VALUE_ALL);
    actions = vmn_flow_actions(flow);
    look_at_list(actions);
    vmn_act_set(actions, REG_ANY, 0);
    learn_source(actions, row, eth_type, PORT_SOURCES_MAX);
}

static void
learn_port(struct vmn_emit *emit, const struct multicast_network *row,
           const struct place *place)
{
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    for (size_t i = 0; i < N_FAMILIES; i++) {
        uint16_t eth_type = vmn_eth_type_of(families[i]);

        flow = port_flow(emit, place, STEP_LEARN, PRIORITY_NETWORK);
        vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
        vmn_match_masked(flow, VMN_F_ETH_DST, MESSAGE_MAC(MESSAGE_LEAVE),
                         MESSAGE_MAC_MASK | 0xfe);
        actions = vmn_flow_actions(flow);
        sign(actions, place->number);
        vmn_act_set(actions, REG_MEMBER, place->ofport);
        learn_message(actions, row, eth_type,
                      row->source_filtering ? PORT_LISTED_MAX
                      : PORT_GROUPS_MAX);
        if (row->source_filtering) {
            learn_lists(emit, row, place, eth_type);
        }
    }

    for (enum message kind = MESSAGE_ALL; kind <= MESSAGE_ROUTER; kind++) {
        flow = port_flow(emit, place, STEP_LEARN, PRIORITY_NETWORK);
        vmn_match(flow, VMN_F_ETH_DST, MESSAGE_MAC(kind));
        learn_all_of(flow, place, kind == MESSAGE_ROUTER);
    }

    /* Whether another port is a member: what has just been learned of this one
     * is not seen by the packet that taught it. */
    flow = port_flow(emit, place, DETOUR_CHECK, PRIORITY_FIRST);
    vmn_match(flow, REG_MEMBER, place->ofport);
    stop(vmn_flow_actions(flow));

    /* A port that has too many groups gets all, and so does its host. */
    flow = port_flow(emit, place, STEP_LEARNED, PRIORITY_FIRST);
    vmn_match(flow, REG_LEARNED, 0);
    learn_all_of(flow, place, false);
}

/* Emits how what a port says leaves for the physical network.  While it
 * migrates that is on its new host as well: its guest may be there before the
 * binding is.  What it says there is learned nowhere. */
static void
wire_of_place(struct vmn_view *view, struct vmn_emit *emit,
              const struct place *place)
{
    const struct vmn_binding *binding
        = vmn_read_binding(view, place->port->row.name);
    const struct vmn_vif *vif
        = (binding && binding->candidate
           ? vmn_read_vif(view, binding->candidate, place->port->iface_id)
           : NULL);

    wire_of_port(emit, place->network, place->host, place->port,
                 place->ofport);
    if (vif && vif->ofport) {
        wire_of_port(emit, place->network, binding->candidate, place->port,
                     vif->ofport);
    }
}

void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_names networks = vmn_relation_values(view, REL_PORTS, key);
    const struct vmn_network *network;
    const struct multicast_network *row
        = networks.n ? settings_of(view, networks.names[0], &network) : NULL;
    struct place place;

    if (row && place_read(view, network, key, &place)) {
        mld_from_port(emit, &place);
        if (!is_on_wire(network)) {
            igmp_from_port(emit, &place);
        } else {
            wire_of_place(view, emit, &place);
        }
        learn_port(emit, row, &place);
    }
}
