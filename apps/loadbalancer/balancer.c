/* SPDX-License-Identifier: Apache-2.0
 *
 * One balancer.  The client's host chooses the backend and keeps it in a
 * conntrack zone that holds nothing but balanced connections; from there on
 * the packet is one to the backend, also for policies.  Answers get the
 * virtual IP back after policy, again at the client's host.
 *
 * In each routing domain where it is offered a balancer has the backends that
 * are there.  Which of them gets a connection is in backend-choice.c; what a
 * virtual IP has whatever is served there in vip.c, and what a backend has
 * whomever it serves in backend.c. */

#include "balancer.h"

#include <string.h>

static uint32_t
balancer_number(struct vmn_view *view, const struct vmn_loadbalancer *lb)
{
    return vmn_id_of(view, ID_POOL_BALANCER, lb->row.name);
}

void
act_choose(struct vmn_view *view, struct vmn_actions *actions,
           const struct vmn_loadbalancer *lb)
{
    if (lb->affinity_s) {
        act_find_client(view, actions, lb);
    }
    vmn_act_set(actions, REG_BALANCER, balancer_number(view, lb));
    vmn_act_goto(actions, STAGE_BALANCE, BALANCE_CHOOSE);
}

/* Its services.  --------------------------------------------------------- */

/* Emits the flow for open connections of a service: their destination is the
 * backend's by now. */
static void
emit_open(const struct balancer_ctx *ctx, const struct vmn_ip *vip,
          uint16_t value, uint16_t mask)
{
    struct vmn_flow *flow = flow_add(ctx, ctx->scope, BALANCE_SELECT,
                                     SELECT_OPEN);

    vmn_match_ip(flow, vip->family == 6 ? VMN_F_CT_IPV6_DST : VMN_F_CT_NW_DST,
                 vip);
    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK,
                     VMN_CT_TRK | VMN_CT_INV | VMN_CT_RPL);
    vmn_match(flow, VMN_F_CT_NW_PROTO, ctx->ip_proto);
    vmn_match_masked(flow, VMN_F_CT_TP_DST, value, mask);
    vmn_act_set(vmn_flow_actions(flow), REG_BALANCER, ctx->number);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_BALANCE, BALANCE_CHOOSE);
}

static void
emit_service(const struct balancer_ctx *ctx, const struct vmn_ip *vip,
             const struct vmn_lb_port *port)
{
    uint32_t first = port->port, last = vmn_lb_port_last(port);

    while (first <= last) {
        uint32_t value = first;
        uint16_t mask = vmn_range_mask(&first, last);
        struct vmn_flow *flow = flow_add(ctx, ctx->scope, BALANCE_SERVICE,
                                         SERVICE_ONE);
        struct vmn_actions *actions;

        vmn_match_ip(flow, vmn_field_ip_dst(vip->family), vip);
        vmn_match_masked(flow, field_dst(ctx->ip_proto), value, mask);
        vmn_flow_count_part(flow, VMN_LB_PART_PACKETS);
        act_nat(vmn_flow_actions(flow), STAGE_BALANCE, BALANCE_SELECT);

        /* Conntrack's copy of the port, since a switch hides that of a
         * fragment (ovs-fields(7), "Fragments"). */
        flow = flow_add(ctx, ctx->scope, BALANCE_SELECT,
                        is_limited(ctx) ? SELECT_NEW_LIMITED : SELECT_NEW);
        actions = vmn_flow_actions(flow);
        vmn_match_ip(flow, vmn_field_ip_dst(vip->family), vip);
        vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | VMN_CT_NEW,
                         VMN_CT_TRK | VMN_CT_NEW | VMN_CT_INV);
        vmn_match(flow, VMN_F_CT_NW_PROTO, ctx->ip_proto);
        vmn_match_masked(flow, VMN_F_CT_TP_DST, value, mask);
        vmn_flow_count_part(flow, is_limited(ctx) ? VMN_LB_PART_ATTEMPTS
                            : VMN_LB_PART_CONNECTIONS);
        act_choose(ctx->view, actions, ctx->lb);
        emit_open(ctx, vip, value, mask);
    }
}

