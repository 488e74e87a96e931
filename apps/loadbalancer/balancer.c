/* SPDX-License-Identifier: Apache-2.0
 *
 * One balancer.  The client's host chooses the backend and keeps it in a
 * conntrack zone that holds nothing but balanced connections; from there on
 * the packet is one to the backend, also for policies.  Answers get the
 * virtual IP back after policy, again at the client's host.
 *
 * In each routing domain where it is offered a balancer has the backends that
 * are there.  What a virtual IP has whatever is served there is in vip.c,
 * what a backend has whomever it serves in backend.c. */

#include "loadbalancer.h"

#include <string.h>

#define N_VALUES_MIN 16         /* Open vSwitch uses no fewer hash values. */

/* A balancer in one of its routing domains. */
struct balancer_ctx {
    struct vmn_view *view;
    struct vmn_emit *emit;
    const struct vmn_loadbalancer *lb;
    unsigned ip_proto;
    uint32_t number;            /* The balancer's ID. */
    const char *domain;
    struct vmn_scope scope;
    uint32_t zone;
    const char *vip;            /* As text. */
    struct backends all;        /* The balancer's own. */
    struct backends serving;    /* Those to which new connections go, */
    const struct vmn_loadbalancer *server; /* which are this balancer's. */
};

static bool
is_in_domain(const struct balancer_ctx *ctx, const char *network)
{
    return !strcmp(vmn_domain_of(ctx->view, network), ctx->domain);
}

/* Returns true if the balancer limits connections of each client. */
static bool
is_limited(const struct balancer_ctx *ctx)
{
    return ctx->lb->client_limit.rate > 0;
}

static unsigned
table_after_choice(const struct balancer_ctx *ctx)
{
    return is_limited(ctx) ? BALANCE_LIMIT : BALANCE_COMMIT;
}

static struct vmn_flow *
flow_add(const struct balancer_ctx *ctx, struct vmn_scope scope,
         unsigned table, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(ctx->emit, scope, STAGE_BALANCE,
                                         table, priority);

    vmn_match(flow, VMN_REG_ZONE, ctx->zone);
    return flow;
}

/* Who serves.  ------------------------------------------------------------ */

static void
backends_add(struct balancer_ctx *ctx, struct backends *list, size_t n_max,
             const struct vmn_lb_member *member)
{
    if (!list->members) {
        list->members = vmn_alloc(ctx->view,
                                  n_max * sizeof *list->members);
    }
    list->members[list->n++] = member;
}

/* Finds the backends of 'balancer' in this domain.  Returns false if none of
 * them serves. */
static bool
find_serving(struct balancer_ctx *ctx, const struct vmn_loadbalancer *balancer)
{
    size_t n;
    const struct vmn_lb_member *members = members_of(
        ctx->view, balancer->row.name, &n);

    for (size_t i = 0; i < n; i++) {
        if (!is_in_domain(ctx, members[i].network)) {
            continue;
        }
        if (balancer == ctx->lb) {
            backends_add(ctx, &ctx->all, n, &members[i]);
        }
        if (members[i].state == VMN_LB_SERVING) {
            backends_add(ctx, &ctx->serving, n, &members[i]);
        }
    }
    ctx->server = balancer;
    return ctx->serving.n > 0;
}

/* Finds the balancer's own backends, or else those of its first fallback with
 * some. */
static void
find_backends(struct balancer_ctx *ctx)
{
    const struct vmn_loadbalancer *at = ctx->lb;

    for (int i = 0; at && i <= VMN_LB_FALLBACKS_MAX; i++) {
        if (find_serving(ctx, at)) {
            return;
        }
        at = at->fallback ? vmn_read_loadbalancer(ctx->view, at->fallback)
             : NULL;
    }
}

static uint32_t
balancer_number(struct vmn_view *view, const struct vmn_loadbalancer *lb)
{
    return vmn_id_of(view, ID_POOL_BALANCER, lb->row.name);
}

/* Sets the register by which affinity is looked up.  The ID depends on the
 * timeout: after a change clients are forgotten, but for packets on their way
 * the balancer is the same. */
