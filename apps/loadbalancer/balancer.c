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

#define N_VALUES_MIN 16         /* Hash values: Open vSwitch takes no fewer. */

/* A balancer in one of its domains. */
struct place {
    struct vmn_view *view;
    struct vmn_emit *emit;
    const struct vmn_loadbalancer *lb;
    unsigned ip_proto;
    uint32_t number;            /* The balancer's. */
    const char *domain;
    struct vmn_scope scope;
    uint32_t zone;
    const char *vip;            /* As text. */
    struct backends all;        /* Its own. */
    struct backends serving;    /* Those of which new connections are. */
    const struct vmn_loadbalancer *server; /* Whose these are. */
};

static bool
is_here(const struct place *place, const char *network)
{
    return !strcmp(vmn_domain_of(place->view, network), place->domain);
}

/* Whether clients are. */
static bool
is_limited(const struct place *place)
{
    return place->lb->client_limit.rate > 0;
}

static unsigned
table_after_choice(const struct place *place)
{
    return is_limited(place) ? BALANCE_LIMIT : BALANCE_CHOSEN;
}

static struct vmn_flow *
flow_add(const struct place *place, struct vmn_scope scope, unsigned table,
         uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(place->emit, scope, STAGE_BALANCE,
                                         table, priority);

    vmn_match(flow, VMN_REG_ZONE, place->zone);
    return flow;
}

/* Who serves.  ------------------------------------------------------------ */

static void
backends_add(struct place *place, struct backends *list, size_t n_max,
             const struct vmn_lb_member *member)
{
    if (!list->members) {
        list->members = vmn_alloc(place->view,
                                  n_max * sizeof *list->members);
    }
    list->members[list->n++] = member;
}

/* Those of 'balancer' that are in this domain; false if none of them
 * serves. */
static bool
find_serving(struct place *place, const struct vmn_loadbalancer *balancer)
{
    size_t n;
    const struct vmn_lb_member *members = members_of(
        place->view, balancer->row.name, &n);

    for (size_t i = 0; i < n; i++) {
        if (!is_here(place, members[i].network)) {
            continue;
        }
        if (balancer == place->lb) {
            backends_add(place, &place->all, n, &members[i]);
        }
        if (members[i].state == VMN_LB_SERVING) {
            backends_add(place, &place->serving, n, &members[i]);
        }
    }
    place->server = balancer;
    return place->serving.n > 0;
}

/* Its own ones, or else those of the first of its fallbacks that has some. */
static void
find_backends(struct place *place)
{
    const struct vmn_loadbalancer *at = place->lb;

    for (int i = 0; at && i <= VMN_LB_FALLBACKS_MAX; i++) {
        if (find_serving(place, at)) {
            return;
        }
        at = at->fallback ? vmn_read_loadbalancer(place->view, at->fallback)
             : NULL;
    }
}

static uint32_t
balancer_number(struct vmn_view *view, const struct vmn_loadbalancer *lb)
{
    return vmn_number(view, NUMBER_BALANCER, lb->row.name);
}

/* What is remembered of clients is for this long: with another time they are
 * others, but the balancer is the same, to packets that are on their way. */
static void
act_set_memory(struct vmn_view *view, struct vmn_actions *actions,
               const struct vmn_loadbalancer *lb)
{
    vmn_act_set(actions, VMN_REG_CLIENT_SERVICE, vmn_number(
        view, NUMBER_MEMORY, vmn_printf(view, "%s|%u", lb->row.name,
                                        lb->affinity_s)));
}

void
act_choose(struct vmn_view *view, struct vmn_actions *actions,
           const struct vmn_loadbalancer *lb)
{
    if (lb->affinity_s) {
        act_set_memory(view, actions, lb);
        vmn_act_find_client(actions);
    }
    vmn_act_set(actions, REG_BALANCER, balancer_number(view, lb));
    vmn_act_goto(actions, STAGE_BALANCE, BALANCE_CHOOSE);
}

/* Its services.  --------------------------------------------------------- */