/* Emits what leads to the balancer by its virtual IP, or by a floating address
 * of that. */
static void
emit_address(const struct balancer_ctx *ctx, const struct vmn_ip *vip,
             const char *network)
{
    const struct vmn_loadbalancer *lb = ctx->lb;
    size_t n_services = lb->n_ports;

    for (size_t i = 0; i < lb->n_ports; i++) {
        n_services += vmn_lb_port_at(lb, i)->end_port > 0;
    }
    vmn_publish(ctx->emit, REL_ADDRESS,
                vmn_printf(ctx->view, "%s|%s", ctx->domain,
                           vmn_ip_text(ctx->view, vip)),
                vmn_printf(ctx->view, "%s|%u|%zu|%s", network, ctx->ip_proto,
                           n_services, lb->row.name));
}

/* Emits the floating addresses of the virtual IP. */
static void
emit_floating(const struct balancer_ctx *ctx)
{
    struct vmn_names names = vmn_relation_values(
        ctx->view, VMN_REL_VIRTUAL_IPS, ctx->lb->row.name);

    for (size_t i = 0; i < names.n; i++) {
        const char *domain, *text;
        struct vmn_ip ip;

        if (vmn_key_split_two(ctx->view, names.names[i], &domain, &text)
            && !strcmp(domain, ctx->domain) && vmn_ip_from_text(text, &ip)) {
            for (size_t j = 0; j < ctx->lb->n_ports; j++) {
                emit_service(ctx, &ip, vmn_lb_port_at(ctx->lb, j));
            }
            emit_address(ctx, &ip, NO_NETWORK);
        }
    }
}

/* Where clients have a limit.  -------------------------------------------- */

uint32_t
counter_part(const struct balancer_ctx *ctx,
             const struct vmn_lb_member *member)
{
    return VMN_LB_PART_BACKENDS + number_of(ctx, member);
}

static void
emit_limit(const struct balancer_ctx *ctx)
{
    struct vmn_flow *flow = flow_add(ctx, ctx->scope, BALANCE_LIMIT,
                                     LIMIT_ONE);

    vmn_match(flow, REG_BALANCER, ctx->number);
    act_limit(ctx->view, vmn_flow_actions(flow), ctx->lb, ctx->domain,
              ctx->number);
    publish_limit(ctx->view, ctx->emit, ctx->lb, ctx->domain);
}

/* Returns true if a backend gets no new connections for the time being, but
 * its flows for these stay: with a flow goes what it counted since hosts were
 * read last, and connections of a backend that drains would be missing in its
 * count.  Not while a fallback serves, which may have the same port. */
static bool
is_still_counted(const struct balancer_ctx *ctx,
                 const struct vmn_lb_member *member)
{
    return (ctx->server == ctx->lb && member->keeps
            && (member->state == VMN_LB_DRAINING
                || member->state == VMN_LB_DOWN));
}

static void
emit_assigned(const struct balancer_ctx *ctx,
              const struct vmn_lb_member *member)
{
    struct vmn_flow *flow = flow_add(ctx, ctx->scope, BALANCE_ASSIGNED,
                                     ASSIGNED_ONE);

    vmn_match(flow, REG_BALANCER, ctx->number);
    vmn_match(flow, REG_BACKEND, number_of(ctx, member));
    vmn_flow_count_part(flow, counter_part(ctx, member));
    vmn_act_goto(vmn_flow_actions(flow), STAGE_BALANCE, BALANCE_BACKEND);
}

/* Emits flows that count the connections that the limit admits.  A switch
 * counts a packet for all flows that it expects it to meet, so only flows
 * behind the next recirculation, that of conntrack, exclude those that the
 * meter drops. */
