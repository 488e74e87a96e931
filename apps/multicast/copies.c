/* SPDX-License-Identifier: Apache-2.0
 *
 * A group's own packets.  overlay floods them, as a copy for the local ports
 * of each identity and one for all other hosts; here those copies are dropped
 * that no member gets, before policies judge them, and the others go to
 * members alone.
 *
 * Both stages go the same steps: is it a group's packet, are members known,
 * has the group any (where others are flooded), and is the port, or the host,
 * one. */

#include "multicast.h"

#include "group-message.h"

/* Has 'flow' match packets of groups. */
static void
match_group(struct vmn_flow *flow, uint8_t family)
{
    vmn_match_prefix(flow, vmn_field_ip_dst(family),
                     family == 6 ? &all_groups6 : &all_groups4);
    vmn_match_masked(flow, VMN_F_ETH_DST, UINT64_C(1) << 40,
                     UINT64_C(1) << 40);
}

/* Which packets are filtered: those of groups, but of the link's, and queries,
 * which all hear.  Queries of MLD come by no policy: they are no connections,
 * as neighbour discovery is none.  That is of queries to groups alone, which
 * STAGE_SNOOP has looked at: what is routed may come from a physical network,
 * where no guard has dropped such packets. */
static void
enter(struct vmn_emit *emit, const struct vmn_network *network,
      unsigned stage)
{
    struct vmn_flow *flow = network_flow(emit, network, stage, TABLE_IN,
                                         PRIORITY_MESSAGE);

    /* Messages between hosts are for no port. */
    vmn_match_masked(flow, VMN_F_ETH_DST, MESSAGE_MAC(0), MESSAGE_MAC_MASK);
    if (stage == STAGE_FILTER) {
        vmn_act_drop_background(vmn_flow_actions(flow), REASON_SNOOPED);
    } else {
        vmn_act_next(vmn_flow_actions(flow));
    }
    for (size_t i = 0; i < N_FAMILIES; i++) {
        const struct vmn_prefix link = link_groups(families[i]);
        struct vmn_actions *actions;

        flow = network_flow(emit, network, stage, TABLE_IN, PRIORITY_LINK);
        vmn_match_prefix(flow, vmn_field_ip_dst(families[i]), &link);
        vmn_act_next(vmn_flow_actions(flow));

        flow = network_flow(emit, network, stage, TABLE_IN, PRIORITY_QUERY);
        if (families[i] == 6) {
            vmn_match(flow, VMN_F_ICMPV6_TYPE, MLD_QUERY);
            match_group(flow, 6);
        } else {
            vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_IPV4);
            vmn_match(flow, VMN_F_IP_PROTO, PROTO_IGMP);
        }
        if (stage == STAGE_FILTER && families[i] == 6) {
            vmn_act_goto_hook(vmn_flow_actions(flow), VMN_HOOK_DELIVER);
        } else {
            vmn_act_next(vmn_flow_actions(flow));
        }

        flow = network_flow(emit, network, stage, TABLE_IN, PRIORITY_NETWORK);
        match_group(flow, families[i]);
        actions = vmn_flow_actions(flow);
        look_for(actions, MEMBER_ACTIVE);
        go_on(actions, stage, STEP_ACTIVE);
    }
}

/* Whether members are known, and the group has some. */
static void
ask_network(struct vmn_emit *emit, const struct multicast_network *row,
            const struct vmn_network *network, unsigned stage)
{
    struct vmn_flow *flow = step_flow(emit, network, stage, STEP_ACTIVE,
                                      PRIORITY_NETWORK);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, REG_IS_MEMBER, 1);
    if (!row->flood_unregistered) {
        go_on(actions, stage, STEP_TO);
        return;
    }
    look_for(actions, MEMBER_REGISTERED);
    go_on(actions, stage, STEP_REGISTERED);
    flow = step_flow(emit, network, stage, STEP_REGISTERED, PRIORITY_NETWORK);
    vmn_match(flow, REG_IS_MEMBER, 1);
    go_on(vmn_flow_actions(flow), stage, STEP_TO);
}

/* Where the port has a list, the packet's source may be in it: what is found
 * of that, or else of the group once more, says so.  Networks without lists
 * have this too: after source_filtering is turned off some are in effect until
 * guests have answered. */
static void
ask_list(struct vmn_emit *emit, const struct vmn_network *network,
         unsigned stage)
{
    struct vmn_flow *flow = step_flow(emit, network, stage, DETOUR_SEEN,
                                      PRIORITY_PORT);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_masked(flow, REG_IS_MEMBER, VALUE_LISTED, VALUE_LISTED);
    look_at_list(actions);
    vmn_act_find_member(actions);
    go_on(actions, stage, DETOUR_LISTED);

    flow = step_flow(emit, network, stage, DETOUR_LISTED, PRIORITY_NETWORK);
    vmn_match_masked(flow, REG_IS_MEMBER, VALUE_ALL, VALUE_ALL);
    if (stage == STAGE_FILTER) {
        vmn_act_set(vmn_flow_actions(flow), REG_ANY, 1);
    } else {
        vmn_act_output_field(vmn_flow_actions(flow), REG_ANY);
    }
    flow = step_flow(emit, network, stage, DETOUR_LISTED, PRIORITY_REST);
    stop(vmn_flow_actions(flow));
}

