/* SPDX-License-Identifier: Apache-2.0
 *
 * What the change of one object opens by itself, whatever policies decide:
 * addresses that a port may use, ports that are enabled, ways between networks
 * and from outside, names in DNS that rules allow; see loosening.h. */

#include <config.h>

#include "controller/model/loosening-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/exposed-port.h"
#include "controller/model/txn.h"
#include "controller/schema/schema-rule.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Most addresses or networks that a statement names. */
#define NAMED_MAX 4

/* Appends one of several names; the caller appends how many there are
 * besides. */
static void
put_name(struct ds *ds, size_t n, const char *name)
{
    if (n < NAMED_MAX) {
        ds_put_format(ds, "%s%s", n ? ", " : "", name);
    }
}

static void
put_more(struct ds *ds, size_t n)
{
    if (n > NAMED_MAX) {
        ds_put_format(ds, " and %"PRIuSIZE" more", n - NAMED_MAX);
    }
}

/* Returns true if the row was there before the request. */
static bool
existed(const struct search *search, enum vmn_table table, const char *name)
{
    return judge_row(&search->judge, table, name, BEFORE) != NULL;
}

/* Ports.  ----------------------------------------------------------------- */

/* Returns true if the port may use the addresses of the pair already. */
static bool
allows_pair(const struct vmn_port *port, const struct vmn_address_pair *pair)
{
    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        const struct vmn_address_pair *other = vmn_address_pair_at(port, i);

        if (other->ip.ip.family == pair->ip.ip.family
            && other->ip.len <= pair->ip.len
            && vmn_prefix_contains(&other->ip, &pair->ip.ip)
            && !memcmp(&other->mac, &pair->mac, sizeof pair->mac)) {
            return true;
        }
    }
    return false;
}

static void
find_addresses(struct search *search, const struct vmn_port *before,
               const struct vmn_port *now)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    char buf[VALUE_PREFIX_SIZE];
    size_t n = 0;

    for (size_t i = 0; i < now->n_allowed_addresses; i++) {
        const struct vmn_address_pair *pair = vmn_address_pair_at(now, i);

        if (!allows_pair(before, pair)) {
            put_name(&ds, n++, value_format_prefix(&pair->ip, buf));
        }
    }
    put_more(&ds, n);
    if (n) {
        loosening_put(search, "addresses", VMN_TABLE_PORT, now->row.name,
                      "/spec/allowed_addresses", "%s may use addresses "
                      "besides its own: %s",
                      txn_name(search->txn, VMN_TABLE_PORT, now->row.name),
                      ds_cstr(&ds));
    }
    ds_destroy(&ds);
}

/* Returns true if neither the port nor its parent is disabled. */
static bool
is_enabled(const struct search *search, const struct vmn_port *port,
           enum moment at)
{
    const struct vmn_port *parent
        = (port->parent ? judge_row(&search->judge, VMN_TABLE_PORT,
                                    port->parent, at) : NULL);

    return port->enabled && (!parent || parent->enabled);
}

void
loosening_find_port_fields(struct search *search,
                           const struct vmn_port *before,
                           const struct vmn_port *now)
{
    const struct {
        bool opens;
        const char *kind, *pointer, *text;
    } fields[] = {
        { is_enabled(search, now, AFTER)
          && !is_enabled(search, before, BEFORE), "isolation",
          "/spec/enabled", "is not disabled any more" },
        { now->external && !before->external, "isolation", "/spec/external",
          "is on a physical network, which does not isolate it" },
        { now->unknown && !before->unknown, "addresses", "/spec/unknown",
          "may have guests behind it, with other addresses" },
        { now->dhcp_server && !before->dhcp_server, "addresses",
          "/spec/dhcp_server", "may be a DHCP server" },
    };

    find_addresses(search, before, now);
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        if (fields[i].opens) {
            loosening_put(search, fields[i].kind, VMN_TABLE_PORT,
                          now->row.name, fields[i].pointer, "%s %s",
                          txn_name(search->txn, VMN_TABLE_PORT,
                                   now->row.name), fields[i].text);
        }
    }
}

/* Interfaces.  ------------------------------------------------------------ */

static bool
same_interface(const struct vmn_port *a, const struct vmn_port *b)
{
    return (a->external == b->external && a->vlan == b->vlan
            && nullable_string_is_equal(a->parent, b->parent)
            && (a->parent || !strcmp(a->iface_id, b->iface_id)));
}

/* Returns a text of the port's interface, which is that of one port at a time.
 * The caller frees it. */
static char *
interface_of(const struct vmn_port *port)
{
    return (port->parent ? xasprintf("%"PRIu32"/%s", port->vlan, port->parent)
            : xasprintf("%d/%s", -port->external, port->iface_id));
}

