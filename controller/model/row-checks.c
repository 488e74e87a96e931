/* SPDX-License-Identifier: Apache-2.0
 *
 * What takes more than one object to check.  Everything is checked against
 * the state at the end of the request. */

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/model-private.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* References.  ------------------------------------------------------------ */

struct refs_check {
    struct txn *txn;
    const char *pointer;        /* Of the object. */
};

/* All tiers in their order.  The caller frees the text. */
static char *
tier_names(const struct model *model)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (int i = 1; i <= VMN_TIER_POSITIONS; i++) {
        char position[12];

        snprintf(position, sizeof position, "%d", i);
        const struct name_set *names = index_get(model, INDEX_POSITION,
                                                 position);
        for (size_t j = 0; j < names->n; j++) {
            ds_put_format(&ds, "%s%s", ds.length ? ", " : "",
                          names->names[j]);
        }
    }
    return ds_steal_cstr(&ds);
}

static void
check_ref(void *check_, enum vmn_table table, const char *name,
          const struct schema_field *f OVS_UNUSED, const char *field)
{
    const struct refs_check *check = check_;

    if (!model_get(check->txn->model, table, name)) {
        char *pointer = xasprintf("%s%s", check->pointer, field);
        char *others = table == VMN_TABLE_TIER
                       ? tier_names(check->txn->model) : NULL;

        vmn_errors_add(check->txn->errors, VMN_ERR_INVALID, pointer,
                       "%s \"%s\" does not exist%s%s",
                       schema_tables[table].singular, name,
                       others ? ": there are " : "", others ? others : "");
        free(others);
        free(pointer);
    }
}

void
check_refs(struct txn *txn, const struct entry *entry, const char *pointer)
{
    struct refs_check check = { txn, pointer };

    schema_row_refs(entry->cur->row, check_ref, &check);
}

/* Reports what still refers to an entry that was deleted. */
static void
check_referrers(struct txn *txn, const struct entry *entry)
{
    const struct schema_table *table = &schema_tables[entry->table];
    bool hidden = false;

    for (int i = 0; i < VMN_N_TABLES; i++) {
        const struct name_set *names = index_get(
            txn->model, index_refs(entry->table, i), entry->name);

        for (size_t j = 0; j < names->n; j++) {
            bool shown = txn_shows(txn, i, names->names[j]);

            /* Once for all that are not shown: how many is not told. */
            if (shown || !hidden) {
                txn_error(txn, entry, VMN_ERR_CONFLICT, "",
                          "%s \"%s\" is referenced by %s",
                          table->singular, entry->name,
                          txn_name(txn, i, names->names[j]));
            }
            hidden |= !shown;
        }
    }
}

/* Uniqueness.  ------------------------------------------------------------ */

/* The other name at 'key' of 'index', or NULL if 'name' has it alone. */
static const char *
find_other(const struct txn *txn, int index, const char *key,
           const char *name)
{
    const struct name_set *names = index_get(txn->model, index, key);

    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->names[i], name)) {
            return names->names[i];
        }
    }
    return NULL;
}

/* As find_other(), for the key "WHERE/TEXT". */
static const char *
find_other_in(const struct txn *txn, int index, const char *where,
              const char *text, const char *name)
{
    char *key = xasprintf("%s/%s", where, text);
    const char *other = find_other(txn, index, key, name);

    free(key);
    return other;
}

/* Ports.  ----------------------------------------------------------------- */

/* Checks that 'ip' is not kept for another port. */
static bool
check_ip_is_kept(struct txn *txn, const struct entry *where,
                 const char *field, const struct vmn_port *port,
                 const struct vmn_ip *ip, const struct vmn_subnet *subnet)
{
    const struct vmn_reservation *r = address_reservation(subnet, ip);
    char buf[VALUE_IP_SIZE];

    if (r && strcmp(r->port, port->row.name)) {
        txn_error(txn, where, VMN_ERR_CONFLICT, field,
                  "%s of %s is reserved for %s", value_format_ip(ip, buf),
                  txn_name(txn, VMN_TABLE_PORT, port->row.name),
                  txn_name(txn, VMN_TABLE_PORT, r->port));
        return false;
    }
    return true;
}

