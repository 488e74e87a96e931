/* SPDX-License-Identifier: Apache-2.0
 *
 * The hosts of the simulator as the engine wants them; see desired-hosts.h.  A
 * scope is taken up when the first of its hosts is asked for, and one of its
 * tables when the first packet comes there. */

#include <config.h>

#include "controller/simulator/desired-hosts.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/engine/relation.h"
#include "controller/model/model.h"
#include "controller/schema/value.h"
#include "controller/simulator/endpoint.h"
#include "hash.h"
#include "openvswitch/hmap.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/shash.h"
#include "packets.h"
#include "util.h"

#define N_TABLES 256

/* Flows that are decoded between two yields. */
#define FLOWS_PER_YIELD 64

/* The flows of a scope in one table that are not decoded yet. */
struct item_list {
    size_t n, allocated;
    const struct flow_item **items;
};

struct net_scope {
    struct hmap_node node;      /* By the scope's address. */
    const struct engine_scope *scope;
    struct item_list *undecoded[N_TABLES];
    struct rule_set *set;
};

struct net_host {
    size_t n, allocated;
    struct net_scope **scopes;
    struct rule_set **sets;     /* Of these. */
    struct hmap groups;         /* Of struct net_group. */
    bool has_functions;         /* Those on it are in 'functions'. */
};

struct net_group {
    struct hmap_node node;      /* By number. */
    bool exists;
    struct ofputil_group_mod gm;
};

struct desired_hosts {
    struct engine *engine;
    const struct model *model;
    struct hmap scopes;
    struct shash hosts;         /* Of struct net_host. */
    bool has_tunnels;
    struct shash tunnels;       /* Address, as text, to the host's name. */
    bool has_provider_ports;
    struct shash provider_ports; /* "@PHYSICAL/VLAN/MAC", and "VNI/ADDRESS",
                                  * to the port. */
    struct shash served;        /* "@PHYSICAL/VLAN/MAC", and with an address in
                                 * place of the MAC, to the host that serves
                                 * it for a router. */
    struct shash functions;     /* "HOST/OFPORT" to the port of a function. */
    unsigned n_decoded;
};

struct desired_hosts *
desired_hosts_create(struct engine *engine, const struct model *model)
{
    struct desired_hosts *net = xzalloc(sizeof *net);

    net->engine = engine;
    net->model = model;
    hmap_init(&net->scopes);
    shash_init(&net->hosts);
    shash_init(&net->tunnels);
    shash_init(&net->provider_ports);
    shash_init(&net->served);
    shash_init(&net->functions);
    return net;
}

static void
free_undecoded(struct net_scope *scope)
{
    for (int i = 0; i < N_TABLES; i++) {
        if (scope->undecoded[i]) {
            free(scope->undecoded[i]->items);
            free(scope->undecoded[i]);
        }
    }
}

static void
net_yield(void *net_)
{
    const struct desired_hosts *net = net_;

    engine_yield(net->engine);
}

void
desired_hosts_destroy(struct desired_hosts *net)
{
    struct shash_node *node;
    struct net_scope *scope;

    if (!net) {
        return;
    }
    HMAP_FOR_EACH_POP (scope, node, &net->scopes) {
        free_undecoded(scope);
        rule_set_destroy(scope->set, net_yield, net);
        free(scope);
        engine_yield(net->engine);
    }
    hmap_destroy(&net->scopes);
    SHASH_FOR_EACH (node, &net->hosts) {
        struct net_host *host = node->data;
        struct net_group *group;

        HMAP_FOR_EACH_POP (group, node, &host->groups) {
            if (group->exists) {
                ofputil_uninit_group_mod(&group->gm);
            }
            free(group);
        }
        hmap_destroy(&host->groups);
        free(host->scopes);
        free(host->sets);
    }
    shash_destroy_free_data(&net->hosts);
    shash_destroy(&net->tunnels);
    shash_destroy(&net->provider_ports);
    shash_destroy(&net->served);
    shash_destroy(&net->functions);
    free(net);
}

/* Scopes.  --------------------------------------------------------------- */

static void
count(struct desired_hosts *net)
{
    if (++net->n_decoded % FLOWS_PER_YIELD == 0) {
        engine_yield(net->engine);
    }
}