static void
emit_service(const struct place *place, const struct vmn_lb_port *port)
{
    uint32_t first = port->port, last = vmn_lb_port_last(port);

    while (first <= last) {
        uint32_t value = first;
        uint16_t mask = vmn_range_mask(&first, last);
        struct vmn_flow *flow = flow_add(place, place->scope, BALANCE_VIP,
                                         VIP_SERVICE);
        struct vmn_actions *actions;

        vmn_match_ip(flow, field_ip_dst(&place->lb->vip), &place->lb->vip);
        vmn_match_masked(flow, field_dst(place->ip_proto), value, mask);
        vmn_flow_count_part(flow, VMN_LB_PART_PACKETS);
        act_nat(vmn_flow_actions(flow), STAGE_BALANCE, BALANCE_SELECT);

        /* Conntrack's copy of the port, since a switch hides that of the
         * packet if it is a fragment (ovs-fields(7), "Fragments"). */
        flow = flow_add(place, place->scope, BALANCE_SELECT,
                        is_limited(place) ? SELECT_NEW_LIMITED : SELECT_NEW);
        actions = vmn_flow_actions(flow);
        vmn_match_ip(flow, field_ip_dst(&place->lb->vip), &place->lb->vip);
        vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | VMN_CT_NEW,
                         VMN_CT_TRK | VMN_CT_NEW | VMN_CT_INV);
        vmn_match(flow, VMN_F_CT_NW_PROTO, place->ip_proto);
        vmn_match_masked(flow, VMN_F_CT_TP_DST, value, mask);
        vmn_flow_count_part(flow, is_limited(place) ? VMN_LB_PART_ASKED
                            : VMN_LB_PART_CONNECTIONS);
        act_choose(place->view, actions, place->lb);
    }
}

/* Choosing.  -------------------------------------------------------------- */

static uint32_t
number_of(const struct place *place, const struct vmn_lb_member *member)
{
    return backend_number(place->view, place->lb->row.name, member->port);
}

static void
bucket_add(const struct place *place, struct vmn_group_msg *group,
           uint32_t id, uint16_t weight, const struct vmn_lb_member *member)
{
    struct vmn_actions *bucket = vmn_bucket_add(group, id, weight);

    vmn_act_set(bucket, REG_BACKEND, number_of(place, member));
    vmn_act_back(bucket, STAGE_BALANCE, table_after_choice(place));
}

/* Takes the fewest hash values that give the same shares; returns how many.
 * Each is a flow of the switch's cache, which the first connection waits for,
 * and which is looked at again whenever a flow changes. */
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

/* Open vSwitch takes as many hash values as the least weight goes into the sum
 * of all, rounded up to a power of two, but 16 at least, and gives them to
 * buckets by Webster's method (group_setup_dp_hash_table() in ofproto-dpif.c).
 * With weights that add up to that power, one of which is 1, that is exact: so
 * one slot of the backend that has most becomes a bucket of its own. */
static void
add_weighted(const struct place *place, struct vmn_group_msg *group,
             const struct backends *backends)
{
    uint32_t *shares = vmn_alloc(place->view, backends->n * sizeof *shares);
    uint32_t n_values;
    size_t most = 0;

    slots_share(place->view, backends, shares);
    n_values = reduce_shares(shares, backends->n);
    for (size_t i = 1; i < backends->n; i++) {
        most = shares[i] > shares[most] ? i : most;
    }
    if (n_values > N_VALUES_MIN && shares[most] > 1) {
        shares[most]--;
        bucket_add(place, group, backends->n, 1, backends->members[most]);
    }
    for (size_t i = 0; i < backends->n; i++) {
        if (shares[i]) {
            bucket_add(place, group, i, shares[i], backends->members[i]);
        }
    }
}

/* By the client's address each bucket is as likely as its weight only if all
 * have the same. */
static void
add_slots(const struct place *place, struct vmn_group_msg *group,
          const struct backends *backends)
{
    uint16_t slots[N_SLOTS];

    vmn_group_hash_client(group, place->lb->vip.family);
    slots_fill(place->view, backends, slots);
    for (unsigned i = 0; i < N_SLOTS; i++) {
        bucket_add(place, group, i, 1, backends->members[slots[i]]);
    }
}

static const struct vmn_group_msg *
group_add(const struct place *place, struct vmn_scope scope, const char *host,
          const struct backends *backends)
{
    struct vmn_group_msg *group = vmn_group_add(
        place->emit, scope, VMN_GROUP_SELECT,
        vmn_printf(place->view, "loadbalancer/%s/%s%s%s", place->lb->row.name,
                   place->domain, *host ? "/" : "", host));

    if (place->lb->affinity_s) {
        add_slots(place, group, backends);
    } else {
        add_weighted(place, group, backends);
    }
    return group;
}