void
detour_check(struct vmn_emit *emit, const struct vmn_network *network,
             unsigned stage)
{
    struct vmn_flow *flow = step_flow(emit, network, stage, DETOUR_CHECK,
                                      PRIORITY_NETWORK);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    /* A message is from no source of its group. */
    vmn_act_set(actions, REG_LIST, stage == STAGE_SNOOP ? LIST_NONE : 0);
    vmn_act_set(actions, REG_IS_MEMBER, 0);
    vmn_act_find_member(actions);
    go_on(actions, stage, DETOUR_SEEN);
    if (stage != STAGE_SNOOP) {
        ask_list(emit, network, stage);
    }
    flow = step_flow(emit, network, stage, DETOUR_SEEN, PRIORITY_REST);
    stop(vmn_flow_actions(flow));
    if (stage == STAGE_SEND) {
        return;
    }
    flow = step_flow(emit, network, stage, DETOUR_SEEN, PRIORITY_NETWORK);
    vmn_match_masked(flow, REG_IS_MEMBER, VALUE_ALL, VALUE_ALL);
    vmn_act_set(vmn_flow_actions(flow), REG_ANY, 1);
}

/* Filters copies for local ports: the one for a port by whether that is a
 * member, that for several by whether any is. */
static void
filter(struct vmn_emit *emit, const struct vmn_network *network)
{
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    flow = step_flow(emit, network, STAGE_FILTER, STEP_TO, PRIORITY_NETWORK);
    vmn_match(flow, VMN_REG_DST_LOCAL, 1);
    actions = vmn_flow_actions(flow);
    vmn_act_set(actions, REG_ANY, 0);
    vmn_act_move(actions, VMN_REG_OUT_PORT, REG_MEMBER);
    vmn_act_set(actions, REG_STEP, DETOUR_CHECK);
    vmn_act_resubmit(actions, STAGE_FILTER, TABLE_DETOURS);
    go_on(actions, STAGE_FILTER, STEP_OUT);

    detour_check(emit, network, STAGE_FILTER);
    flow = step_flow(emit, network, STAGE_FILTER, STEP_OUT, PRIORITY_NETWORK);
    vmn_match(flow, REG_ANY, 1);
    vmn_act_next(vmn_flow_actions(flow));
    flow = step_flow(emit, network, STAGE_FILTER, STEP_OUT, PRIORITY_REST);
    vmn_act_drop_background(vmn_flow_actions(flow), REASON_NO_MEMBER);
}

/* Sends copies by tunnels to hosts that have members. */
static void
send_to_hosts(struct vmn_view *view, struct vmn_emit *emit,
              const struct vmn_network *network)
{
    const char *name = network->row.name;
    struct vmn_names hosts = vmn_relation_values(view, VMN_REL_NETWORK_HOSTS,
                                                 name);
    struct vmn_group_msg *group = vmn_group_add(
        emit, vmn_scope_network(name), VMN_GROUP_ALL,
        vmn_printf(view, "hosts/%s", name));
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    for (size_t i = 0; i < hosts.n; i++) {
        uint32_t number = vmn_id_of(view, VMN_ID_POOL_HOST, hosts.names[i]);
        struct vmn_actions *bucket = vmn_bucket_add(group, number, 0);

        vmn_act_set(bucket, REG_MEMBER, MEMBER_HOST | MEMBER_KNOWN | number);
        vmn_act_set(bucket, REG_STEP, DETOUR_HOST);
        vmn_act_resubmit(bucket, STAGE_SEND, TABLE_DETOURS);
    }
    flow = step_flow(emit, network, STAGE_SEND, STEP_TO, PRIORITY_NETWORK);
    vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_FLOOD);
    vmn_act_group(vmn_flow_actions(flow), group);

    /* A host whose members are not known gets all.  (Of the resubmits of a
     * bucket a switch does one alone.) */
    flow = step_flow(emit, network, STAGE_SEND, DETOUR_HOST, PRIORITY_NETWORK);
    actions = vmn_flow_actions(flow);
    vmn_act_set(actions, REG_LIST, 0);
    vmn_act_set(actions, REG_IS_MEMBER, 0);
    vmn_act_find_member(actions);
    go_on(actions, STAGE_SEND, DETOUR_KNOWN);
    for (int known = 0; known < 2; known++) {
        flow = step_flow(emit, network, STAGE_SEND, DETOUR_KNOWN,
                         PRIORITY_NETWORK);
        vmn_match(flow, REG_IS_MEMBER, (uint64_t) known);
        actions = vmn_flow_actions(flow);
        vmn_act_set(actions, REG_IS_MEMBER, !known);
        vmn_act_set_masked(actions, REG_MEMBER, 0, MEMBER_KNOWN);
        if (known) {
            vmn_act_find_member(actions);
        }
        go_on(actions, STAGE_SEND, DETOUR_SEEN);
    }
    flow = step_flow(emit, network, STAGE_SEND, DETOUR_SEEN,
                     PRIORITY_NETWORK);
    vmn_match(flow, REG_IS_MEMBER, 1);
    actions = vmn_flow_actions(flow);
    vmn_act_set(actions, VMN_REG_DST_HOST, 0);
    vmn_act_move_bits(actions, REG_MEMBER, 0, VMN_REG_DST_HOST, 0, 24);
    vmn_act_next(actions);
}

