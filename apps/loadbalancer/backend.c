/* SPDX-License-Identifier: Apache-2.0
 *
 * Who serves behind a virtual IP, and what concerns a backend alone, whatever
 * balancers it serves: its MAC for packets that were sent on to it, and where
 * its answers may need their virtual IP back. */

#include "loadbalancer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* There are fewer slots than that. */
#define BACKENDS_MAX 1024

/* The first address of 'family', by which the port serves, or NULL. */
static const struct vmn_ip *
serving_ip(const struct vmn_port *port, unsigned family)
{
    for (size_t i = 0; i < port->n_ips; i++) {
        if (port->ips[i].family == family) {
            return &port->ips[i];
        }
    }
    return NULL;
}

/* Adds port 'name' if it can serve in 'network' now. */
static void
backends_add(struct vmn_view *view, struct backends *list, const char *name,
             const char *network, unsigned family, uint32_t weight)
{
    const struct vmn_port *port = vmn_read_port(view, name);
    const struct vmn_binding *binding = vmn_read_binding(view, name);
    const struct vmn_ip *ip;

    if (!port || !port->enabled || vmn_is_quarantined(view, port) || !weight
        || !binding || !binding->host || strcmp(port->network, network)
        || list->n >= BACKENDS_MAX) {
        return;
    }
    ip = serving_ip(port, family);
    if (!ip) {
        return;
    }
    if (list->n >= list->allocated) {
        struct backend *bigger;

        list->allocated = list->allocated ? 2 * list->allocated : 8;
        bigger = vmn_alloc(view, list->allocated * sizeof *bigger);
        if (list->n) {
            memcpy(bigger, list->backends, list->n * sizeof *bigger);
        }
        list->backends = bigger;
    }
    list->backends[list->n++] = (struct backend) {
        .name = port->row.name,
        .weight = weight,
        .ip = *ip,
        .mac = port->mac,
        .host = binding->host,
    };
}

/* A key of the label index at which all ports are that 'selector' can
 * match. */
static const char *
selector_key(struct vmn_view *view, const struct vmn_selector *selector)
{
    const char *key = "";

    for (size_t i = 0; i < selector->n_terms; i++) {
        const struct vmn_selector_term *term = &selector->terms[i];

        if (term->op == VMN_SEL_IN && term->n_values == 1) {
            return vmn_printf(view, "%s=%s", term->key, term->values[0]);
        } else if (term->op == VMN_SEL_IN || term->op == VMN_SEL_EXISTS) {
            key = term->key;
        }
    }
    return key;
}

/* What is named has the weight that it was given there, also none. */
static bool
is_named(const struct vmn_loadbalancer *lb, const char *port)
{
    for (size_t i = 0; i < lb->n_backends; i++) {
        if (!strcmp(lb->backends[i].port, port)) {
            return true;
        }
    }
    return false;
}

static int
compare_backends(const void *a_, const void *b_)
{
    const struct backend *a = a_;
    const struct backend *b = b_;

    return strcmp(a->name, b->name);
}

void
backends_read(struct vmn_view *view, const struct vmn_loadbalancer *lb,
              const char *network, struct backends *list)
{
    memset(list, 0, sizeof *list);
    for (size_t i = 0; i < lb->n_backends; i++) {
        backends_add(view, list, lb->backends[i].port, network,
                     lb->vip.family, lb->backends[i].weight);
    }
    if (lb->selector.text) {
        struct vmn_names names = vmn_lookup(
            view, VMN_INDEX_PORT_BY_LABEL, selector_key(view, &lb->selector));

        for (size_t i = 0; i < names.n; i++) {
            const struct vmn_port *port = vmn_read_port(view, names.names[i]);

            if (port && vmn_selector_matches(&lb->selector,
                                             vmn_labels_of(view, &port->row))
                && !is_named(lb, names.names[i])) {
                backends_add(view, list, names.names[i], network,
                             lb->vip.family, 1);
            }
        }
    }
    if (list->n) {
        qsort(list->backends, list->n, sizeof *list->backends,
              compare_backends);
    }
}

/* Flows of one backend.  ------------------------------------------------- */

/* What the flows of a port that serves need to know. */
struct serving {
    const struct vmn_port *port;
    const struct vmn_network *network;
    const struct vmn_ip *ip;
};

/* Reads "PORT|FAMILY" at the beginning of 'key'; sets '*rest' to what follows
 * these.  False if it cannot serve. */
static bool
serving_read(struct vmn_view *view, const char *key, struct serving *s,
             const char **rest)
{
    char *name = vmn_printf(view, "%s", key);
    char *bar = strchr(name, '|');

    if (!bar || !bar[1]) {
        return false;
    }
    *bar = '\0';
    *rest = bar + 2;
    s->port = vmn_read_port(view, name);
    s->network = s->port ? vmn_read_network(view, s->port->network) : NULL;
    s->ip = s->port ? serving_ip(s->port, bar[1] - '0') : NULL;
    return s->ip && s->network && s->network->vni;
}

/* A flow for what the backend sends to a client on this host. */
static struct vmn_flow *
answer_add(struct vmn_emit *emit, const struct serving *s, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_network(s->network->row.name), STAGE_UNBALANCE,
        UNBALANCE_SEND, priority);

    vmn_match(flow, VMN_REG_NETWORK, s->network->vni);
    vmn_match(flow, VMN_REG_DST_LOCAL, 1);
    vmn_match_ip(flow, field_ip_src(s->ip), s->ip);
    act_nat(vmn_flow_actions(flow), STAGE_UNBALANCE, UNBALANCE_MAC);
    return flow;
}

/* That a packet could not be delivered: the client knows nothing of the backend
 * that it quotes. */
static void
emit_errors(struct vmn_emit *emit, const struct serving *s)
{
    if (s->ip->family == 6) {
        vmn_match(answer_add(emit, s, SEND_ANSWER), VMN_F_ICMPV6_TYPE,
                  ICMPV6_UNREACHABLE);
        vmn_match(answer_add(emit, s, SEND_ANSWER), VMN_F_ICMPV6_TYPE,
                  ICMPV6_TOO_BIG);
    } else {
        vmn_match(answer_add(emit, s, SEND_ANSWER), VMN_F_ICMPV4_TYPE,
                  ICMP_UNREACHABLE);
    }
}

void
compile_backend(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct serving s;
    struct vmn_flow *flow;
    const char *rest;

    if (!serving_read(view, key, &s, &rest)) {
        return;
    }

    flow = vmn_flow_add(emit, vmn_scope_network(s.network->row.name),
                        STAGE_BALANCE, BALANCE_BACKEND, BACKEND_MAC);
    vmn_match(flow, VMN_REG_NETWORK, s.network->vni);
    vmn_match_ip(flow, field_ip_dst(s.ip), s.ip);
    vmn_act_set_mac(vmn_flow_actions(flow), VMN_F_ETH_DST, s.port->mac);
    vmn_act_next(vmn_flow_actions(flow));

    /* All of a packet's fragments must come to the same zone; only the first
     * says which port it is from. */
    flow = answer_add(emit, &s, SEND_FRAGMENT);
    vmn_match_masked(flow, VMN_F_IP_FRAG, VMN_FRAG_ANY, VMN_FRAG_ANY);
    emit_errors(emit, &s);
}

void
compile_target(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    unsigned ip_proto, target;
    struct serving s;
    const char *rest;

    if (serving_read(view, key, &s, &rest)
        && sscanf(rest, "|%u|%u", &ip_proto, &target) == 2) {
        vmn_match(answer_add(emit, &s, SEND_ANSWER), field_src(ip_proto),
                  target);
    }
}