static void
emit_admitted(const struct balancer_ctx *ctx)
{
    const struct backends *serving = &ctx->serving;
    struct vmn_flow *flow;

    flow = flow_add(ctx, ctx->scope, BALANCE_ADMITTED, ADMITTED_ONE);
    vmn_match(flow, REG_BALANCER, ctx->number);
    vmn_flow_count_part(flow, VMN_LB_PART_ADMITTED);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_BALANCE, BALANCE_ASSIGNED);
    for (size_t i = 0; i < serving->n; i++) {
        emit_assigned(ctx, serving->members[i]);
    }
    for (size_t i = 0; i < ctx->all.n; i++) {
        if (is_still_counted(ctx, ctx->all.members[i])) {
            emit_assigned(ctx, ctx->all.members[i]);
        }
    }
}

/* The chosen.  ------------------------------------------------------------ */

uint16_t
target_of(const struct vmn_lb_port *port)
{
    return port->target == port->port ? 0 : port->target;
}

/* Returns true if all services have the same target port. */
static bool
is_one_target(const struct vmn_loadbalancer *lb)
{
    for (size_t i = 0; lb->n_ports > 1 && i < lb->n_ports; i++) {
        if (target_of(vmn_lb_port_at(lb, i))) {
            return false;
        }
    }
    return true;
}

bool
is_committed_by_group(const struct balancer_ctx *ctx)
{
    return (!is_limited(ctx) && !ctx->lb->affinity_s && ctx->server == ctx->lb
            && is_one_target(ctx->lb));
}

const struct vmn_lb_member *
only_backend(const struct balancer_ctx *ctx)
{
    return (ctx->serving.n == 1 && ctx->lb->locality != VMN_LOCALITY_REQUIRE
            ? ctx->serving.members[0] : NULL);
}

void
act_forget_choice(struct vmn_actions *actions)
{
    vmn_act_set(actions, REG_BALANCER, 0);
    vmn_act_set(actions, REG_BACKEND, 0);
}

void
act_commit(const struct balancer_ctx *ctx, struct vmn_actions *actions,
           const struct vmn_lb_member *member, uint16_t target)
{
    vmn_act_ct(actions, &(struct vmn_ct) {
        .commit = true,
        .zone = VMN_REG_BALANCE_ZONE,
        .nat = true,
        .dnat = member->ip,
        .dnat_port = target,
        .then = VMN_CT_TABLE,
        .stage = STAGE_BALANCE,
        .table = is_limited(ctx) ? BALANCE_ADMITTED : BALANCE_BACKEND,
    });
}

/* Emits flows that send new connections of services with ports from 'first' to
 * 'last' (0: all services) to port 'target' (0: the service's own). */
static void
emit_chosen(const struct balancer_ctx *ctx, const struct vmn_lb_member *member,
            uint32_t first, uint32_t last, uint16_t target)
{
    bool all = !first;

    while (all || first <= last) {
        struct vmn_flow *flow = flow_add(ctx, ctx->scope, BALANCE_COMMIT,
                                         is_limited(ctx)
                                         ? COMMIT_ONE_LIMITED : COMMIT_ONE);
        uint32_t value = first;

        vmn_match(flow, REG_BALANCER, ctx->number);
        vmn_match(flow, REG_BACKEND, number_of(ctx, member));
        if (!is_limited(ctx)) {
            vmn_flow_count_part(flow, counter_part(ctx, member));
        }
        if (!all) {
            vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK,
                             VMN_CT_TRK | VMN_CT_INV);
            vmn_match(flow, VMN_F_ETH_TYPE, ctx->lb->vip.family == 6
                      ? VMN_ETH_IPV6 : VMN_ETH_IPV4);
            vmn_match(flow, VMN_F_CT_NW_PROTO, ctx->ip_proto);
            vmn_match_masked(flow, VMN_F_CT_TP_DST, value,
                             vmn_range_mask(&first, last));
        } else {
            vmn_match(flow, VMN_F_ETH_TYPE, ctx->lb->vip.family == 6
                      ? VMN_ETH_IPV6 : VMN_ETH_IPV4);
        }
        if (ctx->lb->affinity_s) {
            act_learn_client(ctx->view, vmn_flow_actions(flow), ctx->lb);
            vmn_act_set(vmn_flow_actions(flow), REG_BALANCER, ctx->number);
        }
        if (!is_limited(ctx)) {
            act_forget_choice(vmn_flow_actions(flow));
        }
        act_commit(ctx, vmn_flow_actions(flow), member, target);
        if (all) {
            break;
        }
    }
}

