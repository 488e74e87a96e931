/* SPDX-License-Identifier: Apache-2.0
 *
 * What an app is.  An app is a loadable module that defines
 *
 *     const struct vmn_app_class vmn_app = { VMN_APP_HEAD, .name = "x", ... };
 *
 * and pure functions that say which flows one object needs, given the rows,
 * queries and facts that they read.  The engine records what was read and
 * calls them again when it changes.  An app does no I/O, keeps no state, and
 * reads no clock.  docs/writing-an-app.md has the whole story. */

#ifndef VMN_APP_H
#define VMN_APP_H 1

#include "vmn/flow.h"
#include "vmn/own-types.h"
#include "vmn/packet.h"
#include "vmn/requests.h"
#include "vmn/rows.h"
#include "vmn/text.h"
#include "vmn/types.h"
#include "vmn/vocabulary.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Grows with whatever breaks apps that are built already.  An app of another
 * ABI is not loaded. */
#define VMN_APP_ABI 1

/* Reading.  ------------------------------------------------------------- */

/* What a compile or query function sees the state through. */
struct vmn_view;

/* Returns row 'name' of a type, or NULL.  The row, or its absence, becomes an
 * input of the caller, except for its description, which is for people, and
 * its labels, which are an input of their own.  The row is the model's, and
 * good until the function of the app returns.  A type that there is not, or
 * NULL as the name, fails the unit. */
const void *vmn_read(struct vmn_view *, enum vmn_row_type,
                     const char *name);

/* Returns the labels of a row that vmn_read() returned, never NULL; they
 * become an input of the caller.  There are none where the type has no
 * labels. */
const struct vmn_labels *vmn_labels_of(struct vmn_view *,
                                       const struct vmn_row *);

/* vmn_read() of one type each: vmn_read_host() and so on return row 'name' of
 * that type, or NULL. */
#define VMN_READER(NAME, STRUCT, TYPE)                                  \
    static inline const struct STRUCT *                                 \
    vmn_read_##NAME(struct vmn_view *view, const char *name)            \
    {                                                                   \
        return (const struct STRUCT *) vmn_read(view, TYPE, name);      \
    }
VMN_READER(host, vmn_host, VMN_ROW_HOST)
VMN_READER(network, vmn_network, VMN_ROW_NETWORK)
VMN_READER(port, vmn_port, VMN_ROW_PORT)
VMN_READER(group, vmn_group, VMN_ROW_GROUP)
VMN_READER(service, vmn_service, VMN_ROW_SERVICE)
VMN_READER(tier, vmn_tier, VMN_ROW_TIER)
VMN_READER(policy, vmn_policy, VMN_ROW_POLICY)
VMN_READER(quarantine, vmn_quarantine, VMN_ROW_QUARANTINE)
VMN_READER(loadbalancer, vmn_loadbalancer, VMN_ROW_LOADBALANCER)
VMN_READER(router, vmn_router, VMN_ROW_ROUTER)
VMN_READER(floating_ip, vmn_floating_ip, VMN_ROW_FLOATING_IP)
VMN_READER(dns_zone, vmn_dns_zone, VMN_ROW_DNS_ZONE)
VMN_READER(binding, vmn_binding, VMN_ROW_BINDING)
VMN_READER(underlay, vmn_underlay, VMN_ROW_UNDERLAY)
VMN_READER(observation, vmn_observation, VMN_ROW_OBSERVATION)
VMN_READER(fqdn, vmn_fqdn, VMN_ROW_FQDN)
VMN_READER(withdrawal, vmn_withdrawal, VMN_ROW_WITHDRAWAL)
#undef VMN_READER

/* Returns what is known of backend 'port' of 'loadbalancer', or NULL: nothing
 * is, or a name is NULL. */
const struct vmn_health *vmn_read_health(struct vmn_view *,
                                         const char *loadbalancer,
                                         const char *port);

/* Returns the interface of 'iface_id' on 'host', or NULL: there is none, or a
 * name is NULL. */
const struct vmn_vif *vmn_read_vif(struct vmn_view *, const char *host,
                                   const char *iface_id);

