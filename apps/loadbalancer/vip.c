/* SPDX-License-Identifier: Apache-2.0
 *
 * One virtual IP.  The client's host chooses the backend and keeps it in a
 * conntrack zone that holds nothing but balanced connections; from there on
 * the packet is one to the backend, also for policies.  Answers get the
 * virtual IP back after policy, again at the client's host.
 *
 * A backend that is its own client would answer itself, not the virtual IP:
 * such a packet's source becomes the virtual IP on the way there, and its
 * answer is turned round. */

#include "loadbalancer.h"

/* A balancer in one of its networks. */
struct vip {
    struct vmn_view *view;
    struct vmn_emit *emit;
    const struct vmn_loadbalancer *lb;
    const struct vmn_network *network;
    unsigned ip_proto;
    struct vmn_mac mac;
    struct backends backends;
    uint16_t slots[N_SLOTS];    /* If there are backends. */
};

static uint32_t
vip_number(struct vmn_view *view, const char *name)
{
    return vmn_number(view, NUMBER_VIP, name);
}

/* Locally administered, from the balancer's number. */
static struct vmn_mac
number_mac(uint32_t number)
{
    return (struct vmn_mac) {
        { 0x0e, 0x56, 0x4d, number >> 16, number >> 8, number }
    };
}

static struct vmn_flow *
flow_add(const struct vip *vip, unsigned stage, unsigned table,
         uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        vip->emit, vmn_scope_network(vip->network->row.name), stage, table,
        priority);

    vmn_match(flow, VMN_REG_NETWORK, vip->network->vni);
    return flow;
}

static struct vmn_flow *
flow_to_vip(const struct vip *vip, unsigned table, uint16_t priority)
{
    struct vmn_flow *flow = flow_add(vip, STAGE_BALANCE, table, priority);

    vmn_match_ip(flow, field_ip_dst(&vip->lb->vip), &vip->lb->vip);
    return flow;
}

/* A new connection's packet, which still goes to the virtual IP. */
static struct vmn_flow *
flow_new(const struct vip *vip, uint16_t priority)
{
    struct vmn_flow *flow = flow_to_vip(vip, BALANCE_SELECT, priority);

    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | VMN_CT_NEW,
                     VMN_CT_TRK | VMN_CT_NEW | VMN_CT_INV);
    return flow;
}

/* The address itself.  --------------------------------------------------- */

static void
emit_answers(const struct vip *vip)
{
    const struct vmn_answering by = {
        .scope = vmn_scope_network(vip->network->row.name),
        .stage = STAGE_ARP,
        .priority = ARP_ASKED,
        .vni = vip->network->vni,
        .mac = vip->mac,
        .handler = HANDLER_NEIGHBOUR,
        .arg = vip_number(vip->view, vip->lb->row.name),
    };

    vmn_answer_for(vip->emit, &by, &vip->lb->vip);
}

/* The flow has seen to it that the target is the virtual IP, and its MAC address
 * follows from the number. */
void
handle_neighbour(struct vmn_view *view,
                 const struct vmn_packet_in *in, struct vmn_packets_out *out)
{
    uint8_t answer[VMN_ND_ADVERT_SIZE];

    if (vmn_nd_advert_build(in->bytes, in->size, number_mac(in->arg), false,
                            answer)) {
        vmn_send_back(out, answer, sizeof answer);
    } else {
        vmn_send_nothing(out, "malformed");
    }
}

