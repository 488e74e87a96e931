/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose the ends of pairs are; see pair-names.h. */

#include <config.h>

#include "controller/fabric/counters/pair-names.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/model.h"
#include "controller/schema/value.h"
#include "hash.h"
#include "timeval.h"
#include "util.h"

/* What a domain has is looked up again after that time, if rows have changed:
 * not with each change, since a large domain takes some milliseconds. */
#define DOMAIN_MS 1000

const char *
pair_host_of(const struct model *model, const char *port)
{
    const struct vmn_binding *binding = model_get_durable(
        model, VMN_TABLE_BINDING, port, NULL);

    return binding ? binding->host : NULL;
}

/* Ports of a host.  ------------------------------------------------------- */

void
host_ports_init(struct host_ports *ports)
{
    memset(ports, 0, sizeof *ports);
}

static void
clear(struct host_ports *ports)
{
    for (size_t i = 0; i < ports->n; i++) {
        free(ports->ports[i].name);
        free(ports->ports[i].network);
    }
    ports->n = 0;
}

void
host_ports_uninit(struct host_ports *ports)
{
    clear(ports);
    free(ports->ports);
}

static int
compare_ofports(const void *a_, const void *b_)
{
    const struct pair_port *a = a_, *b = b_;

    return (a->ofport > b->ofport) - (a->ofport < b->ofport);
}

static void
add_port(struct host_ports *ports, const struct model *model,
         const char *host, const char *name)
{
    struct model_meta meta;
    const struct vmn_port *port = model_get_durable(model, VMN_TABLE_PORT,
                                                    name, &meta);
    const struct vmn_binding *binding = model_get_durable(
        model, VMN_TABLE_BINDING, name, NULL);
    const struct vmn_network *network;
    const struct vmn_vif *vif;
    char *vif_name;

    if (!port || !binding || !binding->host || strcmp(binding->host, host)) {
        return;
    }
    vif_name = xasprintf("%s/%s", host, port->iface_id);
    vif = model_get_durable(model, VMN_TABLE_VIF, vif_name, NULL);
    free(vif_name);
    network = model_get_durable(model, VMN_TABLE_NETWORK, port->network,
                                NULL);
    if (!vif || !vif->ofport || !network) {
        return;
    }
    if (ports->n >= ports->allocated) {
        ports->ports = x2nrealloc(ports->ports, &ports->allocated,
                                  sizeof *ports->ports);
    }
    ports->ports[ports->n++] = (struct pair_port) {
        vif->ofport, network->vni, xstrdup(name), xstrdup(port->network),
        meta.created_ms,
    };
}

void
host_ports_read(struct host_ports *ports, const struct model *model,
                const char *host)
{
    uint64_t revision = model_durable_revision(model);
    struct vmn_names names;

    if (ports->revision && ports->revision == revision) {
        return;
    }
    ports->revision = revision;
    clear(ports);
    names = model_lookup(model, VMN_INDEX_PORT_BY_HOST, host);
    for (size_t i = 0; i < names.n; i++) {
        add_port(ports, model, host, names.names[i]);
    }
    if (ports->n) {
        qsort(ports->ports, ports->n, sizeof *ports->ports, compare_ofports);
    }
}

const struct pair_port *
host_ports_find(const struct host_ports *ports, uint32_t ofport)
{
    const struct pair_port key = { .ofport = ofport };

    return (ports->n ? bsearch(&key, ports->ports, ports->n,
                               sizeof *ports->ports, compare_ofports)
            : NULL);
}

/* Domains.  --------------------------------------------------------------- */

/* A subnet of a domain. */
struct area {
    struct vmn_prefix cidr;
    char *network;              /* Owned: members may go elsewhere. */
};

struct pair_domain {
    size_t n_refs;              /* Of its members. */
    size_t n, allocated;
    struct area *areas;         /* By address: none overlaps another. */
};

/* A network of a domain. */
struct member {
    struct hmap_node node;      /* In 'networks'. */
    struct pair_domain *domain;
    char name[];
};

void
pair_domains_init(struct pair_domains *domains)
{
    memset(domains, 0, sizeof *domains);
    hmap_init(&domains->networks);
}

static void
domain_unref(struct pair_domain *domain)
{
    if (!--domain->n_refs) {
        for (size_t i = 0; i < domain->n; i++) {
            free(domain->areas[i].network);
        }
        free(domain->areas);
        free(domain);
    }
}

static void
remove_member(struct pair_domains *domains, struct member *member)
{
    hmap_remove(&domains->networks, &member->node);
    domain_unref(member->domain);
    free(member);
}