static void
act_set_affinity(struct vmn_view *view, struct vmn_actions *actions,
                 const struct vmn_loadbalancer *lb)
{
    vmn_act_set(actions, VMN_REG_CLIENT_SERVICE, vmn_id_of(
        view, ID_POOL_AFFINITY, vmn_printf(view, "%s|%u", lb->row.name,
                                           lb->affinity_s)));
}

void
act_choose(struct vmn_view *view, struct vmn_actions *actions,
           const struct vmn_loadbalancer *lb)
{
    if (lb->affinity_s) {
        act_set_affinity(view, actions, lb);
        vmn_act_find_client(actions);
    }
    vmn_act_set(actions, REG_BALANCER, balancer_number(view, lb));
    vmn_act_goto(actions, STAGE_BALANCE, BALANCE_CHOOSE);
}

/* Its services.  --------------------------------------------------------- */

static void
emit_service(const struct balancer_ctx *ctx, const struct vmn_lb_port *port)
{
    uint32_t first = port->port, last = vmn_lb_port_last(port);

    while (first <= last) {
        uint32_t value = first;
        uint16_t mask = vmn_range_mask(&first, last);
        struct vmn_flow *flow = flow_add(ctx, ctx->scope, BALANCE_VIP,
                                         VIP_SERVICE);
        struct vmn_actions *actions;

        vmn_match_ip(flow, vmn_field_ip_dst(ctx->lb->vip.family),
                     &ctx->lb->vip);
        vmn_match_masked(flow, field_dst(ctx->ip_proto), value, mask);
        vmn_flow_count_part(flow, VMN_LB_PART_PACKETS);
        act_nat(vmn_flow_actions(flow), STAGE_BALANCE, BALANCE_SELECT);

        /* Conntrack's copy of the port, since a switch hides that of a
         * fragment (ovs-fields(7), "Fragments"). */
        flow = flow_add(ctx, ctx->scope, BALANCE_SELECT,
                        is_limited(ctx) ? SELECT_NEW_LIMITED : SELECT_NEW);
        actions = vmn_flow_actions(flow);
        vmn_match_ip(flow, vmn_field_ip_dst(ctx->lb->vip.family),
                     &ctx->lb->vip);
        vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | VMN_CT_NEW,
                         VMN_CT_TRK | VMN_CT_NEW | VMN_CT_INV);
        vmn_match(flow, VMN_F_CT_NW_PROTO, ctx->ip_proto);
        vmn_match_masked(flow, VMN_F_CT_TP_DST, value, mask);
        vmn_flow_count_part(flow, is_limited(ctx) ? VMN_LB_PART_ATTEMPTS
                            : VMN_LB_PART_CONNECTIONS);
        act_choose(ctx->view, actions, ctx->lb);
    }
}

/* Choosing.  -------------------------------------------------------------- */

static uint32_t
number_of(const struct balancer_ctx *ctx, const struct vmn_lb_member *member)
{
    return backend_number(ctx->view, ctx->lb->row.name, member->port);
}

static void
bucket_add(const struct balancer_ctx *ctx, struct vmn_group_msg *group,
           uint32_t id, uint16_t weight, const struct vmn_lb_member *member)
{
    struct vmn_actions *bucket = vmn_bucket_add(group, id, weight);

    vmn_act_set(bucket, REG_BACKEND, number_of(ctx, member));
    vmn_act_jump(bucket, STAGE_BALANCE, table_after_choice(ctx));
}

/* Reduces the shares to the fewest hash values with the same proportions, and
 * returns how many these are.  Each is an entry of the datapath's cache, for
 * which the first connection waits and which is revalidated when flows
 * change. */
static uint32_t
reduce_shares(uint32_t *shares, size_t n)
{
    uint32_t n_values = N_SLOTS, bits = 0;

    for (size_t i = 0; i < n; i++) {
        bits |= shares[i];
    }
    for (; n_values > N_VALUES_MIN && !(bits & 1); n_values /= 2) {
        for (size_t i = 0; i < n; i++) {
            shares[i] /= 2;
        }
        bits >>= 1;
    }
    return n_values;
}