/* Indexes of rows, with their keys; see vmn_lookup(). */
enum vmn_index {
    VMN_INDEX_ALL_HOSTS = 0,    /* Key "". */
    VMN_INDEX_ALL_TIERS = 1,    /* Key "". */
    VMN_INDEX_PORT_BY_NETWORK = 2, /* Network. */
    VMN_INDEX_PORT_BY_LABEL = 3, /* "KEY=VALUE", "KEY" or "". */
    VMN_INDEX_PORT_BY_HOST = 4, /* Bindings whose active host it is. */
    VMN_INDEX_GROUP_BY_PORT = 5, /* A port that the group lists. */
    /* A label that a port must have for the group's selector: "KEY=VALUE",
     * or "KEY" for a condition that names several values or none, or "" where
     * no condition asks for presence.  The groups a port may be in are those
     * at each of its labels' two forms, and those at "". */
    VMN_INDEX_GROUP_BY_ANCHOR = 6,
    VMN_INDEX_POLICY_BY_GROUP = 7, /* A group that it applies to. */
    VMN_INDEX_LB_BY_NETWORK = 8,
    VMN_INDEX_QUARANTINE_BY_PORT = 9, /* As of groups. */
    VMN_INDEX_QUARANTINE_BY_ANCHOR = 10,
    VMN_INDEX_QUARANTINE_SELECTS = 11, /* Key "": those with a selector. */
    VMN_INDEX_PORT_BY_IP = 12,  /* "NETWORK/ADDRESS": at most one, of its own
                                 * addresses. */
    VMN_INDEX_ROUTER_BY_NETWORK = 13, /* A network that the router joins. */
    VMN_INDEX_ROUTER_BY_EXTERNAL = 14, /* Its external network. */
    VMN_INDEX_FLOATING_BY_ROUTER = 15,
    VMN_INDEX_FLOATING_BY_PORT = 16,
    VMN_INDEX_ZONE_BY_NETWORK = 17, /* A network of the DNS zone. */
    VMN_INDEX_PORT_BY_PARENT = 18, /* Sub-ports of a port. */
    VMN_N_INDEXES
};

/* Returns the names of the rows that have 'key' in an index, sorted; they
 * become an input of the caller.  There may be none.  An index that there is
 * not, or NULL as the key, fails the unit. */
struct vmn_names vmn_lookup(struct vmn_view *, enum vmn_index,
                            const char *key);

/* Returns the distinct values published at 'key' of 'relation', whichever
 * app's that is, sorted; they become an input of the caller.  There may be
 * none, as for a relation to which nobody publishes. */
struct vmn_names vmn_relation_values(struct vmn_view *, const char *relation,
                                     const char *key);

/* Returns the value of query "APP.QUERY" at 'key', '*size' bytes, which
 * becomes an input of the caller; NULL if no loaded app provides it, or it has
 * none, and '*size' is undefined then.  The value is good until the function
 * of the app returns. */
const void *vmn_query(struct vmn_view *, const char *query, const char *key,
                      size_t *size);

/* Returns the key of the routing domain that 'network' is in, until the
 * compile or query function returns; never NULL.  It is the network's own name
 * where no router joins it. */
static inline const char *
vmn_domain_of(struct vmn_view *view, const char *network)
{
    size_t size;
    const char *domain = (const char *) vmn_query(view, VMN_QUERY_DOMAIN,
                                                  network, &size);

    return domain ? domain : network;
}

/* Returns true if the port is cut off, by its own row or by a quarantine. */
static inline bool
vmn_is_quarantined(struct vmn_view *view, const struct vmn_port *port)
{
    size_t size;

    return port->quarantined
           || vmn_query(view, VMN_QUERY_QUARANTINE, port->row.name, &size);
}

/* Takes apart what a port asks by UDP, as vmn_udp_parse() does.  Returns NULL,
 * or why it is not to be answered, a string literal for vmn_send_nothing():
 * "from no port", "quarantined" or "malformed". */
static inline const char *
vmn_udp_parse_request(struct vmn_view *view, const struct vmn_packet_in *in,
                      struct vmn_udp *udp)
{
    return (!in->port ? "from no port"
            : vmn_is_quarantined(view, in->port) ? "quarantined"
            : !vmn_udp_parse(in->bytes, in->size, udp) ? "malformed" : NULL);
}

/* Returns the ID that pool 'pool' has allocated to 'key': the same one as long
 * as somebody uses it, also over restarts, and not given to another key before
 * every switch has forgotten it.  IDs are 1 to the pool's largest.  Returns 0
 * if the pool is exhausted, which fails the unit (it keeps the flows that it
 * had); the unit, or the query that asked, is computed again once IDs of the
 * pool have become free.  The pool is one of the app's own, or one that
 * vmn/vocabulary.h names; of another app's there is none. */
uint32_t vmn_id_of(struct vmn_view *, const char *pool, const char *key);

/* Returns true if it is 'when', in seconds since 1970 (UTC), or later.  A unit
 * or query that has been told false is computed again when the time comes, by
 * the machine's clock; what follows from an object until some time goes by
 * this, since apps read no clock.  Times after the year 9999 never come.
 * Where the clock is set back, what is past remains so until vmnd starts
 * again; where it is set forward, that is seen within ten seconds.  Members of
 * a cluster go by their own clocks, which are to agree.  See
 * vmn_time_from_text(). */
bool vmn_is_past(struct vmn_view *, int64_t when);

