/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks names up: of zones' records, of ports and balancers, and of addresses.
 * All from rows, at the moment of the question. */

#include "dns-app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many aliases are followed in a row. */
#define ALIASES_MAX 8

/* In how many networks of zones an address is looked for: a zone has at most
 * as many. */
#define NETWORKS_MAX 1000

/* Addresses alone, without a reply. */
struct addresses {
    size_t n, allocated;
    struct vmn_ip *ips;
};

static void
addresses_add(struct vmn_view *view, struct addresses *to,
              const struct vmn_ip *ip)
{
    if (to->n >= to->allocated) {
        size_t allocated = to->allocated ? 2 * to->allocated : 8;
        struct vmn_ip *ips = vmn_alloc(view, allocated * sizeof *ips);

        if (to->n) {
            memcpy(ips, to->ips, to->n * sizeof *ips);
        }
        to->ips = ips;
        to->allocated = allocated;
    }
    to->ips[to->n++] = *ip;
}

/* A lookup. */
struct search {
    struct vmn_view *view;
    struct vmn_names zones;     /* The zones of the network. */
    struct vmn_dns_answer *answer; /* NULL: of all records, addresses alone */
    struct addresses *addresses; /* are wanted, and go here. */
};

static bool
wants(const struct search *search, uint16_t type)
{
    uint16_t asked;

    if (!search->answer) {
        return type == VMN_DNS_A || type == VMN_DNS_AAAA;
    }
    asked = search->answer->query->type;

    return asked == type || asked == VMN_DNS_ANY;
}

/* Returns the part of 'name' within 'domain', "" for the domain itself; or
 * NULL if it is not within it. */
static const char *
inside(struct vmn_view *view, const char *name, const char *domain)
{
    size_t len = strlen(name), domain_len = strlen(domain);

    if (len < domain_len || strcmp(name + len - domain_len, domain)) {
        return NULL;
    }
    if (len == domain_len) {
        return "";
    }
    return (name[len - domain_len - 1] == '.'
            ? vmn_printf(view, "%.*s", (int) (len - domain_len - 1), name)
            : NULL);
}

/* Returns the zone with the longest domain that contains 'name', or NULL. */
static const struct vmn_dns_zone *
find_zone(const struct search *search, const char *name, const char **rest)
{
    const struct vmn_dns_zone *found = NULL;

    for (size_t i = 0; i < search->zones.n; i++) {
        const struct vmn_dns_zone *zone
            = vmn_read_dns_zone(search->view, search->zones.names[i]);
        const char *text = zone ? inside(search->view, name, zone->domain)
                                : NULL;

        if (text && (!found
                     || strlen(zone->domain) > strlen(found->domain))) {
            found = zone;
            *rest = text;
        }
    }
    return found;
}

/* Records.  -------------------------------------------------------------- */

static void
add_ips(const struct search *search, const char *name, uint32_t ttl,
        const struct vmn_ip *ips, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!search->answer) {
            addresses_add(search->view, search->addresses, &ips[i]);
        } else if (wants(search, ips[i].family == 4 ? VMN_DNS_A
                         : VMN_DNS_AAAA)) {
            vmn_dns_add_ip(search->answer, name, ttl, &ips[i]);
        }
    }
}

static void
add_srv(const struct search *search, const char *name, uint32_t ttl,
        const char *value)
{
    unsigned priority, weight, port;
    int at = 0;

    if (sscanf(value, "%u %u %u %n", &priority, &weight, &port, &at) == 3
        && at) {
        vmn_dns_add_srv(search->answer, name, ttl, priority, weight, port,
                        value + at);
    }
}

static void
add_record(const struct search *search, const char *name,
           const struct vmn_dns_zone *zone,
           const struct vmn_dns_record *record)
{
    uint32_t ttl = record->ttl ? record->ttl : zone->ttl;

    for (size_t i = 0; i < record->n_values; i++) {
        const char *value = record->values[i];
        struct vmn_ip ip;

        switch (record->type) {
        case VMN_DNS_TYPE_A:
        case VMN_DNS_TYPE_AAAA:
            if (vmn_ip_from_text(value, &ip)) {
                add_ips(search, name, ttl, &ip, 1);
            }
            break;
        case VMN_DNS_TYPE_SRV:
            if (wants(search, VMN_DNS_SRV)) {
                add_srv(search, name, ttl, value);
            }
            break;
        case VMN_DNS_TYPE_CNAME:
            if (search->answer) {
                vmn_dns_add_name(search->answer, name, ttl, VMN_DNS_CNAME,
                                 value);
            }
            break;
        case VMN_DNS_TYPE_PTR:
        default:
            break;
        }
    }
}