/* Adds what a VM is freed of whose interface port 'name' has lost, to the port
 * 'taker' or to none (NULL). */
static void
compare_interface(struct search *search, const char *name, const char *taker)
{
    const struct judged_port *was = judge_port(&search->judge, name);
    const struct judged_port *is
        = taker ? judge_port(&search->judge, taker) : NULL;

    if (!was || (taker && !is)) {
        return;
    }
    /* Of a port that leaves quarantine itself, compare_states() says so. */
    if (was->kind->is_quarantined[BEFORE]
        && was->kind->is_quarantined[AFTER] == (was->row[AFTER] != NULL)
        && !(is && is->kind->is_quarantined[AFTER])) {
        loosening_put(search, "quarantine", VMN_TABLE_PORT, name, NULL,
                      "%s, which is quarantined, %s",
                      txn_name(search->txn, VMN_TABLE_PORT, name),
                      was->row[AFTER] ? "leaves its interface"
                      : "is deleted");
    }
    for (int d = 0; is && d < VMN_N_DIRECTIONS; d++) {
        if (was->kind->isolates[BEFORE][d]
            && !is->kind->isolates[AFTER][d]) {
            loosening_put(search, "isolation", VMN_TABLE_PORT, taker, NULL,
                          "%s has the interface of %s, and is not isolated "
                          "(%s)",
                          txn_name(search->txn, VMN_TABLE_PORT, taker),
                          txn_name(search->txn, VMN_TABLE_PORT, name),
                          d == VMN_INGRESS ? "ingress" : "egress");
        }
    }
}

/* Adds the interfaces that ports have after the request, and had not before
 * it. */
static void
find_takers(const struct search *search, struct shash *takers)
{
    for (size_t i = 0; i < search->txn->n_touched; i++) {
        const struct entry *entry = search->txn->touched[i];
        const struct vmn_port *before = loosening_row_of(entry->before);
        const struct vmn_port *now = loosening_row_of(entry->cur);

        if (entry->table == VMN_TABLE_PORT && now
            && !(before && same_interface(before, now))) {
            shash_add_nocopy(takers, interface_of(now), entry->name);
        }
    }
}

void
loosening_compare_interfaces(struct search *search)
{
    struct shash takers = SHASH_INITIALIZER(&takers);
    bool any = false;

    for (size_t i = 0; i < search->txn->n_touched
         && judge_step(&search->judge, 1); i++) {
        const struct entry *entry = search->txn->touched[i];
        const struct vmn_port *before = loosening_row_of(entry->before);
        const struct vmn_port *now = loosening_row_of(entry->cur);
        char *interface;

        if (entry->table != VMN_TABLE_PORT || !before
            || (now && same_interface(before, now))) {
            continue;
        }
        if (!any) {
            any = true;
            find_takers(search, &takers);
        }
        interface = interface_of(before);
        compare_interface(search, entry->name,
                          shash_find_data(&takers, interface));
        free(interface);
    }
    shash_destroy(&takers);
}

/* Routers.  --------------------------------------------------------------- */

static bool
joins(const struct vmn_router *router, const char *network)
{
    for (size_t i = 0; router && i < router->n_interfaces; i++) {
        if (!strcmp(vmn_router_interface_at(router, i)->network, network)) {
            return true;
        }
    }
    return false;
}

/* Adds networks that the router joins, of which one is new to it: those that
 * the request creates have no ports that were apart. */
static void
find_joined(struct search *search, const struct vmn_router *before,
            const struct vmn_router *now)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t n = 0, n_new = 0;

    for (size_t i = 0; i < now->n_interfaces; i++) {
        const char *name = vmn_router_interface_at(now, i)->network;

        if (existed(search, VMN_TABLE_NETWORK, name)) {
            n_new += !joins(before, name);
            put_name(&ds, n++, txn_name(search->txn, VMN_TABLE_NETWORK,
                                        name));
        }
    }
    put_more(&ds, n);
    if (n_new && n > 1) {
        loosening_put(search, "exposure", VMN_TABLE_ROUTER, now->row.name,
                      "/spec/interfaces", "%s joins %s",
                      txn_name(search->txn, VMN_TABLE_ROUTER,
                               now->row.name), ds_cstr(&ds));
    }
    ds_destroy(&ds);
}

/* Returns true if a network that was there is new to the router, or the router
 * to the external network. */
static bool
joins_external(const struct search *search, const struct vmn_router *before,
               const struct vmn_router *now, bool reaches_more)
{
    bool is_new = (!before || reaches_more
                   || !nullable_string_is_equal(before->external.network,
                                                now->external.network));

    for (size_t i = 0; i < now->n_interfaces; i++) {
        const char *name = vmn_router_interface_at(now, i)->network;

        if (existed(search, VMN_TABLE_NETWORK, name)
            && (is_new || !joins(before, name))) {
            return true;
        }
    }
    return false;
}