static void
emit_address(const struct vip *vip)
{
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    emit_answers(vip);

    vmn_act_drop(vmn_flow_actions(flow_to_vip(vip, BALANCE_VIP, VIP_OTHER)),
                 "no such service at virtual IP");
    vmn_act_drop(vmn_flow_actions(flow_to_vip(vip, BALANCE_SELECT,
                                              SELECT_INVALID)),
                 "invalid state");

    /* Fragments are put together by conntrack, so all must go there. */
    flow = flow_to_vip(vip, BALANCE_VIP, VIP_FRAGMENT);
    vmn_match(flow, VMN_F_IP_PROTO, vip->ip_proto);
    vmn_match_masked(flow, VMN_F_IP_FRAG, VMN_FRAG_ANY, VMN_FRAG_ANY);
    act_nat(vmn_flow_actions(flow), STAGE_BALANCE, BALANCE_SELECT);

    /* Answers come from the virtual IP's MAC, a backend's to itself... */
    flow = flow_add(vip, STAGE_BALANCE, BALANCE_SELECT, SELECT_ANSWER);
    vmn_match_ip(flow, field_ip_src(&vip->lb->vip), &vip->lb->vip);
    actions = vmn_flow_actions(flow);
    vmn_act_set_mac(actions, VMN_F_ETH_SRC, vip->mac);
    vmn_act_goto(actions, STAGE_BALANCE, BALANCE_BACKEND);

    /* ...and all the others. */
    flow = flow_add(vip, STAGE_UNBALANCE, UNBALANCE_MAC, MAC_ANSWER);
    vmn_match_ip(flow, field_ip_src(&vip->lb->vip), &vip->lb->vip);
    actions = vmn_flow_actions(flow);
    vmn_act_set_mac(actions, VMN_F_ETH_SRC, vip->mac);
    vmn_act_next(actions);
}

/* Its services.  --------------------------------------------------------- */

static struct vmn_group_msg *
group_add(const struct vip *vip, const struct vmn_lb_port *port)
{
    const char *network = vip->network->row.name;
    struct vmn_group_msg *group = vmn_group_add(
        vip->emit, vmn_scope_network(network), VMN_GROUP_SELECT,
        vmn_printf(vip->view, "loadbalancer/%s/%s/%u", vip->lb->row.name,
                   network, port->port));

    for (unsigned i = 0; i < N_SLOTS; i++) {
        const struct backend *backend
            = &vip->backends.backends[vip->slots[i]];

        vmn_act_ct(vmn_bucket_add(group, i, 1), &(struct vmn_ct) {
            .commit = true,
            .zone = VMN_REG_BALANCE_ZONE,
            .nat = true,
            .dnat = backend->ip,
            .dnat_port = port->target,
            .then = VMN_CT_TABLE,
            .stage = STAGE_BALANCE,
            .table = BALANCE_BACKEND,
        });
    }
    return group;
}

/* A later fragment does not say which service it is for, so it can start a
 * connection only where there is no choice. */
static void
emit_later_fragment(const struct vip *vip, const struct vmn_group_msg *group)
{
    struct vmn_flow *flow = flow_new(vip, SELECT_FRAGMENT);

    vmn_match_masked(flow, VMN_F_IP_FRAG, VMN_FRAG_LATER, VMN_FRAG_LATER);
    if (group && vip->lb->n_ports == 1) {
        vmn_flow_count(flow);
        vmn_act_group(vmn_flow_actions(flow), group);
    } else {
        vmn_act_drop(vmn_flow_actions(flow),
                     group ? "fragment to one of several services"
                     : "no backend");
    }
}

static const struct vmn_group_msg *
emit_service(const struct vip *vip, const struct vmn_lb_port *port)
{
    const struct vmn_group_msg *group = NULL;
    struct vmn_flow *flow;

    flow = flow_to_vip(vip, BALANCE_VIP, VIP_SERVICE);
    vmn_match(flow, field_dst(vip->ip_proto), port->port);
    act_nat(vmn_flow_actions(flow), STAGE_BALANCE, BALANCE_SELECT);

    /* Conntrack's copy of the port, since a switch hides that of the packet
     * if it is a fragment (ovs-fields(7), "Fragments"). */
    flow = flow_new(vip, SELECT_NEW);
    vmn_match(flow, VMN_F_CT_NW_PROTO, vip->ip_proto);
    vmn_match(flow, VMN_F_CT_TP_DST, port->port);
    if (vip->backends.n) {
        group = group_add(vip, port);
        vmn_flow_count(flow);
        vmn_act_group(vmn_flow_actions(flow), group);
    } else {
        vmn_act_drop(vmn_flow_actions(flow), "no backend");
    }
    return group;
}

/* Its backends.  --------------------------------------------------------- */

static struct vmn_flow *
hairpin_add(const struct vip *vip, const struct backend *backend,
            unsigned table, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(vip->emit,
                                         vmn_scope_host(backend->host),
                                         STAGE_BALANCE, table, priority);

    vmn_match(flow, VMN_REG_NETWORK, vip->network->vni);
    vmn_match_ip(flow, field_ip_src(&backend->ip), &backend->ip);
    vmn_act_set_masked(vmn_flow_actions(flow), VMN_REG_FLAGS,
                       VMN_FLAG_HAIRPIN, VMN_FLAG_HAIRPIN);
    return flow;
}