/* Checks that 'ip' is an address of the network.  'where' reports it. */
static bool
check_ip_fits(struct txn *txn, const struct entry *where, const char *field,
              const struct vmn_port *port, const struct vmn_ip *ip,
              const struct vmn_network *network)
{
    char buf[VALUE_IP_SIZE];

    value_format_ip(ip, buf);
    for (size_t i = 0; i < network->n_subnets; i++) {
        const struct vmn_prefix *cidr = &network->subnets[i].cidr;

        if (!value_prefix_contains(cidr, ip)) {
            continue;
        }
        if (value_prefix_is_reserved(cidr, ip)) {
            txn_error(txn, where, VMN_ERR_INVALID, field,
                      "%s of %s is the first %saddress of its subnet", buf,
                      txn_name(txn, VMN_TABLE_PORT, port->row.name),
                      ip->family == 4 ? "or last " : "");
            return false;
        }
        return check_ip_is_kept(txn, where, field, port, ip,
                                &network->subnets[i]);
    }
    txn_error(txn, where, VMN_ERR_INVALID, field,
              "%s of %s is in no subnet of network \"%s\"", buf,
              txn_name(txn, VMN_TABLE_PORT, port->row.name),
              network->row.name);
    return false;
}

static void
check_port_ip(struct txn *txn, const struct entry *entry,
              const struct vmn_port *port, const struct vmn_ip *ip)
{
    char buf[VALUE_IP_SIZE];
    const char *other;

    value_format_ip(ip, buf);
    other = find_other_in(txn, VMN_INDEX_PORT_BY_IP, port->network, buf,
                          entry->name);
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/ips",
                  "%s is used by %s in the same network", buf,
                  txn_name(txn, VMN_TABLE_PORT, other));
    }
    other = find_other_in(txn, INDEX_VIP_IP, port->network, buf, "");
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/ips",
                  "%s is the virtual IP of %s", buf,
                  txn_name(txn, VMN_TABLE_LOADBALANCER, other));
    }
    check_no_router_has(txn, entry, "/ips", port->network, ip);
}

static void check_backends(struct txn *, const struct entry *where,
                           const struct vmn_loadbalancer *);

/* A port that went to another network may not leave its balancers behind. */
static void
check_port_moved(struct txn *txn, const struct entry *entry)
{
    const struct vmn_port *port = entry_row(entry);
    const struct vmn_port *was = entry->before
        ? (const struct vmn_port *) entry->before->row : NULL;

    if (!was || !strcmp(was->network, port->network)) {
        return;
    }

    const struct name_set *lbs = index_get(
        txn->model, index_refs(VMN_TABLE_PORT, VMN_TABLE_LOADBALANCER),
        entry->name);
    for (size_t i = 0; i < lbs->n; i++) {
        const struct entry *lb = model_find(
            txn->model, VMN_TABLE_LOADBALANCER, lbs->names[i]);

        if (!entry_is_changed(lb)) {
            check_backends(txn, entry, entry_row(lb));
        }
    }
}

static void
check_port(struct txn *txn, const struct entry *entry)
{
    const struct vmn_port *port = entry_row(entry);
    const struct vmn_network *network = model_get(
        txn->model, VMN_TABLE_NETWORK, port->network);
    char buf[VALUE_MAC_SIZE];
    const char *other;

    other = find_other(txn, INDEX_IFACE_ID, port->iface_id, entry->name);
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/iface_id",
                  "\"%s\" is used by %s", port->iface_id,
                  txn_name(txn, VMN_TABLE_PORT, other));
    }
    if (!network) {
        return;
    }
    value_format_mac(port->mac, buf);
    other = find_other_in(txn, INDEX_MAC, port->network, buf, entry->name);
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/mac",
                  "%s is used by %s in the same network", buf,
                  txn_name(txn, VMN_TABLE_PORT, other));
    }
    for (size_t i = 0; i < port->n_ips; i++) {
        if (check_ip_fits(txn, entry, "/ips", port, &port->ips[i],
                          network)) {
            check_port_ip(txn, entry, port, &port->ips[i]);
        }
    }
    check_no_router_has_mac(txn, entry, port->network, port->mac);
    check_allowed(txn, entry);
    check_port_is_not_allowed(txn, entry);
    check_port_external(txn, entry, port, network);
    check_port_trunk(txn, entry, port);
    check_port_moved(txn, entry);
    check_port_floating(txn, entry);
}

/* Networks.  -------------------------------------------------------------- */