/* Returns true if the router did not translate packets to the prefix. */
static bool
exempts(const struct vmn_router *router, const struct vmn_prefix *prefix)
{
    for (size_t i = 0; router && i < router->external.n_exempt; i++) {
        const struct vmn_prefix *other = &router->external.exempt[i];

        if (other->ip.family == prefix->ip.family && other->len <= prefix->len
            && vmn_prefix_contains(other, &prefix->ip)) {
            return true;
        }
    }
    return router && router->external.routed;
}

/* Adds prefixes outside from which the inside can be reached now. */
static void
find_exempt(struct search *search, const struct vmn_router *before,
            const struct vmn_router *now)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    char buf[VALUE_PREFIX_SIZE];
    size_t n = 0;

    for (size_t i = 0; i < now->external.n_exempt
         && !now->external.routed; i++) {
        const struct vmn_prefix *prefix = &now->external.exempt[i];

        if (joins_external(search, before, now, !exempts(before, prefix))) {
            put_name(&ds, n++, value_format_prefix(prefix, buf));
        }
    }
    put_more(&ds, n);
    if (n) {
        loosening_put(search, "exposure", VMN_TABLE_ROUTER, now->row.name,
                      "/spec/external/exempt", "networks of %s may be reached "
                      "from %s", txn_name(search->txn, VMN_TABLE_ROUTER,
                                          now->row.name), ds_cstr(&ds));
    }
    ds_destroy(&ds);
}

/* Adds that networks that were there are joined to the external one. */
static void
find_external(struct search *search, const struct vmn_router *before,
              const struct vmn_router *now)
{
    const char *network = now->external.network;

    if (joins_external(search, before, now, now->external.routed
                       && !(before && before->external.routed))) {
        loosening_put(search, "exposure", VMN_TABLE_ROUTER, now->row.name,
                      "/spec/external", "%s lets its networks reach outside"
                      "%s by %s",
                      txn_name(search->txn, VMN_TABLE_ROUTER, now->row.name),
                      now->external.routed ? ", and be reached from there,"
                      : "", txn_name(search->txn, VMN_TABLE_NETWORK,
                                     network));
    }
}

/* Returns true if the port was there before the request and no policy decides
 * what reaches it. */
static bool
is_exposed(struct search *search, const char *name)
{
    const struct model *model = search->txn->model;

    return (existed(search, VMN_TABLE_PORT, name)
            && model_port_is_exposed(model, model_get(model, VMN_TABLE_PORT,
                                                      name),
                                     &search->judge.steps));
}

static bool
has_forward(const struct vmn_router *router, const struct vmn_forward *forward)
{
    for (size_t i = 0; router && i < router->external.n_forwards; i++) {
        const struct vmn_forward *other = vmn_forward_at(&router->external,
                                                         i);

        if (!memcmp(&other->address, &forward->address,
                    sizeof other->address)
            && other->protocol == forward->protocol
            && other->port == forward->port
            && other->target == forward->target
            && !strcmp(other->to, forward->to)) {
            return true;
        }
    }
    return false;
}

void
loosening_find_router(struct search *search, const struct entry *entry)
{
    const struct vmn_router *before = loosening_row_of(entry->before);
    const struct vmn_router *now = loosening_row_of(entry->cur);

    if (!now) {
        return;
    }
    find_joined(search, before, now);
    if (now->external.network) {
        find_external(search, before, now);
        find_exempt(search, before, now);
    }
    for (size_t i = 0; i < now->external.n_forwards; i++) {
        const struct vmn_forward *forward = vmn_forward_at(&now->external, i);

        if (!has_forward(before, forward)
            && is_exposed(search, forward->to)) {
            loosening_put(search, "exposure", VMN_TABLE_ROUTER,
                          now->row.name, "/spec/external/forwards",
                          "%s may be reached from outside on %s/%"PRIu16,
                          txn_name(search->txn, VMN_TABLE_PORT, forward->to),
                          schema_protocol_names[forward->protocol],
                          forward->target);
        }
    }
}