/* The backend got itself as backend. */
static void
emit_hairpin(const struct vip *vip, const struct backend *backend)
{
    struct vmn_flow *flow = hairpin_add(vip, backend, BALANCE_BACKEND,
                                        BACKEND_HAIRPIN);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_ip(flow, field_ip_dst(&backend->ip), &backend->ip);
    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK,
                     VMN_CT_TRK | VMN_CT_INV);
    vmn_match_ip(flow, vip->lb->vip.family == 6 ? VMN_F_CT_IPV6_DST
                 : VMN_F_CT_NW_DST, &vip->lb->vip);
    vmn_act_set_ip(actions, field_ip_src(&vip->lb->vip), &vip->lb->vip);
    vmn_act_set_mac(actions, VMN_F_ETH_SRC, vip->mac);
    vmn_act_set_mac(actions, VMN_F_ETH_DST, backend->mac);
    vmn_act_next(actions);
}

/* The backend answers itself: back into the connection that it opened. */
static void
emit_hairpin_answer(const struct vip *vip, const struct backend *backend,
                    uint16_t target)
{
    struct vmn_flow *flow = hairpin_add(vip, backend, BALANCE_VIP,
                                        VIP_HAIRPIN);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_ip(flow, field_ip_dst(&vip->lb->vip), &vip->lb->vip);
    vmn_match(flow, field_src(vip->ip_proto), target);
    vmn_act_set_ip(actions, field_ip_dst(&backend->ip), &backend->ip);
    act_nat(actions, STAGE_BALANCE, BALANCE_SELECT);
}

static bool
is_first_target(const struct vmn_loadbalancer *lb, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (lb->ports[j].target == lb->ports[i].target) {
            return false;
        }
    }
    return true;
}

static void
emit_backend(const struct vip *vip, const struct backend *backend)
{
    const struct vmn_loadbalancer *lb = vip->lb;

    vmn_publish(vip->emit, REL_BACKEND,
                vmn_printf(vip->view, "%s|%u", backend->name,
                           lb->vip.family), lb->row.name);
    emit_hairpin(vip, backend);
    for (size_t i = 0; i < lb->n_ports; i++) {
        if (is_first_target(lb, i)) {
            vmn_publish(vip->emit, REL_TARGET,
                        vmn_printf(vip->view, "%s|%u|%u|%u", backend->name,
                                   lb->vip.family, vip->ip_proto,
                                   lb->ports[i].target),
                        lb->row.name);
            emit_hairpin_answer(vip, backend, lb->ports[i].target);
        }
    }
}

static void
emit_vip(struct vip *vip)
{
    const struct vmn_group_msg *group = NULL;

    backends_read(vip->view, vip->lb, vip->network->row.name, &vip->backends);
    if (vip->backends.n) {
        slots_fill(vip->view, &vip->backends, vip->slots);
    }
    emit_address(vip);
    for (size_t i = 0; i < vip->lb->n_ports; i++) {
        group = emit_service(vip, &vip->lb->ports[i]);
    }
    emit_later_fragment(vip, group);
    for (size_t i = 0; i < vip->backends.n; i++) {
        emit_backend(vip, &vip->backends.backends[i]);
    }
}

void
compile_vip(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_loadbalancer *lb = vmn_read_loadbalancer(view, key);

    if (!lb || !lb->vip.family
        || (lb->protocol != VMN_PROTO_TCP && lb->protocol != VMN_PROTO_UDP)) {
        return;
    }
    for (size_t i = 0; i < lb->n_networks; i++) {
        struct vip vip = {
            .view = view,
            .emit = emit,
            .lb = lb,
            .network = vmn_read_network(view, lb->networks[i]),
            .ip_proto = lb->protocol == VMN_PROTO_TCP ? IP_PROTO_TCP
                        : IP_PROTO_UDP,
        };

        if (vip.network && vip.network->vni) {
            vip.mac = number_mac(vip_number(view, key));
            emit_vip(&vip);
        }
    }
}