static struct vmn_flow *
choose_add(const struct place *place, struct vmn_scope scope,
           uint16_t priority)
{
    struct vmn_flow *flow = flow_add(place, scope, BALANCE_CHOOSE, priority);

    vmn_match(flow, REG_BALANCER, place->number);
    return flow;
}

/* Whether a backend before 'i' is on the same host. */
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

/* The backends of each host are chosen from there. */
static void
emit_here(struct place *place)
{
    const struct backends *all = &place->serving;

    for (size_t i = 0; i < all->n; i++) {
        const char *host = all->members[i]->host;
        struct vmn_scope scope = vmn_scope_host(host);
        struct backends here = { 0, NULL };

        if (is_known_host(all, i)) {
            continue;
        }
        for (size_t j = i; j < all->n; j++) {
            if (!strcmp(all->members[j]->host, host)) {
                backends_add(place, &here, all->n - i, all->members[j]);
            }
        }
        vmn_act_group(vmn_flow_actions(choose_add(place, scope, CHOOSE_HERE)),
                      group_add(place, scope, host, &here));
    }
}

/* Clients that have a backend. */
static void
emit_known(const struct place *place)
{
    for (size_t i = 0; i < place->serving.n; i++) {
        struct vmn_flow *flow = choose_add(place, place->scope, CHOOSE_KNOWN);
        uint32_t number = number_of(place, place->serving.members[i]);

        vmn_match(flow, VMN_REG_CLIENT_VALUE, number);
        vmn_act_set(vmn_flow_actions(flow), REG_BACKEND, number);
        vmn_act_goto(vmn_flow_actions(flow), STAGE_BALANCE,
                     table_after_choice(place));
    }
}

static void
emit_choice(struct place *place)
{
    struct vmn_actions *actions = vmn_flow_actions(
        choose_add(place, place->scope, CHOOSE_ANY));

    if (place->lb->affinity_s) {
        emit_known(place);
    }
    if (place->serving.n && place->lb->locality != VMN_LOCALITY_ANY) {
        emit_here(place);
    }
    if (!place->serving.n) {
        act_refuse(actions, "no backend");
    } else if (place->lb->locality == VMN_LOCALITY_REQUIRE) {
        act_refuse(actions, "no backend on this host");
    } else {
        vmn_act_group(actions, group_add(place, place->scope, "",
                                         &place->serving));
    }
}

/* Where clients have a limit.
 * --------------------------------------------- */

static uint32_t
part_of(const struct place *place, const struct vmn_lb_member *member)
{
    return VMN_LB_PART_BACKENDS + number_of(place, member);
}

static void
emit_limit(const struct place *place)
{
    struct vmn_flow *flow = flow_add(place, place->scope, BALANCE_LIMIT,
                                     LIMIT_ONE);

    vmn_match(flow, REG_BALANCER, place->number);
    act_limit(place->view, vmn_flow_actions(flow), place->lb, place->domain,
              place->number);
    publish_limit(place->view, place->emit, place->lb, place->domain);
}

/* Counts what no meter has dropped: a switch counts a packet for all flows
 * that it knows it to come to, so only those behind the next pass, which is
 * that of conntrack, tell. */
static void
emit_admitted(const struct place *place)
{
    const struct backends *serving = &place->serving;
    struct vmn_flow *flow;

    flow = flow_add(place, place->scope, BALANCE_ADMITTED, ADMITTED_ONE);
    vmn_match(flow, REG_BALANCER, place->number);
    vmn_flow_count_part(flow, VMN_LB_PART_ADMITTED);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_BALANCE, BALANCE_GIVEN);
    for (size_t i = 0; i < serving->n; i++) {
        flow = flow_add(place, place->scope, BALANCE_GIVEN, GIVEN_ONE);
        vmn_match(flow, REG_BALANCER, place->number);
        vmn_match(flow, REG_BACKEND, number_of(place, serving->members[i]));
        vmn_flow_count_part(flow, part_of(place, serving->members[i]));
        vmn_act_goto(vmn_flow_actions(flow), STAGE_BALANCE, BALANCE_BACKEND);
    }
}

/* The chosen.  ------------------------------------------------------------ */

/* New connections of services from 'first' to 'last' (0: of all) go to port
 * 'target' (0: to that of the service). */