static bool
same_reservations(const struct vmn_subnet *a, const struct vmn_subnet *b)
{
    bool same = a->n_reservations == b->n_reservations;

    for (size_t i = 0; same && i < a->n_reservations; i++) {
        const struct vmn_reservation *r = &a->reservations[i];
        const struct vmn_reservation *s = &b->reservations[i];

        same = !memcmp(&r->ip, &s->ip, sizeof r->ip)
               && !strcmp(r->port, s->port);
    }
    return same;
}

static bool
same_subnets(const struct vmn_network *a, const struct vmn_network *b)
{
    bool same = a->n_subnets == b->n_subnets;

    for (size_t i = 0; same && i < a->n_subnets; i++) {
        same = !memcmp(&a->subnets[i].cidr, &b->subnets[i].cidr,
                       sizeof a->subnets[i].cidr)
               && same_reservations(&a->subnets[i], &b->subnets[i])
               && !memcmp(&a->subnets[i].gateway, &b->subnets[i].gateway,
                          sizeof a->subnets[i].gateway);
    }
    return same;
}

bool
network_keeps_subnets(const struct entry *entry)
{
    return (entry->before
            && same_subnets(entry_row(entry), (const struct vmn_network *)
                                              entry->before->row));
}

static void
check_vip_is_free(struct txn *txn, const struct entry *where,
                        const char *field, const struct vmn_loadbalancer *lb,
                        const struct vmn_network *network)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        const struct vmn_ip *gateway = &network->subnets[i].gateway;

        if (!memcmp(gateway, &lb->vip, sizeof *gateway)) {
            txn_error(txn, where, VMN_ERR_CONFLICT, field,
                      "the virtual IP of %s is the gateway of network "
                      "\"%s\"",
                      txn_name(txn, VMN_TABLE_LOADBALANCER, lb->row.name),
                      network->row.name);
        }

        const struct vmn_reservation *r
            = address_reservation(&network->subnets[i], &lb->vip);
        if (r) {
            txn_error(txn, where, VMN_ERR_CONFLICT, field,
                      "the virtual IP of %s is reserved for %s in network "
                      "\"%s\"",
                      txn_name(txn, VMN_TABLE_LOADBALANCER, lb->row.name),
                      txn_name(txn, VMN_TABLE_PORT, r->port),
                      network->row.name);
        }
    }
}

/* Subnets that change must still have what is there. */
static void
check_network(struct txn *txn, const struct entry *entry)
{
    const struct vmn_network *network = entry_row(entry);
    const struct name_set *names;

    check_provider(txn, entry);
    check_network_external(txn, entry);
    if (network_keeps_subnets(entry)) {
        return;
    }
    names = index_get(txn->model, VMN_INDEX_PORT_BY_NETWORK, entry->name);
    for (size_t i = 0; i < names->n; i++) {
        const struct entry *other = model_find(txn->model, VMN_TABLE_PORT,
                                               names->names[i]);
        const struct vmn_port *port = entry_row(other);

        for (size_t j = 0; !entry_is_changed(other) && j < port->n_ips; j++) {
            check_ip_fits(txn, entry, "/subnets", port, &port->ips[j],
                          network);
        }
    }
    names = index_get(txn->model, VMN_INDEX_LB_BY_NETWORK, entry->name);
    for (size_t i = 0; i < names->n; i++) {
        const struct entry *other = model_find(
            txn->model, VMN_TABLE_LOADBALANCER, names->names[i]);

        if (!entry_is_changed(other)) {
            check_vip_is_free(txn, entry, "/subnets", entry_row(other),
                                    network);
            check_vip_fits(txn, entry, "/subnets", other, entry);
        }
    }
    check_network_routers(txn, entry);
}

/* Load balancers.  -------------------------------------------------------- */

/* Errors go to 'where': the balancer, or the port that moved. */
static void
check_backends(struct txn *txn, const struct entry *where,
               const struct vmn_loadbalancer *lb)
{
    bool is_lb = where->table == VMN_TABLE_LOADBALANCER;

    for (size_t i = 0; i < lb->n_backends; i++) {
        const struct vmn_port *port = model_get(txn->model, VMN_TABLE_PORT,
                                                lb->backends[i].port);

        if (port && !vmn_lb_is_offered_in(lb, port->network)
            && (is_lb || !strcmp(where->name, port->row.name))) {
            txn_error(txn, where, VMN_ERR_INVALID,
                      is_lb ? "/backends" : "/network",
                      "%s is a backend of %s, which is not offered in %s",
                      txn_name(txn, VMN_TABLE_PORT, port->row.name),
                      txn_name(txn, VMN_TABLE_LOADBALANCER, lb->row.name),
                      txn_name(txn, VMN_TABLE_NETWORK, port->network));
        }
    }
}