static void
emit_server(const struct balancer_ctx *ctx, const struct vmn_lb_member *member)
{
    const struct vmn_loadbalancer *server = ctx->server;

    if (is_committed_by_group(ctx) && member != only_backend(ctx)) {
        return;
    }
    if (is_one_target(server) && server == ctx->lb) {
        emit_chosen(ctx, member, 0, 0, target_of(vmn_lb_port_at(server, 0)));
        return;
    }
    for (size_t i = 0; i < server->n_ports; i++) {
        const struct vmn_lb_port *port = vmn_lb_port_at(server, i);

        emit_chosen(ctx, member, port->port, vmn_lb_port_last(port),
                    target_of(port));
    }
}

/* What its backends need wherever they serve.  ---------------------------- */

/* Publishes the networks with the virtual IP, from which packets to the member
 * may come.  'relation' is REL_BACKEND or REL_RESET. */
static void
publish_backend(const struct balancer_ctx *ctx,
                const struct vmn_lb_member *member, const char *relation)
{
    const struct vmn_loadbalancer *lb = ctx->lb;
    const char *key = vmn_printf(ctx->view, "%s|%u", member->port,
                                 lb->vip.family);

    for (size_t i = 0; i < lb->n_networks; i++) {
        if (is_in_domain(ctx, lb->networks[i])) {
            vmn_publish(ctx->emit, relation, key, lb->networks[i]);
        }
    }
}

/* Publishes the services for which the member is a backend, in 'services'.
 * Each mask of a range is a value by itself: other balancers with the same
 * mask may have other ranges.  With 'cut', the member's replies still get the
 * virtual IP, but not those to itself. */
static void
publish_targets(const struct balancer_ctx *ctx,
                const struct vmn_lb_member *member,
                const struct vmn_loadbalancer *services, bool cut)
{
    const char *key = vmn_printf(ctx->view, "%s|%u", member->port,
                                 ctx->lb->vip.family);

    vmn_publish(ctx->emit, REL_REPLY,
                vmn_printf(ctx->view, "%s|%u", key, ctx->ip_proto),
                ctx->lb->row.name);
    for (size_t i = 0; i < services->n_ports; i++) {
        const struct vmn_lb_port *port = vmn_lb_port_at(services, i);
        uint32_t first = port->target ? port->target : port->port;
        uint32_t last = port->target ? first : vmn_lb_port_last(port);

        while (first <= last) {
            uint32_t value = first;
            uint16_t mask = vmn_range_mask(&first, last);
            const char *target = vmn_printf(ctx->view, "%u|%u", value, mask);

            if (!cut) {
                vmn_publish(ctx->emit, REL_HAIRPIN, key,
                            vmn_printf(ctx->view, "%u|%s", ctx->ip_proto,
                                       target));
            }
            if (ctx->ip_proto == VMN_IP_PROTO_TCP) {
                vmn_publish(ctx->emit, REL_TARGET,
                            vmn_printf(ctx->view, "%s|%s", key, target),
                            ctx->lb->row.name);
            }
        }
    }
}