static void
add_item(void *scope_, const struct flow_item *item)
{
    struct net_scope *scope = scope_;
    struct item_list *items;

    if (item->kind != FLOW_ITEM_FLOW) {
        return;
    }
    items = scope->undecoded[item->table];
    if (!items) {
        items = scope->undecoded[item->table] = xzalloc(sizeof *items);
    }
    if (items->n >= items->allocated) {
        items->items = x2nrealloc(items->items, &items->allocated,
                                  sizeof *items->items);
    }
    items->items[items->n++] = item;
}

static struct net_scope *
get_scope(struct desired_hosts *net, const struct engine_scope *key)
{
    uint32_t hash = hash_pointer(key, 0);
    struct net_scope *scope;

    HMAP_FOR_EACH_WITH_HASH (scope, node, hash, &net->scopes) {
        if (scope->scope == key) {
            return scope;
        }
    }
    scope = xzalloc(sizeof *scope);
    scope->scope = key;
    scope->set = rule_set_create();
    hmap_insert(&net->scopes, &scope->node, hash);
    engine_scope_items(net->engine, key, add_item, scope);
    engine_yield(net->engine);
    return scope;
}

/* Adds the flow of 'item' to 'set'.  What the engine has encoded can be
 * decoded. */
static void
decode(struct rule_set *set, const struct flow_item *item)
{
    struct ofputil_flow_mod fm;
    struct ofpbuf ofpacts;
    struct match match;
    struct rule *rule;

    ofpbuf_init(&ofpacts, 128);
    if (!ofputil_decode_flow_mod(&fm, flow_item_message(item),
                                 OFPUTIL_P_OF15_OXM, NULL, NULL, &ofpacts,
                                 OFPP_MAX, 255)) {
        minimatch_expand(&fm.match, &match);
        match.flow.tunnel.metadata.tab = NULL;
        match.wc.masks.tunnel.metadata.tab = NULL;
        rule = rule_set_add(set, item->table, item->priority, &match,
                            fm.ofpacts, fm.ofpacts_len);
        rule->item = item;
        rule->drop_reason = flow_item_drop_reason(item);
        minimatch_destroy(&fm.match);
    }
    ofpbuf_uninit(&ofpacts);
}

static void
load_table(struct desired_hosts *net, struct net_scope *scope, uint8_t table)
{
    struct item_list *items = scope->undecoded[table];

    if (items) {
        scope->undecoded[table] = NULL;
        for (size_t i = 0; i < items->n; i++) {
            decode(scope->set, items->items[i]);
            count(net);
        }
        free(items->items);
        free(items);
    }
}

/* Hosts.  ---------------------------------------------------------------- */

struct add_scope_aux {
    struct desired_hosts *net;
    struct net_host *host;
};

static void
add_scope(void *aux_, const struct engine_scope *scope)
{
    struct add_scope_aux *aux = aux_;
    struct net_host *host = aux->host;

    if (host->n >= host->allocated) {
        host->scopes = x2nrealloc(host->scopes, &host->allocated,
                                  sizeof *host->scopes);
    }
    host->scopes[host->n++] = CONST_CAST(struct net_scope *,
                                         get_scope(aux->net, scope));
}

static struct net_host *
get_host(struct desired_hosts *net, const char *name)
{
    struct net_host *host = shash_find_data(&net->hosts, name);
    struct add_scope_aux aux = { net, NULL };

    if (!host) {
        host = xzalloc(sizeof *host);
        hmap_init(&host->groups);
        shash_add(&net->hosts, name, host);
        aux.host = host;
        engine_host_scopes(net->engine, name, add_scope, &aux);
        host->sets = xmalloc(MAX(host->n, 1) * sizeof *host->sets);
        for (size_t i = 0; i < host->n; i++) {
            host->sets[i] = host->scopes[i]->set;
        }
    }
    return host;
}

static struct rule_set *const *
net_sets(void *net_, const char *name, uint8_t table, size_t *n)
{
    struct desired_hosts *net = net_;
    struct net_host *host = get_host(net, name);

    for (size_t i = 0; i < host->n; i++) {
        load_table(net, host->scopes[i], table);
    }
    *n = host->n;
    return host->sets;
}