/* Returns the index of the first record that is not before the name: records
 * are sorted by name, those of addresses (PTR) at the end. */
static size_t
find_record(const struct vmn_dns_zone *zone, const char *name,
            bool is_address)
{
    size_t low = 0, high = zone->n_records;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct vmn_dns_record *record = vmn_dns_record_at(zone, middle);
        bool is_ptr = record->type == VMN_DNS_TYPE_PTR;

        if (is_ptr != is_address ? is_address
            : vmn_dns_compare_names(record->name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Returns true if there are names below 'name', which has no records, so that
 * it exists, too (RFC 8020): they come next. */
static bool
has_inside(struct vmn_view *view, const struct vmn_dns_zone *zone,
           const char *name)
{
    size_t i = find_record(zone, name, false);
    const struct vmn_dns_record *record
        = i < zone->n_records ? vmn_dns_record_at(zone, i) : NULL;

    return (record && record->type != VMN_DNS_TYPE_PTR
            && inside(view, record->name, name));
}

/* Ports and balancers.  --------------------------------------------------- */

static int
compare_texts(const void *a_, const void *b_)
{
    const char *const *a = a_;
    const char *const *b = b_;

    return strcmp(*a, *b);
}

/* Returns true if the zone is for the network: names of networks are
 * sorted. */
static bool
has_network(const struct vmn_dns_zone *zone, const char *network)
{
    return bsearch(&network, zone->networks, zone->n_networks,
                   sizeof *zone->networks, compare_texts) != NULL;
}

/* Adds the addresses of the port or balancer named 'rest'.  Returns false if
 * it has none in the zone's networks. */
static bool
add_port(const struct search *search, const char *name, const char *rest,
         const struct vmn_dns_zone *zone)
{
    const struct vmn_port *port = vmn_read_port(search->view, rest);
    const struct vmn_loadbalancer *lb;

    if (port && port->enabled && has_network(zone, port->network)) {
        add_ips(search, name, zone->ttl, port->ips, port->n_ips);
        return true;
    }
    lb = vmn_read_loadbalancer(search->view, rest);
    for (size_t i = 0; lb && i < lb->n_networks; i++) {
        if (has_network(zone, lb->networks[i])) {
            add_ips(search, name, zone->ttl, &lb->vip, 1);
            return true;
        }
    }
    return false;
}

/* Names.  ----------------------------------------------------------------- */

/* Adds what is known of a name.  If it is an alias to follow, '*alias' becomes
 * its target. */
static enum found
find_name(const struct search *search, const char *name,
          const struct vmn_dns_zone **zone, const char **alias)
{
    const char *rest = NULL;
    bool found = false;

    *alias = NULL;
    *zone = find_zone(search, name, &rest);
    if (!*zone) {
        return FOUND_NOT_OURS;
    }
    if (!*rest) {
        if (wants(search, VMN_DNS_SOA)) {
            vmn_dns_add_soa(search->answer, (*zone)->domain, (*zone)->ttl,
                            true);
        }
        found = true;
        rest = "@";
    }
    for (size_t i = find_record(*zone, rest, false);
         i < (*zone)->n_records && !strcmp(vmn_dns_record_at(*zone, i)->name,
                                           rest);
         i++) {
        const struct vmn_dns_record *record = vmn_dns_record_at(*zone, i);

        if (record->type == VMN_DNS_TYPE_PTR) {
            break;
        }
        add_record(search, name, *zone, record);
        found = true;
        if (record->type == VMN_DNS_TYPE_CNAME
            && !wants(search, VMN_DNS_CNAME)) {
            *alias = record->values[0];
        }
    }
    if (!found && (*zone)->ports) {
        found = add_port(search, name, rest, *zone);
    }
    return (found || has_inside(search->view, *zone, rest) ? FOUND_NAME
            : FOUND_NO_NAME);
}

/* Addresses.  ------------------------------------------------------------- */

static void
add_pointer(const struct search *search, const char *name, uint32_t ttl,
            const char *target)
{
    if (wants(search, VMN_DNS_PTR)) {
        vmn_dns_add_name(search->answer, name, ttl, VMN_DNS_PTR, target);
    }
}

/* Adds the PTR records that a zone has for an address.  Looks in at most
 * '*n_left' networks, which it counts down. */
static bool
add_pointers(const struct search *search, const char *name,
             const struct vmn_dns_zone *zone, const char *address,
             size_t *n_left)
{
    bool found = false;

    for (size_t i = find_record(zone, address, true);
         i < zone->n_records && !strcmp(vmn_dns_record_at(zone, i)->name,
                                        address);
         i++) {
        const struct vmn_dns_record *record = vmn_dns_record_at(zone, i);

        for (size_t j = 0; j < record->n_values; j++) {
            add_pointer(search, name, record->ttl ? record->ttl : zone->ttl,
                        record->values[j]);
            found = true;
        }
    }
    for (size_t i = 0; !found && zone->ports && i < zone->n_networks
         && *n_left; i++, --*n_left) {
        struct vmn_names ports = vmn_lookup(
            search->view, VMN_INDEX_PORT_BY_IP,
            vmn_printf(search->view, "%s/%s", zone->networks[i], address));

        for (size_t j = 0; j < ports.n; j++) {
            const struct vmn_port *port = vmn_read_port(search->view,
                                                        ports.names[j]);

            if (port && port->enabled) {
                add_pointer(search, name, zone->ttl,
                            vmn_printf(search->view, "%s.%s", ports.names[j],
                                       zone->domain));
                found = true;
            }
        }
    }
    return found;
}

/* Looks up an address.  If it is in no zone, another server may be responsible
 * for its subnet, so the question is not ours. */
static enum found
find_address(const struct search *search, const char *name,
             const struct vmn_ip *ip)
{
    const char *address = vmn_ip_text(search->view, ip);
    size_t n_left = NETWORKS_MAX;

    for (size_t i = 0; i < search->zones.n; i++) {
        const struct vmn_dns_zone *zone
            = vmn_read_dns_zone(search->view, search->zones.names[i]);

        if (zone && add_pointers(search, name, zone, address, &n_left)) {
            return FOUND_NAME;
        }
    }
    return FOUND_NOT_OURS;
}

/* Adds what is known of the target of an alias, unless it is outside of our
 * zones. */
static void
follow(const struct search *search, const char *alias)
{
    for (int i = 0; alias && i < ALIASES_MAX; i++) {
        const struct vmn_dns_zone *other;

        find_name(search, alias, &other, &alias);
    }
}

enum found
find_answer(struct vmn_view *view, const char *network,
            struct vmn_dns_answer *answer, const struct vmn_dns_zone **zone)
{
    const struct search search = {
        .view = view,
        .zones = vmn_lookup(view, VMN_INDEX_ZONE_BY_NETWORK, network),
        .answer = answer,
    };
    const char *name = answer->query->name;
    const char *alias = NULL;
    struct vmn_ip ip;
    enum found found;

    *zone = NULL;
    if (vmn_dns_reverse(name, &ip)) {
        return find_address(&search, name, &ip);
    }
    found = find_name(&search, name, zone, &alias);
    follow(&search, alias);
    return found;
}

/* Evaluates the addresses of "NETWORK|NAME", as struct vmn_ip[]; there is no
 * value if no zone of the network has the name.  What DNS servers know of an
 * alias' target is not among them. */
void
eval_addresses(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    struct addresses addresses = { 0, 0, NULL };
    struct search search = { .view = view, .addresses = &addresses };
    const struct vmn_dns_zone *zone;
    const char *network, *name, *alias;

    if (!vmn_key_split_two(view, key, &network, &name)) {
        return;
    }
    search.zones = vmn_lookup(view, VMN_INDEX_ZONE_BY_NETWORK, network);
    if (find_name(&search, name, &zone, &alias) == FOUND_NAME) {
        follow(&search, alias);
    }
    if (addresses.n) {
        vmn_value_set(value, addresses.ips,
                      addresses.n * sizeof *addresses.ips);
    }
}