/* Publishes that probes of the member are sent. */
static void
publish_probe(const struct balancer_ctx *ctx,
              const struct vmn_lb_member *member)
{
    const struct vmn_lb_health *health = &ctx->lb->health;
    const struct vmn_lb_port *first = vmn_lb_port_at(ctx->lb, 0);
    unsigned ip_proto = health->type == VMN_PROBE_PING ? VMN_IP_PROTO_ICMP
                        : health->type == VMN_PROBE_UDP ? VMN_IP_PROTO_UDP
                        : VMN_IP_PROTO_TCP;
    unsigned port = health->type == VMN_PROBE_PING ? 0
                    : health->port ? health->port
                    : first->target ? first->target : first->port;

    vmn_publish(ctx->emit, REL_PROBE,
                vmn_printf(ctx->view, "%s|%u", member->port,
                           ctx->lb->vip.family),
                vmn_printf(ctx->view, "%u|%u|%s", ip_proto, port,
                           ip_proto == VMN_IP_PROTO_ICMP ? "-" : ctx->vip));
}

/* Returns true if the member's open connections are cut while it may still
 * send on them.  A disabled or quarantined member cannot. */
static bool
is_cut(const struct vmn_lb_member *member)
{
    /* A member that is down and has weight 0 is idle, and probed. */
    return (!member->keeps
            && (member->probed || member->state == VMN_LB_DRAINED));
}

/* Has open connections of this balancer to the member continue. */
static void
emit_kept(const struct balancer_ctx *ctx, const struct vmn_lb_member *member)
{
    struct vmn_flow *flow = flow_add(ctx, ctx->scope, BALANCE_CHOOSE,
                                     CHOOSE_OPEN);

    vmn_match(flow, REG_BALANCER, ctx->number);
    vmn_match_ip(flow, vmn_field_ip_dst(member->ip.family), &member->ip);
    vmn_act_set(vmn_flow_actions(flow), REG_BALANCER, 0);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_BALANCE, BALANCE_BACKEND);
}

/* Returns true if a balancer before 'end' in the chain of fallbacks has the
 * port as a backend that keeps its connections. */
static bool
is_kept_before(const struct balancer_ctx *ctx,
               const struct vmn_loadbalancer *end, const char *port)
{
    const struct vmn_loadbalancer *lb = ctx->lb;

    for (int i = 0; lb && lb != end && i <= VMN_LB_FALLBACKS_MAX; i++) {
        size_t n;
        const struct vmn_lb_member *members = members_of(
            ctx->view, lb->row.name, &n);

        for (size_t j = 0; j < n; j++) {
            if (members[j].keeps && !strcmp(members[j].port, port)) {
                return true;
            }
        }
        lb = lb->fallback ? vmn_read_loadbalancer(ctx->view, lb->fallback)
             : NULL;
    }
    return false;
}

/* Emits which open connections continue: those to backends that may keep them,
 * the fallbacks' too, whichever of them serves now. */
static void
emit_all_kept(const struct balancer_ctx *ctx)
{
    const struct vmn_loadbalancer *at = ctx->lb;

    for (int i = 0; at && i <= VMN_LB_FALLBACKS_MAX; i++) {
        size_t n;
        const struct vmn_lb_member *members = members_of(
            ctx->view, at->row.name, &n);

        for (size_t j = 0; j < n; j++) {
            if (members[j].keeps && is_in_domain(ctx, members[j].network)
                && !is_kept_before(ctx, at, members[j].port)) {
                emit_kept(ctx, &members[j]);
            }
        }
        at = at->fallback ? vmn_read_loadbalancer(ctx->view, at->fallback)
             : NULL;
    }
}