static const struct ofputil_group_mod *
net_group(void *net_, const char *name, uint32_t group_id)
{
    struct desired_hosts *net = net_;
    struct net_host *host = get_host(net, name);
    const struct flow_item *item;
    struct net_group *group;

    HMAP_FOR_EACH_WITH_HASH (group, node, group_id, &host->groups) {
        return group->exists ? &group->gm : NULL;
    }
    item = engine_find_group(net->engine, name, group_id);
    group = xzalloc(sizeof *group);
    group->exists = item && !ofputil_decode_group_mod(
        flow_item_message(item), &group->gm);
    hmap_insert(&host->groups, &group->node, group_id);
    return group->exists ? &group->gm : NULL;
}

/* Tunnels.  -------------------------------------------------------------- */

static void
to_in6(const struct vmn_ip *ip, struct in6_addr *addr)
{
    ovs_be32 v4;

    if (ip->family == 4) {
        memcpy(&v4, ip->addr, sizeof v4);
        in6_addr_set_mapped_ipv4(addr, v4);
    } else {
        memcpy(addr, ip->addr, sizeof *addr);
    }
}

static char *
address_key(const struct in6_addr *ip)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ipv6_format_mapped(ip, &ds);
    return ds_steal_cstr(&ds);
}

static void
add_tunnel(struct desired_hosts *net, const struct vmn_host *host,
           const struct vmn_ip *ip)
{
    if (ip->family) {
        struct in6_addr addr;
        char *key;

        to_in6(ip, &addr);
        key = address_key(&addr);
        shash_add_once(&net->tunnels, key, host->row.name);
        free(key);
    }
}

static void
find_tunnels(struct desired_hosts *net)
{
    struct vmn_names names = model_names(net->model, VMN_TABLE_HOST);

    net->has_tunnels = true;
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_host *host = model_get(net->model, VMN_TABLE_HOST,
                                                names.names[i]);

        if (host) {
            add_tunnel(net, host, &host->tunnel_ip);
            add_tunnel(net, host, &host->second_tunnel_ip);
        }
    }
}

static const char *
net_host_at(void *net_, const struct in6_addr *ip)
{
    struct desired_hosts *net = net_;
    const char *host;
    char *key;

    if (!net->has_tunnels) {
        find_tunnels(net);
    }
    key = address_key(ip);
    host = shash_find_data(&net->tunnels, key);
    free(key);
    return host;
}

static bool
net_tunnel_ip(void *net_, const char *name, bool v6, struct in6_addr *ip)
{
    struct desired_hosts *net = net_;
    const struct vmn_host *host = model_get(net->model, VMN_TABLE_HOST,
                                            name);
    const struct vmn_ip *own;

    if (!host) {
        return false;
    }
    own = (host->tunnel_ip.family == (v6 ? 6 : 4) ? &host->tunnel_ip
           : &host->second_tunnel_ip);
    if (own->family != (v6 ? 6 : 4)) {
        return false;
    }
    to_in6(own, ip);
    return true;
}

/* Physical networks.  ---------------------------------------------------- */

/* Returns the key of 'mac' in VLAN 'vid' (0: untagged) of the physical network
 * to which VIF 'iface_id' leads.  The caller frees it. */
static char *
provider_key(const char *iface_id, uint16_t vid, const uint8_t mac[6])
{
    struct vmn_mac ea;
    char buf[VALUE_MAC_SIZE];

    memcpy(ea.ea, mac, sizeof ea.ea);
    return xasprintf("%s/%u/%s", iface_id, vid, value_format_mac(ea, buf));
}

static char *
neighbour_key(uint32_t vni, const struct vmn_ip *ip)
{
    char buf[VALUE_IP_SIZE];

    value_format_ip(ip, buf);
    return xasprintf("%"PRIu32"/%s", vni, buf);
}

/* Adds "ROUTER|MAC|ADDRESS", of VMN_REL_ANNOUNCED at 'host'. */
static void
add_served(struct desired_hosts *net, const char *host, const char *physical,
           const char *announced)
{
    const char *mac = strchr(announced, '|');
    const char *ip = mac ? strchr(mac + 1, '|') : NULL;
    char *router = xmemdup0(announced, mac ? mac - announced : 0);
    const struct vmn_router *row = model_get(net->model, VMN_TABLE_ROUTER,
                                             router);
    const struct vmn_network *network
        = (ip && row && row->external.network
           ? model_get(net->model, VMN_TABLE_NETWORK, row->external.network)
           : NULL);

    if (network) {
        char *prefix = xasprintf("@%s/%u/", physical, network->provider.vlan);
        char *by_mac = xasprintf("%s%.*s", prefix, (int) (ip - mac - 1),
                                 mac + 1);
        char *by_ip = xasprintf("%s%s", prefix, ip + 1);

        shash_add_once(&net->served, by_mac, host);
        shash_add_once(&net->served, by_ip, host);
        free(by_ip);
        free(by_mac);
        free(prefix);
    }
    free(router);
}