/* Sends copies to members: to hosts, and out of local ports.  That for a
 * physical network always goes there. */
static void
send_copies(struct vmn_view *view, struct vmn_emit *emit,
            const struct vmn_network *network)
{
    struct vmn_flow *flow = step_flow(emit, network, STAGE_SEND, DETOUR_SEEN,
                                      PRIORITY_FIRST);

    vmn_match(flow, REG_IS_MEMBER, 1);
    vmn_match(flow, VMN_REG_DST_LOCAL, 1);
    vmn_act_output_field(vmn_flow_actions(flow), REG_ANY);
    detour_check(emit, network, STAGE_SEND);
    if (!is_on_wire(network)) {
        send_to_hosts(view, emit, network);
    }
}

void
copies_of_network(struct vmn_view *view, struct vmn_emit *emit,
                  const struct multicast_network *row,
                  const struct vmn_network *network)
{
    static const unsigned stages[] = { STAGE_FILTER, STAGE_SEND };

    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        enter(emit, network, stages[i]);
        ask_network(emit, row, network, stages[i]);
    }
    filter(emit, network);
    send_copies(view, emit, network);
}

/* Emits what becomes of the copy for the ports 'to', which have one identity;
 * 'several' stands for them. */
static void
copy_for_several(struct vmn_emit *emit, const struct vmn_network *network,
                 const char *host, unsigned stage, uint32_t several,
                 const struct receiver *to, size_t n)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(host), stage,
                                         TABLE_STEPS, PRIORITY_FIRST);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_REG_NETWORK, network->vni);
    vmn_match(flow, REG_STEP, STEP_TO);
    vmn_match(flow, VMN_REG_DST_LOCAL, 1);
    vmn_match(flow, VMN_REG_OUT_PORT,
              several | to->isolation << VMN_OUT_ISOLATION_SHIFT);
    vmn_match(flow, VMN_REG_DST_ID, to->identity);
    vmn_act_set(actions, REG_ANY, 0);
    for (size_t i = 0; i < n; i++) {
        vmn_act_set(actions, REG_MEMBER, to[i].ofport);
        vmn_act_set(actions, REG_STEP, DETOUR_CHECK);
        if (stage == STAGE_SEND) {
            vmn_act_set(actions, REG_ANY, to[i].ofport);
            vmn_act_clone(actions, stage, TABLE_DETOURS);
        } else {
            vmn_act_resubmit(actions, stage, TABLE_DETOURS);
        }
    }
    if (stage == STAGE_FILTER) {
        go_on(actions, stage, STEP_OUT);
    }
}

/* Emits the same for all copies of a flood, or of a part of it. */
static void
copies_for_several(struct vmn_emit *emit, const struct vmn_network *network,
                   const char *host, uint32_t several,
                   const struct receiver *to, size_t n)
{
    size_t end;

    for (size_t i = 0; i < n; i = end) {
        for (end = i + 1; end < n && to[end].identity == to[i].identity
             && to[end].isolation == to[i].isolation; end++) {
            continue;
        }
        if (end - i > 1) {
            copy_for_several(emit, network, host, STAGE_FILTER, several,
                             &to[i], end - i);
            copy_for_several(emit, network, host, STAGE_SEND, several, &to[i],
                             end - i);
        }
    }
}

void
copies_on_host(struct vmn_emit *emit, const struct vmn_network *network,
               const char *host, const struct receiver *to, size_t n)
{
    if (n <= VMN_FLOOD_PART) {
        copies_for_several(emit, network, host, VMN_OUT_SEVERAL, to, n);
        return;
    }
    for (size_t i = 0; i < n; i += VMN_FLOOD_PART) {
        copies_for_several(emit, network, host,
                           VMN_OUT_PART + (uint32_t) (i / VMN_FLOOD_PART),
                           &to[i], n - i < VMN_FLOOD_PART ? n - i
                           : VMN_FLOOD_PART);
    }
}