/* Sets '*when', for vmn_is_past(), to when clocks of 'timezone', a zone of the
 * IANA database ("Europe/Berlin"; NULL: UTC), show 'local': the seconds since
 * 1970 that it would be in UTC.  Of a time that they show twice it is the
 * first; one that they skip is as much later as they are set forward (RFC
 * 5545, section 3.3.5).  Returns false, with nothing filled in, for a zone
 * that the machine's database does not have, and for times tens of thousands
 * of years away.  A change of the database is seen when vmnd starts again. */
bool vmn_time_in_zone(struct vmn_view *, const char *timezone, int64_t local,
                      int64_t *when);

/* Returns 'size' bytes of memory, zeroed, that live until the function of the
 * app returns; never NULL.  There is no function to free them. */
void *vmn_alloc(struct vmn_view *, size_t size);
/* Returns a text in such memory, made as printf(3) makes it. */
char *vmn_printf(struct vmn_view *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Returns what VMN_REG_ZONE holds of packets in the domain with key 'domain',
 * 1 to 65535; 0 if vmn_id_of() has none. */
static inline uint32_t
vmn_domain_zone(struct vmn_view *view, const char *domain)
{
    return vmn_id_of(view, VMN_ID_POOL_ZONE,
                     vmn_printf(view, "policy/%s", domain));
}

/* Returns the VNI of the transit of router 'name', which has an external
 * network; 0 if vmn_id_of() has none. */
static inline uint32_t
vmn_transit_vni(struct vmn_view *view, const char *name)
{
    return vmn_id_of(view, VMN_ID_POOL_VNI,
                     vmn_printf(view, VMN_TRANSIT_KEY, name));
}

/* Returns the MTU of 'network', in bytes of an IP packet: that of its row;
 * else VMN_MTU_PROVIDER for a provider network, and what the underlay has room
 * for in tunnels for an overlay. */
static inline uint32_t
vmn_mtu_of(struct vmn_view *view, const struct vmn_network *network)
{
    const uint32_t *mtu = NULL;
    size_t size = 0;

    if (network->mtu) {
        return network->mtu;
    } else if (network->provider.physical) {
        return VMN_MTU_PROVIDER;
    }
    mtu = (const uint32_t *) vmn_query(view, VMN_QUERY_MTU, "", &size);
    return mtu && size == sizeof *mtu ? *mtu : VMN_MTU_DEFAULT;
}

/* Returns the most bytes of an IP packet that may leave such a router for
 * outside: a tunnel takes it to the gateway, as it takes those of the router's
 * own networks. */
static inline uint32_t
vmn_external_mtu(struct vmn_view *view, const struct vmn_router *router)
{
    const struct vmn_network *network = vmn_read_network(
        view, router->external.network);
    uint32_t out = network ? vmn_mtu_of(view, network) : VMN_MTU_DEFAULT;
    uint32_t mtu = 0;

    for (size_t i = 0; i < router->n_interfaces; i++) {
        network = vmn_read_network(
            view, vmn_router_interface_at(router, i)->network);
        if (network && !network->provider.physical
            && vmn_mtu_of(view, network) > mtu) {
            mtu = vmn_mtu_of(view, network);
        }
    }
    return mtu && mtu < out ? mtu : out;
}

/* Returns a label that an object must have for the selector, "KEY" or
 * "KEY=VALUE", so that who has an object finds the selectors that may be for
 * it without looking at all; NULL if there is none. */
static inline const char *
vmn_selector_label(struct vmn_view *view, const struct vmn_selector *selector)
{
    for (size_t i = 0; i < selector->n_terms; i++) {
        const struct vmn_selector_term *term
            = vmn_selector_term_at(selector, i);

        if (term->op == VMN_SEL_IN && term->n_values == 1) {
            return vmn_printf(view, "%s=%s", term->key, term->values[0]);
        } else if (term->op == VMN_SEL_IN || term->op == VMN_SEL_EXISTS) {
            return term->key;
        }
    }
    return NULL;
}

/* Returns true if there are tunnels of either family, so that a packet which
 * came by one may leave by another of the other family. */
static inline bool
vmn_tunnels_are_mixed(struct vmn_view *view)
{
    return vmn_relation_values(view, VMN_REL_TUNNEL_FAMILIES, "").n > 1;
}

/* Has a packet that may have come by a tunnel forget the addresses of that,
 * before it goes on by another one, which sets its own of one family.  Only
 * where there are both: a flow that sets both for what came by a tunnel is
 * none for the kernel's datapath ("Mixed IPv4 and IPv6 tunnel attributes"),
 * and each such packet goes by way of ovs-vswitchd. */
static inline void
vmn_forget_tunnel(struct vmn_view *view, struct vmn_actions *actions)
{
    static const struct vmn_ip any4 = { .family = 4 }, any6 = { .family = 6 };

    if (vmn_tunnels_are_mixed(view)) {
        vmn_act_set_ip(actions, VMN_F_TUN_DST, &any4);
        vmn_act_set_ip(actions, VMN_F_TUN_IPV6_DST, &any6);
    }
}

/* Writing.  ------------------------------------------------------------- */

/* Publishes the fact that 'relation' has 'value' at 'key'.  A unit's facts
 * last until it is compiled again.  'relation' is "APP.NAME", the app's own,
 * or VMN_REL_CLAIMED; another one fails the unit, and so do a 'key' or 'value'
 * that is NULL or longer than 255 characters, and more than 20,000 facts.  All
 * are copied. */
void vmn_publish(struct vmn_emit *, const char *relation, const char *key,
                 const char *value);

/* Returns true if somebody in the network might use an address that is not its
 * own, so that claims are worth making. */
static inline bool
vmn_is_claiming(struct vmn_view *view, const char *network)
{
    return vmn_relation_values(view, VMN_REL_CLAIMING, network).n > 0;
}

/* Returns true for a link-local address of IPv6. */
static inline bool
vmn_is_link_local(const struct vmn_ip *ip)
{
    return ip->family == 6 && ip->addr[0] == 0xfe
           && (ip->addr[1] & 0xc0) == 0x80;
}

/* Returns true for a link-local address of IPv6 that a guest may choose: none
 * that follows from a MAC address (RFC 4291, appendix A). */
static inline bool
vmn_is_link_local_choice(const struct vmn_prefix *prefix)
{
    const uint8_t *addr = prefix->ip.addr;

    return (prefix->len == 128 && vmn_is_link_local(&prefix->ip)
            && (addr[11] != 0xff || addr[12] != 0xfe));
}

/* Says that the addresses of 'prefix' have a meaning in the network, for
 * instance since the app answers for them: no guest behind a port with
 * 'unknown' may use one as its own, nor a port that is allowed a prefix answer
 * for it.  Costs nothing where there is no such port, but for a link-local
 * address that any guest might choose, which none may then. */
static inline void
vmn_claim_prefix(struct vmn_view *view, struct vmn_emit *emit,
                 const char *network, const struct vmn_prefix *prefix)
{
    if (vmn_is_link_local_choice(prefix) || vmn_is_claiming(view, network)) {
        vmn_publish(emit, VMN_REL_CLAIMED,
                    vmn_printf(view, "%s|%s", network,
                               vmn_prefix_text(view, prefix)), "");
    }
}

/* Says the same of one address. */
static inline void
vmn_claim_ip(struct vmn_view *view, struct vmn_emit *emit,
             const char *network, const struct vmn_ip *ip)
{
    const struct vmn_prefix prefix = { *ip, vmn_ip_bits(ip) };

    vmn_claim_prefix(view, emit, network, &prefix);
}

/* Says the same of an Ethernet address.  Those of VMN_RESERVED_MAC_* are
 * claimed everywhere. */
static inline void
vmn_claim_mac(struct vmn_view *view, struct vmn_emit *emit,
              const char *network, struct vmn_mac mac)
{
    if (vmn_is_claiming(view, network)) {
        vmn_publish(emit, VMN_REL_CLAIMED,
                    vmn_printf(view, "%s|%s", network,
                               vmn_mac_text(view, mac)), "");
    }
}

/* Returns the host on which port 'name' is by now, or NULL if it is on none:
 * that becomes an input of the caller. */
static inline const char *
vmn_host_of_port(struct vmn_view *view, const char *name)
{
    const struct vmn_binding *binding = vmn_read_binding(view, name);

    return binding ? binding->host : NULL;
}

/* Returns the host beside 'binding->host' that knows the port's connections:
 * its candidate, or the host that its guest has left; NULL if there is none.
 * The latter has no interface of it. */
static inline const char *
vmn_other_host(const struct vmn_binding *binding)
{
    return binding->candidate ? binding->candidate : binding->former;
}

/* Returns the first of the names in '*names', "a,b", such as a value of
 * VMN_QUERY_GROUPS, in the view's memory, and moves '*names' behind it; NULL
 * at the end, and if '*names' is NULL. */
static inline const char *
vmn_next_name(struct vmn_view *view, const char **names)
{
    size_t len = *names ? strcspn(*names, ",") : 0;
    const char *name;

    if (!len) {
        return NULL;
    }
    name = vmn_printf(view, "%.*s", (int) len, *names);
    *names += len + ((*names)[len] == ',');
    return name;
}

/* Returns the interface on 'host' that leads to the physical network that
 * 'network' is on; NULL if the host has no bridge to it, or the network is no
 * provider network.  Of one, that becomes an input of the caller either
 * way. */
static inline const struct vmn_vif *
vmn_provider_vif(struct vmn_view *view, const struct vmn_network *network,
                 const char *host)
{
    return (network->provider.physical
            ? vmn_read_vif(view, host,
                           vmn_printf(view, "@%s",
                                      network->provider.physical))
            : NULL);
}

/* Returns the OpenFlow port number of that interface; 0 if there is none. */
static inline uint32_t
vmn_provider_ofport(struct vmn_view *view, const struct vmn_network *network,
                    const char *host)
{
    const struct vmn_vif *vif = vmn_provider_vif(view, network, host);

    return vif ? vif->ofport : 0;
}

/* Sends what the flow matches to port 'name', on whichever host that is; ends
 * the actions.  'network' is the packets' own, which the flow matches; the
 * flow's stage is at hook SERVICE, BALANCE or ROUTE.  The packet gets the
 * port's MAC address, and its network where that is another one of the domain;
 * addresses of IP stay.  From there on it is on its way as any packet to that
 * port: policies judge it by the port's identity, a tunnel takes it where that
 * must be, and nothing is computed again when the port moves.  While the port
 * is on no host, packets are dropped: see vmn_host_of_port().
 *
 * Match VMN_REG_SRC_LOCAL 1: what came by a tunnel goes into none.  What the
 * port's guest sends on comes here as any packet does: leave that out by what
 * tells it apart, or it comes back to the guest.
 *
 * Returns false, and adds no action, if nothing can be sent there: the port is
 * not there, not enabled, of another domain, or in another network that is a
 * provider network. */
static inline bool
vmn_act_send_to_port(struct vmn_view *view, struct vmn_actions *actions,
                     const char *network, const char *name)
{
    const struct vmn_port *port = vmn_read_port(view, name);
    const struct vmn_network *to
        = (port && port->enabled ? vmn_read_network(view, port->network)
           : NULL);

    if (!to || !to->vni) {
        return false;
    }
    if (strcmp(port->network, network)) {
        if (to->provider.physical
            || strcmp(vmn_domain_of(view, port->network),
                      vmn_domain_of(view, network))) {
            return false;
        }
        vmn_act_set(actions, VMN_REG_NETWORK, to->vni);
        vmn_act_set_masked(actions, VMN_REG_FLAGS, VMN_FLAG_ROUTED,
                           VMN_FLAG_ROUTED);
    }
    vmn_act_set_mac(actions, VMN_F_ETH_DST, port->mac);
    vmn_act_goto_hook(actions, VMN_HOOK_LOCATE);
    return true;
}

/* Hands what the flow matches to the guest of port 'name', on whichever host
 * that is, as it is: no address changes, and no policy is asked; ends the
 * actions.  The flow's stage is at hook SERVICE, BALANCE, ROUTE or UNBALANCE;
 * at the latter, the policies of the packet's own host have judged it.  Some
 * unit publishes the port in VMN_REL_FUNCTION_PORTS.
 *
 * Returns false, and adds no action, if nothing can be handed there: the port
 * is not there, not enabled, on no host, external, in a provider network, or
 * has 'unknown'.  The flow is of the port's routing domain. */
static inline bool
vmn_act_hand_to_port(struct vmn_view *view, struct vmn_actions *actions,
                     const char *name)
{
    const struct vmn_port *port = vmn_read_port(view, name);
    const struct vmn_network *network
        = (port && port->enabled && !port->external && !port->unknown
           ? vmn_read_network(view, port->network) : NULL);

    if (!network || network->provider.physical
        || !vmn_host_of_port(view, name)) {
        return false;
    }
    vmn_act_set(actions, VMN_REG_NETWORK,
                vmn_id_of(view, VMN_ID_POOL_VNI,
                          vmn_printf(view, VMN_PORT_VNI_KEY, name)));
    vmn_act_goto_hook(actions, VMN_HOOK_DELIVER);
    return true;
}

/* A host where a port's new connections are limited, and the number that the
 * port has there. */
struct vmn_limited {
    const char *host;
    uint32_t ofport;            /* Never 0. */
    const struct vmn_lb_client_limit *limit;
};

/* Returns the lower one of two limits, either of which may be none. */
static inline const struct vmn_lb_client_limit *
vmn_lower_limit(struct vmn_view *view, const struct vmn_lb_client_limit *a,
                const struct vmn_lb_client_limit *b)
{
    struct vmn_lb_client_limit *lower;

    if (!a->rate || !b->rate) {
        return a->rate ? a : b;
    }
    lower = vmn_alloc(view, sizeof *lower);
    lower->rate = b->rate < a->rate ? b->rate : a->rate;
    lower->burst = (vmn_lb_burst(b) < vmn_lb_burst(a) ? vmn_lb_burst(b)
                    : vmn_lb_burst(a));
    return lower;
}

/* Fills in 'limited' for the port with name 'name': its host, and the one that
 * it is about to move to, if the port or the host has a limit.  Returns how
 * many that are. */
static inline size_t
vmn_connection_limits(struct vmn_view *view, const char *name,
                      struct vmn_limited limited[2])
{
    const struct vmn_port *port = vmn_read_port(view, name);
    const struct vmn_binding *binding = NULL;
    size_t n = 0;

    if (port && port->enabled && !port->external) {
        binding = vmn_read_binding(view, name);
    }
    for (int i = 0; binding && i < 2; i++) {
        const char *host_name = i ? binding->candidate : binding->host;
        const struct vmn_host *host
            = host_name ? vmn_read_host(view, host_name) : NULL;
        const struct vmn_vif *vif
            = (host && (host->connection_limit.rate
                        || port->connection_limit.rate)
               ? vmn_read_vif(view, host_name, port->iface_id) : NULL);

        if (vif) {
            struct vmn_limited *one = &limited[n++];

            one->host = host_name;
            one->ofport = vif->ofport;
            one->limit = vmn_lower_limit(view, &port->connection_limit,
                                         &host->connection_limit);
        }
    }
    return n;
}

/* Matches, behind a ct(), what opens a connection of the port that 'limited'
 * is about, unless that has been limited already; and has the switch drop what
 * is beyond the port's limit.  What goes on is to have VMN_FLAG_LIMITED before
 * somebody might limit it again. */
static inline void
vmn_limit_connections(struct vmn_view *view, struct vmn_flow *flow,
                      const struct vmn_limited *limited)
{
    vmn_match(flow, VMN_F_IN_PORT, limited->ofport);
    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | VMN_CT_NEW,
                     VMN_CT_TRK | VMN_CT_NEW | VMN_CT_INV);
    vmn_match_masked(flow, VMN_REG_FLAGS, 0, VMN_FLAG_LIMITED);
    vmn_act_limit(vmn_flow_actions(flow),
                  vmn_printf(view, "port/%u", limited->ofport),
                  limited->limit->rate, vmn_lb_burst(limited->limit));
}