/* Balancers may share a virtual IP, but no port of it. */
static void
check_vip_ports(struct txn *txn, const struct entry *entry,
                const struct vmn_loadbalancer *lb, const char *network,
                const char *vip, const char *name)
{
    const struct vmn_loadbalancer *other = model_get(
        txn->model, VMN_TABLE_LOADBALANCER, name);

    if (!other || other->protocol != lb->protocol) {
        return;
    }
    for (size_t i = 0; i < lb->n_ports; i++) {
        const struct vmn_lb_port *port = &lb->ports[i];

        for (size_t j = 0; j < other->n_ports; j++) {
            if (port->port <= vmn_lb_port_last(&other->ports[j])
                && other->ports[j].port <= vmn_lb_port_last(port)) {
                txn_error(txn, entry, VMN_ERR_CONFLICT, "/ports",
                          "port %u of %s is served by %s in network \"%s\"",
                          MAX(port->port, other->ports[j].port), vip,
                          txn_name(txn, VMN_TABLE_LOADBALANCER, name),
                          network);
                return;
            }
        }
    }
}

/* Checks that no other balancer in 'network' has its services. */
void
check_vip_others(struct txn *txn, const struct entry *entry,
                 const struct vmn_loadbalancer *lb, const char *network)
{
    char vip[VALUE_IP_SIZE];
    char *key = xasprintf("%s/%s", network, value_format_ip(&lb->vip, vip));
    const struct name_set *names = index_get(txn->model, INDEX_VIP_IP, key);

    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->names[i], entry->name)) {
            check_vip_ports(txn, entry, lb, network, vip, names->names[i]);
        }
    }
    free(key);
}

/* Returns true if the balancer was there at its virtual IP before the request. */
static bool
had_vip(const struct entry *entry, const char *network)
{
    const struct vmn_loadbalancer *lb = entry_row(entry);
    const struct vmn_loadbalancer *before = entry->before
        ? (const struct vmn_loadbalancer *) entry->before->row : NULL;

    return (before && !memcmp(&before->vip, &lb->vip, sizeof lb->vip)
            && vmn_lb_is_offered_in(before, network));
}

static void
check_vip(struct txn *txn, const struct entry *entry,
          const struct vmn_loadbalancer *lb, const char *network)
{
    char vip[VALUE_IP_SIZE];
    const char *other;

    value_format_ip(&lb->vip, vip);
    other = find_other_in(txn, VMN_INDEX_PORT_BY_IP, network, vip, "");
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/vip",
                  "%s is used by %s in network \"%s\"", vip,
                  txn_name(txn, VMN_TABLE_PORT, other), network);
    }
    check_no_router_has(txn, entry, "/vip", network, &lb->vip);
    if (!had_vip(entry, network)) {
        check_is_not_allowed(txn, entry, "/vip", network, &lb->vip);
    }
    check_vip_others(txn, entry, lb, network);
}

/* A balancer that falls back on another that falls back on it would look for
 * backends for ever. */
static void
check_fallback(struct txn *txn, const struct entry *entry,
               const struct vmn_loadbalancer *lb)
{
    const struct vmn_loadbalancer *at = lb;
    unsigned depth = 0;

    while (at && at->fallback) {
        at = model_get(txn->model, VMN_TABLE_LOADBALANCER, at->fallback);
        if (at && !depth && (at->vip.family != lb->vip.family
                             || at->protocol != lb->protocol)) {
            txn_error(txn, entry, VMN_ERR_INVALID, "/fallback",
                      "loadbalancer \"%s\" is of another protocol or family",
                      at->row.name);
        }
        if (++depth > VMN_LB_FALLBACKS_MAX) {
            txn_error(txn, entry, VMN_ERR_INVALID, "/fallback",
                      "must not form a chain of more than %d, nor a cycle",
                      VMN_LB_FALLBACKS_MAX);
            return;
        }
    }
}