/* Adds weighted buckets.  Open vSwitch uses as many hash values as the least
 * weight fits into the sum of all, rounded up to a power of two, at least 16,
 * and distributes them among the buckets by Webster's method
 * (group_setup_dp_hash_table() in ofproto-dpif.c).  That is exact if the
 * weights add up to that power and one of them is 1: so one slot of the
 * backend with the most becomes a bucket of its own. */
static void
add_weighted(const struct balancer_ctx *ctx, struct vmn_group_msg *group,
             const struct backends *backends)
{
    uint32_t *shares = vmn_alloc(ctx->view, backends->n * sizeof *shares);
    uint32_t n_values;
    size_t most = 0;

    slots_share(ctx->view, backends, shares);
    n_values = reduce_shares(shares, backends->n);
    for (size_t i = 1; i < backends->n; i++) {
        most = shares[i] > shares[most] ? i : most;
    }
    if (n_values > N_VALUES_MIN && shares[most] > 1) {
        shares[most]--;
        bucket_add(ctx, group, backends->n, 1, backends->members[most]);
    }
    for (size_t i = 0; i < backends->n; i++) {
        if (shares[i]) {
            bucket_add(ctx, group, i, shares[i], backends->members[i]);
        }
    }
}

/* Adds a bucket for each slot.  Hashed by the client's address, buckets are
 * selected by their weights only if all weights are equal. */
static void
add_slots(const struct balancer_ctx *ctx, struct vmn_group_msg *group,
          const struct backends *backends)
{
    uint16_t slots[N_SLOTS];

    vmn_group_hash_client(group, ctx->lb->vip.family);
    slots_fill(ctx->view, backends, slots);
    for (unsigned i = 0; i < N_SLOTS; i++) {
        bucket_add(ctx, group, i, 1, backends->members[slots[i]]);
    }
}

static const struct vmn_group_msg *
group_add(const struct balancer_ctx *ctx, struct vmn_scope scope,
          const char *host, const struct backends *backends)
{
    struct vmn_group_msg *group = vmn_group_add(
        ctx->emit, scope, VMN_GROUP_SELECT,
        vmn_printf(ctx->view, "loadbalancer/%s/%s%s%s", ctx->lb->row.name,
                   ctx->domain, *host ? "/" : "", host));

    if (ctx->lb->affinity_s) {
        add_slots(ctx, group, backends);
    } else {
        add_weighted(ctx, group, backends);
    }
    return group;
}

static struct vmn_flow *
choose_add(const struct balancer_ctx *ctx, struct vmn_scope scope,
           uint16_t priority)
{
    struct vmn_flow *flow = flow_add(ctx, scope, BALANCE_CHOOSE, priority);

    vmn_match(flow, REG_BALANCER, ctx->number);
    return flow;
}

/* Returns true if a backend before 'i' is on the same host. */
static bool
is_known_host(const struct backends *all, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (!strcmp(all->members[j]->host, all->members[i]->host)) {
            return true;
        }
    }
    return false;
}

/* Emits the preference for backends on the client's own host, for each host
 * that has some. */
static void
emit_here(struct balancer_ctx *ctx)
{
    const struct backends *all = &ctx->serving;

    for (size_t i = 0; i < all->n; i++) {
        const char *host = all->members[i]->host;
        struct vmn_scope scope = vmn_scope_host(host);
        struct backends here = { 0, NULL };

        if (is_known_host(all, i)) {
            continue;
        }
        for (size_t j = i; j < all->n; j++) {
            if (!strcmp(all->members[j]->host, host)) {
                backends_add(ctx, &here, all->n - i, all->members[j]);
            }
        }
        vmn_act_group(vmn_flow_actions(choose_add(ctx, scope, CHOOSE_HERE)),
                      group_add(ctx, scope, host, &here));
    }
}

/* Emits flows for clients with affinity. */
static void
emit_known(const struct balancer_ctx *ctx)
{
    for (size_t i = 0; i < ctx->serving.n; i++) {
        struct vmn_flow *flow = choose_add(ctx, ctx->scope, CHOOSE_KNOWN);
        uint32_t number = number_of(ctx, ctx->serving.members[i]);

        vmn_match(flow, VMN_REG_CLIENT_VALUE, number);
        vmn_act_set(vmn_flow_actions(flow), REG_BACKEND, number);
        vmn_act_goto(vmn_flow_actions(flow), STAGE_BALANCE,
                     table_after_choice(ctx));
    }
}