/* Sets the value of the query that is evaluated to 'size' bytes, which are
 * copied; without a call there is no value.  Padding must be zero: values are
 * compared by their bytes.  What is longer than the limit is cut off. */
#define VMN_VALUE_SIZE_MAX (64 * 1024 * 1024)
struct vmn_value;
void vmn_value_set(struct vmn_value *, const void *data, size_t size);

/* Logging.  ------------------------------------------------------------- */

/* Adds a line to the app's log, as printf(3) formats it: "vmnctl app logs"
 * and "vmn-app test" show it, with the unit, query or handler that is being
 * computed.  It changes nothing of what the function computes.  A line has at
 * most VMN_LOG_LEN characters of printable ASCII: what is longer is cut off,
 * other characters become '?'.  vmnd keeps the last 256 lines of an app, at
 * most VMN_LOG_LINES_MAX of a computation and 20 a second (200 at once), and
 * counts those that it drops. */
#define VMN_LOG_LEN 500
#define VMN_LOG_LINES_MAX 100
void vmn_log(struct vmn_view *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Describing.  ---------------------------------------------------------- */

/* What happens to a packet that no flow of the stage's table matches.  With
 * VMN_MISS_NONE there is no flow for that: those of the app catch everything
 * in each table that packets come to. */
enum vmn_miss { VMN_MISS_NEXT = 0, VMN_MISS_DROP = 1, VMN_MISS_NONE = 2 };

/* Fields whose prefixes the classifier of a flow table can track, each a bit
 * (Flow_Table:prefixes of ovs-vswitchd.conf.db(5)): where flows match a field
 * with several lengths, a packet then takes no flow of the datapath for its
 * very address. */
enum vmn_prefix_field {
    VMN_PREFIX_NW_SRC = 0x01,
    VMN_PREFIX_NW_DST = 0x02,
    VMN_PREFIX_IPV6_SRC = 0x04,
    VMN_PREFIX_IPV6_DST = 0x08,
    VMN_PREFIX_CT_NW_SRC = 0x10,
    VMN_PREFIX_CT_NW_DST = 0x20,
    VMN_PREFIX_CT_IPV6_SRC = 0x40,
    VMN_PREFIX_CT_IPV6_DST = 0x80,
};
#define VMN_PREFIXES_MAX 3      /* Most of a table. */

/* Returns what suits most tables that match addresses of both families, and
 * of IPv6 the source: for 'prefixes' of struct vmn_stage_class. */
static inline uint32_t
vmn_prefixes_with_ipv6_src(unsigned table)
{
    (void) table;
    return VMN_PREFIX_NW_SRC | VMN_PREFIX_NW_DST | VMN_PREFIX_IPV6_SRC;
}

/* Returns the same with IPv6's destination. */
static inline uint32_t
vmn_prefixes_with_ipv6_dst(unsigned table)
{
    (void) table;
    return VMN_PREFIX_NW_SRC | VMN_PREFIX_NW_DST | VMN_PREFIX_IPV6_DST;
}

/* A register's bit in 'scratch' and 'keeps' of struct vmn_stage_class. */
#define VMN_SCRATCH(REG) (1u << (-VMN_F_REG0 + (REG)))

/* A stage: tables of the app's at a hook of the pipeline. */
struct vmn_stage_class {
    const char *name;           /* [a-z][a-z0-9-]*. */
    enum vmn_hook hook;
    int order;                  /* 0 unless it matters. */
    unsigned n_tables;          /* In a row: 1 to 16, to 80 at
                                 * VMN_HOOK_POLICY. */
    enum vmn_miss miss;         /* Of each of its tables. */
    /* Returns the VMN_PREFIX_* of one of its tables, from 0; 0: those of IPv4,
     * which are Open vSwitch's default.  NULL: 0 for all. */
    uint32_t (*prefixes)(unsigned table);
    /* Those of VMN_F_REG10 to VMN_F_REG15 that flows of its tables write, each
     * a VMN_SCRATCH(): an action that writes another one fails its unit. */
    uint32_t scratch;
    /* Those of them whose values are for the app's next stage in the pipeline:
     * no stage of another app between the two may write them. */
    uint32_t keeps;
};

/* A query: a value for each key that somebody asks for.  It is computed again
 * when something that it read has changed, and who reads it only if that
 * changes the value. */
struct vmn_query_class {
    const char *name;           /* Others read it as "APP.NAME". */
    /* Calls vmn_value_set(), or not: there is no value. */
    void (*eval)(struct vmn_view *, const char *key, struct vmn_value *);
};

/* What a class of units has one unit for. */
enum vmn_each {
    VMN_EACH_ROW = 0,           /* Each row of 'row_type'. */
    VMN_EACH_KEY = 1,           /* Each key of 'relation' that has a fact. */
    VMN_EACH_ONCE = 2,          /* One unit, key "". */
};

/* A class of units: what is compiled by itself, each with its flows, groups
 * and facts. */
struct vmn_unit_class {
    const char *name;           /* Flows are known by "APP.NAME/KEY". */
    enum vmn_each each;
    enum vmn_row_type row_type; /* Of VMN_EACH_ROW. */
    const char *relation;       /* Of VMN_EACH_KEY, "APP.NAME"; any app's. */
    /* Emits all that the unit wants for 'key': the row's name, the relation's
     * key, or "". */
    void (*compile)(struct vmn_view *, const char *key, struct vmn_emit *);
};

/* A pool of IDs that stay in switches: see vmn_id_of(). */
struct vmn_id_pool_class {
    const char *name;           /* "APP.NAME". */
    uint32_t max;               /* IDs are 1 to this. */
};

/* Option of a handler: it is given HTTP requests in place of packets, and says
 * replies (vmn/requests.h).  Its flows send TCP packets up, whole. */
#define VMN_HANDLER_HTTP (UINT64_C(1) << 0)
/* Option of a handler: it is also called, with no packet, for each port that
 * was bound to another host than before, or to its first one, or whose
 * migration has ended, some times within ten seconds once its host's switch
 * has flows of it; and for each that has other addresses: for what is to be
 * sent in its name where others have learned where it was.  'arg' counts these
 * calls from 0. */
#define VMN_HANDLER_ARRIVALS (UINT64_C(1) << 1)
/* Option of a handler: what comes up are questions that guests ask of DNS, by
 * UDP, whole, and by whomever they are answered.  vmnd takes note of the names
 * that rules with wildcards are about.  It is not called. */
#define VMN_HANDLER_NAMES (UINT64_C(1) << 2)
/* Option of a handler, with VMN_HANDLER_HTTP: its connections carry messages
 * in place of HTTP, each behind two bytes of length, as DNS does by TCP (RFC
 * 1035, section 4.2.2).  A message is a request.  The body of a reply with
 * status 200 is the message that answers it, of 65,535 bytes at most; any
 * other status ends the connection. */
#define VMN_HANDLER_MESSAGES (UINT64_C(1) << 3)
/* Option of a handler: once it has sent its replies, the switch forgets the
 * connection of the packet, in the zone that the packet has passed last.  For
 * packets that a flow has found to be of a connection that nothing justifies
 * any more. */
#define VMN_HANDLER_FORGETS (UINT64_C(1) << 4)

/* Answers packets that flows send up (vmn/packet.h). */
struct vmn_handler_class {
    const char *name;
    /* Calls the vmn_send_*() functions, or vmn_send_nothing(). */
    void (*handle)(struct vmn_view *, const struct vmn_packet_in *,
                   struct vmn_packets_out *);
    /* If not 0, it is also called for each enabled port about so often, with
     * no packet ('size' is 0), and some times within ten seconds when the
     * port, its network or a router of that has changed: for unsolicited
     * messages to guests. */
    uint32_t interval_s;
    /* Then it is called instead for each port that leads to a physical network
     * (its VIF is "@NAME"), and 'arg' counts the calls. */
    bool provider_ports;
    /* What comes up is for the controller itself, such as answers to probes;
     * it is not called. */
    bool to_controller;
    /* What comes up by a port says that its guest runs on this host: so the
     * port is bound to it, if it is the candidate.  It is not called. */
    bool tells_guest;
    uint64_t options;           /* VMN_HANDLER_*. */
};

/* What a flow stands for to people: an object, and of a policy the rule. */
struct vmn_flow_owner {
    enum vmn_row_type row_type;
    const char *name;           /* Of the row. */
    int rule;                   /* From 0; -1: none. */
};

/* Says what a flow of unit 'unit' of key 'key' stands for; 'part' is the
 * conjunction that it matches, that of vmn_flow_count_part(), or 0.  As pure
 * as a handler, and reads as one does.  Returns false for what goes without
 * saying: the row that a VMN_EACH_ROW unit is for, or nothing. */
typedef bool vmn_flow_owner_fn(struct vmn_view *, const char *unit,
                               const char *key, uint32_t part,
                               struct vmn_flow_owner *);

/* Option of an app: its flows go while it is suspended, or cannot be loaded
 * (docs/writing-an-app.md has both); without it, they stay as they are. */
#define VMN_APP_WITHDRAW (UINT64_C(1) << 0)
/* Option of an app: it drops traffic that passes without it.  Changes that may
 * end this have warnings, and --refuse-loosening refuses them: of the app and
 * its code, of objects of its types, and of labels that their selectors select
 * (docs/own-types.md, "Types that deny"). */
#define VMN_APP_DENIES (UINT64_C(1) << 1)

/* An app.  Arrays end with an entry whose name is NULL, or are NULL.  It
 * begins with VMN_APP_HEAD, by which apps and daemons of one ABI understand
 * each other where one knows more members than the other. */
struct vmn_app_class {
    uint32_t abi;               /* VMN_APP_ABI. */
    uint32_t size;              /* sizeof(struct vmn_app_class). */
    uint32_t stage_size;        /* sizeof(struct vmn_stage_class). */
    uint32_t query_size;        /* And so on. */
    uint32_t unit_size;
    uint32_t id_pool_size;
    uint32_t handler_size;
    uint32_t reserved;          /* 0. */
    const char *name;           /* [a-z][a-z0-9-]*, at most 31 characters. */
    const char *description;
    const struct vmn_stage_class *stages;
    const struct vmn_query_class *queries;
    const struct vmn_unit_class *units;
    const struct vmn_id_pool_class *id_pools; /* "APP.NAME", its own. */
    const struct vmn_handler_class *handlers; /* Of vmn_act_punt(). */
    vmn_flow_owner_fn *flow_owner; /* Or NULL. */
    uint64_t options;           /* VMN_APP_*. */
    const struct vmn_type_class *types; /* Resource types, its own: by
                                         * VMN_APP_TYPES(). */
    uint32_t type_size;         /* sizeof(struct vmn_type_class). */
    uint32_t field_size;        /* sizeof(struct vmn_field_class). */
    uint32_t struct_size;       /* sizeof(struct vmn_struct_class). */
    uint32_t reserved_2;        /* 0. */
};

/* The first members of an app: which ABI it is of, and how long its structs
 * were when it was built. */
#define VMN_APP_HEAD                                    \
    .abi = VMN_APP_ABI,                                 \
    .size = sizeof(struct vmn_app_class),               \
    .stage_size = sizeof(struct vmn_stage_class),       \
    .query_size = sizeof(struct vmn_query_class),       \
    .unit_size = sizeof(struct vmn_unit_class),         \
    .id_pool_size = sizeof(struct vmn_id_pool_class),   \
    .handler_size = sizeof(struct vmn_handler_class)

/* The members by which an app declares the resource types 'TYPES'. */
#define VMN_APP_TYPES(TYPES)                            \
    .types = (TYPES),                                   \
    .type_size = sizeof(struct vmn_type_class),         \
    .field_size = sizeof(struct vmn_field_class),       \
    .struct_size = sizeof(struct vmn_struct_class)

#ifdef __cplusplus
}
#endif

#endif /* vmn/app.h */