static void
emit_members(const struct balancer_ctx *ctx)
{
    for (size_t i = 0; i < ctx->all.n; i++) {
        const struct vmn_lb_member *member = ctx->all.members[i];

        if (member->keeps) {
            publish_backend(ctx, member, REL_BACKEND);
            publish_targets(ctx, member, ctx->lb, false);
        } else if (is_cut(member) && ctx->ip_proto == VMN_IP_PROTO_TCP) {
            publish_backend(ctx, member, REL_RESET);
            publish_targets(ctx, member, ctx->lb, true);
        }
        if (member->probed) {
            publish_probe(ctx, member);
        }
        if (is_still_counted(ctx, member)) {
            emit_server(ctx, member);
        }
    }
    for (size_t i = 0; i < ctx->serving.n; i++) {
        const struct vmn_lb_member *member = ctx->serving.members[i];

        emit_server(ctx, member);
        if (ctx->server != ctx->lb) {
            publish_backend(ctx, member, REL_BACKEND);
            publish_targets(ctx, member, ctx->server, false);
        }
    }
}

/* Publishes the addresses of backends, whatever becomes of these. */
static void
publish_served(const struct balancer_ctx *ctx, const struct backends *backends)
{
    const char *key = vmn_printf(ctx->view, "%s|%s", ctx->domain, ctx->vip);

    for (size_t i = 0; i < backends->n; i++) {
        if (backends->members[i]->ip.family) {
            vmn_publish(ctx->emit, REL_SERVED, key,
                        vmn_ip_text(ctx->view, &backends->members[i]->ip));
        }
    }
}

/* All of it.  ------------------------------------------------------------- */

static void
emit_domain(struct balancer_ctx *ctx)
{
    const struct vmn_loadbalancer *lb = ctx->lb;

    find_backends(ctx);
    for (size_t i = 0; i < lb->n_ports; i++) {
        emit_service(ctx, &lb->vip, vmn_lb_port_at(lb, i));
    }
    for (size_t i = 0; i < lb->n_networks; i++) {
        if (is_in_domain(ctx, lb->networks[i])) {
            emit_address(ctx, &lb->vip, lb->networks[i]);
            vmn_publish(ctx->emit, REL_DOMAIN, ctx->domain, "");
            vmn_publish(ctx->emit, REL_NETWORK, lb->networks[i],
                        lb->vip.family == 6 ? "6" : "4");
        }
    }
    emit_floating(ctx);
    vmn_publish(ctx->emit, REL_VIPS, ctx->domain, ctx->vip);
    publish_served(ctx, &ctx->all);
    if (ctx->server != lb) {
        publish_served(ctx, &ctx->serving);
    }
    emit_choice(ctx);
    emit_all_kept(ctx);
    if (is_limited(ctx)) {
        emit_limit(ctx);
        emit_admitted(ctx);
    }
    emit_members(ctx);
}

/* Returns true if the domain of network 'i' is that of one before it. */
static bool
is_known_domain(struct vmn_view *view, const struct vmn_loadbalancer *lb,
                size_t i)
{
    const char *domain = vmn_domain_of(view, lb->networks[i]);

    for (size_t j = 0; j < i; j++) {
        if (!strcmp(vmn_domain_of(view, lb->networks[j]), domain)) {
            return true;
        }
    }
    return false;
}

void
compile_balancer(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_loadbalancer *lb = vmn_read_loadbalancer(view, key);

    if (!lb || !lb->vip.family || !lb->n_ports
        || (lb->protocol != VMN_PROTO_TCP && lb->protocol != VMN_PROTO_UDP)) {
        return;
    }
    for (size_t i = 0; i < lb->n_networks; i++) {
        struct balancer_ctx ctx = {
            .view = view,
            .emit = emit,
            .lb = lb,
            .ip_proto = lb->protocol == VMN_PROTO_TCP ? VMN_IP_PROTO_TCP
                        : VMN_IP_PROTO_UDP,
            .number = balancer_number(view, lb),
            .domain = vmn_domain_of(view, lb->networks[i]),
            .vip = vmn_ip_text(view, &lb->vip),
        };

        if (!is_known_domain(view, lb, i)) {
            ctx.scope = vmn_scope_domain(ctx.domain);
            ctx.zone = vmn_domain_zone(view, ctx.domain);
            emit_domain(&ctx);
        }
    }
}