static void
emit_choice(struct balancer_ctx *ctx)
{
    struct vmn_actions *actions = vmn_flow_actions(
        choose_add(ctx, ctx->scope, CHOOSE_ANY));

    if (ctx->lb->affinity_s) {
        emit_known(ctx);
    }
    if (ctx->serving.n && ctx->lb->locality != VMN_LOCALITY_ANY) {
        emit_here(ctx);
    }
    if (!ctx->serving.n) {
        act_reject(actions, "no backend");
    } else if (ctx->lb->locality == VMN_LOCALITY_REQUIRE) {
        act_reject(actions, "no backend on this host");
    } else {
        vmn_act_group(actions, group_add(ctx, ctx->scope, "",
                                         &ctx->serving));
    }
}

/* Where clients have a limit.  -------------------------------------------- */

static uint32_t
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
            act_set_affinity(ctx->view, vmn_flow_actions(flow), ctx->lb);
            vmn_act_learn_client(vmn_flow_actions(flow),
                                 &(struct vmn_client) {
                .eth_type = vmn_eth_type_of(ctx->lb->vip.family),
                .idle_s = ctx->lb->affinity_s,
                .from = REG_BACKEND,
            });
            vmn_act_set(vmn_flow_actions(flow), REG_BALANCER, ctx->number);
        }
        vmn_act_ct(vmn_flow_actions(flow), &(struct vmn_ct) {
            .commit = true,
            .zone = VMN_REG_BALANCE_ZONE,
            .nat = true,
            .dnat = member->ip,
            .dnat_port = target,
            .then = VMN_CT_TABLE,
            .stage = STAGE_BALANCE,
            .table = is_limited(ctx) ? BALANCE_ADMITTED : BALANCE_BACKEND,
        });
        if (all) {
            break;
        }
    }
}

static uint16_t
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

static void
emit_server(const struct balancer_ctx *ctx, const struct vmn_lb_member *member)
{
    const struct vmn_loadbalancer *server = ctx->server;

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
    const char *hairpin = cut ? NULL : vmn_printf(ctx->view, "%s|%s",
                                                  member->port, ctx->vip);

    for (size_t i = 0; i < services->n_ports; i++) {
        const struct vmn_lb_port *port = vmn_lb_port_at(services, i);
        uint32_t first = port->target ? port->target : port->port;
        uint32_t last = port->target ? first : vmn_lb_port_last(port);

        while (first <= last) {
            uint32_t value = first;
            uint16_t mask = vmn_range_mask(&first, last);
            const char *target = vmn_printf(ctx->view, "%u|%u|%u",
                                            ctx->ip_proto, value, mask);

            if (hairpin) {
                vmn_publish(ctx->emit, REL_HAIRPIN, hairpin, target);
            }
            vmn_publish(ctx->emit, REL_TARGET,
                        vmn_printf(ctx->view, "%s|%u|%s", member->port,
                                   ctx->lb->vip.family, target),
                        ctx->lb->row.name);
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
                vmn_printf(ctx->view, "%s|%s", member->port, ctx->vip),
                vmn_printf(ctx->view, "%u|%u", ip_proto, port));
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

/* All of it.  ------------------------------------------------------------- */

static void
emit_domain(struct balancer_ctx *ctx)
{
    const struct vmn_loadbalancer *lb = ctx->lb;
    size_t n_services = lb->n_ports;

    find_backends(ctx);
    for (size_t i = 0; i < lb->n_ports; i++) {
        n_services += vmn_lb_port_at(lb, i)->end_port > 0;
        emit_service(ctx, vmn_lb_port_at(lb, i));
    }
    for (size_t i = 0; i < lb->n_networks; i++) {
        if (is_in_domain(ctx, lb->networks[i])) {
            vmn_publish(ctx->emit, REL_ADDRESS,
                        vmn_printf(ctx->view, "%s|%s", ctx->domain,
                                   ctx->vip),
                        vmn_printf(ctx->view, "%s|%u|%zu|%s",
                                   lb->networks[i], ctx->ip_proto,
                                   n_services, lb->row.name));
        }
    }
    emit_choice(ctx);
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