static void
emit_chosen(const struct place *place, const struct vmn_lb_member *member,
            uint32_t first, uint32_t last, uint16_t target)
{
    bool all = !first;

    while (all || first <= last) {
        struct vmn_flow *flow = flow_add(place, place->scope, BALANCE_CHOSEN,
                                         is_limited(place)
                                         ? CHOSEN_ONE_LIMITED : CHOSEN_ONE);
        uint32_t value = first;

        vmn_match(flow, REG_BALANCER, place->number);
        vmn_match(flow, REG_BACKEND, number_of(place, member));
        if (!is_limited(place)) {
            vmn_flow_count_part(flow, part_of(place, member));
        }
        if (!all) {
            vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK,
                             VMN_CT_TRK | VMN_CT_INV);
            vmn_match(flow, VMN_F_ETH_TYPE, place->lb->vip.family == 6
                      ? VMN_ETH_IPV6 : VMN_ETH_IPV4);
            vmn_match(flow, VMN_F_CT_NW_PROTO, place->ip_proto);
            vmn_match_masked(flow, VMN_F_CT_TP_DST, value,
                             vmn_range_mask(&first, last));
        } else {
            vmn_match(flow, VMN_F_ETH_TYPE, place->lb->vip.family == 6
                      ? VMN_ETH_IPV6 : VMN_ETH_IPV4);
        }
        if (place->lb->affinity_s) {
            act_set_memory(place->view, vmn_flow_actions(flow), place->lb);
            vmn_act_learn_client(vmn_flow_actions(flow),
                                 &(struct vmn_client) {
                .eth_type = place->lb->vip.family == 6 ? VMN_ETH_IPV6
                            : VMN_ETH_IPV4,
                .idle_s = place->lb->affinity_s,
                .from = REG_BACKEND,
            });
            vmn_act_set(vmn_flow_actions(flow), REG_BALANCER, place->number);
        }
        vmn_act_ct(vmn_flow_actions(flow), &(struct vmn_ct) {
            .commit = true,
            .zone = VMN_REG_BALANCE_ZONE,
            .nat = true,
            .dnat = member->ip,
            .dnat_port = target,
            .then = VMN_CT_TABLE,
            .stage = STAGE_BALANCE,
            .table = is_limited(place) ? BALANCE_ADMITTED : BALANCE_BACKEND,
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

/* Whether all services have the same to say about the backend's port. */
static bool
is_one_target(const struct vmn_loadbalancer *lb)
{
    for (size_t i = 0; lb->n_ports > 1 && i < lb->n_ports; i++) {
        if (target_of(&lb->ports[i])) {
            return false;
        }
    }
    return true;
}

static void
emit_server(const struct place *place, const struct vmn_lb_member *member)
{
    const struct vmn_loadbalancer *server = place->server;

    if (is_one_target(server) && server == place->lb) {
        emit_chosen(place, member, 0, 0, target_of(&server->ports[0]));
        return;
    }
    for (size_t i = 0; i < server->n_ports; i++) {
        const struct vmn_lb_port *port = &server->ports[i];

        emit_chosen(place, member, port->port, vmn_lb_port_last(port),
                    target_of(port));
    }
}

/* What its backends need wherever they serve.  ---------------------------- */

/* A packet sent on to the member may come from each network where the virtual
 * IP is.  'relation' is REL_BACKEND or REL_CUT. */
static void
publish_backend(const struct place *place, const struct vmn_lb_member *member,
                const char *relation)
{
    const struct vmn_loadbalancer *lb = place->lb;
    const char *key = vmn_printf(place->view, "%s|%u", member->port,
                                 lb->vip.family);

    for (size_t i = 0; i < lb->n_networks; i++) {
        if (is_here(place, lb->networks[i])) {
            vmn_publish(place->emit, relation, key, lb->networks[i]);
        }
    }
}

/* 'services' are those of whom the member is a backend.  Each mask of a range
 * is a fact by itself: others that have the same one may have other ranges.
 * With 'cut', the member's answers still get their virtual IP back, but none
 * to itself. */
static void
publish_targets(const struct place *place, const struct vmn_lb_member *member,
                const struct vmn_loadbalancer *services, bool cut)
{
    const char *hairpin = cut ? NULL : vmn_printf(place->view, "%s|%s",
                                                  member->port, place->vip);

    for (size_t i = 0; i < services->n_ports; i++) {
        const struct vmn_lb_port *port = &services->ports[i];
        uint32_t first = port->target ? port->target : port->port;
        uint32_t last = port->target ? first : vmn_lb_port_last(port);

        while (first <= last) {
            uint32_t value = first;
            uint16_t mask = vmn_range_mask(&first, last);
            const char *target = vmn_printf(place->view, "%u|%u|%u",
                                            place->ip_proto, value, mask);

            if (hairpin) {
                vmn_publish(place->emit, REL_HAIRPIN, hairpin, target);
            }
            vmn_publish(place->emit, REL_TARGET,
                        vmn_printf(place->view, "%s|%u|%s", member->port,
                                   place->lb->vip.family, target),
                        place->lb->row.name);
        }
    }
}

/* Answers to probes are awaited of it. */
static void
publish_probe(const struct place *place, const struct vmn_lb_member *member)
{
    const struct vmn_lb_health *health = &place->lb->health;
    const struct vmn_lb_port *first = &place->lb->ports[0];
    unsigned ip_proto = health->type == VMN_PROBE_PING ? IP_PROTO_ICMP
                        : health->type == VMN_PROBE_UDP ? IP_PROTO_UDP
                        : IP_PROTO_TCP;
    unsigned port = health->type == VMN_PROBE_PING ? 0
                    : health->port ? health->port
                    : first->target ? first->target : first->port;

    vmn_publish(place->emit, REL_PROBED,
                vmn_printf(place->view, "%s|%s", member->port, place->vip),
                vmn_printf(place->view, "%u|%u", ip_proto, port));
}

/* Whether the member's open connections have ended, while it may still send on
 * them.  Those of one that is disabled or quarantined cannot. */
static bool
is_cut(const struct vmn_lb_member *member)
{
    /* One that is down and has weight 0 is idle, and probed. */
    return (!member->keeps
            && (member->probed || member->state == VMN_LB_DRAINED));
}

static void
emit_members(const struct place *place)
{
    for (size_t i = 0; i < place->all.n; i++) {
        const struct vmn_lb_member *member = place->all.members[i];

        if (member->keeps) {
            publish_backend(place, member, REL_BACKEND);
            publish_targets(place, member, place->lb, false);
        } else if (is_cut(member) && place->ip_proto == IP_PROTO_TCP) {
            publish_backend(place, member, REL_CUT);
            publish_targets(place, member, place->lb, true);
        }
        if (member->probed) {
            publish_probe(place, member);
        }
    }
    for (size_t i = 0; i < place->serving.n; i++) {
        const struct vmn_lb_member *member = place->serving.members[i];

        emit_server(place, member);
        if (place->server != place->lb) {
            publish_backend(place, member, REL_BACKEND);
            publish_targets(place, member, place->server, false);
        }
    }
}

/* All of it.  ------------------------------------------------------------- */

static void
emit_place(struct place *place)
{
    const struct vmn_loadbalancer *lb = place->lb;
    size_t n_services = lb->n_ports;

    find_backends(place);
    for (size_t i = 0; i < lb->n_ports; i++) {
        n_services += lb->ports[i].end_port > 0;
        emit_service(place, &lb->ports[i]);
    }
    for (size_t i = 0; i < lb->n_networks; i++) {
        if (is_here(place, lb->networks[i])) {
            vmn_publish(place->emit, REL_ADDRESS,
                        vmn_printf(place->view, "%s|%s", place->domain,
                                   place->vip),
                        vmn_printf(place->view, "%s|%u|%zu|%s",
                                   lb->networks[i], place->ip_proto,
                                   n_services, lb->row.name));
        }
    }
    emit_choice(place);
    if (is_limited(place)) {
        emit_limit(place);
        emit_admitted(place);
    }
    emit_members(place);
}

/* Whether the domain of network 'i' is that of one before it. */
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
        struct place place = {
            .view = view,
            .emit = emit,
            .lb = lb,
            .ip_proto = lb->protocol == VMN_PROTO_TCP ? IP_PROTO_TCP
                        : IP_PROTO_UDP,
            .number = balancer_number(view, lb),
            .domain = vmn_domain_of(view, lb->networks[i]),
            .vip = vmn_ip_text(view, &lb->vip),
        };

        if (!is_known_domain(view, lb, i)) {
            place.scope = vmn_scope_domain(place.domain);
            place.zone = vmn_domain_zone(view, place.domain);
            emit_place(&place);
        }
    }
}