void
loosening_find_floating_ip(struct search *search, const struct entry *entry)
{
    const struct vmn_floating_ip *before = loosening_row_of(entry->before);
    const struct vmn_floating_ip *now = loosening_row_of(entry->cur);
    const struct model_rights *rights = search->txn->request->rights;
    const struct vmn_port *port;
    char buf[VALUE_IP_SIZE];
    char *text;

    if (!now || (now->port ? !is_exposed(search, now->port)
                 : !existed(search, VMN_TABLE_LOADBALANCER,
                            now->load_balancer))
        || (before && nullable_string_is_equal(before->port, now->port)
            && nullable_string_is_equal(before->load_balancer,
                                        now->load_balancer)
            && !strcmp(before->router, now->router))) {
        return;
    }
    port = (now->port ? model_get(search->txn->model, VMN_TABLE_PORT,
                                  now->port) : NULL);
    text = (port && txn_shows(search->txn, VMN_TABLE_PORT, now->port)
            ? model_exposed_text(now, port, rights && rights->scope.text)
            : xasprintf("makes %s reachable from outside at %s",
                        txn_name(search->txn, port ? VMN_TABLE_PORT
                                 : VMN_TABLE_LOADBALANCER,
                                 port ? now->port : now->load_balancer),
                        value_format_ip(&now->ip, buf)));
    loosening_put(search, "exposure", VMN_TABLE_FLOATING_IP, now->row.name,
                  port ? "/spec/port" : "/spec/load_balancer", "%s %s",
                  txn_name(search->txn, VMN_TABLE_FLOATING_IP, now->row.name),
                  text);
    free(text);
}

/* Names in DNS.  ---------------------------------------------------------- */

/* Returns true if the zone before the request has the value for the name. */
static bool
has_value(const struct vmn_dns_zone *zone, const struct vmn_dns_record *record,
          const char *value)
{
    for (size_t i = 0; i < zone->n_records; i++) {
        const struct vmn_dns_record *other = vmn_dns_record_at(zone, i);

        for (size_t j = 0; other->type == record->type
             && !strcmp(other->name, record->name) && j < other->n_values;
             j++) {
            if (!strcmp(other->values[j], value)) {
                return true;
            }
        }
    }
    return false;
}

/* Returns true if names of zone 'now' may have more addresses than before. */
static bool
answers_more(struct search *search, const struct vmn_dns_zone *before,
             const struct vmn_dns_zone *now)
{
    bool more = (!before || strcmp(before->domain, now->domain)
                 || (now->ports && !before->ports)
                 || now->n_networks != before->n_networks);

    for (size_t i = 0; i < now->n_networks && !more; i++) {
        more = strcmp(now->networks[i], before->networks[i]) != 0;
    }
    for (size_t i = 0; i < now->n_records && !more; i++) {
        const struct vmn_dns_record *record = vmn_dns_record_at(now, i);

        for (size_t j = 0; j < record->n_values && !more
             && judge_step(&search->judge, before->n_records); j++) {
            more = !has_value(before, record, record->values[j]);
        }
    }
    return more;
}

/* Returns a name of the zone that the rule lets pass, or NULL. */
static const char *
allowed_name(const struct vmn_rule *rule, const struct vmn_dns_zone *zone)
{
    size_t domain_len = strlen(zone->domain);

    for (size_t i = 0; i < rule->n_peers && (rule->action == VMN_ALLOW
                                             || rule->action == VMN_PASS);
         i++) {
        const char *name = vmn_peer_at(rule, i)->fqdn;
        size_t len = name ? strlen(name) : 0;

        if (len >= domain_len
            && !strcmp(name + len - domain_len, zone->domain)
            && (len == domain_len || name[len - domain_len - 1] == '.')) {
            return name;
        }
    }
    return NULL;
}

/* Adds policies that allow names of the zone, which vmnd itself answers. */
void
loosening_find_zone(struct search *search, const struct entry *entry)
{
    const struct model *model = search->txn->model;
    const struct vmn_dns_zone *before = loosening_row_of(entry->before);
    const struct vmn_dns_zone *now = loosening_row_of(entry->cur);
    struct vmn_names names = model_names(model, VMN_TABLE_POLICY);

    if (!now || !answers_more(search, before, now)) {
        return;
    }
    for (size_t i = 0; i < names.n && judge_step(&search->judge, 1); i++) {
        const struct vmn_policy *policy = model_get(model, VMN_TABLE_POLICY,
                                                    names.names[i]);

        for (size_t j = 0; loosening_is_enforced(policy)
             && j < policy->n_rules && judge_step(&search->judge, 1); j++) {
            const char *name = allowed_name(vmn_policy_rule_at(policy, j),
                                            now);

            if (name && txn_shows(search->txn, VMN_TABLE_POLICY,
                                  names.names[i])) {
                loosening_put(search, "access", VMN_TABLE_DNS_ZONE,
                              entry->name, NULL, "%s may have more addresses "
                              "for %s, which %s allows",
                              txn_name(search->txn, VMN_TABLE_DNS_ZONE,
                                       entry->name), name,
                              txn_name(search->txn, VMN_TABLE_POLICY,
                                       names.names[i]));
            }
        }
    }
}