void
pair_domains_uninit(struct pair_domains *domains)
{
    struct member *member, *next;

    HMAP_FOR_EACH_SAFE (member, next, node, &domains->networks) {
        remove_member(domains, member);
    }
    hmap_destroy(&domains->networks);
}

static struct member *
find_member(const struct pair_domains *domains, const char *network)
{
    struct member *member;

    HMAP_FOR_EACH_WITH_HASH (member, node, hash_string(network, 0),
                             &domains->networks) {
        if (!strcmp(member->name, network)) {
            return member;
        }
    }
    return NULL;
}

/* A domain that is read, into 'domain'. */
struct reading {
    struct pair_domains *domains;
    struct pair_domain *domain;
};

static void
add_network(void *reading_, const struct vmn_network *network)
{
    struct reading *reading = reading_;
    struct pair_domain *domain = reading->domain;
    struct member *member = find_member(reading->domains, network->row.name);
    size_t size = strlen(network->row.name) + 1;

    if (member) {
        remove_member(reading->domains, member); /* Of what was before. */
    }
    member = xmalloc(sizeof *member + size);
    member->domain = domain;
    memcpy(member->name, network->row.name, size);
    hmap_insert(&reading->domains->networks, &member->node,
                hash_string(member->name, 0));
    domain->n_refs++;
    for (size_t i = 0; i < network->n_subnets; i++) {
        if (domain->n >= domain->allocated) {
            domain->areas = x2nrealloc(domain->areas, &domain->allocated,
                                       sizeof *domain->areas);
        }
        domain->areas[domain->n++] = (struct area) {
            network->subnets[i].cidr, xstrdup(member->name),
        };
    }
}

static int
compare_ips(const struct vmn_ip *a, const struct vmn_ip *b)
{
    return (a->family != b->family ? a->family - b->family
            : memcmp(a->addr, b->addr, a->family == 6 ? 16 : 4));
}

static int
compare_areas(const void *a_, const void *b_)
{
    const struct area *a = a_, *b = b_;

    return compare_ips(&a->cidr.ip, &b->cidr.ip);
}

/* Reads the domain of 'network', whose members have it then in place of what
 * they had.  The caller has a reference. */
static struct pair_domain *
read_domain(struct pair_domains *domains, const struct model *model,
            const char *network)
{
    struct pair_domain *domain = xzalloc(sizeof *domain);
    struct reading reading = { domains, domain };

    domain->n_refs = 1;
    model_routed_networks(model, network, PAIR_NETWORKS_MAX, add_network,
                          &reading);
    if (domain->n) {
        qsort(domain->areas, domain->n, sizeof *domain->areas,
              compare_areas);
    }
    return domain;
}

/* As above.  All that was read is forgotten after its time, also of networks
 * that are no more. */
static struct pair_domain *
get_domain(struct pair_domains *domains, const struct model *model,
           const char *network)
{
    uint64_t revision = model_durable_revision(model);
    struct member *member;

    if (domains->revision != revision
        && time_msec() - domains->read_ms >= DOMAIN_MS) {
        pair_domains_uninit(domains);
        pair_domains_init(domains);
        domains->revision = revision;
        domains->read_ms = time_msec();
    }
    member = find_member(domains, network);
    if (member) {
        member->domain->n_refs++;
        return member->domain;
    }
    return read_domain(domains, model, network);
}

/* Returns the network that has the address in a subnet, or NULL. */
static const char *
network_of(const struct pair_domain *domain, const struct vmn_ip *ip)
{
    size_t low = 0, high = domain->n;

    while (low < high) {        /* The last that begins at 'ip' or before. */
        size_t middle = low + (high - low) / 2;

        if (compare_ips(&domain->areas[middle].cidr.ip, ip) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return (low && value_prefix_contains(&domain->areas[low - 1].cidr, ip)
            ? domain->areas[low - 1].network : NULL);
}

const char *
pair_domains_find(struct pair_domains *domains,
                  const struct model *model, const char *network,
                  const struct vmn_ip *ip, int64_t *created_ms)
{
    struct pair_domain *domain;
    struct model_meta meta;
    char text[INET6_ADDRSTRLEN];
    const char *owner, *port = NULL;

    if (!inet_ntop(ip->family == 4 ? AF_INET : AF_INET6, ip->addr, text,
                   sizeof text)) {
        return NULL;
    }
    domain = get_domain(domains, model, network);
    owner = network_of(domain, ip);
    if (owner) {
        port = model_find_address(model, owner, text);
    }
    domain_unref(domain);
    if (!port || !model_get_durable(model, VMN_TABLE_PORT, port, &meta)) {
        return NULL;
    }
    *created_ms = meta.created_ms;
    return port;
}
