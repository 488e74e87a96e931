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

/* Adds port 'name' if it can serve in 'network' now. */
static void
backends_add(struct vmn_view *view, struct backends *list, const char *name,
             const char *network, uint32_t weight)
{
    const struct vmn_port *port = vmn_read_port(view, name);
    const struct vmn_binding *binding = vmn_read_binding(view, name);
    size_t ip = 0;

    if (!port || !port->enabled || vmn_is_quarantined(view, port) || !weight
        || !binding || !binding->host || strcmp(port->network, network)
        || list->n >= BACKENDS_MAX) {
        return;
    }
    while (ip < port->n_ips && port->ips[ip].family != 4) {
        ip++;
    }
    if (ip >= port->n_ips) {
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
        .ip = port->ips[ip],
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
                     lb->backends[i].weight);
    }
    if (lb->selector.text) {
        struct vmn_names names = vmn_lookup(
            view, VMN_INDEX_PORT_BY_LABEL, selector_key(view, &lb->selector));

        for (size_t i = 0; i < names.n; i++) {
            const struct vmn_port *port = vmn_read_port(view, names.names[i]);

            if (port && vmn_selector_matches(&lb->selector,
                                             vmn_labels_of(view, &port->row))
                && !is_named(lb, names.names[i])) {
                backends_add(view, list, names.names[i], network, 1);
            }
        }
    }
    if (list->n) {
        qsort(list->backends, list->n, sizeof *list->backends,
              compare_backends);
    }
}

/* Flows of one backend.  ------------------------------------------------- */

/* Reads the port and its network and address; false if it cannot serve. */
static bool
read_port(struct vmn_view *view, const char *name,
          const struct vmn_port **port, const struct vmn_network **network,
          const struct vmn_ip **ip)
{
    *port = vmn_read_port(view, name);
    *network = *port ? vmn_read_network(view, (*port)->network) : NULL;
    *ip = NULL;
    for (size_t i = 0; *port && i < (*port)->n_ips && !*ip; i++) {
        if ((*port)->ips[i].family == 4) {
            *ip = &(*port)->ips[i];
        }
    }
    return *ip && *network && (*network)->vni;
}

/* A flow for what the backend sends to a client on this host. */
static struct vmn_flow *
answer_add(struct vmn_emit *emit, const struct vmn_network *network,
           const struct vmn_ip *ip, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_network(network->row.name), STAGE_UNBALANCE,
        UNBALANCE_SEND, priority);

    vmn_match(flow, VMN_REG_NETWORK, network->vni);
    vmn_match(flow, VMN_REG_DST_LOCAL, 1);
    vmn_match_ip(flow, VMN_F_IPV4_SRC, ip);
    act_nat(vmn_flow_actions(flow), STAGE_UNBALANCE, UNBALANCE_MAC);
    return flow;
}

void
compile_backend(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port;
    const struct vmn_network *network;
    const struct vmn_ip *ip;
    struct vmn_flow *flow;

    if (!read_port(view, key, &port, &network, &ip)) {
        return;
    }

    flow = vmn_flow_add(emit, vmn_scope_network(network->row.name),
                        STAGE_BALANCE, BALANCE_BACKEND, BACKEND_MAC);
    vmn_match(flow, VMN_REG_NETWORK, network->vni);
    vmn_match_ip(flow, VMN_F_IPV4_DST, ip);
    vmn_act_set_mac(vmn_flow_actions(flow), VMN_F_ETH_DST, port->mac);
    vmn_act_next(vmn_flow_actions(flow));

    /* All of a packet's fragments must come to the same zone; only the first
     * says which port it is from. */
    flow = answer_add(emit, network, ip, SEND_FRAGMENT);
    vmn_match_masked(flow, VMN_F_IP_FRAG, VMN_FRAG_ANY, VMN_FRAG_ANY);

    /* That a packet could not be delivered: the client knows nothing of the
     * backend that it quotes. */
    vmn_match(answer_add(emit, network, ip, SEND_ANSWER), VMN_F_ICMPV4_TYPE,
              ICMP_UNREACHABLE);
}

/* Cuts "PORT|PROTO|N" into its parts; false if it is none. */
static bool
target_parse(struct vmn_view *view, const char *key, const char **port,
             unsigned *ip_proto, unsigned *target)
{
    char *copy = vmn_printf(view, "%s", key);
    char *bar = strchr(copy, '|');

    if (!bar) {
        return false;
    }
    *bar = '\0';
    *port = copy;
    return sscanf(bar + 1, "%u|%u", ip_proto, target) == 2;
}

void
compile_target(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port;
    const struct vmn_network *network;
    const struct vmn_ip *ip;
    const char *name;
    unsigned ip_proto, target;

    if (target_parse(view, key, &name, &ip_proto, &target)
        && read_port(view, name, &port, &network, &ip)) {
        vmn_match(answer_add(emit, network, ip, SEND_ANSWER),
                  field_src(ip_proto), target);
    }
}