static void
check_loadbalancer(struct txn *txn, const struct entry *entry)
{
    const struct vmn_loadbalancer *lb = entry_row(entry);

    check_vip_loopback(txn, entry);
    for (size_t i = 0; i < lb->n_networks; i++) {
        const struct entry *network = model_find(
            txn->model, VMN_TABLE_NETWORK, lb->networks[i]);

        check_vip(txn, entry, lb, lb->networks[i]);
        check_is_overlay(txn, entry, "/networks", lb->networks[i],
                         "virtual IPs");
        if (entry_row(network)) {
            check_vip_is_free(txn, entry, "/vip", lb, entry_row(network));
            check_vip_fits(txn, entry, "/vip", entry, network);
        }
    }
    check_vip_domain(txn, entry, lb);
    check_backends(txn, entry, lb);
    check_fallback(txn, entry, lb);
}

static int
compare_limits(const void *a_, const void *b_)
{
    const struct vmn_lb_client_limit *a = a_, *b = b_;

    return (a->rate != b->rate ? (a->rate < b->rate ? -1 : 1)
            : a->burst < b->burst ? -1 : a->burst > b->burst);
}

/* How many different limits of clients balancers have. */
static size_t
count_limits(const struct model *model)
{
    struct vmn_names names = model_names(model, VMN_TABLE_LOADBALANCER);
    struct vmn_lb_client_limit *limits = xmalloc(MAX(names.n, 1)
                                                 * sizeof *limits);
    size_t n = 0, n_different = 0;

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_loadbalancer *lb = model_get(
            model, VMN_TABLE_LOADBALANCER, names.names[i]);

        if (lb && lb->client_limit.rate) {
            limits[n] = lb->client_limit;
            limits[n].burst = vmn_lb_burst(&lb->client_limit);
            n++;
        }
    }
    qsort(limits, n, sizeof *limits, compare_limits);
    for (size_t i = 0; i < n; i++) {
        n_different += !i || compare_limits(&limits[i - 1], &limits[i]);
    }
    free(limits);
    return n_different;
}

/* Each takes many of the meters that a switch has. */
static void
check_limits(struct txn *txn)
{
    for (size_t i = 0; i < txn->n_touched; i++) {
        const struct entry *entry = txn->touched[i];

        if (entry->table == VMN_TABLE_LOADBALANCER && entry->cur
            && entry_is_changed(entry)
            && ((const struct vmn_loadbalancer *) entry_row(entry))
               ->client_limit.rate) {
            if (count_limits(txn->model) > VMN_LB_LIMITS_MAX) {
                txn_error(txn, entry, VMN_ERR_CONFLICT, "/client_limit",
                          "balancers can have at most %d different limits",
                          VMN_LB_LIMITS_MAX);
            }
            return;
        }
    }
}

static void
check_tunnel_ip(struct txn *txn, const struct entry *entry,
                const char *field, const struct vmn_ip *ip)
{
    char buf[VALUE_IP_SIZE];
    const char *other;

    value_format_ip(ip, buf);
    if (ip->family == 6 && ip->addr[0] == 0xfe
        && (ip->addr[1] & 0xc0) == 0x80) {
        txn_error(txn, entry, VMN_ERR_INVALID, field,
                  "must not be link-local: %s", buf);
    }
    other = find_other(txn, INDEX_TUNNEL_IP, buf, entry->name);
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, field,
                  "%s is that of host \"%s\"", buf, other);
    }
}

/* Any two hosts may come to have a network in common, so they must have a
 * family in common for its tunnels. */
static void
check_tunnel_family(struct txn *txn, const struct entry *entry,
                    const struct vmn_host *host)
{
    bool v6 = host->tunnel_ip.family == 6;
    const char *other = find_other(txn, INDEX_TUNNEL_FAMILY, v6 ? "4" : "6",
                                   entry->name);

    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/tunnel_ip",
                  "is IPv%d, and host \"%s\" has no address but one of "
                  "IPv%d: one of them needs a second_tunnel_ip",
                  v6 ? 6 : 4, other, v6 ? 4 : 6);
    }
}

static void
check_host(struct txn *txn, const struct entry *entry)
{
    const struct vmn_host *host = entry_row(entry);

    check_tunnel_ip(txn, entry, "/tunnel_ip", &host->tunnel_ip);
    if (!host->second_tunnel_ip.family) {
        check_tunnel_family(txn, entry, host);
        return;
    }
    check_tunnel_ip(txn, entry, "/second_tunnel_ip",
                    &host->second_tunnel_ip);
    if (host->second_tunnel_ip.family == host->tunnel_ip.family) {
        txn_error(txn, entry, VMN_ERR_INVALID, "/second_tunnel_ip",
                  "must be IPv%d: tunnel_ip is IPv%d",
                  host->tunnel_ip.family == 6 ? 4 : 6,
                  host->tunnel_ip.family);
    }
}