static void
find_served(struct desired_hosts *net)
{
    struct vmn_names hosts = model_names(net->model, VMN_TABLE_HOST);

    for (size_t i = 0; i < hosts.n; i++) {
        const struct vmn_host *host = model_get(net->model, VMN_TABLE_HOST,
                                                hosts.names[i]);

        for (size_t j = 0; host && j < host->n_provider_bridges; j++) {
            const char *physical = host->provider_bridges[j].physical;
            char *key = xasprintf("%s|%s", hosts.names[i], physical);
            struct vmn_names names = engine_relation_values(
                net->engine, VMN_REL_ANNOUNCED, key);

            for (size_t k = 0; k < names.n; k++) {
                add_served(net, hosts.names[i], physical, names.names[k]);
            }
            free(key);
        }
        engine_yield(net->engine);
    }
}

static void
find_provider_ports(struct desired_hosts *net)
{
    struct vmn_names names = model_names(net->model, VMN_TABLE_PORT);

    net->has_provider_ports = true;
    find_served(net);
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_port *port = model_get(net->model, VMN_TABLE_PORT,
                                                names.names[i]);
        const struct vmn_network *network
            = port ? model_get(net->model, VMN_TABLE_NETWORK, port->network)
              : NULL;

        if (network && network->provider.physical && !port->external) {
            char *id = xasprintf("@%s", network->provider.physical);
            char *key = provider_key(id, network->provider.vlan, port->mac.ea);

            shash_add_once(&net->provider_ports, key, port->row.name);
            free(key);
            free(id);
            for (size_t j = 0; j < port->n_ips; j++) {
                key = neighbour_key(network->vni, &port->ips[j]);
                shash_add_once(&net->provider_ports, key, port->row.name);
                free(key);
            }
        }
        engine_yield(net->engine);
    }
}

/* Returns the host that a packet in VLAN 'vid' of a physical network is for:
 * that of a port with its destination, or one that serves this for a router,
 * or the address that it asks for; or NULL.  The simulator assumes that the
 * physical network has learned all MACs. */
static const char *
find_receiver(const struct desired_hosts *net, const char *iface_id,
              const struct flow *flow)
{
    uint16_t vid = vlan_tci_to_vid(flow->vlans[0].tci);
    char *key = provider_key(iface_id, vid, flow->dl_dst.ea);
    const char *name = shash_find_data(&net->provider_ports, key);
    const char *host = shash_find_data(&net->served, key);
    struct vmn_ip asked = { .family = 0 };
    struct endpoint endpoint;

    free(key);
    if (name) {
        return (endpoint_find(net->model, name, &endpoint) ? endpoint.host
                : NULL);
    }
    if (flow->dl_type == htons(ETH_TYPE_ARP) && flow->nw_proto == 1) {
        asked.family = 4;
        memcpy(asked.addr, &flow->nw_dst, sizeof flow->nw_dst);
    } else if (flow->dl_type == htons(ETH_TYPE_IPV6)
               && flow->nw_proto == IPPROTO_ICMPV6
               && flow->tp_src == htons(VMN_ND_SOLICIT)) {
        asked.family = 6;
        memcpy(asked.addr, &flow->nd_target, sizeof flow->nd_target);
    }
    if (!host && asked.family) {
        char buf[VALUE_IP_SIZE];

        value_format_ip(&asked, buf);
        key = xasprintf("%s/%u/%s", iface_id, vid, buf);
        host = shash_find_data(&net->served, key);
        free(key);
    }
    return host;
}

/* Finds the host for which a packet is that leaves by a physical network. */
static const char *
net_provider(void *net_, const char *host, uint32_t ofport,
             const struct flow *flow, const char **to, uint32_t *in_port)
{
    struct desired_hosts *net = net_;
    const struct vmn_vif *provider = provider_vif_at(net->model, host, ofport);
    const struct vmn_vif *there;
    const char *receiver;
    char *key;

    *to = NULL;
    if (!provider) {
        return NULL;
    }
    if (!net->has_provider_ports) {
        find_provider_ports(net);
    }
    receiver = find_receiver(net, provider->iface_id, flow);
    if (!receiver || !strcmp(receiver, host)) {
        return provider->iface_id;
    }
    key = xasprintf("%s/%s", receiver, provider->iface_id);
    there = model_get(net->model, VMN_TABLE_VIF, key);
    free(key);
    if (there) {
        *to = receiver;
        *in_port = there->ofport;
    }
    return provider->iface_id;
}