static void
check_tier(struct txn *txn, const struct entry *entry)
{
    const struct vmn_tier *tier = entry_row(entry);
    char position[12];
    const char *other;

    snprintf(position, sizeof position, "%u", tier->position);
    other = find_other(txn, INDEX_POSITION, position, entry->name);
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/position",
                  "%s is that of tier \"%s\"", position, other);
    }
}

/* In the application tier equal policies are united, denials first.  In others
 * the order decides, so there must be one. */
static void
check_policy(struct txn *txn, const struct entry *entry)
{
    const struct vmn_policy *policy = entry_row(entry);
    const struct vmn_tier *tier = model_get(txn->model, VMN_TABLE_TIER,
                                            policy->tier);
    char priority[12];
    const char *other;

    if (entry->op) {
        check_rules(txn, entry);
    }
    if (!tier || tier->position == VMN_TIER_APPLICATION) {
        return;
    }
    snprintf(priority, sizeof priority, "%u", policy->priority);
    other = find_other_in(txn, INDEX_PRIORITY, policy->tier, priority,
                          entry->name);
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/priority",
                  "%s is that of %s in tier \"%s\": the order of the two must "
                  "be explicit", priority,
                  txn_name(txn, VMN_TABLE_POLICY, other), policy->tier);
    }
}

/* DNS zones.  ------------------------------------------------------------- */

/* Who asks must get one answer. */
static void
check_zone(struct txn *txn, const struct entry *entry)
{
    const struct vmn_dns_zone *zone = entry_row(entry);

    for (size_t i = 0; i < zone->n_networks; i++) {
        const struct name_set *names = index_get(
            txn->model, VMN_INDEX_ZONE_BY_NETWORK, zone->networks[i]);

        for (size_t j = 0; j < names->n; j++) {
            const struct vmn_dns_zone *other = model_get(
                txn->model, VMN_TABLE_DNS_ZONE, names->names[j]);

            if (strcmp(names->names[j], entry->name)
                && !strcmp(other->domain, zone->domain)) {
                txn_error(txn, entry, VMN_ERR_CONFLICT, "/networks",
                          "%s has domain %s in network \"%s\", too",
                          txn_name(txn, VMN_TABLE_DNS_ZONE,
                                   names->names[j]), zone->domain,
                          zone->networks[i]);
            }
        }
    }
}

/* All of it.  ------------------------------------------------------------- */

static void
check_entry(struct txn *txn, const struct entry *entry)
{
    /* What the request does not name lacks only what the request deletes:
     * check_referrers() tells, where the request can be mended. */
    if (entry->op) {
        char *pointer = txn_pointer(txn, entry, "");

        check_refs(txn, entry, pointer);
        check_reserved_macs(txn, entry);
        free(pointer);
    }
    check_effect(txn, entry);
    if (entry->table == VMN_TABLE_HOST) {
        check_host(txn, entry);
    } else if (entry->table == VMN_TABLE_NETWORK) {
        check_network(txn, entry);
    } else if (entry->table == VMN_TABLE_PORT) {
        check_port(txn, entry);
    } else if (entry->table == VMN_TABLE_TIER) {
        check_tier(txn, entry);
    } else if (entry->table == VMN_TABLE_POLICY) {
        check_policy(txn, entry);
    } else if (entry->table == VMN_TABLE_LOADBALANCER) {
        check_loadbalancer(txn, entry);
        check_lb_floating(txn, entry);
    } else if (entry->table == VMN_TABLE_ROUTER) {
        check_router(txn, entry);
        check_external(txn, entry);
    } else if (entry->table == VMN_TABLE_FLOATING_IP) {
        check_floating_ip(txn, entry);
    } else if (entry->table == VMN_TABLE_DNS_ZONE) {
        check_zone(txn, entry);
    }
}

void
check_touched(struct txn *txn)
{
    for (size_t i = 0; i < txn->n_touched; i++) {
        const struct entry *entry = txn->touched[i];

        if (!entry_is_changed(entry)) {
            continue;
        }
        if (entry->cur) {
            check_entry(txn, entry);
        } else {
            check_referrers(txn, entry);
        }
        model_yield(txn->model);
    }
    check_limits(txn);
    check_nesting(txn);
    check_domains(txn);
}