static bool
net_neighbour(void *net_, uint32_t vni, const struct vmn_ip *ip,
              struct eth_addr *mac)
{
    struct desired_hosts *net = net_;
    char *key = neighbour_key(vni, ip);
    struct endpoint endpoint;
    const char *name;

    if (!net->has_provider_ports) {
        find_provider_ports(net);
    }
    name = shash_find_data(&net->provider_ports, key);
    free(key);
    if (!name || !endpoint_find(net->model, name, &endpoint)
        || !endpoint.ofport) {
        return false;
    }
    memcpy(mac, endpoint.port->mac.ea, sizeof *mac);
    return true;
}

/* Service functions.  ----------------------------------------------------- */

/* Returns the port by which the guest of port 'name' sends on what it gets
 * there, or NULL: it is no function's. */
static const char *
function_exit(const struct desired_hosts *net, const char *name)
{
    struct vmn_names exits = engine_relation_values(
        net->engine, VMN_REL_FUNCTION_PORTS, name);

    return exits.n ? exits.names[0] : NULL;
}

/* Finds the ports of functions on a host. */
static void
find_functions(struct desired_hosts *net, const char *host)
{
    struct vmn_names names = model_lookup(net->model, VMN_INDEX_PORT_BY_HOST,
                                          host);

    for (size_t i = 0; i < names.n; i++) {
        struct endpoint endpoint;

        if (function_exit(net, names.names[i])
            && endpoint_find(net->model, names.names[i], &endpoint)
            && endpoint.ofport) {
            char *key = xasprintf("%s/%"PRIu32, host, endpoint.ofport);

            shash_add_once(&net->functions, key, endpoint.port->row.name);
            free(key);
        }
        engine_yield(net->engine);
    }
}

/* Returns true if a function at the port keeps the packet: it is for one of
 * the port's own addresses, or is no IP for one neighbour. */
static bool
is_for_guest(const struct vmn_port *port, const struct flow *flow)
{
    bool v4 = flow->dl_type == htons(ETH_TYPE_IP);

    if (eth_addr_is_multicast(flow->dl_dst)
        || (!v4 && flow->dl_type != htons(ETH_TYPE_IPV6))) {
        return true;
    }
    for (size_t i = 0; i < port->n_ips; i++) {
        const struct vmn_ip *ip = &port->ips[i];

        if (ip->family == (v4 ? 4 : 6)
            && !memcmp(ip->addr, v4 ? (const void *) &flow->nw_dst
                       : &flow->ipv6_dst, v4 ? 4 : 16)) {
            return true;
        }
    }
    return false;
}

/* The simulator assumes that functions forward all they get, unchanged. */
static const char *
net_function(void *net_, const char *host, uint32_t ofport,
             const struct flow *flow, const char **to, uint32_t *in_port)
{
    struct desired_hosts *net = net_;
    struct net_host *here = get_host(net, host);
    const char *name, *exit;
    struct endpoint in, out;
    char *key;

    *to = NULL;
    if (!here->has_functions) {
        here->has_functions = true;
        find_functions(net, host);
    }
    if (shash_is_empty(&net->functions)) {
        return NULL;
    }
    key = xasprintf("%s/%"PRIu32, host, ofport);
    name = shash_find_data(&net->functions, key);
    free(key);
    if (!name || !endpoint_find(net->model, name, &in)
        || is_for_guest(in.port, flow)) {
        return NULL;
    }
    exit = function_exit(net, name);
    if (exit && endpoint_find(net->model, exit, &out) && out.ofport) {
        *to = out.host;
        *in_port = out.ofport;
    }
    return name;
}

void
desired_hosts_get(struct desired_hosts *net, struct sim_net *sim_net)
{
    *sim_net = (struct sim_net) {
        .aux = net,
        .sets = net_sets,
        .group = net_group,
        .host_at = net_host_at,
        .tunnel_ip = net_tunnel_ip,
        .provider = net_provider,
        .neighbour = net_neighbour,
        .function = net_function,
        .yield = net_yield,
    };
}
